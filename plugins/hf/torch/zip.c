/* SPDX-License-Identifier: Apache-2.0 */
/* An archive as a whole: opened from its end, its names compared, its members found. */
#include "zip.h"

#include "zip_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int hf_zip_fail(const struct hf_name *name, enum hf_reason reason, uint64_t at, const char *problem,
                struct hf_error *ret_error)
{
        static const char again[] = "; fetch the file again, or save it again with torch.save";
        char printed[128];

        return hf_error_set(ret_error, reason, at, NULL,
                            "member \"%s\" of the archive, at byte %" PRIu64 ", %s%s",
                            hf_name_print(name->text, name->length, printed, sizeof printed), at, problem,
                            reason == HF_BAD_ZIP ? again : "");
}

static int check_names(const struct hf_zip *zip, const struct hf_zip_end *end, struct hf_error *ret_error)
{
        const struct hf_name *name;
        size_t again = 0, first = 0;
        char printed[128];
        int r;

        r = hf_names_group(zip->members, sizeof *zip->members, zip->n_members, NULL, &again, &first);
        if (r < 0)
                return hf_error_set_memory(ret_error);
        if (r == 0)
                return 0;
        name = &zip->members[again].name;
        return hf_error_set(
                ret_error, HF_BAD_ZIP, end->offset, NULL,
                "members %zu and %zu of the archive have the same name, \"%s\", and readers could "
                "take either; save the file again with torch.save",
                first, again, hf_name_print(name->text, name->length, printed, sizeof printed));
}

static int read_archive(const struct hf_input *input, struct hf_zip *zip, struct hf_error *ret_error)
{
        struct hf_zip_end end;

        if (hf_zip_find_end(input, &end, ret_error) < 0 ||
            hf_input_take(input, end.offset, end.size, "the archive's central directory", &zip->directory,
                          ret_error) < 0 ||
            hf_zip_parse_directory(&end, zip, ret_error) < 0)
                return -1;
        if (check_names(zip, &end, ret_error) < 0)
                return -1;
        return hf_zip_check_members(input, &end, zip, ret_error);
}

int hf_zip_open(const struct hf_input *input, struct hf_zip *ret_zip, struct hf_error *ret_error)
{
        struct hf_zip zip = {0};

        if (read_archive(input, &zip, ret_error) < 0) {
                hf_zip_deinit(&zip);
                return -1;
        }
        *ret_zip = zip;
        return 0;
}

void hf_zip_deinit(struct hf_zip *zip)
{
        free(zip->members);
        free(zip->directory);
        memset(zip, 0, sizeof *zip);
}

const struct hf_zip_member *hf_zip_find(const struct hf_zip *zip, const char *name)
{
        size_t length = strlen(name), i;

        for (i = 0; i < zip->n_members; i++) {
                const struct hf_name *other = &zip->members[i].name;

                if (other->length == length && memcmp(other->text, name, length) == 0)
                        return &zip->members[i];
        }
        return NULL;
}
