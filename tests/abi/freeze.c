/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The frozen boundary: sizes, offsets and values that plugins and embedders were built with
 *
 * Made by tests/tools/freeze_abi.py. Lines are added; none is ever changed or taken out, but for the
 * sizes of structs that grew. Sizes and offsets are those of machines with 64-bit pointers.
 */

#include <ckpt/ckpt.h>

#define SAME(a, b)               (UINTPTR_MAX != UINT64_MAX || (a) == (b))
#define SIZE(type, size)         _Static_assert(SAME(sizeof(type), size), "the size of " #type)
#define AT(type, member, offset) _Static_assert(SAME(offsetof(type, member), offset), #type "." #member)
#define VALUE(name, value)       _Static_assert((name) == (value), #name)

SIZE(struct ckpt_where, 48);
AT(struct ckpt_where, struct_size, 0);
AT(struct ckpt_where, has_offset, 4);
AT(struct ckpt_where, parameter, 8);
AT(struct ckpt_where, tensor, 16);
AT(struct ckpt_where, object, 24);
AT(struct ckpt_where, offset, 32);
AT(struct ckpt_where, hint, 40);

SIZE(struct ckpt_api, 688);
AT(struct ckpt_api, struct_size, 0);
AT(struct ckpt_api, abi_major, 4);
AT(struct ckpt_api, abi_minor, 8);
AT(struct ckpt_api, reserved0, 12);
AT(struct ckpt_api, log, 16);
AT(struct ckpt_api, report, 24);
AT(struct ckpt_api, option_bool, 32);
AT(struct ckpt_api, option_i64, 40);
AT(struct ckpt_api, option_string, 48);
AT(struct ckpt_api, source_label, 56);
AT(struct ckpt_api, source_count, 64);
AT(struct ckpt_api, source_name, 72);
AT(struct ckpt_api, source_size, 80);
AT(struct ckpt_api, source_find, 88);
AT(struct ckpt_api, source_read, 96);
AT(struct ckpt_api, config_add_json, 104);
AT(struct ckpt_api, config_set_null, 112);
AT(struct ckpt_api, config_set_bool, 120);
AT(struct ckpt_api, config_set_i64, 128);
AT(struct ckpt_api, config_set_f64, 136);
AT(struct ckpt_api, config_set_string, 144);
AT(struct ckpt_api, config_set_value, 152);
AT(struct ckpt_api, config_begin_object, 160);
AT(struct ckpt_api, config_begin_array, 168);
AT(struct ckpt_api, config_end, 176);
AT(struct ckpt_api, config_builder_root, 184);
AT(struct ckpt_api, config_root, 192);
AT(struct ckpt_api, value_type, 200);
AT(struct ckpt_api, value_count, 208);
AT(struct ckpt_api, value_key, 216);
AT(struct ckpt_api, value_at, 224);
AT(struct ckpt_api, value_get, 232);
AT(struct ckpt_api, value_i64, 240);
AT(struct ckpt_api, value_f64, 248);
AT(struct ckpt_api, value_string, 256);
AT(struct ckpt_api, tensor_dtype, 264);
AT(struct ckpt_api, tensor_rank, 272);
AT(struct ckpt_api, tensor_shape, 280);
AT(struct ckpt_api, tensor_slice, 288);
AT(struct ckpt_api, tensor_concat, 296);
AT(struct ckpt_api, tensor_stack, 304);
AT(struct ckpt_api, tensor_reshape, 312);
AT(struct ckpt_api, tensor_permute, 320);
AT(struct ckpt_api, tensor_repeat_blocks, 328);
AT(struct ckpt_api, tensor_gather, 336);
AT(struct ckpt_api, tensor_pad, 344);
AT(struct ckpt_api, tensor_cast, 352);
AT(struct ckpt_api, tensor_add_scalar, 360);
AT(struct ckpt_api, tensor_mul_scalar, 368);
AT(struct ckpt_api, tensor_neg_exp, 376);
AT(struct ckpt_api, weights_leaf, 384);
AT(struct ckpt_api, weights_add, 392);
AT(struct ckpt_api, weights_count, 400);
AT(struct ckpt_api, weights_name, 408);
AT(struct ckpt_api, weights_at, 416);
AT(struct ckpt_api, weights_get, 424);
AT(struct ckpt_api, weights_filter, 432);
AT(struct ckpt_api, weights_set, 440);
AT(struct ckpt_api, module_name, 448);
AT(struct ckpt_api, module_last, 456);
AT(struct ckpt_api, module_role, 464);
AT(struct ckpt_api, module_tag, 472);
AT(struct ckpt_api, module_param_count, 480);
AT(struct ckpt_api, module_param_name, 488);
AT(struct ckpt_api, module_assign, 496);
AT(struct ckpt_api, model_add_param, 504);
AT(struct ckpt_api, rules_fuse, 512);
AT(struct ckpt_api, rules_callback, 520);
AT(struct ckpt_api, rules_skip, 528);
AT(struct ckpt_api, rules_style, 536);
AT(struct ckpt_api, rules_stage, 544);
AT(struct ckpt_api, checkpoint_loader_load_config, 552);
AT(struct ckpt_api, checkpoint_loader_load_weights, 560);
AT(struct ckpt_api, checkpoint_loader_get_mapper, 568);
AT(struct ckpt_api, config_loader_load, 576);
AT(struct ckpt_api, weight_loader_load_weights, 584);
AT(struct ckpt_api, mapper_init_model_and_config, 592);
AT(struct ckpt_api, mapper_map_weights, 600);
AT(struct ckpt_api, mapper_rename, 608);
AT(struct ckpt_api, mapper_preprocess_weights, 616);
AT(struct ckpt_api, mapper_apply_callbacks, 624);
AT(struct ckpt_api, mapper_handle_manual_copy, 632);
AT(struct ckpt_api, mapper_is_special_instance_module, 640);
AT(struct ckpt_api, mapper_handle_special_instance_module, 648);
AT(struct ckpt_api, mapper_should_skip_module, 656);
AT(struct ckpt_api, mapper_module_style, 664);
AT(struct ckpt_api, mapper_derive_model, 672);
AT(struct ckpt_api, string_concat, 680);

SIZE(struct ckpt_plugin_info, 64);
AT(struct ckpt_plugin_info, path, 0);
AT(struct ckpt_plugin_info, id, 8);
AT(struct ckpt_plugin_info, version, 16);
AT(struct ckpt_plugin_info, description, 24);
AT(struct ckpt_plugin_info, license, 32);
AT(struct ckpt_plugin_info, status, 40);
AT(struct ckpt_plugin_info, reason, 48);
AT(struct ckpt_plugin_info, n_components, 56);

SIZE(struct ckpt_component_info, 40);
AT(struct ckpt_component_info, kind, 0);
AT(struct ckpt_component_info, id, 8);
AT(struct ckpt_component_info, format, 16);
AT(struct ckpt_component_info, model, 24);
AT(struct ckpt_component_info, extends, 32);

SIZE(struct ckpt_pair, 16);
AT(struct ckpt_pair, key, 0);
AT(struct ckpt_pair, value, 8);

SIZE(struct ckpt_progress, 40);
AT(struct ckpt_progress, bytes_read, 0);
AT(struct ckpt_progress, bytes_total, 8);
AT(struct ckpt_progress, params_ready, 16);
AT(struct ckpt_progress, params_total, 24);
AT(struct ckpt_progress, stage, 32);

SIZE(struct ckpt_param, 72);
AT(struct ckpt_param, name, 0);
AT(struct ckpt_param, dtype, 8);
AT(struct ckpt_param, rank, 12);
AT(struct ckpt_param, shape, 16);
AT(struct ckpt_param, data, 24);
AT(struct ckpt_param, size, 32);
AT(struct ckpt_param, digest, 40);
AT(struct ckpt_param, has_digest, 56);
AT(struct ckpt_param, skipped, 64);

SIZE(struct ckpt_load_options, 240);
AT(struct ckpt_load_options, struct_size, 0);
AT(struct ckpt_load_options, dtype, 4);
AT(struct ckpt_load_options, device, 8);
AT(struct ckpt_load_options, format, 16);
AT(struct ckpt_load_options, mapping, 24);
AT(struct ckpt_load_options, strict, 56);
AT(struct ckpt_load_options, digest, 60);
AT(struct ckpt_load_options, components, 64);
AT(struct ckpt_load_options, settings, 96);
AT(struct ckpt_load_options, n_settings, 104);
AT(struct ckpt_load_options, params_map, 112);
AT(struct ckpt_load_options, n_params_map, 120);
AT(struct ckpt_load_options, skip_modules, 128);
AT(struct ckpt_load_options, n_skip_modules, 136);
AT(struct ckpt_load_options, ignore, 144);
AT(struct ckpt_load_options, n_ignore, 152);
AT(struct ckpt_load_options, staging_bytes, 160);
AT(struct ckpt_load_options, readers, 168);
AT(struct ckpt_load_options, reserved0, 172);
AT(struct ckpt_load_options, progress, 176);
AT(struct ckpt_load_options, ready, 184);
AT(struct ckpt_load_options, context, 192);
AT(struct ckpt_load_options, io, 200);
AT(struct ckpt_load_options, reserved1, 204);
AT(struct ckpt_load_options, stream, 208);
AT(struct ckpt_load_options, allocate, 216);
AT(struct ckpt_load_options, deallocate, 224);
AT(struct ckpt_load_options, trace, 232);

SIZE(struct ckpt_diagnostic, 88);
AT(struct ckpt_diagnostic, status, 0);
AT(struct ckpt_diagnostic, plugin, 8);
AT(struct ckpt_diagnostic, component, 16);
AT(struct ckpt_diagnostic, parameter, 24);
AT(struct ckpt_diagnostic, tensor, 32);
AT(struct ckpt_diagnostic, object, 40);
AT(struct ckpt_diagnostic, has_offset, 48);
AT(struct ckpt_diagnostic, offset, 56);
AT(struct ckpt_diagnostic, message, 64);
AT(struct ckpt_diagnostic, hint, 72);
AT(struct ckpt_diagnostic, text, 80);

SIZE(struct ckpt_candidate, 32);
AT(struct ckpt_candidate, kind, 0);
AT(struct ckpt_candidate, id, 8);
AT(struct ckpt_candidate, chosen, 16);
AT(struct ckpt_candidate, order, 20);
AT(struct ckpt_candidate, reason, 24);

SIZE(struct ckpt_load_stats, 208);
AT(struct ckpt_load_stats, config_seconds, 0);
AT(struct ckpt_load_stats, weights_seconds, 8);
AT(struct ckpt_load_stats, map_seconds, 16);
AT(struct ckpt_load_stats, plan_seconds, 24);
AT(struct ckpt_load_stats, allocate_seconds, 32);
AT(struct ckpt_load_stats, execute_seconds, 40);
AT(struct ckpt_load_stats, digest_seconds, 48);
AT(struct ckpt_load_stats, bytes_read, 56);
AT(struct ckpt_load_stats, bytes_final, 64);
AT(struct ckpt_load_stats, reads, 72);
AT(struct ckpt_load_stats, copies, 80);
AT(struct ckpt_load_stats, kernels, 88);
AT(struct ckpt_load_stats, host_peak, 96);
AT(struct ckpt_load_stats, device_peak, 104);
AT(struct ckpt_load_stats, readers, 112);
AT(struct ckpt_load_stats, reserved0, 116);
AT(struct ckpt_load_stats, ring_seconds, 120);
AT(struct ckpt_load_stats, ring_bytes, 128);
AT(struct ckpt_load_stats, bytes_headers, 136);
AT(struct ckpt_load_stats, bytes_to_device, 144);
AT(struct ckpt_load_stats, bytes_buffered, 152);
AT(struct ckpt_load_stats, bytes_direct, 160);
AT(struct ckpt_load_stats, bytes_mapped, 168);
AT(struct ckpt_load_stats, io_requested, 176);
AT(struct ckpt_load_stats, io_chosen, 180);
AT(struct ckpt_load_stats, io_effective, 184);
AT(struct ckpt_load_stats, reserved1, 188);
AT(struct ckpt_load_stats, io_engine, 192);
AT(struct ckpt_load_stats, io_why, 200);

SIZE(struct ckpt_weight_info, 48);
AT(struct ckpt_weight_info, name, 0);
AT(struct ckpt_weight_info, dtype, 8);
AT(struct ckpt_weight_info, rank, 12);
AT(struct ckpt_weight_info, shape, 16);
AT(struct ckpt_weight_info, object, 24);
AT(struct ckpt_weight_info, offset, 32);
AT(struct ckpt_weight_info, size, 40);

SIZE(struct ckpt_plan_param, 80);
AT(struct ckpt_plan_param, name, 0);
AT(struct ckpt_plan_param, dtype, 8);
AT(struct ckpt_plan_param, rank, 12);
AT(struct ckpt_plan_param, shape, 16);
AT(struct ckpt_plan_param, size, 24);
AT(struct ckpt_plan_param, expression, 32);
AT(struct ckpt_plan_param, skipped, 40);
AT(struct ckpt_plan_param, n_extents, 48);
AT(struct ckpt_plan_param, bytes_read, 56);
AT(struct ckpt_plan_param, n_copies, 64);
AT(struct ckpt_plan_param, n_steps, 72);

SIZE(struct ckpt_plan_extent, 24);
AT(struct ckpt_plan_extent, object, 0);
AT(struct ckpt_plan_extent, offset, 8);
AT(struct ckpt_plan_extent, size, 16);

SIZE(struct ckpt_plan_totals, 96);
AT(struct ckpt_plan_totals, params, 0);
AT(struct ckpt_plan_totals, skipped, 8);
AT(struct ckpt_plan_totals, extents, 16);
AT(struct ckpt_plan_totals, copies, 24);
AT(struct ckpt_plan_totals, steps, 32);
AT(struct ckpt_plan_totals, bytes_read, 40);
AT(struct ckpt_plan_totals, bytes_final, 48);
AT(struct ckpt_plan_totals, arena_bytes, 56);
AT(struct ckpt_plan_totals, staging_bytes, 64);
AT(struct ckpt_plan_totals, host_peak, 72);
AT(struct ckpt_plan_totals, device_peak, 80);
AT(struct ckpt_plan_totals, unused, 88);

SIZE(struct ckpt_frame, 80);
AT(struct ckpt_frame, api, 0);
AT(struct ckpt_frame, impl, 8);
AT(struct ckpt_frame, data, 16);
AT(struct ckpt_frame, base, 24);
AT(struct ckpt_frame, top, 32);
AT(struct ckpt_frame, mapping, 40);
AT(struct ckpt_frame, config, 48);
AT(struct ckpt_frame, weights, 56);
AT(struct ckpt_frame, architecture, 64);
AT(struct ckpt_frame, format, 72);

SIZE(struct ckpt_option, 32);
AT(struct ckpt_option, struct_size, 0);
AT(struct ckpt_option, type, 4);
AT(struct ckpt_option, name, 8);
AT(struct ckpt_option, fallback, 16);
AT(struct ckpt_option, description, 24);

SIZE(struct ckpt_checkpoint_loader, 72);
AT(struct ckpt_checkpoint_loader, struct_size, 0);
AT(struct ckpt_checkpoint_loader, n_options, 4);
AT(struct ckpt_checkpoint_loader, options, 8);
AT(struct ckpt_checkpoint_loader, create, 16);
AT(struct ckpt_checkpoint_loader, destroy, 24);
AT(struct ckpt_checkpoint_loader, probe, 32);
AT(struct ckpt_checkpoint_loader, load_config, 40);
AT(struct ckpt_checkpoint_loader, load_weights, 48);
AT(struct ckpt_checkpoint_loader, get_initialized_weight_mapper, 56);
AT(struct ckpt_checkpoint_loader, cleanup, 64);

SIZE(struct ckpt_config_loader, 40);
AT(struct ckpt_config_loader, struct_size, 0);
AT(struct ckpt_config_loader, n_options, 4);
AT(struct ckpt_config_loader, options, 8);
AT(struct ckpt_config_loader, create, 16);
AT(struct ckpt_config_loader, destroy, 24);
AT(struct ckpt_config_loader, load, 32);

SIZE(struct ckpt_weight_loader, 72);
AT(struct ckpt_weight_loader, struct_size, 0);
AT(struct ckpt_weight_loader, n_options, 4);
AT(struct ckpt_weight_loader, options, 8);
AT(struct ckpt_weight_loader, create, 16);
AT(struct ckpt_weight_loader, destroy, 24);
AT(struct ckpt_weight_loader, load_weights, 32);
AT(struct ckpt_weight_loader, flags, 40);
AT(struct ckpt_weight_loader, reserved0, 44);
AT(struct ckpt_weight_loader, read, 48);
AT(struct ckpt_weight_loader, open, 56);
AT(struct ckpt_weight_loader, close, 64);

SIZE(struct ckpt_weight_mapper, 120);
AT(struct ckpt_weight_mapper, struct_size, 0);
AT(struct ckpt_weight_mapper, n_options, 4);
AT(struct ckpt_weight_mapper, options, 8);
AT(struct ckpt_weight_mapper, create, 16);
AT(struct ckpt_weight_mapper, destroy, 24);
AT(struct ckpt_weight_mapper, init_model_and_config, 32);
AT(struct ckpt_weight_mapper, map_weights, 40);
AT(struct ckpt_weight_mapper, rename, 48);
AT(struct ckpt_weight_mapper, preprocess_weights, 56);
AT(struct ckpt_weight_mapper, apply_callbacks, 64);
AT(struct ckpt_weight_mapper, handle_manual_copy, 72);
AT(struct ckpt_weight_mapper, is_special_instance_module, 80);
AT(struct ckpt_weight_mapper, handle_special_instance_module, 88);
AT(struct ckpt_weight_mapper, should_skip_module, 96);
AT(struct ckpt_weight_mapper, module_style, 104);
AT(struct ckpt_weight_mapper, derive_model, 112);

SIZE(struct ckpt_component, 48);
AT(struct ckpt_component, struct_size, 0);
AT(struct ckpt_component, kind, 4);
AT(struct ckpt_component, format, 8);
AT(struct ckpt_component, model, 16);
AT(struct ckpt_component, extends, 24);
AT(struct ckpt_component, rank, 32);
AT(struct ckpt_component, flags, 36);
AT(struct ckpt_component, as, 40);

SIZE(struct ckpt_mapping, 32);
AT(struct ckpt_mapping, struct_size, 0);
AT(struct ckpt_mapping, tp_size, 4);
AT(struct ckpt_mapping, tp_rank, 8);
AT(struct ckpt_mapping, pp_size, 12);
AT(struct ckpt_mapping, pp_rank, 16);
AT(struct ckpt_mapping, ep_size, 20);
AT(struct ckpt_mapping, ep_rank, 24);
AT(struct ckpt_mapping, attention_dp, 28);

SIZE(struct ckpt_shard, 24);
AT(struct ckpt_shard, struct_size, 0);
AT(struct ckpt_shard, axis, 4);
AT(struct ckpt_shard, group, 8);
AT(struct ckpt_shard, pad, 12);
AT(struct ckpt_shard, unit, 16);

SIZE(struct ckpt_plugin, 88);
AT(struct ckpt_plugin, struct_size, 0);
AT(struct ckpt_plugin, abi_major, 4);
AT(struct ckpt_plugin, abi_minor, 8);
AT(struct ckpt_plugin, flags, 12);
AT(struct ckpt_plugin, id, 16);
AT(struct ckpt_plugin, version, 24);
AT(struct ckpt_plugin, description, 32);
AT(struct ckpt_plugin, license, 40);
AT(struct ckpt_plugin, components, 48);
AT(struct ckpt_plugin, n_components, 56);
AT(struct ckpt_plugin, reserved0, 60);
AT(struct ckpt_plugin, init, 64);
AT(struct ckpt_plugin, deinit, 72);
AT(struct ckpt_plugin, get_extension, 80);

SIZE(struct ckpt_leaf, 80);
AT(struct ckpt_leaf, struct_size, 0);
AT(struct ckpt_leaf, kind, 4);
AT(struct ckpt_leaf, dtype, 8);
AT(struct ckpt_leaf, rank, 12);
AT(struct ckpt_leaf, shape, 16);
AT(struct ckpt_leaf, strides, 24);
AT(struct ckpt_leaf, flags, 32);
AT(struct ckpt_leaf, object, 36);
AT(struct ckpt_leaf, offset, 40);
AT(struct ckpt_leaf, cookie, 48);
AT(struct ckpt_leaf, size, 56);
AT(struct ckpt_leaf, access, 64);
AT(struct ckpt_leaf, reserved0, 68);
AT(struct ckpt_leaf, sort_key, 72);

/* ckpt/abi.h */
VALUE(CKPT_OK, 0);
VALUE(CKPT_ABSENT, 1);
VALUE(CKPT_E_NOMEM, -1);
VALUE(CKPT_E_INVALID, -2);
VALUE(CKPT_E_NOT_FOUND, -3);
VALUE(CKPT_E_IO, -4);
VALUE(CKPT_E_CORRUPT, -5);
VALUE(CKPT_E_UNSUPPORTED, -6);
VALUE(CKPT_E_MISMATCH, -7);
VALUE(CKPT_E_MISSING, -8);
VALUE(CKPT_E_UNUSED, -9);
VALUE(CKPT_E_CHANGED, -10);
VALUE(CKPT_E_CANCELLED, -11);
VALUE(CKPT_E_DEVICE, -12);
VALUE(CKPT_E_PLUGIN, -13);
VALUE(CKPT_E_AMBIGUOUS, -14);
VALUE(CKPT_E_LIMIT, -15);
VALUE(CKPT_E_SYSTEM, -16);
VALUE(CKPT_LOG_DEBUG, 0);
VALUE(CKPT_LOG_INFO, 1);
VALUE(CKPT_LOG_WARNING, 2);
VALUE(CKPT_LOG_ERROR, 3);
VALUE(CKPT_KIND_CHECKPOINT_LOADER, 0);
VALUE(CKPT_KIND_CONFIG_LOADER, 1);
VALUE(CKPT_KIND_WEIGHT_LOADER, 2);
VALUE(CKPT_KIND_WEIGHT_MAPPER, 3);
VALUE(CKPT_KIND_COUNT, 4);

/* ckpt/ckpt.h */
VALUE(CKPT_IO_AUTO, 0);
VALUE(CKPT_IO_BUFFERED, 1);
VALUE(CKPT_IO_DIRECT, 2);
VALUE(CKPT_IO_MAPPED, 3);

/* ckpt/config.h */
VALUE(CKPT_VALUE_NULL, 0);
VALUE(CKPT_VALUE_BOOL, 1);
VALUE(CKPT_VALUE_I64, 2);
VALUE(CKPT_VALUE_F64, 3);
VALUE(CKPT_VALUE_STRING, 4);
VALUE(CKPT_VALUE_ARRAY, 5);
VALUE(CKPT_VALUE_OBJECT, 6);

/* ckpt/dtype.h */
VALUE(CKPT_DTYPE_NONE, 0);
VALUE(CKPT_DTYPE_BOOL, 1);
VALUE(CKPT_DTYPE_F4, 2);
VALUE(CKPT_DTYPE_F6_E2M3, 3);
VALUE(CKPT_DTYPE_F6_E3M2, 4);
VALUE(CKPT_DTYPE_U8, 5);
VALUE(CKPT_DTYPE_I8, 6);
VALUE(CKPT_DTYPE_F8_E5M2, 7);
VALUE(CKPT_DTYPE_F8_E4M3, 8);
VALUE(CKPT_DTYPE_F8_E8M0, 9);
VALUE(CKPT_DTYPE_F8_E4M3FNUZ, 10);
VALUE(CKPT_DTYPE_F8_E5M2FNUZ, 11);
VALUE(CKPT_DTYPE_I16, 12);
VALUE(CKPT_DTYPE_U16, 13);
VALUE(CKPT_DTYPE_F16, 14);
VALUE(CKPT_DTYPE_BF16, 15);
VALUE(CKPT_DTYPE_I32, 16);
VALUE(CKPT_DTYPE_U32, 17);
VALUE(CKPT_DTYPE_F32, 18);
VALUE(CKPT_DTYPE_C64, 19);
VALUE(CKPT_DTYPE_F64, 20);
VALUE(CKPT_DTYPE_I64, 21);
VALUE(CKPT_DTYPE_U64, 22);
VALUE(CKPT_DTYPE_COUNT, 23);
VALUE(CKPT_CLASS_OTHER, 0);
VALUE(CKPT_CLASS_SIGNED, 1);
VALUE(CKPT_CLASS_UNSIGNED, 2);
VALUE(CKPT_CLASS_FLOAT, 3);
VALUE(CKPT_CLASS_SCALE, 4);

/* ckpt/interfaces.h */
VALUE(CKPT_OPTION_BOOL, 1);
VALUE(CKPT_OPTION_I64, 2);
VALUE(CKPT_OPTION_STRING, 3);
VALUE(CKPT_READ_CONCURRENT, 1);

/* ckpt/mapping.h */
VALUE(CKPT_GROUP_NONE, 0);
VALUE(CKPT_GROUP_TP, 1);
VALUE(CKPT_GROUP_ATTENTION_TP, 2);
VALUE(CKPT_GROUP_EP, 3);
VALUE(CKPT_STAGE_FIRST, 1);
VALUE(CKPT_STAGE_LAST, 2);
VALUE(CKPT_STAGE_LAYER, 4);
VALUE(CKPT_STAGE_REQUIRED, 8);

/* ckpt/module.h */
VALUE(CKPT_ROLE_PLAIN, 0);
VALUE(CKPT_ROLE_LINEAR, 1);
VALUE(CKPT_ROLE_FUSED, 2);
VALUE(CKPT_ROLE_EMBEDDING, 3);
VALUE(CKPT_ROLE_SPECIAL, 4);

/* ckpt/weights.h */
VALUE(CKPT_LEAF_OBJECT, 0);
VALUE(CKPT_LEAF_READER, 1);
VALUE(CKPT_ACCESS_RANDOM, 0);
VALUE(CKPT_ACCESS_SEQUENTIAL, 1);
VALUE(CKPT_ACCESS_WHOLE, 2);
VALUE(CKPT_LEAF_BIG_ENDIAN, 1);
