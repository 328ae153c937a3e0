"""The award model: Bayes' rule on evidence, and the step to real recordings."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import Phase
from fineparser.domain.standards import AwardDistribution
from fineparser.scoring.award_model import (
    FACTOR_DIVES,
    FURTHEST,
    LEAST_ERRORS,
    STEP_DIVES,
    AwardModel,
    RecordingStep,
    interval_reach,
    without_phases,
    write_model,
)
from fineparser.scoring.evidence import EVIDENCE, EVIDENCE_NAMES
from tests.scoring.conftest import DIVE, SCATTER, SLOPES, draw_evidence

PRIOR = AwardDistribution(5.5, 1.2, 0.4)
SPLASH = EVIDENCE_NAMES.index("splash")


def test_the_update_is_that_of_normal_distributions(model):
    evidence = draw_evidence(model, 7.0)
    update = model.update(evidence, *DIVE, PRIOR)
    # Reference: conditioning of the joint normal distribution of award and evidence, by its covariance matrix.
    slopes = model.coefficients[:, -1]
    noise = model.covariance + np.diag([LEAST_ERRORS[name] ** 2 for name in EVIDENCE_NAMES])
    joint = PRIOR.sd**2 * np.outer(slopes, slopes) + noise
    gain = PRIOR.sd**2 * slopes @ np.linalg.inv(joint)
    expected = PRIOR.mean + gain @ (slopes * (7.0 - PRIOR.mean))
    assert PRIOR.mean + update.contributions.sum() == pytest.approx(expected, rel=1e-5)
    assert update.spread**2 == pytest.approx(PRIOR.sd**2 - gain @ slopes * PRIOR.sd**2, rel=1e-6)


def test_a_typical_dive_stays_where_the_prior_is(model):
    update = model.update(draw_evidence(model, PRIOR.mean), *DIVE, PRIOR)
    assert update.contributions == pytest.approx(np.zeros(len(EVIDENCE_NAMES)), abs=1e-6)
    assert update.spread < PRIOR.sd


def test_predictions_of_dives_from_the_model_are_calibrated(model):
    rng = np.random.default_rng(0)
    # Near no fault, sizes are cut off at 0, which the model does not know.
    awards = rng.normal(PRIOR.mean, PRIOR.sd, 2000).clip(2, 8)
    updates = [model.update(draw_evidence(model, award, rng), *DIVE, PRIOR) for award in awards]
    predicted = np.array([PRIOR.mean + update.contributions.sum() for update in updates])
    reach = stats.norm.ppf(0.9) * np.array([update.spread for update in updates])
    assert np.mean(np.abs(predicted - awards) <= reach) == pytest.approx(0.8, abs=0.04)
    assert stats.spearmanr(predicted, awards)[0] > 0.5


def test_what_is_not_measured_says_nothing(model):
    update = model.update(np.zeros((len(EVIDENCE_NAMES), 2), np.float32), *DIVE, PRIOR)
    assert not update.contributions.any()
    assert update.spread == PRIOR.sd
    only = model.update(draw_evidence(model, 9.0, names=("splash",)), *DIVE, PRIOR)
    assert np.flatnonzero(only.contributions).tolist() == [SPLASH]


def test_faults_that_a_dive_cannot_have_are_not_judged(model):
    evidence = draw_evidence(model, 3.0)
    straight = model.update(evidence, DiveCode.parse("101A"), 1.0, PRIOR)
    assert straight.contributions[EVIDENCE_NAMES.index("loose")] == 0
    assert np.isnan(straight.expected[EVIDENCE_NAMES.index("late")])


def test_a_smaller_splash_is_better_and_a_less_certain_one_counts_less(model):
    evidence = draw_evidence(model, PRIOR.mean)
    evidence[SPLASH, 0] -= 0.2
    certain = model.update(evidence, *DIVE, PRIOR)
    evidence[SPLASH, 1] /= 9
    uncertain = model.update(evidence, *DIVE, PRIOR)
    assert certain.contributions[SPLASH] > uncertain.contributions[SPLASH] > 0


def test_a_failed_measurement_counts_no_more_than_an_extreme_one(model):
    evidence = draw_evidence(model, PRIOR.mean)
    spread = np.sqrt(
        (SCATTER * SLOPES["splash"]) ** 2 + LEAST_ERRORS["splash"] ** 2 + (SLOPES["splash"] * PRIOR.sd) ** 2
    )
    evidence[SPLASH, 0] += FURTHEST * spread
    extreme = model.update(evidence, *DIVE, PRIOR).contributions[SPLASH]
    evidence[SPLASH, 0] += 40
    assert model.update(evidence, *DIVE, PRIOR).contributions[SPLASH] == pytest.approx(extreme, rel=1e-5)


def step_of(offsets: list[float]) -> RecordingStep:
    """Step of clips whose splash deviates by these offsets; nothing else was measured."""
    rows = {f"clip{number}": [None] * len(EVIDENCE_NAMES) for number in range(len(offsets))}
    for row, offset in zip(rows.values(), offsets, strict=True):
        row[SPLASH] = offset
    return RecordingStep({name: tuple(row) for name, row in rows.items()}, {})


def test_the_step_moves_what_is_expected_by_the_shrunk_median(model):
    stepped = replace(model, step=step_of([0.1, 0.2, 0.3, 9.0, -9.0]))
    moved = stepped.expected_sizes(*DIVE, 5.0) - model.expected_sizes(*DIVE, 5.0)
    assert moved[SPLASH] == pytest.approx(0.2 * 5 / (5 + STEP_DIVES))
    assert np.delete(moved, SPLASH) == pytest.approx(np.zeros(len(EVIDENCE_NAMES) - 1))


def test_a_clip_that_is_left_out_changes_the_step(model):
    stepped = replace(model, step=step_of([0.1, 0.1, 0.7]))
    other = stepped.without("clip2").expected_sizes(*DIVE, 5.0)
    assert other[SPLASH] - model.expected_sizes(*DIVE, 5.0)[SPLASH] == pytest.approx(0.1 * 2 / (2 + STEP_DIVES))
    assert stepped.for_simulated().expected_sizes(*DIVE, 5.0) == pytest.approx(model.expected_sizes(*DIVE, 5.0))
    both = replace(stepped, simulated_step=step_of([0.5] * 7)).for_simulated()
    assert both.expected_sizes(*DIVE, 5.0)[SPLASH] == pytest.approx(model.expected_sizes(*DIVE, 5.0)[SPLASH] + 0.35)


def test_evidence_that_scatters_more_on_real_clips_counts_less(model):
    evidence = draw_evidence(model, 8.0)
    narrow, wide = (replace(model, step=step_of(offsets)) for offsets in ([0.0, 0.01, -0.01], [0.0, 1.0, -1.0]))
    contributions = [one.update(evidence, *DIVE, PRIOR).contributions[SPLASH] for one in (narrow, wide)]
    assert contributions[0] > 4 * contributions[1] > 0


def test_errors_on_judged_clips_widen_the_interval_but_never_narrow_it():
    assert RecordingStep({}, {}).factor == 1
    right = RecordingStep({}, {f"{number}": (1.0, 1.0) for number in range(30)})
    wrong = RecordingStep({}, {f"{number}": (-2.0, 1.0) for number in range(FACTOR_DIVES)})
    exact = RecordingStep({}, {f"{number}": (0.0, 1.0) for number in range(30)})
    assert right.factor == pytest.approx(1)
    assert exact.factor == 1
    assert wrong.factor == pytest.approx(np.sqrt(2.5))
    assert wrong.rms_error == pytest.approx(2)
    assert interval_reach(0.8, wrong.degrees_of_freedom) == pytest.approx(stats.t(2 * FACTOR_DIVES).ppf(0.9))


def test_phases_that_a_clip_does_not_show_have_no_evidence(model):
    evidence = without_phases(draw_evidence(model, 7.0), (Phase.ENTRY,))
    shown = [kind.phase for kind, row in zip(EVIDENCE.values(), evidence, strict=True) if row[1] > 0]
    assert set(shown) == {Phase.TAKE_OFF, Phase.FLIGHT}


def test_a_model_survives_its_file(model, tmp_path):
    path = tmp_path / "model.json"
    stepped = replace(model, step=RecordingStep(step_of([0.1, 0.4]).deviations, {"clip0": (0.5, 1.1)}))
    path.write_text(write_model(stepped))
    again = AwardModel.load(path)
    evidence = draw_evidence(model, 7.0)
    first, second = (one.update(evidence, *DIVE, PRIOR) for one in (stepped, again))
    assert second.contributions == pytest.approx(first.contributions, rel=1e-4)
    assert (again.step.factor, again.phase_shares) == (pytest.approx(stepped.step.factor), stepped.phase_shares)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"evidence": ["splash"]}, "other evidence"),
        ({"covariance": [[1.0]]}, "coefficients"),
        ({"phase_shares": [1.0]}, "1 phases"),
        ({"coefficients": None}, "no award model"),
    ],
)
def test_a_file_that_is_no_model_is_refused(model, change, reason):
    with pytest.raises(ValueError, match=reason):
        AwardModel.from_json(model.to_json() | change)


def test_the_bundled_model_ranks_a_better_dive_higher():
    model = AwardModel.load()
    assert sum(model.phase_shares) == pytest.approx(1, abs=1e-3)
    prior = AwardDistribution(5.5, 1.1, 0.4)
    code, height = DIVE
    awards = []
    for award in (4.0, 7.0):
        evidence = np.zeros((len(EVIDENCE_NAMES), 2), np.float32)
        for row, (name, size) in enumerate(zip(EVIDENCE_NAMES, model.expected_sizes(code, height, award), strict=True)):
            evidence[row] = size + 1.2 if name == "distance" else size, 1 / LEAST_ERRORS[name] ** 2
        awards.append(prior.mean + model.update(evidence, code, height, prior).contributions.sum())
    assert awards[1] - awards[0] > 0.5
    assert all(kind.quantity for kind in EVIDENCE.values())
