"""Noise and patterns."""

import numpy as np
import pytest

from fineparser.simulator.venue.texture import apply_brightness_ramp, mottle, random_pattern, solid_image, value_noise


@pytest.mark.parametrize("size", [(1, 50), (60, 200), (300, 40)])
def test_noise_has_size_and_unit_strength(size):
    values = np.stack([value_noise(np.random.default_rng(seed), *size) for seed in range(20)])
    assert values.shape == (20, *size)
    assert values.dtype == np.float32
    assert abs(values.mean()) < 0.25
    assert 0.5 < values.std() < 1.6


def test_shading_runs_down_the_picture():
    image = apply_brightness_ramp(solid_image(10, 50, (100, 100, 100)), 1.5, 0.5)
    assert image[0, 0, 0] == 150
    assert image[-1, 0, 0] == 50


def test_mottling_keeps_the_mean():
    image = mottle(np.random.default_rng(0), solid_image(200, 200, (128, 128, 128)), 10)
    assert image.mean() == pytest.approx(128, abs=6)
    assert 4 < image.std() < 16


@pytest.mark.parametrize("seed", range(30))
def test_patterns_keep_to_their_colours(seed):
    rng = np.random.default_rng(seed)
    image = random_pattern(rng, 40, 25, [(10, 20, 30), (200, 100, 50)])
    assert image.shape == (25, 40, 3)
    assert image[..., 0].min() >= 10
    assert image[..., 0].max() <= 200
