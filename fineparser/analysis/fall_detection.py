"""Detection of falls in a clip from motion alone: candidates for dives, which the network then confirms or not."""

from dataclasses import dataclass

import numpy as np

from fineparser.analysis.clip_scan import MotionEnergy

SMOOTHING = 0.08
"""Seconds over which the height is smoothed, to either side."""

PRIOR_WEIGHT = 0.15
"""Weight of the surrounding seconds' height in a frame, as a share of `HIGH_ENERGY_QUANTILE`: where little moves,
flicker counts for little."""

PRIOR_SECONDS = (1.0, 0.3)
"""Widths of the neighbourhoods from which that height is taken: each refines the one before where it has energy."""

LOW_ENERGY = 0.02
"""Share of `HIGH_ENERGY_QUANTILE` below which a neighbourhood has next to no energy."""

HIGH_ENERGY_QUANTILE = 0.8
"""Quantile of the frames' energy at which it is clipped, since a flash of light moves everything."""

FALL_SECONDS = (0.4, 0.8, 1.6, 3.2)
"""Durations of falls that are tried; the longer ones are for slow motion. The fall with the largest drop over the
root of its duration wins; the root keeps it from being a slow drift of the camera."""

SECOND_HALF = 1 - 2**-0.5
"""Share of the duration of a free fall that the second half of its drop takes."""

MAX_RISE = 2.0
"""Time from the top to the entry over the duration of the fall, at most: a long board rise included."""

LEVEL_TOLERANCE = 0.03
"""Share of the drop within which a height counts as the top: a diver who stands before the fall leaves at the end of
the stance."""

MIN_DROP = 0.12
"""Least drop of a fall, in heights of the frame."""

LEAD, TAIL = 1.3, 0.75
"""Margins before the top and after the entry over the duration of the fall: take-off, a short stance, the splash."""

MIN_LEAD, MIN_TAIL = 1.3, 0.8
"""The same margins in seconds, at least; in slow motion the shares are longer."""

PEAK_SECONDS = 3.0
"""Seconds from the trim within which the peak of motion still belongs to the dive."""

WINDOW_SECONDS, WINDOW_STRIDE = 10.0, 5.0
"""Windows in which falls are searched, and the time from one to the next. Over a longer time the accumulated camera
motion drifts, and noise elsewhere counts."""

MIN_STEEPNESS = 0.4
"""Share of the steepness of a fall within a window's time below which another is only somebody who bends down."""

MIN_SECONDS = 0.5
"""Shortest stretch of a clip in which a fall is searched."""


@dataclass(frozen=True)
class Fall:
    """A fall in a clip; frames are indices into the clip's frames."""

    top: int
    """Frame at which the diver turns from rising to falling, or leaves the board, roughly."""

    entry: int
    """Frame at which the fall ends, roughly."""

    drop: float
    """Height of the fall, in heights of the frame."""

    motion_peak: int
    """Frame with the most motion energy: part of the dive as a rule; otherwise the fall may be only a part of it."""

    def trim(self, seconds: np.ndarray, first: int, last: int) -> tuple[int, int]:
        """First and last frame of the dive with margins.

        Args:
            seconds: [n] times of the frames.
            first, last: bounds of the result.
        """
        duration = float(seconds[self.entry] - seconds[self.top])
        start = seconds[self.top] - max(LEAD * duration, MIN_LEAD)
        end = seconds[self.entry] + max(TAIL * duration, MIN_TAIL)
        peak = seconds[self.motion_peak]
        if start - PEAK_SECONDS <= peak <= end + PEAK_SECONDS:
            start, end = min(start, peak - MIN_LEAD), max(end, peak + MIN_TAIL)
        return max(first, int(np.searchsorted(seconds, start))), min(last, int(np.searchsorted(seconds, end)))


def detect_falls(motion: MotionEnergy, seconds: np.ndarray, first: int, last: int) -> list[Fall]:
    """Falls in one shot, none overlapping another or much weaker than one near it, the steepest first.

    Args:
        motion: of n frames.
        seconds: [n] times of the frames.
        first, last: frames of the shot, both included.
    """
    falls: list[Fall] = []
    start = seconds[first]
    while True:
        begin, end = np.searchsorted(seconds, [start, start + WINDOW_SECONDS])
        _collect_falls(motion, seconds, max(int(begin), first), min(int(end), last), falls)
        if end >= last:
            break
        start += WINDOW_STRIDE

    def steepness(fall: Fall) -> float:
        return fall.drop / float(np.sqrt(seconds[fall.entry] - seconds[fall.top]))

    falls.sort(key=steepness, reverse=True)
    separate: list[Fall] = []
    for fall in falls:
        is_apart = all(fall.entry < other.top or fall.top > other.entry for other in separate)
        is_weak = any(
            steepness(fall) < MIN_STEEPNESS * steepness(other)
            and abs(seconds[fall.entry] - seconds[other.entry]) < WINDOW_SECONDS
            for other in separate
        )
        if is_apart and not is_weak:
            separate.append(fall)
    return separate


def _collect_falls(motion: MotionEnergy, seconds: np.ndarray, first: int, last: int, falls: list[Fall]) -> None:
    """Append the falls between two frames: the steepest one, and those before and after it."""
    if seconds[last] - seconds[first] < MIN_SECONDS:
        return
    fall = detect_fall(motion, seconds, first, last)
    if fall is None:
        return
    falls.append(fall)
    _collect_falls(motion, seconds, first, fall.top, falls)
    _collect_falls(motion, seconds, fall.entry, last, falls)


def detect_fall(motion: MotionEnergy, seconds: np.ndarray, first: int, last: int) -> Fall | None:
    """The dive in one shot; None where nothing falls.

    The height of the motion's centroid, in the coordinates of the first frame, follows the dive: up, down, at rest.
    This holds for a camera that follows the diver (it tilts down), for a fixed one, and in slow motion.

    Args:
        motion: of n frames.
        seconds: [n] times of the frames.
        first, last: frames of the shot, both included.
    """
    frames = np.arange(first, last + 1)
    times = seconds[frames]
    if len(times) < 4:
        return None
    height = motion_height(motion.select(frames), times)
    falls = [(np.interp(times + duration, times, height) - height) / np.sqrt(duration) for duration in FALL_SECONDS]
    scale = int(np.argmax([fall.max() for fall in falls]))
    bottom = _end_of_fall(height, times, int(falls[scale].argmax()), FALL_SECONDS[scale])
    top = _top_of_fall(height, times, bottom)
    drop = float(height[bottom] - height[top])
    if bottom <= top or drop < MIN_DROP:
        return None
    interval = _frame_interval(times)
    peak = int(_smooth(motion.energy[frames].mean(axis=(1, 2)), PRIOR_SECONDS[-1] / interval).argmax())
    return Fall(first + top, first + bottom, drop, first + peak)


def motion_height(motion: MotionEnergy, seconds: np.ndarray) -> np.ndarray:
    """Height of the motion's centroid in each frame, [n], downwards, in the coordinates of the first frame."""
    centre = np.tile([motion.aspect / 2, 0.5], (len(seconds), 1))
    centroids = motion.centroids()
    valid = np.isfinite(centroids).all(axis=1)
    camera = motion.to_first_frame(centre)[:, 1]
    offset = motion.to_first_frame(np.where(valid[:, None], centroids, centre))[:, 1] - camera
    energy = np.where(valid, (motion.energy.astype(np.float64) ** 2).sum(axis=(1, 2)), 0.0)
    high = max(float(np.quantile(energy, HIGH_ENERGY_QUANTILE)), 1e-6)
    energy, prior_weight = np.minimum(energy, high), PRIOR_WEIGHT * high
    interval = _frame_interval(seconds)
    prior = np.full(len(offset), (energy @ offset) / max(energy.sum(), 1e-9))
    for width in PRIOR_SECONDS:
        local_energy = _smooth(energy, width / interval)
        local_offset = _smooth(energy * offset, width / interval)
        prior = (local_offset + LOW_ENERGY * high * prior) / (local_energy + LOW_ENERGY * high)
    width = SMOOTHING / interval
    offset = (_smooth(energy * offset, width) + prior_weight * prior) / (_smooth(energy, width) + prior_weight)
    return _smooth(camera, width) + offset


def _frame_interval(seconds: np.ndarray) -> float:
    return max(float(np.median(np.diff(seconds))), 1e-3)


def _smooth(values: np.ndarray, width: float) -> np.ndarray:
    """Values [n] smoothed by a Gaussian with a standard deviation of `width` frames."""
    width = max(width, 0.5)
    radius = int(np.ceil(3 * width))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / width) ** 2)
    return np.convolve(np.pad(values, radius, mode="edge"), kernel / kernel.sum(), mode="valid")


def _end_of_fall(height: np.ndarray, times: np.ndarray, start: int, duration: float) -> int:
    """Frame at which the fall that starts at `start` and takes about `duration` seconds has slowed down."""
    speed = np.gradient(height, times)
    stop = int(np.searchsorted(times, times[start] + duration))
    fastest = start + int(speed[start : stop + 1].argmax())
    slow = np.flatnonzero(speed[fastest:] < 0.25 * speed[fastest])
    return fastest + int(slow[0]) if len(slow) else len(height) - 1


def _top_of_fall(height: np.ndarray, times: np.ndarray, bottom: int) -> int:
    """Frame at which the fall that ends at `bottom` starts: the highest one within the time that such a fall takes,
    which the second half of its drop gives."""
    top = int(height[: bottom + 1].argmin())
    for _ in range(3):
        half = (height[top] + height[bottom]) / 2
        above = np.flatnonzero(height[:bottom] <= half)
        if not len(above):
            return top
        duration = max((times[bottom] - times[above[-1]]) / SECOND_HALF, 0.3)
        start = int(np.searchsorted(times, times[bottom] - MAX_RISE * duration))
        top = start + int(height[start : bottom + 1].argmin())
    level = height[top] + LEVEL_TOLERANCE * (height[bottom] - height[top])
    return top + int(np.flatnonzero(height[top : bottom + 1] <= level)[-1])
