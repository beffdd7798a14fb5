/* See support.h. */
#include "tests/token/support.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif
#include "base/clock.h"
#include "base/log.h"
#include "pkcs11/admin.h"
#include "pkcs11/labels.h"
#include "tests/token/delaymod.h"
#include "tests/token/faultmod.h"

#define PATIENCE_MS 100000

static char self[512];

static void write_file(const char *path, const char *text)
{
	char temporary[200];
	FILE *f;

	snprintf(temporary, sizeof temporary, "%s.new", path);
	f = fopen(temporary, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(rename(temporary, path), 0);
}

static const char *fault_module(void)
{
	const char *path = getenv("FAULTMOD");

	return path != NULL ? path : FAULTMOD_PATH;
}

void fixture_open(struct fixture *f)
{
	struct secret so_pin = {0};
	char text[300], path[128];
	struct err e = {0};

	if (access(SOFTHSM, R_OK) != 0)
		exit(77);
	memset(f, 0, sizeof *f);
	snprintf(f->dir, sizeof f->dir, "%.30s/itg-token.XXXXXX",
	    getenv("FIXTURE_DIR") != NULL ? getenv("FIXTURE_DIR") : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(path, sizeof path, "%s/tokens", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(
	    text, sizeof text, "directories.tokendir = %s\nobjectstore.backend = file\n", path);
	snprintf(path, sizeof path, "%s/softhsm2.conf", f->dir);
	write_file(path, text);
	setenv("SOFTHSM2_CONF", path, 1);
	setenv("FAULTMOD_MODULE", SOFTHSM, 1);
	snprintf(path, sizeof path, "%s/rules", f->dir);
	setenv("FAULTMOD_RULES", path, 1);
	write_file(path, "");
	snprintf(path, sizeof path, "%s/counts", f->dir);
	setenv("FAULTMOD_COUNTS", path, 1);
	secret_set(&f->pin, PIN, strlen(PIN));
	secret_set(&so_pin, SO_PIN, strlen(SO_PIN));
	f->settings = (struct token_settings){"test", fault_module(), "intaglio", NULL, 1, true};
	struct token_init init = {SOFTHSM, "intaglio", &so_pin, &f->pin, false};
	if (token_initialise(&init, &e) != OK)
		fail_msg("%s", e.text);
	secret_free(&so_pin);
}

void fixture_close(struct fixture *f)
{
	char command[100];

	if (f->delay != NULL)
		munmap(f->delay, DELAYMOD_SIZE);
	secret_free(&f->pin);
	snprintf(command, sizeof command, "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
}

void fixture_rules(struct fixture *f, const char *rules)
{
	char path[128];

	snprintf(path, sizeof path, "%s/rules", f->dir);
	write_file(path, rules);
}

void fixture_delay(struct fixture *f, unsigned us)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/delay", f->dir);
	setenv("DELAYMOD_FILE", path, 1);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && ftruncate(fd, DELAYMOD_SIZE) == 0);
	f->delay = mmap(NULL, DELAYMOD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(f->delay != MAP_FAILED);
	close(fd);
	f->delay->delay_us = us;
	f->settings.module = DELAYMOD_PATH;
}

unsigned fixture_calls(struct fixture *f, const char *function)
{
	struct faultmod_count counts[FAULTMOD_FUNCTIONS] = {0};
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/counts", f->dir);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	assert_true(read(fd, counts, sizeof counts) >= 0);
	close(fd);
	for (unsigned i = 0; i < FAULTMOD_FUNCTIONS; i++)
		if (strcmp(counts[i].name, function) == 0)
			return counts[i].calls;
	return 0;
}

void seen_reply(void *arg, const struct token_reply *reply)
{
	struct seen *s = arg;
	unsigned replies = s->replies + 1;

	memset(s, 0, sizeof *s);
	s->replies = replies;
	s->code = reply->code;
	s->err = reply->err;
	s->signature_count = reply->signature_count;
	s->key_count = reply->key_count;
	s->record_count = reply->record_count;
	s->caps = reply->caps;
	if (reply->code != OK)
		return;
	if (reply->op == TOKEN_GENERATE) {
		memcpy(s->id, reply->key.id, TOKEN_ID_LEN);
		assert_true(reply->key.pub_len <= sizeof s->pub);
		memcpy(s->pub, reply->key.pub, reply->key.pub_len);
		s->pub_len = reply->key.pub_len;
	}
	if (reply->op == TOKEN_SIGN) {
		memcpy(s->signature, reply->signatures[0].data, reply->signatures[0].len);
		s->signature_len = reply->signatures[0].len;
	}
	if (reply->record_count > 0) {
		const struct token_record *r = &reply->records[reply->record_count - 1];
		memcpy(s->last_record, r->label, sizeof s->last_record);
		s->value_len = r->value_len < sizeof s->value ? r->value_len : sizeof s->value;
		if (s->value_len > 0)
			memcpy(s->value, r->value, s->value_len);
	}
	if (reply->op == TOKEN_RANDOM)
		s->value_len = reply->value_len;
}

void key_label(unsigned n, uint8_t algorithm, char out[TOKEN_LABEL_MAX])
{
	struct birth_label l = {{0}, 'z', algorithm, 1795000000};

	labels_zone_hash(&n, sizeof n, l.zone_hash);
	labels_format_key(&l, out);
}

void record_name(unsigned n, uint64_t sequence, char out[TOKEN_LABEL_MAX])
{
	struct record_label l = {{0}, sequence, (uint16_t)(n * 31 + sequence)};

	labels_zone_hash(&n, sizeof n, l.zone_hash);
	labels_format_record(&l, out);
}

static void key_id(unsigned n, uint8_t algorithm, uint8_t out[TOKEN_ID_LEN])
{
	memset(out, 0, TOKEN_ID_LEN);
	store_u32(out, n * 2654435761U);
	store_u32(out + 4, n);
	out[15] = algorithm;
}

struct token_request generate_request(unsigned n, uint8_t algorithm)
{
	struct token_request r = {.op = TOKEN_GENERATE, .algorithm = algorithm, .bits = 1024};

	key_id(n, algorithm, r.id);
	key_label(n, algorithm, r.label);
	return r;
}

int generate(struct token *t, unsigned n, uint8_t algorithm, struct seen *out)
{
	struct token_request r = generate_request(n, algorithm);

	return token_call(t, &r, seen_reply, out, NULL);
}

/* SoftHSM 2.6.1 leaks 66 octets with each EdDSA signature. */
void forgive_leaks(bool forgive)
{
#ifdef __SANITIZE_ADDRESS__
	(forgive ? __lsan_disable : __lsan_enable)();
#else
	(void)forgive;
#endif
}

int sign(struct token *t, unsigned n, uint8_t algorithm, const uint8_t *data, size_t len,
    struct seen *out)
{
	struct token_sign_item item = {.algorithm = algorithm, .len = (uint32_t)len, .data = data};
	struct token_request r = {.op = TOKEN_SIGN, .items = &item, .item_count = 1};
	int rc;

	key_id(n, algorithm, item.id);
	if (algorithm >= 15)
		forgive_leaks(true);
	rc = token_call(t, &r, seen_reply, out, NULL);
	if (algorithm >= 15)
		forgive_leaks(false);
	return rc;
}

int put_record(struct token *t, const char *label, const void *value, size_t len, struct seen *out)
{
	struct token_request r = {.op = TOKEN_PUT_RECORD, .value = value, .value_len = len};

	snprintf(r.label, sizeof r.label, "%s", label);
	return token_call(t, &r, seen_reply, out, NULL);
}

int drop_record(struct token *t, const char *label, struct seen *out)
{
	struct token_request r = {.op = TOKEN_DROP_RECORD};

	snprintf(r.label, sizeof r.label, "%s", label);
	return token_call(t, &r, seen_reply, out, NULL);
}

int list(struct token *t, struct seen *out)
{
	struct token_request r = {.op = TOKEN_LIST};

	return token_call(t, &r, seen_reply, out, NULL);
}

size_t input_len(uint8_t algorithm)
{
	return algorithm == 10 ? 64 : algorithm == 14 ? 48 : algorithm >= 15 ? 777 : 32;
}

void fill(uint8_t *data, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = (uint8_t)(seed >> 24);
	}
}

pid_t spawn_worker(struct fixture *f, unsigned number, int *fd)
{
	char end[12], sessions[12];
	int pair[2];
	pid_t pid;

	(void)number;
	assert_int_equal(msg_pair(pair), OK);
	snprintf(end, sizeof end, "%d", pair[1]);
	snprintf(sessions, sizeof sessions, "%u", f->settings.sessions);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fcntl(pair[1], F_SETFD, 0);
		execl(self, self, "--worker", end, f->settings.module, f->settings.label,
		    (const char *)f->pin.data, sessions,
		    f->settings.session_copies ? "copy" : "token", (char *)NULL);
		_exit(127);
	}
	close(pair[1]);
	*fd = pair[0];
	return pid;
}

void maybe_worker(int argc, char **argv)
{
	struct token_settings s = {.name = "test"};
	struct secret pin = {0};
	struct err e = {0};
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	const char *debug = getenv("ITG_TEST_DEBUG");

	log_open(argc == 8 ? "worker" : "test", false,
	    debug != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	self[len > 0 ? len : 0] = '\0';
	if (argc != 8 || strcmp(argv[1], "--worker") != 0)
		return;
	s.module = argv[3];
	s.label = argv[4];
	secret_set(&pin, argv[5], strlen(argv[5]));
	s.sessions = (unsigned)atoi(argv[6]);
	s.session_copies = strcmp(argv[7], "copy") == 0;
	if (token_worker_run(&s, &pin, atoi(argv[2]), &e) != OK)
		fprintf(stderr, "worker: %s\n", e.text);
	_exit(0);
}

void run_until(struct loop *l, const unsigned *counter, unsigned want)
{
	uint64_t end = clock_mono_ms() + PATIENCE_MS;

	while (*counter < want && clock_mono_ms() < end)
		loop_once(l, true);
	if (*counter < want)
		fail_msg("%u of %u after %d ms", *counter, want, PATIENCE_MS);
}

void run_until_up(struct loop *l, struct token *t, bool up)
{
	uint64_t end = clock_mono_ms() + PATIENCE_MS;

	while (token_is_up(t, NULL) != up && clock_mono_ms() < end)
		loop_once(l, true);
	assert_int_equal(token_is_up(t, NULL), up);
}
