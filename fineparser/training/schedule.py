"""When things happen in a run: the learning rate's course and regular events."""

import math


def every(step: int, interval: int) -> bool:
    """Whether something done every `interval` steps is due after `step` steps; an interval of 0 means never.

    >>> [step for step in range(8) if every(step, 3)]
    [3, 6]
    """
    return interval > 0 and step > 0 and step % interval == 0


def learning_rate_factor(step: int, *, warmup_steps: int, total_steps: int) -> float:
    """What the base learning rate is multiplied with in the step numbered `step`, from 0.

    A linear climb over `warmup_steps` that reaches 1 in the last of them, then half a cosine that would reach
    0 in step `total_steps` (and stays there if the run goes on).

    >>> [round(learning_rate_factor(s, warmup_steps=2, total_steps=6), 3) for s in range(7)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0]
    """
    if total_steps < 1 or not 0 <= warmup_steps <= total_steps:
        raise ValueError(f"a schedule of {total_steps} steps cannot have {warmup_steps} of warm-up")
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    if step >= total_steps:
        return 0.0
    return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / (total_steps - warmup_steps)))
