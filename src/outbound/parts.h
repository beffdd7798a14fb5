/* parts: what the files of this room share.  Nobody outside the room includes it, except its tests.
 *
 * Everything runs in the network side's one thread and does its work in slices: no call here blocks,
 * and none does more than about a megabyte of work before the loop gets its turn. */
#ifndef OUTBOUND_PARTS_H
#define OUTBOUND_PARTS_H

#include "dns/edns.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"
#include "dns/soa.h"
#include "outbound/outbound.h"
#include "zone/journal.h"

/* Bounds and times (milliseconds of the monotonic clock); tests make them shorter. */
struct out_limits {
	unsigned connections;      /* TCP, overall */
	unsigned connections_host; /* TCP, from one address */
	unsigned transfers;        /* under way at once: each holds a snapshot of the store */
	unsigned transfers_host;   /* of these, to one address */
	uint64_t idle;             /* a connection without a whole query */
	uint64_t pace, pace_octets; /* what a client takes must be so many octets in that time */
	uint64_t transfer;         /* a transfer in all */
	unsigned notify_tries;
	uint64_t ask;       /* wait for the answer to one NOTIFY or SOA query */
	uint64_t seen_wait; /* after a NOTIFY or a transfer, before the first SOA query */
	uint64_t seen;      /* the destination must show the new serial within this */
	uint64_t ask_again, seen_again; /* the same where it had failed before, and nothing is new */
	int64_t again, again_most; /* calendar seconds: it is looked at without a reason so often, at least and
				    * at most; between the two by the zone's SOA refresh, or by how often it failed */
	uint64_t file_again; /* write an output file again after an error */
	uint64_t sweep;      /* how often the bounds above are looked at */
};

#define OUT_OPT_LEN 11     /* an OPT record without options */
#define OUT_EDNS_SIZE 1232 /* what we can take over UDP, and the most we send */

struct out_destination;
struct out_connection;
struct out_udp;
struct out_listener;
struct out_asker;
struct out_files;
struct out_stream;
struct out_socket;

/* What tells one signature over the SOA from any other. */
#define OUT_STAMPS_MAX 8
struct out_stamp {
	uint16_t tag;
	uint8_t algorithm;
	uint32_t inception, expiration;
};

struct out_zone {
	struct outbound *out;
	uint8_t apex[NAME_MAX_LEN]; /* lower case */
	char *text;
	char *output_file; /* NULL: none */
	bool suspended;
	bool ends_with_source; /* it is not answered any more when its source's version has expired */
	bool announce_wanted; /* a version came, and the store could not be read */
	bool has_version; /* the next six are of the version last announced to us */
	uint32_t serial;
	struct buf soa; /* its SOA's RDATA */
	uint32_t soa_ttl, soa_refresh;
	struct out_stamp stamps[OUT_STAMPS_MAX];
	unsigned stamp_count; /* 0: it is unsigned */
	bool has_distrust; /* the journal could not be read to the end from a version before this one: such */
	uint32_t distrust_before; /* versions get the whole zone */
	struct out_destination **destinations; /* an array, each allocated */
	unsigned destination_count;
	bool file_wanted; /* a version was announced that is not in the output file yet */
	uint64_t file_due; /* not before */
	struct out_zone *file_next;
};

struct outbound {
	struct loop *loop;
	struct store *store;
	struct outbound_hooks hooks;
	struct out_limits limits;
	struct out_zone **zones; /* sorted by apex */
	unsigned zone_count;
	struct out_udp *udp;             /* list */
	struct out_listener *listeners;  /* list */
	struct out_connection *connections; /* list, most recently accepted first */
	unsigned connection_count;
	unsigned transfer_count;
	struct out_asker *asker;
	struct out_files *files;
	struct loop_timer *sweep;
	struct { /* lines about refused strangers are limited, or they would fill the disk */
		uint64_t since;
		unsigned lines;
		unsigned dropped;
	} noise;
};

/* outbound.c */
struct out_zone *out_zone_find(const struct outbound *out, const uint8_t *name);
/* log_notice, for what anybody can provoke: at most 20 lines in 10 s, the rest is counted. */
void out_noise(struct outbound *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* acl.c: NULL if the peer may have the zone, else why not. */
const char *out_acl_refuses(const struct out_zone *z, const struct sockaddr_storage *from,
    const struct tsig_key *key);
/* Is it that destination who asks?  key: what he signed with, NULL: nothing. */
bool out_acl_is(const struct out_destination *d, const struct sockaddr_storage *from,
    const struct tsig_key *key);

/* expire.c: the remaining life of what a secondary gets (RFC 7314). */
struct out_life {
	uint32_t soa_expire;
	int64_t source_expires, signatures_expire; /* calendar; 0: they set no end */
};
struct out_life out_life_of(const struct out_zone *z, const struct zone_head *h, uint32_t soa_expire);
/* false: nothing is to be said, since an end is passed. */
bool out_expire(const struct out_life *life, int64_t now, uint32_t *seconds);

/* version.c: one whole version of a zone as a sequence of RRsets, the SOA first. */
struct out_version {
	struct zone_head head;
	struct snapshot *snapshot;
	struct walk walk;
	bool walking;
	bool has_soa; /* the SOA has been given */
	struct rrset soa;
};
/* OK; ERR_MISSING: nothing that may be published (e says why); or the store's error. */
int out_version_open(const struct out_zone *z, struct out_version *v, struct err *e);
/* The next RRset, borrowed until the call after it: OK, ERR_MISSING at the end, or an error. */
int out_version_next(struct out_version *v, struct rrset *set, struct err *e);
void out_version_close(struct out_version *v);

/* answer.c: a query becomes an answer. */
struct out_query {
	const uint8_t *msg; /* not trusted */
	size_t len;
	struct sockaddr_storage from;
	bool is_tcp;
	/* filled in by out_answer */
	struct packet packet;
	struct edns edns;
	const struct tsig_key *key; /* verified; NULL: not signed */
};
struct out_reply {
	struct packet_builder message; /* reused from answer to answer */
	struct tsig_state tsig;
	bool is_signed; /* tsig is to be used */
	bool has_expire; /* the answer says for how long the client may serve what it has */
	uint32_t expire;
	struct out_stream *stream; /* not NULL: the answer is this stream, the receiver's to free */
};
/* OK: send reply->message, or stream; ERR_AGAIN: too many transfers, ask again when one has ended;
 * ERR_MISSING: say nothing. */
int out_answer(struct outbound *out, struct out_query *q, struct out_reply *reply);
/* Header and question of an answer; a limit for its size that leaves room for OPT and TSIG. */
void out_reply_begin(struct out_reply *reply, const struct out_query *q, unsigned rcode, bool aa);
size_t out_tsig_room(const struct tsig_key *key);
/* The OPT record of an answer: its length, and the record.  expire: NULL, or what EXPIRE says. */
size_t out_opt_room(const struct packet *query, const uint32_t *expire);
int out_opt_add(struct packet_builder *message, bool dnssec_ok, const uint32_t *expire);
void out_reply_clear(struct out_reply *reply); /* keeps the memory of message */
void out_reply_free(struct out_reply *reply);

/* transfer.c: queries for a zone that the peer may have. */
/* What the journal has of versions before this one is of no use. */
void out_distrust_journal(struct out_zone *z, uint32_t serial);
int out_answer_zone(struct outbound *out, struct out_query *q, struct out_zone *z,
    struct out_reply *reply, unsigned *rcode);

/* tkey.c: OK, and the answer but for OPT and TSIG is in reply; ERR_FORMAT: not a TKEY query. */
int out_answer_tkey(struct out_query *q, struct out_reply *reply);

/* source.c: what a transfer brings: the whole zone, or what has changed since the client's version. */
#define OUT_SOURCE_TEXT_SIZE 120
#define OUT_RECORD_TEXT_SIZE (256 + 6 + RRTYPE_TEXT_SIZE)
enum out_part { OUT_FIRST_SOA, OUT_BODY, OUT_LAST_SOA, OUT_END };
struct out_source {
	struct out_version version;
	struct journal *journal; /* NULL: the whole zone is sent */
	uint32_t since;          /* the client's version, with a journal or instead of one */
	const char *instead;     /* why no difference is sent to whom asked for one; NULL: nobody did */
	enum out_part part;
	/* the records of the RRset at hand that are still to be written, and then its signatures */
	struct rrset set;
	const uint8_t *next;
	unsigned left;
	bool in_sigs;
	uint64_t records; /* written */
};
/* The whole zone; results as out_version_open. */
int out_source_open(struct out_source *s, const struct out_zone *z, struct err *e);
/* What has changed since that version instead, from its beginning.  Not OK: there is no way from there, or it
 * has more records than `most` or than the zone, which is what is sent then. */
int out_source_since(struct out_source *s, uint32_t serial, uint64_t most);
/* The whole zone, from its beginning, though a difference was asked for. */
void out_source_whole(struct out_source *s, uint32_t since, const char *instead);
void out_source_close(struct out_source *s);
/* Write on into a message: OK: that was the end; ERR_LIMIT: it is full, go on in the next; or an error. */
int out_source_write(struct out_source *s, struct packet_builder *message, struct err *e);
void out_source_text(const struct out_source *s, char text[OUT_SOURCE_TEXT_SIZE]); /* "IXFR from 3 to 5" */
/* The record that comes next. */
void out_source_record_text(const struct out_source *s, char text[OUT_RECORD_TEXT_SIZE]);

/* stream.c: a source as a stream of messages, each at most 65535 octets. */
struct out_stream *out_stream_new(struct out_source *source, const struct out_query *q,
    struct out_reply *reply); /* takes the source and the TSIG state of reply */
/* The next message, complete, in message: OK, ERR_MISSING after the last, or an error. */
int out_stream_next(struct out_stream *s, struct packet_builder *message, struct err *e);
bool out_stream_has_more(const struct out_stream *s);
void out_stream_free(struct out_stream *s); /* NULL is fine */
struct out_stream_facts {
	const char *zone, *what;
	const uint8_t *apex;
	const struct tsig_key *key; /* what it is signed with; NULL: nothing */
	uint32_t serial;
	bool is_difference;
	uint64_t records, octets;
};
struct out_stream_facts out_stream_facts(const struct out_stream *s);

/* udp.c: datagrams. */
void out_udp_listen(struct outbound *out, int fd);
void out_udp_free(struct outbound *out);

/* listen.c: connections that come in. */
void out_tcp_listen(struct outbound *out, int fd);
void out_listeners_resume(struct outbound *out); /* after a pause for want of descriptors */
void out_listeners_free(struct outbound *out);

/* tcp.c: connections. */
/* Takes fd; false: there is no room, and fd is still the caller's. */
bool out_tcp_take(struct outbound *out, int fd, const struct sockaddr_storage *from);
/* May one more transfer begin, to that host? */
bool out_tcp_has_place(const struct outbound *out, const struct sockaddr_storage *from);
void out_tcp_sweep(struct outbound *out, uint64_t now); /* cut what is over the bounds */
void out_tcp_free(struct outbound *out);

/* socket.c: one UDP socket for questions to many hosts. */
/* code 0: a datagram from that address; else our own datagram to it did not arrive (errno). */
typedef void out_datagram_fn(void *arg, const struct out_socket *s, const uint8_t *msg, size_t len,
    const struct sockaddr_storage *peer, int code);
struct out_socket *out_socket_open(struct loop *l, const struct sockaddr_storage *local,
    out_datagram_fn *fn, void *arg, struct err *e);
void out_socket_free(struct out_socket *s);
bool out_socket_is_at(const struct out_socket *s, const struct sockaddr_storage *local);
/* OK also when the kernel had no room: that is like a lost datagram.  Else ERR_SYSTEM with errno. */
int out_socket_send(struct out_socket *s, const struct buf *message,
    const struct sockaddr_storage *to);

/* ask.c: questions of ours to destinations, over a few shared UDP sockets. */
/* code: OK: p is the answer, its TSIG verified; else why says what happened. */
typedef void out_ask_fn(void *arg, int code, const struct packet *p, const char *why);
struct out_ask {
	struct out_ask *next, *prev;
	struct out_host *host; /* NULL: not asking */
	bool is_sent;
	uint64_t sent_at, patience, deadline; /* milliseconds */
	uint16_t id;
	unsigned opcode;
	bool is_plain; /* without EDNS: a NOTIFY, or it is not understood there */
	const struct peer *peer;
	const struct out_zone *zone;
	struct tsig_state tsig;
	char trouble[200]; /* what came that could not be believed, or taken as final */
	out_ask_fn *fn;
	void *arg;
};
struct out_asker *out_asker_new(struct outbound *out);
void out_asker_free(struct out_asker *a);
/* NOTIFY with the zone's SOA, or a query for its SOA and signatures.  fn is called once, never from here.
 * ask->is_plain and ask->patience (0: the usual) are the caller's to set. */
void out_ask_start(struct out_asker *a, struct out_ask *ask, unsigned opcode,
    const struct out_zone *z, const struct peer *peer, out_ask_fn *fn, void *arg);
void out_ask_cancel(struct out_asker *a, struct out_ask *ask);
/* Every ask has been cancelled: close the sockets, forget the hosts. */
void out_asker_reset(struct out_asker *a);

/* look.c: a destination's answer to an SOA query. */
struct out_seen {
	bool has_serial;
	uint32_t serial;
	bool is_unsure; /* that no signatures came says nothing */
	struct out_stamp stamps[OUT_STAMPS_MAX];
	unsigned stamp_count;
};
unsigned out_look_stamps(const struct rrset *soa, struct out_stamp out[OUT_STAMPS_MAX]);
/* was_cut: the question was asked without DO, since the answer to one with it did not fit. */
void out_look_read(const struct packet *answer, const uint8_t *apex, bool was_cut,
    struct out_seen *out);
enum destination_signatures out_look_signatures(const struct out_zone *z, const struct out_seen *s);
/* When the first of the signatures seen expires; 0: none was. */
int64_t out_look_expires(const struct out_seen *s, int64_t now);
/* Is it our version, with our signatures?  Else why not. */
bool out_look_is_current(const struct out_zone *z, const struct out_seen *s,
    char why[DESTINATION_REASON_MAX]);

/* notify.c: what each destination knows of the zone's newest version. */
enum out_phase { OUT_IDLE, OUT_NOTIFYING, OUT_LOOKING, OUT_CHECKING };
struct out_destination {
	struct out_zone *zone;
	const struct peer *peer; /* borrowed until the next outbound_configure */
	char name[PEER_NAME_MAX];
	struct sockaddr_storage address;
	enum destination_status status;
	struct out_seen seen; /* what it showed last */
	char reason[DESTINATION_REASON_MAX];
	enum out_phase phase;
	unsigned tries;        /* in this phase, without success */
	unsigned failures;     /* how often it was given up since it was good, or a version was new */
	uint64_t since;        /* of the phase, monotonic */
	bool is_acknowledged;  /* it answered the last NOTIFY ... */
	unsigned notify_rcode; /* ... with this */
	bool fetched;          /* since the last version came up */
	char refused[160];     /* why it did not get what it asked us for last; "" */
	bool asks_plainly;     /* it is asked without EDNS ... */
	bool was_cut;          /* ... since its answer with signatures did not fit */
	struct loop_timer *timer;
	struct loop_event *again;
	struct out_ask ask;
};
struct out_destination *out_destination_new(struct out_zone *z, const struct peer *peer);
void out_destination_free(struct out_destination *d);
/* No question is under way after it; where one was, it is asked again soon. */
void out_destination_pause(struct out_destination *d);
void out_destination_version(struct out_destination *d); /* the zone has a new version */
/* It asked for its SOA, or fetched it: a reason to look at what it has sooner. */
void out_destination_seen(struct out_zone *z, const struct sockaddr_storage *from,
    const struct tsig_key *key, bool fetched);
/* Somebody at its address asked for the zone and did not get it: the destination itself, it may be. */
void out_destination_refused(struct out_zone *z, const struct sockaddr_storage *from,
    const char *why);

/* file.c: output files, one at a time. */
struct out_files *out_files_new(struct outbound *out);
void out_files_free(struct out_files *f);
bool out_files_busy(const struct out_files *f); /* or due */
void out_files_wake(struct out_files *f); /* some zone may want its file */
void out_files_want(struct out_files *f, struct out_zone *z); /* if it has one */
void out_files_forget(struct out_files *f, struct out_zone *z); /* it goes away, or is another one now */

#endif
