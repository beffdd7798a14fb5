/* layout: how the RDATA of a type is made up of fields: ldns's descriptors, with ours where ldns
 * 1.8 has none or a wrong one.  Private to this room. */
#ifndef DNS_LAYOUT_H
#define DNS_LAYOUT_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Kinds of field that ldns does not have; its own end at 40. */
#define FIELD_A6 60     /* RFC 2874 */
#define FIELD_SCHEME 61 /* one octet of DSYNC, RFC 9859 */
#define FIELD_KINDS 62  /* for tables by kind */

/* NULL: the type is opaque. */
const ldns_rr_descriptor *layout_of(uint16_t type);
/* ldns's own descriptor, or NULL.  What has none is new or rare: such types are read by their
 * names and presentation forms, but written as RFC 3597 has it, which every server reads. */
const ldns_rr_descriptor *layout_common(uint16_t type);
const ldns_rr_descriptor *layout_by_name(const char *name); /* ours only; any case; NULL: none */
/* The kind of field i, LDNS_RDF_TYPE_NONE behind the last. */
ldns_rdf_type layout_field(const ldns_rr_descriptor *d, size_t i);
/* Does a field of this kind run to the end of the RDATA? */
bool layout_is_rest(ldns_rdf_type kind);
/* Octets of the field at p, of which `left` are there; -1: it is malformed. */
ssize_t layout_field_len(ldns_rdf_type kind, const uint8_t *p, size_t left);
/* Is this one of the types whose names are in lower case in canonical form? */
bool layout_is_lowered(uint16_t type);
/* May names in RDATA of this type be compressed (RFC 1035, RFC 3597 4)? */
bool layout_is_compressible(uint16_t type);

#endif
