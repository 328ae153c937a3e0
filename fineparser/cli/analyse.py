"""python -m fineparser analyse: score a clip, or every clip of a folder, in several processes if asked."""

import argparse
import csv
import io
import multiprocessing
import os
import sys
import zipfile
from argparse import Namespace
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from fineparser.atomic import atomic_write
from fineparser.cli.arguments import print_progress
from fineparser.data.dives import OnBroken, ProblemLog
from fineparser.data.readers.clip_folder import TABLE, read_rows
from fineparser.model.precision import PRECISIONS
from fineparser.progress import Progress, no_progress
from fineparser.video.container import VIDEO_SUFFIXES

if TYPE_CHECKING:
    from fineparser.analysis.report import DiveReport

SUMMARY_FILE, ZIP_FILE = "summary.csv", "results.zip"


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
    first: int | None = None
    last: int | None = None
    problem: str = ""
    """Reason why it cannot be analysed, if that is known from the table."""


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """Result of one clip: a row of summary.csv."""

    clip: str
    dive_code: str = ""
    height: str = ""
    difficulty: str = ""
    total: str = ""
    low: str = ""
    high: str = ""
    execution: str = ""
    first_frame: str = ""
    flight_frame: str = ""
    entry_frame: str = ""
    last_frame: str = ""
    warnings: str = ""
    problem: str = ""
    """Reason why there is no result."""
    folder: str = ""
    """Folder of the results, beside summary.csv."""


def is_clip_folder(path: Path) -> bool:
    """True for a folder of clips (or with a table of them); False for the frames of a single clip, and for a file."""
    return path.is_dir() and ((path / TABLE).is_file() or any(_videos(path)))


def list_clips(folder: Path, table: Path | None = None) -> list[BatchClip]:
    """Every clip of a folder, those of the table first, in its order.

    Args:
        folder: folder of the clips.
        table: dive number, height and more of clips, in the columns of a labelled clip folder; None: the folder's
            dives.csv, if there is one.

    Raises:
        DataError: for a file that is no table; a row that cannot be used becomes a clip with a problem.
    """
    clips: list[BatchClip] = []
    names: set[str] = set()
    table = table or (folder / TABLE if (folder / TABLE).is_file() else None)
    if table is not None:
        problems = ProblemLog(OnBroken.SKIP)
        for line, row in read_rows(table, problems):
            name = _unused_name(Path(row["clip"]).stem, names)
            clips.append(_clip_from_row(folder, row, f"{table.name}, line {line}", name))
        for problem in problems.problems:
            clips.append(BatchClip(clip=table, name=_unused_name(table.stem, names), problem=str(problem)))
    listed = {clip.clip.resolve() for clip in clips}
    for path in sorted(_videos(folder)):
        if path.resolve() not in listed:
            clips.append(BatchClip(clip=path, name=_unused_name(path.stem, names)))
    return clips


def analyse_clips(
    clips: list[BatchClip],
    settings: AnalyseSettings,
    jobs: int,
    on_row: Callable[[SummaryRow], None] = lambda row: None,
) -> list[SummaryRow]:
    """Analyse every clip and keep `summary.csv` up to date; a broken clip gets a row with the reason.

    Args:
        clips: the clips.
        settings: for all of them.
        jobs: number of clips that are analysed at once, each in its own process.
        on_row: called with each row as soon as it is there.
    """
    settings.out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, SummaryRow] = {}
    for name, row in _rows(clips, settings, jobs):
        rows[name] = row
        on_row(row)
        write_summary([rows[clip.name] for clip in clips if clip.name in rows], settings.out / SUMMARY_FILE)
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

        self._settings = settings
        self._analyser = DiveAnalyser.from_pretrained(
            settings.checkpoint, settings.bank, settings.device, precision=settings.precision
        )
        bank = self._analyser.bank
        if settings.sources is None and settings.bank is not None:
            self._selection = ExemplarSelection(bank=bank)
        else:
            sources = settings.sources or SOURCES
            self._selection = ExemplarSelection.from_sources(sources, bank, UserExemplars(), self._analyser)

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
            crop=self._settings.crop,
            selection=self._selection,
            exemplars=self._settings.exemplars,
            seed=self._settings.seed,
        )
        return self._analyser.analyse(clip.clip, clip.code, clip.height, options, progress=progress)

    def row(self, clip: BatchClip) -> SummaryRow:
        """Analyse a clip and write its results; any error ends in the row, so that the other clips are analysed."""
        from fineparser.rendering.messages import message
        from fineparser.rendering.results import write_results

        try:
            report = self.analyse(clip)
            write_results(report, self._settings.out / clip.name)
        except Exception as error:
            reason = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
            return SummaryRow(clip=clip.clip.name, dive_code=clip.code or "", height=clip.height or "", problem=reason)
        total, execution = report.total, report.execution
        return SummaryRow(
            clip=clip.clip.name,
            dive_code=report.dive_code or "",
            height="" if report.height is None else f"{report.height:g}",
            difficulty="" if report.difficulty is None else f"{report.difficulty:g}",
            total="" if total is None else f"{total.value:.2f}",
            low="" if total is None else f"{total.low:.2f}",
            high="" if total is None else f"{total.high:.2f}",
            execution="" if execution is None else f"{execution.value:.2f}",
            first_frame=str(report.first_frame),
            flight_frame=str(report.flight.frame),
            entry_frame=str(report.entry.frame),
            last_frame=str(report.last_frame),
            warnings=" ".join(map(message, report.warnings)),
            folder=clip.name,
        )


def _rows(clips: list[BatchClip], settings: AnalyseSettings, jobs: int) -> Iterator[tuple[str, SummaryRow]]:
    ready = [clip for clip in clips if not clip.problem]
    for clip in clips:
        if clip.problem:
            yield clip.name, SummaryRow(clip=clip.clip.name, problem=clip.problem)
    analyser = ClipAnalyser(settings)  # before any process starts, so that unusable weights are reported once
    if jobs == 1 or len(ready) < 2:
        for clip in ready:
            yield clip.name, analyser.row(clip)
        return
    del analyser  # each process loads its own
    # New processes: a fork of a process that has computed already inherits locks that are never released.
    context = multiprocessing.get_context("spawn")
    processes = min(jobs, len(ready))
    threads = max(1, (os.cpu_count() or 1) // processes)
    with ProcessPoolExecutor(processes, context) as pool:
        waiting = {pool.submit(_row_in_process, settings, threads, clip): clip for clip in ready}
        for future in as_completed(waiting):
            clip = waiting[future]
            error = future.exception()
            failed = SummaryRow(clip=clip.clip.name, problem=f"its process ended: {error}")
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


def _clip_from_row(folder: Path, row: dict[str, str], position: str, name: str) -> BatchClip:
    """A clip from a row of a table; `position` names the row in error texts."""
    clip = folder / row["clip"]
    try:
        if Path(row["clip"]).is_absolute() or not clip.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"clip {row['clip']!r} leads out of the folder")
        if not clip.exists():
            raise ValueError(f"clip {row['clip']!r} does not exist")
        return BatchClip(
            clip=clip,
            name=name,
            code=row["dive_code"] or None,
            height=row["height"] or None,
            difficulty=float(row["difficulty"]) if row["difficulty"] else None,
            first=int(row["start_frame"]) if row["start_frame"] else None,
            last=int(row["end_frame"]) if row["end_frame"] else None,
        )
    except ValueError as error:
        return BatchClip(clip=clip, name=name, problem=f"{position}: {error}")


def _unused_name(name: str, names: set[str]) -> str:
    """A name that is not in `names` yet; it is added to them."""
    candidate, number = name, 2
    while candidate in names or candidate in (SUMMARY_FILE, ZIP_FILE):
        candidate, number = f"{name}-{number}", number + 1
    names.add(candidate)
    return candidate


SUMMARY = "score a clip, or every clip of a folder: report.json, report.html, overlay.mp4, masks.npz and more"


def add_to(commands: argparse._SubParsersAction) -> None:
    """Add the command's grammar."""
    grammar = commands.add_parser("analyse", help=SUMMARY, description=SUMMARY)
    grammar.set_defaults(run=run)
    grammar.add_argument("clip", type=Path, help="a video file, a folder of numbered frames, or a folder of clips")
    grammar.add_argument("--code", help="dive number, such as 207C; without it there is no score")
    grammar.add_argument("--height", help="height of the board or platform in metres: 1, 3, 5, 7.5 or 10")
    grammar.add_argument("--difficulty", type=float, help="degree of difficulty (default: from the table)")
    grammar.add_argument("--first", type=int, help="first frame of the dive (default: proposed)")
    grammar.add_argument("--last", type=int, help="last frame of the dive (default: proposed)")
    grammar.add_argument(
        "--crop",
        choices=["diver", "centre"],
        default="diver",
        help="crop around the diver, or at the centre as the published protocol does (default: diver)",
    )
    grammar.add_argument(
        "--table", type=Path, help="for a folder: dive number, height and more of each clip (default: its dives.csv)"
    )
    grammar.add_argument("--jobs", type=int, default=1, help="for a folder: clips analysed at once (default: 1)")
    grammar.add_argument("--out", type=Path, required=True, help="folder for the results")
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
    grammar.add_argument("--device", default="cpu", help="cpu, cuda, ... (default: cpu)")
    grammar.add_argument(
        "--precision",
        choices=PRECISIONS,
        default="float32",
        help="precision of the network; auto: bf16 where it is fast (default: float32)",
    )


def run(options: argparse.Namespace) -> int:
    """Analyse one clip, or all of a folder."""
    if options.jobs < 1:
        raise ValueError(f"--jobs is {options.jobs}: give 1 or more")
    return analyse_folder(options) if is_clip_folder(options.clip) else analyse_clip(options)


def analyse_clip(options: argparse.Namespace) -> int:
    """Analyse one clip and write the results."""
    from fineparser.rendering.messages import message
    from fineparser.rendering.results import write_results, zip_results

    if options.table is not None:
        raise ValueError(f"--table lists the clips of a folder, and {options.clip} is a single clip")
    clip = BatchClip(
        clip=options.clip,
        name=options.clip.name,
        code=options.code,
        height=options.height,
        difficulty=options.difficulty,
        first=options.first,
        last=options.last,
    )
    report = ClipAnalyser(AnalyseSettings.from_arguments(options)).analyse(clip, print_progress)
    folder = write_results(report, options.out)
    if options.zip:
        zip_results(folder)
    for warning in report.warnings:
        print(f"warning: {message(warning)}", file=sys.stderr)
    if report.total is not None:
        print(
            f"{report.dive_code} ({report.dive_name}), {report.height:g} m, difficulty {report.difficulty:g}: "
            f"{report.total.value:.2f} points ({report.total.low:.2f} to {report.total.high:.2f})"
        )
    print(
        f"frames {report.first_frame} to {report.last_frame}, flight from frame {report.flight.frame}, "
        f"entry from frame {report.entry.frame}; results in {folder}"
    )
    return 0


def analyse_folder(options: argparse.Namespace) -> int:
    """Analyse every clip of a folder; return 1 if some could not be used, with the reasons in summary.csv."""
    for name in ("code", "height", "difficulty", "first", "last"):
        if getattr(options, name) is not None:
            raise ValueError(f"--{name} is for a single clip; for a folder put it in a table (--table)")
    clips = list_clips(options.clip, options.table)

    def print_row(row: SummaryRow) -> None:
        result = f"{row.dive_code} {row.total or 'no score'}".strip()
        print(f"{row.clip}: {row.problem or result}", file=sys.stderr if row.problem else sys.stdout)

    rows = analyse_clips(clips, AnalyseSettings.from_arguments(options), options.jobs, print_row)
    if options.zip:
        zip_all(rows, options.out)
    failed = sum(bool(row.problem) for row in rows)
    print(f"{len(rows) - failed} of {len(rows)} clips analysed; summary.csv and results in {options.out}")
    return 1 if failed else 0
