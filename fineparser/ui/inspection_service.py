"""Inspections for the page and its API: a report or a labelled dive in, an `Inspection` out."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fineparser.analysis.inspection import Inspection, inspect_dive, inspect_report
from fineparser.analysis.report import DiveReport
from fineparser.data.dives import DataError, Dive, DiveList, OnBroken, ReadOptions
from fineparser.data.importer import DatasetImporter
from fineparser.data.sources import detect_kind, read_dataset
from fineparser.plain_values import excerpt
from fineparser.progress import Progress, no_progress, progress_between
from fineparser.ui.analysis_service import AnalysisService
from fineparser.ui.settings import gpu_function, on_zero_gpu

INSPECTION_FILE = "inspection.npz"
MAX_UNPACKED_BYTES = 2 * 2**30
"""Size of a visitor's unpacked archive at most; it is deleted after each use."""
MAX_PROBLEMS = 6
"""Problems that the page names; it counts the others."""


@dataclass(frozen=True, kw_only=True)
class LabelledDives:
    """The dives in an upload."""

    choices: tuple[tuple[str, str], ...]
    """Description and id of each dive."""
    problems: tuple[str, ...]
    """Files and rows that are left out, each with the reason."""


class InspectionService:
    """Inspects dives with the weights in use."""

    def __init__(self, analyses: AnalysisService) -> None:
        self.analyses = analyses
        self._inspect_report_on_gpu = gpu_function(self._inspect_report)
        self._inspect_dive_on_gpu = gpu_function(self._inspect_dive)

    def inspect_report(self, report: DiveReport, exemplar: str | None, progress: Progress) -> Inspection:
        """Inspect the clip of a report, beside one of its exemplars (None: the one that it chose).

        Raises:
            ValueError: if other weights made the report, or see `fineparser.analysis.inspection.inspect_report`.
        """
        weights = self.analyses.analyser.model.provenance.name
        if report.weights.name != weights:
            raise ValueError(
                f"{report.info.path.name} was analysed with the weights {report.weights.name}, and {weights} are in "
                "use now: analyse it again."
            )
        progress("Inspecting", 0.1)
        return (self._inspect_report_on_gpu if on_zero_gpu() else self._inspect_report)(report, exemplar)

    def inspect_labelled(self, files: Sequence[str], dive_id: str, progress: Progress) -> Inspection:
        """Inspect one of the labelled dives in uploaded files.

        Raises:
            ValueError: if there is no such dive, or see `fineparser.analysis.inspection.inspect_dive`.
        """
        progress("Unpacking", 0.0)
        with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
            for dive in unpack_dives(files, Path(name)):
                if dive.id == dive_id:
                    if on_zero_gpu():
                        progress("Inspecting on the GPU", 0.2)
                        return self._inspect_dive_on_gpu(dive)
                    return self._inspect_dive(dive, progress_between(progress, 0.1, 1.0))
        raise ValueError(f"There is no dive {excerpt(dive_id)} in the upload: choose one from the list.")

    def _inspect_report(self, report: DiveReport, exemplar: str | None) -> Inspection:
        return inspect_report(self.analyses.analyser, report, exemplar)

    def _inspect_dive(self, dive: Dive, progress: Progress = no_progress) -> Inspection:
        return inspect_dive(self.analyses.analyser, dive, progress)


def list_labelled_dives(files: Sequence[str]) -> LabelledDives:
    """The dives in uploaded files: zips of a clip folder or of FineDiving, or clips, masks and a dives.csv."""
    with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
        try:
            dives = unpack_dives(files, Path(name))
        except DataError as error:
            return LabelledDives(choices=(), problems=(without_folder(str(error), name),))
        return LabelledDives(
            choices=tuple((dive_description(dive), dive.id) for dive in dives),
            problems=tuple(without_folder(str(one), name) for one in dives.problems),
        )


def unpack_dives(files: Sequence[str], folder: Path) -> DiveList:
    """Unpack uploaded files into a folder and read the dives; DataError if there is none."""
    intake = DatasetImporter(folder, max_bytes=MAX_UNPACKED_BYTES)
    intake.add([Path(file) for file in files])
    problems = tuple(str(problem) for problem in intake.problems)
    kind = detect_kind(folder)
    if kind is None:
        raise DataError(
            "The upload holds no labelled dive. Give a zip of a clip folder (clips and dives.csv) or of FineDiving."
            + (f" Left out: {'; '.join(problems[:MAX_PROBLEMS])}" if problems else "")
        )
    dives = read_dataset(kind, folder, ReadOptions(on_broken=OnBroken.SKIP))
    return DiveList(dives.name, dives.dives, (*intake.problems, *dives.problems))


def dive_description(dive: Dive) -> str:
    """The id of a dive with its number, height, score and labels."""
    facts = [] if dive.code is None else [str(dive.code)]
    facts += [] if dive.height is None else [f"{dive.height:g} m"]
    facts += [] if dive.score is None else [f"{dive.score:g} points"]
    labels = [name for name, has in (("transitions", dive.has_transitions), ("masks", dive.has_masks)) if has]
    facts.append(f"labelled: {' and '.join(labels)}" if labels else "no transitions, no masks")
    return f"{dive.id} ({', '.join(facts)})"


def without_folder(text: str, folder: str) -> str:
    """A message without the path of the folder to which files were unpacked."""
    return text.replace(f"{Path(folder).resolve()}/", "").replace(f"{folder}/", "").replace(folder, "the upload")
