"""Judging: from the judges' awards to the score of a dive, and what the awards mean.

Source: World Aquatics diving rules as summed up in domain.md ("Judging"). Awards are 0 to 10 in halves.
Sums are kept in half points, as integers, and multiplied as decimals, so no score carries float dust.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

HIGHEST_AWARD = 10
KEPT_AWARDS = 3
"""A score counts as many awards' worth: three are kept, or five are kept and weighted by 3/5."""


@dataclass(frozen=True)
class Panel:
    """How the awards of one kind of panel are counted.

    The awards stand in the order of `groups`: each group is (what it judges, number of judges, number of
    awards dropped at the top and again at the bottom).
    """

    groups: tuple[tuple[str, int, int], ...]
    weight: Decimal
    """What the sum of the kept awards is multiplied by."""

    @property
    def judges(self) -> int:
        """Number of awards of the panel."""
        return sum(judges for _, judges, _ in self.groups)


PANELS = {
    panel.judges: panel
    for panel in (
        Panel((("execution", 5, 1),), Decimal(1)),
        Panel((("execution", 7, 2),), Decimal(1)),
        Panel((("execution of both divers", 4, 1), ("synchronisation", 5, 1)), Decimal("0.6")),
        Panel(
            (("execution of diver A", 3, 1), ("execution of diver B", 3, 1), ("synchronisation", 5, 1)),
            Decimal("0.6"),
        ),
    )
}
"""The panels by number of judges. 5 and 7 judge one diver, 9 and 11 a synchronised pair, their awards in
the order execution of diver A (2 of 9, 3 of 11), execution of diver B (as many), synchronisation (5). With
9 judges the four execution awards are one group, since no award would be left of two [recalled: the rule
drops the highest and the lowest of the execution awards]."""

# fmt: off
BANDS = (
    (10.0, "excellent"), (8.5, "very good"), (7.0, "good"), (5.0, "satisfactory"), (2.5, "deficient"),
    (0.5, "unsatisfactory"), (0.0, "failed"),
)
# fmt: on
"""Lowest award of each band and its name, best first."""


@dataclass(frozen=True)
class Penalty:
    """What a referee or the judges must take off for one kind of mistake."""

    offence: str
    deduction: float = 0.0
    """Taken off each award."""

    highest_award: float = HIGHEST_AWARD
    """The most that an award may still be."""

    def apply(self, award: float) -> float:
        """The award after the penalty.

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
"""The penalties of the rules by offence (domain.md)."""


class InvalidAwards(ValueError):
    """Awards that no panel gives: another number of judges, or an award that is not 0 to 10 in halves."""


def total(awards: Sequence[float], difficulty: float) -> float:
    """The score of a dive: the kept awards, worth three, times the degree of difficulty; 2 decimals.

    `awards` is one number per judge, 5, 7, 9 or 11 of them, in the order of `PANELS`. Raises
    `InvalidAwards`, and ValueError for a difficulty that is not a positive number.

    >>> total([9.5, 9, 9.5, 9, 8.5, 9.5, 8.5], 3.2)
    88.0
    >>> total([7, 8.5, 8, 7.5, 8, 8, 8.5, 8.5, 9, 8, 9], 3.4)
    85.68
    """
    kept = counted(awards)
    half_points = sum(_half_points(award) for award, counts in zip(awards, kept, strict=True) if counts)
    score = PANELS[len(awards)].weight * half_points / 2 * _decimal(difficulty)
    return float(score.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def counted(awards: Sequence[float]) -> tuple[bool, ...]:
    """Which of the awards count, in their order. Of equal awards the earlier one is held for the lower.

    >>> counted([8, 7, 6.5, 7, 8])
    (True, True, False, True, False)
    """
    half_points = [_half_points(award) for award in awards]
    if len(awards) not in PANELS:
        raise InvalidAwards(f"No panel has {len(awards)} judges; give 5 or 7 awards for one diver, 9 or 11 for a pair.")
    kept = [False] * len(awards)
    first = 0
    for _, judges, dropped in PANELS[len(awards)].groups:
        order = sorted(range(first, first + judges), key=half_points.__getitem__)
        for judge in order[dropped : judges - dropped]:
            kept[judge] = True
        first += judges
    return tuple(kept)


def execution(score: float, difficulty: float) -> float:
    """What the dive was worth without its difficulty: the sum of three awards, 0 to 30.

    >>> execution(84.15, 3.3), round(execution(84.15, 3.3) / KEPT_AWARDS, 2)
    (25.5, 8.5)
    """
    worth = _decimal(difficulty)
    try:
        points = Decimal(str(score))
    except InvalidOperation:
        points = Decimal("NaN")
    if not points.is_finite() or points < 0:
        raise ValueError(f"A score must be a number from 0 up, not {score!r}.")
    return float(points / worth)


def highest_score(difficulty: float) -> float:
    """Points of a dive whose every award is the highest.

    >>> highest_score(3.5)
    105.0
    """
    return HIGHEST_AWARD * KEPT_AWARDS * difficulty


def band(award: float) -> str:
    """What an award from 0 to 10 is called; an average is rounded to the nearest half first.

    >>> [band(award) for award in (10, 8.5, 8.2, 0.1)]
    ['excellent', 'very good', 'good', 'failed']
    """
    if not 0 <= award <= HIGHEST_AWARD:
        raise InvalidAwards(f"An award lies between 0 and {HIGHEST_AWARD}, not at {award!r}.")
    nearest_half = int(award * 2 + 0.5) / 2
    return next(name for lowest, name in BANDS if nearest_half >= lowest)


def _half_points(award: float) -> int:
    """An award in half points; `InvalidAwards` if it is none."""
    try:
        doubled = float(award) * 2
    except (TypeError, ValueError):
        doubled = float("nan")
    if not (0 <= doubled <= 2 * HIGHEST_AWARD and doubled.is_integer()):
        raise InvalidAwards(f"An award is 0 to {HIGHEST_AWARD} in halves, not {award!r}.")
    return int(doubled)


def _decimal(difficulty: float) -> Decimal:
    """The difficulty as it is written, so 3.3 is 3.3 exactly."""
    try:
        value = Decimal(str(difficulty))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0:
        raise ValueError(f"A degree of difficulty must be a positive number such as 3.2, not {difficulty!r}.")
    return value
