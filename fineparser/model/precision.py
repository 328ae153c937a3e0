"""In which numbers a network computes. The names alone do not load torch, which takes seconds: commands list them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PRECISIONS = ("float32", "bf16", "auto")


def dtype_of(precision: str, device: "str | torch.device" = "cpu") -> "torch.dtype":
    """The type of the network's numbers.

    Args:
        precision: "float32"; "bf16", where the device has it; "auto": bf16 where it has.

    Raises:
        ValueError: where the name is not known or the device does not go with it.
    """
    import torch

    if precision not in PRECISIONS:
        raise ValueError(f"the precision is one of {', '.join(PRECISIONS)}, not {precision!r}")
    if precision == "float32":
        return torch.float32
    if has_bfloat16(device):
        return torch.bfloat16
    if precision == "bf16":
        raise ValueError(f"this machine's {torch.device(device).type} has no bf16: take float32, or auto")
    return torch.float32


def has_bfloat16(device: "str | torch.device" = "cpu") -> bool:
    """Whether a device multiplies matrices of bfloat16 faster than it emulates them."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return kind == "cpu" and torch.backends.mkldnn.is_available() and torch.cpu._is_avx512_bf16_supported()
