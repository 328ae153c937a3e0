"""What an analysis finds: one report that the app, the page, the command line and the JSON all show."""

from dataclasses import dataclass, field

import numpy as np

from fineparser.exemplars.exemplar import Exemplar, Recipe
from fineparser.exemplars.panel_scale import LEAST_JUDGED, PanelScale
from fineparser.exemplars.calibration import INTERVAL, middle_of_votes
from fineparser.domain.phases import Phase
from fineparser.video.framing import Framing
from fineparser.video.info import VideoInfo

BRANCHES = ("dynamic", "static")
PHASES = tuple(phase.label for phase in Phase)
BY_SIMULATED = "calibrated on simulated dives"
"""What the scores are calibrated on where no recorded dive had its say."""


@dataclass(frozen=True)
class Estimate:
    """A number with the interval about it, see `DiveReport.interval_basis`."""

    value: float
    low: float
    high: float

    @classmethod
    def of_votes(cls, votes: np.ndarray) -> "Estimate":
        """The mean of the votes [n] and the ends of the middle 80% of them."""
        return cls(float(np.mean(votes)), *middle_of_votes(votes))

    def to_json(self) -> dict:
        """Rounded to hundredths, as scores are."""
        return {"value": round(self.value, 2), "low": round(self.low, 2), "high": round(self.high, 2)}


@dataclass(frozen=True)
class Transition:
    """A switch between two phases."""

    frame: int
    """Source frame number of the first frame of the next phase."""
    seconds: float
    """When that frame is shown, from the start of the clip."""
    confidence: float
    """The network's probability that it is within two of the sampled frames of this one, 0 to 1."""
    index: int
    """Its place among the 96 sampled frames."""

    def to_json(self) -> dict:
        """Plain values."""
        return {
            "frame": self.frame,
            "seconds": round(self.seconds, 3),
            "confidence": round(self.confidence, 4),
            "index": self.index,
        }


@dataclass(frozen=True)
class Vote:
    """What one exemplar says of the dive."""

    exemplar: str
    """The exemplar's id in its bank."""
    code: str
    height: float
    difficulty: float
    exemplar_score: float
    """Points that the exemplar was given; of a simulated one, where `DiveReport.scale` is known, that the person's own
    judges would have given."""
    source: str
    """Where the exemplar comes from: "SynDive" or the name of a person's own collection."""
    reason: str
    """Why it was chosen."""
    contributions: np.ndarray
    """[2, 3] points by branch (dynamic, static) and phase, at the difficulty of the dive that is judged."""
    score: float
    """Points for the dive that is judged: the exemplar's, at this dive's difficulty, plus the contributions."""
    shown: Exemplar | None = None
    """The exemplar whose clip shows this one: itself, or a like one; None where there is no clip."""
    recipe: Recipe | None = None
    """How the simulator makes the exemplar again, to film it; None for a recording."""
    encoding: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    """The exemplar as it was compared, arrays of one clip under the names of a bank's; for Inspect."""

    def to_json(self) -> dict:
        """Plain values."""
        return {
            "exemplar": self.exemplar,
            "dive_code": self.code,
            "height": self.height,
            "difficulty": self.difficulty,
            "exemplar_score": round(self.exemplar_score, 2),
            "source": self.source,
            "reason": self.reason,
            "difference": round(float(self.contributions.sum()), 3),
            "contributions": by_branch(self.contributions),
            "score": round(self.score, 2),
            "shown_by": self.shown and self.shown.id,
        }


@dataclass(frozen=True)
class Breakdown:
    """From the exemplars' mean score, branch by branch and phase by phase, to the total."""

    base: float
    """Mean points of the exemplars, at the difficulty of the dive that is judged."""
    points: np.ndarray
    """[2, 3] by branch (dynamic, static) and phase, averaged over the votes; base plus their sum is the mean vote."""
    ranges: np.ndarray | None = None
    """[3, 2] points between which a phase's part truly lies, as often as `DiveReport.interval_basis` says of the score;
    None where that was not measured."""

    def to_json(self) -> dict:
        """Plain values."""
        return {
            "exemplar_score": round(self.base, 2),
            "points": by_branch(self.points),
            "by_phase": {phase: round(float(v), 3) for phase, v in zip(PHASES, self.points.sum(0), strict=False)},
            "by_branch": {branch: round(float(v), 3) for branch, v in zip(BRANCHES, self.points.sum(1), strict=False)},
            "by_phase_interval": None
            if self.ranges is None
            else {phase: ends.round(3).tolist() for phase, ends in zip(PHASES, self.ranges, strict=False)},
        }


def by_branch(points: np.ndarray) -> dict[str, dict[str, float]]:
    """Points [2, 3] under the names of branches and phases."""
    return {
        branch: {phase: round(float(value), 3) for phase, value in zip(PHASES, row, strict=False)}
        for branch, row in zip(BRANCHES, points, strict=False)
    }


@dataclass(frozen=True)
class WeightsUsed:
    """Which weights spoke, and what they have learnt from."""

    name: str
    trained_on: tuple[str, ...]
    calibrated_on: str
    """What the scores are calibrated on, in words."""

    @property
    def caution(self) -> str:
        """What to keep in mind about scores that no judge of a recorded dive had a say in, a sentence; of others
        nothing."""
        if self.calibrated_on != BY_SIMULATED:
            return ""
        return (
            "Judges of a recorded dive may differ by more than the range: "
            f"{LEAST_JUDGED} judged dives of your own bring scores to their scale."
        )

    def to_json(self) -> dict:
        """Plain values."""
        return {"name": self.name, "trained_on": list(self.trained_on), "calibrated_on": self.calibrated_on}


@dataclass(frozen=True)
class DiveReport:
    """Everything found about one clip, in numpy and plain values."""

    info: VideoInfo
    """The clip as it is on disk."""
    first_frame: int
    """Source frame number of the first analysed frame."""
    last_frame: int
    """Source frame number of the last analysed frame."""
    cuts: tuple[int, ...]
    """Source frame numbers where a new shot starts."""
    dive_code: str | None
    dive_name: str | None
    height: float | None
    difficulty: float | None
    difficulty_source: str | None
    """"table" for the current World Aquatics table, "given" for the user's own."""
    total: Estimate | None
    """Points; None where the dive number or height is unknown."""
    execution: Estimate | None
    """Total over difficulty: the sum of three awards, 0 to 30."""
    breakdown: Breakdown | None
    interval_basis: str
    """What the intervals tell, in words; empty without a score."""
    votes: tuple[Vote, ...]
    exemplar: str | None
    """Id of the exemplar to show beside the dive: of those with a clip, the one whose vote is nearest to the total."""
    flight: Transition
    entry: Transition
    weights: WeightsUsed
    warnings: tuple[str, ...]
    frame_numbers: np.ndarray = field(repr=False)
    """[96] source frame numbers of the sampled frames."""
    framing: Framing = field(repr=False)
    """Which part of the picture the network saw."""
    mask_probability: np.ndarray = field(repr=False)
    """[96, 112, 112] float32: probability that a pixel of the crop shows the diver."""
    transition_probabilities: np.ndarray = field(repr=False)
    """[96, 2] float32."""
    scale: PanelScale | None = None
    """Of the person's own judges, on which scores are told; None where there are too few dives that they judged."""

    def source_masks(self, longest_side: int = 640) -> np.ndarray:
        """The masks over the whole picture, bool [96, H, W], its longer side scaled down to `longest_side` at most."""
        width, height = self.info.width, self.info.height
        # One at a time: as probabilities all of them would take four times the memory.
        return np.stack(
            [
                self.framing.mask_to_source(probability, index, width, height, longest_side) >= 0.5
                for index, probability in enumerate(self.mask_probability)
            ]
        )

    def full_size_mask(self, index: int) -> np.ndarray:
        """The mask of one sampled frame at the source's own size: bool [H, W]."""
        info = self.info
        probability = self.framing.mask_to_source(
            self.mask_probability[index], index, info.width, info.height, longest_side=None
        )
        return probability >= 0.5

    def to_json(self) -> dict:
        """Plain values for report.json."""
        info = self.info
        return {
            "clip": {
                "name": info.path.name,
                "frames": info.frame_count,
                "fps": round(info.fps, 4),
                "seconds": round(info.duration, 3),
                "width": info.width,
                "height": info.height,
                "variable_frame_rate": info.variable_frame_rate,
                "first_frame": self.first_frame,
                "last_frame": self.last_frame,
                "cuts": list(self.cuts),
                # Left, top, right and bottom edge in pixels: of every sampled frame, or once where it stands still.
                "window": self.framing.boxes.round(1).tolist(),
            },
            "dive_code": self.dive_code,
            "dive_name": self.dive_name,
            "height": self.height,
            "difficulty": self.difficulty,
            "difficulty_source": self.difficulty_source,
            "total": self.total and self.total.to_json(),
            "execution": self.execution and self.execution.to_json(),
            "interval": INTERVAL,
            "interval_basis": self.interval_basis,
            "breakdown": self.breakdown and self.breakdown.to_json(),
            "votes": [vote.to_json() for vote in self.votes],
            "exemplar": next((vote.to_json() for vote in self.votes if vote.exemplar == self.exemplar), None),
            "transitions": {"flight": self.flight.to_json(), "entry": self.entry.to_json()},
            "weights": self.weights.to_json(),
            "panel_scale": self.scale and self.scale.to_json(),
            "warnings": list(self.warnings),
        }
