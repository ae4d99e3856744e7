/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/plugins_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <check.h>

#include "support/scratch.h"

ckpt_host *host;
ckpt_session session;

static char logged[1 << 16];

static void keep_line(void *context, ckpt_log_level level, const char *line)
{
        const size_t used = strlen(logged);

        (void)context;
        (void)level;
        snprintf(logged + used, sizeof(logged) - used, "%s\n", line);
}

void plugins_setup(void)
{
        logged[0] = '\0';
        scratch_new();
        ck_assert_int_eq(ckpt_host_new(&host), CKPT_OK);
        ckpt_host_set_log(host, keep_line, NULL, CKPT_LOG_DEBUG);
        ck_assert_int_eq(ckpt_session_init(&session, &ckpt_api_table, &host->logger, NULL), CKPT_OK);
}

void plugins_teardown(void)
{
        host = ckpt_host_free(host);
        ckpt_session_deinit(&session); /* linked plugins live in its arena */
        scratch_remove();
}

bool was_logged(const char *words)
{
        return strstr(logged, words) != NULL;
}

void copy_plugin(const char *module, const char *name)
{
        static char buffer[1 << 22];
        char path[4096];
        FILE *file;
        size_t size;

        snprintf(path, sizeof(path), "%s/%s.so", test_place("CKPT_TEST_BAD_PLUGINS"), module);
        file = fopen(path, "rb");
        ck_assert_msg(file != NULL, "%s is not there", path);
        size = fread(buffer, 1, sizeof(buffer), file);
        fclose(file);
        ck_assert_uint_lt(size, sizeof(buffer));
        snprintf(path, sizeof(path), "%s.so", name);
        scratch_write(path, buffer, size);
        ck_assert_int_eq(chmod(scratch_path(path), 0644), 0);
}

static bool is_named(const ckpt_plugin_info *info, const char *name)
{
        const char *const file = info->path ? strrchr(info->path, '/') + 1 : info->id;

        return file && strcmp(file, name) == 0;
}

ckpt_plugin_info row_of(const char *name)
{
        ckpt_plugin_info info;

        for (uint32_t i = 0; ckpt_host_plugin_info(host, i, &info) == CKPT_OK; i++) {
                if (is_named(&info, name))
                        return info;
        }
        ck_abort_msg("the host has no row for %s", name);
        return info;
}

void expect_refused(const char *name, ckpt_status status, const char *words)
{
        const ckpt_plugin_info info = row_of(name);

        ck_assert_msg(info.status == status, "%s: status %d (%s), expected %d", name, info.status,
                      info.reason ? info.reason : "", status);
        ck_assert_msg(strstr(info.reason, words) != NULL, "%s: '%s' does not say '%s'", name, info.reason,
                      words);
        ck_assert_uint_eq(info.n_components, 0);
}

void expect_accepted(const char *name)
{
        const ckpt_plugin_info info = row_of(name);

        ck_assert_msg(info.status == CKPT_OK, "%s: %s", name, info.reason ? info.reason : "");
        ck_assert_ptr_null(info.reason);
}

void expect_reason(ckpt_status status, const char *words)
{
        for (uint64_t i = 0; i < session.diagnostics.list.count; i++) {
                const ckpt_diagnostic *const d = &session.diagnostics.list.items[i];

                if (d->status == status && strstr(d->text, words))
                        return;
        }
        for (uint64_t i = 0; i < session.diagnostics.list.count; i++)
                fprintf(stderr, "# %d %s\n", session.diagnostics.list.items[i].status,
                        session.diagnostics.list.items[i].text);
        ck_abort_msg("no reason of status %d says '%s'", status, words);
}

void expect_no_reason(void)
{
        for (uint64_t i = 0; i < session.diagnostics.list.count; i++)
                ck_abort_msg("recorded: %s", session.diagnostics.list.items[i].text);
}

ckpt_status add_linked(const char *id, const ckpt_component *const *components, uint32_t count)
{
        ckpt_plugin *const plugin = ckpt_arena_alloc(&session.scope.arena, sizeof(*plugin));
        const ckpt_component **const copies =
                ckpt_arena_calloc(&session.scope.arena, count, sizeof(ckpt_component *));

        for (uint32_t i = 0; i < count; i++) {
                ckpt_component *const copy = ckpt_arena_alloc(&session.scope.arena, sizeof(*copy));

                *copy = *components[i];
                copies[i] = copy;
        }
        *plugin = (ckpt_plugin){.struct_size = sizeof(*plugin),
                                .abi_major = CKPT_ABI_MAJOR,
                                .id = id,
                                .version = "1",
                                .description = "of a test",
                                .license = "Apache-2.0",
                                .components = copies,
                                .n_components = count};
        return ckpt_host_add_plugin(host, plugin);
}
