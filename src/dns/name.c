/* name: domain names in wire form.  Runs in every process.  Only name_check, name_parse and
 * name_from_key take untrusted input; all others rely on the shape that those guarantee. */
#include "dns/name.h"

#include <string.h>

#define LABEL_MAX 63

/* Length octets (at most 63) are below 'A': whole names may be lowered octet by octet. */
static inline uint8_t lower(uint8_t c)
{
	return (uint8_t)(c + ((unsigned)(c - 'A') < 26 ? 'a' - 'A' : 0));
}

size_t name_len(const uint8_t *name)
{
	const uint8_t *p = name;

	while (*p != 0)
		p += *p + 1;
	return (size_t)(p - name) + 1;
}

unsigned name_labels(const uint8_t *name)
{
	unsigned n = 0;

	for (; *name != 0; name += *name + 1)
		n++;
	return n;
}

/* One character of text, its escapes undone; -1 for a broken escape. */
static int unescape(const char **text)
{
	const uint8_t *s = (const uint8_t *)*text;
	int value = 0;

	if (s[0] != '\\') {
		*text += 1;
		return s[0];
	}
	if (s[1] < '0' || s[1] > '9') {
		*text += 2;
		return s[1] != '\0' ? s[1] : -1;
	}
	for (int i = 1; i <= 3; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		value = value * 10 + s[i] - '0';
	}
	*text += 4;
	return value <= 255 ? value : -1;
}

/* The labels of text without the root label: their length, or -1.  *absolute: a final dot. */
static int parse_labels(const char *text, uint8_t out[NAME_MAX_LEN], bool *absolute)
{
	size_t start = 0, at = 1;

	*absolute = false;
	while (*text != '\0') {
		bool dot = *text == '.';
		int c = dot ? (text++, 0) : unescape(&text);

		if (c < 0 || at >= NAME_MAX_LEN)
			return -1;
		if (!dot) {
			out[at++] = (uint8_t)c;
			continue;
		}
		if (at - start - 1 == 0 || at - start - 1 > LABEL_MAX)
			return -1;
		out[start] = (uint8_t)(at - start - 1);
		start = at++;
		*absolute = *text == '\0';
	}
	if (*absolute)
		return (int)start;
	if (at - start - 1 == 0 || at - start - 1 > LABEL_MAX)
		return -1;
	out[start] = (uint8_t)(at - start - 1);
	return (int)at;
}

int name_parse_at(const char *text, const uint8_t *origin, uint8_t out[NAME_MAX_LEN])
{
	static const uint8_t root[1] = {0};
	uint8_t labels[NAME_MAX_LEN];
	const uint8_t *tail = root;
	bool absolute;
	int len = 0;

	if (strcmp(text, ".") != 0) {
		len = parse_labels(text, labels, &absolute);
		if (len < 0)
			return ERR_FORMAT;
		tail = absolute ? root : origin;
	}
	if ((size_t)len + name_len(tail) > NAME_MAX_LEN)
		return ERR_FORMAT;
	memmove(out + len, tail, name_len(tail));
	memcpy(out, labels, (size_t)len);
	return OK;
}

int name_parse(const char *text, uint8_t out[NAME_MAX_LEN])
{
	static const uint8_t root[1] = {0};

	return name_parse_at(text, root, out);
}

static char *put_octet(char *p, uint8_t c)
{
	if (c <= ' ' || c >= 0x7f) {
		*p++ = '\\';
		*p++ = (char)('0' + c / 100);
		*p++ = (char)('0' + c / 10 % 10);
		*p++ = (char)('0' + c % 10);
		return p;
	}
	if (strchr("\"$().;@\\", c) != NULL)
		*p++ = '\\';
	*p++ = (char)c;
	return p;
}

void name_text(const uint8_t *name, char out[NAME_TEXT_SIZE])
{
	char *p = out;

	if (*name == 0)
		*p++ = '.';
	for (; *name != 0; name += *name + 1) {
		for (unsigned i = 1; i <= *name; i++)
			p = put_octet(p, name[i]);
		*p++ = '.';
	}
	*p = '\0';
}

void name_lower(uint8_t *name)
{
	size_t len = name_len(name);

	for (size_t i = 0; i < len; i++)
		name[i] = lower(name[i]);
}

static bool same_octets(const uint8_t *a, const uint8_t *b, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool name_equal(const uint8_t *a, const uint8_t *b)
{
	size_t len = name_len(a);

	return len == name_len(b) && same_octets(a, b, len);
}

bool name_is_at_or_below(const uint8_t *name, const uint8_t *apex)
{
	unsigned mine = name_labels(name), theirs = name_labels(apex);

	if (mine < theirs)
		return false;
	for (; mine > theirs; mine--)
		name += *name + 1;
	return name_equal(name, apex);
}

const uint8_t *name_parent(const uint8_t *name)
{
	return *name == 0 ? NULL : name + *name + 1;
}

bool name_is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

size_t name_check(const uint8_t *p, size_t len)
{
	size_t at = 0;

	if (len > NAME_MAX_LEN)
		len = NAME_MAX_LEN;
	while (at < len) {
		if (p[at] == 0)
			return at + 1;
		if (p[at] > LABEL_MAX)
			return 0;
		at += p[at] + 1u;
	}
	return 0;
}

size_t name_expand(const uint8_t *msg, size_t len, size_t at, uint8_t out[NAME_MAX_LEN])
{
	size_t start = at, taken = 0, n = 0, floor = at;

	for (;;) {
		if (at >= len)
			return 0;
		if (msg[at] > LABEL_MAX) {
			if (msg[at] < 0xc0 || at + 1 >= len)
				return 0;
			if (taken == 0)
				taken = at + 2 - start;
			at = (size_t)(msg[at] & 0x3f) << 8 | msg[at + 1];
			if (at >= floor)
				return 0;
			floor = at;
			continue;
		}
		if (n + msg[at] + 1 > NAME_MAX_LEN || at + msg[at] >= len)
			return 0;
		memcpy(out + n, msg + at, msg[at] + 1u);
		n += msg[at] + 1u;
		if (msg[at] == 0)
			return taken != 0 ? taken : at + 1 - start;
		at += msg[at] + 1u;
	}
}

size_t name_key(const uint8_t *name, uint8_t out[NAME_KEY_MAX])
{
	const uint8_t *labels[NAME_DEPTH_MAX];
	unsigned count = 0;
	uint8_t *p = out;

	for (; *name != 0; name += *name + 1)
		labels[count++] = name;
	while (count > 0) {
		const uint8_t *label = labels[--count], *end = label + *label + 1;

		for (label++; label < end; label++) {
			uint8_t c = lower(*label);

			if (c <= 1) {
				*p++ = 1;
				c++;
			}
			*p++ = c;
		}
		*p++ = 0;
	}
	return (size_t)(p - out);
}

/* Copy the label of the key that ends before `end` to out, behind a length octet; 0 if it is bad.
 */
static size_t label_from_key(const uint8_t *start, const uint8_t *end, uint8_t *out)
{
	size_t n = 0;

	for (const uint8_t *p = start; p < end; p++) {
		uint8_t c = *p;

		if (c == 1) {
			if (++p == end || *p > 2 || *p < 1)
				return 0;
			c = (uint8_t)(*p - 1);
		}
		if (++n > LABEL_MAX)
			return 0;
		out[n] = c;
	}
	out[0] = (uint8_t)n;
	return n > 0 ? n + 1 : 0;
}

size_t name_from_key(const uint8_t *key, size_t len, uint8_t out[NAME_MAX_LEN])
{
	uint8_t name[NAME_MAX_LEN + LABEL_MAX + 1];
	const uint8_t *end = key + len;
	size_t at = 0;

	while (end > key) {
		const uint8_t *start = --end; /* the 00 that ends the label */
		size_t n;

		if (*end != 0)
			return 0;
		while (start > key && start[-1] != 0)
			start--;
		n = label_from_key(start, end, name + at);
		at += n;
		if (n == 0 || at >= NAME_MAX_LEN)
			return 0;
		end = start;
	}
	name[at++] = 0;
	memcpy(out, name, at);
	return at;
}
