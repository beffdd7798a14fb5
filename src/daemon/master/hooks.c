/* The operators' commands, as the master sees them: those that hand DS over to a parent, and the
 * one that is given notices.  The signing side names a zone, its policy and what is to be done, or
 * the kind of the notice (closed lists); the command itself comes from the master's own
 * configuration and never from a message.
 *
 * Of each sort at most HOOKS_AT_ONCE run at a time, and never two for one zone: one that a signing
 * side asked for which is gone runs to its end, and whatever its successor asks for waits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/hook.h"
#include "daemon/master/internal.h"
#include "daemon/proto.h"
#include "notices/notice.h"

#define HOOKS_AT_ONCE 4
#define HOOKS_QUEUED 64

struct master_hook {
	struct master *master;
	struct master_hook *next; /* who came later */
	uint32_t id;
	bool is_orphan; /* nobody waits for its result any more */
	bool is_notice;
	char *zone;	       /* of a notice about all of them: "" */
	char *action;	       /* of a notice: its kind */
	char *policy, *wanted; /* of a notice: NULL */
	struct buf input;
	struct hook *run; /* NULL: it waits */
};

static void start_some(struct master *m);

static void job_free(struct master_hook *j)
{
	struct master_hook **p = &j->master->hooks;

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
	free(j->policy);
	free(j->zone);
	free(j->action);
	free(j->wanted);
	buf_free(&j->input);
	free(j);
}

static void job_done(void *arg, int code, const char *why)
{
	struct master_hook *j = arg;
	struct master *m = j->master;
	struct err e = {.code = code};

	snprintf(e.text, sizeof(e.text), "%s", why);
	if (!j->is_orphan)
		master_answer(m, PROTO_HOOK_RESULT, j->id, code, &e);
	job_free(j);
	start_some(m);
}

/* What there is to be run, now: it may have changed since it was asked for. */
struct order {
	const char *command;
	int64_t seconds;
};

static int find_notice(const struct config_notices *n, struct order *out, struct err *e)
{
	if (n->command == NULL)
		return err_set(e, ERR_MISSING, "no command is given notices (notices.command)");
	*out = (struct order){n->command, n->command_timeout};
	return OK;
}

/* Of the zone, by its policy, or of the domain that is only watched. */
static const struct config_parent *find_parent(const struct master_hook *j)
{
	const struct config *c = j->master->config;
	const struct config_zone *z = config_zone(c, j->zone);
	const struct config_policy *p = config_policy(c, j->policy);
	const struct config_monitored *m = config_monitored(c, j->zone);

	if (j->policy[0] == '\0')
		return m == NULL ? NULL : &m->parent;
	return z == NULL || p == NULL || strcmp(z->policy, j->policy) != 0 ? NULL : &p->parent;
}

static int find_order(const struct master_hook *j, struct order *out, struct err *e)
{
	const struct config_parent *p;

	if (j->is_notice)
		return find_notice(&j->master->config->notices, out, e);
	p = find_parent(j);
	if (p == NULL || p->submit != SUBMIT_COMMAND || p->command == NULL)
		return err_set(e, ERR_MISSING, "%s%s has no command for zone %s (parent.command)",
		    j->policy[0] == '\0' ? "the list of monitored domains" : "policy ", j->policy,
		    j->zone);
	*out = (struct order){p->command, p->command_timeout};
	return OK;
}

static struct hook *run(struct master_hook *j, const struct order *o, struct err *e)
{
	struct master *m = j->master;
	const char *arguments[] = {j->action, j->zone, NULL};
	char *zone = mem_printf("INTAGLIO_ZONE=%s", j->zone);
	char *action = mem_printf("INTAGLIO_%s=%s", j->is_notice ? "KIND" : "ACTION", j->action);
	char *wanted = j->is_notice ? NULL : mem_printf("INTAGLIO_DS=%s", j->wanted);
	char *what = j->zone[0] == '\0' ? mem_printf("notice %s", j->action)
					: mem_printf("zone %s, %s", j->zone, j->action);
	const char *environment[] = {zone, action, wanted, NULL};
	struct hook_call call = {.path = o->command,
	    .user = m->config->hook_user != NULL ? m->config->hook_user : m->config->user,
	    .arguments = arguments,
	    .environment = environment,
	    .input = &j->input,
	    .limit_ms = (uint64_t)o->seconds * 1000,
	    .what = what};
	struct hook *h = hook_start(m->loop, &call, job_done, j, e);

	free(zone);
	free(action);
	free(wanted);
	free(what);
	return h;
}

static void job_start(struct master_hook *j)
{
	struct order o = {0};
	struct err e = {0};

	if (find_order(j, &o, &e) == OK)
		j->run = run(j, &o, &e);
	if (j->run == NULL)
		job_done(j, e.code, e.text);
}

static bool may_start(const struct master_hook *job)
{
	const struct master *m = job->master;
	unsigned running = 0;

	for (const struct master_hook *j = m->hooks; j != NULL; j = j->next) {
		if (j->run == NULL || j->is_notice != job->is_notice)
			continue;
		running++;
		if (strcasecmp(j->zone, job->zone) == 0)
			return false;
	}
	return running < HOOKS_AT_ONCE && !m->stopping;
}

/* One that cannot be started is gone, and brings us here again. */
static void start_some(struct master *m)
{
	struct master_hook *j = m->hooks;

	while (j != NULL && (j->run != NULL || !may_start(j)))
		j = j->next;
	if (j != NULL) {
		job_start(j);
		start_some(m);
	}
}

/* Lines of printable ASCII, as records are. */
static bool is_clean(const char *text, bool is_line)
{
	for (const char *p = text; *p != '\0'; p++) {
		bool is_break = *p == '\n' || *p == '\t';

		if (is_break ? is_line : *p < ' ' || *p > '~')
			return false;
	}
	return true;
}

/* NULL when it is malformed or not clean. */
static char *read_text(struct reader *body, size_t most, bool is_line)
{
	char *text = mem_alloc(most + 1);

	reader_str(body, text, most + 1);
	if (!body->failed && is_clean(text, is_line))
		return text;
	free(text);
	return NULL;
}

static bool read_notice(struct master_hook *j, struct reader *body)
{
	enum notice_kind kind;
	const uint8_t *input;
	size_t len;

	j->action = read_text(body, 40, true);
	j->zone = read_text(body, 1100, true);
	input = reader_lv32(body, &len);
	if (input == NULL || j->zone == NULL || j->action == NULL ||
	    !notice_kind_find(j->action, &kind))
		return false;
	buf_put(&j->input, input, len);
	return true;
}

static bool read_order(struct master_hook *j, struct reader *body)
{
	char *input;

	j->policy = read_text(body, 255, true);
	j->zone = read_text(body, 1100, true);
	j->action = read_text(body, 16, true);
	input = read_text(body, UINT16_MAX, false);
	j->wanted = read_text(body, UINT16_MAX, false);
	if (input != NULL)
		buf_put(&j->input, input, strlen(input));
	free(input);
	return input != NULL && j->policy != NULL && j->zone != NULL && j->wanted != NULL &&
	       j->action != NULL &&
	       (strcmp(j->action, "submit") == 0 || strcmp(j->action, "retract") == 0);
}

static unsigned count_waiting(const struct master *m)
{
	unsigned n = 0;

	for (const struct master_hook *j = m->hooks; j != NULL; j = j->next)
		n += j->run == NULL;
	return n;
}

void master_hook_take(struct master *m, bool is_notice, struct reader *body)
{
	struct master_hook *j = mem_alloc(sizeof(*j)), **end = &m->hooks;
	bool is_full = count_waiting(m) >= HOOKS_QUEUED;

	while (*end != NULL)
		end = &(*end)->next;
	*end = j;
	j->master = m;
	j->is_notice = is_notice;
	j->id = reader_u32(body);
	if (!(is_notice ? read_notice : read_order)(j, body))
		job_done(j, ERR_FORMAT, "malformed request for a command");
	else if (is_full)
		job_done(j, ERR_LIMIT, "too many commands wait already");
	else
		start_some(m);
}

static struct master_hook *find_by_pid(const struct master *m, pid_t pid)
{
	struct master_hook *j = m->hooks;

	while (j != NULL && (j->run == NULL || hook_pid(j->run) != pid))
		j = j->next;
	return j;
}

void master_hook_ending(struct master *m, pid_t pid)
{
	struct master_hook *j = find_by_pid(m, pid);

	if (j != NULL)
		hook_ending(j->run);
}

bool master_hook_ended(struct master *m, pid_t pid, int status)
{
	struct master_hook *j = find_by_pid(m, pid);
	struct hook *run;

	if (j == NULL)
		return false;
	run = j->run;
	j->run = NULL;
	hook_ended(run, status);
	return true;
}

void master_hooks_forget(struct master *m)
{
	struct master_hook *next;

	for (struct master_hook *j = m->hooks; j != NULL; j = next) {
		next = j->next;
		j->is_orphan = true;
		if (j->run == NULL)
			job_free(j);
	}
}

void master_hooks_stop(struct master *m, bool at_once)
{
	for (struct master_hook *j = m->hooks; j != NULL; j = j->next) {
		if (j->run != NULL && at_once)
			hook_kill(j->run);
		else if (j->run != NULL)
			hook_stop(j->run);
	}
}

bool master_hooks_alive(const struct master *m)
{
	for (const struct master_hook *j = m->hooks; j != NULL; j = j->next) {
		if (j->run != NULL)
			return true;
	}
	return false;
}
