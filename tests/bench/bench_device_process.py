# SPDX-License-Identifier: Apache-2.0
"""Processes, the page cache and the device's memory, for bench_device.py.

A process of the benchmark prints one JSON object as its last line. Whatever else it does (fails, hangs,
prints nothing) becomes a Failed with the reason in words.
"""

import concurrent.futures
import contextlib
import ctypes
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from bench_load import weight_files

BUFFER = 4 << 20
SLICE = 256 << 20
READERS = 16
NVML = ("libnvidia-ml.so.1", "/usr/local/nvidia/lib64/libnvidia-ml.so.1",
        "/usr/local/nvidia/lib/libnvidia-ml.so.1")


class Failed(Exception):
    """Why there is no result, for a row of the table."""


# Processes.

def last_object(text):
    """The JSON object of the last line that is one, or None: libraries print to stdout as they like."""
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            with contextlib.suppress(ValueError):
                return json.loads(line)
    return None


def shortened(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return " / ".join(" ".join(line.split()) for line in lines[-3:])[:500]


def kill(process):
    """The process and what it started; it began a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def stop(process):
    kill(process)
    process.wait()


def run_json(command, env=None, timeout=90):
    """(report, seconds, bytes that came from a disk) of one process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock
        start = time.perf_counter()
        try:
            process = subprocess.Popen([str(word) for word in command], stdout=out, stderr=err,
                                       stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})},
                                       start_new_session=True)
        except OSError as problem:
            raise Failed(f"{command[0]} cannot be started: {problem.strerror}") from problem
        late, clock = threading.Event(), threading.Timer(timeout, lambda: (late.set(), kill(process)))
        try:
            clock.start()
            status = process.wait()  # without a limit of its own, which would make it look now and then
            seconds = time.perf_counter() - start
        finally:
            clock.cancel()
            stop(process)
        if late.is_set():
            raise Failed(f"not done after {timeout:.0f} s, stopped")
        from_disk = (resource.getrusage(resource.RUSAGE_CHILDREN).ru_inblock - before) * 512
        out.seek(0)
        err.seek(0)
        text, words = out.read().decode(errors="replace"), err.read().decode(errors="replace")
    report = last_object(text)
    if status != 0:
        told = report.get("error") if report else None
        raise Failed(f"exit status {status}: {told or shortened(words) or 'nothing was said'}")
    if report is None:
        raise Failed(f"it printed no JSON: {shortened(text + words) or 'nothing at all'}")
    return report, seconds, from_disk


def nvml_memory():
    """A function that gives the bytes used on the first device, from nvidia-smi's own library, or None."""
    for name in NVML:
        with contextlib.suppress(OSError):
            library = ctypes.CDLL(name)
            break
    else:
        return None
    device, numbers = ctypes.c_void_p(), (ctypes.c_ulonglong * 3)()  # total, free, used
    if library.nvmlInit_v2() or library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(0), ctypes.byref(device)):
        return None

    def used():
        return None if library.nvmlDeviceGetMemoryInfo(device, numbers) else numbers[2]

    return used


def smi_memory():
    """The same by nvidia-smi itself, a process each time."""
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"]

    def used():
        with contextlib.suppress(OSError, ValueError, subprocess.SubprocessError):
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5)
            return int(done.stdout) << 20
        return None

    return used


class DeviceMemory:
    """Peak of the device's used memory over what it was at first, in bytes; None where it cannot be told.

    It asks the driver a hundred times a second, so only runs that are not counted (or that wait for a disk)
    are watched.
    """

    def __init__(self, wanted):
        self.used = (nvml_memory() or smi_memory()) if wanted else None
        self.first, self.most, self.stop = None, None, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        while not self.stop.wait(0.01):
            now = self.used()
            if now is None:
                return
            self.most = max(self.most, now)

    def __enter__(self):
        self.first = self.most = self.used() if self.used else None
        if self.first is not None:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        if self.first is not None:
            self.thread.join()

    def peak(self):
        return None if self.first is None else self.most - self.first


# Files.

def read_slice(path, begin):
    """Bytes read of one slice, and thrown away."""
    buffer, total, fd = bytearray(BUFFER), 0, os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while total < SLICE:
            n = os.preadv(fd, [buffer], begin + total)
            if n == 0:
                break
            total += n
    finally:
        os.close(fd)
    return total


def read_files(files):
    """Brings files into the page cache; bytes read."""
    slices = [(path, at) for path in files for at in range(0, path.stat().st_size, SLICE)]
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        return sum(pool.map(lambda item: read_slice(*item), slices))


def cached_part(files):
    """Which part of some pages all over the files is in the page cache; None where it cannot be asked."""
    asked, there = 0, 0
    for path in files:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(fd).st_size
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)  # asking reads nothing ahead
            for n in range(16):
                asked, at = asked + 1, size * n // 16 // 4096 * 4096
                with contextlib.suppress(BlockingIOError):
                    there += os.preadv(fd, [bytearray(4096)], at, os.RWF_NOWAIT) > 0
        except OSError:
            return None
        finally:
            os.close(fd)
    return there / asked if asked else None


def drop_files(files):
    """Takes files out of the page cache, and as root all else with them; what went wrong, or None."""
    for path in files:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fdatasync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n", encoding="ascii")
    except OSError as problem:
        return f"/proc/sys/vm/drop_caches: {problem.strerror}"
    return None


def copy_files(files, directory):
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        for _ in pool.map(lambda path: shutil.copyfile(path, directory / path.name), files):
            pass


def memory_copy(checkpoint, work):
    """The checkpoint in memory: (directory, what undoes it). On a mount of its own: /dev/shm may be small."""
    files = [path for path in checkpoint.iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files) + (256 << 20)
    place = work / "tmpfs"
    place.mkdir(exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "ckpt-bench", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)

    def undo():
        if mounted.returncode == 0:
            subprocess.run(["umount", str(place)], capture_output=True, check=False)
        else:
            shutil.rmtree(place, ignore_errors=True)

    if mounted.returncode != 0:
        shared = pathlib.Path("/dev/shm")
        if not shared.is_dir() or shutil.disk_usage(shared).free < size:
            raise Failed(f"no memory file system of {size >> 20} MiB: {shortened(mounted.stderr)}")
        place = pathlib.Path(tempfile.mkdtemp(dir=shared, prefix="ckpt-bench-"))
    try:
        copy_files(files, place)
    except OSError as problem:
        undo()
        raise Failed(f"the checkpoint cannot be copied to memory: {problem.strerror}") from problem
    return place, undo


def take_pack(source, target):
    """A copy whose plugins nobody else can write to, whatever the transfer did to the modes."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    for path in [target, *target.rglob("*")]:
        os.chmod(path, 0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        if os.geteuid() == 0:
            os.chown(path, 0, 0)
    for program in ("ckpt-host", "bench/bench-limits", "bench/bench-embed"):
        if not (target / program).is_file():
            raise Failed(f"{source} has no {program}: make it with tests/device/pack")
        os.chmod(target / program, 0o755)


def weights_of(directory):
    return weight_files(directory) if directory.is_dir() else []
