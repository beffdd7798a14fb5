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
	rig_open(&rig);
	rig_write_zone(&rig, "example.", 17, 100, 200, true);
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
