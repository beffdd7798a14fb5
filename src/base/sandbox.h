/* sandbox: what a process gives up for good. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include "base/err.h"

enum sandbox_limit {
	SANDBOX_NO_INTERNET = 1, /* socket(2) for anything but Unix sockets fails */
	SANDBOX_NO_EXEC = 2,     /* execve(2) fails */
	SANDBOX_DIE_WITH_PARENT = 4 /* killed when the parent ends, however it does */
};

/* Become `user` (NULL, or not root: stay what we are) with its groups. */
int sandbox_drop(const char *user, struct err *e);
/* No new privileges, no core dumps, and the limits. */
int sandbox_enter(unsigned limits, struct err *e);

#endif
