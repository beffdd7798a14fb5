/* The table of watched domains, and when each of them is looked at: see signer/monitor.h.  Runs in
 * the signing side.
 *
 * Zones that we sign are watched without being asked for (R40), those of the configuration beside
 * them.  A domain's looks are an interval apart, give or take what a hash says, so that thousands
 * of domains do not ask in one moment; those whose time has come wait in a queue, and a few at a
 * time are looked at. */
#include "daemon/signer/monitors.h"

#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/monitor.h"

/* Of zones that we sign and that have no entry of their own; within the spread they are looked at
 * for the first time.  A virtual calendar goes through years, and is not held up more often than
 * each week. */
#define OWN_INTERVAL 86400
#define OWN_SPREAD 7200
#define OWN_INTERVAL_VIRTUAL (7 * 86400)

/* The table */

static int compare_keys(const uint8_t *a, size_t alen, const uint8_t *b, size_t blen)
{
	int order = memcmp(a, b, alen < blen ? alen : blen);

	return order != 0 ? order : (alen > blen) - (alen < blen);
}

static int compare(const void *a, const void *b)
{
	const struct monitor *x = *(struct monitor *const *)a, *y = *(struct monitor *const *)b;

	return compare_keys(x->key, x->key_len, y->key, y->key_len);
}

static struct monitor *find(const struct monitors *all, const uint8_t *apex, unsigned sorted)
{
	uint8_t key[NAME_KEY_MAX];
	size_t len = name_key(apex, key);
	unsigned low = 0, high = sorted;

	while (low < high) {
		unsigned middle = (low + high) / 2;
		struct monitor *m = all->list[middle];
		int order = compare_keys(key, len, m->key, m->key_len);

		if (order == 0)
			return m;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

struct monitor *signer_monitor_by_name(struct signer *s, const char *name)
{
	uint8_t apex[NAME_MAX_LEN];

	return s->monitors == NULL || name_parse(name, apex) != OK
		   ? NULL
		   : find(s->monitors, apex, s->monitors->count);
}

unsigned signer_monitors_list(const struct signer *s, struct monitor *const **list)
{
	*list = s->monitors == NULL ? NULL : s->monitors->list;
	return s->monitors == NULL ? 0 : s->monitors->count;
}

const struct config_monitored *monitor_settings(const struct monitor *m)
{
	return m->config != NULL ? m->config : &m->signer->monitors->defaults;
}

struct signer_zone *monitor_zone(const struct monitor *m)
{
	struct signer_zone *z = signer_zone_by_apex(m->signer, m->apex);

	return z == NULL || z->deleting ? NULL : z;
}

/* The queue */

static void start_some(void *signer)
{
	struct signer *s = signer;
	struct monitors *all = s->monitors;

	all->is_armed = false;
	while (all->queue != NULL && all->looking < MONITOR_LOOKS_AT_ONCE) {
		struct monitor *m = all->queue;

		all->queue = m->next;
		if (all->queue == NULL)
			all->queue_end = &all->queue;
		m->is_queued = false;
		m->is_pending = false;
		all->looking++;
		monitor_look_start(m);
	}
}

/* Not from here: whoever has nobody to ask is done at once, and the next one's turn comes. */
static void arm(struct signer *s)
{
	if (s->monitors->is_armed || s->monitors->queue == NULL)
		return;
	s->monitors->is_armed = true;
	loop_soon(s->loop, start_some, s);
}

static void queue_drop(struct monitors *all, struct monitor *m)
{
	struct monitor **p = &all->queue;

	while (*p != NULL && *p != m)
		p = &(*p)->next;
	if (*p == NULL)
		return;
	*p = m->next;
	if (*p == NULL)
		all->queue_end = p;
	m->is_queued = false;
}

void monitor_look_soon(struct monitor *m)
{
	struct monitors *all = m->signer->monitors;

	loop_event_stop(m->due);
	m->is_again = m->look != NULL || m->handover != NULL;
	if (m->is_again || m->is_queued)
		return;
	m->next = NULL;
	m->is_queued = true;
	*all->queue_end = m;
	all->queue_end = &m->next;
	arm(m->signer);
}

void monitor_look_later(struct monitor *m, int64_t at)
{
	loop_event_set(m->due, at);
	if (m->is_again && m->handover == NULL)
		monitor_look_soon(m);
}

void monitor_look_ended(struct monitor *m, int64_t next)
{
	m->signer->monitors->looking--;
	monitor_look_later(m, next);
	arm(m->signer);
}

static void look_due(void *arg, int64_t due)
{
	(void)due;
	monitor_look_soon(arg);
}

/* Configuration */

static uint32_t hash_of(const struct monitor *m)
{
	uint32_t h = 2166136261U;

	for (size_t i = 0; i < m->key_len; i++)
		h = (h ^ m->key[i]) * 16777619U;
	return h;
}

static uint32_t own_spread(void)
{
	return clock_is_virtual() ? OWN_INTERVAL_VIRTUAL : OWN_SPREAD;
}

/* Of a domain that was looked at before, or (a zone of ours) has time. */
static int64_t first_due(const struct monitor *m, int64_t now)
{
	int64_t interval = monitor_settings(m)->interval, spread = interval / 10;
	int64_t due = m->looked + interval;

	if (m->is_pending)
		return now;
	if (m->looked == 0)
		return m->config != NULL ? now : now + 1 + hash_of(m) % own_spread();
	return due > now ? due : now + hash_of(m) % (spread > 0 ? spread : 1);
}

static struct monitor *monitor_new(struct signer *s, const uint8_t *apex)
{
	struct monitor *m = mem_alloc(sizeof(*m));
	char text[NAME_TEXT_SIZE];

	m->signer = s;
	memcpy(m->apex, apex, name_len(apex));
	m->key_len = name_key(apex, m->key);
	name_text(apex, text);
	m->name = mem_strdup(text);
	m->label = mem_printf("domain %s", text);
	m->due = loop_event_new(s->loop, look_due, m);
	return m;
}

static void load_looked(struct monitor *m)
{
	struct monitor_state st;

	monitor_state_load(m, &st);
	m->looked = st.looked;
	m->is_pending = st.child.order.is_on && !st.is_handed_over;
	monitor_state_free(&st);
}

static void enrol(
    struct signer *s, const uint8_t *apex, const struct config_monitored *c, unsigned sorted)
{
	struct monitors *all = s->monitors;
	struct monitor *m = find(all, apex, sorted);
	int64_t due;

	if (m == NULL) {
		m = monitor_new(s, apex);
		all->list = mem_grow(all->list, all->count + 1, sizeof(*all->list));
		all->list[all->count++] = m;
		load_looked(m);
	}
	m->config = c;
	m->is_configured = true;
	due = first_due(m, clock_calendar());
	if (m->look == NULL && !m->is_queued &&
	    (loop_event_due(m->due) == 0 || loop_event_due(m->due) > due))
		loop_event_set(m->due, due);
}

static void monitor_close(struct monitor *m)
{
	struct monitors *all = m->signer->monitors;

	if (m->is_queued)
		queue_drop(all, m);
	if (m->look != NULL) {
		monitor_look_cancel(m);
		all->looking--;
	}
	monitor_handover_cancel(m);
	loop_event_free(m->due);
}

static void monitor_free(struct monitor *m)
{
	buf_free(&m->unsaved);
	free(m->name);
	free(m->label);
	free(m);
}

static int forget(struct monitor *m, struct store_write **w, struct err *e)
{
	int code = *w == NULL ? store_write_begin(m->signer->store, w, e) : OK;

	log_notice("%s: watched no more", m->label);
	monitor_close(m);
	if (code == OK)
		code = monitor_save_forget(m, *w, e);
	monitor_saved(m);
	monitor_free(m);
	return code;
}

/* Those that nobody wants watched any more; all in one write. */
static void drop_others(struct monitors *all)
{
	struct store_write *w = NULL;
	struct err e = {0};
	unsigned kept = 0;
	int code = OK;

	for (unsigned i = 0; i < all->count; i++) {
		struct monitor *m = all->list[i];

		if (m->is_configured)
			all->list[kept++] = m;
		else if (forget(m, &w, &e) != OK)
			code = e.code;
	}
	all->count = kept;
	if (w != NULL && code == OK)
		code = store_write_commit(w, &e);
	else
		store_write_abort(w);
	if (code != OK)
		log_error("what is known of domains that are watched no more cannot be removed: %s",
		    e.text);
}

static void save_due(void *signer)
{
	monitor_save_now(signer);
}

static struct monitors *monitors_new(struct signer *s)
{
	struct monitors *all = mem_alloc(sizeof(*all));

	all->arena = arena_new();
	all->queue_end = &all->queue;
	all->save = loop_timer_new(s->loop, save_due, s);
	conf_defaults(&config_monitored_table, all->arena, &all->defaults);
	all->defaults.interval = clock_is_virtual() ? OWN_INTERVAL_VIRTUAL : OWN_INTERVAL;
	all->defaults.mode = MONITOR_REPORT;
	return all;
}

/* The zones that we sign, but for those that the operator has taken out. */
static void enrol_zones(struct signer *s, const struct config_index *entries, unsigned sorted)
{
	for (unsigned i = 0; i < s->zone_count; i++) {
		const struct signer_zone *z = s->zones[i];
		const struct config_monitored *c = config_index_find(entries, z->name);

		if (!z->deleting && c == NULL)
			enrol(s, z->apex, NULL, sorted);
	}
}

void signer_monitors_configure(struct signer *s)
{
	const struct config_monitored *c = s->config->monitored.items;
	struct config_index *entries;
	unsigned sorted;

	if (s->monitors == NULL)
		s->monitors = monitors_new(s);
	sorted = s->monitors->count;
	for (unsigned i = 0; i < sorted; i++)
		s->monitors->list[i]->is_configured = false;
	for (unsigned i = 0; i < s->config->monitored.count; i++) {
		uint8_t apex[NAME_MAX_LEN];

		if (c[i].enrolled && name_parse(c[i].name, apex) == OK)
			enrol(s, apex, &c[i], sorted);
	}
	entries = config_index_new(&s->config->monitored, sizeof(*c), true);
	enrol_zones(s, entries, sorted);
	config_index_free(entries);
	drop_others(s->monitors);
	if (s->monitors->count > 0)
		qsort(s->monitors->list, s->monitors->count, sizeof(*s->monitors->list), compare);
	arm(s);
}

void signer_monitors_free(struct signer *s)
{
	struct monitors *all = s->monitors;

	if (all == NULL)
		return;
	for (unsigned i = 0; i < all->count; i++)
		monitor_close(all->list[i]);
	monitor_save_now(s);
	for (unsigned i = 0; i < all->count; i++)
		monitor_free(all->list[i]);
	free(all->list);
	loop_timer_free(all->save);
	arena_free(all->arena);
	free(all);
	s->monitors = NULL;
}

bool signer_monitors_are_busy(const struct signer *s)
{
	const struct monitors *all = s->monitors;

	return all != NULL && (all->queue != NULL || all->looking > 0);
}
