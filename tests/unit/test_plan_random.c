/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Planner and executor against a plain evaluation, on random expressions
 *
 * A random expression over leaves in a file, in memory, and behind a reader is planned with tiny tiles, run
 * on the CPU backend, and compared element by element with an evaluation that knows nothing of boxes, tiles
 * or reads: one that asks, for every element of the result, which element of which leaf it is. Leaves hold
 * 16-bit numbers; elementwise operations are exact on them (casts to a wider type and back, additions of
 * small whole numbers).
 */

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/execute/execute.h"
#include "core/op/op.h"
#include "core/weights/weights.h"

#define FILE_BYTES (1u << 18)
#define CASES      1200

static uint64_t state;

static uint64_t random_u64(void)
{
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
}

static int64_t random_to(int64_t limit)
{
        return limit <= 0 ? 0 : (int64_t)(random_u64() % (uint64_t)limit);
}

/* ---- the plain evaluation: whole numbers in arrays ---- */

static void evaluate(const ckpt_tensor *tensor, int64_t *values);

static int64_t *evaluate_new(const ckpt_tensor *tensor)
{
        int64_t *values = malloc(((size_t)ckpt_tensor_count(tensor) + 1) * sizeof(*values));

        ck_assert_ptr_nonnull(values);
        evaluate(tensor, values);
        return values;
}

static void coordinates(const ckpt_tensor *tensor, int64_t flat, int64_t *at)
{
        for (uint32_t i = tensor->rank; i-- > 0;) {
                at[i] = flat % tensor->shape[i];
                flat /= tensor->shape[i];
        }
}

static int64_t flat_index(const ckpt_tensor *tensor, const int64_t *at)
{
        int64_t flat = 0;

        for (uint32_t i = 0; i < tensor->rank; i++)
                flat = flat * tensor->shape[i] + at[i];
        return flat;
}

static int64_t pick_join(const ckpt_tensor *tensor, int64_t *const *inputs, const int64_t *at)
{
        const int32_t axis = tensor->as.join.axis;
        int64_t there[CKPT_RANK_MAX];
        uint32_t which = 0;

        memcpy(there, at, sizeof(there));
        if (tensor->op == &ckpt_op_stack) {
                which = (uint32_t)at[axis];
                for (uint32_t i = (uint32_t)axis; i + 1 < tensor->rank; i++)
                        there[i] = at[i + 1];
        } else {
                while (there[axis] >= tensor->inputs[which]->shape[axis])
                        there[axis] -= tensor->inputs[which++]->shape[axis];
        }
        return inputs[which][flat_index(tensor->inputs[which], there)];
}

static int64_t pick(const ckpt_tensor *tensor, int64_t *const *inputs, const int64_t *at, int64_t flat)
{
        const ckpt_tensor *in = tensor->inputs[0];
        int64_t there[CKPT_RANK_MAX];

        if (tensor->op == &ckpt_op_concat || tensor->op == &ckpt_op_stack)
                return pick_join(tensor, inputs, at);
        if (tensor->op == &ckpt_op_reshape || tensor->op == &ckpt_op_source || tensor->op == &ckpt_op_cast)
                return inputs[0][flat];
        if (tensor->op == &ckpt_op_add_scalar)
                return inputs[0][flat] + (int64_t)tensor->as.scalar.value;
        memcpy(there, at, sizeof(there));
        if (tensor->op == &ckpt_op_slice)
                there[tensor->as.slice.axis] += tensor->as.slice.start;
        if (tensor->op == &ckpt_op_permute)
                for (uint32_t i = 0; i < tensor->rank; i++)
                        there[tensor->as.permute.axes[i]] = at[i];
        if (tensor->op == &ckpt_op_repeat_blocks) {
                const int32_t axis = tensor->as.repeat.axis;
                const int64_t rows = in->shape[axis] / tensor->as.repeat.blocks;

                there[axis] = at[axis] / (rows * tensor->as.repeat.reps) * rows + at[axis] % rows;
        }
        if (tensor->op == &ckpt_op_gather)
                there[tensor->as.gather.axis] = tensor->as.gather.index[at[tensor->as.gather.axis]];
        if (tensor->op == &ckpt_op_pad && at[tensor->as.join.axis] >= in->shape[tensor->as.join.axis])
                return 0;
        return inputs[0][flat_index(in, there)];
}

/* What every leaf's element is: a function of the address of its first byte, so that no array is needed. */
static const uint8_t *leaf_bytes;
static const uint8_t *reader_bytes;

static int64_t leaf_value(const ckpt_tensor *leaf, const int64_t *at)
{
        const ckpt_place *place = &leaf->as.leaf.place;
        const uint8_t *base = place->kind == CKPT_PLACE_OBJECT   ? leaf_bytes
                              : place->kind == CKPT_PLACE_READER ? reader_bytes
                                                                 : place->memory;
        int64_t offset = 0;

        for (uint32_t i = 0; i < leaf->rank; i++)
                offset += at[i] * leaf->as.leaf.strides[i];
        base += place->offset + (uint64_t)offset * 2;
        return place->big_endian ? base[0] << 8 | base[1] : base[1] << 8 | base[0];
}

static void evaluate(const ckpt_tensor *tensor, int64_t *values)
{
        const int64_t count = ckpt_tensor_count(tensor);
        int64_t *inputs[16] = {NULL}, at[CKPT_RANK_MAX] = {0};

        for (uint32_t i = 0; i < tensor->n_inputs; i++)
                inputs[i] = evaluate_new(tensor->inputs[i]);
        for (int64_t flat = 0; flat < count; flat++) {
                coordinates(tensor, flat, at);
                values[flat] =
                        tensor->op == &ckpt_op_leaf ? leaf_value(tensor, at) : pick(tensor, inputs, at, flat);
        }
        for (uint32_t i = 0; i < tensor->n_inputs; i++)
                free(inputs[i]);
}

/* ---- random expressions ---- */

struct world {
        ckpt_session session;
        ckpt_logger logger;
        ckpt_source *source;
        ckpt_frame *reader;
        const uint8_t *memory;
};

static const ckpt_tensor *random_leaf(struct world *world)
{
        int64_t shape[4], strides[4], extent = 1;
        const uint32_t rank = (uint32_t)random_to(4) + (random_to(20) > 0);
        ckpt_place place = {.kind = CKPT_PLACE_OBJECT, .source = world->source, .device = -1};
        const bool strided = random_to(3) == 0;

        for (uint32_t i = 0; i < rank; i++)
                shape[i] = 1 + random_to(random_to(4) ? 6 : 40);
        if (random_to(6) == 0 && rank > 0)
                shape[rank - 1] = 1 + random_to(3000);
        for (uint32_t i = rank; i-- > 0;) {
                strides[i] = strided && random_to(5) == 0 ? 0 : extent;
                extent *= shape[i] + (strided ? random_to(2) : 0);
        }
        /* Transposed in memory, sometimes. */
        if (strided && rank >= 2 && random_to(2)) {
                const int64_t stride = strides[0], width = shape[0];

                strides[0] = strides[rank - 1];
                strides[rank - 1] = stride;
                shape[0] = shape[rank - 1];
                shape[rank - 1] = width;
        }
        if (extent * 2 > FILE_BYTES)
                return random_leaf(world);
        place.offset = (uint64_t)random_to((int64_t)FILE_BYTES - extent * 2 + 1);
        place.big_endian = random_to(5) == 0;
        if (random_to(4) == 0) {
                place.kind = CKPT_PLACE_MEMORY;
                place.memory = world->memory + place.offset;
                place.offset = 0;
                place.big_endian = false;
        } else if (random_to(4) == 0) {
                place.kind = CKPT_PLACE_READER;
                place.offset = 0;
                place.reader = world->reader;
                place.size = FILE_BYTES;
                place.access = (int32_t)random_to(3);
        }
        return ckpt_tensor_leaf(&world->session.scope, "leaf", &place, CKPT_DTYPE_U16, rank, shape,
                                strided ? strides : NULL);
}

static const ckpt_tensor *random_tensor(struct world *world, uint32_t depth);

static const ckpt_tensor *random_slice(const ckpt_tensor *t)
{
        const int32_t axis = (int32_t)random_to(t->rank);
        const int64_t start = random_to(t->shape[axis]);

        return ckpt_tensor_slice(t, axis, start, start + 1 + random_to(t->shape[axis] - start));
}

static const ckpt_tensor *random_permute(const ckpt_tensor *t)
{
        int32_t axes[CKPT_RANK_MAX];

        for (uint32_t i = 0; i < t->rank; i++)
                axes[i] = (int32_t)i;
        for (uint32_t i = t->rank; i > 1; i--) {
                const uint32_t j = (uint32_t)random_to(i);
                const int32_t axis = axes[i - 1];

                axes[i - 1] = axes[j];
                axes[j] = axis;
        }
        return ckpt_tensor_permute(t, axes, t->rank);
}

static const ckpt_tensor *random_join(struct world *world, const ckpt_tensor *t)
{
        const ckpt_tensor *parts[3] = {t, t, t};
        const uint32_t count = 1 + (uint32_t)random_to(3);
        const int32_t axis = (int32_t)random_to(t->rank);

        (void)world;
        if (random_to(2) && t->rank < 6)
                return ckpt_tensor_stack(parts, count, (int32_t)random_to(t->rank + 1));
        parts[1] = ckpt_tensor_slice(t, axis, 0, 1 + random_to(t->shape[axis]));
        return ckpt_tensor_concat(parts, count, axis);
}

/* Splits an axis by a divisor, or merges two. */
static const ckpt_tensor *random_reshape(const ckpt_tensor *t)
{
        const uint32_t axis = (uint32_t)random_to(t->rank);
        int64_t shape[CKPT_RANK_MAX];
        uint32_t n = 0;
        int64_t divisor = 1 + random_to(t->shape[axis]);

        while (t->shape[axis] % divisor != 0)
                divisor--;
        for (uint32_t i = 0; i < t->rank; i++) {
                if (i == axis && random_to(3) > 0 && t->rank < 6) {
                        shape[n++] = divisor;
                        shape[n++] = t->shape[i] / divisor;
                } else if (i == axis && i + 1 < t->rank) {
                        shape[n++] = t->shape[i] * t->shape[i + 1];
                        i++;
                } else {
                        shape[n++] = t->shape[i];
                }
        }
        return ckpt_tensor_reshape(t, shape, n);
}

static const ckpt_tensor *random_repeat(const ckpt_tensor *t)
{
        const int32_t axis = (int32_t)random_to(t->rank);
        int64_t blocks = 1 + random_to(t->shape[axis]);

        while (t->shape[axis] % blocks != 0)
                blocks--;
        return ckpt_tensor_repeat_blocks(t, axis, blocks, 1 + random_to(3));
}

static const ckpt_tensor *random_gather(const ckpt_tensor *t)
{
        const int32_t axis = (int32_t)random_to(t->rank);
        const int64_t count = 1 + random_to(2 * t->shape[axis]);
        int64_t *index = malloc((size_t)count * sizeof(*index));
        const ckpt_tensor *gather;

        ck_assert_ptr_nonnull(index);
        for (int64_t i = 0; i < count; i++)
                index[i] = i > 0 && random_to(2) && index[i - 1] + 1 < t->shape[axis]
                                   ? index[i - 1] + 1
                                   : random_to(t->shape[axis]);
        gather = ckpt_tensor_gather(t, axis, index, count);
        free(index);
        return gather;
}

static const ckpt_tensor *random_tensor(struct world *world, uint32_t depth)
{
        const ckpt_tensor *t = depth == 0 ? random_leaf(world) : random_tensor(world, depth - 1);

        if (depth == 0 || t->rank == 0 || ckpt_tensor_count(t) > 60000)
                return t;
        switch (random_to(9)) {
        case 0:
                return random_slice(t);
        case 1:
                return random_permute(t);
        case 2:
                return random_join(world, t);
        case 3:
                return random_reshape(t);
        case 4:
                return random_repeat(t);
        case 5:
                return random_gather(t);
        case 6:
                return ckpt_tensor_pad(t, 0, t->shape[0] + random_to(4));
        case 7:
                return t->dtype == CKPT_DTYPE_U16
                               ? ckpt_tensor_cast(t, random_to(2) ? CKPT_DTYPE_I32 : CKPT_DTYPE_U64)
                               : t;
        default:
                return random_permute(t);
        }
}

/* ---- a world to read from ---- */

static ckpt_status reader_read(ckpt_frame *self, uint64_t cookie, uint64_t offset, void *buffer,
                               uint64_t size)
{
        (void)self, (void)cookie;
        ck_assert_uint_le(offset + size, FILE_BYTES);
        memcpy(buffer, reader_bytes + offset, size);
        return CKPT_OK;
}

static const ckpt_weight_loader reader_table = {.struct_size = sizeof(reader_table), .read = reader_read};
static const ckpt_component reader_component = {
        .struct_size = sizeof(reader_component),
        .kind = CKPT_KIND_WEIGHT_LOADER,
        .format = "TEST",
        .as = {.weight_loader = &reader_table},
};

static uint8_t *random_bytes(void)
{
        uint8_t *bytes = malloc(FILE_BYTES);

        ck_assert_ptr_nonnull(bytes);
        for (uint32_t i = 0; i < FILE_BYTES; i++)
                bytes[i] = (uint8_t)random_u64();
        return bytes;
}

static void write_file(char *path, const uint8_t *bytes)
{
        const int fd = mkstemp(path);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, bytes, FILE_BYTES), FILE_BYTES);
        close(fd);
}

static int64_t result_value(const uint8_t *bytes, ckpt_dtype dtype, int64_t index)
{
        uint64_t value = 0;

        memcpy(&value, bytes + (uint64_t)index * ckpt_dtype_bits(dtype) / 8, ckpt_dtype_bits(dtype) / 8);
        return (int64_t)value;
}

static void compare(const ckpt_tensor *tensor, const uint8_t *bytes, uint64_t seed)
{
        int64_t *expected = evaluate_new(tensor);
        const int64_t count = ckpt_tensor_count(tensor);

        for (int64_t i = 0; i < count; i++) {
                if (result_value(bytes, tensor->dtype, i) != expected[i]) {
                        ckpt_text text = CKPT_TEXT_INIT;

                        ckpt_tensor_print(tensor, &text);
                        ck_abort_msg("seed %llu: element %lld is %lld, not %lld: %s",
                                     (unsigned long long)seed, (long long)i,
                                     (long long)result_value(bytes, tensor->dtype, i), (long long)expected[i],
                                     ckpt_text_get(&text));
                }
        }
        free(expected);
}

/* There is one file. */
static bool is_same(const ckpt_place *a, const ckpt_place *b)
{
        return a == b || (a->kind == CKPT_PLACE_OBJECT && b->kind == CKPT_PLACE_OBJECT);
}

/* Marks the bytes that reads want of a place, and counts them. */
static uint64_t mark_wanted(const ckpt_plan *plan, const ckpt_place *place, uint8_t *wanted)
{
        uint64_t count = 0;

        memset(wanted, 0, FILE_BYTES);
        for (uint64_t i = 0; i < plan->reads.count; i++) {
                const ckpt_read *read = &plan->reads.items[i];

                for (uint64_t row = 0; is_same(read->place, place) && row < read->rows; row++)
                        memset(wanted + read->offset + row * read->src_pitch, 1, read->row_bytes);
        }
        for (uint32_t i = 0; i < FILE_BYTES; i++)
                count += wanted[i];
        return count;
}

/* Ascending, apart, and together every byte of a place that some read wants and no other. */
static void check_extents(const ckpt_plan *plan, const ckpt_place *place, uint64_t seed)
{
        static uint8_t wanted[FILE_BYTES];
        const ckpt_target *target = &plan->targets.items[0];
        uint64_t left = mark_wanted(plan, place, wanted), end = 0;
        bool first = true;

        for (uint64_t i = 0; i < target->n_ranges; i++) {
                const ckpt_extent *extent;
                uint64_t row, offset;

                ckpt_plan_find_range(plan, target, i, &extent, &row);
                offset = extent->offset + row * extent->pitch;
                if (!is_same(extent->place, place))
                        continue;
                ck_assert_msg((first || offset > end) && !memchr(wanted + offset, 0, extent->size),
                              "seed %llu: range %llu is not apart, or not wanted", (unsigned long long)seed,
                              (unsigned long long)i);
                end = offset + extent->size;
                left -= extent->size;
                first = false;
        }
        ck_assert_msg(left == 0, "seed %llu: not all is in a range", (unsigned long long)seed);
}

/* One parameter through planner and executor. */
static void run_one(struct world *world, const ckpt_tensor *tensor, uint64_t seed)
{
        ckpt_model_param param = {.public = {.name = "p",
                                             .dtype = tensor->dtype,
                                             .rank = tensor->rank,
                                             .shape = tensor->shape,
                                             .size = ckpt_tensor_size(tensor)}};
        ckpt_model_param *params[1] = {&param};
        ckpt_model model = {.params = {.items = params, .count = 1, .capacity = 1}};
        const ckpt_binding binding = {.value = tensor};
        /* Both ways: straight to the target, and through slots as for a device. */
        const bool host_memory = random_to(2) == 0;
        const ckpt_plan_options options = {.tile_bytes = 512u << random_to(8),
                                           .scatter = host_memory,
                                           .memory_device = random_to(3) ? -1 : 0};
        uint8_t *bytes = malloc(param.public.size + 64);
        void *data[1] = {bytes};
        ckpt_device *device = NULL;
        ckpt_plan *plan = NULL;
        ckpt_execute_counters counters = {0};
        ckpt_io_state io;

        ck_assert_int_eq(ckpt_plan_new(&world->session, &model, &binding, &options, &plan), CKPT_OK);
        /* Not for all: the sum over all reads takes longer than everything else. */
        for (uint64_t i = 0; seed % 3 == 0 && i < plan->reads.count; i++)
                if (i == 0 || !is_same(plan->reads.items[i].place, plan->reads.items[i - 1].place))
                        check_extents(plan, plan->reads.items[i].place, seed);
        memset(bytes, 0xA5, param.public.size + 64);
        ck_assert_int_eq(ckpt_backend_cpu.open(0, &device), 0);
        {
                ckpt_ring *ring = ckpt_ring_new(&ckpt_backend_cpu, device, host_memory, 0);
                const ckpt_execute_options execute = {
                        .backend = &ckpt_backend_cpu,
                        .device = device,
                        .host_memory = host_memory,
                        .data = data,
                        .ring = ring,
                        .readers = 1 + (uint32_t)random_to(3),
                        .slots = 1 + (uint32_t)random_to(3),
                };

                ckpt_io_init(&io, &world->session, (ckpt_io)random_to(CKPT_IO_DIRECT + 1), plan);
                ck_assert_int_eq(ckpt_execute(plan, &execute, &io, &counters), CKPT_OK);
                ckpt_ring_free(ring);
        }
        compare(tensor, bytes, seed);
        for (uint32_t i = 0; i < 64; i++)
                ck_assert_uint_eq(bytes[param.public.size + i], 0xA5);
        ckpt_backend_cpu.close(device);
        ckpt_plan_free(plan);
        free(bytes);
}

START_TEST(test_random_expressions)
{
        char path[] = "/tmp/ckpt-plan-XXXXXX";
        const ckpt_registered registered = {.component = &reader_component, .plugin = "test", .id = "test"};
        struct world world;
        ckpt_chain *chain = NULL;
        uint8_t *in_file, *in_memory, *in_reader;

        state = 88172645463325252ull;
        in_file = random_bytes();
        in_memory = random_bytes();
        in_reader = random_bytes();
        leaf_bytes = in_file;
        reader_bytes = in_reader;
        write_file(path, in_file);
        ckpt_logger_init(&world.logger);
        for (uint64_t seed = 1; seed <= CASES; seed++) {
                const ckpt_tensor *tensor;

                ck_assert_int_eq(ckpt_session_init(&world.session, &ckpt_api_table, &world.logger, NULL),
                                 CKPT_OK);
                ck_assert_int_eq(ckpt_source_open(&world.session.diagnostics, path, &world.source), CKPT_OK);
                ck_assert_int_eq(ckpt_chain_new(&world.session, CKPT_KIND_WEIGHT_LOADER, &registered, 1, NULL,
                                                NULL, NULL, &chain),
                                 CKPT_OK);
                world.reader = ckpt_chain_top(chain);
                world.memory = in_memory;
                state = seed * 0x9E3779B97F4A7C15ull;
                tensor = random_tensor(&world, (uint32_t)random_to(6));
                ck_assert_msg(!ckpt_tensor_is_error(tensor), "seed %llu: %s", (unsigned long long)seed,
                              world.session.diagnostics.list.count
                                      ? world.session.diagnostics.list.items[0].text
                                      : "?");
                run_one(&world, tensor, seed);
                ckpt_chain_free(chain);
                ckpt_source_unref(world.source);
                ckpt_session_deinit(&world.session);
        }
        ckpt_logger_deinit(&world.logger);
        unlink(path);
        free(in_file);
        free(in_memory);
        free(in_reader);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("plan-random");
        TCase *tcase = tcase_create("random");
        SRunner *runner = srunner_create(suite);
        int failed;

        tcase_set_timeout(tcase, 100);
        tcase_add_test(tcase, test_random_expressions);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
