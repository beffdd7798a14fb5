/* loop: the event loop of a process (libevent behind it), one thread.
 *
 * Two kinds of timer: monotonic ones for sockets and watchdogs, and calendar events, which are
 * run in the order of their times when the calendar clock has reached them. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_watch; /* a descriptor being watched */
struct loop_timer; /* a monotonic timer */
struct loop_event; /* a calendar event */

enum loop_io { LOOP_READ = 1, LOOP_WRITE = 2 };

typedef void loop_io_fn(void *arg, int fd, int io);
typedef void loop_fn(void *arg);
typedef void loop_event_fn(void *arg, int64_t due); /* due: the event's own time */

struct loop *loop_new(void);
void loop_free(struct loop *l); /* watches, timers and events must have been freed before */
void loop_run(struct loop *l);  /* until loop_stop */
void loop_stop(struct loop *l);
/* Run what is ready and return: for tests. */
void loop_once(struct loop *l, bool block);

struct loop_watch *loop_watch(struct loop *l, int fd, int io, loop_io_fn *fn, void *arg);
void loop_watch_set(struct loop_watch *w, int io); /* 0: pause */
void loop_watch_free(struct loop_watch *w);        /* does not close fd; NULL is fine */

/* Once, after ms.  It stays allocated and may be set again. */
struct loop_timer *loop_timer_new(struct loop *l, loop_fn *fn, void *arg); /* not armed yet */
void loop_timer_set(struct loop_timer *t, uint64_t ms);                    /* (re)arm, once */
void loop_timer_stop(struct loop_timer *t);
bool loop_timer_is_set(const struct loop_timer *t);
void loop_timer_free(struct loop_timer *t); /* NULL is fine */

/* Run fn as soon as the loop gets to it, after I/O that is ready now.  For work in slices. */
void loop_soon(struct loop *l, loop_fn *fn, void *arg);

struct loop_event *loop_event_new(struct loop *l, loop_event_fn *fn, void *arg); /* not set yet */
void loop_event_set(struct loop_event *e, int64_t due);
void loop_event_stop(struct loop_event *e);
int64_t loop_event_due(const struct loop_event *e); /* 0: not set */
void loop_event_free(struct loop_event *e);         /* NULL is fine */
/* The earliest calendar event, 0 if there is none. */
int64_t loop_next_due(struct loop *l);
/* The virtual calendar was moved: run what is due by now, without waiting for a wake-up. */
void loop_look(struct loop *l);

void loop_signal(struct loop *l, int signo, loop_fn *fn, void *arg);

#endif
