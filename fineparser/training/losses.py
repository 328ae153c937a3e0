"""The three losses of FineParser (Xu et al., CVPR 2024, section 3.5): score, transition and mask.

Each is a pure function of predictions and labels that takes a weight a sample: 1 where the sample carries the
label, 0 where it does not (its label may then hold anything, NaN included). A batch without any label gives a
zero that is still part of the graph, so that every process of a distributed run can call `backward`.

The mean runs over the samples that carry the label. Across processes that mean needs the count of *all* of
them: hand it in as `normaliser` (the labelled samples of all processes / the number of processes), and the
average of the processes' gradients is that of one process with the whole batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

FOCAL_GAMMA = 2.0
LEAST_LAYER = 0.05
"""What an empty layer counts as, of the root of its share."""
SIDES, SIDE_SHARE = 4, 0.25
"""Side outputs of the spatial parser, and what each counts beside a final mask in `outline_loss`."""


@dataclass(frozen=True)
class Losses:
    """The losses of a batch, each a scalar tensor."""

    score: Tensor
    transition: Tensor
    mask: Tensor
    weights: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of the three in the total; the paper adds them as they are."""
    hints: Tensor | None = None
    """What readers are off by (see `fineparser.training.hints`), weighted already; None without any."""

    @property
    def total(self) -> Tensor:
        """Their weighted sum, a scalar."""
        score, transition, mask = self.weights
        total = score * self.score + transition * self.transition + mask * self.mask
        return total if self.hints is None else total + self.hints

    def values(self) -> dict[str, float]:
        """Plain numbers by name, for a log."""
        named = {"total": self.total, "score": self.score, "transition": self.transition, "mask": self.mask}
        if self.hints is not None:
            named["hints"] = self.hints
        return {name: float(tensor.detach()) for name, tensor in named.items()}


def layer_loss(
    logits: Tensor, layers: Tensor, weight: Tensor | None = None, normaliser: Tensor | None = None
) -> Tensor:
    """Cross-entropy of layers that are drawn, less what nobody can be rid of where a pixel is half covered.

    A layer counts by the root of how much there is of it: a few drops are as much to be seen as a wall of water.

    Args:
        logits: [N, 3, H, W].
        layers: [N, 3, H, W], shares of each pixel.
        weight: [N].
        normaliser: samples that count; None: the sum of the weights.
    """
    whole = functional.binary_cross_entropy_with_logits(logits.float(), layers, reduction="none")
    least = functional.binary_cross_entropy(layers, layers, reduction="none")
    each = ((whole - least).mean((2, 3)) / (layers.mean((2, 3)).sqrt() + LEAST_LAYER)).mean(1)
    return _weighted_mean(each, weight, normaliser)


def score_loss(
    delta_forward: Tensor,
    delta_backward: Tensor,
    score_query: Tensor,
    score_exemplar: Tensor,
    weight: Tensor | None = None,
    normaliser: Tensor | None = None,
) -> Tensor:
    """Squared error of the score difference, query against exemplar plus exemplar against query.

    All arguments are [B], in points; `delta_forward` estimates query - exemplar, `delta_backward` the
    reverse.

    >>> ten = torch.tensor([10.0])
    >>> float(score_loss(ten, -ten, torch.tensor([82.0]), torch.tensor([70.0])))  # 2 off, both ways
    8.0
    """
    difference = _labelled(score_query - score_exemplar, weight)
    errors = (delta_forward.float() - difference) ** 2 + (delta_backward.float() + difference) ** 2
    return _weighted_mean(errors, weight, normaliser)


def transition_loss(
    probabilities: Tensor, transitions: Tensor, weight: Tensor | None = None, normaliser: Tensor | None = None
) -> Tensor:
    """Binary cross-entropy over all frames and both transitions.

    probabilities: [B, T, 2], after the sigmoid. transitions: [B, 2] frame indices, whole numbers in 0..T-1.
    Of the T x 2 targets of a clip two are 1: frame `transitions[b, k]` of column k.
    """
    frames = probabilities.shape[1]
    indices = transitions.long() if weight is None else transitions.where(weight[:, None] > 0, 0).long()
    if ((indices < 0) | (indices >= frames)).any():
        raise ValueError(f"a transition lies outside the clip's {frames} frames: {transitions.tolist()}")
    target = functional.one_hot(indices, frames).transpose(1, 2).to(torch.float32)  # [B, T, 2]
    # torch's own refuses NaN, on a GPU with the process; here it has to come out as a loss that the trainer sees.
    is_nan = probabilities.isnan()
    defined = probabilities.float().masked_fill(is_nan, 0.5)
    errors = functional.binary_cross_entropy(defined, target, reduction="none").masked_fill(is_nan, torch.nan)
    return _weighted_mean(errors.mean(dim=(1, 2)), weight, normaliser)


def moment_loss(
    probabilities: Tensor,
    transitions: Tensor,
    weight: Tensor | None = None,
    normaliser: Tensor | None = None,
    spread: float = 0.8,
) -> Tensor:
    """Cross-entropy of which frame a transition is at, its label spread over the neighbours (not in the paper).

    For probabilities [B, T, 2] of which each column adds up to 1; transitions [B, 2] as in `transition_loss`. `spread`
    is the standard deviation in frames: labels are known no better, and a near miss is less wrong than a far one.
    """
    transitions = transitions.float() if weight is None else transitions.float().where(weight[:, None] > 0, 0.0)
    frames = torch.arange(probabilities.shape[1], device=probabilities.device)
    target = torch.exp(-0.5 * ((frames[None, :, None] - transitions[:, None]) / spread) ** 2)
    target = target / target.sum(1, keepdim=True)
    errors = -(target * probabilities.float().clamp_min(1e-8).log()).sum(1)
    return _weighted_mean(errors.mean(1), weight, normaliser)


def mask_loss(
    mask_logits: Sequence[Tensor],
    target: Tensor,
    weight: Tensor | None = None,
    normaliser: Tensor | None = None,
) -> Tensor:
    """Focal loss (gamma 2, no alpha; Lin et al. 2017), its mean summed over the mask outputs.

    mask_logits: the side outputs and the final ones, each of the shape of `target`, [R, 1, frames, H, W].
    target: 0 or 1, any dtype. weight: [R].
    """
    truth = target.float()
    if weight is not None:
        truth = truth.where(weight.reshape(-1, *[1] * (truth.ndim - 1)) > 0, 0.0)
    total = truth.new_zeros(())
    for logits in mask_logits:
        if logits.shape != target.shape:
            raise ValueError(
                f"mask logits of shape {tuple(logits.shape)} cannot be held against a target of shape "
                f"{tuple(target.shape)}: resize the logits to the clip first"
            )
        errors = sigmoid_focal_loss(logits.float(), truth, alpha=-1, gamma=FOCAL_GAMMA, reduction="none")
        total = total + _weighted_mean(errors.flatten(1).mean(dim=1), weight, normaliser)
    return total


def outline_loss(
    mask_logits: Sequence[Tensor],
    target: Tensor,
    weight: Tensor | None = None,
    normaliser: Tensor | None = None,
) -> Tensor:
    """Cross-entropy plus Dice loss of each final mask, and a quarter of them for each side output.

    Not in the paper. The focal loss counts pixels, so that a distant diver weighs little, and all outputs alike, so
    that the shallow ones, which cannot tell a diver from a railing, hold the fused one back. The soft Dice coefficient
    (Milletari et al. 2016) counts every frame the same. Arguments as in `mask_loss`: of more than four masks
    the first four are side outputs.
    """
    truth = target.float()
    if weight is not None:
        truth = truth.where(weight.reshape(-1, *[1] * (truth.ndim - 1)) > 0, 0.0)
    total = truth.new_zeros(())
    for number, logits in enumerate(mask_logits, start=1):
        share = SIDE_SHARE if number <= SIDES < len(mask_logits) else 1.0
        logits = logits.float()
        entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none").flatten(1).mean(dim=1)
        errors = entropy + (1 - dice(logits.sigmoid(), truth)).flatten(1).mean(dim=1)
        total = total + share * _weighted_mean(errors, weight, normaliser)
    return total


def dice(probability: Tensor, truth: Tensor) -> Tensor:
    """Soft Dice coefficient [...] of each picture [..., H, W].

    One pixel is added to both sides of the fraction: an empty picture that is rightly empty has 1.
    """
    both = (probability * truth).sum((-2, -1))
    return (2 * both + 1) / (probability.sum((-2, -1)) + truth.sum((-2, -1)) + 1)


def _labelled(labels: Tensor, weight: Tensor | None) -> Tensor:
    """The labels with those that do not count set to 0: weight 0 times a missing (NaN) label would be NaN."""
    return labels.float() if weight is None else labels.float().where(weight > 0, 0.0)


def _weighted_mean(errors: Tensor, weight: Tensor | None, normaliser: Tensor | None) -> Tensor:
    """The mean of [B] errors over the samples that carry the label; 0, in the graph, where none does."""
    weight = torch.ones_like(errors) if weight is None else weight.to(errors)
    count = weight.sum() if normaliser is None else normaliser.to(errors)
    return (errors * weight).sum() / torch.where(count > 0, count, 1.0)
