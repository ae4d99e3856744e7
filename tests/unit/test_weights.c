/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Weights: the store, the builder that fills it, and views of it. Views are compared with plain arrays
 * that are searched from end to end.
 */

#include <stdio.h>

#include "core/op/op.h"
#include "core/weights/weights.h"

/* Last: it defines `fail` as a macro. */
#include <check.h>

static ckpt_session session;
static ckpt_scope *scope;

static void set_up(void)
{
        ck_assert_int_eq(ckpt_session_init(&session, &ckpt_api_table, NULL, NULL), CKPT_OK);
        scope = &session.scope;
}

static void tear_down(void)
{
        ckpt_session_deinit(&session);
}

static const char *last_text(void)
{
        const uint64_t count = ckpt_diagnostics_count(&session.diagnostics);

        ck_assert_uint_gt(count, 0);
        return session.diagnostics.list.items[count - 1].text;
}

/* A tensor to tell from others. */
static const ckpt_tensor *tensor(void)
{
        static const uint8_t byte;
        const ckpt_place place = {.kind = CKPT_PLACE_MEMORY, .device = -1, .memory = &byte};

        return ckpt_tensor_leaf(scope, NULL, &place, CKPT_DTYPE_U8, 0, NULL, NULL);
}

static uint64_t state = 88172645463325252ull;

static uint32_t random_below(uint32_t below)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return (uint32_t)(state >> 33) % below;
}

/* ---- the store ---- */

static char order[16], letter_a[] = "a", letter_b[] = "b", letter_x[] = "x";

static void note(void *context, void *object)
{
        const size_t n = strlen(order);

        order[n] = *(const char *)context;
        order[n + 1] = object ? '!' : '?';
        order[n + 2] = '\0';
}

START_TEST(store_keeps_its_order_and_releases_backwards)
{
        const float values[6] = {0, 1, 2, 3, 4, 5};
        const int64_t shape[2] = {2, 3}, transposed[2] = {1, 2};
        ckpt_weights *store = NULL;
        ckpt_weight_info info;

        order[0] = '\0';
        ck_assert_int_eq(ckpt_weights_new(NULL, &store), CKPT_E_INVALID);
        ck_assert_int_eq(ckpt_weights_store_new(&store), CKPT_OK);
        ck_assert_int_eq(ckpt_weights_add_memory(store, "b.weight", CKPT_DTYPE_F32, 2, shape, NULL, values,
                                                 NULL, note, letter_b),
                         CKPT_OK);
        ck_assert_int_eq(ckpt_weights_add_memory(store, "a.weight", CKPT_DTYPE_BF16, 2, shape, transposed,
                                                 values, "cuda:3", note, letter_a),
                         CKPT_OK);
        ck_assert_int_eq(ckpt_weights_add_memory(store, "none", CKPT_DTYPE_F64, 1, (int64_t[]){0}, NULL, NULL,
                                                 "cpu", NULL, NULL),
                         CKPT_OK);
        ck_assert_uint_eq(ckpt_weights_count(store), 3);
        ck_assert_str_eq(ckpt_weights_name(store, 0), "b.weight");
        ck_assert_str_eq(ckpt_weights_name(store, 1), "a.weight");
        ck_assert_ptr_null(ckpt_weights_name(store, 3));
        ck_assert_ptr_null(ckpt_weights_at(store, 3));
        ck_assert_ptr_eq(ckpt_weights_get(store, "a.weight"), ckpt_weights_store_tensor(store, 1));
        ck_assert_int_eq(ckpt_weights_at(store, 0)->as.leaf.place.device, -1);
        ck_assert_int_eq(ckpt_weights_at(store, 1)->as.leaf.place.device, 3);
        ck_assert_int_eq(ckpt_weights_info(store, 1, &info), CKPT_OK);
        ck_assert_str_eq(info.name, "a.weight");
        ck_assert_int_eq(info.dtype, CKPT_DTYPE_BF16);
        ck_assert_uint_eq(info.rank, 2);
        ck_assert_int_eq(info.shape[1], 3);
        ck_assert_uint_eq(info.size, 12);
        ck_assert_ptr_null(info.object);
        ck_assert_int_eq(ckpt_weights_info(store, 3, &info), CKPT_ABSENT);

        ck_assert_ptr_eq(ckpt_weights_ref(store), store);
        ck_assert_ptr_null(ckpt_weights_unref(store));
        ck_assert_str_eq(order, "");
        ck_assert_ptr_null(ckpt_weights_unref(store));
        ck_assert_str_eq(order, "a!b!");
        ck_assert_ptr_null(ckpt_weights_unref(NULL));
}
END_TEST

static const struct bad_memory {
        const char *name, *device;
        ckpt_dtype dtype;
        uint32_t rank;
        int64_t shape[2];
        bool memory;
} bad_memories[] = {
        {NULL, NULL, CKPT_DTYPE_F32, 1, {1}, true},
        {"x", "cudax", CKPT_DTYPE_F32, 1, {1}, true},
        {"x", "cuda:", CKPT_DTYPE_F32, 1, {1}, true},
        {"x", "cuda:-1", CKPT_DTYPE_F32, 1, {1}, true},
        {"x", "cuda:99999999999999999999", CKPT_DTYPE_F32, 1, {1}, true},
        {"x", "rocm", CKPT_DTYPE_F32, 1, {1}, true},
        {"x", NULL, CKPT_DTYPE_NONE, 1, {1}, true},
        {"x", NULL, CKPT_DTYPE_COUNT, 1, {1}, true},
        {"x", NULL, CKPT_DTYPE_F32, 1, {-1}, true},
        {"x", NULL, CKPT_DTYPE_F32, 2, {INT64_MAX, 2}, true},
        {"x", NULL, CKPT_DTYPE_F32, 65, {1}, true},
        {"x", NULL, CKPT_DTYPE_F4, 1, {3}, true},
        {"x", NULL, CKPT_DTYPE_F32, 1, {1}, false},
        {"there", NULL, CKPT_DTYPE_F32, 1, {1}, true},
};

START_TEST(memory_that_is_refused_is_released)
{
        const struct bad_memory *c = &bad_memories[_i];
        int64_t shape[65] = {c->shape[0], c->shape[1]};
        ckpt_weights *store = NULL;
        float value = 0;

        order[0] = '\0';
        ck_assert_int_eq(ckpt_weights_store_new(&store), CKPT_OK);
        ck_assert_int_eq(ckpt_weights_add_memory(store, "there", CKPT_DTYPE_F32, 0, NULL, NULL, &value, NULL,
                                                 NULL, NULL),
                         CKPT_OK);
        ck_assert_int_lt(ckpt_weights_add_memory(store, c->name, c->dtype, c->rank, shape, NULL,
                                                 c->memory ? &value : NULL, c->device, note, letter_x),
                         0);
        ck_assert_str_eq(order, c->memory ? "x!" : "x?");
        ck_assert_uint_eq(ckpt_weights_count(store), 1);
        ckpt_weights_unref(store);
        ck_assert_uint_eq(strlen(order), 2);
}
END_TEST

START_TEST(a_name_is_there_once)
{
        ckpt_weights *store = NULL;

        ck_assert_int_eq(ckpt_weights_store_new(&store), CKPT_OK);
        ckpt_weights_store_set_diagnostics(store, &session.diagnostics);
        ck_assert_int_eq(ckpt_weights_store_add(store, "a\n", tensor()), CKPT_OK);
        ck_assert_int_eq(ckpt_weights_store_add(store, "b", ckpt_tensor_error(scope)), CKPT_OK);
        ck_assert_int_eq(ckpt_weights_store_add(store, "a\n", tensor()), CKPT_E_CORRUPT);
        ck_assert_str_eq(
                last_text(),
                "tensor 'a\\x0a': a tensor of this name is there already; the checkpoint is damaged, or "
                "two of its files hold the same tensor");
        ck_assert_uint_eq(ckpt_weights_count(store), 1);
        ckpt_weights_unref(store);
}
END_TEST

/* ---- the builder ---- */

static char directory[64];

static ckpt_source *make_source(void)
{
        ckpt_source *source = NULL;
        char path[80];
        FILE *file;

        snprintf(directory, sizeof(directory), "/tmp/ckpt-weights-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(directory));
        snprintf(path, sizeof(path), "%s/a.bin", directory);
        file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        fputs("0123456789", file);
        fclose(file);
        ck_assert_int_eq(ckpt_source_open(&session.diagnostics, directory, &source), CKPT_OK);
        unlink(path);
        rmdir(directory);
        return source;
}

START_TEST(builder_makes_a_store_that_outlives_the_session)
{
        const int64_t shape[2] = {2, 2}, strides[2] = {0, 1};
        ckpt_leaf leaf = {
                .struct_size = sizeof(leaf), .dtype = CKPT_DTYPE_U16, .rank = 2, .shape = shape, .offset = 2};
        ckpt_source *source = make_source();
        ckpt_frame reader = {.api = &ckpt_api_table};
        ckpt_weights_builder *builder = NULL;
        ckpt_weights *store = NULL;
        ckpt_weight_info info;
        const ckpt_tensor *t;

        ck_assert_int_eq(ckpt_weights_builder_new(&session, source, &reader, &builder), CKPT_OK);
        ckpt_weights_add(builder, "plain", ckpt_weights_leaf(builder, &leaf));
        leaf.strides = strides;
        leaf.flags = CKPT_LEAF_BIG_ENDIAN;
        leaf.offset = 6; /* 8 bytes from there would not fit, but the rows are one */
        ckpt_weights_add(builder, "repeated", ckpt_weights_leaf(builder, &leaf));
        leaf = (ckpt_leaf){.struct_size = sizeof(leaf),
                           .kind = CKPT_LEAF_READER,
                           .dtype = CKPT_DTYPE_U16,
                           .rank = 2,
                           .shape = shape,
                           .cookie = 7,
                           .size = 8,
                           .access = CKPT_ACCESS_WHOLE,
                           .sort_key = 9};
        ckpt_weights_add(builder, "read", ckpt_weights_leaf(builder, &leaf));
        ckpt_weights_add(builder, "half", ckpt_tensor_slice(ckpt_weights_leaf(builder, &leaf), 0, 0, 1));
        ck_assert_int_eq(ckpt_weights_builder_finish(builder, &store), CKPT_OK);
        ck_assert_ptr_null(ckpt_weights_store_scope(store)->diagnostics);
        ckpt_source_unref(source);

        ck_assert_uint_eq(ckpt_weights_count(store), 4);
        ck_assert_int_eq(ckpt_weights_info(store, 0, &info), CKPT_OK);
        ck_assert_str_eq(info.object, "a.bin");
        ck_assert_uint_eq(info.offset, 2);
        ck_assert_uint_eq(info.size, 8);
        t = ckpt_weights_get(store, "repeated");
        ck_assert(t->as.leaf.place.big_endian);
        ck_assert_int_eq(t->as.leaf.strides[0], 0);
        t = ckpt_weights_get(store, "read");
        ck_assert_int_eq((int)t->as.leaf.place.kind, CKPT_PLACE_READER);
        ck_assert_ptr_eq(t->as.leaf.place.reader, &reader);
        ck_assert_uint_eq(t->as.leaf.place.cookie, 7);
        ck_assert_uint_eq(t->as.leaf.place.sort_key, 9);
        ck_assert_int_eq(t->as.leaf.place.access, CKPT_ACCESS_WHOLE);
        ck_assert_int_eq(ckpt_weights_info(store, 3, &info), CKPT_OK);
        ck_assert_ptr_null(info.object);
        ck_assert_uint_eq(info.size, 4);
        ckpt_weights_unref(store);
}
END_TEST

static ckpt_leaf bad_leaf(int which, int64_t *shape)
{
        ckpt_leaf leaf = {.struct_size = sizeof(leaf), .dtype = CKPT_DTYPE_U8, .rank = 1, .shape = shape};

        shape[0] = 1;
        switch (which) {
        case 0:
                leaf.struct_size = 8;
                break;
        case 1:
                leaf.shape = NULL;
                break;
        case 2:
                leaf.flags = 2;
                break;
        case 3:
                leaf.kind = 9;
                break;
        case 4:
                leaf.object = 1;
                break;
        case 5:
                leaf.kind = CKPT_LEAF_READER;
                break;
        case 6:
                leaf.offset = 10; /* one past the end */
                break;
        case 7:
                leaf.offset = UINT64_MAX;
                break;
        default:
                shape[0] = 11;
        }
        return leaf;
}

START_TEST(builder_refuses_bad_leaves)
{
        static const char *const says[] = {
                "a leaf's struct_size is too small; the weight loader is at fault",
                "a leaf has axes but no shape; the weight loader is at fault",
                "a leaf has flags that this version does not know; the weight loader is at fault",
                "a leaf is of no known kind; the weight loader is at fault",
                "a leaf names an object that the source does not have; the weight loader is at fault",
                "a leaf asks for a reader, but there is none; the weight loader is at fault",
                "ends outside",
                "ends outside",
                "ends outside",
        };
        ckpt_source *source = make_source();
        ckpt_weights_builder *builder = NULL;
        ckpt_weights *store = NULL;
        int64_t shape[1];
        const ckpt_leaf leaf = bad_leaf(_i, shape);
        const ckpt_tensor *t;

        ck_assert_int_eq(ckpt_weights_builder_new(&session, source, NULL, &builder), CKPT_OK);
        ckpt_source_unref(source);
        t = ckpt_weights_leaf(builder, &leaf);
        ck_assert(ckpt_tensor_is_error(t));
        ckpt_weights_add(builder, "x", t);
        ck_assert_uint_eq(ckpt_diagnostics_count(&session.diagnostics), 1);
        ck_assert_ptr_nonnull(strstr(last_text(), says[_i]));
        ck_assert_int_eq(ckpt_weights_builder_finish(builder, &store),
                         _i < 6 ? CKPT_E_PLUGIN : CKPT_E_CORRUPT);
        ck_assert_ptr_null(store);
}
END_TEST

START_TEST(builder_refuses_bad_entries)
{
        ckpt_weights_builder *builder = NULL;
        ckpt_weights *store = NULL;

        ck_assert_int_eq(ckpt_weights_builder_new(&session, NULL, NULL, &builder), CKPT_OK);
        ckpt_weights_add(builder, NULL, tensor());
        ckpt_weights_add(builder, "x", NULL);
        ckpt_weights_add(builder, "y", tensor());
        ckpt_weights_add(builder, "y", tensor());
        ck_assert_uint_eq(ckpt_diagnostics_count(&session.diagnostics), 3);
        ck_assert_int_eq(ckpt_weights_builder_finish(builder, &store), CKPT_E_PLUGIN);
        ckpt_weights_builder_free(NULL);
}
END_TEST

/* ---- views ---- */

static bool has_below(const ckpt_weights *weights, const char *prefix)
{
        return ckpt_weights_count(ckpt_weights_filter(weights, prefix)) > 0;
}

START_TEST(dictionary_of_a_store_has_source_nodes)
{
        ckpt_weights *store = NULL, *dict;
        const ckpt_tensor *t;

        ck_assert_int_eq(ckpt_weights_store_new(&store), CKPT_OK);
        ck_assert_int_eq(ckpt_weights_store_add(store, "b", tensor()), CKPT_OK);
        ck_assert_int_eq(ckpt_weights_store_add(store, "a", tensor()), CKPT_OK);
        dict = ckpt_weights_dict_of_store(scope, store);
        ck_assert_uint_eq(ckpt_weights_count(dict), 2);
        t = ckpt_weights_get(dict, "a");
        ck_assert(ckpt_tensor_is_source(t));
        ck_assert_str_eq(t->as.source.name, "a");
        ck_assert_uint_eq(t->as.source.index, 1);
        ck_assert_ptr_eq(t->inputs[0], ckpt_weights_store_tensor(store, 1));
        ck_assert_ptr_eq(t->scope, scope);
        ckpt_weights_unref(store);
}
END_TEST

START_TEST(dictionary_of_a_store_stays_when_the_store_grows)
{
        ckpt_weights *store = NULL, *dict;

        ck_assert_int_eq(ckpt_weights_store_new(&store), CKPT_OK);
        ck_assert_int_eq(ckpt_weights_store_add(store, "a", tensor()), CKPT_OK);
        dict = ckpt_weights_dict_of_store(scope, store);
        ck_assert_int_eq(ckpt_weights_store_add(store, "b", tensor()), CKPT_OK);
        ck_assert_uint_eq(ckpt_weights_count(dict), 1);
        ck_assert_ptr_nonnull(ckpt_weights_get(dict, "a"));
        ck_assert_ptr_null(ckpt_weights_get(dict, "b"));
        ckpt_weights_unref(store);
}
END_TEST

START_TEST(dictionary_names_the_other_of_two)
{
        ckpt_weights *dict = ckpt_weights_dict_new(scope);
        uint64_t other = 99;

        ck_assert_int_eq(ckpt_weights_dict_add(dict, "a", tensor(), &other), CKPT_OK);
        ck_assert_int_eq(ckpt_weights_dict_add(dict, "b", tensor(), &other), CKPT_OK);
        ck_assert_uint_eq(other, 99);
        ck_assert_int_eq(ckpt_weights_dict_add(dict, "b", tensor(), &other), CKPT_ABSENT);
        ck_assert_uint_eq(other, 1);
        ck_assert_int_eq(ckpt_weights_dict_add(dict, "c", NULL, &other), CKPT_E_INVALID);
        ck_assert_ptr_null(ckpt_weights_get(dict, "c"));
        ck_assert_ptr_null(ckpt_weights_get(dict, NULL));
}
END_TEST

static ckpt_weights *dict_of(const char *const *names, uint64_t count)
{
        ckpt_weights *dict = ckpt_weights_dict_new(scope);
        uint64_t other;

        for (uint64_t i = 0; i < count; i++)
                ck_assert_int_eq(ckpt_weights_dict_add(dict, names[i], tensor(), &other), CKPT_OK);
        return dict;
}

START_TEST(a_prefix_ends_at_a_dot)
{
        static const char *const names[] = {"model.layers.10.x", "model.layers.1.y", "model.layers.1.a.b",
                                            "model.layers.1",    "model.layers.1-x", "model.layers.1x",
                                            "model.layers.1."};
        const ckpt_weights *dict = dict_of(names, 7), *part = ckpt_weights_filter(dict, "model.layers.1");

        ck_assert_uint_eq(ckpt_weights_count(part), 3);
        ck_assert_str_eq(ckpt_weights_name(part, 0), "y"); /* in the order of their addition */
        ck_assert_str_eq(ckpt_weights_name(part, 1), "a.b");
        ck_assert_str_eq(ckpt_weights_name(part, 2), "");
        ck_assert_ptr_eq(ckpt_weights_get(part, "a.b"), ckpt_weights_at(dict, 2));
        ck_assert_ptr_eq(ckpt_weights_at(part, 1), ckpt_weights_at(dict, 2));
        ck_assert_ptr_null(ckpt_weights_get(part, "a"));
        ck_assert_ptr_null(ckpt_weights_get(part, "z"));
        part = ckpt_weights_filter(part, "a");
        ck_assert_uint_eq(ckpt_weights_count(part), 1);
        ck_assert_ptr_eq(ckpt_weights_get(part, "b"), ckpt_weights_at(dict, 2));
        ck_assert_uint_eq(ckpt_weights_count(ckpt_weights_filter(dict, "model.layers.2")), 0);
        ck_assert_ptr_null(ckpt_weights_get(ckpt_weights_filter(dict, "model.layers.2"), "x"));
        ck_assert_ptr_eq(ckpt_weights_filter(dict, ""), dict);
        ck_assert(has_below(dict, "model.layers"));
        ck_assert(!has_below(dict, "model.layer"));
        ck_assert(!has_below(dict, "model.layers.10.x"));
        ck_assert(has_below(dict, ""));
}
END_TEST

START_TEST(a_dictionary_may_grow_after_it_was_filtered)
{
        static const char *const names[] = {"b.x", "a.x"};
        ckpt_weights *dict = dict_of(names, 2);
        uint64_t other;

        ck_assert_uint_eq(ckpt_weights_count(ckpt_weights_filter(dict, "a")), 1);
        ck_assert_int_eq(ckpt_weights_dict_add(dict, "a.a", tensor(), &other), CKPT_OK);
        ck_assert_uint_eq(ckpt_weights_count(ckpt_weights_filter(dict, "a")), 2);
}
END_TEST

/* What a view must be: names and tensors in order. */
typedef struct plain {
        const char *names[64];
        const ckpt_tensor *tensors[64];
        uint64_t count;
} plain;

static uint64_t plain_find(const plain *p, const char *name)
{
        uint64_t i = 0;

        while (i < p->count && strcmp(p->names[i], name) != 0)
                i++;
        return i;
}

static void plain_set(plain *p, const char *name, const ckpt_tensor *t)
{
        const uint64_t at = plain_find(p, name);

        if (at == p->count && t) {
                p->names[p->count] = name;
                p->tensors[p->count++] = t;
        } else if (t) {
                p->tensors[at] = t;
        } else if (at < p->count) {
                memmove(&p->names[at], &p->names[at + 1], (p->count - at - 1) * sizeof(p->names[0]));
                memmove(&p->tensors[at], &p->tensors[at + 1], (p->count - at - 1) * sizeof(p->tensors[0]));
                p->count--;
        }
}

static plain plain_filter(const plain *p, const char *prefix)
{
        const size_t n = strlen(prefix);
        plain part = {.count = 0};

        for (uint64_t i = 0; i < p->count; i++)
                if (strncmp(p->names[i], prefix, n) == 0 && p->names[i][n] == '.')
                        plain_set(&part, p->names[i] + n + 1, p->tensors[i]);
        return part;
}

/* Every name of three components out of two letters each is looked up, there or not. */
static const char *const vocabulary[] = {"a",     "b",     "a.a",   "a.b",   "b.a",   "b.b",
                                         "a.a.a", "a.a.b", "a.b.a", "a.b.b", "b.a.a", "b.a.b",
                                         "b.b.a", "b.b.b", "ab.a",  "a-.a"};
#define N_VOCABULARY (sizeof(vocabulary) / sizeof(vocabulary[0]))

/* Order counts only while nothing was taken out and put back: where that goes is not promised. */
static void expect(const ckpt_weights *view, const plain *p, bool ordered)
{
        ck_assert_ptr_nonnull(view);
        ck_assert_uint_eq(ckpt_weights_count(view), p->count);
        for (uint64_t i = 0; i < N_VOCABULARY; i++) {
                const uint64_t at = plain_find(p, vocabulary[i]);

                ck_assert_ptr_eq(ckpt_weights_get(view, vocabulary[i]),
                                 at < p->count ? p->tensors[at] : NULL);
                ck_assert(has_below(view, vocabulary[i]) == (plain_filter(p, vocabulary[i]).count > 0));
        }
        for (uint64_t i = 0; i < p->count; i++) {
                const char *name = ckpt_weights_name(view, i);
                const uint64_t at = plain_find(p, name);

                ck_assert(at < p->count && (!ordered || at == i));
                ck_assert_ptr_eq(ckpt_weights_at(view, i), p->tensors[at]);
        }
        ck_assert_ptr_null(ckpt_weights_name(view, p->count));
        ck_assert_ptr_null(ckpt_weights_at(view, p->count));
}

/* Versions that branch off each other, edited and filtered at random; all stay what they were. */
START_TEST(edits_are_versions)
{
        enum {
                VERSIONS = 60
        };
        const ckpt_weights *views[VERSIONS];
        plain plains[VERSIONS] = {{.count = 0}};
        bool ordered[VERSIONS] = {true};

        for (int i = 0; i < 1000 * _i; i++)
                random_below(1);
        views[0] = dict_of(vocabulary, 8 + random_below(8));
        for (uint64_t i = 0; i < ckpt_weights_count(views[0]); i++)
                plain_set(&plains[0], vocabulary[i], ckpt_weights_at(views[0], i));
        for (uint32_t v = 1; v < VERSIONS; v++) {
                const uint32_t from = random_below(4) ? v - 1 : random_below(v);
                const char *name = vocabulary[random_below(N_VOCABULARY)];
                const ckpt_tensor *t = random_below(3) ? tensor() : NULL;

                if (random_below(8) == 0) {
                        views[v] = ckpt_weights_filter(views[from], name);
                        plains[v] = plain_filter(&plains[from], name);
                } else {
                        views[v] = ckpt_weights_set(views[from], name, t);
                        plains[v] = plains[from];
                        plain_set(&plains[v], name, t);
                }
                ordered[v] = ordered[from] && t;
                expect(views[v], &plains[v], ordered[v]);
        }
        for (uint32_t v = 0; v < VERSIONS; v++)
                expect(views[v], &plains[v], ordered[v]);
}
END_TEST

START_TEST(what_is_replaced_keeps_its_place)
{
        static const char *const names[] = {"c", "a", "b"};
        const ckpt_weights *dict = dict_of(names, 3), *edited = ckpt_weights_set(dict, "a", tensor());

        ck_assert_str_eq(ckpt_weights_name(edited, 1), "a");
        ck_assert_ptr_ne(ckpt_weights_at(edited, 1), ckpt_weights_at(dict, 1));
        edited = ckpt_weights_set(edited, "new", tensor());
        edited = ckpt_weights_set(edited, "c", NULL);
        ck_assert_str_eq(ckpt_weights_name(edited, 0), "a");
        ck_assert_str_eq(ckpt_weights_name(edited, 1), "b");
        ck_assert_str_eq(ckpt_weights_name(edited, 2), "new");
        ck_assert_ptr_eq(ckpt_weights_set(edited, "absent", NULL), edited);
        ck_assert_ptr_eq(ckpt_weights_set(edited, NULL, tensor()), edited);
        ck_assert_uint_eq(ckpt_weights_count(dict), 3);
}
END_TEST

/* A number for each of `count` modules, all different: in stretches upwards or downwards, or in no order. */
static uint32_t number_of(uint32_t i, uint32_t stretch, uint32_t kind)
{
        const uint32_t block = i / stretch, within = kind == 0 ? i % stretch : stretch - 1 - i % stretch;

        return kind < 2 ? block % 7 * 1000000 + within * 1000 + block : random_below(1000) * 1000 + i;
}

START_TEST(names_come_in_any_order)
{
        enum {
                MOST = 300
        };
        char names[MOST][16], prefix[16];
        uint64_t other;

        for (uint32_t count = 0; count < MOST; count += 1 + count / 8) {
                ckpt_weights *dict = ckpt_weights_dict_new(scope);
                const uint32_t stretch = 1 + random_below(count + 1);

                for (uint32_t i = 0; i < count; i++) {
                        snprintf(names[i], sizeof(names[i]), "n%u.w", number_of(i, stretch, (uint32_t)_i));
                        ck_assert_int_eq(ckpt_weights_dict_add(dict, names[i], tensor(), &other), CKPT_OK);
                }
                for (uint32_t i = 0; i < count; i++) {
                        const ckpt_weights *part;

                        snprintf(prefix, sizeof(prefix), "%.*s", (int)strcspn(names[i], "."), names[i]);
                        part = ckpt_weights_filter(dict, prefix);
                        ck_assert_uint_eq(ckpt_weights_count(part), 1);
                        ck_assert_ptr_eq(ckpt_weights_get(part, "w"), ckpt_weights_at(dict, i));
                }
        }
}
END_TEST

/* Quadratic behaviour anywhere here would take minutes. */
START_TEST(a_hundred_thousand_tensors)
{
        enum {
                LAYERS = 12500,
                EACH = 8
        };
        const ckpt_weights *view, *part;
        ckpt_weights *dict = ckpt_weights_dict_new(scope);
        const ckpt_tensor *t = tensor(), *replacement = tensor();
        uint64_t other, seen = 0;
        char prefix[32];

        for (uint32_t i = 0; i < LAYERS * EACH; i++)
                ck_assert(ckpt_weights_dict_add(dict,
                                                ckpt_arena_printf(&scope->arena,
                                                                  "model.layers.%u.part%u.weight", i % LAYERS,
                                                                  i / LAYERS),
                                                t, &other) == CKPT_OK);
        view = dict;
        for (uint32_t i = 0; i < LAYERS * EACH; i++)
                view = ckpt_weights_set(view, ckpt_weights_name(view, i), replacement);
        for (uint32_t i = 0; i < LAYERS; i++) {
                snprintf(prefix, sizeof(prefix), "%u", i);
                part = ckpt_weights_filter(ckpt_weights_filter(view, "model.layers"), prefix);
                seen += ckpt_weights_count(part);
                ck_assert(has_below(view, "model.layers") && has_below(part, "part3"));
        }
        ck_assert_uint_eq(seen, LAYERS * EACH);
        ck_assert_ptr_eq(ckpt_weights_get(dict, "model.layers.7.part0.weight"), t);
        ck_assert_ptr_eq(ckpt_weights_get(view, "model.layers.7.part0.weight"), replacement);
}
END_TEST

START_TEST(nearest_names)
{
        static const char *const names[] = {"model.layers.0.self_attn.q_proj.weight",
                                            "model.layers.0.self_attn.k_proj.bias",
                                            "model.layers.0.self_attn.k_proj.weights",
                                            "model.layers.1.self_attn.k_proj.weight",
                                            "lm_head.weight",
                                            "language_model.model.norm.weight"};
        const ckpt_weights *dict = dict_of(names, 6);
        const char *found[8];

        ck_assert_uint_eq(ckpt_weights_nearest(dict, "model.layers.0.self_attn.k_proj.weight", found, 3), 3);
        ck_assert_str_eq(found[0], names[0]); /* the same last component, one letter */
        ck_assert_str_eq(found[1], names[3]);
        ck_assert_str_eq(found[2], names[2]);
        ck_assert_uint_eq(ckpt_weights_nearest(dict, "model.norm.weight", found, 1),
                          0); /* fifteen letters are too many */
        ck_assert_uint_eq(ckpt_weights_nearest(dict, "lm_head.weigth", found, 1), 1);
        ck_assert_str_eq(found[0], "lm_head.weight");
        ck_assert_uint_eq(ckpt_weights_nearest(dict, "nothing like it", found, 8), 0);
        ck_assert_uint_eq(ckpt_weights_nearest(ckpt_weights_filter(dict, "model.layers"),
                                               "0.self_attn.v_proj.weight", found, 1),
                          1);
        ck_assert_str_eq(found[0], "0.self_attn.q_proj.weight");
}
END_TEST

START_TEST(nearest_of_many_names)
{
        ckpt_weights *dict = ckpt_weights_dict_new(scope);
        const ckpt_tensor *t = tensor();
        const char *found[4];
        uint64_t other;

        for (uint32_t i = 0; i < 20000; i++)
                ckpt_weights_dict_add(dict, ckpt_arena_printf(&scope->arena, "model.layers.%u.weight", i), t,
                                      &other);
        for (uint32_t i = 0; i < 200; i++) {
                ck_assert_uint_eq(ckpt_weights_nearest(dict, "model.layers.1234.weigh", found, 1), 1);
                ck_assert_str_eq(found[0], "model.layers.1234.weight");
        }
        ck_assert_uint_eq(ckpt_weights_nearest(dict, "zzz", found, 4), 0);
        ck_assert_uint_eq(ckpt_weights_nearest(dict, "aaa", found, 4), 0);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
        Suite *suite = suite_create("weights");
        TCase *tests = tcase_create("weights");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_set_timeout(tests, 30);
        tcase_add_test(tests, store_keeps_its_order_and_releases_backwards);
        tcase_add_loop_test(tests, memory_that_is_refused_is_released, 0, COUNT(bad_memories));
        tcase_add_test(tests, a_name_is_there_once);
        tcase_add_test(tests, builder_makes_a_store_that_outlives_the_session);
        tcase_add_loop_test(tests, builder_refuses_bad_leaves, 0, 9);
        tcase_add_test(tests, builder_refuses_bad_entries);
        tcase_add_test(tests, dictionary_of_a_store_has_source_nodes);
        tcase_add_test(tests, dictionary_of_a_store_stays_when_the_store_grows);
        tcase_add_test(tests, dictionary_names_the_other_of_two);
        tcase_add_test(tests, a_prefix_ends_at_a_dot);
        tcase_add_test(tests, a_dictionary_may_grow_after_it_was_filtered);
        tcase_add_loop_test(tests, edits_are_versions, 0, 20);
        tcase_add_test(tests, what_is_replaced_keeps_its_place);
        tcase_add_loop_test(tests, names_come_in_any_order, 0, 3);
        tcase_add_test(tests, a_hundred_thousand_tensors);
        tcase_add_test(tests, nearest_names);
        tcase_add_test(tests, nearest_of_many_names);
        suite_add_tcase(suite, tests);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? 1 : 0;
}
