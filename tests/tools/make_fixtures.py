#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the checkpoints under tests/fixtures/ and what each of them must become.

The checkpoints are tiny models with random weights, written by transformers' own save_pretrained. The
expected tensors are computed here with plain torch, rule by rule, and share no code with any loader: one
text file per case, a line per tensor: name, dtype, dims, XXH3-128 of the final bytes.

Run by hand; the output is committed. Needs torch, transformers, safetensors and xxhash:

    python3 tests/tools/make_fixtures.py [OUTPUT_DIR]

check_fixtures.py then derives the same lines a second way.
"""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import safetensors
import safetensors.torch
import torch
import torch.nn.functional
import transformers
import xxhash

SEED = 20250810
DTYPE_NAMES = {torch.bfloat16: "BF16", torch.float16: "F16", torch.float32: "F32"}


# The end state: how the tensors of a checkpoint become those of one rank.

@dataclasses.dataclass(frozen=True)
class Case:
    """Which part of the model one process holds. ADP: attention data parallelism."""

    name: str
    tp: int = 1
    tp_rank: int = 0
    pp: int = 1
    pp_rank: int = 0
    adp: bool = False

    def attention(self):
        """Ranks over which attention and the vocabulary are split, and this one's number."""
        return (1, 0) if self.adp else (self.tp, self.tp_rank)

    def mlp(self):
        return self.tp, self.tp_rank


CASES = [
    *(Case(f"tp{tp}-rank{rank}", tp=tp, tp_rank=rank) for tp in (1, 2, 4) for rank in range(tp)),
    *(Case(f"pp2-rank{rank}", pp=2, pp_rank=rank) for rank in range(2)),
    *(Case(f"tp2-rank{rank}-adp", tp=2, tp_rank=rank, adp=True) for rank in range(2)),
]

FUSED = {"qkv_proj": ("q_proj", "k_proj", "v_proj"), "gate_up_proj": ("gate_proj", "up_proj")}
FUSED_OF = {source: fused for fused, sources in FUSED.items() for source in sources}


def final_key(key):
    """The name without what differs between the layouts of one and the same model."""
    key = key.replace("model.language_model.", "model.").replace("language_model.model.", "model.")
    key = re.sub(r"^model\.(vision_tower|multi_modal_projector)\.", r"\1.", key)
    key = re.sub(r"^vision_tower\.(?!vision_model\.)", "vision_tower.vision_model.", key)
    return key.replace("mm_input_projection_weight", "mm_input_projection.weight")


def fused_name(key):
    *path, module, kind = key.split(".")
    return ".".join([*path, FUSED_OF.get(module, module), kind])


def is_text(name):
    return not name.startswith(("vision_tower.", "multi_modal_projector."))


def is_gemma_norm(name):
    """Gemma's RMSNorm multiplies by 1 + w; the LayerNorms of the vision tower by w."""
    module = name.split(".")[-2]
    return module == "mm_soft_emb_norm" or (is_text(name) and "norm" in module)


def repeat_kv_heads(tensor, kv_heads, tp):
    """[h0 h1] for 2 heads on 4 ranks is [h0 h0 h1 h1], a head being a block of rows."""
    if kv_heads >= tp:
        return tensor
    heads = tensor.reshape(kv_heads, -1, *tensor.shape[1:])
    return heads.repeat_interleave(tp // kv_heads, dim=0).flatten(0, 1)


def column(tensor, ranks, rank):
    assert tensor.shape[0] % ranks == 0
    return tensor.chunk(ranks, dim=0)[rank]


def row(tensor, ranks, rank):
    if tensor.dim() == 1:
        return tensor
    assert tensor.shape[1] % ranks == 0
    return tensor.chunk(ranks, dim=1)[rank]


def vocabulary(tensor, ranks, rank):
    """Equal shares, rounded up; zero rows follow the last real one."""
    share = -(-tensor.shape[0] // ranks)
    padded = torch.nn.functional.pad(tensor, (0, 0, 0, share * ranks - tensor.shape[0]))
    return padded[rank * share:(rank + 1) * share]


def is_owned(name, config, case):
    """Pipeline: layers as tensor_split cuts them; a tied embedding also serves as the last rank's head."""
    first, last = case.pp_rank == 0, case.pp_rank == case.pp - 1
    layer = re.match(r"model\.layers\.(\d+)\.", name)
    if layer:
        stages = torch.arange(config["num_hidden_layers"]).tensor_split(case.pp)
        return int(layer[1]) in stages[case.pp_rank].tolist()
    if name.startswith("model.embed_tokens."):
        return first or (last and config["tied"])
    if name.startswith(("model.norm.", "lm_head.")):
        return last
    return first


def text_tensor(module, sources, config, case):
    """One parameter of the text model: its sources are sharded first, then concatenated."""
    if module == "qkv_proj":
        ranks, _ = case.attention()
        q, k, v = sources
        k, v = (repeat_kv_heads(t, config["num_key_value_heads"], ranks) for t in (k, v))
        return torch.cat([column(t, *case.attention()) for t in (q, k, v)])
    if module == "gate_up_proj":
        return torch.cat([column(t, *case.mlp()) for t in sources])
    (tensor,) = sources
    if module == "o_proj":
        return row(tensor, *case.attention())
    if module == "down_proj":
        return row(tensor, *case.mlp())
    if module in ("embed_tokens", "lm_head"):
        return vocabulary(tensor, *case.attention())
    return tensor


def end_state(weights, config, case):
    """Name to tensor for one rank, from the tensors of the checkpoint and the text model's configuration."""
    weights = {final_key(key): tensor for key, tensor in weights.items()}
    result = {}
    for name in {fused_name(key) for key in weights}:
        if not is_owned(name, config, case):
            continue
        *path, module, kind = name.split(".")
        sources = [weights[".".join([*path, s, kind])] for s in FUSED.get(module, (module,))]
        if is_text(name):
            tensor = text_tensor(module, sources, config, case)
        else:
            tensor = torch.cat(sources)
        if name == "multi_modal_projector.mm_input_projection.weight":
            tensor = tensor.t()
        if config["gemma"] and is_gemma_norm(name):
            tensor = tensor + 1
        result[name] = tensor.contiguous()
    return result


# The files.

def read_weights(directory):
    weights = {}
    for path in sorted(directory.glob("*.safetensors")):
        with safetensors.safe_open(path, framework="pt") as f:
            weights.update((key, f.get_tensor(key)) for key in f.keys())
    return weights


def read_config(directory, tied):
    config = json.loads((directory / "config.json").read_text())
    gemma = config["model_type"].startswith("gemma3")
    return {**config, **config.get("text_config", {}), "gemma": gemma, "tied": tied}


def tsv_line(name, tensor):
    digest = xxhash.xxh3_128_hexdigest(tensor.view(torch.uint8).numpy().tobytes())
    dims = ",".join(str(n) for n in tensor.shape)
    return f"{name}\t{DTYPE_NAMES[tensor.dtype]}\t{dims}\t{digest}\n"


def write_expected(directory, tied, whole=()):
    """WHOLE names the cases whose tensors are also written as they are."""
    weights, config = read_weights(directory), read_config(directory, tied)
    expected = directory / "expected"
    expected.mkdir()
    for case in CASES:
        tensors = dict(sorted(end_state(weights, config, case).items()))
        lines = (tsv_line(name, tensor) for name, tensor in tensors.items())
        (expected / f"{case.name}.tsv").write_text("".join(lines))
        if case.name in whole:
            safetensors.torch.save_file(tensors, expected / f"{case.name}.safetensors")


def save(model, directory, **options):
    """save_pretrained, less the files that say nothing about the weights."""
    shutil.rmtree(directory, ignore_errors=True)
    model.save_pretrained(directory, **options)
    (directory / "generation_config.json").unlink(missing_ok=True)


def save_renamed(source, directory, rename):
    """The checkpoint in SOURCE with other keys."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    weights = {rename(key): tensor for key, tensor in read_weights(source).items()}
    safetensors.torch.save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    shutil.copy(source / "config.json", directory)


def drop_config_key(directory, key):
    path = directory / "config.json"
    config = json.loads(path.read_text())
    del config[key]
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


# The models.

def randomise(model):
    """New values for every parameter: a norm or a bias that is born 0 or 1 hides mistakes."""
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            scale = 0.5 if "norm" in name or "bias" in name else 0.05
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    return model


def gemma3_text_config(**changes):
    shape = dict(num_hidden_layers=3, hidden_size=64, num_attention_heads=4, num_key_value_heads=2,
                 head_dim=32, intermediate_size=64, vocab_size=509, max_position_embeddings=512,
                 sliding_window=16)
    return transformers.Gemma3TextConfig(**{**shape, **changes})


def make_gemma3(out):
    for label, dtype, shard in (("bf16", torch.bfloat16, "90KB"), ("fp16", torch.float16, "100KB"),
                                ("fp32", torch.float32, "180KB")):
        model = randomise(transformers.Gemma3ForCausalLM(gemma3_text_config())).to(dtype)
        whole = ("tp2-rank0", "tp2-rank1") if label == "bf16" else ()
        save(model, out / f"gemma3-{label}")
        write_expected(out / f"gemma3-{label}", tied=True, whole=whole)
        save(model, out / f"gemma3-{label}-sharded", max_shard_size=shard)
        write_expected(out / f"gemma3-{label}-sharded", tied=True)

    model = randomise(transformers.Gemma3ForCausalLM(gemma3_text_config(num_key_value_heads=1)))
    save(model.to(torch.bfloat16), out / "gemma3-kv1")
    drop_config_key(out / "gemma3-kv1", "tie_word_embeddings")
    write_expected(out / "gemma3-kv1", tied=True)


def make_gemma3_vlm(out):
    """Three layouts of one model: of transformers 5 (v5), as published (old), of transformers 4.52 (new)."""
    vision = transformers.SiglipVisionConfig(num_hidden_layers=2, hidden_size=32, num_attention_heads=2,
                                             intermediate_size=48, image_size=14, patch_size=7,
                                             vision_use_head=False)
    text = gemma3_text_config(hidden_size=48, head_dim=16)
    config = transformers.Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=1,
                                       boi_token_index=500, eoi_token_index=501, image_token_index=502)
    model = randomise(transformers.Gemma3ForConditionalGeneration(config)).to(torch.bfloat16)

    def old_key(key):
        return key.replace("vision_tower.", "vision_tower.vision_model.")

    def new_key(key):
        return "model." + old_key(key).replace("language_model.model.", "language_model.")

    save(model, out / "gemma3-vlm-v5")
    save_renamed(out / "gemma3-vlm-v5", out / "gemma3-vlm-old", old_key)
    save_renamed(out / "gemma3-vlm-v5", out / "gemma3-vlm-new", new_key)
    for layout in ("v5", "old", "new"):
        write_expected(out / f"gemma3-vlm-{layout}", tied=True)


def make_others(out):
    """Llama with every bias there can be: those of o_proj and down_proj are replicated."""
    shape = dict(num_hidden_layers=2, hidden_size=64, num_attention_heads=4, num_key_value_heads=2,
                 intermediate_size=64, vocab_size=509, max_position_embeddings=512, tie_word_embeddings=False)
    llama = transformers.LlamaForCausalLM(transformers.LlamaConfig(head_dim=16, attention_bias=True,
                                                               mlp_bias=True, **shape))
    qwen2 = transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**shape))
    for label, model in (("llama", llama), ("qwen2", qwen2)):
        save(randomise(model).to(torch.bfloat16), out / label)
        write_expected(out / label, tied=False)


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "fixtures"
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    out.mkdir(parents=True, exist_ok=True)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    make_gemma3(out)
    make_gemma3_vlm(out)
    make_others(out)


if __name__ == "__main__":
    main()
