"""The background behind the diver: a temporal median of frames that are aligned by the camera motion.

A diver covers a place for a few frames only. With a known camera motion, each place can be found in frames before and
after, where the diver is elsewhere: the median of these is the background, and a difference from it is the diver or
the splash. Railings, posts and spectators, which single frames confuse with a diver, do not differ.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from fineparser.model.crop_track import CropTrack

FRAME_OFFSETS = (-60, -40, -28, -20, -14, -10, -7, -4, 4, 7, 10, 14, 20, 28, 40, 60)
"""Frames from a frame to those that its background comes from: near ones are aligned best, far ones show the places
where the diver waited or entered."""
HALF_SIZE_STEP = 1.6
"""Pixels per pixel of the crop from which on a crop is cut from frames of half the size, against aliasing."""
DILATION = 5
"""Pixels across by which a mask is dilated, since its border is uncertain."""
MIN_FREE_FRAMES = 2
"""Frames that must show a place without the diver; otherwise all frames that show it take part."""


@dataclass(frozen=True)
class Background:
    """T crops of S x S pixels and the background behind them; pixel values from 0 to 255."""

    crops: Tensor
    """[T, 3, S, S]: the frames, RGB; black beyond their edges."""
    background: Tensor
    """[T, 3, S, S]: median of the aligned frames; as in `crops` where there is none."""
    spread: Tensor
    """[T, S, S]: interquartile range of the aligned frames, mean of the colours."""
    count: Tensor
    """[T, S, S]: number of the aligned frames."""

    @classmethod
    def from_clip(
        cls,
        pixels: Tensor,
        masks: Tensor,
        crops: CropTrack,
        camera_motion: tuple[Tensor, Tensor],
        size: int,
        frames: list[int] | None = None,
    ) -> Self:
        """Background of one clip.

        Args:
            pixels: RGB [3, N, H, H], whole numbers from 0 to 255.
            masks: [N, h, h], probabilities of the diver.
            crops: of T frames, a batch of one.
            camera_motion: motions [N, 3, 3] and shots [N], see `ClipInput`.
            size: S.
            frames: indices of the T frames; None: all N.
        """
        motions, shots = camera_motion
        count, side = pixels.shape[1], pixels.shape[-1]
        frames = list(range(count)) if frames is None else frames
        steps = 2 * crops.half_side[0].double() * side / size
        corners = (crops.centre[0] - crops.half_side[0, :, None] + 0.5) * side + (steps[:, None] / 2).float() - 0.5
        placements = torch.zeros(len(frames), 3, 3, dtype=torch.float64, device=pixels.device)
        placements[:, 0, 0] = placements[:, 1, 1] = steps
        placements[:, :2, 2] = corners.double()
        placements[:, 2, 2] = 1
        inverses = torch.linalg.inv(motions)
        shot_numbers, at_half_size = shots.tolist(), (steps >= HALF_SIZE_STEP).tolist()
        whole = torch.cat([pixels.transpose(0, 1), _without_diver(masks, side)[:, None]], dim=1)  # [N, 4, H, H]
        half = functional.avg_pool2d(whole, 2).add_(0.5).floor_() if any(at_half_size) else whole
        outputs = []
        for number, frame in enumerate(frames):
            others = [
                other
                for other in (frame + offset for offset in FRAME_OFFSETS)
                if 0 <= other < count and shot_numbers[other] == shot_numbers[frame]
            ]
            levels, scale = (half, 0.5) if at_half_size[number] else (whole, 1.0)
            motion = motions[others] @ inverses[frame]
            grid = _pixel_grid(torch.cat([placements[number][None], motion @ placements[number]]), size)
            samples = _sample(levels, [frame, *others], grid, scale)
            crop = samples[0, :3]
            if others:
                outputs.append((crop, *_median(samples[1:], _inside(grid[1:], side), crop)))
            else:
                nothing = crop.new_zeros(size, size)
                outputs.append((crop, crop, nothing, nothing))
        return cls(*(torch.stack(values) for values in zip(*outputs, strict=True)))


def _without_diver(masks: Tensor, side: int) -> Tensor:
    """[N, side, side]: 255 where the masks [N, h, h] show nobody, 0 where the diver certainly is."""
    large = functional.interpolate(masks[:, None].float(), (side, side), mode="bilinear", align_corners=False)
    levels = torch.nan_to_num(large).mul(255).floor()
    for kernel in ((DILATION, 1), (1, DILATION)):  # one axis after the other: fewer comparisons
        levels = functional.max_pool2d(levels, kernel, stride=1, padding=(kernel[0] // 2, kernel[1] // 2))
    return 255 - levels[:, 0]


def _pixel_grid(placements: Tensor, size: int) -> Tensor:
    """Coordinates (x, y) [K, size, size, 2] to which placements [K, 3, 3] map the pixels of a crop."""
    pixels = torch.arange(size, dtype=placements.dtype, device=placements.device)
    along_x = pixels[:, None] * placements[:, None, None, :2, 0]
    along_y = pixels[:, None, None] * placements[:, None, None, :2, 1]
    return along_x + (along_y + placements[:, None, None, :2, 2])


def _sample(levels: Tensor, frames: list[int], grid: Tensor, scale: float) -> Tensor:
    """Crops [K, 4, size, size] of K of the frames [N, 4, H, H], which are `scale` times as large as those that the
    coordinates [K, size, size, 2] refer to; bilinear, rounded, zero beyond the edges."""
    # Whole numbers are the centres of pixels; for `grid_sample`, -1 and 1 are those of the first and the last one.
    last = levels.shape[-1] - 1
    relative = (grid * (2 * scale / last) + ((scale - 1) / last - 1)).float()
    samples = [
        functional.grid_sample(levels[frame : frame + 1], relative[number : number + 1], align_corners=True)
        for number, frame in enumerate(frames)
    ]
    return torch.cat(samples).round_()


def _inside(grid: Tensor, side: int) -> Tensor:
    """bool [K, size, size]: pixels of crops whose coordinates [K, size, size, 2] lie inside frames of `side` pixels."""
    corners = grid[:, :: grid.shape[1] - 1, :: grid.shape[2] - 1]
    if ((corners >= 0) & (corners <= side - 1)).all():  # the coordinates are affine
        return torch.ones(grid.shape[:3], dtype=torch.bool, device=grid.device)
    return ((grid >= 0) & (grid <= side - 1)).all(-1)


def _median(aligned: Tensor, inside: Tensor, crop: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Median [3, S, S], interquartile range and count [S, S] of aligned crops [K, 4, S, S] inside their frames.

    Where no frame shows a place, the crop [3, S, S] stands for the median.
    """
    free = inside & (aligned[:, 3] >= 128)
    taken = torch.where(free.sum(0) < MIN_FREE_FRAMES, inside, free)
    # As bytes, of which a CPU compares four times as many at once. What is not taken is sorted to the end.
    ordered = sort_along_first_axis(aligned[:, :3].byte().masked_fill(~taken[:, None], 255))
    count = taken.sum(0)
    last = (count - 1).clamp_min(0)

    def ranked(rank: Tensor) -> Tensor:
        return ordered.gather(0, rank.expand(1, 3, -1, -1))[0].to(crop.dtype)

    median = ((ranked(last // 2) + ranked((last + 1) // 2)) / 2).floor()
    spread = (ranked(last - last // 4) - ranked(last // 4)).mean(0).floor()
    is_covered = count > 0
    return median.where(is_covered, crop), spread.where(is_covered, 0), count.to(crop.dtype)


def sort_along_first_axis(values: Tensor) -> Tensor:
    """Values [K, ...] sorted along the first axis.

    Batcher's odd-even merge sort: for K = 16, sixty minima and maxima of whole tensors take a fifteenth of the time of
    `torch.sort`, which sorts each element's sixteen values by itself.
    """
    rows, run = list(values.unbind()), 1
    while run < len(rows):
        gap = run
        while gap:
            for start in range(gap % run, len(rows) - gap, 2 * gap):
                for low in range(start, min(start + gap, len(rows) - gap)):
                    high = low + gap
                    if low // (2 * run) == high // (2 * run):
                        lower = torch.minimum(rows[low], rows[high])
                        rows[high] = torch.maximum(rows[low], rows[high])
                        rows[low] = lower
            gap //= 2
        run *= 2
    return torch.stack(rows)
