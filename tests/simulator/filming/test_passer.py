"""A passer-by walks along the poolside at the given speed, with the feet on the ground."""

import numpy as np
import pytest

from fineparser.simulator.athlete.skeleton import JOINT_INDEX
from fineparser.simulator.filming.passer import DECK_HEIGHT, Passer


def test_a_passer_walks_on_the_deck():
    passer = Passer.sample(np.random.default_rng(3), np.array([1.0, -15.0, 4.0]))
    times = np.linspace(-1, 2, 91)
    joints = passer.joints(times)
    pelvis = joints[:, JOINT_INDEX["pelvis"]]
    np.testing.assert_allclose(np.diff(pelvis[:, 0]) / np.diff(times), passer.speed, atol=1e-9)
    np.testing.assert_allclose(joints[..., 2].min(1), DECK_HEIGHT + 0.03)
    stride = np.abs(joints[:, JOINT_INDEX["toe_l"], 0] - joints[:, JOINT_INDEX["toe_r"], 0]).max()
    assert 0.4 < stride < 1.0
    assert (pelvis[:, 1] < 0).all() == passer.is_near


@pytest.mark.parametrize("side", [-1, 1])
def test_passers_are_on_both_sides(side):
    rng = np.random.default_rng(0)
    near = [Passer.sample(rng, np.array([0.0, side * 12.0, 3.0])) for _ in range(40)]
    assert 4 < sum(passer.is_near for passer in near) < 22
    assert all((passer.position[1] * side > 0) == passer.is_near for passer in near)
