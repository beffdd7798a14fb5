/* The master: see master.h.  Life of the others:
 *
 *   network   started first; outlives the signing side and serves the last good version
 *   signer    gets a new channel to the network side at each start
 *   workers   started when the signer is there; they end when their channel to it closes
 *
 * Any of them that ends is started again (process.h paces it).  The end of the master ends all. */
#include "daemon/master/master.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/msg.h"
#include "daemon/master/internal.h"
#include "daemon/notify.h"
#include "daemon/process.h"
#include "daemon/proto.h"

#define STOP_PATIENCE_MS 10000

static void side_message(void *arg, uint16_t type, struct reader *body, int fd);

/* Hand a process its cut of the configuration. */
void master_send_config(struct master *m, struct side *s)
{
	struct buf text = {0};
	struct err e;
	int fd = -1;

	if (s->channel == NULL)
		return;
	if (config_cut(m->config, s->audience, &text, &e) != OK) {
		log_error("the configuration for the %s: %s", s->role, e.text);
		goto done;
	}
	fd = memfd_create("intaglio-config", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len) {
		log_error("the configuration for the %s cannot be handed over: %s", s->role,
		    strerror(errno));
		goto done;
	}
	channel_send(s->channel, PROTO_CONFIG, NULL, fd);
done:
	if (fd >= 0)
		close(fd);
	explicit_bzero(text.data, text.len);
	buf_free(&text);
}

/* A channel between the two sides, for both ends to begin anew. */
static void link_sides(struct master *m)
{
	int pair[2];

	if (m->network.channel == NULL || m->signer.channel == NULL)
		return;
	if (msg_pair(pair) != OK) {
		log_error("no channel between the sides: %s", strerror(errno));
		return;
	}
	channel_send(m->network.channel, PROTO_PEER, NULL, pair[0]);
	channel_send(m->signer.channel, PROTO_PEER, NULL, pair[1]);
	close(pair[0]);
	close(pair[1]);
}

static void side_start(void *arg)
{
	struct side *s = arg;
	struct master *m = s->master;
	const char *argv[] = {m->options.program, "--role", s->role,
	    m->options.foreground ? "--foreground" : "--background",
	    m->options.verbose ? "--verbose" : NULL, NULL};
	int pair[2];

	if (m->stopping || s->pid > 0)
		return;
	process_pace_started(&s->pace, clock_mono_ms());
	if (msg_pair(pair) != OK || (s->pid = process_start(argv, pair[1], m->clock_fd)) < 0) {
		log_error("the %s cannot be started: %s", s->role, strerror(errno));
		loop_timer_set(s->again, 1000);
		return;
	}
	close(pair[1]);
	s->channel = channel_new(m->loop, pair[0], side_message, s);
	master_send_config(m, s);
	if (s == &m->network)
		master_send_listeners(m);
	else
		master_send_control(m);
	link_sides(m);
	if (s == &m->signer)
		master_workers_configure(m);
}

static void side_ended(struct side *s, int status)
{
	struct master *m = s->master;
	char how[64];
	uint64_t wait = process_pace_wait(&s->pace, clock_mono_ms());

	process_end_text(status, how);
	s->pid = 0;
	channel_free(s->channel);
	s->channel = NULL;
	if (s == &m->signer)
		master_hooks_forget(m);
	if (m->stopping)
		return;
	log_error("the %s ended (%s); it is started again in %llu ms", s->role, how,
	    (unsigned long long)wait);
	loop_timer_set(s->again, wait);
}

static void side_message(void *arg, uint16_t type, struct reader *body, int fd)
{
	struct side *s = arg;

	if (type != 0 && s == &s->master->signer)
		master_signer_message(s->master, type, body, fd);
	if (fd >= 0)
		close(fd);
}

static void child_ended(struct master *m, pid_t pid, int status)
{
	if (pid == m->network.pid)
		side_ended(&m->network, status);
	else if (pid == m->signer.pid)
		side_ended(&m->signer, status);
	else if (!master_hook_ended(m, pid, status))
		master_worker_ended(m, pid, status);
}

static void children_ended(void *arg)
{
	struct master *m = arg;
	siginfo_t ended = {0};
	int status;

	/* The number of a command's process names its group until it is waited for. */
	while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid > 0) {
		pid_t pid = ended.si_pid;

		master_hook_ending(m, pid);
		if (waitpid(pid, &status, WNOHANG) == pid)
			child_ended(m, pid, status);
		ended.si_pid = 0;
	}
	if (m->stopping && m->network.pid == 0 && m->signer.pid == 0 && !master_workers_alive(m) &&
	    !master_hooks_alive(m))
		loop_stop(m->loop);
}

static void end_sides(struct master *m, int signo)
{
	if (m->signer.pid > 0)
		kill(m->signer.pid, signo);
	if (m->network.pid > 0)
		kill(m->network.pid, signo);
}

static void out_of_patience(void *arg)
{
	log_warning("some processes did not end in time; they are killed");
	end_sides(arg, SIGKILL);
	master_workers_kill(arg);
	master_hooks_stop(arg, true);
}

void master_stop(void *arg)
{
	struct master *m = arg;

	if (m->stopping)
		return;
	log_notice("stopping");
	notify_stopping();
	m->stopping = true;
	end_sides(m, SIGTERM); /* the workers end when the signing side has gone */
	master_hooks_stop(m, false);
	loop_timer_set(m->patience, STOP_PATIENCE_MS);
}

static void config_mistake(void *arg, const struct conf_origin *where, const char *text)
{
	struct err *first = arg;

	if (where->line > 0)
		log_error("%s line %d: %s", where->file, where->line, text);
	else
		log_error("%s: %s", where->file, text);
	if (first != NULL && first->code == OK)
		err_set(first, ERR_FORMAT, "%s line %d: %s", where->file, where->line, text);
}

void master_warn(void *arg, const struct conf_origin *where, const char *text)
{
	(void)arg;
	if (where->line > 0)
		log_warning("%s line %d: %s", where->file, where->line, text);
	else
		log_warning("%s", text);
}

/* What cannot change while we run. */
static void note_fixed(const struct config *old, const struct config *new)
{
	if (strcmp(old->state_dir, new->state_dir) != 0 ||
	    strcmp(old->run_dir, new->run_dir) != 0 || old->store_max != new->store_max)
		log_warning("state_dir, run_dir and store_max take effect at the next start only");
}

int master_reload(struct master *m, conf_report_fn *orphans, struct err *e)
{
	struct err first = {0};
	struct config *new =
	    config_load(m->options.config_path, config_mistake, master_warn, &first);

	if (new == NULL) {
		log_error("the configuration was not changed, since the new one has mistakes");
		return err_set(e, ERR_FORMAT, "%s", first.text);
	}
	config_adopt(new, m->known_path, orphans, NULL);
	if (m->config != NULL)
		note_fixed(m->config, new);
	config_free(m->config);
	m->config = new;
	if (config_remember(new, m->known_path, e) != OK)
		log_warning("the zones of this configuration cannot be written down: %s",
		    e == NULL ? "" : e->text);
	master_bind(m);
	master_send_config(m, &m->network);
	master_send_config(m, &m->signer);
	master_workers_configure(m);
	return OK;
}

static void reload(void *arg)
{
	struct err e;

	log_notice("reading the configuration again");
	if (master_reload(arg, master_warn, &e) == OK)
		log_notice("the configuration is in effect");
}

static void side_init(struct master *m, struct side *s, const char *role, unsigned audience)
{
	s->master = m;
	s->role = role;
	s->audience = audience;
	s->again = loop_timer_new(m->loop, side_start, s);
}

static void master_signals(struct master *m)
{
	signal(SIGPIPE, SIG_IGN);
	/* The others inherit it: a file that may not grow is an error, not the end. */
	signal(SIGXFSZ, SIG_IGN);
	loop_signal(m->loop, SIGCHLD, children_ended, m);
	loop_signal(m->loop, SIGTERM, master_stop, m);
	loop_signal(m->loop, SIGINT, master_stop, m);
	loop_signal(m->loop, SIGHUP, reload, m);
}

static void master_end(struct master *m)
{
	master_unlink(m);
	log_notice("stopped");
}

static int make_clock(struct master *m, struct err *e)
{
	char *file = mem_printf("%s/virtual-clock", m->config->state_dir);

	m->clock_fd = clock_page_create(m->options.virtual_clock ? file : NULL);
	if (m->clock_fd < 0)
		err_set(
		    e, ERR_SYSTEM, "the clock's page %s cannot be made: %s", file, strerror(errno));
	free(file);
	return m->clock_fd < 0 ? ERR_SYSTEM : OK;
}

int master_run(const struct master_options *o)
{
	struct master *m = mem_alloc(sizeof(*m));
	struct err e = {0};

	m->options = *o;
	log_open("master", !o->foreground, o->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE);
	m->config = config_load(o->config_path, config_mistake, master_warn, NULL);
	if (m->config == NULL)
		return 1;
	if (master_prepare(m, &e) != OK || make_clock(m, &e) != OK) {
		log_error("cannot start: %s", e.text);
		return 1;
	}
	m->loop = loop_new();
	m->patience = loop_timer_new(m->loop, out_of_patience, m);
	master_signals(m);
	side_init(m, &m->network, "network", CONF_NETWORK);
	side_init(m, &m->signer, "signer", CONF_SIGNER);
	config_adopt(m->config, m->known_path, master_warn, NULL);
	if (config_remember(m->config, m->known_path, &e) != OK)
		log_warning("%s", e.text);
	side_start(&m->network);
	side_start(&m->signer);
	loop_run(m->loop);
	master_end(m);
	return 0;
}
