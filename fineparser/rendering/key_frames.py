"""Key frames of a dive, found from transitions and masks, and their images around the diver."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.domain.phases import Phase
from fineparser.rendering.judgement_text import fault_frame, fault_phrase, listed_faults
from fineparser.rendering.mask_track import THRESHOLD, MaskTrack
from fineparser.rendering.overlay import MaskStyle, draw_mask
from fineparser.rendering.palette import PHASE_COLOURS
from fineparser.video.reader import reopen

MIN_OPENING_RATIO = 1.5
"""Least factor by which a body that opens from pike or tuck grows longer in proportion to its width."""

DEFAULT_OPENING = 0.8
"""Share of the flight after which a diver opens, if the masks do not show it."""

LONGEST_SIDE = 480
"""Longer side of a key frame's image, pixels: six of them are half a megabyte."""

JPEG_QUALITY = 82

MAX_ENLARGEMENT = 3.0
"""Largest factor by which a small image is enlarged."""

MASK_MARGIN = 1.25
"""Side of an image over that of the largest mask."""

MIN_CROP_SHARE = 0.4
"""Least side of an image over that of the network's crop: a lone arm is no image of a dive."""


@dataclass(frozen=True)
class KeyFrame:
    """A frame that a coach looks at first."""

    name: str
    index: int
    """Among the 96 sampled frames."""
    frame: int
    """Source frame number."""
    seconds: float
    """From the source's first frame."""
    phase: Phase
    note: str = ""
    """Rule by which it was found, if that is not obvious."""


def find_key_frames(report: DiveReport) -> list[KeyFrame]:
    """Stance, take-off, mid-flight, opening, entry and splash, in the order in which they happen.

    Those of phases that the clip does not show are left out.

    The stance is the first analysed frame, take-off and entry are the two transitions, mid-flight lies half-way. At the
    opening the mask becomes longer and narrower. The splash is the largest mask after the entry. Key frames that fall
    on the same source frame are named together.
    """
    flight, entry, last = report.flight.index, report.entry.index, len(report.frame_numbers) - 1
    opening, opening_note = opening_index(report)
    samples = [
        (Phase.TAKE_OFF, "stance", 0, ""),
        (Phase.TAKE_OFF, "take-off", flight, ""),
        (Phase.FLIGHT, "mid-flight", (flight + entry) // 2, ""),
        (Phase.FLIGHT, "opening", opening, opening_note),
        (Phase.ENTRY, "entry", entry, ""),
        (Phase.ENTRY, "splash", splash_index(report), "largest mask after the entry"),
    ]
    key_frames: list[KeyFrame] = []
    for phase, name, index, note in samples:
        if phase not in report.visible_phases:
            continue
        index = min(index, last)
        frame = int(report.frame_numbers[index])
        if key_frames and key_frames[-1].frame == frame:
            earlier = key_frames.pop()
            name, note = f"{earlier.name}, {name}", earlier.note or note
        key_frames.append(KeyFrame(name, index, frame, report.info.seconds(frame), report.phase_at(frame), note))
    return key_frames


def opening_index(report: DiveReport) -> tuple[int, str]:
    """The sample at which the diver opens for the entry, and a note on how it was found.

    It follows the last sample of the second half of the flight at which the mask's length over its width lies below
    the geometric mean of its extremes there. For a straight dive, or masks without that change, it is
    `DEFAULT_OPENING`.
    """
    flight, entry = report.flight.index, report.entry.index
    start = (flight + entry) // 2
    default = round(flight + DEFAULT_OPENING * (entry - flight)), "about: 4/5 of the flight"
    if entry - start < 5:
        return default
    elongation = np.array([mask_elongation(report, index) for index in range(start, entry + 1)])
    if np.isnan(elongation).any():
        return default
    # The median of three frames bridges a single bad mask.
    elongation = np.median(np.stack([elongation[:-2], elongation[1:-1], elongation[2:]]), axis=0)
    lowest = int(elongation.argmin())
    highest = elongation[lowest:].max()
    if highest < MIN_OPENING_RATIO * elongation[lowest]:
        return default
    closed = np.flatnonzero(elongation < np.sqrt(highest * elongation[lowest]))
    return min(start + 1 + int(closed[-1]) + 1, entry), "from the mask"


def mask_elongation(report: DiveReport, index: int) -> float:
    """Length over width of the mask of one sample along its principal axes, 1 for a disc; NaN without a mask."""
    rows, columns = np.nonzero(report.mask_probability[index] >= THRESHOLD)
    if len(rows) < 8:
        return float("nan")
    x0, y0, x1, y1 = report.framing.box_at(index)
    covariance = np.cov(columns * (x1 - x0), rows * (y1 - y0))
    narrow, wide = np.linalg.eigvalsh(covariance)
    return float(np.sqrt(wide / max(narrow, 1e-9)))


def splash_index(report: DiveReport) -> int:
    """The sample after the entry with the largest mask; the middle of the entry if there is no mask."""
    entry = report.entry.index
    areas = (report.mask_probability[entry:] >= THRESHOLD).sum(axis=(1, 2))
    if not areas.any():
        return (entry + len(report.frame_numbers) - 1) // 2
    return entry + int(areas.argmax())


def fault_key_frames(report: DiveReport) -> list[KeyFrame]:
    """The frames that show the listed faults of a judgement, each once, named after them; none without a judgement."""
    if report.judgement is None:
        return []
    phrases: dict[int, list[str]] = {}
    for mark in report.judgement.phases:
        for fault in listed_faults(mark):
            if (frame := fault_frame(fault)) is not None:
                phrases.setdefault(frame, []).append(fault_phrase(fault, report.dive_code))
    return [
        KeyFrame(
            name=", ".join(names),
            index=int(np.abs(report.frame_numbers - frame).argmin()),
            frame=frame,
            seconds=report.info.seconds(frame),
            phase=report.phase_at(frame),
        )
        for frame, names in phrases.items()
    ]


def key_frame_images(
    report: DiveReport,
    key_frames: Sequence[KeyFrame],
    style: MaskStyle | str = MaskStyle.OUTLINE,
    longest_side: int = LONGEST_SIDE,
) -> Iterator[tuple[KeyFrame, np.ndarray]]:
    """Key frames of a report with their images, uint8 [h, w, 3], all at one scale, with the diver's mask."""
    if not key_frames:
        return
    track = MaskTrack(report)
    masks = [_mask_at(track, key_frame.frame) for key_frame in key_frames]
    boxes = diver_boxes(report, key_frames, masks)
    with reopen(report.info) as source:
        for key_frame, mask, (x0, y0, x1, y1) in zip(key_frames, masks, boxes, strict=True):
            scale = min(longest_side / max(x1 - x0, y1 - y0), MAX_ENLARGEMENT)
            size = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
            interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            image = cv2.resize(source.frame(key_frame.frame)[y0:y1, x0:x1], size, interpolation=interpolation)
            # Scaled as a grey image, so that the outline is smooth where small images are enlarged.
            grey = cv2.resize(mask[y0:y1, x0:x1].astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
            yield key_frame, draw_mask(image, grey >= 0.5, PHASE_COLOURS[key_frame.phase], style, line=2)


def _mask_at(track: MaskTrack, number: int) -> np.ndarray:
    mask = track.at(number)
    assert mask is not None  # key frames lie in the analysed part
    return mask


def diver_boxes(
    report: DiveReport, key_frames: Sequence[KeyFrame], masks: list[np.ndarray]
) -> list[tuple[int, int, int, int]]:
    """Boxes (x0, y0, x1, y1) of one size inside the source frame, each around the diver of its key frame.

    A square that contains the largest mask with a margin, not larger than the network's crop; oblong where the frame
    is too small for a square. Without a mask it is centred on the network's crop.
    """
    info = report.info
    centres, largest, crop = [], 0.0, 0.0
    for key_frame, mask in zip(key_frames, masks, strict=True):
        x0, y0, x1, y1 = report.framing.box_at(key_frame.index)
        crop = max(crop, x1 - x0, y1 - y0)
        if mask.any():
            columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
            x0, x1, y0, y1 = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
            largest = max(largest, x1 - x0, y1 - y0)
        centres.append(((x0 + x1) / 2, (y0 + y1) / 2))
    side = min(crop, max(MASK_MARGIN * largest, MIN_CROP_SHARE * crop)) if largest else crop
    width, height = (int(min(max(side, 1), limit)) for limit in (info.width, info.height))
    corners = [
        (int(np.clip(x - width / 2, 0, info.width - width)), int(np.clip(y - height / 2, 0, info.height - height)))
        for x, y in centres
    ]
    return [(x, y, x + width, y + height) for x, y in corners]


def as_jpeg(image: np.ndarray, quality: int = JPEG_QUALITY) -> bytes:
    """An image, uint8 [h, w, 3] RGB, as the bytes of a JPEG file."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes()
