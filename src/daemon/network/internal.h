/* What the files of the network side's process share. */
#ifndef DAEMON_NETWORK_INTERNAL_H
#define DAEMON_NETWORK_INTERNAL_H

#include "base/loop.h"
#include "base/msg.h"
#include "daemon/config/config.h"
#include "daemon/network/peers.h"
#include "inbound/inbound.h"
#include "outbound/outbound.h"

struct network {
	struct loop *loop;
	struct channel *master, *signer;
	struct config *config;
	struct config_index *zones; /* of it */
	struct network_peers *peers;
	struct store *store;
	struct inbound *inbound;
	struct outbound *outbound;
	struct handed *handed[1021]; /* by the hash of the zone's name */
	struct loop_timer *store_again;
	bool sandboxed;
	bool has_signer; /* one has said hello, now or before */
	int udp_fd;	    /* waiting for its TCP half */
	int waiting[64][2]; /* listeners that came before the store */
	unsigned waiting_count;
	struct asked *asked; /* probes under way */
	unsigned asked_count;
	struct deliver *deliver; /* of notices; NULL: none were ever configured */
	struct loop_timer *settle; /* a look of the virtual clock that is not answered yet */
	bool settling;
	uint32_t look;
	unsigned settle_wait_ms;
};

/* network/deliver.c */
void network_deliver(struct network *n, struct reader *body); /* PROTO_DELIVER */
void network_deliver_configure(struct network *n);
void network_deliver_cancel(struct network *n); /* who asked for it is gone */

/* network/handed.c */
void network_send(struct network *n, uint16_t type, struct buf *body); /* to the signing side; frees body */
void network_received(void *network, const uint8_t *apex, const char *source, uint32_t serial,
    const char *path);
void network_judged(struct network *n, const uint8_t *apex);
void network_hand_over(struct network *n); /* all that was not judged, to a new signing side */
void network_forget_handed(struct network *n);

/* network/leap.c */
void network_look(struct network *n, struct reader *body); /* PROTO_LOOK */
void network_settle(void *network);

/* network/probe.c */
void network_probe(struct network *n, struct reader *body); /* PROTO_PROBE */
void network_send_message(struct network *n, struct reader *body); /* PROTO_SEND */
void network_probes_keep_keys(struct network *n);
void network_probes_cancel(struct network *n);

#endif
