/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A good plugin: the format TOY with all four components, a child of HF
 *
 * A TOY checkpoint is a file `toy.txt`: a line with the architecture, then one line "NAME COUNT"
 * per tensor of float32, whose numbers follow one another in `toy.bin`. Its mapper takes a prefix
 * off and leaves the rest to HF.
 */

#include <stdlib.h>
#include <string.h>

#include <ckpt/plugin.h>

#define TOY_TEXT_MAX 4096

static int32_t toy_probe(ckpt_frame *self, const ckpt_source *source)
{
        uint32_t object;

        (void)self;
        return ckpt_source_find(source, "toy.txt", &object) == CKPT_OK ? 80 : 0;
}

static const ckpt_checkpoint_loader toy_checkpoint_loader = {.struct_size = sizeof(toy_checkpoint_loader),
                                                             .probe = toy_probe};

static ckpt_status toy_read(ckpt_frame *self, const ckpt_source *source, char text[TOY_TEXT_MAX])
{
        uint32_t object;
        uint64_t size;
        ckpt_status r;

        if (ckpt_source_find(source, "toy.txt", &object) != CKPT_OK)
                return ckpt_fail(self, CKPT_E_NOT_FOUND, NULL, "there is no toy.txt");
        size = ckpt_source_size(source, object);
        if (size >= TOY_TEXT_MAX)
                return ckpt_fail(self, CKPT_E_LIMIT, NULL, "toy.txt is longer than %d bytes",
                                 TOY_TEXT_MAX - 1);
        r = ckpt_source_read(self, source, object, 0, text, size);
        if (r == CKPT_OK)
                text[size] = '\0';
        return r;
}

static ckpt_status toy_load_config(ckpt_frame *self, const ckpt_source *source, ckpt_config_builder *builder)
{
        char text[TOY_TEXT_MAX];
        const ckpt_status r = toy_read(self, source, text);

        if (r != CKPT_OK)
                return r;
        text[strcspn(text, "\n")] = '\0';
        ckpt_config_set_string(builder, "architecture", text);
        return CKPT_OK;
}

static const ckpt_config_loader toy_config_loader = {.struct_size = sizeof(toy_config_loader),
                                                     .load = toy_load_config};

static const ckpt_option toy_offset = {.struct_size = sizeof(toy_offset),
                                       .type = CKPT_OPTION_I64,
                                       .name = "offset",
                                       .fallback = "0",
                                       .description = "where the numbers begin"};
static const ckpt_option *const toy_options[] = {&toy_offset};

/* One line: adds its tensor and moves the offset. False at a line that is none. */
static bool toy_add(ckpt_weights_builder *builder, uint32_t object, char *line, uint64_t *offset)
{
        char *const blank = strchr(line, ' ');
        const int64_t count = blank ? strtoll(blank + 1, NULL, 10) : 0;
        const ckpt_leaf leaf = {.struct_size = sizeof(leaf),
                                .kind = CKPT_LEAF_OBJECT,
                                .dtype = CKPT_DTYPE_F32,
                                .rank = 1,
                                .shape = &count,
                                .object = object,
                                .offset = *offset};

        if (!blank || count < 0)
                return false;
        *blank = '\0';
        ckpt_weights_add(builder, line, ckpt_weights_leaf(builder, &leaf));
        *offset += (uint64_t)count * 4;
        return true;
}

static ckpt_status toy_load_weights(ckpt_frame *self, const ckpt_source *source, const ckpt_mapping *mapping,
                                    ckpt_weights_builder *builder)
{
        char text[TOY_TEXT_MAX], *line, *rest;
        uint64_t offset = (uint64_t)ckpt_option_i64(self, "offset");
        uint32_t object;
        const ckpt_status r = toy_read(self, source, text);

        (void)mapping;
        if (r != CKPT_OK)
                return r;
        if (ckpt_source_find(source, "toy.bin", &object) != CKPT_OK)
                return ckpt_fail(self, CKPT_E_NOT_FOUND, NULL, "there is no toy.bin");
        strtok_r(text, "\n", &rest);
        while ((line = strtok_r(NULL, "\n", &rest)) != NULL) {
                if (!toy_add(builder, object, line, &offset))
                        return ckpt_fail(self, CKPT_E_CORRUPT, NULL, "toy.txt: '%s' is not NAME COUNT", line);
        }
        return CKPT_OK;
}

static const ckpt_weight_loader toy_weight_loader = {.struct_size = sizeof(toy_weight_loader),
                                                     .n_options = 1,
                                                     .options = toy_options,
                                                     .load_weights = toy_load_weights};

static const char *toy_rename(ckpt_mapper *m, const char *name)
{
        return ckpt_mapper_rename(m->base, strncmp(name, "toy.", 4) == 0 ? name + 4 : name);
}

static const ckpt_weight_mapper toy_mapper = {.struct_size = sizeof(toy_mapper), .rename = toy_rename};

CKPT_PLUGIN("test.toy", "1.0.0", "Apache-2.0", "The format TOY of the tests",
            CKPT_CHECKPOINT_LOADER("TOY", "HF", &toy_checkpoint_loader),
            CKPT_CONFIG_LOADER("TOY", "HF", &toy_config_loader),
            CKPT_WEIGHT_LOADER("TOY", "HF", &toy_weight_loader),
            CKPT_WEIGHT_MAPPER_EXTENDS("TOY", "HF", &toy_mapper));
