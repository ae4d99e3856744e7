/* SPDX-License-Identifier: Apache-2.0 */
/* From the values of a dictionary to tensors of a file. */
#include "state_dict.h"

#include "machine.h"
#include "state_dict_find.h"
#include "storage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
        TABLES = sizeof(struct hf_tensor) + 2 * sizeof(struct hf_name) /* bytes of an entry, at most */
};

static int fail_name(struct hf_pickle *pickle, const struct hf_value *key)
{
        if (key->kind != HF_VALUE_TEXT)
                return hf_error_set(pickle->error, HF_BAD_STATE_DICT, pickle->text.offset, NULL,
                                    "the name of a tensor is %s, not a text", hf_value_kind_name(key));
        if (key->as.name->length == 0 || key->as.name->length > HF_NAME_MAX)
                return hf_error_set(pickle->error, HF_BAD_NAME_LENGTH, pickle->text.offset, NULL,
                                    "the name of a tensor has %" PRIu32 " bytes, not 1 to %d",
                                    key->as.name->length, HF_NAME_MAX);
        return hf_error_set(pickle->error, HF_BAD_NAME_NUL, pickle->text.offset, key->as.name,
                            "the name of a tensor holds a NUL");
}

static int fail_tensor(struct hf_pickle *pickle, const struct hf_name *name, const char *problem,
                       const struct hf_global *culprit)
{
        return hf_error_set(pickle->error, HF_BAD_KIND, pickle->text.offset, name, "the tensor %s (%s.%s)",
                            problem, culprit->module, culprit->name);
}

static bool is_packed(const struct hf_rebuilt *tensor)
{
        uint64_t stride = 1;
        uint32_t i = tensor->rank;

        while (i-- > 0) {
                if (tensor->shape[i] > 1 && tensor->strides[i] != stride)
                        return false;
                stride *= tensor->shape[i];
        }
        return true;
}

/* float4_e2m1fn_x2 counts pairs, F4 counts elements: the last dimension is twice as long. */
static int unpack_pairs(struct hf_pickle *pickle, const struct hf_rebuilt *rebuilt, struct hf_tensor *tensor)
{
        uint64_t *shape;

        if (tensor->rank == 0 || !is_packed(rebuilt))
                return fail_tensor(pickle, &tensor->name, "has F4 elements that are not contiguous",
                                   rebuilt->type);
        shape = hf_pickle_alloc(pickle, tensor->rank * sizeof *shape);
        if (!shape)
                return -1;
        memcpy(shape, rebuilt->shape, tensor->rank * sizeof *shape);
        shape[tensor->rank - 1] *= 2;
        tensor->shape = shape;
        tensor->strides = NULL;
        return 0;
}

static int take_tensor(struct hf_pickle *pickle, const struct hf_value *key, const struct hf_value *value,
                       bool big_endian, struct hf_tensor *tensor)
{
        const struct hf_rebuilt *rebuilt = value->as.tensor;

        memset(tensor, 0, sizeof *tensor);
        if (!key->is_name)
                return fail_name(pickle, key);
        tensor->name = *key->as.name;
        if (rebuilt->problem)
                return fail_tensor(pickle, &tensor->name, rebuilt->problem, rebuilt->culprit);
        tensor->shape = rebuilt->shape;
        tensor->strides = rebuilt->strides;
        tensor->begin = rebuilt->begin;
        tensor->end = rebuilt->end;
        tensor->dtype = rebuilt->type->dtype;
        tensor->rank = rebuilt->rank;
        tensor->big_endian = big_endian && hf_dtype_bits(tensor->dtype) > 8;
        rebuilt->storage->place->used = true;
        return tensor->dtype == HF_F4 ? unpack_pairs(pickle, rebuilt, tensor) : 0;
}

static void note_other(struct hf_torch *torch, const struct hf_value *key)
{
        if (torch->n_others++ > 0)
                return;
        if (key->kind == HF_VALUE_TEXT)
                hf_name_print(key->as.name->text, key->as.name->length, torch->first_other,
                              sizeof torch->first_other);
        else
                hf_name_print(hf_value_kind_name(key), strlen(hf_value_kind_name(key)), torch->first_other,
                              sizeof torch->first_other);
}

/* Of two values of one key Python keeps the last; nobody writes such a file. */
static int check_keys(struct hf_pickle *pickle, const struct hf_items *items)
{
        struct hf_name *keys = calloc(items->count / 2 + 1, sizeof *keys);
        size_t again = 0, first = 0, n = 0;
        uint32_t i;
        int r = -1;

        for (i = 0; keys && i < items->count; i += 2)
                if (items->at[i]->is_name)
                        keys[n++] = *items->at[i]->as.name;
        if (keys)
                r = hf_names_group(keys, sizeof *keys, n, NULL, &again, &first);
        if (r < 0)
                hf_error_set_memory(pickle->error);
        if (r > 0)
                r = hf_error_set(pickle->error, HF_BAD_NAME_DUPLICATE, pickle->text.offset, &keys[again],
                                 "entries %zu and %zu of the state dictionary have the same name", first,
                                 again);
        free(keys);
        return r;
}

static int take_entries(struct hf_pickle *pickle, const struct hf_items *items, bool big_endian,
                        struct hf_torch *torch)
{
        uint32_t i;

        for (i = 0; i < items->count; i += 2) {
                if (items->at[i + 1]->kind != HF_VALUE_TENSOR) {
                        note_other(torch, items->at[i]);
                        continue;
                }
                if (take_tensor(pickle, items->at[i], items->at[i + 1], big_endian,
                                &torch->tensors[torch->n_tensors]) < 0)
                        return -1;
                torch->n_tensors++;
        }
        return 0;
}

int hf_state_dict_read(struct hf_pickle *pickle, const struct hf_value *root,
                       const struct hf_torch_options *options, bool big_endian, struct hf_torch *torch)
{
        const struct hf_value *dict;
        const char *path;
        size_t n;

        dict = hf_state_dict_find(pickle, root, options->state_dict, &path);
        if (!dict)
                return -1;
        hf_name_print(path, strlen(path), torch->state_dict, sizeof torch->state_dict);
        n = dict->as.items->count / 2;
        if (n > HF_TENSORS_MAX || n * TABLES > pickle->room)
                return hf_error_set(pickle->error, HF_BAD_LIMIT, pickle->text.offset, NULL,
                                    "the state dictionary has %zu entries, more than are read of one file",
                                    n);
        if (check_keys(pickle, dict->as.items) < 0)
                return -1;
        /* One more than none, so that there is something to free. */
        torch->tensors = calloc(n + 1, sizeof *torch->tensors);
        if (!torch->tensors)
                return hf_error_set_memory(pickle->error);
        return take_entries(pickle, dict->as.items, big_endian, torch);
}
