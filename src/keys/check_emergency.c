/* check, the emergency timetables (policy.c): what will be held back.  Pure; runs where check.c
 * does. */
#include <stdio.h>
#include "keys/check_internal.h"

/* The emergency timetables: policy.h.  Rules hold it back where they must; the operator shall know
 * beforehand. */
void check_emergency_zone(struct judge *j, enum key_role role)
{
	bool is_csk = role == KEY_CSK;
	struct rule r = {
	    .given = is_csk ? "in an emergency the compromised CSK is to sign no data after P2D"
			    : "in an emergency the compromised ZSK is to stop signing after P2D",
	    .seconds = 2 * DAY,
	    .but = "that is held back until the DNSKEY of the new one has been everywhere for its "
		   "TTL",
	    .source = "RFC 7583 3.2.1, Ipub",
	};

	check_holds(j, POLICY_WARNING, &r, SUM(j->propagation, j->dnskey));
	r.given = is_csk ? "in an emergency the compromised CSK is to be removed P12D after its "
			   "last signature over data"
			 : "in an emergency the compromised ZSK is to be removed P2D after its "
			   "last signature";
	r.seconds = is_csk ? 12 * DAY : 2 * DAY;
	r.but = "that is held back until its signatures have left every cache";
	r.source = "RFC 7583 3.2.1, Iret";
	if (check_holds(j, POLICY_WARNING, &r, SUM(j->propagation, j->certain)))
		check_holds(j, POLICY_NOTE, &r, SUM(j->propagation, j->longest));
}

void check_emergency_ds(struct judge *j, enum key_role role)
{
	char given[100];
	struct rule r = {
	    .given = given,
	    .seconds = 7 * DAY,
	    .but = "that is held back until the new key's DNSKEY has been everywhere for its TTL, "
		   "and then its DS at the parent for its own",
	    .source = "RFC 7583 3.3.1 and 3.3.3, IpubC + Dreg + IpubP",
	};

	if (j->policy->no_ds)
		return;
	snprintf(given, sizeof(given),
	    "in an emergency the compromised %s is to stop signing the DNSKEY set after P1W",
	    key_role_name(role));
	check_holds(j, POLICY_WARNING, &r,
	    SUM(j->propagation, j->dnskey, j->deadline, j->ds_propagation, j->ds));
	snprintf(given, sizeof(given),
	    "in an emergency the compromised %s is to be removed after P2W", key_role_name(role));
	r.seconds = 14 * DAY;
	r.but = "that is held back until the new DS is at the parent, and the old one has left "
		"every cache";
	r.source = "RFC 7583 3.3.1, IpubC + Dreg, Dreg + Iret";
	check_holds(j, POLICY_WARNING, &r,
	    SUM(j->propagation, j->dnskey, j->deadline, j->deadline, j->ds_propagation, j->ds));
}

/* While a compromised key is published the DNSKEY set is signed anew each day, or when a third of
 * the signatures' life is over. */
void check_emergency_validity(struct judge *j)
{
	int64_t life = j->policy->emergency_validity,
		left = life - (life / 3 < DAY ? life / 3 : DAY);
	char given[160], whole[40], rest[40];
	struct rule r = {
	    .setting = "emergency_validity",
	    .given = given,
	    .seconds = left,
	    .is_strict = true,
	    .but = "a DNSKEY set that a cache keeps for its TTL must not outlive its signature",
	    .source = "RFC 6781 4.4.2",
	};
	int64_t sum = j->propagation.seconds + j->dnskey.seconds;
	struct policy_finding *f;

	if (life >= j->question->validity)
		return; /* they live no longer than ever */
	snprintf(given, sizeof(given),
	    "emergency_validity is %s, and signatures are replaced with %s left",
	    check_seconds_text(life, whole), check_seconds_text(left, rest));
	if (!check_holds(j, POLICY_ERROR, &r, SUM(j->propagation, j->dnskey))) {
		f = &j->findings[j->count - 1];
		snprintf(f->advice, sizeof(f->advice), "emergency_validity longer than \"%s\"",
		    check_seconds_text(sum >= 2 * DAY ? sum + DAY : sum * 3 / 2, rest));
	} else if (life > 7 * DAY) {
		f = check_add(j, POLICY_WARNING, r.setting);
		snprintf(f->text, sizeof(f->text),
		    "emergency_validity is %s: so long can whoever has a compromised key put an "
		    "old DNSKEY set before a resolver, and after P1W that key is to sign no more",
		    whole);
		snprintf(f->advice, sizeof(f->advice), "emergency_validity = \"P3D\"");
	}
}
