/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many shards, several of them broken, with so much text in their headers that threads share it
 */
#include "test_bad_input.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHARDS 20
#define PADDED 80000
#define DATA   16
#define GOOD   "{\"%u\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]}}"

/* What is wrong with some, and what is said of it. */
static const struct {
        unsigned shard;
        const char *bytes;  /* the whole file, or … */
        const char *header; /* … its header, or NULL: as it should be … */
        uint64_t data;      /* … and so much data */
        ckpt_status status;
        const char *word;
} broken[] = {
        {3, NULL, "{\"a\":{\"dtype\":\"F33\",\"shape\":[4],\"data_offsets\":[0,16]}}", DATA,
         CKPT_E_UNSUPPORTED, "F33"},
        {4, "version https://git-lfs.github.com/spec/v1\n", NULL, 0, CKPT_E_CORRUPT, "Git-LFS pointer"},
        {7, NULL, NULL, DATA - 1, CKPT_E_CORRUPT, "cut short"},
        {8, "PK\003\004, and what follows in a zip archive", NULL, 0, CKPT_E_UNSUPPORTED, "zip archive"},
        {9, NULL, "{\"a\":[]}", DATA, CKPT_E_CORRUPT, "'a'"},
        {15, NULL, "[]", DATA, CKPT_E_CORRUPT, "not an object"},
        {19, "1234", NULL, 0, CKPT_E_CORRUPT, "fewer than the 8"},
};

#define BROKEN (sizeof(broken) / sizeof(broken[0]))

static void write_shard(const char *name, unsigned shard, const char *header, uint64_t data)
{
        char good[256];

        snprintf(good, sizeof(good), GOOD, shard);
        checkpoint_write_raw(name, header ? header : good, data);
        checkpoint_pad(name, PADDED);
}

/* Those that are broken from `first` on. */
static void write_shards(unsigned first)
{
        unsigned next = first;

        for (unsigned shard = 0; shard < SHARDS; shard++) {
                const bool is_broken = next < BROKEN && broken[next].shard == shard;
                char name[32];

                snprintf(name, sizeof(name), "s%02u.safetensors", shard);
                if (!is_broken)
                        write_shard(name, shard, NULL, DATA);
                else if (broken[next].bytes)
                        scratch_write_text(name, broken[next].bytes);
                else
                        write_shard(name, shard, broken[next].header, broken[next].data);
                next += is_broken;
        }
}

static void expect_next(uint64_t *at, unsigned i)
{
        ckpt_diagnostic d;
        char name[32];

        snprintf(name, sizeof(name), "s%02u.safetensors", broken[i].shard);
        do
                ck_assert_int_eq(ckpt_load_diagnostic(bad.load, (*at)++, &d), CKPT_OK);
        while (d.status == CKPT_OK);
        ck_assert_int_eq(d.status, broken[i].status);
        ck_assert_msg(strstr(d.text, name) && strstr(d.text, broken[i].word), "no %s and no '%s' in: %s",
                      name, broken[i].word, d.text);
}

/* Whoever was first to see it: all is told in the order of the shards, and the first decides. */
START_TEST(many_are_broken)
{
        checkpoint_copy("gemma3-bf16");
        unlink(scratch_path(SINGLE));
        for (unsigned first = 0; first < BROKEN; first++) {
                uint64_t at = 0;

                write_shards(first);
                attempt_fails(broken[first].status);
                ck_assert_uint_eq(count_reasons(bad.load, ""), BROKEN - first);
                for (unsigned i = first; i < BROKEN; i++)
                        expect_next(&at, i);
        }
}
END_TEST

TCase *bad_shards_case(void)
{
        TCase *tcase = bad_input_case("shards");

        tcase_add_test(tcase, many_are_broken);
        return tcase;
}
