"""Phases, transitions and sub-actions against values counted by hand."""

import numpy as np
import pytest

from fineparser.domain.phases import (
    SUB_ACTIONS,
    Phase,
    Transitions,
    sub_action_id,
    sub_action_name,
    sub_action_phase,
    temporal_iou,
    transition_error,
)


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
def test_impossible_transitions_are_rejected(flight, entry):
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
def test_impossible_phases_are_rejected(phases, message):
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


def test_unknown_sub_actions_are_rejected():
    with pytest.raises(ValueError, match=r"^18 is no FineDiving"):
        sub_action_name(18)
    with pytest.raises(ValueError, match=r"^0 is no FineDiving"):
        sub_action_phase(0)
    with pytest.raises(ValueError, match="'Sideways' is no FineDiving"):
        sub_action_id("Sideways")


@pytest.mark.parametrize(
    ("predicted", "true", "expected"),
    [
        ((20, 60), (20, 60), 1.0),
        ((20, 60), (30, 50), 0.5),
        ((10, 30), (20, 40), 1 / 3),
        ((10, 20), (20, 40), 0.0),  # the frame of a transition belongs to the next phase
        ((10, 20), (50, 60), 0.0),
        ((30, 30), (30, 30), 1.0),
        ((30, 30), (31, 31), 0.0),
        ((30, 30), (20, 40), 0.0),
        ((60, 20), (20, 60), 0.0),  # upside down holds no frame
    ],
)
def test_temporal_iou(predicted, true, expected):
    assert float(temporal_iou(np.array(predicted), np.array(true))) == pytest.approx(expected)
    if predicted[0] <= predicted[1]:
        assert float(temporal_iou(np.array(true), np.array(predicted))) == pytest.approx(expected)


def test_temporal_iou_counts_frames():
    """Against the overlap of the sets of frames."""
    rng = np.random.default_rng(0)
    segments = np.sort(rng.integers(96, size=(2, 50, 2)), axis=-1)
    values = temporal_iou(*segments)
    for value, (a, b), (c, d) in zip(values, *segments, strict=True):
        one, other = set(range(a, b)), set(range(c, d))
        if one | other:
            assert value == pytest.approx(len(one & other) / len(one | other))


def test_transition_error_in_frames():
    predicted, true = np.array([[20, 60], [22, 61]]), np.array([[23, 60], [22, 66]])
    np.testing.assert_array_equal(transition_error(predicted, true), [[3, 0], [0, 5]])
