"""Frame rate of a clip from the time stamps of its frames, and the real time of slow motion."""

from dataclasses import dataclass

import numpy as np

JITTER = 0.5
"""Share of the median interval by which an interval may differ at a constant rate. Containers round to milliseconds,
GIF to hundredths of a second; a dropped frame is a whole interval."""

DRIFT = 1.0
"""Frames by which a constant rate may run ahead of or behind a straight line."""

RATE_TOLERANCE = 0.005
"""Relative difference up to which the rate in the header is preferred to the measured one."""


@dataclass(frozen=True)
class Timing:
    """Frame rate of a clip."""

    fps: float
    """Frames a second, the mean where the rate varies."""

    timestamps: tuple[float, ...] | None
    """Seconds of each frame from the first on, or None where the rate is constant."""


def constant_timing(fps: float, fallback: float) -> Timing:
    """Timing at the rate in the header, or at `fallback` where that is no rate (0, infinite, NaN)."""
    return Timing(fps if np.isfinite(fps) and 0 < fps <= 1000 else fallback, None)


def measure_timing(seconds: np.ndarray, header_fps: float, fallback: float = 25.0) -> Timing:
    """Timing of frames from their presentation times.

    Args:
        seconds: float64 [n], in presentation order.
        header_fps: frame rate in the header.
        fallback: frame rate where neither the stamps nor the header give one.

    Where the stamps are no times (not increasing throughout, which AVI files with B-frames give), the rate in
    the header is taken, and `fallback` where there is none.
    """
    seconds = np.asarray(seconds, np.float64)
    if len(seconds) < 2 or not np.all(np.diff(seconds) > 0):
        return constant_timing(header_fps, fallback)
    seconds = seconds - seconds[0]
    intervals = np.diff(seconds)
    median = float(np.median(intervals))
    mean = seconds[-1] / len(intervals)
    drift = np.abs(seconds - mean * np.arange(len(seconds))).max() / mean
    if np.abs(intervals - median).max() <= JITTER * median + 1e-9 and drift <= DRIFT:
        measured = 1 / mean
        agrees = abs(header_fps - measured) <= RATE_TOLERANCE * measured + _rounding_error(seconds)
        return Timing(header_fps if agrees else measured, None)
    # The last frame lasts as long as frames usually do.
    return Timing(len(seconds) / float(seconds[-1] + median), tuple(seconds.tolist()))


def _rounding_error(seconds: np.ndarray) -> float:
    """Largest error of the mean rate of a short clip with stamps rounded to hundredths of a second."""
    span = float(seconds[-1])
    return (len(seconds) - 1) * 0.01 / span**2


CAPTURE_RATE_KEY = "com.android.capture.fps"
"""Metadata in which Android writes the rate at which the camera took the frames."""

MIN_SLOWDOWN = 1.5
"""Ratio of the capture rate to the playback rate from which a clip is slow motion."""

MIN_RAMP_RATE = 100.0
"""Lowest capture rate of a ramp, frames a second. Below it, phones switch between 60 and 30 for lack of light."""

MIN_RAMP_RATIO = 3.5
"""Ratio of the long to the short interval of a ramp: 120 or 240 frames a second slowed down to 30."""

MIN_RAMP_FRAMES = 8
"""Frames of a stretch at one speed."""

RAMP_TOLERANCE = 0.25
"""Share by which an interval may differ from that of its stretch."""

RAMP_SHARE = 0.9
"""Share of the intervals that must have one of the two lengths; the rest are changes of speed."""


def measure_capture(timing: Timing, count: int, metadata: dict[str, str]) -> tuple[float, ...] | None:
    """Real time of the frames of a phone's slow motion.

    Recognised are

    - a capture rate in the metadata above the rate at which the clip plays (Android), and
    - ramps: stretches of a high frame rate between stretches of a low one, in which every frame taken is shown (slow
      motion exported with all its frames).

    An edit list that changes the speed is not applied (`open_container`): the frames come at the times at which they
    were taken. Recordings at a high rate that play in real time, such as the originals of iPhones, need nothing. Slow
    motion exported at one rate without metadata cannot be recognised: its frames do not tell it from a slower dive.

    Args:
        timing: times at which the frames are shown.
        count: number of frames.
        metadata: metadata of the file.

    Returns:
        Seconds of each frame from the first one on, or None where no slow motion was recognised.
    """
    displayed = np.arange(count) / timing.fps if timing.timestamps is None else np.array(timing.timestamps)
    if count < 2:
        return None
    intervals = np.diff(displayed)
    interval = float(np.median(intervals))
    try:
        capture_rate = float(metadata.get(CAPTURE_RATE_KEY, "0"))
    except ValueError:
        capture_rate = 0.0
    if np.isfinite(capture_rate) and capture_rate * interval >= MIN_SLOWDOWN:
        return tuple((displayed / (capture_rate * interval)).tolist())
    short = _ramp_interval(intervals)
    return None if short is None else tuple((np.arange(count) * short).tolist())


def _ramp_interval(intervals: np.ndarray) -> float | None:
    """The short one of two intervals between which a clip changes, None where it does not."""
    middle = float(np.sqrt(intervals.min() * intervals.max()))
    is_short = intervals < middle
    if is_short.all() or not is_short.any():
        return None
    short, long = float(np.median(intervals[is_short])), float(np.median(intervals[~is_short]))
    expected = np.where(is_short, short, long)
    fits = np.abs(intervals - expected) <= RAMP_TOLERANCE * expected
    edges = np.flatnonzero(np.diff(is_short)) + 1
    stretches = np.split(is_short, edges)
    longest = {kind: max((len(s) for s in stretches if s[0] == kind), default=0) for kind in (True, False)}
    is_ramp = (
        1 / short >= MIN_RAMP_RATE
        and long >= MIN_RAMP_RATIO * short
        and fits.mean() >= RAMP_SHARE
        and min(longest.values()) >= MIN_RAMP_FRAMES
        and len(stretches) <= len(intervals) / MIN_RAMP_FRAMES
    )
    return short if is_ramp else None
