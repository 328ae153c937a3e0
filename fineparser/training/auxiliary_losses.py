"""Auxiliary heads and losses: labels of simulated dives that the network learns from beside its own outputs.

A score is one number a clip. Simulated dives have labels of each frame: the pose of the diver, the phase, and what each
fault costs. Small heads on top of the features predict these labels during training; they are no part of a checkpoint.

Every loss is a scalar. Labels that are NaN, and samples with weight 0, do not count.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.domain.faults import FAULT_NAMES
from fineparser.domain.phases import Phase
from fineparser.model.comparison import PHASE_TOKENS
from fineparser.model.config import CompactConfig
from fineparser.model.crop_decoder import CropPrediction
from fineparser.model.entry import AWARD_SPREAD, DEDUCTION_SPREAD, MEAN_AWARD
from fineparser.simulator.athlete.pose import POSE_FIELDS

POSE_STATISTICS = {
    "head_x": (-0.01, 0.39),
    "head_y": (-0.22, 0.59),
    "neck_x": (-0.01, 0.29),
    "neck_y": (-0.16, 0.43),
    "knees_x": (-0.01, 0.20),
    "knees_y": (0.11, 0.29),
    "ankles_x": (0.0, 0.34),
    "ankles_y": (0.22, 0.57),
    "toes_x": (-0.01, 0.42),
    "toes_y": (0.24, 0.69),
    "wrists_x": (-0.01, 0.35),
    "wrists_y": (-0.04, 0.57),
    "front_x": (-0.04, 0.74),
    "front_y": (0.11, 0.51),
    "front_away": (0.0, 0.43),
    "knees_apart": (0.20, 0.05),
    "ankles_apart": (0.21, 0.07),
    "hips_open": (-0.41, 0.74),
    "knees_open": (-0.68, 0.49),
    "feet_open": (-0.63, 0.44),
    "aloft": (0.09, 0.27),
    "height": (1.58, 0.78),
    "wet": (0.18, 0.36),
    "age": (0.08, 0.20),
    "splash": (0.26, 0.12),
}
"""Mean and standard deviation of each of `POSE_FIELDS` over the frames of 250 simulated dives, in its own unit. They
scale the pose heads and the pose loss; checkpoints trained with other values stay valid."""
POSE_MEANS, POSE_DEVIATIONS = zip(*(POSE_STATISTICS[name] for name in POSE_FIELDS), strict=True)

SPLASH_WEIGHT = 4.0
"""Weight of the splash in the pose loss; every other field has 1."""
TRACK_POSE_WEIGHT = 0.5
"""Weight of the pose loss of track features, of a frame and its neighbours, beside that of single frames."""
TRACK_FAULT_WEIGHT = 0.3
"""Weight of the fault loss of track tokens in the task "crops": one label a dive is soon overfitted."""
KEYPOINT_SIGMA = 0.07
"""Standard deviation of the target spot of a keypoint, in half sides of the crop: one cell of the heatmap."""
HEATMAP_WEIGHT, DISTANCE_WEIGHT = 0.1, 1.0
"""Weights of the heatmaps and of the distances in the keypoint loss."""
PHASE_WEIGHT, WINDOW_FAULT_WEIGHT = 0.2, 0.02
"""Weights of the phases and of the deductions in the window loss."""
DEDUCTION_WEIGHT, AWARD_WEIGHT = 1.0, 0.3
"""Weights of the deductions and of the award in the fault loss of tokens."""
PHASE_DIFFERENCE_WEIGHT = 0.036
"""Weight of the differences by phase, a square point."""
ENTRY_FAULT_WEIGHTS = {"entry": 1.0, "twist": 0.6, "crooked": 0.6, "splash": 3.0}
"""Weights of the faults that the entry shows in the entry fault loss; the award has 1."""
OTHER_FAULT_WEIGHT = 0.15
"""Weight of the other faults there: they correlate with those of the entry."""


class WindowHead(nn.Module):
    """Phases [R, 16, 3], as logits, and deductions [R, 13] from the dynamic features [R, 1024] of windows."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        width, self.frames = config.feature_width, config.window_frames
        self.phases = nn.Linear(width, self.frames * len(Phase))
        self.deductions = nn.Sequential(nn.Linear(width, 128), nn.ReLU(), nn.Linear(128, len(DEDUCTION_SPREAD)))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return self.phases(features).unflatten(-1, (self.frames, len(Phase))), self.deductions(features)


class PoseHead(nn.Module):
    """Pose [..., 25] in the units of `POSE_FIELDS` from the features [..., C] of a frame.

    A single layer, so that the features themselves have to hold the pose.

    Args:
        features: C.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, len(POSE_FIELDS))

    def forward(self, features: Tensor) -> Tensor:
        return self.linear(features) * features.new_tensor(POSE_DEVIATIONS) + features.new_tensor(POSE_MEANS)


class TokenFaultHead(nn.Module):
    """Deductions [B, 13] and the mean award [B] from the dynamic and static tokens [B, 3, 4, 64] of a track."""

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        tokens = 2 * config.phase_count * PHASE_TOKENS * config.token_width
        outputs = len(DEDUCTION_SPREAD) + 1
        self.layers = nn.Sequential(nn.Linear(tokens, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, outputs))

    def forward(self, dynamic: Tensor, static: Tensor) -> tuple[Tensor, Tensor]:
        outputs = self.layers(torch.cat([dynamic.flatten(1), static.flatten(1)], dim=1))
        return outputs[:, :-1], outputs[:, -1] + MEAN_AWARD


def window_loss(predicted: tuple[Tensor, Tensor], phases: Tensor, deductions: Tensor, weight: Tensor) -> Tensor:
    """Loss of a `WindowHead`: cross-entropy of the phases plus squared error of the deductions.

    Args:
        predicted: phase logits [R, 16, 3] and deductions [R, 13].
        phases: [R, 16], -1 if unknown.
        deductions: [R, 14] awards, of all faults.
        weight: [R].
    """
    is_known = (phases >= 0) & (weight[:, None] > 0)
    errors = functional.cross_entropy(predicted[0].float().transpose(1, 2), phases.clamp_min(0), reduction="none")
    phase_loss = (errors * is_known).sum() / is_known.sum().clamp_min(1)
    return PHASE_WEIGHT * phase_loss + WINDOW_FAULT_WEIGHT * _deduction_loss(predicted[1], deductions, weight)


def token_fault_loss(predicted: tuple[Tensor, Tensor], deductions: Tensor, award: Tensor, weight: Tensor) -> Tensor:
    """Loss of a `TokenFaultHead`: squared errors of deductions [B, 14] and mean award [B]; weight [B]."""
    faults = _deduction_loss(predicted[0], deductions, weight)
    return DEDUCTION_WEIGHT * faults + AWARD_WEIGHT * squared_error(predicted[1][:, None], award[:, None], weight)


def entry_fault_loss(predicted: Tensor, deductions: Tensor, award: Tensor, weight: Tensor) -> Tensor:
    """Loss of the fault head of the entry: smooth L1, weighted by fault.

    Args:
        predicted: [B, 14] deductions and the award, each in standard deviations from its mean.
        deductions: [B, 14] awards, of all faults.
        award: [B] of a judge without noise.
        weight: [B].
    """
    deviations = deductions.new_tensor(tuple(DEDUCTION_SPREAD.values()))
    known = _predicted_faults(deductions) / deviations
    truth = torch.cat([known, (award[:, None] - MEAN_AWARD) / AWARD_SPREAD], dim=1)
    weights = [ENTRY_FAULT_WEIGHTS.get(name, OTHER_FAULT_WEIGHT) for name in DEDUCTION_SPREAD]
    shares = predicted.new_tensor([*weights, 1.0])
    is_known = truth.isfinite() & (weight[:, None] > 0)
    errors = functional.smooth_l1_loss(predicted.float(), truth.where(is_known, 0.0), reduction="none") * is_known
    return (errors.sum(0) / is_known.sum(0).clamp_min(1) * shares).sum() / shares.sum()


def pose_loss(predicted: Tensor, poses: Tensor, weight: Tensor) -> Tensor:
    """Loss of a `PoseHead`: squared error of poses [B, F, 25], each field in its standard deviations; weight [B].

    Each field counts the same, however few frames have it, except for the splash (`SPLASH_WEIGHT`).
    """
    deviations = poses.new_tensor(POSE_DEVIATIONS)
    shares = torch.ones_like(deviations)
    shares[POSE_FIELDS.index("splash")] = SPLASH_WEIGHT
    is_known = poses.isfinite() & (weight[:, None, None] > 0)
    errors = ((predicted.float() - poses.where(is_known, 0.0)) / deviations).square() * is_known
    return (errors.sum((0, 1)) / is_known.sum((0, 1)).clamp_min(1) * shares).sum() / shares.sum()


def keypoint_loss(prediction: CropPrediction, keypoints: Tensor, weight: Tensor) -> Tensor:
    """Loss of the keypoints [N, 7, 2] of crops: their distance, and the cross-entropy of their heatmaps; weight [N].

    The heatmap term keeps the maps to one spot: the distance alone is that of the maps' means.
    """
    is_known = keypoints.isfinite().all(-1) & (weight[:, None] > 0)
    truth = keypoints.where(is_known[..., None], 0.0)
    size = prediction.keypoint_maps.shape[-1]
    cells = (torch.arange(size, device=truth.device) + 0.5) / size * 2 - 1
    columns, rows = (torch.exp(-0.5 * ((cells - truth[..., axis, None]) / KEYPOINT_SIGMA) ** 2) for axis in (0, 1))
    spots = rows[..., :, None] * columns[..., None, :]  # [N, 7, S, S]
    spots = spots / spots.sum((-2, -1), keepdim=True)
    heatmaps = -(spots * prediction.keypoint_maps).sum((-2, -1))
    distance = (prediction.keypoints[..., :2] - truth).norm(dim=-1)
    return ((HEATMAP_WEIGHT * heatmaps + DISTANCE_WEIGHT * distance) * is_known).sum() / is_known.sum().clamp_min(1)


def phase_difference_loss(forward: Tensor, backward: Tensor, difference: Tensor, weight: Tensor) -> Tensor:
    """Loss of the score difference of each phase: squared error, both ways.

    Args:
        forward: [B, 3] predicted points of query minus exemplar.
        backward: [B, 3] predicted points of exemplar minus query.
        difference: [B, 3] true points of query minus exemplar.
        weight: [B].
    """
    errors = squared_error(forward, difference, weight) + squared_error(backward, -difference, weight)
    return PHASE_DIFFERENCE_WEIGHT * errors


def squared_error(predicted: Tensor, labels: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error over the known labels [N, K] of samples with a weight [N]; 0 if there is none."""
    is_known = labels.isfinite() & (weight[:, None] > 0)
    errors = (predicted.float() - labels.where(is_known, 0.0)).square()
    return (errors * is_known).sum() / is_known.sum().clamp_min(1)


def _deduction_loss(predicted: Tensor, deductions: Tensor, weight: Tensor) -> Tensor:
    """Squared error of the predicted deductions [N, 13] to those of all faults [N, 14], in standard deviations."""
    deviations = deductions.new_tensor(tuple(DEDUCTION_SPREAD.values()))
    return squared_error(predicted / deviations, _predicted_faults(deductions) / deviations, weight)


def _predicted_faults(deductions: Tensor) -> Tensor:
    """Deductions [N, 13] of the faults that heads predict, from those of all faults [N, 14]."""
    return deductions[:, [FAULT_NAMES.index(name) for name in DEDUCTION_SPREAD]]
