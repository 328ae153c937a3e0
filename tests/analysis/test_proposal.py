import numpy as np
import pytest

from fineparser.analysis.proposal import propose
from fineparser.analysis.survey import Survey
from fineparser.analysis.window import CENTRE, DIVER, OWN, Window
from fineparser.video.error import VideoError
from fineparser.video.reading import open_source
from fineparser.video.writing import write_video
from tests.analysis.moving_pictures import dive_path, film
from tests.analysis.test_diver_search import bright

FPS = 25.0
LEAVES, ENTERS, FRAMES = 110, 135, 200


@pytest.fixture(scope="module")
def survey(tmp_path_factory) -> Survey:
    """Somebody stands at the right for 110 frames, falls for 25 and rests for 65."""
    disc = dive_path(FRAMES, FPS, LEAVES, ENTERS, top=40, bottom=150, x=280)
    path = tmp_path_factory.mktemp("clips") / "dive.mp4"
    write_video(path, film(disc, np.zeros((FRAMES, 2), int), 320, 180, 20), FPS)
    with open_source(path) as source:
        return Survey.of(source)


def outline(windows):
    return bright(windows)


def test_the_survey_knows_every_frame_and_no_picture(survey):
    assert survey.info.frame_count == FRAMES
    assert survey.motion.camera.shape == (FRAMES, 3, 3)
    assert survey.seconds[-1] == pytest.approx((FRAMES - 1) / FPS)
    assert survey.cuts == ()
    assert survey.longest_shot == (0, FRAMES - 1)
    assert survey.motion.activity.nbytes / FRAMES < 4000


def test_standing_is_cut_and_the_window_follows(survey):
    found = propose(survey, outline=outline)
    assert LEAVES - 60 <= found.first <= LEAVES - 10
    assert ENTERS + 10 <= found.last <= ENTERS + 40
    assert found.window.kind == DIVER
    left_out = f"{found.first} frames before the dive and {FRAMES - 1 - found.last} frames after the dive are left out."
    assert left_out in found.remarks
    assert found.warnings == ()
    clip = found.read()
    assert (clip.frame_numbers[0], clip.frame_numbers[-1]) == (found.first, found.last)
    # The disc is in the window from the first frame to the last.
    assert (clip.frames.min(axis=0) > 200).sum(axis=(1, 2)).min() > 100


def test_weights_that_have_learnt_nothing_look_for_nobody(survey):
    found = propose(survey)
    assert found.window.kind == CENTRE
    assert found.first > 0  # movement tells the trim all the same
    assert "learnt nothing" in found.remarks[-1]


def test_nobody_to_be_found_is_told(survey):
    found = propose(survey, outline=lambda windows: np.zeros(windows.shape[:-1]))
    assert found.window.kind == CENTRE
    assert "not found" in found.warnings[0]


def test_the_network_shortens_the_trim_where_it_is_sure(survey):
    wide = propose(survey)

    def switches(sure):
        def at(proposal):
            numbers = proposal.numbers
            return int(np.searchsorted(numbers, LEAVES)), int(np.searchsorted(numbers, ENTERS)), sure

        return at

    unsure, sure = (propose(survey, switches=switches(probability)) for probability in (0.1, 0.9))
    assert (unsure.first, unsure.last) == (wide.first, wide.last)
    # 0.7 s of stance and 0.6 s of water at least.
    assert sure.first == pytest.approx(LEAVES - 0.7 * FPS, abs=2)
    assert sure.last == pytest.approx(ENTERS + 0.6 * FPS, abs=2)
    elsewhere = propose(survey, switches=lambda proposal: (2, 20, 0.9))
    assert (elsewhere.first, elsewhere.last) == (wide.first, wide.last)


def test_what_the_user_says_stays(survey):
    window = Window.own(survey.info, 0.5, 0.5, 0.8)
    found = propose(survey, 20, 90, window, outline=outline, switches=lambda proposal: (1, 2, 1.0))
    assert (found.first, found.last, found.window) == (20, 90, window)
    with pytest.raises(VideoError, match="frames 20 to 900"):
        propose(survey, 20, 900)


def test_a_changed_proposal_keeps_what_was_not_changed(survey):
    found = propose(survey, outline=outline)
    assert found.changed(found.first, found.last) is found
    own = found.changed(window=Window.own(survey.info, 0.5, 0.5, 1))
    assert (own.first, own.last, own.window.kind) == (found.first, found.last, OWN)
    later = found.changed(last=150)
    assert (later.first, later.last) == (found.first, 150)
    assert later.window is found.window
    assert later.remarks == ()


def test_only_the_longest_shot_is_proposed(tmp_path):
    rng = np.random.default_rng(0)
    shots = [np.kron(rng.integers(0, 255, (6, 10, 3)), np.ones((16, 16, 1))).astype(np.uint8) for _ in range(2)]
    write_video(
        tmp_path / "cut.mp4", np.concatenate([np.repeat(shots[0][None], 8, 0), np.repeat(shots[1][None], 40, 0)]), FPS
    )
    with open_source(tmp_path / "cut.mp4") as source:
        found = propose(Survey.of(source))
    assert (found.first, found.last) == (8, 47)
    assert "at frame 8: the longest shot, frames 8 to 47" in found.warnings[0]
    assert "Nothing in the clip falls" in found.warnings[1]
