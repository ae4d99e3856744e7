#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the checkpoints of the device benchmark.

    python3 tests/bench/make_checkpoint.py DIRECTORY
    python3 tests/bench/make_checkpoint.py DIRECTORY --scale 0.21 --shards 1
    python3 tests/bench/make_checkpoint.py DIRECTORY --shape moe100k

The first is Gemma 3 12B's text model in bf16: names, shapes and config.json are taken from transformers (on
the meta device), shards are cut as its save_pretrained cuts them at 5 GB: 23.5 GB in five files. Every
element is random and finite, none is zero, and no two blocks are alike. Files are written by as many
processes as there are CPUs and are on the disk when this ends. --scale takes that part of the layers and of
the vocabulary; --shards cuts evenly.

moe100k is about the fixed cost of many tensors: 100,083 of them in 160 files whose payload is a hole. It
needs neither torch nor transformers.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import struct
import sys
import time

SHARD_BYTES = 5_000_000_000
BLOCK = 64 << 20
GEMMA3_12B = {
    "vocab_size": 262208, "hidden_size": 3840, "intermediate_size": 15360, "num_hidden_layers": 48,
    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 256, "sliding_window": 1024,
    "query_pre_attn_scalar": 256, "tie_word_embeddings": True,
}
MOE_LAYERS, MOE_EXPERTS, MOE_SHARDS = 80, 417, 160
# Of four bf16: sign, three low bits of the exponent and mantissa are random; numbers lie between 2^-7 and 2.
RANDOM_BITS, FIXED_BITS = 0x83FF_83FF_83FF_83FF, 0x3C00_3C00_3C00_3C00


def elements(shape):
    count = 1
    for dim in shape:
        count *= dim
    return count


# What is in a checkpoint: names and shapes, in the order in which the model has them.

def gemma3(scale):
    """(shapes, config.json)"""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    sizes = dict(GEMMA3_12B)
    if scale < 1:
        sizes["num_hidden_layers"] = max(1, round(sizes["num_hidden_layers"] * scale))
        sizes["vocab_size"] = max(256, round(sizes["vocab_size"] * scale / 64) * 64)
    config = Gemma3TextConfig(**sizes, architectures=["Gemma3ForCausalLM"], dtype="bfloat16")
    with torch.device("meta"):
        state = Gemma3ForCausalLM(config).state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items() if name != "lm_head.weight"}
    return shapes, config.to_json_string(use_diff=False)


def moe100k(scale):
    hidden, inner, vocab, layers = 256, 64, 1024, max(1, round(MOE_LAYERS * scale))
    shapes = {"model.embed_tokens.weight": (vocab, hidden)}
    for layer in range(layers):
        for expert in range(MOE_EXPERTS):
            prefix = f"model.layers.{layer}.mlp.experts.{expert}"
            shapes[f"{prefix}.gate_proj.weight"] = shapes[f"{prefix}.up_proj.weight"] = (inner, hidden)
            shapes[f"{prefix}.down_proj.weight"] = (hidden, inner)
    shapes["model.norm.weight"], shapes["lm_head.weight"] = (hidden,), (vocab, hidden)
    config = {
        "architectures": ["MoEForCausalLM"], "model_type": "moe", "dtype": "bfloat16", "hidden_size": hidden,
        "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": 4,
        "num_key_value_heads": 4, "head_dim": 64, "vocab_size": vocab,
        "tie_word_embeddings": False, "num_experts": MOE_EXPERTS,
    }
    return shapes, json.dumps(config, indent=2) + "\n"


# Files.

def cut_by_size(shapes, most):
    """Lists of names: in order, a new file where the next tensor would make one larger than `most`."""
    shards, used = [[]], 0
    for name, shape in shapes.items():
        size = elements(shape) * 2
        if shards[-1] and used + size > most:
            shards.append([])
            used = 0
        shards[-1].append(name)
        used += size
    return shards


def cut_by_count(shapes, count):
    """`count` lists of names, of about the same number of bytes; none is empty."""
    left, shards, used = sum(elements(shape) * 2 for shape in shapes.values()), [[]], 0
    names = list(shapes)
    for at, name in enumerate(names):
        missing = count - len(shards)
        if shards[-1] and missing and (used >= left / (missing + 1) or len(names) - at <= missing):
            left -= used
            shards.append([])
            used = 0
        shards[-1].append(name)
        used += elements(shapes[name]) * 2
    return shards


def write_header(path, names, shapes):
    """Makes the file, whole in size; (begin, end) of its payload. Names are sorted, as the library does."""
    table, at = {"__metadata__": {"format": "pt"}}, 0
    for name in sorted(names):
        size = elements(shapes[name]) * 2
        table[name] = {"dtype": "BF16", "shape": shapes[name], "data_offsets": [at, at + size]}
        at += size
    header = json.dumps(table, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header)
        f.truncate(8 + len(header) + at)
    return 8 + len(header), 8 + len(header) + at


def write_block(path, begin, size, seed):
    """Random elements at one place of a file. Both ends are multiples of 2 bytes."""
    import numpy

    generator = numpy.random.Generator(numpy.random.SFC64(seed))
    words = generator.integers(0, 1 << 64, (size + 7) // 8, dtype=numpy.uint64)
    words &= numpy.uint64(RANDOM_BITS)
    words |= numpy.uint64(FIXED_BITS)
    left, fd = memoryview(words.view(numpy.uint8))[:size], os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        while left:
            written = os.pwrite(fd, left, begin)
            left, begin = left[written:], begin + written
    finally:
        os.close(fd)


def flush(path):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def allocate(path):
    """In one piece where the file system can: the disk's own rate is part of the benchmark."""
    with open(path, "r+b") as f:
        try:
            os.posix_fallocate(f.fileno(), 0, os.fstat(f.fileno()).st_size)
        except OSError as problem:
            print(f"make_checkpoint: {path} could not be allocated ahead: {problem}", file=sys.stderr)


def fill(payloads, jobs):
    """Every file's payload, in blocks that the processes take in turn."""
    blocks = [(path, at, min(BLOCK, end - at)) for path, (begin, end) in payloads.items()
              for at in range(begin, end, BLOCK)]
    with concurrent.futures.ProcessPoolExecutor(jobs) as pool:
        written = [pool.submit(write_block, *block, seed) for seed, block in enumerate(blocks)]
        for future in written:
            future.result()
        for done in pool.map(flush, payloads):
            assert done is None


def make(directory, shape, scale, shards, jobs):
    """Bytes of all tensors. config.json comes last: a directory that has one is whole."""
    shapes, config = (moe100k if shape == "moe100k" else gemma3)(scale)
    count = shards or (MOE_SHARDS if shape == "moe100k" else None)
    cut = cut_by_count(shapes, count) if count else cut_by_size(shapes, SHARD_BYTES)
    total = sum(elements(dims) * 2 for dims in shapes.values())
    free = shutil.disk_usage(directory).free
    if shape != "moe100k" and free < total:
        raise OSError(f"{directory} has room for {free} bytes of {total} that the checkpoint has")
    weight_map, payloads = {}, {}
    for number, names in enumerate(cut, 1):
        file = f"model-{number:05d}-of-{len(cut):05d}.safetensors" if len(cut) > 1 else "model.safetensors"
        payloads[directory / file] = write_header(directory / file, names, shapes)
        weight_map.update(dict.fromkeys(names, file))
    if shape != "moe100k":
        for path in payloads:
            allocate(path)
        fill(payloads, jobs)
    if len(cut) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
        (directory / "model.safetensors.index.json").write_text(json.dumps(index, indent=2) + "\n")
    (directory / "config.json").write_text(config)
    return len(shapes), len(cut), total


def main():
    parser = argparse.ArgumentParser(description="Write a checkpoint for the device benchmark.")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--shape", choices=("gemma3-12b", "moe100k"), default="gemma3-12b")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the layers and of the vocabulary")
    parser.add_argument("--shards", type=int, help="files (default: by size)")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes that write")
    args = parser.parse_args()
    if not 0 < args.scale <= 1 or args.jobs < 1 or (args.shards is not None and args.shards < 1):
        parser.error("--scale is more than 0 and at most 1, --shards and --jobs are at least 1")

    start = time.perf_counter()
    try:
        args.directory.mkdir(parents=True, exist_ok=True)
        (args.directory / "config.json").unlink(missing_ok=True)
        for old in args.directory.glob("model*.safetensors*"):
            old.unlink()
        tensors, files, size = make(args.directory, args.shape, args.scale, args.shards, args.jobs)
    except OSError as problem:
        print(f"make_checkpoint: {problem}", file=sys.stderr)
        return 1
    print(f"{args.directory}: {tensors} tensors, {files} files, {size / 1e9:.2f} GB in "
          f"{time.perf_counter() - start:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
