/* Completion for bash, made from the table of verbs: see cli.h. */
#include "cli/cli.h"

#include <string.h>

/* First words, each once. */
static void put_first_words(FILE *to)
{
	const char *before = "";
	size_t before_len = 0;

	for (const struct verb *v = verbs; v->name != NULL; v++) {
		size_t len = strcspn(v->name, " ");

		if (len != before_len || memcmp(before, v->name, len) != 0)
			fprintf(to, "%.*s ", (int)len, v->name);
		before = v->name;
		before_len = len;
	}
	fputs("help", to);
}

static void put_second_words(FILE *to)
{
	const char *before = NULL;
	size_t before_len = 0;

	for (const struct verb *v = verbs; v->name != NULL; v++) {
		size_t len = strcspn(v->name, " ");

		if (v->name[len] == '\0')
			continue;
		if (before == NULL || len != before_len || memcmp(before, v->name, len) != 0)
			fprintf(to, "%s\t%.*s) words=\"", before == NULL ? "" : "\" ;;\n", (int)len,
			    v->name);
		else
			fputc(' ', to);
		fputs(v->name + len + 1, to);
		before = v->name;
		before_len = len;
	}
	fputs("\" ;;\n", to);
}

static void put_options(FILE *to, const struct verb_option *o)
{
	for (; o->name != NULL; o++)
		fprintf(to, " --%s", o->name);
}

/* Options whose value is a file of the operator's, one of a few words, or a zone.  bash expands the
 * list of words: only zones whose names it would leave alone are offered. */
static const char values[] =
    "\tcase ${COMP_WORDS[COMP_CWORD-1]} in\n"
    "\t-c|--config|--input-file|--output-file|--secret-file)\n"
    "\t\tCOMPREPLY=($(compgen -f -- \"$current\")); return ;;\n"
    "\t-t|--key-type)\n"
    "\t\tCOMPREPLY=($(compgen -W \"KSK ZSK CSK ALL\" -- \"$current\")); return ;;\n"
    "\t-z|--zone)\n"
    "\t\twords=$(intaglio \"${config[@]}\" zone list --json 2>/dev/null |\n"
    "\t\t\tgrep -o '\"zone\":\"[A-Za-z0-9._/-]*\"' | cut -d'\"' -f4)\n"
    "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\")); return ;;\n"
    "\tesac\n";

static const char head[] =
    "# bash completion for intaglio(8), made by `intaglio --completion bash`.\n"
    "_intaglio()\n{\n"
    "\tlocal current=${COMP_WORDS[COMP_CWORD]} words= first= second= i\n"
    "\tlocal -a config=()\n\n"
    "\tCOMPREPLY=()\n"
    "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
    "\t\tcase ${COMP_WORDS[i]} in\n"
    "\t\t-c|--config) config=(-c \"${COMP_WORDS[++i]}\") ;;\n"
    "\t\t-*) ;;\n"
    "\t\t*)\n"
    "\t\t\tif [ -z \"$first\" ]; then first=${COMP_WORDS[i]}\n"
    "\t\t\telif [ -z \"$second\" ]; then second=${COMP_WORDS[i]}; fi ;;\n"
    "\t\tesac\n"
    "\tdone\n";

static const char tail[] = "\tesac\n"
			   "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
			   "}\n"
			   "complete -F _intaglio intaglio\n";

void completion_bash(FILE *to)
{
	fputs(head, to);
	fputs(values, to);
	fputs("\tcase \"$first${second:+ $second}\" in\n\t'') words=\"", to);
	put_first_words(to);
	fputs(" --config --version\" ;;\n", to);
	for (const struct verb *v = verbs; v->name != NULL; v++) {
		bool is_alone = strchr(v->name, ' ') == NULL;

		/* A verb of one word may have a value behind it already. */
		fprintf(to, "\t\"%s\"%s) words=\"", v->name, is_alone ? "*" : "");
		put_options(to, v->options);
		put_options(to, verb_common);
		fputs("\" ;;\n", to);
	}
	put_second_words(to);
	fputs(tail, to);
}
