/* zone diagnose: every check of a zone and its peers, live.  All questions are asked at once and
 * answered within some seconds; the stored version is checked in a thread meanwhile.  Then all of
 * it is listed, with what to change.  Signing side; nothing is changed by it, but that destinations
 * get a NOTIFY. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/signer/check.h"
#include "daemon/verbs/diagnose.h"
#include "dns/packet.h"
#include "dns/rrtype.h"
#include "inbound/probe.h"
#include "parent/observe.h"

#define NOTIFY_OCTETS 512

struct diagnosis;
struct check {
	struct diagnosis *diagnosis;
	enum check_kind kind;
	char server[PEER_NAME_MAX]; /* "": none */
	struct outcome verdict;
};
struct diagnosis {
	struct signer *signer;
	struct ops_call *call;
	char zone[NAME_TEXT_SIZE];
	struct expectation source, destination; /* what is expected of each */
	struct parent_ds ours[KEYSET_MAX * 3];
	struct check *checks;
	unsigned count, left;
};

static const struct {
	const char *name;
	uint16_t qtype;
	unsigned flags;
} kinds[CHECK_KINDS] = {
    [CHECK_TOKEN] = {"token", 0, 0},
    [CHECK_STATE] = {"state", 0, 0},
    [CHECK_RUNWAY] = {"signature runway", 0, 0},
    [CHECK_SOURCE_UDP] = {"source SOA, UDP", RR_SOA, 0},
    [CHECK_SOURCE_TCP] = {"source SOA, TCP", RR_SOA, PROBE_TCP},
    [CHECK_SOURCE_AXFR] = {"source AXFR", RR_AXFR, PROBE_TCP},
    [CHECK_DESTINATION_UDP] = {"destination SOA, UDP", RR_SOA, PROBE_DNSSEC},
    [CHECK_DESTINATION_TCP] = {"destination SOA, TCP", RR_SOA, PROBE_DNSSEC | PROBE_TCP},
    [CHECK_DESTINATION_NOTIFY] = {"destination NOTIFY", 0, 0},
    [CHECK_PARENT_DS] = {"parent DS", RR_DS, 0},
    [CHECK_VERSION] = {"stored version", 0, 0},
};
static const char *const results[] = {"ok", "warning", "failed"};

/* The listing */

static json_t *check_json(const struct diagnosis *d, const struct check *k)
{
	const struct config *config = d->signer->config;
	const struct config_server *server =
	    k->server[0] == '\0' ? NULL : config_server(config, k->server);
	json_t *stanzas = fix_stanzas(k->kind, &k->verdict, config, server, d->zone), *one;
	struct buf fix = {0};

	fix_text(k->kind, &k->verdict, server, d->zone, &fix);
	one = json_pack("{s:s,s:s,s:s,s:s,s:o}", "check", kinds[k->kind].name, "server", k->server,
	    "result", results[k->verdict.result], "detail", k->verdict.detail, "fix",
	    json_stringn(fix.len == 0 ? "" : (const char *)fix.data, fix.len));
	if (stanzas != NULL)
		json_object_set_new(one, "stanzas", stanzas);
	buf_free(&fix);
	return one;
}

static void show_fixes(struct ops_call *c, const json_t *list)
{
	size_t i;
	json_t *one, *text;
	const char *name;

	json_array_foreach(list, i, one)
	{
		json_t *stanzas = json_object_get(one, "stanzas");
		const char *fix = json_string_value(json_object_get(one, "fix"));
		const char *server = json_string_value(json_object_get(one, "server"));

		if (fix[0] == '\0')
			continue;
		ops_text(c, "\n%s%s%s: %s\n", json_string_value(json_object_get(one, "check")),
		    server[0] == '\0' ? "" : ", ", server, fix);
		json_object_foreach(stanzas, name, text)
		    ops_text(c, "\n# %s\n%s", name, json_string_value(text));
	}
}

static void diagnosis_end(struct diagnosis *d)
{
	json_t *root = json_object(), *list = json_array();
	unsigned problems = 0;

	for (unsigned i = 0; i < d->count; i++) {
		problems += d->checks[i].verdict.result != RESULT_OK;
		json_array_append_new(list, check_json(d, &d->checks[i]));
	}
	json_object_set_new(root, "zone", json_string(d->zone));
	json_object_set_new(root, "problems", json_integer(problems));
	json_object_set_new(root, "checks", json_incref(list));
	ops_list(d->call, root, "checks", "check:Check,server:Server,result:Result,detail:Detail");
	if (!ops_flag(d->call, "json")) {
		show_fixes(d->call, list);
		if (problems == 0)
			ops_text(d->call, "\nNothing is wrong that can be seen from here.\n");
	}
	json_decref(list);
	ops_done(d->call);
	free(d->checks);
	free(d);
}

static void check_over(struct check *k)
{
	struct diagnosis *d = k->diagnosis;

	d->left--;
	ops_progress(d->call, "checking", d->count - d->left, d->count);
	if (d->left == 0)
		diagnosis_end(d);
}

/* Questions */

static void answered(void *arg, int code, const char *why, const uint8_t *msg, size_t len)
{
	struct check *k = arg;
	struct diagnosis *d = k->diagnosis;
	bool is_source = k->kind >= CHECK_SOURCE_UDP && k->kind <= CHECK_SOURCE_AXFR;
	struct answer a = {code, why, msg, len};

	d->source.real = d->destination.real = clock_real();
	answer_judge(k->kind, is_source ? &d->source : &d->destination, &a, &k->verdict);
	check_over(k);
}

static void send_notify(struct check *k)
{
	struct diagnosis *d = k->diagnosis;
	struct packet_builder b = {0};

	packet_begin(
	    &b, NOTIFY_OCTETS, 0, OPCODE_NOTIFY << 11 | PACKET_FLAG_AA, d->source.apex, RR_SOA);
	packet_end(&b);
	signer_send_message(d->signer, k->server, &b.buf, 0, answered, k);
	packet_builder_free(&b);
}

static void version_checked(void *arg, int code, const char *why)
{
	struct check *k = arg;

	k->verdict.result = code == OK ? RESULT_OK : RESULT_FAILED;
	k->verdict.cause = code == OK ? CAUSE_NONE : CAUSE_OTHER;
	snprintf(k->verdict.detail, sizeof(k->verdict.detail), "%.550s",
	    code == OK ? "complete; every signature holds" : why);
	check_over(k);
}

static void check_version(struct check *k, const struct signer_zone *z)
{
	int64_t now = k->diagnosis->source.now;
	struct keyset *ks = mem_alloc(sizeof(*ks));
	bool has_keys =
	    signer_zone_keyset(z, now, ks, NULL) == OK && sign_keyset_mark(ks) == z->head.keyset;

	if (!signer_check_one(z->signer, z->apex, has_keys ? ks : NULL, version_checked, k))
		version_checked(k, ERR_SYSTEM, "it could not be checked: see the log");
	free(ks);
}

/* What can be said at once */

static void look_at_token(struct check *k, struct signer *s)
{
	for (unsigned i = 0; i < s->token_count; i++) {
		char why[256];

		if (strcmp(s->tokens[i]->name, k->server) != 0)
			continue;
		if (token_is_up(s->tokens[i]->token, why)) {
			snprintf(k->verdict.detail, sizeof(k->verdict.detail), "answers");
		} else {
			k->verdict.result = RESULT_FAILED;
			k->verdict.cause = CAUSE_OTHER;
			snprintf(k->verdict.detail, sizeof(k->verdict.detail), "%s", why);
		}
	}
}

static void look_at_state(struct check *k, const struct signer_zone *z)
{
	const struct zone_head *h = &z->head;
	bool has_version = z->has_head && h->generation != 0;
	struct outcome *v = &k->verdict;

	v->result = z->problem[0] != '\0'	    ? RESULT_FAILED
		    : !has_version || !h->published ? RESULT_WARNING
						    : RESULT_OK;
	v->cause = v->result == RESULT_OK ? CAUSE_NONE : CAUSE_OTHER;
	if (z->problem[0] != '\0')
		snprintf(v->detail, sizeof(v->detail), "%s", z->problem);
	else if (!has_version)
		snprintf(v->detail, sizeof(v->detail), "no version came in from a source yet");
	else if (!h->published)
		snprintf(v->detail, sizeof(v->detail), "held back: %s", h->hold);
	else
		snprintf(v->detail, sizeof(v->detail),
		    "serial %u is published, of serial %u at its source%s", h->serial_out,
		    h->serial_in, h->unverified ? "; UNVERIFIED" : "");
}

static void look_at_runway(struct check *k, const struct signer_zone *z)
{
	int64_t left = z->head.expiry_first - k->diagnosis->source.now;
	struct outcome *v = &k->verdict;
	char until[TIME_TEXT_SIZE];

	time_text(z->head.expiry_first, until);
	v->result = left <= 0				? RESULT_FAILED
		    : left < z->sign_policy.refresh / 2 ? RESULT_WARNING
							: RESULT_OK;
	v->cause = v->result == RESULT_OK ? CAUSE_NONE : CAUSE_EXPIRED;
	snprintf(v->detail, sizeof(v->detail), "the first signature %s at %s (%lld h)",
	    left <= 0 ? "expired" : "expires", until, (long long)(left / 3600));
}

/* Which checks there are */

static void add(struct diagnosis *d, enum check_kind kind, const char *server)
{
	struct check *k;

	d->checks = mem_grow(d->checks, d->count + 1, sizeof(*d->checks));
	k = &d->checks[d->count++];
	*k = (struct check){.diagnosis = d, .kind = kind};
	snprintf(k->server, sizeof(k->server), "%s", server);
}

static void add_checks(struct diagnosis *d, const struct signer_zone *z)
{
	const struct parent_view *parent = signer_parent_view(z);
	enum key_role roles[2];
	unsigned role_count = policy_roles(&z->key_policy, roles);

	add(d, CHECK_STATE, "");
	for (unsigned i = 0; i < role_count; i++) {
		const char *token = policy_role(&z->key_policy, roles[i])->token;

		if (strcmp(d->checks[d->count - 1].server, token) != 0)
			add(d, CHECK_TOKEN, token);
	}
	if (z->has_head && z->head.expiry_first != 0)
		add(d, CHECK_RUNWAY, "");
	for (enum check_kind kind = CHECK_SOURCE_UDP; kind <= CHECK_DESTINATION_NOTIFY; kind++) {
		bool is_source = kind <= CHECK_SOURCE_AXFR;

		for (unsigned i = 0; i < z->server_count; i++) {
			if (z->servers[i].is_source == is_source &&
			    z->servers[i].server[0] != '\0' && (is_source || z->head.published))
				add(d, kind, z->servers[i].server);
		}
	}
	for (unsigned i = 0; parent != NULL && i < parent->count; i++)
		add(d, CHECK_PARENT_DS, parent->servers[i].name);
	if (z->has_head && z->head.generation != 0)
		add(d, CHECK_VERSION, "");
}

static void run(struct check *k, const struct signer_zone *z)
{
	struct diagnosis *d = k->diagnosis;

	switch (k->kind) {
	case CHECK_TOKEN:
		look_at_token(k, d->signer);
		break;
	case CHECK_STATE:
		look_at_state(k, z);
		break;
	case CHECK_RUNWAY:
		look_at_runway(k, z);
		break;
	case CHECK_DESTINATION_NOTIFY:
		send_notify(k);
		return;
	case CHECK_VERSION:
		check_version(k, z);
		return;
	default:
		signer_probe_start(d->signer, k->server, z->apex, kinds[k->kind].qtype,
		    kinds[k->kind].flags, answered, k);
		return;
	}
	d->left--;
}

static void add_ours(void *arg, const struct key_info *i)
{
	static const uint8_t digests[] = {1, 2, 4};
	struct diagnosis *d = arg;
	struct expectation *x = &d->destination;

	x->wants_ds = x->wants_ds || i->ds == DS_SUBMITTED || i->ds == DS_SEEN;
	for (size_t n = 0; n < MEM_COUNT(digests); n++) {
		if (i->key->role != KEY_ZSK && x->our_count < MEM_COUNT(d->ours) &&
		    parent_ds_of_key(x->apex, i->key->dnskey, i->key->dnskey_len, digests[n],
			&d->ours[x->our_count]) == OK)
			x->our_count++;
	}
}

static void expect(struct diagnosis *d, struct signer_zone *z)
{
	struct expectation x = {.now = clock_calendar()};

	memcpy(x.apex, z->apex, name_len(z->apex));
	d->source = d->destination = x;
	d->source.has_serial = z->has_head && z->head.has_in;
	d->source.serial = z->head.serial_in;
	d->destination.has_serial = z->has_head && z->head.published;
	d->destination.serial = z->head.serial_out;
	d->destination.is_signed = z->has_head && z->head.denial != DENIAL_NONE;
	d->destination.ours = d->ours;
	keys_each(z->signer->keys, z->owner, NULL, NULL, x.now, add_ours, d);
}

void verb_zone_diagnose(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	struct signer_zone *z = verbs_zone(s, c);
	struct diagnosis *d;

	if (z == NULL)
		return;
	if (s->network == NULL) {
		ops_fail(c, "the network side is not there; it is being started again");
		return;
	}
	d = mem_alloc(sizeof(*d));
	d->signer = s;
	d->call = c;
	verbs_zone_text(z, d->zone);
	expect(d, z);
	add_checks(d, z);
	d->left = d->count + 1; /* not before all have begun */
	for (unsigned i = 0; i < d->count; i++)
		run(&d->checks[i], z);
	if (--d->left == 0)
		diagnosis_end(d);
}
