"""Cameras on a fixed stand that pan, tilt and zoom: how broadcast and phone operators follow a dive.

The optical centre never moves, so every frame is one homography away from any other image taken from the same point.
`fineparser.simulator.venue.scene` uses that to paint the venue once.

World axes are those of the simulator (metres, x out over the pool, z up, water at z = 0). Camera axes are x right,
y down, z forward. Pixel centres lie at integers + 0.5.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

STEP_S = 1 / 60
"""Step at which the motion of the hands is integrated, seconds."""


@dataclass(frozen=True, kw_only=True)
class Zoom:
    """A change of the focal length around one event of the dive."""

    delay: float
    """Start, seconds after the event."""
    event: str
    """"take-off" or "entry"."""
    duration: float
    """Seconds."""
    factor: float
    """Focal length after over before."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A person who follows a moving target: a damped spring with a dead zone and imperfect speed matching."""

    stiffness: float
    """Natural frequency of the tracking in rad/s; a higher one tracks more tightly."""
    damping: float
    """1 is critical; less overshoots when the target stops."""
    dead_zone: float
    """Error tolerated before the hands move, as a share of the field of view."""
    lag: float
    """Error at the target's top speed, as a share of the field of view."""
    zooms: tuple[Zoom, ...] = ()
    drift: float = 0.0
    """Slow zoom: logarithm of the focal length's factor per second."""

    @classmethod
    def sample(cls, rng: np.random.Generator, camera_kind: str) -> "Operator":
        """Sample a professional ("broadcast") or an amateur ("handheld") operator."""
        professional = camera_kind == "broadcast"
        zooms = []
        if rng.random() < (0.35 if professional else 0.2):
            zooms.append(
                Zoom(
                    delay=rng.uniform(-0.6, 0.4),
                    event="take-off",
                    duration=rng.uniform(0.5, 1.5),
                    factor=rng.uniform(0.8, 1.15),
                )
            )
        if rng.random() < 0.25:
            zooms.append(
                Zoom(
                    delay=rng.uniform(-0.3, 0.4),
                    event="entry",
                    duration=rng.uniform(0.3, 0.9),
                    factor=rng.uniform(0.75, 1.45),
                )
            )
        return cls(
            stiffness=rng.uniform(7, 14) if professional else rng.uniform(5, 10),
            damping=rng.uniform(0.65, 1.05),
            dead_zone=rng.uniform(0.02, 0.12),
            lag=rng.uniform(-0.05, 0.34) if professional else rng.uniform(0.0, 0.4),
            zooms=tuple(zooms),
            drift=rng.normal(0, 0.03) if rng.random() < 0.2 else 0.0,
        )

    def zoom(self, times: np.ndarray, entry_time: float) -> np.ndarray:
        """Focal length factors [T]: smooth steps on a slow drift."""
        logarithm = self.drift * (times - times[0])
        for zoom in self.zooms:
            start = zoom.delay + (entry_time if zoom.event == "entry" else 0.0)
            ramp = np.clip((times - start) / zoom.duration, 0, 1)
            logarithm += math.log(zoom.factor) * ramp * ramp * (3 - 2 * ramp)
        return np.exp(np.clip(logarithm, -0.5, 0.5))


def track_angles(operator: Operator, times: np.ndarray, target: np.ndarray, field: float) -> np.ndarray:
    """Angles [T] of a camera whose operator tracks the `target` angles [T] (radians).

    `field` is the field of view in the same direction, radians; the operator judges errors as shares of it.
    """
    grid = np.arange(times[0], times[-1] + STEP_S, STEP_S)
    goal = np.interp(grid, times, target)
    speed = np.gradient(goal, STEP_S) if len(grid) > 1 else np.zeros_like(goal)
    top_speed = np.abs(speed).max() + 1e-6
    stiffness, damping, zone = operator.stiffness, operator.damping, operator.dead_zone * field
    # In steady tracking the error is matched * top speed * 2 * damping / stiffness; solve for the given lag.
    lag = operator.lag * field / top_speed
    matched = 1 - np.clip(lag * stiffness / (2 * damping), -0.3, 0.9)
    angle, rate, angles = float(goal[0]), 0.0, np.empty(len(grid))
    engaged = 0.0
    for index, (goal_angle, goal_speed) in enumerate(zip(goal.tolist(), speed.tolist(), strict=True)):
        angles[index] = angle
        error = goal_angle - angle
        beyond = math.copysign(max(abs(error) - zone, 0.0), error)
        # The hands move as long as there is an error to correct, and come to rest smoothly afterwards.
        engaged += ((1.0 if beyond else 0.3 if abs(rate) > 0.02 else 0.0) - engaged) * 0.25
        rate += STEP_S * (stiffness**2 * beyond + 2 * damping * stiffness * (matched * engaged * goal_speed - rate))
        angle += STEP_S * rate
    return np.interp(times, grid, angles)


def hand_shake(rng: np.random.Generator, times: np.ndarray, strength: float) -> np.ndarray:
    """Angular shake of a hand-held camera [T]: sway of 0.5-3 Hz and a tremor of 6-11 Hz, radians."""
    frequency = np.concatenate([rng.uniform(0.5, 3.0, 4), rng.uniform(6, 11, 2)])
    size = strength * np.concatenate([rng.uniform(0.2, 1.0, 4) / frequency[:4], rng.uniform(0.01, 0.08, 2)])
    phase = rng.uniform(0, 2 * np.pi, 6)
    return (size * np.sin(2 * np.pi * frequency * times[:, None] + phase)).sum(1)


CAMERA_KINDS = ("broadcast", "static", "handheld")
CAMERA_KIND_SHARES = (0.72, 0.08, 0.20)
STANDING_HEIGHT_M = 1.7
"""Height of the standing diver that image sizes refer to, metres."""


@dataclass(frozen=True)
class Camera:
    """Position of a camera, and its rotation and focal length in each of T frames."""

    position: np.ndarray
    """World position of the optical centre in metres, [3]."""
    rotation: np.ndarray
    """World to camera axes (x right, y down, z forward), [T, 3, 3]."""
    focal: np.ndarray
    """Focal length in pixels, [T]."""
    principal_point: tuple[float, float]
    """Pixel (x, y) that the optical axis hits; may lie outside a cropped image."""
    width: int
    """Width of the image (or of its crop) in pixels."""
    height: int
    """Height of the image (or of its crop) in pixels."""
    kind: str = "broadcast"
    """One of `CAMERA_KINDS`."""

    def __post_init__(self) -> None:
        frames = len(self.focal)
        if self.rotation.shape != (frames, 3, 3):
            raise ValueError(
                f"rotation has shape {self.rotation.shape}, but {frames} focal lengths need {(frames, 3, 3)}"
            )
        if self.kind not in CAMERA_KINDS:
            raise ValueError(f"camera kind {self.kind!r} is unknown; use one of {', '.join(CAMERA_KINDS)}")

    def project(self, points: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Pixels and depth of world points.

        Args:
            points: [T, N, 3] metres; one set of points (T = 1) is used for every frame.

        Returns:
            pixels [T, N, 2] and depth [T, N] along the optical axis in metres (negative behind the camera, where
            the pixels mean nothing).
        """
        in_camera = np.einsum("tij,tnj->tni", self.rotation, np.asarray(points, dtype=float) - self.position)
        depth = in_camera[..., 2]
        safe = np.where(np.abs(depth) < 1e-9, 1e-9, depth)
        pixels = self.focal[:, None, None] * in_camera[..., :2] / safe[..., None] + np.array(self.principal_point)
        return pixels, depth

    def rays(self, pixels: npt.ArrayLike, frame: int = 0) -> np.ndarray:
        """Unit world directions [..., 3] through the given pixels [..., 2] of one frame."""
        offset = (np.asarray(pixels, dtype=float) - np.array(self.principal_point)) / self.focal[frame]
        directions = np.concatenate([offset, np.ones_like(offset[..., :1])], axis=-1)
        directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
        return directions @ self.rotation[frame]

    def homography(self, reference: "Camera") -> np.ndarray:
        """Maps [T, 3, 3] from pixels of `reference` (same optical centre, one frame) to pixels of each frame."""
        intrinsics = np.zeros((len(self.focal), 3, 3))
        intrinsics[:, 0, 0] = intrinsics[:, 1, 1] = self.focal
        intrinsics[:, 0, 2], intrinsics[:, 1, 2] = self.principal_point
        intrinsics[:, 2, 2] = 1
        centre_x, centre_y = reference.principal_point
        back = np.array([[1, 0, -centre_x], [0, 1, -centre_y], [0, 0, reference.focal[0]]]) / reference.focal[0]
        return intrinsics @ self.rotation @ reference.rotation[0].T @ back


def orientation(pan: npt.ArrayLike, tilt: npt.ArrayLike, roll: npt.ArrayLike = 0.0) -> np.ndarray:
    """World-to-camera rotations [T, 3, 3] for pan (from +x towards +y), tilt (up positive) and roll, in radians."""
    pan, tilt, roll = np.broadcast_arrays(np.atleast_1d(pan), np.atleast_1d(tilt), np.atleast_1d(roll))
    zero = np.zeros_like(pan)
    forward = np.stack([np.cos(tilt) * np.cos(pan), np.cos(tilt) * np.sin(pan), np.sin(tilt)], -1)
    right = np.stack([np.sin(pan), -np.cos(pan), zero], -1)
    down = np.cross(forward, right)
    cos, sin = np.cos(roll)[:, None], np.sin(roll)[:, None]
    return np.stack([cos * right + sin * down, cos * down - sin * right, forward], axis=1)


@dataclass(frozen=True, kw_only=True)
class ImageCrop:
    """Rectangle of an image in pixels."""

    left: float
    top: float
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class ImageFormat:
    """Size of a camera's full image in pixels, and the part of it that is produced."""

    width: int
    height: int
    crop: ImageCrop | None = None
    """The part that is produced, and in which the operator keeps the diver; None: all of it."""

    @property
    def produced(self) -> ImageCrop:
        """The crop, or the full image."""
        return self.crop or ImageCrop(left=0, top=0, width=self.width, height=self.height)


@dataclass(frozen=True, kw_only=True)
class _CameraStand:
    """Position of a camera relative to the board, and the size of the diver in its image."""

    distance: float
    """Horizontal distance, metres."""
    azimuth: float
    """Direction from the board, radians from the side view."""
    height: float
    """Height above the water, metres."""
    diver_share: float
    """Height of a standing diver as a share of the full image's height."""


def follow_diver(
    rng: np.random.Generator,
    times: npt.ArrayLike,
    target: npt.ArrayLike,
    height: float,
    image: ImageFormat,
    kind: str | None = None,
) -> Camera:
    """Set up a camera and follow a diver with it.

    Args:
        rng: source of all choices.
        times: [T] seconds of the frames (closer together in slow motion), 0 at take-off.
        target: [T, 3] the diver's centre of mass in metres.
        height: height of the board or platform in metres.
        image: size of the image (16:9 images have width = height * 16 / 9) and its crop.
        kind: one of `CAMERA_KINDS`; sampled when None.

    Returns:
        Camera with T frames.
    """
    times, target = np.asarray(times, dtype=float), np.asarray(target, dtype=float)
    if times.ndim != 1 or target.shape != (len(times), 3):
        raise ValueError(f"target has shape {target.shape}; {len(times)} times need {(len(times), 3)}")
    if kind is None:
        kind = CAMERA_KINDS[int(rng.choice(len(CAMERA_KINDS), p=CAMERA_KIND_SHARES))]
    if kind not in CAMERA_KINDS:
        raise ValueError(f"camera kind {kind!r} is unknown; use one of {', '.join(CAMERA_KINDS)}")
    crop = image.produced

    stand = _sample_stand(rng, kind, height)
    side = 1 if rng.random() < 0.5 else -1
    middle = np.array([rng.uniform(0.0, 1.5), 0.0])
    around = middle + stand.distance * np.array([math.sin(stand.azimuth), side * math.cos(stand.azimuth)])
    position = np.array([around[0], around[1], stand.height])
    size = min(stand.diver_share, 0.9 * crop.height / image.height)
    focal = size * image.height * np.hypot(stand.distance, height + 1 - stand.height) / STANDING_HEIGHT_M

    # Where the operator keeps the diver, relative to the optical axis (the centre of the full image).
    spread = 0.04 if kind == "static" else 0.11
    offset_x = crop.left + crop.width * (0.5 + np.clip(rng.normal(0, spread), -0.26, 0.26)) - image.width / 2
    offset_y = crop.top + crop.height * (0.5 + np.clip(rng.normal(0, spread / 2), -0.13, 0.13)) - image.height / 2

    view = np.stack([target[:, 0], target[:, 1], np.maximum(target[:, 2], 0.2)], -1) - position
    target_pan = np.unwrap(np.arctan2(view[:, 1], view[:, 0]))
    target_tilt = np.arctan2(view[:, 2], np.hypot(view[:, 0], view[:, 1]))
    field = 2 * math.atan(crop.height / 2 / focal)
    if kind == "static":
        pan = np.full(len(times), (target_pan.min() + target_pan.max()) / 2)
        top_angle = max(target_tilt.max(), math.atan2(height + 2.2 - stand.height, stand.distance))
        bottom_angle = min(target_tilt.min(), math.atan2(-stand.height, stand.distance))
        span = max(top_angle - bottom_angle, target_pan.max() - target_pan.min() + 0.05)
        focal = min(focal, 0.42 * min(crop.height, crop.width) / math.tan(min(span, 2.0) / 2))
        tilt = np.full(len(times), (top_angle + bottom_angle) / 2)
        zoom = np.ones(len(times))
    else:
        operator = Operator.sample(rng, kind)
        pan = track_angles(operator, times, target_pan, field * crop.width / crop.height)
        tilt = track_angles(operator, times, target_tilt, field)
        zoom = operator.zoom(times, _entry_time(times, target))
    pan = pan + np.arctan(offset_x / (focal * zoom))
    tilt = tilt + np.arctan(offset_y / (focal * zoom))
    roll: npt.ArrayLike = math.radians(rng.normal(0, 0.5 if kind == "broadcast" else 1.2))
    if kind == "handheld":
        strength = field * rng.uniform(0.004, 0.02)
        pan, tilt = pan + hand_shake(rng, times, strength), tilt + hand_shake(rng, times, strength)
        roll = roll + hand_shake(rng, times, 0.3 * strength)
    return Camera(
        position=position,
        rotation=orientation(pan, tilt, roll),
        focal=focal * zoom,
        principal_point=(image.width / 2 - crop.left, image.height / 2 - crop.top),
        width=int(crop.width),
        height=int(crop.height),
        kind=kind,
    )


def _entry_time(times: np.ndarray, target: np.ndarray) -> float:
    """Seconds at which the centre of mass comes within arm's reach of the water (last frame if it never does)."""
    low = np.flatnonzero(target[:, 2] < 1.0)
    low = low[times[low] > 0.2]
    return float(times[low[0]] if len(low) else times[-1])


def _sample_stand(rng: np.random.Generator, kind: str, height: float) -> _CameraStand:
    azimuth = math.radians(rng.uniform(-35, 35))
    if kind == "broadcast":
        style = rng.random()
        if style < 0.12:  # a long lens far away: stands in for a rig that falls beside the diver
            distance, down = rng.uniform(40, 65), math.radians(rng.uniform(2, 14))
        elif style < 0.3:  # from above, as from the tower's stairs: at the entry water fills the image
            distance, down = rng.uniform(7, 18), math.radians(rng.uniform(30, 60))
        else:
            distance, down = math.exp(rng.uniform(math.log(10), math.log(35))), math.radians(rng.uniform(3, 32))
        if rng.random() < 0.15:
            azimuth = math.radians(rng.choice([-1, 1, 1, 1]) * rng.uniform(35, 75))
        level = float(np.clip(distance * math.tan(down), 0.9, 14))
        share = math.exp(rng.uniform(math.log(0.23), math.log(0.62)))
    elif kind == "static":
        distance = rng.uniform(1.2, 3.2) * (height + 4)
        level = rng.uniform(1.0, min(8.0, 1.5 + distance / 4))
        share = math.exp(rng.uniform(math.log(0.1), math.log(0.3)))
    else:
        nearest = 6 if height <= 3 else 0.9 * height
        distance = rng.uniform(nearest, nearest + 14)
        level = rng.uniform(1.2, 2.0) if rng.random() < 0.5 else rng.uniform(2.0, 7.0)
        share = math.exp(rng.uniform(math.log(0.12), math.log(0.5)))
    return _CameraStand(distance=distance, azimuth=azimuth, height=level, diver_share=share)
