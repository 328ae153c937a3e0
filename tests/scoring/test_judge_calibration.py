"""The user's judges: offset and weights from a few judged dives."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from fineparser.domain.phases import Phase
from fineparser.domain.standards import AwardDistribution, Standard, award_distribution
from fineparser.exemplars.exemplar import SIMULATED, USER_DIVES, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.model.protocol import Encoding
from fineparser.scoring import judge_calibration
from fineparser.scoring.award_model import AwardModel
from fineparser.scoring.evidence import EVIDENCE_NAMES
from fineparser.scoring.judge_calibration import (
    MIN_SCORED_DIVES,
    OFFSET_SD,
    CalibrationDive,
    JudgeCalibration,
    JudgeComparison,
)
from tests.scoring.conftest import DIVE, draw_evidence

PRIOR = AwardDistribution(5.5, 1.2, 0.4)


def judged(
    model: AwardModel, count: int, *, offset: float = 0.0, seed: int = 0, **weights: float
) -> list[CalibrationDive]:
    """Dives judged by judges with that offset and those weights, without noise."""
    rng = np.random.default_rng(seed)
    dives = []
    for _ in range(count):
        update = model.update(draw_evidence(model, rng.normal(5.5, 1.2), rng), *DIVE, PRIOR)
        factors = np.array([weights.get(name, 1.0) for name in EVIDENCE_NAMES])
        dives.append(CalibrationDive(5.5 + offset + float(factors @ update.contributions), 5.5, update))
    return dives


def test_without_dives_the_judges_are_the_simulated_ones(model):
    calibration = JudgeCalibration.from_dives((), model)
    assert calibration.offset == 0
    assert list(calibration.weights.values()) == pytest.approx([1.0] * len(EVIDENCE_NAMES))
    update = model.update(draw_evidence(model, 7.0), *DIVE, PRIOR)
    assert calibration.award(5.5, update) == pytest.approx(5.5 + update.contributions.sum())


def test_one_dive_moves_the_offset_by_its_share(model):
    update = model.update(np.zeros((len(EVIDENCE_NAMES), 2), np.float32), *DIVE, PRIOR)
    calibration = JudgeCalibration.from_dives([CalibrationDive(6.5, 5.5, update)], model)
    assert calibration.offset == pytest.approx(OFFSET_SD**2 / (OFFSET_SD**2 + PRIOR.sd**2))
    assert list(calibration.weights.values()) == pytest.approx([1.0] * len(EVIDENCE_NAMES))


def test_many_dives_give_the_judges_weights_and_offset(model):
    calibration = JudgeCalibration.from_dives(judged(model, 1500, offset=-0.8, splash=2.0, entry=0.2), model)
    assert calibration.offset == pytest.approx(-0.8, abs=0.1)
    assert calibration.weights["splash"] == pytest.approx(2.0, abs=0.15)
    assert calibration.weights["entry"] < 0.6
    assert calibration.weights["low"] == pytest.approx(1.0, abs=0.3)


def test_judges_who_spread_dives_further_have_larger_weights_in_every_phase(model):
    doubled = dict.fromkeys(EVIDENCE_NAMES, 2.0)
    few = JudgeCalibration.from_dives(judged(model, 15, **doubled), model).phase_weights
    assert all(few[phase.label] > 1.05 for phase in Phase)


def test_judged_dives_improve_the_order_too(model):
    weights = {"splash": 3.0, "low": 0.0, "late": 0.0}
    calibration = JudgeCalibration.from_dives(judged(model, 60, seed=1, **weights), model)
    others = judged(model, 300, seed=2, **weights)
    simulated = JudgeCalibration.from_dives((), model)
    true = [dive.award for dive in others]
    before, after = (
        stats.spearmanr([one.award(dive.typical, dive.update) for dive in others], true)[0]
        for one in (simulated, calibration)
    )
    assert after > before + 0.03


def test_intervals_contain_the_awards_of_noisy_judges(model):
    rng = np.random.default_rng(3)

    def noisy(dives: list[CalibrationDive]) -> list[CalibrationDive]:
        return [replace(dive, award=dive.award + rng.normal(0, dive.update.spread)) for dive in dives]

    inside = []
    for seed in range(60):
        offset = rng.normal(0, OFFSET_SD)
        calibration = JudgeCalibration.from_dives(noisy(judged(model, 6, offset=offset, seed=seed)), model)
        reach = stats.t(calibration.degrees_of_freedom).ppf(0.9)
        for dive in noisy(judged(model, 20, offset=offset, seed=1000 + seed)):
            error = dive.award - calibration.award(dive.typical, dive.update)
            inside.append(abs(error) <= reach * calibration.spread(dive.update))
    assert np.mean(inside) == pytest.approx(0.8, abs=0.04)


def bank_of(model: AwardModel, awards: list[float], source: str = USER_DIVES) -> ExemplarBank:
    """Exemplars 103B from 1 m of these mean awards, with evidence that tells as much."""
    code, height = DIVE
    exemplars = tuple(
        Exemplar(id=f"{source}-{n}", code=code, height=height, difficulty=1.7, score=5.1 * award, source=source)
        for n, award in enumerate(awards)
    )
    evidence = torch.from_numpy(np.stack([draw_evidence(model, award) for award in awards]))
    count = len(awards)
    encodings = Encoding(
        torch.zeros(count, 9, 4), torch.zeros(count, 96, 2), torch.zeros(count, 2, dtype=torch.int64), evidence=evidence
    )
    return ExemplarBank(exemplars, encodings, "weights", source)


@pytest.fixture
def bundled(model, monkeypatch) -> AwardModel:
    """The small model instead of the bundled one."""
    monkeypatch.setattr(AwardModel, "load", lambda: model)
    return model


def test_a_comparison_predicts_each_dive_by_the_others(bundled):
    awards = [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    comparison = JudgeComparison.from_bank(bank_of(bundled, awards), Standard.CLUB)
    assert len(comparison.dives) == len(comparison.predicted) == len(comparison.calibrated) == len(awards)
    assert comparison.calibration is not None
    assert comparison.calibration.dives == len(awards)
    assert list(comparison.calibrated) == sorted(comparison.calibrated)
    # A dive that everybody else's offset does not explain is not explained by itself.
    outlier = JudgeComparison.from_bank(bank_of(bundled, [5.0] * 9 + [9.5]), Standard.CLUB)
    assert outlier.calibrated[-1] < 8.5


def test_too_few_or_simulated_or_unmeasured_dives_calibrate_nothing(bundled):
    few = JudgeComparison.from_bank(bank_of(bundled, [5.0] * (MIN_SCORED_DIVES - 1)), None)
    assert (few.calibration, few.calibrated) == (None, ())
    assert len(few.predicted) == MIN_SCORED_DIVES - 1
    assert JudgeComparison.from_bank(bank_of(bundled, [5.0] * 9, SIMULATED), None).dives == ()
    bank = bank_of(bundled, [5.0] * 9)
    unmeasured = replace(bank, encodings=replace(bank.encodings, evidence=None))
    assert JudgeComparison.from_bank(unmeasured, None).dives == ()


def test_the_standard_of_a_dive_comes_before_that_of_the_comparison(bundled):
    bank = bank_of(bundled, [5.0])
    stated = replace(bank, exemplars=tuple(replace(one, standard=Standard.INTERNATIONAL) for one in bank.exemplars))
    _, (dive,) = judge_calibration.calibration_dives(stated, Standard.CLUB, bundled)
    assert dive.typical == award_distribution(Standard.INTERNATIONAL, *DIVE).mean
