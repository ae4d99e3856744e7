/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Torch files whose pickle is well formed and says what must not be: tensors that leave their storage,
 * storages that are not what is said of them, calls with the wrong arguments, kinds that are not read.
 */
#include "test_hf_torch_refusing.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define F6                         "<Float:0:6>"
#define W                          T_STATE("'w' " T_VECTOR(F6, "6"))
#define AT(offset, shape, strides) T_STATE("'w' " T_TENSOR(F6, offset, shape, strides))
#define CALL(function, arguments)  T_STATE("'w' @torch._utils:" function " ( " arguments " t R")
#define V2(arguments)              CALL("_rebuild_tensor_v2", arguments)
#define V3(arguments)              CALL("_rebuild_tensor_v3", arguments)
#define PARAMETER(arguments)       CALL("_rebuild_parameter", arguments)
#define FROM_TYPE(arguments)       T_STATE("'w' @torch._tensor:_rebuild_from_type_v2 ( " arguments " t R")
#define END                        "NEWFALSE " T_OD
#define STORAGE(item, type, key, location, count) \
        T_STATE("'w' " T_TENSOR("( " item " " type " " key " " location " " count " t Q", "0", "6", "1"))
#define TYPE    "@torch:FloatStorage"
#define LONG_9  "LONG1 #09ffffffffffffffff00" /* 2^64 - 1 */
#define LONG_FF "LONG1 #ff" FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF
#define FF      "0101010101010101010101010101010101" /* 17 bytes */

static const struct refused refused[] = {
        /* outside the storage, by one element */
        {AT("0", "7", "1"), "0=6*4", HF_BAD_STRIDES, "leaves its storage"},
        {AT("1", "6", "1"), "0=6*4", HF_BAD_STRIDES, "leaves its storage"},
        {AT("6", "1", "1"), "0=6*4", HF_BAD_STRIDES, "leaves its storage"},
        {AT("6", "", ""), "0=6*4", HF_BAD_STRIDES, "leaves its storage"},
        {AT("0", "2 4", "3 1"), "0=6*4", HF_BAD_STRIDES, "leaves its storage"},
        {AT("0", "2 3", "4 1"), "0=6*4", HF_BAD_STRIDES, "leaves its storage"},
        {AT("2", "2 2", "3 2"), "0=6*4", HF_BAD_STRIDES, "leaves its storage"},
        {AT("0", "4", "2"), "0=6*4", HF_BAD_STRIDES, "leaves its storage"},
        {V3("<Untyped:0:7> 0 ( 4 t ( 1 t " END "@torch:uint16"), "0=7*1", HF_BAD_STRIDES,
         "leaves its storage"},
        {V3("<Untyped:0:8> 1 ( 4 t ( 1 t " END "@torch:uint16"), "0=8*1", HF_BAD_STRIDES,
         "leaves its storage"},
        {T_STATE("'w' " T_TENSOR("<Float:0:0>", "0", "1", "1")), "0=0*4", HF_BAD_STRIDES,
         "leaves its storage"},
        {T_STATE("'w' " T_TENSOR("<Float:0:0>", "0", "", "")), "0=0*4", HF_BAD_STRIDES, "leaves its storage"},
        /* numbers below zero */
        {AT("-1", "6", "1"), "0=6*4", HF_BAD_CALL, "negative"},
        {AT("0", "-6", "1"), "0=6*4", HF_BAD_CALL, "negative"},
        {AT("0", "-2 -3", "3 1"), "0=6*4", HF_BAD_CALL, "negative"},
        {AT("5", "6", "-1"), "0=6*4", HF_BAD_CALL, "negative"},
        {AT("0", "0 -1", "1 1"), "0=6*4", HF_BAD_CALL, "negative"},
        /* products and sums that wrap: at 2^64, 2^63, in elements and in bytes */
        {AT("0", "4294967296 4294967296", "1 1"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("0", "4294967296 4294967296", "0 0"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("0", "2147483648 4294967296", "0 0"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("0", "4194305 4194305 211106198978564", "0 0 0"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("0", "2 2", "9223372036854775807 9223372036854775807"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("0", "3", "9223372036854775807"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("0", "5", "4611686018427387904"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("0", "2", "4611686018427387904"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("9223372036854775807", "2", "1"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("4611686018427387904", "1", "1"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("9223372036854775807", "2", "9223372036854775807"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT("0", "9223372036854775807 9223372036854775807 0", "1 1 1"), "0=6*4", HF_BAD_STRIDES, "overflow"},
        {AT(LONG_9, "1", "1"), "0=6*4", HF_BAD_CALL, "64 bits"},
        {AT("0", LONG_9, "1"), "0=6*4", HF_BAD_CALL, "64 bits"},
        {AT("0", "2", LONG_9), "0=6*4", HF_BAD_CALL, "64 bits"},
        {AT("0", LONG_FF, "1"), "0=6*4", HF_BAD_CALL, "64 bits"},
        /* storages that are not what is said */
        {W, "0=5*4", HF_BAD_STORAGE, "0"},
        {W, "0=7*4", HF_BAD_STORAGE, "0"},
        {W, "0=23*1", HF_BAD_STORAGE, "0"},
        {W, "0=0*4", HF_BAD_STORAGE, "0"},
        {T_STATE("'w' " T_TENSOR("<Float:0:6>", "0", "0", "1")), "0=1*4", HF_BAD_STORAGE, "0"},
        {T_STATE("'w' " T_TENSOR("<Float:0:4611686018427387910>", "0", "6", "1")), "0=6*4", HF_BAD_STORAGE,
         "count"},
        {T_STATE("'w' " T_TENSOR("<Float:0:-6>", "0", "6", "1")), "0=6*4", HF_BAD_STORAGE, "count"},
        {T_STATE("'a' " T_VECTOR(F6, "6") "'b' " T_VECTOR("<Int:0:6>", "6")), "0=6*4", HF_BAD_STORAGE, "0"},
        {T_STATE("'a' " T_VECTOR(F6, "6") "'b' " T_VECTOR("<Float:0:5>", "5")), "0=6*4", HF_BAD_STORAGE, "0"},
        {T_STATE("'a' " T_VECTOR(F6, "6") "'b' " T_VECTOR("<Half:0:12>", "5")), "0=6*4", HF_BAD_STORAGE, "0"},
        {T_STATE("'a' " T_VECTOR("<Byte:../version:2>", "2")), "0=6*4", HF_BAD_STORAGE, "../version"},
        {T_STATE("'a' " T_VECTOR("<Byte:0/:2>", "2")), "0=2*1", HF_BAD_STORAGE, "0/"},
        {T_STATE("'a' " T_VECTOR("<Byte:00:2>", "2")), "0=2*1", HF_BAD_STORAGE, "00"},
        /* names */
        {T_STATE("'w' " T_VECTOR(F6, "6") "'w' " T_VECTOR(F6, "5")), "0=6*4", HF_BAD_NAME_DUPLICATE, "w"},
        {"#8002 } 'w' " T_VECTOR(F6, "6") "s 'v' 1 s 'w' " T_VECTOR(F6, "6") "s .", "0=6*4",
         HF_BAD_NAME_DUPLICATE, "w"},
        {T_STATE("X #03000000610062 " T_VECTOR(F6, "6")), "0=6*4", HF_BAD_NAME_NUL, "NUL"},
        {T_STATE("'' " T_VECTOR(F6, "6")), "0=6*4", HF_BAD_NAME_LENGTH, "4096"},
        {T_STATE("0 " T_VECTOR(F6, "6")), "0=6*4", HF_BAD_STATE_DICT, "name"},
        {T_STATE("NONE " T_VECTOR(F6, "6")), "0=6*4", HF_BAD_STATE_DICT, "name"},
        {T_STATE("'v' TUPLE1 " T_VECTOR(F6, "6")), "0=6*4", HF_BAD_STATE_DICT, "name"},
        /* no state dictionary, or a choice */
        {"#8002 " T_VECTOR(F6, "6") ".", "0=6*4", HF_BAD_STATE_DICT, "tensor"},
        {"#8002 ] " T_VECTOR(F6, "6") "a .", "0=6*4", HF_BAD_STATE_DICT, "list"},
        {"#8002 " T_VECTOR(F6, "6") "TUPLE1 .", "0=6*4", HF_BAD_STATE_DICT, "tuple"},
        {"#8002 NONE .", NULL, HF_BAD_STATE_DICT, "None"},
        {"#8002 'x' .", NULL, HF_BAD_STATE_DICT, "dictionary"},
        {"#8002 " F6 " .", "0=6*4", HF_BAD_STATE_DICT, "storage"},
        {"#8002 @collections:OrderedDict .", NULL, HF_BAD_STATE_DICT, "dictionary"},
        {T_STATE("'model' } 'w' " T_VECTOR(F6, "6") "s 'ema' } 'w' " T_VECTOR(F6, "6") "s"), "0=6*4",
         HF_BAD_STATE_DICT, "ema"},
        {T_STATE("'state_dict' } 'w' " T_VECTOR(F6, "6") "s 'module' } 'v' " T_VECTOR(F6, "6") "s"), "0=6*4",
         HF_BAD_STATE_DICT, "state_dict"},
        {T_STATE("'w' " T_VECTOR(F6, "6") "'model' } 'w' " T_VECTOR(F6, "6") "s"), "0=6*4", HF_BAD_STATE_DICT,
         "top level"},
        {T_STATE("'generator' } 'w' " T_VECTOR(F6, "6") "s"), "0=6*4", HF_BAD_STATE_DICT, "generator"},
        /* kinds that are not read */
        {CALL("_rebuild_sparse_tensor", "@torch.serialization:_get_layout 'torch.sparse_coo' TUPLE1 R "
                                        "( " T_VECTOR(F6, "6") T_VECTOR(F6, "6") "( 6 t t"),
         "0=6*4", HF_BAD_KIND, "sparse"},
        {CALL("_rebuild_qtensor", "<QUInt8:0:6> 0 ( 6 t ( 1 t ( @torch:per_tensor_affine 1 0 t " END),
         "0=6*1", HF_BAD_KIND, "quanti"},
        {CALL("_rebuild_meta_tensor_no_storage", "@torch:float32 ( 6 t ( 1 t NEWFALSE"), NULL, HF_BAD_KIND,
         "meta"},
        {CALL("_rebuild_wrapper_subclass",
              "@torch:Tensor @torch:float32 ( 6 t ( 1 t 0 @torch:device 'cpu' TUPLE1 R NEWFALSE"),
         NULL, HF_BAD_KIND, "subclass"},
        {CALL("_rebuild_nested_tensor", T_VECTOR(F6, "6") "( 6 t ( 1 t ( 0 t"), "0=6*4", HF_BAD_KIND,
         "nested"},
        {V2(F6 " 0 ( 6 t ( 1 t " END "} 'conj' NEWTRUE s"), "0=6*4", HF_BAD_KIND, "conj"},
        {V2(F6 " 0 ( 6 t ( 1 t " END "} 'neg' NEWTRUE s"), "0=6*4", HF_BAD_KIND, "neg"},
        {V3("<Untyped:0:24> 0 ( 6 t ( 1 t " END "@torch:float32 } 'neg' NEWTRUE s"), "0=24*1", HF_BAD_KIND,
         "neg"},
        /* dtypes that are not read */
        {T_STATE("'w' " T_VECTOR("<ComplexDouble:0:1>", "1")), "0=1*16", HF_BAD_KIND, "ComplexDouble"},
        {V3("<Untyped:0:16> 0 ( 1 t ( 1 t " END "@torch:complex128"), "0=16*1", HF_BAD_KIND, "complex128"},
        {V3("<Untyped:0:8> 0 ( 1 t ( 1 t " END "@torch:complex32"), "0=8*1", HF_BAD_KIND, "complex32"},
        /* two of these elements share a byte: only whole rows of bytes can be read */
        {V3("<Untyped:0:8> 0 ( 2 2 t ( 1 2 t " END "@torch:float4_e2m1fn_x2"), "0=8*1", HF_BAD_KIND, "F4"},

        /* calls with too few, too many, or the wrong arguments */
        {V2(""), NULL, HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( 6 t"), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( 6 t ( 1 t"), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( 6 t ( 1 t " END "NONE NONE"), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2("NONE 0 ( 6 t ( 1 t " END), NULL, HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2("'0' 0 ( 6 t ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(T_VECTOR(F6, "6") " 0 ( 6 t ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2("@torch:FloatStorage 0 ( 6 t ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " NONE ( 6 t ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " '0' ( 6 t ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " BINFLOAT #0000000000000000 ( 6 t ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 6 ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 NONE ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( '6' t ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( NONE t ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( ( 6 t t ( 1 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( 6 t 1 " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( 6 t ( '1' t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( 6 t ( BINFLOAT #3ff0000000000000 t " END), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( 2 3 t ( 1 t " END), "0=6*4", HF_BAD_CALL, "strides"},
        {V2(F6 " 0 ( 6 t ( 1 1 t " END), "0=6*4", HF_BAD_CALL, "strides"},
        {V2(F6 " 0 ( 6 t ) " END), "0=6*4", HF_BAD_CALL, "strides"},
        {V2("<Untyped:0:24> 0 ( 6 t ( 1 t " END), "0=24*1", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {V2(F6 " 0 ( 6 t ( 1 t " END "'conj'"), "0=6*4", HF_BAD_CALL, "_rebuild_tensor_v2"},
        {CALL("_rebuild_tensor", F6 " 0 ( 6 t"), "0=6*4", HF_BAD_CALL, "_rebuild_tensor"},
        {CALL("_rebuild_tensor", F6 " 0 ( 6 t ( 1 t NEWFALSE"), "0=6*4", HF_BAD_CALL, "_rebuild_tensor"},
        {V3(""), NULL, HF_BAD_CALL, "_rebuild_tensor_v3"},
        {V3("<Untyped:0:24> 0 ( 6 t ( 1 t " END), "0=24*1", HF_BAD_CALL, "_rebuild_tensor_v3"},
        {V3("<Untyped:0:24> 0 ( 6 t ( 1 t " END "NONE"), "0=24*1", HF_BAD_CALL, "_rebuild_tensor_v3"},
        {V3("<Untyped:0:24> 0 ( 6 t ( 1 t " END "'float32'"), "0=24*1", HF_BAD_CALL, "_rebuild_tensor_v3"},
        {V3("<Untyped:0:24> 0 ( 6 t ( 1 t " END "@torch:FloatStorage"), "0=24*1", HF_BAD_CALL,
         "_rebuild_tensor_v3"},
        {V3("<Untyped:0:24> 0 ( 6 t ( 1 t " END "@torch:float32 } NONE"), "0=24*1", HF_BAD_CALL,
         "_rebuild_tensor_v3"},
        {PARAMETER(""), NULL, HF_BAD_CALL, "_rebuild_parameter"},
        {PARAMETER(T_VECTOR(F6, "6")), "0=6*4", HF_BAD_CALL, "_rebuild_parameter"},
        {PARAMETER("NONE NEWTRUE " T_OD), NULL, HF_BAD_CALL, "_rebuild_parameter"},
        {PARAMETER(F6 " NEWTRUE " T_OD), "0=6*4", HF_BAD_CALL, "_rebuild_parameter"},
        {PARAMETER(T_VECTOR(F6, "6") "NEWTRUE " T_OD "NONE"), "0=6*4", HF_BAD_CALL, "_rebuild_parameter"},
        {CALL("_rebuild_parameter_with_state", T_VECTOR(F6, "6") "NEWTRUE"), "0=6*4", HF_BAD_CALL,
         "_rebuild_parameter_with_state"},
        {FROM_TYPE(""), NULL, HF_BAD_CALL, "_rebuild_from_type_v2"},
        {FROM_TYPE("NONE @torch:Tensor ) }"), NULL, HF_BAD_CALL, "_rebuild_from_type_v2"},
        {FROM_TYPE("@torch:Tensor @torch:Tensor ) }"), NULL, HF_BAD_CALL, "_rebuild_from_type_v2"},
        {FROM_TYPE("@torch._utils:_rebuild_tensor_v2 @torch:Tensor ) }"), NULL, HF_BAD_CALL,
         "_rebuild_tensor_v2"},
        {FROM_TYPE("@torch._utils:_rebuild_tensor_v2 @torch:Tensor NONE }"), NULL, HF_BAD_CALL,
         "_rebuild_from_type_v2"},
        {FROM_TYPE("@torch._utils:_rebuild_tensor_v2 @torch:Tensor " F6 " }"), "0=6*4", HF_BAD_CALL,
         "_rebuild_from_type_v2"},
        {FROM_TYPE("@torch._tensor:_rebuild_from_type_v2 @torch:Tensor ( NONE NONE NONE NONE t }"), NULL,
         HF_BAD_CALL, "_rebuild_from_type_v2"},
        {T_STATE("'w' @torch._utils:_rebuild_tensor_v2 NONE R"), NULL, HF_BAD_CALL, "tuple"},
        {T_STATE("'w' @torch._utils:_rebuild_tensor_v2 ] R"), NULL, HF_BAD_CALL, "tuple"},
        {T_STATE("'w' @torch._utils:_rebuild_tensor_v2 ) NEWOBJ"), NULL, HF_BAD_CALL, "_rebuild_tensor_v2"},
        {T_STATE("'w' @torch:FloatStorage ( 6 t R"), NULL, HF_BAD_CALL, "FloatStorage"},
        {T_STATE("'w' @torch:float32 ) R"), NULL, HF_BAD_CALL, "float32"},

        /* a storage that is mentioned wrongly, field by field */
        {T_STATE("'w' " T_TENSOR("NONE Q", "0", "6", "1")), "0=6*4", HF_BAD_STORAGE, "described"},
        {T_STATE("'w' " T_TENSOR("'storage' Q", "0", "6", "1")), "0=6*4", HF_BAD_STORAGE, "described"},
        {T_STATE("'w' " T_TENSOR(") Q", "0", "6", "1")), "0=6*4", HF_BAD_STORAGE, "storage"},
        {STORAGE("'module'", TYPE, "'0'", "'cpu'", "6 NONE"), "0=6*4", HF_BAD_STORAGE, "storage"},
        {STORAGE("NONE", TYPE, "'0'", "'cpu'", "6 NONE"), "0=6*4", HF_BAD_STORAGE, "storage"},
        {STORAGE("'storage'", "'FloatStorage'", "'0'", "'cpu'", "6 NONE"), "0=6*4", HF_BAD_STORAGE, "class"},
        {STORAGE("'storage'", "@torch:float32", "'0'", "'cpu'", "6 NONE"), "0=6*4", HF_BAD_STORAGE, "class"},
        {STORAGE("'storage'", "@collections:OrderedDict", "'0'", "'cpu'", "6 NONE"), "0=6*4", HF_BAD_STORAGE,
         "class"},
        {STORAGE("'storage'", TYPE, "0", "'cpu'", "6 NONE"), "0=6*4", HF_BAD_STORAGE, "key"},
        {STORAGE("'storage'", TYPE, "NONE", "'cpu'", "6 NONE"), "0=6*4", HF_BAD_STORAGE, "key"},
        {STORAGE("'storage'", TYPE, "X #020000003000", "'cpu'", "6 NONE"), "0=6*4", HF_BAD_STORAGE, "key"},
        {STORAGE("'storage'", TYPE, "'0'", "'cpu'", "NONE NONE"), "0=6*4", HF_BAD_STORAGE, "count"},
        {STORAGE("'storage'", TYPE, "'0'", "'cpu'", "'6' NONE"), "0=6*4", HF_BAD_STORAGE, "count"},
        {STORAGE("'storage'", TYPE, "'0'", "'cpu'", LONG_9 " NONE"), "0=6*4", HF_BAD_STORAGE, "count"},
        {STORAGE("'storage'", TYPE, "'0'", "'cpu'", "6 NONE NONE"), "0=6*4", HF_BAD_STORAGE, "storage"},
        {T_STATE("'w' " T_TENSOR("( 'storage' @torch:FloatStorage '0' 'cpu' t Q", "0", "6", "1")), "0=6*4",
         HF_BAD_STORAGE, "storage"},
};

START_TEST(test_refused)
{
        refuse_row(&refused[_i]);
}
END_TEST

/* Five items are a storage in an archive and not in a legacy file, and six the other way round. */
START_TEST(test_items)
{
        struct torch_parts parts = {.pickle = STORAGE("'storage'", TYPE, "'0'", "'cpu'", "6"),
                                    .storages = "0=6*4"};

        accept_zip(&parts, NULL, "w F32 [6] 0+0:24");
        refuse_legacy(&parts, NULL, HF_BAD_STORAGE, "storage");
        parts.pickle = STORAGE("'storage'", TYPE, "'0'", "'cpu'", "6 NONE");
        refuse_zip(&parts, NULL, HF_BAD_STORAGE, "storage");
}
END_TEST

static const char *const views[] = {
        "( 'v' 0 7 t",
        "( 'v' 6 1 t",
        "( 'v' 1 6 t",
        "( 'v' -1 6 t",
        "( 'v' 0 -1 t",
        "( 'v' 0 t",
        "( 'v' 0 6 0 t",
        "( 0 0 6 t",
        "( 'v' '0' 6 t",
        "( 'v' 0 NONE t",
        "'v'",
        "1",
        "] ",
        "( 'v' 9223372036854775807 9223372036854775807 t",
        ")",
        "( 'v' 0 5 t",
};

/* A view that leaves its storage, or is none; the last is one that the tensor leaves. */
START_TEST(test_views)
{
        const bool last = (size_t)_i + 1 == sizeof(views) / sizeof(*views);
        char pickle[600];
        const struct torch_parts parts = {.pickle = pickle, .storages = "0=6*4"};

        snprintf(pickle, sizeof(pickle),
                 "#8002 } 'w' " T_V2 "( ( 'storage' " TYPE " '0' 'cpu' 6 %s t Q 0 ( 6 t ( 1 t " END "t R s .",
                 views[_i]);
        refuse_legacy(&parts, NULL, last ? HF_BAD_STRIDES : HF_BAD_STORAGE,
                      last ? "leaves its storage" : "part of another");
}
END_TEST

/* More bytes than can be counted in bits, or at all, out of 24 that are there. */
static const char *const expanded[] = {
        AT("0", "1152921504606846976", "0"),
        AT("0", "2305843009213693952", "0"),
        AT("0", "4611686018427387903", "0"),
        AT("0", "576460752303423488 2", "0 0"),
        AT("0", "0 4611686018427387904 4611686018427387904", "0 0 0"),
        V3("<Untyped:0:24> 0 ( 288230376151711744 24 t ( 0 1 t " END "@torch:float4_e2m1fn_x2"),
        V3("<Untyped:0:24> 0 ( 0 9223372036854775807 t ( 0 1 t " END "@torch:float4_e2m1fn_x2"),
        V3("<Untyped:0:24> 0 ( 9223372036854775807 0 t ( 0 1 t " END "@torch:float4_e2m1fn_x2"),
        V3("<Untyped:0:24> 0 ( 1 2 t ( 9223372036854775807 1 t " END "@torch:float4_e2m1fn_x2"),
};

/* Refused, or counted rightly. */
START_TEST(test_expanded)
{
        const bool typed = strstr(expanded[_i], "_v2") != NULL;
        const struct torch_parts parts = {.pickle = expanded[_i], .storages = typed ? "0=6*4" : "0=24*1"};
        struct torch_file file;
        struct hf_torch torch;
        struct hf_error error;
        const char *broken;

        torch_write_zip(&parts, &file);
        if (torch_open_bytes(file.bytes.at, file.bytes.size, NULL, &torch, &error) == 0) {
                broken = torch_broken_promise(&torch, file.bytes.size);
                ck_assert_msg(!broken, "%s", broken);
                hf_torch_deinit(&torch);
        } else {
                ck_assert_int_eq(error.reason, HF_BAD_STRIDES);
        }
        torch_file_free(&file);
}
END_TEST

START_TEST(test_chosen)
{
        static const struct {
                const char *chosen, *word;
        } choices[] = {
                {"none", "none"},    {"model/none", "none"}, {"model/w", "w"},      {"model/", "model"},
                {"/model", "model"}, {"step", "step"},       {"model//w", "model"}, {"//", "/"},
        };
        const struct torch_parts parts = {.pickle = T_STATE("'model' } 'w' " T_VECTOR(F6, "6") "s 'step' 1"),
                                          .storages = "0=6*4"};

        for (size_t i = 0; i < sizeof(choices) / sizeof(*choices); i++) {
                const struct hf_torch_options options = {.state_dict = choices[i].chosen};

                refuse_zip(&parts, &options, HF_BAD_STATE_DICT, choices[i].word);
                refuse_legacy(&parts, &options, HF_BAD_STATE_DICT, choices[i].word);
        }
}
END_TEST

/* A tensor of that many axes, each of one element. */
static void write_rank(struct bytes *pickle, unsigned rank)
{
        uint64_t ones[80];

        for (unsigned i = 0; i < rank; i++)
                ones[i] = 1;
        pickle_assemble(pickle, "#8002 } 'w'", false);
        pickle_tensor(pickle, "Float", "0", 6, 0, rank, ones, ones, false);
        pickle_assemble(pickle, "s .", false);
}

START_TEST(test_limits)
{
        const struct torch_parts good = {.pickle = W, .storages = "0=6*4"};
        struct bytes pickle = {0};
        struct torch_parts parts = good;
        char name[HF_NAME_MAX + 1];

        parts.raw = &pickle;
        write_rank(&pickle, HF_RANK_MAX + 1);
        refuse_zip(&parts, NULL, HF_BAD_RANK, "64");
        pickle.size = 0;

        memset(name, 'n', sizeof(name));
        pickle_assemble(&pickle, "#8002 }", false);
        pickle_text(&pickle, name, sizeof(name));
        pickle_assemble(&pickle, T_VECTOR(F6, "6") "s .", false);
        refuse_zip(&parts, NULL, HF_BAD_NAME_LENGTH, "4096");
        bytes_free(&pickle);
}
END_TEST

int main(void)
{
        Suite *suite = suite_create("hf-torch-refused");
        TCase *tests = tcase_create("refused");

        tcase_add_loop_test(tests, test_refused, 0, sizeof(refused) / sizeof(*refused));
        tcase_add_loop_test(tests, test_views, 0, sizeof(views) / sizeof(*views));
        tcase_add_loop_test(tests, test_expanded, 0, sizeof(expanded) / sizeof(*expanded));
        tcase_add_test(tests, test_items);
        tcase_add_test(tests, test_chosen);
        tcase_add_test(tests, test_limits);
        suite_add_tcase(suite, tests);
        return run_suite(suite);
}
