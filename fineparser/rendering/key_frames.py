"""The key moments of a dive as pictures, cut around the diver."""

from collections.abc import Iterator

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.rendering.mask_track import MaskTrack
from fineparser.rendering.moments import Moment, key_moments
from fineparser.rendering.overlay import MaskStyle, draw_mask
from fineparser.rendering.palette import PHASE_COLOURS
from fineparser.video.reading import reopen

LONGEST_SIDE = 480
"""Of a key picture, pixels: half a megabyte for six of them."""

JPEG_QUALITY = 82

MOST_ENLARGED = 3.0
"""Times by which a small picture is enlarged at most."""

ROOM = 1.25
"""Side of a key picture over that of the largest mask."""

SMALLEST_SHARE = 0.4
"""Side of a key picture over that of what the network saw, at least: a lone arm is no picture of a dive."""


def key_pictures(
    report: DiveReport, style: MaskStyle | str = MaskStyle.OUTLINE, longest_side: int = LONGEST_SIDE
) -> Iterator[tuple[Moment, np.ndarray]]:
    """Each key moment with its picture, uint8 [h, w, 3], all at one scale, with the diver outlined."""
    track = MaskTrack(report)
    moments = key_moments(report)
    masks = [track.at(moment.frame) for moment in moments]
    boxes = diver_boxes(report, moments, masks)
    with reopen(report.info) as source:
        for moment, mask, (x0, y0, x1, y1) in zip(moments, masks, boxes, strict=True):
            scale = min(longest_side / max(x1 - x0, y1 - y0), MOST_ENLARGED)
            size = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            picture = cv2.resize(source.frame(moment.frame)[y0:y1, x0:x1], size, interpolation=how)
            # Scaled as a grey picture, so that the outline is smooth where small pictures are enlarged.
            grey = cv2.resize(mask[y0:y1, x0:x1].astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
            yield moment, draw_mask(picture, grey >= 0.5, PHASE_COLOURS[moment.phase], style, line=2)


def diver_boxes(report: DiveReport, moments: list[Moment], masks: list[np.ndarray]) -> list[tuple[int, int, int, int]]:
    """Boxes (x0, y0, x1, y1) of one size inside the source picture, each around the diver of its moment.

    A square that takes the largest mask with some room, not larger than what the network saw; upright or lying
    where the picture is too small for a square. Without a mask the middle of what the network saw.
    """
    info = report.info
    middles, largest, seen = [], 0.0, 0.0
    for moment, mask in zip(moments, masks, strict=True):
        x0, y0, x1, y1 = report.framing.box_at(moment.index)
        seen = max(seen, x1 - x0, y1 - y0)
        if mask.any():
            columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
            x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
            largest = max(largest, x1 - x0, y1 - y0)
        middles.append(((x0 + x1) / 2, (y0 + y1) / 2))
    side = min(seen, max(ROOM * largest, SMALLEST_SHARE * seen)) if largest else seen
    width, height = (int(min(max(side, 1), most)) for most in (info.width, info.height))
    corners = [
        (int(np.clip(x - width / 2, 0, info.width - width)), int(np.clip(y - height / 2, 0, info.height - height)))
        for x, y in middles
    ]
    return [(x, y, x + width, y + height) for x, y in corners]


def as_jpeg(picture: np.ndarray, quality: int = JPEG_QUALITY) -> bytes:
    """A picture, uint8 [h, w, 3] RGB, as the bytes of a JPEG file."""
    _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()
