"""The mask drawn over the diver, and measurements on request, on the source's frames."""

import enum
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.domain.phases import Phase
from fineparser.rendering.markings import Marking, draw_markings
from fineparser.rendering.mask_track import MaskTrack
from fineparser.rendering.palette import BLACK, PHASE_COLOURS, WHITE, Colour
from fineparser.rendering.video_export import playback_rate, with_source_sound
from fineparser.video.reader import reopen
from fineparser.video.source import prefetch
from fineparser.video.writer import VideoSink

FILL_OPACITY = 0.45
"""Opacity of the phase's colour over the diver."""

DIM_BRIGHTNESS = 0.35
"""Brightness of a dimmed background."""

KEYFRAME_EVERY = 8
"""Frames between keyframes, so that players step and seek without delay."""

MIN_CAPTION_SIDE = 160
"""Shorter side of a frame, pixels, below which a caption would not be legible."""


class MaskStyle(enum.StrEnum):
    """Drawing style of a mask."""

    FILL = "fill"
    """Tint and outline."""
    OUTLINE = "outline"
    DIM = "dim"
    """Dark background, outline, the diver unchanged."""
    NONE = "none"


@dataclass(frozen=True)
class OverlayOptions:
    """Drawings on every frame of an overlay."""

    style: MaskStyle | str = MaskStyle.FILL
    """Of the mask."""
    caption: bool = True
    """Phase, frame number and time; thumbnails get none, since it would hide them."""
    markings: tuple[Marking | str, ...] = ()
    """Measurements; a report without any has none to draw."""


DEFAULT_OVERLAY = OverlayOptions()


class CaptionPosition(enum.StrEnum):
    """Corner of a caption, on the left side."""

    TOP = "top"
    BOTTOM = "bottom"


def draw_mask(
    frame: np.ndarray,
    mask: np.ndarray,
    colour: Colour,
    style: MaskStyle | str = MaskStyle.FILL,
    line: int | None = None,
) -> np.ndarray:
    """Copy of a frame with the diver marked.

    Args:
        frame: uint8 [H, W, 3] RGB.
        mask: bool [H, W].
        colour: of the phase: the tint, or the outline where there is no tint. Outlines have dark edges, so that they
            are visible on any background.
        style: one of `MaskStyle`.
        line: width of the outline, pixels; None: by the size of the frame.
    """
    style = MaskStyle(style)
    result = frame.copy()
    if style is MaskStyle.NONE:
        return result
    if style is MaskStyle.DIM:
        result = cv2.convertScaleAbs(frame, alpha=DIM_BRIGHTNESS)
    if not mask.any():
        return result
    line = line or 1 + max(frame.shape[:2]) // 700
    x0, y0, x1, y1 = _bounding_box(mask, margin=line + 4)
    inside = mask[y0:y1, x0:x1].astype(np.uint8)
    original = frame[y0:y1, x0:x1]
    canvas = np.ascontiguousarray(result[y0:y1, x0:x1])
    if style is MaskStyle.DIM:
        cv2.copyTo(original, inside, canvas)
    elif style is MaskStyle.FILL:
        tint = np.full_like(canvas, colour.rgb)
        cv2.copyTo(cv2.addWeighted(original, 1 - FILL_OPACITY, tint, FILL_OPACITY, 0), inside, canvas)
    contours, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if style is not MaskStyle.DIM:
        cv2.drawContours(canvas, contours, -1, BLACK.rgb, line + 2, cv2.LINE_AA)
    line_colour = colour if style is MaskStyle.OUTLINE else WHITE
    # A smoothed line of one pixel has no pixel of its full colour.
    cv2.drawContours(canvas, contours, -1, line_colour.rgb, line, cv2.LINE_AA if line > 1 else cv2.LINE_8)
    result[y0:y1, x0:x1] = canvas
    return result


def _bounding_box(mask: np.ndarray, margin: int) -> tuple[int, int, int, int]:
    """Box around a mask that is not empty, with a margin, inside the frame: x0, y0, x1, y1."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    height, width = mask.shape
    return (
        max(int(columns[0]) - margin, 0),
        max(int(rows[0]) - margin, 0),
        min(int(columns[-1]) + 1 + margin, width),
        min(int(rows[-1]) + 1 + margin, height),
    )


def draw_caption(
    frame: np.ndarray,
    text: str,
    colour: Colour | None = None,
    position: CaptionPosition = CaptionPosition.BOTTOM,
) -> np.ndarray:
    """Copy of a frame with a line of text on a dark plate in a left corner.

    Args:
        frame: uint8 [H, W, 3] RGB.
        text: ASCII; reduced in size where the frame is too narrow for it.
        colour: of a bar at the plate's left edge; None: no bar.
        position: corner of the plate.
    """
    result = frame.copy()
    height, width = frame.shape[:2]
    font = cv2.FONT_HERSHEY_SIMPLEX
    size = max(0.36, min(height, 1.2 * width) / 1050)
    full_width = cv2.getTextSize(text, font, size, 1)[0][0] + round(44 * size)
    size = min(size, size * (width - 4) / full_width)
    stroke = max(1, round(1.6 * size))
    (text_width, ascent), descent = cv2.getTextSize(text, font, size, stroke)
    padding, bar = round(14 * size) + 1, max(2, round(10 * size)) if colour else 0
    plate_width = min(text_width + 2 * padding + bar, width)
    plate_height = min(ascent + descent + padding, height)
    y0 = 0 if position is CaptionPosition.TOP else height - plate_height
    plate = result[y0 : y0 + plate_height, :plate_width]
    plate[:] = cv2.convertScaleAbs(plate, alpha=0.35)
    if colour:
        plate[:, :bar] = colour.rgb
    baseline = (bar + padding, y0 + plate_height - descent - padding // 2 + 1)
    cv2.putText(result, text, baseline, font, size, WHITE.rgb, stroke, cv2.LINE_AA)
    return result


def frame_caption(phase: Phase | None, number: int, seconds: float) -> str:
    """Caption of a frame.

    >>> frame_caption(Phase.FLIGHT, 42, 1.4)
    'flight   frame 42   1.40 s'
    """
    position = f"frame {number}   {seconds:.2f} s"
    return position if phase is None else f"{phase.label}   {position}"


def draw_frame(
    report: DiveReport,
    track: MaskTrack,
    number: int,
    frame: np.ndarray,
    options: OverlayOptions = DEFAULT_OVERLAY,
) -> np.ndarray:
    """Source frame `number`, uint8 [H, W, 3], with its mask, its measurements and its caption.

    Outside the analysed part it has the caption only.
    """
    analysed = report.first_frame <= number <= report.last_frame
    phase = report.phase_at(number) if analysed else None
    colour = None if phase is None else PHASE_COLOURS[phase]
    mask = None if MaskStyle(options.style) is MaskStyle.NONE else track.at(number)
    if mask is not None and colour is not None:
        frame = draw_mask(frame, mask, colour, options.style)
    if report.kinematics is not None and options.markings:
        frame = draw_markings(frame, number, report.kinematics, options.markings)
    if options.caption and min(frame.shape[:2]) >= MIN_CAPTION_SIDE:
        frame = draw_caption(frame, frame_caption(phase, number, report.info.seconds(number)), colour)
    return frame


def overlay_frames(report: DiveReport, options: OverlayOptions = DEFAULT_OVERLAY) -> Iterator[tuple[int, np.ndarray]]:
    """Number and image of every source frame at its own size, uint8 [H, W, 3], one at a time."""
    track = MaskTrack(report)
    with reopen(report.info) as source, closing(prefetch(source.stream())) as frames:
        for number, frame in frames:
            yield number, draw_frame(report, track, number, frame, options)


def write_overlay(report: DiveReport, path: str | Path, options: OverlayOptions = DEFAULT_OVERLAY) -> Path:
    """Write the source with the drawings on it, at its own size, speed and with its sound, as H.264 for browsers.

    Memory does not grow with the clip. The file is written atomically.

    Raises:
        VideoError: if the source cannot be read or the file cannot be written.
    """
    info = report.info
    rate = playback_rate(info)
    with (
        with_source_sound(path, info) as silent,
        VideoSink(silent, rate, info.width, info.height, keyframe_every=KEYFRAME_EVERY, quality=20) as sink,
    ):
        for number, frame in overlay_frames(report, options):
            sink.write(frame, info.seconds(number) if info.variable_frame_rate else None)
    return Path(path)
