from dataclasses import replace

import numpy as np
import pytest

from fineparser.rendering.mask_track import MaskTrack
from fineparser.rendering.overlay import (
    OverlayOptions,
    draw_caption,
    draw_frame,
    draw_mask,
    overlay_frames,
    write_overlay,
)
from fineparser.rendering.palette import ORANGE
from fineparser.video.framing import Framing
from fineparser.video.info import VideoError
from fineparser.video.reader import open_source, probe


@pytest.fixture
def image():
    return np.full((100, 200, 3), 100, np.uint8)


@pytest.fixture
def mask():
    mask = np.zeros((100, 200), bool)
    mask[30:70, 80:120] = True
    return mask


def test_fill_tints_the_diver_and_nothing_else(image, mask):
    drawn = draw_mask(image, mask, ORANGE, "fill")
    # 55% of 100 and 45% of (230, 159, 0).
    assert drawn[50, 100].tolist() == pytest.approx([158.5, 126.55, 55], abs=1)
    assert (drawn[:25] == 100).all()
    assert (drawn[:, 130:] == 100).all()
    assert drawn[30, 100].min() > 180  # the outline is white
    assert (image == 100).all()


def test_outline_leaves_the_diver_unchanged(image, mask):
    drawn = draw_mask(image, mask, ORANGE, "outline")
    assert (drawn[36:64, 86:114] == 100).all()
    assert drawn[30, 100].tolist() == pytest.approx(ORANGE.rgb, abs=40)
    assert drawn[27:30, 100].min() < 60  # its edge is dark


def test_dim_darkens_all_but_the_diver(image, mask):
    drawn = draw_mask(image, mask, ORANGE, "dim")
    assert (drawn[36:64, 86:114] == 100).all()
    assert (drawn[:25] == 35).all()


def test_none_draws_nothing(image, mask):
    assert (draw_mask(image, mask, ORANGE, "none") == 100).all()
    with pytest.raises(ValueError, match="sparkling"):
        draw_mask(image, mask, ORANGE, "sparkling")


@pytest.mark.parametrize("style", ["fill", "outline"])
def test_without_a_diver_the_frame_stays(image, style):
    assert (draw_mask(image, np.zeros((100, 200), bool), ORANGE, style) == 100).all()


def test_a_mask_at_the_edge_of_the_frame(image):
    mask = np.ones((100, 200), bool)
    assert draw_mask(image, mask, ORANGE).shape == image.shape


@pytest.mark.parametrize("shape", [(720, 1280), (1920, 1080), (48, 64), (16, 16)])
def test_a_caption_keeps_to_its_corner(shape):
    image = np.full((*shape, 3), 200, np.uint8)
    drawn = draw_caption(image, "flight   frame 42   1.40 s", ORANGE)
    rows, columns = np.nonzero((drawn != 200).any(axis=2))
    assert rows[-1] == shape[0] - 1
    assert columns.min() == 0
    assert drawn[-1, 0].tolist() == list(ORANGE.rgb)
    if min(shape) > 100:
        assert len(rows) < 0.05 * image[..., 0].size
        assert (drawn[rows.min() :, : columns.max()] > 240).all(axis=2).any()  # there is white lettering


def test_all_frames_are_written_and_only_analysed_ones_are_marked(report, clip):
    drawn = dict(overlay_frames(report, OverlayOptions(caption=False)))
    assert list(drawn) == list(range(60))
    with open_source(clip) as source:
        for number, frame in source.stream():
            assert (drawn[number] != frame).any() == (2 <= number <= 55), number


def test_the_mask_lies_on_the_block(report, clip):
    with open_source(clip) as source:
        frame = source.frame(20)
    changed = (draw_frame(report, MaskTrack(report), 20, frame, OverlayOptions(caption=False)) != frame).any(axis=2)
    rows, columns = np.nonzero(changed)
    # The block fills rows 25 to 44 and columns 70 to 89; outlines reach two pixels further.
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx((25, 44, 70, 89), abs=3)


def test_measurements_are_drawn_on_request(report, clip):
    with open_source(clip) as source:
        frame = source.frame(30)
    plain = OverlayOptions("none", caption=False)
    assert (draw_frame(report, MaskTrack(report), 30, frame, plain) == frame).all()
    with_skeleton = replace(plain, markings=("skeleton",))
    assert (draw_frame(report, MaskTrack(report), 30, frame, with_skeleton) != frame).any()
    unmeasured = replace(report, kinematics=None)
    assert (draw_frame(unmeasured, MaskTrack(report), 30, frame, with_skeleton) == frame).all()


def test_small_frames_get_no_caption(report, clip):
    """The clip of 160x96 gets none; the same image at twice the size does."""
    large = replace(report, info=replace(report.info, width=320, height=192), framing=Framing.centre_crop(320, 192))
    for one, size, captioned in ((report, 1, False), (large, 2, True)):
        frame = np.full((96 * size, 160 * size, 3), 90, np.uint8)
        drawn = draw_frame(one, MaskTrack(one), 20, frame, OverlayOptions("none"))
        assert (drawn[-6:, :40] != 90).any() == captioned


def test_the_overlay_has_the_size_and_speed_of_the_source(report, tmp_path):
    path = write_overlay(report, tmp_path / "overlay.mp4")
    seen = probe(path)
    assert (seen.width, seen.height, seen.frame_count) == (160, 96, 60)
    assert seen.fps == pytest.approx(25)
    assert [file.name for file in tmp_path.iterdir()] == ["overlay.mp4"]


def test_a_varying_frame_rate_is_kept(report, tmp_path):
    """Frames 0 to 29 at 25 a second, then every frame lasts three times as long."""
    stamps = tuple(n / 25 if n < 30 else 1.2 + (n - 30) * 3 / 25 for n in range(60))
    varying = replace(report, info=replace(report.info, timestamps=stamps, fps=60 / (stamps[-1] + 0.04)))
    path = write_overlay(varying, tmp_path / "overlay.mp4", OverlayOptions("none", caption=False))
    seen = probe(path)
    assert seen.duration == pytest.approx(stamps[-1], abs=0.1)
    with open_source(path) as source:
        for number in (5, 29, 40, 58):
            frame = source.frame(source.info.number_at(stamps[number] + 0.01))
            top = int((frame[:, 80, 0] > 160).argmax())
            assert top == pytest.approx(number + 5, abs=1), number


def test_a_missing_clip_leaves_nothing(report, tmp_path):
    gone = replace(report, info=replace(report.info, path=tmp_path / "gone.mp4"))
    (tmp_path / "out").mkdir()
    with pytest.raises(VideoError, match="does not exist"):
        write_overlay(gone, tmp_path / "out" / "overlay.mp4")
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(VideoError, match="no folder"):
        write_overlay(report, tmp_path / "absent" / "overlay.mp4")
