import json
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fineparser.bench import model as bench
from fineparser.bench.machine import matrix_rate
from fineparser.bench.model import (
    ModelBenchOptions,
    Scoring,
    bench_model,
    count_operations,
    differences,
    moves,
    table,
)
from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser


@pytest.fixture(scope="module")
def result() -> dict:
    """Two votes with the tiny network, whose clips are 32 pixels wide, so not of the simulator."""
    rng = np.random.default_rng(0)

    class Dive:
        frames = rng.integers(0, 255, (96, 32, 32, 3), dtype=np.uint8)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "simulate", lambda seed, split, lines: Dive())
        patch.setattr(bench, "matrix_rate", partial(matrix_rate, size=128))
        return bench_model(ModelBenchOptions(networks=("tiny",), votes=2, clock="processor"))


def test_ours_scores_as_the_published_protocol_does(result):
    figures = result["networks"]["tiny"]["float32"]
    assert figures["relative_score_difference"] < 1e-5
    assert figures["relative_delta_difference"] < 1e-3
    assert figures["relative_mask_logit_difference"] < 1e-3
    assert figures["transition_difference"] == 0


def test_ratios_follow_from_the_seconds(result):
    figures = result["networks"]["tiny"]
    ours = figures["float32"]
    assert ours["ratio"] == pytest.approx(figures["published"]["seconds_at_best"] / ours["seconds"])
    least = figures["operations"] / ours["matrix_rate"]
    assert ours["times_operations_over_rate"] == pytest.approx(ours["seconds"] / least)


def test_a_precision_is_held_against_the_finest_one(result):
    figures = result["networks"]["tiny"]
    assert figures["float32"]["moved_dives"] == 2
    assert figures["float32"]["greatest_score_move"] == figures["float32"]["greatest_transition_move"] == 0
    if "bf16" in figures:
        assert 0 < figures["bf16"]["greatest_score_move"] < 5
        assert "bf16 moves no score of 2 dives" in table(result)


def test_moves_are_the_greatest_ones():
    def shortcut(scores, transitions):
        bank = SimpleNamespace(transitions=torch.tensor(transitions))
        return SimpleNamespace(bank=bank, judged=lambda exemplar_scores: exemplar_scores + torch.tensor(scores))

    found = moves(shortcut([1.0, -2.0], [[3, 40], [5, 60]]), shortcut([0.5, 1.0], [[3, 44], [6, 60]]), torch.zeros(2))
    assert found == {"moved_dives": 2, "greatest_score_move": 3.0, "greatest_transition_move": 4}


def test_results_are_plain_and_fill_a_table(result):
    assert json.loads(json.dumps(result)) == result
    rows = [row for row in table(result).splitlines() if row.startswith("|")]
    assert len(rows) == 2 + len(result["networks"]["tiny"]) - 1  # a head, and a row for every way to score
    assert all(row.count("|") == rows[0].count("|") for row in rows)


def test_operations_of_a_network_whose_first_layer_alone_is_known():
    config = FineParserConfig.tiny()
    operations = count_operations(FineParser(config).eval(), torch.zeros(1, 3, 96, 32, 32))
    outputs = 9 * 8 * 16 * 16 * config.i3d_channels(64)
    both_stems = 2 * 2 * outputs * 3 * 7**3
    assert both_stems < operations < 10 * both_stems


def test_differences_are_relative_to_the_greatest_value():
    def scoring(score: float, shift: float) -> Scoring:
        deltas = torch.tensor([1.0, -4.0]) + shift
        return Scoring(1.0, score, deltas, deltas.clone(), torch.tensor([[30, 60]]) + int(4 * shift))

    found = differences(scoring(50.5, 0.5), scoring(50.0, 0.0))
    assert found["score_difference"] == 0.5
    assert found["relative_score_difference"] == pytest.approx(0.01)
    assert found["relative_delta_difference"] == found["relative_mask_logit_difference"] == pytest.approx(0.125)
    assert found["transition_difference"] == 2


def test_impossible_options_are_refused():
    with pytest.raises(ValueError, match="one of wall, processor, not 'sun'"):
        ModelBenchOptions(clock="sun")
    with pytest.raises(ValueError, match="at least one exemplar"):
        ModelBenchOptions(votes=0)
