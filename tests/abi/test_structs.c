/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Structs of other sizes: what a plugin may leave out, what it may have more, and what is refused by name
 *
 * The layouts themselves are frozen in freeze.c, which fails to compile when one changes.
 */

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "core/host/plugin.h"
#include "plugins/plugins_support.h"

/* A plugin of one component of each kind, in memory that a test may change. */
static struct {
        ckpt_checkpoint_loader checkpoint_loader;
        ckpt_config_loader config_loader;
        ckpt_weight_loader weight_loader;
        ckpt_weight_mapper weight_mapper;
        ckpt_option option;
        const ckpt_option *options[1];
        ckpt_component component[CKPT_KIND_COUNT];
        const ckpt_component *components[CKPT_KIND_COUNT];
        ckpt_plugin plugin;
} p;

static unsigned inits, deinits;

static ckpt_status count_init(const ckpt_api *api)
{
        ck_assert_ptr_eq(api, &ckpt_api_table);
        inits++;
        return CKPT_OK;
}

static void count_deinit(void)
{
        deinits++;
}

static void setup(void)
{
        plugins_setup();
        memset(&p, 0, sizeof(p));
        inits = deinits = 0;
        p.option = (ckpt_option){.struct_size = sizeof(p.option), .type = CKPT_OPTION_BOOL, .name = "flag"};
        p.options[0] = &p.option;
        p.checkpoint_loader.struct_size = sizeof(p.checkpoint_loader);
        p.config_loader.struct_size = sizeof(p.config_loader);
        p.weight_loader.struct_size = sizeof(p.weight_loader);
        p.weight_mapper = (ckpt_weight_mapper){
                .struct_size = sizeof(p.weight_mapper), .n_options = 1, .options = p.options};
        for (ckpt_kind kind = 0; kind < CKPT_KIND_COUNT; kind++) {
                p.component[kind] =
                        (ckpt_component){.struct_size = sizeof(ckpt_component), .kind = kind, .format = "F"};
                p.components[kind] = &p.component[kind];
        }
        p.component[0].as.checkpoint_loader = &p.checkpoint_loader;
        p.component[1].as.config_loader = &p.config_loader;
        p.component[2].as.weight_loader = &p.weight_loader;
        p.component[3].as.weight_mapper = &p.weight_mapper;
        p.plugin = (ckpt_plugin){.struct_size = sizeof(p.plugin),
                                 .abi_major = CKPT_ABI_MAJOR,
                                 .abi_minor = CKPT_ABI_MINOR,
                                 .id = "test.structs",
                                 .version = "1",
                                 .description = "of a test",
                                 .license = "Apache-2.0",
                                 .components = p.components,
                                 .n_components = CKPT_KIND_COUNT,
                                 .init = count_init,
                                 .deinit = count_deinit};
}

static void expect_added(void)
{
        ck_assert_msg(ckpt_host_add_plugin(host, &p.plugin) == CKPT_OK, "%s", ckpt_host_error(host));
        ck_assert_uint_eq(host->components.count, p.plugin.n_components);
}

static void expect_no_good(const char *words)
{
        ck_assert_int_eq(ckpt_host_add_plugin(host, &p.plugin), CKPT_E_PLUGIN);
        ck_assert_msg(strstr(ckpt_host_error(host), words) != NULL, "'%s' does not say '%s'",
                      ckpt_host_error(host), words);
        ck_assert_uint_eq(host->components.count, 0);
        ck_assert_uint_eq(inits, 0);
}

START_TEST(same_sizes_are_accepted)
{
        expect_added();
        ck_assert_uint_eq(inits, 1);
        host = ckpt_host_free(host);
        ck_assert_uint_eq(deinits, 1);
}
END_TEST

START_TEST(longer_structs_are_accepted)
{
        p.plugin.struct_size += 64;
        p.plugin.abi_minor = 9;
        p.option.struct_size += 8;
        for (int kind = 0; kind < CKPT_KIND_COUNT; kind++)
                p.component[kind].struct_size += 16;
        p.checkpoint_loader.struct_size += 8;
        p.config_loader.struct_size += 800;
        p.weight_loader.struct_size += 8;
        p.weight_mapper.struct_size += 8;
        expect_added();
}
END_TEST

/* The first version's minimum: what comes after it is not looked at, whatever bytes are there. */
START_TEST(shortest_structs_are_accepted)
{
        p.plugin.struct_size = offsetof(ckpt_plugin, n_components) + sizeof(uint32_t);
        p.checkpoint_loader.struct_size = offsetof(ckpt_checkpoint_loader, probe);
        p.config_loader.struct_size = offsetof(ckpt_config_loader, load);
        p.weight_loader.struct_size = offsetof(ckpt_weight_loader, load_weights);
        p.weight_mapper.struct_size = offsetof(ckpt_weight_mapper, init_model_and_config);
        expect_added();
        ck_assert_uint_eq(inits, 0);
        host = ckpt_host_free(host);
        ck_assert_uint_eq(deinits, 0);
}
END_TEST

START_TEST(shorter_structs_are_refused_by_name)
{
        const struct {
                uint32_t *size;
                uint32_t minimum;
                const char *words;
        } cases[] = {
                {&p.plugin.struct_size, offsetof(ckpt_plugin, n_components) + 4,
                 "its ckpt_plugin has 59 bytes, fewer than the 60"},
                {&p.component[1].struct_size, sizeof(ckpt_component),
                 "its ckpt_component has 47 bytes, fewer than the 48"},
                {&p.checkpoint_loader.struct_size, offsetof(ckpt_checkpoint_loader, probe),
                 "its ckpt_checkpoint_loader has 31"},
                {&p.config_loader.struct_size, offsetof(ckpt_config_loader, load),
                 "its ckpt_config_loader has 31"},
                {&p.weight_loader.struct_size, offsetof(ckpt_weight_loader, load_weights),
                 "its ckpt_weight_loader has 31"},
                {&p.weight_mapper.struct_size, offsetof(ckpt_weight_mapper, init_model_and_config),
                 "its ckpt_weight_mapper has 31"},
                {&p.option.struct_size, sizeof(ckpt_option), "its ckpt_option has 31"},
        };

        *cases[_i].size = cases[_i].minimum - 1;
        expect_no_good(cases[_i].words);
        *cases[_i].size = 0;
        expect_no_good("has no struct_size (0)");
}
END_TEST

static void break_it(int which)
{
        static char long_name[202];

        memset(long_name, 'a', sizeof(long_name) - 1);
        switch (which) {
        case 0:
                p.plugin.id = NULL;
                break;
        case 1:
                p.plugin.id = "";
                break;
        case 2:
                p.plugin.id = "a:b";
                break;
        case 3:
                p.plugin.id = long_name;
                break;
        case 4:
                p.plugin.id = "embedder";
                break;
        case 5:
                p.plugin.version = NULL;
                break;
        case 6:
                p.plugin.description = "";
                break;
        case 7:
                p.plugin.license = NULL;
                break;
        case 8:
                p.plugin.components = NULL;
                break;
        case 9:
                p.components[2] = NULL;
                break;
        case 10:
                p.component[0].kind = -1;
                break;
        case 11:
                p.component[0].format = NULL;
                break;
        case 12:
                p.component[0].format = "";
                break;
        case 13:
                p.component[3].model = "a/b";
                break;
        case 14:
                p.component[3].extends = "";
                break;
        case 15:
                p.component[3].as.weight_mapper = NULL;
                break;
        case 16:
                p.weight_mapper.options = NULL;
                break;
        case 17:
                p.options[0] = NULL;
                break;
        case 18:
                p.option.name = NULL;
                break;
        case 19:
                p.option.type = 9;
                break;
        default:
                p.option.fallback = "perhaps";
                break;
        }
}

static const char *const broken[] = {
        "it has no id",
        "its id '' is not",
        "its id 'a:b' is not 1 to 200 letters",
        "its id 'aaaa",
        "its id 'embedder' is reserved",
        "it has no version",
        "it has no description",
        "it has no license",
        "it says that it has 4 components and has none",
        "component 2 of 4 is NULL",
        "unknown kind -1",
        "it has no component's format",
        "component's format '' is not",
        "component's model 'a/b' is not",
        "component's parent format '' is not",
        "its weight mapper for format 'F' has no table (NULL)",
        "says that it has 1 options and has none",
        "an option that is NULL",
        "it has no option name",
        "its option 'flag' has the unknown type 9",
        "its option 'flag' has the default 'perhaps', which is not true or false",
};

START_TEST(broken_contents_are_refused)
{
        break_it(_i);
        expect_no_good(broken[_i]);
}
END_TEST

START_TEST(component_twice_in_one_plugin_is_refused)
{
        p.component[0] = p.component[3];
        ck_assert_int_eq(ckpt_host_add_plugin(host, &p.plugin), CKPT_E_AMBIGUOUS);
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(host), "both have a weight mapper for format 'F'"));
        ck_assert_uint_eq(inits, 0);
}
END_TEST

START_TEST(null_plugin_is_refused)
{
        ck_assert_int_eq(ckpt_host_add_plugin(host, NULL), CKPT_E_INVALID);
        ck_assert_ptr_nonnull(strstr(ckpt_host_error(host), "the plugin is NULL"));
}
END_TEST

START_TEST(plugin_without_components_is_accepted)
{
        p.plugin.n_components = 0;
        p.plugin.components = NULL;
        expect_added();
}
END_TEST

static Suite *suite(void)
{
        Suite *const s = suite_create("structs");
        TCase *const t = tcase_create("structs");

        tcase_add_checked_fixture(t, setup, plugins_teardown);
        tcase_add_test(t, same_sizes_are_accepted);
        tcase_add_test(t, longer_structs_are_accepted);
        tcase_add_test(t, shortest_structs_are_accepted);
        tcase_add_loop_test(t, shorter_structs_are_refused_by_name, 0, 7);
        tcase_add_loop_test(t, broken_contents_are_refused, 0, sizeof(broken) / sizeof(broken[0]));
        tcase_add_test(t, component_twice_in_one_plugin_is_refused);
        tcase_add_test(t, null_plugin_is_refused);
        tcase_add_test(t, plugin_without_components_is_accepted);
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
