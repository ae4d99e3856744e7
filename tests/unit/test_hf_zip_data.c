/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in the members of a zip archive: data that are not what their sizes and CRCs say, data that would
 * become too many, and an archive that is damaged at every byte and every bit.
 */
#include "torch/zip.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/zip_builder.h"

static const char text[] = "a text that deflate can pack, a text that deflate can pack, a text";

static const struct zip_part parts[] = {
        {.name = "archive/data.pkl", .data = text, .size = sizeof text - 1, .deflated = true},
        {.name = "archive/data/0", .data = "0123456789", .size = 10},
        {.name = "archive/data/1"},
        {.name = "archive/version", .data = "3\n", .size = 2, .plain = true},
};

enum {
        PARTS = sizeof parts / sizeof *parts
};

static struct zip_builder builder;

static void set_up(void)
{
        int i;

        for (i = 0; i < PARTS; i++)
                zip_builder_add(&builder, &parts[i]);
        zip_builder_finish(&builder, NULL);
}

static void take_down(void)
{
        zip_builder_deinit(&builder);
}

/* Opens an archive of one part and extracts it. */
static enum hf_reason extract(const struct zip_part *part, uint64_t size, uint64_t limit,
                              struct hf_error *error)
{
        struct zip_builder one = {0};
        struct hf_input input;
        struct hf_zip zip;
        uint64_t got = 77;
        char *bytes;
        int r;

        zip_builder_add(&one, part);
        zip_builder_finish(&one, NULL);
        input = zip_builder_input(&one);
        /* The sizes are those of the descriptor, too. */
        zip_builder_put(&one, one.places[0].record + 24, 4, size);
        if (one.sums[0].packed)
                zip_builder_put(&one, one.places[0].descriptor + 12, 4, size);
        ck_assert_msg(hf_zip_open(&input, &zip, error) == 0, "%s", error->message);
        r = hf_zip_extract(&input, &zip.members[0], limit, &bytes, &got, error);
        if (r == 0) {
                ck_assert_uint_eq(got, part->size);
                ck_assert_mem_eq(bytes, part->data, part->size);
                free(bytes);
        } else {
                ck_assert_uint_eq(got, 77);
        }
        hf_zip_deinit(&zip);
        zip_builder_deinit(&one);
        return r == 0 ? HF_OK : error->reason;
}

/* Raw deflate streams, by hand: a stored block is 1 (the last) or 0, its length, and that complemented. */
static const struct {
        const char *packed;
        size_t packed_size;
        const char *data;
        size_t size;
        enum hf_reason reason;
        const char *word;
} streams[] = {
        {"\1\5\0\372\377hello", 10, "hello", 5, HF_OK, ""},
        {"\0\2\0\375\377he\1\3\0\374\377llo", 15, "hello", 5, HF_OK, ""},
        {"\3\0", 2, "", 0, HF_OK, ""},
        {"\1\5\0\372\377hello", 10, "hallo", 5, HF_BAD_CRC, "CRC"},
        {"\1\5\0\372\377hello", 10, "hell", 4, HF_BAD_ZIP, "more bytes"},
        {"\1\5\0\372\377hello", 10, "hello!", 6, HF_BAD_ZIP, "fewer bytes"},
        {"\1\5\0\372\377hello+", 11, "hello", 5, HF_BAD_ZIP, "behind its deflated"},
        {"\1\5\0\372\377hell", 9, "hello", 5, HF_BAD_ZIP, "ends within"},
        {"\0\5\0\372\377hello", 10, "hello", 5, HF_BAD_ZIP, "ends within"},
        {"", 0, "", 0, HF_BAD_ZIP, "ends within"},
        {"\1\5\0\372\376hello", 10, "hello", 5, HF_BAD_ZIP, "damaged"},
        {"\7hello", 6, "hello", 5, HF_BAD_ZIP, "damaged"}, /* the block type that there is not */
        {"\170\234\1\5\0\372\377hello", 12, "hello", 5, HF_BAD_ZIP, "damaged"}, /* with zlib's header */
};

START_TEST(test_streams)
{
        struct zip_part part = {.name = "archive/a", .deflated = true};
        struct hf_error error = {.message = ""};

        part.packed = streams[_i].packed;
        part.packed_size = streams[_i].packed_size;
        part.data = streams[_i].data;
        part.size = streams[_i].size;
        ck_assert_int_eq(extract(&part, part.size, 100, &error), streams[_i].reason);
        ck_assert_ptr_nonnull(strstr(error.message, streams[_i].word));
}
END_TEST

/* A thousand bytes out of each one, with what they say of themselves true, a lie, or over the limit. */
START_TEST(test_bombs)
{
        const size_t size = 50 << 20;
        char *zeros = calloc(size, 1);
        struct zip_part part = {.name = "archive/a", .data = zeros, .size = size, .deflated = true};
        struct hf_error error;

        ck_assert_int_eq(extract(&part, size, size, &error), HF_OK);
        ck_assert_int_eq(extract(&part, size, size - 1, &error), HF_BAD_LIMIT);
        ck_assert_int_eq(extract(&part, 1000, size, &error), HF_BAD_ZIP);
        ck_assert_ptr_nonnull(strstr(error.message, "more bytes"));
        ck_assert_int_eq(extract(&part, 0, 0, &error), HF_BAD_ZIP);
        ck_assert_int_eq(extract(&part, size + 1, size + 1, &error), HF_BAD_ZIP);
        ck_assert_ptr_nonnull(strstr(error.message, "fewer bytes"));
        ck_assert_int_eq(extract(&part, 0xFFFFFFFE, UINT64_MAX, &error), HF_BAD_LIMIT);
        ck_assert_ptr_nonnull(strstr(error.message, "gigabyte"));
        free(zeros);
}
END_TEST

/* Packed data larger than a piece, that zlib has to be fed with in turns. */
START_TEST(test_long_stream)
{
        const size_t size = 1000003;
        unsigned char *noise = malloc(size);
        struct zip_part part = {.name = "archive/a", .data = noise, .size = size, .deflated = true};
        struct hf_error error;
        uint32_t state = 1;
        size_t i;

        for (i = 0; i < size; i++) {
                state = state * 1664525 + 1013904223;
                noise[i] = (unsigned char)(state >> 24);
        }
        ck_assert_int_eq(extract(&part, size, size, &error), HF_OK);
        part.deflated = false;
        ck_assert_int_eq(extract(&part, size, size, &error), HF_OK);
        free(noise);
}
END_TEST

/* The stream ends where a piece does, and the member goes on. */
START_TEST(test_behind_a_piece)
{
        char packed[65537] = "\1\373\377\4"; /* a stored block of 65531 bytes, and one byte more */
        struct zip_part part = {
                .name = "archive/a", .deflated = true, .packed = packed, .packed_size = 65536};
        struct hf_error error;

        part.data = packed + 5;
        part.size = 65531;
        ck_assert_int_eq(extract(&part, part.size, part.size, &error), HF_OK);
        part.packed_size = 65537;
        ck_assert_int_eq(extract(&part, part.size, part.size, &error), HF_BAD_ZIP);
        ck_assert_ptr_nonnull(strstr(error.message, "behind its deflated"));
}
END_TEST

START_TEST(test_stored)
{
        struct hf_input input = zip_builder_input(&builder);
        struct hf_error error;
        struct hf_zip zip;
        uint64_t size;
        char *bytes;

        ck_assert_int_eq(hf_zip_open(&input, &zip, &error), 0);
        ck_assert_int_eq(hf_zip_extract(&input, &zip.members[1], 9, &bytes, &size, &error), -1);
        ck_assert_int_eq(error.reason, HF_BAD_LIMIT);
        ck_assert_int_eq(hf_zip_extract(&input, &zip.members[2], 0, &bytes, &size, &error), 0);
        ck_assert_uint_eq(size, 0);
        free(bytes);
        ck_assert_int_eq(hf_zip_verify(&input, &zip.members[2], &error), 0);
        ck_assert_int_eq(hf_zip_verify(&input, &zip.members[1], &error), 0);
        zip_builder_put(&builder, builder.places[1].data + 9, 1, '8');
        ck_assert_int_eq(hf_zip_verify(&input, &zip.members[1], &error), -1);
        ck_assert_int_eq(error.reason, HF_BAD_CRC);
        ck_assert_uint_eq(error.offset, builder.places[1].data);
        ck_assert_int_eq(hf_zip_extract(&input, &zip.members[1], 10, &bytes, &size, &error), -1);
        ck_assert_int_eq(error.reason, HF_BAD_CRC);
        ck_assert_ptr_nonnull(strstr(error.message, "\"data/0\""));
        ck_assert_int_eq(hf_zip_verify(&input, &zip.members[0], &error), -1);
        ck_assert_ptr_nonnull(strstr(error.message, "deflated"));
        hf_zip_deinit(&zip);
}
END_TEST

/* torch can be told to write no CRC; the file is not at fault then, but nothing vouches for it either. */
START_TEST(test_no_crc)
{
        struct zip_part part = {.name = "archive/a", .data = "abc", .size = 3, .plain = true};
        struct hf_input input;
        struct hf_error error;
        struct hf_zip zip;
        struct zip_builder one = {0};

        zip_builder_add(&one, &part);
        zip_builder_finish(&one, NULL);
        zip_builder_put(&one, one.places[0].local + 14, 4, 0);
        zip_builder_put(&one, one.places[0].record + 16, 4, 0);
        input = zip_builder_input(&one);
        ck_assert_int_eq(hf_zip_open(&input, &zip, &error), 0);
        ck_assert_int_eq(hf_zip_verify(&input, &zip.members[0], &error), -1);
        ck_assert_int_eq(error.reason, HF_BAD_CRC);
        ck_assert_ptr_nonnull(strstr(error.message, "set_crc32_options"));
        hf_zip_deinit(&zip);
        zip_builder_deinit(&one);
}
END_TEST

START_TEST(test_truncated)
{
        struct hf_error error;
        struct hf_zip zip;
        size_t cut;

        for (cut = 0; cut < builder.size; cut++) {
                struct zip_builder copy = {0};
                struct hf_input input;

                zip_builder_raw(&copy, builder.bytes, cut);
                input = zip_builder_input(&copy);
                ck_assert_int_eq(hf_zip_open(&input, &zip, &error), -1);
                ck_assert_int_eq(error.reason, HF_BAD_TRUNCATED);
                zip_builder_deinit(&copy);
        }
}
END_TEST

static bool within(size_t at, size_t begin, size_t from, size_t to)
{
        return at >= begin + from && at < begin + to;
}

/* Fields that mean nothing to a reader, or that may be zero or right: versions, times, padding … */
static bool is_free(size_t at)
{
        int i;

        /* and the bits behind the last code of what is deflated */
        if (within(at, builder.wide, 12, 16) || at + 1 == builder.places[0].descriptor)
                return true;
        for (i = 0; i < PARTS; i++) {
                const struct zip_place *place = &builder.places[i];
                size_t extra = place->local + 30 + strlen(parts[i].name);

                if (within(at, place->local, 4, 6) || within(at, place->local, 10, 26) ||
                    (at >= extra && at < place->data) || within(at, place->record, 4, 8) ||
                    within(at, place->record, 12, 16) || within(at, place->record, 36, 42))
                        return true;
        }
        return false;
}

/* Whether all members come out as they went in; each that does not must fail with a reason. */
static bool extracts(const struct hf_input *input, const struct hf_zip *zip)
{
        struct hf_error error;
        bool all = true;
        uint64_t size;
        char *bytes;
        int i;

        ck_assert_uint_eq(zip->n_members, PARTS);
        for (i = 0; i < PARTS; i++) {
                const struct hf_zip_member *member = hf_zip_find(zip, parts[i].name + 8);

                ck_assert_ptr_nonnull(member);
                if (hf_zip_extract(input, member, 1 << 20, &bytes, &size, &error) < 0) {
                        ck_assert(error.reason == HF_BAD_CRC || error.reason == HF_BAD_ZIP);
                        all = false;
                        continue;
                }
                ck_assert_uint_eq(size, parts[i].size);
                ck_assert_mem_eq(bytes, parts[i].data ? parts[i].data : "", parts[i].size);
                free(bytes);
        }
        return all;
}

START_TEST(test_bit_flips)
{
        struct hf_input input = zip_builder_input(&builder);
        struct hf_error error;
        struct hf_zip zip;
        size_t bit, survivors = 0;

        for (bit = 0; bit < builder.size * 8; bit++) {
                builder.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
                if (hf_zip_open(&input, &zip, &error) == 0) {
                        if (extracts(&input, &zip)) {
                                ck_assert_msg(is_free(bit / 8), "byte %zu may change", bit / 8);
                                survivors++;
                        }
                        hf_zip_deinit(&zip);
                }
                builder.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        ck_assert_uint_gt(survivors, 0);
}
END_TEST

/* The n-th read fails, for every n that there is. */
struct failing {
        struct hf_input input;
        int left;
};

static int read_failing(void *context, uint64_t offset, void *buffer, size_t size)
{
        struct failing *failing = context;

        if (failing->left-- == 0)
                return -1;
        return failing->input.read(failing->input.context, offset, buffer, size);
}

START_TEST(test_read_fails)
{
        struct failing failing = {.input = zip_builder_input(&builder)};
        struct hf_input input = {.read = read_failing, .context = &failing, .size = failing.input.size};
        struct hf_error error;
        struct hf_zip zip;
        uint64_t size;
        char *bytes;
        int n = 0;

        for (failing.left = n; hf_zip_open(&input, &zip, &error) < 0; failing.left = ++n)
                ck_assert_int_eq(error.reason, HF_BAD_READ);
        ck_assert_int_eq(n, 2 + PARTS); /* the end, the directory, one a member */
        for (n = 0; n < 2; n++) {
                failing.left = 0;
                ck_assert_int_eq(hf_zip_extract(&input, &zip.members[n], 100, &bytes, &size, &error), -1);
                ck_assert_int_eq(error.reason, HF_BAD_READ);
        }
        failing.left = 0;
        ck_assert_int_eq(hf_zip_verify(&input, &zip.members[1], &error), -1);
        ck_assert_int_eq(error.reason, HF_BAD_READ);
        hf_zip_deinit(&zip);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-zip-data");
        TCase *tests = tcase_create("zip");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tests, set_up, take_down);
        tcase_add_loop_test(tests, test_streams, 0, (int)(sizeof streams / sizeof *streams));
        tcase_add_test(tests, test_bombs);
        tcase_add_test(tests, test_long_stream);
        tcase_add_test(tests, test_behind_a_piece);
        tcase_add_test(tests, test_stored);
        tcase_add_test(tests, test_no_crc);
        tcase_add_test(tests, test_truncated);
        tcase_add_test(tests, test_bit_flips);
        tcase_add_test(tests, test_read_fails);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
