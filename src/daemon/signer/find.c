/* The servers of a zone of ours, and of its parent (signer/finder.h).  The NS set, and addresses
 * below the apex, are those of our own version; the rest is asked of the resolver.  Runs in the
 * signing side.
 *
 * What is not complete holds steps back, in signer/observe.c and signer/parent.c. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "daemon/signer/signer.h"
#include "dns/rrset.h"
#include "dns/rrtype.h"

struct zone_find {
	struct signer_zone *zone;
	enum find_kind kind;
	struct finder *finder;
	struct buf basis; /* what the zone itself says: NS set, addresses; that it stands on */
	char *label;
};

/* What the zone itself says.  Each part is added to basis, so that a change is noticed. */

/* ERR_MISSING (no words): it has none. */
static int add_own_addresses(struct snapshot *sn, const struct zone_head *h, const uint8_t *name,
    struct finder_have *have, struct buf *basis, struct err *e)
{
	static const uint16_t types[] = {RR_A, RR_AAAA};
	const uint8_t *packed, *p;
	struct rrset set;
	uint16_t item;
	size_t len;
	int code = ERR_MISSING;

	for (size_t t = 0; t < MEM_COUNT(types); t++) {
		if (snapshot_rrset(sn, h, name, types[t], &packed, &len) != OK ||
		    rrset_unpack(packed, len, &set) != OK)
			continue;
		buf_put(basis, set.rdata, set.rdata_len);
		p = set.rdata;
		for (unsigned i = 0; i < set.count; i++) {
			const uint8_t *rdata = rrset_next(&p, &item);

			code = find_add_address(&have->addresses, types[t], rdata, item, e);
			if (code != OK)
				return code;
		}
		if (set.ttl < have->ttl)
			have->ttl = set.ttl;
	}
	return code;
}

static int read_ns_set(struct snapshot *sn, const struct zone_head *h, struct finder_have *have,
    struct buf *basis, struct err *e)
{
	const uint8_t *packed, *p;
	struct rrset set;
	uint16_t item;
	size_t len;
	int code = snapshot_rrset(sn, h, h->apex, RR_NS, &packed, &len);

	if (code == OK)
		code = rrset_unpack(packed, len, &set);
	if (code != OK)
		return err_set(e, code, "its version has no NS records");
	buf_put(basis, set.rdata, set.rdata_len);
	have->ttl = set.ttl < have->ttl ? set.ttl : have->ttl;
	p = set.rdata;
	for (unsigned i = 0; i < set.count && code == OK; i++) {
		const uint8_t *name = rrset_next(&p, &item);

		code = name_is_at_or_below(name, h->apex)
			   ? add_own_addresses(sn, h, name, have, basis, e)
			   : ERR_MISSING;
		if (code == ERR_MISSING)
			code = find_add_name(&have->names, name, e);
	}
	return code;
}

static int read_own(
    const struct signer_zone *z, struct finder_have *have, struct buf *basis, struct err *e)
{
	struct snapshot *sn = NULL;
	struct zone_head h;
	int code = snapshot_open(z->signer->store, &sn, e);

	if (code != OK)
		return code;
	if (snapshot_head(sn, z->apex, &h) != OK || h.generation == 0)
		code = err_set(e, ERR_MISSING, "no version was made yet");
	else
		code = read_ns_set(sn, &h, have, basis, e);
	snapshot_close(sn);
	return code;
}

/* Looks */

static bool has_version(const struct signer_zone *z)
{
	return z->has_head && z->head.generation != 0;
}

static int own_names(void *arg, struct finder_have *have, struct err *e)
{
	struct zone_find *f = arg;

	if (!has_version(f->zone))
		return ERR_AGAIN; /* signer_find_version comes with the first */
	buf_reset(&f->basis);
	return read_own(f->zone, have, &f->basis, e);
}

static void tell(void *arg)
{
	struct zone_find *f = arg;

	if (f->kind == FIND_NAMESERVERS)
		signer_observe_configure(f->zone);
	else
		signer_parent_found(f->zone);
}

static bool is_basis(const struct zone_find *f, const struct signer_zone *z)
{
	struct finder_have *have = mem_alloc(sizeof(*have));
	struct buf basis = {0};
	bool is_same = read_own(z, have, &basis, NULL) == OK && basis.len == f->basis.len &&
		       (basis.len == 0 || memcmp(basis.data, f->basis.data, basis.len) == 0);

	free(have);
	buf_free(&basis);
	return is_same;
}

void signer_find_version(struct signer_zone *z)
{
	struct zone_find *f = z->find[FIND_NAMESERVERS];
	bool is_same;

	if (f == NULL)
		return;
	is_same = is_basis(f, z);
	if (is_same && (finder_found(f->finder)->is_complete || finder_is_running(f->finder)))
		return;
	if (!is_same)
		finder_outdated(f->finder);
	tell(f);
	finder_start(f->finder);
}

/* Configuration */

static void find_free(struct zone_find *f)
{
	if (f == NULL)
		return;
	finder_free(f->finder);
	buf_free(&f->basis);
	free(f->label);
	free(f);
}

static struct zone_find *find_new(struct signer_zone *z, enum find_kind kind)
{
	struct zone_find *f = mem_alloc(sizeof(*f));
	struct finder_owner owner = {.domain = z->apex,
	    .kind = kind,
	    .repeats = true,
	    .names = kind == FIND_NAMESERVERS ? own_names : NULL,
	    .tell = tell,
	    .arg = f};

	f->zone = z;
	f->kind = kind;
	f->label = mem_printf("zone %s", z->name);
	owner.label = f->label;
	f->finder = finder_new(z->signer, &owner);
	return f;
}

void signer_find_configure(struct signer_zone *z, enum find_kind kind, bool is_wanted)
{
	is_wanted = is_wanted && z->signer->config->resolver.origin.line > 0;
	if (!is_wanted) {
		find_free(z->find[kind]);
		z->find[kind] = NULL;
		return;
	}
	if (z->find[kind] == NULL)
		z->find[kind] = find_new(z, kind);
	/* Not from here: the zone's other parts are not configured yet. */
	finder_soon(z->find[kind]->finder);
}

void signer_find_free(struct signer_zone *z)
{
	for (unsigned kind = 0; kind < FIND_KINDS; kind++) {
		find_free(z->find[kind]);
		z->find[kind] = NULL;
	}
}

/* Asked */

const struct found *signer_find_found(const struct signer_zone *z, enum find_kind kind)
{
	return z->find[kind] == NULL ? NULL : finder_found(z->find[kind]->finder);
}

bool signer_find_is_new(const struct signer_zone *z, enum find_kind kind)
{
	return z->find[kind] != NULL && finder_is_new(z->find[kind]->finder);
}
