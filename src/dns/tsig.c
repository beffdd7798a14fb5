/* tsig: transaction signatures (RFC 8945 5).  Runs on the network side.  Whatever a message says
 * is believed only after its MAC has been compared. */
#include "dns/tsig.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include "dns/tsig_record.h"

#define MOST_UNSIGNED 99 /* RFC 8945 5.3.1 */

void tsig_state_init(struct tsig_state *s, const struct tsig_key *key)
{
	memset(s, 0, sizeof(*s));
	s->key = key;
	s->first = true;
}

void tsig_state_free(struct tsig_state *s)
{
	buf_free(&s->pending);
}

/* MAC the message in b with t's variables, append the record, remember the MAC. */
static int sign(
    struct tsig_state *s, struct packet_builder *b, struct tsig_record *t, bool times_only)
{
	uint8_t mac[TSIG_MAC_MAX];
	int rc;

	packet_end(b);
	memcpy(t->key, s->key->name, name_len(s->key->name));
	memcpy(t->algorithm, tsig_algorithm_wire(s->key->algorithm),
	    name_len(tsig_algorithm_wire(s->key->algorithm)));
	if (b->buf.failed)
		return ERR_LIMIT;
	t->original_id = load_u16(b->buf.data);
	rc = tsig_mac(s, b->buf.data, b->buf.len, t->original_id, b->counts[3], t, times_only, mac);
	if (rc != OK)
		return rc;
	t->mac = mac;
	t->mac_len = (uint16_t)tsig_mac_len(s->key->algorithm);
	tsig_record_append(b, t);
	memcpy(s->mac, mac, t->mac_len);
	s->mac_len = t->mac_len;
	s->original_id = t->original_id;
	return b->buf.failed ? ERR_LIMIT : OK;
}

int tsig_sign_query(struct tsig_state *s, struct packet_builder *b, int64_t now)
{
	struct tsig_record t = {.time = (uint64_t)now, .fudge = TSIG_FUDGE};

	s->mac_len = 0;
	s->first = true;
	return sign(s, b, &t, false);
}

/* BADKEY and BADSIG: nobody could check a MAC (RFC 8945 5.3.2). */
static int append_unsigned(const struct tsig_state *s, struct packet_builder *b, int64_t now)
{
	struct tsig_record t = {.time = (uint64_t)now, .fudge = TSIG_FUDGE, .error = s->error};

	packet_end(b);
	if (b->buf.failed)
		return ERR_LIMIT;
	t.original_id = load_u16(b->buf.data);
	memcpy(t.key, s->peer_key, name_len(s->peer_key));
	memcpy(t.algorithm, s->peer_algorithm, name_len(s->peer_algorithm));
	tsig_record_append(b, &t);
	return b->buf.failed ? ERR_LIMIT : OK;
}

int tsig_sign_answer(struct tsig_state *s, struct packet_builder *b, int64_t now)
{
	struct tsig_record t = {.time = (uint64_t)now, .fudge = TSIG_FUDGE, .error = s->error};
	uint8_t server_time[6];
	int rc;

	if (s->key == NULL || s->error == RCODE_BADKEY || s->error == RCODE_BADSIG)
		return append_unsigned(s, b, now);
	if (s->error == RCODE_BADTIME) {
		/* The client's own time, so that it accepts the MAC, and ours beside it (5.2.3). */
		t.time = s->peer_time;
		store_u16(server_time, (uint16_t)((uint64_t)now >> 32));
		store_u32(server_time + 2, (uint32_t)now);
		t.other = server_time;
		t.other_len = sizeof(server_time);
	}
	rc = sign(s, b, &t, !s->first);
	if (rc == OK)
		s->first = false;
	return rc;
}

static bool time_holds(const struct tsig_record *t, int64_t now)
{
	int64_t apart = now - (int64_t)t->time;

	return apart <= t->fudge && -apart <= t->fudge;
}

static int time_error(
    const struct tsig_record *t, int64_t now, const char *what, const char *key, struct err *e)
{
	return err_set(e, ERR_BADTIME,
	    "%s with TSIG key %s signed %lld s away from our clock; %u s are allowed", what, key,
	    llabs((long long)(now - (int64_t)t->time)), t->fudge);
}

/* Does the MAC, perhaps cut short, hold over the message?  OK, ERR_VERIFY, ERR_CRYPTO. */
static int check_mac(const struct tsig_state *s, const struct packet *p,
    const struct tsig_record *t, bool times_only)
{
	uint8_t mac[TSIG_MAC_MAX];
	int rc = tsig_mac(s, p->msg, p->len, t->original_id, p->counts[3], t, times_only, mac);

	if (rc == OK && CRYPTO_memcmp(mac, t->mac, t->mac_len) != 0)
		rc = ERR_VERIFY;
	return rc;
}

/* RFC 8945 5.2.2.1: no longer than the hash, no shorter than half of it or 10 octets. */
static bool mac_len_is_lawful(const struct tsig_record *t, enum tsig_algorithm a)
{
	size_t full = tsig_mac_len(a), least = full / 2 > 10 ? full / 2 : 10;

	return t->mac_len <= full && t->mac_len >= least;
}

/* An error that the peer reports in its answer. */
static int peer_error(
    struct tsig_state *s, const struct tsig_record *t, const char *key, struct err *e)
{
	s->error = t->error;
	switch (t->error) {
	case RCODE_BADKEY:
		return err_set(e, ERR_BADKEY,
		    "the server says BADKEY: it does not know the TSIG key %s with %s", key,
		    tsig_algorithm_name(s->key->algorithm));
	case RCODE_BADTIME:
		return err_set(e, ERR_BADTIME,
		    "the server says BADTIME for TSIG key %s: its clock and ours differ too much",
		    key);
	default:
		return err_set(e, ERR_BADSIG,
		    "the server says %s for TSIG key %s: the secrets are not the same",
		    packet_rcode_name(t->error), key);
	}
}

static int accept_unsigned(
    struct tsig_state *s, const struct packet *p, bool last, const char *key, struct err *e)
{
	const char *why = NULL;

	if (s->first)
		why = "the first message of an answer must be signed";
	else if (last)
		why = "the last message of a stream must be signed";
	else if (++s->unsigned_run > MOST_UNSIGNED)
		why = "more than 99 messages in a row are unsigned";
	if (why != NULL) {
		s->error = RCODE_BADSIG;
		return err_set(e, ERR_BADSIG, "answer without a TSIG of key %s: %s", key, why);
	}
	buf_put(&s->pending, p->msg, p->full_len);
	if (s->pending.failed)
		return err_set(e, ERR_LIMIT, "out of memory for the unsigned messages of a stream");
	return OK;
}

/* Key, MAC, the peer's errors and time of a signed answer. */
static int check_answer(struct tsig_state *s, const struct packet *p, const struct tsig_record *t,
    int64_t now, const char *key, struct err *e)
{
	size_t full = tsig_mac_len(s->key->algorithm);
	int rc;

	if (!name_equal(t->key, s->key->name) ||
	    tsig_algorithm_from_wire(t->algorithm) != s->key->algorithm) {
		s->error = RCODE_BADKEY;
		return err_set(e, ERR_BADKEY, "answer signed with another TSIG key than %s", key);
	}
	/* Unsigned, so anybody could say it; but without a MAC the answer is no good in any case.
	 */
	if (t->mac_len == 0 && t->error != RCODE_NOERROR)
		return peer_error(s, t, key, e);
	if (t->mac_len != full)
		return err_set(e, ERR_BADSIG,
		    "answer with a TSIG of key %s whose MAC has %u octets, not %zu", key,
		    t->mac_len, full);
	rc = check_mac(s, p, t, !s->first);
	if (rc == ERR_CRYPTO)
		return err_set(e, rc, "HMAC for TSIG key %s failed in OpenSSL", key);
	if (rc != OK)
		return err_set(
		    e, ERR_BADSIG, "the MAC of an answer with TSIG key %s does not hold", key);
	s->peer_time = t->time;
	if (t->error == RCODE_BADTIME && t->other_len == 6) /* the server's own (RFC 8945 5.2.3) */
		s->peer_time = (uint64_t)load_u16(t->other) << 32 | load_u32(t->other + 2);
	if (t->error != RCODE_NOERROR)
		return peer_error(s, t, key, e);
	if (!time_holds(t, now)) {
		s->error = RCODE_BADTIME;
		return time_error(t, now, "answer", key, e);
	}
	return OK;
}

int tsig_verify_answer(
    struct tsig_state *s, const struct packet *p, bool last, int64_t now, struct err *e)
{
	char key[NAME_TEXT_SIZE];
	struct tsig_record t;
	int rc;

	name_text(s->key->name, key);
	if (p->tsig_offset == 0)
		return accept_unsigned(s, p, last, key, e);
	s->error = RCODE_BADSIG;
	if (tsig_record_parse(p, &t) != OK)
		return err_set(
		    e, ERR_FORMAT, "answer with a malformed TSIG (key %s asked for)", key);
	rc = check_answer(s, p, &t, now, key, e);
	if (rc != OK)
		return rc;
	memcpy(s->mac, t.mac, t.mac_len);
	s->mac_len = t.mac_len;
	s->first = false;
	s->unsigned_run = 0;
	s->error = RCODE_NOERROR;
	buf_reset(&s->pending);
	return OK;
}

/* The checks of a query in the order of RFC 8945 5.2: key, MAC, time, truncation. */
static int check_query(struct tsig_state *s, const struct packet *p, const struct tsig_record *t,
    int64_t now, const char *name, struct err *e)
{
	int rc;

	if (!mac_len_is_lawful(t, s->key->algorithm))
		return err_set(e, ERR_FORMAT, "query whose TSIG (key %s) has a MAC of %u octets",
		    name, t->mac_len);
	rc = check_mac(s, p, t, false);
	if (rc == ERR_CRYPTO)
		return err_set(e, rc, "HMAC for TSIG key %s failed in OpenSSL", name);
	if (rc != OK) {
		s->error = RCODE_BADSIG;
		return err_set(
		    e, ERR_BADSIG, "the MAC of a query with TSIG key %s does not hold", name);
	}
	memcpy(s->mac, t->mac, t->mac_len);
	s->mac_len = t->mac_len;
	if (!time_holds(t, now)) {
		s->error = RCODE_BADTIME;
		return time_error(t, now, "query", name, e);
	}
	if (t->mac_len != tsig_mac_len(s->key->algorithm)) {
		s->error = RCODE_BADTRUNC;
		return err_set(e, ERR_BADSIG, "query with a truncated MAC of TSIG key %s", name);
	}
	return OK;
}

int tsig_verify_query(struct tsig_state *s, const struct packet *p, tsig_lookup_fn *lookup,
    void *arg, int64_t now, struct err *e)
{
	char name[NAME_TEXT_SIZE];
	struct tsig_record t;
	enum tsig_algorithm algorithm;

	tsig_state_init(s, NULL);
	if (p->tsig_offset == 0)
		return ERR_MISSING;
	if (tsig_record_parse(p, &t) != OK)
		return err_set(e, ERR_FORMAT, "query with a malformed TSIG");
	name_text(t.key, name);
	memcpy(s->peer_key, t.key, sizeof(s->peer_key));
	memcpy(s->peer_algorithm, t.algorithm, sizeof(s->peer_algorithm));
	s->peer_time = t.time;
	s->original_id = t.original_id;
	algorithm = tsig_algorithm_from_wire(t.algorithm);
	s->key = algorithm != 0 ? lookup(arg, t.key, algorithm) : NULL;
	if (s->key == NULL) {
		s->error = RCODE_BADKEY;
		return err_set(e, ERR_BADKEY, "query signed with an unknown TSIG key %s", name);
	}
	return check_query(s, p, &t, now, name, e);
}

bool tsig_time(const struct packet *p, int64_t *out)
{
	struct tsig_record t;

	if (p->tsig_offset == 0 || tsig_record_parse(p, &t) != OK)
		return false;
	*out = (int64_t)t.time;
	return true;
}
