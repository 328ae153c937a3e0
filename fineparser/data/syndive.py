"""Simulated dives as a source: made when they are asked for, by number, the same each time.

Dive i of seed S is the simulator's dive of seed `S * 2**32 + i`, so that no two sources of different seeds and no two
epochs of an endless one share a dive. What is dived from where is drawn here first: exemplars are chosen by it, and
planning a dive to the end takes a thousand times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from fineparser.data.dives import SPLITS, Card, DataError, Dive, Place
from fineparser.domain.difficulty import difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.judges import PRICES
from fineparser.simulator.plan import DivePlan, plan_dive
from fineparser.simulator.programme import draw_dive

SOURCE = "SynDive"
ENDLESS_EPOCH = 1024
"""Dives in an epoch of an endless source."""

SEED_STRIDE = 2**32


@dataclass(frozen=True)
class SynDives:
    """`count` simulated dives of one split: a `DiveSource` that holds no dive, so that workers get it cheaply.

    ValueError for a split, size or dive number that cannot be.
    """

    count: int
    """Dives, in an epoch where the source is endless."""

    seed: int = 0
    """Sources of different seeds share no dive."""

    split: str = "train"
    """The splits share no dive, diver or scene, whatever the seeds."""

    is_endless: bool = False
    """Whether each epoch has fresh dives."""

    lines: int = 112
    """Height of the pictures in pixels."""

    width: int | str | None = None
    """None for the square window that the published loader cuts, "full" for the whole 16:9 picture."""

    codes: tuple[DiveCode, ...] = ()
    """Dive numbers to draw from; those of competitions, as often as they are dived, where empty."""

    epoch: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or self.seed < 0 or self.epoch < 0:
            raise ValueError(
                f"SynDive takes a count from 1 and a seed from 0 on, not count {self.count} and seed {self.seed}."
            )
        if self.split not in SPLITS:
            raise ValueError(f"The split is one of {', '.join(SPLITS)}, not {self.split!r}.")

    @property
    def name(self) -> str:
        """The source as it is asked for."""
        return f"syndive:{'endless' if self.is_endless else self.count}:{self.seed}"

    def __len__(self) -> int:
        return self.count

    def at_epoch(self, epoch: int) -> "SynDives":
        """The dives of an epoch: fresh ones from an endless source, else the same."""
        return replace(self, epoch=epoch) if self.is_endless else self

    def dive_seed(self, index: int) -> int:
        """The simulator's seed of dive `index` in this epoch; IndexError where there is no such dive."""
        if not 0 <= index < self.count:
            raise IndexError(f"dive {index} of {self.count}")
        return self.seed * SEED_STRIDE + self.epoch * self.count + index

    def card(self, index: int) -> Card:
        """What is dived from where; quick, for nothing else of the dive is made."""
        code, height = self._programme(index)
        return Card(self._id(index), code, height, difficulty(code, height), is_scored=True, source=SOURCE)

    def plan(self, index: int) -> DivePlan:
        """Everything about dive `index` but its pictures."""
        code, height = self._programme(index)
        return plan_dive(self.dive_seed(index), split=self.split, code=code, height=height)

    def __getitem__(self, index: int) -> Dive:
        place = Place(Path(self.name), item=f"seed {self.dive_seed(index)}, split {self.split}")
        try:
            plan = self.plan(index)
            labels, flight, entry = frame_labels(plan)
        except (ValueError, RuntimeError) as error:
            raise DataError(f"{place}: {error}") from error
        return Dive(
            id=self._id(index),
            source=SOURCE,
            split=self.split,
            footage=PlannedFootage(plan, self.lines, self.width),
            place=place,
            first_frame=0,
            last_frame=len(labels) - 1,
            code=plan.code,
            height=plan.height,
            difficulty=plan.difficulty,
            score=plan.score,
            awards=tuple(plan.awards),
            flight_frame=flight,
            entry_frame=entry,
            sub_actions=tuple(labels.tolist()),
            has_masks=True,
            has_layers=True,
            has_postures=True,
            deductions=mean_deductions(plan),
            deserved=plan.execution,
        )

    def _id(self, index: int) -> str:
        return f"{self.split}-{self.dive_seed(index)}"

    def _programme(self, index: int) -> tuple[DiveCode, float]:
        rng = np.random.default_rng((SPLITS.index(self.split), self.dive_seed(index)))
        code = self.codes[int(rng.integers(len(self.codes)))] if self.codes else None
        return draw_dive(rng, code)


@dataclass
class PlannedFootage:
    """Draws the frames of a planned dive. Frames and masks are drawn together: what was drawn last is kept once."""

    plan: DivePlan
    lines: int
    width: int | str | None
    _drawn: tuple[list[int], np.ndarray] | None = field(default=None, repr=False)

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """The frames `numbers`, RGB uint8 [n, H, W, 3]."""
        frames, masks = self._film(numbers)
        self._drawn = (list(numbers), masks)
        return frames

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """The masks of the frames `numbers`, bool [n, H, W], with splash and both divers of a pair."""
        drawn, self._drawn = self._drawn, None
        if drawn is not None and drawn[0] == list(numbers):
            return drawn[1]
        return self._film(numbers)[1]

    def read_layers(self, numbers: Sequence[int]) -> np.ndarray:
        """What the frames `numbers` are made of, uint8 [n, H, W, 3], see `fineparser.simulator.layers`."""
        rising, places = np.unique(np.asarray(numbers, dtype=np.int64), return_inverse=True)
        return self.plan.layers(rising, self.lines, self.width)[places]

    def read_postures(self, numbers: Sequence[int]) -> np.ndarray:
        """The first diver's postures in the frames `numbers`, float32 [n, 28]."""
        rising, places = np.unique(np.asarray(numbers, dtype=np.int64), return_inverse=True)
        return self.plan.postures(rising, self.lines, self.width)[places]

    def _film(self, numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        rising, places = np.unique(np.asarray(numbers, dtype=np.int64), return_inverse=True)
        frames, masks = self.plan.film(self.lines, self.width, rising)
        return frames[places], masks[places]


def mean_deductions(plan: DivePlan) -> tuple[float, ...]:
    """Awards that each fault cost, in the order of `PRICES`: the mean over the divers."""
    prices = [[price.of(getattr(faults, name)) for name, price in PRICES.items()] for faults in plan.faults]
    return tuple(np.mean(prices, axis=0).tolist())


def frame_labels(plan: DivePlan) -> tuple[np.ndarray, int, int]:
    """FineDiving's sub-action id of each frame of the planned clip, int64 [N], and the first flight and entry frame.

    Of a synchronised pair, the first diver's. ValueError where the clip ends before the entry.
    """
    starts, names = zip(*plan.motions[0].sub_actions, strict=True)
    step = np.maximum(np.searchsorted(starts, plan.times, side="right") - 1, 0)
    if step[-1] != len(starts) - 1 or len(starts) < 2:
        raise ValueError(f"The simulated clip of seed {plan.seed} ends before the entry.")
    return np.asarray(names, dtype=np.int64)[step], int((step > 0).argmax()), int((step == step[-1]).argmax())
