/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A source of files: what it lists, what it reads, and that it notices when files change behind its back.
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/source/source.h"

/* Last: it defines `fail` as a macro. */
#include <check.h>

static char directory[64];
static ckpt_diagnostics diagnostics;
static ckpt_source *source;

static const char *at(const char *name)
{
        static char path[2][256];
        static int turn;

        turn ^= 1;
        snprintf(path[turn], sizeof(path[turn]), "%s/%s", directory, name);
        return path[turn];
}

static void write_file(const char *name, const char *text)
{
        FILE *f = fopen(at(name), "we");

        ck_assert_ptr_nonnull(f);
        fputs(text, f);
        ck_assert_int_eq(fclose(f), 0);
}

static void set_up(void)
{
        snprintf(directory, sizeof(directory), "/tmp/ckpt-source-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        ckpt_diagnostics_init(&diagnostics);
        source = NULL;
}

static void tear_down(void)
{
        char command[128];

        source = ckpt_source_unref(source);
        ckpt_diagnostics_deinit(&diagnostics);
        snprintf(command, sizeof(command), "rm -rf '%s'", directory);
        ck_assert_int_eq(system(command), 0);
}

static const char *last_text(void)
{
        const uint64_t count = ckpt_diagnostics_count(&diagnostics);

        ck_assert_uint_gt(count, 0);
        return diagnostics.list.items[count - 1].text;
}

static void open_it(void)
{
        ck_assert_int_eq(ckpt_source_open(&diagnostics, directory, &source), CKPT_OK);
}

START_TEST(lists_plain_files_in_order_of_names)
{
        struct sockaddr_un name = {.sun_family = AF_UNIX};
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        uint32_t object = 99;

        write_file("b.safetensors", "12345");
        write_file("a.json", "{}");
        write_file("B", "");
        write_file(".hidden", "x");
        ck_assert_int_eq(mkdir(at("subdirectory"), 0755), 0);
        write_file("subdirectory/deep", "abc");
        ck_assert_int_eq(symlink("subdirectory/deep", at("linked")), 0);
        ck_assert_int_eq(symlink("subdirectory", at("linked-directory")), 0);
        ck_assert_int_eq(symlink("nowhere", at("dangling")), 0);
        ck_assert_int_eq(symlink("circle", at("circle")), 0);
        ck_assert_int_eq(mkfifo(at("fifo"), 0600), 0);
        snprintf(name.sun_path, sizeof(name.sun_path), "%s", at("socket"));
        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&name, sizeof(name)), 0);
        close(fd);

        open_it();
        ck_assert_str_eq(ckpt_source_api_label(source), directory);
        ck_assert_uint_eq(ckpt_source_api_count(source), 4);
        ck_assert_str_eq(ckpt_source_api_name(source, 0), "B");
        ck_assert_str_eq(ckpt_source_api_name(source, 1), "a.json");
        ck_assert_str_eq(ckpt_source_api_name(source, 2), "b.safetensors");
        ck_assert_str_eq(ckpt_source_api_name(source, 3), "linked");
        ck_assert_ptr_null(ckpt_source_api_name(source, 4));
        ck_assert_uint_eq(ckpt_source_api_size(source, 2), 5);
        ck_assert_uint_eq(ckpt_source_api_size(source, 3), 3);
        ck_assert_uint_eq(ckpt_source_api_size(source, 4), 0);
        ck_assert_int_eq(ckpt_source_api_find(source, "linked", &object), CKPT_OK);
        ck_assert_uint_eq(object, 3);
        ck_assert_int_eq(ckpt_source_api_find(source, "../a.json", &object), CKPT_ABSENT);
        ck_assert_int_eq(ckpt_source_api_find(source, "dangling", &object), CKPT_ABSENT);
        ck_assert_uint_eq(object, 3);
        ck_assert_uint_eq(ckpt_diagnostics_count(&diagnostics), 0);
}
END_TEST

START_TEST(reads_ranges)
{
        char buffer[8] = "#######";

        write_file("a", "0123456789");
        open_it();
        ck_assert_int_eq(ckpt_source_read_at(&diagnostics, source, 0, 3, buffer, 4), CKPT_OK);
        ck_assert_str_eq(buffer, "3456###");
        ck_assert_int_eq(ckpt_source_read_at(&diagnostics, source, 0, 10, buffer, 0), CKPT_OK);
        ck_assert_int_eq(ckpt_source_read_at(&diagnostics, source, 0, 7, buffer, 4), CKPT_E_CORRUPT);
        ck_assert_str_eq(
                last_text(),
                "a @0x7: 4 bytes are wanted here, the file has 10 in all; the file may be cut short; "
                "download it again");
        ck_assert_int_eq(ckpt_source_read_at(&diagnostics, source, 0, UINT64_MAX, buffer, 4), CKPT_E_CORRUPT);
        ck_assert_int_eq(ckpt_source_read_at(&diagnostics, source, 0, 4, buffer, UINT64_MAX - 1),
                         CKPT_E_CORRUPT);
        ck_assert_int_eq(ckpt_source_read_at(&diagnostics, source, 1, 0, buffer, 1), CKPT_E_INVALID);
        ck_assert_str_eq(buffer, "3456###");
}
END_TEST

START_TEST(reads_a_single_file)
{
        char buffer[4] = "";

        write_file("one.safetensors", "abc");
        write_file("other", "abc");
        ck_assert_int_eq(ckpt_source_open(&diagnostics, at("one.safetensors"), &source), CKPT_OK);
        ck_assert_uint_eq(ckpt_source_api_count(source), 1);
        ck_assert_str_eq(ckpt_source_api_name(source, 0), "one.safetensors");
        ck_assert_int_eq(ckpt_source_read_at(&diagnostics, source, 0, 0, buffer, 3), CKPT_OK);
        ck_assert_str_eq(buffer, "abc");
}
END_TEST

START_TEST(survives_a_change_of_directory)
{
        char buffer[4] = "";
        const char *name = strrchr(directory, '/') + 1;

        write_file("a", "abc");
        ck_assert_int_eq(chdir("/tmp"), 0);
        ck_assert_int_eq(ckpt_source_open(&diagnostics, name, &source), CKPT_OK);
        ck_assert_int_eq(chdir("/"), 0);
        ck_assert_int_eq(ckpt_source_read_at(&diagnostics, source, 0, 0, buffer, 3), CKPT_OK);
}
END_TEST

START_TEST(says_what_it_cannot_open)
{
        ck_assert_int_eq(ckpt_source_open(&diagnostics, at("missing"), &source), CKPT_E_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(last_text(), "missing: No such file or directory; check the path"));
        ck_assert_int_eq(ckpt_source_open(&diagnostics, "", &source), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_source_open(&diagnostics, NULL, &source), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_source_open(&diagnostics, "/dev/null", &source), CKPT_E_INVALID);
        ck_assert_str_eq(last_text(), "/dev/null is neither a directory nor a plain file");
        ck_assert_ptr_null(source);
}
END_TEST

START_TEST(opens_late_and_closes_in_the_end)
{
        char link[64], target[256];
        int fd, flags;

        write_file("a", "abc");
        write_file("b", "abc");
        open_it();
        fd = ckpt_source_fd(&diagnostics, source, 1);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(ckpt_source_fd(&diagnostics, source, 1), fd);
        flags = fcntl(fd, F_GETFD);
        ck_assert_int_eq(flags & FD_CLOEXEC, FD_CLOEXEC);
        source = ckpt_source_ref(source);
        ckpt_source_unref(source);
        snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ck_assert_int_gt(readlink(link, target, sizeof(target)), 0);
        source = ckpt_source_unref(source);
        ck_assert_ptr_null(source);
        ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
}
END_TEST

static void *fd_of_object(void *context)
{
        return (void *)(intptr_t)ckpt_source_fd(&diagnostics, context, 0);
}

START_TEST(threads_agree_on_one_descriptor)
{
        pthread_t threads[8];
        void *fds[8];

        write_file("a", "abc");
        open_it();
        for (int i = 0; i < 8; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, fd_of_object, source), 0);
        for (int i = 0; i < 8; i++)
                pthread_join(threads[i], &fds[i]);
        for (int i = 0; i < 8; i++)
                ck_assert_ptr_eq(fds[i], fds[0]);
        ck_assert_int_ge((int)(intptr_t)fds[0], 0);
}
END_TEST

START_TEST(a_file_that_got_shorter_is_named_with_the_offset)
{
        char buffer[16];

        write_file("a", "0123456789");
        open_it();
        ck_assert_int_ge(ckpt_source_fd(&diagnostics, source, 0), 0);
        ck_assert_int_eq(truncate(at("a"), 4), 0);
        ck_assert_int_eq(ckpt_source_read_at(&diagnostics, source, 0, 2, buffer, 6), CKPT_E_CHANGED);
        ck_assert_str_eq(
                last_text(),
                "a @0x4: the file now ends here, it had 10 bytes when it was opened; load again when "
                "nothing writes to it");
        ck_assert_int_eq(ckpt_source_verify(&diagnostics, source, 0), CKPT_E_CHANGED);
}
END_TEST

START_TEST(verify_accepts_what_is_as_it_was)
{
        write_file("a", "0123456789");
        open_it();
        ck_assert_int_eq(ckpt_source_verify(&diagnostics, source, 0), CKPT_OK);
        ck_assert_int_ge(ckpt_source_fd(&diagnostics, source, 0), 0);
        ck_assert_int_eq(ckpt_source_verify(&diagnostics, source, 0), CKPT_OK);
        ck_assert_int_eq(ckpt_source_verify(&diagnostics, source, 1), CKPT_E_INVALID);
}
END_TEST

/* How a file changes; each way before it is opened (cases from 0) and after it was (cases from 10). */
static void change(int how)
{
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 12345}};

        switch (how) {
        case 0: /* the same size, other bytes and another time */
                write_file("a", "9876543210");
                ck_assert_int_eq(utimensat(AT_FDCWD, at("a"), times, 0), 0);
                break;
        case 1: /* replaced by a file of the same size */
                write_file("b", "0123456789");
                ck_assert_int_eq(rename(at("b"), at("a")), 0);
                break;
        case 2:
                ck_assert_int_eq(unlink(at("a")), 0);
                break;
        case 3: /* a fifo must not block */
                ck_assert_int_eq(unlink(at("a")), 0);
                ck_assert_int_eq(mkfifo(at("a"), 0600), 0);
                break;
        default:
                ck_abort();
        }
}

START_TEST(notices_a_change)
{
        const bool after = _i >= 10;

        write_file("a", "0123456789");
        open_it();
        if (after)
                ck_assert_int_ge(ckpt_source_fd(&diagnostics, source, 0), 0);
        change(_i % 10);
        ck_assert_int_eq(ckpt_source_verify(&diagnostics, source, 0), CKPT_E_CHANGED);
        ck_assert_ptr_nonnull(strstr(last_text(), "a: the file "));
        if (!after)
                ck_assert_int_lt(ckpt_source_fd(&diagnostics, source, 0), 0);
}
END_TEST

static ckpt_where seen_where;
static char seen_message[256], seen_object[64];

static ckpt_status keep_failure(const ckpt_frame *self, ckpt_status status, const ckpt_where *where,
                                const char *message)
{
        ck_assert_ptr_nonnull(self);
        seen_where = *where;
        snprintf(seen_object, sizeof(seen_object), "%s", where->object);
        snprintf(seen_message, sizeof(seen_message), "%s", message);
        return status;
}

START_TEST(a_component_reads_in_its_own_name)
{
        static const ckpt_api api = {.struct_size = sizeof(api), .report = keep_failure};
        const ckpt_frame frame = {.api = &api};
        char buffer[4] = "";

        write_file("a", "abc");
        open_it();
        ck_assert_int_eq(ckpt_source_api_read(&frame, source, 0, 0, buffer, 3), CKPT_OK);
        ck_assert_str_eq(buffer, "abc");
        ck_assert_int_eq(ckpt_source_api_read(&frame, source, 0, 1, buffer, 3), CKPT_E_CORRUPT);
        ck_assert_str_eq(seen_object, "a");
        ck_assert_uint_eq(seen_where.has_offset, 1);
        ck_assert_uint_eq(seen_where.offset, 1);
        ck_assert_str_eq(seen_message, "3 bytes are wanted here, the file has 3 in all");
        ck_assert_uint_eq(ckpt_diagnostics_count(&diagnostics), 0);
}
END_TEST

/* Payload that the runtime reads by itself, and what failed, do not count. */
START_TEST(what_components_ask_for_is_counted)
{
        static const ckpt_api api = {.struct_size = sizeof(api), .report = keep_failure};
        const ckpt_frame frame = {.api = &api};
        char buffer[8] = "";

        write_file("a", "abcdefgh");
        open_it();
        ck_assert_uint_eq(ckpt_source_asked_bytes(source), 0);
        ck_assert_int_eq(ckpt_source_api_read(&frame, source, 0, 0, buffer, 3), CKPT_OK);
        ck_assert_int_eq(ckpt_source_api_read(&frame, source, 0, 2, buffer, 5), CKPT_OK);
        ck_assert_int_eq(ckpt_source_read_at(&diagnostics, source, 0, 0, buffer, 8), CKPT_OK);
        ck_assert_int_eq(ckpt_source_api_read(&frame, source, 0, 4, buffer, 8), CKPT_E_CORRUPT);
        ck_assert_uint_eq(ckpt_source_asked_bytes(source), 8);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("source");
        TCase *tests = tcase_create("files");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, lists_plain_files_in_order_of_names);
        tcase_add_test(tests, reads_ranges);
        tcase_add_test(tests, reads_a_single_file);
        tcase_add_test(tests, survives_a_change_of_directory);
        tcase_add_test(tests, says_what_it_cannot_open);
        tcase_add_test(tests, opens_late_and_closes_in_the_end);
        tcase_add_test(tests, threads_agree_on_one_descriptor);
        tcase_add_test(tests, a_file_that_got_shorter_is_named_with_the_offset);
        tcase_add_test(tests, verify_accepts_what_is_as_it_was);
        tcase_add_loop_test(tests, notices_a_change, 0, 4);
        tcase_add_loop_test(tests, notices_a_change, 10, 14);
        tcase_add_test(tests, a_component_reads_in_its_own_name);
        tcase_add_test(tests, what_components_ask_for_is_counted);
        suite_add_tcase(suite, tests);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? 1 : 0;
}
