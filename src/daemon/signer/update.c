/* Dynamic updates of a DS set: see update.h.  Runs in the signing side; the network side asks and
 * sends.
 *
 *   SOA of the name above -> the parent zone -> (to take out: the DS set of now) -> UPDATE
 *
 * When somebody else changed the DS set between reading and taking out it is read again, a few
 * times. */
#include "daemon/signer/update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "dns/rrtype.h"
#include "inbound/probe.h"
#include "parent/update.h"

#define TRIES 3

struct update_job {
	struct signer *signer;
	const struct handover_order *order;
	struct update_change change;
	uint8_t zone[NAME_MAX_LEN]; /* the parent */
	unsigned tries;
	struct signer_probe *probe;
	handover_done_fn *done;
	void *arg;
};

static void job_end(struct update_job *j, bool ok, const char *why)
{
	char text[REASON_MAX];

	snprintf(text, sizeof(text), "server %.64s: %.300s", j->order->parent->primary, why);
	j->done(j->arg, ok, ok ? "" : text);
	free(j);
}

static void read_set(struct update_job *j);

/* The update was answered. */
static void on_answer(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct update_job *j = arg;
	bool is_retract = j->change.is_retract;
	struct err e = {0};

	j->probe = NULL;
	if (code == OK) {
		code = update_read_answer(msg, len, is_retract, &e);
		why = e.text;
	}
	if (code == ERR_AGAIN && is_retract && ++j->tries < TRIES)
		read_set(j);
	else
		job_end(j, code == OK, why);
}

static void send_update(struct update_job *j, const struct parent_set *now)
{
	struct packet_builder b = {0};

	update_compose(&j->change, j->zone, now, &b);
	j->probe = signer_send_message(
	    j->signer, j->order->parent->primary, &b.buf, PROBE_TCP, on_answer, j);
	packet_builder_free(&b);
}

static void on_set(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct update_job *j = arg;
	struct parent_set now;
	struct err e = {0};

	j->probe = NULL;
	if (code == OK) {
		code = parent_read_answer(msg, len, j->order->apex, &now, &e);
		if (code == OK)
			code = update_may_retract(&j->change, &now, &e);
		why = e.text;
	}
	if (code == OK)
		send_update(j, &now);
	else
		job_end(j, code == ERR_MISSING, why);
}

static void ask(struct update_job *j, const uint8_t *name, uint16_t type, probe_done_fn *done)
{
	j->probe = signer_probe_start(
	    j->signer, j->order->parent->primary, name, type, PROBE_TCP, done, j);
}

static void read_set(struct update_job *j)
{
	ask(j, j->order->apex, RR_DS, on_set);
}

static void zone_known(struct update_job *j)
{
	if (j->change.is_retract)
		read_set(j);
	else
		send_update(j, NULL);
}

/* The root has no parent, and is refused by whoever is asked. */
static const uint8_t *above_of(const uint8_t *apex)
{
	const uint8_t *above = name_parent(apex);

	return above == NULL ? apex : above;
}

static void on_zone(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct update_job *j = arg;
	struct err e = {0};

	j->probe = NULL;
	if (code == OK) {
		code = update_read_zone(msg, len, above_of(j->order->apex), j->zone, &e);
		why = e.text;
	}
	if (code == OK)
		zone_known(j);
	else
		job_end(j, false, why);
}

struct update_job *update_start(
    struct signer *s, const struct handover_order *o, handover_done_fn *done, void *arg)
{
	struct update_job *j = mem_alloc(sizeof(*j));
	const char *zone = o->parent->zone;

	j->signer = s;
	j->order = o;
	j->done = done;
	j->arg = arg;
	j->change = (struct update_change){.owner = o->apex,
	    .ds = o->ds,
	    .ds_count = o->ds_count,
	    .keep = o->keep,
	    .keep_count = o->keep_count,
	    .is_retract = o->is_retract,
	    .ttl = o->ttl};
	if (zone != NULL && name_parse(zone, j->zone) == OK)
		zone_known(j);
	else
		ask(j, above_of(o->apex), RR_SOA, on_zone);
	return j;
}

void update_cancel(struct update_job *j)
{
	signer_probe_cancel(j->probe);
	free(j);
}
