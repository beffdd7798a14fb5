/* What the signing side may ask the master for: this closed list and nothing else.  The signing
 * side is not trusted with more: bodies are checked, entries go through the same checks as the
 * files. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/master/internal.h"
#include "daemon/notify.h"
#include "daemon/proto.h"

void master_answer(struct master *m, uint16_t type, uint32_t id, int code, const struct err *e)
{
	struct buf body = {0};

	if (m->signer.channel == NULL)
		return;
	buf_u32(&body, id);
	buf_u8(&body, code == OK);
	buf_str(&body, code == OK ? "" : e->text);
	channel_send(m->signer.channel, type, &body, -1);
	buf_free(&body);
}

/* Entries come as a sealed file of their own, since an import may be large. */
static char *read_text(int fd)
{
	struct stat st;
	char *text;
	void *p;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > 64 * 1024 * 1024)
		return NULL;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return NULL;
	text = mem_alloc((size_t)st.st_size + 1);
	memcpy(text, p, (size_t)st.st_size);
	munmap(p, (size_t)st.st_size);
	return text;
}

static int change_add(struct master *m, int fd, struct err *e)
{
	char *text = read_text(fd);
	int code = text == NULL ? err_set(e, ERR_FORMAT, "the entries did not arrive")
				: config_add(m->options.config_path, text, e);

	if (text != NULL)
		secret_wipe(text, strlen(text));
	free(text);
	return code;
}

static int change_remove(struct master *m, struct reader *body, struct err *e)
{
	char list[32], name[1100];
	const struct config_zone *z;

	reader_str(body, list, sizeof(list));
	reader_str(body, name, sizeof(name));
	if (body->failed)
		return err_set(e, ERR_FORMAT, "malformed request");
	z = strcmp(list, "zones") == 0 ? config_zone(m->config, name) : NULL;
	if (z != NULL && z->orphan)
		return OK; /* no file has it any more */
	return config_remove(m->options.config_path, list, name, e);
}

static int change_policy(struct master *m, struct reader *body, struct err *e)
{
	char zone[1100], policy[256];

	reader_str(body, zone, sizeof(zone));
	reader_str(body, policy, sizeof(policy));
	if (body->failed)
		return err_set(e, ERR_FORMAT, "malformed request");
	return config_set_policy(m->options.config_path, zone, policy, e);
}

static void change(struct master *m, uint16_t type, struct reader *body, int fd)
{
	struct err e = {0};
	uint32_t id = reader_u32(body);
	int code = OK;

	if (type == PROTO_CONF_ADD)
		code = change_add(m, fd, &e);
	else if (type == PROTO_CONF_REMOVE)
		code = change_remove(m, body, &e);
	else if (type == PROTO_CONF_POLICY)
		code = change_policy(m, body, &e);
	if (code == OK)
		code = master_reload(m, type == PROTO_CONF_REMOVE ? NULL : master_warn, &e);
	master_answer(m, PROTO_CONF_RESULT, id, code, &e);
}

static int move_clock(int64_t to, struct err *e)
{
	if (!clock_is_virtual())
		return err_set(
		    e, ERR_REFUSED, "the daemon was started without --virtual-clock: time is real");
	if (to < clock_calendar())
		return err_set(e, ERR_REFUSED, "the clock does not go back");
	clock_page_set(to);
	return OK;
}

static void take_clock(struct master *m, struct reader *body)
{
	struct err e = {0};
	uint32_t id = reader_u32(body);
	int64_t to = (int64_t)reader_u64(body);

	int code;

	if (body->failed)
		return;
	code = move_clock(to, &e);
	master_answer(m, PROTO_CONF_RESULT, id, code, &e);
}

static void forget(struct master *m, struct reader *body)
{
	char zone[1100];
	struct err e;

	reader_str(body, zone, sizeof(zone));
	if (body->failed)
		return;
	if (config_forget(m->known_path, zone, &e) != OK ||
	    config_forget_policy(m->options.config_path, zone, &e) != OK)
		log_error("zone %s: %s", zone, e.text);
	master_reload(m, master_warn, &e);
}

static void worker_kill(struct master *m, struct reader *body)
{
	char token[256];
	unsigned number;

	reader_str(body, token, sizeof(token));
	number = reader_u16(body);
	if (!body->failed)
		master_worker_lost(m, token, number);
}

void master_signer_message(struct master *m, uint16_t type, struct reader *body, int fd)
{
	switch (type) {
	case PROTO_READY:
		notify_ready();
		break;
	case PROTO_CONF_ADD:
	case PROTO_CONF_REMOVE:
	case PROTO_CONF_RELOAD:
	case PROTO_CONF_POLICY:
		change(m, type, body, fd);
		break;
	case PROTO_FORGET:
		forget(m, body);
		break;
	case PROTO_WORKER_KILL:
		worker_kill(m, body);
		break;
	case PROTO_CLOCK:
		take_clock(m, body);
		break;
	case PROTO_HOOK:
	case PROTO_NOTICE:
		master_hook_take(m, type == PROTO_NOTICE, body);
		break;
	case PROTO_STOP:
		master_stop(m);
		break;
	default:
		log_error("the signer sent a message of unknown type %u", type);
	}
}
