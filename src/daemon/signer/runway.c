/* The signature runway of each zone: see runway.h.  The calendar holds the time of the next
 * threshold, and while signatures are renewed in time that time never comes. */
#include "daemon/signer/runway.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"

#define STARTING_TIME 600 /* seconds */

_Static_assert(CONFIG_RUNWAY_MAX == RUNWAY_WANTED_MAX, "as many thresholds as a policy has");

struct zone_runway {
	struct loop_event *event;
	bool is_low;	/* it was said that it is */
	char said[120]; /* the occasion of the last alert */
};

struct runway signer_runway(const struct signer_zone *z)
{
	const struct config_policy *p = config_policy(z->signer->config, z->sign_policy.name);
	const struct zone_head *h = &z->head;
	int64_t wanted[RUNWAY_WANTED_MAX];
	struct runway_question q = {.wanted = wanted, .now = clock_calendar()};

	if (!z->has_head || h->generation == 0 || !h->published || p == NULL)
		return (struct runway){.level = RUNWAY_NONE};
	q.wanted_count = config_runway(p, wanted);
	q.refresh = z->sign_policy.refresh;
	q.expires = h->expiry_first;
	q.due = h->resign_at;
	return runway_look(&q);
}

void signer_runway_words(
    const struct signer_zone *z, const struct runway *r, char out[SIGNER_RUNWAY_TEXT])
{
	static const char *const meaning[] = {
	    [RUNWAY_NONE] = "",
	    [RUNWAY_NORMAL] = "",
	    [RUNWAY_LOW] = ": LOW, signatures should have been renewed",
	    [RUNWAY_CRITICAL] = ": CRITICAL, signatures should have been renewed long ago",
	    [RUNWAY_OVER] = ": validators fail NOW",
	};
	char left[RUNWAY_TEXT_SIZE], at[TIME_TEXT_SIZE];

	out[0] = '\0';
	if (r->level == RUNWAY_NONE)
		return;
	runway_text(r->left, left);
	time_text(z->head.expiry_first, at);
	if (r->level == RUNWAY_OVER)
		snprintf(out, SIGNER_RUNWAY_TEXT, "the first signature expired %s ago, at %s%s",
		    left, at, meaning[r->level]);
	else
		snprintf(out, SIGNER_RUNWAY_TEXT, "%s until the first signature expires, at %s%s",
		    left, at, meaning[r->level]);
}

/* Why nothing is signed, as far as it is known. */
static void find_cause(const struct signer_zone *z, char out[REASON_MAX])
{
	char why[256] = "";

	for (unsigned i = 0; i < z->signer->token_count; i++) {
		const struct signer_token *t = z->signer->tokens[i];

		if (token_is_up(t->token, why))
			continue;
		snprintf(out, REASON_MAX, "token %s does not answer: %.250s", t->name, why);
		return;
	}
	snprintf(out, REASON_MAX, "%s",
	    z->problem[0] != '\0' ? z->problem
				  : "not known; \"intaglio status\" and the log say more");
}

static void put_occasion(const struct signer_zone *z, const struct runway *r, char out[120])
{
	char threshold[40], at[TIME_TEXT_SIZE];

	period_text((struct period){0, r->threshold}, threshold);
	time_text(z->head.expiry_first, at);
	if (r->level == RUNWAY_OVER)
		snprintf(out, 120, "over %s day %u", at, r->reminder);
	else
		snprintf(out, 120, "%s %s", threshold, at);
}

static void raise(struct signer_zone *z, const struct runway *r, const char *occasion)
{
	char words[SIGNER_RUNWAY_TEXT], left[RUNWAY_TEXT_SIZE], threshold[40], at[TIME_TEXT_SIZE];
	char cause[REASON_MAX], headline[RUNWAY_TEXT_SIZE + 40];
	bool is_over = r->level == RUNWAY_OVER;
	struct notice n = {.kind = NOTICE_RUNNING_OUT,
	    .apex = z->apex,
	    .occasion = occasion,
	    .at = clock_calendar(),
	    .until = is_over ? 0 : z->head.expiry_first};

	signer_runway_words(z, r, words);
	find_cause(z, cause);
	runway_text(r->left, left);
	period_text((struct period){0, r->threshold}, threshold);
	time_text(z->head.expiry_first, at);
	log_error(
	    "zone %s: signature runway: %s; why nothing renews them: %s", z->name, words, cause);
	snprintf(headline, sizeof(headline), "%s%s",
	    is_over ? "signatures have EXPIRED" : "signatures expire in ", is_over ? "" : left);
	notice_add(&n, "headline", headline);
	notice_add(&n, "meaning",
	    is_over ? "resolvers that validate fail NOW for what has expired, and with each hour "
		      "for more of the zone. It is served on, and destinations serve it on, since "
		      "nothing better is there."
		    : "from then on, resolvers that validate fail for what it covers, and soon for "
		      "all of the zone. Destinations that know EDNS EXPIRE and hear nothing of us "
		      "stop at that time.");
	notice_add(&n, "level", runway_level_name(r->level));
	notice_add(&n, "runway", words);
	notice_add(&n, "left", r->left > 0 ? left : "nothing");
	notice_add(&n, "threshold", is_over ? NULL : threshold);
	notice_add(&n, "expires", at);
	notice_add(&n, "reason", cause);
	signer_notice(z->signer, &n);
}

static void tell(struct signer_zone *z, const struct runway *r)
{
	struct zone_runway *x = z->runway;
	char occasion[120];

	if (r->level <= RUNWAY_NORMAL) {
		if (x->is_low)
			log_notice("zone %s: its signatures are renewed, and valid until they are "
				   "due again",
			    z->name);
		x->is_low = false;
		x->said[0] = '\0';
		return;
	}
	put_occasion(z, r, occasion);
	if (strcmp(x->said, occasion) == 0)
		return;
	memcpy(x->said, occasion, sizeof(x->said));
	x->is_low = true;
	raise(z, r, occasion);
}

static void threshold_passed(void *arg, int64_t due)
{
	(void)due;
	signer_runway_look(arg);
}

void signer_runway_look(struct signer_zone *z)
{
	struct runway r = signer_runway(z);
	struct zone_runway *x = z->runway;

	if (x == NULL) {
		x = z->runway = mem_alloc(sizeof(*x));
		x->event = loop_event_new(z->signer->loop, threshold_passed, z);
		/* What fell due while no daemon ran is signed first. */
		if (r.level > RUNWAY_NORMAL) {
			loop_event_set(x->event, clock_calendar() + STARTING_TIME);
			return;
		}
	}
	tell(z, &r);
	if (r.next_at != 0)
		loop_event_set(x->event, r.next_at);
	else
		loop_event_stop(x->event);
}

void signer_runway_free(struct signer_zone *z)
{
	if (z->runway == NULL)
		return;
	loop_event_free(z->runway->event);
	free(z->runway);
	z->runway = NULL;
}
