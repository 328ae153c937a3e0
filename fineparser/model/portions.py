"""Batches taken in portions, so that the memory of one serves for the next."""

from torch import Tensor

PORTION_BYTES = 32 * 2**20
"""Memory of the largest feature of a portion. The C library takes larger blocks anew from the system each time, and
clearing their pages costs as much as filling them."""


def portions(batch: Tensor, most: int | None) -> tuple[Tensor, ...]:
    """A batch in parts of about the same size, at most so many samples each; None: in one part."""
    return batch.chunk(-(-len(batch) // (most or len(batch))))
