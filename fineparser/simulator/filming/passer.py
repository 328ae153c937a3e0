"""A person who walks through the picture of an amateur recording."""

from dataclasses import dataclass

import numpy as np

from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.shape import ANGLES, joint_positions, shape
from fineparser.simulator.athlete.skin import BodyPaint

DECK_HEIGHT = 0.3
"""Height of the poolside above the water, metres."""
STRIDE_SWING = 24.0
"""Largest angle between thigh and trunk in a step, degrees."""


@dataclass(frozen=True, kw_only=True)
class Passer:
    """A walking person, in front of or behind the divers."""

    body: Body
    paint: BodyPaint
    position: tuple[float, float]
    """x, y at the take-off of the dive, metres."""
    speed: float
    """m/s along x."""
    pace: float
    """Steps per second, times pi."""
    is_near: bool
    """True between the camera and the divers."""

    @classmethod
    def sample(cls, rng: np.random.Generator, camera_position: np.ndarray) -> "Passer":
        """Sample somebody who crosses the line of sight at about the time of the dive."""
        body = Body.sample(rng)
        is_near = bool(rng.random() < 0.3)
        away = rng.uniform(0.35, 0.75) if is_near else -rng.uniform(0.3, 1.0)
        speed = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.5, 1.6))
        cross_x, cross_time = rng.uniform(-1.5, 3.5), rng.uniform(-0.8, 1.6)
        return cls(
            body=body,
            paint=BodyPaint.sample(rng, body),
            position=(float(cross_x - speed * cross_time), float(away * camera_position[1])),
            speed=speed,
            pace=float(np.pi * rng.uniform(1.5, 2.0)),
            is_near=is_near,
        )

    def joints(self, times: np.ndarray) -> np.ndarray:
        """Joints [n, 20, 3] in metres at `times` [n]."""
        swing = np.sin(self.pace * np.asarray(times))
        base = shape(elbow=15.0, plane=10.0, point=5.0)
        angles = np.repeat(base[None], len(swing), axis=0)
        for side, sign in (("l", 1.0), ("r", -1.0)):
            angles[:, ANGLES.index(f"hip_{side}")] = STRIDE_SWING * sign * swing + 4.0
            angles[:, ANGLES.index(f"knee_{side}")] = 8.0 + 22.0 * np.maximum(-sign * swing, 0.0)
            angles[:, ANGLES.index(f"raise_{side}")] = 5.0 - 0.8 * STRIDE_SWING * sign * swing
        points = joint_positions(self.body, angles)[:, :20]
        points[..., :2] *= np.sign(self.speed)
        points[..., 2] += DECK_HEIGHT + 0.03 - points[..., 2].min(1, keepdims=True)
        points[..., 0] += self.position[0] + self.speed * np.asarray(times)[:, None]
        points[..., 1] += self.position[1]
        return points
