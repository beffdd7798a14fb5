/* A PKCS#11 module for tests: a token that signs in its caller's thread, without a lock, and takes
 * its time: what a network HSM with many sessions is like.  ECDSA P-256 and data objects, no more.
 *
 *   DELAYMOD_FILE    where it keeps its objects, the delay and counters: see delaymod.h
 *   DELAYMOD_DELAY   how long a C_Sign takes, in us, in a new file; 2000 without it
 *   DELAYMOD_LABEL   of the token; "intaglio" without it
 *
 * Any PIN is right.  All processes see the same objects; one at a time may create or destroy. */
#include "delaymod_internal.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SESSIONS_MAX 256
#define TEMPLATE_MAX 8

struct session { /* used by one thread at a time */
	bool is_open;
	const uint8_t *key; /* to sign with, once */
	struct signer *signer;
	uint64_t at; /* of the search */
	CK_ULONG wanted_count;
	CK_ATTRIBUTE wanted[TEMPLATE_MAX];
	uint8_t values[TEMPLATE_MAX][64];
};

static struct session sessions[SESSIONS_MAX];
static bool logged_in;
static pthread_mutex_t lock =
    PTHREAD_MUTEX_INITIALIZER; /* sessions come and go, objects are made */

static struct session *session_of(CK_SESSION_HANDLE h)
{
	return h > 0 && h <= SESSIONS_MAX && sessions[h - 1].is_open ? &sessions[h - 1] : NULL;
}

/* Objects */

static CK_RV my_CreateObject(
    CK_SESSION_HANDLE h, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *out)
{
	CK_RV rv;

	(void)h;
	pthread_mutex_lock(&lock);
	rv = object_create(a, n, NULL, 0, out);
	pthread_mutex_unlock(&lock);
	return rv;
}

static CK_RV my_DestroyObject(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o)
{
	(void)h;
	return object_destroy(o);
}

static CK_RV my_GetAttributeValue(
    CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	(void)h;
	return object_read(o, a, n);
}

static CK_RV my_CopyObject(
    CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *out)
{
	(void)h, (void)o, (void)a, (void)n, (void)out;
	return CKR_FUNCTION_NOT_SUPPORTED;
}

static CK_RV my_FindObjectsInit(CK_SESSION_HANDLE h, CK_ATTRIBUTE *a, CK_ULONG n)
{
	struct session *s = session_of(h);

	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	if (n > TEMPLATE_MAX)
		return CKR_ARGUMENTS_BAD;
	s->at = 0;
	s->wanted_count = n;
	for (CK_ULONG i = 0; i < n; i++) {
		if (a[i].ulValueLen > sizeof s->values[i])
			return CKR_ARGUMENTS_BAD;
		memcpy(s->values[i], a[i].pValue, a[i].ulValueLen);
		s->wanted[i] = (CK_ATTRIBUTE){a[i].type, s->values[i], a[i].ulValueLen};
	}
	return CKR_OK;
}

static CK_RV my_FindObjects(CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *out, CK_ULONG room, CK_ULONG *n)
{
	struct session *s = session_of(h);

	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	*n = 0;
	while (logged_in && *n < room) {
		out[*n] = object_next(&s->at, s->wanted, s->wanted_count);
		if (out[*n] == 0)
			break;
		(*n)++;
	}
	return CKR_OK;
}

static CK_RV my_FindObjectsFinal(CK_SESSION_HANDLE h)
{
	return session_of(h) == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
}

/* Keys */

static bool is_p256(const CK_ATTRIBUTE *a, CK_ULONG n)
{
	static const uint8_t oid[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

	for (CK_ULONG i = 0; i < n; i++)
		if (a[i].type == CKA_EC_PARAMS && a[i].ulValueLen == sizeof oid)
			return memcmp(a[i].pValue, oid, sizeof oid) == 0;
	return false;
}

static CK_RV my_GenerateKeyPair(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_ATTRIBUTE *pub,
    CK_ULONG pub_count, CK_ATTRIBUTE *priv, CK_ULONG priv_count, CK_OBJECT_HANDLE *public,
    CK_OBJECT_HANDLE *private)
{
	static CK_OBJECT_CLASS classes[] = {CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
	static CK_KEY_TYPE type = CKK_EC;
	uint8_t point[2 + POINT_LEN] = {4, POINT_LEN}, secret[SECRET_LEN]; /* point: a DER string */
	const CK_ATTRIBUTE halves[2][3] = {
	    {{CKA_CLASS, &classes[0], sizeof classes[0]}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_EC_POINT, point, sizeof point}},
	    {{CKA_CLASS, &classes[1], sizeof classes[1]}, {CKA_KEY_TYPE, &type, sizeof type},
		{CKA_VALUE, secret, sizeof secret}}};
	CK_RV rv;

	(void)h;
	if (m->mechanism != CKM_EC_KEY_PAIR_GEN || !is_p256(pub, pub_count))
		return CKR_CURVE_NOT_SUPPORTED;
	if (!signer_key(point + 2, secret))
		return CKR_FUNCTION_FAILED;
	pthread_mutex_lock(&lock);
	rv = object_create(halves[0], 3, pub, pub_count, public);
	if (rv == CKR_OK)
		rv = object_create(halves[1], 3, priv, priv_count, private);
	pthread_mutex_unlock(&lock);
	return rv;
}

/* Signing */

static CK_RV my_SignInit(CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE o)
{
	struct session *s = session_of(h);

	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	if (m->mechanism != CKM_ECDSA)
		return CKR_MECHANISM_INVALID;
	s->key = object_secret(o);
	return s->key == NULL ? CKR_KEY_HANDLE_INVALID : CKR_OK;
}

static CK_RV my_Sign(CK_SESSION_HANDLE h, CK_BYTE *data, CK_ULONG len, CK_BYTE *out, CK_ULONG *room)
{
	struct session *s = session_of(h);
	const uint8_t *key = s != NULL ? s->key : NULL;
	CK_ULONG had = *room;

	if (key == NULL)
		return CKR_OPERATION_NOT_INITIALIZED;
	if (len != SCALAR_LEN)
		return CKR_DATA_LEN_RANGE;
	*room = 2 * SCALAR_LEN;
	if (out == NULL || had < 2 * SCALAR_LEN)
		return out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
	s->key = NULL;
	return signer_sign(s->signer, key, data, out) ? CKR_OK : CKR_FUNCTION_FAILED;
}

static CK_RV my_GenerateRandom(CK_SESSION_HANDLE h, CK_BYTE *out, CK_ULONG len)
{
	(void)h;
	return RAND_bytes(out, (int)len) == 1 ? CKR_OK : CKR_FUNCTION_FAILED;
}

/* The module and its one slot */

static CK_RV my_Initialize(void *a)
{
	const char *path = getenv("DELAYMOD_FILE"), *delay = getenv("DELAYMOD_DELAY");
	int fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *map = MAP_FAILED;

	(void)a;
	if (fd >= 0 && ftruncate(fd, DELAYMOD_SIZE) == 0)
		map = mmap(NULL, DELAYMOD_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	if (map == MAP_FAILED)
		return CKR_TOKEN_NOT_PRESENT;
	file = map;
	if (file->delay_us == 0)
		file->delay_us = delay != NULL ? strtoul(delay, NULL, 10) : 2000;
	return CKR_OK;
}

static CK_RV my_CloseSession(CK_SESSION_HANDLE h)
{
	struct session *s = session_of(h);

	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	signer_free(s->signer);
	pthread_mutex_lock(&lock);
	memset(s, 0, sizeof *s);
	pthread_mutex_unlock(&lock);
	return CKR_OK;
}

static CK_RV my_CloseAllSessions(CK_SLOT_ID slot)
{
	(void)slot;
	for (CK_SESSION_HANDLE h = 1; h <= SESSIONS_MAX; h++)
		my_CloseSession(h);
	return CKR_OK;
}

static CK_RV my_Finalize(void *a)
{
	(void)a;
	my_CloseAllSessions(0);
	logged_in = false;
	munmap(file, DELAYMOD_SIZE);
	return CKR_OK;
}

static void pad(CK_UTF8CHAR *out, size_t size, const char *text)
{
	memset(out, ' ', size);
	memcpy(out, text, strlen(text));
}

static CK_RV my_GetInfo(CK_INFO *info)
{
	*info = (CK_INFO){.cryptokiVersion = {2, 40}};
	pad(info->manufacturerID, sizeof info->manufacturerID, "tests");
	pad(info->libraryDescription, sizeof info->libraryDescription, "delaymod");
	return CKR_OK;
}

static CK_RV my_GetSlotList(CK_BBOOL present, CK_SLOT_ID *out, CK_ULONG *n)
{
	(void)present;
	if (out != NULL && *n > 0)
		out[0] = 0;
	*n = 1;
	return CKR_OK;
}

static CK_RV my_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	(void)slot;
	*info = (CK_SLOT_INFO){.flags = CKF_TOKEN_PRESENT};
	pad(info->slotDescription, sizeof info->slotDescription, "delaymod");
	pad(info->manufacturerID, sizeof info->manufacturerID, "tests");
	return CKR_OK;
}

static CK_RV my_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	const char *label = getenv("DELAYMOD_LABEL");

	(void)slot;
	*info = (CK_TOKEN_INFO){.flags = CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED |
					 CKF_LOGIN_REQUIRED | CKF_RNG,
	    .ulMaxSessionCount = SESSIONS_MAX,
	    .ulMaxRwSessionCount = SESSIONS_MAX,
	    .ulMaxPinLen = 255};
	pad(info->label, sizeof info->label, label != NULL ? label : "intaglio");
	pad(info->manufacturerID, sizeof info->manufacturerID, "tests");
	pad(info->model, sizeof info->model, "delaymod");
	pad(info->serialNumber, sizeof info->serialNumber, "1");
	return CKR_OK;
}

static CK_RV my_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
	(void)slot;
	*info = (CK_MECHANISM_INFO){256, 256, type == CKM_ECDSA ? CKF_SIGN : CKF_GENERATE_KEY_PAIR};
	return type == CKM_ECDSA || type == CKM_EC_KEY_PAIR_GEN ? CKR_OK : CKR_MECHANISM_INVALID;
}

static CK_RV my_OpenSession(
    CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *out)
{
	struct session *s = sessions;

	(void)slot, (void)flags, (void)app, (void)notify;
	pthread_mutex_lock(&lock);
	while (s < sessions + SESSIONS_MAX && s->is_open)
		s++;
	if (s < sessions + SESSIONS_MAX)
		s->is_open = true;
	pthread_mutex_unlock(&lock);
	if (s == sessions + SESSIONS_MAX)
		return CKR_SESSION_COUNT;
	s->signer = signer_new();
	*out = (CK_SESSION_HANDLE)(s - sessions) + 1;
	return CKR_OK;
}

static CK_RV my_GetSessionInfo(CK_SESSION_HANDLE h, CK_SESSION_INFO *info)
{
	CK_STATE state = logged_in ? CKS_RW_USER_FUNCTIONS : CKS_RW_PUBLIC_SESSION;

	*info = (CK_SESSION_INFO){0, state, CKF_SERIAL_SESSION | CKF_RW_SESSION, 0};
	return session_of(h) == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
}

static CK_RV my_Login(CK_SESSION_HANDLE h, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len)
{
	(void)h, (void)user, (void)pin, (void)len;
	logged_in = true;
	return CKR_OK;
}

static CK_RV my_Logout(CK_SESSION_HANDLE h)
{
	(void)h;
	logged_in = false;
	return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out)
{
	static CK_FUNCTION_LIST list;

	list.version = (CK_VERSION){2, 40};
	list.C_Initialize = my_Initialize;
	list.C_Finalize = my_Finalize;
	list.C_GetInfo = my_GetInfo;
	list.C_GetFunctionList = C_GetFunctionList;
	list.C_GetSlotList = my_GetSlotList;
	list.C_GetSlotInfo = my_GetSlotInfo;
	list.C_GetTokenInfo = my_GetTokenInfo;
	list.C_GetMechanismInfo = my_GetMechanismInfo;
	list.C_OpenSession = my_OpenSession;
	list.C_CloseSession = my_CloseSession;
	list.C_CloseAllSessions = my_CloseAllSessions;
	list.C_GetSessionInfo = my_GetSessionInfo;
	list.C_Login = my_Login;
	list.C_Logout = my_Logout;
	list.C_CreateObject = my_CreateObject;
	list.C_CopyObject = my_CopyObject;
	list.C_DestroyObject = my_DestroyObject;
	list.C_GetAttributeValue = my_GetAttributeValue;
	list.C_FindObjectsInit = my_FindObjectsInit;
	list.C_FindObjects = my_FindObjects;
	list.C_FindObjectsFinal = my_FindObjectsFinal;
	list.C_SignInit = my_SignInit;
	list.C_Sign = my_Sign;
	list.C_GenerateKeyPair = my_GenerateKeyPair;
	list.C_GenerateRandom = my_GenerateRandom;
	*out = &list;
	return CKR_OK;
}
