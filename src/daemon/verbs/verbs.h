/* verbs: what the signing side knows of the operator's verbs.  Included by signer.h. */
#ifndef DAEMON_VERBS_VERBS_H
#define DAEMON_VERBS_VERBS_H

#include <stdint.h>

struct key_policy;
struct sign_result;
struct signer;
struct signer_zone;

const struct key_policy *verbs_policy_of(void *signer, const uint8_t *apex); /* for keys_each */
void verbs_zone_register(struct signer *s);
void verbs_key_register(struct signer *s);
void verbs_conf_register(struct signer *s);
void verbs_status_register(struct signer *s);
void verbs_notice_register(struct signer *s);
void verbs_life_register(struct signer *s);
void verbs_plan_register(struct signer *s);
void verbs_policy_register(struct signer *s);
void verbs_policy_check_register(struct signer *s);
void verbs_time_register(struct signer *s);
/* A zone's step ended: tell the commands that wait for it. */
void verbs_zone_progress(struct signer_zone *z, const char *phase, uint64_t done, uint64_t total);
void verbs_zone_signed(struct signer_zone *z, const struct sign_result *r);
void verbs_zone_stuck(struct signer_zone *z); /* z->problem says why */

#endif
