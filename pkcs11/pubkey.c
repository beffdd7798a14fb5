/* A public key object as the public key field of a DNSKEY: RFC 3110 (RSA), RFC 6605 (ECDSA), RFC
 * 8080 (EdDSA).  Runs where a module is loaded, with `objects` held. */
#include "pkcs11/local.h"

#include <string.h>

static int rsa_form(struct local *l, CK_OBJECT_HANDLE h, struct buf *out, struct err *e)
{
	struct object_value v[] = {{CKA_PUBLIC_EXPONENT, 0, 0}, {CKA_MODULUS, 0, 0}};
	struct buf raw = {.limit = 4096};
	int rc = object_values(l, h, v, 2, &raw, e);

	for (unsigned i = 0; rc == OK && i < 2; i++)
		while (v[i].len > 0 && raw.data[v[i].at] == 0) { /* no leading zeros */
			v[i].at++;
			v[i].len--;
		}
	if (rc == OK && v[0].len > 0 && v[1].len > 0) {
		if (v[0].len < 256) {
			buf_u8(out, (uint8_t)v[0].len);
		} else {
			buf_u8(out, 0);
			buf_u16(out, (uint16_t)v[0].len);
		}
		buf_put(out, raw.data + v[0].at, v[0].len);
		buf_put(out, raw.data + v[1].at, v[1].len);
	}
	buf_free(&raw);
	return rc;
}

/* CKA_EC_POINT comes raw or wrapped in a DER string, by the age of the module.  Raw octets can look
 * like DER, so the length decides. */
static const uint8_t *strip_point(const uint8_t *p, size_t len, size_t want, bool has_form_octet)
{
	if (len == want)
		return p;
	if (has_form_octet) {
		if (len == want + 1 && p[0] == 4)
			return p + 1;
		if (len == want + 3 && p[0] == 4 && p[1] == want + 1 && p[2] == 4)
			return p + 3;
		return NULL;
	}
	if (len == want + 2 && p[0] == 4 && p[1] == want)
		return p + 2; /* OCTET STRING */
	if (len == want + 3 && p[0] == 3 && p[1] == want + 1 && p[2] == 0)
		return p + 3; /* BIT STRING */
	return NULL;
}

static int point_form(
    struct local *l, CK_OBJECT_HANDLE h, const struct mech *mech, struct buf *out, struct err *e)
{
	struct object_value v = {CKA_EC_POINT, 0, 0};
	struct buf raw = {.limit = 1024};
	size_t want = mech->key_type == CKK_EC ? mech->bits / 4 : (mech->bits + 8) / 8;
	const uint8_t *point;
	int rc = object_values(l, h, &v, 1, &raw, e);

	if (rc == OK && v.len > 0) {
		point = strip_point(raw.data + v.at, v.len, want, mech->key_type == CKK_EC);
		if (point != NULL)
			buf_put(out, point, want);
	}
	buf_free(&raw);
	return rc;
}

int pubkey_of_object(struct local *l, CK_OBJECT_HANDLE h, CK_KEY_TYPE type, uint8_t algorithm,
    struct buf *out, size_t *at, size_t *len, struct err *e)
{
	const struct mech *mech = mech_by_algorithm(algorithm);
	size_t start = out->len;
	int rc = OK;

	if (mech != NULL && mech->key_type == type)
		rc = type == CKK_RSA ? rsa_form(l, h, out, e) : point_form(l, h, mech, out, e);
	if (rc == OK && out->failed)
		rc = err_set(e, ERR_LIMIT, "token %s: too many keys", l->base.name);
	*at = start;
	*len = out->len - start;
	return rc;
}
