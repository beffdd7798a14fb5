/* Sessions with the token, log-in, and the keys that a session knows.  Runs where a module is
 * loaded. Takes `login`; session_find_key takes `objects` when it has to look something up. */
#include "pkcs11/local.h"

#include <string.h>

/* Read-write always: some tokens know no other sessions. */
#define SESSION_FLAGS (CKF_SERIAL_SESSION | CKF_RW_SESSION)

int session_open(struct local *l, struct session *s, struct err *e)
{
	CK_FUNCTION_LIST *list = l->module.list;
	int rc;

	if (s->open && s->generation == l->generation)
		return OK;
	memset(s->keys, 0, sizeof s->keys);
	s->open = false;
	if (CALL(list, &s->call, C_OpenSession, l->module.slot, SESSION_FLAGS, NULL, NULL,
		&s->handle) != CKR_OK)
		return call_error(e, &s->call, "token %s: opening a session", l->base.name);
	s->open = true;
	s->generation = l->generation;
	s->epoch = l->epoch;
	rc = session_login(l, s, e);
	if (rc != OK)
		session_close(l, s);
	return rc;
}

void session_close(struct local *l, struct session *s)
{
	if (s->open && s->generation == l->generation && l->module.list != NULL)
		CALL(l->module.list, &s->call, C_CloseSession, s->handle);
	s->open = false;
	memset(s->keys, 0, sizeof s->keys);
}

bool session_is_logged_in(struct local *l, struct session *s)
{
	CK_SESSION_INFO info = {0};

	if (CALL(l->module.list, &s->call, C_GetSessionInfo, s->handle, &info) != CKR_OK)
		return false;
	return info.state == CKS_RW_USER_FUNCTIONS || info.state == CKS_RO_USER_FUNCTIONS;
}

/* A PIN is tried once: `final` is set by the ladder as soon as the token says that it is wrong, and
 * seen by all before they come here. */
int session_login(struct local *l, struct session *s, struct err *e)
{
	int rc = OK;

	if (l->pin.len == 0) /* an empty one would count as a wrong one */
		return err_set(e, ERR_REFUSED,
		    "token %s: there is no PIN to log in with: its file is empty or cannot be read",
		    l->base.name);
	pthread_mutex_lock(&l->login);
	if (!session_is_logged_in(l, s)) {
		CK_RV rv = CALL(l->module.list, &s->call, C_Login, s->handle, CKU_USER, l->pin.data,
		    l->pin.len);
		if (rv != CKR_OK && rv != CKR_USER_ALREADY_LOGGED_IN)
			rc = call_error(
			    e, &s->call, "token %s: logging in to \"%s\"", l->base.name, l->label);
	}
	pthread_mutex_unlock(&l->login);
	return rc;
}

static struct session_key *key_slot(struct session *s, const uint8_t id[TOKEN_ID_LEN])
{
	return &s->keys[load_u16(id) & (SESSION_KEYS - 1)];
}

/* With `objects` held. */
static void release_key(struct local *l, struct session *s, struct session_key *k)
{
	if (k->handle != 0 && k->is_copy)
		CALL(l->module.list, &s->call, C_DestroyObject, s->handle, k->handle);
	memset(k, 0, sizeof *k);
}

/* Copies can outlive the handles they were made from, but not the key: when anything was dropped or
 * looked up again, all go. */
static void follow_epoch(struct local *l, struct session *s)
{
	unsigned epoch = l->epoch;

	if (s->epoch == epoch)
		return;
	pthread_mutex_lock(&l->objects);
	for (unsigned i = 0; i < SESSION_KEYS; i++)
		release_key(l, s, &s->keys[i]);
	pthread_mutex_unlock(&l->objects);
	s->epoch = epoch;
}

static int look_up(struct local *l, struct session *s, const uint8_t id[TOKEN_ID_LEN],
    struct session_key *k, struct err *e)
{
	CK_OBJECT_HANDLE found;
	int rc;

	pthread_mutex_lock(&l->objects);
	release_key(l, s, k);
	rc = session_open(l, &l->control, e);
	if (rc == OK)
		rc = object_find(l, INDEX_PRIVATE, id, TOKEN_ID_LEN, &found, e);
	if (rc == ERR_TOKEN)
		session_close(l, &l->control); /* the ladder sees to s only */
	pthread_mutex_unlock(&l->objects);
	if (rc != OK)
		return rc;
	memcpy(k->id, id, TOKEN_ID_LEN);
	k->handle = found;
	return OK;
}

/* SoftHSM reads a token object's file for every signature; a session object has none. */
static void try_copy(struct local *l, struct session *s, struct session_key *k)
{
	struct template t = {.count = 0};
	CK_OBJECT_HANDLE copy;
	CK_RV rv;

	template_bool(&t, CKA_TOKEN, false);
	pthread_mutex_lock(&l->objects);
	rv = CALL(l->module.list, &s->call, C_CopyObject, s->handle, k->handle, t.attributes,
	    t.count, &copy);
	pthread_mutex_unlock(&l->objects);
	k->uses = 0;
	if (rv == CKR_OK) {
		k->handle = copy;
		k->is_copy = true;
	} else if (!ladder_is_fault(rv)) {
		l->copies_refused = true; /* the token's key does it, too */
	}
}

int session_find_key(struct local *l, struct session *s, const uint8_t id[TOKEN_ID_LEN],
    struct session_key **out, struct err *e)
{
	struct session_key *k = key_slot(s, id);

	follow_epoch(l, s);
	if (k->handle == 0 || memcmp(k->id, id, TOKEN_ID_LEN) != 0) {
		int rc = look_up(l, s, id, k, e);
		if (rc != OK)
			return rc;
	}
	if (!k->is_copy && l->want_copies && !l->copies_refused && ++k->uses > SESSION_COPY_AFTER)
		try_copy(l, s, k);
	*out = k;
	return OK;
}
