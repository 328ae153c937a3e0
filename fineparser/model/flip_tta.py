"""Flip test-time augmentation: predictions for a clip are averaged with those for its mirror image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from fineparser.model.crop_track import CropTrack


@dataclass(frozen=True)
class CropPass:
    """Output of one pass of a network over the crops of B clips."""

    track: Tensor
    """[B, 96, 445]: static features, temporal features and measures of the masks."""
    probabilities: Tensor
    """[B, 96, 2]: of the transitions."""
    masks: Tensor
    """[B, 96, 112, 112]: probabilities of the masks decoded in the crops."""


@dataclass(frozen=True)
class FlipTTA:
    """Both passes over B clips: of the clips, and of their mirror images."""

    tracks: Tensor
    """[B, 2, 96, 445]."""
    probabilities: Tensor
    """[B, 96, 2]: mean of both."""
    masks: Tensor
    """[B, 96, 112, 112]: mean of both, those of the mirror image mirrored back."""

    @classmethod
    def from_pass(
        cls, one_pass: Callable[[Tensor, Tensor, CropTrack], CropPass], frames: Tensor, window_masks: Tensor
    ) -> Self:
        """Run a pass twice; the crops of the second follow the masks of the first, and so are centred better.

        Args:
            one_pass: takes frames, masks and crops.
            frames: [B, 3, 96, H, W].
            window_masks: [B, 96, 112, 112], probabilities of the spatial parser's masks.
        """
        first = one_pass(frames, window_masks, CropTrack.from_masks(window_masks))
        decoded = first.masks.detach()
        # The mean of both masks: those of windows see more of the scene, decoded ones are sharper but sometimes astray.
        guide = (window_masks + decoded) / 2
        second = one_pass(frames.flip(-1), guide.flip(-1), CropTrack.from_masks(decoded).flip())
        return cls(
            torch.stack([first.track, second.track], dim=1),
            (first.probabilities + second.probabilities) / 2,
            (first.masks + second.masks.flip(-1)) / 2,
        )
