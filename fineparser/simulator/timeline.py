"""A course of joint angles: moves from shape to shape, each as smooth as muscles make it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fineparser.simulator.shape import CHANNEL, shape


def ease(times: np.ndarray, start: float, duration: float) -> np.ndarray:
    """0 before `start`, 1 after `start + duration`, between them the minimum-jerk course of a human movement
    (Flash and Hogan, Journal of Neuroscience 5, 1985): twice differentiable everywhere."""
    share = np.clip((times - start) / duration, 0.0, 1.0)
    return share**3 * (10.0 - 15.0 * share + 6.0 * share**2)


def course(times: np.ndarray, knots: Sequence[float], values: Sequence[float], slopes: Sequence[float | None]):
    """A cubic Hermite course [N] through `values` at `knots`, constant outside; a slope of None is that of the chord
    through the neighbours (0 at a turning point, so that the course does not overshoot)."""
    knots, values = np.asarray(knots, float), np.asarray(values, float)
    chords = np.diff(values) / np.diff(knots)
    full = np.empty(len(knots))
    for index, slope in enumerate(slopes):
        if slope is not None:
            full[index] = slope
        elif index in (0, len(knots) - 1) or chords[index - 1] * chords[index] <= 0:
            full[index] = 0.0
        else:
            full[index] = 2 * chords[index - 1] * chords[index] / (chords[index - 1] + chords[index])
    inside = np.clip(times, knots[0], knots[-1])
    cell = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
    width = np.diff(knots)[cell]
    s = (inside - knots[cell]) / width
    return (
        (1 + 2 * s) * (1 - s) ** 2 * values[cell]
        + s * (1 - s) ** 2 * width * full[cell]
        + s**2 * (3 - 2 * s) * values[cell + 1]
        + s**2 * (s - 1) * width * full[cell + 1]
    )


@dataclass(frozen=True)
class Timeline:
    """A first shape and the moves away from it; moves of the same joint may overlap and then blend."""

    base: np.ndarray
    """[21] the shape before the first move."""
    moves: tuple[tuple[float, float, np.ndarray], ...] = ()
    """Start (s), duration (s) and change [21] in degrees."""

    @property
    def last(self) -> np.ndarray:
        """The shape [21] after all moves."""
        return self.base + sum((change for _, _, change in self.moves), np.zeros(len(self.base)))

    def move(self, start: float, duration: float, target: np.ndarray | None = None, only: str = "", **angles: float):
        """The timeline with one more move, to the shape `target` (where given) with `angles` changed in it.

        Args:
            only: names of joints, blank between them; the others stay as they are.
        """
        goal = shape(self.last if target is None else target, **angles)
        change = goal - self.last
        if only:
            kept = np.zeros(len(change))
            for name in only.split():
                for channel in (name, f"{name}_l", f"{name}_r"):
                    if channel in CHANNEL:
                        kept[CHANNEL[channel]] = 1.0
            change = change * kept
        return Timeline(self.base, (*self.moves, (start, max(duration, 1e-3), change)))

    def at(self, times: np.ndarray) -> np.ndarray:
        """Shapes [N, 21] in degrees at the times [N]."""
        if not self.moves:
            return np.repeat(self.base[None], len(times), axis=0)
        starts = np.array([start for start, _, _ in self.moves])
        durations = np.array([duration for _, duration, _ in self.moves])
        changes = np.stack([change for _, _, change in self.moves])
        return self.base + ease(times[:, None], starts, durations) @ changes
