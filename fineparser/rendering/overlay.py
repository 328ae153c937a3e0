"""The mask over the diver, drawn onto the source's own frames."""

import enum
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.domain.phases import Phase
from fineparser.rendering.mask_track import MaskTrack
from fineparser.rendering.moments import phase_of
from fineparser.rendering.palette import BLACK, PHASE_COLOURS, WHITE, Colour
from fineparser.rendering.playback import playback_rate
from fineparser.rendering.sound import finished_with_sound
from fineparser.video.read_ahead import read_ahead
from fineparser.video.reading import reopen
from fineparser.video.writing import VideoSink

FILL = 0.45
"""Share of the phase's colour in the pixels of the diver."""

DIMMED = 0.35
"""Share of the light that the background keeps."""

KEYFRAME_EVERY = 8
"""Frames between keyframes, so that players step and seek at once."""


SMALLEST_WITH_CAPTION = 160
"""Pixels of the shorter side below which a picture has no room for a caption that can be read."""


class MaskStyle(enum.StrEnum):
    """How a mask is drawn."""

    FILL = "fill"
    """Tinted and outlined."""
    OUTLINE = "outline"
    DIM = "dim"
    """The background darkened, the diver as filmed."""
    NONE = "none"


def draw_mask(
    frame: np.ndarray,
    mask: np.ndarray,
    colour: Colour,
    style: MaskStyle | str = MaskStyle.FILL,
    line: int | None = None,
) -> np.ndarray:
    """A frame with the diver marked.

    Args:
        frame: uint8 [H, W, 3] RGB; stays as it is.
        mask: bool [H, W].
        colour: of the phase: the tint, or the outline where there is no tint. Outlines have dark edges, so that they
            show on any background.
        style: one of `MaskStyle`.
        line: width of the outline, pixels; None: what suits a picture of this size.
    """
    style = MaskStyle(style)
    drawn = frame.copy()
    if style is MaskStyle.NONE:
        return drawn
    if style is MaskStyle.DIM:
        drawn = cv2.convertScaleAbs(frame, alpha=DIMMED)
    if not mask.any():
        return drawn
    line = line or 1 + max(frame.shape[:2]) // 700
    x0, y0, x1, y1 = _surroundings(mask, margin=line + 4)
    inside, part = mask[y0:y1, x0:x1].astype(np.uint8), drawn[y0:y1, x0:x1]
    original = frame[y0:y1, x0:x1]
    canvas = np.ascontiguousarray(part)
    if style is MaskStyle.DIM:
        cv2.copyTo(original, inside, canvas)
    elif style is MaskStyle.FILL:
        tint = np.full_like(canvas, colour.rgb)
        cv2.copyTo(cv2.addWeighted(original, 1 - FILL, tint, FILL, 0), inside, canvas)
    contours, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    if style is not MaskStyle.DIM:
        cv2.drawContours(canvas, contours, -1, BLACK.rgb, line + 2, cv2.LINE_AA)
    drawn_in = colour if style is MaskStyle.OUTLINE else WHITE
    # A smoothed line of one pixel has no pixel of its full colour.
    cv2.drawContours(canvas, contours, -1, drawn_in.rgb, line, cv2.LINE_AA if line > 1 else cv2.LINE_8)
    part[:] = canvas
    return drawn


def _surroundings(mask: np.ndarray, margin: int) -> tuple[int, int, int, int]:
    """The box around a mask that is not empty, with a margin, inside the picture: x0, y0, x1, y1."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    height, width = mask.shape
    return (
        max(int(columns[0]) - margin, 0),
        max(int(rows[0]) - margin, 0),
        min(int(columns[-1]) + 1 + margin, width),
        min(int(rows[-1]) + 1 + margin, height),
    )


def draw_caption(frame: np.ndarray, text: str, colour: Colour | None = None, top: bool = False) -> np.ndarray:
    """A frame with a line of text on a darkened plate in its lower (or upper) left corner.

    Args:
        frame: uint8 [H, W, 3] RGB; stays as it is.
        text: ASCII; made smaller where the picture is too narrow for it.
        colour: of a bar at the plate's left edge, None for no bar.
        top: whether the plate lies at the top.
    """
    drawn = frame.copy()
    height, width = frame.shape[:2]
    font = cv2.FONT_HERSHEY_SIMPLEX
    size = max(0.36, min(height, 1.2 * width) / 1050)
    longest = cv2.getTextSize(text, font, size, 1)[0][0] + round(44 * size)
    size = min(size, size * (width - 4) / longest)
    stroke = max(1, round(1.6 * size))
    (across, up), below = cv2.getTextSize(text, font, size, stroke)
    pad, bar = round(14 * size) + 1, max(2, round(10 * size)) if colour else 0
    plate_width, plate_height = min(across + 2 * pad + bar, width), min(up + below + pad, height)
    y0 = 0 if top else height - plate_height
    plate = drawn[y0 : y0 + plate_height, :plate_width]
    plate[:] = cv2.convertScaleAbs(plate, alpha=0.35)
    if colour:
        plate[:, :bar] = colour.rgb
    line = (bar + pad, y0 + plate_height - below - pad // 2 + 1)
    cv2.putText(drawn, text, line, font, size, WHITE.rgb, stroke, cv2.LINE_AA)
    return drawn


def frame_caption(phase: Phase | None, number: int, seconds: float) -> str:
    """The line that is burnt into a frame.

    >>> frame_caption(Phase.FLIGHT, 42, 1.4)
    'flight   frame 42   1.40 s'
    """
    when = f"frame {number}   {seconds:.2f} s"
    return when if phase is None else f"{phase.label}   {when}"


def draw_frame(
    report: DiveReport,
    track: MaskTrack,
    number: int,
    frame: np.ndarray,
    style: MaskStyle | str = MaskStyle.FILL,
    caption: bool = True,
) -> np.ndarray:
    """Source frame `number`, uint8 [H, W, 3], with its mask and caption; outside the analysed part the caption only.

    Thumbnails get no caption: it would hide them.
    """
    mask = None if MaskStyle(style) is MaskStyle.NONE else track.at(number)
    analysed = report.first_frame <= number <= report.last_frame
    phase = phase_of(report, number) if analysed else None
    colour = None if phase is None else PHASE_COLOURS[phase]
    if mask is not None:
        frame = draw_mask(frame, mask, colour, style)
    if caption and min(frame.shape[:2]) >= SMALLEST_WITH_CAPTION:
        frame = draw_caption(frame, frame_caption(phase, number, report.info.seconds(number)), colour)
    return frame


def overlay_frames(
    report: DiveReport, style: MaskStyle | str = MaskStyle.FILL, caption: bool = True
) -> Iterator[tuple[int, np.ndarray]]:
    """Number and picture of every source frame at its own size, uint8 [H, W, 3], drawn one at a time."""
    track = MaskTrack(report)
    with reopen(report.info) as source, closing(read_ahead(source.stream())) as frames:
        for number, frame in frames:
            yield number, draw_frame(report, track, number, frame, style, caption)


def write_overlay(
    report: DiveReport, path: str | Path, style: MaskStyle | str = MaskStyle.FILL, caption: bool = True
) -> Path:
    """The source at its own size, speed and with its sound, the mask over the diver: H.264 that browsers play.

    Memory does not grow with the clip. The file is whole or not there. VideoError where source or target fail.
    """
    info = report.info
    rate = playback_rate(info)
    with (
        finished_with_sound(path, info) as silent,
        VideoSink(silent, rate, info.width, info.height, keyframe_every=KEYFRAME_EVERY, quality=20) as sink,
    ):
        for number, frame in overlay_frames(report, style, caption):
            sink.write(frame, info.seconds(number) if info.variable_frame_rate else None)
    return Path(path)
