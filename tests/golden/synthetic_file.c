/* SPDX-License-Identifier: Apache-2.0 */
#include "synthetic.h"

#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536

void synthetic_describe(int64_t side, synthetic_tensor ret_tensors[SYNTHETIC_TENSORS])
{
        const synthetic_tensor tensors[SYNTHETIC_TENSORS] = {
                [SYNTHETIC_ROWS] = {"rows.weight", CKPT_DTYPE_F32, 2, {side + 1, side - 2}},
                [SYNTHETIC_TURNED] = {"turned.weight", CKPT_DTYPE_F32, 2, {side + 1, side - 3}},
                [SYNTHETIC_PICKED] = {"picked.weight", CKPT_DTYPE_BF16, 2, {side * 2 + 2, side / 2 - 1}},
                [SYNTHETIC_BATCHED] = {"batched.weight",
                                       CKPT_DTYPE_BF16,
                                       3,
                                       {17, side / 4 + 1, side / 4 + 3}},
                [SYNTHETIC_PLAIN] = {"plain.weight", CKPT_DTYPE_I32, 1, {side * 256 - 1}},
                [SYNTHETIC_FIRST] = {"first.weight", CKPT_DTYPE_F32, 2, {side / 2, side + 5}},
                [SYNTHETIC_SECOND] = {"second.weight", CKPT_DTYPE_F32, 2, {side / 4, side + 5}},
        };

        memcpy(ret_tensors, tensors, sizeof(tensors));
}

static int64_t count_of(const synthetic_tensor *tensor)
{
        int64_t count = 1;

        for (uint32_t i = 0; i < tensor->rank; i++)
                count *= tensor->shape[i];
        return count;
}

uint32_t synthetic_bits(const synthetic_tensor *tensors, int tensor, int64_t at)
{
        uint64_t h = ((uint64_t)at + 1) * UINT64_C(0x9e3779b97f4a7c15) + ((uint64_t)tensor << 56);
        uint32_t bits;

        h = (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
        bits = (uint32_t)(h >> 32);
        switch (tensors[tensor].dtype) {
        case CKPT_DTYPE_F32: /* exponents from -31 to 32 */
                return (bits & 0x807fffffu) | (96u + (bits >> 23 & 63u)) << 23;
        case CKPT_DTYPE_BF16:
                return bits & 0xffffu;
        default:
                return bits;
        }
}

uint16_t synthetic_bf16(const synthetic_tensor *tensors, int tensor, int64_t at)
{
        const uint32_t bits = synthetic_bits(tensors, tensor, at);

        return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

int64_t synthetic_index(int64_t row, int64_t rows)
{
        return row * 7919 % rows;
}

static void write_tensor(FILE *file, const synthetic_tensor *tensors, int tensor)
{
        const int64_t count = count_of(&tensors[tensor]);
        const size_t width = ckpt_dtype_bits(tensors[tensor].dtype) / 8;
        uint8_t *chunk = malloc(CHUNK * width);

        ck_assert_ptr_nonnull(chunk);
        for (int64_t at = 0; at < count; at += CHUNK) {
                const int64_t n = count - at < CHUNK ? count - at : CHUNK;

                for (int64_t i = 0; i < n; i++) {
                        const uint32_t bits = synthetic_bits(tensors, tensor, at + i);

                        /* Little-endian, as the machine is: the format's order. */
                        memcpy(chunk + (size_t)i * width, &bits, width);
                }
                ck_assert_uint_eq(fwrite(chunk, width, (size_t)n, file), (size_t)n);
        }
        free(chunk);
}

void synthetic_write(const char *path, const synthetic_tensor *tensors)
{
        char header[2048];
        uint64_t offset = 0, length;
        size_t at = 0;
        FILE *file = fopen(path, "we");

        ck_assert_ptr_nonnull(file);
        for (int i = 0; i < SYNTHETIC_TENSORS; i++) {
                const uint64_t size =
                        (uint64_t)count_of(&tensors[i]) * (ckpt_dtype_bits(tensors[i].dtype) / 8);

                at += (size_t)snprintf(header + at, sizeof(header) - at,
                                       "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i ? "," : "{",
                                       tensors[i].name, ckpt_dtype_name(tensors[i].dtype));
                for (uint32_t axis = 0; axis < tensors[i].rank; axis++)
                        at += (size_t)snprintf(header + at, sizeof(header) - at, "%s%" PRId64,
                                               axis ? "," : "", tensors[i].shape[axis]);
                at += (size_t)snprintf(header + at, sizeof(header) - at,
                                       "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", offset,
                                       offset + size);
                offset += size;
        }
        at += (size_t)snprintf(header + at, sizeof(header) - at, "}");
        /* The data begins at an odd place on purpose. */
        length = at;
        ck_assert_uint_eq(fwrite(&length, sizeof(length), 1, file), 1);
        ck_assert_uint_eq(fwrite(header, 1, at, file), at);
        for (int i = 0; i < SYNTHETIC_TENSORS; i++)
                write_tensor(file, tensors, i);
        ck_assert_int_eq(fclose(file), 0);
}
