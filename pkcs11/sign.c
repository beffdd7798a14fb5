/* Signing.  Runs where a module is loaded, in the thread's own session, without a lock.  Digests
 * are made by the caller, so that only mechanisms are needed that every token has. */
#include "pkcs11/local.h"

#include <stdio.h>
#include <string.h>
#include "base/clock.h"

#define INPUT_MAX 128 /* DigestInfo of SHA-512: 83 */

int sign_raw(struct local *l, struct session *s, const struct mech *mech, CK_OBJECT_HANDLE key,
    const uint8_t *data, size_t len, uint8_t out[TOKEN_SIG_MAX], size_t *out_len, struct err *e)
{
	CK_FUNCTION_LIST *list = l->module.list;
	CK_MECHANISM mechanism = {mech->sign, NULL, 0};
	CK_ULONG got = TOKEN_SIG_MAX;
	uint8_t input[INPUT_MAX];

	if (mech->input_len != 0 && len != mech->input_len)
		return err_set(e, ERR_ARGUMENT,
		    "token %s: a digest of %zu octets cannot be signed with %s, it takes %zu",
		    l->base.name, len, mech->name, mech->input_len);
	if (mech->prefix != NULL) {
		memcpy(input, mech->prefix, mech->prefix_len);
		memcpy(input + mech->prefix_len, data, len);
		data = input;
		len += mech->prefix_len;
	}
	if (CALL(list, &s->call, C_SignInit, s->handle, &mechanism, key) != CKR_OK ||
	    CALL(list, &s->call, C_Sign, s->handle, (CK_BYTE *)data, len, out, &got) != CKR_OK)
		return call_error(
		    e, &s->call, "token %s: signing with %s", l->base.name, mech->name);
	if (got == 0 || got > TOKEN_SIG_MAX ||
	    (mech->signature_len != 0 && got != mech->signature_len))
		return err_set(e, ERR_TOKEN, "token %s: a signature with %s has %lu octets",
		    l->base.name, mech->name, got);
	*out_len = got;
	return OK;
}

static void id_text(const uint8_t id[TOKEN_ID_LEN], char out[2 * TOKEN_ID_LEN + 1])
{
	for (unsigned i = 0; i < TOKEN_ID_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", id[i]);
}

int sign_one(struct attempt *a, struct err *e)
{
	const struct token_sign_item *item = &a->r->items[a->item];
	const struct mech *mech = mech_by_algorithm(item->algorithm);
	uint8_t *out = a->w->data.data + (size_t)a->item * TOKEN_SIG_MAX;
	char id[2 * TOKEN_ID_LEN + 1];
	struct session_key *key;
	uint64_t began;
	size_t len;
	int rc;

	if (mech == NULL)
		return err_set(e, ERR_ARGUMENT, "token %s: algorithm %u is not one to sign with",
		    a->l->base.name, (unsigned)item->algorithm);
	rc = session_find_key(a->l, a->s, item->id, &key, e);
	began = clock_mono_us();
	if (rc == OK)
		rc = sign_raw(a->l, a->s, mech, key->handle, item->data, item->len, out, &len, e);
	if (rc == OK) {
		a->reply->signatures[a->item].data = out;
		a->reply->signatures[a->item].len = (uint16_t)len;
		a->reply->sign_us += (uint32_t)(clock_mono_us() - began);
		return OK;
	}
	id_text(item->id, id);
	err_wrap(e, "key %s", id);
	return rc;
}
