/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

const char *fixture(const char *name)
{
        static char path[512];

        snprintf(path, sizeof(path), "%s/%s", test_place("CKPT_TEST_FIXTURES"), name);
        return path;
}

static char directory[] = "/tmp/ckpt-cli-XXXXXX";

const char *in_directory(const char *name)
{
        static char path[512];

        snprintf(path, sizeof(path), "%s/%s", directory, name);
        return path;
}

const char *make_directory(void)
{
        strcpy(directory + strlen(directory) - 6, "XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        return directory;
}

unsigned empty_directory(void)
{
        DIR *dir = opendir(directory);
        unsigned n = 0;

        ck_assert_ptr_nonnull(dir);
        for (const struct dirent *entry; (entry = readdir(dir));) {
                if (entry->d_name[0] == '.' && (entry->d_name[1] == '\0' || entry->d_name[1] == '.'))
                        continue;
                unlink(in_directory(entry->d_name));
                n++;
        }
        closedir(dir);
        return n;
}

void remove_directory(void)
{
        empty_directory();
        rmdir(directory);
}

void write_file(const char *path, const char *text)
{
        FILE *file = fopen(path, "w");

        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
}

const char *string_of(const json_t *object, const char *key)
{
        const char *string = json_string_value(json_object_get(object, key));

        ck_assert_msg(string != NULL, "'%s' is not there or no string", key);
        return string;
}

json_t *find(const json_t *list, const char *key, const char *value)
{
        json_t *element;
        size_t i;

        json_array_foreach(list, i, element)
        {
                const char *found = json_string_value(json_object_get(element, key));

                if (found && strcmp(found, value) == 0)
                        return element;
        }
        return NULL;
}
