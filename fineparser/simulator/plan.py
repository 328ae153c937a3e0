"""Everything that is decided about a simulated dive before a pixel of it is drawn."""

from dataclasses import dataclass, replace

import numpy as np

from fineparser.domain.difficulty import difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import total
from fineparser.simulator.body import Body
from fineparser.simulator.camera import KIND_SHARES, KINDS
from fineparser.simulator.faults import Faults, draw_faults, draw_level
from fineparser.simulator.footage import WINDOW, Style, divide, shoot, watch
from fineparser.simulator.judges import award_panel, execution
from fineparser.simulator.motion import plan_motion, plan_partner
from fineparser.simulator.posture import PLACE, POSTURE
from fineparser.simulator.programme import draw_dive

SPLITS = ("train", "validation", "test")
FRAME_RATES = {24.0: 0.04, 25.0: 0.34, 29.97: 0.3, 30.0: 0.1, 50.0: 0.1, 59.94: 0.06, 60.0: 0.06}
SYNCHRO_SHARE = 0.2
SLOW_SHARE = 0.1
CUT_SHARE = 0.05
STRETCHED_SHARE = 0.28
ASIDE_SHARE = 0.3
LATE_SHARE, LONGEST_AFTER = 0.25, 3.0
"""How often a clip goes on well after the entry, and seconds until it ends at the latest: people trim as they like."""
CLOSER = {"broadcast": 0.6, "handheld": 0.3, "static": 0.0}  # logarithm of the closest zoom


@dataclass(frozen=True)
class DivePlan:
    """One dive: who dives what, how well, and how it is filmed. `film` draws it at any size."""

    seed: int
    split: str
    code: DiveCode
    height: float
    """Metres."""
    difficulty: float
    faults: tuple[Faults, ...]
    """Sizes of what each diver does wrong."""
    awards: tuple[float, ...]
    """Seven, in halves."""
    execution: float
    """What a judge without noise would award, 0-10."""
    bodies: tuple[Body, ...]
    motions: tuple
    """One `Motion` per diver; synchronised divers are two."""
    sides: tuple[float, ...]
    """y of each diver's line, metres."""
    times: np.ndarray
    """Seconds of the dive at each of the N frames of the source clip, 0 at take-off, [N]."""
    fps: float
    """Frames a second of the source clip."""
    slow_motion: float
    """1, or how many times slower than life the clip runs."""
    style: Style
    opening: "DivePlan | None"
    """Another dive whose frames stand before a hard cut at the start, or None."""
    cut: int
    """Number of source frames before the cut."""

    @property
    def score(self) -> float:
        """The total: the rules' middle awards times the difficulty."""
        return total(self.awards, self.difficulty)

    @property
    def synchro(self) -> bool:
        """Whether two divers dive."""
        return len(self.bodies) == 2

    def film(self, lines=WINDOW, width=None, frame_numbers=None):
        """Draw frames of the source clip.

        Args:
            lines: lines of the picture.
            width: None gives the window of the 16:9 picture that the published loader cuts (112 of 200 pixels at
                112 lines), at a random place in training clips and in the middle otherwise; "full" gives the whole
                picture; a number the middle that many pixels.
            frame_numbers: source frames, rising; all N when None.

        Returns:
            frames uint8 [F, lines, W, 3], masks bool [F, lines, W].
        """
        numbers = self._checked(np.arange(len(self.times)) if frame_numbers is None else frame_numbers)
        after = numbers[numbers >= self.cut]
        pieces = []
        if len(after) < len(numbers):
            pieces.append(self.opening.film(lines, width, numbers[numbers < self.cut]))
        if len(after):
            pieces.append(
                shoot(self.bodies, self.motions, self.sides, *self._filming, lines=lines, width=width, frames=after)
            )
        frames, masks = zip(*pieces, strict=True)
        return np.concatenate(frames), np.concatenate(masks)

    def postures(self, frame_numbers, lines=WINDOW, width="full"):
        """The first diver's posture in frames of the source clip, as the camera sees it, and its place in the picture.

        Args:
            frame_numbers: source frames, rising.
            lines, width: of the picture, as for `film`.

        Returns:
            float32 [F, 28], see `fineparser.simulator.posture.posture`; NaN before a cut and where a number says
            nothing.
        """
        numbers = self._checked(frame_numbers)
        seen = np.full((len(numbers), len(POSTURE) + len(PLACE)), np.nan, np.float32)
        if (numbers >= self.cut).any():
            seen[numbers >= self.cut] = watch(
                self.motions, *self._filming, lines=lines, width=width, frames=numbers[numbers >= self.cut]
            )
        return seen

    def layers(self, frame_numbers, lines=WINDOW, width="full"):
        """What frames of the source clip are made of: bodies, flying water and foam.

        Args:
            frame_numbers: source frames, rising.
            lines, width: of the picture, as for `film`.

        Returns:
            uint8 [F, lines, W, 3], see `fineparser.simulator.layers.draw_layers`; nothing before a cut.
        """
        numbers = self._checked(frame_numbers)
        after = np.maximum(numbers, self.cut)  # what is before is drawn for its size alone
        rising, places = np.unique(after, return_inverse=True)
        made = divide(self.bodies, self.motions, self.sides, *self._filming, lines=lines, width=width, frames=rising)
        return made[places] * (numbers >= self.cut)[:, None, None, None]

    @property
    def _filming(self):
        return (self.height, self.height <= 3), self.times, self.style

    def _checked(self, frame_numbers):
        numbers = np.asarray(frame_numbers)
        if len(numbers) == 0 or numbers.min() < 0 or numbers.max() >= len(self.times):
            raise ValueError(f"frame numbers {numbers!r} do not lie in the clip's {len(self.times)} frames")
        return numbers


def plan_dive(
    seed, *, split="train", code=None, height=None, level=None, synchro=None, camera=None, opening=None
) -> DivePlan:
    """Decide everything about a dive.

    Args:
        seed: a whole number from 0 on; dives of one split differ by it.
        split: "train", "validation" or "test". Their random streams are apart, so no diver and no scene of one
            occurs in another.
        code: dive number (`DiveCode` or text), drawn when None.
        height: metres, drawn when None.
        level: the diver's level, 0 (beginner) to 1 (medallist), drawn when None.
        synchro: two divers, drawn when None.
        camera: "broadcast", "static" or "handheld", drawn when None.
        opening: whether another shot stands at the start, drawn when None.

    Raises:
        ValueError: an unknown split, camera, code or height, a negative seed, or a dive that is not dived from
            that height.
    """
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is not known; use one of {', '.join(SPLITS)}")
    if seed < 0:
        raise ValueError(f"seed is {seed}; give a whole number from 0 on")
    if camera is not None and camera not in KINDS:
        raise ValueError(f"camera {camera!r} is not known; use one of {', '.join(KINDS)}")
    # The split's own number comes first: two splits can never run into the same stream.
    roots = np.random.SeedSequence([SPLITS.index(split), int(seed)]).spawn(5)
    dive, timing, filming, second, cutting = (np.random.default_rng(root) for root in roots)
    code, height = draw_dive(dive, code, height)
    bodies, motions, sides, faults = _divers(dive, second, code, height, level, synchro)
    awards, deserved = _judge(dive, faults)
    kind = camera or KINDS[int(filming.choice(len(KINDS), p=KIND_SHARES))]
    times, fps, slow = _source_clip(timing, motions, kind)
    cut = int(cutting.integers(1, 5))
    if opening is None:
        opening = cutting.random() < CUT_SHARE
    return DivePlan(
        seed=int(seed),
        split=split,
        code=code,
        height=height,
        difficulty=difficulty(code, height),
        faults=faults,
        awards=awards,
        execution=deserved,
        bodies=bodies,
        motions=motions,
        sides=sides,
        times=times,
        fps=fps,
        slow_motion=slow,
        style=_style(filming, kind, split, fps * slow),
        opening=_opening(cutting, split) if opening else None,
        cut=cut if opening else 0,
    )


def _divers(rng, second, code, height, level, synchro):
    """One or two divers of the same sex, their motions and lines; the second is a little out of time."""
    first = Body.sample(rng)
    level = draw_level(rng, code, height) if level is None else level
    faults = draw_faults(rng, level, code, height)
    motion = plan_motion(code, height, first, faults, rng)
    synchro = rng.random() < SYNCHRO_SHARE if synchro is None else synchro
    if not synchro:
        return (first,), (motion,), (0.0,), (faults,)
    partner = Body.sample(second, first.sex)
    # Partners wear the same suit.
    partner = replace(partner, colours=partner.colours | {"suit": first.colours["suit"]})
    apart = second.uniform(1.6, 2.4) * (1 if second.random() < 0.5 else -1)
    theirs = draw_faults(second, level, code, height)
    partnered = plan_partner(code, height, partner, theirs, second, motion, sideways=apart)
    return (first, partner), (motion, partnered), (0.0, apart), (faults, theirs)


def _source_clip(rng, motions, kind):
    """Seconds of the dive at each frame of the source clip, its frame rate and its slow motion."""
    fps = float(rng.choice(list(FRAME_RATES), p=list(FRAME_RATES.values())))
    slow = float(rng.uniform(1.8, 4.0)) if rng.random() < SLOW_SHARE else 1.0
    entry = max(motion.entry_time for motion in motions)
    if slow > 1:
        lead, after = rng.uniform(0.1, 0.6), rng.uniform(0.3, 0.7)
    else:
        long = rng.random() < (0.1 if kind == "broadcast" else 0.3)
        lead = rng.uniform(2.0, 5.0) if long else rng.uniform(0.3, 2.0)
        after = rng.uniform(1.2, LONGEST_AFTER) if rng.random() < LATE_SHARE else rng.uniform(0.3, 1.2)
    count = int((lead + entry + after) * fps * slow) + 1
    return -lead + np.arange(count) / (fps * slow), fps, slow


def _style(rng, kind, split, rate):
    exposure = 1 / np.exp(rng.uniform(np.log(50), np.log(1000)))
    if rng.random() < 0.25:
        exposure = 1 / rng.uniform(50, 100)
    stretch = 1.0
    if rng.random() < STRETCHED_SHARE:
        stretch = 4 / 3 if rng.random() < 0.5 else rng.uniform(0.8, 1.3)
    place = rng.random()
    return Style(
        shutter=float(min(exposure, 1 / rate)),
        camera=kind,
        stretch=float(stretch),
        key=float(np.exp(rng.uniform(0.0, 0.65) if kind == "broadcast" else rng.uniform(-0.3, 0.45))),
        zoom=float(np.exp(rng.uniform(0, CLOSER[kind]))),
        aside=float(rng.uniform(-0.32, 0.32)) if rng.random() < ASIDE_SHARE else 0.0,
        close_up=False,
        window_place=float(place) if split == "train" else 0.5,
        seeds=tuple(int(value) for value in rng.integers(2**62, size=4)),
    )


def _opening(rng, split):
    """The dive that the shot before a hard cut shows: another one, often the face of its waiting diver."""
    other = plan_dive(int(rng.integers(2**62)), split=split, opening=False)
    close_up = bool(rng.random() < 0.6)
    return replace(other, style=replace(other.style, close_up=close_up))


def _judge(rng, faults):
    """Seven awards and the execution. A judge of a pair averages what the two divers deserve, in halves."""
    panels = [award_panel(rng, each) for each in faults]
    awards = np.ceil(2 * np.mean(panels, axis=0) - 0.25) / 2
    return tuple(float(award) for award in awards), float(np.mean([execution(each) for each in faults]))
