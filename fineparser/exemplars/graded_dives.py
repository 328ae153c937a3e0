"""Simulated dives of graded quality, for exemplars: planned, filmed for the network, filmed for people."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fineparser.exemplars.exemplar import SIMULATED, Exemplar, ExemplarClip, Recipe
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import Transitions
from fineparser.simulator.dive import simulate
from fineparser.simulator.faults import draw_level
from fineparser.simulator.plan import DivePlan, plan_dive
from fineparser.video.writing import write_video

SPLIT = "train"
ALONE = {"synchro": False, "opening": False}
"""An exemplar shows one diver and no second shot."""

CLIP_FPS = 25.0
CLIP_LINES, CLIP_WIDTH = 208, 276
CLIP_QUALITY = 28
"""About 60 KB a clip: some 250 of them and the encodings fit in the 40 MB that a bundled bank may take."""
KEYFRAME_EVERY = 8
CLOSER = 1.5
"""How many times closer than usual the clip's camera is: it is small, and the diver is what counts."""
SHUTTER = 1 / 400
LEAD_SECONDS, AFTER_SECONDS = 0.8, 0.7
"""Shown before the take-off and after the entry."""
BRIGHTEST = 1.2


@dataclass(frozen=True)
class GradedDive:
    """A simulated exemplar as the network sees it."""

    exemplar: Exemplar
    frames: np.ndarray
    """RGB uint8 [96, 112, 112, 3], or larger."""
    transitions: Transitions


def recipes(code: DiveCode, height: float, count: int, seed: int = 0) -> list[Recipe]:
    """`count` recipes, from weak to excellent: levels are the middles of equal shares of the scale 0 to 1."""
    return [
        Recipe(
            seed=int(np.random.SeedSequence([seed, number, *f"{code} {height}".encode()]).generate_state(1)[0]),
            level=(number + 0.5) / count,
        )
        for number in range(count)
    ]


def ordinary_recipe(code: DiveCode, height: float, seed: int = 0) -> Recipe:
    """The recipe of a dive as good as those who do it usually are."""
    state = np.random.SeedSequence([seed, *f"{code} {height} ordinary".encode()])
    level = draw_level(np.random.default_rng(state), code, height)
    return Recipe(seed=int(state.generate_state(1)[0]), level=level)


def exemplar_id(code: DiveCode, height: float, number: int) -> str:
    """What the `number`th (from 0) exemplar of a dive is called."""
    return f"{code}-{height:g}m-{number + 1:02d}"


def plan_of(code: DiveCode, height: float, recipe: Recipe, camera: str | None = None) -> DivePlan:
    """Everything about the dive of a recipe but its pictures; the camera does not change the dive or its awards."""
    return plan_dive(recipe.seed, split=SPLIT, code=code, height=height, level=recipe.level, camera=camera, **ALONE)


def graded_dive(name: str, code: DiveCode, height: float, recipe: Recipe, lines: int) -> GradedDive:
    """The dive of a recipe, filmed for the network with so many lines."""
    dive = simulate(recipe.seed, split=SPLIT, lines=lines, code=code, height=height, level=recipe.level, **ALONE)
    exemplar = Exemplar(name, dive.code, dive.height, dive.difficulty, dive.score, SIMULATED, recipe=recipe)
    return GradedDive(exemplar, dive.frames, dive.transitions)


def low_middle_high(scores: Sequence[float]) -> tuple[int, ...]:
    """Which of some dives of one number stand for the low, middle and high third of their scores: the thirds' middles.

    >>> low_middle_high([50, 40, 90, 70, 60, 80])
    (0, 3, 2)
    """
    order = np.argsort(scores, kind="stable")
    places = dict.fromkeys(min(int((third + 0.5) / 3 * len(order)), len(order) - 1) for third in range(3))
    return tuple(int(order[place]) for place in places)


def film_clip(exemplar: Exemplar, path: str | Path) -> ExemplarClip:
    """Films a simulated exemplar's dive for people, at life's speed and closer than for the network, as H.264.

    Raises:
        ValueError: for an exemplar without a recipe.
        VideoError: where the clip cannot be written.
    """
    if exemplar.recipe is None:
        raise ValueError(f"{exemplar.id} is no simulated dive: there is nothing to film")
    plan = plan_of(exemplar.code, exemplar.height, exemplar.recipe, camera="broadcast")
    style = replace(
        plan.style,
        zoom=CLOSER,
        stretch=1.0,
        aside=0.0,
        shutter=min(plan.style.shutter, SHUTTER),
        key=float(np.clip(plan.style.key, 1.0, BRIGHTEST)),
    )
    motion = plan.motions[0]
    starts = [start for start, _ in motion.sub_actions]
    span = max(-LEAD_SECONDS, plan.times[0]), min(motion.entry_time + AFTER_SECONDS, plan.times[-1])
    # Slow motion and high rates are thinned out, low rates repeat a frame now and then.
    wanted = np.arange(span[0], span[1] + 1e-6, 1 / CLIP_FPS)
    numbers = np.abs(plan.times[None] - wanted[:, None]).argmin(axis=1)
    distinct, place = np.unique(numbers, return_inverse=True)
    pictures, _ = replace(plan, style=style).film(CLIP_LINES, CLIP_WIDTH, distinct)
    path = write_video(path, pictures[place], CLIP_FPS, keyframe_every=KEYFRAME_EVERY, quality=CLIP_QUALITY)
    last = len(wanted) - 1
    flight, entry = (min(int(np.searchsorted(wanted, start)), last) for start in (starts[1], starts[-1]))
    return ExemplarClip(path, 0, flight, entry, last)
