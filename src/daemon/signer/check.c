/* The whole check of every version in the store, once after each start, in a thread of its own with
 * low priority: what a disk or a hand may have spoiled while we were away is noticed before a
 * validator notices.  A version that fails stays served, there is no better one; the zone says so,
 * and is transferred anew. */
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
#include "daemon/signer/signer.h"

struct finding {
	struct finding *next;
	uint8_t apex[NAME_MAX_LEN];
	char text[sizeof(((struct err *)0)->text) + 60];
};

struct start_check {
	struct signer *signer;
	struct store *store;
	uint8_t (*apexes)[NAME_MAX_LEN];
	unsigned count;
	int64_t now;
	pthread_t thread;
	atomic_bool stop;
	pthread_mutex_t mutex; /* of findings and done */
	struct finding *findings;
	bool done;
	int event;
	struct loop_watch *watch;
};

static void report(struct start_check *c, struct finding *f, bool done)
{
	uint64_t one = 1;

	pthread_mutex_lock(&c->mutex);
	if (f != NULL) {
		f->next = c->findings;
		c->findings = f;
	}
	c->done = done;
	pthread_mutex_unlock(&c->mutex);
	if (write(c->event, &one, sizeof(one)) < 0)
		log_error("the main thread cannot be told of a check: %s", strerror(errno));
}

static void *check_all(void *arg)
{
	struct start_check *c = arg;

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

static void check_free(struct start_check *c)
{
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
	free(c);
}

static void on_report(void *arg, int fd, int io)
{
	struct start_check *c = arg;
	struct signer *s = c->signer;
	struct finding *list;
	uint64_t ignored;
	bool done;

	(void)io;
	if (read(fd, &ignored, sizeof(ignored)) < 0)
		return;
	pthread_mutex_lock(&c->mutex);
	list = c->findings;
	c->findings = NULL;
	done = c->done;
	pthread_mutex_unlock(&c->mutex);
	while (list != NULL) {
		struct finding *f = list;

		list = f->next;
		take_finding(s, f);
		free(f);
	}
	if (done) {
		log_notice("the stored versions of %u zones were checked", c->count);
		check_free(c);
		s->check = NULL;
	}
}

void signer_check_start(struct signer *s)
{
	struct start_check *c = mem_alloc(sizeof(*c));

	c->signer = s;
	c->store = s->store;
	c->now = clock_calendar();
	c->apexes = mem_array(s->zone_count, sizeof(*c->apexes));
	for (unsigned i = 0; i < s->zone_count; i++) {
		if (s->zones[i]->has_head && s->zones[i]->head.generation != 0)
			memcpy(c->apexes[c->count++], s->zones[i]->apex, NAME_MAX_LEN);
	}
	c->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&c->mutex, NULL);
	if (c->count == 0 || c->event < 0 || pthread_create(&c->thread, NULL, check_all, c) != 0) {
		if (c->count > 0)
			log_error("the stored versions cannot be checked: %s", strerror(errno));
		if (c->event >= 0)
			close(c->event);
		free(c->apexes);
		free(c);
		return;
	}
	c->watch = loop_watch(s->loop, c->event, LOOP_READ, on_report, c);
	s->check = c;
}

void signer_check_stop(struct signer *s)
{
	if (s->check != NULL)
		check_free(s->check);
	s->check = NULL;
}
