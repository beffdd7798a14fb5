/* mem: allocation for sizes we choose ourselves.  These never return NULL: out of memory ends the
 * process with a log line.  Sizes that a peer controls go through buf (sticky error) instead. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

void *mem_alloc(size_t size);               /* zeroed */
void *mem_array(size_t count, size_t size); /* zeroed, overflow checked */
void *mem_grow(void *p, size_t count, size_t size);
char *mem_strdup(const char *s);            /* NULL gives NULL */
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define MEM_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif
