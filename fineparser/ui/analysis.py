"""An analysis as the page and its API run it: a clip in, a report and its files out, nothing left behind."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.analysis.report import DiveReport
from fineparser.rendering.results import FRAMES, MASKS, OVERLAY, PAGE, REPORT, ZIP, write_results, zip_results
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

    path: str
    code: str | None
    height: str | None
    difficulty: float | None = None
    first: int | None = None
    last: int | None = None


class Analysis:
    """Runs requests with one analyser."""

    def __init__(self, analyser: DiveAnalyser) -> None:
        self.analyser = analyser
        self._on_gpu = with_gpu(self._judge)

    def judge(self, request: Request, progress: Progress) -> DiveReport:
        """The report on a clip; `progress` is told each step. Raises what `DiveAnalyser.analyse` raises."""
        if on_zero_gpu():
            # There the work happens in another process, which a callback does not reach.
            progress("Analysing on the GPU", 0.1)
            return self._on_gpu(request)
        return self._judge(request, lambda step, done: progress(step, 0.7 * done))

    def _judge(self, request: Request, progress: Progress = lambda step, done: None) -> DiveReport:
        return self.analyser.analyse(
            request.path,
            request.code,
            request.height,
            difficulty=request.difficulty,
            first=request.first,
            last=request.last,
            progress=progress,
        )

    def film(self, report: DiveReport, folder: Path, progress: Progress) -> PlayerClip:
        """The clip that the viewer plays."""
        progress("Preparing the viewer", 0.7)
        return write_player_clip(report, folder / "dive.mp4")

    def files(self, report: DiveReport, folder: Path, progress: Progress) -> list[Path]:
        """Everything to take home: one zip, then its contents."""
        progress("Writing report, overlay and masks", 0.8)
        write_results(report, folder)
        progress("Packing everything into one file", 0.97)
        zip_results(folder)
        return [folder / name for name in DOWNLOADS]
