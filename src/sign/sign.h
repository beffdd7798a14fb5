/* sign: an unsigned version becomes a signed one.  plan -> denial chain -> token queue -> verify ->
 * commit; runs in the signing side, in its main thread, in slices that give the loop back, with
 * threads only for verification.  Several runs may be under way at once, one for each zone.
 *
 * A run makes one version.  The first one, one with another denial chain, and one that is new for the most
 * part is built as a new generation, checked as a whole, and the head flips.  Any other is made in place
 * of the last: what a spool changes (the whole zone, or a difference from the version that is there), what is
 * due in the expiry index, and, where all is to be signed by other keys, a slice of that: the head says
 * that more is to come (has_walk, resign_at), and the next run goes on.  What was touched is judged in
 * the transaction that makes it.  Every signature that still holds and lives longer than `refresh` is
 * kept.  On any failure the last good version stays.  A zone that was led back to being unsigned
 * (keyset.unsign, and no key left) is built, and goes out as it came but for the serial. */
#ifndef SIGN_SIGN_H
#define SIGN_SIGN_H

#include <stdbool.h>
#include <stdint.h>
#include "base/err.h"
#include "base/loop.h"
#include "keys/keyset.h"
#include "pkcs11/token.h"
#include "zone/store.h"

struct sign;

struct sign_policy { /* what of a policy concerns signing; seconds */
	char name[STORE_POLICY_MAX];
	enum denial_kind denial;
	struct nsec3_params nsec3;
	enum serial_policy serial;
	bool verify;  /* false: first signature of each key and those over the DNSKEY set only */
	int64_t validity, refresh, jitter, inception_offset;
	uint32_t ttl_dnskey, ttl_cds, max_ttl;
	bool zonemd_generate; /* put a digest of the signed zone into it (RFC 8976) */
	bool zonemd_verify; /* a whole zone that comes with a digest of itself must fit it (RFC 8976) */
	int64_t walk_time; /* over which signing by other keys is spread, in a big zone; 0: at once */
	uint64_t journal_octets; /* how much of past versions is kept for IXFR, and for how long */
	int64_t journal_age;
};

struct sign_job {
	uint8_t apex[NAME_MAX_LEN];
	const char *spool;   /* path, NULL: sign the current generation again; copied */
	/* Without these two a run whose input is what it was, and where nothing is due, ends well with
	 * no new version: signed_now is 0 and head the one that was there. */
	bool again;          /* make a version though nothing changed (zone sign) */
	bool force;          /* no old signature is kept (zone sign --force) */
	bool as_is;          /* with the chain that it has, another one is being built: see sign_is_beside */
	bool whole;          /* not in place: as a new generation, checked as a whole */
	bool replace_dnssec; /* the operator said that a foreign DNSKEY does not hold publication */
	char hold[STORE_REASON_MAX]; /* why it must not be published for the first time yet; "" (R70) */
	uint32_t serial_floor; /* with has_floor: serial_out must be greater (rebuild) */
	bool has_floor;
	struct sign_policy policy;
	struct keyset keys;
	enum token_class class;
	int64_t now; /* calendar */
};

struct sign_result {
	const struct sign_run *run; /* that ended; to be compared only */
	int code;
	struct err err;      /* which record, which check */
	/* The input was at fault: the source's status says so (R60).  With code ERR_CONFLICT it is a
	 * difference that does not fit: the source is to be asked for the whole zone. */
	bool input_bad;
	bool place_bad;      /* what was made in place failed its check: it may be built (whole) */
	bool store_bad;      /* the generation to be signed again is not what its source sent */
	struct zone_head head; /* on OK, as published */
	uint64_t signed_now, kept; /* signatures made, and taken over */
	uint64_t elapsed_ms, cpu_us;
};
typedef void sign_done_fn(void *arg, const struct sign_result *r);
/* done and total in RRsets; phase: "reading", "signing", "denial", "checking", "writing" */
typedef void sign_progress_fn(void *arg, const char *phase, uint64_t done, uint64_t total);

/* tokens are found by keyset_key.token through lookup.  threads: for verification; 0: one per core. */
typedef struct token *sign_token_fn(void *arg, const char *name);
struct sign *sign_new(struct loop *l, struct store *store, sign_token_fn *lookup, void *arg,
    unsigned threads);
/* Before the tokens are closed.  Runs under way end without a word: done is not called for them. */
void sign_free(struct sign *s);

/* Equal for equal sets: the same keys at the same work, the same CDS and CDNSKEY. */
uint64_t sign_keyset_mark(const struct keyset *ks);

struct sign_run;
/* progress may be NULL.  done is called exactly once, from the loop, also after sign_cancel. */
struct sign_run *sign_start(struct sign *s, const struct sign_job *job, sign_progress_fn *progress,
    sign_done_fn *done, void *arg);
void sign_cancel(struct sign_run *r);
/* The run builds another chain for a zone that has a version, and that may take long: another run may be
 * started beside it (as_is), and what that changes is made up for before the new chain is published. */
bool sign_is_beside(const struct sign_run *r);

/* The whole check of what is in the store: chain closed, nothing unsigned that must be signed, every
 * signature valid now for at least min_life seconds and, with crypto, verified against the zone's own
 * DNSKEYs; signed minus DNSSEC = input digest.  Synchronous; for zone diagnose and the tests. */
int sign_check(struct store *store, const uint8_t *apex, int64_t now, int64_t min_life, bool crypto,
    struct err *e);
/* The same with crypto, and with the key set that the version was made with: everything is signed by
 * just the keys that it names, and those that are not in the DNSKEY set are verified, too. */
int sign_check_keys(struct store *store, const uint8_t *apex, int64_t now, int64_t min_life,
    const struct keyset *keys, struct err *e);

#endif
