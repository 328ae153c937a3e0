"""Take-off: speed and direction at the last contact, and the free fall of the mass centre."""

from dataclasses import dataclass, replace

import numpy as np

from fineparser.domain.clip_geometry import GRAVITY
from fineparser.domain.difficulty import SPRINGBOARDS
from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.shape import ANGLE_INDEX, ShapeSequence
from fineparser.simulator.athlete.skeleton import JOINT_INDEX, Sex
from fineparser.simulator.faults import Faults
from fineparser.simulator.flight.shape_schedule import (
    BACK,
    INWARD,
    LEG_LEAN,
    REVERSE,
    DiverStyle,
    DiveShapes,
    schedule_dive,
    take_off_lean,
)
from fineparser.simulator.flight.twisting import TwistTiming, contact_tilt, schedule_twisting_dive

VERTICAL_SPEED = {
    1: 4.75,
    3: 5.0,
    5: 3.0,
    7.5: 2.95,
    10: 2.9,
}  # m/s by height (m): published measurements of competitions
ARMSTAND_SPEED = 0.55
ENTRY_DISTANCE = {1: 1.3, 3: 1.45, 5: 1.45, 7.5: 1.6, 10: 1.75}  # m in front of the board, of a good dive
TOE_SETBACK = 0.02  # m from the edge back to the toes of a diver who faces the water
BACKWARD_TOE_SETBACK = 0.07  # the same with the back to the water: the heels are beyond the edge


@dataclass(frozen=True)
class TakeOff:
    """State at the beginning of the flight. Metres and seconds; z counts from the board, x from its edge."""

    code: DiveCode
    shapes: DiveShapes
    facing: float
    """1: towards the water, -1: with the back to it."""
    sense: float
    """1: the somersault turns forwards in the diver's own sense, -1: backwards."""
    pitch: float
    """rad, of the pelvis, in the diver's own forward sense."""
    contact: tuple[float, float]
    """x, z of the last contact: the toes, or the wrists of an armstand."""
    support: np.ndarray
    """[3] the last contact relative to the mass centre, in the axes of the body."""
    start: np.ndarray
    """[3] mass centre at 0."""
    speed: np.ndarray
    """[3] m/s of the mass centre at 0."""
    flight_time: float
    """s until a diver in line would touch the water."""
    touch_time: float
    """s until the diver touches the water, at which somersault and twist are to end."""
    yaw: float
    """rad by which the take-off is not square to the board."""
    roll: float
    """rad by which it leans sideways."""
    tilt: float
    """rad by which the body leans out of the plane of the somersault; it starts the twist."""
    twist_error: float
    """degrees by which the twist itself ends off its goal."""

    @classmethod
    def sample(
        cls, rng: np.random.Generator, code: DiveCode, height: float, body: Body, faults: Faults, style: DiverStyle
    ) -> "TakeOff":
        """Sample a take-off for the dive with these faults."""
        facing = -1.0 if code.direction in (BACK, INWARD) else 1.0
        sense = -1.0 if code.direction in (BACK, REVERSE) else 1.0
        if code.armstand:  # the direction in which the back would face when standing: see take_off_lean
            facing = -1.0 if code.direction == BACK else 1.0
        lean = take_off_lean(code)
        shapes = DiveShapes.from_dive(code, body, faults, style, lean)
        vertical = _vertical_speed(rng, code, height, body, faults)
        first_shape = _first_shape(code, shapes, faults, style)
        if code.armstand:
            pitch = np.deg2rad(180.0 + lean + 0.5 * facing * faults.lean)
        else:  # the legs lean out over the water, however far the trunk has folded already
            pitch = np.deg2rad(first_shape[0, ANGLE_INDEX["hip_l"]] + facing * (LEG_LEAN + faults.lean))
        # the throw of the arms adds to this tilt: the upper arm's side goes up
        tilt = -style.twist_side * contact_tilt(code) if code.twisting else 0.0
        body_at_0 = ShapeSequence.from_angles(body, first_shape, 1.0).joints[0]
        names = ("wrist_l", "wrist_r") if code.armstand else ("toe_l", "toe_r")
        support = body_at_0[[JOINT_INDEX[name] for name in names]].mean(axis=0)
        edge = TOE_SETBACK if facing > 0 or code.armstand else BACKWARD_TOE_SETBACK
        contact = (-edge, 0.035 if code.armstand else 0.02)
        # in free dives the twist itself does not end square; in others the take-off is not square
        twist_error = faults.twist if code.position == "D" else 0.0
        yaw = np.deg2rad(faults.twist - twist_error)
        roll = np.deg2rad(faults.crooked)
        start = _start(support, pitch, tilt, facing, _yaw_roll(yaw, roll), contact)
        reach = _leading_length(body, shapes)
        fall = start[2] + height - reach
        flight = (vertical + np.sqrt(vertical**2 + 2 * GRAVITY * fall)) / GRAVITY
        goal = max(
            ENTRY_DISTANCE[height] + (0.0 if facing > 0 else -0.05) + faults.distance + 0.025 * faults.lean, 0.62
        )
        along = (goal - start[0]) / flight
        sideways = 0.9 * np.sin(roll) / max(flight, 1.0)
        speed = np.array([along, -sideways, vertical])
        return cls(
            code=code,
            shapes=shapes,
            facing=facing,
            sense=sense,
            pitch=float(pitch),
            contact=contact,
            support=support,
            start=start,
            speed=speed,
            flight_time=float(flight),
            touch_time=float(flight),
            yaw=float(yaw),
            roll=float(roll),
            tilt=tilt,
            twist_error=twist_error,
        )

    def with_tilt(self, tilt: float) -> "TakeOff":
        """The same take-off at the same contact with another tilt (rad)."""
        start = _start(self.support, self.pitch, tilt, self.facing, _yaw_roll(self.yaw, self.roll), self.contact)
        return replace(self, tilt=tilt, start=start)

    def clear_of_board(self, joints: np.ndarray, times: np.ndarray, distance: float) -> "TakeOff":
        """The same take-off with more outward speed where a joint would pass the board too near on its way down.

        Args:
            joints: [N, 20, 3] metres from the board's edge.
            times: [N] seconds after the take-off.
            distance: least distance to the board, metres.
        """
        near = (
            (times > (0.45 if self.code.armstand else 0.25))[:, None]
            & (joints[..., 2] < 0.06)
            & (joints[..., 2] > -0.6)
        )
        if not near.any():
            return self
        missing = np.where(near, (distance - joints[..., 0]) / np.maximum(times, 0.1)[:, None], 0.0).max()
        return replace(self, speed=self.speed + np.array([max(float(missing), 0.0), 0.0, 0.0]))

    def path(self, times: np.ndarray) -> np.ndarray:
        """Mass centre [n, 3] in free fall, from the board's edge."""
        times = np.asarray(times)[:, None]
        return self.start + self.speed * times - np.array([0.0, 0.0, GRAVITY / 2]) * times**2

    def plane_rotation(self, share: np.ndarray) -> np.ndarray:
        """Rotations [n, 3, 3] of the dive's plane by a share [n] of its yaw and roll."""
        return _yaw_roll(self.yaw * share, self.roll * share)

    def tilt_rotation(self, tilt: np.ndarray) -> np.ndarray:
        """Rotations [n, 3, 3] that lean the diver sideways by `tilt` [n] in the frame of the somersault."""
        upright = -1.0 if self.code.armstand else 1.0
        return _yaw_roll(np.zeros(len(tilt)), upright * self.facing * tilt)


def _start(
    support: np.ndarray, pitch: float, tilt: float, facing: float, frame: np.ndarray, contact: tuple[float, float]
) -> np.ndarray:
    """Mass centre [3] with the support at the contact."""
    turned = frame @ (_pitch_rotation(pitch) @ _yaw_roll(0.0, tilt) @ support * np.array([facing, facing, 1.0]))
    return np.array([contact[0], 0.0, contact[1]]) - turned


def _first_shape(code: DiveCode, shapes: DiveShapes, faults: Faults, style: DiverStyle) -> np.ndarray:
    """Shape [1, 21] at the last contact: the first moves of the dive begin before it."""
    if code.twisting:
        timeline = schedule_twisting_dive(code, shapes, 1.5, faults, style, TwistTiming(0.8))
    else:
        timeline = schedule_dive(code, shapes, 1.5, faults, style)
    return timeline.at(np.zeros(1))


def _pitch_rotation(pitch: float) -> np.ndarray:
    cos, sin = np.cos(pitch), np.sin(pitch)
    return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])


def _yaw_roll(yaw: np.ndarray | float, roll: np.ndarray | float) -> np.ndarray:
    """Rz(yaw) Rx(roll), [..., 3, 3]."""
    cy, sy, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    zero = np.zeros_like(cy)
    return np.stack(
        [np.stack([cy, -sy * cr, sy * sr], -1), np.stack([sy, cy * cr, -cy * sr], -1), np.stack([zero, sr, cr], -1)], -2
    )


def _leading_length(body: Body, shapes: DiveShapes) -> float:
    """Metres from the mass centre to the leading end of the body in line for the entry."""
    joints = ShapeSequence.from_angles(body, shapes.entry[None], 1.0).joints[0]
    return float(-joints[:, 2].min() if shapes.feet_first else joints[:, 2].max())


def _vertical_speed(rng: np.random.Generator, code: DiveCode, height: float, body: Body, faults: Faults) -> float:
    """Vertical speed at the last contact, m/s."""
    if code.armstand:
        best = ARMSTAND_SPEED + 0.25 * rng.random()
        lowest = 0.1
    else:
        springboard = height in SPRINGBOARDS
        demand = code.half_somersaults + 0.5 * code.half_twists - 4.0
        best = VERTICAL_SPEED[height] + (0.05 if springboard else 0.06) * demand + rng.normal(0, 0.08)
        best += 0.14 if body.sex is Sex.MALE else -0.14
        best -= (0.25 if springboard else 0.12) * (code.direction == INWARD)
        lowest = min(2.3 + 0.45 * max(demand + 1.0, 0.0), 3.6) if springboard else 1.9
    return float(np.sqrt(max(best**2 - 2 * GRAVITY * faults.low, lowest**2)))
