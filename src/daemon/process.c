/* Processes by role: see process.h.  Runs in the master, which has no threads and no module loaded,
 * so that fork is harmless; exec follows at once. */
#include "daemon/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PACE_AT_ONCE 3
#define PACE_FIRST_MS UINT64_C(500)
#define PACE_DOUBLINGS 4
#define PACE_GOOD_MS 20000

static void child(const char *const argv[], int channel, int clock)
{
	sigset_t none;
	/* Away from the places they will have, then into them without CLOEXEC. */
	int high_channel = fcntl(channel, F_DUPFD, 10), high_clock = fcntl(clock, F_DUPFD, 10);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(high_channel, PROCESS_CHANNEL_FD) < 0 || dup2(high_clock, PROCESS_CLOCK_FD) < 0)
		_exit(126);
	close_range(PROCESS_CLOCK_FD + 1, ~0U, 0);
	execv("/proc/self/exe", (char *const *)argv); /* execv does not write there */
	_exit(127);
}

pid_t process_start(const char *const argv[], int channel, int clock)
{
	pid_t pid = fork();

	if (pid == 0)
		child(argv, channel, clock);
	return pid;
}

void process_pace_started(struct process_pace *p, uint64_t now_ms)
{
	p->started_ms = now_ms;
}

uint64_t process_pace_wait(struct process_pace *p, uint64_t now_ms)
{
	unsigned doublings;

	if (now_ms - p->started_ms > PACE_GOOD_MS)
		p->quick_ends = 0;
	if (p->quick_ends++ < PACE_AT_ONCE)
		return 0;
	doublings = p->quick_ends - PACE_AT_ONCE - 1;
	return doublings > PACE_DOUBLINGS ? PACE_FIRST_MS << PACE_DOUBLINGS
					  : PACE_FIRST_MS << doublings;
}

void process_end_text(int status, char out[64])
{
	if (WIFSIGNALED(status))
		snprintf(out, 64, "killed by signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(out, 64, "exit status %d", WEXITSTATUS(status));
}
