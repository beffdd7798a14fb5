/* What the files of the master share. */
#ifndef DAEMON_MASTER_INTERNAL_H
#define DAEMON_MASTER_INTERNAL_H

#include <sys/types.h>
#include "base/err.h"
#include "base/loop.h"
#include "base/msg.h"
#include "daemon/config/config.h"
#include "daemon/master/master.h"
#include "daemon/process.h"

struct side { /* the network side or the signing side */
	struct master *master;
	const char *role;
	unsigned audience;
	pid_t pid; /* 0: not running */
	struct channel *channel;
	struct loop_timer *again;
	struct process_pace pace;
};

struct listener {
	char address[64];
	int64_t port;
	int udp, tcp;
};

struct worker {
	struct master *master;
	char *token;
	unsigned number;
	struct worker_settings {
		char *module, *label, *serial, *pin_file;
		unsigned sessions;
		bool session_copies;
	} settings;
	bool wanted;
	pid_t pid;
	struct loop_timer *again;
	struct process_pace pace;
	struct worker *next;
};

struct master_hook; /* a command that runs, or waits to run */

struct master {
	struct master_options options;
	struct config *config;
	struct loop *loop;
	struct side network, signer;
	struct worker *workers;
	struct master_hook *hooks; /* in the order in which they were asked for */
	struct listener *listeners;
	unsigned listener_count;
	int control_fd, lock_fd, clock_fd;
	gid_t control_gid;
	char *known_path, *control_path, *pid_path;
	bool stopping;
	struct loop_timer *patience;
};

/* master.c */
void master_stop(void *master);
void master_warn(void *arg, const struct conf_origin *where, const char *text);
/* orphans: told of zones that are gone from the files; NULL: nobody. */
int master_reload(struct master *m, conf_report_fn *orphans, struct err *e);
void master_send_config(struct master *m, struct side *s);

/* master/sockets.c: directories, lock, sockets */
int master_prepare(struct master *m, struct err *e);
void master_bind(struct master *m); /* listeners that the configuration has and we have not */
void master_send_listeners(struct master *m);
void master_send_control(struct master *m);
void master_unlink(struct master *m);

/* master/workers.c */
void master_workers_configure(struct master *m);
void master_workers_kill(struct master *m); /* those that hang: see worker.c */
bool master_workers_alive(const struct master *m);
void master_worker_ended(struct master *m, pid_t pid, int status);
void master_worker_lost(struct master *m, const char *token, unsigned number);

/* master/requests.c: what the signing side may ask for; a closed list */
void master_signer_message(struct master *m, uint16_t type, struct reader *body, int fd);
/* u32 id, u8 is OK, str why */
void master_answer(struct master *m, uint16_t type, uint32_t id, int code, const struct err *e);

/* master/hooks.c: operators' commands: PROTO_HOOK, PROTO_NOTICE */
void master_hook_take(struct master *m, bool is_notice, struct reader *body);
void master_hook_ending(struct master *m, pid_t pid); /* before it is waited for */
bool master_hook_ended(struct master *m, pid_t pid, int status); /* false: it was none */
void master_hooks_forget(struct master *m); /* who asked for them is gone */
void master_hooks_stop(struct master *m, bool at_once);
bool master_hooks_alive(const struct master *m);

#endif
