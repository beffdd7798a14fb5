/* Threads of the signing side: see pool.h.  One mutex guards both lists; an eventfd tells the loop
 * that something is finished. */
#include "sign/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"

#define THREADS_MAX 16

struct list {
	struct work *first, **last;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t wanted;
	struct list todo[TOKEN_CLASSES];
	struct list finished;
	bool stop;
	int wake; /* eventfd */
	struct loop_watch *watch;
	pthread_t threads[THREADS_MAX];
	unsigned count;
};

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_put(struct list *l, struct work *w)
{
	w->next = NULL;
	*l->last = w;
	l->last = &w->next;
}

static struct work *list_take(struct list *l)
{
	struct work *w = l->first;

	if (w != NULL) {
		l->first = w->next;
		if (l->first == NULL)
			l->last = &l->first;
	}
	return w;
}

static struct work *next_locked(struct pool *p)
{
	for (int c = 0; c < TOKEN_CLASSES; c++) {
		struct work *w = list_take(&p->todo[c]);

		if (w != NULL)
			return w;
	}
	return NULL;
}

static void *thread_main(void *arg)
{
	struct pool *p = arg;
	struct verifier_scratch *scratch = verifier_scratch_new();
	const uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct work *w = next_locked(p);
		bool was_empty;

		if (w == NULL) {
			pthread_cond_wait(&p->wanted, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		w->run(w, scratch);
		pthread_mutex_lock(&p->lock);
		was_empty = p->finished.first == NULL;
		list_put(&p->finished, w);
		if (was_empty && write(p->wake, &one, sizeof(one)) < 0)
			log_error("cannot wake the signer's loop from a verifying thread");
	}
	pthread_mutex_unlock(&p->lock);
	verifier_scratch_free(scratch);
	return NULL;
}

static void pool_results(void *arg, int fd, int io)
{
	struct pool *p = arg;
	struct work *w;
	uint64_t count;

	(void)io;
	if (read(fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&p->lock);
	w = p->finished.first;
	list_init(&p->finished);
	pthread_mutex_unlock(&p->lock);
	while (w != NULL) {
		struct work *next = w->next;

		w->finished(w);
		w = next;
	}
}

static unsigned threads_wanted(unsigned threads)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (threads == 0)
		threads = cores < 1 ? 1 : (unsigned)cores;
	return threads > THREADS_MAX ? THREADS_MAX : threads;
}

struct pool *pool_new(struct loop *l, unsigned threads)
{
	struct pool *p = mem_alloc(sizeof(*p));
	sigset_t all, before;

	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wanted, NULL);
	for (int c = 0; c < TOKEN_CLASSES; c++)
		list_init(&p->todo[c]);
	list_init(&p->finished);
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->wake >= 0)
		p->watch = loop_watch(l, p->wake, LOOP_READ, pool_results, p);
	/* Signals are the loop's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned n = threads_wanted(threads); p->wake >= 0 && p->count < n; p->count++) {
		if (pthread_create(&p->threads[p->count], NULL, thread_main, p) != 0)
			break;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (p->count == 0) {
		pool_free(p);
		return NULL;
	}
	return p;
}

void pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->wanted);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->count; i++)
		pthread_join(p->threads[i], NULL);
	loop_watch_free(p->watch);
	if (p->wake >= 0)
		close(p->wake);
	pthread_cond_destroy(&p->wanted);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

void pool_push(struct pool *p, struct work *w)
{
	pthread_mutex_lock(&p->lock);
	list_put(&p->todo[w->class], w);
	pthread_cond_signal(&p->wanted);
	pthread_mutex_unlock(&p->lock);
}

unsigned pool_threads(const struct pool *p)
{
	return p->count;
}
