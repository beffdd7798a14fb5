/* name: domain names in uncompressed wire form (RFC 1035 3.1), and their sort keys.
 *
 * A name is a uint8_t[] of at most NAME_MAX_LEN octets ending in the root label; names that come
 * from packets have been checked before they get that shape. */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"

#define NAME_MAX_LEN 255
#define NAME_DEPTH_MAX 127       /* labels, without the root label */
#define NAME_TEXT_SIZE 1025      /* presentation form, every octet as \DDD, and a zero */
#define NAME_KEY_MAX 505         /* see name_key */

size_t name_len(const uint8_t *name);   /* with the root label */
unsigned name_labels(const uint8_t *name); /* without the root label; "*" counts (RRSIG: does not) */
/* Presentation form to wire; a missing final dot is added.  OK or ERR_FORMAT. */
int name_parse(const char *text, uint8_t out[NAME_MAX_LEN]);
/* The same, but a name without a final dot is relative to origin (which may be out). */
int name_parse_at(const char *text, const uint8_t *origin, uint8_t out[NAME_MAX_LEN]);
/* Wire to presentation form with the final dot (RFC 1035 5.1 escapes). */
void name_text(const uint8_t *name, char out[NAME_TEXT_SIZE]);
void name_lower(uint8_t *name); /* in place, RFC 4034 6.2 */
bool name_equal(const uint8_t *a, const uint8_t *b); /* case does not matter */
bool name_is_at_or_below(const uint8_t *name, const uint8_t *apex);
const uint8_t *name_parent(const uint8_t *name); /* inside name; NULL for the root */
bool name_is_wildcard(const uint8_t *name);
/* Check the uncompressed name at p: its length, or 0 if it is malformed or longer than len. */
size_t name_check(const uint8_t *p, size_t len);
/* Copy the name at msg[at], decompressed, to out: octets it takes up at that place, or 0 if it is
 * malformed.  Compression pointers must point backwards (RFC 1035 4.1.4), so that they end. */
size_t name_expand(const uint8_t *msg, size_t len, size_t at, uint8_t out[NAME_MAX_LEN]);

/* The sort key: labels from the root down, lower case, 0x00 -> 01 01, 0x01 -> 01 02, each label
 * ended by 00, so that memcmp gives the canonical order of RFC 4034 6.1, and a name's key is a
 * prefix of the keys of all names below it.  Returns the length. */
size_t name_key(const uint8_t *name, uint8_t out[NAME_KEY_MAX]);
/* Back again (lower case); the name's length, or 0 for a malformed key. */
size_t name_from_key(const uint8_t *key, size_t len, uint8_t out[NAME_MAX_LEN]);

#endif
