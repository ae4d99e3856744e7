/* SPDX-License-Identifier: Apache-2.0 */
#define ZLIB_CONST /* next_in points to const */

#include "zip_builder.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void zip_builder_raw(struct zip_builder *builder, const void *bytes, size_t size)
{
        if (size == 0)
                return;
        builder->bytes = realloc(builder->bytes, builder->size + size);
        ck_assert_ptr_nonnull(builder->bytes);
        memcpy(builder->bytes + builder->size, bytes, size);
        builder->size += size;
}

void zip_builder_put(struct zip_builder *builder, size_t at, unsigned size, uint64_t value)
{
        ck_assert_uint_le(at + size, builder->size);
        for (; size > 0; size--, at++, value >>= 8)
                builder->bytes[at] = (unsigned char)value;
}

static void number(struct zip_builder *builder, unsigned size, uint64_t value)
{
        static const unsigned char zeros[8] = {0};

        zip_builder_raw(builder, zeros, size);
        zip_builder_put(builder, builder->size - size, size, value);
}

static void text(struct zip_builder *builder, const char *bytes)
{
        if (bytes)
                zip_builder_raw(builder, bytes, strlen(bytes));
}

/* Where the next byte will be in the file. */
static uint64_t position(const struct zip_builder *builder)
{
        return builder->size + builder->hole;
}

static uint32_t name_length(const struct zip_part *part)
{
        return part->name_length ? part->name_length : (uint32_t)strlen(part->name);
}

static unsigned flags(const struct zip_part *part, const struct zip_sums *sums)
{
        return 0x800 | (part->plain || sums->packed == 0 ? 0 : 8);
}

static unsigned wide_extra_size(const struct zip_part *part)
{
        return part->wide ? 28 : 0;
}

static void wide_extra(struct zip_builder *builder, const struct zip_part *part, const struct zip_sums *sums)
{
        if (!part->wide)
                return;
        number(builder, 2, 1);
        number(builder, 2, 24);
        number(builder, 8, sums->size);
        number(builder, 8, sums->packed);
        number(builder, 8, sums->offset);
}

/* So many bytes of the local extra field that the data are at a multiple of 64. */
static size_t padding_size(const struct zip_part *part, const struct zip_sums *sums)
{
        uint64_t end =
                sums->offset + 30 + name_length(part) + wide_extra_size(part) + part->local_extra_size + 4;

        return part->plain ? 0 : 4 + (size_t)(-end & 63);
}

static void add_local(struct zip_builder *builder, const struct zip_part *part, const struct zip_sums *sums)
{
        const char *name = part->local_name ? part->local_name : part->name;
        uint32_t length = part->local_name ? (uint32_t)strlen(name) : name_length(part);
        size_t padding = padding_size(part, sums), i;

        number(builder, 4, 0x04034B50);
        number(builder, 2, 0);
        number(builder, 2, flags(part, sums));
        number(builder, 2, part->deflated ? 8 : 0);
        number(builder, 4, 0);
        number(builder, 4, part->plain ? sums->crc : 0);
        number(builder, 4, !part->plain ? 0 : part->wide ? UINT32_MAX : sums->packed);
        number(builder, 4, !part->plain ? 0 : part->wide ? UINT32_MAX : sums->size);
        number(builder, 2, length);
        number(builder, 2, wide_extra_size(part) + part->local_extra_size + padding);
        zip_builder_raw(builder, name, length);
        wide_extra(builder, part, sums);
        zip_builder_raw(builder, part->local_extra, part->local_extra_size);
        if (padding == 0)
                return;
        text(builder, "FB");
        number(builder, 2, padding - 4);
        for (i = 4; i < padding; i++)
                text(builder, "Z");
}

static void add_descriptor(struct zip_builder *builder, const struct zip_part *part,
                           const struct zip_sums *sums)
{
        if (part->plain || sums->packed == 0)
                return;
        if (!part->unsigned_descriptor)
                number(builder, 4, 0x08074B50);
        number(builder, 4, sums->crc);
        number(builder, part->wide ? 8 : 4, sums->packed);
        number(builder, part->wide ? 8 : 4, sums->size);
}

static void add_data(struct zip_builder *builder, const struct zip_part *part, const void *packed,
                     size_t size)
{
        zip_builder_raw(builder, packed, size);
        if (part->hole) {
                ck_assert_uint_eq(builder->hole, 0);
                builder->hole_at = builder->size;
                builder->hole = part->hole;
        }
}

/* Deflates without a zlib header. */
static unsigned char *deflate_raw(const void *data, size_t size, size_t *ret_size)
{
        z_stream stream = {0};
        unsigned char *packed;
        uLong bound;

        ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
        bound = deflateBound(&stream, (uLong)size);
        packed = malloc(bound);
        ck_assert_ptr_nonnull(packed);
        stream.next_in = data;
        stream.avail_in = (uInt)size;
        stream.next_out = packed;
        stream.avail_out = (uInt)bound;
        ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
        *ret_size = bound - stream.avail_out;
        deflateEnd(&stream);
        return packed;
}

void zip_builder_add(struct zip_builder *builder, const struct zip_part *part)
{
        struct zip_place *place = &builder->places[builder->n_parts];
        struct zip_sums *sums = &builder->sums[builder->n_parts];
        unsigned char *made = NULL;
        const void *packed = part->data;
        size_t size = part->size;

        ck_assert_uint_lt(builder->n_parts, ZIP_PARTS_MAX);
        builder->parts[builder->n_parts++] = *part;
        if (part->packed) {
                packed = part->packed;
                size = part->packed_size;
        } else if (part->deflated) {
                packed = made = deflate_raw(part->data, part->size, &size);
        }
        sums->crc = (uint32_t)crc32_z(0, part->data, part->size);
        sums->size = part->size + part->hole;
        sums->packed = size + part->hole;
        sums->offset = position(builder);
        place->local = builder->size;
        add_local(builder, part, sums);
        place->data = builder->size;
        add_data(builder, part, packed, size);
        place->descriptor = builder->size;
        add_descriptor(builder, part, sums);
        text(builder, part->gap);
        free(made);
}

static void add_record(struct zip_builder *builder, const struct zip_part *part, const struct zip_sums *sums)
{
        number(builder, 4, 0x02014B50);
        number(builder, 4, 0);
        number(builder, 2, flags(part, sums));
        number(builder, 2, part->deflated ? 8 : 0);
        number(builder, 4, 0);
        number(builder, 4, sums->crc);
        number(builder, 4, part->wide ? UINT32_MAX : sums->packed);
        number(builder, 4, part->wide ? UINT32_MAX : sums->size);
        number(builder, 2, name_length(part));
        number(builder, 2, wide_extra_size(part) + part->extra_size);
        number(builder, 2, 0);
        number(builder, 2, 0);
        number(builder, 2, 0);
        number(builder, 4, 0);
        number(builder, 4, part->wide ? UINT32_MAX : sums->offset);
        zip_builder_raw(builder, part->name, name_length(part));
        wide_extra(builder, part, sums);
        zip_builder_raw(builder, part->extra, part->extra_size);
}

static void add_wide_end(struct zip_builder *builder, uint64_t directory, uint64_t size)
{
        uint64_t at = position(builder);

        builder->wide = builder->size;
        number(builder, 4, 0x06064B50);
        number(builder, 8, 44);
        number(builder, 4, 0x002D031E);
        number(builder, 8, 0);
        number(builder, 8, builder->n_parts);
        number(builder, 8, builder->n_parts);
        number(builder, 8, size);
        number(builder, 8, directory);

        builder->locator = builder->size;
        number(builder, 4, 0x07064B50);
        number(builder, 4, 0);
        number(builder, 8, at);
        number(builder, 4, 1);
}

void zip_builder_finish(struct zip_builder *builder, const struct zip_ending *ending)
{
        static const struct zip_ending usual = {0};
        uint64_t directory = position(builder), size;
        size_t comment, i;

        if (!ending)
                ending = &usual;
        comment =
                ending->comment_length || !ending->comment ? ending->comment_length : strlen(ending->comment);
        builder->directory = builder->size;
        for (i = 0; i < builder->n_parts; i++) {
                builder->places[i].record = builder->size;
                add_record(builder, &builder->parts[i], &builder->sums[i]);
        }
        size = position(builder) - directory;
        text(builder, ending->gap);
        if (!ending->narrow)
                add_wide_end(builder, directory, size);

        builder->end = builder->size;
        number(builder, 4, 0x06054B50);
        number(builder, 4, 0);
        number(builder, 2, builder->n_parts);
        number(builder, 2, builder->n_parts);
        number(builder, 4, size);
        number(builder, 4, directory < UINT32_MAX ? directory : UINT32_MAX);
        number(builder, 2, comment);
        zip_builder_raw(builder, ending->comment, comment);
        text(builder, ending->suffix);
}

void zip_builder_deinit(struct zip_builder *builder)
{
        free(builder->bytes);
        memset(builder, 0, sizeof *builder);
}

static int read_input(void *context, uint64_t offset, void *buffer, size_t size)
{
        const struct zip_builder *builder = context;
        unsigned char *to = buffer;
        size_t i;

        ck_assert_uint_le(offset, builder->size + builder->hole);
        ck_assert_uint_le(size, builder->size + builder->hole - offset);
        if (builder->hole == 0) {
                memcpy(to, builder->bytes + offset, size);
                return 0;
        }
        for (i = 0; i < size; i++, offset++)
                if (offset < builder->hole_at)
                        to[i] = builder->bytes[offset];
                else
                        to[i] = offset - builder->hole_at < builder->hole
                                        ? 0
                                        : builder->bytes[offset - builder->hole];
        return 0;
}

struct hf_input zip_builder_input(struct zip_builder *builder)
{
        struct hf_input input = {.read = read_input, .context = builder};

        input.size = builder->size + builder->hole;
        return input;
}
