/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chains of frames: creation and its undoing, which component a slot reaches, options, and what becomes of a
 * component that breaks its duties
 */

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "core/frame/link.h"
#include "core/mapper/mapper.h"
#include "plugins/plugins_support.h"

static char trail[256]; /* what was called, in order */

static void leave(const char *word)
{
        strcat(trail, word);
        strcat(trail, " ");
}

static ckpt_chain *chain;

static void setup(void)
{
        plugins_setup();
        trail[0] = '\0';
        chain = NULL;
}

static void teardown(void)
{
        ckpt_chain_free(chain);
        plugins_teardown();
}

/* A component that lives as long as the chain; NULL for NULL. */
static const ckpt_component *keep(const ckpt_component *component)
{
        ckpt_component *const copy = component ? ckpt_arena_alloc(&session.scope.arena, sizeof(*copy)) : NULL;

        if (copy)
                *copy = *component;
        return copy;
}

/* A chain of these components, top first; what comes of it is in `chain`. */
static ckpt_status make(ckpt_kind kind, const ckpt_component *top, const ckpt_component *base)
{
        const ckpt_registered components[] = {
                {.component = keep(top), .plugin = "top", .id = "top:F", .data = trail},
                {.component = keep(base), .plugin = "below", .id = "below:F"}};

        return ckpt_chain_new(&session, kind, components, base ? 2 : 1, NULL, NULL, NULL, &chain);
}

#define AS_MAPPER(table_)                                                                              \
        &(const ckpt_component)                                                                        \
        {                                                                                              \
                .struct_size = sizeof(ckpt_component), .kind = CKPT_KIND_WEIGHT_MAPPER, .format = "F", \
                .as = {.weight_mapper = (table_) }                                                     \
        }
#define AS_LOADER(table_)                                                                              \
        &(const ckpt_component)                                                                        \
        {                                                                                              \
                .struct_size = sizeof(ckpt_component), .kind = CKPT_KIND_WEIGHT_LOADER, .format = "F", \
                .as = {.weight_loader = (table_) }                                                     \
        }

/* ---- create and destroy ---- */

static ckpt_status create_top(ckpt_frame *self)
{
        leave("+top");
        self->impl = trail;
        return CKPT_OK;
}

static void destroy_top(ckpt_frame *self)
{
        ck_assert_ptr_eq(self->impl, trail);
        leave("-top");
}

static ckpt_status create_below(ckpt_frame *self)
{
        (void)self;
        leave("+below");
        return CKPT_OK;
}

static void destroy_below(ckpt_frame *self)
{
        (void)self;
        leave("-below");
}

static ckpt_status create_fails(ckpt_frame *self)
{
        leave("!top");
        return ckpt_fail(self, CKPT_E_UNSUPPORTED, NULL, "not today");
}

static ckpt_status create_fails_silently(ckpt_frame *self)
{
        (void)self;
        return CKPT_E_CORRUPT;
}

static const ckpt_weight_mapper below = {
        .struct_size = sizeof(below), .create = create_below, .destroy = destroy_below};

START_TEST(created_from_the_base_destroyed_from_the_top)
{
        static const ckpt_weight_mapper top = {
                .struct_size = sizeof(top), .create = create_top, .destroy = destroy_top};

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&top), AS_MAPPER(&below)), CKPT_OK);
        ck_assert_str_eq(trail, "+below +top ");
        chain = ckpt_chain_free(chain);
        ck_assert_ptr_null(chain);
        ck_assert_str_eq(trail, "+below +top -top -below ");
}
END_TEST

START_TEST(failed_create_undoes_what_was_made)
{
        static const ckpt_weight_mapper top = {
                .struct_size = sizeof(top), .create = create_fails, .destroy = destroy_top};

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&top), AS_MAPPER(&below)),
                         CKPT_E_UNSUPPORTED);
        ck_assert_ptr_null(chain);
        ck_assert_str_eq(trail, "+below !top -below ");
        expect_reason(CKPT_E_UNSUPPORTED, "top weight mapper: not today");
        ck_assert_uint_eq(ckpt_diagnostics_count(&session.diagnostics), 1);
}
END_TEST

START_TEST(silent_failure_is_blamed)
{
        static const ckpt_weight_mapper top = {.struct_size = sizeof(top), .create = create_fails_silently};

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&top), NULL), CKPT_E_PLUGIN);
        expect_reason(CKPT_E_PLUGIN,
                      "top weight mapper: 'create' failed with status -5 (corrupt) and recorded no reason");
}
END_TEST

START_TEST(frames_know_their_place)
{
        static const ckpt_weight_mapper top = {.struct_size = sizeof(top)};
        ckpt_frame *frame;

        session.format = "F";
        session.architecture = "A";
        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&top), AS_MAPPER(&below)), CKPT_OK);
        frame = ckpt_chain_top(chain);
        ck_assert_ptr_eq(frame->top, frame);
        ck_assert_ptr_eq(frame->data, trail);
        ck_assert_ptr_eq(frame->api, &ckpt_api_table);
        ck_assert_ptr_eq(frame->mapping, &session.mapping);
        ck_assert_str_eq(frame->format, "F");
        ck_assert_str_eq(frame->architecture, "A");
        ck_assert_ptr_null(frame->base->data);
        ck_assert_ptr_eq(frame->base->base->top, frame);
        ck_assert_ptr_null(frame->base->base->base);
}
END_TEST

/* ---- which component is asked ---- */

static const char *rename_top(ckpt_mapper *m, const char *name)
{
        return ckpt_string_concat(m, "top(", ckpt_mapper_rename(m->base, name), ")");
}

/* Inherited code that asks an overridable slot of the whole component. */
static const char *skip_below(ckpt_mapper *m, const ckpt_module *module)
{
        (void)module;
        return ckpt_mapper_rename(m->top, "asked");
}

static const char *rename_below(ckpt_mapper *m, const char *name)
{
        return ckpt_string_concat(m, "below(", ckpt_mapper_rename(m->base, name), ")");
}

START_TEST(override_reaches_base_and_inherited_code_reaches_top)
{
        static const ckpt_weight_mapper top = {.struct_size = sizeof(top), .rename = rename_top};
        static const ckpt_weight_mapper base = {
                .struct_size = sizeof(base), .rename = rename_below, .should_skip_module = skip_below};

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&top), AS_MAPPER(&base)), CKPT_OK);
        ck_assert_str_eq(ckpt_mapper_rename(ckpt_chain_top(chain), "x"), "top(below(x))");
        ck_assert_str_eq(ckpt_mapper_should_skip_module(ckpt_chain_top(chain), NULL), "top(below(asked))");
        ck_assert_str_eq(ckpt_mapper_rename(ckpt_chain_top(chain)->base->base, "x"), "x");
        expect_no_reason();
}
END_TEST

START_TEST(short_table_has_the_slots_that_it_has)
{
        /* As built against an SDK whose table ended after rename. */
        static const ckpt_weight_mapper top = {.struct_size =
                                                       offsetof(ckpt_weight_mapper, rename) + sizeof(void *),
                                               .rename = rename_top,
                                               .should_skip_module = skip_below};
        static const ckpt_weight_mapper shortest = {
                .struct_size = offsetof(ckpt_weight_mapper, init_model_and_config), .rename = rename_below};

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&top), AS_MAPPER(&shortest)), CKPT_OK);
        ck_assert_str_eq(ckpt_mapper_rename(ckpt_chain_top(chain), "x"), "top(x)");
        ck_assert_int_eq(ckpt_mapper_init_model_and_config(ckpt_chain_top(chain)), CKPT_OK);
        expect_no_reason();
}
END_TEST

static void map_top(ckpt_mapper *m, ckpt_rules *rules)
{
        (void)m;
        (void)rules;
        leave("top");
}

static void map_below(ckpt_mapper *m, ckpt_rules *rules)
{
        (void)m;
        (void)rules;
        leave("below");
}

START_TEST(rules_are_added_base_first)
{
        static const ckpt_weight_mapper top = {.struct_size = sizeof(top), .map_weights = map_top};
        static const ckpt_weight_mapper base = {.struct_size = sizeof(base), .map_weights = map_below};

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&top), AS_MAPPER(&base)), CKPT_OK);
        ckpt_chain_map_weights(chain, NULL);
        ck_assert_str_eq(trail, "below top ");
}
END_TEST

START_TEST(frame_of_another_kind_is_blamed)
{
        static const ckpt_weight_loader loader = {.struct_size = sizeof(loader)};

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_LOADER, AS_LOADER(&loader), NULL), CKPT_OK);
        ck_assert_ptr_null(ckpt_mapper_rename(ckpt_chain_top(chain), "x"));
        expect_reason(CKPT_E_PLUGIN, "it called 'rename' of a weight mapper with its own frame");
}
END_TEST

START_TEST(nothing_below_a_loader)
{
        static const ckpt_weight_loader loader = {.struct_size = sizeof(loader)};

        session.format = "F";
        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_LOADER, AS_LOADER(&loader), NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_weight_loader_load_weights(ckpt_chain_top(chain), NULL, NULL, NULL),
                         CKPT_E_NOT_FOUND);
        expect_reason(CKPT_E_NOT_FOUND,
                      "no component of the weight loader for format 'F' has the slot 'load_weights'");
}
END_TEST

/* ---- broken duties ---- */

static ckpt_status init_positive(ckpt_mapper *m)
{
        (void)m;
        return CKPT_ABSENT;
}

static ckpt_status init_silent(ckpt_mapper *m)
{
        (void)m;
        return CKPT_E_MISMATCH;
}

static ckpt_status init_explained(ckpt_mapper *m)
{
        const ckpt_where where = {.struct_size = sizeof(where), .tensor = "t", .hint = "try another"};

        return ckpt_fail(m, CKPT_E_MISMATCH, &where, "heads: %d", 3);
}

/* A warning is no reason. */
static ckpt_status init_warned(ckpt_mapper *m)
{
        ckpt_diagnostics_add(&session.diagnostics, CKPT_OK, NULL, NULL, NULL, "careful");
        return init_silent(m);
}

static ckpt_status init_out_of_memory(ckpt_mapper *m)
{
        (void)m;
        return CKPT_E_NOMEM;
}

static ckpt_status init_with_zero(ckpt_mapper *m)
{
        return ckpt_fail(m, CKPT_OK, NULL, "a failure without a status");
}

static const struct {
        ckpt_status (*init)(ckpt_mapper *m);
        ckpt_status status;
        const char *words; /* NULL: nothing is recorded */
} inits[] = {
        {init_positive, CKPT_E_PLUGIN, "'init_model_and_config' returned the positive status 1"},
        {init_silent, CKPT_E_PLUGIN,
         "'init_model_and_config' failed with status -7 (mismatch) and recorded no reason"},
        {init_warned, CKPT_E_PLUGIN, "recorded no reason"},
        {init_explained, CKPT_E_MISMATCH, "top weight mapper: tensor 't': heads: 3; try another"},
        {init_with_zero, CKPT_E_PLUGIN, "a failure without a status"},
        {init_out_of_memory, CKPT_E_NOMEM, NULL},
};

START_TEST(statuses_are_judged)
{
        const ckpt_weight_mapper top = {.struct_size = sizeof(top), .init_model_and_config = inits[_i].init};

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&top), NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_mapper_init_model_and_config(ckpt_chain_top(chain)), inits[_i].status);
        if (inits[_i].words)
                expect_reason(inits[_i].status, inits[_i].words);
        else
                expect_no_reason();
        chain = ckpt_chain_free(chain); /* the table is this function's */
}
END_TEST

static const ckpt_weights *preprocess_null(ckpt_mapper *m, const ckpt_weights *weights)
{
        (void)m;
        (void)weights;
        return NULL;
}

START_TEST(missing_result_is_blamed_and_replaced)
{
        static const ckpt_weight_mapper top = {.struct_size = sizeof(top),
                                               .preprocess_weights = preprocess_null};
        const ckpt_weights *const given = (const ckpt_weights *)trail; /* passed on, never looked at */

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&top), NULL), CKPT_OK);
        ck_assert_ptr_eq(ckpt_mapper_preprocess_weights(ckpt_chain_top(chain), given), given);
        expect_reason(CKPT_E_PLUGIN, "'preprocess_weights' returned NULL");
}
END_TEST

static void style_absurd(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard)
{
        (void)m;
        (void)module;
        ck_assert_int_eq(ret_shard->group, CKPT_GROUP_NONE);
        ck_assert_int_eq(ret_shard->unit, 1);
        ret_shard->unit = 0;
}

static void style_column(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard)
{
        /* What a plugin of a later SDK does: it assigns a struct that is longer than ours. */
        const struct {
                ckpt_shard shard;
                uint64_t later[4];
        } longer = {.shard = {sizeof(longer), 0, CKPT_GROUP_TP, 0, 4}, .later = {1, 2, 3, 4}};

        (void)m;
        (void)module;
        memcpy(ret_shard, &longer, sizeof(longer));
}

START_TEST(style_is_checked)
{
        static const ckpt_weight_mapper absurd = {.struct_size = sizeof(absurd),
                                                  .module_style = style_absurd};
        static const ckpt_weight_mapper column = {.struct_size = sizeof(column),
                                                  .module_style = style_column};
        const ckpt_module module = {.api = &ckpt_api_table, .name = "model.norm", .last = "norm"};
        ckpt_shard shard;

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&column), NULL), CKPT_OK);
        ckpt_mapper_module_style(ckpt_chain_top(chain), &module, &shard);
        ck_assert_int_eq(shard.group, CKPT_GROUP_TP);
        ck_assert_int_eq(shard.unit, 4);
        ck_assert_uint_eq(shard.struct_size, sizeof(shard));
        expect_no_reason();
        ckpt_chain_free(chain);
        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&absurd), NULL), CKPT_OK);
        ckpt_mapper_module_style(ckpt_chain_top(chain), &module, &shard);
        ck_assert_int_eq(shard.unit, 1);
        expect_reason(CKPT_E_PLUGIN, "'module_style' of 'model.norm' gave axis 0, group 0, unit 0");
}
END_TEST

/* ---- readers ---- */

static ckpt_status read_seven(ckpt_frame *self, uint64_t cookie, uint64_t offset, void *buffer, uint64_t size)
{
        ck_assert_ptr_eq(self,
                         ckpt_chain_top(chain)->base); /* the frame of the component that has the slot */
        memset(buffer, (int)(cookie + offset), size);
        return CKPT_OK;
}

static ckpt_status read_silent(ckpt_frame *self, uint64_t cookie, uint64_t offset, void *buffer,
                               uint64_t size)
{
        (void)self;
        (void)cookie;
        (void)offset;
        (void)buffer;
        (void)size;
        return CKPT_E_IO;
}

START_TEST(read_is_inherited)
{
        static const ckpt_weight_loader top = {.struct_size = sizeof(top)};
        static const ckpt_weight_loader base = {
                .struct_size = sizeof(base), .flags = CKPT_READ_CONCURRENT, .read = read_seven};
        char buffer[3] = "";

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_LOADER, AS_LOADER(&top), AS_LOADER(&base)), CKPT_OK);
        ck_assert_int_eq(ckpt_chain_read_open(ckpt_chain_top(chain), 3), CKPT_OK);
        ck_assert_int_eq(ckpt_chain_read(ckpt_chain_top(chain), 3, 4, buffer, 2), CKPT_OK);
        ckpt_chain_read_close(ckpt_chain_top(chain), 3);
        ck_assert_int_eq(buffer[0], 7);
        ck_assert_int_eq(buffer[1], 7);
        ck_assert_int_eq(buffer[2], 0);
}
END_TEST

START_TEST(read_is_judged)
{
        static const ckpt_weight_loader top = {.struct_size = sizeof(top), .read = read_silent};
        static const ckpt_weight_loader none = {
                .struct_size = offsetof(ckpt_weight_loader, flags), .flags = 1, .read = read_silent};
        char buffer[2];

        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_LOADER, AS_LOADER(&top), NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_chain_read(ckpt_chain_top(chain), 0, 0, buffer, 2), CKPT_E_PLUGIN);
        expect_reason(CKPT_E_PLUGIN,
                      "top weight loader: 'read' failed with status -4 (io) and recorded no reason");
        ckpt_chain_free(chain);
        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_LOADER, AS_LOADER(&none), NULL), CKPT_OK);
        ck_assert_int_eq(ckpt_chain_read(ckpt_chain_top(chain), 0, 0, buffer, 2), CKPT_E_PLUGIN);
        expect_reason(CKPT_E_PLUGIN, "no component of its chain has the slot 'read'");
}
END_TEST

/* ---- a checkpoint loader's mapper ---- */

static ckpt_status give_no_mapper(ckpt_frame *self, ckpt_mapper **ret_mapper)
{
        (void)self;
        *ret_mapper = NULL;
        return CKPT_OK;
}

static ckpt_status look_up_mapper(void *context, const char *format, const char *model,
                                  ckpt_mapper **ret_mapper)
{
        leave(format ? format : "-");
        leave(model ? model : "-");
        *ret_mapper = context;
        return CKPT_OK;
}

START_TEST(mapper_is_looked_up_unless_overridden)
{
        static const ckpt_checkpoint_loader plain = {.struct_size = sizeof(plain)};
        static const ckpt_checkpoint_loader faulty = {.struct_size = sizeof(faulty),
                                                      .get_initialized_weight_mapper = give_no_mapper};
        const ckpt_chain_host services = {.context = trail, .get_mapper = look_up_mapper};
        ckpt_component component = {.struct_size = sizeof(component),
                                    .kind = CKPT_KIND_CHECKPOINT_LOADER,
                                    .format = "F",
                                    .as = {.checkpoint_loader = &plain}};
        const ckpt_registered registered = {.component = &component, .plugin = "top", .id = "top:F"};
        ckpt_mapper *mapper = NULL;

        ck_assert_int_eq(ckpt_chain_new(&session, CKPT_KIND_CHECKPOINT_LOADER, &registered, 1, NULL, NULL,
                                        &services, &chain),
                         CKPT_OK);
        ck_assert_int_eq(ckpt_chain_get_mapper(chain, &mapper), CKPT_OK);
        ck_assert_ptr_eq(mapper, trail);
        ck_assert_int_eq(ckpt_checkpoint_loader_get_mapper(ckpt_chain_top(chain), "HF", "M", &mapper),
                         CKPT_OK);
        ck_assert_str_eq(trail, "- - HF M ");
        component.as.checkpoint_loader = &faulty;
        ck_assert_int_eq(ckpt_chain_get_mapper(chain, &mapper), CKPT_E_PLUGIN);
        expect_reason(CKPT_E_PLUGIN, "succeeded and gave no mapper");
        ckpt_chain_cleanup(chain);
        chain = ckpt_chain_free(chain); /* the component is this function's */
}
END_TEST

/* ---- options ---- */

static const ckpt_option number = {
        .struct_size = sizeof(number), .type = CKPT_OPTION_I64, .name = "number", .fallback = "7"};
static const ckpt_option other_number = {
        .struct_size = sizeof(other_number), .type = CKPT_OPTION_I64, .name = "number", .fallback = "9"};
static const ckpt_option flag = {.struct_size = sizeof(flag), .type = CKPT_OPTION_BOOL, .name = "flag"};
static const ckpt_option word = {.struct_size = sizeof(word), .type = CKPT_OPTION_STRING, .name = "word"};
static const ckpt_option *const top_options[] = {&number};
static const ckpt_option *const base_options[] = {&other_number, &flag, &word};
static const ckpt_weight_mapper with_number = {
        .struct_size = sizeof(with_number), .n_options = 1, .options = top_options};
static const ckpt_weight_mapper with_all = {
        .struct_size = sizeof(with_all), .n_options = 3, .options = base_options};

static ckpt_pair settings[4];
static bool used[4];

static void set(uint64_t count)
{
        session.settings = settings;
        session.n_settings = count;
        session.setting_used = used;
        memset(used, 0, sizeof(used));
        ck_assert_int_eq(make(CKPT_KIND_WEIGHT_MAPPER, AS_MAPPER(&with_number), AS_MAPPER(&with_all)),
                         CKPT_OK);
}

START_TEST(options_have_defaults)
{
        set(0);
        ck_assert_int_eq(ckpt_option_i64(ckpt_chain_top(chain), "number"), 7);
        ck_assert_int_eq(ckpt_option_i64(ckpt_chain_top(chain)->base, "number"), 7); /* the derived one's */
        ck_assert(!ckpt_option_bool(ckpt_chain_top(chain), "flag"));
        ck_assert_ptr_null(ckpt_option_string(ckpt_chain_top(chain), "word"));
        expect_no_reason();
}
END_TEST

START_TEST(settings_win_and_the_last_counts)
{
        settings[0] = (ckpt_pair){"mapper.number", "1"};
        settings[1] = (ckpt_pair){"mapper.number", "-12"};
        settings[2] = (ckpt_pair){"mapper.flag", "true"};
        settings[3] = (ckpt_pair){"weights.word", "another slot's"};
        set(4);
        ck_assert_int_eq(ckpt_chain_check_settings(chain), CKPT_OK);
        ck_assert(used[0] && used[1] && used[2] && !used[3]);
        ck_assert_int_eq(ckpt_option_i64(ckpt_chain_top(chain), "number"), -12);
        ck_assert(ckpt_option_bool(ckpt_chain_top(chain)->base, "flag"));
        ck_assert_ptr_null(ckpt_option_string(ckpt_chain_top(chain), "word"));
        expect_no_reason();
}
END_TEST

START_TEST(wrong_value_names_key_and_type)
{
        static const char *const bad[] = {"", "seven", "7x", " 7", "+7", "9223372036854775808", "-"};

        settings[0] = (ckpt_pair){"mapper.number", bad[_i]};
        settings[1] = (ckpt_pair){"mapper.flag", "maybe"};
        set(2);
        ck_assert_int_eq(ckpt_chain_check_settings(chain), CKPT_E_INVALID);
        expect_reason(CKPT_E_INVALID, "the setting 'mapper.number' is '");
        expect_reason(CKPT_E_INVALID, "it must be a whole number");
        expect_reason(CKPT_E_INVALID, "the setting 'mapper.flag' is 'maybe'; it must be true or false");
        ck_assert_int_eq(ckpt_option_i64(ckpt_chain_top(chain), "number"), 0);
}
END_TEST

START_TEST(undeclared_option_is_the_plugins_mistake)
{
        set(0);
        ck_assert_int_eq(ckpt_option_i64(ckpt_chain_top(chain), "nothing"), 0);
        expect_reason(
                CKPT_E_PLUGIN,
                "top weight mapper: it read the option 'nothing', which no component of its chain declares");
        ck_assert_ptr_null(ckpt_option_string(ckpt_chain_top(chain), "number"));
        expect_reason(CKPT_E_PLUGIN,
                      "it read the option 'number' as a string; it is declared as a whole number");
}
END_TEST

START_TEST(log_lines_name_the_component)
{
        set(0);
        ckpt_log(ckpt_chain_top(chain), CKPT_LOG_INFO, "hello %d", 1);
        ck_assert(was_logged("top weight mapper: hello 1"));
}
END_TEST

static Suite *suite(void)
{
        Suite *const s = suite_create("frames");
        TCase *const t = tcase_create("frames");

        tcase_add_checked_fixture(t, setup, teardown);
        tcase_add_test(t, created_from_the_base_destroyed_from_the_top);
        tcase_add_test(t, failed_create_undoes_what_was_made);
        tcase_add_test(t, silent_failure_is_blamed);
        tcase_add_test(t, frames_know_their_place);
        tcase_add_test(t, override_reaches_base_and_inherited_code_reaches_top);
        tcase_add_test(t, short_table_has_the_slots_that_it_has);
        tcase_add_test(t, rules_are_added_base_first);
        tcase_add_test(t, frame_of_another_kind_is_blamed);
        tcase_add_test(t, nothing_below_a_loader);
        tcase_add_loop_test(t, statuses_are_judged, 0, sizeof(inits) / sizeof(inits[0]));
        tcase_add_test(t, missing_result_is_blamed_and_replaced);
        tcase_add_test(t, style_is_checked);
        tcase_add_test(t, read_is_inherited);
        tcase_add_test(t, read_is_judged);
        tcase_add_test(t, mapper_is_looked_up_unless_overridden);
        tcase_add_test(t, options_have_defaults);
        tcase_add_test(t, settings_win_and_the_last_counts);
        tcase_add_loop_test(t, wrong_value_names_key_and_type, 0, 7);
        tcase_add_test(t, undeclared_option_is_the_plugins_mistake);
        tcase_add_test(t, log_lines_name_the_component);
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
