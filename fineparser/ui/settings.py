"""Settings of the app that come from its environment, and limits that several tabs share."""

import importlib.util
import os
from collections.abc import Callable
from typing import TypeVar

PUBLIC_VARIABLE = "FINEPARSER_PUBLIC"
SPACE_VARIABLE = "SPACE_ID"
"""Environment variable that Hugging Face sets on every Space."""
OFF_VALUES = ("", "0", "false", "no", "off")

NETWORK_QUEUE = "network"
"""Concurrency id of everything that fills the processor: one event at a time."""

SCAN_QUEUE = "scan"
"""Concurrency id of checks of uploads, which may run beside the network."""

KEEP_SECONDS = 6 * 3600
"""Lifetime of a visit's files and results: longer than any analysis takes, its wait in the queue included."""

GpuFunction = TypeVar("GpuFunction", bound=Callable)


def is_public() -> bool:
    """True on a public page: `FINEPARSER_PUBLIC=1`, and every Space, whatever that variable says.

    There nobody trains, and exemplars that a visitor adds are visible to that visitor only. A Space cannot tell who may
    open it, and a private one becomes public with one click and without a restart.
    """
    on_space = bool(os.environ.get(SPACE_VARIABLE))
    return on_space or os.environ.get(PUBLIC_VARIABLE, "").strip().lower() not in OFF_VALUES


def on_zero_gpu() -> bool:
    """True on a Space that lends its GPU for single calls (ZeroGPU)."""
    return bool(os.environ.get("SPACES_ZERO_GPU")) and importlib.util.find_spec("spaces") is not None


def gpu_function(function: GpuFunction, seconds: int = 60) -> GpuFunction:
    """Wrap a function for a ZeroGPU Space; anywhere else it is returned as it is.

    There the function runs in another process, so it takes no progress callback.
    """
    if not on_zero_gpu():
        return function
    import spaces

    return spaces.GPU(duration=seconds)(function)
