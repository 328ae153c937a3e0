"""The user's judges against predictions: marks at the awards, and lines from predicted to calibrated ones."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import USER_DIVES, Exemplar
from fineparser.rendering.judge_calibration_chart import judge_calibration_figure
from fineparser.rendering.messages import judge_comparison_message
from fineparser.scoring.evidence import EVIDENCE_NAMES
from fineparser.scoring.judge_calibration import JudgeCalibration, JudgeComparison


def calibration(offset: float, **weights: float) -> JudgeCalibration:
    """A calibration whose other weights are those of simulated judges."""
    mean = np.array([offset, *(weights.get(name, 1.0) for name in EVIDENCE_NAMES)])
    return JudgeCalibration(
        mean=mean, covariance=np.eye(len(mean)), factor=1.0, degrees_of_freedom=10.0, dives=3, error=0.5
    )


def dive(award: float, name: str = "club <meet>") -> Exemplar:
    return Exemplar("own", DiveCode.parse("405B"), 3.0, 2.0, 6 * award, USER_DIVES, name=name)


@pytest.fixture
def comparison():
    """Judges who give 1 award less; predicted by the other dives they are off by 0.5."""
    judges = calibration(-0.9, splash=1.5, entry=0.7, low=1.1)
    return JudgeComparison((dive(5.0), dive(6.0), dive(8.0)), (6.0, 7.0, 9.0), (5.5, 6.5, 7.5), judges)


def named(figure):
    return {trace.name: trace for trace in figure.data}


def test_marks_are_at_the_awards_of_the_dives(comparison):
    traces = named(judge_calibration_figure(comparison))
    before, after = traces["simulated judges"], traces["calibrated, by the other dives"]
    assert (before.x, after.x) == ((6, 7, 9), (5.5, 6.5, 7.5))
    assert list(before.y) == list(after.y) == pytest.approx([5, 6, 8])
    assert list(before.customdata[0]) == ["405B, 3 m", "club &lt;meet&gt;"]
    assert before.marker.symbol == "circle-open"


def test_a_line_leads_from_each_predicted_to_its_calibrated_award(comparison):
    line = judge_calibration_figure(comparison).data[1]
    assert line.x == (6, 5.5, None, 7, 6.5, None, 9, 7.5, None)
    assert line.y[:2] == pytest.approx((5, 5))


def test_without_a_calibration_there_are_only_the_dives(comparison):
    few = replace(comparison, calibrated=(), calibration=None)
    assert set(named(judge_calibration_figure(few))) == {"as your judges", "simulated judges"}


def test_without_dives_there_is_a_sentence():
    figure = judge_calibration_figure(JudgeComparison())
    assert not figure.data
    assert "No judged dive" in figure.layout.annotations[0].text


def test_awards_stay_on_the_scale():
    figure = judge_calibration_figure(JudgeComparison((dive(0.0), dive(10.0)), (0.2, 9.9)))
    assert figure.layout.xaxis.range == figure.layout.yaxis.range == (0, 10)


def test_the_text_says_offset_and_weights_and_what_calibration_gains(comparison):
    assert judge_comparison_message(comparison) == (
        "In 3 dives your judges give 0.9 awards less than simulated judges. They weigh more: the splash (1.5 times). "
        "They weigh less: short and over entries (0.7 times). Scores are calibrated to them. Predicted by the other "
        "dives, awards are off by 0.5 (root mean square); by simulated judges, 1.0."
    )


def test_the_text_of_too_few_dives_says_how_many_it_takes(comparison):
    few = replace(comparison, calibrated=(), calibration=None)
    assert judge_comparison_message(few) == (
        "3 dives of yours are judged and measured. From 5 such dives on, scores are calibrated to your judges."
    )
    assert judge_comparison_message(JudgeComparison((dive(5.0),), (6.0,))).startswith("1 dive of yours is judged")


def test_judges_who_weigh_as_simulated_ones_are_described_by_their_offset(comparison):
    alike = judge_comparison_message(replace(comparison, calibration=calibration(0.2)))
    assert "give 0.2 awards more than simulated judges. Scores are" in alike
