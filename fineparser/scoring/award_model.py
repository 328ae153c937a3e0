"""The award model: from the evidence of a dive to the distribution of its mean award.

Better dives are higher, tighter and more upright at the entry, and splash less. On simulated dives, whose awards and
sizes are both known, every evidence is a linear function of the dive and its award, plus a scatter that is correlated
between kinds of evidence:

    evidence = expected(number, height) + slope x (award - 6) + scatter + error of the measurement + step to recordings

Before a clip is seen, the award has the distribution of its number and standard of competition. Bayes' rule for
normal distributions turns both into the award given the evidence: the typical award plus one contribution for each
kind of evidence, the smaller the less it was measured. Nothing is read off pixels.

What is measured on recordings differs from the true sizes of simulated dives. The step to real recordings has an offset
and a spread for each kind of evidence, estimated on real clips whose scores are mostly unknown, and one factor on the
width of the predictive distribution (a Student t) from those that were judged; `AwardModel.without` leaves a clip out
of both. Simulated recordings have a step of their own.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from fineparser.domain.difficulty import SPRINGBOARDS
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import Phase
from fineparser.domain.standards import AwardDistribution
from fineparser.plain_values import parse_json
from fineparser.scoring.evidence import EVIDENCE, EVIDENCE_NAMES

MIDDLE_AWARD = 6.0
"""Award at which the slopes cross."""
LEAST_ERRORS = {
    "low": 0.12,
    "distance": 0.22,
    "loose": 10.0,
    "bent_knees": 7.0,
    "late": 0.05,
    "entry": 5.0,
    "bent_entry": 10.0,
    "crooked": 5.0,
    "splash": 0.25,
}
"""Standard errors below which no measurement is believed, in its unit (of the splash a share): medians on simulated
dives (docs/kinematics.md). What real clips add is part of the step."""
FURTHEST = 2.5
"""Standard deviations beyond which evidence counts no more: the measurement has failed."""
STEP_DIVES = 3
"""Clips that the assumption of no offset is worth."""
FACTOR_DIVES = 8
"""Judged clips that the assumption of a right width is worth."""
MEDIAN_TO_DEVIATION = 1.4826
"""Standard deviation of a normal distribution over the median of its absolute deviations."""


def covariates(code: DiveCode, height: float) -> np.ndarray:
    """Properties of a dive on which its evidence depends besides the award, [12]."""
    turns = code.half_somersaults / 4
    return np.array(
        [
            1.0,
            height == 1,
            height == 3,
            np.log(height),
            code.position == "A",
            code.position == "B",
            code.position == "D",
            turns,
            turns * (height in SPRINGBOARDS),
            code.half_twists > 0,
            code.direction in (2, 3),
            code.armstand,
        ],
        dtype=float,
    )


@dataclass(frozen=True)
class RecordingStep:
    """The step from the true sizes of simulated dives to what is measured on recordings, from some measured clips."""

    deviations: Mapping[str, tuple[float | None, ...]]
    """By clip: evidence minus what it is expected to be, in the order of `EVIDENCE_NAMES`; None where not measured."""
    errors: Mapping[str, tuple[float, float]]
    """By judged clip: true minus predicted award, and the standard deviation of the prediction before the factor; each
    predicted by the model without that clip."""

    def without(self, clip: str) -> "RecordingStep":
        """The step without a clip."""
        return RecordingStep(
            {name: values for name, values in self.deviations.items() if name != clip},
            {name: values for name, values in self.errors.items() if name != clip},
        )

    def offsets_and_spreads(self, variances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Offset and additional standard deviation of each kind of evidence, [E] each.

        Args:
            variances: [E] of the deviations without a step.
        """
        offsets, spreads = np.zeros((2, len(EVIDENCE_NAMES)))
        rows = np.array([*self.deviations.values()], dtype=float).reshape(-1, len(EVIDENCE_NAMES))
        for column, values in enumerate(rows.T):
            known = values[np.isfinite(values)]
            if not len(known):
                continue
            middle = np.median(known)
            offsets[column] = middle * len(known) / (len(known) + STEP_DIVES)
            deviation = MEDIAN_TO_DEVIATION * np.median(np.abs(known - middle))
            spreads[column] = np.sqrt(max(deviation**2 - variances[column], 0.0))
        return offsets, spreads

    @property
    def factor(self) -> float:
        """Factor on the standard deviation of a prediction, 1 or more: few clips do not show that it is too wide."""
        surprise = sum((error / spread) ** 2 for error, spread in self.errors.values())
        return float(max(np.sqrt((FACTOR_DIVES + surprise) / (FACTOR_DIVES + len(self.errors))), 1.0))

    @property
    def degrees_of_freedom(self) -> float:
        """Of the Student t distribution."""
        return float(FACTOR_DIVES + len(self.errors))

    @property
    def rms_error(self) -> float:
        """Of the judged clips, awards; 0 without any."""
        return float(np.sqrt(np.mean([error**2 for error, _ in self.errors.values()]))) if self.errors else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "deviations": {
                clip: [None if value is None else round(value, 3) for value in values]
                for clip, values in self.deviations.items()
            },
            "errors": {clip: [round(value, 3) for value in values] for clip, values in self.errors.items()},
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "RecordingStep":
        """Step from plain values; KeyError, TypeError or AttributeError for others."""
        return cls(
            {clip: tuple(row) for clip, row in values["deviations"].items()},
            {clip: (float(row[0]), float(row[1])) for clip, row in values["errors"].items()},
        )


NO_STEP = RecordingStep({}, {})
"""No step: true sizes."""


@dataclass(frozen=True)
class AwardUpdate:
    """What the evidence of a dive says about its award."""

    contributions: np.ndarray
    """float64 [E] awards that each kind of evidence adds to the typical award; 0 where it was not measured."""
    errors: np.ndarray
    """float64 [E] their standard errors, from those of the measurements; 0 where it was not measured."""
    expected: np.ndarray
    """float64 [E] fault sizes of a typical dive of the number and standard; NaN where the dive cannot have them."""
    spread: float
    """Standard deviation of the award given the evidence, before the factor of the step."""


@dataclass(frozen=True, eq=False)
class AwardModel:
    """Distribution of the evidence of a dive given its award, and the step to real recordings."""

    coefficients: np.ndarray
    """float64 [E, 13]: of the covariates, and the slope: fault size an award; NaN for evidence that is not used."""
    covariance: np.ndarray
    """float64 [E, E]: of the scatter of simulated dives."""
    fault_shares: Mapping[str, float]
    """By fault: its share of what a typical dive lacks to 10."""
    phase_shares: tuple[float, ...]
    """The same by phase; they add up to 1."""
    simulated_dives: int
    """Number of simulated dives behind it."""
    step: RecordingStep = NO_STEP
    """To the recordings that are judged: real ones, unless `for_simulated` chose the others."""
    simulated_step: RecordingStep = NO_STEP

    @classmethod
    def load(cls, path: Path | None = None) -> "AwardModel":
        """The model in a file; None: the bundled one.

        Raises:
            ValueError: for a file that holds no model.
            OSError: if it cannot be read.
        """
        source = files("fineparser.scoring").joinpath("award_model.json") if path is None else path
        return cls.from_json(parse_json(source.read_text(encoding="utf-8")))

    def without(self, clip: str) -> "AwardModel":
        """The model with a step that does not know a clip, by its file name."""
        return replace(self, step=self.step.without(clip))

    def for_simulated(self) -> "AwardModel":
        """The model for simulated recordings."""
        return replace(self, step=self.simulated_step)

    @cached_property
    def least_errors(self) -> np.ndarray:
        """[E], see `LEAST_ERRORS`."""
        return np.array([LEAST_ERRORS[name] for name in EVIDENCE_NAMES])

    @cached_property
    def _step(self) -> tuple[np.ndarray, np.ndarray]:
        variances = np.nan_to_num(np.diag(self.covariance)) + self.least_errors**2
        return self.step.offsets_and_spreads(variances)

    def expected_sizes(self, code: DiveCode, height: float, award: float) -> np.ndarray:
        """Fault sizes of a dive of an award on a real recording, [E]; NaN where the dive cannot have them."""
        rows = self.coefficients @ np.append(covariates(code, height), award - MIDDLE_AWARD)
        can_have = [code.position in kind.positions for kind in EVIDENCE.values()]
        return np.where(can_have, rows + self._step[0], np.nan)

    def update(self, evidence: np.ndarray, code: DiveCode, height: float, prior: AwardDistribution) -> AwardUpdate:
        """Condition the award of a dive on its evidence.

        Args:
            evidence: [E, 2] sizes and precisions, see `fineparser.scoring.evidence`.
            code, height: of the dive.
            prior: distribution of the awards of such dives.
        """
        expected = self.expected_sizes(code, height, prior.mean)
        sizes = fault_sizes(evidence)
        used = np.flatnonzero(np.isfinite(sizes) & np.isfinite(expected))
        contributions, errors = np.zeros((2, len(EVIDENCE_NAMES)))
        if not len(used):
            return AwardUpdate(contributions, errors, expected, prior.sd)
        measured = np.maximum(1 / np.sqrt(evidence[used, 1].astype(float)), self.least_errors[used])
        noise = measured**2 + self._step[1][used] ** 2
        covariance = self.covariance[np.ix_(used, used)] + np.diag(noise)
        slopes = self.coefficients[used, -1]
        # Of what the prior predicts, as far as a measurement that has not failed deviates from it.
        most = FURTHEST * np.sqrt(np.diag(covariance) + (slopes * prior.sd) ** 2)
        deviations = np.clip(sizes[used] - expected[used], -most, most)
        weights = np.linalg.solve(covariance, slopes)
        precision = 1 / prior.sd**2 + slopes @ weights
        contributions[used] = weights / precision * deviations
        errors[used] = np.abs(weights / precision) * measured
        return AwardUpdate(contributions, errors, expected, float(1 / np.sqrt(precision)))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "evidence": list(EVIDENCE_NAMES),
            "coefficients": _rounded(self.coefficients),
            "covariance": _rounded(self.covariance),
            "fault_shares": {name: round(share, 4) for name, share in self.fault_shares.items()},
            "phase_shares": [round(share, 4) for share in self.phase_shares],
            "simulated_dives": self.simulated_dives,
            "real": self.step.to_json(),
            "simulated": self.simulated_step.to_json(),
        }

    @classmethod
    def from_json(cls, values: Any) -> "AwardModel":
        """Model from plain values.

        Raises:
            ValueError: for values that are no model of this evidence.
        """
        try:
            if tuple(values["evidence"]) != EVIDENCE_NAMES:
                raise ValueError(f"it is for other evidence: {', '.join(map(str, values['evidence']))[:200]}")
            model = cls(
                coefficients=np.array(values["coefficients"], dtype=float),
                covariance=np.array(values["covariance"], dtype=float),
                fault_shares={str(name): float(share) for name, share in values["fault_shares"].items()},
                phase_shares=tuple(float(share) for share in values["phase_shares"]),
                simulated_dives=int(values["simulated_dives"]),
                step=RecordingStep.from_json(values["real"]),
                simulated_step=RecordingStep.from_json(values["simulated"]),
            )
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"it is no award model: {error!r}") from error
        count = len(EVIDENCE_NAMES)
        if model.coefficients.shape[:1] != (count,) or model.covariance.shape != (count, count):
            raise ValueError(f"it is no award model: its coefficients are {model.coefficients.shape}")
        if len(model.phase_shares) != len(Phase):
            raise ValueError(f"it is no award model: it has {len(model.phase_shares)} phases")
        return model


def fault_sizes(evidence: np.ndarray) -> np.ndarray:
    """Fault sizes [E] of evidence [E, 2], NaN where it was not measured."""
    sizes = np.full(len(EVIDENCE), np.nan)
    for row, kind in enumerate(EVIDENCE.values()):
        if evidence[row, 1] > 0:
            sizes[row] = kind.fault_size(evidence[row, 0].astype(float))
    return sizes


def without_phases(evidence: np.ndarray, missing: Collection[Phase]) -> np.ndarray:
    """Evidence [E, 2] without that of phases that the clip does not show."""
    shown = np.array([kind.phase not in missing for kind in EVIDENCE.values()])
    return np.where(shown[:, None], evidence, 0).astype(evidence.dtype)


def interval_reach(coverage: float, degrees_of_freedom: float) -> float:
    """Standard deviations on either side of the mean of a Student t distribution that contain `coverage`."""
    return float(student.ppf((1 + coverage) / 2, degrees_of_freedom))


def write_model(model: AwardModel) -> str:
    """Text of a model's file."""
    return json.dumps(model.to_json(), indent=1) + "\n"


def _rounded(values: np.ndarray | Sequence[float]) -> list[Any]:
    """Nested lists with six significant digits."""
    array = np.asarray(values)
    if array.ndim > 1:
        return [_rounded(row) for row in array]
    return [float(f"{value:.6g}") for value in array]
