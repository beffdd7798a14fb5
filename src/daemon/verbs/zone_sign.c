/* The verbs that make new versions: zone sign, zone retransfer. */
#include <stdlib.h>
#include "daemon/proto.h"
#include "daemon/verbs/internal.h"

static void want_version(struct signer_zone *z, const struct ops_call *c)
{
	z->again = true;
	z->force = z->force || ops_flag(c, "force");
}

/* --serial; true if there is none, or it holds from now on. */
static bool take_serial(struct signer_zone *z, struct ops_call *c)
{
	const char *text = ops_option(c, "serial");
	char why[REASON_MAX], *end;
	unsigned long long serial;
	struct err e = {0};

	if (text == NULL && !signer_rebuild_holds(z, why))
		return true;
	if (text == NULL) {
		ops_fail(c, "zone %s is not signed: %s", z->name, why);
		return false;
	}
	serial = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || serial > UINT32_MAX)
		ops_fail(c, "%s is no serial: a number from 0 to 4294967295", text);
	else if (z->run != NULL)
		ops_fail(c, "zone %s is being signed just now; try again", z->name);
	else if (signer_rebuild_give(z, (uint32_t)serial, &e) != OK)
		ops_fail(c, "zone %s is not signed: %s", z->name, e.text);
	else
		return true;
	return false;
}

void verb_zone_sign(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	struct signer_zone *z;
	unsigned n = 0;

	if (ops_flag(c, "all")) {
		if (ops_option(c, "serial") != NULL) {
			ops_fail(c, "--serial is of one zone: say which, with -z ZONE");
			return;
		}
		for (unsigned i = 0; i < s->zone_count; i++) {
			z = s->zones[i];
			if (!z->has_head || z->head.generation == 0)
				continue;
			want_version(z, c);
			signer_zone_step(z);
			n++;
		}
		ops_text(
		    c, "%u zones are being signed; \"intaglio status\" shows how it goes\n", n);
		ops_done(c);
		return;
	}
	z = verbs_zone(s, c);
	if (z == NULL)
		return;
	if ((!z->has_head || z->head.generation == 0) && z->next.spool == NULL) {
		ops_fail(
		    c, "zone %s cannot be signed: no version came in from a source yet", z->name);
		return;
	}
	if (!take_serial(z, c))
		return;
	want_version(z, c);
	verbs_wait(z, c, WAIT_SIGNED);
	signer_zone_step(z);
}

void verb_zone_retransfer(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	struct signer_zone *z;

	if (s->network == NULL) {
		ops_fail(c, "the network side is not there; it is being started again");
		return;
	}
	if (ops_flag(c, "all")) {
		for (unsigned i = 0; i < s->zone_count; i++)
			signer_send_zone(s, PROTO_RETRANSFER, s->zones[i]);
		ops_text(c, "%u zones are asked for\n", s->zone_count);
		ops_done(c);
		return;
	}
	z = verbs_zone(s, c);
	if (z == NULL)
		return;
	signer_send_zone(s, PROTO_RETRANSFER, z);
	ops_text(c, "zone %s is asked for; \"intaglio zone status -z %s\" shows what came of it\n",
	    z->name, z->name);
	ops_done(c);
}
