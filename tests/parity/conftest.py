"""Weights and inputs of the parity check, made as README.md beside it says."""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

FOLDER = Path(__file__).parent


def weights(key: str, shape: list[int]) -> np.ndarray:
    """One entry of the checkpoint, filled by the generator that its own name seeds."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, dtype=np.int64)
    drawn = rng.standard_normal(shape).astype(np.float32)
    if leaf == "running_mean":
        return 0.1 * drawn
    if leaf == "running_var":
        return 1 + 0.1 * np.abs(drawn)
    if len(shape) == 1:
        return 1 + 0.1 * drawn if leaf == "weight" else 0.1 * drawn
    return drawn * np.float32(np.sqrt(2 / np.prod(shape[1:])))


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
        module: {name: torch.from_numpy(weights(f"{module}/{name}", shape)) for name, shape in entries.items()}
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
