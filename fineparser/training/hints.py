"""What a network is asked about dives beside its own outputs, while it learns.

A score is one number a clip, and it takes thousands of clips before it tells a network that a splash matters. Simulated
dives know more: what each fault cost, and which phase each frame belongs to. Small readers on top of the features have
to tell that; they are thrown away with the training.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import FineParserConfig
from fineparser.model.entry_reader import AWARD_MIDDLE, AWARD_SPREAD, DEDUCTION_SPREAD
from fineparser.model.focus_decoder import FocusView
from fineparser.model.track_tokens import PHASE_TOKENS
from fineparser.simulator.judges import PRICES
from fineparser.simulator.posture import POSTURE

PHASES = 3
POSTURE_SCALE = (
    *((-0.01, 0.39), (-0.22, 0.59), (-0.01, 0.29), (-0.16, 0.43), (-0.01, 0.20), (0.11, 0.29)),
    *((0.0, 0.34), (0.22, 0.57), (-0.01, 0.42), (0.24, 0.69), (-0.01, 0.35), (-0.04, 0.57)),
    *((-0.04, 0.74), (0.11, 0.51), (0.0, 0.43), (0.20, 0.05), (0.21, 0.07), (-0.41, 0.74), (-0.68, 0.49)),
    *((-0.63, 0.44), (0.09, 0.27), (1.58, 0.78), (0.18, 0.36), (0.08, 0.20), (0.26, 0.12)),
)
"""Mean and standard deviation of each number of `POSTURE` over the frames of 250 drawn dives."""
SPLASH_SHARE = 4.0
"""What the splash counts in the loss of postures, compared with any other number."""
SPOT = 0.07
"""Standard deviation of the spot that stands for a point of the body, half sides of the square: a pixel of the map."""
TRACK_POSTURE_SHARE = 0.5
"""What the postures that the track tells, from a frame and those around it, count in the loss."""
TRACK_FAULT_SHARE = 0.3
"""What the faults that a track's tokens tell count while what looks along it learns: of so few labels it soon knows the
dives by heart."""
MAP_SHARE, DISTANCE_SHARE = 0.1, 1.0
"""What the maps of points and their distances, in half sides of the square, count in the loss."""
PHASE_SHARE, WINDOW_DEDUCTION_SHARE = 0.2, 0.02
"""What the readings of a window count in the loss."""
DEDUCTION_SHARE, AWARD_SHARE = 1.0, 0.3
"""What the readings of the tokens count in the loss."""
PART_SHARE = 0.036
"""What the phases' parts of the difference between two dives count in the loss, a square point."""


ENTRY_SHARES = {"entry": 1.0, "twist": 0.6, "crooked": 0.6, "splash": 3.0}
"""What faults that the entry shows count in the loss of its readings; the award counts 1."""
UNSEEN_SHARE = 0.15
"""What the others do, of which it tells a little: they go together."""


class WindowReader(nn.Module):
    """What a window's dynamic feature [R, 1024] tells: phases [R, 16, 3], as logits, and deductions [R, 13]."""

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        width, self.frames = config.feature_width, config.window_frames
        self.phases = nn.Linear(width, self.frames * PHASES)
        self.deductions = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, len(PRICES)))

    def forward(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        return self.phases(feature).unflatten(-1, (self.frames, PHASES)), self.deductions(feature)


class PostureReader(nn.Module):
    """What so many features of a frame, [..., C], tell of the diver's posture: [..., 25], in the units of `POSTURE`.

    A single layer, so that the features themselves have to hold the numbers.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.read = nn.Linear(features, len(POSTURE))

    def forward(self, features: Tensor) -> Tensor:
        middle, spread = (features.new_tensor(numbers) for numbers in zip(*POSTURE_SCALE, strict=True))
        return self.read(features) * spread + middle


class TokenReader(nn.Module):
    """What a track's dynamic and static tokens [B, 3, 4, 64] tell: deductions [B, 13] and the mean award [B]."""

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        tokens = 2 * config.phase_count * PHASE_TOKENS * config.token_width
        self.read = nn.Sequential(nn.Linear(tokens, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, len(PRICES) + 1))

    def forward(self, dynamic: Tensor, static: Tensor) -> tuple[Tensor, Tensor]:
        found = self.read(torch.cat([dynamic.flatten(1), static.flatten(1)], dim=1))
        return found[:, :-1], found[:, -1] + AWARD_MIDDLE


def window_hints(told: tuple[Tensor, Tensor], phases: Tensor, deductions: Tensor, weight: Tensor) -> Tensor:
    """What a `WindowReader` is off by, a scalar.

    Args:
        told: phase logits [R, 16, 3] and deductions [R, 13].
        phases: [R, 16], -1 where they are not known.
        deductions: [R, 13], NaN where they are not known.
        weight: [R], 0 for samples that do not count.
    """
    known = (phases >= 0) & (weight[:, None] > 0)
    errors = functional.cross_entropy(told[0].float().transpose(1, 2), phases.clamp_min(0), reduction="none")
    wrong = (errors * known).sum() / known.sum().clamp_min(1)
    return PHASE_SHARE * wrong + WINDOW_DEDUCTION_SHARE * _deduction_error(told[1], deductions, weight)


def token_hints(told: tuple[Tensor, Tensor], deductions: Tensor, award: Tensor, weight: Tensor) -> Tensor:
    """What a `TokenReader` is off by, a scalar: deductions [B, 13] and mean award [B], NaN where they are not known."""
    wrong = _deduction_error(told[0], deductions, weight)
    return DEDUCTION_SHARE * wrong + AWARD_SHARE * squared_error(told[1][:, None], award[:, None], weight)


def entry_hints(read: Tensor, deductions: Tensor, award: Tensor, weight: Tensor) -> Tensor:
    """What an `EntryReader` is off by, a scalar.

    Args:
        read: [B, 14]: deductions in their standard deviations, and how many the award is off the middle.
        deductions: [B, 13], and award [B] of a judge without noise, NaN where they are not known.
        weight: [B], 0 for samples that do not count.
    """
    spread = deductions.new_tensor(DEDUCTION_SPREAD)
    truth = torch.cat([deductions / spread, (award[:, None] - AWARD_MIDDLE) / AWARD_SPREAD], dim=1)
    shares = read.new_tensor([*(ENTRY_SHARES.get(name, UNSEEN_SHARE) for name in PRICES), 1.0])
    known = truth.isfinite() & (weight[:, None] > 0)
    errors = functional.smooth_l1_loss(read.float(), truth.where(known, 0.0), reduction="none") * known
    return (errors.sum(0) / known.sum(0).clamp_min(1) * shares).sum() / shares.sum()


def posture_hints(told: Tensor, postures: Tensor, weight: Tensor) -> Tensor:
    """What a `PostureReader` is off by, a scalar: postures [B, F, 25], NaN where not known; weight [B].

    Each number counts alike however few frames tell it, but the splash, which judges see first, by `SPLASH_SHARE`.
    """
    spread = postures.new_tensor([spread for _, spread in POSTURE_SCALE])
    shares = torch.ones_like(spread)
    shares[POSTURE.index("splash")] = SPLASH_SHARE
    known = postures.isfinite() & (weight[:, None, None] > 0)
    errors = ((told.float() - postures.where(known, 0.0)) / spread).square() * known
    return (errors.sum((0, 1)) / known.sum((0, 1)).clamp_min(1) * shares).sum() / shares.sum()


def landmark_hints(view: FocusView, landmarks: Tensor, weight: Tensor) -> Tensor:
    """What the points of squares are off by, a scalar: landmarks [N, 7, 2], NaN where not known; weight [N].

    The points by their distance, and their maps by the cross-entropy with a spot around the truth: by the mean alone, a
    map could be anything that has its middle there.
    """
    known = landmarks.isfinite().all(-1) & (weight[:, None] > 0)
    truth = landmarks.where(known[..., None], 0.0)
    size = view.places.shape[-1]
    side = (torch.arange(size, device=truth.device) + 0.5) / size * 2 - 1
    columns, rows = (torch.exp(-0.5 * ((side - truth[..., axis, None]) / SPOT) ** 2) for axis in (0, 1))
    spots = rows[..., :, None] * columns[..., None, :]  # [N, 7, S, S]
    spots = spots / spots.sum((-2, -1), keepdim=True)
    maps = -(spots * view.places).sum((-2, -1))
    distance = (view.points[..., :2] - truth).norm(dim=-1)
    return ((MAP_SHARE * maps + DISTANCE_SHARE * distance) * known).sum() / known.sum().clamp_min(1)


def part_hints(forward: Tensor, backward: Tensor, difference: Tensor, weight: Tensor) -> Tensor:
    """What the phases' parts of differences are off by, a scalar.

    Args:
        forward, backward: [B, 3], points that each phase adds to query - exemplar, and to the reverse.
        difference: [B, 3], points that each phase's faults cost the exemplar more than the query, NaN where not known.
        weight: [B].
    """
    return PART_SHARE * (squared_error(forward, difference, weight) + squared_error(backward, -difference, weight))


def _deduction_error(found: Tensor, deductions: Tensor, weight: Tensor) -> Tensor:
    spread = deductions.new_tensor(DEDUCTION_SPREAD)
    return squared_error(found / spread, deductions / spread, weight)


def squared_error(found: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error over labels [N, K] that are known, of samples that count; 0 where there is none."""
    known = labels.isfinite() & (weight[:, None] > 0)
    errors = (found.float() - labels.where(known, 0.0)).square()
    return (errors * known).sum() / known.sum().clamp_min(1)
