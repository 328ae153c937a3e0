"""Shapes of the body over time: smooth moves, and their schedule from take-off to entry without twists."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fineparser.domain.difficulty import SPRINGBOARDS
from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.shape import ANGLE_INDEX, joint_positions, reach_with_arms, shape
from fineparser.simulator.athlete.skeleton import JOINT_INDEX
from fineparser.simulator.faults import Faults


def ease(times: np.ndarray, start: float | np.ndarray, duration: float | np.ndarray) -> np.ndarray:
    """Minimum-jerk transition [N] from 0 before `start` to 1 after `start + duration`, twice differentiable everywhere.

    Human movements follow it (Flash and Hogan, Journal of Neuroscience 5, 1985).
    """
    share = np.clip((times - start) / duration, 0.0, 1.0)
    return np.asarray(share**3 * (10.0 - 15.0 * share + 6.0 * share**2))


def hermite(
    times: np.ndarray, knots: Sequence[float], values: Sequence[float], slopes: Sequence[float | None]
) -> np.ndarray:
    """Interpolate [N] through `values` at `knots` by a cubic Hermite spline, constant outside.

    A slope of None is that of the chord through the neighbours, 0 at an extremum, so that nothing overshoots.
    """
    return _hermite(times, np.asarray(knots, float), np.asarray(values, float), slopes)


def _hermite(times: np.ndarray, knots: np.ndarray, values: np.ndarray, slopes: Sequence[float | None]) -> np.ndarray:
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
    return np.asarray(
        (1 + 2 * s) * (1 - s) ** 2 * values[cell]
        + s * (1 - s) ** 2 * width * full[cell]
        + s**2 * (3 - 2 * s) * values[cell + 1]
        + s**2 * (s - 1) * width * full[cell + 1]
    )


@dataclass(frozen=True)
class Move:
    """Smooth change of a shape."""

    start: float
    """Seconds."""
    duration: float
    """Seconds."""
    change: np.ndarray
    """[21] degrees."""


@dataclass(frozen=True)
class ShapeTimeline:
    """A first shape and moves away from it; moves of the same joint may overlap and then add up."""

    base: np.ndarray
    """[21] the shape before the first move."""
    moves: tuple[Move, ...] = ()

    @property
    def last(self) -> np.ndarray:
        """The shape [21] after all moves."""
        total = np.zeros(len(self.base))
        for move in self.moves:
            total = total + move.change
        return np.asarray(self.base + total)

    def move(
        self, start: float, duration: float, target: np.ndarray | None = None, only: str = "", **angles: float
    ) -> "ShapeTimeline":
        """Append a move to the shape `target` (default: the last one) with `angles` changed in it.

        Args:
            only: names of angles, separated by blanks, that the move changes; default: all.
        """
        goal = shape(self.last if target is None else target, **angles)
        change = goal - self.last
        if only:
            selected = np.zeros(len(change))
            for name in only.split():
                for angle in (name, f"{name}_l", f"{name}_r"):
                    if angle in ANGLE_INDEX:
                        selected[ANGLE_INDEX[angle]] = 1.0
            change = change * selected
        return ShapeTimeline(self.base, (*self.moves, Move(start, max(duration, 1e-3), change)))

    def at(self, times: np.ndarray) -> np.ndarray:
        """Shapes [N, 21] in degrees at the times [N]."""
        if not self.moves:
            return np.repeat(self.base[None], len(times), axis=0)
        starts = np.array([move.start for move in self.moves])
        durations = np.array([move.duration for move in self.moves])
        changes = np.stack([move.change for move in self.moves])
        return np.asarray(self.base + ease(times[:, None], starts, durations) @ changes)


FORWARD, BACK, REVERSE, INWARD = 1, 2, 3, 4
LEG_LEAN = 7.0  # degrees by which the legs lean out over the water at the last contact
BACKWARD_ARCH = 4.0  # degrees by which the back is arched at the entry of backward somersaults, to see the water
CLEAR_BEND = 20.0  # degrees of the hips' bend from which on a back or reverse dive is not arched at the entry
ARM_REACH, MIN_ARM_REACH = 0.5, 18.0
"""Degrees by which the arms reach forwards to the water for each degree of the hips' bend; less than the minimum is
not done."""
LINE_UP = 0.13  # s before the touch at which the diver should be in line for the entry
LEAST_LEFT, MOST_LEFT = 0.03, 0.6
"""Share of the hips' bend that is left at the touch: below the least the diver is in line before, and the largest."""
ARMS = "raise plane roll elbow wrist"
TRUNK_AND_LEGS = "spine side neck hip apart knee point"


@dataclass(frozen=True, kw_only=True)
class DiverStyle:
    """Individual style of a diver. None of it is a fault."""

    twist_side: int = 1
    """1: twists with the left arm above; -1: mirrored."""
    pike_grip: float = 0.62
    """Grip of the hands along the shank in a pike, 0 knee to 1 ankle."""
    chin_tuck: float = 18.0
    """Degrees by which the chin goes down in the closed shape."""
    earliness: float = 0.0
    """Seconds by which the shape is closed and opened earlier than usual."""
    tuck_grip: float = 0.45
    """Grip of the hands along the shank in a tuck, 0 knee to 1 ankle."""
    extra_flexion: float = 0.0
    """Degrees by which hips and knees close more than usual: limbs and flexibility differ."""
    knee_abduction: float = 0.0
    """Degrees by which each knee goes outwards in a tuck, to close the shape further."""
    opening_duration: float = 1.0
    """Duration of the legs' move from the closed shape to the line, relative to usual."""
    entry_spine: float = 0.0
    """Degrees by which the upper trunk is bent forwards in the line of the entry (negative: arched)."""
    entry_bend: float = 0.0
    """Degrees by which the hips are still bent at the touch of the water though nobody deducts it (a third of it
    arched, in back and reverse dives). With the fault of a bent entry on top, 31 real dives have 1 to 89 degrees, elite
    ones 18 to 31."""
    closing_lead: float = 0.0
    """Seconds before the last contact at which a forward or inward dive begins to close: divers on a springboard fold
    over straight legs while the blade carries them up. Backward and reverse dives close earlier by half of it."""
    contact_knee: float = 14.0
    """Degrees by which the knees are still bent at the last contact."""

    @classmethod
    def sample(cls, rng: np.random.Generator, height: float) -> "DiverStyle":
        """Sample a style from a board or platform of a height in metres."""
        springboard = height in SPRINGBOARDS
        return cls(
            twist_side=1 if rng.random() < 0.6 else -1,
            pike_grip=float(rng.uniform(0.35, 0.8)),
            chin_tuck=float(rng.uniform(8, 28)),
            earliness=float(np.clip(rng.normal(0, 0.012), -0.025, 0.025)),
            tuck_grip=float(rng.uniform(0.3, 0.65)),
            extra_flexion=float(np.clip(rng.normal(0, 4), -9, 7)),
            knee_abduction=float(np.clip(rng.normal(5, 7), 0, 20)),
            opening_duration=float(rng.uniform(0.85, 1.3)),
            entry_spine=float(np.clip(rng.normal(0, 4), -8, 8)),
            entry_bend=float(np.clip(rng.normal(11, 4), 0, 20)),
            closing_lead=float(np.clip(rng.normal(0.15, 0.02), 0.1, 0.19)) if springboard else 0.0,
            contact_knee=float(rng.uniform(3, 9)) if springboard else 14.0,
        )


@dataclass(frozen=True)
class DiveShapes:
    """Shapes of one diver in one dive, faults included; each [21] degrees."""

    take_off: np.ndarray
    stretched: np.ndarray
    closed: np.ndarray
    swan: np.ndarray
    """Straight, arms level to the sides."""
    slim: np.ndarray
    """Straight, arms along the body."""
    entry: np.ndarray
    entry_bend: float
    """Degrees by which the hips are still bent at the touch, on their way to `entry`."""
    feet_first: bool

    @classmethod
    def from_dive(cls, code: DiveCode, body: Body, faults: Faults, style: DiverStyle, lean: float) -> "DiveShapes":
        """Build the shapes of a dive.

        Args:
            lean: pitch of the pelvis at the take-off in the diver's own forward sense, degrees.
        """
        legs = {
            "knee": 2.0 + faults.bent_knees,
            "point": max(78.0 - faults.unpointed, 20.0),
            "apart": faults.split_legs / 2 - 1.0,
        }
        stretched = shape(**legs, **{"raise": 176.0, "plane": 60.0}, neck=4.0, spine=-2.0)
        if code.armstand:
            take_off = shape(stretched, **{"raise": 178.0, "plane": 30.0}, wrist=80.0, neck=-12.0)
        else:
            towards_water = -1.0 if code.direction in (BACK, INWARD) else 1.0
            hip = lean - towards_water * (LEG_LEAN + faults.lean)
            knee = style.contact_knee
            take_off = shape(stretched, **{"raise": 168.0, "plane": 20.0}, hip=hip, knee=knee, point=66.0)
        backwards = code.direction in (BACK, REVERSE) and not code.twisting
        spine = style.entry_spine
        if backwards:
            arch = style.entry_bend / 3
            stretched = shape(stretched, hip=-arch)
            spine -= BACKWARD_ARCH
            # hips that are clearly bent are not arched as well
            bend = faults.bent_entry + (arch + BACKWARD_ARCH) * min(faults.bent_entry / CLEAR_BEND, 1.0)
        else:
            bend = faults.bent_entry + style.entry_bend
        slim = shape(stretched, **{"raise": 2.0, "plane": 80.0}, spine=2.0)
        swan = shape(stretched, **{"raise": 92.0, "plane": 88.0}, spine=-6.0, neck=-6.0)
        if code.head_first:
            narrow = np.rad2deg(
                np.arcsin(
                    (body.proportions.shoulder_half_width - 0.022 * body.stature - 0.025)
                    / (body.proportions.upper_arm + body.proportions.forearm)
                )
            )
            reach = {"raise": 180.0 + narrow, "plane": 90.0, "wrist": 62.0}
            forward = 0.0 if backwards else ARM_REACH * bend
            if forward > MIN_ARM_REACH:
                forward, narrow = np.deg2rad((forward, narrow))
                lift = np.arccos(-np.cos(forward) * np.cos(narrow))
                plane = np.arctan2(-np.sin(narrow), np.sin(forward) * np.cos(narrow))
                reach = {"raise": np.rad2deg(lift), "plane": np.rad2deg(plane), "wrist": 0.0}
            entry = shape(stretched, **reach, spine=spine, neck=10.0)
        else:
            entry = shape(slim, spine=spine, neck=0.0)
        return cls(
            take_off=take_off,
            stretched=stretched,
            closed=_closed(code, body, faults, style, legs),
            swan=swan,
            slim=slim,
            entry=entry,
            entry_bend=bend,
            feet_first=not code.head_first,
        )


def _closed(code: DiveCode, body: Body, faults: Faults, style: DiverStyle, legs: dict[str, float]) -> np.ndarray:
    """Pike or tuck with the hands at the shanks, opened at hips and knees by the fault `loose`."""
    split = faults.split_legs / 2
    if code.position == "C":
        apart = min(4.0 + 1.2 * split + style.knee_abduction, 38.0)
        knees = {"knee": 128.0 + style.extra_flexion - 0.9 * faults.loose, "apart": apart, "point": legs["point"]}
        hip = 128.0 + style.extra_flexion - 0.8 * faults.loose
        closed = shape(spine=42.0 - 0.3 * faults.loose, hip=hip, neck=style.chin_tuck + 8, **knees)
        grip, offset, elbow = style.tuck_grip, (0.035, 0.04, 0.0), (0.2, 1.0, -0.5)
    else:
        hip = 127.0 + style.extra_flexion - 0.8 * faults.loose
        closed = shape(spine=40.0 - 0.35 * faults.loose, hip=hip, neck=style.chin_tuck, **legs)
        if code.half_somersaults == 1 and not code.twisting:  # touch the toes
            closed = shape(closed, spine=34.0, hip=104.0 - 0.8 * faults.loose)
            grip, offset, elbow = 1.0, (0.0, 0.01, 0.05), (0.0, 1.0, 0.4)
        else:
            grip, offset, elbow = style.pike_grip, (0.0, 0.05, -0.045), (0.0, 1.0, 0.2)
    joints = joint_positions(body, closed[None])[0]
    shin = (1.0 - grip) * joints[JOINT_INDEX["knee_l"]] + grip * joints[JOINT_INDEX["ankle_l"]]
    x, y, z = shin + np.array(offset)
    return reach_with_arms(body, closed, (x, y, z), elbow)


def take_off_lean(code: DiveCode) -> float:
    """Pitch of the pelvis at the last contact, degrees in the diver's own forward sense.

    The more somersaults, the further the trunk has turned already. For armstands: from the upside-down vertical,
    towards the water.
    """
    demand = min(code.half_somersaults, 9) + 0.5 * min(code.half_twists, 4)
    if code.armstand:
        outward = 6.0 if code.direction == REVERSE else 9.0 + 1.2 * demand
        return outward if code.direction in (0, FORWARD, REVERSE) else -outward
    return {
        FORWARD: 5.0 + 2.4 * demand,
        BACK: -(4.0 + 1.1 * demand),
        REVERSE: -(1.0 + 1.0 * demand),
        INWARD: 6.0 + 2.0 * demand,
    }[code.direction]


def schedule_dive(
    code: DiveCode, shapes: DiveShapes, flight: float, faults: Faults, style: DiverStyle
) -> ShapeTimeline:
    """Schedule the shapes of a dive without twists.

    Args:
        flight: seconds from the last contact to the touch of the water.
    """
    backward = code.direction in (BACK, REVERSE)
    start = first_moves(shapes)
    halves = code.half_somersaults
    if halves == 0:
        return start.move(0.0, 0.3, shapes.stretched).move(flight - 0.5, 0.35, shapes.entry)
    if code.position == "A":
        return _straight(start, shapes, flight, code, faults)
    if halves == 1 and not code.armstand and not code.flying:
        return _jackknife(start, shapes, flight, faults)
    begin = 0.08 if code.armstand else 0.10 - 0.5 * style.closing_lead if backward else -style.closing_lead
    begin -= style.earliness + 0.006 * min(halves, 9)
    closing = 0.25 + (0.05 if code.position == "B" else 0.0)
    if style.closing_lead and not backward:
        begin -= 0.03 * (code.direction == INWARD)
        closing = 0.30 + 0.02 * max(5 - halves, 0)  # a slow dive has less angular momentum to fold with
    if code.flying:
        begin = {2: 0.26, 3: 0.30}.get(halves, 0.27) * flight
        start = start.move(0.0, 0.32, shapes.swan)
    lead = {2: 0.60, 3: 0.56, 4: 0.50, 5: 0.46, 6: 0.43, 7: 0.40}.get(halves, 0.37)
    opening = max(flight - lead - 2 * style.earliness + faults.late, begin + closing + 0.03)
    return _open(_close(start, shapes, begin, closing, backward), shapes, opening, flight, code, style)


def first_moves(shapes: DiveShapes) -> ShapeTimeline:
    """Leave the board: knees and feet extend."""
    timeline = ShapeTimeline(shapes.take_off)
    return timeline.move(-0.03, 0.13, shapes.stretched, only="knee point")


def _close(timeline: ShapeTimeline, shapes: DiveShapes, begin: float, duration: float, backward: bool) -> ShapeTimeline:
    """Close the shape: forwards the arms move first, backwards the legs rise to the waiting hands."""
    hands = begin + 0.09 if backward else max(begin - 0.05, -0.10)
    timeline = timeline.move(begin, duration, shapes.closed, only="spine side neck hip")
    timeline = timeline.move(max(begin, -0.04), duration, shapes.closed, only="apart knee point")
    return timeline.move(hands, duration + (0.0 if backward else 0.02), shapes.closed, only=ARMS)


def straighten_hips(
    timeline: ShapeTimeline, shapes: DiveShapes, opening: float, duration: float, touch: float
) -> ShapeTimeline:
    """Straighten the hips in `duration` seconds, or so slowly that the bend of the entry is left at `touch`."""
    flexion = float(timeline.last[ANGLE_INDEX["hip_l"]])
    left = min(shapes.entry_bend / max(flexion, 1.0), MOST_LEFT)
    if left > LEAST_LEFT:
        shares = np.linspace(0.0, 1.0, 101)
        share = float(np.interp(1.0 - left, ease(shares, 0.0, 1.0), shares))
        duration = max(duration, (touch - opening) / share)
    return timeline.move(opening, duration, shapes.entry, only="hip")


def _open(
    timeline: ShapeTimeline, shapes: DiveShapes, opening: float, flight: float, code: DiveCode, style: DiverStyle
) -> ShapeTimeline:
    """Open the shape and line up for the entry."""
    tuck = code.position == "C"
    stretch = min((0.19 if tuck else 0.26) * style.opening_duration, 0.62 * (flight - opening))
    timeline = timeline.move(opening, stretch, shapes.entry, only="knee")
    timeline = timeline.move(opening, stretch + 0.03, shapes.entry, only="spine apart point")
    timeline = straighten_hips(timeline, shapes, opening, stretch + 0.03, flight)
    arms = opening + 0.02
    reach_out = max(min(flight - LINE_UP - arms, 0.34), 0.17)
    half = shape(shapes.entry, **{"raise": 100.0, "plane": 75.0, "elbow": 35.0, "roll": 20.0}, wrist=0.0)
    if code.head_first:
        timeline = timeline.move(arms, 0.55 * reach_out, half, only=ARMS)
        timeline = timeline.move(
            arms + 0.35 * reach_out, 0.65 * reach_out, shapes.entry, only="raise plane elbow roll wrist"
        )
    else:
        timeline = timeline.move(arms, reach_out, shapes.entry, only=ARMS)
    return timeline.move(opening + 0.05, 0.25, shapes.entry, only="neck")


def _jackknife(start: ShapeTimeline, shapes: DiveShapes, flight: float, faults: Faults) -> ShapeTimeline:
    """Schedule a dive of half a somersault: rise stretched, fold at the top, open on the way down."""
    late = 0.8 * faults.late
    timeline = start.move(0.0, 0.22, shapes.stretched)
    timeline = timeline.move(0.10 * flight, 0.30 * flight, shapes.closed)
    opening = 0.47 * flight + late
    timeline = timeline.move(opening, 0.27 * flight, shapes.entry, only="spine neck side apart knee point")
    timeline = straighten_hips(timeline, shapes, opening, 0.27 * flight, flight)
    half = shape(shapes.entry, **{"raise": 100.0, "plane": 80.0}, wrist=0.0)
    timeline = timeline.move(opening - 0.01, 0.18 * flight, half, only=ARMS)
    return timeline.move(opening + 0.12 * flight, 0.25 * flight, shapes.entry, only=ARMS)


def _straight(start: ShapeTimeline, shapes: DiveShapes, flight: float, code: DiveCode, faults: Faults) -> ShapeTimeline:
    """Schedule a straight dive: arms spread for one somersault or less, else along the body."""
    pose = shapes.swan if code.half_somersaults <= 2 else shapes.slim
    timeline = start.move(0.02, 0.22 + 0.10 * flight, pose)
    opening = flight - (0.62 if code.half_somersaults == 1 else 0.50) + faults.late
    middle = shape(shapes.entry, **{"raise": 100.0, "plane": 88.0}, wrist=0.0)
    if code.head_first:
        timeline = timeline.move(opening, 0.24, middle) if pose is shapes.slim else timeline
        return timeline.move(opening + 0.10, 0.32, shapes.entry)
    return timeline.move(opening, 0.40, shapes.entry)
