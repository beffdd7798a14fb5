/* Text that is safe to show: see text.h.  Nothing about the input is trusted. */
#include "base/text.h"

/* The code point at p and how many octets it takes; 0: not well-formed UTF-8 (RFC 3629). */
static size_t decode(const uint8_t *p, size_t len, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t size = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	uint32_t code = size == 1 ? p[0] : p[0] & (0x7fu >> size);

	if ((p[0] >= 0x80 && p[0] < 0xc0) || p[0] >= 0xf8 || size > len)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*out = code;
	return size;
}

static bool is_shown(uint32_t code, bool lines)
{
	if (code < 0x20)
		return lines && (code == '\n' || code == '\t');
	if (code >= 0x7f && code < 0xa0)
		return false;
	/* Marks, embeddings, overrides and isolates of direction; line and paragraph separators;
	 * the byte order mark. */
	return !(code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
		 (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
		 code == 0xfeff);
}

/* Most texts are ASCII: how much of it can be taken at once. */
static size_t plain_len(const uint8_t *p, const uint8_t *end, bool lines)
{
	const uint8_t *at = p;

	while (at < end && ((*at >= 0x20 && *at < 0x7f) || (lines && *at == '\n')))
		at++;
	return (size_t)(at - p);
}

void text_escape(struct buf *out, const void *data, size_t len, bool lines)
{
	const uint8_t *p = data, *end = p + len;

	while (p < end) {
		uint32_t code = 0;
		size_t size = plain_len(p, end, lines);

		if (size > 0) {
			buf_put(out, p, size);
			p += size;
			continue;
		}
		size = decode(p, (size_t)(end - p), &code);
		if (size > 0 && is_shown(code, lines)) {
			buf_put(out, p, size);
			p += size;
			continue;
		}
		for (size = size == 0 ? 1 : size; size > 0; size--, p++)
			buf_printf(out, "\\%03u", *p);
	}
}

size_t text_width(const char *s, size_t len)
{
	size_t width = 0;

	for (size_t i = 0; i < len; i++)
		width += ((uint8_t)s[i] & 0xc0) != 0x80;
	return width;
}
