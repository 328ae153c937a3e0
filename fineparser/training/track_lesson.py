"""The diver's track as a lesson of its own: phases and faults, from outlines that are there already.

Outlines take most of a network's work. What comes behind them, the encoder of single frames, the parser of the track
and, with outlines of the network's own, the comparison, learns several times as fast without them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from fineparser.data.batches import ClipBatch
from fineparser.data.dives import DiveSource
from fineparser.data.exemplars import ExemplarPool
from fineparser.data.tracks import TrackBatch, TrackDataset
from fineparser.domain.judging import KEPT_AWARDS
from fineparser.model.encoding import ClipEncoding, frame_probability
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import at_size
from fineparser.training.hints import TokenReader, token_hints
from fineparser.training.lessons import Reduce, carried_scores
from fineparser.training.losses import Losses, moment_loss, score_loss
from fineparser.training.options import OptionsError, TrainOptions

SLIPS = 2
"""Frames by which the transitions that tokens are pooled at are off at most, as predicted ones are."""


@dataclass(frozen=True)
class SeenDives:
    """What a network said of dives, in memory: 1.2 MB a dive."""

    outlined: tuple[Tensor, ...]
    """By dive: uint8 [96, 112, 112], 255 is certainty."""
    dynamic: tuple[Tensor, ...]
    """By dive: [9, 1024]."""

    def of(self, index: int) -> tuple[Tensor, Tensor]:
        """Mask probabilities [96, 112, 112] and window features [9, 1024] of dive `index`."""
        return self.outlined[index].float() / 255, self.dynamic[index]


@torch.no_grad()
def see_dives(
    model: FineParser,
    dataset: TrackDataset,
    accelerator: Accelerator,
    *,
    workers: int = 0,
    on_done: Callable[[int, int], None] = lambda done, of: None,
) -> SeenDives:
    """Shows every clip of a dataset to a network, once; `on_done` is told how many of how many are done."""
    starts = model.config.window_starts
    outlined, dynamic = [], []
    clips = DataLoader(_Shown(dataset), batch_size=None, num_workers=workers)
    for clip in clips:
        with accelerator.autocast():
            clip = at_size(clip.to(accelerator.device), model.config.image_size)
            encoding = model.encode(clip.clips)
        probability = frame_probability(encoding.mask_logits, starts)[0]
        outlined.append((255 * probability).round().byte().cpu())
        dynamic.append(encoding.dynamic[0].float().cpu())
        on_done(len(outlined), len(dataset))
    return SeenDives(tuple(outlined), tuple(dynamic))


@dataclass(frozen=True)
class _Shown:
    """The clips of a dataset as a network is shown them."""

    dataset: TrackDataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> ClipBatch:
        if index >= len(self):
            raise IndexError(index)
        return self.dataset.clip(index)


class TrackNetwork(nn.Module):
    """Clips and outlines to transitions, readings and, in pairs, differences; all that sees outlines stays as it is.

    OptionsError for a network without a track.
    """

    def __init__(self, model: FineParser, options: TrainOptions) -> None:
        super().__init__()
        if not model.config.diver_track:
            raise OptionsError(
                "train='track' teaches what reads the diver's track, and this network has diver_track off"
            )
        self.model = model
        self.reader = TokenReader(model.config)
        self._compares = options.compares
        self._learning = [model.static_visual_encoder, model.temporal_action_parser]
        self._learning += [model.contrastive_regression] if self._compares else []
        model.requires_grad_(False)
        for part in self._learning:
            part.requires_grad_(True)

    def train(self, mode: bool = True) -> "TrackNetwork":
        super().train(mode)
        self.model.eval()
        for part in self._learning:
            part.train(mode)
        return self

    def forward(self, clips: Tensor, outlined: Tensor, dynamic: Tensor | None, transitions: Tensor) -> dict:
        """Clips [N, 3, 96, 112, 112], outlines [N, 96, 112, 112], windows [N, 9, 1024]; -1 for unknown transitions.

        Comparing, the first half are the queries of the second.
        """
        config = self.model.config
        if dynamic is None:
            dynamic = outlined.new_zeros(len(clips), len(config.window_starts), config.feature_width)
        frames, probabilities = self.model.read_frames(clips, dynamic, outlined)
        predicted = self.model.decode_transitions(probabilities.detach(), config.transition_rule)
        pooled = slipped(transitions, config.clip_frames).where(transitions >= 0, predicted)
        static = self.model.static_visual_encoder(frames, pooled)
        found = {"probabilities": probabilities, "told": self.reader(static)}
        if self._compares:
            half = len(clips) // 2
            encoding = ClipEncoding(dynamic, probabilities, pooled, static, window_starts=config.window_starts)
            query, exemplar = encoding.select(slice(half)), encoding.select(slice(half, None))
            found["forward"] = self.model.compare(query, exemplar).delta
            found["backward"] = self.model.compare(exemplar, query).delta
        return found


def slipped(transitions: Tensor, frames: int) -> Tensor:
    """Transitions [N, 2] moved by a few frames at random, flight still before entry and both inside the clip."""
    moved = (transitions + torch.randint_like(transitions, -SLIPS, SLIPS + 1)).clamp(0, frames - 1)
    return torch.stack([moved[:, 0], torch.maximum(moved[:, 1], moved[:, 0] + 1).clamp(max=frames - 1)], dim=1)


@dataclass
class TrackLesson:
    """The track, on clips with outlines; in pairs where the comparison learns as well."""

    network: TrackNetwork
    dataset: TrackDataset
    source: DiveSource
    """The dataset's dives, to choose partners from where dives are compared."""
    options: TrainOptions

    def __post_init__(self) -> None:
        self._pool = ExemplarPool(self.source) if self.options.compares else None

    def __len__(self) -> int:
        return len(self.dataset)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[TrackBatch]:
        self.dataset.set_epoch(epoch)
        yield from DataLoader(
            self.dataset,
            batch_sampler=[[*some, *self._partners(epoch, some)] for some in indices],
            collate_fn=TrackBatch.stack,
            num_workers=self.options.workers,
            pin_memory=next(self.network.parameters()).device.type == "cuda",
        )

    def _partners(self, epoch: int, queries: Sequence[int]) -> list[int]:
        if self._pool is None:
            return []
        seeds = [(self.options.seed, epoch, index) for index in queries]
        return [self._pool.choose(self.source.card(seed[-1]), np.random.default_rng(seed))[0].index for seed in seeds]

    def losses(self, network: nn.Module, batch: TrackBatch, counted: bool, forced: bool, reduce: Reduce) -> Losses:
        batch = batch.to(next(network.parameters()).device, non_blocking=True)
        size = self.network.model.config.image_size
        clips, outlined = at_size(batch.clips, size), batch.outlined
        if outlined.shape[-1] != size:
            outlined = functional.interpolate(outlined, (size, size), mode="area")
        transitions = clips.transitions.where(clips.has_transitions[:, None], -1)
        found = network(clips.clips, outlined, batch.dynamic, transitions)
        weight = clips.has_transitions.float() * counted
        moments = moment_loss(found["probabilities"], clips.transitions, weight, reduce(weight.sum()))
        known = clips.has_scores & clips.has_difficulty
        # In awards: a dive twice as hard is not twice as hard to judge.
        unit = KEPT_AWARDS * clips.difficulty.where(known, 1.0)
        award = (clips.scores / unit).where(known, torch.nan)
        hints = token_hints(found["told"], clips.deductions, award, torch.full_like(weight, float(counted)))
        score = moments.new_zeros(())
        if "forward" in found:
            half = len(clips) // 2
            pair = (known[:half] & known[half:]).float() * counted
            scores = [scores / unit[:half] for scores in carried_scores(clips)]
            deltas = [found[way] / unit[:half] for way in ("forward", "backward")]
            score = score_loss(*deltas, *scores, pair, reduce(pair.sum()))
        options = self.options
        weights = (options.score_weight, options.transition_weight, 0.0)
        return Losses(score, moments, moments.new_zeros(()), weights=weights, hints=hints)
