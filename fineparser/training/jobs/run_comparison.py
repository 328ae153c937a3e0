"""Comparison of a run with its starting weights: the validation dives before it and at the best checkpoint."""

from dataclasses import dataclass

import numpy as np

from fineparser.training.metrics.metric import bootstrap_interval
from fineparser.training.metrics.score import relative_l2, spearman
from fineparser.training.run_folder import LOG_FILE, Run
from fineparser.training.train_checkpoints import RunError

FEW_DIVES = 20
"""Number of validation dives below which a comparison means little: a rank correlation of 20 dives has an error of
about 0.4 either way."""
COMPARED_METRICS = {
    "spearman": ("Rank correlation", True),
    "spearman_execution": ("Rank correlation of execution", True),
    "r_l2_x100": ("Squared error (R-l2 x 100)", False),
    "transition_error_frames": ("Transition error, frames", False),
    "tiou@0.5": ("Correct transitions (tIoU 0.5)", True),
    "mask_iou": ("Mask IoU", True),
    "mask_f1": ("Mask F1", True),
}
"""Metrics of the comparison: label, and True if higher is better."""
SCORE_METRICS = ("spearman", "spearman_execution", "r_l2_x100")
"""Metrics of predicted scores; they are included even if nothing changed."""
BETTER, WORSE, NOT_SIGNIFICANT = "better", "worse", "not significant"

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class MetricChange:
    """One metric before and after a run."""

    name: str
    """Label of the metric."""
    before: float
    before_interval: Interval
    after: float
    after_interval: Interval
    difference: Interval
    """95% interval of after minus before over the same dives; None if it cannot be computed."""
    higher_is_better: bool

    @property
    def verdict(self) -> str:
        """BETTER, WORSE, or NOT_SIGNIFICANT if the interval of the difference contains 0 or is not known."""
        if self.difference is None or self.difference[0] <= 0 <= self.difference[1]:
            return NOT_SIGNIFICANT
        return BETTER if (self.difference[0] > 0) == self.higher_is_better else WORSE


@dataclass(frozen=True)
class RunComparison:
    """Metrics before and after a run."""

    changes: tuple[MetricChange, ...]
    dives: tuple[tuple[str, float, float, float], ...]
    """Id, true score, prediction before and after of each scored validation dive."""
    step: int
    """Step of the compared checkpoint: the best one after the start, or the last one if none is better."""
    start_is_best: bool
    """True if the starting weights have the best validation and are the result of the run."""

    @property
    def warnings(self) -> list[str]:
        """Limits of the comparison, as sentences."""
        count = len(self.dives)
        warnings = []
        if self.dives and count < FEW_DIVES:
            warnings.append(
                f"Only {count} scored validation {'dive' if count == 1 else 'dives'}: too few to tell. "
                f"Add dives, or use a larger share for validation; {FEW_DIVES} are the least that mean something."
            )
        if self.dives and self.changes and all(change.verdict == NOT_SIGNIFICANT for change in self.changes):
            warnings.append("No difference is larger than chance could make it on these dives.")
        if (warnings or self.changes) and not self.start_is_best:
            warnings.append(
                "The checkpoint was chosen on these same dives, which makes it look slightly too good: test it on new "
                "dives before you rely on it."
            )
        return warnings


def compare_run(run: Run) -> RunComparison | None:
    """Comparison of a run so far; None before there is a validation before and after.

    Raises:
        RunError: for a log that cannot be read, or whose validations lack values.
    """
    try:
        return _compare(run)
    except RunError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"{run.folder / LOG_FILE}: the validations cannot be compared: {error!r}") from error


def _compare(run: Run) -> RunComparison | None:
    records = [record for record in run.records() if record["kind"] == "validation"]
    before = next((record for record in records if record["step"] == 0), None)
    later = [record for record in records if record["step"] > 0]
    if before is None or not later:
        return None
    best = next((record for record in reversed(later) if record["best"]), None)
    after = best or later[-1]
    dives = _joined_dives(before, after)
    differences = _differences(dives)
    changes = tuple(
        MetricChange(
            name=label,
            before=before[name],
            before_interval=_interval(before, name),
            after=after[name],
            after_interval=_interval(after, name),
            difference=differences.get(name),
            higher_is_better=higher_is_better,
        )
        for name, (label, higher_is_better) in COMPARED_METRICS.items()
        if name in before
        and name in after
        # A part that was not trained has the same metric: no result.
        and (name in SCORE_METRICS or before[name] != after[name])
    )
    return RunComparison(changes, dives, after["step"], start_is_best=before["best"] and best is None)


def _joined_dives(before: dict, after: dict) -> tuple[tuple[str, float, float, float], ...]:
    later = {name: predicted for name, _, predicted in after["dives"]}
    return tuple((name, true, value, later[name]) for name, true, value in before["dives"] if name in later)


def _differences(dives: tuple[tuple[str, float, float, float], ...]) -> dict[str, Interval]:
    """Intervals of the differences, paired by dive, which are much narrower than the intervals of either side."""
    rows = np.array([dive[1:] for dive in dives]).reshape(-1, 3)
    if len(rows) < 2:
        return {}
    true = rows[:, 0]
    score_range = float(true.min()), float(true.max())

    def correlation_difference(rows: np.ndarray) -> np.ndarray:
        return spearman(rows[..., 2], rows[..., 0]) - spearman(rows[..., 1], rows[..., 0])

    def error_difference(rows: np.ndarray) -> np.ndarray:
        after = relative_l2(rows[..., 2], rows[..., 0], score_range)
        return after - relative_l2(rows[..., 1], rows[..., 0], score_range)

    differences: dict[str, Interval] = {"spearman": bootstrap_interval(correlation_difference, rows)}
    if score_range[1] > score_range[0]:
        differences["r_l2_x100"] = bootstrap_interval(error_difference, rows)
    return differences


def _interval(record: dict, name: str) -> Interval:
    ends = record.get("intervals", {}).get(name)
    return None if ends is None else (ends[0], ends[1])
