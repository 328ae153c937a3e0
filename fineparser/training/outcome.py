"""What fine-tuning did: the validation dives before it and at the best checkpoint, from the run's log."""

from dataclasses import dataclass

import numpy as np

from fineparser.training.intervals import bootstrap_interval
from fineparser.training.runs import Run
from fineparser.training.score_metrics import relative_l2, spearman

FEW_DIVES = 20
"""Fewer validation dives than this hardly tell anything: a rank correlation of 20 is known to about 0.4 either way."""
SHOWN = {
    "spearman": ("Rank correlation", True),
    "spearman_execution": ("Rank correlation of execution", True),
    "r_l2_x100": ("Squared error (R-l2 x 100)", False),
    "transition_error_frames": ("Switches off by, frames", False),
    "tiou@0.5": ("Switches right (tIoU 0.5)", True),
    "mask_iou": ("Mask IoU", True),
    "mask_f1": ("Mask F1", True),
}
"""Metrics that are shown: what they are called, and whether higher is better."""
SCORED = ("spearman", "spearman_execution", "r_l2_x100")
"""Those that score predictions; they are shown even where nothing changed."""

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Change:
    """One metric before and after."""

    name: str
    before: float
    before_interval: Interval
    after: float
    after_interval: Interval
    difference: Interval
    """95% interval of after minus before over the same dives; None where it is not known."""
    higher_is_better: bool

    @property
    def told(self) -> str:
        """ "better", "worse", or "cannot be told" where chance alone might do it."""
        if self.difference is None or self.difference[0] <= 0 <= self.difference[1]:
            return "cannot be told"
        return "better" if (self.difference[0] > 0) == self.higher_is_better else "worse"


@dataclass(frozen=True)
class Outcome:
    """Before against after."""

    changes: tuple[Change, ...]
    dives: tuple[tuple[str, float, float, float], ...]
    """Id, true score, prediction before and after of each validation dive that was scored."""
    step: int
    """Of the checkpoint that is compared: the best one after the start, or the last where none did better."""
    kept_start: bool
    """Whether the weights that the run began with did best so far, and are what it gives."""

    @property
    def warnings(self) -> list[str]:
        """What one should know before believing the comparison."""
        count = len(self.dives)
        found = []
        if self.dives and count < FEW_DIVES:
            found.append(
                f"Only {count} scored validation {'dive' if count == 1 else 'dives'}: too few to tell. "
                f"Add dives, or keep a larger share for validation; {FEW_DIVES} or more begin to tell."
            )
        if self.dives and self.changes and all(change.told == "cannot be told" for change in self.changes):
            found.append("No difference is larger than chance could make it on these dives.")
        if (found or self.changes) and not self.kept_start:
            found.append(
                "The checkpoint was chosen on these same dives, which flatters it a little: judge it on dives that it "
                "has never met before you rely on it."
            )
        return found


def outcome_of(run: Run) -> Outcome | None:
    """The run's outcome so far; None as long as there is no validation before and after."""
    records = [record for record in run.records() if record["kind"] == "validation"]
    before = next((record for record in records if record["step"] == 0), None)
    later = [record for record in records if record["step"] > 0]
    if before is None or not later:
        return None
    best = next((record for record in reversed(later) if record["best"]), None)
    after = best or later[-1]
    dives = _joined(before, after)
    differences = _differences(dives)
    changes = tuple(
        Change(
            name=title,
            before=before[name],
            before_interval=_pair(before, name),
            after=after[name],
            after_interval=_pair(after, name),
            difference=differences.get(name),
            higher_is_better=higher,
        )
        for name, (title, higher) in SHOWN.items()
        if name in before
        and name in after
        # What was not trained comes out the same; that is no finding.
        and (name in SCORED or before[name] != after[name])
    )
    return Outcome(changes, dives, after["step"], kept_start=before["best"] and best is None)


def _joined(before: dict, after: dict) -> tuple[tuple[str, float, float, float], ...]:
    later = {name: predicted for name, _, predicted in after["dives"]}
    return tuple((name, true, value, later[name]) for name, true, value in before["dives"] if name in later)


def _differences(dives: tuple[tuple[str, float, float, float], ...]) -> dict[str, Interval]:
    """Intervals of the differences, paired by dive: far narrower than those of either side tell."""
    rows = np.array([dive[1:] for dive in dives]).reshape(-1, 3)
    if len(rows) < 2:
        return {}
    true = rows[:, 0]
    score_range = float(true.min()), float(true.max())

    def rank(rows: np.ndarray) -> np.ndarray:
        return spearman(rows[..., 2], rows[..., 0]) - spearman(rows[..., 1], rows[..., 0])

    def error(rows: np.ndarray) -> np.ndarray:
        return relative_l2(rows[..., 2], rows[..., 0], score_range) - relative_l2(
            rows[..., 1], rows[..., 0], score_range
        )

    found = {"spearman": bootstrap_interval(rank, rows)}
    if score_range[1] > score_range[0]:
        found["r_l2_x100"] = bootstrap_interval(error, rows)
    return found


def _pair(record: dict, name: str) -> Interval:
    ends = record.get("intervals", {}).get(name)
    return None if ends is None else (ends[0], ends[1])
