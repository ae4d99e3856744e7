#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the checkpoints under tests/fixtures/ that torch.save writes, and what each of them must become.

Three kinds: whole models (torch-*), whose expected tensors are computed by the rules of make_fixtures.py;
files with every dtype in every layout (torch-tensors), whose expected lines are the tensors' own; and files
that must be refused (torch-tensors/refused). Each is read back by torch at the end and compared.

Run by hand; the output is committed. Needs torch, transformers, safetensors, huggingface_hub and xxhash:

    python3 tests/tools/make_torch_fixtures.py [OUTPUT_DIR]

Two runs give the same zip archives. In a legacy file the keys of storages, and so their order, are addresses
of the process that wrote it: those files differ from run to run, what is expected of them does not.
"""

import argparse
import collections
import contextlib
import json
import pathlib
import shutil
import sys
import tempfile
import warnings

import huggingface_hub
import torch
import transformers
import xxhash

from make_fixtures import CASES, SEED, end_state, randomise, read_config, save

DTYPES = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "U16": torch.uint16,
    "I32": torch.int32, "U32": torch.uint32, "I64": torch.int64, "U64": torch.uint64, "F16": torch.float16,
    "BF16": torch.bfloat16, "F32": torch.float32, "F64": torch.float64, "C64": torch.complex64,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "F8_E4M3FNUZ": torch.float8_e4m3fnuz,
    "F8_E5M2FNUZ": torch.float8_e5m2fnuz, "F8_E8M0": torch.float8_e8m0fnu, "F4": torch.float4_e2m1fn_x2,
}
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
# Types without a storage class of their own: torch.save writes them as bytes and says the type elsewhere
# (_rebuild_tensor_v3). In the legacy format it writes them as well, but cannot read them again.
UNTYPED = {name for name in DTYPES if name.startswith("F8_")} | {"U16", "U32", "U64", "F4"}
INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
LEGACY = {"_use_new_zipfile_serialization": False}


# Bytes and lines.

def raw(tensor):
    """The elements, one after the other: as integers, so that no NaN is touched and every dtype can."""
    integers = tensor.detach().view(INTEGERS[tensor.element_size()]).contiguous()
    return integers.numpy().tobytes()


def dims(tensor):
    """As safetensors counts: a byte of F4 is two elements."""
    shape = list(tensor.shape)
    if tensor.dtype == DTYPES["F4"]:
        shape[-1] *= 2
    return ",".join(str(n) for n in shape)


def tsv(tensors):
    """A line per tensor, sorted by name: name, dtype, dims, XXH3-128 of the contiguous bytes."""
    lines = ((name, DTYPE_NAMES[tensor.dtype], dims(tensor), xxhash.xxh3_128_hexdigest(raw(tensor)))
             for name, tensor in sorted(tensors.items()))
    return "".join("\t".join(line) + "\n" for line in lines)


def randoms(generator, *shape):
    return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)


def random_tensor(generator, dtype, *shape):
    """Random bits, so infinities and NaNs with payloads among them."""
    size = torch.empty(0, dtype=dtype).element_size()
    bits = randoms(generator, *shape[:-1], shape[-1] * size)
    return (bits & 1 if dtype == torch.bool else bits).view(dtype)


# The models.

def filler(generator, like, *shape):
    """Memory that a view leaves out; what must not be read is not zero."""
    return torch.randn(shape, generator=generator).to(like.dtype)


def put(storage, index, value):
    storage[index] = value
    return storage[index]


def views(weights):
    """The same values, but for one norm, as tensors that lie in their storages in every way there is."""
    generator = torch.Generator().manual_seed(SEED)
    result = collections.OrderedDict(weights)
    for name, value in weights.items():
        fill = lambda *shape, like=value: filler(generator, like, *shape)
        if name.endswith("q_proj.weight"):
            result[name] = value.t().contiguous().t()
        elif name.endswith("k_proj.weight"):
            result[name] = put(fill(64, 32), slice(8, 24), value)
        elif name.endswith("v_proj.weight"):
            result[name] = put(fill(16, 48), (slice(None), slice(8, 40)), value)
        elif name.endswith("o_proj.weight"):
            result[name] = put(fill(64, 32), slice(None, None, 2), value)
        elif name.endswith("gate_proj.weight"):
            up = name.replace("gate_proj", "up_proj")
            result[name], result[up] = torch.cat([value, weights[up]]).chunk(2)
        elif name == "model.layers.1.input_layernorm.weight":
            result[name] = value[3:4].clone().expand(32)
        elif name == "model.embed_tokens.weight":
            result[name] = put(fill(61, 64), (slice(None), slice(None, None, 2)), value)
    biases = [name for name in weights if name.endswith(".bias")]
    joined = torch.cat([weights[name] for name in biases])
    result.update(zip(biases, joined.split([len(weights[name]) for name in biases])))
    return result


def write_config(model, directory):
    """config.json as save_pretrained writes it, in an otherwise empty directory."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    with tempfile.TemporaryDirectory() as scratch:
        save(model, pathlib.Path(scratch) / "model")
        shutil.copy(pathlib.Path(scratch) / "model" / "config.json", directory)


def write_expected(directory, weights, tied):
    """CASE.tsv for every case, and weights.tsv: the checkpoint's own tensors."""
    config = read_config(directory, tied)
    parameters = {name: t for name, t in weights.items() if not (tied and name == "lm_head.weight")}
    (directory / "expected").mkdir()
    (directory / "expected" / "weights.tsv").write_text(tsv(weights))
    for case in CASES:
        tensors = end_state(parameters, config, case)
        (directory / "expected" / f"{case.name}.tsv").write_text(tsv(tensors))


def check(path, found, weights):
    assert list(found) == list(weights), path
    for name, tensor in weights.items():
        assert isinstance(found[name], torch.nn.Parameter) == isinstance(tensor, torch.nn.Parameter), name
        assert found[name].dtype == tensor.dtype and found[name].shape == tensor.shape, (path, name)
        assert found[name].stride() == tensor.stride(), (path, name)
        assert raw(found[name]) == raw(tensor), (path, name)


def write(path, value, weights, read=lambda top: top, weights_only=True, **options):
    """torch.save, and that torch.load finds the same again: in what it loads, READ finds the weights."""
    torch.save(value, path, **options)
    check(path, read(torch.load(path, weights_only=weights_only)), weights)


def write_sharded(directory, weights):
    """As transformers did: its splitter, its index; and no byteorder record, as torch < 2.1 left it out."""
    split = huggingface_hub.split_torch_state_dict_into_shards(
        weights, filename_pattern="pytorch_model{suffix}.bin", max_shard_size=6000)
    for file, names in split.filename_to_tensors.items():
        shard = {name: weights[name] for name in names}
        write(directory / file, shard, shard, _disable_byteorder_record=True)
    index = {"metadata": split.metadata, "weight_map": split.tensor_to_filename}
    text = json.dumps(index, indent=2, sort_keys=True) + "\n"
    (directory / "pytorch_model.bin.index.json").write_text(text)
    files = [split.tensor_to_filename[f"model.layers.0.self_attn.{p}_proj.weight"] for p in "qkv"]
    assert len(split.filename_to_tensors) >= 3 and len(set(files)) > 1


def small(config_class, **changes):
    return config_class(**{**dict(num_hidden_layers=2, hidden_size=32, num_attention_heads=4,
                                  num_key_value_heads=2, head_dim=8, intermediate_size=32, vocab_size=61,
                                  max_position_embeddings=128, bos_token_id=1, eos_token_id=2), **changes})


def make_gemma3(out):
    config = small(transformers.Gemma3TextConfig, sliding_window=16)
    model = randomise(transformers.Gemma3ForCausalLM(config)).to(torch.bfloat16)
    weights = model.state_dict()
    assert weights["lm_head.weight"].data_ptr() == weights["model.embed_tokens.weight"].data_ptr()
    for label in ("", "-sharded", "-legacy", "-pth"):
        write_config(model, out / f"torch-gemma3{label}")
    write_expected(out / "torch-gemma3", weights, tied=True)
    write(out / "torch-gemma3" / "pytorch_model.bin", weights, weights)
    write_sharded(out / "torch-gemma3-sharded", weights)
    write(out / "torch-gemma3-legacy" / "pytorch_model.bin", weights, weights, **LEGACY)
    parameters = dict(model.named_parameters(remove_duplicate=False))
    # weights_only knows protocol 2 alone.
    write(out / "torch-gemma3-pth" / "consolidated.00.pth", parameters, parameters, weights_only=False,
          pickle_protocol=4)


def make_llama(out):
    config = small(transformers.LlamaConfig, attention_bias=True, mlp_bias=True, tie_word_embeddings=False)
    model = randomise(transformers.LlamaForCausalLM(config)).to(torch.bfloat16)
    weights = views(model.state_dict())
    for label in ("", "-legacy"):
        write_config(model, out / f"torch-llama-views{label}")
    write_expected(out / "torch-llama-views", weights, tied=False)
    write(out / "torch-llama-views" / "pytorch_model.bin", weights, weights)
    write(out / "torch-llama-views-legacy" / "model.pth", {"epoch": 3, "model": weights}, weights,
          read=lambda top: top["model"], **LEGACY)


# Every dtype in every layout.

def layouts(generator, dtype):
    """Name to tensor. `tied` is the very object; `sliced`, `overlap` and `transposed` share a storage."""
    whole = random_tensor(generator, dtype, 4, 6)
    result = {"contiguous": whole, "tied": whole, "rows": random_tensor(generator, dtype, 5, 4)[1:3],
              "empty": torch.empty(0, 3, dtype=dtype)}
    if dtype == DTYPES["F4"]:
        return result  # its elements have no addresses: rows alone can be cut
    shared = random_tensor(generator, dtype, 6, 7)
    return {**result,
            "transposed": shared.t(),
            "sliced": shared[1:5, 2:6],
            "overlap": shared[3:, ::3],
            "expanded": random_tensor(generator, dtype, 1, 5).expand(3, 5),
            "channels_last": random_tensor(generator, dtype, 2, 4, 2, 3).permute(0, 3, 1, 2),
            "scalar": random_tensor(generator, dtype, 3)[1]}


def tensors_of(names):
    generator = torch.Generator().manual_seed(SEED)
    return {f"{name.lower()}.{layout}": tensor for name in names
            for layout, tensor in layouts(generator, DTYPES[name]).items()}


def swapped(tensors):
    """Tensors whose storages hold the bytes in the other order; what shares a storage still does."""
    storages = {}
    result = {}
    for name, t in tensors.items():
        key = t.untyped_storage()._cdata
        if key not in storages:
            storages[key] = t.untyped_storage().clone()
            storages[key].byteswap(t.dtype)
        result[name] = torch.empty(0, dtype=t.dtype)
        result[name].set_(storages[key], t.storage_offset(), t.shape, t.stride())
    return result


@contextlib.contextmanager
def big_endian_machine():
    """torch.save asks here for the order that it notes; the bytes it takes as they are."""
    order, sys.byteorder = sys.byteorder, "big"
    try:
        yield
    finally:
        sys.byteorder = order


def make_tensors(out):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    typed = [name for name in DTYPES if name not in UNTYPED]
    for protocol in (2, 4):
        for label, names, options in (("zip", DTYPES, {}), ("legacy", typed, LEGACY)):
            tensors = tensors_of(names)
            file = out / f"{label}-protocol{protocol}.pth"
            write(file, tensors, tensors, weights_only=protocol == 2, pickle_protocol=protocol, **options)
            file.with_suffix(".tsv").write_text(tsv(tensors))

    tensors = tensors_of(typed)
    with big_endian_machine():
        torch.save(swapped(tensors), out / "zip-big-endian.pth")
    check("zip-big-endian", torch.load(out / "zip-big-endian.pth", weights_only=True), tensors)
    (out / "zip-big-endian.tsv").write_text(tsv(tensors))

    # torch cannot read its own file, so this one is not compared.
    tensors = tensors_of(sorted(UNTYPED))
    torch.save(tensors, out / "legacy-untyped.pth", **LEGACY)
    (out / "legacy-untyped.tsv").write_text(tsv(tensors))


# What must be refused.

class Gate(torch.jit.ScriptModule):
    """TorchScript, from a text: a method would leave the path of its file in the archive."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(4))
        self.define("def forward(self, x):\n    return x * self.weight\n")


def refused():
    """Name: value, and for each policy that refuses it, or "any": a word of the message, the status."""
    generator = torch.Generator().manual_seed(SEED)
    plain = torch.randn(4, 4, generator=generator)
    other = torch.randn(4, 4, generator=generator)
    scales, zeros = plain[0].abs() + 0.1, torch.zeros(4, dtype=torch.int64)
    complex64 = torch.complex(plain, other)
    kinds = {
        "quantised": (torch.quantize_per_tensor(plain, 0.1, 3, torch.quint8), "quantised"),
        "quantised-channels": (torch.quantize_per_channel(plain, scales, zeros, 0, torch.qint8), "quantised"),
        "sparse-coo": (plain.relu().to_sparse(), "sparse"),
        "sparse-csr": (plain.relu().to_sparse_csr(), "sparse"),
        "nested": (torch.nested.nested_tensor([plain, other[:2]]), "nested"),
        "meta": (plain.to("meta"), "meta"),
        "conj-view": (complex64.conj(), "conj"),
        "neg-view": (torch._neg_view(plain), "neg"),
        "complex128": (complex64.to(torch.complex128), "omplex"),
        "complex32": (complex64.to(torch.complex32), "omplex"),
        "bits8": (randoms(generator, 4, 4).view(torch.bits8), "bits8"),
        "f4-transposed": (random_tensor(generator, DTYPES["F4"], 4, 6).t(), "F4"),
    }
    files = {name: ({"plain.good": plain, "plain.bad": value}, {"any": (word, "unsupported")})
             for name, (value, word) in kinds.items()}
    namespace = argparse.Namespace(learning_rate=0.5)
    jagged = torch.nested.nested_tensor([plain, other[:2]], layout=torch.jagged)
    return {
        **files,
        "nested-jagged": ({"plain.good": plain, "plain.bad": jagged}, {"any": ("nested", "unsupported")}),
        "namespace": ({"plain.good": plain, "args": namespace}, {"strict": ("argparse", "unsupported")}),
        "module": (torch.nn.Linear(4, 4), {"strict": ("torch.nn.modules.linear", "unsupported")}),
        "tensor": (plain, {"any": ("dictionary", "invalid")}),
        "list": ([plain, other], {"any": ("dictionary", "invalid")}),
        "two-dictionaries": ({"model": {"plain.good": plain}, "ema": {"plain.good": other}},
                             {"any": ("ema", "invalid")}),
    }


def make_refused(out):
    """EXPECTED.tsv has a line per file and policy: file, policy, status, a word of the message."""
    out.mkdir()
    lines = []
    torch.manual_seed(SEED)
    for name, (value, reasons) in refused().items():
        # A whole module in a legacy file has its source with it, and where that lay.
        for label, options in (("", {}), ("-legacy", LEGACY))[:1 if name == "module" else 2]:
            torch.save(value, out / f"{name}{label}.pth", **options)
            lines += [f"{name}{label}.pth\t{policy}\t{status}\t{word}\n"
                      for policy, (word, status) in reasons.items()]
    torch.jit.save(Gate(), out / "torchscript.pth")
    lines.append("torchscript.pth\tany\tunsupported\tTorchScript\n")
    (out / "EXPECTED.tsv").write_text("".join(sorted(lines)))
    # What the opaque policy makes of namespace.pth.
    (out / "expected").mkdir()
    beside = {"plain.good": refused()["namespace"][0]["plain.good"]}
    (out / "expected" / "namespace.tsv").write_text(tsv(beside))


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    out.mkdir(parents=True, exist_ok=True)
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    make_gemma3(out)
    make_llama(out)
    make_tensors(out / "torch-tensors")
    make_refused(out / "torch-tensors" / "refused")


if __name__ == "__main__":
    main()
