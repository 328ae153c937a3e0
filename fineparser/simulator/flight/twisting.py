"""Schedule of shapes of twisting dives: spread the arms, throw one up and one down, unwind the same way.

Throwing the arms to different sides tilts the body; the tilted body's spin has a part along its length, and so it
twists (M. R. Yeadon, "The biomechanics of twisting somersaults", Journal of Sports Sciences 11, 1993). Undoing the
throw removes the tilt after whole twists. After an odd number of half twists the diver faces the other way and the same
movement would increase the tilt; so the arms are exchanged half-way through, while the body is edge-on and the exchange
cannot tilt it.
"""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.athlete.shape import mirror_shape, shape
from fineparser.simulator.faults import Faults
from fineparser.simulator.flight.rotation import TiltBalance
from fineparser.simulator.flight.shape_schedule import (
    ARMS,
    FORWARD,
    INWARD,
    LINE_UP,
    TRUNK_AND_LEGS,
    DiverStyle,
    DiveShapes,
    ShapeTimeline,
    ease,
    first_moves,
    straighten_hips,
)

THROW = 0.18  # s, duration of a throw of the arms


@dataclass(frozen=True)
class TwistTiming:
    """Free timing of a twist, for which `fineparser.simulator.flight.spin` solves."""

    duration: float
    """s from the beginning of the first throw of the arms to the end of the last; infinite: no unwinding."""


def first_throw_time(code: DiveCode) -> float:
    """Seconds after the take-off at which the twist begins: later for forward dives, which begin with a short pike."""
    if code.armstand:
        return 0.10
    if code.direction in (FORWARD, INWARD):
        return 0.15 if closes_after_twist(code) else 0.26
    return 0.09


def _throw_extent(code: DiveCode) -> float:
    """Extent of the throw of the arms, 1 is full: one half twist needs little."""
    if code.half_somersaults <= 1:  # so little spin that the full tilt is needed
        return 1.0
    return {1: 0.45, 2: 0.8, 3: 0.95}.get(code.half_twists, 1.0)


def contact_tilt(code: DiveCode) -> float:
    """Sideways tilt (rad) of the body at the last contact: the part of the tilt that comes from the board, less for
    fewer twists."""
    if code.armstand:
        degrees = {1: 0.0, 2: 1.6, 3: 3.0}.get(code.half_twists, 3.4)
    elif closes_after_twist(code):
        degrees = {1: 3.0, 2: 4.5, 3: 4.5, 4: 4.0}.get(code.half_twists, 1.8)
    else:
        degrees = {1: 0.0, 2: 0.8, 3: 1.6, 4: 2.2, 5: 3.0}.get(code.half_twists, 4.2)
    return float(np.deg2rad(degrees))


def tilt_balance(code: DiveCode, timing: TwistTiming, times: np.ndarray) -> TiltBalance:
    """Control by which the diver removes the tilt, from the unwinding of the arms on."""
    return TiltBalance(14.0 * ease(times, first_throw_time(code) + timing.duration - 1.2 * THROW, 0.2))


def closes_after_twist(code: DiveCode) -> bool:
    """True if a pike or tuck follows the twist."""
    return code.half_somersaults >= (4 if code.position == "D" else 3) and code.position != "A"


def twist_end_time(code: DiveCode, timing: TwistTiming) -> float:
    """Seconds after the take-off at which the twist should be over."""
    return first_throw_time(code) + timing.duration + (0.26 if closes_after_twist(code) else 9.0)


def schedule_twisting_dive(
    code: DiveCode, shapes: DiveShapes, flight: float, faults: Faults, style: DiverStyle, timing: TwistTiming
) -> ShapeTimeline:
    """Schedule the shapes of a twisting dive; times as in `schedule_dive`."""
    begin = first_throw_time(code)
    timeline = first_moves(shapes)
    spread = shape(shapes.swan, spine=0.0, neck=6.0)
    if code.direction in (FORWARD, INWARD) and not code.armstand:
        flexion = min(26.0 + 6.0 * code.half_somersaults, 60.0)
        bend = begin - 0.06
        lead = 0.08 + style.closing_lead
        piked = shape(shapes.stretched, hip=flexion, spine=14.0)
        timeline = timeline.move(-lead, bend + lead, piked, only=TRUNK_AND_LEGS)
        timeline = timeline.move(0.6 * bend, 0.24, spread, only=TRUNK_AND_LEGS)
    else:
        timeline = timeline.move(0.0, 0.20, spread, only=TRUNK_AND_LEGS)
    timeline = timeline.move(0.0 if code.armstand else -0.06, begin + 0.05, spread, only=ARMS)
    wrapped = _wrap_arms(spread, _throw_extent(code))
    if style.twist_side < 0:
        wrapped = mirror_shape(wrapped)
    timeline = _throw(timeline, begin, wrapped)
    if not np.isfinite(timing.duration):
        return timeline
    end = begin + timing.duration
    if code.half_twists % 2:
        change = float(np.clip(timing.duration - 2 * THROW, 0.14, 0.30))
        wrapped = mirror_shape(wrapped)
        timeline = timeline.move((begin + end - change) / 2, change, wrapped, only=ARMS)
    timeline = timeline.move(end - THROW, THROW, spread, only="raise")
    timeline = timeline.move(end - 1.6 * THROW, THROW, spread, only="plane roll elbow wrist")
    return _finish(timeline, code, shapes, end, flight, faults)


def _wrap_arms(spread: np.ndarray, extent: float) -> np.ndarray:
    """Bend the left arm over the head, the right arm across the chest; with less extent they stay nearer to level."""
    return shape(
        spread,
        raise_l=92.0 + 72.0 * extent,
        plane_l=86.0,
        elbow_l=118.0 * extent**2,
        roll_l=14.0 * extent,
        raise_r=92.0 - 74.0 * extent,
        plane_r=88.0 - 46.0 * extent,
        elbow_r=118.0 * extent**2,
        roll_r=66.0 * extent,
    )


def _throw(timeline: ShapeTimeline, start: float, target: np.ndarray) -> ShapeTimeline:
    """Throw the arms: extended during the throw and folded while the body twists."""
    timeline = timeline.move(start, THROW, target, only="raise")
    return timeline.move(start + 0.6 * THROW, THROW, target, only="plane roll elbow wrist")


def _finish(
    timeline: ShapeTimeline, code: DiveCode, shapes: DiveShapes, end: float, flight: float, faults: Faults
) -> ShapeTimeline:
    """After the twist: close and open, or extend, and line up."""
    line = flight - LINE_UP
    if closes_after_twist(code):
        close = end - 0.10
        opening = max(flight - (0.42 if code.half_somersaults < 5 else 0.38) + faults.late, close + 0.30)
        timeline = timeline.move(close, 0.26, shapes.closed, only=TRUNK_AND_LEGS)
        timeline = timeline.move(end, 0.24, shapes.closed, only=ARMS)
        stretch = min(0.24, 0.62 * (flight - opening))
        timeline = timeline.move(opening, stretch, shapes.entry, only="spine side neck apart knee point")
        timeline = straighten_hips(timeline, shapes, opening, stretch, flight)
        reach_out = float(np.clip(line - opening, 0.17, 0.36))
        half = shape(shapes.entry, **{"raise": 100.0, "plane": 80.0, "elbow": 25.0}, wrist=0.0)
        timeline = timeline.move(opening, 0.55 * reach_out, half, only=ARMS)
        return timeline.move(opening + 0.4 * reach_out, 0.62 * reach_out, shapes.entry, only=ARMS)
    flexion = {1: 0.0, 2: 15.0}.get(code.half_somersaults, 42.0) if code.position == "D" else 0.0
    left = max(line - end, 0.30)
    flexion *= float(np.clip((line - end - 0.15) / 0.30, 0.0, 1.0))
    if flexion > 3.0:
        bent = shape(timeline.last, hip=flexion, spine=0.25 * flexion)
        timeline = timeline.move(end - 0.08, min(0.45 * left + 0.05, 0.34), bent, only="hip spine")
        opening = max(end + 0.42 * left, flight - 0.50) + faults.late
        stretch = min(0.55 * left, 0.34)
        timeline = timeline.move(opening, stretch, shapes.entry, only="spine side neck apart knee point")
        timeline = straighten_hips(timeline, shapes, opening, stretch, flight)
    else:
        timeline = timeline.move(end, min(left, 0.3), shapes.entry, only=TRUNK_AND_LEGS)
    if not code.head_first:
        return timeline.move(end, 0.34, shapes.entry, only=ARMS)
    start = min(max(end, min(end + 0.3 * left, flight - 0.5)), line - 0.22)
    return timeline.move(start, float(np.clip(line - start, 0.2, 0.4)), shapes.entry, only=ARMS)
