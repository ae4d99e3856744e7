/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_REPORT_H
#define CKPT_REPORT_H

/*
 * Errors, log lines and options, as a component uses them
 *
 * `self` is the frame that the slot was called with (any frame of its chain serves), never NULL. Names of
 * files and tensors may be formatted as they are: the runtime escapes what a terminal would obey.
 */

#include <ckpt/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of the longest formatted message with its NUL; what is longer is cut. */
#define CKPT_MESSAGE_MAX 1024

/**
 * Records an error on the load that `self` serves and returns `status`, so that a slot ends with
 * `return ckpt_fail(self, …)`. The runtime adds the plugin's and the component's name; the message says
 * what is wrong, `where` (may be NULL) where it is and what to do. Record once, at the place that knows
 * most; whoever calls forwards the status. [any-thread]
 *
 *         if (n_heads <= 0)
 *                 return ckpt_fail(self, CKPT_E_CORRUPT, NULL, "num_attention_heads is %lld, it must be "
 *                                  "positive", (long long)n_heads);
 *
 * `status` should be negative; 0 or a positive one is recorded and returned as CKPT_E_PLUGIN. A load that
 * has recorded an error fails, even where the slot goes on and returns success: that is how a slot reports
 * several. All strings are copied.
 */
__attribute__((format(printf, 4, 5))) static inline ckpt_status ckpt_fail(const ckpt_frame *self,
                                                                          ckpt_status status,
                                                                          const ckpt_where *where,
                                                                          const char *format, ...)
{
        char message[CKPT_MESSAGE_MAX];
        va_list arguments;

        va_start(arguments, format);
        if (vsnprintf(message, sizeof(message), format, arguments) < 0)
                message[0] = '\0';
        va_end(arguments);
        return self->api->report(self, status, where, message);
}

/**
 * Writes a line to the host's log, for what the user may want to know and is no error. The runtime adds the
 * plugin's and the component's name; no newline is wanted. Lines below the level of ckpt_host_set_log are
 * dropped. [any-thread]
 */
__attribute__((format(printf, 3, 4))) static inline void ckpt_log(const ckpt_frame *self,
                                                                  ckpt_log_level level, const char *format,
                                                                  ...)
{
        char message[CKPT_MESSAGE_MAX];
        va_list arguments;

        va_start(arguments, format);
        if (vsnprintf(message, sizeof(message), format, arguments) < 0)
                message[0] = '\0';
        va_end(arguments);
        self->api->log(self, level, message);
}

/**
 * The value of an option that a component of this chain declares (ckpt_option in interfaces.h): the user's,
 * of several the last; else the declared default; else false. `key` is the name without the slot. Of two
 * declarations of one name the more derived component's counts, so that it may change a default.
 *
 * An option that nobody of the chain declares, or declares with another type, is a mistake of the plugin
 * (CKPT_E_PLUGIN), a value that does not parse is one of the user (CKPT_E_INVALID): both are recorded, fail
 * the load, and give the zero value here. Booleans are true, false, 1, 0, yes, no, on, off. [control]
 */
static inline bool ckpt_option_bool(const ckpt_frame *self, const char *key)
{
        int32_t value = 0;

        self->api->option_bool(self, key, &value);
        return value != 0;
}

/**
 * As ckpt_option_bool, for whole numbers: decimal, with '-' or without a sign, of 64 bits; else 0. [control]
 */
static inline int64_t ckpt_option_i64(const ckpt_frame *self, const char *key)
{
        int64_t value = 0;

        self->api->option_i64(self, key, &value);
        return value;
}

/**
 * As ckpt_option_bool, for strings, which may be empty; NULL where none is set and the default is NULL.
 * Lives as long as the frame. [control]
 */
static inline const char *ckpt_option_string(const ckpt_frame *self, const char *key)
{
        const char *value = NULL;

        self->api->option_string(self, key, &value);
        return value;
}

/**
 * a, b and c (each may be NULL) put together, as a string that lives as long as the load: for the
 * names that a mapper's `rename` returns. NULL when memory is short, which fails the load
 * (CKPT_E_NOMEM). [control]
 *
 *         return ckpt_string_concat(m, "model.", name, NULL);
 */
static inline const char *ckpt_string_concat(const ckpt_frame *self, const char *a, const char *b,
                                             const char *c)
{
        return self->api->string_concat(self, a, b, c);
}

#ifdef __cplusplus
}
#endif

#endif
