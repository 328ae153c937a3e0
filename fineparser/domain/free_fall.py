"""How long a dive is in the air: free fall, whoever dives."""

import math

GRAVITY = 9.81
"""m/s2."""

HIGHEST_SPRINGBOARD = 3.0
"""Metres; what is higher is a platform."""

RISING = {"springboard 1 m": (3.8, 5.2), "springboard": (4.2, 5.6), "platform": (2.2, 3.4), "armstand": (0.0, 1.0)}
"""Vertical speed at take-off, m/s, from weak to strong divers."""


def fall_seconds(height: float, rising: float) -> float:
    """Seconds from take-off at a vertical speed of `rising` m/s until hands or feet, `height` metres below, are wet.

    The centre of mass falls by about the height: it leaves above the feet and arrives above the hands.

    >>> round(fall_seconds(10, 2.2), 2)
    1.67
    """
    return (rising + math.sqrt(rising**2 + 2 * GRAVITY * height)) / GRAVITY


def flight_seconds(height: float, armstand: bool = False) -> tuple[float, float]:
    """The shortest and the longest usual flight from a height in metres.

    >>> [round(seconds, 2) for seconds in flight_seconds(3)]
    [1.32, 1.54]
    """
    if armstand:
        slow, quick = RISING["armstand"]
    elif height > HIGHEST_SPRINGBOARD:
        slow, quick = RISING["platform"]
    else:
        slow, quick = RISING["springboard 1 m" if height <= 1 else "springboard"]
    return fall_seconds(height, slow), fall_seconds(height, quick)
