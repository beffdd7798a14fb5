/* Lists of parts of requests.  Runs in the signing side. */
#include "pkcs11/client.h"

#define SMALL_MAX 16 /* signatures in a request: a change of a few records */

void queue_init(struct queue *q)
{
	q->first = NULL;
	q->last = &q->first;
	q->items = 0;
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
	q->items += p->count;
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
	q->items -= p->count;
	return p;
}

struct pending *queue_take(struct queue *q)
{
	return unlink_at(q, &q->first);
}

struct pending *queue_take_part(struct queue *q, unsigned most)
{
	struct pending *part;
	unsigned parts;

	if (q->first == NULL || q->first->count <= most)
		return queue_take(q);
	parts = (q->first->count + most - 1) / most;
	part = pending_split(q->first, (q->first->count + parts - 1) / parts);
	q->items -= part->count;
	return part;
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
	q->items += front->items;
	queue_init(front);
}

void line_init(struct line *l)
{
	queue_init(&l->small);
	queue_init(&l->large);
	l->ahead = 0;
}

bool line_is_empty(const struct line *l)
{
	return queue_is_empty(&l->small) && queue_is_empty(&l->large);
}

struct queue *line_of(struct line *l, const struct pending *p)
{
	return p->request->count <= SMALL_MAX ? &l->small : &l->large;
}

struct queue *line_turn(struct line *l)
{
	if (queue_is_empty(&l->small) || queue_is_empty(&l->large))
		l->ahead = 0;
	if (queue_is_empty(&l->small))
		return queue_is_empty(&l->large) ? NULL : &l->large;
	return l->ahead > 0 ? &l->large : &l->small;
}

void line_note(struct line *l, const struct queue *q, unsigned count)
{
	l->ahead += q == &l->small ? (int64_t)count : -(int64_t)count;
}
