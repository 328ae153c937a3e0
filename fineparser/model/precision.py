"""Precision of a network's numbers. The names alone do not load torch, which takes seconds: commands list them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

PRECISIONS = ("float32", "bf16", "auto")


def dtype_of(precision: str, device: "str | torch.device" = "cpu") -> "torch.dtype":
    """The torch type of a precision.

    Args:
        precision: "float32"; "bf16", where the device has it; "auto": bf16 where it has.

    Raises:
        ValueError: for an unknown name, or bf16 on a device without it.
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
    """True for a device that multiplies matrices of bfloat16 in hardware."""
    import torch

    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return kind == "cpu" and torch.backends.mkldnn.is_available() and torch.cpu._is_avx512_bf16_supported()
