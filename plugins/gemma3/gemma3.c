/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gemma 3, text and multimodal, on top of the format's mapper.
 *
 * Its RMSNorm computes x * (1 + w), so the sum is stored. The vision tower is a plain SigLIP: its layer
 * norms keep their values, and every rank holds all of it. Multimodal checkpoints come under three
 * layouts of names, which all become those of the text model with the tower and the projector beside it.
 */
#include <ckpt/plugin.h>

#include <string.h>

/* The first prefix that fits is replaced. */
static const struct {
        const char *from, *to;
} prefixes[] = {
        {"language_model.model.", "model."},
        {"language_model.lm_head.", "lm_head."},
        {"model.language_model.", "model."},
        {"model.vision_tower.vision_model.", "vision_tower.vision_model."},
        {"model.vision_tower.", "vision_tower.vision_model."},
        {"vision_tower.vision_model.", "vision_tower.vision_model."},
        {"vision_tower.", "vision_tower.vision_model."},
        {"model.multi_modal_projector.", "multi_modal_projector."},
};

/* A bare parameter of the projector in the checkpoint, a linear layer in the model. */
static const char projection_from[] = "multi_modal_projector.mm_input_projection_weight";
static const char projection_to[] = "multi_modal_projector.mm_input_projection.weight";

static bool starts_with(const char *name, const char *prefix)
{
        return strncmp(name, prefix, strlen(prefix)) == 0;
}

static const char *gemma3_rename(ckpt_mapper *m, const char *name)
{
        for (size_t i = 0; name && i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
                if (starts_with(name, prefixes[i].from)) {
                        name = ckpt_string_concat(m, prefixes[i].to, name + strlen(prefixes[i].from), NULL);
                        break;
                }
        if (name && strcmp(name, projection_from) == 0)
                name = projection_to;
        return name ? ckpt_mapper_rename(m->base, name) : NULL;
}

/* The vision tower's layer_norm1 has "norm" in its name too. */
static bool is_text_norm(const ckpt_module *module)
{
        return strstr(ckpt_module_last(module), "norm") &&
               !starts_with(ckpt_module_name(module), "vision_tower.");
}

/* The sum is taken in the checkpoint's dtype, before any cast. */
static const ckpt_tensor *gemma3_handle_manual_copy(ckpt_mapper *m, const ckpt_module *module,
                                                    const ckpt_weights *weights, const char *name)
{
        const ckpt_tensor *tensor = ckpt_mapper_handle_manual_copy(m->base, module, weights, name);

        if (is_text_norm(module))
                return ckpt_tensor_add_scalar(tensor, 1);
        if (strcmp(ckpt_module_name(module), "multi_modal_projector.mm_input_projection") == 0)
                return ckpt_tensor_transpose(tensor);
        return tensor;
}

static void gemma3_map_weights(ckpt_mapper *m, ckpt_rules *rules)
{
        static const ckpt_shard whole = CKPT_SHARD_REPLICATED;

        (void)m;
        ckpt_rules_style(rules, "vision_tower.**", &whole);
        ckpt_rules_stage(rules, "vision_tower.**", CKPT_STAGE_FIRST);
        ckpt_rules_stage(rules, "multi_modal_projector.**", CKPT_STAGE_FIRST);
}

static const ckpt_weight_mapper gemma3 = {
        .struct_size = sizeof(gemma3),
        .map_weights = gemma3_map_weights,
        .rename = gemma3_rename,
        .handle_manual_copy = gemma3_handle_manual_copy,
};

CKPT_PLUGIN("org.ckpt.gemma3", "0.1.0", "Apache-2.0", "Gemma 3 for HF",
            CKPT_WEIGHT_MAPPER("HF", "Gemma3ForCausalLM", &gemma3),
            CKPT_WEIGHT_MAPPER("HF", "Gemma3ForConditionalGeneration", &gemma3));
