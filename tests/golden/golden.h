/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_TEST_GOLDEN_H
#define CKPT_TEST_GOLDEN_H

/*
 * Goldens: what PyTorch makes of the fixtures, and what a load made of them
 *
 * A golden is one fixture under one mapping: the lines of its expected/CASE.tsv. They are numbered
 * model by model, so that a loop test can walk them. Every failure names fixture, case and tensor.
 * The program says on which device everything runs, so that CPU and CUDA pass through the very same
 * code.
 */

#include <check.h>

#include <ckpt/ckpt.h>

#define GOLDEN_MODELS   18
#define GOLDEN_CASES    11
/* One, two and four tensor-parallel ranks. */
#define GOLDEN_TP_CASES 7
#define GOLDEN_RANK     8

/** Which part of the model one process holds. */
typedef struct golden_case {
        const char *name;
        int32_t tp_size, tp_rank, pp_size, pp_rank, attention_dp;
} golden_case;

/** A tensor that must be there. */
typedef struct golden_line {
        char name[160];
        ckpt_dtype dtype;
        uint32_t rank;
        int64_t shape[GOLDEN_RANK];
        uint64_t size;
        uint8_t digest[16];
} golden_line;

typedef struct golden {
        const char *model;
        const golden_case *mapping;
        char directory[512]; /* of the checkpoint, or the file that is one */
        golden_line *lines;  /* sorted by name */
        uint64_t count;
} golden;

/** The device that this program tests: "cpu" or "cuda:0". Each program defines it. */
const char *golden_device(void);

/** A fixture's name; `model` is below GOLDEN_MODELS. */
const char *golden_model_name(int model);
/** Whether its weights are torch files, which the tests' own reader (checkpoint.h) cannot read. */
bool golden_model_is_torch(int model);
/** A mapping; `number` is below GOLDEN_CASES. The first GOLDEN_TP_CASES are those without pipeline stages. */
const golden_case *golden_case_at(int number);
/** Whether its architecture is one of Gemma 3's. */
bool golden_is_gemma(const golden *g);
/** Whether it has a vision tower. */
bool golden_is_multimodal(const golden *g);

/** Reads golden `number`: the model's number * GOLDEN_CASES + the case's. */
void golden_init(golden *g, int number);
void golden_deinit(golden *g);
/** The lines of a file such as expected/CASE.tsv; free() them. */
golden_line *golden_read_lines(const char *path, uint64_t *ret_count);
/** The tensors that the files of a torch model hold, before any mapping; free() them. */
golden_line *golden_read_weights(const golden *g, uint64_t *ret_count);
/** NULL when there is no such tensor. */
const golden_line *golden_find(const golden *g, const char *name);

/** An environment variable that the build sets; fails the test without it. */
const char *golden_place(const char *variable);
/** A host with the stock plugins. */
ckpt_host *golden_host(void);
/** Options for the golden's mapping, on the program's device, with digests. */
ckpt_load_options golden_options(const golden *g);
/**
 * The configuration's text, the text model's keys mirrored at the top as ckpt/config.h has them;
 * free() it.
 */
char *golden_config_text(const golden *g);

/** Fails the test with everything that the load has recorded unless `status` is 0. */
void golden_check(const golden *g, const ckpt_load *load, ckpt_status status, const char *call);
#define GOLDEN_OK(g, load, call) golden_check((g), (load), (call), #call)

/** XXH3-128 in canonical byte order. */
void golden_digest(const void *bytes, uint64_t size, uint8_t ret_digest[16]);
/**
 * The model is the golden: the same names both ways, dtype, shape, and digest: the load's, and one
 * made here from the bytes. A skipped parameter may only be the tied lm_head, and must have no
 * data.
 */
void golden_compare(const golden *g, const ckpt_model *model);
/** Runs what is left of the load and compares what it made. */
void golden_run(const golden *g, ckpt_load *load);

#endif
