"""Inspections as the page and its API run them: a report or a labelled dive in, an `Inspection` out."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fineparser.analysis.inspection import Inspection
from fineparser.analysis.inspector import inspect_dive, inspect_report
from fineparser.analysis.report import DiveReport
from fineparser.data.dives import DataError, Dive, DiveList
from fineparser.data.intake import Intake
from fineparser.data.sources import READERS, kind_of
from fineparser.ui.analysis import Analysis
from fineparser.ui.steps import on_zero_gpu, with_gpu

Progress = Callable[[str, float], None]
MOST_BYTES = 2 * 2**30
"""That a visitor's archive may unpack to, for as long as one dive of it is looked at."""
MOST_PROBLEMS = 6
"""Named on the page; the others are counted."""


@dataclass(frozen=True)
class LabelledDives:
    """What somebody handed over, looked through."""

    choices: tuple[tuple[str, str], ...]
    """Each dive in words, and its id."""
    problems: tuple[str, ...]
    """What was left out, and why."""


class Inspecting:
    """Looks inside with the weights that the page analyses with."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._report_on_gpu = with_gpu(self._report)
        self._dive_on_gpu = with_gpu(self._dive)

    def report(self, report: DiveReport, exemplar: str | None, progress: Progress) -> Inspection:
        """The clip of a report beside one of its exemplars (None: its own choice).

        Raises what `inspect_report` raises; ValueError where the report was made by other weights.
        """
        now = self._analysis.analyser.model.provenance.name
        if report.weights.name != now:
            raise ValueError(
                f"{report.info.path.name} was analysed with the weights {report.weights.name}, and {now} are in use "
                "now: analyse it again."
            )
        progress("Looking inside", 0.1)
        return (self._report_on_gpu if on_zero_gpu() else self._report)(report, exemplar)

    def labelled(self, files: Sequence[str], dive: str, progress: Progress) -> Inspection:
        """One of the labelled dives in uploaded files, by its id.

        Raises what `inspect_dive` raises; ValueError where there is no such dive.
        """
        progress("Unpacking", 0.0)
        with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
            for known in unpacked(files, Path(name)):
                if known.id == dive:
                    if on_zero_gpu():
                        progress("Looking inside on the GPU", 0.2)
                        return self._dive_on_gpu(known)
                    return self._dive(known, lambda step, done: progress(step, 0.1 + 0.9 * done))
        raise ValueError(f"There is no dive {dive!r} in what you handed over: choose one of the list.")

    def _report(self, report: DiveReport, exemplar: str | None) -> Inspection:
        return inspect_report(self._analysis.analyser, report, exemplar)

    def _dive(self, dive: Dive, progress: Progress = lambda step, done: None) -> Inspection:
        return inspect_dive(self._analysis.analyser, dive, progress)


def look_through(files: Sequence[str]) -> LabelledDives:
    """The dives in uploaded files: zips of a clip folder or of FineDiving, or clips, masks and a dives.csv."""
    with tempfile.TemporaryDirectory(prefix="fineparser-") as name:
        try:
            dives = unpacked(files, Path(name))
        except DataError as error:
            return LabelledDives((), (plain(str(error), name),))
        return LabelledDives(
            tuple((in_words(dive), dive.id) for dive in dives), tuple(plain(one, name) for one in dives.problems)
        )


def unpacked(files: Sequence[str], folder: Path) -> DiveList:
    """The dives in uploaded files, unpacked into a folder; DataError where there is none."""
    intake = Intake(folder, most_bytes=MOST_BYTES)
    intake.take([Path(file) for file in files])
    problems = tuple(str(problem) for problem in intake.problems)
    kind = kind_of(folder)
    if kind is None:
        raise DataError(
            "There is no labelled dive in it. Give a zip of a clip folder (clips and dives.csv) or of FineDiving."
            + (f" Left out: {'; '.join(problems[:MOST_PROBLEMS])}" if problems else "")
        )
    found = READERS[kind](folder, skip_broken=True)
    return DiveList(found.name, found.dives, (*problems, *map(str, found.problems)))


def in_words(dive: Dive) -> str:
    """A dive with what is known of it."""
    facts = [] if dive.code is None else [str(dive.code)]
    facts += [] if dive.height is None else [f"{dive.height:g} m"]
    facts += [] if dive.score is None else [f"{dive.score:g} points"]
    labels = [name for name, there in (("switches", dive.flight_frame is not None), ("masks", dive.has_masks)) if there]
    facts.append(f"labelled: {' and '.join(labels)}" if labels else "no switches, no masks")
    return f"{dive.id} ({', '.join(facts)})"


def plain(sentence: str, folder: str) -> str:
    """A sentence without the place on this machine where the files were unpacked."""
    return sentence.replace(f"{Path(folder).resolve()}/", "").replace(f"{folder}/", "").replace(folder, "the upload")
