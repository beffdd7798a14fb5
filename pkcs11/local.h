/* local: the inside of a token that is served in this process.
 *
 * Locks, in the order in which they are taken:
 *   gate     read: in a vendor's call; write: the module is being loaded again.  A call that hangs
 *            keeps the gate shut for ever: then the watchdog of the client ends this process
 *   objects  one object call (find, get, create, copy, destroy, generate) at a time: SoftHSM 2.6.1
 *            fails now and then otherwise; C_Sign takes no lock
 *   login    one C_Login at a time
 *   state    up, why not, when to try again
 *
 * The reconnect ladder (ladder.c): a request is a row of attempts; when one ends in ERR_TOKEN, the return
 * value decides which rung is climbed before the next: open the session again, log in again, forget
 * handles, wait, load the module again. */
#ifndef PKCS11_LOCAL_H
#define PKCS11_LOCAL_H

#include <pthread.h>
#include <stdatomic.h>
#include "base/buf.h"
#include "base/secret.h"
#include "pkcs11/driver.h"
#include "pkcs11/index.h"
#include "pkcs11/module.h"

#define SESSION_KEYS 512    /* handles remembered by a session; a power of two */
#define SESSION_COPY_AFTER 8 /* signatures with a token key before a session copy is made */

/* A key as one session knows it: no lock is needed to sign with it. */
struct session_key {
	uint8_t id[TOKEN_ID_LEN];
	CK_OBJECT_HANDLE handle; /* 0: free */
	bool is_copy;
	uint32_t uses;
};

struct session { /* used by one thread at a time */
	CK_SESSION_HANDLE handle;
	bool open;
	unsigned generation; /* of the module, at opening */
	unsigned epoch;      /* of the handles in keys[] */
	struct call call;
	struct session_key keys[SESSION_KEYS];
};

struct local {
	struct token base;
	char *module_path, *label, *serial; /* serial: also learnt when the token is first found */
	struct secret pin;
	bool want_copies;

	pthread_mutex_t objects, login, state;
	pthread_rwlock_t gate;

	struct module module;
	atomic_uint generation; /* counts loads */
	atomic_uint epoch;      /* counts the times when handles became void */
	struct session control; /* for object calls, under `objects`; keeps the log-in alive */
	struct index index;     /* under `objects` */
	unsigned unreadable;    /* objects met since list_all began; under `objects` */
	atomic_bool copies_refused, private_refused;
	atomic_uint keygen_level; /* how many optional attributes the token made us leave out */

	/* under `state` */
	pthread_cond_t changed;
	bool up, final; /* final: no use in trying again (PIN) */
	bool background; /* a worker: its main thread reconnects, requests do not wait for that */
	struct err why;
	unsigned failures;
	uint64_t retry_at, loaded_at; /* monotonic ms */

	struct session direct; /* of token_call */
	struct pace pace;
	atomic_ullong signatures;
};

/* What one request makes, until its reply has been used; one per thread. */
struct work {
	struct buf data;
	struct token_key *keys;
	size_t key_count, key_room;
	struct token_record *records;
	size_t record_count, record_room;
};

/* --- local.c */
struct local *local_new(const struct token_settings *s, const struct secret *pin);
void local_free(struct local *l);
/* Serve a request.  The reply borrows from w. */
void local_execute(struct local *l, struct session *s, struct work *w,
    const struct token_request *r, struct token_reply *reply);
void work_reset(struct work *w);
void work_free(struct work *w);

/* --- ladder.c */
struct attempt { /* what an attempt works on */
	struct local *l;
	struct session *s;
	struct work *w;
	const struct token_request *r;
	struct token_reply *reply;
	unsigned item;
};
typedef int attempt_fn(struct attempt *a, struct err *e);
/* Call fn in a good session until it ends in something else than ERR_TOKEN or the ladder ends. */
int ladder_run(struct attempt *a, attempt_fn *fn, struct err *e);
/* First connection, or again after a failure if the time for that has come.  OK when up. */
int ladder_connect(struct local *l, struct err *e);
/* Down for good, without trying. */
void ladder_give_up(struct local *l, const struct err *why);
/* The handles of all objects may be void: look them up again.  With `objects` held. */
void ladder_forget_handles(struct local *l);
/* Does this return value tell of the connection, not of the request? */
bool ladder_is_fault(CK_RV rv);

/* --- session.c */
int session_open(struct local *l, struct session *s, struct err *e);
void session_close(struct local *l, struct session *s); /* also when the module is gone since */
/* Log in unless this session says that we are. */
int session_login(struct local *l, struct session *s, struct err *e);
/* Without a log-in private objects are not there: an empty search means nothing then. */
bool session_is_logged_in(struct local *l, struct session *s);
/* A handle to sign with; looked up, copied to the session if that pays. */
int session_find_key(struct local *l, struct session *s, const uint8_t id[TOKEN_ID_LEN],
    struct session_key **out, struct err *e);

/* --- object.c, under `objects`, in a->l->control */
int object_scan(struct local *l, enum index_kind kind, struct err *e); /* index what is new */
int object_find(struct local *l, enum index_kind kind, const void *key, size_t len,
    CK_OBJECT_HANDLE *out, struct err *e); /* ERR_MISSING */
/* CKA_LABEL as a string; "" if there is none or it is longer than a label of ours. */
int object_label(struct local *l, CK_OBJECT_HANDLE h, char out[TOKEN_LABEL_MAX], struct err *e);
/* Variable length attributes, one call for their lengths and one for their values, appended to out. */
struct object_value {
	CK_ATTRIBUTE_TYPE type;
	size_t at, len; /* in out; len 0: the object has none */
};
int object_values(struct local *l, CK_OBJECT_HANDLE h, struct object_value *values, unsigned count,
    struct buf *out, struct err *e);
/* Only if it still has this key: a stale handle must never destroy something else. */
int object_destroy(struct local *l, enum index_kind kind, CK_OBJECT_HANDLE h, const void *key,
    size_t len, struct err *e);

/* --- pubkey.c: the public half as it stands in a DNSKEY */
int pubkey_of_object(struct local *l, CK_OBJECT_HANDLE h, CK_KEY_TYPE type, uint8_t algorithm,
    struct buf *out, size_t *at, size_t *len, struct err *e);

/* --- the requests */
attempt_fn sign_one, keygen_generate, keygen_drop, list_all, list_news, record_put, record_drop, random_make,
    caps_probe;

/* --- mech.c */
struct mech {
	uint8_t algorithm;
	const char *name;
	CK_KEY_TYPE key_type;
	CK_MECHANISM_TYPE keygen, sign;
	const uint8_t *curve; /* CKA_EC_PARAMS; NULL for RSA */
	size_t curve_len;
	unsigned bits; /* of the curve; 0 for RSA */
	const uint8_t *prefix; /* of the DigestInfo, RSA */
	size_t prefix_len;
	size_t input_len; /* of what is signed; 0: any */
	size_t signature_len; /* 0: that of the modulus */
};
const struct mech *mech_by_algorithm(uint8_t algorithm); /* NULL: we do not sign with it */
extern const struct mech mech_table[];
extern const unsigned mech_count;

/* --- keygen.c */
struct keygen_spec {
	const struct mech *mech;
	unsigned bits; /* RSA */
	bool token, extractable;
	const char *label;
	const uint8_t *id;
};
int keygen_pair(struct local *l, struct session *s, const struct keygen_spec *spec,
    CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private, struct err *e);
bool keygen_bits_ok(unsigned bits);
/* ERR_REFUSED: the private key can be read out, or be wrapped although it may not. */
int keygen_check_guarded(struct local *l, struct session *s, bool may_be_extractable,
    CK_OBJECT_HANDLE private, struct err *e);
/* One half of the pair of this CKA_ID; *out 0: the token has none. */
int keygen_find_half(struct local *l, enum index_kind kind, const uint8_t *id,
    CK_OBJECT_HANDLE *out, struct err *e);

/* --- wrap.c */
/* The token's mechanism for AES key wrap with padding (RFC 5649), both ways; 0: it has none. */
CK_MECHANISM_TYPE wrap_mechanism(struct local *l, struct session *s);

/* --- sign.c */
int sign_raw(struct local *l, struct session *s, const struct mech *mech, CK_OBJECT_HANDLE key,
    const uint8_t *data, size_t len, uint8_t out[TOKEN_SIG_MAX], size_t *out_len, struct err *e);

/* A template under construction. */
#define TEMPLATE_MAX 16
struct template {
	CK_ATTRIBUTE attributes[TEMPLATE_MAX];
	unsigned count;
};
void template_add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *value, size_t len);
void template_bool(struct template *t, CK_ATTRIBUTE_TYPE type, bool value);
void template_ulong(struct template *t, CK_ATTRIBUTE_TYPE type, const CK_ULONG *value);
/* Is this return value the token's way of saying that it does not like an attribute? */
bool template_is_refusal(CK_RV rv);

#endif
