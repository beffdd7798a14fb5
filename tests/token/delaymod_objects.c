/* The objects of delaymod.so, see there: one after the other in the file, each with its attributes
 * as they came.  One that was destroyed stays where it was and is alive no more. */
#include "delaymod_internal.h"

#include <string.h>

struct attribute {
	uint64_t type;
	uint32_t len, room; /* of value; room is a multiple of 8 */
	uint8_t value[];
};
struct object {
	uint32_t size; /* of all of it, a multiple of 8 */
	uint32_t alive;
};

struct delaymod_file *file;

static struct object *object_at(CK_OBJECT_HANDLE h)
{
	struct object *o = (struct object *)(file->objects + h - 1);

	return h > 0 && h <= file->used && o->alive ? o : NULL;
}

static const struct attribute *find(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
	for (size_t at = sizeof *o; at < o->size;) {
		const struct attribute *a = (const void *)((const uint8_t *)o + at);

		if (a->type == type)
			return a;
		at += sizeof *a + a->room;
	}
	return NULL;
}

static bool is_like(const struct object *o, const CK_ATTRIBUTE *wanted, CK_ULONG count)
{
	for (CK_ULONG i = 0; i < count; i++) {
		const struct attribute *a = find(o, wanted[i].type);

		if (a == NULL || a->len != wanted[i].ulValueLen ||
		    memcmp(a->value, wanted[i].pValue, a->len) != 0)
			return false;
	}
	return true;
}

static bool is_private_key(const struct object *o)
{
	static CK_OBJECT_CLASS private = CKO_PRIVATE_KEY;
	const CK_ATTRIBUTE class = {CKA_CLASS, &private, sizeof private};

	return is_like(o, &class, 1);
}

/* It is there when `used` says so: a process may be killed at any time before. */
CK_RV object_create(const CK_ATTRIBUTE *one, CK_ULONG one_count, const CK_ATTRIBUTE *two,
    CK_ULONG two_count, CK_OBJECT_HANDLE *out)
{
	struct object *o = (struct object *)(file->objects + file->used);
	uint64_t room = DELAYMOD_SIZE - sizeof *file - file->used;

	o->size = sizeof *o;
	for (CK_ULONG i = 0; i < one_count + two_count; i++) {
		const CK_ATTRIBUTE *from = i < one_count ? &one[i] : &two[i - one_count];
		struct attribute *a = (void *)((uint8_t *)o + o->size);

		if (o->size + sizeof *a + from->ulValueLen + 8 > room)
			return CKR_DEVICE_MEMORY;
		a->type = from->type;
		a->len = (uint32_t)from->ulValueLen;
		a->room = (a->len + 7) / 8 * 8;
		memcpy(a->value, from->pValue, a->len);
		o->size += (uint32_t)(sizeof *a + a->room);
	}
	o->alive = 1;
	*out = file->used + 1;
	file->used += o->size;
	return CKR_OK;
}

CK_RV object_destroy(CK_OBJECT_HANDLE h)
{
	struct object *o = object_at(h);

	if (o == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	o->alive = 0;
	return CKR_OK;
}

static CK_RV read_one(const struct object *o, CK_ATTRIBUTE *a)
{
	const struct attribute *have = find(o, a->type);
	CK_ULONG room = a->ulValueLen;

	a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
	if (have == NULL)
		return CKR_ATTRIBUTE_TYPE_INVALID;
	if (a->type == CKA_VALUE && is_private_key(o))
		return CKR_ATTRIBUTE_SENSITIVE;
	if (a->pValue != NULL && room < have->len)
		return CKR_BUFFER_TOO_SMALL;
	if (a->pValue != NULL)
		memcpy(a->pValue, have->value, have->len);
	a->ulValueLen = have->len;
	return CKR_OK;
}

CK_RV object_read(CK_OBJECT_HANDLE h, CK_ATTRIBUTE *a, CK_ULONG count)
{
	const struct object *o = object_at(h);
	CK_RV rv = CKR_OK, last;

	if (o == NULL)
		return CKR_OBJECT_HANDLE_INVALID;
	for (CK_ULONG i = 0; i < count; i++) {
		last = read_one(o, &a[i]);
		rv = last != CKR_OK ? last : rv;
	}
	return rv;
}

const uint8_t *object_secret(CK_OBJECT_HANDLE h)
{
	const struct object *o = object_at(h);

	return o != NULL && is_private_key(o) ? find(o, CKA_VALUE)->value : NULL;
}

CK_OBJECT_HANDLE object_next(uint64_t *at, const CK_ATTRIBUTE *wanted, CK_ULONG count)
{
	while (*at < file->used) {
		const struct object *o = (struct object *)(file->objects + *at);
		CK_OBJECT_HANDLE h = *at + 1;

		*at += o->size;
		if (o->alive && is_like(o, wanted, count))
			return h;
	}
	return 0;
}
