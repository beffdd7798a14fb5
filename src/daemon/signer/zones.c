/* The signing side's table of zones: what the configuration says of each, and what the store holds
 * of it. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/destinations.h"
#include "daemon/signer/runway.h"
#include "daemon/signer/signer.h"
#include "daemon/signer/tell.h"

/* The table */

static int compare_keys(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	int order = memcmp(a, b, alen < blen ? alen : blen);

	return order != 0 ? order : (alen > blen) - (alen < blen);
}

static int compare_zones(const void *a, const void *b)
{
	const struct signer_zone *const *x = a, *const *y = b;

	return compare_keys((*x)->key, (*x)->key_len, (*y)->key, (*y)->key_len);
}

struct signer_zone *signer_zone_by_apex(struct signer *s, const uint8_t *apex)
{
	uint8_t key[NAME_KEY_MAX];
	size_t len = name_key(apex, key);
	unsigned low = 0, high = s->zone_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		struct signer_zone *z = s->zones[middle];
		int order = compare_keys(key, len, z->key, z->key_len);

		if (order == 0)
			return z;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct signer_zone *signer_zone_by_name(struct signer *s, const char *name)
{
	uint8_t apex[NAME_MAX_LEN];

	return name_parse(name, apex) == OK ? signer_zone_by_apex(s, apex) : NULL;
}

/* What the configuration says */

static void refresh_due(void *arg, int64_t due)
{
	struct signer_zone *z = arg;

	(void)due;
	z->due = true;
	signer_zone_step(z);
}

static void retry_due(void *arg)
{
	signer_zone_step(arg);
}

static struct signer_zone *zone_new(struct signer *s, const uint8_t *apex)
{
	struct signer_zone *z = mem_alloc(sizeof(*z));
	char text[NAME_TEXT_SIZE];

	z->signer = s;
	memcpy(z->apex, apex, name_len(apex));
	z->key_len = name_key(apex, z->key);
	name_text(apex, text);
	z->name = mem_strdup(text);
	z->refresh = loop_event_new(s->loop, refresh_due, z);
	z->retry = loop_timer_new(s->loop, retry_due, z);
	return z;
}

static bool names_have(const struct conf_names *names, const char *name)
{
	for (unsigned i = 0; i < names->count; i++) {
		if (strcmp(names->list[i], name) == 0)
			return true;
	}
	return false;
}

/* Is anything of it asked for that a version has, or had to have? */
static bool is_other_signing(const struct sign_policy *was, const struct sign_policy *is)
{
	struct sign_policy same = *was;

	same.journal_octets = is->journal_octets;
	same.journal_age = is->journal_age;
	same.walk_time = is->walk_time;
	return memcmp(&same, is, sizeof(same)) != 0;
}

static void configure_zone(struct signer_zone *z, const struct config_zone *c, struct snapshot *sn)
{
	const struct config_policy *p = config_policy(z->signer->config, c->policy);
	struct sign_policy before = z->sign_policy;
	struct key_policy keys_before = z->key_policy;
	bool was_there = z->has_head;

	z->configured = true;
	z->orphan = c->orphan;
	z->replace_dnssec = c->replace_dnssec;
	signer_policy_signing(p, &z->sign_policy);
	config_key_policy(p, &z->key_policy);
	signer_statuses_configure(z, c, sn);
	if (!was_there)
		z->has_head = snapshot_head(sn, z->apex, &z->head) == OK;
	signer_share_configure(z, p->shared_keys, sn);
	signer_rebuild_configure(z);
	z->observes_destinations = names_have(&p->observe, "destinations");
	z->observes_nameservers = names_have(&p->observe, "nameservers");
	signer_find_configure(z, FIND_NAMESERVERS, z->observes_nameservers);
	signer_find_configure(z, FIND_PARENT, p->parent.servers.count == 0);
	signer_parent_configure(z, &p->parent, sn);
	if (!was_there) {
		z->due = true; /* policy or keys may have changed since it was signed */
	} else if (is_other_signing(&before, &z->sign_policy)) {
		signer_beside_cancel(z);
		z->force = z->due = true; /* other signatures or another chain are asked for */
	}
	if (z->has_head && z->replace_dnssec && !z->head.published && z->head.generation != 0)
		z->force = z->due = true;
	signer_destinations_configure(z, sn);
	signer_observe_configure(z);
	signer_life_configure(z, sn);
	if (memcmp(&keys_before, &z->key_policy, sizeof(keys_before)) != 0)
		signer_life_look(z);
	if (z->has_head && z->head.generation != 0)
		signer_policy_look(z);
	signer_runway_look(z);
}

/* A zone's row goes in at the end and is sorted in once for all. */
static struct signer_zone *zone_get(struct signer *s, const uint8_t *apex, unsigned sorted)
{
	unsigned all = s->zone_count;
	struct signer_zone *z;

	s->zone_count = sorted;
	z = signer_zone_by_apex(s, apex);
	s->zone_count = all;
	if (z == NULL) {
		z = zone_new(s, apex);
		s->zones = mem_grow(s->zones, s->zone_count + 1, sizeof(*s->zones));
		s->zones[s->zone_count++] = z;
	}
	return z;
}

void signer_zones_configure(struct signer *s)
{
	const struct config_zone *c = s->config->zones.items;
	unsigned sorted = s->zone_count;
	struct snapshot *sn;
	uint8_t apex[NAME_MAX_LEN];

	if (snapshot_open(s->store, &sn, NULL) != OK) {
		log_error("the store cannot be read; the zones stay as they are");
		return;
	}
	for (unsigned i = 0; i < s->zone_count; i++)
		s->zones[i]->configured = false;
	for (unsigned i = 0; i < s->config->zones.count; i++) {
		if (name_parse(c[i].name, apex) == OK &&
		    config_policy(s->config, c[i].policy) != NULL)
			configure_zone(zone_get(s, apex, sorted), &c[i], sn);
	}
	snapshot_close(sn);
	signer_share_configured(s);
	if (s->zone_count > 0)
		qsort(s->zones, s->zone_count, sizeof(*s->zones), compare_zones);
	signer_step_all(s);
}

/* Nothing happens to it any more but the end of its runs. */
static void zone_close(struct signer_zone *z)
{
	signer_turns_forget(z);
	signer_group_leave(z);
	signer_submit_free(z);
	signer_alert_free(z);
	signer_cds_free(z);
	signer_find_free(z);
	signer_watch_free(z);
	signer_destinations_free(z);
	signer_runway_free(z);
	signer_parent_free(z);
	signer_rebuild_free(z);
	signer_life_free(z);
	signer_tell_free(z);
	signer_observe_free(z);
	signer_statuses_free(z);
	loop_event_free(z->refresh);
	loop_timer_free(z->retry);
}

static void zone_free(struct signer_zone *z)
{
	free(z->share);
	free(z->next.spool);
	free(z->reading.spool);
	free(z->doubts);
	free(z->name);
	free(z);
}

void signer_zone_drop(struct signer_zone *z)
{
	struct signer *s = z->signer;
	struct signer_zone *other;
	unsigned i = 0;

	signer_group_leave(z);
	other = signer_group_any(s, z->owner);
	if (other != NULL)
		signer_life_look(other); /* it may have been this one that a step waited for */
	while (s->zones[i] != z)
		i++;
	memmove(&s->zones[i], &s->zones[i + 1], (s->zone_count - i - 1) * sizeof(*s->zones));
	s->zone_count--;
	zone_close(z);
	z->is_dropped = true;
	signer_zone_run_ended(z);
}

/* A run that was called off ends later, as does the making of shared keys: they speak of it then.
 */
void signer_zone_run_ended(struct signer_zone *z)
{
	if (!z->is_dropped || z->run != NULL || z->beside != NULL || z->making_keys)
		return;
	signer_received_forget(z);
	zone_free(z);
}

void signer_zones_free(struct signer *s)
{
	for (unsigned i = 0; i < s->zone_count; i++) {
		zone_close(s->zones[i]);
		zone_free(s->zones[i]);
	}
	free(s->zones);
	s->zones = NULL;
	s->zone_count = 0;
}
