/* letter: a notice as it goes out: a mail (RFC 5322, plain text in UTF-8), or JSON for programs. */
#ifndef NOTICES_LETTER_H
#define NOTICES_LETTER_H

#include "notices/template.h"

#define LETTER_MAX (110 * 1024) /* octets; the rest of a longer text is left out, and it says so   \
				 */

/* from, to: plain addresses, checked before.  The same notice always has the same Message-ID. */
void letter_mail(const struct notice_row *r, const struct notice_text *t, const char *from,
    const char *to, struct buf *out);
/* { "id", "message_id", "kind", "zone", "at", "until", "subject", "text", "fields": { ... } } */
void letter_json(
    const struct notice_row *r, const struct notice_text *t, const char *from, struct buf *out);

#endif
