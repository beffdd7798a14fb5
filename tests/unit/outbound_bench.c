/* outbound_bench: how fast a zone goes out over loopback, and what a record costs.
 *
 *   outbound_bench [NAMES] [plain|tsig|pack]
 *
 * A zone of NAMES hosts (six records each, three of them signatures) is sent to a client that only
 * counts; pack: messages are made and thrown away, for callgrind.  A tool for whoever works on the
 * sender; not run by any check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/clock.h"
#include "outbound_rig.h"

static struct rig rig;

static void say(const char *what, uint64_t records, uint64_t octets, uint64_t us, uint64_t cpu)
{
	printf("%s: %llu records, %.1f MB, %.1f ms, %.2f million records/s, %.0f ns of our CPU "
	       "per record\n",
	    what, (unsigned long long)records, (double)octets / 1e6, (double)us / 1e3,
	    (double)records / (double)us, (double)cpu * 1e3 / (double)records);
}

/* The client, in a process of its own: what was received is thrown away until the connection ends.
 */
static void swallow(int fd)
{
	static uint8_t data[1 << 20];
	ssize_t n;

	do
		n = read(fd, data, sizeof(data));
	while (n > 0);
	_exit(0);
}

static void over_loopback(const struct tsig_key *key, const struct out_stream_facts *zone)
{
	struct rig_query q = {.zone = "example.",
	    .type = RR_AXFR,
	    .key = key,
	    .from = key != NULL ? RIG_KEYED : RIG_PLAIN};
	struct packet_builder b = {0};
	struct tsig_state t;
	uint64_t start, cpu;
	int fd = rig_connect(&rig, q.from), status;
	pid_t client;

	rig_build(&q, &b, &t);
	rig_send(&rig, fd, b.buf.data, b.buf.len);
	shutdown(fd, SHUT_WR);
	client = fork();
	if (client == 0)
		swallow(fd);
	close(fd);
	start = clock_mono_us();
	cpu = clock_cpu_us();
	do
		loop_once(rig.loop, true);
	while (rig.out->connection_count > 0);
	cpu = clock_cpu_us() - cpu;
	waitpid(client, &status, 0);
	say(key != NULL ? "AXFR, TSIG" : "AXFR, plain", zone->records, zone->octets,
	    clock_mono_us() - start, cpu);
	packet_builder_free(&b);
	tsig_state_free(&t);
}

static struct out_stream_facts pack(bool quiet)
{
	struct packet_builder b = {0};
	struct tsig_state t;
	struct rig_query ask = {.zone = "example.", .type = RR_AXFR, .from = RIG_PLAIN};
	static struct out_reply reply;
	struct out_query q = {.from = rig.plain.address, .is_tcp = true};
	struct out_stream_facts f = {0};
	uint64_t start = clock_mono_us(), cpu = clock_cpu_us();

	rig_build(&ask, &b, &t);
	q.msg = b.buf.data;
	q.len = b.buf.len;
	if (out_answer(rig.out, &q, &reply) != OK || reply.stream == NULL)
		rig_die("no stream");
	while (out_stream_next(reply.stream, &reply.message, NULL) == OK)
		;
	f = out_stream_facts(reply.stream);
	if (!quiet)
		say("packing", f.records, f.octets, clock_mono_us() - start, clock_cpu_us() - cpu);
	out_stream_free(reply.stream);
	out_reply_free(&reply);
	packet_builder_free(&b);
	return f;
}

int main(int argc, char **argv)
{
	unsigned names = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 100000;
	const char *what = argc > 2 ? argv[2] : "";
	struct out_stream_facts zone;

	rig_open(&rig);
	rig_write_zone(&rig, "example.", 1, names, 20, true);
	zone = pack(strcmp(what, "pack") != 0);
	for (unsigned i = 0; i < 3 && strcmp(what, "pack") != 0; i++) {
		if (strcmp(what, "tsig") != 0)
			over_loopback(NULL, &zone);
		if (strcmp(what, "plain") != 0)
			over_loopback(&rig.key, &zone);
	}
	rig_close(&rig);
	return 0;
}
