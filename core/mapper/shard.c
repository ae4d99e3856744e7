/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A rank's part of a whole tensor
 *
 * Without padding every rank gets the same number of units, or it is an error: a short last rank would be
 * found only when the engine multiplies. With padding every rank gets as many rows as the first, and what the
 * tensor does not have is zero; a rank may hold nothing but zeros.
 */

#include "core/base/cleanup.h"
#include "core/mapper/loop.h"

static const char *group_name(ckpt_group group)
{
        switch (group) {
        case CKPT_GROUP_TP:
                return "tp";
        case CKPT_GROUP_ATTENTION_TP:
                return "attention tp";
        case CKPT_GROUP_EP:
                return "ep";
        default:
                return "no ranks";
        }
}

void ckpt_shard_print(const ckpt_session *session, const ckpt_shard *shard, ckpt_text *text)
{
        const int32_t ranks = ckpt_mapping_group_size(&session->mapping, shard->group);

        if (ranks <= 1)
                ckpt_text_add(text, "replicated");
        else
                ckpt_text_add(text, "axis %d over %s, rank %d of %d%s", shard->axis, group_name(shard->group),
                              ckpt_mapping_group_rank(&session->mapping, shard->group), ranks,
                              shard->pad ? ", padded" : "");
}

static const ckpt_tensor *fail_division(ckpt_session *session, const ckpt_shard *shard,
                                        const ckpt_tensor *tensor, int64_t width, int32_t ranks,
                                        const char *what)
{
        const int64_t unit = shard->unit < 1 ? 1 : shard->unit;
        ckpt_where where = {.struct_size = sizeof(where), .parameter = what};
        _cleanup_(ckpt_text_deinit) ckpt_text type = CKPT_TEXT_INIT;

        if (tensor->op == &ckpt_op_source)
                where.tensor = tensor->as.source.name;
        ckpt_tensor_print_type(tensor, &type);
        if (width % unit != 0) {
                where.hint = "check the head size or block size of the configuration against the checkpoint";
                ckpt_session_fail(
                        session, CKPT_E_MISMATCH, &where,
                        "%s cannot be divided over %s: axis %d is %lld wide, no whole number of units of "
                        "%lld",
                        ckpt_text_get(&type), group_name(shard->group), shard->axis, (long long)width,
                        (long long)unit);
        } else {
                where.hint = "choose a parallel size that divides the number of units";
                ckpt_session_fail(
                        session, CKPT_E_INVALID, &where,
                        "%s cannot be divided over %s: axis %d is %lld wide, %lld units of %lld, and %d "
                        "ranks do not divide %lld",
                        ckpt_text_get(&type), group_name(shard->group), shard->axis, (long long)width,
                        (long long)(width / unit), (long long)unit, ranks, (long long)(width / unit));
        }
        return ckpt_tensor_error(&session->scope);
}

/* Rows start … start + per - 1, of which those past the end are zeros. */
static const ckpt_tensor *take(const ckpt_tensor *tensor, int32_t axis, int64_t width, int64_t per,
                               int32_t rank)
{
        int64_t start, stop;
        const ckpt_tensor *part;

        if (__builtin_mul_overflow(per, (int64_t)rank, &start) || start > width)
                start = width;
        stop = width - start < per ? width : start + per;
        part = ckpt_tensor_slice(tensor, axis, start, stop);
        return stop - start < per ? ckpt_tensor_pad(part, axis, per) : part;
}

const ckpt_tensor *ckpt_shard_apply(ckpt_session *session, const ckpt_shard *shard, const ckpt_tensor *tensor,
                                    const char *what)
{
        const int32_t ranks = ckpt_mapping_group_size(&session->mapping, shard->group);
        const int64_t unit = shard->unit < 1 ? 1 : shard->unit;
        int32_t axis = shard->axis;
        int64_t width, units, per;

        if (!tensor || ckpt_tensor_is_error(tensor) || ranks <= 1)
                return tensor;
        if (axis < 0)
                axis += (int32_t)tensor->rank;
        if (axis < 0 || axis >= (int32_t)tensor->rank || tensor->shape[axis] == 1)
                return tensor;
        width = tensor->shape[axis];
        units = width / unit + (width % unit != 0);
        if (!shard->pad && (width % unit != 0 || units % ranks != 0))
                return fail_division(session, shard, tensor, width, ranks, what);
        if (__builtin_mul_overflow(units / ranks + (units % ranks != 0), unit, &per))
                return fail_division(session, shard, tensor, width, ranks, what);
        return take(tensor, axis, width, per, ckpt_mapping_group_rank(&session->mapping, shard->group));
}
