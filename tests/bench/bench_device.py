#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time a load to a GPU beside other loaders and beside what the machine can do.

How to run it. Where there is a compiler and a network, from the root of a working tree:

    tests/device/pack build PACK                   # tool, library, plugins, CUDA library, benchmarks
    tests/bench/fetch_peers.sh WHEELS              # the other loaders

Carry PACK and WHEELS along with the tree to a machine with a GPU, and a python3 there that has torch,
transformers, accelerate and safetensors. Nothing is built there and nothing fetched. As root, so that the
page cache can be dropped:

    python3 tests/bench/bench_device.py warm PACK --wheels WHEELS --work WORK --out OUT
    python3 tests/bench/bench_device.py cold PACK --wheels WHEELS --work WORK --out OUT

WORK takes the checkpoints (24 GB and 5 GB, made unless they are there) and wants a real disk; 50 GB of
memory are used by `warm`. Each command ends within its --budget (480 s, 190 s) where no single process
hangs; what is known so far is printed as it comes, the table last, also when it is interrupted. Raw numbers
go to OUT/bench.json, under the command. With --device cpu everything that can runs without a GPU: a way to
try these scripts, not a benchmark.

Rules. Every run is a fresh process; a round has one run of each, in turns from either end; the first round
warms up and is not counted. Imports, the CUDA context and first kernels are not counted, for anybody: ours
is bench-embed, a program that makes the context through the driver and then times ckpt_load_run. Its first
load makes all that the library keeps on the device, staging memory included, and is what others are
compared with; later loads in the process stand beside it. `ours, whole process` is ckpt-host from exec to
exit, context and all. All sides end with the same: every parameter in bf16 on the device, q, k, v and gate,
up as one tensor each, norms plus 1, no other tensor left. Others do the last steps with torch.cat and + on
the device. Of variants of one loader (runai's concurrency, fastsafetensors' block) the fastest of the first
counted round stays. Loaders that read past the page cache get two counted runs in `warm`. If time is short,
others than ours and InstantTensor lose their last rounds; the table says how many runs each row has.

The limit is what one pinned copy engine does (`warm`) or threads that read past the page cache (`cold`).
Memory is the peak of torch's allocator, and of the whole device as NVML sees it over its idle state, in the
first run of each.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import signal
import statistics
import sys
import time

import bench_device_steps as steps
from bench_device_process import (DeviceMemory, Failed, cached_part, drop_files, read_files, run_json,
                                  weights_of)
from bench_device_report import print_cold, print_warm

PEERS = pathlib.Path(__file__).resolve().parent / "bench_device_peers.py"
COLD_SCALE = 0.21
FAILURES_ALLOWED = 2
FIRST_GUESS = 25  # seconds of a run that was never seen


@dataclasses.dataclass
class Side:
    name: str
    label: str
    command: list
    kind: str  # "embed", "tool", "peer"
    files: pathlib.Path
    env: dict = dataclasses.field(default_factory=dict)
    group: str = ""  # variants of one loader
    essential: bool = False  # gives up no round to a short budget
    most: int = 1000  # counted runs; fewer than that: no warm-up either
    cost: float = FIRST_GUESS
    dropped: str = ""
    runs: list = dataclasses.field(default_factory=list)
    failures: list = dataclasses.field(default_factory=list)


class Bench:
    """What a command knows: where things are, what was measured, when it must end."""

    def __init__(self, args):
        self.args, self.start, self.work = args, time.monotonic(), args.work.resolve()
        self.out, self.pack, self.site = args.out.resolve(), self.work / "pack", self.work / "site"
        self.sides, self.undo = [], []
        self.numbers = {"command": args.command, "device": args.device, "cpus": os.cpu_count(),
                        "linux": platform.release(), "runs": args.runs, "failures": {}}
        libraries = f"{self.pack}:{self.pack / 'lib'}"
        if os.environ.get("LD_LIBRARY_PATH"):
            libraries += ":" + os.environ["LD_LIBRARY_PATH"]
        self.ours_env = {"LD_LIBRARY_PATH": libraries, "CKPT_BACKEND_DIR": str(self.pack / "kernels"),
                         "CKPT_TEST_BACKENDS": str(self.pack / "kernels")}
        self.peer_env = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "TQDM_DISABLE": "1",
                         "TOKENIZERS_PARALLELISM": "false", "INSTANTTENSOR_CACHE_BUFFER": "1"}
        self.peer_env["PYTHONPATH"] = ":".join(filter(None, [str(self.site), os.environ.get("PYTHONPATH")]))

    def left(self):
        return self.start + self.args.budget - time.monotonic()

    def timeout(self):
        return max(5, min(self.args.timeout, self.left()))

    def say(self, text):
        print(f"[{time.monotonic() - self.start:5.0f} s] {text}", flush=True)

    def save(self):
        """After every step, so that what is known outlives whatever comes."""
        path = self.out / "bench.json"
        try:
            whole = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            whole = {}
        sides = {side.name: {"label": side.label, "runs": side.runs, "failures": side.failures,
                             "dropped": side.dropped} for side in self.sides}
        whole[self.args.command] = {**self.numbers, "sides": sides}
        path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")

    def step(self, name, work, *args):
        """One part; its failure is noted and the rest goes on. None for a failure."""
        result = None
        try:
            result = work(self, *args)
        except Exception as problem:  # a fault of these scripts is a row too, not the end
            words = str(problem) if isinstance(problem, Failed) else f"{type(problem).__name__}: {problem}"
            self.numbers["failures"][name] = words
            self.say(f"{name}: FAILED: {words}")
        self.save()
        return result

    def tool(self, *words):
        return [self.pack / "ckpt-host", "--plugin-dir", self.pack / "plugins", *words]

    def embed(self, directory, *words, loads=3):
        return [self.pack / "bench" / "bench-embed", "--plugin-dir", self.pack / "plugins", "--device",
                self.args.device, "--loads", str(loads), *words, directory]

    def peer(self, loader, directory, *flags):
        return [sys.executable, PEERS, loader, directory, self.args.device, *flags]


# Sides and rounds.

def our_sides(bench, directory, memory):
    load = bench.tool("load", directory, "--device", bench.args.device, "--json")
    sides = [Side("embed", "ours, first load", bench.embed(directory), "embed", directory, essential=True),
             Side("tool", "ours, whole process", load, "tool", directory, essential=True)]
    for mode in bench.args.io:
        command = bench.embed(directory, "--io", mode)
        sides.append(Side(f"embed-{mode}", f"ours, io {mode}, first load", command, "embed", directory,
                          essential=True))
    if memory:
        sides.append(Side("embed-tmpfs", "ours, tmpfs, first load", bench.embed(memory), "embed", memory,
                          essential=True))
    for side in sides:
        side.env = bench.ours_env
    return sides


def peer_sides(bench, directory, memory):
    """Each with the settings that suit files in the page cache; InstantTensor's default reads past it."""
    def side(name, label, loader, env=None, where=directory, flags=(), **rest):
        return Side(name, label, bench.peer(loader, where, *flags), "peer", where,
                    {**bench.peer_env, **(env or {})}, **rest)

    def runai(strategy, concurrency):
        env = {"RUNAI_STREAMER_FS_STRATEGY": strategy, "RUNAI_STREAMER_CONCURRENCY": str(concurrency)}
        return side(f"runai-{strategy}-{concurrency}", f"runai-model-streamer, {strategy}, {concurrency}",
                    "runai", env, group="runai")

    second = ("--second",)
    sides = [
        side("instanttensor-buffered", "InstantTensor, BUFFERED", "instanttensor",
             {"INSTANTTENSOR_BACKEND": "BUFFERED"}, flags=second, essential=True),
        side("safetensors", "safetensors", "safetensors"),
        side("transformers", "transformers", "transformers"),
        runai("sync_buffered", 16), runai("sync_buffered", 32), runai("io_uring_buffered", 16),
        side("fastsafetensors", "fastsafetensors, nogds", "fastsafetensors", {"FASTSAFETENSORS_ODIRECT": "0"},
             group="fastsafetensors"),
        side("fastsafetensors-blocks", "fastsafetensors, nogds, 256 MiB blocks", "fastsafetensors-blocks",
             {"FASTSAFETENSORS_ODIRECT": "0"}, group="fastsafetensors"),
        side("instanttensor", "InstantTensor, default (past the cache)", "instanttensor", most=2),
    ]
    if memory:
        sides.insert(1, side("instanttensor-tmpfs", "InstantTensor, tmpfs", "instanttensor", where=memory,
                             flags=second, essential=True))
    return sides


def seconds_of(side, report, wall):
    """(seconds of the first load, of a later one or None)"""
    if side.kind == "embed":
        later = [load["wall_seconds"] for load in report["loads"][1:]]
        return report["loads"][0]["wall_seconds"], statistics.median(later) if later else None
    if side.kind == "tool":
        return wall, None
    return report["seconds"], report.get("second_seconds")


def run_once(bench, side, counted, watched):
    """One run, noted; False for a failure, after which a side may be dropped."""
    extra = ["--check", "--sample"] if watched and side.kind == "peer" else []
    started = time.monotonic()
    try:
        with DeviceMemory(watched and bench.args.device != "cpu") as memory:
            report, wall, from_disk = run_json([*side.command, *extra], side.env, bench.timeout())
        seconds, later = seconds_of(side, report, wall)
    except (Failed, KeyError, IndexError, TypeError) as problem:
        words = str(problem) if isinstance(problem, Failed) else f"unexpected report: {problem!r}"
        side.failures.append(words)
        if len(side.failures) >= FAILURES_ALLOWED or "not done after" in words:
            side.dropped = words
        side.cost = time.monotonic() - started
        bench.say(f"{side.label}: FAILED: {words}")
        bench.save()
        return False
    report.pop("parameters", None)
    side.runs.append({"seconds": seconds, "later": later, "wall": wall, "from_disk": from_disk,
                      "counted": counted, "device_peak": memory.peak(), "report": report})
    side.cost = time.monotonic() - started
    bench.say(f"{side.label}: {seconds:.3f} s{'' if later is None else f', again {later:.3f} s'}"
              f"{'' if counted else ' (not counted)'}")
    bench.save()
    return True


def counted_runs(side):
    return sum(run["counted"] for run in side.runs)


def is_affordable(bench, side, pending, rounds_left):
    """Others leave the time for the essential ones: those pending in this round, all in later ones."""
    if side.essential:
        return side.cost < bench.left()
    kept = [other.cost for other in [*pending, *bench.sides * rounds_left]
            if other.essential and not other.dropped]
    return side.cost + sum(kept) < bench.left()


def choose_variants(bench):
    """Of each group the fastest in the first counted round stays, for the warm-up meets fresh memory."""
    for group in {side.group for side in bench.sides if side.group}:
        variants = [side for side in bench.sides if side.group == group]
        best = min(filter(counted_runs, variants), key=lambda side: side.runs[-1]["seconds"], default=None)
        for side in variants:
            if best and side is not best and not side.dropped:
                ran = counted_runs(side) > 0
                side.dropped = f"slower than '{best.label}'" if ran else "not reached when one was chosen"


def run_rounds(bench):
    for number in range(-1, bench.args.runs):
        order = bench.sides if number % 2 == 0 else bench.sides[::-1]
        if number < 0:  # what the essential ones cost has to be known before others are
            order = sorted(bench.sides, key=lambda side: not side.essential)
        for at, side in enumerate(order):
            is_rare = side.most < bench.args.runs
            if side.dropped or counted_runs(side) >= side.most or (number < 0 and is_rare):
                continue
            if not is_affordable(bench, side, order[at:], bench.args.runs - number - 1):
                bench.say(f"{side.label}: left out of this round, the time is short")
                continue
            run_once(bench, side, number >= 0, not side.runs)
        if number == 0:
            choose_variants(bench)


def check_fingerprints(bench):
    """A loader that made other numbers than safetensors has no time worth a table."""
    wanted = bench.numbers.get("fingerprint")
    for side in bench.sides:
        found = {run["report"]["fingerprint"] for run in side.runs if "fingerprint" in run["report"]}
        if wanted and found - {wanted}:
            side.failures.append("its tensors differ from those of safetensors")


# Commands.

def named(name, scale):
    """A checkpoint of another size is another checkpoint."""
    return name if scale == 1 else f"{name}-{scale}"


def warm_command(bench):
    directory = bench.step("checkpoint", steps.checkpoint, named("gemma3-12b", bench.args.scale), "--scale",
                           str(bench.args.scale))
    if directory is None:
        return
    bench.numbers["bytes"] = sum(steps.shapes_of(directory).values())
    bench.say(f"{read_files(weights_of(directory)) / 1e9:.2f} GB are in the page cache")
    bench.step("limit", steps.link_limit)
    bench.step("same bytes", steps.same_bytes, directory)
    bench.step("tensor parallelism", steps.tensor_parallel, directory)
    bench.step("fixed cost", steps.fixed_cost, directory, "gemma3-12b")
    bench.step("fixed cost of moe100k", steps.moe_cost)
    memory = bench.step("tmpfs", steps.in_memory, directory)
    peers = peer_sides(bench, directory, memory)
    bench.sides = [*our_sides(bench, directory, memory),
                   *(side for side in peers if side.essential or not bench.args.short)]
    run_rounds(bench)


def cold_limit(bench, files):
    """The geometry that is the fastest in the median, for single reads scatter."""
    report = steps.limits(bench, "--no-device", "--disk", *files)
    bench.numbers.setdefault("disk", []).append(report)
    by_shape = zip(*([shape["rate"] for shape in run["disk"]] for run in bench.numbers["disk"]))
    rates = max(by_shape, key=statistics.median)
    bench.numbers["limit"] = statistics.median(rates)
    bench.numbers["limit_range"] = [min(rates), max(rates)]
    bench.say("limit: reads past the page cache " + ", ".join(
        f"{shape['threads']} of {shape['block'] >> 20} MiB {shape['rate']:.3f} GB/s" for shape in report["disk"]))


def drop(bench, files):
    """Programs come back before the clock runs; the checkpoint does not."""
    words = drop_files(files)
    read_files([path for path in bench.pack.rglob("*") if path.is_file()])
    part = cached_part(files)
    bench.numbers.setdefault("cached_before", []).append(part)
    if words:
        bench.numbers["failures"]["drop caches"] = words
    if part:
        bench.say(f"{part:.0%} of the checkpoint are still in the page cache")


def cold_command(bench):
    options = ("--scale", str(COLD_SCALE * bench.args.scale), "--shards", "1")
    directory = bench.step("checkpoint", steps.checkpoint, named("one-shard", bench.args.scale), *options)
    if directory is None:
        return
    files = weights_of(directory)
    bench.numbers["bytes"] = sum(steps.shapes_of(directory).values())
    peers = peer_sides(bench, directory, None)
    bench.sides = [*our_sides(bench, directory, None),
                   *(side for side in peers if side.name in ("instanttensor", "safetensors"))]
    for side in bench.sides:
        side.essential = side.name != "safetensors"
        if side.kind == "embed":
            at = side.command.index("--loads") + 1
            side.command[at] = "1"  # a second one would find its pages
    for number in range(bench.args.runs):
        bench.step("limit", cold_limit, files)
        order = bench.sides if number % 2 == 0 else bench.sides[::-1]
        for at, side in enumerate(order):
            if not side.dropped and is_affordable(bench, side, order[at:], bench.args.runs - number - 1):
                drop(bench, files)
                run_once(bench, side, True, not side.runs)


def stop_on_signal(_number, _frame):
    raise KeyboardInterrupt


def has_failed(bench):
    ours = [side for side in bench.sides if side.kind != "peer"]
    return bool(bench.numbers["failures"]) or not ours or any(side.failures or not side.runs for side in ours)


def main():
    parser = argparse.ArgumentParser(description="Time a load to a GPU beside other loaders.")
    parser.add_argument("command", choices=("warm", "cold"))
    parser.add_argument("pack", type=pathlib.Path, help="what tests/device/pack collected")
    parser.add_argument("--wheels", type=pathlib.Path, help="what tests/bench/fetch_peers.sh collected")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="a directory on a disk, 35 GB free")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="a directory for bench.json")
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--runs", type=int, help="counted runs of each (5; cold: 3)")
    parser.add_argument("--io", nargs="*", default=[], choices=("buffered", "direct", "mapped"),
                        help="rows for other ways of reading, beside the default")
    parser.add_argument("--short", action="store_true",
                        help="warm: ours and InstantTensor from memory alone, for one more machine in less time")
    parser.add_argument("--budget", type=float, help="seconds in all (480; cold: 190)")
    parser.add_argument("--timeout", type=float, default=90, help="seconds of one process")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the checkpoint's size, for a trial")
    args = parser.parse_args()
    args.runs = args.runs or (5 if args.command == "warm" else 3)
    args.budget = args.budget or (480 if args.command == "warm" else 190)

    bench = Bench(args)
    signal.signal(signal.SIGTERM, stop_on_signal)
    try:
        steps.prepare(bench)
        (warm_command if args.command == "warm" else cold_command)(bench)
    except KeyboardInterrupt:
        bench.numbers["failures"]["interrupted"] = "stopped from outside"
    except Exception as problem:  # what was measured is told in any case
        bench.numbers["failures"][args.command] = f"{type(problem).__name__}: {problem}"
    finally:
        for undo in bench.undo:
            undo()
    if bench.out.is_dir():
        check_fingerprints(bench)
        bench.save()
    (print_warm if args.command == "warm" else print_cold)(bench.numbers, bench.sides)
    return 1 if has_failed(bench) else 0


if __name__ == "__main__":
    sys.exit(main())
