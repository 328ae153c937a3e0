"""What is the matter with a clip, or with what was found in it, in sentences."""

import numpy as np

from fineparser.analysis.report import Transition
from fineparser.domain.free_fall import flight_seconds
from fineparser.domain.phases import CLIP_FRAMES, Phase
from fineparser.video.info import VideoInfo

UNSURE = 0.3
"""Below this probability a transition is reported as unsure."""

MASK_SHARE = 1e-3
"""Mean share of the picture below which no diver counts as found."""

SLOW, QUICK = 1.35, 0.6
"""Flights so many times as long as the longest usual one, or the shortest, are no flights at life's own speed."""

HIGHEST = 10.0
"""Metres: where the height is not known, the longest flight is one from here."""


def clip_doubts(info: VideoInfo, cuts: tuple[int, ...], first: int, last: int) -> list[str]:
    """What is the matter with the frames from `first` to `last` of a clip."""
    doubts = []
    inside = [cut for cut in cuts if first < cut <= last]
    if inside:
        doubts.append(
            f"The picture cuts to another shot at frame{'s' * (len(inside) > 1)} {', '.join(map(str, inside))}, "
            "inside the analysed part: trim the clip to a single shot."
        )
    if info.variable_frame_rate:
        doubts.append("The frame rate varies: times are the clip's own, speeds between frames may mislead.")
    frames = last - first + 1
    if frames < CLIP_FRAMES // 2:
        doubts.append(f"Only {frames} frames for the {CLIP_FRAMES} that the network takes: frames repeat.")
    return doubts


def finding_doubts(masks: np.ndarray, flight: Transition, entry: Transition) -> list[str]:
    """What is the matter with what was found."""
    doubts = []
    if float((masks >= 0.5).mean()) < MASK_SHARE:
        doubts.append("No diver was found in the analysed part of the picture: check the trim and the window.")
    for moment, phase in ((flight, Phase.FLIGHT), (entry, Phase.ENTRY)):
        if moment.confidence < UNSURE:
            unsure = f"probability {moment.confidence:.2f} at frame {moment.frame}"
            doubts.append(f"The start of the {phase.label} is unsure ({unsure}).")
    if entry.index >= len(masks) - 1:
        doubts.append("No entry was found before the end of the analysed part: it may be cut off.")
    return doubts


def speed_doubts(flight: Transition, entry: Transition, height: float | None, armstand: bool = False) -> list[str]:
    """Whether the flight lasts as long as a fall from that height: slow motion, or switches that are wrong.

    Says nothing where a switch is unsure.
    """
    if min(flight.confidence, entry.confidence) < UNSURE:
        return []
    shortest, longest = flight_seconds(HIGHEST if height is None else height, armstand)
    lasted = entry.seconds - flight.seconds
    fall = f"The flight lasts {lasted:.1f} s, a fall from {HIGHEST if height is None else height:g} m"
    if lasted > SLOW * longest:
        times = lasted / ((shortest + longest) / 2)
        return [f"{fall} {longest:.1f} s at most: it looks like slow motion, {times:.1f} times as slow as life."]
    if height is not None and lasted < QUICK * shortest:
        return [f"{fall} {shortest:.1f} s at least: the clip runs too fast, the height is wrong, or a switch is."]
    return []
