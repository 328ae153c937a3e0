"""Where the diver is, frame by frame, and the picture cut out around that place."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

PLACE_SPREAD, SIZE_SPREAD = 1.5, 4.0
"""Standard deviations, in frames, over which places and sizes are smoothed: a cut that jumps would look like motion."""
REACH = 2.6
"""Half side of the cut over the mask's spread (root mean square distance from its centre). A straight line ends at 1.7
times its spread: what is around the diver, board, water and splash, has to be seen as well."""
LEAST_REACH = 0.1
"""Half side of the smallest cut, as a share of the picture's: below it there would be more blur than diver."""
DOUBT = 1e-3
"""Share of the picture that the middle of the picture weighs: where no diver is seen in or near a frame, it decides."""
_TINY = 1e-6


@dataclass(frozen=True)
class DiverFocus:
    """Where the diver is in T frames of B clips; lengths are shares of the picture's side, the origin is its middle."""

    centre: Tensor
    """[B, T, 2]: x to the right, y down, -0.5 to 0.5, smoothed over time."""
    reach: Tensor
    """[B, T]: half the side of the square to look at, smoothed over time."""

    @classmethod
    def of(cls, probability: Tensor) -> "DiverFocus":
        """From mask probabilities [B, T, H, W]; what is doubtful counts by the square of its probability.

        In 32 bits, also where autocast would halve them: places would be off by a pixel.
        """
        with torch.autocast(probability.device.type, enabled=False):
            return cls._followed(probability.float())

    @classmethod
    def _followed(cls, probability: Tensor) -> "DiverFocus":
        mass, place, variance, _ = _moments(probability)
        # A frame counts by its diver, but a splash that fills the picture no more than a diver does.
        certainty = mass.clamp_max(0.02)
        known = smooth(certainty, PLACE_SPREAD)[..., None]
        centre = smooth(certainty[..., None] * place, PLACE_SPREAD) / (known + DOUBT)
        spread = variance.sum(-1).clamp_min(_TINY).sqrt()
        known = smooth(certainty, SIZE_SPREAD)
        reach = (REACH * smooth(certainty * spread, SIZE_SPREAD) + 0.5 * DOUBT) / (known + DOUBT)
        return cls(centre, reach.clamp(LEAST_REACH, 0.5))

    @property
    def mirrored(self) -> "DiverFocus":
        """The same in pictures whose left and right have changed places."""
        return DiverFocus(self.centre * self.centre.new_tensor([-1, 1]), self.reach)

    def __iter__(self) -> Iterator["DiverFocus"]:
        """Each clip's, as a batch of one."""
        return map(DiverFocus, self.centre.split(1), self.reach.split(1))

    def cut(self, pictures: Tensor, size: int) -> Tensor:
        """Pictures [B, C, T, H, W] -> what the squares show, [B * T, C, size, size]; zeros beyond the picture's edge.

        Where a square is shrunk, pixels are averaged.
        """
        rows, columns = (self._taps(axis, pictures.shape[3 + (axis == 0)], size) for axis in (1, 0))  # [B, T, size, H]
        frames = pictures.transpose(1, 2)  # [B, T, C, H, W]
        narrow = frames @ columns[:, :, None].transpose(-1, -2).to(frames.dtype)
        return (rows[:, :, None].to(frames.dtype) @ narrow).flatten(0, 1)

    def paste(self, squares: Tensor, pictures: Tensor) -> Tensor:
        """Squares [B, T, S, S], as `cut` shows them, laid over pictures [B, T, H, W], which stay where no square is; in
        32 bits."""
        (rows, tall), (columns, wide) = (
            self._taps_back(axis, pictures.shape[3 - axis], squares.shape[-1]) for axis in (1, 0)
        )
        with torch.autocast(squares.device.type, enabled=False):
            laid = rows @ squares.float() @ columns.transpose(-1, -2)
        return laid.where(tall[..., :, None] & wide[..., None, :], pictures.float())

    def measures(self, probability: Tensor) -> Tensor:
        """Where and how masks [B, T, H, W] lie, [B, T, 9]: area (logarithm), centre, spread along x, along y and across
        of the mask in this very frame, centre and reach (logarithm) of the square."""
        mass, place, variance, across = _moments(probability)
        measures = [
            mass.add(1e-4).log()[..., None] / 4 + 1,
            place,
            variance.sqrt() * 4,
            across[..., None] * 40,
            self.centre,
            # As a logarithm, like the area: over time their differences tell how large a splash is for its diver.
            (self.reach[..., None] * 4).log(),
        ]
        return torch.cat(measures, -1)

    def _taps_back(self, axis: int, length: int, size: int) -> tuple[Tensor, Tensor]:
        """What each pixel of a cut counts in each row or column of the picture, [B, T, length, size], and which of
        these the square shows, [B, T, length]."""
        pixels = (torch.arange(length, device=self.reach.device) + 0.5) / length - 0.5
        steps = (pixels - self.centre[..., axis, None]) / self.reach[..., None]  # -1 to 1 in the square
        places, taken = (steps + 1) / 2 * size, torch.arange(size, device=self.reach.device) + 0.5
        wide = (size / (2 * self.reach * length)).clamp_min(1)[..., None, None]
        # As much of each as the pixel covers: thin arms would fade between neighbours that count beyond it.
        taps = (0.5 + wide / 2 - (places[..., None] - taken).abs()).clamp(0, 1)
        return taps / taps.sum(-1, keepdim=True).clamp_min(_TINY), steps.abs() <= 1

    def _taps(self, axis: int, length: int, size: int) -> Tensor:
        """What each pixel of a row or column counts in each of the cut's: [B, T, size, length]."""
        steps = (torch.arange(size, device=self.reach.device) + 0.5) / size * 2 - 1
        places = (self.centre[..., axis, None] + self.reach[..., None] * steps + 0.5) * length  # in pixels
        pixels = torch.arange(length, device=self.reach.device) + 0.5
        wide = (2 * self.reach * length / size).clamp_min(1)[..., None, None]  # pixels to one of the cut
        taps = (1 - (places[..., None] - pixels).abs() / wide).clamp_min(0)
        return taps / taps.sum(-1, keepdim=True).clamp_min(_TINY)


def _moments(probability: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of masks: area [B, T], centre and variances [B, T, 2], covariance [B, T]; lengths in sides of the picture."""
    weight = probability.square()
    side = torch.linspace(-0.5, 0.5, probability.shape[-1], device=weight.device)
    rows, columns = weight.mean(-1), weight.mean(-2)  # [B, T, H], [B, T, W]
    mass = columns.mean(-1)  # [B, T]
    share = mass.clamp_min(_TINY)
    place = torch.stack([(columns * side).mean(-1), (rows * side).mean(-1)], -1) / share[..., None]
    squares = torch.stack([(columns * side**2).mean(-1), (rows * side**2).mean(-1)], -1) / share[..., None]
    variance = (squares - place**2).clamp_min(0)
    across = ((weight * side).mean(-1) * side).mean(-1) / share - place.prod(-1)
    return mass, place, variance, across


def smooth(values: Tensor, spread: float) -> Tensor:
    """Values [B, T] or [B, T, C] under a Gaussian over time; frames beyond the ends count as 0."""
    reach = round(3 * spread)
    offsets = torch.arange(-reach, reach + 1, device=values.device)
    kernel = torch.exp(-0.5 * (offsets / spread) ** 2)
    rows = values[:, None] if values.ndim == 2 else values.transpose(1, 2)  # [B, C, T]
    kernels = (kernel / kernel.sum()).to(values).expand(rows.shape[1], 1, -1)
    smoothed = functional.conv1d(rows, kernels, padding=reach, groups=rows.shape[1])
    return smoothed[:, 0] if values.ndim == 2 else smoothed.transpose(1, 2)
