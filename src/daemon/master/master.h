/* master: the first process.  It reads the configuration, binds sockets, starts the others and starts
 * them again when they die.  It parses nothing that comes from the network. */
#ifndef DAEMON_MASTER_H
#define DAEMON_MASTER_H

#include <stdbool.h>

struct master_options {
	const char *program; /* argv[0] */
	const char *config_path;
	bool foreground;
	bool verbose;
	bool virtual_clock;
};
/* Until it is told to stop; the exit status. */
int master_run(const struct master_options *o);

#endif
