/* source: what a transfer brings, as records written into one message after the other.  An AXFR
 * (RFC 5936) is the version's SOA, all the rest, the SOA again; an IXFR (RFC 1995) is the SOA, what
 * the journal has between the client's version and this one, the SOA again.
 *
 * Runs in the network side; trusts the store.  A source holds a snapshot of the store, so whoever
 * has one must see to it that a client who does not read cannot hold it for ever. */
#include "outbound/parts.h"

#include <stdio.h>

static void take_rrset(struct out_source *s, const struct rrset *set, bool with_sigs)
{
	s->set = *set;
	s->next = set->rdata;
	s->left = set->count;
	s->in_sigs = false;
	if (!with_sigs)
		s->set.sigs = 0;
}

int out_source_open(struct out_source *s, const struct out_zone *z, struct err *e)
{
	*s = (struct out_source){.part = OUT_BODY};
	return out_version_open(z, &s->version, e);
}

void out_source_close(struct out_source *s)
{
	journal_close(s->journal);
	s->journal = NULL;
	out_version_close(&s->version);
}

void out_source_whole(struct out_source *s, uint32_t since, const char *instead)
{
	journal_close(s->journal);
	s->journal = NULL;
	s->part = OUT_BODY;
	s->left = s->set.sigs = 0;
	s->records = 0;
	s->since = since;
	s->instead = instead;
}

int out_source_since(struct out_source *s, uint32_t serial, uint64_t most)
{
	const struct zone_head *h = &s->version.head;
	uint64_t whole = h->records + h->signatures;
	int rc;

	out_source_whole(s, serial, "is not in the journal");
	rc = journal_open_within(
	    s->version.snapshot, h, serial, most < whole ? most : whole, &s->journal);
	if (rc == OK)
		s->part = OUT_FIRST_SOA;
	else if (rc == ERR_LIMIT)
		s->instead = "is more than the whole zone";
	return rc;
}

static int next_of_journal(struct out_source *s, struct rrset *set, struct err *e)
{
	struct journal_item item;
	int rc = journal_next(s->journal, &item);

	if (rc == OK)
		rc = rrset_unpack(item.packed, item.len, set);
	if (rc != OK && rc != ERR_MISSING)
		err_set(e, rc, "the journal cannot be read (%s)", err_name(rc));
	return rc;
}

/* The SOAs that open an IXFR and close both are frames: their signature is sent where it belongs,
 * with the zone's data, or with what was added. */
static int next_rrset(struct out_source *s, struct err *e)
{
	struct rrset set;
	int rc;

	switch (s->part) {
	case OUT_FIRST_SOA:
		s->part = OUT_BODY;
		take_rrset(s, &s->version.soa, false);
		return OK;
	case OUT_BODY:
		rc = s->journal != NULL ? next_of_journal(s, &set, e)
					: out_version_next(&s->version, &set, e);
		if (rc == OK)
			take_rrset(s, &set, true);
		if (rc != ERR_MISSING)
			return rc;
		s->part = OUT_LAST_SOA;
		take_rrset(s, &s->version.soa, false);
		return OK;
	default:
		s->part = OUT_END;
		return ERR_MISSING;
	}
}

/* Write what is left of the RRset at hand: OK when all of it is written, ERR_LIMIT when the message
 * is full. */
static int write_rrset(struct out_source *s, struct packet_builder *message)
{
	const struct rrset *set = &s->set;
	packet_add_fn *add = packet_add;
	uint16_t len;

	for (;;) {
		while (s->left > 0) {
			const uint8_t *next = s->next;
			const uint8_t *rdata = rrset_next(&next, &len);
			int rc = add(message, 1, set->owner, s->in_sigs ? RR_RRSIG : set->type,
			    set->ttl, rdata, len);

			if (rc != OK)
				return rc;
			add = packet_add_again;
			s->next = next;
			s->left--;
			s->records++;
		}
		if (s->in_sigs || set->sigs == 0)
			return OK;
		s->in_sigs = true;
		s->next = set->sigdata;
		s->left = set->sigs;
	}
}

int out_source_write(struct out_source *s, struct packet_builder *message, struct err *e)
{
	int rc = s->part == OUT_END ? ERR_MISSING : OK;

	while (rc == OK) {
		rc = write_rrset(s, message);
		if (rc == OK)
			rc = next_rrset(s, e);
	}
	return rc == ERR_MISSING ? OK : rc;
}

void out_source_record_text(const struct out_source *s, char text[OUT_RECORD_TEXT_SIZE])
{
	char owner[NAME_TEXT_SIZE], type[RRTYPE_TEXT_SIZE];

	name_text(s->set.owner, owner);
	rrtype_text(s->in_sigs ? RR_RRSIG : s->set.type, type);
	snprintf(text, OUT_RECORD_TEXT_SIZE, "%.255s type %s", owner, type);
}

void out_source_text(const struct out_source *s, char text[OUT_SOURCE_TEXT_SIZE])
{
	uint32_t serial = s->version.head.serial_out;

	if (s->journal != NULL)
		snprintf(text, OUT_SOURCE_TEXT_SIZE, "IXFR from %u to %u", s->since, serial);
	else if (s->instead != NULL)
		snprintf(text, OUT_SOURCE_TEXT_SIZE, "AXFR of %u (IXFR from %u %s)", serial,
		    s->since, s->instead);
	else
		snprintf(text, OUT_SOURCE_TEXT_SIZE, "AXFR of %u", serial);
}
