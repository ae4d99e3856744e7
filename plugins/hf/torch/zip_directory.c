/* SPDX-License-Identifier: Apache-2.0 */
/* The central directory: one record a member, the only place where sizes can be relied upon. */
#include "zip_internal.h"

#include "../utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t record_signature = UINT32_C(0x02014B50);

struct parser {
        const struct hf_zip_end *end;
        const unsigned char *at; /* of the record that is read */
        size_t left;             /* from there */
        struct hf_zip *zip;
        struct hf_error *error;
};

static uint64_t position(const struct parser *parser)
{
        return parser->end->offset + (parser->end->size - parser->left);
}

static int fail(const struct parser *parser, const char *problem)
{
        return hf_error_set(parser->error, HF_BAD_ZIP, position(parser), NULL,
                            "the archive's central directory at byte %" PRIu64
                            " %s; fetch the file again, or save it again with torch.save",
                            position(parser), problem);
}

static const char *flags_problem(uint32_t flags)
{
        if (flags & (1U << 0 | 1U << 6 | 1U << 13))
                return "is encrypted";
        if (flags & 1U << 5)
                return "is a patch to another file";
        return flags & ~(uint32_t)HF_ZIP_FLAGS ? "has flags that are not read" : NULL;
}

/* Between slashes, or at an end. */
static const char *component_problem(const char *text, size_t length)
{
        if (length == 0)
                return "has a name with an empty part";
        if (length <= 2 && text[0] == '.' && text[length - 1] == '.')
                return "has a name with \".\" or \"..\" in it";
        return NULL;
}

static const char *bytes_problem(const char *text, size_t length)
{
        if (memchr(text, '\0', length))
                return "has a name with a NUL";
        if (memchr(text, '\\', length))
                return "has a name with a backslash";
        if (!hf_utf8_is_valid(text, length))
                return "has a name that is not UTF-8";
        return NULL;
}

static const char *name_problem(const char *text, size_t length)
{
        const char *end = text + length, *slash, *problem;

        if (length == 0)
                return "has no name";
        if (length > HF_ZIP_NAME_MAX)
                return "has a name of more than 1024 bytes";
        if (text[0] == '/')
                return "has an absolute name";
        if (end[-1] == '/')
                return "is a directory, and torch.save writes none";
        problem = bytes_problem(text, length);
        while (!problem && (slash = memchr(text, '/', (size_t)(end - text)))) {
                problem = component_problem(text, (size_t)(slash - text));
                text = slash + 1;
        }
        return problem ? problem : component_problem(text, (size_t)(end - text));
}

/* The first member chooses the root, the others must be in it. */
static const char *take_name(struct hf_zip *zip, const char *text, size_t length, struct hf_name *ret_name)
{
        const char *problem = name_problem(text, length), *slash;

        if (problem)
                return problem;
        slash = memchr(text, '/', length);
        if (!slash)
                return "is in no folder";
        if (!zip->root.text) {
                hf_name_init(&zip->root, text, (size_t)(slash - text));
        }
        if ((size_t)(slash - text) != zip->root.length || memcmp(text, zip->root.text, zip->root.length) != 0)
                return "is in another folder than the first member";
        hf_name_init(ret_name, slash + 1, length - (size_t)(slash + 1 - text));
        return NULL;
}

/* Everything but the name. */
static const char *take_fields(const unsigned char *at, const unsigned char *extra, size_t extra_length,
                               struct hf_zip_member *member)
{
        struct hf_zip_wide wide = {
                .packed = hf_le32(at + 20),
                .size = hf_le32(at + 24),
                .disk = hf_le16(at + 34),
                .offset = hf_le32(at + 42),
        };
        const char *problem;

        member->flags = (uint16_t)hf_le16(at + 8);
        member->method = (uint16_t)hf_le16(at + 10);
        member->crc = hf_le32(at + 16);
        problem = flags_problem(member->flags);
        if (!problem)
                problem = hf_zip_read_extra(extra, extra_length, &wide);
        if (problem)
                return problem;
        member->packed = wide.packed;
        member->size = wide.size;
        member->offset = wide.offset;
        if (wide.disk != 0)
                return "is on another disk";
        if (member->method != HF_ZIP_STORED && member->method != HF_ZIP_DEFLATED)
                return "is packed by a method other than stored and deflated";
        if (member->method == HF_ZIP_STORED && member->packed != member->size)
                return "is stored, but has two sizes";
        return NULL;
}

static int parse_record(struct parser *parser, struct hf_zip_member *member)
{
        const unsigned char *at = parser->at;
        const char *name = (const char *)at + HF_ZIP_RECORD_SIZE, *problem;
        size_t name_length, extra_length, size;

        if (parser->left < HF_ZIP_RECORD_SIZE)
                return fail(parser, "ends before the last of the members that the end record counts");
        if (hf_le32(at) != record_signature)
                return fail(parser, "has something other than a member's record");
        name_length = hf_le16(at + 28);
        extra_length = hf_le16(at + 30);
        size = HF_ZIP_RECORD_SIZE + name_length + extra_length + hf_le16(at + 32);
        if (size > parser->left)
                return fail(parser, "ends within a member's record");

        problem = take_name(parser->zip, name, name_length, &member->name);
        if (!problem)
                problem = take_fields(at, at + HF_ZIP_RECORD_SIZE + name_length, extra_length, member);
        if (problem)
                return hf_zip_fail(&(struct hf_name){name, (uint32_t)name_length, 0}, HF_BAD_ZIP,
                                   position(parser), problem, parser->error);
        parser->at += size;
        parser->left -= size;
        return 0;
}

int hf_zip_parse_directory(const struct hf_zip_end *end, struct hf_zip *zip, struct hf_error *ret_error)
{
        struct parser parser = {
                .end = end,
                .at = (const unsigned char *)zip->directory,
                .left = (size_t)end->size,
                .zip = zip,
                .error = ret_error,
        };

        zip->members = calloc((size_t)end->count, sizeof *zip->members);
        if (!zip->members)
                return hf_error_set_memory(ret_error);
        for (; zip->n_members < end->count; zip->n_members++)
                if (parse_record(&parser, &zip->members[zip->n_members]) < 0)
                        return -1;
        return parser.left ? fail(&parser, "goes on after the last member that the end record counts") : 0;
}
