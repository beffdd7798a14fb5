/* The judge of changes made in place, judged.  Two versions of a zone are signed from scratch; what
 * differs between them is the change, and the judge must find it good.  Then one row of it is
 * spoilt, with the sums of the head made to fit, and the judge must say what is wrong.  Each
 * version lies in a store of its own, so that what was before stays as it was whatever is done to
 * what is now. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "sign/check_part.h"
#include "sign/digest.h"
#include "tests/unit/fake_token.h"
#include "tests/unit/signing.h"

#define ROWS_MAX 256

struct row {
	bool is_nsec3, is_gone;
	uint8_t key[NAME_KEY_MAX];
	size_t key_len;
	struct rrset set; /* its parts are in packed */
	struct buf packed;
};

struct version {
	struct row rows[ROWS_MAX];
	unsigned count;
	struct zone_head head;
	char dir[64];
	struct store *store;
	struct snapshot *sn;
};

struct rig {
	struct signing s;
	struct version was, is;
	struct check_owner owners[ROWS_MAX];
	uint8_t hashes[ROWS_MAX][NSEC3_HASH_LEN];
	size_t owner_count, hash_count;
	uint64_t random;
};

/* Versions in memory */

static void add_row(void *arg, const struct walk *w, const struct rrset *set)
{
	struct version *v = arg;
	struct row *r = &v->rows[v->count++];

	assert_true(v->count < ROWS_MAX);
	memset(r, 0, sizeof(*r));
	r->is_nsec3 = w->is_nsec3;
	memcpy(r->key, w->key, w->key_len);
	r->key_len = w->key_len;
	rrset_pack(set, &r->packed);
	assert_int_equal(rrset_unpack(r->packed.data, r->packed.len, &r->set), OK);
}

static void put_row(struct row *r, const struct rrset *set)
{
	struct buf packed = {0};

	rrset_pack(set, &packed);
	buf_free(&r->packed);
	r->packed = packed;
	assert_int_equal(rrset_unpack(r->packed.data, r->packed.len, &r->set), OK);
}

static void forget(struct version *v)
{
	for (unsigned i = 0; i < v->count; i++)
		buf_free(&v->rows[i].packed);
	v->count = 0;
}

static void close_store(struct version *v)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "writer.lock"};
	char path[128];

	if (v->store == NULL)
		return;
	snapshot_close(v->sn);
	store_close(v->store);
	v->store = NULL;
	for (size_t i = 0; i < MEM_COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", v->dir, files[i]);
		unlink(path);
	}
	rmdir(v->dir);
}

/* Into a new store: all of them have the same generation. */
static void write_version(struct version *v)
{
	struct err e = {0};
	struct build *b;

	close_store(v);
	snprintf(v->dir, sizeof(v->dir), "/tmp/itg-part-XXXXXX");
	assert_non_null(mkdtemp(v->dir));
	v->store = store_open(v->dir, true, (uint64_t)1 << 30, &e);
	assert_non_null(v->store);
	b = build_begin(v->store, v->count, &e);
	for (unsigned i = 0; i < v->count; i++) {
		const struct row *r = &v->rows[i];
		int rc = OK;

		if (!r->is_gone && r->is_nsec3)
			rc = build_nsec3(b, r->key, r->packed.data, r->packed.len, &e);
		else if (!r->is_gone)
			rc = build_rrset(
			    b, r->key, r->key_len, r->set.type, r->packed.data, r->packed.len, &e);
		assert_int_equal(rc, OK);
	}
	assert_int_equal(build_flip(b, &v->head, NULL, NULL, &e), OK);
	assert_int_equal(snapshot_open(v->store, &v->sn, &e), OK);
}

static void sum_row(struct zone_head *h, const struct rrset *set)
{
	const uint8_t *p = set->sigdata;

	h->rrsets++;
	h->records += set->count;
	h->signatures += set->sigs;
	for (unsigned i = 0; i < set->sigs; i++) {
		struct rrsig sig;
		uint16_t len;
		const uint8_t *rdata = rrset_next(&p, &len);

		assert_int_equal(rrsig_parse(rdata, len, &sig), OK);
		for (unsigned k = 0; k < h->key_count; k++)
			h->keys[k].signatures += h->keys[k].tag == sig.key_tag;
	}
}

static void sum_version(struct version *v)
{
	struct zone_head *h = &v->head;

	h->rrsets = h->records = h->signatures = 0;
	for (unsigned k = 0; k < h->key_count; k++)
		h->keys[k].signatures = 0;
	for (unsigned i = 0; i < v->count; i++) {
		if (!v->rows[i].is_gone)
			sum_row(h, &v->rows[i].set);
	}
}

static void sign_version(struct rig *r, const char *text, struct version *v)
{
	forget(v);
	signing_text(&r->s, text);
	r->s.job.force = true;
	if (signing_sign(&r->s) != OK)
		fail_msg("%s\n%s", r->s.result.err.text, text);
	v->head = r->s.result.head;
	signing_each(&r->s, add_row, v);
}

/* The change: what differs but for its signatures. */

static const struct row *find_same(const struct version *v, const struct row *r)
{
	for (unsigned i = 0; i < v->count; i++) {
		const struct row *o = &v->rows[i];

		if (o->is_nsec3 == r->is_nsec3 && o->set.type == r->set.type &&
		    o->key_len == r->key_len && memcmp(o->key, r->key, r->key_len) == 0)
			return o;
	}
	return NULL;
}

static size_t bare_len(const struct row *r)
{
	return (size_t)(r->set.rdata + r->set.rdata_len - r->packed.data);
}

static bool has_changed(const struct row *r, const struct row *o)
{
	return o == NULL || bare_len(r) != bare_len(o) ||
	       memcmp(r->packed.data, o->packed.data, bare_len(r)) != 0;
}

static int compare_owners(const void *a, const void *b)
{
	const struct check_owner *x = a, *y = b;
	int c = memcmp(x->key, y->key, x->key_len < y->key_len ? x->key_len : y->key_len);

	return c != 0 ? c : (int)x->key_len - (int)y->key_len;
}

static int compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, NSEC3_HASH_LEN);
}

static void note_changed(struct rig *r, const struct version *v, const struct version *other)
{
	for (unsigned i = 0; i < v->count; i++) {
		const struct row *row = &v->rows[i];

		if (!has_changed(row, find_same(other, row)))
			continue;
		if (row->is_nsec3)
			memcpy(r->hashes[r->hash_count++], row->key, NSEC3_HASH_LEN);
		else
			r->owners[r->owner_count++] =
			    (struct check_owner){.key = row->key, .key_len = row->key_len};
	}
}

static void find_change(struct rig *r)
{
	size_t kept = 0;

	r->owner_count = r->hash_count = 0;
	note_changed(r, &r->was, &r->is);
	note_changed(r, &r->is, &r->was);
	qsort(r->owners, r->owner_count, sizeof(r->owners[0]), compare_owners);
	qsort(r->hashes, r->hash_count, NSEC3_HASH_LEN, compare_hashes);
	for (size_t i = 0; i < r->owner_count; i++) {
		if (kept == 0 || compare_owners(&r->owners[kept - 1], &r->owners[i]) != 0)
			r->owners[kept++] = r->owners[i];
	}
	r->owner_count = kept;
	kept = 0;
	for (size_t i = 0; i < r->hash_count; i++) {
		if (kept == 0 || compare_hashes(r->hashes[kept - 1], r->hashes[i]) != 0)
			memmove(r->hashes[kept++], r->hashes[i], NSEC3_HASH_LEN);
	}
	r->hash_count = kept;
}

static int judge(struct rig *r, struct err *e)
{
	struct check_part p = {.before = r->was.sn,
	    .view = r->is.sn,
	    .was = &r->was.head,
	    .is = &r->is.head,
	    .keys = &r->s.job.keys,
	    .now = SIGNING_NOW,
	    .min_life = r->s.job.policy.refresh,
	    .owners = r->owners,
	    .owner_count = r->owner_count,
	    .hashes = (const uint8_t(*)[NSEC3_HASH_LEN])r->hashes,
	    .hash_count = r->hash_count};

	memset(e, 0, sizeof(*e));
	return check_part(&p, e);
}

static void make_change(struct rig *r, enum denial_kind denial, const char *was, const char *is)
{
	struct err e;

	r->s.job.policy.denial = denial;
	sign_version(r, was, &r->was);
	sign_version(r, is, &r->is);
	find_change(r);
	write_version(&r->was);
	write_version(&r->is);
	if (judge(r, &e) != OK)
		fail_msg("%s\n%s->\n%s", e.text, was, is);
}

static void refused(struct rig *r, const char *words)
{
	struct err e;

	write_version(&r->is);
	if (judge(r, &e) != ERR_VERIFY)
		fail_msg("not refused: %s", words);
	if (strstr(e.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", e.text, words);
}

static int setup(void **state)
{
	struct rig *r = mem_alloc(sizeof(*r));

	signing_open(&r->s, "example.");
	r->s.token = fake_token_new(r->s.loop, "soft");
	r->s.job.keys.count = 2;
	fake_token_key(r->s.token, ALG_ECDSAP256SHA256, KEY_KSK, &r->s.job.keys.keys[0]);
	fake_token_key(r->s.token, ALG_ECDSAP256SHA256, KEY_ZSK, &r->s.job.keys.keys[1]);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;

	sign_free(r->s.sign);
	r->s.sign = NULL;
	fake_token_free(r->s.token);
	signing_close(&r->s);
	forget(&r->was);
	forget(&r->is);
	close_store(&r->was);
	close_store(&r->is);
	free(r);
	return 0;
}

/* Zones */

#define APEX(serial)                                                                               \
	"$ORIGIN example.\n$TTL 3600\n@ IN SOA ns1 host " serial                                   \
	" 3600 900 1209600 1800\n@ IN NS ns1\n"
#define HOST "ns1 IN A 192.0.2.1\n"
#define MX "mx IN MX 10 ns1\n"
#define DEEP "a.empty IN TXT \"x\"\n"
#define SUB "sub IN NS ns.sub\n"
#define GLUE "ns.sub IN A 192.0.2.4\na.ns.sub IN A 192.0.2.5\n"
#define SAFE                                                                                       \
	"safe IN NS ns1\nsafe IN DS 1 13 2 "                                                       \
	"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF\n"
#define UNSAFE "safe IN NS ns1\n"
#define DNAME "d IN DNAME elsewhere.\n"
#define HIDDEN "x.d IN TXT \"hidden\"\n"
#define REST HOST MX DEEP SUB GLUE SAFE DNAME HIDDEN

static const char base[] = APEX("100") REST;

static const enum denial_kind kinds[] = {DENIAL_NSEC, DENIAL_NSEC3, DENIAL_NSEC3_OPT_OUT};

/* Each and its contrary, with each kind of denial. */
static const char *const changes[] = {
    APEX("101") REST, /* nothing but the serial */
    APEX("101") REST "n IN TXT \"new\"\n",
    APEX("101") REST "zz IN TXT \"the last one\"\n",
    APEX("101") REST "a IN TXT \"the first one\"\n",
    APEX("101") REST "b.empty IN TXT \"y\"\nempty IN TXT \"not empty\"\n",
    APEX("101") REST "b.c.d.e IN TXT \"deep\"\nc.d.e IN TXT \"less\"\n",
    APEX("101") HOST MX SUB GLUE SAFE DNAME HIDDEN,
    APEX("101") HOST MX DEEP SUB GLUE UNSAFE DNAME HIDDEN,
    APEX("101") HOST MX DEEP GLUE SAFE DNAME HIDDEN,
    APEX("101") HOST MX DEEP SUB SAFE DNAME HIDDEN,
    APEX("101") HOST MX DEEP SAFE DNAME HIDDEN,
    APEX("101") HOST MX DEEP SUB GLUE SAFE HIDDEN,
    APEX("101") HOST MX DEEP SUB GLUE SAFE DNAME HIDDEN "empty IN NS ns1\n",
    APEX("101") HOST MX DEEP SUB GLUE SAFE DNAME HIDDEN "b.empty IN NS ns1\n",
    APEX("101") HOST MX DEEP SUB GLUE SAFE DNAME HIDDEN "ns.sub IN NS ns1\n",
    APEX("101") HOST MX "mx IN TXT \"more\"\n" DEEP SUB GLUE SAFE DNAME HIDDEN,
    APEX("101") HOST,
    APEX("101") HOST "@ IN DNAME elsewhere.\n",
    APEX("101") "p.q.sub IN NS ns1\n" REST,
};

static void test_good_changes(void **state)
{
	for (size_t i = 0; i < MEM_COUNT(changes); i++) {
		for (size_t k = 0; k < MEM_COUNT(kinds); k++) {
			make_change(*state, kinds[k], base, changes[i]);
			make_change(*state, kinds[k], changes[i], base);
		}
	}
}

/* Faults */

static struct row *find_row(struct version *v, const char *owner, uint16_t type)
{
	uint8_t name[NAME_MAX_LEN], hash[NSEC3_HASH_LEN];

	assert_int_equal(name_parse(owner, name), OK);
	nsec3_hash(&v->head.nsec3, name, hash);
	for (unsigned i = 0; i < v->count; i++) {
		struct row *r = &v->rows[i];

		if (r->set.type != type)
			continue;
		if (r->is_nsec3 ? memcmp(r->key, hash, sizeof(hash)) == 0
				: name_equal(name, r->set.owner))
			return r;
	}
	fail_msg("there is no %s %u", owner, type);
	return NULL;
}

/* The NSEC3 that leads to the name's hash. */
static struct row *find_nsec3_before(struct version *v, const char *owner)
{
	uint8_t name[NAME_MAX_LEN], hash[NSEC3_HASH_LEN];
	struct row *last = NULL, *before = NULL;

	assert_int_equal(name_parse(owner, name), OK);
	nsec3_hash(&v->head.nsec3, name, hash);
	for (unsigned i = 0; i < v->count; i++) {
		struct row *r = &v->rows[i];

		if (!r->is_nsec3 || r->is_gone)
			continue;
		last = r;
		if (memcmp(r->key, hash, sizeof(hash)) < 0)
			before = r;
	}
	return before != NULL ? before : last;
}

static void strip(struct row *r)
{
	struct rrset bare = r->set;

	bare.sigs = 0;
	bare.sigdata_len = 0;
	put_row(r, &bare);
}

/* It is left as it was before. */
static void leave(struct rig *r, struct row *row)
{
	const struct row *was = find_same(&r->was, row);

	assert_non_null(was);
	put_row(row, &was->set);
}

static const char with_n[] = APEX("101") REST "n IN TXT \"new\"\n";

static void test_nsec_is_linked(void **state)
{
	struct rig *r = *state;

	make_change(r, DENIAL_NSEC, base, with_n);
	leave(r, find_row(&r->is, "mx.example.", RR_NSEC));
	sum_version(&r->is);
	refused(r, "mx.example. NSEC: it does not lead to the next name");

	make_change(r, DENIAL_NSEC, base, with_n);
	find_row(&r->is, "n.example.", RR_NSEC)->is_gone = true;
	sum_version(&r->is);
	refused(r, "n.example. NSEC: it is missing");

	/* a name that is gone, and one at the end: the way leads round to the apex */
	make_change(r, DENIAL_NSEC, with_n, APEX("102") REST);
	leave(r, find_row(&r->is, "mx.example.", RR_NSEC));
	refused(r, "mx.example. NSEC: it does not lead to the next name");
	make_change(r, DENIAL_NSEC, base, APEX("101") REST "zz IN TXT \"last\"\n");
	leave(r, find_row(&r->is, "sub.example.", RR_NSEC));
	refused(r, "sub.example. NSEC: it does not lead to the next name");
}

static void test_nsec_says_what_is_there(void **state)
{
	struct rig *r = *state;
	struct row *row;

	make_change(r, DENIAL_NSEC, base, APEX("101") REST "mx IN TXT \"more\"\n");
	leave(r, find_row(&r->is, "mx.example.", RR_NSEC));
	refused(r, "mx.example. NSEC: its type bitmap");

	make_change(r, DENIAL_NSEC, base, with_n);
	row = find_row(&r->is, "n.example.", RR_NSEC);
	row->set.ttl++;
	put_row(row, &row->set);
	refused(r, "n.example. NSEC: ");
}

static void test_nsec3_is_linked(void **state)
{
	struct rig *r = *state;
	struct row *row;

	for (unsigned i = 1; i < MEM_COUNT(kinds); i++) {
		make_change(r, kinds[i], base, with_n);
		leave(r, find_nsec3_before(&r->is, "n.example."));
		refused(r, "NSEC3: it does not lead to the next hash");

		make_change(r, kinds[i], base, with_n);
		find_row(&r->is, "n.example.", RR_NSEC3)->is_gone = true;
		leave(r, find_nsec3_before(&r->is, "n.example."));
		sum_version(&r->is);
		refused(r, "n.example. NSEC3: it is missing");

		make_change(r, kinds[i], with_n, APEX("102") REST);
		leave(r, find_nsec3_before(&r->is, "n.example."));
		refused(r, "NSEC3: it does not lead to the next hash");

		make_change(r, kinds[i], base, APEX("101") REST "mx IN TXT \"more\"\n");
		leave(r, find_row(&r->is, "mx.example.", RR_NSEC3));
		refused(r, "NSEC3: its type bitmap");

		make_change(r, kinds[i], base, with_n);
		row = find_row(&r->is, "n.example.", RR_NSEC3);
		row->packed.data[row->set.rdata - row->packed.data + 2 + 1] ^= 1;
		refused(r, "NSEC3: its opt-out flag");

		make_change(r, kinds[i], base, with_n);
		strip(find_row(&r->is, "n.example.", RR_NSEC3));
		sum_version(&r->is);
		refused(r, "NSEC3: it is not signed");
	}
}

/* A row that was before, with what leads to it. */
static void keep_nsec3(struct rig *r, const char *owner)
{
	struct row *was = find_row(&r->was, owner, RR_NSEC3), *row = &r->is.rows[r->is.count++];
	unsigned i = r->is.count - 1;

	leave(r, find_nsec3_before(&r->is, owner));
	memset(row, 0, sizeof(*row));
	for (; i > 0 && r->is.rows[i - 1].is_nsec3 &&
	       memcmp(r->is.rows[i - 1].key, was->key, NSEC3_HASH_LEN) > 0;
	     i--)
		r->is.rows[i] = r->is.rows[i - 1];
	row = &r->is.rows[i];
	memset(row, 0, sizeof(*row));
	row->is_nsec3 = true;
	memcpy(row->key, was->key, NSEC3_HASH_LEN);
	row->key_len = NSEC3_HASH_LEN;
	put_row(row, &was->set);
	sum_version(&r->is);
}

static void test_empty_non_terminals(void **state)
{
	static const char without[] = APEX("101") HOST MX SUB GLUE SAFE DNAME HIDDEN;
	struct rig *r = *state;

	for (unsigned i = 1; i < MEM_COUNT(kinds); i++) {
		make_change(r, kinds[i], without, APEX("102") REST);
		find_row(&r->is, "empty.example.", RR_NSEC3)->is_gone = true;
		leave(r, find_nsec3_before(&r->is, "empty.example."));
		sum_version(&r->is);
		refused(r, "empty.example. NSEC3: it is missing");

		make_change(r, kinds[i], base, without);
		keep_nsec3(r, "empty.example.");
		refused(r, "empty.example. NSEC3: it stands at a name that has nothing");

		make_change(r, kinds[i], with_n, APEX("102") REST);
		keep_nsec3(r, "n.example.");
		refused(r, "n.example. NSEC3: it stands at a name that has nothing");
	}
}

static void test_opt_out(void **state)
{
	static const char many[] =
	    APEX("100") HOST SAFE "a.x IN NS ns1\nb.x IN NS ns1\nb.x IN DS 1 13 1 "
				  "0011223344556677889900112233445566778899\nc.x IN NS ns1\n";
	static const char none[] =
	    APEX("101") HOST SAFE "a.x IN NS ns1\nb.x IN NS ns1\nc.x IN NS ns1\n";
	struct rig *r = *state;

	make_change(
	    r, DENIAL_NSEC3_OPT_OUT, base, APEX("101") HOST MX DEEP SUB GLUE UNSAFE DNAME HIDDEN);
	keep_nsec3(r, "safe.example.");
	refused(r, "safe.example. NSEC3: it stands at an insecure delegation");

	/* the last one that counts below an empty non-terminal */
	make_change(r, DENIAL_NSEC3_OPT_OUT, none, many);
	make_change(r, DENIAL_NSEC3_OPT_OUT, many, none);
	keep_nsec3(r, "x.example.");
	refused(r, "x.example. NSEC3: it stands at a name that has nothing");
}

static void test_signatures(void **state)
{
	struct rig *r = *state;
	struct row *row;

	make_change(r, DENIAL_NSEC, base, with_n);
	strip(find_row(&r->is, "n.example.", RR_TXT));
	sum_version(&r->is);
	refused(r, "n.example. TXT: it is not signed");

	/* by the key that signs the DNSKEY set */
	make_change(r, DENIAL_NSEC, base, with_n);
	row = find_row(&r->is, "n.example.", RR_TXT);
	store_u16(row->packed.data + (row->set.sigdata - row->packed.data) + 2 + 16,
	    r->s.job.keys.keys[0].tag);
	sum_version(&r->is);
	refused(r, "n.example. TXT: it is signed by key");

	/* by one that is only there still, while the zone is being signed anew */
	r->is.head.has_walk = true;
	refused(r, "n.example. TXT: it is signed by key");

	make_change(r, DENIAL_NSEC, base, with_n);
	row = find_row(&r->is, "n.example.", RR_TXT);
	store_u32(
	    row->packed.data + (row->set.sigdata - row->packed.data) + 2 + 8, SIGNING_NOW + 86400);
	refused(r, "n.example. TXT: a signature has 86400 s left");

	/* a name that came below a delegation keeps its signatures */
	make_change(r, DENIAL_NSEC, base, APEX("101") REST "empty IN NS ns1\n");
	leave(r, find_row(&r->is, "a.empty.example.", RR_TXT));
	sum_version(&r->is);
	refused(r, "a.empty.example. TXT: it is signed, and is not this zone's to sign");
}

static void drop_owner(struct rig *r, const char *owner)
{
	uint8_t name[NAME_MAX_LEN], key[NAME_KEY_MAX];
	size_t len, kept = 0;

	assert_int_equal(name_parse(owner, name), OK);
	len = name_key(name, key);
	for (size_t i = 0; i < r->owner_count; i++) {
		if (r->owners[i].key_len != len || memcmp(r->owners[i].key, key, len) != 0)
			r->owners[kept++] = r->owners[i];
	}
	assert_int_equal(kept + 1, r->owner_count);
	r->owner_count = kept;
}

static void test_names_below_a_cut(void **state)
{
	struct rig *r = *state;

	make_change(r, DENIAL_NSEC, base, APEX("101") REST "empty IN NS ns1\n");
	drop_owner(r, "a.empty.example.");
	refused(r, "a.empty.example. : it came to be below a zone cut");

	make_change(r, DENIAL_NSEC, base, APEX("101") HOST MX DEEP SUB GLUE SAFE HIDDEN);
	drop_owner(r, "x.d.example.");
	refused(r, "x.d.example. : a zone cut or DNAME above it went");
}

static void test_sums(void **state)
{
	struct rig *r = *state;

	make_change(r, DENIAL_NSEC3, base, with_n);
	r->is.head.rrsets++;
	refused(r, "RRsets where");
	sum_version(&r->is);
	r->is.head.records--;
	refused(r, "records where");
	sum_version(&r->is);
	r->is.head.keys[1].signatures++;
	refused(r, "signatures of one key");
	sum_version(&r->is);
	r->is.head.input_records++;
	refused(r, "records of the source");
	r->is.head.input_records--;
	r->is.head.input_digest[DIGEST_LEN - 1] ^= 1;
	refused(r, "not what the source sent");
	r->is.head.input_digest[DIGEST_LEN - 1] ^= 1;
	r->is.head.ttl_max = 1;
	refused(r, "a TTL of 3600");
}

/* A key that is not among those of the new head must have no signatures left. */
static void test_keys_in_the_head(void **state)
{
	struct rig *r = *state;
	struct zone_head *h = &r->was.head;
	struct err e;

	make_change(r, DENIAL_NSEC, base, with_n);
	h->keys[h->key_count++] = (typeof(h->keys[0])){.id = {1}, .tag = 1, .algorithm = 13};
	assert_int_equal(judge(r, &e), OK);
	h->keys[h->key_count - 1].signatures = 1;
	refused(r, "key 1 has signatures");
	r->is.head.keys[r->is.head.key_count++] = h->keys[h->key_count - 1];
	write_version(&r->is);
	assert_int_equal(judge(r, &e), OK);
	r->is.head.keys[r->is.head.key_count - 1].signatures = 0;
	refused(r, "signatures of one key");
}

static void test_what_is_no_change_in_place(void **state)
{
	struct rig *r = *state;

	make_change(r, DENIAL_NSEC3, base, with_n);
	r->is.head.nsec3.iterations = 1;
	refused(r, "it must be built anew");
	r->is.head.nsec3.iterations = 0;
	r->is.head.serial_out = r->was.head.serial_out;
	refused(r, "its serial is not greater");
	r->is.head.serial_out++;
	r->owner_count = 0;
	refused(r, "the apex is not among");
}

/* Zones by chance */

static unsigned draw(struct rig *r, unsigned below)
{
	r->random = r->random * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(r->random >> 33) % below;
}

static void draw_zone(struct rig *r, unsigned serial, char *out, size_t size)
{
	static const char *const labels[] = {"a", "b", "c"};
	static const char *const data[] = {"TXT \"x\"", "TXT \"y\"", "NS ns1", "NS ns1",
	    "DNAME elsewhere.", "A 192.0.2.1",
	    "DS 1 13 1 0011223344556677889900112233445566778899"};
	size_t at = (size_t)snprintf(out, size,
	    "$ORIGIN example.\n$TTL 3600\n@ IN SOA ns1 host %u 3600 900 1209600 1800\n@ IN NS ns1\n",
	    serial);
	unsigned count = 1 + draw(r, 9);

	for (unsigned i = 0; i < count; i++) {
		unsigned depth = 1 + draw(r, 3), what = draw(r, MEM_COUNT(data));

		for (unsigned pass = 0; pass < (what == 6 ? 2U : 1U); pass++) {
			uint64_t random = r->random;

			for (unsigned d = 0; d < depth; d++)
				at += (size_t)snprintf(out + at, size - at, "%s%s",
				    d > 0 ? "." : "", labels[draw(r, MEM_COUNT(labels))]);
			at += (size_t)snprintf(
			    out + at, size - at, " IN %s\n", data[pass == 1 ? 2 : what]);
			if (pass == 0 && what == 6)
				r->random = random; /* the same name */
		}
	}
}

/* Whatever part of a change is left out, it is not the change. */
static void spoil_each(struct rig *r)
{
	struct err e;

	for (unsigned i = 0; i < r->is.count; i++) {
		struct row *row = &r->is.rows[i];
		const struct row *was = find_same(&r->was, row);
		struct row saved = *row;

		if (!has_changed(row, was))
			continue;
		if (was != NULL) {
			row->packed = (struct buf){0};
			put_row(row, &was->set);
		} else {
			row->is_gone = true;
		}
		sum_version(&r->is);
		write_version(&r->is);
		if (judge(r, &e) != ERR_VERIFY)
			fail_msg("row %u may be missing", i);
		if (was != NULL)
			buf_free(&row->packed);
		*row = saved;
	}
}

static void test_random_changes(void **state)
{
	const char *given = getenv("SEED");
	struct rig *r = *state;
	static char texts[2][4096];

	r->random = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)getpid();
	print_message("SEED=%llu\n", (unsigned long long)r->random);
	for (unsigned i = 0; i < 100; i++) {
		draw_zone(r, 100, texts[0], sizeof(texts[0]));
		draw_zone(r, 101, texts[1], sizeof(texts[1]));
		make_change(r, kinds[i % 3], texts[0], texts[1]);
		if (i % 5 == 0)
			spoil_each(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_good_changes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nsec_is_linked, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nsec_says_what_is_there, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nsec3_is_linked, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_empty_non_terminals, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_opt_out, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_signatures, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_names_below_a_cut, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_sums, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_keys_in_the_head, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_what_is_no_change_in_place, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_random_changes, setup, teardown),
	};

	return cmocka_run_group_tests_name("sign check part", tests, NULL, NULL);
}
