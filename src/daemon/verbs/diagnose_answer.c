/* What the answer to a question of `zone diagnose` says.  Signing side; answers come from the
 * network and are read with care. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "daemon/verbs/diagnose.h"
#include "dns/dnskey.h"
#include "dns/packet.h"
#include "dns/rdata.h"
#include "dns/rrtype.h"
#include "dns/soa.h"
#include "dns/tsig.h"
#include "parent/observe.h"

#define SKEW_WARNING 60 /* seconds; at TSIG_FUDGE the other side stops believing us */

__attribute__((format(printf, 4, 5))) static void say(
    struct outcome *v, enum check_result result, enum cause cause, const char *fmt, ...)
{
	va_list ap;

	v->result = result;
	v->cause = cause;
	va_start(ap, fmt);
	vsnprintf(v->detail, sizeof(v->detail), fmt, ap);
	va_end(ap);
}

static enum cause cause_of(int code)
{
	switch (code) {
	case ERR_TIMEOUT:
		return CAUSE_SILENT;
	case ERR_CLOSED:
		return CAUSE_CLOSED;
	case ERR_BADKEY:
		return CAUSE_BADKEY;
	case ERR_BADSIG:
		return CAUSE_BADSIG;
	case ERR_BADTIME:
		return CAUSE_BADTIME;
	case ERR_REFUSED:
		return CAUSE_REFUSED;
	default:
		return CAUSE_OTHER;
	}
}

/* By how much the server's clock and ours differ, where it signs: "; its clock is 70 s ahead". */
static void look_at_clock(const struct packet *p, const struct expectation *x, struct outcome *v)
{
	size_t used = strlen(v->detail);
	int64_t theirs, skew;

	if (!tsig_time(p, &theirs))
		return;
	skew = theirs - x->real;
	if (llabs(skew) < SKEW_WARNING)
		return;
	snprintf(v->detail + used, sizeof(v->detail) - used, "; its clock is %lld s %s",
	    (long long)llabs(skew), skew > 0 ? "ahead of ours" : "behind ours");
	if (v->result == RESULT_OK) {
		v->result = RESULT_WARNING;
		v->cause = CAUSE_BADTIME;
	}
}

/* The expiration of the signature over the SOA; false: there is none. */
static bool soa_signature(struct packet p, const uint8_t *apex, uint32_t *expiration)
{
	struct packet_rr rr;
	struct rrsig sig;
	struct buf rdata = {0};
	bool found = false;

	while (!found && packet_next(&p, &rr) == OK) {
		if (rr.section != 1 || rr.type != RR_RRSIG || !name_equal(rr.owner, apex))
			continue;
		buf_reset(&rdata);
		found = rdata_from_message(
			    RR_RRSIG, p.msg, p.len, rr.rdata, rr.rdlen, &rdata, NULL) == OK &&
			rrsig_parse(rdata.data, rdata.len, &sig) == OK && sig.covered == RR_SOA;
		if (found)
			*expiration = sig.expiration;
	}
	buf_free(&rdata);
	return found;
}

static void judge_signature(
    const struct packet *p, const struct expectation *x, uint32_t serial, struct outcome *v)
{
	uint32_t expiration;
	int64_t left;
	char until[TIME_TEXT_SIZE];

	if (!soa_signature(*p, x->apex, &expiration)) {
		say(v, RESULT_FAILED, CAUSE_UNSIGNED,
		    "has serial %u, and sends no signatures with it", serial);
		return;
	}
	left = (int32_t)(expiration - (uint32_t)x->now);
	time_text(x->now + left, until);
	if (left <= 0)
		say(v, RESULT_FAILED, CAUSE_EXPIRED,
		    "has serial %u, whose signatures expired at %s", serial, until);
	else
		say(v, RESULT_OK, CAUSE_NONE, "has serial %u, signed until %s", serial, until);
}

static void judge_serial(
    enum check_kind kind, const struct packet *p, const struct expectation *x, struct outcome *v)
{
	struct packet again = *p;
	uint32_t serial;
	bool is_ours = kind == CHECK_DESTINATION_UDP || kind == CHECK_DESTINATION_TCP;

	if (!signer_probe_serial(&again, x->apex, &serial))
		say(v, RESULT_FAILED, CAUSE_OTHER, "answers, and has no SOA of the zone");
	else if (!is_ours && !(p->flags & PACKET_FLAG_AA) && kind != CHECK_SOURCE_AXFR)
		say(v, RESULT_FAILED, CAUSE_OTHER,
		    "has serial %u, and is not authoritative for the zone", serial);
	else if (is_ours && x->has_serial && serial_gt(x->serial, serial))
		say(v, RESULT_FAILED, CAUSE_BEHIND, "has serial %u, and %u was published", serial,
		    x->serial);
	else if (is_ours && x->is_signed)
		judge_signature(p, x, serial, v);
	else if (!is_ours && x->has_serial && serial_gt(serial, x->serial))
		say(v, RESULT_WARNING, CAUSE_BEHIND,
		    "has serial %u, and the version that was signed is of %u", serial, x->serial);
	else if (!is_ours && x->has_serial && serial_gt(x->serial, serial))
		say(v, RESULT_WARNING, CAUSE_BEHIND,
		    "has serial %u, older than the version that was signed (%u): its serial went back",
		    serial, x->serial);
	else
		say(v, RESULT_OK, CAUSE_NONE, "%s serial %u",
		    kind == CHECK_SOURCE_AXFR ? "begins to send the zone, with" : "has", serial);
}

static bool is_ours(const struct expectation *x, const struct parent_ds *ds)
{
	for (unsigned i = 0; i < x->our_count; i++) {
		if (parent_ds_equal(&x->ours[i], ds))
			return true;
	}
	return false;
}

static void judge_ds(const struct expectation *x, const struct answer *a, struct outcome *v)
{
	struct parent_set set;
	struct err e = {0};
	char tags[200] = "";
	bool has_foreign = false;

	if (parent_read_answer(a->msg, a->len, x->apex, &set, &e) != OK) {
		say(v, RESULT_FAILED, CAUSE_OTHER, "says nothing of the DS: %s", e.text);
		return;
	}
	for (unsigned i = 0; i < set.count; i++) {
		size_t used = strlen(tags);

		has_foreign = has_foreign || !is_ours(x, &set.ds[i]);
		snprintf(tags + used, sizeof(tags) - used, "%s%u (type %u)%s",
		    used == 0 ? "" : ", ", set.ds[i].tag, set.ds[i].digest_type,
		    is_ours(x, &set.ds[i]) ? "" : " of no key of ours");
	}
	if (has_foreign)
		say(v, RESULT_FAILED, CAUSE_FOREIGN_DS, "has DS %s", tags);
	else if (set.count == 0 && x->wants_ds)
		say(v, RESULT_WARNING, CAUSE_NO_DS, "has no DS");
	else
		say(v, RESULT_OK, CAUSE_NONE, "has %s%s", set.count == 0 ? "no DS" : "DS ", tags);
}

void answer_judge(
    enum check_kind kind, const struct expectation *x, const struct answer *a, struct outcome *out)
{
	struct packet p;

	if (a->code != OK || packet_parse(a->msg, a->len, &p, NULL) != OK) {
		say(out, RESULT_FAILED, cause_of(a->code), "%.550s",
		    a->code == OK ? "malformed answer" : a->why);
		return;
	}
	if (packet_rcode(&p) != RCODE_NOERROR)
		say(out, RESULT_FAILED, CAUSE_REFUSED, "%s", packet_rcode_name(packet_rcode(&p)));
	else if (kind == CHECK_PARENT_DS)
		judge_ds(x, a, out);
	else if (kind == CHECK_DESTINATION_NOTIFY)
		say(out, RESULT_OK, CAUSE_NONE, "acknowledged a NOTIFY");
	else
		judge_serial(kind, &p, x, out);
	look_at_clock(&p, x, out);
}
