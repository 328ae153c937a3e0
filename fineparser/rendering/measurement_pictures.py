"""Pictures of two measurements: the entry with its angle drawn in, and the splash with a scale bar."""

from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.kinematics import Kinematics
from fineparser.kinematics.observation import zoom
from fineparser.rendering.markings import draw_angle, draw_label, draw_line, upright
from fineparser.rendering.measurements import angle_words, number_text
from fineparser.rendering.palette import BLACK, ORANGE, SKY_BLUE, WHITE
from fineparser.rendering.stroboscope import frames_of
from fineparser.video.source import FrameSource

PICTURE_SIDE = 640
"""Longer side of a picture, pixels."""

MAX_ENLARGEMENT = 10.0
"""Largest factor by which a small part of a frame is enlarged."""

LINE = 3
"""Width of lines, pixels."""

ENTRY_MARGIN = 0.6
"""Margin around the body's line as a share of its length."""

SPLASH_MARGIN = 0.4
"""Margin around a splash as a share of its longer side."""

LEAST_SPLASH_METRES = 1.5
"""Width and height of the part of a frame around a splash, at least: a small splash is shown as a small one."""

BAR_LENGTHS = (2.0, 1.0, 0.5, 0.2, 0.1)
"""Lengths of a scale bar, metres."""

MAX_BAR_SHARE = 0.5
"""Length of a scale bar over the width of its picture, at most."""


@dataclass(frozen=True)
class _Detail:
    """Part of a frame, scaled."""

    image: np.ndarray
    """uint8 [h, w, 3]."""
    corner: np.ndarray
    """float64 [2]: its upper left corner in source pixels."""
    scale: float
    """Pixels of the image a source pixel."""

    @classmethod
    def around(cls, frame: np.ndarray, points: np.ndarray, margin: float) -> "_Detail":
        """The part of a frame, uint8 [H, W, 3], around points [n, 2] with a margin in pixels."""
        size = np.array(frame.shape[1::-1])
        low = np.floor(np.clip(points.min(0) - margin, 0, size - 2)).astype(int)
        high = np.ceil(np.clip(points.max(0) + margin, low + 2, size)).astype(int)
        part = frame[low[1] : high[1], low[0] : high[0]]
        scale = min(PICTURE_SIDE / max(part.shape[:2]), MAX_ENLARGEMENT)
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        return cls(cv2.resize(part, None, fx=scale, fy=scale, interpolation=interpolation), low.astype(float), scale)

    def at(self, points: np.ndarray) -> np.ndarray:
        """Source pixels [..., 2] as pixels of the image."""
        return np.asarray((points - self.corner) * self.scale)


def entry_picture(report: DiveReport, source: FrameSource | None = None) -> np.ndarray | None:
    """The frame of the touch with the body's line, the vertical and the angle between them: uint8 [h, w, 3].

    None where the line is not known.

    Args:
        report: of the dive.
        source: the frames of its clip, if they are open; None: opened for this picture.

    Raises:
        VideoError: if the clip cannot be read any more.
    """
    kinematics = report.kinematics
    entry = None if kinematics is None else kinematics.entry_picture
    if kinematics is None or entry is None or not np.isfinite(entry.body_line).all():
        return None
    with frames_of(report, source) as frames:
        return draw_entry(frames.frame(entry.frame), kinematics)


def draw_entry(frame: np.ndarray, kinematics: Kinematics) -> np.ndarray:
    """The part of a frame, uint8 [H, W, 3], around the body at the touch, with the angle of its line.

    Raises:
        ValueError: without the line of the body.
    """
    entry = kinematics.entry_picture
    if entry is None or not np.isfinite(entry.body_line).all():
        raise ValueError("the line of the body at the entry is not known: draw another picture")
    top, bottom = entry.body_line
    detail = _Detail.around(frame, entry.body_line, ENTRY_MARGIN * float(np.linalg.norm(top - bottom)))
    _draw_water(detail, entry.water_level, kinematics)
    words = angle_words(kinematics.entry_angle)
    draw_angle(detail.image, detail.at(bottom), detail.at(top), upright(kinematics), words, LINE)
    return detail.image


def splash_picture(report: DiveReport, source: FrameSource | None = None) -> np.ndarray | None:
    """The splash at its highest with its height and a scale bar: uint8 [h, w, 3]; None without a splash.

    Args:
        report: of the dive.
        source: the frames of its clip, if they are open; None: opened for this picture.

    Raises:
        VideoError: if the clip cannot be read any more.
    """
    kinematics = report.kinematics
    entry = None if kinematics is None else kinematics.entry_picture
    if kinematics is None or entry is None or entry.splash_frame is None or not np.isfinite(entry.splash_box).all():
        return None
    with frames_of(report, source) as frames:
        return draw_splash(frames.frame(entry.splash_frame), kinematics)


def draw_splash(frame: np.ndarray, kinematics: Kinematics) -> np.ndarray:
    """The part of a frame, uint8 [H, W, 3], around the splash, with its height and a scale bar.

    Without a scale there is no bar.

    Raises:
        ValueError: without a splash.
    """
    entry = kinematics.entry_picture
    if entry is None or not np.isfinite(entry.splash_box).all():
        raise ValueError("there is no splash to draw: draw another picture")
    left, top, right, bottom = entry.splash_box
    corners = entry.splash_box.reshape(2, 2)
    metre = splash_metre(kinematics)
    margin = SPLASH_MARGIN * max(right - left, bottom - top)
    if metre is not None:
        margin = max(margin, (LEAST_SPLASH_METRES * metre - (right - left)) / 2)
    detail = _Detail.around(frame, corners, margin)
    beside = detail.at(np.array([[left, top], [left, bottom]])) - [8 * LINE, 0]
    _draw_dimension(detail.image, beside)
    height = kinematics.splash_height
    if height.value is not None and height.error is not None:
        text = number_text(height.value, height.error, height.unit).replace("\u00a0", " ")
        draw_label(detail.image, text, beside.mean(0) - [4 * LINE, 0], to_left=True, line=LINE)
    if metre is not None:
        _draw_scale_bar(detail.image, metre * detail.scale)
    return detail.image


def splash_metre(kinematics: Kinematics) -> float | None:
    """Pixels of a metre in the frame of the splash; None without a scale or a splash."""
    entry, scale, series = kinematics.entry_picture, kinematics.scale.value, kinematics.series
    if entry is None or entry.splash_frame is None or scale is None:
        return None
    sizes = zoom(series.camera)
    touch, splash = (int(np.abs(series.numbers - number).argmin()) for number in (entry.frame, entry.splash_frame))
    return float(scale * sizes[touch] / sizes[splash])


def _draw_water(detail: _Detail, level: float, kinematics: Kinematics) -> None:
    """Draw the water level across the picture, square to the true vertical; nothing for NaN."""
    if np.isfinite(level):
        up = upright(kinematics)
        width = detail.image.shape[1]
        centre = np.array([width / 2, (level - detail.corner[1]) * detail.scale])
        along = np.array([-up[1], up[0]])
        draw_line(detail.image, np.stack([centre - width * along, centre + width * along]), SKY_BLUE, 1)


def _draw_dimension(image: np.ndarray, ends: np.ndarray) -> None:
    """Draw a line between two ends, float [2, 2], in place, with a tick across each of them."""
    draw_line(image, ends, ORANGE, LINE)
    along = (ends[1] - ends[0]) / max(float(np.linalg.norm(ends[1] - ends[0])), 1e-9)
    across = 4 * LINE * np.array([-along[1], along[0]])
    for end in ends:
        draw_line(image, np.stack([end - across, end + across]), ORANGE, LINE)


def _draw_scale_bar(image: np.ndarray, metre: float) -> None:
    """Draw a bar of a round length in the lower left corner in place; `metre` is its pixels."""
    height, width = image.shape[:2]
    length = next((one for one in BAR_LENGTHS if one * metre <= MAX_BAR_SHARE * width), BAR_LENGTHS[-1])
    left, top, right = 6 * LINE, height - 8 * LINE, 6 * LINE + round(length * metre)
    for colour, edge in ((BLACK, 1), (WHITE, 0)):
        corners = (left - edge, top - edge), (right - 1 + edge, top + 2 * LINE - 1 + edge)
        cv2.rectangle(image, *corners, colour.rgb, cv2.FILLED)
    draw_label(image, f"{length:g} m", np.array([right, top + LINE]), to_left=False, line=LINE)
