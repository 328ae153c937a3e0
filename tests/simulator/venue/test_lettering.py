"""Banners, boards, flags."""

import numpy as np
import pytest

from fineparser.simulator.venue.lettering import (
    draw_banner,
    draw_flag,
    draw_flag_row,
    draw_scoreboard,
    draw_sponsor_boards,
    random_name,
)

THEME = ((20.0, 60.0, 160.0), (240.0, 240.0, 240.0), (200.0, 30.0, 30.0))


@pytest.mark.parametrize("size", [(3, 2), (40, 9), (300, 40)])
def test_every_board_fills_its_size(size):
    width, height = size
    rng = np.random.default_rng(0)
    for image in (
        draw_banner(rng, width, height, THEME[0]),
        draw_sponsor_boards(rng, width, height, THEME, 20),
        draw_scoreboard(rng, width, height),
        draw_flag(rng, width, height),
        draw_flag_row(rng, width, height, THEME[2]),
    ):
        assert image.shape == (height, width, 3)
        assert image.dtype == np.uint8


def test_banners_are_lettered_in_ink_on_their_ground():
    inked = []
    for seed in range(10):
        image = draw_banner(np.random.default_rng(seed), 400, 40, (20.0, 60.0, 160.0))
        inked.append((image.min(2) > 180).mean())
    assert np.mean(np.array(inked) > 0.01) >= 0.8
    assert max(inked) < 0.6


def test_words_differ():
    rng = np.random.default_rng(0)
    assert len({random_name(rng) for _ in range(50)}) > 30
