"""A measured quantity: a value with its standard error, or the reason why there is none."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """One number that was measured in a clip, or could not be."""

    unit: str
    """Of value and error: "m", "m2", "m/s", "s", "deg", "deg/s", "px", "px/m", or "" for a plain number."""
    value: float | None = None
    """None where it is not measurable."""
    error: float | None = None
    """Standard error, in the same unit; None without a value."""
    frames: tuple[int, ...] = ()
    """Source frame numbers that show it: one frame, or the first and the last of a range."""
    reason: str | None = None
    """Code of the reason why it is not measurable; see `fineparser.rendering.messages`."""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError(f"a quantity has a value or a reason, not {self.value!r} and {self.reason!r}")
        if (self.value is None) != (self.error is None):
            raise ValueError(f"a value has an error: {self.value!r} and {self.error!r}")
        if self.value is None or self.error is None:
            return
        if not (math.isfinite(self.value) and math.isfinite(self.error) and self.error >= 0):
            raise ValueError(f"value and error are finite, the error not negative: {self.value}, {self.error}")

    @classmethod
    def measured(cls, value: float, error: float, unit: str, frames: tuple[int, ...] = ()) -> Self:
        """A measured value with its standard error; not measurable where one of them is not finite: a point that it
        follows from was not visible."""
        if not (math.isfinite(value) and math.isfinite(error)):
            return cls.missing(unit, "diver_not_visible")
        return cls(unit=unit, value=float(value), error=float(error), frames=tuple(int(frame) for frame in frames))

    @classmethod
    def missing(cls, unit: str, reason: str) -> Self:
        """A quantity that is not measurable."""
        return cls(unit=unit, reason=reason)

    @property
    def is_measured(self) -> bool:
        """True for a value."""
        return self.value is not None

    def scaled(self, factor: float, unit: str) -> Self:
        """The same quantity in another unit."""
        if self.value is None or self.error is None:
            return replace(self, unit=unit)
        return replace(self, unit=unit, value=self.value * factor, error=self.error * abs(factor))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        if self.value is None or self.error is None:
            return {"value": None, "unit": self.unit, "reason": self.reason}
        digits = _digits(self.error)
        return {
            "value": round(self.value, digits),
            "error": round(self.error, digits),
            "unit": self.unit,
            "frames": [int(frame) for frame in self.frames],
        }


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One of several possibilities, with probabilities; or the reason why none was chosen."""

    value: str | None = None
    """The most likely one; None where it is not measurable."""
    probabilities: Mapping[str, float] = field(default_factory=dict)
    """Of the possibilities, the most likely one first."""
    frames: tuple[int, ...] = ()
    """Source frame numbers that show it: one frame, or the first and the last of a range."""
    reason: str | None = None
    """Code of the reason why it is not measurable."""

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError(f"a choice has a value or a reason, not {self.value!r} and {self.reason!r}")

    @classmethod
    def from_probabilities(cls, probabilities: Mapping[str, float], frames: tuple[int, ...] = ()) -> Self:
        """The most likely possibility; the probabilities are divided by their sum.

        Raises:
            ValueError: if they add up to 0.
        """
        total = math.fsum(probabilities.values())
        if not total > 0:
            raise ValueError(f"probabilities add up to {total}")
        ordered = sorted(probabilities.items(), key=lambda item: -item[1])
        return cls(
            value=ordered[0][0],
            probabilities={name: value / total for name, value in ordered},
            frames=tuple(int(frame) for frame in frames),
        )

    @classmethod
    def missing(cls, reason: str) -> Self:
        """A choice that is not measurable."""
        return cls(reason=reason)

    @property
    def probability(self) -> float | None:
        """Of the most likely possibility."""
        return None if self.value is None else self.probabilities[self.value]

    def to_json(self) -> dict[str, Any]:
        """Plain values; the five most likely possibilities."""
        if self.value is None:
            return {"value": None, "reason": self.reason}
        most_likely = list(self.probabilities.items())[:5]
        return {
            "value": self.value,
            "probabilities": {name: round(value, 4) for name, value in most_likely},
            "frames": [int(frame) for frame in self.frames],
        }


def _digits(error: float) -> int:
    """Decimal places at which an error keeps two digits, 0 to 6.

    >>> _digits(0.034), _digits(1.2), _digits(40), _digits(0.0)
    (3, 1, 0, 6)
    """
    if error <= 0:
        return 6
    return min(max(1 - math.floor(math.log10(error)), 0), 6)
