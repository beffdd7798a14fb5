/* file: zones that come from a master file on this machine, and the watch on such files. */
#ifndef INBOUND_FILE_H
#define INBOUND_FILE_H

#include <stdbool.h>
#include <sys/stat.h>
#include "inbound/internal.h"

struct input_file {
	struct zone *zone;
	char *path;
	struct gate_ticket ticket;
	struct reading *reading; /* under way; NULL: none */
	int watch;               /* inotify's number of the directory; -1: none */
	bool is_touched;         /* something happened to it: look whether it changed */
	bool must;               /* hand it over whatever its serial is */
	struct stat seen;        /* when it was last read; st_ino 0: never */
};

/* file.c.  path is copied. */
struct input_file *file_new(struct zone *z, const char *path);
void file_free(struct input_file *f); /* NULL is fine */
/* Read it when its turn comes, then zone_file_done or inbound_hand_over.  Unless it must, a file with
 * the serial we have is not read to its end. */
void file_read(struct input_file *f);
uint64_t file_mark(const struct input_file *f); /* of what was read last; 0: nothing was */

/* file_watch.c */
void file_watch_directory(struct input_file *f); /* again before each reading */
void file_watch_free(struct file_watch *w);      /* NULL is fine */
/* Is it still the file that has this mark (not 0)?  Then it counts as read. */
bool file_watch_resume(struct input_file *f, uint64_t mark);

#endif
