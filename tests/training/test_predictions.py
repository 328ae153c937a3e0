"""Votes and what they are worth."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from scipy.stats import spearmanr

from fineparser.data.dives import Card
from fineparser.domain.dive_code import DiveCode
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import EncodedDives
from fineparser.training.mask_metrics import MASK_METRICS
from fineparser.training.predictions import NOBODY, Verdict, choose_exemplars, judge, measure

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
    tokens = smallest.static_channels[-1] // 8
    encodings = ClipEncoding(
        dynamic=torch.rand(count, 3, 4, tokens, generator=generator),
        transition_probabilities=torch.rand(count, 96, 2, generator=generator),
        transitions=torch.tensor([[30, 70]] * count),
        static=torch.rand(count, 3, 4, tokens, generator=generator),
        window_starts=smallest.window_starts,
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
        deserved=torch.full((count,), torch.nan),
        deductions=torch.full((count, 13), torch.nan),
    )


@pytest.fixture(scope="module")
def model(smallest):
    torch.manual_seed(0)
    return FineParser(smallest).eval()


def test_a_vote_is_the_exemplars_score_and_the_difference(smallest, model):
    dives = collection(smallest)
    choices = choose_exemplars(dives.cards, dives, count=2, seed=1)
    verdicts = judge(model, dives, dives, choices, Accelerator(cpu=True))
    for place, (verdict, chosen) in enumerate(zip(verdicts, choices, strict=True)):
        for vote, choice in zip(verdict.votes, chosen, strict=True):
            pair = dives.encodings.select([place]), dives.encodings.select([choice.index])
            with torch.no_grad():
                delta = model.compare(*pair, dives.difficulty[place]).delta
            ratio = dives.difficulty[place] / dives.difficulty[choice.index]
            assert vote == pytest.approx((dives.scores[choice.index] * ratio + delta[0]).item(), rel=1e-5)
        assert verdict.exemplars == tuple(choice.exemplar for choice in chosen)
        carried = [
            (dives.scores[choice.index] * dives.difficulty[place] / dives.difficulty[choice.index]).item()
            for choice in chosen
        ]
        assert sum(verdict.parts) == pytest.approx(verdict.score - np.mean(carried), abs=1e-3)
        assert len(verdict.parts) == 3


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


def test_without_a_scored_dive_or_a_dive_number_nobody_votes(smallest, model):
    unscored = collection(smallest, scores=[float("nan")] * 6)
    dives = collection(smallest)
    assert choose_exemplars(dives.cards, unscored, count=3, seed=0) == [[]] * 6
    unknown = collection(smallest, codes=(None,) * 2, prefix="unknown")
    assert choose_exemplars(unknown.cards, dives, count=3, seed=0) == [[]] * 2
    verdicts = judge(model, unknown, dives, [[], []], Accelerator(cpu=True))
    assert verdicts == [Verdict((), (), NOBODY)] * 2
    assert np.isnan(verdicts[0].score)


def test_a_verdict_is_the_mean_and_the_middle_of_its_votes():
    verdict = Verdict(tuple(float(vote) for vote in range(11)), ("x",) * 11, "same dive number")
    assert verdict.score == 5.0
    assert verdict.interval == pytest.approx((1.0, 9.0))


def test_metrics_of_the_verdicts(smallest):
    """Against SciPy on the same numbers; transitions 2 and 4 frames off, masks unknown."""
    dives = collection(smallest)
    rng = np.random.default_rng(0)
    votes = dives.scores.numpy() + rng.normal(scale=8, size=6)
    verdicts = [Verdict((vote - 1, vote + 1), ("x", "y"), "same dive number") for vote in votes]
    dives.encodings.transitions[:] = torch.tensor([32, 66])
    found = {m.name: m for m in measure(dives, verdicts, resamples=200)}
    true, difficulty = dives.scores.numpy(), dives.difficulty.numpy()
    assert found["spearman"].value == pytest.approx(spearmanr(votes, true).statistic)
    assert found["spearman_execution"].value == pytest.approx(
        spearmanr(votes / difficulty, true / difficulty).statistic
    )
    assert found["r_l2_x100"].value == pytest.approx(100 * np.mean(((votes - true) / 25) ** 2), rel=1e-5)
    assert found["r_l2_x100"].note == "range 50 to 75, of the evaluated true scores"
    assert found["interval_coverage"].value == pytest.approx(np.mean(np.abs(votes - true) <= 0.8))
    assert (found["tiou@0.5"].value, found["tiou@0.75"].value) == (1.0, 1.0)  # 34 frames of 40
    assert found["transition_error_frames"].value == 3.0
    assert found["mask_iou"].value is None
    assert found["spearman"].low <= found["spearman"].value <= found["spearman"].high


def test_a_judge_without_noise_is_the_ceiling(smallest):
    rng = np.random.default_rng(0)
    deserved, difficulty = rng.uniform(4, 9, 40), rng.choice([2.0, 3.0], 40)
    scores = 3 * difficulty * (deserved + rng.normal(0, 0.5, 40))
    queries = replace(
        collection(smallest, codes=("107B",) * 40),
        scores=torch.tensor(scores),
        difficulty=torch.tensor(difficulty),
        deserved=torch.tensor(deserved),
    )
    found = {m.name: m.value for m in measure(queries, [Verdict((50.0 + i,), ("x",), "") for i in range(40)])}
    assert found["spearman_execution_ceiling"] == pytest.approx(spearmanr(deserved, scores / difficulty)[0])
    assert found["spearman_ceiling"] == pytest.approx(spearmanr(deserved * difficulty, scores)[0])
    nobody = {m.name: m.value for m in measure(queries, [Verdict((), (), "")] * 40)}
    assert nobody["spearman_ceiling"] is None
