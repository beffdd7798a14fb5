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
#include "tests/unit/signing.h"
#include "zone/spool.h"

static struct token *lookup(void *arg, const char *name)
{
	struct signing *f = arg;

	return strcmp(name, "missing") == 0 ? NULL : f->token;
}

static void open_store(struct signing *f)
{
	struct err e = {0};

	f->store = store_open(f->dir, true, (uint64_t)4 << 30, &e);
	if (f->store == NULL)
		fail_msg("%s", e.text);
	f->sign = sign_new(f->loop, f->store, lookup, f, 2);
	assert_non_null(f->sign);
}

void signing_open(struct signing *f, const char *apex)
{
	signing_open_in(f, "/tmp", apex);
}

void signing_open_in(struct signing *f, const char *folder, const char *apex)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->dir, sizeof(f->dir), "%.40s/itg-sign-XXXXXX", folder);
	assert_non_null(mkdtemp(f->dir));
	f->loop = loop_new();
	open_store(f);
	assert_int_equal(name_parse(apex, f->job.apex), OK);
	f->job.class = TOKEN_CHANGE;
	f->job.now = SIGNING_NOW;
	f->job.policy = (struct sign_policy){.name = "test",
	    .denial = DENIAL_NSEC,
	    .serial = SERIAL_COUNTER,
	    .verify = true,
	    .validity = 14 * 86400,
	    .refresh = 7 * 86400,
	    .jitter = 43200,
	    .inception_offset = 3600,
	    .ttl_dnskey = 3600,
	    .ttl_cds = 3600,
	    .max_ttl = 172800};
}

void signing_reopen(struct signing *f)
{
	sign_free(f->sign);
	store_close(f->store);
	open_store(f);
}

void signing_close(struct signing *f)
{
	static const char *const files[] = {"data.mdb", "lock.mdb", "writer.lock"};
	char path[128];

	sign_free(f->sign);
	store_close(f->store);
	loop_free(f->loop);
	for (size_t i = 0; i < MEM_COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
		unlink(path);
	}
	if (f->spool[0] != '\0')
		unlink(f->spool);
	rmdir(f->dir);
}

static int put_record(void *arg, const uint8_t *owner, uint16_t type, uint16_t class, uint32_t ttl,
    const uint8_t *rdata, uint16_t rdlen, struct err *e)
{
	(void)class;
	return spool_write(arg, SPOOL_ADD, owner, type, ttl, rdata, rdlen, e);
}

void signing_file(struct signing *f, const char *path)
{
	struct spool_writer *w;
	struct err e = {0};

	if (f->spool[0] != '\0')
		unlink(f->spool);
	snprintf(f->spool, sizeof(f->spool), "%s/spool-%u", f->dir, f->spools++);
	w = spool_create(f->spool, f->job.apex, 0, &e);
	if (w == NULL)
		fail_msg("%s", e.text);
	if (zonefile_read(path, f->job.apex, put_record, w, &e) != OK)
		fail_msg("%s", e.text);
	if (spool_finish(w, SPOOL_FULL, 1, &e) != OK)
		fail_msg("%s", e.text);
	f->job.spool = f->spool;
}

void signing_text(struct signing *f, const char *zone)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/zone", f->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(zone, file);
	fclose(file);
	signing_file(f, path);
	unlink(path);
}

static void on_done(void *arg, const struct sign_result *r)
{
	struct signing *f = arg;

	f->result = *r;
	f->done++;
}

void signing_start(struct signing *f)
{
	f->done = 0;
	f->run = sign_start(f->sign, &f->job, NULL, on_done, f);
}

int signing_wait(struct signing *f)
{
	while (f->done == 0)
		loop_once(f->loop, true);
	return f->result.code;
}

int signing_sign(struct signing *f)
{
	signing_start(f);
	return signing_wait(f);
}

int signing_check(struct signing *f, bool crypto, struct err *e)
{
	return sign_check(f->store, f->job.apex, f->job.now, 1, crypto, e);
}

void signing_each(struct signing *f, signing_rrset_fn *fn, void *arg)
{
	struct snapshot *sn;
	struct zone_head h;
	struct err e = {0};
	struct walk w;

	assert_int_equal(snapshot_open(f->store, &sn, &e), OK);
	assert_int_equal(snapshot_head(sn, f->job.apex, &h), OK);
	assert_int_equal(walk_open(sn, &h, &w, &e), OK);
	while (walk_next(&w) == OK) {
		struct rrset set;

		assert_int_equal(rrset_unpack(w.packed, w.packed_len, &set), OK);
		fn(arg, &w, &set);
	}
	walk_close(&w);
	snapshot_close(sn);
}

static void put_soa(void *arg, const struct walk *w, const struct rrset *set)
{
	(void)w;
	if (set->type == RR_SOA)
		rrset_text(set, arg);
}

static void put_others(void *arg, const struct walk *w, const struct rrset *set)
{
	(void)w;
	if (set->type != RR_SOA)
		rrset_text(set, arg);
}

void signing_export(struct signing *f, struct buf *out)
{
	buf_reset(out);
	signing_each(f, put_soa, out); /* some judges want it first */
	signing_each(f, put_others, out);
	assert_false(out->failed);
}
