/* What the token tests share: a SoftHSM token of their own, the fault module, workers. */
#ifndef TESTS_TOKEN_SUPPORT_H
#define TESTS_TOKEN_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <cmocka.h>
#include "base/loop.h"
#include "pkcs11/token.h"

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"
#define PIN "123456"
#define SO_PIN "87654321"

struct fixture {
	char dir[64]; /* removed by fixture_close */
	struct token_settings settings;
	struct secret pin;
	struct delaymod_file *delay; /* see fixture_delay */
};

/* Skips (exit 77) when there is no SoftHSM.  The settings name the fault module.  FIXTURE_DIR: where its
 * folder is made, else in /tmp. */
void fixture_open(struct fixture *f);
void fixture_close(struct fixture *f);
/* Rules for the fault module, see faultmod.c; "" takes them away. */
void fixture_rules(struct fixture *f, const char *rules);
/* Another token: that of delaymod.so, whose signatures take so long.  The settings name it then. */
void fixture_delay(struct fixture *f, unsigned us);
/* How often a function was called so far, by all processes. */
unsigned fixture_calls(struct fixture *f, const char *function);

/* The last reply, copied. */
struct seen {
	unsigned replies;
	int code;
	struct err err;
	uint8_t id[TOKEN_ID_LEN];
	uint8_t pub[600];
	size_t pub_len;
	uint8_t signature[TOKEN_SIG_MAX];
	size_t signature_len;
	unsigned signature_count;
	size_t key_count, record_count;
	char last_record[TOKEN_LABEL_MAX];
	uint8_t value[4096];
	size_t value_len;
	struct token_caps caps;
};
void seen_reply(void *seen, const struct token_reply *reply);

/* Birth and record labels for "zone" number n. */
void key_label(unsigned n, uint8_t algorithm, char out[TOKEN_LABEL_MAX]);
void record_name(unsigned n, uint64_t sequence, char out[TOKEN_LABEL_MAX]);

struct token_request generate_request(unsigned n, uint8_t algorithm);
int generate(struct token *t, unsigned n, uint8_t algorithm, struct seen *out);
int sign(struct token *t, unsigned n, uint8_t algorithm, const uint8_t *data, size_t len,
    struct seen *out);
int put_record(struct token *t, const char *label, const void *value, size_t len, struct seen *out);
int drop_record(struct token *t, const char *label, struct seen *out);
int list(struct token *t, struct seen *out);
/* Around what makes EdDSA signatures: SoftHSM leaks with each.  Nothing without a leak sanitizer. */
void forgive_leaks(bool forgive);
/* How much to sign with that algorithm; the data is "random". */
size_t input_len(uint8_t algorithm);
void fill(uint8_t *data, size_t len, uint32_t seed);

/* A worker process of this token; returns its pid, *fd is the client's end. */
pid_t spawn_worker(struct fixture *f, unsigned number, int *fd);
/* In main: if the program was started as a worker, be one and never return. */
void maybe_worker(int argc, char **argv);
/* Run the loop until *counter >= want; fails after 100 s. */
void run_until(struct loop *l, const unsigned *counter, unsigned want);
void run_until_up(struct loop *l, struct token *t, bool up);

#endif
