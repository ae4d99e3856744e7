/* SPDX-License-Identifier: Apache-2.0 */
/* Which files hold the weights. The index decides; without one, the names do. */
#include "components.h"
#include "shards.h"

#include <stdlib.h>
#include <string.h>

/* What a name must be to count. */
struct choice {
        const struct hf_family *family;
        const char *only; /* the one name that counts, or NULL */
        int consolidated; /* whether it must say "consolidated"; < 0: either way */
};

static bool is_chosen(const struct choice *choice, const char *name)
{
        if (choice->only)
                return strcmp(name, choice->only) == 0;
        return hf_family_has(choice->family, name) &&
               (choice->consolidated < 0 || hf_is_consolidated(name) == (choice->consolidated != 0));
}

static uint32_t count_chosen(const ckpt_source *source, const struct choice *choice)
{
        uint32_t i, count = 0;

        for (i = 0; i < ckpt_source_count(source); i++)
                count += is_chosen(choice, ckpt_source_name(source, i));
        return count;
}

/* A file that was named itself is meant, even if it is called like one that is usually passed over. */
static bool choose_one(const ckpt_source *source, struct choice *choice)
{
        const struct hf_family *family = choice->family;
        uint32_t object;

        if (family->is_torch && ckpt_source_count(source) == 1 &&
            hf_has_suffix(ckpt_source_name(source, 0), family->suffix))
                choice->only = ckpt_source_name(source, 0);
        else if (family->whole && ckpt_source_find(source, family->whole, &object) == 0)
                choice->only = family->whole;
        return choice->only != NULL;
}

/* Whether the source has files of the family; *ret_choice says which. */
static bool choose(const ckpt_source *source, const struct hf_family *family, bool use_consolidated,
                   struct choice *ret_choice)
{
        *ret_choice = (struct choice){family, NULL, use_consolidated};
        if (use_consolidated && count_chosen(source, ret_choice) > 0)
                return true;
        if (choose_one(source, ret_choice))
                return true;
        if (count_chosen(source, ret_choice) == 0)
                ret_choice->consolidated = -1;
        return count_chosen(source, ret_choice) > 0;
}

/* Of safetensors files nobody expects another than the model's to be there. */
static void log_passed_over(const ckpt_frame *self, const struct choice *choice, const char *name)
{
        if (hf_is_companion(choice->family, name))
                ckpt_log(self, CKPT_LOG_INFO, "%s is a trainer's and is not read", name);
        else if (choice->only && hf_has_suffix(name, choice->family->suffix))
                ckpt_log(self, CKPT_LOG_WARNING, "%s is not read, since %s is there", name, choice->only);
}

static ckpt_status select_by_name(ckpt_frame *self, const ckpt_source *source, const struct choice *choice,
                                  bool use_consolidated, struct hf_shards *shards)
{
        uint32_t i;
        ckpt_status r;

        if (choice->consolidated < 0)
                ckpt_log(self, CKPT_LOG_INFO, "%s has %s consolidated files: taking all of its %s files",
                         ckpt_source_label(source), use_consolidated ? "no" : "only",
                         choice->family->suffix + 1);
        r = hf_shards_allocate(self, shards, count_chosen(source, choice));
        for (i = 0; r == 0 && i < ckpt_source_count(source); i++) {
                if (is_chosen(choice, ckpt_source_name(source, i)))
                        shards->shards[shards->n_shards++].object = i;
                else
                        log_passed_over(self, choice, ckpt_source_name(source, i));
        }
        /* One file that was named itself, or that is whole, is not one of several. */
        return r == 0 && choice->family->is_torch && !choice->only
                       ? hf_shards_check_numbers(self, source, shards)
                       : r;
}

static bool find_index(const ckpt_source *source, const struct hf_family *family, bool use_consolidated,
                       uint32_t *ret_object)
{
        const struct choice consolidated = {family, NULL, 1};
        const char *name = use_consolidated && count_chosen(source, &consolidated) > 0
                                   ? family->consolidated_index
                                   : family->index;

        return name && ckpt_source_find(source, name, ret_object) == 0;
}

static ckpt_status fail_none(const ckpt_frame *self, const ckpt_source *source)
{
        ckpt_where where = {.struct_size = sizeof where,
                            .hint = "check the path, and that the download is complete"};

        return ckpt_fail(self, CKPT_E_NOT_FOUND, &where,
                         "no weight files in %s: looked for *.safetensors and model.safetensors.index.json, "
                         "*.bin and pytorch_model.bin.index.json, *.pth",
                         ckpt_source_label(source));
}

ckpt_status hf_shards_select(ckpt_frame *self, const ckpt_source *source, bool use_consolidated,
                             struct hf_shards *shards)
{
        struct choice choice;
        uint32_t i, object;

        for (i = 0; i < HF_FAMILIES; i++) {
                shards->family = &hf_families[i];
                if (find_index(source, shards->family, use_consolidated, &object))
                        return hf_shards_select_by_index(self, source, object, shards);
                if (choose(source, shards->family, use_consolidated, &choice))
                        return select_by_name(self, source, &choice, use_consolidated, shards);
        }
        return fail_none(self, source);
}

ckpt_status hf_shards_allocate(const ckpt_frame *self, struct hf_shards *shards, size_t count)
{
        shards->shards = calloc(count ? count : 1, sizeof *shards->shards);
        shards->headers = calloc(count ? count : 1, sizeof *shards->headers);
        return shards->shards && shards->headers ? 0 : hf_fail_memory(self);
}

void hf_shards_deinit(struct hf_shards *shards)
{
        uint32_t i;

        for (i = 0; i < shards->n_shards; i++)
                hf_torch_deinit(&shards->shards[i].torch);
        hf_headers_deinit(shards->headers, shards->n_shards);
        free(shards->headers);
        free(shards->shards);
        hf_index_deinit(&shards->index);
        free(shards->index_text);
        memset(shards, 0, sizeof *shards);
}
