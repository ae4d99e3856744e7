/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_CUDA_CHAIN_CUH
#define CKPT_KERNELS_CUDA_CHAIN_CUH

/*
 * One element through a chain, with the arithmetic from numeric.h: what all other ways to
 * run a chain must agree with.
 */

#include "../numeric.h"
#include "../walk.h"

/* Little-endian bits of one element; byte by byte where the address is odd. */
static __device__ __forceinline__ uint64_t load_bits(const uint8_t *src, int32_t size, bool aligned)
{
        uint64_t bits = 0;

        if (!aligned) {
                for (int32_t i = 0; i < size; i++)
                        bits |= (uint64_t)src[i] << (8 * i);
                return bits;
        }
        switch (size) {
        case 1:
                return *src;
        case 2:
                return *reinterpret_cast<const uint16_t *>(src);
        case 4:
                return *reinterpret_cast<const uint32_t *>(src);
        default:
                return *reinterpret_cast<const uint64_t *>(src);
        }
}

static __device__ __forceinline__ void store_bits(uint8_t *dst, uint64_t bits, int32_t size, bool aligned)
{
        if (!aligned) {
                for (int32_t i = 0; i < size; i++)
                        dst[i] = (uint8_t)(bits >> (8 * i));
                return;
        }
        switch (size) {
        case 1:
                *dst = (uint8_t)bits;
                break;
        case 2:
                *reinterpret_cast<uint16_t *>(dst) = (uint16_t)bits;
                break;
        case 4:
                *reinterpret_cast<uint32_t *>(dst) = (uint32_t)bits;
                break;
        default:
                *reinterpret_cast<uint64_t *>(dst) = bits;
                break;
        }
}

static __device__ __forceinline__ float operate_float(const ckpt_chain_op &op, float x)
{
        const float value = (float)op.value;

        switch (op.kind) {
        case CKPT_ELEMENTWISE_ADD_SCALAR:
                return x + value;
        case CKPT_ELEMENTWISE_MUL_SCALAR:
                return x * value;
        case CKPT_ELEMENTWISE_NEG_EXP:
                return ckpt_neg_exp_float(x);
        default:
                return x;
        }
}

static __device__ __forceinline__ double operate_double(const ckpt_chain_op &op, double x)
{
        if (op.dtype != CKPT_DTYPE_F64 && op.kind != CKPT_ELEMENTWISE_CAST)
                return (double)operate_float(op, (float)x);
        switch (op.kind) {
        case CKPT_ELEMENTWISE_ADD_SCALAR:
                return x + op.value;
        case CKPT_ELEMENTWISE_MUL_SCALAR:
                return x * op.value;
        case CKPT_ELEMENTWISE_NEG_EXP:
                return ckpt_neg_exp_double(x);
        default:
                return x;
        }
}

static __device__ uint64_t chain_float(const ckpt_chain &chain, uint64_t bits)
{
        float x = ckpt_float_decode(chain.src_dtype, (uint32_t)bits);

        for (uint32_t k = 0; k < chain.n_ops; k++) {
                const ckpt_chain_op &op = chain.ops[k];

                x = operate_float(op, x);
                if (k + 1 < chain.n_ops)
                        x = ckpt_float_decode(op.dtype, ckpt_float_encode(op.dtype, x));
        }
        return ckpt_float_encode(chain.dst_dtype, x);
}

static __device__ uint64_t chain_double(const ckpt_chain &chain, uint64_t bits)
{
        double x = chain.src_dtype == CKPT_DTYPE_F64
                           ? ckpt_bits_double(bits)
                           : (double)ckpt_float_decode(chain.src_dtype, (uint32_t)bits);

        for (uint32_t k = 0; k < chain.n_ops; k++) {
                const ckpt_chain_op &op = chain.ops[k];

                x = operate_double(op, x);
                if (op.dtype != CKPT_DTYPE_F64)
                        x = (double)ckpt_float_decode(op.dtype, ckpt_float_encode(op.dtype, (float)x));
        }
        return chain.dst_dtype == CKPT_DTYPE_F64 ? ckpt_f64_encode(x)
                                                 : ckpt_float_encode(chain.dst_dtype, (float)x);
}

#endif
