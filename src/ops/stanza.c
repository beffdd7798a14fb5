/* Configuration for the peers: see stanza.h.  Runs in the signing side.
 *
 * What a stanza holds (names, addresses, secret) has been checked by the configuration.  Names go
 * into quotes; what would end a quote is escaped, so that no name of a zone becomes a setting. */
#include "ops/stanza.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* In quotes, as all three parsers read it. */
static void put_quoted(struct buf *out, const char *text)
{
	buf_u8(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_u8(out, '\\');
		buf_put(out, text, 1);
	}
	buf_u8(out, '"');
}

static bool is_plain(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* A file's name made from a zone's: "0/25.2.0.192.in-addr.arpa" becomes "0_25.2...". */
static void put_file(struct buf *out, const char *zone, const char *suffix)
{
	size_t len = strlen(zone);

	buf_u8(out, '"');
	if (len > 1 && zone[len - 1] == '.')
		len--;
	for (size_t i = 0; i < len && i < 100; i++)
		buf_u8(
		    out, is_plain(zone[i]) && !(i == 0 && zone[i] == '.') ? (uint8_t)zone[i] : '_');
	buf_printf(out, "%s\"", suffix);
}

/* BIND */

static void bind_put(struct buf *out, enum stanza_side side, const struct stanza *s)
{
	buf_printf(out, "key ");
	put_quoted(out, s->key);
	buf_printf(out, " {\n\talgorithm %s;\n\tsecret \"%s\";\n};\n", s->algorithm, s->secret);
	for (unsigned i = 0; i < s->zone_count; i++) {
		buf_printf(out, "zone ");
		put_quoted(out, s->zones[i]);
		buf_printf(out, " {\n\ttype %s;\n\tfile ",
		    side == STANZA_SOURCE ? "primary" : "secondary");
		put_file(out, s->zones[i], side == STANZA_SOURCE ? ".zone" : ".signed");
		buf_printf(out, ";\n\t%s { key ",
		    side == STANZA_SOURCE ? "allow-transfer" : "allow-notify");
		put_quoted(out, s->key);
		buf_printf(out, "; };\n\t%s { %s port %u key ",
		    side == STANZA_SOURCE ? "also-notify" : "primaries", s->address, s->port);
		put_quoted(out, s->key);
		buf_printf(out, "; };\n};\n");
	}
}

/* NSD */

static void nsd_put_peer(
    struct buf *out, const char *setting, const struct stanza *s, bool with_port)
{
	buf_printf(out, "\t%s: %s", setting, s->address);
	if (with_port)
		buf_printf(out, "@%u", s->port);
	buf_u8(out, ' ');
	put_quoted(out, s->key);
	buf_u8(out, '\n');
}

static void nsd_put(struct buf *out, enum stanza_side side, const struct stanza *s)
{
	buf_printf(out, "key:\n\tname: ");
	put_quoted(out, s->key);
	buf_printf(out, "\n\talgorithm: %s\n\tsecret: \"%s\"\n", s->algorithm, s->secret);
	for (unsigned i = 0; i < s->zone_count; i++) {
		buf_printf(out, "zone:\n\tname: ");
		put_quoted(out, s->zones[i]);
		buf_printf(out, "\n\tzonefile: ");
		put_file(out, s->zones[i], side == STANZA_SOURCE ? ".zone" : ".signed");
		buf_u8(out, '\n');
		nsd_put_peer(out, side == STANZA_SOURCE ? "provide-xfr" : "allow-notify", s, false);
		nsd_put_peer(out, side == STANZA_SOURCE ? "notify" : "request-xfr", s, true);
	}
}

/* Knot DNS */

static void knot_put_peer(struct buf *out, enum stanza_side side, const struct stanza *s)
{
	const char *id = side == STANZA_SOURCE ? "intaglio-in" : "intaglio-out";

	buf_printf(
	    out, "remote:\n  - id: %s\n    address: %s@%u\n    key: ", id, s->address, s->port);
	put_quoted(out, s->key);
	buf_printf(out, "\nacl:\n  - id: %s\n    address: %s\n    key: ", id, s->address);
	put_quoted(out, s->key);
	buf_printf(out, "\n    action: %s\nzone:\n", side == STANZA_SOURCE ? "transfer" : "notify");
}

static void knot_put(struct buf *out, enum stanza_side side, const struct stanza *s)
{
	const char *id = side == STANZA_SOURCE ? "intaglio-in" : "intaglio-out";

	buf_printf(out, "key:\n  - id: ");
	put_quoted(out, s->key);
	buf_printf(out, "\n    algorithm: %s\n    secret: %s\n", s->algorithm, s->secret);
	knot_put_peer(out, side, s);
	for (unsigned i = 0; i < s->zone_count; i++) {
		buf_printf(out, "  - domain: ");
		put_quoted(out, s->zones[i]);
		buf_printf(out, "\n    file: ");
		put_file(out, s->zones[i], side == STANZA_SOURCE ? ".zone" : ".signed");
		buf_printf(out, "\n    %s: %s\n    acl: %s\n",
		    side == STANZA_SOURCE ? "notify" : "master", id, id);
	}
}

/* The table of them */

static const struct {
	const char *title;
	void (*put)(struct buf *out, enum stanza_side side, const struct stanza *s);
} servers[STANZA_SERVERS] = {
    [STANZA_BIND] = {"BIND: named.conf", bind_put},
    [STANZA_NSD] = {"NSD: nsd.conf", nsd_put},
    [STANZA_KNOT] = {"Knot DNS: knot.conf", knot_put},
};

const char *stanza_title(enum stanza_server server)
{
	return servers[server].title;
}

void stanza_put(
    struct buf *out, enum stanza_server server, enum stanza_side side, const struct stanza *s)
{
	servers[server].put(out, side, s);
}

void stanza_put_all(struct buf *out, const struct stanza *s)
{
	for (int side = 0; side < STANZA_SIDES; side++) {
		for (int server = 0; server < STANZA_SERVERS; server++) {
			buf_printf(out, "# %s, %s\n", servers[server].title,
			    side == STANZA_SOURCE
				? "as a source: lets intaglio transfer the unsigned zone and "
				  "notifies it"
				: "as a destination: transfers the signed zone and heeds NOTIFY");
			stanza_put(out, server, side, s);
			buf_u8(out, '\n');
		}
	}
}
