"""The task "everything": the whole network, on pairs of clips. Its network and losses serve the task "parsers", too."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, TypedDict

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from fineparser.data.batches import ClipBatch, PairBatch
from fineparser.data.clip_input import network_input
from fineparser.data.datasets import ClipDataset, PairDataset
from fineparser.data.transforms import ClipTransform
from fineparser.model.compact import CompactFineParser
from fineparser.model.i3d import I3DTrunk
from fineparser.model.protocol import ClipInput, DiagnosticsLevel, Network, cut_windows
from fineparser.training.encoded_dives import evaluation_mode, resize_batch
from fineparser.training.losses import Losses, score_loss, soft_transition_loss, transition_loss
from fineparser.training.options import TrainOptions
from fineparser.training.tasks.base import StepContext, TaskContext, TrainingTask
from fineparser.training.tasks.spatial import MASK_LOSSES


class ClipOutputs(TypedDict, total=False):
    """Outputs of `ClipNetwork` for N clips."""

    probabilities: Tensor
    """[N, 96, 2] of the transitions."""
    masks: list[Tensor] | None
    """Logits [N * 9, 1, 16, 112, 112] of each mask output; None if the masks are frozen."""
    forward: Tensor
    """[N / 2] predicted points of query minus exemplar, in pairs."""
    backward: Tensor
    """[N / 2] predicted points of exemplar minus query."""


class ClipNetwork(nn.Module):
    """Every output of a network that has a loss, in one forward pass, as several processes need it.

    Modules that are not trained stay in evaluation mode.

    Args:
        model: the network.
        options: of the run.
        compares_pairs: False trains the parsers alone.
    """

    def __init__(self, model: Network, options: TrainOptions, *, compares_pairs: bool) -> None:
        super().__init__()
        self.model = model
        self._compares_pairs = compares_pairs
        self._trains_masks = not options.clips.freeze_masks
        frozen: list[nn.Module] = []
        if not compares_pairs:
            parts = model.trainable_parts()
            frozen += [module for name, modules in parts.items() if name != "parsers" for module in modules]
        if options.clips.freeze_masks:
            frozen += model.mask_modules()
        for module in frozen:
            module.requires_grad_(False)
        freezes_norms = options.clips.freeze_i3d_norms
        if freezes_norms or (freezes_norms is None and options.i3d is not None):
            i3ds = [module for module in model.modules() if isinstance(module, I3DTrunk)]
            frozen += [norm for i3d in i3ds for norm in i3d.modules() if isinstance(norm, _BatchNorm)]
        self._evaluated = frozen

    def train(self, mode: bool = True) -> "ClipNetwork":
        super().train(mode)
        for module in self._evaluated:
            module.eval()
        return self

    def forward(self, clip: ClipInput, transitions: Tensor | None, difficulty: Tensor) -> ClipOutputs:
        """Encode N clips and, in pairs, compare the first half with the second half.

        Args:
            clip: N clips.
            transitions: [N, 2] to pool at, -1 if unknown; None: the predicted ones.
            difficulty: [N] of the dives, 0 if unknown; in pairs, that of the first half counts.
        """
        if transitions is not None and (is_unknown := transitions[:, 0] < 0).any():
            transitions = transitions.clone()
            transitions[is_unknown] = self._predict_transitions(clip.select(is_unknown))
        outputs: ClipOutputs
        if self._trains_masks:
            encoding, diagnostics = self.model.encode_with_diagnostics(clip, transitions, DiagnosticsLevel.SIDE_OUTPUTS)
            outputs = {"probabilities": encoding.transition_probabilities, "masks": diagnostics.mask_outputs}
        else:
            encoding = self.model.encode(clip, transitions)
            outputs = {"probabilities": encoding.transition_probabilities, "masks": None}
        if self._compares_pairs:
            half = len(encoding) // 2
            query, exemplar = encoding.select(slice(half)), encoding.select(slice(half, None))
            outputs["forward"] = self.model.compare(query, exemplar, difficulty[:half]).delta
            outputs["backward"] = self.model.compare(exemplar, query, difficulty[:half]).delta
        return outputs

    @torch.no_grad()
    def _predict_transitions(self, clip: ClipInput) -> Tensor:
        """Transitions of clips without labels, predicted as in evaluation."""
        with evaluation_mode(self.model):
            return self.model.predict_transitions(clip).transitions


class ClipTask(TrainingTask):
    """Common losses of the tasks that train on whole clips: transitions, masks and, in pairs, scores."""

    network: ClipNetwork

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        options, config = self.options, self.model.config
        self.network = ClipNetwork(self.model, options, compares_pairs=self.compares_pairs)
        self.transform = ClipTransform.for_training(
            options.colour_jitter, options.zoom_jitter, options.crop_attempts, config.input_scale
        )

    def clip_losses(
        self, network: nn.Module, clips: ClipBatch, weighted_pairs: Tensor | None, step: StepContext
    ) -> Losses:
        """Losses of N clips.

        Args:
            network: see `losses`.
            clips: N clips; in pairs, the queries first.
            weighted_pairs: bool [N / 2], True for pairs with a score loss; None: the clips are no pairs.
            step: state of the run.
        """
        options, config = self.options, self.model.config
        clips = resize_batch(clips.to(self.device, non_blocking=True), config)
        transitions = clips.transitions.where(clips.has_transitions[:, None], -1) if step.teacher_forcing else None
        outputs: ClipOutputs = network(network_input(self.model, clips.clips), transitions, clips.difficulty)
        probabilities, masks = outputs["probabilities"], outputs["masks"]
        pairs = clips.has_scores[:0] if weighted_pairs is None else weighted_pairs.to(self.device)
        weights = [w.float() * step.is_weighted for w in (pairs, clips.has_transitions, clips.has_masks)]
        # One reduction for the three counts.
        score_count, transition_count, mask_count = step.mean(torch.stack([weight.sum() for weight in weights]))
        score = None
        if weighted_pairs is not None:
            scores = scores_at_query_difficulty(clips)
            score = score_loss(outputs["forward"], outputs["backward"], *scores, weights[0], score_count)
        compute_transition_loss = transition_loss
        if isinstance(self.model, CompactFineParser):  # its probabilities are distributions over the frames
            compute_transition_loss = soft_transition_loss
        mask = None
        if masks is not None:
            windows = len(config.window_starts)
            truth = clips.masks
            if truth is None:
                size = (config.clip_frames, config.image_size, config.image_size)
                truth = clips.has_masks.new_zeros((len(clips), 1, *size))
            mask = MASK_LOSSES[options.mask_loss](
                masks,
                cut_windows(truth, config.window_starts),
                weights[2].repeat_interleave(windows),
                mask_count * windows,
            )
        return Losses(
            score=score,
            transition=compute_transition_loss(probabilities, clips.transitions, weights[1], transition_count),
            mask=mask,
            score_weight=options.score_weight,
            # A network with a single phase has no use for transitions.
            transition_weight=options.transition_weight if config.phase_count > 1 else 0.0,
            mask_weight=options.mask_weight,
        )


class FullTask(ClipTask):
    """Training of the whole network, on pairs of clips."""

    name: ClassVar[str] = "everything"
    trained_part: ClassVar[str] = "the whole network"
    compares_pairs: ClassVar[bool] = True
    checkpoint_metrics: ClassVar[tuple[str, ...]] = ("spearman", "mask_iou", "transition_error_frames")

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        options = self.options
        self._dataset = PairDataset(context.training, transform=self.transform, seed=options.seed)

    def __len__(self) -> int:
        return len(self._dataset)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[PairBatch]:
        yield from self.read_batches(self._dataset, epoch, indices)

    def losses(self, network: nn.Module, batch: PairBatch, step: StepContext) -> Losses:
        clips = ClipBatch.stack([batch.query, batch.exemplar])
        return self.clip_losses(network, clips, batch.query.has_scores & batch.exemplar.has_scores, step)


def scores_at_query_difficulty(pairs: ClipBatch) -> tuple[Tensor, Tensor]:
    """Scores of the queries (the first half) and of their exemplars, [B] each, both at the difficulty of the query.

    Dives of one number and height have one difficulty. An exemplar of another difficulty counts with its execution.
    """
    half = len(pairs) // 2
    is_known = pairs.has_difficulty[:half] & pairs.has_difficulty[half:]
    ratio = pairs.difficulty[:half] / pairs.difficulty[half:].where(is_known, 1.0)
    return pairs.scores[:half], pairs.scores[half:] * ratio.where(is_known, 1.0)


class ParsersTask(ClipTask):
    """Training of the spatial and the temporal parser; the comparison keeps its weights."""

    name: ClassVar[str] = "parsers"
    trained_part: ClassVar[str] = (
        "the masks and the transitions alone; the comparison of dives is that of the starting weights"
    )
    checkpoint_metrics: ClassVar[tuple[str, ...]] = ("mask_iou", "transition_error_frames")

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        options = self.options
        self._dataset = ClipDataset(context.training, transform=self.transform, seed=options.seed)

    def __len__(self) -> int:
        return len(self._dataset)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[ClipBatch]:
        yield from self.read_batches(self._dataset, epoch, indices)

    def losses(self, network: nn.Module, batch: ClipBatch, step: StepContext) -> Losses:
        return self.clip_losses(network, batch, None, step)
