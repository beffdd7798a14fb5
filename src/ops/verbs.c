/* The table of verbs: see verbs.h.  Data only.  Options keep the letters that ods-ksmutil and
 * ods-enforcer gave them. */
#include "ops/verbs.h"

/* clang-format off */
#define OPTION(name_, letter_, value_, flags_, help_) \
	{ .name = name_, .letter = letter_, .value = value_, .flags = flags_, .help = help_ }
#define OPTIONS(...) (const struct verb_option[]){ __VA_ARGS__, { .name = NULL } }
#define NO_OPTIONS (const struct verb_option[]){ { .name = NULL } }

/* Options of many verbs */
#define ZONE(flags) OPTION("zone", 'z', "ZONE", flags, "The zone.")
#define POLICY(flags) OPTION("policy", 'p', "POLICY", flags, "The policy.")
#define CKA_ID OPTION("cka-id", 'k', "CKA_ID", 0, "The key with this CKA_ID, in hexadecimal.")
#define KEY_TAG OPTION("key-tag", 'x', "TAG", 0, "The key with this key tag.")
#define KEY_TYPE(flags) OPTION("key-type", 't', "KSK|ZSK|CSK|ALL", flags, "Keys of this role.")
#define VERBOSE(help) OPTION("verbose", 'v', NULL, 0, help)
#define JSON OPTION("json", 0, NULL, 0, "Print JSON instead of a table.")
#define ALL OPTION("all", 'a', NULL, VERB_ONE_OF, "All zones.")
#define DRY_RUN OPTION("dry-run", 0, NULL, 0, "Change nothing; print the dated plan.")
#define SERVER_NAME(flags) OPTION("name", 'n', "NAME", flags, "What zones and policies call it.")
#define REASON(flags) OPTION("reason", 0, "TEXT", flags, "Why; it is recorded.")
#define ONE_KEY OPTIONS(ZONE(VERB_REQUIRED), CKA_ID, KEY_TAG)

const struct verb_option verb_common[] = {
	OPTION("config", 'c', "FILE", VERB_LOCAL, "The daemon's configuration; its run_dir holds the control socket."),
	OPTION("help", 'h', NULL, VERB_LOCAL, "Print what there is to say and exit."),
	{ .name = NULL }
};

const struct verb verbs[] = {
	{ .name = "zone add", .help = "add a zone: make its keys, transfer it in, sign it, offer it",
	  .options = OPTIONS(ZONE(VERB_REQUIRED), POLICY(0),
		OPTION("source", 0, "SERVER", VERB_REPEATABLE, "A server that has the unsigned zone; several are asked in order."),
		OPTION("destination", 0, "SERVER", VERB_REPEATABLE, "A server that gets the signed zone."),
		OPTION("input-file", 0, "FILE", VERB_PATH, "A zone file that holds the unsigned zone; the daemon reads it."),
		OPTION("output-file", 0, "FILE", VERB_PATH, "A file to which the daemon writes each signed version."),
		OPTION("contact", 0, "ADDRESS", 0, "Mail address of the zone's technical contact."),
		OPTION("replace-dnssec", 0, NULL, 0, "Publish although the zone, or its parent, has DNSSEC of somebody else.")),
	  .manual = "Servers are names from the configuration or from\n.Cm server add .\n"
		"The zone is written to the configuration, so that it survives a restart.\n"
		"Without a policy it gets the one named\n.Dq default ." },
	{ .name = "zone unsign", .help = "lead a zone back to being unsigned, safely",
	  .options = OPTIONS(ZONE(VERB_REQUIRED),
		OPTION("cancel", 0, NULL, 0, "Take it back: the zone stays signed, or is signed again."), DRY_RUN, JSON),
	  .manual = "The DS is withdrawn first; signatures go when no cache can hold the DS any more.\n"
		"Until then the zone is signed as before." },
	{ .name = "zone delete", .help = "stop signing a zone and forget it",
	  .options = OPTIONS(ZONE(VERB_REQUIRED),
		OPTION("force", 0, NULL, 0, "Although its parent may have a DS; keys and record stay in the token.")),
	  .manual = "Refused while the parent has a DS for the zone, or it is not known whether it has one:\n"
		"resolvers would take the zone for bogus." },
	{ .name = "zone list", .help = "list the zones",
	  .options = OPTIONS(POLICY(0), JSON), .manual = "With a policy: those that have it." },
	{ .name = "zone status", .help = "show serials, peers, signature runway and next event of zones",
	  .options = OPTIONS(ZONE(0), VERBOSE("Show the last changes of the servers' statuses, too."), JSON),
	  .manual = "Without a zone: all of them.\n"
		"The runway is the time that is left until the first signature expires: normal; low, below a threshold of the policy\n"
		"that normal operation does not reach; critical, when hours are left; or over, and validators fail.\n"
		"A destination is good when it serves our serial with our signatures.  One that failed is so many versions behind\n"
		"since a time; what it answered, and what it asked and was refused, stands in the reason, and until when\n"
		"validators take what it serves.  It is asked again after an hour, then more and more seldom, at least once a day;\n"
		"one that is good as often as the SOA's refresh says.\n"
		"Behind each of the parent's servers stands whether what it has was validated, where a trust anchor is configured: "
		"secure; insecure (the parent is proven not to be signed); bogus (it does not count); else not checked." },
	{ .name = "zone history", .help = "show how the statuses of a zone's sources and destinations changed",
	  .options = OPTIONS(ZONE(VERB_REQUIRED), JSON),
	  .manual = "The last 200 changes, the oldest first: when, which server, from which status to which, the serial it had and the reason.\n"
		"A transfer that is under way is no change.  A change that happens again within six hours is counted in its row:\n"
		"how often, and when last.\nWhen only the reason of a failure becomes another, the status stands twice." },
	{ .name = "zone sign", .help = "sign a zone now",
	  .options = OPTIONS(ZONE(VERB_ONE_OF), ALL, OPTION("force", 0, NULL, 0, "Make every signature anew."),
		OPTION("serial", 0, "N", 0, "The new version's serial is later than this one.")),
	  .manual = "A new version is made in any case; signatures that live long enough are kept.\nNever makes a key.\n"
		"A zone that was published before its\n.Cm state_dir\nwas lost is published again when a destination told its serial.\n"
		"Where none will, say with\n.Fl -serial\nwhich serial went out last, or a greater one.\n"
		"It also moves the serial of any zone forward; one that would go back (RFC 1982) is refused." },
	{ .name = "zone retransfer", .help = "transfer a zone from its sources now, whatever its serial",
	  .options = OPTIONS(ZONE(VERB_ONE_OF), ALL),
	  .manual = "The last good version is served until a new one has passed its checks." },
	{ .name = "zone diagnose", .help = "run every check of a zone and its peers, live",
	  .options = OPTIONS(ZONE(VERB_REQUIRED), JSON),
	  .manual = "The token; the zone's state and runway; each source by UDP and TCP, with its TSIG key, and whether it begins "
		"to send the zone (AXFR);\neach destination by UDP and TCP, its serial, the signature it serves with it, and whether it "
		"acknowledges a NOTIFY;\nthe DS at each of the parent's servers that are known; and the whole stored version, every signature of it.\n"
		"The clocks of servers that sign their answers are compared with ours.\n"
		"For what fails it prints what to change, and where; for BIND, NSD and Knot the stanza itself, but for the secret." },
	{ .name = "zone set-policy", .help = "give a zone another policy",
	  .options = OPTIONS(ZONE(VERB_REQUIRED), POLICY(VERB_REQUIRED),
		OPTION("force", 0, NULL, 0, "Although the policy's schedule cannot be kept with the zone's TTLs."), DRY_RUN, JSON),
	  .manual = "What must change in keys and signatures is done as a roll-over, each step when caches make it safe.\n"
		"A zone that stands in the main file is not changed there: its policy is written to\n"
		".Pa conf.d/zone_policies.conf ,\nwhich has the last word.\n"
		"With\n.Fl -dry-run :\nwhat is wrong with the policy, and the plan under it." },
	{ .name = "zone import", .help = "add many zones, all or none", .argument = "FILE", .argument_flags = VERB_FILE,
	  .options = NO_OPTIONS,
	  .manual = "The file holds a libconfig list\n.Ql zones = ( ... ) ,\n"
		"with entries as in\n.Xr intaglio.conf 5 .\n"
		"When one entry is wrong none is added.\nA\n.Ar FILE\nof\n.Sq -\nis the standard input." },
	{ .name = "zone export", .help = "print a signed zone, or the configuration of zones",
	  .options = OPTIONS(ZONE(0),
		OPTION("as-config", 0, NULL, 0, "The entries of the configuration, as zone import takes them.")),
	  .manual = "The zone is printed as a zone file, as it is served now.\nA zone must be given unless\n"
		".Fl -as-config\nis." },

	{ .name = "key list", .help = "list keys, their states and what comes next",
	  .options = OPTIONS(ZONE(0), POLICY(0), KEY_TYPE(0), CKA_ID, KEY_TAG,
		VERBOSE("Show all that is recorded of each key, and which of its steps are held back."), JSON),
	  .manual = "States are generated, published, ready, active, retired and removed.\n"
		"What comes next is what will really be done, as in\n.Cm rollover list ;\n"
		"when that is asked for already and not safe yet, the reason says so." },
	{ .name = "key generate", .help = "make keys ahead of time",
	  .options = OPTIONS(ZONE(VERB_ONE_OF), POLICY(VERB_ONE_OF), KEY_TYPE(0)),
	  .manual = "One for each role that the policy wants, or of the role that is named.\n"
		"They are used when the schedule or a roll-over needs a key.\n"
		"Refused when so many would leave no room for roll-overs." },
	{ .name = "key export", .help = "print the zone's DNSKEY records with SEP, or their DS records",
	  .options = OPTIONS(ZONE(VERB_REQUIRED), OPTION("ds", 'd', NULL, 0, "DS records: the set that the parent should have now."),
		KEY_TYPE(0), CKA_ID, KEY_TAG),
	  .manual = "In the format of a zone file.  Before the first DS is safe at the parent the one to come is printed,\n"
		"with a warning; so is the DS of any key that -t, -x or -k names." },
	{ .name = "key rollover", .help = "begin a roll-over now",
	  .options = OPTIONS(ZONE(VERB_ONE_OF), POLICY(VERB_ONE_OF), KEY_TYPE(0), REASON(0), DRY_RUN, JSON),
	  .manual = "Every active key that is meant is replaced; without a role: all of them.\n"
		"Every step waits until caches make it safe.\nWho asked is recorded." },
	{ .name = "key emergency", .help = "replace a compromised key",
	  .options = OPTIONS(ZONE(VERB_ONE_OF), POLICY(VERB_ONE_OF), ALL, KEY_TYPE(0), CKA_ID, KEY_TAG, REASON(0), DRY_RUN, JSON),
	  .manual = "Without a key tag or CKA_ID the keys in use are meant, of all roles unless one is named.\n"
		"A new key is published at once, or the one that was published ahead of time is taken.\n"
		"A compromised KSK signs the DNSKEY set for one more week and leaves after two;\n"
		"a compromised ZSK signs for two more days and leaves after four;\n"
		"a compromised CSK signs the zone for two days and the DNSKEY set for a week, and leaves after two weeks.\n"
		"Its DS is withdrawn as soon as the new one can be relied upon.\n"
		"A step of this timetable that caches make unsafe is held back until it is safe.\n"
		"Reason and requester are recorded;\n.Cm key list -v\nshows them." },
	{ .name = "key purge", .help = "destroy keys that were removed long enough ago",
	  .options = OPTIONS(ZONE(VERB_ONE_OF), POLICY(VERB_ONE_OF), DRY_RUN, JSON),
	  .manual = "The policy's\n.Cm purge_after\nsays when that is.\n"
		"It is done by itself, too; this is for a token that refused it then." },
	{ .name = "key ds-submit", .help = "hand the DS to the parent again, or say that it was",
	  .options = ONE_KEY,
	  .manual = "Refused as long as a DS at the parent would break validation (it says until when);\n"
		"when it is safe the DS is handed over by itself." },
	{ .name = "key ds-seen", .help = "say that the parent has the DS",
	  .options = ONE_KEY,
	  .manual = "For parents whose servers cannot be asked.\n"
		"Where they are asked, what they say goes before what the operator says." },
	{ .name = "key ds-retract", .help = "have the parent drop the DS, or say that it was told to",
	  .options = ONE_KEY,
	  .manual = "Refused as long as no other DS can be relied upon; to leave DNSSEC see\n.Cm zone unsign .\n"
		"A key whose DS is withdrawn is replaced." },
	{ .name = "key ds-gone", .help = "say that the parent has the DS no more",
	  .options = ONE_KEY,
	  .manual = "For parents whose servers cannot be asked.\n"
		"Where they are asked, what they say goes before what the operator says." },
	{ .name = "key accept-record", .help = "go on with an older state record of a zone",
	  .options = OPTIONS(ZONE(VERB_REQUIRED),
		OPTION("sequence", 0, "N", VERB_REQUIRED, "Its sequence number.")),
	  .manual = "A record older than what the zone was last served with, after a token was restored\n"
		"from a back-up, is refused until this is said." },

	{ .name = "rollover list", .help = "list the steps that lie ahead, with their times",
	  .options = OPTIONS(ZONE(0), JSON),
	  .manual = "The roll-overs that are under way, and the next one of each key, with the DNSKEY and DS sets after each step;\n"
		"then the steps that are asked for and held back now: by which rule, why, and until when.\n"
		"Times are those at which all goes well: what servers and the parent are to show is taken to be seen\n"
		"after the policy's times for propagation.\nA key tag of 0 in JSON is that of a key that is still to be made." },
	{ .name = "rollover release", .help = "go on without a server that cannot be asked",
	  .options = OPTIONS(ZONE(VERB_REQUIRED),
		OPTION("without", 0, "SERVER", VERB_REQUIRED, "The server that is not waited for."),
		REASON(VERB_REQUIRED)),
	  .manual = "A server that cannot be asked counts as not having the new version, which holds a step.\n"
		"Whoever is served by it may then fail to validate." },

	{ .name = "policy list", .help = "list the policies", .options = OPTIONS(JSON), .manual = "" },
	{ .name = "policy show", .help = "show the settings of policies, defaults included",
	  .options = OPTIONS(POLICY(0), JSON), .manual = "Without a policy: all of them." },
	{ .name = "policy check", .help = "check whether a policy can be safe, with the arithmetic",
	  .options = OPTIONS(POLICY(0), ZONE(0), JSON), .manual = "Without a policy: all of them, or the zone's own.\n"
		"With a zone: against the TTLs it has, and with the plan under that policy.\n"
		"Errors are schedules whose steps are always late; they are refused by\n.Cm zone add\nand\n"
		".Cm zone set-policy .\nWarnings are steps that may be late, in an emergency above all: they are held back until they are safe." },
	{ .name = "repository list", .help = "list the tokens and how they are",
	  .options = OPTIONS(OPTION("repository", 'r', "TOKEN", 0, "This token."), JSON),
	  .manual = "A repository is a token of the configuration." },

#define BACKUP(name_, help_, manual_) \
	{ .name = name_, .help = help_, .manual = manual_, \
	  .options = OPTIONS(ZONE(0), POLICY(0), OPTION("repository", 'r', "TOKEN", 0, "Keys in this token."), JSON) }
	BACKUP("backup prepare", "say that a back-up of keys begins",
		"Of all keys that have none; with options: only of those.\n"
		"The copy itself is made with other tools, as\n.Xr intaglio-hsm 8 ,\nafter this."),
	BACKUP("backup commit", "say that the back-up is good: its keys may be used",
		"Keys made after\n.Cm backup prepare\nare not part of it.\n"
		"With the policy's\n.Cm require_backup\na key is not published before this is said."),
	BACKUP("backup rollback", "say that the back-up failed", "What was prepared is forgotten."),
	BACKUP("backup list", "list keys with the times of their back-ups, and those that lack one", ""),

	{ .name = "tsig generate", .help = "make or take in a TSIG key and print what peers need",
	  .options = OPTIONS(
		OPTION("name", 'n', "NAME", VERB_REQUIRED, "Its name, a domain name that both sides use."),
		OPTION("algorithm", 0, "ALGORITHM", 0, "hmac-sha256 (unless told), hmac-sha1, -sha224, -sha384 or -sha512."),
		OPTION("secret-file", 0, "FILE", VERB_FILE, "Take the secret, in base64, from the first line of this file instead of making one."),
		ZONE(0)),
	  .manual = "Prints ready-made configuration for BIND, NSD and Knot, for a source and for a destination.\n"
		"With a zone it is named there." },
	{ .name = "tsig list", .help = "list the TSIG keys, without their secrets", .options = OPTIONS(JSON), .manual = "" },
	{ .name = "tsig delete", .help = "forget a TSIG key",
	  .options = OPTIONS(OPTION("name", 'n', "NAME", VERB_REQUIRED, "Its name.")),
	  .manual = "Refused while a server uses it." },

	{ .name = "server add", .help = "make a name server known",
	  .options = OPTIONS(SERVER_NAME(VERB_REQUIRED),
		OPTION("address", 0, "ADDRESS", VERB_REQUIRED, "Its IPv4 or IPv6 address."),
		OPTION("port", 0, "PORT", 0, "Its port; 53 unless told."),
		OPTION("tsig", 0, "KEY", 0, "The TSIG key for what is asked of it and what it asks."),
		OPTION("notify-tsig", 0, "KEY", 0, "The TSIG key that its NOTIFY must be signed with."),
		OPTION("local", 0, "ADDRESS", 0, "The address from which it is spoken to."),
		OPTION("no-ixfr", 0, NULL, 0, "As a source it is asked for whole zones only, never for changes.")),
	  .manual = "It may then be a zone's source or destination." },
	{ .name = "server list", .help = "list the name servers", .options = OPTIONS(JSON), .manual = "" },
	{ .name = "server delete", .help = "forget a name server",
	  .options = OPTIONS(SERVER_NAME(VERB_REQUIRED)), .manual = "Refused while a zone uses it." },

	{ .name = "monitor add", .help = "watch the keys of a domain, and have its DS follow them",
	  .options = OPTIONS(ZONE(VERB_REQUIRED),
		OPTION("mode", 0, "dnskey|cds|report", 0, "What tells of a new KSK; report: nothing is changed at the parent."),
		OPTION("contact", 0, "ADDRESS", 0, "Mail address that is told."),
		OPTION("interval", 0, "DURATION", 0, "Time between two looks; PT1H unless told."),
		OPTION("hold-down", 0, "DURATION", 0, "How long a new key must stand; P1D unless told."),
		OPTION("server", 0, "SERVER", VERB_REPEATABLE, "A name server of the domain, by name or address; unless told they are found."),
		OPTION("parent-server", 0, "SERVER", VERB_REPEATABLE, "A name server of its parent; unless told they are found."),
		OPTION("submit", 0, "manual|update|command", 0, "How a DS is handed to the parent; manual unless told."),
		OPTION("primary", 0, "SERVER", 0, "The parent's server that takes updates."),
		OPTION("command", 0, "FILE", VERB_PATH, "The program that hands the DS over."),
		OPTION("allow-delete", 0, NULL, 0, "A CDS may take the DS out (RFC 8078)."),
		OPTION("bootstrap", 0, NULL, 0, "A domain without DS may get its first one (RFC 9615).")),
	  .manual = "Anybody may sign it; a zone that is signed here is watched without this command, reported on only,\n"
		"and goes on being watched when it is signed here no more.\n"
		"The entry is written to\n.Pa conf.d/monitored.conf ;\n.Xr intaglio.conf 5\nhas more settings.\n"
		"Keys that the domain has when it is first looked at are never given a DS by themselves." },
	{ .name = "monitor list", .help = "list the domains that are watched", .options = OPTIONS(JSON), .manual = "" },
	{ .name = "monitor status", .help = "show what was found", .options = OPTIONS(ZONE(0), JSON),
	  .manual = "Without a domain: all of them.\nA status is unknown, ok, insecure (there is no DS), rollover, warning or error.\n"
		"Each finding says where, since when, and what is to be done about it." },
	{ .name = "monitor history", .help = "show what was seen and decided",
	  .options = OPTIONS(ZONE(VERB_REQUIRED), JSON),
	  .manual = "Each decision about the DS that differs from the one before, with what every server had, and what became of it.\n"
		"The last 200 entries are kept." },
	{ .name = "monitor look", .help = "look at a domain now",
	  .options = OPTIONS(ZONE(VERB_REQUIRED)), .manual = "Or when others that wait had their turn.\nIt hastens no hold-down." },
	{ .name = "monitor delete", .help = "watch a domain no more",
	  .options = OPTIONS(ZONE(VERB_REQUIRED)),
	  .manual = "That a zone which is signed here is not to be watched is kept as an entry with\n.Ql enrolled = false ,\n"
		"until\n.Cm monitor add ;\nthen nobody but the operator sees to it that its DS is right." },
#define NOTICE_ID OPTION("id", 0, "ID", VERB_REQUIRED, "The notice.")
	{ .name = "notice list", .help = "list notices, and how far they have come", .options = OPTIONS(ZONE(0), JSON),
	  .manual = "Of all zones, monitored domains and the appliance itself, or of one; the last ten thousand, the oldest first.\n"
		"A notice is waiting until each of its recipients has it, then sent; given-up when one could not be reached for five days;\n"
		"recorded when there was nobody to tell.\nIt is kept for 400 days." },
	{ .name = "notice show", .help = "show the text of a notice", .options = OPTIONS(NOTICE_ID, JSON),
	  .manual = "And to whom it was sent, or why not." },
	{ .name = "notice resend", .help = "send a notice again", .options = OPTIONS(NOTICE_ID),
	  .manual = "To whom it would go by the configuration of today." },
	{ .name = "notice test", .help = "send a notice that means nothing",
	  .options = OPTIONS(OPTION("contact", 0, "ADDRESS", 0, "To whom; unless told all who get every notice: operator, webhook, command.")),
	  .manual = "Says how the first try for each recipient ended." },

	{ .name = "time leap", .help = "move the virtual clock, in a test",
	  .options = OPTIONS(OPTION("until", 0, "TIME", 0, "To this time, as 2027-01-31T00:00:00Z."),
		OPTION("by", 0, "DURATION", 0, "By so much, as P1M.")),
	  .manual = "Only for a daemon that was started with\n.Fl -virtual-clock .\n"
		"Without an option it leaps to the next event and prints it." },
	{ .name = "update conf", .help = "read the configuration again", .options = NO_OPTIONS,
	  .manual = "As\n.Dv SIGHUP\ndoes, but mistakes are printed here.\n"
		"With a mistake the running configuration stays.\nA zone gone from the file is served on until\n"
		".Cm zone delete ." },
	{ .name = "status", .help = "show how the daemon, its processes and its tokens are", .options = OPTIONS(JSON),
	  .manual = "Of each token: how many signatures it has made since the start, how many more it is asked for, how many a second "
		    "it makes when all its sessions are busy (time without work does not count), and how many seconds it would take "
		    "to make all signatures of its zones anew; then the same of all tokens, which work at the same time." },
	{ .name = "stop", .help = "stop the daemon", .options = NO_OPTIONS,
	  .manual = "What is being signed is committed or dropped whole; nothing is lost." },
	{ .name = NULL }
};
