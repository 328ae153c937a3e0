"""The scenery without the diver, as other frames of the same clip show it.

A diver is in front of a place for a few frames only. Where the camera's motion is known, each place can be looked up
in frames before and after, in which he is elsewhere: what most of them show is what is behind him, and what differs
from that is he, or his splash. Railings, posts and spectators, which a network takes for a diver, do not.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from fineparser.model.camera_path import CameraPath

OFFSETS = (-60, -40, -28, -20, -14, -10, -7, -4, 4, 7, 10, 14, 20, 28, 40, 60)
"""Frames from the one that is looked at to those in which its scenery is looked up: near ones are registered best, far
ones show where he waited or dived in."""
SHRUNK = 1.6
"""Squares that show more than so many pixels in one of theirs are cut out of pictures of half the size, or they would
be cut out of single pixels of many."""
GROWN = 5
"""Pixels across, by which a mask is widened: of its edge nobody is sure."""
LEAST_FREE = 2
"""Frames that have to show a place without a diver, or all that show it are asked."""


@dataclass(frozen=True)
class Backdrop:
    """What T squares of S x S pixels show, and what they would without the diver."""

    shown: np.ndarray
    """uint8 [T, S, S, 3]: the pictures, RGB; black beyond their edges."""
    behind: np.ndarray
    """uint8 [T, S, S, 3]: the median of what other frames show at these places; as shown where none does."""
    spread: np.ndarray
    """uint8 [T, S, S]: how far apart these are, from quartile to quartile, mean of the colours."""
    seen: np.ndarray
    """uint8 [T, S, S]: how many other frames were asked."""

    @classmethod
    def of(
        cls,
        pictures: np.ndarray,
        masks: np.ndarray,
        centre: np.ndarray,
        reach: np.ndarray,
        size: int,
        frames: np.ndarray | None = None,
        path: CameraPath | None = None,
    ) -> "Backdrop":
        """Of one clip.

        Args:
            pictures: RGB uint8 [96, H, H, 3].
            masks: float32 [96, h, h], probabilities of where the diver is.
            centre, reach: of the squares, [T, 2] and [T], see `DiverFocus`.
            size: S.
            frames: which frames the T squares are of, rising; None: all.
            path: of the camera; None: found in the pictures.
        """
        path = path or CameraPath.of(pictures)
        frames = np.arange(len(pictures)) if frames is None else frames
        # What is shown and, as a fourth channel, whether nobody is there; whole, and half as large.
        side = pictures.shape[1]
        whole = [_with_freedom(picture, mask) for picture, mask in zip(pictures, masks, strict=True)]
        halves = [cv2.resize(some, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for some in whole]
        levels = [np.stack(whole), np.stack(halves)]
        found = [
            _looked_up(levels, path, frame, place, half, size, side)
            for frame, place, half in zip(frames.tolist(), centre, reach.tolist(), strict=True)
        ]
        return cls(*(np.stack(values) for values in zip(*found, strict=True)))


def _with_freedom(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A picture [H, H, 3] with a channel that is 255 where the mask shows nobody."""
    wide = cv2.resize(mask, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    wide = cv2.dilate((np.nan_to_num(wide) * 255).astype(np.uint8), np.ones((GROWN, GROWN), np.uint8))
    return np.dstack([picture, 255 - wide])


def _looked_up(
    levels: list[np.ndarray], path: CameraPath, frame: int, centre: np.ndarray, reach: float, size: int, side: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What one square shows, what is behind, how far apart that is, and in how many frames it was found."""
    step = 2 * reach * side / size
    level = int(step >= SHRUNK)
    pictures, scale = levels[level], 0.5**level
    corner = (centre - reach + 0.5) * side + step / 2 - 0.5
    square = np.array([[step, 0, corner[0]], [0, step, corner[1]], [0, 0, 1]])
    shown = _warp(pictures[frame], square, scale, size)[..., :3]
    found, inside = [], []
    for offset in OFFSETS:
        other = frame + offset
        motion = path.between(frame, other) if 0 <= other < len(pictures) else None
        if motion is not None:
            found.append(_warp(pictures[other], motion @ square, scale, size))
            inside.append(_inside(motion @ square, size, side))
    if not found:
        nothing = np.zeros((size, size), np.uint8)
        return shown, shown, nothing, nothing
    looks, inside = np.stack(found), np.stack(inside)
    free = inside & (looks[..., 3] >= 128)
    asked = np.where(free.sum(0) < LEAST_FREE, inside, free)
    # What is not asked is white, which is sorted to the end. Pixels are taken as whole words where they can be: loops
    # over three colours take several times as long.
    words = looks.view(np.uint32)[..., 0] | np.where(asked, np.uint32(0), np.uint32(0xFFFFFFFF))
    words = _sorted(list(words[..., None].view(np.uint8))).view(np.uint32)[..., 0]
    seen = asked.sum(0)
    last = np.maximum(seen - 1, 0)

    def ranked(rank: np.ndarray) -> np.ndarray:
        return np.take_along_axis(words, rank[None], 0)[0][..., None].view(np.uint8)[..., :3]

    # The middle one, or both in the middle; the quartiles to the outside of a quarter.
    middle = (ranked(last // 2).astype(np.uint16) + ranked((last + 1) // 2)) // 2
    behind = np.where((seen > 0)[..., None], middle, shown).astype(np.uint8)
    spread = (ranked(last - last // 4).astype(np.float32) - ranked(last // 4)).mean(-1) * (seen > 0)
    return shown, behind, spread.astype(np.uint8), seen.astype(np.uint8)


def _warp(picture: np.ndarray, motion: np.ndarray, scale: float, size: int) -> np.ndarray:
    """What a square [size, size] shows of a picture that is `scale` times as large as the one that `motion` leads
    to."""
    scaled = motion[:2] * scale
    scaled[:, 2] += (scale - 1) / 2  # a pixel's middle is where it is, not its corner
    return cv2.warpAffine(picture, scaled, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _inside(motion: np.ndarray, size: int, side: int) -> np.ndarray:
    """bool [size, size]: which pixels of a square the motion leads into a picture of `side` pixels."""
    corners = motion[:2] @ np.array([[0, 0, size - 1, size - 1], [0, size - 1, 0, size - 1], [1, 1, 1, 1]])
    if (corners >= 0).all() and (corners <= side - 1).all():
        return np.ones((size, size), np.bool_)
    pixels = np.arange(size)
    x, y = (row[0] * pixels + row[1] * pixels[:, None] + row[2] for row in motion[:2])
    return (x >= 0) & (x <= side - 1) & (y >= 0) & (y <= side - 1)


def _sorted(arrays: list[np.ndarray]) -> np.ndarray:
    """Arrays of one shape, sorted elementwise: as `np.sort` along a first axis.

    Batcher's odd-even merge sort: sixty minima and maxima of whole arrays take a twentieth of the time that sorting
    each pixel's sixteen values takes.
    """
    count, run = len(arrays), 1
    while run < count:
        gap = run
        while gap:
            for start in range(gap % run, count - gap, 2 * gap):
                for low in range(start, min(start + gap, count - gap)):
                    high = low + gap
                    if low // (2 * run) == high // (2 * run):
                        arrays[low], arrays[high] = (
                            np.minimum(arrays[low], arrays[high]),
                            np.maximum(arrays[low], arrays[high]),
                        )
            gap //= 2
        run *= 2
    return np.stack(arrays)
