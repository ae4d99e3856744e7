/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A chain of operations over a block of contiguous elements: decode into an array of
 * floats, doubles or integers, one loop an operation, encode. Each loop is simple enough
 * for the compiler to vectorise; the block stays in the first-level cache between them.
 *
 * Everything is inlined into one body, which is compiled twice: for any processor, and
 * for wider vectors where the processor has them. The results are the same bits.
 */

#include <string.h>

#include "../numeric.h"
#include "cpu.h"

/* The one place that knows a processor. */
#if defined(__x86_64__)
#        define WIDE_TARGET         __attribute__((target("avx2")))
#        define WIDE_IS_SUPPORTED() __builtin_cpu_supports("avx2")
#else
#        define WIDE_TARGET
#        define WIDE_IS_SUPPORTED() 0
#endif

#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define EACH(expression)               \
        for (size_t i = 0; i < n; i++) \
        (expression)

ALWAYS_INLINE void decode_floats(ckpt_dtype dtype, const void *src, float *v, size_t n)
{
        const uint8_t *const u8 = src;
        const ckpt_any_u16 *const u16 = src;

        switch (dtype) {
        case CKPT_DTYPE_F16:
                EACH(v[i] = ckpt_f16_decode(u16[i]));
                break;
        case CKPT_DTYPE_BF16:
                EACH(v[i] = ckpt_bf16_decode(u16[i]));
                break;
        case CKPT_DTYPE_F8_E4M3:
                EACH(v[i] = ckpt_f8_e4m3_decode(u8[i]));
                break;
        case CKPT_DTYPE_F8_E5M2:
                EACH(v[i] = ckpt_f8_e5m2_decode(u8[i]));
                break;
        case CKPT_DTYPE_F8_E4M3FNUZ:
                EACH(v[i] = ckpt_f8_fnuz_decode(u8[i], 3, 8));
                break;
        case CKPT_DTYPE_F8_E5M2FNUZ:
                EACH(v[i] = ckpt_f8_fnuz_decode(u8[i], 2, 16));
                break;
        case CKPT_DTYPE_F8_E8M0:
                EACH(v[i] = ckpt_f8_e8m0_decode(u8[i]));
                break;
        default:
                memcpy(v, src, n * sizeof(*v));
                break;
        }
}

ALWAYS_INLINE void encode_floats(ckpt_dtype dtype, const float *v, void *dst, size_t n)
{
        uint8_t *const u8 = dst;
        ckpt_any_u16 *const u16 = dst;
        ckpt_any_u32 *const u32 = dst;

        switch (dtype) {
        case CKPT_DTYPE_F16:
                EACH(u16[i] = ckpt_f16_encode(v[i]));
                break;
        case CKPT_DTYPE_BF16:
                EACH(u16[i] = ckpt_bf16_encode(v[i]));
                break;
        case CKPT_DTYPE_F8_E4M3:
                EACH(u8[i] = ckpt_f8_e4m3_encode(v[i]));
                break;
        case CKPT_DTYPE_F8_E5M2:
                EACH(u8[i] = ckpt_f8_e5m2_encode(v[i]));
                break;
        case CKPT_DTYPE_F8_E4M3FNUZ:
                EACH(u8[i] = ckpt_f8_fnuz_encode(v[i], 3, 8));
                break;
        case CKPT_DTYPE_F8_E5M2FNUZ:
                EACH(u8[i] = ckpt_f8_fnuz_encode(v[i], 2, 16));
                break;
        case CKPT_DTYPE_F8_E8M0:
                EACH(u8[i] = ckpt_f8_e8m0_encode(v[i]));
                break;
        default:
                EACH(u32[i] = ckpt_f32_encode(v[i]));
                break;
        }
}

/* Before the rounding, which is the encoding's. */
ALWAYS_INLINE void operate_floats(const ckpt_chain_op *op, float *v, size_t n)
{
        const float value = (float)op->value;

        switch (op->kind) {
        case CKPT_ELEMENTWISE_ADD_SCALAR:
                EACH(v[i] = v[i] + value);
                break;
        case CKPT_ELEMENTWISE_MUL_SCALAR:
                EACH(v[i] = v[i] * value);
                break;
        case CKPT_ELEMENTWISE_NEG_EXP:
                EACH(v[i] = ckpt_neg_exp_float(v[i]));
                break;
        default:
                break;
        }
}

ALWAYS_INLINE void run_floats(const ckpt_chain *chain, const void *src, void *dst, size_t n)
{
        float v[CKPT_CPU_BLOCK];
        uint32_t rounded[CKPT_CPU_BLOCK];

        decode_floats(chain->src_dtype, src, v, n);
        for (uint32_t k = 0; k < chain->n_ops; k++) {
                operate_floats(&chain->ops[k], v, n);
                if (k + 1 == chain->n_ops)
                        break;
                encode_floats(chain->ops[k].dtype, v, rounded, n);
                decode_floats(chain->ops[k].dtype, rounded, v, n);
        }
        encode_floats(chain->dst_dtype, v, dst, n);
}

/* Rounds doubles to a dtype, as doubles. A narrow one is reached through float. */
ALWAYS_INLINE void round_doubles(ckpt_dtype dtype, double *v, size_t n)
{
        if (dtype == CKPT_DTYPE_F64)
                return;
        EACH(v[i] = (double)ckpt_float_decode(dtype, ckpt_float_encode(dtype, (float)v[i])));
}

ALWAYS_INLINE void operate_doubles(const ckpt_chain_op *op, double *v, size_t n)
{
        const bool wide = op->dtype == CKPT_DTYPE_F64;
        const float value = (float)op->value;

        switch (op->kind) {
        case CKPT_ELEMENTWISE_ADD_SCALAR:
                EACH(v[i] = wide ? v[i] + op->value : (double)((float)v[i] + value));
                break;
        case CKPT_ELEMENTWISE_MUL_SCALAR:
                EACH(v[i] = wide ? v[i] * op->value : (double)((float)v[i] * value));
                break;
        case CKPT_ELEMENTWISE_NEG_EXP:
                EACH(v[i] = wide ? ckpt_neg_exp_double(v[i]) : (double)ckpt_neg_exp_float((float)v[i]));
                break;
        default:
                break;
        }
}

ALWAYS_INLINE void run_doubles(const ckpt_chain *chain, const void *src, void *dst, size_t n)
{
        ckpt_any_u64 *const u64 = dst;
        double v[CKPT_CPU_BLOCK];
        float narrow[CKPT_CPU_BLOCK];

        if (chain->src_dtype == CKPT_DTYPE_F64) {
                memcpy(v, src, n * sizeof(*v));
        } else {
                decode_floats(chain->src_dtype, src, narrow, n);
                EACH(v[i] = (double)narrow[i]);
        }
        for (uint32_t k = 0; k < chain->n_ops; k++) {
                operate_doubles(&chain->ops[k], v, n);
                round_doubles(chain->ops[k].dtype, v, n);
        }
        if (chain->dst_dtype == CKPT_DTYPE_F64) {
                EACH(u64[i] = ckpt_f64_encode(v[i]));
        } else {
                EACH(narrow[i] = (float)v[i]);
                encode_floats(chain->dst_dtype, narrow, dst, n);
        }
}

/* Widening integer casts: extended once to 64 bits, cut once; what lies between keeps the value. */
ALWAYS_INLINE void run_integers(const ckpt_chain *chain, const void *src, void *dst, size_t n)
{
        const bool is_signed = ckpt_dtype_class_of(chain->src_dtype) == CKPT_CLASS_SIGNED;
        const uint32_t from = ckpt_dtype_bits(chain->src_dtype), to = ckpt_dtype_bits(chain->dst_dtype);
        uint64_t v[CKPT_CPU_BLOCK];

        if (from == 8)
                EACH(v[i] = ((const uint8_t *)src)[i]);
        else if (from == 16)
                EACH(v[i] = ((const ckpt_any_u16 *)src)[i]);
        else
                EACH(v[i] = ((const ckpt_any_u32 *)src)[i]);
        if (is_signed)
                EACH(v[i] = ckpt_sign_extend(v[i], from));
        if (to == 16)
                EACH(((ckpt_any_u16 *)dst)[i] = (uint16_t)v[i]);
        else if (to == 32)
                EACH(((ckpt_any_u32 *)dst)[i] = (uint32_t)v[i]);
        else
                EACH(((ckpt_any_u64 *)dst)[i] = v[i]);
}

ALWAYS_INLINE void run_chain(const ckpt_chain *chain, const void *src, void *dst, size_t n)
{
        if (chain->domain == CKPT_DOMAIN_FLOAT)
                run_floats(chain, src, dst, n);
        else if (chain->domain == CKPT_DOMAIN_DOUBLE)
                run_doubles(chain, src, dst, n);
        else
                run_integers(chain, src, dst, n);
}

void ckpt_cpu_chain_run_plain(const ckpt_chain *chain, const void *src, void *dst, size_t n)
{
        run_chain(chain, src, dst, n);
}

WIDE_TARGET static void run_wide(const ckpt_chain *chain, const void *src, void *dst, size_t n)
{
        run_chain(chain, src, dst, n);
}

ckpt_cpu_chain_run ckpt_cpu_chain_best(void)
{
        return WIDE_IS_SUPPORTED() ? run_wide : ckpt_cpu_chain_run_plain;
}
