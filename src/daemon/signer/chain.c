/* Chains of trust: see trust.h.  Runs in the signing side; the network side asks (signer/probe.c).
 */
#include "daemon/signer/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"

#define RUNNING_MAX 8
#define SLICE 64 /* chains that need no question, in one go */

struct signer_chain {
	struct signer_chain *previous, *next;
	struct signer_chains *all;
	uint8_t name[NAME_MAX_LEN];
	uint16_t type;
	chain_done_fn *done;
	void *arg;
	bool is_running;
	struct trust chain;	    /* of one that is running */
	struct signer_probe *probe; /* likewise */
};

struct signer_chains {
	struct signer *signer;
	struct anchors anchors;
	char *path;   /* NULL: none is configured */
	struct err e; /* why the anchors cannot be used; code OK: they can */
	struct trust_memory *memory;
	struct signer_chain *first, *last; /* those that are running before those that wait */
	unsigned running;
	struct loop_timer *pump;
};

/* The list */

static void append(struct signer_chain *j)
{
	struct signer_chains *all = j->all;

	j->previous = all->last;
	*(all->last == NULL ? &all->first : &all->last->next) = j;
	all->last = j;
}

static void take_out(struct signer_chain *j)
{
	struct signer_chains *all = j->all;

	*(j->previous == NULL ? &all->first : &j->previous->next) = j->next;
	*(j->next == NULL ? &all->last : &j->next->previous) = j->previous;
}

static void stop(struct signer_chain *j)
{
	if (!j->is_running)
		return;
	signer_probe_cancel(j->probe);
	j->probe = NULL;
	trust_free(&j->chain);
	j->is_running = false;
	j->all->running--;
}

static void drop(struct signer_chain *j)
{
	stop(j);
	take_out(j);
	free(j);
}

static void finish(struct signer_chain *j)
{
	struct signer_chains *all = j->all;

	/* Whoever is told may begin another, or cancel what has not ended. */
	take_out(j);
	j->done(j->arg, &j->chain);
	trust_free(&j->chain);
	all->running--;
	free(j);
	if (all->first != NULL)
		loop_timer_set(all->pump, 0);
}

/* At work */

static void answered(void *arg, int code, const char *why, const uint8_t *msg, size_t len);

static void go_on(struct signer_chain *j)
{
	const uint8_t *qname;
	uint16_t qtype;

	if (j->chain.verdict != TRUST_OPEN) {
		finish(j);
		return;
	}
	trust_question(&j->chain, &qname, &qtype);
	j->probe = signer_probe_resolver(
	    j->all->signer, qname, qtype, PROBE_DNSSEC | PROBE_CD, answered, j);
}

static void answered(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct signer_chain *j = arg;

	j->probe = NULL;
	if (code == OK)
		trust_answer(&j->chain, msg, len, clock_calendar());
	else
		trust_failed(&j->chain, why, clock_calendar());
	go_on(j);
}

static void begin(struct signer_chain *j)
{
	struct signer_chains *all = j->all;

	j->is_running = true;
	all->running++;
	trust_begin(&j->chain, &all->anchors, all->memory, j->name, j->type, clock_calendar());
	if (all->e.code != OK) {
		j->chain.verdict = TRUST_UNKNOWN;
		snprintf(
		    j->chain.why, sizeof(j->chain.why), "%.*s", TRUST_WHY_MAX - 1, all->e.text);
	}
	go_on(j);
}

static void pump(void *arg)
{
	struct signer_chains *all = arg;

	for (unsigned i = 0; i < SLICE && all->running < RUNNING_MAX; i++) {
		struct signer_chain *j = all->first;

		while (j != NULL && j->is_running)
			j = j->next;
		if (j == NULL)
			return;
		begin(j);
	}
	if (all->running < RUNNING_MAX)
		loop_timer_set(all->pump, 0);
}

/* Wanted */

bool signer_chain_is_on(const struct signer *s)
{
	return s->chains != NULL && s->chains->path != NULL;
}

struct signer_chain *signer_chain_start(
    struct signer *s, const uint8_t *name, uint16_t type, chain_done_fn *done, void *arg)
{
	struct signer_chain *j = mem_alloc(sizeof(*j));

	j->all = s->chains;
	memcpy(j->name, name, name_len(name));
	j->type = type;
	j->done = done;
	j->arg = arg;
	append(j);
	loop_timer_set(j->all->pump, 0);
	return j;
}

void signer_chain_cancel(struct signer_chain *j)
{
	struct signer_chains *all = j == NULL ? NULL : j->all;

	if (j == NULL)
		return;
	drop(j);
	if (all->first != NULL)
		loop_timer_set(all->pump, 0);
}

bool signer_chain_is_busy(const struct signer *s)
{
	return s->chains != NULL && s->chains->first != NULL;
}

/* Configuration */

static bool is_same(const struct anchors *a, const struct anchors *b)
{
	bool is_same = a->count == b->count;

	for (unsigned i = 0; i < a->count && is_same; i++)
		is_same = a->sets[i].len == b->sets[i].len &&
			  memcmp(a->sets[i].data, b->sets[i].data, a->sets[i].len) == 0;
	return is_same;
}

static bool read_anchors(struct signer_chains *all)
{
	struct anchors new = {.count = 0};
	int before = all->e.code;
	bool is_other;

	all->e = (struct err){.code = OK};
	if (all->path != NULL && anchors_read(all->path, &new, &all->e) != OK)
		log_error(
		    "the trust anchors cannot be read, nothing is validated: %s", all->e.text);
	is_other = !is_same(&new, &all->anchors) || before != all->e.code;
	anchors_free(&all->anchors);
	all->anchors = new;
	return is_other;
}

bool signer_chain_configure(struct signer *s)
{
	const char *path = s->config->resolver.trust_anchor_file;
	struct signer_chains *all = s->chains;
	bool is_first = all == NULL;

	if (is_first) {
		all = s->chains = mem_alloc(sizeof(*all));
		all->signer = s;
		all->memory = trust_memory_new();
		all->pump = loop_timer_new(s->loop, pump, all);
	}
	free(all->path);
	all->path = mem_strdup(path);
	if (!read_anchors(all))
		return false;
	trust_memory_clear(all->memory);
	for (struct signer_chain *j = all->first; j != NULL; j = j->next)
		stop(j);
	if (all->first != NULL)
		loop_timer_set(all->pump, 0);
	return !is_first;
}

void signer_chains_free(struct signer *s)
{
	struct signer_chains *all = s->chains;

	if (all == NULL)
		return;
	while (all->first != NULL)
		drop(all->first);
	loop_timer_free(all->pump);
	trust_memory_free(all->memory);
	anchors_free(&all->anchors);
	free(all->path);
	free(all);
	s->chains = NULL;
}
