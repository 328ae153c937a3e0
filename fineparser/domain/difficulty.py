"""Degree of difficulty of a dive at a height.

DD = A + B + C + D + E (World Aquatics diving rules, appendices "degree of difficulty formula and
components"; 428 of 430 published values agree): A for
the somersaults, B for the flight position, C for the twists, D for the approach and E for an unnatural
entry. A blank in a table means that the dive has no difficulty at that height. 209B and 209C at 3 m are
4.7 and 4.4 by these tables and 4.8 and 4.5 in two published lists, so users can override the value.

All values are tenths, as integers, so that sums are exact.
"""

import functools
import re
import unicodedata
from dataclasses import dataclass, fields

from fineparser.domain.dive_code import DiveCode, legal_codes
from fineparser.domain.rules import POSITIONS, format_halves
from fineparser.plain_values import excerpt

HEIGHTS = (1, 3, 5, 7.5, 10)
"""Heights in metres: 1 and 3 are springboards, the others platforms."""

SPRINGBOARDS = (1, 3)
METRE_WORDS = frozenset({"m", "mt", "mtr", "meter", "meters", "metre", "metres"})
SPRINGBOARD_WORDS = frozenset({"springboard", "spring"})
PLATFORM_WORDS = frozenset({"platform", "tower", "high", "board", "diving", "dive"})
"""Words beside the number in a height; a board may be either."""
MAX_HEIGHT_LENGTH = 80
ERAS = ("current", "2009-13")
NEAREST_COUNT = 3

# fmt: off
# A, by half somersaults from 0; 10 (five somersaults) is blank everywhere.
_SOMERSAULTS = {
    1:   ( 9, 11, 12, 16, 20, 24, 27, 30, 33, 38),
    3:   (10, 13, 13, 15, 18, 22, 23, 28, 29, 35),
    5:   ( 9, 11, 12, 16, 20, 24, 27, 30),
    7.5: (10, 13, 13, 15, 18, 22, 23, 28, 35, 35),
    10:  (10, 13, 14, 15, 19, 21, 25, 27, 35, 35, None, 45),
}

# B, by position and number of somersaults (0-1, 1 1/2-2, 2 1/2, 3-3 1/2, 4-4 1/2, 5 1/2), each for forward,
# back, reverse, inward, armstand. "flying" is added to the position.
_POSITION = {
    "C": ((1, 1, 1, -3, 1), (0, 0, 0, 1, 0), (0, 1, 0, 2, 1), (0, 0, 0, 3, 2), (0, 1, 2, 4, 3),
          (0, None, None, None, None)),
    "B": ((2, 2, 2, -2, 3), (1, 3, 3, 3, 3), (2, 3, 2, 5, 4), (3, 3, 3, 6, 4), (4, 4, 5, 8, 5),
          (5, None, None, None, None)),
    "A": ((3, 3, 3, 1, 4), (4, 5, 6, 8, 5), (6, 7, 6, None, None)),
    "D": ((1, 1, 1, -1, 0), (0, -1, -1, 2, 0)),
    "flying": ((2, 1, 1, 4, None), (2, 2, 2, 5, None), (3, 3, 3, 7, None), (4, None, None, None, None)),
}
_POSITION_COLUMN = (0, 0, 0, 1, 1, 2, 3, 3, 4, 4, None, 5)

# C, by half twists from 1, where it depends on nothing else.
_TWISTS = {
    "forward":   (4, 6, 8, 10, 12, 15, 16, 19, 20),
    "inward":    (None, 4, 8, 8, 12, 15, 16, 19, 20),
    "backwards": (None, 4, 8, 8, 12, 14, None, 18, 21),
    "armstand":  (None, 12, 13, 15, 17, None, 21),
}

ERA_EXCEPTIONS: dict[str, dict[tuple[str, float], int]] = {
    "current": {},
    "2009-13": {
        ("307C", 10): 33, ("305C", 10): 27, ("305B", 10): 29,
        ("207C", 3): 35, ("5337D", 3): 34, ("5253B", 3): 33,
    },
}
# fmt: on

"""Difficulties, in tenths, in which an era's table differs from the current one: {(number, height): DD}.
Only those that occur in the meets of that era at hand."""


class UndefinedDifficulty(ValueError):
    """Error of a dive that has no difficulty at a height.

    `code` (str) and `height` are the input, `nearest` the nearest dive numbers that are defined at that height (tuple
    of str), `heights` the heights at which the dive is defined.
    """

    def __init__(
        self, code: str, height: float, reason: str, nearest: tuple[str, ...], heights: tuple[float, ...]
    ) -> None:
        super().__init__(code, height, reason, nearest, heights)
        self.code = code
        self.height = height
        self.reason = reason
        self.nearest = nearest
        self.heights = heights

    def __str__(self) -> str:
        elsewhere = f" {self.code} is dived from {_metres(self.heights)}." if self.heights else ""
        return (
            f"{self.code} has no degree of difficulty at {self.height:g} m: {self.reason}.{elsewhere} "
            f"Nearest at {self.height:g} m: {', '.join(self.nearest)}."
        )


class InvalidHeight(ValueError):
    """Error of a height that has no dives; `value` is the input, `nearest` the one or two adjacent heights."""

    def __init__(self, value: object, nearest: tuple[float, ...]) -> None:
        super().__init__(value, nearest)
        self.value = value
        self.nearest = nearest

    def __str__(self) -> str:
        return (
            f"{excerpt(self.value)} is no diving height: dives are done from {_metres(HEIGHTS)}. "
            f"Nearest: {_metres(self.nearest)}."
        )


@dataclass(frozen=True)
class Components:
    """Five parts of a degree of difficulty, in tenths (integers)."""

    somersaults: int
    """A: number of somersaults and height."""

    position: int
    """B: flight position, flying included."""

    twists: int
    """C: number of twists."""

    approach: int
    """D: take-off group."""

    entry: int
    """E: unnatural entry, untwisted dives only."""

    @property
    def tenths(self) -> int:
        """Sum of the parts."""
        return sum(getattr(self, field.name) for field in fields(self))


def difficulty(code: DiveCode | str, height: float | str, era: str = "current") -> float:
    """Degree of difficulty of a dive.

    `height` is one of `HEIGHTS`, in metres (int, float or text), `era` one of `ERAS`. Raises
    `InvalidDiveCode`, `InvalidHeight`, `UndefinedDifficulty` (all ValueErrors that name the nearest valid
    values) and ValueError for an unknown era.

    >>> difficulty("5253B", 10), difficulty("107B", 3)
    (3.2, 3.1)
    >>> difficulty("307C", 10), difficulty("307C", 10, era="2009-13")
    (3.4, 3.3)
    """
    code, height = _code(code), parse_height(height)
    if era not in ERAS:
        raise ValueError(f"Unknown era {era!r} of difficulties; use one of {', '.join(map(repr, ERAS))}.")
    # The current tables decide whether the dive exists at all, in either era.
    parts = components(code, height)
    return ERA_EXCEPTIONS[era].get((str(code), height), parts.tenths) / 10


def components(code: DiveCode | str, height: float | str) -> Components:
    """Five parts of the current degree of difficulty. Raises what `difficulty` raises.

    >>> components("5253B", 10)
    Components(somersaults=21, position=3, twists=6, approach=2, entry=0)
    """
    code, height = _code(code), parse_height(height)
    parts = _components(code, height)
    if isinstance(parts, str):
        ranked = sorted(catalogue(height), key=code.distance)
        raise UndefinedDifficulty(
            code=str(code),
            height=height,
            reason=parts,
            nearest=tuple(str(one) for one in ranked[:NEAREST_COUNT]),
            heights=tuple(one for one in HEIGHTS if has_difficulty(code, one)),
        )
    return parts


def has_difficulty(code: DiveCode | str, height: float | str) -> bool:
    """True if the dive has a degree of difficulty at the height.

    Raises `InvalidDiveCode` and `InvalidHeight` for an invalid dive number or height.

    >>> has_difficulty("612B", 10), has_difficulty("612B", 3)
    (True, False)
    """
    return not isinstance(_components(_code(code), parse_height(height)), str)


def catalogue(height: float | str) -> tuple[DiveCode, ...]:
    """All dives that have a degree of difficulty at a height, in the order of `legal_codes`.

    Many of them have never been done: the formula gives a value to dives that exist on paper only.

    >>> str(catalogue(10)[-1])
    '6397C'
    """
    return _catalogue(parse_height(height))


@functools.lru_cache(maxsize=len(HEIGHTS))
def _catalogue(height: float) -> tuple[DiveCode, ...]:
    return tuple(code for code in legal_codes() if has_difficulty(code, height))


def parse_height(height: float | str) -> float:
    """One of `HEIGHTS` from a number or a text such as "10", "7,5" or "3m springboard"; `InvalidHeight` otherwise.

    >>> parse_height("7.5 m"), parse_height("10m platform"), parse_height(10.0)
    (7.5, 10, 10)
    """
    try:
        metres, words = _metres_and_words(height) if isinstance(height, str) else (float(height), set())
    except (TypeError, ValueError):
        raise InvalidHeight(height, HEIGHTS) from None
    if words & SPRINGBOARD_WORDS and metres not in SPRINGBOARDS:
        raise InvalidHeight(height, SPRINGBOARDS)
    for known in HEIGHTS:
        if known == metres:
            return known
    lower = [known for known in HEIGHTS if known < metres]
    higher = [known for known in HEIGHTS if known > metres]
    raise InvalidHeight(height, tuple(lower[-1:] + higher[:1]) or HEIGHTS)


def _metres_and_words(text: str) -> tuple[float, set[str]]:
    """The one number of a text and the words beside it; ValueError for other words or more numbers."""
    plain = unicodedata.normalize("NFKC", text).casefold().strip()
    if len(plain) > MAX_HEIGHT_LENGTH:
        raise ValueError("the text is too long for a height")
    number = re.search(r"(?:^-)?\d+(?:[.,]\d+)?", plain)
    words = set(re.split(r"[\s\-.,()]+", plain.replace(number[0], " ", 1) if number else plain)) - {""}
    if number is None or not words <= METRE_WORDS | SPRINGBOARD_WORDS | PLATFORM_WORDS:
        raise ValueError("it is no number of metres")
    return float(number[0].replace(",", ".")), words


def _code(code: DiveCode | str) -> DiveCode:
    return code if isinstance(code, DiveCode) else DiveCode.parse(code)


def _metres(heights: tuple[float, ...]) -> str:
    *first, last = [f"{height:g}" for height in heights]
    return f"{', '.join(first)} or {last} m" if first else f"{last} m"


def _components(code: DiveCode, height: float) -> Components | str:
    """Parts of the difficulty, or the reason why there are none."""
    if code.armstand and height in SPRINGBOARDS:
        return "armstand dives are for platforms only"
    row = _SOMERSAULTS[height]
    somersaults = row[code.half_somersaults] if code.half_somersaults < len(row) else None
    if somersaults is None:
        return f"{format_halves(code.half_somersaults)} somersaults are not dived from this height"
    position = _position(code, height)
    twists = _twists(code, height)
    if position is None or twists is None:
        return f"the tables give no value to this position ({POSITIONS[code.position]}) with these turns"
    return Components(somersaults, position, twists, _approach(code, height), _unnatural_entry(code, height))


def _position(code: DiveCode, height: float) -> int | None:
    column = _POSITION_COLUMN[code.half_somersaults]
    if column is None:
        return None
    direction = 4 if code.armstand else code.direction - 1
    if (code.position, column, code.direction, code.armstand) == ("B", 4, 4, False):
        return 8 if height in SPRINGBOARDS else 7
    total = 0
    for name in (code.position, "flying") if code.flying else (code.position,):
        rows = _POSITION[name]
        value = rows[column][direction] if column < len(rows) else None
        if value is None:
            return None
        total += value
    return total


def _twists(code: DiveCode, height: float) -> int | None:
    """C. The first half twist, and 3 1/2 twists backwards, depend on the somersaults."""
    if not code.twisting:
        return 0
    if code.armstand:
        if code.half_twists == 1:
            return 4 if code.half_somersaults <= 2 else 5
        return _TWISTS["armstand"][code.half_twists - 1]
    if code.direction == 1:
        return _TWISTS["forward"][code.half_twists - 1]
    if code.direction == 4:
        if code.half_twists == 1:
            return 4 if code.half_somersaults in (3, 4) or code.half_somersaults >= 6 else 2
        return _TWISTS["inward"][code.half_twists - 1]
    return _twists_backwards(code, height)


def _twists_backwards(code: DiveCode, height: float) -> int | None:
    """C of back and reverse dives, where the odd half twists get cheaper from 2 1/2 somersaults on."""
    back, springboard, many = code.direction == 2, height in SPRINGBOARDS, code.half_somersaults >= 5
    if code.half_twists == 1:
        return 0 if many else 2 if code.half_somersaults <= 2 else 4
    if code.half_twists in (3, 5) and many:
        return {3: 6, 5: 10}[code.half_twists] + (back and height == 3)
    if code.half_twists == 7:
        if springboard:
            return 17 if back else 18
        return 15 if many else 17
    if code.half_twists == 9 and many and not springboard:
        return 19
    return _TWISTS["backwards"][code.half_twists - 1]


def _approach(code: DiveCode, height: float) -> int:
    """D."""
    somersaults = code.half_somersaults
    if code.armstand:
        if code.twisting:
            return 0
        if code.direction == 2:
            return 4 if somersaults >= 2 else 2
        if code.direction == 3:
            return 5 if somersaults >= 2 else 3
        return 4 if somersaults >= 5 else 2
    if code.direction == 1:
        return (5 if height == 1 else 2 if height == 10 else 3) if somersaults >= 8 else 0
    if code.direction == 2:
        return {1: 6, 3: 4, 5: 3, 7.5: 3, 10: 2}[height] if somersaults >= 7 else 2
    if code.direction == 4:
        if somersaults <= 2:
            return 6 if height in (1, 5) else 3
        return {1: 5, 5: 5, 3: 3, 7.5: 3, 10: 2}[height]
    if height in SPRINGBOARDS:
        return 5 if height == 1 and somersaults >= 7 else 3
    if somersaults >= 8:
        return 5 if height == 7.5 else 4
    return 4 if somersaults in (5, 6) else 3


def _unnatural_entry(code: DiveCode, height: float) -> int:
    """E."""
    if code.twisting:
        return 0
    forwards = code.direction in (1, 4) and not code.armstand
    backwards_from_armstand = code.armstand and code.direction in (2, 3)
    if forwards:
        return {2: 1, 4: 2, 6: 2, 8: 2 if height in SPRINGBOARDS else 0}.get(code.half_somersaults, 0)
    if backwards_from_armstand:
        return {2: 1, 4: 2, 6: 2, 8: 3}.get(code.half_somersaults, 0)
    return {1: 1, 3: 2, 5: 3, 7: 4, 9: 4}.get(code.half_somersaults, 0)
