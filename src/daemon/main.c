/* intagliod: options, and the way to the role that this process has. */
#include <config.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/config/config.h"
#include "daemon/master/master.h"
#include "daemon/process.h"
#include "daemon/role.h"

#define DEFAULT_CONFIG ITG_SYSCONFDIR "/intaglio/intaglio.conf"

enum {
	OPT_CHECK = 256,
	OPT_VIRTUAL,
	OPT_MAN,
	OPT_ROLE,
	OPT_TOKEN,
	OPT_MODULE,
	OPT_LABEL,
	OPT_SERIAL,
	OPT_PIN,
	OPT_SESSIONS,
	OPT_USER,
	OPT_COPIES,
	OPT_OBJECTS
};

/* One entry per option of the operator's: parser, --help and manual page come from it. */
static const struct operator_option {
	const char *name;
	int letter;
	const char *value; /* NULL: takes none */
	const char *doc;
} operator_options[] = {
    {"config", 'c', "FILE", "Read this configuration (default: " DEFAULT_CONFIG ")."},
    {"check-config", OPT_CHECK, NULL,
	"Check the configuration, name every mistake with file and line, and exit."},
    {"foreground", 'f', NULL, "Stay in the foreground and log to stderr instead of syslog."},
    {"verbose", 'v', NULL, "Log more."},
    {"virtual-clock", OPT_VIRTUAL, NULL,
	"For tests: the calendar stands still, at the time of the start or later."},
    {"help", 'h', NULL, "Print the options and exit."},
    {"version", 'V', NULL, "Print the version and exit."},
};

/* Between the master and the processes it starts; not for the operator. */
static const struct option role_options[] = {
    {"man", required_argument, NULL, OPT_MAN},
    {"role", required_argument, NULL, OPT_ROLE},
    {"background", no_argument, NULL, 'b'},
    {"token-name", required_argument, NULL, OPT_TOKEN},
    {"module", required_argument, NULL, OPT_MODULE},
    {"label", required_argument, NULL, OPT_LABEL},
    {"serial", required_argument, NULL, OPT_SERIAL},
    {"pin-file", required_argument, NULL, OPT_PIN},
    {"sessions", required_argument, NULL, OPT_SESSIONS},
    {"user", required_argument, NULL, OPT_USER},
    {"session-copies", no_argument, NULL, OPT_COPIES},
    {"token-objects", no_argument, NULL, OPT_OBJECTS},
};

struct options {
	struct master_options master;
	struct worker_options worker;
	const char *role, *man;
	bool check;
};

static void usage(FILE *to)
{
	fprintf(to, "usage: intagliod [-fv] [-c FILE] [--check-config]\n\n");
	for (size_t i = 0; i < MEM_COUNT(operator_options); i++) {
		const struct operator_option *o = &operator_options[i];
		char left[60];

		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", o->letter < 256 ? "-" : " ",
		    o->letter < 256 ? o->letter : ' ', o->letter < 256 ? ", " : "  ", o->name,
		    o->value == NULL ? "" : " ", o->value == NULL ? "" : o->value);
		fprintf(to, "  %-26s %s\n", left, o->doc);
	}
}

static void manual_options(void)
{
	printf(".Bl -tag -width Ds\n");
	for (size_t i = 0; i < MEM_COUNT(operator_options); i++) {
		const struct operator_option *o = &operator_options[i];

		if (o->letter < 256)
			printf(".It Fl %c , Fl -%s%s%s\n", o->letter, o->name,
			    o->value == NULL ? "" : " Ar ", o->value == NULL ? "" : o->value);
		else
			printf(".It Fl -%s%s%s\n", o->name, o->value == NULL ? "" : " Ar ",
			    o->value == NULL ? "" : o->value);
		printf("%s\n", o->doc);
	}
	printf(".El\n");
}

static int manual(const char *what)
{
	struct buf text = {0};

	if (strcmp(what, "options") == 0) {
		manual_options();
		return 0;
	}
	if (strcmp(what, "config") != 0) {
		fprintf(stderr, "intagliod: --man takes \"options\" or \"config\"\n");
		return 2;
	}
	conf_manual(&config_table, &text);
	fwrite(text.data, 1, text.len, stdout);
	buf_free(&text);
	return 0;
}

static void print_mistake(void *arg, const struct conf_origin *where, const char *text)
{
	const char *kind = arg == NULL ? "" : "warning: ";

	if (where->line > 0)
		fprintf(stderr, "%s:%d: %s%s\n", where->file, where->line, kind, text);
	else
		fprintf(stderr, "%s: %s%s\n", where->file, kind, text);
}

static void print_warning(void *arg, const struct conf_origin *where, const char *text)
{
	static bool is_warning;

	(void)arg;
	print_mistake(&is_warning, where, text);
}

static int check_config(const char *path)
{
	struct config *c = config_load(path, print_mistake, print_warning, NULL);

	if (c == NULL)
		return 1;
	printf("%s is good: %u zones, %u policies, %u servers, %u tokens\n", path, c->zones.count,
	    c->policies.count, c->servers.count, c->tokens.count);
	config_free(c);
	return 0;
}

static void take_role_option(struct options *o, int letter)
{
	switch (letter) {
	case OPT_MAN:
		o->man = optarg;
		break;
	case OPT_ROLE:
		o->role = optarg;
		break;
	case OPT_TOKEN:
		o->worker.name = optarg;
		break;
	case OPT_MODULE:
		o->worker.module = optarg;
		break;
	case OPT_LABEL:
		o->worker.label = optarg;
		break;
	case OPT_SERIAL:
		o->worker.serial = optarg;
		break;
	case OPT_PIN:
		o->worker.pin_file = optarg;
		break;
	case OPT_SESSIONS:
		o->worker.sessions = (unsigned)strtoul(optarg, NULL, 10);
		break;
	case OPT_USER:
		o->worker.user = optarg;
		break;
	case OPT_COPIES:
		o->worker.session_copies = true;
		break;
	default:
		break;
	}
}

/* -1: go on; else the exit status. */
static int take_option(struct options *o, int letter)
{
	switch (letter) {
	case 'c':
		o->master.config_path = optarg;
		return -1;
	case 'f':
		o->master.foreground = true;
		return -1;
	case 'v':
		o->master.verbose = true;
		return -1;
	case OPT_CHECK:
		o->check = true;
		return -1;
	case OPT_VIRTUAL:
		o->master.virtual_clock = true;
		return -1;
	case 'h':
		usage(stdout);
		return 0;
	case 'V':
		printf("intagliod %s\n", PACKAGE_VERSION);
		return 0;
	case '?':
		usage(stderr);
		return 2;
	default:
		take_role_option(o, letter);
		return -1;
	}
}

static int parse(struct options *o, int argc, char **argv)
{
	struct option all[MEM_COUNT(operator_options) + MEM_COUNT(role_options) + 1] = {{0}};
	size_t n = 0;
	int letter, status = -1;

	for (size_t i = 0; i < MEM_COUNT(operator_options); i++)
		all[n++] = (struct option){operator_options[i].name,
		    operator_options[i].value == NULL ? no_argument : required_argument, NULL,
		    operator_options[i].letter};
	memcpy(all + n, role_options, sizeof(role_options));
	while (status < 0 && (letter = getopt_long(argc, argv, "c:fvhV", all, NULL)) != -1)
		status = take_option(o, letter);
	if (status < 0 && optind < argc) {
		fprintf(stderr, "intagliod: \"%s\" is not an option\n", argv[optind]);
		usage(stderr);
		status = 2;
	}
	return status;
}

static int run_role(const struct options *o)
{
	if (clock_page_attach(PROCESS_CLOCK_FD) != 0)
		log_warning("no clock page: the calendar is the real time");
	close(PROCESS_CLOCK_FD);
	log_open(
	    o->role, !o->master.foreground, o->master.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_NOTICE);
	if (strcmp(o->role, "network") == 0)
		return network_main();
	if (strcmp(o->role, "signer") == 0)
		return signer_main();
	if (strcmp(o->role, "token") == 0)
		return worker_main(&o->worker);
	log_error("there is no role %s", o->role);
	return 2;
}

int main(int argc, char **argv)
{
	struct options o = {.master = {.program = argv[0], .config_path = DEFAULT_CONFIG}};
	int status = parse(&o, argc, argv);

	if (status >= 0)
		return status;
	if (o.man != NULL)
		return manual(o.man);
	if (o.role != NULL)
		return run_role(&o);
	if (o.check)
		return check_config(o.master.config_path);
	return master_run(&o.master);
}
