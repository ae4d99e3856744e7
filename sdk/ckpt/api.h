/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_API_H
#define CKPT_API_H

/*
 * The runtime's services, as one table
 *
 * Plugins link to nothing: what they ask of the runtime goes through this table. Nobody calls
 * it directly; the inlines in the headers beside this one (config.h, source.h, tensor.h,
 * weights.h, module.h, interfaces.h) are its documentation and its only users.
 */

#include <ckpt/dtype.h>
#include <ckpt/frame.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ckpt_leaf;

/** A callback of ckpt_rules_callback; documented there. */
typedef const ckpt_weights *(*ckpt_callback)(ckpt_mapper *m, const ckpt_module *module, const char *source,
                                             const ckpt_weights *weights);

struct ckpt_api {
        uint32_t struct_size;
        uint32_t abi_major;
        uint32_t abi_minor;
        uint32_t reserved0;

        /* reports */
        void (*log)(const ckpt_frame *self, ckpt_log_level level, const char *message);
        ckpt_status (*report)(const ckpt_frame *self, ckpt_status status, const ckpt_where *where,
                              const char *message);

        /* options */
        ckpt_status (*option_bool)(const ckpt_frame *self, const char *key, int32_t *ret_value);
        ckpt_status (*option_i64)(const ckpt_frame *self, const char *key, int64_t *ret_value);
        ckpt_status (*option_string)(const ckpt_frame *self, const char *key, const char **ret_value);

        /* source */
        const char *(*source_label)(const ckpt_source *source);
        uint32_t (*source_count)(const ckpt_source *source);
        const char *(*source_name)(const ckpt_source *source, uint32_t object);
        uint64_t (*source_size)(const ckpt_source *source, uint32_t object);
        ckpt_status (*source_find)(const ckpt_source *source, const char *name, uint32_t *ret_object);
        ckpt_status (*source_read)(const ckpt_frame *self, const ckpt_source *source, uint32_t object,
                                   uint64_t offset, void *buffer, uint64_t size);

        /* configuration: building */
        ckpt_status (*config_add_json)(const ckpt_frame *self, ckpt_config_builder *builder, const char *text,
                                       uint64_t size, const char *label);
        void (*config_set_null)(ckpt_config_builder *builder, const char *key);
        void (*config_set_bool)(ckpt_config_builder *builder, const char *key, int32_t value);
        void (*config_set_i64)(ckpt_config_builder *builder, const char *key, int64_t value);
        void (*config_set_f64)(ckpt_config_builder *builder, const char *key, double value);
        void (*config_set_string)(ckpt_config_builder *builder, const char *key, const char *value);
        void (*config_set_value)(ckpt_config_builder *builder, const char *key, const ckpt_value *value);
        void (*config_begin_object)(ckpt_config_builder *builder, const char *key);
        void (*config_begin_array)(ckpt_config_builder *builder, const char *key);
        void (*config_end)(ckpt_config_builder *builder);
        const ckpt_value *(*config_builder_root)(const ckpt_config_builder *builder);

        /* configuration: reading */
        const ckpt_value *(*config_root)(const ckpt_config *config);
        int32_t (*value_type)(const ckpt_value *value);
        uint32_t (*value_count)(const ckpt_value *value);
        const char *(*value_key)(const ckpt_value *value, uint32_t index);
        const ckpt_value *(*value_at)(const ckpt_value *value, uint32_t index);
        const ckpt_value *(*value_get)(const ckpt_value *value, const char *key);
        int64_t (*value_i64)(const ckpt_value *value);
        double (*value_f64)(const ckpt_value *value);
        const char *(*value_string)(const ckpt_value *value);

        /* tensors */
        ckpt_dtype (*tensor_dtype)(const ckpt_tensor *tensor);
        uint32_t (*tensor_rank)(const ckpt_tensor *tensor);
        const int64_t *(*tensor_shape)(const ckpt_tensor *tensor);
        const ckpt_tensor *(*tensor_slice)(const ckpt_tensor *tensor, int32_t axis, int64_t start,
                                           int64_t stop);
        const ckpt_tensor *(*tensor_concat)(const ckpt_tensor *const *tensors, uint32_t count, int32_t axis);
        const ckpt_tensor *(*tensor_stack)(const ckpt_tensor *const *tensors, uint32_t count, int32_t axis);
        const ckpt_tensor *(*tensor_reshape)(const ckpt_tensor *tensor, const int64_t *shape, uint32_t rank);
        const ckpt_tensor *(*tensor_permute)(const ckpt_tensor *tensor, const int32_t *axes, uint32_t rank);
        const ckpt_tensor *(*tensor_repeat_blocks)(const ckpt_tensor *tensor, int32_t axis, int64_t blocks,
                                                   int64_t reps);
        const ckpt_tensor *(*tensor_gather)(const ckpt_tensor *tensor, int32_t axis, const int64_t *index,
                                            int64_t count);
        const ckpt_tensor *(*tensor_pad)(const ckpt_tensor *tensor, int32_t axis, int64_t size);
        const ckpt_tensor *(*tensor_cast)(const ckpt_tensor *tensor, ckpt_dtype dtype);
        const ckpt_tensor *(*tensor_add_scalar)(const ckpt_tensor *tensor, double value);
        const ckpt_tensor *(*tensor_mul_scalar)(const ckpt_tensor *tensor, double value);
        const ckpt_tensor *(*tensor_neg_exp)(const ckpt_tensor *tensor);

        /* weights */
        const ckpt_tensor *(*weights_leaf)(ckpt_weights_builder *builder, const struct ckpt_leaf *leaf);
        void (*weights_add)(ckpt_weights_builder *builder, const char *name, const ckpt_tensor *tensor);
        uint64_t (*weights_count)(const ckpt_weights *weights);
        const char *(*weights_name)(const ckpt_weights *weights, uint64_t index);
        const ckpt_tensor *(*weights_at)(const ckpt_weights *weights, uint64_t index);
        const ckpt_tensor *(*weights_get)(const ckpt_weights *weights, const char *name);
        const ckpt_weights *(*weights_filter)(const ckpt_weights *weights, const char *prefix);
        const ckpt_weights *(*weights_set)(const ckpt_weights *weights, const char *name,
                                           const ckpt_tensor *tensor);

        /* modules and models */
        const char *(*module_name)(const ckpt_module *module);
        const char *(*module_last)(const ckpt_module *module);
        int32_t (*module_role)(const ckpt_module *module);
        const char *(*module_tag)(const ckpt_module *module);
        uint32_t (*module_param_count)(const ckpt_module *module);
        const char *(*module_param_name)(const ckpt_module *module, uint32_t index);
        void (*module_assign)(ckpt_mapper *m, const ckpt_module *module, const char *param,
                              const ckpt_tensor *tensor);
        void (*model_add_param)(ckpt_model_builder *builder, const char *module, const char *param,
                                int32_t role);

        /* rules */
        void (*rules_fuse)(ckpt_rules *rules, const char *target, const char *const *sources, uint32_t count);
        void (*rules_callback)(ckpt_rules *rules, ckpt_callback callback);
        void (*rules_skip)(ckpt_rules *rules, const char *pattern, const char *rule);
        void (*rules_style)(ckpt_rules *rules, const char *pattern, const ckpt_shard *shard);
        void (*rules_stage)(ckpt_rules *rules, const char *pattern, uint32_t stage);

        /* calling a component through its chain, from any of its frames downwards */
        ckpt_status (*checkpoint_loader_load_config)(ckpt_frame *self, const ckpt_source *source,
                                                     ckpt_config_builder *builder);
        ckpt_status (*checkpoint_loader_load_weights)(ckpt_frame *self, const ckpt_source *source,
                                                      ckpt_weights_builder *builder);
        ckpt_status (*checkpoint_loader_get_mapper)(ckpt_frame *self, const char *format, const char *model,
                                                    ckpt_mapper **ret_mapper);
        ckpt_status (*config_loader_load)(ckpt_frame *self, const ckpt_source *source,
                                          ckpt_config_builder *builder);
        ckpt_status (*weight_loader_load_weights)(ckpt_frame *self, const ckpt_source *source,
                                                  const ckpt_mapping *mapping, ckpt_weights_builder *builder);
        ckpt_status (*mapper_init_model_and_config)(ckpt_mapper *m);
        void (*mapper_map_weights)(ckpt_mapper *m, ckpt_rules *rules);
        const char *(*mapper_rename)(ckpt_mapper *m, const char *name);
        const ckpt_weights *(*mapper_preprocess_weights)(ckpt_mapper *m, const ckpt_weights *weights);
        const ckpt_weights *(*mapper_apply_callbacks)(ckpt_mapper *m, const ckpt_module *module,
                                                      const char *source, const ckpt_weights *weights);
        const ckpt_tensor *(*mapper_handle_manual_copy)(ckpt_mapper *m, const ckpt_module *module,
                                                        const ckpt_weights *weights, const char *name);
        int32_t (*mapper_is_special_instance_module)(ckpt_mapper *m, const ckpt_module *module);
        ckpt_status (*mapper_handle_special_instance_module)(ckpt_mapper *m, const ckpt_module *module,
                                                             const ckpt_weights *weights);
        const char *(*mapper_should_skip_module)(ckpt_mapper *m, const ckpt_module *module);
        void (*mapper_module_style)(ckpt_mapper *m, const ckpt_module *module, ckpt_shard *ret_shard);
        ckpt_status (*mapper_derive_model)(ckpt_mapper *m, const ckpt_weights *weights,
                                           ckpt_model_builder *builder);

        /* strings that live as long as the load, for names that a mapper makes */
        const char *(*string_concat)(const ckpt_frame *self, const char *a, const char *b, const char *c);
};

#ifdef __cplusplus
}
#endif

#endif
