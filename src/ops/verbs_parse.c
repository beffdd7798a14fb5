/* From words to a verb with its options: see verbs.h.  Runs in the command and, on what the command
 * sent, in the signing side: there, too, nothing of it is trusted. */
#include "ops/verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/mem.h"

const struct verb *verb_find(const char *name)
{
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		if (strcmp(v->name, name) == 0)
			return v;
	}
	return NULL;
}

static const struct verb_option *find_name(
    const struct verb_option *list, const char *name, size_t len)
{
	for (; list->name != NULL; list++) {
		if (strlen(list->name) == len && memcmp(list->name, name, len) == 0)
			return list;
	}
	return NULL;
}

static const struct verb_option *find_letter(const struct verb *v, char letter)
{
	const struct verb_option *lists[] = {v->options, verb_common};

	for (size_t i = 0; i < MEM_COUNT(lists); i++) {
		for (const struct verb_option *o = lists[i]; o->name != NULL; o++) {
			if (letter != 0 && o->letter == letter)
				return o;
		}
	}
	return NULL;
}

const struct verb_option *verb_option(const struct verb *v, const char *name, size_t len)
{
	const struct verb_option *o = find_name(v->options, name, len);

	return o != NULL ? o : find_name(verb_common, name, len);
}

void verb_call_init(struct verb_call *c, const struct verb *v)
{
	*c = (struct verb_call){.verb = v};
}

void verb_call_free(struct verb_call *c)
{
	free(c->given);
	*c = (struct verb_call){.verb = NULL};
}

/* Of an option whose value is one of "A|B|C". */
static bool is_choice(const char *choices, const char *value)
{
	size_t len = strlen(value);

	while (*choices != '\0') {
		size_t one = strcspn(choices, "|");

		if (one == len && strncasecmp(choices, value, len) == 0)
			return true;
		choices += one + (choices[one] == '|');
	}
	return false;
}

static int call_add(
    struct verb_call *c, const struct verb_option *o, const char *value, struct err *e)
{
	if (c->count >= VERB_WORDS_MAX)
		return err_set(e, ERR_LIMIT, "%s: more than %u options", c->verb->name,
		    (unsigned)VERB_WORDS_MAX);
	if (value == NULL && o->value != NULL)
		return err_set(e, ERR_ARGUMENT, "%s: --%s needs a value: --%s %s", c->verb->name,
		    o->name, o->name, o->value);
	if (value != NULL && o->value == NULL)
		return err_set(e, ERR_ARGUMENT, "%s: --%s takes no value", c->verb->name, o->name);
	if (value != NULL && value[0] == '\0')
		return err_set(e, ERR_ARGUMENT, "%s: the value of --%s is empty; it takes %s",
		    c->verb->name, o->name, o->value);
	if (value != NULL && strchr(o->value, '|') != NULL && !is_choice(o->value, value))
		return err_set(e, ERR_ARGUMENT, "%s: --%s takes one of %s, not \"%.60s\"",
		    c->verb->name, o->name, o->value, value);
	if (!(o->flags & VERB_REPEATABLE) && verb_is_given(c, o->name))
		return err_set(
		    e, ERR_ARGUMENT, "%s: --%s can be given only once", c->verb->name, o->name);
	c->given = mem_grow(c->given, c->count + 1, sizeof(c->given[0]));
	c->given[c->count++] = (struct verb_given){.option = o, .value = value};
	return OK;
}

int verb_call_option(
    struct verb_call *c, const char *name, size_t len, const char *value, struct err *e)
{
	const struct verb_option *o = verb_option(c->verb, name, len);

	if (o == NULL)
		return err_set(e, ERR_ARGUMENT, "%s: there is no option --%.*s", c->verb->name,
		    len > 60 ? 60 : (int)len, name);
	return call_add(c, o, value, e);
}

int verb_call_argument(struct verb_call *c, const char *text, struct err *e)
{
	if (c->verb->argument == NULL)
		return err_set(
		    e, ERR_ARGUMENT, "%s: \"%.60s\" is one word too many", c->verb->name, text);
	if (c->argument != NULL)
		return err_set(e, ERR_ARGUMENT, "%s takes one %s; \"%.60s\" is too many",
		    c->verb->name, c->verb->argument, text);
	c->argument = text;
	return OK;
}

/* Exactly one of the options that exclude each other. */
static int check_one_of(const struct verb_call *c, struct err *e)
{
	char names[120] = "";
	size_t at = 0;
	unsigned given = 0;

	for (const struct verb_option *o = c->verb->options; o->name != NULL; o++) {
		if (!(o->flags & VERB_ONE_OF) || at >= sizeof(names))
			continue;
		at += (size_t)snprintf(names + at, sizeof(names) - at, "%s--%s%s%s",
		    at == 0 ? "" : " or ", o->name, o->value == NULL ? "" : " ",
		    o->value == NULL ? "" : o->value);
		given += verb_is_given(c, o->name);
	}
	if (at == 0 || given == 1)
		return OK;
	return err_set(e, ERR_ARGUMENT, "%s needs %s%s", c->verb->name, names,
	    given == 0 ? "" : ", not several of them");
}

int verb_call_check(const struct verb_call *c, struct err *e)
{
	const struct verb *v = c->verb;

	for (const struct verb_option *o = v->options; o->name != NULL; o++) {
		if (!(o->flags & VERB_REQUIRED) || verb_is_given(c, o->name))
			continue;
		if (o->letter != 0)
			return err_set(e, ERR_ARGUMENT, "%s needs -%c %s (--%s)", v->name,
			    o->letter, o->value, o->name);
		return err_set(e, ERR_ARGUMENT, "%s needs --%s %s", v->name, o->name, o->value);
	}
	if (v->argument != NULL && c->argument == NULL)
		return err_set(e, ERR_ARGUMENT, "%s needs a %s", v->name, v->argument);
	return check_one_of(c, e);
}

/* "--name", "--name=value", "--name" "value": the number of words that it took, or an error. */
static int parse_long(
    struct verb_call *c, const char *word, const char *next, int *used, struct err *e)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t len = equals == NULL ? strlen(name) : (size_t)(equals - name);
	const struct verb_option *o = verb_option(c->verb, name, len);
	const char *value = equals == NULL ? NULL : equals + 1;

	*used = 1;
	if (o != NULL && o->value != NULL && value == NULL && next != NULL) {
		value = next;
		*used = 2;
	}
	return verb_call_option(c, name, len, value, e);
}

/* "-v", "-vz" "value", "-zvalue" */
static int parse_letters(
    struct verb_call *c, const char *word, const char *next, int *used, struct err *e)
{
	*used = 1;
	for (const char *at = word + 1; *at != '\0'; at++) {
		const struct verb_option *o = find_letter(c->verb, *at);
		int code;

		if (o == NULL)
			return err_set(
			    e, ERR_ARGUMENT, "%s: there is no option -%c", c->verb->name, *at);
		if (o->value == NULL) {
			if ((code = call_add(c, o, NULL, e)) != OK)
				return code;
			continue;
		}
		if (at[1] != '\0')
			return call_add(c, o, at + 1, e);
		*used = next == NULL ? 1 : 2;
		return call_add(c, o, next, e);
	}
	return OK;
}

/* The verb that the words begin with, and of how many words it is. */
static const struct verb *match_verb(int count, char *const words[], int *used)
{
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		const char *space = strchr(v->name, ' ');
		size_t len = space == NULL ? strlen(v->name) : (size_t)(space - v->name);

		if (strlen(words[0]) != len || memcmp(words[0], v->name, len) != 0)
			continue;
		if (space != NULL && (count < 2 || strcmp(space + 1, words[1]) != 0))
			continue;
		*used = space == NULL ? 1 : 2;
		return v;
	}
	return NULL;
}

static int no_such_verb(int count, char *const words[], struct err *e)
{
	size_t len = strlen(words[0]);
	char choices[200] = "";
	size_t at = 0;

	for (const struct verb *v = verbs; v->name != NULL; v++) {
		if (strncmp(v->name, words[0], len) != 0 || v->name[len] != ' ')
			continue;
		if (at + strlen(v->name + len) + 2 >= sizeof(choices))
			break;
		if (at > 0)
			choices[at++] = ',';
		memcpy(choices + at, v->name + len, strlen(v->name + len) + 1);
		at += strlen(v->name + len);
	}
	if (at == 0)
		return err_set(e, ERR_ARGUMENT,
		    "there is no verb \"%.60s\"; `intaglio help` lists them", words[0]);
	if (count < 2 || words[1][0] == '-')
		return err_set(e, ERR_ARGUMENT, "\"%s\" needs one of:%s", words[0], choices);
	return err_set(e, ERR_ARGUMENT, "there is no verb \"%s %.60s\"; \"%s\" takes one of:%s",
	    words[0], words[1], words[0], choices);
}

int verb_call_parse(struct verb_call *c, int count, char *const words[], struct err *e)
{
	bool options_end = false;
	int at = 0, used, code = OK;

	verb_call_init(c, NULL);
	if (count < 1)
		return err_set(e, ERR_ARGUMENT, "no verb was given; `intaglio help` lists them");
	c->verb = match_verb(count, words, &at);
	if (c->verb == NULL)
		return no_such_verb(count, words, e);
	for (; at < count && code == OK; at += used) {
		const char *word = words[at], *next = at + 1 < count ? words[at + 1] : NULL;

		used = 1;
		if (!options_end && strcmp(word, "--") == 0)
			options_end = true;
		else if (!options_end && strncmp(word, "--", 2) == 0)
			code = parse_long(c, word, next, &used, e);
		else if (!options_end && word[0] == '-' && word[1] != '\0')
			code = parse_letters(c, word, next, &used, e);
		else
			code = verb_call_argument(c, word, e);
	}
	if (code == OK && !verb_is_given(c, "help"))
		code = verb_call_check(c, e);
	return code;
}

const char *verb_value_at(const struct verb_call *c, const char *name, unsigned i)
{
	for (unsigned k = 0; k < c->count; k++) {
		if (strcmp(c->given[k].option->name, name) == 0 && i-- == 0)
			return c->given[k].value;
	}
	return NULL;
}

const char *verb_value(const struct verb_call *c, const char *name)
{
	return verb_value_at(c, name, 0);
}

unsigned verb_count(const struct verb_call *c, const char *name)
{
	unsigned n = 0;

	for (unsigned k = 0; k < c->count; k++)
		n += strcmp(c->given[k].option->name, name) == 0;
	return n;
}

bool verb_is_given(const struct verb_call *c, const char *name)
{
	return verb_count(c, name) > 0;
}
