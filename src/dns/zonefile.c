/* zonefile: master files (RFC 1035 5, RFC 2308 4).  Runs on the signing side, with the right to
 * read the file and nothing else; the file may hold anything. */
#include "dns/zonefile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"
#include "dns/rdata_parse.h"
#include "dns/rrtype.h"
#include "dns/soa.h"
#include "dns/zonefile_generate.h"
#include "dns/zonefile_lex.h"

#define CLASS_IN 1
#define TTL_MOST INT32_MAX /* RFC 2181 8 */

struct zonefile {
	struct lexer lexer;
	/* The entry that is being read: the lexer's, or one made by $GENERATE. */
	const struct rdata_token *tokens;
	size_t count;
	uint8_t origin[NAME_MAX_LEN];
	uint8_t owner[NAME_MAX_LEN];
	bool has_owner;
	bool has_default_ttl, has_last_ttl;
	uint32_t default_ttl, last_ttl;
	struct buf rdata;
	zonefile_record_fn *fn;
	void *arg;
};

struct entry { /* a record as far as it has been read */
	bool has_ttl;
	uint32_t ttl;
	uint16_t type;
	size_t at; /* the token that comes next */
};

static int fail(const struct zonefile *z, struct err *e, const char *what, const char *token)
{
	return err_set(
	    e, ERR_FORMAT, "%s:%u: %s \"%.60s\"", z->lexer.path, z->lexer.entry_line, what, token);
}

static int parse_name_token(const struct zonefile *z, const char *text, uint8_t out[NAME_MAX_LEN])
{
	if (strcmp(text, "@") != 0)
		return name_parse_at(text, z->origin, out);
	memmove(out, z->origin, name_len(z->origin));
	return OK;
}

static int read_owner(struct zonefile *z, struct entry *entry, struct err *e)
{
	const char *text = z->tokens[0].text;

	if (z->lexer.blank)
		return z->has_owner
			   ? OK
			   : fail(z, e, "no record before whose owner could be used here:", text);
	if (parse_name_token(z, text, z->owner) != OK)
		return fail(z, e, "not a domain name:", text);
	z->has_owner = true;
	entry->at = 1;
	return OK;
}

static bool is_other_class(const char *text)
{
	return strcasecmp(text, "CH") == 0 || strcasecmp(text, "HS") == 0 ||
	       strncasecmp(text, "CLASS", 5) == 0;
}

/* TTL and class, in either order and both optional, then the type. */
static int read_type(struct zonefile *z, struct entry *entry, struct err *e)
{
	bool has_class = false;

	for (; entry->at < z->count; entry->at++) {
		const char *text = z->tokens[entry->at].text;

		if (!has_class &&
		    (strcasecmp(text, "IN") == 0 || strcasecmp(text, "CLASS1") == 0)) {
			has_class = true;
		} else if (!entry->has_ttl && rdata_parse_period(text, &entry->ttl)) {
			entry->has_ttl = true;
			if (entry->ttl > TTL_MOST)
				return fail(z, e, "a TTL must be 2147483647 at most, not", text);
		} else if (!rrtype_parse(text, &entry->type)) {
			return fail(z, e,
			    is_other_class(text) ? "only class IN can be used, not"
						 : "unknown RR type",
			    text);
		} else if (rrtype_is_meta(entry->type)) {
			return fail(z, e, "not a type that a zone can hold:", text);
		} else {
			entry->at++;
			return OK;
		}
	}
	return fail(z, e, "a record without a type, after", z->tokens[z->count - 1].text);
}

/* The record's own TTL, $TTL, the TTL of the record before, or of the SOA its minimum. */
static int choose_ttl(struct zonefile *z, struct entry *entry, struct err *e)
{
	struct soa soa;

	if (!entry->has_ttl && z->has_default_ttl)
		entry->ttl = z->default_ttl;
	else if (!entry->has_ttl && z->has_last_ttl)
		entry->ttl = z->last_ttl;
	else if (!entry->has_ttl && entry->type == RR_SOA &&
		 soa_parse(z->rdata.data, z->rdata.len, &soa) == OK && soa.minimum <= TTL_MOST)
		entry->ttl = soa.minimum;
	else if (!entry->has_ttl)
		return fail(z, e, "no TTL here, in a record before or by $TTL, with",
		    z->tokens[entry->at - 1].text);
	z->last_ttl = entry->ttl;
	z->has_last_ttl = true;
	return OK;
}

static int read_record(struct zonefile *z, struct err *e)
{
	struct entry entry = {0};
	int rc = read_owner(z, &entry, e);

	if (rc == OK)
		rc = read_type(z, &entry, e);
	if (rc != OK)
		return rc;
	buf_reset(&z->rdata);
	rc = rdata_parse(
	    entry.type, z->tokens + entry.at, z->count - entry.at, z->origin, &z->rdata, e);
	if (rc != OK) {
		err_wrap(e, "%s:%u", z->lexer.path, z->lexer.entry_line);
		return rc;
	}
	rc = choose_ttl(z, &entry, e);
	if (rc != OK)
		return rc;
	rc = z->fn(z->arg, z->owner, entry.type, CLASS_IN, entry.ttl, z->rdata.data,
	    (uint16_t)z->rdata.len, e);
	if (rc != OK)
		err_wrap(e, "%s:%u", z->lexer.path, z->lexer.entry_line);
	return rc;
}

/* The template's tokens; quoted ones are cut at their blanks, since BIND takes one token only
 * behind the type.  Their text is in `text`. */
static struct rdata_token *make_template(const struct lexer *x, struct buf *text, size_t *count)
{
	struct rdata_token *tokens;
	size_t n = 0, at = 0;

	for (size_t i = 2; i < x->count; i++) {
		size_t len = strlen(x->tokens[i].text);

		buf_put(text, x->tokens[i].text, len + 1);
		for (size_t k = text->len - len - 1; x->tokens[i].quoted && k < text->len; k++)
			if (text->data[k] == ' ' || text->data[k] == '\t')
				text->data[k] = '\0';
	}
	tokens = mem_array(text->len + 1, sizeof(*tokens));
	for (; at < text->len; at += strlen((char *)text->data + at) + 1)
		if (text->data[at] != '\0')
			tokens[n++].text = (const char *)text->data + at;
	*count = n;
	return tokens;
}

/* The record for one number. */
static int generate_record(struct zonefile *z, const struct rdata_token *template, size_t count,
    int64_t number, struct err *e)
{
	struct rdata_token *tokens = mem_array(count, sizeof(*tokens));
	struct buf text = {.limit = ZONEFILE_ENTRY_MAX};
	size_t at = 0;
	int rc = OK;

	for (size_t i = 0; i < count && rc == OK; i++)
		if (!generate_substitute(template[i].text, number, &text))
			rc = fail(z, e, "bad substitution for $GENERATE in", template[i].text);
	for (size_t i = 0; i < count && rc == OK; i++) {
		tokens[i].text = (const char *)text.data + at;
		at += strlen(tokens[i].text) + 1;
	}
	if (rc == OK) {
		z->tokens = tokens;
		z->count = count;
		rc = read_record(z, e);
	}
	buf_free(&text);
	free(tokens);
	return rc;
}

static int read_generate(struct zonefile *z, struct err *e)
{
	const char *range_text = z->count > 1 ? z->tokens[1].text : "";
	struct generate_range range;
	struct rdata_token *template;
	struct buf text = {0};
	size_t count;
	int rc = OK;

	if (!generate_range_parse(range_text, &range) ||
	    (range.stop - range.start) / range.step >= GENERATE_MOST)
		return fail(z, e,
		    "$GENERATE must be followed by a range (1-10 or 1-10/2) of 1048576 records at "
		    "most, not by",
		    range_text);
	template = make_template(&z->lexer, &text, &count);
	if (count < 3)
		rc = fail(z, e, "$GENERATE needs an owner, a type and data behind", range_text);
	for (int64_t n = range.start; n <= range.stop && rc == OK; n += range.step)
		rc = generate_record(z, template, count, n, e);
	free(template);
	buf_free(&text);
	return rc;
}

static int read_directive(struct zonefile *z, struct err *e)
{
	const char *name = z->tokens[0].text;
	const char *value = z->count == 2 ? z->tokens[1].text : "";

	if (strcasecmp(name, "$ORIGIN") == 0) {
		if (parse_name_token(z, value, z->origin) != OK)
			return fail(
			    z, e, "$ORIGIN must be followed by one domain name, not by", value);
		return OK;
	}
	if (strcasecmp(name, "$TTL") == 0) {
		if (!rdata_parse_period(value, &z->default_ttl) || z->default_ttl > TTL_MOST)
			return fail(z, e,
			    "$TTL must be followed by one TTL up to 2147483647, not by", value);
		z->has_default_ttl = true;
		return OK;
	}
	if (strcasecmp(name, "$GENERATE") == 0)
		return read_generate(z, e);
	if (strcasecmp(name, "$INCLUDE") == 0)
		return fail(z, e, "not supported, one file must hold the whole zone:", name);
	return fail(z, e, "unknown directive", name);
}

static int read_file(struct zonefile *z, const char *path, const uint8_t *origin, struct err *e)
{
	int rc = lexer_open(&z->lexer, path, e);

	if (rc != OK)
		return rc;
	memcpy(z->origin, origin, name_len(origin));
	while ((rc = lexer_next(&z->lexer, e)) == OK && z->lexer.count > 0) {
		const struct rdata_token *first = &z->lexer.tokens[0];

		z->tokens = z->lexer.tokens;
		z->count = z->lexer.count;
		if (first->text[0] == '$' && !first->quoted && !z->lexer.blank)
			rc = read_directive(z, e);
		else
			rc = read_record(z, e);
		if (rc != OK)
			break;
	}
	buf_free(&z->rdata);
	lexer_close(&z->lexer);
	return rc;
}

int zonefile_read(
    const char *path, const uint8_t *origin, zonefile_record_fn *fn, void *arg, struct err *e)
{
	struct zonefile z = {.fn = fn, .arg = arg};

	return read_file(&z, path, origin, e);
}

int zonefile_read_loose(
    const char *path, const uint8_t *origin, zonefile_record_fn *fn, void *arg, struct err *e)
{
	struct zonefile z = {.fn = fn, .arg = arg, .has_default_ttl = true};

	return read_file(&z, path, origin, e);
}
