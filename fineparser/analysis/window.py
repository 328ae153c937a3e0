"""The part of the picture that the network is to see, frame by frame."""

from dataclasses import dataclass

import numpy as np

from fineparser.video.framing import Framing
from fineparser.video.info import VideoInfo

CENTRE, DIVER, OWN = "centre", "diver", "own"
KINDS = (DIVER, CENTRE, OWN)
"""Follows the diver; the middle of the picture, as the published loader crops; a box that the user chose."""


@dataclass(frozen=True, eq=False)
class Window:
    """Boxes for some of a clip's frames; between them the box moves evenly, before and after them it stands."""

    kind: str
    """One of `KINDS`."""
    numbers: np.ndarray
    """int64 [k], source frame numbers, rising."""
    boxes: np.ndarray
    """float64 [k, 4]: left, top, right, bottom edge in source pixels."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a window is one of {', '.join(KINDS)}, not {self.kind!r}")
        if len(self.numbers) != len(self.boxes) or not len(self.boxes):
            raise ValueError(f"{len(self.numbers)} frame numbers for {len(self.boxes)} boxes; give one for each")

    @classmethod
    def centre(cls, info: VideoInfo) -> "Window":
        """What the published loader shows: the middle 56% of the width at full height; all of a picture that it, or
        the simulator, has cut already."""
        framing = Framing.middle(info.width, info.height)
        return cls(CENTRE, np.array([info.first_number]), framing.boxes)

    @classmethod
    def own(cls, info: VideoInfo, across: float, down: float, size: float) -> "Window":
        """A square that stands still.

        Args:
            info: of the clip.
            across, down: its middle, as shares of the picture's width and height, 0 to 1.
            size: its side, as a share of the picture's shorter side.

        Raises:
            ValueError: for a middle outside the picture or a side that shows nothing.
        """
        if not (0 <= across <= 1 and 0 <= down <= 1):
            raise ValueError(f"the window's middle lies between 0 and 1 of the picture, not at {across:g}, {down:g}")
        if not 0.05 <= size <= 3:
            raise ValueError(f"the window's side is 0.05 to 3 of the picture's shorter side, not {size:g}")
        half = size * min(info.width, info.height) / 2
        x, y = across * info.width, down * info.height
        return cls(OWN, np.array([info.first_number]), np.array([[x - half, y - half, x + half, y + half]]))

    @classmethod
    def of(cls, framing: Framing, info: VideoInfo) -> "Window":
        """The box that a framing has for all frames; ValueError for one that moves, whose frames are not known."""
        if framing.is_moving:
            raise ValueError("a framing that moves belongs to certain frames: give a proposal with such a window")
        return cls(OWN, np.array([info.first_number]), framing.boxes)

    def framing(self, numbers: np.ndarray) -> Framing:
        """The boxes for the frames of a clip, by source frame number."""
        if len(self.boxes) == 1:
            return Framing(self.boxes)
        edges = [np.interp(numbers, self.numbers, edge) for edge in self.boxes.T]
        return Framing.moving(np.stack(edges, axis=1))

    def box_at(self, number: int) -> np.ndarray:
        """The box (x0, y0, x1, y1) in one source frame."""
        return self.framing(np.array([number])).boxes[0]
