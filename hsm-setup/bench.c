/* `intaglio-hsm bench` and `test`: how fast a token is, and whether its signatures hold.  Keys made
 * here are destroyed, also after ^C. */
#include "hsm-setup/hsm.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "pkcs11/trial.h"

struct bench {
	const struct options *o;
	struct token *t;
	unsigned bits, sessions, seconds;
	json_t *lines;
	unsigned done, planned; /* lines of the table */
};

static bool is_wanted(const struct options *o, const char *name)
{
	return o->algorithm == NULL || strcasecmp(o->algorithm, name) == 0;
}

static int check_algorithm(const struct options *o, struct err *e)
{
	uint8_t algorithm;
	bool is_rsa;
	const char *name;

	for (unsigned i = 0; (name = token_algorithm_name(i, &algorithm, &is_rsa)) != NULL; i++)
		if (is_wanted(o, name))
			return OK;
	return err_set(e, ERR_ARGUMENT,
	    "--algorithm %s: RSASHA256, RSASHA512, ECDSAP256SHA256, ECDSAP384SHA384, ED25519 and "
	    "ED448 are known",
	    o->algorithm);
}

static void progress(const struct bench *b, const char *name, bool copy, unsigned sessions)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K%u of %u: %s, %s, %u sessions", b->done + 1, b->planned,
		    name, copy ? "session copies" : "token key", sessions);
}

static void progress_end(void)
{
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
}

static void tell(
    struct bench *b, const char *name, const struct trial_spec *s, const struct trial_result *r)
{
	double rate = (double)r->signatures * 1e6 / (double)r->wall_us;
	double cpu_rate = r->cpu_us > 0 ? (double)r->signatures * 1e6 / (double)r->cpu_us : 0;

	b->done++;
	progress_end();
	if (b->o->json)
		json_array_append_new(b->lines,
		    json_pack("{s:s, s:s, s:i, s:f, s:f}", "algorithm", name, "object",
			s->copy ? "session copy" : "token", "sessions", (int)s->sessions,
			"signatures_per_second", rate, "signatures_per_cpu_second", cpu_rate));
	else
		printf("%-16s %-13s %8u %14.0f %14.0f\n", name, s->copy ? "session copy" : "token",
		    s->sessions, rate, cpu_rate);
	fflush(stdout);
}

static void report(const char *name, const char *what, const struct err *e)
{
	progress_end();
	fprintf(stderr, "intaglio-hsm: %s, %s: %s\n", name, what, e->text);
}

static unsigned bench_kind(struct bench *b, const char *name, uint8_t algorithm, bool copy)
{
	struct trial_spec s = {algorithm, b->bits, copy, 1, b->seconds * 1000, &interrupted};
	struct trial_result r;
	struct err e = {0};

	for (; s.sessions <= b->sessions && !interrupted; s.sessions *= 2) {
		progress(b, name, copy, s.sessions);
		if (trial_bench(b->t, &s, &r, &e) != OK) {
			report(name, copy ? "session copies" : "token key", &e);
			return 1;
		}
		tell(b, name, &s, &r);
	}
	return 0;
}

/* How many lines failed. */
static unsigned bench_algorithm(struct bench *b, const char *name, uint8_t algorithm)
{
	unsigned failed = 0;
	struct err e = {0};

	if (trial_make_key(b->t, algorithm, b->bits, &e) != OK) {
		report(name, "making a key", &e);
		return 1;
	}
	failed += bench_kind(b, name, algorithm, false);
	failed += bench_kind(b, name, algorithm, true);
	if (trial_drop_key(b->t, &e) != OK) {
		report(name, "destroying the key", &e);
		failed++;
	}
	return failed;
}

static void keep_algorithms(void *arg, const struct token_reply *reply)
{
	*(uint32_t *)arg = reply->caps.algorithms;
}

/* What the token says it cannot do is left out, unless it was asked for by name. */
static int find_algorithms(struct token *t, const struct options *o, uint32_t *set, struct err *e)
{
	struct token_request r = {.op = TOKEN_CAPS};

	if (o->algorithm != NULL) {
		*set = UINT32_MAX;
		return OK;
	}
	return token_call(t, &r, keep_algorithms, set, e);
}

static void plan(struct bench *b, uint32_t set)
{
	uint8_t algorithm;
	bool is_rsa;
	const char *name;

	for (unsigned i = 0; (name = token_algorithm_name(i, &algorithm, &is_rsa)) != NULL; i++)
		for (unsigned n = 1; n <= b->sessions; n *= 2)
			if (is_wanted(b->o, name) && (set & 1U << algorithm) != 0)
				b->planned += 2;
}

static void finish(struct bench *b, const char *member)
{
	json_t *all;

	if (!b->o->json)
		return;
	all = json_pack("{s:O}", member, b->lines);
	json_dumpf(all, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(7));
	printf("\n");
	json_decref(all);
}

static int read_numbers(struct bench *b, struct err *e)
{
	const struct options *o = b->o;
	int rc = check_algorithm(o, e);

	if (rc == OK)
		rc = options_number("bits", o->bits, 2048, 1024, 4096, &b->bits, e);
	if (rc == OK)
		rc = options_number(
		    "sessions", o->sessions, 4, 1, TRIAL_SESSIONS_MAX, &b->sessions, e);
	if (rc == OK)
		rc = options_number("seconds", o->seconds, 2, 1, 3600, &b->seconds, e);
	return rc;
}

typedef unsigned each_fn(struct bench *b, const char *name, uint8_t algorithm);

static int for_each_algorithm(struct bench *b, each_fn *fn, const char *member)
{
	unsigned failed = 0;
	uint32_t set = 0;
	uint8_t algorithm;
	const char *name;
	struct err e = {0};
	bool is_rsa;

	if (find_algorithms(b->t, b->o, &set, &e) != OK)
		return fail(&e);
	plan(b, set);
	b->lines = json_array();
	for (unsigned i = 0; (name = token_algorithm_name(i, &algorithm, &is_rsa)) != NULL; i++)
		if (is_wanted(b->o, name) && (set & 1U << algorithm) != 0 && !interrupted)
			failed += fn(b, name, algorithm);
	finish(b, member);
	json_decref(b->lines);
	if (interrupted)
		fprintf(stderr, "intaglio-hsm: interrupted; the keys made were destroyed\n");
	return failed > 0 || interrupted || set == 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run(const struct options *o, each_fn *fn, const char *member, const char *heading)
{
	struct bench b = {.o = o};
	struct err e = {0};
	int status = EXIT_DONE;

	if (read_numbers(&b, &e) != OK)
		return fail(&e);
	b.t = open_token(o, &status);
	if (b.t == NULL)
		return status;
	if (!o->json)
		printf("%s\n", heading);
	status = for_each_algorithm(&b, fn, member);
	token_close(b.t);
	return status;
}

int cmd_bench(const struct options *o)
{
	char heading[100];

	snprintf(heading, sizeof heading, "%-16s %-13s %8s %14s %14s", "ALGORITHM", "KEY",
	    "SESSIONS", "SIGNATURES/S", "PER CPU-S");
	return run(o, bench_algorithm, "bench", heading);
}

static unsigned test_algorithm(struct bench *b, const char *name, uint8_t algorithm)
{
	struct trial_timing timing = {0};
	struct err e = {0};
	bool good = trial_test(b->t, algorithm, b->bits, &timing, &e) == OK;

	if (b->o->json)
		json_array_append_new(b->lines,
		    json_pack("{s:s, s:b, s:s, s:I, s:I}", "algorithm", name, "good", (int)good,
			"why", e.text, "generate_us", (json_int_t)timing.generate_us, "sign_us",
			(json_int_t)timing.sign_us));
	else if (good)
		printf("%-16s good %14.1f %14.3f\n", name, (double)timing.generate_us / 1000,
		    (double)timing.sign_us / 1000);
	else
		printf("%-16s BAD\n", name);
	if (!good)
		report(name, "test", &e);
	return !good;
}

int cmd_test(const struct options *o)
{
	char heading[100];

	snprintf(heading, sizeof heading, "%-16s %4s %14s %14s", "ALGORITHM", "", "GENERATE MS",
	    "SIGN MS");
	return run(o, test_algorithm, "test", heading);
}
