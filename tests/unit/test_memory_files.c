/* SPDX-License-Identifier: Apache-2.0 */
#include "unit/test_memory_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/scratch.h"

#include <check.h>

/* The tensors' sizes and offsets come with it; offsets count from the header's end. */
static char *make_header(sparse_tensor *tensors, unsigned count, size_t *ret_length)
{
        char *header = NULL;
        FILE *text = open_memstream(&header, ret_length);
        uint64_t at = 0;

        ck_assert_ptr_nonnull(text);
        for (unsigned i = 0; i < count; i++) {
                sparse_tensor *t = &tensors[i];

                t->size = (uint64_t)t->shape[0] * (uint64_t)(t->shape[1] ? t->shape[1] : 1) * t->element;
                fprintf(text, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%" PRId64, i ? "," : "{", t->name,
                        t->dtype, t->shape[0]);
                if (t->shape[1])
                        fprintf(text, ",%" PRId64, t->shape[1]);
                fprintf(text, "],\"data_offsets\":[%" PRIu64 ",%" PRIu64 "]}", at, at + t->size);
                t->offset = at;
                at += t->size;
        }
        fputs("}", text);
        ck_assert_int_eq(fclose(text), 0);
        return header;
}

void sparse_make(const char *file, sparse_tensor *tensors, unsigned count)
{
        size_t length;
        char *header = make_header(tensors, count, &length);
        const uint64_t size = length, payload = tensors[count - 1].offset + tensors[count - 1].size;
        const int fd = open(scratch_path(file), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        for (unsigned i = 0; i < count; i++)
                tensors[i].offset += 8 + size;
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, &size, 8), 8);
        ck_assert_int_eq(write(fd, header, length), (ssize_t)length);
        ck_assert_int_eq(ftruncate(fd, (off_t)(8 + size + payload)), 0);
        close(fd);
        free(header);
}

void sparse_write(const char *file, uint64_t offset, const void *bytes, uint64_t size)
{
        const int fd = open(scratch_path(file), O_WRONLY | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(pwrite(fd, bytes, size, (off_t)offset), (ssize_t)size);
        close(fd);
}

static float float_of(uint32_t bits)
{
        float value;

        memcpy(&value, &bits, sizeof(value));
        return value;
}

uint16_t bf16_of(float value)
{
        uint32_t bits, below, above;
        double under, over;

        memcpy(&bits, &value, sizeof(bits));
        below = bits & 0xffff0000u;
        above = below + 0x10000u;
        under = fabs((double)value - (double)float_of(below));
        over = fabs((double)float_of(above) - (double)value);
        if (under == over)
                return (uint16_t)((below >> 16) % 2 ? above >> 16 : below >> 16);
        return (uint16_t)(under < over ? below >> 16 : above >> 16);
}

float some_float(uint64_t seed)
{
        const uint64_t mixed = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
        const double unit = (double)(mixed >> 40) / (double)(1 << 24);

        /* Every eighth lies exactly between two neighbours. */
        return seed % 8 == 7 ? float_of((uint32_t)(0x3f800000u + (mixed >> 52) * 0x10000u) | 0x8000u)
                             : (float)((unit - 0.5) * ldexp(1.0, (int)(seed % 20)));
}
