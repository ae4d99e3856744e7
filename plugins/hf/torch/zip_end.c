/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the record that ends the archive, and with it the file. */
#include "zip_internal.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
        SEARCHED = HF_ZIP_END_SIZE + UINT16_MAX, /* a comment is no longer */
        TAIL_MAX = HF_ZIP_WIDE_END_SIZE + HF_ZIP_LOCATOR_SIZE + SEARCHED,
};

static const uint32_t end_signature = UINT32_C(0x06054B50);

static size_t comment_end(const struct hf_zip_tail *tail, size_t at)
{
        return at + HF_ZIP_END_SIZE + hf_le16(tail->bytes + at + 20);
}

/* None of the signatures begins a record that ends the file; `at` is the last of them. */
static int fail_last(const struct hf_zip_tail *tail, size_t at)
{
        size_t end = comment_end(tail, at);

        if (end < tail->size)
                return hf_error_set(tail->error, HF_BAD_ZIP, tail->base + end, NULL,
                                    "%zu bytes follow the end of the archive at byte %" PRIu64
                                    ", and torch.save writes none; fetch the file again",
                                    tail->size - end, tail->base + end);
        return hf_error_set(tail->error, HF_BAD_TRUNCATED, tail->base + at, NULL,
                            "the archive should end at byte %" PRIu64 ", but the file ends after %" PRIu64
                            ": it is cut short, fetch it again",
                            tail->base + end, tail->base + tail->size);
}

/*
 * Readers search from the end and most take the first signature that they meet, some the first that fits. The
 * two must be one.
 */
static int find_signature(const struct hf_zip_tail *tail, size_t *ret_at)
{
        size_t first = tail->size > SEARCHED ? tail->size - SEARCHED : 0, at;
        size_t n_exact = 0, exact = 0, last = tail->size;

        for (at = first; at + HF_ZIP_END_SIZE <= tail->size; at++) {
                if (hf_le32(tail->bytes + at) != end_signature)
                        continue;
                last = at;
                if (comment_end(tail, at) == tail->size) {
                        exact = at;
                        n_exact++;
                }
        }
        if (last == tail->size)
                return hf_error_set(tail->error, HF_BAD_TRUNCATED, tail->base + tail->size, NULL,
                                    "the archive has no end record in the last %zu bytes of the file: it is "
                                    "cut short, fetch it again",
                                    tail->size - first);
        if (n_exact == 0)
                return fail_last(tail, last);
        if (n_exact > 1 || exact != last)
                return hf_zip_fail_end(tail, last,
                                       "is not the only one, so that readers could take different ones");
        *ret_at = exact;
        return 0;
}

int hf_zip_find_end(const struct hf_input *input, struct hf_zip_end *ret_end, struct hf_error *ret_error)
{
        struct hf_zip_tail tail = {.error = ret_error};
        char *bytes;
        size_t at = 0;
        int r;

        tail.size = input->size < TAIL_MAX ? (size_t)input->size : TAIL_MAX;
        tail.base = input->size - tail.size;
        if (hf_input_take(input, tail.base, tail.size, "the archive's end", &bytes, ret_error) < 0)
                return -1;
        tail.bytes = (const unsigned char *)bytes;
        r = find_signature(&tail, &at);
        if (r == 0)
                r = hf_zip_read_end(&tail, at, ret_end);
        free(bytes);
        return r;
}
