"""What the water does when a diver goes in: crown, jet, boiling foam and the cloud of bubbles below.

Seen in slow motion, a body opens a hole with a low crown of spray around it; when the hole closes, a jet rises out
of it; foam spreads and dies within a second or two. The air that the body took along comes up after it and boils. A rip
entry shows little more than that boil, and what any body of this speed throws up: a little spray, and a jet that may be
half as high as a diver is tall. The largest splash throws a white wall a metre and a half high, and its jet higher than
a diver. Judges take a fifth of ten for the difference, so it must be as plain to see as that, and no plainer: they do
not price how high the board was.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.simulator.droplets import GRAVITY, Droplets
from fineparser.simulator.water import surface_homography

FOAM = 96  # pixels across the foam picture
TRACK_STEP = 0.02  # s
TRACK_TIME = 0.4  # s from the touch until the body has passed
FASTEST = 14.0
"""Metres a second at which a diver from 10 metres touches the water (domain facts): what speeds are measured by."""
_TRUNK_BONES = ((0, 1), (1, 2), (2, 3), (2, 4), (2, 5), (0, 12), (0, 13))
_LIMB_BONES = tuple((joint, joint + 2) for joint in (4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17))
_BONES = np.array(_TRUNK_BONES + _LIMB_BONES)


@dataclass(frozen=True)
class Splash:
    """The splash of one diver."""

    time: float
    """Seconds at which the water is touched."""
    track: np.ndarray
    """Where the body passes the surface, every TRACK_STEP seconds from the touch on, metres, [K, 2]."""
    size: float
    """0 (rip) to 1 (huge)."""
    droplets: Droplets
    """Crown, jet and spray."""
    grain: np.ndarray
    """[FOAM, FOAM] float32 0-1, what decides where the foam tears open."""
    reach: float
    """Radius in metres that the foam has after a second."""
    boil: "Boil"

    @classmethod
    def sample(cls, rng, time, track, size, speed, parcels=500):
        """Draw a splash.

        Args:
            time: seconds of the touch.
            track: [K, 2] of `crossings`: a slanting body ploughs through the surface.
            size: 0 (rip) to 1 (huge).
            speed: of the diver at the touch, metres a second.
            parcels: how finely it is made (more for larger pictures).
        """
        track = np.asarray(track, dtype=float)
        size = float(np.clip(size, 0, 1))
        # What any body stirs up, however cleanly it goes in: it differs from dive to dive, and no judge prices it.
        stir = float(rng.uniform(0.4, 1.9)) * speed / FASTEST
        parts = []
        for share, build in ((0.3, _crown), (0.45, _jet), (0.25, _spray)):
            parts.append(build(rng, max(int(share * parcels * (0.15 + 0.35 * stir + 1.25 * size)), 12), size, stir))
        birth, position, velocity, radius, density = (np.concatenate(column) for column in zip(*parts, strict=True))
        position[:, :2] += _along(track, birth)
        # Finer parcels must be thinner, so that a splash is as opaque however finely it is made.
        fineness = np.sqrt(500 / parcels)
        # Much water flies as a sheet, little of it as drops, now and then the other way round.
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
        coarse = cv2.resize(rng.random((14, 14), dtype=np.float32), (FOAM, FOAM), interpolation=cv2.INTER_CUBIC)
        fine = cv2.resize(rng.random((44, 44), dtype=np.float32), (FOAM, FOAM), interpolation=cv2.INTER_LINEAR)
        return cls(
            time=float(time),
            track=track,
            size=size,
            droplets=droplets,
            grain=np.clip(0.6 * coarse + 0.4 * fine, 0, 1),
            reach=float(rng.uniform(0.85, 1.15) * (0.34 + 1.15 * size) + 0.3 * stir),
            boil=Boil.sample(rng, speed),
        )

    def foam(self, views, instant, time, tone):
        """Foam and bubbles at the surface in one frame.

        Returns:
            (left, top, premultiplied RGB [h, w, 3], alpha [h, w]) or None before the entry or out of the picture.
        """
        age = time - self.time
        if age <= 0 or views.position[2] <= 0.1:
            return None
        spread = 0.22 + (self.reach - 0.22) * (1 - np.exp(-age / 0.4)) + 0.12 * age
        welling, boil_radius = self.boil.at(age)
        radius = max(spread, boil_radius)
        start, now = _along(self.track, np.array([0.0, age]))
        furrow = now - start
        length = float(np.hypot(*furrow))
        way = furrow / length if length > 1e-3 else np.array([1.0, 0.0])
        # A square of foam, pulled out along the furrow, in metres on the water.
        along, across = way * (1.25 * radius + length / 2), np.array([-way[1], way[0]]) * 1.25 * radius
        corner = (start + now) / 2 - along - across
        lay = np.array([[*(2 * along / FOAM), 0], [*(2 * across / FOAM), 0], [*corner, 1]]).T
        to_pixels = surface_homography(views, instant) @ lay
        corners = to_pixels @ np.array([[0, FOAM, FOAM, 0], [0, 0, FOAM, FOAM], [1, 1, 1, 1]], dtype=float)
        if (corners[2] <= 0.1).any():
            return None
        flat = corners[:2] / corners[2]
        x0, y0 = (max(int(value), 0) for value in np.floor(flat.min(1)))
        x1, y1 = (min(int(value), limit) for value, limit in zip(np.ceil(flat.max(1)), views.size, strict=True))
        if x1 - x0 < 1 or y1 - y0 < 1:
            return None
        steps = (np.arange(FOAM, dtype=np.float32) + 0.5) / FOAM * 2 - 1
        metres = 1.25 * radius * np.hypot(steps[None], steps[:, None])
        from_centre = metres / spread
        ring = np.clip(age / 0.6, 0, 1)
        profile = np.clip(1.15 - from_centre, 0, 1) - 0.35 * ring * np.clip(0.6 - from_centre, 0, 1)
        strength = np.exp(-max(age - 0.25, 0) / (0.7 + 0.9 * self.size)) * min(age / 0.08, 1)
        foam = np.clip((profile * (0.55 + 0.75 * strength) + 0.55 * self.grain - 0.72) * 3.2, 0, 1) * strength**0.5
        cloud = 0.45 * np.clip(1.0 - from_centre, 0, 1) * strength**0.5
        if welling > 0:
            risen = np.clip(1.2 - metres / boil_radius, 0, 1) * welling
            cloud = np.maximum(cloud, 0.75 * risen)
            foam = np.maximum(foam, np.clip((risen + 0.5 * self.grain - 0.75) * 2.5, 0, 1) * welling**0.5)
        both = np.stack([foam, np.maximum(cloud, foam)], -1)
        shift = np.array([[1, 0, -x0 - 0.5], [0, 1, -y0 - 0.5], [0, 0, 1]]) @ to_pixels
        shift = shift @ np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
        seen = cv2.warpPerspective(both, shift, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
        alpha = seen[..., 1]
        white = np.asarray(tone, np.float32)
        bubbles = white * np.array([0.62, 0.85, 0.92], np.float32)
        dense = seen[..., :1]
        colour = dense * white * 0.96 + (seen[..., 1:] - dense) * bubbles
        return x0, y0, colour, alpha


@dataclass(frozen=True)
class Boil:
    """Air that the body took along, coming up where it went in: a pale patch that wells up, whitens and fades."""

    start: float
    """Seconds after the touch at which it reaches the surface."""
    radius: float
    """Metres across half of it, once it has spread."""
    white: float
    """How white it gets, 0 to 1."""
    fade: float
    """Seconds in which it falls to a third."""

    @classmethod
    def sample(cls, rng, speed):
        """Draw the boil of a body that touched the water at `speed` metres a second."""
        share = speed / FASTEST
        return cls(
            start=float(rng.uniform(0.25, 0.8)),
            radius=float(rng.uniform(0.4, 0.9) * (0.4 + 0.6 * share)),
            white=float(rng.uniform(0.35, 1.0)),
            fade=float(rng.uniform(0.6, 1.6)),
        )

    def at(self, age):
        """How strong it is, 0 to 1, and its radius in metres, `age` seconds after the touch."""
        since = age - self.start
        if since <= 0:
            return 0.0, 0.0
        strength = self.white * (1 - np.exp(-since / 0.15)) * np.exp(-max(since - 0.3, 0) / self.fade)
        return float(strength), float(self.radius * (0.4 + 0.6 * (1 - np.exp(-since / 0.3))) + 0.1 * since)


def crossings(motion):
    """Where a diver's body passes the surface, every TRACK_STEP seconds from the touch on: [K, 2] metres."""
    ages = np.arange(0, TRACK_TIME + TRACK_STEP / 2, TRACK_STEP)
    joints = motion.at(motion.entry_time + ages).joints
    upper, lower = joints[:, _BONES[:, 0]], joints[:, _BONES[:, 1]]
    fall = upper[..., 2] - lower[..., 2]
    share = upper[..., 2] / np.where(np.abs(fall) < 1e-6, 1e-6, fall)
    passing = (upper[..., 2] > 0) != (lower[..., 2] > 0)
    places = upper[..., :2] + share[..., None] * (lower - upper)[..., :2]
    track = [np.asarray(motion.entry_position, dtype=float)]
    for place, here in zip(places[1:], passing[1:], strict=True):
        track.append(place[here].mean(0) if here.any() else track[-1])
    return np.array(track)


def touch_speed(motion):
    """How fast a diver falls at the touch, metres a second."""
    last = motion.at(motion.entry_time - np.array([TRACK_STEP, 0.0])).centre_of_mass[:, 2]
    return float(abs(last[1] - last[0]) / TRACK_STEP)


def _along(track, ages):
    """Points [n, 2] of the track at ages [n] in seconds."""
    grid = np.arange(len(track)) * TRACK_STEP
    return np.stack([np.interp(ages, grid, track[:, axis]) for axis in (0, 1)], -1)


def _fingers(rng, count, outward, upward, spread):
    """Velocities [count, 3] of water torn into fingers: parcels of a finger share its way and trail behind its tip."""
    fingers = max(count // 7, 3)
    angle = rng.uniform(0, 2 * np.pi, fingers)
    side, rise = outward(fingers), upward(fingers)
    which = rng.integers(0, fingers, count)
    trail = 1 - 0.55 * rng.random(count) ** 1.5
    angle = angle[which] + rng.normal(0, spread, count)
    side = side[which] * trail * rng.normal(1, 0.1, count)
    return np.stack([np.cos(angle) * side, np.sin(angle) * side, rise[which] * trail * rng.normal(1, 0.05, count)], 1)


def _ring(rng, velocity, low, high):
    """Where parcels leave the surface: on the side to which they fly, `low` to `high` metres from the middle."""
    way = velocity[:, :2] / np.maximum(np.linalg.norm(velocity[:, :2], axis=1, keepdims=True), 1e-6)
    return np.concatenate([way * rng.uniform(low, high, (len(way), 1)), np.zeros((len(way), 1))], 1)


def _speed(metres):
    """Speed that carries water up by that much."""
    return np.sqrt(2 * GRAVITY * metres)


def _crown(rng, count, size, stir):
    velocity = _fingers(
        rng,
        count,
        lambda n: rng.uniform(0.4, 1.7, n) * (0.3 + size),
        lambda n: _speed(0.06 + 0.15 * stir + 1.3 * size) * rng.uniform(0.5, 1.1, n),
        0.12,
    )
    birth = rng.uniform(0.0, 0.16, count)
    radius, density = rng.uniform(0.015, 0.05, count), rng.uniform(0.2, 0.7, count)
    return birth, _ring(rng, velocity, 0.1, 0.28), velocity, radius, density


def _jet(rng, count, size, stir):
    lean = rng.normal(0, 0.1, 2)
    velocity = _fingers(
        rng,
        count,
        lambda n: rng.gamma(2.0, 0.13, n) * (0.6 + size),
        lambda n: _speed(0.12 + 0.65 * stir + 2.2 * size) * rng.uniform(0.35, 1.05, n),
        0.5,
    )
    velocity[:, :2] += lean * velocity[:, 2:]
    birth = rng.uniform(0.12, 0.22 + 0.25 * size, count)
    # A jet is anything from a few drops to a column of white water.
    whole = rng.uniform(1.0, 2.0)
    radius, density = whole * rng.uniform(0.015, 0.06, count), rng.uniform(0.25, 0.8, count)
    return birth, _ring(rng, velocity, 0.0, 0.2), velocity, radius, density


def _spray(rng, count, size, stir):
    velocity = _fingers(
        rng,
        count,
        lambda n: rng.gamma(2.0, 0.7, n) * (0.35 + size),
        lambda n: _speed(0.1 + 0.3 * stir + 1.4 * size) * rng.uniform(0.5, 1.2, n),
        0.2,
    )
    birth = rng.uniform(0.0, 0.4, count)
    radius, density = rng.uniform(0.005, 0.018, count), rng.uniform(0.15, 0.6, count)
    return birth, _ring(rng, velocity, 0.1, 0.35), velocity, radius, density


def drips(rng, motion, lines):
    """Water that a wet diver throws off in flight: `Droplets` from hands, feet and hair.

    Args:
        motion: the diver's `Motion`.
        lines: lines of the picture; a small one shows nothing of it.
    """
    count = int(rng.integers(0, 40) * lines / 112) if lines >= 200 else 0
    birth = rng.uniform(-0.2, max(motion.entry_time, 0.2), count)
    joints = rng.choice([3, 8, 9, 10, 11, 14, 15, 18, 19], count)
    step = 1 / 120
    here, later = motion.at(birth).joints, motion.at(birth + step).joints
    rows = np.arange(count)
    position = here[rows, joints] + rng.normal(0, 0.05, (count, 3))
    velocity = 0.8 * (later[rows, joints] - here[rows, joints]) / step + rng.normal(0, 0.3, (count, 3))
    return Droplets(
        birth=birth,
        position=position,
        velocity=velocity,
        radius=rng.uniform(0.003, 0.009, count),
        density=rng.uniform(0.3, 1.2, count),
        life=rng.uniform(0.2, 0.7, count),
        jitter=rng.uniform(-0.5, 0.5, count),
    )
