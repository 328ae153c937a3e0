"""The machine that a run or an evaluation uses: processes, devices and precision, by way of Accelerate."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState

from fineparser.model.precision import dtype_of


def accelerator_for(device: str, precision: str | None, *, find_unused: bool = False) -> Accelerator:
    """This process's part of the machine, alone or among those that `accelerate launch` started.

    Args:
        device: "auto" or "cpu".
        precision: of `dtype_of`, or None: bf16 where a GPU has it.
        find_unused: let several processes cope with weights that a step does not use.
    """
    place = device_for(device)
    if precision is None:
        precision = "auto" if place.type == "cuda" else "float32"
    mixed = "bf16" if dtype_of(precision, place) == torch.bfloat16 else "no"
    kwargs = DistributedDataParallelKwargs(find_unused_parameters=find_unused)
    return Accelerator(cpu=device == "cpu", mixed_precision=mixed, kwargs_handlers=[kwargs])


def device_for(device: str) -> torch.device:
    """Where this process, alone or among those that `accelerate launch` started, computes.

    Args:
        device: "auto" takes a GPU where there is one, "cpu" does not.
    """
    if device not in ("auto", "cpu"):
        raise ValueError(f'device is "auto" or "cpu", not {device!r}; CUDA_VISIBLE_DEVICES chooses among GPUs')
    return PartialState(cpu=device == "cpu").device


@contextmanager
def beside(workers: int) -> Iterator[None]:
    """Inside, torch leaves a core to each of so many processes that work beside this one.

    With threads on every core and processes that draw dives there, threads wait for each other most of the time: of
    300 dives two cores encoded 0.4 a second, and 1.1 with a single thread.
    """
    threads = torch.get_num_threads()
    if workers:
        torch.set_num_threads(max(1, min(threads, (os.cpu_count() or 1) - workers)))
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def leave_processes() -> bool:
    """Closes the group of processes that work together; whether this one is the first, which speaks for them.

    A process that ends with its group still open may be aborted by a thread of the group's that goes on.
    """
    processes = PartialState()
    processes.destroy_process_group()
    return processes.is_main_process
