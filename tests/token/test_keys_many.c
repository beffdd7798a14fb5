/* A token that holds the keys of many zones: a start lists it once, and a question about one zone
 * asks it nothing.
 *
 * MANY_ZONES: so many (150).  10,000 take the better part of an hour to be made; what reading them
 * took is printed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "keys/keys.h"
#include "keys/record.h"
#include "pkcs11/labels.h"
#include "tests/token/support.h"

#define NOW 1800000000
#define STORE_SIZE (256 * 1024 * 1024)

struct rig {
	struct fixture f;
	unsigned zones;
	struct store *store;
	struct token *token;
	struct keys *keys;
};
struct outcome {
	int code;
	char why[256];
};

static void on_done(void *arg, int code, const char *why)
{
	struct outcome *o = arg;

	o->code = code;
	snprintf(o->why, sizeof(o->why), "%s", why);
}

static int set_up(void **state)
{
	struct rig *r = mem_alloc(sizeof(*r));
	const char *many = getenv("MANY_ZONES");
	char dir[128];
	struct err e = {0};

	fixture_open(&r->f);
	r->zones = many == NULL ? 150 : (unsigned)atoi(many);
	snprintf(dir, sizeof(dir), "%s/store", r->f.dir);
	assert_int_equal(mkdir(dir, 0700), 0);
	r->store = store_open(dir, true, STORE_SIZE, &e);
	assert_non_null(r->store);
	*state = r;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *r = *state;

	store_close(r->store);
	fixture_close(&r->f);
	free(r);
	return 0;
}

static void open_token(struct rig *r)
{
	struct err e = {0};

	r->token = token_open_local(&r->f.settings, &r->f.pin, &e);
	if (r->token == NULL)
		fail_msg("%s", e.text);
}

static void apex_of(unsigned i, uint8_t out[NAME_MAX_LEN])
{
	char text[32];

	snprintf(text, sizeof(text), "zone%u.example.", i);
	name_parse(text, out);
}

static void add_key(struct rig *r, struct record *rec, char role, unsigned number)
{
	struct record_key *k = record_add_key(rec);
	struct birth_label label = {.role = role, .algorithm = ALG_ECDSAP256SHA256, .birth = NOW};
	struct token_request q = {.op = TOKEN_GENERATE, .algorithm = ALG_ECDSAP256SHA256};
	struct seen seen = {0};
	struct buf rdata = {0};

	memcpy(label.zone_hash, rec->zone_hash, sizeof(label.zone_hash));
	labels_format_key(&label, q.label);
	fill(q.id, sizeof(q.id), number);
	assert_int_equal(token_call(r->token, &q, seen_reply, &seen, NULL), OK);
	k->role = role == 'k' ? KEY_KSK : KEY_ZSK;
	k->flags = role == 'k' ? 257 : 256;
	k->algorithm = ALG_ECDSAP256SHA256;
	memcpy(k->id, q.id, sizeof(k->id));
	k->pub_len = (uint16_t)seen.pub_len;
	memcpy(k->pub, seen.pub, seen.pub_len);
	dnskey_rdata(k->flags, k->algorithm, k->pub, k->pub_len, &rdata);
	k->tag = dnskey_tag(rdata.data, rdata.len);
	k->times.at[TIME_GENERATED] = k->times.at[TIME_PUBLISHED] = NOW;
	k->times.at[TIME_READY] = k->times.at[TIME_ACTIVE] = k->times.at[TIME_SIGN_FROM] = NOW;
	buf_free(&rdata);
}

/* As keys_zone_make would leave it, without the looks that it takes. */
static void add_zone(struct rig *r, unsigned i)
{
	struct record rec = {.sequence = 1, .writer = 1, .time = NOW};
	struct record_label label = {.sequence = 1, .nonce = 1};
	char text[TOKEN_LABEL_MAX];
	struct buf value = {0};
	struct seen seen = {0};

	apex_of(i, rec.zone);
	labels_zone_hash(rec.zone, name_len(rec.zone), rec.zone_hash);
	memcpy(label.zone_hash, rec.zone_hash, sizeof(label.zone_hash));
	strcpy(rec.policy, "default");
	add_key(r, &rec, 'k', 2 * i);
	add_key(r, &rec, 'z', 2 * i + 1);
	record_encode(&rec, &value);
	labels_format_record(&label, text);
	assert_int_equal(put_record(r->token, text, value.data, value.len, &seen), OK);
	buf_free(&value);
	record_free(&rec);
}

static unsigned object_calls(struct rig *r)
{
	return fixture_calls(&r->f, "C_FindObjectsInit") +
	       fixture_calls(&r->f, "C_GetAttributeValue");
}

static void count(void *arg, const struct key_info *i)
{
	(void)i;
	(*(unsigned *)arg)++;
}

static double seconds_since(uint64_t began_us)
{
	return (double)(clock_mono_us() - began_us) / 1e6;
}

static long resident_kb(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

static void ask_one(struct rig *r)
{
	unsigned calls = object_calls(r), n = 0;
	uint64_t began = clock_mono_us();
	uint8_t apex[NAME_MAX_LEN];
	struct keyset set;
	struct err e = {0};

	apex_of(r->zones / 2, apex);
	keys_each(r->keys, apex, NULL, NULL, NOW, count, &n);
	assert_int_equal(n, 2);
	if (keys_keyset(r->keys, apex, NOW, &set, &e) != OK)
		fail_msg("%s", e.text);
	print_message("# one zone's keys: %.0f us\n", seconds_since(began) * 1e6);
	assert_int_equal(object_calls(r), calls);
}

static void test_R20_start_lists_once(void **state)
{
	struct rig *r = *state;
	struct outcome o = {.code = ERR_AGAIN};
	unsigned finds, reads;
	uint64_t began = clock_mono_us();

	open_token(r);
	for (unsigned i = 0; i < r->zones; i++)
		add_zone(r, i);
	token_close(r->token);
	print_message("# %u zones made in %.1f s\n", r->zones, seconds_since(began));

	began = clock_mono_us();
	open_token(r);
	finds = fixture_calls(&r->f, "C_FindObjectsInit");
	reads = fixture_calls(&r->f, "C_GetAttributeValue");
	print_message("# logged in after %.2f s, %ld kB\n", seconds_since(began), resident_kb());
	r->keys = keys_new(NULL, r->store);
	keys_add_token(r->keys, r->token);
	keys_load(r->keys, on_done, &o);
	assert_int_equal(o.code, OK);
	finds = fixture_calls(&r->f, "C_FindObjectsInit") - finds;
	reads = fixture_calls(&r->f, "C_GetAttributeValue") - reads;
	print_message("# read and proved after %.2f s, %ld kB; %u searches, %u objects' reads\n",
	    seconds_since(began), resident_kb(), finds, reads);
	assert_int_equal(finds, 3); /* private keys, public keys, records: once each */
	/* Which they are, and what is in them; not more with more zones. */
	assert_true(reads <= r->zones * 20);
	ask_one(r);
	keys_free(r->keys);
	token_close(r->token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_R20_start_lists_once, set_up, tear_down),
	};

	log_open("test", false, LOG_LEVEL_ERROR);
	if (access("/dev/shm", W_OK) == 0)
		setenv("FIXTURE_DIR", "/dev/shm", 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
