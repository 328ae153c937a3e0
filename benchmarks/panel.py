"""Error of scores after calibration to another judging panel, for several panels and numbers of scored dives.

The dives are those of a table that `python -m fineparser evaluate` wrote. Their true scores are transformed to another
panel's; some dives calibrate the scale of the panel, others are scored with it, in many random draws.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fineparser.analysis.analyser import BUNDLED_BANK
from fineparser.domain.judging import COUNTED_AWARDS, highest_score
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.judge_calibration import JudgeCalibration


@dataclass(frozen=True, kw_only=True)
class JudgingPanel:
    """Linear scale of another panel's awards relative to the simulated panel's."""

    slope: float = 1.3
    """Spread of the awards about `middle`, relative to the simulated panel's."""
    middle: float = 6.5
    """Award about which the panel spreads, 0-10."""
    offset: float = -1.0
    """Award of the panel minus that of the simulated panel, at `middle`."""

    def award(self, award: float) -> float:
        """One award, 0 to 10 in halves; a failed dive stays failed.

        >>> JudgingPanel().award(6.5), JudgingPanel().award(8.5), JudgingPanel().award(0.0)
        (5.5, 8.0, 0.0)
        """
        if award == 0.0:
            return 0.0
        return float(np.clip(round(2 * float(self.mean_award(award))) / 2, 0.5, 10.0))

    def mean_award(self, award: np.ndarray | float) -> np.ndarray:
        """Mean awards, 0 to 10."""
        return np.clip(self.middle + self.slope * (award - self.middle) + self.offset, 0.0, 10.0)


PANELS = {
    "as the simulated one": JudgingPanel(slope=1.0, offset=0.0),
    "one award milder": JudgingPanel(slope=1.0, offset=1.0),
    "three awards milder": JudgingPanel(slope=1.0, offset=3.0),
    "one award stricter, dives 1.3 times as far apart": JudgingPanel(),
}
SCORED_DIVES = (3, 5, 10, 20, 60)
"""Numbers of dives that calibrate a panel."""


@dataclass(frozen=True, kw_only=True)
class PanelBenchmark:
    """Data and size of the measurement."""

    numbers: Path
    """Table of an evaluation, .csv."""
    bank: Path = BUNDLED_BANK
    """Bank that predicted the scores; its calibration gives their errors on simulated dives."""
    draws: int = 60
    """Random draws for each panel and number of dives."""
    queries: int = 150
    """Dives that are scored in each draw."""


OPTIONS = PanelBenchmark


def measure(options: PanelBenchmark, report: Callable[[str], None] = lambda line: None) -> dict:
    """Root mean square errors in awards, and coverage of intervals, by panel and number of scored dives.

    Raises:
        ValueError: for a table with too few scored dives.
    """
    with options.numbers.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["score"] and row["predicted_score"] and row["difficulty"]]
    if len(rows) < SCORED_DIVES[-1] + options.queries:
        raise ValueError(
            f"{options.numbers} has {len(rows)} scored dives: {SCORED_DIVES[-1] + options.queries} are needed"
        )
    predicted, simulated, difficulty = (
        np.array([float(row[name]) for row in rows]) for name in ("predicted_score", "score", "difficulty")
    )
    calibration = ExemplarBank.load(options.bank).calibration
    points_per_award = COUNTED_AWARDS * difficulty
    results: dict[str, dict[str, dict[str, float]]] = {}
    for name, panel in PANELS.items():
        report(name)
        true = panel.mean_award(simulated / points_per_award) * points_per_award
        error = float(np.sqrt(np.mean(((predicted - true) / points_per_award) ** 2)))
        results[name] = {"uncalibrated": {"error_awards": round(error, 3)}}
        for count in SCORED_DIVES:
            errors, covered = [], []
            for draw in range(options.draws):
                order = np.random.default_rng(draw).permutation(len(rows))
                scored, queries = order[:count], order[count : count + options.queries]
                judges = JudgeCalibration.from_scores(predicted[scored], true[scored], difficulty[scored], calibration)
                for dive in queries:
                    score = float(
                        np.clip(judges.calibrate(predicted[dive], difficulty[dive]), 0, highest_score(difficulty[dive]))
                    )
                    low, high = judges.interval(score, difficulty[dive])
                    errors.append((score - true[dive]) / points_per_award[dive])
                    covered.append(low <= true[dive] <= high)
            results[name][f"{count} scored dives"] = {
                "error_awards": round(float(np.sqrt(np.mean(np.square(errors)))), 3),
                "interval_coverage": round(float(np.mean(covered)), 3),
            }
    return {"dives": len(rows), "draws": options.draws, "panels": results}
