import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks import model as benchmark
from benchmarks.machine import matrix_rate
from benchmarks.model import (
    ModelBenchmark,
    ScoringRun,
    count_operations,
    differences,
    measure,
    rounding_effects,
    table,
)
from fineparser.model.config import FineParserConfig
from fineparser.model.paper import FineParser

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def result() -> dict:
    """Two votes with the tiny network, whose clips are 32 pixels wide, so not of the simulator."""
    rng = np.random.default_rng(0)

    class Dive:
        frames = rng.integers(0, 255, (96, 32, 32, 3), dtype=np.uint8)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "simulate", lambda seed, split, lines: Dive())
        patch.setattr(benchmark, "matrix_rate", partial(matrix_rate, size=128))
        return measure(ModelBenchmark(networks=("tiny",), votes=2, clock="processor"))


def test_the_implementation_scores_like_the_published_protocol(result):
    numbers = result["networks"]["tiny"]["float32"]
    assert numbers["relative_score_difference"] < 1e-5
    assert numbers["relative_delta_difference"] < 1e-3
    assert numbers["relative_mask_logit_difference"] < 1e-3
    assert numbers["transition_difference"] == 0


def test_ratios_follow_from_the_seconds(result):
    numbers = result["networks"]["tiny"]
    optimised = numbers["float32"]
    assert optimised["ratio"] == pytest.approx(numbers["published"]["fastest_seconds"] / optimised["seconds"])
    least = numbers["operations"] / optimised["matrix_rate"]
    assert optimised["times_minimum"] == pytest.approx(optimised["seconds"] / least)


def test_precisions_are_compared_with_float32(result):
    numbers = result["networks"]["tiny"]
    assert numbers["float32"]["compared_dives"] == 2
    assert numbers["float32"]["max_score_change"] == numbers["float32"]["max_transition_change"] == 0
    if "bf16" in numbers:
        assert 0 < numbers["bf16"]["max_score_change"] < 5
        assert "bf16 changes the scores of 2 dives" in table(result)


def test_rounding_effects_are_the_greatest_changes():
    def scorer(scores, transitions):
        bank = SimpleNamespace(transitions=torch.tensor(transitions))
        return SimpleNamespace(bank=bank, exemplar_scores=lambda true_scores: true_scores + torch.tensor(scores))

    effects = rounding_effects(
        scorer([1.0, -2.0], [[3, 40], [5, 60]]), scorer([0.5, 1.0], [[3, 44], [6, 60]]), torch.zeros(2)
    )
    assert effects == {"compared_dives": 2, "max_score_change": 3.0, "max_transition_change": 4}


def test_results_are_plain_and_fill_a_table(result):
    assert json.loads(json.dumps(result)) == result
    rows = [row for row in table(result).splitlines() if row.startswith("|")]
    assert len(rows) == 2 + len(result["networks"]["tiny"]) - 1  # the head, and a row for every way to score
    assert all(row.count("|") == rows[0].count("|") for row in rows)


def test_operations_of_a_network_whose_first_layer_alone_is_known():
    config = FineParserConfig.tiny()
    operations = count_operations(FineParser(config).eval(), torch.zeros(1, 3, 96, 32, 32))
    outputs = 9 * 8 * 16 * 16 * config.i3d_channels(64)
    both_stems = 2 * 2 * outputs * 3 * 7**3
    assert both_stems < operations < 10 * both_stems


def test_differences_are_relative_to_the_greatest_value():
    def run(score: float, shift: float) -> ScoringRun:
        deltas = torch.tensor([1.0, -4.0]) + shift
        return ScoringRun(
            seconds=1.0,
            score=score,
            deltas=deltas,
            mask_logits=deltas.clone(),
            transitions=torch.tensor([[30, 60]]) + int(4 * shift),
        )

    result = differences(run(50.5, 0.5), run(50.0, 0.0))
    assert result["score_difference"] == 0.5
    assert result["relative_score_difference"] == pytest.approx(0.01)
    assert result["relative_delta_difference"] == result["relative_mask_logit_difference"] == pytest.approx(0.125)
    assert result["transition_difference"] == 2


def test_impossible_options_are_refused():
    with pytest.raises(ValueError, match="one of wall, processor, not 'sun'"):
        ModelBenchmark(clock="sun")
    with pytest.raises(ValueError, match="at least one exemplar"):
        ModelBenchmark(votes=0)
