"""Analyses of the bundled example clips give the points and transitions of December 2026.

They were recorded again when the transitions began to be decoded under physics and the examples with today's simulated
springboard: all eight transitions are within two frames of the truth.
"""

import json

import pytest

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.data.example_clips import EXAMPLES

from .conftest import GOLDEN

pytestmark = pytest.mark.slow

POINTS = 0.01
"""Points by which a score may differ."""


@pytest.fixture(scope="module")
def analyser() -> DiveAnalyser:
    return DiveAnalyser.from_pretrained()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_report(analyser, example):
    golden = json.loads((GOLDEN / "examples.json").read_text())[example.name]
    report = analyser.analyse(example.path, code=example.code, height=example.height).to_json()
    for name in ("total", "execution"):
        for end in ("value", "low", "high"):
            assert report[name][end] == pytest.approx(golden[name][end], abs=POINTS + 0.005)
    for name, transition in golden["transitions"].items():
        assert report["transitions"][name]["frame"] == transition["frame"]
    assert [vote["exemplar"] for vote in report["votes"]] == [vote["exemplar"] for vote in golden["votes"]]
    assert [vote["score"] for vote in report["votes"]] == pytest.approx(
        [vote["score"] for vote in golden["votes"]], abs=POINTS + 0.005
    )
    for phase, points in golden["breakdown"]["by_phase"].items():
        assert report["breakdown"]["by_phase"][phase] == pytest.approx(points, abs=POINTS)
