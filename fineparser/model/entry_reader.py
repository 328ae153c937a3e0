"""What the drawn entry tells: of each fault what it cost, and the award."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import ENTRY_READINGS, FineParserConfig
from fineparser.model.entry_painter import LAYERS
from fineparser.model.entry_scene import OFFSETS, SCENE_MEASURES
from fineparser.model.focus_decoder import normed_convolution

DEDUCTION_SPREAD = (0.19, 0.17, 0.19, 0.26, 0.18, 0.18, 0.11, 0.19, 0.42, 0.23, 0.21, 0.08, 0.25)
"""Standard deviation of each deduction over 9,000 drawn dives, awards, in the order of the simulator's prices."""
AWARD_MIDDLE, AWARD_SPREAD = 7.0, 1.3
"""About the mean award, and the standard deviation of awards."""
EXTENTS = 10
"""Numbers by which `extents` sums up a layer."""
CHANNELS = (16, 32, 48, 64)
MAP_CHANNELS = 48
LOOKS = 4
"""Ways in which the moments are weighed."""
FAINT = 0.06
"""What of a layer is below that counts as nothing."""
EDGES = (0.03, 0.15, 0.5)
"""Shares of a layer that lie above the heights by which it is measured."""
SHARPNESS = 40
"""How sharply rows count as above a height or below it."""
_TINY = 1e-3


class EntryReader(nn.Module):
    """Sixteen drawn squares to numbers, which are compared with an exemplar's (not in the paper).

    layers [3, 48, 48] --> convolutions, extents \\
                                                  + --> moments [16, 96] --> along time --> weighed --> readings [14]
    maps [72, 12, 12] ----> convolutions --------/

    The readings are what each fault of the simulator's prices cost, in its standard deviations, and how far the award
    is off the usual one, in its own; see `in_awards`.
    """

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        width, cells = config.entry_width, (config.focus_size // 16) ** 2
        first, second, third, last = CHANNELS
        self.layers = nn.Sequential(
            *normed_convolution(len(LAYERS), first, 2),
            *normed_convolution(first, second, 2),
            *normed_convolution(second, third),
            *normed_convolution(third, last, 2),
        )
        self.from_layers = nn.Linear(last * cells, width)
        self.extent_norm = nn.BatchNorm1d(len(LAYERS) * EXTENTS)
        self.from_extents = nn.Linear(len(LAYERS) * EXTENTS, width)
        self.map_dropout = nn.Dropout2d(config.token_dropout / 4)
        self.maps = nn.Sequential(
            nn.Conv2d(config.entry_channels[-2], MAP_CHANNELS, 1),
            nn.BatchNorm2d(MAP_CHANNELS),
            nn.ReLU(),
            *normed_convolution(MAP_CHANNELS, last, 2),
        )
        self.from_maps = nn.Linear(last * cells, width)
        self.norm = nn.LayerNorm(width)
        self.around = nn.Conv1d(width + 2, width, 3, padding=1)
        self.further = nn.Conv1d(width, width, 3, padding=1)
        self.weigh = nn.Linear(width, LOOKS)
        self.sum_up = nn.Linear((LOOKS + 1) * width + SCENE_MEASURES, width)
        self.read = nn.Linear(width, ENTRY_READINGS)
        self.dropout = nn.Dropout(config.token_dropout)

    def forward(self, layers: Tensor, maps: Tensor, inside: Tensor, measures: Tensor) -> Tensor:
        """Readings [B, 14] of B entries.

        Args:
            layers: [B, 16, 3, S / 2, S / 2], 0 to 1.
            maps: [B, 16, C, S / 8, S / 8], of `EntryPainter`.
            inside: bool [B, 16], False for moments after the clip's end.
            measures: [B, 3], see `EntryScene.measures`.
        """
        flat = layers.flatten(0, 1)
        moments = self.from_layers(self.dropout(self.layers(flat).flatten(1)))
        moments = moments + self.from_extents(self.extent_norm(extents(flat)))
        of_maps = self.maps(self.map_dropout(maps.flatten(0, 1)))
        moments = moments + self.from_maps(self.dropout(of_maps.flatten(1)))
        moments = functional.gelu(self.norm(moments.unflatten(0, inside.shape)))  # [B, 16, width]
        known = inside.to(moments.dtype)
        when = torch.linspace(-1, 1, len(OFFSETS), device=moments.device).expand_as(known)
        along = torch.cat([moments, known[..., None], when[..., None]], dim=-1).transpose(1, 2)
        along = functional.gelu(self.around(along))
        along = functional.gelu(along + self.further(self.dropout(along))).transpose(1, 2)
        weights = self.weigh(along).masked_fill(~inside[..., None], -1e4).softmax(1)  # [B, 16, 4]
        weighed = (weights[..., None] * along[:, :, None]).sum(1).flatten(1)
        mean = (along * known[..., None]).sum(1) / known.sum(1, keepdim=True).clamp_min(1)
        whole = functional.gelu(self.sum_up(self.dropout(torch.cat([weighed, mean, measures], dim=1))))
        return self.read(self.dropout(whole))


def in_awards(read: Tensor) -> Tensor:
    """Readings [..., 14] as awards: what each fault cost, and the award."""
    spread = read.new_tensor((*DEDUCTION_SPREAD, AWARD_SPREAD))
    usual = read.new_tensor((*(0.0 for _ in DEDUCTION_SPREAD), AWARD_MIDDLE))
    return read * spread + usual


def extents(layers: Tensor) -> Tensor:
    """How much there is of each layer [N, C, h, w], where it lies and how far it reaches, [N, C * 10] in 32 bits.

    A sum of faint pixels is no splash, so what is fainter than `FAINT` is left out. Heights below which a layer begins
    are soft: the share of rows above which less than so much of it lies.
    """
    layers = (layers.float() - FAINT).clamp_min(0)
    rows, columns = layers.sum(3), layers.sum(2)
    down, across = (torch.linspace(0, 1, some.shape[-1], device=layers.device) for some in (rows, columns))
    area = layers.sum((2, 3))
    whole = area.clamp_min(_TINY)
    pixels = layers.shape[2] * layers.shape[3]

    def lies(profile: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
        mean = (profile * places).sum(-1) / whole
        variance = (profile * places.square()).sum(-1) / whole - mean.square()
        return mean, variance.clamp_min(1e-5).sqrt().log()

    def reaches(profile: Tensor, share: float) -> Tensor:
        return torch.sigmoid((share - profile.cumsum(-1) / whole[..., None]) * SHARPNESS).mean(-1)

    (row, tall), (column, wide) = lies(rows, down), lies(columns, across)
    numbers = [
        (area / pixels + 1e-4).log() / 2,
        (layers.square().sum((2, 3)) / pixels + 1e-4).log() / 2,
        row,
        column,
        tall,
        wide,
        *(reaches(rows, edge) for edge in EDGES),
        reaches(columns, 0.95) - reaches(columns, 0.05),
    ]
    return torch.stack(numbers, -1).flatten(1)
