/* Benchmarks and tests of a token.  Runs in intaglio-hsm. */
#include "pkcs11/trial.h"

#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/mem.h"
#include "pkcs11/local.h"
#include "pkcs11/verify.h"

#define TRIAL_LABEL "intaglio-hsm trial"
#define MESSAGE_LEN 128 /* what EdDSA is given: about an RRset */
#define CLOCK_EVERY 8	/* signatures between looks at the clock */
#define TEST_SIGNATURES 10

static const uint8_t *trial_id(void)
{
	return (const uint8_t *)TRIAL_ID;
}

const char *token_algorithm_name(unsigned index, uint8_t *algorithm, bool *is_rsa)
{
	if (index >= mech_count)
		return NULL;
	*algorithm = mech_table[index].algorithm;
	*is_rsa = mech_table[index].key_type == CKK_RSA;
	return mech_table[index].name;
}

static int drop_all(struct local *l, enum index_kind kind, struct err *e)
{
	CK_OBJECT_HANDLE h;
	int rc = object_scan(l, kind, e);

	while (rc == OK && (h = index_find(&l->index, kind, trial_id(), TOKEN_ID_LEN, 0)) != 0)
		rc = object_destroy(l, kind, h, trial_id(), TOKEN_ID_LEN, e);
	return rc;
}

static int drop_attempt(struct attempt *a, struct err *e)
{
	int rc = drop_all(a->l, INDEX_PRIVATE, e);

	if (rc == OK)
		rc = drop_all(a->l, INDEX_PUBLIC, e);
	a->l->epoch++;
	return rc;
}

static int make_attempt(struct attempt *a, struct err *e)
{
	struct keygen_spec spec = {
	    mech_by_algorithm(a->r->algorithm), a->r->bits, true, false, TRIAL_LABEL, trial_id()};
	CK_OBJECT_HANDLE public, private;
	int rc = drop_attempt(a, e);

	if (rc == OK)
		rc = keygen_pair(a->l, a->s, &spec, &public, &private, e);
	return rc;
}

static int check_spec(struct local *l, uint8_t algorithm, unsigned bits, struct err *e)
{
	const struct mech *mech = mech_by_algorithm(algorithm);

	if (mech == NULL || (mech->key_type == CKK_RSA && !keygen_bits_ok(bits)))
		return err_set(e, ERR_ARGUMENT, "token %s: no key for algorithm %u with %u bits",
		    l->base.name, (unsigned)algorithm, bits);
	return OK;
}

int trial_make_key(struct token *t, uint8_t algorithm, unsigned bits, struct err *e)
{
	struct local *l = (struct local *)t;
	struct token_request r = {.algorithm = algorithm, .bits = (uint16_t)bits};
	struct attempt a = {.l = l, .s = &l->control, .r = &r};
	int rc = check_spec(l, algorithm, bits, e);

	return rc == OK ? ladder_run(&a, make_attempt, e) : rc;
}

int trial_drop_key(struct token *t, struct err *e)
{
	struct local *l = (struct local *)t;
	struct attempt a = {.l = l, .s = &l->control};

	return ladder_run(&a, drop_attempt, e);
}

struct racer {
	pthread_t thread;
	bool running;
	struct local *l;
	const struct trial_spec *spec;
	struct session session;
	uint64_t end_ms, signatures;
	int rc;
	struct err err;
};

static bool is_over(const struct racer *r)
{
	return clock_mono_ms() >= r->end_ms || (r->spec->stop != NULL && *r->spec->stop);
}

/* The handle to race with; a copy dies with the session. */
static int take_key(struct racer *r, CK_OBJECT_HANDLE *out)
{
	struct local *l = r->l;
	struct template t = {.count = 0};
	CK_OBJECT_HANDLE key;
	int rc;

	rc = session_open(l, &r->session, &r->err);
	if (rc != OK)
		return rc;
	pthread_mutex_lock(&l->objects);
	rc = object_find(l, INDEX_PRIVATE, trial_id(), TOKEN_ID_LEN, &key, &r->err);
	*out = key;
	template_bool(&t, CKA_TOKEN, false);
	if (rc == OK && r->spec->copy &&
	    CALL(l->module.list, &r->session.call, C_CopyObject, r->session.handle, key,
		t.attributes, t.count, out) != CKR_OK)
		rc = call_error(&r->err, &r->session.call, "token %s: copying a key to a session",
		    l->base.name);
	pthread_mutex_unlock(&l->objects);
	return rc;
}

static void *race(void *arg)
{
	struct racer *r = arg;
	const struct mech *mech = mech_by_algorithm(r->spec->algorithm);
	size_t data_len = mech->input_len > 0 ? mech->input_len : MESSAGE_LEN, len;
	uint8_t data[MESSAGE_LEN] = {0}, signature[TOKEN_SIG_MAX];
	CK_OBJECT_HANDLE key;

	r->rc = take_key(r, &key);
	while (r->rc == OK && !is_over(r))
		for (unsigned i = 0; r->rc == OK && i < CLOCK_EVERY; i++) {
			store_u32(data, (uint32_t)r->signatures);
			r->rc = sign_raw(
			    r->l, &r->session, mech, key, data, data_len, signature, &len, &r->err);
			r->signatures += r->rc == OK;
		}
	session_close(r->l, &r->session);
	return NULL;
}

static int join(struct racer *racers, unsigned count, uint64_t *signatures, struct err *e)
{
	int rc = OK;

	for (unsigned i = 0; i < count; i++) {
		if (!racers[i].running)
			continue;
		pthread_join(racers[i].thread, NULL);
		*signatures += racers[i].signatures;
		if (racers[i].rc != OK) {
			rc = racers[i].rc;
			*e = racers[i].err;
		}
	}
	return rc;
}

int trial_bench(
    struct token *t, const struct trial_spec *spec, struct trial_result *out, struct err *e)
{
	struct local *l = (struct local *)t;
	struct trial_result result = {0};
	struct racer *racers;
	int rc;

	if (spec->sessions == 0 || spec->sessions > TRIAL_SESSIONS_MAX)
		return err_set(e, ERR_ARGUMENT, "%u sessions cannot be tried, 1 to %d can",
		    spec->sessions, TRIAL_SESSIONS_MAX);
	racers = mem_array(spec->sessions, sizeof racers[0]);
	result.wall_us = clock_mono_us();
	result.cpu_us = clock_cpu_us();
	for (unsigned i = 0; i < spec->sessions; i++) {
		racers[i].l = l;
		racers[i].spec = spec;
		racers[i].end_ms = clock_mono_ms() + spec->duration_ms;
		racers[i].running = pthread_create(&racers[i].thread, NULL, race, &racers[i]) == 0;
	}
	rc = join(racers, spec->sessions, &result.signatures, e);
	result.wall_us = clock_mono_us() - result.wall_us;
	result.cpu_us = clock_cpu_us() - result.cpu_us;
	free(racers);
	if (rc == OK)
		*out = result;
	return rc;
}

struct test {
	const struct mech *mech;
	unsigned bits;
	struct trial_timing timing;
	struct session session;
};

static int sign_and_verify(struct local *l, struct test *t, CK_OBJECT_HANDLE pair[2], struct err *e)
{
	size_t data_len = t->mech->input_len > 0 ? t->mech->input_len : MESSAGE_LEN, len, at,
	       pub_len;
	uint8_t data[MESSAGE_LEN] = {0}, signature[TOKEN_SIG_MAX];
	struct buf pub = {0};
	int rc = pubkey_of_object(
	    l, pair[0], t->mech->key_type, t->mech->algorithm, &pub, &at, &pub_len, e);

	for (unsigned i = 0; rc == OK && i < TEST_SIGNATURES; i++) {
		uint64_t begin = clock_mono_us();
		data[0] = (uint8_t)i;
		rc = sign_raw(l, &t->session, t->mech, pair[1], data, data_len, signature, &len, e);
		t->timing.sign_us = clock_mono_us() - begin;
		if (rc == OK)
			rc = token_verify(t->mech->algorithm, pub.data + at, pub_len, data,
			    data_len, signature, len);
		if (rc == ERR_VERIFY || rc == ERR_CRYPTO)
			err_set(e, rc, "token %s: a signature with %s does not verify",
			    l->base.name, t->mech->name);
	}
	buf_free(&pub);
	return rc;
}

static int test_in_session(struct local *l, struct test *t, struct err *e)
{
	struct keygen_spec spec = {t->mech, t->bits, false, false, TRIAL_LABEL, trial_id()};
	CK_OBJECT_HANDLE pair[2];
	uint64_t begin;
	int rc = session_open(l, &t->session, e);

	if (rc != OK)
		return rc;
	begin = clock_mono_us();
	rc = keygen_pair(l, &t->session, &spec, &pair[0], &pair[1], e);
	t->timing.generate_us = clock_mono_us() - begin;
	if (rc == OK) {
		rc = sign_and_verify(l, t, pair, e);
		for (unsigned i = 0; i < 2; i++)
			CALL(l->module.list, &t->session.call, C_DestroyObject, t->session.handle,
			    pair[i]);
	}
	session_close(l, &t->session); /* what is left of them goes with it */
	return rc;
}

int trial_test(
    struct token *token, uint8_t algorithm, unsigned bits, struct trial_timing *out, struct err *e)
{
	struct local *l = (struct local *)token;
	struct test *t;
	int rc = check_spec(l, algorithm, bits, e);

	if (rc != OK)
		return rc;
	t = mem_alloc(sizeof *t);
	t->mech = mech_by_algorithm(algorithm);
	t->bits = bits;
	pthread_rwlock_rdlock(&l->gate);
	rc = test_in_session(l, t, e);
	pthread_rwlock_unlock(&l->gate);
	if (rc == OK)
		*out = t->timing;
	free(t);
	return rc;
}
