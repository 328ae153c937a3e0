"""Cameras that stand still and turn: how broadcast and phone operators follow a dive.

The optical centre never moves, so every frame is one homography away from any other picture taken from the
same point. `fineparser.simulator.scene` uses that to draw its scenery once.

World axes are those of the simulator (metres, x out over the pool, z up, water at z = 0). Camera axes are x right,
y down, z forward. Pixel centres lie at integers + 0.5.
"""

import math
from dataclasses import dataclass

import numpy as np

from fineparser.simulator.camera_operator import Operator, follow, shake

KINDS = ("broadcast", "static", "handheld")
KIND_SHARES = (0.72, 0.08, 0.20)
BODY_LENGTH = 1.7  # m, the standing diver that picture sizes refer to


@dataclass(frozen=True)
class Camera:
    """Where a camera stands and how it looks in each of T frames."""

    position: np.ndarray
    """World position of the optical centre in metres, [3]."""
    rotation: np.ndarray
    """World to camera axes (x right, y down, z forward), [T, 3, 3]."""
    focal: np.ndarray
    """Focal length in pixels, [T]."""
    principal_point: tuple[float, float]
    """Pixel (x, y) that the optical axis hits; may lie outside a window."""
    width: int
    """Picture (or window) width in pixels."""
    height: int
    """Picture (or window) height in pixels."""
    kind: str = "broadcast"
    """One of KINDS."""

    def __post_init__(self):
        frames = len(self.focal)
        if self.rotation.shape != (frames, 3, 3):
            raise ValueError(
                f"rotation has shape {self.rotation.shape}, but {frames} focal lengths ask for {(frames, 3, 3)}"
            )
        if self.kind not in KINDS:
            raise ValueError(f"camera kind {self.kind!r} is not known; use one of {', '.join(KINDS)}")

    def project(self, points):
        """Pixels and depth of world points.

        Args:
            points: [T, N, 3] metres; a T of 1 is used for every frame.

        Returns:
            pixels [T, N, 2] and depth [T, N] along the optical axis in metres (negative behind the camera, where
            the pixels mean nothing).
        """
        seen = np.einsum("tij,tnj->tni", self.rotation, np.asarray(points, dtype=float) - self.position)
        depth = seen[..., 2]
        safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
        pixels = self.focal[:, None, None] * seen[..., :2] / safe[..., None] + np.array(self.principal_point)
        return pixels, depth

    def rays(self, pixels, frame=0):
        """Unit world directions [..., 3] in which one frame sees the given pixels [..., 2]."""
        offset = (np.asarray(pixels, dtype=float) - np.array(self.principal_point)) / self.focal[frame]
        looking = np.concatenate([offset, np.ones_like(offset[..., :1])], axis=-1)
        looking /= np.linalg.norm(looking, axis=-1, keepdims=True)
        return looking @ self.rotation[frame]

    def homography(self, reference):
        """[T, 3, 3] maps from pixels of `reference` (same optical centre, one frame) to pixels of each frame."""
        intrinsics = np.zeros((len(self.focal), 3, 3))
        intrinsics[:, 0, 0] = intrinsics[:, 1, 1] = self.focal
        intrinsics[:, 0, 2], intrinsics[:, 1, 2] = self.principal_point
        intrinsics[:, 2, 2] = 1
        centre_x, centre_y = reference.principal_point
        back = np.array([[1, 0, -centre_x], [0, 1, -centre_y], [0, 0, reference.focal[0]]]) / reference.focal[0]
        return intrinsics @ self.rotation @ reference.rotation[0].T @ back


def orientation(pan, tilt, roll=0.0):
    """World-to-camera rotations [T, 3, 3] for pan (from +x towards +y), tilt (up positive) and roll, in radians."""
    pan, tilt, roll = np.broadcast_arrays(np.atleast_1d(pan), np.atleast_1d(tilt), np.atleast_1d(roll))
    zero = np.zeros_like(pan)
    forward = np.stack([np.cos(tilt) * np.cos(pan), np.cos(tilt) * np.sin(pan), np.sin(tilt)], -1)
    right = np.stack([np.sin(pan), -np.cos(pan), zero], -1)
    down = np.cross(forward, right)
    cos, sin = np.cos(roll)[:, None], np.sin(roll)[:, None]
    return np.stack([cos * right + sin * down, cos * down - sin * right, forward], axis=1)


@dataclass(frozen=True)
class _Stand:
    """A place for a camera and the size it shows a standing diver at (share of the picture's height)."""

    distance: float
    azimuth: float
    level: float
    size: float


def film(rng, times, target, height, *, width, lines, kind=None, window=None):
    """Set up a camera and follow a diver with it.

    Args:
        rng: numpy Generator; all choices come from it.
        times: [T] seconds of the frames (closer together in slow motion), 0 at take-off.
        target: [T, 3] the diver's centre of mass in metres.
        height: height of the board or platform in metres.
        width, lines: size of the full picture in pixels (16:9 pictures have width = lines * 16 / 9).
        kind: "broadcast", "static" or "handheld"; drawn when None.
        window: (x0, y0, w, h) in picture pixels; only that part of the picture is produced and the diver is kept
            in it rather than in the full picture.

    Returns:
        Camera with T frames.
    """
    times, target = np.asarray(times, dtype=float), np.asarray(target, dtype=float)
    if times.ndim != 1 or target.shape != (len(times), 3):
        raise ValueError(f"target has shape {target.shape}; {len(times)} times ask for {(len(times), 3)}")
    if kind is None:
        kind = KINDS[int(rng.choice(len(KINDS), p=KIND_SHARES))]
    if kind not in KINDS:
        raise ValueError(f"camera kind {kind!r} is not known; use one of {', '.join(KINDS)}")
    left, top, wide, tall = window if window is not None else (0, 0, width, lines)

    stand = _choose_stand(rng, kind, height)
    side = 1 if rng.random() < 0.5 else -1
    middle = np.array([rng.uniform(0.0, 1.5), 0.0])
    around = middle + stand.distance * np.array([math.sin(stand.azimuth), side * math.cos(stand.azimuth)])
    position = np.array([around[0], around[1], stand.level])
    size = min(stand.size, 0.9 * tall / lines)
    focal = size * lines * np.hypot(stand.distance, height + 1 - stand.level) / BODY_LENGTH

    # Where the operator likes the diver, relative to the optical axis (the centre of the full picture).
    slack = 0.04 if kind == "static" else 0.11
    place_x = left + wide * (0.5 + np.clip(rng.normal(0, slack), -0.26, 0.26)) - width / 2
    place_y = top + tall * (0.5 + np.clip(rng.normal(0, slack / 2), -0.13, 0.13)) - lines / 2

    seen = np.stack([target[:, 0], target[:, 1], np.maximum(target[:, 2], 0.2)], -1) - position
    pan_wanted = np.unwrap(np.arctan2(seen[:, 1], seen[:, 0]))
    tilt_wanted = np.arctan2(seen[:, 2], np.hypot(seen[:, 0], seen[:, 1]))
    field = 2 * math.atan(tall / 2 / focal)
    if kind == "static":
        pan = np.full(len(times), (pan_wanted.min() + pan_wanted.max()) / 2)
        top_angle = max(tilt_wanted.max(), math.atan2(height + 2.2 - stand.level, stand.distance))
        bottom_angle = min(tilt_wanted.min(), math.atan2(-stand.level, stand.distance))
        span = max(top_angle - bottom_angle, pan_wanted.max() - pan_wanted.min() + 0.05)
        focal = min(focal, 0.46 * min(tall, wide) / math.tan(min(span, 2.0) / 2))
        tilt = np.full(len(times), (top_angle + bottom_angle) / 2)
        zoom = np.ones(len(times))
    else:
        operator = Operator.sample(rng, kind)
        pan = follow(operator, times, pan_wanted, field * wide / tall)
        tilt = follow(operator, times, tilt_wanted, field)
        zoom = operator.zoom(times, _entry_time(times, target))
    pan = pan + np.arctan(place_x / (focal * zoom))
    tilt = tilt + np.arctan(place_y / (focal * zoom))
    roll = math.radians(rng.normal(0, 0.5 if kind == "broadcast" else 1.2))
    if kind == "handheld":
        strength = field * rng.uniform(0.004, 0.02)
        pan, tilt = pan + shake(rng, times, strength), tilt + shake(rng, times, strength)
        roll = roll + shake(rng, times, 0.3 * strength)
    return Camera(
        position=position,
        rotation=orientation(pan, tilt, roll),
        focal=focal * zoom,
        principal_point=(width / 2 - left, lines / 2 - top),
        width=int(wide),
        height=int(tall),
        kind=kind,
    )


def _entry_time(times, target):
    """Seconds at which the centre of mass comes within arm's reach of the water (last frame if it never does)."""
    low = np.flatnonzero(target[:, 2] < 1.0)
    low = low[times[low] > 0.2]
    return times[low[0]] if len(low) else times[-1]


def _choose_stand(rng, kind, height):
    azimuth = math.radians(rng.uniform(-35, 35))
    if kind == "broadcast":
        style = rng.random()
        if style < 0.12:  # a long lens far away: stands in for a rig that falls beside the diver
            distance, down = rng.uniform(40, 65), math.radians(rng.uniform(2, 14))
        elif style < 0.3:  # from above, as from the tower's stairs: at the entry water fills the picture
            distance, down = rng.uniform(7, 18), math.radians(rng.uniform(30, 60))
        else:
            distance, down = math.exp(rng.uniform(math.log(10), math.log(35))), math.radians(rng.uniform(3, 32))
        if rng.random() < 0.15:
            azimuth = math.radians(rng.choice([-1, 1, 1, 1]) * rng.uniform(35, 75))
        level = float(np.clip(distance * math.tan(down), 0.9, 14))
        return _Stand(distance, azimuth, level, math.exp(rng.uniform(math.log(0.23), math.log(0.62))))
    if kind == "static":
        distance = rng.uniform(1.2, 3.2) * (height + 4)
        return _Stand(distance, azimuth, rng.uniform(1.0, min(8.0, 1.5 + distance / 4)), rng.uniform(0.08, 0.2))
    nearest = 6 if height <= 3 else 0.9 * height
    distance = rng.uniform(nearest, nearest + 14)
    level = rng.uniform(1.2, 2.0) if rng.random() < 0.5 else rng.uniform(2.0, 7.0)
    return _Stand(distance, azimuth, level, math.exp(rng.uniform(math.log(0.12), math.log(0.5))))
