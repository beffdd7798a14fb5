/* What the parent's servers were seen to have, kept over a restart: a row for each server.  Runs in
 * the signing side. */
#include <string.h>
#include "daemon/signer/signer.h"
#include "parent/observe.h"

static size_t meta_key(const struct signer_zone *z, const struct parent_server *s,
    uint8_t key[NAME_KEY_MAX + PARENT_NAME_MAX + 1])
{
	size_t len = strlen(s->name);

	memcpy(key, z->key, z->key_len);
	key[z->key_len] = 0;
	memcpy(key + z->key_len + 1, s->name, len);
	return z->key_len + 1 + len;
}

int signer_parent_save(const struct signer_zone *z, struct store_write *w, struct err *e)
{
	uint8_t key[NAME_KEY_MAX + PARENT_NAME_MAX + 1];
	const struct parent_view *v = signer_parent_view(z);
	struct buf value = {0};
	int code = OK;

	for (unsigned i = 0; v != NULL && i < v->count && code == OK; i++) {
		const struct parent_server *s = &v->servers[i];

		if (s->asked == 0)
			continue;
		buf_reset(&value);
		parent_write(s, &value);
		code = store_write_meta(
		    w, META_PARENT, key, meta_key(z, s, key), value.data, value.len, e);
	}
	buf_free(&value);
	return code;
}

void signer_parent_load(const struct signer_zone *z, struct parent_server *s, struct snapshot *sn)
{
	uint8_t key[NAME_KEY_MAX + PARENT_NAME_MAX + 1];
	const uint8_t *value;
	size_t len;
	struct reader r;

	if (snapshot_meta(sn, META_PARENT, key, meta_key(z, s, key), &value, &len) != OK)
		return;
	r = reader_of(value, len);
	parent_read(&r, s);
}
