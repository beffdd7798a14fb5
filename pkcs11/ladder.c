/* The reconnect ladder.  Runs where a module is loaded.  Takes `gate`, `objects` and `state`.
 *
 *   B3, B0, 90, 91   close the session, open a new one (which logs in again if need be)
 *   101              the same: the log-in went with the last session or somebody logged out
 *   82, 60           forget handles
 *   6, 5, 31, B1     busy, perhaps: wait, try again
 *   30, 32, E0, 190  C_Finalize, load the module again, find the token by its serial
 *
 * A rung climbed in vain leads to the last one.  A PIN that was refused is never tried again:
 * tokens count, and lock. */
#include "pkcs11/local.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum rung { RUNG_NONE, RUNG_SESSION, RUNG_HANDLE, RUNG_WAIT, RUNG_RELOAD, RUNGS };

static const unsigned rung_tries[RUNGS] = {0, 2, 2, 3, 1};

#define WAIT_MS 50
#define RETRY_MAX_MS 60000
/* An error that may well be the request's own fault does not cost everybody the connection more
 * often. */
#define DOUBTFUL_RELOAD_MS 10000

static enum rung rung_of(CK_RV rv)
{
	switch (rv) {
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_OPERATION_ACTIVE:
	case CKR_OPERATION_NOT_INITIALIZED:
	case CKR_USER_NOT_LOGGED_IN:
		return RUNG_SESSION;
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_KEY_HANDLE_INVALID:
		return RUNG_HANDLE;
	case CKR_FUNCTION_FAILED:
	case CKR_GENERAL_ERROR:
	case CKR_DEVICE_MEMORY:
	case CKR_SESSION_COUNT:
		return RUNG_WAIT;
	case CKR_DEVICE_ERROR:
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_SLOT_ID_INVALID:
	case CKR_CRYPTOKI_NOT_INITIALIZED:
		return RUNG_RELOAD;
	default:
		return RUNG_NONE;
	}
}

bool ladder_is_fault(CK_RV rv)
{
	return rung_of(rv) != RUNG_NONE;
}

static bool is_pin_fault(CK_RV rv)
{
	return (rv >= CKR_PIN_INCORRECT && rv <= CKR_PIN_LOCKED) ||
	       rv == CKR_USER_PIN_NOT_INITIALIZED;
}

static uint64_t jitter(uint64_t ms)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random)
		random = (uint32_t)clock_mono_us();
	return ms + random % (ms / 4 + 1);
}

static void sleep_ms(uint64_t ms)
{
	struct timespec ts = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

static void set_up(struct local *l)
{
	pthread_mutex_lock(&l->state);
	if (l->failures > 0)
		log_notice("token %s: is back", l->base.name);
	l->up = true;
	l->failures = 0;
	l->loaded_at = clock_mono_ms();
	memset(&l->why, 0, sizeof l->why);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->state);
}

static void set_down(struct local *l, const struct err *why)
{
	uint64_t wait;

	pthread_mutex_lock(&l->state);
	l->up = false;
	l->final = l->final || is_pin_fault(why->ckr) || l->pin.len == 0;
	wait = 1000ULL << (l->failures < 6 ? l->failures : 6);
	l->failures++;
	l->retry_at = clock_mono_ms() + jitter(wait < RETRY_MAX_MS ? wait : RETRY_MAX_MS);
	/* without a background the caller has the words, and says them */
	if (l->background && (l->why.code != why->code || l->why.ckr != why->ckr))
		log_error("%s%s", why->text, l->final ? "" : "; will be tried again");
	l->why = *why;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->state);
}

void ladder_give_up(struct local *l, const struct err *why)
{
	pthread_mutex_lock(&l->state);
	l->final = true;
	pthread_mutex_unlock(&l->state);
	set_down(l, why);
}

/* With the gate shut: nobody is in a call, nobody holds `objects`. */
static int connect_module(struct local *l, struct err *e)
{
	int rc;

	module_unload(&l->module);
	index_clear(&l->index);
	l->generation++;
	l->epoch++;
	rc = module_load(&l->module, l->module_path, e);
	if (rc == OK)
		rc = module_find(&l->module, l->label, l->serial, e);
	if (rc != OK) {
		err_wrap(e, "token %s", l->base.name);
		return rc;
	}
	rc = session_open(l, &l->control, e);
	if (rc != OK)
		return rc;
	if (l->serial == NULL) {
		for (unsigned i = 0; i < l->module.slot_count; i++) {
			PKCS11_SLOT *slot = &l->module.slots[i];
			if (PKCS11_get_slotid_from_slot(slot) == l->module.slot)
				l->serial = mem_strdup(slot->token->serialnr);
		}
	}
	return OK;
}

/* Unless somebody else did it since `seen`. */
static int reload(struct local *l, unsigned seen, struct err *e)
{
	int rc = OK;

	pthread_rwlock_wrlock(&l->gate);
	if (l->generation == seen) {
		rc = connect_module(l, e);
		if (rc == OK)
			set_up(l);
		else
			set_down(l, e);
	}
	pthread_rwlock_unlock(&l->gate);
	return rc;
}

/* OK when up; else why not. */
static int check_up(struct local *l, bool *due, struct err *e)
{
	int rc = OK;

	pthread_mutex_lock(&l->state);
	*due = !l->up && !l->final && clock_mono_ms() >= l->retry_at;
	if (!l->up) {
		*e = l->why;
		rc = l->why.code != OK ? l->why.code : ERR_AGAIN;
	}
	pthread_mutex_unlock(&l->state);
	return rc;
}

int ladder_connect(struct local *l, struct err *e)
{
	unsigned seen = l->generation;
	bool due;
	int rc = check_up(l, &due, e);

	if (rc == OK || !due)
		return rc;
	rc = reload(l, seen, e);
	return rc != OK ? rc : check_up(l, &due, e);
}

static int ensure_up(struct local *l, struct err *e)
{
	bool due;

	return l->background ? check_up(l, &due, e) : ladder_connect(l, e);
}

void ladder_forget_handles(struct local *l)
{
	l->epoch++;
	index_clear(&l->index);
}

static int attempt(struct attempt *a, attempt_fn *fn, struct err *e)
{
	struct local *l = a->l;
	bool is_object_call = a->s == &l->control;
	int rc;

	pthread_rwlock_rdlock(&l->gate);
	if (is_object_call)
		pthread_mutex_lock(&l->objects);
	rc = l->module.list != NULL
		 ? session_open(l, a->s, e)
		 : err_set(e, ERR_AGAIN, "token %s: is not loaded", l->base.name);
	if (rc == OK)
		rc = fn(a, e);
	if (is_object_call)
		pthread_mutex_unlock(&l->objects);
	pthread_rwlock_unlock(&l->gate);
	return rc;
}

/* Rungs below the last: with the module as it is. */
static void mend_session(struct attempt *a, CK_RV rv, enum rung rung)
{
	struct local *l = a->l;

	pthread_rwlock_rdlock(&l->gate);
	pthread_mutex_lock(&l->objects);
	if (rung == RUNG_SESSION)
		session_close(l, a->s);
	if (rv != CKR_OPERATION_ACTIVE && rv != CKR_OPERATION_NOT_INITIALIZED)
		ladder_forget_handles(l);
	pthread_mutex_unlock(&l->objects);
	pthread_rwlock_unlock(&l->gate);
}

static bool may_reload(struct local *l, CK_RV rv)
{
	bool doubtful = rung_of(rv) != RUNG_RELOAD;
	bool may;

	pthread_mutex_lock(&l->state);
	may = !l->final && (!doubtful || clock_mono_ms() - l->loaded_at >= DOUBTFUL_RELOAD_MS);
	pthread_mutex_unlock(&l->state);
	return may;
}

/* Do what the error asks for; false when there is nothing left to do. */
static bool climb(struct attempt *a, unsigned tries[RUNGS], unsigned seen, struct err *e)
{
	enum rung rung = rung_of(e->ckr);
	struct err why;

	if (is_pin_fault(e->ckr))
		set_down(a->l, e);
	if (rung == RUNG_NONE)
		return false;
	if (tries[rung]++ >= rung_tries[rung]) {
		if (rung == RUNG_HANDLE || rung == RUNG_RELOAD || tries[RUNG_RELOAD]++ > 0)
			return false;
		rung = RUNG_RELOAD;
	}
	log_debug("token %s: %s", a->l->base.name, e->text);
	switch (rung) {
	case RUNG_WAIT:
		sleep_ms(jitter(WAIT_MS << tries[rung]));
		return true;
	case RUNG_RELOAD:
		if (!may_reload(a->l, e->ckr))
			return false;
		if (reload(a->l, seen, &why) == OK)
			return true;
		*e = why;
		return false;
	default:
		mend_session(a, e->ckr, rung);
		return true;
	}
}

int ladder_run(struct attempt *a, attempt_fn *fn, struct err *e)
{
	unsigned tries[RUNGS] = {0};
	unsigned seen;
	int rc;

	do {
		rc = ensure_up(a->l, e);
		if (rc != OK)
			return rc;
		seen = a->l->generation;
		rc = attempt(a, fn, e);
	} while (rc == ERR_TOKEN && climb(a, tries, seen, e));
	return rc;
}
