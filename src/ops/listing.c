/* JSON as text for people: see listing.h.  Runs in the signing side.
 *
 * The strings may come from the network.  In a cell they are escaped to one line, so that no zone's
 * name can pretend to be another row; JSON is written in ASCII. */
#include "ops/listing.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "base/text.h"

#define COLUMNS_MAX 32

struct column {
	const char *path, *title;
	size_t path_len, title_len;
	size_t width;
	bool is_number; /* all of its cells are: set right */
};

struct table {
	struct column columns[COLUMNS_MAX];
	size_t column_count, row_count;
	struct buf *cells; /* row by row */
};

/* "path:Title,path:Title" */
static size_t read_columns(const char *spec, struct column columns[COLUMNS_MAX])
{
	size_t n = 0;

	while (*spec != '\0' && n < COLUMNS_MAX) {
		size_t len = strcspn(spec, ","), path = strcspn(spec, ":,");
		struct column *c = &columns[n++];

		*c = (struct column){.path = spec, .path_len = path, .is_number = true};
		c->title = path < len ? spec + path + 1 : spec;
		c->title_len = path < len ? len - path - 1 : len;
		c->width = text_width(c->title, c->title_len);
		spec += len + (spec[len] == ',');
	}
	return n;
}

static const json_t *follow(const json_t *from, const char *path, size_t len)
{
	while (len > 0 && from != NULL) {
		const char *dot = memchr(path, '.', len);
		size_t part = dot == NULL ? len : (size_t)(dot - path);

		from = json_object_getn(from, path, part);
		path += part + (dot != NULL);
		len -= part + (dot != NULL);
	}
	return from;
}

/* A value on one line.  Lists are joined by commas. */
static void put_value(struct buf *out, const json_t *v)
{
	const json_t *one;
	size_t i;

	switch (v == NULL ? JSON_NULL : json_typeof(v)) {
	case JSON_STRING:
		if (json_string_length(v) == 0)
			buf_put(out, "-", 1);
		text_escape(out, json_string_value(v), json_string_length(v), false);
		break;
	case JSON_INTEGER:
		buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		break;
	case JSON_REAL:
		buf_printf(out, "%.2f", json_real_value(v));
		break;
	case JSON_TRUE:
		buf_put(out, "yes", 3);
		break;
	case JSON_FALSE:
		buf_put(out, "no", 2);
		break;
	case JSON_ARRAY:
		if (json_array_size(v) == 0)
			buf_put(out, "-", 1);
		json_array_foreach(v, i, one)
		{
			if (i > 0)
				buf_put(out, ",", 1);
			put_value(out, one);
		}
		break;
	default:
		buf_put(out, "-", 1);
	}
}

static void put_padding(struct buf *out, size_t count)
{
	uint8_t *at = count == 0 ? NULL : buf_extend(out, count);

	if (at != NULL)
		memset(at, ' ', count);
}

static void put_cell(
    struct buf *out, const struct column *c, const char *text, size_t len, bool is_last)
{
	size_t width = text_width(text, len), space = c->width > width ? c->width - width : 0;

	if (c->is_number)
		put_padding(out, space);
	buf_put(out, text, len);
	if (!c->is_number && !is_last)
		put_padding(out, space);
	buf_put(out, is_last ? "\n" : "  ", is_last ? 1 : 2);
}

static void table_fill(struct table *t, const json_t *rows)
{
	const json_t *row;
	size_t r;

	json_array_foreach(rows, r, row)
	{
		for (size_t i = 0; i < t->column_count; i++) {
			struct column *c = &t->columns[i];
			struct buf *cell = &t->cells[r * t->column_count + i];
			const json_t *value = follow(row, c->path, c->path_len);
			size_t width;

			put_value(cell, value);
			width = text_width((const char *)cell->data, cell->len);
			c->width = width > c->width ? width : c->width;
			if (value != NULL && !json_is_integer(value) && !json_is_null(value))
				c->is_number = false;
		}
	}
}

static void table_put(struct buf *out, const struct table *t)
{
	size_t last = t->column_count - 1;

	for (size_t i = 0; i <= last; i++)
		put_cell(
		    out, &t->columns[i], t->columns[i].title, t->columns[i].title_len, i == last);
	for (size_t r = 0; r < t->row_count; r++) {
		for (size_t i = 0; i <= last; i++) {
			const struct buf *cell = &t->cells[r * t->column_count + i];

			put_cell(
			    out, &t->columns[i], (const char *)cell->data, cell->len, i == last);
		}
	}
}

void listing_table(struct buf *out, const json_t *rows, const char *key, const char *columns)
{
	struct table t = {.row_count = json_array_size(rows)};

	t.column_count = read_columns(columns, t.columns);
	if (t.row_count == 0 || t.column_count == 0) {
		buf_printf(out, "no %s\n", key);
		return;
	}
	t.cells = mem_array(t.row_count * t.column_count, sizeof(t.cells[0]));
	table_fill(&t, rows);
	table_put(out, &t);
	for (size_t i = 0; i < t.row_count * t.column_count; i++)
		buf_free(&t.cells[i]);
	free(t.cells);
}

static bool is_flat(const json_t *v)
{
	const json_t *one;
	size_t i;

	if (json_is_object(v))
		return false;
	json_array_foreach(v, i, one)
	{
		if (json_is_object(one) || json_is_array(one))
			return false;
	}
	return true;
}

static void put_tree(struct buf *out, const json_t *v, unsigned depth);

static void put_member(struct buf *out, const char *name, const json_t *v, unsigned depth)
{
	put_padding(out, depth * 2);
	text_escape(out, name, strlen(name), false);
	if (is_flat(v)) {
		buf_put(out, ": ", 2);
		put_value(out, v);
		buf_put(out, "\n", 1);
	} else {
		buf_put(out, ":\n", 2);
		put_tree(out, v, depth + 1);
	}
}

/* is_item: of a list that is not the top level's: set off by its first line. */
static void put_object(struct buf *out, const json_t *v, unsigned depth, bool is_item)
{
	const char *name;
	json_t *one;
	bool is_first = true;

	json_object_foreach((json_t *)v, name, one)
	{
		put_member(out, name, one, depth + (is_item && !is_first));
		is_first = false;
	}
}

/* Objects of the top level's list are set off by an empty line. */
static void put_tree(struct buf *out, const json_t *v, unsigned depth)
{
	const json_t *one;
	size_t i;

	if (json_is_array(v)) {
		json_array_foreach(v, i, one)
		{
			if (i > 0 && depth == 0)
				buf_put(out, "\n", 1);
			if (json_is_object(one))
				put_object(out, one, depth, depth > 0);
			else
				put_tree(out, one, depth);
		}
	} else if (json_is_object(v)) {
		put_object(out, v, depth, false);
	} else {
		put_padding(out, depth * 2);
		put_value(out, v);
		buf_put(out, "\n", 1);
	}
}

void listing_tree(struct buf *out, const json_t *what, const char *key)
{
	if (json_array_size(what) == 0 && !json_is_object(what))
		buf_printf(out, "no %s\n", key == NULL ? "answer" : key);
	else
		put_tree(out, what, 0);
}

void listing_json(struct buf *out, const json_t *root, bool pretty)
{
	char *text = json_dumps(
	    root, JSON_ENSURE_ASCII | JSON_ENCODE_ANY | (pretty ? JSON_INDENT(2) : JSON_COMPACT));

	if (text == NULL) {
		out->failed = true;
		return;
	}
	/* The one control character that JSON in ASCII may hold as it is. */
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == 0x7f)
			buf_put(out, "\\u007F", 6);
		else
			buf_put(out, at, 1);
	}
	buf_put(out, "\n", 1);
	free(text);
}
