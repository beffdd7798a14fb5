/* config: the configuration as structs, the checks that span several settings, and the conf.d files
 * that commands write.  The tables in config/tables.c are the one place where a setting is
 * declared.  The master reads files; the other processes get their cut as text (config_cut). */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include "base/conf.h"
#include "base/secret.h"
#include "keys/check.h"

struct config_listen {
	struct conf_origin origin;
	const char *address;
	int64_t port;
};
struct config_token {
	struct conf_origin origin;
	const char *name, *module, *label, *serial, *pin_file;
	int64_t workers, sessions;
	int64_t timeout; /* seconds */
	bool session_copies;
};
struct config_tsig_key {
	struct conf_origin origin;
	const char *name;
	int algorithm; /* enum tsig_algorithm */
	const char *secret, *secret_file;
};
struct config_server {
	struct conf_origin origin;
	const char *name, *address;
	int64_t port;
	const char *local, *tsig, *notify_tsig;
	bool ixfr;
};
struct config_role {
	struct conf_origin origin; /* line 0: not given */
	struct period prepublish, active, postpublish;
	int64_t bits;
	const char *token;
};
struct config_signatures {
	struct conf_origin origin;
	int64_t validity, refresh, jitter, inception_offset;
};
struct config_nsec3 {
	struct conf_origin origin;
	int64_t iterations;
	const char *salt;
	bool opt_out;
};
struct config_zonemd {
	struct conf_origin origin;
	bool verify, generate;
};
struct config_journal {
	struct conf_origin origin;
	int64_t size, age; /* octets, seconds */
};
struct config_ttl {
	struct conf_origin origin;
	int64_t dnskey, cds;
};
enum { SUBMIT_MANUAL, SUBMIT_UPDATE, SUBMIT_COMMAND, SUBMIT_CDS };
struct config_parent {
	struct conf_origin origin;
	struct conf_names servers;
	int submit;
	const char *primary, *zone, *command, *notify;
	int64_t command_timeout, deadline, ds_ttl, propagation;
};
enum { EXPIRE_KEEP, EXPIRE_STOP };
struct config_policy {
	struct conf_origin origin;
	const char *name;
	int algorithm; /* enum dnskey_algorithm */
	int denial;    /* enum denial_kind, without opt-out */
	const char *token;
	struct config_role ksk, zsk, csk;
	struct config_signatures signatures;
	int64_t source_retry;
	int serial; /* enum serial_policy */
	bool verify;
	struct config_nsec3 nsec3;
	struct config_zonemd zonemd;
	struct config_journal journal;
	bool publish_cds, require_backup, shared_keys;
	struct config_ttl ttl;
	int64_t max_ttl, propagation, emergency_validity, purge_after;
	struct conf_names digests, observe, runway;
	int on_source_expire;
	int64_t size_max; /* octets of a transfer, 0: no limit */
	struct config_parent parent;
};
struct config_zone {
	struct conf_origin origin;
	const char *name, *policy;
	struct conf_names sources, destinations;
	const char *contact, *input_file, *output_file;
	bool replace_dnssec;
	bool orphan; /* gone from the configuration, still served (config_adopt) */
};
struct config_zone_policy { /* a zone's policy in place of what `zones` says: config_set_policy */
	struct conf_origin origin;
	const char *name, *policy;
};
struct config_resolver {
	struct conf_origin origin;
	const char *address;
	int64_t port, ns_port;
	const char *trust_anchor_file;
};
struct config_smtp {
	struct conf_origin origin;
	const char *server;
	int64_t port;
	int tls; /* enum deliver_tls */
	const char *username, *password, *password_file, *ca_file;
};
struct config_webhook {
	struct conf_origin origin;
	const char *url, *secret, *secret_file, *ca_file;
};
struct config_notices {
	struct conf_origin origin;
	const char *operator, *from, *command, *templates;
	int64_t command_timeout, heartbeat;
	struct config_smtp smtp;
	struct config_webhook webhook;
};
enum { MONITOR_DNSKEY, MONITOR_CDS, MONITOR_REPORT };
struct config_monitored {
	struct conf_origin origin;
	const char *name, *contact;
	bool enrolled; /* false: a zone that is signed here is not watched */
	int mode;
	int64_t interval, hold_down;
	struct conf_names servers, digests, thresholds;
	bool allow_delete, bootstrap;
	struct config_parent parent;
};
struct config {
	struct conf_origin origin;
	const char *state_dir, *run_dir, *user, *group, *hook_user;
	int64_t store_max; /* gibibytes */
	struct conf_groups listen, tokens, tsig_keys, servers, policies, zones, zone_policies, monitored;
	struct config_resolver resolver;
	struct config_notices notices;
	struct arena *arena;
	struct config *known; /* what config_adopt took zones from; NULL */
	const char *path;     /* of the main file */
};

extern const struct conf_table config_table, config_policy_table, config_zone_table,
    config_zone_policy_table, config_server_table, config_tsig_table, config_monitored_table;

/* Read the main file and conf.d beside it and check everything.  NULL when there was a mistake: all of
 * them were reported.  Warnings go to `warn` (may be NULL). */
struct config *config_load(const char *path, conf_report_fn *report, conf_report_fn *warn,
    void *arg);
/* What config_cut wrote: no checks. */
struct config *config_parse_cut(const char *text, struct err *e);
void config_free(struct config *c); /* NULL is fine */

/* The cut for a process: CONF_NETWORK gets TSIG secrets in clear, CONF_SIGNER none. */
int config_cut(struct config *c, unsigned audience, struct buf *out, struct err *e);

/* A zone that vanishes from the files is never dropped by that: zones of `known_path` (written by
 * config_remember) that the configuration lacks are added to it, with their policies where those are
 * gone as well, and marked as orphans, each
 * reported through warn (may be NULL).  Missing file: nothing. */
void config_adopt(struct config *c, const char *known_path, conf_report_fn *warn, void *arg);
int config_remember(const struct config *c, const char *known_path, struct err *e);
int config_forget(const char *known_path, const char *zone, struct err *e);

struct config_zone *config_zone(const struct config *c, const char *name);
struct config_policy *config_policy(const struct config *c, const char *name);
struct config_server *config_server(const struct config *c, const char *name);
struct config_monitored *config_monitored(const struct config *c, const char *name);
struct config_token *config_token(const struct config *c, const char *name);
struct config_tsig_key *config_tsig_key(const struct config *c, const char *name);

/* Many look-ups in a list (of structs of `size` that begin with origin and name), which must stay as it
 * is. */
struct config_index;
struct config_index *config_index_new(const struct conf_groups *g, size_t size, bool are_domains);
const void *config_index_find(const struct config_index *x, const char *name); /* NULL: not there */
void config_index_free(struct config_index *x); /* NULL is fine */

void config_key_policy(const struct config_policy *p, struct key_policy *out);
/* Another policy whose zones would share the same keys; NULL. */
const struct config_policy *config_policy_twin(const struct config *c, const struct config_policy *p);
/* Does the name stand for a policy's keys? */
bool config_is_owner(const char *name);
/* Can it be safe?  Of no zone in particular; it borrows keys, which is filled in. */
struct policy_question config_policy_question(const struct config_policy *p, struct key_policy *keys);
/* The thresholds of its signature runway, in seconds: their number. */
#define CONFIG_RUNWAY_MAX 8
unsigned config_runway(const struct config_policy *p, int64_t out[CONFIG_RUNWAY_MAX]);

/* Change conf.d: add the entries of `text` (libconfig: zones, servers and tsig_keys lists), or remove
 * the one named `name` from `list`.  The result is checked as a whole before any file is written:
 * all or nothing.  OK, or why not in e. */
int config_add(const char *path, const char *text, struct err *e);
int config_remove(const char *path, const char *list, const char *name, struct err *e);
/* Give a zone another policy for good: in conf.d/zones.conf where it stands there, else in
 * conf.d/zone_policies.conf, which has the last word. */
int config_set_policy(const char *path, const char *zone, const char *policy, struct err *e);
/* The zone is gone: nothing stands in place of its policy any more. */
int config_forget_policy(const char *path, const char *zone, struct err *e);

#endif
