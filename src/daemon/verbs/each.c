/* A command about the keys of many zones: one zone after the other, from the loop, so that the
 * zones that are not meant go on being signed meanwhile.  Runs in the signing side.
 *
 *   each_turn -> the verb's function -> verbs_each_next -> each_turn ... -> each_end
 *                                    -> verbs_each_fail -> the same zone again, for a while
 *
 * Who hung up is not waited for, and his command is carried out all the same: an emergency does not
 * end half-way because a terminal was closed. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/clock.h"
#include "base/mem.h"
#include "daemon/verbs/internal.h"

#define AGAIN_MS 50
#define PATIENCE_MS 3000

static void each_free(struct verbs_each *e)
{
	loop_timer_free(e->again);
	json_decref(e->rows);
	json_decref(e->held);
	json_decref(e->zone_rows);
	json_decref(e->zone_held);
	free(e->zones);
	free(e);
}

static void each_end(struct verbs_each *e)
{
	if (e->end != NULL && (e->failed == 0 || e->zone_count > 1))
		e->end(e);
	if (e->failed == 0)
		ops_done(e->call);
	else if (e->zone_count == 1)
		ops_fail(e->call, "%s", e->why);
	else
		ops_fail(e->call, "%u of %u zones failed, as said above", e->failed, e->zone_count);
	each_free(e);
}

static void each_turn(void *arg)
{
	struct verbs_each *e = arg;
	struct signer_zone *z;

	if (e->at == e->zone_count) {
		each_end(e);
		return;
	}
	z = signer_zone_by_apex(e->signer, e->zones[e->at]);
	json_array_clear(e->zone_rows);
	json_array_clear(e->zone_held);
	if (z == NULL && e->is_list)
		verbs_each_skip(e);
	else if (z == NULL || (z->deleting && !e->is_list))
		verbs_each_fail(e, ERR_MISSING, "it is being deleted");
	else
		e->zone(e, z);
}

static void each_soon(struct verbs_each *e)
{
	e->at++;
	e->role_at = 0;
	e->said[0] = '\0';
	e->patience_ms = clock_mono_ms() + PATIENCE_MS;
	if (e->zone_count > 1)
		ops_progress(e->call, "zones", e->at, e->zone_count);
	loop_soon(e->signer->loop, each_turn, e);
}

static void say(struct verbs_each *e)
{
	if (e->said[0] != '\0' && !ops_flag(e->call, "json"))
		ops_text(e->call, "%s", e->said);
}

void verbs_each_next(struct verbs_each *e)
{
	say(e);
	json_array_extend(e->rows, e->zone_rows);
	json_array_extend(e->held, e->zone_held);
	e->done++;
	each_soon(e);
}

void verbs_each_skip(struct verbs_each *e)
{
	each_soon(e);
}

void verbs_each_fail(struct verbs_each *e, int code, const char *why)
{
	char name[NAME_TEXT_SIZE];
	size_t len;

	if (code == ERR_AGAIN && !e->is_impatient && clock_mono_ms() < e->patience_ms) {
		loop_timer_set(e->again, AGAIN_MS);
		return;
	}
	if (e->role_at > 0) /* something was done before it failed */
		say(e);
	/* A token that is away keeps all of its zones waiting: one wait is enough. */
	e->is_impatient = e->is_impatient || code == ERR_AGAIN;
	name_text(e->zones[e->at], name);
	len = strlen(name);
	if (len > 1)
		name[len - 1] = '\0';
	snprintf(e->why, sizeof(e->why), "%s: %.390s", name, why);
	if (e->zone_count > 1)
		ops_warn(e->call, "%s", e->why);
	e->failed++;
	each_soon(e);
}

const struct record *verbs_each_record(
    struct verbs_each *e, const struct signer_zone *z, struct facts *f)
{
	const struct keys *k = e->signer->keys;
	const struct record *r = keys_record(k, z->owner);
	char why[256], words[300];
	enum keys_status status;

	if (r != NULL) {
		verbs_facts(z, f);
		return r;
	}
	status = keys_zone_status(k, z->owner, why);
	snprintf(words, sizeof(words), "its keys cannot be used: %.250s",
	    why[0] != '\0' ? why : "they are being made");
	verbs_each_fail(
	    e, status == KEYS_RECOVERY || status == KEYS_FROZEN ? ERR_REFUSED : ERR_AGAIN, words);
	return NULL;
}

bool verbs_each_repeats(const struct verbs_each *e, const struct signer_zone *z)
{
	return e->zone_count > 1 && z->share != NULL && signer_share_leader(z) != z;
}

/* The options */

static bool read_id(const char *text, uint8_t id[TOKEN_ID_LEN])
{
	if (strlen(text) != 2 * TOKEN_ID_LEN)
		return false;
	for (unsigned i = 0; i < TOKEN_ID_LEN; i++) {
		unsigned octet;

		if (!isxdigit((unsigned char)text[2 * i]) ||
		    !isxdigit((unsigned char)text[2 * i + 1]) ||
		    sscanf(text + 2 * i, "%2x", &octet) != 1)
			return false;
		id[i] = (uint8_t)octet;
	}
	return true;
}

static bool read_tag(const char *text, uint16_t *tag)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)text[0]) || *end != '\0' || n == 0 || n > 65535)
		return false;
	*tag = (uint16_t)n;
	return true;
}

static enum key_role read_role(const char *text)
{
	for (enum key_role r = KEY_KSK; r <= KEY_CSK; r++) {
		if (text != NULL && strcasecmp(text, key_role_name(r)) == 0)
			return r;
	}
	return 0; /* ALL, or nothing said */
}

static int read_which(struct verbs_each *e, struct err *err)
{
	const char *id = ops_option(e->call, "cka-id"), *tag = ops_option(e->call, "key-tag");
	const char *token = ops_option(e->call, "repository");
	struct keys_which *w = &e->edit.which;

	w->role = read_role(ops_option(e->call, "key-type"));
	if (tag != NULL && !read_tag(tag, &w->tag))
		return err_set(err, ERR_ARGUMENT,
		    "%.60s is not a key tag, a number up to 65535; \"intaglio key list\" shows them",
		    tag);
	if (id != NULL && !read_id(id, e->id))
		return err_set(err, ERR_ARGUMENT,
		    "%.60s is not a CKA_ID of %u hexadecimal digits; \"intaglio key list -v\" shows "
		    "them",
		    id, 2 * TOKEN_ID_LEN);
	if (id != NULL)
		w->id = e->id;
	if (token != NULL && config_token(e->signer->config, token) == NULL)
		return err_set(err, ERR_MISSING,
		    "there is no token %.60s; \"intaglio repository list\" shows those there are",
		    token);
	w->token = token;
	return OK;
}

static int read_zones(struct verbs_each *e, struct err *err)
{
	const char *name = ops_option(e->call, "zone"), *policy = ops_option(e->call, "policy");
	struct signer *s = e->signer;
	const struct signer_zone *one = name == NULL ? NULL : signer_zone_by_name(s, name);

	if (name != NULL && one == NULL)
		return err_set(err, ERR_MISSING,
		    "there is no zone %.250s; \"intaglio zone list\" shows those there are", name);
	if (policy != NULL && config_policy(s->config, policy) == NULL)
		return err_set(err, ERR_MISSING,
		    "there is no policy %.60s; \"intaglio policy list\" shows those there are",
		    policy);
	e->zones = mem_array(s->zone_count + 1, sizeof(*e->zones));
	for (unsigned i = 0; i < s->zone_count; i++) {
		const struct signer_zone *z = s->zones[i];

		if ((one == NULL || z == one) &&
		    (policy == NULL || strcmp(policy, z->sign_policy.name) == 0))
			memcpy(e->zones[e->zone_count++], z->apex, NAME_MAX_LEN);
	}
	return OK;
}

static void each_start(struct signer *s, struct ops_call *c, bool is_list, const struct edit *edit,
    verbs_zone_fn *zone, verbs_end_fn *end)
{
	struct verbs_each *e = mem_alloc(sizeof(*e));
	struct err err = {0};

	e->signer = s;
	e->call = c;
	e->zone = zone;
	e->end = end;
	e->is_list = is_list;
	e->is_dry = ops_flag(c, "dry-run");
	if (edit != NULL)
		e->edit = *edit;
	e->edit.reason = ops_option(c, "reason");
	e->edit.requester = ops_requester(c);
	e->again = loop_timer_new(s->loop, each_turn, e);
	e->rows = json_array();
	e->held = json_array();
	e->zone_rows = json_array();
	e->zone_held = json_array();
	if (read_zones(e, &err) != OK || read_which(e, &err) != OK) {
		ops_fail_err(c, &err);
		each_free(e);
		return;
	}
	e->patience_ms = clock_mono_ms() + PATIENCE_MS;
	loop_soon(s->loop, each_turn, e);
}

void verbs_each_start(struct signer *s, struct ops_call *c, const struct edit *edit,
    verbs_zone_fn *zone, verbs_end_fn *end)
{
	each_start(s, c, false, edit, zone, end);
}

void verbs_each_list(struct signer *s, struct ops_call *c, verbs_zone_fn *zone, verbs_end_fn *end)
{
	each_start(s, c, true, NULL, zone, end);
}
