"""Which dives the bundled bank holds: every dive number usual in competitions, at the heights where it is dived.

A number is usual where the simulator's programme lists it: the numbers of judged meets and FineDiving's action types,
which together are the dive numbers of shared/domain.md; those that the programme leaves out are named here. It counts
as dived

- from 10 m where the programme lists it for the platform, from 3 m where it lists it for the springboard;
- from the lower board or platforms of the same kind up to the difficulty that is still dived there: the programme
  makes harder dives rare from there, and a bank is no place for what nobody shows.

Any other dive that has a difficulty is simulated on the spot when it is asked for.
"""

from fineparser.domain.difficulty import UndefinedDifficulty, difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.programme import PLATFORM, SPRINGBOARD

ALSO = {"209B": (3, 10), "209C": (3, 10)}
"""Named in domain.md, too rare for the programme."""
HARDEST = {1: 3.0, 5: 3.0, 7.5: 3.2}
"""Degree of difficulty up to which a number is dived from a lower height."""


def usual_dives() -> tuple[tuple[DiveCode, float], ...]:
    """Number and height of every usual dive, in the order of the numbers, the lowest height first."""
    found = {(DiveCode.parse(number), height) for number, heights in ALSO.items() for height in heights}
    for listed, home, lower in ((PLATFORM, 10, (5, 7.5)), (SPRINGBOARD, 3, (1,))):
        for code in map(DiveCode.parse, listed):
            found.add((code, home))
            found.update((code, height) for height in lower if _is_dived(code, height))
    return tuple(sorted(found, key=lambda dive: (str(dive[0]), dive[1])))


def _is_dived(code: DiveCode, height: float) -> bool:
    try:
        return difficulty(code, height) <= HARDEST[height]
    except UndefinedDifficulty:
        return False
