"""python -m fineparser analyse: score a dive, every dive of a recording, or every clip of a folder."""

import argparse
import csv
import io
import multiprocessing
import os
import sys
import zipfile
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fineparser.atomic import atomic_write
from fineparser.cli.arguments import add_network_options, print_progress
from fineparser.data.dive_tables import RowLabels, find_tables, read_folder_rows, read_rows
from fineparser.data.dives import Location, OnBroken, Problem, ProblemLog
from fineparser.data.file_names import FolderFiles
from fineparser.domain.standards import Standard
from fineparser.plain_values import MAX_EXCERPT
from fineparser.progress import Progress, no_progress, progress_between
from fineparser.video.limits import VIDEO_SUFFIXES

if TYPE_CHECKING:
    from fineparser.analysis.auto_trim import TrimProposal
    from fineparser.analysis.dive_segments import DiveSegment
    from fineparser.analysis.report import DiveReport
    from fineparser.scoring import PhaseMark

SESSION_DIVE = "session_dive"
"""Column of a table that names one of the dives of a recording, by its number or a time such as 3:25."""
SUMMARY_FILE, ZIP_FILE = "summary.csv", "results.zip"
MARKINGS = ("skeleton", "path", "angle", "vertical")
"""Values of `fineparser.rendering.markings.Marking`, which the grammar does not import."""
TIME_TOLERANCE = 0.5
"""Seconds by which the time that names a dive may lie before or after it."""


@dataclass(frozen=True, kw_only=True)
class AnalyseSettings:
    """Settings of `analyse` that hold for every clip."""

    out: Path
    """Folder for the results."""
    checkpoint: str = "default"
    bank: Path | None = None
    """File of exemplars; None: the bundled one."""
    sources: tuple[str, ...] | None = None
    """Sources of the exemplars that vote; None: all of them, or with `bank` that file alone."""
    crop: str | None = None
    """None: around the diver; "centre": the centre, as the published loader crops."""
    exemplars: int = 10
    """Number of exemplars that vote."""
    seed: int = 0
    """Seed of the choice of exemplars."""
    device: str = "cpu"
    precision: str = "float32"
    force: bool = False
    """Score clips even where they show no whole dive."""
    standard: Standard | None = None
    """Standard of competition that scores are for; None: not given, or as a table says."""
    markings: tuple[str, ...] = ()
    """Measurements that are drawn in overlay.mp4."""

    @classmethod
    def from_arguments(cls, options: Namespace) -> "AnalyseSettings":
        """Settings from the arguments of `python -m fineparser analyse`."""
        return cls(
            out=options.out,
            checkpoint=options.checkpoint,
            bank=options.bank,
            sources=None if options.sources is None else tuple(options.sources),
            crop="centre" if options.crop == "centre" else None,
            exemplars=options.exemplars,
            seed=options.seed,
            device=options.device,
            precision=options.precision,
            force=options.force,
            standard=None if options.standard is None else Standard(options.standard),
            markings=tuple(options.overlay),
        )


@dataclass(frozen=True, kw_only=True)
class BatchClip:
    """A clip to analyse, with its row of a table."""

    clip: Path
    name: str
    """Name of its folder of results, different for every clip."""
    code: str | None = None
    height: str | None = None
    difficulty: float | None = None
    standard: Standard | None = None
    """Standard of competition; None: that of the settings."""
    first: int | None = None
    last: int | None = None
    dive: str = ""
    """Number or time of one of the dives of the clip; empty: the best one."""
    proposal: "TrimProposal | None" = None
    """Trim and crop of a dive that has been found in the clip."""
    remarks: str = ""
    """On that dive, such as that it begins in the air."""
    problem: str = ""
    """Reason why it cannot be analysed, if that is known before."""


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """Result of one clip: a row of summary.csv."""

    clip: str
    dive: str = ""
    """Number of the dive among those of the clip; empty for a clip of one dive."""
    time: str = ""
    """Start and end of the dive in a clip of several."""
    dive_code: str = ""
    height: str = ""
    difficulty: str = ""
    total: str = ""
    low: str = ""
    high: str = ""
    execution: str = ""
    standard: str = ""
    """Standard of competition of a judgement; empty if it was not given."""
    award: str = ""
    """Mean award of a judgement, and the ends of its range."""
    award_low: str = ""
    award_high: str = ""
    faults: str = ""
    """Faults of a judgement with the awards that they cost, the dearest first."""
    first_frame: str = ""
    flight_frame: str = ""
    entry_frame: str = ""
    last_frame: str = ""
    remarks: str = ""
    """On a dive of several in a clip."""
    no_score: str = ""
    """Reason why there is no score although number and height are given, or that it was overridden."""
    warnings: str = ""
    problem: str = ""
    """Reason why there is no result."""
    folder: str = ""
    """Folder of the results, beside summary.csv."""


def is_clip_folder(path: Path) -> bool:
    """True for a folder of clips (or with a table of them); False for the frames of a single clip, and for a file."""
    return path.is_dir() and (bool(find_tables(path)) or any(_videos(path)))


def list_clips(folder: Path, table: Path | None = None) -> list[BatchClip]:
    """Every clip of a folder, those of the table first, in its order.

    Args:
        folder: folder of the clips.
        table: dive number, height and more of clips, in the columns of a labelled clip folder and `SESSION_DIVE`;
            None: the folder's dives.csv or dives.xlsx, if there is one. Remarks on it are printed.

    Raises:
        DataError: for a file that is no table; a row that cannot be used becomes a clip with a problem.
    """
    clips: list[BatchClip] = []
    names: set[str] = set()
    if table is not None or find_tables(folder):
        problems, files = ProblemLog(OnBroken.SKIP), FolderFiles(folder)
        more = (SESSION_DIVE,)
        if table is None:
            table, rows = read_folder_rows(folder, problems, more)
        else:
            rows = read_rows(table, problems, more)
        for line, row in rows:
            name = _unused_name(Path(row["clip"]).stem, names)
            clips.append(_clip_from_row(files, row, Location(Path(table.name), line), name))
        for problem in problems.problems:
            if problem.is_remark:
                print(f"note: {problem}", file=sys.stderr)
            else:
                clips.append(BatchClip(clip=table, name=_unused_name(table.stem, names), problem=str(problem)))
    listed = {clip.clip.resolve() for clip in clips}
    for path in sorted(_videos(folder)):
        if path.resolve() not in listed:
            clips.append(BatchClip(clip=path, name=_unused_name(path.stem, names)))
    return clips


def clips_with_dives(clips: Sequence[BatchClip], analyser: "ClipAnalyser", *, every: bool) -> list[BatchClip]:
    """The clips, those that name one of their dives with its trim and crop.

    Args:
        clips: the clips.
        analyser: finds their dives.
        every: put a clip for each live dive in place of a clip that names none and is not trimmed.
    """
    from fineparser.analysis.dive_segments import live_dives

    segments: dict[Path, tuple[DiveSegment, ...]] = {}
    result: list[BatchClip] = []
    for clip in clips:
        is_trimmed = clip.first is not None or clip.last is not None
        if clip.problem or not (clip.dive or (every and not is_trimmed)):
            result.append(clip)
            continue
        try:
            if clip.dive and is_trimmed:
                raise ValueError(f"dive {clip.dive[:MAX_EXCERPT]} and a trim are given: leave out one of them")
            if clip.clip not in segments:
                segments[clip.clip] = analyser.find_dives(clip.clip)
            if clip.dive:
                result.append(_with_dive(clip, clip.name, dive_at(segments[clip.clip], clip.dive)))
            elif live := live_dives(segments[clip.clip]):
                result += [_with_dive(clip, f"{clip.name}-dive-{dive.number}", dive) for dive in live]
            else:
                result.append(clip)
        except (ValueError, OSError) as error:
            result.append(replace(clip, problem=str(error)))
    return result


def _with_dive(clip: BatchClip, name: str, dive: "DiveSegment") -> BatchClip:
    from fineparser.rendering.messages import dive_remarks

    return replace(
        clip, name=name, dive=str(dive.number), proposal=dive.proposal, remarks=", ".join(dive_remarks(dive))
    )


def analyse_clips(
    clips: list[BatchClip],
    analyser: "ClipAnalyser",
    jobs: int,
    on_row: Callable[[SummaryRow], None] = lambda row: None,
) -> list[SummaryRow]:
    """Analyse every clip and keep `summary.csv` up to date; a broken clip gets a row with the reason.

    Args:
        clips: the clips.
        analyser: for all of them.
        jobs: number of clips that are analysed at once, each in its own process.
        on_row: called with each row as soon as it is there.
    """
    out = analyser.settings.out
    out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, SummaryRow] = {}
    for name, row in _rows(clips, analyser, jobs):
        rows[name] = row
        on_row(row)
        write_summary([rows[clip.name] for clip in clips if clip.name in rows], out / SUMMARY_FILE)
    return [rows[clip.name] for clip in clips]


def write_summary(rows: list[SummaryRow], path: Path) -> None:
    """Write the rows as CSV, atomically."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(SummaryRow)])
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    atomic_write(path, lambda part: part.write_text(text.getvalue(), encoding="utf-8", newline=""))


def zip_all(rows: list[SummaryRow], out: Path) -> Path:
    """Write one zip of the summary and every clip's results, atomically."""

    def write(part: Path) -> None:
        with zipfile.ZipFile(part, "w") as archive:
            archive.write(out / SUMMARY_FILE, SUMMARY_FILE, zipfile.ZIP_DEFLATED)
            for row in rows:
                for file in sorted((out / row.folder).iterdir()) if row.folder else ():
                    compressed = file.suffix in (".mp4", ".npz")
                    method = zipfile.ZIP_STORED if compressed else zipfile.ZIP_DEFLATED
                    archive.write(file, f"{row.folder}/{file.name}", method)

    atomic_write(out / ZIP_FILE, write)
    return out / ZIP_FILE


class ClipAnalyser:
    """Analyser of clips with the same settings."""

    def __init__(self, settings: AnalyseSettings) -> None:
        from fineparser.analysis.analyser import DiveAnalyser
        from fineparser.exemplars.selection import SOURCES, ExemplarSelection
        from fineparser.exemplars.user_exemplars import UserExemplars

        self.settings = settings
        self._analyser = DiveAnalyser.from_pretrained(
            settings.checkpoint, settings.bank, settings.device, precision=settings.precision
        )
        bank = self._analyser.bank
        if settings.sources is None and settings.bank is not None:
            self._selection = ExemplarSelection(bank=bank)
        else:
            sources = settings.sources or SOURCES
            self._selection = ExemplarSelection.from_sources(sources, bank, UserExemplars(), self._analyser)

    def find_dives(self, clip: Path, progress: Progress = no_progress) -> "tuple[DiveSegment, ...]":
        """Find every dive of a clip.

        Raises:
            VideoError: for a clip that cannot be used.
        """
        dives = self._analyser.find_dives(clip, progress=progress)
        if self.settings.crop is None:
            return dives
        from fineparser.analysis.crop_choice import CropChoice

        return tuple(
            replace(dive, proposal=replace(dive.proposal, crop=CropChoice.centre(dive.proposal.scan.info)))
            for dive in dives
        )

    def analyse(self, clip: BatchClip, progress: Progress = no_progress) -> "DiveReport":
        """Analyse a clip.

        Raises:
            VideoError: for a clip that cannot be used.
            ValueError: for an impossible dive, or frames outside the clip.
        """
        from fineparser.analysis.analyser import AnalysisOptions

        options = AnalysisOptions(
            difficulty=clip.difficulty,
            first=clip.first,
            last=clip.last,
            crop=self.settings.crop,
            proposal=clip.proposal,
            selection=self._selection,
            exemplars=self.settings.exemplars,
            seed=self.settings.seed,
            force=self.settings.force,
            standard=clip.standard or self.settings.standard,
        )
        return self._analyser.analyse(clip.clip, clip.code, clip.height, options, progress=progress)

    def row(self, clip: BatchClip) -> SummaryRow:
        """Analyse a clip and write its results; any error ends in the row, so that the other clips are analysed."""
        from fineparser.rendering.messages import warning_texts
        from fineparser.rendering.overlay import OverlayOptions
        from fineparser.rendering.results import write_results

        try:
            report = self.analyse(clip)
            write_results(report, self.settings.out / clip.name, OverlayOptions(markings=self.settings.markings))
        except Exception as error:
            reason = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
            return replace(_empty_row(clip), dive_code=clip.code or "", height=clip.height or "", problem=reason)
        return replace(
            _empty_row(clip),
            dive_code=report.dive_code or "",
            height="" if report.height is None else f"{report.height:g}",
            difficulty="" if report.difficulty is None else f"{report.difficulty:g}",
            **_score_cells(report),
            first_frame=str(report.first_frame),
            flight_frame=str(report.flight.frame),
            entry_frame=str(report.entry.frame),
            last_frame=str(report.last_frame),
            warnings=" ".join(warning_texts(report)),
            folder=clip.name,
        )


def _score_cells(report: "DiveReport") -> dict[str, str]:
    """Cells of a summary about the score, as the report's page shows it."""
    from fineparser.rendering.judgement_text import LEAST_CHANGE, score_text
    from fineparser.rendering.messages import little_message, no_score_message

    judgement, score = report.judgement, score_text(report)
    cells = {"no_score": no_score_message(report) or little_message(report)}
    if judgement is not None:
        cells["standard"] = "" if judgement.standard is None else judgement.standard.value
        cells["faults"] = "; ".join(
            f"{fault.name} {fault.change:+.1f}" for fault in judgement.faults if abs(fault.change) >= LEAST_CHANGE
        )
    if score is not None:
        cells["total"] = score.points
        cells["low"], cells["high"] = score.points_range.split(" to ")
        if judgement is None:
            cells["execution"] = score.execution
        else:
            cells["award"] = score.award
            cells["award_low"], cells["award_high"] = score.award_range.split(" to ")
    return cells


def _empty_row(clip: BatchClip) -> SummaryRow:
    """The row of a clip before its analysis."""
    if clip.proposal is None:
        return SummaryRow(clip=clip.clip.name)
    from fineparser.rendering.messages import time_range

    return SummaryRow(clip=clip.clip.name, dive=clip.dive, time=time_range(clip.proposal), remarks=clip.remarks)


def _rows(clips: list[BatchClip], analyser: ClipAnalyser, jobs: int) -> Iterator[tuple[str, SummaryRow]]:
    ready = [clip for clip in clips if not clip.problem]
    for clip in clips:
        if clip.problem:
            yield clip.name, SummaryRow(clip=clip.clip.name, dive=clip.dive, problem=clip.problem)
    if jobs == 1 or len(ready) < 2:
        for clip in ready:
            yield clip.name, analyser.row(clip)
        return
    # New processes: a fork of a process that has computed already inherits locks that are never released.
    context = multiprocessing.get_context("spawn")
    processes = min(jobs, len(ready))
    threads = max(1, (os.cpu_count() or 1) // processes)
    with ProcessPoolExecutor(processes, context) as pool:
        waiting = {pool.submit(_row_in_process, analyser.settings, threads, clip): clip for clip in ready}
        for future in as_completed(waiting):
            clip = waiting[future]
            error = future.exception()
            failed = replace(_empty_row(clip), problem=f"its process ended: {error}")
            yield clip.name, failed if error else future.result()


@lru_cache(maxsize=1)
def _process_analyser(settings: AnalyseSettings, threads: int) -> ClipAnalyser:
    """The analyser of this process, created for its first clip."""
    import torch

    torch.set_num_threads(threads)
    return ClipAnalyser(settings)


def _row_in_process(settings: AnalyseSettings, threads: int, clip: BatchClip) -> SummaryRow:
    return _process_analyser(settings, threads).row(clip)


def _videos(folder: Path) -> Iterator[Path]:
    return (
        path
        for path in folder.iterdir()
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _clip_from_row(files: FolderFiles, row: dict[str, str], location: Location, name: str) -> BatchClip:
    """A clip from a row of a table."""
    clip = Path(row["clip"])
    try:
        clip = files.find(row["clip"], "clip", VIDEO_SUFFIXES)
        labels = RowLabels.from_row(row)
        return BatchClip(
            clip=clip,
            name=name,
            code=None if labels.code is None else str(labels.code),
            height=None if labels.height is None else f"{labels.height:g}",
            difficulty=labels.difficulty,
            standard=labels.standard,
            first=labels.start_frame,
            last=labels.end_frame,
            dive=row[SESSION_DIVE],
        )
    except ValueError as error:
        return BatchClip(clip=clip, name=name, problem=str(Problem(location, str(error))))


def dive_at(dives: "Sequence[DiveSegment]", which: str) -> "DiveSegment":
    """The dive of a number, or the one at a time such as 3:25; ValueError if there is none."""
    from fineparser.analysis.dive_segments import dive_of_number
    from fineparser.rendering.messages import dive_count

    if ":" not in which:
        try:
            number = int(which)
        except ValueError:
            raise ValueError(f"the dive is {which[:MAX_EXCERPT]!r}: give its number, or a time such as 3:25") from None
        return dive_of_number(dives, number)
    seconds = seconds_of(which)
    distances: list[tuple[float, float, DiveSegment]] = []
    for dive in dives:
        info = dive.proposal.scan.info
        # A spreadsheet takes 3:25 for hours and writes 03:25:00.
        time = seconds / 60 if seconds > info.duration and which.count(":") == 2 else seconds
        start, end = info.seconds(dive.first), info.seconds(dive.last)
        distances.append((max(start - time, time - end, 0.0), abs(time - (start + end) / 2), dive))
    nearest = min(distances, key=lambda one: one[:2], default=None)
    if nearest is not None and nearest[0] <= TIME_TOLERANCE:
        return nearest[2]
    raise ValueError(
        f"there is no dive at {which[:MAX_EXCERPT]}: the clip has {dive_count(dives)}, which --list prints"
    )


def seconds_of(time: str) -> float:
    """Seconds of a time such as 3:25, 3:25.4 or 1:03:25; ValueError if it is none.

    >>> seconds_of("3:25.4"), seconds_of("1:03:25")
    (205.4, 3805.0)
    """
    try:
        return sum(float(part) * 60**power for power, part in enumerate(reversed(time.split(":"))))
    except ValueError:
        raise ValueError(f"the time is {time[:MAX_EXCERPT]!r}: give minutes and seconds, such as 3:25") from None


def _unused_name(name: str, names: set[str]) -> str:
    """A name that is not in `names` yet; it is added to them."""
    candidate, number = name, 2
    while candidate in names or candidate in (SUMMARY_FILE, ZIP_FILE):
        candidate, number = f"{name}-{number}", number + 1
    names.add(candidate)
    return candidate


SUMMARY = (
    "score a dive, every dive of a recording, or every clip of a folder: report.json, report.html, overlay.mp4, "
    "masks.npz and more"
)


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    grammar = commands.add_parser("analyse", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    grammar.add_argument("clip", type=Path, help="a video file, a folder of numbered frames, or a folder of clips")
    grammar.add_argument(
        "--list", action="store_true", help="print the dives of the recording, with times, and analyse none"
    )
    grammar.add_argument("--all", action="store_true", help="analyse every dive of the recording, except for replays")
    grammar.add_argument(
        "--dive", help="which dive of the recording: its number, or a time such as 3:25 (default: the best live one)"
    )
    grammar.add_argument("--code", help="dive number, such as 207C; without it there is no score")
    grammar.add_argument("--height", help="height of the board or platform in metres: 1, 3, 5, 7.5 or 10")
    grammar.add_argument("--difficulty", type=float, help="degree of difficulty (default: from the table)")
    grammar.add_argument(
        "--standard",
        choices=[standard.value for standard in Standard],
        help="standard of competition that the score is for (default: that of the table, or not given: the range "
        "covers all)",
    )
    grammar.add_argument("--first", type=int, help="first frame of the dive (default: proposed)")
    grammar.add_argument("--last", type=int, help="last frame of the dive (default: proposed)")
    grammar.add_argument(
        "--crop",
        choices=["diver", "centre"],
        default="diver",
        help="crop around the diver, or at the centre as the published protocol does (default: diver)",
    )
    grammar.add_argument(
        "--table",
        type=Path,
        help="dive number, height and more of each clip or dive of a recording (default: dives.csv of a folder)",
    )
    grammar.add_argument("--jobs", type=int, default=1, help="clips or dives analysed at once (default: 1)")
    grammar.add_argument("--out", type=Path, help="folder for the results; needed except with --list")
    grammar.add_argument(
        "--force", action="store_true", help="score what is not a whole dive as well; the report says so"
    )
    grammar.add_argument(
        "--overlay",
        nargs="+",
        choices=MARKINGS,
        default=[],
        help="measurements to draw in overlay.mp4 besides the mask (default: none)",
    )
    grammar.add_argument("--zip", action="store_true", help="also write everything to results.zip")
    grammar.add_argument("--checkpoint", default="default", help="folder or Hugging Face id of the weights")
    grammar.add_argument("--bank", type=Path, help="file of exemplars (default: the bundled one)")
    grammar.add_argument(
        "--sources",
        nargs="+",
        choices=["simulated", "user"],
        help="sources of the exemplars that vote; user: those of `bank add` (default: both; with --bank that file)",
    )
    grammar.add_argument("--exemplars", type=int, default=10, help="number of exemplars that vote (default: 10)")
    grammar.add_argument("--seed", type=int, default=0, help="seed of the choice of exemplars (default: 0)")
    add_network_options(grammar)


def run(options: argparse.Namespace) -> int:
    """Analyse one dive, or all of a recording or a folder, or list the dives."""
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}: give 1 or more")
    if sum([options.list, options.all, options.dive is not None]) > 1:
        raise ValueError("--list, --all and --dive exclude each other: give one of them")
    if options.list:
        return list_dives(options)
    if options.out is None:
        raise ValueError("no folder for the results is given: add --out DIR")
    if is_clip_folder(options.clip):
        return analyse_folder(options)
    if options.all or options.table is not None:
        return analyse_recording(options)
    return analyse_clip(options)


def list_dives(options: argparse.Namespace) -> int:
    """Print the dives of a recording, or of every clip of a folder."""
    from fineparser.rendering.messages import confidence_words, dive_count, dive_remarks, time_range

    clips = sorted(_videos(options.clip)) if is_clip_folder(options.clip) else [options.clip]
    analyser = ClipAnalyser(AnalyseSettings.from_arguments(options))
    failed = 0
    for clip in clips:
        try:
            dives = analyser.find_dives(clip, print_progress)
        except ValueError as error:
            if len(clips) == 1:
                raise
            print(f"{clip.name}: {error}", file=sys.stderr)
            failed += 1
            continue
        print(f"{clip.name}: {dive_count(dives)}")
        for dive in dives:
            cells = [f"{dive.number:3}", time_range(dive.proposal), f"confidence {confidence_words(dive.confidence)}"]
            print("  ".join([*cells, ", ".join(dive_remarks(dive))]).rstrip())
    return 1 if failed else 0


def analyse_clip(options: argparse.Namespace) -> int:
    """Analyse one dive of a clip and write the results."""
    from fineparser.rendering.messages import no_score_message, warning_texts
    from fineparser.rendering.overlay import OverlayOptions
    from fineparser.rendering.results import write_results, zip_results

    clip = _clip_from_arguments(options)
    is_trimmed = clip.first is not None or clip.last is not None
    if is_trimmed and clip.dive:
        raise ValueError("--dive chooses the trim of a dive that was found: leave out --first and --last, or --dive")
    analyser = ClipAnalyser(AnalyseSettings.from_arguments(options))
    if clip.dive:
        dives = analyser.find_dives(clip.clip, progress_between(print_progress, 0.0, 0.35))
        clip = _with_dive(clip, clip.name, dive_at(dives, clip.dive))
    report = analyser.analyse(clip, print_progress)
    folder = write_results(report, options.out, OverlayOptions(markings=tuple(options.overlay)))
    if options.zip:
        zip_results(folder)
    for text in warning_texts(report):
        print(f"warning: {text}", file=sys.stderr)
    for line in score_lines(report):
        print(line)
    if reason := no_score_message(report):
        print(reason if report.is_forced else f"{reason} --force scores it anyway.")
    print(
        f"frames {report.first_frame} to {report.last_frame}, flight from frame {report.flight.frame}, "
        f"entry from frame {report.entry.frame}; results in {folder}"
    )
    if report.dive is not None and report.dives > 1:
        print(
            f"dive {report.dive} of {report.dives} in {clip.clip.name}: --list prints all, --dive analyses another, "
            "--all every one"
        )
    return 0


def score_lines(report: "DiveReport") -> list[str]:
    """Lines about the score of a dive for a terminal, with the faults of a judgement; none without a score."""
    from fineparser.rendering.judgement_text import score_text
    from fineparser.rendering.messages import calibration_message, little_message, range_share, score_notes

    judgement, score = report.judgement, score_text(report)
    if score is None and judgement is None:
        return []
    dive = f"{report.dive_code} ({report.dive_name}), {report.height:g} m, difficulty {report.difficulty:g}"
    if score is None:
        return [f"{dive}: {little_message(report)}"]
    if judgement is None:
        return [f"{dive}: {score.points} points ({score.points_range})"]
    band = f", {score.band}" if score.band else ""
    return [
        f"{dive}: {score.points} points ({score.points_range} {range_share()}), "
        f"mean award {score.award} ({score.award_range}){band}",
        *(line for mark in judgement.phases for line in phase_lines(mark, report.dive_code)),
        *([] if judgement.is_calibrated else [calibration_message(judgement)]),
        score_notes(report),
    ]


def phase_lines(mark: "PhaseMark", dive_code: str | None) -> list[str]:
    """Lines about a phase: its mark, and each fault with the frames that show it."""
    from fineparser.rendering.judgement_text import contribution_text, fault_text, listed_faults, phase_title, plain
    from fineparser.rendering.measurements import frames_text

    lines = [f"  {phase_title(mark)} ({contribution_text(mark)})"]
    for fault in listed_faults(mark):
        frames = frames_text(fault.size.frames)
        lines.append(plain(f"    {fault_text(fault, dive_code)}{f' ({frames})' if frames else ''}"))
    return lines


def _clip_from_arguments(options: argparse.Namespace) -> BatchClip:
    """The clip of the command line; ValueError for an impossible dive, before anything is computed."""
    from fineparser.exemplars.exemplar import DiveSpec

    DiveSpec.from_input(options.code, options.height, options.difficulty)
    return BatchClip(
        clip=options.clip,
        name=options.clip.stem,
        code=options.code,
        height=options.height,
        difficulty=options.difficulty,
        first=options.first,
        last=options.last,
        dive=options.dive or "",
    )


def analyse_recording(options: argparse.Namespace) -> int:
    """Analyse every dive of a recording, or those that a table lists; return 1 if some could not be used."""
    from fineparser.analysis.dive_segments import live_dives

    if options.first is not None or options.last is not None:
        raise ValueError("--first and --last trim a single dive: leave them out, or --all and --table")
    if options.table is not None:
        _refuse_options(options, "code", "height", "difficulty", "dive")
        recording = options.clip.resolve()
        listed = list_clips(options.clip.parent, options.table)
        clips = [clip for clip in listed if clip.problem or clip.clip.resolve() == recording]
        analyser = ClipAnalyser(AnalyseSettings.from_arguments(options))
        return _analyse_batch(clips_with_dives(clips, analyser, every=options.all), analyser, options)
    clip = _clip_from_arguments(options)
    analyser = ClipAnalyser(AnalyseSettings.from_arguments(options))
    dives = live_dives(analyser.find_dives(clip.clip, print_progress))
    if not dives:
        raise ValueError(f"no dive was found in {clip.clip}: without --all its masks and phases are analysed")
    return _analyse_batch([_with_dive(clip, f"dive-{dive.number}", dive) for dive in dives], analyser, options)


def analyse_folder(options: argparse.Namespace) -> int:
    """Analyse every clip of a folder; return 1 if some could not be used, with the reasons in summary.csv."""
    _refuse_options(options, "code", "height", "difficulty", "first", "last", "dive")
    clips = list_clips(options.clip, options.table)
    analyser = ClipAnalyser(AnalyseSettings.from_arguments(options))
    return _analyse_batch(clips_with_dives(clips, analyser, every=options.all), analyser, options)


def _refuse_options(options: argparse.Namespace, *names: str) -> None:
    """ValueError for an option of a single dive, where a table lists the dives."""
    for name in names:
        if getattr(options, name) is not None:
            raise ValueError(f"--{name} is for a single clip; for several put it in a table (--table)")


def _analyse_batch(clips: list[BatchClip], analyser: ClipAnalyser, options: argparse.Namespace) -> int:
    def print_row(row: SummaryRow) -> None:
        name = f"{row.clip}, dive {row.dive}, {row.time}" if row.time else row.clip
        score = f"{row.total} ({row.low} to {row.high})" if row.total else ""
        result = " ".join(filter(None, [row.dive_code, score, row.no_score])) or "no score"
        print(f"{name}: {row.problem or result}", file=sys.stderr if row.problem else sys.stdout)

    rows = analyse_clips(clips, analyser, options.jobs, print_row)
    if options.zip:
        zip_all(rows, options.out)
    failed = sum(bool(row.problem) for row in rows)
    noun = "dives" if any(row.time for row in rows) else "clips"
    print(f"{len(rows) - failed} of {len(rows)} {noun} analysed; summary.csv and results in {options.out}")
    return 1 if failed else 0
