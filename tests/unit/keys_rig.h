/* keys_rig: one zone's keys, a store and a token that fails when it is told to. */
#ifndef TESTS_UNIT_KEYS_RIG_H
#define TESTS_UNIT_KEYS_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "keys/keys_internal.h"
#include "tests/unit/failing_token.h"

#define NOW 1800000000

struct fixture {
	char dir[64];
	struct store *store;
	struct token *token;
	struct keys *keys;
	struct key_policy policy;
	uint8_t apex[NAME_MAX_LEN];
};

struct outcome {
	int code;
	unsigned calls;
	char why[256];
};

void rig_on_done(void *arg, int code, const char *why);
void rig_start(struct fixture *f);
void rig_stop(struct fixture *f);
void rig_restart(struct fixture *f);
int rig_setup(void **state);
int rig_teardown(void **state);
struct outcome rig_make(struct fixture *f);
struct outcome rig_destroy(struct fixture *f);
enum keys_status rig_status(struct fixture *f);
void rig_assert_status(struct fixture *f, enum keys_status wanted, const char *words);
void rig_make_good(struct fixture *f);
struct keyset rig_keyset(struct fixture *f);

#endif
