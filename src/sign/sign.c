/* Runs and their turns: see sign.h.  In the signing side's main thread; a timer of no length gives
 * the loop back between slices.  Urgent classes go first, runs of one class take turns. */
#include "sign/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define SLICE_US 3000

bool run_time_is_up(uint64_t until)
{
	return clock_mono_us() >= until;
}

static void arm(struct sign *s)
{
	if (s->timer_is_set)
		return;
	s->timer_is_set = true;
	loop_timer_set(s->timer, 0);
}

void run_wake(struct sign_run *r)
{
	r->is_waiting = false;
	arm(r->sign);
}

int run_fail(struct sign_run *r, int code, const char *fmt, ...)
{
	unsigned long ckr = r->err.ckr;
	char why[sizeof(r->err.text)];
	va_list ap;

	if (r->code != OK)
		return r->code;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	err_set(&r->err, code, "signing zone %.200s: %s", r->zone, why);
	r->err.ckr = ckr;
	r->code = code;
	run_wake(r);
	return code;
}

int run_fail_in(struct sign_run *r, int code, const char *doing)
{
	char why[sizeof(r->err.text)];

	memcpy(why, r->err.text, sizeof(why));
	if (why[0] == '\0')
		snprintf(why, sizeof(why), "%s", err_name(code));
	return run_fail(
	    r, code, "%s%s%s", doing == NULL ? "" : doing, doing == NULL ? "" : ": ", why);
}

static void work_finished(struct work *w)
{
	struct sign_run *r = (struct sign_run *)((char *)w - offsetof(struct sign_run, work));

	r->works_out--;
	r->work_done = true;
	run_wake(r);
}

int run_in_pool(struct sign_run *r, void (*fn)(struct work *w, struct verifier_scratch *scratch))
{
	if (!r->work_started) {
		r->work_started = true;
		r->work_done = false;
		r->work_code = OK;
		r->work =
		    (struct work){.run = fn, .finished = work_finished, .class = r->job.class};
		r->works_out++;
		pool_push(r->sign->pool, &r->work);
	}
	if (!r->work_done)
		return STEP_WAIT;
	r->work_started = false;
	if (r->work_code == OK)
		return STEP_DONE;
	r->err = r->work_err;
	return run_fail_in(r, r->work_code, NULL);
}

static void unlink_run(struct sign_run *r)
{
	struct sign_run **p = &r->sign->runs;

	while (*p != r)
		p = &(*p)->next;
	*p = r->next;
}

static void put_last(struct sign_run *r)
{
	struct sign_run **p = &r->sign->runs;

	while (*p != NULL)
		p = &(*p)->next;
	r->next = NULL;
	*p = r;
}

static void finish(struct sign_run *r)
{
	struct sign_result *result = mem_alloc(sizeof(*result));
	sign_done_fn *done = r->done;
	void *arg = r->arg;

	result->run = r;
	result->code = r->code;
	result->err = r->err;
	result->input_bad = r->input_bad;
	result->place_bad = r->place_bad;
	result->store_bad = r->store_bad;
	result->head = r->code == OK && !r->unchanged ? r->head : r->old_head;
	if (r->code == OK && !r->unchanged) {
		result->signed_now = r->signed_now;
		result->kept = r->head.signatures - r->signed_now;
	}
	result->elapsed_ms = clock_mono_ms() - r->started_ms;
	result->cpu_us = clock_cpu_us() - r->cpu_start;
	if (r->code == OK)
		memset(&result->err, 0, sizeof(result->err));
	unlink_run(r);
	catchup_wake(r->sign, r->job.apex);
	run_free(r);
	done(arg, result);
	free(result);
}

static struct sign_run *next_run(struct sign *s)
{
	struct sign_run *best = NULL;

	for (struct sign_run *r = s->runs; r != NULL; r = r->next) {
		if (!r->is_waiting && (best == NULL || r->job.class < best->job.class))
			best = r;
	}
	return best;
}

static void take_turn(struct sign_run *r)
{
	/* Before the slice: what wakes the run while it works must not be lost. */
	r->is_waiting = true;
	switch (run_slice(r, clock_mono_us() + SLICE_US)) {
	case STEP_AGAIN:
		r->is_waiting = false;
		unlink_run(r);
		put_last(r);
		break;
	case STEP_FINISHED:
		finish(r);
		break;
	default:
		break;
	}
}

static void tick(void *arg)
{
	struct sign *s = arg;
	struct sign_run *r = next_run(s);

	s->timer_is_set = false;
	if (r != NULL)
		take_turn(r);
	publish_look(s, next_run(s));
	if (next_run(s) != NULL)
		arm(s);
}

struct sign *sign_new(
    struct loop *l, struct store *store, sign_token_fn *lookup, void *arg, unsigned threads)
{
	struct sign *s = mem_alloc(sizeof(*s));

	s->loop = l;
	s->store = store;
	s->lookup = lookup;
	s->arg = arg;
	s->ready_end = &s->ready;
	s->timer = loop_timer_new(l, tick, s);
	s->pool = pool_new(l, threads);
	if (s->pool == NULL) {
		log_error("cannot start a thread to verify signatures");
		sign_free(s);
		return NULL;
	}
	return s;
}

void sign_free(struct sign *s)
{
	if (s == NULL)
		return;
	pool_free(s->pool);
	loop_timer_free(s->timer);
	while (s->runs != NULL) {
		struct sign_run *r = s->runs;

		s->runs = r->next;
		run_free(r);
	}
	free(s);
}

struct sign_run *sign_start(struct sign *s, const struct sign_job *job, sign_progress_fn *progress,
    sign_done_fn *done, void *arg)
{
	struct sign_run *r = mem_alloc(sizeof(*r));

	r->sign = s;
	r->job = *job;
	r->spool = mem_strdup(job->spool);
	r->job.spool = r->spool;
	name_lower(r->job.apex);
	name_text(r->job.apex, r->zone);
	r->apex_key_len = name_key(r->job.apex, r->apex_key);
	r->progress = progress;
	r->done = done;
	r->arg = arg;
	r->started_ms = r->progress_ms = clock_mono_ms();
	r->cpu_start = clock_cpu_us();
	if (r->job.keys.count > KEYSET_MAX)
		run_fail(r, ERR_ARGUMENT, "its key set has more than %d keys", KEYSET_MAX);
	put_last(r);
	run_wake(r);
	return r;
}

void sign_cancel(struct sign_run *r)
{
	if (r->publishing == PUBLISH_COMMITTED)
		return; /* too late: it is the zone's version */
	run_fail(r, ERR_CLOSED, "it was called off");
	run_wake(r);
}
