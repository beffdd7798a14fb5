/* A PKCS#11 module that passes calls on to a real one and makes them fail, slow or lossy: for
 * tests.
 *
 *   FAULTMOD_MODULE   path of the real module
 *   FAULTMOD_RULES    a file, read again when it changes.  One rule a line:
 *
 *       <function> <return value, hex> <count> <delay in ms>
 *       <function>:after ...      the real call is made first: a lost reply
 *       C_Sign:flip 0 <count> 0   one bit of the signature is wrong
 *       <function>:kill 0 <n> 0   kill -9 of the process instead of the n-th call
 *       <function>:died 0 <n> 0   ... right after it
 *
 *     For these two a function `write` stands for all that change a token.
 *     A rule is used up after <count> calls (-1: never).  A return value of 0 only delays.
 *   FAULTMOD_COUNTS   a file of counters (mapped, shared): calls of each function, see faultmod.h
 */
#include "faultmod.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RULES_MAX 32

enum when { BEFORE, AFTER, FLIP, KILL, DIED };

struct rule {
	char function[48];
	enum when when;
	CK_RV rv;
	long count, delay_ms;
};

static CK_FUNCTION_LIST *real, mine;
static struct rule rules[RULES_MAX];
static unsigned rule_count;
static struct timespec rules_time;
static ino_t rules_inode;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct faultmod_count *counts;

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out);

static void map_counts(void)
{
	static char mapped[200];
	const char *path = getenv("FAULTMOD_COUNTS");
	size_t size = FAULTMOD_FUNCTIONS * sizeof counts[0];
	int fd;

	if (path == NULL || strcmp(path, mapped) == 0)
		return;
	snprintf(mapped, sizeof mapped, "%s", path);
	if (counts != NULL)
		munmap(counts, size);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		abort();
	counts = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		abort();
	close(fd);
}

static void count_call(const char *function)
{
	for (unsigned i = 0; counts != NULL && i < FAULTMOD_FUNCTIONS; i++) {
		if (counts[i].name[0] == '\0')
			strncpy(counts[i].name, function, sizeof counts[i].name - 1);
		if (strcmp(counts[i].name, function) == 0) {
			__atomic_fetch_add(&counts[i].calls, 1, __ATOMIC_SEQ_CST);
			return;
		}
	}
}

static void parse_rule(const char *line)
{
	struct rule *r = &rules[rule_count];
	char *colon;

	if (rule_count == RULES_MAX ||
	    sscanf(line, "%47s %lx %ld %ld", r->function, &r->rv, &r->count, &r->delay_ms) != 4)
		return;
	r->when = BEFORE;
	colon = strchr(r->function, ':');
	if (colon != NULL) {
		r->when = strcmp(colon, ":flip") == 0	? FLIP
			  : strcmp(colon, ":kill") == 0 ? KILL
			  : strcmp(colon, ":died") == 0 ? DIED
							: AFTER;
		*colon = '\0';
	}
	rule_count++;
}

static void read_rules(void)
{
	const char *path = getenv("FAULTMOD_RULES");
	struct stat st;
	char line[200];
	FILE *f;

	if (path == NULL || stat(path, &st) != 0)
		return;
	if (st.st_ino == rules_inode && st.st_mtim.tv_sec == rules_time.tv_sec &&
	    st.st_mtim.tv_nsec == rules_time.tv_nsec)
		return;
	f = fopen(path, "r");
	if (f == NULL)
		return;
	rules_inode = st.st_ino;
	rules_time = st.st_mtim;
	rule_count = 0;
	while (fgets(line, sizeof line, f) != NULL)
		parse_rule(line);
	fclose(f);
}

static bool is_meant(const struct rule *r, const char *function)
{
	if (strcmp(r->function, "write") == 0)
		return strcmp(function, "C_CreateObject") == 0 ||
		       strcmp(function, "C_DestroyObject") == 0 ||
		       strcmp(function, "C_GenerateKeyPair") == 0;
	return strcmp(r->function, function) == 0;
}

/* With `lock`. */
static void kill_by_rule(const char *function, enum when when)
{
	for (unsigned i = 0; i < rule_count; i++)
		if (rules[i].when == when && is_meant(&rules[i], function) && --rules[i].count == 0)
			raise(SIGKILL);
}

static bool take_rule(const char *function, enum when when, struct rule *out)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	if (when == BEFORE) {
		count_call(function);
		read_rules();
		kill_by_rule(function, KILL);
	} else if (when == AFTER) {
		kill_by_rule(function, DIED);
	}
	for (unsigned i = 0; i < rule_count && !found; i++) {
		struct rule *r = &rules[i];
		if (r->when != when || r->count == 0 || strcmp(r->function, function) != 0)
			continue;
		if (r->count > 0)
			r->count--;
		*out = *r;
		found = true;
	}
	pthread_mutex_unlock(&lock);
	if (found && out->delay_ms > 0) {
		struct timespec ts = {out->delay_ms / 1000, out->delay_ms % 1000 * 1000000};
		nanosleep(&ts, NULL);
	}
	return found;
}

#define PASS(function, parameters, ...)                                                            \
	static CK_RV my_##function parameters                                                      \
	{                                                                                          \
		struct rule r;                                                                     \
		CK_RV rv;                                                                          \
		if (take_rule(#function, BEFORE, &r) && r.rv != CKR_OK)                            \
			return r.rv;                                                               \
		rv = real->function(__VA_ARGS__);                                                  \
		return take_rule(#function, AFTER, &r) ? r.rv : rv;                                \
	}

PASS(C_Initialize, (void *a), a)
PASS(C_GetSlotList, (CK_BBOOL p, CK_SLOT_ID *s, CK_ULONG *n), p, s, n)
PASS(C_GetTokenInfo, (CK_SLOT_ID s, CK_TOKEN_INFO *i), s, i)
PASS(C_GetMechanismInfo, (CK_SLOT_ID s, CK_MECHANISM_TYPE t, CK_MECHANISM_INFO *i), s, t, i)
PASS(C_OpenSession, (CK_SLOT_ID s, CK_FLAGS f, void *a, CK_NOTIFY n, CK_SESSION_HANDLE *h), s, f, a,
    n, h)
PASS(C_CloseSession, (CK_SESSION_HANDLE h), h)
PASS(C_GetSessionInfo, (CK_SESSION_HANDLE h, CK_SESSION_INFO *i), h, i)
PASS(C_Login, (CK_SESSION_HANDLE h, CK_USER_TYPE u, CK_UTF8CHAR *p, CK_ULONG n), h, u, p, n)
PASS(C_CreateObject, (CK_SESSION_HANDLE h, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *o), h, a,
    n, o)
PASS(C_CopyObject,
    (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *c), h,
    o, a, n, c)
PASS(C_DestroyObject, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o), h, o)
PASS(C_GetAttributeValue, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n), h,
    o, a, n)
PASS(C_SetAttributeValue, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n), h,
    o, a, n)
PASS(C_FindObjectsInit, (CK_SESSION_HANDLE h, CK_ATTRIBUTE *a, CK_ULONG n), h, a, n)
PASS(C_FindObjects, (CK_SESSION_HANDLE h, CK_OBJECT_HANDLE *o, CK_ULONG m, CK_ULONG *n), h, o, m, n)
PASS(C_FindObjectsFinal, (CK_SESSION_HANDLE h), h)
PASS(C_SignInit, (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE k), h, m, k)
PASS(C_GenerateKeyPair,
    (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_ATTRIBUTE *a, CK_ULONG an, CK_ATTRIBUTE *b,
	CK_ULONG bn, CK_OBJECT_HANDLE *x, CK_OBJECT_HANDLE *y),
    h, m, a, an, b, bn, x, y)
PASS(C_WrapKey,
    (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE w, CK_OBJECT_HANDLE k, CK_BYTE *b,
	CK_ULONG *n),
    h, m, w, k, b, n)
PASS(C_UnwrapKey,
    (CK_SESSION_HANDLE h, CK_MECHANISM *m, CK_OBJECT_HANDLE w, CK_BYTE *b, CK_ULONG n,
	CK_ATTRIBUTE *a, CK_ULONG an, CK_OBJECT_HANDLE *k),
    h, m, w, b, n, a, an, k)
PASS(C_GenerateRandom, (CK_SESSION_HANDLE h, CK_BYTE *b, CK_ULONG n), h, b, n)

static CK_RV my_C_Sign(CK_SESSION_HANDLE h, CK_BYTE *d, CK_ULONG n, CK_BYTE *s, CK_ULONG *sn)
{
	struct rule r;
	CK_RV rv;

	if (take_rule("C_Sign", BEFORE, &r) && r.rv != CKR_OK)
		return r.rv;
	rv = real->C_Sign(h, d, n, s, sn);
	if (rv == CKR_OK && s != NULL && take_rule("C_Sign", FLIP, &r))
		s[*sn / 2] ^= 1;
	return take_rule("C_Sign", AFTER, &r) ? r.rv : rv;
}

static void replace_functions(void)
{
	mine.C_Initialize = my_C_Initialize;
	mine.C_GetSlotList = my_C_GetSlotList;
	mine.C_GetTokenInfo = my_C_GetTokenInfo;
	mine.C_GetMechanismInfo = my_C_GetMechanismInfo;
	mine.C_OpenSession = my_C_OpenSession;
	mine.C_CloseSession = my_C_CloseSession;
	mine.C_GetSessionInfo = my_C_GetSessionInfo;
	mine.C_Login = my_C_Login;
	mine.C_CreateObject = my_C_CreateObject;
	mine.C_CopyObject = my_C_CopyObject;
	mine.C_DestroyObject = my_C_DestroyObject;
	mine.C_GetAttributeValue = my_C_GetAttributeValue;
	mine.C_SetAttributeValue = my_C_SetAttributeValue;
	mine.C_FindObjectsInit = my_C_FindObjectsInit;
	mine.C_FindObjects = my_C_FindObjects;
	mine.C_FindObjectsFinal = my_C_FindObjectsFinal;
	mine.C_SignInit = my_C_SignInit;
	mine.C_Sign = my_C_Sign;
	mine.C_GenerateKeyPair = my_C_GenerateKeyPair;
	mine.C_WrapKey = my_C_WrapKey;
	mine.C_UnwrapKey = my_C_UnwrapKey;
	mine.C_GenerateRandom = my_C_GenerateRandom;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **out)
{
	const char *path = getenv("FAULTMOD_MODULE");
	CK_C_GetFunctionList get;
	void *handle, *symbol;

	pthread_mutex_lock(&lock);
	if (real == NULL) {
		handle = path != NULL ? dlopen(path, RTLD_NOW) : NULL;
		symbol = handle != NULL ? dlsym(handle, "C_GetFunctionList") : NULL;
		if (symbol == NULL) {
			pthread_mutex_unlock(&lock);
			return CKR_GENERAL_ERROR;
		}
		memcpy(&get, &symbol, sizeof get);
		get(&real);
		mine = *real;
		replace_functions();
	}
	map_counts();
	pthread_mutex_unlock(&lock);
	*out = &mine;
	return CKR_OK;
}
