/* The signing side: wiring of zone, sign, keys and ops to the master, the network side and the
 * token workers.  It writes the store; it has no network socket, no PIN and no PKCS#11 module. */
#include "daemon/signer/check.h"
#include "daemon/signer/signer.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sandbox.h"
#include "daemon/network/peers.h"
#include "daemon/process.h"
#include "daemon/proto.h"
#include "daemon/role.h"
#include "daemon/signer/chain.h"
#include "daemon/signer/deliver.h"
#include "daemon/signer/monitors.h"
#include "daemon/signer/network.h"

/* The master */

static void first_config(struct signer *s)
{
	struct err e;

	if (sandbox_drop(s->config->user, &e) != OK ||
	    sandbox_enter(SANDBOX_NO_INTERNET | SANDBOX_NO_EXEC | SANDBOX_DIE_WITH_PARENT, &e) !=
		OK) {
		log_error("%s", e.text);
		exit(1);
	}
	signer_store_open(s);
	s->keys = keys_new(s->loop, s->store);
	s->sign = sign_new(s->loop, s->store, signer_find_token, s, 0);
	s->ops = ops_new(s->loop);
	verbs_zone_register(s);
	verbs_key_register(s);
	verbs_conf_register(s);
	verbs_status_register(s);
	verbs_notice_register(s);
	verbs_life_register(s);
	verbs_plan_register(s);
	verbs_policy_register(s);
	verbs_policy_check_register(s);
	verbs_time_register(s);
	verbs_monitor_register(s);
	s->sandboxed = true;
}

static void take_config(struct signer *s, int fd)
{
	struct err e;
	struct config *new = network_read_cut(fd, &e);
	bool first, are_anchors_new;

	if (new == NULL) {
		log_error("the configuration cannot be taken over: %s", e.text);
		return;
	}
	config_free(s->config);
	s->config = new;
	first = !s->sandboxed;
	if (first)
		first_config(s);
	signer_tokens_configure(s);
	signer_notices_configure(s);
	are_anchors_new = signer_chain_configure(s);
	signer_zones_configure(s);
	if (are_anchors_new)
		signer_parents_look(s);
	signer_monitors_configure(s);
	signer_early_replay(s, signer_zone_message);
	if (first)
		signer_check_start(s);
}

static void take_control(struct signer *s, struct reader *body, int fd)
{
	gid_t gid = (gid_t)reader_u32(body);

	if (fd < 0 || s->ops == NULL)
		return;
	ops_listen(s->ops, fd, gid);
	channel_send(s->master, PROTO_READY, NULL, -1);
}

static void master_message(void *arg, uint16_t type, struct reader *body, int fd)
{
	struct signer *s = arg;

	switch (type) {
	case 0:
		loop_stop(s->loop);
		return;
	case PROTO_CONFIG:
		take_config(s, fd);
		break;
	case PROTO_PEER:
		signer_network_take(s, fd);
		return;
	case PROTO_CONTROL:
		take_control(s, body, fd);
		return;
	case PROTO_WORKER:
		signer_worker_take(s, body, fd);
		return;
	case PROTO_WORKER_GONE:
		signer_worker_drop(s, body);
		break;
	case PROTO_CONF_RESULT:
	case PROTO_HOOK_RESULT:
		signer_request_answer(s, body);
		break;
	default:
		log_error("the master sent a message of unknown type %u", type);
	}
	if (fd >= 0)
		close(fd);
}

static void each_minute(void *arg)
{
	struct signer *s = arg;

	signer_store_look(s);
	if (s->keys != NULL && ++s->minutes % 60 == 0)
		keys_look_for_rivals(s->keys);
	loop_timer_set(s->minute, 60000);
}

static void stop(void *arg)
{
	struct signer *s = arg;

	loop_stop(s->loop);
}

static void signer_free(struct signer *s)
{
	signer_check_stop(s); /* a thread that reads the store */
	if (s->store != NULL)
		signer_statuses_save_all(s);
	signer_alerts_save(s);
	signer_notices_stop(s);
	signer_deliveries_stop(s);
	signer_requests_fail(s);
	signer_deliveries_free(s);
	signer_leap_free(s);
	ops_free(s->ops);
	sign_free(s->sign);
	signer_early_replay(s, NULL);
	if (s->store != NULL)
		signer_monitors_free(s);
	signer_zones_free(s);
	signer_chains_free(s);
	signer_notices_free(s);
	keys_free(s->keys);
	signer_tokens_free(s);
	store_close(s->store);
	channel_free(s->network);
	channel_free(s->master);
	loop_timer_free(s->save_statuses);
	loop_timer_free(s->save_alerts);
	loop_timer_free(s->minute);
	loop_timer_free(s->token_look);
	config_free(s->config);
	loop_free(s->loop);
	free(s);
}

int signer_main(void)
{
	struct signer *s = mem_alloc(sizeof(*s));

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	s->loop = loop_new();
	s->started = clock_calendar();
	s->save_statuses = loop_timer_new(s->loop, signer_statuses_save, s);
	s->minute = loop_timer_new(s->loop, each_minute, s);
	s->token_look = loop_timer_new(s->loop, signer_tokens_look, s);
	loop_signal(s->loop, SIGTERM, stop, s);
	each_minute(s);
	signer_tokens_look(s);
	s->master = channel_new(s->loop, PROCESS_CHANNEL_FD, master_message, s);
	loop_run(s->loop);
	if (s->ops != NULL)
		signer_free(s);
	return 0;
}
