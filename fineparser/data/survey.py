"""What a source of dives holds, looked through before anything starts: what is there, what is missing, what goes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fineparser.data.dives import DataError, Dive, Problem, validation_share
from fineparser.data.sources import READERS, open_data

SEEDS_TRIED = 200
"""Draws of the validation split of which the best is taken."""
LEAST_TRAINING = 2
"""Dives to learn from: one is compared with the other."""


@dataclass(frozen=True)
class Found:
    """One dive of a source, or one item that cannot be a dive."""

    name: str
    """The dive's id, or where the broken item stands."""
    number: str = ""
    height: float | None = None
    difficulty: float | None = None
    score: float | None = None
    is_scored: bool = False
    has_transitions: bool = False
    has_masks: bool = False
    split: str = ""
    """"train", "validation" or "test"; empty where it is left out."""
    reason: str = ""
    """Why it is left out; empty where it is used."""


@dataclass(frozen=True)
class Survey:
    """A source as a training run would use it."""

    spec: str
    """The source, as `open_data` takes it."""
    found: tuple[Found, ...]
    """Every dive, then what is broken."""
    seed: int = 0
    """Draws the validation split."""
    error: str = ""
    """Why nothing can be learnt from the source as it is; empty where it can."""

    @property
    def used(self) -> list[Found]:
        """The dives that are learnt from or measured on."""
        return [one for one in self.found if not one.reason]

    @property
    def left_out(self) -> list[Found]:
        """What is left out, with the reasons."""
        return [one for one in self.found if one.reason]

    def of(self, split: str) -> list[Found]:
        """The used dives of a split."""
        return [one for one in self.used if one.split == split]

    @property
    def numbers(self) -> list[tuple[str, int]]:
        """How many of the used dives there are of each number, most first; "" for dives without one."""
        counts = Counter(one.number for one in self.used)
        return sorted(counts.items(), key=lambda item: (-item[1], item[0]))

    def missing(self) -> dict[str, int]:
        """How many of the used dives lack which label; only those that some dive lacks."""
        lacks = {
            "dive number": lambda one: not one.number,
            "height": lambda one: one.height is None,
            "score": lambda one: not one.is_scored,
            "step switches": lambda one: not one.has_transitions,
            "mask": lambda one: not one.has_masks,
        }
        counts = {label: sum(map(lack, self.used)) for label, lack in lacks.items()}
        return {label: count for label, count in counts.items() if count}


def survey(spec: str, part: str, validation: float) -> Survey:
    """Looks through a source; whatever is wrong with it ends up in the survey.

    Args:
        spec: as `open_data` takes it.
        part: what is to be learnt: "regression", "parsers" or "everything".
        validation: share of the dives to keep for validation; the split is drawn so that it comes close to it, and
            so that validation dives have others of their number to be compared with.
    """
    kind, _, rest = spec.partition(":")
    try:
        found = _simulated(spec) if kind == "syndive" else _read(kind, Path(rest))
    except (DataError, OSError) as error:
        return Survey(spec, (), error=_without_folder(str(error), rest))
    found = [_judged(one, part) if not one.reason else one for one in found]
    seed = 0
    if kind != "syndive":
        seed = _best_seed([one for one in found if not one.reason and one.split != "test"], validation)
        held_out = validation_share((one.name for one in found), seed=seed, share=validation)
        found = [
            replace(one, split="validation") if one.split == "train" and one.name in held_out else one for one in found
        ]
    surveyed = Survey(spec, tuple(found), seed)
    count = len(surveyed.of("train"))
    if count < LEAST_TRAINING:
        kind = "scored" if part == "regression" else "labelled"
        there = f"There is one {kind} dive" if count == 1 else f"There are no {kind} dives"
        return replace(
            surveyed,
            error=f"{there} to learn from; it takes {LEAST_TRAINING} at least, and forty or more to learn a panel's "
            "scale.",
        )
    return surveyed


def _read(kind: str, folder: Path) -> list[Found]:
    """Every dive of a folder, all of training or test, and its problems."""
    if kind not in READERS:
        raise DataError(f"{kind!r} is no kind of source.")
    dives = READERS[kind](folder, validation=0, skip_broken=True)
    return [*map(_of_dive, dives), *(_broken(problem, folder) for problem in dives.problems)]


def _of_dive(dive: Dive) -> Found:
    return Found(
        name=dive.id,
        number=str(dive.code or ""),
        height=dive.height,
        difficulty=dive.difficulty,
        score=dive.score,
        is_scored=dive.score is not None,
        has_transitions=dive.flight_frame is not None,
        has_masks=dive.has_masks,
        split=dive.split,
    )


def _broken(problem: Problem, folder: Path) -> Found:
    where = str(replace(problem.place, file=Path(problem.place.file.name)))
    return Found(name=where, reason=_without_folder(problem.reason, str(folder)))


def _simulated(spec: str) -> list[Found]:
    """Simulated dives have every label; what a dive is scored is known once it is made."""
    found = []
    for split in ("train", "validation"):
        source = open_data(spec, split)
        for card in map(source.card, range(len(source))):
            found.append(
                Found(card.id, str(card.code), card.height, card.difficulty, None, True, True, True, split=split)
            )
    return found


def _judged(one: Found, part: str) -> Found:
    """The dive with the reason why it is of no use for what is learnt, if it is of none."""
    has = {
        "regression": one.is_scored and bool(one.number or one.difficulty),
        "parsers": one.has_transitions or one.has_masks,
        "everything": one.is_scored or one.has_transitions or one.has_masks,
    }
    if has[part]:
        return one
    if part == "regression":
        lack = "no score" if not one.is_scored else "neither a dive number nor a difficulty to be compared by"
    else:
        lack = "neither step switches nor a mask" if part == "parsers" else "no label"
    return replace(one, reason=f"has {lack}")


def _best_seed(dives: Sequence[Found], share: float) -> int:
    """The seed whose validation split comes closest to the share; among equals, whose dives find partners."""
    wanted = min(round(share * len(dives)), max(0, len(dives) - LEAST_TRAINING))
    if share > 0 and len(dives) > LEAST_TRAINING:
        wanted = max(1, wanted)

    def worth(seed: int) -> tuple[int, int]:
        held_out = validation_share((one.name for one in dives), seed=seed, share=share)
        known = {one.number for one in dives if one.name not in held_out}
        alone = sum(one.name in held_out and one.number not in known for one in dives)
        return abs(len(held_out) - wanted), alone

    return min(range(SEEDS_TRIED), key=worth)


def _without_folder(text: str, folder: str) -> str:
    """A message without the place of the folder on this machine."""
    return text.replace(f"{folder}/", "").replace(f"{folder}: ", "")
