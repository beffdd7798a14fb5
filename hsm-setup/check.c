/* `intaglio-hsm check`: what a token can do, and whether intagliod can work with that. */
#include "hsm-setup/hsm.h"

#include <jansson.h>
#include <string.h>
#include "pkcs11/trial.h"

static void keep_caps(void *arg, const struct token_reply *reply)
{
	*(struct token_caps *)arg = reply->caps;
}

static json_t *algorithms_json(uint32_t set)
{
	json_t *names = json_array();
	uint8_t algorithm;
	const char *name;
	bool is_rsa;

	for (unsigned i = 0; (name = token_algorithm_name(i, &algorithm, &is_rsa)) != NULL; i++)
		if ((set & 1U << algorithm) != 0)
			json_array_append_new(names, json_string(name));
	return names;
}

static void print_json(const struct token_caps *c, const char *lacks)
{
	json_t *all = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b, s:b, s:b, s:I, s:b, s:s}",
	    "label", c->token_label, "serial", c->serial, "manufacturer", c->manufacturer, "model",
	    c->model, "module", c->module, "algorithms", algorithms_json(c->algorithms), "records",
	    (int)c->data_objects, "private_records", (int)c->private_objects, "session_copies",
	    (int)c->session_copies, "wrapping", (int)c->wrapping, "max_sessions",
	    (json_int_t)c->max_sessions, "usable", (int)(lacks == NULL), "lacks",
	    lacks != NULL ? lacks : "");

	json_dumpf(all, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(all);
}

static void row(const char *what, bool has, const char *meaning)
{
	printf("%-22s %-4s %s\n", what, has ? "yes" : "no", meaning);
}

static void print_table(const struct token_caps *c)
{
	uint8_t algorithm;
	const char *name;
	bool is_rsa;

	printf("%-22s %s (serial %s)\n", "token", c->token_label, c->serial);
	printf("%-22s %s, %s\n", "made by", c->manufacturer, c->model);
	printf("%-22s %s\n", "module", c->module);
	if (c->max_sessions == 0)
		printf("%-22s no limit known\n", "sessions");
	else
		printf("%-22s at most %llu\n", "sessions", (unsigned long long)c->max_sessions);
	for (unsigned i = 0; (name = token_algorithm_name(i, &algorithm, &is_rsa)) != NULL; i++)
		row(name, (c->algorithms & 1U << algorithm) != 0, "keys can be made and sign");
	row("data objects", c->data_objects, "state records can be kept (needed)");
	row("private data objects", c->private_objects, "and only the user can see and drop them");
	row("session copies", c->session_copies, "often sign faster: see `intaglio-hsm bench`");
	row("key wrapping", c->wrapping,
	    "key pairs can be backed up, where they may: `intaglio-hsm backup`");
}

int cmd_check(const struct options *o)
{
	struct token_request r = {.op = TOKEN_CAPS};
	struct token_caps caps = {0};
	const char *lacks = NULL;
	struct err e = {0};
	int status = EXIT_DONE;
	struct token *t = open_token(o, &status);

	if (t == NULL)
		return status;
	if (token_call(t, &r, keep_caps, &caps, &e) != OK) {
		status = fail(&e);
	} else {
		if (!caps.data_objects)
			lacks = "it cannot keep state records (CKO_DATA)";
		else if (caps.algorithms == 0)
			lacks = "it can sign with none of the algorithms";
		if (o->json)
			print_json(&caps, lacks);
		else
			print_table(&caps);
		if (lacks != NULL) {
			fprintf(stderr, "intaglio-hsm: intagliod cannot work with this token: %s\n",
			    lacks);
			status = EXIT_FAILED;
		}
	}
	token_close(t);
	return status;
}
