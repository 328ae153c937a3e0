"""The machine that a run or an evaluation uses: processes, devices and precision, by way of Accelerate."""

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState


def accelerator_for(device: str, precision: str | None, *, find_unused: bool = False) -> Accelerator:
    """This process's part of the machine, alone or among those that `accelerate launch` started.

    Args:
        device: "auto" or "cpu".
        precision: "bf16", "no", or None: bf16 where a GPU has it.
        find_unused: let several processes cope with weights that a step does not use.
    """
    if device not in ("auto", "cpu"):
        raise ValueError(f'device is "auto" or "cpu", not {device!r}; CUDA_VISIBLE_DEVICES chooses among GPUs')
    on_gpu = device == "auto" and torch.cuda.is_available()
    if precision is None:
        precision = "bf16" if on_gpu and torch.cuda.is_bf16_supported(including_emulation=False) else "no"
    kwargs = DistributedDataParallelKwargs(find_unused_parameters=find_unused)
    return Accelerator(cpu=device == "cpu", mixed_precision=precision, kwargs_handlers=[kwargs])


def leave_processes() -> bool:
    """Closes the group of processes that work together; whether this one is the first, which speaks for them.

    A process that ends with its group still open may be aborted by a thread of the group's that goes on.
    """
    processes = PartialState()
    processes.destroy_process_group()
    return processes.is_main_process
