"""What is written and printed at a pool: banners, sponsors' boards, scoreboards, flags, emblems."""

import cv2
import numpy as np

from fineparser.simulator.texture import plain, shaded

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
PAPER = ((250, 250, 250), (15, 15, 20), (240, 205, 40), (200, 30, 40), (20, 60, 150), (30, 130, 70), (230, 120, 30))


def word(rng):
    """An invented name."""
    made = "".join(SYLLABLES[int(i)] for i in rng.integers(len(SYLLABLES), size=int(rng.integers(1, 4))))
    style = rng.random()
    if style < 0.15:
        return str(int(rng.integers(1, 2030)))
    return made.upper() if style < 0.75 else made.capitalize()


def write(picture, text, left, baseline, cap_height, colour, font, weight=0.13):
    """Write into a picture; letters are `cap_height` pixels tall. Returns the width written."""
    scale = cap_height / 22
    thickness = max(1, round(cap_height * weight))
    (wide, _), _ = cv2.getTextSize(text, font, scale, thickness)
    cv2.putText(picture, text, (round(left), round(baseline)), font, scale, colour, thickness, cv2.LINE_AA)
    return wide


def emblem(rng, picture, centre, size, colour):
    """Draw a made-up logo about `size` pixels tall: rings, discs, chevrons, waves."""
    kind = rng.random()
    x, y = round(centre[0]), round(centre[1])
    thick = max(1, round(size * rng.uniform(0.05, 0.12)))
    if kind < 0.45:
        radius = max(1, round(size * 0.28))
        count = int(rng.integers(1, 5))
        for ring in range(count):
            at = (x + round((ring - (count - 1) / 2) * radius * 1.15), y + (ring % 2) * radius)
            cv2.circle(picture, at, radius, colour, thick, cv2.LINE_AA)
    elif kind < 0.65:
        cv2.circle(picture, (x, y), max(1, round(size / 2)), colour, -1, cv2.LINE_AA)
    elif kind < 0.85:
        corners = np.array([[x - size / 2, y + size / 2], [x, y - size / 2], [x + size / 2, y + size / 2]])
        cv2.fillConvexPoly(picture, corners.astype(np.int32), colour, cv2.LINE_AA)
    else:
        for row in range(3):
            along = np.linspace(-size, size, 12)
            wave = np.stack([x + along, y + (row - 1) * size * 0.25 + size * 0.1 * np.sin(along / size * 6)], -1)
            cv2.polylines(picture, [wave.astype(np.int32)], False, colour, thick, cv2.LINE_AA)


def banner(rng, wide, tall, ground, ink=None):
    """A board or cloth with lettering and emblems along it, uint8 [tall, wide, 3]."""
    picture = plain(wide, tall, ground)
    bright = sum(ground) > 380
    ink = ink or ((20, 25, 40) if bright else (245, 245, 245))
    if rng.random() < 0.3:
        picture = shaded(picture, rng.uniform(0.75, 1.2), rng.uniform(0.75, 1.2))
    if rng.random() < 0.3 and tall > 4:
        edge = max(1, tall // 9)
        picture[:edge] = picture[-edge:] = np.array(ink, np.uint8)
    font = FONTS[int(rng.integers(len(FONTS)))]
    size = tall * rng.uniform(0.3, 0.65)
    left = rng.uniform(-1, 2) * tall
    sparse = rng.uniform(0.5, 6)
    same = word(rng) if rng.random() < 0.5 else None
    for _ in range(60):
        if left > wide:
            break
        if rng.random() < 0.3:
            emblem(rng, picture, (left + tall / 2, tall / 2), tall * 0.6, ink)
            left += tall * 1.2
        else:
            left += write(picture, same or word(rng), left, tall / 2 + size / 2, size, ink, font)
        left += tall * sparse * rng.uniform(0.3, 1.2)
    return picture


def sponsor_boards(rng, wide, tall, theme, pitch):
    """A row of boards side by side, each with its own colours; `pitch` is a board's width in pixels."""
    picture = plain(wide, tall, theme[0])
    left = -int(rng.integers(0, max(2, int(pitch))))
    uniform = rng.random() < 0.35
    while left < wide:
        board = max(3, round(pitch * (1 if uniform else rng.uniform(0.6, 1.6))))
        ground = theme[int(rng.integers(len(theme)))] if rng.random() < 0.6 else PAPER[int(rng.integers(len(PAPER)))]
        piece = banner(rng, board, tall, ground)
        low, high = max(left, 0), min(left + board, wide)
        if high > low:
            picture[:, low:high] = piece[:, low - left : high - left]
        left += board
    return picture


def scoreboard(rng, wide, tall):
    """A lit board: rows of bright text on black, or a video picture of water and skin."""
    if rng.random() < 0.3:
        picture = plain(wide, tall, rng.uniform(40, 220, 3))
        picture[tall // 2 :] = rng.uniform(0, 255, 3).astype(np.uint8)
        skin = tuple(float(v) for v in rng.uniform([140, 90, 70], [240, 190, 160]))
        cv2.ellipse(
            picture,
            (wide // 2, tall // 2),
            (max(1, wide // 8), max(1, tall // 3)),
            float(rng.uniform(0, 180)),
            0,
            360,
            skin,
            -1,
            cv2.LINE_AA,
        )
        return picture
    picture = plain(wide, tall, rng.uniform(0, 40, 3))
    rows = int(rng.integers(3, 9))
    colour = tuple(float(v) for v in rng.uniform(120, 255, 3))
    size = tall / rows * 0.6
    for row in range(rows):
        base = (row + 0.8) * tall / rows
        write(picture, word(rng), wide * 0.04, base, size, colour, cv2.FONT_HERSHEY_SIMPLEX, 0.1)
        write(picture, f"{rng.uniform(20, 500):.2f}", wide * 0.7, base, size, colour, cv2.FONT_HERSHEY_SIMPLEX, 0.1)
    return picture


def flag(rng, wide, tall):
    """A made-up national flag."""
    colours = [PAPER[int(i)] for i in rng.integers(len(PAPER), size=4)]
    picture = plain(wide, tall, colours[0])
    kind = rng.random()
    if kind < 0.4:
        picture[:, wide // 3 : 2 * wide // 3], picture[:, 2 * wide // 3 :] = colours[1], colours[2]
    elif kind < 0.7:
        picture[tall // 3 : 2 * tall // 3], picture[2 * tall // 3 :] = colours[1], colours[2]
    elif kind < 0.85:
        for a, b in (((0, 0), (wide, tall)), ((wide, 0), (0, tall)), ((wide // 2, 0), (wide // 2, tall))):
            cv2.line(picture, a, b, colours[1], max(1, tall // 6), cv2.LINE_AA)
        cv2.line(picture, (0, tall // 2), (wide, tall // 2), colours[2], max(1, tall // 5), cv2.LINE_AA)
    else:
        cv2.circle(picture, (wide // 2, tall // 2), max(1, tall // 4), colours[1], -1, cv2.LINE_AA)
    return picture


def flag_row(rng, wide, tall, ground):
    """Flags hung side by side on a rail or wall, uint8 [tall, wide, 3]."""
    picture = plain(wide, tall, ground)
    size = max(3, round(tall * rng.uniform(0.6, 1.2)))
    gap = rng.uniform(1.05, 1.6)
    height = max(2, min(tall, round(size / 1.5)))
    top = (tall - height) // 2
    for left in np.arange(rng.uniform(-size, 0), wide, size * gap):
        cloth = flag(rng, size, height)
        low, high = max(int(left), 0), min(int(left) + size, wide)
        if high > low:
            picture[top : top + height, low:high] = cloth[:, low - int(left) : high - int(left)]
    return picture
