/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A plugin's constant data is judged before any of its code is called
 *
 * A struct longer than ours is fine: it was built against a later SDK. One that ends at or after
 * the first version's minimum is fine too, its missing members are not set. Anything shorter is
 * refused by name.
 */

#include <string.h>

#include "core/frame/link.h"
#include "core/host/plugin.h"

/** Longest id, format, model; they end up in messages and file names. */
#define NAME_MAX_LENGTH 200

/** Size up to the end of a member. */
#define SIZE_THROUGH(type, member) (offsetof(type, member) + sizeof(((const type *)0)->member))

typedef struct verdict {
        char *reason;
        size_t size;
} verdict;

#define REFUSE(v, status, ...) ckpt_refuse((v)->reason, (v)->size, (status), __VA_ARGS__)

/* The minimum of each table: through the slots that every version has had. */
static const size_t table_minimum[CKPT_KIND_COUNT] = {
        SIZE_THROUGH(ckpt_checkpoint_loader, destroy),
        SIZE_THROUGH(ckpt_config_loader, destroy),
        SIZE_THROUGH(ckpt_weight_loader, destroy),
        SIZE_THROUGH(ckpt_weight_mapper, destroy),
};

static bool is_name_character(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
               c == '_' || c == '-';
}

static bool is_name(const char *name)
{
        size_t length = 0;

        while (length <= NAME_MAX_LENGTH && is_name_character(name[length]))
                length++;
        return length > 0 && length <= NAME_MAX_LENGTH && name[length] == '\0';
}

static ckpt_status check_name(const verdict *v, const char *what, const char *name)
{
        if (!name)
                return REFUSE(v, CKPT_E_PLUGIN, "it has no %s", what);
        if (!is_name(name))
                return REFUSE(v, CKPT_E_PLUGIN,
                              "its %s '%.64s' is not 1 to %d letters, digits, '.', '_' or '-'", what, name,
                              NAME_MAX_LENGTH);
        return CKPT_OK;
}

static ckpt_status check_size(const verdict *v, const char *type, uint32_t struct_size, size_t minimum)
{
        if (struct_size == 0)
                return REFUSE(v, CKPT_E_PLUGIN, "its %s has no struct_size (0): set it to sizeof(%s)", type,
                              type);
        if (struct_size < minimum)
                return REFUSE(v, CKPT_E_PLUGIN,
                              "its %s has %u bytes, fewer than the %zu of the first version", type,
                              struct_size, minimum);
        return CKPT_OK;
}

static const char *table_type(ckpt_kind kind)
{
        static const char *const names[CKPT_KIND_COUNT] = {"ckpt_checkpoint_loader", "ckpt_config_loader",
                                                           "ckpt_weight_loader", "ckpt_weight_mapper"};

        return names[kind];
}

/* struct_size is the first member of every table, whatever its type. */
static ckpt_status check_table(const verdict *v, const ckpt_component *component)
{
        const void *const table = component->as.checkpoint_loader;
        uint32_t struct_size;

        if (!table)
                return REFUSE(v, CKPT_E_PLUGIN, "its %s for format '%s' has no table (NULL)",
                              ckpt_kind_name(component->kind), component->format);
        memcpy(&struct_size, table, sizeof(struct_size));
        return check_size(v, table_type(component->kind), struct_size, table_minimum[component->kind]);
}

static ckpt_status check_option(const verdict *v, const ckpt_option *option)
{
        ckpt_status r;

        if (!option)
                return REFUSE(v, CKPT_E_PLUGIN, "it declares an option that is NULL");
        r = check_size(v, "ckpt_option", option->struct_size, SIZE_THROUGH(ckpt_option, description));
        if (r == CKPT_OK)
                r = check_name(v, "option name", option->name);
        if (r != CKPT_OK)
                return r;
        if (option->type < CKPT_OPTION_BOOL || option->type > CKPT_OPTION_STRING)
                return REFUSE(v, CKPT_E_PLUGIN, "its option '%s' has the unknown type %d", option->name,
                              option->type);
        if (option->fallback && !ckpt_option_parse(option->type, option->fallback, NULL, NULL))
                return REFUSE(v, CKPT_E_PLUGIN, "its option '%s' has the default '%.64s', which is not %s",
                              option->name, option->fallback, ckpt_option_type_name(option->type));
        return CKPT_OK;
}

static ckpt_status check_options(const verdict *v, const ckpt_component *component)
{
        const ckpt_option *const *options = NULL;
        const uint32_t count = ckpt_link_options(component, &options);
        ckpt_status r = CKPT_OK;

        if (count > 0 && !options)
                return REFUSE(v, CKPT_E_PLUGIN,
                              "its %s for format '%s' says that it has %u options and has none",
                              ckpt_kind_name(component->kind), component->format, count);
        for (uint32_t i = 0; r == CKPT_OK && i < count; i++)
                r = check_option(v, options[i]);
        return r;
}

static ckpt_status check_component(const verdict *v, const ckpt_component *component)
{
        ckpt_status r =
                check_size(v, "ckpt_component", component->struct_size, SIZE_THROUGH(ckpt_component, as));

        if (r != CKPT_OK)
                return r;
        if (component->kind < 0 || component->kind >= CKPT_KIND_COUNT)
                return REFUSE(v, CKPT_E_PLUGIN, "it has a component of the unknown kind %d", component->kind);
        r = check_name(v, "component's format", component->format);
        if (r == CKPT_OK && component->model)
                r = check_name(v, "component's model", component->model);
        if (r == CKPT_OK && component->extends)
                r = check_name(v, "component's parent format", component->extends);
        if (r == CKPT_OK)
                r = check_table(v, component);
        return r == CKPT_OK ? check_options(v, component) : r;
}

ckpt_status ckpt_component_validate(const ckpt_component *component, char *ret_reason, size_t size)
{
        const verdict v = {ret_reason, size};

        if (!component)
                return REFUSE(&v, CKPT_E_PLUGIN, "the component is NULL");
        return check_component(&v, component);
}

static ckpt_status check_components(const verdict *v, const ckpt_plugin *plugin)
{
        ckpt_status r = CKPT_OK;

        if (plugin->n_components > 0 && !plugin->components)
                return REFUSE(v, CKPT_E_PLUGIN, "it says that it has %u components and has none",
                              plugin->n_components);
        for (uint32_t i = 0; r == CKPT_OK && i < plugin->n_components; i++) {
                if (!plugin->components[i])
                        return REFUSE(v, CKPT_E_PLUGIN, "component %u of %u is NULL", i,
                                      plugin->n_components);
                r = check_component(v, plugin->components[i]);
        }
        return r;
}

static ckpt_status check_words(const verdict *v, const char *what, const char *words)
{
        if (!words || !*words)
                return REFUSE(v, CKPT_E_PLUGIN, "it has no %s", what);
        return CKPT_OK;
}

static ckpt_status check_identity(const verdict *v, const ckpt_plugin *plugin)
{
        ckpt_status r = check_name(v, "id", plugin->id);

        if (r == CKPT_OK && (strcmp(plugin->id, "ckpt") == 0 || strcmp(plugin->id, "embedder") == 0))
                r = REFUSE(v, CKPT_E_PLUGIN, "its id '%s' is reserved", plugin->id);
        if (r == CKPT_OK)
                r = check_words(v, "version", plugin->version);
        if (r == CKPT_OK)
                r = check_words(v, "description", plugin->description);
        if (r == CKPT_OK)
                r = check_words(v, "license", plugin->license);
        return r;
}

ckpt_status ckpt_plugin_validate(const ckpt_plugin *plugin, char *ret_reason, size_t size)
{
        const verdict v = {ret_reason, size};
        ckpt_status r;

        if (!plugin)
                return REFUSE(&v, CKPT_E_INVALID, "the plugin is NULL");
        r = check_size(&v, "ckpt_plugin", plugin->struct_size, SIZE_THROUGH(ckpt_plugin, n_components));
        if (r != CKPT_OK)
                return r;
        if (plugin->abi_major != CKPT_ABI_MAJOR)
                return REFUSE(
                        &v, CKPT_E_UNSUPPORTED,
                        "it was built for ABI %u.%u, this host has ABI %u.%u: build it against this SDK",
                        plugin->abi_major, plugin->abi_minor, CKPT_ABI_MAJOR, CKPT_ABI_MINOR);
        r = check_identity(&v, plugin);
        return r == CKPT_OK ? check_components(&v, plugin) : r;
}
