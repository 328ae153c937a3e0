"""Phases of a dive: take-off, flight and entry, the transitions between them, and FineDiving's sub-actions.

Two transitions divide a clip of 96 frames into the three phases. FineDiving names finer steps, the sub-actions; each
belongs to one phase.
"""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fineparser.domain.clip_geometry import CLIP_FRAMES


class Phase(enum.IntEnum):
    """One of the three parts of a dive, in the order in which they happen."""

    TAKE_OFF = 0
    FLIGHT = 1
    ENTRY = 2

    @property
    def label(self) -> str:
        """Name of the phase.

        >>> [phase.label for phase in Phase]
        ['take-off', 'flight', 'entry']
        """
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class Transitions:
    """Transitions between the phases in a clip of `CLIP_FRAMES` frames (0-based frame indices).

    `0 <= flight <= entry < CLIP_FRAMES`, ValueError otherwise. A phase may be empty: with `flight == 0`
    the clip starts in the air, with `flight == entry` no frame shows the flight.
    """

    flight: int
    """First frame of the flight."""

    entry: int
    """First frame of the entry."""

    def __post_init__(self) -> None:
        for name in ("flight", "entry"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise ValueError(f"The {name} transition must be a frame index, an integer, not {value!r}.")
            object.__setattr__(self, name, int(value))
        if not 0 <= self.flight <= self.entry < CLIP_FRAMES:
            raise ValueError(
                f"Transitions must satisfy 0 <= flight <= entry < {CLIP_FRAMES}, got flight {self.flight} "
                f"and entry {self.entry}. Give both as frame indices of the clip of {CLIP_FRAMES} frames."
            )

    @classmethod
    def from_phases(cls, phases: Sequence[int] | np.ndarray) -> "Transitions":
        """Transitions from the phase of each frame, the inverse of `phases()`.

        `phases` is [96], integers of `Phase`, never decreasing and ending in the entry; ValueError
        otherwise.

        >>> Transitions.from_phases([0] * 30 + [1] * 40 + [2] * 26)
        Transitions(flight=30, entry=70)
        """
        values = np.asarray(phases)
        if values.shape != (CLIP_FRAMES,):
            raise ValueError(f"Expected a phase for each of {CLIP_FRAMES} frames, got shape {values.shape}.")
        if not np.isin(values, list(Phase)).all():
            unknown = sorted(set(values.tolist()) - {int(phase) for phase in Phase})
            raise ValueError(f"Phases are 0, 1 and 2 (take-off, flight, entry), got {unknown} too.")
        if (np.diff(values.astype(int)) < 0).any() or values[-1] != Phase.ENTRY:
            raise ValueError("Phases must come in the order take-off, flight, entry, and end in the entry.")
        return cls(flight=int((values >= Phase.FLIGHT).argmax()), entry=int((values == Phase.ENTRY).argmax()))

    def phases(self) -> np.ndarray:
        """Phase of every frame, int64 [96].

        >>> Transitions(flight=40, entry=70).phases()[[0, 39, 40, 69, 70, 95]].tolist()
        [0, 0, 1, 1, 2, 2]
        """
        frames = np.arange(CLIP_FRAMES)
        return (frames >= self.flight).astype(np.int64) + (frames >= self.entry)

    def span(self, phase: Phase) -> tuple[int, int]:
        """First frame of `phase` and the frame after its last one; equal where the phase is empty.

        >>> Transitions(flight=40, entry=70).span(Phase.FLIGHT)
        (40, 70)
        """
        edges = (0, self.flight, self.entry, CLIP_FRAMES)
        return edges[phase], edges[phase + 1]


def temporal_iou(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Overlap of the segments between the two transitions, [..., 2] and [..., 2] to [...].

    A segment is the frames from the first transition up to, not including, the second. Where neither holds a
    frame, 1 if the two lie at the same frame, else 0.

    >>> float(temporal_iou(np.array([10, 30]), np.array([20, 40])))  # 10 frames of 30
    0.3333333333333333
    """
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    start, end = np.maximum(predicted[..., 0], true[..., 0]), np.minimum(predicted[..., 1], true[..., 1])
    overlap = np.maximum(end - start, 0)
    lengths = [np.maximum(segment[..., 1] - segment[..., 0], 0) for segment in (predicted, true)]
    union = sum(lengths) - overlap
    same = (predicted == true).all(axis=-1).astype(np.float64)
    return np.where(union > 0, overlap / np.where(union > 0, union, 1), same)


def transition_error(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Absolute error in frames, [..., 2] and [..., 2] to [..., 2]."""
    return np.abs(np.asarray(predicted, np.float64) - np.asarray(true, np.float64))


ENTRY_SUB_ACTION = 36

SUB_ACTIONS: dict[int, str] = {
    1: "Forward",
    2: "Back",
    3: "Reverse",
    4: "Inward",
    5: "Arm.Forward",
    6: "Arm.Back",
    7: "Arm.Reverse",
    12: "1 Som.Pike",
    13: "1.5 Soms.Pike",
    14: "2 Soms.Pike",
    15: "2.5 Soms.Pike",
    16: "3 Soms.Pike",
    17: "3.5 Soms.Pike",
    19: "4.5 Soms.Pike",
    21: "1.5 Soms.Tuck",
    22: "2 Soms.Tuck",
    23: "2.5 Soms.Tuck",
    24: "3 Soms.Tuck",
    25: "3.5 Soms.Tuck",
    27: "4.5 Soms.Tuck",
    29: "0.5 Twist",
    30: "1 Twist",
    31: "1.5 Twists",
    32: "2 Twists",
    33: "2.5 Twists",
    34: "3 Twists",
    35: "3.5 Twists",
    ENTRY_SUB_ACTION: "Entry",
    37: "0.5 Som.Pike",
}
"""FineDiving's sub-action ids and names (each of the 29 that occur appears in published code that
reads its `Sub_action_Types_Table.pkl`). That table numbers up to 42; the others label no frame."""


def sub_action_name(sub_action: int) -> str:
    """FineDiving's name of a sub-action id.

    >>> sub_action_name(15)
    '2.5 Soms.Pike'
    """
    _check_sub_action(sub_action)
    return SUB_ACTIONS[sub_action]


def sub_action_id(name: str) -> int:
    """FineDiving's id of a sub-action name; capitals and blanks around it do not matter.

    >>> sub_action_id("Arm.Back")
    6
    """
    for sub_action, known in SUB_ACTIONS.items():
        if known.lower() == name.strip().lower():
            return sub_action
    raise ValueError(f"{name!r} is no FineDiving sub-action; known are {', '.join(SUB_ACTIONS.values())}.")


def sub_action_phase(sub_action: int) -> Phase:
    """Phase of a FineDiving sub-action.

    The ways of leaving the board (1-7) are take-offs, somersaults and twists are the flight.

    >>> sub_action_phase(31).label
    'flight'
    """
    _check_sub_action(sub_action)
    if sub_action <= 7:
        return Phase.TAKE_OFF
    return Phase.ENTRY if sub_action == ENTRY_SUB_ACTION else Phase.FLIGHT


def _check_sub_action(sub_action: int) -> None:
    if sub_action not in SUB_ACTIONS:
        known = ", ".join(map(str, sorted(SUB_ACTIONS)))
        raise ValueError(f"{sub_action!r} is no FineDiving sub-action id; known ids are {known}.")
