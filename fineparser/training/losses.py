"""Losses of FineParser (Xu et al., CVPR 2024, section 3.5), score, transition and mask, and our variants of them.

Each is a pure function of predictions and labels with a weight a sample: 1 if the sample has the label, 0 if not (its
label may then be anything, NaN included). A batch without labels gives a zero that is part of the graph, so that every
process of a distributed run can call `backward`.

A loss is the mean over the samples with a label. Across processes, that mean needs the count of all of them: pass
`normaliser`, the labelled samples of all processes over the number of processes, and the mean of the processes'
gradients is that of one process with the whole batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

FOCAL_GAMMA = 2.0
LAYER_OFFSET = 0.05
"""Added to the root of the share of a layer, so that an empty layer has a finite weight."""
SIDE_OUTPUTS, SIDE_OUTPUT_WEIGHT = 4, 0.25
"""Side outputs of the spatial parser, and the weight of each beside a final mask in `dice_mask_loss`."""


@dataclass(frozen=True, kw_only=True)
class Losses:
    """Losses of a batch, each a scalar tensor; None for those that a task does not have."""

    score: Tensor | None = None
    transition: Tensor | None = None
    mask: Tensor | None = None
    auxiliary: Tensor | None = None
    """Sum of the losses in `fineparser.training.auxiliary_losses`."""
    score_weight: float = 1.0
    transition_weight: float = 1.0
    mask_weight: float = 1.0
    """Weights in the total; 1 in the paper."""

    @property
    def total(self) -> Tensor:
        """Weighted sum, a scalar.

        Raises:
            ValueError: without any loss.
        """
        weighted = (
            (self.score, self.score_weight),
            (self.transition, self.transition_weight),
            (self.mask, self.mask_weight),
            (self.auxiliary, 1.0),
        )
        terms = [weight * loss for loss, weight in weighted if loss is not None]
        if not terms:
            raise ValueError("a batch needs at least one loss")
        return sum(terms[1:], start=terms[0])

    @property
    def terms(self) -> dict[str, Tensor]:
        """Total and single losses by name, detached; 0 for those of the paper that a task does not have."""
        zero = self.total.detach().new_zeros(())
        named = {"total": self.total, "score": self.score, "transition": self.transition, "mask": self.mask}
        if self.auxiliary is not None:
            named["auxiliary"] = self.auxiliary
        return {name: zero if loss is None else loss.detach() for name, loss in named.items()}


def layer_mask_loss(
    logits: Tensor, layers: Tensor, weight: Tensor | None = None, normaliser: Tensor | None = None
) -> Tensor:
    """Cross-entropy of soft layers, less its minimum (the entropy of pixels that are partly covered).

    Each layer is divided by the root of its area: a few drops weigh nearly as much as a large splash.

    Args:
        logits: [N, 3, H, W].
        layers: [N, 3, H, W], shares of each pixel.
        weight: [N].
        normaliser: see above; None: the sum of the weights.
    """
    entropy = functional.binary_cross_entropy_with_logits(logits.float(), layers, reduction="none")
    minimum = functional.binary_cross_entropy(layers, layers, reduction="none")
    errors = ((entropy - minimum).mean((2, 3)) / (layers.mean((2, 3)).sqrt() + LAYER_OFFSET)).mean(1)
    return _weighted_mean(errors, weight, normaliser)


def score_loss(
    delta_forward: Tensor,
    delta_backward: Tensor,
    score_query: Tensor,
    score_exemplar: Tensor,
    weight: Tensor | None = None,
    normaliser: Tensor | None = None,
) -> Tensor:
    """Squared error of the score difference, query minus exemplar plus exemplar minus query.

    All arguments are [B], in points; `delta_forward` estimates query - exemplar, `delta_backward` the reverse.

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
    # torch's function ends the process for NaN on a GPU; as a NaN loss, the trainer can report it.
    is_nan = probabilities.isnan()
    defined = probabilities.float().masked_fill(is_nan, 0.5)
    errors = functional.binary_cross_entropy(defined, target, reduction="none").masked_fill(is_nan, torch.nan)
    return _weighted_mean(errors.mean(dim=(1, 2)), weight, normaliser)


def soft_transition_loss(
    probabilities: Tensor,
    transitions: Tensor,
    weight: Tensor | None = None,
    normaliser: Tensor | None = None,
    spread: float = 0.8,
) -> Tensor:
    """Cross-entropy over the frames of each transition, with a Gaussian as the label (not in the paper).

    Args:
        probabilities: [B, T, 2]; each column sums to 1.
        transitions: [B, 2] as in `transition_loss`.
        weight: [B].
        normaliser: see above.
        spread: standard deviation of the label in frames, about the error of the labels.
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

    Args:
        mask_logits: side outputs and final masks, each of the shape of `target`.
        target: [R, 1, frames, H, W], 0 or 1, any dtype.
        weight: [R].
        normaliser: see above.
    """
    truth = target.float()
    if weight is not None:
        truth = truth.where(weight.reshape(-1, *[1] * (truth.ndim - 1)) > 0, 0.0)
    total = truth.new_zeros(())
    for logits in mask_logits:
        if logits.shape != target.shape:
            raise ValueError(
                f"mask logits of shape {tuple(logits.shape)} do not match a target of shape {tuple(target.shape)}: "
                "resize the logits to the clip first"
            )
        errors = sigmoid_focal_loss(logits.float(), truth, alpha=-1, gamma=FOCAL_GAMMA, reduction="none")
        total = total + _weighted_mean(errors.flatten(1).mean(dim=1), weight, normaliser)
    return total


def dice_mask_loss(
    mask_logits: Sequence[Tensor],
    target: Tensor,
    weight: Tensor | None = None,
    normaliser: Tensor | None = None,
) -> Tensor:
    """Cross-entropy plus soft Dice loss (Milletari et al. 2016) of each final mask, and a quarter of each side output.

    Not in the paper. The focal loss weighs a diver by their pixels, and the shallow side outputs as much as the fused
    mask; the Dice coefficient weighs every frame the same. Arguments as in `mask_loss`: of more than four masks the
    first four are side outputs.
    """
    truth = target.float()
    if weight is not None:
        truth = truth.where(weight.reshape(-1, *[1] * (truth.ndim - 1)) > 0, 0.0)
    total = truth.new_zeros(())
    for number, logits in enumerate(mask_logits, start=1):
        share = SIDE_OUTPUT_WEIGHT if number <= SIDE_OUTPUTS < len(mask_logits) else 1.0
        logits = logits.float()
        entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none").flatten(1).mean(dim=1)
        errors = entropy + (1 - dice(logits.sigmoid(), truth)).flatten(1).mean(dim=1)
        total = total + share * _weighted_mean(errors, weight, normaliser)
    return total


def dice(probability: Tensor, truth: Tensor) -> Tensor:
    """Soft Dice coefficient [...] of each frame [..., H, W].

    One pixel is added to both sides of the fraction, so that a correct empty mask has 1.
    """
    intersection = (probability * truth).sum((-2, -1))
    return (2 * intersection + 1) / (probability.sum((-2, -1)) + truth.sum((-2, -1)) + 1)


def _labelled(labels: Tensor, weight: Tensor | None) -> Tensor:
    """Labels, 0 where the weight is 0: weight 0 times a missing (NaN) label would be NaN."""
    return labels.float() if weight is None else labels.float().where(weight > 0, 0.0)


def _weighted_mean(errors: Tensor, weight: Tensor | None, normaliser: Tensor | None) -> Tensor:
    """Mean of errors [B] over the samples with the label; 0, in the graph, if there is none."""
    weight = torch.ones_like(errors) if weight is None else weight.to(errors)
    count = weight.sum() if normaliser is None else normaliser.to(errors)
    return (errors * weight).sum() / torch.where(count > 0, count, 1.0)
