#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write a large Gemma-3-like checkpoint of random numbers, for benchmarks and for tests by hand.

Needs numpy alone and about 40 MB of memory whatever the size: the payload is streamed from a pool of random
elements, each tensor from a place of its own. The same arguments give the same bytes.

    python3 tests/tools/make_synthetic.py --bytes 4000000000 --dtype bf16 --shards 2 --layers 26 DIRECTORY

With --format torch the same tensors, in as many shards, are written as torch.save does it; that needs torch,
and memory for one shard.
"""

import argparse
import json
import pathlib
import struct
import sys

import numpy

DTYPES = {"bf16": ("BF16", "bfloat16", 2), "fp32": ("F32", "float32", 4)}
POOL_ELEMENTS = 8 << 20
HEAD_DIM = 256


def make_pool(dtype, seed=1):
    """Random signs and mantissas, exponents of numbers between 2^-7 and 2: what weights look like."""
    wide = numpy.random.default_rng(seed).integers(0, 1 << 32, POOL_ELEMENTS, dtype=numpy.uint32)
    exponents = (120 + (wide >> 8) % 8) << 23
    elements = (wide & 0x807fffff) | exponents
    return elements if dtype == "fp32" else (elements >> 16).astype(numpy.uint16)


def make_config(hidden, intermediate, layers, vocab, dtype):
    heads = max(4, hidden // HEAD_DIM // 4 * 4)
    return {
        "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "dtype": DTYPES[dtype][1],
        "hidden_size": hidden, "intermediate_size": intermediate, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": heads // 2, "head_dim": HEAD_DIM,
        "vocab_size": vocab, "tie_word_embeddings": True, "rms_norm_eps": 1e-06, "attention_bias": False,
        "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 32768,
        "query_pre_attn_scalar": HEAD_DIM, "sliding_window": 512,
    }


def layer_shapes(config):
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    q, kv = (config[key] * HEAD_DIM for key in ("num_attention_heads", "num_key_value_heads"))
    norms = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm",
             "post_feedforward_layernorm")
    return {
        **{f"{norm}.weight": (hidden,) for norm in norms},
        "mlp.gate_proj.weight": (inner, hidden), "mlp.up_proj.weight": (inner, hidden),
        "mlp.down_proj.weight": (hidden, inner),
        "self_attn.q_proj.weight": (q, hidden), "self_attn.k_proj.weight": (kv, hidden),
        "self_attn.v_proj.weight": (kv, hidden), "self_attn.o_proj.weight": (hidden, q),
        "self_attn.q_norm.weight": (HEAD_DIM,), "self_attn.k_norm.weight": (HEAD_DIM,),
    }


def model_shapes(config):
    """Name to shape, in the order in which safetensors itself lays tensors of one dtype out: by name."""
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], config["hidden_size"]),
              "model.norm.weight": (config["hidden_size"],)}
    for n in range(config["num_hidden_layers"]):
        shapes.update((f"model.layers.{n}.{name}", shape) for name, shape in layer_shapes(config).items())
    return dict(sorted(shapes.items()))


def count_elements(shapes):
    return sum(int(numpy.prod(shape, dtype=numpy.int64)) for shape in shapes.values())


def fit_config(elements, layers, dtype):
    """The widest model (then the widest MLP) that has at most this many elements."""
    vocab = 262144 if elements >= 500_000_000 else 4096

    def fits(hidden, intermediate):
        config = make_config(hidden, intermediate, layers, vocab, dtype)
        return count_elements(model_shapes(config)) <= elements

    hidden = intermediate = 64
    if not fits(hidden, intermediate):
        sys.exit(f"make_synthetic: {layers} layers need more bytes: raise --bytes or lower --layers")
    while fits(hidden + 64, 4 * (hidden + 64)):
        hidden += 64
        intermediate = 4 * hidden
    while fits(hidden, intermediate + 32):
        intermediate += 32
    return make_config(hidden, intermediate, layers, vocab, dtype)


def split_shards(shapes, item_size, count):
    """Consecutive names, cut where the running total passes each shard's share."""
    total, done, shards = count_elements(shapes) * item_size, 0, [{} for _ in range(count)]
    for name, shape in shapes.items():
        shards[min(count - 1, done * count // total)][name] = shape
        done += count_elements({name: shape}) * item_size
    return [shard for shard in shards if shard]


def make_header(shard, name_of_dtype, item_size):
    entries, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in shard.items():
        end = offset + count_elements({name: shape}) * item_size
        entries[name] = {"dtype": name_of_dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def tensor_parts(pool, shape, index):
    """The elements of the checkpoint's tensor number index: pieces of the pool, in order."""
    left, at = count_elements({"": shape}), index * 1_000_003 % POOL_ELEMENTS
    while left > 0:
        part = pool[at:at + left]
        yield part
        left, at = left - len(part), 0


def write_safetensors(path, shard, pool, dtype, first_tensor):
    name_of_dtype, _, item_size = DTYPES[dtype]
    with open(path, "wb") as f:
        f.write(make_header(shard, name_of_dtype, item_size))
        for index, shape in enumerate(shard.values(), start=first_tensor):
            for part in tensor_parts(pool, shape, index):
                f.write(part.data)


def write_torch(path, shard, pool, dtype, first_tensor):
    """A state dict whose tensors have a storage each, as a model saved without tied weights has."""
    import torch

    tensors = {}
    for index, (name, shape) in enumerate(shard.items(), start=first_tensor):
        # By way of a signed type of the same size: not every torch takes numpy's unsigned ones.
        elements = numpy.concatenate(list(tensor_parts(pool, shape, index))).view(f"i{pool.itemsize}")
        tensors[name] = torch.from_numpy(elements).view(getattr(torch, DTYPES[dtype][1])).reshape(shape)
    torch.save(tensors, path)


FORMATS = {  # name: stem and extension of its files, what writes one
    "safetensors": ("model", ".safetensors", write_safetensors),
    "torch": ("pytorch_model", ".bin", write_torch),
}


def write_index(path, files, item_size):
    weight_map = {name: file for file, shard in files.items() for name in shard}
    total = sum(count_elements(shard) for shard in files.values()) * item_size
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    path.write_text(json.dumps(index, indent=2) + "\n")


def write_checkpoint(directory, size, dtype, shards, layers, file_format):
    """Returns the bytes of payload written."""
    item_size = DTYPES[dtype][2]
    stem, extension, write_shard = FORMATS[file_format]
    config = fit_config(size // item_size, layers, dtype)
    parts = split_shards(model_shapes(config), item_size, shards)
    names = [f"{stem}-{i + 1:05}-of-{len(parts):05}{extension}" for i in range(len(parts))]
    files = dict(zip(names if len(parts) > 1 else [stem + extension], parts))

    directory.mkdir(parents=True, exist_ok=True)
    pool, first_tensor = make_pool(dtype), 0
    for name, shard in files.items():
        write_shard(directory / name, shard, pool, dtype, first_tensor)
        first_tensor += len(shard)
    if len(files) > 1:
        write_index(directory / f"{stem}{extension}.index.json", files, item_size)
    (directory / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    return sum(count_elements(shard) for shard in files.values()) * item_size


def main():
    parser = argparse.ArgumentParser(description="Write a large Gemma-3-like checkpoint of random numbers.")
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--bytes", type=int, default=4_000_000_000, help="upper limit of the payload")
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--layers", type=int, default=26)
    parser.add_argument("--format", choices=FORMATS, default="safetensors")
    args = parser.parse_args()
    if args.shards < 1 or args.layers < 1:
        parser.error("--shards and --layers must be at least 1")
    written = write_checkpoint(args.directory, args.bytes, args.dtype, args.shards, args.layers, args.format)
    print(f"{args.directory}: {written} bytes of {args.dtype} in {args.shards} {args.format} file(s)")


if __name__ == "__main__":
    main()
