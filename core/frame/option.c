/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Options: what a component declares, what the user set, and the value that a slot reads
 *
 * The user writes SLOT.NAME=VALUE. Any component of a chain may read what any other of it declares;
 * of two declarations the derived component's counts, so that it may change a default.
 */

#include "core/frame/link.h"

#include <errno.h>
#include <limits.h>

static const char *setting_prefix(ckpt_kind kind)
{
        static const char *const prefixes[CKPT_KIND_COUNT] = {"checkpoint", "config", "weights", "mapper"};

        return kind >= 0 && kind < CKPT_KIND_COUNT ? prefixes[kind] : "";
}

uint32_t ckpt_link_options(const ckpt_component *component, const ckpt_option *const **ret_options)
{
        uint32_t count = 0;

        switch (component->kind) {
        case CKPT_KIND_CHECKPOINT_LOADER:
                *ret_options = component->as.checkpoint_loader->options;
                count = component->as.checkpoint_loader->n_options;
                break;
        case CKPT_KIND_CONFIG_LOADER:
                *ret_options = component->as.config_loader->options;
                count = component->as.config_loader->n_options;
                break;
        case CKPT_KIND_WEIGHT_LOADER:
                *ret_options = component->as.weight_loader->options;
                count = component->as.weight_loader->n_options;
                break;
        case CKPT_KIND_WEIGHT_MAPPER:
                *ret_options = component->as.weight_mapper->options;
                count = component->as.weight_mapper->n_options;
                break;
        default:
                break;
        }
        return count;
}

const char *ckpt_option_type_name(int32_t type)
{
        switch (type) {
        case CKPT_OPTION_BOOL:
                return "true or false";
        case CKPT_OPTION_I64:
                return "a whole number";
        default:
                return "a string";
        }
}

static bool parse_bool(const char *text, int32_t *ret_value)
{
        static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on"};

        for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                if (strcmp(text, words[i]) == 0) {
                        if (ret_value)
                                *ret_value = (int32_t)(i % 2);
                        return true;
                }
        }
        return false;
}

/* strtoll alone would take leading blanks, a '+' and the end of any text. */
static bool parse_i64(const char *text, int64_t *ret_value)
{
        const char first = text[0] == '-' ? text[1] : text[0];
        char *end;
        long long value;

        if (first < '0' || first > '9')
                return false;
        errno = 0;
        value = strtoll(text, &end, 10);
        if (errno != 0 || *end != '\0')
                return false;
        if (ret_value)
                *ret_value = value;
        return true;
}

bool ckpt_option_parse(int32_t type, const char *text, int32_t *ret_bool, int64_t *ret_i64)
{
        switch (type) {
        case CKPT_OPTION_BOOL:
                return parse_bool(text, ret_bool);
        case CKPT_OPTION_I64:
                return parse_i64(text, ret_i64);
        case CKPT_OPTION_STRING:
                return true;
        default:
                return false;
        }
}

static const ckpt_option *find_declared(const ckpt_chain *chain, const char *name)
{
        for (uint32_t i = 0; i + 1 < chain->count; i++) {
                const ckpt_option *const *options = NULL;
                const uint32_t count = ckpt_link_options(chain->links[i].component, &options);

                for (uint32_t k = 0; k < count; k++) {
                        if (strcmp(options[k]->name, name) == 0)
                                return options[k];
                }
        }
        return NULL;
}

/* The option's name in a setting of this chain's slot, or NULL for a setting of another one. */
static const char *setting_name(const ckpt_chain *chain, const ckpt_pair *setting)
{
        const char *const prefix = setting_prefix(chain->kind);
        const size_t length = strlen(prefix);

        if (strncmp(setting->key, prefix, length) != 0 || setting->key[length] != '.')
                return NULL;
        return setting->key + length + 1;
}

bool ckpt_chain_declares(const ckpt_chain *chain, const char *key)
{
        const ckpt_pair setting = {.key = key};
        const char *const name = setting_name(chain, &setting);

        return name && find_declared(chain, name);
}

/* Of several settings of one key the last counts, as on a command line. */
static const ckpt_pair *find_setting(const ckpt_chain *chain, const char *name)
{
        const ckpt_session *const session = chain->session;

        for (uint64_t i = session->n_settings; i-- > 0;) {
                const char *const key = setting_name(chain, &session->settings[i]);

                if (key && strcmp(key, name) == 0)
                        return &session->settings[i];
        }
        return NULL;
}

static ckpt_status bad_value(const ckpt_chain *chain, const ckpt_pair *setting, const ckpt_option *option)
{
        return ckpt_session_fail(chain->session, CKPT_E_INVALID, NULL,
                                 "the setting '%s' is '%s'; it must be %s", setting->key, setting->value,
                                 ckpt_option_type_name(option->type));
}

ckpt_status ckpt_chain_check_settings(ckpt_chain *chain)
{
        ckpt_session *const session = chain->session;
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; i < session->n_settings; i++) {
                const ckpt_pair *const setting = &session->settings[i];
                const char *const name = setting_name(chain, setting);
                const ckpt_option *const option = name ? find_declared(chain, name) : NULL;

                if (!option)
                        continue;
                session->setting_used[i] = true;
                if (!ckpt_option_parse(option->type, setting->value, NULL, NULL))
                        r = bad_value(chain, setting, option);
        }
        return r;
}

/*
 * The text of an option's value (NULL: none is set and there is no default), after the reader's own
 * mistakes.
 */
static ckpt_status look_up(const ckpt_frame *self, const char *key, int32_t type, const char **ret_text)
{
        const ckpt_link *const link = ckpt_link_of(self);
        const ckpt_option *const option = find_declared(link->chain, key);
        const ckpt_pair *setting;

        if (!option)
                return ckpt_link_blame(
                        link, "it read the option '%s', which no component of its chain declares", key);
        if (option->type != type)
                return ckpt_link_blame(link, "it read the option '%s' as %s; it is declared as %s", key,
                                       ckpt_option_type_name(type), ckpt_option_type_name(option->type));
        setting = find_setting(link->chain, key);
        if (setting && !ckpt_option_parse(type, setting->value, NULL, NULL))
                return bad_value(link->chain, setting, option);
        *ret_text = setting ? setting->value : option->fallback;
        return CKPT_OK;
}

ckpt_status ckpt_frame_api_option_bool(const ckpt_frame *self, const char *key, int32_t *ret_value)
{
        const char *text = NULL;
        const ckpt_status r = look_up(self, key, CKPT_OPTION_BOOL, &text);

        if (r != CKPT_OK)
                return r;
        if (!text || !parse_bool(text, ret_value))
                *ret_value = 0;
        return CKPT_OK;
}

ckpt_status ckpt_frame_api_option_i64(const ckpt_frame *self, const char *key, int64_t *ret_value)
{
        const char *text = NULL;
        const ckpt_status r = look_up(self, key, CKPT_OPTION_I64, &text);

        if (r != CKPT_OK)
                return r;
        if (!text || !parse_i64(text, ret_value))
                *ret_value = 0;
        return CKPT_OK;
}

ckpt_status ckpt_frame_api_option_string(const ckpt_frame *self, const char *key, const char **ret_value)
{
        const char *text = NULL;
        const ckpt_status r = look_up(self, key, CKPT_OPTION_STRING, &text);

        if (r == CKPT_OK)
                *ret_value = text;
        return r;
}
