/* Log lines: see log.h.  Used by every process. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/period.h"

static struct {
	char role[24];
	bool use_syslog;
	enum log_level most;
} settings = {"intaglio", false, LOG_LEVEL_NOTICE};

static const struct {
	const char *name;
	int priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
    [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LOG_LEVEL_NOTICE] = {"notice", LOG_NOTICE},
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

void log_open(const char *role, bool use_syslog, enum log_level most)
{
	snprintf(settings.role, sizeof(settings.role), "%s", role);
	settings.use_syslog = use_syslog;
	settings.most = most;
	if (use_syslog)
		openlog("intagliod", LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

/* A line is one event: whatever a peer's text holds, it does not begin another. */
static void flatten(char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = ' ';
	}
}

static void log_line(enum log_level level, const char *fmt, va_list ap)
{
	char text[1200], stamp[TIME_TEXT_SIZE], line[1400];
	int len;

	if (level > settings.most)
		return;
	vsnprintf(text, sizeof(text), fmt, ap);
	flatten(text);
	if (settings.use_syslog) {
		syslog(
		    levels[level].priority, "%s: %s: %s", settings.role, levels[level].name, text);
		return;
	}
	time_text(clock_real(), stamp);
	len = snprintf(line, sizeof(line), "%s %s[%d] %s: %s\n", stamp, settings.role,
	    (int)getpid(), levels[level].name, text);
	/* One write, so that lines of several processes do not mix. */
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
		return;
}

#define LOG_FUNCTION(name, level)                                                                  \
	void name(const char *fmt, ...)                                                            \
	{                                                                                          \
		va_list ap;                                                                        \
		va_start(ap, fmt);                                                                 \
		log_line(level, fmt, ap);                                                          \
		va_end(ap);                                                                        \
	}

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_notice, LOG_LEVEL_NOTICE)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
