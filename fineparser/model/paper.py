"""FineParser: the network as published, with its ablations."""

import torch
from torch import Tensor, nn

from fineparser.model.checkpoint import PretrainedNetwork
from fineparser.model.chunks import ChunkSizes, chunks
from fineparser.model.comparison import FineGrainedContrastiveRegression
from fineparser.model.config import FineParserConfig
from fineparser.model.i3d import I3D, windows_of
from fineparser.model.protocol import (
    ClipInput,
    Comparison,
    Diagnostics,
    DiagnosticsLevel,
    Encoding,
    Provenance,
    TransitionDecoder,
    TransitionPrediction,
    divide,
    expand_pair,
    required,
)
from fineparser.model.spatial_action_parser import SpatialActionParser
from fineparser.model.static_visual_encoder import StaticVisualEncoder
from fineparser.model.temporal_action_parser import TemporalActionParser


class FineParser(PretrainedNetwork):
    """Fine-grained spatial-temporal action parser (Xu et al., CVPR 2024).

    B clips, 9 windows a clip, h = 112 pixels.

      frames [B, 3, 96, h, h]
        |
        |-- 9 windows [B * 9, 3, 16, h, h]
        |     |--> i3d ------------------------------> feature [B, 9, 1024] ---- x ----> dynamic [B, 9, 1024]
        |     \\--> spatial_action_parser --> sides --> mask logits               |          |
        |             (an I3D of its own)    |         [B, 9, 16, h, h]          |       temporal_action_parser
        |                                    \\-------> feature [B, 9, 1024] -- sigmoid      |
        |                                                                          probabilities [B, 96, 2]
        |                                                                                   |
        \\-- static_visual_encoder --> frame features [B, 96, 512]                 transitions [B, 2]
                                          \\--> divided into phases at the transitions --> static [B, 3, 4, 64]

      query and exemplar, each {dynamic, static, transitions} --> contrastive_regression --> difference by branch and
                                                                                             phase

    The ablations of the paper are `FineParserConfig.spatial_gate`, `static_branch` and `temporal_parsing`.
    """

    config: FineParserConfig

    def __init__(self, config: FineParserConfig, provenance: Provenance | None = None) -> None:
        super().__init__()
        self.config = config
        self.provenance = provenance or Provenance()
        self.chunk_sizes = ChunkSizes()
        self.i3d = I3D(config)
        self.spatial_action_parser = SpatialActionParser(config)
        self.temporal_action_parser = TemporalActionParser(config)
        self.static_visual_encoder = StaticVisualEncoder(config) if config.static_branch else None
        self.contrastive_regression = FineGrainedContrastiveRegression(config)

    @property
    def dtype(self) -> torch.dtype:
        return self.spatial_action_parser.i3d.dtype

    # Encoding

    def encode(self, clip: ClipInput, transitions: Tensor | TransitionDecoder | None = None) -> Encoding:
        return self.encode_with_diagnostics(clip, transitions, DiagnosticsLevel.FEATURES)[0]

    def encode_with_diagnostics(
        self,
        clip: ClipInput,
        transitions: Tensor | TransitionDecoder | None = None,
        level: DiagnosticsLevel = DiagnosticsLevel.MASKS,
    ) -> tuple[Encoding, Diagnostics]:
        config = self.config
        clip.check(config, transitions)
        outputs = [self.encode_windows(some, level) for some in self._windows(clip.frames)]
        dynamic = torch.cat([feature for feature, _, _ in outputs]).unflatten(0, (len(clip), -1))
        mask_logits = self._by_clip([masks for _, masks, _ in outputs], len(clip))
        side_logits = self._by_clip([sides for _, _, sides in outputs], len(clip))
        probabilities = self.temporal_action_parser(dynamic)
        features = self._frame_features(clip.frames)
        diagnostics = Diagnostics(config.window_starts, features, mask_logits=mask_logits, side_logits=side_logits)
        divided = divide(transitions, probabilities, diagnostics, config.transition_rule)
        static = None
        if self.static_visual_encoder is not None:
            static = self.static_visual_encoder(features, divided)
        return (
            Encoding(dynamic, transition_probabilities=probabilities, transitions=divided, static=static),
            diagnostics,
        )

    def predict_transitions(self, clip: ClipInput) -> TransitionPrediction:
        encoding, diagnostics = self.encode_with_diagnostics(clip)
        return TransitionPrediction(encoding.transitions, encoding.transition_probabilities, diagnostics.masks)

    def encode_windows(
        self, windows: Tensor, level: DiagnosticsLevel = DiagnosticsLevel.FEATURES
    ) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Gated features [N, 1024] of windows [N, 3, 16, 112, 112] and, by the level, mask logits [N, 16, 112, 112] and
        side logits [N, 4, 16, 112, 112]."""
        parser = self.spatial_action_parser
        stages = parser.i3d(windows)
        mask_logits = side_logits = None
        if level >= DiagnosticsLevel.MASKS:
            sides = parser.sides(stages)
            mask_logits = parser.mask_logits(sides)
            if level >= DiagnosticsLevel.SIDE_OUTPUTS:
                side_logits = parser.side_logits(sides)
        feature = self.i3d.window_feature(self.i3d(windows).mixed_4)
        if self.config.spatial_gate:
            feature = feature * parser.i3d.window_feature(stages.mixed_4).sigmoid()
        return feature, mask_logits, side_logits

    def predict_masks(self, frames: Tensor) -> Tensor:
        logits = torch.cat([self.spatial_action_parser(some) for some in self._windows(frames)])
        return logits.unflatten(0, (len(frames), -1))

    def _windows(self, frames: Tensor) -> tuple[Tensor, ...]:
        return chunks(windows_of(frames.to(self.dtype), self.config), self.chunk_sizes.windows)

    @staticmethod
    def _by_clip(chunked: list[Tensor | None], clips: int) -> Tensor | None:
        """Outputs of chunks of windows as [B, 9, ...]; None where the level left them out."""
        outputs = [part for part in chunked if part is not None]
        return torch.cat(outputs).unflatten(0, (clips, -1)) if outputs else None

    def _frame_features(self, frames: Tensor) -> Tensor | None:
        """Features of whole frames [B, 96, 512]; None without the static branch."""
        if self.static_visual_encoder is None:
            return None
        flat = frames.transpose(1, 2).flatten(0, 1).to(self.dtype, memory_format=torch.channels_last)
        return self.static_visual_encoder.frame_features(flat, len(frames), self.chunk_sizes.frames)

    # Comparison

    def compare(self, query: Encoding, exemplar: Encoding, difficulty: Tensor | float | None = None) -> Comparison:
        """Difference of each query and its exemplar; the published network has no use for the difficulty."""
        query, exemplar = expand_pair(query, exemplar)
        regression = self.contrastive_regression
        tokens = [
            regression.phase_tokens(encoding.dynamic, query.transitions, exemplar.transitions)
            for encoding in (query, exemplar)
        ]
        statics = None
        if self.static_visual_encoder is not None:
            statics = required(query.static, "static"), required(exemplar.static, "static")
        return regression(*tokens, statics)

    # Training

    def trainable_parts(self) -> dict[str, list[nn.Module]]:
        static: list[nn.Module] = [] if self.static_visual_encoder is None else [self.static_visual_encoder]
        return {
            "parsers": [self.i3d, self.spatial_action_parser, self.temporal_action_parser],
            "branches": static,
            "regression": [self.contrastive_regression],
        }

    def mask_modules(self) -> list[nn.Module]:
        return self.spatial_action_parser.mask_modules()

    def mask_biases(self) -> list[Tensor]:
        return self.spatial_action_parser.mask_biases()

    def backbones(self) -> list[nn.Module]:
        static = [] if self.static_visual_encoder is None else [self.static_visual_encoder.backbone]
        return [self.spatial_action_parser, self.i3d, *static]

    def i3d_parameters(self) -> list[nn.Parameter]:
        return list(self.i3d.parameters())
