/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HF plugin's config loader as a host sees it: through the table of the built plugin, over files in
 * memory. What it fills in is read back; each refusal must name the file and the key.
 */
#include "test_hf_host.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON(...) #__VA_ARGS__

static ckpt_status load_config(ckpt_source *source, ckpt_config_builder *builder, struct host_report *report)
{
        ckpt_frame frame = {.api = &host_api, .data = report};

        host_config_init(builder);
        frame.base = frame.top = &frame;
        source->api = &host_api;
        return host_component(CKPT_KIND_CONFIG_LOADER)->as.config_loader->load(&frame, source, builder);
}

static const struct {
        const char *config, *quant, *key, *value; /* a top-level string or number, and how it must read */
} values[] = {
        {JSON({"architectures" : [ "A", "B" ]}), NULL, "architecture", "A"},
        {JSON({"architectures" : ["A"]}), NULL, "dtype", "bfloat16"},
        {JSON({"architectures" : ["A"], "torch_dtype" : "float16"}), NULL, "dtype", "float16"},
        {JSON({"architectures" : ["A"], "torch_dtype" : "float16", "dtype" : "torch.float32"}), NULL, "dtype",
         "float32"},
        {JSON({"architectures" : ["A"], "dtype" : null, "text_config" : {"dtype" : "float32"}}), NULL,
         "dtype", "float32"},
        {JSON({"architectures" : ["A"], "torch_dtype" : "float16", "text_config" : {"dtype" : "float32"}}),
         NULL, "dtype", "float16"},
        {JSON({"architectures" : ["A"], "hidden_size" : 64, "num_attention_heads" : 4}), NULL, "head_dim",
         "16"},
        {JSON({"architectures" : ["A"], "hidden_size" : 64, "num_attention_heads" : 4, "head_dim" : null}),
         NULL, "head_dim", "16"},
        {JSON({"architectures" : ["A"], "hidden_size" : 1152, "num_attention_heads" : 4, "head_dim" : 256}),
         NULL, "head_dim", "256"},
        {JSON({"architectures" : ["A"], "num_attention_heads" : 4}), NULL, "num_key_value_heads", "4"},
        {JSON({"architectures" : ["A"], "num_attention_heads" : 4, "num_key_value_heads" : 2}), NULL,
         "num_key_value_heads", "2"},
        {JSON({"architectures" : ["A"], "text_config" : {"hidden_size" : 48, "architectures" : ["T"]}}), NULL,
         "hidden_size", "48"},
        {JSON({"architectures" : ["A"], "text_config" : {"architectures" : ["T"]}}), NULL, "architecture",
         "A"},
        {JSON({"architectures" : ["A"], "hidden_size" : 32, "text_config" : {"hidden_size" : 48}}), NULL,
         "hidden_size", "32"},
        {JSON({"architectures" : ["A"], "model_type" : "gemma3_text"}), NULL, "tie_word_embeddings", "1"},
        {JSON({"architectures" : ["A"], "model_type" : "gemma", "tie_word_embeddings" : false}), NULL,
         "tie_word_embeddings", "0"},
        {JSON({"architectures" : ["A"], "model_type" : "llama"}), NULL, "tie_word_embeddings", ""},
        {JSON({"architectures" : ["A"], "intermediate_size" : [ 1, 2 ]}), NULL, "architecture", "A"},
        {JSON({"architectures" : ["A"], "quantization_config" : null}), NULL, "quantization.method", ""},
        {JSON({"architectures" : ["A"], "quantization_config" : {"quant_method" : "gptq"}}), NULL,
         "quantization.method", "gptq"},
        {JSON({"architectures" : ["A"], "text_config" : {"quantization_config" : {"quant_method" : "awq"}}}),
         NULL, "quantization.method", "awq"},
        {JSON({
                 "architectures" : ["A"],
                 "quantization_config" : {"quant_method" : "fp8", "weight_block_size" : [128]}
         }),
         NULL, "quantization.algorithm", "FP8_BLOCK_SCALES"},
        {JSON({"architectures" : ["A"], "quantization_config" : {"quant_method" : "fp8"}}),
         JSON({"producer" : {"name" : "modelopt"}, "quantization" : {"quant_algo" : "NVFP4"}}),
         "quantization.algorithm", "NVFP4"},
        {JSON({"architectures" : ["A"], "quantization_config" : {"quant_method" : "fp8"}}),
         JSON({"producer" : {"name" : "modelopt"}, "quantization" : {"quant_algo" : null}}),
         "quantization.source", "config.json"},
        {JSON({"architectures" : ["A"]}), JSON({"quantization" : {"quant_algo" : "FP8"}}),
         "quantization.source", "hf_quant_config.json"},
};

START_TEST(test_config_value)
{
        struct host_report report = {0};
        ckpt_config_builder builder;
        ckpt_source source = {0};
        const ckpt_value *value;
        const char *key = values[_i].key, *text;
        char printed[32] = "";

        host_add_text(&source, "config.json", values[_i].config);
        if (values[_i].quant)
                host_add_text(&source, "hf_quant_config.json", values[_i].quant);
        ck_assert_msg(load_config(&source, &builder, &report) == 0, "%s", report.message);
        value = ckpt_config_builder_root(&builder);
        if (strncmp(key, "quantization.", 13) == 0) {
                value = ckpt_value_get(value, "quantization");
                key += 13;
        }
        value = ckpt_value_get(value, key);
        text = ckpt_value_string(value);
        if (ckpt_value_type(value) == CKPT_VALUE_I64 || ckpt_value_type(value) == CKPT_VALUE_BOOL)
                snprintf(printed, sizeof printed, "%d", (int)ckpt_value_i64(value));
        ck_assert_str_eq(text ? text : printed, values[_i].value);
        host_config_deinit(&builder);
}
END_TEST

static const struct {
        const char *config, *key;
} bad_configs[] = {
        {JSON({}), "architectures"},
        {JSON({"architectures" : []}), "architectures"},
        {JSON({"architectures" : null}), "architectures"},
        {JSON({"architectures" : "A"}), "architectures"},
        {JSON({"architectures" : ["A"], "dtype" : 16}), "dtype"},
        {JSON({"architectures" : ["A"], "text_config" : "x"}), "text_config"},
        {JSON({"architectures" : ["A"], "hidden_size" : "64"}), "hidden_size"},
        {JSON({"architectures" : ["A"], "hidden_size" : 0}), "hidden_size"},
        {JSON({"architectures" : ["A"], "hidden_size" : 64.5}), "hidden_size"},
        {JSON({"architectures" : ["A"], "hidden_size" : 2147483648}), "hidden_size"},
        {JSON({"architectures" : ["A"], "num_hidden_layers" : -1}), "num_hidden_layers"},
        {JSON({"architectures" : ["A"], "num_attention_heads" : 0}), "num_attention_heads"},
        {JSON({"architectures" : ["A"], "text_config" : {"num_key_value_heads" : 0}}), "num_key_value_heads"},
        {JSON({"architectures" : ["A"], "head_dim" : true}), "head_dim"},
        {JSON({"architectures" : ["A"], "vocab_size" : [1]}), "vocab_size"},
        {JSON({"architectures" : ["A"], "hidden_size" : 65, "num_attention_heads" : 4}), "head_dim"},
        {JSON({"architectures" : ["A"], "tie_word_embeddings" : 1}), "tie_word_embeddings"},
        {JSON({"architectures" : ["A"], "quantization_config" : "fp8"}), "quantization_config"},
        {JSON({"architectures" : ["A"], "quantization_config" : {"quant_method" : 8}}), "quant_method"},
};

START_TEST(test_config_refused)
{
        struct host_report report = {0};
        ckpt_config_builder builder;
        ckpt_source source = {0};

        host_add_text(&source, "config.json", bad_configs[_i].config);
        ck_assert_int_eq(load_config(&source, &builder, &report), CKPT_E_INVALID);
        ck_assert_int_eq(report.failures, 1);
        ck_assert_str_eq(report.object, "config.json");
        ck_assert_msg(strstr(report.message, bad_configs[_i].key) != NULL, "%s", report.message);
        host_config_deinit(&builder);
}
END_TEST

START_TEST(test_config_absent)
{
        struct host_report report = {0};
        ckpt_config_builder builder;
        ckpt_source source = {0};

        ck_assert_int_eq(load_config(&source, &builder, &report), CKPT_E_NOT_FOUND);
        ck_assert_str_eq(report.object, "config.json");
        host_config_deinit(&builder);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-config");
        TCase *tests = tcase_create("loader");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_loop_test(tests, test_config_value, 0, sizeof values / sizeof *values);
        tcase_add_loop_test(tests, test_config_refused, 0, sizeof bad_configs / sizeof *bad_configs);
        tcase_add_test(tests, test_config_absent);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
