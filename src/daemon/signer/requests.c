/* Requests to the master that change the configuration, and the commands that wait for them. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"

struct request {
	struct request *next;
	uint32_t id;
	request_done_fn *done;
	void *arg;
};

/* body: what follows the id; text: sent along as a file of its own (NULL: none). */
void signer_request(struct signer *s, uint16_t type, struct buf *body, const struct buf *text,
    request_done_fn *done, void *arg)
{
	struct request *r = mem_alloc(sizeof(*r));
	struct buf message = {0};
	int fd = -1;

	r->id = ++s->next_request;
	r->done = done;
	r->arg = arg;
	r->next = s->requests;
	s->requests = r;
	if (text != NULL) {
		fd = memfd_create("intaglio-entries", MFD_CLOEXEC);
		if (fd < 0 || write(fd, text->data, text->len) != (ssize_t)text->len)
			log_error("entries for the master cannot be written");
	}
	buf_u32(&message, r->id);
	if (body != NULL)
		buf_put(&message, body->data, body->len);
	channel_send(s->master, type, &message, fd);
	buf_free(&message);
	if (fd >= 0)
		close(fd);
}

void signer_request_answer(struct signer *s, struct reader *body)
{
	uint32_t id = reader_u32(body);
	bool ok = reader_u8(body) != 0;
	char why[600];
	struct request **p = &s->requests;

	reader_str(body, why, sizeof(why));
	while (*p != NULL && (*p)->id != id)
		p = &(*p)->next;
	if (*p == NULL || body->failed)
		return;
	struct request *r = *p;

	*p = r->next;
	r->done(r->arg, ok, why);
	free(r);
}

void signer_requests_fail(struct signer *s)
{
	while (s->requests != NULL) {
		struct request *r = s->requests;

		s->requests = r->next;
		r->done(r->arg, false, "the daemon is stopping");
		free(r);
	}
}
