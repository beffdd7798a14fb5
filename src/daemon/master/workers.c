/* The token workers, as the master sees them: a process each, started when there is a signer to
 * connect it to.  Their PIN is never seen here. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/master/internal.h"
#include "daemon/proto.h"

static void worker_tell(const struct worker *w, uint16_t type, int fd)
{
	struct buf body = {0};

	if (w->master->signer.channel == NULL)
		return;
	buf_str(&body, w->token);
	buf_u16(&body, (uint16_t)w->number);
	if (type == PROTO_WORKER)
		buf_u16(&body, (uint16_t)w->settings.sessions);
	channel_send(w->master->signer.channel, type, &body, fd);
	buf_free(&body);
}

/* Have it end by itself: the signing side closes the channel.  See worker.c. */
static void worker_dismiss(const struct worker *w)
{
	if (w->pid > 0)
		worker_tell(w, PROTO_WORKER_GONE, -1);
}

static void worker_start(void *arg)
{
	struct worker *w = arg;
	struct master *m = w->master;
	char sessions[12];
	const char *argv[32] = {m->options.program, "--role", "token", "--token-name", w->token,
	    "--module", w->settings.module, "--label", w->settings.label, "--pin-file",
	    w->settings.pin_file, "--sessions", sessions};
	int n = 13, pair[2];

	if (m->stopping || !w->wanted || w->pid > 0 || m->signer.channel == NULL)
		return;
	snprintf(sessions, sizeof(sessions), "%u", w->settings.sessions);
	argv[n++] = w->settings.session_copies ? "--session-copies" : "--token-objects";
	argv[n++] = m->options.foreground ? "--foreground" : "--background";
	if (m->options.verbose)
		argv[n++] = "--verbose";
	if (w->settings.serial != NULL) {
		argv[n++] = "--serial";
		argv[n++] = w->settings.serial;
	}
	if (m->config->user != NULL) {
		argv[n++] = "--user";
		argv[n++] = m->config->user;
	}
	process_pace_started(&w->pace, clock_mono_ms());
	if (msg_pair(pair) != OK || (w->pid = process_start(argv, pair[0], m->clock_fd)) < 0) {
		log_error("a worker of token %s cannot be started: %s", w->token, strerror(errno));
		w->pid = 0;
		loop_timer_set(w->again, 1000);
		return;
	}
	worker_tell(w, PROTO_WORKER, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

static bool differs(const char *a, const char *b)
{
	return (a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0);
}

/* Take the settings over; true if a running worker must be replaced. */
static bool worker_settle(struct worker *w, const struct config_token *t)
{
	struct worker_settings *s = &w->settings;
	bool changed = differs(s->module, t->module) || differs(s->label, t->label) ||
		       differs(s->serial, t->serial) || differs(s->pin_file, t->pin_file) ||
		       s->sessions != (unsigned)t->sessions ||
		       s->session_copies != t->session_copies;

	free(s->module);
	free(s->label);
	free(s->serial);
	free(s->pin_file);
	s->module = mem_strdup(t->module);
	s->label = mem_strdup(t->label);
	s->serial = mem_strdup(t->serial);
	s->pin_file = mem_strdup(t->pin_file);
	s->sessions = (unsigned)t->sessions;
	s->session_copies = t->session_copies;
	return changed;
}

static struct worker *worker_find(struct master *m, const char *token, unsigned number)
{
	struct worker *w = m->workers;

	while (w != NULL && (w->number != number || strcmp(w->token, token) != 0))
		w = w->next;
	return w;
}

static struct worker *worker_get(struct master *m, const char *token, unsigned number)
{
	struct worker *w = worker_find(m, token, number);

	if (w != NULL)
		return w;
	w = mem_alloc(sizeof(*w));
	w->master = m;
	w->token = mem_strdup(token);
	w->number = number;
	w->again = loop_timer_new(m->loop, worker_start, w);
	w->next = m->workers;
	m->workers = w;
	return w;
}

void master_workers_configure(struct master *m)
{
	const struct config_token *t = m->config->tokens.items;

	for (struct worker *w = m->workers; w != NULL; w = w->next)
		w->wanted = false;
	for (unsigned i = 0; i < m->config->tokens.count; i++) {
		for (unsigned n = 0; n < (unsigned)t[i].workers; n++) {
			struct worker *w = worker_get(m, t[i].name, n);

			w->wanted = true;
			if (worker_settle(w, &t[i]))
				worker_dismiss(w);
			worker_start(w);
		}
	}
	for (struct worker *w = m->workers; w != NULL; w = w->next) {
		if (!w->wanted)
			worker_dismiss(w);
	}
}

void master_workers_kill(struct master *m)
{
	for (struct worker *w = m->workers; w != NULL; w = w->next) {
		if (w->pid > 0)
			kill(w->pid, SIGKILL);
	}
}

bool master_workers_alive(const struct master *m)
{
	for (const struct worker *w = m->workers; w != NULL; w = w->next) {
		if (w->pid > 0)
			return true;
	}
	return false;
}

void master_worker_ended(struct master *m, pid_t pid, int status)
{
	struct worker *w = m->workers;
	char how[64];

	while (w != NULL && w->pid != pid)
		w = w->next;
	if (w == NULL)
		return;
	worker_tell(w, PROTO_WORKER_GONE, -1);
	w->pid = 0;
	if (m->stopping || !w->wanted)
		return;
	if (status == 0) {
		/* Its channel closed: the signer went away, and comes back. */
		worker_start(w);
		return;
	}
	process_end_text(status, how);
	log_warning(
	    "worker %u of token %s ended (%s); it is started again", w->number, w->token, how);
	loop_timer_set(w->again, process_pace_wait(&w->pace, clock_mono_ms()));
}

void master_worker_lost(struct master *m, const char *token, unsigned number)
{
	struct worker *w = worker_find(m, token, number);

	if (w == NULL || w->pid <= 0)
		return;
	log_error(
	    "worker %u of token %s hangs in a call into the module; it is killed", number, token);
	kill(w->pid, SIGKILL);
}
