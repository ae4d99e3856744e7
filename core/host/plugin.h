/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_HOST_PLUGIN_H
#define CKPT_HOST_PLUGIN_H

/*
 * How a plugin gets in: from a file's name to a row of the registry. What the files of this room
 * share
 */

#include <sys/stat.h>

#include "core/base/cleanup.h"
#include "core/host/host.h"

/** Words of one refusal; what is longer is cut. */
#define CKPT_REASON_MAX 1024

/** Writes a reason, returns the status. */
ckpt_status ckpt_refuse(char *ret_reason, size_t size, ckpt_status status, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* ---- files (file.c, elf.c, library.c) ---- */

/** Whether nobody but root and this user can change `what` ("the file", "the directory"). */
ckpt_status ckpt_file_judge(const struct stat *st, const char *what, char *ret_reason, size_t size);
/**
 * Opens a directory and judges it. `ret_path` is its absolute path without links, of malloc.
 * CKPT_E_NOT_FOUND: there is none.
 */
ckpt_status ckpt_directory_open(const char *directory, int *ret_fd, char **ret_path, char *ret_reason,
                                size_t size);
/** Whether an open file is a whole shared object for this machine. */
ckpt_status ckpt_elf_check(int fd, uint64_t file_size, char *ret_reason, size_t size);
/**
 * Judges a file and its directory, and links in the symbol that the file itself defines. The file
 * stays mapped for ever, whatever comes of it. CKPT_E_NOT_FOUND: there is no such file.
 */
ckpt_status ckpt_library_open(const char *path, const char *symbol, const void **ret_symbol, char *ret_reason,
                              size_t size);

/* ---- registry (registry.c, validate.c) ---- */

/** As ckpt_plugin_validate, for one component; also an embedder's own. */
ckpt_status ckpt_component_validate(const ckpt_component *component, char *ret_reason, size_t size);
/**
 * Judges a file (`path` absolute) or a linked plugin (`path` NULL), and adds its row. Its status is
 * the verdict.
 */
ckpt_status ckpt_host_consider(ckpt_host *host, const char *path, const ckpt_plugin *linked);
const ckpt_registered *ckpt_host_find(const ckpt_host *host, ckpt_kind kind, const char *format,
                                      const char *model);
/** Whether two keys or strings are equal; NULL equals NULL alone. */
bool ckpt_string_equal(const char *a, const char *b);

/* ---- resolution ---- */

#endif
