"""A dive whose score is known."""

from dataclasses import dataclass

from fineparser.exemplars.dived import Dived
from fineparser.domain.judging import highest_score


@dataclass(frozen=True)
class Judged:
    """What was dived, and what the judges gave."""

    dived: Dived
    score: float

    @classmethod
    def of(cls, code: str | None, height: float | str | None, score: float | None, own: float | None) -> "Judged":
        """ValueError where something is missing or cannot be.

        Args:
            code: dive number.
            height: metres.
            score: the total, points.
            own: degree of difficulty instead of the table's.
        """
        dived = Dived.of(code or None, height or None, own)
        if dived is None:
            raise ValueError("An exemplar needs its dive number and height: give both.")
        if score is None:
            raise ValueError("An exemplar needs the score that it was given: the total in points.")
        highest = highest_score(dived.difficulty)
        if not 0 <= score <= highest:
            raise ValueError(
                f"A {dived.code} from {dived.height:g} m (difficulty {dived.difficulty:g}) is given 0 to {highest:g} "
                f"points, not {score:g}: give the total of the dive, or its own difficulty."
            )
        return cls(dived, float(score))
