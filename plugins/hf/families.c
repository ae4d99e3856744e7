/* SPDX-License-Identifier: Apache-2.0 */
/* Names alone: no file is opened to find out what it is called. */
#include "families.h"

#include "components.h"

#include <ctype.h>
#include <string.h>

const struct hf_family hf_families[HF_FAMILIES] = {
        [HF_SAFETENSORS] = {".safetensors", NULL, "model.safetensors.index.json",
                            "consolidated.safetensors.index.json", false},
        [HF_BIN] = {".bin", "pytorch_model.bin", "pytorch_model.bin.index.json", NULL, true},
        [HF_PTH] = {".pth", NULL, NULL, NULL, true},
};

/* What Trainer and Accelerate write beside a model; a '*' stands for the number of a process. */
static const char *const companions[] = {
        "training_args", "optimizer", "optimizer_*",    "scheduler",  "scheduler_*",
        "scaler",        "sampler*",  "dl_state_dict*", "rng_state*",
};

bool hf_is_companion(const struct hf_family *family, const char *name)
{
        size_t stem = strlen(name) - strlen(family->suffix), i;

        if (!family->is_torch || !hf_has_suffix(name, family->suffix))
                return false;
        for (i = 0; i < sizeof companions / sizeof *companions; i++) {
                size_t length = strcspn(companions[i], "*");
                bool open = companions[i][length] == '*';

                if (stem >= length && (open || stem == length) && memcmp(name, companions[i], length) == 0)
                        return true;
        }
        return false;
}

bool hf_family_has(const struct hf_family *family, const char *name)
{
        return hf_has_suffix(name, family->suffix) && !hf_is_companion(family, name);
}

bool hf_is_consolidated(const char *name)
{
        return strstr(name, "consolidated") != NULL;
}

bool hf_is_slice(const char *name)
{
        static const char prefix[] = "consolidated.";
        const char *number = name + sizeof prefix - 1;

        return strncmp(name, prefix, sizeof prefix - 1) == 0 && isdigit((unsigned char)number[0]) &&
               isdigit((unsigned char)number[1]) && strcmp(number + 2, ".pth") == 0;
}
