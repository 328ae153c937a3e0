"""Detection of hard cuts between camera shots."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

SIGNATURE_SIZE = (64, 48)
"""Width and height to which frames are reduced to compare them, pixels."""

PATCH_SHARE = 0.5
"""Share of a frame's width and height that is searched for in the other frame."""

PATCH_POSITIONS = ((0.5, 0.5), (0, 0), (0, 0.5), (0, 1), (0.5, 0), (0.5, 1), (1, 0), (1, 0.5), (1, 1))
"""Positions of such patches, 0 at the top and left to 1 at the bottom and right: those at the sides still match when
the camera pans or tilts by up to half of the frame between two frames."""

SUFFICIENT_CORRELATION = 0.9
"""Correlation at which the search ends: more patches would not change the result."""

CONFIRMING_FRAMES = 3
"""Frames on either side that must differ: a flash or a torn frame is over sooner."""

NEIGHBOURS = 6
"""Frames on either side that give the usual difference between neighbours."""

USUAL_QUANTILE = 0.75
"""Quantile of the neighbours' differences that counts as usual."""

MIN_SCORE = 0.05
MIN_CONTRAST = 4.0
STILL_SCORE = 0.002  # added to the usual score, which is nearly 0 in a still scene


@dataclass(frozen=True, eq=False)
class _Signature:
    """Reduced frame for comparisons."""

    grey: np.ndarray  # float32 [48, 64]
    colours: np.ndarray  # share of the pixels in each of 128 bins of hue, saturation and value

    @classmethod
    def from_frame(cls, frame: np.ndarray) -> "_Signature":
        small = cv2.resize(frame, SIGNATURE_SIZE, interpolation=cv2.INTER_AREA)
        hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
        counts = cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]).ravel()
        return cls(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32), counts / counts.sum())

    def difference(self, other: "_Signature") -> float:
        """Difference from 0 for the same image, perhaps shifted, to 1: the share of changed colours times the lack of
        correlation of the best matching patch. A pan preserves the colours, a flash or a splash preserves the
        shapes; a cut changes both."""
        colours = 0.5 * float(np.abs(self.colours - other.colours).sum())
        similarity = max(_best_match(self.grey, other.grey), _best_match(other.grey, self.grey))
        return colours * (1 - similarity)


def _best_match(image: np.ndarray, other: np.ndarray) -> float:
    """Highest correlation, at least 0, of any patch of `other` with any position in `image`."""
    rows, columns = (round(side * PATCH_SHARE) for side in other.shape)
    best = 0.0
    if image.std() < 1:  # no texture to match
        return best
    for down, across in PATCH_POSITIONS:
        top, left = round((other.shape[0] - rows) * down), round((other.shape[1] - columns) * across)
        patch = other[top : top + rows, left : left + columns]
        if patch.std() >= 1:
            best = max(best, float(cv2.matchTemplate(image, patch, cv2.TM_CCOEFF_NORMED).max()))
        if best >= SUFFICIENT_CORRELATION:
            break
    return best


class CutDetector:
    """Hard cuts of a clip whose frames are added one by one.

    Fades, dissolves and shots of fewer than three frames are not detected, and a cut between two similar views of a
    pool may be missed. Fast pans, motion blur, flashes and splashes do not count.
    """

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._steps: list[float] = []  # from each frame's predecessor to it
        self._splits: dict[int, float] = {}  # the least difference across each possible cut
        self._recent: deque[_Signature] = deque(maxlen=2 * CONFIRMING_FRAMES)

    def add(self, number: int, frame: np.ndarray) -> None:
        """Add the next frame, uint8 RGB [H, W, 3], with its number."""
        signature = _Signature.from_frame(frame)
        self._steps.append(self._recent[-1].difference(signature) if self._recent else 0.0)
        self._numbers.append(number)
        self._recent.append(signature)
        _score_split(len(self._steps) - CONFIRMING_FRAMES, self._steps, self._recent, self._splits)

    def result(self) -> tuple[int, ...]:
        """Numbers of the frames at which a new shot starts, in order, after the last frame; the first frame of all is
        not one of them."""
        splits = dict(self._splits)
        for index in range(max(0, len(self._steps) - CONFIRMING_FRAMES + 1), len(self._steps)):
            _score_split(index, self._steps, self._recent, splits)
        return tuple(self._numbers[index] for index in _select_cuts(splits, self._steps))


def _score_split(index: int, steps: list[float], recent: deque[_Signature], splits: dict[int, float]) -> None:
    """Record the difference between the frames before `index` and those from `index` on, if a cut is possible there."""
    if index < 1 or steps[index] < MIN_SCORE:
        return
    first = len(steps) - len(recent)  # index of the oldest signature
    signatures = list(recent)
    earlier = signatures[max(0, index - CONFIRMING_FRAMES - first) : index - first]
    later = signatures[index - first : index - first + CONFIRMING_FRAMES]
    splits[index] = min(one.difference(other) for one in earlier for other in later)


def _select_cuts(splits: dict[int, float], steps: list[float]) -> Iterator[int]:
    for index, score in splits.items():
        around = steps[max(1, index - NEIGHBOURS) : index] + steps[index + 1 : index + 1 + NEIGHBOURS]
        # Not the median: in a clip of 25 frames a second stored as 50, every second step is 0.
        usual = float(np.quantile(around, USUAL_QUANTILE)) if around else 0.0
        if score >= MIN_SCORE and score >= MIN_CONTRAST * (usual + STILL_SCORE):
            yield index
