"""A folder of clips: which there are, what is known of each, and all of them analysed, some at once."""

import csv
import io
import multiprocessing
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from fineparser.data.clip_table import TABLE, read_rows
from fineparser.data.dives import Problems
from fineparser.video.container import VIDEO_SUFFIXES

SUMMARY, ZIP = "summary.csv", "results.zip"


@dataclass(frozen=True)
class Assignment:
    """A clip to analyse, with what a table says of it."""

    clip: Path
    name: str
    """Of its folder of results, different for every assignment."""
    code: str | None = None
    height: str | None = None
    difficulty: float | None = None
    first: int | None = None
    last: int | None = None
    problem: str = ""
    """Why it cannot be analysed, where that is known already."""


@dataclass(frozen=True)
class Settings:
    """What holds for all clips."""

    out: Path
    checkpoint: str = "default"
    bank: Path | None = None
    device: str = "cpu"
    precision: str = "float32"
    framing: str | None = None
    exemplars: int = 10
    seed: int = 0
    sources: tuple[str, ...] | None = None
    """Whose exemplars vote; None: everybody's, and with a bank file that alone."""


@dataclass(frozen=True)
class Row:
    """What came of one clip: a line of summary.csv."""

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
    """Why there is no result."""
    folder: str = ""
    """Of the results, beside summary.csv."""


def is_clip_folder(path: Path) -> bool:
    """Whether a folder holds clips (or a table of them) rather than the frames of a single one."""
    return path.is_dir() and ((path / TABLE).is_file() or any(_videos(path)))


def assignments(folder: Path, table: Path | None = None) -> list[Assignment]:
    """Every clip of a folder, those of the table first, in its order.

    Args:
        folder: with the clips.
        table: names number, height and more of clips, in the columns of a labelled clip folder; None: the folder's
            dives.csv, where there is one.

    Raises:
        DataError: for a table that is none; a row that cannot be used becomes an assignment with a problem.
    """
    found: list[Assignment] = []
    taken: set[str] = set()
    table = table or (folder / TABLE if (folder / TABLE).is_file() else None)
    if table is not None:
        problems = Problems(skip_broken=True)
        for line, row in read_rows(table, problems):
            found.append(_of_row(folder, row, f"{table.name}, line {line}", _unused(Path(row["clip"]).stem, taken)))
        for problem in problems.found:
            found.append(Assignment(table, _unused(table.stem, taken), problem=str(problem)))
    named = {assignment.clip.resolve() for assignment in found}
    for path in sorted(_videos(folder)):
        if path.resolve() not in named:
            found.append(Assignment(path, _unused(path.stem, taken)))
    return found


def analyse_all(
    work: list[Assignment], settings: Settings, jobs: int, told: Callable[[Row], None] = lambda row: None
) -> list[Row]:
    """Analyses every clip and keeps `summary.csv` up to date; a broken clip gets a row that says why.

    Args:
        work: the clips.
        settings: for all of them.
        jobs: how many are analysed at once, each in a process of its own.
        told: gets each row as soon as it is there.
    """
    settings.out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, Row] = {}
    for name, row in _results(work, settings, jobs):
        rows[name] = row
        told(row)
        write_summary([rows[one.name] for one in work if one.name in rows], settings.out / SUMMARY)
    return [rows[assignment.name] for assignment in work]


def write_summary(rows: list[Row], path: Path) -> None:
    """Writes the rows as CSV; the file is whole or not there."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Row)])
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text.getvalue(), encoding="utf-8", newline="")
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def zip_all(rows: list[Row], out: Path) -> Path:
    """One zip of the summary and every clip's results, whole or not there."""
    target, part = out / ZIP, out / f".{ZIP}.{os.getpid()}"
    try:
        with zipfile.ZipFile(part, "w") as archive:
            archive.write(out / SUMMARY, SUMMARY, zipfile.ZIP_DEFLATED)
            for row in rows:
                for file in sorted((out / row.folder).iterdir()) if row.folder else ():
                    packed = file.suffix in (".mp4", ".npz")
                    how = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
                    archive.write(file, f"{row.folder}/{file.name}", how)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _results(work: list[Assignment], settings: Settings, jobs: int) -> Iterator[tuple[str, Row]]:
    ready = [assignment for assignment in work if not assignment.problem]
    for assignment in work:
        if assignment.problem:
            yield assignment.name, Row(assignment.clip.name, problem=assignment.problem)
    if jobs == 1 or len(ready) < 2:
        worker = Worker(settings)
        for assignment in ready:
            yield assignment.name, worker.row(assignment)
        return
    Worker(settings)  # so that weights that cannot be used are told once, and here
    # Fresh processes: a copy of one that has computed already inherits locks that nobody opens.
    context = multiprocessing.get_context("spawn")
    count = min(jobs, len(ready))
    threads = max(1, (os.cpu_count() or 1) // count)
    with ProcessPoolExecutor(count, context, _start, (settings, threads)) as pool:
        waiting = {pool.submit(_row, assignment): assignment for assignment in ready}
        for future in as_completed(waiting):
            assignment = waiting[future]
            error = future.exception()
            broken = Row(assignment.clip.name, problem=f"its process ended: {error}")
            yield assignment.name, broken if error else future.result()


def electorate(analyser, sources: Sequence[str] | None, bank: Path | None):
    """The exemplars that vote, see `Settings`."""
    from fineparser.exemplars.electorate import SOURCES, voters
    from fineparser.exemplars.own_exemplars import OwnExemplars
    from fineparser.exemplars.voting import Voters

    if sources is None and bank is not None:
        return Voters(analyser.bank)
    return voters(analyser, sources or SOURCES, OwnExemplars())


class Worker:
    """Analyses clips with one analyser."""

    def __init__(self, settings: Settings) -> None:
        from fineparser.analysis.analyser import DiveAnalyser

        self._settings = settings
        self._analyser = DiveAnalyser.from_pretrained(
            settings.checkpoint, settings.bank, settings.device, precision=settings.precision
        )
        self._voters = electorate(self._analyser, settings.sources, settings.bank)

    def row(self, assignment: Assignment) -> Row:
        """What came of a clip; whatever goes wrong with it ends in its row, so that the next one gets its turn."""
        from fineparser.rendering.results import write_results

        settings = self._settings
        try:
            report = self._analyser.analyse(
                assignment.clip,
                assignment.code,
                assignment.height,
                difficulty=assignment.difficulty,
                first=assignment.first,
                last=assignment.last,
                framing=settings.framing,
                voters=self._voters,
                exemplars=settings.exemplars,
                seed=settings.seed,
            )
            write_results(report, settings.out / assignment.name)
        except Exception as error:
            reason = str(error) if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {error}"
            return Row(assignment.clip.name, assignment.code or "", assignment.height or "", problem=reason)
        total, execution = report.total, report.execution
        return Row(
            clip=assignment.clip.name,
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
            warnings=" ".join(report.warnings),
            folder=assignment.name,
        )


_worker: Worker | None = None  # of this process, where it is one of several


def _start(settings: Settings, threads: int) -> None:
    import torch

    global _worker
    torch.set_num_threads(threads)
    _worker = Worker(settings)


def _row(assignment: Assignment) -> Row:
    return _worker.row(assignment)


def _videos(folder: Path) -> Iterator[Path]:
    return (
        path
        for path in folder.iterdir()
        if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def _of_row(folder: Path, row: dict[str, str], place: str, name: str) -> Assignment:
    clip = folder / row["clip"]
    try:
        if Path(row["clip"]).is_absolute() or not clip.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"clip {row['clip']!r} leads out of the folder")
        if not clip.exists():
            raise ValueError(f"clip {row['clip']!r} does not exist")
        return Assignment(
            clip,
            name,
            row["dive_code"] or None,
            row["height"] or None,
            float(row["difficulty"]) if row["difficulty"] else None,
            int(row["start_frame"]) if row["start_frame"] else None,
            int(row["end_frame"]) if row["end_frame"] else None,
        )
    except ValueError as error:
        return Assignment(clip, name, problem=f"{place}: {error}")


def _unused(name: str, taken: set[str]) -> str:
    """A name that no other assignment has, which is noted as taken."""
    candidate, number = name, 2
    while candidate in taken or candidate in (SUMMARY, ZIP):
        candidate, number = f"{name}-{number}", number + 1
    taken.add(candidate)
    return candidate
