/* zonefile_lex: the lexical rules of master files (RFC 1035 5.1): blanks, parentheses, comments,
 * quotes and escapes.  Runs on the signing side; the file may hold anything. */
#include "dns/zonefile_lex.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/mem.h"

int lexer_open(struct lexer *x, const char *path, struct err *e)
{
	struct stat st;

	memset(x, 0, sizeof(*x));
	x->path = path;
	x->line = 1;
	x->text.limit = ZONEFILE_ENTRY_MAX;
	x->file = fopen(path, "re");
	if (x->file == NULL)
		return err_sys(e, "opening the zone file %s", path);
	if (fstat(fileno(x->file), &st) != 0 || S_ISDIR(st.st_mode)) {
		lexer_close(x);
		return err_set(e, ERR_FORMAT, "the zone file %s is a directory", path);
	}
	return OK;
}

void lexer_close(struct lexer *x)
{
	if (x->file != NULL)
		fclose(x->file);
	free(x->tokens);
	free(x->starts);
	free(x->quoted);
	buf_free(&x->text);
	memset(x, 0, sizeof(*x));
}

static int get(struct lexer *x)
{
	int c = getc_unlocked(x->file);

	if (c == '\n')
		x->line++;
	return c;
}

static void unget(struct lexer *x, int c)
{
	if (c == EOF)
		return;
	if (c == '\n')
		x->line--;
	ungetc(c, x->file);
}

static void begin_token(struct lexer *x, bool quoted)
{
	if (x->count == x->room) {
		x->room = x->room == 0 ? 64 : x->room * 2;
		x->starts = mem_grow(x->starts, x->room, sizeof(*x->starts));
		x->quoted = mem_grow(x->quoted, x->room, sizeof(*x->quoted));
		x->tokens = mem_grow(x->tokens, x->room, sizeof(*x->tokens));
	}
	x->starts[x->count] = x->text.len;
	x->quoted[x->count++] = quoted;
}

/* A backslash has been read: it and what it escapes stay as they are. */
static const char *read_escape(struct lexer *x)
{
	int c = get(x);

	if (c == EOF || c == '\n' || c == '\0')
		return "a backslash at the end of the line";
	buf_u8(&x->text, '\\');
	buf_u8(&x->text, (uint8_t)c);
	return NULL;
}

/* An opening quote has been read; the closing one is consumed. */
static const char *read_quoted(struct lexer *x)
{
	for (;;) {
		int c = get(x);
		const char *wrong = NULL;

		if (c == '"')
			return NULL;
		if (c == EOF || c == '\n')
			return "a quote is not closed on its line";
		if (c == '\\')
			wrong = read_escape(x);
		else
			buf_u8(&x->text, (uint8_t)c);
		if (wrong != NULL)
			return wrong;
	}
}

/* A token that begins with c.  Quotes within it (key="a b") stay in it. */
static const char *read_plain(struct lexer *x, int c)
{
	const char *wrong = NULL;

	for (; wrong == NULL; c = get(x)) {
		if (c == EOF || strchr(" \t\r\n;()", c) != NULL) {
			unget(x, c);
			return c == '\0' ? "a zero octet" : NULL;
		}
		if (c == '\\') {
			wrong = read_escape(x);
			continue;
		}
		buf_u8(&x->text, (uint8_t)c);
		if (c == '"') {
			wrong = read_quoted(x);
			buf_u8(&x->text, '"');
		}
	}
	return wrong;
}

static const char *read_token(struct lexer *x, int c)
{
	const char *wrong;

	begin_token(x, c == '"');
	wrong = c == '"' ? read_quoted(x) : read_plain(x, c);
	buf_u8(&x->text, '\0');
	if (wrong == NULL && !x->text.failed &&
	    memchr(x->text.data + x->starts[x->count - 1], '\0',
		x->text.len - 1 - x->starts[x->count - 1]) != NULL)
		wrong = "a zero octet";
	return wrong;
}

static void skip_comment(struct lexer *x)
{
	int c;

	do
		c = get(x);
	while (c != '\n' && c != EOF);
	unget(x, c);
}

/* Tokens up to the end of the entry; *end_of_file. */
static const char *read_entry(struct lexer *x, bool *end_of_file)
{
	unsigned depth = 0;
	const char *wrong = NULL;
	bool line_start = true;

	while (wrong == NULL && !x->text.failed) {
		int c = get(x);

		if (line_start && x->count == 0) {
			x->blank = c == ' ' || c == '\t';
			x->entry_line = x->line;
		}
		line_start = c == '\n';
		if (c == EOF) {
			*end_of_file = true;
			return depth > 0 ? "a parenthesis is not closed" : NULL;
		}
		if (c == '\n' && depth == 0 && x->count > 0)
			return NULL;
		if (c == ';')
			skip_comment(x);
		else if (c == '(')
			depth++;
		else if (c == ')' && depth-- == 0)
			wrong = "a parenthesis is closed that was not opened";
		else if (c != ')' && strchr(" \t\r\n", c) == NULL)
			wrong = read_token(x, c);
		else if (c == '\0')
			wrong = "a zero octet";
	}
	return wrong != NULL ? wrong : "an entry is too long";
}

int lexer_next(struct lexer *x, struct err *e)
{
	bool end_of_file = false;
	const char *wrong;

	x->count = 0;
	buf_reset(&x->text);
	wrong = read_entry(x, &end_of_file);
	if (wrong != NULL)
		return err_set(e, ERR_FORMAT, "%s:%u: %s", x->path, x->line, wrong);
	if (ferror(x->file))
		return err_sys(e, "reading the zone file %s", x->path);
	for (size_t i = 0; i < x->count; i++) {
		x->tokens[i].text = (const char *)x->text.data + x->starts[i];
		x->tokens[i].quoted = x->quoted[i];
	}
	return OK;
}
