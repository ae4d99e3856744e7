/* SPDX-License-Identifier: Apache-2.0 */
#include "zip_writer.h"

#include <string.h>

enum {
        ALIGNMENT = 64,
        LOCAL = 30,    /* bytes of a local header before the name */
        FLAGS = 0x0808 /* a descriptor follows; names are UTF-8 */
};

/* What local header and directory have in common, from the flags on. */
static void add_common(struct bytes *out, const struct zip_entry *entry, uint32_t crc, uint64_t packed,
                       uint64_t unpacked)
{
        bytes_add_number(out, FLAGS, 2);
        bytes_add_number(out, entry->method, 2);
        bytes_add_number(out, 0, 4); /* time and date */
        bytes_add_number(out, crc, 4);
        bytes_add_number(out, packed, 4);
        bytes_add_number(out, unpacked, 4);
        bytes_add_number(out, strlen(entry->name), 2);
}

/* How much the field "FB" fills, as torch pads, when its text begins at `position`. */
static size_t padding_at(size_t position)
{
        return (ALIGNMENT - position % ALIGNMENT) % ALIGNMENT;
}

static void add_local(struct bytes *out, const struct zip_entry *entry)
{
        size_t padding;

        bytes_add_text(out, "PK\3\4");
        bytes_add_number(out, 0, 2); /* version needed */
        add_common(out, entry, 0, 0, 0);
        padding = padding_at(out->size + 2 + strlen(entry->name) + 4);
        bytes_add_number(out, padding + 4, 2);
        bytes_add_text(out, entry->name);
        bytes_add_text(out, "FB");
        bytes_add_number(out, padding, 2);
        bytes_fill(out, 'Z', padding);
}

static void add_descriptor(struct bytes *out, uint32_t crc, const struct zip_entry *entry, uint64_t unpacked)
{
        bytes_add_text(out, "PK\7\10");
        bytes_add_number(out, crc, 4);
        bytes_add_number(out, entry->size, 4);
        bytes_add_number(out, unpacked, 4);
}

static void add_record(struct bytes *out, const struct zip_entry *entry, uint32_t crc, uint64_t unpacked,
                       uint64_t local)
{
        bytes_add_text(out, "PK\1\2");
        bytes_add_number(out, 0, 2); /* version made by */
        bytes_add_number(out, 0, 2); /* version needed */
        add_common(out, entry, crc, entry->size, unpacked);
        bytes_add_number(out, 0, 2);     /* no extra field */
        bytes_add_number(out, 0, 2);     /* no comment */
        bytes_add_number(out, 0, 2);     /* disk */
        bytes_add_number(out, 0, 2);     /* internal attributes */
        bytes_add_number(out, 0, 4);     /* external attributes */
        bytes_add_number(out, local, 4); /* of the local header */
        bytes_add_text(out, entry->name);
}

uint64_t zip_writer_add(struct zip_writer *zip, const struct zip_entry *entry)
{
        const uint32_t crc = entry->method ? entry->crc : bytes_crc(entry->bytes, entry->size);
        const uint64_t unpacked = entry->method ? entry->unpacked : entry->size;
        const uint64_t local = zip->file.size;
        uint64_t begin;

        add_local(&zip->file, entry);
        begin = zip->file.size;
        bytes_add(&zip->file, entry->bytes, entry->size);
        if (entry->size)
                add_descriptor(&zip->file, crc, entry, unpacked);
        add_record(&zip->directory, entry, crc, unpacked, local);
        zip->entries++;
        return begin;
}

static void add_end64(struct bytes *out, const struct zip_writer *zip, uint64_t directory)
{
        const uint64_t record = out->size;

        bytes_add_text(out, "PK\6\6");
        bytes_add_number(out, 44, 8); /* bytes of the record from here on */
        bytes_add_number(out, 0, 2);
        bytes_add_number(out, 0, 2);
        bytes_add_number(out, 0, 4); /* this disk, and the directory's */
        bytes_add_number(out, 0, 4);
        bytes_add_number(out, zip->entries, 8);
        bytes_add_number(out, zip->entries, 8);
        bytes_add_number(out, zip->directory.size, 8);
        bytes_add_number(out, directory, 8);

        bytes_add_text(out, "PK\6\7");
        bytes_add_number(out, 0, 4);
        bytes_add_number(out, record, 8);
        bytes_add_number(out, 1, 4); /* disks */
}

void zip_writer_end(struct zip_writer *zip, struct bytes *ret_file)
{
        struct bytes *out = &zip->file;
        const uint64_t directory = out->size;

        bytes_add(out, zip->directory.at, zip->directory.size);
        add_end64(out, zip, directory);
        bytes_add_text(out, "PK\5\6");
        bytes_add_number(out, 0, 2);
        bytes_add_number(out, 0, 2);
        bytes_add_number(out, zip->entries, 2);
        bytes_add_number(out, zip->entries, 2);
        bytes_add_number(out, zip->directory.size, 4);
        bytes_add_number(out, directory, 4);
        bytes_add_number(out, 0, 2); /* no comment */

        bytes_free(&zip->directory);
        bytes_fit(out);
        *ret_file = *out;
        memset(zip, 0, sizeof(*zip));
}

void deflate_stored(struct bytes *packed, const void *bytes, size_t size)
{
        bytes_add_number(packed, 1, 1); /* the last block, stored */
        bytes_add_number(packed, size, 2);
        bytes_add_number(packed, ~(uint64_t)size, 2);
        bytes_add(packed, bytes, size);
}

/* Bits as deflate packs them, lowest first; a Huffman code goes in from its highest bit. */
static void add_code(struct bytes *packed, unsigned *bits, unsigned code, unsigned length)
{
        while (length--) {
                if (*bits % 8 == 0)
                        bytes_add_number(packed, 0, 1);
                packed->at[packed->size - 1] |= (unsigned char)((code >> length & 1) << *bits % 8);
                ++*bits;
        }
}

/* With the fixed codes: the byte once, then "258 bytes from 1 byte before", 13 bits each. */
uint64_t deflate_bomb(struct bytes *packed, unsigned value, uint64_t size)
{
        unsigned bits = 0;
        uint64_t made = 1;

        add_code(packed, &bits, 1, 1);            /* the last block */
        add_code(packed, &bits, 2, 2);            /* fixed codes: 01, lowest first */
        add_code(packed, &bits, 0x30 + value, 8); /* a byte under 144 */
        for (; made < size; made += 258) {
                add_code(packed, &bits, 0xC5, 8); /* symbol 285 */
                add_code(packed, &bits, 0, 5);    /* distance 1 */
                bits %= 8;
        }
        add_code(packed, &bits, 0, 7); /* the end */
        return made;
}
