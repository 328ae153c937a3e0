"""Auxiliary heads and losses; unknown labels and samples without weight do not count."""

import torch
from torch.nn import functional

from fineparser.domain.faults import FAULT_NAMES
from fineparser.model.config import CompactConfig
from fineparser.model.crop_decoder import CropPrediction
from fineparser.model.entry import AWARD_SPREAD, DEDUCTION_SPREAD, MEAN_AWARD
from fineparser.simulator.athlete.pose import POSE_FIELDS
from fineparser.training.auxiliary_losses import (
    AWARD_WEIGHT,
    DEDUCTION_WEIGHT,
    DISTANCE_WEIGHT,
    ENTRY_FAULT_WEIGHTS,
    HEATMAP_WEIGHT,
    KEYPOINT_SIGMA,
    OTHER_FAULT_WEIGHT,
    PHASE_DIFFERENCE_WEIGHT,
    PHASE_WEIGHT,
    POSE_DEVIATIONS,
    POSE_MEANS,
    SPLASH_WEIGHT,
    WINDOW_FAULT_WEIGHT,
    PoseHead,
    TokenFaultHead,
    WindowHead,
    entry_fault_loss,
    keypoint_loss,
    phase_difference_loss,
    pose_loss,
    squared_error,
    token_fault_loss,
    window_loss,
)

FAULTS = len(DEDUCTION_SPREAD)
DEVIATIONS = list(DEDUCTION_SPREAD.values())
COLUMNS = [FAULT_NAMES.index(name) for name in DEDUCTION_SPREAD]
"""Columns of the predicted faults among all of them."""


def test_shapes_of_the_heads():
    config = CompactConfig.tiny()
    phases, deductions = WindowHead(config)(torch.randn(5, config.feature_width))
    assert phases.shape == (5, 16, 3)
    assert deductions.shape == (5, FAULTS)
    deductions, award = TokenFaultHead(config)(*torch.randn(2, 2, 3, 4, config.token_width))
    assert deductions.shape == (2, FAULTS)
    assert award.shape == (2,)


def test_the_window_loss_is_cross_entropy_and_squared_error():
    predicted = torch.randn(4, 16, 3), torch.randn(4, FAULTS)
    phases, deductions = torch.randint(0, 3, (4, 16)), torch.rand(4, len(FAULT_NAMES))
    expected = PHASE_WEIGHT * functional.cross_entropy(predicted[0].flatten(0, 1), phases.flatten())
    spread = torch.tensor(DEVIATIONS)
    expected += WINDOW_FAULT_WEIGHT * functional.mse_loss(predicted[1] / spread, deductions[:, COLUMNS] / spread)
    torch.testing.assert_close(window_loss(predicted, phases, deductions, torch.ones(4)), expected)
    # Without labels the loss is 0, not NaN.
    assert window_loss(predicted, torch.full_like(phases, -1), deductions * torch.nan, torch.ones(4)) == 0
    assert window_loss(predicted, phases, deductions, torch.zeros(4)) == 0


def test_the_token_fault_loss_leaves_out_unknown_labels():
    predicted = torch.randn(3, FAULTS), torch.randn(3)
    deductions, award = torch.rand(3, len(FAULT_NAMES)), torch.tensor([7.0, torch.nan, 8.0])
    spread = torch.tensor(DEVIATIONS)
    expected = DEDUCTION_WEIGHT * functional.mse_loss(predicted[0] / spread, deductions[:, COLUMNS] / spread)
    expected += AWARD_WEIGHT * functional.mse_loss(predicted[1][[0, 2]], award[[0, 2]])
    torch.testing.assert_close(token_fault_loss(predicted, deductions, award, torch.ones(3)), expected)


def test_the_entry_fault_loss_weighs_the_faults_of_the_entry():
    deductions, award = torch.zeros(2, len(FAULT_NAMES)), torch.full((2,), MEAN_AWARD)
    deductions[1, COLUMNS[0]] = torch.nan
    assert set(DEDUCTION_SPREAD) >= set(ENTRY_FAULT_WEIGHTS)
    shares = [*(ENTRY_FAULT_WEIGHTS.get(name, OTHER_FAULT_WEIGHT) for name in DEDUCTION_SPREAD), 1.0]
    whole = torch.ones(2)
    assert entry_fault_loss(torch.zeros(2, FAULTS + 1), deductions, award, whole) == 0
    for column, share in enumerate(shares):
        outputs = torch.zeros(2, FAULTS + 1)
        outputs[:, column] = 0.5  # where the loss is still a square
        result = entry_fault_loss(outputs, deductions, award, whole)
        torch.testing.assert_close(result, torch.tensor(0.5**2 / 2 * share / sum(shares)))
    outputs = torch.full((2, FAULTS + 1), 9.0)
    outputs[:, :FAULTS] = (torch.tensor([[0.3]]) / torch.tensor(DEVIATIONS)).expand(2, -1)
    outputs[:, FAULTS] = 1.0
    predicted = entry_fault_loss(outputs, torch.full((2, len(FAULT_NAMES)), 0.3), award + AWARD_SPREAD, whole)
    torch.testing.assert_close(predicted, torch.tensor(0.0))
    assert entry_fault_loss(outputs, deductions, award, torch.zeros(2)) == 0


def test_the_phase_difference_loss_goes_both_ways_for_known_faults():
    deductions = torch.tensor([[1.0, 2.0, 6.0], [torch.nan] * 3]), torch.tensor([[0.0, 5.0, 2.0], [1.0, 1.0, 1.0]])
    forward, backward = torch.randn(2, 3), torch.randn(2, 3)
    truth = torch.tensor([-1.0, 3.0, -4.0])  # larger deductions of the query make it worse
    expected = functional.mse_loss(forward[0], truth) + functional.mse_loss(backward[0], -truth)
    torch.testing.assert_close(
        phase_difference_loss(forward, backward, deductions[1] - deductions[0], torch.ones(2)),
        PHASE_DIFFERENCE_WEIGHT * expected,
    )
    assert phase_difference_loss(forward, backward, deductions[1] - deductions[0], torch.zeros(2)) == 0


def test_samples_without_weight_do_not_count():
    result, labels = torch.tensor([[1.0], [5.0]]), torch.zeros(2, 1)
    assert squared_error(result, labels, torch.tensor([1.0, 0.0])) == 1


def test_the_pose_loss_weighs_fields_the_same_and_the_splash_more():
    torch.manual_seed(0)
    predicted, true = torch.randn(2, 5, len(POSE_FIELDS)), torch.randn(2, 5, len(POSE_FIELDS))
    splash = POSE_FIELDS.index("splash")
    true[0, :, splash] = torch.nan  # the splash of one clip is unknown: that of the other counts fully
    spread = torch.tensor(POSE_DEVIATIONS)
    errors = torch.stack(
        [functional.mse_loss(predicted[..., k] / spread[k], true[..., k] / spread[k]) for k in range(splash)]
        + [
            SPLASH_WEIGHT
            * functional.mse_loss(predicted[1, :, splash] / spread[splash], true[1, :, splash] / spread[splash])
        ]
    )
    expected = errors.sum() / (splash + SPLASH_WEIGHT)
    torch.testing.assert_close(pose_loss(predicted, true, torch.ones(2)), expected)
    assert pose_loss(predicted, true, torch.zeros(2)) == 0


def test_the_keypoint_loss_is_distance_and_heatmap_entropy():
    torch.manual_seed(0)
    logits, true = torch.randn(3, 7, 8, 8), torch.rand(3, 7, 2) * 1.6 - 0.8
    prediction = CropPrediction(torch.zeros(3, 16, 16), logits.flatten(2).log_softmax(-1).view_as(logits))
    true[0, 2] = torch.nan
    errors = []
    side = torch.arange(8) / 4 - 0.875
    for square in range(3):
        for point in range(7):
            if square == 0 and point == 2:
                continue
            x, y = true[square, point]
            spot = torch.exp(-0.5 * (((side[None] - x) ** 2 + (side[:, None] - y) ** 2) / KEYPOINT_SIGMA**2)).flatten()
            maps = functional.cross_entropy(logits[square, point].flatten()[None], (spot / spot.sum())[None])
            chance = logits[square, point].flatten().softmax(0).view(8, 8)
            result = torch.stack([(chance.sum(0) * side).sum(), (chance.sum(1) * side).sum()])
            errors.append(HEATMAP_WEIGHT * maps + DISTANCE_WEIGHT * (result - true[square, point]).norm())
    torch.testing.assert_close(keypoint_loss(prediction, true, torch.ones(3)), torch.stack(errors).mean())
    assert keypoint_loss(prediction, true, torch.zeros(3)) == 0


def test_the_pose_head_predicts_in_the_units_of_the_pose():
    head = PoseHead(6)
    with torch.no_grad():
        head.linear.weight.zero_()
        head.linear.bias.zero_()
    torch.testing.assert_close(head(torch.randn(2, 3, 6))[0, 0], torch.tensor(POSE_MEANS))
