"""Calibration to other panels, on a few simulated dives."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import panel
from benchmarks.__main__ import main
from benchmarks.panel import PANELS, OtherPanel, PanelBenchmark, measure, noisy_evidence
from fineparser.scoring.award_model import AwardModel
from fineparser.scoring.evidence import EVIDENCE, EVIDENCE_NAMES
from fineparser.simulator.faults import Faults
from fineparser.simulator.judges import assess_faults
from fineparser.simulator.plan import DiveRequest, plan_dive

DIVE = DiveRequest(code="107B", height=3, synchro=False, opening=False)


def judged(awards, **faults):
    return SimpleNamespace(awards=awards, faults=(Faults(**faults),))


def test_a_panel_has_its_own_scale_and_weights():
    plan = judged((6.0, 6.5, 7.0, 7.0, 7.0, 7.5, 8.0), splash=0.45)
    assert OtherPanel().mean_award(plan) == 7.0
    assert PANELS["one award milder"].mean_award(plan) == 8.0
    (splash,) = assess_faults(plan.faults[0])
    assert splash.name == "splash"
    # The deduction counts twice; awards are halves.
    assert OtherPanel(weights={"splash": 2.0}).mean_award(plan) == pytest.approx(7.0 - splash.deduction, abs=0.25)
    assert OtherPanel(weights={"entry": 2.0}).mean_award(plan) == 7.0


def test_failed_dives_stay_failed():
    for other in PANELS.values():
        assert other.mean_award(judged((0.0,) * 7, splash=3.0)) == 0.0
        assert other.mean_award(judged((0.5,) * 7, splash=3.0)) > 0.0


def test_measurements_have_gaps_and_errors():
    plan, model = plan_dive(3, DIVE), AwardModel.load()
    drawn = np.array([noisy_evidence(plan, model, np.random.default_rng(seed)) for seed in range(60)])
    measured = drawn[..., 1] > 0
    low = EVIDENCE_NAMES.index("low")
    assert measured[:, low].mean() == pytest.approx(panel.MEASURED, abs=0.15)
    errors = 1 / np.sqrt(drawn[measured[:, low], low, 1]) / model.least_errors[low]
    assert (errors.min() >= 1.0, errors.max() <= 2.0) == (True, True)
    sizes = drawn[measured[:, low], low, 0]
    assert sizes.std() == pytest.approx(1.5 * model.least_errors[low], rel=0.4)
    assert not drawn[~measured].any()
    assert len(EVIDENCE) == drawn.shape[1]


@pytest.mark.slow
def test_judged_dives_remove_the_bias_of_a_panel(monkeypatch):
    monkeypatch.setattr(panel, "JUDGED_DIVES", (0, 20))
    result = measure(PanelBenchmark(dives=32, draws=8, queries=12))
    assert list(result["panels"]) == list(PANELS)
    milder = result["panels"]["one award milder"]
    before, after = (milder[f"{count} judged dives"] for count in (0, 20))
    assert after["error_awards"] < before["error_awards"]
    assert after["r_l2_x100"] < before["r_l2_x100"]
    assert 0.5 <= after["interval_coverage"] <= 1.0
    assert -1.0 <= after["spearman_execution"] <= 1.0


def test_too_few_dives_are_refused(capsys):
    assert main(["panel", "--dives", "100"]) == 2
    assert "100 dives are too few for 150 queries: 210 are needed" in capsys.readouterr().err
