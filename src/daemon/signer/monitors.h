/* signer_monitors: what the rest of the signing side needs of watched domains (signer/monitor.h has the
 * rest). */
#ifndef DAEMON_SIGNER_MONITORS_H
#define DAEMON_SIGNER_MONITORS_H

#include <stdbool.h>

struct signer;
struct monitors;

void signer_monitors_configure(struct signer *s); /* after its zones */
void signer_monitors_free(struct signer *s);
bool signer_monitors_are_busy(const struct signer *s);
void verbs_monitor_register(struct signer *s);

#endif
