/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TEST_KERNELS_REFERENCE_H
#define CKPT_TEST_KERNELS_REFERENCE_H

/*
 * Elementwise arithmetic once more, slowly and in another way.
 */

#include <backend.h>

double reference_decode(ckpt_dtype dtype, uint64_t bits);
uint64_t reference_encode(ckpt_dtype dtype, double x);
/** Bits of the element at this address. */
uint64_t reference_load(ckpt_dtype dtype, const void *from);
/** One element through a descriptor's operations; not for NEG_EXP. */
uint64_t reference_chain(const ckpt_elementwise *elementwise, uint64_t bits);

#endif
