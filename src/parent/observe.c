/* The parent's servers as they were seen: see observe.h. */
#include "parent/observe.h"

#include <stdio.h>
#include <string.h>
#include "dns/dnskey.h"
#include "dns/packet.h"
#include "dns/rrtype.h"

#define CLASS_IN 1
#define FORMAT 1 /* of what parent_write writes */

bool parent_ds_equal(const struct parent_ds *a, const struct parent_ds *b)
{
	return a->tag == b->tag && a->algorithm == b->algorithm &&
	       a->digest_type == b->digest_type && a->digest_len == b->digest_len &&
	       memcmp(a->digest, b->digest, a->digest_len) == 0;
}

static int ds_parse(const uint8_t *rdata, size_t len, struct parent_ds *out)
{
	if (len < 5 || len - 4 > PARENT_DIGEST_MAX)
		return ERR_FORMAT;
	memset(out, 0, sizeof(*out));
	out->tag = load_u16(rdata);
	out->algorithm = rdata[2];
	out->digest_type = rdata[3];
	out->digest_len = (uint8_t)(len - 4);
	memcpy(out->digest, rdata + 4, len - 4);
	return OK;
}

int parent_ds_of_key(const uint8_t *zone, const uint8_t *dnskey, size_t len, uint8_t digest_type,
    struct parent_ds *out)
{
	struct buf rdata = {0};
	int code = dnskey_ds(zone, dnskey, len, digest_type, &rdata);

	if (code == OK)
		code = rdata.failed ? ERR_LIMIT : ds_parse(rdata.data, rdata.len, out);
	buf_free(&rdata);
	return code;
}

/* Answers */

static bool is_below(const uint8_t *zone, const uint8_t *parent)
{
	return !name_equal(zone, parent) && name_is_at_or_below(zone, parent);
}

static int read_records(struct packet *p, const uint8_t *zone, struct parent_set *out,
    bool *has_parent_soa, struct err *e)
{
	struct packet_rr rr;

	while (packet_next(p, &rr) == OK) {
		if (rr.section == 2 && rr.type == RR_SOA)
			*has_parent_soa = *has_parent_soa || is_below(zone, rr.owner);
		if (rr.section != 1 || rr.type != RR_DS || rr.class != CLASS_IN ||
		    !name_equal(rr.owner, zone))
			continue;
		if (out->count == PARENT_DS_MAX)
			return err_set(e, ERR_LIMIT, "more than %d DS records", PARENT_DS_MAX);
		if (ds_parse(p->msg + rr.rdata, rr.rdlen, &out->ds[out->count]) != OK)
			return err_set(e, ERR_FORMAT, "a broken DS record");
		out->count++;
		if (rr.ttl > out->ttl)
			out->ttl = rr.ttl;
	}
	return OK;
}

int parent_read_answer(
    const uint8_t *msg, size_t len, const uint8_t *zone, struct parent_set *out, struct err *e)
{
	struct parent_set set = {.count = 0};
	struct packet p;
	bool has_parent_soa = false;
	unsigned rcode;
	int code = packet_parse(msg, len, &p, e);

	if (code != OK)
		return code;
	rcode = packet_rcode(&p);
	if (rcode != RCODE_NOERROR && rcode != RCODE_NXDOMAIN)
		return err_set(e, ERR_REFUSED, "answered %s", packet_rcode_name(rcode));
	if (!(p.flags & PACKET_FLAG_AA))
		return err_set(e, ERR_REFUSED,
		    "the answer is not authoritative: it is no server of the parent");
	code = read_records(&p, zone, &set, &has_parent_soa, e);
	if (code != OK)
		return code;
	/* The child's own servers say "no DS" about their zone, too, and know nothing of it. */
	if (set.count == 0 && !has_parent_soa)
		return err_set(e, ERR_REFUSED,
		    "answered without a DS and without the parent's SOA: it is no server of the "
		    "parent");
	*out = set;
	return OK;
}

/* What is known of one server */

static bool set_has(const struct parent_set *set, const struct parent_ds *ds)
{
	for (unsigned i = 0; i < set->count; i++) {
		if (parent_ds_equal(&set->ds[i], ds))
			return true;
	}
	return false;
}

static struct parent_sighting *find(struct parent_server *s, const struct parent_ds *ds)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (parent_ds_equal(&s->ds[i].ds, ds))
			return &s->ds[i];
	}
	return NULL;
}

static void drop(struct parent_server *s, unsigned i)
{
	s->ds[i] = s->ds[--s->count];
}

/* Nothing from before a break counts; what is there begins anew. */
static void begin_anew(struct parent_server *s, int64_t now)
{
	s->since = now;
	for (unsigned i = s->count; i > 0; i--) {
		if (s->ds[i - 1].is_there)
			s->ds[i - 1].since = now;
		else
			drop(s, i - 1);
	}
}

/* Room for one more: what has been gone the longest is forgotten.  To those who ask, that DS then
 * counts as gone since `since`, which is later than the truth, not earlier. */
static void make_room(struct parent_server *s)
{
	unsigned oldest = s->count;

	for (unsigned i = 0; i < s->count; i++) {
		if (!s->ds[i].is_there &&
		    (oldest == s->count || s->ds[i].since < s->ds[oldest].since))
			oldest = i;
	}
	if (oldest == s->count) /* all are there: as many as an answer can have */
		oldest = 0;
	if (s->ds[oldest].since > s->since)
		s->since = s->ds[oldest].since;
	drop(s, oldest);
}

static bool note_one(struct parent_server *s, const struct parent_ds *ds, int64_t now)
{
	struct parent_sighting *seen = find(s, ds);

	if (seen != NULL && seen->is_there)
		return false;
	if (seen == NULL) {
		if (s->count == PARENT_DS_MAX)
			make_room(s);
		seen = &s->ds[s->count++];
		seen->ds = *ds;
	}
	seen->is_there = true;
	seen->since = now;
	return true;
}

void parent_note(
    struct parent_server *s, const struct parent_set *set, int64_t now, int64_t patience)
{
	bool changed = s->changed == 0;

	if (!s->has_answered || s->asked == 0 || now - s->asked > patience)
		begin_anew(s, now);
	for (unsigned i = 0; i < s->count; i++) {
		if (s->ds[i].is_there && !set_has(set, &s->ds[i].ds)) {
			s->ds[i].is_there = false;
			s->ds[i].since = now;
			changed = true;
		}
	}
	for (unsigned i = 0; i < set->count; i++)
		changed = note_one(s, &set->ds[i], now) || changed;
	if (changed || !s->has_answered)
		s->changed = now;
	if (set->ttl > s->ttl_max)
		s->ttl_max = set->ttl;
	s->has_answered = true;
	s->asked = now;
	s->reason[0] = '\0';
}

void parent_note_failure(struct parent_server *s, const char *why, int64_t now)
{
	if (s->has_answered || s->asked == 0)
		s->since = s->changed = now;
	s->has_answered = false;
	s->asked = now;
	snprintf(s->reason, sizeof(s->reason), "%s", why);
}

/* All of them together */

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool is_known(const struct parent_server *s, int64_t fresh)
{
	return s->has_answered && s->asked >= fresh;
}

struct parent_fact parent_fact_of(
    const struct parent_view *v, const struct parent_ds *ds, int64_t fresh)
{
	struct parent_fact there = {PARENT_THERE, 0}, gone = {PARENT_GONE, 0};
	unsigned with = 0;

	for (unsigned i = 0; i < v->count; i++) {
		struct parent_server *s = &v->servers[i];
		const struct parent_sighting *seen = find(s, ds);

		if (!is_known(s, fresh))
			return (struct parent_fact){PARENT_UNKNOWN, 0};
		if (seen != NULL && seen->is_there) {
			with++;
			there.since = later(there.since, seen->since);
		} else {
			gone.since = later(gone.since, seen == NULL ? s->since : seen->since);
		}
	}
	if (v->count == 0)
		return (struct parent_fact){PARENT_UNKNOWN, 0};
	if (with == 0)
		return gone;
	return with == v->count ? there : (struct parent_fact){PARENT_MIXED, 0};
}

static bool is_one_of(const struct parent_ds *ds, const struct parent_ds *ours, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (parent_ds_equal(ds, &ours[i]))
			return true;
	}
	return false;
}

struct parent_fact parent_fact_foreign(
    const struct parent_view *v, const struct parent_ds *ours, unsigned count, int64_t fresh)
{
	struct parent_fact fact = {v->count == 0 ? PARENT_UNKNOWN : PARENT_GONE, 0};

	for (unsigned i = 0; i < v->count; i++) {
		const struct parent_server *s = &v->servers[i];

		for (unsigned k = 0; k < s->count; k++) {
			if (is_one_of(&s->ds[k].ds, ours, count))
				continue;
			if (s->ds[k].is_there) /* seen where one looked last, however long ago */
				return (struct parent_fact){PARENT_MIXED, 0};
			fact.since = later(fact.since, s->ds[k].since);
		}
		if (!is_known(s, fresh))
			fact.word = PARENT_UNKNOWN;
		fact.since = later(fact.since, s->since);
	}
	return fact;
}

/* A TTL is not signed, and no resolver should go by a longer one (RFC 8767 4): a slip, or a forged
 * answer, must not hold up steps for years. */
#define TTL_MOST (7 * 86400)

uint32_t parent_ttl_max(const struct parent_view *v)
{
	uint32_t ttl = 0;

	for (unsigned i = 0; i < v->count; i++) {
		if (v->servers[i].ttl_max > ttl)
			ttl = v->servers[i].ttl_max;
	}
	return ttl < TTL_MOST ? ttl : TTL_MOST;
}

/* Kept */

void parent_write(const struct parent_server *s, struct buf *out)
{
	buf_u8(out, FORMAT);
	buf_u8(out, s->has_answered);
	buf_u64(out, (uint64_t)s->asked);
	buf_u64(out, (uint64_t)s->since);
	buf_u64(out, (uint64_t)s->changed);
	buf_u32(out, s->ttl_max);
	buf_str(out, s->reason);
	buf_u8(out, (uint8_t)s->count);
	for (unsigned i = 0; i < s->count; i++) {
		const struct parent_ds *ds = &s->ds[i].ds;

		buf_u8(out, s->ds[i].is_there);
		buf_u64(out, (uint64_t)s->ds[i].since);
		buf_u16(out, ds->tag);
		buf_u8(out, ds->algorithm);
		buf_u8(out, ds->digest_type);
		buf_lv16(out, ds->digest, ds->digest_len);
	}
}

static void read_sighting(struct reader *r, struct parent_sighting *seen)
{
	const uint8_t *digest;
	size_t len;

	seen->is_there = reader_u8(r) != 0;
	seen->since = (int64_t)reader_u64(r);
	seen->ds.tag = reader_u16(r);
	seen->ds.algorithm = reader_u8(r);
	seen->ds.digest_type = reader_u8(r);
	digest = reader_lv16(r, &len);
	if (digest == NULL || len > PARENT_DIGEST_MAX) {
		r->failed = true;
		return;
	}
	seen->ds.digest_len = (uint8_t)len;
	memcpy(seen->ds.digest, digest, len);
}

void parent_read(struct reader *r, struct parent_server *s)
{
	struct parent_server new = {.count = 0};
	unsigned format = reader_u8(r);

	memcpy(new.name, s->name, sizeof(new.name));
	new.has_answered = reader_u8(r) != 0;
	new.asked = (int64_t)reader_u64(r);
	new.since = (int64_t)reader_u64(r);
	new.changed = (int64_t)reader_u64(r);
	new.ttl_max = reader_u32(r);
	reader_str(r, new.reason, sizeof(new.reason));
	new.count = reader_u8(r);
	if (format != FORMAT || new.count > PARENT_DS_MAX)
		r->failed = true;
	for (unsigned i = 0; i < new.count && !r->failed; i++)
		read_sighting(r, &new.ds[i]);
	if (!r->failed)
		*s = new;
}
