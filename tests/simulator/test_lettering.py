"""Banners, boards, flags."""

import numpy as np
import pytest

from fineparser.simulator.lettering import banner, flag, flag_row, scoreboard, sponsor_boards, word

THEME = ((20.0, 60.0, 160.0), (240.0, 240.0, 240.0), (200.0, 30.0, 30.0))


@pytest.mark.parametrize("size", [(3, 2), (40, 9), (300, 40)])
def test_every_board_fills_its_size(size):
    wide, tall = size
    rng = np.random.default_rng(0)
    for picture in (
        banner(rng, wide, tall, THEME[0]),
        sponsor_boards(rng, wide, tall, THEME, 20),
        scoreboard(rng, wide, tall),
        flag(rng, wide, tall),
        flag_row(rng, wide, tall, THEME[2]),
    ):
        assert picture.shape == (tall, wide, 3)
        assert picture.dtype == np.uint8


def test_banners_are_lettered_in_ink_on_their_ground():
    inked = []
    for seed in range(10):
        picture = banner(np.random.default_rng(seed), 400, 40, (20.0, 60.0, 160.0))
        inked.append((picture.min(2) > 180).mean())
    assert np.mean(np.array(inked) > 0.01) >= 0.8
    assert max(inked) < 0.6


def test_words_differ():
    rng = np.random.default_rng(0)
    assert len({word(rng) for _ in range(50)}) > 30
