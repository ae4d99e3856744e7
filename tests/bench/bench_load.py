#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time a load on the CPU beside what safetensors and torch need for the same end state.

    python3 tests/bench/bench_load.py build/ckpt-host build/plugins WORK_DIR

A 4 GB Gemma-3-like checkpoint per dtype is made in WORK_DIR unless it is there. Run it with a Python that
has torch, safetensors and numpy (and xxhash, for the comparison of every final byte; --no-compare leaves that
out).

Rules. Every run is a fresh process and its files are in the page cache. Runs are interleaved; the medians
are compared. Both sides end with every final byte in private memory. The peer's imports are not counted, and
of two ways of writing it (torch.cat of the pieces; copy_ of the pieces into one torch.empty) the faster is
the peer. Ours is the wall clock of the whole process. Beside them, what the machine can do: two threads that
pread() the same files into fresh private memory (with and without huge pages) and into two small buffers, and
memcpy.

The cases cover: sources fused as they are, copied and with what is not fused mapped privately (ours alone: the
peer copies); fp32 cast to bf16; tensor parallelism, rank 0 of 2, where
attention and MLP are split by columns and by rows. Exit status 0 unless something broke.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
CASES = {  # name: dtype of the checkpoint, options of ckpt-host, tensor-parallel size
    "fused": ("bf16", [], 1),
    "mapped": ("bf16", ["--io", "mapped"], 1),
    "cast": ("fp32", ["--dtype", "BF16"], 1),
    "column": ("bf16", ["--tp-size", "2", "--tp-rank", "0"], 2),
}
PEERS = ("cat", "copy")
RATIO_WANTED = 1.2
MARGIN_WANTED = 256 * 2**20


class Broken(Exception):
    """Something other than a slow run."""


def weight_files(directory):
    return sorted(path for path in directory.iterdir() if path.suffix in (".safetensors", ".bin"))


def warm(directory):
    """Reads every weight file once."""
    buffer = bytearray(4 << 20)
    for path in weight_files(directory):
        with open(path, "rb", buffering=0) as f:
            while f.readinto(buffer):
                pass


def run_process(command):
    """(stdout, seconds, resource usage) of one process.

    The kernel counts the parent's own peak as the child's until exec, so this process imports nothing large.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        stdout = out.read().decode()
        if process.returncode != 0:
            raise Broken(f"{command} ended with {process.returncode}:\n{stdout}{err.read().decode()}")
        return stdout, seconds, usage


def costs(usage):
    """Bytes: the resident peak, and what came from the disk rather than from the page cache."""
    return {"peak": usage.ru_maxrss * 1024, "from_disk": usage.ru_inblock * 512}


def run_self(mode, directory, *options, script=__file__):
    stdout, _, _ = run_process([sys.executable, script, f"--as={mode}", str(directory), *options])
    return json.loads(stdout)


def run_ours(args, directory, options):
    warm(directory)
    command = [args.ckpt_host, "--plugin-dir", args.plugin_dir, "load", str(directory), "--json", *options]
    stdout, seconds, usage = run_process(command)
    return {"seconds": seconds, **costs(usage), "report": json.loads(stdout)}


def objects(tree):
    """Every JSON object in a report, whatever its place."""
    if isinstance(tree, dict):
        yield tree
    for child in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from objects(child)


def reported_seconds(report):
    """The tool's own figure: total_seconds, or the sum of its phases."""
    phases = [{k: v for k, v in o.items() if k.endswith("_seconds")} for o in objects(report)]
    flat = {key: value for phase in phases for key, value in phase.items()}
    return flat.get("total_seconds", sum(flat.values())) if flat else float("nan")


# What runs in a fresh process: the peer, and the machine's limit.

def peer_plan(names):
    """Final name to (sources, how): how is 'column', 'row', 'vocabulary', 'norm'."""
    plan = {}
    for name in names:
        if name.endswith("self_attn.q_proj.weight"):
            sources = [name.replace("q_proj", source) for source in ("q_proj", "k_proj", "v_proj")]
            plan[name.replace("q_proj", "qkv_proj")] = (sources, "column")
        elif name.endswith("mlp.gate_proj.weight"):
            sources = [name, name.replace("gate_proj", "up_proj")]
            plan[name.replace("gate_proj", "gate_up_proj")] = (sources, "column")
        elif name.endswith(("o_proj.weight", "down_proj.weight")):
            plan[name] = ([name], "row")
        elif name.endswith("embed_tokens.weight"):
            plan[name] = ([name], "vocabulary")
        elif "norm" in name:
            plan[name] = ([name], "norm")
    return plan


def peer(directory, way, tp, digest):
    """Loads rank 0 with safetensors and torch; the result is bf16 in private memory."""
    import resource

    import safetensors
    import torch

    def piece(name, how):
        if tp == 1 or how == "norm":
            return where[name].get_tensor(name)
        view = where[name].get_slice(name)
        dim = 1 if how == "row" else 0
        width = view.get_shape()[dim] // tp
        return view[:, :width] if dim == 1 else view[:width]

    def joined(pieces):
        if way == "cat":
            if len(pieces) == 1:
                return pieces[0].to(torch.bfloat16, copy=True, memory_format=torch.contiguous_format)
            return torch.cat([p.to(torch.bfloat16) for p in pieces])
        rows = sum(p.shape[0] for p in pieces)
        result, at = torch.empty((rows, *pieces[0].shape[1:]), dtype=torch.bfloat16), 0
        for p in pieces:
            result[at:at + p.shape[0]].copy_(p)
            at += p.shape[0]
        return result

    start = time.perf_counter()
    handles = [safetensors.safe_open(path, framework="pt") for path in weight_files(directory)]
    where = {name: handle for handle in handles for name in handle.keys()}
    tensors = {}
    for name, (sources, how) in peer_plan(where).items():
        pieces = [piece(source, how) for source in sources]
        tensors[name] = (pieces[0] + 1).to(torch.bfloat16) if how == "norm" else joined(pieces)
    seconds = time.perf_counter() - start
    result = {"seconds": seconds, **costs(resource.getrusage(resource.RUSAGE_SELF)),
              "final": sum(t.nbytes for t in tensors.values()),
              "versions": f"torch {torch.__version__}, safetensors {safetensors.__version__}, "
                          f"{torch.get_num_threads()} threads"}
    if digest:
        result["digests"] = digests_of(tensors)
    return result


def digests_of(tensors):
    import torch
    import xxhash

    return {name: xxhash.xxh3_128_hexdigest(t.view(torch.uint8).numpy().data) for name, t in tensors.items()}


def in_two_threads(work, items):
    """Seconds that work(thread, item) takes over the items, dealt to two threads in turn."""
    import threading

    def worker(number):
        for item in items[number::2]:
            work(number, item)

    threads = [threading.Thread(target=worker, args=(n,)) for n in range(2)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def measure_pread(files, chunk, place):
    """GB/s of two threads; place(thread, position, size) gives the memory for the bytes of that position."""
    fds, items, position = [os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in files], [], 0
    for fd in fds:
        size = os.fstat(fd).st_size
        items += [(fd, at, min(chunk, size - at), position + at) for at in range(0, size, chunk)]
        position += size

    def work(number, item):
        fd, at, size, target = item
        if os.preadv(fd, [place(number, target, size)], at) != size:
            raise Broken("a weight file changed while it was read")

    seconds = in_two_threads(work, items)
    for fd in fds:
        os.close(fd)
    return position / seconds / 1e9


def limit(directory):
    """The machine's rates, in GB/s."""
    import ctypes
    import mmap

    files, chunk = weight_files(directory), 4 << 20
    total = sum(path.stat().st_size for path in files)

    def into_fresh(advice):
        # Not closed: unmapping is no part of the figure, and the process ends soon.
        memory = mmap.mmap(-1, total, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(advice)
        view = memoryview(memory)
        rate = measure_pread(files, chunk, lambda number, at, size: view[at:at + size])
        view.release()
        memory.close()
        return rate

    small = [memoryview(bytearray(chunk)) for _ in range(2)]
    large = [ctypes.create_string_buffer(b"\1" * (64 << 20), 64 << 20) for _ in range(4)]
    copies = in_two_threads(lambda n, _: ctypes.memmove(large[2 * n], large[2 * n + 1], 64 << 20), range(32))
    return {"huge": into_fresh(mmap.MADV_HUGEPAGE), "fresh": into_fresh(mmap.MADV_NOHUGEPAGE),
            "small": measure_pread(files, chunk, lambda number, at, size: small[number][:size]),
            "memcpy": 32 * (64 << 20) / copies / 1e9}


# The comparison.

def checkpoint(args, dtype, file_format="safetensors"):
    suffix = "" if file_format == "safetensors" else f"-{file_format}"
    directory = args.work_dir / f"synthetic-{dtype}-{args.bytes}{suffix}"
    if not (directory / "config.json").exists():
        print(f"making {directory} …", flush=True)
        run_process([sys.executable, str(HERE.parent / "tools" / "make_synthetic.py"), str(directory),
                     f"--bytes={args.bytes}", f"--dtype={dtype}", "--shards=2", f"--layers={args.layers}",
                     f"--format={file_format}"])
    return directory


def compare(args, directory, options, theirs):
    """Our end state with another's digests, which stand for its bytes."""
    report = run_ours(args, directory, [*options, "--digest"])["report"]
    ours = {o["name"]: o["digest"] for o in objects(report) if "name" in o and "digest" in o}
    different = sorted(name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name))
    if different:
        raise Broken(f"{directory}: {len(different)} tensors end unlike the peer's, as {different[:3]}")


def run_case(args, name):
    """Lists of results, one entry a round."""
    dtype, options, tp = CASES[name]
    directory = checkpoint(args, dtype)
    results = {"ours": [], "limit": [], **{way: [] for way in PEERS}}
    warm(directory)
    if not args.no_compare:
        compare(args, directory, options, run_self("peer", directory, "copy", str(tp), "digest")["digests"])
    for number in range(-1, args.runs):  # round -1 warms up and is not counted
        for way in PEERS:
            warm(directory)
            results[way].append(run_self("peer", directory, way, str(tp)))
        results["ours"].append(run_ours(args, directory, options))
        warm(directory)
        results["limit"].append(run_self("limit", directory))
        if number < 0:
            results = {key: [] for key in results}
    return results


def median_of(results, key="seconds"):
    return statistics.median(r[key] for r in results)


def report_case(name, results):
    seconds = {way: median_of(results[way]) for way in PEERS}
    best = min(PEERS, key=seconds.get)
    ours, final = median_of(results["ours"]), results[best][0]["final"]
    own = statistics.median(reported_seconds(r["report"]) for r in results["ours"])
    ratio = ours / seconds[best]
    margin = max(r["peak"] for r in results["ours"]) - final
    spread = " ".join(f"{r['seconds']:.2f}" for r in results["ours"])
    peer_spread = " ".join(f"{r['seconds']:.2f}" for r in results[best])
    rates = ", ".join(f"{key} {median_of(results['limit'], key):.2f}" for key in results["limit"][0])
    verdict = "met" if ratio <= RATIO_WANTED and margin <= MARGIN_WANTED else "NOT met"
    print(f"{name:8} {final / 1e9:6.2f} {seconds['cat']:7.2f} {seconds['copy']:7.2f} {ours:7.2f} {own:8.2f} "
          f"{ratio:6.2f} {margin / 2**20:+9.0f} {results[best][0]['peak'] / 2**20:9.0f}  {verdict}")
    print(f"         {results[best][0]['versions']}")
    print(f"         ours: {spread}; peer ({best}): {peer_spread}")
    print(f"         limit, GB/s: {rates}", flush=True)


def main():
    if len(sys.argv) > 1 and sys.argv[1].startswith("--as="):
        directory = pathlib.Path(sys.argv[2])
        if sys.argv[1] == "--as=limit":
            print(json.dumps(limit(directory)))
        else:
            print(json.dumps(peer(directory, sys.argv[3], int(sys.argv[4]), "digest" in sys.argv[5:])))
        return 0
    parser = argparse.ArgumentParser(description="Time ckpt-host load beside safetensors + torch, on the CPU.")
    parser.add_argument("ckpt_host")
    parser.add_argument("plugin_dir")
    parser.add_argument("work_dir", type=pathlib.Path)
    parser.add_argument("--bytes", type=int, default=4_000_000_000, help="size of each checkpoint")
    parser.add_argument("--layers", type=int, default=26)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--no-compare", action="store_true", help="do not compare the final bytes")
    args = parser.parse_args()

    args.work_dir.mkdir(parents=True, exist_ok=True)
    print(f"{os.cpu_count()} CPUs, Linux {os.uname().release}, medians of {args.runs}; wanted: "
          f"ratio <= {RATIO_WANTED}, peak <= final + {MARGIN_WANTED >> 20} MiB")
    print("case      final     peer    peer    ours      own  ratio  our peak      peer")
    print("             GB    cat s  copy s       s report s         over MiB  peak MiB", flush=True)
    for name in args.cases:
        try:
            report_case(name, run_case(args, name))
        except (Broken, OSError, ValueError, KeyError) as problem:
            print(f"bench_load: {name}: {type(problem).__name__}: {problem}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
