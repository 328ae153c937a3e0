from dataclasses import replace

import numpy as np
import pytest

from fineparser.kinematics import Quantity
from fineparser.rendering.measurement_pictures import (
    MAX_ENLARGEMENT,
    PICTURE_SIDE,
    draw_entry,
    draw_splash,
    entry_picture,
    splash_metre,
    splash_picture,
)
from fineparser.rendering.palette import ORANGE, WHITE
from fineparser.video.reader import open_source
from tests.builders import sample_kinematics
from tests.rendering.test_markings import pixels_of


@pytest.fixture(scope="module")
def kinematics():
    return sample_kinematics(width=640, height=384)


@pytest.fixture
def frame():
    return np.full((384, 640, 3), 90, np.uint8)


def test_the_entry_shows_the_angle_of_the_body(kinematics, frame):
    image = draw_entry(frame, kinematics)
    assert max(image.shape[:2]) == PICTURE_SIDE
    line = pixels_of(image, ORANGE)
    # 6 degrees short: the body's upper end lies behind its hands.
    top, bottom = line[line[:, 1].argmin()], line[line[:, 1].argmax()]
    lean = np.degrees(np.arctan2(bottom[0] - top[0], bottom[1] - top[1]))
    assert lean == pytest.approx(6, abs=1.2)
    metre = 0.17 * 384 * PICTURE_SIDE / (1.5 * 0.17 * 384 * (2.2))
    assert np.linalg.norm(bottom - top) < 3 * metre


def test_without_the_line_of_the_body_there_is_no_picture(kinematics, frame, report):
    lost = replace(kinematics, entry_picture=replace(kinematics.entry_picture, body_line=np.full((2, 2), np.nan)))
    for one in (lost, replace(kinematics, entry_picture=None)):
        with pytest.raises(ValueError, match="line of the body"):
            draw_entry(frame, one)
        assert entry_picture(replace(report, kinematics=one)) is None
    assert entry_picture(replace(report, kinematics=None)) is None


def test_the_splash_has_a_scale_bar_of_a_round_length(kinematics, frame):
    """The splash is 0.74 m high: its dimension and the bar of 1 m show the same scale."""
    image = draw_splash(frame, kinematics)
    dimension, bar = pixels_of(image, ORANGE), pixels_of(image, WHITE)
    height = np.ptp(dimension[:, 1])
    rows, counts = np.unique(bar[:, 1], return_counts=True)
    length = counts[rows > image.shape[0] - 60].max()
    assert length / height == pytest.approx(1 / 0.74, rel=0.06)


def test_the_scale_follows_the_zoom(kinematics):
    series, entry = kinematics.series, kinematics.entry_picture
    camera = series.camera.copy()
    camera[series.numbers > entry.frame, :2, :2] /= 2  # later frames are twice as large
    zoomed = replace(kinematics, series=replace(series, camera=camera))
    assert splash_metre(kinematics) == pytest.approx(0.17 * 384)
    assert splash_metre(zoomed) == pytest.approx(2 * 0.17 * 384)
    assert splash_metre(replace(kinematics, scale=Quantity.missing("px/m", "no_scale"))) is None


def test_a_splash_without_a_scale_has_no_bar(kinematics, frame):
    image = draw_splash(frame, replace(kinematics, scale=Quantity.missing("px/m", "no_scale")))
    rows = pixels_of(image, WHITE)[:, 1]
    assert (rows < image.shape[0] - 60).all()


def test_without_a_splash_there_is_no_picture(kinematics, frame, report):
    nothing = replace(kinematics.entry_picture, splash_frame=None, splash_box=np.full(4, np.nan))
    dry = replace(kinematics, entry_picture=nothing)
    with pytest.raises(ValueError, match="no splash"):
        draw_splash(frame, dry)
    assert splash_picture(replace(report, kinematics=dry)) is None


def test_pictures_are_read_from_the_clip(report, clip):
    with open_source(clip) as source:
        expected = draw_entry(source.frame(41), report.kinematics), draw_splash(source.frame(45), report.kinematics)
        assert (entry_picture(report, source) == expected[0]).all()
    assert (entry_picture(report) == expected[0]).all()
    assert (splash_picture(report) == expected[1]).all()
    # The clip has 160 x 96 pixels.
    assert max(expected[0].shape[:2]) <= MAX_ENLARGEMENT * 160
