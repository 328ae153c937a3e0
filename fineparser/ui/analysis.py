"""An analysis as the page and its API run it: a clip in, a report and its files out, nothing left behind."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.electorate import voters
from fineparser.analysis.proposal import Proposal
from fineparser.analysis.report import DiveReport
from fineparser.analysis.survey import Survey
from fineparser.exemplars.voting import Voters
from fineparser.rendering.results import FRAMES, MASKS, OVERLAY, PAGE, REPORT, ZIP, write_results, zip_results
from fineparser.ui.exemplar_shelf import Visit, own_exemplars
from fineparser.ui.filming import with_clip
from fineparser.ui.player_clip import PlayerClip, write_player_clip
from fineparser.ui.steps import on_zero_gpu, with_gpu

Progress = Callable[[str, float], None]
DOWNLOADS = {
    ZIP: "Everything (zip)",
    PAGE: "Report to print",
    OVERLAY: "Video with mask",
    FRAMES: "Frames (CSV)",
    REPORT: "Report (JSON)",
    MASKS: "Masks (NPZ)",
}
"""What is handed out and what it is called, the most useful first."""


@dataclass(frozen=True)
class Request:
    """What is to be analysed."""

    clip: str | Survey
    """A file, or what is known of one that was looked through."""
    code: str | None
    height: str | None
    difficulty: float | None = None
    first: int | None = None
    last: int | None = None
    framing: str | None = None
    """"centre" for the middle of the picture; None: around the diver."""
    proposal: Proposal | None = None
    """What to look at, where the user has seen it; `first`, `last` and `framing` do not count then."""
    visit: Visit = field(default_factory=Visit)
    """Whose exemplars vote."""


class Analysis:
    """Runs requests with one analyser."""

    def __init__(self, analyser: DiveAnalyser) -> None:
        self.analyser = analyser
        self._judge_on_gpu = with_gpu(self._judge)
        self._propose_on_gpu = with_gpu(self._propose)

    def judge(self, request: Request, progress: Progress) -> DiveReport:
        """The report on a clip; `progress` is told each step. Raises what `DiveAnalyser.analyse` raises."""
        if request.proposal is None:
            request = replace(request, proposal=self.propose(request, progress))
        own, _ = own_exemplars(request.visit.folder)
        electorate = voters(
            self.analyser, request.visit.sources, own, lambda step, done: progress(step, 0.25 + 0.05 * done)
        )
        if on_zero_gpu():
            # There the work happens in another process, which a callback does not reach.
            progress("Analysing on the GPU", 0.3)
            return self._judge_on_gpu(request, electorate)
        return self._judge(request, electorate, lambda step, done: progress(step, 0.75 * done))

    def judge_and_film(self, request: Request, folder: Path, progress: Progress) -> tuple[DiveReport, PlayerClip]:
        """The report, and the clip that the viewer plays, which is written while the network works."""
        if request.proposal is None:
            request = replace(request, proposal=self.propose(request, progress))
        seen = request.proposal
        with ThreadPoolExecutor(1) as camera:
            film = camera.submit(write_player_clip, seen.survey.info, seen.first, seen.last, folder / "dive.mp4")
            report = self.judge(request, progress)
            progress("Preparing the viewer", 0.75)
            if all(vote.shown is None for vote in report.votes):
                # Exemplars that were simulated for this report alone.
                report = with_clip(report, report.exemplar)
            return report, film.result()

    def propose(self, request: Request, progress: Progress) -> Proposal:
        """Which frames and which part of the picture to look at. Raises what `DiveAnalyser.propose` raises."""
        if on_zero_gpu():
            progress("Looking for the diver on the GPU", 0.1)
            return self._propose_on_gpu(request)
        return self._propose(request, lambda step, done: progress(step, 0.75 * done))

    def _judge(self, request: Request, electorate: Voters, progress: Progress = lambda step, done: None) -> DiveReport:
        return self.analyser.analyse(
            request.proposal.survey.info.path,
            request.code,
            request.height,
            difficulty=request.difficulty,
            proposal=request.proposal,
            voters=electorate,
            progress=progress,
        )

    def _propose(self, request: Request, progress: Progress = lambda step, done: None) -> Proposal:
        return self.analyser.propose(request.clip, request.first, request.last, request.framing, progress=progress)

    def files(self, report: DiveReport, folder: Path, progress: Progress) -> list[Path]:
        """Everything to take home: one zip, then its contents."""
        progress("Writing report, overlay and masks", 0.8)
        write_results(report, folder)
        progress("Packing everything into one file", 0.97)
        zip_results(folder)
        return [folder / name for name in DOWNLOADS]
