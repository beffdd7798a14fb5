/* notify: telling the service manager how we are (sd_notify's protocol: one datagram). */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

void notify_ready(void);
void notify_stopping(void);

#endif
