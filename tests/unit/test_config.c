/* daemon: the configuration: what is right is taken, each kind of mistake is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/config/config.h"
#include "dns/soa.h"

static char dir[] = "/tmp/intaglio-config-XXXXXX";
static char path[64];
static char said[4096];

static const char good[] =
    "state_dir = \"/s\"; run_dir = \"/r\";\n"
    "listen = ( { address = \"127.0.0.1\"; port = 5300; } );\n"
    "tokens = ( { name = \"main\"; module = \"/m.so\"; label = \"l\"; pin_file = \"/p\"; } );\n"
    "tsig_keys = ( { name = \"k.\"; algorithm = \"hmac-sha256\"; secret = \"c2VjcmV0\"; } );\n"
    "servers = ( { name = \"src1\"; address = \"192.0.2.1\"; tsig = \"k.\"; } );\n"
    "policies = ( { name = \"default\"; algorithm = \"ECDSAP256SHA256\"; denial = \"nsec3\"; } );\n"
    "zones = ( { name = \"example.gov\"; sources = ( \"src1\" ); destinations = ( \"src1\" ); } "
    ");\n";

static void report(void *arg, const struct conf_origin *where, const char *text)
{
	size_t n = strlen(said);

	(void)arg;
	snprintf(said + n, sizeof(said) - n, "%s:%d: %s\n", where->file, where->line, text);
}

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct config *load(const char *text)
{
	said[0] = '\0';
	write_file(path, text);
	return config_load(path, report, NULL, NULL);
}

static int make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/intaglio.conf", dir);
	return 0;
}

static int clean_conf_d(void **state)
{
	static const char *const names[] = {"zones", "servers", "tsig_keys", "zone_policies"};
	char file[128];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		snprintf(file, sizeof(file), "%s/conf.d/%s.conf", dir, names[i]);
		unlink(file);
	}
	return 0;
}

static void the_contract_is_read_with_its_defaults(void **state)
{
	struct config *c = load(good);
	const struct config_policy *p;

	(void)state;
	assert_non_null(c);
	p = config_policy(c, "default");
	assert_non_null(p);
	assert_int_equal(p->ksk.active.months, 24);
	assert_int_equal(p->zsk.prepublish.seconds, 7 * 86400);
	assert_int_equal(p->signatures.validity, 14 * 86400);
	assert_int_equal(p->signatures.refresh, 7 * 86400);
	assert_int_equal(p->signatures.jitter, 43200);
	assert_int_equal(p->source_retry, 3600);
	assert_int_equal(p->serial, SERIAL_COUNTER);
	assert_true(p->verify);
	assert_string_equal(p->token, "main"); /* the only one there is */
	assert_non_null(config_zone(c, "EXAMPLE.gov."));
	assert_null(config_zone(c, "other.gov"));
	config_free(c);
}

static void each_mistake_is_named_with_file_and_line(void **state)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
	    {"stat_dir = \"/s\";", ":1: a configuration has no setting \"stat_dir\"; did you mean "
				   "\"state_dir\"?"},
	    {"\n\nzzz = 1;", ":3: a configuration has no setting \"zzz\"; it may have: state_dir"},
	    {"state_dir = 5;", "state_dir must be a string"},
	    {"listen = ( { address = \"nowhere\"; } );", "must be a numeric IPv4 or IPv6 address"},
	    {"listen = ( { address = \"::1\"; port = 70000; } );", "between 1 and 65535"},
	    {"listen = ( { port = 53; } );", "has no address"},
	    {"servers = ( { name = \"a\"; address = \"::1\"; tsig = \"k.\"; } );",
		"TSIG key \"k.\" is not defined"},
	    {"tsig_keys = ( { name = \"k.\"; } );", "needs one of secret and secret_file"},
	    {"tsig_keys = ( { name = \"k.\"; secret = \"%%\"; } );", "must be base64"},
	    {"tsig_keys = ( { name = \"k.\"; algorithm = \"hmac-md5\"; secret = \"AAAA\"; } );",
		"must be one of \"hmac-sha256\""},
	    {"servers = ( { name = \"a\"; address = \"::1\"; },\n { name = \"a\"; address = "
	     "\"::1\"; } "
	     ");",
		"server \"a\" is there twice: also in"},
	    {"policies = ( { name = \"p\"; } );", "must name one of the tokens"},
	    {"policies = ( { name = \"p\"; algorithm = \"RSASHA1\"; } );",
		"algorithm = \"RSASHA1\""},
	    {"zones = ( { name = \"z\"; policy = \"p\"; input_file = \"f\"; } );",
		"policy \"p\" is not defined"},
	    {"zones = ( { name = \"a..b\"; } );", "is not a domain name"},
	    {"zones = ( { name = \"z\" policy = }", ":1: syntax error"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(load(bad[i].text));
		if (strstr(said, bad[i].says) == NULL)
			print_error("%s\nsays: %s\nnot:  %s\n", bad[i].text, said, bad[i].says);
		assert_non_null(strstr(said, bad[i].says));
		assert_non_null(strstr(said, path));
	}
}

static void policies_that_cannot_be_are_refused_R25(void **state)
{
	static const char *const bad[] = {
	    "signatures = { validity = \"P1D\"; refresh = \"P2D\"; };",
	    "signatures = { validity = \"P2D\"; refresh = \"P1D\"; jitter = \"P1D\"; };",
	    "nsec3 = { salt = \"abc\"; };",
	    "csk = { active = \"P1Y\"; }; ksk = { active = \"P1Y\"; };", "digests = ( \"SHA1\" );",
	    "signatures = { validity = \"P1M\"; };", /* a month is no number of seconds */
	};
	char text[2048];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "%s", good);
		snprintf(strstr(text, "denial = \"nsec3\""), 1024, "%s } );\n", bad[i]);
		assert_null(load(text));
		assert_string_not_equal(said, "");
	}
}

static void commands_add_and_remove_entries(void **state)
{
	struct err e;
	struct config *c = load(good);
	char file[128];

	(void)state;
	config_free(c);
	assert_int_equal(
	    config_add(
		path, "servers = ( { name = \"d\"; address = \"::1\"; port = 5301; } );", &e),
	    OK);
	assert_int_equal(config_add(path,
			     "zones = ( { name = \"new.gov\"; sources = ( \"d\" ); output_file = "
			     "\"a\\\"b\\\\c\"; } );",
			     &e),
	    OK);
	c = config_load(path, report, NULL, NULL);
	assert_non_null(c);
	assert_non_null(config_zone(c, "new.gov"));
	assert_string_equal(config_zone(c, "new.gov")->output_file, "a\"b\\c");
	assert_int_equal(config_server(c, "d")->port, 5301);
	config_free(c);
	/* the same name twice; a server in use; nothing is written */
	assert_int_not_equal(config_add(path, "zones = ( { name = \"NEW.gov\"; } );", &e), OK);
	assert_int_not_equal(config_remove(path, "servers", "d", &e), OK);
	assert_non_null(strstr(e.text, "\"d\" is not defined"));
	assert_int_not_equal(config_remove(path, "zones", "example.gov", &e), OK);
	assert_non_null(strstr(e.text, "stands in another file"));
	assert_int_equal(config_remove(path, "zones", "new.gov", &e), OK);
	assert_int_equal(config_remove(path, "servers", "d", &e), OK);
	c = config_load(path, report, NULL, NULL);
	assert_non_null(c);
	assert_null(config_zone(c, "new.gov"));
	config_free(c);
	snprintf(file, sizeof(file), "%s/conf.d/zones.conf", dir);
	assert_int_equal(access(file, R_OK), 0);
}

/* The policy of a zone, as a start would find it. */
static void assert_policy(const char *zone, const char *policy)
{
	struct config *c;

	said[0] = '\0';
	c = config_load(path, report, report, NULL);
	assert_non_null(c);
	assert_string_equal(config_zone(c, zone)->policy, policy);
	config_free(c);
}

static void a_zone_is_given_another_policy(void **state)
{
	struct err e;
	char text[2048], file[128];

	(void)state;
	snprintf(text, sizeof(text), "%s", good);
	snprintf(strstr(text, "zones ="), 1024, "%s",
	    "policies = ( { name = \"default\"; }, { name = \"other\"; } );\n"
	    "zones = ( { name = \"example.gov\"; input_file = \"f\"; } );\n");
	*strstr(text, "policies = ( { name = \"default\"; alg") = '#';
	config_free(load(text));
	/* one that commands added: where it stands */
	assert_int_equal(
	    config_add(path, "zones = ( { name = \"new.gov\"; input_file = \"f\"; } );", &e), OK);
	assert_int_equal(config_set_policy(path, "new.gov", "other", &e), OK);
	assert_policy("new.gov", "other");
	assert_null(strstr(said, "new.gov"));
	snprintf(file, sizeof(file), "%s/conf.d/zone_policies.conf", dir);
	assert_int_not_equal(access(file, F_OK), 0);
	/* one of the main file, which is never written */
	assert_int_equal(config_set_policy(path, "EXAMPLE.gov.", "other", &e), OK);
	assert_policy("example.gov", "other");
	assert_non_null(
	    strstr(said, "stands here with policy \"default\", but has policy \"other\""));
	/* unknown policy, unknown zone: nothing is written */
	assert_int_not_equal(config_set_policy(path, "example.gov", "none", &e), OK);
	assert_non_null(strstr(e.text, "\"none\" is not defined"));
	assert_int_equal(config_set_policy(path, "gone.gov", "other", &e), ERR_MISSING);
	assert_int_not_equal(config_set_policy(path, "new.gov", "none", &e), OK);
	assert_policy("example.gov", "other");
	assert_policy("new.gov", "other");
	/* back to what the file says: nothing stands in its place any more */
	assert_int_equal(config_set_policy(path, "example.gov", "default", &e), OK);
	assert_policy("example.gov", "default");
	assert_null(strstr(said, "example.gov"));
	/* the zone is gone from the file: no mistake, and forgotten with it */
	assert_int_equal(config_set_policy(path, "example.gov", "other", &e), OK);
	*strstr(text, "zones =") = '#';
	config_free(load(text));
	assert_policy("new.gov", "other");
	assert_non_null(strstr(said, "zone_policies: there is no zone example.gov"));
	assert_int_equal(config_forget_policy(path, "example.gov", &e), OK);
	assert_policy("new.gov", "other");
	assert_null(strstr(said, "there is no zone"));
}

static void shared_keys_are_nobody_elses_R26(void **state)
{
	char text[2048];

	(void)state;
	snprintf(text, sizeof(text), "%s", good);
	snprintf(strstr(text, "zones ="), 1024, "%s",
	    "policies = ( { name = \"default\"; }, { name = \"One\"; shared_keys = true; }, "
	    "{ name = \"one\"; shared_keys = true; } );\n"
	    "zones = ( { name = \"a.one.shared\\\\032keys\"; input_file = \"f\"; } );\n");
	*strstr(text, "policies = ( { name = \"default\"; alg") = '#';
	said[0] = '\0';
	assert_null(load(text));
	assert_non_null(strstr(said, "policies \"One\" and \"one\" share keys"));
	assert_non_null(strstr(said, "such names stand for policies' keys"));
}

static void an_unsafe_schedule_is_a_warning_at_start_R25(void **state)
{
	struct config *c;
	char text[2048];

	(void)state;
	snprintf(text, sizeof(text), "%s", good);
	snprintf(strstr(text, "zones ="), 1024, "%s",
	    "policies = ( { name = \"default\"; }, { name = \"late\"; zsk = { prepublish = \"PT1H\"; }; } "
	    ");\n");
	*strstr(text, "policies = ( { name = \"default\"; alg") = '#';
	config_free(load(text));
	said[0] = '\0';
	c = config_load(path, report, report, NULL);
	assert_non_null(c);
	assert_non_null(
	    strstr(said, "policy \"late\": zsk.prepublish is PT1H, but a new ZSK may sign "
			 "only after its DNSKEY has been everywhere for its TTL: "
			 "propagation PT1H + ttl.dnskey PT1H = PT2H"));
	assert_null(strstr(said, "policy \"default\""));
	config_free(c);
}

static void a_zone_gone_from_the_file_is_kept(void **state)
{
	struct config *c = load(good);
	struct err e;
	char known[128], without[2048];

	(void)state;
	snprintf(known, sizeof(known), "%s/known", dir);
	assert_int_equal(config_remember(c, known, &e), OK);
	config_free(c);
	snprintf(without, sizeof(without), "%s", good);
	*strstr(without, "policies =") = '\0';
	c = load(without);
	assert_non_null(c);
	said[0] = '\0';
	config_adopt(c, known, report, NULL);
	assert_non_null(strstr(said, "zone example.gov is gone from the configuration"));
	assert_non_null(config_zone(c, "example.gov"));
	assert_true(config_zone(c, "example.gov")->orphan);
	assert_int_equal(config_zone(c, "example.gov")->destinations.count, 1);
	assert_non_null(config_policy(c, "default"));
	assert_string_equal(config_policy(c, "default")->token, "main");
	config_free(c);
	assert_int_equal(config_forget(known, "example.gov", &e), OK);
	c = load(without);
	config_adopt(c, known, report, NULL);
	assert_null(config_zone(c, "example.gov"));
	config_free(c);
}

static void only_the_network_side_is_handed_secrets(void **state)
{
	struct config *c = load(good), *cut;
	struct buf network = {0}, signer = {0};
	struct err e;

	(void)state;
	assert_int_equal(config_cut(c, CONF_NETWORK, &network, &e), OK);
	assert_int_equal(config_cut(c, CONF_SIGNER, &signer, &e), OK);
	assert_non_null(strstr((char *)network.data, "c2VjcmV0"));
	assert_null(strstr((char *)signer.data, "c2VjcmV0"));
	cut = config_parse_cut((char *)network.data, &e);
	assert_non_null(cut);
	assert_string_equal(config_policy(cut, "default")->token, "main");
	assert_int_equal(config_policy(cut, "default")->signatures.jitter, 43200);
	config_free(cut);
	cut = config_parse_cut((char *)signer.data, &e);
	assert_non_null(cut);
	config_free(cut);
	config_free(c);
	buf_free(&network);
	buf_free(&signer);
}

#define MAIL "notices = { from = \"s@x.gov\"; smtp = { server = \"192.0.2.1\"; "
#define HOOK "notices = { webhook = { secret = \"s\"; "

static void notices_are_checked_R50(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: all is well */
	} cases[] = {
	    {MAIL "}; };", NULL},
	    {MAIL "username = \"u\"; password = \"p\"; tls = \"tls\"; }; };", NULL},
	    {"notices = { operator = \"Ops <o@x.gov>\"; };", "operator = \"Ops <o@x.gov>\" is not"},
	    {"notices = { from = \"signer\"; };", "notices: from = \"signer\" is not a plain mail"},
	    {"notices = { smtp = { server = \"mail.x.gov\"; }; };", "mail needs a sender"},
	    {"notices = { from = \"s@x.gov\"; smtp = { server = \"x/y\"; }; };",
		"is neither a host's name nor an address"},
	    {MAIL "username = \"u\"; }; };", "username and one of password"},
	    {MAIL "password = \"p\"; }; };", "username and one of password"},
	    {MAIL "username = \"u\"; password_file = \"/none\"; }; };",
		"smtp: password_file /none: No such file"},
	    {MAIL "username = \"u\"; password = \"p\"; password_file = \"/dev/null\"; }; };",
		"both given"},
	    {MAIL "ca_file = \"/none\"; }; };", "smtp: ca_file /none: No such file"},
	    {MAIL "tls = \"ssl\"; }; };", "must be one of \"none\", \"starttls\", \"tls\""},
	    {MAIL "username = \"u\"; password = \"p\"; }; };",
		"the password goes to 192.0.2.1 in clear"},
	    {"notices = { from = \"s@x.gov\"; smtp = { server = \"127.0.0.1\"; username = \"u\"; "
	     "password = \"p\"; }; };",
		NULL},
	    {HOOK "url = \"https://x.gov/y?z\"; }; };", NULL},
	    {HOOK "url = \"http://[::1]:8080/y\"; }; };", NULL},
	    {HOOK "url = \"http://x.gov/\"; }; };", "posted to x.gov goes in clear"},
	    {HOOK "url = \"ftp://x.gov/\"; }; };", "must begin with https:// or http://"},
	    {HOOK "url = \"https://\"; }; };", "must begin with https:// or http://"},
	    {HOOK "url = \"https://x.gov/a b\"; }; };", "must begin with https:// or http://"},
	    {HOOK "url = \"https://x.gov/\"; secret_file = \"/dev/null\"; }; };", "both given"},
	    {"notices = { webhook = { url = \"https://x.gov/\"; }; };", "without a secret"},
	    {"notices = { command = \"notify\"; };", "must be given with its whole path"},
	    {"notices = { command = \"/none\"; };", "command /none: No such file"},
	    {"notices = { command_timeout = \"P1D\"; };", "between PT1S and PT1H"},
	    {"zones = ( { name = \"b.gov\"; sources = ( \"src1\" ); contact = \"nobody\"; } );",
		"contact = \"nobody\" is not a plain mail address"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[2048];

		snprintf(text, sizeof(text), "%s", good);
		if (strncmp(cases[i].text, "zones", 5) == 0)
			*strstr(text, "zones = ") = '\0';
		strcat(text, cases[i].text);
		said[0] = '\0';
		write_file(path, text);
		config_free(config_load(path, report, report, NULL));
		if (cases[i].says == NULL ? strstr(said, "notices") != NULL
					  : strstr(said, cases[i].says) == NULL)
			fail_msg("%s\nsays: %s\n", cases[i].text, said);
	}
}

static void secrets_of_notices_reach_the_network_side_alone(void **state)
{
	struct buf network = {0}, signer = {0};
	char secret_path[80], text[2048];
	struct config *c, *cut;
	struct err e;

	(void)state;
	snprintf(secret_path, sizeof(secret_path), "%s/secret", dir);
	write_file(secret_path, "gehe\"im\nsecond line\n");
	snprintf(text, sizeof(text),
	    "%s notices = { from = \"s@x.gov\"; smtp = { server = \"::1\"; username = \"user\"; "
	    "password_file = \"%s\"; }; webhook = { url = \"https://x.gov/\"; secret = \"wohl\"; }; };",
	    good, secret_path);
	c = load(text);
	assert_non_null(c);
	assert_int_equal(config_cut(c, CONF_NETWORK, &network, &e), OK);
	assert_int_equal(config_cut(c, CONF_SIGNER, &signer, &e), OK);
	cut = config_parse_cut((char *)network.data, &e);
	assert_string_equal(cut->notices.smtp.password, "gehe\"im");
	assert_string_equal(cut->notices.smtp.username, "user");
	assert_string_equal(cut->notices.webhook.secret, "wohl");
	assert_null(cut->notices.smtp.password_file);
	config_free(cut);
	assert_null(strstr((char *)signer.data, "gehe"));
	assert_null(strstr((char *)signer.data, "wohl"));
	cut = config_parse_cut((char *)signer.data, &e);
	assert_string_equal(cut->notices.smtp.server, "::1");
	assert_string_equal(cut->notices.webhook.url, "https://x.gov/");
	config_free(cut);
	/* It was there when the configuration was read; the zones are served without it, too. */
	unlink(secret_path);
	c->notices.smtp.password = NULL;
	buf_reset(&network);
	assert_int_equal(config_cut(c, CONF_NETWORK, &network, &e), OK);
	config_free(c);
	buf_free(&network);
	buf_free(&signer);
}

#define ASKED "servers = (\"192.0.2.7\"); parent = { servers = (\"src1\"); }; "
#define WATCH(settings) "monitored = ( { name = \"c.gov\"; " settings "} );"

static void monitored_domains_are_checked_R40(void **state)
{
	static const struct {
		const char *text, *says; /* NULL: all is well */
	} cases[] = {
	    {WATCH(ASKED), NULL},
	    {WATCH("servers = (\"src1\", \"::1@5300\"); parent = { servers = (\"src1\"); }; "), NULL},
	    {WATCH(ASKED "mode = \"cds\"; thresholds = (\"P2D\"); digests = (\"SHA384\"); "), NULL},
	    {"monitored = ( { name = \"example.gov\"; interval = \"PT2H\"; } );", NULL},
	    {"monitored = ( { name = \"c.gov\"; enrolled = false; } );", NULL},
	    {WATCH(""), "needs servers and parent.servers, or a resolver"},
	    {WATCH("servers = (\"nobody\"); "), "neither a server that is defined nor a numeric"},
	    {WATCH("servers = (\"192.0.2.1@0\"); "), "neither a server that is defined nor a numeric"},
	    {WATCH("servers = (\"192.0.2.1@53x\"); "), "neither a server"},
	    {WATCH(ASKED "mode = \"both\"; "), "must be one of \"dnskey\", \"cds\", \"report\""},
	    {WATCH(ASKED "interval = \"PT0S\"; "), "interval must be a second or longer"},
	    {WATCH(ASKED "digests = (\"SHA1\"); "), "must be \"SHA256\" or \"SHA384\""},
	    {WATCH(ASKED "thresholds = (\"P1M\"); "), "must be a duration such as"},
	    {WATCH(ASKED "thresholds = (\"P1D\",\"P2D\",\"P3D\",\"P4D\",\"P5D\"); "), "at most 4"},
	    {WATCH(ASKED "bootstrap = true; "), "bootstrap needs mode = \"cds\" and a resolver"},
	    {WATCH("servers = (\"::1\"); parent = { servers = (\"src1\"); submit = \"cds\"; }; "),
		"is for zones that are signed here"},
	    {WATCH("servers = (\"::1\"); parent = { servers = (\"src1\"); submit = \"command\"; }; "),
		"needs a command"},
	    {WATCH(ASKED "}, { name = \"C.gov.\"; " ASKED), "is there twice"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[2000];
		struct config *c;

		snprintf(text, sizeof(text), "%s%s", good, cases[i].text);
		c = load(text);
		if (cases[i].says == NULL)
			assert_string_equal(said, "");
		else if (strstr(said, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].text, said);
		config_free(c);
	}
}

/* What commands write is read back, with all that was said. */
static void monitored_domains_are_kept_R40(void **state)
{
	struct config_monitored *m;
	struct config *c;
	struct err e;

	(void)state;
	config_free(load(good));
	assert_int_equal(config_add(path, WATCH(ASKED "hold_down = \"P2D\"; "), &e), OK);
	assert_int_equal(config_add(path, WATCH(ASKED), &e), ERR_FORMAT);
	assert_int_equal(
	    config_add(path, "monitored = ( { name = \"example.gov\"; enrolled = false; } );", &e), OK);
	c = load(good);
	assert_non_null(c);
	m = config_monitored(c, "C.GOV");
	assert_true(m->enrolled);
	assert_int_equal(m->hold_down, 2 * 86400);
	assert_int_equal(m->thresholds.count, 3);
	assert_string_equal(m->parent.servers.list[0], "src1");
	assert_false(config_monitored(c, "example.gov.")->enrolled);
	config_free(c);
	assert_int_equal(config_remove(path, "monitored", "c.gov.", &e), OK);
	assert_int_equal(config_remove(path, "monitored", "c.gov", &e), ERR_MISSING);
}

static int remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_contract_is_read_with_its_defaults),
	    cmocka_unit_test(each_mistake_is_named_with_file_and_line),
	    cmocka_unit_test(policies_that_cannot_be_are_refused_R25),
	    cmocka_unit_test_teardown(commands_add_and_remove_entries, clean_conf_d),
	    cmocka_unit_test_teardown(a_zone_is_given_another_policy, clean_conf_d),
	    cmocka_unit_test(shared_keys_are_nobody_elses_R26),
	    cmocka_unit_test(an_unsafe_schedule_is_a_warning_at_start_R25),
	    cmocka_unit_test(a_zone_gone_from_the_file_is_kept),
	    cmocka_unit_test(only_the_network_side_is_handed_secrets),
	    cmocka_unit_test(notices_are_checked_R50),
	    cmocka_unit_test(secrets_of_notices_reach_the_network_side_alone),
	    cmocka_unit_test(monitored_domains_are_checked_R40),
	    cmocka_unit_test_teardown(monitored_domains_are_kept_R40, clean_conf_d),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
