/* SPDX-License-Identifier: Apache-2.0 */
/* Which container a file is, by its first bytes: names and suffixes prove nothing. */
#include "torch.h"

#include "container.h"

#include "../safetensors.h"

#include <stdlib.h>
#include <string.h>

struct head {
        unsigned char bytes[HF_TORCH_SNIFF];
        size_t size;
        uint64_t file_size;
};

static bool begins(const struct head *head, size_t at, const char *text)
{
        size_t length = strlen(text);

        return head->size >= at + length && memcmp(head->bytes + at, text, length) == 0;
}

static int fail(struct hf_error *ret_error, enum hf_reason reason, const char *message)
{
        return hf_error_set(ret_error, reason, 0, NULL, "%s", message);
}

/* What people put in a checkpoint's place, by name. */
static int fail_container(const struct head *head, struct hf_error *ret_error)
{
        if (head->size == 0)
                return fail(ret_error, HF_BAD_TOO_SMALL, "the file is empty; fetch it again");
        if (begins(head, 0, "version https://git-lfs"))
                return fail(ret_error, HF_BAD_GIT_LFS,
                            "this is a Git-LFS pointer, not the file itself; fetch it with `git lfs pull`");
        if (begins(head, 0, "PYTORCH1"))
                return fail(ret_error, HF_BAD_CONTAINER,
                            "this is a PYTORCH1 file, a format that torch had before 1.0; save it again");
        if (begins(head, 257, "ustar"))
                return fail(ret_error, HF_BAD_CONTAINER,
                            "this is a tar file, the format of torch before 0.1.10; save it again");
        if (begins(head, 0, "PK"))
                return fail(ret_error, HF_BAD_ZIP,
                            "this is a zip archive that does not begin with a member: not one of torch.save");
        if (hf_safetensors_looks_like(head->bytes, head->size, head->file_size))
                return fail(ret_error, HF_BAD_CONTAINER,
                            "this is a safetensors file; rename it to end in .safetensors");
        return fail(ret_error, HF_BAD_CONTAINER,
                    "this is no file of torch.save: neither a zip archive nor a pickle");
}

static int read_container(const struct hf_input *input, const struct hf_torch_options *options,
                          struct hf_torch *torch, struct hf_error *ret_error)
{
        struct head head = {.file_size = input->size};

        head.size = input->size < sizeof head.bytes ? (size_t)input->size : sizeof head.bytes;
        if (hf_input_read(input, 0, head.bytes, head.size, "its beginning", ret_error) < 0)
                return -1;
        if (begins(&head, 0, "PK\3\4"))
                return hf_torch_read_archive(input, options, torch, ret_error);
        if (hf_torch_looks_like(head.bytes, head.size) &&
            !hf_safetensors_looks_like(head.bytes, head.size, head.file_size))
                return hf_torch_read_legacy(input, options, torch, ret_error);
        return fail_container(&head, ret_error);
}

bool hf_torch_looks_like(const void *head, size_t length)
{
        const unsigned char *bytes = head;

        return length >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 ||
                               /* PROTO 2 to 5; no opcode is a zero, which lengths of headers have. */
                               (bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5 && bytes[2] != 0));
}

int hf_torch_open(const struct hf_input *input, const struct hf_torch_options *options,
                  struct hf_torch *ret_torch, struct hf_error *ret_error)
{
        static const struct hf_torch_options defaults = {.policy = HF_TORCH_STRICT};
        struct hf_torch torch = {0};

        if (read_container(input, options ? options : &defaults, &torch, ret_error) < 0) {
                hf_torch_deinit(&torch);
                return -1;
        }
        *ret_torch = torch;
        return 0;
}

void hf_torch_deinit(struct hf_torch *torch)
{
        if (!torch)
                return;
        free(torch->tensors);
        free(torch->pickle);
        hf_arena_deinit(&torch->arena);
        memset(torch, 0, sizeof *torch);
}
