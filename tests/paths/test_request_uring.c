/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that are under way together, and an io_uring that is full, broken or refused
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "paths/test_request.h"

enum {
        MANY = 8
};

static void start_many(ckpt_request *many, uint8_t *room)
{
        for (unsigned i = 0; i < MANY; i++) {
                many[i] = request_of(OFFSET + i * 70001, SIZE);
                many[i].image = room + i * (SIZE / BLOCK + 4) * BLOCK + many[i].offset % BLOCK;
                ck_assert_int_eq(ckpt_io_start(&request_io, &request_lane, &many[i]), CKPT_OK);
        }
}

/* They end the last one first, one of them in two parts and one in an error; each gets its own result. */
START_TEST(several_under_way)
{
        uint8_t *room = aligned_alloc(BLOCK, MANY * (SIZE / BLOCK + 4) * BLOCK);
        ckpt_request many[MANY];

        ck_assert_ptr_nonnull(room);
        request_plan.has_uring = true;
        request_plan.reads[2] = (script_read)SHORT(BLOCK);
        request_plan.reads[5] = (script_read)ERROR(EIO);
        start_many(many, room);
        for (unsigned i = 0; i < MANY; i++)
                ck_assert(many[i].pending);
        for (unsigned i = 0; i < MANY; i++) {
                ck_assert_int_eq(ckpt_io_finish(&request_io, &request_lane, &many[i]),
                                 i == 5 ? CKPT_E_IO : CKPT_OK);
                if (i != 5)
                        ck_assert_mem_eq(many[i].image, request_file + many[i].offset, SIZE);
        }
        ck_assert_uint_eq(request_plan.n_reads, MANY + 1);
        free(room);
}
END_TEST

/* The ring is full: what does not fit is read at once. */
START_TEST(no_room_in_the_ring)
{
        uint8_t *room = aligned_alloc(BLOCK, MANY * (SIZE / BLOCK + 4) * BLOCK);
        ckpt_request many[MANY];

        ck_assert_ptr_nonnull(room);
        request_plan.has_uring = true;
        request_plan.uring_room = 3;
        start_many(many, room);
        for (unsigned i = 0; i < MANY; i++)
                ck_assert(many[i].pending == (i < 3));
        for (unsigned i = 0; i < MANY; i++) {
                ck_assert_int_eq(ckpt_io_finish(&request_io, &request_lane, &many[i]), CKPT_OK);
                ck_assert_mem_eq(many[i].image, request_file + many[i].offset, SIZE);
        }
        ck_assert_uint_eq(request_plan.n_by_uring, 3);
        free(room);
}
END_TEST

START_TEST(waiting_fails)
{
        ckpt_request q = request_of(OFFSET, SIZE);

        request_plan.has_uring = true;
        request_plan.wait_error = EBADF;
        ck_assert_int_eq(request_run(&q), CKPT_E_SYSTEM);
        ck_assert_ptr_nonnull(strstr(request_session.diagnostics.list.items[0].text, "io_uring"));
}
END_TEST

/* What a lane was refused is known to every load that uses it. */
START_TEST(a_refusal_is_remembered)
{
        char text[256];

        request_plan.has_uring = false;
        for (unsigned i = 0; i < 2; i++) {
                ckpt_request q = request_of(OFFSET, SIZE);

                request_io = (ckpt_io_state){.session = &request_session, .chosen = CKPT_IO_DIRECT};
                ck_assert_int_eq(request_run(&q), CKPT_OK);
                ckpt_io_explain(&request_io, text, sizeof(text));
                ck_assert_msg(strstr(text, "io_uring is refused"), "%s", text);
                ck_assert_str_eq(ckpt_io_engine(&request_io), "pread");
        }
}
END_TEST

void request_add_uring(TCase *tests)
{
        tcase_add_test(tests, several_under_way);
        tcase_add_test(tests, no_room_in_the_ring);
        tcase_add_test(tests, waiting_fails);
}

void request_add_pread(TCase *tests)
{
        tcase_add_test(tests, a_refusal_is_remembered);
}
