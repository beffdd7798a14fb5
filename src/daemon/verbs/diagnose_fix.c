/* What to change, and where, so that a check of `zone diagnose` holds.  Signing side: it knows the
 * names of TSIG keys and none of their secrets. */
#include <string.h>
#include "base/mem.h"
#include "daemon/verbs/diagnose.h"
#include "dns/tsig.h"
#include "ops/stanza.h"

static bool is_of_source(enum check_kind kind)
{
	return kind == CHECK_SOURCE_UDP || kind == CHECK_SOURCE_TCP || kind == CHECK_SOURCE_AXFR;
}

static bool is_of_destination(enum check_kind kind)
{
	return kind == CHECK_DESTINATION_UDP || kind == CHECK_DESTINATION_TCP ||
	       kind == CHECK_DESTINATION_NOTIFY;
}

static const char *protocol_of(enum check_kind kind)
{
	return kind == CHECK_SOURCE_TCP || kind == CHECK_SOURCE_AXFR ||
		       kind == CHECK_DESTINATION_TCP
		   ? "TCP"
		   : "UDP";
}

static void fix_network(
    enum check_kind kind, const struct outcome *v, const struct config_server *s, struct buf *out)
{
	if (v->cause == CAUSE_SILENT)
		buf_printf(out,
		    "Let %s from here reach %s port %d: a firewall drops it, or the address is not the server's.",
		    protocol_of(kind), s->address, (int)s->port);
	else
		buf_printf(out,
		    "Start the name server at %s port %d, or have it listen on %s there; or correct address and port of server %s.",
		    s->address, (int)s->port, protocol_of(kind), s->name);
}

static void fix_tsig(const struct outcome *v, const struct config_server *s, struct buf *out)
{
	const char *key = s->tsig == NULL ? "(none)" : s->tsig;

	if (v->cause == CAUSE_BADTIME)
		buf_printf(out,
		    "Set the clocks right on both sides (NTP): TSIG allows %d seconds between them.",
		    TSIG_FUDGE);
	else if (v->cause == CAUSE_BADKEY)
		buf_printf(out,
		    "Give server %s the TSIG key %s, with this name and this algorithm, as below.",
		    s->name, key);
	else
		buf_printf(out,
		    "The secrets of TSIG key %s differ: write the same one here (intaglio tsig) and at server %s, as below.",
		    key, s->name);
}

static void fix_refused(
    enum check_kind kind, const struct config_server *s, const char *zone, struct buf *out)
{
	const char *by = s->tsig == NULL ? "our address" : "the TSIG key ";

	if (kind == CHECK_SOURCE_AXFR)
		buf_printf(out, "Have server %s allow transfers of %s to %s%s", s->name, zone, by,
		    s->tsig == NULL ? "" : s->tsig);
	else if (kind == CHECK_DESTINATION_NOTIFY)
		buf_printf(out, "Have server %s accept NOTIFY for %s from %s%s", s->name, zone, by,
		    s->tsig == NULL ? "" : s->tsig);
	else
		buf_printf(
		    out, "Have server %s serve %s, and answer queries for it", s->name, zone);
	buf_printf(out, s->tsig == NULL ? "." : ", as below.");
}

static void fix_content(enum check_kind kind, const struct outcome *v,
    const struct config_server *s, const char *zone, struct buf *out)
{
	switch (v->cause) {
	case CAUSE_BEHIND:
		if (is_of_source(kind))
			buf_printf(out,
			    "intaglio zone retransfer -z %s fetches it now; where that does not help, zone status says why, and a serial that went back must be raised at the source.",
			    zone);
		else
			buf_printf(out,
			    "Have server %s accept NOTIFY and transfer %s from here, as below; its log says why it did not.",
			    s->name, zone);
		break;
	case CAUSE_UNSIGNED:
		buf_printf(out,
		    "Have server %s answer with DNSSEC records (NSD and Knot always do; BIND unless dnssec is switched off), and look whether something in between takes them out.",
		    s->name);
		break;
	case CAUSE_EXPIRED:
		buf_printf(out,
		    "Validators fail at server %s now: have it transfer %s again, as below.",
		    s->name, zone);
		break;
	default:
		buf_printf(out, "Look at the log of server %s.", s->name);
	}
}

static void fix_local(
    enum check_kind kind, const struct outcome *v, const char *zone, struct buf *out)
{
	if (kind == CHECK_TOKEN)
		buf_printf(out,
		    "Look at the token: intaglio repository list, then intaglio-hsm check with its module and label.");
	else if (kind == CHECK_RUNWAY)
		buf_printf(out,
		    "Signatures are not being replaced: zone status -z %s says what is in the way.",
		    zone);
	else if (kind == CHECK_VERSION)
		buf_printf(out,
		    "Have it signed anew from its source: intaglio zone retransfer -z %s; and look at the disk.",
		    zone);
	else if (v->cause == CAUSE_FOREIGN_DS)
		buf_printf(out,
		    "Have the parent take out the DS that belongs to no key of ours (intaglio key export --ds -z %s prints those that belong there).",
		    zone);
	else if (v->cause == CAUSE_NO_DS)
		buf_printf(out,
		    "Nothing validates %s before the parent has its DS: intaglio key export --ds -z %s prints it, zone status says whether it is safe yet.",
		    zone, zone);
}

void fix_text(enum check_kind kind, const struct outcome *v, const struct config_server *server,
    const char *zone, struct buf *out)
{
	if (v->result == RESULT_OK)
		return;
	if (server == NULL || v->cause == CAUSE_FOREIGN_DS || v->cause == CAUSE_NO_DS)
		fix_local(kind, v, zone, out);
	else if (v->cause == CAUSE_SILENT || v->cause == CAUSE_CLOSED)
		fix_network(kind, v, server, out);
	else if (v->cause == CAUSE_BADKEY || v->cause == CAUSE_BADSIG || v->cause == CAUSE_BADTIME)
		fix_tsig(v, server, out);
	else if (v->cause == CAUSE_REFUSED)
		fix_refused(kind, server, zone, out);
	else
		fix_content(kind, v, server, zone, out);
}

/* Would a stanza help? */
static bool has_stanza(enum check_kind kind, const struct outcome *v)
{
	if (v->result == RESULT_OK)
		return false;
	return v->cause == CAUSE_BADKEY || v->cause == CAUSE_BADSIG || v->cause == CAUSE_REFUSED ||
	       v->cause == CAUSE_EXPIRED || (v->cause == CAUSE_BEHIND && is_of_destination(kind));
}

json_t *fix_stanzas(enum check_kind kind, const struct outcome *v, const struct config *config,
    const struct config_server *server, const char *zone)
{
	static const char *const names[STANZA_SERVERS] = {"bind", "nsd", "knot"};
	const struct config_listen *l = config->listen.items;
	const struct config_tsig_key *k =
	    server == NULL || server->tsig == NULL ? NULL : config_tsig_key(config, server->tsig);
	char *secret;
	json_t *out;

	if (k == NULL || !has_stanza(kind, v) || !(is_of_source(kind) || is_of_destination(kind)))
		return NULL;
	secret = mem_printf("(the secret of %s)", k->name);
	out = json_object();
	for (unsigned i = 0; i < STANZA_SERVERS; i++) {
		struct stanza stanza = {.key = k->name,
		    .algorithm = tsig_algorithm_name((enum tsig_algorithm)k->algorithm),
		    .secret = secret,
		    .address = config->listen.count > 0 ? l->address : "192.0.2.1",
		    .port = config->listen.count > 0 ? (unsigned)l->port : 53,
		    .zones = &zone,
		    .zone_count = 1};
		struct buf text = {0};

		stanza_put(&text, (enum stanza_server)i,
		    is_of_source(kind) ? STANZA_SOURCE : STANZA_DESTINATION, &stanza);
		json_object_set_new(out, names[i], json_stringn((const char *)text.data, text.len));
		buf_free(&text);
	}
	free(secret);
	return out;
}
