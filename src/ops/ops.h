/* ops: the operator's side of the daemon: the control socket, verbs, listings as text or JSON.
 * Runs in the signing side.  Which verbs there are, with their options and help, is one table
 * (verbs.h) that the command, its help, its man page and the completion are made from. */
#ifndef OPS_OPS_H
#define OPS_OPS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/loop.h"

struct ops;
struct ops_call; /* one command being carried out; ends with ops_done or ops_fail, once */

struct ops *ops_new(struct loop *l);
void ops_free(struct ops *o);
/* Serve commands from a listening Unix socket bound by the master (mode 0660).  Takes fd.  Peers are
 * allowed by their credentials: root, our own uid, and members of group gid ((gid_t)-1: none). */
void ops_listen(struct ops *o, int fd, gid_t gid);

/* The function for a verb, by its full name ("zone add").  A verb of the table without a function
 * answers "not available in this version". */
typedef void ops_verb_fn(void *arg, struct ops_call *call);
void ops_register(struct ops *o, const char *verb, ops_verb_fn *fn, void *arg);

/* What the operator said.  Options by their long name as in the table; NULL / false: not given. */
const char *ops_option(const struct ops_call *c, const char *name);
unsigned ops_option_count(const struct ops_call *c, const char *name); /* repeatable ones */
const char *ops_option_at(const struct ops_call *c, const char *name, unsigned i);
bool ops_flag(const struct ops_call *c, const char *name);
const char *ops_argument(const struct ops_call *c, unsigned i); /* positional; NULL */
const char *ops_requester(const struct ops_call *c); /* "uid 0 (root)", for the records */

/* Answers.  Text is sent as it comes, newlines included; a warning is one line without a newline.  What
 * would steer a terminal is escaped on the way.
 * A listing is given as JSON and shown as a table unless --json was given.  columns: "zone:Zone,
 * next_event.what:Next,..." of the objects in array `key` of root; "no <key>" when that is empty.
 * columns NULL: "name: value" lines of each object in turn, or (key NULL) of root itself. */
void ops_text(struct ops_call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ops_warn(struct ops_call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ops_list(struct ops_call *c, json_t *root, const char *key, const char *columns); /* takes root */
/* Shown on a terminal while it lasts: "signing example.gov: 12000 of 80400 (15 %)". */
void ops_progress(struct ops_call *c, const char *what, uint64_t done, uint64_t total);
void ops_done(struct ops_call *c);
void ops_fail(struct ops_call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void ops_fail_err(struct ops_call *c, const struct err *e);
/* For long texts: when much is queued, return to the loop and go on when fn is called, once, because the
 * client has read it or is gone (at once, when it has gone already). */
typedef void ops_drained_fn(void *arg, struct ops_call *c);
bool ops_is_full(const struct ops_call *c);
void ops_when_drained(struct ops_call *c, ops_drained_fn *fn, void *arg);
/* The other end hung up: the call must still be ended, what it says goes nowhere. */
bool ops_is_gone(const struct ops_call *c);

#endif
