"""Judge calibration: a linear map from predicted awards to those of the user's own judges.

Judging panels differ in strictness and in how far they spread dives. A network trained on simulated dives also has a
bias on real ones, the same for all. Both show in any dive with a known score, whatever its number, so that a few scored
dives of the user suffice to correct them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import t as student

from fineparser.data.exemplar_pool import NEAREST_NUMBER
from fineparser.domain.judging import COUNTED_AWARDS, highest_score
from fineparser.exemplars.exemplar import SIMULATED, Exemplar, non_simulated_sources
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE, ScoreCalibration
from fineparser.exemplars.voting import vote_on_pairs
from fineparser.model.protocol import Network

MIN_SCORED_DIVES = 3
"""Fewer scored dives cannot tell the judges from chance."""
MAX_SCORED_DIVES = 200
"""Most recent dives that are used: more add nothing to two coefficients, and every analysis would wait for them."""
MIDDLE_AWARD = 6.5
"""Award at which the offset is taken."""
PRIOR_OFFSET, PRIOR_SLOPE = 1.5, 0.25
"""Prior standard deviations of the offset (awards) about 0 and of the slope about 1."""
PRIOR_DIVES = 8
"""Number of dives that the prior knowledge of the error is worth."""
MIN_SLOPE = 0.1
"""Judges who seem to rank dives the other way round are not followed."""
DEFAULT_ERROR = 1.0
"""Error of a score in awards, without a score calibration."""


@dataclass(frozen=True)
class JudgeCalibration:
    """Linear map from predicted awards to those of some judges, with its uncertainty.

    Bayesian linear regression with a normal-inverse-gamma prior centred on the simulated judges (Gelman et al.,
    Bayesian Data Analysis, 3rd ed., chapter 14).
    """

    offset: float
    """Award of the judges minus the predicted award, at `MIDDLE_AWARD`."""
    slope: float
    """Awards of the judges per predicted award: above 1, the judges spread dives further."""
    dives: int
    """Number of scored dives."""
    covariance: tuple[tuple[float, float], tuple[float, float]]
    """Of offset and slope, in units of the error's variance."""
    error: float
    """Awards: root of the error's expected variance."""
    degrees_of_freedom: float
    """Of the error."""

    @classmethod
    def from_scores(
        cls,
        predicted: Sequence[float] | np.ndarray,
        true: Sequence[float] | np.ndarray,
        difficulty: Sequence[float] | np.ndarray,
        score_calibration: ScoreCalibration | None = None,
    ) -> "JudgeCalibration":
        """Calibration from predicted scores and those of the judges.

        Args:
            predicted, true: points.
            difficulty: degrees of difficulty.
            score_calibration: of the predicted scores: the prior knowledge of their error.

        Raises:
            ValueError: for fewer dives than `MIN_SCORED_DIVES`.
        """
        points = COUNTED_AWARDS * np.asarray(difficulty, float)
        if len(points) < MIN_SCORED_DIVES:
            raise ValueError(f"{len(points)} scored dives are too few to calibrate to judges: use {MIN_SCORED_DIVES}")
        x = np.asarray(predicted, float) / points - MIDDLE_AWARD
        y = np.asarray(true, float) / points - MIDDLE_AWARD
        prior_error = DEFAULT_ERROR
        if score_calibration is not None:
            normal = student.ppf((1 + NOMINAL_COVERAGE) / 2, np.inf)
            prior_error = (score_calibration.high - score_calibration.low) / (2 * normal * COUNTED_AWARDS)
        prior_mean = np.array([0.0, 1.0])
        precision = np.diag(prior_error**2 / np.array([PRIOR_OFFSET, PRIOR_SLOPE]) ** 2)
        rows = np.stack([np.ones_like(x), x], axis=1)
        covariance = np.linalg.inv(precision + rows.T @ rows)
        mean = covariance @ (precision @ prior_mean + rows.T @ y)
        if mean[1] < MIN_SLOPE:
            mean[1] = MIN_SLOPE
            mean[0] = (y - MIN_SLOPE * x).sum() / (precision[0, 0] + len(x))
        residual, shift = y - rows @ mean, mean - prior_mean
        freedom = PRIOR_DIVES + len(x)
        variance = (PRIOR_DIVES * prior_error**2 + residual @ residual + shift @ precision @ shift) / freedom
        (offset_variance, covariation), (_, slope_variance) = covariance.tolist()
        return cls(
            offset=float(mean[0]),
            slope=float(mean[1]),
            dives=len(x),
            covariance=((offset_variance, covariation), (covariation, slope_variance)),
            error=float(np.sqrt(variance)),
            degrees_of_freedom=float(freedom),
        )

    def calibrate(self, score: float, difficulty: float) -> float:
        """Convert a predicted score to the scale of the judges, points; not clipped."""
        award = score / (COUNTED_AWARDS * difficulty)
        return float(COUNTED_AWARDS * difficulty * (MIDDLE_AWARD + self.offset + self.slope * (award - MIDDLE_AWARD)))

    def interval(self, score: float, difficulty: float) -> tuple[float, float]:
        """Interval in points about a calibrated score, which contains the judges' with `NOMINAL_COVERAGE`."""
        points = COUNTED_AWARDS * difficulty
        row = np.array([1.0, (score / points - MIDDLE_AWARD - self.offset) / self.slope])
        spread = self.error * np.sqrt(1 + row @ np.array(self.covariance) @ row)
        reach = points * spread * student.ppf((1 + NOMINAL_COVERAGE) / 2, self.degrees_of_freedom)
        low, high = np.clip([score - reach, score + reach], 0, highest_score(difficulty))
        return float(min(low, score)), float(max(high, score))

    def to_json(self) -> dict[str, Any]:
        """Plain values, as a report has them."""
        return {
            "offset": self.offset,
            "stretch": self.slope,
            "dives": self.dives,
            "covariance": self.covariance,
            "error": self.error,
            "freedom": self.degrees_of_freedom,
        }


@dataclass(frozen=True)
class JudgeComparison:
    """Scores of the user's judges beside the predictions of simulated exemplars."""

    dives: tuple[Exemplar, ...] = ()
    """Real dives whose numbers have simulated exemplars."""
    predicted: tuple[float, ...] = ()
    """Points predicted for them."""
    calibration: JudgeCalibration | None = None
    """From predicted to true scores; None with too few dives, or weights that need none."""

    @classmethod
    def from_bank(cls, network: Network, bank: ExemplarBank, count: int, seed: int) -> "JudgeComparison":
        """Comparison of the real dives of a bank with its simulated ones.

        Args:
            network: that encoded the bank, in eval mode.
            bank: real and simulated exemplars.
            count: simulated exemplars that vote on each dive.
            seed: of their choice.
        """
        simulated = bank.with_sources({SIMULATED})
        chosen: dict[int, list[int]] = {}
        for index in _real_dives(bank) if len(simulated) else ():
            choices = simulated.choose(bank.card(index), count, seed)
            if voters := [choice.index for choice in choices if choice.rule != NEAREST_NUMBER]:
                chosen[index] = voters
        if not chosen:
            return cls()
        pairs = torch.tensor([(index, voter) for index, voters in chosen.items() for voter in voters])
        votes = vote_on_pairs(network, bank.encodings, bank.difficulty, simulated, pairs).scores
        predicted = tuple(part.mean().item() for part in votes.split([len(voters) for voters in chosen.values()]))
        dives = tuple(bank.exemplars[index] for index in chosen)
        if not can_calibrate_judges(network) or len(dives) < MIN_SCORED_DIVES:
            return cls(dives, predicted)
        true, difficulty = [one.score for one in dives], [one.difficulty for one in dives]
        return cls(dives, predicted, JudgeCalibration.from_scores(predicted, true, difficulty, bank.calibration))


def can_calibrate_judges(network: Network) -> bool:
    """Check that the weights are trained on simulated dives alone.

    Others predict on the scale of real judges already, and may have memorised the user's dives.
    """
    return not non_simulated_sources(network.provenance.trained_on)


def fit_judge_calibration(network: Network, bank: ExemplarBank, count: int, seed: int) -> JudgeCalibration | None:
    """The calibration of `JudgeComparison.from_bank`, without comparing anything if there can be none."""
    if not can_calibrate_judges(network) or len(_real_dives(bank)) < MIN_SCORED_DIVES:
        return None
    return JudgeComparison.from_bank(network, bank, count, seed).calibration


def _real_dives(bank: ExemplarBank) -> list[int]:
    """Indices of the most recent real dives."""
    return [index for index, one in enumerate(bank.exemplars) if one.source != SIMULATED][-MAX_SCORED_DIVES:]
