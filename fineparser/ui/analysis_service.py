"""Analyses for the page and its API: a clip in, a report and its files out, nothing left behind."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from fineparser.analysis.analyser import AnalysisOptions, DiveAnalyser
from fineparser.analysis.auto_trim import TrimProposal
from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.dive_segments import DiveSegment, best_dive
from fineparser.analysis.report import DiveReport
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.standards import Standard
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.selection import ExemplarSelection
from fineparser.kinematics import Kinematics
from fineparser.progress import Progress, no_progress, progress_between
from fineparser.rendering.results import (
    FRAMES,
    MASKS,
    OVERLAY,
    PAGE,
    REPORT,
    TRAJECTORY,
    ZIP,
    write_results,
    zip_results,
)
from fineparser.ui.player import PlayerClip, copy_to_cache, write_player_clip
from fineparser.ui.settings import gpu_function, on_zero_gpu
from fineparser.ui.visitor_exemplars import VisitorExemplars, user_exemplars

DOWNLOADS = {
    ZIP: "Everything (zip)",
    PAGE: "Report to print",
    OVERLAY: "Video with mask",
    FRAMES: "Frames (CSV)",
    TRAJECTORY: "Path (CSV)",
    REPORT: "Report (JSON)",
    MASKS: "Masks (NPZ)",
}
"""Labels of the files of a result, the most useful first."""


@dataclass(frozen=True, kw_only=True)
class AnalysisRequest:
    """One clip to analyse."""

    clip: str | ClipScan
    """A file, or the scan of one."""
    code: str | None = None
    height: str | None = None
    difficulty: float | None = None
    standard: Standard | None = None
    """Standard of competition; None: not known."""
    first: int | None = None
    last: int | None = None
    crop: str | None = None
    """"centre" for the centre of the frame; None: around the diver."""
    proposal: TrimProposal | None = None
    """Trim and crop, where the user has seen them; replaces `first`, `last` and `crop`."""
    exemplars: VisitorExemplars = field(default_factory=VisitorExemplars)
    """The exemplars to compare the dive with."""
    dive: int | None = None
    """Number of the dive in the recording, from 1 in order of time; None: the best live one."""
    force: bool = False
    """Score the clip even where it shows no whole dive."""


class AnalysisService:
    """Runs requests with one analyser, which `ActiveWeights` may replace."""

    def __init__(self, analyser: DiveAnalyser) -> None:
        self.analyser = analyser
        self._analyse_on_gpu = gpu_function(self._analyse)
        self._propose_on_gpu = gpu_function(self._propose)
        self._find_dives_on_gpu = gpu_function(self._find_dives)

    def analyse(self, request: AnalysisRequest, progress: Progress) -> DiveReport:
        """Analyse a clip.

        Raises:
            VideoError, ValueError: see `DiveAnalyser.analyse`.
        """
        proposal = request.proposal or self.propose(request, progress)
        selection = ExemplarSelection.from_sources(
            request.exemplars.sources,
            self.analyser.bank,
            user_exemplars(request.exemplars.folder),
            self.analyser,
            progress_between(progress, 0.25, 0.3),
        )
        return self._analyse_anywhere(request, proposal, selection, progress)

    def analyse_for_viewer(
        self, request: AnalysisRequest, folder: Path, progress: Progress
    ) -> tuple[DiveReport, PlayerClip]:
        """The report, and the clip for the viewer, which is written to `folder` while the network works."""
        proposal = request.proposal or self.propose(request, progress)
        with ThreadPoolExecutor(1) as writer:
            clip = writer.submit(
                write_player_clip, proposal.scan.info, proposal.first, proposal.last, folder / "dive.mp4"
            )
            report = self.analyse(replace(request, proposal=proposal), progress)
            progress("Preparing the viewer", 0.75)
            return with_any_exemplar_clip(report), clip.result()

    def measure_exemplar(self, report: DiveReport, progress: Progress) -> Kinematics | None:
        """Measurements of the dive that the clip of a report's chosen exemplar shows; None if nothing was measured.

        Raises:
            VideoError, ValueError: if the clip is gone, or see `DiveAnalyser.analyse`.
        """
        vote = next((vote for vote in report.votes if vote.exemplar == report.exemplar), None)
        shown = None if vote is None else vote.clip_exemplar
        if shown is None or shown.clip is None:
            raise ValueError(f"The clip of {report.exemplar or 'this exemplar'} is gone: choose another exemplar.")
        request = AnalysisRequest(
            clip=str(shown.clip.path),
            code=str(shown.code),
            height=f"{shown.height:g}",
            first=shown.clip.first,
            last=shown.clip.last,
        )
        nobody = ExemplarSelection(bank=None, simulate_missing=False)
        return self._analyse_anywhere(request, self.propose(request, progress), nobody, progress).kinematics

    def prepare_viewer(self, report: DiveReport, folder: Path) -> tuple[DiveReport, PlayerClip]:
        """A report from before, and the clip for the viewer, which is written to `folder`."""
        clip = write_player_clip(report.info, report.first_frame, report.last_frame, folder / "dive.mp4")
        return with_any_exemplar_clip(report), clip

    @property
    def can_find_dives(self) -> bool:
        """True with trained weights."""
        return self.analyser.model.provenance.trained

    def find_dives(self, scan: ClipScan, progress: Progress) -> tuple[tuple[DiveSegment, ...], TrimProposal]:
        """Every dive of a clip, and trim and crop of the best one or, without any, of the clip.

        Raises:
            VideoError: if the clip cannot be read any more.
        """
        if on_zero_gpu():
            progress("Looking for dives on the GPU", 0.1)
            return self._find_dives_on_gpu(scan)
        return self._find_dives(scan, progress)

    def propose(self, request: AnalysisRequest, progress: Progress) -> TrimProposal:
        """Propose trim and crop.

        Raises:
            VideoError, ValueError: see `DiveAnalyser.propose`.
        """
        if on_zero_gpu():
            progress("Looking for the diver on the GPU", 0.1)
            return self._propose_on_gpu(request)
        return self._propose(request, progress_between(progress, 0.0, 0.75))

    def _analyse_anywhere(
        self, request: AnalysisRequest, proposal: TrimProposal, selection: ExemplarSelection, progress: Progress
    ) -> DiveReport:
        """Analyse a clip on this machine, or on the GPU that a Space lends."""
        if on_zero_gpu():
            # The GPU works in another process, which a callback does not reach.
            progress("Analysing on the GPU", 0.3)
            return self._analyse_on_gpu(request, proposal, selection)
        return self._analyse(request, proposal, selection, progress_between(progress, 0.0, 0.75))

    def _analyse(
        self,
        request: AnalysisRequest,
        proposal: TrimProposal,
        selection: ExemplarSelection,
        progress: Progress = no_progress,
    ) -> DiveReport:
        options = AnalysisOptions(
            difficulty=request.difficulty,
            standard=request.standard,
            proposal=proposal,
            selection=selection,
            force=request.force,
        )
        return self.analyser.analyse(proposal.scan.info.path, request.code, request.height, options, progress=progress)

    def _propose(self, request: AnalysisRequest, progress: Progress = no_progress) -> TrimProposal:
        return self.analyser.propose(
            request.clip, request.first, request.last, request.crop, dive=request.dive, progress=progress
        )

    def _find_dives(
        self, scan: ClipScan, progress: Progress = no_progress
    ) -> tuple[tuple[DiveSegment, ...], TrimProposal]:
        segments = self.analyser.find_dives(scan, progress=progress)
        best = best_dive(segments)
        return segments, self.analyser.propose_by_motion(scan) if best is None else best.proposal

    def write_files(self, report: DiveReport, folder: Path, progress: Progress) -> list[Path]:
        """Write the files of a result: one zip, then its contents, in the order of `DOWNLOADS`.

        Without measurements there is no path.
        """
        progress("Writing report, overlay and masks", 0.8)
        write_results(report, folder)
        progress("Packing the zip", 0.97)
        zip_results(folder)
        return [folder / name for name in DOWNLOADS if (folder / name).is_file()]


def with_any_exemplar_clip(report: DiveReport) -> DiveReport:
    """The report with a clip of its chosen exemplar, if no exemplar has one: those simulated for it have none yet."""
    if any(vote.clip_exemplar is not None for vote in report.votes):
        return report
    return with_exemplar_clip(report, report.exemplar)


def with_exemplar_clip(report: DiveReport, exemplar: str | None) -> DiveReport:
    """The report with a clip of one exemplar itself, simulated again in a second or so.

    The report stays as it is for an exemplar that it does not have, that has its own clip already, or that was not
    simulated.
    """
    vote = next((vote for vote in report.votes if vote.exemplar == exemplar), None)
    if (
        vote is None
        or vote.recipe is None
        or (vote.clip_exemplar is not None and vote.clip_exemplar.id == vote.exemplar)
    ):
        return report
    from fineparser.exemplars.simulated_exemplars import render_exemplar_clip  # starts the simulator, only when needed

    code = DiveCode.parse(vote.code)
    simulated = Exemplar(
        vote.exemplar, code, vote.height, vote.difficulty, vote.exemplar_score, vote.source, recipe=vote.recipe
    )
    with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
        clip = render_exemplar_clip(simulated, Path(folder) / "exemplar.mp4")
        simulated = replace(simulated, clip=replace(clip, path=copy_to_cache(clip.path)))
    votes = tuple(replace(one, clip_exemplar=simulated) if one is vote else one for one in report.votes)
    return replace(report, votes=votes)
