#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Seeds for the fuzzers of torch files: tests/fuzz/corpus/torch and tests/fuzz/corpus/pickle.

Usage: make_torch_seeds.py [CORPUS]

The files are PyTorch's own, of every container, protocol, view and kind that it writes. The pickles are
theirs, and some that no pickler makes, put together here; nothing is unpickled. Nothing of libckpt is used.
Legacy files differ from run to run: the keys of their storages are addresses.
A seed of `pickle` has a byte in front that chooses the policy: 0 strict, 1 opaque.
"""

import argparse
import collections
import io
import pathlib
import warnings
import zipfile

import torch

HERE = pathlib.Path(__file__).resolve().parent
warnings.filterwarnings("ignore")


def storage(key, count, kind=b"Float", module=b"torch"):
    """The opcodes of one mention of a storage."""
    return (b"(\x8c\7storagec" + module + b"\n" + kind + b"Storage\n\x8c" + bytes([len(key)]) + key
            + b"\x8c\3cpuK" + bytes([count]) + b"tQ")


def tensor(where, offset=b"K\0", shape=b"(K\6t", strides=b"(K\1t", tail=b""):
    """The opcodes of a call of _rebuild_tensor_v2."""
    return (b"ctorch._utils\n_rebuild_tensor_v2\n(" + where + offset + shape + strides
            + b"\x89ccollections\nOrderedDict\n)R" + tail + b"tR")


def state(*entries):
    return b"\x80\4}(" + b"".join(entries) + b"u."


def entry(name, value):
    return b"\x8c" + bytes([len(name)]) + name + value


def objects():
    """What is saved, by name."""
    base = torch.arange(12, dtype=torch.float32)
    half = torch.arange(6, dtype=torch.float16)
    ordered = collections.OrderedDict([("w", base.view(3, 4)), ("b", half), ("tied", base)])
    ordered._metadata = collections.OrderedDict([("", {"version": 1})])
    return {
        "ordered": ordered,
        "views": {"t": base.view(3, 4).t(), "s": base[2:11:3], "e": half[:1].expand(4), "z": base[:0],
                  "0": base[5]},
        "nested": {"epoch": 3, "model": {"w": half}, "optimizer": {"lr": 0.1, "state": {0: half}}},
        "parameter": {"w": torch.nn.Parameter(base)},
        "dtypes": {str(d)[6:]: torch.zeros(2, dtype=d)
                   for d in (torch.bool, torch.uint8, torch.int64, torch.bfloat16, torch.float64,
                             torch.complex64, torch.uint16, torch.uint64, torch.float8_e4m3fn,
                             torch.float8_e5m2)},
        "others": {"w": half, "s": "text", "f": 1.5, "n": None, "l": [1, -2, 300, 70000, 2**40, True],
                   "c": collections.Counter("aab"), "y": b"bytes", "size": torch.Size([2, 3])},
        "empty": {},
        "list": [base],
        "sparse": {"w": torch.eye(2).to_sparse()},
        "quantised": {"w": torch.quantize_per_tensor(base, 0.1, 0, torch.quint8)},
        "conj": {"w": torch.zeros(2, dtype=torch.complex64).conj()},
        "meta": {"w": torch.empty(2, device="meta")},
    }


def saved(value, **options):
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def data_pkl(archive):
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return files.read(next(name for name in files.namelist() if name.endswith("/data.pkl")))


def torch_seeds():
    values = objects()
    seeds = {name: saved(value) for name, value in values.items()}
    for name in ("ordered", "views", "nested"):
        seeds[name + "-4"] = saved(values[name], pickle_protocol=4)
        seeds[name + "-legacy"] = saved(values[name], _use_new_zipfile_serialization=False)
    seeds["views-legacy-4"] = saved(values["views"], _use_new_zipfile_serialization=False, pickle_protocol=4)
    return seeds


def pickle_seeds():
    w = tensor(storage(b"0", 6))
    seeds = {name: b"\0" + data_pkl(saved(value)) for name, value in objects().items()}
    seeds["views-4"] = b"\0" + data_pkl(saved(objects()["views"], pickle_protocol=4))
    seeds["others-5"] = b"\0" + data_pkl(saved(objects()["others"], pickle_protocol=5))
    hand = {
        "system": state(entry(b"w", w), entry(b"x", b"cos\nsystem\n\x8c\2id\x85R")),
        "stack-global": state(entry(b"w", w), entry(b"x", b"\x8c\2os\x8c\6system\x93\x8c\2id\x85R}b")),
        "new": state(entry(b"w", w), entry(b"x", b"ca\nb\n)\x81\x8c\1kK\1s")),
        "new-ex": state(entry(b"w", w), entry(b"x", b"ca\nb\n)}\x92(K\1K\2e")),
        "memo": b"\x80\2}q\0(\x8c\1w" + w + b"r\1\1\0\0\x8c\1vj\1\1\0\0\x8c\1dh\0up5\n0g5\n.",
        "text": b"}(\x8c\1wctorch._utils\n_rebuild_tensor\n(" + storage(b"0", 6)
                + b"I1\n(L2L\nI2\ntp1\n(I2\nL1L\nttR"
                b"\x8c\1aI01\n\x8c\1bI-3\nu.",
        "memoize": b"\x80\4\x95\xff\0\0\0\0\0\0\0}\x94(\x8c\1w\x94" + w + b"\x94\x8c\1vh\2u.",
        "bomb": b"\x80\2}\x8c\1x" + b"K\1" + b"2\x86" * 40 + b"s.",
        "circle": b"\x80\2}q\0\x8c\5modelh\0s\x8c\1l]q\1h\1as.",
        "from-type": state(entry(b"w", b"ctorch._tensor\n_rebuild_from_type_v2\n("
                                       b"ctorch._utils\n_rebuild_tensor_v2\nctorch\nTensor\n("
                                 + storage(b"0", 6) + b"K\0(K\2t(K\1t\x89ccollections\nOrderedDict\n)Rt}tR")),
        "v3": state(entry(b"w", b"ctorch._utils\n_rebuild_tensor_v3\n("
                          + storage(b"0", 24, b"Untyped", b"torch.storage")
                          + b"K\0(K\2t(K\1t\x89ccollections\nOrderedDict\n)Rctorch\nuint16\ntR")),
        "far": state(entry(b"w", tensor(storage(b"0", 6), b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"))),
        "strides": state(entry(b"w", tensor(storage(b"0", 6), shape=b"(K\2K\2t",
                                            strides=b"(\x8a\x08\0\0\0\0\0\0\0\x40J\xff\xff\xff\xfft"))),
        "expanded": state(entry(b"w", tensor(storage(b"0", 6), shape=b"(\x8a\x08\0\0\0\0\0\0\0\x10t",
                                             strides=b"(K\0t"))),
        "metadata": state(entry(b"w", tensor(storage(b"0", 6), tail=b"}\x8c\3neg\x88s"))),
        "two": state(entry(b"model", b"}" + entry(b"w", w) + b"s"),
                     entry(b"ema", b"}" + entry(b"w", w) + b"s")),
        "bytes": b"\x80\5}(\x8c\1a\x96\1\0\0\0\0\0\0\0x\x8c\1bB\1\0\0\0x\x8c\1cC\1x"
                 b"\x8c\1d\x8e\1\0\0\0\0\0\0\0x"
                 b"\x8c\1e\x8f(K\1\x90\x8c\1f(K\1\x91U\1gG\0\0\0\0\0\0\0\0T\1\0\0\0h\x8b\1\0\0\0\1u.",
    }
    seeds.update({name: b"\1" + pickle for name, pickle in hand.items()})
    return seeds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", nargs="?", type=pathlib.Path, default=HERE.parent / "fuzz" / "corpus")
    corpus = parser.parse_args().corpus
    for folder, seeds in (("torch", torch_seeds()), ("pickle", pickle_seeds())):
        (corpus / folder).mkdir(parents=True, exist_ok=True)
        for name, content in seeds.items():
            (corpus / folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
