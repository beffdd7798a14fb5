/* The verbs as mdoc, for intaglio(8): see cli.h. */
#include "cli/cli.h"

#include <string.h>
#include "base/buf.h"
#include "base/manual.h"

/* What the first word of a verb is about; verbs of one word have none. */
static size_t group_len(const struct verb *v)
{
	return strchr(v->name, ' ') == NULL ? 0 : strcspn(v->name, " ");
}

static void put_option(struct buf *out, const struct verb_option *o)
{
	buf_printf(out, ".It ");
	if (o->letter != 0)
		buf_printf(out, "Fl %c , ", o->letter);
	buf_printf(out, "Fl -%s%s%s\n", o->name, o->value == NULL ? "" : " Ar ",
	    o->value == NULL ? "" : o->value);
	manual_text(out, o->help);
	if (o->flags & VERB_REQUIRED)
		manual_text(out, "Required.");
	if (o->flags & VERB_REPEATABLE)
		manual_text(out, "May be given several times.");
}

static void put_options(struct buf *out, const struct verb_option *o)
{
	if (o->name == NULL)
		return;
	buf_printf(out, ".Bl -tag -width Ds -compact\n");
	for (; o->name != NULL; o++)
		put_option(out, o);
	buf_printf(out, ".El\n");
}

static void put_one_of(struct buf *out, const struct verb *v)
{
	bool is_first = true;

	for (const struct verb_option *o = v->options; o->name != NULL; o++) {
		if (!(o->flags & VERB_ONE_OF))
			continue;
		buf_printf(out, "%s.Fl -%s\n", is_first ? "Exactly one of\n" : "or\n", o->name);
		is_first = false;
	}
	if (!is_first)
		manual_text(out, "must be given.");
}

static void put_verb(struct buf *out, const struct verb *v)
{
	buf_printf(out, ".It Cm %s%s%s\n", v->name, v->argument == NULL ? "" : " Ar ",
	    v->argument == NULL ? "" : v->argument);
	manual_sentence(out, v->help);
	manual_text(out, v->manual);
	put_one_of(out, v);
	put_options(out, v->options);
}

void manual_verbs(FILE *to)
{
	const struct verb *before = NULL;
	struct buf out = {0};

	for (const struct verb *v = verbs; v->name != NULL; before = v++) {
		size_t len = group_len(v);
		bool is_same = before != NULL && group_len(before) == len &&
			       memcmp(before->name, v->name, len) == 0;

		if (!is_same)
			buf_printf(&out, "%s.Ss %.*s\n.Bl -tag -width Ds\n",
			    before == NULL ? "" : ".El\n", len == 0 ? 6 : (int)len,
			    len == 0 ? "daemon" : v->name);
		put_verb(&out, v);
	}
	buf_printf(&out, ".El\n");
	fwrite(out.data, 1, out.len, to);
	buf_free(&out);
}
