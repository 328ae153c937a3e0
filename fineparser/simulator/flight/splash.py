"""Splash of an entry: crown, jet, spray, foam, bubbles below, and the flying droplets.

A body opens a hole with a low crown of spray around it; when the hole closes, a jet rises out of it; foam spreads and
dies within a second or two. The air that the body took along rises after it and boils at the surface. A rip entry shows
little more than that boil and what any body of this speed throws up: a little spray, and a jet that may be half as high
as a diver is tall. The largest splash throws a white wall a metre and a half high, and its jet higher than a diver.
Judges deduct a fifth of ten for the difference, so it must be as visible as that, and no more: they do not deduct for
the height of the board.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from fineparser.domain.clip_geometry import GRAVITY
from fineparser.simulator.athlete.skeleton import JOINT_INDEX
from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.flight.diver_motion import DiverMotion
from fineparser.simulator.venue.water import surface_homography

MIST = 0.05  # m over which the finest spray spreads around the drops


class Overlay(NamedTuple):
    """Part of an image with transparency."""

    left: int
    top: int
    colour: np.ndarray
    """Premultiplied RGB, float32 [h, w, 3] in 0-255."""
    alpha: np.ndarray
    """Float32 [h, w] in 0-1."""


@dataclass(frozen=True)
class Droplets:
    """N parcels of water in free flight."""

    birth: np.ndarray
    """Seconds at which each leaves the water or the body, [N]."""
    position: np.ndarray
    """Metres, [N, 3]."""
    velocity: np.ndarray
    """Metres per second, [N, 3]."""
    radius: np.ndarray
    """Metres, [N]."""
    density: np.ndarray
    """Optical thickness at the centre of each parcel, [N]."""
    life: np.ndarray
    """Seconds after which each has thinned out, [N]."""
    jitter: np.ndarray
    """Time within the exposure at which each is rendered, -0.5 to 0.5, [N]: this blurs fast water."""

    def at(self, times: Sequence[float] | np.ndarray, exposure_time: float) -> tuple[np.ndarray, np.ndarray]:
        """Positions [F, N, 3] and optical thickness [F, N] (0: not in the air) at F times."""
        age = np.asarray(times)[:, None] + self.jitter * exposure_time - self.birth
        drag = 1 / (1 + 0.35 * np.maximum(age, 0))
        position = self.position + self.velocity * (age * drag)[..., None]
        position[..., 2] -= GRAVITY / 2 * age * age
        alive = (age > 0) & (position[..., 2] > -0.03) & (age < self.life)
        return position, np.where(alive, self.density * (1 - 0.6 * age / self.life), 0)


def draw_droplets(
    droplets: Droplets,
    times: np.ndarray,
    exposure_time: float,
    views: CameraViews,
    instants: np.ndarray,
    tone: tuple[float, float, float] | np.ndarray,
) -> list[Overlay | None]:
    """Render the cloud at F times.

    Args:
        droplets: the water in the air.
        times: [F] seconds.
        exposure_time: seconds.
        views, instants: camera, and the F views of it that belong to the times.
        tone: RGB 0-255 of the brightest water.

    Returns:
        F overlays, None where no water is in the air.
    """
    if len(droplets.birth) == 0:
        return [None] * len(times)
    position, thickness = droplets.at(times, exposure_time)
    in_camera = views.to_camera_axes(position, instants)
    depth = np.maximum(in_camera[..., 2], 0.3)
    scale = views.focal[instants][:, None] / depth
    x = scale * in_camera[..., 0] + views.principal_point[0] - 0.5
    y = scale * in_camera[..., 1] + views.principal_point[1] - 0.5
    size = scale * droplets.radius
    overlays: list[Overlay | None] = []
    width, height = views.size
    for row in range(len(times)):
        margin = 6 + int(3 * size[row].max())
        visible = (
            (thickness[row] > 0)
            & (x[row] > -margin)
            & (x[row] < width + margin)
            & (y[row] > -margin)
            & (y[row] < height + margin)
        )
        parcels = _Parcels(x[row][visible], y[row][visible], size[row][visible], thickness[row][visible])
        overlays.append(_render_cloud(parcels, float(np.median(scale[row])), views.size, tone))
    return overlays


class _Parcels(NamedTuple):
    """Parcels of water in an image: pixel positions, radii in pixels and optical thickness, each [n]."""

    x: np.ndarray
    y: np.ndarray
    size: np.ndarray
    thickness: np.ndarray


def _render_cloud(
    parcels: _Parcels, metre: float, limits: tuple[int, int], tone: tuple[float, float, float] | np.ndarray
) -> Overlay | None:
    """Render parcels; `metre` is the pixels per metre, `limits` the width and height of the image."""
    x, y, size, thickness = parcels
    if len(x) < 3:
        return None
    margin = 3 + int(max(2.5 * np.percentile(size, 90), 3 * MIST * metre))
    left, top = int(x.min()) - margin, int(y.min()) - margin
    right, bottom = int(x.max()) + margin + 2, int(y.max()) + margin + 2
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(right, limits[0]), min(bottom, limits[1])
    if x1 <= x0 or y1 <= y0:
        return None
    wide, tall = right - left, bottom - top
    density = np.zeros((tall, wide), dtype=np.float32)
    middle = np.median(size)
    for chosen in (size <= middle, size > middle):
        if not chosen.any():
            continue
        # Parcels below a pixel still reflect light in proportion to their area.
        sigma = max(float(size[chosen].mean()) * 0.6, 0.35)
        weight = thickness[chosen] * np.minimum(size[chosen] / 0.6, 1) ** 2 * (2 * np.pi * sigma**2)
        grid = _scatter(x[chosen] - left, y[chosen] - top, weight, tall, wide)
        density += cv2.GaussianBlur(grid, (0, 0), sigma)
    # Mist: droplets too fine to be visible one by one.
    mist = cv2.GaussianBlur(density, (0, 0), max(MIST * metre, 0.5))
    density = 0.8 * density + 0.7 * mist
    density = density[y0 - top : y1 - top, x0 - left : x1 - left]
    alpha = 1 - np.exp(-density)
    around = cv2.blur(density, (5, 5) if metre < 60 else (13, 13))
    # Thick water in front of thinner water above it is brighter on top, greyer below.
    above = np.roll(around, 2, axis=0)
    shade = np.clip(0.92 + 0.2 * (density - above) / (around + 0.3), 0.66, 1.0)
    colour = (alpha * shade)[..., None] * np.asarray(tone, np.float32)
    return Overlay(x0, y0, colour, alpha)


def _scatter(x: np.ndarray, y: np.ndarray, weight: np.ndarray, height: int, width: int) -> np.ndarray:
    """Spread weights bilinearly over the pixel centres around (x, y)."""
    column, row = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, down = x - column, y - row
    base = row * width + column
    index = np.concatenate([base, base + 1, base + width, base + width + 1])
    shares = np.concatenate([(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down])
    inside = (index >= 0) & (index < height * width)
    total = np.bincount(index[inside], weights=(np.tile(weight, 4) * shares)[inside], minlength=height * width)
    return total.reshape(height, width).astype(np.float32)


FOAM_SIZE = 96  # pixels, side of the foam texture
TRACK_STEP = 0.02  # s
TRACK_TIME = 0.4  # s from the touch until the body has passed
REFERENCE_SPEED = 14.0
"""Metres per second at which a diver from 10 metres touches the water: the unit of speeds here."""
LEADING_LENGTH = 0.7
"""Metres of arms and head, which enter before the shoulders push the water aside."""
DRIPPING_JOINTS = ("head", "wrist_l", "wrist_r", "fingertip_l", "fingertip_r", "knee_l", "knee_r", "toe_l", "toe_r")
_TRUNK_BONES = (
    ("pelvis", "waist"),
    ("waist", "neck"),
    ("neck", "head"),
    ("neck", "shoulder_l"),
    ("neck", "shoulder_r"),
    ("pelvis", "hip_l"),
    ("pelvis", "hip_r"),
)
_LIMBS = ("shoulder", "elbow", "wrist", "fingertip"), ("hip", "knee", "ankle", "toe")
_LIMB_BONES = tuple(
    (f"{start}_{side}", f"{end}_{side}") for limb in _LIMBS for start, end in itertools.pairwise(limb) for side in "lr"
)
_BONES = np.array([[JOINT_INDEX[name] for name in bone] for bone in _TRUNK_BONES + _LIMB_BONES])


@dataclass(frozen=True)
class Splash:
    """The splash of one diver."""

    time: float
    """Seconds at which the water is touched."""
    track: np.ndarray
    """Points at which the body passes the surface, every TRACK_STEP seconds from the touch on, metres, [K, 2]."""
    size: float
    """0 (rip) to 1 (huge)."""
    droplets: Droplets
    """Crown, jet and spray."""
    grain: np.ndarray
    """[FOAM_SIZE, FOAM_SIZE] float32 0-1: texture by which the foam tears open."""
    reach: float
    """Radius in metres of the foam after a second."""
    boil: "Boil"
    passage: float
    """Seconds in which the arms and the head of a diver pass the surface: they leave it nearly at rest."""

    @classmethod
    def sample(
        cls,
        rng: np.random.Generator,
        time: float,
        track: np.ndarray | Sequence[tuple[float, float]],
        size: float,
        speed: float,
        parcels: int = 500,
    ) -> "Splash":
        """Sample a splash.

        Args:
            time: seconds of the touch.
            track: [K, 2] of `surface_crossings`.
            size: 0 (rip) to 1 (huge).
            speed: of the diver at the touch, metres per second.
            parcels: number of parcels of water (more for larger images).
        """
        points = np.asarray(track, dtype=float)
        size = float(np.clip(size, 0, 1))
        # Water that any body throws up, however clean the entry: it varies, and judges do not deduct for it.
        turbulence = float(rng.uniform(0.4, 1.9)) * speed / REFERENCE_SPEED
        passage = LEADING_LENGTH / max(speed, 1.0)
        parts = []
        for share, build in ((0.3, _crown), (0.45, _jet), (0.25, _spray)):
            count = max(int(share * parcels * (0.15 + 0.35 * turbulence + 1.25 * size)), 12)
            parts.append(build(rng, count, size, turbulence, passage))
        birth, position, velocity, radius, density = (np.concatenate(column) for column in zip(*parts, strict=True))
        position[:, :2] += _track_points(points, birth)
        # Finer parcels must be thinner, so that the opacity of a splash does not depend on their number.
        fineness = np.sqrt(500 / parcels)
        # Large splashes fly mostly as sheets, small ones as drops, with exceptions.
        radius *= rng.uniform(0.65, 1.25) + 0.7 * size
        droplets = Droplets(
            birth=birth + time,
            position=position,
            velocity=velocity,
            radius=radius * fineness,
            density=density,
            life=rng.uniform(0.5, 1.3, len(birth)) * (0.6 + 0.6 * size),
            jitter=rng.uniform(-0.5, 0.5, len(birth)),
        )
        coarse = cv2.resize(
            rng.random((14, 14), dtype=np.float32), (FOAM_SIZE, FOAM_SIZE), interpolation=cv2.INTER_CUBIC
        )
        fine = cv2.resize(
            rng.random((44, 44), dtype=np.float32), (FOAM_SIZE, FOAM_SIZE), interpolation=cv2.INTER_LINEAR
        )
        return cls(
            time=float(time),
            track=points,
            size=size,
            droplets=droplets,
            grain=np.clip(0.6 * coarse + 0.4 * fine, 0, 1),
            reach=float(rng.uniform(0.85, 1.15) * (0.34 + 1.15 * size) + 0.3 * turbulence),
            boil=Boil.sample(rng, speed),
            passage=passage,
        )

    def foam(
        self, views: CameraViews, instant: int, time: float, tone: tuple[float, float, float] | np.ndarray
    ) -> Overlay | None:
        """Render foam and bubbles at the surface in one frame; None before the entry or outside of the image."""
        age = time - self.time
        if age <= 0 or views.position[2] <= 0.1:
            return None
        spread = 0.22 + (self.reach - 0.22) * (1 - np.exp(-age / 0.4)) + 0.12 * age
        boiling, boil_radius = self.boil.at(age)
        radius = max(spread, boil_radius)
        start, now = _track_points(self.track, np.array([0.0, age]))
        furrow = now - start
        length = float(np.hypot(*furrow))
        direction = furrow / length if length > 1e-3 else np.array([1.0, 0.0])
        # A square of foam, extended along the furrow, in metres on the water.
        along, across = (
            direction * (1.25 * radius + length / 2),
            np.array([-direction[1], direction[0]]) * 1.25 * radius,
        )
        corner = (start + now) / 2 - along - across
        to_water = np.array([[*(2 * along / FOAM_SIZE), 0], [*(2 * across / FOAM_SIZE), 0], [*corner, 1]]).T
        to_pixels = surface_homography(views, instant) @ to_water
        corners = to_pixels @ np.array(
            [[0, FOAM_SIZE, FOAM_SIZE, 0], [0, 0, FOAM_SIZE, FOAM_SIZE], [1, 1, 1, 1]], dtype=float
        )
        if (corners[2] <= 0.1).any():
            return None
        flat = corners[:2] / corners[2]
        x0, y0 = (max(int(value), 0) for value in np.floor(flat.min(1)))
        x1, y1 = (min(int(value), limit) for value, limit in zip(np.ceil(flat.max(1)), views.size, strict=True))
        if x1 - x0 < 1 or y1 - y0 < 1:
            return None
        steps = (np.arange(FOAM_SIZE, dtype=np.float32) + 0.5) / FOAM_SIZE * 2 - 1
        metres = 1.25 * radius * np.hypot(steps[None], steps[:, None])
        from_centre = metres / spread
        ring = np.clip(age / 0.6, 0, 1)
        profile = np.clip(1.15 - from_centre, 0, 1) - 0.35 * ring * np.clip(0.6 - from_centre, 0, 1)
        strength = np.exp(-max(age - 0.25, 0) / (0.7 + 0.9 * self.size)) * min(age / (1.6 * self.passage), 1)
        foam = np.clip((profile * (0.55 + 0.75 * strength) + 0.55 * self.grain - 0.72) * 3.2, 0, 1) * strength**0.5
        cloud = 0.45 * np.clip(1.0 - from_centre, 0, 1) * strength**0.5
        if boiling > 0:
            risen = np.clip(1.2 - metres / boil_radius, 0, 1) * boiling
            cloud = np.maximum(cloud, 0.75 * risen)
            foam = np.maximum(foam, np.clip((risen + 0.5 * self.grain - 0.75) * 2.5, 0, 1) * boiling**0.5)
        both = np.stack([foam, np.maximum(cloud, foam)], -1)
        shift = np.array([[1, 0, -x0 - 0.5], [0, 1, -y0 - 0.5], [0, 0, 1]]) @ to_pixels
        shift = shift @ np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        warped = cv2.warpPerspective(both, shift, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        alpha = warped[..., 1]
        white = np.asarray(tone, np.float32)
        bubbles = white * np.array([0.62, 0.85, 0.92], np.float32)
        dense = warped[..., :1]
        colour = dense * white * 0.96 + (warped[..., 1:] - dense) * bubbles
        return Overlay(x0, y0, colour, alpha)


@dataclass(frozen=True)
class Boil:
    """Air bubbles that rise where the body entered: a pale patch that appears, whitens and fades."""

    start: float
    """Seconds after the touch at which it reaches the surface."""
    radius: float
    """Metres, once it has spread."""
    white: float
    """Whiteness, 0 to 1."""
    fade: float
    """Seconds in which it falls to 1/e."""

    @classmethod
    def sample(cls, rng: np.random.Generator, speed: float) -> "Boil":
        """Sample the boil of a body that touched the water at `speed` metres per second."""
        share = speed / REFERENCE_SPEED
        return cls(
            start=float(rng.uniform(0.25, 0.8)),
            radius=float(rng.uniform(0.4, 0.9) * (0.4 + 0.6 * share)),
            white=float(rng.uniform(0.35, 1.0)),
            fade=float(rng.uniform(0.6, 1.6)),
        )

    def at(self, age: float) -> tuple[float, float]:
        """Strength, 0 to 1, and radius in metres, `age` seconds after the touch."""
        since = age - self.start
        if since <= 0:
            return 0.0, 0.0
        strength = self.white * (1 - np.exp(-since / 0.15)) * np.exp(-max(since - 0.3, 0) / self.fade)
        return float(strength), float(self.radius * (0.4 + 0.6 * (1 - np.exp(-since / 0.3))) + 0.1 * since)


def surface_crossings(motion: DiverMotion) -> np.ndarray:
    """Points [K, 2] in metres at which the body passes the surface, every TRACK_STEP seconds from the touch on."""
    ages = np.arange(0, TRACK_TIME + TRACK_STEP / 2, TRACK_STEP)
    joints = motion.at(motion.entry_time + ages).joints
    upper, lower = joints[:, _BONES[:, 0]], joints[:, _BONES[:, 1]]
    fall = upper[..., 2] - lower[..., 2]
    share = upper[..., 2] / np.where(np.abs(fall) < 1e-6, 1e-6, fall)
    passing = (upper[..., 2] > 0) != (lower[..., 2] > 0)
    points = upper[..., :2] + share[..., None] * (lower - upper)[..., :2]
    track = [np.asarray(motion.entry_position, dtype=float)]
    for positions, is_passing in zip(points[1:], passing[1:], strict=True):
        track.append(positions[is_passing].mean(0) if is_passing.any() else track[-1])
    return np.array(track)


def entry_speed(motion: DiverMotion) -> float:
    """Vertical speed of the diver at the touch, metres per second."""
    last = motion.at(motion.entry_time - np.array([TRACK_STEP, 0.0])).centre_of_mass[:, 2]
    return float(abs(last[1] - last[0]) / TRACK_STEP)


def _track_points(track: np.ndarray, ages: np.ndarray) -> np.ndarray:
    """Points [n, 2] of the track at ages [n] in seconds."""
    grid = np.arange(len(track)) * TRACK_STEP
    return np.stack([np.interp(ages, grid, track[:, axis]) for axis in (0, 1)], -1)


def _fingers(
    rng: np.random.Generator,
    count: int,
    outward: Callable[[int], np.ndarray],
    upward: Callable[[int], np.ndarray],
    spread: float,
) -> np.ndarray:
    """Velocities [count, 3] of water torn into fingers: parcels of a finger share its direction and trail behind its
    tip."""
    fingers = max(count // 7, 3)
    angle = rng.uniform(0, 2 * np.pi, fingers)
    side, rise = outward(fingers), upward(fingers)
    which = rng.integers(0, fingers, count)
    trail = 1 - 0.55 * rng.random(count) ** 1.5
    angle = angle[which] + rng.normal(0, spread, count)
    side = side[which] * trail * rng.normal(1, 0.1, count)
    return np.stack([np.cos(angle) * side, np.sin(angle) * side, rise[which] * trail * rng.normal(1, 0.05, count)], 1)


def _ring(rng: np.random.Generator, velocity: np.ndarray, low: float, high: float) -> np.ndarray:
    """Points [n, 3] at which parcels leave the surface: on the side to which they fly, `low` to `high` metres from the
    middle."""
    direction = velocity[:, :2] / np.maximum(np.linalg.norm(velocity[:, :2], axis=1, keepdims=True), 1e-6)
    return np.concatenate([direction * rng.uniform(low, high, (len(direction), 1)), np.zeros((len(direction), 1))], 1)


def _speed(metres: float) -> float:
    """Speed (m/s) that carries water up by that height."""
    return float(np.sqrt(2 * GRAVITY * metres))


_ParcelColumns = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Birth, position, velocity, radius and density of parcels of water, see `Droplets`."""


def _crown(rng: np.random.Generator, count: int, size: float, turbulence: float, passage: float) -> _ParcelColumns:
    velocity = _fingers(
        rng,
        count,
        lambda n: rng.uniform(0.4, 1.7, n) * (0.3 + size),
        lambda n: _speed(0.06 + 0.15 * turbulence + 1.3 * size) * rng.uniform(0.5, 1.1, n),
        0.12,
    )
    birth = rng.triangular(0.0, 1.5 * passage, 0.08 + 1.7 * passage, count)
    radius, density = rng.uniform(0.015, 0.05, count), rng.uniform(0.2, 0.7, count)
    return birth, _ring(rng, velocity, 0.1, 0.28), velocity, radius, density


def _jet(rng: np.random.Generator, count: int, size: float, turbulence: float, passage: float) -> _ParcelColumns:
    lean = rng.normal(0, 0.1, 2)
    velocity = _fingers(
        rng,
        count,
        lambda n: rng.gamma(2.0, 0.13, n) * (0.6 + size),
        lambda n: _speed(0.12 + 0.65 * turbulence + 2.2 * size) * rng.uniform(0.35, 1.05, n),
        0.5,
    )
    velocity[:, :2] += lean * velocity[:, 2:]
    begin = 0.05 + 1.4 * passage
    birth = rng.uniform(begin, begin + 0.10 + 0.25 * size, count)
    # A jet is anything from a few drops to a column of white water.
    whole = rng.uniform(1.0, 2.0)
    radius, density = whole * rng.uniform(0.015, 0.06, count), rng.uniform(0.25, 0.8, count)
    return birth, _ring(rng, velocity, 0.0, 0.2), velocity, radius, density


def _spray(rng: np.random.Generator, count: int, size: float, turbulence: float, passage: float) -> _ParcelColumns:
    velocity = _fingers(
        rng,
        count,
        lambda n: rng.gamma(2.0, 0.7, n) * (0.35 + size),
        lambda n: _speed(0.1 + 0.3 * turbulence + 1.4 * size) * rng.uniform(0.5, 1.2, n),
        0.2,
    )
    birth = rng.triangular(0.0, 2.0 * passage, 0.4, count)
    radius, density = rng.uniform(0.005, 0.018, count), rng.uniform(0.15, 0.6, count)
    return birth, _ring(rng, velocity, 0.1, 0.35), velocity, radius, density


def sample_drips(rng: np.random.Generator, motion: DiverMotion, lines: int) -> Droplets:
    """Sample the water that drips off a wet diver in flight, from hands, feet and hair.

    Args:
        motion: of the diver.
        lines: lines of the image; a small one does not show the drips.
    """
    count = int(rng.integers(0, 40) * lines / 112) if lines >= 200 else 0
    birth = rng.uniform(-0.2, max(motion.entry_time, 0.2), count)
    joints = rng.choice([JOINT_INDEX[name] for name in DRIPPING_JOINTS], count)
    step = 1 / 120
    now, later = motion.at(birth).joints, motion.at(birth + step).joints
    rows = np.arange(count)
    position = now[rows, joints] + rng.normal(0, 0.05, (count, 3))
    velocity = 0.8 * (later[rows, joints] - now[rows, joints]) / step + rng.normal(0, 0.3, (count, 3))
    return Droplets(
        birth=birth,
        position=position,
        velocity=velocity,
        radius=rng.uniform(0.003, 0.009, count),
        density=rng.uniform(0.3, 1.2, count),
        life=rng.uniform(0.2, 0.7, count),
        jitter=rng.uniform(-0.5, 0.5, count),
    )
