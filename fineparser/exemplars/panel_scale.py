"""How one panel's awards stand to what is told: learnt from a few dives that it has judged.

Panels differ by how strict they are and by how far they put dives apart, and what was learnt from simulated dives takes
recordings for better or worse than they are, all of them alike. Both show in any judged dive, whatever its number.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import t as student

from fineparser.exemplars.calibration import INTERVAL, Calibration
from fineparser.domain.judging import KEPT_AWARDS, highest_score

LEAST_JUDGED = 3
"""Fewer judged dives do not tell a panel's scale from their own luck."""
MIDDLE = 6.5
"""Award about which a panel puts dives apart."""
OFFSET, STRETCH = 1.5, 0.25
"""Standard deviations, before any dive is known, of how much milder a panel is at the middle, awards, and of how many
times as far it puts dives apart, about 1."""
KNOWN_AS = 8
"""Judged dives that what is known of the error from simulated ones counts as."""
ON_SCALE = "Scores of simulated exemplars stand here as your own judges would have given them."
"""What is to be said beside votes that were brought to a panel's scale."""
LEAST_STRETCH = 0.1
"""A panel that would rather put dives the other way round is not followed there."""
USUAL_ERROR = 1.0
"""Awards by which a score is off, where no calibration says."""


@dataclass(frozen=True)
class PanelScale:
    """A straight line from told awards to a panel's, and how far off it leaves them.

    Bayesian linear regression with a normal-inverse-gamma prior (Gelman et al., Bayesian Data Analysis, 3rd ed.,
    chapter 14): about the scale of the simulated judges, until dives say otherwise.
    """

    offset: float
    """Awards that the panel gives more than what is told, where that is `MIDDLE`."""
    stretch: float
    """How many times as far it puts dives apart."""
    dives: int
    """How many judged dives tell."""
    covariance: tuple[tuple[float, float], tuple[float, float]]
    """Of offset and stretch, in units of the error's variance."""
    error: float
    """Awards: root of the error's expected variance."""
    freedom: float
    """Degrees of freedom of the error."""

    @classmethod
    def of(
        cls,
        told: Sequence[float],
        given: Sequence[float],
        difficulty: Sequence[float],
        calibration: Calibration | None = None,
    ) -> "PanelScale":
        """From what is told and what the panel gave, points each, and degrees of difficulty.

        Args:
            calibration: of what is told, which says how far off it is on simulated dives.

        Raises:
            ValueError: for fewer dives than `LEAST_JUDGED`.
        """
        points = KEPT_AWARDS * np.asarray(difficulty, float)
        told, given = np.asarray(told, float) / points - MIDDLE, np.asarray(given, float) / points - MIDDLE
        if len(told) < LEAST_JUDGED:
            raise ValueError(f"{len(told)} judged dives do not tell a panel's scale: take {LEAST_JUDGED}")
        usual = USUAL_ERROR
        if calibration is not None:
            normal = student.ppf((1 + INTERVAL) / 2, np.inf)
            usual = (calibration.high - calibration.low) / (2 * normal * KEPT_AWARDS)
        before = np.array([0.0, 1.0])
        precision = np.diag(usual**2 / np.array([OFFSET, STRETCH]) ** 2)
        rows = np.stack([np.ones_like(told), told], axis=1)
        covariance = np.linalg.inv(precision + rows.T @ rows)
        mean = covariance @ (precision @ before + rows.T @ given)
        if mean[1] < LEAST_STRETCH:
            mean[1] = LEAST_STRETCH
            mean[0] = (given - LEAST_STRETCH * told).sum() / (precision[0, 0] + len(told))
        off, moved = given - rows @ mean, mean - before
        freedom = KNOWN_AS + len(told)
        variance = (KNOWN_AS * usual**2 + off @ off + moved @ precision @ moved) / freedom
        return cls(
            float(mean[0]),
            float(mean[1]),
            len(told),
            tuple(map(tuple, covariance.tolist())),
            float(np.sqrt(variance)),
            float(freedom),
        )

    def points(self, score: float, difficulty: float) -> float:
        """A told score as the panel would give it, points; not clipped."""
        award = score / (KEPT_AWARDS * difficulty)
        return float(KEPT_AWARDS * difficulty * (MIDDLE + self.offset + self.stretch * (award - MIDDLE)))

    def interval(self, score: float, difficulty: float) -> tuple[float, float]:
        """Points between which the panel's score lies with the probability `INTERVAL`, about one on its scale."""
        worth = KEPT_AWARDS * difficulty
        told = np.array([1.0, (score / worth - MIDDLE - self.offset) / self.stretch])
        spread = self.error * np.sqrt(1 + told @ np.array(self.covariance) @ told)
        reach = worth * spread * student.ppf((1 + INTERVAL) / 2, self.freedom)
        low, high = np.clip([score - reach, score + reach], 0, highest_score(difficulty))
        return float(min(low, score)), float(max(high, score))

    @property
    def words(self) -> str:
        """What the panel's judges do.

        >>> PanelScale(-1.04, 1.2, 12, ((0.1, 0.0), (0.0, 0.1)), 0.8, 20.0).words
        'give 1.0 awards less and put dives 1.2 times as far apart as simulated ones would'
        >>> PanelScale(0.04, 0.97, 12, ((0.1, 0.0), (0.0, 0.1)), 0.8, 20.0).words
        'give as much and put dives as far apart as simulated ones would'
        """
        offset, stretch = (f"{value:.1f}" for value in (abs(self.offset), self.stretch))
        more = "awards more" if self.offset >= 0 else "awards less"
        give = "give as much" if offset == "0.0" else f"give {offset} {more}"
        put = "put dives as far apart" if stretch == "1.0" else f"put dives {stretch} times as far apart"
        return f"{give} and {put} as simulated ones would"

    def to_json(self) -> dict:
        """Plain values."""
        return asdict(self)
