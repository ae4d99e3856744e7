/* SPDX-License-Identifier: Apache-2.0 */
#include "test_hf_torch_refusing.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

void refuse_bytes(const void *bytes, size_t size, const struct hf_torch_options *options,
                  enum hf_reason reason, const char *word)
{
        struct hf_torch torch;
        struct hf_error error;

        memset(&torch, 0xA5, sizeof(torch));
        ck_assert_msg(torch_open_bytes(bytes, size, options, &torch, &error) == -1,
                      "accepted, with %zu tensors at %s", torch.n_tensors, torch.state_dict);
        ck_assert_msg(error.reason == reason, "reason %d instead of %d: %s%s%s", error.reason, reason,
                      error.tensor, *error.tensor ? ": " : "", error.message);
        ck_assert_uint_gt(strlen(error.message), 10);
        ck_assert_uint_le(error.offset, size);
        ck_assert_msg(strstr(error.message, word) || strstr(error.tensor, word), "no \"%s\" in: %s: %s", word,
                      error.tensor, error.message);
}

void refuse_zip(const struct torch_parts *parts, const struct hf_torch_options *options,
                enum hf_reason reason, const char *word)
{
        struct torch_file file;

        torch_write_zip(parts, &file);
        refuse_bytes(file.bytes.at, file.bytes.size, options, reason, word);
        torch_file_free(&file);
}

void refuse_legacy(const struct torch_parts *parts, const struct hf_torch_options *options,
                   enum hf_reason reason, const char *word)
{
        struct torch_file file;

        torch_write_legacy(parts, &file);
        refuse_bytes(file.bytes.at, file.bytes.size, options, reason, word);
        torch_file_free(&file);
}

void refuse_row(const struct refused *row)
{
        const struct torch_parts parts = {.pickle = row->pickle, .storages = row->storages};

        refuse_zip(&parts, NULL, row->reason, row->word);
        refuse_legacy(&parts, NULL, row->reason, row->word);
}

void accept_zip(const struct torch_parts *parts, const struct hf_torch_options *options, const char *expected)
{
        struct torch_file file;
        struct hf_torch torch;
        struct hf_error error;
        const char *broken;
        char line[4096];

        torch_write_zip(parts, &file);
        ck_assert_msg(torch_open_bytes(file.bytes.at, file.bytes.size, options, &torch, &error) == 0,
                      "%s: %s", error.tensor, error.message);
        broken = torch_broken_promise(&torch, file.bytes.size);
        ck_assert_msg(!broken, "%s", broken);
        torch_render(&torch, &file, line, sizeof(line));
        ck_assert_str_eq(line, expected);
        hf_torch_deinit(&torch);
        torch_file_free(&file);
}

int run_suite(Suite *suite)
{
        SRunner *runner = srunner_create(suite);
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
