/* SPDX-License-Identifier: Apache-2.0 */
/* Which files hold the weights. The index decides; without one, the names do. */
#include "components.h"
#include "shards.h"

#include <stdlib.h>
#include <string.h>

enum {
        INDEX_SIZE_MAX = 512 * 1024 * 1024
};

/* Mistral's originals lie beside the converted files, with the same weights under other names. */
static bool is_consolidated(const char *name)
{
        return strstr(name, "consolidated") != NULL;
}

static bool is_shard(const char *name)
{
        return hf_has_suffix(name, ".safetensors");
}

/* How many shards there are of the wanted kind, or of any kind (`wanted` < 0). */
static uint32_t count_shards(const ckpt_source *source, int wanted)
{
        uint32_t i, count = 0;

        for (i = 0; i < ckpt_source_count(source); i++) {
                const char *name = ckpt_source_name(source, i);

                count += is_shard(name) && (wanted < 0 || is_consolidated(name) == (wanted != 0));
        }
        return count;
}

static ckpt_status fail_none(const ckpt_frame *self, const ckpt_source *source)
{
        ckpt_where where = {.struct_size = sizeof where};
        uint32_t i;

        for (i = 0; i < ckpt_source_count(source); i++) {
                const char *name = ckpt_source_name(source, i);

                if (!hf_has_suffix(name, ".bin") && !hf_has_suffix(name, ".pth"))
                        continue;
                where.object = name;
                where.hint = "save the model as safetensors";
                return ckpt_fail(self, CKPT_E_UNSUPPORTED, &where,
                                 "%s has its weights as a PyTorch pickle, which this version does not read",
                                 ckpt_source_label(source));
        }
        where.hint = "check the path, and that the download is complete";
        return ckpt_fail(self, CKPT_E_NOT_FOUND, &where,
                         "no weight files in %s: looked for *.safetensors and model.safetensors.index.json",
                         ckpt_source_label(source));
}

static ckpt_status allocate(const ckpt_frame *self, struct hf_shards *shards, size_t count)
{
        shards->shards = calloc(count ? count : 1, sizeof *shards->shards);
        return shards->shards ? 0 : hf_fail_memory(self);
}

static ckpt_status select_by_name(ckpt_frame *self, const ckpt_source *source, bool use_consolidated,
                                  struct hf_shards *shards)
{
        int wanted = use_consolidated;
        uint32_t i;
        ckpt_status r;

        if (count_shards(source, wanted) == 0)
                wanted = -1;
        if (count_shards(source, wanted) == 0)
                return fail_none(self, source);
        if (wanted < 0)
                ckpt_log(self, CKPT_LOG_INFO,
                         "%s has %s consolidated files: taking all of its safetensors files",
                         ckpt_source_label(source), use_consolidated ? "no" : "only");
        r = allocate(self, shards, count_shards(source, wanted));
        for (i = 0; r == 0 && i < ckpt_source_count(source); i++) {
                const char *name = ckpt_source_name(source, i);

                if (is_shard(name) && (wanted < 0 || is_consolidated(name) == (wanted != 0)))
                        shards->shards[shards->n_shards++].object = i;
        }
        return r;
}

static ckpt_status read_index(ckpt_frame *self, const ckpt_source *source, uint32_t object,
                              struct hf_shards *shards)
{
        struct hf_error error;
        uint64_t size = 0;
        ckpt_status r = hf_read_object(self, source, object, INDEX_SIZE_MAX, &shards->index_text, &size);

        if (r < 0)
                return r;
        if (hf_index_parse(shards->index_text, (size_t)size, &shards->index, &error) < 0)
                return hf_fail_parse(self, ckpt_source_name(source, object), &error);
        shards->index_name = ckpt_source_name(source, object);
        return 0;
}

static ckpt_status fail_missing(const ckpt_frame *self, const struct hf_shards *shards, uint32_t file)
{
        const struct hf_index *index = &shards->index;
        char name[HF_INDEX_FILE_NAME_MAX * 4 + 8], tensor[160] = "";
        ckpt_where where = {.struct_size = sizeof where,
                            .object = name,
                            .tensor = tensor,
                            .hint = "fetch the missing file"};
        size_t i;

        hf_name_print(index->files[file].text, index->files[file].length, name, sizeof name);
        for (i = 0; i < index->n_entries; i++)
                if (index->entries[i].file == file) {
                        hf_name_print(index->entries[i].name.text, index->entries[i].name.length, tensor,
                                      sizeof tensor);
                        break;
                }
        return ckpt_fail(self, CKPT_E_NOT_FOUND, &where, "%s names a shard that is not there",
                         shards->index_name);
}

static void log_ignored(const ckpt_frame *self, const ckpt_source *source, const struct hf_shards *shards)
{
        uint32_t object, i;

        for (object = 0; object < ckpt_source_count(source); object++) {
                const char *name = ckpt_source_name(source, object);

                for (i = 0; i < shards->n_shards && shards->shards[i].object != object; i++)
                        ;
                if (i == shards->n_shards && is_shard(name) && !is_consolidated(name))
                        ckpt_log(self, CKPT_LOG_WARNING, "%s is not in %s and is not read", name,
                                 shards->index_name);
        }
}

static ckpt_status select_by_index(ckpt_frame *self, const ckpt_source *source, uint32_t object,
                                   struct hf_shards *shards)
{
        ckpt_status r = read_index(self, source, object, shards);
        uint32_t file;

        if (r == 0)
                r = allocate(self, shards, shards->index.n_files);
        if (r < 0)
                return r;
        for (file = 0; file < shards->index.n_files; file++) {
                const struct hf_name *name = &shards->index.files[file];
                char plain[HF_INDEX_FILE_NAME_MAX + 1];

                memcpy(plain, name->text, name->length);
                plain[name->length] = '\0';
                if (ckpt_source_find(source, plain, &shards->shards[file].object) != 0)
                        r = fail_missing(self, shards, file);
        }
        shards->n_shards = (uint32_t)shards->index.n_files;
        if (r == 0)
                log_ignored(self, source, shards);
        return r;
}

ckpt_status hf_shards_select(ckpt_frame *self, const ckpt_source *source, bool use_consolidated,
                             struct hf_shards *shards)
{
        bool consolidated = use_consolidated && count_shards(source, 1) > 0;
        const char *index =
                consolidated ? "consolidated.safetensors.index.json" : "model.safetensors.index.json";
        uint32_t object;

        if (ckpt_source_find(source, index, &object) == 0)
                return select_by_index(self, source, object, shards);
        return select_by_name(self, source, use_consolidated, shards);
}

void hf_shards_deinit(struct hf_shards *shards)
{
        uint32_t i;

        for (i = 0; i < shards->n_shards; i++) {
                hf_safetensors_deinit(&shards->shards[i].table);
                free(shards->shards[i].header);
        }
        free(shards->shards);
        hf_index_deinit(&shards->index);
        free(shards->index_text);
        memset(shards, 0, sizeof *shards);
}
