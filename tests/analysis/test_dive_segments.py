import numpy as np
import pytest

from fineparser.analysis.auto_trim import TrimPredictors, TrimProposal
from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.dive_evidence import PhasePrediction
from fineparser.analysis.dive_segments import DiveSegment, best_dive, find_dives
from fineparser.video.writer import write_video
from tests.analysis.moving_pictures import dive_path, render_clip

FPS = 25.0
WIDTH, HEIGHT, RADIUS = 320, 180, 20


def shot(frames: int, leaves: int, enters: int, seed_column: int = 0) -> np.ndarray:
    """Frames of a disc that rests, falls and rests, before a part of the wall."""
    disc = dive_path(frames, FPS, leaves, enters, top=30, bottom=150, x=280 + seed_column)
    return render_clip(disc, np.tile([seed_column, 0], (frames, 1)), WIDTH, HEIGHT, RADIUS)


def predictors(*dives: tuple[int, int]) -> TrimPredictors:
    """Predictors that see the disc and its transitions where a proposal has all of one of these dives."""

    def predict(proposal: TrimProposal) -> PhasePrediction:
        numbers = proposal.frame_numbers
        seen = [dive for dive in dives if numbers[0] <= dive[0] and dive[1] <= numbers[-1]]
        flight, entry = seen[0] if seen else (numbers[10], numbers[20])
        return PhasePrediction(
            masks=(proposal.read().frames.min(axis=0) > 200).astype(np.float32) * bool(seen),
            probabilities=np.zeros((96, 2)),
            flight=int(np.searchsorted(numbers, flight)),
            entry=int(np.searchsorted(numbers, entry)),
            flight_confidence=0.95 if seen else 0.1,
            entry_confidence=0.95 if seen else 0.1,
        )

    return TrimPredictors(masks=lambda windows: (windows.min(axis=-1) > 200).astype(np.float32), transitions=predict)


def scan_of(path, frames: np.ndarray) -> ClipScan:
    write_video(path, frames, FPS)
    return ClipScan.from_file(path)


@pytest.fixture(scope="module")
def session(tmp_path_factory) -> ClipScan:
    """Two dives in one shot: the disc is back on top after the first."""
    frames = np.concatenate([shot(130, 60, 85), shot(150, 70, 95)])
    return scan_of(tmp_path_factory.mktemp("clips") / "session.mp4", frames)


FIRST, SECOND = (60, 85), (200, 225)


def test_every_dive_of_a_shot_is_found(session):
    segments = find_dives(session, predictors=predictors(FIRST, SECOND))
    assert [segment.number for segment in segments] == [1, 2]
    for segment, (flight, entry) in zip(segments, (FIRST, SECOND), strict=True):
        assert segment.flight_frame == pytest.approx(flight, abs=2)
        assert segment.entry_frame == pytest.approx(entry, abs=2)
        assert segment.first < flight < entry < segment.last
        assert segment.confidence > 0.9
        assert (segment.proposal.dive, segment.proposal.dives) == (segment.number, 2)
        assert segment.replay_of is None
    # No frame of one dive is in the trim of the other.
    assert segments[0].last < SECOND[0]
    assert segments[1].first > FIRST[1]


def test_a_fall_without_a_diver_is_no_dive(session):
    segments = find_dives(session, predictors=predictors(FIRST))
    assert [segment.flight_frame for segment in segments] == [pytest.approx(FIRST[0], abs=2)]


def test_nothing_falls(tmp_path):
    scan = scan_of(tmp_path / "still.mp4", shot(80, 200, 201))
    assert find_dives(scan, predictors=predictors()) == ()
    assert best_dive(()) is None


def test_progress_names_each_fall(session):
    shares = []
    find_dives(session, predictors=predictors(FIRST, SECOND), progress=lambda stage, done: shares.append(done))
    assert shares == sorted(shares)
    assert len(shares) >= 2


def test_of_a_live_dive_and_its_slow_replay_the_live_one_is_best(tmp_path):
    # The replay is three times slower and comes from another camera.
    replay = shot(200, 60, 135, 400)
    replay = np.where(replay.min(axis=-1, keepdims=True) > 200, replay, replay // [1, 2, 1]).astype(np.uint8)
    frames = np.concatenate([shot(110, 60, 85), replay])
    scan = scan_of(tmp_path / "replay.mp4", frames)
    assert len(scan.shots) == 2
    segments = find_dives(scan, predictors=predictors((60, 85), (170, 245)))
    assert [segment.replay_of for segment in segments] == [None, 1]
    best = best_dive(segments)
    assert isinstance(best, DiveSegment)
    assert best.number == 1
