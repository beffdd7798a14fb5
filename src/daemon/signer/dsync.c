/* A parent is told to look at a child's CDS: see dsync.h.  Runs in the signing side; the network
 * side asks and sends.
 *
 *   DSYNC at up to three names -> A and AAAA of the target -> NOTIFY to one address after the other
 */
#include "daemon/signer/dsync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "dns/rrtype.h"
#include "parent/dsync.h"
#include "parent/find.h"

struct dsync_job {
	struct signer *signer;
	uint8_t apex[NAME_MAX_LEN];
	char server[PEER_NAME_MAX]; /* that is being told */
	struct dsync_name asked;
	struct dsync_target target;
	struct find_addresses addresses;
	unsigned next; /* of them */
	struct signer_probe *probe;
	dsync_done_fn *done;
	void *arg;
};

static void job_end(struct dsync_job *j, int code, const char *where, const char *why)
{
	j->done(j->arg, code, where, why);
	free(j);
}

/* NOTIFY */

static void send_to(struct dsync_job *j, const char *server);

static bool send_next(struct dsync_job *j)
{
	char server[PEER_NAME_MAX];

	if (j->next == j->addresses.count)
		return false;
	snprintf(server, sizeof(server), "%s@%u", j->addresses.list[j->next++], j->target.port);
	send_to(j, server);
	return true;
}

static void on_answer(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct dsync_job *j = arg;
	struct err e = {0};
	char words[REASON_MAX];

	j->probe = NULL;
	if (code == OK) {
		code = dsync_read_answer(msg, len, &e);
		why = e.text;
	}
	if (code == OK) {
		job_end(j, OK, j->server, "");
	} else if (!send_next(j)) {
		snprintf(words, sizeof(words), "%s: %.300s", j->server, why);
		job_end(j, code, "", words);
	}
}

static void send_to(struct dsync_job *j, const char *server)
{
	struct packet_builder b = {0};

	snprintf(j->server, sizeof(j->server), "%s", server);
	dsync_compose(j->apex, &b);
	j->probe = signer_send_message(j->signer, j->server, &b.buf, 0, on_answer, j);
	packet_builder_free(&b);
}

/* Addresses */

static void ask_addresses(struct dsync_job *j, uint16_t type, probe_done_fn *done)
{
	j->probe = signer_probe_resolver(j->signer, j->target.name, type, 0, done, j);
}

static int read_addresses(
    struct dsync_job *j, int code, const uint8_t *msg, size_t len, uint16_t type)
{
	uint32_t ttl = 0;

	j->probe = NULL;
	return code == OK ? find_read_addresses(msg, len, type, &j->addresses, &ttl, NULL) : code;
}

static void on_aaaa(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct dsync_job *j = arg;
	char name[NAME_TEXT_SIZE], words[REASON_MAX];

	(void)why;
	code = read_addresses(j, code, msg, len, RR_AAAA);
	if (send_next(j))
		return;
	name_text(j->target.name, name);
	snprintf(words, sizeof(words), "the target %.300s has no address", name);
	job_end(j, code == OK ? ERR_MISSING : code, "", words);
}

/* What the one question does not give the other may. */
static void on_a(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct dsync_job *j = arg;

	(void)why;
	(void)read_addresses(j, code, msg, len, RR_A);
	ask_addresses(j, RR_AAAA, on_aaaa);
}

/* DSYNC */

static void ask_dsync(struct dsync_job *j);

static void on_dsync(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct dsync_job *j = arg;
	uint8_t zone[NAME_MAX_LEN];
	bool has_zone = false;
	struct err e = {0};
	char name[NAME_TEXT_SIZE], words[REASON_MAX];

	j->probe = NULL;
	if (code == OK) {
		code = dsync_read(msg, len, &j->target, zone, &has_zone, &e);
		why = e.text;
	}
	if (code == OK && j->target.port != 0) {
		ask_addresses(j, RR_A, on_a);
	} else if (code == OK) {
		job_end(j, OK, "", "");
	} else if (code != ERR_MISSING || msg == NULL) {
		name_text(j->asked.name, name);
		snprintf(words, sizeof(words), "%.100s DSYNC: %.250s", name, why);
		job_end(j, code, "", words);
	} else if (dsync_next(j->apex, has_zone ? zone : NULL, &j->asked) == OK) {
		ask_dsync(j);
	} else {
		job_end(j, OK, "", "");
	}
}

static void ask_dsync(struct dsync_job *j)
{
	j->probe = signer_probe_resolver(j->signer, j->asked.name, RR_DSYNC, 0, on_dsync, j);
}

struct dsync_job *dsync_start(
    struct signer *s, const uint8_t *apex, const char *server, dsync_done_fn *done, void *arg)
{
	bool has_resolver = s->config->resolver.origin.line > 0;
	struct dsync_name first;
	struct dsync_job *j;

	if (server == NULL && (!has_resolver || dsync_first(apex, &first) != OK))
		return NULL;
	j = mem_alloc(sizeof(*j));
	j->signer = s;
	memcpy(j->apex, apex, name_len(apex));
	j->done = done;
	j->arg = arg;
	if (server != NULL) {
		send_to(j, server);
		return j;
	}
	j->asked = first;
	ask_dsync(j);
	return j;
}

void dsync_cancel(struct dsync_job *j)
{
	if (j == NULL)
		return;
	signer_probe_cancel(j->probe);
	free(j);
}
