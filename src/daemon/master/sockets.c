/* Directories, the lock on state_dir, and the sockets that the master binds for the others. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/master/internal.h"
#include "daemon/proto.h"
#include "dns/peer.h"

/* Make a directory for the user that will write there; one that exists stays as it is. */
static int make_dir(const char *path, mode_t mode, const char *user, struct err *e)
{
	const struct passwd *pw = user == NULL || geteuid() != 0 ? NULL : getpwnam(user);

	if (mkdir(path, mode) != 0)
		return errno == EEXIST ? OK : err_sys(e, "making the directory %s", path);
	if (pw != NULL && chown(path, pw->pw_uid, pw->pw_gid) != 0)
		return err_sys(e, "giving %s to user %s", path, user);
	return OK;
}

static int make_dirs(struct master *m, struct err *e)
{
	const char *subs[] = {"", "/store", "/spool"};
	int code = make_dir(m->config->run_dir, 0755, m->config->user, e);

	for (size_t i = 0; i < MEM_COUNT(subs) && code == OK; i++) {
		char *path = mem_printf("%s%s", m->config->state_dir, subs[i]);

		code = make_dir(path, 0750, m->config->user, e);
		free(path);
	}
	return code;
}

/* One daemon for one state_dir; the lock dies with us. */
static int lock_state_dir(struct master *m, struct err *e)
{
	char *path = mem_printf("%s/lock", m->config->state_dir);
	char other[24] = "";
	int code = OK;

	m->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (m->lock_fd < 0)
		code = err_sys(e, "opening %s", path);
	else if (flock(m->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (read(m->lock_fd, other, sizeof(other) - 1) <= 0)
			strcpy(other, "unknown");
		other[strcspn(other, "\n")] = '\0';
		code = err_set(e, ERR_CONFLICT,
		    "state_dir %s is in use by another intagliod (pid %s); stop that one, or give "
		    "this "
		    "one a state_dir of its own",
		    m->config->state_dir, other);
	} else if (ftruncate(m->lock_fd, 0) != 0 || dprintf(m->lock_fd, "%d\n", (int)getpid()) < 0)
		code = err_sys(e, "writing %s", path);
	free(path);
	return code;
}

/* Spools that were handed over when a daemon before us was killed: both sides that knew of them are
 * gone, and what was in them is fetched again.  While children live nobody but they may do this. */
static void clean_spool(const struct master *m)
{
	char *path = mem_printf("%s/spool", m->config->state_dir);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_type == DT_REG)
			unlinkat(fd, entry->d_name, 0);
	}
	if (dir != NULL)
		closedir(dir);
	free(path);
}

static gid_t control_group(const struct master *m)
{
	const struct group *gr = m->config->group == NULL ? NULL : getgrnam(m->config->group);
	const struct passwd *pw = m->config->user == NULL ? NULL : getpwnam(m->config->user);

	if (gr != NULL)
		return gr->gr_gid;
	if (m->config->group != NULL)
		log_warning(
		    "there is no group %s: the control socket is for root alone", m->config->group);
	return pw != NULL && m->config->group == NULL ? pw->pw_gid : getegid();
}

static int bind_control(struct master *m, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};

	if (snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", m->control_path) >=
	    (int)sizeof(sa.sun_path))
		return err_set(e, ERR_LIMIT,
		    "run_dir %s is too long for a Unix socket (%zu octets)", m->config->run_dir,
		    sizeof(sa.sun_path) - 1);
	m->control_gid = control_group(m);
	m->control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(m->control_path);
	if (m->control_fd < 0 || bind(m->control_fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    chmod(m->control_path, 0660) != 0 || listen(m->control_fd, 64) != 0)
		return err_sys(e, "binding the control socket %s", m->control_path);
	if (geteuid() == 0 && chown(m->control_path, 0, m->control_gid) != 0)
		return err_sys(e, "giving %s to its group", m->control_path);
	return OK;
}

static int bind_one(const struct sockaddr_storage *sa, int type)
{
	int one = 1, size = 1024 * 1024;
	int fd = socket(sa->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (sa->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (const struct sockaddr *)sa, peer_addrlen(sa)) == 0 &&
	    (type == SOCK_DGRAM || listen(fd, 512) == 0))
		return fd;
	close(fd);
	return -1;
}

static int listener_open(struct listener *l, struct err *e)
{
	struct sockaddr_storage sa;

	if (peer_address_parse(l->address, (uint16_t)l->port, &sa) != OK)
		return err_set(e, ERR_FORMAT, "%s is not an address", l->address);
	l->udp = bind_one(&sa, SOCK_DGRAM);
	l->tcp = l->udp < 0 ? -1 : bind_one(&sa, SOCK_STREAM);
	if (l->tcp >= 0)
		return OK;
	err_sys(e, "listening on %s port %d (%s)", l->address, (int)l->port,
	    l->udp < 0 ? "UDP" : "TCP");
	if (l->udp >= 0)
		close(l->udp);
	return e->code;
}

static void listener_send(struct master *m, const struct listener *l)
{
	if (m->network.channel == NULL)
		return;
	channel_send(m->network.channel, PROTO_LISTEN_UDP, NULL, l->udp);
	channel_send(m->network.channel, PROTO_LISTEN_TCP, NULL, l->tcp);
}

static bool is_bound(const struct master *m, const struct config_listen *c)
{
	for (unsigned i = 0; i < m->listener_count; i++) {
		if (strcmp(m->listeners[i].address, c->address) == 0 &&
		    m->listeners[i].port == c->port)
			return true;
	}
	return false;
}

static int bind_new(struct master *m, struct err *e)
{
	const struct config_listen *c = m->config->listen.items;
	int code = OK;

	for (unsigned i = 0; i < m->config->listen.count; i++) {
		struct listener l = {.port = c[i].port, .udp = -1, .tcp = -1};

		if (is_bound(m, &c[i]))
			continue;
		snprintf(l.address, sizeof(l.address), "%s", c[i].address);
		if (listener_open(&l, e) != OK) {
			code = e->code;
			continue;
		}
		m->listeners = mem_grow(m->listeners, m->listener_count + 1, sizeof(l));
		m->listeners[m->listener_count++] = l;
		listener_send(m, &l);
	}
	return code;
}

void master_bind(struct master *m)
{
	struct err e = {0};

	if (bind_new(m, &e) != OK)
		log_error("%s", e.text);
}

void master_send_listeners(struct master *m)
{
	for (unsigned i = 0; i < m->listener_count; i++)
		listener_send(m, &m->listeners[i]);
}

void master_send_control(struct master *m)
{
	struct buf body = {0};

	buf_u32(&body, m->control_gid);
	channel_send(m->signer.channel, PROTO_CONTROL, &body, m->control_fd);
	buf_free(&body);
}

static int write_pid(const struct master *m, struct err *e)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	return conf_replace_file(m->pid_path, 0644, text, (size_t)len, e);
}

int master_prepare(struct master *m, struct err *e)
{
	int code;

	m->known_path = mem_printf("%s/zones.known", m->config->state_dir);
	m->control_path = mem_printf("%s/control.sock", m->config->run_dir);
	m->pid_path = mem_printf("%s/intagliod.pid", m->config->run_dir);
	if ((code = make_dirs(m, e)) != OK || (code = lock_state_dir(m, e)) != OK ||
	    (code = bind_new(m, e)) != OK || (code = bind_control(m, e)) != OK)
		return code;
	clean_spool(m);
	if (!m->options.foreground && daemon(1, 0) != 0)
		return err_sys(e, "going to the background");
	/* The pid may be another since. */
	if (ftruncate(m->lock_fd, 0) != 0 || lseek(m->lock_fd, 0, SEEK_SET) != 0 ||
	    dprintf(m->lock_fd, "%d\n", (int)getpid()) < 0)
		return err_sys(e, "writing the lock");
	return write_pid(m, e);
}

void master_unlink(struct master *m)
{
	unlink(m->control_path);
	unlink(m->pid_path);
}
