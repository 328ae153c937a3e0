"""The judgement of a dive."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.phases import Phase
from fineparser.domain.standards import Standard, award_prior
from fineparser.exemplars.exemplar import DiveSpec
from fineparser.kinematics import Quantity
from fineparser.scoring.award_model import RecordingStep
from fineparser.scoring.evidence import EVIDENCE, EVIDENCE_NAMES
from fineparser.scoring.judge import judge_dive
from fineparser.scoring.judge_calibration import CalibrationDive, JudgeCalibration
from tests.scoring.conftest import DIVE, draw_evidence

SPEC = DiveSpec.from_input("103B", 1)
QUANTITIES = {name: Quantity.measured(1.0, 0.1, "m", (30,)) for name in EVIDENCE_NAMES}


def judge(model, evidence, **options):
    options = {"standard": Standard.CLUB} | options
    return judge_dive(model, evidence, QUANTITIES, SPEC, **options)


def test_marks_average_to_the_award_by_the_shares_of_the_phases(model):
    judgement = judge(model, draw_evidence(model, 6.5))
    marks = [phase.mark for phase in judgement.phases]
    assert judgement.award == pytest.approx(np.average(marks, weights=model.phase_shares))
    assert judgement.award == pytest.approx(judgement.typical_award + sum(p.contribution for p in judgement.phases))
    assert judgement.low < judgement.award < judgement.high


def test_faults_are_listed_with_their_phase_the_dearest_first(model):
    judgement = judge(model, draw_evidence(model, 4.0))
    for phase in judgement.phases:
        deductions = [fault.deduction for fault in phase.faults]
        assert deductions == sorted(deductions, reverse=True)
        assert {fault.phase for fault in phase.faults} == {phase.phase}
    assert {fault.name for fault in judgement.faults} == set(EVIDENCE)
    assert all(fault.deduction >= 0 for fault in judgement.faults)


def test_a_larger_fault_costs_more_than_a_typical_one(model):
    evidence = draw_evidence(model, award_prior(Standard.CLUB, *DIVE).mean)
    typical = next(fault for fault in judge(model, evidence).faults if fault.name == "splash")
    assert typical.deduction == pytest.approx(typical.typical, abs=1e-3)
    evidence[EVIDENCE_NAMES.index("splash"), 0] += 0.5
    larger = next(fault for fault in judge(model, evidence).faults if fault.name == "splash")
    assert larger.deduction > larger.typical


def test_faults_without_a_quantity_to_show_are_not_listed(model):
    judgement = judge_dive(model, draw_evidence(model, 5.0), {}, SPEC)
    assert judgement.faults == ()


def test_without_a_standard_all_are_covered(model):
    evidence = draw_evidence(model, 6.0)
    stated, unstated = judge(model, evidence, standard=Standard.NATIONAL), judge(model, evidence, standard=None)
    assert unstated.standard is None
    assert unstated.typical_spread > stated.typical_spread
    assert unstated.high - unstated.low > stated.high - stated.low


def test_an_entry_that_is_not_shown_is_not_judged(model):
    evidence = draw_evidence(model, 9.0)
    whole, cut = judge(model, evidence), judge(model, evidence, missing_phases=(Phase.ENTRY,))
    assert [phase.phase for phase in cut.phases] == [Phase.TAKE_OFF, Phase.FLIGHT]
    assert cut.spread > whole.spread
    assert abs(cut.award - cut.typical_award) < abs(whole.award - whole.typical_award)


def test_a_clip_that_tells_nothing_shows_no_verdict(model):
    nothing = np.zeros((len(EVIDENCE_NAMES), 2), np.float32)
    assert judge(model, nothing).is_uninformative
    assert not judge(model, draw_evidence(model, 6.0)).is_uninformative
    wrong = RecordingStep({}, {str(number): (3.0, 1.0) for number in range(20)})
    assert judge(replace(model, step=wrong), draw_evidence(model, 6.0)).is_uninformative


def calibration_of(model, count, offset):
    dives = []
    for award in np.linspace(3, 8, count):
        update = model.update(draw_evidence(model, award), *DIVE, award_prior(Standard.CLUB, *DIVE))
        typical = award_prior(Standard.CLUB, *DIVE).mean
        dives.append(CalibrationDive(typical + update.contributions.sum() + offset, typical, update))
    return JudgeCalibration.from_dives(dives, model)


def test_enough_judged_dives_calibrate(model):
    evidence = draw_evidence(model, 6.0)
    few, enough = (judge(model, evidence, calibration=calibration_of(model, count, -1.0)) for count in (4, 12))
    assert (few.is_calibrated, few.calibration_dives) == (False, 0)
    assert few.award == judge(model, evidence).award
    assert (enough.is_calibrated, enough.calibration_dives) == (True, 12)
    assert enough.award == pytest.approx(judge(model, evidence).award - 1, abs=0.3)


def test_awards_stay_within_the_scale(model):
    judgement = judge(model, draw_evidence(model, 10.0), calibration=calibration_of(model, 12, 9.0))
    assert judgement.award == judgement.high == 10
    assert all(0 <= phase.mark <= 10 for phase in judgement.phases)


def test_plain_values_are_those_of_json(model):
    values = judge(model, draw_evidence(model, 5.0)).to_json()
    assert values["standard"] == "club"
    assert [phase["phase"] for phase in values["phases"]] == [phase.label for phase in Phase]
    assert values["phases"][2]["faults"][0]["size"]["unit"] == "m"
