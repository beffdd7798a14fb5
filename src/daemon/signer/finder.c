/* Following a delegation: see finder.h.  Runs in the signing side; the network side asks
 * (signer/probe.c).
 *
 *   name servers   NS records of the domain, from its owner here or from the resolver
 *   its parent's   SOA of the name above -> the parent zone -> its NS records
 *   both           A and AAAA of each name, one question after the other
 *
 * A look that fails changes nothing that was found before. */
#include "daemon/signer/finder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "dns/rrtype.h"

#define AGAIN_LEAST 300 /* seconds from one look to the next */
#define AGAIN_MOST 86400
#define RETRY_FIRST 5
#define RETRY_DOUBLINGS 6
#define RETRY_MOST 300

struct find_job { /* a look under way */
	struct finder_have have;
	unsigned next; /* of its names */
	uint16_t qtype;
	uint8_t qname[NAME_MAX_LEN]; /* of the question under way */
	struct signer_probe *probe;
};

struct finder {
	struct signer *signer;
	struct finder_owner owner;
	struct found found;
	struct find_job *job; /* NULL: none under way */
	unsigned failures;
	struct loop_event *again;
};

static const char *const whose[] = {"name servers", "parent's servers"};

static void job_end(struct finder *f)
{
	if (f->job != NULL)
		signer_probe_cancel(f->job->probe);
	free(f->job);
	f->job = NULL;
}

/* Nothing of f may be touched after this: its owner may free it. */
static void tell(struct finder *f)
{
	f->owner.tell(f->owner.arg);
}

static void job_failed(struct finder *f, const char *why)
{
	int64_t wait =
	    f->failures < RETRY_DOUBLINGS ? (int64_t)RETRY_FIRST << f->failures : RETRY_MOST;

	job_end(f);
	if (f->owner.repeats && (f->failures == 0 || strcmp(f->found.why, why) != 0))
		log_warning(
		    "%s: its %s cannot be found: %s", f->owner.label, whose[f->owner.kind], why);
	snprintf(f->found.why, sizeof(f->found.why), "%s", why);
	f->failures++;
	if (f->owner.repeats)
		loop_event_set(f->again, clock_calendar() + wait);
	if (!f->found.is_complete)
		tell(f);
}

static bool is_as_before(const struct found *f, char (*servers)[PEER_NAME_MAX], unsigned count)
{
	return f->is_complete && f->count == count &&
	       memcmp(f->servers, servers, count * sizeof(*servers)) == 0;
}

static void log_servers(const struct finder *f)
{
	struct buf text = {0};

	for (unsigned i = 0; i < f->found.count; i++)
		buf_printf(&text, "%s%s", i == 0 ? "" : ", ", f->found.servers[i]);
	log_notice("%s: its %s are found: %.*s", f->owner.label, whose[f->owner.kind],
	    (int)text.len, (const char *)text.data);
	buf_free(&text);
}

static void take(struct finder *f, char (*servers)[PEER_NAME_MAX], unsigned count)
{
	free(f->found.servers);
	f->found.servers = servers;
	f->found.count = count;
	f->found.is_complete = true;
	if (f->owner.repeats)
		log_servers(f);
	tell(f);
}

static void job_done(struct finder *f)
{
	struct find_job *j = f->job;
	unsigned count = j->have.addresses.count,
		 port = (unsigned)f->signer->config->resolver.ns_port;
	char(*servers)[PEER_NAME_MAX];
	int64_t wait = j->have.ttl < AGAIN_LEAST ? AGAIN_LEAST : j->have.ttl;

	if (count == 0) {
		job_failed(f, "none of them has an address");
		return;
	}
	find_sort(&j->have.addresses);
	servers = mem_array(count, sizeof(*servers));
	for (unsigned i = 0; i < count; i++)
		snprintf(servers[i], sizeof(*servers), "%s@%u", j->have.addresses.list[i], port);
	if (!f->owner.repeats) {
		free(f->found.names);
		f->found.names = mem_alloc(sizeof(*f->found.names));
		*f->found.names = j->have.names;
	}
	job_end(f);
	f->failures = 0;
	f->found.why[0] = '\0';
	if (f->owner.repeats)
		loop_event_set(
		    f->again, clock_calendar() + (wait < AGAIN_MOST ? wait : AGAIN_MOST));
	if (is_as_before(&f->found, servers, count))
		free(servers);
	else
		take(f, servers, count);
}

/* Questions */

static void ask(struct finder *f, const uint8_t *qname, uint16_t qtype, probe_done_fn *done)
{
	struct find_job *j = f->job;

	memmove(j->qname, qname, name_len(qname));
	j->qtype = qtype;
	j->probe = signer_probe_resolver(f->signer, j->qname, qtype, 0, done, f);
}

/* An answer came that is of no use, or none came. */
static void question_failed(struct finder *f, const char *why)
{
	const struct find_job *j = f->job;
	char name[NAME_TEXT_SIZE], type[RRTYPE_TEXT_SIZE], text[FOUND_WHY_MAX];

	name_text(j->qname, name);
	rrtype_text(j->qtype, type);
	snprintf(text, sizeof(text), "%.120s %s: %.200s", name, type, why);
	job_failed(f, text);
}

static void on_addresses(void *arg, int code, const char *why, const uint8_t *msg, size_t len);

static void next_name(struct finder *f)
{
	struct find_job *j = f->job;

	if (j->next == j->have.names.count)
		job_done(f);
	else
		ask(f, j->have.names.names[j->next], RR_A, on_addresses);
}

static void on_addresses(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct finder *f = arg;
	struct find_job *j = f->job;
	struct err e = {0};

	j->probe = NULL;
	if (code == OK && (code = find_read_addresses(
			       msg, len, j->qtype, &j->have.addresses, &j->have.ttl, &e)) != OK)
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
	struct finder *f = arg;
	struct find_job *j = f->job;
	struct err e = {0};

	j->probe = NULL;
	if (code == OK &&
	    (code = find_read_names(msg, len, j->qname, &j->have.names, &j->have.ttl, &e)) != OK)
		why = e.text;
	if (code == OK)
		next_name(f);
	else
		question_failed(f, why);
}

static void on_zone(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct finder *f = arg;
	struct find_job *j = f->job;
	uint8_t zone[NAME_MAX_LEN];
	const uint8_t *above = name_parent(j->qname);
	struct err e = {0};

	j->probe = NULL;
	if (code == OK && (code = find_read_zone(msg, len, j->qname, zone, &j->have.ttl, &e)) != OK)
		why = e.text;
	if (code == OK)
		ask(f, zone, RR_NS, on_names);
	else if (code == ERR_MISSING && msg != NULL && above != NULL)
		ask(f, above, RR_SOA, on_zone);
	else
		question_failed(
		    f, code == ERR_MISSING ? "no answer tells which zone it is in" : why);
}

/* Looks */

static void start_from_owner(struct finder *f)
{
	struct err e = {0};
	int code = f->owner.names(f->owner.arg, &f->job->have, &e);

	if (code == OK)
		next_name(f);
	else if (code == ERR_AGAIN)
		job_end(f);
	else
		job_failed(f, e.text);
}

void finder_start(struct finder *f)
{
	const uint8_t *above = name_parent(f->owner.domain);

	job_end(f);
	loop_event_stop(f->again);
	f->job = mem_alloc(sizeof(*f->job));
	f->job->have.ttl = UINT32_MAX;
	if (f->owner.names != NULL)
		start_from_owner(f);
	else if (f->owner.kind == FIND_NAMESERVERS)
		ask(f, f->owner.domain, RR_NS, on_names);
	else if (above != NULL)
		ask(f, above, RR_SOA, on_zone);
	else
		job_failed(f, "the root has none");
}

static void again_due(void *arg, int64_t due)
{
	(void)due;
	finder_start(arg);
}

void finder_soon(struct finder *f)
{
	if (f->job == NULL && (f->failures > 0 || !f->found.is_complete))
		loop_event_set(f->again, clock_calendar());
}

void finder_outdated(struct finder *f)
{
	f->found.is_complete = false;
	f->failures = 0;
	snprintf(f->found.why, sizeof(f->found.why), "they are being looked up");
}

struct finder *finder_new(struct signer *s, const struct finder_owner *owner)
{
	struct finder *f = mem_alloc(sizeof(*f));

	f->signer = s;
	f->owner = *owner;
	f->again = loop_event_new(s->loop, again_due, f);
	finder_outdated(f);
	return f;
}

void finder_free(struct finder *f)
{
	if (f == NULL)
		return;
	job_end(f);
	loop_event_free(f->again);
	free(f->found.servers);
	free(f->found.names);
	free(f);
}

/* Asked */

bool finder_is_running(const struct finder *f)
{
	return f->job != NULL;
}

bool finder_is_new(const struct finder *f)
{
	return !f->found.is_complete && f->failures == 0;
}

const struct found *finder_found(const struct finder *f)
{
	return &f->found;
}
