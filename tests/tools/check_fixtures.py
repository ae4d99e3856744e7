#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Derive every line under tests/fixtures/*/expected/ a second way and compare.

No torch and no safetensors here: headers are read by hand, elements are bit patterns in numpy arrays, and
each final tensor is one gather of rows (or columns) by index formulas, so that a mistake in make_fixtures.py
is unlikely to be made twice. Needs numpy and xxhash:

    python3 tests/tools/check_fixtures.py [FIXTURES_DIR]
"""

import json
import pathlib
import re
import struct
import sys

import numpy
import xxhash

BITS = {"BF16": numpy.uint16, "F16": numpy.uint16, "F32": numpy.uint32}
CASE = re.compile(r"(tp|pp)(\d+)-rank(\d+)(-adp)?$")
CASE_NAMES = {"tp1-rank0", "tp2-rank0", "tp2-rank1", "tp4-rank0", "tp4-rank1", "tp4-rank2", "tp4-rank3",
              "pp2-rank0", "pp2-rank1", "tp2-rank0-adp", "tp2-rank1-adp"}
TWINS = [("gemma3-bf16", "gemma3-bf16-sharded"), ("gemma3-fp16", "gemma3-fp16-sharded"),
         ("gemma3-fp32", "gemma3-fp32-sharded"), ("gemma3-vlm-old", "gemma3-vlm-new"),
         ("gemma3-vlm-old", "gemma3-vlm-v5")]


def read_safetensors(path):
    """Name to (dtype, bit patterns)."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    tensors = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            bits = numpy.frombuffer(data[begin:end], BITS[entry["dtype"]]).reshape(entry["shape"])
            tensors[name] = (entry["dtype"], bits)
    return tensors


def plus_one(dtype, bits):
    """w + 1, rounded to nearest even."""
    if dtype == "F16":
        return (bits.view(numpy.float16) + numpy.float16(1)).view(numpy.uint16)
    if dtype == "F32":
        return (bits.view(numpy.float32) + numpy.float32(1)).view(numpy.uint32)
    wide = (bits.astype(numpy.uint32) << 16).view(numpy.float32).astype(numpy.float64) + 1.0
    single = wide.astype(numpy.float32)
    assert (single == wide).all(), "the sum must be exact before its only rounding"
    raw = single.view(numpy.uint32).astype(numpy.uint64)
    return ((raw + 0x7fff + ((raw >> 16) & 1)) >> 16).astype(numpy.uint16)


class Rank:
    """The rows of each source that one rank of one model needs."""

    def __init__(self, config, case):
        kind, count, rank, adp = CASE.match(case).groups()
        self.text = config.get("text_config", config)
        self.gemma = config["model_type"].startswith("gemma")
        self.tp, self.rank = (int(count), int(rank)) if kind == "tp" else (1, 0)
        self.pp, self.stage = (int(count), int(rank)) if kind == "pp" else (1, 0)
        self.attention = (1, 0) if adp else (self.tp, self.rank)

    def head_rows(self, total_rows, heads):
        """Global query head or (repeated) KV head g of max(heads, tp) is head g * heads / max(heads, tp)."""
        tp, rank = self.attention
        size, virtual = total_rows // heads, max(heads, tp)
        mine = range(rank * virtual // tp, (rank + 1) * virtual // tp)
        return [(g * heads // virtual) * size + i for g in mine for i in range(size)]

    def share(self, total, tp, rank):
        return list(range(total * rank // tp, total * (rank + 1) // tp))

    def layers(self):
        """The first stages get one layer more when the count does not divide."""
        total = self.text["num_hidden_layers"]
        base, extra = divmod(total, self.pp)
        start = self.stage * base + min(self.stage, extra)
        return range(start, start + base + (self.stage < extra))

    def rows(self, source, bits):
        """The rows of a text source in order; None stands for a row of zeros."""
        count = bits.shape[0]
        if source == "q_proj":
            return self.head_rows(count, self.text["num_attention_heads"])
        if source in ("k_proj", "v_proj"):
            return self.head_rows(count, self.text["num_key_value_heads"])
        if source in ("gate_proj", "up_proj"):
            return self.share(count, self.tp, self.rank)
        if source in ("embed_tokens", "lm_head"):
            tp, rank = self.attention
            width = (count + tp - 1) // tp
            return [r if r < count else None for r in range(rank * width, (rank + 1) * width)]
        return list(range(count))

    def columns(self, source, bits):
        tp, rank = self.attention if source == "o_proj" else (self.tp, self.rank)
        split = source in ("o_proj", "down_proj") and bits.ndim == 2
        return self.share(bits.shape[1], tp, rank) if split else None


def gather(bits, rows, columns):
    result = numpy.zeros((len(rows), *bits.shape[1:]), bits.dtype)
    for i, r in enumerate(rows):
        if r is not None:
            result[i] = bits[r]
    return result if columns is None else result[:, columns]


def split_key(key):
    """(part, rest): the part of the model a key belongs to and its name there, whatever the layout."""
    if "vision_tower." in key:
        return "vision", key.split("vision_tower.", 1)[1].removeprefix("vision_model.")
    if "multi_modal_projector." in key:
        return "projector", key.split("multi_modal_projector.", 1)[1]
    if key == "lm_head.weight":
        return "head", key
    return "text", key.replace("language_model.", "").replace("model.", "")


def stage_has(rank, part, rest, tied):
    last = rank.stage == rank.pp - 1
    if part == "head" or rest == "norm.weight":
        return last
    if part == "text" and rest.startswith("layers."):
        return int(rest.split(".")[1]) in rank.layers()
    return rank.stage == 0 or (rest == "embed_tokens.weight" and last and tied)


PREFIX = {"text": "model.", "head": "", "vision": "vision_tower.vision_model.",
          "projector": "multi_modal_projector."}


def derive(tensors, config, case):
    """The lines of one case, a fused tensor collected from pieces numbered by their place in it."""
    rank, tied = Rank(config, case), not any(key == "lm_head.weight" for key in tensors)
    pieces = {}
    for key, (dtype, bits) in tensors.items():
        part, rest = split_key(key)
        if not stage_has(rank, part, rest, tied):
            continue
        rest = rest.replace("projection_weight", "projection.weight")
        source = rest.split(".")[-2]
        order = {"k_proj": 1, "v_proj": 2, "up_proj": 1}.get(source, 0)
        rest = re.sub(r"\b[qkv]_proj\b", "qkv_proj", re.sub(r"\b(gate|up)_proj\b", "gate_up_proj", rest))
        if part in ("text", "head"):
            bits = gather(bits, rank.rows(source, bits), rank.columns(source, bits))
        elif source == "mm_input_projection":
            bits = bits.swapaxes(0, 1)
        if rank.gemma and part in ("text", "projector") and "norm" in source:
            bits = plus_one(dtype, bits)
        pieces.setdefault(PREFIX[part] + rest, {})[order] = (dtype, bits)
    lines = []
    for name, parts in sorted(pieces.items()):
        data = b"".join(parts[i][1].tobytes() for i in sorted(parts))
        shape = (sum(p[1].shape[0] for p in parts.values()), *parts[0][1].shape[1:])
        dims = ",".join(map(str, shape))
        lines.append(f"{name}\t{parts[0][0]}\t{dims}\t{xxhash.xxh3_128_hexdigest(data)}\n")
    return "".join(lines)


def check_model(directory):
    tensors = {}
    for path in directory.glob("*.safetensors"):
        tensors.update(read_safetensors(path))
    config = json.loads((directory / "config.json").read_text())
    texts = {path.stem: path.read_text() for path in (directory / "expected").glob("*.tsv")}
    assert texts.keys() == CASE_NAMES, (directory.name, texts.keys())
    for case, text in texts.items():
        assert derive(tensors, config, case) == text, f"{directory.name}: {case} differs"
    for path in (directory / "expected").glob("*.safetensors"):
        whole = {name: xxhash.xxh3_128_hexdigest(bits.tobytes())
                 for name, (_, bits) in read_safetensors(path).items()}
        listed = {line.split("\t")[0]: line.split("\t")[3] for line in texts[path.stem].splitlines()}
        assert whole == listed, f"{path}: whole tensors differ from their list"
    return texts


def main():
    root = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else root
    # Torch's own files were compared when they were made.
    models = (d for d in sorted(root.iterdir()) if not d.name.startswith("torch-"))
    texts = {d.name: check_model(d) for d in models if (d / "expected").is_dir()}
    for a, b in TWINS:
        assert texts[a] == texts[b], f"{a} and {b} must become the same"
    lines = sum(text.count("\n") for cases in texts.values() for text in cases.values())
    print(f"{len(texts)} models, {len(CASE_NAMES)} cases each, {lines} tensors: all as expected")


if __name__ == "__main__":
    main()
