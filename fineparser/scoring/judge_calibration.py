"""Judge calibration: the user's own judges against the simulated ones, from a few dives that they judged.

Judges differ in strictness and in what they weigh. The award of a dive is its typical award, plus the contributions of
the award model, each times a weight, plus an offset. The weights of the simulated judges are 1; those of the user's
judges deviate from them together (judges spread dives further), by phase, and by fault. Bayesian linear regression with
a normal-inverse-gamma prior (Gelman et al., Bayesian Data Analysis, 3rd ed., chapter 14) learns them: with few dives
the weights stay near those of the simulated judges, with many the order of dives changes, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fineparser.domain.phases import Phase
from fineparser.domain.standards import AwardDistribution, Standard, award_prior
from fineparser.exemplars.exemplar import SIMULATED, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.scoring.award_model import AwardModel, AwardUpdate
from fineparser.scoring.evidence import EVIDENCE, EVIDENCE_NAMES

MIN_SCORED_DIVES = 5
"""Judged dives from which on scores are those of the user's judges."""
MAX_SCORED_DIVES = 200
"""Most recent judged dives that are used."""
OFFSET_SD = 0.6
"""Prior standard deviation of the offset, awards."""
COMMON_SD, PHASE_SD, FAULT_SD = 0.3, 0.3, 0.3
"""Prior standard deviations of what all weights, those of one phase, and each weight deviate by."""


@dataclass(frozen=True)
class CalibrationDive:
    """A dive that the user's judges judged."""

    award: float
    """Their mean award."""
    typical: float
    """Typical award of the number and standard."""
    update: AwardUpdate


@dataclass(frozen=True, eq=False)
class JudgeCalibration:
    """Offset and weights of some judges, with their uncertainty."""

    mean: np.ndarray
    """float64 [1 + E]: offset in awards, and the weight of each kind of evidence."""
    covariance: np.ndarray
    """float64 [1 + E, 1 + E]: of these, in units of the squared `factor`."""
    factor: float
    """Standard deviation of an award over that which the award model predicts."""
    degrees_of_freedom: float
    dives: int
    error: float
    """Root mean square difference of these judges' awards from the fit, awards."""

    @classmethod
    def from_dives(cls, dives: Sequence[CalibrationDive], model: AwardModel) -> "JudgeCalibration":
        """Calibration from judged dives; without any, the simulated judges."""
        count = 1 + len(EVIDENCE_NAMES)
        rows = np.array([[1.0, *dive.update.contributions] for dive in dives]).reshape(-1, count)
        targets = np.array([dive.award - dive.typical for dive in dives])
        spreads = np.array([dive.update.spread for dive in dives])
        rows, targets = rows / spreads[:, None], targets / spreads
        prior_mean, prior_freedom = np.append(0.0, np.ones(count - 1)), model.step.degrees_of_freedom
        precision = np.linalg.inv(_prior_covariance())
        covariance = np.linalg.inv(precision + rows.T @ rows)
        mean = covariance @ (precision @ prior_mean + rows.T @ targets)
        residual, shift = targets - rows @ mean, mean - prior_mean
        freedom = prior_freedom + len(dives)
        scatter = prior_freedom * model.step.factor**2 + residual @ residual + shift @ precision @ shift
        return cls(
            mean=mean,
            covariance=covariance,
            factor=float(np.sqrt(scatter / freedom)),
            degrees_of_freedom=freedom,
            dives=len(dives),
            error=float(np.sqrt(np.mean((residual * spreads) ** 2))) if len(dives) else 0.0,
        )

    @property
    def offset(self) -> float:
        """Awards that these judges give more than simulated ones."""
        return float(self.mean[0])

    @property
    def weights(self) -> dict[str, float]:
        """Weight of each fault relative to the simulated judges; 1 is the same."""
        return {name: float(weight) for name, weight in zip(EVIDENCE_NAMES, self.mean[1:], strict=True)}

    @property
    def phase_weights(self) -> dict[str, float]:
        """Mean weight of the faults of each phase, by its label."""
        phases = [kind.phase for kind in EVIDENCE.values()]
        return {
            phase.label: float(np.mean([w for w, of in zip(self.mean[1:], phases, strict=True) if of == phase]))
            for phase in Phase
        }

    def award(self, typical: float, update: AwardUpdate) -> float:
        """Expected award, not clipped."""
        return float(typical + self.mean[0] + self.mean[1:] @ update.contributions)

    def spread(self, update: AwardUpdate) -> float:
        """Scale of the Student t distribution of an award."""
        row = np.append(1.0, update.contributions)
        return float(self.factor * np.sqrt(update.spread**2 + row @ self.covariance @ row))

    def to_json(self) -> dict[str, Any]:
        """Plain values, as a report has them."""
        return {
            "offset": round(self.offset, 3),
            "weights": {name: round(weight, 3) for name, weight in self.weights.items()},
            "phase_weights": {name: round(weight, 3) for name, weight in self.phase_weights.items()},
            "dives": self.dives,
            "error": round(self.error, 3),
        }


@dataclass(frozen=True)
class JudgeComparison:
    """Awards of the user's judges beside those that are predicted for the same dives."""

    dives: tuple[Exemplar, ...] = ()
    """Judged dives that were measured."""
    predicted: tuple[float, ...] = ()
    """Mean awards predicted with the simulated judges' weights."""
    calibrated: tuple[float, ...] = ()
    """Mean awards predicted with the user's judges, each by the other dives; empty with too few dives."""
    calibration: JudgeCalibration | None = None
    """By all dives; None with too few."""

    @classmethod
    def from_bank(cls, bank: ExemplarBank, standard: Standard | None) -> "JudgeComparison":
        """Comparison of the judged dives of a bank, see `calibration_dives`."""
        model = AwardModel.load()
        exemplars, dives = calibration_dives(bank, standard, model)
        simulated = JudgeCalibration.from_dives((), model)
        predicted = tuple(_clipped(simulated.award(dive.typical, dive.update)) for dive in dives)
        if len(dives) < MIN_SCORED_DIVES:
            return cls(exemplars, predicted)
        calibrated = []
        for index, dive in enumerate(dives):
            others = JudgeCalibration.from_dives([*dives[:index], *dives[index + 1 :]], model)
            calibrated.append(_clipped(others.award(dive.typical, dive.update)))
        return cls(exemplars, predicted, tuple(calibrated), JudgeCalibration.from_dives(dives, model))


def calibration_dives(
    bank: ExemplarBank, standard: Standard | None, model: AwardModel
) -> tuple[tuple[Exemplar, ...], list[CalibrationDive]]:
    """The most recent real dives of a bank that were measured.

    Args:
        bank: real and simulated exemplars.
        standard: of dives that have none of their own.
        model: of their awards.
    """
    evidence = bank.encodings.evidence
    if evidence is None:
        return (), []
    exemplars, dives = [], []
    for exemplar, row in zip(bank.exemplars, evidence.numpy(), strict=True):
        if exemplar.source == SIMULATED or not (row[:, 1] > 0).any():
            continue
        prior = award_prior(exemplar.standard or standard, exemplar.code, exemplar.height)
        exemplars.append(exemplar)
        dives.append(calibration_dive(exemplar, row, prior, model))
    return tuple(exemplars[-MAX_SCORED_DIVES:]), dives[-MAX_SCORED_DIVES:]


def calibration_dive(
    exemplar: Exemplar, evidence: np.ndarray, prior: AwardDistribution, model: AwardModel
) -> CalibrationDive:
    """A judged dive from its exemplar and its evidence [E, 2]."""
    update = model.update(evidence, exemplar.code, exemplar.height, prior)
    return CalibrationDive(exemplar.mean_award, prior.mean, update)


def _prior_covariance() -> np.ndarray:
    """Of offset and weights, [1 + E, 1 + E]."""
    phases = np.array([int(kind.phase) for kind in EVIDENCE.values()])
    weights = COMMON_SD**2 + PHASE_SD**2 * (phases[:, None] == phases) + FAULT_SD**2 * np.eye(len(EVIDENCE))
    covariance = np.zeros((1 + len(EVIDENCE), 1 + len(EVIDENCE)))
    covariance[0, 0] = OFFSET_SD**2
    covariance[1:, 1:] = weights
    return covariance


def _clipped(award: float) -> float:
    return float(np.clip(award, 0.0, 10.0))
