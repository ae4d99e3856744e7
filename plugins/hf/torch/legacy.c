/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torch < 1.6: five pickles (a magic number, a version, the writer's machine, the object, the keys of its
 * storages), then, in the order of the keys, every storage: its count of elements, then their bytes.
 */
#include "container.h"
#include "state_dict.h"
#include "storage.h"

#include "../bytes.h"
#include "machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        PICKLES = 5,
        VERSION = 1001,
        COUNT_SIZE = 8,     /* bytes of a storage's count */
        WINDOW = 64 * 1024, /* bytes of the file that are read first */
        UNKNOWN_MAX = 1000, /* storages too many that are still told by name */
};

struct legacy {
        const struct hf_input *input;
        const struct hf_torch_options *options;
        struct hf_torch *torch;
        struct hf_error *error;
        struct hf_place *places;
        size_t n_places;
};

static int fail(struct legacy *legacy, enum hf_reason reason, uint64_t offset, const char *message)
{
        return hf_error_set(legacy->error, reason, offset, NULL, "%s", message);
}

/* Reads on until the pickles are whole, or cannot be: the machine then says why. */
static int read_pickles(struct legacy *legacy, struct hf_pickle_text *text)
{
        uint64_t size = legacy->input->size, limit = size < HF_TORCH_PICKLE_MAX ? size : HF_TORCH_PICKLE_MAX;
        uint64_t window = WINDOW;
        size_t position = 0;
        int pickles = 0, r = 1;

        while (pickles < PICKLES && r >= 0 && text->size < limit) {
                free(legacy->torch->pickle);
                legacy->torch->pickle = NULL;
                text->size = (size_t)(window < limit ? window : limit);
                if (hf_input_take(legacy->input, 0, text->size, "the pickle", &legacy->torch->pickle,
                                  legacy->error) < 0)
                        return -1;
                text->bytes = legacy->torch->pickle;
                while (pickles < PICKLES && (r = hf_pickle_skip(text, &position)) > 0)
                        pickles++;
                window *= 2;
        }
        if (pickles < PICKLES && r == 0 && limit < size)
                return fail(legacy, HF_BAD_LIMIT, position,
                            "its pickles have more than 96 MiB; split the checkpoint into more files");
        return 0;
}

static bool is_magic(const struct hf_value *value)
{
        return value->kind == HF_VALUE_LONG && value->count == 10 &&
               memcmp(value->as.bytes, "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10) == 0;
}

static int check_magic(struct legacy *legacy, struct hf_pickle *pickle)
{
        const struct hf_value *value = hf_pickle_run(pickle);

        if (!value)
                return -1;
        if (!is_magic(value))
                return fail(legacy, HF_BAD_CONTAINER, 0,
                            "this is a pickle, but not one of torch.save: it does not begin with its number");
        value = hf_pickle_run(pickle);
        if (!value)
                return -1;
        if (value->kind != HF_VALUE_INT || value->as.integer != VERSION)
                return fail(legacy, HF_BAD_CONTAINER, pickle->begin,
                            "the version of the file is not 1001, the only one that there is");
        return 0;
}

/* Whoever wrote another order, nobody knows for sure in which one the storages are. */
static int check_machine(struct legacy *legacy, struct hf_pickle *pickle)
{
        const struct hf_value *machine = hf_pickle_run(pickle);
        uint32_t i;

        if (!machine)
                return -1;
        if (machine->kind != HF_VALUE_DICT)
                return fail(legacy, HF_BAD_PICKLE, pickle->begin, "the third pickle is no dictionary");
        for (i = 0; i < machine->as.items->count; i += 2) {
                const struct hf_value *const *pair = machine->as.items->at + i;

                if (hf_value_is_text(pair[0], "little_endian") &&
                    !(pair[1]->kind == HF_VALUE_BOOL && pair[1]->as.integer))
                        return fail(legacy, HF_BAD_KIND, pickle->begin,
                                    "the file was written on a big-endian machine in the format before torch "
                                    "1.6; save it again with a newer torch");
        }
        return 0;
}

static int take_keys(struct legacy *legacy, struct hf_pickle *pickle)
{
        const struct hf_value *keys = hf_pickle_run(pickle);
        size_t again, first;
        uint32_t i;
        int r;

        if (!keys)
                return -1;
        if (keys->kind != HF_VALUE_LIST)
                return fail(legacy, HF_BAD_PICKLE, pickle->begin, "the list of storages is no list");
        if (keys->as.items->count > pickle->n_storages + UNKNOWN_MAX)
                return fail(legacy, HF_BAD_STORAGE, pickle->begin,
                            "more storages are listed than tensors have: nothing says what they are");
        legacy->places = calloc((size_t)keys->as.items->count + 1, sizeof *legacy->places);
        if (!legacy->places)
                return hf_error_set_memory(legacy->error);
        for (i = 0; i < keys->as.items->count; i++) {
                if (!keys->as.items->at[i]->is_name)
                        return fail(legacy, HF_BAD_PICKLE, pickle->begin,
                                    "the key of a storage is no text of 1 to 4096 bytes");
                legacy->places[i].name = *keys->as.items->at[i]->as.name;
        }
        legacy->n_places = i;
        r = hf_names_group(legacy->places, sizeof *legacy->places, i, NULL, &again, &first);
        if (r < 0)
                return hf_error_set_memory(legacy->error);
        return r ? fail(legacy, HF_BAD_STORAGE, pickle->begin, "a storage is listed twice") : 0;
}

static int find_place(struct legacy *legacy, struct hf_place *place, uint64_t *position)
{
        unsigned char bytes[COUNT_SIZE];
        char key[96], what[112];
        uint64_t count;

        hf_name_print(place->name.text, place->name.length, key, sizeof key);
        if (!place->storage)
                return hf_error_set(legacy->error, HF_BAD_STORAGE, *position, NULL,
                                    "storage %s is in the list, but nothing says what it is", key);
        if (hf_input_read(legacy->input, *position, bytes, COUNT_SIZE, "the size of a storage",
                          legacy->error) < 0)
                return -1;
        count = hf_le64(bytes);
        if (count != place->storage->count)
                return hf_error_set(legacy->error, HF_BAD_STORAGE, *position, NULL,
                                    "storage %s should have %" PRIu64 " elements, but has %" PRIu64, key,
                                    place->storage->count, count);
        place->begin = *position + COUNT_SIZE;
        place->size = hf_storage_size(place->storage);
        snprintf(what, sizeof what, "storage %s", key);
        if (hf_input_check(legacy->input, place->begin, place->size, what, legacy->error) < 0)
                return -1;
        *position = place->begin + place->size;
        return 0;
}

/* The storages must end where the file does. */
static int find_places(struct legacy *legacy, uint64_t position)
{
        size_t i;

        for (i = 0; i < legacy->n_places; i++)
                if (find_place(legacy, &legacy->places[i], &position) < 0)
                        return -1;
        if (position < legacy->input->size)
                return hf_error_set(legacy->error, HF_BAD_STORAGE, position, NULL,
                                    "%" PRIu64
                                    " bytes after the last storage belong to nothing; save the file "
                                    "again",
                                    legacy->input->size - position);
        return 0;
}

static int describe(struct legacy *legacy, struct hf_pickle *pickle)
{
        const struct hf_value *root;

        if (check_magic(legacy, pickle) < 0 || check_machine(legacy, pickle) < 0)
                return -1;
        root = hf_pickle_run(pickle);
        if (!root || take_keys(legacy, pickle) < 0)
                return -1;
        if (hf_storages_match(pickle, legacy->places, legacy->n_places) < 0 ||
            find_places(legacy, pickle->next) < 0 || hf_tensors_place(pickle) < 0)
                return -1;
        return hf_state_dict_read(pickle, root, legacy->options, false, legacy->torch);
}

int hf_torch_read_legacy(const struct hf_input *input, const struct hf_torch_options *options,
                         struct hf_torch *torch, struct hf_error *ret_error)
{
        struct legacy legacy = {.input = input, .options = options, .torch = torch, .error = ret_error};
        struct hf_pickle_text text = {0};
        struct hf_pickle pickle;
        int r;

        torch->legacy = true;
        if (read_pickles(&legacy, &text) < 0)
                return -1;
        hf_pickle_init(&pickle, &text, options->policy, &torch->arena, ret_error);
        pickle.has_views = true;
        r = describe(&legacy, &pickle);
        hf_pickle_deinit(&pickle);
        free(legacy.places);
        return r;
}
