/* Which DS the parent should have, and what of it is still to be handed over (R30). */
#include "parent/submit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#include <cmocka.h>

#define T0 ((int64_t)1800000000)

struct fixture {
	struct record record;
	struct key_policy policy;
	struct submit_done done;
	struct submit_todo todo;
};

static struct record_key *add_key(struct fixture *f, enum key_role role)
{
	struct record_key *k = record_add_key(&f->record);

	k->role = role;
	k->algorithm = 13;
	k->flags = role == KEY_ZSK ? 256 : 257;
	k->tag = (uint16_t)(1000 + f->record.key_count);
	k->pub_len = 64;
	memset(k->id, (int)f->record.key_count, sizeof(k->id));
	memset(k->pub, (int)f->record.key_count, k->pub_len);
	k->times.at[TIME_GENERATED] = k->times.at[TIME_PUBLISHED] = T0;
	return k;
}

static int setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	*state = f;
	return name_parse("example.gov.", f->record.zone) != OK;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	record_free(&f->record);
	free(f);
	return 0;
}

/* What there is to do, as text: "+1001/2 -1002/4", in the order in which it is done. */
static void assert_todo(struct fixture *f, int64_t now, const char *wanted)
{
	char got[400] = "";
	const struct submit_list *lists[] = {&f->todo.add, &f->todo.remove};

	submit_compare(&f->record, &f->policy, &f->done, now, &f->todo);
	for (unsigned l = 0; l < 2; l++) {
		for (unsigned i = 0; i < lists[l]->count; i++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%c%u/%u",
			    got[0] == '\0' ? "" : " ", l == 0 ? '+' : '-',
			    1000U + lists[l]->items[i].id[0], lists[l]->items[i].digest);
	}
	assert_string_equal(got, wanted);
}

static void do_it(struct fixture *f, int64_t now)
{
	submit_compare(&f->record, &f->policy, &f->done, now, &f->todo);
	if (f->todo.add.count > 0)
		submit_note_added(&f->done, &f->todo.add, now);
	if (f->todo.remove.count > 0)
		submit_note_removed(&f->done, &f->todo.remove, now);
}

static void test_first(void **state)
{
	struct fixture *f = *state;
	struct record_key *k;

	add_key(f, KEY_KSK);
	add_key(f, KEY_ZSK)->times.at[TIME_DS_SUBMITTED] = T0; /* makes no sense, and no DS */
	k = &f->record.keys[0];
	assert_todo(f, T0, "");
	k->times.at[TIME_DS_SUBMITTED] = T0 + 10;
	assert_todo(f, T0 + 9, "");
	assert_todo(f, T0 + 10, "+1001/2");
	do_it(f, T0 + 10);
	assert_int_equal(f->done.at, T0 + 10);
	assert_todo(f, T0 + 11, "");
	k->times.at[TIME_DS_SEEN] = T0 + 20;
	assert_todo(f, T0 + 20, "");
}

static void test_rollover(void **state)
{
	struct fixture *f = *state;

	add_key(f, KEY_KSK)->times.at[TIME_DS_SUBMITTED] = T0;
	do_it(f, T0);
	add_key(f, KEY_KSK)->times.at[TIME_DS_SUBMITTED] = T0 + 100;
	assert_todo(f, T0 + 100, "+1002/2");
	do_it(f, T0 + 100);
	f->record.keys[0].times.at[TIME_DS_RETRACTED] = T0 + 200;
	assert_todo(f, T0 + 200, "-1001/2");
	do_it(f, T0 + 200);
	assert_todo(f, T0 + 200, "");
	f->record.keys[0].times.at[TIME_DS_GONE] = T0 + 300;
	assert_todo(f, T0 + 300, "");
}

/* Nothing is known: all that should be there is handed over, and what should go is taken out. */
static void test_lost(void **state)
{
	struct fixture *f = *state;
	struct record_key *old = add_key(f, KEY_KSK), *gone;

	old->times.at[TIME_DS_SUBMITTED] = T0;
	old->times.at[TIME_DS_RETRACTED] = T0 + 5;
	add_key(f, KEY_KSK)->times.at[TIME_DS_SUBMITTED] = T0;
	gone = add_key(f, KEY_KSK);
	gone->times.at[TIME_DS_SUBMITTED] = gone->times.at[TIME_DS_RETRACTED] = T0;
	gone->times.at[TIME_DS_GONE] = T0 + 1;
	assert_todo(f, T0 + 10, "+1002/2 -1001/2");
}

static void test_digests(void **state)
{
	struct fixture *f = *state;

	add_key(f, KEY_CSK)->times.at[TIME_DS_SUBMITTED] = T0;
	f->policy.digests[0] = 2;
	f->policy.digests[1] = 4;
	assert_todo(f, T0, "+1001/2 +1001/4");
	do_it(f, T0);
	f->policy.digests[0] = 4;
	f->policy.digests[1] = 0;
	assert_todo(f, T0, "-1001/2");
	do_it(f, T0);
	f->policy.digests[0] = 2;
	assert_todo(f, T0, "+1001/2 -1001/4");
	do_it(f, T0);
	assert_todo(f, T0, "");
	/* All that the parent was ever given goes, whatever the policy says by then. */
	f->policy.digests[0] = 4;
	f->record.keys[0].times.at[TIME_DS_RETRACTED] = T0;
	assert_todo(f, T0, "-1001/2");
}

static void test_kept(void **state)
{
	struct fixture *f = *state;
	struct submit_done again;
	struct buf kept = {0};
	struct reader r;

	add_key(f, KEY_KSK)->times.at[TIME_DS_SUBMITTED] = T0;
	add_key(f, KEY_KSK)->times.at[TIME_DS_SUBMITTED] = T0;
	do_it(f, T0);
	f->record.keys[0].times.at[TIME_DS_RETRACTED] = T0;
	do_it(f, T0 + 7);
	submit_write(&f->done, &kept);
	r = reader_of(kept.data, kept.len);
	submit_read(&r, &again);
	assert_int_equal(again.at, T0 + 7);
	assert_true(submit_list_equal(&again.added, &f->done.added));
	assert_true(submit_list_equal(&again.removed, &f->done.removed));
	for (size_t len = 0; len < kept.len; len++) {
		r = reader_of(kept.data, len);
		submit_read(&r, &again);
		assert_int_equal(again.added.count + again.removed.count, 0);
		assert_int_equal(again.at, 0);
	}
	kept.data[0]++; /* of a newer program */
	r = reader_of(kept.data, kept.len);
	submit_read(&r, &again);
	assert_int_equal(again.added.count, 0);
	buf_free(&kept);
}

static void test_forget(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++)
		add_key(f, KEY_KSK)->times.at[TIME_DS_SUBMITTED] = T0;
	do_it(f, T0);
	f->record.keys[2].times.at[TIME_REMOVED] = T0;
	f->record.key_count = 2;
	submit_forget(&f->done, &f->record);
	assert_int_equal(f->done.added.count, 2);
	assert_todo(f, T0, "");
}

static void test_text(void **state)
{
	struct fixture *f = *state;
	struct submit_list wanted;
	struct buf text = {0};
	char tags[20];
	unsigned lines = 0;

	f->policy.digests[0] = 2;
	f->policy.digests[1] = 4;
	for (unsigned i = 0; i < 2; i++)
		add_key(f, KEY_KSK)->times.at[TIME_DS_SUBMITTED] = T0;
	submit_wanted(&f->record, &f->policy, T0, &wanted);
	submit_ds_text(&wanted, &f->record, f->record.zone, 86400, &text);
	submit_dnskey_text(&wanted, &f->record, f->record.zone, 3600, &text);
	buf_u8(&text, 0);
	assert_non_null(strstr((char *)text.data, "example.gov.\t86400\tIN\tDS\t"));
	assert_non_null(strstr((char *)text.data, "\nexample.gov.\t3600\tIN\tDNSKEY\t257 3 13 "));
	submit_tags_text(&wanted, &f->record, tags, sizeof(tags));
	assert_string_equal(tags, "1001, 1002");
	submit_tags_text(&wanted, &f->record, tags, 7); /* cut, and whole */
	assert_string_equal(tags, "1001, ");
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	assert_int_equal(lines, 4 + 2);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    {"R30 a DS is handed over when the record says so, once", test_first, setup, teardown,
		NULL},
	    {"R22 R30 a roll-over adds the new DS and takes out the old one at its own steps",
		test_rollover, setup, teardown, NULL},
	    {"R30 when nothing is known all is handed over again", test_lost, setup, teardown,
		NULL},
	    {"R30 a change of digests adds, then takes out", test_digests, setup, teardown, NULL},
	    {"R30 what was handed over is kept; damage means that nothing was", test_kept, setup,
		teardown, NULL},
	    {"R30 keys that left the record are forgotten", test_forget, setup, teardown, NULL},
	    {"R30 records in presentation form", test_text, setup, teardown, NULL},
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
