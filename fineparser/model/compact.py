"""CompactFineParser: the network of this project, for two CPU cores."""

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.checkpoint import PretrainedNetwork
from fineparser.model.chunks import ChunkSizes, chunks
from fineparser.model.comparison import TrackContrastiveRegression, TrackPooling
from fineparser.model.config import KEYPOINTS, UNIT_DIFFICULTY, CompactConfig
from fineparser.model.crop_decoder import CropDecoder, CropPrediction, pose_features, with_neighbours
from fineparser.model.crop_track import CropTrack
from fineparser.model.entry import EntryBranch, EntryPrediction
from fineparser.model.flip_tta import CropPass, FlipTTA
from fineparser.model.i3d import windows_of
from fineparser.model.mask_refiner import MaskRefiner
from fineparser.model.motion_head import MotionHead, share_motion
from fineparser.model.protocol import (
    ClipInput,
    Comparison,
    Diagnostics,
    DiagnosticsLevel,
    Encoding,
    MotionOutput,
    Provenance,
    TransitionDecoder,
    TransitionPrediction,
    divide,
    expand_pair,
    frame_probability,
    required,
)
from fineparser.model.spatial_action_parser import CompactSpatialParser
from fineparser.model.static_visual_encoder import FrameResNet
from fineparser.model.temporal_action_parser import TrackTemporalParser, decode_transitions


class CompactFineParser(PretrainedNetwork):
    """Parses and compares dives in crops that follow the diver (after Xu et al., CVPR 2024).

    Shapes are those of the bundled network; B clips, 9 windows a clip, S = 224 and h = 112 pixels.

      frames [B, 3, 96, S, S], camera_motion [B, 96, 3, 3]
        |
        |-- mean of 2 x 2 pixels, 9 windows [B * 9, 3, 16, h, h]
        |     \\--> spatial_action_parser --> mask logits [B, 9, 16, h, h] --> window masks [B, 96, h, h]
        |                                                                        |
        |   flip TTA: a pass over the crops of the clip, and one over those of its mirror image
        |   .--------------------------------------------------------------------|---------------------------------.
        |   |                                                      CropTrack: centre [B, 96, 2], half side [B, 96] |
        |-->|--> crops: colours, mask, colours of both neighbours [B * 96, 10, 96, 96]                             |
        |   |      |                                                                                               |
        |   |    crop_encoder --> stages --> features [B, 96, 256]                                                 |
        |   |                       \\--> crop_decoder --> masks [B, 96, h, h], keypoints [B, 96, 7, 3]             |
        |   |    features, keypoints, pose features: static features [B, 96, 308]                                  |
        |   |      |            measures of the masks [B, 96, 9]                                                   |
        |   |    temporal_action_parser --> temporal features [B, 96, 128], transition probabilities [B, 96, 2]    |
        |   |    track: static features, temporal features, measures [B, 96, 445]                                  |
        |   '------------------------------------------------------------------------------------------------------'
        |        |                     |                                |
        |   tracks [B, 2, 96, 445]  mean probabilities [B, 96, 2]    mean masks [B, 96, h, h] --> mask_refiner --> masks
        |        |                     |                                |               (for diagnostics only)
        |        |--> motion_head, with the camera motion --> motion (for diagnostics only)
        |        |                     \\--> probabilities [B, 96, 2] instead of those above
        |        |                     |                                |
        |        |                   transitions [B, 2]                 |
        |        |                     |                                |
        |   static_pooling  (static features, measures)   --> static  [B, 3, 4, 32]
        |   dynamic_pooling (temporal features, measures) --> dynamic [B, 3, 4, 32]
        |                              |                                |
        \\------------------------> entry_branch ------------------> entry [B, 14]

      query and exemplar, each {dynamic, static, entry} --> contrastive_regression --> difference by branch and phase,
                                                                                       times difficulty / 3

    It differs from `FineParser` in this: the I3D serves the masks alone and ends at mixed 4; transitions and tokens
    come from single frames, in crops around the diver; the entry has a branch of its own; predictions are averaged with
    those of the mirrored clip; and differences are proportional to the degree of difficulty.
    """

    config: CompactConfig

    def __init__(self, config: CompactConfig, provenance: Provenance | None = None) -> None:
        super().__init__()
        self.config = config
        self.provenance = provenance or Provenance()
        self.chunk_sizes = ChunkSizes()
        static, temporal, measures = config.track_parts
        self.spatial_action_parser = CompactSpatialParser(config)
        self.temporal_action_parser = TrackTemporalParser(config)
        self.crop_encoder = FrameResNet(config.resnet_blocks, config.resnet_channels, config.crop_channels)
        self.crop_decoder = CropDecoder(config)
        self.static_pooling = TrackPooling(static + measures, config)
        self.dynamic_pooling = TrackPooling(temporal + measures, config)
        self.mask_refiner = MaskRefiner(config) if config.refiner_channels else None
        self.entry_branch = EntryBranch(config) if config.entry_channels else None
        self.contrastive_regression = TrackContrastiveRegression(config)
        self.motion_head = MotionHead(config) if config.motion_width else None

    def add_motion_head(self, width: int) -> None:
        """Give a network without a motion head a new one, with random weights, on the device of the network."""
        self.config = replace(self.config, motion_width=width)
        self.motion_head = MotionHead(self.config).to(self.device)

    @property
    def dtype(self) -> torch.dtype:
        return self.spatial_action_parser.i3d.dtype

    @property
    def uses_camera_motion(self) -> bool:
        return any(part is not None for part in (self.mask_refiner, self.entry_branch, self.motion_head))

    # Encoding

    def encode(self, clip: ClipInput, transitions: Tensor | TransitionDecoder | None = None) -> Encoding:
        clip.check(self.config, transitions)
        passes = self.track_features(clip.frames, self._window_masks(clip.frames))
        return self._encoding(clip, passes, transitions)[0]

    def encode_with_diagnostics(
        self,
        clip: ClipInput,
        transitions: Tensor | TransitionDecoder | None = None,
        level: DiagnosticsLevel = DiagnosticsLevel.MASKS,
    ) -> tuple[Encoding, Diagnostics]:
        config = self.config
        clip.check(config, transitions)
        if level < DiagnosticsLevel.SIDE_OUTPUTS:
            mask_logits, side_logits = self.predict_masks(clip.frames), None
        else:
            mask_logits, side_logits = self._masks_with_sides(clip.frames)
        window_masks = frame_probability(mask_logits, config.window_starts)
        passes = self.track_features(clip.frames, window_masks)
        encoding, entry, motion = self._encoding(clip, passes, transitions)
        parser_probabilities = None if motion is None else passes.probabilities
        diagnostics = Diagnostics(
            config.window_starts, passes.tracks, motion=motion, parser_probabilities=parser_probabilities
        )
        if level < DiagnosticsLevel.MASKS:
            return encoding, diagnostics
        masks = passes.masks
        if self.mask_refiner is not None:
            masks = self.mask_refiner.refine(clip, window_masks, masks, self.chunk_sizes.refiner_crops)
        return encoding, Diagnostics(
            config.window_starts,
            passes.tracks,
            mask_logits=mask_logits,
            crop_masks=masks,
            side_logits=side_logits,
            entry_crops=None if entry is None else entry.crops / 255,
            entry_layers=None if entry is None else entry.layers,
            entry_places=None if entry is None else entry.places,
            motion=motion,
            parser_probabilities=parser_probabilities,
        )

    def predict_transitions(self, clip: ClipInput) -> TransitionPrediction:
        clip.check(self.config)
        passes = self.track_features(clip.frames, self._window_masks(clip.frames))
        transitions = decode_transitions(passes.probabilities, self.config.transition_rule)
        return TransitionPrediction(transitions, passes.probabilities, passes.masks)

    def _encoding(
        self, clip: ClipInput, passes: FlipTTA, transitions: Tensor | TransitionDecoder | None
    ) -> tuple[Encoding, EntryPrediction | None, MotionOutput | None]:
        probabilities, motion = self._motion(clip, passes)
        seen = Diagnostics(self.config.window_starts, passes.tracks, crop_masks=passes.masks, motion=motion)
        divided, entry = divide(transitions, probabilities, seen, self.config.transition_rule), None
        if self.entry_branch is not None:
            entry = self.entry_branch(clip, passes.masks, divided, self.chunk_sizes.entry_crops)
        tokens = self.phase_tokens(passes.tracks, divided)
        return (
            Encoding(
                **tokens,
                transition_probabilities=probabilities,
                transitions=divided,
                entry=None if entry is None else entry.scores,
            ),
            entry,
            motion,
        )

    def _motion(self, clip: ClipInput, passes: FlipTTA) -> tuple[Tensor, MotionOutput | None]:
        """Probabilities of the transitions [B, 96, 2], and the motion if there is a motion head."""
        if self.motion_head is None:
            return passes.probabilities, None
        camera_motion, shots = clip.require_camera_motion()
        motion = share_motion(camera_motion, clip.frames.shape[-1])
        output, probabilities = self.motion_head.predict(passes.tracks, motion, shots)
        return probabilities, output

    # Windows

    def predict_masks(self, frames: Tensor) -> Tensor:
        logits = torch.cat([self.spatial_action_parser(some) for some in self._windows(frames)])
        return logits.unflatten(0, (len(frames), -1))

    def _masks_with_sides(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Mask logits [B, 9, 16, h, h] and side logits [B, 9, 4, 16, h, h]."""
        parser, logits, side_logits = self.spatial_action_parser, [], []
        for some in self._windows(frames):
            sides = parser.sides(parser.i3d(some))
            logits.append(parser.mask_logits(sides))
            side_logits.append(parser.side_logits(sides))
        shape = (len(frames), -1)
        return torch.cat(logits).unflatten(0, shape), torch.cat(side_logits).unflatten(0, shape)

    def _window_masks(self, frames: Tensor) -> Tensor:
        """Probabilities [B, 96, h, h] of the spatial parser's masks."""
        return frame_probability(self.predict_masks(frames), self.config.window_starts)

    def _windows(self, frames: Tensor) -> tuple[Tensor, ...]:
        scale = self.config.crop_scale
        small = functional.avg_pool3d(frames, (1, scale, scale)) if scale > 1 else frames
        return chunks(windows_of(small.to(self.dtype), self.config), self.chunk_sizes.windows)

    # Crops

    def track_features(self, frames: Tensor, window_masks: Tensor) -> FlipTTA:
        """Features of the crops along the diver's track, of the clip and of its mirror image.

        Args:
            frames: [B, 3, 96, 224, 224], normalised.
            window_masks: [B, 96, 112, 112], probabilities of the spatial parser's masks.
        """
        # Converted once, for both passes: the flip copies all frames.
        return FlipTTA.from_pass(self.crop_pass, frames.to(self.dtype), window_masks.detach())

    def crop_pass(self, frames: Tensor, masks: Tensor, crops: CropTrack) -> CropPass:
        """One pass over the crops of frames [B, 3, 96, 224, 224] with masks [B, 96, 112, 112]."""
        features, prediction = self.encode_crops(frames, masks, crops)
        decoded = crops.paste(prediction.mask.sigmoid().unflatten(0, masks.shape[:2]), masks)
        track, probabilities = self.temporal_parse(features, crops.measures(decoded.detach()))
        return CropPass(track, probabilities, decoded)

    def encode_crops(self, frames: Tensor, masks: Tensor, crops: CropTrack) -> tuple[Tensor, CropPrediction]:
        """Features [B, F, 277] and predictions of the crops of consecutive frames [B, 3, F, 224, 224] with masks
        [B, F, 112, 112]."""
        images = (frames.to(self.dtype), masks[:, None].to(self.dtype))
        cut = torch.cat([crops.crop(image, self.config.crop_size) for image in images], dim=1)
        return self.decode_crops(with_neighbours(cut.unflatten(0, masks.shape[:2])).flatten(0, 1), len(frames))

    def decode_crops(self, crops: Tensor, clips: int) -> tuple[Tensor, CropPrediction]:
        """The same of crops [B * F, 10, 96, 96] of B clips, see `with_neighbours`, that are cut already."""
        features, predictions = [], []
        for some in chunks(crops.to(self.dtype, memory_format=torch.channels_last), self.chunk_sizes.frames):
            stages = self.crop_encoder.stages(some)
            features.append(stages[-1].float().mean((2, 3)))
            predictions.append(self.crop_decoder(stages))
        prediction = CropPrediction.concatenate(predictions)
        with_keypoints = torch.cat([torch.cat(features), prediction.keypoints.flatten(1)], dim=-1)
        return with_keypoints.unflatten(0, (clips, -1)), prediction

    def temporal_parse(self, features: Tensor, measures: Tensor) -> tuple[Tensor, Tensor]:
        """Track [B, 96, 445] and transition probabilities [B, 96, 2] from features [B, 96, 277] and measures
        [B, 96, 9]."""
        keypoints = features[..., -3 * KEYPOINTS :].unflatten(-1, (KEYPOINTS, 3))
        static = torch.cat([features, pose_features(keypoints)], dim=-1)
        temporal, probabilities = self.temporal_action_parser(static, measures)
        return torch.cat([static, temporal, measures], dim=-1), probabilities

    def temporal_from_cache(self, tracks: Tensor) -> tuple[Tensor, Tensor]:
        """Tracks [B, 2, 96, 445] from a cache, with the temporal features of the present temporal parser, and its
        transition probabilities [B, 96, 2]."""
        static, _, measures = tracks.flatten(0, 1).split(self.config.track_parts, dim=-1)
        parsed = self.temporal_parse(static[..., : self.config.frame_features], measures)
        track, probabilities = (values.unflatten(0, tracks.shape[:2]) for values in parsed)
        return track, probabilities.mean(1)

    def phase_tokens(self, tracks: Tensor, transitions: Tensor) -> dict[str, Tensor]:
        """The fields "dynamic" and "static" of the encodings, [B, 3, 4, 32] each, of tracks [B, 2, 96, 445] that are
        divided into phases at transitions [B, 2]."""
        static, temporal, measures = tracks.split(self.config.track_parts, dim=-1)
        return {
            "dynamic": self.dynamic_pooling(torch.cat([temporal, measures], dim=-1), transitions),
            "static": self.static_pooling(torch.cat([static, measures], dim=-1), transitions),
        }

    # Comparison

    def compare(self, query: Encoding, exemplar: Encoding, difficulty: Tensor | float | None = None) -> Comparison:
        query, exemplar = expand_pair(query, exemplar)
        statics = required(query.static, "static"), required(exemplar.static, "static")
        entries = None
        if self.entry_branch is not None:
            entries = required(query.entry, "entry"), required(exemplar.entry, "entry")
        comparison = self.contrastive_regression((query.dynamic, exemplar.dynamic), statics, entries)
        if difficulty is None:
            return comparison
        device = comparison.deltas.device
        degrees = torch.as_tensor(difficulty, dtype=torch.float32, device=device).expand(len(query))
        known = degrees.isfinite() & (degrees > 0)
        return comparison.scale((degrees / UNIT_DIFFICULTY).where(known, 1.0))

    # Training

    def trainable_parts(self) -> dict[str, list[nn.Module]]:
        optional = [part for part in (self.mask_refiner, self.motion_head) if part is not None]
        entry = [part for part in (self.entry_branch,) if part is not None]
        parsers = [self.spatial_action_parser, self.temporal_action_parser, self.crop_encoder, self.crop_decoder]
        return {
            "parsers": [*parsers, *optional],
            "branches": [self.dynamic_pooling, self.static_pooling, *entry],
            "regression": [self.contrastive_regression],
        }

    def mask_modules(self) -> list[nn.Module]:
        refiner = [part for part in (self.mask_refiner,) if part is not None]
        return [*self.spatial_action_parser.mask_modules(), self.crop_encoder, self.crop_decoder, *refiner]

    def mask_biases(self) -> list[Tensor]:
        bias = self.crop_decoder.mask.bias
        assert bias is not None
        return [*self.spatial_action_parser.mask_biases(), bias]

    def backbones(self) -> list[nn.Module]:
        segmenter = [] if self.entry_branch is None else [self.entry_branch.segmenter]
        refiner = [part for part in (self.mask_refiner,) if part is not None]
        return [self.spatial_action_parser, self.crop_encoder, self.crop_decoder, *refiner, *segmenter]

    def i3d_parameters(self) -> list[nn.Parameter]:
        return list(self.spatial_action_parser.i3d.parameters())
