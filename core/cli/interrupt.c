/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals come through a descriptor, so that waiting for one can also be ended: poll watches it beside an
 * eventfd, which interrupt_deinit writes to.
 */
#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli.h"

static void handle_signal(struct interrupt *interrupt)
{
        bool end;

        pthread_mutex_lock(&interrupt->lock);
        end = interrupt->caught || !interrupt->load;
        interrupt->caught = true;
        if (!end)
                ckpt_load_cancel(interrupt->load);
        pthread_mutex_unlock(&interrupt->lock);
        if (end)
                _exit(CLI_INTERRUPTED);
}

static void *read_signals(void *context)
{
        struct interrupt *interrupt = context;
        struct pollfd fds[2] = {{interrupt->signals, POLLIN, 0}, {interrupt->stop, POLLIN, 0}};

        for (;;) {
                struct signalfd_siginfo info;

                if (poll(fds, 2, -1) < 0 && errno != EINTR)
                        return NULL;
                if (fds[1].revents != 0)
                        return NULL;
                if (fds[0].revents != 0 &&
                    read(interrupt->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
                        handle_signal(interrupt);
        }
}

ckpt_status interrupt_init(struct interrupt *interrupt)
{
        sigset_t set;

        *interrupt = (struct interrupt){.lock = PTHREAD_MUTEX_INITIALIZER, .signals = -1, .stop = -1};
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        interrupt->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        interrupt->stop = eventfd(0, EFD_CLOEXEC);
        if (interrupt->signals < 0 || interrupt->stop < 0 || pthread_sigmask(SIG_BLOCK, &set, NULL) != 0)
                return CKPT_E_SYSTEM;
        if (pthread_create(&interrupt->thread, NULL, read_signals, interrupt) != 0)
                return CKPT_E_SYSTEM;
        interrupt->started = true;
        return CKPT_OK;
}

void interrupt_deinit(struct interrupt *interrupt)
{
        if (interrupt->started && eventfd_write(interrupt->stop, 1) == 0)
                pthread_join(interrupt->thread, NULL);
        if (interrupt->signals >= 0)
                close(interrupt->signals);
        if (interrupt->stop >= 0)
                close(interrupt->stop);
        pthread_mutex_destroy(&interrupt->lock);
}

void interrupt_watch(struct interrupt *interrupt, ckpt_load *load)
{
        pthread_mutex_lock(&interrupt->lock);
        interrupt->load = load;
        if (load && interrupt->caught)
                ckpt_load_cancel(load);
        pthread_mutex_unlock(&interrupt->lock);
}
