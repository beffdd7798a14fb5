/* What the network side says of zones that this side does not know yet.
 *
 * A new configuration goes to both sides at once.  The network side may be the quicker one: it may
 * have transferred a new zone before this side has read of it.  Nothing of that may be lost, since
 * it is said only once (a spool that is not judged stops its zone), so it is kept until the next
 * configuration has been read. */
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "base/mem.h"
#include "daemon/signer/signer.h"

#define EARLY_MAX 65536 /* messages: more is no configuration on its way, but nonsense */

struct early {
	struct early *next;
	uint16_t type;
	size_t len;
	uint8_t apex[NAME_MAX_LEN];
	uint8_t body[]; /* what follows the apex */
};

void signer_early_keep(
    struct signer *s, const uint8_t *apex, uint16_t type, const struct reader *body)
{
	size_t len = reader_left(body);
	struct early *m, **last = &s->early;

	if (s->early_count == EARLY_MAX) {
		log_error("the network side speaks of too many zones that nobody configured");
		return;
	}
	m = mem_alloc(sizeof(*m) + len);
	m->type = type;
	m->len = len;
	memcpy(m->apex, apex, name_len(apex));
	memcpy(m->body, body->p, len);
	if (s->early_last != NULL)
		last = &s->early_last->next;
	*last = m;
	s->early_last = m;
	s->early_count++;
}

/* Those of zones that are known now; the others were of zones that are gone. */
void signer_early_replay(struct signer *s, signer_early_fn *fn)
{
	struct early *m = s->early;

	s->early = s->early_last = NULL;
	s->early_count = 0;
	while (m != NULL) {
		struct early *next = m->next;
		struct signer_zone *z = signer_zone_by_apex(s, m->apex);
		struct reader body = reader_of(m->body, m->len);

		if (z != NULL && fn != NULL)
			fn(z, m->type, &body);
		free(m);
		m = next;
	}
}
