"""What looks along the diver's track as a lesson of its own: outline, points of the body and posture in each square.

What a fault cost is one number a dive, and thousands of dives are too few to learn from it what a body looks like. An
outline and a posture are known of every frame: hundreds of times as much to learn from. Most of what is learnt comes
from single frames of many dives; some dives are seen from end to end, so that the features of a frame become such that
what happens over time can be read off them: the switches, how large the splash was, what each fault cost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fineparser.data.posed_clips import PosedClips
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.fineparser import FineParser
from fineparser.training.edges import settle
from fineparser.training.hints import (
    TRACK_FAULT_SHARE,
    TRACK_POSTURE_SHARE,
    PostureReader,
    TokenReader,
    landmark_hints,
    posture_hints,
    token_hints,
)
from fineparser.training.lessons import PartialNetwork, Reduce, cuts_to_learn, read_batches
from fineparser.training.looks import LookBatch, Looks, TrackBatch, Tracks
from fineparser.training.losses import Losses, moment_loss, outline_loss
from fineparser.training.options import OptionsError, TrainOptions

SEEN_WHOLE = 8
"""Of so many dives whose single frames are seen, one is seen from end to end as well: about as many frames."""


class FrameNetwork(PartialNetwork):
    """Squares to outlines, points and postures, and tracks to switches and faults; only what tells these learns.

    OptionsError for a network that does not outline the diver in squares.
    """

    def __init__(self, model: FineParser) -> None:
        if model.focus_decoder is None:
            raise OptionsError(
                "train='frames' teaches what looks along the diver's track: this network has focus_outlines off"
            )
        encoder = model.static_visual_encoder
        tokens = [encoder.phases, model.dynamic_visual_encoder]
        super().__init__(model, [encoder.backbone, *tokens, model.focus_decoder, model.temporal_action_parser])
        self.reader = PostureReader(model.config.frame_features)
        self.track_reader, self.token_reader = PostureReader(model.config.track_width), TokenReader(model.config)

    def forward(self, squares: Tensor, track: TrackBatch) -> dict:
        """Squares [B, 12, 10, 96, 96] of single frames and W whole clips.

        Returns:
            "view": what is drawn of all B * 12 + W * 96 squares; "postures" [B, 12, 25] in single frames; and of the
            whole clips "track_postures" [W, 96, 25], "probabilities" [W, 96, 2] and what is "told" of the faults.
        """
        every = torch.cat([squares.flatten(0, 1), track.squares.flatten(0, 1)])
        features, view = self.model.view(every, 1)
        shapes = squares.shape[:2], track.squares.shape[:2]
        single, along = (
            some.unflatten(0, shape)
            for some, shape in zip(features[0].split([shape.numel() for shape in shapes]), shapes, strict=True)
        )
        drawn = view.outline[shapes[0].numel() :].detach().float().sigmoid().unflatten(0, shapes[1])
        frames, probabilities = self.model.parse_track(along, measured(drawn, track))
        cut = cuts_to_learn(self.model, track.transitions, probabilities)
        _, around, _ = frames.split(self.model.config.track_parts, dim=-1)
        return {
            "view": view,
            "postures": self.reader(single),
            "track_postures": self.track_reader(around),
            "probabilities": probabilities,
            "told": self.token_reader(**self.model.phase_tokens(frames[:, None], cut)),
        }


def measured(drawn: Tensor, track: TrackBatch) -> Tensor:
    """Measures [W, 96, 9] of outlines drawn in squares [W, 96, 96, 96], as `FineParser.read_track` takes them."""
    focus = DiverFocus(track.places[..., :2], track.places[..., 2])
    return focus.measures(focus.paste(drawn, track.outlined))


@dataclass
class FrameLesson:
    """What looks along the diver's track, on kept looks."""

    network: FrameNetwork
    looks: Looks
    tracks: Tracks
    """The same clips from end to end."""
    options: TrainOptions
    clips: PosedClips
    """What the looks were taken of."""

    def __len__(self) -> int:
        return len(self.looks)

    def batches(self, epoch: int, indices: Sequence[Sequence[int]]) -> Iterator[tuple[LookBatch, TrackBatch]]:
        looks = read_batches(self, self.looks, epoch, indices, LookBatch.stack)
        whole = [some[::SEEN_WHOLE] for some in indices]
        yield from zip(looks, read_batches(self, self.tracks, epoch, whole, TrackBatch.stack), strict=True)

    def losses(
        self,
        network: nn.Module,
        batch: tuple[LookBatch, TrackBatch],
        counted: bool,
        forced: bool,
        reduce: Reduce,
    ) -> Losses:
        device = next(network.parameters()).device
        look, track = (part.to(device, non_blocking=True) for part in batch)
        found = network(look.squares, track)
        weights = [torch.full((len(part),), float(counted), device=device) for part in (look, track)]
        parts = list(zip((look, track), weights, strict=True))
        each = torch.cat([weight.repeat_interleave(part.squares.shape[1]) for part, weight in parts])
        # A mask each, as windows of one frame.
        truth = torch.cat([part.truth.flatten(0, 1) for part, _ in parts])[:, None, None]
        outlines = outline_loss([found["view"].outline[:, None, None]], truth, each, reduce(each.sum()))
        landmarks = torch.cat([part.landmarks.flatten(0, 1) for part, _ in parts])
        hints = posture_hints(found["postures"], look.postures, weights[0])
        hints = hints + landmark_hints(found["view"], landmarks, each)
        hints = hints + TRACK_POSTURE_SHARE * posture_hints(found["track_postures"], track.postures, weights[1])
        hints = hints + TRACK_FAULT_SHARE * token_hints(found["told"], track.deductions, track.award, weights[1])
        known = weights[1] * track.transitions.isfinite().all(1)
        return Losses(
            outlines.new_zeros(()),
            moment_loss(found["probabilities"], track.transitions, known, reduce(known.sum())),
            outlines,
            weights=(0.0, self.options.transition_weight, self.options.mask_weight),
            hints=hints,
        )

    def settle(self) -> float:
        """Moves the edge of the outlines drawn in squares, see `fineparser.training.edges`; by how many logits."""
        model = self.network.model
        return settle(model, self.clips, model.focus_decoder.outline)
