/* listing: JSON shown to people: as a table, as "name: value" lines, or as JSON itself. */
#ifndef OPS_LISTING_H
#define OPS_LISTING_H

#include <jansson.h>
#include <stdbool.h>
#include "base/buf.h"

/* Objects of array `rows` as an aligned table.  columns: "path:Title,path:Title"; a path with dots
 * goes into objects.  No rows: "no <key>". */
void listing_table(struct buf *out, const json_t *rows, const char *key, const char *columns);
/* Members of an object, or of each object of an array, a line each; deeper ones indented. */
void listing_tree(struct buf *out, const json_t *what, const char *key);
void listing_json(struct buf *out, const json_t *root, bool pretty);

#endif
