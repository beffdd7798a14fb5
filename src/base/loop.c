/* The event loop: see loop.h.  The only file that knows libevent.
 *
 * Calendar events stand in a binary heap.  One monotonic timer wakes the loop for the earliest of
 * them, and at least once a minute, so that a clock set forward by hand is noticed. */
#include "base/loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define CALENDAR_LOOK_MS 60000

struct soon {
	loop_fn *fn;
	void *arg;
};

struct loop {
	struct event_base *base;
	struct loop_event **heap;
	size_t heap_len, heap_cap;
	uint64_t heap_count; /* events ever set: those of one second run in the order of setting */
	struct event *calendar;
	struct soon *soon;
	size_t soon_len, soon_cap;
	struct event *soon_event;
	struct event *signals[65];
	struct soon signal_fns[65];
};

struct loop_watch {
	struct event *event;
	struct loop *loop;
	loop_io_fn *fn;
	void *arg;
	int fd;
};

struct loop_timer {
	struct event *event;
	loop_fn *fn;
	void *arg;
};

struct loop_event {
	struct loop *loop;
	loop_event_fn *fn;
	void *arg;
	int64_t due;
	uint64_t order;
	size_t place; /* in the heap, from 1; 0: not set */
};

static struct timeval milliseconds(uint64_t ms)
{
	return (struct timeval){
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

/* Calendar events */

static bool runs_before(const struct loop_event *a, const struct loop_event *b)
{
	return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void heap_place(struct loop *l, size_t place, struct loop_event *e)
{
	l->heap[place - 1] = e;
	e->place = place;
}

static void heap_up(struct loop *l, struct loop_event *e)
{
	size_t place = e->place;

	while (place > 1 && runs_before(e, l->heap[place / 2 - 1])) {
		heap_place(l, place, l->heap[place / 2 - 1]);
		place /= 2;
	}
	heap_place(l, place, e);
}

static void heap_down(struct loop *l, struct loop_event *e)
{
	size_t place = e->place;

	for (;;) {
		size_t child = place * 2;

		if (child > l->heap_len)
			break;
		if (child < l->heap_len && runs_before(l->heap[child], l->heap[child - 1]))
			child++;
		if (!runs_before(l->heap[child - 1], e))
			break;
		heap_place(l, place, l->heap[child - 1]);
		place = child;
	}
	heap_place(l, place, e);
}

static void heap_remove(struct loop *l, struct loop_event *e)
{
	struct loop_event *last = l->heap[--l->heap_len];

	if (last != e) {
		heap_place(l, e->place, last);
		heap_up(l, last);
		heap_down(l, last);
	}
	e->place = 0;
}

static void calendar_arm(struct loop *l)
{
	int64_t due = loop_next_due(l);
	uint64_t wait = CALENDAR_LOOK_MS;
	struct timeval tv;

	if (due != 0) {
		int64_t now = clock_calendar();

		/* A virtual calendar stands still: looking again costs one wake-up a second at
		 * most. */
		if (due <= now)
			wait = 0;
		else if (due - now < CALENDAR_LOOK_MS / 1000)
			wait = clock_is_virtual() ? 200 : (uint64_t)(due - now) * 1000;
	}
	tv = milliseconds(wait);
	event_add(l->calendar, &tv);
}

static void calendar_run(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	int64_t now = clock_calendar();

	(void)fd;
	(void)what;
	while (l->heap_len > 0 && l->heap[0]->due <= now) {
		struct loop_event *e = l->heap[0];

		heap_remove(l, e);
		e->fn(e->arg, e->due);
	}
	calendar_arm(l);
}

struct loop_event *loop_event_new(struct loop *l, loop_event_fn *fn, void *arg)
{
	struct loop_event *e = mem_alloc(sizeof(*e));

	e->loop = l;
	e->fn = fn;
	e->arg = arg;
	return e;
}

void loop_event_set(struct loop_event *e, int64_t due)
{
	struct loop *l = e->loop;

	loop_event_stop(e);
	if (l->heap_len == l->heap_cap) {
		l->heap_cap = l->heap_cap == 0 ? 64 : l->heap_cap * 2;
		l->heap = mem_grow(l->heap, l->heap_cap, sizeof(l->heap[0]));
	}
	e->due = due;
	e->order = l->heap_count++;
	heap_place(l, ++l->heap_len, e);
	heap_up(l, e);
	if (e->place == 1)
		calendar_arm(l);
}

void loop_event_stop(struct loop_event *e)
{
	if (e->place != 0)
		heap_remove(e->loop, e);
}

int64_t loop_event_due(const struct loop_event *e)
{
	return e->place == 0 ? 0 : e->due;
}

void loop_event_free(struct loop_event *e)
{
	if (e == NULL)
		return;
	loop_event_stop(e);
	free(e);
}

int64_t loop_next_due(struct loop *l)
{
	return l->heap_len == 0 ? 0 : l->heap[0]->due;
}

void loop_look(struct loop *l)
{
	calendar_run(-1, 0, l);
}

/* Work in slices */

static void soon_run(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	struct soon *list = l->soon;
	size_t len = l->soon_len;

	(void)fd;
	(void)what;
	/* What these put in the queue again has its turn after the next look at the descriptors. */
	l->soon = NULL;
	l->soon_len = l->soon_cap = 0;
	for (size_t i = 0; i < len; i++)
		list[i].fn(list[i].arg);
	free(list);
}

void loop_soon(struct loop *l, loop_fn *fn, void *arg)
{
	struct timeval now = {0, 0};

	if (l->soon_len == l->soon_cap) {
		l->soon_cap = l->soon_cap == 0 ? 16 : l->soon_cap * 2;
		l->soon = mem_grow(l->soon, l->soon_cap, sizeof(l->soon[0]));
	}
	l->soon[l->soon_len++] = (struct soon){fn, arg};
	if (l->soon_len == 1)
		event_add(l->soon_event, &now);
}

/* Descriptors */

static void watch_run(evutil_socket_t fd, short what, void *arg)
{
	struct loop_watch *w = arg;
	int io = (what & EV_READ ? LOOP_READ : 0) | (what & EV_WRITE ? LOOP_WRITE : 0);

	w->fn(w->arg, (int)fd, io);
}

struct loop_watch *loop_watch(struct loop *l, int fd, int io, loop_io_fn *fn, void *arg)
{
	struct loop_watch *w = mem_alloc(sizeof(*w));

	w->loop = l;
	w->fd = fd;
	w->fn = fn;
	w->arg = arg;
	w->event = event_new(l->base, fd, EV_PERSIST | EV_READ, watch_run, w);
	loop_watch_set(w, io);
	return w;
}

void loop_watch_set(struct loop_watch *w, int io)
{
	short what = EV_PERSIST;

	event_del(w->event);
	if (io == 0)
		return;
	what |= io & LOOP_READ ? EV_READ : 0;
	what |= io & LOOP_WRITE ? EV_WRITE : 0;
	event_assign(w->event, w->loop->base, w->fd, what, watch_run, w);
	if (event_add(w->event, NULL) != 0)
		log_error("cannot watch descriptor %d", w->fd);
}

void loop_watch_free(struct loop_watch *w)
{
	if (w == NULL)
		return;
	event_free(w->event);
	free(w);
}

/* Monotonic timers */

static void timer_run(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	(void)fd;
	(void)what;
	t->fn(t->arg);
}

struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg)
{
	struct loop_timer *t = mem_alloc(sizeof(*t));

	t->fn = fn;
	t->arg = arg;
	t->event = evtimer_new(l->base, timer_run, t);
	return t;
}

void loop_timer_set(struct loop_timer *t, uint64_t ms)
{
	struct timeval tv = milliseconds(ms);

	event_add(t->event, &tv);
}

void loop_timer_stop(struct loop_timer *t)
{
	event_del(t->event);
}

bool loop_timer_is_set(const struct loop_timer *t)
{
	return event_pending(t->event, EV_TIMEOUT, NULL) != 0;
}

void loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
		return;
	event_free(t->event);
	free(t);
}

/* The loop itself */

static void signal_run(evutil_socket_t signo, short what, void *arg)
{
	struct loop *l = arg;

	(void)what;
	l->signal_fns[signo].fn(l->signal_fns[signo].arg);
}

void loop_signal(struct loop *l, int signo, loop_fn *fn, void *arg)
{
	l->signal_fns[signo] = (struct soon){fn, arg};
	l->signals[signo] = evsignal_new(l->base, signo, signal_run, l);
	event_add(l->signals[signo], NULL);
}

struct loop *loop_new(void)
{
	struct loop *l = mem_alloc(sizeof(*l));

	l->base = event_base_new();
	if (l->base == NULL) {
		log_error("libevent finds no way to wait for descriptors on this system");
		abort();
	}
	l->calendar = evtimer_new(l->base, calendar_run, l);
	l->soon_event = evtimer_new(l->base, soon_run, l);
	calendar_arm(l);
	return l;
}

void loop_free(struct loop *l)
{
	for (size_t i = 0; i < MEM_COUNT(l->signals); i++) {
		if (l->signals[i] != NULL)
			event_free(l->signals[i]);
	}
	event_free(l->calendar);
	event_free(l->soon_event);
	event_base_free(l->base);
	free(l->heap);
	free(l->soon);
	free(l);
}

void loop_run(struct loop *l)
{
	event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void loop_stop(struct loop *l)
{
	event_base_loopbreak(l->base);
}

void loop_once(struct loop *l, bool block)
{
	event_base_loop(l->base, block ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
}
