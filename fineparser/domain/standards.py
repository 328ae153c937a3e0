"""Standards of competition: how judges award a dive number there, and how often it is dived at each.

Source: `award_statistics.csv`, over 19,031 judged dives of international meets (3 m and 10 m) and of national meets
(1 m and 3 m): mean and standard deviation of the mean award of a dive, and the standard deviation of the awards within
its panel, by dive number and height. A number with few dives is shrunk to its height; one without a row has the values
of its height, or of the whole standard at heights without dives.

There are no such statistics of club dives. Those of a club are assumed to be `CLUB_OFFSET` lower than national ones and
to scatter `CLUB_SPREAD` times as much; eight dives 103B of one club have a mean of 5.7 and a standard deviation of 0.8,
where this assumption has 5.4 and 1.2.
"""

import csv
import enum
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from fineparser.domain.difficulty import UndefinedDifficulty, difficulty
from fineparser.domain.dive_code import DiveCode

CLUB_OFFSET, CLUB_SPREAD = -0.2, 1.25
"""Awards by which club dives are higher than national ones, and the ratio of their standard deviations."""
SHRINKAGE = 5
"""Dives whose weight the values of the height have beside those of a dive number: means of numbers scatter by 0.55
awards within a height, those of dives by 1.3."""
HEIGHT_SMOOTHING, NUMBER_SMOOTHING = 100, 10
"""Dives that are added to the count of each standard at a height, and in all to those of a dive number."""
CLUB_MAX_DIFFICULTY, CLUB_MAX_HEIGHT = 2.8, 10
RARE = 0.02
"""Difficulty and height from which on club dives are so much rarer than their count says."""


class Standard(enum.StrEnum):
    """Standard of competition, which says whose judges a score is for."""

    INTERNATIONAL = "international"
    NATIONAL = "national"
    CLUB = "club"


@dataclass(frozen=True)
class AwardDistribution:
    """Distribution of the mean award of a dive, 0 to 10."""

    mean: float
    sd: float
    """Standard deviation between dives."""
    panel_sd: float
    """Standard deviation of the awards of one dive's judges."""


def award_distribution(
    standard: Standard, code: DiveCode | str | None = None, height: float | None = None
) -> AwardDistribution:
    """Distribution of mean awards at a standard; with a height and a dive number, that of their dives.

    >>> award_distribution(Standard.INTERNATIONAL, "207C", 10).mean < award_distribution(Standard.INTERNATIONAL).mean
    True
    """
    if standard is Standard.CLUB:
        national = award_distribution(Standard.NATIONAL, code, height)
        return AwardDistribution(national.mean + CLUB_OFFSET, CLUB_SPREAD * national.sd, national.panel_sd)
    rows = _statistics()
    usual = rows.get((standard, None, height)) or _pool(
        [row for (of_standard, number, _), row in rows.items() if of_standard is standard and number is None]
    )
    row = rows.get((standard, None if code is None else str(code), height), usual)
    weight = row.dives / (row.dives + SHRINKAGE)
    return AwardDistribution(
        mean=weight * row.mean + (1 - weight) * usual.mean,
        sd=math.exp(weight * math.log(row.sd) + (1 - weight) * math.log(usual.sd)),
        panel_sd=weight * row.panel_sd + (1 - weight) * usual.panel_sd,
    )


def standard_shares(code: DiveCode | str | None = None, height: float | None = None) -> dict[Standard, float]:
    """Probability of each standard of a dive with this number from this height.

    Counts of dives are smoothed: those of a height by a constant, those of a number by the shares at its height. Club
    dives are assumed as frequent as national ones, except for hard dives and from 10 m, where they are rare.
    """
    rows, standards = _statistics(), (Standard.INTERNATIONAL, Standard.NATIONAL)
    counts = [rows[standard, None, height].dives if (standard, None, height) in rows else 0 for standard in standards]
    usual = [HEIGHT_SMOOTHING + count for count in counts]
    key = None if code is None else str(code)
    dives = [
        (rows[standard, key, height].dives if key and (standard, key, height) in rows else 0)
        + NUMBER_SMOOTHING * at_height / sum(usual)
        for standard, at_height in zip(standards, usual, strict=True)
    ]
    is_rare = height == CLUB_MAX_HEIGHT or (key is not None and height is not None and _is_hard(key, height))
    dives.append(dives[1] * (RARE if is_rare else 1.0))
    return {standard: count / sum(dives) for standard, count in zip(Standard, dives, strict=True)}


def award_prior(
    standard: Standard | None, code: DiveCode | str | None = None, height: float | None = None
) -> AwardDistribution:
    """Distribution of mean awards before a clip is seen; without a standard that of the mixture of all of them."""
    if standard is not None:
        return award_distribution(standard, code, height)
    shares = standard_shares(code, height)
    parts = [(share, award_distribution(standard, code, height)) for standard, share in shares.items()]
    mean = sum(share * part.mean for share, part in parts)
    variance = sum(share * (part.sd**2 + (part.mean - mean) ** 2) for share, part in parts)
    panel_variance = sum(share * part.panel_sd**2 for share, part in parts)
    return AwardDistribution(mean, math.sqrt(variance), math.sqrt(panel_variance))


@dataclass(frozen=True)
class _Statistics:
    """Awards of a number of dives."""

    dives: int
    mean: float
    sd: float
    panel_sd: float


@functools.cache
def _statistics() -> dict[tuple[Standard, str | None, float | None], _Statistics]:
    """Statistics by standard, dive number (None: all of the height) and height."""
    text = files("fineparser.domain").joinpath("award_statistics.csv").read_text(encoding="utf-8")
    return {
        (
            Standard(row["standard"]),
            None if row["dive_number"] == "all" else row["dive_number"],
            float(row["height"]),
        ): _Statistics(
            int(row["dives"]), float(row["mean_award"]), float(row["sd_award"]), float(row["sd_within_panel"])
        )
        for row in csv.DictReader(text.splitlines())
    }


def _pool(rows: Sequence[_Statistics]) -> _Statistics:
    """Statistics of the dives of all rows together."""
    dives = sum(row.dives for row in rows)
    mean = sum(row.dives * row.mean for row in rows) / dives
    variance = sum(row.dives * (row.sd**2 + (row.mean - mean) ** 2) for row in rows) / dives
    return _Statistics(dives, mean, math.sqrt(variance), sum(row.dives * row.panel_sd for row in rows) / dives)


def _is_hard(code: str, height: float) -> bool:
    try:
        return difficulty(code, height) >= CLUB_MAX_DIFFICULTY
    except UndefinedDifficulty:
        return False
