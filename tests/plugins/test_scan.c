/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Plugin files: what is scanned, what is refused and in which words
 *
 * Modules are copied into a directory of the test's own, so that owner and mode are what the test
 * says.
 */

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "plugins/plugins_support.h"
#include "support/scratch.h"

/* ---- what a directory gives ---- */

START_TEST(scan_takes_sorted_so_files_alone)
{
        ckpt_plugin_info first, second;

        copy_plugin("toy", "b");
        copy_plugin("newer", "a");
        copy_plugin("tied_probe_a", ".hidden");
        scratch_write_text("readme.txt", "no plugin");
        scratch_write_text("x.so.bak", "no plugin");
        ck_assert_int_eq(mkdir(scratch_path("below"), 0755), 0);
        copy_plugin("tied_probe_b", "below/c");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        ck_assert_uint_eq(ckpt_host_plugin_count(host), 2);
        ck_assert_int_eq(ckpt_host_plugin_info(host, 0, &first), CKPT_OK);
        ck_assert_int_eq(ckpt_host_plugin_info(host, 1, &second), CKPT_OK);
        ck_assert_int_eq(ckpt_host_plugin_info(host, 2, &second), CKPT_ABSENT);
        ck_assert_str_eq(first.id, "test.newer");
        ck_assert_str_eq(second.id, "test.toy");
        ck_assert_uint_eq(second.n_components, 4);
}
END_TEST

START_TEST(scan_gives_absolute_paths)
{
        char directory[4096];

        copy_plugin("toy", "toy");
        ck_assert_int_eq(chdir(scratch_directory()), 0);
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, "."), CKPT_OK);
        ck_assert_ptr_nonnull(realpath(".", directory));
        strcat(directory, "/toy.so");
        ck_assert_str_eq(row_of("toy.so").path, directory);
}
END_TEST

START_TEST(components_have_ids)
{
        ckpt_component_info info;

        copy_plugin("toy", "toy");
        copy_plugin("equal_keys_a", "model");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        ck_assert_int_eq(ckpt_host_component_info(host, 0, 0, &info), CKPT_OK);
        ck_assert_str_eq(info.id, "test.equal-keys-a:EQUAL/EqualForCausalLM");
        ck_assert_str_eq(info.model, "EqualForCausalLM");
        ck_assert_int_eq(ckpt_host_component_info(host, 0, 1, &info), CKPT_ABSENT);
        ck_assert_int_eq(ckpt_host_component_info(host, 1, 3, &info), CKPT_OK);
        ck_assert_str_eq(info.id, "test.toy:TOY");
        ck_assert_int_eq(info.kind, CKPT_KIND_WEIGHT_MAPPER);
        ck_assert_str_eq(info.extends, "HF");
        ck_assert_int_eq(ckpt_host_component_info(host, 2, 0, &info), CKPT_ABSENT);
}
END_TEST

START_TEST(newer_plugin_is_accepted_and_logged)
{
        copy_plugin("newer", "newer");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        expect_accepted("newer.so");
        ck_assert(was_logged("test.newer: built for ABI 1.7, newer than this host's 1.0"));
}
END_TEST

START_TEST(refused_file_does_not_stop_the_others)
{
        copy_plugin("wrong_abi", "a");
        scratch_write_text("b.so", "text");
        copy_plugin("toy", "c");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        ck_assert_uint_eq(ckpt_host_plugin_count(host), 3);
        expect_accepted("c.so");
        ck_assert(was_logged("a.so: refused: it was built for ABI 2"));
        ck_assert(was_logged("b.so: refused: it is not an ELF file"));
}
END_TEST

/* ---- one fault each ---- */

static const struct {
        const char *module;
        ckpt_status status;
        const char *words;
} faults[] = {
        {"wrong_abi", CKPT_E_UNSUPPORTED, "built for ABI 2.0, this host has ABI 1.0"},
        {"no_symbol", CKPT_E_PLUGIN, "does not define the symbol 'ckpt_plugin_entry'"},
        {"no_struct_size", CKPT_E_PLUGIN, "ckpt_plugin has no struct_size (0)"},
        {"short_struct", CKPT_E_PLUGIN, "ckpt_plugin has 48 bytes, fewer than the 60 of the first version"},
        {"bad_id", CKPT_E_PLUGIN, "id 'test bad\\x1bid' is not"},
        {"bad_kind", CKPT_E_PLUGIN, "component of the unknown kind 4"},
        {"null_table", CKPT_E_PLUGIN, "weight mapper for format 'TEST' has no table (NULL)"},
        {"undefined_symbol", CKPT_E_PLUGIN, "undefined symbol: ckpt_test_function_that_nobody_has"},
        {"init_fails", CKPT_E_UNSUPPORTED, "init returned -6 (unsupported)"},
};

START_TEST(fault_is_refused_by_name)
{
        copy_plugin(faults[_i].module, "x");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        expect_refused("x.so", faults[_i].status, faults[_i].words);
        ck_assert_int_eq(host->components.count, 0);
}
END_TEST

START_TEST(fault_fails_a_single_file)
{
        copy_plugin(faults[_i].module, "x");
        ck_assert_int_eq(ckpt_host_add_plugin_file(host, scratch_path("x.so")), faults[_i].status);
        ck_assert_msg(strstr(ckpt_host_error(host), faults[_i].words) != NULL, "%s", ckpt_host_error(host));
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(host), "x.so"));
}
END_TEST

/* ---- two that contend ---- */

START_TEST(duplicate_id_names_the_other_file)
{
        copy_plugin("duplicate_id_a", "a");
        copy_plugin("duplicate_id_b", "b");
        copy_plugin("toy", "c");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_E_AMBIGUOUS);
        expect_accepted("a.so");
        expect_refused("b.so", CKPT_E_AMBIGUOUS,
                       "a plugin with the id 'test.duplicate-id' is in use already");
        ck_assert_ptr_nonnull(strstr(row_of("b.so").reason, "/a.so"));
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(host), "/b.so"));
        expect_accepted("c.so"); /* the scan went on */
}
END_TEST

START_TEST(same_file_twice_is_a_duplicate)
{
        copy_plugin("toy", "toy");
        ck_assert_int_eq(ckpt_host_add_plugin_file(host, scratch_path("toy.so")), CKPT_OK);
        ck_assert_int_eq(ckpt_host_add_plugin_file(host, scratch_path("toy.so")), CKPT_E_AMBIGUOUS);
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(host), "'test.toy' is in use already"));
        ck_assert_uint_eq(host->components.count, 4);
}
END_TEST

START_TEST(equal_keys_name_both_plugins)
{
        copy_plugin("equal_keys_a", "a");
        copy_plugin("equal_keys_b", "b");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_E_AMBIGUOUS);
        expect_refused(
                "b.so", CKPT_E_AMBIGUOUS,
                "'test.equal-keys-a' and 'test.equal-keys-b' both have a weight mapper for format 'EQUAL', "
                "model EqualForCausalLM");
}
END_TEST

/* ---- who may write ---- */

START_TEST(writable_file_is_refused)
{
        static const mode_t modes[] = {0664, 0646};
        static const char *const words[] = {"writable by its group (mode 0664)",
                                            "writable by everybody (mode 0646)"};

        copy_plugin("toy", "x");
        ck_assert_int_eq(chmod(scratch_path("x.so"), modes[_i]), 0);
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        expect_refused("x.so", CKPT_E_INVALID, words[_i]);
}
END_TEST

START_TEST(writable_directory_is_refused)
{
        copy_plugin("toy", "x");
        ck_assert_int_eq(chmod(scratch_directory(), 01777), 0);
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_E_INVALID);
        ck_assert_uint_eq(ckpt_host_plugin_count(host), 0);
        ck_assert_ptr_nonnull(
                strstr(ckpt_host_error(host), "the directory is writable by everybody (mode 1777)"));
        ck_assert_int_eq(ckpt_host_add_plugin_file(host, scratch_path("x.so")), CKPT_E_INVALID);
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(host), "the directory is writable by everybody"));
}
END_TEST

START_TEST(foreign_file_is_refused)
{
        copy_plugin("toy", "x");
        if (chown(scratch_path("x.so"), 12345, (gid_t)-1) != 0)
                return; /* only root can make one */
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        expect_refused("x.so", CKPT_E_INVALID, "belongs to user 12345");
}
END_TEST

START_TEST(link_is_judged_by_its_target)
{
        char target[4096];

        ck_assert_int_eq(mkdir(scratch_path("store"), 0755), 0);
        ck_assert_int_eq(mkdir(scratch_path("dir"), 0755), 0);
        copy_plugin("toy", "store/real");
        snprintf(target, sizeof(target), "%s", scratch_path("store/real.so"));
        ck_assert_int_eq(symlink(target, scratch_path("dir/good.so")), 0);
        ck_assert_int_eq(symlink("/nowhere/at-all", scratch_path("dir/dangling.so")), 0);
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_path("dir")), CKPT_OK);
        expect_accepted("good.so");
        expect_refused("dangling.so", CKPT_E_NOT_FOUND, "cannot be opened");
}
END_TEST

START_TEST(link_into_a_writable_directory_is_refused)
{
        char target[4096];

        ck_assert_int_eq(mkdir(scratch_path("store"), 0755), 0);
        ck_assert_int_eq(mkdir(scratch_path("dir"), 0755), 0);
        copy_plugin("toy", "store/real");
        snprintf(target, sizeof(target), "%s", scratch_path("store/real.so"));
        ck_assert_int_eq(symlink(target, scratch_path("dir/link.so")), 0);
        ck_assert_int_eq(chmod(scratch_path("store"), 0777), 0);
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_path("dir")), CKPT_OK);
        expect_refused("link.so", CKPT_E_INVALID, "the directory is writable by everybody");
}
END_TEST

START_TEST(no_plain_file_is_refused)
{
        ck_assert_int_eq(mkdir(scratch_path("directory.so"), 0755), 0);
        ck_assert_int_eq(mkfifo(scratch_path("pipe.so"), 0644), 0);
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        expect_refused("directory.so", CKPT_E_INVALID, "not a regular file");
        expect_refused("pipe.so", CKPT_E_INVALID, "not a regular file");
}
END_TEST

START_TEST(missing_directory_is_an_error)
{
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_path("nowhere")), CKPT_E_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(host), "nowhere"));
        ck_assert_int_eq(ckpt_host_add_plugin_file(host, scratch_path("nowhere.so")), CKPT_E_NOT_FOUND);
        ck_assert_int_eq(ckpt_host_add_plugin_file(host, ""), CKPT_E_INVALID);
}
END_TEST

/* ---- the bytes of the file ---- */

static void patch(const char *name, long offset, const void *bytes, size_t size)
{
        FILE *const file = fopen(scratch_path(name), "r+b");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fseek(file, offset, SEEK_SET), 0);
        ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
        ck_assert_int_eq(fclose(file), 0);
}

START_TEST(damaged_elf_is_refused)
{
        const uint16_t executable = ET_EXEC, machine = 0xfffe, headers = 0xffff, small = 3;
        const uint8_t other_class = sizeof(void *) == 8 ? ELFCLASS32 : ELFCLASS64, other_order = 3;
        const struct {
                size_t offset, size;
                const void *bytes;
                ckpt_status status;
                const char *words;
        } cases[] = {
                {EI_CLASS, 1, &other_class, CKPT_E_UNSUPPORTED, "ELF of class"},
                {EI_DATA, 1, &other_order, CKPT_E_UNSUPPORTED, "other byte order"},
                {offsetof(Elf64_Ehdr, e_machine), 2, &machine, CKPT_E_UNSUPPORTED, "for ELF machine 65534"},
                {offsetof(Elf64_Ehdr, e_type), 2, &executable, CKPT_E_UNSUPPORTED, "not a shared object"},
                {offsetof(Elf64_Ehdr, e_phnum), 2, &headers, CKPT_E_CORRUPT, "65535 program headers"},
                {offsetof(Elf64_Ehdr, e_phentsize), 2, &small, CKPT_E_CORRUPT, "of 3 bytes"},
        };

        copy_plugin("toy", "x");
        patch("x.so", (long)cases[_i].offset, cases[_i].bytes, cases[_i].size);
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        expect_refused("x.so", cases[_i].status, cases[_i].words);
}
END_TEST

/* Within the magic, the header, the program headers, and what the segments map. */
START_TEST(truncated_file_is_refused)
{
        static const off_t sizes[] = {2, 40, 200, 9000};

        copy_plugin("toy", "x");
        ck_assert_int_eq(truncate(scratch_path("x.so"), sizes[_i]), 0);
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        expect_refused("x.so", CKPT_E_CORRUPT, _i == 0 ? "not an ELF file" : "truncated");
}
END_TEST

/* ---- the installed plugins ---- */

START_TEST(path_variable_comes_before_what_is_installed)
{
        char list[8192];

        ck_assert_int_eq(mkdir(scratch_path("one"), 0755), 0);
        ck_assert_int_eq(mkdir(scratch_path("two"), 0755), 0);
        copy_plugin("toy", "one/toy");
        copy_plugin("toy", "two/toy");
        copy_plugin("newer", "two/newer");
        snprintf(list, sizeof(list), "%s/one::%s/two", scratch_directory(), scratch_directory());
        ck_assert_int_eq(setenv("CKPT_PLUGIN_PATH", list, 1), 0);
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, NULL), CKPT_OK);
        ck_assert_ptr_nonnull(strstr(row_of("toy.so").path, "/one/"));
        expect_accepted("newer.so");
        ck_assert(was_logged("two/toy.so: passed over"));
}
END_TEST

START_TEST(path_variable_must_name_directories)
{
        ck_assert_int_eq(setenv("CKPT_PLUGIN_PATH", "/nowhere/at-all", 1), 0);
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, NULL), CKPT_E_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(host), "/nowhere/at-all"));
}
END_TEST

static Suite *suite(void)
{
        Suite *const s = suite_create("scan");
        TCase *const t = tcase_create("scan");

        tcase_add_checked_fixture(t, plugins_setup, plugins_teardown);
        tcase_add_test(t, scan_takes_sorted_so_files_alone);
        tcase_add_test(t, scan_gives_absolute_paths);
        tcase_add_test(t, components_have_ids);
        tcase_add_test(t, newer_plugin_is_accepted_and_logged);
        tcase_add_test(t, refused_file_does_not_stop_the_others);
        tcase_add_loop_test(t, fault_is_refused_by_name, 0, sizeof(faults) / sizeof(faults[0]));
        tcase_add_loop_test(t, fault_fails_a_single_file, 0, sizeof(faults) / sizeof(faults[0]));
        tcase_add_test(t, duplicate_id_names_the_other_file);
        tcase_add_test(t, same_file_twice_is_a_duplicate);
        tcase_add_test(t, equal_keys_name_both_plugins);
        tcase_add_loop_test(t, writable_file_is_refused, 0, 2);
        tcase_add_test(t, writable_directory_is_refused);
        tcase_add_test(t, foreign_file_is_refused);
        tcase_add_test(t, link_is_judged_by_its_target);
        tcase_add_test(t, link_into_a_writable_directory_is_refused);
        tcase_add_test(t, no_plain_file_is_refused);
        tcase_add_test(t, missing_directory_is_an_error);
        tcase_add_loop_test(t, damaged_elf_is_refused, 0, 6);
        tcase_add_loop_test(t, truncated_file_is_refused, 0, 4);
        tcase_add_test(t, path_variable_comes_before_what_is_installed);
        tcase_add_test(t, path_variable_must_name_directories);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        SRunner *const runner = srunner_create(suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
