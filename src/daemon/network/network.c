/* The network side: wiring of inbound and outbound to the master and to the signing side.  It has
 * the sockets and the TSIG secrets, reads the store and never writes it.
 *
 * It outlives the signing side: spools that were handed over and not yet judged are handed over
 * again to the next one. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/msg.h"
#include "base/sandbox.h"
#include "daemon/network/internal.h"
#include "daemon/process.h"
#include "daemon/proto.h"
#include "daemon/role.h"
#include "notices/deliver.h"

#define GIB (UINT64_C(1) << 30)
#define STORE_RETRY_MS 200

/* To the signing side */

static void send_apex(struct buf *b, const uint8_t *apex)
{
	buf_lv16(b, apex, name_len(apex));
}

static void put_status(struct buf *body, const uint8_t *apex, const char *server, unsigned status,
    bool has_serial, uint32_t serial, const char *reason)
{
	send_apex(body, apex);
	buf_str(body, server);
	buf_u8(body, (uint8_t)status);
	buf_u8(body, has_serial);
	buf_u32(body, serial);
	buf_str(body, reason);
}

static void on_source(void *arg, const uint8_t *apex, const char *source, enum source_status status,
    bool has_serial, uint32_t serial, const char *reason)
{
	struct buf body = {0};

	put_status(&body, apex, source, status, has_serial, serial, reason);
	network_send(arg, PROTO_SOURCE, &body);
}

static void on_destination(
    void *arg, const uint8_t *apex, const char *destination, const struct destination_news *news)
{
	struct buf body = {0};

	put_status(
	    &body, apex, destination, news->status, news->has_serial, news->serial, news->reason);
	buf_u8(&body, news->signatures);
	buf_u64(&body, (uint64_t)news->expires);
	network_send(arg, PROTO_DESTINATION, &body);
}

static void on_refreshed(void *arg, const uint8_t *apex, int64_t now, int64_t expires)
{
	struct buf body = {0};

	send_apex(&body, apex);
	buf_u64(&body, (uint64_t)now);
	buf_u64(&body, (uint64_t)expires);
	network_send(arg, PROTO_REFRESHED, &body);
}

static bool stops_on_expire(const struct network *n, const uint8_t *apex)
{
	char text[NAME_TEXT_SIZE];
	const struct config_zone *z;
	const struct config_policy *p;

	name_text(apex, text);
	z = config_index_find(n->zones, text);
	p = z == NULL ? NULL : config_policy(n->config, z->policy);
	return p != NULL && p->on_source_expire == EXPIRE_STOP;
}

static void on_expired(void *arg, const uint8_t *apex, bool expired)
{
	struct network *n = arg;
	struct buf body = {0};

	outbound_suspend(n->outbound, apex, expired && stops_on_expire(n, apex));
	send_apex(&body, apex);
	buf_u8(&body, expired);
	network_send(n, PROTO_EXPIRED, &body);
}

static unsigned on_notify(void *arg, const struct packet *p, const struct sockaddr_storage *from,
    const struct tsig_key *key)
{
	struct network *n = arg;

	return n->inbound == NULL ? RCODE_SERVFAIL : inbound_notify(n->inbound, p, from, key);
}

static const struct tsig_key *on_lookup(void *arg, const uint8_t *name, enum tsig_algorithm a)
{
	struct network *n = arg;

	return network_peers_key(n->peers, name, a);
}

/* From the signing side */

static bool read_apex(struct reader *body, uint8_t out[NAME_MAX_LEN])
{
	size_t len;
	const uint8_t *p = reader_lv16(body, &len);

	if (p == NULL || name_check(p, len) != len || len == 0)
		return false;
	memcpy(out, p, len);
	return true;
}

static void on_verdict(struct network *n, const uint8_t *apex, struct reader *body)
{
	char source[PEER_NAME_MAX], why[600];
	struct soa soa;
	uint32_t serial;
	int code;

	reader_str(body, source, sizeof(source));
	code = -(int)reader_u8(body);
	reader_str(body, why, sizeof(why));
	serial = reader_u32(body);
	soa.serial = reader_u32(body);
	soa.refresh = reader_u32(body);
	soa.retry = reader_u32(body);
	soa.expire = reader_u32(body);
	soa.minimum = reader_u32(body);
	if (body->failed)
		return;
	network_judged(n, apex);
	inbound_verdict(n->inbound, apex, source, code, why, serial, &soa);
}

static void on_hello(struct network *n);

static void signer_message(void *arg, uint16_t type, struct reader *body, int fd)
{
	struct network *n = arg;
	uint8_t apex[NAME_MAX_LEN];

	if (fd >= 0)
		close(fd);
	if (type == 0) {
		log_warning("the signing side is gone; the last good versions are served on");
		network_probes_cancel(n);
		channel_free(n->signer);
		n->signer = NULL;
		network_deliver_cancel(n);
	} else if (type == PROTO_HELLO) {
		on_hello(n);
	} else if (type == PROTO_PROBE) {
		network_probe(n, body);
	} else if (type == PROTO_DELIVER) {
		network_deliver(n, body);
	} else if (type == PROTO_SEND) {
		network_send_message(n, body);
	} else if (type == PROTO_LOOK) {
		network_look(n, body);
	} else if (!read_apex(body, apex) || n->inbound == NULL) {
		log_error("the signing side sent a malformed message of type %u", type);
	} else if (type == PROTO_VERDICT) {
		on_verdict(n, apex, body);
	} else if (type == PROTO_VERSION) {
		outbound_version(n->outbound, apex);
	} else if (type == PROTO_RETRANSFER) {
		inbound_retransfer(n->inbound, apex);
	}
}

/* Configuration */

static void configure(struct network *n)
{
	const struct config_zone *z = n->config->zones.items;
	unsigned count = n->config->zones.count;
	struct inbound_zone *in = mem_array(count, sizeof(*in));
	struct outbound_zone *out = mem_array(count, sizeof(*out));
	unsigned used = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct config_policy *p = config_policy(n->config, z[i].policy);

		if (p == NULL || name_parse(z[i].name, in[used].apex) != OK)
			continue;
		name_parse(z[i].name, out[used].apex);
		in[used].sources =
		    network_peers_list(n->peers, &z[i].sources, &in[used].source_count);
		in[used].input_file = z[i].input_file;
		in[used].retry = p->source_retry;
		in[used].size_max = (uint64_t)p->size_max;
		out[used].destinations =
		    network_peers_list(n->peers, &z[i].destinations, &out[used].destination_count);
		out[used].output_file = z[i].output_file;
		out[used].ends_with_source =
		    p->on_source_expire == EXPIRE_STOP && z[i].sources.count > 0;
		used++;
	}
	network_probes_keep_keys(n);
	outbound_configure(n->outbound, out, used);
	if (n->inbound != NULL)
		inbound_configure(n->inbound, in, used);
	free(in);
	free(out);
}

/* What an earlier signing side left in the store is served at once.  What comes in, and whatever is
 * to be told of servers, is for the present one: so inbound starts when it has spoken, and outbound
 * announces nothing before it says what there is. */
static void start_outbound(struct network *n)
{
	struct outbound_hooks hooks = {on_destination, on_notify, on_lookup, n};

	n->outbound = outbound_new(n->loop, n->store, &hooks);
	for (unsigned i = 0; i < n->waiting_count; i++)
		outbound_listen(n->outbound, n->waiting[i][0], n->waiting[i][1]);
	n->waiting_count = 0;
	configure(n);
}

static void start_inbound(struct network *n)
{
	struct inbound_hooks hooks = {network_received, on_source, on_refreshed, on_expired, n};
	char *dir;

	if (n->inbound != NULL || n->outbound == NULL || !n->has_signer)
		return;
	dir = mem_printf("%s/spool", n->config->state_dir);
	n->inbound = inbound_new(n->loop, n->store, dir, &hooks);
	free(dir);
	configure(n);
}

static void open_store(void *arg)
{
	struct network *n = arg;
	struct err e;
	char *dir;

	if (n->store != NULL || n->config == NULL)
		return;
	dir = mem_printf("%s/store", n->config->state_dir);
	n->store = store_open(dir, false, (uint64_t)n->config->store_max * GIB, &e);
	free(dir);
	if (n->store != NULL) {
		start_outbound(n);
		start_inbound(n);
		return;
	}
	if (e.code != ERR_AGAIN)
		log_error("%s", e.text);
	loop_timer_set(n->store_again, STORE_RETRY_MS);
}

static void take_config(struct network *n, int fd)
{
	struct err e;
	struct config *new = network_read_cut(fd, &e);
	struct config *old = n->config;
	struct network_peers *old_peers = n->peers;

	if (new == NULL) {
		log_error("the configuration cannot be taken over: %s", e.text);
		return;
	}
	n->config = new;
	config_index_free(n->zones);
	n->zones = config_index_new(&new->zones, sizeof(struct config_zone), true);
	n->peers = network_peers_new(new);
	if (!n->sandboxed) {
		if (sandbox_drop(new->user, &e) != OK ||
		    sandbox_enter(SANDBOX_NO_EXEC | SANDBOX_DIE_WITH_PARENT, &e) != OK) {
			log_error("%s", e.text);
			exit(1);
		}
		n->sandboxed = true;
	}
	network_deliver_configure(n);
	if (n->outbound != NULL)
		configure(n);
	else
		open_store(n);
	/* The rooms borrow the peers of one configuration until the next. */
	network_peers_free(old_peers);
	config_free(old);
}

static void on_hello(struct network *n)
{
	n->has_signer = true;
	open_store(n);
	start_inbound(n);
	network_hand_over(n);
}

static void take_listener(struct network *n, uint16_t type, int fd)
{
	if (fd < 0)
		return;
	if (type == PROTO_LISTEN_UDP) {
		n->udp_fd = fd;
	} else if (n->outbound != NULL) {
		outbound_listen(n->outbound, n->udp_fd, fd);
	} else if (n->waiting_count < MEM_COUNT(n->waiting)) {
		n->waiting[n->waiting_count][0] = n->udp_fd;
		n->waiting[n->waiting_count++][1] = fd;
	} else {
		log_error("more than %zu addresses to listen on", MEM_COUNT(n->waiting));
		close(fd);
	}
}

static void take_peer(struct network *n, int fd)
{
	network_probes_cancel(n);
	channel_free(n->signer);
	n->signer = NULL;
	network_deliver_cancel(n);
	n->signer = fd < 0 ? NULL : channel_new(n->loop, fd, signer_message, n);
}

static void master_message(void *arg, uint16_t type, struct reader *body, int fd)
{
	struct network *n = arg;

	(void)body;
	switch (type) {
	case 0:
		loop_stop(n->loop);
		return;
	case PROTO_CONFIG:
		take_config(n, fd);
		break;
	case PROTO_PEER:
		take_peer(n, fd);
		return;
	case PROTO_LISTEN_UDP:
	case PROTO_LISTEN_TCP:
		take_listener(n, type, fd);
		return;
	default:
		log_error("the master sent a message of unknown type %u", type);
	}
	if (fd >= 0)
		close(fd);
}

static void stop(void *arg)
{
	struct network *n = arg;

	loop_stop(n->loop);
}

static void network_free(struct network *n)
{
	network_probes_cancel(n);
	deliver_free(n->deliver);
	inbound_free(n->inbound);
	outbound_free(n->outbound);
	if (n->store != NULL)
		store_close(n->store);
	network_forget_handed(n);
	channel_free(n->signer);
	channel_free(n->master);
	loop_timer_free(n->store_again);
	loop_timer_free(n->settle);
	network_peers_free(n->peers);
	config_index_free(n->zones);
	config_free(n->config);
	loop_free(n->loop);
	free(n);
}

int network_main(void)
{
	struct network *n = mem_alloc(sizeof(*n));

	signal(SIGPIPE, SIG_IGN);
	n->loop = loop_new();
	n->store_again = loop_timer_new(n->loop, open_store, n);
	n->settle = loop_timer_new(n->loop, network_settle, n);
	loop_signal(n->loop, SIGTERM, stop, n);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	n->master = channel_new(n->loop, PROCESS_CHANNEL_FD, master_message, n);
	loop_run(n->loop);
	network_free(n);
	return 0;
}
