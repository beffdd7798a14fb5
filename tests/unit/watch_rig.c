#include "tests/unit/watch_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "dns/packet.h"
#include "dns/rrtype.h"
#include "tests/unit/watch_rig_keys.h"

static const uint8_t apex[] = "\5child\7example";
const uint8_t *rig_apex = apex;

const char *rig_server_name(unsigned i)
{
	static const char *const names[RIG_SERVERS] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};

	return names[i];
}

void rig_init(struct rig *r, enum watch_mode mode)
{
	memset(r, 0, sizeof(*r));
	r->now = RIG_T0;
	r->policy = (struct watch_policy){.mode = mode,
	    .hold_down = RIG_HOLD,
	    .patience = 3 * RIG_HOUR,
	    .settle = RIG_HOUR,
	    .deadline = RIG_DAY,
	    .digests = {2},
	    .thresholds = {7 * RIG_DAY, 3 * RIG_DAY, RIG_DAY}};
	r->server_count = 2;
	for (unsigned i = 0; i < 2; i++)
		snprintf(r->parents[i].name, sizeof(r->parents[i].name), "parent%u", i);
	r->parent = (struct parent_view){.servers = r->parents, .count = 2};
	watch_child_init(&r->child, rig_apex, r->now);
	for (unsigned i = 0; i < RIG_SERVERS; i++)
		r->servers[i] = (struct rig_sets){.word = WATCH_ANSWERED,
		    .serial = 1,
		    .digest_type = 2,
		    .inception = RIG_T0 - RIG_HOUR,
		    .wish_inception = RIG_T0 - RIG_HOUR,
		    .expiration = RIG_T0 + 365 * (int64_t)RIG_DAY};
}

void rig_free(struct rig *r)
{
	watch_child_free(&r->child);
	watch_findings_free(&r->findings);
	rig_keys_free();
}

struct parent_ds rig_ds(const struct rig_key *k, uint8_t digest_type)
{
	struct parent_ds ds = {.tag = 0};

	assert_int_equal(parent_ds_of_key(rig_apex, k->rdata, k->len, digest_type, &ds), OK);
	return ds;
}

void rig_serve(struct rig *r, struct rig_keys keys, struct rig_keys signers)
{
	for (unsigned i = 0; i < RIG_SERVERS; i++) {
		r->servers[i].keys = keys;
		r->servers[i].signers = signers;
		r->servers[i].zone_signers = RIG_KEYS_OF(keys.list[keys.count - 1]);
	}
}

void rig_parent(struct rig *r, struct rig_keys keys)
{
	memset(&r->ds[0], 0, sizeof(r->ds[0]));
	for (unsigned i = 0; i < keys.count; i++) {
		struct parent_ds ds = rig_ds(keys.list[i], 2);

		watch_ds_add(&r->ds[0], &ds);
	}
	r->ds[1] = r->ds[0];
}

/* Answers */

static void put_item(struct buf *out, const void *data, size_t len)
{
	buf_lv16(out, data, len);
}

void rig_put_set(struct packet_builder *b, const uint8_t *owner, uint16_t type, uint32_t ttl,
    const struct buf *items, unsigned count, const struct rig_keys *signers, int64_t inception,
    int64_t expiration)
{
	struct buf sorted = {0};
	struct rrset set = {.owner = owner, .type = type, .ttl = ttl};
	const uint8_t *p;

	set.count = rrset_sort(type, items->data, items->len, (uint16_t)count, &sorted);
	set.rdata = p = sorted.data;
	set.rdata_len = sorted.len;
	for (unsigned i = 0; i < set.count; i++) {
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		assert_int_equal(packet_add(b, 1, owner, type, ttl, rdata, len), OK);
	}
	for (unsigned i = 0; i < signers->count; i++) {
		struct buf sig = {0};

		rig_sign(&set, signers->list[i], rig_apex, inception, expiration, &sig);
		assert_int_equal(
		    packet_add(b, 1, owner, RR_RRSIG, ttl, sig.data, (uint16_t)sig.len), OK);
		buf_free(&sig);
	}
	buf_free(&sorted);
}

static unsigned items_of_keys(const struct rig_keys *keys, struct buf *out)
{
	for (unsigned i = 0; i < keys->count; i++)
		put_item(out, keys->list[i]->rdata, keys->list[i]->len);
	return keys->count;
}

static unsigned items_of_cds(const struct rig_sets *s, struct buf *out)
{
	if (s->wants_delete) {
		put_item(out, "\0\0\0\0\0", 5);
		return 1;
	}
	for (unsigned i = 0; i < s->cds.count; i++) {
		struct buf ds = {0};

		assert_int_equal(dnskey_ds(rig_apex, s->cds.list[i]->rdata, s->cds.list[i]->len,
				     s->digest_type, &ds),
		    OK);
		put_item(out, ds.data, ds.len);
		buf_free(&ds);
	}
	return s->cds.count;
}

static unsigned items_of_soa(const struct rig_sets *s, struct buf *out)
{
	uint8_t soa[2 + 20] = {0}; /* both names are the root */

	store_u32(soa + 2, s->serial);
	store_u32(soa + 14, 1209600);
	put_item(out, soa, sizeof(soa));
	return 1;
}

static unsigned items_of(const struct rig_sets *s, enum watch_type t, struct buf *out)
{
	uint8_t nsec3param[5] = {1, 0, (uint8_t)(s->iterations >> 8), (uint8_t)s->iterations, 0};

	switch (t) {
	case WATCH_SOA:
		return items_of_soa(s, out);
	case WATCH_DNSKEY:
		return items_of_keys(&s->keys, out);
	case WATCH_CDS:
		return items_of_cds(s, out);
	case WATCH_CDNSKEY:
		if (!s->wants_delete)
			return items_of_keys(&s->cdnskey, out);
		put_item(out, "\0\0\3\0\0", 5);
		return 1;
	default:
		put_item(out, nsec3param, sizeof(nsec3param));
		return 1;
	}
}

void rig_answer(const struct rig *r, unsigned server, enum watch_type t, struct buf *out)
{
	const struct rig_sets *s = &r->servers[server];
	const struct rig_keys *signers = t == WATCH_DNSKEY ? &s->signers
					 : t == WATCH_SOA || t == WATCH_NSEC3PARAM
					     ? &s->zone_signers
					     : &s->wish_signers;
	bool is_wish = t == WATCH_CDS || t == WATCH_CDNSKEY;
	struct packet_builder b = {0};
	struct buf items = {0};
	unsigned count = items_of(s, t, &items);

	packet_begin(&b, 65535, 7, PACKET_FLAG_QR | PACKET_FLAG_AA, rig_apex, watch_rrtype(t));
	if (count > 0)
		rig_put_set(&b, rig_apex, watch_rrtype(t), RIG_KEY_TTL, &items, count, signers,
		    is_wish ? s->wish_inception : s->inception, s->expiration);
	packet_end(&b);
	buf_put(out, b.buf.data, b.buf.len);
	packet_builder_free(&b);
	buf_free(&items);
}

/* How a server fails. */
static void answer_badly(const struct rig *r, unsigned server, enum watch_type t, struct buf *out)
{
	static const uint16_t flags[WATCH_WORDS] = {[WATCH_LAME] = 0,
	    [WATCH_REFUSED] = RCODE_REFUSED,
	    [WATCH_SERVFAIL] = RCODE_SERVFAIL,
	    [WATCH_BROKEN] = PACKET_FLAG_AA | PACKET_FLAG_TC};
	struct packet_builder b = {0};
	enum watch_word word = r->servers[server].word;

	if (word == WATCH_ANSWERED)
		word = WATCH_REFUSED;
	packet_begin(
	    &b, 512, 7, (uint16_t)(PACKET_FLAG_QR | flags[word]), rig_apex, watch_rrtype(t));
	packet_end(&b);
	buf_put(out, b.buf.data, b.buf.len);
	packet_builder_free(&b);
}

/* Looking */

static void ask(struct rig *r, unsigned server)
{
	const struct rig_sets *s = &r->servers[server];
	struct watch_reply reply = {0};

	for (unsigned t = 0; t < WATCH_TYPES; t++) {
		struct buf msg = {0};
		bool is_refused = s->refuses_cds && (t == WATCH_CDS || t == WATCH_CDNSKEY);

		if (s->word == WATCH_ANSWERED && !is_refused)
			rig_answer(r, server, t, &msg);
		else if (s->word != WATCH_SILENT)
			answer_badly(r, server, t, &msg);
		watch_reply_put(&reply, t, rig_apex, s->word == WATCH_SILENT ? ERR_TIMEOUT : OK,
		    "timed out", msg.data, msg.len);
		buf_free(&msg);
	}
	watch_child_note(&r->child, rig_server_name(server), &reply, &r->policy, r->now);
	watch_reply_free(&reply);
}

static void ask_parent(struct rig *r)
{
	for (unsigned i = 0; i < 2; i++) {
		struct parent_set set = {.count = r->ds[i].count, .ttl = RIG_DS_TTL};

		memcpy(set.ds, r->ds[i].list, sizeof(set.ds));
		parent_note(&r->parents[i], &set, r->now, r->policy.patience);
	}
	r->event = watch_child_parent(&r->child, &r->parent, r->now, r->now);
}

void rig_look(struct rig *r)
{
	struct watch_findings before = r->findings;
	struct watch_outside outside = {.parent = &r->parent,
	    .fresh = r->now,
	    .signals = r->signals,
	    .signal_count = r->signal_count};
	const char *names[RIG_SERVERS];

	for (unsigned i = 0; i < r->server_count; i++)
		names[i] = rig_server_name(i);
	assert_int_equal(watch_child_servers(&r->child, names, r->server_count, NULL), OK);
	ask_parent(r);
	for (unsigned i = 0; i < r->server_count; i++)
		ask(r, i);
	watch_child_round(&r->child, r->now + r->delay);
	watch_decide(&r->child, &r->policy, &outside, r->now, &r->decision);
	watch_findings_of(&r->child, &r->policy, &outside, &before, r->now, &r->findings);
	watch_findings_free(&before);
	assert_true(r->decision.reason[0] != '\0');
}

void rig_look_for(struct rig *r, int64_t seconds)
{
	for (int64_t end = r->now + seconds; r->now < end;) {
		r->now += RIG_HOUR;
		rig_look(r);
	}
}

void rig_obey(struct rig *r)
{
	const struct watch_decision *d = &r->decision;

	if (d->verdict != WATCH_ADD && d->verdict != WATCH_REMOVE)
		return;
	watch_child_order(&r->child, d, r->now);
	r->ds[0] = r->ds[1] = d->wanted;
}

void rig_live_for(struct rig *r, int64_t seconds)
{
	for (int64_t end = r->now + seconds; r->now < end;) {
		r->now += RIG_HOUR;
		rig_look(r);
		rig_obey(r);
	}
}

void rig_restart(struct rig *r)
{
	struct buf kept = {0}, again = {0};
	struct reader reader;

	watch_child_write(&r->child, &kept);
	watch_child_free(&r->child);
	reader = reader_of(kept.data, kept.len);
	assert_int_equal(watch_child_read(&reader, &r->child), OK);
	watch_child_write(&r->child, &again);
	assert_int_equal(kept.len, again.len);
	assert_memory_equal(kept.data, again.data, kept.len);
	buf_free(&kept);
	buf_free(&again);
}

/* Expectations */

void rig_assert(const struct rig *r, enum watch_verdict verdict, enum watch_cause cause)
{
	const struct watch_decision *d = &r->decision;

	if (d->verdict != verdict || d->cause != cause)
		fail_msg("wanted %s/%s, got %s/%s: %s", watch_verdict_name(verdict),
		    watch_cause_name(cause), watch_verdict_name(d->verdict),
		    watch_cause_name(d->cause), d->reason);
}

void rig_assert_ds(const struct rig *r, struct rig_keys keys)
{
	struct watch_ds wanted = {.count = 0};

	for (unsigned i = 0; i < keys.count; i++) {
		struct parent_ds ds = rig_ds(keys.list[i], 2);

		watch_ds_add(&wanted, &ds);
	}
	assert_true(watch_ds_equal(&wanted, &r->decision.ds));
}

const struct watch_finding *rig_finding(const struct rig *r, enum watch_kind kind)
{
	for (unsigned i = 0; i < r->findings.count; i++) {
		if (r->findings.list[i].kind == kind)
			return &r->findings.list[i];
	}
	return NULL;
}
