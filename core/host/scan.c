/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Adding plugins: linked ones, files, directories, and what is installed
 *
 * What is installed is the directories of CKPT_PLUGIN_PATH, then the directory that this library
 * was built with. Of files of one name the first counts, so that a build tree can stand before an
 * older installation.
 */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/base/errno.h"
#include "core/host/plugin.h"

static ckpt_status fail_last(ckpt_host *host, ckpt_status status, const char *what)
{
        const ckpt_host_plugin *const row = &host->plugins.items[host->plugins.count - 1];

        return ckpt_host_fail(host, status, "%s: %s", what,
                              row->info.reason ? row->info.reason : ckpt_status_name(status));
}

ckpt_status ckpt_host_add_plugin(ckpt_host *host, const ckpt_plugin *plugin)
{
        const uint64_t before = host->plugins.count;
        const ckpt_status r = ckpt_host_consider(host, NULL, plugin);

        if (r == CKPT_OK)
                return CKPT_OK;
        if (host->plugins.count == before)
                return ckpt_host_fail(host, r, "out of memory while a plugin was added");
        return fail_last(host, r,
                         host->plugins.items[before].info.id ? host->plugins.items[before].info.id
                                                             : "linked plugin");
}

/*
 * The directory's true path and the file's own name: links are judged where they lead, and named as
 * they are.
 */
static char *absolute_path(const char *path)
{
        const char *const slash = strrchr(path, '/');
        _cleanup_(ckpt_freep) char *directory =
                slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
        _cleanup_(ckpt_freep) char *real = directory ? realpath(directory, NULL) : NULL;
        char *result = NULL;

        if (!real)
                return strdup(path);
        if (asprintf(&result, "%s/%s", strcmp(real, "/") == 0 ? "" : real, slash ? slash + 1 : path) < 0)
                return NULL;
        return result;
}

ckpt_status ckpt_host_add_plugin_file(ckpt_host *host, const char *path)
{
        _cleanup_(ckpt_freep) char *absolute = NULL;
        const uint64_t before = host->plugins.count;
        ckpt_status r;

        if (!path || !*path)
                return ckpt_host_fail(host, CKPT_E_INVALID, "a plugin's file has no name");
        absolute = absolute_path(path);
        r = absolute ? ckpt_host_consider(host, absolute, NULL) : CKPT_E_NOMEM;
        if (r == CKPT_OK)
                return CKPT_OK;
        if (host->plugins.count == before)
                return ckpt_host_fail(host, r, "%s: out of memory while the plugin was added", path);
        return fail_last(host, r, path);
}

/* ---- directories ---- */

typedef struct listing {
        struct dirent **entries;
        int count;
} listing;

static void listing_deinit(listing *list)
{
        for (int i = 0; i < list->count; i++)
                free(list->entries[i]);
        free(list->entries);
}

/* Names that begin with a dot are editors' and copiers' unfinished files. */
static int is_plugin_name(const struct dirent *entry)
{
        const size_t length = strlen(entry->d_name);

        return entry->d_name[0] != '.' && length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

/* Bytes, not letters: the order does not depend on the locale. */
static int compare_names(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

/* Whether one of the rows since `first` is a file of that name. */
static bool is_shadowed(const ckpt_host *host, uint64_t first, uint64_t last, const char *name)
{
        for (uint64_t i = first; i < last; i++) {
                const char *const path = host->plugins.items[i].info.path;

                if (path && strcmp(strrchr(path, '/') + 1, name) == 0)
                        return true;
        }
        return false;
}

/* Adds the files; *ret_ambiguous is the row of the first that contends with another, or stays. */
static ckpt_status add_entries(ckpt_host *host, const char *directory, const listing *list,
                               uint64_t first_row, uint64_t *ret_ambiguous)
{
        const uint64_t last_row = host->plugins.count;

        for (int i = 0; i < list->count; i++) {
                _cleanup_(ckpt_freep) char *path = NULL;
                const uint64_t row = host->plugins.count;
                ckpt_status r;

                if (is_shadowed(host, first_row, last_row, list->entries[i]->d_name)) {
                        ckpt_logger_write(&host->logger, CKPT_LOG_INFO,
                                          "%s/%s: passed over, a file of that name came before", directory,
                                          list->entries[i]->d_name);
                        continue;
                }
                if (asprintf(&path, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory,
                             list->entries[i]->d_name) < 0) {
                        path = NULL;
                        return CKPT_E_NOMEM;
                }
                r = ckpt_host_consider(host, path, NULL);
                if (host->plugins.count == row)
                        return r;
                if (r == CKPT_E_AMBIGUOUS && *ret_ambiguous == UINT64_MAX)
                        *ret_ambiguous = row;
        }
        return CKPT_OK;
}

/* `first_row`: files named like one of these rows are passed over. */
static ckpt_status add_directory(ckpt_host *host, const char *directory, uint64_t first_row)
{
        char reason[CKPT_REASON_MAX] = "out of memory";
        _cleanup_(listing_deinit) listing list = {NULL, 0};
        _cleanup_(ckpt_freep) char *path = NULL;
        _cleanup_(ckpt_closep) int fd = -1;
        uint64_t ambiguous = UINT64_MAX;
        ckpt_status r = ckpt_directory_open(directory, &fd, &path, reason, sizeof(reason));

        if (r != CKPT_OK)
                return ckpt_host_fail(host, r, "plugin directory %s: %s", directory, reason);
        list.count = scandirat(fd, ".", &list.entries, is_plugin_name, compare_names);
        if (list.count < 0)
                return ckpt_host_fail(host, CKPT_E_IO, "plugin directory %s: it cannot be read: %s", path,
                                      ckpt_errno_text(errno));
        ckpt_logger_write(&host->logger, CKPT_LOG_DEBUG, "plugin directory %s: %d files", path, list.count);
        r = add_entries(host, path, &list, first_row, &ambiguous);
        if (r != CKPT_OK)
                return ckpt_host_fail(host, r, "plugin directory %s: out of memory", path);
        if (ambiguous == UINT64_MAX)
                return CKPT_OK;
        return ckpt_host_fail(host, CKPT_E_AMBIGUOUS, "%s: %s", host->plugins.items[ambiguous].info.path,
                              host->plugins.items[ambiguous].info.reason);
}

/* Every directory of the list is tried; the result is the first failure. */
static ckpt_status add_path_list(ckpt_host *host, const char *list, uint64_t first_row)
{
        _cleanup_(ckpt_freep) char *copy = strdup(list);
        char *rest = copy, *directory;
        ckpt_status result = CKPT_OK;

        if (!copy)
                return ckpt_host_fail(host, CKPT_E_NOMEM, "out of memory while CKPT_PLUGIN_PATH was read");
        while ((directory = strsep(&rest, ":")) != NULL) {
                const ckpt_status r = *directory ? add_directory(host, directory, first_row) : CKPT_OK;

                if (result == CKPT_OK)
                        result = r;
        }
        return result;
}

static ckpt_status add_installed(ckpt_host *host)
{
        const char *const list = secure_getenv("CKPT_PLUGIN_PATH");
        const bool named = list && *list;
        const uint64_t first_row = host->plugins.count;
        const ckpt_status r = named ? add_path_list(host, list, first_row) : CKPT_OK;

        if (r != CKPT_OK)
                return r;
        /* A program that runs from its build tree has nothing installed. */
        if (named && access(CKPT_PLUGIN_DIR, F_OK) < 0 && errno == ENOENT)
                return CKPT_OK;
        return add_directory(host, CKPT_PLUGIN_DIR, first_row);
}

ckpt_status ckpt_host_add_plugin_dir(ckpt_host *host, const char *directory)
{
        if (!directory)
                return add_installed(host);
        /*
         * No row is that far: nothing is passed over, so that two plugins of one name contend
         * aloud.
         */
        return add_directory(host, directory, UINT64_MAX);
}
