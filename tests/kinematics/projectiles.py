"""A stick figure on a parabola over a board: observations with every number known."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fineparser.domain.clip_geometry import CLIP_FRAMES, GRAVITY
from fineparser.kinematics import DiveObservation

STANCE = 1.1
"""Metres of the centre of mass above the toes."""
FIGURE = np.array([[0, 0.72], [0, 0.5], [0, -0.42], [0, -0.85], [0.02, -1.05], [0.02, 1.0], [0, 0.02]])
"""Keypoints around the centre of mass, metres right and up: head, neck, knees, ankles, toes, wrists, pelvis."""


@dataclass(frozen=True, kw_only=True)
class Projectile:
    """A dive without rotation until just before the touch, when the figure is upside down."""

    height: float = 3.0
    speed: float = 4.5
    """m/s at the last contact."""
    drift: float = 1.0
    """m/s away from the board."""
    pixels: float = 80.0
    """A metre."""
    fps: float = 30.0
    slow_motion: float = 1.0
    before: float = 0.8
    after: float = 0.8
    """Seconds of real time before the last contact and after the touch."""
    noise: float = 0.0
    """Standard deviation of the keypoints, pixels."""
    camera_speed: float = 0.0
    """Pixels a frame by which the camera tilts down in the flight."""
    tilt: float = 0.0
    """Degrees clockwise by which the camera shows the vertical turned."""

    @property
    def touch(self) -> float:
        """Seconds of real time from the last contact to the touch, with the hands 1 m below the centre of mass."""
        fall = self.height + STANCE - 1.0
        return float((self.speed + np.sqrt(self.speed**2 + 2 * GRAVITY * fall)) / GRAVITY)

    @property
    def flight_seconds(self) -> float:
        """On the clip's time axis."""
        return self.before * self.slow_motion

    @property
    def entry_seconds(self) -> float:
        """On the clip's time axis."""
        return (self.before + self.touch) * self.slow_motion

    def observe(self, seed: int = 0) -> DiveObservation:
        """Observation in 96 sampled frames; to the network the flight starts 0.04 s earlier, the entry 0.12 s later."""
        rng = np.random.default_rng(seed)
        length = self.before + self.touch + self.after
        count = int(length * self.fps * self.slow_motion) + 1
        numbers = np.linspace(0, count - 1, CLIP_FRAMES).astype(int)
        seconds = numbers / self.fps
        times = seconds / self.slow_motion - self.before  # since the last contact
        points = np.empty((CLIP_FRAMES, 7, 2))
        masks = np.zeros((CLIP_FRAMES, 112, 112), np.float32)
        shift = np.clip(numbers - self.before * self.fps * self.slow_motion, 0, None) * self.camera_speed
        boxes = np.stack([0 * shift, shift * 0, 0 * shift + 900, shift * 0 + 900], axis=1)
        camera = np.tile(np.eye(3), (CLIP_FRAMES, 1, 1))
        camera[:, 1, 2] = shift
        turn = np.deg2rad(self.tilt)
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        for index, time in enumerate(times):
            centre = self._centre(time)
            figure = FIGURE if time < self.touch / 2 else FIGURE * (1, -1)
            metres = centre + figure
            in_water = metres[:, 1].min() < 0
            picture = np.stack([300 + metres[:, 0] * self.pixels, 700 - metres[:, 1] * self.pixels], axis=1)
            picture = (picture - 450) @ rotation.T + 450
            picture[:, 1] -= shift[index]
            points[index] = picture + rng.normal(0, self.noise, picture.shape)
            level = 700.0 - shift[index] if in_water else np.inf
            masks[index] = _segments(picture, level, boxes[index])
        probabilities = np.zeros((CLIP_FRAMES, 2), np.float32)
        for column, (moment, error) in enumerate(((self.flight_seconds, -0.04), (self.entry_seconds, 0.12))):
            distance = (seconds - moment - error * self.slow_motion) / (0.06 * self.slow_motion)
            probabilities[:, column] = np.exp(-0.5 * distance**2)
        probabilities /= probabilities.sum(0)
        return DiveObservation(
            numbers=numbers,
            seconds=seconds,
            camera=camera,
            keypoints=np.stack([points, points]),
            spread=np.full((2, CLIP_FRAMES, 7), max(self.noise, 1.0)),
            masks=masks,
            boxes=boxes,
            probabilities=probabilities,
        )

    def _centre(self, time: float) -> np.ndarray:
        """Centre of mass (out, up) in metres: pushed up by the board before 0, braked by the water after the touch."""
        top = self.height + STANCE
        if time < 0:
            push = 30.0
            lift = self.speed * time + push / 2 * time**2
            still = -self.speed / push
            return np.array([0.0, top + (lift if time > still else self.speed * still + push / 2 * still**2)])
        free = min(time, self.touch + 0.08)
        height = top + self.speed * free - GRAVITY / 2 * free**2
        return np.array([self.drift * time, height - max(time - free, 0.0) * 2.0])


def _segments(picture: np.ndarray, level: float, box: np.ndarray) -> np.ndarray:
    """Mask [112, 112] of the figure down to a level."""
    mask = np.zeros((112, 112), np.float32)
    order = picture[[5, 0, 1, 6, 2, 3, 4]]
    for start, end in pairwise(order):
        for share in np.linspace(0, 1, 60):
            x, y = start + share * (end - start)
            if y <= level:
                column, row = ((np.array([x, y]) - box[:2]) / (box[2:] - box[:2]) * 112).astype(int)
                mask[max(row, 0) : row + 1, max(column - 1, 0) : column + 2] = 1
    return mask
