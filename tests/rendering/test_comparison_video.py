from dataclasses import replace

import numpy as np
import pytest

from fineparser.rendering.comparison_video import (
    GAP,
    ClipPhases,
    ComparisonSide,
    comparison_frames,
    exemplar_title,
    matching_time,
    pair_frames,
    query_title,
    side_sizes,
    write_comparison,
)
from fineparser.video.info import VideoInfo
from fineparser.video.reader import open_source, probe
from fineparser.video.writer import write_video


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A clip of 30 frames, 64x64, whose brightness is five times the frame number."""
    frames = np.repeat(np.arange(30, dtype=np.uint8) * 5, 64 * 64 * 3).reshape(30, 64, 64, 3)
    path = write_video(tmp_path_factory.mktemp("other") / "other.mp4", frames, 25.0, quality=5)
    return ClipPhases(VideoInfo(path, "mp4", 30, 25.0, 64, 64, 64, 64), 0, 10, 20, 29)


def clip_of(width, height):
    return ClipPhases(VideoInfo("x.mp4", "mp4", 9, 25.0, width, height, width, height), 0, 3, 6, 8)


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
def test_sides_have_equal_height_and_their_own_aspect(query, exemplar, sizes):
    assert side_sizes(clip_of(*query), clip_of(*exemplar)) == sizes


def test_paired_frames_are_side_by_side(report, other):
    query = ComparisonSide.from_report(report)
    pairs = pair_frames(query.clip, other, fps=5)
    images = list(comparison_frames(query, ComparisonSide(other, "other"), pairs, style="none", caption=False))
    assert len(images) == len(pairs) == 11  # 53 frames of 25 a second, 2.12 s, at 5 a second
    for image, (ours, theirs) in zip(images, pairs, strict=True):
        assert image.shape == (432, 720 + GAP + 432, 3)
        assert image[:, 724:].mean() == pytest.approx(5 * theirs, abs=2.5)
        block = np.flatnonzero(image[:, 360, 0] > 160)
        # The panel is 4.5 times the source: the block begins in row n + 5.
        assert block[0] == pytest.approx(4.5 * (ours + 5), abs=5)


def test_only_sides_with_masks_are_marked(report, other):
    pairs = np.array([[20, 12]])
    query, exemplar = ComparisonSide.from_report(report), ComparisonSide(other, "other")
    (plain,) = comparison_frames(query, exemplar, pairs, style="none", caption=False)
    (drawn,) = comparison_frames(query, exemplar, pairs, style="fill", caption=False)
    assert (plain[:, :720] != drawn[:, :720]).any()
    assert (plain[:, 720:] == drawn[:, 720:]).all()
    (frame,) = comparison_frames(query, exemplar, pairs, style="none")
    assert (frame[:20, 724:820] != plain[:20, 724:820]).any()


def test_the_video_plays_at_the_dives_speed(report, other, tmp_path):
    path = write_comparison(
        ComparisonSide.from_report(report), ComparisonSide(other, "other"), tmp_path / "comparison.mp4"
    )
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


def test_the_side_of_an_exemplar(report, unscored, clip):
    panel = ComparisonSide.from_exemplar(report)
    assert (panel.clip.info.path, panel.clip.flight, panel.clip.entry) == (clip, 15, 40)
    assert panel.track is None
    assert ComparisonSide.from_exemplar(report, "weak") is None
    assert ComparisonSide.from_exemplar(unscored) is None


@pytest.fixture
def query(info):
    """10 frames a second: take-off 0-9, flight 10-19, entry 20-30."""
    return ClipPhases(replace(info, fps=10.0, frame_count=31), 0, 10, 20, 30)


@pytest.fixture
def exemplar(info):
    """20 frames a second: take-off 5-9, flight 10-49, entry 50-60."""
    return ClipPhases(replace(info, fps=20.0, frame_count=100), 5, 10, 50, 60)


def test_anchors_are_seconds(exemplar):
    assert exemplar.anchors.tolist() == [0.25, 0.5, 2.5, 3.0]


def test_phases_run_together_although_their_lengths_differ(query, exemplar):
    pairs = pair_frames(query, exemplar, fps=10)
    assert pairs[:, 0].tolist() == list(range(31))
    theirs = pairs[:, 1].tolist()
    # Five frames of take-off for ten: each is shown twice.
    assert theirs[:10] == [5, 5, 6, 6, 7, 7, 8, 8, 9, 9]
    # Forty frames of flight for ten: every fourth.
    assert theirs[10:20] == list(range(10, 50, 4))
    # Ten for ten.
    assert theirs[20:] == list(range(50, 61))


def test_phases_agree_in_every_pair(query, exemplar):
    for ours, theirs in pair_frames(query, exemplar, fps=23.7):
        assert query.phase_at(ours) == exemplar.phase_at(theirs)


def test_varying_rates_are_aligned_by_time(query, info):
    """The exemplar's flight is 2 s long, and its first frame lasts 1 s."""
    stamps = (0.0, 0.5, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
    uneven = ClipPhases(replace(info, fps=2.0, frame_count=8, timestamps=stamps), 0, 1, 4, 7)
    # The query's flight lasts 1 s, so half of it is the exemplar's first flight frame.
    assert pair_frames(query, uneven, fps=10)[10:20, 1].tolist() == [1, 1, 1, 1, 1, 2, 2, 2, 3, 3]


def test_an_empty_phase_is_skipped(query, info):
    headlong = ClipPhases(replace(info, fps=10.0, frame_count=40), 0, 0, 20, 39)
    pairs = pair_frames(query, headlong, fps=10)
    assert pairs[:10, 1].tolist() == [0] * 10
    assert pair_frames(headlong, query, fps=10)[0].tolist() == [0, 10]


def test_at_their_own_speed_from_the_start(query, exemplar):
    pairs = pair_frames(query, exemplar, fps=10, align="start")
    assert pairs[:4].tolist() == [[0, 5], [1, 7], [2, 9], [3, 11]]
    # The exemplar lasts 2.75 s and waits on its last frame while the query goes on to 3.0 s.
    assert len(pairs) == 31
    assert pairs[-4:, 1].tolist() == [59, 60, 60, 60]


@pytest.mark.parametrize(("align", "moment"), [("take-off", (10, 10)), ("entry", (20, 50))])
def test_at_their_own_speed_with_one_transition_together(query, exemplar, align, moment):
    pairs = pair_frames(query, exemplar, fps=20, align=align).tolist()
    place = pairs.index(list(moment))
    assert pairs[place + 1] in ([moment[0], moment[1] + 1],)
    assert pairs[place + 2] == [moment[0] + 1, moment[1] + 2]
    assert pairs[place - 2] == [moment[0] - 1, moment[1] - 2]


def test_the_later_clip_waits_on_its_first_frame(query, exemplar):
    """Aligned by the entry the exemplar starts 2.25 s before it, the query 2.0 s."""
    pairs = pair_frames(query, exemplar, fps=20, align="entry")
    assert pairs[0].tolist() == [0, 5]
    assert pairs[5].tolist() == [0, 10]
    assert pairs[7].tolist() == [1, 12]


def test_offsets_stay_inside_the_clips(query, exemplar):
    plain = pair_frames(query, exemplar, fps=10)
    nudged = pair_frames(query, exemplar, fps=10, offsets=(-2, 45))
    assert nudged[:, 0].tolist() == np.maximum(plain[:, 0] - 2, 0).tolist()
    assert nudged[:, 1].tolist() == np.minimum(plain[:, 1] + 45, 99).tolist()


def test_matching_times_at_the_anchors(query, exemplar):
    for ours, theirs in zip(query.anchors, exemplar.anchors, strict=True):
        assert matching_time(ours, query.anchors, exemplar.anchors) == pytest.approx(theirs)
    assert matching_time(-1.0, query.anchors, exemplar.anchors) == 0.25
    assert matching_time(9.0, query.anchors, exemplar.anchors) == 3.0


def test_frames_out_of_order_are_refused(info):
    with pytest.raises(ValueError, match="flight 30, entry 20"):
        ClipPhases(info, 0, 30, 20, 50)
    with pytest.raises(ValueError, match="within 0 to 59"):
        ClipPhases(info, 0, 10, 20, 60)


def test_a_folder_counts_from_its_first_file(info):
    clip = ClipPhases(replace(info, fps=10.0, frame_count=31, first_number=100), 100, 110, 120, 130)
    assert pair_frames(clip, clip, fps=10).tolist() == [[n, n] for n in range(100, 131)]
