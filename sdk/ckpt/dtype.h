/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_DTYPE_H
#define CKPT_DTYPE_H

/*
 * Element types
 *
 * The twenty-two element types of the safetensors format, under its names. The
 * numbers are part of the ABI: they are never changed, new types are appended.
 * A type that is not in this list is refused by name, never guessed.
 *
 * Sub-byte types (F4, F6_*) are stored packed; a tensor of one of them occupies a
 * whole number of bytes, and so does every slice that the runtime is asked for.
 *
 * Sources of the encodings: IEEE 754-2019 (F16, F32, F64), the OCP 8-bit floating point
 * specification (F8_E4M3, F8_E5M2), the OCP microscaling formats (F4, F6_*, F8_E8M0), PyTorch's
 * float8_*fnuz; BF16 is the upper half of an F32. C64 is two F32, the real part first.
 *
 * The functions here are pure: any number may be passed, from any thread [any-thread].
 */

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Element type. Crosses the ABI as a 32-bit integer; one that is not below CKPT_DTYPE_COUNT is no type. */
typedef int32_t ckpt_dtype;

enum {
        CKPT_DTYPE_NONE = 0, /**< not given: "keep what the tensor has" */
        CKPT_DTYPE_BOOL = 1,
        CKPT_DTYPE_F4 = 2, /**< e2m1, two elements a byte */
        CKPT_DTYPE_F6_E2M3 = 3,
        CKPT_DTYPE_F6_E3M2 = 4,
        CKPT_DTYPE_U8 = 5,
        CKPT_DTYPE_I8 = 6,
        CKPT_DTYPE_F8_E5M2 = 7,
        CKPT_DTYPE_F8_E4M3 = 8, /**< the "fn" variant: no infinities, as in PyTorch */
        CKPT_DTYPE_F8_E8M0 = 9,
        CKPT_DTYPE_F8_E4M3FNUZ = 10,
        CKPT_DTYPE_F8_E5M2FNUZ = 11,
        CKPT_DTYPE_I16 = 12,
        CKPT_DTYPE_U16 = 13,
        CKPT_DTYPE_F16 = 14,
        CKPT_DTYPE_BF16 = 15,
        CKPT_DTYPE_I32 = 16,
        CKPT_DTYPE_U32 = 17,
        CKPT_DTYPE_F32 = 18,
        CKPT_DTYPE_C64 = 19,
        CKPT_DTYPE_F64 = 20,
        CKPT_DTYPE_I64 = 21,
        CKPT_DTYPE_U64 = 22,
        CKPT_DTYPE_COUNT = 23
};

/**
 * What a type's values are, for the rules of casting (ckpt_dtype_can_cast) and of arithmetic. FLOAT and
 * SCALE stand last: what is at least FLOAT can be cast to each other.
 */
typedef int32_t ckpt_dtype_class;

enum {
        CKPT_CLASS_OTHER = 0, /**< bool, complex and sub-byte: copied, never computed on */
        CKPT_CLASS_SIGNED = 1,
        CKPT_CLASS_UNSIGNED = 2,
        CKPT_CLASS_FLOAT = 3, /**< whole-byte floats, the 8-bit ones included */
        CKPT_CLASS_SCALE = 4  /**< E8M0: powers of two; cast to and from floats, no arithmetic */
};

/** Bits of one element, 4 to 64; 0 for a number that is no type, CKPT_DTYPE_NONE included. */
static inline uint32_t ckpt_dtype_bits(ckpt_dtype dtype)
{
        static const uint8_t bits[CKPT_DTYPE_COUNT] = {0,  8,  4,  6,  6,  8,  8,  8,  8,  8,  8, 8,
                                                       16, 16, 16, 16, 32, 32, 32, 64, 64, 64, 64};

        return dtype > 0 && dtype < CKPT_DTYPE_COUNT ? bits[dtype] : 0;
}

/** The type's name as safetensors spells it ("BF16"), a static string; "?" for a number that is no type. */
static inline const char *ckpt_dtype_name(ckpt_dtype dtype)
{
        static const char *const names[CKPT_DTYPE_COUNT] = {
                "?",       "BOOL",    "F4",          "F6_E2M3",     "F6_E3M2", "U8",  "I8",  "F8_E5M2",
                "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "I16",     "U16", "F16", "BF16",
                "I32",     "U32",     "F32",         "C64",         "F64",     "I64", "U64"};

        return dtype > 0 && dtype < CKPT_DTYPE_COUNT ? names[dtype] : "?";
}

/** The class of a type; CKPT_CLASS_OTHER also for a number that is no type. */
static inline ckpt_dtype_class ckpt_dtype_class_of(ckpt_dtype dtype)
{
        switch (dtype) {
        case CKPT_DTYPE_I8:
        case CKPT_DTYPE_I16:
        case CKPT_DTYPE_I32:
        case CKPT_DTYPE_I64:
                return CKPT_CLASS_SIGNED;
        case CKPT_DTYPE_U8:
        case CKPT_DTYPE_U16:
        case CKPT_DTYPE_U32:
        case CKPT_DTYPE_U64:
                return CKPT_CLASS_UNSIGNED;
        case CKPT_DTYPE_F8_E5M2:
        case CKPT_DTYPE_F8_E4M3:
        case CKPT_DTYPE_F8_E4M3FNUZ:
        case CKPT_DTYPE_F8_E5M2FNUZ:
        case CKPT_DTYPE_F16:
        case CKPT_DTYPE_BF16:
        case CKPT_DTYPE_F32:
        case CKPT_DTYPE_F64:
                return CKPT_CLASS_FLOAT;
        case CKPT_DTYPE_F8_E8M0:
                return CKPT_CLASS_SCALE;
        default:
                return CKPT_CLASS_OTHER;
        }
}

/**
 * Whether a tensor may be cast: float (or E8M0) to float (or E8M0) by PyTorch's rules,
 * and integers to a wider integer that holds every value. Nothing else: a cast that can
 * lose an integer is a decision that a checkpoint loader must not take in silence.
 *
 *         F32 -> BF16, F8_E4M3 -> F32, F8_E8M0 -> F32, U8 -> I16, I32 -> I64     yes
 *         U8 -> I8, I64 -> I32, I8 -> U16, I32 -> F32, BOOL -> U8, F4 -> F32      no
 *
 * A type may always be "cast" to itself, which changes nothing. False for what is no type.
 */
static inline bool ckpt_dtype_can_cast(ckpt_dtype from, ckpt_dtype to)
{
        const ckpt_dtype_class f = ckpt_dtype_class_of(from), t = ckpt_dtype_class_of(to);
        const bool wider = ckpt_dtype_bits(to) > ckpt_dtype_bits(from);

        if (from == to)
                return ckpt_dtype_bits(from) != 0;
        if (f >= CKPT_CLASS_FLOAT)
                return t >= CKPT_CLASS_FLOAT;
        if (f == CKPT_CLASS_UNSIGNED)
                return wider && (t == CKPT_CLASS_UNSIGNED || t == CKPT_CLASS_SIGNED);
        return f == CKPT_CLASS_SIGNED && t == CKPT_CLASS_SIGNED && wider;
}

/**
 * Whether ckpt_tensor_add_scalar, _mul_scalar and _neg_exp are defined on the type: floats of 16 bits and
 * more, as in PyTorch. Cast an 8-bit float first.
 */
static inline bool ckpt_dtype_has_arithmetic(ckpt_dtype dtype)
{
        return dtype == CKPT_DTYPE_F16 || dtype == CKPT_DTYPE_BF16 || dtype == CKPT_DTYPE_F32 ||
               dtype == CKPT_DTYPE_F64;
}

#ifdef __cplusplus
}
#endif

#endif
