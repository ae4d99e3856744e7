/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which components a load gets, in which order, and what is said of the others
 */

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "core/host/plugin.h"
#include "core/source/source.h"
#include "plugins/plugins_support.h"
#include "support/scratch.h"

static const ckpt_weight_mapper mapper = {.struct_size = sizeof(mapper)};
static const ckpt_weight_loader weight_loader = {.struct_size = sizeof(weight_loader)};

static ckpt_resolution resolution;
static ckpt_source *source;

static void setup(void)
{
        plugins_setup();
        memset(&resolution, 0, sizeof(resolution));
        source = NULL;
}

static void teardown(void)
{
        ckpt_array_deinit(&resolution.candidates);
        if (source)
                ckpt_source_unref(source);
        plugins_teardown();
}

/* The chain's ids, with blanks between, or "failed". */
static const char *resolve_with(const char *format, const char *model, const char *forced,
                                const ckpt_registered *given)
{
        static char ids[512];
        const ckpt_registered *chain;
        uint32_t count;

        if (ckpt_resolve_chain(host, &session, CKPT_KIND_WEIGHT_MAPPER, format, model, forced, given,
                               &resolution, &chain, &count) != CKPT_OK)
                return "failed";
        ids[0] = '\0';
        for (uint32_t i = 0; i < count; i++) {
                strcat(ids, i ? " " : "");
                strcat(ids, chain[i].id);
        }
        return ids;
}

static const char *resolve(const char *format, const char *model)
{
        return resolve_with(format, model, NULL, NULL);
}

static const ckpt_candidate *candidate(const char *id)
{
        const ckpt_candidate *found = NULL;

        for (uint64_t i = 0; i < resolution.candidates.count; i++) {
                if (strcmp(resolution.candidates.items[i].id, id) != 0)
                        continue;
                ck_assert_msg(!found, "two rows for %s", id);
                found = &resolution.candidates.items[i];
        }
        ck_assert_msg(found != NULL, "no row for %s", id);
        return found;
}

static void expect_candidate(const char *id, int32_t order, const char *words)
{
        const ckpt_candidate *const c = candidate(id);

        ck_assert_int_eq(c->order, order);
        ck_assert_int_eq(c->chosen, order >= 0);
        ck_assert_msg(strstr(c->reason, words) != NULL, "%s: '%s' does not say '%s'", id, c->reason, words);
}

static void add_family(void)
{
        ck_assert_int_eq(add_linked("hf", COMPONENTS(MAPPER("HF", NULL, NULL, &mapper))), CKPT_OK);
        ck_assert_int_eq(add_linked("gemma", COMPONENTS(MAPPER("HF", "Gemma", NULL, &mapper),
                                                        MAPPER("HF", "GemmaVision", NULL, &mapper))),
                         CKPT_OK);
        ck_assert_int_eq(add_linked("toy", COMPONENTS(MAPPER("TOY", NULL, "HF", &mapper),
                                                      MAPPER("TOY", "ToyModel", NULL, &mapper))),
                         CKPT_OK);
        ck_assert_int_eq(add_linked("other", COMPONENTS(MAPPER("OTHER", NULL, NULL, &mapper))), CKPT_OK);
}

START_TEST(model_comes_before_format_and_parent)
{
        add_family();
        ck_assert_str_eq(resolve("HF", "Gemma"), "gemma:HF/Gemma hf:HF");
        ck_assert_str_eq(resolve("HF", "Llama"), "hf:HF");
        ck_assert_str_eq(resolve("HF", NULL), "hf:HF");
        ck_assert_str_eq(resolve("TOY", "ToyModel"), "toy:TOY/ToyModel toy:TOY hf:HF");
        ck_assert_str_eq(resolve("TOY", "Gemma"), "toy:TOY gemma:HF/Gemma hf:HF");
        ck_assert_str_eq(resolve("OTHER", "Gemma"), "other:OTHER");
        ck_assert_str_eq(resolve("NOBODY", "Gemma"), "");
        expect_no_reason();
}
END_TEST

START_TEST(every_candidate_has_its_reason)
{
        add_family();
        resolve("HF", "Gemma");
        ck_assert_uint_eq(resolution.candidates.count, 7);
        expect_candidate("gemma:HF/Gemma", 0, "made for Gemma in format HF");
        expect_candidate("hf:HF", 1, "the default of format HF");
        expect_candidate("ckpt:builtin", 2, "the runtime's own behaviour");
        expect_candidate("gemma:HF/GemmaVision", -1, "other model: only for GemmaVision, not for Gemma");
        expect_candidate("toy:TOY", -1, "other format: TOY, and HF does not extend it");
        expect_candidate("other:OTHER", -1, "other format: OTHER");
}
END_TEST

START_TEST(parent_is_named_in_the_reason)
{
        add_family();
        resolve("TOY", NULL);
        expect_candidate("hf:HF", 1, "the default of format HF, which format TOY extends");
        expect_candidate("toy:TOY/ToyModel", -1, "other model: only for ToyModel");
}
END_TEST

/* A format without a component of this kind has the parent that another of its components declares. */
START_TEST(parent_serves_where_the_format_has_none)
{
        static const ckpt_component loader = {.struct_size = sizeof(loader),
                                              .kind = CKPT_KIND_WEIGHT_LOADER,
                                              .format = "BARE",
                                              .extends = "HF",
                                              .as = {.weight_loader = &weight_loader}};

        add_family();
        ck_assert_int_eq(add_linked("bare", COMPONENTS(&loader)), CKPT_OK);
        ck_assert_str_eq(resolve("BARE", "Gemma"), "gemma:HF/Gemma hf:HF");
}
END_TEST

START_TEST(circle_of_parents_ends)
{
        ck_assert_int_eq(add_linked("a", COMPONENTS(MAPPER("A", NULL, "B", &mapper))), CKPT_OK);
        ck_assert_int_eq(add_linked("b", COMPONENTS(MAPPER("B", NULL, "A", &mapper))), CKPT_OK);
        ck_assert_int_eq(add_linked("c", COMPONENTS(MAPPER("C", NULL, "C", &mapper))), CKPT_OK);
        ck_assert_str_eq(resolve("A", "M"), "a:A b:B");
        ck_assert_str_eq(resolve("C", "M"), "c:C");
        ck_assert_str_eq(resolve_with("A", "M", "b:B", NULL), "b:B a:A");
}
END_TEST

START_TEST(fallback_is_logged_or_strict)
{
        add_family();
        ck_assert_str_eq(resolve("HF", "Llama"), "hf:HF");
        ck_assert(
                was_logged("no weight mapper is made for architecture 'Llama' in format 'HF': hf:HF serves"));
        session.strict = true;
        ck_assert_str_eq(resolve("HF", "Gemma"), "gemma:HF/Gemma hf:HF");
        expect_no_reason();
        ck_assert_str_eq(resolve("HF", "Llama"), "failed");
        expect_reason(CKPT_E_NOT_FOUND, "no weight mapper for architecture 'Llama' in format 'HF'");
}
END_TEST

START_TEST(strict_takes_the_users_word)
{
        add_family();
        session.strict = true;
        ck_assert_str_eq(resolve_with("HF", "Llama", "hf", NULL), "hf:HF");
        expect_no_reason();
}
END_TEST

START_TEST(forced_component_follows_its_own_key)
{
        add_family();
        ck_assert_str_eq(resolve_with("HF", "Llama", "gemma:HF/Gemma", NULL), "gemma:HF/Gemma hf:HF");
        ck_assert_str_eq(resolve_with("HF", "Gemma", "hf", NULL), "hf:HF");
        expect_candidate("hf:HF", 0, "asked for as 'hf'");
        expect_candidate("gemma:HF/Gemma", -1, "not the one that was asked for ('hf')");
        ck_assert_str_eq(resolve_with("HF", "Gemma", "toy:TOY", NULL), "toy:TOY gemma:HF/Gemma hf:HF");
        ck_assert_str_eq(resolve_with("HF", "Gemma", "toy:TOY/ToyModel", NULL),
                         "toy:TOY/ToyModel toy:TOY hf:HF");
        /* Of a plugin's several mappers the one for this very load. */
        ck_assert_str_eq(resolve_with("HF", "GemmaVision", "gemma", NULL), "gemma:HF/GemmaVision hf:HF");
}
END_TEST

START_TEST(forced_component_must_be_one)
{
        add_family();
        ck_assert_str_eq(resolve_with("HF", "Llama", "nobody", NULL), "failed");
        expect_reason(CKPT_E_NOT_FOUND,
                      "there is no weight mapper 'nobody'; there is: hf:HF, gemma:HF/Gemma, ");
        ck_assert_str_eq(resolve_with("HF", "Llama", "gemma", NULL), "failed");
        expect_reason(CKPT_E_AMBIGUOUS, "say which, 'gemma:HF/Gemma' or 'gemma:HF/GemmaVision'");
}
END_TEST

START_TEST(given_component_stands_first)
{
        const ckpt_component own = {.struct_size = sizeof(own),
                                    .kind = CKPT_KIND_WEIGHT_MAPPER,
                                    .format = "HF",
                                    .model = "Gemma",
                                    .as = {.weight_mapper = &mapper}};
        const ckpt_component child = {.struct_size = sizeof(child),
                                      .kind = CKPT_KIND_WEIGHT_MAPPER,
                                      .format = "HF",
                                      .extends = "HF",
                                      .as = {.weight_mapper = &mapper}};
        ckpt_registered given = {.component = &own, .plugin = "embedder", .id = "embedder:HF/Gemma"};

        add_family();
        session.strict = true;
        ck_assert_str_eq(resolve_with("HF", "Gemma", NULL, &given), "embedder:HF/Gemma hf:HF");
        expect_candidate("embedder:HF/Gemma", 0, "given by the embedder");
        expect_candidate("gemma:HF/Gemma", -1, "not the one that the embedder gave");
        given.component = &child;
        given.id = "embedder:HF";
        ck_assert_str_eq(resolve_with("HF", "Gemma", NULL, &given), "embedder:HF gemma:HF/Gemma hf:HF");
        given.component = &(const ckpt_component){
                .struct_size = sizeof(own), .kind = CKPT_KIND_WEIGHT_MAPPER, .format = "HF"};
        ck_assert_str_eq(resolve_with("HF", "Gemma", NULL, &given), "failed");
        expect_reason(CKPT_E_PLUGIN,
                      "the given weight mapper is no good: its weight mapper for format 'HF' has no table");
}
END_TEST

START_TEST(missing_loader_names_the_formats)
{
        const ckpt_registered *chain;
        uint32_t count;
        static const ckpt_component loader = {.struct_size = sizeof(loader),
                                              .kind = CKPT_KIND_WEIGHT_LOADER,
                                              .format = "BARE",
                                              .as = {.weight_loader = &weight_loader}};

        add_family();
        ck_assert_int_eq(add_linked("bare", COMPONENTS(&loader)), CKPT_OK);
        ck_assert_int_eq(ckpt_resolve_chain(host, &session, CKPT_KIND_WEIGHT_LOADER, "HF", NULL, NULL, NULL,
                                            NULL, &chain, &count),
                         CKPT_E_NOT_FOUND);
        expect_reason(CKPT_E_NOT_FOUND, "there is no weight loader for format 'HF'; there is one for: BARE");
        /* These two have the runtime's own behaviour below them. */
        ck_assert_int_eq(ckpt_resolve_chain(host, &session, CKPT_KIND_CHECKPOINT_LOADER, "HF", NULL, NULL,
                                            NULL, NULL, &chain, &count),
                         CKPT_OK);
        ck_assert_uint_eq(count, 0);
}
END_TEST

/* ---- probing ---- */

static int32_t probe_nothing(ckpt_frame *self, const ckpt_source *looked_at)
{
        (void)self;
        (void)looked_at;
        return 0;
}

/* Reads beyond the end of the first object, as one does who looks at a foreign checkpoint. */
static int32_t probe_stumbles(ckpt_frame *self, const ckpt_source *looked_at)
{
        char byte;

        ck_assert_ptr_null(self->impl);
        ck_assert_ptr_nonnull(self->base);
        ck_assert_ptr_eq(self->top, self);
        return ckpt_source_read(self, looked_at, 0, 1 << 20, &byte, 1) == CKPT_OK ? 100 : 10;
}

static int32_t probe_absurd(ckpt_frame *self, const ckpt_source *looked_at)
{
        (void)self;
        (void)looked_at;
        return 101;
}

static ckpt_status no_create(ckpt_frame *self)
{
        (void)self;
        ck_abort_msg("create was called for probing");
        return CKPT_OK;
}

static const ckpt_checkpoint_loader nothing = {
        .struct_size = sizeof(nothing), .create = no_create, .probe = probe_nothing};
static const ckpt_checkpoint_loader stumbles = {
        .struct_size = sizeof(stumbles), .create = no_create, .probe = probe_stumbles};
static const ckpt_checkpoint_loader absurd = {.struct_size = sizeof(absurd), .probe = probe_absurd};
static const ckpt_checkpoint_loader silent = {.struct_size = sizeof(silent)};

static void add_loader(const char *id, const char *format, const ckpt_checkpoint_loader *table)
{
        const ckpt_component component = {.struct_size = sizeof(component),
                                          .kind = CKPT_KIND_CHECKPOINT_LOADER,
                                          .format = format,
                                          .as = {.checkpoint_loader = table}};

        ck_assert_int_eq(add_linked(id, COMPONENTS(&component)), CKPT_OK);
}

static void open_scratch(void)
{
        ck_assert_int_eq(ckpt_source_open(&session.diagnostics, scratch_directory(), &source), CKPT_OK);
}

START_TEST(best_probe_wins)
{
        const char *format;

        copy_plugin("toy", "toy");
        copy_plugin("tied_probe_a", "sixty");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        add_loader("silent", "SILENT", &silent);
        add_loader("nothing", "NOTHING", &nothing);
        scratch_write_text("toy.txt", "ToyModel\n");
        open_scratch();
        ck_assert_int_eq(ckpt_resolve_format(host, &session, source, &resolution, &format), CKPT_OK);
        ck_assert_str_eq(format, "TOY");
        expect_candidate("test.toy:TOY", -1, "its probe answered 80");
        expect_candidate("test.tied-probe-a:TIED-A", -1, "its probe answered 60");
        expect_candidate("nothing:NOTHING", -1, "its probe answered 0");
        expect_candidate("silent:SILENT", -1, "it has no probe");
}
END_TEST

START_TEST(probe_and_chain_make_one_row)
{
        const ckpt_registered *chain;
        const char *format;
        uint32_t count;

        copy_plugin("toy", "toy");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        add_loader("nothing", "NOTHING", &nothing);
        scratch_write_text("toy.txt", "ToyModel\n");
        open_scratch();
        ck_assert_int_eq(ckpt_resolve_format(host, &session, source, &resolution, &format), CKPT_OK);
        ck_assert_int_eq(ckpt_resolve_chain(host, &session, CKPT_KIND_CHECKPOINT_LOADER, format, NULL, NULL,
                                            NULL, &resolution, &chain, &count),
                         CKPT_OK);
        expect_candidate("test.toy:TOY", 0, "the default of format TOY; its probe answered 80");
        expect_candidate("nothing:NOTHING", -1, "TOY does not extend it; its probe answered 0");
        ck_assert_uint_eq(resolution.candidates.count, 3);
}
END_TEST

START_TEST(tied_probes_are_an_error)
{
        const char *format;

        copy_plugin("tied_probe_a", "a");
        copy_plugin("tied_probe_b", "b");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        open_scratch();
        ck_assert_int_eq(ckpt_resolve_format(host, &session, source, NULL, &format), CKPT_E_AMBIGUOUS);
        expect_reason(CKPT_E_AMBIGUOUS,
                      "'test.tied-probe-a:TIED-A' and 'test.tied-probe-b:TIED-B' both claim");
}
END_TEST

START_TEST(tie_below_the_best_is_none)
{
        const char *format;

        copy_plugin("tied_probe_a", "a");
        copy_plugin("tied_probe_b", "b");
        copy_plugin("toy", "c");
        scratch_write_text("toy.txt", "ToyModel\n");
        ck_assert_int_eq(ckpt_host_add_plugin_dir(host, scratch_directory()), CKPT_OK);
        open_scratch();
        ck_assert_int_eq(ckpt_resolve_format(host, &session, source, NULL, &format), CKPT_OK);
        ck_assert_str_eq(format, "TOY");
}
END_TEST

START_TEST(unclaimed_source_is_hf)
{
        const char *format;

        add_loader("nothing", "NOTHING", &nothing);
        add_loader("absurd", "ABSURD", &absurd);
        scratch_write_text("file", "x");
        open_scratch();
        ck_assert_int_eq(ckpt_resolve_format(host, &session, source, NULL, &format), CKPT_OK);
        ck_assert_str_eq(format, "HF");
        ck_assert(was_logged("no checkpoint loader claims"));
        ck_assert(was_logged("absurd:ABSURD: its probe answered 101, which is not 0 to 100: ignored"));
}
END_TEST

START_TEST(what_a_probe_records_is_no_error)
{
        const char *format;

        add_loader("stumbles", "STUMBLES", &stumbles);
        scratch_write_text("file", "x");
        open_scratch();
        ck_assert_int_eq(ckpt_resolve_format(host, &session, source, NULL, &format), CKPT_OK);
        ck_assert_str_eq(format, "STUMBLES");
        expect_no_reason();
        ck_assert(was_logged("stumbles:STUMBLES: while probing: "));
}
END_TEST

static Suite *suite(void)
{
        Suite *const s = suite_create("resolve");
        TCase *const t = tcase_create("resolve");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, model_comes_before_format_and_parent);
        tcase_add_test(t, every_candidate_has_its_reason);
        tcase_add_test(t, parent_is_named_in_the_reason);
        tcase_add_test(t, parent_serves_where_the_format_has_none);
        tcase_add_test(t, circle_of_parents_ends);
        tcase_add_test(t, fallback_is_logged_or_strict);
        tcase_add_test(t, strict_takes_the_users_word);
        tcase_add_test(t, forced_component_follows_its_own_key);
        tcase_add_test(t, forced_component_must_be_one);
        tcase_add_test(t, given_component_stands_first);
        tcase_add_test(t, missing_loader_names_the_formats);
        tcase_add_test(t, best_probe_wins);
        tcase_add_test(t, probe_and_chain_make_one_row);
        tcase_add_test(t, tied_probes_are_an_error);
        tcase_add_test(t, tie_below_the_best_is_none);
        tcase_add_test(t, unclaimed_source_is_hf);
        tcase_add_test(t, what_a_probe_records_is_no_error);
        suite_add_tcase(s, t);
        return s;
}

int main(void)
{
        SRunner *const runner = srunner_create(suite());
        int failed;

        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
