/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer target: config.json into the configuration tree, which is then walked to its last value. */
#include <stdlib.h>
#include <string.h>

#include "core/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void walk(const ckpt_value *value, uint32_t depth)
{
        const uint32_t count = ckpt_value_count(value);

        if (depth > 200)
                abort();
        if (ckpt_value_type(value) == CKPT_VALUE_STRING && !ckpt_value_string(value))
                abort();
        for (uint32_t i = 0; i < count; i++) {
                const char *key = ckpt_value_key(value, i);

                if (ckpt_value_type(value) == CKPT_VALUE_OBJECT &&
                    ckpt_value_get(value, key) != ckpt_value_at(value, i))
                        abort();
                walk(ckpt_value_at(value, i), depth + 1);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        ckpt_logger logger;
        ckpt_session session;
        ckpt_config_builder *builder = NULL;
        ckpt_config *config = NULL;
        char *text = malloc(size ? size : 1);

        if (!text)
                return 0;
        memcpy(text, bytes, size);
        ckpt_logger_init(&logger);
        if (ckpt_session_init(&session, &ckpt_api_table, &logger, NULL) == CKPT_OK &&
            ckpt_config_builder_new(&session, &builder) == CKPT_OK) {
                const ckpt_status r =
                        ckpt_config_builder_add_json(&session.diagnostics, builder, text, size, "fuzz");

                if (r && ckpt_diagnostics_count(&session.diagnostics) == 0 && r != CKPT_E_NOMEM)
                        abort();
                if (r) {
                        ckpt_config_builder_free(builder);
                } else if (ckpt_config_builder_finish(builder, &session, &config) == CKPT_OK) {
                        walk(ckpt_config_root(config), 0);
                        ckpt_config_free(config);
                }
        }
        ckpt_session_deinit(&session);
        ckpt_logger_deinit(&logger);
        free(text);
        return 0;
}
