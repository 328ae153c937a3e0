"""Building of a bank: simulate dives of graded quality, encode them, choose exemplars, and write them with clips.

For each exemplar there are several candidates of the same grade, of which `select_candidates` keeps those whose errors
cancel best. A typical dive of each number and height gives the mean error of the network on ordinary dives, against
which candidates are chosen: the network overrates very bad dives and underrates very good ones, so that graded dives
have another error.

Finished parts, one small bank of candidates per dive number and height, stay in a folder beside the file until the bank
is complete: an interrupted job resumes from them.
"""

import itertools
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from filelock import FileLock, Timeout

from fineparser.data.readers.syndive import mean_deductions
from fineparser.domain.difficulty import SPRINGBOARDS, UndefinedDifficulty, difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import COUNTED_AWARDS
from fineparser.domain.phases import Phase
from fineparser.exemplars.exemplar import SIMULATED, Exemplar, SimulationRecipe
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank, clips_folder, encode_frames
from fineparser.exemplars.score_calibration import ScoreCalibration
from fineparser.exemplars.simulated_exemplars import (
    SimulatedExemplar,
    exemplar_id,
    graded_recipes,
    plan_exemplar,
    render_exemplar_clip,
    representatives,
    simulate_exemplar,
    typical_recipe,
)
from fineparser.exemplars.voting import vote_on_pairs
from fineparser.model.protocol import Encoding, Network
from fineparser.simulator.dive_sampling import PLATFORM_COUNTS, SPRINGBOARD_COUNTS
from fineparser.simulator.judges import deductions_by_phase

REFERENCES = 64
"""Exemplars of a bank, of any number, that vote on each of them."""
MAX_SWEEPS = 20
"""Sweeps over the choices; a few suffice to converge."""


def execution_errors(network: Network, bank: ExemplarBank) -> np.ndarray:
    """True minus predicted execution (0 to 30) of each exemplar of a bank, [N].

    The same references from the whole bank vote on all: those of one number would have errors in common.

    Args:
        network: that encoded the bank, in eval mode.
        bank: exemplars of many dive numbers.
    """
    count = len(bank)
    references = np.unique(np.linspace(0, count - 1, min(REFERENCES, count)).round().astype(int))
    pairs = torch.cartesian_prod(torch.arange(count), torch.from_numpy(references))
    votes = vote_on_pairs(network, bank.encodings, bank.difficulty, bank, pairs)
    predicted = votes.scores.view(count, len(references)).mean(1) / bank.difficulty
    return np.asarray(bank.scores / bank.difficulty - predicted)


def select_candidates(errors: np.ndarray, count: int) -> tuple[int, ...]:
    """One candidate of each of `count` grades, so that their errors are small and cancel.

    Args:
        errors: [count * candidates], the candidates of a grade one after the other.
        count: exemplars to select.

    >>> select_candidates(np.array([-3.0, -0.5, 2.0, 0.4]), 2)
    (1, 3)
    """
    grades = np.asarray(errors, dtype=float).reshape(count, -1)
    rows, candidates = np.arange(count), np.arange(grades.shape[1])

    def cost(columns: np.ndarray) -> float:
        # The error of the mean of all votes, and of each vote for dives that fewer exemplars vote on.
        selected = grades[rows, columns]
        return float(selected.sum() ** 2 + np.square(selected).sum())

    chosen = np.abs(grades).argmin(axis=1)
    lowest = cost(chosen)
    for _ in range(MAX_SWEEPS):
        before = lowest
        for pair in itertools.combinations_with_replacement(rows, 2):
            for columns in itertools.product(candidates, repeat=2):
                other = chosen.copy()
                other[list(pair)] = columns
                if (changed := cost(other)) < lowest:
                    chosen, lowest = other, changed
        if lowest == before:
            break
    return tuple(int(row * len(candidates) + column) for row, column in enumerate(chosen))


EXEMPLARS_PER_DIVE = 10
"""Exemplars of a dive number and height: as many as vote on a dive."""
CANDIDATES_PER_EXEMPLAR = 2
QUEUED_TASKS = 2
"""Tasks that wait beyond one a process: the frames of twenty dives take 72 MB."""

RARE_DIVES = {"209B": (3, 10), "209C": (3, 10)}
"""Dives of competitions that the simulator does not sample, with their heights."""
MAX_DIFFICULTY_FROM_LOWER = {1: 3.0, 5: 3.0, 7.5: 3.2}
"""Degree of difficulty up to which a number is dived from a lower height, metres."""

Task = TypeVar("Task")
Result = TypeVar("Result")


def bank_dives() -> tuple[tuple[DiveCode, float], ...]:
    """Numbers and heights of the bundled bank, in the order of the numbers, the lowest height first.

    These are the dive numbers of competitions and of FineDiving, as the simulator samples them, and `RARE_DIVES`:
    from 10 m those of the platform, from 3 m those of the springboard, and from the lower boards and platforms those
    that are not too difficult there. Any other dive that has a difficulty is simulated when it is analysed.
    """
    dives = {(DiveCode.parse(number), float(height)) for number, heights in RARE_DIVES.items() for height in heights}
    for numbers, highest, lower in ((PLATFORM_COUNTS, 10.0, (5.0, 7.5)), (SPRINGBOARD_COUNTS, 3.0, (1.0,))):
        for code in map(DiveCode.parse, numbers):
            dives.add((code, highest))
            dives.update((code, height) for height in lower if _is_allowed_from(code, height))
    return tuple(sorted(dives, key=lambda dive: (str(dive[0]), dive[1])))


def _is_allowed_from(code: DiveCode, height: float) -> bool:
    try:
        return difficulty(code, height) <= MAX_DIFFICULTY_FROM_LOWER[height]
    except UndefinedDifficulty:
        return False


@dataclass(frozen=True)
class BankJob:
    """Contents of a bank.

    Raises:
        BankError: for an empty bank.
    """

    dives: tuple[tuple[DiveCode, float], ...]
    """Numbers and heights."""
    count: int = EXEMPLARS_PER_DIVE
    """Exemplars of each, of graded quality."""
    seed: int = 0
    """The same seed gives the same candidates."""
    candidates: int = CANDIDATES_PER_EXEMPLAR
    """Dives simulated for each exemplar, of which one is chosen."""

    def __post_init__(self) -> None:
        if not self.dives or self.count < 1:
            raise BankError(f"{len(self.dives)} dives with {self.count} exemplars each make no bank")
        if self.candidates < 1:
            raise BankError(f"an exemplar is chosen of at least one candidate, not of {self.candidates}")

    @property
    def candidates_per_dive(self) -> int:
        """Candidates of a dive number and height."""
        return self.count * self.candidates

    @property
    def has_choice(self) -> bool:
        """True if there are several candidates, for which a typical dive gives the reference."""
        return self.candidates > 1

    @property
    def simulated_per_dive(self) -> int:
        """Simulated dives of a number and height: the candidates and, if there is a choice, a typical one."""
        return self.candidates_per_dive + self.has_choice

    def __len__(self) -> int:
        return len(self.dives) * self.simulated_per_dive

    def has_clips(self, code: DiveCode, height: float) -> bool:
        """True for the highest board or platform of a number, from which its exemplars get clips."""
        heights = [h for c, h in self.dives if c == code and (h in SPRINGBOARDS) == (height in SPRINGBOARDS)]
        return height == max(heights)


@dataclass(frozen=True)
class SimulationTask:
    """Dives of one number and height for a worker, a typical one last if the job has a choice."""

    code: DiveCode
    height: float
    recipes: tuple[SimulationRecipe, ...]
    lines: int
    """Height and width of the frames, pixels."""


@dataclass(frozen=True)
class RenderTask:
    """Clip of an exemplar for a worker."""

    exemplar: Exemplar
    path: Path


def run_simulation(task: SimulationTask) -> list[SimulatedExemplar]:
    """Simulate the dives of a task, in a worker."""
    return [
        simulate_exemplar(exemplar_id(task.code, task.height, number), task.code, task.height, recipe, task.lines)
        for number, recipe in enumerate(task.recipes)
    ]


def render_clip(task: RenderTask) -> Exemplar:
    """Render the clip of an exemplar, in a worker."""
    return replace(task.exemplar, clip=render_exemplar_clip(task.exemplar, task.path))


def build_bank(
    network: Network,
    job: BankJob,
    path: str | Path,
    *,
    workers: int = 2,
    earlier: ExemplarBank | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ExemplarBank:
    """Build a bank and write it with its clips, atomically.

    Args:
        network: in eval mode; `fineparser.model.cpu.optimisation.optimise` makes it fast.
        job: contents of the bank.
        path: bank file; its clips go to `clips_folder(path)`.
        workers: processes that simulate.
        earlier: bank whose clips are reused for the same dives.
        progress: called with the number of simulated dives and their total, after each dive number and height.

    Raises:
        BankError: for a path that does not end with .safetensors, or while another process builds this bank.
        OSError: if the bank cannot be written.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise BankError(f"{path} is not the name of a bank: end it with .safetensors")
    with _unfinished_folder(path) as unfinished:
        candidates = _candidates(network, job, unfinished, workers, progress)
        errors = execution_errors(network, candidates).reshape(len(job.dives), job.simulated_per_dive)
        if job.has_choice:
            errors = errors - errors[:, -1].mean()
        chosen: list[int] = []
        for dive, of_dive in enumerate(errors):
            selected = select_candidates(of_dive[: job.candidates_per_dive], job.count)
            chosen += [dive * job.simulated_per_dive + index for index in selected]
        exemplars = [
            replace(candidates.exemplars[index], id=exemplar_id(*job.dives[place // job.count], place % job.count))
            for place, index in enumerate(chosen)
        ]
        with_clips = _with_clips(job, exemplars, unfinished / "clips", earlier, workers)
        bank = ExemplarBank(with_clips, candidates.encodings.select(chosen), network.fingerprint(), path.name)
        return write_with_clips(bank, path)


@contextmanager
def _unfinished_folder(path: Path) -> Iterator[Path]:
    """Context with the folder of the parts of a bank, which is removed if the block ends well.

    Raises:
        BankError: while another process builds this bank.
    """
    folder = path.with_name(f".{path.stem}.unfinished")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=0):
            for part in path.parent.glob(f".{path.stem}-*{path.suffix}"):  # of a process that was killed while writing
                part.unlink(missing_ok=True)
            yield folder
    except Timeout as error:
        raise BankError(f"another process is building {path}: wait for it, or choose another name") from error
    shutil.rmtree(folder)


def _candidates(
    network: Network, job: BankJob, folder: Path, workers: int, progress: Callable[[int, int], None]
) -> ExemplarBank:
    """All simulated dives of a job, in the order of its dives; finished parts are taken from the folder."""
    parts: dict[Path, ExemplarBank | None] = {}
    missing: list[tuple[Path, SimulationTask]] = []
    for code, height in job.dives:
        path = folder / f"{code}-{height:g}m.safetensors"
        task = simulation_task(job, code, height, network.config.input_size)
        parts[path] = load_part(path, task, network)
        if parts[path] is None:
            missing.append((path, task))
    done = len(job) - len(missing) * job.simulated_per_dive
    progress(done, len(job))
    results = run_in_processes(run_simulation, [task for _, task in missing], workers)
    for (path, _), dives in zip(missing, results, strict=True):
        part = ExemplarBank(
            tuple(dive.exemplar for dive in dives),
            Encoding.concatenate([encode_frames(network, dive.frames, dive.transitions) for dive in dives]),
            network.fingerprint(),
            SIMULATED,
        )
        part.save(path)
        parts[path] = part
        done += job.simulated_per_dive
        progress(done, len(job))
    complete = [part for part in parts.values() if part is not None]
    exemplars = tuple(one for part in complete for one in part.exemplars)
    encodings = Encoding.concatenate([part.encodings for part in complete])
    return ExemplarBank(exemplars, encodings, network.fingerprint(), SIMULATED)


def _with_clips(
    job: BankJob, exemplars: Sequence[Exemplar], folder: Path, earlier: ExemplarBank | None, workers: int
) -> tuple[Exemplar, ...]:
    """The exemplars, with clips for those that represent the low, middle and high third of a dive's scores."""
    clips = {} if earlier is None else {(one.code, one.height, one.recipe): one.clip for one in earlier.exemplars}
    folder.mkdir(parents=True, exist_ok=True)
    result = list(exemplars)
    tasks: dict[int, RenderTask] = {}
    for first in range(0, len(result), job.count):
        of_dive = result[first : first + job.count]
        if not job.has_clips(of_dive[0].code, of_dive[0].height):
            continue
        for index in representatives([one.score for one in of_dive]):
            one, path = of_dive[index], folder / f"{of_dive[index].id}.mp4"
            clip = clips.get((one.code, one.height, one.recipe))
            if clip is not None and clip.path.is_file():
                shutil.copyfile(clip.path, path)
                result[first + index] = replace(one, clip=replace(clip, path=path))
            else:
                tasks[first + index] = RenderTask(one, path)
    for index, one in zip(tasks, run_in_processes(render_clip, list(tasks.values()), workers), strict=True):
        result[index] = one
    return tuple(result)


def simulation_task(job: BankJob, code: DiveCode, height: float, lines: int) -> SimulationTask:
    """The dives of a number and height of a job, for a worker."""
    recipes = graded_recipes(code, height, job.candidates_per_dive, job.seed)
    if job.has_choice:
        recipes.append(typical_recipe(code, height, job.seed))
    return SimulationTask(code, height, tuple(recipes), lines)


def load_part(path: Path, task: SimulationTask, network: Network) -> ExemplarBank | None:
    """The part that an interrupted job left, if it is complete and of these weights and recipes."""
    try:
        part = ExemplarBank.load(path, network.fingerprint(), network.config)
    except BankError:
        return None
    return part if tuple(one.recipe for one in part.exemplars) == task.recipes else None


def run_in_processes(function: Callable[[Task], Result], tasks: Sequence[Task], workers: int) -> Iterator[Result]:
    """Results of the tasks in order; the processes run ahead by `QUEUED_TASKS`, no further."""
    waiting: deque[Future[Result]] = deque()
    # Spawned: a fork of a process whose network has threads may hang.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(function, task))
                if len(waiting) > workers + QUEUED_TASKS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def write_with_clips(bank: ExemplarBank, path: Path) -> ExemplarBank:
    """Move the clips of a bank to its folder, write the file, and delete clips that it does not name.

    The clips come first: an old index may then find a new clip of a similar dive, a new one never misses a clip.
    """
    folder = clips_folder(path)
    folder.mkdir(parents=True, exist_ok=True)
    exemplars = []
    for exemplar in bank.exemplars:
        if exemplar.clip is not None:
            target = folder / exemplar.clip.path.name
            os.replace(exemplar.clip.path, target)
            exemplar = replace(exemplar, clip=replace(exemplar.clip, path=target))
        exemplars.append(exemplar)
    bank = replace(bank, exemplars=tuple(exemplars))
    bank.save(path)
    names = {one.clip.path.name for one in exemplars if one.clip is not None}
    for clip in folder.iterdir():
        if clip.suffix == ".mp4" and clip.name not in names:
            clip.unlink()
    return bank


def with_score_calibration(bank: ExemplarBank, rows: Sequence[Mapping[str, str]]) -> ExemplarBank:
    """The bank with a score calibration from an evaluation.

    Args:
        bank: whose exemplars voted in the evaluation.
        rows: of `fineparser.training.evaluator.Evaluation`, on simulated dives.

    Raises:
        ValueError: for too few dives.
    """
    columns = ("predicted_score", "score", "difficulty")
    predicted, true, difficulty = (np.array([_number(row[name]) for row in rows]) for name in columns)
    contributions = phase_contributions(rows, bank.exemplars)
    calibration = ScoreCalibration.from_predictions(predicted, true, difficulty, SIMULATED, contributions)
    return replace(bank, calibration=calibration)


def phase_contributions(
    rows: Sequence[Mapping[str, str]], exemplars: Sequence[Exemplar]
) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true points [n, 3] by which each phase sets n dives apart from their exemplars.

    True ones follow from the deductions of the simulated judges. NaN for a real dive or exemplar, whose deductions are
    unknown.

    Args:
        rows: of `fineparser.training.evaluator.Evaluation`.
        exemplars: those that voted, among others.
    """
    voters = {name for row in rows for name in row["exemplars"].split()}
    deductions = {one.id: exemplar_deductions(one) for one in exemplars if one.id in voters}
    predicted, true = np.full((2, len(rows), len(Phase)), np.nan)
    for index, row in enumerate(rows):
        if not row["exemplars"]:
            continue
        predicted[index] = [_number(row[f"{phase.name.lower()}_points"]) for phase in Phase]
        of_dive = [_number(row[f"{phase.name.lower()}_lost"]) for phase in Phase]
        of_exemplars = np.mean([deductions[name] for name in row["exemplars"].split()], axis=0)
        true[index] = (of_exemplars - of_dive) * COUNTED_AWARDS * float(row["difficulty"])
    return predicted, true


def exemplar_deductions(exemplar: Exemplar) -> np.ndarray:
    """Awards [3] that the faults of each phase cost an exemplar; NaN for a real dive."""
    if exemplar.recipe is None:
        return np.full(len(Phase), np.nan)
    plan = plan_exemplar(exemplar.code, exemplar.height, exemplar.recipe)
    return deductions_by_phase(np.array(mean_deductions(plan)), np.array(plan.noise_free_award))


def _number(text: str) -> float:
    return float(text) if text else np.nan
