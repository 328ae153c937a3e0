"""Pictures as cameras give them and as the network reads them."""

import numpy as np
import torch

IMAGE_MEAN = (0.485, 0.456, 0.406)
IMAGE_SD = (0.229, 0.224, 0.225)
"""Of ImageNet's pictures, by which the published network's are normalised."""


def denormalise(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures [..., 3, H, W] that the network reads as shares of full brightness, 0 to 1: the way back."""
    mean, sd = (torch.tensor(values, device=pictures.device).view(3, 1, 1) for values in (IMAGE_MEAN, IMAGE_SD))
    return pictures * sd + mean


def normalise(frames: np.ndarray) -> torch.Tensor:
    """Frames uint8 [T, H, W, 3] as the network reads them: float32 [3, T, H, W], ImageNet's mean and SD."""
    tensor = torch.from_numpy(np.ascontiguousarray(frames.transpose(3, 0, 1, 2))).float()
    mean = torch.tensor(IMAGE_MEAN).view(3, 1, 1, 1) * 255
    sd = torch.tensor(IMAGE_SD).view(3, 1, 1, 1) * 255
    return tensor.sub_(mean).div_(sd)
