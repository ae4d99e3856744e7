/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_PICKLE_WRITER_H
#define TESTS_SUPPORT_PICKLE_WRITER_H

/*
 * Pickles, right and wrong ones, opcode by opcode or from a line of text
 *
 * Needs neither Check nor the library: fuzzers use it too.
 */

#include <stdbool.h>

#include "bytes.h"

/** The byte of an opcode by its name in Python's pickletools, or -1; and the name of a byte, or NULL. */
int pickle_opcode(const char *name);
const char *pickle_opcode_name(int byte);

void pickle_op(struct bytes *pickle, const char *name);
void pickle_int(struct bytes *pickle, int64_t number);
void pickle_text(struct bytes *pickle, const char *text, size_t length);
void pickle_global(struct bytes *pickle, const char *module, const char *name);
/** BINPUT or BINGET, or their LONG_ forms. */
void pickle_put(struct bytes *pickle, uint32_t index);
void pickle_get(struct bytes *pickle, uint32_t index);

/**
 * A mention of a storage: `class` is "Float" for torch.FloatStorage, "Untyped" for
 * torch.storage.UntypedStorage. The legacy container has a sixth item, None.
 */
void pickle_storage(struct bytes *pickle, const char *class, const char *key, uint64_t count, bool legacy);
/** _rebuild_tensor_v2 of a storage, up to and with its REDUCE. */
void pickle_tensor(struct bytes *pickle, const char *class, const char *key, uint64_t count, uint64_t offset,
                   unsigned rank, const uint64_t *shape, const uint64_t *strides, bool legacy);

/**
 * Writes what a line of words says:
 *
 *     OPCODE, or its character where it has one and is no digit: MARK is (, TUPLE is t
 *     12 -3            an integer         'text'     BINUNICODE
 *     q7 h7            BINPUT, BINGET     @a.b:c     GLOBAL of module a.b, name c
 *     <Float:0:6>      a storage: class, key, count
 *     #8002ff          bytes in hexadecimal
 *     "I01\n"          characters; \n is a line feed
 *
 * A word that is none of these ends the program: it is a mistake of the test.
 */
void pickle_assemble(struct bytes *pickle, const char *text, bool legacy);

#endif
