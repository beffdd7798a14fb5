/* The zone store: versions are whole, whatever happens to the writer. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/clock.h"
#include "base/mem.h"
#include "zone/store_internal.h"

#define MEGABYTE (1024 * 1024)
#define SIZE (256 * (uint64_t)MEGABYTE)
#define BIG (STORE_SMALL + 1000)

struct fixture {
	char dir[64];
	uint8_t apex[NAME_MAX_LEN];
};

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	strcpy(f->dir, "/tmp/itg-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(name_parse("gov.", f->apex), OK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "writer.lock"};
	struct fixture *f = *state;
	char path[128];

	for (size_t i = 0; i < MEM_COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
		unlink(path);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

static struct store *open_store(const struct fixture *f, bool writer, uint64_t size)
{
	struct err e = {0};
	struct store *s = store_open(f->dir, writer, size, &e);

	if (s == NULL)
		fail_msg("%s", e.text);
	return s;
}

static size_t key_of(unsigned i, uint8_t out[NAME_KEY_MAX])
{
	uint8_t name[NAME_MAX_LEN];
	char text[32];

	snprintf(text, sizeof(text), "n%07u.gov.", i);
	assert_int_equal(name_parse(text, name), OK);
	return name_key(name, out);
}

static void hash_of(unsigned i, uint8_t out[NSEC3_HASH_LEN])
{
	memset(out, 0, NSEC3_HASH_LEN);
	store_u32(out, i);
}

/* A version: every value carries its number, so that a mixture shows. */
static int add_version(struct build *b, uint32_t version, unsigned count, struct err *e)
{
	uint8_t value[200] = {0}, key[NAME_KEY_MAX], hash[NSEC3_HASH_LEN];
	int rc = OK;

	store_u32(value, version);
	for (unsigned i = 0; rc == OK && i < count; i++) {
		size_t key_len = key_of(i, key);

		rc = build_rrset(b, key, key_len, 1, value, sizeof(value), e);
		if (rc == OK && i % 256 == 0)
			rc = build_expiry(b,
			    &(struct expiry_entry){.expiry = 1000 + (i * 7919) % 1000,
				.first = key,
				.first_len = key_len,
				.last = key,
				.last_len = key_len},
			    e);
	}
	for (unsigned i = 0; rc == OK && i < count / 4; i++) {
		hash_of(i, hash);
		rc = build_nsec3(b, hash, value, 40, e);
	}
	return rc;
}

static int try_version(struct store *s, const struct fixture *f, uint32_t version, unsigned count,
    unsigned expected, struct err *e)
{
	struct zone_head h = {.has_out = true, .serial_out = version, .rrsets = count};
	struct build *b = build_begin(s, expected, e);
	int rc = add_version(b, version, count, e);

	memcpy(h.apex, f->apex, sizeof(h.apex));
	if (rc == OK)
		rc = build_flip(b, &h, NULL, NULL, e);
	if (rc != OK)
		build_abandon(b);
	return rc;
}

static void put_version(struct store *s, const struct fixture *f, uint32_t version, unsigned count)
{
	struct err e = {0};

	if (try_version(s, f, version, count, count, &e) != OK)
		fail_msg("%s", e.text);
}

/* The number of the version in sn, after looking at all of it; 0: no zone. */
static uint32_t check_version(struct snapshot *sn, const struct fixture *f)
{
	unsigned rrsets = 0, nsec3s = 0;
	struct zone_head h;
	struct walk w;
	struct err e = {0};
	int rc = snapshot_head(sn, f->apex, &h);

	if (rc == ERR_MISSING)
		return 0;
	assert_int_equal(rc, OK);
	assert_int_equal(walk_open(sn, &h, &w, &e), OK);
	while ((rc = walk_next(&w)) == OK) {
		assert_int_equal(load_u32(w.packed), h.serial_out);
		*(w.is_nsec3 ? &nsec3s : &rrsets) += 1;
	}
	assert_int_equal(rc, ERR_MISSING);
	walk_close(&w);
	assert_int_equal(rrsets, h.rrsets);
	assert_int_equal(nsec3s, h.rrsets / 4);
	return h.serial_out;
}

static uint32_t version_now(struct store *s, const struct fixture *f)
{
	struct snapshot *sn;
	struct err e = {0};
	uint32_t version;

	if (snapshot_open(s, &sn, &e) != OK)
		fail_msg("%s", e.text);
	version = check_version(sn, f);
	snapshot_close(sn);
	return version;
}

static void test_small_and_big(void **state)
{
	static const unsigned counts[] = {10, BIG, STORE_SMALL, 20, BIG + 20000, BIG, 0, 7};
	struct fixture *f = *state;
	struct store *s = open_store(f, true, SIZE);

	for (unsigned i = 0; i < MEM_COUNT(counts); i++) {
		put_version(s, f, i + 1, counts[i]);
		assert_int_equal(version_now(s, f), i + 1);
		assert_int_equal(s->own_count, counts[i] > STORE_SMALL);
	}
	store_close(s);
	s = open_store(f, true, SIZE);
	assert_int_equal(version_now(s, f), MEM_COUNT(counts));
	store_close(s);
}

static void test_grows_big(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f, true, SIZE);
	struct err e = {0};

	/* Expected to be small, and is not: memory stays bounded all the same. */
	assert_int_equal(try_version(s, f, 1, 60000, 10, &e), OK);
	assert_int_equal(s->own_count, 1);
	assert_int_equal(version_now(s, f), 1);
	store_close(s);
}

static void test_order(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
	} rows[] = {{"gov.", 1}, {"gov.", 257}, {"gov.", 65534}, {"\\000.gov.", 1},
	    {"\\001.gov.", 1}, {"a.gov.", 1}, {"a.gov.", 65534}, {"b.a.gov.", 1}, {"b.gov.", 1}};
	struct fixture *f = *state;
	struct store *s = open_store(f, true, SIZE);
	struct zone_head h = {.rrsets = MEM_COUNT(rows)};
	struct build *b;
	struct snapshot *sn;
	struct walk w;
	struct err e = {0};
	uint8_t name[NAME_MAX_LEN], key[NAME_KEY_MAX];
	size_t len;

	memcpy(h.apex, f->apex, sizeof(h.apex));
	b = build_begin(s, 10, &e);
	for (unsigned i = 0; i < MEM_COUNT(rows); i++) {
		assert_int_equal(name_parse(rows[i].name, name), OK);
		len = name_key(name, key);
		assert_int_equal(build_rrset(b, key, len, rows[i].type, &key[0], 1, &e), OK);
	}
	assert_int_equal(build_rrset(b, key, len, 1, &key[0], 1, &e), ERR_ARGUMENT);
	assert_int_equal(build_walk(b, &sn, &w, &e), OK);
	for (unsigned i = 0; i < MEM_COUNT(rows); i++) {
		assert_int_equal(walk_next(&w), OK);
		assert_int_equal(w.type, rows[i].type);
	}
	walk_close(&w);
	snapshot_close(sn);
	assert_int_equal(build_flip(b, &h, NULL, NULL, &e), OK);

	assert_int_equal(snapshot_open(s, &sn, &e), OK);
	assert_int_equal(walk_open(sn, &h, &w, &e), OK);
	for (unsigned i = 0; i < MEM_COUNT(rows); i++) {
		assert_int_equal(walk_next(&w), OK);
		assert_int_equal(w.type, rows[i].type);
		assert_int_equal(name_parse(rows[i].name, name), OK);
		assert_int_equal(w.key_len, name_key(name, key));
		assert_memory_equal(w.key, key, w.key_len);
	}
	assert_int_equal(walk_next(&w), ERR_MISSING);
	assert_int_equal(name_parse("a.gov.", name), OK);
	assert_int_equal(walk_seek(&w, key, name_key(name, key)), OK);
	assert_int_equal(w.type, 1);
	assert_int_equal(walk_next(&w), OK);
	assert_int_equal(w.type, 65534);
	assert_int_equal(name_parse("aa.gov.", name), OK);
	assert_int_equal(walk_seek(&w, key, name_key(name, key)), OK);
	assert_int_equal(name_parse("b.gov.", name), OK);
	assert_int_equal(w.key_len, name_key(name, key));
	walk_close(&w);
	snapshot_close(sn);
	store_close(s);
}

/* A name of 255 octets that are all escaped is as long as a key may be. */
static void test_longest_name(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f, true, SIZE);
	struct zone_head h = {.rrsets = 1};
	struct build *b;
	struct snapshot *sn;
	struct err e = {0};
	uint8_t name[NAME_MAX_LEN] = {0}, key[NAME_KEY_MAX];
	const uint8_t *packed;
	size_t len;

	for (unsigned at = 0; at < 254; at += 64)
		name[at] = at == 192 ? 61 : 63;
	assert_int_equal(name_check(name, sizeof(name)), 255);
	len = name_key(name, key);
	assert_int_equal(len, NAME_KEY_LONGEST);
	b = build_begin(s, 1, &e);
	assert_int_equal(build_rrset(b, key, len, 65535, (const uint8_t *)"x", 1, &e), OK);
	assert_int_equal(
	    build_expiry(b,
		&(struct expiry_entry){
		    .expiry = 77, .first = key, .first_len = len, .last = key, .last_len = len},
		&e),
	    OK);
	assert_int_equal(build_flip(b, &h, NULL, NULL, &e), OK);
	assert_int_equal(snapshot_open(s, &sn, &e), OK);
	assert_int_equal(snapshot_rrset(sn, &h, name, 65535, &packed, &len), OK);
	assert_int_equal(len, 1);
	assert_int_equal(snapshot_rrset(sn, &h, name, 1, &packed, &len), ERR_MISSING);
	snapshot_close(sn);
	store_close(s);
}

static void test_snapshot_isolation(void **state)
{
	static const unsigned counts[] = {100, BIG, BIG + 1, 50, BIG};
	struct snapshot *sn[MEM_COUNT(counts)];
	struct fixture *f = *state;
	struct store *s = open_store(f, true, SIZE);
	struct err e = {0};

	for (unsigned i = 0; i < MEM_COUNT(counts); i++) {
		put_version(s, f, i + 1, counts[i]);
		assert_int_equal(snapshot_open(s, &sn[i], &e), OK);
	}
	for (unsigned i = 0; i < MEM_COUNT(counts); i++)
		assert_int_equal(check_version(sn[i], f), i + 1);
	assert_int_equal(s->own_count, 3);
	for (unsigned i = 0; i < MEM_COUNT(counts); i++)
		snapshot_close(sn[i]);
	store_check_readers(s);
	assert_int_equal(s->own_count, 1);
	assert_int_equal(version_now(s, f), MEM_COUNT(counts));
	store_close(s);
}

static void test_builds_at_once(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f, true, SIZE);
	struct build *b[4];
	struct zone_head h = {0};
	struct err e = {0};

	for (unsigned i = 0; i < 4; i++)
		b[i] = build_begin(s, i % 2 == 0 ? 100 : BIG, &e);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(add_version(b[i], i + 1, 100, &e), OK);
	memcpy(h.apex, f->apex, sizeof(h.apex));
	h.rrsets = 100;
	for (unsigned i = 4; i-- > 1;) {
		h.serial_out = i + 1;
		assert_int_equal(build_flip(b[i], &h, NULL, NULL, &e), OK);
		assert_int_equal(version_now(s, f), i + 1);
	}
	build_abandon(b[0]);
	assert_int_equal(version_now(s, f), 2);
	store_close(s);
}

static void test_second_writer(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f, true, SIZE);
	struct err e = {0};
	char pid[16];

	assert_null(store_open(f->dir, true, SIZE, &e));
	assert_int_equal(e.code, ERR_CONFLICT);
	snprintf(pid, sizeof(pid), "pid %ld", (long)getpid());
	assert_non_null(strstr(e.text, pid));
	assert_non_null(strstr(e.text, f->dir));
	store_close(s);
	store_close(open_store(f, true, SIZE));
}

static void test_reader_too_early(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	assert_null(store_open(f->dir, false, SIZE, &e));
	assert_int_equal(e.code, ERR_AGAIN);
}

static void test_full(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f, true, 4 * MEGABYTE);
	struct err e = {0};
	int rc = OK;

	put_version(s, f, 1, 1000);
	for (unsigned i = 0; i < 3; i++) {
		rc = try_version(s, f, 2, 60000, 60000, &e);
		assert_int_equal(rc, ERR_STORE);
		assert_non_null(strstr(e.text, "store_max"));
		assert_int_equal(version_now(s, f), 1);
		assert_int_equal(s->own_count, 0);
	}
	put_version(s, f, 3, 1000);
	assert_int_equal(version_now(s, f), 3);
	store_close(s);
}

static int try_without_room(struct fixture *f)
{
	struct store *s = open_store(f, true, SIZE);
	struct rlimit limit;
	struct stat st;
	char path[128];
	struct err e = {0};

	snprintf(path, sizeof(path), "%s/data.mdb", f->dir);
	assert_int_equal(stat(path, &st), 0);
	limit.rlim_cur = limit.rlim_max = (rlim_t)st.st_size + 100000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (unsigned i = 0; i < 3; i++)
		if (try_version(s, f, 2, 30000, 30000, &e) != ERR_STORE || version_now(s, f) != 1)
			return 1;
	store_close(s);
	return 0;
}

/* The file cannot grow, as on a full disk: an error each time, and the last version stays. */
static void test_no_room(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f, true, SIZE);
	int status;
	pid_t child;

	put_version(s, f, 1, 1000);
	store_close(s);
	child = fork();
	if (child == 0)
		_exit(try_without_room(f));
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	s = open_store(f, true, SIZE);
	assert_int_equal(version_now(s, f), 1);
	put_version(s, f, 2, 30000);
	assert_int_equal(version_now(s, f), 2);
	store_close(s);
}

static int each_count(void *arg, const struct zone_head *h)
{
	unsigned *n = arg;

	assert_int_equal(h->serial_out, ++*n);
	return *n == 3 ? ERR_MISSING : OK;
}

static void test_rows(void **state)
{
	static const char *const zones[] = {"a.", "b.", "c.", "."};
	struct fixture *f = *state;
	struct store *s = open_store(f, true, SIZE);
	struct store_write *w, *second;
	struct snapshot *sn;
	struct zone_head h = {0};
	struct err e = {0};
	const uint8_t *value;
	unsigned n = 0;
	size_t len;

	assert_int_equal(store_write_begin(s, &w, &e), OK);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(name_parse(zones[i], h.apex), OK);
		h.serial_out = (i + 1) % 4 + 1; /* the root sorts first */
		assert_int_equal(store_write_head(w, &h, &e), OK);
	}
	assert_int_equal(store_write_begin(s, &second, &e), ERR_STORE); /* and does not hang */
	assert_int_equal(try_version(s, f, 1, BIG, BIG, &e), ERR_STORE);
	assert_int_equal(store_write_meta(w, 5, "key", 3, "value", 5, &e), OK);
	assert_int_equal(store_write_meta(w, 5, "no such", 7, NULL, 0, &e), OK);
	assert_int_equal(store_write_meta(w, 0, "key", 3, "value", 5, &e), ERR_ARGUMENT);
	assert_int_equal(store_write_event(w, "one", 3, &e), OK);
	assert_int_equal(store_write_event(w, "two", 3, &e), OK);
	assert_int_equal(snapshot_meta(store_write_view(w), 5, "key", 3, &value, &len), OK);
	assert_int_equal(store_write_commit(w, &e), OK);

	assert_int_equal(snapshot_open(s, &sn, &e), OK);
	assert_int_equal(snapshot_meta(sn, 5, "key", 3, &value, &len), OK);
	assert_int_equal(len, 5);
	assert_int_equal(snapshot_meta(sn, 6, "key", 3, &value, &len), ERR_MISSING);
	assert_int_equal(snapshot_each_head(sn, each_count, &n), ERR_MISSING);
	assert_int_equal(n, 3);
	snapshot_close(sn);

	put_version(s, f, 1, 100);
	assert_int_equal(store_write_begin(s, &w, &e), OK);
	assert_int_equal(store_write_remove(w, f->apex, &e), OK);
	assert_int_equal(store_write_remove(w, f->apex, &e), OK);
	store_write_abort(w);
	assert_int_equal(version_now(s, f), 1);
	assert_int_equal(store_write_begin(s, &w, &e), OK);
	assert_int_equal(store_write_remove(w, f->apex, &e), OK);
	assert_int_equal(store_write_commit(w, &e), OK);
	assert_int_equal(version_now(s, f), 0);
	store_close(s);
}

static int extra_fails(void *arg, struct store_write *w, struct err *e)
{
	(void)arg;
	assert_int_equal(store_write_meta(w, 9, "k", 1, "v", 1, e), OK);
	return err_set(e, ERR_REFUSED, "no");
}

static void test_flip_refused(void **state)
{
	struct fixture *f = *state;
	struct store *s = open_store(f, true, SIZE);
	struct zone_head h = {.serial_out = 2};
	struct build *b;
	struct err e = {0};

	put_version(s, f, 1, 10);
	memcpy(h.apex, f->apex, sizeof(h.apex));
	b = build_begin(s, BIG, &e);
	assert_int_equal(add_version(b, 2, 10, &e), OK);
	assert_int_equal(build_flip(b, &h, extra_fails, NULL, &e), ERR_REFUSED);
	assert_int_equal(h.generation, 0);
	assert_int_equal(version_now(s, f), 1);
	assert_int_equal(build_flip(b, &h, NULL, NULL, &e), OK); /* still whole */
	h.rrsets = 10;
	build_abandon(NULL);
	store_close(s);
}

static void test_head_codec(void **state)
{
	struct zone_head h = {.policy = "default",
	    .has_in = true,
	    .serial_in = 0xfedcba98,
	    .refreshed = -5,
	    .generation = 7,
	    .hold = "why",
	    .denial = DENIAL_NSEC3_OPT_OUT,
	    .nsec3 = {.iterations = 3, .salt_len = 2, .salt = {0xab, 0xcd}},
	    .signatures = 1ull << 40,
	    .key_count = 2};
	struct zone_head out;
	struct err e = {0};
	struct buf b = {0};

	(void)state;
	assert_int_equal(name_parse("Example.GOV.", h.apex), OK);
	h.has_walk = h.has_journal = true;
	h.walk_mark = 77;
	h.walk_anew = true;
	h.walk_key_len = NAME_KEY_LONGEST;
	h.walk_key[NAME_KEY_LONGEST - 1] = 1;
	h.journal_first = UINT32_MAX;
	h.journal_octets = 1ull << 33;
	h.journal_rows = 12;
	h.keys[1].id[15] = 9;
	h.keys[1].signatures = 12345;
	head_encode(&h, &b);
	assert_int_equal(head_decode(b.data, b.len, &out, &e), OK);
	assert_memory_equal(&h.keys, &out.keys, sizeof(h.keys));
	assert_string_equal(out.policy, "default");
	assert_string_equal(out.hold, "why");
	assert_int_equal(out.serial_in, 0xfedcba98);
	assert_true(out.refreshed == -5 && out.has_in && !out.has_out);
	assert_true(out.signatures == 1ull << 40 && out.denial == DENIAL_NSEC3_OPT_OUT);
	assert_int_equal(out.nsec3.salt_len, 2);
	assert_true(name_equal(h.apex, out.apex));
	assert_true(out.has_walk && out.walk_mark == 77 && out.walk_anew);
	assert_int_equal(out.walk_key_len, NAME_KEY_LONGEST);
	assert_memory_equal(out.walk_key, h.walk_key, sizeof(h.walk_key));
	assert_true(out.has_journal && out.journal_first == UINT32_MAX && out.journal_rows == 12);
	assert_true(out.journal_octets == 1ull << 33);
	for (size_t len = 0; len < b.len; len++) { /* cut anywhere: an error or fewer fields */
		uint8_t *cut = malloc(len + 1);

		memcpy(cut, b.data, len);
		(void)head_decode(cut, len, &out, &e);
		free(cut);
	}
	buf_u16(&b, 999); /* a field of tomorrow */
	buf_lv16(&b, "new", 3);
	assert_int_equal(head_decode(b.data, b.len, &out, &e), OK);
	assert_int_equal(out.key_count, 2);
	buf_u8(&b, 1);
	assert_int_equal(head_decode(b.data, b.len, &out, &e), ERR_FORMAT);
	b.data[0]++;
	assert_int_equal(head_decode(b.data, b.len, &out, &e), ERR_FORMAT);
	assert_non_null(strstr(e.text, "newer program"));
	b.data[0] = 1;
	assert_int_equal(head_decode(b.data, b.len, &out, &e), ERR_FORMAT);
	assert_non_null(strstr(e.text, "older program"));
	buf_free(&b);
}

static void say(int fd, uint32_t v)
{
	assert_int_equal(write(fd, &v, sizeof(v)), sizeof(v));
}

static bool hear(int fd, uint32_t *v)
{
	return read(fd, v, sizeof(*v)) == sizeof(*v);
}

/* The reader is another process, opened before the writer makes its big generations. */
static void test_other_process(void **state)
{
	static const unsigned counts[] = {10, BIG, BIG + 5, 3, BIG};
	struct fixture *f = *state;
	int to[2], from[2];
	struct store *s;
	uint32_t v;
	pid_t child;

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	child = fork();
	if (child == 0) {
		close(to[1]);
		close(from[0]);
		s = NULL;
		while (hear(to[0], &v)) {
			if (s == NULL)
				s = open_store(f, false, SIZE);
			say(from[1], version_now(s, f));
		}
		_exit(s->own_count <= 2 ? 0 : 1);
	}
	close(to[0]);
	s = open_store(f, true, SIZE);
	for (unsigned i = 0; i < MEM_COUNT(counts); i++) {
		put_version(s, f, i + 1, counts[i]);
		say(to[1], 0);
		assert_true(hear(from[0], &v));
		assert_int_equal(v, i + 1);
	}
	close(to[1]);
	waitpid(child, (int *)&v, 0);
	assert_int_equal(v, 0);
	store_close(s);
}

static _Noreturn void write_until_killed(const struct fixture *f, int fd, uint32_t version)
{
	struct store *s = open_store(f, true, SIZE);

	for (;; version++) {
		put_version(s, f, version, version % 3 == 0 ? BIG : version % 3 == 1 ? 500 : 20000);
		say(fd, version);
	}
}

/* R12's ground: what was committed is there, what was not is not, never a mixture. */
static void test_killed_writer(void **state)
{
	struct fixture *f = *state;
	unsigned seed = (unsigned)getpid();
	uint32_t version = 0;

	print_message("# seed %u\n", seed);
	for (unsigned round = 0; round < 25; round++) {
		uint32_t told = version, v;
		struct store *s;
		pid_t child;
		int fd[2];

		assert_int_equal(pipe(fd), 0);
		child = fork();
		if (child == 0) {
			close(fd[0]);
			write_until_killed(f, fd[1], version + 1);
		}
		close(fd[1]);
		if (round % 2 == 0 && hear(fd[0], &v)) /* however slow the machine is */
			told = v;
		usleep((useconds_t)(rand_r(&seed) % 100000));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		while (hear(fd[0], &v))
			told = v;
		close(fd[0]);
		s = open_store(f, true, SIZE);
		version = version_now(s, f);
		assert_in_range(version, told, told + 1);
		assert_true(s->own_count <= 1); /* no garbage */
		store_close(s);
	}
	assert_true(version > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_small_and_big, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_grows_big, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_order, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_longest_name, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_snapshot_isolation, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_builds_at_once, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_second_writer, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reader_too_early, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_flip_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_other_process, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_killed_writer, setup, teardown),
	    cmocka_unit_test(test_head_codec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
