"""What one step of a run computes: the network's part, as one module, and the losses of what comes out of it.

There are two lessons. `PictureLesson` sends clips through the whole network; `EncodingLesson` compares encodings
that were computed once, to train the regression alone. The trainer's loop is the same for both.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import DataLoader

from fineparser.data.batches import ClipBatch, PairBatch
from fineparser.data.exemplars import ExemplarPool
from fineparser.data.pairs import DiveDataset, EpochDataset
from fineparser.domain.judging import KEPT_AWARDS
from fineparser.domain.phases import Phase
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import EncodedDives, at_size, evaluating
from fineparser.training.hints import (
    TRACK_POSTURE_SHARE,
    PostureReader,
    TokenReader,
    part_hints,
    posture_hints,
    token_hints,
)
from fineparser.training.losses import Losses, mask_loss, moment_loss, outline_loss, score_loss, transition_loss
from fineparser.training.options import OptionsError, TrainOptions

MASK_LOSSES = {"focal": mask_loss, "outline": outline_loss}
Reduce = Callable[[Tensor], Tensor]
"""Mean of a tensor over all processes."""


class Lesson(Protocol):
    """What the trainer's loop needs to know of what is learnt."""

    network: nn.Module
    """Computes a step; the only module that is wrapped for several processes."""

    def __len__(self) -> int:
        """Samples in an epoch."""
        ...

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[object]:
        """The batches of these samples of this epoch."""
        ...

    def losses(self, network: nn.Module, batch: object, counted: bool, forced: bool, reduce: Reduce) -> Losses:
        """The losses of one process's batch; averaged over the processes they are those of the whole batch."""
        ...


class ReadingLesson(Protocol):
    """A lesson that reads its samples from datasets."""

    network: nn.Module
    options: TrainOptions


def read_batches(
    lesson: ReadingLesson,
    dataset: EpochDataset,
    epoch: int,
    indices: Sequence[Sequence[int]],
    stack: Callable[[Sequence], object],
) -> Iterator[object]:
    """The batches of these samples of this epoch, read by the run's workers and joined by `stack`."""
    dataset.set_epoch(epoch)
    yield from DataLoader(
        dataset,
        batch_sampler=list(indices),
        collate_fn=stack,
        num_workers=lesson.options.workers,
        pin_memory=next(lesson.network.parameters()).device.type == "cuda",
    )


class PictureNetwork(nn.Module):
    """Clips to everything that has a loss, in one forward pass, which several processes need.

    Parts that are not trained stay in evaluation mode.
    """

    def __init__(self, model: FineParser, options: TrainOptions) -> None:
        super().__init__()
        self.model = model
        self._compares = options.compares
        self._frozen: list[nn.Module] = []
        if not self._compares:
            parts = model.parts()
            self._frozen += [module for name, modules in parts.items() if name != "parsers" for module in modules]
            for module in self._frozen:
                module.requires_grad_(False)
        self._outlines = not options.freeze_masks
        kept = model.outlining() if options.freeze_masks else []
        for module in kept:
            module.requires_grad_(False)
        self._frozen += kept
        if options.freeze_i3d_norms or (options.freeze_i3d_norms is None and options.i3d is not None):
            for i3d in filter(None, (model.i3d, model.spatial_action_parser.i3d)):
                self._frozen += [module for module in i3d.modules() if isinstance(module, _BatchNorm)]

    def train(self, mode: bool = True) -> "PictureNetwork":
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def forward(
        self, clips: Tensor, transitions: Tensor | None, difficulty: Tensor
    ) -> dict[str, Tensor | list[Tensor]]:
        """Encodes clips [N, 3, 96, 112, 112] and, in pairs, compares the first half with the second.

        transitions: [N, 2] to pool at, -1 where they are not known; None: those that are predicted.
        difficulty: [N] of the dives, 0 where it is not known; in pairs, that of the first half counts.
        """
        if transitions is not None and (unknown := transitions[:, 0] < 0).any():
            transitions = transitions.clone()
            transitions[unknown] = self._predicted(clips[unknown])
        encoding = self.model.encode(clips, transitions, side_outputs=self._outlines, masks=self._outlines)
        found = {
            "probabilities": encoding.transition_probabilities,
            "masks": encoding.mask_outputs if self._outlines else None,
        }
        if self._compares:
            half = len(clips) // 2
            bare = encoding.without_masks()
            query, exemplar = bare.select(slice(half)), bare.select(slice(half, None))
            found["forward"] = self.model.compare(query, exemplar, difficulty[:half]).delta
            found["backward"] = self.model.compare(exemplar, query, difficulty[:half]).delta
        return found

    @torch.no_grad()
    def _predicted(self, clips: Tensor) -> Tensor:
        """Transitions of clips without labels, found as at test time."""
        with evaluating(self.model):
            return self.model.encode(clips, masks=False).transitions


@dataclass
class PictureLesson:
    """The whole network, or its parsers alone, on clips."""

    network: PictureNetwork
    dataset: DiveDataset
    """Of pairs, or of single clips where only the parsers learn; with `set_epoch`."""
    options: TrainOptions

    def __len__(self) -> int:
        return len(self.dataset)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[PairBatch | ClipBatch]:
        stack = ClipBatch.stack if self.options.train == "parsers" else PairBatch.stack
        yield from read_batches(self, self.dataset, epoch, indices, stack)

    def losses(
        self, network: nn.Module, batch: PairBatch | ClipBatch, counted: bool, forced: bool, reduce: Reduce
    ) -> Losses:
        is_pair = isinstance(batch, PairBatch)
        clips = ClipBatch.stack([batch.query, batch.exemplar]) if is_pair else batch
        config = self.network.model.config
        clips = at_size(clips.to(next(network.parameters()).device, non_blocking=True), config)
        transitions = clips.transitions.where(clips.has_transitions[:, None], -1) if forced else None
        found = network(clips.clips, transitions, clips.difficulty)
        probabilities, masks = found["probabilities"], found["masks"]

        scored = clips.has_scores[: len(batch)] & clips.has_scores[len(clips) - len(batch) :]
        weights = [
            weight.float() * counted
            for weight in (scored if is_pair else scored & False, clips.has_transitions, clips.has_masks)
        ]
        # Means over the labelled samples of all processes: see losses.py.
        score_count, transition_count, mask_count = reduce(torch.stack([weight.sum() for weight in weights]))
        windows = len(config.window_starts)
        truth = clips.masks
        if truth is None:
            truth = clips.has_masks.new_zeros((len(clips), 1, config.clip_frames, *2 * [config.image_size]))
        if is_pair:
            query_scores, exemplar_scores = carried_scores(clips)
            score = score_loss(
                found["forward"], found["backward"], query_scores, exemplar_scores, weights[0], score_count
            )
        else:
            score = probabilities.new_zeros(())
        options = self.options
        outlines = (
            masks,
            cut_windows(truth, config.window_starts, config.window_frames),
            weights[2].repeat_interleave(windows),
            mask_count * windows,
        )
        return Losses(
            score=score,
            # A track's columns are distributions over the frames, the published parser's single probabilities.
            transition=(moment_loss if config.diver_track else transition_loss)(
                probabilities, clips.transitions, weights[1], transition_count
            ),
            mask=probabilities.new_zeros(()) if masks is None else MASK_LOSSES[options.mask_objective](*outlines),
            # A network without phases has no use for the transitions that it finds.
            weights=(
                options.score_weight,
                options.transition_weight * config.temporal_parsing,
                options.mask_weight,
            ),
        )


class PartialNetwork(nn.Module):
    """A network of which some parts learn; the others keep their weights and stay in evaluation mode."""

    def __init__(self, model: FineParser, learning: Sequence[nn.Module]) -> None:
        super().__init__()
        self.model = model
        self._learning = list(learning)
        model.requires_grad_(False)
        for part in self._learning:
            part.requires_grad_(True)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.model.eval()
        for part in self._learning:
            part.train(mode)
        return self


SLIPS = 2
"""Frames by which the transitions that a learning network pools at are off at most, as predicted ones are."""


class ComparisonNetwork(PartialNetwork):
    """The regression alone: encodings in, differences in score out.

    With `learn_track` it reads the diver's track anew from the frames that were kept: transitions and tokens
    learn, too. A reader has to tell from the tokens what each fault cost, and another one from what happens around each
    frame the posture in it: a score is one number a dive, and a few thousand are soon learnt by heart.
    """

    def __init__(self, model: FineParser, options: TrainOptions) -> None:
        if options.learn_track and not model.config.diver_track:
            raise OptionsError("learn_track is for networks that follow the diver: this one has diver_track off")
        track = []
        if options.learn_track:
            track = [model.static_visual_encoder.phases, model.dynamic_visual_encoder, model.temporal_action_parser]
        super().__init__(model, [*model.parts()["regression"], *track])
        self.reader = TokenReader(model.config) if options.learn_track else None
        self.postures = PostureReader(model.config.track_width) if options.learn_track else None

    def forward(
        self, query: ClipEncoding, exemplar: ClipEncoding, labelled: tuple[Tensor, Tensor], difficulty: Tensor
    ) -> dict:
        """B queries against B exemplars, "forward", and the reverse, "backward": [B, 3] points by phase; of the
        queries' tracks "probabilities", "told" of the faults and "postures".

        labelled: transitions [B, 2] of both, to cut tracks at; NaN where they are not known: as predicted.
        difficulty: [B] of the queries, NaN where it is not known.
        """
        found = {}
        if self.reader is not None:
            query, exemplar = (self._reread(*each) for each in zip((query, exemplar), labelled, strict=True))
            found |= {"probabilities": query.transition_probabilities, "told": self.reader(query.dynamic, query.static)}
            first = query.frames[:, 0]  # a second look is at the mirrored picture
            _, around, _ = first.split(self.model.config.track_parts, dim=-1)
            found["postures"] = self.postures(around)
        found["forward"] = self.model.compare(query, exemplar, difficulty).by_phase
        found["backward"] = self.model.compare(exemplar, query, difficulty).by_phase
        return found

    def _reread(self, encoding: ClipEncoding, labelled: Tensor) -> ClipEncoding:
        frames, probabilities = self.model.reread(encoding.frames)
        cut = cuts_to_learn(self.model, labelled, probabilities)
        tokens = self.model.phase_tokens(frames, cut)
        return replace(encoding, **tokens, transition_probabilities=probabilities, transitions=cut, frames=frames)


def cuts_to_learn(model: FineParser, labelled: Tensor, probabilities: Tensor) -> Tensor:
    """Where a learning network cuts tracks, int64 [B, 2]: about where the labels [B, 2] say; where these are NaN, where
    it would cut them itself by its probabilities [B, 96, 2]."""
    predicted = model.decode_transitions(probabilities.detach(), model.config.transition_rule)
    known = labelled.isfinite()
    return slipped(labelled.where(known, 0).long(), model.config.clip_frames).where(known, predicted)


def slipped(transitions: Tensor, frames: int) -> Tensor:
    """Transitions [B, 2] moved by a few frames at random, flight still before entry and both inside the clip."""
    moved = (transitions + torch.randint_like(transitions, -SLIPS, SLIPS + 1)).clamp(0, frames - 1)
    return torch.stack([moved[:, 0], torch.maximum(moved[:, 1], moved[:, 0] + 1).clamp(max=frames - 1)], dim=1)


@dataclass
class EncodingLesson:
    """The regression, on encodings of the training dives."""

    network: ComparisonNetwork
    dives: EncodedDives
    """Scored dives with their encodings, which are its exemplars, too."""
    options: TrainOptions

    def __post_init__(self) -> None:
        self._pool = ExemplarPool(self.dives)
        self._knows_faults = bool(self.dives.deductions.isfinite().any())

    def __len__(self) -> int:
        return len(self.dives)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[tuple[EncodedDives, EncodedDives]]:
        for queries in indices:
            exemplars = []
            for index in queries:
                rng = np.random.default_rng((self.options.seed, epoch, index))
                exemplars.append(self._pool.choose(self.dives.card(index), rng)[0].index)
            yield self.dives.select(queries), self.dives.select(exemplars)

    def losses(
        self,
        network: nn.Module,
        batch: tuple[EncodedDives, EncodedDives],
        counted: bool,
        forced: bool,
        reduce: Reduce,
    ) -> Losses:
        query, exemplar = batch
        device = next(network.parameters()).device
        labelled = query.transitions.to(device), exemplar.transitions.to(device)
        encodings = query.encodings.to(device), exemplar.encodings.to(device)
        found = network(*encodings, labelled, query.difficulty.to(device))
        scores = query.scores.to(device), exemplar.carried_to(query).to(device)
        weight = torch.full_like(scores[0], float(counted))
        forward, backward = found["forward"], found["backward"]
        score = score_loss(forward.sum(1), backward.sum(1), *scores, weight, reduce(weight.sum()))
        moments = nothing = score.new_zeros(())
        hints = None
        if "told" in found:
            known = weight * labelled[0].isfinite().all(1)
            moments = moment_loss(found["probabilities"], labelled[0], known, reduce(known.sum()))
            award = query.scores / (KEPT_AWARDS * query.difficulty)
            hints = token_hints(found["told"], query.deductions.to(device), award.to(device), weight)
            if query.postures is not None:
                told = posture_hints(found["postures"], query.postures.to(device), weight)
                hints = hints + TRACK_POSTURE_SHARE * told
        if self._knows_faults and forward.shape[1] == len(Phase):
            points = (KEPT_AWARDS * query.difficulty)[:, None]
            difference = points * (exemplar.lost_by_phase() - query.lost_by_phase())
            parts = part_hints(forward, backward, difference.to(device), weight)
            hints = parts if hints is None else hints + parts
        return Losses(
            score,
            moments,
            nothing,
            weights=(self.options.score_weight, self.options.transition_weight, 0.0),
            hints=hints,
        )


def carried_scores(pairs: ClipBatch) -> tuple[Tensor, Tensor]:
    """Scores of the queries (the first half) and of their exemplars, [B] each, both at the query's difficulty.

    Dives of one number and height have one difficulty; where a near dive stands in, what is compared is the
    execution, as if it had been shown in the query's dive.
    """
    half = len(pairs) // 2
    known = pairs.has_difficulty[:half] & pairs.has_difficulty[half:]
    ratio = pairs.difficulty[:half] / pairs.difficulty[half:].where(known, 1.0)
    return pairs.scores[:half], pairs.scores[half:] * ratio.where(known, 1.0)


def cut_windows(masks: Tensor, starts: Sequence[int], frames: int) -> Tensor:
    """True masks [N, 1, 96, H, W] cut as the mask outputs are, [N * 9, 1, 16, H, W]."""
    return torch.stack([masks[:, :, start : start + frames] for start in starts], dim=1).flatten(0, 1)
