/* The whole check of versions in the store, in a thread of its own with low priority: of all once
 * after each start, and of one for whoever asks. At the start: what a disk or a hand may have
 * spoiled while we were away is noticed before a validator notices.  A version that fails stays
 * served, there is no better one; the zone says so, and is transferred anew. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/signer/check.h"

struct finding {
	struct finding *next;
	uint8_t apex[NAME_MAX_LEN];
	char text[sizeof(((struct err *)0)->text) + 60];
};

struct version_check {
	struct version_check *next; /* of the signer's */
	struct signer *signer;
	struct store *store;
	uint8_t (*apexes)[NAME_MAX_LEN];
	unsigned count;
	int64_t now;
	/* of one zone; done NULL: of all, after the start */
	check_done_fn *done;
	void *arg;
	struct keyset *keys;
	struct err result;
	pthread_t thread;
	atomic_bool stop;
	pthread_mutex_t mutex; /* of findings and is_over */
	struct finding *findings;
	bool is_over;
	int event;
	struct loop_watch *watch;
};

static void report(struct version_check *c, struct finding *f, bool is_over)
{
	uint64_t one = 1;

	pthread_mutex_lock(&c->mutex);
	if (f != NULL) {
		f->next = c->findings;
		c->findings = f;
	}
	c->is_over = is_over;
	pthread_mutex_unlock(&c->mutex);
	if (write(c->event, &one, sizeof(one)) < 0)
		log_error("the main thread cannot be told of a check: %s", strerror(errno));
}

static void *check_one(void *arg)
{
	struct version_check *c = arg;

	setpriority(PRIO_PROCESS, 0, 10); /* on Linux: of this thread */
	c->result.code =
	    c->keys != NULL
		? sign_check_keys(c->store, c->apexes[0], c->now, 0, c->keys, &c->result)
		: sign_check(c->store, c->apexes[0], c->now, 0, true, &c->result);
	report(c, NULL, true);
	return NULL;
}

static void *check_all(void *arg)
{
	struct version_check *c = arg;

	setpriority(PRIO_PROCESS, 0, 10); /* on Linux: of this thread */
	for (unsigned i = 0; i < c->count && !atomic_load(&c->stop); i++) {
		struct finding *f;
		struct err e;
		int code = sign_check(c->store, c->apexes[i], c->now, 0, false, &e);

		if (code == OK || code == ERR_MISSING)
			continue;
		f = mem_alloc(sizeof(*f));
		memcpy(f->apex, c->apexes[i], sizeof(f->apex));
		snprintf(f->text, sizeof(f->text), "the stored version does not pass the check: %s",
		    e.text);
		report(c, f, false);
	}
	report(c, NULL, true);
	return NULL;
}

static void take_finding(struct signer *s, const struct finding *f)
{
	struct signer_zone *z = signer_zone_by_apex(s, f->apex);

	if (z == NULL || z->deleting)
		return;
	log_error("zone %s: %s; it is transferred again", z->name, f->text);
	snprintf(z->problem, sizeof(z->problem), "%.*s", REASON_MAX - 1, f->text);
	z->damaged = true;
	signer_send_zone(s, PROTO_RETRANSFER, z);
}

static void check_free(struct version_check *c)
{
	struct version_check **p = &c->signer->checks;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	atomic_store(&c->stop, true);
	pthread_join(c->thread, NULL);
	while (c->findings != NULL) {
		struct finding *f = c->findings;

		c->findings = f->next;
		free(f);
	}
	loop_watch_free(c->watch);
	close(c->event);
	pthread_mutex_destroy(&c->mutex);
	free(c->apexes);
	free(c->keys);
	free(c);
}

static void check_ended(struct version_check *c)
{
	check_done_fn *done = c->done;
	struct err result = c->result;
	void *arg = c->arg;

	if (done == NULL)
		log_notice("the stored versions of %u zones were checked", c->count);
	check_free(c);
	if (done != NULL)
		done(arg, result.code, result.code == OK ? "" : result.text);
}

static void on_report(void *arg, int fd, int io)
{
	struct version_check *c = arg;
	struct signer *s = c->signer;
	struct finding *list;
	uint64_t ignored;
	bool is_over;

	(void)io;
	if (read(fd, &ignored, sizeof(ignored)) < 0)
		return;
	pthread_mutex_lock(&c->mutex);
	list = c->findings;
	c->findings = NULL;
	is_over = c->is_over;
	pthread_mutex_unlock(&c->mutex);
	while (list != NULL) {
		struct finding *f = list;

		list = f->next;
		take_finding(s, f);
		free(f);
	}
	if (is_over)
		check_ended(c);
}

static struct version_check *check_new(struct signer *s, unsigned room)
{
	struct version_check *c = mem_alloc(sizeof(*c));

	c->signer = s;
	c->store = s->store;
	c->now = clock_calendar();
	c->apexes = mem_array(room, sizeof(*c->apexes));
	return c;
}

/* Takes c.  false: it cannot be had. */
static bool check_run(struct version_check *c, void *(*thread)(void *))
{
	struct signer *s = c->signer;

	c->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&c->mutex, NULL);
	if (c->event < 0 || pthread_create(&c->thread, NULL, thread, c) != 0) {
		log_error("the stored versions cannot be checked: %s", strerror(errno));
		if (c->event >= 0)
			close(c->event);
		pthread_mutex_destroy(&c->mutex);
		free(c->apexes);
		free(c->keys);
		free(c);
		return false;
	}
	c->watch = loop_watch(s->loop, c->event, LOOP_READ, on_report, c);
	c->next = s->checks;
	s->checks = c;
	return true;
}

void signer_check_start(struct signer *s)
{
	struct version_check *c = check_new(s, s->zone_count + 1);

	for (unsigned i = 0; i < s->zone_count; i++) {
		if (s->zones[i]->has_head && s->zones[i]->head.generation != 0)
			memcpy(c->apexes[c->count++], s->zones[i]->apex, NAME_MAX_LEN);
	}
	if (c->count > 0) {
		check_run(c, check_all);
		return;
	}
	free(c->apexes);
	free(c);
}

bool signer_check_one(struct signer *s, const uint8_t *apex, const struct keyset *keys,
    check_done_fn *done, void *arg)
{
	struct version_check *c = check_new(s, 1);

	memcpy(c->apexes[c->count++], apex, name_len(apex));
	c->done = done;
	c->arg = arg;
	if (keys != NULL) {
		c->keys = mem_alloc(sizeof(*c->keys));
		*c->keys = *keys;
	}
	return check_run(c, check_one);
}

void signer_check_stop(struct signer *s)
{
	while (s->checks != NULL)
		check_free(s->checks);
}
