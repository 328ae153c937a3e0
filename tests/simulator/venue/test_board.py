"""The shape the diver leaves from."""

import numpy as np
import pytest

from fineparser.simulator.venue.board import Board


def spring(**changes):
    return Board(
        **{"kind": "springboard", "height": 3.0, "colour": (1, 2, 3), "thickness": 0.05, "width": 0.5, **changes}
    )


def test_blade_rests_level_from_rear_to_tip():
    edges = spring().upper_edges(points=5)
    assert edges.shape == (5, 2, 3)
    np.testing.assert_allclose(edges[0, :, 0], -4.8)
    np.testing.assert_allclose(edges[-1], [[0, -0.25, 3], [0, 0.25, 3]])
    assert (edges[..., 2] == 3).all()


@pytest.mark.parametrize("deflection", [-0.8, 0.3])
def test_blade_bends_beyond_the_fulcrum_only(deflection):
    board = spring(fulcrum=-2.0)
    edges = board.upper_edges(deflection, points=4801)
    x, z = edges[:, 0, 0], edges[:, 0, 2] - 3
    np.testing.assert_allclose(z[-1], deflection)
    assert (z[x <= -2.0] == 0).all()
    slope = np.gradient(z, x)
    assert np.abs(slope[np.abs(x + 2) < 0.01]).max() < 0.02  # no kink over the roller
    assert (np.diff(z * np.sign(deflection)) >= -1e-12).all()


def test_second_blade_and_shared_platform():
    assert spring(partner=2.5).upper_edges(y=2.5)[..., 1].mean() == 2.5
    platform = spring(kind="platform", height=10.0, width=4.0, centre=0.8, partner=1.6)
    edges = platform.upper_edges(deflection=0.5)
    assert (edges[..., 2] == 10).all()
    np.testing.assert_allclose(edges[-1, :, 1], [-1.2, 2.8])
    assert platform.length == 6.0
