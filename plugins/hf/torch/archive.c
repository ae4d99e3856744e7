/* SPDX-License-Identifier: Apache-2.0 */
/* torch >= 1.6: a zip archive of data.pkl, data/KEY for every storage, and a few words about itself. */
#include "container.h"
#include "state_dict.h"
#include "storage.h"
#include "zip.h"

#include <stdlib.h>
#include <string.h>

enum {
        WORD_MAX = 64 /* bytes of the members that hold one word */
};

struct archive {
        const struct hf_input *input;
        const struct hf_torch_options *options;
        struct hf_torch *torch;
        struct hf_error *error;
        struct hf_zip zip;
        struct hf_place *places;
        size_t n_places;
        bool big_endian;
};

/* Compiled models hold code, and their data.pkl makes objects of it. */
static int check_is_data(struct archive *archive)
{
        static const char code[] = "code/";
        size_t i;

        for (i = 0; i < archive->zip.n_members; i++) {
                const struct hf_name *name = &archive->zip.members[i].name;

                if ((name->length > sizeof code - 1 && memcmp(name->text, code, sizeof code - 1) == 0) ||
                    (name->length == 13 && memcmp(name->text, "constants.pkl", 13) == 0))
                        return hf_error_set(archive->error, HF_BAD_CONTAINER, 0, NULL,
                                            "this is a TorchScript archive, a program with weights in it; "
                                            "save the model's state_dict() instead");
        }
        return 0;
}

/* A missing byteorder is that of torch before 2.1, which had one. */
static int read_byte_order(struct archive *archive)
{
        const struct hf_zip_member *member = hf_zip_find(&archive->zip, "byteorder");
        uint64_t size, offset;
        char *word;
        int r = 0;

        if (!member)
                return 0;
        if (hf_zip_extract(archive->input, member, WORD_MAX, &word, &size, archive->error) < 0)
                return -1;
        offset = member->offset;
        if (size == 3 && memcmp(word, "big", 3) == 0)
                archive->big_endian = true;
        else if (size != 6 || memcmp(word, "little", 6) != 0)
                r = hf_error_set(
                        archive->error, HF_BAD_MEMBER, offset, NULL,
                        "the member byteorder says neither \"little\" nor \"big\"; save the file again");
        free(word);
        return r;
}

/* Members below data/ by their keys. */
static int gather_places(struct archive *archive)
{
        static const char prefix[] = "data/";
        const size_t length = sizeof prefix - 1;
        size_t i;

        archive->places = calloc(archive->zip.n_members + 1, sizeof *archive->places);
        if (!archive->places)
                return hf_error_set_memory(archive->error);
        for (i = 0; i < archive->zip.n_members; i++) {
                const struct hf_zip_member *member = &archive->zip.members[i];
                struct hf_place *place = &archive->places[archive->n_places];

                if (member->name.length <= length || memcmp(member->name.text, prefix, length) != 0)
                        continue;
                hf_name_init(&place->name, member->name.text + length, member->name.length - length);
                place->begin = member->offset;
                place->size = member->size;
                place->member = member;
                archive->n_places++;
        }
        return 0;
}

static int check_stored(const struct archive *archive)
{
        char key[96];
        size_t i;

        for (i = 0; i < archive->n_places; i++) {
                const struct hf_place *place = &archive->places[i];

                if (place->storage && place->member->method != HF_ZIP_STORED)
                        return hf_error_set(
                                archive->error, HF_BAD_STORAGE, place->begin, NULL,
                                "storage %s is compressed, so its tensors have no place in the "
                                "file; save it again with torch.save",
                                hf_name_print(place->name.text, place->name.length, key, sizeof key));
        }
        return 0;
}

static int verify(const struct archive *archive)
{
        size_t i;

        for (i = 0; i < archive->n_places; i++)
                if (archive->places[i].used &&
                    hf_zip_verify(archive->input, archive->places[i].member, archive->error) < 0)
                        return -1;
        return 0;
}

static int describe(struct archive *archive, struct hf_pickle *pickle)
{
        const struct hf_value *root = hf_pickle_run(pickle);

        if (!root)
                return -1;
        if (pickle->next != pickle->text.size)
                return hf_error_set(archive->error, HF_BAD_PICKLE, pickle->text.offset, NULL,
                                    "data.pkl goes on after its pickle: it has more in it than torch reads");
        if (hf_storages_match(pickle, archive->places, archive->n_places) < 0 || check_stored(archive) < 0 ||
            hf_storages_check(pickle, archive->places, archive->n_places) < 0 ||
            hf_tensors_place(pickle) < 0 ||
            hf_state_dict_read(pickle, root, archive->options, archive->big_endian, archive->torch) < 0)
                return -1;
        return archive->options->verify ? verify(archive) : 0;
}

static int read_pickle(struct archive *archive)
{
        const struct hf_zip_member *member = hf_zip_find(&archive->zip, "data.pkl");
        struct hf_pickle_text text = {0};
        struct hf_pickle pickle;
        uint64_t size;
        int r;

        if (!member)
                return hf_error_set(archive->error, HF_BAD_MEMBER, 0, NULL,
                                    "this is a zip archive without data.pkl: not one of torch.save");
        if (hf_zip_extract(archive->input, member, HF_TORCH_PICKLE_MAX, &archive->torch->pickle, &size,
                           archive->error) < 0)
                return -1;
        text.bytes = archive->torch->pickle;
        text.size = (size_t)size;
        text.offset = member->offset;
        text.unpacked = member->method != HF_ZIP_STORED;
        hf_pickle_init(&pickle, &text, archive->options->policy, &archive->torch->arena, archive->error);
        r = describe(archive, &pickle);
        hf_pickle_deinit(&pickle);
        return r;
}

int hf_torch_read_archive(const struct hf_input *input, const struct hf_torch_options *options,
                          struct hf_torch *torch, struct hf_error *ret_error)
{
        struct archive archive = {.input = input, .options = options, .torch = torch, .error = ret_error};
        int r;

        if (hf_zip_open(input, &archive.zip, ret_error) < 0)
                return -1;
        r = check_is_data(&archive);
        if (r == 0)
                r = read_byte_order(&archive);
        if (r == 0)
                r = gather_places(&archive);
        if (r == 0)
                r = read_pickle(&archive);
        free(archive.places);
        hf_zip_deinit(&archive.zip);
        return r;
}
