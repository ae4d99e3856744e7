/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The CPU table as an object: memory, streams, events and plain copies.
 */

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <backend.h>

static const ckpt_backend *const cpu = &ckpt_backend_cpu;

START_TEST(says_what_it_is)
{
        const char *why = NULL;

        ck_assert_uint_eq(cpu->struct_size, sizeof(ckpt_backend));
        ck_assert_uint_eq(cpu->version, CKPT_BACKEND_VERSION);
        ck_assert_str_eq(cpu->name, "cpu");
        ck_assert_int_gt(cpu->score(&why), 0);
        ck_assert_ptr_null(why);
}
END_TEST

START_TEST(has_one_device)
{
        ckpt_device *device = NULL;
        uint64_t available = 0, total = 0;
        int32_t r;

        r = cpu->open(1, &device);
        ck_assert_int_lt(r, 0);
        ck_assert_ptr_null(device);
        ck_assert_ptr_nonnull(strstr(cpu->describe(r), "device"));
        ck_assert_int_eq(cpu->open(0, &device), 0);
        ck_assert_int_eq(cpu->memory_info(device, &available, &total), 0);
        ck_assert(available > 0 && available <= total);
        cpu->close(device);
}
END_TEST

START_TEST(memory_is_aligned_and_writable)
{
        static const uint64_t sizes[] = {0, 1, 255, 4096, (1 << 20) - 1, 1 << 20, (5 << 20) + 3};
        ckpt_device *device = NULL;

        ck_assert_int_eq(cpu->open(0, &device), 0);
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                void *memory = NULL;

                ck_assert_int_eq(cpu->alloc(device, sizes[i], &memory), 0);
                ck_assert_uint_eq((uintptr_t)memory % 256, 0);
                memset(memory, 1, sizes[i]);
                cpu->free(device, memory, sizes[i]);
        }
        cpu->free(device, NULL, 0);
        cpu->close(device);
}
END_TEST

START_TEST(too_much_memory_is_refused)
{
        ckpt_device *device = NULL;
        void *memory = NULL;

        ck_assert_int_eq(cpu->open(0, &device), 0);
        ck_assert_int_lt(cpu->alloc(device, UINT64_MAX, &memory), 0);
        ck_assert_int_lt(cpu->alloc(device, UINT64_C(1) << 60, &memory), 0);
        ck_assert_ptr_null(memory);
        cpu->close(device);
}
END_TEST

START_TEST(streams_and_events)
{
        ckpt_device *device = NULL;
        ckpt_stream *stream = NULL;
        ckpt_event *event = NULL;

        ck_assert_int_eq(cpu->open(0, &device), 0);
        ck_assert_int_eq(cpu->stream_new(device, &stream), 0);
        ck_assert_int_eq(cpu->event_new(device, &event), 0);
        ck_assert_int_eq(cpu->event_synchronize(event), 0);
        ck_assert_int_eq(cpu->event_record(event, stream), 0);
        ck_assert_int_eq(cpu->event_query(event), 1);
        ck_assert_int_eq(cpu->stream_wait_event(stream, event), 0);
        ck_assert_int_eq(cpu->stream_synchronize(stream), 0);
        cpu->event_free(event);
        cpu->stream_free(stream);
        cpu->event_free(NULL);
        cpu->stream_free(NULL);
        cpu->close(device);
}
END_TEST

START_TEST(plain_copies)
{
        const uint8_t src[12] = "abcdefghijkl";
        uint8_t dst[16];

        memset(dst, '.', sizeof(dst));
        ck_assert_int_eq(cpu->copy_rows_to_device(NULL, dst, 5, src, 4, 3, 3), 0);
        ck_assert_mem_eq(dst, "abc..efg..ijk...", 16);
        ck_assert_int_eq(cpu->fill_zero(NULL, dst, 3), 0);
        ck_assert_int_eq(cpu->copy_to_device(NULL, dst + 3, src, 2), 0);
        ck_assert_int_eq(cpu->copy_on_device(NULL, dst + 5, src, 0), 0);
        ck_assert_mem_eq(dst, "\0\0\0abefg..ijk...", 16);
        ck_assert_int_eq(
                cpu->copy_list_to_device(NULL, (ckpt_host_copy[]){{dst, src, 1}, {dst + 2, src + 9, 2}}, 2),
                0);
        ck_assert_mem_eq(dst, "a\0jkbefg..ijk...", 16);
        ck_assert_int_lt(cpu->copy_list_to_device(NULL, NULL, 0), 0);
        ck_assert_int_lt(cpu->copy_list_to_device(NULL, NULL, CKPT_HOST_COPIES_MAX + 1), 0);
        ck_assert_int_lt(cpu->copy_rows_to_device(NULL, dst, 2, src, 4, 3, 3), 0);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("kernels-memory");
        TCase *all = tcase_create("all");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_test(all, says_what_it_is);
        tcase_add_test(all, has_one_device);
        tcase_add_test(all, memory_is_aligned_and_writable);
        tcase_add_test(all, too_much_memory_is_refused);
        tcase_add_test(all, streams_and_events);
        tcase_add_test(all, plain_copies);
        suite_add_tcase(suite, all);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
