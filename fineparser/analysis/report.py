"""The report of an analysis: numbers and codes, which the app, the report page and report.json show."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fineparser.domain.phases import Phase
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
from fineparser.exemplars.voting_result import Breakdown, ScoreEstimate, Vote
from fineparser.kinematics import Kinematics
from fineparser.quality_warning import QualityWarning
from fineparser.scoring import Judgement
from fineparser.scoring.judge_calibration import JudgeCalibration
from fineparser.video.framing import Framing
from fineparser.video.info import VideoInfo


@dataclass(frozen=True)
class Transition:
    """The start of a phase."""

    frame: int
    """Source frame number of the first frame of the phase."""
    seconds: float
    """Time of that frame from the start of the clip."""
    confidence: float
    """Probability that the true transition is within two of the sampled frames, 0 to 1."""
    index: int
    """Index among the 96 sampled frames."""

    def to_json(self) -> dict[str, int | float]:
        """Plain values."""
        return {
            "frame": self.frame,
            "seconds": round(self.seconds, 3),
            "confidence": round(self.confidence, 4),
            "index": self.index,
        }


@dataclass(frozen=True)
class WeightsSummary:
    """The weights that made a report."""

    name: str
    trained_on: tuple[str, ...]
    """Names of the datasets."""
    score_scale: QualityWarning
    """Judges on whose scale the scores are: "scale_untrained", "scale_simulated", "scale_judges" or "scale_real"."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "name": self.name,
            "trained_on": list(self.trained_on),
            "calibrated_on": self.score_scale.to_json(),
        }


@dataclass(frozen=True, kw_only=True)
class DiveReport:
    """Results for one clip, in numpy and plain values."""

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
    total: ScoreEstimate | None
    """Points; None if the dive number or height is unknown."""
    execution: ScoreEstimate | None
    """Total over difficulty: the sum of the three counted awards, 0 to 30."""
    breakdown: Breakdown | None
    interval_basis: QualityWarning | None
    """Meaning of the intervals; None without a score."""
    votes: tuple[Vote, ...]
    exemplar: str | None
    """Id of the exemplar to show beside the dive: of those with a clip, the one whose vote is nearest to the total."""
    flight: Transition
    entry: Transition
    weights: WeightsSummary
    warnings: tuple[QualityWarning, ...]
    frame_numbers: np.ndarray = field(repr=False)
    """[96] source frame numbers of the sampled frames."""
    framing: Framing = field(repr=False)
    """The crops of the frames."""
    mask_probability: np.ndarray = field(repr=False)
    """[96, 112, 112] float32: probability that a pixel of the crop shows the diver."""
    transition_probabilities: np.ndarray = field(repr=False)
    """[96, 2] float32: probability that the flight begins, that the entry begins."""
    kinematics: Kinematics | None = field(default=None, repr=False)
    """Measurements of the dive; None where nothing was measured."""
    judge_calibration: JudgeCalibration | None = None
    """Of the user's judges, on whose scale the scores are; None with too few dives that they scored."""
    judgement: Judgement | None = None
    """Judgement from the measurements; None without a score, or for weights whose exemplars vote."""
    no_score: tuple[QualityWarning, ...] = ()
    """Reasons against a score although dive number and height are known, the most telling one first: "no_diver",
    "no_fall", "no_transition", "ends_in_air"."""
    is_forced: bool = False
    """True if the dive was scored in spite of `no_score`."""
    missing_phases: tuple[Phase, ...] = ()
    """Phases that are not in the clip and carry no points."""
    dive: int | None = None
    """Number of the dive in the recording, from 1 on; None for a user's trim, or where no dive was found."""
    dives: int = 0
    """Number of dives that were found in the recording; 0 for a user's trim."""

    @property
    def visible_phases(self) -> tuple[Phase, ...]:
        """Phases that the clip shows."""
        return tuple(phase for phase in Phase if phase not in self.missing_phases)

    def phase_at(self, number: int) -> Phase:
        """Phase of source frame `number`."""
        return Phase(int(number >= self.flight.frame) + int(number >= self.entry.frame))

    def phase_of_sample(self, index: int) -> Phase:
        """Phase of one of the 96 sampled frames; a short clip repeats frames, of which one begins a phase."""
        return Phase(int(index >= self.flight.index) + int(index >= self.entry.index))

    def source_masks(self, longest_side: int = 640) -> np.ndarray:
        """Masks over the whole frame, bool [96, H, W], scaled down to `longest_side` pixels at most."""
        width, height = self.info.width, self.info.height
        # One at a time: all probabilities together would take four times the memory.
        return np.stack(
            [
                self.framing.mask_to_source(probability, index, width, height, longest_side) >= 0.5
                for index, probability in enumerate(self.mask_probability)
            ]
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values; warnings as codes with their values. `fineparser.rendering.results.report_json` adds the
        sentences."""
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
                # Left, top, right and bottom edge in pixels: of every sampled frame, or one box for all of them.
                "crop": self.framing.boxes.round(1).tolist(),
            },
            "dive_code": self.dive_code,
            "dive_name": self.dive_name,
            "height": self.height,
            "difficulty": self.difficulty,
            "difficulty_source": self.difficulty_source,
            "total": self.total and self.total.to_json(),
            "execution": self.execution and self.execution.to_json(),
            "interval": NOMINAL_COVERAGE,
            "interval_basis": self.interval_basis and self.interval_basis.to_json(),
            "judgement": self.judgement and self.judgement.to_json(),
            "breakdown": self.breakdown and self.breakdown.to_json(),
            "votes": [vote.to_json() for vote in self.votes],
            "exemplar": next((vote.to_json() for vote in self.votes if vote.exemplar == self.exemplar), None),
            "transitions": {"flight": self.flight.to_json(), "entry": self.entry.to_json()},
            "no_score": [reason.to_json() for reason in self.no_score],
            "forced": self.is_forced,
            "missing_phases": [phase.label for phase in self.missing_phases],
            "dive": self.dive,
            "dives": self.dives,
            "weights": self.weights.to_json(),
            "judge_calibration": self.judge_calibration and self.judge_calibration.to_json(),
            "warnings": [warning.to_json() for warning in self.warnings],
        }
