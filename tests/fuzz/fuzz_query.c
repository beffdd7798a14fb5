/* Any message, as a query from a destination that needs no key: over UDP, and over TCP with the
 * whole stream that it may start. */
#include <stdlib.h>
#include "../unit/outbound_rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rig rig;

static void done(void)
{
	rig_close(&rig);
}

static void begin(void)
{
	struct rig_change c;

	rig_open(&rig);
	rig_write_zone(&rig, "example.", 3, 100, 200, true);
	for (uint32_t serial = 10; serial <= 17;
	     serial += 7) { /* IXFR from 3, or 10, gets something */
		rig_change_begin(&c, &rig);
		rig_change_nsec3(&c, 7, (uint8_t)serial);
		rig_change_end(&c, serial);
	}
	rig.notify_rcode = RCODE_NOERROR;
	atexit(done);
}

static void answer(const uint8_t *data, size_t size, bool is_tcp)
{
	static struct out_reply reply;
	struct out_query q = {
	    .msg = data, .len = size, .from = rig.plain.address, .is_tcp = is_tcp};

	if (out_answer(rig.out, &q, &reply) == OK && reply.stream != NULL) {
		struct out_stream *stream = reply.stream;

		while (out_stream_next(stream, &reply.message, NULL) == OK)
			;
		out_stream_free(stream);
	}
	out_reply_free(&reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;

	if (!begun)
		begin();
	begun = true;
	answer(data, size, false);
	answer(data, size, true);
	return 0;
}
