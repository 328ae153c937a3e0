"""The surface of a diver: what colour a point of the body has, and how the light and the water change it."""

from dataclasses import dataclass

import numpy as np

WET_SHARPNESS = 22  # exponent of the highlight on wet skin
WET_STRENGTH = 0.28  # share of white that the highlight adds at its centre
KNEE = 185.0  # brightness from which highlights are compressed
MELT = 0.025
_MELTS = {"thigh": 0.055, "throat": 0.05, "upper_arm": 0.035, "calf": 0.05, "shank": 0.04}
_TRUNK_MELT = 0.075
_TRUNK = ("belly", "chest", "shoulders", "seat", "flank", "loin", "brief")
SURROUND = 0.8  # share of the scene's light from everywhere that reaches a body
SIGHT = 0.85  # m of water after which a submerged body is seen at 1/e


@dataclass(frozen=True)
class Paint:
    """How the P parts of one body are coloured (RGB, 0-255) and melt into each other."""

    start: np.ndarray
    """Colour at the start of each part, [P, 3]."""
    end: np.ndarray
    """Colour at its end, [P, 3]."""
    cap: np.ndarray
    """Colour around the joint at its start, [P, 3]: a suit that reaches over the hip."""
    reach: np.ndarray
    """Share of the part up to which the cap goes, [P]; negative for none."""
    melt: np.ndarray
    """Metres of depth over which the part melts into its neighbours, [P]: a trunk is one piece, arms are not."""

    @classmethod
    def sample(cls, rng, body):
        """Paint a body.

        Skin is not one colour: hands, feet and face are redder, a trunk may be paler than the limbs. Suits fade
        from one colour into another, or bear it on some parts, and are cut higher or lower over the hips.
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
        cap, reach = ends[:, 0].copy(), np.full(len(body.parts), -1.0)
        melt = np.full(len(body.parts), MELT)
        for index, part in enumerate(body.parts):
            name = part.name
            melt[index] = (
                _TRUNK_MELT if name.startswith(_TRUNK) else _MELTS.get(name.removesuffix("_l").removesuffix("_r"), MELT)
            )
            if part.material == "skin":
                ends[index] *= rng.normal(1, 0.015, (2, 1))
                if name.startswith(("hand", "foot", "face")):
                    ends[index] *= flush
                elif name.startswith(("shank", "calf", "forearm")):
                    ends[index, 1] *= flush
                elif name.startswith(_TRUNK):
                    ends[index] = skin / tan
                if name.startswith("thigh") and suited_trunk:
                    cap[index], reach[index] = suit, leg_cut
            elif part.material == "suit" and name.startswith(("flank", "loin", "brief", "belly")):
                ends[index, belly_end if name == "belly" else 1] = second
        ends = np.clip(ends, 0, 255)
        return cls(start=ends[:, 0], end=ends[:, 1], cap=cap, reach=reach, melt=melt)


def shade(points, *, column, row, instant, views, scale, light, water_colour):
    """Light n surface points and dim those under water.

    Args:
        points: [n, 7] coverage, depth in pixels relative to the pelvis, normal x and y, RGB.
        column, row: [n] pixel coordinates.
        instant: [n] instant of each point, into `views` and `scale` (pixels per metre at the pelvis, [V]).
        light: the scene's light.
        water_colour: RGB 0-255.

    Returns:
        [n, 6] float32: premultiplied RGB, coverage, coverage times depth, coverage of what is under water.
    """
    cover, depth = points[:, 0], points[:, 1]
    normal_x, normal_y = points[:, 2], points[:, 3]
    normal_z = -np.sqrt(np.maximum(1 - normal_x * normal_x - normal_y * normal_y, 0))
    direction = np.asarray(light.direction, dtype=float)
    to_light = (views.rotation @ direction).astype(np.float32)
    halfway = to_light - np.array([0, 0, 1], np.float32)
    halfway /= np.maximum(np.linalg.norm(halfway, axis=1, keepdims=True), 1e-3)
    up = views.rotation[:, :, 2].astype(np.float32)
    here = np.concatenate([to_light, halfway, up], 1)[instant]
    lambert = normal_x * here[:, 0] + normal_y * here[:, 1] + normal_z * here[:, 2]
    gleam = np.maximum(normal_x * here[:, 3] + normal_y * here[:, 4] + normal_z * here[:, 5], 0)
    sky = normal_x * here[:, 6] + normal_y * here[:, 7] + normal_z * here[:, 8]
    # Bodies shade themselves more than the flat faces of the scenery do.
    ambient = SURROUND * light.ambient
    direct = (1 - ambient) * 1.7 * np.clip(0.9 * lambert + 0.1, 0, 1)
    around = ambient * (0.95 + 0.4 * sky)
    grazing = 0.8 - 0.2 * normal_z
    tone = (direct[:, None] * np.asarray(light.colour, np.float32) + around[:, None]) * grazing[:, None]
    # Light that has passed through skin is red: shadows keep more of it.
    tone **= np.array([0.92, 1.04, 1.1], np.float32)
    lit = points[:, 4:7] * tone + (255 * WET_STRENGTH) * (direct * gleam**WET_SHARPNESS)[:, None]
    lit *= light.exposure
    # Film and sensors bend over before they clip.
    over = lit > KNEE
    lit[over] = KNEE + (255 - KNEE) * (1 - np.exp((KNEE - lit[over]) / (2 * (255 - KNEE))))

    anchor = (views.focal / scale)[instant]
    distance = anchor + depth / scale[instant]
    offset_x = (column - views.principal_point[0]) / views.focal[instant]
    offset_y = (row - views.principal_point[1]) / views.focal[instant]
    steep = here[:, 6] * offset_x + here[:, 7] * offset_y + here[:, 8]
    sunk = np.maximum(-(views.position[2] + distance * steep), 0)
    result = np.empty((len(points), 6), dtype=np.float32)
    if (sunk > 0).any():
        steepness = np.clip(-1.8 * steep, 0.2, 1)
        visible = np.where(sunk > 0, np.exp(-sunk / (SIGHT * steepness)) * (0.45 + 0.4 * steepness), 1)
        murky = (1 - np.exp(-sunk / 0.7))[:, None] * 0.9
        lit += murky * (np.asarray(water_colour, np.float32) * 0.8 - lit)
        cover = cover * visible
    result[:, :3] = np.clip(lit, 0, 255) * cover[:, None]
    result[:, 3] = cover
    result[:, 4] = cover * depth
    result[:, 5] = cover * (sunk > 0)
    return result
