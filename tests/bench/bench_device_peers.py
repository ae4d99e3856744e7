#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One run of another loader, in a process of its own, for bench_device.py.

    python3 tests/bench/bench_device_peers.py LOADER DIRECTORY DEVICE [OPTIONS]

Prints one JSON object as its last line; a failure is {"error": …} and exit status 1. LOADER is one of
LOADERS below, or `probe`, which says what machine this is.

The clock starts when everything is imported, the CUDA context is there and the kernels of the end state
have run once on a few elements; it stops when the device has done all work. What is timed: the loader
itself, and then in torch what our load does on its way: q, k, v and gate, up joined to one tensor each, 1
added to every norm, and nothing left of the tensors that were joined.

--check     a fingerprint of every final tensor, made on the device after the clock
--sample    the least free device memory seen, by a thread that looks every 10 ms
--second    free it all and load again in the same process
--digests   XXH3-128 of every final tensor
"""

import argparse
import functools
import gc
import json
import os
import pathlib
import re
import sys
import threading
import time

from bench_load import peer_plan, weight_files

FST_BLOCK = 256 << 20


# Loaders: what is imported first, then name to tensor on the device. `views` of larger memory are copied out.

def with_safetensors():
    from safetensors.torch import load_file

    def load(files, _directory, device):
        source = {}
        for path in files:
            source.update(load_file(path, device=device))
        return source

    return load


def with_transformers():
    import torch
    from transformers import Gemma3ForCausalLM

    def load(_files, directory, device):
        model = Gemma3ForCausalLM.from_pretrained(directory, dtype=torch.bfloat16, device_map=device)
        return dict(model.state_dict())

    return load


def with_instanttensor():
    import instanttensor

    def load(files, _directory, device):
        with instanttensor.safe_open(list(files), framework="pt", device=device) as opened:
            return dict(opened.tensors())

    return load


def with_runai():
    from runai_model_streamer import SafetensorsStreamer

    def load(files, _directory, device):
        with SafetensorsStreamer() as streamer:
            streamer.stream_files(list(files), device=device)
            return dict(streamer.get_tensors())

    return load


def with_fastsafetensors(**options):
    from fastsafetensors import SafeTensorsFileLoader, SingleGroup

    def load(files, _directory, device):
        loader = SafeTensorsFileLoader(SingleGroup(), device=device, nogds=True, max_threads=16)
        loader.add_filenames({0: list(files)})
        buffers = loader.copy_files_to_device(**options)
        source = {name: buffers.get_tensor(name) for name in list(buffers.key_to_rank_lidx)}
        buffers.close()
        loader.close()
        return source

    load.views = True
    return load


LOADERS = {
    "safetensors": (with_safetensors, "safetensors"),
    "transformers": (with_transformers, "transformers"),
    "instanttensor": (with_instanttensor, "instanttensor"),
    "runai": (with_runai, "runai-model-streamer"),
    "fastsafetensors": (with_fastsafetensors, "fastsafetensors"),
    "fastsafetensors-blocks": (functools.partial(with_fastsafetensors, max_copy_block_size=FST_BLOCK),
                               "fastsafetensors"),
}


# The end state.

def fuse(source, views):
    """Name to final tensor; `source` is empty afterwards, its parts are freed as they are used."""
    import torch

    final = {}
    for name, (parts, how) in peer_plan(source).items():
        pieces = [source.pop(part) for part in parts]
        if how == "norm":
            final[name] = pieces[0] + 1
        elif len(pieces) > 1:
            final[name] = torch.cat(pieces)
        else:
            final[name] = pieces[0].clone() if views else pieces[0]
        del pieces
    source.clear()
    return final


def synchronize(device):
    import torch

    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def make_context(device):
    """The context, and every kernel of the end state once."""
    import torch

    if device.startswith("cuda"):
        torch.cuda.init()
        torch.cuda.set_device(device)
    ones = torch.ones((2, 2), dtype=torch.bfloat16, device=device)
    torch.cat([ones, ones + 1]).clone()
    synchronize(device)


def timed(load, files, directory, device):
    """(final tensors, seconds of the loader's call, seconds of all)"""
    start = time.perf_counter()
    source = load(files, directory, device)
    called = time.perf_counter()
    final = fuse(source, getattr(load, "views", False))
    synchronize(device)
    return final, called - start, time.perf_counter() - start


class FreeMemory:
    """The least free memory of the device while it is entered."""

    def __init__(self, device):
        self.device, self.least, self.stop = device, None, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        import torch

        while not self.stop.is_set():
            free = torch.cuda.mem_get_info(self.device)[0]
            self.least = free if self.least is None else min(self.least, free)
            self.stop.wait(0.01)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def fingerprint(final):
    """Words that differ when any tensor does: sums of all its numbers and of the second half of them."""
    import hashlib

    import torch

    sums = []
    for _, tensor in sorted(final.items()):
        bits = tensor.view(torch.int16).flatten()
        sums += [bits.sum(dtype=torch.int64), bits[bits.numel() // 2:].sum(dtype=torch.int64)]
    words = [*sorted(final), *(str(tuple(final[name].shape)) for name in sorted(final)),
             *map(str, torch.stack(sums).tolist())]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def digests(final):
    import torch
    import xxhash

    return {name: xxhash.xxh3_128_hexdigest(tensor.view(torch.uint8).cpu().numpy().data)
            for name, tensor in final.items()}


# The process.

def probe(device):
    import numpy
    import safetensors
    import torch
    import transformers

    result = {"torch": torch.__version__, "transformers": transformers.__version__,
              "safetensors": safetensors.__version__, "numpy": numpy.__version__}
    make_context(device)
    if device.startswith("cuda"):
        free, total = torch.cuda.mem_get_info(device)
        with open("/proc/self/maps", encoding="ascii", errors="replace") as f:
            runtimes = set(re.findall(r"\S+/libcudart\.so\S*", f.read()))
        result |= {"device": torch.cuda.get_device_name(device), "cuda": torch.version.cuda, "free": free,
                   "total": total, "libcudart": sorted(runtimes)}
    return result


def run(args):
    import importlib.metadata

    import torch

    make, package = LOADERS[args.loader]
    load = make()
    result = {"version": importlib.metadata.version(package), "torch": torch.__version__}
    on_device = args.device.startswith("cuda")
    files = [str(path) for path in weight_files(args.directory)]
    make_context(args.device)
    if on_device:
        torch.cuda.reset_peak_memory_stats()
        result["free_before"] = torch.cuda.mem_get_info(args.device)[0]
    if args.sample and on_device:
        with FreeMemory(args.device) as memory:
            final, called, seconds = timed(load, files, str(args.directory), args.device)
        result["free_least"] = memory.least
    else:
        final, called, seconds = timed(load, files, str(args.directory), args.device)
    result |= {"seconds": seconds, "call_seconds": called, "tensors": len(final),
               "final_bytes": sum(tensor.nbytes for tensor in final.values()),
               "devices": sorted({str(tensor.device) for tensor in final.values()}),
               "dtypes": sorted({str(tensor.dtype) for tensor in final.values()})}
    if on_device:
        result |= {"max_memory_allocated": torch.cuda.max_memory_allocated(),
                   "max_memory_reserved": torch.cuda.max_memory_reserved()}
    if args.check:
        result["fingerprint"] = fingerprint(final)
    if args.digests:
        result["digests"] = digests(final)
    if args.second:
        del final
        gc.collect()
        synchronize(args.device)
        _, _, result["second_seconds"] = timed(load, files, str(args.directory), args.device)
    return result


def main():
    parser = argparse.ArgumentParser(description="One run of another loader, for bench_device.py.")
    parser.add_argument("loader", choices=["probe", *LOADERS])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("device")
    for flag in ("check", "sample", "second", "digests"):
        parser.add_argument(f"--{flag}", action="store_true")
    args = parser.parse_args()
    status = 0
    try:
        result = probe(args.device) if args.loader == "probe" else run(args)
    except BaseException as problem:  # whatever a loader throws is a row of the table
        import traceback

        traceback.print_exc()
        words = " ".join(str(problem).split())
        result, status = {"error": f"{type(problem).__name__}: {words[:400]}"}, 1
    print("\n" + json.dumps(result), flush=True)
    sys.stderr.flush()
    os._exit(status)  # a loader's way of taking itself apart is not measured


if __name__ == "__main__":
    main()
