"""Configurations of the two networks: everything that fixes their shapes and rules."""

from dataclasses import asdict, dataclass, fields
from typing import ClassVar, Self

from fineparser.domain.clip_geometry import LANDMARKS
from fineparser.plain_values import check_names, check_types, excerpt

KEYPOINTS = len(LANDMARKS)
"""Keypoints of `CropDecoder`."""
POSE_FEATURES = 31
"""Numbers that describe how these keypoints lie to each other, see `fineparser.model.crop_decoder`."""
MASK_MEASURES = 9
"""Numbers that describe where and how the mask of a frame lies, see `CropTrack.measures`."""
UNET_LEVELS = 4
"""Levels of `MaskRefiner` and of `EntrySegmenter`."""
ENTRY_SCORES = 14
"""Outputs of `FaultHead`: the deduction of each of the thirteen faults of `DEDUCTION_SPREAD`, and the award."""
UNIT_DIFFICULTY = 3.0
"""Degree of difficulty at which the differences of `CompactFineParser` are points; about the mean of competitions."""
TOKENS_PER_PHASE = 4
"""Tokens of a phase in the static branch, and in both branches of `CompactFineParser`."""
TRANSITION_RULES = ("windowed", "ordered")

LIMITS: dict[str, tuple[float, float]] = {
    "clip_frames": (4, 1024),
    "window_frames": (4, 256),
    "window_stride": (1, 256),
    "image_size": (16, 1024),
    "i3d_width": (0.01, 4),
    "side_channels": (1, 1024),
    "resnet_blocks": (1, 64),
    "resnet_channels": (1, 4096),
    "attention_layers": (1, 64),
    "attention_heads": (1, 64),
    "phase_weights": (0, 100),
    "temporal_channels": (1, 4096),
    "crop_scale": (1, 16),
    "crop_size": (32, 1024),
    "track_width": (1, 4096),
    "token_dropout": (0, 0.99),
    "refiner_channels": (1, 4096),
    "entry_channels": (1, 4096),
    "entry_width": (1, 4096),
    "motion_width": (0, 4096),
}
"""Lowest and highest value of each number of a configuration, and of each number of a list."""
MAX_LIST_LENGTH = 16
"""Numbers in a list."""


@dataclass(frozen=True)
class NetworkConfig:
    """The fields that both networks have."""

    # Input
    clip_frames: int = 96
    """Frames sampled from a dive."""
    window_frames: int = 16
    """Frames that the I3D sees at once."""
    window_stride: int = 10
    """Frames between the starts of two windows; windows overlap."""
    image_size: int = 112
    """Height and width in pixels of the frames of a window, and of the masks."""

    # Backbones
    i3d_width: float = 1.0
    """Factor on every channel count of an I3D; 1 is the published 1024 features."""
    side_channels: int = 16
    """Channels of each of the four side features that the mask is fused from."""
    resnet_blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    """Residual blocks of the four stages of the ResNet over single frames; (3, 4, 6, 3) is ResNet-34."""
    resnet_channels: tuple[int, int, int, int] = (64, 128, 256, 512)
    """Channels of its four stages; the last divided by 8 is the width of all tokens."""

    # Fine-grained contrastive regression
    attention_layers: int = 3
    """Cross-attention blocks in each of the four decoders."""
    attention_heads: int = 8
    """Heads of each block; they divide the width of the tokens."""
    phase_weights: tuple[float, ...] = (0.3, 0.5, 0.2)
    """Weights of take-off, flight and entry in the score difference (the paper's lambda)."""

    def __post_init__(self) -> None:
        self._check_values()
        if self.window_frames > self.clip_frames or (self.clip_frames - self.window_frames) % self.window_stride:
            raise ValueError(
                f"windows of {self.window_frames} frames at stride {self.window_stride} do not end with a clip of "
                f"{self.clip_frames} frames; choose numbers where (clip - window) is a multiple of the stride"
            )
        if self.image_size % 16 or self.window_frames % 4:
            raise ValueError(
                f"the side outputs need an image size divisible by 16 and windows divisible by 4, got "
                f"{self.image_size} pixels and {self.window_frames} frames"
            )
        if self.token_width * 8 != self.resnet_channels[-1] or self.token_width % self.attention_heads:
            raise ValueError(
                f"the last ResNet stage has {self.resnet_channels[-1]} channels: they must be 8 times a token width "
                f"that {self.attention_heads} attention heads divide"
            )
        if len(self.phase_weights) != self.phase_count:
            raise ValueError(f"{len(self.phase_weights)} phase weights for {self.phase_count} phase(s): give one each")

    def _check_values(self) -> None:
        """Refuse values of another type or out of range, before anything is computed from them."""
        for field in fields(self):  # JSON has no tuples
            if isinstance(value := getattr(self, field.name), list):
                object.__setattr__(self, field.name, tuple(value))
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        check_types(values, {field.name: field for field in fields(self)})
        for name, value in values.items():
            numbers = value if isinstance(value, tuple) else (value,)
            if len(numbers) > MAX_LIST_LENGTH:
                raise ValueError(f"{name} has {len(numbers)} numbers, at most {MAX_LIST_LENGTH} are possible")
            if name not in LIMITS:
                continue
            lowest, highest = LIMITS[name]
            if wrong := [number for number in numbers if not lowest <= number <= highest]:
                raise ValueError(f"{name} is from {lowest:g} to {highest:g}, not {excerpt(wrong[0])}")

    @property
    def input_size(self) -> int:
        """Height and width in pixels of the frames that `encode` takes."""
        return self.image_size * self.input_scale

    @property
    def input_scale(self) -> int:
        """`input_size` over `image_size`."""
        return 1

    @property
    def window_starts(self) -> tuple[int, ...]:
        """First frame of each window."""
        return tuple(range(0, self.clip_frames - self.window_frames + 1, self.window_stride))

    @property
    def phase_count(self) -> int:
        """3: take-off, flight, entry."""
        return 3

    @property
    def feature_width(self) -> int:
        """Width of the feature of a window: 1024 in the paper."""
        return sum(self.i3d_channels(channels) for channels in (384, 384, 128, 128))

    @property
    def token_width(self) -> int:
        """Width of the tokens that cross-attention compares: 64 in the paper."""
        return self.resnet_channels[-1] // 8

    @property
    def encoding_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each field of the encoding of one clip, see `fineparser.model.protocol.Encoding`."""
        return {"transition_probabilities": (self.clip_frames, 2), "transitions": (2,)}

    def i3d_channels(self, published: int) -> int:
        """The published channel count times `i3d_width`, as a multiple of 8."""
        return max(8, round(published * self.i3d_width / 8) * 8)

    def to_json(self) -> dict[str, object]:
        """Plain values, as the class takes them back."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict) -> Self:
        """Configuration from a dictionary of plain values.

        Raises:
            ValueError: for an unknown name or an impossible combination.
        """
        check_names(values, [field.name for field in fields(cls)], cls.__name__)
        return cls(**values)


@dataclass(frozen=True)
class FineParserConfig(NetworkConfig):
    """Configuration of `FineParser`; its defaults are the published network (Xu et al., CVPR 2024).

    You will most likely change only the ablations.
    """

    temporal_channels: tuple[int, ...] = (12, 24, 48, 96)
    """Channels, with time as the channel axis, of the temporal parser's first levels; the last has one a frame."""
    transition_rule: str = "windowed"
    """How probabilities become two transitions, see `decode_transitions`; "windowed" is the paper's."""

    # Ablations of the paper
    spatial_gate: bool = True
    """Multiply window features by the sigmoid of the spatial parser's."""
    static_branch: bool = True
    """Compare the features of single frames as well."""
    temporal_parsing: bool = True
    """Divide the clip into phases at the transitions; off: the whole clip is a single phase."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.transition_rule not in TRANSITION_RULES:
            rules = ", ".join(TRANSITION_RULES)
            raise ValueError(f"transition_rule {excerpt(self.transition_rule)} is not one of {rules}")

    @property
    def phase_count(self) -> int:
        """3 (take-off, flight, entry), or 1 without temporal parsing."""
        return 3 if self.temporal_parsing else 1

    @property
    def encoding_shapes(self) -> dict[str, tuple[int, ...]]:
        """Window features, and the tokens of the static branch where there is one."""
        shapes = super().encoding_shapes | {"dynamic": (len(self.window_starts), self.feature_width)}
        if self.static_branch:
            shapes["static"] = (self.phase_count, TOKENS_PER_PHASE, self.token_width)
        return shapes

    @classmethod
    def tiny(cls) -> Self:
        """The smallest network of this architecture, for tests."""
        return cls(
            image_size=32,
            i3d_width=0.125,
            side_channels=4,
            resnet_blocks=(1, 1, 1, 1),
            resnet_channels=(8, 8, 16, 64),
            attention_layers=1,
            attention_heads=2,
        )


@dataclass(frozen=True)
class CompactConfig(NetworkConfig):
    """Configuration of `CompactFineParser`; its defaults are the bundled network, for two processor cores, without the
    motion head.

    The parameters you will most likely change are `refiner_channels` and `entry_channels`: without them the network
    has no mask refiner or no entry branch.
    """

    transition_rule: ClassVar[str] = "ordered"
    """The most probable pair; the paper's rule cannot put the entry into the first half of a clip."""

    i3d_width: float = 0.5
    side_channels: int = 24
    resnet_blocks: tuple[int, int, int, int] = (2, 2, 2, 2)
    resnet_channels: tuple[int, int, int, int] = (48, 96, 128, 256)
    attention_layers: int = 2
    attention_heads: int = 4

    crop_scale: int = 2
    """Frames come with so many times `image_size` pixels a side; crops are cut from them, windows see their means."""
    crop_size: int = 96
    """Height and width in pixels to which the crop around the diver is scaled."""
    track_width: int = 128
    """Channels of the convolutions over time."""
    token_dropout: float = 0.2
    """Dropout in phase pooling and in the fault head."""
    refiner_channels: tuple[int, ...] = (32, 48, 64, 96)
    """Channels of the four levels of `MaskRefiner`; empty: masks stay as the crop decoder outputs them."""
    entry_channels: tuple[int, ...] = (24, 48, 72, 112)
    """Channels of the four levels of `EntrySegmenter`; empty: no entry branch."""
    entry_width: int = 96
    """Features of a frame of the entry."""
    motion_width: int = 0
    """Channels of `MotionHead`, 128 in the bundled weights; 0: no motion head, until the task "motion" adds one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop_size % 32:
            raise ValueError(
                f"the crop decoder halves the crop five times: crop_size {self.crop_size} is no multiple of 32"
            )
        if self.phase_count != len(self.phase_weights):
            raise ValueError(f"three phases need three weights, not {len(self.phase_weights)}")
        for name in ("refiner_channels", "entry_channels"):
            if len(getattr(self, name)) not in (0, UNET_LEVELS):
                raise ValueError(f"{name} are those of {UNET_LEVELS} levels, or none: not {len(getattr(self, name))}")

    @property
    def encoding_shapes(self) -> dict[str, tuple[int, ...]]:
        """Tokens of both branches, and the scores of the entry where there is an entry branch."""
        tokens = (self.phase_count, TOKENS_PER_PHASE, self.token_width)
        entry = {"entry": (ENTRY_SCORES,)} if self.entry_channels else {}
        return super().encoding_shapes | {"dynamic": tokens, "static": tokens} | entry

    @property
    def input_scale(self) -> int:
        """`crop_scale`."""
        return self.crop_scale

    @property
    def crop_channels(self) -> int:
        """Channels of a crop: its colours, the mask, and the colours of the frames before and after."""
        return 3 + 1 + 3 + 3

    @property
    def frame_features(self) -> int:
        """Features of a crop: those of the ResNet, then x, y and spread of each keypoint."""
        return self.resnet_channels[-1] + 3 * KEYPOINTS

    @property
    def static_features(self) -> int:
        """Features of a frame without its neighbours: those of the crop and the pose."""
        return self.frame_features + POSE_FEATURES

    @property
    def track_parts(self) -> tuple[int, int, int]:
        """Widths of the parts of a track: static features, temporal features, measures of the mask."""
        return self.static_features, self.track_width, MASK_MEASURES

    @classmethod
    def tiny(cls) -> Self:
        """The smallest network of this architecture, for tests."""
        return cls(
            image_size=32,
            i3d_width=0.125,
            side_channels=4,
            crop_scale=1,
            crop_size=32,
            track_width=16,
            token_dropout=0.0,
            refiner_channels=(4, 4, 8, 8),
            entry_channels=(4, 4, 8, 8),
            entry_width=8,
            resnet_blocks=(1, 1, 1, 1),
            resnet_channels=(8, 8, 16, 64),
            attention_layers=1,
            attention_heads=2,
        )
