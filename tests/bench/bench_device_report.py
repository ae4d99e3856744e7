# SPDX-License-Identifier: Apache-2.0
"""The tables of bench_device.py, in Markdown."""

import statistics

COLUMNS = ("loader", "runs", "median s", "min … max s", "GB/s", "of limit", "x ours", "again s",
           "torch peak MiB", "device peak MiB", "note")


def counted(side):
    return [run for run in side.runs if run["counted"]]


def median(side):
    return statistics.median(run["seconds"] for run in counted(side))


def first_known(side, find):
    """The first of a side's runs that has a value; memory is looked at in one run alone."""
    return next((value for value in map(find, side.runs) if value is not None), None)


def mebibytes(size):
    return "-" if size is None else f"{size / 2**20:.0f}"


def seconds(value):
    return "-" if value is None else f"{value:.3f}"


def torch_peak(run):
    return run["report"].get("max_memory_allocated")


def seen_peak(run):
    """The larger of what NVML and the process itself saw; the latter does not know the context."""
    report = run["report"]
    inside = report["free_before"] - report["free_least"] if report.get("free_least") is not None else None
    return max((size for size in (run["device_peak"], inside) if size is not None), default=None)


def notes(side):
    words = []
    version = first_known(side, lambda run: run["report"].get("version"))
    if version:
        words.append(version)
    from_disk = max((run["from_disk"] for run in counted(side)), default=0)
    if from_disk > 256 << 20:
        words.append(f"{from_disk / 1e9:.1f} GB from the disk")
    loads = [load for run in side.runs if side.kind == "embed" for load in run["report"]["loads"]]
    if loads:
        effective, engine = loads[-1]["io_effective"], loads[-1]["io_engine"]
        words.append(f"io {effective}{f' ({engine})' if engine else ''}, {loads[-1]['readers']} readers, "
                     f"planned device peak {loads[-1]['device_peak'] / 2**20:.0f} MiB")
    words += [f"FAILED: {failure}" for failure in dict.fromkeys(side.failures)]
    if side.dropped and side.dropped not in side.failures:
        words.append(side.dropped)
    return "; ".join(words)


def row(side, numbers, ours):
    runs = counted(side)
    if not runs:
        warm = first_known(side, lambda run: f"only warmed up: {run['seconds']:.3f} s")
        why = "; ".join(filter(None, (warm, notes(side))))
        return [side.label, "0", *["-"] * 8, why or "no time was left"]
    middle, each = median(side), [run["seconds"] for run in runs]
    rate = numbers["bytes"] / middle / 1e9
    again = [run["later"] for run in runs if run["later"] is not None]
    return [side.label, str(len(runs)), seconds(middle), f"{min(each):.3f} … {max(each):.3f}",
            f"{rate:.2f}", f"{rate / numbers['limit']:.0%}" if numbers.get("limit") else "-",
            f"{middle / ours:.2f}" if ours else "-", seconds(statistics.median(again) if again else None),
            mebibytes(first_known(side, torch_peak)), mebibytes(first_known(side, seen_peak)), notes(side)]


def print_table(numbers, sides):
    """Ours first, the others from fast to slow."""
    ours = next((median(side) for side in sides if side.name == "embed" and counted(side)), None)
    order = sorted(sides, key=lambda side: (side.kind == "peer", median(side) if counted(side) else 1e9))
    print("\n| " + " | ".join(COLUMNS) + " |")
    print("|" + "---|" * len(COLUMNS))
    for side in order:
        print("| " + " | ".join(cell.replace("|", "/") for cell in row(side, numbers, ours)) + " |")


def print_head(numbers):
    machine = numbers.get("machine", {})
    print(f"\n{machine.get('device', numbers['device'])}, {numbers['cpus']} CPUs, Linux {numbers['linux']}, "
          f"torch {machine.get('torch', '?')}, transformers {machine.get('transformers', '?')}; "
          f"{numbers.get('bytes', 0) / 1e9:.2f} GB")


def print_failures(numbers):
    for name, words in numbers["failures"].items():
        print(f"\nFAILED, {name}: {words}")


def print_fixed(numbers):
    for name, cost in numbers.get("fixed", {}).items():
        parts = ", ".join(f"{key.removesuffix('_seconds')} {value * 1e3:.1f}"
                          for key, value in cost["first"].items() if key.endswith("_seconds"))
        least, most = (seconds * 1e3 for seconds in cost["range"])
        print(f"- fixed cost of {name}: {cost['first']['sum'] * 1e3:.1f} ms in a first load ({parts}; "
              f"{least:.1f} … {most:.1f}), "
              f"{cost['later']['sum'] * 1e3:.1f} ms later; `plan --json` {cost['plan_process']:.3f} s")


def print_warm(numbers, sides):
    print_head(numbers)
    link = numbers.get("host_to_device")
    if link:
        print(f"limit: pinned host to device, median {link['median']:.2f} GB/s "
              f"({link['min']:.2f} … {link['max']:.2f})")
    print_table(numbers, sides)
    print()
    if numbers.get("compared") and not numbers["different"]:
        print(f"- all {numbers['compared']} final tensors are the same, byte for byte, as those of "
              "safetensors and torch")
    tp = numbers.get("tp")
    if tp:
        print(f"- tp 4 rank 0: {tp['bytes_read']} bytes read, {tp['bytes_read'] / tp['least_bytes']:.4f} of "
              f"what belongs to it; first load {tp['first']:.3f} s ({tp['range'][0]:.3f} … "
              f"{tp['range'][1]:.3f}), later {tp['later']:.3f} s")
    print_fixed(numbers)
    print_failures(numbers)


def print_cold(numbers, sides):
    print_head(numbers)
    if numbers.get("limit"):
        print(f"limit: reads past the page cache, median {numbers['limit']:.3f} GB/s "
              f"({numbers['limit_range'][0]:.3f} … {numbers['limit_range'][1]:.3f})")
    print_table(numbers, sides)
    print_failures(numbers)
