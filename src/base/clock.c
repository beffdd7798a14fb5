/* The clocks, and the page through which all processes see one calendar: see clock.h. */
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct clock_page {
	_Atomic int64_t calendar; /* 0: the calendar is the real time */
};

static struct clock_page *page;

static struct timespec clock_read(clockid_t id)
{
	struct timespec t = {0, 0};

	clock_gettime(id, &t);
	return t;
}

static uint64_t microseconds(clockid_t id)
{
	struct timespec t = clock_read(id);

	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

int64_t clock_real(void)
{
	return clock_read(CLOCK_REALTIME).tv_sec;
}

int64_t clock_calendar(void)
{
	int64_t shown = page == NULL ? 0 : atomic_load(&page->calendar);

	return shown != 0 ? shown : clock_real();
}

uint64_t clock_mono_us(void)
{
	return microseconds(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

uint64_t clock_cpu_us(void)
{
	return microseconds(CLOCK_PROCESS_CPUTIME_ID);
}

int clock_page_attach(int fd)
{
	void *p = mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -1;
	page = p;
	return 0;
}

int clock_page_create(const char *file)
{
	int fd = file == NULL ? memfd_create("intaglio-clock", MFD_CLOEXEC)
			      : open(file, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int64_t now = clock_real();
	void *p;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, sizeof(*page)) != 0)
		goto failed;
	p = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		goto failed;
	page = p;
	if (file == NULL)
		atomic_store(&page->calendar, 0);
	else if (atomic_load(&page->calendar) < now)
		atomic_store(&page->calendar, now);
	return fd;
failed:
	close(fd);
	return -1;
}

void clock_page_set(int64_t calendar)
{
	if (page != NULL)
		atomic_store(&page->calendar, calendar);
}

bool clock_is_virtual(void)
{
	return page != NULL && atomic_load(&page->calendar) != 0;
}
