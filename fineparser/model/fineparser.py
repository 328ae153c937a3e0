"""The FineParser network: `encode` a clip, `compare` it with an exemplar."""

from dataclasses import replace
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import LANDMARKS, UNIT_DIFFICULTY, FineParserConfig
from fineparser.model.contrastive_regression import FineGrainedContrastiveRegression, PairComparison
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.encoding import ClipEncoding, frame_probability
from fineparser.model.entry_parser import EntryParser
from fineparser.model.filmed import Filmed
from fineparser.model.focus_decoder import FocusDecoder, FocusView
from fineparser.model.i3d import I3D, I3DTop
from fineparser.model.limbs import limbs
from fineparser.model.outline_refiner import OutlineRefiner
from fineparser.model.portions import portions
from fineparser.model.spatial_action_parser import SpatialActionParser, SpatialParse
from fineparser.model.static_visual_encoder import StaticVisualEncoder, with_neighbours
from fineparser.model.temporal_action_parser import TemporalActionParser, decode_transitions
from fineparser.model.track_action_parser import TrackActionParser
from fineparser.model.track_tokens import MOVEMENT, TrackTokens
from fineparser.model.weights import Provenance, check_state, fingerprint, load_pretrained, save_pretrained


class FineParser(nn.Module):
    """Fine-grained spatial-temporal action parser (Xu et al., CVPR 2024).

    clip [3, 96, 112, 112], normalised
      |-- nine windows of 16 frames --> I3D -------------------> feature --x--> dynamic [9, 1024] --> TAP --> 2 switches
      |                            \\-> SpatialActionParser ----> feature --^                                    |
      |                                     \\----> masks                 sigmoid                               v
      \\-- single frames ------------> StaticVisualEncoder ----------------------> static [3, 4, 64] <-- cut into phases

    With `shared_i3d` the spatial parser's I3D serves both, each with last blocks of its own. With `diver_track` the
    masks lead a square through the clip; single frames are seen through it, and the transitions found in what it shows:

      masks --> DiverFocus --> squares [96, 10, 64, 64] -> frame features --> TrackActionParser --> 2 switches
                                                      |         |                     \\--> dynamic [3, 4, 64]
                                                      |         \\---------------------> static [3, 4, 64]
                                                      \\-> FocusDecoder --> masks, points of the body
                                                                            |
                          Backdrop: the scenery of other frames --> OutlineRefiner --> masks

      masks, switches --> EntryParser --> entry [14]

    What the windows' features told of the score was nothing (see the model card), so there it has no I3D but the
    spatial parser's.

    With `second_look` all of this happens again in the mirror, where those masks lead; what comes out is the mean.

    query and exemplar, each [dynamic, static, entry] --> FineGrainedContrastiveRegression --> difference by branch and
    phase

    `encode` and `compare` are all that training, evaluation and analysis call; `decode_transitions` reads the switches
    by either rule.
    """

    def __init__(self, config: FineParserConfig, provenance: Provenance | None = None) -> None:
        super().__init__()
        self.config = config
        self.provenance = provenance or Provenance()
        self.windows_at_once: int | None = None  # all of them; an inference copy takes so many that memory is reused
        self.optimised_from: str | None = None  # the fingerprint of the weights that an inference copy was made from
        self.i3d = None if config.diver_track else I3DTop(config) if config.shared_i3d else I3D(config)
        self.spatial_action_parser = SpatialActionParser(config)
        self.temporal_action_parser = (TrackActionParser if config.diver_track else TemporalActionParser)(config)
        self.static_visual_encoder = StaticVisualEncoder(config) if config.static_branch else None
        self.dynamic_visual_encoder = TrackTokens(config, MOVEMENT) if config.diver_track else None
        self.focus_decoder = FocusDecoder(config) if config.focus_outlines else None
        self.outline_refiner = OutlineRefiner(config) if config.refiner_channels else None
        self.entry_parser = EntryParser(config) if config.entry_channels else None
        self.contrastive_regression = FineGrainedContrastiveRegression(config)

    def encode(
        self,
        clips: Tensor,
        transitions: Tensor | None = None,
        side_outputs: bool = False,
        masks: bool = True,
        keep_frames: bool = False,
    ) -> ClipEncoding:
        """Everything about the clips that does not depend on their partners.

        Args:
            clips: [B, 3, 96, 112, 112], RGB, normalised as ImageNet is; with `focus_detail` so many times as large.
            transitions: [B, 2] first flight and first entry frame to cut at (teacher forcing); None: as predicted.
            side_outputs: also return the masks of the four depths, and what is drawn of the entry, for training and
                inspection.
            masks: False leaves all masks out, where nothing but the comparison is wanted.
            keep_frames: also return what the static tokens are made of, for those who want to make them anew.

        Raises:
            ValueError: for clips or transitions of another shape.
        """
        config = self.config
        expected = (3, config.clip_frames, config.picture_size, config.picture_size)
        if clips.ndim != 5 or tuple(clips.shape[1:]) != expected:
            raise ValueError(f"clips must be [B, {', '.join(map(str, expected))}], got {list(clips.shape)}")
        if transitions is not None and tuple(transitions.shape) != (len(clips), 2):
            raise ValueError(
                f"transitions must be [{len(clips)}, 2] for {len(clips)} clip(s), got {list(transitions.shape)}"
            )

        def by_clip(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.unflatten(0, (len(clips), len(config.window_starts)))

        outlines, films = None, []
        if config.diver_track:
            parse = self._outline_windows(clips, side_outputs)
            mask_logits = by_clip(parse.fused_logits)
            outlined = frame_probability(mask_logits, config.window_starts)
            frames, probabilities, drawn = self.read_track(clips, outlined)
            outlines, refines = drawn, masks and self.outline_refiner is not None
            if refines or self.entry_parser is not None:
                films = [Filmed.of(clip) for clip in clips]
            if refines:
                outlines = self.outline_refiner.refine(films, outlined, drawn)
        else:
            seen = [self.see(some, side_outputs, masks) for some in self._windows(clips)]
            parse = SpatialParse.concatenate([parse for _, parse in seen])
            mask_logits, dynamic = by_clip(parse.fused_logits), by_clip(torch.cat([feature for feature, _ in seen]))
            frames, probabilities = self._read_frames(clips, dynamic)
        if transitions is None:
            transitions = decode_transitions(probabilities.detach(), config.transition_rule)
        transitions = transitions.long()
        if config.diver_track:
            tokens = self.phase_tokens(frames, transitions)
        else:
            static = None if frames is None else self.static_visual_encoder(frames, transitions)
            tokens = {"dynamic": dynamic, "static": static}
        if self.entry_parser is not None:
            # Outlines as they were drawn: whoever wants no masks has no others.
            tokens["entry"], entries = self.entry_parser(films, drawn, transitions)
            if side_outputs:
                tokens |= {"entry_shown": entries.shown / 255, "entry_layers": entries.layers}
        return ClipEncoding(
            **tokens,
            transition_probabilities=probabilities,
            transitions=transitions,
            frames=frames if keep_frames else None,
            mask_logits=mask_logits if masks else None,
            outlines=outlines if masks else None,
            side_logits=by_clip(parse.side_logits),
            window_starts=config.window_starts,
        )

    @property
    def dtype(self) -> torch.dtype:
        """What the backbones compute in: autocast's choice, else that of their weights."""
        return self.spatial_action_parser.i3d.dtype

    def _windows(self, clips: Tensor) -> list[Tensor]:
        """Clips [B, 3, 96, 112, 112], or that many times `focus_detail`, -> [B * 9, 3, 16, 112, 112], in portions."""
        if (detail := self.config.focus_detail) > 1:
            clips = functional.avg_pool3d(clips, (1, detail, detail))
        # Channels last in memory, whatever the batch's own order: convolutions and pools are fastest there.
        pixels = rearrange(clips.to(self.dtype), "b c t h w -> b t h w c").contiguous()
        windows = pixels.unfold(1, self.config.window_frames, self.config.window_stride)  # [B, 9, 112, 112, 3, 16]
        windows = rearrange(windows, "b n h w c t -> (b n) t h w c").contiguous().permute(0, 4, 1, 2, 3)
        return portions(windows, self.windows_at_once)

    def _outline_windows(self, clips: Tensor, side_outputs: bool = False) -> SpatialParse:
        """What the spatial parser says of the B * 9 windows of clips, without their features."""
        parser = self.spatial_action_parser
        return SpatialParse.concatenate([parser(some, side_outputs, feature=False) for some in self._windows(clips)])

    def see(
        self, windows: Tensor, side_outputs: bool = False, masks: bool = True, i3d: nn.Module | None = None
    ) -> tuple[Tensor, SpatialParse]:
        """Windows [N, 3, 16, 112, 112] -> their dynamic feature [N, 1024], gated, and what the spatial parser says.

        i3d: in the place of the network's own, which one that follows the diver does not have.
        """
        parse, i3d = self.spatial_action_parser(windows, side_outputs, masks), i3d or self.i3d
        if self.config.shared_i3d:
            feature = i3d(parse.mixed_4)
            parse = replace(parse, mixed_4=None)
        else:
            feature = i3d(windows).feature
        return feature * parse.feature.sigmoid() if self.config.spatial_gate else feature, parse

    def outline(self, clips: Tensor) -> Tensor:
        """Logits of the spatial parser's masks [B, 9, 16, 112, 112] of clips [B, 3, 96, 112, 112], and nothing else."""
        logits = self._outline_windows(clips).fused_logits
        return logits.unflatten(0, (len(clips), len(self.config.window_starts)))

    def read_track(self, clips: Tensor, outlined: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """What a network with a diver's track sees along the outlines, in L looks.

        Args:
            clips: [B, 3, 96, 112, 112], normalised; with `focus_detail` so many times as large.
            outlined: [B, 96, 112, 112], probabilities of the masks.

        Returns:
            The tracks [B, L, 96, 649]: frame features, what happens around each frame, and where and how its mask lies;
            the transitions' probabilities [B, 96, 2] and, with `focus_outlines`, the outlines drawn anew, both the mean
            of the looks.
        """
        # Cast once, for both looks: the flip copies all of the pictures.
        clips, outlined = clips.to(self.dtype), outlined.detach()
        track, probabilities, drawn = self._read_look(clips, outlined, DiverFocus.of(outlined))
        if not self.config.second_look:
            return track[:, None], probabilities, drawn
        first = drawn.detach()
        # Half of either: the windows' masks see more of the scene, the drawn ones are sharper and sometimes astray.
        lead = (outlined + first) / 2
        mirrored = self._read_look(clips.flip(-1), lead.flip(-1), DiverFocus.of(first).mirrored)
        other_track, other_probabilities, other_drawn = mirrored
        return (
            torch.stack([track, other_track], dim=1),
            (probabilities + other_probabilities) / 2,
            (drawn + other_drawn.flip(-1)) / 2,
        )

    def _read_look(self, clips: Tensor, outlined: Tensor, focus: DiverFocus) -> tuple[Tensor, Tensor, Tensor | None]:
        """One look where `focus` is: the track [B, 96, 649], probabilities [B, 96, 2] and outlines drawn anew."""
        features, view = self.look(clips, outlined, focus)
        if view is not None:
            outlined = focus.paste(view.outline.sigmoid().unflatten(0, outlined.shape[:2]), outlined)
        return *self.parse_track(features, focus.measures(outlined.detach())), None if view is None else outlined

    def phase_tokens(self, tracks: Tensor, transitions: Tensor) -> dict[str, Tensor]:
        """Tracks [B, L, 96, 649], cut at transitions [B, 2], summed up: the "dynamic" and the "static" tokens of their
        encodings, [B, 3, 4, 64] each."""
        return {
            "dynamic": self.dynamic_visual_encoder(tracks, transitions),
            "static": self.static_visual_encoder(tracks, transitions),
        }

    def reread(self, tracks: Tensor) -> tuple[Tensor, Tensor]:
        """Tracks [B, L, 96, 649] that were kept, read by the temporal parser as it now is: as from `read_track`."""
        seen, _, measures = tracks.flatten(0, 1).split(self.config.track_parts, dim=-1)
        read = self.parse_track(seen[..., : self.config.frame_features], measures)
        track, probabilities = (values.unflatten(0, tracks.shape[:2]) for values in read)
        return track, probabilities.mean(1)

    def parse_track(self, features: Tensor, measures: Tensor) -> tuple[Tensor, Tensor]:
        """The track [B, 96, 649] and the transitions' probabilities [B, 96, 2] of frame features [B, 96, 512] and
        measures [B, 96, 9]."""
        if self.focus_decoder is not None:
            points = features[..., -3 * LANDMARKS :].unflatten(-1, (LANDMARKS, 3))
            features = torch.cat([features, limbs(points)], dim=-1)
        around, probabilities = self.temporal_action_parser(features, measures)
        return torch.cat([features, around, measures], dim=-1), probabilities

    def look(self, frames: Tensor, outlined: Tensor, focus: DiverFocus) -> tuple[Tensor, FocusView | None]:
        """What is seen of frames in their order where `focus` is.

        Args:
            frames: [B, 3, F, 112, 112], or larger ones.
            outlined: [B, F, 112, 112].

        Returns:
            Features [B, F, 512], and what is drawn of the B * F squares, with `focus_outlines`.
        """
        seen = (frames.to(self.dtype), outlined[:, None].to(self.dtype))
        squares = torch.cat([focus.cut(pictures, self.config.focus_size) for pictures in seen], dim=1)
        if self.config.focus_neighbours:
            squares = with_neighbours(squares.unflatten(0, outlined.shape[:2])).flatten(0, 1)
        return self.view(squares, len(frames))

    def view(self, squares: Tensor, clips: int) -> tuple[Tensor, FocusView | None]:
        """The same of squares [B * F, 10, 64, 64] of B clips, see `StaticVisualEncoder`, that are cut out already."""
        encoder, squares = self.static_visual_encoder, self._in_order(squares)
        if self.focus_decoder is None:
            return encoder.frame_features(squares, clips), None
        features, views = [], []
        for some in portions(squares, encoder.frames_at_once):
            stages = encoder.backbone.stages(some)
            features.append(stages[-1].float().mean((2, 3)))
            views.append(self.focus_decoder(stages))
        view = FocusView.concatenate(views)
        features = torch.cat([torch.cat(features), view.points.flatten(1)], dim=-1)
        return features.unflatten(0, (clips, -1)), view

    def _read_frames(self, clips: Tensor, dynamic: Tensor) -> tuple[Tensor | None, Tensor]:
        """Features of whole frames [B, 1, 96, 512], None without the static branch, and the transitions' probabilities
        by windows."""
        probabilities, encoder = self.temporal_action_parser(dynamic), self.static_visual_encoder
        if encoder is None:
            return None, probabilities
        features = encoder.frame_features(self._in_order(clips.transpose(1, 2).flatten(0, 1)), len(clips))
        return features[:, None], probabilities

    def _in_order(self, frames: Tensor) -> Tensor:
        """Frames [N, C, H, W] as the backbone takes them."""
        return frames.to(self.dtype, memory_format=torch.channels_last)

    def compare(
        self, query: ClipEncoding, exemplar: ClipEncoding, difficulty: Tensor | float | None = None
    ) -> PairComparison:
        """How much better each query is than its exemplar; a single query may meet many exemplars.

        Args:
            query, exemplar: as encoded by this network.
            difficulty: of the dive whose points are meant, [B] or one number; NaN, 0 or None where it is not known.
                Only a network whose differences go `by_difficulty` makes use of it.

        Raises:
            ValueError: for batches of different sizes, unless one of them is 1.
        """
        count = max(len(query), len(exemplar))
        query, exemplar = (e if len(e) == count else e.expand(count) for e in (query, exemplar))
        tokens = [
            self.contrastive_regression.phase_tokens(e.dynamic, query.transitions, exemplar.transitions)
            for e in (query, exemplar)
        ]
        statics = None if self.static_visual_encoder is None else (query.static, exemplar.static)
        entries = None if self.entry_parser is None else (query.entry, exemplar.entry)
        comparison = self.contrastive_regression(*tokens, statics, entries)
        if not self.config.by_difficulty or difficulty is None:
            return comparison
        difficulty = torch.as_tensor(difficulty, dtype=torch.float32, device=comparison.deltas.device).expand(count)
        known = difficulty.isfinite() & (difficulty > 0)
        return comparison.times((difficulty / UNIT_DIFFICULTY).where(known, 1.0))

    def forward(
        self,
        query: Tensor,
        exemplar: Tensor,
        transitions: tuple[Tensor, Tensor] | tuple[None, None] = (None, None),
    ) -> PairComparison:
        """Encodes both clips [B, 3, 96, 112, 112] of each pair, then compares them."""
        return self.compare(self.encode(query, transitions[0]), self.encode(exemplar, transitions[1]))

    decode_transitions = staticmethod(decode_transitions)

    def parts(self) -> dict[str, list[nn.Module]]:
        """What can be trained by itself: "parsers" find the diver and the phases, "regression" compares.

        "branches" see what nothing but the comparison wants.
        """
        encoder = self.static_visual_encoder
        parsers = [self.spatial_action_parser, self.temporal_action_parser]
        if self.config.diver_track:  # single frames tell the transitions there, and windows do not
            drawing = [part for part in (self.focus_decoder, self.outline_refiner) if part is not None]
            parsers = [*parsers, encoder.backbone, *drawing]
            reading = [] if self.entry_parser is None else [self.entry_parser]
            branches = [self.dynamic_visual_encoder, encoder.phases, *reading]
        else:
            parsers, branches = [self.i3d, *parsers], [] if encoder is None else [encoder]
        return {"parsers": parsers, "branches": branches, "regression": [self.contrastive_regression]}

    def outlining(self) -> list[nn.Module]:
        """Everything that the masks depend on."""
        drawing = [] if self.focus_decoder is None else [self.static_visual_encoder.backbone, self.focus_decoder]
        refining = [] if self.outline_refiner is None else [self.outline_refiner]
        return [*self.spatial_action_parser.outlining(), *drawing, *refining]

    def parameter_groups(self, i3d_rate: float = 0.1) -> list[dict]:
        """Groups for an optimiser, with `name` and `lr_factor`: the paper trains the I3D at a tenth of the rate."""
        backbone = [] if self.i3d is None else list(self.i3d.parameters())
        if self.config.shared_i3d:
            backbone += self.spatial_action_parser.i3d.parameters()
        known = {id(parameter) for parameter in backbone}
        others = [parameter for parameter in self.parameters() if id(parameter) not in known]
        return [
            {"name": "i3d", "params": backbone, "lr_factor": i3d_rate},
            {"name": "others", "params": others, "lr_factor": 1.0},
        ]

    def fingerprint(self) -> str:
        """Twelve hex digits that tell these weights from any others; an inference copy keeps its original's."""
        return self.optimised_from or fingerprint(self)

    def save_pretrained(self, folder: str | Path, half: bool = False) -> None:
        """Writes model.safetensors and config.json; `half` stores 16-bit weights.

        Raises:
            ValueError: for an inference copy, whose weights are folded.
        """
        if self.optimised_from is not None:
            raise ValueError("this network was optimised for inference: save the one that it was made from")
        save_pretrained(self, folder, half)

    @classmethod
    def from_pretrained(cls, source: str | Path, revision: str | None = None) -> "FineParser":
        """The network in a folder or a Hugging Face repository, in eval mode.

        Raises:
            CheckpointError: where files are missing or do not fit, with the names.
        """
        config, provenance, state = load_pretrained(source, revision)
        model = cls(config, provenance)
        check_state(state, model, str(source))
        model.load_state_dict(state, strict=True)
        return model.eval()
