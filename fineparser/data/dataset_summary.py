"""Summary of a dataset before training: dives, missing labels, and items that are left out."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fineparser.data.dives import DataError, Dive, OnBroken, Problem, ReadOptions, validation_keys
from fineparser.data.sources import open_data, read_dataset

SEED_CANDIDATES = 200
"""Random validation splits of which the best is used."""
MIN_TRAINING_DIVES = 2
"""Least number of training dives: one is compared with the other."""


@dataclass(frozen=True)
class DiveStatus:
    """One dive of a source, or one broken item."""

    name: str
    """Id of the dive, or location of the broken item."""
    code: str = ""
    """Dive number, empty where unknown."""
    height: float | None = None
    difficulty: float | None = None
    score: float | None = None
    is_scored: bool = False
    has_transitions: bool = False
    has_masks: bool = False
    split: str = ""
    """"train", "validation" or "test"; empty where it is left out."""
    reason: str = ""
    """Reason why it is left out; empty where it is used."""


@dataclass(frozen=True)
class DatasetSummary:
    """Summary of a source as a training run would use it."""

    spec: str
    """Source, see `open_data`."""
    dives: tuple[DiveStatus, ...]
    """All dives, then the broken items."""
    seed: int = 0
    """Seed of the validation split."""
    error: str = ""
    """Reason why the source cannot be used for training; empty where it can."""
    remarks: tuple[str, ...] = ()
    """Remarks on the source, of which nothing is left out."""

    @property
    def used(self) -> list[DiveStatus]:
        """Dives for training, validation or test."""
        return [dive for dive in self.dives if not dive.reason]

    @property
    def left_out(self) -> list[DiveStatus]:
        """Dives and broken items that are left out, with the reasons."""
        return [dive for dive in self.dives if dive.reason]

    def in_split(self, split: str) -> list[DiveStatus]:
        """Used dives of a split."""
        return [dive for dive in self.used if dive.split == split]

    @property
    def code_counts(self) -> list[tuple[str, int]]:
        """Number of used dives of each dive number, largest first; "" for dives without one."""
        counts = Counter(dive.code for dive in self.used)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def missing_labels(self) -> dict[str, int]:
        """Number of used dives without a label, by label; only labels that some dive lacks."""
        lacks: dict[str, Callable[[DiveStatus], bool]] = {
            "dive number": lambda dive: not dive.code,
            "height": lambda dive: dive.height is None,
            "score": lambda dive: not dive.is_scored,
            "transitions": lambda dive: not dive.has_transitions,
            "mask": lambda dive: not dive.has_masks,
        }
        counts = {label: sum(map(lack, self.used)) for label, lack in lacks.items()}
        return {label: count for label, count in counts.items() if count}


def summarise_dataset(spec: str, part: str, validation: float) -> DatasetSummary:
    """Read a source and summarise it; errors become part of the summary.

    Args:
        spec: source, see `open_data`.
        part: part of the network to train: "regression", "parsers" or "everything".
        validation: share of the dives for validation; the split is chosen so that it comes close to it, and so that
            validation dives have others of their number to be compared with.
    """
    kind, _, rest = spec.partition(":")
    try:
        dives, remarks = (_simulated(spec), ()) if kind == "syndive" else _read(kind, Path(rest))
    except (DataError, OSError) as error:
        return DatasetSummary(spec, (), error=_without_folder(str(error), rest))
    dives = [_check_labels(dive, part) if not dive.reason else dive for dive in dives]
    seed = 0
    if kind != "syndive":
        seed = _best_seed([dive for dive in dives if not dive.reason and dive.split != "test"], validation)
        held_out = validation_keys((dive.name for dive in dives), ReadOptions(seed=seed, validation=validation))
        dives = [
            replace(dive, split="validation") if dive.split == "train" and dive.name in held_out else dive
            for dive in dives
        ]
    summary = DatasetSummary(spec, tuple(dives), seed, remarks=remarks)
    count = len(summary.in_split("train"))
    if count < MIN_TRAINING_DIVES:
        kind = "scored" if part == "regression" else "labelled"
        start = f"There is one {kind} dive" if count == 1 else f"There are no {kind} dives"
        return replace(
            summary,
            error=f"{start} for training; it takes {MIN_TRAINING_DIVES} at least, and forty or more to learn the scale "
            "of a judges' panel.",
        )
    return summary


def _read(kind: str, folder: Path) -> tuple[list[DiveStatus], tuple[str, ...]]:
    """All dives of a folder, in the training or test split, with its broken items; and the remarks on it."""
    dives = read_dataset(kind, folder, ReadOptions(validation=0, on_broken=OnBroken.SKIP))
    broken = [_from_problem(problem, folder) for problem in dives.problems if not problem.is_remark]
    remarks = (_without_folder(str(problem), str(folder)) for problem in dives.problems if problem.is_remark)
    return [*map(_from_dive, dives), *broken], tuple(remarks)


def _from_dive(dive: Dive) -> DiveStatus:
    return DiveStatus(
        name=dive.id,
        code=str(dive.code or ""),
        height=dive.height,
        difficulty=dive.difficulty,
        score=dive.score,
        is_scored=dive.score is not None,
        has_transitions=dive.has_transitions,
        has_masks=dive.has_masks,
        split=dive.split,
    )


def _from_problem(problem: Problem, folder: Path) -> DiveStatus:
    location = str(replace(problem.location, file=Path(problem.location.file.name)))
    return DiveStatus(name=location, reason=_without_folder(problem.reason, str(folder)))


def _simulated(spec: str) -> list[DiveStatus]:
    """Simulated dives have every label; the score itself is known only once a dive is planned."""
    dives = []
    for split in ("train", "validation"):
        source = open_data(spec, split)
        for card in map(source.card, range(len(source))):
            dives.append(
                DiveStatus(
                    name=card.id,
                    code=str(card.code),
                    height=card.height,
                    difficulty=card.difficulty,
                    is_scored=True,
                    has_transitions=True,
                    has_masks=True,
                    split=split,
                )
            )
    return dives


def _check_labels(dive: DiveStatus, part: str) -> DiveStatus:
    """Dive with a reason to leave it out if it lacks the labels for training the part."""
    is_useful = {
        "regression": dive.is_scored and bool(dive.code or dive.difficulty),
        "parsers": dive.has_transitions or dive.has_masks,
        "everything": dive.is_scored or dive.has_transitions or dive.has_masks,
    }
    if is_useful[part]:
        return dive
    if part == "regression":
        lack = "no score" if not dive.is_scored else "neither a dive number nor a difficulty to be compared by"
    else:
        lack = "neither transitions nor a mask" if part == "parsers" else "no label"
    return replace(dive, reason=f"has {lack}")


def _best_seed(dives: Sequence[DiveStatus], share: float) -> int:
    """Seed with the validation split closest to the share; among equals, the one whose dives have partners."""
    target = min(round(share * len(dives)), max(0, len(dives) - MIN_TRAINING_DIVES))
    if share > 0 and len(dives) > MIN_TRAINING_DIVES:
        target = max(1, target)

    def cost(seed: int) -> tuple[int, int]:
        held_out = validation_keys((dive.name for dive in dives), ReadOptions(seed=seed, validation=share))
        codes = {dive.code for dive in dives if dive.name not in held_out}
        unpaired = sum(dive.name in held_out and dive.code not in codes for dive in dives)
        return abs(len(held_out) - target), unpaired

    return min(range(SEED_CANDIDATES), key=cost)


def _without_folder(text: str, folder: str) -> str:
    """Message without the path of the folder on this machine."""
    return text.replace(f"{folder}/", "").replace(f"{folder}: ", "")
