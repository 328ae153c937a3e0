"""A report with true masks of a bright block that falls through a grey frame; its numbers are set by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fineparser.analysis.report import DiveReport, Transition, WeightsSummary
from fineparser.domain.clip_geometry import sample_frames
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import Exemplar, ExemplarClip
from fineparser.exemplars.voting_result import Breakdown, ScoreEstimate, Vote
from fineparser.quality_warning import QualityWarning
from fineparser.video.framing import Framing
from fineparser.video.info import VideoInfo
from fineparser.video.writer import write_video
from tests.builders import sample_kinematics
from tests.judgements import with_judgement

WIDTH, HEIGHT, FRAMES, FPS = 160, 96, 60, 25.0


def block_at(number: int) -> tuple[slice, slice]:
    """Rows and columns of the block in a frame of the clip."""
    return slice(number + 5, number + 25), slice(70, 90)


@pytest.fixture(scope="session")
def clip(tmp_path_factory) -> Path:
    """Sixty frames, 25 a second."""
    frames = np.full((FRAMES, HEIGHT, WIDTH, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        frame[block_at(number)] = (230, 190, 160)
    path = tmp_path_factory.mktemp("clips") / "falling <block> & more.mp4"
    return write_video(path, frames, FPS, quality=10)


@pytest.fixture
def info() -> VideoInfo:
    """Properties of a clip that is not read."""
    return VideoInfo(Path("some.mp4"), "mp4", FRAMES, FPS, WIDTH, HEIGHT, WIDTH, HEIGHT)


def vote(name: str, exemplar_score: float, contributions: list[list[float]]) -> Vote:
    """A vote at the exemplar's own difficulty."""
    points = np.array(contributions)
    return Vote(name, "207C", 10, 3.3, exemplar_score, "SynDive", "same number", points, exemplar_score + points.sum())


@pytest.fixture(scope="session")
def report(clip) -> DiveReport:
    """Frames 2 to 55; flight from sample 30 (frame 18), entry from sample 70 (frame 41)."""
    info = VideoInfo(clip, "mp4", FRAMES, FPS, WIDTH, HEIGHT, WIDTH, HEIGHT)
    numbers = sample_frames(2, 55)
    framing = Framing.centre_crop(WIDTH, HEIGHT)
    masks = np.zeros((96, HEIGHT, WIDTH), bool)
    for mask, number in zip(masks, numbers, strict=True):
        mask[block_at(int(number))] = True
    probability = framing.crop_masks(masks).astype(np.float32) * 0.9 + 0.05
    transitions = np.full((96, 2), 0.01, np.float32)
    transitions[30, 0], transitions[70, 1] = 0.9, 0.6
    # By hand: votes 70, 80, 90 from exemplars 66, 82, 86.
    votes = (
        vote("weak", 66.0, [[1, 2, 0], [0.5, 0.5, 0]]),
        vote("middling", 82.0, [[-1, 0, 0], [0, -1, 0]]),
        vote("strong <b>", 86.0, [[0, 4, -1], [1, 0, 0]]),
    )
    # The clip of the chosen exemplar is the same clip.
    exemplar_clip = ExemplarClip(clip, 0, 15, 40, 59)
    like = Exemplar("like", DiveCode.parse("207C"), 10, 3.3, 81.5, "SynDive", clip=exemplar_clip)
    votes = (votes[0], replace(votes[1], clip_exemplar=like), votes[2])
    points = np.array([[0, 2, -1 / 3], [0.5, -1 / 6, 0]])
    flight, entry = int(numbers[30]), int(numbers[70])
    return DiveReport(
        info=info,
        first_frame=2,
        last_frame=55,
        cuts=(),
        dive_code="207C",
        dive_name="back 3 1/2 somersaults, tuck",
        height=10,
        difficulty=3.3,
        difficulty_source="table",
        total=ScoreEstimate(80.0, 72.0, 88.0),
        execution=ScoreEstimate(80 / 3.3, 72 / 3.3, 88 / 3.3),
        breakdown=Breakdown(78.0, points),
        votes=votes,
        exemplar="middling",
        flight=Transition(flight, flight / FPS, 0.9, 30),
        entry=Transition(entry, entry / FPS, 0.6, 70),
        interval_basis=QualityWarning("interval_from_votes", {"votes": 10}),
        weights=WeightsSummary("tests", ("nothing",), QualityWarning("scale_real", {"datasets": "<nothing>"})),
        warnings=(QualityWarning("bank_unusable", {"reason": "<script>alert(1)</script>"}),),
        frame_numbers=numbers,
        framing=framing,
        mask_probability=probability,
        transition_probabilities=transitions,
        kinematics=sample_kinematics(numbers, flight=flight, entry=entry, width=WIDTH, height=HEIGHT),
    )


@pytest.fixture
def unscored(report) -> DiveReport:
    """The same without a dive number."""
    nothing = dict.fromkeys(
        ("dive_code", "dive_name", "height", "difficulty", "difficulty_source", "total", "execution", "breakdown")
    )
    return replace(report, votes=(), exemplar=None, interval_basis=None, **nothing)


@pytest.fixture(scope="session")
def judged(report) -> DiveReport:
    """The report with a judgement that is not calibrated on real judges."""
    return with_judgement(report)
