/* A token in this process: the worker's, intaglio-hsm's, the tests'.  One per module and process: a
 * module is initialised and finalised as a whole. */
#include "pkcs11/local.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define REPLY_LIMIT ((size_t)512 << 20)

static const struct token_driver local_driver;

static void init_locks(struct local *l)
{
	pthread_rwlockattr_t prefer_writer;
	pthread_condattr_t monotonic;

	pthread_mutex_init(&l->objects, NULL);
	pthread_mutex_init(&l->login, NULL);
	pthread_mutex_init(&l->state, NULL);
	pthread_rwlockattr_init(&prefer_writer);
	pthread_rwlockattr_setkind_np(&prefer_writer, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&l->gate, &prefer_writer);
	pthread_rwlockattr_destroy(&prefer_writer);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&l->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

struct local *local_new(const struct token_settings *s, const struct secret *pin)
{
	struct local *l = mem_alloc(sizeof *l);

	l->base.driver = &local_driver;
	l->base.name = mem_strdup(s->name);
	l->module_path = mem_strdup(s->module);
	l->label = mem_strdup(s->label);
	l->serial = mem_strdup(s->serial);
	l->want_copies = s->session_copies;
	secret_set(&l->pin, pin->data, pin->len);
	init_locks(l);
	return l;
}

void local_free(struct local *l)
{
	pthread_rwlock_wrlock(&l->gate);
	session_close(l, &l->direct);
	session_close(l, &l->control);
	module_unload(&l->module);
	pthread_rwlock_unlock(&l->gate);
	index_clear(&l->index);
	secret_free(&l->pin);
	free(l->module_path);
	free(l->label);
	free(l->serial);
	free(l->base.name);
	pthread_rwlock_destroy(&l->gate);
	pthread_mutex_destroy(&l->objects);
	pthread_mutex_destroy(&l->login);
	pthread_mutex_destroy(&l->state);
	pthread_cond_destroy(&l->changed);
	free(l);
}

void work_reset(struct work *w)
{
	buf_reset(&w->data);
	w->data.limit = REPLY_LIMIT;
	w->key_count = 0;
	w->record_count = 0;
}

void work_free(struct work *w)
{
	buf_free(&w->data);
	free(w->keys);
	free(w->records);
	memset(w, 0, sizeof *w);
}

/* Every item is tried; the reply's code is that of the first that failed. */
static int sign_batch(struct attempt *a, struct err *e)
{
	unsigned count = a->r->item_count;
	struct err mine = {0};
	int first = OK, rc;

	if (count == 0 || count > TOKEN_BATCH_MAX)
		return err_set(e, ERR_ARGUMENT,
		    "token %s: %u signatures at once, 1 to %d are possible", a->l->base.name, count,
		    TOKEN_BATCH_MAX);
	buf_extend(&a->w->data, (size_t)count * TOKEN_SIG_MAX);
	for (a->item = 0; a->item < count; a->item++) {
		rc = ladder_run(a, sign_one, &mine);
		a->reply->signatures[a->item].code = rc;
		if (rc == OK) {
			a->l->signatures++;
			continue;
		}
		a->reply->signatures[a->item].len = 0;
		a->reply->signatures[a->item].data = NULL;
		if (first == OK) {
			first = rc;
			*e = mine;
		}
	}
	a->reply->signature_count = count;
	return first;
}

static attempt_fn *const object_calls[] = {
    [TOKEN_GENERATE] = keygen_generate,
    [TOKEN_LIST] = list_all,
    [TOKEN_PUT_RECORD] = record_put,
    [TOKEN_DROP_RECORD] = record_drop,
    [TOKEN_DROP_KEY] = keygen_drop,
    [TOKEN_RANDOM] = random_make,
    [TOKEN_CAPS] = caps_probe,
    [TOKEN_NEWS] = list_news,
};

void local_execute(struct local *l, struct session *s, struct work *w,
    const struct token_request *r, struct token_reply *reply)
{
	struct attempt a = {l, s, w, r, reply, 0};
	struct err e = {0};

	memset(reply, 0, offsetof(struct token_reply, signatures));
	reply->key = (struct token_key){0};
	reply->keys = NULL;
	reply->key_count = 0;
	reply->records = NULL;
	reply->record_count = 0;
	reply->value = NULL;
	reply->value_len = 0;
	memset(&reply->caps, 0, sizeof reply->caps);
	reply->op = r->op;
	work_reset(w);
	if (r->op == TOKEN_SIGN) {
		reply->code = sign_batch(&a, &e);
	} else if ((unsigned)r->op < MEM_COUNT(object_calls) && object_calls[r->op] != NULL) {
		a.s = &l->control;
		reply->code = ladder_run(&a, object_calls[r->op], &e);
	} else {
		reply->code = err_set(&e, ERR_ARGUMENT, "token %s: request %d is not known",
		    l->base.name, (int)r->op);
	}
	reply->err = e;
	reply->err.code = reply->code;
	if (reply->code == OK)
		memset(&reply->err, 0, sizeof reply->err);
}

struct token *token_open_local(
    const struct token_settings *s, const struct secret *pin, struct err *e)
{
	struct local *l = local_new(s, pin);
	struct err mine = {0};

	if (ladder_connect(l, &mine) == OK)
		return &l->base;
	if (e != NULL)
		*e = mine;
	local_free(l);
	return NULL;
}

int token_call(
    struct token *t, const struct token_request *r, token_reply_fn *fn, void *arg, struct err *e)
{
	struct local *l = (struct local *)t;
	struct token_reply *reply = mem_alloc(sizeof *reply);
	struct work w = {0};
	int rc;

	local_execute(l, &l->direct, &w, r, reply);
	if (r->op == TOKEN_SIGN)
		pace_add(&l->pace, reply->sign_us, reply->signature_count);
	rc = reply->code;
	if (e != NULL && rc != OK)
		*e = reply->err;
	if (fn != NULL)
		fn(arg, reply);
	work_free(&w);
	free(reply);
	return rc;
}

static void local_submit(
    struct token *t, const struct token_request *r, token_reply_fn *fn, void *arg)
{
	token_call(t, r, fn, arg, NULL);
}

static unsigned local_pending(const struct token *t)
{
	(void)t;
	return 0; /* answered before submit returns */
}

static unsigned local_window(const struct token *t)
{
	(void)t;
	return 1; /* whatever it is: answered before the next one */
}

static double local_rate(const struct token *t)
{
	double us = pace_us(&((const struct local *)t)->pace);

	return us > 0 ? 1e6 / us : 0;
}

static uint64_t local_count(const struct token *t)
{
	return ((const struct local *)t)->signatures;
}

static bool local_is_up(const struct token *t, char why[256])
{
	struct local *l = (struct local *)t;
	bool up;

	pthread_mutex_lock(&l->state);
	up = l->up;
	if (why != NULL) {
		size_t len = up ? 0 : strnlen(l->why.text, 255);
		memcpy(why, l->why.text, len);
		why[len] = '\0';
	}
	pthread_mutex_unlock(&l->state);
	return up;
}

static void local_close(struct token *t)
{
	local_free((struct local *)t);
}

static const struct token_driver local_driver = {
    local_submit,
    local_pending,
    local_window,
    local_rate,
    local_count,
    local_is_up,
    local_close,
};
