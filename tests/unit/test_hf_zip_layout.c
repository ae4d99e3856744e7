/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zip archives whose parts lie where torch does not put them: forms of sizes that must be taken, and bytes
 * that two readers could take for different members, which must not.
 */
#include "torch/zip.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "support/zip_builder.h"

#define DATA               .data = "0123456789", .size = 10
#define EXTRA(bytes)       .extra = (bytes), .extra_size = sizeof(bytes) - 1
#define LOCAL_EXTRA(bytes) .local_extra = (bytes), .local_extra_size = sizeof(bytes) - 1

static struct zip_builder builder;

static void take_down(void)
{
        zip_builder_deinit(&builder);
}

static void expect(enum hf_reason reason, const char *word)
{
        struct hf_input input = zip_builder_input(&builder);
        struct hf_error error = {.message = ""};
        struct hf_zip zip = {0};
        int r = hf_zip_open(&input, &zip, &error);

        ck_assert_msg(error.reason == reason, "reason %d, not %d: %s", error.reason, reason, error.message);
        ck_assert_int_eq(r, reason == HF_OK ? 0 : -1);
        ck_assert_msg(strstr(error.message, word) != NULL, "no \"%s\" in: %s", word, error.message);
        hf_zip_deinit(&zip);
}

static const struct {
        struct zip_part part;
        const char *word; /* NULL: fine */
} layouts[] = {
        {{DATA}, NULL},
        {{DATA, .plain = true}, NULL},
        {{DATA, .wide = true}, NULL},
        {{DATA, .plain = true, .wide = true}, NULL},
        {{DATA, .unsigned_descriptor = true}, NULL},
        {{DATA, .wide = true, .unsigned_descriptor = true}, NULL},
        {{DATA, .deflated = true}, NULL},
        {{DATA, .deflated = true, .wide = true}, NULL},
        {{DATA, .plain = true, .deflated = true}, NULL},
        {{.plain = true}, NULL},
        {{.wide = true}, NULL},
        /* padding in the local header only, before torch 2.6 as since */
        {{DATA, LOCAL_EXTRA("FB\3\0ZZZ")}, NULL},
        {{DATA, EXTRA("FB\0\0ab\1\0+")}, NULL},
        {{DATA, EXTRA("\1\0\0\0")}, NULL}, /* a zip64 field that nothing needs */
        {{DATA, LOCAL_EXTRA("\1\0\10\0\377\377\377\377\377\377\377\377")},
         NULL}, /* as torch's, with its offset */
        /* extra fields */
        {{DATA, EXTRA("F")}, "extra field that is cut short"},
        {{DATA, EXTRA("FB\0")}, "extra field that is cut short"},
        {{DATA, EXTRA("FB\1\0")}, "extra field that is cut short"},
        {{DATA, EXTRA("FB\1\0ab")}, "extra field that is cut short"},
        {{DATA, EXTRA("\1\0\0\0\1\0\0\0")}, "two zip64 fields"},
        {{DATA, .wide = true, EXTRA("\1\0\0\0")}, "two zip64 fields"},
        {{DATA, .plain = true, LOCAL_EXTRA("FB\1\0")}, "extra field that is cut short"},
        {{DATA, .wide = true, LOCAL_EXTRA("\1\0\0\0")}, "two zip64 fields"},
        /* names */
        {{DATA, .local_name = "archive/data/2"}, "name in its local header"},
        {{DATA, .local_name = "archive/data/"}, "name in its local header"},
        {{DATA, .local_name = "archive/data/11"}, "name in its local header"},
        {{DATA, .local_name = ""}, "name in its local header"},
        /* bytes that are nobody's */
        {{DATA, .gap = "+"}, "belong to no member"},
        {{DATA, .gap = "twelve bytes"}, "belong to no member"},
        {{DATA, .plain = true, .gap = "twelve bytes"}, "belong to no member"},
        {{DATA, .plain = true, .gap = "of sixteen bytes"}, "belong to no member"},
        {{DATA, .plain = true, .gap = "a kilogram of feathers, and more"}, "belong to no member"},
        {{.gap = "of sixteen bytes"}, "belong to no member"},
};

/* Between two others, and as the last one, in front of the directory. */
START_TEST(test_layouts)
{
        const char *word = layouts[_i].word;
        struct zip_part part = layouts[_i].part;
        int last;

        part.name = "archive/data/1";
        for (last = 0; last < 2; last++) {
                zip_builder_add(&builder, &(struct zip_part){.name = "archive/data/0", DATA});
                zip_builder_add(&builder, &part);
                if (!last)
                        zip_builder_add(&builder, &(struct zip_part){.name = "archive/version", DATA});
                zip_builder_finish(&builder, NULL);
                expect(word ? HF_BAD_ZIP : HF_OK, word ? word : "");
                zip_builder_deinit(&builder);
        }
}
END_TEST

/* Sixteen bytes that would be its descriptor, had the member said that there is one. */
START_TEST(test_descriptor_of_none)
{
        const struct zip_part part = {.name = "archive/a", DATA, .plain = true, .gap = "of sixteen bytes"};
        size_t at;

        zip_builder_add(&builder, &part);
        zip_builder_finish(&builder, NULL);
        at = builder.places[0].descriptor;
        zip_builder_put(&builder, at, 4, 0x08074B50);
        zip_builder_put(&builder, at + 4, 4, builder.sums[0].crc);
        zip_builder_put(&builder, at + 8, 4, 10);
        zip_builder_put(&builder, at + 12, 4, 10);
        expect(HF_BAD_ZIP, "belong to no member");
        zip_builder_put(&builder, builder.places[0].local + 6, 2, 0x808);
        zip_builder_put(&builder, builder.places[0].record + 8, 2, 0x808);
        expect(HF_OK, "");
}
END_TEST

/* Longer than what is read at once. */
START_TEST(test_large_gap)
{
        struct zip_part part = {.name = "archive/a", DATA};
        char *gap = calloc(100001, 1);
        int last;

        memset(gap, 'g', 100000);
        part.gap = gap;
        for (last = 0; last < 2; last++) {
                zip_builder_add(&builder, &part);
                if (!last)
                        zip_builder_add(&builder, &(struct zip_part){.name = "archive/b"});
                zip_builder_finish(&builder, NULL);
                expect(HF_BAD_ZIP, "100016 bytes of the archive at byte 74 belong to no member");
                zip_builder_deinit(&builder);
        }
        free(gap);
}
END_TEST

/* Longer than what is read with the header. */
START_TEST(test_long_extra)
{
        char extra[65535 - 4] = "\1\0\0\0FB";
        struct zip_part part = {.name = "archive/a", DATA, .plain = true, .local_extra = extra};

        extra[6] = extra[7] = (char)0xFF;
        part.local_extra_size = sizeof extra;
        zip_builder_add(&builder, &part);
        zip_builder_finish(&builder, NULL);
        expect(HF_BAD_ZIP, "cut short");
        /* another zip64 field at its end */
        zip_builder_put(&builder, builder.places[0].local + 30 + 9 + 6, 2, sizeof extra - 12);
        zip_builder_put(&builder, builder.places[0].data - 4, 4, 1);
        expect(HF_BAD_ZIP, "two zip64 fields");
        zip_builder_put(&builder, builder.places[0].data - 4, 4, 2);
        expect(HF_OK, "");
}
END_TEST

START_TEST(test_prefix)
{
        zip_builder_raw(&builder, "#!", 2);
        zip_builder_add(&builder, &(struct zip_part){.name = "archive/data/0", DATA});
        zip_builder_finish(&builder, NULL);
        expect(HF_BAD_ZIP, "2 bytes of the archive at byte 0 belong to no member");
}
END_TEST

/* The directory need not list members in the order in which they lie. */
START_TEST(test_other_order)
{
        size_t a, b;

        zip_builder_add(&builder, &(struct zip_part){.name = "archive/a", DATA});
        zip_builder_add(&builder, &(struct zip_part){.name = "archive/b", DATA});
        zip_builder_finish(&builder, NULL);
        expect(HF_OK, "");
        a = builder.places[0].record;
        b = builder.places[1].record;
        zip_builder_put(&builder, a + 42, 4, builder.places[1].local);
        zip_builder_put(&builder, b + 42, 4, 0);
        expect(HF_BAD_ZIP, "another name");
        zip_builder_put(&builder, a + 54, 1, 'b');
        zip_builder_put(&builder, b + 54, 1, 'a');
        expect(HF_OK, "");
}
END_TEST

/* A member inside the data of another: its header is sound, and only one of the two may have those bytes. */
START_TEST(test_inside_another)
{
        static const struct zip_part inner = {.name = "archive/b", DATA, .plain = true};
        struct zip_part outer = {.name = "archive/a", .plain = true};
        struct zip_builder other = {0};

        zip_builder_add(&other, &inner);
        outer.data = other.bytes;
        outer.size = other.size;
        zip_builder_add(&builder, &outer);
        zip_builder_add(&builder, &inner);
        zip_builder_finish(&builder, NULL);
        expect(HF_OK, "");
        zip_builder_put(&builder, builder.places[1].record + 42, 4, builder.places[0].data);
        expect(HF_BAD_ZIP, "\"b\" of the archive, at byte 39, overlaps");
        zip_builder_deinit(&other);
}
END_TEST

/* A local header that ends where the directory begins, and one that would reach into it. */
START_TEST(test_at_the_directory)
{
        zip_builder_add(&builder, &(struct zip_part){.name = "archive/a", DATA, .plain = true});
        zip_builder_add(&builder, &(struct zip_part){.name = "archive/b", .plain = true});
        zip_builder_finish(&builder, NULL);
        expect(HF_OK, "");
        zip_builder_put(&builder, builder.places[1].local + 28, 2, 1);
        expect(HF_BAD_ZIP, "does not end before");
        zip_builder_put(&builder, builder.places[1].local + 28, 2, 0);
        zip_builder_put(&builder, builder.places[1].record + 42, 4, builder.directory - 38);
        expect(HF_BAD_ZIP, "does not begin before");
}
END_TEST

START_TEST(test_wide_fields)
{
        static const struct {
                size_t at; /* in the zip64 field, behind the name */
                const char *word;
        } wrong[] = {{4, "two sizes"}, {12, "two sizes"}, {20, "belong to no member"}};
        size_t record, i;

        zip_builder_add(&builder, &(struct zip_part){.name = "archive/a", DATA});
        zip_builder_add(&builder, &(struct zip_part){.name = "archive/b", DATA, .wide = true});
        zip_builder_finish(&builder, NULL);
        expect(HF_OK, "");
        record = builder.places[1].record;
        for (i = 0; i < 3; i++) {
                size_t at = record + 46 + 9 + wrong[i].at;
                unsigned char kept = builder.bytes[at];

                zip_builder_put(&builder, at, 1, (uint64_t)kept - 1);
                expect(HF_BAD_ZIP, wrong[i].word);
                zip_builder_put(&builder, at, 1, kept);
        }
        zip_builder_put(&builder, record + 46 + 9 + 2, 2, 20);
        expect(HF_BAD_ZIP, "zip64 field that lacks it");
        zip_builder_put(&builder, record + 46 + 9, 2, 2);
        zip_builder_put(&builder, record + 46 + 9 + 2, 2, 24);
        expect(HF_BAD_ZIP, "zip64 field that lacks it");
}
END_TEST

/* Local sizes that are in a zip64 field are compared there. */
START_TEST(test_wide_local)
{
        size_t field;

        zip_builder_add(&builder, &(struct zip_part){.name = "archive/a", DATA, .wide = true, .plain = true});
        zip_builder_finish(&builder, NULL);
        field = builder.places[0].local + 30 + 9;
        zip_builder_put(&builder, field + 4, 8, 11);
        expect(HF_BAD_ZIP, "size in its local header");
        zip_builder_put(&builder, field + 4, 8, 0);
        expect(HF_BAD_ZIP, "size in its local header");
        zip_builder_put(&builder, field + 4, 8, 10);
        expect(HF_OK, "");
        zip_builder_put(&builder, field + 2, 2, 8);
        expect(HF_BAD_ZIP, "zip64 field that lacks it");
}
END_TEST

/* Beyond 4 GiB, with numbers that do not fit and those that just do. */
START_TEST(test_large)
{
        static const uint64_t holes[] = {UINT32_MAX - 10, UINT64_C(5) << 30, UINT64_C(1) << 62};
        struct hf_input input;
        struct hf_error error;
        struct hf_zip zip;

        zip_builder_add(&builder,
                        &(struct zip_part){.name = "archive/data/0", DATA, .hole = holes[_i], .wide = true});
        zip_builder_add(&builder, &(struct zip_part){.name = "archive/version", DATA, .wide = true});
        zip_builder_finish(&builder, NULL);
        input = zip_builder_input(&builder);
        ck_assert_msg(hf_zip_open(&input, &zip, &error) == 0, "%s", error.message);
        ck_assert_uint_eq(zip.members[0].size, 10 + holes[_i]);
        ck_assert_uint_eq(zip.members[1].offset, builder.places[1].data + holes[_i]);
        ck_assert_int_eq(hf_zip_verify(&input, &zip.members[1], &error), 0);
        hf_zip_deinit(&zip);
        /* one that would reach past the last byte that a number can name */
        zip_builder_put(&builder, builder.places[0].record + 46 + 14 + 4, 8, UINT64_MAX - 1);
        zip_builder_put(&builder, builder.places[0].record + 46 + 14 + 12, 8, UINT64_MAX - 1);
        expect(HF_BAD_ZIP, "does not end before");
}
END_TEST

/* A file of zeros with an end record for so large a directory; nothing of it may be read or allocated. */
struct zeros {
        uint64_t size, directory, count;
};

static void put(unsigned char *at, unsigned size, uint64_t value)
{
        for (; size > 0; size--, value >>= 8)
                *at++ = (unsigned char)value;
}

static int read_zeros(void *context, uint64_t offset, void *buffer, size_t size)
{
        const struct zeros *zeros = context;
        unsigned char *end = (unsigned char *)buffer + size - 98;

        ck_assert_uint_eq(offset + size, zeros->size);
        ck_assert_uint_lt(size, 100000);
        memset(buffer, 0, size);
        put(end, 4, 0x06064B50);
        put(end + 4, 8, 44);
        put(end + 24, 8, zeros->count);
        put(end + 32, 8, zeros->count);
        put(end + 40, 8, zeros->directory);
        put(end + 48, 8, zeros->size - 98 - zeros->directory);
        put(end + 56, 4, 0x07064B50);
        put(end + 64, 8, zeros->size - 98);
        put(end + 72, 4, 1);
        put(end + 76, 4, 0x06054B50);
        put(end + 84, 8, UINT64_MAX);
        put(end + 92, 4, UINT32_MAX);
        return 0;
}

START_TEST(test_limits)
{
        struct zeros zeros = {.size = UINT64_C(1) << 33, .directory = HF_ZIP_DIRECTORY_MAX + 1, .count = 1};
        struct hf_input input = {.read = read_zeros, .context = &zeros, .size = zeros.size};
        struct hf_error error;
        struct hf_zip zip;

        ck_assert_int_eq(hf_zip_open(&input, &zip, &error), -1);
        ck_assert_int_eq(error.reason, HF_BAD_LIMIT);
        ck_assert_ptr_nonnull(strstr(error.message, "67108865 bytes of directory"));
        zeros.directory = HF_ZIP_DIRECTORY_MAX;
        zeros.count = HF_ZIP_MEMBERS_MAX + 1;
        ck_assert_int_eq(hf_zip_open(&input, &zip, &error), -1);
        ck_assert_int_eq(error.reason, HF_BAD_LIMIT);
        ck_assert_ptr_nonnull(strstr(error.message, "524289 members"));
        zeros.directory = 46 * 1000 - 1;
        zeros.count = 1000;
        ck_assert_int_eq(hf_zip_open(&input, &zip, &error), -1);
        ck_assert_int_eq(error.reason, HF_BAD_ZIP);
        ck_assert_ptr_nonnull(strstr(error.message, "more members"));
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-zip-layout");
        TCase *tests = tcase_create("zip");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tests, NULL, take_down);
        tcase_add_loop_test(tests, test_layouts, 0, (int)(sizeof layouts / sizeof *layouts));
        tcase_add_test(tests, test_descriptor_of_none);
        tcase_add_test(tests, test_large_gap);
        tcase_add_test(tests, test_long_extra);
        tcase_add_test(tests, test_prefix);
        tcase_add_test(tests, test_other_order);
        tcase_add_test(tests, test_inside_another);
        tcase_add_test(tests, test_at_the_directory);
        tcase_add_test(tests, test_wide_fields);
        tcase_add_test(tests, test_wide_local);
        tcase_add_loop_test(tests, test_large, 0, 3);
        tcase_add_test(tests, test_limits);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
