/* Records of decisions: see record.h. */
#include "watch/record.h"

#include <stdio.h>
#include <string.h>
#include "watch/child_internal.h"
#include "watch/trust.h"

#define FORMAT 1

/* "4711/13/2 12345/13/2": tag, algorithm, type of digest. */
static void tags_text(const struct watch_ds *set, char out[WATCH_TAGS_MAX])
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < set->count && used < WATCH_TAGS_MAX - 16; i++)
		used += (size_t)snprintf(out + used, WATCH_TAGS_MAX - used, "%s%u/%u/%u",
		    used > 0 ? " " : "", set->list[i].tag, set->list[i].algorithm,
		    set->list[i].digest_type);
}

static void put_words(char *out, size_t size, size_t *used, const char *words)
{
	int n = snprintf(out + *used, size - *used, "%s", words);

	*used += n > 0 && (size_t)n < size - *used ? (size_t)n : 0;
}

static void keys_text(const struct watch_child *c, const struct watch_server *s, int64_t now,
    char *out, size_t size, size_t *used)
{
	char one[64];

	for (unsigned i = 0; i < s->seen_count; i++) {
		const struct watch_key *k = &c->keys[s->seen[i].key];
		bool signs = trust_signs(&s->parts[WATCH_DNSKEY], s->seen[i].key, now);

		if ((watch_key_flags(k) & DNSKEY_FLAG_SEP) == 0 && !signs)
			continue;
		snprintf(one, sizeof(one), ", key %u%s%s%s", k->tag,
		    trust_has_ds(c, &c->today, k) ? " with DS" : "", signs ? " signs" : "",
		    (watch_key_flags(k) & DNSKEY_FLAG_REVOKE) != 0 ? " revoked" : "");
		put_words(out, size, used, one);
	}
}

static void wish_text(const struct watch_wish *w, char *out, size_t size, size_t *used)
{
	static const char *const forms[] = {[WATCH_WISH_NONE] = "",
	    [WATCH_WISH_KEYS] = "",
	    [WATCH_WISH_DELETE] = " asks to be unsigned",
	    [WATCH_WISH_BROKEN] = " malformed"};
	char one[64];

	if (w->cds != WATCH_WISH_NONE || w->cdnskey != WATCH_WISH_NONE) {
		snprintf(one, sizeof(one), ", %s%s%s%s",
		    w->cds != WATCH_WISH_NONE ? "CDS" : "CDNSKEY",
		    w->cds != WATCH_WISH_NONE && w->cdnskey != WATCH_WISH_NONE ? " and CDNSKEY"
									       : "",
		    forms[w->cds != WATCH_WISH_NONE ? w->cds : w->cdnskey],
		    w->inception != 0 ? " signed by a key with DS"
				      : " not signed by a key with DS");
		put_words(out, size, used, one);
	}
	for (unsigned i = 0; i < w->ds_count; i++) {
		snprintf(one, sizeof(one), " %u/%u/%u", w->ds[i].tag, w->ds[i].algorithm,
		    w->ds[i].digest_type);
		put_words(out, size, used, one);
	}
}

static void server_text(
    const struct watch_child *c, const struct watch_server *s, int64_t now, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	put_words(out, size, &used, watch_word_text(s->word));
	if (s->word != WATCH_ANSWERED) {
		put_words(out, size, &used, ": ");
		put_words(out, size, &used, s->reason);
		return;
	}
	used = (size_t)snprintf(out, size, "serial %u", (unsigned)s->serial);
	keys_text(c, s, now, out, size, &used);
	wish_text(&s->wish, out, size, &used);
}

static void put_set(struct buf *b, const struct watch_ds *set)
{
	for (unsigned i = 0; i < set->count; i++) {
		buf_u16(b, set->list[i].tag);
		buf_u8(b, set->list[i].algorithm);
		buf_u8(b, set->list[i].digest_type);
		buf_lv16(b, set->list[i].digest, set->list[i].digest_len);
	}
}

/* Verdict, cause and DS; the words name servers, which may take turns at failing. */
static void mark_of(const struct watch_decision *d, uint8_t out[WATCH_DIGEST_LEN])
{
	struct buf b = {0};

	buf_u8(&b, (uint8_t)d->verdict);
	buf_u8(&b, (uint8_t)d->cause);
	put_set(&b, &d->ds);
	put_set(&b, &d->wanted);
	child_digest(b.data, b.len, out);
	buf_free(&b);
}

bool watch_record_is_news(const struct watch_child *c, const struct watch_decision *d)
{
	uint8_t mark[WATCH_DIGEST_LEN];

	mark_of(d, mark);
	return memcmp(mark, c->told, sizeof(mark)) != 0;
}

void watch_record_write(
    struct watch_child *c, const struct watch_decision *d, int64_t now, struct buf *out)
{
	char tags[WATCH_TAGS_MAX], saw[256];
	unsigned count =
	    c->server_count < WATCH_RECORD_SERVERS_MAX ? c->server_count : WATCH_RECORD_SERVERS_MAX;

	buf_u8(out, FORMAT);
	buf_u64(out, (uint64_t)now);
	buf_u8(out, (uint8_t)d->verdict);
	buf_u8(out, (uint8_t)d->cause);
	buf_u64(out, (uint64_t)d->until);
	buf_str(out, d->reason);
	tags_text(&c->today, tags);
	buf_str(out, tags);
	tags_text(&d->ds, tags);
	buf_str(out, tags);
	buf_u8(out, (uint8_t)count);
	buf_u8(out, (uint8_t)(c->server_count - count));
	for (unsigned i = 0; i < count; i++) {
		server_text(c, &c->servers[i], now, saw, sizeof(saw));
		buf_str(out, c->servers[i].name);
		buf_u64(out, (uint64_t)c->servers[i].asked);
		buf_str(out, saw);
	}
	mark_of(d, c->told);
}

int watch_record_read(struct reader *r, struct watch_record *out)
{
	struct watch_record new = {.at = 0};
	unsigned format = reader_u8(r);

	new.at = (int64_t)reader_u64(r);
	new.verdict = reader_u8(r);
	new.cause = reader_u8(r);
	new.until = (int64_t)reader_u64(r);
	reader_str(r, new.reason, sizeof(new.reason));
	reader_str(r, new.today, sizeof(new.today));
	reader_str(r, new.ds, sizeof(new.ds));
	new.server_count = reader_u8(r);
	new.servers_left_out = reader_u8(r);
	if (r->failed || format != FORMAT || new.verdict >= WATCH_VERDICTS ||
	    new.cause >= WATCH_CAUSES || new.server_count > WATCH_RECORD_SERVERS_MAX)
		return ERR_FORMAT;
	for (unsigned i = 0; i < new.server_count; i++) {
		reader_str(r, new.servers[i].name, sizeof(new.servers[i].name));
		new.servers[i].asked = (int64_t)reader_u64(r);
		reader_str(r, new.servers[i].saw, sizeof(new.servers[i].saw));
	}
	if (r->failed)
		return ERR_FORMAT;
	*out = new;
	return OK;
}
