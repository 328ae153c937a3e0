"""Sampling of dive numbers and heights as in competitions, with a share of easier dives."""

import functools
from collections.abc import Sequence

import numpy as np

from fineparser.domain.difficulty import catalogue, difficulty
from fineparser.domain.dive_code import DiveCode

HEIGHT_SHARES = {10: 0.44, 3: 0.36, 1: 0.08, 5: 0.06, 7.5: 0.06}
EASY_SHARE = 0.15  # of dives from the whole catalogue, easy ones more often

# fmt: off
PLATFORM_COUNTS = {
    "407C": 123, "107B": 96, "5253B": 80, "207C": 74, "307C": 68, "6243D": 51, "5255B": 48, "109C": 38,
    "207B": 32, "626C": 27, "205B": 27, "403B": 21, "6245D": 20, "103B": 20, "405B": 19, "301B": 19,
    "305C": 16, "626B": 12, "6142D": 8, "201B": 7, "636C": 6, "409C": 6, "305B": 6, "612B": 6, "5132D": 6,
    "5251B": 6, "107C": 6, "5152B": 5, "5156B": 5, "5231D": 5, "6241B": 4, "5235D": 3, "614B": 3,
    "5331D": 2, "105B": 2, "5237D": 2, "407B": 1, "627C": 1, "101B": 1, "5154B": 1, "205C": 4, "405C": 4, "109B": 4,
}
"""10 m: count of each dive number in 883 judged dives of 2009-2013 and later (annotations of MTL-AQA); the last three
are types of FineDiving that are too rare for that sample."""

SPRINGBOARD_COUNTS = {
    "107B": 60, "205B": 55, "405B": 50, "305B": 50, "5152B": 40, "5154B": 40, "5335D": 35, "407C": 30, "307C": 28,
    "207C": 24, "109C": 20, "5156B": 16, "5337D": 14, "5353B": 10, "5253B": 8, "5235D": 12, "5237D": 8, "5355B": 4,
    "5172B": 4, "103B": 20, "201B": 18, "301B": 20, "401B": 22, "403B": 20, "101B": 12, "5132D": 10, "105B": 16,
    "205C": 14, "303C": 10, "305C": 14, "405C": 14, "107C": 16, "203B": 8, "5134D": 6, "5331D": 5, "5233D": 6,
}
"""1 m and 3 m: estimated counts of FineDiving's springboard types and the usual voluntary dives."""
# fmt: on


def sample_dive(
    rng: np.random.Generator, code: DiveCode | str | None = None, height: float | None = None
) -> tuple[DiveCode, float]:
    """Sample dive number and height (metres), as far as they are not given.

    Raises:
        ValueError: the code or the height does not exist, or the dive is not allowed at the height.
    """
    if isinstance(code, str):
        code = DiveCode.parse(code)
    if code is not None:
        heights = [h for h in HEIGHT_SHARES if code in catalogue(h)]
        if height is not None:
            difficulty(code, height)  # raises the error
            return code, height
        shares = np.array([HEIGHT_SHARES[h] for h in heights])
        return code, heights[int(rng.choice(len(heights), p=shares / shares.sum()))]
    if height is None:
        height = list(HEIGHT_SHARES)[int(rng.choice(len(HEIGHT_SHARES), p=list(HEIGHT_SHARES.values())))]
    codes, usual, easy = _weights(height)
    weights = easy if rng.random() < EASY_SHARE else usual
    return codes[int(rng.choice(len(codes), p=weights))], height


@functools.cache
def _weights(height: float) -> tuple[Sequence[DiveCode], np.ndarray, np.ndarray]:
    """Dives of a height with their shares in competition and among learners."""
    codes = catalogue(height)
    hard = np.array([difficulty(code, height) for code in codes])
    common = PLATFORM_COUNTS if height >= 5 else SPRINGBOARD_COUNTS
    # At lower heights the hard dives of the list are less frequent.
    ease = {1: 5.0, 5: 5.0, 7.5: 2.5}.get(height, 0.0)
    usual = np.array([common.get(str(code), 0) for code in codes]) * np.exp(-ease * np.maximum(hard - 2.2, 0))
    plain = np.array([1.0 if not code.twisting and not code.armstand else 0.25 for code in codes])
    easy = plain * np.exp(-2.5 * np.maximum(hard - 1.6, 0))
    return codes, usual / usual.sum(), easy / easy.sum()
