/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file from its first byte to the central directory, in order: local header, data and data descriptor of
 * each member, and every byte is one member's.
 */
#include "zip_internal.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
        DESCRIPTOR_MAX = 24,
        AHEAD = 192, /* of the extra field, read with the header: more than torch pads by default */
        WINDOW_MAX = DESCRIPTOR_MAX + HF_ZIP_LOCAL_SIZE + HF_ZIP_NAME_MAX + UINT16_MAX,
};

static const uint32_t local_signature = UINT32_C(0x04034B50);

struct walk {
        const struct hf_input *input;
        const struct hf_zip *zip;
        struct hf_error *error;
        uint64_t limit;                       /* where the central directory begins */
        uint64_t reached;                     /* all before it belongs to a member */
        const struct hf_zip_member *previous; /* whose data end there */
        unsigned char *window;                /* what stands there */
};

static int fail(const struct walk *walk, uint64_t at, const struct hf_zip_member *member, const char *problem)
{
        return hf_zip_fail(&member->name, HF_BAD_ZIP, at, problem, walk->error);
}

/* With the root and its slash, which stand before it in the directory. */
static size_t full_length(const struct walk *walk, const struct hf_zip_member *member)
{
        return walk->zip->root.length + 1 + member->name.length;
}

static int fail_gap(const struct walk *walk, uint64_t gap)
{
        return hf_error_set(walk->error, HF_BAD_ZIP, walk->reached, NULL,
                            "%" PRIu64 " bytes of the archive at byte %" PRIu64
                            " belong to no member; fetch the file again, or save it again with torch.save",
                            gap, walk->reached);
}

/* Whether what ends at `next` can begin where the last member ended; what is between is not read yet. */
static int check_place(const struct walk *walk, uint64_t next, const struct hf_zip_member *member)
{
        if (next < walk->reached)
                return fail(walk, next, member, "overlaps another one");
        if (next - walk->reached > (walk->previous ? DESCRIPTOR_MAX : 0))
                return fail_gap(walk, next - walk->reached);
        return 0;
}

static int check_between(const struct walk *walk, size_t gap)
{
        if (gap == 0 || hf_zip_is_descriptor(walk->previous, walk->window, gap))
                return 0;
        return fail_gap(walk, gap);
}

/* `window` has `have` bytes of the header; the extra field may be longer, and is read then. */
static int check_header(const struct walk *walk, struct hf_zip_member *member, const unsigned char *header,
                        size_t have)
{
        size_t name_length = full_length(walk, member), size = HF_ZIP_LOCAL_SIZE + name_length;
        const char *name = member->name.text - (walk->zip->root.length + 1), *problem;
        uint64_t room = walk->limit - member->offset;

        if (hf_le32(header) != local_signature)
                return fail(walk, member->offset, member, "has no local header");
        size += hf_le16(header + 28);
        if (size > room || member->packed > room - size)
                return fail(walk, member->offset, member, "does not end before the central directory");
        if (size > have) {
                if (hf_input_read(walk->input, member->offset, walk->window, size, "a local header",
                                  walk->error) < 0)
                        return -1;
                header = walk->window;
        }
        problem = hf_zip_local_problem(member, header, name, name_length);
        if (problem)
                return fail(walk, member->offset, member, problem);
        member->offset += size;
        return 0;
}

/* One read: the descriptor of the member before, the header, and as much more as is usual. */
static int check_member(struct walk *walk, struct hf_zip_member *member)
{
        size_t gap, want;
        uint64_t room;

        if (member->offset >= walk->limit ||
            walk->limit - member->offset < HF_ZIP_LOCAL_SIZE + full_length(walk, member))
                return fail(walk, member->offset, member, "does not begin before the central directory");
        if (check_place(walk, member->offset, member) < 0)
                return -1;
        gap = (size_t)(member->offset - walk->reached);
        room = walk->limit - walk->reached;
        want = gap + HF_ZIP_LOCAL_SIZE + full_length(walk, member) + AHEAD;
        if (want > room)
                want = (size_t)room;
        if (hf_input_read(walk->input, walk->reached, walk->window, want, "a local header", walk->error) < 0)
                return -1;
        if (check_between(walk, gap) < 0 || check_header(walk, member, walk->window + gap, want - gap) < 0)
                return -1;
        walk->reached = member->offset + member->packed;
        walk->previous = member;
        return 0;
}

static int check_end(const struct walk *walk)
{
        uint64_t gap = walk->limit - walk->reached;

        if (gap > DESCRIPTOR_MAX)
                return fail_gap(walk, gap);
        if (hf_input_read(walk->input, walk->reached, walk->window, gap, "a data descriptor", walk->error) <
            0)
                return -1;
        return check_between(walk, (size_t)gap);
}

static int compare_offsets(const void *a, const void *b)
{
        const struct hf_zip_member *x = *(struct hf_zip_member *const *)a,
                                   *y = *(struct hf_zip_member *const *)b;

        return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Pointers to the members in the order of the file. */
static struct hf_zip_member **sort_members(const struct hf_zip *zip)
{
        struct hf_zip_member **sorted = malloc(zip->n_members * sizeof *sorted);
        size_t i;

        if (!sorted)
                return NULL;
        for (i = 0; i < zip->n_members; i++)
                sorted[i] = &zip->members[i];
        qsort(sorted, zip->n_members, sizeof *sorted, compare_offsets);
        return sorted;
}

static int check_all(struct walk *walk, struct hf_zip_member *const *sorted)
{
        size_t i;

        for (i = 0; i < walk->zip->n_members; i++)
                if (check_member(walk, sorted[i]) < 0)
                        return -1;
        return check_end(walk);
}

int hf_zip_check_members(const struct hf_input *input, const struct hf_zip_end *end, struct hf_zip *zip,
                         struct hf_error *ret_error)
{
        struct walk walk = {.input = input, .zip = zip, .error = ret_error, .limit = end->offset};
        struct hf_zip_member **sorted = sort_members(zip);
        int r;

        walk.window = malloc(WINDOW_MAX);
        if (sorted && walk.window)
                r = check_all(&walk, sorted);
        else
                r = hf_error_set_memory(ret_error);
        free(walk.window);
        free(sorted);
        return r;
}
