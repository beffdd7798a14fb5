/* rdata_svcb_text: the parameters of SVCB and HTTPS records in presentation form (RFC 9460 2.1 and
 * appendix A).  ldns takes the two levels of escapes for one, so this is our own.  Runs on the
 * signing side; text comes from zone files, wire form has been checked. */
#include "dns/rdata_parse_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/rdata_text.h"

static const char *const key_names[] = {"mandatory", "alpn", "no-default-alpn", "port", "ipv4hint",
    "ech", "ipv6hint", "dohpath", "ohttp"};
enum {
	KEY_MANDATORY,
	KEY_ALPN,
	KEY_NO_DEFAULT_ALPN,
	KEY_PORT,
	KEY_IPV4HINT,
	KEY_ECH,
	KEY_IPV6HINT
};

struct param {
	uint16_t key;
	struct buf value;
};

static bool parse_key(const char *text, size_t len, uint16_t *out)
{
	char digits[6] = "";
	uint32_t number;

	for (size_t i = 0; i < MEM_COUNT(key_names); i++) {
		if (strlen(key_names[i]) == len && memcmp(key_names[i], text, len) == 0) {
			*out = (uint16_t)i;
			return true;
		}
	}
	if (len < 4 || len > 3 + 5 || memcmp(text, "key", 3) != 0)
		return false;
	memcpy(digits, text + 3, len - 3);
	if (!parse_number(digits, UINT16_MAX, &number))
		return false;
	*out = (uint16_t)number;
	return true;
}

/* The next item of a list whose commas and backslashes may be escaped; false for an empty one. */
static bool next_item(const uint8_t **p, const uint8_t *end, struct buf *item)
{
	buf_reset(item);
	for (; *p < end && **p != ','; (*p)++) {
		if (**p == '\\' && ++*p == end)
			return false;
		buf_u8(item, **p);
	}
	if (*p < end && ++*p == end)
		return false; /* a comma at the end */
	return item->len > 0;
}

static int compare_keys(const void *a, const void *b)
{
	return memcmp(a, b, 2);
}

static bool put_item(uint16_t key, struct buf *item, struct buf *out)
{
	uint16_t listed;

	if (key == KEY_ALPN) {
		if (item->len > UINT8_MAX)
			return false;
		buf_u8(out, (uint8_t)item->len);
		buf_put(out, item->data, item->len);
		return true;
	}
	if (key == KEY_MANDATORY) {
		if (!parse_key((const char *)item->data, item->len, &listed))
			return false;
		buf_u16(out, listed);
		return true;
	}
	buf_u8(item, '\0');
	return !item->failed && parse_address(key == KEY_IPV4HINT ? AF_INET : AF_INET6,
				    (const char *)item->data, out);
}

static bool put_list(uint16_t key, const struct buf *value, struct buf *out)
{
	const uint8_t *p = value->data, *end = p + value->len;
	struct buf item = {0};
	bool good = value->len > 0;

	while (good && p < end)
		good = next_item(&p, end, &item) && put_item(key, &item, out);
	if (good && !out->failed && key == KEY_MANDATORY)
		qsort(out->data, out->len / 2, 2, compare_keys);
	buf_free(&item);
	return good;
}

/* value: the octets of the character-string. */
static bool put_value(uint16_t key, struct buf *value, struct buf *out)
{
	uint32_t port;

	switch (key) {
	case KEY_MANDATORY:
	case KEY_ALPN:
	case KEY_IPV4HINT:
	case KEY_IPV6HINT:
		return put_list(key, value, out);
	case KEY_PORT:
		buf_u8(value, '\0');
		if (value->failed || !parse_number((const char *)value->data, UINT16_MAX, &port))
			return false;
		buf_u16(out, (uint16_t)port);
		return true;
	case KEY_ECH:
		buf_u8(value, '\0');
		return !value->failed &&
		       parse_by_ldns(LDNS_RDF_TYPE_B64, (const char *)value->data, out);
	default:
		buf_put(out, value->data, value->len);
		return true;
	}
}

/* key, key=value or key="value" */
static bool parse_param(const char *text, struct param *out)
{
	size_t key_len = strcspn(text, "=");
	struct buf raw = {0}, value = {0};
	bool good = parse_key(text, key_len, &out->key);

	text += key_len;
	if (*text == '=') {
		size_t len = strlen(++text);
		bool quoted = len >= 2 && text[0] == '"' && text[len - 1] == '"';

		buf_put(&raw, quoted ? text + 1 : text, quoted ? len - 2 : len);
	}
	buf_u8(&raw, '\0');
	good = good && !raw.failed && rdata_parse_string((const char *)raw.data, &value) &&
	       put_value(out->key, &value, &out->value);
	buf_free(&value);
	buf_free(&raw);
	return good && !out->value.failed && out->value.len <= UINT16_MAX;
}

static int compare_params(const void *a, const void *b)
{
	return ((const struct param *)a)->key - ((const struct param *)b)->key;
}

/* Duplicates come out as they are, for rdata_check to find. */
bool parse_svcparams(struct parse *p, struct buf *out)
{
	size_t count = p->count - p->at, i = 0;
	struct param *params = mem_array(count + 1, sizeof(*params));
	bool good = true;

	for (i = 0; good && i < count; i++)
		good = parse_param(parse_take(p), &params[i]);
	if (good)
		qsort(params, count, sizeof(*params), compare_params);
	for (i = 0; i < count; i++) {
		if (good) {
			buf_u16(out, params[i].key);
			buf_lv16(out, params[i].value.data, params[i].value.len);
		}
		buf_free(&params[i].value);
	}
	free(params);
	return good;
}

static void put_key(uint16_t key, struct buf *out)
{
	if (key < MEM_COUNT(key_names))
		buf_put(out, key_names[key], strlen(key_names[key]));
	else
		buf_printf(out, "key%u", key);
}

static void text_alpn(const uint8_t *p, size_t len, struct buf *out)
{
	struct buf list = {0};

	for (size_t at = 0; at < len; at += p[at] + 1u) {
		if (at > 0)
			buf_u8(&list, ',');
		for (size_t i = 1; i <= p[at]; i++) {
			if (p[at + i] == ',' || p[at + i] == '\\')
				buf_u8(&list, '\\');
			buf_u8(&list, p[at + i]);
		}
	}
	text_put_quoted(list.data, list.len, out);
	buf_free(&list);
}

static void text_addresses(int family, size_t size, const uint8_t *p, size_t len, struct buf *out)
{
	for (size_t at = 0; at < len; at += size) {
		if (at > 0)
			buf_u8(out, ',');
		text_put_address(family, p + at, out);
	}
}

static void text_value(uint16_t key, const uint8_t *p, size_t len, struct buf *out)
{
	switch (key) {
	case KEY_MANDATORY:
		for (size_t at = 0; at < len; at += 2) {
			if (at > 0)
				buf_u8(out, ',');
			put_key(load_u16(p + at), out);
		}
		break;
	case KEY_ALPN:
		text_alpn(p, len, out);
		break;
	case KEY_PORT:
		buf_printf(out, "%u", load_u16(p));
		break;
	case KEY_IPV4HINT:
		text_addresses(AF_INET, 4, p, len, out);
		break;
	case KEY_ECH:
		text_put_by_ldns(LDNS_RDF_TYPE_B64, p, len, out);
		break;
	case KEY_IPV6HINT:
		text_addresses(AF_INET6, 16, p, len, out);
		break;
	default:
		text_put_quoted(p, len, out);
	}
}

void text_put_svcparams(const uint8_t *p, size_t len, struct buf *out)
{
	const uint8_t *end = p + len;

	for (const uint8_t *start = p; p < end; p += 4 + load_u16(p + 2)) {
		if (p > start)
			buf_u8(out, ' ');
		put_key(load_u16(p), out);
		if (load_u16(p + 2) > 0) {
			buf_u8(out, '=');
			text_value(load_u16(p), p + 4, load_u16(p + 2), out);
		}
	}
}
