"""Inspection of one clip: the intermediate results of the network, step by step, for people and for figures."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor

from fineparser.analysis.analyser import AnalysisOptions, DiveAnalyser
from fineparser.analysis.report import DiveReport
from fineparser.atomic import atomic_path
from fineparser.data.clip_files import FileFrames, FolderFrames
from fineparser.data.clip_input import network_input
from fineparser.data.dives import Dive
from fineparser.domain.clip_geometry import CLIP_SIDE
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
from fineparser.exemplars.voting_result import Vote
from fineparser.model.comparison import PHASE_TOKENS, recorded_attention
from fineparser.model.config import CompactConfig, FineParserConfig
from fineparser.model.entry import entry_frames, in_awards
from fineparser.model.protocol import Diagnostics, DiagnosticsLevel, Encoding, Network, normalise
from fineparser.model.temporal_action_parser import decode_transitions
from fineparser.progress import Progress, no_progress, progress_between
from fineparser.video.clip import read_clip
from fineparser.video.framing import Framing
from fineparser.video.reader import open_source, probe

SIDE_OUTPUTS = 4
"""Depths of the spatial parser that each output a mask of their own."""

ARRAYS = {
    "frames": "uint8 [96, 112, 112, 3]: input frames at the resolution of the windows, RGB",
    "frame_numbers": "int64 [96]: their numbers in the clip",
    "seconds": "float64 [96]: their times",
    "mask_probability": "float32 [96, 112, 112]: the mask, decoded in crops around the diver or averaged over windows",
    "side_probability": "float16 [4, 96, 112, 112]: the same of each side output, the finest depth first",
    "window_starts": "int64 [9]: first frame of each window",
    "window_probability": "float16 [9, 16, 112, 112]: the fused mask of each window",
    "overlap_iou": "float64 [96]: IoU between the windows that share a frame, NaN for a frame of one window",
    "overlap_spread": "float16 [96, 112, 112]: their highest minus lowest probability, 0 for a frame of one window",
    "transition_probabilities": "float32 [96, 2]: probability that the flight begins, that the entry begins",
    "transitions_windowed": "int64 [2]: the most probable frame of each half of the clip, the paper's rule",
    "transitions_ordered": "int64 [2]: the most probable pair, flight before entry",
    "features": "float32 [9, C]: gated feature of each window; of the compact network [12, C]: the dynamic tokens, "
    "phase by phase",
    "entry_shown": "uint8 [16, 96, 96, 3]: stabilised crops over the point of entry, RGB; at the entry's first frame "
    "plus -5, -3, -1, 0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21 and 24",
    "entry_layers": "float16 [16, 3, 48, 48]: share of each pixel that is body, flying water and foam",
    "entry_readings": "float32 [14]: predicted deduction of each fault, and the predicted award",
    "exemplar_entry_readings": "float32 [14]: the same of the exemplar",
    "exemplar_features": "float32 [9, C]: features of the exemplar",
    "exemplar_transitions": "int64 [2]: transitions of the exemplar",
    "exemplar_transition_probabilities": "float32 [96, 2]: the same probabilities of the exemplar",
    "similarity": "float32 [R, R]: cosine similarity of the dive's features (rows) and the exemplar's (columns)",
    "dynamic_attention": "float32 [phases, layers, heads, N, N]: attention of the dive's tokens (rows) to the "
    "exemplar's (columns)",
    "static_attention": "float32 [phases, layers, heads, 4, 4]: the same of the static branch",
    "dynamic_tokens": "float32 [phases, N]: difference in points by token",
    "static_tokens": "float32 [phases, 4]: the same of the static branch",
    "deltas": "float32 [branches, phases]: their means",
    "contributions": "float32 [branches, phases]: deltas times their weights; they add up to the difference",
    "true_transitions": "int64 [2]: labelled transitions",
    "true_masks": "bool [96, 112, 112]: labelled masks",
    "mask_iou_by_frame": "float64 [96]: IoU of predicted and labelled mask, NaN where both are empty",
    "about": "JSON text: names, rule, weights and, with labels, the metrics",
}
"""Arrays of the file of `Inspection.save`; those that an inspection lacks (exemplar, labels) are left out."""


@dataclass(frozen=True)
class ClipLabels:
    """Labels of a clip; None where there are none."""

    transitions: np.ndarray | None = None
    """int64 [2]: first flight and first entry frame among the 96."""
    masks: np.ndarray | None = field(default=None, repr=False)
    """bool [96, 112, 112], cropped as the frames are."""
    score: float | None = None
    """Points."""


@dataclass(frozen=True, kw_only=True)
class ExemplarInspection:
    """The comparison with one exemplar; P phases, B branches (dynamic, then static unless it is off)."""

    exemplar: str
    """Id of the exemplar."""
    features: np.ndarray
    """float32 [R, C], as the dive's."""
    transitions: np.ndarray
    """int64 [2]: transitions of the exemplar."""
    transition_probabilities: np.ndarray
    """float32 [96, 2]."""
    similarity: np.ndarray
    """float32 [R, R]: cosine similarity of the features, the dive's in rows, the exemplar's in columns."""
    attention: tuple[np.ndarray, ...]
    """A branch each: float32 [P, layers, heads, tokens, tokens], the dive's tokens in rows, the exemplar's in
    columns."""
    tokens: tuple[np.ndarray, ...]
    """A branch each: float32 [P, tokens], the difference in points by token."""
    deltas: np.ndarray
    """float32 [B, P]: means of the tokens."""
    contributions: np.ndarray
    """float32 [B, P]: points; they add up to the difference of the scores."""
    entry_fault_scores: np.ndarray | None = None
    """float32 [14]: those of the exemplar, see `EntryInspection`; None for a network without an entry branch."""


@dataclass(frozen=True, kw_only=True)
class EntryInspection:
    """Results of the entry branch at sixteen times around the entry."""

    frames: np.ndarray
    """int64 [16]: indices among the 96 frames, clipped to the last one."""
    is_in_clip: np.ndarray
    """bool [16]: False for times after the end of the clip."""
    crops: np.ndarray = field(repr=False)
    """uint8 [16, S, S, 3] RGB: stabilised crops over the water."""
    layers: np.ndarray = field(repr=False)
    """float16 [16, 3, S / 2, S / 2]: share of each pixel that is body, flying water and foam."""
    fault_scores: np.ndarray
    """float32 [14]: deduction in awards for each of the simulator's faults, in the order of its prices, and the
    award."""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """Intermediate results of one clip, in numpy and plain values."""

    name: str
    """Name of the clip."""
    weights: str
    """Name and fingerprint of the network's weights."""
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
    """The rule that these weights use, "windowed" or "ordered"."""
    features: np.ndarray = field(repr=False)
    """float32 [R, C]: input of the dynamic branch's comparison, a row a window or a token."""
    entry: EntryInspection | None = None
    """None for a network without an entry branch."""
    comparison: ExemplarInspection | None = None
    labels: ClipLabels | None = None
    predicted_score: float | None = None
    """Points, if the dive was scored."""

    @property
    def feature_groups(self) -> list[tuple[str, int]]:
        """Label and number of rows of each group of features: windows by their first frames, one row each, or phases
        with four tokens each."""
        if len(self.features) == len(self.window_starts):
            return [(str(start), 1) for start in self.window_starts]
        phases = ["clip"] if len(self.features) == PHASE_TOKENS else [phase.label for phase in Phase]
        return [(phase, PHASE_TOKENS) for phase in phases]

    @property
    def transitions(self) -> tuple[int, int]:
        """First flight and first entry frame by the rule of these weights."""
        return self.windowed if self.rule == "windowed" else self.ordered

    def phase_at(self, frame: int) -> Phase:
        """Phase of one of the 96 frames, by the rule of these weights."""
        flight, entry = self.transitions
        return Phase(int(frame >= flight) + int(frame >= entry))

    @property
    def windows_by_frame(self) -> list[list[int]]:
        """Indices of the windows that contain each of the 96 frames."""
        length = self.window_probability.shape[1]
        return [
            [window for window, start in enumerate(self.window_starts) if start <= frame < start + length]
            for frame in range(len(self.frames))
        ]

    def window_masks(self, frame: int) -> np.ndarray:
        """Fused mask of a frame in each window that contains it: float16 [windows, 112, 112]."""
        return np.stack(
            [
                self.window_probability[window, frame - self.window_starts[window]]
                for window in self.windows_by_frame[frame]
            ]
        )

    def has_diver(self, frame: int) -> bool:
        """True if any window finds the diver in a frame."""
        return bool((self.window_masks(frame) >= THRESHOLD).any())

    def overlap_spread(self, frame: int) -> np.ndarray:
        """Highest minus lowest probability of each pixel among the windows of a frame: float16 [112, 112]."""
        return np.ptp(self.window_masks(frame), axis=0)

    @property
    def overlap_iou(self) -> np.ndarray:
        """IoU between the windows of each frame: float64 [96].

        1 if all are empty, NaN for a frame of one window.
        """
        values = np.full(len(self.frames), np.nan)
        for frame, windows in enumerate(self.windows_by_frame):
            if len(windows) > 1:
                masks = self.window_masks(frame) >= THRESHOLD
                union = np.count_nonzero(masks.any(axis=0))
                values[frame] = np.count_nonzero(masks.all(axis=0)) / union if union else 1.0
        return values

    @property
    def mask_iou_by_frame(self) -> np.ndarray | None:
        """IoU with the labelled masks, float64 [96]; NaN where both are empty, None without labels."""
        if self.labels is None or self.labels.masks is None:
            return None
        predicted, true = self.mask_probability >= THRESHOLD, self.labels.masks
        union = np.count_nonzero(predicted | true, axis=(1, 2))
        intersection = np.count_nonzero(predicted & true, axis=(1, 2))
        return np.where(union > 0, intersection / np.maximum(union, 1), np.nan)

    def metrics(self) -> dict[str, float]:
        """Metrics by their names in result files, for the labels that the clip has.

        Transition errors are in frames of the 96, the score's in points (predicted minus true).
        """
        if self.labels is None:
            return {}
        metrics: dict[str, float] = {}
        if (true_masks := self.labels.masks) is not None:
            counts = pixel_counts(self.mask_probability, true_masks)
            metrics |= {
                "mask_iou": float(intersection_over_union(counts)),
                "mask_f1": float(f1_score(counts)),
                "mask_mae": mean_absolute_error(self.mask_probability, true_masks),
                "mask_f_beta": f_beta(self.mask_probability, true_masks),
                "mask_s_measure": s_measure(self.mask_probability, true_masks),
            }
            for depth, side in enumerate(self.side_probability, start=1):
                metrics[f"side_{depth}_iou"] = float(intersection_over_union(pixel_counts(side, true_masks)))
        if (true_transitions := self.labels.transitions) is not None:
            for rule, predicted in (("windowed", self.windowed), ("ordered", self.ordered)):
                flight, entry = transition_error(np.array(predicted), true_transitions)
                metrics |= {
                    f"flight_error_{rule}": float(flight),
                    f"entry_error_{rule}": float(entry),
                    f"tiou_{rule}": float(temporal_iou(np.array(predicted), true_transitions)),
                }
        if self.labels.score is not None and self.predicted_score is not None:
            metrics["score_error"] = self.predicted_score - self.labels.score
        return metrics

    def to_json(self) -> dict[str, Any]:
        """Names, transitions and metrics as plain values."""
        comparison, labels = self.comparison, self.labels
        return {
            "name": self.name,
            "weights": self.weights,
            "rule": self.rule,
            "transitions": {"windowed": list(self.windowed), "ordered": list(self.ordered)},
            "exemplar": None if comparison is None else comparison.exemplar,
            "difference": None if comparison is None else round(float(comparison.contributions.sum()), 3),
            "predicted_score": self.predicted_score,
            "true_score": None if labels is None else labels.score,
            "metrics": {name: None if np.isnan(value) else value for name, value in self.metrics().items()},
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """All results by the names of `ARRAYS`."""
        arrays = {
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
            arrays |= {
                "entry_shown": entry.crops,
                "entry_layers": entry.layers,
                "entry_readings": entry.fault_scores,
            }
        if (comparison := self.comparison) is not None:
            if comparison.entry_fault_scores is not None:
                arrays["exemplar_entry_readings"] = comparison.entry_fault_scores
            arrays |= {
                "exemplar_features": comparison.features,
                "exemplar_transitions": comparison.transitions,
                "exemplar_transition_probabilities": comparison.transition_probabilities,
                "similarity": comparison.similarity,
                "deltas": comparison.deltas,
                "contributions": comparison.contributions,
            }
            branches = zip(("dynamic", "static"), comparison.attention, comparison.tokens, strict=False)
            for branch, attention, tokens in branches:
                arrays |= {f"{branch}_attention": attention, f"{branch}_tokens": tokens}
        if self.labels is not None and self.labels.transitions is not None:
            arrays["true_transitions"] = self.labels.transitions
        if self.labels is not None and self.labels.masks is not None:
            arrays["true_masks"] = self.labels.masks
        if (iou := self.mask_iou_by_frame) is not None:
            arrays["mask_iou_by_frame"] = iou
        return arrays

    def save(self, path: str | Path) -> Path:
        """Write `arrays` as a compressed NPZ, atomically."""
        path = Path(path)
        with atomic_path(path) as part, part.open("wb") as file:
            # An open file, since numpy would add a suffix to the name of one without .npz.
            # NumPy's stub takes the names of the arrays for its own options.
            np.savez_compressed(file, **self.arrays())  # type: ignore[arg-type]
        return path


def inspect_report(
    analyser: DiveAnalyser, report: DiveReport, exemplar: str | None = None, labels: ClipLabels | None = None
) -> Inspection:
    """Encode the clip of a report once more and keep the intermediate results.

    Args:
        analyser: that made the report.
        report: its clip must still exist.
        exemplar: one of those that voted, to compare with; None: the report's own choice, if it has one.
        labels: of the clip.

    Raises:
        VideoError: if the clip cannot be read any more.
        ValueError: for an exemplar that did not vote.
    """
    network, info = analyser.network, report.info
    vote = find_vote(report, exemplar or report.exemplar)
    with open_source(info.path, folder_fps=info.fps) as source:
        clip = read_clip(source, report.first_frame, report.last_frame, report.framing, network.config.input_size)
    frames = clip.frames.transpose(1, 2, 3, 0)
    with torch.inference_mode():
        query, diagnostics = network.encode_with_diagnostics(
            network_input(network, normalise(frames)[None]).to(network.device), level=DiagnosticsLevel.SIDE_OUTPUTS
        )
    windowed, ordered = (_decoded(query, rule) for rule in ("windowed", "ordered"))
    assert diagnostics.mask_logits is not None
    return Inspection(
        name=info.path.name,
        weights=f"{analyser.model.provenance.name} ({analyser.model.fingerprint()})",
        frames=np.stack([cv2.resize(frame, (CLIP_SIDE, CLIP_SIDE), interpolation=cv2.INTER_AREA) for frame in frames]),
        frame_numbers=clip.frame_numbers,
        seconds=clip.seconds,
        mask_probability=to_numpy(diagnostics.masks[0]),
        side_probability=to_numpy(diagnostics.side_masks[0]).astype(np.float16),
        window_starts=diagnostics.window_starts,
        window_probability=to_numpy(diagnostics.mask_logits[0].float().sigmoid()).astype(np.float16),
        transition_probabilities=to_numpy(query.transition_probabilities[0]),
        windowed=windowed,
        ordered=ordered,
        rule=transition_rule(network),
        features=to_numpy(dynamic_rows(query)),
        entry=inspect_entry(query, diagnostics),
        comparison=None if vote is None else inspect_comparison(network, query, vote, report.difficulty),
        labels=labels,
        predicted_score=None if report.total is None else report.total.value,
    )


def _decoded(encoding: Encoding, rule: str) -> tuple[int, int]:
    """First flight and first entry frame of one clip by a rule."""
    flight, entry = decode_transitions(encoding.transition_probabilities, rule)[0].tolist()
    return flight, entry


def transition_rule(network: Network) -> str:
    """The rule by which a network decodes its transitions."""
    config = network.config
    assert isinstance(config, FineParserConfig | CompactConfig)
    return config.transition_rule


def inspect_dive(analyser: DiveAnalyser, dive: Dive, progress: Progress = no_progress) -> Inspection:
    """Inspect a labelled dive, cropped to the centre as in an evaluation, with its labels.

    Raises:
        VideoError, DataError: if its clip or masks cannot be read.
        ValueError: for a dive without a clip on disk.
    """
    path = clip_path(dive)
    info = probe(path)
    has_number = dive.code is not None and dive.height is not None
    report = analyser.analyse(
        path,
        dive.code,
        dive.height,
        AnalysisOptions(
            difficulty=dive.difficulty if has_number else None,
            first=dive.first_frame,
            last=dive.last_frame,
            crop=Framing.default(info.width, info.height),
        ),
        progress=progress_between(progress, 0.0, 0.6),
    )
    progress("Inspecting the network", 0.6)
    return replace(inspect_report(analyser, report, labels=sampled_labels(dive, report)), name=dive.id)


def clip_path(dive: Dive) -> Path:
    """Video file or folder of frames of a dive; ValueError if it has none."""
    match dive.frames:
        case FileFrames(clip=path) | FolderFrames(frames=path):
            return path
    raise ValueError(f"{dive.id} is no clip on disk but {type(dive.frames).__name__}: write it to a folder first.")


def sampled_labels(dive: Dive, report: DiveReport) -> ClipLabels:
    """Labels of a dive at the sampled frames of a report, masks cropped as the report's frames are."""
    numbers = report.frame_numbers
    transitions, masks = dive.transitions(numbers), dive.read_masks(numbers.tolist())
    return ClipLabels(
        None if transitions is None else np.array([transitions.flight, transitions.entry]),
        None if masks is None else report.framing.crop_masks(masks),
        dive.score,
    )


def find_vote(report: DiveReport, exemplar: str | None) -> Vote | None:
    """The vote of an exemplar; None for None. ValueError if it did not vote."""
    if exemplar is None:
        return None
    for vote in report.votes:
        if vote.exemplar == exemplar:
            return vote
    raise ValueError(f"There is no exemplar {exemplar!r} among the votes on this dive.")


def inspect_comparison(network: Network, query: Encoding, vote: Vote, difficulty: float | None) -> ExemplarInspection:
    """Compare one encoded clip, of a dive of that difficulty, with the exemplar of a vote, and record the attention."""
    exemplar = Encoding.from_arrays(vote.encoding).to(query.dynamic.device)
    with torch.inference_mode(), recorded_attention(network) as weights:
        comparison = network.compare(query, exemplar, difficulty)
    phases, blocks = comparison.deltas.shape[-1], len(weights) // len(comparison.tokens)
    # They run branch by branch, phase by phase, layer by layer.
    by_branch = [torch.cat(weights[first : first + blocks]) for first in range(0, len(weights), blocks)]
    rows, exemplar_rows = (
        torch.nn.functional.normalize(dynamic_rows(encoding).float(), dim=-1) for encoding in (query, exemplar)
    )
    return ExemplarInspection(
        exemplar=vote.exemplar,
        features=to_numpy(dynamic_rows(exemplar)),
        transitions=exemplar.transitions[0].cpu().numpy(),
        transition_probabilities=to_numpy(exemplar.transition_probabilities[0]),
        similarity=to_numpy(rows @ exemplar_rows.mT),
        attention=tuple(to_numpy(branch.unflatten(0, (phases, -1))) for branch in by_branch),
        tokens=tuple(to_numpy(tokens[0].unflatten(0, (phases, -1))) for tokens in comparison.tokens),
        deltas=to_numpy(comparison.deltas[0]),
        contributions=to_numpy(comparison.contributions[0]),
        entry_fault_scores=None if exemplar.entry is None else to_numpy(in_awards(exemplar.entry[0])),
    )


def inspect_entry(query: Encoding, diagnostics: Diagnostics) -> EntryInspection | None:
    """Results of the entry branch for one clip; None for a network without one."""
    if query.entry is None or diagnostics.entry_crops is None or diagnostics.entry_layers is None:
        return None
    frames, is_in_clip = entry_frames(query.transitions[:1, 1].cpu(), query.transition_probabilities.shape[1] - 1)
    return EntryInspection(
        frames=frames[0].numpy(),
        is_in_clip=is_in_clip[0].numpy(),
        crops=to_numpy(diagnostics.entry_crops[0] * 255).round().astype(np.uint8).transpose(0, 2, 3, 1),
        layers=to_numpy(diagnostics.entry_layers[0]).astype(np.float16),
        fault_scores=to_numpy(in_awards(query.entry[0])),
    )


def dynamic_rows(encoding: Encoding) -> Tensor:
    """Features or tokens that the dynamic branch compares, of one clip: [R, C]."""
    return encoding.dynamic[0].flatten(0, -2)


def to_numpy(tensor: Tensor) -> np.ndarray:
    """The tensor as a float32 array."""
    return tensor.float().cpu().numpy()
