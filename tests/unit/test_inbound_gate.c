/* The gate: bounds, order, turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include "base/mem.h"
#include "dns/peer.h"
#include "inbound/gate.h"

struct guest {
	struct gate_ticket ticket;
	unsigned *count;  /* who entered so far */
	unsigned entered; /* as which; 0: not */
};

static void enter(void *arg)
{
	struct guest *g = arg;

	g->entered = ++*g->count;
}

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage a;

	assert_int_equal(peer_address_parse(text, 53, &a), OK);
	return a;
}

static void turns(struct loop *l)
{
	for (int i = 0; i < 20; i++)
		loop_once(l, false);
}

static void test_bounds(void **state)
{
	struct loop *l = loop_new();
	struct gate *g = gate_new(l, 5, 3);
	struct sockaddr_storage a = address("127.0.0.1"), b = address("127.0.0.2");
	struct guest guests[12] = {0};
	unsigned count = 0;

	(void)state;
	for (int i = 0; i < 12; i++) {
		guests[i].count = &count;
		gate_queue(g, &guests[i].ticket, i < 8 ? &a : &b, enter, &guests[i]);
	}
	assert_int_equal(count, 0); /* never from gate_queue itself */
	turns(l);
	assert_int_equal(count, 5);
	assert_int_not_equal(guests[2].entered, 0);
	assert_int_equal(guests[3].entered, 0); /* the fourth of one host has to wait */
	assert_int_not_equal(guests[9].entered, 0);
	assert_int_equal(guests[10].entered, 0);
	gate_leave(g, &guests[0].ticket);
	gate_leave(g, &guests[10].ticket); /* from the line */
	turns(l);
	assert_int_equal(count, 6);
	for (int i = 0; i < 12; i++) {
		gate_leave(g, &guests[i].ticket);
		turns(l);
	}
	assert_int_equal(count, 11);
	assert_int_equal(guests[10].entered, 0);
	gate_free(g);
	loop_free(l);
}

static void test_dismiss(void **state)
{
	struct loop *l = loop_new();
	struct gate *g = gate_new(l, 1, 1);
	struct sockaddr_storage a = address("127.0.0.1"), b = address("127.0.0.2");
	struct guest guests[3] = {0};
	unsigned count = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		guests[i].count = &count;
		gate_queue(g, &guests[i].ticket, i < 2 ? &a : &b, enter, &guests[i]);
	}
	turns(l);
	assert_int_equal(count, 1);
	assert_ptr_equal(gate_dismiss(g, &a), &guests[1]);
	assert_null(gate_dismiss(g, &a)); /* the one inside stays */
	gate_leave(g, &guests[0].ticket);
	turns(l);
	assert_int_equal(guests[1].entered, 0);
	assert_int_equal(guests[2].entered, 2);
	gate_leave(g, &guests[2].ticket);
	gate_free(g);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bounds),
	    cmocka_unit_test(test_dismiss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
