"""Dive numbers: their meaning, and the nearest valid numbers to an invalid one.

The grammar (World Aquatics diving rules):

    gfs[p]   groups 1 forward, 2 back, 3 reverse, 4 inward: f = 1 flying, else 0; s half somersaults
             (one or two digits, so 1011C is forward 5 1/2 somersaults)
    5dst[p]  twisting: d = direction 1-4, s half somersaults, t half twists
    6ds[p]   armstand: d = 1 forward, 2 back, 3 reverse; 600A is the armstand dive without rotation
    6dst[p]  armstand with twists

    p        A straight, B pike, C tuck, D free
"""

import difflib
import functools
import itertools
import re
import unicodedata
from dataclasses import astuple, dataclass

from fineparser.domain.phases import ENTRY_SUB_ACTION, SUB_ACTIONS
from fineparser.domain.rules import (
    ARMSTAND_GROUP,
    DIRECTIONS,
    GROUPS,
    MAX_HALF_SOMERSAULTS,
    MAX_HALF_TWISTS,
    POSITIONS,
    TWISTING_GROUP,
    find_violation,
    format_halves,
)
from fineparser.plain_values import excerpt

NEAREST_COUNT = 3
MAX_TEXT = 80
"""Characters of a text that can decide on the nearest dive numbers."""
CYRILLIC_POSITIONS = str.maketrans("\u0410\u0412\u0421", "ABC")

Fields = tuple[int, int, int, int, str, bool]
"""Fields of a `DiveCode`, in their order."""

# fmt: off
FINEDIVING_ACTION_TYPES = (
    "101B", "103B", "105B", "107B", "107C", "109B", "109C", "205B", "205C", "207B", "207C", "303C",
    "305C", "307C", "401B", "403B", "405B", "405C", "407B", "407C", "409C",
    "5132D", "5152B", "5154B", "5156B", "5172B", "5231D", "5233D", "5235D", "5237D", "5251B", "5253B",
    "5255B", "5331D", "5335D", "5337D", "5353B", "5355B",
    "612B", "614B", "6142D", "6241B", "6243D", "6245D", "626B", "626C", "636C",
)
# fmt: on
"""Dive numbers known to occur in FineDiving: 47 of its 52 action types."""


class InvalidDiveCode(ValueError):
    """Error of a dive number that does not exist.

    `value` is the input, `reason` the rule it breaks, `nearest` the nearest valid dive numbers (tuple of str, best
    first).
    """

    def __init__(self, value: object, reason: str, nearest: tuple[str, ...]) -> None:
        # ValueError gets the arguments unchanged, so that the error can be pickled in a worker process.
        super().__init__(value, reason, nearest)
        self.value = value
        self.reason = reason
        self.nearest = nearest

    def __str__(self) -> str:
        return f"{excerpt(self.value)} is no dive number: {self.reason}. Nearest: {', '.join(self.nearest)}."


@dataclass(frozen=True)
class DiveCode:
    """One dive number. A combination that does not exist raises `InvalidDiveCode`.

    >>> code = DiveCode.parse("5253B")
    >>> code.name
    'back 2 1/2 somersaults 1 1/2 twists, pike'
    >>> str(code), code.somersaults, code.twists, code.head_first
    ('5253B', 2.5, 1.5, True)
    """

    group: int
    """1 forward, 2 back, 3 reverse, 4 inward, 5 twisting, 6 armstand."""

    direction: int
    """Key of `DIRECTIONS`: direction of rotation. The group itself for groups 1-4, 0 for 600A only."""

    half_somersaults: int
    """0 for 600A only."""

    half_twists: int
    """0 unless the dive twists."""

    position: str
    """Key of `POSITIONS`."""

    flying: bool = False
    """True if the first part of the somersault is straight (groups 1-4)."""

    def __post_init__(self) -> None:
        reason = find_violation(*astuple(self))
        if reason is not None:
            raise InvalidDiveCode(str(self), reason, _nearest_to_fields(astuple(self)))

    @classmethod
    def parse(cls, text: str) -> "DiveCode":
        """Parse a dive number; lower case, blanks and full-width characters are accepted.

        `InvalidDiveCode` for an invalid one.

        >>> DiveCode.parse(" 113 b ").name, str(DiveCode.parse("１０５Ｂ"))
        ('forward flying 1 1/2 somersaults, pike', '105B')
        >>> DiveCode.parse("107A")
        Traceback (most recent call last):
            ...
        fineparser.domain.dive_code.InvalidDiveCode: '107A' is no dive number: forward dives are done \
straight up to 2 1/2 somersaults only. Nearest: 107B, 107C, 106B.
        """
        plain = _plain_text(text) if isinstance(text, str) else text
        reason, fields = _parse(plain)
        if fields is None:
            raise InvalidDiveCode(text, reason or "it cannot be read", _nearest_to_text(str(plain)[:MAX_TEXT]))
        reason = reason or find_violation(*fields)
        if reason is not None:
            raise InvalidDiveCode(text, reason, _nearest_to_fields(fields))
        return cls(*fields)

    def __str__(self) -> str:
        """Dive number as on a start list."""
        if self.group in DIRECTIONS:
            return f"{self.group}{int(self.flying)}{self.half_somersaults}{self.position}"
        return f"{self.group}{self.direction}{self.half_somersaults}{self.half_twists or ''}{self.position}"

    @property
    def somersaults(self) -> float:
        """Somersaults in whole turns."""
        return self.half_somersaults / 2

    @property
    def twists(self) -> float:
        """Twists in whole turns."""
        return self.half_twists / 2

    @property
    def armstand(self) -> bool:
        """True if the dive starts from an armstand; such dives are for platforms only."""
        return self.group == ARMSTAND_GROUP

    @property
    def twisting(self) -> bool:
        """True if the dive twists (group 5 and the twisting armstand dives)."""
        return self.half_twists > 0

    @property
    def head_first(self) -> bool:
        """True if the dive enters the water head first.

        An odd number of half somersaults turns a standing diver upside down; an armstand starts so.
        """
        return (self.half_somersaults % 2 == 1) != self.armstand

    @property
    def name(self) -> str:
        """Name of the dive in plain English, as commentators say it.

        >>> [DiveCode.parse(number).name for number in ("101B", "102C", "5111A")]
        ['forward dive, pike', 'forward somersault, tuck', 'forward dive 1/2 twist, straight']
        >>> DiveCode.parse("6261B").name
        'armstand back 3 somersaults 1/2 twist, pike'
        """
        words = ["armstand"] if self.armstand else []
        if self.direction:
            words.append(DIRECTIONS[self.direction])
        if self.flying:
            words.append("flying")
        if self.half_somersaults == 0 or (self.half_somersaults == 1 and not self.armstand):
            words.append("dive")
        elif self.half_somersaults == 1:
            words.append("1/2 somersault")
        elif self.half_somersaults == 2:
            words.append("somersault")
        else:
            words.append(f"{format_halves(self.half_somersaults)} somersaults")
        if self.twisting:
            words.append(f"{format_halves(self.half_twists)} twist{'s' if self.half_twists > 2 else ''}")
        return f"{' '.join(words)}, {POSITIONS[self.position]}"

    def sub_actions(self) -> tuple[int, ...]:
        """FineDiving's sub-action ids of the dive, in order of time.

        A take-off, the twists if there are any, the somersaults, the entry: the shape of FineDiving's
        annotation. `phases.sub_action_phase` gives the phase of each. Where FineDiving has no such
        sub-action the nearest one is used, and `sub_actions_exact` is False: the nearest number of
        turns, then the right shape (401C gets "0.5 Som.Pike", 600A too, 1011C "4.5 Soms.Tuck").

        Derived here, since it is not documented: free positions count as pike (the table has only pike and tuck), and
        twists come before somersaults, because the twist starts at the take-off and stops before the pike of 2 1/2
        somersaults and before the square-out of 1 1/2. The two phase transitions do not depend on that order.

        >>> from fineparser.domain.phases import sub_action_name
        >>> [sub_action_name(one) for one in DiveCode.parse("5253B").sub_actions()]
        ['Back', '1.5 Twists', '2.5 Soms.Pike', 'Entry']
        """
        take_off = 4 + max(self.direction, 1) if self.armstand else self.direction
        twist = (_nearest_sub_action("Twist", self.twists),) if self.twisting else ()
        somersault = _nearest_sub_action(self._finediving_shape, self.somersaults)
        return (take_off, *twist, somersault, ENTRY_SUB_ACTION)

    @property
    def sub_actions_exact(self) -> bool:
        """True if FineDiving has a sub-action for each part of the dive."""
        parts = {(self._finediving_shape, self.somersaults)}
        if self.twisting:
            parts.add(("Twist", self.twists))
        return self.position != "A" and parts <= {_shape_and_turns(one) for one in SUB_ACTIONS if _is_rotation(one)}

    @property
    def _finediving_shape(self) -> str:
        return "Tuck" if self.position == "C" else "Pike"

    def distance(self, other: "DiveCode") -> float:
        """Distance of two dives; 0 for the same number.

        Points, chosen by us: 8 for armstand or not, 4 for another direction, 2 for each half somersault
        and each half twist, 2 for twisting or not, 3 for flying or not, 1 for each step between straight,
        pike and tuck, 1 between free and another position.

        >>> DiveCode.parse("107B").distance(DiveCode.parse("107C"))
        1.0
        """
        return _distance(astuple(self), astuple(other))


@functools.lru_cache(maxsize=1)
def legal_codes() -> tuple[DiveCode, ...]:
    """All dive numbers that exist, by group, direction, flying or not, somersaults, twists, position.

    >>> len(legal_codes()) > 900, str(legal_codes()[0])
    (True, '101A')
    """
    every = itertools.product(
        GROUPS,
        (0, *DIRECTIONS),
        (False, True),
        range(MAX_HALF_SOMERSAULTS + 1),
        range(MAX_HALF_TWISTS + 1),
        POSITIONS,
    )
    fields = ((group, way, som, twist, letter, flying) for group, way, flying, som, twist, letter in every)
    return tuple(DiveCode(*one) for one in fields if find_violation(*one) is None)


def _parse(text: str) -> tuple[str | None, Fields | None]:
    """Error in the form of `text` (None without one), and the fields, None where they cannot be read."""
    if not isinstance(text, str):
        return f"a dive number is a text such as '5253B', not {type(text).__name__}", None
    form = re.fullmatch(r"(\d+)([A-Z]?)", text, re.ASCII)
    if form is None:
        return "it must be three or four digits and a position letter, such as 5253B", None
    digits, position = form.groups()
    if int(digits[0]) not in GROUPS:
        return f"the first digit, the group, must be 1 to 6, not {digits[0]}", None
    if not 3 <= len(digits) <= 4:
        return f"it must have three or four digits, not {len(digits)}", None
    group, second = int(digits[0]), int(digits[1])
    if group in DIRECTIONS:
        fields = (group, group, int(digits[2:]), 0, position, second == 1)
        if second > 1:
            return f"the second digit must be 0, or 1 for a flying dive, not {second}", fields
        if digits[2] == "0":
            return "it has no somersault", fields
    else:
        fields = (group, second, int(digits[2]), int(digits[3:] or 0), position, False)
        if group == TWISTING_GROUP and len(digits) == 3:
            return "a twisting dive has four digits, the last one counting half twists", fields
        if group == ARMSTAND_GROUP and digits[3:] == "0":
            return f"an armstand dive without twists has three digits, {digits[:3]}", fields
    if not position:
        return "the position letter (A, B, C or D) is missing", fields
    return None, fields


def _plain_text(text: str) -> str:
    """A dive number as it may be typed, in ASCII capitals without blanks.

    Cyrillic letters that look like the positions A, B and C count as these.
    """
    plain = unicodedata.normalize("NFKC", text).upper().translate(CYRILLIC_POSITIONS)
    return re.sub(r"\s+", "", plain)


def _nearest_to_text(text: str) -> tuple[str, ...]:
    numbers = [str(code) for code in legal_codes()]
    similar = difflib.get_close_matches(text, numbers, n=NEAREST_COUNT, cutoff=0.6)
    # For a text unlike any dive number, name dives of competitions.
    return tuple(similar or difflib.get_close_matches(text, FINEDIVING_ACTION_TYPES, n=NEAREST_COUNT, cutoff=0.0))


def _nearest_to_fields(fields: Fields) -> tuple[str, ...]:
    ranked = sorted(legal_codes(), key=lambda code: _distance(astuple(code), fields))
    return tuple(str(code) for code in ranked[:NEAREST_COUNT])


def _distance(one: Fields, other: Fields) -> float:
    group, direction, somersaults, twists, position, flying = one
    group_2, direction_2, somersaults_2, twists_2, position_2, flying_2 = other
    if {position, position_2} <= {"A", "B", "C"}:
        between_positions = abs(ord(position) - ord(position_2))
    else:
        between_positions = int(position != position_2)
    return float(
        8 * ((group == ARMSTAND_GROUP) != (group_2 == ARMSTAND_GROUP))
        + 4 * (direction != direction_2)
        + 2 * abs(somersaults - somersaults_2)
        + 2 * abs(twists - twists_2)
        + 2 * ((twists > 0) != (twists_2 > 0))
        + 3 * (flying != flying_2)
        + between_positions
    )


def _nearest_sub_action(shape: str, turns: float) -> int:
    """Id of the nearest rotation: by turns, then by shape, then the smaller one."""
    candidates = [one for one in SUB_ACTIONS if _is_rotation(one) and (shape == "Twist") == _is_twist(one)]

    def distance(candidate: int) -> tuple[float, bool, float]:
        candidate_shape, candidate_turns = _shape_and_turns(candidate)
        return abs(candidate_turns - turns), candidate_shape != shape, candidate_turns

    return min(candidates, key=distance)


def _is_rotation(sub_action: int) -> bool:
    return SUB_ACTIONS[sub_action][0].isdigit()


def _is_twist(sub_action: int) -> bool:
    return "Twist" in SUB_ACTIONS[sub_action]


def _shape_and_turns(sub_action: int) -> tuple[str, float]:
    """ "2.5 Soms.Pike" is ("Pike", 2.5), "1 Twist" is ("Twist", 1.0)."""
    turns, name = SUB_ACTIONS[sub_action].split()
    return ("Twist" if _is_twist(sub_action) else name.split(".")[1]), float(turns)
