/* amend_keys: roll-overs of all kinds for the tests of signing that follows changes, in the steps
 * in which a signer meets them (RFC 6781 section 4.1). */
#include <stdio.h>
#include <string.h>
#include "tests/unit/amend_rig.h"
#include "tests/unit/fake_token.h"

#define DAY 86400

enum {
	ROLL_NONE,
	ROLL_ZSK,
	ROLL_KSK,
	ROLL_ALL,
	ROLL_ALGORITHM,
	ROLL_SUDDEN,
	ROLL_EMERGENCY,
	ROLL_UNSIGNED,
	ROLL_COUNT
};

struct keyset_key *amend_keys_add(
    struct amend_rig *g, struct amend_one *o, uint8_t algorithm, enum key_role role)
{
	struct keyset *ks = &o->job.keys;
	struct keyset_key *k = &ks->keys[ks->count];
	bool is_taken;

	do {
		fake_token_key(g->f.token, algorithm, role, k);
		is_taken = false;
		for (unsigned i = 0; i < ks->count; i++)
			is_taken = is_taken || ks->keys[i].tag == k->tag;
	} while (is_taken);
	ks->count++;
	return k;
}

void amend_keys_remove(struct amend_one *o, unsigned i)
{
	struct keyset *ks = &o->job.keys;

	ks->count--;
	memmove(&ks->keys[i], &ks->keys[i + 1], (ks->count - i) * sizeof(ks->keys[0]));
}

static void add_keys(struct amend_rig *g, struct amend_one *o, uint8_t algorithm)
{
	if (amend_chance(&g->random, 25)) {
		amend_keys_add(g, o, algorithm, KEY_CSK);
		return;
	}
	amend_keys_add(g, o, algorithm, KEY_KSK);
	amend_keys_add(g, o, algorithm, KEY_ZSK);
}

void amend_keys_first(struct amend_rig *g, struct amend_one *o)
{
	add_keys(g, o, amend_chance(&g->random, 70) ? ALG_ED25519 : ALG_ECDSAP256SHA256);
}

void amend_keys_cds(struct amend_one *o)
{
	struct keyset *ks = &o->job.keys;
	struct buf ds = {0}, items = {0};

	if (ks->cds_count > 0 || ks->count == 0) {
		ks->cds_count = ks->cds_len = ks->cdnskey_count = ks->cdnskey_len = 0;
		return;
	}
	dnskey_ds(o->job.apex, ks->keys[0].dnskey, ks->keys[0].dnskey_len, 2, &ds);
	buf_lv16(&items, ds.data, ds.len);
	memcpy(ks->cds, items.data, items.len);
	ks->cds_len = (uint16_t)items.len;
	buf_reset(&items);
	buf_lv16(&items, ks->keys[0].dnskey, ks->keys[0].dnskey_len);
	memcpy(ks->cdnskey, items.data, items.len);
	ks->cdnskey_len = (uint16_t)items.len;
	ks->cds_count = ks->cdnskey_count = 1;
	buf_free(&ds);
	buf_free(&items);
}

static bool has_role(const struct amend_one *o, enum key_role role)
{
	for (unsigned i = 0; i < o->job.keys.count; i++) {
		if (o->job.keys.keys[i].role == role)
			return true;
	}
	return false;
}

static void remove_olds(struct amend_one *o, enum key_role role) /* 0: all */
{
	for (unsigned i = o->roll_olds; i-- > 0;) {
		if (role == 0 || o->job.keys.keys[i].role == role)
			amend_keys_remove(o, i);
	}
	o->roll = ROLL_NONE;
}

/* RFC 6781 4.1.1.1 (pre-publish), sometimes with both signing in between. */
static void roll_zsk(struct amend_rig *g, struct amend_one *o)
{
	struct keyset *ks = &o->job.keys;

	switch (o->roll_step++) {
	case 0:
		amend_keys_add(g, o, ks->keys[0].algorithm, KEY_ZSK)->signs_zone = false;
		return;
	case 1:
		ks->keys[ks->count - 1].signs_zone = true;
		if (amend_chance(&g->random, 20))
			return;
		/* fall through */
	case 2:
		for (unsigned i = 0; i < o->roll_olds; i++)
			ks->keys[i].signs_zone =
			    ks->keys[i].signs_zone && ks->keys[i].role != KEY_ZSK;
		o->roll_step = 3;
		return;
	default:
		remove_olds(o, KEY_ZSK);
	}
}

static void roll_ksk(struct amend_rig *g, struct amend_one *o)
{
	if (o->roll_step++ == 0)
		amend_keys_add(g, o, o->job.keys.keys[0].algorithm, KEY_KSK);
	else
		remove_olds(o, KEY_KSK);
}

/* All at once, also from one kind of keys to the other. */
static void roll_all(struct amend_rig *g, struct amend_one *o)
{
	struct keyset *ks = &o->job.keys;

	switch (o->roll_step++) {
	case 0:
		add_keys(g, o, ks->keys[0].algorithm);
		for (unsigned i = o->roll_olds; i < ks->count; i++)
			ks->keys[i].signs_zone = false;
		return;
	case 1:
		for (unsigned i = 0; i < ks->count; i++)
			ks->keys[i].signs_zone = i >= o->roll_olds && ks->keys[i].role != KEY_KSK;
		return;
	default:
		remove_olds(o, 0);
	}
}

/* RFC 6781 4.1.4 */
static void roll_algorithm(struct amend_rig *g, struct amend_one *o)
{
	struct keyset *ks = &o->job.keys;
	uint8_t other = ks->keys[0].algorithm == ALG_ED25519 ? ALG_ECDSAP256SHA256 : ALG_ED25519;

	switch (o->roll_step++) {
	case 0:
		add_keys(g, o, other);
		for (unsigned i = o->roll_olds; i < ks->count; i++)
			ks->keys[i].in_set = ks->keys[i].signs_set = false;
		return;
	case 1:
		for (unsigned i = o->roll_olds; i < ks->count; i++) {
			ks->keys[i].in_set = true;
			ks->keys[i].signs_set = ks->keys[i].role != KEY_ZSK;
		}
		return;
	case 2:
		for (unsigned i = 0; i < o->roll_olds; i++)
			ks->keys[i].in_set = ks->keys[i].signs_set = false;
		return;
	default:
		remove_olds(o, 0);
	}
}

static void roll_unsigned(struct amend_one *o)
{
	if (o->roll_step++ == 0) {
		o->roll_saved = o->job.keys;
		o->job.keys = (struct keyset){.unsign = true};
		return;
	}
	o->job.keys = o->roll_saved;
	o->roll = ROLL_NONE;
}

static void roll_emergency(struct amend_one *o)
{
	o->job.keys.emergency_validity = o->roll_step++ == 0 ? 3 * DAY : 0;
	if (o->job.keys.emergency_validity == 0)
		o->roll = ROLL_NONE;
}

static void begin(struct amend_rig *g, struct amend_one *o)
{
	static const unsigned kinds[] = {ROLL_ZSK, ROLL_ZSK, ROLL_KSK, ROLL_ALL, ROLL_ALGORITHM,
	    ROLL_ALGORITHM, ROLL_SUDDEN, ROLL_EMERGENCY, ROLL_UNSIGNED};
	bool is_csk = has_role(o, KEY_CSK);

	o->roll = kinds[amend_draw(&g->random, sizeof(kinds) / sizeof(kinds[0]))];
	if (is_csk && (o->roll == ROLL_ZSK || o->roll == ROLL_KSK))
		o->roll = ROLL_ALL;
	/* A key that goes while what it signed is still there makes a bogus zone: keys/ never asks
	 * for it. */
	if (o->roll == ROLL_SUDDEN && g->in_slices)
		o->roll = ROLL_ALL;
	o->roll_step = 0;
	o->roll_olds = o->job.keys.count;
}

void amend_keys_step(struct amend_rig *g, struct amend_one *o)
{
	static const char *const names[ROLL_COUNT] = {
	    "none", "ZSK", "KSK", "all keys", "algorithm", "sudden", "emergency", "unsigned"};

	if (o->roll == ROLL_NONE)
		begin(g, o);
	/* Whoever decides of keys waits until what was asked for last is done (RFC 6781, RFC 7583).
	 */
	amend_settle(g, o);
	amend_say(g, "keys: %s, step %u; ", names[o->roll], o->roll_step);
	if (o->roll == ROLL_ZSK) {
		roll_zsk(g, o);
	} else if (o->roll == ROLL_KSK) {
		roll_ksk(g, o);
	} else if (o->roll == ROLL_ALL) {
		roll_all(g, o);
	} else if (o->roll == ROLL_ALGORITHM) {
		roll_algorithm(g, o);
	} else if (o->roll == ROLL_EMERGENCY) {
		roll_emergency(o);
	} else if (o->roll == ROLL_UNSIGNED) {
		roll_unsigned(o);
	} else {
		add_keys(g, o, o->job.keys.keys[0].algorithm);
		remove_olds(o, 0);
	}
}
