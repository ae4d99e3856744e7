/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_CUDA_GROUPS_CUH
#define CKPT_KERNELS_CUDA_GROUPS_CUH

/*
 * Groups of neighbouring elements that travel as one word of up to 16 bytes. A thread
 * holds U groups of V elements; every loop over them is unrolled, and a switch over the
 * dtype stands outside of it.
 */

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <nv/target>

#include "../numeric.h"
#include "../walk.h"

/* A group's bytes, at most 16, as words; the address is aligned to their number. */
static __device__ __forceinline__ uint4 load_group(const uint8_t *src, int bytes)
{
        uint4 w = {0, 0, 0, 0};

        if (bytes == 16) {
                w = *reinterpret_cast<const uint4 *>(src);
        } else if (bytes == 8) {
                const uint2 half = *reinterpret_cast<const uint2 *>(src);

                w.x = half.x;
                w.y = half.y;
        } else if (bytes == 4) {
                w.x = *reinterpret_cast<const uint32_t *>(src);
        } else if (bytes == 2) {
                w.x = *reinterpret_cast<const uint16_t *>(src);
        } else {
                w.x = *src;
        }
        return w;
}

static __device__ __forceinline__ void store_group(uint8_t *dst, const uint4 &w, int bytes)
{
        if (bytes == 16)
                *reinterpret_cast<uint4 *>(dst) = w;
        else if (bytes == 8)
                *reinterpret_cast<uint2 *>(dst) = uint2{w.x, w.y};
        else if (bytes == 4)
                *reinterpret_cast<uint32_t *>(dst) = w.x;
        else if (bytes == 2)
                *reinterpret_cast<uint16_t *>(dst) = (uint16_t)w.x;
        else
                *dst = (uint8_t)w.x;
}

/* Element i of a group; i and SIZE are constants once unrolled, so no array is indexed at run time. */
template <int SIZE> static __device__ __forceinline__ uint32_t group_get(const uint4 &w, int i)
{
        const int word = i * SIZE / 4, shift = i * SIZE % 4 * 8;
        const uint32_t all = word == 0 ? w.x : (word == 1 ? w.y : (word == 2 ? w.z : w.w));

        return SIZE == 4 ? all : (all >> shift) & ((1u << (8 * SIZE % 32)) - 1u);
}

template <int SIZE> static __device__ __forceinline__ void group_put(uint4 *w, int i, uint32_t bits)
{
        const int word = i * SIZE / 4, shift = i * SIZE % 4 * 8;
        uint32_t *const all = word == 0 ? &w->x : (word == 1 ? &w->y : (word == 2 ? &w->z : &w->w));

        *all |= bits << shift;
}

/* A group of codes, each replaced by what the table has for it. */
template <typename T, int V>
static __device__ __forceinline__ uint4 look_up_group(const T *table, const uint4 &codes)
{
        uint4 found = {0, 0, 0, 0};

#pragma unroll
        for (int i = 0; i < V; i++)
                group_put<sizeof(T)>(&found, i, table[group_get<1>(codes, i)]);
        return found;
}

/*
 * By the processor, where it knows the two formats. It ends at their largest number; E5M2
 * has an infinity, which begins half a unit beyond.
 */
template <ckpt_dtype DTYPE> static __device__ __forceinline__ uint32_t f8_convert(float x)
{
        constexpr __nv_fp8_interpretation_t format = DTYPE == CKPT_DTYPE_F8_E4M3 ? __NV_E4M3 : __NV_E5M2;
        const uint32_t code = __nv_cvt_float_to_fp8(x, __NV_SATFINITE, format);
        const bool is_past = DTYPE == CKPT_DTYPE_F8_E5M2 && fabsf(x) >= 61440.0f;

        return x != x ? CKPT_NAN_F8 : (is_past ? (code & 0x80u) | 0x7cu : code);
}

template <ckpt_dtype DTYPE> static __device__ __forceinline__ uint32_t f8_encode(float x)
{
        NV_IF_ELSE_TARGET(NV_PROVIDES_SM_89, (return f8_convert<DTYPE>(x);),
                          (return ckpt_float_encode(DTYPE, x);))
}

/*
 * What ckpt_float_decode and ckpt_float_encode give. F16 and BF16 are converted by the
 * processor: to nearest even, subnormals included, IEEE 754 leaves it no other result. The
 * bits of a NaN it does leave open; they are settled when encoding.
 */
template <ckpt_dtype DTYPE> static __device__ __forceinline__ float group_decode(uint32_t bits)
{
        if constexpr (DTYPE == CKPT_DTYPE_F16)
                return __half2float(__ushort_as_half((uint16_t)bits));
        else
                return ckpt_float_decode(DTYPE, bits);
}

template <ckpt_dtype DTYPE> static __device__ __forceinline__ uint32_t group_encode(float x)
{
        if constexpr (DTYPE == CKPT_DTYPE_F16)
                return x != x ? CKPT_NAN_F16 : __half_as_ushort(__float2half_rn(x));
        else if constexpr (DTYPE == CKPT_DTYPE_BF16)
                return x != x ? CKPT_NAN_BF16 : __bfloat16_as_ushort(__float2bfloat16_rn(x));
        else if constexpr (DTYPE == CKPT_DTYPE_F8_E4M3 || DTYPE == CKPT_DTYPE_F8_E5M2)
                return f8_encode<DTYPE>(x);
        else
                return ckpt_float_encode(DTYPE, x);
}

#define EACH_OF_GROUP(statement)                                                                    \
        _Pragma("unroll") for (int u = 0; u < U; u++) _Pragma("unroll") for (int i = 0; i < V; i++) \
        {                                                                                           \
                statement;                                                                          \
        }

#define DECODE_GROUPS(dtype_case, size)                                                     \
case dtype_case:                                                                            \
        if (V * (size) <= 16)                                                               \
                EACH_OF_GROUP(v[u][i] = group_decode<dtype_case>(group_get<size>(w[u], i))) \
        break

#define ENCODE_GROUPS(dtype_case, size)                                                     \
case dtype_case:                                                                            \
        if (V * (size) <= 16)                                                               \
                EACH_OF_GROUP(group_put<size>(&w[u], i, group_encode<dtype_case>(v[u][i]))) \
        break

#define ROUND_GROUPS(dtype_case)                                                             \
case dtype_case:                                                                             \
        EACH_OF_GROUP(v[u][i] = group_decode<dtype_case>(group_encode<dtype_case>(v[u][i]))) \
        break

template <int U, int V>
static __device__ __forceinline__ void decode_groups(ckpt_dtype dtype, const uint4 (&w)[U], float (&v)[U][V])
{
        switch (dtype) {
                DECODE_GROUPS(CKPT_DTYPE_F32, 4);
                DECODE_GROUPS(CKPT_DTYPE_F16, 2);
                DECODE_GROUPS(CKPT_DTYPE_BF16, 2);
        default:
                break; /* the host sends no other type here: 8 bits are looked up */
        }
}

template <int U, int V>
static __device__ __forceinline__ void encode_groups(ckpt_dtype dtype, const float (&v)[U][V], uint4 (&w)[U])
{
#pragma unroll
        for (int u = 0; u < U; u++)
                w[u] = uint4{0, 0, 0, 0};
        switch (dtype) {
                ENCODE_GROUPS(CKPT_DTYPE_F32, 4);
                ENCODE_GROUPS(CKPT_DTYPE_F16, 2);
                ENCODE_GROUPS(CKPT_DTYPE_BF16, 2);
                ENCODE_GROUPS(CKPT_DTYPE_F8_E4M3, 1);
                ENCODE_GROUPS(CKPT_DTYPE_F8_E5M2, 1);
                ENCODE_GROUPS(CKPT_DTYPE_F8_E8M0, 1);
                ENCODE_GROUPS(CKPT_DTYPE_F8_E4M3FNUZ, 1);
        default:
                EACH_OF_GROUP(group_put<1>(&w[u], i, ckpt_f8_fnuz_encode(v[u][i], 2, 16)))
                break;
        }
}

/* One operation with its rounding, but for the last: that is rounded by the encoding. */
template <int U, int V>
static __device__ __forceinline__ void operate_groups(const ckpt_chain_op &op, bool last, float (&v)[U][V])
{
        const float value = (float)op.value;

        if (op.kind == CKPT_ELEMENTWISE_ADD_SCALAR)
                EACH_OF_GROUP(v[u][i] = v[u][i] + value)
        else if (op.kind == CKPT_ELEMENTWISE_MUL_SCALAR)
                EACH_OF_GROUP(v[u][i] = v[u][i] * value)
        if (last)
                return;
        switch (op.dtype) {
                ROUND_GROUPS(CKPT_DTYPE_F16);
                ROUND_GROUPS(CKPT_DTYPE_BF16);
        default:
                break; /* a float already; the host sends no other type here */
        }
}

#endif
