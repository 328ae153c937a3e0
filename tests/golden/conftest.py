"""Golden outputs of commit d6cfcb6: weights drawn by name, clips, and the networks made of them."""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.model.pictures import normalise
from fineparser.model.weights import Provenance

GOLDEN = Path(__file__).parent


def filled(key: str, shape: list[int]) -> np.ndarray:
    """An entry of a state dict, drawn from a generator that its own name seeds (as in tests/parity)."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    drawn = rng.standard_normal(shape).astype(np.float32)
    if leaf == "running_mean":
        return 0.1 * drawn
    if leaf == "running_var":
        return 1 + 0.1 * np.abs(drawn)
    if len(shape) == 1:
        return 1 + 0.1 * drawn if leaf == "weight" else 0.1 * drawn
    return drawn * np.float32(np.sqrt(2 / np.prod(shape[1:])))


def arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{name}.npz") as file:
        return dict(file)


def state(name: str) -> dict[str, Tensor]:
    """State dict of the tiny "compact" or "paper" network in the layout of version 0.1."""
    layout = json.loads((GOLDEN / f"tiny_{name}_layout.json").read_text())
    return {key: torch.from_numpy(filled(key, shape)) for key, shape in layout.items()}


def network(name: str) -> FineParser:
    """The tiny "compact" or "paper" network."""
    config = json.loads((GOLDEN / f"tiny_{name}_config.json").read_text())
    model = FineParser(FineParserConfig.from_json(config), Provenance("golden", ("SynDive",)))
    model.load_state_dict(state(name))
    return model.eval()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in the order in which they were recorded."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def clips() -> Tensor:
    """Two simulated dives [2, 3, 96, 32, 32], normalised."""
    return torch.stack([normalise(frames) for frames in arrays("tiny_clips")["frames"]])
