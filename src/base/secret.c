/* Locked, wiped memory for PINs and TSIG secrets: see secret.h. */
#include "base/secret.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t secret_pages(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + 1 + page - 1) / page * page;
}

void secret_wipe(void *p, size_t len)
{
	if (p != NULL && len > 0)
		explicit_bzero(p, len);
}

void secret_free(struct secret *s)
{
	if (s->data != NULL) {
		secret_wipe(s->data, s->len);
		munmap(s->data, secret_pages(s->len));
	}
	s->data = NULL;
	s->len = 0;
}

void secret_set(struct secret *s, const void *data, size_t len)
{
	size_t size = secret_pages(len);
	uint8_t *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		abort();
	/* Both are a second fence only: without the right to lock, the secret still serves. */
	if (mlock(p, size) != 0 || madvise(p, size, MADV_DONTDUMP) != 0)
		madvise(p, size, MADV_DONTDUMP);
	if (len > 0)
		memcpy(p, data, len);
	secret_free(s);
	s->data = p;
	s->len = len;
}

int secret_read_file(struct secret *s, const char *path, struct err *e)
{
	uint8_t text[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "reading the secret in %s", path);
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n < 0)
		return err_sys(e, "reading the secret in %s", path);
	uint8_t *newline = memchr(text, '\n', (size_t)n);
	size_t len = newline == NULL ? (size_t)n : (size_t)(newline - text);

	if (len > 0 && text[len - 1] == '\r')
		len--;
	if (len > 0)
		secret_set(s, text, len);
	secret_wipe(text, sizeof(text));
	if (len == 0)
		return err_set(
		    e, ERR_FORMAT, "%s: the first line is empty; it must hold the secret", path);
	return OK;
}

int secret_from_base64(struct secret *s, const char *text, struct err *e)
{
	uint8_t raw[1024];
	size_t len = strlen(text), padding = 0;
	int n = -1;

	while (padding < 2 && len > padding && text[len - 1 - padding] == '=')
		padding++;
	if (len > 0 && len % 4 == 0 && len / 4 * 3 <= sizeof(raw))
		n = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)len);
	if (n < 0 || (size_t)n <= padding)
		return err_set(e, ERR_FORMAT, "the secret is not base64");
	secret_set(s, raw, (size_t)n - padding);
	secret_wipe(raw, sizeof(raw));
	return OK;
}
