/* Deliveries by hand, for the tests against real servers: a line on stdin is one,
 *
 *     mail RECIPIENT FILE        webhook - FILE        wait MILLISECONDS
 *
 * up to an empty line they go on at the same time; what became of each is a line on stdout: its
 * number, the code, "final" or "again", why.  Settings come as NAME=VALUE on the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "notices/deliver.h"

static struct loop *loop;
static unsigned waiting;
static uint64_t longest_ms; /* that the loop stood still */

struct asked {
	unsigned number;
};

static void done(void *arg, int code, bool is_permanent, const char *why)
{
	struct asked *a = arg;

	printf("%u %s %s %s\n", a->number, code == OK ? "OK" : err_name(code),
	    is_permanent ? "final" : "again", why);
	fflush(stdout);
	free(a);
	waiting--;
}

static const char *setting(char **argv, const char *name)
{
	size_t len = strlen(name);

	for (; *argv != NULL; argv++) {
		if (strncmp(*argv, name, len) == 0 && (*argv)[len] == '=')
			return *argv + len + 1;
	}
	return NULL;
}

static uint64_t number(char **argv, const char *name, uint64_t fallback)
{
	const char *text = setting(argv, name);

	return text == NULL ? fallback : strtoull(text, NULL, 10);
}

static void configure(struct deliver *d, char **argv)
{
	struct deliver_settings s = {
	    .from = setting(argv, "from"),
	    .smtp = {setting(argv, "server"), (uint16_t)number(argv, "port", 25),
		(enum deliver_tls)number(argv, "tls", DELIVER_TLS_NONE), setting(argv, "username"),
		setting(argv, "password"), setting(argv, "ca_file")},
	    .webhook = {setting(argv, "url"), setting(argv, "secret"), setting(argv, "ca_file")},
	    .patience_ms = number(argv, "patience", 5000),
	    .hurry_ms = number(argv, "hurry", 0),
	};

	deliver_configure(d, &s);
}

static void read_file(const char *path, struct buf *out)
{
	FILE *in = fopen(path, "re");
	char data[4096];
	size_t n;

	if (in == NULL)
		exit(2);
	while ((n = fread(data, 1, sizeof(data), in)) > 0)
		buf_put(out, data, n);
	fclose(in);
}

/* The timer comes each 10 ms unless something blocks. */
static uint64_t last_ms;
static struct loop_timer *pulse;

static void beat(void *arg)
{
	uint64_t now = clock_mono_ms();

	(void)arg;
	if (now - last_ms > longest_ms)
		longest_ms = now - last_ms;
	last_ms = now;
	loop_timer_set(pulse, 10);
}

static void run(uint64_t ms)
{
	uint64_t until = clock_mono_ms() + ms;

	last_ms = clock_mono_ms();
	beat(NULL);
	while (waiting > 0 || clock_mono_ms() < until)
		loop_once(loop, true);
}

static void start(struct deliver *d, const char *channel, const char *to, const char *path)
{
	static unsigned numbers;
	struct asked *a = mem_alloc(sizeof(*a));
	struct buf body = {0};

	a->number = ++numbers;
	read_file(path, &body);
	waiting++;
	deliver_start(d, strcmp(channel, "mail") == 0 ? DELIVER_MAIL : DELIVER_WEBHOOK, to,
	    body.data, body.len, done, a);
	buf_free(&body);
}

int main(int argc, char **argv)
{
	char line[1024], channel[16], to[300], path[600];
	struct deliver *d;

	(void)argc;
	loop = loop_new();
	pulse = loop_timer_new(loop, beat, NULL);
	d = deliver_new(loop);
	configure(d, argv + 1);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		if (sscanf(line, "%15s %299s %599s", channel, to, path) == 3)
			start(d, channel, to, path);
		else if (strncmp(line, "wait ", 5) == 0)
			run(strtoull(line + 5, NULL, 10));
		else
			run(0);
	}
	run(0);
	printf("longest %llu\n", (unsigned long long)longest_ms);
	deliver_free(d);
	loop_timer_free(pulse);
	loop_free(loop);
	return 0;
}
