"""A clip and an analyser whose network has learnt nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.ui.upload import look_through
from fineparser.video.writing import write_video

FPS = 25.0


@pytest.fixture(scope="session")
def falling_block(tmp_path_factory):
    """150 frames of 160 x 96: a block that stands, falls from frame 80 to 100, and rests."""
    frames = np.full((150, 96, 160, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        top = 5 + int(60 * np.clip((number - 80) / 20, 0, 1) ** 2)
        frame[top : top + 20, 70:90] = (230, 190, 160)
    path = tmp_path_factory.mktemp("clips") / "falling block.mp4"
    write_video(path, frames, FPS)
    return path


@pytest.fixture(scope="session")
def survey(falling_block):
    return look_through(falling_block)


@pytest.fixture(scope="session")
def tiny_analyser():
    torch.manual_seed(0)
    return DiveAnalyser(FineParser(replace(FineParserConfig.tiny(), image_size=112)))


@pytest.fixture(scope="session")
def proposed(tiny_analyser, survey):
    return tiny_analyser.propose(survey)
