"""Search for the diver in the whole frame, and the crop that follows them."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np

from fineparser.analysis.clip_scan import MotionEnergy
from fineparser.analysis.crop_choice import DIVER, CropChoice
from fineparser.domain.clip_geometry import CLIP_FRAMES, CLIP_SIDE, WINDOW_FRAMES
from fineparser.video.framing import Framing

MaskPredictor = Callable[[np.ndarray], np.ndarray]
"""Predicts mask probabilities float [B, 16, 112, 112] of windows uint8 [B, 16, 112, 112, 3]."""

STRIDE = 4
"""The diver is searched in every fourth of the sampled frames."""

MIN_PIXELS = 10
"""Least pixels of a candidate in the network's input."""

JUMP_SCALE = 0.35
"""Heights of the frame by which a diver moves between two searched frames at most, with the camera motion
compensated: a candidate further away is more likely something else."""

MIN_DETECTIONS = 0.5
"""Share of the searched frames in which the diver must be detected."""

CENTRED = (0.16, 0.84)
"""Range of the diver's centre, as shares of the centre crop's sides, in which that crop is kept."""

MIN_ASPECT = 0.7
"""Width over height below which the centre crop, as of an upright frame, is not used."""

EQUAL_BOXES = 0.05
"""Boxes whose edges differ by less than this share of their side count as equal."""

MIN_EXTENT, TARGET_EXTENT = 0.3, 0.5
"""A diver shorter than the first share of the crop's side is too small for good masks and keypoints; the crop is then
sized so that the diver fills the second share. With raised arms that is 110 of the network's 224 pixels, 70 of them
from crown to toes."""

MAX_EXTENT = 0.75
"""A diver who fills more than this share of the crop gets a larger one."""

MIN_SIDE = 64
"""Least side of a crop, source pixels: a smaller one holds no more detail."""

PATH_SMOOTHING = 3.0
"""Standard deviation, in sampled frames, of the Gaussian that smooths the crop's path."""

STATIC_WEIGHT = 0.1
"""Weight of a candidate where nothing moves, relative to one at the frame's motion maximum: divers move more than
railings."""

MIN_MOTION = 0.25
"""Mean motion at the diver's candidates, as a share of each frame's maximum, below which they are not a diver."""

MIN_ENERGY, MIN_ENERGY_AT_REST = 1.0, 0.1
"""Motion energy, grey levels, below which a frame's maximum is ignored: with a camera that moves, since compensation
leaves a rest, and with one that stands still, where a diver of 40 pixels makes little more than the second."""

CAMERA_AT_REST = 0.03
"""Motion of the frame's centre in a clip, heights of the frame, below which the camera stands still."""

STILL_SHARE = 0.05
"""Share of a clip's largest motion energy below which a place stands still throughout, before a camera that does so:
no diver is there."""


@dataclass(frozen=True)
class DiverCandidate:
    """A candidate for the diver in one frame, in source pixels."""

    x: float
    y: float
    """Centre."""
    extent: float
    """Diagonal of the bounding box."""
    weight: float
    """Area times mean probability; reduced where nothing moves."""
    motion: float = 1.0
    """Motion energy as a share of the frame's maximum; NaN where next to nothing moves in the frame."""


def diver_candidates(mask: np.ndarray, box: np.ndarray) -> list[DiverCandidate]:
    """Connected components of one mask, float [112, 112], over the box (x0, y0, x1, y1) of the source."""
    binary = (mask >= 0.5).astype(np.uint8)
    count, labels, stats, centres = cv2.connectedComponentsWithStats(cv2.dilate(binary, np.ones((3, 3), np.uint8)))
    pixel = (box[2:] - box[:2]) / CLIP_SIDE
    candidates = []
    for label in range(1, count):
        component = (labels == label) & (binary > 0)
        if component.sum() >= MIN_PIXELS:
            width, height = stats[label, cv2.CC_STAT_WIDTH], stats[label, cv2.CC_STAT_HEIGHT]
            extent = math.hypot(width * pixel[0], height * pixel[1])
            x, y = box[:2] + (centres[label] + 0.5) * pixel
            # By area on the source: the same diver weighs the same in every crop.
            weight = float(mask[component].sum()) * float(pixel[0] * pixel[1])
            candidates.append(DiverCandidate(float(x), float(y), extent, weight))
    return candidates


def is_camera_at_rest(motion: MotionEnergy) -> bool:
    """True for a camera that stands still."""
    centres = motion.to_first_frame(np.tile([motion.aspect / 2, 0.5], (len(motion.camera), 1)))
    return bool(np.linalg.norm(centres - centres[0], axis=1).max() < CAMERA_AT_REST)


def least_energy(motion: MotionEnergy) -> float:
    """Motion energy below which a frame's maximum is ignored."""
    return MIN_ENERGY_AT_REST if is_camera_at_rest(motion) else MIN_ENERGY


def weighted_by_motion(
    candidate: DiverCandidate, energy: np.ndarray, width: float, height: float, least: float
) -> DiverCandidate:
    """The candidate with the motion at its position.

    Args:
        candidate: in one frame.
        energy: [rows, columns], motion energy of that frame, see `smooth_energy`.
        width, height: of the source frame, pixels.
        least: see `least_energy`.
    """
    highest = float(energy.max())
    if highest < least:
        return replace(candidate, motion=float("nan"))
    motion = energy_at(candidate, energy, width, height) / highest
    return replace(candidate, motion=motion, weight=candidate.weight * (STATIC_WEIGHT + (1 - STATIC_WEIGHT) * motion))


def energy_at(candidate: DiverCandidate, energy: np.ndarray, width: float, height: float) -> float:
    """Motion energy at the position of a candidate; see `weighted_by_motion` for the arguments."""
    rows, columns = energy.shape
    row = min(max(int(candidate.y / height * rows), 0), rows - 1)
    column = min(max(int(candidate.x / width * columns), 0), columns - 1)
    return float(energy[row, column])


def compensated_points(candidates: list[DiverCandidate], camera: np.ndarray, height: float) -> np.ndarray:
    """Candidates of one frame with the camera motion compensated, [k, 2] in heights of the frame.

    Args:
        candidates: k of them, one at least.
        camera: [3, 3], see `MotionEnergy.camera`, of that frame.
        height: of the source frame, pixels.
    """
    points = np.array([[candidate.x, candidate.y, height] for candidate in candidates]) / height
    return (points @ camera.T)[:, :2]


def smooth_energy(motion: MotionEnergy) -> np.ndarray:
    """Motion energy [n, rows, columns], mean over five frames, maximum of each cell and its neighbours."""
    energy = motion.energy
    cells = energy.reshape(len(energy), -1)
    mean_energy = np.stack([np.convolve(cell, np.full(5, 0.2), mode="same") for cell in cells.T], axis=1)
    return np.stack(
        [cv2.dilate(frame, np.ones((3, 3))) for frame in mean_energy.reshape(energy.shape).astype(np.float32)]
    )


def best_chain(
    candidates: list[list[DiverCandidate]], points: list[np.ndarray], jump_scale: float = JUMP_SCALE
) -> list[int]:
    """One candidate of each frame, with large weights and small jumps, by dynamic programming over all chains.

    Args:
        candidates: of each frame, one at least.
        points: [k, 2] of each frame: their positions with the camera motion compensated, in heights of the frame.
        jump_scale: jump between two frames that costs as much as a weight smaller by a factor of e.
    """
    largest = max(one.weight for frame in candidates for one in frame)
    scores = [np.log([one.weight / largest for one in frame]) for frame in candidates]
    total: np.ndarray = scores[0]
    back: list[np.ndarray] = []
    for index in range(1, len(candidates)):
        jump = np.linalg.norm(points[index][:, None] - points[index - 1][None], axis=2) / jump_scale
        score = total[None] - jump**2
        back.append(score.argmax(axis=1))
        total = scores[index] + score.max(axis=1)
    chain = [int(total.argmax())]
    for choices in reversed(back):
        chain.append(int(choices[chain[-1]]))
    return chain[::-1]


@dataclass(frozen=True, eq=False, kw_only=True)
class DiverSearch:
    """The 96 sampled frames of a clip, and a search for the diver in crops of them."""

    frames: np.ndarray
    """uint8 [96, h, w, 3], reduced."""
    scale: float
    """Source pixels in a pixel of `frames`."""
    numbers: np.ndarray
    """[96] source frame numbers."""
    motion: MotionEnergy
    """Of the 96 frames."""
    predict_masks: MaskPredictor
    centre: Framing
    """The centre crop."""

    @property
    def width(self) -> float:
        """Width of the source, pixels."""
        return self.frames.shape[2] * self.scale

    @property
    def height(self) -> float:
        """Height of the source, pixels."""
        return self.frames.shape[1] * self.scale

    def crop(self) -> CropChoice | None:
        """The crop that follows the diver; None where no diver is found.

        Searches the centre crop, then tiles of the whole frame, then closer where the diver is small or not found. A
        diver who stays well inside the centre crop leaves it as it is: the network was trained on it.
        """
        tiles = self._tiles()
        candidates: list[list[DiverCandidate]] = [[] for _ in range(0, CLIP_FRAMES, STRIDE)]
        x0, y0, x1, y1 = box = self.centre.box_at(0)
        if x1 - x0 >= MIN_ASPECT * (y1 - y0):
            candidates = self._search([self.centre])
            if self._is_centred(candidates, box):
                return CropChoice(DIVER, self.numbers[:1], self.centre.boxes)
            # In a frame of 16:9 the middle tile is the centre crop.
            tiles = [tile for tile in tiles if np.abs(np.array(tile) - box).max() > EQUAL_BOXES * (y1 - y0)]
        if tiles:
            candidates = _joined(candidates, self._search([Framing.from_box(*tile) for tile in tiles]))
        path, extent = self._path(candidates)
        side = min(self.width, self.height)
        if path is None:
            closer = self._search([Framing.from_boxes(self._boxes(self._motion_path(), side / 2))])
            path, extent = self._path(closer)
        elif extent < MIN_EXTENT * side:
            closer = self._search([Framing.from_boxes(self._boxes(path, max(extent / TARGET_EXTENT, MIN_SIDE)))])
            path, extent = self._path(_joined(candidates, closer))
        if path is None:
            return None
        if extent < MIN_EXTENT * side:
            side = max(extent / TARGET_EXTENT, MIN_SIDE)
        elif extent > MAX_EXTENT * side:
            side = min(extent / MAX_EXTENT, max(self.width, self.height))
        return CropChoice(DIVER, self.numbers, self._boxes(_smooth(path), side))

    def _tiles(self) -> list[tuple[float, float, float, float]]:
        """Overlapping squares along the longer side that cover the frame."""
        side, length = sorted((self.width, self.height))
        count = 1 if length < 1.1 * side else math.ceil((length / side - 1) / 0.75) + 1
        count += 1 - count % 2  # with one in the middle
        starts = np.linspace(0, length - side, count)
        if self.width >= self.height:
            return [(start, 0.0, start + side, side) for start in starts]
        return [(0.0, start, side, start + side) for start in starts]

    def _search(self, framings: list[Framing]) -> list[list[DiverCandidate]]:
        """Candidates in every fourth sampled frame, in each of the framings."""
        clips = np.stack(
            [
                np.stack(
                    [
                        Framing.from_box(*(framing.box_at(index) / self.scale)).crop(frame)
                        for index, frame in enumerate(self.frames)
                    ]
                )
                for framing in framings
            ]
        )  # [tiles, 96, 112, 112, 3]
        least = least_energy(self.motion)
        windows = clips.reshape(-1, WINDOW_FRAMES, *clips.shape[2:])
        masks = self.predict_masks(windows).reshape(clips.shape[:-1])
        return [
            [
                weighted_by_motion(candidate, self._smooth_energy[index], self.width, self.height, least)
                for framing, mask in zip(framings, masks[:, index], strict=True)
                for candidate in diver_candidates(mask, framing.box_at(index))
                if not self._is_still(candidate)
            ]
            for index in range(0, CLIP_FRAMES, STRIDE)
        ]

    def _is_still(self, candidate: DiverCandidate) -> bool:
        """True where next to nothing moves in the whole clip, before a camera that stands still."""
        highest = self._highest_energy
        if highest is None:
            return False
        return energy_at(candidate, highest, self.width, self.height) < STILL_SHARE * float(highest.max())

    @cached_property
    def _highest_energy(self) -> np.ndarray | None:
        """[rows, columns], over all frames; None where it tells nothing about places."""
        highest = np.asarray(self._smooth_energy.max(axis=0))
        return highest if is_camera_at_rest(self.motion) and highest.max() >= MIN_ENERGY_AT_REST else None

    @cached_property
    def _smooth_energy(self) -> np.ndarray:
        return smooth_energy(self.motion)

    @staticmethod
    def _is_diver(candidates: list[DiverCandidate]) -> bool:
        """True for detections in enough frames that move as divers do rather than as railings."""
        motion = np.array([candidate.motion for candidate in candidates])
        valid = motion[~np.isnan(motion)]
        is_moving = not len(valid) or valid.mean() >= MIN_MOTION
        return len(candidates) >= MIN_DETECTIONS * CLIP_FRAMES / STRIDE and bool(is_moving)

    def _is_centred(self, candidates: list[list[DiverCandidate]], box: np.ndarray) -> bool:
        best = [max(frame, key=lambda candidate: candidate.weight) for frame in candidates if frame]
        if not self._is_diver(best):
            return False
        x = (np.array([candidate.x for candidate in best]) - box[0]) / (box[2] - box[0])
        y = (np.array([candidate.y for candidate in best]) - box[1]) / (box[3] - box[1])
        low, high = CENTRED
        inside = (x > low) & (x < high) & (y > low / 2) & (y < 1 - low / 2)
        extent = np.quantile([candidate.extent for candidate in best], 0.75) / (box[3] - box[1])
        return bool(inside.mean() >= 0.9 and MIN_EXTENT <= extent <= MAX_EXTENT)

    def _path(self, candidates: list[list[DiverCandidate]]) -> tuple[np.ndarray | None, float]:
        """Centre of the diver in the 96 frames, [96, 2] in source pixels, and the diver's extent.

        Follows the best chain of candidates, interpolated where the camera motion is compensated. The path is None
        where no chain is a diver.
        """
        detected = [index for index, frame in enumerate(candidates) if frame]
        if not detected:
            return None, 0.0
        points = [
            compensated_points(candidates[index], self.motion.camera[index * STRIDE], self.height) for index in detected
        ]
        chain = best_chain([candidates[index] for index in detected], points)
        diver = [candidates[index][choice] for index, choice in zip(detected, chain, strict=True)]
        if not self._is_diver(diver):
            return None, 0.0
        frames = np.array(detected) * STRIDE
        centres = np.zeros((CLIP_FRAMES, 2))
        centres[frames] = np.array([[candidate.x, candidate.y] for candidate in diver]) / self.height
        compensated = self.motion.to_first_frame(centres)[frames]
        interpolated = np.stack([np.interp(np.arange(CLIP_FRAMES), frames, axis) for axis in compensated.T], axis=1)
        path = self.motion.from_first_frame(interpolated) * self.height
        return path, float(np.quantile([candidate.extent for candidate in diver], 0.75))

    def _motion_path(self) -> np.ndarray:
        """Centroid of the motion energy, [96, 2] in source pixels, smoothed with its energy as weight."""
        centroids = self.motion.centroids()
        valid = np.isfinite(centroids).all(axis=1)
        if not valid.any():
            return np.tile([self.width / 2, self.height / 2], (CLIP_FRAMES, 1))
        energy = np.where(valid, self.motion.energy.sum(axis=(1, 2)), 0)[:, None]
        total = _smooth(np.repeat(energy, 2, axis=1)) + 1e-9
        median = np.nanmedian(centroids, axis=0)
        weighted = np.where(valid[:, None], centroids, median) * energy + median * 1e-9
        return _smooth(weighted) / total * self.height

    def _boxes(self, path: np.ndarray, side: float) -> np.ndarray:
        """Squares [96, 4] around a path, moved into the frame where they fit."""
        boxes = np.empty((len(path), 4))
        for axis, length in ((0, self.width), (1, self.height)):
            centre = path[:, axis]
            centre = np.clip(centre, side / 2, length - side / 2) if side <= length else np.full(len(path), length / 2)
            boxes[:, axis], boxes[:, axis + 2] = centre - side / 2, centre + side / 2
        return boxes


def _joined(candidates: list[list[DiverCandidate]], others: list[list[DiverCandidate]]) -> list[list[DiverCandidate]]:
    return [one + other for one, other in zip(candidates, others, strict=True)]


def _smooth(path: np.ndarray) -> np.ndarray:
    radius = int(3 * PATH_SMOOTHING)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / PATH_SMOOTHING) ** 2)
    padded = np.pad(path, ((radius, radius), (0, 0)), mode="edge")
    return np.stack([np.convolve(axis, kernel / kernel.sum(), mode="valid") for axis in padded.T], axis=1)
