noinst_LIBRARIES += libconfiguration.a
libconfiguration_a_SOURCES = \
	src/daemon/config.c src/daemon/config.h \
	src/daemon/config_check.c src/daemon/config_check_policy.c \
	src/daemon/config_edit.c src/daemon/config_index.c src/daemon/config_internal.h \
	src/daemon/config_policy.c src/daemon/config_tables.c

sbin_PROGRAMS += intagliod
intagliod_SOURCES = \
	src/daemon/hook.c src/daemon/hook.h \
	src/daemon/main.c src/daemon/role.h \
	src/daemon/master.c src/daemon/master.h src/daemon/master_internal.h \
	src/daemon/master_hook.c \
	src/daemon/master_requests.c \
	src/daemon/master_sockets.c \
	src/daemon/master_workers.c \
	src/daemon/network.c src/daemon/network_internal.h \
	src/daemon/network_handed.c \
	src/daemon/network_leap.c \
	src/daemon/network_probe.c \
	src/daemon/network_peers.c src/daemon/network_peers.h \
	src/daemon/notify.c src/daemon/notify.h \
	src/daemon/process.c src/daemon/process.h \
	src/daemon/proto.h \
	src/daemon/signer.c src/daemon/signer.h \
	src/daemon/signer_early.c \
	src/daemon/signer_facts.c \
	src/daemon/signer_find.c \
	src/daemon/signer_group.c \
	src/daemon/signer_holds.c \
	src/daemon/signer_leap.c \
	src/daemon/signer_life.c src/daemon/signer_life.h \
	src/daemon/signer_observe.c \
	src/daemon/signer_parent.c src/daemon/signer_parent.h \
	src/daemon/signer_parent_keep.c \
	src/daemon/signer_parent_says.c \
	src/daemon/signer_probe.c \
	src/daemon/signer_check.c \
	src/daemon/signer_rebuild.c \
	src/daemon/signer_requests.c \
	src/daemon/signer_submit.c \
	src/daemon/signer_beside.c src/daemon/signer_schedule.c src/daemon/signer_share.c \
	src/daemon/signer_store.c src/daemon/signer_turns.c src/daemon/signer_turns.h \
	src/daemon/signer_watch.c \
	src/daemon/signer_zones.c \
	src/daemon/verbs_conf.c \
	src/daemon/verbs_backup.c \
	src/daemon/verbs_each.c \
	src/daemon/verbs_internal.h \
	src/daemon/verbs_life.c \
	src/daemon/verbs_plan.c \
	src/daemon/verbs_key.c src/daemon/verbs_key_each.c \
	src/daemon/verbs_policy.c src/daemon/verbs_policy_check.c \
	src/daemon/signer_policy.c \
	src/daemon/verbs_key_make.c \
	src/daemon/verbs_key_show.c \
	src/daemon/verbs_words.c \
	src/daemon/verbs_status.c \
	src/daemon/verbs_zone.c \
	src/daemon/verbs_zone_export.c \
	src/daemon/verbs_zone_show.c \
	src/daemon/verbs_zone_sign.c \
	src/daemon/worker.c
intagliod_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) $(CRYPTO_CFLAGS)
intagliod_LDADD = libconfiguration.a $(OPS_LIBS) libsign.a libinbound.a liboutbound.a libparent.a $(KEYS_LIBS) \
	$(TOKEN_CLIENT_LIBS) $(TOKEN_LOCAL_LIBS) $(ZONE_LIBS) $(DNS_LIBS) $(BASE_LIBS) -lpthread -ldl

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_config tests/unit/test_hook
UNIT_TESTS += tests/unit/test_config tests/unit/test_hook
endif
tests_unit_test_config_SOURCES = tests/unit/test_config.c
tests_unit_test_config_LDADD = libconfiguration.a $(KEYS_LIBS) $(DNS_LIBS) $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_test_hook_SOURCES = tests/unit/test_hook.c src/daemon/hook.c src/daemon/hook.h \
	src/daemon/process.c src/daemon/process.h
tests_unit_test_hook_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
