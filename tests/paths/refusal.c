/* SPDX-License-Identifier: Apache-2.0 */
#include "refusal.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

/* Statements that one refusal takes. */
#define STATEMENTS 5

enum {
        REFUSALS_MAX = 8
};

#define STATEMENT(code_, value)                               \
        (struct sock_filter)                                  \
        {                                                     \
                .code = (unsigned short)(code_), .k = (value) \
        }
#define JUMP(code_, value, yes, no)                                                    \
        (struct sock_filter)                                                           \
        {                                                                              \
                .code = (unsigned short)(code_), .jt = (yes), .jf = (no), .k = (value) \
        }

/* Each begins with the call's number loaded, and leaves it so. */
static void add(struct sock_filter *at, const refusal *r)
{
        const uint32_t third = offsetof(struct seccomp_data, args) + 2 * sizeof(uint64_t);

        at[0] = STATEMENT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
        at[1] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->call, 0, 3);
        at[2] = STATEMENT(BPF_LD | BPF_W | BPF_ABS, third);
        at[3] = JUMP(BPF_JMP | BPF_JSET | BPF_K, r->flags, 0, r->flags ? 1 : 0);
        at[4] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)r->error);
}

bool refuse_calls(const refusal *refusals, unsigned count)
{
        struct sock_filter filter[REFUSALS_MAX * STATEMENTS + 1];
        struct sock_fprog program = {.filter = filter};

        if (count > REFUSALS_MAX)
                return false;
        for (unsigned i = 0; i < count; i++)
                add(filter + STATEMENTS * i, &refusals[i]);
        filter[STATEMENTS * count] = STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        program.len = (unsigned short)(STATEMENTS * count + 1);
        return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
