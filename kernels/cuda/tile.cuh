/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_KERNELS_CUDA_TILE_CUH
#define CKPT_KERNELS_CUDA_TILE_CUH

/*
 * Tiles of a transpose
 *
 * A tile is read along the source's rows, held in shared memory, and written along the
 * destination's rows, in words. Elements of one or two bytes travel four or two to a word
 * where the whole tensor allows it: K words of as many neighbouring rows become K words of
 * neighbouring columns, in registers, on their way out.
 */

#include "batch.cuh"

/** A block as lanes along a row and lines of them. */
#define LANES 32
#define LINES (BATCH_THREADS / LANES)

/** Everything in words of K elements: `rows` along the destination, `cols` along the source. */
struct transposition {
        uint8_t *dst;
        const uint8_t *src;
        int64_t rows, cols;
        int64_t src_batch, src_row, dst_batch, dst_row;
        int64_t row_tiles, col_tiles, tiles;
};

/*
 * WORDS of them along both sides, which fill whole cache lines. Rows in shared memory are a
 * little longer, and those that meet in one word lie apart, so that the threads that read a
 * column of words meet different banks.
 */
template <typename Word, int K> struct tile {
        static constexpr int WORDS = K == 1 && sizeof(Word) <= 4 ? 64 : 32;
        static constexpr int PAD = sizeof(Word) < 4 ? 4 / (int)sizeof(Word) : 1;

        Word held[K][WORDS][WORDS + PAD];
};

/** What one thread brings of a tile: every LINES-th row of elements, every LANES-th word of it. */
template <typename Word, int K> struct share {
        static constexpr int ROWS = tile<Word, K>::WORDS * K / LINES;
        static constexpr int COLS = tile<Word, K>::WORDS / LANES;

        Word words[ROWS][COLS];
};

/** Where a tile begins, and how many words of it the tensor has. */
template <typename Word> struct corner {
        Word *dst;
        const Word *src;
        int rows, cols;
};

template <typename Word, int K>
static __device__ __forceinline__ corner<Word> corner_of(const transposition &t, int64_t at)
{
        constexpr int WORDS = tile<Word, K>::WORDS;
        int64_t row, col;
        const int64_t n = divide(divide(at, t.col_tiles, &col), t.row_tiles, &row);
        corner<Word> c;

        row *= WORDS;
        col *= WORDS;
        c.dst = reinterpret_cast<Word *>(t.dst) + n * t.dst_batch + col * K * t.dst_row + row;
        c.src = reinterpret_cast<const Word *>(t.src) + n * t.src_batch + row * K * t.src_row + col;
        c.rows = (int)(t.rows - row < WORDS ? t.rows - row : WORDS);
        c.cols = (int)(t.cols - col < WORDS ? t.cols - col : WORDS);
        return c;
}

/* All loads of a thread before the first is used: that is what keeps the memory busy. */
template <typename Word, int K>
static __device__ __forceinline__ void read_share(const corner<Word> &c, int64_t src_row, int line, int lane,
                                                  share<Word, K> *ret)
{
        const Word *src = c.src + line * src_row + lane;

#pragma unroll
        for (int i = 0; i < share<Word, K>::ROWS; i++) {
#pragma unroll
                for (int k = 0; k < share<Word, K>::COLS; k++) {
                        ret->words[i][k] = Word{};
                        if (line + i * LINES < c.rows * K && lane + k * LANES < c.cols)
                                ret->words[i][k] = src[k * LANES];
                }
                src += LINES * src_row;
        }
}

template <typename Word, int K>
static __device__ __forceinline__ void hold_share(const share<Word, K> &from, int line, int lane,
                                                  tile<Word, K> *to)
{
#pragma unroll
        for (int i = 0; i < share<Word, K>::ROWS; i++)
#pragma unroll
                for (int k = 0; k < share<Word, K>::COLS; k++)
                        to->held[line % K][line / K + i * (LINES / K)][lane + k * LANES] = from.words[i][k];
}

/* K words of K elements each, rows become columns. */
template <typename Word> static __device__ __forceinline__ void turn(Word (&)[1])
{
}

static __device__ __forceinline__ void turn(uint32_t (&w)[2])
{
        const uint32_t first = __byte_perm(w[0], w[1], 0x5410), second = __byte_perm(w[0], w[1], 0x7632);

        w[0] = first;
        w[1] = second;
}

static __device__ __forceinline__ void turn(uint32_t (&w)[4])
{
        uint32_t low[2] = {__byte_perm(w[0], w[1], 0x5140), __byte_perm(w[2], w[3], 0x5140)};
        uint32_t high[2] = {__byte_perm(w[0], w[1], 0x7362), __byte_perm(w[2], w[3], 0x7362)};

        turn(low);
        turn(high);
        w[0] = low[0];
        w[1] = low[1];
        w[2] = high[0];
        w[3] = high[1];
}

/* Along the destination: a thread's lane is its row there, its line the column of words. */
template <typename Word, int K>
static __device__ __forceinline__ void write_share(const corner<Word> &c, int64_t dst_row, int line, int lane,
                                                   const tile<Word, K> &from)
{
        Word *dst = c.dst + line * K * dst_row + lane;

#pragma unroll
        for (int i = 0; i < tile<Word, K>::WORDS / LINES; i++) {
#pragma unroll
                for (int k = 0; k < tile<Word, K>::WORDS / LANES; k++) {
                        Word w[K];

                        if (line + i * LINES >= c.cols || lane + k * LANES >= c.rows)
                                continue;
#pragma unroll
                        for (int j = 0; j < K; j++)
                                w[j] = from.held[j][lane + k * LANES][line + i * LINES];
                        turn(w);
#pragma unroll
                        for (int j = 0; j < K; j++)
                                dst[j * dst_row + k * LANES] = w[j];
                }
                dst += LINES * K * dst_row;
        }
}

#endif
