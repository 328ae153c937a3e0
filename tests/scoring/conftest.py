"""A small award model, and dives drawn from it."""

import numpy as np
import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import Phase
from fineparser.scoring.award_model import LEAST_ERRORS, MIDDLE_AWARD, AwardModel, covariates
from fineparser.scoring.evidence import EVIDENCE_NAMES

SLOPES = {
    "low": 0.06, "distance": -0.05, "loose": -3.0, "bent_knees": -2.0, "late": 0.01, "entry": -2.0,
    "bent_entry": -3.0, "crooked": -0.6, "splash": -0.1,
}  # fmt: skip
SCATTER = 2.0
"""Standard deviation of the scatter, in slopes."""
DIVE = DiveCode.parse("103B"), 1.0


def make_model() -> AwardModel:
    """Model without a step, whose evidence does not depend on the dive and scatters independently."""
    count = len(covariates(*DIVE))
    slopes = np.array([SLOPES[name] for name in EVIDENCE_NAMES])
    coefficients = np.zeros((len(EVIDENCE_NAMES), count + 1))
    coefficients[:, 0] = [1.9, 0.3, 50.0, 8.0, 0.25, 20.0, 25.0, 3.0, -0.5]
    coefficients[:, -1] = slopes
    shares = {name: 0.08 for name in EVIDENCE_NAMES}
    return AwardModel(coefficients, np.diag((SCATTER * slopes) ** 2), shares, (0.2, 0.3, 0.5), 100)


@pytest.fixture
def model() -> AwardModel:
    return make_model()


def draw_evidence(
    model: AwardModel, award: float, rng: np.random.Generator | None = None, names: tuple[str, ...] = EVIDENCE_NAMES
) -> np.ndarray:
    """Evidence [E, 2] of a 103B from 1 m with that award, with scatter and errors where there is a generator."""
    evidence = np.zeros((len(EVIDENCE_NAMES), 2), np.float32)
    sizes = model.coefficients @ np.append(covariates(*DIVE), award - MIDDLE_AWARD)
    for row, name in enumerate(EVIDENCE_NAMES):
        if name not in names:
            continue
        error = LEAST_ERRORS[name]
        scatter = 0.0 if rng is None else rng.normal(0, np.hypot(error, SCATTER * SLOPES[name]))
        size = sizes[row] + scatter if name == "splash" else max(sizes[row] + scatter, 0.0)
        evidence[row] = size + 1.2 if name == "distance" else size, 1 / error**2
    return evidence


PHASES = tuple(Phase)
