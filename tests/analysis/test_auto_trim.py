from pathlib import Path

import numpy as np
import pytest

from fineparser.analysis.auto_trim import (
    TransitionPredictor,
    TrimProposal,
    propose_trim,
    trim_to_flight,
)
from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.crop_choice import CENTRE, DIVER, MANUAL, CropChoice
from fineparser.analysis.dive_evidence import PhasePrediction
from fineparser.quality_warning import QualityWarning
from fineparser.video.framing import Framing
from fineparser.video.info import VideoError, VideoInfo
from fineparser.video.writer import write_video
from tests.analysis.moving_pictures import dive_path, render_clip
from tests.analysis.test_diver_search import bright

FPS = 25.0
LEAVES, ENTERS, FRAMES = 110, 135, 200


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> ClipScan:
    """A disc rests at the right for 110 frames, falls for 25 and rests for 65."""
    disc = dive_path(FRAMES, FPS, LEAVES, ENTERS, top=40, bottom=150, x=280)
    path = tmp_path_factory.mktemp("clips") / "dive.mp4"
    write_video(path, render_clip(disc, np.zeros((FRAMES, 2), int), 320, 180, 20), FPS)
    return ClipScan.from_file(path)


def test_a_scan_has_every_frame_and_no_images(scan):
    assert scan.info.frame_count == FRAMES
    assert scan.motion.camera.shape == (FRAMES, 3, 3)
    assert scan.seconds[-1] == pytest.approx((FRAMES - 1) / FPS)
    assert scan.cuts == ()
    assert scan.longest_shot == (0, FRAMES - 1)
    assert scan.motion.energy.nbytes / FRAMES < 4000


def test_the_stance_is_trimmed_and_the_crop_follows(scan):
    proposal = propose_trim(scan, predict_masks=bright)
    assert LEAVES - 60 <= proposal.first <= LEAVES - 10
    assert ENTERS + 10 <= proposal.last <= ENTERS + 40
    assert proposal.crop.kind == DIVER
    left_out = {"before": proposal.first, "after": FRAMES - 1 - proposal.last}
    assert QualityWarning("frames_left_out", left_out) in proposal.notes
    assert proposal.warnings == ()
    clip = proposal.read()
    assert (clip.frame_numbers[0], clip.frame_numbers[-1]) == (proposal.first, proposal.last)
    # The disc is in the crop from the first frame to the last.
    assert (clip.frames.min(axis=0) > 200).sum(axis=(1, 2)).min() > 100


def test_without_a_mask_predictor_the_crop_is_the_centre(scan):
    proposal = propose_trim(scan)
    assert proposal.crop.kind == CENTRE
    assert proposal.first > 0  # the motion gives the trim all the same
    assert proposal.notes[-1].code == "crop_untrained"


def test_a_missing_diver_is_a_warning(scan):
    proposal = propose_trim(scan, predict_masks=lambda windows: np.zeros(windows.shape[:-1]))
    assert proposal.crop.kind == CENTRE
    assert proposal.warnings[0].code == "diver_not_found"


def predict(flight: int, entry: int, confidence: float) -> TransitionPredictor:
    """A predictor of transitions at two source frames."""

    def predicted(proposal: TrimProposal) -> PhasePrediction:
        numbers = proposal.frame_numbers
        return PhasePrediction(
            masks=(proposal.read().frames.min(axis=0) > 200).astype(np.float32),
            probabilities=np.zeros((96, 2)),
            flight=int(np.searchsorted(numbers, flight)),
            entry=int(np.searchsorted(numbers, entry)),
            flight_confidence=confidence,
            entry_confidence=confidence,
        )

    return predicted


def test_confident_transitions_shorten_the_trim(scan):
    wide = propose_trim(scan)

    def trim(confidence):
        return trim_to_flight(wide, predict(LEAVES, ENTERS, confidence)(wide))

    assert trim(0.1) is wide
    confident = trim(0.9)
    # At least 0.7 s of stance and 0.6 s of water.
    assert confident.first == pytest.approx(LEAVES - 0.7 * FPS, abs=2)
    assert confident.last == pytest.approx(ENTERS + 0.6 * FPS, abs=2)
    assert confident.notes[-1].code == "trim_from_transitions"


def test_the_users_trim_and_crop_are_kept(scan):
    crop = CropChoice.manual(scan.info, 0.5, 0.5, 0.8)
    proposal = propose_trim(scan, 20, 90, crop, predict_masks=bright)
    assert (proposal.first, proposal.last, proposal.crop) == (20, 90, crop)
    with pytest.raises(VideoError, match="frames 20 to 900"):
        propose_trim(scan, 20, 900)


def test_changes_leave_the_rest_of_a_proposal(scan):
    proposal = propose_trim(scan, predict_masks=bright)
    assert proposal.with_changes(proposal.first, proposal.last) is proposal
    own = proposal.with_changes(crop=CropChoice.manual(scan.info, 0.5, 0.5, 1))
    assert (own.first, own.last, own.crop.kind) == (proposal.first, proposal.last, MANUAL)
    later = proposal.with_changes(last=150)
    assert (later.first, later.last) == (proposal.first, 150)
    assert later.crop is proposal.crop
    assert later.notes == ()


def test_only_the_longest_shot_is_proposed(tmp_path):
    rng = np.random.default_rng(0)
    shots = [np.kron(rng.integers(0, 255, (6, 10, 3)), np.ones((16, 16, 1))).astype(np.uint8) for _ in range(2)]
    write_video(
        tmp_path / "cut.mp4", np.concatenate([np.repeat(shots[0][None], 8, 0), np.repeat(shots[1][None], 40, 0)]), FPS
    )
    proposal = propose_trim(ClipScan.from_file(tmp_path / "cut.mp4"))
    assert (proposal.first, proposal.last) == (8, 47)
    assert proposal.warnings[0].code == "no_fall"
    assert proposal.warnings[1] == QualityWarning("one_shot_used", {"cuts": (8,), "first": 8, "last": 47})


INFO = VideoInfo(Path("dive.mp4"), "mp4", 100, 25.0, 320, 240, 320, 240, first_number=10)


def test_the_centre_is_the_published_crop():
    crop = CropChoice.centre(INFO)
    assert crop.kind == CENTRE
    # The centre 112 of 200 columns, on 320: 70.4 to 249.6.
    assert crop.box_at(50) == pytest.approx([70.4, 0, 249.6, 240])


def test_a_cropped_frame_is_taken_whole():
    cropped = VideoInfo(Path("frames"), "folder", 96, 25.0, 112, 112, 112, 112)
    assert CropChoice.centre(cropped).box_at(3).tolist() == [0, 0, 112, 112]


def test_a_square():
    crop = CropChoice.manual(INFO, x=0.25, y=0.5, size=0.5)
    assert crop.kind == MANUAL
    assert crop.box_at(10) == pytest.approx([20, 60, 140, 180])


@pytest.mark.parametrize(
    ("x", "y", "size", "reason"),
    [(1.2, 0.5, 1, "not at 1.2"), (0.5, -1, 1, "0.5, -1"), (0.5, 0.5, 0, "not 0"), (0.5, 0.5, float("nan"), "nan")],
)
def test_an_impossible_square_is_refused(x, y, size, reason):
    with pytest.raises(ValueError, match=reason):
        CropChoice.manual(INFO, x, y, size)


def test_boxes_are_interpolated_and_held_at_the_ends():
    crop = CropChoice("diver", np.array([20, 40]), np.array([[0.0, 0, 100, 100], [40, 20, 140, 120]]))
    framing = crop.framing(np.array([10, 20, 30, 40, 90]))
    assert framing.boxes[:, 0].tolist() == [0, 0, 20, 40, 40]
    assert framing.boxes[2].tolist() == [20, 10, 120, 110]


def test_a_fixed_box_holds_for_every_clip():
    assert CropChoice.from_framing(Framing.from_box(1, 2, 30, 40), INFO).framing(np.arange(96)).boxes.tolist() == [
        [1, 2, 30, 40]
    ]
    with pytest.raises(ValueError, match="a moving framing"):
        CropChoice.from_framing(Framing.from_boxes(np.tile([0.0, 0, 9, 9], (96, 1))), INFO)


def test_a_crop_has_a_known_kind_and_a_box_for_each_frame():
    with pytest.raises(ValueError, match="not 'left'"):
        CropChoice("left", np.array([0]), np.zeros((1, 4)))
    with pytest.raises(ValueError, match="2 frame numbers for 1 boxes"):
        CropChoice("diver", np.array([0, 1]), np.zeros((1, 4)))
