/* People are told of the life of a zone's keys: see tell.h. */
#include "daemon/signer/tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "keys/tell.h"

#define DONE_MAX 12

struct zone_tell {
	struct tell_memory memory; /* as in the store */
	struct tell_memory *after; /* when all that is due was told; owned, NULL: no other */
	struct tell *due;	   /* not in the store yet; owned */
	unsigned due_count;
	/* Hashes of what was told since the start: the store knows the rest, and need not be asked.
	 */
	uint64_t done[DONE_MAX];
	unsigned done_at;
};

static void load_memory(const struct signer_zone *z, struct tell_memory *m)
{
	const uint8_t *value;
	struct snapshot *sn;
	struct reader r;
	size_t len;

	if (snapshot_open(z->signer->store, &sn, NULL) != OK)
		return;
	if (snapshot_meta(sn, META_TELL, z->key, z->key_len, &value, &len) == OK) {
		r = reader_of(value, len);
		tell_memory_read(&r, m);
	}
	snapshot_close(sn);
}

static struct zone_tell *tell_of(struct signer_zone *z)
{
	if (z->tell == NULL) {
		z->tell = mem_alloc(sizeof(*z->tell));
		load_memory(z, &z->tell->memory);
	}
	return z->tell;
}

/* FNV-1a. */
static uint64_t hash_of(const struct tell *x)
{
	uint64_t hash = 14695981039346656037ULL ^ (uint64_t)x->kind;

	for (const char *p = x->occasion; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 1099511628211ULL;
	return hash;
}

static bool is_known(const struct zone_tell *t, const struct tell *x)
{
	uint64_t hash = hash_of(x);

	for (unsigned i = 0; i < DONE_MAX; i++) {
		if (t->done[i] == hash)
			return true;
	}
	for (unsigned i = 0; i < t->due_count; i++) {
		if (hash_of(&t->due[i]) == hash)
			return true;
	}
	return false;
}

/* As the record is now: by the time it is saved, it may be another. */
static void note_memory(struct zone_tell *t, const struct record *r)
{
	struct tell_memory m;

	tell_remember(r, &m);
	free(t->after);
	t->after = NULL;
	if (tell_memory_same(&m, &t->memory))
		return;
	t->after = mem_alloc(sizeof(*t->after));
	*t->after = m;
}

static void look(struct signer_zone *z, bool is_before)
{
	struct tell found[TELL_MAX];
	struct zone_record v;
	const struct record *r = signer_zone_record(z, &v);
	struct zone_tell *t;
	struct tell_input in = {.record = r, .policy = &z->key_policy, .now = clock_calendar()};
	unsigned count;

	if (r == NULL || !z->has_head || z->deleting)
		return;
	t = tell_of(z);
	in.memory = &t->memory;
	count = tell_due(&in, is_before, found);
	for (unsigned i = 0; i < count; i++) {
		if (is_known(t, &found[i]))
			continue;
		t->due = mem_grow(t->due, t->due_count + 1, sizeof(*t->due));
		t->due[t->due_count++] = found[i];
	}
	if (!is_before)
		note_memory(t, r);
	if (t->due_count > 0)
		signer_status_urgent(z);
	else if (t->after != NULL)
		signer_status_dirty(z);
}

void signer_tell_before(struct signer_zone *z)
{
	look(z, true);
}

void signer_tell_after(struct signer_zone *z)
{
	look(z, false);
}

int64_t signer_tell_next(const struct signer_zone *z)
{
	struct zone_record v;
	struct tell_input in = {
	    .record = signer_zone_record(z, &v), .policy = &z->key_policy, .now = clock_calendar()};

	return in.record == NULL ? POLICY_NEVER : tell_next(&in);
}

/* Words */

struct tell_words {
	char tag[8], next_tag[16], todo[400], timetable[600];
};

/* Who changes the DS at the parent, and so what the zone's people have to do. */
static const char *ds_todo(const struct signer_zone *z)
{
	const struct config_policy *p = config_policy(z->signer->config, z->sign_policy.name);

	switch (p == NULL ? SUBMIT_MANUAL : p->parent.submit) {
	case SUBMIT_UPDATE:
		return "Nothing: the DS record at the parent is changed by a DNS UPDATE from here.";
	case SUBMIT_COMMAND:
		return "Nothing: the DS record at the parent is changed by the operator's command.";
	case SUBMIT_CDS:
		return "Nothing, if the parent looks for CDS records: they say in the zone which DS "
		       "it is to have.";
	default:
		return "Have the parent change the DS record when it is asked for: \"intaglio zone "
		       "status\" says when, and \"intaglio key export --ds\" prints it.";
	}
}

static void say_line(struct buf *b, const char *what, int64_t at)
{
	char text[TIME_TEXT_SIZE];

	if (at == 0)
		return;
	time_text(at, text);
	buf_printf(b, "%s%s  %s", b->len > 0 ? "\n" : "", text, what);
}

/* R23, R24 */
static void say_timetable(const struct tell *x, char *out, size_t size)
{
	struct buf b = {0};

	if (x->was_active) {
		say_line(&b, "it was reported, and a new key takes over as soon as it can", x->at);
		if (x->role == KEY_ZSK)
			say_line(&b,
			    "the zone is signed anew by the new key; the old one signs no more",
			    x->stop);
		say_line(&b, "the zone's data is signed anew by the new key", x->hand_over);
		if (x->role != KEY_ZSK)
			say_line(&b, "the old key stops signing the DNSKEY set", x->stop);
		say_line(&b, "the old key leaves the zone and is destroyed", x->remove);
	} else {
		say_line(&b, "it was reported; it was not in use and is taken out at once", x->at);
	}
	snprintf(out, size, "%.*s", (int)b.len, b.data == NULL ? "" : (const char *)b.data);
	buf_free(&b);
}

static void say_all(const struct signer_zone *z, const struct tell *x, struct tell_words *w)
{
	snprintf(w->tag, sizeof(w->tag), "%u", x->tag);
	if (x->next_tag != 0)
		snprintf(w->next_tag, sizeof(w->next_tag), "%u", x->next_tag);
	else
		snprintf(w->next_tag, sizeof(w->next_tag), "not made yet");
	if (x->kind == TELL_EMERGENCY_ZSK || x->kind == TELL_POSTPUBLISHED)
		snprintf(w->todo, sizeof(w->todo), "Nothing.");
	else if (x->kind == TELL_SUCCESSFUL)
		snprintf(w->todo, sizeof(w->todo),
		    "Nothing, but where the old key is configured as a trust anchor, replace it.");
	else if (z->key_policy.no_ds)
		snprintf(
		    w->todo, sizeof(w->todo), "Nothing: the parent is asked for no DS record.");
	else
		snprintf(w->todo, sizeof(w->todo), "%s", ds_todo(z));
	if (x->kind == TELL_EMERGENCY_KSK || x->kind == TELL_EMERGENCY_ZSK)
		say_timetable(x, w->timetable, sizeof(w->timetable));
}

static int say(
    const struct signer_zone *z, const struct tell *x, struct store_write *w, struct err *e)
{
	static const enum notice_kind kinds[] = {
	    [TELL_SCHEDULED] = NOTICE_KSK_SCHEDULED,
	    [TELL_SUCCESSFUL] = NOTICE_KSK_SUCCESSFUL,
	    [TELL_POSTPUBLISHED] = NOTICE_KSK_POSTPUBLISHED,
	    [TELL_EMERGENCY_KSK] = NOTICE_EMERGENCY_KSK,
	    [TELL_EMERGENCY_ZSK] = NOTICE_EMERGENCY_ZSK,
	};
	struct tell_words words = {0};
	struct notice n = {.kind = kinds[x->kind],
	    .apex = z->apex,
	    .occasion = x->occasion,
	    .at = x->at,
	    .until = x->kind == TELL_EMERGENCY_KSK ? x->stop : x->until,
	    .fields = {{"role", key_role_name(x->role)},
		{"algorithm", dnskey_algorithm_name(x->algorithm)}, {"key_tag", words.tag},
		{"new_key_tag", words.next_tag}, {"todo", words.todo},
		{"reason", x->note[0] == '\0' ? "no reason given" : x->note}},
	    .field_count = 6};

	say_all(z, x, &words);
	if (words.timetable[0] != '\0')
		notice_add(&n, "timetable", words.timetable);
	return signer_notice_in(z->signer, w, &n, e);
}

/* Kept */

static int save_memory(struct signer_zone *z, struct store_write *w, struct err *e)
{
	struct buf value = {0};
	int code;

	if (z->tell->after == NULL)
		return OK;
	tell_memory_write(z->tell->after, &value);
	code = store_write_meta(w, META_TELL, z->key, z->key_len, value.data, value.len, e);
	buf_free(&value);
	return code;
}

int signer_tell_save(struct signer_zone *z, struct store_write *w, struct err *e)
{
	struct zone_tell *t = z->tell;
	int code = OK;

	if (t == NULL)
		return OK;
	for (unsigned i = 0; i < t->due_count && code == OK; i++)
		code = say(z, &t->due[i], w, e);
	return code == OK ? save_memory(z, w, e) : code;
}

void signer_tell_saved(struct signer_zone *z)
{
	struct zone_tell *t = z->tell;

	if (t == NULL)
		return;
	for (unsigned i = 0; i < t->due_count; i++)
		t->done[t->done_at++ % DONE_MAX] = hash_of(&t->due[i]);
	free(t->due);
	t->due = NULL;
	t->due_count = 0;
	if (t->after != NULL)
		t->memory = *t->after;
	free(t->after);
	t->after = NULL;
}

int signer_tell_forget(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	return store_write_meta(w, META_TELL, z->key, z->key_len, NULL, 0, e);
}

void signer_tell_free(struct signer_zone *z)
{
	if (z->tell != NULL) {
		free(z->tell->due);
		free(z->tell->after);
	}
	free(z->tell);
	z->tell = NULL;
}
