"""What the user says of a dive."""

from dataclasses import dataclass

from fineparser.domain.difficulty import difficulty as table_difficulty
from fineparser.domain.difficulty import parse_height
from fineparser.domain.dive_code import DiveCode


@dataclass(frozen=True)
class Dived:
    """Number, height and difficulty of a dive."""

    code: DiveCode
    height: float
    difficulty: float
    source: str
    """"table" or "given"."""

    @classmethod
    def of(cls, code: DiveCode | str | None, height: float | str | None, own: float | None) -> "Dived | None":
        """The dive, or None where its number or height is unknown.

        Raises:
            ValueError: for a number, height or difficulty that cannot be, with the nearest valid ones.
        """
        if code is None or height is None:
            return None
        code = code if isinstance(code, DiveCode) else DiveCode.parse(code)
        height = parse_height(height)
        if own is None:
            return cls(code, height, table_difficulty(code, height), "table")
        if not 0.5 <= own <= 6:
            raise ValueError(f"a degree of difficulty lies between 0.5 and 6, not at {own:g}")
        return cls(code, height, float(own), "given")
