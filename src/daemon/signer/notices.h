/* signer/notices: what operators and contacts are told (R50).  Included by signer.h. */
#ifndef DAEMON_SIGNER_NOTICES_H
#define DAEMON_SIGNER_NOTICES_H

#include "notices/notice.h"
#include "zone/store.h"

struct outbox;
struct templates;
struct signer;

/* Tell it.  It is kept if the write is: for wherever the state that is reported is written.  OK
 * also when it was told before. */
int signer_notice_in(
    struct signer *s, struct store_write *w, const struct notice *n, struct err *e);
/* The same in a write of its own, soon; what cannot be written is logged. */
void signer_notice(struct signer *s, const struct notice *n);
/* With the zone: one of the same name is told everything anew. */
int signer_notices_forget(
    struct signer *s, struct store_write *w, const uint8_t *apex, struct err *e);

void signer_notices_configure(struct signer *s); /* the configuration was read */
bool signer_notices_is_busy(const struct signer *s);
void signer_notices_leap(struct signer *s); /* a leap of the clock begins */
void signer_notices_stop(struct signer *s); /* what is to be kept is kept */
void signer_notices_free(struct signer *s);

/* For the operator's verbs: rows are as they are now. */
struct outbox *signer_notices_outbox(const struct signer *s);
const struct templates *signer_notices_templates(const struct signer *s);
/* A test, to this address alone (NULL: to all who get everything): its id; ERR_MISSING and words:
 * there is nobody to send it to. */
int signer_notice_test(
    struct signer *s, const char *contact, const char *requester, uint64_t *id, struct err *e);
/* Once more, to whom it would go today. */
int signer_notice_resend(struct signer *s, uint64_t id, struct err *e);
/* fn is told how the next try for each recipient of a notice ends, as long as it returns true. */
typedef bool notice_tried_fn(
    void *arg, enum notice_channel c, const char *to, bool is_sent, const char *why);
void signer_notice_watch(struct signer *s, uint64_t id, notice_tried_fn *fn, void *arg);
/* The text of a notice; the facts of a digest are put together. */
struct notice_row;
struct notice_text;
void signer_notice_text(
    const struct signer *s, const struct notice_row *r, struct notice_text *out);

#endif
