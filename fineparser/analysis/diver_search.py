"""Where the diver is in the whole picture, and the window that follows."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from fineparser.analysis.look import Look, best_chain, looks_at
from fineparser.analysis.motion import Motion
from fineparser.analysis.window import DIVER, Window
from fineparser.domain.phases import CLIP_FRAMES, WINDOW_FRAMES
from fineparser.video.framing import Framing

Outliner = Callable[[np.ndarray], np.ndarray]
"""Windows of frames uint8 [B, 16, 112, 112, 3] to probabilities of diver float [B, 16, 112, 112]."""

STARTS = tuple(range(0, CLIP_FRAMES, WINDOW_FRAMES))
"""First of the 96 sampled frames of each window that is looked at: together they are all of them."""

EVERY = 4
"""Of a window's frames so many are taken for one place of the diver."""

FOUND = 0.5
"""Share of the looks in which a diver must be seen."""

COMFORTABLE = (0.16, 0.84)
"""Between these shares of the published window's width and height the diver's middle is well placed in it."""

SQUEEZED = 0.7
"""A published window whose width is a smaller share of its height, as of an upright picture, shows nobody well."""

SAME = 0.05
"""Boxes whose edges differ by less of the side show the same."""

SMALL, GOOD_SIZE = 0.22, 0.36
"""A diver shorter than the first share of the window's side is too small to be outlined well; then the window is made
so small that the diver fills the second."""

LARGE = 0.75
"""A diver who fills more of the window gets a larger one."""

FINEST = 64
"""Pixels of the source across a window, at least: smaller ones show nothing more."""

FOLLOWED = 3.0
"""Sampled frames over which the window's way is smoothed."""

RESTING = 0.1
"""Weight of a candidate where nothing moves, over that of one where most does: divers move more than railings."""

MOVING = 0.25
"""Share of the liveliest place's movement that the diver's own place has in the lively frames, on average."""

LIVELY = 1.0
"""Grey levels by which the liveliest place of a frame differs from the frame before, for the frame to tell at all."""


@dataclass(frozen=True, eq=False)
class DiverSearch:
    """The 96 sampled frames of a clip and what finds divers in windows of them."""

    pictures: np.ndarray
    """uint8 [96, h, w, 3], reduced."""
    scale: float
    """Source pixels in a pixel of the pictures."""
    numbers: np.ndarray
    """[96] source frame numbers."""
    motion: Motion
    """Of the 96 frames."""
    outline: Outliner
    centre: Framing
    """The published window."""

    @property
    def width(self) -> float:
        """Of the source picture, pixels."""
        return self.pictures.shape[2] * self.scale

    @property
    def height(self) -> float:
        """Of the source picture, pixels."""
        return self.pictures.shape[1] * self.scale

    def window(self) -> Window | None:
        """The window that follows the diver; None where the diver is not found.

        A diver whom the published window shows well leaves it as it is: the network has learnt from that.
        """
        tiles = self._tiles()
        seen: list[list[Look]] = [[] for _ in range(0, CLIP_FRAMES, EVERY)]
        x0, y0, x1, y1 = box = self.centre.box_at(0)
        if x1 - x0 >= SQUEEZED * (y1 - y0):
            seen = self._looks([self.centre])
            if self._comfortable(seen, box):
                return Window(DIVER, self.numbers[:1], self.centre.boxes)
            # In a picture of 16:9 it is the middle tile, too.
            tiles = [tile for tile in tiles if np.abs(np.array(tile) - box).max() > SAME * (y1 - y0)]
        if tiles:
            there = self._looks([Framing.box(*tile) for tile in tiles])
            seen = [a + b for a, b in zip(seen, there, strict=True)]
        path, extent = self._path(seen)
        side = min(self.width, self.height)
        if path is None or extent < SMALL * side:
            # Closer, where the diver seems to be or, without any trace, where most moves.
            near = self._movers() if path is None else path
            close = side / 2 if path is None else max(extent / GOOD_SIZE, FINEST)
            closer = self._looks([Framing.moving(self._boxes(near, close))])
            seen = closer if path is None else [a + b for a, b in zip(seen, closer, strict=True)]
            path, extent = self._path(seen)
        if path is None:
            return None
        if extent < SMALL * side:
            side = max(extent / GOOD_SIZE, FINEST)
        elif extent > LARGE * side:
            side = min(extent / LARGE, max(self.width, self.height))
        return Window(DIVER, self.numbers, self._boxes(_smooth(path), side))

    def _tiles(self) -> list[tuple[float, float, float, float]]:
        """Squares along the longer side that cover the picture and overlap."""
        side, length = sorted((self.width, self.height))
        count = 1 if length < 1.1 * side else math.ceil((length / side - 1) / 0.75) + 1
        count += 1 - count % 2  # with one in the middle
        starts = np.linspace(0, length - side, count)
        if self.width >= self.height:
            return [(start, 0.0, start + side, side) for start in starts]
        return [(0.0, start, side, start + side) for start in starts]

    def _looks(self, framings: list[Framing]) -> list[list[Look]]:
        """Candidates in every fourth sampled frame, through each of the framings."""
        clips = np.stack(
            [
                np.stack(
                    [
                        Framing.box(*(framing.box_at(index) / self.scale)).crop(picture)
                        for index, picture in enumerate(self.pictures)
                    ]
                )
                for framing in framings
            ]
        )  # [tiles, 96, 112, 112, 3]
        windows = clips.reshape(-1, WINDOW_FRAMES, *clips.shape[2:])
        masks = self.outline(windows).reshape(clips.shape[:-1])
        return [
            [
                self._weighed(look, index)
                for framing, mask in zip(framings, masks[:, index], strict=True)
                for look in looks_at(mask, framing.box_at(index))
            ]
            for index in range(0, CLIP_FRAMES, EVERY)
        ]

    def _weighed(self, look: Look, index: int) -> Look:
        """The candidate with what moves at its place."""
        around = self._liveliness[index]
        most = float(around.max())
        if most < LIVELY:
            return replace(look, moves=float("nan"))
        row = min(max(int(look.y / self.height * around.shape[0]), 0), around.shape[0] - 1)
        column = min(max(int(look.x / self.width * around.shape[1]), 0), around.shape[1] - 1)
        moves = float(around[row, column]) / most
        return replace(look, moves=moves, weight=look.weight * (RESTING + (1 - RESTING) * moves))

    @cached_property
    def _liveliness(self) -> np.ndarray:
        """What moves in and next to each cell around the time of each frame, [96, rows, columns]."""
        over_time = np.stack([np.convolve(cell, np.full(5, 0.2), mode="same") for cell in self._cells.T], axis=1)
        shape = self.motion.activity.shape
        return np.stack([cv2.dilate(frame, np.ones((3, 3))) for frame in over_time.reshape(shape).astype(np.float32)])

    @property
    def _cells(self) -> np.ndarray:
        return self.motion.activity.reshape(CLIP_FRAMES, -1)

    @staticmethod
    def _is_diver(looks: list[Look]) -> bool:
        """Whether so many looks see something, and it moves as divers do rather than as railings."""
        moves = np.array([look.moves for look in looks])
        told = moves[~np.isnan(moves)]
        return len(looks) >= FOUND * CLIP_FRAMES / EVERY and (not len(told) or told.mean() >= MOVING)

    def _comfortable(self, seen: list[list[Look]], box: np.ndarray) -> bool:
        best = [max(looks, key=lambda look: look.weight) for looks in seen if looks]
        if not self._is_diver(best):
            return False
        x = (np.array([look.x for look in best]) - box[0]) / (box[2] - box[0])
        y = (np.array([look.y for look in best]) - box[1]) / (box[3] - box[1])
        low, high = COMFORTABLE
        inside = (x > low) & (x < high) & (y > low / 2) & (y < 1 - low / 2)
        extent = np.quantile([look.extent for look in best], 0.75) / (box[3] - box[1])
        return inside.mean() >= 0.9 and SMALL <= extent <= LARGE

    def _path(self, seen: list[list[Look]]) -> tuple[np.ndarray | None, float]:
        """The diver's middle in the 96 frames, [96, 2] in source pixels, and the usual length; None where unseen.

        Of the candidates of all looks the chain is taken that shows most and jumps least on a still picture.
        """
        places = [index for index, looks in enumerate(seen) if looks]
        if not places:
            return None, 0.0
        chain = best_chain([seen[index] for index in places], [self._still(seen[i], i * EVERY) for i in places])
        looks = [seen[index][choice] for index, choice in zip(places, chain, strict=True)]
        if not self._is_diver(looks):
            return None, 0.0
        frames = np.array(places) * EVERY
        points = np.array([[look.x, look.y] for look in looks])
        still = self.motion.on_first(self._at_frames(points / self.height, frames))[frames]
        between = np.stack([np.interp(np.arange(CLIP_FRAMES), frames, axis) for axis in still.T], axis=1)
        path = self.motion.on_own(between) * self.height
        return path, float(np.quantile([look.extent for look in looks], 0.75))

    def _still(self, looks: list[Look], frame: int) -> np.ndarray:
        """Candidates of one frame on the picture that stands still, [k, 2] in heights."""
        points = np.array([[look.x, look.y, self.height] for look in looks]) / self.height
        return (points @ self.motion.camera[frame].T)[:, :2]

    @staticmethod
    def _at_frames(points: np.ndarray, frames: np.ndarray) -> np.ndarray:
        """Points of some frames as rows of an array for all 96."""
        rows = np.zeros((CLIP_FRAMES, 2))
        rows[frames] = points
        return rows

    def _movers(self) -> np.ndarray:
        """Where most moves, [96, 2] in source pixels, smoothed and weighed by how much it is."""
        centres = self.motion.centres()
        seen = np.isfinite(centres).all(axis=1)
        if not seen.any():
            return np.tile([self.width / 2, self.height / 2], (CLIP_FRAMES, 1))
        strength = np.where(seen, self.motion.activity.sum(axis=(1, 2)), 0)[:, None]
        total = _smooth(np.repeat(strength, 2, axis=1)) + 1e-9
        middle = np.nanmedian(centres, axis=0)
        return _smooth(np.where(seen[:, None], centres, middle) * strength + middle * 1e-9) / total * self.height

    def _boxes(self, path: np.ndarray, side: float) -> np.ndarray:
        """Squares [96, 4] around a path, moved into the picture where they fit."""
        boxes = np.empty((len(path), 4))
        for axis, length in ((0, self.width), (1, self.height)):
            middle = path[:, axis]
            middle = np.clip(middle, side / 2, length - side / 2) if side <= length else np.full(len(path), length / 2)
            boxes[:, axis], boxes[:, axis + 2] = middle - side / 2, middle + side / 2
        return boxes


def _smooth(path: np.ndarray) -> np.ndarray:
    reach = int(3 * FOLLOWED)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / FOLLOWED) ** 2)
    padded = np.pad(path, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(axis, kernel / kernel.sum(), mode="valid") for axis in padded.T], axis=1)
