/* wire: requests and replies as messages between the signing side and a token worker.
 *
 *   WIRE_START    client -> worker   log in now (a second worker waits until the first one's PIN
 *                                    proved right: tokens count wrong ones)
 *   WIRE_REQUEST  client -> worker   id, request
 *   WIRE_STATE    worker -> client   up or why not
 *   WIRE_ALIVE    worker -> client   id of a request that takes long and goes on
 *   WIRE_REPLY    worker -> client   id, flags, a piece of the reply; the pieces of one reply come in
 *                                    order, others' may come in between
 *
 * Both ends check everything: a worker runs a vendor's code and is not trusted by the signing side. */
#ifndef PKCS11_WIRE_H
#define PKCS11_WIRE_H

#include "pkcs11/token.h"

enum wire_type { WIRE_START = 1, WIRE_REQUEST, WIRE_STATE, WIRE_ALIVE, WIRE_REPLY };

enum wire_flag {
	WIRE_MORE = 1, /* pieces of this reply follow */
	WIRE_AWAY = 2  /* the token went away: another worker, or this one later, may do better */
};
#define WIRE_PAUSE_MS 200 /* ... later: so long */

#define WIRE_PIECE (150 * 1024) /* octets of a reply in one message: a full sign reply fits */
#define WIRE_REPLY_MAX ((size_t)512 << 20)

struct wire_state {
	bool up, final; /* final: it will not try again */
	struct err why;
};

/* What a decoded request or reply points to beside the message itself. */
struct wire_room {
	struct token_sign_item items[TOKEN_BATCH_MAX];
	struct token_key *keys;
	struct token_record *records;
};
void wire_room_free(struct wire_room *room);

/* ERR_ARGUMENT if the request breaks the bounds of token.h. */
int wire_check_items(const struct token_request *r, struct err *e);
int wire_put_request(struct buf *out, uint32_t id, const struct token_request *r, struct err *e);
int wire_get_request(struct reader *in, uint32_t *id, struct token_request *r,
    struct wire_room *room);
void wire_put_reply(struct buf *out, const struct token_reply *reply);
int wire_get_reply(struct reader *in, struct token_reply *reply, struct wire_room *room);
void wire_put_state(struct buf *out, const struct wire_state *s);
int wire_get_state(struct reader *in, struct wire_state *s);

#endif
