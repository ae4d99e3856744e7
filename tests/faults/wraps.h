/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_FAULTS_WRAPS_H
#define TESTS_FAULTS_WRAPS_H

/*
 * Calls of the system that fail when told to. The linker sends the library's and the stock plugins' calls
 * here (--wrap); the test's own are sent here too, so a fault is armed only while a load runs.
 */

#include <stdbool.h>
#include <stdint.h>

typedef enum wrap_way {
        WRAP_FAIL,  /* with `error` */
        WRAP_SHORT, /* half of what was asked for, at least a byte; of reads */
        WRAP_HOOK   /* something happens before the call, which is made */
} wrap_way;

/**
 * What the n-th call (from 1) of a group does. Groups: "read" (read, pread, preadv, preadv2), "open" (open,
 * openat), "stat" (stat, fstat, fstatat), "mmap", "pthread_create". Strings are kept.
 */
typedef struct wrap_plan {
        const char *group;
        uint64_t n;
        wrap_way way;
        int error;
        void (*hook)(void);
} wrap_plan;

void wrap_arm(const wrap_plan *plan);
/** Whether the call came. */
bool wrap_disarm(void);
/** How many calls of the group were made since it was armed. */
uint64_t wrap_calls(void);

#endif
