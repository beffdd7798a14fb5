/* msg: typed messages between processes over a SOCK_SEQPACKET socketpair.
 *
 * A message is a u16 type and a body of at most MSG_MAX octets, and may carry one descriptor.
 * Bodies are written with buf and read with reader (base/buf.h): bounds checked, never raw structs.
 * Sending never blocks: what the socket does not take now is queued and sent by the loop. */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/loop.h"

#define MSG_MAX (160 * 1024)

struct channel;

/* body is borrowed for the call; fd is -1 or given to the receiver, who closes it.
 * closed: the other end is gone (type 0, empty body); free the channel from here or later. */
typedef void channel_fn(void *arg, uint16_t type, struct reader *body, int fd);

/* A connected pair of descriptors with CLOEXEC set; OK or ERR_SYSTEM. */
int msg_pair(int out[2]);

/* Takes fd.  fn is called for each message, and once with type 0 when the other end closes. */
struct channel *channel_new(struct loop *l, int fd, channel_fn *fn, void *arg);
void channel_free(struct channel *c); /* NULL is fine */
/* body and fd are borrowed (fd is duplicated).  type > 0. */
void channel_send(struct channel *c, uint16_t type, const struct buf *body, int fd);
size_t channel_queued(const struct channel *c); /* messages not yet taken by the socket */

/* For threads of a token worker, without a loop: block for one message / send one.  -1 with errno,
 * else the body's length and *type; at the end 0 and *type 0.  Safe for many threads on one descriptor. */
ssize_t msg_recv_blocking(int fd, uint16_t *type, uint8_t *body, size_t size);
int msg_send_blocking(int fd, uint16_t type, const void *body, size_t len);

#endif
