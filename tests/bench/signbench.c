/* signbench: one full signing of a zone file, token workers included and everything else left out:
 * how fast the signer is, what a signature costs, how much memory it takes.  Prints one JSON
 * object.
 *
 *   signbench MODULE LABEL PIN-FILE ZONE-FILE APEX nsec|nsec3|opt-out all|off WORKERS [SESSIONS]
 *
 * Makes two P-256 keys in the token.  Runs alone; trusts its arguments. */
#include <config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "dns/zonefile.h"
#include "pkcs11/token.h"
#include "sign/sign.h"
#include "zone/spool.h"

#define WORKERS_MAX 16

struct bench {
	struct loop *loop;
	struct token *token;
	struct sign_job job;
	struct sign_result result;
	bool done;
	unsigned keys;
	long anonymous; /* most octets of private memory seen, in KiB */
	pid_t workers[WORKERS_MAX];
	unsigned worker_count, sessions; /* of each worker */
	char dir[64], spool[96];
};

static void must(int rc, const struct err *e)
{
	if (rc == OK)
		return;
	fprintf(stderr, "signbench: %s\n", e->text);
	exit(1);
}

static void start_worker(struct bench *b, char **argv)
{
	struct token_settings settings = {"bench", argv[1], argv[2], NULL, b->sessions, true};
	struct secret pin = {0};
	struct err e = {0};
	unsigned number = b->worker_count;
	int fds[2];

	must(secret_read_file(&pin, argv[3], &e), &e);
	if (msg_pair(fds) != OK)
		exit(1);
	b->workers[b->worker_count++] = fork();
	if (b->workers[number] == 0) {
		close(fds[0]);
		if (token_worker_run(&settings, &pin, fds[1], &e) != OK)
			fprintf(stderr, "signbench: worker: %s\n", e.text);
		_exit(0);
	}
	close(fds[1]);
	secret_free(&pin);
	token_client_attach(b->token, number, fds[0], b->sessions);
}

static void on_key(void *arg, const struct token_reply *r)
{
	struct bench *b = arg;
	struct keyset_key *k = &b->job.keys.keys[b->keys];
	struct buf rdata = {0};

	must(r->code, &r->err);
	k->role = b->keys == 0 ? KEY_KSK : KEY_ZSK;
	dnskey_rdata(
	    b->keys == 0 ? 257 : 256, ALG_ECDSAP256SHA256, r->key.pub, r->key.pub_len, &rdata);
	k->algorithm = ALG_ECDSAP256SHA256;
	k->tag = dnskey_tag(rdata.data, rdata.len);
	k->dnskey_len = (uint16_t)rdata.len;
	memcpy(k->dnskey, rdata.data, rdata.len);
	k->in_set = true;
	k->signs_set = b->keys == 0;
	k->signs_zone = b->keys == 1;
	buf_free(&rdata);
	b->keys++;
}

static void make_keys(struct bench *b)
{
	for (unsigned i = 0; i < 2; i++) {
		struct token_request r = {.op = TOKEN_GENERATE, .algorithm = ALG_ECDSAP256SHA256};

		/* Other ids at each run, or the keys of the run before would come back. */
		store_u32(r.id, (uint32_t)getpid());
		store_u32(r.id + 4, (uint32_t)clock_real());
		r.id[8] = (uint8_t)(i + 1);
		snprintf(r.label, sizeof(r.label), "itg1/%016x/%c/13/%u", getpid(),
		    i == 0 ? 'k' : 'z', i);
		memcpy(b->job.keys.keys[i].id, r.id, TOKEN_ID_LEN);
		token_submit(b->token, &r, on_key, b);
		while (b->keys == i)
			loop_once(b->loop, true);
	}
	b->job.keys.count = 2;
}

static int put_record(void *arg, const uint8_t *owner, uint16_t type, uint16_t class, uint32_t ttl,
    const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	(void)class;
	return spool_write(arg, SPOOL_ADD, owner, type, ttl, rdata, rdlen, e);
}

/* In a process of its own, so that the parser's memory is not counted. */
static void make_spool(struct bench *b, const char *path)
{
	struct err e = {0};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct spool_writer *w = spool_create(b->spool, b->job.apex, 0, &e);

		must(w == NULL ? e.code : OK, &e);
		must(zonefile_read(path, b->job.apex, put_record, w, &e), &e);
		must(spool_finish(w, SPOOL_FULL, 1, &e), &e);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status != 0)
		exit(1);
}

static long status_kib(const char *field)
{
	char line[256];
	FILE *f = fopen("/proc/self/status", "r");
	long kib = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, field, strlen(field)) == 0)
			kib = strtol(line + strlen(field) + 1, NULL, 10);
	}
	if (f != NULL)
		fclose(f);
	return kib;
}

static void look_at_memory(struct bench *b)
{
	long now = status_kib("RssAnon");

	if (now > b->anonymous)
		b->anonymous = now;
}

static void on_progress(void *arg, const char *phase, uint64_t done, uint64_t total)
{
	(void)phase;
	(void)done;
	(void)total;
	look_at_memory(arg);
}

static void on_done(void *arg, const struct sign_result *r)
{
	struct bench *b = arg;

	look_at_memory(b);
	must(r->code, &r->err);
	b->result = *r;
	b->done = true;
}

static struct token *lookup(void *arg, const char *name)
{
	(void)name;
	return ((struct bench *)arg)->token;
}

static void policy(struct bench *b, const char *denial, bool verify)
{
	b->job.policy = (struct sign_policy){.name = "bench",
	    .denial = strcmp(denial, "nsec") == 0    ? DENIAL_NSEC
		      : strcmp(denial, "nsec3") == 0 ? DENIAL_NSEC3
						     : DENIAL_NSEC3_OPT_OUT,
	    .serial = SERIAL_COUNTER,
	    .verify = verify,
	    .validity = 14 * 86400,
	    .refresh = 7 * 86400,
	    .jitter = 43200,
	    .inception_offset = 3600,
	    .ttl_dnskey = 3600,
	    .max_ttl = 172800};
	b->job.class = TOKEN_CHANGE;
	b->job.now = clock_calendar();
	b->job.spool = b->spool;
}

static double cpu_seconds(int who)
{
	struct rusage u;

	getrusage(who, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void report(struct bench *b, double wall, double cpu, double check)
{
	double n = (double)b->result.signed_now;
	double workers;

	token_close(b->token);
	for (unsigned i = 0; i < b->worker_count; i++)
		waitpid(b->workers[i], NULL, 0);
	workers = cpu_seconds(RUSAGE_CHILDREN);
	printf("{\"signatures\": %.0f, \"wall_s\": %.3f, \"rate\": %.0f, \"signer_cpu_us\": %.1f, "
	       "\"worker_cpu_us\": %.1f, \"private_mb\": %.0f, \"peak_rss_mb\": %.0f, "
	       "\"check_s\": %.2f}\n",
	    n, wall, n / wall, cpu / n * 1e6, workers / n * 1e6, (double)b->anonymous / 1024,
	    (double)status_kib("VmHWM") / 1024, check);
}

static void run(struct bench *b)
{
	struct err e = {0};
	struct store *store = store_open(b->dir, true, (uint64_t)16 << 30, &e);
	struct sign *sign;
	double cpu, wall, check;
	uint64_t began;

	must(store == NULL ? e.code : OK, &e);
	sign = sign_new(b->loop, store, lookup, b, 0);
	began = clock_mono_us();
	cpu = cpu_seconds(RUSAGE_SELF);
	sign_start(sign, &b->job, on_progress, on_done, b);
	while (!b->done)
		loop_once(b->loop, true);
	wall = (double)(clock_mono_us() - began) * 1e-6;
	cpu = cpu_seconds(RUSAGE_SELF) - cpu;
	began = clock_mono_us();
	must(sign_check(store, b->job.apex, b->job.now, 1, false, &e), &e);
	check = (double)(clock_mono_us() - began) * 1e-6;
	report(b, wall, cpu, check);
	sign_free(sign);
	store_close(store);
}

int main(int argc, char **argv)
{
	struct bench b = {0};
	char command[100];

	if (argc < 9 || argc > 10 || name_parse(argv[5], b.job.apex) != OK) {
		fprintf(stderr, "usage: see the head of signbench.c\n");
		return 2;
	}
	b.sessions = argc > 9 ? (unsigned)strtoul(argv[9], NULL, 10) : 1;
	snprintf(b.dir, sizeof(b.dir), "/tmp/itg-bench-XXXXXX");
	if (mkdtemp(b.dir) == NULL)
		return 1;
	snprintf(b.spool, sizeof(b.spool), "%s/spool", b.dir);
	make_spool(&b, argv[4]);
	b.loop = loop_new();
	b.token = token_open_client(b.loop, "bench", 60000, NULL, NULL);
	for (long n = strtol(argv[8], NULL, 10); n > 0 && b.worker_count < WORKERS_MAX; n--)
		start_worker(&b, argv);
	make_keys(&b);
	policy(&b, argv[6], strcmp(argv[7], "all") == 0);
	run(&b);
	loop_free(b.loop);
	snprintf(command, sizeof(command), "rm -rf %s", b.dir);
	return system(command) == 0 ? 0 : 1;
}
