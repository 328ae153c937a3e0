"""What a network is asked about dives beside its own outputs, while it learns.

A score is one number a clip, and it takes thousands of clips before it tells a network that a splash matters. Simulated
dives know more: what each fault cost, and which phase each frame belongs to. Small readers on top of the features have
to tell that; they are thrown away with the training.
"""

from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import FineParserConfig
from fineparser.simulator.judges import PRICES

PHASES = 3
DEDUCTION_SPREAD = (0.19, 0.17, 0.19, 0.26, 0.18, 0.18, 0.11, 0.19, 0.42, 0.23, 0.21, 0.08, 0.25)
"""Standard deviation of each deduction over 9,000 drawn dives, awards: a rare fault is asked for as hard as others."""
PHASE_SHARE, WINDOW_DEDUCTION_SHARE = 0.2, 0.02
"""What the readings of a window count in the loss."""
DEDUCTION_SHARE, AWARD_SHARE = 1.0, 0.3
"""What the readings of the static tokens count in the loss."""
AWARD_MIDDLE = 7.0
"""About the mean award: what a reader adds to it is small."""


class WindowReader(nn.Module):
    """What a window's dynamic feature [R, 1024] tells: phases [R, 16, 3], as logits, and deductions [R, 13]."""

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        width, self.frames = config.feature_width, config.window_frames
        self.phases = nn.Linear(width, self.frames * PHASES)
        self.deductions = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, len(PRICES)))

    def forward(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        return self.phases(feature).unflatten(-1, (self.frames, PHASES)), self.deductions(feature)


class TokenReader(nn.Module):
    """What the static tokens [B, 3, 4, 64] tell: deductions [B, 13] and the mean award [B]."""

    def __init__(self, config: FineParserConfig) -> None:
        super().__init__()
        tokens = config.phase_count * 4 * config.token_width
        self.read = nn.Sequential(nn.Linear(tokens, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, len(PRICES) + 1))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        found = self.read(tokens.flatten(1))
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


def _deduction_error(found: Tensor, deductions: Tensor, weight: Tensor) -> Tensor:
    spread = deductions.new_tensor(DEDUCTION_SPREAD)
    return squared_error(found / spread, deductions / spread, weight)


def squared_error(found: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error over labels [N, K] that are known, of samples that count; 0 where there is none."""
    known = labels.isfinite() & (weight[:, None] > 0)
    errors = (found.float() - labels.where(known, 0.0)).square()
    return (errors * known).sum() / known.sum().clamp_min(1)
