"""The height of dives whose source does not annotate it."""

import re

from fineparser.domain.difficulty import ERAS, difficulty, is_dived, parse_height
from fineparser.domain.dive_code import DiveCode

COMPETED_HEIGHTS = (3, 10)
"""Metres: the heights of the Olympic events, which is what the datasets show."""


def height_in_name(name: str) -> float | None:
    """The height in metres that the name of a video or event says, None where it says none or several.

    >>> height_in_name("FINADivingWorldCup2021_Men3m_final_r1"), height_in_name("3mMenSpringboardFinal_2")
    (3, 3)
    >>> height_in_name("FullMenSynchronised10mPlatform_Tokyo2020Replays_2"), height_in_name("Round10men")
    (10, None)
    """
    # "7.5m" and not the 5 in it; "10m" and not "10men".
    named = set(re.findall(r"(?<![\d.])(1|3|5|7\.5|10)m(?![a-z](?<!p)(?<!s))", name))
    return parse_height(named.pop()) if len(named) == 1 else None


def fitting_heights(code: DiveCode, value: float) -> tuple[float, ...]:
    """Those of 3 m and 10 m at which the dive has the degree of difficulty `value`, now or in 2009-13.

    >>> fitting_heights(DiveCode.parse("107B"), 3.0), fitting_heights(DiveCode.parse("107B"), 9.9)
    ((10,), ())
    """
    return tuple(
        height
        for height in COMPETED_HEIGHTS
        if is_dived(code, height) and any(abs(difficulty(code, height, era) - value) < 1e-6 for era in ERAS)
    )


def only_height(code: DiveCode, value: float) -> float | None:
    """The one of 3 m and 10 m at which the dive has this difficulty; None where both or neither fit."""
    heights = fitting_heights(code, value)
    return heights[0] if len(heights) == 1 else None
