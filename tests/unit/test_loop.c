/* base: the loop's order of events, and messages between processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/loop.h"
#include "base/msg.h"

struct trace {
	struct loop *loop;
	int64_t seen[16];
	unsigned count;
};

static void note(void *arg, int64_t due)
{
	struct trace *t = arg;

	t->seen[t->count++] = due;
	if (t->count == 5)
		loop_stop(t->loop);
}

static void calendar_events_run_in_the_order_of_their_times(void **state)
{
	struct loop *l = loop_new();
	struct trace t = {.loop = l};
	int64_t now = clock_calendar();
	static const int64_t ago[] = {5, 50, 1, 500, 20};
	struct loop_event *e[6];

	(void)state;
	for (int i = 0; i < 5; i++) {
		e[i] = loop_event_new(l, note, &t);
		loop_event_set(e[i], now - ago[i]);
	}
	e[5] = loop_event_new(l, note, &t);
	loop_event_set(e[5], now - 100);
	loop_event_stop(e[5]);
	assert_true(loop_next_due(l) == now - 500);
	loop_run(l);
	assert_int_equal(t.count, 5);
	for (unsigned i = 1; i < t.count; i++)
		assert_true(t.seen[i - 1] < t.seen[i]);
	for (int i = 0; i < 6; i++)
		loop_event_free(e[i]);
	loop_free(l);
}

static void heap_survives_random_sets_and_stops(void **state)
{
	enum { COUNT = 500 };
	struct loop *l = loop_new();
	struct loop_event *e[COUNT];
	uint32_t seed = (uint32_t)clock_mono_us();

	(void)state;
	print_message("# seed %u\n", seed);
	for (int i = 0; i < COUNT; i++)
		e[i] = loop_event_new(l, note, NULL);
	for (int i = 0; i < 20000; i++) {
		struct loop_event *one;

		seed = seed * 1664525 + 1013904223;
		one = e[(seed >> 8) % COUNT];
		if (seed >> 31)
			loop_event_stop(one);
		else
			loop_event_set(one, INT64_C(4000000000) + (seed >> 4) % 1000);
	}
	for (;;) {
		int64_t first = loop_next_due(l), least = 0;
		struct loop_event *which = NULL;

		for (int i = 0; i < COUNT; i++) {
			int64_t due = loop_event_due(e[i]);

			if (due != 0 && (least == 0 || due < least)) {
				least = due;
				which = e[i];
			}
		}
		assert_true(first == least);
		if (which == NULL)
			break;
		loop_event_stop(which);
	}
	for (int i = 0; i < COUNT; i++)
		loop_event_free(e[i]);
	loop_free(l);
}

struct end {
	struct loop *loop;
	struct channel *channel;
	unsigned messages, octets, closed;
	int fd;
	bool free_in_callback;
};

static void take(void *arg, uint16_t type, struct reader *body, int fd)
{
	struct end *e = arg;

	if (type == 0) {
		e->closed++;
		loop_stop(e->loop);
		return;
	}
	e->messages++;
	e->octets += (unsigned)reader_left(body);
	if (fd >= 0)
		e->fd = fd;
	if (e->free_in_callback) {
		channel_free(e->channel);
		e->channel = NULL;
		loop_stop(e->loop);
	}
}

static void messages_arrive_whole_in_order_with_descriptors(void **state)
{
	struct loop *l = loop_new();
	struct end a = {.loop = l, .fd = -1}, b = {.loop = l, .fd = -1};
	struct buf body = {0};
	int pair[2], pipe_fds[2];

	(void)state;
	assert_int_equal(msg_pair(pair), 0);
	assert_int_equal(pipe(pipe_fds), 0);
	a.channel = channel_new(l, pair[0], take, &a);
	b.channel = channel_new(l, pair[1], take, &b);
	memset(buf_extend(&body, MSG_MAX), 7, MSG_MAX);
	for (int i = 0; i < 50; i++) /* more than the socket holds: the rest is queued */
		channel_send(a.channel, 5, &body, i == 20 ? pipe_fds[0] : -1);
	assert_true(channel_queued(a.channel) > 0);
	channel_send(a.channel, 6, NULL, -1);
	for (int i = 0; i < 1000 && b.messages < 51; i++)
		loop_once(l, true);
	assert_int_equal(b.messages, 51);
	assert_int_equal(b.octets, 50 * MSG_MAX);
	assert_true(b.fd >= 0);
	assert_true((fcntl(b.fd, F_GETFD) & FD_CLOEXEC) != 0);
	channel_free(a.channel);
	loop_run(l);
	assert_int_equal(b.closed, 1);
	channel_free(b.channel);
	close(b.fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	buf_free(&body);
	loop_free(l);
}

static void a_channel_may_be_freed_by_its_reader(void **state)
{
	struct loop *l = loop_new();
	struct end b = {.loop = l, .fd = -1, .free_in_callback = true};
	int pair[2];

	(void)state;
	assert_int_equal(msg_pair(pair), 0);
	b.channel = channel_new(l, pair[1], take, &b);
	assert_int_equal(msg_send_blocking(pair[0], 3, "x", 1), 0);
	assert_int_equal(msg_send_blocking(pair[0], 3, "x", 1), 0);
	loop_run(l);
	assert_int_equal(b.messages, 1);
	close(pair[0]);
	loop_free(l);
}

static void nonsense_ends_a_channel(void **state)
{
	struct loop *l = loop_new();
	struct end b = {.loop = l, .fd = -1};
	int pair[2];

	(void)state;
	assert_int_equal(msg_pair(pair), 0);
	b.channel = channel_new(l, pair[1], take, &b);
	assert_int_equal(send(pair[0], "\0", 1, 0), 1); /* too short for a type */
	loop_run(l);
	assert_int_equal(b.closed, 1);
	assert_int_equal(b.messages, 0);
	channel_free(b.channel);
	close(pair[0]);
	loop_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(calendar_events_run_in_the_order_of_their_times),
	    cmocka_unit_test(heap_survives_random_sets_and_stops),
	    cmocka_unit_test(messages_arrive_whole_in_order_with_descriptors),
	    cmocka_unit_test(a_channel_may_be_freed_by_its_reader),
	    cmocka_unit_test(nonsense_ends_a_channel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
