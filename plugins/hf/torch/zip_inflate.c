/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deflated data. What a member says of itself is a ceiling: not a byte more is unpacked, and memory is what
 * it says and one piece, however much it would become.
 */
#define ZLIB_CONST /* next_in points to const */

#include "zip_internal.h"

#include <stdlib.h>
#include <zlib.h>

enum {
        PIECE = 64 * 1024,   /* read at once */
        OUTPUT_MAX = 1 << 30 /* zlib counts in ints */
};

struct unpacking {
        const struct hf_input *input;
        const struct hf_zip_member *member;
        struct hf_error *error;
        z_stream stream;
        unsigned char *piece;
        uint64_t taken; /* packed bytes that were read */
        uint64_t made;
        char *output; /* one byte longer than the member says, so that more than that is seen */
};

static int fail_data(const struct unpacking *unpacking, const char *problem)
{
        return hf_zip_fail(&unpacking->member->name, HF_BAD_ZIP, unpacking->member->offset, problem,
                           unpacking->error);
}

static int refill(struct unpacking *unpacking)
{
        uint64_t left = unpacking->member->packed - unpacking->taken;
        size_t size = left < PIECE ? (size_t)left : PIECE;

        if (size == 0)
                return fail_data(unpacking, "ends within its deflated data");
        if (hf_input_read(unpacking->input, unpacking->member->offset + unpacking->taken, unpacking->piece,
                          size, "a packed member", unpacking->error) < 0)
                return -1;
        unpacking->taken += size;
        unpacking->stream.next_in = unpacking->piece;
        unpacking->stream.avail_in = (uInt)size;
        return 0;
}

/* Unpacks what it can. 1 at the end of the packed data, 0 before, -1. */
static int step(struct unpacking *unpacking)
{
        uInt room = (uInt)(unpacking->member->size + 1 - unpacking->made);
        z_stream *stream = &unpacking->stream;
        int r;

        if (stream->avail_in == 0 && refill(unpacking) < 0)
                return -1;
        stream->next_out = (Bytef *)unpacking->output + unpacking->made;
        stream->avail_out = room;
        r = inflate(stream, Z_NO_FLUSH);
        unpacking->made += room - stream->avail_out;
        if (r == Z_MEM_ERROR)
                return hf_error_set_memory(unpacking->error);
        if (r != Z_OK && r != Z_STREAM_END)
                return fail_data(unpacking, "has deflated data that are damaged");
        if (unpacking->made > unpacking->member->size)
                return fail_data(unpacking, "unpacks to more bytes than it says");
        return r == Z_STREAM_END;
}

static int unpack(struct unpacking *unpacking)
{
        int r;

        do
                r = step(unpacking);
        while (r == 0);
        if (r < 0)
                return -1;
        if (unpacking->made != unpacking->member->size)
                return fail_data(unpacking, "unpacks to fewer bytes than it says");
        if (unpacking->stream.avail_in > 0 || unpacking->taken != unpacking->member->packed)
                return fail_data(unpacking, "has bytes behind its deflated data");
        return 0;
}

int hf_zip_inflate(const struct hf_input *input, const struct hf_zip_member *member, char **ret_bytes,
                   struct hf_error *ret_error)
{
        struct unpacking unpacking = {.input = input, .member = member, .error = ret_error};
        int r;

        if (member->size >= OUTPUT_MAX)
                return hf_zip_fail(&member->name, HF_BAD_LIMIT, member->offset,
                                   "unpacks to a gigabyte or more, which is not read", ret_error);
        unpacking.output = malloc((size_t)member->size + 1);
        unpacking.piece = malloc(PIECE);
        if (!unpacking.output || !unpacking.piece || inflateInit2(&unpacking.stream, -MAX_WBITS) != Z_OK) {
                r = hf_error_set_memory(ret_error);
        } else {
                r = unpack(&unpacking);
                inflateEnd(&unpacking.stream);
        }
        free(unpacking.piece);
        if (r < 0)
                free(unpacking.output);
        else
                *ret_bytes = unpacking.output;
        return r;
}
