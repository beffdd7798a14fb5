/* The judge of changes and changes by chance: a zone of a few names, among them delegations and
 * DNAMEs above one another, becomes another one in place, and that again another.  Each change is
 * good; and whatever part of it is left out, it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "base/mem.h"
#include "dns/rrtype.h"
#include "tests/unit/change_rig.h"

#define CHANGES 30 /* for each kind of denial */

static uint64_t random_state;

static unsigned draw(unsigned below)
{
	random_state = random_state * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(random_state >> 33) % below;
}

static void draw_zone(unsigned serial, char *out, size_t size)
{
	static const char *const labels[] = {"a", "b", "c"};
	static const char *const data[] = {"TXT \"x\"", "TXT \"y\"", "NS ns1", "NS ns1",
	    "DNAME elsewhere.", "A 192.0.2.1",
	    "DS 1 13 1 0011223344556677889900112233445566778899"};
	size_t at = (size_t)snprintf(out, size,
	    "$ORIGIN example.\n$TTL 3600\n@ IN SOA ns1 host %u 3600 900 1209600 1800\n@ IN NS ns1\n",
	    serial);
	unsigned count = 1 + draw(9);

	for (unsigned i = 0; i < count; i++) {
		unsigned depth = 1 + draw(3), what = draw(MEM_COUNT(data));

		for (unsigned pass = 0; pass < (what == 6 ? 2U : 1U); pass++) {
			uint64_t random = random_state;

			for (unsigned d = 0; d < depth; d++)
				at += (size_t)snprintf(out + at, size - at, "%s%s",
				    d > 0 ? "." : "", labels[draw(MEM_COUNT(labels))]);
			at += (size_t)snprintf(
			    out + at, size - at, " IN %s\n", data[pass == 1 ? 2 : what]);
			if (pass == 0 && what == 6)
				random_state = random; /* the same name */
		}
	}
}

static void spoil_each(struct rig *r)
{
	struct err e;

	for (unsigned i = 0; i < r->is.count; i++) {
		struct row *row = &r->is.rows[i];
		const struct row *was = rig_same(&r->was, row);
		struct row saved = *row;

		/* The store itself does not take a change without its SOA. */
		if (!rig_has_changed(row, was) || row->set.type == RR_SOA)
			continue;
		if (was != NULL) {
			row->packed = (struct buf){0};
			rig_put_row(row, &was->set);
		} else {
			row->is_gone = true;
		}
		rig_sum(&r->is);
		if (rig_judge(r, &e) != ERR_VERIFY)
			fail_msg("row %u may be missing", i);
		if (was != NULL)
			buf_free(&row->packed);
		*row = saved;
	}
	rig_sum(&r->is);
}

static void test_random_changes(void **state)
{
	static const enum denial_kind kinds[] = {DENIAL_NSEC, DENIAL_NSEC3, DENIAL_NSEC3_OPT_OUT};
	const char *given = getenv("SEED");
	struct rig *r = *state;
	char text[4096];

	random_state = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)getpid();
	print_message("SEED=%llu\n", (unsigned long long)random_state);
	for (unsigned k = 0; k < MEM_COUNT(kinds); k++) {
		draw_zone(100, text, sizeof(text));
		rig_begin(r, kinds[k], text);
		for (unsigned i = 0; i < CHANGES; i++) {
			draw_zone(101 + i, text, sizeof(text));
			rig_change(r, text);
			if (i % 4 == 0)
				spoil_each(r);
			rig_keep(r);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_random_changes, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests_name("sign check part, by chance", tests, NULL, NULL);
}
