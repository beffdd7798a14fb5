/* Decisions from CDS and CDNSKEY, for a signed child (RFC 7344, 8078, 9975) and for one without DS
 * (RFC 9615): see decide.h. */
#include "watch/decide_internal.h"

#include <stdio.h>
#include <string.h>
#include "watch/child_internal.h"
#include "watch/trust.h"

static const struct watch_server *first_server(const struct deciding *d)
{
	return &d->child->servers[0];
}

static const struct watch_wish *first_wish(const struct deciding *d)
{
	return &first_server(d)->wish;
}

static void refuse(struct deciding *d, enum watch_cause cause, const char *why)
{
	decide_say(d, WATCH_NOTHING, cause, 0, "%s", why);
}

/* Consistency */

static bool all_answered(struct deciding *d)
{
	for (unsigned i = 0; i < d->child->server_count; i++) {
		const struct watch_server *s = &d->child->servers[i];

		if (s->parts[WATCH_CDS].word == WATCH_ANSWERED &&
		    s->parts[WATCH_CDNSKEY].word == WATCH_ANSWERED)
			continue;
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_UNASKED, 0,
		    "%s was asked for CDS and CDNSKEY and gave no answer to it", s->name);
		return false;
	}
	return true;
}

static bool all_agree(struct deciding *d)
{
	for (unsigned i = 1; i < d->child->server_count; i++) {
		const struct watch_server *s = &d->child->servers[i];

		if (memcmp(s->wish.digest, first_wish(d)->digest, WATCH_DIGEST_LEN) == 0)
			continue;
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_DISAGREE, 0,
		    "%s and %s have different CDS or CDNSKEY records", first_server(d)->name,
		    s->name);
		return false;
	}
	return true;
}

static bool is_ds_of_any(const struct deciding *d, const struct parent_ds *ds)
{
	const struct watch_wish *w = first_wish(d);

	for (unsigned i = 0; i < w->key_count; i++) {
		if (trust_ds_is_of(d->child, ds, &d->child->keys[w->keys[i]]))
			return true;
	}
	return false;
}

static bool has_ds_of(const struct deciding *d, const struct watch_key *k)
{
	const struct watch_wish *w = first_wish(d);

	for (unsigned i = 0; i < w->ds_count; i++) {
		if (trust_ds_is_of(d->child, &w->ds[i], k))
			return true;
	}
	return false;
}

/* A digest of a type that we do not know cannot be compared. */
static bool is_comparable(const struct parent_ds *ds)
{
	return trust_is_digest(ds->digest_type) || ds->digest_type == 1;
}

/* Where both sets are published, they name the same keys (RFC 7344 4). */
static bool is_consistent(const struct deciding *d)
{
	const struct watch_wish *w = first_wish(d);

	if (w->cds == WATCH_WISH_BROKEN || w->cdnskey == WATCH_WISH_BROKEN)
		return false;
	if (w->cds == WATCH_WISH_NONE || w->cdnskey == WATCH_WISH_NONE)
		return true;
	if (w->cds != w->cdnskey)
		return false;
	for (unsigned i = 0; i < w->ds_count; i++) {
		if (is_comparable(&w->ds[i]) && !is_ds_of_any(d, &w->ds[i]))
			return false;
	}
	for (unsigned i = 0; i < w->key_count; i++) {
		if (!has_ds_of(d, &d->child->keys[w->keys[i]]))
			return false;
	}
	return true;
}

/* The same at all addresses, and sense in it.  false: the decision says why not. */
static bool read_wish(struct deciding *d)
{
	const struct watch_wish *w = first_wish(d);

	if (!all_answered(d) || !all_agree(d))
		return false;
	if (w->cds == WATCH_WISH_NONE && w->cdnskey == WATCH_WISH_NONE) {
		decide_say(d, WATCH_NOTHING,
		    d->today.count > 0 ? WATCH_CAUSE_SETTLED : WATCH_CAUSE_UNSIGNED, 0,
		    "the domain publishes neither CDS nor CDNSKEY");
		return false;
	}
	if (!is_consistent(d)) {
		refuse(d, WATCH_CAUSE_MALFORMED,
		    "the domain's CDS and CDNSKEY records contradict each other, are malformed, or "
		    "name a key that cannot be judged");
		return false;
	}
	return true;
}

/* The DS set that is asked for */

static bool is_delete(const struct watch_wish *w)
{
	return w->cds == WATCH_WISH_DELETE || w->cdnskey == WATCH_WISH_DELETE;
}

/* Each key that is named has a DS left when those of deprecated digests are left out. */
static bool wanted_of_cds(const struct watch_wish *w, struct watch_ds *out)
{
	for (unsigned i = 0; i < w->ds_count; i++) {
		if (trust_is_digest(w->ds[i].digest_type) && trust_is_algorithm(w->ds[i].algorithm))
			watch_ds_add(out, &w->ds[i]);
	}
	for (unsigned i = 0; i < w->ds_count; i++) {
		bool is_there = false;

		for (unsigned k = 0; k < out->count; k++)
			is_there = is_there || (out->list[k].tag == w->ds[i].tag &&
						   out->list[k].algorithm == w->ds[i].algorithm);
		if (!is_there)
			return false;
	}
	return true;
}

/* What the CDS says is taken as it is; from a CDNSKEY alone the DS are made as the policy wants
 * them. */
static bool wanted(struct deciding *d, struct watch_ds *out)
{
	const struct watch_wish *w = first_wish(d);

	memset(out, 0, sizeof(*out));
	if (is_delete(w))
		return true;
	if (w->cds == WATCH_WISH_KEYS && !wanted_of_cds(w, out)) {
		refuse(d, WATCH_CAUSE_WEAK,
		    "the domain asks for a DS with a deprecated or unknown digest or algorithm, "
		    "and for no other of that key");
		return false;
	}
	for (unsigned i = 0; w->cds == WATCH_WISH_NONE && i < w->key_count; i++) {
		if (!decide_add_key(d, &d->child->keys[w->keys[i]], decide_digests(d), out)) {
			refuse(d, WATCH_CAUSE_LIMIT, "the domain asks for too many DS records");
			return false;
		}
	}
	if (out->count > WATCH_DS_MAX) {
		refuse(d, WATCH_CAUSE_LIMIT, "the domain asks for too many DS records");
		return false;
	}
	return true;
}

/* The revoked key stands in the zone with other flags, and so another tag, than before. */
static bool has_ds_of_plain(
    const struct deciding *d, const struct watch_ds *set, const struct watch_key *k)
{
	struct watch_key plain = *k;

	store_u16(plain.rdata, (uint16_t)(watch_key_flags(k) & ~DNSKEY_FLAG_REVOKE));
	plain.tag = dnskey_tag(plain.rdata, plain.len);
	return trust_has_ds(d->child, set, k) || trust_has_ds(d->child, set, &plain);
}

/* Is there the DS of a key of such a past in the set? */
static bool names_past(
    const struct deciding *d, const struct watch_ds *set, enum watch_past_state state)
{
	for (unsigned i = 0; i < d->child->key_count; i++) {
		const struct watch_past *past = trust_past(d->child, &d->child->keys[i]);

		if (past != NULL && past->state == state &&
		    has_ds_of_plain(d, set, &d->child->keys[i]))
			return true;
	}
	return false;
}

/* Acceptance */

/* Signed at every address by a key that has a DS (RFC 7344 4.1).  The oldest of these signatures;
 * 0: not, the decision says where. */
static int64_t proven(struct deciding *d)
{
	int64_t oldest = 0;
	char tags[TAGS_SIZE];

	for (unsigned i = 0; i < d->child->server_count; i++) {
		const struct watch_server *s = &d->child->servers[i];
		const enum watch_type types[] = {WATCH_CDS, WATCH_CDNSKEY};

		for (unsigned t = 0; t < 2; t++) {
			const struct watch_part *part = &s->parts[types[t]];
			const struct watch_sig *sig =
			    trust_proof(d->child, s, part, &d->today, d->now);

			if (!part->is_there)
				continue;
			if (sig == NULL) {
				decide_tags(&d->today, tags);
				decide_say(d, WATCH_NOTHING, WATCH_CAUSE_NOT_PROVED, 0,
				    "the %s set at %s is not signed by a key that has a DS (%s)",
				    types[t] == WATCH_CDS ? "CDS" : "CDNSKEY", s->name, tags);
				return 0;
			}
			if (oldest == 0 || sig->inception < oldest)
				oldest = sig->inception;
		}
	}
	return oldest;
}

/* Records that were overtaken, or have had their effect, stay valid until their signatures expire:
 * whoever plays them again must not undo what came after. */
static bool is_newer(struct deciding *d, int64_t inception)
{
	const struct watch_child *c = d->child;
	const uint8_t *digest = first_wish(d)->digest;
	bool is_acted = memcmp(digest, c->acted, WATCH_DIGEST_LEN) == 0;

	if (memcmp(digest, c->newest, WATCH_DIGEST_LEN) != 0) {
		refuse(d, WATCH_CAUSE_REPLAY,
		    "CDS or CDNSKEY records with a newer signature were seen before: these are "
		    "old ones played again");
		return false;
	}
	if (inception > c->acted_inception || (is_acted && c->acted_is_open))
		return true;
	refuse(d, WATCH_CAUSE_REPLAY,
	    is_acted ? "these CDS or CDNSKEY records were acted on before: they count again when "
		       "they are signed anew"
		     : "these CDS or CDNSKEY records are not newer than those last acted on");
	return false;
}

static bool has_stood(struct deciding *d)
{
	int64_t since = 0, until;
	char text[32];

	for (unsigned i = 0; i < d->child->server_count; i++) {
		const struct watch_wish *w = &d->child->servers[i].wish;

		if (w->since == 0 || w->since > since)
			since = w->since == 0 ? d->now : w->since;
	}
	until = since + d->policy->hold_down;
	if (d->now >= until)
		return true;
	decide_time(until, text);
	decide_say(d, WATCH_WAIT, WATCH_CAUSE_HOLD_DOWN, until,
	    "the CDS and CDNSKEY records must stand unchanged at all servers until %s", text);
	return false;
}

/* The steps that lead to the set: first what is missing, then what is too much. */
static bool take_step(struct deciding *d, const struct watch_ds *goal)
{
	struct watch_ds missing = decide_without(goal, &d->today);
	struct watch_ds extra = decide_without(&d->today, goal);
	struct watch_ds next = missing.count > 0 ? d->today : *goal;
	char why[WATCH_REASON_MAX];

	for (unsigned i = 0; i < missing.count; i++) {
		if (!watch_ds_add(&next, &missing.list[i])) {
			refuse(d, WATCH_CAUSE_LIMIT, "there are too many DS records");
			return false;
		}
	}
	if (goal->count > 0 &&
	    (!decide_is_valid(d, goal, why) || !decide_is_valid(d, &next, why))) {
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_WOULD_BREAK, 0,
		    "with the DS set that the domain asks for validation would fail: %s", why);
		return false;
	}
	d->out->ds = missing.count > 0 ? missing : extra;
	d->out->wanted = next;
	d->out->goal = *goal;
	d->out->is_wish = true;
	memcpy(d->out->wish, first_wish(d)->digest, WATCH_DIGEST_LEN);
	return true;
}

static void say_step(struct deciding *d, enum watch_cause cause, const char *how)
{
	struct watch_ds missing = decide_without(&d->out->goal, &d->today);
	char tags[TAGS_SIZE];

	decide_tags(&d->out->goal, tags);
	decide_say(d, missing.count > 0 ? WATCH_ADD : WATCH_REMOVE, cause, 0,
	    "all servers of the domain ask for the DS of key %s, %s", tags, how);
}

void decide_by_wish(struct deciding *d)
{
	struct watch_ds goal;
	int64_t inception;

	if (!read_wish(d))
		return;
	inception = proven(d);
	if (inception == 0)
		return;
	if (is_delete(first_wish(d)) && !d->policy->allow_delete) {
		refuse(d, WATCH_CAUSE_DELETE,
		    "the domain asks to be unsigned, which its policy here forbids");
		return;
	}
	if (!wanted(d, &goal))
		return;
	if (watch_ds_equal(&goal, &d->today)) {
		decide_say(d, WATCH_NOTHING, WATCH_CAUSE_SETTLED, 0,
		    "the DS set is the one that the domain asks for");
		return;
	}
	if (!is_newer(d, inception))
		return;
	if (names_past(d, &goal, WATCH_REVOKED)) {
		refuse(d, WATCH_CAUSE_NOT_NEW, "the domain asks for the DS of a revoked key");
		return;
	}
	if (!has_stood(d) || !take_step(d, &goal))
		return;
	d->out->inception = inception;
	say_step(d, WATCH_CAUSE_WISH, "signed by a key that has a DS");
}

/* Bootstrapping (RFC 9615) */

bool watch_signal_name(const uint8_t *apex, const uint8_t *ns, uint8_t out[NAME_MAX_LEN])
{
	static const uint8_t before[] = "\7_dsboot", after[] = "\7_signal";
	size_t apex_len = name_len(apex) - 1, ns_len = name_len(ns), label = sizeof(before) - 1;

	if (2 * label + apex_len + ns_len > NAME_MAX_LEN)
		return false;
	memcpy(out, before, label);
	memcpy(out + label, apex, apex_len);
	memcpy(out + label + apex_len, after, label);
	memcpy(out + 2 * label + apex_len, ns, ns_len);
	return true;
}

bool watch_signal_is_wanted(const uint8_t *apex, const uint8_t *ns)
{
	return !name_is_at_or_below(ns, apex);
}

static bool is_signal_good(struct deciding *d, const struct watch_signal *signal)
{
	uint8_t digest[WATCH_DIGEST_LEN];
	char ns[NAME_TEXT_SIZE];

	name_text(signal->ns, ns);
	if (signal->security != WATCH_SECURE) {
		decide_say(d, WATCH_WAIT, WATCH_CAUSE_SIGNAL, 0,
		    "the signal of name server %.200s is %s", ns,
		    signal->security == WATCH_BOGUS	 ? "bogus"
		    : signal->security == WATCH_INSECURE ? "not secured by DNSSEC"
							 : "not known");
		return false;
	}
	child_wish_digest(&signal->cds, &signal->cdnskey, digest);
	if (signal->cds.word == WATCH_ANSWERED && signal->cdnskey.word == WATCH_ANSWERED &&
	    memcmp(digest, first_wish(d)->digest, WATCH_DIGEST_LEN) == 0)
		return true;
	decide_say(d, WATCH_WAIT, WATCH_CAUSE_SIGNAL, 0,
	    "the signal of name server %.200s is not what the domain's own CDS and CDNSKEY say",
	    ns);
	return false;
}

static bool are_signals_good(struct deciding *d)
{
	unsigned good = 0;

	for (unsigned i = 0; i < d->outside->signal_count; i++) {
		const struct watch_signal *signal = &d->outside->signals[i];

		if (!watch_signal_is_wanted(d->child->apex, signal->ns))
			continue;
		if (!is_signal_good(d, signal))
			return false;
		good++;
	}
	if (good == 0)
		decide_say(d, WATCH_NOTHING, WATCH_CAUSE_SIGNAL, 0,
		    "no name server outside of the domain can vouch for its first DS");
	return good > 0;
}

void decide_bootstrap(struct deciding *d)
{
	struct watch_ds goal;

	if (!d->policy->allow_bootstrap) {
		decide_say(d, WATCH_NOTHING, WATCH_CAUSE_UNSIGNED, 0,
		    "the domain has no DS, and the first one is not made from here");
		return;
	}
	if (!read_wish(d))
		return;
	if (is_delete(first_wish(d))) {
		decide_say(d, WATCH_NOTHING, WATCH_CAUSE_SETTLED, 0,
		    "the domain has no DS and wants none");
		return;
	}
	if (!wanted(d, &goal) || !are_signals_good(d))
		return;
	/* Whoever took a DS out had a reason; what the domain publishes is what it was then. */
	if (names_past(d, &goal, WATCH_REVOKED) || names_past(d, &goal, WATCH_DROPPED)) {
		refuse(d, WATCH_CAUSE_NOT_NEW,
		    "the domain asks for the DS of a key that was revoked, or whose DS was taken out");
		return;
	}
	if (has_stood(d) && take_step(d, &goal))
		say_step(d, WATCH_CAUSE_BOOTSTRAP,
		    "and so do the secure signals of its name servers (RFC 9615)");
}
