"""Mask, keypoints and pose features of the diver in each crop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.domain.clip_geometry import ANKLES, HEAD, KNEES, NECK, PELVIS, TOES, WRISTS
from fineparser.model.config import KEYPOINTS, CompactConfig
from fineparser.model.crop_unet import convolution_block, with_skip

SEGMENTS = (
    (PELVIS, NECK),
    (NECK, HEAD),
    (NECK, WRISTS),
    (PELVIS, KNEES),
    (KNEES, ANKLES),
    (ANKLES, TOES),
    (ANKLES, WRISTS),  # the line of the whole body, as it enters the water
)
"""Segments of the body, each from one keypoint to another."""
JOINTS = ((0, 1), (0, 2), (0, 3), (3, 4), (4, 5))
"""Segments that meet in the neck, the shoulders, the hips, the knees and the ankles."""
MIN_LENGTH = 0.03
"""In half sides of the crop, a pixel: the direction of a shorter segment fades with its length."""


def pose_features(keypoints: Tensor) -> Tensor:
    """Directions, lengths and joint angles of the body.

    Faults are angles: from coordinates alone, a network would first have to learn division.

    Args:
        keypoints: [..., 7, 3], see `CropPrediction.keypoints`.

    Returns:
        [..., 31]: direction (x, y) of each segment, its length in half sides of the crop, and cosine and sine of the
        angle at each joint.
    """
    places = keypoints[..., :2]
    starts, ends = zip(*SEGMENTS, strict=True)
    vectors = places[..., ends, :] - places[..., starts, :]  # [..., 7, 2]
    lengths = vectors.norm(dim=-1)
    units = vectors / lengths.clamp_min(MIN_LENGTH)[..., None]
    one, other = (units[..., joined, :] for joined in zip(*JOINTS, strict=True))
    cosines = (one * other).sum(-1)
    sines = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return torch.cat([units.flatten(-2), lengths, cosines, sines], dim=-1)


@dataclass(frozen=True)
class CropPrediction:
    """Mask and keypoints of N crops."""

    mask: Tensor
    """[N, S, S]: logits of the diver's mask in the crop."""
    keypoint_maps: Tensor
    """[N, 7, S / 2, S / 2]: logarithms of the probabilities of each keypoint's position; each map adds up to 1."""

    @property
    def keypoints(self) -> Tensor:
        """[N, 7, 3]: x to the right and y down, -1 to 1 from edge to edge of the crop, and the spread of the position:
        the root mean square distance."""
        probability = self.keypoint_maps.exp()
        size = probability.shape[-1]
        side = (torch.arange(size, device=probability.device) + 0.5) / size * 2 - 1
        columns, rows = probability.sum(-2), probability.sum(-1)
        x, y = columns @ side, rows @ side
        variance = columns @ side.square() - x.square() + rows @ side.square() - y.square()
        return torch.stack([x, y, variance.clamp_min(1e-6).sqrt()], dim=-1)

    @classmethod
    def concatenate(cls, predictions: Sequence["CropPrediction"]) -> Self:
        """Several batches as one."""
        return cls(torch.cat([p.mask for p in predictions]), torch.cat([p.keypoint_maps for p in predictions]))


class CropDecoder(nn.Module):
    """Decodes mask and keypoints from the stages of a `FrameResNet` on crops (not in the paper).

    stem 1/2 ---- stage 1 1/4 ---- stage 2 1/8 ---- stage 3 1/16 ---- stage 4 1/32
      |             |                |                 |                 |
      join <------ join <---------- join <----------- join <-------------/
      |-- 3x3, pixels of 2 x 2 --> mask [S, S]
      \\-- 1x1, softmax over the positions --> 7 keypoints

    The spatial parser's masks come from windows of whole frames, in which a diver is small; most of a crop is diver.
    A keypoint is the mean position of its map (integral regression, Sun et al. 2018), which is finer than the map's
    pixels.
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        first, second, third, last = config.resnet_channels
        # (channels of the coarser map, of the skip connection, of the output)
        joins = ((last, third, third), (third, second, second), (second, first, first), (first, first, first))
        self.joins = nn.ModuleList(convolution_block(coarse + skip, joined) for coarse, skip, joined in joins)
        self.mask = nn.Conv2d(first, 4, 3, padding=1)
        self.keypoints = nn.Conv2d(first, KEYPOINTS, 1)

    def forward(self, stages: list[Tensor]) -> CropPrediction:
        """Decode the five maps of `FrameResNet.stages`."""
        x = stages[-1]
        for join, skip in zip(self.joins, reversed(stages[:-1]), strict=True):
            x = join(with_skip(x, skip))
        mask = functional.pixel_shuffle(self.mask(x).float(), 2)[:, 0]
        maps = self.keypoints(x).float()
        return CropPrediction(mask, maps.flatten(2).log_softmax(-1).view_as(maps))


def with_neighbours(crops: Tensor) -> Tensor:
    """Crops [B, F, C, S, S] of consecutive frames -> [B, F, C + 6, S, S]: the crops, then the colours (the first three
    channels) of the frame before and of the frame after. The first and the last frame are their own neighbours."""
    colours = crops[:, :, :3]
    before = torch.cat([colours[:, :1], colours[:, :-1]], dim=1)
    after = torch.cat([colours[:, 1:], colours[:, -1:]], dim=1)
    return torch.cat([crops, before, after], dim=2)
