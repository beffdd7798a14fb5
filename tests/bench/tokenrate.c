/* tokenrate: how fast a token signs by itself, and how fast OpenSSL verifies: the yardsticks beside
 * which the bench puts the daemon.  Prints one JSON object.
 *
 *   tokenrate MODULE LABEL PIN-FILE THREADS SECONDS token|copy [p256|rsa2048 [wait]]
 *   tokenrate verify SECONDS
 *
 * copy: each thread signs with a session copy of the key (CKA_TOKEN false).  verify: P-256.
 * wait: it says "ready" when it has logged in, and begins when its input ends: several can then
 * begin at once, and none logs in while another does (SoftHSM rewrites its token object then).
 * Runs alone; trusts its arguments. */
#include <config.h>
#include <dlfcn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define THREADS_MAX 64
#define SLOTS_MAX 16
#define DIGEST_LEN 32

/* What is signed has the size of a digest, or for RSA of the DigestInfo around it. */
struct kind {
	const char *name;
	char label[24];
	CK_MECHANISM_TYPE generate, sign;
	CK_ULONG data_len;
};

static const struct kind kinds[] = {
    {"p256", "tokenrate", CKM_EC_KEY_PAIR_GEN, CKM_ECDSA, DIGEST_LEN},
    {"rsa2048", "tokenrate-rsa", CKM_RSA_PKCS_KEY_PAIR_GEN, CKM_RSA_PKCS, 19 + DIGEST_LEN},
};
static struct kind kind;
static CK_FUNCTION_LIST_PTR module;

struct worker {
	pthread_t thread;
	CK_SLOT_ID slot;
	bool copy;
	double seconds;
	unsigned long count;
	double elapsed;
};

static void must(CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "tokenrate: %s: CKR 0x%lx\n", what, rv);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static void load(const char *path)
{
	void *lib = dlopen(path, RTLD_NOW);
	CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
	CK_C_GetFunctionList list;

	if (lib == NULL) {
		fprintf(stderr, "tokenrate: %s\n", dlerror());
		exit(1);
	}
	*(void **)&list = dlsym(lib, "C_GetFunctionList");
	must(list(&module), "C_GetFunctionList");
	must(module->C_Initialize(&args), "C_Initialize");
}

static CK_SLOT_ID find_slot(const char *label)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG count = SLOTS_MAX;

	must(module->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
	for (CK_ULONG i = 0; i < count; i++) {
		CK_TOKEN_INFO info;
		size_t len = strlen(label);

		must(module->C_GetTokenInfo(slots[i], &info), "C_GetTokenInfo");
		if (memcmp(info.label, label, len) == 0 &&
		    (len == sizeof(info.label) || info.label[len] == ' '))
			return slots[i];
	}
	fprintf(stderr, "tokenrate: no token with the label %s\n", label);
	exit(1);
}

static CK_SESSION_HANDLE open_session(CK_SLOT_ID slot)
{
	CK_SESSION_HANDLE session;

	must(module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
	    "C_OpenSession");
	return session;
}

static void log_in(CK_SESSION_HANDLE session, const char *pin_file)
{
	char pin[256] = "";
	FILE *file = fopen(pin_file, "r");

	if (file == NULL || fgets(pin, sizeof(pin), file) == NULL) {
		fprintf(stderr, "tokenrate: no PIN in %s\n", pin_file);
		exit(1);
	}
	fclose(file);
	pin[strcspn(pin, "\n")] = '\0';
	must(module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), "C_Login");
}

static CK_OBJECT_HANDLE find_key(CK_SESSION_HANDLE session)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE wanted[] = {
	    {CKA_CLASS, &class, sizeof(class)}, {CKA_LABEL, kind.label, strlen(kind.label)}};
	CK_OBJECT_HANDLE key = CK_INVALID_HANDLE;
	CK_ULONG count = 0;

	must(module->C_FindObjectsInit(session, wanted, 2), "C_FindObjectsInit");
	must(module->C_FindObjects(session, &key, 1, &count), "C_FindObjects");
	must(module->C_FindObjectsFinal(session), "C_FindObjectsFinal");
	return count == 1 ? key : CK_INVALID_HANDLE;
}

static void make_key(CK_SESSION_HANDLE session)
{
	static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
	CK_BBOOL yes = CK_TRUE;
	CK_ULONG bits = 2048;
	CK_MECHANISM mechanism = {kind.generate, NULL, 0};
	CK_ATTRIBUTE curve = {CKA_EC_PARAMS, p256, sizeof(p256)};
	CK_ATTRIBUTE modulus = {CKA_MODULUS_BITS, &bits, sizeof(bits)};
	CK_ATTRIBUTE public_half[] = {kind.sign == CKM_RSA_PKCS ? modulus : curve,
	    {CKA_TOKEN, &yes, sizeof(yes)}, {CKA_LABEL, kind.label, strlen(kind.label)}};
	CK_ATTRIBUTE private_half[] = {{CKA_TOKEN, &yes, sizeof(yes)},
	    {CKA_PRIVATE, &yes, sizeof(yes)}, {CKA_SIGN, &yes, sizeof(yes)},
	    {CKA_LABEL, kind.label, strlen(kind.label)}};
	CK_OBJECT_HANDLE handles[2];

	must(module->C_GenerateKeyPair(
		 session, &mechanism, public_half, 3, private_half, 4, &handles[0], &handles[1]),
	    "C_GenerateKeyPair");
}

static void *sign_for_a_while(void *arg)
{
	struct worker *w = arg;
	CK_SESSION_HANDLE session = open_session(w->slot);
	CK_OBJECT_HANDLE key = find_key(session);
	CK_MECHANISM mechanism = {kind.sign, NULL, 0};
	CK_BYTE data[DIGEST_LEN + 19] = {0}, signature[512];
	double start;

	if (w->copy) {
		CK_BBOOL no = CK_FALSE;
		CK_ATTRIBUTE as_session_object = {CKA_TOKEN, &no, sizeof(no)};

		must(module->C_CopyObject(session, key, &as_session_object, 1, &key),
		    "C_CopyObject");
	}
	start = now();
	do {
		CK_ULONG len = sizeof(signature);

		memcpy(data, &w->count, sizeof(w->count));
		must(module->C_SignInit(session, &mechanism, key), "C_SignInit");
		must(module->C_Sign(session, data, kind.data_len, signature, &len), "C_Sign");
		w->count++;
	} while ((w->elapsed = now() - start) < w->seconds);
	return NULL;
}

static void print_rate(double rate, unsigned long count, double cpu)
{
	printf("{ \"rate\": %.0f, \"cpu_us\": %.2f }\n", rate, cpu / (double)count * 1e6);
}

static void wait_to_begin(void)
{
	puts("ready");
	fflush(stdout);
	while (getchar() != EOF)
		;
}

static int measure_token(char **argv, bool wait)
{
	struct worker workers[THREADS_MAX] = {0};
	int threads = (int)strtol(argv[4], NULL, 10);
	double rate = 0, cpu;
	unsigned long count = 0;
	CK_SESSION_HANDLE session;
	CK_SLOT_ID slot;

	if (threads < 1 || threads > THREADS_MAX)
		return 2;
	load(argv[1]);
	slot = find_slot(argv[2]);
	session = open_session(slot);
	log_in(session, argv[3]);
	if (find_key(session) == CK_INVALID_HANDLE)
		make_key(session);
	if (wait)
		wait_to_begin();
	cpu = cpu_seconds();
	for (int i = 0; i < threads; i++) {
		workers[i].slot = slot;
		workers[i].seconds = strtod(argv[5], NULL);
		workers[i].copy = strcmp(argv[6], "copy") == 0;
		if (pthread_create(&workers[i].thread, NULL, sign_for_a_while, &workers[i]) != 0)
			return 1;
	}
	for (int i = 0; i < threads; i++) {
		pthread_join(workers[i].thread, NULL);
		rate += (double)workers[i].count / workers[i].elapsed;
		count += workers[i].count;
	}
	print_rate(rate, count, cpu_seconds() - cpu);
	module->C_Finalize(NULL);
	return 0;
}

static bool choose_kind(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			kind = kinds[i];
			return true;
		}
	}
	return false;
}

static int measure_verify(double seconds)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	EVP_PKEY_CTX *ctx = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
	unsigned char digest[DIGEST_LEN] = {1}, signature[128];
	size_t len = sizeof(signature);
	unsigned long count = 0;
	double start, elapsed, cpu;
	int code = 1;

	if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, signature, &len, digest, sizeof(digest)) != 1)
		goto out;
	start = now();
	cpu = cpu_seconds();
	do {
		if (EVP_PKEY_verify_init(ctx) != 1 ||
		    EVP_PKEY_verify(ctx, signature, len, digest, sizeof(digest)) != 1)
			goto out;
		count++;
	} while ((elapsed = now() - start) < seconds);
	print_rate((double)count / elapsed, count, cpu_seconds() - cpu);
	code = 0;
out:
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return code;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "verify") == 0)
		return measure_verify(strtod(argv[2], NULL));
	if (argc >= 7 && argc <= 9 && choose_kind(argc > 7 ? argv[7] : "p256"))
		return measure_token(argv, argc == 9 && strcmp(argv[8], "wait") == 0);
	fprintf(stderr, "usage: see the head of tokenrate.c\n");
	return 2;
}
