/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CKPT_API_H
#define CKPT_API_H

/*
 * The runtime's services, as one table
 *
 * Plugins link to nothing: what they ask of the runtime goes through this table. Nobody calls
 * it directly; the inlines in the headers beside this one (report.h, config.h, source.h, tensor.h,
 * weights.h, module.h, interfaces.h) are its documentation and its only users. They also take care
 * of NULL objects, which the table's functions do not accept.
 *
 * There is one table per library, constant, the same for all objects. It grows at its end alone: a
 * plugin that wants to use a service of a later minor version asks CKPT_HAS(api, service) first.
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
        /** ckpt_log. Formats nothing: the line is whole. [any-thread] */
        void (*log)(const ckpt_frame *self, ckpt_log_level level, const char *message);
        /** ckpt_fail. Copies everything; returns status. [any-thread] */
        ckpt_status (*report)(const ckpt_frame *self, ckpt_status status, const ckpt_where *where,
                              const char *message);

        /* options */
        /** ckpt_option_bool. CKPT_E_PLUGIN, recorded, for a key that is not declared. [control] */
        ckpt_status (*option_bool)(const ckpt_frame *self, const char *key, int32_t *ret_value);
        /** ckpt_option_i64. As above. [control] */
        ckpt_status (*option_i64)(const ckpt_frame *self, const char *key, int64_t *ret_value);
        /** ckpt_option_string. As above. [control] */
        ckpt_status (*option_string)(const ckpt_frame *self, const char *key, const char **ret_value);

        /* source */
        /** ckpt_source_label. Never NULL; lives as long as the source. [any-thread] */
        const char *(*source_label)(const ckpt_source *source);
        /** ckpt_source_count. [any-thread] */
        uint32_t (*source_count)(const ckpt_source *source);
        /** ckpt_source_name. NULL past the last. [any-thread] */
        const char *(*source_name)(const ckpt_source *source, uint32_t object);
        /** ckpt_source_size. Bytes; 0 past the last. [any-thread] */
        uint64_t (*source_size)(const ckpt_source *source, uint32_t object);
        /** ckpt_source_find. CKPT_ABSENT without a diagnostic. [any-thread] */
        ckpt_status (*source_find)(const ckpt_source *source, const char *name, uint32_t *ret_object);
        /** ckpt_source_read. All of size bytes, or a recorded failure. [any-thread] */
        ckpt_status (*source_read)(const ckpt_frame *self, const ckpt_source *source, uint32_t object,
                                   uint64_t offset, void *buffer, uint64_t size);

        /* configuration: building */
        /** ckpt_config_add_json. size in bytes, no NUL needed; label names the file in errors. [control] */
        ckpt_status (*config_add_json)(const ckpt_frame *self, ckpt_config_builder *builder, const char *text,
                                       uint64_t size, const char *label);
        /** ckpt_config_set_null. key NULL inside an array, as for all setters. [control] */
        void (*config_set_null)(ckpt_config_builder *builder, const char *key);
        /** ckpt_config_set_bool. Any value but 0 is true. [control] */
        void (*config_set_bool)(ckpt_config_builder *builder, const char *key, int32_t value);
        /** ckpt_config_set_i64. [control] */
        void (*config_set_i64)(ckpt_config_builder *builder, const char *key, int64_t value);
        /** ckpt_config_set_f64. [control] */
        void (*config_set_f64)(ckpt_config_builder *builder, const char *key, double value);
        /** ckpt_config_set_string. Copied. [control] */
        void (*config_set_string)(ckpt_config_builder *builder, const char *key, const char *value);
        /** ckpt_config_set_value. Copied with all below it. [control] */
        void (*config_set_value)(ckpt_config_builder *builder, const char *key, const ckpt_value *value);
        /** ckpt_config_begin_object. [control] */
        void (*config_begin_object)(ckpt_config_builder *builder, const char *key);
        /** ckpt_config_begin_array. [control] */
        void (*config_begin_array)(ckpt_config_builder *builder, const char *key);
        /** ckpt_config_end. Closes the innermost. [control] */
        void (*config_end)(ckpt_config_builder *builder);
        /** ckpt_config_builder_root. Valid until the next setter. [control] */
        const ckpt_value *(*config_builder_root)(const ckpt_config_builder *builder);

        /* configuration: reading */
        /** ckpt_config_root. An object; lives as long as the configuration. [any-thread] */
        const ckpt_value *(*config_root)(const ckpt_config *config);
        /** ckpt_value_type: one of CKPT_VALUE_…. [any-thread] */
        int32_t (*value_type)(const ckpt_value *value);
        /** ckpt_value_count. 0 for scalars. [any-thread] */
        uint32_t (*value_count)(const ckpt_value *value);
        /** ckpt_value_key. NULL past the last, and for arrays. [any-thread] */
        const char *(*value_key)(const ckpt_value *value, uint32_t index);
        /** ckpt_value_at. NULL past the last. [any-thread] */
        const ckpt_value *(*value_at)(const ckpt_value *value, uint32_t index);
        /** ckpt_value_get. NULL when there is none. [any-thread] */
        const ckpt_value *(*value_get)(const ckpt_value *value, const char *key);
        /** ckpt_value_i64. 0 for what is no whole number or boolean. [any-thread] */
        int64_t (*value_i64)(const ckpt_value *value);
        /** ckpt_value_f64. 0 for what is no number. [any-thread] */
        double (*value_f64)(const ckpt_value *value);
        /** ckpt_value_string. NULL for what is no string. [any-thread] */
        const char *(*value_string)(const ckpt_value *value);

        /* tensors */
        /** ckpt_tensor_dtype. [any-thread] */
        ckpt_dtype (*tensor_dtype)(const ckpt_tensor *tensor);
        /** ckpt_tensor_rank. [any-thread] */
        uint32_t (*tensor_rank)(const ckpt_tensor *tensor);
        /** ckpt_tensor_shape. rank numbers; lives as long as the tensor. [any-thread] */
        const int64_t *(*tensor_shape)(const ckpt_tensor *tensor);
        /** ckpt_tensor_slice. Elements start … stop - 1. [control] */
        const ckpt_tensor *(*tensor_slice)(const ckpt_tensor *tensor, int32_t axis, int64_t start,
                                           int64_t stop);
        /** ckpt_tensor_concat. [control] */
        const ckpt_tensor *(*tensor_concat)(const ckpt_tensor *const *tensors, uint32_t count, int32_t axis);
        /** ckpt_tensor_stack. [control] */
        const ckpt_tensor *(*tensor_stack)(const ckpt_tensor *const *tensors, uint32_t count, int32_t axis);
        /** ckpt_tensor_reshape. shape is copied. [control] */
        const ckpt_tensor *(*tensor_reshape)(const ckpt_tensor *tensor, const int64_t *shape, uint32_t rank);
        /** ckpt_tensor_permute. axes are copied. [control] */
        const ckpt_tensor *(*tensor_permute)(const ckpt_tensor *tensor, const int32_t *axes, uint32_t rank);
        /** ckpt_tensor_repeat_blocks. [control] */
        const ckpt_tensor *(*tensor_repeat_blocks)(const ckpt_tensor *tensor, int32_t axis, int64_t blocks,
                                                   int64_t reps);
        /** ckpt_tensor_gather. index is copied. [control] */
        const ckpt_tensor *(*tensor_gather)(const ckpt_tensor *tensor, int32_t axis, const int64_t *index,
                                            int64_t count);
        /** ckpt_tensor_pad. size in elements, not less than the axis. [control] */
        const ckpt_tensor *(*tensor_pad)(const ckpt_tensor *tensor, int32_t axis, int64_t size);
        /** ckpt_tensor_cast. [control] */
        const ckpt_tensor *(*tensor_cast)(const ckpt_tensor *tensor, ckpt_dtype dtype);
        /** ckpt_tensor_add_scalar. [control] */
        const ckpt_tensor *(*tensor_add_scalar)(const ckpt_tensor *tensor, double value);
        /** ckpt_tensor_mul_scalar. [control] */
        const ckpt_tensor *(*tensor_mul_scalar)(const ckpt_tensor *tensor, double value);
        /** ckpt_tensor_neg_exp. [control] */
        const ckpt_tensor *(*tensor_neg_exp)(const ckpt_tensor *tensor);

        /* weights */
        /** ckpt_weights_leaf. Never NULL but for lack of memory. [control] */
        const ckpt_tensor *(*weights_leaf)(ckpt_weights_builder *builder, const struct ckpt_leaf *leaf);
        /** ckpt_weights_add. [control] */
        void (*weights_add)(ckpt_weights_builder *builder, const char *name, const ckpt_tensor *tensor);
        /** ckpt_weights_count. [any-thread] */
        uint64_t (*weights_count)(const ckpt_weights *weights);
        /** ckpt_weights_name. [any-thread] */
        const char *(*weights_name)(const ckpt_weights *weights, uint64_t index);
        /** ckpt_weights_at. [control] */
        const ckpt_tensor *(*weights_at)(const ckpt_weights *weights, uint64_t index);
        /** ckpt_weights_get. NULL, nothing recorded, when there is none. [control] */
        const ckpt_tensor *(*weights_get)(const ckpt_weights *weights, const char *name);
        /** ckpt_weights_filter. The dot after the prefix is required. [control] */
        const ckpt_weights *(*weights_filter)(const ckpt_weights *weights, const char *prefix);
        /** ckpt_weights_set. tensor NULL takes the entry out. [control] */
        const ckpt_weights *(*weights_set)(const ckpt_weights *weights, const char *name,
                                           const ckpt_tensor *tensor);

        /* modules and models */
        /** ckpt_module_name. "" for the root. [control] */
        const char *(*module_name)(const ckpt_module *module);
        /** ckpt_module_last. [control] */
        const char *(*module_last)(const ckpt_module *module);
        /** ckpt_module_role: one of CKPT_ROLE_…. [control] */
        int32_t (*module_role)(const ckpt_module *module);
        /** ckpt_module_tag. NULL without one. [control] */
        const char *(*module_tag)(const ckpt_module *module);
        /** ckpt_module_param_count. [control] */
        uint32_t (*module_param_count)(const ckpt_module *module);
        /** ckpt_module_param_name. NULL past the last. [control] */
        const char *(*module_param_name)(const ckpt_module *module, uint32_t index);
        /** ckpt_module_assign. Failures are recorded. [control] */
        void (*module_assign)(ckpt_mapper *m, const ckpt_module *module, const char *param,
                              const ckpt_tensor *tensor);
        /** ckpt_model_add_param. Failures end the load. [control] */
        void (*model_add_param)(ckpt_model_builder *builder, const char *module, const char *param,
                                int32_t role);

        /* rules */
        /** ckpt_rules_fuse. Strings are copied, as by all rules. [control] */
        void (*rules_fuse)(ckpt_rules *rules, const char *target, const char *const *sources, uint32_t count);
        /** ckpt_rules_callback. [control] */
        void (*rules_callback)(ckpt_rules *rules, ckpt_callback callback);
        /** ckpt_rules_skip. [control] */
        void (*rules_skip)(ckpt_rules *rules, const char *pattern, const char *rule);
        /** ckpt_rules_style. The shard is copied. [control] */
        void (*rules_style)(ckpt_rules *rules, const char *pattern, const ckpt_shard *shard);
        /** ckpt_rules_stage. Flags CKPT_STAGE_…. [control] */
        void (*rules_stage)(ckpt_rules *rules, const char *pattern, uint32_t stage);

        /*
         * calling a component through its chain, from any of its frames downwards: each is the inline of
         * interfaces.h of its name with ckpt_ before it; all [control]
         */
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
        /** For the runtime: from the base of the chain up to `m`. A mapper's map_weights never calls base. */
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
        /** ckpt_string_concat. NULL, recorded, when memory is short. [control] */
        const char *(*string_concat)(const ckpt_frame *self, const char *a, const char *b, const char *c);
};

#ifdef __cplusplus
}
#endif

#endif
