/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_FAULT_PLAN_H
#define TESTS_SUPPORT_FAULT_PLAN_H

/*
 * What CKPT_FAULT asks of the calls of a process: CALL:WHEN[:WAY]
 *
 *         pread:7:EIO                    the seventh pread fails
 *         preadv2:3:short                delivers half of what was asked for
 *         pread:2:eintr                  the same as EINTR
 *         pread:5:truncate=FILE@50%      FILE is cut to half its size before the call is made
 *         open:direct:EINVAL             every open with O_DIRECT
 *         read:all:short                 every one
 *         pread:p=0.1/42:EINTR           a tenth of them, chosen by a seed
 *         malloc:100                     without a way: ENOMEM
 *
 * CALL is read, pread, preadv, preadv2 (`reads`: all four), open, stat, mmap, malloc or pthread_create;
 * openat counts as open, fstat as stat, calloc and its like as malloc. CKPT_FAULT_REPORT names a file that
 * gets "CALLS FAULTS\n" when the process exits.
 */

#include <stdbool.h>

typedef enum fault_way {
        FAULT_NONE,
        FAULT_ERROR, /* errno is set; the call is not made */
        FAULT_SHORT
} fault_way;

/** Before a call: what is to become of it. Truncates where that was asked for. */
fault_way fault_meet(const char *call);
/** The same for an open, which may be asked for by O_DIRECT. */
fault_way fault_meet_open(int flags);

#endif
