"""What readers are asked, and that unknown labels do not count."""

import numpy as np
import torch
from torch.nn import functional

from fineparser.model.config import FineParserConfig
from fineparser.model.focus_decoder import FocusView
from fineparser.simulator.faults import draw_faults
from fineparser.simulator.judges import PRICES
from fineparser.simulator.posture import POSTURE
from fineparser.simulator.programme import draw_dive
from fineparser.training.hints import (
    AWARD_MIDDLE,
    AWARD_SHARE,
    AWARD_SPREAD,
    DEDUCTION_SHARE,
    DEDUCTION_SPREAD,
    DISTANCE_SHARE,
    ENTRY_SHARES,
    MAP_SHARE,
    PART_SHARE,
    PHASE_SHARE,
    POSTURE_SCALE,
    SPLASH_SHARE,
    SPOT,
    UNSEEN_SHARE,
    WINDOW_DEDUCTION_SHARE,
    PostureReader,
    TokenReader,
    WindowReader,
    entry_hints,
    landmark_hints,
    part_hints,
    posture_hints,
    squared_error,
    token_hints,
    window_hints,
)

FAULTS = len(PRICES)


def test_readers_tell_phases_deductions_and_award():
    config = FineParserConfig.tiny()
    phases, deductions = WindowReader(config)(torch.randn(5, config.feature_width))
    assert phases.shape == (5, 16, 3)
    assert deductions.shape == (5, FAULTS)
    deductions, award = TokenReader(config)(*torch.randn(2, 2, 3, 4, config.token_width))
    assert deductions.shape == (2, FAULTS)
    assert award.shape == (2,)


def test_window_hints_are_cross_entropy_and_squared_error():
    told = torch.randn(4, 16, 3), torch.randn(4, FAULTS)
    phases, deductions = torch.randint(0, 3, (4, 16)), torch.rand(4, FAULTS)
    expected = PHASE_SHARE * functional.cross_entropy(told[0].flatten(0, 1), phases.flatten())
    spread = torch.tensor(DEDUCTION_SPREAD)
    expected += WINDOW_DEDUCTION_SHARE * functional.mse_loss(told[1] / spread, deductions / spread)
    torch.testing.assert_close(window_hints(told, phases, deductions, torch.ones(4)), expected)
    # Where nothing is known there is nothing to learn, and no NaN.
    assert window_hints(told, torch.full_like(phases, -1), deductions * torch.nan, torch.ones(4)) == 0
    assert window_hints(told, phases, deductions, torch.zeros(4)) == 0


def test_token_hints_leave_out_what_is_not_known():
    told = torch.randn(3, FAULTS), torch.randn(3)
    deductions, award = torch.rand(3, FAULTS), torch.tensor([7.0, torch.nan, 8.0])
    spread = torch.tensor(DEDUCTION_SPREAD)
    expected = DEDUCTION_SHARE * functional.mse_loss(told[0] / spread, deductions / spread)
    expected += AWARD_SHARE * functional.mse_loss(told[1][[0, 2]], award[[0, 2]])
    torch.testing.assert_close(token_hints(told, deductions, award, torch.ones(3)), expected)


def test_entry_hints_count_what_the_entry_shows():
    deductions, award = torch.zeros(2, FAULTS), torch.full((2,), AWARD_MIDDLE)
    deductions[1, 0] = torch.nan
    assert set(PRICES) >= set(ENTRY_SHARES)
    shares = [*(ENTRY_SHARES.get(name, UNSEEN_SHARE) for name in PRICES), 1.0]
    whole = torch.ones(2)
    assert entry_hints(torch.zeros(2, FAULTS + 1), deductions, award, whole) == 0
    for column, share in enumerate(shares):
        read = torch.zeros(2, FAULTS + 1)
        read[:, column] = 0.5  # where the loss is still a square
        found = entry_hints(read, deductions, award, whole)
        torch.testing.assert_close(found, torch.tensor(0.5**2 / 2 * share / sum(shares)))
    read = torch.full((2, FAULTS + 1), 9.0)
    read[:, :FAULTS] = (torch.tensor([[0.3]]) / torch.tensor(DEDUCTION_SPREAD)).expand(2, -1)
    read[:, FAULTS] = 1.0
    told = entry_hints(read, torch.full((2, FAULTS), 0.3), award + AWARD_SPREAD, whole)
    torch.testing.assert_close(told, torch.tensor(0.0))
    assert entry_hints(read, deductions, award, torch.zeros(2)) == 0


def test_parts_are_asked_for_both_ways_where_faults_are_known():
    lost = torch.tensor([[1.0, 2.0, 6.0], [torch.nan] * 3]), torch.tensor([[0.0, 5.0, 2.0], [1.0, 1.0, 1.0]])
    forward, backward = torch.randn(2, 3), torch.randn(2, 3)
    truth = torch.tensor([-1.0, 3.0, -4.0])  # what costs the query more makes it worse
    expected = functional.mse_loss(forward[0], truth) + functional.mse_loss(backward[0], -truth)
    torch.testing.assert_close(part_hints(forward, backward, lost[1] - lost[0], torch.ones(2)), PART_SHARE * expected)
    assert part_hints(forward, backward, lost[1] - lost[0], torch.zeros(2)) == 0


def test_samples_that_do_not_count_do_not():
    found, labels = torch.tensor([[1.0], [5.0]]), torch.zeros(2, 1)
    assert squared_error(found, labels, torch.tensor([1.0, 0.0])) == 1


def test_spreads_are_those_of_drawn_dives():
    drawn = []
    for seed in range(1500):
        rng = np.random.default_rng(seed)
        faults = draw_faults(rng, None, *draw_dive(rng))
        drawn.append([price.of(getattr(faults, name)) for name, price in PRICES.items()])
    np.testing.assert_allclose(DEDUCTION_SPREAD, np.std(drawn, axis=0), rtol=0.15)


def test_postures_count_by_number_and_the_splash_more():
    torch.manual_seed(0)
    told, true = torch.randn(2, 5, len(POSTURE)), torch.randn(2, 5, len(POSTURE))
    splash = POSTURE.index("splash")
    true[0, :, splash] = torch.nan  # one clip tells no splash: the other's counts whole
    spread = torch.tensor([spread for _, spread in POSTURE_SCALE])
    errors = torch.stack(
        [functional.mse_loss(told[..., k] / spread[k], true[..., k] / spread[k]) for k in range(splash)]
        + [SPLASH_SHARE * functional.mse_loss(told[1, :, splash] / spread[splash], true[1, :, splash] / spread[splash])]
    )
    expected = errors.sum() / (splash + SPLASH_SHARE)
    torch.testing.assert_close(posture_hints(told, true, torch.ones(2)), expected)
    assert posture_hints(told, true, torch.zeros(2)) == 0


def test_points_count_by_their_distance_and_their_maps():
    torch.manual_seed(0)
    logits, true = torch.randn(3, 7, 8, 8), torch.rand(3, 7, 2) * 1.6 - 0.8
    view = FocusView(torch.zeros(3, 16, 16), logits.flatten(2).log_softmax(-1).view_as(logits))
    true[0, 2] = torch.nan
    errors = []
    side = torch.arange(8) / 4 - 0.875
    for square in range(3):
        for point in range(7):
            if square == 0 and point == 2:
                continue
            x, y = true[square, point]
            spot = torch.exp(-0.5 * (((side[None] - x) ** 2 + (side[:, None] - y) ** 2) / SPOT**2)).flatten()
            maps = functional.cross_entropy(logits[square, point].flatten()[None], (spot / spot.sum())[None])
            chance = logits[square, point].flatten().softmax(0).view(8, 8)
            found = torch.stack([(chance.sum(0) * side).sum(), (chance.sum(1) * side).sum()])
            errors.append(MAP_SHARE * maps + DISTANCE_SHARE * (found - true[square, point]).norm())
    torch.testing.assert_close(landmark_hints(view, true, torch.ones(3)), torch.stack(errors).mean())
    assert landmark_hints(view, true, torch.zeros(3)) == 0


def test_a_reader_of_postures_answers_in_their_units():
    reader = PostureReader(6)
    with torch.no_grad():
        reader.read.weight.zero_()
        reader.read.bias.zero_()
    torch.testing.assert_close(reader(torch.randn(2, 3, 6))[0, 0], torch.tensor([m for m, _ in POSTURE_SCALE]))
