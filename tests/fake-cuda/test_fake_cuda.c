/* SPDX-License-Identifier: Apache-2.0 */
/*
 * That the fake CUDA runtime shows what it is there to show: work that is late, memory that is gone, operands
 * that are no memory of the device
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <backend.h>

#include "fake_cuda.h"

#include <check.h>

#define SIZE            4096
#define DELAY           20000000
#define ILLEGAL_ADDRESS (-700)

static const ckpt_backend *cuda;
static const fake_cuda_control *fake;
static ckpt_device *device;
static ckpt_stream *stream;

#define OK(call) ck_assert_int_eq((call), 0)

static void set_up(void)
{
        char path[1024];
        void *library;

        ck_assert_ptr_nonnull(getenv("CKPT_TEST_FAKE_CUDA"));
        snprintf(path, sizeof(path), "%s/ckpt-cuda.so", getenv("CKPT_TEST_FAKE_CUDA"));
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        ck_assert_msg(library != NULL, "%s", dlerror());
        cuda = dlsym(library, CKPT_BACKEND_SYMBOL);
        fake = dlsym(library, FAKE_CUDA_SYMBOL);
        ck_assert(cuda && fake);
        OK(cuda->open(0, &device));
        OK(cuda->stream_new(device, &stream));
}

static fake_cuda_counts counts(void)
{
        fake_cuda_counts now;

        fake->get_counts(&now);
        return now;
}

static void tear_down(void)
{
        cuda->stream_free(stream);
        cuda->close(device);
        fake->reset();
        ck_assert_uint_eq(counts().device_bytes + counts().pinned_bytes + counts().registered_ranges, 0);
        ck_assert_uint_eq(counts().streams + counts().events, 0);
}

static uint8_t *device_memory(void)
{
        void *memory = NULL;

        OK(cuda->alloc(device, SIZE, &memory));
        return memory;
}

static uint8_t *pinned_memory(int byte)
{
        void *memory = NULL;

        OK(cuda->pinned_alloc(device, SIZE, &memory));
        memset(memory, byte, SIZE);
        return memory;
}

/* The first byte of device memory, when all that was asked for before is done. */
static int first_byte(const uint8_t *memory)
{
        uint8_t byte;

        OK(cuda->copy_to_host(stream, &byte, memory, 1));
        OK(cuda->stream_synchronize(stream));
        return byte;
}

START_TEST(a_copy_reads_when_it_is_executed)
{
        uint8_t *to = device_memory(), *from = pinned_memory(1);
        ckpt_event *event = NULL;

        OK(cuda->event_new(device, &event));
        fake->set_delay(DELAY);
        OK(cuda->copy_to_device(stream, to, from, SIZE));
        OK(cuda->event_record(event, stream));
        ck_assert_int_eq(cuda->event_query(event), 0);
        OK(cuda->event_synchronize(event));
        ck_assert_int_eq(cuda->event_query(event), 1);
        ck_assert_int_eq(first_byte(to), 1);
        OK(cuda->copy_to_device(stream, to, from, SIZE));
        memset(from, 2, SIZE);
        ck_assert_int_eq(first_byte(to), 2);
        cuda->event_free(event);
        cuda->pinned_free(device, from, SIZE);
        cuda->free(device, to, SIZE);
}
END_TEST

START_TEST(a_list_is_copied_in_the_order_of_the_stream)
{
        uint8_t *to = device_memory(), *first = pinned_memory(1), *second = pinned_memory(2);
        const ckpt_host_copy copies[] = {{to, first, 1}, {to + 2, first + 1, SIZE - 2}};
        const uint64_t before = counts().copies;
        uint8_t bytes[3];

        fake->set_delay(DELAY);
        OK(cuda->copy_to_device(stream, to, second, SIZE));
        OK(cuda->copy_list_to_device(stream, copies, 2));
        OK(cuda->copy_list_to_device(stream, copies, 1));
        OK(cuda->copy_to_host(stream, bytes, to, sizeof(bytes)));
        OK(cuda->stream_synchronize(stream));
        ck_assert_mem_eq(bytes, "\1\2\1", 3);
        ck_assert_uint_eq(counts().copies, before + 5);
        ck_assert_int_lt(cuda->copy_list_to_device(stream, copies, 0), 0);
        ck_assert_int_lt(cuda->copy_list_to_device(stream, copies, CKPT_HOST_COPIES_MAX + 1), 0);
        cuda->pinned_free(device, first, SIZE);
        cuda->pinned_free(device, second, SIZE);
        cuda->free(device, to, SIZE);
}
END_TEST

START_TEST(streams_wait_for_events_alone)
{
        uint8_t *to = device_memory(), *first = pinned_memory(1), *second = pinned_memory(2);
        ckpt_stream *other = NULL;
        ckpt_event *event = NULL;

        OK(cuda->stream_new(device, &other));
        OK(cuda->event_new(device, &event));
        fake->set_delay(DELAY);
        OK(cuda->copy_to_device(other, to, first, SIZE));
        OK(cuda->copy_to_device(other, to, first, SIZE));
        OK(cuda->event_record(event, other));
        OK(cuda->stream_wait_event(stream, event));
        OK(cuda->copy_to_device(stream, to, second, SIZE));
        ck_assert_int_eq(first_byte(to), 2);
        cuda->stream_free(other);
        cuda->event_free(event);
        cuda->pinned_free(device, first, SIZE);
        cuda->pinned_free(device, second, SIZE);
        cuda->free(device, to, SIZE);
}
END_TEST

START_TEST(memory_that_is_freed_too_early)
{
        uint8_t *to = device_memory(), *from = pinned_memory(1);

        fake->set_delay(DELAY);
        OK(cuda->fill_zero(stream, to, 1));
        OK(cuda->copy_to_device(stream, to, from, SIZE));
        cuda->pinned_free(device, from, SIZE);
        ck_assert_uint_eq(counts().misuses, 1);
        ck_assert_int_eq(cuda->stream_synchronize(stream), ILLEGAL_ADDRESS);
        ck_assert_uint_eq(counts().misuses, 2);
        ck_assert_int_eq(counts().broken, -ILLEGAL_ADDRESS);
        ck_assert_int_eq(cuda->fill_zero(stream, to, 1), ILLEGAL_ADDRESS);
        cuda->free(device, to, SIZE);
}
END_TEST

static int32_t copy_one(void *dst, const void *src, int64_t n)
{
        const ckpt_strided_copy copy = {.dst = dst,
                                        .src = src,
                                        .elem_size = 1,
                                        .rank = 1,
                                        .dst_shape = {n},
                                        .src_shape = {n},
                                        .dst_stride = {1},
                                        .src_stride = {1}};

        return cuda->strided_copy(stream, &copy, 1);
}

START_TEST(kernels_want_memory_of_their_device)
{
        uint8_t *memory = device_memory(), *host = pinned_memory(0), *of_other = NULL;
        ckpt_device *other = NULL;
        void *taken = NULL;

        OK(cuda->open(1, &other));
        OK(cuda->alloc(other, SIZE, &taken));
        of_other = taken;
        OK(copy_one(memory, memory + SIZE / 2, SIZE / 2));
        ck_assert_int_eq(copy_one(memory, host, SIZE), ILLEGAL_ADDRESS);
        /* The context is lost with it. */
        ck_assert_int_eq(copy_one(memory, memory + SIZE / 2, 1), ILLEGAL_ADDRESS);
        fake->reset();
        ck_assert_int_eq(copy_one(memory, memory + 1, SIZE), ILLEGAL_ADDRESS);
        fake->reset();
        ck_assert_int_eq(copy_one(memory, of_other, SIZE), ILLEGAL_ADDRESS);
        fake->reset();
        cuda->free(other, of_other, SIZE);
        cuda->close(other);
        cuda->pinned_free(device, host, SIZE);
        cuda->free(device, memory, SIZE);
}
END_TEST

/* The second descriptor builds on the first: a device may run it before. */
START_TEST(descriptors_of_one_call_have_no_order)
{
        uint8_t *memory = device_memory(), *from = pinned_memory(1);
        ckpt_strided_copy copies[2];

        OK(cuda->fill_zero(stream, memory, SIZE));
        OK(cuda->copy_to_device(stream, memory, from, 16));
        for (unsigned i = 0; i < 2; i++)
                copies[i] = (ckpt_strided_copy){
                        .dst = memory + 16 * (i + 1), .src = memory + 16 * i, .elem_size = 16, .rank = 0};
        OK(cuda->strided_copy(stream, copies, 2));
        ck_assert_int_eq(first_byte(memory + 16), 1);
        ck_assert_int_eq(first_byte(memory + 32), 0);
        cuda->pinned_free(device, from, SIZE);
        cuda->free(device, memory, SIZE);
}
END_TEST

START_TEST(registered_memory)
{
        uint8_t *host = aligned_alloc(4096, SIZE), *memory = device_memory();

        ck_assert_ptr_nonnull(host);
        memset(host, 3, SIZE);
        OK(cuda->host_register(device, host, SIZE, 1));
        ck_assert_int_eq(cuda->host_register(device, host + 8, 8, 0), -712);
        OK(cuda->copy_to_device(stream, memory, host, SIZE));
        OK(cuda->stream_synchronize(stream));
        ck_assert_uint_eq(counts().pageable_copies, 0);
        OK(cuda->host_unregister(device, host));
        ck_assert_int_eq(cuda->host_unregister(device, host), -713);
        OK(cuda->copy_to_device(stream, memory, host, SIZE));
        OK(cuda->stream_synchronize(stream));
        ck_assert_uint_eq(counts().pageable_copies, 1);
        ck_assert_int_eq(first_byte(memory), 3);
        free(host);
        cuda->free(device, memory, SIZE);
}
END_TEST

START_TEST(calls_that_fail_and_limits)
{
        void *memory = NULL;
        uint64_t left = 0, total = 0;

        fake->fail_at("cudaMalloc", 2, 2);
        OK(cuda->alloc(device, SIZE, &memory));
        cuda->free(device, memory, SIZE);
        ck_assert_int_eq(cuda->alloc(device, SIZE, &memory), -2);
        ck_assert_int_eq(fake->has_failed(), 1);
        ck_assert_uint_eq(fake->calls(), 2);
        OK(cuda->alloc(device, SIZE, &memory));
        fake->set_memory(2 * SIZE);
        OK(cuda->memory_info(device, &left, &total));
        ck_assert_uint_eq(left, SIZE);
        ck_assert_uint_eq(total, 2 * SIZE);
        cuda->free(device, memory, SIZE);
        ck_assert_int_eq(cuda->alloc(device, 2 * SIZE + 1, &memory), -2);
        ck_assert_uint_eq(counts().device_peak, SIZE);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("fake-cuda");
        TCase *tcase = tcase_create("fake");
        SRunner *runner;
        int failed;

        tcase_add_checked_fixture(tcase, set_up, tear_down);
        tcase_add_test(tcase, a_copy_reads_when_it_is_executed);
        tcase_add_test(tcase, a_list_is_copied_in_the_order_of_the_stream);
        tcase_add_test(tcase, streams_wait_for_events_alone);
        tcase_add_test(tcase, memory_that_is_freed_too_early);
        tcase_add_test(tcase, kernels_want_memory_of_their_device);
        tcase_add_test(tcase, descriptors_of_one_call_have_no_order);
        tcase_add_test(tcase, registered_memory);
        tcase_add_test(tcase, calls_that_fail_and_limits);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
