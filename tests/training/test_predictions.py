"""Predicted scores and their metrics."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from fineparser.data.dives import Card
from fineparser.domain.dive_code import DiveCode
from fineparser.model.compact import CompactFineParser
from fineparser.model.protocol import Encoding
from fineparser.training.encoded_dives import EncodedDives
from fineparser.training.metrics.masks import MASK_METRICS
from fineparser.training.predictions import ScorePrediction, choose_exemplars, measure_predictions, predict_scores

CODES = ("107B", "107B", "405B", "107B", "405B", "107B")


def collection(smallest, *, codes=CODES, scores=None, seed=0, prefix="dive"):
    """Dives of random encodings; the score of dive i is 50 + 5 i unless given."""
    count = len(codes)
    generator = torch.Generator().manual_seed(seed)
    parsed = [None if code is None else DiveCode.parse(code) for code in codes]
    scores = [50.0 + 5 * index for index in range(count)] if scores is None else scores
    difficulty = torch.tensor([{"107B": 3.1, "405B": 3.0, None: torch.nan}[code] for code in codes])
    cards = tuple(
        Card(f"{prefix}{index}", code, 3, None if code is None else float(level), is_scored=not np.isnan(score))
        for index, (code, level, score) in enumerate(zip(parsed, difficulty, scores, strict=True))
    )
    tokens = smallest.token_width
    encodings = Encoding(
        dynamic=torch.rand(count, 3, 4, tokens, generator=generator),
        transition_probabilities=torch.rand(count, 96, 2, generator=generator),
        transitions=torch.tensor([[30, 70]] * count),
        static=torch.rand(count, 3, 4, tokens, generator=generator),
    )
    return EncodedDives(
        name="dives",
        cards=cards,
        encodings=encodings,
        scores=torch.tensor(scores),
        difficulty=difficulty,
        transitions=torch.tensor([[30.0, 70.0]] * count),
        frame_numbers=torch.arange(96).expand(count, -1),
        mask_values=torch.full((count, len(MASK_METRICS)), torch.nan),
        noise_free_award=torch.full((count,), torch.nan),
        deductions=torch.full((count, 13), torch.nan),
    )


@pytest.fixture(scope="module")
def model(smallest):
    torch.manual_seed(0)
    return CompactFineParser(smallest).eval()


def test_a_vote_is_the_score_of_the_exemplar_plus_the_difference(smallest, model):
    dives = collection(smallest)
    choices = choose_exemplars(dives.cards, dives, count=2, seed=1)
    predictions = predict_scores(model, dives, dives, choices)
    for place, (prediction, chosen) in enumerate(zip(predictions, choices, strict=True)):
        for vote, choice in zip(prediction.votes, chosen, strict=True):
            pair = dives.encodings.select([place]), dives.encodings.select([choice.index])
            with torch.no_grad():
                delta = model.compare(*pair, dives.difficulty[place]).delta
            ratio = dives.difficulty[place] / dives.difficulty[choice.index]
            assert vote == pytest.approx((dives.scores[choice.index] * ratio + delta[0]).item(), rel=1e-5)
        assert prediction.exemplars == tuple(choice.exemplar for choice in chosen)
        carried = [
            (dives.scores[choice.index] * dives.difficulty[place] / dives.difficulty[choice.index]).item()
            for choice in chosen
        ]
        assert sum(prediction.points_by_phase) == pytest.approx(prediction.score - np.mean(carried), abs=1e-3)
        assert len(prediction.points_by_phase) == 3


def test_exemplars_have_the_same_number_and_are_never_the_dive_itself(smallest):
    dives = collection(smallest)
    for card, chosen in zip(dives.cards, choose_exemplars(dives.cards, dives, count=10, seed=0), strict=True):
        assert len(chosen) == CODES.count(str(card.code)) - 1
        for choice in chosen:
            assert dives.card(choice.index).code == card.code
            assert choice.exemplar != card.id


def test_the_choice_is_seeded(smallest):
    dives = collection(smallest)

    def chosen(seed):
        return [[c.index for c in some] for some in choose_exemplars(dives.cards, dives, count=1, seed=seed)]

    assert chosen(3) == chosen(3)
    assert len({str(chosen(seed)) for seed in range(8)}) > 1


def test_without_scored_dives_or_a_dive_number_there_are_no_votes(smallest, model):
    unscored = collection(smallest, scores=[float("nan")] * 6)
    dives = collection(smallest)
    assert choose_exemplars(dives.cards, unscored, count=3, seed=0) == [[]] * 6
    unknown = collection(smallest, codes=(None,) * 2, prefix="unknown")
    assert choose_exemplars(unknown.cards, dives, count=3, seed=0) == [[]] * 2
    predictions = predict_scores(model, unknown, dives, [[], []])
    assert predictions == [ScorePrediction()] * 2
    assert np.isnan(predictions[0].score)


def test_a_prediction_is_the_mean_of_its_votes():
    prediction = ScorePrediction(tuple(float(vote) for vote in range(11)), ("x",) * 11, "same dive number")
    assert prediction.score == 5.0
    assert prediction.interval == pytest.approx((1.0, 9.0))


def test_metrics_of_predictions(smallest):
    """Against SciPy on the same numbers; transitions 2 and 4 frames off, masks unknown."""
    dives = collection(smallest)
    rng = np.random.default_rng(0)
    votes = dives.scores.numpy() + rng.normal(scale=8, size=6)
    predictions = [ScorePrediction((vote - 1, vote + 1), ("x", "y"), "same dive number") for vote in votes]
    dives.encodings.transitions[:] = torch.tensor([32, 66])
    metrics = {m.name: m for m in measure_predictions(dives, predictions, resamples=200)}
    true, difficulty = dives.scores.numpy(), dives.difficulty.numpy()
    assert metrics["spearman"].value == pytest.approx(spearmanr(votes, true).statistic)
    assert metrics["spearman_execution"].value == pytest.approx(
        spearmanr(votes / difficulty, true / difficulty).statistic
    )
    assert metrics["r_l2_x100"].value == pytest.approx(100 * np.mean(((votes - true) / 25) ** 2), rel=1e-5)
    assert metrics["r_l2_x100"].note == "range 50 to 75, of the evaluated true scores"
    assert metrics["interval_coverage"].value == pytest.approx(np.mean(np.abs(votes - true) <= 0.8))
    assert (metrics["tiou@0.5"].value, metrics["tiou@0.75"].value) == (1.0, 1.0)  # 34 frames of 40
    assert metrics["transition_error_frames"].value == 3.0
    assert metrics["mask_iou"].value is None
    assert metrics["spearman"].low <= metrics["spearman"].value <= metrics["spearman"].high


def test_the_ceiling_is_that_of_a_judge_without_noise(smallest):
    rng = np.random.default_rng(0)
    awards, difficulty = rng.uniform(4, 9, 40), rng.choice([2.0, 3.0], 40)
    scores = 3 * difficulty * (awards + rng.normal(0, 0.5, 40))
    queries = replace(
        collection(smallest, codes=("107B",) * 40),
        scores=torch.tensor(scores),
        difficulty=torch.tensor(difficulty),
        noise_free_award=torch.tensor(awards),
    )
    metrics = {
        m.name: m.value
        for m in measure_predictions(queries, [ScorePrediction((50.0 + i,), ("x",), "") for i in range(40)])
    }
    assert metrics["spearman_execution_ceiling"] == pytest.approx(spearmanr(awards, scores / difficulty)[0])
    assert metrics["spearman_ceiling"] == pytest.approx(spearmanr(awards * difficulty, scores)[0])
    without_votes = {m.name: m.value for m in measure_predictions(queries, [ScorePrediction((), (), "")] * 40)}
    assert without_votes["spearman_ceiling"] is None
