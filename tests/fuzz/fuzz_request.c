/* Any line, as an operator's request; and as JSON that a listing shows: whatever it holds, what
 * comes out has no control characters but newlines. */
#include <stdlib.h>
#include <string.h>
#include "base/mem.h"
#include "ops/internal.h"
#include "ops/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_harmless(struct buf *text)
{
	for (size_t i = 0; i < text->len; i++) {
		if ((text->data[i] < ' ' && text->data[i] != '\n') || text->data[i] == 0x7f)
			abort();
	}
	buf_free(text);
}

static void show(const uint8_t *data, size_t size)
{
	json_t *root = json_loadb((const char *)data, size, 0, NULL);
	struct buf text = {0};

	listing_table(&text, json_object_get(root, "options"), "options", "verb:Verb,a.b:A,zone:");
	check_harmless(&text);
	listing_table(&text, json_object_get(root, "arguments"), "arguments", "verb:Verb,a.b:A");
	check_harmless(&text);
	listing_tree(&text, root, NULL);
	check_harmless(&text);
	if (root != NULL)
		listing_json(&text, root, true);
	check_harmless(&text);
	json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ops_call *c = mem_alloc(sizeof(*c));
	struct buf words = {0};
	struct err e;

	if (request_read(c, data, size, &e) == OK)
		request_text(c, &words);
	buf_free(&words);
	call_free(c);
	show(data, size);
	return 0;
}
