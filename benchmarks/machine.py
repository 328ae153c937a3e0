"""Clocks, matrix rate, memory and description of the machine."""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

PROCESS_FILES = Path("/proc/self")
"""Files of Linux about this process."""


def wall_clock() -> float:
    """Wall-clock time in seconds."""
    return time.perf_counter()


def processor_clock() -> float:
    """Processor seconds of this process per thread, which other programs do not change; exact with one thread."""
    return time.process_time() / torch.get_num_threads()


CLOCKS: dict[str, Callable[[], float]] = {"wall": wall_clock, "processor": processor_clock}


def matrix_rate(dtype: torch.dtype, clock: Callable[[], float], size: int = 2048, repeats: int = 10) -> float:
    """Operations per second of a product of two square matrices; multiplications and additions both count.

    The fastest of some products counts, since other programs may slow the rest.
    """
    first, second = (torch.randn(size, size).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(repeats):
        start = clock()
        first @ second
        seconds.append(clock() - start)
    return 2 * size**3 / min(seconds)


def reset_peak_memory() -> None:
    """Restart the measurement of `peak_memory`; without support of the system it continues from the process's start."""
    try:
        (PROCESS_FILES / "clear_refs").write_text("5")
    except OSError:
        return


def peak_memory() -> int | None:
    """Peak memory of this process in bytes since `reset_peak_memory`; None on systems that do not report it."""
    return _memory("VmHWM:")


def resident_memory() -> int | None:
    """Memory of this process in bytes at this moment; None on systems that do not report it."""
    return _memory("VmRSS:")


def _memory(name: str) -> int | None:
    try:
        status = (PROCESS_FILES / "status").read_text()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith(name)), None)


def describe() -> dict[str, str | int | None]:
    """Description of the machine, in plain values."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    return {"processor": name, "cores": os.cpu_count(), "threads": torch.get_num_threads(), "torch": torch.__version__}
