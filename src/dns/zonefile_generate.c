/* zonefile_generate: ranges and substitutions of $GENERATE, as BIND's reference manual describes
 * them.  Runs on the signing side, on text from zone files. */
#include "dns/zonefile_generate.h"

#include <inttypes.h>
#include <string.h>

#define WIDTH_MOST 255

struct shape {
	int64_t offset, width;
	char base;
};

/* Digits up to `most`; text is moved behind them. */
static bool take_number(const char **text, int64_t most, int64_t *out)
{
	int64_t value = 0;

	if (**text < '0' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; (*text)++) {
		value = value * 10 + **text - '0';
		if (value > most)
			return false;
	}
	*out = value;
	return true;
}

bool generate_range_parse(const char *text, struct generate_range *out)
{
	struct generate_range r = {.step = 1};

	if (!take_number(&text, INT32_MAX, &r.start) || *text++ != '-' ||
	    !take_number(&text, INT32_MAX, &r.stop))
		return false;
	if (*text == '/') {
		text++;
		if (!take_number(&text, INT32_MAX, &r.step))
			return false;
	}
	if (*text != '\0' || r.step == 0 || r.stop < r.start)
		return false;
	*out = r;
	return true;
}

/* What stands in braces: offset, and width and base if they are there. */
static bool take_shape(const char **text, struct shape *out)
{
	bool negative = **text == '-';

	*text += negative;
	if (!take_number(text, INT32_MAX, &out->offset))
		return false;
	out->offset = negative ? -out->offset : out->offset;
	if (**text == ',') {
		(*text)++;
		if (!take_number(text, WIDTH_MOST, &out->width))
			return false;
		if (**text == ',') {
			out->base = *++*text;
			if (out->base == '\0' || strchr("doxXnN", out->base) == NULL)
				return false;
			(*text)++;
		}
	}
	return *(*text)++ == '}';
}

/* Hexadecimal digits from the last to the first with dots between, as ip6.arpa wants them; the
 * width counts dots. */
static void put_nibbles(uint32_t value, int64_t width, bool upper, struct buf *out)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	do {
		buf_u8(out, (uint8_t)digits[value & 15]);
		value >>= 4;
		width--;
		if (width > 0 || value != 0) {
			buf_u8(out, '.');
			width--;
		}
	} while (width > 0 || value != 0);
}

static bool put_number(int64_t number, const struct shape *shape, struct buf *out)
{
	int64_t value = number + shape->offset;
	int width = (int)shape->width;

	if (value < INT32_MIN || value > INT32_MAX)
		return false;
	switch (shape->base) {
	case 'd':
		buf_printf(out, "%0*" PRId32, width, (int32_t)value);
		break;
	case 'o':
		buf_printf(out, "%0*" PRIo32, width, (uint32_t)value);
		break;
	case 'x':
		buf_printf(out, "%0*" PRIx32, width, (uint32_t)value);
		break;
	case 'X':
		buf_printf(out, "%0*" PRIX32, width, (uint32_t)value);
		break;
	default:
		put_nibbles((uint32_t)value, shape->width, shape->base == 'N', out);
	}
	return true;
}

bool generate_substitute(const char *text, int64_t number, struct buf *out)
{
	while (*text != '\0') {
		struct shape shape = {.base = 'd'};

		if (*text == '\\' && text[1] != '\0') {
			/* Escapes stay for whoever reads the field, but for that of the sign
			 * itself. */
			if (text[1] != '$')
				buf_u8(out, '\\');
			buf_u8(out, (uint8_t)text[1]);
			text += 2;
			continue;
		}
		if (*text != '$') {
			buf_u8(out, (uint8_t)*text++);
			continue;
		}
		text++;
		if (*text == '$') {
			buf_u8(out, (uint8_t)*text++);
			continue;
		}
		if (*text == '{') {
			text++;
			if (!take_shape(&text, &shape))
				return false;
		}
		if (!put_number(number, &shape, out))
			return false;
	}
	buf_u8(out, '\0');
	return !out->failed;
}
