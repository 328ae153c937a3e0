from pathlib import Path

import numpy as np
import pytest

from fineparser.analysis.window import CENTRE, OWN, Window
from fineparser.video.framing import Framing
from fineparser.video.info import VideoInfo

INFO = VideoInfo(Path("dive.mp4"), "mp4", 100, 25.0, 320, 240, 320, 240, first_number=10)


def test_the_middle_is_the_published_one():
    window = Window.centre(INFO)
    assert window.kind == CENTRE
    # 200 columns of which the middle 112 are seen, on 320: 70.4 to 249.6.
    assert window.box_at(50) == pytest.approx([70.4, 0, 249.6, 240])


def test_a_picture_that_was_cut_already_is_shown_whole():
    cut = VideoInfo(Path("frames"), "folder", 96, 25.0, 112, 112, 112, 112)
    assert Window.centre(cut).box_at(3).tolist() == [0, 0, 112, 112]


def test_a_box_of_ones_own():
    window = Window.own(INFO, across=0.25, down=0.5, size=0.5)
    assert window.kind == OWN
    assert window.box_at(10) == pytest.approx([20, 60, 140, 180])


@pytest.mark.parametrize(
    ("across", "down", "size", "reason"),
    [(1.2, 0.5, 1, "not at 1.2"), (0.5, -1, 1, "0.5, -1"), (0.5, 0.5, 0, "not 0"), (0.5, 0.5, float("nan"), "nan")],
)
def test_a_box_that_shows_nothing_is_refused(across, down, size, reason):
    with pytest.raises(ValueError, match=reason):
        Window.own(INFO, across, down, size)


def test_between_its_frames_a_window_moves_evenly_and_outside_it_stands():
    window = Window("diver", np.array([20, 40]), np.array([[0.0, 0, 100, 100], [40, 20, 140, 120]]))
    framing = window.framing(np.array([10, 20, 30, 40, 90]))
    assert framing.boxes[:, 0].tolist() == [0, 0, 20, 40, 40]
    assert framing.boxes[2].tolist() == [20, 10, 120, 110]


def test_a_standing_box_holds_for_every_clip():
    assert Window.of(Framing.box(1, 2, 30, 40), INFO).framing(np.arange(96)).boxes.tolist() == [[1, 2, 30, 40]]
    with pytest.raises(ValueError, match="that moves"):
        Window.of(Framing.moving(np.tile([0.0, 0, 9, 9], (96, 1))), INFO)


def test_a_window_has_a_known_kind_and_a_box_for_each_frame():
    with pytest.raises(ValueError, match="not 'left'"):
        Window("left", np.array([0]), np.zeros((1, 4)))
    with pytest.raises(ValueError, match="2 frame numbers for 1 boxes"):
        Window("diver", np.array([0, 1]), np.zeros((1, 4)))
