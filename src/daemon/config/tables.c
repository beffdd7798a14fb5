/* The settings: one entry each, from which parser, writer and manual page come.  See config.h. */
#include "daemon/config/config.h"

#include <stddef.h>
#include "dns/dnskey.h"
#include "dns/soa.h"
#include "dns/tsig.h"
#include "notices/deliver.h"
#include "zone/store.h"

/* clang-format off */
#define ITEM(struct_, name_, member_, type_, ...) \
	{ .name = name_, .type = type_, .offset = offsetof(struct struct_, member_), __VA_ARGS__ }
#define END { .name = NULL }

static const struct conf_choice algorithms[] = {
	{ "RSASHA256", ALG_RSASHA256 }, { "RSASHA512", ALG_RSASHA512 },
	{ "ECDSAP256SHA256", ALG_ECDSAP256SHA256 }, { "ECDSAP384SHA384", ALG_ECDSAP384SHA384 },
	{ "ED25519", ALG_ED25519 }, { "ED448", ALG_ED448 },
	{ "8", ALG_RSASHA256 }, { "10", ALG_RSASHA512 }, { "13", ALG_ECDSAP256SHA256 },
	{ "14", ALG_ECDSAP384SHA384 }, { "15", ALG_ED25519 }, { "16", ALG_ED448 }, { NULL, 0 }
};
static const struct conf_choice tsig_algorithms[] = {
	{ "hmac-sha256", TSIG_SHA256 }, { "hmac-sha1", TSIG_SHA1 }, { "hmac-sha224", TSIG_SHA224 },
	{ "hmac-sha384", TSIG_SHA384 }, { "hmac-sha512", TSIG_SHA512 }, { NULL, 0 }
};
static const struct conf_choice denials[] = {
	{ "nsec", DENIAL_NSEC }, { "nsec3", DENIAL_NSEC3 }, { NULL, 0 }
};
static const struct conf_choice serials[] = {
	{ "keep", SERIAL_KEEP }, { "counter", SERIAL_COUNTER }, { "unixtime", SERIAL_UNIXTIME },
	{ "datecounter", SERIAL_DATECOUNTER }, { NULL, 0 }
};
static const struct conf_choice verifies[] = { { "off", 0 }, { "all", 1 }, { NULL, 0 } };
static const struct conf_choice expiries[] = {
	{ "keep", EXPIRE_KEEP }, { "stop", EXPIRE_STOP }, { NULL, 0 }
};
static const struct conf_choice submits[] = {
	{ "manual", SUBMIT_MANUAL }, { "update", SUBMIT_UPDATE }, { "command", SUBMIT_COMMAND },
	{ "cds", SUBMIT_CDS }, { NULL, 0 }
};
static const struct conf_choice modes[] = {
	{ "dnskey", MONITOR_DNSKEY }, { "cds", MONITOR_CDS }, { "report", MONITOR_REPORT }, { NULL, 0 }
};
static const struct conf_choice tls_kinds[] = {
	{ "none", DELIVER_TLS_NONE }, { "starttls", DELIVER_TLS_STARTTLS },
	{ "tls", DELIVER_TLS_AT_ONCE }, { NULL, 0 }
};

static const struct conf_item listen_items[] = {
	ITEM(config_listen, "address", address, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "IPv4 or IPv6 address on which NOTIFY, SOA and transfer queries are answered."),
	ITEM(config_listen, "port", port, CONF_INT, .fallback = "53", .min = 1, .max = 65535,
	    .doc = "Its port, UDP and TCP."),
	END
};
static const struct conf_table listen_table = { "listen address", sizeof(struct config_listen), listen_items };

static const struct conf_item token_items[] = {
	ITEM(config_token, "name", name, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "What policies call it."),
	ITEM(config_token, "module", module, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "Path of the vendor's PKCS#11 module."),
	ITEM(config_token, "label", label, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "The token's label."),
	ITEM(config_token, "serial", serial, CONF_STRING,
	    .doc = "The token's serial number, where several carry one label."),
	ITEM(config_token, "pin_file", pin_file, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "A file whose first line is the user PIN.  Only the token workers read it."),
	ITEM(config_token, "workers", workers, CONF_INT, .fallback = "2", .min = 1, .max = 64,
	    .doc = "Worker processes, each with the module loaded."),
	ITEM(config_token, "sessions", sessions, CONF_INT, .fallback = "1", .min = 1, .max = 256,
	    .doc = "Sessions of each worker: how many signatures it has under way at once."),
	ITEM(config_token, "timeout", timeout, CONF_DURATION, .fallback = "PT30S",
	    .doc = "A call into the module that takes longer is given up and its worker replaced."),
	ITEM(config_token, "session_copies", session_copies, CONF_BOOL, .fallback = "true",
	    .doc = "Sign with a session copy of a key (the key does not leave the token) where that is faster and the token allows it."),
	END
};
static const struct conf_table token_table = { "token", sizeof(struct config_token), token_items };

static const struct conf_item tsig_items[] = {
	ITEM(config_tsig_key, "name", name, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "The key's name, a domain name that both sides use."),
	ITEM(config_tsig_key, "algorithm", algorithm, CONF_CHOICE, .fallback = "hmac-sha256",
	    .choices = tsig_algorithms, .doc = "Its algorithm."),
	ITEM(config_tsig_key, "secret", secret, CONF_STRING, .flags = CONF_SECRET | CONF_NETWORK | CONF_FILE,
	    .doc = "The secret in base64, or:"),
	ITEM(config_tsig_key, "secret_file", secret_file, CONF_STRING, .flags = CONF_FILE,
	    .doc = "a file whose first line is the secret in base64."),
	END
};
const struct conf_table config_tsig_table = { "TSIG key", sizeof(struct config_tsig_key), tsig_items };

static const struct conf_item server_items[] = {
	ITEM(config_server, "name", name, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "What zones and policies call it."),
	ITEM(config_server, "address", address, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "Its IPv4 or IPv6 address."),
	ITEM(config_server, "port", port, CONF_INT, .fallback = "53", .min = 1, .max = 65535,
	    .doc = "Its port."),
	ITEM(config_server, "local", local, CONF_STRING,
	    .doc = "The address from which it is spoken to."),
	ITEM(config_server, "tsig", tsig, CONF_STRING,
	    .doc = "Name of the TSIG key for everything that is asked of it and that it asks of us."),
	ITEM(config_server, "notify_tsig", notify_tsig, CONF_STRING,
	    .doc = "Name of the TSIG key with which its NOTIFY must be signed.  Without it an unsigned NOTIFY from its address is a hint to look."),
	ITEM(config_server, "ixfr", ixfr, CONF_BOOL, .fallback = "true",
	    .doc = "As a source: ask it for the changes alone (IXFR) where a version of the zone is here already; when they cannot be had, or leave any doubt, the whole zone (AXFR) is fetched from it at once."),
	END
};
const struct conf_table config_server_table = { "server", sizeof(struct config_server), server_items };

#define ROLE_ITEMS(prepublish_, active_, postpublish_) \
	ITEM(config_role, "prepublish", prepublish, CONF_PERIOD, .fallback = prepublish_, \
	    .doc = "How long its DNSKEY is published before it signs."), \
	ITEM(config_role, "active", active, CONF_PERIOD, .fallback = active_, \
	    .doc = "How long it signs."), \
	ITEM(config_role, "postpublish", postpublish, CONF_PERIOD, .fallback = postpublish_, \
	    .doc = "How long its DNSKEY stays after it signed."), \
	ITEM(config_role, "bits", bits, CONF_INT, .fallback = "2048", .min = 1024, .max = 4096, \
	    .doc = "Size of an RSA modulus."), \
	ITEM(config_role, "token", token, CONF_STRING, \
	    .doc = "The token that holds it, when it is not the policy's."), \
	END

static const struct conf_item ksk_items[] = { ROLE_ITEMS("P2M", "P2Y", "P2M") };
static const struct conf_item zsk_items[] = { ROLE_ITEMS("P1W", "P3M", "P1W") };
static const struct conf_table ksk_table = { "ksk", sizeof(struct config_role), ksk_items };
static const struct conf_table zsk_table = { "zsk", sizeof(struct config_role), zsk_items };
static const struct conf_table csk_table = { "csk", sizeof(struct config_role), ksk_items };

static const struct conf_item signatures_items[] = {
	ITEM(config_signatures, "validity", validity, CONF_DURATION, .fallback = "P14D",
	    .doc = "Life of a signature, from the moment of signing."),
	ITEM(config_signatures, "refresh", refresh, CONF_DURATION,
	    .doc = "Remaining life at which it is replaced.  Default: half of the validity."),
	ITEM(config_signatures, "jitter", jitter, CONF_DURATION,
	    .doc = "At most so much is taken off the expiry, at random.  Default: PT12H, or a quarter of validity less refresh where that is shorter."),
	ITEM(config_signatures, "inception_offset", inception_offset, CONF_DURATION, .fallback = "PT1H",
	    .doc = "How far the inception lies in the past, for validators whose clock is late."),
	END
};
static const struct conf_table signatures_table = { "signatures", sizeof(struct config_signatures), signatures_items };

static const struct conf_item nsec3_items[] = {
	ITEM(config_nsec3, "iterations", iterations, CONF_INT, .fallback = "0", .min = 0, .max = 150,
	    .doc = "Extra iterations; anything but 0 gets a warning (RFC 9276)."),
	ITEM(config_nsec3, "salt", salt, CONF_STRING, .fallback = "",
	    .doc = "The salt in hexadecimal; anything but none gets a warning (RFC 9276)."),
	ITEM(config_nsec3, "opt_out", opt_out, CONF_BOOL, .fallback = "false",
	    .doc = "Leave insecure delegations out of the chain."),
	END
};
static const struct conf_table nsec3_table = { "nsec3", sizeof(struct config_nsec3), nsec3_items };

static const struct conf_item journal_items[] = {
	ITEM(config_journal, "size", size, CONF_INT, .fallback = "67108864", .min = 0, .max = INT64_MAX,
	    .doc = "Octets of differences that are kept of a zone; 0: none, and destinations get whole zones."),
	ITEM(config_journal, "age", age, CONF_DURATION, .fallback = "P14D",
	    .doc = "How long a difference is kept."),
	END
};
static const struct conf_table journal_table = { "journal", sizeof(struct config_journal), journal_items };

static const struct conf_item zonemd_items[] = {
	ITEM(config_zonemd, "verify", verify, CONF_BOOL, .fallback = "true",
	    .doc = "A zone that comes in whole (AXFR, file) with a ZONEMD at its apex of scheme SIMPLE with SHA-384 or SHA-512 must fit it, and is refused else. What an IXFR changes is not looked at with it. It never goes out as it came: signed, the zone has another digest."),
	ITEM(config_zonemd, "generate", generate, CONF_BOOL, .fallback = "false",
	    .doc = "Put a ZONEMD of the signed zone at its apex, of scheme SIMPLE with SHA-384, signed like its other records. Each version then costs a walk over the whole zone, however little changed: some tenths of a second for a million records."),
	END
};
static const struct conf_table zonemd_table = { "zonemd", sizeof(struct config_zonemd), zonemd_items };

static const struct conf_item ttl_items[] = {
	ITEM(config_ttl, "dnskey", dnskey, CONF_DURATION, .fallback = "PT1H",
	    .doc = "TTL of the DNSKEY set."),
	ITEM(config_ttl, "cds", cds, CONF_DURATION, .fallback = "PT1H",
	    .doc = "TTL of the CDS and CDNSKEY sets."),
	END
};
static const struct conf_table ttl_table = { "ttl", sizeof(struct config_ttl), ttl_items };

static const struct conf_item parent_items[] = {
	ITEM(config_parent, "servers", servers, CONF_NAMES,
	    .doc = "The parent's name servers, at each of which the DS is looked for.  Default: where a resolver is configured they are found by following the delegation, each address of each of them; else none."),
	ITEM(config_parent, "submit", submit, CONF_CHOICE, .fallback = "manual", .choices = submits,
	    .doc = "How a DS is handed over, and taken back.  manual: zone status and the log say what there is to do; intaglio key export --ds prints the records, and key ds-seen and ds-gone say that it was done where no servers are named.  command: the command below does it.  cds: the parent takes what CDS and CDNSKEY in the zone say (RFC 8078).  update: the parent's primary gets a dynamic update (RFC 2136).  What command and update could not hand over is tried again after a minute, then after two, four and so on, up to an hour, and at once by intaglio key ds-submit; zone status says why."),
	ITEM(config_parent, "primary", primary, CONF_STRING,
	    .doc = "For submit = \"update\": the server that takes updates of the parent zone, by TCP, signed with its TSIG key.  It must let that key change DS records of the zones in question.  A DS goes in only where the parent has NS records of the zone; it comes out only when those that are to stay are there, and when nobody changed the DS set meanwhile."),
	ITEM(config_parent, "zone", zone, CONF_STRING,
	    .doc = "For submit = \"update\": the parent zone.  Default: the primary is asked for it."),
	ITEM(config_parent, "command", command, CONF_STRING,
	    .doc = "The program that hands the DS over, with its whole path; only root and hook_user may be able to write it.  Its first argument is submit (these DS are to be there) or retract (they are to go), its second the zone with the final dot; both are also in the environment, as INTAGLIO_ACTION and INTAGLIO_ZONE.  On stdin it gets records in presentation form, one a line: those DS, then the DNSKEY records of their keys; a program takes what it needs.  INTAGLIO_DS holds the whole DS set that the parent should have afterwards, in the same form, for registries that take whole sets.  Exit status 0 says that the parent has taken it.  After any other, or when it took too long, it is called again after a minute, then after two, four and so on, up to an hour, and at once by intaglio key ds-submit; its last line of output is shown in the log and by zone status.  It may be called again with what was done already: adding a DS that is there and taking out one that is not must succeed."),
	ITEM(config_parent, "notify", notify, CONF_STRING,
	    .doc = "The server that is told with NOTIFY(CDS) to look, each time when CDS and CDNSKEY have changed and all of the zone's servers have them (RFC 9859).  Default: where a resolver is configured, the target that the parent's DSYNC record names; else nobody is told, and the parent looks when it looks."),
	ITEM(config_parent, "command_timeout", command_timeout, CONF_DURATION, .fallback = "PT1M",
	    .doc = "A command that runs longer is ended, with all it has started."),
	ITEM(config_parent, "deadline", deadline, CONF_DURATION, .fallback = "PT24H",
	    .doc = "A DS that is not at all servers of the parent so long after it could be is told (ds-late), each day while it lasts; so is one that was there and is gone for so long.  A DS at the parent that belongs to no key of the zone is told at once (ds-wrong), and each day; when none of those that are there fits a key that signs the DNSKEY set, it is an emergency, told each four hours.  After thirty days the pace is a week, and a day.  zone status shows both among its findings; their end is told once (status-recovered)."),
	ITEM(config_parent, "ds_ttl", ds_ttl, CONF_DURATION, .fallback = "P1D",
	    .doc = "TTL of the DS at the parent."),
	ITEM(config_parent, "propagation", propagation, CONF_DURATION, .fallback = "PT1H",
	    .doc = "Time from one of the parent's servers to all of them."),
	END
};
static const struct conf_table parent_table = { "parent", sizeof(struct config_parent), parent_items };

static const struct conf_item policy_items[] = {
	ITEM(config_policy, "name", name, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "What zones call it."),
	ITEM(config_policy, "algorithm", algorithm, CONF_CHOICE, .fallback = "ECDSAP256SHA256",
	    .choices = algorithms, .doc = "Signing algorithm, by name or number."),
	ITEM(config_policy, "denial", denial, CONF_CHOICE, .fallback = "nsec3", .choices = denials,
	    .doc = "Authenticated denial of existence."),
	ITEM(config_policy, "token", token, CONF_STRING,
	    .doc = "The token that holds the keys.  Default: the only one there is."),
	ITEM(config_policy, "ksk", ksk, CONF_GROUP, .sub = &ksk_table, .doc = "The key signing key:"),
	ITEM(config_policy, "zsk", zsk, CONF_GROUP, .sub = &zsk_table, .doc = "The zone signing key:"),
	ITEM(config_policy, "csk", csk, CONF_GROUP, .flags = CONF_IF_GIVEN, .sub = &csk_table,
	    .doc = "One key for both, instead of ksk and zsk:"),
	ITEM(config_policy, "signatures", signatures, CONF_GROUP, .sub = &signatures_table,
	    .doc = "The signatures:"),
	ITEM(config_policy, "source_retry", source_retry, CONF_DURATION, .fallback = "PT1H",
	    .doc = "Time between tries while no source gives the zone, in place of SOA RETRY."),
	ITEM(config_policy, "serial", serial, CONF_CHOICE, .fallback = "counter", .choices = serials,
	    .doc = "SOA serial of signed versions: keep takes the source's where it is greater than the last one; counter adds one; unixtime; datecounter is YYYYMMDDnn."),
	ITEM(config_policy, "verify", verify, CONF_CHOICE, .fallback = "all", .choices = verifies,
	    .doc = "Which signatures are verified in software before they are published."),
	ITEM(config_policy, "nsec3", nsec3, CONF_GROUP, .sub = &nsec3_table, .doc = "Details of NSEC3:"),
	ITEM(config_policy, "zonemd", zonemd, CONF_GROUP, .sub = &zonemd_table, .doc = "Digests of whole zones (RFC 8976):"),
	ITEM(config_policy, "journal", journal, CONF_GROUP, .sub = &journal_table,
	    .doc = "Differences between past versions, for destinations that ask by IXFR:"),
	ITEM(config_policy, "publish_cds", publish_cds, CONF_BOOL, .fallback = "true",
	    .doc = "Publish CDS and CDNSKEY when the DS is to change."),
	ITEM(config_policy, "require_backup", require_backup, CONF_BOOL, .fallback = "false",
	    .doc = "Publish no key before it is backed up."),
	ITEM(config_policy, "shared_keys", shared_keys, CONF_BOOL, .fallback = "false",
	    .doc = "All zones of the policy share their keys: one KSK and one ZSK in the token, or one CSK, for all of them. A step of a roll-over is taken when it is safe for each zone; \"intaglio rollover list\" names those that are waited for. A zone that is added waits until it has caught up before its DS is asked for, and holds nobody back. Zones cannot change between shared keys and their own while they are signed."),
	ITEM(config_policy, "ttl", ttl, CONF_GROUP, .sub = &ttl_table, .doc = "TTLs of what the signer adds:"),
	ITEM(config_policy, "max_ttl", max_ttl, CONF_DURATION, .fallback = "P2D",
	    .doc = "Longer TTLs are lowered to this on intake."),
	ITEM(config_policy, "propagation", propagation, CONF_DURATION, .fallback = "PT1H",
	    .doc = "Added to what is observed at the name servers."),
	ITEM(config_policy, "emergency_validity", emergency_validity, CONF_DURATION, .fallback = "P3D",
	    .doc = "Life of signatures over the DNSKEY set while a compromised key is published."),
	ITEM(config_policy, "digests", digests, CONF_NAMES, .fallback = "SHA256",
	    .doc = "Digest types of DS records: SHA256, SHA384."),
	ITEM(config_policy, "purge_after", purge_after, CONF_DURATION, .fallback = "P2W",
	    .doc = "Removed keys are destroyed in the token after so long."),
	ITEM(config_policy, "observe", observe, CONF_NAMES, .fallback = "destinations",
	    .doc = "Where a version must be seen to count as published.  destinations: at each of the zone's destinations.  nameservers: at each address of each name of the zone's NS set, which is asked for the SOA until it has the version; addresses come from the zone, or from the resolver, which must be configured.  They are looked up again when the NS set changes, and when their TTL has passed, after five minutes at the least and a day at the most.  Where they cannot be found steps are held back.  rollover release takes such a server as it is shown: 192.0.2.1@53."),
	ITEM(config_policy, "runway", runway, CONF_NAMES,
	    .doc = "An alert is raised when so little is left until the first signature of a zone expires and nothing has renewed it: up to eight durations.  Default: (\"P7D\", \"P3D\", \"P1D\").  As the end comes near there are alerts at PT12H, PT6H, PT3H and PT1H, when it has come, and each day after that.  A threshold counts only if it is at most three quarters of signatures.refresh (5 days and 6 hours with the default of P7D): a runway above that is normal operation, in which a signature is renewed when no more than signatures.refresh is left of it."),
	ITEM(config_policy, "on_source_expire", on_source_expire, CONF_CHOICE, .fallback = "keep",
	    .choices = expiries, .doc = "What happens past the source's SOA EXPIRE: keep serving (and alert), or stop."),
	ITEM(config_policy, "size_max", size_max, CONF_INT, .fallback = "0",
	    .doc = "Largest transfer taken from a source, in octets; 0: no limit but the disk."),
	ITEM(config_policy, "parent", parent, CONF_GROUP, .sub = &parent_table, .doc = "The parent:"),
	END
};
const struct conf_table config_policy_table = { "policy", sizeof(struct config_policy), policy_items };

static const struct conf_item zone_items[] = {
	ITEM(config_zone, "name", name, CONF_STRING, .flags = CONF_REQUIRED, .doc = "The zone."),
	ITEM(config_zone, "policy", policy, CONF_STRING, .fallback = "default", .doc = "Its policy."),
	ITEM(config_zone, "sources", sources, CONF_NAMES,
	    .doc = "Servers it is transferred from, in the order in which they are asked."),
	ITEM(config_zone, "destinations", destinations, CONF_NAMES,
	    .doc = "Servers that are notified and may transfer the signed zone."),
	ITEM(config_zone, "contact", contact, CONF_STRING, .doc = "Mail address of the zone's technical contact, who gets the notices about it; one, as notices.operator."),
	ITEM(config_zone, "input_file", input_file, CONF_STRING,
	    .doc = "Zone file to read, instead of or beside sources; read again when it changes."),
	ITEM(config_zone, "output_file", output_file, CONF_STRING,
	    .doc = "Zone file to write each signed version to."),
	ITEM(config_zone, "replace_dnssec", replace_dnssec, CONF_BOOL, .fallback = "false",
	    .doc = "Publish although the zone arrived signed by somebody else."),
	END
};
const struct conf_table config_zone_table = { "zone", sizeof(struct config_zone), zone_items };

static const struct conf_item zone_policy_items[] = {
	ITEM(config_zone_policy, "name", name, CONF_STRING, .flags = CONF_REQUIRED, .doc = "The zone."),
	ITEM(config_zone_policy, "policy", policy, CONF_STRING, .flags = CONF_REQUIRED, .doc = "Its policy."),
	END
};
const struct conf_table config_zone_policy_table = { "zone's policy", sizeof(struct config_zone_policy), zone_policy_items };

static const struct conf_item resolver_items[] = {
	ITEM(config_resolver, "address", address, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "IPv4 or IPv6 address of a recursive resolver.  What it says about NS records and addresses is believed; DS and SOA are asked at the servers themselves."),
	ITEM(config_resolver, "port", port, CONF_INT, .fallback = "53", .min = 1, .max = 65535,
	    .doc = "Its port."),
	ITEM(config_resolver, "ns_port", ns_port, CONF_INT, .fallback = "53", .min = 1, .max = 65535,
	    .doc = "The port at which the servers that were found are asked.  For laboratories: name servers elsewhere answer on 53."),
	ITEM(config_resolver, "trust_anchor_file", trust_anchor_file, CONF_STRING,
	    .doc = "A file with trust anchors: DS or DNSKEY records in zone file format, those of the root for most (dns-root-data has them as /usr/share/dns/root.ds), or of any zone.  The daemon's user must be able to read it; it is read again at each reload, and never changed by the daemon.  With it what the parent's servers have for a zone is validated, along the chain of trust from the anchor down to the parent; the questions about zones above go to the resolver, which need not validate itself.  Where the parent is signed, a DS set whose signature does not hold, or whose absence is not proven, counts as not seen: the step that waits for it is held, and zone status says why.  Where the parent is proven to be unsigned, or no anchor is above it, its servers are believed as they are without this setting."),
	END
};
static const struct conf_table resolver_table = { "resolver", sizeof(struct config_resolver), resolver_items };

static const struct conf_item smtp_items[] = {
	ITEM(config_smtp, "server", server, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "The mail server that takes all mail, by name or address."),
	ITEM(config_smtp, "port", port, CONF_INT, .fallback = "25", .min = 1, .max = 65535, .doc = "Its port."),
	ITEM(config_smtp, "tls", tls, CONF_CHOICE, .fallback = "none", .choices = tls_kinds,
	    .doc = "How the connection is protected.  starttls: by TLS once it stands, and no mail goes where that is not offered; tls: from its first octet on (usually port 465).  The server's certificate must be valid for the name or address in server."),
	ITEM(config_smtp, "username", username, CONF_STRING, .flags = CONF_NETWORK | CONF_FILE,
	    .doc = "User to log in as (AUTH).  Without it nobody logs in."),
	ITEM(config_smtp, "password", password, CONF_STRING, .flags = CONF_SECRET | CONF_NETWORK | CONF_FILE,
	    .doc = "His password, or:"),
	ITEM(config_smtp, "password_file", password_file, CONF_STRING, .flags = CONF_FILE,
	    .doc = "a file whose first line is the password."),
	ITEM(config_smtp, "ca_file", ca_file, CONF_STRING, .flags = CONF_NETWORK | CONF_FILE,
	    .doc = "A file of certificates in PEM form, readable for user: the authorities that the server's certificate may come from.  Default: those of the system."),
	END
};
static const struct conf_table smtp_table = { "smtp", sizeof(struct config_smtp), smtp_items };
static const struct conf_item webhook_items[] = {
	ITEM(config_webhook, "url", url, CONF_STRING, .flags = CONF_REQUIRED,
	    .doc = "Where each notice is posted as JSON, by HTTPS or HTTP.  Any answer of the 200s says that it was taken; redirections are not followed.  After an answer of the 400s, but for 408, 425 and 429, it is posted again only after an hour, then after two and so on."),
	ITEM(config_webhook, "secret", secret, CONF_STRING, .flags = CONF_SECRET | CONF_NETWORK | CONF_FILE,
	    .doc = "A secret that both sides know: what is posted is signed with it (see WEBHOOK), or:"),
	ITEM(config_webhook, "secret_file", secret_file, CONF_STRING, .flags = CONF_FILE,
	    .doc = "a file whose first line is the secret."),
	ITEM(config_webhook, "ca_file", ca_file, CONF_STRING, .flags = CONF_NETWORK | CONF_FILE,
	    .doc = "As in smtp."),
	END
};
static const struct conf_table webhook_table = { "webhook", sizeof(struct config_webhook), webhook_items };
static const struct conf_item notices_items[] = {
	ITEM(config_notices, "operator", operator, CONF_STRING, .doc = "Mail address that gets every notice.  It is one address; for several people use a list of the mail server."),
	ITEM(config_notices, "from", from, CONF_STRING,
	    .doc = "The sender's mail address, to which bounces go.  Required for mail."),
	ITEM(config_notices, "heartbeat", heartbeat, CONF_DURATION, .fallback = "P1D",
	    .doc = "So often the operator, the webhook and the command get a notice that says how the signer is, so that silence is an alarm: at multiples of this time since 1970, so that once a day is at midnight UTC.  PT0S: never."),
	ITEM(config_notices, "templates", templates, CONF_STRING,
	    .doc = "A folder of texts that go before the ones that come with the program (see TEMPLATES), readable for user."),
	ITEM(config_notices, "smtp", smtp, CONF_GROUP, .sub = &smtp_table, .flags = CONF_IF_GIVEN, .doc = "How mail is sent:"),
	ITEM(config_notices, "webhook", webhook, CONF_GROUP, .sub = &webhook_table, .flags = CONF_IF_GIVEN, .doc = "A webhook:"),
	ITEM(config_notices, "command", command, CONF_STRING,
	    .doc = "A program that is given each notice, with its whole path; only root and hook_user may be able to write it.  Its first argument is the kind of the notice, its second the zone with the final dot, or nothing when it is about the whole appliance; both are also in the environment, as INTAGLIO_KIND and INTAGLIO_ZONE.  On stdin it gets the same JSON as the webhook.  Exit status 0 says that it was taken; after any other it is called again later."),
	ITEM(config_notices, "command_timeout", command_timeout, CONF_DURATION, .fallback = "PT1M",
	    .doc = "A command that runs longer is ended, with all it has started."),
	END
};
static const struct conf_table notices_table = { "notices", sizeof(struct config_notices), notices_items };

static const struct conf_item monitored_items[] = {
	ITEM(config_monitored, "name", name, CONF_STRING, .flags = CONF_REQUIRED, .doc = "The domain, a zone."),
	ITEM(config_monitored, "enrolled", enrolled, CONF_BOOL, .fallback = "true",
	    .doc = "Is it watched?  Zones that are signed here are, without an entry; false is the operator's choice that one is not.  Written by monitor delete."),
	ITEM(config_monitored, "mode", mode, CONF_CHOICE, .fallback = "dnskey", .choices = modes,
	    .doc = "What makes the DS follow the domain's keys.  dnskey: a new DNSKEY with the SEP flag in a set that validates through the DS of today.  cds: CDS and CDNSKEY (RFC 7344, RFC 8078).  report: nothing; what is wrong is told.  A zone that is signed here is only reported on, whatever stands here: its keys decide its DS."),
	ITEM(config_monitored, "interval", interval, CONF_DURATION, .fallback = "PT1H",
	    .doc = "Time between two looks, give or take a tenth.  Zones that are signed here and have no entry are looked at once a day."),
	ITEM(config_monitored, "hold_down", hold_down, CONF_DURATION, .fallback = "P1D",
	    .doc = "How long what asks for another DS must stand unchanged at all servers before it is believed."),
	ITEM(config_monitored, "contact", contact, CONF_STRING,
	    .doc = "Mail address for notices.  Default: that of the zone, where it is signed here."),
	ITEM(config_monitored, "servers", servers, CONF_NAMES,
	    .doc = "The domain's name servers, each of which is asked, by TCP: names of servers, or numeric addresses, with @port where it is not 53.  Default: the destinations of a zone that is signed here; else they are found through the resolver, each address of each of them, anew at each look; where the delegation at the parent names other servers than the domain itself, nothing is decided."),
	ITEM(config_monitored, "allow_delete", allow_delete, CONF_BOOL, .fallback = "false",
	    .doc = "In mode cds: a CDS of algorithm 0 takes the DS out, which makes the domain insecure (RFC 8078)."),
	ITEM(config_monitored, "bootstrap", bootstrap, CONF_BOOL, .fallback = "false",
	    .doc = "In mode cds: a domain without a DS gets its first one when its CDS set is confirmed by signed copies below all its name servers' names (RFC 9615).  It needs a resolver and a trust anchor."),
	ITEM(config_monitored, "digests", digests, CONF_NAMES, .fallback = "SHA256",
	    .doc = "Digest types of the DS records that are made of DNSKEY and CDNSKEY: SHA256, SHA384."),
	ITEM(config_monitored, "thresholds", thresholds, CONF_NAMES,
	    .doc = "Signatures that live no longer than one of these are told of, once for each.  Default: P7D, P3D and P1D."),
	ITEM(config_monitored, "parent", parent, CONF_GROUP, .sub = &parent_table,
	    .doc = "The parent, as in a policy; cds is no way to hand a DS over here.  Default for a zone that is signed here: that of its policy:"),
	END
};
const struct conf_table config_monitored_table = { "monitored domain", sizeof(struct config_monitored), monitored_items };

static const struct conf_item config_items[] = {
	ITEM(config, "state_dir", state_dir, CONF_STRING, .fallback = "/var/lib/intaglio",
	    .doc = "Directory of the zone store and spool files."),
	ITEM(config, "run_dir", run_dir, CONF_STRING, .fallback = "/run/intaglio",
	    .doc = "Directory of the control socket and the pid file."),
	ITEM(config, "user", user, CONF_STRING,
	    .doc = "User that all processes but the master become, when the master was started by root."),
	ITEM(config, "group", group, CONF_STRING,
	    .doc = "Group whose members may use the control socket."),
	ITEM(config, "hook_user", hook_user, CONF_STRING,
	    .doc = "User that operators' commands run as, when the master was started by root.  Default: user."),
	ITEM(config, "store_max", store_max, CONF_INT, .fallback = "256", .min = 1, .max = 65536,
	    .doc = "Address space reserved for the store, in GiB; the file grows inside it.  The log says when less "
		   "than a tenth of it, or of the disk, is left; without room the last version is served on."),
	ITEM(config, "listen", listen, CONF_GROUPS, .sub = &listen_table, .doc = "Addresses to listen on:"),
	ITEM(config, "tokens", tokens, CONF_GROUPS, .sub = &token_table, .doc = "PKCS#11 tokens:"),
	ITEM(config, "tsig_keys", tsig_keys, CONF_GROUPS, .sub = &config_tsig_table, .doc = "TSIG keys:"),
	ITEM(config, "servers", servers, CONF_GROUPS, .sub = &config_server_table, .doc = "Name servers:"),
	ITEM(config, "policies", policies, CONF_GROUPS, .sub = &config_policy_table, .doc = "Policies:"),
	ITEM(config, "zones", zones, CONF_GROUPS, .sub = &config_zone_table, .doc = "Zones:"),
	ITEM(config, "zone_policies", zone_policies, CONF_GROUPS, .sub = &config_zone_policy_table,
	    .doc = "Policies that zones have in place of those in zones.  Written by zone set-policy, for zones of files that commands never change:"),
	ITEM(config, "resolver", resolver, CONF_GROUP, .sub = &resolver_table, .flags = CONF_IF_GIVEN,
	    .doc = "A resolver, by which the parent's servers are found for policies that do not name them, and the zones' name servers for policies that observe them; without it nothing is looked up beyond the servers named here:"),
	ITEM(config, "notices", notices, CONF_GROUP, .sub = &notices_table, .flags = CONF_IF_GIVEN, .doc = "Notices:"),
	ITEM(config, "monitored", monitored, CONF_GROUPS, .sub = &config_monitored_table,
	    .doc = "Domains whose keys are watched, beside the zones that are signed here, which all are:"),
	END
};
const struct conf_table config_table = { "configuration", sizeof(struct config), config_items };
/* clang-format on */
