/* libcurl's multi interface driven by our loop: it says which descriptors and which time-out it
 * waits for, and is told when there is news.  Network side. */
#include <stdlib.h>
#include "base/mem.h"
#include "notices/deliver_internal.h"

struct wire {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	wire_done_fn *done;
	void *arg;
};

static void collect(struct wire *w)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(w->multi, &left)) != NULL) {
		/* The message is gone with the transfer. */
		CURL *easy = m->easy_handle;
		CURLcode code = m->data.result;

		if (m->msg == CURLMSG_DONE && !w->done(w->arg, easy, code))
			return;
	}
}

static void socket_ready(void *arg, int fd, int io)
{
	struct wire *w = arg;
	int mask =
	    (io & LOOP_READ ? CURL_CSELECT_IN : 0) | (io & LOOP_WRITE ? CURL_CSELECT_OUT : 0);
	int running;

	curl_multi_socket_action(w->multi, fd, mask, &running);
	collect(w);
}

static void timer_due(void *arg)
{
	struct wire *w = arg;
	int running;

	curl_multi_socket_action(w->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(w);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct wire *w = arg;
	struct loop_watch *watch = known;
	int io = (what & CURL_POLL_IN ? LOOP_READ : 0) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0);

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		loop_watch_free(watch);
		curl_multi_assign(w->multi, fd, NULL);
	} else if (watch != NULL) {
		loop_watch_set(watch, io);
	} else {
		curl_multi_assign(w->multi, fd, loop_watch(w->loop, fd, io, socket_ready, w));
	}
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
	struct wire *w = arg;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(w->timer);
	else
		loop_timer_set(w->timer, (uint64_t)ms);
	return 0;
}

struct wire *wire_new(struct loop *l, wire_done_fn *done, void *arg)
{
	struct wire *w = mem_alloc(sizeof(*w));

	w->loop = l;
	w->done = done;
	w->arg = arg;
	w->timer = loop_timer_new(l, timer_due, w);
	w->multi = curl_multi_init();
	if (w->multi == NULL)
		abort(); /* out of memory, as in base/mem.h */
	curl_multi_setopt(w->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(w->multi, CURLMOPT_SOCKETDATA, w);
	curl_multi_setopt(w->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(w->multi, CURLMOPT_TIMERDATA, w);
	return w;
}

void wire_free(struct wire *w)
{
	if (w == NULL)
		return;
	curl_multi_cleanup(w->multi);
	loop_timer_free(w->timer);
	free(w);
}

void wire_add(struct wire *w, CURL *easy)
{
	curl_multi_add_handle(w->multi, easy); /* which sets the timer */
}

void wire_remove(struct wire *w, CURL *easy)
{
	curl_multi_remove_handle(w->multi, easy);
}

/* No signals: time-outs of look-ups would use them.  A name is looked up in a thread that libcurl
 * makes for it; with QUICK_EXIT nobody waits for one whose answer is not wanted any more.  What the
 * environment says of proxies is not for us. */
CURL *wire_easy(
    const char *url, const char *protocols, const char *ca_file, uint64_t patience_ms, char *errors)
{
	CURL *easy = curl_easy_init();

	if (easy == NULL)
		abort();
	errors[0] = '\0';
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, errors);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(patience_ms / 2));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)patience_ms);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	if (ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
	return easy;
}

const char *wire_words(CURLcode code, const char *errors)
{
	return errors[0] != '\0' ? errors : curl_easy_strerror(code);
}
