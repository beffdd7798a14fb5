/* keys_rig: see keys_rig.h. */
#include "tests/unit/keys_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/mem.h"

#define SIZE (64 * 1024 * 1024)

void rig_on_done(void *arg, int code, const char *why)
{
	struct outcome *o = arg;

	o->code = code;
	o->calls++;
	snprintf(o->why, sizeof(o->why), "%s", why);
}

void rig_start(struct fixture *f)
{
	struct outcome o = {0};
	struct err e = {0};

	f->store = store_open(f->dir, true, SIZE, &e);
	if (f->store == NULL)
		fail_msg("%s", e.text);
	f->keys = keys_new(NULL, f->store);
	keys_add_token(f->keys, f->token);
	keys_load(f->keys, rig_on_done, &o);
	assert_int_equal(o.calls, 1);
}

void rig_stop(struct fixture *f)
{
	keys_free(f->keys);
	store_close(f->store);
}

/* What a crash leaves: the store and the token, and nothing of the process. */
void rig_restart(struct fixture *f)
{
	rig_stop(f);
	rig_start(f);
}

int rig_setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	strcpy(f->dir, "/tmp/itg-keys-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(name_parse("Example.gov.", f->apex), OK);
	f->token = failing_token_new("main");
	strcpy(f->policy.name, "default");
	f->policy.algorithm = 15;
	f->policy.ksk =
	    (struct key_role_policy){.wanted = true, .token = "main", .active = {.months = 24}};
	f->policy.zsk =
	    (struct key_role_policy){.wanted = true, .token = "main", .active = {.months = 3}};
	rig_start(f);
	*state = f;
	return 0;
}

int rig_teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	rig_stop(f);
	failing_token_free(f->token);
	snprintf(command, sizeof(command), "rm -rf %s", f->dir);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

struct outcome rig_make(struct fixture *f)
{
	struct outcome o = {0};

	keys_zone_make(f->keys, f->apex, &f->policy, NOW, rig_on_done, &o);
	assert_int_equal(o.calls, 1);
	return o;
}

struct outcome rig_destroy(struct fixture *f)
{
	struct outcome o = {0};

	keys_zone_delete(f->keys, f->apex, true, rig_on_done, &o);
	assert_int_equal(o.calls, 1);
	return o;
}

enum keys_status rig_status(struct fixture *f)
{
	char why[256];

	return keys_zone_status(f->keys, f->apex, why);
}

void rig_assert_status(struct fixture *f, enum keys_status wanted, const char *words)
{
	char why[256];
	enum keys_status is = keys_zone_status(f->keys, f->apex, why);

	if (is != wanted || strstr(why, words) == NULL)
		fail_msg("status %d (%s), wanted %d (%s)", is, why, wanted, words);
}

void rig_make_good(struct fixture *f)
{
	struct outcome o = rig_make(f);

	if (o.code != OK)
		fail_msg("%s", o.why);
	assert_int_equal(rig_status(f), KEYS_GOOD);
}

struct keyset rig_keyset(struct fixture *f)
{
	struct keyset set;
	struct err e = {0};

	if (keys_keyset(f->keys, f->apex, NOW, &set, &e) != OK)
		fail_msg("%s", e.text);
	return set;
}
