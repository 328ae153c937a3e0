"""Clips, analysers with an untrained network, and a folder for the user's data."""

import tempfile
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import SIMULATED, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.model.protocol import Encoding
from fineparser.ui.input_panel import scan_upload
from fineparser.video.writer import write_video
from tests.builders import FPS, block_frames, falling_block_clip, noise_encodings, tiny_compact


def placeholder_panel(panel: type) -> Any:
    """A panel whose components are their names: handlers then return updates by name."""
    return panel(**{field.name: field.name for field in fields(panel)})


@pytest.fixture(scope="session")
def falling_block(tmp_path_factory):
    """150 frames of 160 x 96: a block stands, falls from frame 80 to 100, and rests."""
    tops = 5 + (60 * np.clip((np.arange(150) - 80) / 20, 0, 1) ** 2).astype(int)
    return write_video(tmp_path_factory.mktemp("clips") / "falling block.mp4", block_frames(tops), FPS)


@pytest.fixture(scope="session")
def scan(falling_block):
    return scan_upload(falling_block)


@pytest.fixture(scope="session")
def tiny_analyser():
    return DiveAnalyser(tiny_compact())


@pytest.fixture(scope="session")
def proposal(tiny_analyser, scan):
    return tiny_analyser.propose(scan)


@pytest.fixture(scope="session")
def exemplar_clip(tmp_path_factory):
    """40 frames of a block that falls steadily."""
    return falling_block_clip(tmp_path_factory.mktemp("clips") / "my dive.mp4", frames=40)


@pytest.fixture(scope="session")
def encode_noise(tiny_analyser) -> Callable[[int], Encoding]:
    """Encodes a number of clips of noise."""

    return lambda count: noise_encodings(tiny_analyser.model, count)


@pytest.fixture(scope="session")
def noise_bank(tiny_analyser, encode_noise):
    """A bank of a 207C from 10 m and a 103B from 3 m whose encodings are noise."""
    dives = [("207C", 10.0, 3.3, 60.0), ("103B", 3.0, 1.6, 30.0)]
    exemplars = tuple(
        Exemplar(f"bundled-{index}", DiveCode.parse(code), height, difficulty, score, SIMULATED)
        for index, (code, height, difficulty, score) in enumerate(dives)
    )
    return ExemplarBank(exemplars, encode_noise(2), tiny_analyser.model.fingerprint())


@pytest.fixture
def bank_analyser(tiny_analyser, noise_bank):
    return DiveAnalyser(tiny_analyser.model, noise_bank)


@pytest.fixture
def user_home(tmp_path, monkeypatch):
    """The folder of the user's data at home; temporary files and Gradio's cache go to other new folders."""
    monkeypatch.setenv("FINEPARSER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FINEPARSER_PUBLIC", raising=False)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "home"
