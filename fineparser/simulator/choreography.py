"""What the diver does in the air: which shape when, from the take-off to the lined-up entry."""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.body import JOINT, Body
from fineparser.simulator.faults import Faults
from fineparser.simulator.shape import place, reach, shape
from fineparser.simulator.timeline import Timeline

FORWARD, BACK, REVERSE, INWARD = 1, 2, 3, 4
LEG_LEAN = 7.0  # degrees by which the legs lean out over the water when the feet leave
ARCH = 4.0  # degrees by which those who somersault backwards arch to see the water
LINE_UP = 0.13  # s before the touch at which the entry's line should stand


@dataclass(frozen=True)
class Manner:
    """A diver's own manner, apart from faults."""

    handed: int = 1
    """1: twists with the left arm above; -1: mirrored."""
    pike_hold: float = 0.62
    """Where along the shank the hands hold a pike, 0 knee to 1 ankle."""
    head: float = 18.0
    """How far the chin goes down in the closed shape, degrees."""
    hurry: float = 0.0
    """Seconds by which the shape is closed and opened earlier than usual."""
    tuck_hold: float = 0.45
    """Where along the shank the hands hold a tuck."""
    tight: float = 0.0
    """Degrees by which hips and knees close more than usual: limbs and suppleness differ, and no judge minds."""
    knees_out: float = 0.0
    """Degrees by which each knee goes out to its side in a tuck, to pull the shape closer."""
    kick: float = 1.0
    """How long the legs take from the closed shape to the line, compared with usual."""
    hollow: float = 0.0
    """Degrees by which the upper trunk is bent forwards in the line of the entry (negative: arched)."""

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Manner":
        """Draw a manner."""
        return cls(
            handed=1 if rng.random() < 0.6 else -1,
            pike_hold=float(rng.uniform(0.35, 0.8)),
            head=float(rng.uniform(8, 28)),
            hurry=float(np.clip(rng.normal(0, 0.012), -0.025, 0.025)),
            tuck_hold=float(rng.uniform(0.3, 0.65)),
            tight=float(np.clip(rng.normal(0, 4), -9, 7)),
            knees_out=float(np.clip(rng.normal(5, 7), 0, 20)),
            kick=float(rng.uniform(0.85, 1.3)),
            hollow=float(np.clip(rng.normal(0, 4), -8, 8)),
        )


@dataclass(frozen=True)
class Repertoire:
    """The shapes that one diver takes in one dive, faults included; each [21] degrees."""

    take_off: np.ndarray
    stretched: np.ndarray
    closed: np.ndarray
    swan: np.ndarray
    """Straight, arms level to the sides."""
    slim: np.ndarray
    """Straight, arms along the body."""
    entry: np.ndarray
    feet_first: bool

    @classmethod
    def of(cls, code: DiveCode, body: Body, faults: Faults, manner: Manner, lean: float) -> "Repertoire":
        """Build them. `lean` is the pitch of the pelvis at the take-off in the diver's own forward sense, degrees."""
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
            take_off = shape(stretched, **{"raise": 168.0, "plane": 20.0}, hip=hip, knee=14.0, point=66.0)
        backwards = code.direction in (BACK, REVERSE) and not code.twisting
        bend = manner.hollow - ARCH * backwards
        slim = shape(stretched, **{"raise": 2.0, "plane": 80.0}, spine=2.0)
        swan = shape(stretched, **{"raise": 92.0, "plane": 88.0}, spine=-6.0, neck=-6.0)
        if code.head_first:
            narrow = np.rad2deg(
                np.arcsin(
                    (body.proportions.shoulder_half_width - 0.022 * body.stature - 0.025)
                    / (body.proportions.upper_arm + body.proportions.forearm)
                )
            )
            line = {"raise": 180.0 + narrow, "plane": 90.0, "spine": bend}
            entry = shape(stretched, **line, wrist=62.0, neck=10.0)
        else:
            entry = shape(slim, spine=bend, neck=0.0)
        return cls(
            take_off, stretched, _closed(code, body, faults, manner, legs), swan, slim, entry, not code.head_first
        )


def _closed(code: DiveCode, body: Body, faults: Faults, manner: Manner, legs: dict[str, float]) -> np.ndarray:
    """The pike or tuck, with the hands at the shanks; loose ones are open at hips and knees."""
    split = faults.split_legs / 2
    if code.position == "C":
        apart = min(4.0 + 1.2 * split + manner.knees_out, 38.0)
        knees = {"knee": 128.0 + manner.tight - 0.9 * faults.loose, "apart": apart, "point": legs["point"]}
        hip = 128.0 + manner.tight - 0.8 * faults.loose
        found = shape(spine=42.0 - 0.3 * faults.loose, hip=hip, neck=manner.head + 8, **knees)
        at, out, elbow = manner.tuck_hold, (0.035, 0.04, 0.0), (0.2, 1.0, -0.5)
    else:
        hip = 127.0 + manner.tight - 0.8 * faults.loose
        found = shape(spine=40.0 - 0.35 * faults.loose, hip=hip, neck=manner.head, **legs)
        if code.half_somersaults == 1 and not code.twisting:  # touch the toes
            found = shape(found, spine=34.0, hip=104.0 - 0.8 * faults.loose)
            at, out, elbow = 1.0, (0.0, 0.01, 0.05), (0.0, 1.0, 0.4)
        else:
            at, out, elbow = manner.pike_hold, (0.0, 0.05, -0.045), (0.0, 1.0, 0.2)
    joints = place(body, found[None])[0]
    shin = (1.0 - at) * joints[JOINT["knee_l"]] + at * joints[JOINT["ankle_l"]]
    return reach(body, found, tuple(shin + np.array(out)), elbow)


def take_off_lean(code: DiveCode) -> float:
    """Pitch of the pelvis when the feet leave, degrees in the diver's own forward sense: the more somersaults, the
    more the trunk is already on its way. For armstands: from the upside-down vertical, towards the water."""
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


def choreograph(code: DiveCode, shapes: Repertoire, flight: float, faults: Faults, manner: Manner) -> Timeline:
    """The shapes of an untwisted dive.

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
    begin = (0.08 if code.armstand else 0.10 if backward else 0.0) - manner.hurry - 0.006 * min(halves, 9)
    closing = 0.25 + (0.05 if code.position == "B" else 0.0)
    if code.flying:
        begin = {2: 0.26, 3: 0.30}.get(halves, 0.27) * flight
        start = start.move(0.0, 0.32, shapes.swan)
    lead = {2: 0.60, 3: 0.56, 4: 0.50, 5: 0.46, 6: 0.43, 7: 0.40}.get(halves, 0.37)
    opening = max(flight - lead - 2 * manner.hurry + faults.late, begin + closing + 0.03)
    return _open(_close(start, shapes, begin, closing, backward), shapes, opening, flight, code, manner)


def first_moves(shapes: Repertoire) -> Timeline:
    """Leave the board: the knees and feet stretch out."""
    timeline = Timeline(shapes.take_off)
    return timeline.move(-0.03, 0.13, shapes.stretched, only="knee point")


def _close(timeline: Timeline, shapes: Repertoire, begin: float, duration: float, backward: bool) -> Timeline:
    """Fold up. Rotating forwards the arms throw first; rotating backwards the legs come up to waiting hands."""
    arms, legs = "raise plane roll elbow wrist", "spine neck hip apart knee point"
    hands = begin + 0.09 if backward else begin - 0.05
    timeline = timeline.move(begin, duration, shapes.closed, only=legs)
    return timeline.move(hands, duration + (0.0 if backward else 0.02), shapes.closed, only=arms)


def _open(
    timeline: Timeline, shapes: Repertoire, opening: float, flight: float, code: DiveCode, manner: Manner
) -> Timeline:
    """Kick out and line up."""
    tuck = code.position == "C"
    stretch = min((0.19 if tuck else 0.26) * manner.kick, 0.62 * (flight - opening))
    timeline = timeline.move(opening, stretch, shapes.entry, only="knee")
    timeline = timeline.move(opening, stretch + 0.03, shapes.entry, only="spine hip apart point")
    arms = opening + 0.02
    reach_out = max(min(flight - LINE_UP - arms, 0.34), 0.17)
    half = shape(shapes.entry, **{"raise": 100.0, "plane": 75.0, "elbow": 35.0, "roll": 20.0}, wrist=0.0)
    if code.head_first:
        timeline = timeline.move(arms, 0.55 * reach_out, half, only="raise plane roll elbow wrist")
        timeline = timeline.move(
            arms + 0.35 * reach_out, 0.65 * reach_out, shapes.entry, only="raise plane elbow roll wrist"
        )
    else:
        timeline = timeline.move(arms, reach_out, shapes.entry, only="raise plane roll elbow wrist")
    return timeline.move(opening + 0.05, 0.25, shapes.entry, only="neck")


def _jackknife(start: Timeline, shapes: Repertoire, flight: float, faults: Faults) -> Timeline:
    """A dive of half a somersault: rise stretched, fold at the top, open on the way down."""
    late = 0.8 * faults.late
    timeline = start.move(0.0, 0.22, shapes.stretched)
    timeline = timeline.move(0.10 * flight, 0.30 * flight, shapes.closed)
    opening = 0.47 * flight + late
    timeline = timeline.move(opening, 0.27 * flight, shapes.entry, only="spine neck hip apart knee point")
    half = shape(shapes.entry, **{"raise": 100.0, "plane": 80.0}, wrist=0.0)
    timeline = timeline.move(opening - 0.01, 0.18 * flight, half, only="raise plane roll elbow wrist")
    return timeline.move(opening + 0.12 * flight, 0.25 * flight, shapes.entry, only="raise plane roll elbow wrist")


def _straight(start: Timeline, shapes: Repertoire, flight: float, code: DiveCode, faults: Faults) -> Timeline:
    """A straight dive: one somersault and less with the arms spread, more with the arms along the body."""
    held = shapes.swan if code.half_somersaults <= 2 else shapes.slim
    timeline = start.move(0.02, 0.22 + 0.10 * flight, held)
    opening = flight - (0.62 if code.half_somersaults == 1 else 0.50) + faults.late
    middle = shape(shapes.entry, **{"raise": 100.0, "plane": 88.0}, wrist=0.0)
    if code.head_first:
        timeline = timeline.move(opening, 0.24, middle) if held is shapes.slim else timeline
        return timeline.move(opening + 0.10, 0.32, shapes.entry)
    return timeline.move(opening, 0.40, shapes.entry)
