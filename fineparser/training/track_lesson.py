"""The diver's track as a lesson of its own: phases and faults, along outlines that are there already.

Outlines take most of a network's work. What comes behind them, the encoder of single frames and the parser of the
track, learns several times as fast without them, from labelled masks that were made as bad as a network's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.data.tracks import TrackBatch, TrackDataset
from fineparser.domain.judging import KEPT_AWARDS
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import at_size
from fineparser.training.hints import TokenReader, token_hints
from fineparser.training.lessons import PartialNetwork, Reduce, read_batches
from fineparser.training.losses import Losses, moment_loss
from fineparser.training.options import OptionsError, TrainOptions

CUT_SHORT = 0.5
"""How often a part of the waiting before, and of the water after, is left out: people trim their clips differently."""
SLIPS = 2
"""Frames by which the transitions that tokens are pooled at are off at most, as predicted ones are."""


class TrackNetwork(PartialNetwork):
    """Clips and outlines to transitions and readings; what outlines the diver and what compares dives stays as it is.

    OptionsError for a network without a track.
    """

    def __init__(self, model: FineParser) -> None:
        if not model.config.diver_track:
            raise OptionsError("train='track' teaches what reads the diver's track: this network has diver_track off")
        super().__init__(model, [model.static_visual_encoder, model.temporal_action_parser])
        self.reader = TokenReader(model.config)

    def forward(self, clips: Tensor, outlined: Tensor, transitions: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Clips [B, 3, 96, 112, 112] and outlines [B, 96, 112, 112] to probabilities [B, 96, 2] and readings.

        transitions: [B, 2] to cut phases at, a few frames off; -1 where they are not known: as predicted.
        """
        config = self.model.config
        frames, probabilities = self.model.read_track(clips, outlined)
        predicted = self.model.decode_transitions(probabilities.detach(), config.transition_rule)
        cut = slipped(transitions, config.clip_frames).where(transitions >= 0, predicted)
        return probabilities, self.reader(self.model.static_visual_encoder(frames, cut))


def slipped(transitions: Tensor, frames: int) -> Tensor:
    """Transitions [B, 2] moved by a few frames at random, flight still before entry and both inside the clip."""
    moved = (transitions + torch.randint_like(transitions, -SLIPS, SLIPS + 1)).clamp(0, frames - 1)
    return torch.stack([moved[:, 0], torch.maximum(moved[:, 1], moved[:, 0] + 1).clamp(max=frames - 1)], dim=1)


@dataclass
class TrackLesson:
    """The track, on clips with outlines."""

    network: TrackNetwork
    dataset: TrackDataset
    options: TrainOptions

    def __len__(self) -> int:
        return len(self.dataset)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[TrackBatch]:
        yield from read_batches(self, epoch, indices, TrackBatch.stack)

    def losses(self, network: nn.Module, batch: TrackBatch, counted: bool, forced: bool, reduce: Reduce) -> Losses:
        batch = batch.to(next(network.parameters()).device, non_blocking=True)
        size = self.network.model.config.image_size
        clips, outlined = at_size(batch.clips, size), batch.outlined
        if outlined.shape[-1] != size:
            outlined = functional.interpolate(outlined, (size, size), mode="area")
        transitions = clips.transitions.where(clips.has_transitions[:, None], -1)
        probabilities, told = network(clips.clips, outlined, transitions)
        weight = clips.has_transitions.float() * counted
        moments = moment_loss(probabilities, clips.transitions, weight, reduce(weight.sum()))
        known = clips.has_scores & clips.has_difficulty
        award = (clips.scores / (KEPT_AWARDS * clips.difficulty.where(known, 1.0))).where(known, torch.nan)
        nothing = moments.new_zeros(())
        return Losses(
            nothing,
            moments,
            nothing,
            weights=(0.0, self.options.transition_weight, 0.0),
            hints=token_hints(told, clips.deductions, award, torch.full_like(weight, float(counted))),
        )
