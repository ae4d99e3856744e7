/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The services table: one line per service, each implemented in its room
 */

#include "core/config/config.h"
#include "core/frame/chain.h"
#include "core/mapper/mapper.h"
#include "core/op/op.h"
#include "core/source/source.h"
#include "core/weights/weights.h"

const ckpt_api ckpt_api_table = {
        .struct_size = sizeof(ckpt_api),
        .abi_major = CKPT_ABI_MAJOR,
        .abi_minor = CKPT_ABI_MINOR,

        .log = ckpt_frame_api_log,
        .report = ckpt_frame_api_fail,
        .option_bool = ckpt_frame_api_option_bool,
        .option_i64 = ckpt_frame_api_option_i64,
        .option_string = ckpt_frame_api_option_string,
        .string_concat = ckpt_frame_api_string_concat,

        .source_label = ckpt_source_api_label,
        .source_count = ckpt_source_api_count,
        .source_name = ckpt_source_api_name,
        .source_size = ckpt_source_api_size,
        .source_find = ckpt_source_api_find,
        .source_read = ckpt_source_api_read,

        .config_add_json = ckpt_config_api_add_json,
        .config_set_null = ckpt_config_api_set_null,
        .config_set_bool = ckpt_config_api_set_bool,
        .config_set_i64 = ckpt_config_api_set_i64,
        .config_set_f64 = ckpt_config_api_set_f64,
        .config_set_string = ckpt_config_api_set_string,
        .config_set_value = ckpt_config_api_set_value,
        .config_begin_object = ckpt_config_api_begin_object,
        .config_begin_array = ckpt_config_api_begin_array,
        .config_end = ckpt_config_api_end,
        .config_builder_root = ckpt_config_api_builder_root,

        .config_root = ckpt_config_api_root,
        .value_type = ckpt_value_api_type,
        .value_count = ckpt_value_api_count,
        .value_key = ckpt_value_api_key,
        .value_at = ckpt_value_api_at,
        .value_get = ckpt_value_api_get,
        .value_i64 = ckpt_value_api_i64,
        .value_f64 = ckpt_value_api_f64,
        .value_string = ckpt_value_api_string,

        .tensor_dtype = ckpt_tensor_api_dtype,
        .tensor_rank = ckpt_tensor_api_rank,
        .tensor_shape = ckpt_tensor_api_shape,
        .tensor_slice = ckpt_tensor_api_slice,
        .tensor_concat = ckpt_tensor_api_concat,
        .tensor_stack = ckpt_tensor_api_stack,
        .tensor_reshape = ckpt_tensor_api_reshape,
        .tensor_permute = ckpt_tensor_api_permute,
        .tensor_repeat_blocks = ckpt_tensor_api_repeat_blocks,
        .tensor_gather = ckpt_tensor_api_gather,
        .tensor_pad = ckpt_tensor_api_pad,
        .tensor_cast = ckpt_tensor_api_cast,
        .tensor_add_scalar = ckpt_tensor_api_add_scalar,
        .tensor_mul_scalar = ckpt_tensor_api_mul_scalar,
        .tensor_neg_exp = ckpt_tensor_api_neg_exp,

        .weights_leaf = ckpt_weights_api_leaf,
        .weights_add = ckpt_weights_api_add,
        .weights_count = ckpt_weights_api_count,
        .weights_name = ckpt_weights_api_name,
        .weights_at = ckpt_weights_api_at,
        .weights_get = ckpt_weights_api_get,
        .weights_filter = ckpt_weights_api_filter,
        .weights_set = ckpt_weights_api_set,

        .module_name = ckpt_module_api_name,
        .module_last = ckpt_module_api_last,
        .module_role = ckpt_module_api_role,
        .module_tag = ckpt_module_api_tag,
        .module_param_count = ckpt_module_api_param_count,
        .module_param_name = ckpt_module_api_param_name,
        .module_assign = ckpt_mapper_api_assign,
        .model_add_param = ckpt_model_api_add_param,

        .rules_fuse = ckpt_rules_api_fuse,
        .rules_callback = ckpt_rules_api_callback,
        .rules_skip = ckpt_rules_api_skip,
        .rules_style = ckpt_rules_api_style,
        .rules_stage = ckpt_rules_api_stage,

        .checkpoint_loader_load_config = ckpt_chain_api_load_config,
        .checkpoint_loader_load_weights = ckpt_chain_api_load_weights,
        .checkpoint_loader_get_mapper = ckpt_chain_api_get_mapper,
        .config_loader_load = ckpt_chain_api_config_loader_load,
        .weight_loader_load_weights = ckpt_chain_api_weight_loader_load,

        .mapper_init_model_and_config = ckpt_mapper_api_init_model_and_config,
        .mapper_map_weights = ckpt_mapper_api_map_weights,
        .mapper_rename = ckpt_mapper_api_rename,
        .mapper_preprocess_weights = ckpt_mapper_api_preprocess_weights,
        .mapper_apply_callbacks = ckpt_mapper_api_apply_callbacks,
        .mapper_handle_manual_copy = ckpt_mapper_api_handle_manual_copy,
        .mapper_is_special_instance_module = ckpt_mapper_api_is_special_instance_module,
        .mapper_handle_special_instance_module = ckpt_mapper_api_handle_special_instance_module,
        .mapper_should_skip_module = ckpt_mapper_api_should_skip_module,
        .mapper_module_style = ckpt_mapper_api_module_style,
        .mapper_derive_model = ckpt_mapper_api_derive_model,
};
