"""Error of scores after calibration to another judging panel, for several panels and numbers of judged dives.

Dives of the test split are simulated without a picture of the diver; their measurements are the true values with the
errors and gaps of a recording. Another panel judges them. Some dives calibrate the judges, others are scored with them,
in many random draws.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fineparser.analysis.score_evaluation import JudgingPanel
from fineparser.domain.faults import FAULT_NAMES
from fineparser.domain.judging import COUNTED_AWARDS, HIGHEST_AWARD, total_score
from fineparser.domain.standards import award_prior
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
from fineparser.scoring.award_model import NO_STEP, AwardModel, interval_reach
from fineparser.scoring.evidence import EVIDENCE_NAMES
from fineparser.scoring.judge_calibration import CalibrationDive, JudgeCalibration
from fineparser.simulator.judges import LOWEST_AWARD, assess_faults
from fineparser.simulator.plan import DivePlan, DiveRequest, plan_dive
from fineparser.simulator.true_measurements import true_measurements
from fineparser.training.award_model_fit import evidence_sizes
from fineparser.training.metrics.score import relative_l2, spearman

SPLASH_LINES = 120
"""Height of the frames in which splashes are measured, pixels."""
MEASURED = 0.75
"""Share of the measurements that a recording allows."""
ERROR_FACTORS = (1.0, 2.0)
"""Standard errors of measurements, in the least ones of the award model."""


SAME_SCALE = JudgingPanel(slope=1.0, offset=0.0)


@dataclass(frozen=True, kw_only=True)
class OtherPanel:
    """A panel whose awards have another scale, and that weighs faults in another way than the simulated judges."""

    scale: JudgingPanel = SAME_SCALE
    weights: Mapping[str, float] = field(default_factory=dict)
    """Deductions for faults relative to those of simulated judges, where they are not the same."""

    def mean_award(self, plan: DivePlan) -> float:
        """Mean of the awards of this panel that count."""
        deductions = {fault.name: fault.deduction for fault in assess_faults(plan.faults[0])}
        more = sum((weight - 1.0) * deductions.get(name, 0.0) for name, weight in self.weights.items())
        # A failed dive stays failed, and no other one becomes one.
        awards = [award and float(np.clip(award - more, LOWEST_AWARD, HIGHEST_AWARD)) for award in plan.awards]
        return total_score([self.scale.award(award) for award in awards], 1.0) / COUNTED_AWARDS


PANELS = {
    "as the simulated one": OtherPanel(),
    "one award milder": OtherPanel(scale=JudgingPanel(slope=1.0, offset=1.0)),
    "one award stricter, dives 1.3 times as far apart": OtherPanel(scale=JudgingPanel()),
    "splash counts double, the flight nothing": OtherPanel(
        weights={"splash": 2.0} | dict.fromkeys(("distance", "loose", "bent_knees", "late"), 0.0)
    ),
}
assert all(set(panel.weights) <= set(FAULT_NAMES) for panel in PANELS.values())
JUDGED_DIVES = (0, 3, 5, 10, 20, 60)
"""Numbers of dives that calibrate the judges; the app uses none of fewer than
`fineparser.scoring.judge_calibration.MIN_SCORED_DIVES`."""


@dataclass(frozen=True, kw_only=True)
class PanelBenchmark:
    """Size of the measurement."""

    dives: int = 300
    """Simulated dives, of all standards of competition."""
    draws: int = 60
    """Random draws for each panel and number of dives."""
    queries: int = 150
    """Dives that are scored in each draw."""
    standards: bool = True
    """Tell the standard of competition of each dive."""
    seed: int = 0
    """Of the first dive."""


OPTIONS = PanelBenchmark


def measure(options: PanelBenchmark, report: Callable[[str], None] = lambda line: None) -> dict:
    """Errors in awards, R-l2, rank correlation and coverage of intervals, by panel and number of judged dives.

    Raises:
        ValueError: for too few dives.
    """
    needed = JUDGED_DIVES[-1] + options.queries
    if options.dives < needed:
        raise ValueError(f"{options.dives} dives are too few for {options.queries} queries: {needed} are needed")
    # Evidence is drawn around true sizes.
    model = replace(AwardModel.load(), step=NO_STEP)
    plans, typical, updates = [], [], []
    for seed in range(options.seed, options.seed + options.dives):
        plan = plan_dive(seed, DiveRequest(synchro=False, opening=False), split="test")
        prior = award_prior(plan.standard if options.standards else None, plan.code, plan.height)
        evidence = noisy_evidence(plan, model, np.random.default_rng(seed))
        plans.append(plan)
        typical.append(prior.mean)
        updates.append(model.update(evidence, plan.code, plan.height, prior))
        if len(plans) % 50 == 0:
            report(f"{len(plans)} of {options.dives} dives simulated")
    points_per_award = COUNTED_AWARDS * np.array([plan.difficulty for plan in plans])
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name, panel in PANELS.items():
        report(name)
        awards = np.array([panel.mean_award(plan) for plan in plans])
        dives = [CalibrationDive(*one) for one in zip(awards.tolist(), typical, updates, strict=True)]
        results[name] = {
            f"{count} judged dives": _calibrated(dives, points_per_award, count, model, options)
            for count in JUDGED_DIVES
        }
    return {"dives": len(plans), "draws": options.draws, "standards": options.standards, "panels": results}


def noisy_evidence(plan: DivePlan, model: AwardModel, rng: np.random.Generator) -> np.ndarray:
    """Evidence float32 [E, 2] of a simulated dive as a recording shows it: with gaps and errors of measurement."""
    sizes = evidence_sizes(true_measurements(plan, SPLASH_LINES))
    evidence = np.zeros((len(EVIDENCE_NAMES), 2), np.float32)
    for row, name in enumerate(EVIDENCE_NAMES):
        is_measured = rng.random() < MEASURED
        error = model.least_errors[row] * rng.uniform(*ERROR_FACTORS)
        noise = rng.normal(0.0, error)
        if is_measured and name in sizes:
            evidence[row] = sizes[name] + noise, 1 / error**2
    return evidence


def _calibrated(
    dives: Sequence[CalibrationDive],
    points_per_award: np.ndarray,
    count: int,
    model: AwardModel,
    options: PanelBenchmark,
) -> dict[str, float]:
    """Means over the draws, with `count` dives that calibrate the judges.

    Args:
        dives: [N] judged by one panel.
        points_per_award: [N].
        count: judged dives of a draw.
        model: of the awards.
        options: of the benchmark.
    """
    true = np.array([dive.award for dive in dives])
    totals = true * points_per_award
    statistics = []
    for draw in range(options.draws):
        order = np.random.default_rng(draw).permutation(len(dives))
        queries = order[count : count + options.queries]
        judges = JudgeCalibration.from_dives([dives[index] for index in order[:count]], model)
        some = [dives[index] for index in queries]
        predicted = np.clip([judges.award(dive.typical, dive.update) for dive in some], 0.0, HIGHEST_AWARD)
        spreads = np.array([judges.spread(dive.update) if count else dive.update.spread for dive in some])
        reach = interval_reach(NOMINAL_COVERAGE, judges.degrees_of_freedom) * spreads
        errors = predicted - true[queries]
        l2 = relative_l2(
            predicted * points_per_award[queries], totals[queries], (float(totals.min()), float(totals.max()))
        )
        statistics.append(
            (np.mean(errors**2), l2, spearman(predicted, true[queries]), np.mean(np.abs(errors) <= reach))
        )
    square, l2, correlation, coverage = np.mean(statistics, axis=0)
    return {
        "error_awards": round(float(np.sqrt(square)), 3),
        "r_l2_x100": round(float(l2), 3),
        "spearman_execution": round(float(correlation), 3),
        "interval_coverage": round(float(coverage), 3),
    }
