/* clock: the only caller of the system's clocks.  Everybody else is handed `now`.
 *
 *   calendar   seconds since 1970 UTC; may be virtual: schedules, RRSIG times, SOA timers, serials
 *   monotonic  milliseconds; never virtual: socket time-outs, watchdogs, repeats of NOTIFY
 *   real       seconds since 1970 UTC, never virtual: TSIG (RFC 8945) and log lines
 *
 * The master owns one page (a memfd) with the calendar; every process attaches to it. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int64_t clock_calendar(void);
int64_t clock_real(void);
uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);
uint64_t clock_cpu_us(void); /* CPU time of this process */

/* The master: make the page and return its descriptor (to be inherited), or -1 with errno.  file: keeps a
 * virtual clock, which then goes on where it stood, if that is not in the past; NULL: time is real. */
int clock_page_create(const char *file);
/* The others: map the inherited page.  Without a page the calendar is the real time. */
int clock_page_attach(int fd);
void clock_page_set(int64_t calendar); /* virtual clock only, by its owner */
bool clock_is_virtual(void);

#endif
