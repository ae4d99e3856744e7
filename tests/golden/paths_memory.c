/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Weights in memory: a state dictionary as PyTorch has it, the tied lm_head with it, and no path at all
 */

#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "golden.h"
#include "paths.h"
#include "target.h"

/* One tensor's memory, and how often it was given back. */
typedef struct lent {
        const test_target *target; /* NULL: memory of the checkpoint */
        void *memory;
        uint64_t size;
        int released;
} lent;

static void release(void *context, void *memory)
{
        lent *l = context;

        ck_assert_ptr_eq(memory, l->memory);
        l->released++;
        if (l->target)
                target_free(l->target, memory, l->size);
}

/* What the model calls its output layer, under the names of this layout. */
static const char *head_name(const golden *g)
{
        const bool below = golden_is_multimodal(g) && strcmp(g->model, "gemma3-vlm-new") != 0;

        return below ? "language_model.lm_head.weight" : "lm_head.weight";
}

static void add(ckpt_weights *weights, const char *name, const checkpoint_tensor *tensor,
                const test_target *t, lent *l)
{
        union {
                const void *constant;
                void *memory;
        } data = {.constant = tensor->data};

        *l = (lent){.target = t, .memory = data.memory, .size = tensor->size};
        if (t) {
                l->memory = target_alloc(t, tensor->size);
                target_write(t, l->memory, tensor->data, tensor->size);
        }
        ck_assert_int_eq(ckpt_weights_add_memory(weights, name, tensor->dtype, tensor->rank, tensor->shape,
                                                 NULL, l->memory, t ? golden_device() : NULL, release, l),
                         CKPT_OK);
}

static ckpt_weights *state_dictionary(ckpt_host *host, const golden *g, const checkpoint *c,
                                      const test_target *t, lent *lents)
{
        ckpt_weights *weights = NULL;

        ck_assert_int_eq(ckpt_weights_new(host, &weights), CKPT_OK);
        for (uint64_t i = 0; i < c->count; i++) {
                const checkpoint_tensor *tensor = &c->tensors[i];

                add(weights, tensor->name, tensor, t, &lents[i]);
                if (golden_is_gemma(g) && strstr(tensor->name, "embed_tokens"))
                        add(weights, head_name(g), tensor, t, &lents[c->count]);
        }
        return weights;
}

static void load_from_memory(int number, const test_target *t)
{
        ckpt_host *host = golden_host();
        ckpt_load_options options;
        ckpt_load *load = NULL;
        ckpt_weights *weights;
        uint64_t count;
        checkpoint c;
        lent *lents;
        char *text;
        golden g;

        golden_init(&g, number);
        checkpoint_init(&c, g.directory);
        lents = calloc(c.count + 1, sizeof(*lents));
        ck_assert_ptr_nonnull(lents);
        weights = state_dictionary(host, &g, &c, t, lents);
        count = c.count + golden_is_gemma(&g);
        ck_assert_uint_eq(ckpt_weights_count(weights), count);
        text = golden_config_text(&g);
        options = golden_options(&g);
        ck_assert_int_eq(ckpt_load_new(host, &options, &load), CKPT_OK);
        GOLDEN_OK(&g, load, ckpt_load_set_config_json(load, text, strlen(text)));
        free(text);
        GOLDEN_OK(&g, load, ckpt_load_set_weights(load, weights));
        ckpt_weights_unref(weights);
        golden_run(&g, load);
        for (uint64_t i = 0; i < count; i++)
                ck_assert_int_eq(lents[i].released, 0);
        ckpt_load_free(load);
        for (uint64_t i = 0; i < count; i++)
                ck_assert_msg(lents[i].released == 1, "%s: memory %llu was released %d times", g.model,
                              (unsigned long long)i, lents[i].released);
        free(lents);
        checkpoint_deinit(&c);
        ckpt_host_free(host);
        golden_deinit(&g);
}

START_TEST(state_dictionary_in_host_memory)
{
        load_from_memory(_i, NULL);
}
END_TEST

START_TEST(state_dictionary_in_device_memory)
{
        test_target t;

        target_init(&t);
        load_from_memory(_i, &t);
        target_deinit(&t);
}
END_TEST

void paths_add_memory(TCase *tests, int model)
{
        const int first = model * GOLDEN_CASES, end = first + GOLDEN_CASES;

        tcase_add_loop_test(tests, state_dictionary_in_host_memory, first, end);
        if (strcmp(golden_device(), "cpu") != 0)
                tcase_add_loop_test(tests, state_dictionary_in_device_memory, first, end);
}
