"""Which samples each process takes in each step: every sample once an epoch, none twice.

The order of an epoch depends on the seed and the epoch alone. A step's samples are a stretch of that order, cut
into one share a process, so that two processes with batches of 4 do what one with batches of 8 does; and a run
that was cut off takes up the order where it left it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Share:
    """What one process takes in one step."""

    indices: tuple[int, ...]
    """Of the samples; never empty."""
    counted: bool = True
    """False for a filler: the epoch's last step has fewer samples than processes, but all must take part."""


def steps_per_epoch(count: int, *, batch_size: int, processes: int = 1) -> int:
    """Steps in which `count` samples are gone through; the last one may be smaller.

    >>> steps_per_epoch(17, batch_size=4, processes=2)
    3
    """
    return -(-count // (batch_size * processes))


def shares(
    count: int, *, batch_size: int, seed: int, epoch: int, processes: int = 1, process: int = 0, first_step: int = 0
) -> list[Share]:
    """The shares of one process in an epoch over `count` samples, from `first_step` on.

    >>> epoch = shares(5, batch_size=2, seed=0, epoch=0)
    >>> [len(share.indices) for share in epoch], sorted(sum((share.indices for share in epoch), ()))
    ([2, 2, 1], [0, 1, 2, 3, 4])
    """
    order = np.random.default_rng((seed, epoch)).permutation(count)
    found = []
    for step in range(first_step, steps_per_epoch(count, batch_size=batch_size, processes=processes)):
        together = order[step * batch_size * processes : (step + 1) * batch_size * processes]
        own = np.array_split(together, processes)[process]
        found.append(Share(tuple(own.tolist())) if len(own) else Share((int(together[0]),), counted=False))
    return found
