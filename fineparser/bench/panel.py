"""What a few judged dives tell of a panel: scores that an evaluation told, on the scale of panels that judge otherwise.

The dives are those of a table that `python -m fineparser evaluate` wrote. What each was given is moved as another panel
would have judged it; some of the dives are judged ones, others are asked about, in many draws.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fineparser.analysis.analyser import BUNDLED_BANK
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.panel_scale import PanelScale
from fineparser.bench.fine_tuning import OtherPanel
from fineparser.domain.judging import KEPT_AWARDS, highest_score

PANELS = {
    "as the simulated one": OtherPanel(stretch=1.0, shift=0.0),
    "one award milder": OtherPanel(stretch=1.0, shift=1.0),
    "three awards milder": OtherPanel(stretch=1.0, shift=3.0),
    "one award stricter, dives 1.3 times as far apart": OtherPanel(),
}
COUNTS = (3, 5, 10, 20, 60)
"""Judged dives."""


@dataclass(frozen=True)
class PanelBench:
    """What is measured."""

    numbers: Path
    """An evaluation's table, .csv."""
    bank: Path = BUNDLED_BANK
    """That told its scores: its calibration counts as what is known of their errors."""
    draws: int = 60
    asked: int = 150
    """Dives that are asked about in each draw."""


def bench_panel(bench: PanelBench) -> dict:
    """Root mean square errors in awards, and how often intervals hold, by panel and number of judged dives.

    Raises:
        ValueError: for a table with too few scored dives.
    """
    with bench.numbers.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["score"] and row["predicted_score"] and row["difficulty"]]
    if len(rows) < COUNTS[-1] + bench.asked:
        raise ValueError(f"{bench.numbers} has {len(rows)} scored dives: {COUNTS[-1] + bench.asked} are needed")
    told, given, difficulty = (
        np.array([float(row[name]) for row in rows]) for name in ("predicted_score", "score", "difficulty")
    )
    calibration = ExemplarBank.load(bench.bank).calibration
    worth = KEPT_AWARDS * difficulty
    results = {}
    for name, panel in PANELS.items():
        judged = panel.moved(given / worth) * worth
        raw = float(np.sqrt(np.mean(((told - judged) / worth) ** 2)))
        results[name] = {"as told": {"error_awards": round(raw, 3)}}
        for count in COUNTS:
            errors, held = [], []
            for draw in range(bench.draws):
                order = np.random.default_rng(draw).permutation(len(rows))
                known, asked = order[:count], order[count : count + bench.asked]
                scale = PanelScale.of(told[known], judged[known], difficulty[known], calibration)
                for dive in asked:
                    score = float(
                        np.clip(scale.points(told[dive], difficulty[dive]), 0, highest_score(difficulty[dive]))
                    )
                    low, high = scale.interval(score, difficulty[dive])
                    errors.append((score - judged[dive]) / worth[dive])
                    held.append(low <= judged[dive] <= high)
            results[name][f"{count} judged dives"] = {
                "error_awards": round(float(np.sqrt(np.mean(np.square(errors)))), 3),
                "interval_holds": round(float(np.mean(held)), 3),
            }
    return {"dives": len(rows), "draws": bench.draws, "panels": results}
