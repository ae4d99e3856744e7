/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A look at a file before the dynamic linker maps it
 *
 * dlopen maps first and asks later: a truncated file kills the process with SIGBUS, and a file for
 * another machine gives a message that does not name the machine. What "this machine" is we read
 * from our own ELF header.
 */

#include "core/host/plugin.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <link.h>
#include <string.h>

/* More program headers than any linker writes. */
#define PROGRAM_HEADERS_MAX 512

static bool read_exactly(int fd, void *buffer, size_t size, uint64_t offset)
{
        uint8_t *to = buffer;

        while (size > 0) {
                const ssize_t n = pread(fd, to, size, (off_t)offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                to += n;
                offset += (uint64_t)n;
                size -= (size_t)n;
        }
        return true;
}

/* The header of the object that this is part of. */
static bool own_header(ElfW(Ehdr) * ret_header)
{
        static const char here = 0;
        Dl_info info;

        if (!dladdr(&here, &info) || !info.dli_fbase)
                return false;
        memcpy(ret_header, info.dli_fbase, sizeof(*ret_header));
        return memcmp(ret_header->e_ident, ELFMAG, SELFMAG) == 0;
}

static ckpt_status check_machine(const ElfW(Ehdr) * header, char *ret_reason, size_t size)
{
        ElfW(Ehdr) own;

        if (!own_header(&own))
                return ckpt_refuse(ret_reason, size, CKPT_E_SYSTEM,
                                   "this process's own ELF header was not found");
        if (header->e_ident[EI_CLASS] != own.e_ident[EI_CLASS])
                return ckpt_refuse(ret_reason, size, CKPT_E_UNSUPPORTED,
                                   "it is ELF of class %u, this process is of class %u "
                                   "(1: 32 bits, 2: 64 bits)",
                                   header->e_ident[EI_CLASS], own.e_ident[EI_CLASS]);
        if (header->e_ident[EI_DATA] != own.e_ident[EI_DATA])
                return ckpt_refuse(ret_reason, size, CKPT_E_UNSUPPORTED, "it is ELF of the other byte order");
        if (header->e_machine != own.e_machine)
                return ckpt_refuse(ret_reason, size, CKPT_E_UNSUPPORTED,
                                   "it is for ELF machine %u, this process runs on machine %u",
                                   header->e_machine, own.e_machine);
        if (header->e_type != ET_DYN)
                return ckpt_refuse(ret_reason, size, CKPT_E_UNSUPPORTED,
                                   "it is not a shared object (ELF type %u): link it with -shared",
                                   header->e_type);
        return CKPT_OK;
}

/* Every byte that will be mapped is in the file. */
static ckpt_status check_segments(int fd, uint64_t file_size, const ElfW(Ehdr) * header, char *ret_reason,
                                  size_t size)
{
        if (header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phnum > PROGRAM_HEADERS_MAX)
                return ckpt_refuse(ret_reason, size, CKPT_E_CORRUPT,
                                   "its ELF header is damaged: %u program headers of %u bytes",
                                   header->e_phnum, header->e_phentsize);
        for (uint32_t i = 0; i < header->e_phnum; i++) {
                ElfW(Phdr) segment;
                uint64_t at, end;

                if (__builtin_add_overflow((uint64_t)header->e_phoff, (uint64_t)i * sizeof(segment), &at) ||
                    at > file_size || !read_exactly(fd, &segment, sizeof(segment), at))
                        return ckpt_refuse(ret_reason, size, CKPT_E_CORRUPT,
                                           "it is truncated: program header %u is missing", i);
                if (segment.p_type != PT_LOAD)
                        continue;
                if (__builtin_add_overflow((uint64_t)segment.p_offset, (uint64_t)segment.p_filesz, &end) ||
                    end > file_size)
                        return ckpt_refuse(ret_reason, size, CKPT_E_CORRUPT,
                                           "it is truncated: a segment ends beyond its %llu bytes",
                                           (unsigned long long)file_size);
        }
        return CKPT_OK;
}

ckpt_status ckpt_elf_check(int fd, uint64_t file_size, char *ret_reason, size_t size)
{
        ElfW(Ehdr) header;
        unsigned char magic[SELFMAG];
        ckpt_status r;

        if (!read_exactly(fd, magic, sizeof(magic), 0) || memcmp(magic, ELFMAG, SELFMAG) != 0)
                return ckpt_refuse(ret_reason, size, CKPT_E_CORRUPT, "it is not an ELF file");
        if (!read_exactly(fd, &header, sizeof(header), 0))
                return ckpt_refuse(ret_reason, size, CKPT_E_CORRUPT,
                                   "it is truncated: its ELF header is not whole");
        r = check_machine(&header, ret_reason, size);
        return r == CKPT_OK ? check_segments(fd, file_size, &header, ret_reason, size) : r;
}
