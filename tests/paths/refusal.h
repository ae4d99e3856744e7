/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PATHS_REFUSAL_H
#define TESTS_PATHS_REFUSAL_H

/*
 * System calls that the kernel refuses from now on, in this process and the threads that it makes: by a
 * seccomp filter, as a container has one
 */

#include <stdbool.h>
#include <stdint.h>

/** A call that is refused with an errno. */
typedef struct refusal {
        long call;
        int error;
        uint32_t flags; /* of its third argument: only with one of these; 0: always */
} refusal;

/** There is no way back. False where the kernel has no filters. */
bool refuse_calls(const refusal *refusals, unsigned count);

#endif
