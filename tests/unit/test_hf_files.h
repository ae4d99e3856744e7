/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Weight files for tests of the HF plugin's weight loader: named, with given tensors, in memory
 */
#ifndef TEST_HF_FILES_H
#define TEST_HF_FILES_H

#include "support/torch_builder.h"
#include "test_hf_host.h"

/* A source whose files are its own. */
struct hf_files {
        ckpt_source source;
        struct bytes bytes[HOST_FILES_MAX];
        char names[HOST_FILES_MAX][64];
};

/*
 * Adds the files of a list, "model-1.bin=ab other.pth=c optimizer.bin": each with a tensor of two numbers for
 * every letter after '='. What is in a file goes by its name: .safetensors, else a zip archive of torch.save;
 * '=~' makes that the legacy format, '=!' the other of the two kinds. Without '=' it is the text "x".
 */
void hf_files_add(struct hf_files *files, const char *list);

/* Adds a torch file as the parts say. */
void hf_files_add_torch(struct hf_files *files, const char *name, const struct torch_parts *parts,
                        bool legacy);

void hf_files_add_text(struct hf_files *files, const char *name, const char *text);

void hf_files_deinit(struct hf_files *files);

/* The slot of the built plugin; the tensors' names come back in `ret_names`, with blanks between them. */
ckpt_status hf_files_load(struct hf_files *files, struct host_report *report, ckpt_weights_builder *builder,
                          char ret_names[128]);

#endif
