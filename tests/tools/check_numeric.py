#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Compares the kernels' arithmetic with PyTorch: every value of the 8- and 16-bit types,
# millions of floats and doubles (random bit patterns, and the neighbourhood of every
# boundary), every cast pair, the scalar operations, exp. Run by hand, from anywhere:
#
#     python3 tests/tools/check_numeric.py [MILLIONS]
#
# Needs torch and numpy, and a C compiler; builds the CPU kernels in a temporary folder.

import ctypes
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
TYPES = {
    "F8_E5M2": (7, torch.float8_e5m2, 1), "F8_E4M3": (8, torch.float8_e4m3fn, 1),
    "F8_E8M0": (9, torch.float8_e8m0fnu, 1), "F8_E4M3FNUZ": (10, torch.float8_e4m3fnuz, 1),
    "F8_E5M2FNUZ": (11, torch.float8_e5m2fnuz, 1), "F16": (14, torch.float16, 2),
    "BF16": (15, torch.bfloat16, 2), "F32": (18, torch.float32, 4), "F64": (20, torch.float64, 8),
}
INTEGERS = {
    "U8": (5, torch.uint8, 1), "I8": (6, torch.int8, 1), "I16": (12, torch.int16, 2), "U16": (13, torch.uint16, 2),
    "I32": (16, torch.int32, 4), "U32": (17, torch.uint32, 4), "I64": (21, torch.int64, 8), "U64": (22, torch.uint64, 8),
}
NAN = {"F8_E5M2": 0x7F, "F8_E4M3": 0x7F, "F8_E8M0": 0xFF, "F8_E4M3FNUZ": 0x80, "F8_E5M2FNUZ": 0x80,
       "F16": 0x7E00, "BF16": 0x7FC0, "F32": 0x7FC00000, "F64": 0x7FF8000000000000}
CAST, ADD, MUL, NEG_EXP = 1, 2, 3, 4


class Op(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int32), ("dtype", ctypes.c_int32), ("value", ctypes.c_double)]


class Elementwise(ctypes.Structure):
    _fields_ = [("dst", ctypes.c_void_p), ("src", ctypes.c_void_p), ("dst_dtype", ctypes.c_int32),
                ("src_dtype", ctypes.c_int32), ("n_ops", ctypes.c_uint32), ("rank", ctypes.c_uint32),
                ("ops", Op * 6), ("shape", ctypes.c_int64 * 8), ("dst_stride", ctypes.c_int64 * 8),
                ("src_stride", ctypes.c_int64 * 8)]


def build(folder):
    library = os.path.join(folder, "kernels.so")
    sources = [str(p) for d in ("kernels", "kernels/cpu") for p in sorted((ROOT / d).glob("*.c"))]
    subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-O3", "-ffp-contract=off", "-fno-trapping-math", "-fPIC", "-shared",
                    "-I", str(ROOT / "sdk"), "-I", str(ROOT / "kernels"), *sources, "-o", library], check=True)
    return ctypes.CDLL(library)


def run(lib, bits, src, dst, ops):
    """ops: (kind, type name, value); bits and the result: unsigned integers of the type's width."""
    out = np.zeros(bits.size, dtype=f"u{dst[2]}")
    e = Elementwise(out.ctypes.data, bits.ctypes.data, dst[0], src[0], len(ops), 1)
    for i, (kind, dtype, value) in enumerate(ops):
        e.ops[i] = Op(kind, dtype, value)
    e.shape[0], e.dst_stride[0], e.src_stride[0] = bits.size, 1, 1
    assert lib.ckpt_cpu_elementwise(None, ctypes.byref(e), 1) == 0
    return out


def to_torch(bits, kind):
    return torch.from_numpy(bits.view(f"i{kind[2]}").copy()).view(kind[1])


def to_bits(tensor, kind):
    raw = tensor.contiguous().view({1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[kind[2]])
    return raw.numpy().view(f"u{kind[2]}").copy()


def canonical(bits, tensor, name):
    return np.where(torch.isnan(tensor.float() if name != "F64" else tensor).numpy(), np.array(NAN[name], bits.dtype), bits)


def patterns(kind, millions, rng):
    if kind[2] <= 2:
        return np.arange(1 << (8 * kind[2]), dtype=f"u{kind[2]}")
    random = rng.integers(0, 1 << (8 * kind[2]), int(millions * 1e6), dtype=f"u{kind[2]}")
    # Around every power of two and every half unit of a narrower format.
    values = [(np.float64(2.0) ** p) * (1 + m / 2048) for p in range(-160, 130) for m in range(0, 2048, 8)]
    near = np.array(values + [-v for v in values]).astype(f"f{kind[2]}")
    near = near.view(f"u{kind[2]}")
    finite_exponents = rng.uniform(-160, 130, int(millions * 1e6))
    spread = np.exp2(finite_exponents) * rng.choice([-1.0, 1.0], finite_exponents.size)
    spread = spread.astype(near.view(f"f{kind[2]}").dtype).view(f"u{kind[2]}")
    return np.concatenate([random, near, near + 1, near - 1, spread])


def differ(what, got, want, failures):
    bad = np.nonzero(got != want)[0]
    if bad.size:
        failures.append(what)
        print(f"{what}: {bad.size} of {got.size} differ; first at {bad[0]}: "
              f"got {int(got[bad[0]]):#x}, want {int(want[bad[0]]):#x}")


def check_casts(lib, inputs, failures):
    for (s, src), (d, dst) in itertools.product(TYPES.items(), TYPES.items()):
        bits = inputs[s]
        got = run(lib, bits, src, dst, [(CAST, dst[0], 0.0)])
        want = to_torch(bits, src).to(dst[1])
        want = bits if s == d else canonical(to_bits(want, dst), want, d)
        differ(f"cast {s} -> {d}", got, want, failures)


def check_integers(lib, rng, failures):
    for (s, src), (d, dst) in itertools.product(INTEGERS.items(), INTEGERS.items()):
        if dst[2] <= src[2] or (s[0] == "I" and d[0] == "U"):
            continue
        bits = rng.integers(0, 256, 100000 * src[2], dtype="u1").view(f"u{src[2]}")
        got = run(lib, bits, src, dst, [(CAST, dst[0], 0.0)])
        signed = bits.view(f"i{src[2]}") if s[0] == "I" else bits
        want = signed.astype(f"i{dst[2]}" if d[0] == "I" else f"u{dst[2]}").view(f"u{dst[2]}")
        differ(f"cast {s} -> {d}", got, want, failures)


def check_scalars(lib, inputs, failures):
    for name, kind in TYPES.items():
        if kind[2] < 2:
            continue
        x = to_torch(inputs[name], kind)
        for value in (1.0, 0.1, -3.3, 1e-3, 65504.0, 2.0 ** -14, 1.0000001, 0.0):
            # PyTorch's addition on the CPU rounds the scalar to a narrow type first; that on CUDA does not, nor do we.
            total = (x.float() + value).to(kind[1]) if kind[2] == 2 else x + value
            for op, result in ((ADD, total), (MUL, x * value)):
                got = run(lib, inputs[name], kind, kind, [(op, kind[0], value)])
                differ(f"{name} op {op} by {value}", got, canonical(to_bits(result, kind), result, name), failures)


def ordered(bits):
    signed = bits.astype(object) if bits.dtype == np.uint64 else bits.astype(np.int64)
    top = 1 << (8 * bits.dtype.itemsize - 1)
    return np.where(signed >= top, top - signed, signed)


def check_exp(lib, inputs, rng, failures):
    for name in ("F16", "BF16", "F32", "F64"):
        kind = TYPES[name]
        bits = inputs[name]
        if kind[2] >= 4:
            limit = 110 if kind[2] == 4 else 750
            bits = np.concatenate([bits[:1000], rng.uniform(-limit, limit, 400000).astype(f"f{kind[2]}").view(f"u{kind[2]}"),
                                   rng.uniform(-2, 2, 400000).astype(f"f{kind[2]}").view(f"u{kind[2]}")])
        got = run(lib, bits, kind, kind, [(NEG_EXP, kind[0], 0.0)])
        x = to_torch(bits, kind)
        want = -torch.exp(x)
        far = np.abs(ordered(got) - ordered(canonical(to_bits(want, kind), want, name)))
        exact = torch.exp(x.double()).neg().to(kind[1]) if kind[2] < 8 else want
        print(f"neg_exp {name}: at most {int(far.max())} units from torch.exp, {int((far > 0).sum())} of {far.size} differ; "
              f"{int((got != canonical(to_bits(exact, kind), exact, name)).sum())} differ from the double result rounded")
        if far.max() > 1:
            failures.append(f"neg_exp {name}")


def main():
    np.seterr(over="ignore")
    millions = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    rng = np.random.default_rng(7)
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        lib = build(folder)
        inputs = {name: patterns(kind, millions, rng) for name, kind in TYPES.items()}
        check_casts(lib, inputs, failures)
        check_integers(lib, rng, failures)
        check_scalars(lib, inputs, failures)
        check_exp(lib, inputs, rng, failures)
    print(f"torch {torch.__version__}: {len(failures)} comparisons differ")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
