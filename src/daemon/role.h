/* role: the main functions of the processes that the master starts. */
#ifndef DAEMON_ROLE_H
#define DAEMON_ROLE_H

int network_main(void);
int signer_main(void);

struct worker_options {
	const char *name, *module, *label, *serial, *pin_file, *user;
	unsigned sessions;
	bool session_copies;
};
int worker_main(const struct worker_options *o);

#endif
