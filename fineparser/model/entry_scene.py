"""The entry as a film that stands still: where it is looked at, moment by moment, and what is seen there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fineparser.model.camera_path import CameraPath
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.filmed import Filmed

OFFSETS = (-5, -3, -1, 0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24)
"""Moments that are looked at, in frames from the first of the entry: water flies high soon and sinks slowly."""
BEFORE, AFTER = 5, 4
"""Frames before the touch in which the diver is measured, and from it on in which his lowest place is looked for."""
SHOWN = 0.5
"""Probability from which on a pixel shows the diver."""
LEAST_PIXELS = 4
"""Pixels of him, without which a frame tells nothing."""
LEAST_MOMENTS = 4
"""Of which the median is taken at least, those after the clip's end among them."""
USUAL_LENGTH = 20 / 112
"""Of a diver who is not seen, in sides of the picture."""
LEAST_FLIGHT = 3
"""Frames that a flight counts at least."""
LOWEST = 92
"""Percentile of his rows from which on he goes into the water."""
UP = 0.35
"""Lengths of the diver by which squares reach higher above the water than below: what flies is above."""
SCENE_MEASURES = 3
"""Numbers beside the pictures: see `EntryScene.measures`."""


@dataclass(frozen=True)
class EntryScene:
    """Sixteen squares of one clip, of the water where the diver goes in, as large as he is.

    The camera's motion is taken out: what moves in them is the diver and the water. Lengths are shares of the picture's
    side.
    """

    frames: np.ndarray
    """int64 [16]: which frames, see `OFFSETS`; at the clip's ends its first or last one."""
    centre: np.ndarray
    """float32 [16, 2]: right and down, from the picture's middle."""
    reach: np.ndarray
    """float32 [16]: half of the squares' sides."""
    length: float
    """How long the diver is before the touch, from end to end."""
    flight: int
    """Frames from the take-off to the touch."""
    left: int
    """Frames from the touch to the clip's last."""

    @classmethod
    def of(cls, masks: np.ndarray, transitions: tuple[int, int], film: Filmed) -> "EntryScene":
        """Of one clip.

        Args:
            masks: [T, h, h], probabilities of where the diver is.
            transitions: first frame of the flight, and of the entry.
            film: the clip.
        """
        take_off, touch = transitions
        side, last = masks.shape[1], len(masks) - 1
        pixel = film.pictures.shape[1] / side
        shown = {frame: np.nonzero(masks[frame] >= SHOWN) for frame in _window(touch - BEFORE, touch + AFTER, last)}
        lengths = [
            np.hypot(*(np.subtract(*np.percentile(places, (98, 2))) for places in shown[frame]))
            for frame in _window(touch - BEFORE, touch + 1, last)
            if len(shown[frame][0]) >= LEAST_PIXELS
        ]
        length = float(np.median(lengths)) if lengths else USUAL_LENGTH * side
        lowest = []
        for frame in _window(touch, touch + AFTER, last):
            rows, columns = shown[frame]
            motion = _motion(film.path, frame, touch, pixel)
            if len(rows) >= LEAST_PIXELS and motion is not None:
                below = rows >= np.percentile(rows, LOWEST)
                lowest.append(motion @ [columns[below].mean(), rows.max(), 1.0])
        place = np.median(lowest, axis=0) if lowest else np.array([side / 2, side / 2, 1.0])
        frames, _ = moments(touch, last)
        centre, reach = np.empty((len(frames), 2), np.float32), np.empty(len(frames), np.float32)
        for number, frame in enumerate(frames):
            motion = _motion(film.path, touch, int(frame), pixel)
            motion = np.eye(3) if motion is None else motion  # of another shot
            scale = np.sqrt(abs(np.linalg.det(motion[:2, :2])))
            x, y, _ = motion @ place
            centre[number] = (x + 0.5) / side - 0.5, (y - UP * length * scale + 0.5) / side - 0.5
            reach[number] = length * scale / side
        return cls(frames, centre, reach, length / side, touch - take_off, last - touch)

    @property
    def inside(self) -> np.ndarray:
        """bool [16]: False for moments after the clip's end."""
        return moments(0, self.left)[1]

    @property
    def measures(self) -> np.ndarray:
        """float32 [3]: how long the flight was, how large the diver is, how much the clip shows after the touch; each
        about -1 to 1."""
        flight, length = np.log(max(self.flight, LEAST_FLIGHT) / 30), np.log(self.length * 112 / 45)
        return np.array([flight, length, (self.left - 25) / 15], np.float32)

    def focus(self, margin: float = 1.0) -> DiverFocus:
        """The squares, or ones so many times as large, as a batch of one."""
        return DiverFocus(torch.from_numpy(self.centre)[None], torch.from_numpy(self.reach * np.float32(margin))[None])

    def cut(self, film: Filmed, size: int, margin: float = 1.0) -> tuple[Tensor, Tensor]:
        """What the squares show of the clip's pictures, uint8 [16, 3, S, S], black beyond their edges; and the median
        of those inside the clip, uint8 [3, S, S]: the scenery, mostly."""
        focus = self.focus(margin)
        pictures = torch.from_numpy(film.pictures[self.frames]).permute(3, 0, 1, 2)[None]
        with torch.autocast("cpu", enabled=False):  # halves would round the pictures' levels
            squares = focus.cut(pictures.float(), size).round().clamp(0, 255).byte()
        known = squares[: max(LEAST_MOMENTS, int(self.inside.sum()))]
        return squares, known.sort(0).values[len(known) // 2]


def moments(touch: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """The frames that are looked at where the entry's first is `touch`, int64 [16], at the clip's ends its first or its
    `last` one; and which of them are not after its end, bool [16]."""
    wanted = touch + np.array(OFFSETS)
    return wanted.clip(0, last), wanted <= last


def looked_at(touch: int, last: int) -> np.ndarray:
    """Frames that tell where a scene is and what it shows, rising, int64; arguments as in `moments`."""
    return np.union1d(moments(touch, last)[0], _window(touch - BEFORE, touch + AFTER, last))


def entry_scenes(films: Sequence[Filmed], drawn: Tensor, transitions: Tensor) -> list[EntryScene]:
    """Those of B clips, of outlines [B, T, h, h] and transitions [B, 2], on any device."""
    masks = drawn.detach().float().cpu().numpy()
    found = zip(masks, transitions.tolist(), films, strict=True)
    return [EntryScene.of(mask, tuple(cut), film) for mask, cut, film in found]


def _window(first: int, end: int, last: int) -> range:
    return range(max(0, first), min(end, last + 1))


def _motion(path: CameraPath, frame: int, other: int, pixel: float) -> np.ndarray | None:
    """`CameraPath.between` in the pixels of masks, of which each is `pixel` of the pictures' wide; centres are whole
    numbers in both."""
    motion = path.between(frame, other)
    if motion is None:
        return None
    scaled = np.array([[1 / pixel, 0, (1 / pixel - 1) / 2], [0, 1 / pixel, (1 / pixel - 1) / 2], [0, 0, 1]])
    return scaled @ motion @ np.linalg.inv(scaled)
