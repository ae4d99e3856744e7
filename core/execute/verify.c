/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether the files are still what they were
 *
 * What was read is only worth something if they are what they were when their headers were read. Each is
 * asked once; weights have one source, so that a change of source while walking is rare.
 */

#include "core/execute/execution.h"

struct asking {
        ckpt_session *session;
        ckpt_source *source;
        bool *asked; /* per object */
};

static ckpt_status verify_place(struct asking *asking, const ckpt_place *place)
{
        if (place->kind != CKPT_PLACE_OBJECT)
                return CKPT_OK;
        if (place->source != asking->source) {
                free(asking->asked);
                asking->source = place->source;
                asking->asked = calloc(ckpt_source_api_count(place->source) + 1, sizeof(*asking->asked));
                if (!asking->asked)
                        return CKPT_E_NOMEM;
        }
        if (asking->asked[place->object])
                return CKPT_OK;
        asking->asked[place->object] = true;
        return ckpt_source_verify(&asking->session->diagnostics, place->source, place->object);
}

ckpt_status ckpt_execute_verify(const ckpt_plan *plan)
{
        struct asking asking = {.session = plan->session};
        ckpt_status r = CKPT_OK;

        for (uint64_t i = 0; i < plan->runs.count && r == CKPT_OK; i++)
                r = verify_place(&asking, plan->runs.items[i].place);
        for (uint64_t i = 0; i < plan->targets.count && r == CKPT_OK; i++)
                if (plan->targets.items[i].mapped)
                        r = verify_place(&asking, plan->targets.items[i].mapped);
        free(asking.asked);
        return r;
}
