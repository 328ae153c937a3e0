"""Dives as encodings with their labels: computed once, compared as often as one likes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader
from tqdm import tqdm

from fineparser.data.batches import ClipBatch
from fineparser.data.dives import Card, DataError, DiveSource
from fineparser.data.pairs import ClipDataset
from fineparser.data.posed_clips import PosedBatch, PosedClips
from fineparser.data.transforms import ClipTransform
from fineparser.exemplars.calibration import Calibration
from fineparser.model.config import FineParserConfig
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.simulator.judges import PRICES, lost_by_phase
from fineparser.training.machine import beside
from fineparser.training.mask_metrics import MASK_METRICS

TRACKS_AT_ONCE = 256
"""Dives whose tracks are read together."""


class Bank(Protocol):
    """A collection of exemplars that somebody else encoded, such as the analyser's."""

    exemplars: Sequence
    """Each with `score` and `difficulty`."""
    encodings: ClipEncoding
    """Of all exemplars, in order."""
    calibration: Calibration | None
    """How far off scores by these exemplars may be, where that was measured."""

    def card(self, index: int) -> Card: ...


@dataclass(frozen=True)
class EncodedDives:
    """N dives as encodings, on the processor, with their labels; NaN where a label is not known.

    As a source of cards it is what exemplars are chosen from.
    """

    name: str
    """Of the source."""
    cards: tuple[Card, ...]
    """Who they are."""
    encodings: ClipEncoding
    """Without masks."""
    scores: Tensor
    """[N], points."""
    difficulty: Tensor
    """[N]."""
    transitions: Tensor
    """[N, 2]: labelled ones, frames of the clip."""
    frame_numbers: Tensor
    """[N, 96] int64: numbers of the clip's frames in the source."""
    mask_values: Tensor
    """[N, 5]: what each of `MASK_METRICS` says of the clip's masks."""
    deserved: Tensor
    """[N]: award of a judge without noise, which only simulated dives have."""
    deductions: Tensor
    """[N, 13]: awards that each fault cost, which only simulated dives tell."""
    postures: Tensor | None = None
    """[N, 96, 25], see `fineparser.simulator.posture.POSTURE`; NaN where they are not known, None unless asked for."""

    def __len__(self) -> int:
        return len(self.cards)

    def card(self, index: int) -> Card:
        """Who dive `index` is."""
        return self.cards[index]

    def select(self, indices: Sequence[int]) -> "EncodedDives":
        """Some of the dives, in this order; an index may repeat."""
        indices = list(indices)
        tensors = {item.name: getattr(self, item.name)[indices] for item in fields(self) if item.name in _TENSORS}
        if self.postures is not None:
            tensors["postures"] = self.postures[indices]
        cards = tuple(self.cards[index] for index in indices)
        return replace(self, cards=cards, encodings=self.encodings.select(indices), **tensors)

    def lost_by_phase(self) -> Tensor:
        """Awards [N, 3] that the faults of each phase cost, NaN where they are not known."""
        return torch.from_numpy(lost_by_phase(self.deductions.numpy(), self.deserved.numpy()))

    def carried_to(self, queries: "EncodedDives") -> Tensor:
        """Scores [N] of these exemplars at the difficulties of their N queries (or of one), where both are known."""
        ratio = queries.difficulty / self.difficulty
        return self.scores * ratio.where(ratio.isfinite(), 1.0)

    @torch.no_grad()
    def reread_by(self, model: FineParser) -> "EncodedDives":
        """The same with transitions and tokens as a network now tells them from the track; as they are where no
        frames were kept."""
        if self.encodings.frames is None:
            return self
        device = next(model.parameters()).device
        parts = []
        with evaluating(model):
            for frames in self.encodings.frames.split(TRACKS_AT_ONCE):
                track, probabilities = model.reread(frames.to(device))
                transitions = model.decode_transitions(probabilities, model.config.transition_rule).long()
                found = {"transition_probabilities": probabilities, "transitions": transitions}
                parts.append(found | model.phase_tokens(track, transitions))
        anew = {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}
        return replace(self, encodings=replace(self.encodings, **anew))

    @classmethod
    def concatenate(cls, name: str, parts: Sequence["EncodedDives"]) -> "EncodedDives":
        """Several collections as one; postures that one of them lacks, the whole lacks."""
        postures = [part.postures for part in parts]
        return cls(
            name,
            tuple(card for part in parts for card in part.cards),
            ClipEncoding.concatenate([part.encodings for part in parts]),
            postures=None if any(known is None for known in postures) else torch.cat(postures),
            **{field: torch.cat([getattr(part, field) for part in parts]) for field in _TENSORS},
        )

    @classmethod
    def of_bank(cls, bank: Bank) -> "EncodedDives":
        """The exemplars of a bank."""
        count = len(bank.exemplars)
        frames = bank.encodings.transition_probabilities.shape[1]
        return cls(
            name="the bank",
            cards=tuple(bank.card(index) for index in range(count)),
            encodings=bank.encodings.without_masks().to("cpu"),
            scores=torch.tensor([float(exemplar.score) for exemplar in bank.exemplars]),
            difficulty=torch.tensor([float(exemplar.difficulty) for exemplar in bank.exemplars]),
            transitions=torch.full((count, 2), torch.nan),
            frame_numbers=torch.arange(frames).expand(count, -1),
            mask_values=torch.full((count, len(MASK_METRICS)), torch.nan),
            deserved=torch.full((count,), torch.nan),
            deductions=torch.full((count, len(PRICES)), torch.nan),
        )


_TENSORS = ("scores", "difficulty", "transitions", "frame_numbers", "mask_values", "deserved", "deductions")


def encode_dives(
    model: FineParser,
    source: DiveSource,
    accelerator: Accelerator,
    *,
    indices: Sequence[int] | None = None,
    batch_size: int = 4,
    workers: int = 0,
    forced: bool = False,
    with_masks: bool = True,
    with_frames: bool = False,
    transform: ClipTransform | None = None,
    epoch: int = 0,
    skip_broken: bool = False,
    progress: str | None = None,
    on_done: Callable[[int, int], None] = lambda done, of: None,
) -> EncodedDives:
    """Encodes dives of a source, each once, shared out over the processes; every process gets all of them.

    Args:
        model: put into evaluation mode, and back into its own afterwards.
        indices: which dives; None: all.
        forced: pool at labelled transitions where they are known.
        with_masks: measure masks, where the source has them.
        with_frames: keep what the static tokens are made of, and the postures, where the source has them.
        transform: how clips are cut out of dives; None: as for evaluation, and as detailed as the network sees.
        epoch: which of a transform's draws is meant.
        skip_broken: leave out dives that cannot be read, instead of raising DataError.
        progress: title of a progress bar, None for no bar.
        on_done: is told how many of how many dives of this process are done; what it raises ends the work.
    """
    indices = list(range(len(source)) if indices is None else indices)
    own = indices[accelerator.process_index :: accelerator.num_processes]
    batches = [own[start : start + batch_size] for start in range(0, len(own), batch_size)]
    transform = transform or ClipTransform(detail=model.config.focus_detail)
    if with_frames:
        dataset, stack = PosedClips(source, transform, needs_masks=False, skip_broken=skip_broken), PosedBatch.stack
    else:
        dataset, stack = ClipDataset(source, transform, skip_broken=skip_broken), ClipBatch.stack
    dataset.set_epoch(epoch)
    loader = DataLoader(dataset, batch_sampler=batches, collate_fn=stack, num_workers=workers)
    hidden = progress is None or not accelerator.is_main_process
    found, done = [], 0
    shown = tqdm(total=len(own), desc=progress, unit="clip", disable=hidden, leave=False)
    with evaluating(model), beside(workers), shown as bar:
        for asked, batch in zip(batches, loader, strict=True):
            postures = None
            if isinstance(batch, PosedBatch):
                batch, postures = batch.clips, batch.postures
            # Where skip_broken put another dive into a broken one's place, that dive is counted at its own.
            whole = [source.card(index).id == name for index, name in zip(asked, batch.ids, strict=True)]
            dives = _encode(
                model,
                batch,
                [source.card(index) for index in asked],
                source.name,
                accelerator,
                forced,
                with_masks,
                postures,
            )
            found += [(index, dive) for index, dive, is_whole in zip(asked, dives, whole, strict=True) if is_whole]
            bar.update(len(batch))
            done += len(batch)
            on_done(done, len(own))
    gathered = dict(gather_object(found))
    if not gathered:
        raise DataError(f"{source.name}: none of its {len(indices)} dives can be used")
    return EncodedDives.concatenate(source.name, [gathered[index] for index in indices if index in gathered])


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode inside; every part gets its own mode back, frozen ones too."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes.items():
            module.training = mode


@torch.no_grad()
def _encode(
    model: FineParser,
    batch: ClipBatch,
    cards: Sequence[Card],
    name: str,
    accelerator: Accelerator,
    forced: bool,
    with_masks: bool,
    postures: Tensor | None,
) -> list[EncodedDives]:
    """One `EncodedDives` a clip of the batch; with its frames where postures go with it."""
    with_frames = postures is not None
    batch = at_size(batch.to(accelerator.device), model.config)
    shows = with_masks and batch.masks is not None
    with accelerator.autocast():
        encoding = model.encode(batch.clips, masks=shows, keep_frames=with_frames)
        if forced and batch.has_transitions.any():
            labelled = batch.transitions.where(batch.has_transitions[:, None], encoding.transitions)
            encoding = model.encode(batch.clips, labelled, masks=shows, keep_frames=with_frames)
    values = torch.full((len(batch), len(MASK_METRICS)), torch.nan)
    if shows:
        probabilities = encoding.mask_probability.float().cpu().numpy()
        truths = batch.masks[:, 0].cpu().numpy()
        for row in np.flatnonzero(batch.has_masks.cpu().numpy()):
            measured = [metric.of_clip(probabilities[row], truths[row]) for metric in MASK_METRICS]
            values[row] = torch.tensor(measured)
    bare = encoding.without_masks()
    # In bf16 some are halves; what is kept is compared in any precision later.
    batch, bare = batch.to("cpu"), bare.to("cpu", torch.float32)
    return [
        EncodedDives(
            name=name,
            cards=(cards[row],),
            encodings=bare.select([row]),
            scores=batch.scores[row : row + 1].where(batch.has_scores[row : row + 1], torch.nan),
            difficulty=batch.difficulty[row : row + 1].where(batch.has_difficulty[row : row + 1], torch.nan),
            transitions=batch.transitions[row : row + 1].float().where(batch.has_transitions[row], torch.nan),
            frame_numbers=batch.frame_numbers[row : row + 1],
            mask_values=values[row : row + 1],
            deserved=batch.deserved[row : row + 1],
            deductions=batch.deductions[row : row + 1],
            postures=postures[row : row + 1] if with_frames else None,
        )
        for row in range(len(batch))
    ]


def at_size(batch: ClipBatch, config: FineParserConfig) -> ClipBatch:
    """The batch with pictures of the size that a network reads, and masks of the size that it draws.

    The data come at 112 pixels, or `focus_detail` times as many. A pixel of a smaller mask belongs to it if at least
    half of what it covers did.
    """
    masks = None if batch.masks is None else masks_of(batch.masks, config.image_size)
    return replace(batch, clips=pictures_of(batch.clips, config.picture_size), masks=masks)


def pictures_of(clips: Tensor, size: int) -> Tensor:
    """Clips [B, 3, T, H, W] as [B, 3, T, size, size]."""
    if clips.shape[-1] == size:
        return clips
    return functional.interpolate(clips, (clips.shape[2], size, size), mode="area")


def masks_of(masks: Tensor, size: int) -> Tensor:
    """Masks, bool [B, 1, T, H, W], as [B, 1, T, size, size]."""
    return masks if masks.shape[-1] == size else pictures_of(masks.float(), size) >= 0.5
