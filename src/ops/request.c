/* The request of a client: one JSON object on one line,
 *
 *   {"verb": "zone add", "options": {"zone": "example.", "source": ["a", "b"], "json": true},
 *    "arguments": ["..."], "tty": false, "pretty": false}
 *
 * (tty: progress is wanted; pretty: JSON is to be indented), checked again against the table:
 * whoever may connect need not be our own command. */
#include "ops/internal.h"

#include <string.h>

static int read_value(struct ops_call *c, const char *name, const json_t *value, struct err *e)
{
	if (json_is_true(value))
		return verb_call_option(&c->given, name, strlen(name), NULL, e);
	if (json_is_string(value) && json_string_length(value) > VERB_VALUE_MAX)
		return err_set(e, ERR_LIMIT, "%s: the value of --%.60s is larger than %u octets",
		    c->given.verb->name, name, VERB_VALUE_MAX);
	if (json_is_string(value))
		return verb_call_option(&c->given, name, strlen(name), json_string_value(value), e);
	return err_set(e, ERR_FORMAT,
	    "%s: option \"%.60s\" must be true, a string or a list of strings", c->given.verb->name,
	    name);
}

static int read_options(struct ops_call *c, json_t *options, struct err *e)
{
	const char *name;
	json_t *value, *one;
	size_t i;
	int code;

	json_object_foreach(options, name, value)
	{
		if (!json_is_array(value)) {
			if ((code = read_value(c, name, value, e)) != OK)
				return code;
			continue;
		}
		json_array_foreach(value, i, one)
		{
			if ((code = read_value(c, name, one, e)) != OK)
				return code;
		}
	}
	return OK;
}

static int read_arguments(struct ops_call *c, const json_t *arguments, struct err *e)
{
	json_t *one;
	size_t i;
	int code;

	json_array_foreach(arguments, i, one)
	{
		if (!json_is_string(one) || json_string_length(one) > VERB_VALUE_MAX)
			return err_set(e, ERR_FORMAT,
			    "%s: an argument must be a string of at most %u octets",
			    c->given.verb->name, VERB_VALUE_MAX);
		if ((code = verb_call_argument(&c->given, json_string_value(one), e)) != OK)
			return code;
	}
	return OK;
}

static int read_shape(struct ops_call *c, struct err *e)
{
	json_t *options = json_object_get(c->request, "options");
	json_t *arguments = json_object_get(c->request, "arguments");
	const char *name = json_string_value(json_object_get(c->request, "verb"));
	const struct verb *verb;
	int code;

	if (name == NULL || (options != NULL && !json_is_object(options)) ||
	    (arguments != NULL && !json_is_array(arguments)))
		return err_set(e, ERR_FORMAT,
		    "the request must be {\"verb\": text, \"options\": {...}, \"arguments\": [...]}");
	if ((verb = verb_find(name)) == NULL)
		return err_set(e, ERR_MISSING,
		    "this intagliod knows no verb \"%.60s\"; is intaglio of another version?",
		    name);
	verb_call_init(&c->given, verb);
	if ((code = read_options(c, options, e)) != OK ||
	    (code = read_arguments(c, arguments, e)) != OK)
		return code;
	return verb_call_check(&c->given, e);
}

int request_read(struct ops_call *c, const void *line, size_t len, struct err *e)
{
	json_error_t problem;
	int code;

	c->request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &problem);
	if (c->request == NULL)
		return err_set(e, ERR_FORMAT, "the request is not JSON: %s (octet %d)",
		    problem.text, problem.position);
	if ((code = read_shape(c, e)) != OK)
		return code;
	c->is_json = verb_is_given(&c->given, "json");
	c->is_tty = json_is_true(json_object_get(c->request, "tty"));
	c->is_pretty = json_is_true(json_object_get(c->request, "pretty"));
	return OK;
}

void request_text(const struct ops_call *c, struct buf *out)
{
	buf_printf(out, "%s", c->given.verb->name);
	for (unsigned i = 0; i < c->given.count; i++) {
		const struct verb_given *g = &c->given.given[i];

		buf_printf(out, " --%s", g->option->name);
		if (g->value != NULL)
			buf_printf(out, " %.80s",
			    g->option->flags & VERB_FILE ? "(text of a file)" : g->value);
	}
	buf_u8(out, '\0');
}
