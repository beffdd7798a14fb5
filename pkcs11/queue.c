/* Lists of requests without a reply.  Runs in the signing side. */
#include <stdlib.h>
#include "pkcs11/client.h"

void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

bool queue_is_empty(const struct queue *q)
{
	return q->first == NULL;
}

void queue_append(struct queue *q, struct pending *p)
{
	p->next = NULL;
	*q->last = p;
	q->last = &p->next;
}

static struct pending *unlink_at(struct queue *q, struct pending **link)
{
	struct pending *p = *link;

	if (p == NULL)
		return NULL;
	*link = p->next;
	if (p->next == NULL)
		q->last = link;
	p->next = NULL;
	return p;
}

struct pending *queue_take(struct queue *q)
{
	return unlink_at(q, &q->first);
}

struct pending *queue_take_id(struct queue *q, uint32_t id)
{
	struct pending **link = &q->first;

	while (*link != NULL && (*link)->id != id)
		link = &(*link)->next;
	return unlink_at(q, link);
}

void queue_put_before(struct queue *q, struct queue *front)
{
	if (queue_is_empty(front))
		return;
	*front->last = q->first;
	if (q->first == NULL)
		q->last = front->last;
	q->first = front->first;
	queue_init(front);
}

void pending_free(struct pending *p)
{
	buf_free(&p->message);
	buf_free(&p->reply);
	free(p->failure);
	free(p);
}
