"""A clip of an exemplar that has none: the simulator films its dive again, in a second or so."""

import tempfile
from dataclasses import replace
from pathlib import Path

from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.graded_dives import film_clip
from fineparser.analysis.report import DiveReport
from fineparser.domain.dive_code import DiveCode
from fineparser.ui.player_clip import in_cache


def with_clip(report: DiveReport, exemplar: str | None) -> DiveReport:
    """The report with a clip of one of its exemplars itself, where only a like one could be seen, or none.

    As it is for a recording without a clip, and for an exemplar that did not vote.
    """
    vote = next((vote for vote in report.votes if vote.exemplar == exemplar), None)
    if vote is None or vote.recipe is None or (vote.shown is not None and vote.shown.id == vote.exemplar):
        return report
    code = DiveCode.parse(vote.code)
    itself = Exemplar(
        vote.exemplar, code, vote.height, vote.difficulty, vote.exemplar_score, vote.source, recipe=vote.recipe
    )
    with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
        clip = film_clip(itself, Path(folder) / "exemplar.mp4")
        itself = replace(itself, clip=replace(clip, path=in_cache(clip.path)))
    votes = tuple(replace(one, shown=itself) if one is vote else one for one in report.votes)
    return replace(report, votes=votes)
