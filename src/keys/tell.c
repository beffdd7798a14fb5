/* tell: see tell.h.  Pure; runs in the signing side. */
#include "keys/tell.h"

#include <stdio.h>
#include <string.h>

#define DAY 86400

/* Ahead of a roll-over (R50). */
static const struct reminder {
	const char *name;
	struct period ahead;
} reminders[] = {
    {"2 months", {.months = 2}},
    {"1 month", {.months = 1}},
    {"2 weeks", {.seconds = 14 * DAY}},
};
#define REMINDER_COUNT (sizeof(reminders) / sizeof(*reminders))

struct telling {
	const struct tell_input *in;
	struct tell *out;
	unsigned count;
};

static bool is_recent(const struct telling *t, int64_t at)
{
	return at != 0 && at <= t->in->now && t->in->now - at <= TELL_DAYS * DAY;
}

static struct tell *add(struct telling *t, enum tell_kind kind, int64_t at)
{
	struct tell *x = &t->out[t->count];

	memset(x, 0, sizeof(*x));
	x->kind = kind;
	x->at = at;
	if (t->count < TELL_MAX - 1)
		t->count++;
	return x;
}

static void about(struct tell *x, const struct record_key *k)
{
	x->role = k->role;
	x->algorithm = k->algorithm;
	x->tag = k->tag;
}

static bool has_come(const struct record_key *k, enum key_time which, int64_t now)
{
	return k->times.at[which] != 0 && k->times.at[which] <= now;
}

/* Do they do the same work: vouch for the DNSKEY set, or else sign the zone? */
static bool is_peer(enum key_role a, enum key_role b)
{
	return role_has_ds(a) ? role_has_ds(b) : role_has_zone(b);
}

/* Ahead of the roll-over: the one that waits; of those that were made the one that came furthest.
 */
static uint16_t waiting_tag(const struct record *r, const struct record_key *k, int64_t now)
{
	const struct record_key *found = NULL;

	for (unsigned i = 0; i < r->key_count; i++) {
		const struct record_key *other = &r->keys[i];

		if (other == k || !is_peer(k->role, other->role) ||
		    timeline_state(&other->times, now) >= KEY_ACTIVE ||
		    other->times.at[TIME_COMPROMISED] != 0 || other->times.at[TIME_ROLL] != 0)
			continue;
		if (found == NULL ||
		    timeline_state(&other->times, now) > timeline_state(&found->times, now))
			found = other;
	}
	return found == NULL ? 0 : found->tag;
}

/* The youngest that is active and good: it took over at `at`, or before. */
static const struct record_key *successor(
    const struct record *r, const uint8_t *id, enum key_role role, int64_t at)
{
	const struct record_key *found = NULL;

	for (unsigned i = 0; i < r->key_count; i++) {
		const struct record_key *k = &r->keys[i];

		if (memcmp(k->id, id, TOKEN_ID_LEN) == 0 || !is_peer(role, k->role) ||
		    !has_come(k, TIME_ACTIVE, at) || has_come(k, TIME_RETIRED, at))
			continue;
		if (found == NULL || k->times.at[TIME_ACTIVE] > found->times.at[TIME_ACTIVE])
			found = k;
	}
	return found;
}

/* Scheduled */

/* When the schedule replaces it; POLICY_NEVER: not as long as nobody asks for it. */
static int64_t scheduled_at(const struct tell_input *in, const struct record_key *k)
{
	if (in->record->unsign != 0 || !role_has_ds(k->role) ||
	    timeline_state(&k->times, in->now) != KEY_ACTIVE ||
	    k->times.at[TIME_COMPROMISED] != 0 || k->times.at[TIME_ROLL] != 0 ||
	    !policy_fits(in->policy, k, NULL))
		return POLICY_NEVER;
	return policy_retire_at(in->policy, k, true);
}

/* Of a period shorter than that nobody is reminded before it began. */
static int64_t reminder_at(const struct reminder *m, const struct record_key *k, int64_t roll)
{
	int64_t at = period_sub(roll, m->ahead);

	return at > k->times.at[TIME_ACTIVE] ? at : POLICY_NEVER;
}

static void tell_scheduled(struct telling *t, const struct record_key *k)
{
	int64_t roll = scheduled_at(t->in, k);
	char date[TIME_TEXT_SIZE];

	if (roll == POLICY_NEVER || roll <= t->in->now)
		return;
	time_text(roll, date);
	for (unsigned i = 0; i < REMINDER_COUNT; i++) {
		int64_t at = reminder_at(&reminders[i], k, roll);
		struct tell *x;

		if (at == POLICY_NEVER || !is_recent(t, at))
			continue;
		x = add(t, TELL_SCHEDULED, at);
		about(x, k);
		x->until = roll;
		x->next_tag = waiting_tag(t->in->record, k, t->in->now);
		snprintf(x->occasion, sizeof(x->occasion), "%s %u %s, %s ahead",
		    key_role_name(k->role), k->tag, date, reminders[i].name);
	}
}

int64_t tell_next(const struct tell_input *in)
{
	int64_t next = POLICY_NEVER;

	for (unsigned i = 0; i < in->record->key_count; i++) {
		const struct record_key *k = &in->record->keys[i];
		int64_t roll = scheduled_at(in, k);

		for (unsigned j = 0; j < REMINDER_COUNT && roll != POLICY_NEVER; j++) {
			int64_t at = reminder_at(&reminders[j], k, roll);

			if (at > in->now && at < next)
				next = at;
		}
	}
	return next;
}

/* Done */

static struct tell_known known_of(const struct record_key *k)
{
	struct tell_known n = {.role = k->role,
	    .algorithm = k->algorithm,
	    .tag = k->tag,
	    .active = k->times.at[TIME_ACTIVE],
	    .retired = k->times.at[TIME_RETIRED]};

	memcpy(n.id, k->id, sizeof(n.id));
	return n;
}

/* Where nobody took over, the zone was unsigned: that is no roll-over. */
static void tell_done(
    struct telling *t, enum tell_kind kind, const struct tell_known *n, int64_t at, int64_t retired)
{
	const struct record_key *next = successor(t->in->record, n->id, n->role, retired);
	char active[TIME_TEXT_SIZE];
	struct tell *x;

	if (next == NULL || !is_recent(t, at))
		return;
	x = add(t, kind, at);
	x->role = n->role;
	x->algorithm = n->algorithm;
	x->tag = n->tag;
	x->next_tag = next->tag;
	time_text(n->active, active);
	snprintf(x->occasion, sizeof(x->occasion), "%s %u active since %s", key_role_name(n->role),
	    n->tag, active);
}

static bool was_in_use(const struct record_key *k)
{
	return role_has_ds(k->role) && k->times.at[TIME_ACTIVE] != 0;
}

static void tell_key_done(struct telling *t, const struct record_key *k)
{
	struct tell_known n = known_of(k);
	int64_t removed = k->times.at[TIME_REMOVED];

	if (!was_in_use(k) || n.retired == 0)
		return;
	tell_done(t, TELL_SUCCESSFUL, &n, n.retired, n.retired);
	tell_done(t, TELL_POSTPUBLISHED, &n, removed, n.retired);
}

static const struct record_key *find(const struct record *r, const uint8_t *id)
{
	for (unsigned i = 0; i < r->key_count; i++) {
		if (memcmp(r->keys[i].id, id, TOKEN_ID_LEN) == 0)
			return &r->keys[i];
	}
	return NULL;
}

/* Compromised keys are destroyed as soon as they are removed, and then no record has them. */
static void tell_gone(struct telling *t)
{
	const struct tell_memory *m = t->in->memory;
	int64_t now = t->in->now;

	for (unsigned i = 0; m != NULL && i < m->count; i++) {
		const struct tell_known *n = &m->known[i];

		if (find(t->in->record, n->id) != NULL)
			continue;
		if (n->retired == 0)
			tell_done(t, TELL_SUCCESSFUL, n, now, now);
		tell_done(t, TELL_POSTPUBLISHED, n, now, n->retired == 0 ? now : n->retired);
	}
}

/* Emergencies */

static bool was_active(const struct record_key *k, int64_t reported)
{
	return has_come(k, TIME_ACTIVE, reported) && !has_come(k, TIME_RETIRED, reported - 1);
}

/* Of several keys of one report it is about the one that is in use. */
static bool is_lesser(const struct record *r, const struct record_key *k)
{
	int64_t reported = k->times.at[TIME_COMPROMISED];

	for (unsigned i = 0; i < r->key_count; i++) {
		const struct record_key *other = &r->keys[i];
		bool is_other = other != k && other->times.at[TIME_COMPROMISED] == reported &&
				role_has_ds(other->role) == role_has_ds(k->role);

		if (is_other && was_active(other, reported) &&
		    (!was_active(k, reported) || other < k))
			return true;
	}
	return false;
}

static void fill_timetable(const struct tell_input *in, const struct record_key *k, struct tell *x)
{
	struct record_key later = *k;
	int64_t handed = policy_zone_handover_at(k);

	x->stop = policy_retire_at(in->policy, k, true);
	x->hand_over = handed == POLICY_NEVER ? 0 : handed;
	if (later.times.at[TIME_RETIRED] == 0)
		later.times.at[TIME_RETIRED] = x->stop;
	x->remove = policy_remove_at(in->policy, &later);
}

static void tell_emergency(struct telling *t, const struct record_key *k, bool is_before)
{
	int64_t reported = k->times.at[TIME_COMPROMISED];
	const struct record_key *next;
	char date[TIME_TEXT_SIZE];
	struct tell *x;

	if (!is_recent(t, reported) || is_lesser(t->in->record, k) ||
	    (is_before && was_active(k, reported)))
		return;
	x = add(t, role_has_ds(k->role) ? TELL_EMERGENCY_KSK : TELL_EMERGENCY_ZSK, reported);
	about(x, k);
	x->was_active = was_active(k, reported);
	if (x->was_active)
		fill_timetable(t->in, k, x);
	next = successor(t->in->record, k->id, k->role, t->in->now);
	if (next != NULL && next->times.at[TIME_COMPROMISED] == 0)
		x->next_tag = next->tag;
	else
		x->next_tag = waiting_tag(t->in->record, k, t->in->now);
	memcpy(x->note, k->note, sizeof(x->note));
	time_text(reported, date);
	snprintf(x->occasion, sizeof(x->occasion), "%s %u reported %s", key_role_name(k->role),
	    k->tag, date);
}

unsigned tell_due(const struct tell_input *in, bool is_before, struct tell out[TELL_MAX])
{
	struct telling t = {.in = in, .out = out};

	for (unsigned i = 0; i < in->record->key_count; i++) {
		const struct record_key *k = &in->record->keys[i];

		tell_emergency(&t, k, is_before);
		if (is_before)
			continue;
		tell_scheduled(&t, k);
		tell_key_done(&t, k);
	}
	if (!is_before)
		tell_gone(&t);
	return t.count;
}

/* Memory */

void tell_remember(const struct record *r, struct tell_memory *out)
{
	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < r->key_count; i++) {
		const struct record_key *k = &r->keys[i];

		if (was_in_use(k) && k->times.at[TIME_REMOVED] == 0)
			out->known[out->count++] = known_of(k);
	}
}

bool tell_memory_same(const struct tell_memory *a, const struct tell_memory *b)
{
	if (a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++) {
		if (memcmp(a->known[i].id, b->known[i].id, TOKEN_ID_LEN) != 0 ||
		    a->known[i].retired != b->known[i].retired)
			return false;
	}
	return true;
}

void tell_memory_write(const struct tell_memory *m, struct buf *out)
{
	buf_u8(out, (uint8_t)m->count);
	for (unsigned i = 0; i < m->count; i++) {
		const struct tell_known *n = &m->known[i];

		buf_put(out, n->id, sizeof(n->id));
		buf_u8(out, (uint8_t)n->role);
		buf_u8(out, n->algorithm);
		buf_u16(out, n->tag);
		buf_u64(out, (uint64_t)n->active);
		buf_u64(out, (uint64_t)n->retired);
	}
}

static void read_known(struct reader *r, struct tell_known *n)
{
	const uint8_t *id = reader_bytes(r, TOKEN_ID_LEN);

	if (id != NULL)
		memcpy(n->id, id, TOKEN_ID_LEN);
	n->role = (enum key_role)reader_u8(r);
	n->algorithm = reader_u8(r);
	n->tag = reader_u16(r);
	n->active = (int64_t)reader_u64(r);
	n->retired = (int64_t)reader_u64(r);
	if (n->role < KEY_KSK || n->role > KEY_CSK)
		r->failed = true;
}

void tell_memory_read(struct reader *r, struct tell_memory *out)
{
	memset(out, 0, sizeof(*out));
	out->count = reader_u8(r);
	if (out->count > KEYSET_MAX)
		r->failed = true;
	for (unsigned i = 0; i < out->count && !r->failed; i++)
		read_known(r, &out->known[i]);
	if (r->failed)
		memset(out, 0, sizeof(*out));
}
