"""Sampled dives: allowed ones only, the mix of competitions, and given numbers and heights."""

from collections import Counter

import numpy as np
import pytest

from fineparser.domain.difficulty import has_difficulty
from fineparser.domain.dive_code import FINEDIVING_ACTION_TYPES, DiveCode
from fineparser.simulator.dive_sampling import PLATFORM_COUNTS, SPRINGBOARD_COUNTS, sample_dive


def test_every_dive_of_the_lists_exists():
    for code in PLATFORM_COUNTS:
        assert has_difficulty(code, 10), code
    for code in SPRINGBOARD_COUNTS:
        assert has_difficulty(code, 3), code
    assert set(FINEDIVING_ACTION_TYPES) <= set(PLATFORM_COUNTS) | set(SPRINGBOARD_COUNTS)


def test_samples_are_allowed_and_mixed():
    rng = np.random.default_rng(0)
    samples = [sample_dive(rng) for _ in range(600)]
    assert all(has_difficulty(code, height) for code, height in samples)
    heights = Counter(height for _, height in samples)
    assert heights[10] > heights[3] > heights[1] > 10
    assert min(heights[5], heights[7.5]) > 5
    codes = Counter(str(code) for code, height in samples if height == 10)
    assert codes["407C"] > codes["207B"] > 0
    assert len({str(code) for code, _ in samples}) > 80


def test_given_numbers_and_heights_are_fulfilled():
    rng = np.random.default_rng(1)
    assert sample_dive(rng, "5253B", 10) == (DiveCode.parse("5253B"), 10)
    assert {sample_dive(rng, "612B")[1] for _ in range(20)} <= {5, 7.5, 10}
    assert all(sample_dive(rng, height=1)[1] == 1 for _ in range(5))


@pytest.mark.parametrize(("code", "height"), [("612B", 3), ("105X", 3), ("107B", 4)])
def test_dives_not_allowed_are_refused(code, height):
    with pytest.raises(ValueError):
        sample_dive(np.random.default_rng(0), code, height)
