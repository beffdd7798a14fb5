/* Options and commands of intaglio-hsm: the parser, --help and the manual's part come from one
 * table. Runs in intaglio-hsm; argv is what an operator typed. */
#include "hsm-setup/hsm.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include "base/manual.h"
#include "base/mem.h"

struct option_row {
	const char *name;
	const char *value; /* NULL: a switch */
	size_t offset;	   /* of a const char *, or of a bool */
	unsigned commands; /* enum command_bit */
	const char *text;
};

#define AT(member) offsetof(struct options, member)

static const struct option_row rows[] = {
    {"module", "FILE", AT(module), CMD_ALL, "the vendor's PKCS#11 module, a shared object"},
    {"label", "LABEL", AT(label), CMD_ALL, "the label of the token"},
    {"serial", "NUMBER", AT(serial), CMD_ALL & ~CMD_INIT,
	"its serial number, where two tokens have the same label"},
    {"pin-file", "FILE", AT(pin_file), CMD_ALL,
	"a file whose first line is the user's PIN; without it the PIN is asked for on the terminal"},
    {"so-pin-file", "FILE", AT(so_pin_file), CMD_INIT,
	"a file whose first line is the security officer's PIN"},
    {"force-reinit", NULL, AT(force_reinit), CMD_INIT,
	"initialise a token that has this label already; all its keys are lost"},
    {"algorithm", "NAME", AT(algorithm), CMD_BENCH | CMD_TEST,
	"only this algorithm, as in ECDSAP256SHA256"},
    {"bits", "NUMBER", AT(bits), CMD_BENCH | CMD_TEST, "size of RSA keys (2048)"},
    {"sessions", "NUMBER", AT(sessions), CMD_BENCH, "up to so many sessions at once (4)"},
    {"seconds", "NUMBER", AT(seconds), CMD_BENCH, "for each line of the table (2)"},
    {"to", "FILE", AT(to), CMD_BACKUP, "the back-up to write; never one that is there already"},
    {"from", "FILE", AT(from), CMD_RESTORE, "the back-up to read"},
    {"key-file", "FILE", AT(key_file), CMD_BACKUP | CMD_RESTORE,
	"a file, readable by its owner only, with the back-up's key: 64 hexadecimal digits; without "
	"it two halves are asked for on the terminal"},
    {"key-file-2", "FILE", AT(key_file_2), CMD_BACKUP | CMD_RESTORE,
	"the other half, where two persons each hold one: the key is the one XOR the other"},
    {"make-key", NULL, AT(make_key), CMD_BACKUP,
	"make the key file (both, where two are given) first"},
    {"keys-only", NULL, AT(keys_only), CMD_RESTORE, "leave the state records alone"},
    {"dry-run", NULL, AT(dry_run), CMD_BACKUP | CMD_RESTORE,
	"do all but the writing: every key is wrapped or unwrapped, and proves itself"},
    {"json", NULL, AT(json), CMD_ALL & ~CMD_INIT, "print JSON instead of a table"},
    {"verbose", NULL, AT(verbose), CMD_ALL, "say every call into the module on standard error"},
    {"help", NULL, AT(help), CMD_ALL, "print this and leave"},
    {"version", NULL, AT(version), CMD_ALL, "print the version and leave"},
    {"man", NULL, AT(man), 0, NULL}, /* for the manual's Makefile rule */
};

static void print_help(FILE *out)
{
	fprintf(out, "usage: intaglio-hsm COMMAND [OPTION]...\n\nCommands:\n");
	for (const struct command *c = commands; c->name != NULL; c++)
		fprintf(out, "  %-9s %s\n", c->name, c->text);
	fprintf(out, "\nOptions:\n");
	for (unsigned i = 0; i < MEM_COUNT(rows); i++) {
		char left[40];
		if (rows[i].text == NULL)
			continue;
		snprintf(left, sizeof left, "--%s%s%s", rows[i].name,
		    rows[i].value != NULL ? " " : "", rows[i].value != NULL ? rows[i].value : "");
		fprintf(out, "  %-20s %s", left, rows[i].text);
		if (rows[i].commands != CMD_ALL) {
			fprintf(out, " [");
			for (const struct command *c = commands; c->name != NULL; c++)
				if ((rows[i].commands & (unsigned)c->bit) != 0)
					fprintf(out, " %s", c->name);
			fprintf(out, " ]");
		}
		fprintf(out, "\n");
	}
	fprintf(out,
	    "\nA PIN is never given on the command line.  Exit status: 0 done, 1 refused or "
	    "failed, 2 usage.\n");
}

static void print_sentence(FILE *out, const char *words)
{
	struct buf text = {0};

	manual_sentence(&text, words);
	fwrite(text.data, 1, text.len, out);
	buf_free(&text);
}

/* The parts of man/intaglio-hsm.8 that follow from the tables. */
static void print_man(FILE *out)
{
	fprintf(out, ".Bl -tag -width Ds\n");
	for (const struct command *c = commands; c->name != NULL; c++) {
		fprintf(out, ".It Cm %s\n", c->name);
		print_sentence(out, c->text);
	}
	fprintf(out, ".El\n.Pp\nThe options are as follows:\n.Bl -tag -width Ds\n");
	for (unsigned i = 0; i < MEM_COUNT(rows); i++) {
		if (rows[i].text == NULL)
			continue;
		fprintf(out, ".It Fl -%s", rows[i].name);
		if (rows[i].value != NULL)
			fprintf(out, " Ar %s", rows[i].value);
		fprintf(out, "\n");
		print_sentence(out, rows[i].text);
		if (rows[i].commands == CMD_ALL)
			continue;
		fprintf(out, "Only with");
		for (const struct command *c = commands; c->name != NULL; c++)
			if ((rows[i].commands & (unsigned)c->bit) != 0)
				fprintf(out, "\n.Cm %s", c->name);
		fprintf(out, " .\n");
	}
	fprintf(out, ".El\n");
}

static int usage(const char *what, const char *detail)
{
	fprintf(stderr, "intaglio-hsm: %s%s\nTry `intaglio-hsm --help`.\n", what, detail);
	return EXIT_USAGE;
}

static void set_option(struct options *o, const struct option_row *row, const char *value)
{
	char *member = (char *)o + row->offset;

	if (row->value != NULL)
		*(const char **)(void *)member = value;
	else
		*(bool *)(void *)member = true;
}

static bool is_set(const struct options *o, const struct option_row *row)
{
	const char *member = (const char *)o + row->offset;

	return row->value != NULL ? *(const char *const *)(const void *)member != NULL
				  : *(const bool *)(const void *)member;
}

static int parse_rows(int argc, char **argv, struct options *o)
{
	struct option all[MEM_COUNT(rows) + 1] = {{0}};
	int c, at;

	for (unsigned i = 0; i < MEM_COUNT(rows); i++) {
		all[i].name = rows[i].name;
		all[i].has_arg = rows[i].value != NULL ? required_argument : no_argument;
	}
	while ((c = getopt_long(argc, argv, "", all, &at)) != -1) {
		if (c != 0)
			return usage("see the message above", "");
		set_option(o, &rows[at], optarg);
	}
	return EXIT_DONE;
}

static const struct command *find_command(const char *name)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static int check(const struct command *c, const struct options *o)
{
	for (unsigned i = 0; i < MEM_COUNT(rows); i++)
		if (is_set(o, &rows[i]) && (rows[i].commands & (unsigned)c->bit) == 0) {
			fprintf(stderr, "intaglio-hsm: --%s means nothing to `%s`\n", rows[i].name,
			    c->name);
			return EXIT_USAGE;
		}
	if (o->module == NULL || o->label == NULL)
		return usage(c->name, " needs --module and --label");
	return EXIT_DONE;
}

const struct command *options_parse(int argc, char **argv, struct options *o, int *status)
{
	const struct command *c;

	memset(o, 0, sizeof *o);
	*status = parse_rows(argc, argv, o);
	if (*status != EXIT_DONE)
		return NULL;
	if (o->help || o->man || o->version) {
		if (o->version)
			printf("intaglio-hsm %s\n", ITG_VERSION);
		else if (o->man)
			print_man(stdout);
		else
			print_help(stdout);
		return NULL;
	}
	if (optind >= argc) {
		*status = usage("no command is given", "");
		return NULL;
	}
	c = find_command(argv[optind]);
	if (c == NULL)
		*status = usage("there is no command ", argv[optind]);
	else if (optind + 1 < argc)
		*status = usage("one argument too many: ", argv[optind + 1]);
	else
		*status = check(c, o);
	return *status == EXIT_DONE ? c : NULL;
}

int options_number(const char *name, const char *text, unsigned fallback, unsigned low,
    unsigned high, unsigned *out, struct err *e)
{
	char *end;
	unsigned long value = fallback;

	if (text != NULL) {
		value = strtoul(text, &end, 10);
		if (*text < '0' || *text > '9' || *end != '\0' || value < low || value > high)
			return err_set(e, ERR_ARGUMENT, "--%s %s: a number from %u to %u is right",
			    name, text, low, high);
	}
	*out = (unsigned)value;
	return OK;
}
