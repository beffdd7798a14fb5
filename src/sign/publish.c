/* Versions that are ready share a commit: its cost is the disk's, and the same for one zone as for
 * many. In the signing side's main thread; no transaction is open between two turns of the loop.
 *
 * A run that has its version joins the list.  All of the list are committed as soon as no run of a
 * class as urgent as theirs can go on at once (so a single change waits for nothing), at the latest
 * when there are PUBLISH_MOST or the first has waited for PUBLISH_WAIT_MS.  Each is a part of the
 * write: what fails there fails its own run only.  What fails in the commit fails all of them. */
#include "sign/run.h"

#include <string.h>
#include "base/clock.h"

#define PUBLISH_MOST 64
#define PUBLISH_WAIT_MS 10

int publish_step(struct sign_run *r, uint64_t until)
{
	struct sign *s = r->sign;

	(void)until;
	switch (r->publishing) {
	case PUBLISH_NONE:
		r->publishing = PUBLISH_LISTED;
		r->next_ready = NULL;
		if (s->ready_count++ == 0)
			s->ready_since_ms = clock_mono_ms();
		*s->ready_end = r;
		s->ready_end = &r->next_ready;
		return STEP_WAIT;
	case PUBLISH_LISTED:
		return STEP_WAIT;
	case PUBLISH_COMMITTED:
		break;
	}
	r->publishing = PUBLISH_NONE;
	return STEP_DONE;
}

void publish_leave(struct sign_run *r)
{
	struct sign *s = r->sign;
	struct sign_run **p = &s->ready;

	if (r->publishing != PUBLISH_LISTED)
		return;
	while (*p != r)
		p = &(*p)->next_ready;
	*p = r->next_ready;
	if (*p == NULL)
		s->ready_end = p;
	s->ready_count--;
	r->publishing = PUBLISH_NONE;
}

/* The head may have changed while the run was under way: what others write there is kept. */
static int merge_head(struct sign_run *r, struct store_write *w)
{
	struct zone_head h;
	int rc = snapshot_head(store_write_view(w), r->job.apex, &h);

	if (rc == ERR_MISSING)
		memset(&h, 0, sizeof(h));
	else if (rc != OK)
		return err_set(&r->err, rc, "reading its head: %s", err_name(rc));
	if (h.generation != r->live_head.generation || h.has_out != r->live_head.has_out ||
	    h.serial_out != r->live_head.serial_out)
		return err_set(&r->err, ERR_CONFLICT,
		    "another version (serial %u) was made while this one was being signed; this "
		    "one is dropped, sign again",
		    h.serial_out);
	if (h.refreshed >= r->head.refreshed) {
		r->head.refreshed = h.refreshed;
		r->head.source_expires = h.source_expires;
	}
	return OK;
}

/* Not OK: the write itself is of no use any more. */
static int put_part(struct sign_run *r, struct store_write *w, struct err *e)
{
	int put, rc = store_part_begin(w, e);

	if (rc != OK)
		return rc;
	put = merge_head(r, w);
	if (put == OK)
		put = r->publish->put(r, w);
	rc = store_part_end(w, put == OK, e);
	if (put != OK)
		run_fail_in(r, put, "publishing");
	return rc;
}

static int commit_all(struct sign *s, struct sign_run *list, struct err *e)
{
	struct store_write *w;
	unsigned kept = 0;
	int rc = store_write_begin(s->store, &w, e);

	if (rc != OK)
		return rc;
	for (struct sign_run *r = list; r != NULL && rc == OK; r = r->next_ready) {
		if (r->code == OK)
			rc = put_part(r, w, e);
		kept += r->code == OK;
	}
	if (rc == OK && kept > 0)
		return store_write_commit(w, e);
	store_write_abort(w);
	return rc;
}

static void publish_all(struct sign *s)
{
	struct sign_run *list = s->ready, *r;
	struct err e = {0};
	int rc;

	s->ready = NULL;
	s->ready_end = &s->ready;
	s->ready_count = 0;
	rc = commit_all(s, list, &e);
	while ((r = list) != NULL) {
		list = r->next_ready;
		r->publishing = PUBLISH_COMMITTED;
		if (rc != OK && r->code == OK) {
			r->err = e;
			run_fail_in(r, rc, "publishing");
		}
		if (r->code == OK)
			r->publish->done(r);
		run_wake(r);
	}
}

void publish_look(struct sign *s, const struct sign_run *next)
{
	enum token_class most = TOKEN_CLASSES;

	if (s->ready == NULL)
		return;
	for (const struct sign_run *r = s->ready; r != NULL; r = r->next_ready)
		most = r->job.class < most ? r->job.class : most;
	if (next == NULL || next->job.class > most || s->ready_count >= PUBLISH_MOST ||
	    clock_mono_ms() >= s->ready_since_ms + PUBLISH_WAIT_MS)
		publish_all(s);
}
