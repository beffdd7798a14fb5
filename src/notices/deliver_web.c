/* The webhook: notices are posted as JSON, signed with a secret that both sides know.  Nothing but
 * the URL that was configured is ever spoken to: no redirections, no proxies, no other protocols.
 * What it answers is not trusted. */
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "notices/deliver_internal.h"

#define SITE_MAX 200
#define SAID_MAX 200
#define ANSWER_MAX (64 * 1024) /* octets, header and all */

struct post {
	struct post *next;
	struct job *job;
	CURL *easy;
	struct curl_slist *headers;
	char errors[CURL_ERROR_SIZE];
	char site[SITE_MAX];
	char said[SAID_MAX]; /* how the answer's body begins */
	size_t said_len, heard;
};

/* Without what may be secret in it: user, path and query. */
static void site_of(const char *url, char out[SITE_MAX])
{
	const char *host = strstr(url, "://"), *at;
	size_t len;

	host = host == NULL ? url : host + 3;
	len = strcspn(host, "/?#");
	at = memchr(host, '@', len);
	if (at != NULL) {
		len -= (size_t)(at + 1 - host);
		host = at + 1;
	}
	snprintf(out, SITE_MAX, "%.*s", (int)len, host);
}

static void post_free(struct post *p)
{
	struct deliver *d = p->job->deliver;
	struct post **at = &d->posts;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	wire_remove(d->web, p->easy);
	curl_easy_cleanup(p->easy);
	curl_slist_free_all(p->headers);
	free(p);
}

/* Too many requests, or too slow ones, are a matter of time; so is what the server itself has done
 * wrong. */
static bool is_final(long status)
{
	return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

static void judge_status(const struct post *p, long status, struct verdict *v)
{
	struct buf said = {0};

	if (status >= 200 && status < 300)
		return;
	v->code = status == 429 || status == 503 ? ERR_AGAIN : ERR_REFUSED;
	v->is_permanent = is_final(status);
	text_escape(&said, p->said, strcspn(p->said, "\r\n"), false);
	snprintf(v->why, sizeof(v->why), "webhook at %s: it answered %ld%s%s%.*s", p->site, status,
	    status >= 300 && status < 400 ? ", which leads elsewhere and is not followed" : "",
	    said.len == 0 ? "" : ": ", (int)said.len, (const char *)said.data);
	buf_free(&said);
}

static void judge(const struct post *p, CURLcode code, struct verdict *v)
{
	long status = 0;

	curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && (code == CURLE_OK || p->heard > ANSWER_MAX)) {
		judge_status(p, status, v);
		return;
	}
	v->code = code == CURLE_OPERATION_TIMEDOUT ? ERR_TIMEOUT : ERR_CLOSED;
	snprintf(v->why, sizeof(v->why), "webhook at %s: %s%s", p->site,
	    wire_words(code, p->errors),
	    code == CURLE_PEER_FAILED_VERIFICATION ? " (whom to trust says notices.webhook.ca_file)"
						   : "");
}

static bool post_done(void *arg, CURL *easy, CURLcode code)
{
	struct verdict v = {.code = OK};
	struct post *p;
	struct job *j;

	(void)arg;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &p);
	j = p->job;
	judge(p, code, &v);
	post_free(p);
	deliver_finish(j, &v);
	return true;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct post *p = arg;

	(void)data;
	p->heard += size * count;
	return p->heard > ANSWER_MAX ? 0 : size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
	struct post *p = arg;
	size_t len = size * count, room = sizeof(p->said) - 1 - p->said_len;

	memcpy(p->said + p->said_len, data, len < room ? len : room);
	p->said_len += len < room ? len : room;
	p->heard += len;
	return p->heard > ANSWER_MAX ? 0 : len;
}

static void add_header(struct post *p, const char *line)
{
	struct curl_slist *longer = curl_slist_append(p->headers, line);

	if (longer == NULL)
		abort();
	p->headers = longer;
}

static void add_signature(struct post *p, const struct secret *key)
{
	char line[64 + 2 * EVP_MAX_MD_SIZE] = "X-Intaglio-Signature: sha256=";
	uint8_t mac[EVP_MAX_MD_SIZE];
	const struct buf *body = &p->job->body;
	size_t len = strlen(line);
	unsigned n = 0;

	if (HMAC(EVP_sha256(), key->data, (int)key->len, body->data, body->len, mac, &n) == NULL)
		abort();
	for (unsigned i = 0; i < n; i++, len += 2)
		snprintf(line + len, sizeof(line) - len, "%02x", mac[i]);
	add_header(p, line);
}

static void set_request(struct post *p, const struct deliver *d)
{
	add_header(p, "Content-Type: application/json");
	add_header(p, "Expect:"); /* no round trip to ask whether it may be sent */
	if (d->key.data != NULL)
		add_signature(p, &d->key);
	curl_easy_setopt(p->easy, CURLOPT_PRIVATE, p);
	curl_easy_setopt(p->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(p->easy, CURLOPT_USERAGENT, "intaglio");
	curl_easy_setopt(p->easy, CURLOPT_HTTPHEADER, p->headers);
	curl_easy_setopt(p->easy, CURLOPT_POSTFIELDSIZE, (long)p->job->body.len);
	curl_easy_setopt(p->easy, CURLOPT_POSTFIELDS, p->job->body.data);
	curl_easy_setopt(p->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(p->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(p->easy, CURLOPT_HEADERDATA, p);
	curl_easy_setopt(p->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(p->easy, CURLOPT_WRITEDATA, p);
}

void web_start(struct deliver *d, struct job *j)
{
	struct post *p = mem_alloc(sizeof(*p));
	const struct deliver_webhook *c = &d->settings.webhook;

	p->job = j;
	p->next = d->posts;
	d->posts = p;
	site_of(c->url, p->site);
	if (d->web == NULL)
		d->web = wire_new(d->loop, post_done, d);
	p->easy = wire_easy(
	    c->url, "http,https", c->ca_file, deliver_patience(d, DELIVER_WEBHOOK), p->errors);
	set_request(p, d);
	wire_add(d->web, p->easy);
}

void web_free(struct deliver *d)
{
	while (d->posts != NULL) {
		struct job *j = d->posts->job;

		post_free(d->posts);
		deliver_give_up(j);
	}
	wire_free(d->web);
	d->web = NULL;
}
