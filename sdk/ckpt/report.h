/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_REPORT_H
#define CKPT_REPORT_H

/*
 * Errors, log lines and options, as a component uses them
 */

#include <ckpt/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Longest formatted message; what is longer is cut. */
#define CKPT_MESSAGE_MAX 1024

/**
 * Records an error on the load that `self` serves and returns `status`, so that a slot ends with
 * `return ckpt_fail(self, …)`. The runtime adds the plugin's and the component's name; the message says
 * what is wrong, `where` (may be NULL) where it is and what to do. Record once, at the place that knows
 * most; whoever calls forwards the status. [any-thread]
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

/** Writes a line to the host's log. Information for the user that is not an error. [any-thread] */
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
 * The value of an option that this component declares (interfaces.h), or its declared default.
 * An option it does not declare is a mistake of the plugin: a diagnostic, and the zero value. [control]
 */
static inline bool ckpt_option_bool(const ckpt_frame *self, const char *key)
{
        int32_t value = 0;

        self->api->option_bool(self, key, &value);
        return value != 0;
}

/** As ckpt_option_bool, for whole numbers. [control] */
static inline int64_t ckpt_option_i64(const ckpt_frame *self, const char *key)
{
        int64_t value = 0;

        self->api->option_i64(self, key, &value);
        return value;
}

/** As ckpt_option_bool, for strings; NULL where the default is NULL. Lives as long as the load. [control] */
static inline const char *ckpt_option_string(const ckpt_frame *self, const char *key)
{
        const char *value = NULL;

        self->api->option_string(self, key, &value);
        return value;
}

/**
 * a, b and c (each may be NULL) put together, as a string that lives as long as the load: for the
 * names that a mapper's `rename` returns. NULL when memory is short, which fails the load. [control]
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
