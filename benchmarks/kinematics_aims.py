"""Aims of the measurements, and their values over many clips with intervals.

A `ClipResult` holds the truth and the measurements of one clip. An `Aim` takes scores of each clip (an error, right or
wrong, a pair to correlate) and combines them. Clips whose truth is unknown do not count; a measurement that is missing
lowers the share that was measurable.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from scipy.stats import rankdata

from benchmarks.kinematics_truth import Truth
from fineparser.kinematics import Kinematics
from fineparser.kinematics.splash import splash_level

RESAMPLES = 500
"""Bootstrap samples of an interval."""

VERTICAL_DEG = 6.0
"""Trunk angle up to which an entry counts as vertical: it separates the labels "vertical" from "short" and "over" of
all real clips but one."""

SPLASH_WORDS = ("none", "small", "medium", "large")
"""Levels of a splash in the labels, 0 to 3."""

MIN_CLIPS = 3
"""Clips below which there is no interval and no correlation."""


@dataclass(frozen=True, kw_only=True)
class ClipResult:
    """Truth and measurements of one clip."""

    clip: str
    group: dict[str, str]
    """Properties by which results are listed, such as the camera."""
    frame_rate: float
    """Frames a second of the dive; of the clip where slow motion is not known."""
    truth: Truth
    measured: dict[str, dict[str, Any]]
    """By name as in `Kinematics.to_json`, without those that are not measurable, and "flight" and "entry"."""
    missing: dict[str, str] = field(default_factory=dict)
    """Reasons by name of what is not measurable."""
    warnings: tuple[str, ...] = ()
    """Codes of the report's warnings."""

    def number(self, name: str) -> float | None:
        """A measured number; None where it is not measurable."""
        return self.measured[name]["value"] if name in self.measured else None

    def error(self, name: str) -> float | None:
        """Measured minus true number; None where it is not measurable."""
        value = self.number(name)
        return None if value is None else value - float(self.truth[name])

    def seconds(self, name: str) -> float | None:
        """Error of "flight" or "entry", seconds; None without it."""
        error = self.error(name)
        return None if error is None else error / self.frame_rate

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


Scores = Sequence[Sequence[float]]
"""Rows of one clip, each of one or two numbers."""


@dataclass(frozen=True, kw_only=True)
class Aim:
    """One number over all clips, and the value that it should reach."""

    label: str
    statistic: str
    """Name of the number, such as "mean absolute error"."""
    unit: str
    needs: tuple[str, ...]
    """Names whose truth must be known."""
    score: Callable[[ClipResult], Scores | None]
    """Scores of a clip; None where it was not measurable."""
    combine: Callable[[np.ndarray], float]
    """Number over the rows [n, k] of many clips."""
    target: float | None = None
    """None: for information."""
    at_least: bool = False
    """True where the value should be at least the target, not at most."""

    def applies(self, result: ClipResult) -> bool:
        """True for a clip whose truth is known."""
        return all(name in result.truth for name in self.needs)


@dataclass(frozen=True, kw_only=True)
class AimValue:
    """Value of an aim over some clips."""

    label: str
    statistic: str
    unit: str
    target: float | None
    value: float | None
    """None without clips."""
    low: float | None
    high: float | None
    """95% interval, bootstrapped over clips."""
    reached: bool | None
    clips: int
    """With known truth."""
    measurable: float | None
    """Share of them that was measured."""


def evaluate(aim: Aim, results: Sequence[ClipResult], resamples: int = RESAMPLES) -> AimValue:
    """Value of an aim over clips, with its interval."""
    known = [result for result in results if aim.applies(result)]
    scores = [np.asarray(score, float) for score in map(aim.score, known) if score is not None]
    value = low = high = None
    if scores:
        value = aim.combine(np.concatenate(scores))
        value = value if math.isfinite(value) else None
    if value is not None and len(scores) >= MIN_CLIPS:
        rng = np.random.default_rng(0)
        rows = np.stack(scores)  # all clips have the same number of rows
        drawn = [aim.combine(np.concatenate(rows[rng.integers(len(rows), size=len(rows))])) for _ in range(resamples)]
        low, high = (float(limit) for limit in np.nanquantile(drawn, [0.025, 0.975]))
    reached = None
    if value is not None and aim.target is not None:
        reached = value >= aim.target if aim.at_least else value <= aim.target
    return AimValue(
        label=aim.label,
        statistic=aim.statistic,
        unit=aim.unit,
        target=aim.target,
        value=value,
        low=low,
        high=high,
        reached=reached,
        clips=len(known),
        measurable=len(scores) / len(known) if known else None,
    )


# Scores of one clip


def _absolute(name: str) -> Callable[[ClipResult], Scores | None]:
    def score(result: ClipResult) -> Scores | None:
        error = result.error(name)
        return None if error is None else [[abs(error)]]

    return score


def _relative(name: str) -> Callable[[ClipResult], Scores | None]:
    def score(result: ClipResult) -> Scores | None:
        error = result.error(name)
        return None if error is None else [[abs(error) / abs(float(result.truth[name]))]]

    return score


def _right(name: str, among: int = 1) -> Callable[[ClipResult], Scores | None]:
    """1 where the truth is among the most likely possibilities."""

    def score(result: ClipResult) -> Scores | None:
        if name not in result.measured:
            return None
        guesses = list(result.measured[name]["probabilities"])[:among]
        return [[float(result.truth[name] in guesses)]]

    return score


def _pair(name: str, other: str) -> Callable[[ClipResult], Scores | None]:
    def score(result: ClipResult) -> Scores | None:
        value = result.number(name)
        return None if value is None else [[value, float(result.truth[other])]]

    return score


def _transitions(*names: str) -> Callable[[ClipResult], Scores | None]:
    """Errors of transitions with their sign, seconds."""

    def score(result: ClipResult) -> Scores | None:
        seconds = [result.seconds(name) for name in names]
        return None if None in seconds else [[second] for second in seconds if second is not None]

    return score


def _unannounced(limit: float) -> Callable[[ClipResult], Scores | None]:
    """1 for a clip with a transition that is further off than `limit` seconds, and no warning."""

    def score(result: ClipResult) -> Scores | None:
        errors = [result.seconds(name) for name in ("flight", "entry") if name in result.truth]
        is_wrong = any(error is not None and abs(error) > limit for error in errors)
        return [[float(is_wrong and not result.warnings)]]

    return score


def _sense(result: ClipResult) -> Scores | None:
    angle = result.number("trunk_angle")
    if angle is None:
        return None
    sense = "vertical" if abs(angle) <= VERTICAL_DEG else "short" if angle < 0 else "over"
    return [[float(sense == result.truth["entry_sense"])]]


def _splash_level(result: ClipResult) -> Scores | None:
    """Error of the level, 0 (none) to 3 (large)."""
    height = result.number("splash_height")
    if height is None:
        return None
    return [[float(SPLASH_WORDS.index(splash_level(height)) - float(result.truth["splash_level"]))]]


# Numbers over many clips


def _mean(rows: np.ndarray) -> float:
    return float(rows.mean())


def _mean_absolute(rows: np.ndarray) -> float:
    return float(np.abs(rows).mean())


def _median(rows: np.ndarray) -> float:
    return float(np.median(rows))


def _bias(rows: np.ndarray) -> float:
    """Absolute value of the median."""
    return float(abs(np.median(rows)))


def _share_within(limit: float) -> Callable[[np.ndarray], float]:
    return lambda rows: float((np.abs(rows) <= limit + 1e-9).mean())


def _correlation(rows: np.ndarray) -> float:
    if len(rows) < MIN_CLIPS or np.ptp(rows[:, 0]) == 0 or np.ptp(rows[:, 1]) == 0:
        return float("nan")
    ranks = rankdata(rows, axis=0)
    return float(np.asarray(np.corrcoef(ranks.T))[0, 1])


def _error_aim(name: str, label: str, target: float) -> Aim:
    unit = Kinematics.units()[name]
    return Aim(
        label=label,
        statistic="mean absolute error",
        unit=unit,
        needs=(name,),
        score=_absolute(name),
        combine=_mean,
        target=target,
    )


def _relative_aim(name: str, label: str, target: float) -> Aim:
    return Aim(
        label=label,
        statistic="mean relative error",
        unit="",
        needs=(name,),
        score=_relative(name),
        combine=_mean,
        target=target,
    )


def _choice_aim(name: str, label: str, target: float | None, among: int = 1) -> Aim:
    return Aim(
        label=label,
        statistic="share right" if among == 1 else f"share among {among}",
        unit="",
        needs=(name,),
        score=_right(name, among),
        combine=_mean,
        target=target,
        at_least=True,
    )


def _within_aim(name: str, label: str, limit: float, target: float) -> Aim:
    return Aim(
        label=label,
        statistic=f"share within {limit:g} s",
        unit="",
        needs=(name,),
        score=_transitions(name),
        combine=_share_within(limit),
        target=target,
        at_least=True,
    )


def _bias_aim(name: str, label: str, target: float | None = None) -> Aim:
    return Aim(
        label=label,
        statistic="absolute median error",
        unit="s",
        needs=(name,),
        score=_transitions(name),
        combine=_bias,
        target=target,
    )


BOTH = ("flight", "entry")

SIMULATED_AIMS = (
    Aim(
        label="flight and entry",
        statistic="mean absolute error",
        unit="s",
        needs=BOTH,
        score=_transitions(*BOTH),
        combine=_mean_absolute,
        target=0.03,
    ),
    Aim(
        label="flight and entry",
        statistic="share within 0.1 s",
        unit="",
        needs=BOTH,
        score=_transitions(*BOTH),
        combine=_share_within(0.1),
        target=0.98,
        at_least=True,
    ),
    _bias_aim("flight", "flight"),
    _bias_aim("entry", "entry"),
    _relative_aim("scale", "scale", 0.06),
    _error_aim("air_time", "air time", 0.04),
    _error_aim("height_above_board", "height above the board", 0.15),
    _error_aim("entry_distance", "distance from the board at the entry", 0.25),
    _choice_aim("half_somersaults", "half somersaults", 0.98),
    _choice_aim("half_twists", "half twists", 0.93),
    _choice_aim("direction", "direction", 0.97),
    _choice_aim("position", "position", 0.92),
    _choice_aim("start", "start from feet or hands", None),
    _relative_aim("peak_rotation", "peak rotation speed", 0.08),
    _error_aim("tightest_hip", "hip angle at the tightest", 15.0),
    _error_aim("opening_time", "opening time", 0.06),
    _error_aim("trunk_angle", "trunk angle at the touch (hips to hands)", 5.0),
    _error_aim("entry_angle", "body angle at the touch (toes to hands)", 5.0),
    _error_aim("splash_height", "splash height", 0.15),
    Aim(
        label="splash area and the simulated area",
        statistic="rank correlation",
        unit="",
        needs=("splash_area",),
        score=_pair("splash_area", "splash_area"),
        combine=_correlation,
        target=0.85,
        at_least=True,
    ),
    Aim(
        label="splash area and the simulated fault",
        statistic="rank correlation",
        unit="",
        needs=("splash_size",),
        score=_pair("splash_area", "splash_size"),
        combine=_correlation,
        at_least=True,
    ),
    _choice_aim("dive_number", "dive number", 0.75),
    _choice_aim("dive_number", "dive number", 0.95, among=5),
)
"""Aims on simulated dives."""

REAL_AIMS = (
    _bias_aim("flight", "flight, all clips", 0.04),
    _bias_aim("entry", "entry, all clips", 0.04),
    _within_aim("flight", "flight", 0.1, 0.92),
    _within_aim("entry", "entry", 0.1, 0.85),
    Aim(
        label="flight or entry beyond 0.5 s without a warning",
        statistic="share of clips",
        unit="",
        needs=("flight",),
        score=_unannounced(0.5),
        combine=_mean,
        target=0.0,
    ),
    _choice_aim("half_somersaults", "half somersaults", 0.9),
    _choice_aim("half_twists", "half twists", None),
    _choice_aim("direction", "direction", 0.9),
    _choice_aim("position", "position", 0.9),
    Aim(
        label="trunk angle at the touch (hips to hands)",
        statistic="share within 10 degrees",
        unit="",
        needs=("trunk_angle",),
        score=_absolute("trunk_angle"),
        combine=_share_within(10.0),
        target=0.8,
        at_least=True,
    ),
    Aim(
        label="body angle at the touch (toes to hands)",
        statistic="share within 10 degrees",
        unit="",
        needs=("entry_angle",),
        score=_absolute("entry_angle"),
        combine=_share_within(10.0),
        at_least=True,
    ),
    Aim(
        label="short, vertical or over",
        statistic="share right",
        unit="",
        needs=("entry_sense",),
        score=_sense,
        combine=_mean,
        target=0.8,
        at_least=True,
    ),
    Aim(
        label="splash height and the label's",
        statistic="rank correlation",
        unit="",
        needs=("splash_bodies",),
        score=_pair("splash_height", "splash_bodies"),
        combine=_correlation,
        target=0.6,
        at_least=True,
    ),
    Aim(
        label="splash level",
        statistic="share within one",
        unit="",
        needs=("splash_level",),
        score=_splash_level,
        combine=_share_within(1.0),
        target=0.9,
        at_least=True,
    ),
    _relative_aim("body_height", "body height in pixels", 0.12),
    _choice_aim("dive_number", "dive number", 0.6),
    _choice_aim("dive_number", "dive number", None, among=5),
)
"""Aims on real clips."""

BOARD_AIMS = (_bias_aim("flight", "flight", 0.04), _bias_aim("entry", "entry", 0.04))
"""Aims for springboards and for platforms."""


@dataclass(frozen=True, kw_only=True)
class QuantityErrors:
    """Errors of one quantity against the truth."""

    name: str
    unit: str
    clips: int
    """With known truth."""
    measurable: float
    mean_absolute: float | None
    median: float | None
    """Of the errors with their sign."""
    calibration: float | None
    """Root mean square of error over standard error: 1 where the standard errors are right."""
    robust_calibration: float | None
    """The same from the median absolute ratio, which outliers do not change."""
    reasons: dict[str, int]
    """Number of clips by the reason why it is not measurable."""


NORMAL_QUARTILE = 0.6745
"""Median absolute value of a standard normal variable."""


def quantity_errors(results: Sequence[ClipResult]) -> list[QuantityErrors]:
    """Errors of every quantity with a number and a known truth."""
    rows = []
    for name, unit in Kinematics.units().items():
        known = [result for result in results if isinstance(result.truth.get(name), (int, float))]
        if not known:
            continue
        measured = [result for result in known if name in result.measured]
        errors = np.array([result.measured[name]["value"] - float(result.truth[name]) for result in measured])
        ratios = errors / np.array([max(result.measured[name]["error"], 1e-12) for result in measured])
        reasons: dict[str, int] = {}
        for result in known:
            if name in result.missing:
                reasons[result.missing[name]] = reasons.get(result.missing[name], 0) + 1
        rows.append(
            QuantityErrors(
                name=name,
                unit=unit,
                clips=len(known),
                measurable=len(measured) / len(known),
                mean_absolute=float(np.abs(errors).mean()) if len(errors) else None,
                median=float(np.median(errors)) if len(errors) else None,
                calibration=float(np.sqrt((ratios**2).mean())) if len(errors) else None,
                robust_calibration=float(np.median(np.abs(ratios)) / NORMAL_QUARTILE) if len(errors) else None,
                reasons=reasons,
            )
        )
    return rows
