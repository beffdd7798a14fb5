/* outbound_rig_copy: a secondary's copy of a zone, brought up to date by AXFR and IXFR as RFC 1995
 * has it, and strict: a record that is removed must be there, one that is added must not. */
#include "outbound_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/mem.h"
#include "dns/rdata.h"

/* owner, type, TTL, RDATA: as they came */
struct rig_record {
	size_t len;
	uint8_t data[];
};

static int compare(const void *a, const void *b)
{
	const struct rig_record *const *x = a, *const *y = b;
	size_t len = (*x)->len < (*y)->len ? (*x)->len : (*y)->len;
	int order = memcmp((*x)->data, (*y)->data, len);

	return order != 0 ? order : ((*x)->len > (*y)->len) - ((*x)->len < (*y)->len);
}

static struct rig_record *record_new(struct rig_answer *a, const struct packet_rr *rr)
{
	struct rig_record *record;
	struct buf b = {0};

	buf_put(&b, rr->owner, name_len(rr->owner));
	buf_u16(&b, rr->type);
	buf_u32(&b, rr->ttl);
	if (rdata_from_message(rr->type, a->msg, a->packet.len, rr->rdata, rr->rdlen, &b, NULL) !=
	    OK)
		rig_die("RDATA of a transfer");
	record = mem_alloc(sizeof(*record) + b.len);
	record->len = b.len;
	memcpy(record->data, b.data, b.len);
	buf_free(&b);
	return record;
}

static unsigned find(const struct rig_copy *c, const struct rig_record *record)
{
	unsigned i = 0;

	while (i < c->count && compare(&c->records[i], &record) != 0)
		i++;
	return i;
}

static bool copy_add(struct rig_copy *c, struct rig_record *record)
{
	if (find(c, record) < c->count) {
		free(record);
		return false;
	}
	c->records = mem_grow(c->records, c->count + 1, sizeof(c->records[0]));
	c->records[c->count++] = record;
	return true;
}

static bool copy_remove(struct rig_copy *c, struct rig_record *record)
{
	unsigned at = find(c, record);

	free(record);
	if (at == c->count)
		return false;
	free(c->records[at]);
	c->records[at] = c->records[--c->count];
	return true;
}

void rig_copy_clear(struct rig_copy *c)
{
	for (unsigned i = 0; i < c->count; i++)
		free(c->records[i]);
	free(c->records);
	*c = (struct rig_copy){0};
}

bool rig_copy_equal(struct rig_copy *a, struct rig_copy *b)
{
	if (a->count > 0)
		qsort(a->records, a->count, sizeof(a->records[0]), compare);
	if (b->count > 0)
		qsort(b->records, b->count, sizeof(b->records[0]), compare);
	for (unsigned i = 0; i < a->count && i < b->count; i++) {
		if (compare(&a->records[i], &b->records[i]) != 0)
			return false;
	}
	return a->count == b->count && a->serial == b->serial;
}

/* A transfer that is being taken. */
struct taking {
	struct rig_copy *copy;
	unsigned records;   /* so far */
	uint32_t serial;    /* that it leads to */
	bool is_difference; /* IXFR */
	bool is_adding;
	bool at_end;
	const char *trouble;
};

static uint32_t serial_of(struct rig_answer *a, const struct packet_rr *rr)
{
	struct buf b = {0};
	struct soa soa = {0};

	if (rdata_from_message(RR_SOA, a->msg, a->packet.len, rr->rdata, rr->rdlen, &b, NULL) !=
		OK ||
	    soa_parse(b.data, b.len, &soa) != OK)
		rig_die("SOA of a transfer");
	buf_free(&b);
	return soa.serial;
}

/* The SOAs of an IXFR say what follows: removed records, or added ones, or nothing. */
static void take_soa(struct taking *t, uint32_t serial)
{
	if (t->is_adding && t->copy->serial == t->serial) {
		t->at_end = true;
		if (serial != t->serial)
			t->trouble = "the last SOA is not the first one";
	} else if (t->is_adding) {
		t->is_adding = false;
		if (serial != t->copy->serial)
			t->trouble = "a step that does not begin where the last one ended";
	} else {
		t->is_adding = true;
		t->copy->serial = serial;
	}
}

static void take_second(struct taking *t, const struct packet_rr *rr, uint32_t serial)
{
	t->is_difference = rr->type == RR_SOA && t->copy->serial != t->serial;
	if (t->is_difference && serial != t->copy->serial)
		t->trouble = "the first step does not begin with our version";
	if (t->is_difference)
		return;
	rig_copy_clear(t->copy);
	t->copy->serial = t->serial;
}

static void take(struct taking *t, struct rig_answer *a, const struct packet_rr *rr)
{
	uint32_t serial = rr->type == RR_SOA ? serial_of(a, rr) : 0;

	if (t->records++ == 0) {
		t->serial = serial;
		if (rr->type != RR_SOA)
			t->trouble = "it does not begin with the SOA";
		return;
	}
	if (t->records == 2)
		take_second(t, rr, serial);
	else if (rr->type == RR_SOA && t->is_difference)
		take_soa(t, serial);
	else
		t->at_end = rr->type == RR_SOA;
	if (t->trouble != NULL || (t->at_end && t->is_difference))
		return;
	if (t->is_difference && !t->is_adding) {
		if (!copy_remove(t->copy, record_new(a, rr)))
			t->trouble = "a record is removed that is not there";
	} else if (!copy_add(t->copy, record_new(a, rr))) {
		t->trouble = "a record is added that is there";
	}
}

static void take_message(struct taking *t, struct rig_answer *a, struct tsig_state *tsig)
{
	struct packet_rr rr;
	struct err e = {0};

	if (packet_rcode(&a->packet) != RCODE_NOERROR)
		t->trouble = packet_rcode_name(packet_rcode(&a->packet));
	else if (tsig->key != NULL &&
		 (a->packet.tsig_offset == 0 ||
		     tsig_verify_answer(tsig, &a->packet, false, clock_real(), &e) != OK))
		t->trouble = "a message that is not signed well";
	while (t->trouble == NULL && packet_next(&a->packet, &rr) == OK) {
		if (rr.type == RR_OPT)
			continue;
		if (t->at_end)
			t->trouble = "records behind the last SOA";
		else
			take(t, a, &rr);
	}
}

/* One message with one SOA is an answer, too. */
static bool is_whole(const struct taking *t)
{
	return t->at_end || t->trouble != NULL || t->records <= 1;
}

static void receive(
    struct rig *r, const struct rig_query *q, bool tcp, struct taking *t, unsigned *messages)
{
	struct rig_answer *a = mem_alloc(sizeof(*a));
	struct packet_builder b = {0};
	struct tsig_state tsig;
	int fd = -1;
	bool came;

	rig_build(q, &b, &tsig);
	if (tcp) {
		fd = rig_connect(r, q->from);
		rig_send(r, fd, b.buf.data, b.buf.len);
	}
	*messages = 0;
	do {
		came =
		    tcp ? rig_receive(r, fd, a) : rig_udp_raw(r, q->from, b.buf.data, b.buf.len, a);
		if (came)
			take_message(t, a, &tsig);
		*messages += came;
	} while (came && tcp && !is_whole(t));
	if (!is_whole(t) || *messages == 0)
		t->trouble = "it ends too early";
	if (fd >= 0)
		close(fd);
	tsig_state_free(&tsig);
	packet_builder_free(&b);
	free(a);
}

enum rig_got rig_copy_fetch(
    struct rig *r, struct rig_copy *c, const struct rig_query *ask, bool tcp, unsigned *messages)
{
	struct rig_query q = *ask;
	struct taking t = {.copy = c};

	q.ixfr_serial = q.type == RR_IXFR ? c->serial : 0;
	receive(r, &q, tcp, &t, messages);
	if (t.trouble != NULL) {
		fprintf(stderr, "# transfer to serial %u, record %u: %s\n", t.serial, t.records,
		    t.trouble);
		return RIG_GOT_TROUBLE;
	}
	return t.records == 1 ? RIG_GOT_SOA : t.is_difference ? RIG_GOT_IXFR : RIG_GOT_AXFR;
}
