"""Weights and inputs of the parity check, made as README.md beside it says."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.builders import generated_weight

FOLDER = Path(__file__).parent


@pytest.fixture(scope="session")
def golden() -> dict[str, np.ndarray]:
    """What the authors' published code computes for the same weights and inputs."""
    with np.load(FOLDER / "golden.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def reference_state() -> dict[str, dict[str, Tensor]]:
    """The checkpoint in the published layout."""
    layout = json.loads((FOLDER / "reference_state_dict.json").read_text())
    return {
        module: {name: torch.from_numpy(generated_weight(f"{module}/{name}", shape)) for name, shape in entries.items()}
        for module, entries in layout.items()
    }


@pytest.fixture(scope="session")
def clips() -> tuple[Tensor, Tensor]:
    """Query and exemplar [1, 3, 96, 112, 112]: coarse noise whose contrast rises or falls over the clip."""

    def clip(seed: int, ramp: tuple[float, float]) -> Tensor:
        grain = np.random.default_rng(seed).standard_normal((3, 96, 14, 14)).astype(np.float32)
        picture = grain.repeat(8, axis=2).repeat(8, axis=3)
        return torch.from_numpy(picture * np.linspace(*ramp, 96, dtype=np.float32)[None, :, None, None])[None]

    return clip(1, (0.25, 2.0)), clip(2, (2.0, 0.25))
