/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What files hold beside what the index says: names in order match, however they are spread over the files,
 * and no lie does.
 */
#include "index.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
        NAMES = 500,
        SHARDS = 4
};

static char texts[NAMES][8];
static struct hf_index_entry entries[NAMES + 1];
static struct hf_index table;
static struct hf_tensor tensors[SHARDS][NAMES + 1];
static size_t n_tensors[SHARDS];

static void add_tensor(uint32_t shard, const char *text)
{
        hf_name_init(&tensors[shard][n_tensors[shard]++].name, text, strlen(text));
}

/* Stretches of `stretch` names go to the files in turn; 0 gives each to whatever file comes. */
static void spread(uint32_t stretch)
{
        uint32_t i, shard;

        memset(n_tensors, 0, sizeof n_tensors);
        for (i = 0; i < NAMES; i++) {
                snprintf(texts[i], sizeof texts[i], "n%05u", 3 * i);
                shard = stretch ? i / stretch % SHARDS : (uint32_t)random() % SHARDS;
                hf_name_init(&entries[i].name, texts[i], strlen(texts[i]));
                entries[i].file = shard;
                add_tensor(shard, texts[i]);
        }
        table = (struct hf_index){.entries = entries, .n_entries = NAMES};
}

/* Whether every tensor of every file is in the index, and every entry of the index in a file. */
static bool agree(void)
{
        size_t n = 0;
        uint32_t i;

        for (i = 0; i < SHARDS; i++) {
                if (hf_index_match(&table, i, tensors[i], n_tensors[i]) < n_tensors[i])
                        return false;
                n += n_tensors[i];
        }
        return n == table.n_entries;
}

static const uint32_t stretches[] = {1, 2, 7, 64, NAMES / SHARDS, NAMES, 0, 0, 0};

START_TEST(names_in_order_agree)
{
        spread(stretches[_i]);
        ck_assert(agree());
}
END_TEST

START_TEST(no_lie_agrees)
{
        uint32_t at = (uint32_t)random() % NAMES;

        spread(stretches[_i]);
        entries[at].file = (entries[at].file + 1) % SHARDS;
        ck_assert(!agree());

        spread(stretches[_i]);
        table.n_entries--; /* the last tensor is not in the index */
        ck_assert(!agree());

        spread(stretches[_i]);
        hf_name_init(&entries[NAMES].name, "z", 1); /* nowhere */
        entries[NAMES].file = 0;
        table.n_entries++;
        ck_assert(!agree());

        spread(stretches[_i]);
        add_tensor((entries[NAMES - 1].file + 1) % SHARDS, texts[NAMES - 1]); /* in two files */
        ck_assert(!agree());

        spread(stretches[_i]);
        /* In the index under another name than in its file. */
        hf_name_init(&entries[at].name, "n", 1);
        ck_assert(!agree());
}
END_TEST

START_TEST(an_empty_index_knows_nothing)
{
        spread(1);
        table.n_entries = 0;
        ck_assert(!agree());
        memset(n_tensors, 0, sizeof n_tensors);
        ck_assert(agree());
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-index-match");
        TCase *tests = tcase_create("match");
        SRunner *runner = srunner_create(suite);
        const int n_stretches = (int)(sizeof stretches / sizeof *stretches);
        int failed;

        tcase_add_loop_test(tests, names_in_order_agree, 0, n_stretches);
        tcase_add_loop_test(tests, no_lie_agrees, 0, n_stretches);
        tcase_add_test(tests, an_empty_index_knows_nothing);
        suite_add_tcase(suite, tests);

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
