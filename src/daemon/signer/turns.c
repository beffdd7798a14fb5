/* Whose turn it is: zones that are to be looked at, and zones that wait for one of the runs.  Runs
 * in the signing side.
 *
 * Both are queues, so that many zones take turns, and a zone about which nothing is asked costs
 * nothing.  At most RUNS_MAX zones are being signed at once, and some of these places are for
 * changes only: what merely refreshes signatures never holds up what is new. */
#include "base/clock.h"
#include "daemon/signer/signer.h"

#define RUNS_MAX 32
#define RUNS_FOR_CHANGES 8
#define SLICE_US 3000

static void append(struct zone_queue *q, struct zone_link *l, struct signer_zone *z)
{
	*l = (struct zone_link){.queue = q, .zone = z, .prev = q->last};
	*(q->last == NULL ? &q->first : &q->last->next) = l;
	q->last = l;
}

static void take_out(struct zone_link *l)
{
	struct zone_queue *q = l->queue;

	if (q == NULL)
		return;
	*(l->prev == NULL ? &q->first : &l->prev->next) = l->next;
	*(l->next == NULL ? &q->last : &l->next->prev) = l->prev;
	*l = (struct zone_link){0};
}

static struct signer_zone *take_first(struct zone_queue *q)
{
	struct signer_zone *z = q->first == NULL ? NULL : q->first->zone;

	if (z != NULL)
		take_out(q->first);
	return z;
}

void signer_turns_forget(struct signer_zone *z)
{
	take_out(&z->turn);
	take_out(&z->place);
}

/* Turns */

static void take_turns(void *arg);

static void arm(struct signer *s)
{
	if (s->turns_armed)
		return;
	s->turns_armed = true;
	loop_soon(s->loop, take_turns, s);
}

static void take_turns(void *arg)
{
	struct signer *s = arg;
	uint64_t until = clock_mono_us() + SLICE_US;
	struct signer_zone *z;

	s->turns_armed = false;
	do {
		z = take_first(&s->turns);
		if (z != NULL)
			signer_zone_turn(z);
	} while (z != NULL && clock_mono_us() < until);
	if (s->turns.first != NULL)
		arm(s);
}

void signer_zone_step(struct signer_zone *z)
{
	if (z->turn.queue != NULL || z->deleting)
		return;
	append(&z->signer->turns, &z->turn, z);
	arm(z->signer);
}

void signer_step_all(struct signer *s)
{
	for (unsigned i = 0; i < s->zone_count; i++)
		signer_zone_step(s->zones[i]);
}

/* Places */

static bool has_place(const struct signer *s, enum token_class class)
{
	return s->runs < RUNS_MAX - (class == TOKEN_REFRESH ? RUNS_FOR_CHANGES : 0U);
}

bool signer_place_take(struct signer_zone *z, enum token_class class)
{
	struct signer *s = z->signer;

	take_out(&z->place);
	if (!has_place(s, class)) {
		append(&s->places[class], &z->place, z);
		return false;
	}
	s->runs++;
	return true;
}

void signer_place_give(struct signer *s)
{
	s->runs--;
	for (enum token_class class = 0; class < TOKEN_CLASSES; class ++) {
		while (s->places[class].first != NULL && has_place(s, class))
			signer_zone_turn(take_first(&s->places[class]));
	}
}
