/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Globals that a pickle may not name, and what it could do with them: the strict policy refuses each by
 * module and name, the opaque one makes a thing of it that does nothing, and loads the tensors beside it.
 */
#include "test_hf_torch_refusing.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define F6     "<Float:0:6>"
#define VECTOR T_VECTOR(F6, "6")
#define W      "'w' " VECTOR

static const struct {
        const char *module, *name;
} globals[] = {
        {"os", "system"},
        {"posix", "system"},
        {"nt", "system"},
        {"os", "popen"},
        {"sys", "exit"},
        {"subprocess", "Popen"},
        {"subprocess", "check_output"},
        {"socket", "create_connection"},
        {"shutil", "rmtree"},
        {"ctypes", "CDLL"},
        {"importlib", "import_module"},
        {"runpy", "run_path"},
        {"pickle", "loads"},
        {"builtins", "eval"},
        {"builtins", "exec"},
        {"builtins", "getattr"},
        {"builtins", "__import__"},
        {"builtins", "open"},
        {"__builtin__", "eval"},
        {"__builtin__", "apply"},
        {"operator", "attrgetter"},
        {"operator", "methodcaller"},
        {"functools", "partial"},
        {"types", "CodeType"},
        {"torch", "load"},
        {"torch.hub", "load"},
        {"torch.serialization", "load"},
        {"torch.nn.modules.linear", "Linear"},
        {"torch", "FloatStorage "},
        {"torch", "floatStorage"},
        {"torch", "float"},
        {"Torch", "FloatStorage"},
        {"torch.", "FloatStorage"},
        {"torch._util", "s_rebuild_tensor_v2"},
        {"numpy.core.multiarray", "_reconstruct"},
        {"numpy.core.multiarray", "scalar"},
        {"numpy", "ndarray"},
        {"collections", "defaultdict"},
        {"__main__", "Model"},
        {"os", ""},
        {"", "system"},
        {"", ""},
        /* a path through what is allowed */
        {"torch", "nn.Module.load_state_dict"},
        {"collections", "OrderedDict.__class__"},
        {"torch", "Tensor.__reduce_ex__"},
        {"collections", "OrderedDict.update.__globals__.get"},
        {"torch\r", "FloatStorage\r"},
        {"torch", "hub.load"},
};

/* What is done with it; %s is the global. */
static const char *const uses[] = {
        "#8002 } ( " W "'x' %s u .",
        "#8002 } ( " W "'x' %s ( 'touch' t R u .",
        "#8002 } ( " W "'x' %s ) NEWOBJ u .",
        "#8002 } ( " W "'x' %s ) R } 'state' 1 s b u .",
        "#8002 } ( " W "'x' %s ) R 'key' 1 s u .",
        "#8002 } ( " W "'x' %s ) R ( 'key' 1 'other' %s ) R u u .",
        "#8002 } ( " W "'x' %s ) R ( 1 2 e u .",
        "#8002 } ( " W "'x' %s ) R 1 a u .",
        "#8002 } ( " W "'x' %s ( %s ( 'touch' t R t R u .",
        "#8002 %s ( 'touch' t R POP } ( " W "'x' 1 u .",
};

/* Writes a use with its globals spelt out, by GLOBAL or by STACK_GLOBAL. */
static void write_use(struct bytes *pickle, const char *use, const char *module, const char *name, bool stack)
{
        const char *at;

        for (; (at = strstr(use, "%s")); use = at + 2) {
                char words[600];

                snprintf(words, sizeof(words), "%.*s", (int)(at - use), use);
                pickle_assemble(pickle, words, false);
                if (stack) {
                        pickle_text(pickle, module, strlen(module));
                        pickle_text(pickle, name, strlen(name));
                        pickle_op(pickle, "STACK_GLOBAL");
                } else {
                        pickle_global(pickle, module, name);
                }
        }
        pickle_assemble(pickle, use, false);
}

static void check_use(const char *use, const char *module, const char *name, bool stack)
{
        const struct hf_torch_options opaque = {.policy = HF_TORCH_OPAQUE};
        struct bytes pickle = {0};
        const struct torch_parts parts = {.raw = &pickle, .storages = "0=6*4"};
        char printed[80];

        write_use(&pickle, use, module, name, stack);
        refuse_zip(&parts, NULL, HF_BAD_GLOBAL,
                   hf_name_print(module, strlen(module), printed, sizeof(printed)));
        refuse_zip(&parts, NULL, HF_BAD_GLOBAL, hf_name_print(name, strlen(name), printed, sizeof(printed)));
        accept_zip(&parts, &opaque, "/ +1: w F32 [6] 0+0:24");
        bytes_free(&pickle);
}

START_TEST(test_global)
{
        for (size_t i = 0; i < sizeof(uses) / sizeof(*uses); i++) {
                check_use(uses[i], globals[_i].module, globals[_i].name, false);
                check_use(uses[i], globals[_i].module, globals[_i].name, true);
        }
}
END_TEST

/* Names that a text opcode could not have said. */
START_TEST(test_stack_global)
{
        check_use(uses[1], "torch", "FloatStorage\n", true);
        check_use(uses[1], "os\nsystem", "", true);
        check_use(uses[1], "torch\n", "FloatStorage", true);
}
END_TEST

/* The opcodes that call, and that no torch file has. */
START_TEST(test_calls)
{
        const struct hf_torch_options opaque = {.policy = HF_TORCH_OPAQUE};
        struct torch_parts parts = {.storages = "0=6*4"};

        parts.pickle = "#8004 } ( " W "'x' @os:system ( 'touch' t } NEWOBJ_EX u .";
        accept_zip(&parts, &opaque, "/ +1: w F32 [6] 0+0:24");
        parts.pickle = "#8004 } ( " W "'x' @collections:OrderedDict ) } NEWOBJ_EX u .";
        refuse_zip(&parts, NULL, HF_BAD_OPCODE, "NEWOBJ_EX");
        parts.pickle = "#8004 @os:system } NEWOBJ_EX .";
        refuse_zip(&parts, &opaque, HF_BAD_PICKLE, "stack");

        parts.pickle = "#8002 } 'x' ( 'touch' \"ios\\nsystem\\n\" s .";
        refuse_zip(&parts, NULL, HF_BAD_OPCODE, "INST");
        refuse_zip(&parts, &opaque, HF_BAD_OPCODE, "INST");
        parts.pickle = "#8002 } 'x' ( @collections:OrderedDict o s .";
        refuse_zip(&parts, NULL, HF_BAD_OPCODE, "OBJ");
        refuse_zip(&parts, &opaque, HF_BAD_OPCODE, "OBJ");
        parts.pickle = "#8002 } 'x' EXT1 #01 s .";
        refuse_zip(&parts, &opaque, HF_BAD_OPCODE, "EXT1");
        parts.pickle = "#8002 } 'x' EXT2 #0100 s .";
        refuse_zip(&parts, &opaque, HF_BAD_OPCODE, "EXT2");
        parts.pickle = "#8002 } 'x' EXT4 #01000000 s .";
        refuse_zip(&parts, &opaque, HF_BAD_OPCODE, "EXT4");
        parts.pickle = "} 'x' \"P0\\n\" s .";
        refuse_zip(&parts, &opaque, HF_BAD_OPCODE, "PERSID");
}
END_TEST

/* Functions of torch that this list does not know make tensors of kinds that it does not know either. */
START_TEST(test_rebuild)
{
        static const char *const names[] = {"_rebuild_tensor_v4", "_rebuild_tensor_v2 ", "_rebuild_tensor_v",
                                            "_rebuild_unheard_of", "_rebuild_tensor_v2.__globals__"};
        const struct hf_torch_options opaque = {.policy = HF_TORCH_OPAQUE};
        struct bytes pickle = {0};
        const struct torch_parts parts = {.raw = &pickle, .storages = "0=6*4"};

        write_use(&pickle, "#8002 } ( " W "'x' %s ( " F6 " t R u .", "torch._utils", names[_i], false);
        refuse_zip(&parts, NULL, HF_BAD_GLOBAL, names[_i]);
        refuse_zip(&parts, &opaque, HF_BAD_KIND, names[_i]);
        bytes_free(&pickle);
}
END_TEST

/* What does nothing must not pass for a tensor, a storage, a shape or a dictionary either. */
START_TEST(test_opaque_is_nothing)
{
        const struct hf_torch_options opaque = {.policy = HF_TORCH_OPAQUE};
        struct torch_parts parts = {.storages = "0=6*4"};

        parts.pickle = "#8002 @os:system ( 'touch' t R .";
        refuse_zip(&parts, &opaque, HF_BAD_STATE_DICT, "system");
        parts.pickle = "#8002 } 'w' " T_V2 "( @os:system ) R 0 ( 6 t ( 1 t NEWFALSE " T_OD "t R s .";
        refuse_zip(&parts, &opaque, HF_BAD_CALL, "_rebuild_tensor_v2");
        parts.pickle = "#8002 } 'w' " T_V2 "( " F6 " 0 @os:system ( ( 6 t t R ( 1 t NEWFALSE " T_OD "t R s .";
        refuse_zip(&parts, &opaque, HF_BAD_CALL, "_rebuild_tensor_v2");
        parts.pickle = "#8002 } 'w' " T_V2
                       "( ( 'storage' @os:system '0' 'cpu' 6 t Q 0 ( 6 t ( 1 t NEWFALSE " T_OD "t R s .";
        refuse_zip(&parts, &opaque, HF_BAD_STORAGE, "class");
        parts.pickle =
                "#8002 } 'w' @torch._tensor:_rebuild_from_type_v2 ( @os:system @torch:Tensor ( 'touch' t } t "
                "R s .";
        refuse_zip(&parts, NULL, HF_BAD_GLOBAL, "system");
        refuse_zip(&parts, &opaque, HF_BAD_CALL, "_rebuild_from_type_v2");
        parts.pickle = "#8002 } 'model' @collections:defaultdict ) R " W "s s .";
        refuse_zip(&parts, &opaque, HF_BAD_STATE_DICT, "model");
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch-globals");
        TCase *tests = tcase_create("globals");

        tcase_add_loop_test(tests, test_global, 0, sizeof(globals) / sizeof(*globals));
        tcase_add_test(tests, test_stack_global);
        tcase_add_loop_test(tests, test_rebuild, 0, 5);
        tcase_add_test(tests, test_calls);
        tcase_add_test(tests, test_opaque_is_nothing);
        suite_add_tcase(suite, tests);
        return run_suite(suite);
}
