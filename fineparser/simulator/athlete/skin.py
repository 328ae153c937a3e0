"""Surface of the diver: colours of the body's parts, the features of the face, and shading by light and water."""

from dataclasses import dataclass

import numpy as np

from fineparser.simulator.athlete.body import Body
from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.venue.venue import Light

WET_SHARPNESS = 22  # exponent of the highlight on wet skin
WET_STRENGTH = 0.28  # share of white that the highlight adds at its centre
HIGHLIGHT_START = 185.0  # brightness from which highlights are compressed
BLEND_DEPTH = 0.025  # m, see `BodyPaint.blend_depth`
_PART_BLEND_DEPTHS = {"thigh": 0.055, "throat": 0.05, "upper_arm": 0.035, "calf": 0.05, "shank": 0.04}
_TRUNK_BLEND_DEPTH = 0.075
_TRUNK = ("belly", "chest", "shoulders", "seat", "flank", "loin", "brief")
AMBIENT_SHARE = 0.8  # share of the scene's ambient light that reaches a body
VISIBILITY = 0.85  # m of water after which the contrast of a submerged body falls to 1/e

SMALLEST_FACE = 5.0
"""Pixels of a head's radius below which no facial feature is rendered."""
# height above the chin end of the face, distance from its middle, half height, half width (all m), darkness, redness
_FACIAL_FEATURES = (
    (0.048, 0.031, 0.008, 0.014, 0.7, 0.0),  # eyes
    (0.068, 0.031, 0.005, 0.02, 0.55, 0.0),  # brows
    (-0.022, 0.0, 0.006, 0.024, 0.4, 0.5),  # mouth
)


@dataclass(frozen=True)
class BodyPaint:
    """Colours (RGB, 0-255) of the P parts of one body, and how the parts blend into each other."""

    start: np.ndarray
    """Colour at the start of each part, [P, 3]."""
    end: np.ndarray
    """Colour at its end, [P, 3]."""
    cap: np.ndarray
    """Colour around the joint at its start, [P, 3], such as that of a suit that covers the hip."""
    cap_reach: np.ndarray
    """Share of the part that the cap covers, [P]; negative for none."""
    blend_depth: np.ndarray
    """Metres of depth over which the part blends into its neighbours, [P]: larger for the parts of the trunk."""

    @classmethod
    def sample(cls, rng: np.random.Generator, body: Body) -> "BodyPaint":
        """Sample the colours of a body.

        Skin is not one colour: hands, feet and face are redder, a trunk may be paler than the limbs. Suits fade
        from one colour into another, or have it on some parts, and end higher or lower over the hips.
        """
        skin = np.asarray(body.colours["skin"], dtype=float)
        suit = np.asarray(body.colours["suit"], dtype=float)
        second = rng.uniform(10, 235, 3) if rng.random() < 0.35 else suit
        flush = np.array([1.03, 0.95, 0.93]) ** rng.uniform(0.3, 1.6)
        tan = rng.uniform(0.9, 1.0)
        leg_cut = float(rng.uniform(0.0, 0.1))
        belly_end = int(rng.integers(2))
        suited_trunk = any(part.name == "belly" and part.material == "suit" for part in body.parts)
        ends = np.array([[body.colours[part.material]] * 2 for part in body.parts], dtype=float)
        cap, cap_reach = ends[:, 0].copy(), np.full(len(body.parts), -1.0)
        blend_depth = np.full(len(body.parts), BLEND_DEPTH)
        for index, part in enumerate(body.parts):
            name = part.name
            if name.startswith(_TRUNK):
                blend_depth[index] = _TRUNK_BLEND_DEPTH
            else:
                limb = name.removesuffix("_l").removesuffix("_r")
                blend_depth[index] = _PART_BLEND_DEPTHS.get(limb, BLEND_DEPTH)
            if part.material == "skin":
                ends[index] *= rng.normal(1, 0.015, (2, 1))
                if name.startswith(("hand", "foot", "face")):
                    ends[index] *= flush
                elif name.startswith(("shank", "calf", "forearm")):
                    ends[index, 1] *= flush
                elif name.startswith(_TRUNK):
                    ends[index] = skin / tan
                if name.startswith("thigh") and suited_trunk:
                    cap[index], cap_reach[index] = suit, leg_cut
            elif part.material == "suit" and name.startswith(("flank", "loin", "brief", "belly")):
                ends[index, belly_end if name == "belly" else 1] = second
        ends = np.clip(ends, 0, 255)
        return cls(start=ends[:, 0], end=ends[:, 1], cap=cap, cap_reach=cap_reach, blend_depth=blend_depth)


def shade(
    points: np.ndarray,
    *,
    column: np.ndarray,
    row: np.ndarray,
    instant: np.ndarray,
    views: CameraViews,
    scale: np.ndarray,
    light: Light,
    water_colour: tuple[float, float, float],
) -> np.ndarray:
    """Shade n surface points and dim those under water.

    Args:
        points: [n, 7] coverage, depth in pixels relative to the pelvis, normal x and y, RGB.
        column, row: [n] pixel coordinates.
        instant: [n] instant of each point, into `views` and `scale` (pixels per metre at the pelvis, [V]).
        light: the scene's light.
        water_colour: RGB 0-255.

    Returns:
        [n, 6] float32: premultiplied RGB, coverage, coverage times depth, coverage under water.
    """
    cover, depth = points[:, 0], points[:, 1]
    normal_x, normal_y = points[:, 2], points[:, 3]
    normal_z = -np.sqrt(np.maximum(1 - normal_x * normal_x - normal_y * normal_y, 0))
    direction = np.asarray(light.direction, dtype=float)
    towards_light = (views.rotation @ direction).astype(np.float32)
    halfway = towards_light - np.array([0, 0, 1], np.float32)
    halfway /= np.maximum(np.linalg.norm(halfway, axis=1, keepdims=True), 1e-3)
    up = views.rotation[:, :, 2].astype(np.float32)
    axes = np.concatenate([towards_light, halfway, up], 1)[instant]
    lambert = normal_x * axes[:, 0] + normal_y * axes[:, 1] + normal_z * axes[:, 2]
    highlight = np.maximum(normal_x * axes[:, 3] + normal_y * axes[:, 4] + normal_z * axes[:, 5], 0)
    upwards = normal_x * axes[:, 6] + normal_y * axes[:, 7] + normal_z * axes[:, 8]
    # Bodies shade themselves more than flat surfaces of the background do.
    ambient = AMBIENT_SHARE * light.ambient
    direct = (1 - ambient) * 1.7 * np.clip(0.9 * lambert + 0.1, 0, 1)
    ambient_light = ambient * (0.95 + 0.4 * upwards)
    grazing = 0.8 - 0.2 * normal_z
    tone = (direct[:, None] * np.asarray(light.colour, np.float32) + ambient_light[:, None]) * grazing[:, None]
    # Light that has passed through skin is red: shadows keep more of it.
    tone **= np.array([0.92, 1.04, 1.1], np.float32)
    lit = points[:, 4:7] * tone + (255 * WET_STRENGTH) * (direct * highlight**WET_SHARPNESS)[:, None]
    lit *= light.exposure
    # Sensors compress highlights before they clip.
    over = lit > HIGHLIGHT_START
    lit[over] = HIGHLIGHT_START + (255 - HIGHLIGHT_START) * (
        1 - np.exp((HIGHLIGHT_START - lit[over]) / (2 * (255 - HIGHLIGHT_START)))
    )

    anchor = (views.focal / scale)[instant]
    distance = anchor + depth / scale[instant]
    offset_x = (column - views.principal_point[0]) / views.focal[instant]
    offset_y = (row - views.principal_point[1]) / views.focal[instant]
    rise = axes[:, 6] * offset_x + axes[:, 7] * offset_y + axes[:, 8]
    submersion = np.maximum(-(views.position[2] + distance * rise), 0)
    result = np.empty((len(points), 6), dtype=np.float32)
    if (submersion > 0).any():
        steepness = np.clip(-1.8 * rise, 0.2, 1)
        visible = np.where(submersion > 0, np.exp(-submersion / (VISIBILITY * steepness)) * (0.45 + 0.4 * steepness), 1)
        murkiness = (1 - np.exp(-submersion / 0.7))[:, None] * 0.9
        lit += murkiness * (np.asarray(water_colour, np.float32) * 0.8 - lit)
        cover = cover * visible
    result[:, :3] = np.clip(lit, 0, 255) * cover[:, None]
    result[:, 3] = cover
    result[:, 4] = cover * depth
    result[:, 5] = cover * (submersion > 0)
    return result


def draw_face(colours: np.ndarray, up: np.ndarray, side: np.ndarray, front: np.ndarray) -> None:
    """Darken eyes, brows and mouth on a face.

    Args:
        colours: [n, 3] RGB of points of the face, changed in place.
        up: [n] metres above the start of the face along its axis.
        side: [n] metres to its left.
        front: [n] how far the surface faces forward, -1 to 1.
    """
    visible = np.clip(3 * front, 0, 1)
    for height, apart, tall, wide, dark, red in _FACIAL_FEATURES:
        offset = (np.abs(side) - apart) / wide if apart else side / wide
        strength = dark * visible * np.exp(-(((up - height) / tall) ** 2) - offset**2)
        tint = np.array([1 - red, 1.0, 1.0])
        colours *= 1 - strength[:, None] * tint
