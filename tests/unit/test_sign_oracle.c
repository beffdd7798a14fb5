/* Denial records as others made them: the examples of RFC 4035 and RFC 5155, and the root zone of
 * 2017.  The zones lie outside the tree, in $ITG_DATA; without them the tests are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "dns/zonefile.h"
#include "tests/unit/fake_token.h"
#include "tests/unit/signing.h"

struct oracle {
	struct signing *f;
	struct snapshot *sn;
	uint16_t type;
	bool with_ttl;
	unsigned theirs, ours;
};

static int setup(void **state)
{
	*state = mem_alloc(sizeof(struct signing));
	return 0;
}

static int teardown(void **state)
{
	struct signing *f = *state;
	char path[100];

	snprintf(path, sizeof(path), "%s/unpacked", f->dir);
	unlink(path);
	sign_free(f->sign);
	f->sign = NULL;
	fake_token_free(f->token);
	signing_close(f);
	free(f);
	return 0;
}

static void begin(struct signing *f, const char *apex)
{
	signing_open(f, apex);
	f->token = fake_token_new(f->loop, "soft");
	f->job.keys.count = 2;
	fake_token_key(f->token, ALG_ED25519, KEY_KSK, &f->job.keys.keys[0]);
	fake_token_key(f->token, ALG_ED25519, KEY_ZSK, &f->job.keys.keys[1]);
	f->job.policy.max_ttl = 0;
}

static const char *data_folder(void)
{
	const char *data = getenv("ITG_DATA");

	return data != NULL ? data : "../shared/data";
}

/* The file's path; skips the test when it is not there.  Compressed ones are unpacked into dir. */
static void find(char *out, size_t size, const char *dir, const char *name)
{
	char path[200], command[600];

	snprintf(path, sizeof(path), "%s/%s", data_folder(), name);
	if (access(path, R_OK) != 0) {
		print_message("%s is not there\n", path);
		skip();
	}
	snprintf(out, size, "%s", path);
	if (strstr(path, ".gz") == NULL)
		return;
	snprintf(out, size, "%s/unpacked", dir);
	snprintf(command, sizeof(command), "gzip -dc %s > %s", path, out);
	assert_int_equal(system(command), 0);
}

static void find_ours(struct oracle *o, const uint8_t *owner, const uint8_t **packed, size_t *len)
{
	struct walk w;
	struct err e = {0};
	bool is_there = false;

	*packed = NULL;
	if (o->type == RR_NSEC) {
		(void)snapshot_rrset(o->sn, &o->f->result.head, owner, RR_NSEC, packed, len);
		return;
	}
	assert_int_equal(walk_open(o->sn, &o->f->result.head, &w, &e), OK);
	while (!is_there && walk_next(&w) == OK)
		is_there =
		    w.is_nsec3 && w.packed[0] == name_len(owner) && name_equal(w.packed + 1, owner);
	if (is_there) {
		*packed = w.packed;
		*len = w.packed_len;
	}
	walk_close(&w);
}

static int compare(void *arg, const uint8_t *owner, uint16_t type, uint16_t class, uint32_t ttl,
    const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	struct oracle *o = arg;
	char name[NAME_TEXT_SIZE];
	const uint8_t *packed;
	struct rrset set;
	size_t len;

	(void)class;
	(void)e;
	if (type != o->type)
		return OK;
	o->theirs++;
	name_text(owner, name);
	find_ours(o, owner, &packed, &len);
	if (packed == NULL)
		fail_msg("%s has no denial record", name);
	assert_int_equal(rrset_unpack(packed, len, &set), OK);
	if (o->with_ttl)
		assert_int_equal(set.ttl, ttl);
	if (set.count != 1 || set.rdata_len != rdlen + 2U ||
	    memcmp(set.rdata + 2, rdata, rdlen) != 0)
		fail_msg("%s has another denial record", name);
	return OK;
}

static void count(void *arg, const struct walk *w, const struct rrset *set)
{
	struct oracle *o = arg;

	(void)w;
	o->ours += set->type == o->type;
}

static void same_denial(struct signing *f, const char *path, uint16_t type, bool with_ttl)
{
	struct oracle o = {.f = f, .type = type, .with_ttl = with_ttl};
	struct err e = {0};

	if (signing_sign(f) != OK)
		fail_msg("%s", f->result.err.text);
	assert_int_equal(snapshot_open(f->store, &o.sn, &e), OK);
	if (zonefile_read(path, f->job.apex, compare, &o, &e) != OK)
		fail_msg("%s", e.text);
	snapshot_close(o.sn);
	signing_each(f, count, &o);
	assert_int_equal(o.theirs, o.ours);
	assert_true(o.theirs > 5);
}

static void test_rfc4035(void **state)
{
	struct signing *f = *state;
	char path[300];

	begin(f, "example.");
	find(path, sizeof(path), f->dir, "vectors/rfc4035-appA.unsigned.zone");
	signing_file(f, path);
	find(path, sizeof(path), f->dir, "vectors/rfc4035-appA.signed.zone");
	same_denial(f, path, RR_NSEC, true);
}

static void test_rfc5155(void **state)
{
	struct signing *f = *state;
	char path[300];

	begin(f, "example.");
	f->job.policy.denial = DENIAL_NSEC3_OPT_OUT;
	f->job.policy.nsec3 = (struct nsec3_params){12, 4, {0xaa, 0xbb, 0xcc, 0xdd}};
	/* From the signed one, since the unsigned one lacks the name that looks like a hash; the
	 * RFC has the TTLs of its time. */
	find(path, sizeof(path), f->dir, "vectors/rfc5155-appA.signed.zone");
	signing_file(f, path);
	same_denial(f, path, RR_NSEC3, false);
}

static void test_root(void **state)
{
	struct signing *f = *state;
	char path[300];

	begin(f, ".");
	find(path, sizeof(path), f->dir, "zones/root-2017/root.zone.gz");
	signing_file(f, path);
	find(path, sizeof(path), f->dir, "zones/root-2017/root-2017082100-signed-genuine.zone.gz");
	same_denial(f, path, RR_NSEC, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_rfc4035, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_rfc5155, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_root, setup, teardown),
	};

	return cmocka_run_group_tests_name("sign oracle", tests, NULL, NULL);
}
