"""What the diver does in a twisting dive: spread the arms, throw one up and one down, unwind the same way.

Throwing the arms to different sides tilts the body; the tilted body's spin has a part along its length, and so it
twists (M. R. Yeadon, "The biomechanics of twisting somersaults", Journal of Sports Sciences 11, 1993). Undoing the
throw takes the tilt out again after whole twists. After an odd number of half twists the diver faces the other way
and the same movement would tilt further; so the arms change places half-way through, while the body is edge-on and
the change cannot tilt it.
"""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.choreography import FORWARD, INWARD, LINE_UP, Manner, Repertoire, first_moves
from fineparser.simulator.faults import Faults
from fineparser.simulator.flight import Balance
from fineparser.simulator.shape import mirror, shape
from fineparser.simulator.timeline import Timeline, ease

ARMS = "raise plane roll elbow wrist"
TRUNK_AND_LEGS = "spine side neck hip apart knee point"
THROW = 0.18  # s that throwing the arms takes


@dataclass(frozen=True)
class Twisting:
    """What is free in the twisting; `fineparser.simulator.spin` solves for it."""

    duration: float
    """s from the beginning of the first throw of the arms to the end of the last; infinite: they stay thrown."""


def first_throw(code: DiveCode) -> float:
    """When the twist begins: rotating forwards there is a short pike first."""
    if code.armstand:
        return 0.10
    if code.direction in (FORWARD, INWARD):
        return 0.15 if closes(code) else 0.26
    return 0.09


def force(code: DiveCode) -> float:
    """How far the arms are thrown apart, 1 is all the way: one half twist needs little."""
    if code.half_somersaults <= 1:  # so little spin that it takes all the tilt there is
        return 1.0
    return {1: 0.45, 2: 0.8, 3: 0.95}.get(code.half_twists, 1.0)


def contact_tilt(code: DiveCode) -> float:
    """Radians by which the body already leans sideways when the feet leave: the part of the tilt that comes from the
    board, less for fewer twists."""
    if code.armstand:
        degrees = {1: 0.0, 2: 1.6, 3: 3.0}.get(code.half_twists, 3.4)
    elif closes(code):
        degrees = {1: 3.0, 2: 4.5, 3: 4.5, 4: 4.0}.get(code.half_twists, 1.8)
    else:
        degrees = {1: 0.0, 2: 0.8, 3: 1.6, 4: 2.2, 5: 3.0}.get(code.half_twists, 4.2)
    return float(np.deg2rad(degrees))


def balance(code: DiveCode, free: Twisting, times: np.ndarray) -> Balance:
    """How the diver balances out the tilt, not before the arms unwind."""
    return Balance(14.0 * ease(times, first_throw(code) + free.duration - 1.2 * THROW, 0.2))


def closes(code: DiveCode) -> bool:
    """Whether a pike or tuck is closed after the twist."""
    return code.half_somersaults >= (4 if code.position == "D" else 3) and code.position != "A"


def settled(code: DiveCode, free: Twisting) -> float:
    """When the twist should be over, s."""
    return first_throw(code) + free.duration + (0.26 if closes(code) else 9.0)


def choreograph_twist(
    code: DiveCode, forms: Repertoire, flight: float, faults: Faults, manner: Manner, free: Twisting
) -> Timeline:
    """The shapes of a twisting dive; times as in `choreography.choreograph`."""
    begin = first_throw(code)
    timeline = first_moves(forms)
    spread = shape(forms.swan, spine=0.0, neck=6.0)
    if code.direction in (FORWARD, INWARD) and not code.armstand:
        deep = min(26.0 + 6.0 * code.half_somersaults, 60.0)
        bend = begin - 0.06
        timeline = timeline.move(-0.08, bend + 0.08, shape(forms.stretched, hip=deep, spine=14.0), only=TRUNK_AND_LEGS)
        timeline = timeline.move(0.6 * bend, 0.24, spread, only=TRUNK_AND_LEGS)
    else:
        timeline = timeline.move(0.0, 0.20, spread, only=TRUNK_AND_LEGS)
    timeline = timeline.move(0.0 if code.armstand else -0.06, begin + 0.05, spread, only=ARMS)
    wrapped = _wrapped(spread, force(code))
    if manner.handed < 0:
        wrapped = mirror(wrapped)
    timeline = _throw(timeline, begin, wrapped)
    if not np.isfinite(free.duration):
        return timeline
    end = begin + free.duration
    if code.half_twists % 2:
        change = float(np.clip(free.duration - 2 * THROW, 0.14, 0.30))
        wrapped = mirror(wrapped)
        timeline = timeline.move((begin + end - change) / 2, change, wrapped, only=ARMS)
    timeline = timeline.move(end - THROW, THROW, spread, only="raise")
    timeline = timeline.move(end - 1.6 * THROW, THROW, spread, only="plane roll elbow wrist")
    return _finish(timeline, code, forms, end, flight, faults)


def _wrapped(spread: np.ndarray, force: float) -> np.ndarray:
    """Left arm bent over the head, right arm across the chest; with less force the arms stay nearer to level."""
    return shape(
        spread,
        raise_l=92.0 + 72.0 * force,
        plane_l=86.0,
        elbow_l=118.0 * force**2,
        roll_l=14.0 * force,
        raise_r=92.0 - 74.0 * force,
        plane_r=88.0 - 46.0 * force,
        elbow_r=118.0 * force**2,
        roll_r=66.0 * force,
    )


def _throw(timeline: Timeline, start: float, target: np.ndarray) -> Timeline:
    """Sweep the arms, long while they sweep and folded while the body twists."""
    timeline = timeline.move(start, THROW, target, only="raise")
    return timeline.move(start + 0.6 * THROW, THROW, target, only="plane roll elbow wrist")


def _finish(
    timeline: Timeline, code: DiveCode, forms: Repertoire, end: float, flight: float, faults: Faults
) -> Timeline:
    """After the twist: close and open, or square out, and line up."""
    line = flight - LINE_UP
    if closes(code):
        close = end - 0.10
        opening = max(flight - (0.42 if code.half_somersaults < 5 else 0.38) + faults.late, close + 0.30)
        timeline = timeline.move(close, 0.26, forms.closed, only=TRUNK_AND_LEGS)
        timeline = timeline.move(end, 0.24, forms.closed, only=ARMS)
        stretch = min(0.24, 0.62 * (flight - opening))
        timeline = timeline.move(opening, stretch, forms.entry, only=TRUNK_AND_LEGS)
        reach_out = float(np.clip(line - opening, 0.17, 0.36))
        half = shape(forms.entry, **{"raise": 100.0, "plane": 80.0, "elbow": 25.0}, wrist=0.0)
        timeline = timeline.move(opening, 0.55 * reach_out, half, only=ARMS)
        return timeline.move(opening + 0.4 * reach_out, 0.62 * reach_out, forms.entry, only=ARMS)
    deep = {1: 0.0, 2: 15.0}.get(code.half_somersaults, 42.0) if code.position == "D" else 0.0
    left = max(line - end, 0.30)
    deep *= float(np.clip((line - end - 0.15) / 0.30, 0.0, 1.0))
    if deep > 3.0:
        bent = shape(timeline.last, hip=deep, spine=0.25 * deep)
        timeline = timeline.move(end - 0.08, min(0.45 * left + 0.05, 0.34), bent, only="hip spine")
        opening = max(end + 0.42 * left, flight - 0.50) + faults.late
        timeline = timeline.move(opening, min(0.55 * left, 0.34), forms.entry, only=TRUNK_AND_LEGS)
    else:
        timeline = timeline.move(end, min(left, 0.3), forms.entry, only=TRUNK_AND_LEGS)
    if not code.head_first:
        return timeline.move(end, 0.34, forms.entry, only=ARMS)
    start = min(max(end, min(end + 0.3 * left, flight - 0.5)), line - 0.22)
    return timeline.move(start, float(np.clip(line - start, 0.2, 0.4)), forms.entry, only=ARMS)
