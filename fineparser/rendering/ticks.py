"""Where an axis is marked."""

import math


def round_ticks(low: float, high: float, most: int = 5) -> list[tuple[float, str]]:
    """Round values from `low` to `high`, `most` or one more, with as many decimals as they need.

    >>> round_ticks(76.2, 81.1)
    [(77.0, '77'), (78.0, '78'), (79.0, '79'), (80.0, '80'), (81.0, '81')]
    >>> [text for _, text in round_ticks(7.7, 8.2, most=3)]
    ['7.8', '8.0', '8.2']
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))
    places = next(count for count in range(9) if abs(round(step, count) - step) < 1e-9)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(round(number * step, places), f"{number * step:.{places}f}") for number in range(first, last + 1)]
