"""Print and writing at a pool: banners, sponsors' boards, scoreboards, flags, emblems."""

from collections.abc import Sequence

import cv2
import numpy as np

from fineparser.simulator.venue.texture import apply_brightness_ramp, solid_image
from fineparser.simulator.venue.venue import Theme

SYLLABLES = (
    *("ka", "lo", "ri", "ven", "ta", "sor", "mi", "del", "pha", "qua", "nor", "bel", "tis", "ur", "o", "ge"),
    *("ran", "xi", "lum", "fa", "dro", "win", "ster", "ply", "ax", "eon", "hy"),
)
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
PRINT_COLOURS = (
    (250, 250, 250),
    (15, 15, 20),
    (240, 205, 40),
    (200, 30, 40),
    (20, 60, 150),
    (30, 130, 70),
    (230, 120, 30),
)


def random_name(rng: np.random.Generator) -> str:
    """Sample an invented name."""
    name = "".join(SYLLABLES[int(i)] for i in rng.integers(len(SYLLABLES), size=int(rng.integers(1, 4))))
    style = rng.random()
    if style < 0.15:
        return str(int(rng.integers(1, 2030)))
    return name.upper() if style < 0.75 else name.capitalize()


def write_text(
    image: np.ndarray,
    text: str,
    left: float,
    baseline: float,
    cap_height: float,
    colour: Sequence[float],
    font: int,
    weight: float = 0.13,
) -> int:
    """Write into an image, in place; letters are `cap_height` pixels high. Returns the width of the text."""
    scale = cap_height / 22
    thickness = max(1, round(cap_height * weight))
    (width, _), _ = cv2.getTextSize(text, font, scale, thickness)
    cv2.putText(image, text, (round(left), round(baseline)), font, scale, colour, thickness, cv2.LINE_AA)
    return width


def draw_emblem(
    rng: np.random.Generator, image: np.ndarray, centre: tuple[float, float], size: float, colour: Sequence[float]
) -> None:
    """Draw an invented logo about `size` pixels high, in place: rings, discs, chevrons, waves."""
    kind = rng.random()
    x, y = round(centre[0]), round(centre[1])
    thickness = max(1, round(size * rng.uniform(0.05, 0.12)))
    if kind < 0.45:
        radius = max(1, round(size * 0.28))
        count = int(rng.integers(1, 5))
        for ring in range(count):
            at = (x + round((ring - (count - 1) / 2) * radius * 1.15), y + (ring % 2) * radius)
            cv2.circle(image, at, radius, colour, thickness, cv2.LINE_AA)
    elif kind < 0.65:
        cv2.circle(image, (x, y), max(1, round(size / 2)), colour, -1, cv2.LINE_AA)
    elif kind < 0.85:
        corners = np.array([[x - size / 2, y + size / 2], [x, y - size / 2], [x + size / 2, y + size / 2]])
        cv2.fillConvexPoly(image, corners.astype(np.int32), colour, cv2.LINE_AA)
    else:
        for row in range(3):
            along = np.linspace(-size, size, 12)
            wave = np.stack([x + along, y + (row - 1) * size * 0.25 + size * 0.1 * np.sin(along / size * 6)], -1)
            cv2.polylines(image, [wave.astype(np.int32)], False, colour, thickness, cv2.LINE_AA)


def draw_banner(
    rng: np.random.Generator, width: int, height: int, base: Sequence[float], text_colour: Sequence[float] | None = None
) -> np.ndarray:
    """Image of a board or cloth with lettering and emblems along it, uint8 [height, width, 3]."""
    image = solid_image(width, height, base)
    bright = sum(base) > 380
    text_colour = text_colour or ((20, 25, 40) if bright else (245, 245, 245))
    if rng.random() < 0.3:
        image = apply_brightness_ramp(image, rng.uniform(0.75, 1.2), rng.uniform(0.75, 1.2))
    if rng.random() < 0.3 and height > 4:
        edge = max(1, height // 9)
        image[:edge] = image[-edge:] = np.array(text_colour, np.uint8)
    font = FONTS[int(rng.integers(len(FONTS)))]
    size = height * rng.uniform(0.3, 0.65)
    left = rng.uniform(-1, 2) * height
    sparse = rng.uniform(0.5, 6)
    same = random_name(rng) if rng.random() < 0.5 else None
    for _ in range(60):
        if left > width:
            break
        if rng.random() < 0.3:
            draw_emblem(rng, image, (left + height / 2, height / 2), height * 0.6, text_colour)
            left += height * 1.2
        else:
            left += write_text(image, same or random_name(rng), left, height / 2 + size / 2, size, text_colour, font)
        left += height * sparse * rng.uniform(0.3, 1.2)
    return image


def draw_sponsor_boards(rng: np.random.Generator, width: int, height: int, theme: Theme, pitch: float) -> np.ndarray:
    """Image of a row of boards side by side, each with its own colours; `pitch` is a board's width in pixels."""
    image = solid_image(width, height, theme[0])
    left = -int(rng.integers(0, max(2, int(pitch))))
    uniform = rng.random() < 0.35
    while left < width:
        board = max(3, round(pitch * (1 if uniform else rng.uniform(0.6, 1.6))))
        base = (
            theme[int(rng.integers(len(theme)))]
            if rng.random() < 0.6
            else PRINT_COLOURS[int(rng.integers(len(PRINT_COLOURS)))]
        )
        piece = draw_banner(rng, board, height, base)
        low, high = max(left, 0), min(left + board, width)
        if high > low:
            image[:, low:high] = piece[:, low - left : high - left]
        left += board
    return image


def draw_scoreboard(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Image of a scoreboard: rows of bright text on black, or a video image of water and skin."""
    if rng.random() < 0.3:
        image = solid_image(width, height, rng.uniform(40, 220, 3))
        image[height // 2 :] = rng.uniform(0, 255, 3).astype(np.uint8)
        skin = tuple(float(v) for v in rng.uniform([140, 90, 70], [240, 190, 160]))
        cv2.ellipse(
            image,
            (width // 2, height // 2),
            (max(1, width // 8), max(1, height // 3)),
            float(rng.uniform(0, 180)),
            0,
            360,
            skin,
            -1,
            cv2.LINE_AA,
        )
        return image
    image = solid_image(width, height, rng.uniform(0, 40, 3))
    rows = int(rng.integers(3, 9))
    colour = tuple(float(v) for v in rng.uniform(120, 255, 3))
    size = height / rows * 0.6
    for row in range(rows):
        base = (row + 0.8) * height / rows
        write_text(image, random_name(rng), width * 0.04, base, size, colour, cv2.FONT_HERSHEY_SIMPLEX, 0.1)
        write_text(image, f"{rng.uniform(20, 500):.2f}", width * 0.7, base, size, colour, cv2.FONT_HERSHEY_SIMPLEX, 0.1)
    return image


def draw_flag(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Image of an invented national flag."""
    colours = [PRINT_COLOURS[int(i)] for i in rng.integers(len(PRINT_COLOURS), size=4)]
    image = solid_image(width, height, colours[0])
    kind = rng.random()
    if kind < 0.4:
        image[:, width // 3 : 2 * width // 3], image[:, 2 * width // 3 :] = colours[1], colours[2]
    elif kind < 0.7:
        image[height // 3 : 2 * height // 3], image[2 * height // 3 :] = colours[1], colours[2]
    elif kind < 0.85:
        for a, b in (((0, 0), (width, height)), ((width, 0), (0, height)), ((width // 2, 0), (width // 2, height))):
            cv2.line(image, a, b, colours[1], max(1, height // 6), cv2.LINE_AA)
        cv2.line(image, (0, height // 2), (width, height // 2), colours[2], max(1, height // 5), cv2.LINE_AA)
    else:
        cv2.circle(image, (width // 2, height // 2), max(1, height // 4), colours[1], -1, cv2.LINE_AA)
    return image


def draw_flag_row(rng: np.random.Generator, width: int, height: int, base: Sequence[float]) -> np.ndarray:
    """Image of flags side by side on a rail or wall, uint8 [height, width, 3]."""
    image = solid_image(width, height, base)
    size = max(3, round(height * rng.uniform(0.6, 1.2)))
    gap = rng.uniform(1.05, 1.6)
    flag_height = max(2, min(height, round(size / 1.5)))
    top = (height - flag_height) // 2
    for left in np.arange(rng.uniform(-size, 0), width, size * gap):
        cloth = draw_flag(rng, size, flag_height)
        low, high = max(int(left), 0), min(int(left) + size, width)
        if high > low:
            image[top : top + flag_height, low:high] = cloth[:, low - int(left) : high - int(left)]
    return image
