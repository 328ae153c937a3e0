"""Scored dives and their predictions, for tests of evaluations."""

from fineparser.analysis.score_statistics import PREDICTION, AwardRange, DivePrediction
from fineparser.domain.standards import Standard


def prediction(*, award: float, predicted: float | None, half: float = 1.0, **changes: object) -> DivePrediction:
    """A 107B from 3 m; `half` is the distance from the predicted award to the ends of its interval."""
    ranges = {} if predicted is None else {PREDICTION: AwardRange(predicted, predicted - half, predicted + half)}
    fields = {"clip": "club_1.mp4", "source": "club", "code": "107B", "height": 3.0, "difficulty": 3.1}
    fields |= {"standard": Standard.NATIONAL.value, "is_standard_stated": False}
    return DivePrediction(**(fields | {"award": award, "ranges": ranges} | changes))
