"""Observations of a jointed stick figure that turns, folds and falls by formulas, for the tests of the kinematics."""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.clip_geometry import GRAVITY
from fineparser.kinematics.flight_transitions import FlightParabola, FlightTransitions
from fineparser.kinematics.observation import DiveObservation

FPS = 30.0
FRAMES, FLIGHT = 96, 30
PIXELS_A_METRE = 60.0
SEGMENTS = {"head": 0.2, "trunk": 0.5, "arm": 0.5, "thigh": 0.45, "shank": 0.45, "foot": 0.15}
"""Lengths in metres."""
BODY_LENGTH = (SEGMENTS["head"] + SEGMENTS["trunk"] + SEGMENTS["thigh"] + SEGMENTS["shank"]) * PIXELS_A_METRE
HEIGHT_PROBABILITIES = {1: 0.1, 3: 0.6, 5: 0.1, 7.5: 0.1, 10: 0.1}


@dataclass(frozen=True, kw_only=True)
class StickDive:
    """A dive of the figure, in the plane of the picture."""

    half_somersaults: float = 5
    sense: int = 1
    """1 clockwise."""
    front: int = 1
    """1 for a figure that faces right when it stands upright."""
    half_twists: int = 0
    """Right after the take-off, at once: an odd number brings the front to the other side."""
    travel: float = 1.5
    """Metres to the right in the flight."""
    hip: float = 180.0
    knee: float = 180.0
    """Angles in the middle of the flight; straight at its ends."""
    foot: float = 180.0
    inverted: bool = False
    metres: float = 3.0
    seconds: float = 1.4
    noise: float = 0.02
    """Standard deviation of each keypoint, metres."""
    slow_motion: float = 1.0

    @property
    def count(self) -> int:
        """Frames of the flight."""
        return round(self.seconds * self.slow_motion * FPS)

    @property
    def share(self) -> np.ndarray:
        """[T]: of the flight that is over."""
        return np.clip((np.arange(FRAMES) - FLIGHT) / self.count, 0, 1)

    @property
    def fold(self) -> np.ndarray:
        """[T]: 0 straight, 1 closed; it closes and opens within 15% of the flight."""
        return np.clip(np.minimum(self.share - 0.1, 0.8 - self.share) / 0.15, 0, 1)

    def observe(self) -> DiveObservation:
        """What a network without a motion head sees of it."""
        turned = 180.0 * (self.sense * self.half_somersaults * self.share + self.inverted)
        fold = self.fold
        front = self.front * np.where(self.share > 0, (-1) ** self.half_twists, 1)
        time = self.share * self.seconds
        rise = (0.5 * GRAVITY * self.seconds**2 - self.metres) / self.seconds * time - 0.5 * GRAVITY * time**2
        pelvis = np.stack([5 + self.travel * self.share, 4 - rise], axis=-1)
        thigh = turned + 180.0 - front * (180.0 - self.hip) * fold
        shank = thigh + front * (180.0 - self.knee) * fold
        foot = shank - front * ((180.0 - self.foot) * fold + 60.0 * (self.share == 0))
        neck = pelvis + SEGMENTS["trunk"] * _towards(turned)
        knees = pelvis + SEGMENTS["thigh"] * _towards(thigh)
        ankles = knees + SEGMENTS["shank"] * _towards(shank)
        places = {
            "head": neck + SEGMENTS["head"] * _towards(turned),
            "neck": neck,
            "knees": knees,
            "ankles": ankles,
            "toes": ankles + SEGMENTS["foot"] * _towards(foot),
            "wrists": neck + SEGMENTS["arm"] * _towards(turned),
            "pelvis": pelvis,
        }
        points = np.stack(list(places.values()), axis=1) * PIXELS_A_METRE
        noise = np.random.default_rng(1).normal(0, self.noise * PIXELS_A_METRE, (2, *points.shape))
        return DiveObservation(
            numbers=np.arange(FRAMES) + 100,
            seconds=np.arange(FRAMES) / FPS,
            camera=np.tile(np.eye(3), (FRAMES, 1, 1)),
            keypoints=points + noise,
            spread=np.full((2, FRAMES, 7), np.sqrt(2) * max(self.noise, 0.005) * PIXELS_A_METRE),
            masks=np.zeros((FRAMES, 8, 8), np.float32),
            boxes=np.tile([0.0, 0.0, 720.0, 720.0], (FRAMES, 1)),
            probabilities=np.zeros((FRAMES, 2), np.float32),
        )

    def transitions(self) -> FlightTransitions:
        """Its true transitions, with the parabola of the pelvis."""
        scale, duration = PIXELS_A_METRE, self.seconds * self.slow_motion
        speed = (0.5 * GRAVITY * self.seconds**2 - self.metres) / self.seconds
        parabola = FlightParabola(
            origin=FLIGHT / FPS,
            start=np.array([5.0, 4.0]) * scale,
            speed=np.array([self.travel / duration, -speed / self.slow_motion]) * scale,
            acceleration=np.array([0.0, GRAVITY / self.slow_motion**2]) * scale,
            acceleration_error=1.0,
            residual=0.02 * scale,
        )
        return FlightTransitions(
            flight=FLIGHT,
            entry=FLIGHT + self.count,
            flight_seconds=FLIGHT / FPS,
            entry_seconds=FLIGHT / FPS + duration,
            flight_error=0.02,
            entry_error=0.02,
            probabilities=np.zeros((FRAMES, 2)),
            height_probabilities=HEIGHT_PROBABILITIES,
            parabola=parabola,
            time_scale=self.slow_motion,
        )


def _towards(angles: np.ndarray) -> np.ndarray:
    """Unit vectors [T, 2] of angles in degrees clockwise from upwards."""
    radians = np.radians(angles)
    return np.stack([np.sin(radians), -np.cos(radians)], axis=-1)
