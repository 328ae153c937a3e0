"""Building a bank: graded dives are simulated in processes beside, encoded here, and written as one file with clips.

For each exemplar there are several candidates of its grade, and those stay that the network reads about right. What it
misreads in an exemplar goes into every vote of it: ten exemplars of random errors put all dives of one number too high
or too low together. About right is what ordinary dives are read as, one of each number and height: networks take very
bad dives for better and very good ones for worse than they are, so that graded dives are not read as ordinary ones.

What is done is kept, one small bank of candidates per dive number and height, in a folder beside the file until the
bank is whole: an interrupted job is taken up where it stopped.
"""

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from fineparser.exemplars.exemplar import SIMULATED, Exemplar, Recipe
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank, clips_folder
from fineparser.exemplars.exemplar_selection import misreadings, select_exemplars
from fineparser.exemplars.graded_dives import (
    GradedDive,
    exemplar_id,
    film_clip,
    graded_dive,
    low_middle_high,
    ordinary_recipe,
    recipes,
)
from fineparser.exemplars.simulated_exemplars import encode_frames
from fineparser.domain.difficulty import SPRINGBOARDS
from fineparser.domain.dive_code import DiveCode
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser

COUNT = 10
"""Exemplars a dive number and height: as many as vote on a dive."""
CANDIDATES = 2
"""Dives that are made for each exemplar."""
AHEAD = 2
"""Pieces of work that are waiting beyond one a process: the pictures of twenty dives take 72 MB."""

Work, Result = TypeVar("Work"), TypeVar("Result")
Progress = Callable[[int, int], None]
"""Told how many dives are made, and how many there will be."""


@dataclass(frozen=True)
class BankJob:
    """What a bank is to hold; BankError where that would be nothing."""

    dives: tuple[tuple[DiveCode, float], ...]
    """Numbers and heights."""
    count: int = COUNT
    """Exemplars of each, of graded quality."""
    seed: int = 0
    """The same seed gives the same candidates."""
    candidates: int = CANDIDATES
    """Dives made for each exemplar, of which the network chooses."""

    def __post_init__(self) -> None:
        if not self.dives or self.count < 1:
            raise BankError(f"{len(self.dives)} dives with {self.count} exemplars each make no bank")
        if self.candidates < 1:
            raise BankError(f"an exemplar is chosen of at least one candidate, not of {self.candidates}")

    @property
    def each(self) -> int:
        """Candidates of a dive number and height."""
        return self.count * self.candidates

    @property
    def chooses(self) -> bool:
        """Whether there is a choice, for which an ordinary dive says what right is."""
        return self.candidates > 1

    @property
    def made(self) -> int:
        """Dives of a number and height that are made: the candidates and, where there is a choice, an ordinary one."""
        return self.each + self.chooses

    def __len__(self) -> int:
        return len(self.dives) * self.made

    def is_shown(self, code: DiveCode, height: float) -> bool:
        """Whether clips of this dive are made: each number has them from its highest board of either kind."""
        alike = [h for known, h in self.dives if known == code and (h in SPRINGBOARDS) == (height in SPRINGBOARDS)]
        return height == max(alike)


@dataclass(frozen=True)
class Task:
    """The dives of one number and height that are made, an ordinary one last: what a worker does."""

    code: DiveCode
    height: float
    recipes: tuple[Recipe, ...]
    lines: int
    """Of the pictures."""


@dataclass(frozen=True)
class Shot:
    """An exemplar's clip: what a worker films."""

    exemplar: Exemplar
    path: Path


def make(task: Task) -> list[GradedDive]:
    """The dives of a task; runs in a worker."""
    return [
        graded_dive(exemplar_id(task.code, task.height, number), task.code, task.height, recipe, task.lines)
        for number, recipe in enumerate(task.recipes)
    ]


def film(shot: Shot) -> Exemplar:
    """The exemplar with its clip; runs in a worker."""
    return replace(shot.exemplar, clip=film_clip(shot.exemplar, shot.path))


def build_bank(
    model: FineParser,
    job: BankJob,
    path: str | Path,
    *,
    workers: int = 2,
    earlier: ExemplarBank | None = None,
    progress: Progress = lambda done, whole: None,
) -> ExemplarBank:
    """Makes a bank and writes it with its clips; the file is whole or not there.

    Args:
        model: in eval mode; `fineparser.model.inference.optimise` gives the quickest.
        job: what it is to hold.
        path: of the file; its clips go to `clips_folder(path)`.
        workers: processes that simulate.
        earlier: a bank whose clips are kept where they show the same dives.
        progress: told after each dive number and height.

    Raises:
        BankError: where the path is no name of a bank file.
        OSError: where it cannot be written.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise BankError(f"{path} is no name of a bank: end it with .safetensors")
    unfinished = path.with_name(f".{path.stem}.unfinished")
    unfinished.mkdir(parents=True, exist_ok=True)
    made = _made(model, job, unfinished, workers, progress)
    wrong = misreadings(model, made).reshape(len(job.dives), job.made)
    if job.chooses:
        wrong = wrong - wrong[:, -1].mean()
    chosen = []
    for place, of_dive in enumerate(wrong):
        chosen += [place * job.made + index for index in select_exemplars(of_dive[: job.each], job.count)]
    numbered = [
        replace(made.exemplars[index], id=exemplar_id(*job.dives[place // job.count], place % job.count))
        for place, index in enumerate(chosen)
    ]
    exemplars = _filmed(job, numbered, unfinished / "clips", earlier, workers)
    bank = ExemplarBank(exemplars, made.encodings.select(chosen), model.fingerprint(), path.name)
    bank = write_with_clips(bank, path)
    shutil.rmtree(unfinished)
    return bank


def _made(model: FineParser, job: BankJob, folder: Path, workers: int, progress: Progress) -> ExemplarBank:
    """All that a job makes, in the order of its dives; what lies in the folder already is taken from there."""
    parts: dict[Path, ExemplarBank | None] = {}
    todo: list[tuple[Path, Task]] = []
    for code, height in job.dives:
        place = folder / f"{code}-{height:g}m.safetensors"
        task = task_of(job, code, height, model.config.picture_size)
        parts[place] = finished(place, task, model.fingerprint())
        if parts[place] is None:
            todo.append((place, task))
    done = len(job) - len(todo) * job.made
    progress(done, len(job))
    for (place, _), dives in zip(todo, in_processes(make, [task for _, task in todo], workers), strict=True):
        encodings = [encode_frames(model, dive.frames, dive.transitions) for dive in dives]
        exemplars = tuple(dive.exemplar for dive in dives)
        parts[place] = ExemplarBank(exemplars, ClipEncoding.concatenate(encodings), model.fingerprint(), SIMULATED)
        parts[place].save(place)
        done += job.made
        progress(done, len(job))
    exemplars = tuple(one for part in parts.values() for one in part.exemplars)
    encodings = ClipEncoding.concatenate([part.encodings for part in parts.values()])
    return ExemplarBank(exemplars, encodings, model.fingerprint(), SIMULATED)


def _filmed(
    job: BankJob, exemplars: Sequence[Exemplar], folder: Path, earlier: ExemplarBank | None, workers: int
) -> tuple[Exemplar, ...]:
    """The exemplars, with a clip each where they stand for the low, middle or high third of a dive that is shown."""
    filmed = {} if earlier is None else {(one.code, one.height, one.recipe): one.clip for one in earlier.exemplars}
    folder.mkdir(parents=True, exist_ok=True)
    found = list(exemplars)
    shots: dict[int, Shot] = {}
    for first in range(0, len(found), job.count):
        alike = found[first : first + job.count]
        if not job.is_shown(alike[0].code, alike[0].height):
            continue
        for place in low_middle_high([one.score for one in alike]):
            one, path = alike[place], folder / f"{alike[place].id}.mp4"
            clip = filmed.get((one.code, one.height, one.recipe))
            if clip is not None and clip.path.is_file():
                shutil.copyfile(clip.path, path)
                found[first + place] = replace(one, clip=replace(clip, path=path))
            else:
                shots[first + place] = Shot(one, path)
    for place, one in zip(shots, in_processes(film, list(shots.values()), workers), strict=True):
        found[place] = one
    return tuple(found)


def task_of(job: BankJob, code: DiveCode, height: float, lines: int) -> Task:
    """One dive of a job for a worker."""
    wanted = recipes(code, height, job.each, job.seed)
    if job.chooses:
        wanted.append(ordinary_recipe(code, height, job.seed))
    return Task(code, height, tuple(wanted), lines)


def finished(path: Path, task: Task, fingerprint: str) -> ExemplarBank | None:
    """What an interrupted job left of a task, where it is whole and of these weights and recipes."""
    try:
        part = ExemplarBank.load(path, fingerprint)
    except BankError:
        return None
    return part if tuple(one.recipe for one in part.exemplars) == task.recipes else None


def in_processes(function: Callable[[Work], Result], work: Sequence[Work], workers: int) -> Iterator[Result]:
    """What a function gives for each piece of work, in order; the processes stay a little ahead, not more."""
    waiting: deque[Future] = deque()
    # Spawned: a fork of a process whose network has threads may hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            for piece in work:
                waiting.append(pool.submit(function, piece))
                if len(waiting) > workers + AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def write_with_clips(bank: ExemplarBank, path: Path) -> ExemplarBank:
    """Brings a bank's clips to its folder, writes the file, and drops clips that it does not name.

    The clips come first: an old index may find a new picture of a like dive, a new one never a gap.
    """
    clips = clips_folder(path)
    clips.mkdir(parents=True, exist_ok=True)
    exemplars = []
    for exemplar in bank.exemplars:
        if exemplar.clip is not None:
            target = clips / exemplar.clip.path.name
            os.replace(exemplar.clip.path, target)
            exemplar = replace(exemplar, clip=replace(exemplar.clip, path=target))
        exemplars.append(exemplar)
    bank = replace(bank, exemplars=tuple(exemplars))
    bank.save(path)
    named = {one.clip.path.name for one in exemplars if one.clip is not None}
    for left in clips.iterdir():
        if left.suffix == ".mp4" and left.name not in named:
            left.unlink()
    return bank
