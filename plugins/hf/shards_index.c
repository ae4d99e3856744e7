/* SPDX-License-Identifier: Apache-2.0 */
/* The files that an index names, all of which must be there. */
#include "components.h"
#include "shards.h"

#include <string.h>

enum {
        INDEX_SIZE_MAX = 512 * 1024 * 1024,
        REPORTS_MAX = 100
};

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
                if (i < shards->n_shards)
                        continue;
                if (hf_is_companion(shards->family, name))
                        ckpt_log(self, CKPT_LOG_INFO, "%s is a trainer's and is not read", name);
                else if (hf_family_has(shards->family, name) && !hf_is_consolidated(name))
                        ckpt_log(self, CKPT_LOG_WARNING, "%s is not in %s and is not read", name,
                                 shards->index_name);
        }
}

ckpt_status hf_shards_select_by_index(ckpt_frame *self, const ckpt_source *source, uint32_t object,
                                      struct hf_shards *shards)
{
        ckpt_status r = read_index(self, source, object, shards);
        uint32_t file, missing = 0;

        if (r == 0)
                r = hf_shards_allocate(self, shards, shards->index.n_files);
        if (r < 0)
                return r;
        for (file = 0; file < shards->index.n_files; file++) {
                const struct hf_name *name = &shards->index.files[file];
                char plain[HF_INDEX_FILE_NAME_MAX + 1];

                memcpy(plain, name->text, name->length);
                plain[name->length] = '\0';
                /* A hundred missing files say it all. */
                if (ckpt_source_find(source, plain, &shards->shards[file].object) != 0 &&
                    missing++ < REPORTS_MAX)
                        r = fail_missing(self, shards, file);
        }
        shards->n_shards = (uint32_t)shards->index.n_files;
        if (r == 0)
                log_ignored(self, source, shards);
        return r;
}
