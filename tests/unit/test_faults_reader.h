/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_TEST_FAULTS_READER_H
#define TESTS_UNIT_TEST_FAULTS_READER_H

/*
 * A checkpoint without files: a weight loader that lists the tensors of a small Gemma model and makes up
 * their bytes when they are read. What happens at a read is the test's choice.
 */

#include <stdatomic.h>

#include <ckpt/ckpt.h>

typedef struct test_reader {
        /**
         * Before a read delivers: the call's number from 0, and the status to end it with. May be NULL.
         * [worker]
         */
        ckpt_status (*on_read)(struct test_reader *reader, uint64_t call);
        /** When the names are listed. May be NULL. */
        ckpt_status (*on_list)(struct test_reader *reader);
        void *context;
        int32_t access;      /**< CKPT_ACCESS_… of every tensor */
        const char *whole;   /**< tensors of a layer that have CKPT_ACCESS_WHOLE all the same; may be NULL */
        int64_t layers;      /**< of the catalogue: the configuration's 4, or too few */
        int64_t vocabulary;  /**< rows of the embedding */
        int64_t wide;        /**< of the MLP */
        atomic_ullong calls; /**< of read */
        atomic_int open;     /**< SEQUENTIAL tensors that are open now */
        atomic_int created;  /**< create less destroy */
} test_reader;

#define TEST_READER_INIT                                     \
        {                                                    \
                .layers = 4, .vocabulary = 1001, .wide = 512 \
        }

/** Tensors that it lists with four layers. */
#define TEST_READER_TENSORS 54

/** For ckpt_load_set_component; its data is a test_reader. */
extern const ckpt_component test_reader_component;

/** A new load of it. The directory (for the source, which is never read) is the scratch directory. */
ckpt_load *test_reader_load(ckpt_host *host, test_reader *reader, const ckpt_load_options *options);

/** What byte `at` of the tensor named by `cookie` is. */
uint8_t test_reader_byte(uint64_t cookie, uint64_t at);

#endif
