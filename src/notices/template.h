/* template: the text of a notice, made of the template of its kind and the facts that it carries.
 *
 * A template is a text file in UTF-8:
 *
 *   # a comment
 *   Subject: {zone}: the DS of key {key_tag} is not at the parent
 *
 *   What happened: ...
 *
 * The first line is the subject.  Each line after it is a paragraph, and is wrapped.  {name} is
 * replaced by that fact; a line that names one which the notice does not have is left out.  A line
 * that is nothing but one {name} takes it as it is, with all its lines.  {{ and }} are braces.
 * Every notice has {kind}, {at} and {id}; zone and until, where it has such; the others are of its
 * kind. */
#ifndef NOTICES_TEMPLATE_H
#define NOTICES_TEMPLATE_H

#include "base/buf.h"
#include "notices/row.h"

#define TEMPLATE_MAX 20000 /* octets of a file */

struct templates;
/* Those that come with the program; a file KIND.txt in one of the folders goes before them, that of
 * an earlier folder before that of a later one.  Files that cannot be used are logged. */
struct templates *templates_load(const char *const folders[], unsigned count);
void templates_free(struct templates *t); /* NULL is fine */

struct notice_text {
	struct buf subject, body; /* UTF-8 without anything that steers; lines end in \n */
};
void templates_fill(
    const struct templates *t, const struct notice *n, uint64_t id, struct notice_text *out);
void notice_text_free(struct notice_text *t);

/* The subject alone. */
void templates_subject(
    const struct templates *t, const struct notice *n, uint64_t id, struct buf *out);

/* The part that knows no files. */
void template_fill(const char *text, const struct notice *n, uint64_t id, struct notice_text *out);
void template_subject(const char *text, const struct notice *n, uint64_t id, struct buf *out);
/* What comes with the program; NULL: none for that kind. */
const char *template_builtin(const char *kind);

#endif
