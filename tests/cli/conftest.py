"""A short clip and a tiny network with a bank, on disk."""

import numpy as np
import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.simulated_exemplars import simulate_exemplars
from fineparser.video.writer import write_video
from tests.builders import tiny_compact


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    frames = np.full((50, 90, 120, 3), 60, np.uint8)
    for number, frame in enumerate(frames):
        frame[number : number + 30, 50:70] = (220, 180, 150)
    path = tmp_path_factory.mktemp("clip") / "dive.mp4"
    write_video(path, frames, 30000 / 1001)
    return path


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A tiny network with a bank of two exemplars, on disk."""
    folder = tmp_path_factory.mktemp("checkpoint")
    model = tiny_compact()
    model.save_pretrained(folder)
    simulate_exemplars(model, [(DiveCode.parse("103B"), 3.0)], 2).save(folder / "bank.safetensors")
    return folder
