"""The fit of the award model, on dives drawn from a known one."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.faults import DEDUCTION_CURVES, FAULT_NAMES
from fineparser.domain.phases import Phase
from fineparser.domain.standards import Standard
from fineparser.scoring.award_model import STEP_DIVES, covariates
from fineparser.scoring.evidence import EVIDENCE_NAMES, log_splash_size
from fineparser.training.award_model_fit import (
    MeasuredClip,
    SimulatedSizes,
    evidence_sizes,
    fit_award_model,
    fit_step,
    sizes_of,
)
from tests.scoring.conftest import DIVE, draw_evidence, make_model

CODES = tuple(map(DiveCode.parse, ("103B", "405C", "101A", "5132D", "203B", "612B")))
HEIGHTS = (1.0, 3.0, 10.0)


def drawn_dives(count: int = 400, scatter: float = 0.01) -> list[SimulatedSizes]:
    """Dives whose sizes follow `make_model` up to a share of its slopes, with random deductions."""
    model, rng, dives = make_model(), np.random.default_rng(0), []
    for number in range(count):
        code, height, award = CODES[number % len(CODES)], HEIGHTS[number % len(HEIGHTS)], rng.uniform(3, 9)
        sizes = model.coefficients @ np.append(covariates(code, height), award - 6)
        sizes = sizes + scatter * model.coefficients[:, -1] * rng.normal(size=len(sizes))
        dives.append(SimulatedSizes(code, height, sizes, award, rng.uniform(0, 1, len(FAULT_NAMES))))
    return dives


def test_the_slopes_are_those_of_the_dives():
    fitted = fit_award_model(drawn_dives())
    assert fitted.coefficients[:, -1] == pytest.approx(make_model().coefficients[:, -1], rel=0.02)
    assert fitted.expected_sizes(*DIVE, 7.0) == pytest.approx(make_model().expected_sizes(*DIVE, 7.0), rel=0.02)


def test_shares_are_of_what_the_dives_lack():
    dives = drawn_dives()
    fitted = fit_award_model(dives)
    # Reference: deductions of each dive, scaled to what it lacks to 10, one dive after the other.
    totals = dict.fromkeys(Phase, 0.0)
    for dive in dives:
        scaled = dive.deductions * (10 - dive.award) / dive.deductions.sum()
        for name, awards in zip(FAULT_NAMES, scaled, strict=True):
            totals[DEDUCTION_CURVES[name].phase] += awards
    lacking = sum(10 - dive.award for dive in dives)
    assert fitted.phase_shares == pytest.approx([totals[phase] / lacking for phase in Phase])
    assert sum(fitted.phase_shares) == pytest.approx(1)


def test_too_few_dives_are_refused():
    with pytest.raises(ValueError, match="simulate more"):
        fit_award_model(drawn_dives(12))


def test_faults_that_a_dive_cannot_have_have_no_size():
    measurements = {"tightest_hip": 60.0, "entry_angle": -8.0, "splash_height": 0.5, "splash_area": 0.25}
    assert evidence_sizes(measurements)["splash"] == log_splash_size(0.5, 0.25)
    sizes = dict(zip(EVIDENCE_NAMES, sizes_of(measurements, DiveCode.parse("101A")), strict=True))
    assert sizes["entry"] == 8
    assert np.isnan(sizes["loose"])
    assert np.isnan(sizes["low"])


def test_a_judged_clip_is_predicted_without_itself():
    model = make_model()
    clips = [
        MeasuredClip(f"clip{n}", *DIVE, draw_evidence(model, 5.0), Standard.CLUB, 5.0 if n < 3 else None)
        for n in range(6)
    ]
    clips[0] = replace(clips[0], evidence=draw_evidence(model, 5.0, names=("splash",)), award=9.0)
    step = fit_step(model, clips)
    assert set(step.errors) == {"clip0", "clip1", "clip2"}
    splash = EVIDENCE_NAMES.index("splash")
    # Its evidence is that of a 5.0, so that it deviates by four awards of the slope.
    assert step.deviations["clip0"][splash] == pytest.approx(-4 * model.coefficients[splash, -1], abs=1e-3)
    assert step.errors["clip0"][0] > 3
    others = [step.deviations[f"clip{n}"][splash] for n in range(1, 6)]
    offset = step.without("clip0").offsets_and_spreads(np.ones(len(EVIDENCE_NAMES)))[0][splash]
    assert offset == pytest.approx(np.median(others) * 5 / (5 + STEP_DIVES))
