/* SPDX-License-Identifier: Apache-2.0 */
/* Small files that mention one large thing very often: each mention must be cheap, whatever is mentioned. */
#include "test_hf_torch_bombs.h"

#include <check.h>
#include <stdlib.h>

#include "support/resources.h"

#define F6     "<Float:0:6>"
#define VECTOR T_VECTOR(F6, "6")

static size_t many(void)
{
        return resources_sanitized() ? 20000 : 300000;
}

static void repeat(struct bytes *pickle, const char *words)
{
        struct bytes unit = {0};

        pickle_assemble(&unit, words, false);
        for (size_t i = many(); i-- > 0;)
                bytes_add(pickle, unit.at, unit.size);
        bytes_free(&unit);
}

static void add_long_text(struct bytes *pickle, size_t size)
{
        struct bytes text = {0};

        bytes_fill(&text, 'k', size);
        pickle_text(pickle, (const char *)text.at, size);
        bytes_free(&text);
}

/* One dictionary of many values below many keys. */
START_TEST(test_dictionary)
{
        struct bytes pickle = {0};

        pickle_assemble(&pickle, "#8002 } (", false);
        repeat(&pickle, "1 NONE");
        pickle_assemble(&pickle, "u q0 POP } (", false);
        repeat(&pickle, "'a' h0");
        pickle_assemble(&pickle, "u .", false);
        defuse_pickle(&pickle, HF_BAD_STATE_DICT);
}
END_TEST

/* One dictionary of many flags as the metadata of many tensors. */
START_TEST(test_metadata)
{
        struct bytes pickle = {0};

        pickle_assemble(&pickle, "#8002 } (", false);
        repeat(&pickle, "1 NEWFALSE");
        pickle_assemble(&pickle,
                        "u q0 POP @torch._utils:_rebuild_tensor_v2 q1 POP ( " F6
                        " 0 ( 6 t ( 1 t NEWFALSE } h0 t "
                        "q2 POP",
                        false);
        repeat(&pickle, "h1 h2 R POP");
        pickle_assemble(&pickle, "} .", false);
        defuse_pickle(&pickle, HF_BAD_LIMIT);
}
END_TEST

/* One long name of many entries. */
START_TEST(test_name)
{
        struct bytes pickle = {0};

        pickle_assemble(&pickle, "#8002 " VECTOR "q0 POP", false);
        add_long_text(&pickle, HF_NAME_MAX);
        pickle_assemble(&pickle, "q1 POP } (", false);
        repeat(&pickle, "h1 h0");
        pickle_assemble(&pickle, "u .", false);
        defuse_pickle(&pickle, HF_BAD_NAME_DUPLICATE);
}
END_TEST

/* One long key of many mentions of a storage that is not there. */
START_TEST(test_key)
{
        struct bytes pickle = {0};

        pickle_assemble(&pickle, "#8002 'storage' @torch:FloatStorage", false);
        add_long_text(&pickle, HF_NAME_MAX);
        pickle_assemble(&pickle, "q1 POP POP POP ( 'storage' @torch:FloatStorage h1 'cpu' 6 t q2 POP", false);
        repeat(&pickle, "h2 Q POP");
        pickle_assemble(&pickle, "} .", false);
        defuse_pickle(&pickle, HF_BAD_STORAGE);
}
END_TEST

/* One long key many times in a legacy file's list. */
START_TEST(test_listed_key)
{
        struct torch_parts parts = {.pickle = "#8002 } ."};
        struct torch_file file;

        torch_write_legacy(&parts, &file);
        file.bytes.size = file.keys;
        pickle_assemble(&file.bytes, "#8002", true);
        add_long_text(&file.bytes, 1 << 20);
        pickle_assemble(&file.bytes, "q1 POP ] (", true);
        repeat(&file.bytes, "h1");
        pickle_assemble(&file.bytes, "e .", true);
        defuse(&file.bytes, HF_TORCH_STRICT, HF_BAD_STORAGE);
        torch_file_free(&file);
}
END_TEST

/* A class of one's own that holds tensors is not passed over in favour of another dictionary. */
START_TEST(test_class_with_tensors)
{
        const struct torch_parts parts = {.pickle = "#8002 } 'state_dict' @my:StateDict ) R 'w' " VECTOR
                                                    "s s 'ema' } 'w' " VECTOR "s s .",
                                          .storages = "0=6*4"};
        const struct hf_torch_options opaque = {.policy = HF_TORCH_OPAQUE};
        const struct hf_torch_options chosen = {.policy = HF_TORCH_OPAQUE, .state_dict = "state_dict"};

        refuse_zip(&parts, &opaque, HF_BAD_STATE_DICT, "state_dict, ema");
        refuse_zip(&parts, &chosen, HF_BAD_STATE_DICT, "my.StateDict");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch-mentions");
        TCase *tests = tcase_create("mentions");

        tcase_set_timeout(tests, 300);
        tcase_add_test(tests, test_dictionary);
        tcase_add_test(tests, test_metadata);
        tcase_add_test(tests, test_name);
        tcase_add_test(tests, test_key);
        tcase_add_test(tests, test_listed_key);
        tcase_add_test(tests, test_class_with_tensors);
        suite_add_tcase(suite, tests);
        return run_suite(suite);
}
