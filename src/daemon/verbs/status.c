/* The verbs about the whole: status, stop. */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/signer/runway.h"
#include "daemon/verbs/internal.h"

struct census {
	unsigned zones, published, held, waiting, problem, signing;
	unsigned low; /* zones whose runway is lower than normal */
	bool has_runway;
	int64_t runway;
	const struct signer_zone *first; /* the zone whose runway is the shortest */
};

static void count_zone(struct census *n, const struct signer_zone *z, int64_t now)
{
	bool has = z->has_head && z->head.generation != 0;

	n->zones++;
	n->signing += z->run != NULL || z->beside != NULL;
	n->problem += z->problem[0] != '\0';
	n->published += has && z->head.published;
	n->held += has && !z->head.published;
	n->waiting += !has;
	n->low += signer_runway(z).level > RUNWAY_NORMAL;
	if (has && z->head.expiry_first != 0 &&
	    (!n->has_runway || z->head.expiry_first - now < n->runway)) {
		n->has_runway = true;
		n->runway = z->head.expiry_first - now;
		n->first = z;
	}
}

static struct census take_census(const struct signer *s)
{
	struct census n = {0};
	int64_t now = clock_calendar();

	for (unsigned i = 0; i < s->zone_count; i++)
		count_zone(&n, s->zones[i], now);
	return n;
}

/* What signing everything anew would take.  Tokens work at the same time: the slowest one counts.
 */
struct forecast {
	bool is_known; /* false: a token with zones has signed nothing yet */
	double seconds;
	uint64_t signatures;
};

/* The signatures of the zones whose data the token's keys sign. */
static struct forecast forecast_token(const struct signer *s, const struct signer_token *t)
{
	double rate = token_sign_rate(t->token);
	struct forecast f = {.is_known = true};

	for (unsigned i = 0; i < s->zone_count; i++) {
		const struct signer_zone *z = s->zones[i];
		const struct key_policy *p = &z->key_policy;

		if (z->has_head &&
		    strcmp(p->csk.wanted ? p->csk.token : p->zsk.token, t->name) == 0)
			f.signatures += z->head.signatures;
	}
	if (f.signatures > 0) {
		f.is_known = rate > 0;
		f.seconds = rate > 0 ? (double)f.signatures / rate : 0;
	}
	return f;
}

static struct forecast forecast_all(const struct signer *s)
{
	struct forecast all = {.is_known = true};

	for (unsigned i = 0; i < s->token_count; i++) {
		struct forecast f = forecast_token(s, s->tokens[i]);

		all.signatures += f.signatures;
		all.is_known = all.is_known && f.is_known;
		if (f.seconds > all.seconds)
			all.seconds = f.seconds;
	}
	return all;
}

static json_t *forecast_json(const struct forecast *f)
{
	return f->is_known ? json_real(f->seconds) : json_null();
}

static json_t *tokens_json(const struct signer *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->token_count; i++) {
		const struct token *t = s->tokens[i]->token;
		struct forecast f = forecast_token(s, s->tokens[i]);
		char why[256] = "";
		bool up = token_is_up(t, why);

		json_array_append_new(list,
		    json_pack("{s:s,s:b,s:s,s:I,s:f,s:i,s:I,s:o}", "name", s->tokens[i]->name, "up",
			up, "reason", why, "signatures", (json_int_t)token_sign_count(t),
			"signatures_per_second", token_sign_rate(t), "queue",
			(int)token_sign_pending(t), "zone_signatures", (json_int_t)f.signatures,
			"resign_seconds", forecast_json(&f)));
	}
	return list;
}

static json_t *status_json(const struct signer *s, const struct census *n)
{
	struct forecast all = forecast_all(s);
	uint64_t used = 0, reserved = 0;

	store_usage(s->store, &used, &reserved);
	return json_pack(
	    "{s:s,s:o,s:o,s:{s:i,s:i,s:i,s:i,s:i,s:i},s:o,s:i,s:o,s:o,s:o,s:b,s:{s:I,s:I},s:o}",
	    "version", PACKAGE_VERSION, "started", verbs_time(s->started), "now",
	    verbs_time(clock_calendar()), "zones", "total", (int)n->zones, "published",
	    (int)n->published, "held", (int)n->held, "waiting", (int)n->waiting, "problem",
	    (int)n->problem, "signing", (int)n->signing, "runway_seconds",
	    n->has_runway ? json_integer(n->runway) : json_null(), "runway_low", (int)n->low,
	    "runway_zone", n->has_runway ? json_string(n->first->name) : json_null(), "tokens",
	    tokens_json(s), "resign_seconds", forecast_json(&all), "network_side",
	    s->network != NULL, "store", "used_octets", (json_int_t)used, "reserved_octets",
	    (json_int_t)reserved, "notices", verbs_notices_json(s));
}

static void show_tokens(const struct signer *s, struct ops_call *c)
{
	for (unsigned i = 0; i < s->token_count; i++) {
		const struct token *t = s->tokens[i]->token;
		char why[256] = "";
		bool up = token_is_up(t, why);

		ops_text(c,
		    "token %s: %s%s%s, %llu signatures, %u more asked for, about %.0f a second when busy\n",
		    s->tokens[i]->name, up ? "up" : "DOWN", up ? "" : ": ", why,
		    (unsigned long long)token_sign_count(t), token_sign_pending(t),
		    token_sign_rate(t));
	}
}

static void show_forecast(const struct signer *s, struct ops_call *c)
{
	struct forecast f = forecast_all(s);

	if (f.is_known)
		ops_text(c,
		    "signing everything anew: %llu signatures, about %.1f s at that speed\n",
		    (unsigned long long)f.signatures, f.seconds);
	else
		ops_text(c,
		    "signing everything anew: %llu signatures, and it is not known yet how fast "
		    "their tokens are\n",
		    (unsigned long long)f.signatures);
}

static void show_runway(struct ops_call *c, const struct census *n)
{
	char words[SIGNER_RUNWAY_TEXT];
	struct runway r;

	if (!n->has_runway)
		return;
	r = signer_runway(n->first);
	signer_runway_words(n->first, &r, words);
	if (words[0] == '\0') /* it is held: nobody is served it */
		snprintf(words, sizeof(words), "%lld s", (long long)n->runway);
	ops_text(c, "runway: the shortest is that of %s: %s\n", n->first->name, words);
	if (n->low > 0)
		ops_text(c, "runway: lower than in normal operation in %u of %u zones\n", n->low,
		    n->zones);
}

static void show_status(const struct signer *s, struct ops_call *c, const struct census *n)
{
	char started[TIME_TEXT_SIZE];
	uint64_t used = 0, reserved = 0;

	time_text(s->started, started);
	store_usage(s->store, &used, &reserved);
	ops_text(c, "intagliod %s, signing side up since %s%s\n", PACKAGE_VERSION, started,
	    s->network == NULL ? "; the network side is NOT there" : "");
	ops_text(c,
	    "zones: %u, of which %u published, %u held, %u waiting for a first version, "
	    "%u being signed, %u with a problem\n",
	    n->zones, n->published, n->held, n->waiting, n->signing, n->problem);
	show_runway(c, n);
	show_tokens(s, c);
	show_forecast(s, c);
	verbs_notices_show(s, c);
	ops_text(c, "store: %llu MiB used of %llu GiB reserved\n", (unsigned long long)used >> 20,
	    (unsigned long long)reserved >> 30);
}

static void verb_status(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	struct census n = take_census(s);

	if (ops_flag(c, "json"))
		ops_list(c, status_json(s, &n), NULL, NULL);
	else
		show_status(s, c, &n);
	ops_done(c);
}

static void verb_stop(void *arg, struct ops_call *c)
{
	struct signer *s = arg;

	log_notice("stopped by %s", ops_requester(c));
	ops_text(c, "stopping\n");
	ops_done(c);
	channel_send(s->master, PROTO_STOP, NULL, -1);
}

void verbs_status_register(struct signer *s)
{
	ops_register(s->ops, "status", verb_status, s);
	ops_register(s->ops, "stop", verb_stop, s);
}
