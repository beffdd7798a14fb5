/* A zone's next step, decided in one place (signer_zone_turn): keys are made, a received version is
 * signed, signatures are refreshed.  Whose turn it is: signer/turns.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/signer/runway.h"
#include "daemon/signer/signer.h"

#define RETRY_FIRST_MS 2000
#define RETRY_MOST_MS 120000

/* Why a zone does not get on: logged when it is news, told to whoever waits. */
static void stuck(struct signer_zone *z, const char *why)
{
	if (strcmp(z->problem, why) != 0) {
		snprintf(z->problem, sizeof(z->problem), "%s", why);
		log_error("zone %s: %s", z->name, why);
	}
	verbs_zone_stuck(z);
}

static void stuck_without_keys(struct signer_zone *z, const char *why)
{
	stuck(z, why);
	z->problem_is_keys = true;
}

static void retry_later(struct signer_zone *z)
{
	uint64_t wait = RETRY_FIRST_MS << (z->failures < 6 ? z->failures : 6);

	z->failures++;
	loop_timer_set(z->retry, wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS);
}

/* Keys */

static void keys_made(void *arg, int code, const char *why)
{
	struct signer_zone *z = arg;

	z->making_keys = false;
	if (z->deleting) {
		signer_zone_run_ended(z);
		return;
	}
	if (code == OK) {
		log_notice("zone %s: its keys are in the token", z->name);
		z->failures = 0;
		z->problem[0] = '\0';
		verbs_zone_progress(z, "keys", 1, 1);
		signer_life_begin(z);
		signer_zone_step(z);
		return;
	}
	stuck_without_keys(z, why);
	retry_later(z);
}

static void keys_were_read(void *arg, int code, const char *why)
{
	struct signer *s = arg;

	s->keys_loading = false;
	if (code != OK)
		log_error("not every token could be read: %s", why);
	else if (!s->keys_loaded)
		log_notice("the tokens were read");
	s->keys_loaded = s->keys_loaded || code == OK;
	if (!keys_wants_load(s->keys))
		s->keys_wait_ms = 0;
	else if (s->keys_wait_ms == 0)
		s->keys_wait_ms = RETRY_FIRST_MS;
	else if (s->keys_wait_ms < RETRY_MOST_MS)
		s->keys_wait_ms *= 2;
	s->keys_look_ms = clock_mono_ms() + s->keys_wait_ms;
	signer_step_all(s);
}

void signer_keys_load(struct signer *s)
{
	s->keys_loading = true;
	keys_load(s->keys, keys_were_read, s);
}

/* Does a token that the zone needs say why it cannot be used?  One that is only starting, or being
 * started again, is waited for. */
static bool token_is_away(struct signer_zone *z, char *why, size_t size)
{
	const struct signer *s = z->signer;

	for (unsigned i = 0; i < s->token_count; i++) {
		const struct signer_token *t = s->tokens[i];
		char reason[256] = "";

		if (strcmp(t->name, z->key_policy.ksk.token) != 0 &&
		    strcmp(t->name, z->key_policy.zsk.token) != 0)
			continue;
		if (token_is_up(t->token, reason) || t->down_since_ms == 0 ||
		    clock_mono_ms() - t->down_since_ms < SIGNER_TOKEN_PATIENCE_MS)
			continue;
		snprintf(why, size, "its keys cannot be had: %.200s", reason);
		return true;
	}
	return false;
}

/* True when the zone has keys to sign with. */
static bool has_keys(struct signer_zone *z)
{
	char why[256] = "";
	struct keyset frozen;

	signer_share_settle(z);
	switch (keys_zone_status(z->signer->keys, z->owner, why)) {
	case KEYS_GOOD:
		if (z->problem_is_keys)
			z->problem[0] = '\0';
		z->problem_is_keys = false;
		return true;
	case KEYS_NONE:
	case KEYS_MAKING:
		z->making_keys = true;
		keys_zone_make(
		    z->signer->keys, z->owner, &z->key_policy, clock_calendar(), keys_made, z);
		return false;
	case KEYS_UNKNOWN:
		if (token_is_away(z, why, sizeof(why)))
			stuck_without_keys(z, why);
		else
			loop_timer_set(z->retry, SIGNER_TOKEN_PATIENCE_MS + 1000);
		return false;
	case KEYS_FROZEN: /* its keys do not change, and they sign on */
		if (keys_keyset(z->signer->keys, z->owner, clock_calendar(), &frozen, NULL) == OK)
			return true;
		break;
	case KEYS_RECOVERY:
		break;
	}
	stuck_without_keys(z, why);
	return false;
}

/* Signing */

static void send_verdict(struct signer_zone *z, const struct sign_result *r)
{
	const struct received *in = &z->reading;
	struct buf body = {0};
	const struct soa *soa = &r->head.soa_in;

	if (z->signer->network == NULL)
		return;
	buf_lv16(&body, z->apex, name_len(z->apex));
	buf_str(&body, in->source);
	buf_u8(&body, (uint8_t)-r->code);
	buf_str(&body, r->code == OK ? "" : r->err.text);
	buf_u32(&body, r->code == OK ? r->head.serial_in : in->serial);
	buf_u32(&body, soa->serial);
	buf_u32(&body, soa->refresh);
	buf_u32(&body, soa->retry);
	buf_u32(&body, soa->expire);
	buf_u32(&body, soa->minimum);
	z->signer->told++;
	channel_send(z->signer->network, PROTO_VERDICT, &body, -1);
	buf_free(&body);
}

static void drop_spool(struct received *in)
{
	if (in->spool == NULL)
		return;
	unlink(in->spool);
	free(in->spool);
	in->spool = NULL;
}

void signer_received_forget(struct signer_zone *z)
{
	drop_spool(&z->next);
	drop_spool(&z->reading);
}

void signer_zone_refresh_arm(struct signer_zone *z)
{
	if (z->has_head && z->head.generation != 0 && z->head.resign_at != 0)
		loop_event_set(z->refresh, z->head.resign_at);
}

/* mark: of the input that the version has. */
static void signed_well(
    struct signer_zone *z, const struct sign_result *r, const struct keyset *keys, uint64_t mark)
{
	bool moved = !z->has_head || z->head.serial_out != r->head.serial_out ||
		     z->head.published != r->head.published;

	if (moved)
		log_notice(
		    "zone %s: version %u signed: %llu signatures made, %llu kept, in %llu ms%s%s",
		    z->name, r->head.serial_out, (unsigned long long)r->signed_now,
		    (unsigned long long)r->kept, (unsigned long long)r->elapsed_ms,
		    r->head.published ? "" : "; not published: ",
		    r->head.published ? "" : r->head.hold);
	z->head = r->head;
	z->head.input_mark = mark;
	if (z->head.input_mark != r->head.input_mark)
		signer_status_dirty(z); /* it is lost in a crash, and the file is read once more */
	z->has_head = true;
	z->damaged = z->whole = false;
	z->failures = 0;
	loop_timer_stop(z->retry);
	z->problem[0] = '\0';
	if (moved && z->head.published)
		signer_send_zone(z->signer, PROTO_VERSION, z);
	signer_zone_refresh_arm(z);
	signer_life_version(z, keys);
	signer_policy_look(z);
	signer_runway_look(z);
	verbs_zone_signed(z, r);
}

/* What the run was to do is still to be done, unless the input is at fault: that its source mends.
 */
static void run_failed(struct signer_zone *z, const struct sign_result *r)
{
	bool is_misfit = r->input_bad && r->code == ERR_CONFLICT;

	if (is_misfit)
		log_notice("%s; the whole zone is fetched", r->err.text);
	else
		stuck(z, r->err.text);
	if (r->input_bad && !is_misfit)
		return;
	z->whole = r->place_bad;
	if (r->store_bad) {
		z->damaged = true; /* only its source can mend it */
		signer_send_zone(z->signer, PROTO_RETRANSFER, z);
		return;
	}
	z->force = z->force || z->run_force;
	z->again = z->again || z->run_again;
	z->due = z->due || z->run_due;
	if (is_misfit)
		return; /* the network side asks for the whole zone */
	if (z->next.spool == NULL) {
		z->next = z->reading;
		z->reading.spool = NULL;
	}
	retry_later(z);
}

/* It read nothing that came in; what it was to do is found to be due again. */
static void beside_done(
    struct signer_zone *z, const struct sign_result *r, const struct keyset *keys)
{
	if (r->code == OK) {
		signed_well(z, r, keys, z->head.input_mark);
		return;
	}
	stuck(z, r->err.text);
	z->force = z->force || z->beside_force;
	z->due = true;
	retry_later(z);
}

static void run_done(void *arg, const struct sign_result *r)
{
	struct signer_zone *z = arg;
	struct signer *s = z->signer;
	struct keyset *beside = signer_beside_end(z, r), *keys = beside;

	if (beside == NULL) {
		z->run = NULL;
		keys = z->run_keys;
		z->run_keys = NULL;
	}
	if (z->deleting)
		goto done;
	if (beside != NULL) {
		beside_done(z, r, beside);
		goto done;
	}
	if (z->reading.spool != NULL && (r->code == OK || r->input_bad)) {
		send_verdict(z, r);
		drop_spool(&z->reading);
	}
	if (r->code == OK)
		signed_well(z, r, keys, z->run_mark);
	else
		run_failed(z, r);
	drop_spool(&z->reading);
done:
	if (!z->deleting && !loop_timer_is_set(z->retry)) /* else it steps when that is over */
		signer_zone_step(z);
	free(keys);
	signer_zone_run_ended(z);
	signer_place_give(s);
}

static void run_progress(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	verbs_zone_progress(arg, phase, done, total);
}

/* The keys to sign with, and what the run must know of the past; false: not now. */
static void stuck_unpublished(struct signer_zone *z)
{
	char why[REASON_MAX];

	snprintf(why, sizeof(why),
	    z->key_policy.require_backup
		? "its keys wait for their back-up, which policy %s demands: see \"intaglio backup prepare\""
		: "none of its keys may be published yet under policy %s: see \"intaglio rollover list\"",
	    z->key_policy.name);
	stuck(z, why);
}

static bool prepare(struct signer_zone *z, struct sign_job *job)
{
	char why[REASON_MAX] = "";
	struct err e = {0};

	if (!signer_rebuild_floor(z, job, why)) {
		if (strcmp(z->problem, why) != 0)
			log_notice("zone %s: %s", z->name, why);
		memcpy(z->problem, why, sizeof(why));
		return false;
	}
	if (signer_zone_keyset(z, job->now, &job->keys, &e) != OK) {
		stuck(z, e.text);
		retry_later(z);
		return false;
	}
	if (job->keys.count == 0 && !job->keys.unsign) {
		stuck_unpublished(z); /* the next step of its keys brings it back here */
		return false;
	}
	if (job->keys.emergency_validity != 0)
		job->class = TOKEN_EMERGENCY;
	return true;
}

static void run_start(struct signer_zone *z)
{
	struct signer *s = z->signer;
	struct sign_job job = {.spool = z->next.spool,
	    .force = z->force || z->damaged,
	    .whole = z->damaged || z->whole,
	    .again = z->again,
	    .as_is = z->beside != NULL,
	    .replace_dnssec = z->replace_dnssec || signer_parent_frees(z),
	    .policy = z->sign_policy,
	    .class = z->due && z->next.spool == NULL ? TOKEN_REFRESH : TOKEN_CHANGE,
	    .now = clock_calendar()};

	if (!prepare(z, &job) || !signer_place_take(z, job.class))
		return;
	memcpy(job.apex, z->apex, sizeof(job.apex));
	if (!z->head.published)
		signer_parent_bars(z, job.hold);
	z->reading = z->next;
	z->next.spool = NULL;
	z->run_mark = z->reading.spool != NULL ? z->reading.mark : z->head.input_mark;
	z->run_force = z->force;
	z->run_again = z->again;
	z->run_due = z->due;
	z->force = z->again = z->due = false;
	z->run_keys = mem_alloc(sizeof(*z->run_keys));
	*z->run_keys = job.keys;
	loop_event_stop(z->refresh);
	z->run = sign_start(s->sign, &job, run_progress, run_done, z);
}

void signer_zone_turn(struct signer_zone *z)
{
	bool has_version = z->has_head && z->head.generation != 0;

	if (z->deleting || z->making_keys || !has_keys(z))
		return;
	signer_life_turn(z);
	signer_beside_begin(z);
	if (z->run != NULL || (z->beside != NULL && !sign_is_beside(z->beside)))
		return;
	if (z->next.spool == NULL &&
	    (z->damaged || !(has_version && (z->due || z->again || z->force)))) {
		if (loop_event_due(z->refresh) == 0)
			signer_zone_refresh_arm(z);
		return;
	}
	if (signer_parent_is_awaited(z))
		return; /* looked at again when it has answered */
	run_start(z);
}

void signer_received(
    struct signer_zone *z, const char *source, uint32_t serial, const char *path, uint64_t mark)
{
	/* Handed over once more, since the network side cannot know that we have it. */
	if ((z->next.spool != NULL && strcmp(z->next.spool, path) == 0) ||
	    (z->reading.spool != NULL && strcmp(z->reading.spool, path) == 0))
		return;
	drop_spool(&z->next);
	z->next.spool = mem_strdup(path);
	snprintf(z->next.source, sizeof(z->next.source), "%s", source);
	z->next.serial = serial;
	z->next.mark = mark;
	log_notice("zone %s: version %u came in from %s", z->name, serial,
	    source[0] == '\0' ? "its file" : source);
	signer_zone_step(z);
}
