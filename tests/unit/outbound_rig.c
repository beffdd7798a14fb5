/* outbound_rig: see outbound_rig.h. */
#include "outbound_rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"

void rig_die(const char *what)
{
	fprintf(stderr, "# rig: %s: %s\n", what, strerror(errno));
	abort();
}

void rig_check(int rc, const struct err *e)
{
	if (rc == OK)
		return;
	fprintf(stderr, "# rig: %s\n", e->text);
	abort();
}

static void make_key(struct tsig_key *key, const char *name, const char *secret)
{
	name_parse(name, key->name);
	key->algorithm = TSIG_SHA256;
	secret_set(&key->secret, secret, strlen(secret));
}

static const struct tsig_key *lookup(void *arg, const uint8_t *name, enum tsig_algorithm a)
{
	struct rig *r = arg;
	const struct tsig_key *keys[] = {&r->key, &r->other};

	for (unsigned i = 0; i < MEM_COUNT(keys); i++) {
		if (name_equal(keys[i]->name, name) && keys[i]->algorithm == a)
			return keys[i];
	}
	return NULL;
}

static void status_came(
    void *arg, const uint8_t *apex, const char *destination, const struct destination_news *news)
{
	struct rig *r = arg;
	struct rig_status *s = &r->statuses[r->status_count % RIG_STATUS_MAX];

	(void)apex;
	r->status_count++;
	snprintf(s->destination, sizeof(s->destination), "%s", destination);
	s->status = news->status;
	s->has_serial = news->has_serial;
	s->serial = news->serial;
	s->signatures = news->signatures;
	s->expires = news->expires;
	snprintf(s->reason, sizeof(s->reason), "%s", news->reason);
}

static unsigned notify_came(void *arg, const struct packet *p, const struct sockaddr_storage *from,
    const struct tsig_key *key)
{
	struct rig *r = arg;

	(void)p;
	(void)from;
	r->notify_calls++;
	r->notify_key = key;
	return r->notify_rcode;
}

struct sockaddr_in rig_address(const char *ip, uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(port)};

	inet_pton(AF_INET, ip, &sin.sin_addr);
	return sin;
}

static void make_peer(struct peer *p, const char *name, const char *ip, const struct tsig_key *key)
{
	snprintf(p->name, sizeof(p->name), "%s", name);
	/* A port where nobody listens, until a test puts a destination there. */
	if (peer_address_parse(ip, 1, &p->address) != OK)
		rig_die(ip);
	p->tsig = key;
}

static void listen_on_loopback(struct rig *r)
{
	struct sockaddr_in any = {.sin_family = AF_INET}, sin;
	socklen_t len = sizeof(sin);
	int udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = -1;

	for (unsigned i = 0; i < 100; i++) {
		tcp = socket(AF_INET, SOCK_STREAM, 0);
		any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		any.sin_port = 0;
		if (bind(tcp, (struct sockaddr *)&any, sizeof(any)) != 0 || listen(tcp, 100) != 0)
			rig_die("listen");
		getsockname(tcp, (struct sockaddr *)&sin, &len);
		if (bind(udp, (struct sockaddr *)&sin, sizeof(sin)) == 0)
			break;
		close(tcp);
	}
	r->port = ntohs(sin.sin_port);
	outbound_listen(r->out, udp, tcp);
}

void rig_open(struct rig *r)
{
	struct outbound_hooks hooks = {status_came, notify_came, lookup, r};
	const char *tmp = getenv("TMPDIR");
	struct err e = {0};

	memset(r, 0, sizeof(*r));
	log_open("test", false, LOG_LEVEL_ERROR);
	snprintf(r->dir, sizeof(r->dir), "%s/outbound-XXXXXX", tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(r->dir) == NULL)
		rig_die("mkdtemp");
	r->store = store_open(r->dir, true, 1 << 30, &e);
	if (r->store == NULL)
		rig_check(e.code, &e);
	r->loop = loop_new();
	r->out = outbound_new(r->loop, r->store, &hooks);
	r->out->limits.notify_tries = 3;
	r->out->limits.ask = 60;
	r->out->limits.seen_wait = 20;
	r->out->limits.seen = 400;
	r->out->limits.ask_again = 60;
	r->out->limits.seen_again = 200;
	r->out->limits.sweep = 20;
	loop_timer_set(r->out->sweep, r->out->limits.sweep);
	listen_on_loopback(r);
	make_key(&r->key, "dest-key.", "the destination's secret");
	make_key(&r->other, "other-key.", "the secret of someone else");
	make_peer(&r->keyed, "keyed", RIG_KEYED, &r->key);
	make_peer(&r->plain, "plain", RIG_PLAIN, NULL);
	name_parse("example.", r->apex);
	name_parse("Example.", r->conf.apex);
	r->peers[0] = &r->keyed;
	r->peers[1] = &r->plain;
	r->conf.destinations = r->peers;
	r->conf.destination_count = 2;
	outbound_configure(r->out, &r->conf, 1);
}

void rig_close(struct rig *r)
{
	char *command = mem_printf("rm -rf %s", r->dir);

	outbound_free(r->out);
	loop_free(r->loop);
	store_close(r->store);
	secret_free(&r->key.secret);
	secret_free(&r->other.secret);
	if (system(command) != 0)
		rig_die(command);
	free(command);
}

void rig_pump(struct rig *r)
{
	for (unsigned i = 0; i < 4; i++)
		loop_once(r->loop, false);
	poll(NULL, 0, 1);
}

const struct rig_status *rig_last(const struct rig *r, const char *destination)
{
	for (unsigned i = r->status_count; i > 0 && r->status_count - i < RIG_STATUS_MAX; i--) {
		const struct rig_status *s = &r->statuses[(i - 1) % RIG_STATUS_MAX];

		if (strcmp(s->destination, destination) == 0)
			return s;
	}
	return NULL;
}
