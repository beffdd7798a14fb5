/* The entries of a list by their names, sorted once, so that ten thousand zones are cheap to look
 * up.  Runs wherever there is a configuration. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/config/internal.h"

#define NO_KEY SIZE_MAX

struct entry {
	const uint8_t *key; /* of a domain its sort key, else the name itself */
	size_t len;
	const struct config_named *named;
};
struct config_index {
	struct arena *arena;
	struct entry *entries;
	unsigned count;
	bool are_domains;
};

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = memcmp(x->key, y->key, x->len < y->len ? x->len : y->len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

static int compare_stable(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = compare(a, b);

	return order != 0 ? order : (x->named > y->named) - (x->named < y->named);
}

/* NO_KEY: it is no domain name. */
static size_t key_of(const char *name, bool is_domain, uint8_t key[NAME_KEY_MAX])
{
	uint8_t wire[NAME_MAX_LEN];
	size_t len = strlen(name);

	if (is_domain)
		return name_parse(name, wire) == OK ? name_key(wire, key) : NO_KEY;
	len = len < NAME_KEY_MAX ? len : NAME_KEY_MAX;
	memcpy(key, name, len);
	return len;
}

struct config_index *config_index_new(const struct conf_groups *g, size_t size, bool are_domains)
{
	struct config_index *x = mem_alloc(sizeof(*x));
	uint8_t key[NAME_KEY_MAX];

	x->arena = arena_new();
	x->entries = mem_array(g->count, sizeof(*x->entries));
	x->are_domains = are_domains;
	for (unsigned i = 0; i < g->count; i++) {
		const struct config_named *one = (void *)((char *)g->items + i * size);
		size_t len = one->name == NULL ? NO_KEY : key_of(one->name, are_domains, key);
		uint8_t *copy;

		if (len == NO_KEY)
			continue;
		copy = arena_alloc(x->arena, len + 1);
		memcpy(copy, key, len);
		x->entries[x->count++] = (struct entry){copy, len, one};
	}
	if (x->count > 0)
		qsort(x->entries, x->count, sizeof(*x->entries), compare_stable);
	return x;
}

void config_index_free(struct config_index *x)
{
	if (x == NULL)
		return;
	arena_free(x->arena);
	free(x->entries);
	free(x);
}

const void *config_index_find(const struct config_index *x, const char *name)
{
	uint8_t key[NAME_KEY_MAX];
	struct entry wanted = {.key = key, .len = key_of(name, x->are_domains, key)};
	const struct entry *found = NULL;

	if (wanted.len != NO_KEY && x->count > 0)
		found = bsearch(&wanted, x->entries, x->count, sizeof(*x->entries), compare);
	return found == NULL ? NULL : found->named;
}

void config_index_twice(const struct config_index *x, config_twice_fn *fn, void *arg)
{
	for (unsigned i = 1; i < x->count; i++) {
		if (compare(&x->entries[i - 1], &x->entries[i]) == 0)
			fn(arg, x->entries[i - 1].named, x->entries[i].named);
	}
}
