/* The tokens, as the signing side sees them: their workers come and go, and a token that is away
 * for long, or is back, is told (R50).  Signing side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/proto.h"
#include "daemon/signer/signer.h"

#define TOKEN_LOOK_MS 1000
#define KIND_AWAY 1

static struct signer_token *token_by_name(const struct signer *s, const char *name)
{
	for (unsigned i = 0; i < s->token_count; i++) {
		if (strcmp(s->tokens[i]->name, name) == 0)
			return s->tokens[i];
	}
	return NULL;
}

struct token *signer_find_token(void *arg, const char *name)
{
	struct signer_token *t = token_by_name(arg, name);

	return t == NULL ? NULL : t->token;
}

/* Told */

struct runway { /* of the zones whose data the token's keys sign */
	unsigned zones;
	const struct signer_zone *first; /* NULL: none has signatures */
};

static struct runway runway_of(const struct signer_token *t)
{
	const struct signer *s = t->signer;
	struct runway r = {0};

	for (unsigned i = 0; i < s->zone_count; i++) {
		const struct signer_zone *z = s->zones[i];
		const struct key_policy *p = &z->key_policy;

		if (strcmp(p->csk.wanted ? p->csk.token : p->zsk.token, t->name) != 0)
			continue;
		r.zones++;
		if (z->has_head && z->head.expiry_first != 0 &&
		    (r.first == NULL || z->head.expiry_first < r.first->head.expiry_first))
			r.first = z;
	}
	return r;
}

static int say(struct signer_token *t, enum trouble_step step, int64_t now, struct store_write *w,
    struct err *e)
{
	struct runway r = runway_of(t);
	char since[TIME_TEXT_SIZE], lasted[TROUBLE_TIME_SIZE], occasion[200], zones[16], more[120];
	char runway[TROUBLE_TIME_SIZE], expiry[TIME_TEXT_SIZE];
	struct notice n = {
	    .kind = step == TROUBLE_OVER ? NOTICE_TOKEN_BACK : NOTICE_TOKEN_UNREACHABLE,
	    .occasion = occasion,
	    .at = now,
	    .fields = {{"token", t->name}, {"reason", t->why}, {"since", since}, {"lasted", lasted},
		{"zones", zones}},
	    .field_count = 5};

	time_text(t->trouble.since, since);
	trouble_time_words(
	    (step == TROUBLE_OVER ? t->trouble.good : now) - t->trouble.since, lasted);
	snprintf(zones, sizeof(zones), "%u zone%s", r.zones, r.zones == 1 ? "" : "s");
	if (r.first != NULL && step != TROUBLE_OVER) {
		n.until = r.first->head.expiry_first;
		trouble_time_words(n.until - now, runway);
		time_text(n.until, expiry);
		notice_add(&n, "runway", runway);
		notice_add(&n, "first_expiry", expiry);
		notice_add(&n, "first_zone", r.first->name);
	}
	if (step == TROUBLE_REMIND) {
		snprintf(occasion, sizeof(occasion), "%s %s reminder %u", t->name, since,
		    t->trouble.reminders + 1);
		snprintf(more, sizeof(more), "This is a reminder: it has lasted for %s.", lasted);
		notice_add(&n, "more", more);
	} else {
		snprintf(occasion, sizeof(occasion), "%s %s", t->name, since);
	}
	return signer_notice_in(t->signer, w, &n, e);
}

static int keep(const struct signer_token *t, enum trouble_step step, int64_t now,
    struct store_write *w, struct err *e)
{
	struct trouble after = t->trouble;
	struct buf value = {0};
	int code;

	trouble_said(&after, step, now);
	trouble_write(&after, &value);
	code = store_write_meta(w, META_TOKEN, t->name, strlen(t->name), value.data, value.len, e);
	buf_free(&value);
	return code;
}

static void look_at_trouble(struct signer_token *t)
{
	int64_t now = clock_calendar(), next;
	enum trouble_step step = trouble_step(&t->trouble, TROUBLE_GRACE, now);
	struct store_write *w = NULL;
	struct err e = {0};
	int code;

	if (step != TROUBLE_NOTHING) {
		code = store_write_begin(t->signer->store, &w, &e);
		if (code == OK)
			code = say(t, step, now, w, &e);
		if (code == OK)
			code = keep(t, step, now, w, &e);
		if (code == OK)
			code = store_write_commit(w, &e);
		else
			store_write_abort(w);
		if (code == OK)
			trouble_said(&t->trouble, step, now);
		else
			log_error("token %s: what is to be told of it cannot be kept: %s", t->name,
			    e.text);
	}
	next = trouble_next(&t->trouble, TROUBLE_GRACE);
	if (next == 0)
		loop_event_stop(t->alarm);
	else
		loop_event_set(t->alarm, next > now ? next : now + 60);
}

static void alarm_due(void *arg, int64_t due)
{
	(void)due;
	look_at_trouble(arg);
}

static void load_trouble(struct signer_token *t)
{
	const uint8_t *value;
	struct snapshot *sn;
	struct reader r;
	size_t len;

	if (snapshot_open(t->signer->store, &sn, NULL) != OK)
		return;
	if (snapshot_meta(sn, META_TOKEN, t->name, strlen(t->name), &value, &len) == OK) {
		r = reader_of(value, len);
		trouble_read(&r, &t->trouble);
	}
	snapshot_close(sn);
}

/* Come and gone */

static void token_lost(void *arg, unsigned worker)
{
	struct signer_token *t = arg;
	struct buf body = {0};

	buf_str(&body, t->name);
	buf_u16(&body, (uint16_t)worker);
	channel_send(t->signer->master, PROTO_WORKER_KILL, &body, -1);
	buf_free(&body);
}

void signer_tokens_configure(struct signer *s)
{
	const struct config_token *c = s->config->tokens.items;

	for (unsigned i = 0; i < s->config->tokens.count; i++) {
		struct signer_token *t;

		if (token_by_name(s, c[i].name) != NULL)
			continue;
		t = mem_alloc(sizeof(*t));
		t->signer = s;
		t->name = mem_strdup(c[i].name);
		t->token = token_open_client(
		    s->loop, t->name, (uint64_t)c[i].timeout * 1000, token_lost, t);
		t->alarm = loop_event_new(s->loop, alarm_due, t);
		load_trouble(t);
		s->tokens = mem_grow(s->tokens, s->token_count + 1, sizeof(*s->tokens));
		s->tokens[s->token_count++] = t;
		keys_add_token(s->keys, t->token);
	}
}

void signer_tokens_free(struct signer *s)
{
	for (unsigned i = 0; i < s->token_count; i++) {
		token_close(s->tokens[i]->token);
		loop_event_free(s->tokens[i]->alarm);
		free(s->tokens[i]->name);
		free(s->tokens[i]);
	}
	free(s->tokens);
}

void signer_worker_take(struct signer *s, struct reader *body, int fd)
{
	char name[256];
	unsigned number, sessions;
	struct signer_token *t;

	reader_str(body, name, sizeof(name));
	number = reader_u16(body);
	sessions = reader_u16(body);
	t = body->failed ? NULL : token_by_name(s, name);
	if (t == NULL || fd < 0) {
		log_error("a worker came for a token that is not configured");
		if (fd >= 0)
			close(fd);
		return;
	}
	token_client_attach(t->token, number, fd, sessions);
	if (!s->keys_loaded && !s->keys_loading)
		signer_keys_load(s);
}

void signer_worker_drop(struct signer *s, struct reader *body)
{
	char name[256];
	unsigned number;
	struct signer_token *t;

	reader_str(body, name, sizeof(name));
	number = reader_u16(body);
	t = body->failed ? NULL : token_by_name(s, name);
	if (t != NULL)
		token_client_detach(t->token, number);
}

/* true: it is back, and may hold other keys than before. */
static bool look_at_token(struct signer_token *t)
{
	char why[256] = "";
	bool up = token_is_up(t->token, why), came_back = up && !t->was_up && t->went_away;
	bool is_first = !up && t->down_since_ms == 0;

	if (up && !t->was_up) {
		log_notice("token %s answers", t->name);
		t->went_away = false;
	} else if (!up && t->was_up) {
		log_error("token %s does not answer: %s", t->name, why);
		t->went_away = true;
	}
	if (up)
		t->down_since_ms = 0;
	else if (t->down_since_ms == 0)
		t->down_since_ms = clock_mono_ms();
	if (!up)
		snprintf(t->why, sizeof(t->why), "%s", why);
	if (up != t->was_up || is_first) {
		trouble_note(&t->trouble, up ? 0 : KIND_AWAY, clock_calendar());
		look_at_trouble(t);
	}
	t->was_up = up;
	return came_back;
}

void signer_tokens_look(void *arg)
{
	struct signer *s = arg;
	bool came_back = false;

	for (unsigned i = 0; i < s->token_count; i++)
		came_back = look_at_token(s->tokens[i]) || came_back;
	if (s->keys != NULL && !s->keys_loading &&
	    ((came_back && s->keys_loaded) ||
		(clock_mono_ms() >= s->keys_look_ms && keys_wants_load(s->keys))))
		signer_keys_load(s);
	loop_timer_set(s->token_look, TOKEN_LOOK_MS);
}
