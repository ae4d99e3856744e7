/* SPDX-License-Identifier: Apache-2.0 */
/* Torch files with more tensors, storages, or bytes behind a compression than anybody means. */
#include "test_hf_torch_bombs.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR T_VECTOR("<Float:0:6>", "6")

/* One tensor under more names than a file may have, and under as many as it may. */
START_TEST(test_many_tensors)
{
        struct bytes pickle = {0};

        pickle_assemble(&pickle, "#8002 } " VECTOR "q0 POP", false);
        for (uint32_t i = 0; i < HF_TENSORS_MAX + 1; i++) {
                char name[10];
                const int length = snprintf(name, sizeof(name), "%u", i);

                pickle_op(&pickle, "SHORT_BINSTRING");
                bytes_add_number(&pickle, (uint64_t)length, 1);
                bytes_add(&pickle, name, (size_t)length);
                pickle_assemble(&pickle, "h0 s", false);
        }
        pickle_assemble(&pickle, ".", false);
        defuse_pickle(&pickle, HF_BAD_LIMIT);
}
END_TEST

/* What the hash of names makes of a first word, before the second comes. */
static uint64_t after_first_word(uint64_t word)
{
        const uint64_t prime = UINT64_C(0x9E3779B97F4A7C15);
        uint64_t hash = ((16 * prime) ^ word) * prime;

        return hash ^ hash >> 32;
}

/* A name of two words whose whole state of the hash is the same for all: the second word undoes the first. */
static bool make_name(uint64_t number, char name[16])
{
        uint64_t words[2] = {0, UINT64_C(0x4141414141414141)};

        for (unsigned i = 0; i < 8; i++)
                words[0] |= (uint64_t)('a' + (number >> 4 * i & 15)) << 8 * i;
        words[1] ^= after_first_word(words[0]);
        memcpy(name, words, 16);
        for (unsigned i = 8; i < 16; i++)
                if (name[i] <= 0)
                        return false;
        return true;
}

START_TEST(test_colliding_names)
{
        struct bytes pickle = {0};
        char name[16];
        uint32_t hash = 0;
        size_t made = 0;

        pickle_assemble(&pickle, "#8002 } " VECTOR "q0 POP", false);
        for (uint64_t i = 0; made < 100000; i++) {
                if (!make_name(i, name))
                        continue;
                if (made++ == 0)
                        hash = hf_name_hash(name, sizeof(name));
                ck_assert_uint_eq(hf_name_hash(name, sizeof(name)), hash);
                pickle_text(&pickle, name, sizeof(name));
                pickle_assemble(&pickle, "h0 s", false);
        }
        pickle_assemble(&pickle, ".", false);
        defuse_pickle(&pickle, HF_OK);
}
END_TEST

/* A tensor each in its own storage, as many as a plain end record can count. */
static void write_tensors(struct bytes *pickle, unsigned count, bool legacy)
{
        static const uint64_t shape[] = {1}, strides[] = {1};

        pickle_assemble(pickle, "#8002 } (", false);
        for (unsigned i = 0; i < count; i++) {
                char name[16];

                snprintf(name, sizeof(name), "%u", i);
                pickle_text(pickle, name, strlen(name));
                pickle_tensor(pickle, "Byte", name, 1, 0, 1, shape, strides, legacy);
        }
        pickle_assemble(pickle, "u .", false);
}

enum {
        STORAGES = 60000
};

START_TEST(test_many_storages)
{
        struct zip_writer zip = {0};
        struct bytes pickle = {0}, file;
        struct zip_entry entry = {.name = "archive/data.pkl"};

        write_tensors(&pickle, STORAGES, false);
        entry.bytes = pickle.at;
        entry.size = pickle.size;
        zip_writer_add(&zip, &entry);
        /* From the last to the first, so that no search is short. */
        for (unsigned i = STORAGES; i-- > 0;) {
                char name[40];

                snprintf(name, sizeof(name), "archive/data/%u", i);
                zip_writer_add(&zip, &(struct zip_entry){.name = name, .bytes = "x", .size = 1});
        }
        zip_writer_add(&zip, &(struct zip_entry){.name = "archive/version", .bytes = "3\n", .size = 2});
        zip_writer_end(&zip, &file);
        defuse(&file, HF_TORCH_STRICT, HF_OK);
        bytes_free(&pickle);
        bytes_free(&file);
}
END_TEST

START_TEST(test_many_storages_legacy)
{
        struct bytes pickle = {0};
        struct torch_parts parts = {.raw = &pickle};
        struct torch_file file;
        char name[16];

        write_tensors(&pickle, STORAGES, true);
        torch_write_legacy(&parts, &file);
        file.bytes.size = file.keys;
        pickle_assemble(&file.bytes, "#8002 ] (", true);
        for (unsigned i = STORAGES; i-- > 0;) {
                snprintf(name, sizeof(name), "%u", i);
                pickle_text(&file.bytes, name, strlen(name));
        }
        pickle_assemble(&file.bytes, "e .", true);
        for (unsigned i = STORAGES; i-- > 0;) {
                bytes_add_number(&file.bytes, 1, 8);
                bytes_add_number(&file.bytes, i, 1);
        }
        defuse(&file.bytes, HF_TORCH_STRICT, HF_OK);
        bytes_free(&pickle);
        torch_file_free(&file);
}
END_TEST

/* A legacy file whose pickles have no end, first or fourth, and more bytes than are read. */
START_TEST(test_endless_legacy)
{
        static const struct {
                const char *first;
                int byte;
        } endless[] = {{NULL, 'N'}, {NULL, ']'}, {"#8002", 'N'}, {"#8002", '0'}};
        const struct torch_parts parts = {.pickle = "#8002",
                                          .magic = endless[_i].first,
                                          .version = endless[_i].first ? "" : NULL,
                                          .system = endless[_i].first ? "" : NULL};
        struct torch_file file;

        torch_write_legacy(&parts, &file);
        file.bytes.size = endless[_i].first ? 2 : file.keys;
        bytes_fill(&file.bytes, endless[_i].byte, 2 * (size_t)HF_TORCH_PICKLE_MAX);
        defuse(&file.bytes, HF_TORCH_STRICT, HF_BAD_LIMIT);
        torch_file_free(&file);
}
END_TEST

/* data.pkl of 1 GiB in 7 MB: honest, and with a size that it says falsely. */
START_TEST(test_deflate_bomb)
{
        static const struct {
                uint64_t says;
                int reason;
        } lies[] = {{0, HF_BAD_LIMIT},
                    {100, HF_BAD_ZIP},
                    {HF_TORCH_PICKLE_MAX, HF_BAD_ZIP},
                    {HF_TORCH_PICKLE_MAX + 1, HF_BAD_LIMIT},
                    {UINT32_MAX - 1, HF_BAD_LIMIT}};
        struct bytes packed = {0};
        const uint64_t made = deflate_bomb(&packed, 'N', UINT64_C(1) << 30);

        for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
                const struct zip_entry entry = {
                        "archive/data.pkl", packed.at, packed.size, 8, lies[i].says ? lies[i].says : made, 0};
                const struct torch_parts parts = {.pickle = "", .omit = "data.pkl", .added = &entry};
                struct torch_file file;

                torch_write_zip(&parts, &file);
                defuse(&file.bytes, HF_TORCH_STRICT, lies[i].reason);
                torch_file_free(&file);
        }
        bytes_free(&packed);
}
END_TEST

/* A pickle of more than is read. */
START_TEST(test_too_large)
{
        struct bytes pickle = {0};

        pickle_assemble(&pickle, "#8002 } .", false);
        bytes_fill(&pickle, 'N', HF_TORCH_PICKLE_MAX);
        defuse_pickle(&pickle, HF_BAD_LIMIT);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch-many");
        TCase *tests = tcase_create("many");

        tcase_set_timeout(tests, 300);
        tcase_add_test(tests, test_many_tensors);
        tcase_add_test(tests, test_colliding_names);
        tcase_add_test(tests, test_many_storages);
        tcase_add_test(tests, test_many_storages_legacy);
        tcase_add_loop_test(tests, test_endless_legacy, 0, 4);
        tcase_add_test(tests, test_deflate_bomb);
        tcase_add_test(tests, test_too_large);
        suite_add_tcase(suite, tests);
        return run_suite(suite);
}
