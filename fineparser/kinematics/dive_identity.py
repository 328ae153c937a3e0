"""Identity of a dive: number, rotation, direction, start, position and height, weighed together.

Each legal dive number at each height, turning clockwise or counterclockwise in the picture, is a hypothesis. Its
probability is how often it is dived times the likelihoods of all evidence; the probability of a direction, say, is the
sum over the hypotheses that have it. Two geometrical facts give the direction. Hips bend forwards, so the fold shows
the front (after half a twist, on the other side): forward and inward dives turn towards it. Divers travel away from the
board: forward and back dives turn that way.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import logsumexp

from fineparser.domain.difficulty import HEIGHTS, catalogue, difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.rules import DIRECTIONS, POSITIONS
from fineparser.kinematics.flight_transitions import FlightTransitions
from fineparser.kinematics.observation import DiveObservation, MotionPrediction
from fineparser.kinematics.quantity import Choice
from fineparser.kinematics.rotation_measurement import SENSES, RotationEvidence
from fineparser.kinematics.shape_measurement import ShapeMeasurement

# fmt: off
COMPETITION_DIVES: dict[float, dict[str, int]] = {
    3: {
        "205B": 813, "107B": 675, "5154B": 546, "405B": 543, "305B": 527, "307C": 487, "5152B": 448, "407C": 427,
        "109C": 382, "207C": 204, "5156B": 156, "5337D": 147, "5353B": 112, "405C": 63, "107C": 36, "5253B": 31,
    },
    10: {
        "407C": 948, "107B": 740, "5253B": 693, "207C": 568, "307C": 544, "6243D": 450, "109C": 346, "207B": 305,
        "5255B": 293, "626C": 234, "305C": 182, "205B": 158, "6245D": 156, "626B": 154, "405B": 85, "407B": 70,
        "5156B": 58, "6142D": 41, "5172B": 38,
    },
}
# fmt: on
"""How often dives occur, by height, in international meets of 2009 to 2021 (MTL-AQA and published results; those with a
share of 0.5% at least)."""
COMPETITION_SHARE = {1: 0.0, 3: 0.35, 5: 0.0, 7.5: 0.0, 10: 0.55}
"""Share of such meets among clips."""
USUAL_DIFFICULTY = {1: (1.6, 0.6), 3: (2.2, 0.7), 5: (1.9, 0.6), 7.5: (2.3, 0.6), 10: (2.7, 0.6)}
"""Mean and standard deviation of the difficulty of all other dives: clubs and colleges."""
FLYING_SHARE, TWISTING_SHARE, STRAIGHT_SHARE, FEET_FIRST_SHARE, ARMSTAND_SHARE = 0.01, 0.25, 0.1, 0.25, 0.3
"""How often these are dived there, compared with others of the same difficulty."""

AWAY, AWAY_SPREAD = 0.9, 0.5
"""Body lengths that divers travel away from the board in the flight, mean and standard deviation."""
DRIFT_ERROR = 6.0
"""Standard error of the measured travel in units of the parabola's residual: poor tracks drift with the camera."""
WRONG_TRACK = 0.03
"""Share of the clips whose track shows nothing of the diver's travel."""
MOTION_WEIGHT = 0.7
"""Weight of the motion head's probabilities: they rest on the same keypoints as the other evidence."""
MOTION_ERROR = 0.03
"""Share of dives in which the motion head is anywhere: simulated dives taught it."""
NUMBER_CHOICES = 5
"""Dive numbers that are proposed."""


@dataclass(frozen=True, eq=False)
class _Hypotheses:
    """Dive numbers at heights, N pairs."""

    codes: tuple[DiveCode, ...]
    heights: np.ndarray
    """float64 [N]."""
    prior: np.ndarray
    """float64 [N]: logarithm of the share of the number among dives from its height."""

    @property
    def half_somersaults(self) -> np.ndarray:
        """int64 [N]."""
        return np.array([code.half_somersaults for code in self.codes])


@lru_cache(maxsize=1)
def _hypotheses() -> _Hypotheses:
    """All dive numbers that have a difficulty, at all heights."""
    codes: list[DiveCode] = []
    heights: list[float] = []
    prior: list[float] = []
    for height in HEIGHTS:
        listed = catalogue(height)
        weights = np.array([_club_weight(code, height) for code in listed])
        counts = COMPETITION_DIVES.get(height, {})
        meets = np.array([counts.get(str(code), 0) for code in listed]) / max(sum(counts.values()), 1)
        share = COMPETITION_SHARE[height]
        codes += listed
        heights += [height] * len(listed)
        prior += list(np.log(share * meets + (1 - share) * weights / weights.sum()))
    return _Hypotheses(tuple(codes), np.array(heights), np.array(prior))


def _club_weight(code: DiveCode, height: float) -> float:
    """How often a dive is done outside international meets, without a unit."""
    mean, deviation = USUAL_DIFFICULTY[height]
    weight = math.exp(-0.5 * ((difficulty(code, height) - mean) / deviation) ** 2)
    for is_so, share in (
        (code.flying, FLYING_SHARE),
        (code.twisting, TWISTING_SHARE),
        (code.position == "A", STRAIGHT_SHARE),
        (not code.head_first, FEET_FIRST_SHARE),
        (code.armstand, ARMSTAND_SHARE),
    ):
        weight *= share if is_so else 1.0
    return weight


@dataclass(frozen=True, eq=False, kw_only=True)
class DiveIdentity:
    """What a dive is, with probabilities."""

    half_somersaults: Choice
    half_twists: Choice
    """Not measurable without a motion head."""
    direction: Choice
    start: Choice
    position: Choice
    dive_number: Choice
    height: Choice
    sense: int
    """Of the rotation in the picture: 1 clockwise, -1 counterclockwise."""
    code: DiveCode
    """The most likely number."""
    rotation_fit: float
    """Mean log-likelihood of a frame under the best rotation: above 0, the more of it is visible."""
    log_likelihood: Mapping[str, Mapping[str, float]]
    """Of the evidence alone, for each value of "half_somersaults", "direction", "start" and "half_twists"."""

    def gap(self, name: str, value: str) -> float:
        """Log-likelihood by which the best value of a choice fits better than another."""
        values = self.log_likelihood[name]
        return max(values.values()) - values[value]

    def best(self, name: str) -> str:
        """The value of a choice that fits the evidence best, however rare it is."""
        values = self.log_likelihood[name]
        return max(values, key=values.__getitem__)


def identify_dive(
    observation: DiveObservation,
    transitions: FlightTransitions,
    rotation: RotationEvidence,
    shape: ShapeMeasurement,
    body_length: float,
) -> DiveIdentity:
    """Identify a dive.

    Args:
        observation: of the dive.
        transitions: of it; their probabilities of the heights are taken over.
        rotation, shape: of its flight.
        body_length: from ankles to head, pixels of the first frame.
    """
    all_codes = _hypotheses()
    codes, motion = all_codes.codes, observation.motion
    likelihood = _geometry(codes, transitions, rotation, body_length)  # [N, 2]
    likelihood += _position(codes, shape.position_likelihood)[:, None]
    if motion is not None:
        likelihood += MOTION_WEIGHT * _motion_evidence(codes, motion)[:, None]
    with np.errstate(divide="ignore"):
        heights = np.log([transitions.height_probabilities[height] for height in all_codes.heights])
    joint = likelihood + (all_codes.prior + heights)[:, None]
    joint -= logsumexp(joint)
    posterior = np.exp(logsumexp(joint, axis=1))
    labels = {
        "half_somersaults": [str(code.half_somersaults) for code in codes],
        "half_twists": [str(code.half_twists) for code in codes],
        "direction": [DIRECTIONS.get(code.direction, DIRECTIONS[1]) for code in codes],
        "start": ["hands" if code.armstand else "feet" for code in codes],
        "position": [code.position for code in codes],
        "dive_number": [str(code) for code in codes],
        "height": [f"{height:g}" for height in all_codes.heights],
    }
    frames = tuple(observation.numbers[rotation.frames[[0, -1]]].tolist())
    choices = {name: _choice(values, posterior, frames) for name, values in labels.items()}
    if motion is None:
        choices["half_twists"] = Choice.missing("no_motion_head")
    numbers = list(choices["dive_number"].probabilities.items())[:NUMBER_CHOICES]
    # A choice adds up to 1: what is not among the proposed numbers has no place in it.
    choices["dive_number"] = Choice(value=numbers[0][0], probabilities=dict(numbers), frames=frames)
    by_sense = logsumexp(joint, axis=0)
    return DiveIdentity(
        **choices,
        sense=SENSES[int(by_sense.argmax())],
        code=DiveCode.parse(numbers[0][0]),
        rotation_fit=rotation.fit,
        log_likelihood={
            name: _best(labels[name], likelihood.max(1))
            for name in ("half_somersaults", "half_twists", "direction", "start")
        },
    )


def _choice(labels: list[str], posterior: np.ndarray, frames: tuple[int, ...]) -> Choice:
    """Sum of the hypotheses by label."""
    names, index = np.unique(labels, return_inverse=True)
    sums = np.bincount(index, weights=posterior)
    return Choice.from_probabilities(dict(zip(names.tolist(), sums.tolist(), strict=True)), frames)


def _best(labels: list[str], likelihood: np.ndarray) -> dict[str, float]:
    """Largest log-likelihood by label."""
    best: dict[str, float] = {}
    for label, value in zip(labels, likelihood.tolist(), strict=True):
        best[label] = max(best.get(label, -math.inf), value)
    return best


def _geometry(
    codes: tuple[DiveCode, ...], transitions: FlightTransitions, rotation: RotationEvidence, body_length: float
) -> np.ndarray:
    """Log-likelihood [N, 2] of rotation, front and travel in the picture, for both senses of rotation."""
    start = np.array([int(code.armstand) for code in codes])
    halves = np.array([code.half_somersaults for code in codes])
    front = np.array([int(code.direction in (2, 3)) for code in codes])  # 1: opposite to the sense of rotation
    twisted = np.array([code.half_twists % 2 for code in codes])  # the fold comes after the twist
    away = np.array([code.direction in (0, 1, 2) for code in codes])
    travel = travel_likelihood(transitions, body_length)
    columns = [
        rotation.likelihood[start, sense, sense ^ front ^ twisted, halves]
        + rotation.stance[start, sense ^ front]
        + travel[np.where(away, sense, 1 - sense)]
        for sense in (0, 1)
    ]
    return np.stack(columns, axis=1)


def travel_likelihood(transitions: FlightTransitions, body_length: float) -> np.ndarray:
    """Log-likelihood [2] of a board that divers leave to the right, and to the left, by their path in the flight."""
    parabola = transitions.parabola
    middle = (transitions.flight_seconds + transitions.entry_seconds) / 2
    travelled = float(parabola.speed_at(middle)[0]) * transitions.air_time / body_length
    deviation = math.hypot(AWAY_SPREAD, DRIFT_ERROR * parabola.residual / body_length)
    fit = np.exp(-0.5 * ((travelled - AWAY * np.array(SENSES)) / deviation) ** 2)
    return np.log((1 - WRONG_TRACK) * fit + WRONG_TRACK)


def _position(codes: tuple[DiveCode, ...], likelihood: dict[str, float]) -> np.ndarray:
    """Log-likelihood [N]; a free position may be any of the others."""
    free = float(logsumexp(list(likelihood.values())) - math.log(len(likelihood)))
    return np.array([likelihood.get(code.position, free) for code in codes])


def _motion_evidence(codes: tuple[DiveCode, ...], motion: MotionPrediction) -> np.ndarray:
    """Logarithm [N] of the motion head's probabilities of what a dive number says."""
    index = {
        "half_somersaults": [code.half_somersaults for code in codes],
        "half_twists": [code.half_twists for code in codes],
        "direction": [max(code.direction, 1) - 1 for code in codes],
        "start": [int(code.armstand) for code in codes],
        "position": [list(POSITIONS).index(code.position) for code in codes],
    }
    total = np.zeros(len(codes))
    for name, values in index.items():
        probabilities = motion.choices[name].astype(np.float64)
        total += np.log((1 - MOTION_ERROR) * probabilities[values] + MOTION_ERROR / len(probabilities))
    return total
