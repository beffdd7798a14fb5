/* token: what the rest of the program knows of a PKCS#11 token.  No PKCS#11 type appears here.
 *
 * A request goes in, a reply comes back through a callback: at once with the `local` implementation
 * (token_open_local: the worker process, intaglio-hsm, tests), later from the loop with the `client`
 * one (token_open_client: messages to workers).  Requests of one class are served in order, but
 * small sign requests take turns with large ones; classes in the order of enum token_class.  A sign
 * request is spread over the sessions that are free; what has gone to a session is not taken back for an
 * urgent one.  A reply comes exactly once for each request, also when a worker
 * was lost (sign requests are then sent again; others end in ERR_TOKEN or ERR_AGAIN). */
#ifndef PKCS11_TOKEN_H
#define PKCS11_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/msg.h"
#include "base/secret.h"

#define TOKEN_ID_LEN 16
#define TOKEN_LABEL_MAX 64
#define TOKEN_SIG_MAX 512
#define TOKEN_BATCH_MAX 256            /* items in a sign request */
#define TOKEN_BATCH_OCTETS (96 * 1024) /* their messages together */

enum token_op {
	TOKEN_SIGN = 1,   /* items[] -> signatures[] */
	TOKEN_GENERATE,   /* id, label, algorithm, bits -> key.  An existing id is returned, not made anew */
	TOKEN_LIST,       /* -> keys[] and records[], all of ours, one listing */
	TOKEN_PUT_RECORD, /* label, value -> created, read back and compared */
	TOKEN_DROP_RECORD, /* label (exact) */
	TOKEN_DROP_KEY,   /* id: both halves */
	TOKEN_RANDOM,     /* length -> value */
	TOKEN_CAPS,       /* -> caps */
	TOKEN_NEWS        /* -> records[]: those that this worker has not listed before.  One search */
};

enum token_class { TOKEN_EMERGENCY, TOKEN_KEYSET, TOKEN_CHANGE, TOKEN_REFRESH, TOKEN_CLASSES };

struct token_sign_item {
	uint8_t id[TOKEN_ID_LEN];
	uint8_t algorithm;   /* DNSSEC number; decides the mechanism */
	uint32_t len;
	const uint8_t *data; /* digest (algorithms 8 to 14) or whole message (15, 16); borrowed */
};

struct token_request {
	enum token_op op;
	enum token_class class;
	uint8_t id[TOKEN_ID_LEN];
	char label[TOKEN_LABEL_MAX];
	uint8_t algorithm; /* GENERATE: DNSSEC number */
	uint16_t bits;     /* GENERATE: RSA modulus */
	bool extractable;  /* GENERATE: may be wrapped for back-up */
	uint32_t length;   /* RANDOM */
	const uint8_t *value; /* PUT_RECORD; borrowed during token_submit */
	size_t value_len;
	const struct token_sign_item *items; /* SIGN; borrowed during token_submit */
	unsigned item_count;
};

struct token_key {
	uint8_t id[TOKEN_ID_LEN];
	char label[TOKEN_LABEL_MAX];
	uint8_t algorithm;  /* from the birth label, checked against the key's type; 0: cannot tell */
	bool has_private;
	const uint8_t *pub; /* as in DNSKEY (RFC 3110, 6605, 8080); borrowed for the callback */
	size_t pub_len;     /* 0: the token keeps no public half */
};
struct token_record {
	char label[TOKEN_LABEL_MAX];
	const uint8_t *value;
	size_t value_len;
};
struct token_caps {
	char token_label[33], serial[17], manufacturer[33], model[17], module[64];
	uint32_t algorithms;  /* bit n: DNSSEC algorithm n can be generated and signed with */
	bool data_objects;    /* CKO_DATA can be made: records can be kept */
	bool private_objects; /* ... with CKA_PRIVATE true */
	bool session_copies;  /* C_CopyObject with CKA_TOKEN false */
	bool wrapping;        /* AES key wrap with padding, both ways */
	uint64_t max_sessions; /* 0: no limit known */
};

struct token_reply {
	enum token_op op;
	int code;       /* OK, or what went wrong: */
	struct err err; /* with ckr and words */
	uint32_t sign_us; /* that the token took for the signatures, one after the other */
	unsigned signature_count;
	struct {
		int code; /* per item: OK or ERR_TOKEN */
		uint16_t len;
		const uint8_t *data; /* raw, as in the RRSIG; borrowed for the callback */
	} signatures[TOKEN_BATCH_MAX];
	struct token_key key; /* GENERATE */
	const struct token_key *keys;
	size_t key_count;
	const struct token_record *records;
	size_t record_count;
	const uint8_t *value; /* RANDOM */
	size_t value_len;
	struct token_caps caps;
};

typedef void token_reply_fn(void *arg, const struct token_reply *reply);

struct token;

struct token_settings {
	const char *name; /* as configured, for messages */
	const char *module, *label, *serial; /* serial may be NULL */
	unsigned sessions;
	bool session_copies; /* use them where the token allows it */
};

/* In this process.  Loads the module, logs in, probes.  pin is copied. */
struct token *token_open_local(const struct token_settings *s, const struct secret *pin,
    struct err *e);
/* Through workers; channels come and go with token_client_attach.  timeout_ms: after so long without a
 * reply a worker is called lost (lost is called with its number; it should be killed). */
typedef void token_lost_fn(void *arg, unsigned worker);
struct token *token_open_client(struct loop *l, const char *name, uint64_t timeout_ms,
    token_lost_fn *lost, void *arg);
/* Takes fd.  Worker 0 is the keeper: all but TOKEN_SIGN goes to it. */
void token_client_attach(struct token *t, unsigned worker, int fd, unsigned sessions);
void token_client_detach(struct token *t, unsigned worker); /* it died; its requests are requeued */

void token_submit(struct token *t, const struct token_request *r, token_reply_fn *fn, void *arg);
/* Signatures asked for and not made yet. */
unsigned token_sign_pending(const struct token *t);
/* So many of them keep every session busy, and enough waiting that none runs dry.  Follows the token's
 * pace: what is at its workers is a few dozen ms of work, so that an urgent request waits no longer. */
unsigned token_sign_window(const struct token *t);
/* Signatures per second that the token makes with all its sessions busy, as far as is known: sessions
 * / the time that a signature took lately while all were busy.  Until that has been seen, the time of
 * any signature counts: too high where sessions share one processor.  Idle time does not count, so
 * that signatures / rate is a forecast.  0: nothing was signed yet. */
double token_sign_rate(const struct token *t);
uint64_t token_sign_count(const struct token *t); /* signatures made since start */
/* Is it answering?  since: when that changed (monotonic ms); why: words, "" when it is. */
bool token_is_up(const struct token *t, char why[256]);
const char *token_name(const struct token *t);
void token_close(struct token *t);

/* The worker process: serve requests from fd until it closes.  Runs `sessions` threads.
 * An empty PIN is never tried: each request is then answered with what e holds, which says why there
 * is none. */
int token_worker_run(const struct token_settings *s, const struct secret *pin, int fd,
    struct err *e);

/* Signature of one item and listing without callbacks, for local tokens only. */
int token_call(struct token *t, const struct token_request *r, token_reply_fn *fn, void *arg,
    struct err *e);

/* CKR_... of a return value ("CKR_PIN_INCORRECT"), also for vendor codes. */
const char *token_ckr_name(unsigned long rv);

#endif
