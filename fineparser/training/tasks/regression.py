"""The task "regression": the comparison of dives, on encodings that are computed once.

With `train_track`, the part of `CompactFineParser` that turns crop features into transitions and tokens is trained,
too, from cached track features. A score is one number a dive, so that a few thousand dives are soon overfitted:
auxiliary heads predict the cost of each fault from the tokens, and the pose from the features around each frame.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, TypedDict

import numpy as np
from torch import Tensor, nn

from fineparser.data.dives import DataError
from fineparser.data.exemplar_pool import ExemplarPool
from fineparser.data.transforms import ClipTransform
from fineparser.domain.judging import COUNTED_AWARDS
from fineparser.domain.phases import Phase
from fineparser.model.compact import CompactFineParser
from fineparser.model.protocol import Encoding, Network
from fineparser.training.auxiliary_losses import (
    TRACK_POSE_WEIGHT,
    PoseHead,
    TokenFaultHead,
    phase_difference_loss,
    pose_loss,
    token_fault_loss,
)
from fineparser.training.encoded_dives import EncodedDives, EncodeSettings, encode_dives
from fineparser.training.losses import Losses, score_loss, soft_transition_loss
from fineparser.training.options import OptionsError
from fineparser.training.tasks.base import PartialNetwork, StepContext, TaskContext, TrainingTask
from fineparser.training.tasks.crops import pooling_transitions
from fineparser.training.validation import EncodedValidation, Validation

ENCODE_BATCH_SIZE = 4
"""Clips that are encoded together, whatever the batch size of the comparison is."""


class ComparisonOutputs(TypedDict, total=False):
    """Outputs of `ComparisonNetwork` for B pairs."""

    forward: Tensor
    """[B, 3] predicted points of query minus exemplar, by phase."""
    backward: Tensor
    """[B, 3] predicted points of exemplar minus query, by phase."""
    probabilities: Tensor
    """[B, 96, 2] of the transitions of the queries, if the track is trained."""
    faults: tuple[Tensor, Tensor]
    """Outputs of the `TokenFaultHead` for the queries."""
    poses: Tensor
    """[B, 96, 25] poses of the queries."""


class ComparisonNetwork(PartialNetwork):
    """Comparison of encodings, and with `train_track` the encoding of track features.

    OptionsError for `train_track` with a network without tracks.
    """

    model: Network

    def __init__(self, model: Network, *, train_track: bool) -> None:
        trained = list(model.trainable_parts()["regression"])
        fault_head, pose_head = None, None
        if train_track:
            if not isinstance(model, CompactFineParser):
                raise OptionsError("train_track is for CompactFineParser: the published network has no track")
            trained += [model.static_pooling, model.dynamic_pooling, model.temporal_action_parser]
            fault_head, pose_head = TokenFaultHead(model.config), PoseHead(model.config.track_width)
        super().__init__(model, trained)
        self.fault_head, self.pose_head = fault_head, pose_head

    def forward(
        self,
        query: Encoding,
        exemplar: Encoding,
        difficulty: Tensor,
        tracks: tuple[Tensor, Tensor] | None,
        labelled: tuple[Tensor, Tensor],
    ) -> ComparisonOutputs:
        """Compare B queries with B exemplars, and the reverse.

        Args:
            query, exemplar: encodings.
            difficulty: [B] of the queries, NaN if unknown.
            tracks: track features [B, L, 96, 649] of both; None: the encodings are used as they are.
            labelled: transitions [B, 2] of both to pool tracks at, NaN if unknown.
        """
        outputs: ComparisonOutputs = {}
        if tracks is not None and self.fault_head is not None and self.pose_head is not None:
            query, temporal = self._encode_track(query, tracks[0], labelled[0])
            exemplar, _ = self._encode_track(exemplar, tracks[1], labelled[1])
            outputs["probabilities"] = query.transition_probabilities
            outputs["faults"] = self.fault_head(query.dynamic, query.static)
            outputs["poses"] = self.pose_head(temporal)
        outputs["forward"] = self.model.compare(query, exemplar, difficulty).by_phase
        outputs["backward"] = self.model.compare(exemplar, query, difficulty).by_phase
        return outputs

    def _encode_track(self, encoding: Encoding, tracks: Tensor, labelled: Tensor) -> tuple[Encoding, Tensor]:
        """The encoding with tokens computed from track features, and the temporal features [B, 96, C]."""
        model = self.model
        assert isinstance(model, CompactFineParser)
        tracks, probabilities = model.temporal_from_cache(tracks)
        if model.motion_head is not None:
            labelled = labelled.where(labelled.isfinite(), encoding.transitions)
        transitions = pooling_transitions(model, labelled, probabilities)
        encoding = replace(
            encoding,
            **model.phase_tokens(tracks, transitions),
            transition_probabilities=probabilities,
            transitions=transitions,
        )
        _, temporal, _ = tracks[:, 0].split(model.config.track_parts, dim=-1)  # poses are those of the unmirrored clip
        return encoding, temporal


class RegressionTask(TrainingTask):
    """Training of the contrastive regression."""

    name: ClassVar[str] = "regression"
    trained_part: ClassVar[str] = (
        "the comparison of dives alone; masks and transitions are those of the starting weights"
    )
    compares_pairs: ClassVar[bool] = True
    checkpoint_metrics: ClassVar[tuple[str, ...]] = ("spearman", "r_l2_x100")
    network: ComparisonNetwork

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        training = context.training
        scored = [index for index in range(len(training)) if training.card(index).is_scored]
        if len(scored) < 2:
            raise DataError(f"{training.name}: the regression needs at least two scored dives, here are {len(scored)}.")
        self.network = ComparisonNetwork(self.model, train_track=self.options.regression.train_track)
        self.dives, self.validation_dives = self._encode(scored)
        self._pool = ExemplarPool(self.dives)
        self._has_deductions = bool(self.dives.deductions.isfinite().any())

    def __len__(self) -> int:
        return len(self.dives)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[tuple[EncodedDives, EncodedDives]]:
        for queries in indices:
            exemplars = []
            for index in queries:
                rng = np.random.default_rng((self.options.seed, epoch, index))
                exemplars.append(self._pool.choose(self.dives.card(index), rng)[0].index)
            yield self.dives.select(queries), self.dives.select(exemplars)

    def losses(self, network: nn.Module, batch: tuple[EncodedDives, EncodedDives], step: StepContext) -> Losses:
        (query, exemplar), device = batch, self.device
        labelled = query.transitions.to(device), exemplar.transitions.to(device)
        tracks = None
        if query.tracks is not None and exemplar.tracks is not None:
            tracks = query.tracks.to(device), exemplar.tracks.to(device)
        encodings = query.encodings.to(device), exemplar.encodings.to(device)
        outputs: ComparisonOutputs = network(*encodings, query.difficulty.to(device), tracks, labelled)
        scores = query.scores.to(device), exemplar.scores_at_difficulty(query.difficulty).to(device)
        weight = step.weights(len(query), device)
        forward, backward = outputs["forward"], outputs["backward"]
        score = score_loss(forward.sum(1), backward.sum(1), *scores, weight, step.normaliser(weight))
        transition = None
        auxiliary = []
        if "faults" in outputs:
            labelled_weight = weight * labelled[0].isfinite().all(1)
            transition = soft_transition_loss(
                outputs["probabilities"], labelled[0], labelled_weight, step.normaliser(labelled_weight)
            )
            award = query.scores / (COUNTED_AWARDS * query.difficulty)
            auxiliary.append(token_fault_loss(outputs["faults"], query.deductions.to(device), award.to(device), weight))
            if query.poses is not None:
                auxiliary.append(TRACK_POSE_WEIGHT * pose_loss(outputs["poses"], query.poses.to(device), weight))
        if self._has_deductions and forward.shape[1] == len(Phase):
            points = (COUNTED_AWARDS * query.difficulty)[:, None]
            difference = points * (exemplar.deductions_by_phase() - query.deductions_by_phase())
            auxiliary.append(phase_difference_loss(forward, backward, difference.to(device), weight))
        return Losses(
            score=score,
            transition=transition,
            auxiliary=sum(auxiliary[1:], start=auxiliary[0]) if auxiliary else None,
            score_weight=self.options.score_weight,
            transition_weight=self.options.transition_weight,
        )

    def validation(self) -> Validation | None:
        if self.validation_dives is None:
            return None
        return EncodedValidation(self.options, self.model, self.dives, self.validation_dives)

    def _encode(self, scored: Sequence[int]) -> tuple[EncodedDives, EncodedDives | None]:
        """Encodings of the scored training dives, several times with augmentation, and of the validation dives."""
        context, options = self.context, self.options
        train_track = options.regression.train_track
        settings = EncodeSettings(
            batch_size=ENCODE_BATCH_SIZE,
            workers=options.workers,
            measures_masks=False,
            with_tracks=train_track,
            progress="encoding" if options.progress else None,
        )
        repeats = options.regression.augmentations_per_dive if train_track else 1
        validation_count = 0
        if context.validation is not None:
            validation_count = min(len(context.validation), options.validation_limit or len(context.validation))
        total = repeats * len(scored) + validation_count
        transform = None
        if train_track:
            transform = ClipTransform.for_centre_training(options.colour_jitter, self.model.config.input_scale)
        network = context.inference_copy()
        encoded = []
        for repeat in range(repeats):
            before = repeat * len(scored)
            encoded.append(
                encode_dives(
                    network,
                    context.training,
                    context.accelerator,
                    replace(settings, pools_at_labels=options.teacher_forcing == 1, transform=transform, epoch=repeat),
                    indices=scored,
                    on_done=partial(self._report, before=before, total=total),
                )
            )
        dives = EncodedDives.concatenate(context.training.name, encoded)
        if context.validation is None:
            return dives, None
        validation_dives = encode_dives(
            network,
            context.validation,
            context.accelerator,
            replace(settings, measures_masks=True),
            indices=range(validation_count),
            on_done=partial(self._report, before=total - validation_count, total=total),
        )
        return dives, validation_dives

    def _report(self, done: int, _: int, *, before: int, total: int) -> None:
        """Report dives of one pass over the data, after those of the passes before it."""
        self.context.report_encoding(before + done, total)
