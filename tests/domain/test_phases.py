"""Phases, transitions and sub-actions against values counted by hand."""

import numpy as np
import pytest

from fineparser.domain.phases import (
    CLIP_FRAMES,
    SUB_ACTIONS,
    WINDOW_COUNT,
    WINDOW_FRAMES,
    Phase,
    Transitions,
    sub_action_id,
    sub_action_name,
    sub_action_phase,
    window_starts,
)


def test_windows_cover_the_clip_exactly():
    starts = window_starts()
    assert starts == (0, 10, 20, 30, 40, 50, 60, 70, 80)
    assert len(starts) == WINDOW_COUNT
    assert starts[-1] + WINDOW_FRAMES == CLIP_FRAMES


def test_phase_labels():
    assert [(int(phase), phase.label) for phase in Phase] == [(0, "take-off"), (1, "flight"), (2, "entry")]


@pytest.mark.parametrize(
    ("flight", "entry", "counts"),
    [(40, 70, [40, 30, 26]), (0, 0, [0, 0, 96]), (0, 95, [0, 95, 1]), (50, 50, [50, 0, 46])],
)
def test_phases_of_a_clip(flight, entry, counts):
    transitions = Transitions(flight, entry)
    phases = transitions.phases()
    assert phases.shape == (96,)
    assert phases.dtype == np.int64
    assert np.bincount(phases, minlength=3).tolist() == counts
    assert (np.diff(phases) >= 0).all()
    spans = [transitions.span(phase) for phase in Phase]
    assert [stop - start for start, stop in spans] == counts
    assert Transitions.from_phases(phases) == transitions


@pytest.mark.parametrize(
    ("flight", "entry"), [(-1, 5), (10, 9), (0, 96), (96, 96), (1.5, 20), (True, 20), ("3", 20), (3, None)]
)
def test_impossible_transitions_are_refused(flight, entry):
    with pytest.raises(ValueError, match=r"transition|Transitions"):
        Transitions(flight, entry)


def test_transitions_take_numpy_integers_and_keep_plain_ones():
    transitions = Transitions(np.int64(3), np.int32(9))
    assert type(transitions.flight) is int
    assert transitions == Transitions(3, 9)


@pytest.mark.parametrize(
    ("phases", "message"),
    [
        ([0, 1, 2], r"shape \(3,\)"),
        ([0] * 50 + [3] * 46, r"\[3\]"),
        ([1] * 50 + [0] * 10 + [2] * 36, "order"),
        ([0] * 50 + [1] * 46, "end in the entry"),
    ],
)
def test_impossible_phases_are_refused(phases, message):
    with pytest.raises(ValueError, match=message):
        Transitions.from_phases(phases)


def test_sub_actions_are_the_29_of_finediving():
    assert len(SUB_ACTIONS) == 29
    assert len(set(SUB_ACTIONS.values())) == 29
    documented = {
        2: "Back",
        5: "Arm.Forward",
        37: "0.5 Som.Pike",
        12: "1 Som.Pike",
        15: "2.5 Soms.Pike",
        25: "3.5 Soms.Tuck",
        29: "0.5 Twist",
        31: "1.5 Twists",
        36: "Entry",
    }
    assert {one: sub_action_name(one) for one in documented} == documented


@pytest.mark.parametrize("sub_action", SUB_ACTIONS)
def test_names_and_ids_belong_together(sub_action):
    assert sub_action_id(sub_action_name(sub_action)) == sub_action
    assert sub_action_id(f" {sub_action_name(sub_action).upper()} ") == sub_action


@pytest.mark.parametrize(
    ("sub_actions", "phase"),
    [((1, 4, 5, 7), Phase.TAKE_OFF), ((12, 27, 29, 35, 37), Phase.FLIGHT), ((36,), Phase.ENTRY)],
)
def test_sub_actions_have_a_phase(sub_actions, phase):
    assert {sub_action_phase(one) for one in sub_actions} == {phase}


def test_unknown_sub_actions_are_refused():
    with pytest.raises(ValueError, match=r"^18 is no FineDiving"):
        sub_action_name(18)
    with pytest.raises(ValueError, match=r"^0 is no FineDiving"):
        sub_action_phase(0)
    with pytest.raises(ValueError, match="'Sideways' is no FineDiving"):
        sub_action_id("Sideways")
