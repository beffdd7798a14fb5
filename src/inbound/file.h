/* file: zones that come from a master file on this machine, and the watch on such files. */
#ifndef INBOUND_FILE_H
#define INBOUND_FILE_H

#include <stdbool.h>
#include "inbound/internal.h"

struct input_file;

/* path is copied. */
struct input_file *file_new(struct zone *z, const char *path);
void file_free(struct input_file *f); /* NULL is fine */
const char *file_path(const struct input_file *f);
/* Read it when its turn comes, then zone_file_done or inbound_hand_over.  Unless it must, a file with
 * the serial we have is not read to its end. */
void file_read(struct input_file *f);
/* The next reading hands the file over whatever its serial is. */
void file_force(struct input_file *f);
void file_watch_free(struct file_watch *w); /* NULL is fine */

#endif
