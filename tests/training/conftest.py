"""Simulated dives on disk, small enough to train on within a test, and the smallest network."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from fineparser.model.config import FineParserConfig
from fineparser.simulator.dive import simulate
from fineparser.training.options import TrainOptions

DIVES = (("405B", 3, 0.3), ("405B", 3, 0.9), ("107B", 3, 0.4), ("107B", 3, 0.8))
"""Number, height and level of the divers."""


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in one order, here as in the processes that tests start."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def dives(tmp_path_factory) -> Path:
    """A labelled clip folder of four simulated dives, two of each number; the score is read off the diver's level."""
    root = tmp_path_factory.mktemp("dives")
    rows = []
    for number, (code, height, level) in enumerate(DIVES):
        dive = simulate(100 + number, code=code, height=height, level=level, synchro=False)
        folder = root / f"dive{number}"
        folder.mkdir()
        for index, frame in enumerate(dive.frames):
            cv2.imwrite(str(folder / f"{index:05d}.jpg"), frame[..., ::-1])
        np.savez_compressed(root / f"dive{number}.npz", mask=dive.masks)
        rows.append(
            {
                "clip": folder.name,
                "dive_code": code,
                "height": height,
                "difficulty": dive.difficulty,
                "score": round(30 * level * dive.difficulty, 2),
                "start_frame": 0,
                "end_frame": 95,
                "flight_frame": dive.transitions.flight,
                "entry_frame": dive.transitions.entry,
                "mask": f"dive{number}.npz",
            }
        )
    write_table(root, rows)
    return root


def write_table(root: Path, rows: list[dict]) -> None:
    """dives.csv of a clip folder."""
    with (root / "dives.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def relabelled(dives, tmp_path):
    """Makes a folder of the same clips with other labels: `relabelled(lambda row: ..., keep=3)`."""

    def make(change, keep: int = len(DIVES)) -> Path:
        root = tmp_path / "relabelled"
        root.mkdir()
        with (dives / "dives.csv").open() as file:
            rows = list(csv.DictReader(file))[:keep]
        for row in rows:
            for name in filter(None, (row["clip"], row["mask"])):
                if (dives / name).is_dir():
                    (root / name).mkdir()
                    for frame in (dives / name).iterdir():
                        (root / name / frame.name).hardlink_to(frame)
                else:
                    (root / name).hardlink_to(dives / name)
        write_table(root, [row | change(row) for row in rows])
        return root

    return make


@pytest.fixture(scope="session")
def smallest() -> FineParserConfig:
    """The tiny network with six windows instead of nine, its outlines as they are drawn and its entry not read."""
    return replace(FineParserConfig.tiny(), window_stride=16, refiner_channels=(), entry_channels=())


@pytest.fixture(scope="session")
def refining(smallest) -> FineParserConfig:
    """The same, which refines its outlines: that takes longer than all the rest of it."""
    return replace(smallest, refiner_channels=FineParserConfig.tiny().refiner_channels)


@pytest.fixture(scope="session")
def reading(smallest) -> FineParserConfig:
    """The smallest, which draws and reads the entry."""
    return replace(smallest, entry_channels=FineParserConfig.tiny().entry_channels)


@pytest.fixture(scope="session")
def config_file(tmp_path_factory, smallest) -> str:
    """The smallest as a file."""
    return written(tmp_path_factory.mktemp("config") / "smallest.json", smallest)


@pytest.fixture(scope="session")
def refining_file(tmp_path_factory, refining) -> str:
    """The one that refines as a file."""
    return written(tmp_path_factory.mktemp("config") / "refining.json", refining)


@pytest.fixture(scope="session")
def reading_file(tmp_path_factory, reading) -> str:
    """The one that reads the entry as a file."""
    return written(tmp_path_factory.mktemp("config") / "reading.json", reading)


@pytest.fixture(scope="session")
def whole_file(tmp_path_factory, reading, refining) -> str:
    """One with all parts, as a file."""
    config = replace(reading, refiner_channels=refining.refiner_channels)
    return written(tmp_path_factory.mktemp("config") / "whole.json", config)


def written(path: Path, config: FineParserConfig) -> str:
    path.write_text(json.dumps(config.to_json()))
    return str(path)


@pytest.fixture
def options(dives, config_file, tmp_path) -> TrainOptions:
    """Two epochs of two steps on the simulated dives."""
    return TrainOptions(
        data=(f"clips:{dives}",),
        out=tmp_path / "run",
        config=config_file,
        epochs=2,
        batch_size=2,
        device="cpu",
        progress=False,
    )
