/* SPDX-License-Identifier: Apache-2.0 */
/* Pickles that say one thing as often as fits, or one that is as long: what they make must be bounded. */
#include "test_hf_torch_bombs.h"

#include <check.h>
#include <stdlib.h>

#include "support/resources.h"

enum {
        FULL = HF_TORCH_PICKLE_MAX - 4096, /* a pickle that is hardly short enough */
        SMALL = FULL / 8,                  /* enough for every limit */
        TINY = SMALL / 8,                  /* enough for the other container around the same machine */
        ANY = BOMB_ANY
};

#define F6     "<Float:0:6>"
#define VECTOR T_VECTOR(F6, "6")

static void fill(struct bytes *pickle, const struct bytes *unit, size_t full)
{
        while (pickle->size + unit->size <= full)
                bytes_add(pickle, unit->at, unit->size);
}

/* Words once, then others as often as fit into so many bytes, then others. */
static void repeat(struct bytes *pickle, const char *before, const char *words, const char *after,
                   size_t full)
{
        struct bytes unit = {0}, many = {0};

        pickle_assemble(pickle, before, false);
        pickle_assemble(&unit, words, false);
        fill(&many, &unit, 1 << 16);
        fill(pickle, &many, full);
        fill(pickle, &unit, full);
        pickle_assemble(pickle, after, false);
        bytes_free(&unit);
        bytes_free(&many);
}

static const struct flood {
        const char *before, *again, *after;
        int reason; /* ANY, or the reason */
        bool full;  /* as long as is read: the slowest of their kind */
} floods[] = {
        /* values that stay */
        {"#8002", "NONE", "}", HF_BAD_LIMIT, true},
        {"#8002", "]", ".", HF_BAD_LIMIT},
        {"#8002", "}", ".", HF_BAD_LIMIT},
        {"#8002 1", "DUP", ".", HF_BAD_LIMIT},
        {"#8002", "(", ".", HF_BAD_LIMIT},
        {"#8002", "( NONE", ".", HF_BAD_LIMIT},
        /* values that go */
        {"#8002 1", "DUP POP", "POP } .", ANY, true},
        {"#8002", "( POP_MARK", "} .", ANY, true},
        {"#8002", "( NONE NONE NONE t POP", "} .", ANY},
        {"#8002", "NONE POP", "} .", ANY, true},
        {"#8002", ") POP", "} .", ANY},
        {"#8002", "1 POP", "} .", ANY},
        {"#8002", "] POP", "} .", ANY},
        {"#8002", "} POP", "} .", ANY},
        {"#8004", "EMPTY_SET POP", "} .", ANY},
        {"#8002", "SHORT_BINSTRING #00 POP", "} .", ANY},
        {"#8002", "LONG1 #00 POP", "} .", ANY},
        {"#8002", "@torch:float32 POP", "} .", ANY, true},
        {"#8002", "@a:b POP", "} .", ANY, true},
        {"#8002 @collections:OrderedDict q0 POP", "h0 ) R POP", "} .", ANY},
        {"#8002 @collections:Counter q0 POP", "h0 ) NEWOBJ POP", "} .", ANY},
        {"#8002 @os:system q0 POP", "h0 ) R POP", "} .", ANY},
        {"#8002 @torch:Size q0 POP ( 1 2 3 4 5 6 7 8 t TUPLE1 q1 POP", "h0 h1 R POP", "} .", ANY},
        {"#8002 ( 'storage' @torch:FloatStorage '0' 'cpu' 6 t q0 POP", "h0 Q POP", "} .", ANY},
        {"#8002 @torch._utils:_rebuild_tensor_v2 q0 POP ( " F6 " 0 ( 6 t ( 1 t NEWFALSE " T_OD "t q1 POP",
         "h0 h1 R POP", "} .", ANY, true},
        {"#8002 } q0 POP", "h0", "} .", HF_BAD_LIMIT},
        {"#8002 } q0", "LONG_BINPUT #ff000000", ".", ANY},
        {"#8004 }", "MEMOIZE", ".", ANY},
        {"#8004 NONE", "MEMOIZE", ".", ANY},
        {"#8002 }", "LONG_BINPUT #ffff3f00", ".", ANY},
        {"#8002 }", "\"p4194303\\n\"", ".", ANY},
        {"#8004 }", "FRAME #0000000000000000", ".", ANY},
        {"#8002", "#8002", "} .", ANY},
        /* containers that grow */
        {"#8002 } 'l' ]", "NONE a", "s .", ANY},
        {"#8002 } 'l' ]", "( NONE NONE NONE NONE e", "s .", ANY},
        {"#8002 } 'l' ]", "( e", "s .", ANY, true},
        {"#8002 }", "NONE NONE s", ".", ANY},
        {"#8002 }", "1 2 s", ".", ANY},
        {"#8002 }", "'k' 2 s", ".", ANY},
        {"#8002 } q0 " VECTOR "q1 POP SHORT_BINSTRING #016b q2 POP", "h2 h1 s", ".", ANY},
        {"#8004 } 's' EMPTY_SET", "( NONE ADDITEMS", "s .", ANY},
        {"#8002 } q0", "} b", ".", ANY},
        {"#8002 " T_OD "q1 } q0 POP", "h0 b", ".", ANY},
        {"#8002 " T_OD "q1", "h1 b", ".", ANY},
        /* containers in containers */
        {"#8002 } 't' )", "TUPLE1", "s .", ANY},
        {"#8002 } 'model' }", "TUPLE1", "s .", ANY},
        {"#8002 ] q0", "] q1 a h1", ".", ANY},
        {"#8002 } q9", "} q1 h1 NONE h1 s POP", ".", ANY},
        {"#8002 } 't' NONE", "TUPLE1 ] POP", "s .", ANY},
        {"#8002 } 'd' NONE q0 POP", "} 'model' h0 s q0 POP", "h0 s .", ANY},
        {"#8002 } 'd' NONE q0 POP", "} 'model' h0 s 'ema' h0 s q0 POP", "h0 s .", ANY},
        /* twice the one before, and twice that: as a tree it would have no end */
        {"#8002 } 't' NONE", "DUP TUPLE2", "s .", ANY, true},
        {"#8002 } 't' NONE q0", "POP h0 h0 TUPLE2 q0", "s .", ANY},
        {"#8002 } 't' ] q0", "POP ] h0 a h0 a q0", "s .", ANY},
        {"#8002 } 'x' @os:system NONE TUPLE1 R", "DUP TUPLE2", "s .", ANY},
        /* calls around calls */
        {"#8002 @torch._tensor:_rebuild_from_type_v2 q1 POP @torch:Tensor q2 POP } q3 POP ) q9 POP",
         "( h1 h2 h9 h3 t q9 POP", "} 'w' h1 h9 R s .", ANY},
        {"#8002 } 'w' " VECTOR "q9 POP @torch._utils:_rebuild_parameter q1 POP " T_OD "q2 POP",
         "h1 h9 NEWTRUE h2 TUPLE3 R q9 POP", "h9 s .", ANY},
};

static void try_flood(const struct flood *flood, bool legacy, size_t full, int reason)
{
        struct bytes pickle = {0};
        const struct torch_parts parts = {.raw = &pickle, .storages = "0=6*4"};
        struct torch_file file;

        repeat(&pickle, flood->before, flood->again, flood->after, full);
        (legacy ? torch_write_legacy : torch_write_zip)(&parts, &file);
        bytes_free(&pickle);
        defuse(&file.bytes, HF_TORCH_OPAQUE, reason);
        torch_file_free(&file);
}

START_TEST(test_flood)
{
        const struct flood *flood = &floods[_i];

        try_flood(flood, false, resources_sanitized() || !flood->full ? SMALL : FULL, flood->reason);
        try_flood(flood, true, TINY, ANY);
}
END_TEST

/* One number, text or key that is as long as the pickle. */
static const struct {
        const char *before;
        int byte;
        const char *after;
} long_ones[] = {
        {"} 'x' \"I\"", '9', "\"\\n\" s ."},
        {"} 'x' \"L\"", '9', "\"L\\n\" s ."},
        {"} 'x' \"L-\"", '0', "\"L\\n\" s ."},
        {"} \"p\"", '0', "\"1\\n\" ."},
        {"} \"g\"", '1', "\"\\n\" ."},
        {"} 'x' \"c\"", 'm', "\"\\nn\\n\" s ."},
        {"} 'x' \"cm\\n\"", 'n', "\"\\n\" s ."},
        {"} 'x' LONG4 #0000f005", 0xFF, "s ."},
        {"} X #0000f005", 'n', VECTOR "s ."},
        {"} 'x' X #0000f005", 0x80, "s ."},
        {"} 'x' SHORT_BINSTRING #00 B #0000f005", 0, "} s ."},
};

START_TEST(test_long)
{
        struct bytes pickle = {0};
        const struct torch_parts parts = {.raw = &pickle, .storages = "0=6*4"};
        struct torch_file file;

        pickle_assemble(&pickle, "#8002", false);
        pickle_assemble(&pickle, long_ones[_i].before, false);
        bytes_fill(&pickle, long_ones[_i].byte, 0x05F00000);
        pickle_assemble(&pickle, long_ones[_i].after, false);
        torch_write_zip(&parts, &file);
        bytes_free(&pickle);
        defuse(&file.bytes, HF_TORCH_OPAQUE, ANY);
        torch_file_free(&file);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch-bombs");
        TCase *tests = tcase_create("bombs");

        tcase_set_timeout(tests, 300);
        tcase_add_loop_test(tests, test_flood, 0, sizeof(floods) / sizeof(*floods));
        tcase_add_loop_test(tests, test_long, 0, sizeof(long_ones) / sizeof(*long_ones));
        suite_add_tcase(suite, tests);
        return run_suite(suite);
}
