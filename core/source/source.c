/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What all sources have in common: references, names, and reads that are checked against the object's size
 * and complete or fail.
 */

#include "core/source/source.h"

#include <stdlib.h>

#include "core/base/cleanup.h"
#include "core/base/errno.h"
#include "core/source/table.h"

static void source_free(ckpt_source *source)
{
        if (source->table)
                source->table->close(source);
        ckpt_map_deinit(&source->index);
        ckpt_arena_deinit(&source->arena);
        free(source);
}

CKPT_DEFINE_CLEANUP(ckpt_source *, source_free);

ckpt_status ckpt_source_open(ckpt_diagnostics *diagnostics, const char *path, ckpt_source **ret_source)
{
        _cleanup_(source_freep) ckpt_source *source = NULL;
        ckpt_status r;

        if (!path || !*path)
                return ckpt_diagnostics_add(diagnostics, CKPT_E_INVALID, NULL, NULL, NULL,
                                            "no checkpoint was named");
        source = calloc(1, sizeof(*source));
        if (!source)
                return CKPT_E_NOMEM;
        source->api = &ckpt_api_table;
        atomic_init(&source->references, 1);
        source->label = ckpt_arena_strdup(&source->arena, path);
        source->asked_bytes = ckpt_arena_alloc(&source->arena, sizeof(*source->asked_bytes));
        if (!source->label || !source->asked_bytes)
                return CKPT_E_NOMEM;
        atomic_init(source->asked_bytes, 0);
        r = ckpt_source_files_open(diagnostics, source, path);
        for (uint32_t i = 0; r == CKPT_OK && i < source->count; i++)
                r = ckpt_map_add(&source->index, source->objects[i].name, i);
        if (r != CKPT_OK)
                return r;
        *ret_source = ckpt_steal(&source);
        return CKPT_OK;
}

ckpt_source *ckpt_source_ref(ckpt_source *source)
{
        if (source)
                atomic_fetch_add_explicit(&source->references, 1, memory_order_relaxed);
        return source;
}

ckpt_source *ckpt_source_unref(ckpt_source *source)
{
        if (source && atomic_fetch_sub_explicit(&source->references, 1, memory_order_acq_rel) == 1)
                source_free(source);
        return NULL;
}

static ckpt_status check_object(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object)
{
        if (object < source->count)
                return CKPT_OK;
        return ckpt_diagnostics_add(diagnostics, CKPT_E_INVALID, NULL, NULL, NULL,
                                    "object %u of %s was asked for, it has %u", object, source->label,
                                    source->count);
}

static ckpt_status check_range(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                               uint64_t offset, uint64_t size)
{
        const ckpt_source_object *o;
        uint64_t end;
        ckpt_status r = check_object(diagnostics, source, object);

        if (r != CKPT_OK)
                return r;
        o = &source->objects[object];
        if (!__builtin_add_overflow(offset, size, &end) && end <= o->size)
                return CKPT_OK;
        return ckpt_diagnostics_add(diagnostics, CKPT_E_CORRUPT, NULL, NULL,
                                    &(ckpt_where){.struct_size = sizeof(ckpt_where),
                                                  .has_offset = 1,
                                                  .object = o->name,
                                                  .offset = offset,
                                                  .hint = "the file may be cut short; download it again"},
                                    "%llu bytes are wanted here, the file has %llu in all",
                                    (unsigned long long)size, (unsigned long long)o->size);
}

ckpt_status ckpt_source_fail_short(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                   uint64_t offset)
{
        return ckpt_diagnostics_add(diagnostics, CKPT_E_CHANGED, NULL, NULL,
                                    &(ckpt_where){.struct_size = sizeof(ckpt_where),
                                                  .has_offset = 1,
                                                  .object = source->objects[object].name,
                                                  .offset = offset,
                                                  .hint = "load again when nothing writes to it"},
                                    "the file now ends here, it had %llu bytes when it was opened",
                                    (unsigned long long)source->objects[object].size);
}

ckpt_status ckpt_source_fail_read(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                  uint64_t offset, int error)
{
        return ckpt_diagnostics_add(diagnostics, CKPT_E_IO, NULL, NULL,
                                    &(ckpt_where){.struct_size = sizeof(ckpt_where),
                                                  .has_offset = 1,
                                                  .object = source->objects[object].name,
                                                  .offset = offset,
                                                  .hint = ckpt_errno_hint(error)},
                                    "cannot read: %s", ckpt_errno_text(error));
}

/* Takes `size` bytes off the front of a list; the count of pieces gone. */
static int advance(struct iovec *pieces, int count, uint64_t size)
{
        int gone = 0;

        while (gone < count && size >= pieces[gone].iov_len)
                size -= pieces[gone++].iov_len;
        if (gone < count) {
                pieces[gone].iov_base = (uint8_t *)pieces[gone].iov_base + size;
                pieces[gone].iov_len -= size;
        }
        return gone;
}

static uint64_t pieces_size(const struct iovec *pieces, int count)
{
        uint64_t size = 0;

        for (int i = 0; i < count; i++)
                size += pieces[i].iov_len;
        return size;
}

ckpt_status ckpt_source_read_pieces(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                    uint64_t offset, struct iovec *pieces, int count)
{
        uint64_t left = pieces_size(pieces, count);
        ckpt_status r = check_range(diagnostics, source, object, offset, left);

        while (r == CKPT_OK && left > 0) {
                uint64_t n = 0;

                r = source->table->read(diagnostics, source, object, offset, pieces, count, &n);
                if (r == CKPT_OK && n == 0)
                        return ckpt_source_fail_short(diagnostics, source, object, offset);
                if (r == CKPT_OK) {
                        const int gone = advance(pieces, count, n);

                        pieces += gone;
                        count -= gone;
                        offset += n;
                        left -= n;
                }
        }
        return r;
}

ckpt_status ckpt_source_is_cached(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                  uint64_t offset, uint64_t size, bool *ret_cached)
{
        const ckpt_status r = check_range(diagnostics, source, object, offset, size);

        *ret_cached = true;
        return r || size == 0
                       ? r
                       : source->table->is_cached(diagnostics, source, object, offset, size, ret_cached);
}

int ckpt_source_direct_fd(const ckpt_source *source, uint32_t object)
{
        return object < source->count ? source->table->direct_fd(source, object) : -1;
}

void ckpt_source_refuse_direct(ckpt_source *source, uint32_t object)
{
        source->table->refuse_direct(source, object);
}

ckpt_status ckpt_source_read_at(ckpt_diagnostics *diagnostics, const ckpt_source *source, uint32_t object,
                                uint64_t offset, void *buffer, uint64_t size)
{
        struct iovec piece = {.iov_base = buffer, .iov_len = size};

        return ckpt_source_read_pieces(diagnostics, source, object, offset, &piece, 1);
}

/* As a component does it: the error goes to the load that the frame serves, in the component's name. */
ckpt_status ckpt_source_api_read(const ckpt_frame *self, const ckpt_source *source, uint32_t object,
                                 uint64_t offset, void *buffer, uint64_t size)
{
        ckpt_diagnostics diagnostics;
        ckpt_status r;

        ckpt_diagnostics_init(&diagnostics);
        r = ckpt_source_read_at(&diagnostics, source, object, offset, buffer, size);
        if (r == CKPT_OK)
                atomic_fetch_add_explicit(source->asked_bytes, size, memory_order_relaxed);
        if (r != CKPT_OK && diagnostics.list.count > 0) {
                const ckpt_diagnostic *d = &diagnostics.list.items[0];

                self->api->report(self, r,
                                  &(ckpt_where){.struct_size = sizeof(ckpt_where),
                                                .has_offset = (uint32_t)d->has_offset,
                                                .object = d->object,
                                                .offset = d->offset,
                                                .hint = d->hint},
                                  d->message);
        }
        ckpt_diagnostics_deinit(&diagnostics);
        return r;
}

int ckpt_source_fd(ckpt_diagnostics *diagnostics, ckpt_source *source, uint32_t object)
{
        int fd = -1;
        ckpt_status r = check_object(diagnostics, source, object);

        if (r == CKPT_OK)
                r = source->table->fd(diagnostics, source, object, &fd);
        return r == CKPT_OK ? fd : r;
}

uint64_t ckpt_source_asked_bytes(const ckpt_source *source)
{
        return atomic_load_explicit(source->asked_bytes, memory_order_relaxed);
}

ckpt_status ckpt_source_verify(ckpt_diagnostics *diagnostics, ckpt_source *source, uint32_t object)
{
        const ckpt_status r = check_object(diagnostics, source, object);

        return r == CKPT_OK ? source->table->verify(diagnostics, source, object) : r;
}

const char *ckpt_source_api_label(const ckpt_source *source)
{
        return source->label;
}

uint32_t ckpt_source_api_count(const ckpt_source *source)
{
        return source->count;
}

const char *ckpt_source_api_name(const ckpt_source *source, uint32_t object)
{
        return object < source->count ? source->objects[object].name : NULL;
}

uint64_t ckpt_source_api_size(const ckpt_source *source, uint32_t object)
{
        return object < source->count ? source->objects[object].size : 0;
}

ckpt_status ckpt_source_api_find(const ckpt_source *source, const char *name, uint32_t *ret_object)
{
        uint64_t at;

        if (!name || !ckpt_map_find(&source->index, name, &at))
                return CKPT_ABSENT;
        *ret_object = (uint32_t)at;
        return CKPT_OK;
}
