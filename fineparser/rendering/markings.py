"""Measurements drawn on a frame: skeleton, path of the centre of mass, angle of the body, true vertical."""

import enum
from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.domain.clip_geometry import ANKLES, HEAD, KNEES, NECK, PELVIS, TOES, WRISTS
from fineparser.kinematics import Kinematics, MotionSeries
from fineparser.rendering.measurements import angle_words, distinct_samples
from fineparser.rendering.palette import BLACK, ORANGE, SKY_BLUE, VERMILION, WHITE, Colour

BONES = (
    (HEAD, NECK),
    (NECK, WRISTS),
    (NECK, PELVIS),
    (PELVIS, KNEES),
    (KNEES, ANKLES),
    (ANKLES, TOES),
)
"""Pairs of keypoints that a skeleton joins."""

SUBPIXEL_BITS = 4
"""Fractional bits of OpenCV's coordinates: lines of slow movements do not jump from pixel to pixel."""

ARC_SHARE = 0.6
"""Radius of the arc of an angle over the length of its lines."""

DASH = 8.0
"""Length of a dash, and of the gap after it, in widths of the line."""


class Marking(enum.StrEnum):
    """Measurement that can be drawn on a frame."""

    SKELETON = "skeleton"
    PATH = "path"
    """Of the centre of mass, from the take-off to this frame."""
    ANGLE = "angle"
    """Between the trunk and the vertical; at the touch that of the body."""
    VERTICAL = "vertical"
    """True vertical through the centre of mass."""


@dataclass(frozen=True)
class FrameMotion:
    """Part of a `MotionSeries` at one source frame; NaN where unknown."""

    keypoints: np.ndarray
    """float64 [7, 2], source pixels of this frame."""
    trunk_angle: float
    """Degrees clockwise from upright in the picture."""
    path: np.ndarray
    """float64 [n, 2]: the centre of mass from the take-off to this frame, in pixels of this frame."""

    @classmethod
    def from_series(cls, series: MotionSeries, number: int) -> "FrameMotion | None":
        """Motion at a source frame, interpolated between the sampled ones; None outside of them."""
        if not series.numbers[0] <= number <= series.numbers[-1]:
            return None
        distinct = np.flatnonzero(distinct_samples(series))
        numbers = series.numbers[distinct]

        def at(values: np.ndarray) -> np.ndarray:
            flat = values[distinct].reshape(len(distinct), -1)
            columns = [np.interp(number, numbers, column) for column in flat.T]
            return np.array(columns).reshape(values.shape[1:])

        radians = np.radians(series.trunk_angle)
        cosine, sine = at(np.stack([np.cos(radians), np.sin(radians)], axis=-1))
        before = distinct[(numbers < number) & (series.seconds[distinct] >= 0)]
        centre = at(series.centre_of_mass)
        to_first = at(series.camera)
        points = _mapped(series.centre_of_mass[before], np.linalg.inv(to_first) @ series.camera[before])
        if float(np.interp(number, numbers, series.seconds[distinct])) >= 0:
            points = np.concatenate([points, centre[None]])
        return cls(at(series.keypoints), float(np.degrees(np.arctan2(sine, cosine))), points)


def _mapped(points: np.ndarray, motions: np.ndarray) -> np.ndarray:
    """Points [n, 2], each mapped by its own matrix [n, 3, 3]."""
    mapped = np.einsum("nij,nj->ni", motions, np.column_stack([points, np.ones(len(points))]))
    return np.asarray(mapped[:, :2] / mapped[:, 2:])


def draw_markings(
    frame: np.ndarray, number: int, kinematics: Kinematics, markings: Collection[Marking | str]
) -> np.ndarray:
    """Copy of a source frame with measurements drawn on it.

    Args:
        frame: uint8 [H, W, 3] RGB, at the source's size.
        number: source frame number.
        kinematics: of the dive.
        markings: the measurements to draw.
    """
    result, wanted = frame.copy(), {Marking(marking) for marking in markings}
    motion = FrameMotion.from_series(kinematics.series, number)
    if motion is None or not wanted:
        return result
    line = line_width(frame)
    up = upright(kinematics)
    if Marking.VERTICAL in wanted and len(motion.path):
        reach = float(np.hypot(*frame.shape[:2])) * up
        draw_line(result, np.stack([motion.path[-1] - reach, motion.path[-1] + reach]), SKY_BLUE, line + 1, dashed=True)
    if Marking.PATH in wanted:
        draw_line(result, motion.path, VERMILION, line + 1)
    if Marking.SKELETON in wanted:
        for bone in BONES:
            draw_line(result, motion.keypoints[list(bone)], WHITE, line)
        for point in motion.keypoints:
            draw_dot(result, point, ORANGE, 2 * line)
    if Marking.ANGLE in wanted:
        _draw_angle(result, number, kinematics, motion)
    return result


def _draw_angle(image: np.ndarray, number: int, kinematics: Kinematics, motion: FrameMotion) -> None:
    entry, words = kinematics.entry_picture, angle_words(kinematics.entry_angle)
    if entry is not None and number == entry.frame and words and np.isfinite(entry.body_line).all():
        top, bottom = entry.body_line
        draw_angle(image, bottom, top, upright(kinematics), words, line_width(image))
        return
    pelvis, neck = motion.keypoints[PELVIS], motion.keypoints[NECK]
    radians = np.radians(motion.trunk_angle)
    trunk = np.array([np.sin(radians), -np.cos(radians)])
    side = 1.0 if trunk @ upright(kinematics) >= 0 else -1.0
    vertical = side * upright(kinematics)
    if np.isfinite([*pelvis, *neck, *trunk]).all():
        degrees = np.degrees(np.arccos(np.clip(trunk @ vertical, -1, 1)))
        end = pelvis + 1.4 * float(np.linalg.norm(neck - pelvis)) * trunk
        draw_angle(image, pelvis, end, vertical, f"{degrees:.0f}\u00b0", line_width(image))


def upright(kinematics: Kinematics) -> np.ndarray:
    """Unit vector of the true vertical in the picture, upwards; that of the picture where it is not measurable."""
    radians = np.radians(kinematics.vertical.value or 0.0)
    return np.array([np.sin(radians), -np.cos(radians)])


def line_width(image: np.ndarray) -> int:
    """Width of lines that are legible on an image, pixels."""
    return 1 + max(image.shape[:2]) // 700


def draw_angle(
    image: np.ndarray, vertex: np.ndarray, end: np.ndarray, vertical: np.ndarray, text: str, line: int
) -> None:
    """Draw the angle between a line from `vertex` to `end` and a direction in place, with a text beside it.

    Args:
        image: uint8 [H, W, 3].
        vertex, end: float [2], pixels.
        vertical: unit vector [2].
        text: see `draw_label`.
        line: width of the lines, pixels.
    """
    length = float(np.linalg.norm(end - vertex))
    if length < 1:
        return
    direction = (end - vertex) / length
    draw_line(image, np.stack([vertex, vertex + 1.05 * length * vertical]), SKY_BLUE, line + 1, dashed=True)
    draw_line(image, np.stack([vertex, end]), ORANGE, line + 1)
    turn = np.arctan2(vertical[0] * direction[1] - vertical[1] * direction[0], vertical @ direction)
    turns = np.linspace(0, turn, 24)
    cosine, sine = np.cos(turns), np.sin(turns)
    arc = np.stack([cosine * vertical[0] - sine * vertical[1], sine * vertical[0] + cosine * vertical[1]], axis=-1)
    draw_line(image, vertex + ARC_SHARE * length * arc, ORANGE, line)
    # Beside the arc, on the side of the body's line.
    beside = vertex + ARC_SHARE * length * direction
    draw_label(image, text, beside, to_left=bool(direction[0] < vertical[0]), line=line)


def draw_line(image: np.ndarray, points: np.ndarray, colour: Colour, width: int, *, dashed: bool = False) -> None:
    """Draw lines through points, float [n, 2], in place, with dark edges; points that are NaN interrupt them."""
    known = np.isfinite(points).all(axis=1)
    segments = [points[index : index + 2] for index in range(len(points) - 1) if known[index] and known[index + 1]]
    if dashed:
        segments = [dash for segment in segments for dash in _dashes(segment, DASH * width)]
    lines = [_fixed_point(segment) for segment in segments]
    for stroke, thickness in ((BLACK, width + 2), (colour, width)):
        cv2.polylines(image, lines, False, stroke.rgb, thickness, cv2.LINE_AA, SUBPIXEL_BITS)


def _dashes(segment: np.ndarray, length: float) -> list[np.ndarray]:
    """Every second piece of a line, float [2, 2], that is cut into pieces of a length."""
    start, end = segment
    distance = float(np.linalg.norm(end - start))
    places = np.append(np.arange(0, distance, length), distance) / max(distance, 1e-9)
    ends = start + places[:, None] * (end - start)
    return [ends[index : index + 2] for index in range(0, len(ends) - 1, 2)]


def draw_dot(image: np.ndarray, centre: np.ndarray, colour: Colour, radius: int) -> None:
    """Draw a dot with a dark edge in place; nothing at NaN."""
    if np.isfinite(centre).all():
        x, y = _fixed_point(centre).tolist()
        for fill, size in ((BLACK, radius + 1), (colour, radius)):
            cv2.circle(image, (x, y), size << SUBPIXEL_BITS, fill.rgb, -1, cv2.LINE_AA, SUBPIXEL_BITS)


def _fixed_point(points: np.ndarray) -> np.ndarray:
    """Coordinates as OpenCV takes them, in which pixel centres are whole numbers."""
    limit = 1 << (30 - SUBPIXEL_BITS)
    return np.rint(np.clip(points - 0.5, -limit, limit) * (1 << SUBPIXEL_BITS)).astype(np.int32)


def draw_label(image: np.ndarray, text: str, place: np.ndarray, *, to_left: bool, line: int) -> None:
    """Draw a text in place beside a point, inside the image, white with dark edges.

    Args:
        image: uint8 [H, W, 3].
        text: ASCII and the degree sign, for which OpenCV has no letter.
        place: float [2], pixels: the middle of the text's nearer end.
        to_left: the text ends at the place rather than starts there.
        line: width of the strokes, pixels.
    """
    font, size = cv2.FONT_HERSHEY_SIMPLEX, 0.35 + 0.2 * line
    parts = text.split("\u00b0")
    widths = [cv2.getTextSize(part, font, size, line)[0][0] for part in parts]
    (_, ascent), _ = cv2.getTextSize("0", font, size, line)
    ring, gap = max(2, round(0.25 * ascent)), 4 * line
    total = sum(widths) + (len(parts) - 1) * (3 * ring + line)
    x = place[0] - gap - total if to_left else place[0] + gap
    x = int(np.clip(x, 2, max(2, image.shape[1] - total - 2)))
    y = int(np.clip(place[1] + ascent / 2, ascent + 2, image.shape[0] - 4))
    for colour, stroke in ((BLACK, line + 3), (WHITE, line)):
        left = x
        for index, (part, width) in enumerate(zip(parts, widths, strict=True)):
            cv2.putText(image, part, (left, y), font, size, colour.rgb, stroke, cv2.LINE_AA)
            left += width
            if index < len(parts) - 1:
                cv2.circle(image, (left + ring + line, y - ascent + ring), ring, colour.rgb, stroke, cv2.LINE_AA)
                left += 3 * ring + line
