noinst_LIBRARIES += libconfiguration.a
libconfiguration_a_SOURCES = \
	src/daemon/config/config.c src/daemon/config/config.h \
	src/daemon/config/check.c src/daemon/config/check_monitored.c src/daemon/config/check_notices.c \
	src/daemon/config/check_policy.c \
	src/daemon/config/edit.c src/daemon/config/index.c src/daemon/config/internal.h \
	src/daemon/config/policy.c src/daemon/config/tables.c

sbin_PROGRAMS += intagliod
intagliod_SOURCES = \
	src/daemon/hook.c src/daemon/hook.h src/daemon/main.c src/daemon/notify.c \
	src/daemon/notify.h src/daemon/process.c src/daemon/process.h src/daemon/proto.h \
	src/daemon/role.h src/daemon/worker.c \
	src/daemon/master/hooks.c src/daemon/master/internal.h src/daemon/master/master.c \
	src/daemon/master/master.h src/daemon/master/requests.c src/daemon/master/sockets.c \
	src/daemon/master/workers.c \
	src/daemon/network/deliver.c src/daemon/network/handed.c \
	src/daemon/network/internal.h src/daemon/network/leap.c \
	src/daemon/network/network.c src/daemon/network/peers.c src/daemon/network/peers.h \
	src/daemon/network/probe.c \
	src/daemon/signer/alert.c src/daemon/signer/alert.h \
	src/daemon/signer/beside.c src/daemon/signer/busy.c \
	src/daemon/signer/cds.c src/daemon/signer/dsync.c src/daemon/signer/dsync.h \
	src/daemon/signer/chain.c src/daemon/signer/chain.h \
	src/daemon/signer/check.c src/daemon/signer/check.h src/daemon/signer/deliver.c \
	src/daemon/signer/deliver.h src/daemon/signer/destinations.c \
	src/daemon/signer/destinations.h src/daemon/signer/early.c \
	src/daemon/signer/facts.c src/daemon/signer/find.c src/daemon/signer/finder.c \
	src/daemon/signer/finder.h src/daemon/signer/group.c src/daemon/signer/heartbeat.c \
	src/daemon/signer/handover.c src/daemon/signer/handover.h \
	src/daemon/signer/holds.c src/daemon/signer/leap.c src/daemon/signer/life.c \
	src/daemon/signer/life.h src/daemon/signer/network.c src/daemon/signer/network.h \
	src/daemon/signer/notices.c src/daemon/signer/notices.h \
	src/daemon/signer/notices_internal.h src/daemon/signer/notices_send.c \
	src/daemon/signer/observe.c src/daemon/signer/observe.h src/daemon/signer/parent.c \
	src/daemon/signer/parent.h src/daemon/signer/parent_keep.c \
	src/daemon/signer/parent_says.c src/daemon/signer/parent_valid.c \
	src/daemon/signer/policy.c src/daemon/signer/probe.c \
	src/daemon/signer/rebuild.c src/daemon/signer/requests.c \
	src/daemon/signer/runway.c src/daemon/signer/runway.h src/daemon/signer/schedule.c \
	src/daemon/signer/share.c src/daemon/signer/signer.c src/daemon/signer/signer.h \
	src/daemon/signer/store.c src/daemon/signer/submit.c src/daemon/signer/submit.h \
	src/daemon/signer/turns.c \
	src/daemon/signer/alarms.c src/daemon/signer/history.c \
	src/daemon/signer/statuses.c src/daemon/signer/statuses.h src/daemon/signer/tell.c \
	src/daemon/signer/tell.h src/daemon/signer/tokens.c src/daemon/verbs/zone_history.c \
	src/daemon/signer/turns.h src/daemon/signer/update.c src/daemon/signer/update.h \
	src/daemon/signer/watch.c src/daemon/signer/zones.c \
	src/daemon/verbs/backup.c src/daemon/verbs/conf.c src/daemon/verbs/destinations.c \
	src/daemon/verbs/diagnose.c src/daemon/verbs/diagnose.h \
	src/daemon/verbs/diagnose_answer.c src/daemon/verbs/diagnose_fix.c \
	src/daemon/verbs/each.c \
	src/daemon/verbs/internal.h src/daemon/verbs/key.c src/daemon/verbs/key_each.c \
	src/daemon/verbs/key_make.c src/daemon/verbs/key_show.c src/daemon/verbs/life.c src/daemon/verbs/notice.c \
	src/daemon/verbs/plan.c src/daemon/verbs/policy.c src/daemon/verbs/policy_check.c \
	src/daemon/verbs/status.c src/daemon/verbs/verbs.h src/daemon/verbs/words.c src/daemon/verbs/zone.c \
	src/daemon/verbs/zone_export.c src/daemon/verbs/zone_show.c src/daemon/verbs/zone_sign.c
intagliod_SOURCES += \
	src/daemon/signer/monitor.h src/daemon/signer/monitor_judge.c \
	src/daemon/signer/monitor_keep.c src/daemon/signer/monitor_look.c \
	src/daemon/signer/monitor_look.h src/daemon/signer/monitor_tell.c \
	src/daemon/signer/monitor_trust.c src/daemon/signer/monitors.c \
	src/daemon/signer/monitors.h src/daemon/verbs/monitor.c src/daemon/verbs/monitor_show.c
intagliod_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
intagliod_LDADD = libconfiguration.a $(OPS_LIBS) $(NOTICES_LIBS) libtrouble.a libsign.a libinbound.a liboutbound.a $(WATCH_LIBS) $(DELIVER_LIBS) $(KEYS_LIBS) \
	$(TOKEN_CLIENT_LIBS) $(TOKEN_LOCAL_LIBS) $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS) -lpthread -ldl

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_config tests/unit/test_deliver tests/unit/test_hook
UNIT_TESTS += tests/unit/test_config tests/unit/test_deliver tests/unit/test_hook
endif
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_LDADD = libconfiguration.a libdeliver.a $(KEYS_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_hook_SOURCES = tests/unit/test_hook.c src/daemon/hook.c src/daemon/hook.h \
	src/daemon/process.c src/daemon/process.h
tests_unit_test_hook_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_deliver_SOURCES = tests/unit/test_deliver.c src/daemon/signer/deliver.c \
	src/daemon/signer/deliver.h
tests_unit_test_deliver_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
