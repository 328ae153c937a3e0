"""Where one camera shot ends and the next begins."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.video.source import FrameSource

LOOK_SIZE = (64, 48)
"""Width and height to which frames are reduced to compare them, pixels."""

PATCH = 0.5
"""Share of a frame's width and height that is searched for in the other frame."""

PLACES = ((0.5, 0.5), (0, 0), (0, 0.5), (0, 1), (0.5, 0), (0.5, 1), (1, 0), (1, 0.5), (1, 1))
"""Where such patches are cut out, 0 at the top and left to 1 at the bottom and right: those at the sides are found
again when the camera pans or tilts by up to half of the picture between two frames."""

SAME = 0.9
"""Correlation at which the search ends: the rest would change nothing."""

REACH = 3
"""Frames on either side that must differ: a flash or a torn frame is over sooner."""

NEIGHBOURS = 6
"""Frames on either side that tell how lively the picture is anyway."""

LIVELY = 0.75
"""Share of the neighbours that are no livelier than what counts as usual."""

# Measured on four broadcast and amateur recordings of dives: within a shot a score of 0.04 or more is at most 1.6 times
# what is usual around it (fast, blurred tilts). Of 120 splices of two recordings the weakest scores 0.15, 8.5 times the
# usual. In 90 simulated dives (96 of up to 170 frames each, so that some steps are twice as large) all three cuts are
# found and one tilt is taken for a cut.
LEAST_SCORE = 0.05
LEAST_CONTRAST = 4.0
QUIET = 0.002  # added to what the neighbours score, which is nearly 0 while everything stands still


@dataclass(frozen=True, eq=False)
class _Look:
    """What is kept of a frame."""

    grey: np.ndarray  # float32 [48, 64]
    colours: np.ndarray  # share of the picture in each of 128 bins of hue, saturation and value

    @classmethod
    def at(cls, frame: np.ndarray) -> "_Look":
        small = cv2.resize(frame, LOOK_SIZE, interpolation=cv2.INTER_AREA)
        hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
        counts = cv2.calcHist([hsv], [0, 1, 2], None, [8, 4, 4], [0, 180, 0, 256, 0, 256]).ravel()
        return cls(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32), counts / counts.sum())

    def difference(self, other: "_Look") -> float:
        """0 for the same picture, perhaps shifted, to 1: the share of colours that changed, times how little the
        part that is best found again resembles its counterpart. A pan keeps the colours, a flash or a splash
        keeps the shapes; a cut changes both."""
        colours = 0.5 * float(np.abs(self.colours - other.colours).sum())
        alike = max(_best_match(self.grey, other.grey), _best_match(other.grey, self.grey))
        return colours * (1 - alike)


def _best_match(picture: np.ndarray, other: np.ndarray) -> float:
    """Highest correlation, at least 0, of any patch of `other` with any place of `picture`."""
    rows, columns = (round(side * PATCH) for side in other.shape)
    best = 0.0
    if picture.std() < 1:  # nothing to see, so nothing to match
        return best
    for down, across in PLACES:
        top, left = round((other.shape[0] - rows) * down), round((other.shape[1] - columns) * across)
        patch = other[top : top + rows, left : left + columns]
        if patch.std() >= 1:
            best = max(best, float(cv2.matchTemplate(picture, patch, cv2.TM_CCOEFF_NORMED).max()))
        if best >= SAME:
            break
    return best


def find_cuts(frames: FrameSource | Iterable[tuple[int, np.ndarray]]) -> tuple[int, ...]:
    """The numbers of the frames at which a new shot starts, in order; the first frame of all is none.

    `frames` is a source, or number and frame (uint8 RGB [H, W, 3]) in order, as `FrameSource.stream` gives them.
    They are read once, one at a time. Hard cuts are found; fades, dissolves and shots of fewer than three frames are
    not, and one between two much alike views of a pool may be missed. Fast pans, motion blur, flashes and splashes do
    not count.
    """
    stream = frames.stream() if isinstance(frames, FrameSource) else frames
    numbers: list[int] = []
    steps: list[float] = []  # from each frame's predecessor to it
    splits: dict[int, float] = {}  # the least difference across each place that may be a cut
    recent: deque[_Look] = deque(maxlen=2 * REACH)
    for number, frame in stream:
        look = _Look.at(frame)
        steps.append(recent[-1].difference(look) if recent else 0.0)
        numbers.append(number)
        recent.append(look)
        _split_at(len(steps) - REACH, steps, recent, splits)
    for index in range(max(0, len(steps) - REACH + 1), len(steps)):
        _split_at(index, steps, recent, splits)
    return tuple(numbers[index] for index in _sharp(splits, steps))


def _split_at(index: int, steps: list[float], recent: deque[_Look], splits: dict[int, float]) -> None:
    """Note how much the frames before `index` differ from those from `index` on, if they may be different shots."""
    if index < 1 or steps[index] < LEAST_SCORE:
        return
    first = len(steps) - len(recent)  # the frame that the oldest look is of
    looks = list(recent)
    before = looks[max(0, index - REACH - first) : index - first]
    after = looks[index - first : index - first + REACH]
    splits[index] = min(one.difference(other) for one in before for other in after)


def _sharp(splits: dict[int, float], steps: list[float]) -> Iterator[int]:
    for index, score in splits.items():
        around = steps[max(1, index - NEIGHBOURS) : index] + steps[index + 1 : index + 1 + NEIGHBOURS]
        # Not the median: in a clip of 25 frames a second stored as 50, every second step is nothing.
        usual = float(np.quantile(around, LIVELY)) if around else 0.0
        if score >= LEAST_SCORE and score >= LEAST_CONTRAST * (usual + QUIET):
            yield index
