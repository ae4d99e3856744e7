/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Decoding by ldexp, arithmetic in double, rounding to a format by dividing through the
 * format's unit at that place.
 */

#include <math.h>
#include <string.h>

#include "test_kernels_reference.h"

typedef enum overflow {
        TO_INFINITY,
        TO_LAST,
        TO_NAN
} overflow;

typedef struct format {
        ckpt_dtype dtype;
        int mantissa, bias;
        uint32_t last; /* largest finite code */
        uint32_t nan;  /* the canonical one */
        overflow over;
        bool fnuz;
} format;

static const format formats[] = {
        {CKPT_DTYPE_F8_E5M2, 2, 15, 0x7b, 0x7f, TO_INFINITY, false},
        {CKPT_DTYPE_F8_E4M3, 3, 7, 0x7e, 0x7f, TO_LAST, false},
        {CKPT_DTYPE_F8_E4M3FNUZ, 3, 8, 0x7f, 0x80, TO_NAN, true},
        {CKPT_DTYPE_F8_E5M2FNUZ, 2, 16, 0x7f, 0x80, TO_NAN, true},
        {CKPT_DTYPE_F16, 10, 15, 0x7bff, 0x7e00, TO_INFINITY, false},
        {CKPT_DTYPE_BF16, 7, 127, 0x7f7f, 0x7fc0, TO_INFINITY, false},
        {CKPT_DTYPE_F32, 23, 127, 0x7f7fffff, 0x7fc00000, TO_INFINITY, false},
};

static const format *format_of(ckpt_dtype dtype)
{
        for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
                if (formats[i].dtype == dtype)
                        return &formats[i];
        return NULL;
}

double reference_decode(ckpt_dtype dtype, uint64_t bits)
{
        const format *f = format_of(dtype);
        double value;
        uint32_t sign_bit, code, exponent;

        if (dtype == CKPT_DTYPE_F64) {
                memcpy(&value, &bits, sizeof(value));
                return value;
        }
        if (dtype == CKPT_DTYPE_F8_E8M0)
                return bits == 0xff ? NAN : ldexp(1, (int)bits - 127);
        sign_bit = 1u << (ckpt_dtype_bits(dtype) - 1);
        if (f->fnuz && bits == sign_bit)
                return NAN;
        code = (uint32_t)bits & (sign_bit - 1);
        if (code > f->last)
                value = f->over == TO_INFINITY && code == f->last + 1 ? INFINITY : NAN;
        else {
                exponent = code >> f->mantissa;
                value = code & ((1u << f->mantissa) - 1);
                if (exponent > 0)
                        value += 1u << f->mantissa;
                value = ldexp(value, (int)(exponent > 0 ? exponent : 1) - f->bias - f->mantissa);
        }
        return bits & sign_bit ? -value : value;
}

/* E8M0 keeps the exponent: up from one and a half, except below the normal floats, where a tie goes down. */
static uint64_t encode_power(double x)
{
        double fraction;
        int exponent;

        if (isnan(x) || isinf(x))
                return 0xff;
        x = fabs(x);
        if (x < ldexp(1, -126))
                return x > ldexp(1, -127);
        fraction = frexp(x, &exponent);
        return (uint64_t)(exponent - 1 + 127 + (fraction >= 0.75));
}

uint64_t reference_encode(ckpt_dtype dtype, double x)
{
        const format *f = format_of(dtype);
        const uint64_t sign = signbit(x) ? UINT64_C(1) << (ckpt_dtype_bits(dtype) - 1) : 0;
        uint64_t code, bits;
        double units;
        int exponent;

        if (dtype == CKPT_DTYPE_F64) {
                memcpy(&bits, &x, sizeof(bits));
                return isnan(x) ? UINT64_C(0x7ff8000000000000) : bits;
        }
        if (dtype == CKPT_DTYPE_F8_E8M0)
                return encode_power((double)(float)x);
        if (isnan(x))
                return f->nan;
        x = fabs((double)(float)x);
        if (isinf(x)) {
                code = f->last + 1u;
        } else {
                (void)frexp(x, &exponent);
                exponent = exponent - 1 + f->bias; /* biased; below 1: subnormal */
                exponent = exponent < 1 || x == 0 ? 1 : exponent;
                units = nearbyint(ldexp(x, f->mantissa + f->bias - exponent));
                code = ((uint64_t)(exponent - 1) << f->mantissa) + (uint64_t)units;
        }
        if (code > f->last)
                return f->over == TO_NAN ? f->nan : (f->over == TO_LAST ? f->last : f->last + 1u) | sign;
        return f->fnuz && code == 0 ? 0 : code | sign;
}

uint64_t reference_load(ckpt_dtype dtype, const void *from)
{
        uint64_t bits = 0;

        memcpy(&bits, from, ckpt_dtype_bits(dtype) / 8);
        return bits;
}

/* One element through a chain. */
uint64_t reference_chain(const ckpt_elementwise *d, uint64_t bits)
{
        ckpt_dtype dtype = d->src_dtype;

        for (uint32_t k = 0; k < d->n_ops; k++) {
                const ckpt_elementwise_op *op = &d->ops[k];
                double x;

                if (op->kind == CKPT_ELEMENTWISE_CAST && op->dtype == dtype)
                        continue;
                if (ckpt_dtype_class_of(dtype) < CKPT_CLASS_FLOAT) {
                        if (ckpt_dtype_class_of(dtype) == CKPT_CLASS_SIGNED &&
                            bits >> (ckpt_dtype_bits(dtype) - 1))
                                bits |= UINT64_MAX << (ckpt_dtype_bits(dtype) - 1);
                        if (ckpt_dtype_bits(op->dtype) < 64)
                                bits &= (UINT64_C(1) << ckpt_dtype_bits(op->dtype)) - 1;
                        dtype = op->dtype;
                        continue;
                }
                x = reference_decode(dtype, bits);
                if (op->kind == CKPT_ELEMENTWISE_ADD_SCALAR)
                        x += dtype == CKPT_DTYPE_F64 ? op->value : (double)(float)op->value;
                else if (op->kind == CKPT_ELEMENTWISE_MUL_SCALAR)
                        x *= dtype == CKPT_DTYPE_F64 ? op->value : (double)(float)op->value;
                dtype = op->dtype;
                bits = reference_encode(dtype, x);
        }
        return bits;
}
