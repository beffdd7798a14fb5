/* Kinds of notice, and the small things about one: see notice.h. */
#include "notices/notice.h"

#include <string.h>
#include "base/log.h"
#include "base/mem.h"

static const struct kind {
	const char *name;
	bool is_child, is_alone;
} kinds[NOTICE_KINDS] = {
    [NOTICE_KSK_SCHEDULED] = {.name = "ksk-rollover-scheduled"},
    [NOTICE_KSK_SUCCESSFUL] = {.name = "ksk-rollover-successful"},
    [NOTICE_KSK_POSTPUBLISHED] = {.name = "ksk-postpublish-complete"},
    [NOTICE_EMERGENCY_KSK] = {.name = "emergency-ksk"},
    [NOTICE_EMERGENCY_ZSK] = {.name = "emergency-zsk"},
    [NOTICE_SOURCE_FAILED] = {.name = "source-failed-xfer"},
    [NOTICE_SOURCE_SOA_FAILED] = {.name = "source-soa-query-failed"},
    [NOTICE_DESTINATION_FAILED] = {.name = "destination-failed-xfer"},
    [NOTICE_RECOVERED] = {.name = "status-recovered"},
    [NOTICE_DS_LATE] = {.name = "ds-late"},
    [NOTICE_DS_WRONG] = {.name = "ds-wrong"},
    [NOTICE_RUNNING_OUT] = {.name = "signatures-running-out"},
    [NOTICE_TOKEN_UNREACHABLE] = {.name = "token-unreachable"},
    [NOTICE_TOKEN_BACK] = {.name = "token-back"},
    [NOTICE_CHILD_ROLLOVER] = {.name = "child-rollover-completed", .is_child = true},
    [NOTICE_CHILD_EXPIRY] = {.name = "child-rrsig-expiry", .is_child = true},
    [NOTICE_CHILD_ERROR] = {.name = "child-key-error", .is_child = true},
    [NOTICE_HEARTBEAT] = {.name = "heartbeat", .is_alone = true},
    [NOTICE_TEST] = {.name = "test", .is_alone = true},
    [NOTICE_DIGEST] = {.name = "digest", .is_alone = true},
};

const char *notice_kind_name(enum notice_kind k)
{
	return kinds[k].name;
}

bool notice_kind_find(const char *name, enum notice_kind *out)
{
	for (unsigned k = 0; k < NOTICE_KINDS; k++) {
		if (strcmp(kinds[k].name, name) == 0) {
			*out = (enum notice_kind)k;
			return true;
		}
	}
	return false;
}

bool notice_kind_is_child(enum notice_kind k)
{
	return kinds[k].is_child;
}

bool notice_kind_is_gathered(enum notice_kind k)
{
	return !kinds[k].is_alone;
}

void notice_add(struct notice *n, const char *name, const char *value)
{
	if (n->field_count < NOTICE_FIELDS_MAX)
		n->fields[n->field_count++] = (struct notice_field){name, value};
	else
		log_error("a notice of kind %s has no room for its field %s",
		    notice_kind_name(n->kind), name);
}

struct notice notice_copy(const struct notice *n, struct arena *a)
{
	struct notice copy = *n;

	if (n->apex != NULL) {
		uint8_t *apex = arena_alloc(a, name_len(n->apex));

		memcpy(apex, n->apex, name_len(n->apex));
		copy.apex = apex;
	}
	copy.occasion = arena_strdup(a, n->occasion);
	for (unsigned i = 0; i < n->field_count; i++) {
		copy.fields[i].name = arena_strdup(a, n->fields[i].name);
		copy.fields[i].value = arena_strdup(a, n->fields[i].value);
	}
	return copy;
}

const char *notice_value(const struct notice *n, const char *name)
{
	for (unsigned i = 0; i < n->field_count; i++) {
		if (strcmp(n->fields[i].name, name) == 0)
			return n->fields[i].value;
	}
	return NULL;
}

const char *notice_zone(const struct notice *n, char out[NAME_TEXT_SIZE])
{
	size_t len;

	out[0] = '\0';
	if (n->apex == NULL)
		return out;
	name_text(n->apex, out);
	len = strlen(out);
	if (len > 1)
		out[len - 1] = '\0';
	return out;
}

const char *notice_channel_name(enum notice_channel c)
{
	static const char *const names[] = {"mail", "webhook", "command"};

	return names[c];
}
