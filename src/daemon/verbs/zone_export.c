/* zone export: the signed zone, or the entries of the configuration. */
#include <stdlib.h>
#include "base/mem.h"
#include "daemon/verbs/internal.h"
#include "dns/rrset.h"

#define EXPORT_SLICE 2000 /* RRsets between two looks at the loop */

/* The signed zone goes out in slices, so that a large one keeps nobody waiting. */

struct export
{
	struct signer *signer;
	struct ops_call *call;
	struct snapshot *snapshot;
	struct walk walk;
	struct buf text;
};

static void export_end(struct export *x)
{
	walk_close(&x->walk);
	snapshot_close(x->snapshot);
	buf_free(&x->text);
	ops_done(x->call);
	free(x);
}

static void export_resume(void *arg, struct ops_call *c);

static void export_slice(void *arg)
{
	struct export *x = arg;
	bool more = !ops_is_gone(x->call);

	buf_reset(&x->text);
	for (unsigned i = 0; i < EXPORT_SLICE && more; i++) {
		struct rrset set;

		more = walk_next(&x->walk) == OK;
		if (more && rrset_unpack(x->walk.packed, x->walk.packed_len, &set) == OK)
			rrset_text(&set, &x->text);
	}
	if (x->text.len > 0)
		ops_text(x->call, "%.*s", (int)x->text.len, (const char *)x->text.data);
	if (more && ops_is_full(x->call))
		ops_when_drained(x->call, export_resume, x);
	else if (more)
		loop_soon(x->signer->loop, export_slice, x);
	else
		export_end(x);
}

/* The reader has caught up, or is gone. */
static void export_resume(void *arg, struct ops_call *c)
{
	(void)c;
	export_slice(arg);
}

/* The entries as zone import takes them. */
static void export_config(struct signer *s, struct ops_call *c)
{
	const char *only = ops_option(c, "zone");
	struct conf_groups shown = s->config->zones;
	struct buf text = {0};

	if (only != NULL)
		shown = (struct conf_groups){config_zone(s->config, only), 1, 1};
	if (shown.items == NULL) {
		ops_fail(c, "there is no zone %s", only == NULL ? "yet" : only);
		return;
	}
	conf_write_list("zones", &config_zone_table, &shown, CONF_FILE, &text);
	ops_text(c, "%.*s", (int)text.len, (const char *)text.data);
	buf_free(&text);
	ops_done(c);
}

void verb_zone_export(void *arg, struct ops_call *c)
{
	struct signer *s = arg;
	struct signer_zone *z;
	struct export *x;
	struct err e = {0};

	if (ops_flag(c, "as-config")) {
		export_config(s, c);
		return;
	}
	z = verbs_zone(s, c);
	if (z == NULL)
		return;
	if (!z->has_head || z->head.generation == 0) {
		ops_fail(c, "zone %s has no signed version yet", z->name);
		return;
	}
	x = mem_alloc(sizeof(*x));
	x->signer = s;
	x->call = c;
	if (snapshot_open(s->store, &x->snapshot, &e) != OK ||
	    walk_open(x->snapshot, &z->head, &x->walk, &e) != OK) {
		snapshot_close(x->snapshot);
		free(x);
		ops_fail_err(c, &e);
		return;
	}
	export_slice(x);
}
