/* Which template a kind of notice has: one that the operator wrote, or the one that comes with the
 * program.  See template.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "base/mem.h"
#include "notices/template.h"

static const struct builtin {
	const char *kind, *text;
} builtins[] = {
/* Made of contrib/notices/. */
#include "notices/builtin.inc"
};

struct templates {
	char *files[NOTICE_KINDS]; /* NULL: the program's own */
};

/* NULL with errno. */
static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = mem_alloc(TEMPLATE_MAX + 2);
	struct stat st;
	ssize_t n = -1;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, text, TEMPLATE_MAX + 1);
	else if (fd >= 0)
		errno = EINVAL;
	if (n > TEMPLATE_MAX || (n >= 0 && memchr(text, '\0', (size_t)n) != NULL)) {
		errno = EFBIG;
		n = -1;
	}
	if (fd >= 0)
		close(fd);
	if (n >= 0)
		return text;
	free(text);
	return NULL;
}

static void load_kind(struct templates *t, enum notice_kind k, const char *folder)
{
	char *path = mem_printf("%s/%s.txt", folder, notice_kind_name(k));

	t->files[k] = read_file(path);
	if (t->files[k] == NULL && errno != ENOENT)
		log_error("template %s cannot be used, the program's own is: %s", path,
		    errno == EFBIG    ? "it is no text, or too long"
		    : errno == EINVAL ? "it is no file"
				      : strerror(errno));
	free(path);
}

struct templates *templates_load(const char *const folders[], unsigned count)
{
	struct templates *t = mem_alloc(sizeof(*t));

	for (unsigned k = 0; k < NOTICE_KINDS; k++) {
		for (unsigned i = 0; i < count && t->files[k] == NULL; i++) {
			if (folders[i] != NULL)
				load_kind(t, (enum notice_kind)k, folders[i]);
		}
	}
	return t;
}

void templates_free(struct templates *t)
{
	for (unsigned k = 0; t != NULL && k < NOTICE_KINDS; k++)
		free(t->files[k]);
	free(t);
}

const char *template_builtin(const char *kind)
{
	for (size_t i = 0; i < MEM_COUNT(builtins); i++) {
		if (strcmp(builtins[i].kind, kind) == 0)
			return builtins[i].text;
	}
	return NULL;
}

static const char *text_for(const struct templates *t, enum notice_kind k)
{
	const char *text =
	    t->files[k] != NULL ? t->files[k] : template_builtin(notice_kind_name(k));

	return text == NULL ? "{kind}\n" : text;
}

void templates_fill(
    const struct templates *t, const struct notice *n, uint64_t id, struct notice_text *out)
{
	template_fill(text_for(t, n->kind), n, id, out);
}

void templates_subject(
    const struct templates *t, const struct notice *n, uint64_t id, struct buf *out)
{
	template_subject(text_for(t, n->kind), n, id, out);
}
