/* The counters that faultmod.so keeps in the file that FAULTMOD_COUNTS names. */
#ifndef TESTS_TOKEN_FAULTMOD_H
#define TESTS_TOKEN_FAULTMOD_H

#include <stdbool.h>

#define FAULTMOD_FUNCTIONS 40

struct faultmod_count {
	char name[28];
	unsigned calls;
};

#endif
