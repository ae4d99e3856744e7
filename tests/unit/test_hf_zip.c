/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zip archives as torch.save writes them: each rule of the reader broken by one field or one layout, and the
 * forms that must be taken. What is in the members is tested in test_hf_zip_data.c.
 */
#include "torch/zip.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/zip_builder.h"

enum {
        PICKLE,
        STORAGE,
        EMPTY,
        CODE, /* deflated */
        VERSION,
        PARTS
};

static const struct zip_part parts[PARTS] = {
        {.name = "archive/data.pkl", .data = "\x80\2}.", .size = 4},
        {.name = "archive/data/0", .data = "0123456789", .size = 10},
        {.name = "archive/data/1"},
        {.name = "archive/code/a.py", .data = "aaaaaaaaaaaaaaaaaaaaaaaa", .size = 24, .deflated = true},
        {.name = "archive/version", .data = "3\n", .size = 2},
};

static struct zip_builder builder;

static void build(const struct zip_ending *ending)
{
        size_t i;

        for (i = 0; i < PARTS; i++)
                zip_builder_add(&builder, &parts[i]);
        zip_builder_finish(&builder, ending);
}

static void take_down(void)
{
        zip_builder_deinit(&builder);
}

/* Opens what was built. The message must hold `word`; "" for one that opens. */
static void expect(enum hf_reason reason, const char *word)
{
        struct hf_input input = zip_builder_input(&builder);
        struct hf_error error = {.message = ""};
        struct hf_zip zip = {0};
        int r = hf_zip_open(&input, &zip, &error);

        ck_assert_msg(error.reason == reason, "reason %d, not %d: %s", error.reason, reason, error.message);
        ck_assert_int_eq(r, reason == HF_OK ? 0 : -1);
        ck_assert_msg(strstr(error.message, word) != NULL, "no \"%s\" in: %s", word, error.message);
        ck_assert_msg(reason == HF_OK || strstr(error.message, "again") || reason == HF_BAD_LIMIT,
                      "nothing to do in: %s", error.message);
        hf_zip_deinit(&zip);
        ck_assert_ptr_null(zip.members);
}

/* One member, and the sample's version behind it. */
static void expect_part(const struct zip_part *part, enum hf_reason reason, const char *word)
{
        zip_builder_add(&builder, part);
        zip_builder_add(&builder, &parts[VERSION]);
        zip_builder_finish(&builder, NULL);
        expect(reason, word);
        zip_builder_deinit(&builder);
}

START_TEST(test_sample)
{
        static const uint64_t sizes[PARTS] = {4, 10, 0, 24, 2};
        const struct hf_zip_member *member;
        struct hf_input input;
        struct hf_zip zip;
        struct hf_error error;
        size_t i;

        build(NULL);
        input = zip_builder_input(&builder);
        ck_assert_int_eq(hf_zip_open(&input, &zip, &error), 0);
        ck_assert_uint_eq(zip.n_members, PARTS);
        ck_assert_uint_eq(zip.root.length, 7);
        ck_assert_mem_eq(zip.root.text, "archive", 7);
        for (i = 0; i < PARTS; i++) {
                member = hf_zip_find(&zip, parts[i].name + 8);
                ck_assert_ptr_eq(member, &zip.members[i]);
                ck_assert_uint_eq(member->size, sizes[i]);
                ck_assert_uint_eq(member->offset, builder.places[i].data);
                ck_assert_uint_eq(member->packed, builder.sums[i].packed);
                ck_assert_uint_eq(member->crc, builder.sums[i].crc);
                ck_assert_int_eq(member->method, i == CODE ? HF_ZIP_DEFLATED : HF_ZIP_STORED);
        }
        ck_assert_ptr_null(hf_zip_find(&zip, "data"));
        ck_assert_ptr_null(hf_zip_find(&zip, "archive/version"));
        hf_zip_deinit(&zip);
        hf_zip_deinit(&zip);
}
END_TEST

enum record {
        LOCAL,
        DESCRIPTOR,
        RECORD,
        WIDE,
        LOCATOR,
        END
};

static size_t place_of(enum record record, int part)
{
        switch (record) {
        case LOCAL:
                return builder.places[part].local;
        case DESCRIPTOR:
                return builder.places[part].descriptor;
        case RECORD:
                return builder.places[part].record;
        case WIDE:
                return builder.wide;
        case LOCATOR:
                return builder.locator;
        default:
                return builder.end;
        }
}

static const struct {
        enum record record;
        int part, at;
        unsigned size;
        uint64_t value;
        enum hf_reason reason;
        const char *word;
} spoiled[] = {
        /* local headers */
        {LOCAL, PICKLE, 0, 4, 0, HF_BAD_ZIP, "no local header"},
        {LOCAL, PICKLE, 4, 2, 20, HF_OK, ""}, /* the version that is needed */
        {LOCAL, PICKLE, 6, 2, 0x800, HF_BAD_ZIP, "flags in its local header"},
        {LOCAL, PICKLE, 6, 2, 0x809, HF_BAD_ZIP, "flags in its local header"},
        {LOCAL, PICKLE, 6, 2, 0x8, HF_BAD_ZIP, "flags in its local header"},
        {LOCAL, STORAGE, 8, 2, 8, HF_BAD_ZIP, "method in its local header"},
        {LOCAL, STORAGE, 10, 4, 77, HF_OK, ""}, /* the time */
        {LOCAL, STORAGE, 14, 4, 1, HF_BAD_ZIP, "CRC in its local header"},
        {LOCAL, STORAGE, 18, 4, 10, HF_OK, ""}, /* streamed, but it knew */
        {LOCAL, STORAGE, 18, 4, 11, HF_BAD_ZIP, "size in its local header"},
        {LOCAL, STORAGE, 22, 4, 9, HF_BAD_ZIP, "size in its local header"},
        {LOCAL, STORAGE, 22, 4, 0xFFFFFFFF, HF_BAD_ZIP, "zip64"},
        {LOCAL, EMPTY, 14, 4, 1, HF_BAD_ZIP, "CRC in its local header"},
        {LOCAL, STORAGE, 26, 2, 13, HF_BAD_ZIP, "name in its local header"},
        {LOCAL, STORAGE, 30, 1, 'A', HF_BAD_ZIP, "name in its local header"},
        {LOCAL, STORAGE, 43, 1, '1', HF_BAD_ZIP, "name in its local header"},
        {LOCAL, STORAGE, 28, 2, 0xFFFF, HF_BAD_ZIP, "does not end before"},
        {LOCAL, PICKLE, 28, 2, 3, HF_BAD_ZIP, "extra field that is cut short"},
        {LOCAL, PICKLE, 48, 2, 0xFFFF, HF_BAD_ZIP, "extra field that is cut short"},
        /* descriptors */
        {DESCRIPTOR, STORAGE, 0, 4, 0, HF_BAD_ZIP, "belong to no member"},
        {DESCRIPTOR, STORAGE, 4, 4, 0, HF_BAD_ZIP, "belong to no member"},
        {DESCRIPTOR, STORAGE, 8, 4, 11, HF_BAD_ZIP, "belong to no member"},
        {DESCRIPTOR, VERSION, 12, 4, 0, HF_BAD_ZIP, "belong to no member"},
        /* the directory */
        {RECORD, PICKLE, 0, 4, 0x04034B50, HF_BAD_ZIP, "other than a member"},
        {RECORD, VERSION, 0, 4, 0x05054B50, HF_BAD_ZIP, "other than a member"}, /* a signature of it */
        {RECORD, PICKLE, 4, 4, 0x00140314, HF_OK, ""},
        {RECORD, PICKLE, 8, 2, 0x809, HF_BAD_ZIP, "encrypted"},
        {RECORD, PICKLE, 8, 2, 0x848, HF_BAD_ZIP, "encrypted"},
        {RECORD, PICKLE, 8, 2, 0x2808, HF_BAD_ZIP, "encrypted"},
        {RECORD, PICKLE, 8, 2, 0x828, HF_BAD_ZIP, "patch"},
        {RECORD, PICKLE, 8, 2, 0x818, HF_BAD_ZIP, "flags that are not read"},
        {RECORD, PICKLE, 8, 2, 0x8808, HF_BAD_ZIP, "flags that are not read"},
        {RECORD, PICKLE, 8, 2, 0x80E, HF_BAD_ZIP, "flags in its local header"},
        {RECORD, PICKLE, 10, 2, 9, HF_BAD_ZIP, "method other than"},
        {RECORD, PICKLE, 10, 2, 8, HF_BAD_ZIP, "method in its local header"},
        {RECORD, PICKLE, 20, 4, 3, HF_BAD_ZIP, "two sizes"},
        {RECORD, PICKLE, 24, 4, 5, HF_BAD_ZIP, "two sizes"},
        {RECORD, CODE, 20, 4, 1, HF_BAD_ZIP, "belong to no member"},
        {RECORD, CODE, 20, 4, 0x10000, HF_BAD_ZIP, "does not end before"},
        {RECORD, CODE, 20, 4, 0xFFFFFFFF, HF_BAD_ZIP, "zip64"},
        {RECORD, CODE, 24, 4, 0xFFFFFFFF, HF_BAD_ZIP, "zip64"},
        {RECORD, PICKLE, 28, 2, 0, HF_BAD_ZIP, "has no name"},
        {RECORD, PICKLE, 28, 2, 17, HF_BAD_ZIP, ""},
        {RECORD, VERSION, 28, 2, 16, HF_BAD_ZIP, "within a member's record"},
        {RECORD, VERSION, 30, 2, 1, HF_BAD_ZIP, "within a member's record"},
        {RECORD, VERSION, 32, 2, 0xFFFF, HF_BAD_ZIP, "within a member's record"},
        {RECORD, VERSION, 34, 2, 1, HF_BAD_ZIP, "another disk"},
        {RECORD, VERSION, 34, 2, 0xFFFF, HF_BAD_ZIP, "zip64"},
        {RECORD, PICKLE, 36, 6, 0xFFFFFFFFFFFF, HF_OK, ""}, /* attributes */
        {RECORD, PICKLE, 42, 4, 1, HF_BAD_ZIP, "belong to no member"},
        {RECORD, EMPTY, 42, 4, 0, HF_BAD_ZIP, "overlaps"},
        {RECORD, VERSION, 42, 4, 0x7FFFFFFF, HF_BAD_ZIP, "does not begin before"},
        {RECORD, VERSION, 42, 4, 0xFFFFFFFF, HF_BAD_ZIP, "zip64"},
        /* the zip64 record */
        {WIDE, 0, 0, 4, 0, HF_BAD_ZIP, "directly follow its zip64"},
        {WIDE, 0, 4, 8, 45, HF_BAD_ZIP, "directly follow its zip64"},
        {WIDE, 0, 16, 4, 1, HF_BAD_ZIP, "contradict"},
        {WIDE, 0, 20, 4, 1, HF_BAD_ZIP, "contradict"},
        {WIDE, 0, 24, 8, 4, HF_BAD_ZIP, "contradict"},
        {WIDE, 0, 32, 8, UINT64_C(0x100000005), HF_BAD_ZIP, "contradict"},
        {WIDE, 0, 40, 8, 0, HF_BAD_ZIP, "contradict"},
        {WIDE, 0, 48, 8, UINT64_MAX, HF_BAD_ZIP, "contradict"},
        {LOCATOR, 0, 0, 4, 0, HF_BAD_ZIP, "directly follow the central"},
        {LOCATOR, 0, 4, 4, 1, HF_BAD_ZIP, "several disks"},
        {LOCATOR, 0, 8, 8, 0, HF_BAD_ZIP, "directly follow its zip64"},
        {LOCATOR, 0, 8, 8, UINT64_MAX, HF_BAD_ZIP, "directly follow its zip64"},
        {LOCATOR, 0, 16, 4, 2, HF_BAD_ZIP, "several disks"},
        /* the end record; all ones leave it to the zip64 record */
        {END, 0, 0, 4, 0, HF_BAD_TRUNCATED, "no end record"},
        {END, 0, 4, 2, 1, HF_BAD_ZIP, "contradict"},
        {END, 0, 6, 2, 1, HF_BAD_ZIP, "contradict"},
        {END, 0, 8, 2, 4, HF_BAD_ZIP, "contradict"},
        {END, 0, 10, 2, 6, HF_BAD_ZIP, "contradict"},
        {END, 0, 12, 4, 0, HF_BAD_ZIP, "contradict"},
        {END, 0, 16, 4, 0, HF_BAD_ZIP, "contradict"},
        {END, 0, 4, 8, UINT64_MAX, HF_OK, ""},
        {END, 0, 12, 8, UINT64_MAX, HF_OK, ""},
        {END, 0, 20, 2, 1, HF_BAD_TRUNCATED, "should end at byte"},
};

START_TEST(test_spoiled)
{
        build(NULL);
        zip_builder_put(&builder, place_of(spoiled[_i].record, spoiled[_i].part) + (size_t)spoiled[_i].at,
                        spoiled[_i].size, spoiled[_i].value);
        expect(spoiled[_i].reason, spoiled[_i].word);
}
END_TEST

/* Without the zip64 records the end record is alone. */
static const struct {
        int at;
        unsigned size;
        uint64_t value;
        const char *word;
} narrow[] = {
        {4, 2, 1, "several disks"},
        {6, 2, 1, "several disks"},
        {8, 2, 4, "several disks"},
        {8, 4, 0, "no members"},
        {8, 4, 0x00040004, "goes on after the last member"},
        {8, 4, 0x00060006, "ends before the last of the members"},
        {8, 4, 0xFFFFFFFF, "room for"},
        {12, 4, 0, "directly follow the central"},
        {12, 4, 0xFFFFFFFF, "directly follow the central"},
        {16, 4, 0, "directly follow the central"},
        {16, 4, 0xFFFFFFFF, "directly follow the central"},
};

START_TEST(test_narrow)
{
        build(&(struct zip_ending){.narrow = true});
        expect(HF_OK, "");
        zip_builder_put(&builder, builder.end + (size_t)narrow[_i].at, narrow[_i].size, narrow[_i].value);
        expect(HF_BAD_ZIP, narrow[_i].word);
}
END_TEST

static const struct {
        struct zip_ending ending;
        enum hf_reason reason;
        const char *word;
} endings[] = {
        {{.comment = "a comment"}, HF_OK, ""},
        {{.narrow = true, .comment = "a comment"}, HF_OK, ""},
        {{.suffix = "x"}, HF_BAD_ZIP, "1 bytes follow the end"},
        {{.comment = "ab", .suffix = "hidden"}, HF_BAD_ZIP, "6 bytes follow the end"},
        {{.gap = "hidden"}, HF_BAD_ZIP, "directly follow the central"},
        {{.narrow = true, .gap = "hidden"}, HF_BAD_ZIP, "directly follow the central"},
        /* another end record in the comment: one that ends the file, too, and one that does not */
        {{.comment = "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", .comment_length = 22},
         HF_BAD_ZIP,
         "not the only"},
        {{.comment = "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0+", .comment_length = 23},
         HF_BAD_ZIP,
         "not the only"},
};

START_TEST(test_endings)
{
        build(&endings[_i].ending);
        expect(endings[_i].reason, endings[_i].word);
}
END_TEST

/* A signature in the data of a storage is no second end. */
START_TEST(test_signature_in_data)
{
        zip_builder_add(&builder,
                        &(struct zip_part){.name = "a/0", .data = "PK\5\6 and so on, for long", .size = 24});
        zip_builder_finish(&builder, NULL);
        expect(HF_OK, "");
}
END_TEST

START_TEST(test_longest_comment)
{
        char *comment = malloc(65536);

        memset(comment, 'c', 65536);
        build(&(struct zip_ending){.comment = comment, .comment_length = 65535});
        expect(HF_OK, "");
        zip_builder_raw(&builder, "c", 1);
        expect(HF_BAD_TRUNCATED, "no end record");
        free(comment);
}
END_TEST

static const struct {
        const char *name;
        uint32_t length;
        const char *word; /* NULL: fine */
} names[] = {
        {"archive/\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 0, NULL},
        {"archive/a b:c*?\"<>|\x7F\x1B", 0, NULL},
        {"archive/...", 0, NULL},
        {"archive/..a/.b", 0, NULL},
        {"data.pkl", 0, "in no folder"},
        {"other/data.pkl", 0, "another folder"},
        {"archive2/data.pkl", 0, "another folder"},
        {"archiv/data.pkl", 0, "another folder"},
        {"/archive/data.pkl", 0, "absolute"},
        {"archive/../data.pkl", 0, "\"..\""},
        {"archive/..", 0, "\"..\""},
        {"archive/./a", 0, "\".\""},
        {"archive//a", 0, "empty part"},
        {"archive/a/", 0, "directory"},
        {"archive/", 0, "directory"},
        {"archive/a\\b", 0, "backslash"},
        {"archive/a\0b", 11, "NUL"},
        {"archive/\xFF", 0, "UTF-8"},
        {"archive/\xC0\xAF", 0, "UTF-8"},
        {"archive/\xED\xA0\x80", 0, "UTF-8"},
        {"archive/\xE2\x82", 0, "UTF-8"},
        {"archive/data.pkl", 0, "members 0 and 2"},
};

START_TEST(test_names)
{
        zip_builder_add(&builder, &parts[PICKLE]);
        zip_builder_add(&builder, &parts[VERSION]);
        zip_builder_add(&builder,
                        &(struct zip_part){.name = names[_i].name, .name_length = names[_i].length});
        zip_builder_finish(&builder, NULL);
        expect(names[_i].word ? HF_BAD_ZIP : HF_OK, names[_i].word ? names[_i].word : "");
}
END_TEST

START_TEST(test_root_chooses)
{
        zip_builder_add(&builder, &(struct zip_part){.name = "../data.pkl"});
        zip_builder_finish(&builder, NULL);
        expect(HF_BAD_ZIP, "\"..\"");
}
END_TEST

START_TEST(test_long_names)
{
        char name[1026];

        memset(name, 'n', sizeof name);
        memcpy(name, "archive/", 8);
        expect_part(&(struct zip_part){.name = name, .name_length = 1024}, HF_OK, "");
        expect_part(&(struct zip_part){.name = name, .name_length = 1025}, HF_BAD_ZIP, "1024 bytes");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-zip");
        TCase *tests = tcase_create("zip");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tests, NULL, take_down);
        tcase_add_test(tests, test_sample);
        tcase_add_loop_test(tests, test_spoiled, 0, (int)(sizeof spoiled / sizeof *spoiled));
        tcase_add_loop_test(tests, test_narrow, 0, (int)(sizeof narrow / sizeof *narrow));
        tcase_add_loop_test(tests, test_endings, 0, (int)(sizeof endings / sizeof *endings));
        tcase_add_test(tests, test_signature_in_data);
        tcase_add_test(tests, test_longest_comment);
        tcase_add_loop_test(tests, test_names, 0, (int)(sizeof names / sizeof *names));
        tcase_add_test(tests, test_root_chooses);
        tcase_add_test(tests, test_long_names);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
