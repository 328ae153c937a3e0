"""Quality checks of a clip and of what was predicted from it; each failed check is a warning in the report."""

import numpy as np

from fineparser.analysis.report import Transition
from fineparser.domain.clip_geometry import CLIP_FRAMES
from fineparser.domain.phases import Phase
from fineparser.domain.rules import flight_seconds
from fineparser.quality_warning import QualityWarning, Value
from fineparser.video.info import VideoInfo

MIN_CONFIDENCE = 0.3
"""Confidence below which a transition is uncertain."""

MAX_TRANSITION_ERROR = 0.15
"""Standard error of a transition, seconds of real time, above which it is uncertain, too."""

MIN_MASK_SHARE = 1e-3
"""Mean share of the crop that the mask covers, below which no diver was found."""

SLOW_FACTOR, FAST_FACTOR = 1.35, 0.6
"""A flight longer than the first multiple of the longest plausible one is slow motion; one shorter than the second
multiple of the shortest plausible one is sped up."""

MAX_HEIGHT = 10.0
"""Metres from which the longest flight is taken if the height is unknown."""


def check_clip(info: VideoInfo, cuts: tuple[int, ...], first: int, last: int) -> list[QualityWarning]:
    """Check the frames from `first` to `last` of a clip with `cuts` between shots."""
    warnings = []
    inside = tuple(cut for cut in cuts if first < cut <= last)
    if inside:
        warnings.append(QualityWarning("cut_inside_trim", {"cuts": inside}))
    if info.capture_times is not None:
        warnings.append(QualityWarning("phone_slow_motion"))
    elif info.variable_frame_rate:
        warnings.append(QualityWarning("variable_frame_rate"))
    frames = last - first + 1
    if frames < CLIP_FRAMES // 2:
        warnings.append(QualityWarning("low_frame_count", {"frames": frames, "needed": CLIP_FRAMES}))
    return warnings


def check_predictions(
    masks: np.ndarray, flight: Transition, entry: Transition, errors: tuple[float, float] = (0.0, 0.0)
) -> list[QualityWarning]:
    """Check the predicted masks, float [96, 112, 112], and transitions with their standard errors, seconds of real
    time."""
    warnings = []
    if float((masks >= 0.5).mean()) < MIN_MASK_SHARE:
        warnings.append(QualityWarning("empty_masks"))
    for transition, phase, error in ((flight, Phase.FLIGHT, errors[0]), (entry, Phase.ENTRY, errors[1])):
        if transition.confidence < MIN_CONFIDENCE or error > MAX_TRANSITION_ERROR:
            values: dict[str, Value] = {
                "phase": phase.label,
                "confidence": round(transition.confidence, 4),
                "frame": transition.frame,
            }
            warnings.append(QualityWarning("uncertain_transition", values))
    if entry.index >= len(masks) - 1:
        warnings.append(QualityWarning("entry_missing"))
    return warnings


def check_flight_time(
    flight: Transition, entry: Transition, height: float | None, *, armstand: bool = False
) -> list[QualityWarning]:
    """Check that the flight takes as long as a fall from that height: it does not in slow motion, or if a transition
    is wrong. Uncertain transitions are not checked."""
    if min(flight.confidence, entry.confidence) < MIN_CONFIDENCE:
        return []
    start = MAX_HEIGHT if height is None else height
    shortest, longest = flight_seconds(start, armstand)
    seconds = entry.seconds - flight.seconds
    times: dict[str, Value] = {"seconds": round(seconds, 3), "height": start}
    if seconds > SLOW_FACTOR * longest:
        factor = seconds / ((shortest + longest) / 2)
        return [QualityWarning("slow_motion", times | {"longest": round(longest, 3), "factor": round(factor, 3)})]
    if height is not None and seconds < FAST_FACTOR * shortest:
        return [QualityWarning("flight_too_short", times | {"shortest": round(shortest, 3)})]
    return []
