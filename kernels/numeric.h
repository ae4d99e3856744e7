/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_NUMERIC_H
#define CKPT_KERNELS_NUMERIC_H

/*
 * The arithmetic that every backend shares
 *
 * Conversions between floats and the bits of the smaller formats, and the few
 * operations on elements, in plain C that a C compiler and nvcc translate alike: the
 * CPU and the GPU compute the same bits because they compile the same lines. (Where a
 * GPU converts by itself, the tests say that it gives the same: cuda/groups.cuh.) Both
 * must be told not to contract a * b + c (-ffp-contract=off, -fmad=false).
 *
 * Every conversion rounds to nearest even and gives what PyTorch gives. What overflows
 * becomes infinity where the format has one; F8_E4M3 saturates, as PyTorch does since
 * 2.15 (before that it gave NaN), and the FNUZ formats give NaN. All narrow formats are
 * reached through float, a double is rounded to float first: PyTorch does so too.
 *
 * A scalar added to or multiplied with a half or a bfloat16 is rounded to float, the
 * result once to the format. PyTorch's CPU addition alone rounds the scalar to the
 * format before that, which differs where the format does not have the scalar.
 *
 * A NaN that is computed or converted is one pattern per format, with no sign:
 *
 *     F64 0x7ff8000000000000   F32 0x7fc00000   F16 0x7e00   BF16 0x7fc0
 *     F8_E4M3 0x7f   F8_E5M2 0x7f   F8_E4M3FNUZ 0x80   F8_E5M2FNUZ 0x80   F8_E8M0 0xff
 *
 * The functions are written without branches, so that loops over them vectorise.
 */

#include <stdint.h>

#include <ckpt/dtype.h>

#ifdef __CUDACC__
#        define CKPT_NUMERIC static __host__ __device__ __forceinline__
#else
#        define CKPT_NUMERIC static inline __attribute__((always_inline))
#endif

#define CKPT_NAN_F64     UINT64_C(0x7ff8000000000000)
#define CKPT_NAN_F32     0x7fc00000u
#define CKPT_NAN_F16     0x7e00u
#define CKPT_NAN_BF16    0x7fc0u
#define CKPT_NAN_F8      0x7fu
#define CKPT_NAN_F8_FNUZ 0x80u
#define CKPT_NAN_E8M0    0xffu

#define CKPT_F32_INFINITY  0x7f800000u
#define CKPT_F32_MAGNITUDE 0x7fffffffu

CKPT_NUMERIC uint32_t ckpt_float_bits(float x)
{
        union {
                float f;
                uint32_t u;
        } pun;

        pun.f = x;
        return pun.u;
}

CKPT_NUMERIC float ckpt_bits_float(uint32_t bits)
{
        union {
                uint32_t u;
                float f;
        } pun;

        pun.u = bits;
        return pun.f;
}

CKPT_NUMERIC uint64_t ckpt_double_bits(double x)
{
        union {
                double f;
                uint64_t u;
        } pun;

        pun.f = x;
        return pun.u;
}

CKPT_NUMERIC double ckpt_bits_double(uint64_t bits)
{
        union {
                uint64_t u;
                double f;
        } pun;

        pun.u = bits;
        return pun.f;
}

/*
 * The code, sign excluded, of a float's magnitude in a format with `mantissa` bits and
 * this exponent bias. Where the format has no such number the code is larger than its
 * last finite one; the caller knows which that is.
 *
 * Normal results: subtract the difference of the biases, add just under half a unit (and
 * one more if the unit is odd: ties go to even), cut. Subnormal results: add a power of
 * two whose last bit is the format's smallest number, and let the adder round.
 */
CKPT_NUMERIC uint32_t ckpt_magnitude_encode(uint32_t magnitude, uint32_t mantissa, uint32_t bias)
{
        const uint32_t shift = 23u - mantissa;
        const uint32_t magic = (128u - bias + shift) << 23;
        const uint32_t half = (1u << (shift - 1)) - 1u + ((magnitude >> shift) & 1u);
        const uint32_t normal = (magnitude - ((127u - bias) << 23) + half) >> shift;
        const uint32_t subnormal =
                ckpt_float_bits(ckpt_bits_float(magnitude) + ckpt_bits_float(magic)) - magic;

        return magnitude < (128u - bias) << 23 ? subnormal : normal;
}

/* The inverse, for a finite code: float bits without the sign. */
CKPT_NUMERIC uint32_t ckpt_magnitude_decode(uint32_t code, uint32_t mantissa, uint32_t bias)
{
        const uint32_t wide = code << (23u - mantissa);
        const uint32_t magic = (128u - bias) << 23;
        const uint32_t normal = wide + ((127u - bias) << 23);
        const uint32_t subnormal = ckpt_float_bits(ckpt_bits_float(wide + magic) - ckpt_bits_float(magic));

        return wide < 1u << 23 ? subnormal : normal;
}

/* Bits of a signed integer of `bits` bits, extended to 64. */
CKPT_NUMERIC uint64_t ckpt_sign_extend(uint64_t value, uint32_t bits)
{
        const uint64_t sign = UINT64_C(1) << (bits - 1);

        return (value ^ sign) - sign;
}

CKPT_NUMERIC uint32_t ckpt_f32_encode(float x)
{
        const uint32_t bits = ckpt_float_bits(x);

        return (bits & CKPT_F32_MAGNITUDE) > CKPT_F32_INFINITY ? CKPT_NAN_F32 : bits;
}

CKPT_NUMERIC uint64_t ckpt_f64_encode(double x)
{
        const uint64_t bits = ckpt_double_bits(x);

        return (bits & INT64_MAX) > UINT64_C(0x7ff0000000000000) ? CKPT_NAN_F64 : bits;
}

CKPT_NUMERIC uint16_t ckpt_bf16_encode(float x)
{
        const uint32_t bits = ckpt_float_bits(x);
        const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;

        return (uint16_t)((bits & CKPT_F32_MAGNITUDE) > CKPT_F32_INFINITY ? CKPT_NAN_BF16 : rounded);
}

CKPT_NUMERIC float ckpt_bf16_decode(uint16_t code)
{
        return ckpt_bits_float((uint32_t)code << 16);
}

CKPT_NUMERIC uint16_t ckpt_f16_encode(float x)
{
        const uint32_t bits = ckpt_float_bits(x);
        const uint32_t magnitude = bits & CKPT_F32_MAGNITUDE;
        const uint32_t code = ckpt_magnitude_encode(magnitude, 10, 15);
        const uint32_t bounded = code > 0x7bffu ? 0x7c00u : code;
        const uint32_t sign = (bits >> 16) & 0x8000u;

        return (uint16_t)(magnitude > CKPT_F32_INFINITY ? CKPT_NAN_F16 : bounded | sign);
}

CKPT_NUMERIC float ckpt_f16_decode(uint16_t code)
{
        const uint32_t magnitude = code & 0x7fffu;
        const uint32_t finite = ckpt_magnitude_decode(magnitude, 10, 15);
        const uint32_t special = magnitude == 0x7c00u ? CKPT_F32_INFINITY : CKPT_NAN_F32;
        const uint32_t sign = ((uint32_t)code & 0x8000u) << 16;

        return ckpt_bits_float((magnitude >= 0x7c00u ? special : finite) | sign);
}

/* E4M3 ("fn") has no infinity: what is larger than its largest number, infinity too, becomes that. */
CKPT_NUMERIC uint8_t ckpt_f8_e4m3_encode(float x)
{
        const uint32_t bits = ckpt_float_bits(x);
        const uint32_t magnitude = bits & CKPT_F32_MAGNITUDE;
        const uint32_t code = ckpt_magnitude_encode(magnitude, 3, 7);
        const uint32_t bounded = code > 0x7eu ? 0x7eu : code;

        return (uint8_t)(magnitude > CKPT_F32_INFINITY ? CKPT_NAN_F8 : bounded | ((bits >> 24) & 0x80u));
}

CKPT_NUMERIC float ckpt_f8_e4m3_decode(uint8_t code)
{
        const uint32_t magnitude = code & 0x7fu;
        const uint32_t finite = ckpt_magnitude_decode(magnitude, 3, 7);

        return ckpt_bits_float((magnitude == 0x7fu ? CKPT_NAN_F32 : finite) | ((uint32_t)code & 0x80u) << 24);
}

CKPT_NUMERIC uint8_t ckpt_f8_e5m2_encode(float x)
{
        const uint32_t bits = ckpt_float_bits(x);
        const uint32_t magnitude = bits & CKPT_F32_MAGNITUDE;
        const uint32_t code = ckpt_magnitude_encode(magnitude, 2, 15);
        const uint32_t bounded = code > 0x7bu ? 0x7cu : code;

        return (uint8_t)(magnitude > CKPT_F32_INFINITY ? CKPT_NAN_F8 : bounded | ((bits >> 24) & 0x80u));
}

CKPT_NUMERIC float ckpt_f8_e5m2_decode(uint8_t code)
{
        return ckpt_f16_decode((uint16_t)((uint32_t)code << 8));
}

/* FNUZ: no infinity, no negative zero; the code of the latter is the only NaN. */
CKPT_NUMERIC uint8_t ckpt_f8_fnuz_encode(float x, uint32_t mantissa, uint32_t bias)
{
        const uint32_t bits = ckpt_float_bits(x);
        const uint32_t code = ckpt_magnitude_encode(bits & CKPT_F32_MAGNITUDE, mantissa, bias);
        const uint32_t sign = code == 0 ? 0 : (bits >> 24) & 0x80u;

        return (uint8_t)(code > 0x7fu ? CKPT_NAN_F8_FNUZ : code | sign);
}

CKPT_NUMERIC float ckpt_f8_fnuz_decode(uint8_t code, uint32_t mantissa, uint32_t bias)
{
        const uint32_t finite = ckpt_magnitude_decode(code & 0x7fu, mantissa, bias);
        const uint32_t sign = ((uint32_t)code & 0x80u) << 24;

        return ckpt_bits_float(code == CKPT_NAN_F8_FNUZ ? CKPT_NAN_F32 : finite | sign);
}

/*
 * E8M0 is an exponent alone. The sign is dropped and zero becomes the smallest power.
 * The implied leading one counts as the last bit kept, so a tie goes up for a normal
 * float and down for a subnormal one.
 */
CKPT_NUMERIC uint8_t ckpt_f8_e8m0_encode(float x)
{
        const uint32_t bits = ckpt_float_bits(x);
        const uint32_t exponent = (bits >> 23) & 0xffu;
        const uint32_t fraction = bits & 0x7fffffu;
        const uint32_t up = exponent > 0 ? fraction >= 0x400000u : fraction > 0x400000u;

        return (uint8_t)(exponent == 0xffu ? CKPT_NAN_E8M0 : exponent + up);
}

CKPT_NUMERIC float ckpt_f8_e8m0_decode(uint8_t code)
{
        const uint32_t power = code == 0 ? 0x00400000u : (uint32_t)code << 23;

        return ckpt_bits_float(code == CKPT_NAN_E8M0 ? CKPT_NAN_F32 : power);
}

/* Bits of a float in any whole-byte format of at most 32 bits, rounded once. */
CKPT_NUMERIC uint32_t ckpt_float_encode(ckpt_dtype dtype, float x)
{
        switch (dtype) {
        case CKPT_DTYPE_F16:
                return ckpt_f16_encode(x);
        case CKPT_DTYPE_BF16:
                return ckpt_bf16_encode(x);
        case CKPT_DTYPE_F8_E4M3:
                return ckpt_f8_e4m3_encode(x);
        case CKPT_DTYPE_F8_E5M2:
                return ckpt_f8_e5m2_encode(x);
        case CKPT_DTYPE_F8_E4M3FNUZ:
                return ckpt_f8_fnuz_encode(x, 3, 8);
        case CKPT_DTYPE_F8_E5M2FNUZ:
                return ckpt_f8_fnuz_encode(x, 2, 16);
        case CKPT_DTYPE_F8_E8M0:
                return ckpt_f8_e8m0_encode(x);
        default:
                return ckpt_f32_encode(x);
        }
}

/* The float that such bits mean; exact. */
CKPT_NUMERIC float ckpt_float_decode(ckpt_dtype dtype, uint32_t bits)
{
        switch (dtype) {
        case CKPT_DTYPE_F16:
                return ckpt_f16_decode((uint16_t)bits);
        case CKPT_DTYPE_BF16:
                return ckpt_bf16_decode((uint16_t)bits);
        case CKPT_DTYPE_F8_E4M3:
                return ckpt_f8_e4m3_decode((uint8_t)bits);
        case CKPT_DTYPE_F8_E5M2:
                return ckpt_f8_e5m2_decode((uint8_t)bits);
        case CKPT_DTYPE_F8_E4M3FNUZ:
                return ckpt_f8_fnuz_decode((uint8_t)bits, 3, 8);
        case CKPT_DTYPE_F8_E5M2FNUZ:
                return ckpt_f8_fnuz_decode((uint8_t)bits, 2, 16);
        case CKPT_DTYPE_F8_E8M0:
                return ckpt_f8_e8m0_decode((uint8_t)bits);
        default:
                return ckpt_bits_float(bits);
        }
}

/*
 * exp(x) to about 0.55 units in the last place, by the same additions and products
 * everywhere. x = k ln 2 + r with |r| <= ln 2 / 2; ln 2 is split so that k times its
 * high part is exact. The series for exp(r) is summed as 1 + r, whose rounding error is
 * kept and added to the small rest. 2^k is applied in two halves: it may be subnormal.
 */
CKPT_NUMERIC double ckpt_exp(double x)
{
        const double shift = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to an integer */
        const double bounded = x > 720.0 ? 720.0 : (x < -760.0 ? -760.0 : x);
        const double shifted = bounded * 1.4426950408889634 + shift;
        const double k = shifted - shift;
        const double high = bounded - k * 6.93147180369123816490e-01;
        const double low = k * 1.90821492927058770002e-10;
        const double r = high - low;
        const double r_rest = (high - r) - low;
        const double one_r = 1.0 + r;
        const double one_r_rest = r - (one_r - 1.0);
        const int64_t power = x == x ? (int64_t)k : 0;
        const int64_t half = power >> 1;
        double p = 1.1470745597729725e-11; /* 1/14!, then 1/13! ... 1/2! */

        p = p * r + 1.6059043836821613e-10;
        p = p * r + 2.0876756987868100e-09;
        p = p * r + 2.5052108385441720e-08;
        p = p * r + 2.7557319223985888e-07;
        p = p * r + 2.7557319223985893e-06;
        p = p * r + 2.4801587301587302e-05;
        p = p * r + 1.9841269841269841e-04;
        p = p * r + 1.3888888888888889e-03;
        p = p * r + 8.3333333333333333e-03;
        p = p * r + 4.1666666666666664e-02;
        p = p * r + 1.6666666666666666e-01;
        p = p * r + 0.5;
        p = one_r + (one_r_rest + (r_rest * one_r + p * (r * r)));
        p = p * ckpt_bits_double((uint64_t)(half + 1023) << 52);
        p = p * ckpt_bits_double((uint64_t)(power - half + 1023) << 52);
        return x == x ? p : x;
}

/* -exp(x) of a float: through double, so it is rounded correctly but for the rarest ties. */
CKPT_NUMERIC float ckpt_neg_exp_float(float x)
{
        return (float)-ckpt_exp((double)x);
}

CKPT_NUMERIC double ckpt_neg_exp_double(double x)
{
        return -ckpt_exp(x);
}

#endif
