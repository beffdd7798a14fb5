/* Servers and TSIG keys for the network rooms: see network/peers.h.  Both sides read their cut of
 * the configuration with network_read_cut. */
#include "daemon/network/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "base/log.h"
#include "base/mem.h"

struct network_peers {
	struct tsig_key *keys;
	unsigned key_count;
	struct peer *peers;
	unsigned peer_count;
	struct arena *arena; /* of the lists */
};

struct config *network_read_cut(int fd, struct err *e)
{
	struct stat st;
	struct config *c;
	char *text;
	void *p;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) {
		err_set(e, ERR_FORMAT, "it did not arrive");
		return NULL;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		err_sys(e, "mapping it");
		return NULL;
	}
	text = mem_alloc((size_t)st.st_size + 1);
	memcpy(text, p, (size_t)st.st_size);
	munmap(p, (size_t)st.st_size);
	c = config_parse_cut(text, e);
	explicit_bzero(text, (size_t)st.st_size);
	free(text);
	return c;
}

static void take_key(struct network_peers *p, const struct config_tsig_key *from)
{
	struct tsig_key *k = &p->keys[p->key_count];
	struct err e;

	if (from->secret == NULL || name_parse(from->name, k->name) != OK ||
	    secret_from_base64(&k->secret, from->secret, &e) != OK) {
		log_error("TSIG key %s: the secret is not base64; whoever needs the key is refused",
		    from->name);
		return;
	}
	k->algorithm = (enum tsig_algorithm)from->algorithm;
	p->key_count++;
}

static const struct tsig_key *key_by_text(const struct network_peers *p, const char *text)
{
	uint8_t name[NAME_MAX_LEN];

	if (text == NULL || name_parse(text, name) != OK)
		return NULL;
	for (unsigned i = 0; i < p->key_count; i++) {
		if (name_equal(p->keys[i].name, name))
			return &p->keys[i];
	}
	return NULL;
}

/* A server whose key cannot be used must not be spoken to without one. */
static bool take_peer(struct network_peers *p, const struct config_server *from)
{
	struct peer *to = &p->peers[p->peer_count];

	memset(to, 0, sizeof(*to));
	snprintf(to->name, sizeof(to->name), "%s", from->name);
	to->use_ixfr = from->ixfr;
	to->tsig = key_by_text(p, from->tsig);
	to->notify_tsig = key_by_text(p, from->notify_tsig);
	if (peer_address_parse(from->address, (uint16_t)from->port, &to->address) != OK)
		return false;
	if (from->local != NULL && peer_address_parse(from->local, 0, &to->local) != OK)
		return false;
	return (from->tsig == NULL || to->tsig != NULL) &&
	       (from->notify_tsig == NULL || to->notify_tsig != NULL);
}

struct network_peers *network_peers_new(const struct config *c)
{
	struct network_peers *p = mem_alloc(sizeof(*p));
	const struct config_tsig_key *k = c->tsig_keys.items;
	const struct config_server *s = c->servers.items;

	p->arena = arena_new();
	p->keys = mem_array(c->tsig_keys.count, sizeof(*p->keys));
	p->peers = mem_array(c->servers.count, sizeof(*p->peers));
	for (unsigned i = 0; i < c->tsig_keys.count; i++)
		take_key(p, &k[i]);
	for (unsigned i = 0; i < c->servers.count; i++) {
		if (take_peer(p, &s[i]))
			p->peer_count++;
		else
			log_error("server %s is not used: its address or its TSIG key cannot be",
			    s[i].name);
	}
	return p;
}

void network_peers_free(struct network_peers *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i < p->key_count; i++)
		secret_free(&p->keys[i].secret);
	arena_free(p->arena);
	free(p->keys);
	free(p->peers);
	free(p);
}

const struct peer *const *network_peers_list(
    struct network_peers *p, const struct conf_names *names, unsigned *count)
{
	const struct peer **list = arena_alloc(p->arena, (names->count + 1) * sizeof(*list));
	unsigned n = 0;

	for (unsigned i = 0; i < names->count; i++) {
		for (unsigned j = 0; j < p->peer_count; j++) {
			if (strcmp(p->peers[j].name, names->list[i]) == 0)
				list[n++] = &p->peers[j];
		}
	}
	*count = n;
	return list;
}

const struct peer *network_peers_find(const struct network_peers *p, const char *name)
{
	for (unsigned i = 0; i < p->peer_count; i++) {
		if (strcmp(p->peers[i].name, name) == 0)
			return &p->peers[i];
	}
	return NULL;
}

const struct tsig_key *network_peers_key(
    const struct network_peers *p, const uint8_t *name, enum tsig_algorithm a)
{
	for (unsigned i = 0; i < p->key_count; i++) {
		if (p->keys[i].algorithm == a && name_equal(p->keys[i].name, name))
			return &p->keys[i];
	}
	return NULL;
}
