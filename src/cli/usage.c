/* Help, made from the table of verbs: see cli.h. */
#include "cli/cli.h"

#include <string.h>
#include "base/buf.h"

#define WIDTH 79

/* Words and pairs of them that must not be torn apart, wrapped. */
struct line {
	FILE *to;
	size_t at, indent;
};

static void line_put(struct line *l, const char *text)
{
	size_t len = strlen(text);

	if (l->at + 1 + len > WIDTH && l->at > l->indent) {
		fprintf(l->to, "\n%*s", (int)l->indent, "");
		l->at = l->indent;
	}
	fprintf(l->to, " %s", text);
	l->at += 1 + len;
}

static void option_text(const struct verb_option *o, char *out, size_t size)
{
	bool is_optional = !(o->flags & (VERB_REQUIRED | VERB_ONE_OF));
	char letter[] = {'-', o->letter, '\0'};

	snprintf(out, size, "%s%s%s%s%s%s%s", is_optional ? "[" : "",
	    o->letter != 0 ? letter : "--", o->letter != 0 ? "" : o->name,
	    o->value != NULL ? " " : "", o->value != NULL ? o->value : "", is_optional ? "]" : "",
	    o->flags & VERB_REPEATABLE ? "..." : "");
}

/* Those that exclude each other come as one: "(-z ZONE | -a)". */
static void one_of_text(const struct verb *v, char *out, size_t size)
{
	char one[80];
	size_t at = 0;

	for (const struct verb_option *o = v->options; o->name != NULL; o++) {
		if (!(o->flags & VERB_ONE_OF) || at >= size)
			continue;
		option_text(o, one, sizeof(one));
		at += (size_t)snprintf(out + at, size - at, "%s%s", at == 0 ? "(" : " | ", one);
	}
	snprintf(out + strlen(out), size - strlen(out), ")");
}

void usage_line(FILE *to, const struct verb *v)
{
	struct line l = {.to = to, .indent = 6};
	bool has_one_of = false;
	char text[160] = "";

	l.at = (size_t)fprintf(to, "usage: intaglio %s", v->name);
	for (const struct verb_option *o = v->options; o->name != NULL; o++) {
		if (!(o->flags & VERB_ONE_OF)) {
			option_text(o, text, sizeof(text));
			line_put(&l, text);
		} else if (!has_one_of) {
			one_of_text(v, text, sizeof(text));
			line_put(&l, text);
			has_one_of = true;
		}
	}
	if (v->argument != NULL)
		line_put(&l, v->argument);
	fputc('\n', to);
}

static void put_option(FILE *to, const struct verb_option *o)
{
	struct line l = {.to = to, .indent = 7};
	char copy[300], *rest = copy, *word;

	fprintf(to, "  %c%c%c --%s%s%s\n       ", o->letter != 0 ? '-' : ' ',
	    o->letter != 0 ? o->letter : ' ', o->letter != 0 ? ',' : ' ', o->name,
	    o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
	l.at = l.indent;
	snprintf(copy, sizeof(copy), "%s", o->help);
	while ((word = strsep(&rest, " ")) != NULL)
		line_put(&l, word);
	fputc('\n', to);
}

void usage_verb(FILE *to, const struct verb *v)
{
	usage_line(to, v);
	fprintf(to, "\n%s\n", v->help);
	if (v->options->name != NULL)
		fputc('\n', to);
	for (const struct verb_option *o = v->options; o->name != NULL; o++)
		put_option(to, o);
}

static void put_verbs(FILE *to, const char *prefix)
{
	size_t len = strlen(prefix);

	for (const struct verb *v = verbs; v->name != NULL; v++) {
		if (strncmp(v->name, prefix, len) == 0 && (len == 0 || v->name[len] == ' '))
			fprintf(to, "  %-18s %s\n", v->name, v->help);
	}
}

void usage_verbs(FILE *to)
{
	fputs("usage: intaglio [-c FILE] VERB [OPTION]...\n"
	      "       intaglio help [VERB]\n"
	      "       intaglio --version\n\n",
	    to);
	put_verbs(to, "");
	fputc('\n', to);
	for (const struct verb_option *o = verb_common; o->name != NULL; o++)
		put_option(to, o);
}

int usage_help(int count, char *const words[])
{
	struct buf name = {0};
	const struct verb *v;
	bool is_group = false;

	if (count == 0) {
		usage_verbs(stdout);
		return EXIT_DONE;
	}
	buf_printf(&name, "%s%s%s", words[0], count > 1 ? " " : "", count > 1 ? words[1] : "");
	buf_u8(&name, '\0');
	v = verb_find((char *)name.data);
	for (const struct verb *w = verbs; w->name != NULL; w++)
		is_group |= count == 1 && strncmp(w->name, words[0], strlen(words[0])) == 0 &&
			    w->name[strlen(words[0])] == ' ';
	if (v != NULL)
		usage_verb(stdout, v);
	else if (is_group) {
		put_verbs(stdout, words[0]);
	} else
		fprintf(stderr, "intaglio: there is no verb \"%s\"; `intaglio help` lists them\n",
		    (char *)name.data);
	buf_free(&name);
	return v != NULL || is_group ? EXIT_DONE : EXIT_USAGE;
}
