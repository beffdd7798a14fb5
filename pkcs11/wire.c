/* Encodes and decodes the messages of wire.h.  Runs in the signing side and in token workers;
 * neither trusts the other's octets. */
#include "pkcs11/wire.h"

#include <stdlib.h>
#include <string.h>
#include "base/mem.h"

#define VALUE_MAX (128 * 1024) /* of a record in a request: it is one message */

/* The smallest encodings, so that a count cannot make us allocate more than the message has octets.
 */
#define KEY_MIN (TOKEN_ID_LEN + 2 + 1 + 1 + 4)
#define RECORD_MIN (2 + 4)

void wire_room_free(struct wire_room *room)
{
	free(room->keys);
	free(room->records);
	room->keys = NULL;
	room->records = NULL;
}

static void get_id(struct reader *in, uint8_t id[TOKEN_ID_LEN])
{
	const uint8_t *p = reader_bytes(in, TOKEN_ID_LEN);

	if (p != NULL)
		memcpy(id, p, TOKEN_ID_LEN);
}

int wire_check_items(const struct token_request *r, struct err *e)
{
	size_t octets = 0;

	if (r->item_count == 0 || r->item_count > TOKEN_BATCH_MAX)
		return err_set(e, ERR_ARGUMENT,
		    "%u signatures in one request, 1 to %d are possible", r->item_count,
		    TOKEN_BATCH_MAX);
	for (unsigned i = 0; i < r->item_count; i++)
		octets += r->items[i].len;
	if (octets > TOKEN_BATCH_OCTETS && r->item_count > 1)
		return err_set(e, ERR_ARGUMENT,
		    "%zu octets to sign in one request, %d are possible", octets,
		    TOKEN_BATCH_OCTETS);
	if (octets > MSG_MAX - 1024)
		return err_set(
		    e, ERR_LIMIT, "a message of %zu octets is too long to be signed", octets);
	return OK;
}

static void put_items(struct buf *out, const struct token_request *r)
{
	buf_u16(out, (uint16_t)r->item_count);
	for (unsigned i = 0; i < r->item_count; i++) {
		const struct token_sign_item *item = &r->items[i];
		buf_put(out, item->id, TOKEN_ID_LEN);
		buf_u8(out, item->algorithm);
		buf_lv32(out, item->data, item->len);
	}
}

static void get_items(struct reader *in, struct token_request *r, struct wire_room *room)
{
	r->item_count = reader_u16(in);
	if (r->item_count == 0 || r->item_count > TOKEN_BATCH_MAX)
		in->failed = true;
	for (unsigned i = 0; i < r->item_count && !in->failed; i++) {
		struct token_sign_item *item = &room->items[i];
		size_t len = 0;
		get_id(in, item->id);
		item->algorithm = reader_u8(in);
		item->data = reader_lv32(in, &len);
		item->len = (uint32_t)len;
	}
	r->items = room->items;
}

int wire_put_request(struct buf *out, uint32_t id, const struct token_request *r, struct err *e)
{
	int rc = OK;

	buf_u32(out, id);
	buf_u8(out, (uint8_t)r->op);
	buf_u8(out, (uint8_t)r->class);
	switch (r->op) {
	case TOKEN_SIGN:
		rc = wire_check_items(r, e);
		if (rc == OK)
			put_items(out, r);
		break;
	case TOKEN_GENERATE:
		buf_put(out, r->id, TOKEN_ID_LEN);
		buf_str(out, r->label);
		buf_u8(out, r->algorithm);
		buf_u16(out, r->bits);
		buf_u8(out, r->extractable);
		break;
	case TOKEN_PUT_RECORD:
		buf_str(out, r->label);
		if (r->value_len > VALUE_MAX)
			rc = err_set(e, ERR_LIMIT,
			    "a record of %zu octets is too long, %d are possible", r->value_len,
			    VALUE_MAX);
		else
			buf_lv32(out, r->value, r->value_len);
		break;
	case TOKEN_DROP_RECORD:
		buf_str(out, r->label);
		break;
	case TOKEN_DROP_KEY:
		buf_put(out, r->id, TOKEN_ID_LEN);
		break;
	case TOKEN_RANDOM:
		buf_u32(out, r->length);
		break;
	case TOKEN_LIST:
	case TOKEN_CAPS:
	case TOKEN_NEWS:
		break;
	default:
		rc = err_set(e, ERR_ARGUMENT, "request %d is not known", (int)r->op);
	}
	if (rc == OK && out->failed)
		rc = err_set(e, ERR_LIMIT, "the request is too large for a message");
	return rc;
}

int wire_get_request(
    struct reader *in, uint32_t *id, struct token_request *r, struct wire_room *room)
{
	memset(r, 0, sizeof *r);
	*id = reader_u32(in);
	r->op = reader_u8(in);
	r->class = reader_u8(in);
	switch (r->op) {
	case TOKEN_SIGN:
		get_items(in, r, room);
		break;
	case TOKEN_GENERATE:
		get_id(in, r->id);
		reader_str(in, r->label, sizeof r->label);
		r->algorithm = reader_u8(in);
		r->bits = reader_u16(in);
		r->extractable = reader_u8(in) != 0;
		break;
	case TOKEN_PUT_RECORD:
		reader_str(in, r->label, sizeof r->label);
		r->value = reader_lv32(in, &r->value_len);
		break;
	case TOKEN_DROP_RECORD:
		reader_str(in, r->label, sizeof r->label);
		break;
	case TOKEN_DROP_KEY:
		get_id(in, r->id);
		break;
	case TOKEN_RANDOM:
		r->length = reader_u32(in);
		break;
	case TOKEN_LIST:
	case TOKEN_CAPS:
	case TOKEN_NEWS:
		break;
	default:
		in->failed = true;
	}
	if (r->class >= TOKEN_CLASSES || reader_left(in) > 0)
		in->failed = true;
	return in->failed ? ERR_FORMAT : OK;
}

static void put_err(struct buf *out, const struct err *e)
{
	buf_u32(out, (uint32_t)-e->code);
	buf_u64(out, e->ckr);
	buf_str(out, e->text);
}

static int get_code(struct reader *in)
{
	uint32_t code = reader_u32(in);

	if (code >= ERR_CODE_COUNT)
		in->failed = true;
	return in->failed ? ERR_FORMAT : -(int)code;
}

static void get_err(struct reader *in, struct err *e)
{
	e->code = get_code(in);
	e->ckr = (unsigned long)reader_u64(in);
	reader_str(in, e->text, sizeof e->text);
	for (char *p = e->text; *p != '\0'; p++) /* it ends in a log */
		if ((unsigned char)*p < ' ')
			*p = '?';
}

static void put_key(struct buf *out, const struct token_key *key)
{
	buf_put(out, key->id, TOKEN_ID_LEN);
	buf_str(out, key->label);
	buf_u8(out, key->algorithm);
	buf_u8(out, key->has_private);
	buf_lv32(out, key->pub, key->pub_len);
}

static void get_key(struct reader *in, struct token_key *key)
{
	get_id(in, key->id);
	reader_str(in, key->label, sizeof key->label);
	key->algorithm = reader_u8(in);
	key->has_private = reader_u8(in) != 0;
	key->pub = reader_lv32(in, &key->pub_len);
}

static void put_list(struct buf *out, const struct token_reply *r)
{
	buf_u32(out, (uint32_t)r->key_count);
	buf_u32(out, (uint32_t)r->record_count);
	for (size_t i = 0; i < r->key_count; i++)
		put_key(out, &r->keys[i]);
	for (size_t i = 0; i < r->record_count; i++) {
		buf_str(out, r->records[i].label);
		buf_lv32(out, r->records[i].value, r->records[i].value_len);
	}
}

static void get_list(struct reader *in, struct token_reply *r, struct wire_room *room)
{
	uint32_t keys = reader_u32(in), records = reader_u32(in);

	if ((uint64_t)keys * KEY_MIN + (uint64_t)records * RECORD_MIN > reader_left(in)) {
		in->failed = true;
		return;
	}
	wire_room_free(room);
	room->keys = mem_array(keys, sizeof room->keys[0]);
	room->records = mem_array(records, sizeof room->records[0]);
	for (uint32_t i = 0; i < keys && !in->failed; i++)
		get_key(in, &room->keys[i]);
	for (uint32_t i = 0; i < records && !in->failed; i++) {
		struct token_record *record = &room->records[i];
		reader_str(in, record->label, sizeof record->label);
		record->value = reader_lv32(in, &record->value_len);
	}
	r->keys = room->keys;
	r->key_count = keys;
	r->records = room->records;
	r->record_count = records;
}

static void put_signatures(struct buf *out, const struct token_reply *r)
{
	buf_u32(out, r->sign_us);
	buf_u16(out, (uint16_t)r->signature_count);
	for (unsigned i = 0; i < r->signature_count; i++) {
		buf_u8(out, (uint8_t)-r->signatures[i].code);
		buf_lv16(out, r->signatures[i].data, r->signatures[i].len);
	}
}

static void get_signatures(struct reader *in, struct token_reply *r)
{
	r->sign_us = reader_u32(in);
	r->signature_count = reader_u16(in);
	if (r->signature_count > TOKEN_BATCH_MAX)
		in->failed = true;
	for (unsigned i = 0; i < r->signature_count && !in->failed; i++) {
		size_t len = 0;
		uint8_t code = reader_u8(in);
		r->signatures[i].data = reader_lv16(in, &len);
		r->signatures[i].len = (uint16_t)len;
		r->signatures[i].code = -(int)code;
		if (code >= ERR_CODE_COUNT || len > TOKEN_SIG_MAX || (code == 0 && len == 0))
			in->failed = true;
	}
}

static void put_caps(struct buf *out, const struct token_caps *c)
{
	buf_str(out, c->token_label);
	buf_str(out, c->serial);
	buf_str(out, c->manufacturer);
	buf_str(out, c->model);
	buf_str(out, c->module);
	buf_u32(out, c->algorithms);
	buf_u8(out, c->data_objects);
	buf_u8(out, c->private_objects);
	buf_u8(out, c->session_copies);
	buf_u8(out, c->wrapping);
	buf_u64(out, c->max_sessions);
}

static void get_caps(struct reader *in, struct token_caps *c)
{
	reader_str(in, c->token_label, sizeof c->token_label);
	reader_str(in, c->serial, sizeof c->serial);
	reader_str(in, c->manufacturer, sizeof c->manufacturer);
	reader_str(in, c->model, sizeof c->model);
	reader_str(in, c->module, sizeof c->module);
	c->algorithms = reader_u32(in);
	c->data_objects = reader_u8(in) != 0;
	c->private_objects = reader_u8(in) != 0;
	c->session_copies = reader_u8(in) != 0;
	c->wrapping = reader_u8(in) != 0;
	c->max_sessions = reader_u64(in);
}

/* Without an error its words are left out. */
void wire_put_reply(struct buf *out, const struct token_reply *r)
{
	buf_u8(out, (uint8_t)r->op);
	buf_u32(out, (uint32_t)-r->code);
	if (r->code != OK)
		put_err(out, &r->err);
	if (r->op == TOKEN_SIGN)
		put_signatures(out, r);
	if (r->code != OK)
		return;
	switch (r->op) {
	case TOKEN_GENERATE:
		put_key(out, &r->key);
		break;
	case TOKEN_LIST:
	case TOKEN_NEWS:
		put_list(out, r);
		break;
	case TOKEN_RANDOM:
		buf_lv32(out, r->value, r->value_len);
		break;
	case TOKEN_CAPS:
		put_caps(out, &r->caps);
		break;
	default:
		break;
	}
}

int wire_get_reply(struct reader *in, struct token_reply *r, struct wire_room *room)
{
	memset(r, 0, sizeof *r);
	r->op = reader_u8(in);
	r->code = get_code(in);
	if (r->code != OK)
		get_err(in, &r->err);
	if (r->op == TOKEN_SIGN)
		get_signatures(in, r);
	if (r->code == OK && !in->failed) {
		switch (r->op) {
		case TOKEN_GENERATE:
			get_key(in, &r->key);
			break;
		case TOKEN_LIST:
		case TOKEN_NEWS:
			get_list(in, r, room);
			break;
		case TOKEN_RANDOM:
			r->value = reader_lv32(in, &r->value_len);
			break;
		case TOKEN_CAPS:
			get_caps(in, &r->caps);
			break;
		default:
			break;
		}
	}
	if (reader_left(in) > 0)
		in->failed = true;
	return in->failed ? ERR_FORMAT : OK;
}

void wire_put_state(struct buf *out, const struct wire_state *s)
{
	buf_u8(out, s->up);
	buf_u8(out, s->final);
	put_err(out, &s->why);
}

int wire_get_state(struct reader *in, struct wire_state *s)
{
	memset(s, 0, sizeof *s);
	s->up = reader_u8(in) != 0;
	s->final = reader_u8(in) != 0;
	get_err(in, &s->why);
	if (reader_left(in) > 0)
		in->failed = true;
	return in->failed ? ERR_FORMAT : OK;
}
