"""Rules of diving: the dives that exist, and the time that a dive takes in free fall.

A dive exists for some combinations of group, direction, somersaults, twists and position only. Source: World Aquatics
diving rules. What has no entry in the tables of difficulty at any height does not exist either, so straight dives end
at 2 1/2 somersaults (inward and armstand at 2) and flying dives at 3 1/2 (forward) or 2 1/2. Recalled from the
published tables rather than stated there: a flying dive turns at least one somersault and ends in pike or tuck; a
twisting dive has at most 1 twist in 1/2 somersault (5112) and at most 3 1/2 in one (5227).
"""

import math

from fineparser.domain.clip_geometry import GRAVITY

DIRECTIONS = {1: "forward", 2: "back", 3: "reverse", 4: "inward"}
POSITIONS = {"A": "straight", "B": "pike", "C": "tuck", "D": "free"}
TWISTING_GROUP = 5
ARMSTAND_GROUP = 6
GROUPS = (*DIRECTIONS, TWISTING_GROUP, ARMSTAND_GROUP)
MAX_HALF_SOMERSAULTS = 11
MAX_HALF_TWISTS = 9

MAX_SPRINGBOARD_HEIGHT = 3.0
"""Metres; what is higher is a platform."""

TAKE_OFF_SPEEDS = {
    "springboard 1 m": (3.8, 5.2),
    "springboard": (4.2, 5.6),
    "platform": (2.2, 3.4),
    "armstand": (0.0, 1.0),
}
"""Vertical speed at take-off, m/s, of weak and of strong divers."""


def format_halves(count: int) -> str:
    """Format a number of halves as a mixed number.

    >>> format_halves(5), format_halves(2), format_halves(1)
    ('2 1/2', '1', '1/2')
    """
    whole, half = divmod(count, 2)
    return " ".join(part for part in (str(whole) if whole else "", "1/2" if half else "") if part) or "0"


def find_violation(
    group: int, direction: int, half_somersaults: int, half_twists: int, position: str, flying: bool
) -> str | None:
    """Reason why a dive does not exist; None if it does. The fields are those of `DiveCode`.

    >>> find_violation(5, 2, 5, 3, "A", False)
    'a twisting dive with 2 1/2 somersaults is done in B (pike) or C (tuck), not A (straight)'
    """
    if group not in GROUPS:
        return f"the first digit, the group, must be 1 to 6, not {group}"
    if position not in POSITIONS:
        return f"the position must be A (straight), B (pike), C (tuck) or D (free), not {position!r}"
    if flying and group not in DIRECTIONS:
        return "only dives of groups 1 to 4 can be flying"
    if group == TWISTING_GROUP:
        return _twisting_violation(direction, half_somersaults, half_twists, position)
    if group == ARMSTAND_GROUP:
        return _armstand_violation(direction, half_somersaults, half_twists, position)
    if direction != group:
        return f"the direction of a dive of group {group} is {group}, not {direction}"
    if half_twists:
        return "a dive with twists belongs to group 5, or 6 from an armstand"
    return _plain_violation(group, half_somersaults, position, flying)


def _plain_violation(group: int, half_somersaults: int, position: str, flying: bool) -> str | None:
    name = DIRECTIONS[group]
    # The tables of difficulty go from 4 1/2 somersaults straight to 5 1/2, and there forward only.
    if not 1 <= half_somersaults <= 9 and (group, half_somersaults) != (1, 11):
        allowed = "1 to 9 or 11" if group == 1 else "1 to 9"
        return f"the dives of group {group} ({name}) have {allowed} half somersaults, not {half_somersaults}"
    if position == "D":
        return "position D (free) is for twisting dives only"
    if flying:
        most = 7 if group == 1 else 5
        if not 2 <= half_somersaults <= most:
            return f"flying {name} dives have 2 to {most} half somersaults, not {half_somersaults}"
        if position == "A":
            return "a flying dive ends in B (pike) or C (tuck)"
    most = 4 if group == 4 else 5
    if position == "A" and half_somersaults > most:
        return f"{name} dives are done straight up to {format_halves(most)} somersaults only"
    return None


def _twisting_violation(direction: int, half_somersaults: int, half_twists: int, position: str) -> str | None:
    if direction not in DIRECTIONS:
        return f"the second digit of a twisting dive, the direction, must be 1 to 4, not {direction}"
    if not 1 <= half_somersaults <= 9:
        return f"a twisting dive has 1 to 9 half somersaults, not {half_somersaults}"
    most = {1: 2, 2: 7}.get(half_somersaults, MAX_HALF_TWISTS)
    if not 1 <= half_twists <= most:
        return f"a twisting dive with {_turns(half_somersaults)} has 1 to {most} half twists, not {half_twists}"
    if half_somersaults == 1:
        return _position_violation(position, "ABC", "a twisting dive", half_somersaults)
    return _position_violation(position, "D" if half_somersaults <= 3 else "BC", "a twisting dive", half_somersaults)


def _armstand_violation(direction: int, half_somersaults: int, half_twists: int, position: str) -> str | None:
    if (direction, half_somersaults, half_twists) == (0, 0, 0):
        return None if position == "A" else "the armstand dive without rotation is done straight, 600A"
    if direction not in (1, 2, 3):
        return (
            f"the second digit of an armstand dive, the direction, must be 1 to 3, not {direction} "
            f"(without rotation it is 600A)"
        )
    if not 1 <= half_somersaults <= 9:
        return f"an armstand dive has 1 to 9 half somersaults, or none as 600A, not {half_somersaults}"
    if half_twists == 0:
        allowed = "ABC" if half_somersaults <= 4 else "BC"
        return _position_violation(position, allowed, "an armstand dive", half_somersaults)
    if half_somersaults == 1:
        return "a twisting armstand dive has at least 1 somersault"
    if half_twists not in (1, 2, 3, 4, 5, 7):
        return f"a twisting armstand dive has 1, 2, 3, 4, 5 or 7 half twists, not {half_twists}"
    free = half_somersaults <= 4 and (direction, half_somersaults, half_twists) != (2, 4, 1)
    return _position_violation(position, "D" if free else "BC", "a twisting armstand dive", half_somersaults)


def _position_violation(position: str, allowed: str, dive: str, half_somersaults: int) -> str | None:
    if position in allowed:
        return None
    *first, last = [f"{letter} ({POSITIONS[letter]})" for letter in allowed]
    choice = f"{', '.join(first)} or {last}" if first else last
    return f"{dive} with {_turns(half_somersaults)} is done in {choice}, not {position} ({POSITIONS[position]})"


def _turns(half_somersaults: int) -> str:
    return f"{format_halves(half_somersaults)} somersault{'s' if half_somersaults > 2 else ''}"


def fall_seconds(height: float, take_off_speed: float) -> float:
    """Seconds from take-off until hands or feet touch the water.

    The centre of mass falls by about the height: it leaves above the feet and arrives above the hands.

    Args:
        height: fall, metres.
        take_off_speed: vertical speed at take-off, m/s, positive upwards.

    >>> round(fall_seconds(10, 2.2), 2)
    1.67
    """
    return (take_off_speed + math.sqrt(take_off_speed**2 + 2 * GRAVITY * height)) / GRAVITY


def flight_seconds(height: float, armstand: bool = False) -> tuple[float, float]:
    """Duration of the shortest and the longest usual flight from a height in metres.

    >>> [round(seconds, 2) for seconds in flight_seconds(3)]
    [1.32, 1.54]
    """
    if armstand:
        slow, quick = TAKE_OFF_SPEEDS["armstand"]
    elif height > MAX_SPRINGBOARD_HEIGHT:
        slow, quick = TAKE_OFF_SPEEDS["platform"]
    else:
        slow, quick = TAKE_OFF_SPEEDS["springboard 1 m" if height <= 1 else "springboard"]
    return fall_seconds(height, slow), fall_seconds(height, quick)
