/* Words as mdoc: see manual.h. */
#include "base/manual.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define LINE_MAX_OCTETS 76

static void put_word(struct buf *out, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (word[i] == '\\')
			buf_put(out, "\\e", 2);
		else
			buf_put(out, word + i, 1);
	}
}

static bool ends_sentence(const char *word, size_t len)
{
	return len > 1 && strchr(".?!", word[len - 1]) != NULL;
}

/* One line of the input, wrapped. */
static void put_line(struct buf *out, const char *line, size_t len)
{
	const char *end = line + len;
	size_t width = 0;

	while (line < end) {
		size_t word = strcspn(line, " \n");

		if (word > (size_t)(end - line))
			word = (size_t)(end - line);
		if (width > 0 && width + word >= LINE_MAX_OCTETS) {
			buf_put(out, "\n", 1);
			width = 0;
		}
		if (width > 0)
			buf_put(out, " ", 1);
		else if (*line == '.' || *line == '\'')
			buf_put(out, "\\&", 2);
		put_word(out, line, word);
		width += word + 1;
		if (ends_sentence(line, word) && line + word < end) {
			buf_put(out, "\n", 1);
			width = 0;
		}
		line += word + strspn(line + word, " ");
	}
	buf_put(out, "\n", 1);
}

void manual_text(struct buf *out, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (*text == '.') {
			buf_put(out, text, len);
			buf_put(out, "\n", 1);
		} else if (len > 0) {
			put_line(out, text, len);
		}
		text += len + (text[len] == '\n');
	}
}

void manual_sentence(struct buf *out, const char *words)
{
	char *text = mem_printf("%c%s.", toupper((unsigned char)words[0]), words + 1);

	manual_text(out, text);
	free(text);
}
