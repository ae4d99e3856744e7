/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A handful of threads for one piece of work
 */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "core/base/cleanup.h"
#include "core/base/thread.h"
#include "core/execute/workers.h"

#define PROGRESS_NANOSECONDS 50000000L

struct team {
        ckpt_session *session;
        ckpt_worker worker;
        void *context;
        atomic_bool *stop;
        pthread_mutex_t lock;
        pthread_cond_t changed;
        uint32_t running;
        ckpt_status status; /* the first failure */
};

struct member {
        struct team *team;
        pthread_t thread;
        uint32_t index;
};

static void team_note(struct team *team, ckpt_status status)
{
        if (status == CKPT_OK)
                return;
        atomic_store(team->stop, true);
        if (team->status == CKPT_OK)
                team->status = status;
}

static void *member_main(void *argument)
{
        struct member *member = argument;
        struct team *team = member->team;
        const ckpt_status r = team->worker(team->context, member->index);

        pthread_mutex_lock(&team->lock);
        team_note(team, r);
        team->running--;
        pthread_cond_signal(&team->changed);
        pthread_mutex_unlock(&team->lock);
        return NULL;
}

static void wait_for_change(struct team *team)
{
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += PROGRESS_NANOSECONDS;
        if (until.tv_nsec >= 1000000000L) {
                until.tv_sec++;
                until.tv_nsec -= 1000000000L;
        }
        pthread_cond_timedwait(&team->changed, &team->lock, &until);
}

static uint32_t start_all(struct team *team, struct member *members, uint32_t count)
{
        for (uint32_t i = 0; i < count; i++) {
                int error;

                members[i] = (struct member){.team = team, .index = i};
                team->running++;
                error = ckpt_thread_start(&members[i].thread, member_main, &members[i]);
                if (error) {
                        team->running--;
                        team_note(team, ckpt_session_fail(team->session, CKPT_E_SYSTEM, NULL,
                                                          "cannot start a thread: %s", strerror(error)));
                        return i;
                }
        }
        return count;
}

ckpt_status ckpt_workers_run(ckpt_session *session, uint32_t count, ckpt_worker worker, void *context,
                             atomic_bool *stop, void (*progress)(void *context), void *progress_context)
{
        struct team team = {.session = session, .worker = worker, .context = context, .stop = stop};
        _cleanup_(ckpt_freep) struct member *members = calloc(count, sizeof(*members));
        pthread_condattr_t attributes;
        uint32_t started;

        if (!members)
                return CKPT_E_NOMEM;
        pthread_mutex_init(&team.lock, NULL);
        pthread_condattr_init(&attributes);
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        pthread_cond_init(&team.changed, &attributes);
        pthread_condattr_destroy(&attributes);

        pthread_mutex_lock(&team.lock);
        started = start_all(&team, members, count);
        while (team.running > 0) {
                wait_for_change(&team);
                if (ckpt_session_check(session))
                        team_note(&team, CKPT_E_CANCELLED);
                if (progress) {
                        pthread_mutex_unlock(&team.lock);
                        progress(progress_context);
                        pthread_mutex_lock(&team.lock);
                }
        }
        pthread_mutex_unlock(&team.lock);
        for (uint32_t i = 0; i < started; i++)
                pthread_join(members[i].thread, NULL);
        pthread_cond_destroy(&team.changed);
        pthread_mutex_destroy(&team.lock);
        return team.status;
}
