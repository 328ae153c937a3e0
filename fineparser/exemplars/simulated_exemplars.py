"""Simulated exemplars: dives of graded quality, simulated for the network and rendered for people.

The only module through which an analysis may start the simulator, see `simulate_exemplars`; it is imported when a bank
lacks an exemplar.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import Transitions
from fineparser.exemplars.exemplar import SIMULATED, SIMULATOR_VERSION, Exemplar, ExemplarClip, SimulationRecipe
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank, encode_frames
from fineparser.model.protocol import Encoding, Network
from fineparser.simulator.dive import simulate
from fineparser.simulator.faults import sample_level
from fineparser.simulator.plan import DivePlan, DiveRequest, plan_dive
from fineparser.video.writer import write_video

SPLIT = "train"
SINGLE_DIVER = DiveRequest(synchro=False, opening=False, amateur=False)
"""An exemplar shows one diver and no second shot, well recorded."""

CLIP_FPS = 25.0
CLIP_LINES, CLIP_WIDTH = 208, 276
CLIP_QUALITY = 28
"""About 60 KB a clip: some 250 clips and the encodings fit in the 40 MB that a bundled bank may take."""
KEYFRAME_EVERY = 8
CLIP_ZOOM = 1.5
"""Zoom of the clip relative to the usual camera, so that the diver is large in the small picture."""
MAX_EXPOSURE_SECONDS = 1 / 400
LEAD_SECONDS, AFTER_SECONDS = 0.8, 0.7
"""Before the take-off and after the entry."""
MAX_KEY_LIGHT = 1.2


@dataclass(frozen=True)
class SimulatedExemplar:
    """A simulated exemplar with the frames for the network."""

    exemplar: Exemplar
    frames: np.ndarray
    """RGB uint8 [96, 112, 112, 3], or larger."""
    transitions: Transitions


def graded_recipes(code: DiveCode, height: float, count: int, seed: int = 0) -> list[SimulationRecipe]:
    """`count` recipes from weak to excellent, their levels evenly spaced between 0 and 1."""
    return [
        SimulationRecipe(
            seed=int(np.random.SeedSequence([seed, number, *f"{code} {height}".encode()]).generate_state(1)[0]),
            level=(number + 0.5) / count,
            simulator=SIMULATOR_VERSION,
        )
        for number in range(count)
    ]


def typical_recipe(code: DiveCode, height: float, seed: int = 0) -> SimulationRecipe:
    """Recipe of a dive at a level typical of the divers who perform it."""
    state = np.random.SeedSequence([seed, *f"{code} {height} ordinary".encode()])
    level = sample_level(np.random.default_rng(state), code, height)
    return SimulationRecipe(int(state.generate_state(1)[0]), level, SIMULATOR_VERSION)


def exemplar_id(code: DiveCode, height: float, number: int) -> str:
    """Id of the `number`th (from 0) exemplar of a dive number and height."""
    return f"{code}-{height:g}m-{number + 1:02d}"


def plan_exemplar(code: DiveCode, height: float, recipe: SimulationRecipe, camera: str | None = None) -> DivePlan:
    """Plan of the dive of a recipe; the camera changes neither the dive nor its awards."""
    request = replace(SINGLE_DIVER, code=code, height=height, level=recipe.level, camera=camera)
    return plan_dive(recipe.seed, request, split=SPLIT)


def simulate_exemplar(
    name: str, code: DiveCode, height: float, recipe: SimulationRecipe, lines: int
) -> SimulatedExemplar:
    """Simulate the dive of a recipe, with frames of `lines` x `lines` pixels."""
    request = replace(SINGLE_DIVER, code=code, height=height, level=recipe.level)
    dive = simulate(recipe.seed, request, split=SPLIT, lines=lines)
    assert dive.transitions is not None  # only other numbers of frames have none
    exemplar = Exemplar(name, dive.code, dive.height, dive.difficulty, dive.score, SIMULATED, recipe=recipe)
    return SimulatedExemplar(exemplar, dive.frames, dive.transitions)


def representatives(scores: Sequence[float]) -> tuple[int, ...]:
    """Indices of the dives that represent the low, middle and high third of some scores: the middles of the thirds.

    >>> representatives([50, 40, 90, 70, 60, 80])
    (0, 3, 2)
    """
    order = np.argsort(scores, kind="stable")
    ranks = dict.fromkeys(min(int((third + 0.5) / 3 * len(order)), len(order) - 1) for third in range(3))
    return tuple(int(order[rank]) for rank in ranks)


def render_exemplar_clip(exemplar: Exemplar, path: str | Path) -> ExemplarClip:
    """Render the clip of a simulated exemplar for people, at real speed and closer than for the network, as H.264.

    Raises:
        ValueError: for an exemplar without a recipe, or with one of another simulator.
        VideoError: if the clip cannot be written.
    """
    if exemplar.recipe is None:
        raise ValueError(f"{exemplar.id} is no simulated dive: there is nothing to render")
    if not exemplar.recipe.is_current:
        raise ValueError(
            f"{exemplar.id} is a dive of an earlier simulator, which makes another one now: build the bank again"
        )
    plan = plan_exemplar(exemplar.code, exemplar.height, exemplar.recipe, camera="broadcast")
    style = replace(
        plan.style,
        zoom=CLIP_ZOOM,
        stretch=1.0,
        offset=0.0,
        exposure_time=min(plan.style.exposure_time, MAX_EXPOSURE_SECONDS),
        key_light=float(np.clip(plan.style.key_light, 1.0, MAX_KEY_LIGHT)),
    )
    motion = plan.motions[0]
    starts = [start for start, _ in motion.sub_actions]
    first, last = max(-LEAD_SECONDS, plan.times[0]), min(motion.entry_time + AFTER_SECONDS, plan.times[-1])
    # The nearest frame of the plan for each of the clip: slow motion is thinned out, low rates repeat a frame.
    times = np.arange(first, last + 1e-6, 1 / CLIP_FPS)
    nearest = np.abs(plan.times[None] - times[:, None]).argmin(axis=1)
    distinct, index = np.unique(nearest, return_inverse=True)
    frames, _ = replace(plan, style=style).render(CLIP_LINES, CLIP_WIDTH, distinct)
    path = write_video(path, frames[index], CLIP_FPS, keyframe_every=KEYFRAME_EVERY, quality=CLIP_QUALITY)
    flight, entry = (min(int(np.searchsorted(times, start)), len(times) - 1) for start in (starts[1], starts[-1]))
    return ExemplarClip(path, 0, flight, entry, len(times) - 1)


def simulate_exemplars(
    network: Network, dives: Iterable[tuple[DiveCode, float]], count: int, seed: int = 0
) -> ExemplarBank:
    """A bank of simulated dives, encoded by a network, without clips.

    Args:
        network: in eval mode, on any device.
        dives: dive numbers and heights.
        count: exemplars for each of them, of graded quality.
        seed: the same seed gives the same dives.

    Raises:
        BankError: for no dives.
        ValueError: for a dive that the simulator cannot make.
    """
    exemplars, encodings = [], []
    for code, height in dives:
        for number, recipe in enumerate(graded_recipes(code, height, count, seed)):
            name = exemplar_id(code, height, number)
            dive = simulate_exemplar(name, code, height, recipe, network.config.input_size)
            exemplars.append(dive.exemplar)
            encodings.append(encode_frames(network, dive.frames, dive.transitions))
    if not exemplars:
        raise BankError("a bank needs at least one dive")
    return ExemplarBank(tuple(exemplars), Encoding.concatenate(encodings), network.fingerprint(), SIMULATED)
