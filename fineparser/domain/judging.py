"""Judging: from the judges' awards to the score of a dive, and the meaning of the awards.

Source: World Aquatics diving rules. Awards are 0 to 10 in halves. Sums are computed in half points, as integers, and
multiplied as decimals, so scores have no rounding errors.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from fineparser.plain_values import excerpt

HIGHEST_AWARD = 10
COUNTED_AWARDS = 3
"""Awards that a score adds up: three count, or five that are weighted by 3/5."""


@dataclass(frozen=True)
class JudgePanel:
    """Panel of judges, and the rule that counts their awards.

    The awards are in the order of `groups`: each group is (task, number of judges, number of awards dropped at the
    top and again at the bottom).
    """

    groups: tuple[tuple[str, int, int], ...]
    weight: Decimal
    """Factor on the sum of the awards that count."""

    @property
    def judges(self) -> int:
        """Number of awards of the panel."""
        return sum(judges for _, judges, _ in self.groups)


PANELS = {
    panel.judges: panel
    for panel in (
        JudgePanel((("execution", 5, 1),), Decimal(1)),
        JudgePanel((("execution", 7, 2),), Decimal(1)),
        JudgePanel((("execution of both divers", 4, 1), ("synchronisation", 5, 1)), Decimal("0.6")),
        JudgePanel(
            (("execution of diver A", 3, 1), ("execution of diver B", 3, 1), ("synchronisation", 5, 1)),
            Decimal("0.6"),
        ),
    )
}
"""Panels by number of judges. 5 and 7 judge one diver, 9 and 11 a synchronised pair, their awards in
the order execution of diver A (2 of 9, 3 of 11), execution of diver B (as many), synchronisation (5). With
9 judges the four execution awards are one group, since no award would be left of two (the rule drops the
highest and the lowest of the execution awards)."""

SINGLE_DIVER_PANELS = tuple(panel.judges for panel in PANELS.values() if len(panel.groups) == 1)
"""Numbers of judges that judge one diver."""

# fmt: off
BANDS = (
    (10.0, "excellent"), (8.5, "very good"), (7.0, "good"), (5.0, "satisfactory"), (2.5, "deficient"),
    (0.5, "unsatisfactory"), (0.0, "failed"),
)
# fmt: on
"""Lowest award of each band and its name, best first."""


@dataclass(frozen=True)
class Penalty:
    """Penalty by the referee or the judges for one kind of mistake."""

    offence: str
    deduction: float = 0.0
    """Deduction from each award."""

    highest_award: float = HIGHEST_AWARD
    """Upper bound of an award."""

    def apply(self, award: float) -> float:
        """Award after the penalty.

        >>> PENALTIES["restart"].apply(7.5), PENALTIES["wrong position"].apply(7.5)
        (5.5, 2.0)
        """
        return float(min(max(_half_points(award) / 2 - self.deduction, 0), self.highest_award))


PENALTIES = {
    penalty.offence: penalty
    for penalty in (
        Penalty("wrong dive", highest_award=0),
        Penalty("twist 90 degrees or more off", highest_award=0),
        Penalty("feet or hands entering in the wrong order", highest_award=0),
        Penalty("second failed restart", highest_award=0),
        Penalty("restart", deduction=2),
        Penalty("wrong position", highest_award=2),
        Penalty("unsafe dive", highest_award=2),
        Penalty("arms wrong at the entry", highest_award=4.5),
    )
}
"""Penalties of the rules by offence."""


class InvalidAwards(ValueError):
    """Error of awards that no panel gives: another number of judges, or an award that is not 0 to 10 in halves."""


def total_score(awards: Sequence[float], difficulty: float) -> float:
    """Score of a dive: the sum of three awards times the degree of difficulty, rounded to 2 decimals.

    Args:
        awards: one number per judge, 5, 7, 9 or 11 of them, in the order of `PANELS`.
        difficulty: degree of difficulty.

    Raises:
        InvalidAwards: for awards that no panel gives.
        ValueError: for a difficulty that is not a positive number.

    >>> total_score([9.5, 9, 9.5, 9, 8.5, 9.5, 8.5], 3.2)
    88.0
    >>> total_score([7, 8.5, 8, 7.5, 8, 8, 8.5, 8.5, 9, 8, 9], 3.4)
    85.68
    """
    half_points = sum(_half_points(award) for award, counts in zip(awards, is_counted(awards), strict=True) if counts)
    score = PANELS[len(awards)].weight * half_points / 2 * _decimal(difficulty)
    return float(score.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def is_counted(awards: Sequence[float]) -> tuple[bool, ...]:
    """True for each award that counts. Of equal awards the earlier one is treated as the lower.

    >>> is_counted([8, 7, 6.5, 7, 8])
    (True, True, False, True, False)
    """
    half_points = [_half_points(award) for award in awards]
    if len(awards) not in PANELS:
        raise InvalidAwards(f"No panel has {len(awards)} judges; give 5 or 7 awards for one diver, 9 or 11 for a pair.")
    flags = [False] * len(awards)
    first = 0
    for _, judges, dropped in PANELS[len(awards)].groups:
        order = sorted(range(first, first + judges), key=half_points.__getitem__)
        for judge in order[dropped : judges - dropped]:
            flags[judge] = True
        first += judges
    return tuple(flags)


def parse_awards(awards: str | Sequence[float]) -> tuple[float, ...]:
    """The judges' awards for one diver, as people write them: with blanks or semicolons between, and 7.5 or 7,5.

    Raises:
        InvalidAwards: for anything but 5 or 7 awards, 0 to 10 in halves.

    >>> parse_awards("7,5; 8; 7; 7,5; 8"), parse_awards("7.5 8 7 7.5 8")
    ((7.5, 8.0, 7.0, 7.5, 8.0), (7.5, 8.0, 7.0, 7.5, 8.0))
    """
    if isinstance(awards, str):
        # A comma before a blank separates awards, any other one is a decimal mark.
        awards = [_award(text) for text in re.split(r"(?:[;\s]|,(?=[;\s]))+", awards.strip(" \t\r\n;,"))]
    if len(awards) not in SINGLE_DIVER_PANELS:
        panels = " or ".join(map(str, SINGLE_DIVER_PANELS))
        raise InvalidAwards(f"The judges of one diver give {panels} awards, not {len(awards)}.")
    return tuple(_half_points(award) / 2 for award in awards)


def format_awards(awards: Sequence[float]) -> str:
    """The awards of a dive, those that do not count in parentheses.

    >>> format_awards([7.5, 8, 7, 7.5, 8])
    '7.5 8 (7) 7.5 (8)'
    """
    pairs = zip(awards, is_counted(awards), strict=True)
    return " ".join(f"{award:g}" if counts else f"({award:g})" for award, counts in pairs)


def _award(text: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise InvalidAwards(
            f"{excerpt(text)} is no award: write awards with blanks or semicolons between them, such as 7.5 8 7 7 8."
        ) from None


def execution(score: float, difficulty: float) -> float:
    """Execution of a dive, its score without the difficulty: the sum of three awards, 0 to 30.

    >>> execution(84.15, 3.3), round(execution(84.15, 3.3) / COUNTED_AWARDS, 2)
    (25.5, 8.5)
    """
    factor = _decimal(difficulty)
    try:
        points = Decimal(str(score))
    except InvalidOperation:
        points = Decimal("NaN")
    if not points.is_finite() or points < 0:
        raise ValueError(f"A score must be a number from 0 up, not {score!r}.")
    return float(points / factor)


def highest_score(difficulty: float) -> float:
    """Score of a dive with the highest award from every judge.

    >>> highest_score(3.5)
    105.0
    """
    return round(HIGHEST_AWARD * COUNTED_AWARDS * difficulty, 2)  # as exact as `total_score`


def band(award: float) -> str:
    """Name of an award from 0 to 10 in the rules; a mean is rounded to the nearest half first.

    >>> [band(award) for award in (10, 8.5, 8.2, 0.1)]
    ['excellent', 'very good', 'good', 'failed']
    """
    if not 0 <= award <= HIGHEST_AWARD:
        raise InvalidAwards(f"An award lies between 0 and {HIGHEST_AWARD}, not at {award!r}.")
    nearest_half = int(award * 2 + 0.5) / 2
    return next(name for lowest, name in BANDS if nearest_half >= lowest)


def _half_points(award: float) -> int:
    """Award in half points; `InvalidAwards` for an invalid one."""
    try:
        doubled = float(award) * 2
    except (TypeError, ValueError):
        doubled = float("nan")
    if not (0 <= doubled <= 2 * HIGHEST_AWARD and doubled.is_integer()):
        raise InvalidAwards(f"An award is 0 to {HIGHEST_AWARD} in halves, not {excerpt(award)}.")
    return int(doubled)


def _decimal(difficulty: float) -> Decimal:
    """Difficulty as a decimal, so that 3.3 is 3.3 exactly."""
    try:
        value = Decimal(str(difficulty))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0:
        raise ValueError(f"A degree of difficulty must be a positive number such as 3.2, not {difficulty!r}.")
    return value
