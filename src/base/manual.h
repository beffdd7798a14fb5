/* manual: words of tables as mdoc (manual pages made from the same tables as parser and help). */
#ifndef BASE_MANUAL_H
#define BASE_MANUAL_H

#include "base/buf.h"

/* Append text: each sentence begins a line, lines are short, what mdoc would take for a request is
 * escaped.  Lines of the text that begin with a dot are requests already and stay as they are. */
void manual_text(struct buf *out, const char *text);
/* The words of a help line as a sentence: "list the zones" becomes "List the zones." */
void manual_sentence(struct buf *out, const char *words);

#endif
