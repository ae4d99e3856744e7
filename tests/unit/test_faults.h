/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TEST_FAULTS_H
#define TESTS_UNIT_TEST_FAULTS_H

/*
 * Loads and exports that end early: whatever the point, nothing is left behind and the host serves the next
 * load
 */

#include <ckpt/ckpt.h>

#include "support/loading.h"
#include "support/resources.h"
#include "support/scratch.h"
#include "unit/test_faults_reader.h"

#include <check.h>

/** What the C library's caches may keep, far less than one model's memory. */
#define SLACK (256u << 10)

/** One host for a test; `before` is what the process held once a first load had been through it. */
extern ckpt_host *faults_host;
extern resources faults_before;

/** A load of a fixture on the same host gives what it must. */
void faults_host_still_works(void);
/** Runs a few loads so that lazily made things are there, then notes what the process holds. */
void faults_warm_up(void);
/** Threads, descriptors and memory are as after the warm-up. */
void faults_nothing_left(void);

TCase *faults_cancel_case(void);
TCase *faults_export_case(void);

#endif
