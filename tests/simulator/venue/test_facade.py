"""Walls and stands in bands."""

import itertools

import numpy as np
import pytest

from fineparser.simulator.venue.facade import WALL_SHARES, draw_wall, sample_bands
from fineparser.simulator.venue.venue import Venue


@pytest.mark.parametrize("seed", range(5))
def test_bands_follow_one_another_upwards_and_outwards(seed):
    bands = sample_bands(np.random.default_rng(seed), foot=0.3, top=18.0, stand_probability=0.5)
    assert bands[0].low == 0.3
    assert bands[-1].high >= 18.0
    for lower, upper in itertools.pairwise(bands):
        assert upper.low == pytest.approx(lower.high)
        assert upper.back >= lower.back
    assert all(band.depth == 0 for band in bands if band.kind != "stand")


def test_no_stands_where_none_are_wanted():
    kinds = {
        band.kind
        for seed in range(20)
        for band in sample_bands(np.random.default_rng(seed), 0, 15, stand_probability=0.0)
    }
    assert kinds == set(WALL_SHARES)


@pytest.mark.parametrize("kind", WALL_SHARES)
@pytest.mark.parametrize("size", [(2, 2), (150, 60)])
def test_walls_are_painted_at_any_size(kind, size):
    rng = np.random.default_rng(1)
    image = draw_wall(rng, kind, *size, Venue.sample(rng, 10.0), pixels_per_metre=12.0)
    assert image.shape == (size[1], size[0], 3)
    assert image.dtype == np.uint8
