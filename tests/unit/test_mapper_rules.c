/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rule table and the arithmetic of shards, each alone.
 */

#include "unit/test_catalog.h"

/* Last: it defines `fail` as a macro. */
#include <check.h>

static catalog c;

static void setup(void)
{
        catalog_init(&c, NULL);
}

static void teardown(void)
{
        catalog_deinit(&c);
}

/* ---- rules ---- */

START_TEST(fused_targets_are_found_from_both_ends)
{
        static const char *const qkv[] = {"q_proj", "k_proj", "v_proj"}, *const gate_up[] = {"gate_proj",
                                                                                             "up_proj"};
        const ckpt_rule_fuse *rule;

        ckpt_rules_api_fuse(&c.rules, "qkv_proj", qkv, 3);
        ckpt_rules_api_fuse(&c.rules, "gate_up_proj", gate_up, 2);
        rule = ckpt_rules_find_target(&c.rules, "qkv_proj");
        ck_assert_ptr_nonnull(rule);
        ck_assert_uint_eq(rule->n_sources, 3);
        ck_assert_str_eq(rule->sources[1], "k_proj");
        ck_assert_ptr_ne(rule->sources[1], qkv[1]);
        ck_assert_ptr_eq(ckpt_rules_find_source(&c.rules, "v_proj"), rule);
        ck_assert_str_eq(ckpt_rules_find_source(&c.rules, "up_proj")->target, "gate_up_proj");
        ck_assert_ptr_null(ckpt_rules_find_source(&c.rules, "qkv_proj"));
        ck_assert_ptr_null(ckpt_rules_find_target(&c.rules, "q_proj"));
        ck_assert_int_eq(c.rules.status, CKPT_OK);
        ck_assert_str_eq(c.log, "");
}
END_TEST

START_TEST(replacing_a_target_is_logged)
{
        static const char *const three[] = {"a", "b", "c"}, *const two[] = {"a", "d"};

        ckpt_rules_api_fuse(&c.rules, "abc", three, 3);
        ckpt_rules_api_fuse(&c.rules, "abc", two, 2);
        ck_assert_uint_eq(c.rules.fuses.count, 1);
        ck_assert_ptr_null(ckpt_rules_find_source(&c.rules, "c"));
        ck_assert_ptr_nonnull(ckpt_rules_find_source(&c.rules, "d"));
        ck_assert_ptr_nonnull(strstr(c.log, "'abc' is replaced: 2 sources instead of 3"));
}
END_TEST

START_TEST(skips_cover_what_is_below)
{
        ckpt_rules_api_skip(&c.rules, "lm_head", "tie_word_embeddings");
        ckpt_rules_api_skip(&c.rules, "**.next_layer_layernorm", "next");
        ckpt_rules_api_skip(&c.rules, "lm_head", "later");
        ck_assert_str_eq(ckpt_rules_find_skip(&c.rules, "lm_head", false), "tie_word_embeddings");
        ck_assert_str_eq(ckpt_rules_find_skip(&c.rules, "lm_head.inner", false), "tie_word_embeddings");
        ck_assert_str_eq(ckpt_rules_find_skip(&c.rules, "model.layers.7.next_layer_layernorm", false),
                         "next");
        ck_assert_ptr_null(ckpt_rules_find_skip(&c.rules, "lm_head_2", false));
        ck_assert_ptr_null(ckpt_rules_find_skip(&c.rules, "model.lm_head", false));
        ck_assert_ptr_null(ckpt_rules_find_skip(&c.rules, "lm_head", true));
}
END_TEST

START_TEST(wrong_rules_are_refused_by_words)
{
        static const char *const nameless[] = {"a", ""};
        static const ckpt_shard shard = CKPT_SHARD_COLUMN(CKPT_GROUP_TP);
        ckpt_shard old = shard;

        old.struct_size = offsetof(ckpt_shard, unit);
        ckpt_rules_api_fuse(&c.rules, "abc", nameless, 2);
        ck_assert_int_eq(c.rules.status, CKPT_E_PLUGIN);
        ckpt_rules_api_fuse(&c.rules, NULL, nameless, 1);
        ckpt_rules_api_fuse(&c.rules, "abc", nameless, 0);
        ckpt_rules_api_callback(&c.rules, NULL);
        ckpt_rules_api_skip(&c.rules, "", "rule");
        ckpt_rules_api_skip(&c.rules, "a", NULL);
        ckpt_rules_api_style(&c.rules, "a", &old);
        ckpt_rules_api_style(&c.rules, "a", NULL);
        ckpt_rules_api_stage(&c.rules, "a", 64);
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_PLUGIN, NULL, NULL, "correct the mapper's map_weights"),
                          9);
        ck_assert_uint_eq(c.rules.fuses.count + c.rules.callbacks.count + c.rules.skips.count +
                                  c.rules.styles.count + c.rules.stages.count,
                          0);
}
END_TEST

static void add_stages(void)
{
        ckpt_rules_api_stage(&c.rules, "model.embed_tokens", CKPT_STAGE_FIRST | CKPT_STAGE_LAST);
        ckpt_rules_api_stage(&c.rules, "model.layers", CKPT_STAGE_LAYER);
        ckpt_rules_api_stage(&c.rules, "model.norm", CKPT_STAGE_LAST);
        ckpt_rules_api_stage(&c.rules, "vision.**", CKPT_STAGE_LAST);
        ckpt_rules_api_stage(&c.rules, "vision.**", CKPT_STAGE_FIRST | CKPT_STAGE_REQUIRED);
}

/* The first owner that is not this rank, or -1. */
static int32_t owner(int32_t size, int32_t rank, const char *module)
{
        const ckpt_mapping mapping = {sizeof(mapping), 1, 0, size, rank, 1, 0, 0};

        ck_assert_int_eq(ckpt_rules_owns(&c.rules, &mapping, 7, module),
                         ckpt_rules_owner(&c.rules, &mapping, 7, module) < 0);
        return ckpt_rules_owner(&c.rules, &mapping, 7, module);
}

START_TEST(stages_say_who_owns_a_module)
{
        add_stages();
        for (int32_t rank = 0; rank < 3; rank++) {
                ck_assert_int_eq(owner(3, rank, "model.embed_tokens"), rank == 1 ? 0 : -1);
                ck_assert_int_eq(owner(3, rank, "model.norm"), rank == 2 ? -1 : 2);
                ck_assert_int_eq(owner(3, rank, "vision.tower.layers.5"), rank == 0 ? -1 : 0);
                ck_assert_int_eq(owner(3, rank, "nobody.knows"), -1);
                ck_assert_int_eq(owner(3, rank, "model.norm.below"), -1);
        }
        ck_assert_int_eq(owner(1, 0, "model.norm"), -1);
}
END_TEST

START_TEST(layers_are_split_as_torch_does)
{
        /* torch.tensor_split of 7 layers over 3: 3, 2, 2. */
        static const int32_t expected[7] = {0, 0, 0, 1, 1, 2, 2};
        char name[64];

        add_stages();
        for (int32_t layer = 0; layer < 7; layer++)
                for (int32_t rank = 0; rank < 3; rank++) {
                        snprintf(name, sizeof(name), "model.layers.%d.mlp.gate_up_proj", layer);
                        ck_assert_int_eq(owner(3, rank, name),
                                         expected[layer] == rank ? -1 : expected[layer]);
                        snprintf(name, sizeof(name), "model.layers.%d", layer);
                        ck_assert_int_eq(owner(3, rank, name),
                                         expected[layer] == rank ? -1 : expected[layer]);
                }
        ck_assert_int_eq(owner(3, 0, "model.layers.7"), 2);
        ck_assert_int_eq(owner(3, 0, "model.layers.9"), 2);
        ck_assert_int_eq(owner(3, 0, "model.layers.06"), -1);
        ck_assert_int_eq(owner(3, 0, "model.layers.x"), -1);
        ck_assert_int_eq(owner(3, 0, "model.layers"), -1);
        ck_assert_int_eq(owner(3, 0, "model.layers.99999999999999999999"), -1);
}
END_TEST

START_TEST(names_come_apart_and_together)
{
        ckpt_arena *arena = &c.session.scope.arena;
        const char *param;

        ck_assert_uint_eq(ckpt_name_split("model.norm.weight", &param), 10);
        ck_assert_str_eq(param, "weight");
        ck_assert_uint_eq(ckpt_name_split("scale", &param), 0);
        ck_assert_str_eq(param, "scale");
        ck_assert_str_eq(ckpt_name_sibling(arena, "a.b.q_proj", "qkv_proj"), "a.b.qkv_proj");
        ck_assert_str_eq(ckpt_name_sibling(arena, "q_proj", "qkv_proj"), "qkv_proj");
        ck_assert_str_eq(ckpt_name_join(arena, "a.b", "weight"), "a.b.weight");
        ck_assert_str_eq(ckpt_name_join(arena, "", "weight"), "weight");
}
END_TEST

/* ---- shards ---- */

static const ckpt_tensor *whole(uint32_t rank, const int64_t *shape)
{
        static const uint8_t somewhere[1];
        const ckpt_place place = {.kind = CKPT_PLACE_MEMORY, .device = -1, .memory = somewhere};

        return ckpt_tensor_source(
                &c.session.scope, "t", 0,
                ckpt_tensor_leaf(&c.session.scope, "t", &place, CKPT_DTYPE_BF16, rank, shape, NULL));
}

static const ckpt_tensor *apply(const ckpt_shard *shard, int32_t size, int32_t rank,
                                const ckpt_tensor *tensor)
{
        c.session.mapping.tp_size = size;
        c.session.mapping.tp_rank = rank;
        return ckpt_shard_apply(&c.session, shard, tensor, "p");
}

/* Every element of a matrix's part against the definition: rows (columns) rank * per … are its own. */
static void compare(const ckpt_tensor *part, int32_t axis, int64_t per, int32_t rank, const int64_t *shape)
{
        int64_t wanted[2] = {shape[0], shape[1]}, at[2];

        wanted[axis] = per;
        ck_assert_uint_eq(part->rank, 2);
        ck_assert_int_eq(part->shape[0], wanted[0]);
        ck_assert_int_eq(part->shape[1], wanted[1]);
        for (at[0] = 0; at[0] < wanted[0]; at[0]++)
                for (at[1] = 0; at[1] < wanted[1]; at[1]++) {
                        int64_t from[2] = {at[0], at[1]};
                        const catalog_element e = catalog_at(part, at);

                        from[axis] += rank * per;
                        ck_assert_int_eq(e.source, from[axis] < shape[axis] ? 0 : -1);
                        if (e.source == 0)
                                ck_assert_int_eq(e.index, from[0] * shape[1] + from[1]);
                }
}

START_TEST(columns_and_rows_are_cut)
{
        static const ckpt_shard shards[2] = {CKPT_SHARD_COLUMN(CKPT_GROUP_TP), CKPT_SHARD_ROW(CKPT_GROUP_TP)};
        const int64_t shape[2] = {24, 16};

        for (int32_t axis = 0; axis < 2; axis++)
                for (int32_t size = 1; size <= 8; size++)
                        for (int32_t rank = 0; rank < size && shape[axis] % size == 0; rank++)
                                compare(apply(&shards[axis], size, rank, whole(2, shape)), axis,
                                        shape[axis] / size, rank, shape);
        ck_assert_uint_eq(catalog_reason_count(&c), 0);
}
END_TEST

START_TEST(a_vocabulary_is_padded)
{
        static const ckpt_shard vocabulary = CKPT_SHARD_VOCABULARY(CKPT_GROUP_TP);
        const int64_t sizes[] = {509, 512, 9, 3, 2};

        for (uint32_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
                for (int32_t size = 1; size <= 8; size++)
                        for (int32_t rank = 0; rank < size; rank++) {
                                const int64_t shape[2] = {sizes[i], 2};

                                compare(apply(&vocabulary, size, rank, whole(2, shape)), 0,
                                        (sizes[i] + size - 1) / size, rank, shape);
                        }
        ck_assert_uint_eq(catalog_reason_count(&c), 0);
}
END_TEST

START_TEST(padding_keeps_units_whole)
{
        const ckpt_shard blocks = {sizeof(blocks), 0, CKPT_GROUP_TP, 1, 4};
        const int64_t shape[2] = {18, 3};

        /* Five blocks of four (the last one of two rows) over three ranks: two blocks each. */
        for (int32_t rank = 0; rank < 3; rank++)
                compare(apply(&blocks, 3, rank, whole(2, shape)), 0, 8, rank, shape);
}
END_TEST

START_TEST(what_has_no_such_axis_stays_whole)
{
        static const ckpt_shard row = CKPT_SHARD_ROW(CKPT_GROUP_TP),
                                column = CKPT_SHARD_COLUMN(CKPT_GROUP_TP);
        static const ckpt_shard none = CKPT_SHARD_REPLICATED;
        const int64_t shape[2] = {1, 12};
        const ckpt_tensor *bias = whole(1, &shape[1]), *scalar = whole(0, NULL), *flat = whole(2, shape);

        ck_assert_ptr_eq(apply(&row, 4, 1, bias), bias);
        ck_assert_ptr_eq(apply(&column, 4, 1, scalar), scalar);
        ck_assert_ptr_eq(apply(&column, 4, 1, flat), flat); /* a width of 1 */
        ck_assert_ptr_eq(apply(&none, 4, 1, bias), bias);
        ck_assert_ptr_ne(apply(&column, 4, 1, bias), bias);
        ck_assert_ptr_null(apply(&column, 4, 1, NULL));
}
END_TEST

START_TEST(attention_data_parallelism_keeps_attention_whole)
{
        static const ckpt_shard attention = CKPT_SHARD_COLUMN(CKPT_GROUP_ATTENTION_TP),
                                mlp = CKPT_SHARD_COLUMN(CKPT_GROUP_TP);
        const int64_t shape[2] = {8, 2};
        const ckpt_tensor *tensor = whole(2, shape);

        compare(apply(&attention, 2, 1, tensor), 0, 4, 1, shape);
        c.session.mapping.attention_dp = 1;
        ck_assert_ptr_eq(apply(&attention, 2, 1, tensor), tensor);
        compare(apply(&mlp, 2, 1, tensor), 0, 4, 1, shape);
}
END_TEST

START_TEST(experts_have_a_group_of_their_own)
{
        static const ckpt_shard experts = CKPT_SHARD_COLUMN(CKPT_GROUP_EP);
        const int64_t shape[2] = {8, 2};

        c.session.mapping.ep_size = 4;
        c.session.mapping.ep_rank = 3;
        compare(apply(&experts, 2, 0, whole(2, shape)), 0, 2, 3, shape);
}
END_TEST

START_TEST(what_does_not_divide_is_an_error)
{
        static const ckpt_shard column = CKPT_SHARD_COLUMN(CKPT_GROUP_TP);
        const ckpt_shard heads = {sizeof(heads), 0, CKPT_GROUP_TP, 0, 4};
        const ckpt_shard monstrous = {sizeof(monstrous), 0, CKPT_GROUP_TP, 1, INT64_MAX};
        const int64_t shape[2] = {24, 2}, uneven[2] = {22, 2};

        ck_assert(ckpt_tensor_is_error(apply(&column, 5, 0, whole(2, shape))));
        ck_assert_uint_eq(
                catalog_reasons(&c, CKPT_E_INVALID, "p", "t", "24 wide, 24 units of 1, and 5 ranks"), 1);
        /* Six heads: three ranks share them, four do not, though four divide 24. */
        ck_assert(!ckpt_tensor_is_error(apply(&heads, 3, 2, whole(2, shape))));
        ck_assert(ckpt_tensor_is_error(apply(&heads, 4, 0, whole(2, shape))));
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_INVALID, "p", "t", "24 wide, 6 units of 4, and 4 ranks"),
                          1);
        ck_assert(ckpt_tensor_is_error(apply(&heads, 2, 0, whole(2, uneven))));
        ck_assert_uint_eq(catalog_reasons(&c, CKPT_E_MISMATCH, "p", "t", "no whole number of units of 4"), 1);
        ck_assert(ckpt_tensor_is_error(apply(&monstrous, 2, 1, whole(2, shape))));
}
END_TEST

static Suite *make_suite(void)
{
        Suite *suite = suite_create("mapper-rules");
        TCase *rules = tcase_create("rules"), *shards = tcase_create("shards");

        tcase_add_checked_fixture(rules, setup, teardown);
        tcase_add_test(rules, fused_targets_are_found_from_both_ends);
        tcase_add_test(rules, replacing_a_target_is_logged);
        tcase_add_test(rules, skips_cover_what_is_below);
        tcase_add_test(rules, wrong_rules_are_refused_by_words);
        tcase_add_test(rules, stages_say_who_owns_a_module);
        tcase_add_test(rules, layers_are_split_as_torch_does);
        tcase_add_test(rules, names_come_apart_and_together);
        suite_add_tcase(suite, rules);
        tcase_add_checked_fixture(shards, setup, teardown);
        tcase_add_test(shards, columns_and_rows_are_cut);
        tcase_add_test(shards, a_vocabulary_is_padded);
        tcase_add_test(shards, padding_keeps_units_whole);
        tcase_add_test(shards, what_has_no_such_axis_stays_whole);
        tcase_add_test(shards, attention_data_parallelism_keeps_attention_whole);
        tcase_add_test(shards, experts_have_a_group_of_their_own);
        tcase_add_test(shards, what_does_not_divide_is_an_error);
        suite_add_tcase(suite, shards);
        return suite;
}

int main(void)
{
        SRunner *runner = srunner_create(make_suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? 1 : 0;
}
