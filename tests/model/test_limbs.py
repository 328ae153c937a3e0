"""Limbs of bodies of which every angle is known."""

import math

import pytest
import torch

from fineparser.model.config import LANDMARKS, LIMBS
from fineparser.model.limbs import ANKLES, HEAD, JOINTS, KNEES, NECK, PELVIS, SEGMENTS, TOES, WRISTS, limbs

KNEE = 3  # in JOINTS


def body(**points):
    found = torch.zeros(LANDMARKS, 3)
    for name, place in points.items():
        found[globals()[name.upper()], :2] = torch.tensor(place)
    return found


UPRIGHT = body(
    head=(0.0, -0.8), neck=(0.0, -0.5), pelvis=(0.0, 0.0), knees=(0.0, 0.4), ankles=(0.0, 0.8), toes=(0.1, 0.8),
    wrists=(0.0, -1.0),
)  # fmt: skip


def parts(points):
    found = limbs(points)
    count = len(SEGMENTS)
    cosines, sines = found[..., 3 * count :].chunk(2, dim=-1)
    return found[..., : 2 * count].unflatten(-1, (count, 2)), found[..., 2 * count : 3 * count], cosines, sines


def test_an_upright_body():
    ways, lengths, cosines, _ = parts(UPRIGHT)
    assert limbs(UPRIGHT).shape == (LIMBS,)
    torch.testing.assert_close(ways[0], torch.tensor([0.0, -1.0]))  # the trunk, up
    torch.testing.assert_close(ways[3], torch.tensor([0.0, 1.0]))  # the thighs, down
    torch.testing.assert_close(ways[5], torch.tensor([1.0, 0.0]))  # the feet, to the right
    torch.testing.assert_close(lengths[[0, 3, 6]], torch.tensor([0.5, 0.4, 1.8]))
    torch.testing.assert_close(cosines, torch.tensor([1.0, 1.0, -1.0, 1.0, 0.0]), atol=1e-6, rtol=0)


def test_bent_knees_by_their_angle_and_to_their_side():
    for degrees in (30, -70, 120):
        turn = math.radians(degrees)
        bent = UPRIGHT.clone()
        bent[ANKLES, :2] = bent[KNEES, :2] + 0.4 * torch.tensor([math.sin(turn), math.cos(turn)])
        _, _, cosines, sines = parts(bent)
        assert math.degrees(math.atan2(sines[KNEE], cosines[KNEE])) == pytest.approx(-degrees, abs=1e-3)


def test_place_and_turn_do_not_change_joints_nor_size_any_direction():
    ways, lengths, cosines, sines = parts(UPRIGHT)
    moved = UPRIGHT.clone()
    moved[:, :2] = 0.5 * moved[:, :2] + 0.2
    smaller = parts(moved)
    torch.testing.assert_close(smaller[0], ways)
    torch.testing.assert_close(smaller[1], 0.5 * lengths)
    turned = UPRIGHT.clone()
    turned[:, 0], turned[:, 1] = -UPRIGHT[:, 1], UPRIGHT[:, 0]
    torch.testing.assert_close(torch.stack(parts(turned)[2:]), torch.stack([cosines, sines]))


def test_points_that_lie_together_have_no_direction_and_a_gradient():
    points = torch.zeros(2, LANDMARKS, 3, requires_grad=True)
    found = limbs(points)
    assert (found == 0).all()
    found.sum().backward()
    assert points.grad.isfinite().all()
    assert len(JOINTS) == 5
    assert {PELVIS, NECK, HEAD, TOES, WRISTS} < {point for segment in SEGMENTS for point in segment}
