/* spool_file: the layout of a spool file, shared by its writer and its reader.
 *
 *   header  magic (8), u32 version, u32 kind, u32 serial, u32 serial from (of a difference, else
 *           zero), u64 records, u64 file length, u8 apex length, apex, zeros up to SPOOL_HEADER_LEN
 *   record  u32 length of the whole record (a multiple of 8), u8 step, u8 owner length,
 *           u16 key length, u16 type, u16 RDATA length, u32 TTL, owner, sort key, RDATA, padding
 */
#ifndef ZONE_SPOOL_FILE_H
#define ZONE_SPOOL_FILE_H

#define SPOOL_MAGIC "ITGSPOOL"
#define SPOOL_VERSION 1
#define SPOOL_HEADER_LEN 296
#define SPOOL_RECORD_HEADER 16
#define SPOOL_ALIGN 8
/* The reader's index keeps offsets in units of SPOOL_ALIGN in 32 bits. */
#define SPOOL_FILE_MAX ((uint64_t)UINT32_MAX * SPOOL_ALIGN)

#endif
