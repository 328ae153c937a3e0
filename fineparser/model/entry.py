"""The entry branch: what judges see last and weigh most, by a path of its own (not in the paper).

masks, transitions, camera motion --> EntryCrops --> stabilised crops [B, 16, 3, 96, 96]
                                          |
                                    EntrySegmenter --> layers [B, 16, 3, 48, 48], maps [B, 16, 72, 12, 12]
                                          |
                                    FaultHead --> deductions and award [B, 14]
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.domain.clip_geometry import LAYERS
from fineparser.model.chunks import ENTRY_CHANNELS, chunks
from fineparser.model.config import ENTRY_SCORES, CompactConfig
from fineparser.model.crop_track import CropTrack
from fineparser.model.crop_unet import CropUNet, convolution_block
from fineparser.model.protocol import ClipInput, EntryPlaces, pixel_values

FRAME_OFFSETS = (-5, -3, -1, 0, 1, 2, 3, 4, 6, 8, 10, 12, 15, 18, 21, 24)
"""Frames of the entry crops, from the touch (the first frame of the entry): water rises fast and sinks slowly."""
FRAMES_BEFORE, FRAMES_AFTER = 5, 4
"""Frames before the touch in which the diver is measured, and from it on in which the place of the entry is located."""
MASK_THRESHOLD = 0.5
"""Probability from which on a pixel belongs to the diver."""
MIN_PIXELS = 4
"""Pixels of the diver without which a frame does not count."""
MIN_MEDIAN_FRAMES = 4
"""Frames whose median is taken at least, even if some repeat the clip's last one."""
DEFAULT_LENGTH = 20 / 112
"""Length of a diver who is not visible, in sides of the frame."""
LENGTH_PERCENTILES = (2, 98)
"""Percentiles of the diver's rows and columns between which the length is measured."""
LOWEST_PERCENTILE = 92
"""Percentile of the diver's rows from which on they touch the water."""
RAISED = 0.35
"""Lengths of the diver by which the crops are raised above the water: the splash is above it."""
MIN_FLIGHT = 3
"""Frames that a flight counts at least."""
ENTRY_MEASURES = 3
"""Numbers beside the crops, see `EntryCrops.measures`."""

DIFFERENCE_UNIT, CHANGE_UNIT, COLOUR_UNIT = 32, 24, 64
"""Levels of 255 that count 1: of signed differences from the background and from neighbours, of absolute differences,
of colourfulness."""

DEDUCTION_SPREAD = {
    "low": 0.19,
    "lean": 0.17,
    "distance": 0.19,
    "loose": 0.26,
    "bent_knees": 0.18,
    "split_legs": 0.18,
    "unpointed": 0.11,
    "late": 0.19,
    "entry": 0.42,
    "twist": 0.23,
    "crooked": 0.21,
    "wobble": 0.08,
    "splash": 0.25,
}
"""Standard deviation of the deduction of each fault over 9,000 simulated dives, awards, as the judges of the weights'
training made them. The order is that of the outputs of `FaultHead`; later faults have none."""
MEAN_AWARD, AWARD_SPREAD = 7.0, 1.3
"""About the mean and the standard deviation of awards."""

EXTENTS = 10
"""Numbers of `extents` for a layer."""
HEAD_CHANNELS = (16, 32, 48, 64)
MAP_CHANNELS = 48
ATTENTION_WEIGHTS = 4
"""Weighted means over the frames of an entry."""
MIN_COVERAGE = 0.06
"""Coverage of a layer that counts as none."""
EXTENT_SHARES = (0.03, 0.15, 0.5)
"""Shares of a layer above the rows by which its height is measured."""
SHARPNESS = 40
"""Steepness of the soft comparison of a row with such a share."""
_TINY = 1e-3


@dataclass(frozen=True)
class EntryCrops:
    """Sixteen crops of each of B clips, over the place of the entry and as large as the diver, who is measured there.

    The camera motion is removed: only the diver and the water move in them. Lengths are shares of the frame's side.
    """

    frames: Tensor
    """int64 [B, 16]: indices of the frames, see `FRAME_OFFSETS`; beyond the clip its first or last frame."""
    track: CropTrack
    """Centres [B, 16, 2] and half sides [B, 16] of the crops."""
    length: Tensor
    """float64 [B]: length of the diver before the touch."""
    flight_frames: Tensor
    """int64 [B]: frames from the take-off to the touch."""
    frames_left: Tensor
    """int64 [B]: frames from the touch to the clip's last."""

    @classmethod
    @torch.no_grad()
    def from_masks(
        cls, masks: Tensor, transitions: Tensor, camera_motion: tuple[Tensor, Tensor], frame_size: int
    ) -> Self:
        """Locate the entries of B clips.

        Args:
            masks: [B, T, h, h], probabilities of the diver.
            transitions: int64 [B, 2], first frame of the flight, and of the entry.
            camera_motion: motions [B, T, 3, 3] and shots [B, T], see `ClipInput`.
            frame_size: height and width of the frames whose pixels the motions refer to.
        """
        count, side, last = len(masks), masks.shape[-1], masks.shape[1] - 1
        device, clips = masks.device, torch.arange(count, device=masks.device)[:, None]
        take_off, touch = transitions.long().unbind(1)
        motions, shots = camera_motion
        motions = _in_mask_pixels(motions, frame_size / side)
        inverses = torch.linalg.inv(motions)
        at_touch = motions[clips[:, 0], touch], inverses[clips[:, 0], touch]

        offsets = torch.arange(-FRAMES_BEFORE, FRAMES_AFTER, device=device)
        window = touch[:, None] + offsets
        in_clip, window = (window >= 0) & (window <= last), window.clamp(0, last)
        diver = masks.detach().float()[clips, window] >= MASK_THRESHOLD  # [B, 9, h, w]
        visible = in_clip & (diver.sum((2, 3)) >= MIN_PIXELS)

        rows, columns = diver.sum(3), diver.sum(2)
        low, high = LENGTH_PERCENTILES
        lengths = torch.hypot(*(_percentile(some, high) - _percentile(some, low) for some in (rows, columns)))
        length = _median_where(lengths[..., None], visible & (offsets <= 0))[:, 0].nan_to_num(DEFAULT_LENGTH * side)

        indices = torch.arange(side, device=device, dtype=torch.float64)
        below = indices >= _percentile(rows, LOWEST_PERCENTILE)[..., None]  # [B, 9, h]
        lowest = (diver & below[..., None]).sum(2).double()  # pixels by column
        column = (lowest * indices).sum(-1) / lowest.sum(-1).clamp_min(1)
        row = ((rows > 0) * indices).amax(-1)
        points = torch.stack([column, row, torch.ones_like(row)], dim=-1)[..., None]
        points = (at_touch[0][:, None] @ inverses[clips, window] @ points)[..., 0]
        same_shot = shots[clips, window] == shots[clips, touch[:, None]]
        place = _median_where(points, visible & (offsets >= 0) & same_shot)
        place = place.where(place.isfinite(), place.new_tensor([side / 2, side / 2, 1.0]))

        frames, _ = entry_frames(touch, last)
        steps = motions[clips, frames] @ at_touch[1][:, None]
        known = shots[clips, frames] == shots[clips, touch[:, None]]
        steps = steps.where(known[..., None, None], torch.eye(3, dtype=steps.dtype, device=device))
        scale = torch.linalg.det(steps[..., :2, :2]).abs().sqrt()
        x, y, _ = (steps @ place[:, None, :, None])[..., 0].unbind(-1)
        sizes = length[:, None] * scale
        centre = torch.stack([(x + 0.5) / side - 0.5, (y - RAISED * sizes + 0.5) / side - 0.5], dim=-1)
        track = CropTrack(centre.float(), (sizes / side).float())
        return cls(frames, track, length / side, touch - take_off, last - touch)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def inside(self) -> Tensor:
        """bool [B, 16]: False for frames after the clip's end."""
        return entry_frames(torch.zeros_like(self.frames_left), self.frames_left[:, None])[1]

    @property
    def measures(self) -> Tensor:
        """float32 [B, 3]: length of the flight, of the diver, and of the clip after the touch; each about -1 to 1."""
        flight = (self.flight_frames.clamp_min(MIN_FLIGHT) / 30).double().log()
        length = (self.length * 112 / 45).log()
        return torch.stack([flight, length, (self.frames_left - 25) / 15], dim=1).float()

    def crop(self, frames: Tensor, size: int, margin: float = 1.0) -> tuple[Tensor, Tensor]:
        """Cut the crops out of clips.

        Args:
            frames: [B, 3, T, H, W], normalised.
            size: S.
            margin: sides of the crops over those of the track.

        Returns:
            Crops [B, 16, 3, S, S], whole numbers from 0 to 255, black beyond the frames; and the median
            [B, 3, S, S] of those inside the clip: the background, mostly.
        """
        by_frame = frames.transpose(1, 2)[torch.arange(len(self), device=frames.device)[:, None], self.frames]
        return self.crop_pixels(pixel_values(by_frame), size, margin)

    def crop_pixels(self, frames: Tensor, size: int, margin: float = 1.0) -> tuple[Tensor, Tensor]:
        """The same out of the sixteen frames [B, 16, 3, H, W] of each clip, as pixel values from 0 to 255."""
        with torch.autocast(frames.device.type, enabled=False):  # half precision would round the pixel values
            crops = self.track.enlarge(margin).crop(frames.transpose(1, 2).float(), size).round().clamp(0, 255)
        crops = crops.unflatten(0, self.frames.shape)
        count = self.inside.sum(1).clamp_min(MIN_MEDIAN_FRAMES)
        number = torch.arange(len(FRAME_OFFSETS), device=frames.device)
        beyond = number >= count[:, None]
        ordered = crops.masked_fill(beyond[..., None, None, None], torch.inf).sort(1).values
        return crops, ordered[torch.arange(len(self), device=frames.device), count // 2]


def entry_frames(touch: Tensor, last: int | Tensor) -> tuple[Tensor, Tensor]:
    """Frames of the entry crops of touches [B]: indices int64 [B, 16], beyond the clip 0 or its `last` one; and False
    for those after the clip's end, bool [B, 16]."""
    frames = touch[:, None] + torch.tensor(FRAME_OFFSETS, device=touch.device)
    last = torch.as_tensor(last, device=touch.device)
    return torch.minimum(frames, last).clamp_min(0), frames <= last


def required_frames(touch: int, last: int) -> list[int]:
    """Frames on which the entry crops of a clip depend, in order."""
    frames, _ = entry_frames(torch.tensor([touch]), last)
    window = range(max(0, touch - FRAMES_BEFORE), min(touch + FRAMES_AFTER, last + 1))
    return sorted({*frames[0].tolist(), *window})


def _in_mask_pixels(motions: Tensor, pixel: float) -> Tensor:
    """Motions [..., 3, 3] in the pixels of masks, each of which is `pixel` pixels of the frames wide; whole numbers are
    centres of pixels in both."""
    offset = (1 / pixel - 1) / 2
    scaling = motions.new_tensor([[1 / pixel, 0, offset], [0, 1 / pixel, offset], [0, 0, 1]])
    return scaling @ motions @ torch.linalg.inv(scaling)


def _percentile(counts: Tensor, percent: float) -> Tensor:
    """Percentile [...] of indices 0 to N - 1 that occur `counts` [..., N] times, between two of them linearly."""
    cumulative = counts.cumsum(-1)
    position = (cumulative[..., -1:] - 1).clamp_min(0) * (percent / 100.0)
    below = position.floor()
    low, high = ((cumulative <= rank).sum(-1).double() for rank in (below, below + 1))
    high = high.minimum(_last_index(counts))
    return low + (high - low) * (position - below)[..., 0]


def _last_index(counts: Tensor) -> Tensor:
    """Largest index that occurs, [...]."""
    return ((counts > 0) * torch.arange(counts.shape[-1], device=counts.device)).amax(-1).double()


def _median_where(values: Tensor, valid: Tensor) -> Tensor:
    """Median [B, C] of values [B, N, C] over those that are valid [B, N]; NaN where none is."""
    return values.masked_fill(~valid[..., None], torch.nan).nanquantile(0.5, dim=1)


class EntrySegmenter(nn.Module):
    """Segments body, flying water and foam in `EntryCrops`.

    crop [12, 96, 96] -- CropUNet --> 1/8, maps for the fault head
                                 \\--> 1/2 -- 3x3 --> body, flying water and foam [3, 48, 48]

    The deduction of a splash is one number a dive, from which thousands of dives teach a network little about splashes.
    Simulated dives have labels of water and foam for every pixel.
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.unet = CropUNet(ENTRY_CHANNELS, config.entry_channels, extra_convolutions=2)
        self.output = nn.Conv2d(config.entry_channels[0], len(LAYERS), 3, padding=1)

    def forward(self, crops: Tensor, chunk: int | None = None) -> tuple[Tensor, Tensor]:
        """Crops [N, 12, S, S], see `channels`, `chunk` at once -> logits of the layers [N, 3, S / 2, S / 2] and maps
        [N, C, S / 8, S / 8], both in 32 bits."""
        outputs = [self._segment(some) for some in chunks(crops, chunk)]
        layers, maps = (torch.cat(some) for some in zip(*outputs, strict=True))
        return layers, maps

    def _segment(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.unet(crops, self.output.weight.dtype)
        return self.output(maps[-1]).float(), maps[0].float()

    @staticmethod
    def channels(crops: Tensor, median: Tensor) -> Tensor:
        """Input of the segmenter for the crops of B entries, float32 [B * 16, 12, S, S], each channel about -1 to 1.

        Args:
            crops: [B, 16, 3, S, S], 0 to 255; black beyond the frames.
            median: [B, 3, S, S], of each entry.
        """
        before = torch.cat([crops[:, :1], crops[:, :-1]], dim=1)
        after = torch.cat([crops[:, 1:], crops[:, -1:]], dim=1)
        offsets = torch.tensor(FRAME_OFFSETS, device=crops.device).repeat(len(crops))
        medians = median[:, None].expand_as(crops).flatten(0, 1)
        return EntrySegmenter.channels_of_frames(
            crops.flatten(0, 1), before.flatten(0, 1), after.flatten(0, 1), medians, offsets
        )

    @staticmethod
    def channels_of_frames(crops: Tensor, before: Tensor, after: Tensor, median: Tensor, offsets: Tensor) -> Tensor:
        """The same for N crops [N, 3, S, S] with their neighbours in time, at offsets [N] in frames."""
        crops, before, after, median = (some.float() for some in (crops, before, after, median))
        inside = (crops > 1).any(1, keepdim=True).float()
        difference = crops - median
        time = (offsets.float() / 12).view(-1, 1, 1, 1).expand_as(inside)
        return torch.cat(
            [
                crops / 127.5 - 1,
                difference / DIFFERENCE_UNIT * inside,
                (crops - before).mean(1, keepdim=True) / DIFFERENCE_UNIT,
                (crops - after).mean(1, keepdim=True) / DIFFERENCE_UNIT,
                inside * 2 - 1,
                time,
                (difference.abs().mean(1, keepdim=True) / CHANGE_UNIT).clamp_max(3),
                (crops.amax(1, keepdim=True) - crops.amin(1, keepdim=True)) / COLOUR_UNIT,
            ],
            dim=1,
        )


class FaultHead(nn.Module):
    """Predicts deductions and award from the segmented crops of an entry.

    layers [3, 48, 48] --> convolutions, extents --+
                                                   +--> frames [16, 96] --> over time --> attention --> outputs [14]
    maps [72, 12, 12] ---> convolutions -----------+

    The outputs are the deduction of each fault, in its standard deviations, and the award minus the mean one, in its
    own; see `in_awards`.
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        width, cells = config.entry_width, (config.crop_size // 16) ** 2
        first, second, third, last = HEAD_CHANNELS
        self.layers = nn.Sequential(
            *convolution_block(len(LAYERS), first, 2),
            *convolution_block(first, second, 2),
            *convolution_block(second, third),
            *convolution_block(third, last, 2),
        )
        self.from_layers = nn.Linear(last * cells, width)
        self.extent_norm = nn.BatchNorm1d(len(LAYERS) * EXTENTS)
        self.from_extents = nn.Linear(len(LAYERS) * EXTENTS, width)
        self.map_dropout = nn.Dropout2d(config.token_dropout / 4)
        self.maps = nn.Sequential(
            nn.Conv2d(config.entry_channels[-2], MAP_CHANNELS, 1),
            nn.BatchNorm2d(MAP_CHANNELS),
            nn.ReLU(),
            *convolution_block(MAP_CHANNELS, last, 2),
        )
        self.from_maps = nn.Linear(last * cells, width)
        self.norm = nn.LayerNorm(width)
        self.over_time = nn.Conv1d(width + 2, width, 3, padding=1)
        self.over_time_again = nn.Conv1d(width, width, 3, padding=1)
        self.attention = nn.Linear(width, ATTENTION_WEIGHTS)
        self.summary = nn.Linear((ATTENTION_WEIGHTS + 1) * width + ENTRY_MEASURES, width)
        self.output = nn.Linear(width, ENTRY_SCORES)
        self.dropout = nn.Dropout(config.token_dropout)

    def forward(self, layers: Tensor, maps: Tensor, inside: Tensor, measures: Tensor) -> Tensor:
        """Outputs [B, 14] of B entries.

        Args:
            layers: [B, 16, 3, S / 2, S / 2], 0 to 1.
            maps: [B, 16, C, S / 8, S / 8], of `EntrySegmenter`.
            inside: bool [B, 16], False for frames after the clip's end.
            measures: [B, 3], see `EntryCrops.measures`.
        """
        flat = layers.flatten(0, 1)
        frames = self.from_layers(self.dropout(self.layers(flat).flatten(1)))
        frames = frames + self.from_extents(self.extent_norm(extents(flat)))
        of_maps = self.maps(self.map_dropout(maps.flatten(0, 1)))
        frames = frames + self.from_maps(self.dropout(of_maps.flatten(1)))
        frames = functional.gelu(self.norm(frames.unflatten(0, inside.shape)))  # [B, 16, width]
        valid = inside.to(frames.dtype)
        time = torch.linspace(-1, 1, len(FRAME_OFFSETS), device=frames.device).expand_as(valid)
        x = torch.cat([frames, valid[..., None], time[..., None]], dim=-1).transpose(1, 2)
        x = functional.gelu(self.over_time(x))
        x = functional.gelu(x + self.over_time_again(self.dropout(x))).transpose(1, 2)
        weights = self.attention(x).masked_fill(~inside[..., None], -1e4).softmax(1)  # [B, 16, 4]
        weighted = (weights[..., None] * x[:, :, None]).sum(1).flatten(1)
        mean = (x * valid[..., None]).sum(1) / valid.sum(1, keepdim=True).clamp_min(1)
        whole = functional.gelu(self.summary(self.dropout(torch.cat([weighted, mean, measures], dim=1))))
        return self.output(self.dropout(whole))


def in_awards(outputs: Tensor) -> Tensor:
    """Outputs [..., 14] of `FaultHead` in awards: the deduction of each fault, and the award."""
    spread = outputs.new_tensor((*DEDUCTION_SPREAD.values(), AWARD_SPREAD))
    mean = outputs.new_tensor((*(0.0 for _ in DEDUCTION_SPREAD), MEAN_AWARD))
    return outputs * spread + mean


def extents(layers: Tensor) -> Tensor:
    """Area, position and extent of layers [N, C, h, w]: [N, C * 10] in 32 bits.

    Coverage below `MIN_COVERAGE` is left out: a sum of faint pixels is no splash. The heights at which a layer begins
    are soft: the share of rows above which less than a given share of the layer lies.
    """
    layers = (layers.float() - MIN_COVERAGE).clamp_min(0)
    rows, columns = layers.sum(3), layers.sum(2)
    down, across = (torch.linspace(0, 1, some.shape[-1], device=layers.device) for some in (rows, columns))
    area = layers.sum((2, 3))
    whole = area.clamp_min(_TINY)
    pixels = layers.shape[2] * layers.shape[3]

    def mean_and_spread(profile: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        mean = (profile * positions).sum(-1) / whole
        variance = (profile * positions.square()).sum(-1) / whole - mean.square()
        return mean, variance.clamp_min(1e-5).sqrt().log()

    def position_of(profile: Tensor, share: float) -> Tensor:
        return torch.sigmoid((share - profile.cumsum(-1) / whole[..., None]) * SHARPNESS).mean(-1)

    (row, height), (column, width) = mean_and_spread(rows, down), mean_and_spread(columns, across)
    numbers = [
        (area / pixels + 1e-4).log() / 2,
        (layers.square().sum((2, 3)) / pixels + 1e-4).log() / 2,
        row,
        column,
        height,
        width,
        *(position_of(rows, share) for share in EXTENT_SHARES),
        position_of(columns, 0.95) - position_of(columns, 0.05),
    ]
    return torch.stack(numbers, -1).flatten(1)


@dataclass(frozen=True)
class EntryPrediction:
    """The entries of B clips, as the branch sees them."""

    scores: Tensor
    """[B, 14]: outputs of `FaultHead`."""
    crops: Tensor
    """[B, 16, 3, 96, 96], whole numbers from 0 to 255."""
    layers: Tensor
    """[B, 16, 3, 48, 48], 0 to 1: body, flying water and foam."""
    places: EntryPlaces


class EntryBranch(nn.Module):
    """Crops, segments and judges the entry of each clip; see the drawing above."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.crop_size = config.crop_size
        self.segmenter = EntrySegmenter(config)
        self.fault_head = FaultHead(config)

    def forward(self, clip: ClipInput, masks: Tensor, transitions: Tensor, chunk: int | None = None) -> EntryPrediction:
        """Predict from B clips; the outputs are the mean of those of the segmented crops and of their mirror images.

        Args:
            clip: with its camera motion.
            masks: [B, 96, 112, 112], probabilities of the diver.
            transitions: int64 [B, 2].
            chunk: crops that are computed at once; None: all.
        """
        entry = EntryCrops.from_masks(masks, transitions, clip.require_camera_motion(), clip.frames.shape[-1])
        crops, median = entry.crop(clip.frames, self.crop_size)
        layers, maps = self.segment(crops, median, chunk)
        views = (layers, maps), (layers.flip(-1), maps.flip(-1))
        scores = torch.stack([self.fault_head(*view, entry.inside, entry.measures) for view in views]).mean(0)
        place = torch.cat([entry.track.centre, entry.track.half_side[..., None]], dim=-1)
        places = EntryPlaces(frames=entry.frames, inside=entry.inside, crops=place)
        return EntryPrediction(scores, crops, layers, places)

    def segment(self, crops: Tensor, median: Tensor, chunk: int | None = None) -> tuple[Tensor, Tensor]:
        """Layers [B, 16, 3, 48, 48], 0 to 1, and maps [B, 16, C, 12, 12] of crops [B, 16, 3, 96, 96] with their median
        [B, 3, 96, 96]."""
        channels = EntrySegmenter.channels(crops, median)
        layers, maps = (values.unflatten(0, (len(crops), -1)) for values in self.segmenter(channels, chunk))
        return layers.sigmoid(), maps
