"""The dive record: frame numbers, labels that follow the sampling, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from fineparser.data.dives import (
    DataError,
    DiveList,
    Location,
    OnBroken,
    Problem,
    ProblemLog,
    ReadOptions,
    validation_keys,
)
from fineparser.domain.phases import Transitions


def test_sampling_cuts_fractions_off_as_published(make_dive):
    numbers = make_dive(first_frame=489, last_frame=592).sample()
    # 103 intervals over 95 steps: 489, 490.08, 491.17, ... 592
    assert numbers[[0, 1, 2, 13, 94, 95]].tolist() == [489, 490, 491, 503, 590, 592]
    assert len(numbers) == 96


def test_a_short_clip_gives_frames_twice(make_dive):
    numbers = make_dive(first_frame=5, last_frame=14).sample()
    assert numbers[0] == 5
    assert numbers[-1] == 14
    assert set(numbers) == set(range(5, 15))
    assert (np.diff(numbers) >= 0).all()


def test_the_end_shift_moves_the_last_frame_only(make_dive):
    dive = make_dive(first_frame=100, last_frame=200)
    assert dive.sample(end_shift=-3)[[0, -1]].tolist() == [100, 197]
    assert make_dive(first_frame=7, last_frame=8).sample(end_shift=-3).tolist() == [7] * 96


def test_transitions_are_the_first_sampled_frames_of_their_phase(make_dive):
    # Every second frame is sampled: 0, 2, 4 ... so frame 41 is first seen at index 21.
    dive = make_dive(last_frame=190, flight_frame=40, entry_frame=41)
    assert dive.transitions(dive.sample()) == Transitions(flight=20, entry=21)


def test_transitions_beyond_a_shifted_end_fall_on_the_last_frame(make_dive):
    dive = make_dive(last_frame=95, flight_frame=40, entry_frame=94)
    assert dive.transitions(dive.sample(end_shift=-3)) == Transitions(flight=42, entry=95)


def test_unknown_labels_stay_unknown(make_dive):
    dive = make_dive()
    assert dive.transitions(dive.sample()) is None
    assert dive.sub_action_labels(dive.sample()) is None
    assert dive.read_masks([0]) is None
    assert dive.execution is None


@pytest.mark.parametrize("labels", [{"flight_frame": 40}, {"entry_frame": 60}])
def test_one_transition_alone_is_no_pair(make_dive, labels):
    dive = make_dive(**labels)
    assert not dive.has_transitions
    assert dive.transitions(dive.sample()) is None
    assert make_dive(flight_frame=40, entry_frame=60).has_transitions


def test_sub_actions_follow_the_sampled_frames(make_dive):
    dive = make_dive(first_frame=10, last_frame=13, sub_actions=(1, 1, 15, 36))
    assert dive.sub_action_labels(np.array([10, 12, 12, 13])).tolist() == [1, 15, 15, 36]


def test_the_hardest_dives_may_be_worth_more_than_any_of_a_competition(make_dive):
    assert make_dive(score=138.6, difficulty=6.3).score == 138.6
    with pytest.raises(ValueError, match="0 to 189 points, not 190"):
        make_dive(score=190.0, difficulty=6.3)


def test_execution_is_score_by_difficulty(make_dive):
    assert make_dive(score=84.15, difficulty=3.3).execution == pytest.approx(25.5)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"split": "val"}, "train, validation, test, not 'val'"),
        ({"first_frame": 9, "last_frame": 8}, "from frame 9 to 8 has no frames"),
        ({"first_frame": -1}, "has no frames"),
        ({"flight_frame": 96}, "The flight .from frame 96. must be inside the clip, frames 0 to 95"),
        ({"entry_frame": 99}, "The entry .from frame 99. must be inside the clip"),
        ({"flight_frame": 50, "entry_frame": 40}, "flight .from frame 50. and the entry .from frame 40."),
        ({"flight_frame": 50, "entry_frame": 96}, "inside the clip, frames 0 to 95"),
        ({"score": 120.5}, "0 to 120 points, not 120.5"),
        ({"score": -1.0}, "not -1"),
        ({"score": float("nan")}, "not nan"),
        ({"difficulty": 0.0}, "between 0 and 10"),
        ({"awards": (7.0, 11.0)}, "Awards lie in 0 to 10"),
        ({"sub_actions": (1, 2)}, "2 sub-action labels for the 96 frames"),
    ],
)
def test_invalid_labels_are_rejected(make_dive, labels, message):
    with pytest.raises(ValueError, match=message):
        make_dive(**labels)


def test_a_broken_frame_is_named_with_the_place_of_its_dive(make_dive, broken_frames):
    dive = make_dive(frames=broken_frames)
    with pytest.raises(DataError, match=r"dives\.csv, line 2: 00007\.jpg is not an image"):
        dive.read([0])


def test_a_remark_is_no_error():
    log = ProblemLog()
    log.remark(Location(Path("dives.csv"), line=1), "the column 'athlete' was passed over")
    assert [problem.is_remark for problem in log.problems] == [True]


def test_a_list_gives_its_splits_and_preserves_its_problems(make_dive):
    problem = Problem(Location(Path("dives.csv"), line=3), "is broken")
    dives = tuple(make_dive(name, split=split) for name, split in [("a", "train"), ("b", "test")])
    everything = DiveList("finediving:/x", dives, (problem,), OnBroken.SKIP)
    test = everything.select_split("test")
    assert test.on_broken is OnBroken.SKIP
    assert [dive.id for dive in test] == ["b"]
    assert test.problems == (problem,)
    assert test.card(0).id == "b"
    assert test.at_epoch(7) is test
    with pytest.raises(ValueError, match="not 'val'"):
        everything.select_split("val")


def test_problems_stop_the_reading_or_are_collected():
    location = Location(Path("dives.csv"), line=4)
    collected = ProblemLog(OnBroken.SKIP)
    collected.add(location, "no such file")
    assert collected.problems == [Problem(location, "no such file")]
    assert str(collected.problems[0]) == "dives.csv, line 4: no such file"
    with pytest.raises(DataError, match=r"dives\.csv, line 4: no such file .--skip-broken"):
        ProblemLog().add(location, "no such file")


def test_the_validation_split_has_about_the_requested_size_and_is_stable():
    keys = [f"video/{index}" for index in range(4000)]
    chosen = validation_keys(keys, ReadOptions(seed=1, validation=0.1))
    assert 0.08 < len(chosen) / len(keys) < 0.12  # 4.2 standard deviations
    assert validation_keys(keys[:100], ReadOptions(seed=1, validation=0.1)) == chosen & set(keys[:100])
    assert validation_keys(keys, ReadOptions(seed=2, validation=0.1)) != chosen
