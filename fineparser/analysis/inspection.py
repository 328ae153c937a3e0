"""What the network saw and thought of one clip, step by step: for looking inside, and for a paper's figures."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from fineparser.domain.mask_agreement import (
    THRESHOLD,
    f1_score,
    f_beta,
    intersection_over_union,
    mean_absolute_error,
    pixel_counts,
    s_measure,
)
from fineparser.domain.phases import Phase, temporal_iou, transition_error
from fineparser.model.track_tokens import PHASE_TOKENS

SIDES = 4
"""Depths of the spatial parser that each give a mask of their own."""

ARRAYS = {
    "frames": "uint8 [96, 112, 112, 3]: the pictures as the windows of the network see them, RGB",
    "frame_numbers": "int64 [96]: their numbers in the clip",
    "seconds": "float64 [96]: when they are shown",
    "mask_probability": "float32 [96, 112, 112]: the mask, drawn anew around the diver or averaged over the windows",
    "side_probability": "float16 [4, 96, 112, 112]: the same of each side output, the finest depth first",
    "window_starts": "int64 [9]: first frame of each window",
    "window_probability": "float16 [9, 16, 112, 112]: the fused mask as each window gives it",
    "overlap_iou": "float64 [96]: agreement of the windows that see a frame, NaN where there is only one",
    "overlap_spread": "float16 [96, 112, 112]: highest less lowest probability among them, 0 where there is only one",
    "transition_probabilities": "float32 [96, 2]: that the flight, that the entry begins",
    "transitions_windowed": "int64 [2]: the most probable frame of each half of the clip, the paper's rule",
    "transitions_ordered": "int64 [2]: the most probable pair, flight before entry",
    "features": "float32 [9, C]: gated feature of each window; along a diver's track [12, C]: the dynamic tokens, "
    "phase by phase",
    "entry_shown": "uint8 [16, 96, 96, 3]: the water where the diver goes in, the camera's motion taken out, RGB; at "
    "the entry's first frame plus -5, -3, -1, 0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21 and 24",
    "entry_layers": "float16 [16, 3, 48, 48]: how much of each pixel is drawn as body, flying water and foam",
    "entry_readings": "float32 [14]: awards that each fault cost and the award, as they are read off that drawing",
    "exemplar_entry_readings": "float32 [14]: the exemplar's",
    "exemplar_features": "float32 [9, C]: the same of the exemplar",
    "exemplar_transitions": "int64 [2]: where the exemplar is cut",
    "exemplar_transition_probabilities": "float32 [96, 2]: the exemplar's",
    "similarity": "float32 [R, R]: cosine of each of the dive's features (rows) with each of the exemplar's (columns)",
    "dynamic_attention": "float32 [phases, layers, heads, N, N]: what each of N tokens of the dive (rows) takes from "
    "each of the exemplar (columns)",
    "static_attention": "float32 [phases, layers, heads, 4, 4]: the same of the static branch",
    "dynamic_tokens": "float32 [phases, N]: the difference in points that each token sees",
    "static_tokens": "float32 [phases, 4]: the same of the static branch",
    "deltas": "float32 [branches, phases]: their means",
    "contributions": "float32 [branches, phases]: deltas times their weights; they add up to the difference",
    "true_transitions": "int64 [2]: the labelled ones",
    "true_masks": "bool [96, 112, 112]: the labelled ones",
    "mask_iou_by_frame": "float64 [96]: fused against labelled mask, NaN where neither holds a pixel",
    "about": "JSON text: names, rule, weights and, with labels, the metrics",
}
"""Everything that `Inspection.save` writes; what an inspection lacks (an exemplar, labels) is not in its file."""


@dataclass(frozen=True)
class Labels:
    """What is known to be true of the clip; None where it is not known."""

    transitions: np.ndarray | None = None
    """int64 [2]: first flight and first entry frame among the 96."""
    masks: np.ndarray | None = field(default=None, repr=False)
    """bool [96, 112, 112], cut as the frames are."""
    score: float | None = None
    """Points."""


@dataclass(frozen=True)
class Pairing:
    """The dive beside one exemplar. P phases, B branches: dynamic and, unless it is off, static."""

    exemplar: str
    """Its id."""
    features: np.ndarray
    """float32 [R, C], as the dive's."""
    transitions: np.ndarray
    """int64 [2]: where it was cut."""
    transition_probabilities: np.ndarray
    """float32 [96, 2]."""
    similarity: np.ndarray
    """float32 [R, R]: cosines of the features, the dive's down, the exemplar's across."""
    attention: tuple[np.ndarray, ...]
    """A branch each: float32 [P, layers, heads, tokens, tokens], the dive's tokens down, the exemplar's across."""
    tokens: tuple[np.ndarray, ...]
    """A branch each: float32 [P, tokens], the difference in points that each token sees."""
    deltas: np.ndarray
    """float32 [B, P]: means of the tokens."""
    contributions: np.ndarray
    """float32 [B, P]: points; they add up to the difference of the scores."""
    entry_readings: np.ndarray | None = None
    """float32 [14]: what is read of its entry, as of the dive's, see `EntryDrawing`; None where entries are not
    read."""


@dataclass(frozen=True)
class EntryDrawing:
    """The entry as a network draws and reads it, at sixteen moments."""

    frames: np.ndarray
    """int64 [16]: which of the 96 frames; at the clip's end its last one."""
    inside: np.ndarray
    """bool [16]: False for moments after the clip's end."""
    shown: np.ndarray = field(repr=False)
    """uint8 [16, S, S, 3] RGB: squares that stand still over the water."""
    layers: np.ndarray = field(repr=False)
    """float16 [16, 3, S / 2, S / 2]: how much of each pixel is body, flying water and foam."""
    readings: np.ndarray
    """float32 [14]: awards that each of the simulator's faults cost, in the order of its prices, and the award."""


@dataclass(frozen=True)
class Inspection:
    """One clip as the network sees it, in numpy and plain values."""

    name: str
    """Of the clip."""
    weights: str
    """Name and fingerprint of the network's."""
    frames: np.ndarray = field(repr=False)
    """uint8 [96, 112, 112, 3] RGB."""
    frame_numbers: np.ndarray = field(repr=False)
    """int64 [96] in the clip."""
    seconds: np.ndarray = field(repr=False)
    """float64 [96]."""
    mask_probability: np.ndarray = field(repr=False)
    """float32 [96, 112, 112]."""
    side_probability: np.ndarray = field(repr=False)
    """float16 [4, 96, 112, 112], the finest depth first."""
    window_starts: tuple[int, ...]
    window_probability: np.ndarray = field(repr=False)
    """float16 [9, 16, 112, 112]."""
    transition_probabilities: np.ndarray = field(repr=False)
    """float32 [96, 2]."""
    windowed: tuple[int, int]
    """Transitions by the paper's rule."""
    ordered: tuple[int, int]
    """Transitions by the ordered rule."""
    rule: str
    """The rule that counts for these weights, "windowed" or "ordered"."""
    features: np.ndarray = field(repr=False)
    """float32 [R, C]: what the dynamic branch compares, windows' features or, along a diver's track, tokens."""
    entry: EntryDrawing | None = None
    """None for a network that does not draw it."""
    pairing: Pairing | None = None
    labels: Labels | None = None
    predicted_score: float | None = None
    """Points, where the dive was scored."""

    @property
    def feature_groups(self) -> list[tuple[str, int]]:
        """What the features are of, in their order, and how many rows each: windows, by their first frames, a row each,
        or phases, of which a diver's track has four tokens."""
        if len(self.features) == len(self.window_starts):
            return [(str(start), 1) for start in self.window_starts]
        phases = ("clip",) if len(self.features) == PHASE_TOKENS else [phase.label for phase in Phase]
        return [(phase, PHASE_TOKENS) for phase in phases]

    @property
    def transitions(self) -> tuple[int, int]:
        """First flight and first entry frame by the rule that counts."""
        return self.windowed if self.rule == "windowed" else self.ordered

    @property
    def windows_by_frame(self) -> list[list[int]]:
        """For each of the 96 frames the windows that see it."""
        length = self.window_probability.shape[1]
        return [
            [window for window, start in enumerate(self.window_starts) if start <= frame < start + length]
            for frame in range(len(self.frames))
        ]

    def seen_by_windows(self, frame: int) -> np.ndarray:
        """The fused mask of a frame as each window that sees it gives it: float16 [windows, 112, 112]."""
        return np.stack(
            [self.window_probability[one, frame - self.window_starts[one]] for one in self.windows_by_frame[frame]]
        )

    def is_found(self, frame: int) -> bool:
        """Whether any window finds the diver in a frame."""
        return bool((self.seen_by_windows(frame) >= THRESHOLD).any())

    def overlap_spread(self, frame: int) -> np.ndarray:
        """Highest less lowest probability that windows give the pixels of a frame: float16 [112, 112]."""
        return np.ptp(self.seen_by_windows(frame), axis=0)

    @property
    def overlap_iou(self) -> np.ndarray:
        """Pixels that all windows call the diver over pixels that any does: float64 [96].

        1 where none does, NaN where a frame is seen by one window only.
        """
        values = np.full(len(self.frames), np.nan)
        for frame, windows in enumerate(self.windows_by_frame):
            if len(windows) > 1:
                found = self.seen_by_windows(frame) >= THRESHOLD
                union = np.count_nonzero(found.any(axis=0))
                values[frame] = np.count_nonzero(found.all(axis=0)) / union if union else 1.0
        return values

    @property
    def mask_iou_by_frame(self) -> np.ndarray | None:
        """Intersection over union with the labelled masks, float64 [96]; NaN where both are empty, None unlabelled."""
        if self.labels is None or self.labels.masks is None:
            return None
        found, true = self.mask_probability >= THRESHOLD, self.labels.masks
        union = np.count_nonzero(found | true, axis=(1, 2))
        both = np.count_nonzero(found & true, axis=(1, 2))
        return np.where(union > 0, both / np.maximum(union, 1), np.nan)

    def measures(self) -> dict[str, float]:
        """The metrics by their names in result files, those for which the clip has labels.

        Transition errors are in frames of the 96, the score's in points (predicted less true).
        """
        if self.labels is None:
            return {}
        found: dict[str, float] = {}
        if (true := self.labels.masks) is not None:
            counts = pixel_counts(self.mask_probability, true)
            found |= {
                "mask_iou": float(intersection_over_union(counts)),
                "mask_f1": float(f1_score(counts)),
                "mask_mae": mean_absolute_error(self.mask_probability, true),
                "mask_f_beta": f_beta(self.mask_probability, true),
                "mask_s_measure": s_measure(self.mask_probability, true),
            }
            for depth, side in enumerate(self.side_probability, start=1):
                found[f"side_{depth}_iou"] = float(intersection_over_union(pixel_counts(side, true)))
        if (true := self.labels.transitions) is not None:
            for rule, predicted in (("windowed", self.windowed), ("ordered", self.ordered)):
                flight, entry = transition_error(np.array(predicted), true)
                found |= {
                    f"flight_error_{rule}": float(flight),
                    f"entry_error_{rule}": float(entry),
                    f"tiou_{rule}": float(temporal_iou(np.array(predicted), true)),
                }
        if self.labels.score is not None and self.predicted_score is not None:
            found["score_error"] = self.predicted_score - self.labels.score
        return found

    def to_json(self) -> dict:
        """Names, transitions and metrics as plain values."""
        pairing, labels = self.pairing, self.labels
        return {
            "name": self.name,
            "weights": self.weights,
            "rule": self.rule,
            "transitions": {"windowed": list(self.windowed), "ordered": list(self.ordered)},
            "exemplar": None if pairing is None else pairing.exemplar,
            "difference": None if pairing is None else round(float(pairing.contributions.sum()), 3),
            "predicted_score": self.predicted_score,
            "true_score": None if labels is None else labels.score,
            "metrics": {name: None if np.isnan(value) else value for name, value in self.measures().items()},
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything under the names of `ARRAYS`."""
        found = {
            "frames": self.frames,
            "frame_numbers": self.frame_numbers,
            "seconds": self.seconds,
            "mask_probability": self.mask_probability,
            "side_probability": self.side_probability,
            "window_starts": np.array(self.window_starts),
            "window_probability": self.window_probability,
            "overlap_iou": self.overlap_iou,
            "overlap_spread": np.stack([self.overlap_spread(frame) for frame in range(len(self.frames))]),
            "transition_probabilities": self.transition_probabilities,
            "transitions_windowed": np.array(self.windowed),
            "transitions_ordered": np.array(self.ordered),
            "features": self.features,
            "about": np.array(json.dumps(self.to_json())),
        }
        if (entry := self.entry) is not None:
            found |= {
                "entry_shown": entry.shown,
                "entry_layers": entry.layers,
                "entry_readings": entry.readings,
            }
        if (pair := self.pairing) is not None:
            if pair.entry_readings is not None:
                found["exemplar_entry_readings"] = pair.entry_readings
            found |= {
                "exemplar_features": pair.features,
                "exemplar_transitions": pair.transitions,
                "exemplar_transition_probabilities": pair.transition_probabilities,
                "similarity": pair.similarity,
                "deltas": pair.deltas,
                "contributions": pair.contributions,
            }
            for branch, attention, tokens in zip(("dynamic", "static"), pair.attention, pair.tokens, strict=False):
                found |= {f"{branch}_attention": attention, f"{branch}_tokens": tokens}
        if self.labels is not None and self.labels.transitions is not None:
            found["true_transitions"] = self.labels.transitions
        if self.labels is not None and self.labels.masks is not None:
            found |= {"true_masks": self.labels.masks, "mask_iou_by_frame": self.mask_iou_by_frame}
        return found

    def save(self, path: str | Path) -> Path:
        """Writes `arrays` as a compressed NPZ; the file is whole or not there."""
        path = Path(path)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with part.open("wb") as file:
                np.savez_compressed(file, **self.arrays())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        return path
