# SPDX-License-Identifier: Apache-2.0
"""What bench_device.py does once: preparation, limits, and questions whose answer is no median.

A step gets the command's Bench, writes what it found into `bench.numbers` and says it; it raises Failed.
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys

from bench_device_process import Failed, memory_copy, read_files, run_json, take_pack, weights_of
from bench_load import peer_plan

MAKE = pathlib.Path(__file__).resolve().parent / "make_checkpoint.py"
PHASES = ("config_seconds", "weights_seconds", "map_seconds", "plan_seconds", "allocate_seconds")
TP_SIZE = 4
PROCESSES = 5  # of which the one in the middle counts


# Preparation.

def install_peers(bench):
    """Every wheel by itself: one that does not fit leaves the others."""
    wheels = sorted(bench.args.wheels.glob("*.whl")) if bench.args.wheels else []
    problems = []
    for wheel in wheels:
        done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps",
                               "--no-compile", "--no-cache-dir", "--disable-pip-version-check", "--upgrade",
                               "--target", str(bench.site), str(wheel)],
                              capture_output=True, text=True, check=False, timeout=60)
        if done.returncode != 0:
            problems.append(f"{wheel.name}: {' '.join(done.stderr.split())[-300:]}")
    if problems:
        raise Failed("; ".join(problems))
    bench.say(f"{len(wheels)} wheels installed")


def probe(bench):
    """What machine this is; and a libcudart.so, for loaders that open the versioned one by that name."""
    machine, _, _ = run_json(bench.peer("probe", bench.work), bench.peer_env, bench.timeout())
    bench.numbers["machine"] = machine
    bench.say(" ".join(f"{key}={value}" for key, value in machine.items()))
    for path in machine.get("libcudart", [])[:1]:
        link = bench.work / "lib" / "libcudart.so"
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(path)


def prepare(bench):
    bench.work.mkdir(parents=True, exist_ok=True)
    bench.out.mkdir(parents=True, exist_ok=True)
    take_pack(bench.args.pack, bench.pack)
    carried = str((bench.args.wheels / "lib").resolve()) if bench.args.wheels else None
    libraries = [str(bench.work / "lib"), carried, os.environ.get("LD_LIBRARY_PATH")]
    bench.peer_env["LD_LIBRARY_PATH"] = ":".join(filter(None, libraries))
    bench.step("wheels", install_peers)
    bench.step("probe", probe)


def checkpoint(bench, name, *options):
    """Made unless it is there: config.json is written last."""
    directory = bench.work / name
    if not (directory / "config.json").exists():
        done = subprocess.run([sys.executable, str(MAKE), str(directory), *options], capture_output=True,
                              text=True, check=False, timeout=max(30, bench.left()))
        if done.returncode != 0:
            raise Failed(f"{directory} was not made: {' '.join(done.stderr.split())[-400:]}")
        bench.say(done.stdout.strip())
    return directory


def in_memory(bench, directory):
    place, undo = memory_copy(directory, bench.work)
    bench.undo.append(undo)
    bench.say(f"copied to {place}")
    return place


def limits(bench, *words):
    report, _, _ = run_json([bench.pack / "bench" / "bench-limits", *words], bench.ours_env, bench.timeout())
    return report


def link_limit(bench):
    report = limits(bench)
    if report["host_to_device"] is None:
        raise Failed(report["host_to_device_why"])
    bench.numbers["limit"] = report["host_to_device"]["median"]
    bench.numbers["host_to_device"] = report["host_to_device"]
    bench.say(f"limit: pinned host to device {bench.numbers['limit']:.2f} GB/s "
              f"({report['host_to_device']['min']:.2f} to {report['host_to_device']['max']:.2f})")


# What is asked once.

def same_bytes(bench, directory):
    """Every final tensor of ours and of safetensors with torch, by XXH3-128."""
    command = bench.tool("load", directory, "--device", bench.args.device, "--digest", "--json")
    ours, _, _ = run_json(command, bench.ours_env, bench.timeout())
    theirs, _, _ = run_json(bench.peer("safetensors", directory, "--digests", "--check"), bench.peer_env,
                            bench.timeout())
    bench.numbers["fingerprint"] = theirs["fingerprint"]
    mine = {o["name"]: o["digest"] for o in ours["parameters"] if not o["skipped"]}
    different = sorted(name for name in mine.keys() | theirs["digests"].keys()
                       if mine.get(name) != theirs["digests"].get(name))
    bench.numbers["compared"], bench.numbers["different"] = len(theirs["digests"]), different
    if different:
        raise Failed(f"{len(different)} tensors end unlike the peer's, as {different[:3]}")
    bench.say(f"all {len(theirs['digests'])} final tensors are the same as those of safetensors and torch")


def shapes_of(directory):
    """Name to bytes, from the headers."""
    sizes = {}
    for path in weights_of(directory):
        with open(path, "rb") as f:
            header = json.loads(f.read(int.from_bytes(f.read(8), "little")))
        header.pop("__metadata__", None)
        sizes |= {name: row["data_offsets"][1] - row["data_offsets"][0] for name, row in header.items()}
    return sizes


def tensor_parallel(bench, directory):
    """Rank 0 of four: what it reads beside a quarter of what is divided and all of what is not."""
    sizes, least = shapes_of(directory), 0
    for parts, how in peer_plan(sizes).values():
        size = sum(sizes[part] for part in parts)
        least += size if how == "norm" else size // TP_SIZE
    command = bench.embed(directory, "--tp-size", str(TP_SIZE), "--tp-rank", "0")
    runs = [run_json(command, bench.ours_env, bench.timeout())[0]["loads"] for _ in range(PROCESSES)]
    read = runs[0][0]["bytes_read"]
    first = [run[0]["wall_seconds"] for run in runs]
    later = statistics.median(load["wall_seconds"] for run in runs for load in run[1:])
    bench.numbers["tp"] = {"least_bytes": least, "bytes_read": read, "first": statistics.median(first),
                           "range": [min(first), max(first)], "later": later, "report": runs}
    bench.say(f"tp {TP_SIZE} rank 0: {read} bytes read, {read / least:.4f} of what belongs to it; first load "
              f"{statistics.median(first):.3f} s ({min(first):.3f} to {max(first):.3f}), later {later:.3f} s")


def phases(load):
    return {**{key: load[key] for key in PHASES}, "sum": sum(load[key] for key in PHASES),
            "around_execute": load["wall_seconds"] - load["execute_seconds"]}


def fixed_cost(bench, directory, name):
    """Everything but the payload: what a load takes that is not execution, and the time of a plan."""
    runs = [run_json(bench.embed(directory, loads=2), bench.ours_env, bench.timeout())[0]["loads"]
            for _ in range(PROCESSES)]
    plan = bench.tool("plan", directory, "--device", bench.args.device, "--json")
    _, seconds, _ = run_json(plan, bench.ours_env, bench.timeout())
    runs.sort(key=lambda loads: phases(loads[0])["sum"])
    middle = runs[len(runs) // 2]
    first, later = phases(middle[0]), phases(middle[1])
    spread = [phases(loads[0])["sum"] for loads in (runs[0], runs[-1])]
    bench.numbers.setdefault("fixed", {})[name] = {"first": first, "later": later, "range": spread,
                                                   "plan_process": seconds, "report": runs}
    told = ", ".join(f"{key.removesuffix('_seconds')} {value * 1e3:.1f}" for key, value in first.items())
    bench.say(f"fixed cost of {name}, ms, first load: {told} (sum {spread[0] * 1e3:.1f} to "
              f"{spread[1] * 1e3:.1f}); later: {later['sum'] * 1e3:.1f}; execute "
              f"{middle[0]['execute_seconds']:.3f} s; plan --json, process {seconds:.3f} s")


def moe_cost(bench):
    directory = checkpoint(bench, "moe100k", "--shape", "moe100k")
    read_files(weights_of(directory))
    fixed_cost(bench, directory, "moe100k")
