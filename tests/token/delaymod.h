/* What delaymod.so keeps in the file that DELAYMOD_FILE names: mapped and shared by all processes that
 * have it loaded, so that a test can look at it, and change the delay, while they sign. */
#ifndef TESTS_TOKEN_DELAYMOD_H
#define TESTS_TOKEN_DELAYMOD_H

#include <stdatomic.h>
#include <stdint.h>

#define DELAYMOD_SIZE ((uint64_t)64 << 20) /* of the file: it has holes */

/* Of C_Sign, in all processes together.  A test may set all to 0 while nobody signs. */
struct delaymod_counts {
	atomic_uint_fast64_t calls; /* that have returned */
	atomic_uint_fast64_t in_call, most_in_call;
	atomic_uint_fast64_t first_us, last_us; /* monotonic: the first one began, the last one ended */
	atomic_uint_fast64_t sum_us; /* of their times: / (last - first) is the mean concurrency */
};

struct delaymod_file {
	uint64_t used; /* octets of objects, see delaymod.c */
	atomic_uint_fast64_t delay_us;
	struct delaymod_counts counts;
	_Alignas(16) uint8_t objects[];
};

#endif
