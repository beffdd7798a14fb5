/* Allocation that dies rather than fail: see mem.h. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"

static void *checked(void *p, size_t size)
{
	if (p == NULL) {
		log_error("out of memory: %zu octets were asked for", size);
		abort();
	}
	return p;
}

void *mem_alloc(size_t size)
{
	return mem_array(1, size);
}

void *mem_array(size_t count, size_t size)
{
	if (count == 0 || size == 0)
		count = size = 1;
	return checked(calloc(count, size), size);
}

void *mem_grow(void *p, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		checked(NULL, SIZE_MAX);
	return checked(realloc(p, count * size == 0 ? 1 : count * size), count * size);
}

char *mem_strdup(const char *s)
{
	return s == NULL ? NULL : checked(strdup(s), strlen(s) + 1);
}

char *mem_printf(const char *fmt, ...)
{
	va_list ap;
	char *text = NULL;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	return checked(len < 0 ? NULL : text, 0);
}
