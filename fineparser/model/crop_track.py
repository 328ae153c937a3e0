"""The crop around the diver, frame by frame: from masks, and between crops and whole frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

CENTRE_SMOOTHING, SIZE_SMOOTHING = 1.5, 4.0
"""Standard deviations, in frames, over which centres and sizes are smoothed: a jumping crop would look like motion."""
HALF_SIDE_OVER_SPREAD = 2.6
"""Half side of the crop over the mask's spread (root mean square distance from its centre). A straight line ends at 1.7
times its spread; the crop also shows the surroundings: board, water and splash."""
MIN_HALF_SIDE = 0.1
"""Half side of the smallest crop, as a share of the frame's side: a smaller one would show more blur than diver."""
MAX_AREA = 0.02
"""Share of the frame up to which a mask's weight grows with its area: a splash does not weigh more than a diver."""
FRAME_CENTRE_WEIGHT = 1e-3
"""Weight of the frame's centre, as a share of the frame: it decides where no diver is visible in or near a frame."""
_TINY = 1e-6


@dataclass(frozen=True)
class CropTrack:
    """Square crops in T frames of B clips; lengths are shares of the frame's side, the origin is its centre."""

    centre: Tensor
    """[B, T, 2]: x to the right, y down, -0.5 to 0.5."""
    half_side: Tensor
    """[B, T]: half the side of the crop."""

    @classmethod
    def from_masks(cls, probability: Tensor) -> Self:
        """Crops around the diver, smoothed over time, from mask probabilities [B, T, H, W].

        A pixel counts by the square of its probability. Computed in 32 bits, also under autocast: centres would be off
        by a pixel.
        """
        with torch.autocast(probability.device.type, enabled=False):
            area, place, variance, _ = _moments(probability.float())
            weight = area.clamp_max(MAX_AREA)
            total = smooth(weight, CENTRE_SMOOTHING)[..., None]
            centre = smooth(weight[..., None] * place, CENTRE_SMOOTHING) / (total + FRAME_CENTRE_WEIGHT)
            spread = variance.sum(-1).clamp_min(_TINY).sqrt()
            total = smooth(weight, SIZE_SMOOTHING)
            half_side = HALF_SIDE_OVER_SPREAD * smooth(weight * spread, SIZE_SMOOTHING) + 0.5 * FRAME_CENTRE_WEIGHT
            return cls(centre, (half_side / (total + FRAME_CENTRE_WEIGHT)).clamp(MIN_HALF_SIDE, 0.5))

    def flip(self) -> Self:
        """The same crops in mirrored frames."""
        return type(self)(self.centre * self.centre.new_tensor([-1, 1]), self.half_side)

    def enlarge(self, factor: float) -> Self:
        """Crops around the same centres with sides `factor` times as long."""
        return type(self)(self.centre, self.half_side * factor)

    def select_frames(self, frames: Tensor | slice | list[int]) -> Self:
        """The crops of some of the frames, the same in every clip."""
        return type(self)(self.centre[:, frames], self.half_side[:, frames])

    def __len__(self) -> int:
        return len(self.centre)

    def __iter__(self) -> Iterator[Self]:
        """The crops of each clip, as a batch of one."""
        return map(type(self), self.centre.split(1), self.half_side.split(1))

    def crop(self, frames: Tensor, size: int) -> Tensor:
        """Frames [B, C, T, H, W] -> crops [B * T, C, size, size]; zeros beyond the frame.

        Where a crop is reduced, pixels are averaged.
        """
        rows, columns = (self._taps(axis, frames.shape[3 + (axis == 0)], size) for axis in (1, 0))  # [B, T, size, H]
        by_frame = frames.transpose(1, 2)  # [B, T, C, H, W]
        narrow = by_frame @ columns[:, :, None].transpose(-1, -2).to(by_frame.dtype)
        return (rows[:, :, None].to(by_frame.dtype) @ narrow).flatten(0, 1)

    def paste(self, crops: Tensor, frames: Tensor) -> Tensor:
        """Crops [B, T, S, S] pasted into frames [B, T, H, W], which keep their values outside; in 32 bits."""
        (rows, in_rows), (columns, in_columns) = (
            self._taps_back(axis, frames.shape[3 - axis], crops.shape[-1]) for axis in (1, 0)
        )
        with torch.autocast(crops.device.type, enabled=False):
            pasted = rows @ crops.float() @ columns.transpose(-1, -2)
        return pasted.where(in_rows[..., :, None] & in_columns[..., None, :], frames.float())

    def measures(self, probability: Tensor) -> Tensor:
        """Position and shape of masks [B, T, H, W]: [B, T, 9]: area (logarithm), centre, spread along x, along y and
        across of the mask of this very frame, centre and half side (logarithm) of the crop."""
        area, place, variance, covariance = _moments(probability)
        measures = [
            area.add(1e-4).log()[..., None] / 4 + 1,
            place,
            variance.sqrt() * 4,
            covariance[..., None] * 40,
            self.centre,
            # As a logarithm, like the area: their difference over time is the size of the splash beside the diver's.
            (self.half_side[..., None] * 4).log(),
        ]
        return torch.cat(measures, -1)

    def _taps_back(self, axis: int, length: int, size: int) -> tuple[Tensor, Tensor]:
        """Weights of the crop's pixels in each row or column of the frame, [B, T, length, size], and which of these the
        crop covers, [B, T, length]."""
        pixels = (torch.arange(length, device=self.half_side.device) + 0.5) / length - 0.5
        steps = (pixels - self.centre[..., axis, None]) / self.half_side[..., None]  # -1 to 1 in the crop
        positions, taken = (steps + 1) / 2 * size, torch.arange(size, device=self.half_side.device) + 0.5
        width = (size / (2 * self.half_side * length)).clamp_min(1)[..., None, None]
        # Each by the share of the pixel that it covers: with wider weights thin arms would fade.
        taps = (0.5 + width / 2 - (positions[..., None] - taken).abs()).clamp(0, 1)
        return taps / taps.sum(-1, keepdim=True).clamp_min(_TINY), steps.abs() <= 1

    def _taps(self, axis: int, length: int, size: int) -> Tensor:
        """Weights of the frame's rows or columns in each of the crop's, [B, T, size, length]."""
        steps = (torch.arange(size, device=self.half_side.device) + 0.5) / size * 2 - 1
        positions = (self.centre[..., axis, None] + self.half_side[..., None] * steps + 0.5) * length  # in pixels
        pixels = torch.arange(length, device=self.half_side.device) + 0.5
        width = (2 * self.half_side * length / size).clamp_min(1)[..., None, None]  # pixels to one of the crop
        taps = (1 - (positions[..., None] - pixels).abs() / width).clamp_min(0)
        return taps / taps.sum(-1, keepdim=True).clamp_min(_TINY)


def _moments(probability: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Area [B, T], centre and variances [B, T, 2], covariance [B, T] of masks; lengths in sides of the frame."""
    weight = probability.square()
    side = torch.linspace(-0.5, 0.5, probability.shape[-1], device=weight.device)
    rows, columns = weight.mean(-1), weight.mean(-2)  # [B, T, H], [B, T, W]
    area = columns.mean(-1)  # [B, T]
    share = area.clamp_min(_TINY)
    place = torch.stack([(columns * side).mean(-1), (rows * side).mean(-1)], -1) / share[..., None]
    second = torch.stack([(columns * side**2).mean(-1), (rows * side**2).mean(-1)], -1) / share[..., None]
    variance = (second - place**2).clamp_min(0)
    covariance = ((weight * side).mean(-1) * side).mean(-1) / share - place.prod(-1)
    return area, place, variance, covariance


def smooth(values: Tensor, spread: float) -> Tensor:
    """Values [B, T] or [B, T, C] under a Gaussian over time; frames beyond the ends count as 0."""
    radius = round(3 * spread)
    offsets = torch.arange(-radius, radius + 1, device=values.device)
    kernel = torch.exp(-0.5 * (offsets / spread) ** 2)
    rows = values[:, None] if values.ndim == 2 else values.transpose(1, 2)  # [B, C, T]
    kernels = (kernel / kernel.sum()).to(values).expand(rows.shape[1], 1, -1)
    smoothed = functional.conv1d(rows, kernels, padding=radius, groups=rows.shape[1])
    return smoothed[:, 0] if values.ndim == 2 else smoothed.transpose(1, 2)
