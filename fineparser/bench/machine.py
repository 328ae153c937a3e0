"""What the machine itself can do, beside which a measurement means something."""

import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

import torch

PROCESS = Path("/proc/self")


def wall_clock() -> float:
    """Seconds that pass for everybody."""
    return time.perf_counter()


def processor_clock() -> float:
    """Seconds of work of each of this process's threads, whatever else the machine does; surest with one thread."""
    return time.process_time() / torch.get_num_threads()


CLOCKS: dict[str, Callable[[], float]] = {"wall": wall_clock, "processor": processor_clock}


def matrix_rate(dtype: torch.dtype, clock: Callable[[], float], size: int = 2048, repeats: int = 10) -> float:
    """Operations a second of the product of two square matrices, each multiplication and each addition counted.

    Of the quickest of some products: what other programs took from the slower ones is not this machine's limit.
    """
    first, second = (torch.randn(size, size).to(dtype) for _ in range(2))
    seconds = []
    for _ in range(repeats):
        start = clock()
        first @ second
        seconds.append(clock() - start)
    return 2 * size**3 / min(seconds)


def forget_peak_memory() -> None:
    """Starts the measurement of `peak_memory` anew; where the system cannot, it goes on from the process's start."""
    try:
        (PROCESS / "clear_refs").write_text("5")
    except OSError:
        return


def peak_memory() -> int | None:
    """Most bytes of this process that were in memory at once since `forget_peak_memory`; None where nobody tells."""
    try:
        status = (PROCESS / "status").read_text()
    except OSError:
        return None
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), None)


def describe() -> dict:
    """The machine in plain values."""
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass
    return {"processor": name, "cores": os.cpu_count(), "threads": torch.get_num_threads(), "torch": torch.__version__}
