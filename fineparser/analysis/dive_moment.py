"""When in a clip somebody falls: the rough moments of a dive, from movement alone."""

from dataclasses import dataclass

import numpy as np

from fineparser.analysis.motion import Motion

SMOOTHED = 0.08
"""Seconds over which the mover's place is averaged, to either side."""

QUIET = 0.15
"""Share of a lively frame's movement that stands for the mover's place in the seconds around: where little moves, what
flickers counts for little."""

AROUND = (1.0, 0.3)
"""Seconds, to either side, that tell that place: the nearer ones first, the others where those saw next to nothing."""

FAINT = 0.02
"""Share of a lively frame's movement that is next to nothing."""

LIVELY = 0.8
"""Quantile of the frames' movement that counts as lively; more counts no more, since a flash moves everything."""

FALL_SECONDS = (0.4, 0.8, 1.6, 3.2)
"""The dive is where the mover comes down furthest for the root of the time that it takes: the later ones are for slow
motion, the root keeps them from preferring a camera's slow drift."""

LAST_HALF = 1 - 2**-0.5
"""Share of the time of a free fall that its second half takes."""

LONGEST_RISE = 2.0
"""The top lies no further before the entry than so many times the fall: a long board rise included."""

LEVEL = 0.03
"""Share of the fall by which a place may lie below the highest and still be the top: who stands before the fall leaves
at the end of the standing."""

LEAST_FALL = 0.12
"""A fall of less than this share of the picture's height is none."""

LEAD, TAIL = 1.3, 0.75
"""Kept before the top and after the entry, as shares of the time of the fall: take-off, a short stance, the splash."""

LEAST_LEAD, LEAST_TAIL = 1.3, 0.8
"""The same in seconds, at least; slow motion has more by the shares."""


NEAR = 3.0
"""Seconds from the dive within which the liveliest moment still belongs to it."""


@dataclass(frozen=True)
class DiveMoment:
    """Places in a clip, as indices into its frames."""

    top: int
    """Where the diver turns from rising to falling, or leaves, roughly."""

    entry: int
    """Where the fall ends, roughly."""

    drop: float
    """How far the mover came down, in heights of the picture."""

    liveliest: int
    """Where most moves: in the dive as a rule; elsewhere the fall that was found may be only a part of it."""

    def trim(self, seconds: np.ndarray, first: int, last: int) -> tuple[int, int]:
        """First and last index to keep, within `first` to `last`: `seconds` [n] are the frames' times."""
        fall = float(seconds[self.entry] - seconds[self.top])
        start = seconds[self.top] - max(LEAD * fall, LEAST_LEAD)
        end = seconds[self.entry] + max(TAIL * fall, LEAST_TAIL)
        lively = seconds[self.liveliest]
        if start - NEAR <= lively <= end + NEAR:
            start, end = min(start, lively - LEAST_LEAD), max(end, lively + LEAST_TAIL)
        return max(first, int(np.searchsorted(seconds, start))), min(last, int(np.searchsorted(seconds, end)))


def find_dive(motion: Motion, seconds: np.ndarray, first: int, last: int) -> DiveMoment | None:
    """The dive in the frames from index `first` to `last` of one shot; None where nothing falls.

    The place of what moves most, on a picture that stands still, draws the dive's own curve: up, down, at rest. That
    holds for a camera that follows (it tilts down) as for one that stands, and for slow motion.

    Args:
        motion: of n frames.
        seconds: [n] when they are shown.
        first, last: of the shot, both included.
    """
    span = np.arange(first, last + 1)
    when = seconds[span]
    if len(when) < 4:
        return None
    height = mover_height(motion.at(span), when)
    falls = [(np.interp(when + time, when, height) - height) / np.sqrt(time) for time in FALL_SECONDS]
    scale = int(np.argmax([fall.max() for fall in falls]))
    bottom = _end_of_fall(height, when, int(falls[scale].argmax()), FALL_SECONDS[scale])
    peak = _top_of_fall(height, when, bottom)
    drop = float(height[bottom] - height[peak])
    if bottom <= peak or drop < LEAST_FALL:
        return None
    interval = max(float(np.median(np.diff(when))), 1e-3)
    liveliest = int(_blurred(motion.activity[span].mean(axis=(1, 2)), AROUND[-1] / interval).argmax())
    return DiveMoment(first + peak, first + bottom, drop, first + liveliest)


def mover_height(motion: Motion, seconds: np.ndarray) -> np.ndarray:
    """How far down the mover is in each frame, [n], in heights of the picture, as the first frame would show it."""
    middle = np.tile([motion.aspect / 2, 0.5], (len(seconds), 1))
    centres = motion.centres()
    seen = np.isfinite(centres).all(axis=1)
    camera = motion.on_first(middle)[:, 1]
    offset = motion.on_first(np.where(seen[:, None], centres, middle))[:, 1] - camera
    strength = np.where(seen, (motion.activity.astype(np.float64) ** 2).sum(axis=(1, 2)), 0.0)
    lively = max(float(np.quantile(strength, LIVELY)), 1e-6)
    strength, prior = np.minimum(strength, lively), QUIET * lively
    interval = max(float(np.median(np.diff(seconds))), 1e-3)
    around = np.full(len(offset), (strength @ offset) / max(strength.sum(), 1e-9))
    for wide in AROUND:
        seen_there = _blurred(strength, wide / interval)
        place = _blurred(strength * offset, wide / interval)
        around = (place + FAINT * lively * around) / (seen_there + FAINT * lively)
    near = SMOOTHED / interval
    offset = (_blurred(strength * offset, near) + prior * around) / (_blurred(strength, near) + prior)
    return _blurred(camera, near) + offset


def _blurred(values: np.ndarray, width: float) -> np.ndarray:
    """Values [n] averaged by a bell curve of a standard deviation of `width` frames."""
    width = max(width, 0.5)
    reach = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), kernel / kernel.sum(), mode="valid")


def _end_of_fall(height: np.ndarray, when: np.ndarray, begin: int, time: float) -> int:
    """Where the fall that lasts about `time` seconds from `begin` on has come to its end."""
    speed = np.gradient(height, when)
    stop = int(np.searchsorted(when, when[begin] + time))
    start = begin + int(speed[begin : stop + 1].argmax())
    slow = np.flatnonzero(speed[start:] < 0.25 * speed[start])
    return start + int(slow[0]) if len(slow) else len(height) - 1


def _top_of_fall(height: np.ndarray, when: np.ndarray, bottom: int) -> int:
    """Where the fall that ends at `bottom` began: the highest place before it, not further back than such a fall
    lasts, by the time that its second half takes."""
    reached = int(height[: bottom + 1].argmin())
    for _ in range(3):
        half = (height[reached] + height[bottom]) / 2
        above = np.flatnonzero(height[:bottom] <= half)
        if not len(above):
            return reached
        fall = max((when[bottom] - when[above[-1]]) / LAST_HALF, 0.3)
        start = int(np.searchsorted(when, when[bottom] - LONGEST_RISE * fall))
        reached = start + int(height[start : bottom + 1].argmin())
    level = height[reached] + LEVEL * (height[bottom] - height[reached])
    return reached + int(np.flatnonzero(height[reached : bottom + 1] <= level)[-1])
