"""Building a bank: graded dives are simulated in processes beside, encoded here, and written as one file with clips.

What is done is kept, one small bank per dive number and height, in a folder beside the file until the bank is whole:
an interrupted job is taken up where it stopped.
"""

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from fineparser.analysis.exemplar import SIMULATED, Exemplar, Recipe
from fineparser.analysis.exemplar_bank import BankError, ExemplarBank, clips_folder
from fineparser.analysis.graded_dives import (
    GradedDive,
    exemplar_id,
    film_clip,
    graded_dive,
    low_middle_high,
    plan_of,
    recipes,
)
from fineparser.analysis.simulated_exemplars import encode_frames
from fineparser.domain.difficulty import SPRINGBOARDS
from fineparser.domain.dive_code import DiveCode
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser

COUNT = 10
"""Exemplars a dive number and height: as many as vote on a dive."""
AHEAD = 2
"""Dives a worker has waiting: their pictures take 36 MB each."""

Progress = Callable[[int, int], None]
"""Told how many exemplars are done, and how many there will be."""


@dataclass(frozen=True)
class BankJob:
    """What a bank is to hold; BankError where that would be nothing."""

    dives: tuple[tuple[DiveCode, float], ...]
    """Numbers and heights."""
    count: int = COUNT
    """Exemplars of each, of graded quality."""
    seed: int = 0
    """The same seed gives the same dives."""

    def __post_init__(self) -> None:
        if not self.dives or self.count < 1:
            raise BankError(f"{len(self.dives)} dives with {self.count} exemplars each make no bank")

    def __len__(self) -> int:
        return len(self.dives) * self.count

    def is_shown(self, code: DiveCode, height: float) -> bool:
        """Whether clips of this dive are made: each number has them from its highest board of either kind."""
        alike = [h for known, h in self.dives if known == code and (h in SPRINGBOARDS) == (height in SPRINGBOARDS)]
        return height == max(alike)


@dataclass(frozen=True)
class Task:
    """The exemplars of one dive number and height: what a worker makes."""

    code: DiveCode
    height: float
    recipes: tuple[Recipe, ...]
    clips: Path | None
    """Folder for the clips of the low, middle and high third; None: no clips."""
    filmed: tuple[Exemplar, ...]
    """Exemplars of an earlier bank, whose clips are kept where the recipe is the same."""


def make(task: Task) -> list[GradedDive]:
    """The dives of a task; runs in a worker."""
    known = {one.id: one.clip for one in task.filmed if one.recipe in task.recipes and one.clip is not None}
    ids = [exemplar_id(task.code, task.height, number) for number in range(len(task.recipes))]
    shown: tuple[int, ...] = ()
    if task.clips is not None:
        shown = low_middle_high([plan_of(task.code, task.height, recipe).score for recipe in task.recipes])
    dives = []
    for number, (name, recipe) in enumerate(zip(ids, task.recipes, strict=True)):
        dive = graded_dive(name, task.code, task.height, recipe)
        if number in shown:
            task.clips.mkdir(parents=True, exist_ok=True)
            path, clip = task.clips / f"{name}.mp4", known.get(name)
            if clip is not None and clip.path.is_file():
                shutil.copyfile(clip.path, path)
                clip = replace(clip, path=path)
            else:
                clip = film_clip(dive.exemplar, path)
            dive = replace(dive, exemplar=replace(dive.exemplar, clip=clip))
        dives.append(dive)
    return dives


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
        earlier: a bank whose clips are kept where they show the same dives: only the encodings are new.
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
    filmed = earlier.exemplars if earlier is not None else ()
    parts: dict[Path, ExemplarBank | None] = {}
    todo: list[tuple[Path, Task]] = []
    for code, height in job.dives:
        place = unfinished / f"{code}-{height:g}m.safetensors"
        task = task_of(job, code, height, clips_folder(place), filmed)
        parts[place] = finished(place, task, model.fingerprint())
        if parts[place] is None:
            todo.append((place, task))
    done = len(job) - len(todo) * job.count
    progress(done, len(job))
    for (place, _), dives in zip(todo, simulated([task for _, task in todo], workers), strict=True):
        encodings = [encode_frames(model, dive.frames, dive.transitions) for dive in dives]
        exemplars = tuple(dive.exemplar for dive in dives)
        parts[place] = ExemplarBank(exemplars, ClipEncoding.concatenate(encodings), model.fingerprint(), SIMULATED)
        parts[place].save(place)
        done += job.count
        progress(done, len(job))
    bank = assemble(list(parts.values()), path)
    shutil.rmtree(unfinished)
    return bank


def task_of(job: BankJob, code: DiveCode, height: float, clips: Path, filmed: tuple[Exemplar, ...]) -> Task:
    """One dive of a job for a worker."""
    alike = tuple(one for one in filmed if (one.code, one.height) == (code, height))
    wanted = tuple(recipes(code, height, job.count, job.seed))
    return Task(code, height, wanted, clips if job.is_shown(code, height) else None, alike)


def finished(path: Path, task: Task, fingerprint: str) -> ExemplarBank | None:
    """What an interrupted job left of a task, where it is whole and of these weights and recipes."""
    try:
        part = ExemplarBank.load(path, fingerprint)
    except BankError:
        return None
    same = tuple(one.recipe for one in part.exemplars) == task.recipes
    clips = [one.clip for one in part.exemplars if one.clip is not None]
    whole = bool(clips) == (task.clips is not None) and all(clip.path.is_file() for clip in clips)
    return part if same and whole else None


def simulated(tasks: Sequence[Task], workers: int) -> Iterator[list[GradedDive]]:
    """The dives of each task, in order; workers stay a little ahead, not more."""
    waiting: deque[Future] = deque()
    # Spawned: a fork of a process whose network has threads may hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(make, task))
                if len(waiting) > workers + AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for dives in waiting:
                dives.cancel()


def assemble(parts: Sequence[ExemplarBank], path: Path) -> ExemplarBank:
    """Joins the parts, brings their clips to the bank's folder, writes the file, and drops clips that it does not name.

    The clips come first: an old index may find a new picture of a like dive, a new one never a gap.
    """
    clips = clips_folder(path)
    clips.mkdir(parents=True, exist_ok=True)
    exemplars = []
    for exemplar in (one for part in parts for one in part.exemplars):
        if exemplar.clip is not None:
            target = clips / exemplar.clip.path.name
            if exemplar.clip.path != target:
                os.replace(exemplar.clip.path, target)
            exemplar = replace(exemplar, clip=replace(exemplar.clip, path=target))
        exemplars.append(exemplar)
    encodings = ClipEncoding.concatenate([part.encodings for part in parts])
    bank = ExemplarBank(tuple(exemplars), encodings, parts[0].fingerprint, path.name)
    bank.save(path)
    named = {one.clip.path.name for one in exemplars if one.clip is not None}
    for left in clips.iterdir():
        if left.suffix == ".mp4" and left.name not in named:
            left.unlink()
    return bank
