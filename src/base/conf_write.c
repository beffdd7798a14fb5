/* Writing configuration, and its manual, from the same tables that read it: see conf.h. */
#include "base/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/manual.h"
#include "base/mem.h"

#define CONF_AUDIENCES (CONF_NETWORK | CONF_SIGNER | CONF_FILE)

static const void *member(const void *base, const struct conf_item *item)
{
	return (const char *)base + item->offset;
}

static void write_string(const char *s, struct buf *out)
{
	buf_u8(out, '"');
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			buf_printf(out, "\\x%02x", c);
		else
			buf_u8(out, c);
	}
	buf_u8(out, '"');
}

static void write_names(const struct conf_names *names, struct buf *out)
{
	buf_printf(out, "( ");
	for (unsigned i = 0; i < names->count; i++) {
		if (i > 0)
			buf_printf(out, ", ");
		write_string(names->list[i], out);
	}
	buf_printf(out, " )");
}

static const char *choice_name(const struct conf_item *item, int value)
{
	for (const struct conf_choice *c = item->choices; c->name != NULL; c++) {
		if (c->value == value)
			return c->name;
	}
	return "";
}

static void write_group(
    const struct conf_table *t, const void *in, unsigned audience, int depth, struct buf *out);

static void indent(int depth, struct buf *out)
{
	buf_printf(out, "%*s", depth * 4, "");
}

static void write_groups(const struct conf_table *sub, const struct conf_groups *g,
    unsigned audience, int depth, struct buf *out)
{
	buf_printf(out, "(");
	for (unsigned i = 0; i < g->count; i++) {
		buf_printf(out, "%s\n", i == 0 ? "" : ",");
		indent(depth + 1, out);
		buf_printf(out, "{\n");
		write_group(sub, (const char *)g->items + i * sub->size, audience, depth + 2, out);
		indent(depth + 1, out);
		buf_printf(out, "}");
	}
	buf_printf(out, "\n");
	indent(depth, out);
	buf_printf(out, ")");
}

static void write_value(
    const struct conf_item *item, const void *in, unsigned audience, int depth, struct buf *out)
{
	struct period p = {0, 0};
	int64_t number;
	char text[40];

	switch (item->type) {
	case CONF_STRING:
		write_string(*(const char *const *)in, out);
		break;
	case CONF_INT:
		number = *(const int64_t *)in;
		/* libconfig takes a number beyond 32 bits only with an L behind it. */
		buf_printf(out, "%lld%s", (long long)number,
		    number < INT32_MIN || number > INT32_MAX ? "L" : "");
		break;
	case CONF_BOOL:
		buf_printf(out, "%s", *(const bool *)in ? "true" : "false");
		break;
	case CONF_PERIOD:
		period_text(*(const struct period *)in, text);
		buf_printf(out, "\"%s\"", text);
		break;
	case CONF_DURATION:
		p.seconds = *(const int64_t *)in;
		period_text(p, text);
		buf_printf(out, "\"%s\"", text);
		break;
	case CONF_CHOICE:
		write_string(choice_name(item, *(const int *)in), out);
		break;
	case CONF_NAMES:
		write_names(in, out);
		break;
	case CONF_GROUPS:
		write_groups(item->sub, in, audience, depth, out);
		break;
	case CONF_GROUP:
		buf_printf(out, "{\n");
		write_group(item->sub, in, audience, depth + 1, out);
		indent(depth, out);
		buf_printf(out, "}");
		break;
	}
}

static bool is_given(const struct conf_item *item, const void *in, bool whole)
{
	switch (item->type) {
	case CONF_STRING:
		return *(const char *const *)in != NULL;
	case CONF_NAMES:
		return ((const struct conf_names *)in)->count > 0;
	case CONF_GROUPS:
		return ((const struct conf_groups *)in)->count > 0;
	case CONF_GROUP:
		return ((const struct conf_origin *)in)->line > 0 ||
		       (whole && (item->flags & CONF_IF_GIVEN) == 0);
	default:
		return true;
	}
}

/* Is it what a file that does not mention it would give? */
static bool is_fallback(const struct conf_item *item, const void *in, const void *plain)
{
	const struct period *p = in, *q = plain;
	const char *s, *t;

	switch (item->type) {
	case CONF_STRING:
		s = *(const char *const *)in;
		t = *(const char *const *)plain;
		return s != NULL && t != NULL && strcmp(s, t) == 0;
	case CONF_INT:
	case CONF_DURATION:
		return *(const int64_t *)in == *(const int64_t *)plain;
	case CONF_BOOL:
		return *(const bool *)in == *(const bool *)plain;
	case CONF_CHOICE:
		return *(const int *)in == *(const int *)plain;
	case CONF_PERIOD:
		return p->months == q->months && p->seconds == q->seconds;
	default:
		return false;
	}
}

static void write_group(
    const struct conf_table *t, const void *in, unsigned audience, int depth, struct buf *out)
{
	struct arena *a = arena_new();
	void *plain = arena_alloc(a, t->size);
	bool whole = (audience & CONF_WHOLE) != 0;

	conf_defaults(t, a, plain);
	for (const struct conf_item *item = t->items; item->name != NULL; item++) {
		const void *value = member(in, item);

		if ((item->flags & CONF_AUDIENCES) != 0 && (item->flags & audience) == 0)
			continue;
		if (!is_given(item, value, whole))
			continue;
		if (!whole && (item->flags & CONF_REQUIRED) == 0 &&
		    is_fallback(item, value, member(plain, item)))
			continue;
		indent(depth, out);
		buf_printf(out, "%s = ", item->name);
		write_value(item, value, audience, depth, out);
		buf_printf(out, ";\n");
	}
	arena_free(a);
}

void conf_write_list(const char *name, const struct conf_table *sub, const struct conf_groups *g,
    unsigned audience, struct buf *out)
{
	buf_printf(out, "%s = ", name);
	write_groups(sub, g, audience, 0, out);
	buf_printf(out, ";\n");
}

void conf_write(const struct conf_table *t, const void *in, unsigned audience, struct buf *out)
{
	write_group(t, in, audience, 0, out);
}

/* rename(2) is only lasting once its directory is on the disk. */
static int sync_dir_of(const char *path)
{
	char *copy = mem_strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = -1;

	if (fd >= 0) {
		code = fsync(fd);
		close(fd);
	}
	free(copy);
	return code;
}

int conf_replace_file(const char *path, unsigned mode, const void *data, size_t len, struct err *e)
{
	char *tmp = mem_printf("%s.new", path);
	const char *p = data;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	int code = OK;

	if (fd < 0) {
		code = err_sys(e, "creating %s", tmp);
		goto done;
	}
	while (len > 0 && code == OK) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno != EINTR)
			code = err_sys(e, "writing %s", tmp);
		else if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
	if (code == OK && (fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0))
		code = err_sys(e, "writing %s", tmp);
	close(fd);
	if (code == OK && (rename(tmp, path) != 0 || sync_dir_of(path) != 0))
		code = err_sys(e, "replacing %s", path);
	if (code != OK)
		unlink(tmp);
done:
	free(tmp);
	return code;
}

static const char *type_manual(const struct conf_item *item)
{
	static const char *const words[] = {
	    [CONF_STRING] = "string",
	    [CONF_INT] = "number",
	    [CONF_BOOL] = "true | false",
	    [CONF_PERIOD] = "duration",
	    [CONF_DURATION] = "duration",
	    [CONF_CHOICE] = "name",
	    [CONF_NAMES] = "( name, ... )",
	    [CONF_GROUP] = "{ ... }",
	    [CONF_GROUPS] = "( { ... }, ... )",
	};
	return words[item->type];
}

static void choices_manual(const struct conf_choice *choices, struct buf *out)
{
	struct buf words = {0};

	buf_printf(&words, "One of");
	for (const struct conf_choice *c = choices; c->name != NULL; c++)
		buf_printf(&words, "%s %s", c == choices ? "" : ",", c->name);
	buf_put(&words, ".", 2);
	manual_text(out, (const char *)words.data);
	buf_free(&words);
}

void conf_manual(const struct conf_table *t, struct buf *out)
{
	buf_printf(out, ".Bl -tag -width Ds\n");
	for (const struct conf_item *item = t->items; item->name != NULL; item++) {
		buf_printf(out, ".It Ic %s No = Ar %s\n", item->name, type_manual(item));
		manual_text(out, item->doc);
		if (item->choices != NULL)
			choices_manual(item->choices, out);
		if (item->fallback != NULL)
			buf_printf(out, "Default:\n.Dq %s .\n", item->fallback);
		if (item->flags & CONF_REQUIRED)
			buf_printf(out, "Required.\n");
		if (item->sub != NULL)
			conf_manual(item->sub, out);
	}
	buf_printf(out, ".El\n");
}
