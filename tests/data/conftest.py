"""Dives whose frames show their number, made without files."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from fineparser.data.dives import Dive, Location
from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.faults import Faults


@dataclass
class ConstantFrames:
    """Frame n is filled with the value n; the mask covers the left half of it."""

    height: int = 112
    width: int = 200
    requests: list = field(default_factory=list)

    def read(self, numbers):
        self.requests.append(list(numbers))
        values = np.asarray(numbers, dtype=np.uint8)[:, None, None, None]
        return np.broadcast_to(values, (len(numbers), self.height, self.width, 3)).copy()

    def read_masks(self, numbers):
        masks = np.zeros((len(numbers), self.height, self.width), dtype=bool)
        masks[:, :, : self.width // 2] = True
        return masks


@dataclass
class BrokenFrames:
    """Frames that cannot be read."""

    def read(self, numbers):
        raise ValueError("00007.jpg is not an image")

    read_masks = read


def make_dive(name="a", code=None, **labels) -> Dive:
    defaults = {
        "id": name,
        "source": "constant",
        "split": "train",
        "frames": ConstantFrames(),
        "location": Location(Path("dives.csv"), line=2),
        "first_frame": 0,
        "last_frame": 95,
        "code": None if code is None else DiveCode.parse(code),
    }
    return Dive(**(defaults | labels))


@pytest.fixture(name="make_dive")
def make_dive_fixture():
    return make_dive


@pytest.fixture
def broken_frames():
    return BrokenFrames()


@dataclass(frozen=True)
class StubMotion:
    """The part of a simulated motion that the data package uses."""

    sub_actions: tuple = ((-1.0, 1), (0.0, 17), (1.0, 36))


@dataclass(frozen=True)
class StubPlan:
    """A planned dive that renders at once: source frame n is grey 2 n, the diver is the upper half."""

    seed: int = 0
    split: str = "train"
    code: DiveCode = field(default_factory=lambda: DiveCode.parse("107B"))
    height: float = 10
    difficulty: float = 3.0
    score: float = 72.0
    awards: tuple = (8.0,) * 7
    faults: tuple = (Faults(splash=0.45),)
    noise_free_award: float = 8.0
    times: np.ndarray = field(default_factory=lambda: np.arange(-20, 60) / 25)
    motions: tuple = (StubMotion(),)
    renders: list = field(default_factory=list)

    def render(self, lines, width, numbers):
        self.renders.append(np.asarray(numbers).tolist())
        assert np.all(np.diff(numbers) > 0)  # the simulator asks for rising numbers
        wide = {None: lines, "full": round(lines * 200 / 112)}[width]
        grey = (2 * np.asarray(numbers, dtype=np.uint8))[:, None, None, None]
        frames = np.broadcast_to(grey, (len(numbers), lines, wide, 3)).copy()
        masks = np.zeros((len(numbers), lines, wide), bool)
        masks[:, : lines // 2] = True
        return frames, masks


@pytest.fixture
def stub_plan():
    return StubPlan


@pytest.fixture
def stub_motion():
    return StubMotion
