"""Golden outputs of commit d6cfcb6: weights drawn by name, clips, and the networks made of them."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from fineparser.data.clip_input import clip_input
from fineparser.model.checkpoint import PretrainedNetwork, build_network, convert_config, convert_state
from fineparser.model.protocol import ClipInput, Provenance, normalise
from tests.builders import generated_weight

GOLDEN = Path(__file__).parent


def arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(GOLDEN / f"{name}.npz") as file:
        return dict(file)


def state(name: str) -> dict[str, Tensor]:
    """State dict of the tiny "compact" or "paper" network in the layout of version 0.1."""
    layout = json.loads((GOLDEN / f"tiny_{name}_layout.json").read_text())
    return {key: torch.from_numpy(generated_weight(key, shape)) for key, shape in layout.items()}


def network(name: str) -> PretrainedNetwork:
    """The tiny "compact" or "paper" network, converted from the layout of version 0.1."""
    config = convert_config(json.loads((GOLDEN / f"tiny_{name}_config.json").read_text()))
    model = build_network(config, Provenance("golden", ("SynDive",)))
    model.load_state_dict(convert_state(state(name), config))
    return model.eval()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in the order in which they were recorded."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def clips() -> ClipInput:
    """Two simulated dives of 32 x 32 pixels."""
    return clip_input(torch.stack([normalise(frames) for frames in arrays("tiny_clips")["frames"]]))
