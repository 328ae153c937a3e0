"""Pictures as the network reads them, against torchvision, and back."""

import numpy as np
import torch
from torchvision.transforms.functional import normalize

from fineparser.model.pictures import denormalise, normalise


def test_normalise_agrees_with_torchvision():
    frames = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    reference = torch.stack(
        [
            normalize(torch.from_numpy(frame).permute(2, 0, 1) / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
            for frame in frames
        ],
        dim=1,
    )
    assert torch.allclose(normalise(frames), reference, atol=1e-5)


def test_what_was_normalised_comes_back():
    frames = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3), dtype=np.uint8)
    back = denormalise(normalise(frames).transpose(0, 1))  # [2, 3, 6, 5]
    np.testing.assert_allclose(back.permute(0, 2, 3, 1) * 255, frames, atol=1e-3)
