from dataclasses import replace

import numpy as np
import pytest

from fineparser.rendering.alignment import PhasedClip, matching_time, paired_frames


@pytest.fixture
def query(info):
    """10 frames a second: take-off 0-9, flight 10-19, entry 20-30."""
    return PhasedClip(replace(info, fps=10.0, frame_count=31), 0, 10, 20, 30)


@pytest.fixture
def exemplar(info):
    """20 frames a second: take-off 5-9, flight 10-49, entry 50-60."""
    return PhasedClip(replace(info, fps=20.0, frame_count=100), 5, 10, 50, 60)


def test_anchors_are_seconds(exemplar):
    assert exemplar.anchors.tolist() == [0.25, 0.5, 2.5, 3.0]


def test_phases_run_together_although_their_lengths_differ(query, exemplar):
    pairs = paired_frames(query, exemplar, fps=10)
    assert pairs[:, 0].tolist() == list(range(31))
    theirs = pairs[:, 1].tolist()
    # Five frames of take-off for ten: each is shown twice.
    assert theirs[:10] == [5, 5, 6, 6, 7, 7, 8, 8, 9, 9]
    # Forty frames of flight for ten: every fourth.
    assert theirs[10:20] == list(range(10, 50, 4))
    # Ten for ten.
    assert theirs[20:] == list(range(50, 61))


def test_phases_agree_in_every_pair(query, exemplar):
    for ours, theirs in paired_frames(query, exemplar, fps=23.7):
        assert query.phase_at(ours) == exemplar.phase_at(theirs)


def test_the_time_of_a_varying_rate_counts(query, info):
    """The exemplar's flight is 2 s long, its first frame being shown for 1 s."""
    stamps = (0.0, 0.5, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
    uneven = PhasedClip(replace(info, fps=2.0, frame_count=8, timestamps=stamps), 0, 1, 4, 7)
    # The query's flight lasts 1 s, so half of it is the exemplar's first flight frame.
    assert paired_frames(query, uneven, fps=10)[10:20, 1].tolist() == [1, 1, 1, 1, 1, 2, 2, 2, 3, 3]


def test_an_empty_phase_is_skipped(query, info):
    headlong = PhasedClip(replace(info, fps=10.0, frame_count=40), 0, 0, 20, 39)
    pairs = paired_frames(query, headlong, fps=10)
    assert pairs[:10, 1].tolist() == [0] * 10
    assert paired_frames(headlong, query, fps=10)[0].tolist() == [0, 10]


def test_at_their_own_speed_from_the_start(query, exemplar):
    pairs = paired_frames(query, exemplar, fps=10, align="start")
    assert pairs[:4].tolist() == [[0, 5], [1, 7], [2, 9], [3, 11]]
    # The exemplar lasts 2.75 s and waits on its last frame while the query goes on to 3.0 s.
    assert len(pairs) == 31
    assert pairs[-4:, 1].tolist() == [59, 60, 60, 60]


@pytest.mark.parametrize(("align", "moment"), [("take-off", (10, 10)), ("entry", (20, 50))])
def test_at_their_own_speed_with_one_moment_together(query, exemplar, align, moment):
    pairs = paired_frames(query, exemplar, fps=20, align=align).tolist()
    place = pairs.index(list(moment))
    assert pairs[place + 1] in ([moment[0], moment[1] + 1],)
    assert pairs[place + 2] == [moment[0] + 1, moment[1] + 2]
    assert pairs[place - 2] == [moment[0] - 1, moment[1] - 2]


def test_the_later_starter_waits_on_its_first_frame(query, exemplar):
    """Aligned by the entry the exemplar starts 2.25 s before it, the query 2.0 s."""
    pairs = paired_frames(query, exemplar, fps=20, align="entry")
    assert pairs[0].tolist() == [0, 5]
    assert pairs[5].tolist() == [0, 10]
    assert pairs[7].tolist() == [1, 12]


def test_each_side_can_be_nudged_and_stays_in_its_clip(query, exemplar):
    plain = paired_frames(query, exemplar, fps=10)
    nudged = paired_frames(query, exemplar, fps=10, nudge=(-2, 45))
    assert nudged[:, 0].tolist() == np.maximum(plain[:, 0] - 2, 0).tolist()
    assert nudged[:, 1].tolist() == np.minimum(plain[:, 1] + 45, 99).tolist()


def test_matching_times_at_the_anchors(query, exemplar):
    for ours, theirs in zip(query.anchors, exemplar.anchors, strict=True):
        assert matching_time(ours, query.anchors, exemplar.anchors) == pytest.approx(theirs)
    assert matching_time(-1.0, query.anchors, exemplar.anchors) == 0.25
    assert matching_time(9.0, query.anchors, exemplar.anchors) == 3.0


def test_frames_out_of_order_are_refused(info):
    with pytest.raises(ValueError, match="flight 30, entry 20"):
        PhasedClip(info, 0, 30, 20, 50)
    with pytest.raises(ValueError, match="within 0 to 59"):
        PhasedClip(info, 0, 10, 20, 60)


def test_a_folder_counts_from_its_first_file(info):
    clip = PhasedClip(replace(info, fps=10.0, frame_count=31, first_number=100), 100, 110, 120, 130)
    assert paired_frames(clip, clip, fps=10).tolist() == [[n, n] for n in range(100, 131)]
