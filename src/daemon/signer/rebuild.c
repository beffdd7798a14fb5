/* A zone that was published before the store was lost (R27): which serials went out only its
 * destinations know.  They are asked, and until one of them has told its serial, or the operator
 * has given one, nothing is signed: a version with a serial that goes back would be ignored by
 * those who have a later one, and taken by those who have not.
 *
 *   held    the keys were adopted (keys/intent.h) and no version went out from this store
 *   asking  every destination, its SOA by UDP, where that fails by TCP
 *   told    the floor is the largest serial that was told; the next version's is greater
 *
 * A destination that answers that it does not have the zone tells nothing, even if all of them do:
 * the one that had it may be out of the configuration, and the operator has to say so.  An output
 * file counts like a destination, but for a zone with destinations it does not count alone.  The
 * mark in the store stays until a version has gone out, so that a crash at any point means asking
 * again. Runs in the signing side; what the servers say is not trusted to be well-formed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "dns/packet.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "dns/zonefile.h"

#define RETRY_FIRST_MS 5000
#define RETRY_MOST_MS 300000
#define RETRY_DOUBLINGS 6
#define RECONFIGURED_MS 200 /* the network side is handed its configuration meanwhile */
#define REASON_SHORT 200

enum answer_kind { NOT_ASKED, TOLD, HAS_NOT, SILENT };

struct question { /* to one destination */
	struct zone_rebuild *rebuild;
	char server[PEER_NAME_MAX];
	struct signer_probe *probe; /* NULL: none under way */
	bool by_tcp;
	enum answer_kind kind;
	uint32_t serial;
	char reason[REASON_SHORT];
};

struct zone_rebuild {
	struct signer_zone *zone;
	bool is_held, has_floor;
	uint32_t floor;
	struct question *questions;
	unsigned count, asking, rounds;
	struct loop_timer *again;
};

static void ask_all(struct zone_rebuild *r);

/* What was told */

static void raise_floor(struct zone_rebuild *r, uint32_t serial)
{
	if (!r->has_floor || serial_gt(serial, r->floor))
		r->floor = serial;
	r->has_floor = true;
}

static int take_soa(void *arg, const uint8_t *owner, uint16_t type, uint16_t class, uint32_t ttl,
    const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	struct soa soa;

	(void)owner;
	(void)class;
	(void)ttl;
	(void)e;
	if (type == RR_SOA && soa_parse(rdata, rdlen, &soa) == OK)
		raise_floor(arg, soa.serial);
	return ERR_CLOSED; /* it is the first record of a file that we wrote */
}

/* The file that the zone was written to; true if there is to be one. */
static bool read_output_file(struct zone_rebuild *r)
{
	const struct signer_zone *z = r->zone;
	const struct config_zone *c = config_zone(z->signer->config, z->name);
	struct err e = {0};

	if (c == NULL || c->output_file == NULL)
		return false;
	(void)zonefile_read(c->output_file, z->apex, take_soa, r, &e);
	return true;
}

static void round_done(struct zone_rebuild *r)
{
	bool was_told = r->count == 0;

	for (unsigned i = 0; i < r->count; i++) {
		if (r->questions[i].kind != TOLD)
			continue;
		raise_floor(r, r->questions[i].serial);
		was_told = true;
	}
	(void)read_output_file(r);
	r->has_floor = r->has_floor && was_told;
	if (r->has_floor) {
		r->is_held = false;
		log_notice(
		    "zone %s: serial %u went out before the store was lost; it goes on from there",
		    r->zone->name, r->floor);
	} else {
		uint64_t wait = (uint64_t)RETRY_FIRST_MS
				<< (r->rounds < RETRY_DOUBLINGS ? r->rounds : RETRY_DOUBLINGS);

		r->rounds++;
		loop_timer_set(r->again, wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS);
	}
	signer_zone_step(r->zone);
}

/* Asking */

static void note(struct question *q, enum answer_kind kind, const char *reason)
{
	q->kind = kind;
	snprintf(q->reason, sizeof(q->reason), "%.190s", reason);
}

static bool is_without_zone(unsigned rcode)
{
	return rcode == RCODE_REFUSED || rcode == RCODE_NOTAUTH || rcode == RCODE_NXDOMAIN ||
	       rcode == RCODE_SERVFAIL;
}

static void judge(struct question *q, const uint8_t *msg, size_t len)
{
	struct packet p;
	unsigned rcode;

	if (packet_parse(msg, len, &p, NULL) != OK) {
		note(q, SILENT, "its answer is malformed");
		return;
	}
	rcode = packet_rcode(&p);
	if (rcode != RCODE_NOERROR)
		note(q, is_without_zone(rcode) ? HAS_NOT : SILENT, packet_rcode_name(rcode));
	else if (!(p.flags & PACKET_FLAG_AA))
		note(q, SILENT, "its answer is not authoritative");
	else if (signer_probe_serial(&p, q->rebuild->zone->apex, &q->serial))
		note(q, TOLD, "");
	else
		note(q, HAS_NOT, "it has no SOA for it");
}

static void ask(struct question *q);

static void answered(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct question *q = arg;
	struct zone_rebuild *r = q->rebuild;

	q->probe = NULL;
	if (code != OK && !q->by_tcp) {
		q->by_tcp = true;
		ask(q);
		return;
	}
	if (code == OK)
		judge(q, msg, len);
	else
		note(q, SILENT, why);
	if (--r->asking == 0)
		round_done(r);
}

static void ask(struct question *q)
{
	struct signer_zone *z = q->rebuild->zone;

	q->probe = signer_probe_start(
	    z->signer, q->server, z->apex, RR_SOA, q->by_tcp ? PROBE_TCP : 0, answered, q);
}

static void stop_asking(struct zone_rebuild *r)
{
	for (unsigned i = 0; i < r->count; i++) {
		signer_probe_cancel(r->questions[i].probe);
		r->questions[i].probe = NULL;
	}
	r->asking = 0;
	loop_timer_stop(r->again);
}

/* The destinations as they are configured now. */
static void list_questions(struct zone_rebuild *r)
{
	const struct signer_zone *z = r->zone;

	free(r->questions);
	r->questions = mem_array(z->server_count + 1, sizeof(*r->questions));
	r->count = 0;
	for (unsigned i = 0; i < z->server_count; i++) {
		struct question *q = &r->questions[r->count];

		if (z->servers[i].is_source)
			continue;
		q->rebuild = r;
		memcpy(q->server, z->servers[i].server, sizeof(q->server));
		r->count++;
	}
}

static void ask_all(struct zone_rebuild *r)
{
	stop_asking(r);
	list_questions(r);
	r->asking = r->count;
	for (unsigned i = 0; i < r->count; i++)
		ask(&r->questions[i]);
	if (r->count == 0)
		round_done(r);
}

static void ask_again(void *arg)
{
	ask_all(arg);
}

/* The zone's part */

static struct zone_rebuild *rebuild_of(struct signer_zone *z)
{
	if (z->rebuild == NULL) {
		z->rebuild = mem_alloc(sizeof(*z->rebuild));
		z->rebuild->zone = z;
		z->rebuild->again = loop_timer_new(z->signer->loop, ask_again, z->rebuild);
	}
	return z->rebuild;
}

void signer_rebuild_free(struct signer_zone *z)
{
	struct zone_rebuild *r = z->rebuild;

	if (r == NULL)
		return;
	stop_asking(r);
	loop_timer_free(r->again);
	free(r->questions);
	free(r);
	z->rebuild = NULL;
}

void signer_rebuild_configure(struct signer_zone *z)
{
	if (z->rebuild == NULL || !z->rebuild->is_held)
		return;
	z->rebuild->rounds = 0;
	stop_asking(z->rebuild);
	loop_timer_set(z->rebuild->again, RECONFIGURED_MS);
}

/* What each destination said, as far as there is room. */
static void say_answers(const struct zone_rebuild *r, char *out, size_t size)
{
	size_t at = strlen(out);

	for (unsigned i = 0; i < r->count && at < size; i++) {
		const struct question *q = &r->questions[i];

		at += (size_t)snprintf(out + at, size - at, "%s%s: %s", i == 0 ? " (" : "; ",
		    q->server, q->reason[0] == '\0' ? "being asked" : q->reason);
	}
	if (r->count > 0 && at < size)
		snprintf(out + at, size - at, ")");
}

static void say_why(const struct zone_rebuild *r, char why[REASON_MAX])
{
	char name[NAME_TEXT_SIZE];
	bool nobody_has = r->count > 0;
	size_t len = strlen(r->zone->name);

	snprintf(name, sizeof(name), "%.*s", (int)(len > 1 ? len - 1 : len), r->zone->name);
	for (unsigned i = 0; i < r->count; i++)
		nobody_has = nobody_has && r->questions[i].kind == HAS_NOT;
	if (r->asking > 0)
		snprintf(why, REASON_MAX,
		    "it was published before the store was lost: its destinations are asked for its serial");
	else
		snprintf(why, REASON_MAX,
		    "it was published before the store was lost, and %s; not published until one does, or you type: intaglio zone sign -z %.120s --serial N (the last serial that went out)",
		    r->count == 0 ? "no destination or output file has its serial"
		    : nobody_has  ? "every destination says that it does not have it"
				  : "no destination tells its serial",
		    name);
	say_answers(r, why, REASON_MAX);
}

/* Its keys had a life before this store, and nothing went out from here. */
static int is_from_before(const struct signer_zone *z, struct err *e)
{
	return z->has_head && z->head.has_out ? ERR_MISSING
					      : keys_is_adopted(z->signer->keys, z->owner, e);
}

/* A version with a later serial is out: all that was remembered has had its effect. */
static void settle(struct signer_zone *z)
{
	struct err e = {0};

	signer_rebuild_free(z);
	if (!signer_share_is_out(z))
		return;
	if (keys_end_adoption(z->signer->keys, z->owner, &e) != OK)
		log_warning("zone %s: %s", z->name, e.text);
}

bool signer_rebuild_floor(struct signer_zone *z, struct sign_job *job, char why[REASON_MAX])
{
	struct zone_rebuild *r = z->rebuild;
	struct err e = {0};
	int rc;

	if (r != NULL && r->has_floor) {
		job->has_floor =
		    !z->has_head || !z->head.has_out || serial_gt(r->floor, z->head.serial_out);
		job->serial_floor = r->floor;
		if (!job->has_floor)
			settle(z);
		return true;
	}
	rc = is_from_before(z, &e);
	if (rc == ERR_MISSING)
		return true;
	if (rc != OK) {
		snprintf(
		    why, REASON_MAX, "whether it went out before is not known: %.300s", e.text);
		return false;
	}
	if (r == NULL) {
		r = rebuild_of(z);
		r->is_held = true;
		ask_all(r);
		if (r->has_floor) /* an output file told it */
			return signer_rebuild_floor(z, job, why);
	}
	say_why(r, why);
	return false;
}

bool signer_rebuild_holds(const struct signer_zone *z, char why[REASON_MAX])
{
	if (z->rebuild == NULL || !z->rebuild->is_held)
		return false;
	say_why(z->rebuild, why);
	return true;
}

int signer_rebuild_give(struct signer_zone *z, uint32_t serial, struct err *e)
{
	bool has_last = z->has_head && z->head.has_out;
	uint32_t last = z->head.serial_out;
	struct zone_rebuild *r = z->rebuild;

	if (!has_last && r != NULL && r->has_floor) {
		has_last = true;
		last = r->floor;
	}
	/* The version after it must be later than the last one, too. */
	if (has_last && (!serial_gt(serial, last) || !serial_gt(serial + 1, last)))
		return err_set(e, ERR_REFUSED,
		    "serial %u is not later than %u, which went out before: from %u to %u is (RFC 1982)",
		    serial, last, last + 1, last + (INT32_MAX - 1));
	r = rebuild_of(z);
	stop_asking(r);
	r->is_held = false;
	r->floor = serial;
	r->has_floor = true;
	return OK;
}
