/* SPDX-License-Identifier: Apache-2.0 */

/*
 * params_map by PCRE2. The names are a stranger's, so the effort of a match is bounded: a pattern that needs
 * more than MATCH_LIMIT steps on a name is an error that names both.
 */

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/base/cleanup.h"
#include "core/mapper/params_map.h"

#define MATCH_LIMIT    1000000u
#define HEAP_LIMIT_KIB 65536u
/* Longer names than this are nobody's parameter; it bounds what one replacement may make of a name. */
#define NAME_MAX_BYTES 65536u

typedef struct rename_rule {
        const ckpt_pair *pair;
        pcre2_code *code;
} rename_rule;

struct ckpt_params_map {
        ckpt_session *session;
        pcre2_match_context *context;
        pcre2_match_data *data;
        PCRE2_UCHAR *buffer;
        uint64_t count;
        rename_rule rules[];
};

void ckpt_params_map_free(ckpt_params_map *map)
{
        if (!map)
                return;
        for (uint64_t i = 0; i < map->count; i++)
                pcre2_code_free(map->rules[i].code);
        pcre2_match_data_free(map->data);
        pcre2_match_context_free(map->context);
        free(map->buffer);
        free(map);
}

CKPT_DEFINE_CLEANUP(ckpt_params_map *, ckpt_params_map_free);

static ckpt_status fail(ckpt_session *session, const ckpt_pair *pair, const char *name, int code, uint64_t at)
{
        const ckpt_where where = {
                .struct_size = sizeof(where),
                .tensor = name,
                .hint = "correct the pattern or its replacement in params_map; the syntax is PCRE2's, $1 for "
                        "a group"};
        PCRE2_UCHAR reason[160];

        if (code == PCRE2_ERROR_NOMEMORY && !name)
                return CKPT_E_NOMEM;
        if (pcre2_get_error_message(code, reason, sizeof(reason)) == PCRE2_ERROR_BADDATA)
                reason[0] = '\0';
        return ckpt_session_fail(session, CKPT_E_INVALID, &where,
                                 "params_map: '%s' -> '%s', character %llu: %s", pair->key, pair->value,
                                 (unsigned long long)at, (const char *)reason);
}

static ckpt_status compile(ckpt_params_map *map, const ckpt_pair *pair, rename_rule *rule)
{
        PCRE2_SIZE at = 0;
        int code = 0;

        if (!pair->key || !pair->value)
                return ckpt_session_fail(map->session, CKPT_E_INVALID, NULL, "params_map: a pair has no %s",
                                         pair->key ? "replacement" : "pattern");
        rule->pair = pair;
        rule->code = pcre2_compile((PCRE2_SPTR)pair->key, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &at, NULL);
        return rule->code ? CKPT_OK : fail(map->session, pair, NULL, code, at);
}

ckpt_status ckpt_params_map_new(ckpt_session *session, const ckpt_pair *pairs, uint64_t count,
                                ckpt_params_map **ret_map)
{
        _cleanup_(ckpt_params_map_freep) ckpt_params_map *map = NULL;
        uint64_t size;

        if (count == 0) {
                *ret_map = NULL;
                return CKPT_OK;
        }
        if (__builtin_mul_overflow(count, sizeof(rename_rule), &size) ||
            __builtin_add_overflow(size, sizeof(*map), &size))
                return CKPT_E_NOMEM;
        map = calloc(1, size);
        if (!map)
                return CKPT_E_NOMEM;
        map->session = session;
        map->context = pcre2_match_context_create(NULL);
        map->data = pcre2_match_data_create(64, NULL);
        map->buffer = malloc(NAME_MAX_BYTES);
        if (!map->context || !map->data || !map->buffer)
                return CKPT_E_NOMEM;
        pcre2_set_match_limit(map->context, MATCH_LIMIT);
        pcre2_set_heap_limit(map->context, HEAP_LIMIT_KIB);
        for (; map->count < count; map->count++) {
                const ckpt_status r = compile(map, &pairs[map->count], &map->rules[map->count]);

                if (r < 0)
                        return r;
        }
        *ret_map = ckpt_steal(&map);
        return CKPT_OK;
}

static ckpt_status substitute(ckpt_params_map *map, const rename_rule *rule, const char *name,
                              const char **ret_name)
{
        PCRE2_SIZE length = NAME_MAX_BYTES;
        const int n = pcre2_substitute(
                rule->code, (PCRE2_SPTR)name, PCRE2_ZERO_TERMINATED, 0, PCRE2_SUBSTITUTE_GLOBAL, NULL,
                map->context, (PCRE2_SPTR)rule->pair->value, PCRE2_ZERO_TERMINATED, map->buffer, &length);
        const char *copy;

        /* After a failure `length` says where in the replacement, if that is what was wrong. */
        if (n < 0)
                return fail(map->session, rule->pair, name, n, length == PCRE2_UNSET ? 0 : length);
        copy = ckpt_arena_strndup(&map->session->scope.arena, (const char *)map->buffer, length);
        if (!copy)
                return CKPT_E_NOMEM;
        *ret_name = copy;
        return CKPT_OK;
}

ckpt_status ckpt_params_map_apply(ckpt_params_map *map, const char *name, const char **ret_name)
{
        for (uint64_t i = 0; map && i < map->count; i++) {
                const rename_rule *rule = &map->rules[i];
                const int n = pcre2_match(rule->code, (PCRE2_SPTR)name, PCRE2_ZERO_TERMINATED, 0,
                                          PCRE2_ANCHORED, map->data, map->context);

                if (n == PCRE2_ERROR_NOMATCH)
                        continue;
                return n < 0 ? fail(map->session, rule->pair, name, n, 0)
                             : substitute(map, rule, name, ret_name);
        }
        *ret_name = name;
        return CKPT_OK;
}
