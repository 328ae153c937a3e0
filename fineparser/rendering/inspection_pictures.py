"""One frame of an inspection as pictures: what was seen, what was found, where it is wrong."""

from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.analysis.inspection import SIDES, Inspection
from fineparser.domain.mask_agreement import THRESHOLD
from fineparser.domain.phases import Phase
from fineparser.rendering.overlay import MaskStyle, draw_mask
from fineparser.rendering.palette import GREEN, ORANGE, PHASE_COLOURS, SKY_BLUE, VERMILION, WHITE, Colour, heat

ENLARGED = 3
"""Times that a pixel of the network's is shown as wide."""
GREYED = 0.45
"""Share of the light that stays behind coloured errors."""
ENTRY_ENLARGED = 2
"""The same, in the squares over the water."""
OUTSIDE = "not in the picture"
LAYER_COLOURS = {"body": ORANGE, "flying water": SKY_BLUE, "foam": GREEN}
"""Of what the entry is drawn in."""
RIGHT, TOO_MUCH, MISSED = GREEN, VERMILION, SKY_BLUE
"""Colours of pixels that were found rightly, found wrongly, and not found."""


@dataclass(frozen=True)
class Picture:
    """A picture with what is to be said about it."""

    name: str
    note: str
    image: np.ndarray
    """uint8 [H, W, 3] RGB."""
    is_heat: bool = False
    """Whether it is a number a pixel, 0 to 1, in the colours of the heat scale."""


def phase_at(inspection: Inspection, frame: int) -> Phase:
    """The phase of one of the 96 frames, by the rule that counts."""
    flight, entry = inspection.transitions
    return Phase(int(frame >= flight) + int(frame >= entry))


def frame_pictures(inspection: Inspection, frame: int) -> list[Picture]:
    """What there is to see of one of the 96 frames; ValueError for another number.

    The frame with the outlines of found and labelled mask; the fused probability; each depth's; how far windows
    differ; and, with labels, which pixels are right and wrong.
    """
    if not 0 <= frame < len(inspection.frames):
        raise ValueError(f"The frames are 0 to {len(inspection.frames) - 1}; there is no frame {frame}.")
    probability = inspection.mask_probability[frame]
    found = probability >= THRESHOLD
    true = _true_mask(inspection, frame)
    phase = phase_at(inspection, frame)
    seen = _outlined(_enlarged(inspection.frames[frame], cv2.INTER_CUBIC), found, PHASE_COLOURS[phase])
    note = f"{phase.label}; outline: found"
    if true is not None:
        seen = _outlined(seen, true, WHITE)
        note += ", white: labelled"
    pictures = [
        Picture("What it saw", note, seen),
        Picture("Fused mask", _extent(probability), _enlarged(heat(probability)), is_heat=True),
    ]
    for depth in range(SIDES):
        side = inspection.side_probability[depth, frame]
        name = f"Side output {depth + 1}" + (", finest" if depth == 0 else ", coarsest" if depth == SIDES - 1 else "")
        pictures.append(Picture(name, _extent(side), _enlarged(heat(side)), is_heat=True))
    windows = inspection.windows_by_frame[frame]
    if len(windows) > 1:
        spread = inspection.overlap_spread(frame)
        numbers = " and ".join(str(window + 1) for window in windows)
        agreement = f"agree on {inspection.overlap_iou[frame]:.0%}"
        told = agreement if inspection.is_found(frame) else "find no diver"
        pictures.append(
            Picture(
                "Where windows differ",
                f"windows {numbers} {told}",
                _enlarged(heat(spread)),
                is_heat=True,
            )
        )
    if true is not None:
        iou = inspection.mask_iou_by_frame[frame]
        told = "no diver, none found" if np.isnan(iou) else f"IoU {iou:.2f}"
        pictures.append(Picture("Right and wrong", told, _judged(inspection.frames[frame], found, true)))
    return pictures


def entry_pictures(inspection: Inspection) -> list[Picture]:
    """The moments of the entry inside the clip: as filmed, and below with what is drawn laid over; none where nothing
    is drawn."""
    entry = inspection.entry
    if entry is None:
        return []
    touch = inspection.transitions[1]
    pictures = []
    for number in np.flatnonzero(entry.inside):
        frame, shown = int(entry.frames[number]), entry.shown[number]
        size = shown.shape[1] * ENTRY_ENLARGED, shown.shape[0] * ENTRY_ENLARGED
        seen = cv2.resize(shown, size, interpolation=cv2.INTER_CUBIC)
        drawn = np.repeat(seen.mean(axis=-1, keepdims=True), 3, axis=-1) * GREYED
        for colour, layer in zip(LAYER_COLOURS.values(), entry.layers[number].astype(np.float32), strict=True):
            share = cv2.resize(layer, size, interpolation=cv2.INTER_LINEAR)[..., None]
            drawn += share * (np.array(colour.rgb) - drawn)
        both = np.concatenate([seen, drawn.clip(0, 255).astype(np.uint8)])
        name = f"{frame - touch:+d}" if frame != touch else "Entry"
        pictures.append(Picture(name, f"sample {frame}" if shown.any() else OUTSIDE, both))
    return pictures


def _true_mask(inspection: Inspection, frame: int) -> np.ndarray | None:
    labels = inspection.labels
    return None if labels is None or labels.masks is None else labels.masks[frame]


def _extent(probability: np.ndarray) -> str:
    return f"highest {float(probability.max()):.2f}, {float((probability >= THRESHOLD).mean()):.1%} of the picture"


def _enlarged(image: np.ndarray, method: int = cv2.INTER_NEAREST) -> np.ndarray:
    return cv2.resize(image, None, fx=ENLARGED, fy=ENLARGED, interpolation=method)


def _outlined(image: np.ndarray, mask: np.ndarray, colour: Colour) -> np.ndarray:
    """The outline of a mask of the network's size over an enlarged picture."""
    return draw_mask(image, _enlarged(mask.astype(np.uint8)) > 0, colour, MaskStyle.OUTLINE, line=2)


def _judged(frame: np.ndarray, found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The frame in grey, pixels that were found or should have been in the colour of their error."""
    grey = np.repeat((frame.mean(axis=-1, keepdims=True) * GREYED).astype(np.uint8), 3, axis=-1)
    judged = _enlarged(grey, cv2.INTER_CUBIC)
    for pixels, colour in ((found & true, RIGHT), (found & ~true, TOO_MUCH), (true & ~found, MISSED)):
        large = _enlarged(pixels.astype(np.uint8)) > 0
        judged[large] = judged[large] // 3 + (0.75 * np.array(colour.rgb)).astype(np.uint8)
    return judged
