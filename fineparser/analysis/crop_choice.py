"""The crop of a clip: boxes for some frames, interpolated between them."""

from dataclasses import dataclass

import numpy as np

from fineparser.video.framing import Framing
from fineparser.video.info import VideoInfo

DIVER, CENTRE, MANUAL = "diver", "centre", "manual"
CROP_KINDS = (DIVER, CENTRE, MANUAL)
"""A crop that follows the diver; the centre of the frame, as the published loader crops; a user's fixed box."""


@dataclass(frozen=True, eq=False)
class CropChoice:
    """Boxes for some frames of a clip; between them the box is interpolated, before and after them it is fixed."""

    kind: str
    """One of `CROP_KINDS`."""
    numbers: np.ndarray
    """int64 [k], source frame numbers, increasing."""
    boxes: np.ndarray
    """float64 [k, 4]: left, top, right, bottom edge in source pixels."""

    def __post_init__(self) -> None:
        if self.kind not in CROP_KINDS:
            raise ValueError(f"the kind of a crop is one of {', '.join(CROP_KINDS)}, not {self.kind!r}")
        if len(self.numbers) != len(self.boxes) or not len(self.boxes):
            raise ValueError(f"{len(self.numbers)} frame numbers for {len(self.boxes)} boxes; give one for each")

    @classmethod
    def centre(cls, info: VideoInfo) -> "CropChoice":
        """The published loader's crop: the centre 56% of the width at full height.

        Frames that this loader or the simulator has cropped already are taken whole.
        """
        framing = Framing.default(info.width, info.height)
        return cls(CENTRE, np.array([info.first_number]), framing.boxes)

    @classmethod
    def manual(cls, info: VideoInfo, x: float, y: float, size: float) -> "CropChoice":
        """A fixed square.

        Args:
            info: of the clip.
            x, y: centre as shares of the frame's width and height, 0 to 1.
            size: side as a share of the frame's shorter side.

        Raises:
            ValueError: for a centre outside the frame, or a side below 0.05 or above 3.
        """
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ValueError(f"the crop's centre lies between 0 and 1 of the frame, not at {x:g}, {y:g}")
        if not 0.05 <= size <= 3:
            raise ValueError(f"the crop's side is 0.05 to 3 of the frame's shorter side, not {size:g}")
        half = size * min(info.width, info.height) / 2
        centre_x, centre_y = x * info.width, y * info.height
        box = [centre_x - half, centre_y - half, centre_x + half, centre_y + half]
        return cls(MANUAL, np.array([info.first_number]), np.array([box]))

    @classmethod
    def from_framing(cls, framing: Framing, info: VideoInfo) -> "CropChoice":
        """The fixed box of a framing; ValueError for one that moves, since its frames are not known."""
        if framing.is_moving:
            raise ValueError("a moving framing belongs to certain frames: give a proposal with such a crop instead")
        return cls(MANUAL, np.array([info.first_number]), framing.boxes)

    def framing(self, numbers: np.ndarray) -> Framing:
        """Boxes for the frames of a clip, by source frame number."""
        if len(self.boxes) == 1:
            return Framing(self.boxes)
        edges = [np.interp(numbers, self.numbers, edge) for edge in self.boxes.T]
        return Framing.from_boxes(np.stack(edges, axis=1))

    def box_at(self, number: int) -> np.ndarray:
        """Box (x0, y0, x1, y1) in one source frame."""
        return self.framing(np.array([number])).boxes[0]
