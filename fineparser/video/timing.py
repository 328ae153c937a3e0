"""When the frames of a file are shown: its rate, and whether it is one rate at all."""

from dataclasses import dataclass

import numpy as np

JITTER = 0.5
"""Share of the usual interval by which one may differ at a constant rate. Containers round to milliseconds,
GIF to hundredths of a second; a dropped frame is a whole interval."""

DRIFT = 1.0
"""Frames by which a constant rate may run ahead of or behind a straight line."""

RATE_TOLERANCE = 0.005
"""Relative difference up to which the rate written in the header is believed over the measured one."""


@dataclass(frozen=True)
class Timing:
    """The rate of a clip."""

    fps: float
    """Frames a second, the mean where the rate varies."""

    timestamps: tuple[float, ...] | None
    """Seconds of each frame from the first on, or None where the rate is constant."""


def constant_timing(fps: float, fallback: float) -> Timing:
    """A clip at the rate its header gives, or at `fallback` where that is no rate (0, infinite, NaN)."""
    return Timing(fps if np.isfinite(fps) and 0 < fps <= 1000 else fallback, None)


def measure_timing(seconds: np.ndarray, header_fps: float, fallback: float = 25.0) -> Timing:
    """The timing of frames shown at `seconds` [n], in the order of showing.

    Where the stamps are no times (not increasing throughout, which AVI files with B-frames give), the rate in
    the header is taken, and `fallback` where there is none.
    """
    seconds = np.asarray(seconds, np.float64)
    if len(seconds) < 2 or not np.all(np.diff(seconds) > 0):
        return constant_timing(header_fps, fallback)
    seconds = seconds - seconds[0]
    intervals = np.diff(seconds)
    usual = float(np.median(intervals))
    mean = seconds[-1] / len(intervals)
    drift = np.abs(seconds - mean * np.arange(len(seconds))).max() / mean
    if np.abs(intervals - usual).max() <= JITTER * usual + 1e-9 and drift <= DRIFT:
        measured = 1 / mean
        agrees = abs(header_fps - measured) <= RATE_TOLERANCE * measured + _rounding(seconds)
        return Timing(header_fps if agrees else measured, None)
    # The last frame is shown for as long as frames usually are.
    return Timing(len(seconds) / float(seconds[-1] + usual), tuple(seconds.tolist()))


def _rounding(seconds: np.ndarray) -> float:
    """By how much stamps rounded to hundredths of a second can put the mean rate of a short clip wrong."""
    span = float(seconds[-1])
    return (len(seconds) - 1) * 0.01 / span**2
