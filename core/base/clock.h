/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_BASE_CLOCK_H
#define CKPT_BASE_CLOCK_H

#include <time.h>

/** Seconds since some point in the past. */
static inline double ckpt_clock(void)
{
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

#endif
