/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of bombs share. */
#ifndef TEST_HF_TORCH_BOMBS_H
#define TEST_HF_TORCH_BOMBS_H

#include "test_hf_torch_refusing.h"

enum {
        BOMB_ANY = 1000 /* it may load or not */
};

/*
 * Opens the file in a process that may use two seconds of a processor and 512 MiB of memory. It must end with
 * that reason, HF_OK when it loads.
 */
void defuse(const struct bytes *file, enum hf_torch_policy policy, int reason);
/* The same for an archive with that pickle and a storage "0" of six floats; takes the bytes. */
void defuse_pickle(struct bytes *pickle, int reason);

#endif
