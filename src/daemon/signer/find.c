/* Who serves a zone, and its parent: found by following the delegation (R25, R31), where a resolver
 * is configured.  Runs in the signing side; the network side asks (signer/probe.c).
 *
 *   the zone's name servers   NS records of our own version; addresses from it where it has them
 *   its parent's              SOA of the name above -> the parent zone -> its NS records
 *   both                      A and AAAA of each name, one question after the other
 *
 * A look that fails changes nothing that was found before: it is tried again.  What is not complete
 * holds steps back, in signer/observe.c and signer/parent.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"
#include "parent/find.h"

#define AGAIN_LEAST 300 /* seconds from one look to the next */
#define AGAIN_MOST 86400
#define RETRY_FIRST 5
#define RETRY_DOUBLINGS 6
#define RETRY_MOST 300

struct find_job {		 /* a look under way */
	struct find_names names; /* whose addresses are to be asked for */
	unsigned next;		 /* of them */
	uint16_t qtype;
	struct find_addresses addresses;
	uint32_t ttl;
	uint8_t qname[NAME_MAX_LEN]; /* of the question under way */
	struct signer_probe *probe;
};

struct zone_find {
	struct signer_zone *zone;
	enum find_kind kind;
	struct found found;
	struct buf basis; /* what the zone itself says: NS set, addresses; that `found` stands on */
	struct find_job *job; /* NULL: none under way */
	unsigned failures;
	struct loop_event *again;
};

static const char *const whose[] = {"name servers", "parent's servers"};

static void job_end(struct zone_find *f)
{
	if (f->job != NULL)
		signer_probe_cancel(f->job->probe);
	free(f->job);
	f->job = NULL;
}

static void tell(struct zone_find *f)
{
	if (f->kind == FIND_NAMESERVERS)
		signer_observe_configure(f->zone);
	else
		signer_parent_found(f->zone);
}

static void job_failed(struct zone_find *f, const char *why)
{
	int64_t wait =
	    f->failures < RETRY_DOUBLINGS ? (int64_t)RETRY_FIRST << f->failures : RETRY_MOST;

	job_end(f);
	if (f->failures == 0 || strcmp(f->found.why, why) != 0)
		log_warning(
		    "zone %s: its %s cannot be found: %s", f->zone->name, whose[f->kind], why);
	snprintf(f->found.why, sizeof(f->found.why), "%s", why);
	f->failures++;
	loop_event_set(f->again, clock_calendar() + wait);
	if (!f->found.is_complete)
		tell(f);
}

static bool is_as_before(const struct found *f, char (*servers)[PEER_NAME_MAX], unsigned count)
{
	return f->is_complete && f->count == count &&
	       memcmp(f->servers, servers, count * sizeof(*servers)) == 0;
}

static void take(struct zone_find *f, char (*servers)[PEER_NAME_MAX], unsigned count)
{
	struct buf text = {0};

	for (unsigned i = 0; i < count; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : ", ", servers[i]);
	log_notice("zone %s: its %s are found: %.*s", f->zone->name, whose[f->kind], (int)text.len,
	    (const char *)text.data);
	buf_free(&text);
	free(f->found.servers);
	f->found.servers = servers;
	f->found.count = count;
	f->found.is_complete = true;
	tell(f);
}

static void job_done(struct zone_find *f)
{
	struct find_job *j = f->job;
	unsigned count = j->addresses.count,
		 port = (unsigned)f->zone->signer->config->resolver.ns_port;
	char(*servers)[PEER_NAME_MAX];
	int64_t wait = j->ttl < AGAIN_LEAST ? AGAIN_LEAST : j->ttl;

	if (count == 0) {
		job_failed(f, "none of them has an address");
		return;
	}
	find_sort(&j->addresses);
	servers = mem_array(count, sizeof(*servers));
	for (unsigned i = 0; i < count; i++)
		snprintf(servers[i], sizeof(*servers), "%s@%u", j->addresses.list[i], port);
	job_end(f);
	f->failures = 0;
	f->found.why[0] = '\0';
	loop_event_set(f->again, clock_calendar() + (wait < AGAIN_MOST ? wait : AGAIN_MOST));
	if (is_as_before(&f->found, servers, count))
		free(servers);
	else
		take(f, servers, count);
}

/* Questions */

static void ask(struct zone_find *f, const uint8_t *qname, uint16_t qtype, probe_done_fn *done)
{
	struct find_job *j = f->job;

	memmove(j->qname, qname, name_len(qname));
	j->qtype = qtype;
	j->probe = signer_probe_resolver(f->zone->signer, j->qname, qtype, done, f);
}

/* An answer came that is of no use, or none came. */
static void question_failed(struct zone_find *f, const char *why)
{
	const struct find_job *j = f->job;
	char name[NAME_TEXT_SIZE], type[RRTYPE_TEXT_SIZE], text[REASON_MAX];

	name_text(j->qname, name);
	rrtype_text(j->qtype, type);
	snprintf(text, sizeof(text), "%.120s %s: %.200s", name, type, why);
	job_failed(f, text);
}

static void on_addresses(void *arg, int code, const char *why, const uint8_t *msg, size_t len);

static void next_name(struct zone_find *f)
{
	struct find_job *j = f->job;

	if (j->next == j->names.count)
		job_done(f);
	else
		ask(f, j->names.names[j->next], RR_A, on_addresses);
}

static void on_addresses(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct zone_find *f = arg;
	struct find_job *j = f->job;
	struct err e = {0};

	j->probe = NULL;
	if (code == OK &&
	    (code = find_read_addresses(msg, len, j->qtype, &j->addresses, &j->ttl, &e)) != OK)
		why = e.text;
	if (code != OK) {
		question_failed(f, why);
	} else if (j->qtype == RR_A) {
		ask(f, j->qname, RR_AAAA, on_addresses);
	} else {
		j->next++;
		next_name(f);
	}
}

static void on_names(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct zone_find *f = arg;
	struct find_job *j = f->job;
	struct err e = {0};

	j->probe = NULL;
	if (code == OK &&
	    (code = find_read_names(msg, len, j->qname, &j->names, &j->ttl, &e)) != OK)
		why = e.text;
	if (code == OK)
		next_name(f);
	else
		question_failed(f, why);
}

static void on_zone(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct zone_find *f = arg;
	struct find_job *j = f->job;
	uint8_t zone[NAME_MAX_LEN];
	const uint8_t *above = name_parent(j->qname);
	struct err e = {0};

	j->probe = NULL;
	if (code == OK && (code = find_read_zone(msg, len, j->qname, zone, &j->ttl, &e)) != OK)
		why = e.text;
	if (code == OK)
		ask(f, zone, RR_NS, on_names);
	else if (code == ERR_MISSING && msg != NULL && above != NULL)
		ask(f, above, RR_SOA, on_zone);
	else
		question_failed(
		    f, code == ERR_MISSING ? "no answer tells which zone it is in" : why);
}

/* What the zone itself says.  Each part is added to basis, so that a change is noticed. */

/* ERR_MISSING (no words): it has none. */
static int add_own_addresses(struct snapshot *sn, const struct zone_head *h, const uint8_t *name,
    struct find_job *j, struct buf *basis, struct err *e)
{
	static const uint16_t types[] = {RR_A, RR_AAAA};
	const uint8_t *packed, *p;
	struct rrset set;
	uint16_t item;
	size_t len;
	int code = ERR_MISSING;

	for (size_t t = 0; t < MEM_COUNT(types); t++) {
		if (snapshot_rrset(sn, h, name, types[t], &packed, &len) != OK ||
		    rrset_unpack(packed, len, &set) != OK)
			continue;
		buf_put(basis, set.rdata, set.rdata_len);
		p = set.rdata;
		for (unsigned i = 0; i < set.count; i++) {
			const uint8_t *rdata = rrset_next(&p, &item);

			code = find_add_address(&j->addresses, types[t], rdata, item, e);
			if (code != OK)
				return code;
		}
		if (set.ttl < j->ttl)
			j->ttl = set.ttl;
	}
	return code;
}

static int read_ns_set(struct snapshot *sn, const struct zone_head *h, struct find_job *j,
    struct buf *basis, struct err *e)
{
	const uint8_t *packed, *p;
	struct rrset set;
	uint16_t item;
	size_t len;
	int code = snapshot_rrset(sn, h, h->apex, RR_NS, &packed, &len);

	if (code == OK)
		code = rrset_unpack(packed, len, &set);
	if (code != OK)
		return err_set(e, code, "its version has no NS records");
	buf_put(basis, set.rdata, set.rdata_len);
	j->ttl = set.ttl < j->ttl ? set.ttl : j->ttl;
	p = set.rdata;
	for (unsigned i = 0; i < set.count && code == OK; i++) {
		const uint8_t *name = rrset_next(&p, &item);

		code = name_is_at_or_below(name, h->apex)
			   ? add_own_addresses(sn, h, name, j, basis, e)
			   : ERR_MISSING;
		if (code == ERR_MISSING)
			code = find_add_name(&j->names, name, e);
	}
	return code;
}

static int read_own(
    const struct signer_zone *z, struct find_job *j, struct buf *basis, struct err *e)
{
	struct snapshot *sn = NULL;
	struct zone_head h;
	int code = snapshot_open(z->signer->store, &sn, e);

	if (code != OK)
		return code;
	if (snapshot_head(sn, z->apex, &h) != OK || h.generation == 0)
		code = err_set(e, ERR_MISSING, "no version was made yet");
	else
		code = read_ns_set(sn, &h, j, basis, e);
	snapshot_close(sn);
	return code;
}

/* Looks */

static struct find_job *job_new(void)
{
	struct find_job *j = mem_alloc(sizeof(*j));

	j->ttl = UINT32_MAX;
	return j;
}

static void start_nameservers(struct zone_find *f)
{
	struct err e = {0};
	int code;

	buf_reset(&f->basis);
	code = read_own(f->zone, f->job, &f->basis, &e);
	if (code == OK)
		next_name(f);
	else
		job_failed(f, e.text);
}

static bool has_version(const struct signer_zone *z)
{
	return z->has_head && z->head.generation != 0;
}

static void start(struct zone_find *f)
{
	const uint8_t *above = name_parent(f->zone->apex);

	job_end(f);
	loop_event_stop(f->again);
	if (f->kind == FIND_NAMESERVERS && !has_version(f->zone))
		return; /* signer_find_version comes with the first */
	f->job = job_new();
	if (f->kind == FIND_NAMESERVERS)
		start_nameservers(f);
	else if (above != NULL)
		ask(f, above, RR_SOA, on_zone);
	else
		job_failed(f, "the root has none");
}

static void again_due(void *arg, int64_t due)
{
	(void)due;
	start(arg);
}

void signer_find_version(struct signer_zone *z)
{
	struct zone_find *f = z->find[FIND_NAMESERVERS];
	struct find_job *j;
	struct buf basis = {0};
	bool is_same;

	if (f == NULL)
		return;
	j = job_new();
	is_same = read_own(z, j, &basis, NULL) == OK && basis.len == f->basis.len &&
		  (basis.len == 0 || memcmp(basis.data, f->basis.data, basis.len) == 0);
	free(j);
	buf_free(&basis);
	if (is_same && (f->found.is_complete || f->job != NULL))
		return;
	if (!is_same)
		f->found.is_complete = false;
	f->failures = 0;
	snprintf(f->found.why, sizeof(f->found.why), "they are being looked up");
	tell(f);
	start(f);
}

/* Configuration */

static void find_free(struct zone_find *f)
{
	if (f == NULL)
		return;
	job_end(f);
	loop_event_free(f->again);
	buf_free(&f->basis);
	free(f->found.servers);
	free(f);
}

void signer_find_configure(struct signer_zone *z, enum find_kind kind, bool is_wanted)
{
	struct zone_find *f = z->find[kind];

	is_wanted = is_wanted && z->signer->config->resolver.origin.line > 0;
	if (!is_wanted) {
		find_free(f);
		z->find[kind] = NULL;
		return;
	}
	if (f == NULL) {
		f = z->find[kind] = mem_alloc(sizeof(*f));
		f->zone = z;
		f->kind = kind;
		f->again = loop_event_new(z->signer->loop, again_due, f);
		snprintf(f->found.why, sizeof(f->found.why), "they are being looked up");
	}
	/* Soon, and not from here: the zone's other parts are not configured yet. */
	if (f->job == NULL && (f->failures > 0 || !f->found.is_complete))
		loop_event_set(f->again, clock_calendar());
}

void signer_find_free(struct signer_zone *z)
{
	for (unsigned kind = 0; kind < FIND_KINDS; kind++) {
		find_free(z->find[kind]);
		z->find[kind] = NULL;
	}
}

/* Asked */

const struct found *signer_find_found(const struct signer_zone *z, enum find_kind kind)
{
	return z->find[kind] == NULL ? NULL : &z->find[kind]->found;
}

bool signer_find_is_new(const struct signer_zone *z, enum find_kind kind)
{
	const struct zone_find *f = z->find[kind];

	return f != NULL && !f->found.is_complete && f->failures == 0;
}
