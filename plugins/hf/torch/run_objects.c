/* SPDX-License-Identifier: Apache-2.0 */
/* Opcodes that, in Python, look something up or call it. */
#include "machine.h"

#include <string.h>

enum {
        NAME_PRINT_MAX = 120
};

static const struct hf_value *fail_global(struct hf_pickle *pickle, const char *module, const char *name)
{
        hf_pickle_fail(
                pickle, HF_BAD_GLOBAL,
                "the global %s.%s is not one that a state dictionary needs; nothing of it was run. If the "
                "file holds more than weights, weights.pickle_policy=opaque reads those beside it",
                module, name);
        return NULL;
}

static char *keep_printable(struct hf_pickle *pickle, const char *text)
{
        char *kept = hf_pickle_alloc(pickle, strlen(text) + 1);

        return kept ? strcpy(kept, text) : NULL;
}

/* What torch calls so makes a tensor, of a kind that is newer than the list. */
static enum hf_meaning guess_meaning(const char *module, const char *name)
{
        return strncmp(module, "torch.", 6) == 0 && strncmp(name, "_rebuild", 8) == 0 ? HF_MEANS_REBUILD_OTHER
                                                                                      : HF_MEANS_UNKNOWN;
}

/* A symbol for what is not in the list. */
static const struct hf_global *new_global(struct hf_pickle *pickle, const char *module, const char *name)
{
        struct hf_global *global = hf_pickle_alloc(pickle, sizeof *global);

        if (!global)
                return NULL;
        memset(global, 0, sizeof *global);
        global->meaning = (uint8_t)guess_meaning(module, name);
        global->dtype = HF_DTYPES;
        global->module = keep_printable(pickle, module);
        global->name = global->module ? keep_printable(pickle, name) : NULL;
        return global->name ? global : NULL;
}

const struct hf_value *hf_pickle_global(struct hf_pickle *pickle, const char *module, size_t module_length,
                                        const char *name, size_t name_length)
{
        const struct hf_global *global = hf_global_find(module, module_length, name, name_length);
        char module_text[NAME_PRINT_MAX], name_text[NAME_PRINT_MAX];
        struct hf_value *value;

        if (!global) {
                hf_name_print(module, module_length, module_text, sizeof module_text);
                hf_name_print(name, name_length, name_text, sizeof name_text);
                if (pickle->policy == HF_TORCH_STRICT)
                        return fail_global(pickle, module_text, name_text);
                global = new_global(pickle, module_text, name_text);
        }
        value = global ? hf_pickle_new(pickle, HF_VALUE_GLOBAL) : NULL;
        if (value)
                value->as.global = global;
        return value;
}

int hf_run_global(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        return hf_pickle_push(pickle, hf_pickle_global(pickle, operand->text, (size_t)operand->number,
                                                       operand->line, operand->line_length));
}

int hf_run_stack_global(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *name = hf_pickle_pop(pickle), *module = name ? hf_pickle_pop(pickle) : NULL;

        (void)operand;
        if (!module)
                return -1;
        if (module->kind != HF_VALUE_TEXT || name->kind != HF_VALUE_TEXT)
                return hf_pickle_fail(pickle, HF_BAD_PICKLE,
                                      "a global is named by %s and %s, not by two texts",
                                      hf_value_kind_name(module), hf_value_kind_name(name));
        return hf_pickle_push(pickle, hf_pickle_global(pickle, module->as.name->text, module->as.name->length,
                                                       name->as.name->text, name->as.name->length));
}

static int call(struct hf_pickle *pickle, const struct hf_value *callee, const struct hf_value *arguments)
{
        if (arguments->kind != HF_VALUE_TUPLE)
                return hf_pickle_fail(pickle, HF_BAD_CALL, "the arguments of a call are %s, not a tuple",
                                      hf_value_kind_name(arguments));
        return hf_pickle_push(pickle, hf_pickle_call(pickle, callee, arguments));
}

int hf_run_reduce(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *arguments = hf_pickle_pop(pickle),
                              *callee = arguments ? hf_pickle_pop(pickle) : NULL;

        (void)operand;
        return callee ? call(pickle, callee, arguments) : -1;
}

/* cls.__new__(cls, *args): what it makes is what a call makes. */
int hf_run_new_object(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        return hf_run_reduce(pickle, operand);
}

int hf_run_new_object_keywords(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *keywords = hf_pickle_pop(pickle);

        if (!keywords)
                return -1;
        if (pickle->policy == HF_TORCH_STRICT)
                return hf_pickle_fail(pickle, HF_BAD_OPCODE,
                                      "the opcode NEWOBJ_EX (0x92) is not one that torch.save writes");
        return hf_run_reduce(pickle, operand);
}

/* Attributes of an OrderedDict (a state dictionary's _metadata) or of an object: of no interest. */
int hf_run_build(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *state = hf_pickle_pop(pickle), *value = state ? hf_pickle_top(pickle) : NULL;

        (void)operand;
        if (!value)
                return -1;
        if (value->kind == HF_VALUE_DICT && value->as.items->has_attributes && state->kind == HF_VALUE_DICT)
                return 0;
        if (hf_value_is_unknown(value))
                return 0;
        return hf_pickle_fail(pickle, HF_BAD_CALL, "the opcode BUILD would change %s by %s",
                              hf_value_kind_name(value), hf_value_kind_name(state));
}

int hf_run_persistent_id(struct hf_pickle *pickle, const struct hf_operand *operand)
{
        const struct hf_value *id = hf_pickle_pop(pickle);

        (void)operand;
        return id ? hf_pickle_push(pickle, hf_pickle_storage(pickle, id)) : -1;
}
