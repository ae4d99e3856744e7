/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A weight loader's own readers, called by the executor's workers: serial per loader unless the
 * component whose `read` it is says that it may run on several at once.
 */

#include "core/frame/link.h"

static ckpt_link *find_reader(ckpt_frame *reader)
{
        return ckpt_link_find(reader->top, CKPT_KIND_WEIGHT_LOADER, weight_loader, read);
}

/* The lock to hold around this loader's calls, or NULL for one that needs none. */
static pthread_mutex_t *lock_reader(ckpt_frame *reader)
{
        const ckpt_link *const link = find_reader(reader);

        if (!link || (link->component && CKPT_KNOWS(link->component->as.weight_loader, flags) &&
                      (link->component->as.weight_loader->flags & CKPT_READ_CONCURRENT)))
                return NULL;
        pthread_mutex_lock(&link->chain->read_lock);
        return &link->chain->read_lock;
}

static void unlock_reader(pthread_mutex_t *const *lock)
{
        if (*lock)
                pthread_mutex_unlock(*lock);
}

/* Releases the lock on every return of the function that declares it. */
#define _locked_ __attribute__((cleanup(unlock_reader), unused))

ckpt_status ckpt_chain_read(ckpt_frame *reader, uint64_t cookie, uint64_t offset, void *buffer, uint64_t size)
{
        ckpt_link *const link = find_reader(reader);
        _locked_ pthread_mutex_t *const lock = lock_reader(reader);

        if (!link)
                return CKPT_E_PLUGIN;
        if (!link->component)
                return ckpt_link_blame(ckpt_link_of(reader->top),
                                       "its leaves are to be read by the loader itself, and no "
                                       "component of its chain has the slot 'read'");
        return ckpt_link_call(
                link, "read",
                link->component->as.weight_loader->read(&link->frame, cookie, offset, buffer, size));
}

ckpt_status ckpt_chain_read_open(ckpt_frame *reader, uint64_t cookie)
{
        ckpt_link *const link = ckpt_link_find(reader->top, CKPT_KIND_WEIGHT_LOADER, weight_loader, open);
        _locked_ pthread_mutex_t *const lock = lock_reader(reader);

        if (!link)
                return CKPT_E_PLUGIN;
        if (!link->component)
                return CKPT_OK;
        return ckpt_link_call(link, "open", link->component->as.weight_loader->open(&link->frame, cookie));
}

void ckpt_chain_read_close(ckpt_frame *reader, uint64_t cookie)
{
        ckpt_link *const link = ckpt_link_find(reader->top, CKPT_KIND_WEIGHT_LOADER, weight_loader, close);
        _locked_ pthread_mutex_t *const lock = lock_reader(reader);

        if (link && link->component)
                link->component->as.weight_loader->close(&link->frame, cookie);
}
