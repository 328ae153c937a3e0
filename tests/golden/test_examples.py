"""Analyses of the bundled example clips give the points and transitions of December 2026.

They were recorded again when dives began to be judged by their measurements, with examples of today's simulator.
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
    assert [vote["exemplar"] for vote in report["votes"]] == golden["exemplars"]
    marks = {phase["phase"]: phase["mark"] for phase in report["judgement"]["phases"]}
    assert marks == pytest.approx(golden["marks"], abs=0.1)
