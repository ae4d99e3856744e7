/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as files have them: little endian, at any address. */
#ifndef HF_BYTES_H
#define HF_BYTES_H

#include <stdint.h>

static inline uint32_t hf_le16(const unsigned char *at)
{
        return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static inline uint32_t hf_le32(const unsigned char *at)
{
        return hf_le16(at) | hf_le16(at + 2) << 16;
}

static inline uint64_t hf_le64(const unsigned char *at)
{
        return hf_le32(at) | (uint64_t)hf_le32(at + 4) << 32;
}

#endif
