"""A clip as OpenCV reads it, with the camera's motion: what looks for places of one frame in others."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from fineparser.model.camera_path import CameraPath
from fineparser.model.pictures import denormalise


@dataclass(frozen=True)
class Filmed:
    """The pictures of one clip, and how the camera moved while it took them."""

    pictures: np.ndarray
    """RGB uint8 [T, H, W, 3]."""
    path: CameraPath
    """Through these pictures."""

    @classmethod
    def of(cls, clip: Tensor) -> "Filmed":
        """From a clip [3, T, H, W], normalised, on any device."""
        pixels = denormalise(clip.detach().float().transpose(0, 1)).mul(255).round().clamp(0, 255).byte()
        pictures = pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()
        return cls(pictures, CameraPath.of(pictures, torch.get_num_threads()))

    @classmethod
    def partly(cls, pictures: np.ndarray, frames: np.ndarray, count: int) -> "Filmed":
        """A clip of `count` frames of which only some are known: the others are black, as the camera stands in the one
        known before.

        Args:
            pictures: RGB uint8 [F, H, W, 3].
            frames: which frames these are, rising.
        """
        path = CameraPath.of(pictures)
        whole = np.zeros((count, *pictures.shape[1:]), np.uint8)
        whole[frames] = pictures
        before = np.maximum(np.searchsorted(frames, np.arange(count), side="right") - 1, 0)
        return cls(whole, CameraPath(path.motions[before], path.shots[before]))
