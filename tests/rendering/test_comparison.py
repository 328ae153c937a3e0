from dataclasses import replace

import numpy as np
import pytest

from fineparser.rendering.alignment import PhasedClip, paired_frames
from fineparser.rendering.comparison import (
    GAP,
    Panel,
    comparison_frames,
    exemplar_title,
    panel_sizes,
    query_title,
    write_comparison,
)
from fineparser.video.info import VideoInfo
from fineparser.video.reading import open_source, probe
from fineparser.video.writing import write_video


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A clip of 30 frames, 64x64, whose brightness is five times the frame number."""
    frames = np.repeat(np.arange(30, dtype=np.uint8) * 5, 64 * 64 * 3).reshape(30, 64, 64, 3)
    path = write_video(tmp_path_factory.mktemp("other") / "other.mp4", frames, 25.0, quality=5)
    return PhasedClip(VideoInfo(path, "mp4", 30, 25.0, 64, 64, 64, 64), 0, 10, 20, 29)


def clip_of(width, height):
    return PhasedClip(VideoInfo("x.mp4", "mp4", 9, 25.0, width, height, width, height), 0, 3, 6, 8)


@pytest.mark.parametrize(
    ("query", "exemplar", "sizes"),
    [
        ((1280, 720), (1280, 720), ((718, 404), (718, 404))),
        ((1920, 1080), (112, 112), ((718, 404), (404, 404))),
        ((1080, 1920), (1280, 720), ((228, 404), (718, 404))),
        ((720, 720), (1080, 1920), ((720, 720), (404, 720))),
        ((160, 96), (64, 64), ((720, 432), (432, 432))),
    ],
)
def test_panels_have_one_height_and_their_own_shape(query, exemplar, sizes):
    assert panel_sizes(clip_of(*query), clip_of(*exemplar)) == sizes


def test_the_right_frames_stand_side_by_side(report, other):
    query = Panel.of(report)
    pairs = paired_frames(query.clip, other, fps=5)
    pictures = list(comparison_frames(query, Panel(other, "other"), pairs, style="none", caption=False))
    assert len(pictures) == len(pairs) == 11  # 53 frames of 25 a second, 2.12 s, at 5 a second
    for picture, (ours, theirs) in zip(pictures, pairs, strict=True):
        assert picture.shape == (432, 720 + GAP + 432, 3)
        assert picture[:, 724:].mean() == pytest.approx(5 * theirs, abs=2.5)
        block = np.flatnonzero(picture[:, 360, 0] > 160)
        # The panel is 4.5 times the source: the block begins in row n + 5.
        assert block[0] == pytest.approx(4.5 * (ours + 5), abs=5)


def test_only_sides_with_masks_are_drawn_on(report, other):
    pairs = np.array([[20, 12]])
    query, exemplar = Panel.of(report), Panel(other, "other")
    (plain,) = comparison_frames(query, exemplar, pairs, style="none", caption=False)
    (drawn,) = comparison_frames(query, exemplar, pairs, style="fill", caption=False)
    assert (plain[:, :720] != drawn[:, :720]).any()
    assert (plain[:, 720:] == drawn[:, 720:]).all()
    (told,) = comparison_frames(query, exemplar, pairs, style="none")
    assert (told[:20, 724:820] != plain[:20, 724:820]).any()


def test_the_video_plays_at_the_dives_speed(report, other, tmp_path):
    path = write_comparison(Panel.of(report), Panel(other, "other"), tmp_path / "comparison.mp4")
    seen = probe(path)
    assert (seen.frame_count, seen.width, seen.height) == (54, 1156, 432)
    assert seen.fps == pytest.approx(25)
    with open_source(path) as source:
        # The flight begins in frame 18 of the query, the 17th shown, and in frame 10 of the exemplar.
        assert source.frame(16)[100:400, 800:1100].mean() == pytest.approx(50, abs=3)
    assert [file.name for file in tmp_path.iterdir()] == ["comparison.mp4"]


def test_titles(report, unscored):
    assert query_title(report) == "This dive 207C: 80.00"
    assert query_title(unscored) == "This dive"
    weak, middling, _ = report.votes
    assert exemplar_title(weak) == "Exemplar 207C: 66.00"
    assert exemplar_title(middling) == "A 207C like it: 81.50"
    assert exemplar_title(replace(middling, exemplar="like", exemplar_score=81.5)) == "Exemplar 207C: 81.50"


def test_the_clip_beside(report, unscored, clip):
    panel = Panel.of_exemplar(report)
    assert (panel.clip.info.path, panel.clip.flight, panel.clip.entry) == (clip, 15, 40)
    assert panel.track is None
    assert Panel.of_exemplar(report, "weak") is None
    assert Panel.of_exemplar(unscored) is None
