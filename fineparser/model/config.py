"""Everything that fixes the shape and the rules of a `FineParser` network."""

from dataclasses import asdict, dataclass, fields

LANDMARKS = 7
"""Points of the body that `FocusDecoder` places: head, neck, knees, ankles, toes, wrists (of both sides the middle) and
pelvis."""
LIMBS = 31
"""Numbers that say how these points lie to each other, see `fineparser.model.limbs`."""
MEASURES = 9
"""Numbers that say where and how a frame's mask lies, see `DiverFocus.measures`."""
DRAWING_LEVELS = 4
"""Levels of `OutlineRefiner` and of `EntryPainter`."""
ENTRY_READINGS = 14
"""Numbers that `EntryReader` tells of an entry: what each of the simulator's faults cost, and the award."""
UNIT_DIFFICULTY = 3.0
"""At this difficulty a network's differences are points as they are; about the mean of competitions."""
WITHOUT_TRACK = {
    "diver_track": False,
    "focus_detail": 1,
    "focus_neighbours": False,
    "focus_outlines": False,
    "second_look": False,
    "refiner_channels": (),
    "entry_channels": (),
}
"""What is off in a network that does not follow the diver."""
TRANSITION_RULES = ("windowed", "ordered")


@dataclass(frozen=True)
class FineParserConfig:
    """The configuration of a network; a checkpoint carries it as config.json.

    `paper()` is the published network (Xu et al., CVPR 2024), `compact()` the same architecture with narrower
    and shallower parts, for two processor cores.
    """

    # Input
    clip_frames: int = 96
    """Frames sampled from a dive."""
    window_frames: int = 16
    """Frames that the I3D sees at once."""
    window_stride: int = 10
    """Frames between the starts of two windows; windows overlap."""
    image_size: int = 112
    """Height and width of a frame in pixels."""

    # Spatial action parser and the I3D beside it
    i3d_width: float = 1.0
    """Factor on every channel count of both I3Ds; 1 is the published 1024 features."""
    shared_i3d: bool = False
    """One I3D up to mixed 4 for both, each with last blocks of its own: half the work (the published ones share
    nothing)."""
    side_channels: int = 16
    """Channels of each of the four side features that the mask is fused from."""
    side_refinement: bool = False
    """Let each side feature see the deeper ones before the masks are made (the published ones do not)."""
    spatial_gate: bool = True
    """Multiply window features by the sigmoid of the spatial parser's (off: the paper's ablation)."""

    # Temporal action parser
    temporal_channels: tuple[int, ...] = (12, 24, 48, 96)
    """Channels, with time as the channel axis, of its first levels; the last has one a frame of the clip."""
    temporal_parsing: bool = True
    """Cut the clip into phases at the transitions (off: the whole clip is a single phase)."""
    diver_track: bool = False
    """Look at single frames through a square that follows the mask, and find the transitions, and what moves, in the
    track of what is seen there (the published network looks at whole frames, and finds both in nine windows)."""
    focus_size: int = 64
    """With `diver_track`: height and width in pixels to which what the square shows is scaled."""
    focus_detail: int = 1
    """With `diver_track`: clips come with so many times `image_size` pixels a side. The square is cut out of all of
    them, so that a small diver is seen as sharply as he was filmed; windows of the whole picture see their means."""
    focus_neighbours: bool = False
    """With `diver_track`: beside what the square shows of a frame, show what its neighbours' squares do: what moves in
    them is the scenery."""
    focus_outlines: bool = False
    """With `diver_track`: outline the diver anew in what the square shows, and tell where points of the body are."""
    second_look: bool = False
    """With `focus_outlines`: look once more, in the mirror and where the outlines that were drawn lead. Masks, switches
    and tokens are the mean of both looks."""
    refiner_channels: tuple[int, ...] = ()
    """With `focus_outlines`: channels of the four levels that draw the outlines once more, before the scenery that
    other frames show, see `OutlineRefiner`; empty: they stay as they are."""
    entry_channels: tuple[int, ...] = ()
    """With `focus_outlines`: channels of the four levels that draw body, flying water and foam of the entry, from which
    is read what its faults cost, see `EntryParser`; empty: what the track shows has to tell it."""
    entry_width: int = 96
    """With `entry_channels`: features of a moment of the entry."""
    track_width: int = 128
    """With `diver_track`: channels of the convolutions over time."""
    token_dropout: float = 0.2
    """With `diver_track`: share of the tokens' inner features, and of what reads the entry, that are left out while
    learning, for there are thousands of dives and one score each."""
    transition_rule: str = "windowed"
    """How probabilities become two transitions: see `decode_transitions`."""

    # Static visual encoder (a ResNet over single frames)
    static_branch: bool = True
    """Compare what single frames show as well (off: the paper's ablation)."""
    static_blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Residual blocks of its four stages; (3, 4, 6, 3) is ResNet-34."""
    static_channels: tuple[int, int, int, int] = (64, 128, 256, 512)
    """Channels of its four stages; the last divided by 8 is the width of all tokens."""

    # Fine-grained contrastive regression
    attention_layers: int = 3
    """Cross-attention blocks in each of the four decoders."""
    attention_heads: int = 8
    """Heads of each block; they divide the width of the tokens."""
    phase_weights: tuple[float, ...] = (0.3, 0.5, 0.2)
    """Weights of take-off, flight and entry in the score difference (the paper's lambda)."""
    by_difficulty: bool = False
    """Differences are those of a dive of difficulty `UNIT_DIFFICULTY`, and count in proportion to the dive's own where
    that is known: the same fault costs more points in a harder dive, and no picture tells the table of difficulties
    (the published network has to learn it)."""

    def __post_init__(self) -> None:
        for field in fields(self):  # JSON has no tuples
            if isinstance(value := getattr(self, field.name), list):
                object.__setattr__(self, field.name, tuple(value))
        if (self.clip_frames - self.window_frames) % self.window_stride:
            raise ValueError(
                f"windows of {self.window_frames} frames at stride {self.window_stride} do not end with a clip of "
                f"{self.clip_frames} frames; choose numbers where (clip - window) is a multiple of the stride"
            )
        if self.image_size % 16 or self.window_frames % 4:
            raise ValueError(
                f"the side outputs need an image size divisible by 16 and windows divisible by 4, got "
                f"{self.image_size} pixels and {self.window_frames} frames"
            )
        if self.feature_width % 16:
            raise ValueError(
                f"i3d_width {self.i3d_width} gives {self.feature_width} features, which the temporal parser cannot "
                "halve four times; try 1, 0.75, 0.5 or 0.25"
            )
        if self.token_width * 8 != self.static_channels[-1] or self.token_width % self.attention_heads:
            raise ValueError(
                f"the last static stage has {self.static_channels[-1]} channels: they must be 8 times a token width "
                f"that {self.attention_heads} attention heads divide"
            )
        if self.diver_track and not self.static_branch:
            raise ValueError(
                "diver_track reads the static branch's frame features: with static_branch off, it is off too"
            )
        if self.focus_detail < 1 or (self.focus_detail > 1 and not self.diver_track):
            raise ValueError(
                f"focus_detail is a whole number from 1 on, and above 1 only where diver_track cuts squares out of the "
                f"pictures: not {self.focus_detail} with diver_track {'on' if self.diver_track else 'off'}"
            )
        if self.focus_neighbours and not self.diver_track:
            raise ValueError("focus_neighbours are those in diver_track's squares: with diver_track off, it is off too")
        if self.focus_outlines and not self.diver_track:
            raise ValueError(
                "focus_outlines draws in the squares that diver_track cuts: with diver_track off, it is off too"
            )
        if self.focus_outlines and self.focus_size % 32:
            raise ValueError(
                f"focus_outlines halves the square five times: focus_size {self.focus_size} has no such half"
            )
        if self.second_look and not self.focus_outlines:
            raise ValueError("second_look follows outlines drawn anew: with focus_outlines off, it is off too")
        if self.refiner_channels and not self.focus_outlines:
            raise ValueError("refiner_channels refine outlines drawn anew: with focus_outlines off, give none")
        if len(self.refiner_channels) not in (0, DRAWING_LEVELS):
            raise ValueError(
                f"refiner_channels are those of {DRAWING_LEVELS} levels, or none: not {len(self.refiner_channels)}"
            )
        if self.entry_channels and not (self.focus_outlines and self.temporal_parsing):
            raise ValueError(
                "entry_channels draw the entry where outlines drawn anew meet the water: with focus_outlines or "
                "temporal_parsing off, give none"
            )
        if len(self.entry_channels) not in (0, DRAWING_LEVELS):
            raise ValueError(
                f"entry_channels are those of {DRAWING_LEVELS} levels, or none: not {len(self.entry_channels)}"
            )
        if self.transition_rule not in TRANSITION_RULES:
            raise ValueError(f"transition_rule {self.transition_rule!r} is not one of {', '.join(TRANSITION_RULES)}")
        if len(self.phase_weights) != self.phase_count:
            raise ValueError(
                f"{len(self.phase_weights)} phase weights for {self.phase_count} phase(s); with temporal_parsing off "
                "use phase_weights=(1.0,)"
            )

    @classmethod
    def paper(cls) -> "FineParserConfig":
        """The published network: I3D and ResNet-34 at full width, the paper's rule for transitions."""
        return cls()

    @classmethod
    def compact(cls) -> "FineParserConfig":
        """The same architecture for two processor cores.

        Decodes transitions by the ordered rule, since the paper's cannot put the entry into the first half of a
        clip, where many people's clips have it.
        """
        return cls(
            i3d_width=0.5,
            shared_i3d=True,
            side_channels=24,
            side_refinement=True,
            diver_track=True,
            focus_size=96,
            focus_detail=2,
            focus_neighbours=True,
            focus_outlines=True,
            second_look=True,
            refiner_channels=(32, 48, 64, 96),
            entry_channels=(24, 48, 72, 112),
            static_blocks=(2, 2, 2, 2),
            static_channels=(48, 96, 128, 256),
            attention_layers=2,
            attention_heads=4,
            by_difficulty=True,
            transition_rule="ordered",
        )

    @classmethod
    def tiny(cls) -> "FineParserConfig":
        """The smallest network of this architecture, for tests: it learns nothing worth having, but quickly."""
        return cls(
            image_size=32,
            i3d_width=0.125,
            shared_i3d=True,
            side_channels=4,
            side_refinement=True,
            diver_track=True,
            focus_neighbours=True,
            focus_outlines=True,
            second_look=True,
            refiner_channels=(4, 4, 8, 8),
            entry_channels=(4, 4, 8, 8),
            entry_width=8,
            focus_size=32,
            track_width=16,
            token_dropout=0.0,
            static_blocks=(1, 1, 1, 1),
            static_channels=(8, 8, 16, 64),
            attention_layers=1,
            attention_heads=2,
            by_difficulty=True,
            transition_rule="ordered",
        )

    @property
    def picture_size(self) -> int:
        """Height and width of a clip's frames in pixels."""
        return self.image_size * self.focus_detail

    @property
    def window_starts(self) -> tuple[int, ...]:
        """First frame of each window."""
        return tuple(range(0, self.clip_frames - self.window_frames + 1, self.window_stride))

    @property
    def phase_count(self) -> int:
        """3 (take-off, flight, entry), or 1 without temporal parsing."""
        return 3 if self.temporal_parsing else 1

    @property
    def feature_width(self) -> int:
        """Width of a window's dynamic feature: 1024 in the paper."""
        return sum(self.i3d_channels(channels) for channels in (384, 384, 128, 128))

    @property
    def frame_channels(self) -> int:
        """Channels of a frame as the static branch sees it: its colours, along a diver's track the mask that led there,
        and the colours of the frames before and after."""
        return 3 + self.diver_track + 6 * self.focus_neighbours

    @property
    def frame_features(self) -> int:
        """Numbers that the static branch tells of a frame: 512 in the paper; x, y and spread of points of the body,
        where these are looked for, come last."""
        return self.static_channels[-1] + 3 * LANDMARKS * self.focus_outlines

    @property
    def seen_features(self) -> int:
        """Numbers that a diver's track sees of a frame: its features and, with points of the body, their limbs."""
        return self.frame_features + LIMBS * self.focus_outlines

    @property
    def track_parts(self) -> tuple[int, int, int]:
        """Numbers that a diver's track has a frame: what is seen, what happens around, where and how the mask lies."""
        return self.seen_features, self.track_width, MEASURES

    @property
    def token_width(self) -> int:
        """Width of the tokens that cross-attention compares: 64 in the paper."""
        return self.static_channels[-1] // 8

    def i3d_channels(self, published: int) -> int:
        """The published channel count times `i3d_width`, as a multiple of 8."""
        return max(8, round(published * self.i3d_width / 8) * 8)

    def to_json(self) -> dict:
        """Plain values, as `FineParserConfig(**values)` takes them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict) -> "FineParserConfig":
        """The configuration in a dictionary of plain values; an unknown name is refused.

        Raises:
            ValueError: for an unknown name or an impossible combination.
        """
        known = {field.name for field in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(
                f"unknown configuration {', '.join(unknown)}; this version knows {', '.join(sorted(known))}"
            )
        return cls(**values)
