/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list. Its source is torch/_weights_only_unpickler.py of torch 2.15; beside what stands there are two
 * functions whose tensors are refused by name (sparse CSR, nested), and Python 2's names of the same.
 */
#include "globals.h"

#include <stdlib.h>
#include <string.h>

/* Sorted by module, then by name, as bytes: it is searched by halves. */
static const struct hf_global globals[] = {
        {"__builtin__", "bytearray", HF_MEANS_INERT, HF_DTYPES, 0},
        {"__builtin__", "complex", HF_MEANS_INERT, HF_DTYPES, 0},
        {"__builtin__", "set", HF_MEANS_INERT, HF_DTYPES, 0},
        {"_codecs", "encode", HF_MEANS_INERT, HF_DTYPES, 0},
        {"builtins", "bytearray", HF_MEANS_INERT, HF_DTYPES, 0},
        {"builtins", "complex", HF_MEANS_INERT, HF_DTYPES, 0},
        {"builtins", "set", HF_MEANS_INERT, HF_DTYPES, 0},
        {"collections", "Counter", HF_MEANS_DICT, HF_DTYPES, 0},
        {"collections", "OrderedDict", HF_MEANS_DICT, HF_DTYPES, 0},
        {"torch", "BFloat16Storage", HF_MEANS_STORAGE, HF_BF16, 2},
        {"torch", "BFloat16Tensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "BoolStorage", HF_MEANS_STORAGE, HF_BOOL, 1},
        {"torch", "BoolTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "ByteStorage", HF_MEANS_STORAGE, HF_U8, 1},
        {"torch", "ByteTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "CharStorage", HF_MEANS_STORAGE, HF_I8, 1},
        {"torch", "CharTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "ComplexDoubleStorage", HF_MEANS_STORAGE, HF_DTYPES, 16},
        {"torch", "ComplexFloatStorage", HF_MEANS_STORAGE, HF_C64, 8},
        {"torch", "DoubleStorage", HF_MEANS_STORAGE, HF_F64, 8},
        {"torch", "DoubleTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "FloatStorage", HF_MEANS_STORAGE, HF_F32, 4},
        {"torch", "FloatTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "HalfStorage", HF_MEANS_STORAGE, HF_F16, 2},
        {"torch", "HalfTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "IntStorage", HF_MEANS_STORAGE, HF_I32, 4},
        {"torch", "IntTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "LongStorage", HF_MEANS_STORAGE, HF_I64, 8},
        {"torch", "LongTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "QInt32Storage", HF_MEANS_STORAGE, HF_DTYPES, 4},
        {"torch", "QInt8Storage", HF_MEANS_STORAGE, HF_DTYPES, 1},
        {"torch", "QUInt2x4Storage", HF_MEANS_STORAGE, HF_DTYPES, 1},
        {"torch", "QUInt4x2Storage", HF_MEANS_STORAGE, HF_DTYPES, 1},
        {"torch", "QUInt8Storage", HF_MEANS_STORAGE, HF_DTYPES, 1},
        {"torch", "ShortStorage", HF_MEANS_STORAGE, HF_I16, 2},
        {"torch", "ShortTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "Size", HF_MEANS_SIZE, HF_DTYPES, 0},
        {"torch", "Tensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch", "bcomplex32", HF_MEANS_DTYPE, HF_DTYPES, 4},
        {"torch", "bfloat16", HF_MEANS_DTYPE, HF_BF16, 2},
        {"torch", "bits16", HF_MEANS_DTYPE, HF_DTYPES, 2},
        {"torch", "bits1x8", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "bits2x4", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "bits4x2", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "bits8", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "bool", HF_MEANS_DTYPE, HF_BOOL, 1},
        {"torch", "complex128", HF_MEANS_DTYPE, HF_DTYPES, 16},
        {"torch", "complex32", HF_MEANS_DTYPE, HF_DTYPES, 4},
        {"torch", "complex64", HF_MEANS_DTYPE, HF_C64, 8},
        {"torch", "device", HF_MEANS_INERT, HF_DTYPES, 0},
        {"torch", "float16", HF_MEANS_DTYPE, HF_F16, 2},
        {"torch", "float32", HF_MEANS_DTYPE, HF_F32, 4},
        {"torch", "float4_e2m1fn_x2", HF_MEANS_DTYPE, HF_F4, 1},
        {"torch", "float64", HF_MEANS_DTYPE, HF_F64, 8},
        {"torch", "float8_e4m3fn", HF_MEANS_DTYPE, HF_F8_E4M3, 1},
        {"torch", "float8_e4m3fnuz", HF_MEANS_DTYPE, HF_F8_E4M3FNUZ, 1},
        {"torch", "float8_e5m2", HF_MEANS_DTYPE, HF_F8_E5M2, 1},
        {"torch", "float8_e5m2fnuz", HF_MEANS_DTYPE, HF_F8_E5M2FNUZ, 1},
        {"torch", "float8_e8m0fnu", HF_MEANS_DTYPE, HF_F8_E8M0, 1},
        {"torch", "int1", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "int16", HF_MEANS_DTYPE, HF_I16, 2},
        {"torch", "int2", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "int3", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "int32", HF_MEANS_DTYPE, HF_I32, 4},
        {"torch", "int4", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "int5", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "int6", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "int64", HF_MEANS_DTYPE, HF_I64, 8},
        {"torch", "int7", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "int8", HF_MEANS_DTYPE, HF_I8, 1},
        {"torch", "per_channel_affine", HF_MEANS_INERT, HF_DTYPES, 0},
        {"torch", "per_channel_affine_float_qparams", HF_MEANS_INERT, HF_DTYPES, 0},
        {"torch", "per_channel_symmetric", HF_MEANS_INERT, HF_DTYPES, 0},
        {"torch", "per_tensor_affine", HF_MEANS_INERT, HF_DTYPES, 0},
        {"torch", "per_tensor_symmetric", HF_MEANS_INERT, HF_DTYPES, 0},
        {"torch", "qint32", HF_MEANS_DTYPE, HF_DTYPES, 4},
        {"torch", "qint8", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "quint2x4", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "quint4x2", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "quint8", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "uint1", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "uint16", HF_MEANS_DTYPE, HF_U16, 2},
        {"torch", "uint2", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "uint3", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "uint32", HF_MEANS_DTYPE, HF_U32, 4},
        {"torch", "uint4", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "uint5", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "uint6", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "uint64", HF_MEANS_DTYPE, HF_U64, 8},
        {"torch", "uint7", HF_MEANS_DTYPE, HF_DTYPES, 1},
        {"torch", "uint8", HF_MEANS_DTYPE, HF_U8, 1},
        {"torch._tensor", "_rebuild_from_type_v2", HF_MEANS_REBUILD_FROM_TYPE, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_device_tensor_from_cpu_tensor", HF_MEANS_REBUILD_OTHER, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_device_tensor_from_numpy", HF_MEANS_REBUILD_OTHER, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_meta_tensor_no_storage", HF_MEANS_REBUILD_OTHER, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_nested_tensor", HF_MEANS_REBUILD_OTHER, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_parameter", HF_MEANS_REBUILD_PARAMETER, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_parameter_with_state", HF_MEANS_REBUILD_PARAMETER_STATE, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_qtensor", HF_MEANS_REBUILD_OTHER, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_sparse_csr_tensor", HF_MEANS_REBUILD_OTHER, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_sparse_tensor", HF_MEANS_REBUILD_OTHER, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_tensor", HF_MEANS_REBUILD, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_tensor_v2", HF_MEANS_REBUILD_V2, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_tensor_v3", HF_MEANS_REBUILD_V3, HF_DTYPES, 0},
        {"torch._utils", "_rebuild_wrapper_subclass", HF_MEANS_REBUILD_OTHER, HF_DTYPES, 0},
        {"torch.cuda", "BFloat16Storage", HF_MEANS_STORAGE, HF_BF16, 2},
        {"torch.cuda", "BFloat16Tensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda", "BoolStorage", HF_MEANS_STORAGE, HF_BOOL, 1},
        {"torch.cuda", "BoolTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda", "ByteStorage", HF_MEANS_STORAGE, HF_U8, 1},
        {"torch.cuda", "ByteTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda", "CharStorage", HF_MEANS_STORAGE, HF_I8, 1},
        {"torch.cuda", "CharTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda", "ComplexDoubleStorage", HF_MEANS_STORAGE, HF_DTYPES, 16},
        {"torch.cuda", "ComplexFloatStorage", HF_MEANS_STORAGE, HF_C64, 8},
        {"torch.cuda", "DoubleStorage", HF_MEANS_STORAGE, HF_F64, 8},
        {"torch.cuda", "DoubleTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda", "FloatStorage", HF_MEANS_STORAGE, HF_F32, 4},
        {"torch.cuda", "FloatTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda", "HalfStorage", HF_MEANS_STORAGE, HF_F16, 2},
        {"torch.cuda", "HalfTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda", "IntStorage", HF_MEANS_STORAGE, HF_I32, 4},
        {"torch.cuda", "IntTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda", "LongStorage", HF_MEANS_STORAGE, HF_I64, 8},
        {"torch.cuda", "LongTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda", "ShortStorage", HF_MEANS_STORAGE, HF_I16, 2},
        {"torch.cuda", "ShortTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda.sparse", "BFloat16Tensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda.sparse", "ByteTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda.sparse", "CharTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda.sparse", "DoubleTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda.sparse", "FloatTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda.sparse", "HalfTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda.sparse", "IntTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda.sparse", "LongTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.cuda.sparse", "ShortTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.nn.parameter", "Parameter", HF_MEANS_PARAMETER, HF_DTYPES, 0},
        {"torch.serialization", "_get_layout", HF_MEANS_INERT, HF_DTYPES, 0},
        {"torch.sparse", "BFloat16Tensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.sparse", "ByteTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.sparse", "CharTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.sparse", "DoubleTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.sparse", "FloatTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.sparse", "HalfTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.sparse", "IntTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.sparse", "LongTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.sparse", "ShortTensor", HF_MEANS_TENSOR_CLASS, HF_DTYPES, 0},
        {"torch.storage", "UntypedStorage", HF_MEANS_UNTYPED_STORAGE, HF_DTYPES, 0},
};

struct wanted {
        const char *text;
        size_t length;
};

/* By bytes, the shorter first where one begins with the other. */
static int compare_text(const struct wanted *wanted, const char *text)
{
        size_t length = strlen(text), common = wanted->length < length ? wanted->length : length;
        int order = memcmp(wanted->text, text, common);

        return order ? order : (wanted->length > length) - (wanted->length < length);
}

static int compare(const void *key, const void *element)
{
        const struct wanted *wanted = key;
        const struct hf_global *global = element;
        int order = compare_text(&wanted[0], global->module);

        return order ? order : compare_text(&wanted[1], global->name);
}

const struct hf_global *hf_global_find(const char *module, size_t module_length, const char *name,
                                       size_t name_length)
{
        const struct wanted wanted[2] = {{module, module_length}, {name, name_length}};

        return bsearch(wanted, globals, sizeof globals / sizeof *globals, sizeof *globals, compare);
}
