/* A command being carried out: what the operator said and what is answered.  Runs in the signing
 * side. Whatever texts come from the network are escaped before they leave for a terminal. */
#include "ops/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "ops/listing.h"

#define PROGRESS_MS 100 /* between two of them */
#define FULL (1u << 20) /* octets queued from which a long text should wait */

const char *ops_option(const struct ops_call *c, const char *name)
{
	return verb_value(&c->given, name);
}

unsigned ops_option_count(const struct ops_call *c, const char *name)
{
	return verb_count(&c->given, name);
}

const char *ops_option_at(const struct ops_call *c, const char *name, unsigned i)
{
	return verb_value_at(&c->given, name, i);
}

bool ops_flag(const struct ops_call *c, const char *name)
{
	return verb_is_given(&c->given, name);
}

const char *ops_argument(const struct ops_call *c, unsigned i)
{
	return i == 0 ? c->given.argument : NULL;
}

const char *ops_requester(const struct ops_call *c)
{
	return c->requester;
}

bool ops_is_gone(const struct ops_call *c)
{
	return c->client == NULL || client_is_dead(c->client);
}

bool ops_is_full(const struct ops_call *c)
{
	return !ops_is_gone(c) && client_queued(c->client) > FULL;
}

void ops_when_drained(struct ops_call *c, ops_drained_fn *fn, void *arg)
{
	c->drained = fn;
	c->drained_arg = arg;
	if (c->client == NULL)
		call_drained(c);
	else
		client_nudge(c->client);
}

void call_drained(struct ops_call *c)
{
	ops_drained_fn *fn = c->drained;

	c->drained = NULL;
	if (fn != NULL)
		fn(c->drained_arg, c);
}

void call_lost(struct ops_call *c)
{
	c->client = NULL;
	call_drained(c);
}

void call_free(struct ops_call *c)
{
	if (c == NULL)
		return;
	verb_call_free(&c->given);
	json_decref(c->request);
	free(c);
}

/* {kind: text} */
static void send_text(struct ops_call *c, const char *kind, const void *text, size_t len)
{
	struct buf safe = {0};

	if (ops_is_gone(c))
		return;
	text_escape(&safe, text, len, true);
	if (safe.failed)
		log_error("no memory for %zu octets of an answer to %s", len, c->requester);
	else
		client_send(c->client, json_pack("{s:s%}", kind,
					   safe.len == 0 ? "" : (const char *)safe.data, safe.len));
	buf_free(&safe);
}

static void send_format(struct ops_call *c, const char *kind, const char *fmt, va_list ap)
{
	char *text;
	int len = vasprintf(&text, fmt, ap);

	if (len < 0)
		return;
	send_text(c, kind, text, (size_t)len);
	free(text);
}

void ops_text(struct ops_call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	send_format(c, "out", fmt, ap);
	va_end(ap);
}

void ops_warn(struct ops_call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	send_format(c, "err", fmt, ap);
	va_end(ap);
}

void ops_list(struct ops_call *c, json_t *root, const char *key, const char *columns)
{
	struct buf text = {0};

	if (c->is_json)
		listing_json(&text, root, c->is_pretty);
	else if (columns == NULL)
		listing_tree(&text, key == NULL ? root : json_object_get(root, key), key);
	else
		listing_table(&text, json_object_get(root, key), key, columns);
	if (text.failed)
		ops_warn(c, "the listing does not fit into memory");
	else
		send_text(c, "out", text.data, text.len);
	buf_free(&text);
	json_decref(root);
}

void ops_progress(struct ops_call *c, const char *what, uint64_t done, uint64_t total)
{
	uint64_t now = clock_mono_ms();
	struct buf safe = {0};

	/* Who reads slowly is not slowed down further by news that are old already. */
	if (!c->is_tty || ops_is_gone(c) || client_queued(c->client) > 0)
		return;
	if (done != total && now - c->progress_ms < PROGRESS_MS)
		return;
	c->progress_ms = now;
	text_escape(&safe, what, strlen(what), false);
	client_send(
	    c->client, json_pack("{s:{s:s%,s:I,s:I}}", "progress", "what", (const char *)safe.data,
			   safe.len, "done", (json_int_t)done, "total", (json_int_t)total));
	buf_free(&safe);
}

static void call_end(struct ops_call *c, int status)
{
	if (c->client != NULL)
		client_finish(c->client, status);
	call_free(c);
}

void ops_done(struct ops_call *c)
{
	call_end(c, 0);
}

static void fail_text(struct ops_call *c, const char *text)
{
	log_notice("%s: %s: %s", c->requester, c->given.verb->name, text);
	send_text(c, "err", text, strlen(text));
	call_end(c, 1);
}

void ops_fail(struct ops_call *c, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	fail_text(c, len < 0 ? "failed, and there is no memory to say why" : text);
	if (len >= 0)
		free(text);
}

void ops_fail_err(struct ops_call *c, const struct err *e)
{
	fail_text(c, e->text[0] != '\0' ? e->text : err_name(e->code));
}
