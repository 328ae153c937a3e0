"""Seats and spectators."""

import numpy as np
import pytest

from fineparser.simulator.venue.crowd import clothing, draw_stand, hair_tone, skin_tone

THEME = ((30.0, 60.0, 160.0), (230.0, 230.0, 230.0), (200.0, 40.0, 40.0))


def test_skin_runs_from_deep_to_pale_and_is_never_blue():
    tones = skin_tone(np.random.default_rng(0), 2000)
    assert tones[:, 0].min() < 95
    assert tones[:, 0].max() > 225
    assert (tones[:, 0] > tones[:, 2] - 25).mean() > 0.99


def test_styles_colour_shirts():
    rng = np.random.default_rng(0)
    light, dark = clothing(rng, 2000, THEME, "light").mean(), clothing(rng, 2000, THEME, "dark").mean()
    assert light > 170
    assert dark < 90
    assert hair_tone(rng, 2000).mean() < 100


@pytest.mark.parametrize("height", [12, 120])
def test_stand_has_the_size_asked_for(height):
    image = draw_stand(np.random.default_rng(0), 200, height, THEME, 5.0, 0.8)
    assert image.shape == (height, 200, 3)
    assert image.dtype == np.uint8


def test_full_stands_are_livelier_than_empty_ones():
    full = draw_stand(np.random.default_rng(3), 300, 150, THEME, 5.0, 0.95, "mixed")
    empty = draw_stand(np.random.default_rng(3), 300, 150, THEME, 5.0, 0.0, "mixed")

    def colours(image):
        return len(np.unique(image.reshape(-1, 3) // 24, axis=0))

    assert colours(full) > 3 * colours(empty)
