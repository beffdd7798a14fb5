/* What a token can do: asked, and where asking is not enough, tried with objects that are destroyed
 * again.  Runs where a module is loaded, with `objects` held. */
#include "pkcs11/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"

#define PROBE_LABEL "intaglio probe"

static void copy_padded(char *out, size_t size, const CK_UTF8CHAR *in, size_t len)
{
	while (len > 0 && (in[len - 1] == ' ' || in[len - 1] == '\0'))
		len--;
	snprintf(out, size, "%.*s", (int)len, (const char *)in);
	for (char *p = out; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
}

static int token_facts(struct attempt *a, struct token_caps *caps, struct err *e)
{
	CK_TOKEN_INFO info = {0};
	const char *slash = strrchr(a->l->module_path, '/');

	if (CALL(a->l->module.list, &a->s->call, C_GetTokenInfo, a->l->module.slot, &info) !=
	    CKR_OK)
		return call_error(e, &a->s->call, "token %s: probing", a->l->base.name);
	copy_padded(caps->token_label, sizeof caps->token_label, info.label, sizeof info.label);
	copy_padded(caps->serial, sizeof caps->serial, info.serialNumber, sizeof info.serialNumber);
	copy_padded(caps->manufacturer, sizeof caps->manufacturer, info.manufacturerID,
	    sizeof info.manufacturerID);
	copy_padded(caps->model, sizeof caps->model, info.model, sizeof info.model);
	snprintf(
	    caps->module, sizeof caps->module, "%s", slash != NULL ? slash + 1 : a->l->module_path);
	caps->max_sessions =
	    info.ulMaxRwSessionCount == CK_UNAVAILABLE_INFORMATION ? 0 : info.ulMaxRwSessionCount;
	return OK;
}

static bool has_mechanism(struct attempt *a, CK_MECHANISM_TYPE type, CK_FLAGS flag, unsigned bits)
{
	CK_MECHANISM_INFO info = {0};

	if (CALL(a->l->module.list, &a->s->call, C_GetMechanismInfo, a->l->module.slot, type,
		&info) != CKR_OK)
		return false;
	if ((info.flags & flag) == 0)
		return false;
	/* Modules disagree about the size of an Edwards curve, and some say 0. */
	return bits == 0 || bits == 255 || info.ulMaxKeySize == 0 || info.ulMaxKeySize >= bits;
}

/* A key pair that lives as long as the session. */
static CK_RV make_session_key(
    struct attempt *a, const struct mech *mech, unsigned bits, CK_OBJECT_HANDLE pair[2])
{
	static const uint8_t id[TOKEN_ID_LEN] = {'p', 'r', 'o', 'b', 'e'};
	struct keygen_spec spec = {mech, bits, false, false, PROBE_LABEL, id};
	struct err e = {0};
	int rc = keygen_pair(a->l, a->s, &spec, &pair[0], &pair[1], &e);

	if (rc == OK)
		return CKR_OK;
	return rc == ERR_TOKEN ? e.ckr : CKR_FUNCTION_REJECTED;
}

static void destroy_pair(struct attempt *a, const CK_OBJECT_HANDLE pair[2])
{
	for (unsigned i = 0; i < 2; i++)
		CALL(a->l->module.list, &a->s->call, C_DestroyObject, a->s->handle, pair[i]);
}

static bool can_copy(struct attempt *a, CK_OBJECT_HANDLE key)
{
	struct template t = {.count = 0};
	CK_OBJECT_HANDLE copy;

	template_bool(&t, CKA_TOKEN, false);
	if (CALL(a->l->module.list, &a->s->call, C_CopyObject, a->s->handle, key, t.attributes,
		t.count, &copy) != CKR_OK)
		return false;
	CALL(a->l->module.list, &a->s->call, C_DestroyObject, a->s->handle, copy);
	return true;
}

static void probe_algorithm(struct attempt *a, const struct mech *mech, struct token_caps *caps)
{
	CK_OBJECT_HANDLE pair[2];
	CK_RV rv;

	if (!has_mechanism(a, mech->keygen, CKF_GENERATE_KEY_PAIR, mech->bits) ||
	    !has_mechanism(a, mech->sign, CKF_SIGN, mech->bits))
		return;
	if (mech->curve != NULL) { /* the list of mechanisms does not say which curves */
		rv = make_session_key(a, mech, 0, pair);
		if (rv == CKR_OK) {
			if (!caps->session_copies)
				caps->session_copies = can_copy(a, pair[1]);
			destroy_pair(a, pair);
		}
		if (rv == CKR_CURVE_NOT_SUPPORTED || rv == CKR_DOMAIN_PARAMS_INVALID ||
		    rv == CKR_MECHANISM_INVALID || rv == CKR_FUNCTION_NOT_SUPPORTED)
			return;
	}
	caps->algorithms |= 1U << mech->algorithm;
}

static bool can_keep_data(struct attempt *a, bool private)
{
	static const CK_ULONG class = CKO_DATA;
	static const char value[] = "made and destroyed by a probe";
	CK_FUNCTION_LIST *list = a->l->module.list;
	struct template t = {.count = 0};
	char back[sizeof value] = "";
	CK_ATTRIBUTE v = {CKA_VALUE, back, sizeof back};
	CK_OBJECT_HANDLE h;
	bool good;

	template_ulong(&t, CKA_CLASS, &class);
	template_bool(&t, CKA_TOKEN, true);
	template_add(&t, CKA_LABEL, PROBE_LABEL, strlen(PROBE_LABEL));
	template_add(&t, CKA_VALUE, value, sizeof value);
	template_bool(&t, CKA_PRIVATE, private);
	if (CALL(list, &a->s->call, C_CreateObject, a->s->handle, t.attributes, t.count, &h) !=
	    CKR_OK)
		return false;
	good = CALL(list, &a->s->call, C_GetAttributeValue, a->s->handle, h, &v, 1) == CKR_OK &&
	       v.ulValueLen == sizeof value && memcmp(back, value, sizeof value) == 0;
	if (CALL(list, &a->s->call, C_DestroyObject, a->s->handle, h) != CKR_OK) {
		log_warning("token %s: the probe's object \"%s\" could not be destroyed: %s",
		    a->l->base.name, PROBE_LABEL, token_ckr_name(a->s->call.rv));
		good = false;
	}
	return good;
}

int caps_probe(struct attempt *a, struct err *e)
{
	struct token_caps caps = {0};
	int rc = token_facts(a, &caps, e);

	if (rc != OK)
		return rc;
	for (unsigned i = 0; i < mech_count; i++)
		probe_algorithm(a, &mech_table[i], &caps);
	caps.private_objects = can_keep_data(a, true);
	caps.data_objects = caps.private_objects || can_keep_data(a, false);
	caps.wrapping = wrap_mechanism(a->l, a->s) != 0;
	a->reply->caps = caps;
	return OK;
}
