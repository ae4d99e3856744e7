/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PATHS_TEST_REQUEST_H
#define TESTS_PATHS_TEST_REQUEST_H

#include <check.h>

#include "core/io/io.h"
#include "paths/script.h"

#define BLOCK CKPT_BLOCK_BYTES

/* No whole number of blocks. */
#define FILE_BYTES ((uint64_t)(17 << 20) + 4321)

#define OFFSET UINT64_C(9000)
#define SIZE   UINT64_C(50000)

#define SHORT(bytes)                  \
        {                             \
                SCRIPT_SHORT, (bytes) \
        }
#define ERROR(error)                  \
        {                             \
                SCRIPT_ERROR, (error) \
        }

extern ckpt_session request_session;
extern ckpt_io_state request_io;
extern ckpt_io_lane request_lane;
/** What is in the file. */
extern uint8_t *request_file;
extern script request_plan;

/** A request of the range [offset, offset + size), with room around its image. */
ckpt_request request_of(uint64_t offset, uint64_t size);
/** Starts it and waits for it. */
ckpt_status request_run(ckpt_request *q);

/** Requests under way together, and what io_uring refuses. test_request_uring.c */
void request_add_uring(TCase *tests);
void request_add_pread(TCase *tests);

#endif
