/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configurations that are absent, wrong or unknown, and options that can never work
 */
#include "test_bad_input.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

START_TEST(no_such_directory)
{
        bad.load = run_load(bad.host, "/nonexistent/checkpoint", NULL, &bad.status, &bad.model);
        expect_status(bad.load, bad.status, CKPT_E_NOT_FOUND);
        expect_reason(bad.load, CKPT_E_NOT_FOUND, "/nonexistent/checkpoint", NULL);
}
END_TEST

START_TEST(no_config)
{
        checkpoint_copy("gemma3-bf16");
        unlink(scratch_path("config.json"));
        attempt_fails(CKPT_E_NOT_FOUND);
        expect_reason(bad.load, CKPT_E_NOT_FOUND, "org.ckpt.hf", "config loader", "config.json",
                      scratch_directory(), "give the directory that holds it", NULL);
}
END_TEST

START_TEST(no_architecture)
{
        checkpoint_copy("gemma3-bf16");
        checkpoint_set_config("architectures", NULL);
        attempt_fails(CKPT_E_INVALID);
        expect_reason(bad.load, CKPT_E_INVALID, "config.json", "architectures", "add it to the file", NULL);

        checkpoint_set_config("architectures", json_array());
        attempt_fails(CKPT_E_INVALID);
        expect_reason(bad.load, CKPT_E_INVALID, "config.json", "architectures", NULL);

        checkpoint_set_config("architectures", json_integer(3));
        attempt_fails(CKPT_E_INVALID);
        expect_reason(bad.load, CKPT_E_INVALID, "config.json", "architectures", "not an array", NULL);
}
END_TEST

START_TEST(unknown_architecture)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        checkpoint_copy("llama");
        checkpoint_set_config("architectures", json_pack("[s]", "NobodyHeardOfItForCausalLM"));
        attempt(NULL);
        expect_status(bad.load, bad.status, CKPT_OK);
        expect_golden(bad.model, "llama", "tp1-rank0");
        ck_assert(log_has("NobodyHeardOfItForCausalLM", "org.ckpt.hf:HF", "serves", NULL));

        options.strict = 1;
        attempt(&options);
        expect_status(bad.load, bad.status, CKPT_E_NOT_FOUND);
        expect_reason(bad.load, CKPT_E_NOT_FOUND, "weight mapper", "NobodyHeardOfItForCausalLM",
                      "format 'HF'", "without strict", NULL);
}
END_TEST

START_TEST(strict_with_a_mapper_of_its_own)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        checkpoint_copy("gemma3-bf16");
        options.strict = 1;
        attempt(&options);
        expect_status(bad.load, bad.status, CKPT_OK);
}
END_TEST

START_TEST(wrong_types)
{
        static const char *const keys[] = {"hidden_size", "num_hidden_layers", "num_attention_heads",
                                           "head_dim"};
        char quoted[64];

        checkpoint_copy("gemma3-bf16");
        for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                snprintf(quoted, sizeof(quoted), "\"%s\"", keys[i]);
                checkpoint_set_config(keys[i], json_string("64"));
                attempt_fails(CKPT_E_INVALID);
                expect_reason(bad.load, CKPT_E_INVALID, "config.json", quoted, "not a whole number", NULL);
                checkpoint_set_config(keys[i], json_integer(-1));
                attempt_fails(CKPT_E_INVALID);
                expect_reason(bad.load, CKPT_E_INVALID, "config.json", quoted, "not between 1 and", NULL);
                checkpoint_copy("gemma3-bf16");
        }
        checkpoint_set_config("tie_word_embeddings", json_string("yes"));
        attempt_fails(CKPT_E_INVALID);
        expect_reason(bad.load, CKPT_E_INVALID, "config.json", "\"tie_word_embeddings\"",
                      "neither true nor false", NULL);
        checkpoint_copy("gemma3-bf16");
        checkpoint_set_config("dtype", json_integer(16));
        attempt_fails(CKPT_E_INVALID);
        expect_reason(bad.load, CKPT_E_INVALID, "config.json", "dtype", "string", NULL);
}
END_TEST

START_TEST(no_json)
{
        static const char *const texts[] = {"",
                                            "{",
                                            "[1, 2]",
                                            "{\"a\": 1, \"a\": 2}",
                                            "{\"a\": 1} x",
                                            "{\"a\": \"\xff\"}",
                                            "{'a': 1}",
                                            "\xef\xbb\xbf{}"};

        checkpoint_copy("gemma3-bf16");
        for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                scratch_write_text("config.json", texts[i]);
                attempt_fails(CKPT_E_CORRUPT);
                expect_reason(bad.load, CKPT_E_CORRUPT, "config.json", NULL);
        }
}
END_TEST

START_TEST(nested_too_deep)
{
        static char text[1 << 20];
        const size_t depth = sizeof(text) / 2 - 8;

        checkpoint_copy("gemma3-bf16");
        memcpy(text, "{\"a\":", 5);
        memset(text + 5, '[', depth);
        memset(text + 5 + depth, ']', depth);
        text[5 + 2 * depth] = '}';
        scratch_write("config.json", text, 6 + 2 * depth);
        attempt(NULL);
        ck_assert_int_lt(bad.status, 0);
        expect_reason(bad.load, bad.status, "config.json", NULL);
}
END_TEST

START_TEST(quantised)
{
        checkpoint_copy("gemma3-bf16");
        checkpoint_set_config("quantization_config",
                              json_pack("{s: s, s: i}", "quant_method", "gptq", "bits", 4));
        attempt_fails(CKPT_E_UNSUPPORTED);
        expect_reason(bad.load, CKPT_E_UNSUPPORTED, "config.json", "quantised", "gptq",
                      "use the unquantised checkpoint", NULL);

        checkpoint_copy("gemma3-bf16");
        scratch_write_text(
                "hf_quant_config.json",
                "{\"producer\": {\"name\": \"modelopt\"}, \"quantization\": {\"quant_algo\": \"FP8\"}}");
        attempt_fails(CKPT_E_UNSUPPORTED);
        expect_reason(bad.load, CKPT_E_UNSUPPORTED, "hf_quant_config.json", "quantised", "FP8", NULL);
}
END_TEST

START_TEST(parallel_sizes_that_do_not_divide)
{
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;

        checkpoint_copy("gemma3-bf16");
        options.mapping.tp_size = 3;
        attempt(&options);
        expect_status(bad.load, bad.status, CKPT_E_INVALID);
        expect_reason(bad.load, CKPT_E_INVALID, "3 tensor-parallel ranks", "2 key and value heads", NULL);

        /*
         * Key and value heads can be repeated for eight ranks; four query heads cannot be divided.
         */
        options.mapping.tp_size = 8;
        attempt(&options);
        expect_status(bad.load, bad.status, CKPT_E_INVALID);
        expect_reason(bad.load, CKPT_E_INVALID, "model.layers.0.self_attn.qkv_proj.weight",
                      "model.layers.0.self_attn.q_proj.weight", "4 units of 32", "8 ranks",
                      "choose a parallel size", NULL);
        expect_reason(bad.load, CKPT_E_INVALID, "model.layers.2.self_attn.qkv_proj.weight", NULL);
}
END_TEST

START_TEST(options_that_can_never_work)
{
        static const ckpt_pair unknown = {"weights.use_consolidatedd", "true"},
                               no_bool = {"weights.use_consolidated", "perhaps"};
        ckpt_load_options options = CKPT_LOAD_OPTIONS_INIT;
        ckpt_load *load = NULL;

        checkpoint_copy("gemma3-bf16");
        options.mapping.tp_size = 2;
        options.mapping.tp_rank = 2;
        ck_assert_int_eq(ckpt_load_new(bad.host, &options, &load), CKPT_E_INVALID);
        ck_assert_ptr_null(load);
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(bad.host), "tp_rank"));
        options.mapping = (ckpt_mapping)CKPT_MAPPING_INIT;

        options.settings = &unknown;
        options.n_settings = 1;
        attempt(&options);
        expect_status(bad.load, bad.status, CKPT_E_INVALID);
        expect_reason(bad.load, CKPT_E_INVALID, "weights.use_consolidatedd", "SLOT.NAME", NULL);
        options.settings = &no_bool;
        attempt(&options);
        expect_status(bad.load, bad.status, CKPT_E_INVALID);
        expect_reason(bad.load, CKPT_E_INVALID, "weights.use_consolidated", "perhaps", NULL);
        options.n_settings = 0;

        options.components[CKPT_KIND_WEIGHT_MAPPER] = "org.example.nobody";
        attempt(&options);
        expect_status(bad.load, bad.status, CKPT_E_NOT_FOUND);
        expect_reason(bad.load, CKPT_E_NOT_FOUND, "org.example.nobody", "there is", NULL);
        options.components[CKPT_KIND_WEIGHT_MAPPER] = NULL;

        options.device = "abacus";
        attempt(&options);
        ck_assert_int_lt(bad.status, 0);
        expect_reason(bad.load, bad.status, "abacus", NULL);
}
END_TEST

TCase *bad_config_case(void)
{
        TCase *tcase = bad_input_case("configuration");

        tcase_add_test(tcase, no_such_directory);
        tcase_add_test(tcase, no_config);
        tcase_add_test(tcase, no_architecture);
        tcase_add_test(tcase, unknown_architecture);
        tcase_add_test(tcase, strict_with_a_mapper_of_its_own);
        tcase_add_test(tcase, wrong_types);
        tcase_add_test(tcase, no_json);
        tcase_add_test(tcase, nested_too_deep);
        tcase_add_test(tcase, quantised);
        tcase_add_test(tcase, parallel_sizes_that_do_not_divide);
        tcase_add_test(tcase, options_that_can_never_work);
        return tcase;
}
