"""Looks into the network while it judges one clip: the way to an `Inspection`."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from fineparser.analysis.analyser import DiveAnalyser, Progress
from fineparser.analysis.inspection import EntryDrawing, Inspection, Labels, Pairing
from fineparser.analysis.report import DiveReport, Vote
from fineparser.data.clip_folder import ClipFile
from fineparser.data.dives import Dive
from fineparser.data.frame_folder import FrameFolder
from fineparser.model.cross_attention import recorded_attention
from fineparser.model.encoding import ClipEncoding
from fineparser.model.entry_reader import in_awards
from fineparser.model.entry_scene import moments
from fineparser.model.fineparser import FineParser
from fineparser.model.pictures import normalise
from fineparser.video.clip import read_clip
from fineparser.video.framing import CLIP_SIDE, Framing
from fineparser.video.reading import open_source, probe


def inspect_report(
    analyser: DiveAnalyser, report: DiveReport, exemplar: str | None = None, labels: Labels | None = None
) -> Inspection:
    """Runs the clip of a report through the network once more and keeps what the report leaves out.

    Args:
        analyser: that made the report.
        report: its clip must still be there.
        exemplar: one of those that voted, to stand beside the dive; None: the report's own choice, if it has one.
        labels: what is known to be true of the clip.

    Raises:
        VideoError: where the clip cannot be read any more.
        ValueError: for an exemplar that did not vote.
    """
    network, info = analyser.network, report.info
    with open_source(info.path, folder_fps=info.fps) as source:
        clip = read_clip(
            source, report.first_frame, report.last_frame, report.framing, analyser.model.config.picture_size
        )
    frames = clip.frames.transpose(1, 2, 3, 0)
    device = next(network.parameters()).device
    with torch.inference_mode():
        query = network.encode(normalise(frames)[None].to(device), side_outputs=True)
    chosen = vote_of(report, exemplar or report.exemplar)
    windowed, ordered = (
        tuple(network.decode_transitions(query.transition_probabilities, rule)[0].tolist())
        for rule in ("windowed", "ordered")
    )
    return Inspection(
        name=info.path.name,
        weights=f"{analyser.model.provenance.name} ({analyser.model.fingerprint()})",
        frames=np.stack([cv2.resize(frame, (CLIP_SIDE, CLIP_SIDE), interpolation=cv2.INTER_AREA) for frame in frames]),
        frame_numbers=clip.frame_numbers,
        seconds=clip.seconds,
        mask_probability=plain(query.mask_probability[0]),
        side_probability=plain(query.side_probability[0]).astype(np.float16),
        window_starts=query.window_starts,
        window_probability=plain(query.mask_logits[0].float().sigmoid()).astype(np.float16),
        transition_probabilities=plain(query.transition_probabilities[0]),
        windowed=windowed,
        ordered=ordered,
        rule=network.config.transition_rule,
        features=plain(rows_of(query)),
        entry=entry_drawing(query),
        pairing=None if chosen is None else pair(network, query.without_masks(), chosen, report.difficulty),
        labels=labels,
        predicted_score=None if report.total is None else report.total.value,
    )


def inspect_dive(analyser: DiveAnalyser, dive: Dive, progress: Progress = lambda step, done: None) -> Inspection:
    """A labelled dive, cut as the evaluation cuts it (the middle of the picture), with its labels beside.

    Raises:
        VideoError, DataError: where its clip or masks cannot be read.
        ValueError: for a dive that has no clip of its own on disk.
    """
    clip = clip_of(dive)
    info = probe(clip)
    report = analyser.analyse(
        clip,
        dive.code,
        dive.height,
        difficulty=dive.difficulty if dive.code is not None and dive.height is not None else None,
        first=dive.first_frame,
        last=dive.last_frame,
        framing=Framing.middle(info.width, info.height),
        progress=lambda step, done: progress(step, 0.6 * done),
    )
    progress("Looking inside", 0.6)
    return replace(inspect_report(analyser, report, labels=labels_of(dive, report)), name=dive.id)


def clip_of(dive: Dive) -> Path:
    """The video or the folder of frames that shows a dive."""
    match dive.footage:
        case ClipFile(clip=path) | FrameFolder(frames=path):
            return path
    raise ValueError(f"{dive.id} is no clip on disk but {type(dive.footage).__name__}: write it to a folder first.")


def labels_of(dive: Dive, report: DiveReport) -> Labels:
    """A dive's labels at the frames of a report, its masks cut as the report's frames are."""
    numbers = report.frame_numbers
    transitions, masks = dive.transitions(numbers), dive.read_masks(numbers)
    return Labels(
        None if transitions is None else np.array([transitions.flight, transitions.entry]),
        None if masks is None else report.framing.apply_to_masks(masks),
        dive.score,
    )


def vote_of(report: DiveReport, exemplar: str | None) -> Vote | None:
    """The vote of an exemplar; None for None. ValueError where it did not vote."""
    if exemplar is None:
        return None
    for vote in report.votes:
        if vote.exemplar == exemplar:
            return vote
    raise ValueError(f"There is no exemplar {exemplar!r} among the votes on this dive.")


def pair(network: FineParser, query: ClipEncoding, vote: Vote, difficulty: float) -> Pairing:
    """What the comparison of one clip, of a dive of that difficulty, with the exemplar of a vote looks at."""
    exemplar = ClipEncoding.from_arrays(vote.encoding, query.window_starts).to(query.dynamic.device)
    with torch.inference_mode(), recorded_attention(network) as seen:
        comparison = network.compare(query, exemplar, difficulty)
    phases, blocks = network.config.phase_count, len(seen) // len(comparison.tokens)
    # They run branch by branch, phase by phase, layer by layer.
    of_branch = [torch.cat(seen[first : first + blocks]) for first in range(0, len(seen), blocks)]
    one, other = (torch.nn.functional.normalize(rows_of(e).float(), dim=-1) for e in (query, exemplar))
    return Pairing(
        exemplar=vote.exemplar,
        features=plain(rows_of(exemplar)),
        transitions=exemplar.transitions[0].cpu().numpy(),
        transition_probabilities=plain(exemplar.transition_probabilities[0]),
        similarity=plain(one @ other.mT),
        attention=tuple(plain(weights.unflatten(0, (phases, -1))) for weights in of_branch),
        tokens=tuple(plain(tokens[0].unflatten(0, (phases, -1))) for tokens in comparison.tokens),
        deltas=plain(comparison.deltas[0]),
        contributions=plain(comparison.contributions[0]),
        entry_readings=None if exemplar.entry is None else plain(in_awards(exemplar.entry[0])),
    )


def entry_drawing(query: ClipEncoding) -> EntryDrawing | None:
    """What is drawn of the entry of one clip, encoded with its side outputs; None where nothing is."""
    if query.entry_layers is None:
        return None
    frames, inside = moments(int(query.transitions[0, 1]), query.transition_probabilities.shape[1] - 1)
    return EntryDrawing(
        frames=frames,
        inside=inside,
        shown=plain(query.entry_shown[0] * 255).round().astype(np.uint8).transpose(0, 2, 3, 1),
        layers=plain(query.entry_layers[0]).astype(np.float16),
        readings=plain(in_awards(query.entry[0])),
    )


def rows_of(encoding: ClipEncoding) -> Tensor:
    """What the dynamic branch compares of one clip, a row a window or, along a diver's track, a row a token: [R, C]."""
    return encoding.dynamic[0].flatten(0, -2)


def plain(tensor: Tensor) -> np.ndarray:
    """As numpy, in float32."""
    return tensor.float().cpu().numpy()
