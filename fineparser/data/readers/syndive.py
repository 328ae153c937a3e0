"""Simulated dives as a source: made on demand, by number, the same each time.

Dive i of seed S is the simulator's dive of seed `S * 2**32 + i`, so that no two sources of different seeds and no two
epochs of an endless one share a dive. Dive number and height are sampled here first: exemplars are chosen by them, and
planning the whole dive takes a thousand times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np

from fineparser.data.dives import SPLITS, Card, DataError, Dive, Location, OnBroken, Problem
from fineparser.domain.difficulty import difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.simulator.dive_sampling import sample_dive
from fineparser.simulator.plan import DivePlan, DiveRequest, plan_dive

SOURCE = "SynDive"
ENDLESS_EPOCH = 1024
"""Dives in an epoch of an endless source."""

SEED_STRIDE = 2**32


@dataclass(frozen=True)
class SynDives:
    """`count` simulated dives of one split: a `DiveSource` that holds no dive, so that it is cheap to send to workers.

    ValueError for an invalid split, size or dive number.
    """

    count: int
    """Dives, in an epoch where the source is endless."""

    seed: int = 0
    """Sources of different seeds share no dive."""

    split: str = "train"
    """Split; splits share no dive, diver or scene, whatever the seeds."""

    is_endless: bool = False
    """True if each epoch has fresh dives."""

    lines: int = 112
    """Height of the frames, pixels."""

    width: int | Literal["full"] | None = None
    """None for the square crop of the published loader, "full" for the whole 16:9 frame."""

    codes: tuple[DiveCode, ...] = ()
    """Dive numbers to sample from; those of competitions, as often as they occur there, where empty."""

    heights: tuple[float, ...] = ()
    """Heights in metres to sample from, each as often as it is listed; as often as in competitions where empty."""

    epoch: int = 0

    on_broken: OnBroken = OnBroken.RAISE
    """Policy for dives that the simulator cannot make."""

    def __post_init__(self) -> None:
        if self.count < 1 or self.seed < 0 or self.epoch < 0:
            raise ValueError(
                f"SynDive takes a count from 1 and a seed from 0 on, not count {self.count} and seed {self.seed}."
            )
        if self.split not in SPLITS:
            raise ValueError(f"The split is one of {', '.join(SPLITS)}, not {self.split!r}.")

    @property
    def name(self) -> str:
        """Source as named on the command line."""
        return f"syndive:{'endless' if self.is_endless else self.count}:{self.seed}"

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Nothing is left out of a simulated source."""
        return ()

    def __len__(self) -> int:
        return self.count

    def at_epoch(self, epoch: int) -> "SynDives":
        """Dives of an epoch: fresh ones from an endless source, else the same."""
        return replace(self, epoch=epoch) if self.is_endless else self

    def dive_seed(self, index: int) -> int:
        """Simulator seed of dive `index` in this epoch; IndexError where there is no such dive."""
        if not 0 <= index < self.count:
            raise IndexError(f"dive {index} of {self.count}")
        return self.seed * SEED_STRIDE + self.epoch * self.count + index

    def card(self, index: int) -> Card:
        """Dive number and height; quick, since nothing else of the dive is made."""
        code, height = self._sample(index)
        return Card(self._id(index), code, height, difficulty(code, height), is_scored=True, source=SOURCE)

    def plan(self, index: int) -> DivePlan:
        """Plan of dive `index`: everything but the rendered frames."""
        code, height = self._sample(index)
        return plan_dive(self.dive_seed(index), DiveRequest(code=code, height=height), split=self.split)

    def __getitem__(self, index: int) -> Dive:
        location = Location(Path(self.name), item=f"seed {self.dive_seed(index)}, split {self.split}")
        try:
            plan = self.plan(index)
            labels, flight, entry = frame_labels(plan)
        except (ValueError, RuntimeError) as error:
            raise DataError(f"{location}: {error}") from error
        return Dive(
            id=self._id(index),
            source=SOURCE,
            split=self.split,
            frames=SimulatedFrames(plan, self.lines, self.width),
            location=location,
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
            has_poses=True,
            deductions=mean_deductions(plan),
            noise_free_award=plan.noise_free_award,
        )

    def _id(self, index: int) -> str:
        return f"{self.split}-{self.dive_seed(index)}"

    def _sample(self, index: int) -> tuple[DiveCode, float]:
        rng = np.random.default_rng((SPLITS.index(self.split), self.dive_seed(index)))
        code = self.codes[int(rng.integers(len(self.codes)))] if self.codes else None
        height = self.heights[int(rng.integers(len(self.heights)))] if self.heights else None
        return sample_dive(rng, code, height)


@dataclass
class SimulatedFrames:
    """Frames and masks of a planned dive, rendered on demand.

    The simulator renders frames and masks together, so the one that was not asked for is cached: reading both, in
    either order, renders once.
    """

    plan: DivePlan
    lines: int
    width: int | Literal["full"] | None
    _numbers: tuple[int, ...] = field(default=(), repr=False)
    _cache: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def read(self, numbers: Sequence[int]) -> np.ndarray:
        """Render the frames `numbers`, RGB uint8 [n, H, W, 3]."""
        return self._render(numbers, "frames")

    def read_masks(self, numbers: Sequence[int]) -> np.ndarray:
        """Render the masks of the frames `numbers`, bool [n, H, W], with splash and both divers of a pair."""
        return self._render(numbers, "masks")

    def read_layers(self, numbers: Sequence[int]) -> np.ndarray:
        """Render the layers of the frames `numbers`, uint8 [n, H, W, 3], see `LAYERS`."""
        rising, places = _unique(numbers)
        return self.plan.layers(rising, self.lines, self.width)[places]

    def read_poses(self, numbers: Sequence[int]) -> np.ndarray:
        """Compute the first diver's poses in the frames `numbers`, float32 [n, 28]."""
        rising, places = _unique(numbers)
        return self.plan.poses(rising, self.lines, self.width)[places]

    def _render(self, numbers: Sequence[int], kind: str) -> np.ndarray:
        key = tuple(int(number) for number in numbers)
        if self._numbers != key or kind not in self._cache:
            rising, places = _unique(numbers)
            frames, masks = self.plan.render(self.lines, self.width, rising)
            self._numbers, self._cache = key, {"frames": frames[places], "masks": masks[places]}
        return self._cache.pop(kind)  # each is returned once, so that nothing large stays in memory


def _unique(numbers: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Rising numbers without repeats, and the index of each of `numbers` in them."""
    return np.unique(np.asarray(numbers, dtype=np.int64), return_inverse=True)


def mean_deductions(plan: DivePlan) -> tuple[float, ...]:
    """Deduction of each fault in awards, in the order of `DEDUCTION_CURVES`: the mean over the divers."""
    prices = [
        [curve.deduction(getattr(faults, name)) for name, curve in DEDUCTION_CURVES.items()] for faults in plan.faults
    ]
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
