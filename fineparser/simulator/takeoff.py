"""The take-off: how fast and in which direction the diver leaves, and the free fall of the mass centre."""

from dataclasses import dataclass, replace

import numpy as np

from fineparser.domain.difficulty import SPRINGBOARDS
from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.body import JOINT, Body, Sex
from fineparser.simulator.choreography import BACK, INWARD, REVERSE, Manner, Repertoire, choreograph, take_off_lean
from fineparser.simulator.faults import Faults
from fineparser.simulator.shape import Shapes
from fineparser.simulator.twisting import Twisting, choreograph_twist, contact_tilt

GRAVITY = 9.81
VERTICAL_SPEED = {1: 4.75, 3: 5.0, 5: 3.0, 7.5: 2.95, 10: 2.9}  # m/s, domain.md: biomechanics
ARMSTAND_SPEED = 0.55
ENTRY_DISTANCE = {1: 1.3, 3: 1.45, 5: 1.45, 7.5: 1.6, 10: 1.75}  # m in front of the board, of a good dive
EDGE = 0.02  # m from the edge back to the toes of somebody facing the water
HEELS_OUT = 0.07  # the same with the back to the water: the heels stand free


@dataclass(frozen=True)
class TakeOff:
    """The first moment of the flight. Metres and seconds; z counts from the board, x from its edge."""

    code: DiveCode
    repertoire: Repertoire
    facing: float
    """1: towards the water, -1: with the back to it."""
    sense: float
    """1: the somersault turns forwards in the diver's own sense, -1: backwards."""
    pitch: float
    """rad, of the pelvis, in the diver's own forward sense."""
    contact: tuple[float, float]
    """x, z of the last contact: the toes, or the wrists of an armstand."""
    support: np.ndarray
    """[3] the last contact seen from the mass centre, in the axes of the body."""
    start: np.ndarray
    """[3] mass centre at 0."""
    speed: np.ndarray
    """[3] m/s of the mass centre at 0."""
    flight: float
    """s until the lined-up diver touches the water."""
    touch: float
    """s at which somersault and twist are to end as they should: when the diver really touches the water."""
    yaw: float
    """rad by which the take-off is not square to the board."""
    roll: float
    """rad by which it leans sideways."""
    tilt: float
    """rad by which the body leans out of the plane of the somersault, which starts the twist."""
    twist_error: float
    """degrees by which the twist itself ends wrong."""

    @classmethod
    def sample(
        cls, rng: np.random.Generator, code: DiveCode, height: float, body: Body, faults: Faults, manner: Manner
    ) -> "TakeOff":
        """Draw a take-off for the dive, as good as the faults leave it."""
        facing = -1.0 if code.direction in (BACK, INWARD) else 1.0
        sense = -1.0 if code.direction in (BACK, REVERSE) else 1.0
        if code.armstand:  # facing is where a handstander's back would look when standing: see take_off_lean
            facing = -1.0 if code.direction == BACK else 1.0
        lean = take_off_lean(code)
        repertoire = Repertoire.of(code, body, faults, manner, lean)
        vertical = _vertical_speed(rng, code, height, body, faults)
        pitch = np.deg2rad(lean + (180.0 if code.armstand else 0.0))
        if code.armstand:
            pitch += np.deg2rad(faults.lean) * facing * 0.5
        # the throw of the arms adds to this tilt: the upper arm's side goes up
        tilt = -manner.handed * contact_tilt(code) if code.twisting else 0.0
        body_at_0 = Shapes.of(body, _first_shape(code, repertoire, faults, manner), 1.0).joints[0]
        names = ("wrist_l", "wrist_r") if code.armstand else ("toe_l", "toe_r")
        support = body_at_0[[JOINT[name] for name in names]].mean(axis=0)
        edge = EDGE if facing > 0 or code.armstand else HEELS_OUT
        contact = (-edge, 0.035 if code.armstand else 0.02)
        # a twist that does not end square shows as such in free dives; else a take-off that is not square makes it
        twist_error = faults.twist if code.position == "D" else 0.0
        yaw = np.deg2rad(faults.twist - twist_error)
        roll = np.deg2rad(faults.crooked)
        place = _start(support, pitch, tilt, facing, _crooked(yaw, roll), contact)
        reach = _reach(body, repertoire)
        fall = place[2] + height - reach
        flight = (vertical + np.sqrt(vertical**2 + 2 * GRAVITY * fall)) / GRAVITY
        goal = max(
            ENTRY_DISTANCE[height] + (0.0 if facing > 0 else -0.05) + faults.distance + 0.025 * faults.lean, 0.62
        )
        along = (goal - place[0]) / flight
        aside = 0.9 * np.sin(roll) / max(flight, 1.0)
        speed = np.array([along, -aside, vertical])
        return cls(
            code=code,
            repertoire=repertoire,
            facing=facing,
            sense=sense,
            pitch=float(pitch),
            contact=contact,
            support=support,
            start=place,
            speed=speed,
            flight=float(flight),
            touch=float(flight),
            yaw=float(yaw),
            roll=float(roll),
            tilt=tilt,
            twist_error=twist_error,
        )

    def tilted(self, tilt: float) -> "TakeOff":
        """The same take-off with another tilt on the same spot."""
        start = _start(self.support, self.pitch, tilt, self.facing, _crooked(self.yaw, self.roll), self.contact)
        return replace(self, tilt=tilt, start=start)

    def clear_of_board(self, joints: np.ndarray, times: np.ndarray, distance: float) -> "TakeOff":
        """The same take-off, but with more speed outwards if any of `joints` [N, 20, 3] (metres from the board's edge,
        at `times` [N]) would come nearer than `distance` to the board on its way down."""
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

    def frame(self, share: np.ndarray) -> np.ndarray:
        """Rotations [n, 3, 3] of the dive's plane by a share [n] of its crookedness."""
        return _crooked(self.yaw * share, self.roll * share)

    def tipped(self, tilt: np.ndarray) -> np.ndarray:
        """Rotations [n, 3, 3] that lean the diver sideways by `tilt` [n] as seen by the somersault."""
        upright = -1.0 if self.code.armstand else 1.0
        return _crooked(np.zeros(len(tilt)), upright * self.facing * tilt)


def _start(support, pitch, tilt, facing, frame, contact) -> np.ndarray:
    """Mass centre [3] when the support stands at the contact."""
    turned = frame @ (_turn(pitch) @ _crooked(0.0, tilt) @ support * np.array([facing, facing, 1.0]))
    return np.array([contact[0], 0.0, contact[1]]) - turned


def _first_shape(code: DiveCode, repertoire: Repertoire, faults: Faults, manner: Manner) -> np.ndarray:
    """[1, 21] degrees: what the dive's first moves have made of the take-off's shape when the contact ends."""
    if code.twisting:
        timeline = choreograph_twist(code, repertoire, 1.5, faults, manner, Twisting(0.8))
    else:
        timeline = choreograph(code, repertoire, 1.5, faults, manner)
    return timeline.at(np.zeros(1))


def _turn(pitch: float) -> np.ndarray:
    cos, sin = np.cos(pitch), np.sin(pitch)
    return np.array([[cos, 0.0, sin], [0.0, 1.0, 0.0], [-sin, 0.0, cos]])


def _crooked(yaw: np.ndarray | float, roll: np.ndarray | float) -> np.ndarray:
    """Rz(yaw) Rx(roll), [..., 3, 3]."""
    cy, sy, cr, sr = np.cos(yaw), np.sin(yaw), np.cos(roll), np.sin(roll)
    zero = np.zeros_like(cy)
    return np.stack(
        [np.stack([cy, -sy * cr, sy * sr], -1), np.stack([sy, cy * cr, -cy * sr], -1), np.stack([zero, sr, cr], -1)], -2
    )


def _reach(body: Body, repertoire: Repertoire) -> float:
    """Metres from the mass centre to the leading end of the lined-up body."""
    joints = Shapes.of(body, repertoire.entry[None], 1.0).joints[0]
    return float(-joints[:, 2].min() if repertoire.feet_first else joints[:, 2].max())


def _vertical_speed(rng: np.random.Generator, code: DiveCode, height: float, body: Body, faults: Faults) -> float:
    if code.armstand:
        best = ARMSTAND_SPEED + 0.25 * rng.random()
        lowest = 0.1
    else:
        springboard = height in SPRINGBOARDS
        demand = code.half_somersaults + 0.5 * code.half_twists - 4.0
        best = VERTICAL_SPEED[height] + (0.05 if springboard else 0.06) * demand + rng.normal(0, 0.08)
        best += 0.14 if body.sex is Sex.MALE else -0.14
        best -= (0.25 if springboard else 0.12) * (code.direction == INWARD)
        lowest = 3.6 if springboard else 1.9
    return float(np.sqrt(max(best**2 - 2 * GRAVITY * faults.low, lowest**2)))
