/* SPDX-License-Identifier: Apache-2.0 */
/* Files of training hold more than weights: which of their dictionaries is meant is never guessed. */
#include "state_dict_find.h"

#include "machine.h"

#include <stdio.h>
#include <string.h>

/* Where trainers put it. */
static const char *const usual[] = {"state_dict", "model", "module", "ema"};

enum {
        N_USUAL = sizeof usual / sizeof *usual
};

static const struct hf_value *fail(struct hf_pickle *pickle, const char *before, const char *what,
                                   const char *after)
{
        hf_error_set(pickle->error, HF_BAD_STATE_DICT, pickle->text.offset, NULL, "%s%s%s", before, what,
                     after);
        return NULL;
}

/* Of a class of one's own, too: then it is named, though it cannot be read. */
static bool has_tensors(const struct hf_value *value)
{
        return (value->kind == HF_VALUE_DICT || value->kind == HF_VALUE_OBJECT) &&
               value->as.items->has_tensors;
}

/* The value of a key; of the last one, as in Python, when there are more. */
static const struct hf_value *look_up(const struct hf_value *mapping, const char *key, size_t length)
{
        uint32_t i = mapping->as.items->count;

        while (i > 0) {
                const struct hf_value *const *pair = mapping->as.items->at + (i -= 2);

                if (pair[0]->kind == HF_VALUE_TEXT && pair[0]->as.name->length == length &&
                    memcmp(pair[0]->as.name->text, key, length) == 0)
                        return pair[1];
        }
        return NULL;
}

/* Keys joined by '/'; "/" alone has none. */
static const struct hf_value *follow(struct hf_pickle *pickle, const struct hf_value *root, const char *path)
{
        const struct hf_value *value = root;
        const char *key = path;
        bool more = strcmp(path, "/") != 0;

        while (more && value) {
                size_t length = strcspn(key, "/");

                value = hf_value_is(value, HF_VALUE_DICT) ? look_up(value, key, length) : NULL;
                more = key[length] == '/';
                key += length + more;
        }
        if (value && (hf_value_is(value, HF_VALUE_DICT) || hf_value_is(value, HF_VALUE_OBJECT)))
                return value;
        return fail(pickle, "there is no dictionary at '", path, "', where weights.state_dict looks for it");
}

/* The names of dictionaries with tensors, for a message. */
static void list_dictionaries(const struct hf_value *root, char *text, size_t size)
{
        char key[80];
        size_t at = 0;
        uint32_t i;

        text[0] = '\0';
        for (i = 0; i < root->as.items->count && at < size / 2; i += 2) {
                const struct hf_value *const *pair = root->as.items->at + i;

                if (pair[0]->kind == HF_VALUE_TEXT && has_tensors(pair[1]))
                        at += (size_t)snprintf(text + at, size - at, "%s%s", at ? ", " : "",
                                               hf_name_print(pair[0]->as.name->text, pair[0]->as.name->length,
                                                             key, sizeof key));
        }
}

static const struct hf_value *fail_choice(struct hf_pickle *pickle, const struct hf_value *root)
{
        char names[200];

        list_dictionaries(root, names, sizeof names);
        if (!names[0])
                return fail(pickle, "there is no dictionary of tensors at the top level, nor at its ",
                            "state_dict, model, module or ema", "");
        return fail(pickle,
                    has_tensors(root) ? "there are tensors at the top level and in "
                                      : "there are tensors in ",
                    names, ": choose with weights.state_dict (\"/\" is the top level)");
}

static const struct hf_value *find(struct hf_pickle *pickle, const struct hf_value *root,
                                   const char **ret_path)
{
        const struct hf_value *found = NULL;
        size_t i, n = 0;

        for (i = 0; i < N_USUAL; i++) {
                const struct hf_value *value = look_up(root, usual[i], strlen(usual[i]));

                if (!value || !has_tensors(value))
                        continue;
                found = value;
                *ret_path = usual[i];
                n++;
        }
        if (n + has_tensors(root) == 1)
                return n ? found : root;
        /* An empty dictionary is one without tensors, and has no others to choose from. */
        return n == 0 && root->as.items->count == 0 ? root : fail_choice(pickle, root);
}

/* A message names an object's class: it tells what was saved. */
static const struct hf_value *require_dict(struct hf_pickle *pickle, const struct hf_value *value)
{
        char text[300];

        if (hf_value_is(value, HF_VALUE_DICT))
                return value;
        snprintf(text, sizeof text, "%s", hf_value_kind_name(value));
        if (hf_value_is(value, HF_VALUE_OBJECT))
                snprintf(text, sizeof text, "an object of the class %s.%s", value->as.items->class->module,
                         value->as.items->class->name);
        return fail(pickle, "the file holds ", text,
                    ", not a dictionary of tensors: save model.state_dict()");
}

const struct hf_value *hf_state_dict_find(struct hf_pickle *pickle, const struct hf_value *root,
                                          const char *wanted, const char **ret_path)
{
        const struct hf_value *found = require_dict(pickle, root);

        *ret_path = "/";
        if (found && wanted && *wanted) {
                *ret_path = wanted;
                found = follow(pickle, root, wanted);
        } else if (found) {
                found = find(pickle, root, ret_path);
        }
        return found ? require_dict(pickle, found) : NULL;
}
