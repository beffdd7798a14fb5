/* process: starting and ending the other processes: the same program, executed again by role. */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_CHANNEL_FD 3 /* the role's channel, see proto.h */
#define PROCESS_CLOCK_FD 4   /* the clock page */

/* fork and exec of argv[0] = this very program; channel and clock become descriptors 3 and 4, all
 * others are closed.  The pid, or -1 with errno. */
pid_t process_start(const char *const argv[], int channel, int clock);

/* Restarts with growing pauses: three at once, then after 0.5, 1, 2, 4 and 8 s; from the start again
 * when a process has lived for 20 s. */
struct process_pace {
	uint64_t started_ms;
	unsigned quick_ends;
};
void process_pace_started(struct process_pace *p, uint64_t now_ms);
uint64_t process_pace_wait(struct process_pace *p, uint64_t now_ms); /* ms until the next start */

/* How a process ended, in words. */
void process_end_text(int status, char out[64]);

#endif
