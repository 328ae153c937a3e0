"""What is dived: legal dives only, the mix of competitions, and what was asked for."""

from collections import Counter

import numpy as np
import pytest

from fineparser.domain.difficulty import is_dived
from fineparser.domain.dive_code import FINEDIVING_ACTION_TYPES, DiveCode
from fineparser.simulator.programme import PLATFORM, SPRINGBOARD, draw_dive


def test_every_dive_of_the_lists_exists():
    for code in PLATFORM:
        assert is_dived(code, 10), code
    for code in SPRINGBOARD:
        assert is_dived(code, 3), code
    assert set(FINEDIVING_ACTION_TYPES) <= set(PLATFORM) | set(SPRINGBOARD)


def test_draws_are_legal_and_mixed():
    rng = np.random.default_rng(0)
    draws = [draw_dive(rng) for _ in range(600)]
    assert all(is_dived(code, height) for code, height in draws)
    heights = Counter(height for _, height in draws)
    assert heights[10] > heights[3] > heights[1] > 10
    assert min(heights[5], heights[7.5]) > 5
    codes = Counter(str(code) for code, height in draws if height == 10)
    assert codes["407C"] > codes["207B"] > 0
    assert len({str(code) for code, _ in draws}) > 80


def test_wishes_are_kept():
    rng = np.random.default_rng(1)
    assert draw_dive(rng, "5253B", 10) == (DiveCode.parse("5253B"), 10)
    assert {draw_dive(rng, "612B")[1] for _ in range(20)} <= {5, 7.5, 10}
    assert all(draw_dive(rng, height=1)[1] == 1 for _ in range(5))


@pytest.mark.parametrize(("code", "height"), [("612B", 3), ("105X", 3), ("107B", 4)])
def test_what_is_not_dived_is_refused(code, height):
    with pytest.raises(ValueError):
        draw_dive(np.random.default_rng(0), code, height)
