/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ckpt-host load: digests, checks and exports are compared with the fixtures' expected results, which were
 * not made by this tool
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.h"
#include "support.h"

#define PLUGINS "--plugin-dir", test_place("CKPT_TEST_PLUGINS")

/* Compares the digests of a load's object with name<TAB>dtype<TAB>dims<TAB>digest lines of the fixture. */
static void compare_expected(const json_t *root, const char *expected)
{
        const json_t *list = json_object_get(root, "parameters");
        FILE *file = fopen(expected, "r");
        char name[512], dtype[32], dims[128], digest[64];
        size_t n = 0;

        ck_assert_ptr_nonnull(file);
        while (fscanf(file, "%511[^\t]\t%31[^\t]\t%127[^\t]\t%63s ", name, dtype, dims, digest) == 4) {
                const json_t *param = find(list, "name", name);

                ck_assert_msg(param != NULL, "%s was not loaded", name);
                ck_assert_str_eq(string_of(param, "dtype"), dtype);
                ck_assert_str_eq(string_of(param, "digest"), digest);
                n++;
        }
        fclose(file);
        ck_assert_uint_gt(n, 10);
        ck_assert_uint_eq(json_array_size(list), n);
}

START_TEST(load_digest)
{
        struct process *p =
                RUN("--json", PLUGINS, "load", fixture("gemma3-bf16"), "--digest", "--tp-size", "2");
        json_t *root = process_json(p);
        const json_t *totals = json_object_get(root, "totals");

        ck_assert_msg(p->status == 0, "%s", p->err);
        ck_assert(json_is_false(json_object_get(root, "kept")));
        ck_assert(json_is_real(json_object_get(totals, "total_seconds")));
        compare_expected(root, fixture("gemma3-bf16/expected/tp2-rank0.tsv"));
        json_decref(root);
        process_free(p);

        p = RUN(PLUGINS, "load", fixture("gemma3-bf16"));
        ck_assert_int_eq(p->status, 0);
        ck_assert_ptr_nonnull(strstr(p->out, "Nothing was kept"));
        process_free(p);
}
END_TEST

START_TEST(verify)
{
        struct process *p = RUN(PLUGINS, "load", fixture("gemma3-bf16"), "--digest", "--json");
        char path[1024];
        char *digest;

        ck_assert_int_eq(p->status, 0);
        make_directory();
        snprintf(path, sizeof(path), "--verify=%s", in_directory("digests.json"));
        write_file(in_directory("digests.json"), p->out);
        digest = strstr(p->out, "\"digest\": \"");
        ck_assert_ptr_nonnull(digest);
        digest[11] = digest[11] == '0' ? '1' : '0';
        write_file(in_directory("wrong.json"), p->out);
        process_free(p);

        p = RUN(PLUGINS, "load", fixture("gemma3-bf16-sharded"), path);
        ck_assert_msg(p->status == 0, "%s", p->err);
        ck_assert_ptr_nonnull(strstr(p->out, "safetensors files carry no checksums"));
        ck_assert_ptr_nonnull(strstr(p->out, " 0 differences"));
        process_free(p);

        snprintf(path, sizeof(path), "--verify=%s", in_directory("wrong.json"));
        p = RUN(PLUGINS, "load", fixture("gemma3-bf16"), path, "--export", in_directory("out.safetensors"));
        ck_assert_int_eq(p->status, 1);
        ck_assert_ptr_nonnull(strstr(p->err, "digest is "));
        ck_assert_int_ne(access(in_directory("out.safetensors"), F_OK), 0);
        process_free(p);

        p = RUN(PLUGINS, "load", fixture("gemma3-fp16"), path, "--json");
        ck_assert_int_eq(p->status, 1);
        json_t *root = process_json(p);
        const json_t *differences = json_object_get(json_object_get(root, "verify"), "differences");

        ck_assert_uint_eq(json_array_size(differences), json_array_size(json_object_get(root, "parameters")));
        ck_assert_ptr_nonnull(find(json_object_get(root, "diagnostics"), "parameter", "model.norm.weight"));
        json_decref(root);
        process_free(p);
        remove_directory();
}
END_TEST

/* Copies a file of a fixture into the test's directory, with a bit of the byte `at` turned if it has that. */
static void copy_file(const char *name, const char *file, size_t at)
{
        static char bytes[1 << 20];
        FILE *stream = fopen(fixture(name), "r");
        size_t size;

        ck_assert_ptr_nonnull(stream);
        size = fread(bytes, 1, sizeof(bytes), stream);
        fclose(stream);
        ck_assert_uint_lt(size, sizeof(bytes));
        if (at < size)
                bytes[at] ^= 1;
        stream = fopen(in_directory(file), "w");
        ck_assert_ptr_nonnull(stream);
        ck_assert_uint_eq(fwrite(bytes, 1, size, stream), size);
        ck_assert_int_eq(fclose(stream), 0);
}

/* A copy of a torch checkpoint, the first byte of whose first tensor is another. */
static void make_spoilt_torch(void)
{
        struct process *p = RUN(PLUGINS, "inspect", fixture("torch-gemma3"), "--json");
        json_t *root = process_json(p);
        const json_t *first = json_array_get(json_object_get(root, "tensors"), 0);
        const size_t offset = (size_t)json_integer_value(json_object_get(first, "offset"));

        ck_assert_uint_gt(offset, 64);
        make_directory();
        copy_file("torch-gemma3/pytorch_model.bin", "pytorch_model.bin", offset);
        copy_file("torch-gemma3/config.json", "config.json", SIZE_MAX);
        json_decref(root);
        process_free(p);
}

START_TEST(verify_checksums)
{
        struct process *p = RUN(PLUGINS, "load", fixture("torch-gemma3"), "--verify");

        ck_assert_msg(p->status == 0, "%s", p->err);
        ck_assert_ptr_nonnull(strstr(p->out, "was asked to compare them"));
        process_free(p);

        make_spoilt_torch();
        p = RUN(PLUGINS, "load", in_directory(""));
        ck_assert_msg(p->status == 0, "%s", p->err);
        process_free(p);
        p = RUN(PLUGINS, "load", in_directory(""), "--verify");
        ck_assert_int_eq(p->status, 1);
        ck_assert_msg(strstr(p->err, "pytorch_model.bin") && strstr(p->err, "CRC"), "%s", p->err);
        process_free(p);
        remove_directory();
}
END_TEST

START_TEST(verify_without_checksums)
{
        static const char config[] = "{\"architectures\": [\"SlowForCausalLM\"], \"num_hidden_layers\": 1}";
        struct process *p = RUN(PLUGINS, "load", fixture("torch-gemma3-legacy"), "--verify", "--json");
        json_t *root = process_json(p);

        ck_assert_msg(p->status == 0, "%s", p->err);
        ck_assert_ptr_nonnull(strstr(string_of(json_object_get(root, "verify"), "checksums"),
                                     "its log names files without any"));
        ck_assert_ptr_nonnull(strstr(p->err, "torch's legacy format has no checksums"));
        json_decref(root);
        process_free(p);

        /* A weight loader without the option has nothing to be asked. */
        make_directory();
        write_file(in_directory("config.json"), config);
        p = RUN(PLUGINS, "--plugin-dir", test_place("CKPT_TEST_CLI_PLUGINS"), "--weight-loader",
                "org.ckpt.test.slow", "--set", "weights.hold=0", "load", in_directory(""), "--verify");
        ck_assert_msg(p->status == 0, "%s", p->err);
        ck_assert_ptr_nonnull(strstr(p->out, "none that this tool knows of"));
        process_free(p);
        remove_directory();
}
END_TEST

START_TEST(verify_bad_file)
{
        static const char *const texts[] = {
                "",
                "[]",
                "{}",
                "{\"parameters\": [1]}",
                "{\"parameters\": [",
                "{\"parameters\": [{\"name\": \"a\", \"dtype\": \"F32\", \"shape\": []}]}"};
        char path[1024];
        struct process *p;

        make_directory();
        snprintf(path, sizeof(path), "--verify=%s", in_directory("bad.json"));
        write_file(in_directory("bad.json"), texts[_i]);
        p = RUN(PLUGINS, "load", fixture("gemma3-bf16"), path);
        ck_assert_int_eq(p->status, 1);
        ck_assert_ptr_nonnull(strstr(p->err, "bad.json"));
        ck_assert_str_eq(p->out, "");
        process_free(p);
        remove_directory();
}
END_TEST

/* The tensors of two safetensors files are compared by loading both headers: name by name, byte by byte. */
struct tensors {
        char *bytes;
        json_t *header;
        size_t data;
};

static struct tensors read_safetensors(const char *path)
{
        struct tensors file = {0};
        uint64_t length;
        FILE *stream = fopen(path, "r");
        long size;

        ck_assert_msg(stream != NULL, "%s is not there", path);
        ck_assert_int_eq(fseek(stream, 0, SEEK_END), 0);
        size = ftell(stream);
        ck_assert_int_gt(size, 8);
        rewind(stream);
        file.bytes = malloc((size_t)size);
        ck_assert_ptr_nonnull(file.bytes);
        ck_assert_uint_eq(fread(file.bytes, 1, (size_t)size, stream), (size_t)size);
        fclose(stream);
        memcpy(&length, file.bytes, sizeof(length));
        ck_assert_uint_lt(length, (uint64_t)size);
        file.header = json_loadb(file.bytes + 8, (size_t)length, 0, NULL);
        ck_assert_ptr_nonnull(file.header);
        json_object_del(file.header, "__metadata__");
        file.data = 8 + (size_t)length;
        return file;
}

static const char *bytes_of(const struct tensors *file, const json_t *entry, size_t *ret_size)
{
        const json_t *offsets = json_object_get(entry, "data_offsets");
        const size_t start = (size_t)json_integer_value(json_array_get(offsets, 0));

        *ret_size = (size_t)json_integer_value(json_array_get(offsets, 1)) - start;
        return file->bytes + file->data + start;
}

START_TEST(load_export)
{
        struct process *p;
        struct tensors ours, expected;
        const char *name;
        json_t *entry;

        make_directory();
        p = RUN(PLUGINS, "load", fixture("gemma3-bf16"), "--tp-size", "2", "--tp-rank", "1", "--export",
                in_directory("out.safetensors"));
        ck_assert_msg(p->status == 0, "%s", p->err);
        process_free(p);
        ours = read_safetensors(in_directory("out.safetensors"));
        expected = read_safetensors(fixture("gemma3-bf16/expected/tp2-rank1.safetensors"));
        ck_assert_uint_eq(json_object_size(ours.header), json_object_size(expected.header));
        json_object_foreach(expected.header, name, entry)
        {
                const json_t *own = json_object_get(ours.header, name);
                size_t size, own_size;
                const char *bytes = bytes_of(&expected, entry, &size), *own_bytes;

                ck_assert_msg(own != NULL, "%s was not exported", name);
                own_bytes = bytes_of(&ours, own, &own_size);
                ck_assert_uint_eq(own_size, size);
                ck_assert(json_equal(json_object_get(own, "shape"), json_object_get(entry, "shape")));
                ck_assert_msg(memcmp(own_bytes, bytes, size) == 0, "%s differs", name);
        }
        json_decref(ours.header);
        json_decref(expected.header);
        free(ours.bytes);
        free(expected.bytes);
        ck_assert_uint_eq(empty_directory(), 1);
        remove_directory();
}
END_TEST

START_TEST(export_fails)
{
        struct process *p = RUN(PLUGINS, "load", fixture("gemma3-bf16"), "--export",
                                "/nonexistent/out.safetensors", "--json");
        json_t *root = process_json(p);

        ck_assert_int_eq(p->status, 1);
        ck_assert_ptr_nonnull(strstr(string_of(root, "error"), "/nonexistent"));
        ck_assert(json_is_null(json_object_get(root, "exported")));
        json_decref(root);
        process_free(p);
}
END_TEST

START_TEST(output_fails)
{
        int status = system(
                "\"$CKPT_TEST_HOST\" --plugin-dir \"$CKPT_TEST_PLUGINS\" plugins >/dev/full 2>/dev/null");

        ck_assert_int_eq(WEXITSTATUS(status), 1);
}
END_TEST

static void add_cases(Suite *suite)
{
        TCase *tcase = tcase_create("cli-load");

        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, load_digest);
        tcase_add_test(tcase, verify);
        tcase_add_test(tcase, verify_checksums);
        tcase_add_test(tcase, verify_without_checksums);
        tcase_add_loop_test(tcase, verify_bad_file, 0, 6);
        tcase_add_test(tcase, load_export);
        tcase_add_test(tcase, export_fails);
        tcase_add_test(tcase, output_fails);
        suite_add_tcase(suite, tcase);
}

int main(void)
{
        Suite *suite = suite_create("cli-load");
        SRunner *runner;
        int failed;

        add_cases(suite);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
