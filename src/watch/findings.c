/* Lists of findings: see findings.h. */
#include "watch/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define FORMAT 1

static const struct {
	const char *name;
	enum watch_severity severity;
	const char *advice;
} kinds[WATCH_KINDS] = {
    [WATCH_NO_KEY_FOR_DS] = {"no-key-for-ds", WATCH_ERROR,
	"Publish the DNSKEY that the DS at the parent belongs to, or have the parent replace the DS: "
	"validating resolvers refuse the whole domain."},
    [WATCH_KEYS_NOT_SIGNED] = {"dnskey-not-signed", WATCH_ERROR,
	"Sign the DNSKEY set with a key that has a DS at the parent: validating resolvers refuse the "
	"whole domain."},
    [WATCH_ALGORITHM_SILENT] = {"algorithm-not-signing", WATCH_ERROR,
	"Sign the DNSKEY set and the zone with every algorithm that the DS set names, or have the "
	"parent remove its DS: strict resolvers refuse the domain."},
    [WATCH_SIGNATURE_BAD] = {"signature-bad", WATCH_ERROR,
	"Sign the zone anew with the keys that it publishes: no signature over these records "
	"holds."},
    [WATCH_KEYS_DIFFER] = {"dnskey-differs", WATCH_ERROR,
	"Find out why the servers do not have the same version of the zone: changes of keys reach "
	"only some of them."},
    [WATCH_CDS_DIFFERS] = {"cds-differs", WATCH_ERROR,
	"Publish the same CDS and CDNSKEY records at all servers: nothing is done at the parent "
	"until they agree."},
    [WATCH_SERIAL_BEHIND] = {"serial-behind", WATCH_ERROR,
	"Check the server's zone transfers: it serves an older version of the zone than the others."},
    [WATCH_SERVER_SILENT] = {"server-unreachable", WATCH_ERROR,
	"Start the server or let TCP to its port 53 through, or take it out of the domain's NS "
	"records."},
    [WATCH_SERVER_LAME] = {"server-lame", WATCH_ERROR,
	"Configure the domain at this server, or take the server out of the domain's NS records."},
    [WATCH_SERVER_BROKEN] = {"server-broken", WATCH_ERROR,
	"Repair the server: its answers cannot be used."},
    [WATCH_RRSIG_EXPIRED] = {"rrsig-expired", WATCH_ERROR,
	"Sign the zone now and see why that was not done in time: validating resolvers refuse "
	"expired signatures."},
    [WATCH_RRSIG_EARLY] = {"rrsig-not-yet-valid", WATCH_ERROR,
	"Set the clock of the signer: its signatures begin in the future."},
    [WATCH_RRSIG_EXPIRING] = {"rrsig-expiring", WATCH_EXPIRY,
	"Sign the zone before this signature expires, and see why that was not done yet."},
    [WATCH_DS_WITHOUT_KEY] = {"ds-without-key", WATCH_REMARK,
	"Have the parent remove this DS unless its key is to be published soon."},
    [WATCH_DS_WEAK_DIGEST] = {"ds-digest-deprecated", WATCH_REMARK,
	"Have the parent replace this DS by one with digest type 2 (SHA-256) or 4 (SHA-384)."},
    [WATCH_WEAK_ALGORITHM] = {"algorithm-deprecated", WATCH_REMARK,
	"Roll over to a key of algorithm 13 (ECDSAP256SHA256)."},
    [WATCH_NSEC3_ITERATIONS] = {"nsec3-iterations", WATCH_REMARK,
	"Set the iterations of NSEC3 to 0 (RFC 9276): some resolvers treat others as insecure."},
};

const char *watch_kind_name(enum watch_kind k)
{
	return kinds[k].name;
}

enum watch_severity watch_kind_severity(enum watch_kind k)
{
	return kinds[k].severity;
}

const char *watch_kind_advice(enum watch_kind k)
{
	return kinds[k].advice;
}

void watch_findings_free(struct watch_findings *f)
{
	free(f->list);
	memset(f, 0, sizeof(*f));
}

/* What there is of a kind at a place stays one finding while its details change; only a signature
 * that passes the next threshold is told anew. */
static bool is_same(const struct watch_finding *a, const struct watch_finding *b)
{
	return a->kind == b->kind && a->threshold == b->threshold &&
	       strcmp(a->server, b->server) == 0 && strcmp(a->what, b->what) == 0;
}

const struct watch_finding *watch_findings_find(
    const struct watch_findings *f, const struct watch_finding *x)
{
	for (unsigned i = 0; f != NULL && i < f->count; i++) {
		if (is_same(&f->list[i], x))
			return &f->list[i];
	}
	return NULL;
}

unsigned watch_findings_count(const struct watch_findings *f, enum watch_severity s)
{
	unsigned count = 0;

	for (unsigned i = 0; i < f->count; i++)
		count += kinds[f->list[i].kind].severity == s;
	return count;
}

void watch_finding_occasion(const struct watch_finding *x, char out[WATCH_OCCASION_MAX])
{
	snprintf(out, WATCH_OCCASION_MAX, "%s %s %s %lld %lld", kinds[x->kind].name,
	    x->server[0] != '\0' ? x->server : "-", x->what[0] != '\0' ? x->what : "-",
	    (long long)x->threshold, (long long)x->since);
}

void watch_finding_text(const struct watch_finding *x, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", x->server, x->server[0] != '\0' ? ": " : "", x->detail);
}

/* Kept */

void watch_findings_write(const struct watch_findings *f, struct buf *out)
{
	buf_u8(out, FORMAT);
	buf_u16(out, (uint16_t)f->count);
	buf_u32(out, f->left_out);
	for (unsigned i = 0; i < f->count; i++) {
		const struct watch_finding *x = &f->list[i];

		buf_str(out, kinds[x->kind].name); /* whatever its number in another version */
		buf_str(out, x->server);
		buf_str(out, x->what);
		buf_u64(out, (uint64_t)x->since);
		buf_u64(out, (uint64_t)x->until);
		buf_u64(out, (uint64_t)x->threshold);
		buf_str(out, x->detail);
	}
}

static void read_one(struct reader *r, struct watch_finding *x)
{
	char name[32];
	unsigned k = 0;

	reader_str(r, name, sizeof(name));
	while (k < WATCH_KINDS && strcmp(kinds[k].name, name) != 0)
		k++;
	r->failed = r->failed || k == WATCH_KINDS;
	x->kind = r->failed ? 0 : k;
	reader_str(r, x->server, sizeof(x->server));
	reader_str(r, x->what, sizeof(x->what));
	x->since = (int64_t)reader_u64(r);
	x->until = (int64_t)reader_u64(r);
	x->threshold = (int64_t)reader_u64(r);
	reader_str(r, x->detail, sizeof(x->detail));
}

int watch_findings_read(struct reader *r, struct watch_findings *f)
{
	struct watch_findings new = {.count = 0};
	unsigned format = reader_u8(r), count = reader_u16(r);

	new.left_out = reader_u32(r);
	if (r->failed || format != FORMAT || count > WATCH_FINDINGS_MAX)
		return ERR_FORMAT;
	new.list = mem_array(count + 1, sizeof(*new.list));
	for (; new.count < count && !r->failed; new.count++)
		read_one(r, &new.list[new.count]);
	if (r->failed) {
		watch_findings_free(&new);
		return ERR_FORMAT;
	}
	watch_findings_free(f);
	*f = new;
	return OK;
}
