#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time a load of torch files on the CPU beside the same tensors as safetensors, and beside torch.load.

    python3 tests/bench/bench_torch.py build/ckpt-host build/plugins WORK_DIR

A 4 GB Gemma-3-like checkpoint in bf16 is made in WORK_DIR, once as safetensors and once as torch files,
unless it is there. Run it with a Python that has torch and numpy (and xxhash, for the comparison of every
final byte; --no-compare leaves that out).

Rules. Every run is a fresh process and its files are in the page cache; a run that read from the disk after
all ends the benchmark. Runs are interleaved, in turns from either end; the medians are compared. All sides
end with every final byte in private memory. Ours is the wall clock of the whole process. The peer is
torch.load(mmap=True, weights_only=True) of each file and the same fuse: torch.cat where sources are joined,
clone() where one is kept as it is, + 1 for norms; its imports are not counted.

Beside them, the fixed part: a plan of either directory, which reads no payload. Exit status 0 unless
something broke; a ratio that is not met is said, not failed. Where the ratio of the minima is far from that
of the medians, other work disturbed the runs: repeat it with more of them (--runs).
"""

import argparse
import json
import os
import pathlib
import statistics
import sys
import time

from bench_load import (Broken, checkpoint, compare, costs, digests_of, median_of, peer_plan, run_ours,
                        run_process, run_self, warm, weight_files)

OPTIONS = []  # of ckpt-host load
SIDES = ("safetensors", "peer", "torch")
LABELS = {"safetensors": "ours, safetensors", "peer": "torch.load, .bin", "torch": "ours, .bin",
          "plan safetensors": "plan, safetensors", "plan torch": "plan, .bin"}
WANTED = {"safetensors": 1.05, "peer": 1.0}  # ours on torch files over each of these, at most
SLACK = 2**30  # for the processes themselves
DISK_ALLOWED = 16 * 2**20  # of one run: pages of the programs may come and go, the files may not


# What runs in a fresh process: the peer.

def end_state(pieces, how):
    """One final tensor; nothing of it stays in the mapped file."""
    if how == "norm":
        return pieces[0] + 1
    import torch
    return torch.cat(pieces) if len(pieces) > 1 else pieces[0].clone()


def peer(directory, digest):
    import resource

    import torch

    imported = costs(resource.getrusage(resource.RUSAGE_SELF))
    start = time.perf_counter()
    mapped, tensors = {}, {}
    for path in weight_files(directory):
        mapped.update(torch.load(str(path), mmap=True, weights_only=True))
    for name, (sources, how) in peer_plan(mapped).items():
        tensors[name] = end_state([mapped[source] for source in sources], how)
    seconds = time.perf_counter() - start
    result = {"seconds": seconds, **costs(resource.getrusage(resource.RUSAGE_SELF)),
              "final": sum(t.nbytes for t in tensors.values()),
              "versions": f"torch {torch.__version__}, {torch.get_num_threads()} threads"}
    result["from_disk"] -= imported["from_disk"]
    if digest:
        result["digests"] = digests_of(tensors)
    return result


# The comparison.

def check_memory(size):
    """Both checkpoints stay in the page cache while one of them becomes tensors."""
    with open("/proc/meminfo", encoding="ascii") as f:
        fields = dict(line.split(":") for line in f)
    available, needed = int(fields["MemAvailable"].split()[0]) * 1024, 3 * size + SLACK
    if available < needed:
        raise Broken(f"two checkpoints of {size} bytes and the tensors of one need {needed >> 20} MiB, and "
                     f"{available >> 20} MiB of memory are available: free some, or lower --bytes")


def checkpoints(args):
    directories = {name: checkpoint(args, "bf16", name) for name in ("safetensors", "torch")}
    configs = {(directory / "config.json").read_text() for directory in directories.values()}
    if len(configs) > 1:
        raise Broken(f"the checkpoints in {args.work_dir} are of two models: remove one and run again")
    return directories


def run_peer(directory, *options):
    warm(directory)
    return run_self("peer", directory, *options, script=__file__)


def run_plan(args, directory):
    command = [args.ckpt_host, "--plugin-dir", args.plugin_dir, "plan", str(directory), *OPTIONS]
    _, seconds, usage = run_process(command)
    return {"seconds": seconds, **costs(usage)}


def run_round(args, directories, order):
    """Name to result of one run of each."""
    results = {}
    for side in order:
        if side == "peer":
            results[side] = run_peer(directories["torch"])
        else:
            results[side] = run_ours(args, directories[side], OPTIONS)
            results[f"plan {side}"] = run_plan(args, directories[side])
    return results


def check_from_cache(results):
    for name, result in results.items():
        if result["from_disk"] > DISK_ALLOWED:
            raise Broken(f"{LABELS[name]}: {result['from_disk'] >> 20} MiB came from the disk, so the files "
                         f"had left the page cache: free some memory, or lower --bytes")


def run_all(args):
    """Name to its results, one a round."""
    directories = checkpoints(args)
    for directory in directories.values():
        warm(directory)
    if not args.no_compare:
        theirs = run_peer(directories["torch"], "digest")["digests"]
        for directory in directories.values():
            compare(args, directory, OPTIONS, theirs)
        print(f"all {len(theirs)} final tensors are the same, byte for byte", flush=True)
    results = {name: [] for name in LABELS}
    for number in range(-1, args.runs):  # round -1 warms up and is not counted
        one_round = run_round(args, directories, SIDES if number % 2 == 0 else SIDES[::-1])
        if number < 0:
            continue
        check_from_cache(one_round)
        for name, result in one_round.items():
            results[name].append(result)
    return results


def fastest(results):
    return min(r["seconds"] for r in results)


def report(results):
    print(f"{results['peer'][0]['final'] / 1e9:.2f} GB of final tensors; {results['peer'][0]['versions']}")
    print("                    median      min      max     peak  runs")
    print("                         s        s        s      MiB  s")
    for name, label in LABELS.items():
        runs = [r["seconds"] for r in results[name]]
        peak, each = max(r["peak"] for r in results[name]), " ".join(f"{seconds:.3f}" for seconds in runs)
        print(f"{label:17} {statistics.median(runs):8.3f} {min(runs):8.3f} {max(runs):8.3f} "
              f"{peak / 2**20:8.0f}  {each}")
    for name, wanted in WANTED.items():
        ratio = median_of(results["torch"]) / median_of(results[name])
        of_minima = fastest(results["torch"]) / fastest(results[name])
        print(f"{LABELS['torch']} / {LABELS[name]}: {ratio:.3f}, wanted <= {wanted:.2f}: "
              f"{'met' if ratio <= wanted else 'NOT met'} (minima: {of_minima:.3f})")


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--as=peer":
        print(json.dumps(peer(pathlib.Path(sys.argv[2]), "digest" in sys.argv[3:])))
        return 0
    parser = argparse.ArgumentParser(description="Time ckpt-host load of torch files, on the CPU.")
    parser.add_argument("ckpt_host")
    parser.add_argument("plugin_dir")
    parser.add_argument("work_dir", type=pathlib.Path)
    parser.add_argument("--bytes", type=int, default=4_000_000_000, help="size of each checkpoint")
    parser.add_argument("--layers", type=int, default=26)
    parser.add_argument("--runs", type=int, default=6,
                        help="if even, what runs before either of ours is the same in sum")
    parser.add_argument("--no-compare", action="store_true", help="do not compare the final bytes")
    args = parser.parse_args()

    args.work_dir.mkdir(parents=True, exist_ok=True)
    print(f"{os.cpu_count()} CPUs, Linux {os.uname().release}, medians of {args.runs}", flush=True)
    try:
        check_memory(args.bytes)
        report(run_all(args))
    except (Broken, OSError, ValueError, KeyError) as problem:
        print(f"bench_torch: {type(problem).__name__}: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
