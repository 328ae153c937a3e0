"""SynDive's front door: `simulate(seed)` gives a clip of a dive with every label known."""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import CLIP_FRAMES, Transitions
from fineparser.simulator.judges import Fault, deductions
from fineparser.simulator.plan import WINDOW, DivePlan, plan_dive


@dataclass(frozen=True)
class SimulatedDive:
    """A clip of T frames (96 unless asked otherwise) and all there is to know about it."""

    frames: np.ndarray
    """RGB uint8 [T, H, W, 3]."""
    masks: np.ndarray
    """Divers and splash, bool [T, H, W]."""
    source_frames: np.ndarray
    """Which frame of the source clip each frame is, [T]; frames repeat where the source clip is shorter."""
    times: np.ndarray
    """Seconds of the dive, 0 at take-off, [T]."""
    transitions: Transitions | None
    """First flight and first entry frame; None for clips of other lengths than the network's 96 frames."""
    phases: np.ndarray
    """`fineparser.domain.phases.Phase` of each frame, int64 [T]."""
    sub_actions: np.ndarray
    """FineDiving's sub-action id of each frame, int64 [T]."""
    centre_of_mass: np.ndarray
    """First diver's, metres, [T, 3]."""
    trunk_direction: np.ndarray
    """Unit vectors from pelvis to neck, [T, 3]."""
    hip_angle: np.ndarray
    """Degrees, 180 is straight, [T]."""
    knee_angle: np.ndarray
    """Degrees, 180 is straight, [T]."""
    somersault: np.ndarray
    """Turns since take-off in the dive's sense, [T]."""
    twist: np.ndarray
    """Turns since take-off in the dive's sense, [T]."""
    angular_speed: np.ndarray
    """Of the somersault, degrees a second, [T]."""
    plan: DivePlan
    """Who dives what and how it is filmed; films the same dive again at other sizes."""

    @property
    def code(self) -> DiveCode:
        """The dive number."""
        return self.plan.code

    @property
    def height(self) -> float:
        """Metres."""
        return self.plan.height

    @property
    def difficulty(self) -> float:
        """By the current table."""
        return self.plan.difficulty

    @property
    def awards(self) -> tuple[float, ...]:
        """Seven awards in halves."""
        return self.plan.awards

    @property
    def score(self) -> float:
        """The total."""
        return self.plan.score

    @property
    def execution(self) -> float:
        """The award before the judges' own noise, 0-10."""
        return self.plan.execution

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The first diver's faults with size, unit and deduction, the dearest first."""
        return deductions(self.plan.faults[0])

    @property
    def entry_angle(self) -> float:
        """Degrees off the vertical at the entry, signed: negative short of it, positive past it."""
        return self.plan.motions[0].entry_angle

    @property
    def splash_size(self) -> float:
        """0 (rip) to 1 (huge)."""
        return self.plan.motions[0].splash_size

    @property
    def fps(self) -> float:
        """Frames a second of the source clip."""
        return self.plan.fps

    @property
    def slow_motion(self) -> float:
        """How many times slower than life the clip runs."""
        return self.plan.slow_motion

    @property
    def camera(self) -> str:
        """Kind of camera."""
        return self.plan.style.camera

    @property
    def seed(self) -> int:
        """What the dive was made from, with the split."""
        return self.plan.seed


def simulate(seed, *, split="train", lines=WINDOW, width=None, frames=CLIP_FRAMES, **wishes) -> SimulatedDive:
    """Make one dive: the same seed, split and wishes give the same bytes.

    Args:
        seed: a whole number from 0 on.
        split: "train", "validation" or "test"; they share no diver and no scene.
        lines: lines of the picture.
        width: None for the loader's window (112 x 112 at 112 lines), "full" for the 16:9 picture, or pixels.
        frames: how many frames are taken out of the source clip, evenly, as the published loader does it.
        **wishes: code, height, level, synchro, camera, opening of `fineparser.simulator.plan.plan_dive`.

    Returns:
        SimulatedDive.

    Raises:
        ValueError: see `plan_dive` and `DivePlan.film`.
    """
    if frames < 1 or lines < 16:
        raise ValueError(f"asked for {frames} frames of {lines} lines; give at least 1 frame and 16 lines")
    plan = plan_dive(seed, split=split, **wishes)
    source = sample_frames(len(plan.times), frames)
    distinct, place = np.unique(source, return_inverse=True)
    pictures, masks = plan.film(lines, width, distinct)
    times = plan.times[source]
    track = plan.motions[0].at(times)
    starts = np.array([start for start, _ in plan.motions[0].sub_actions])
    names = np.array([name for _, name in plan.motions[0].sub_actions])
    step = np.maximum(np.searchsorted(starts, times, side="right") - 1, 0)
    phases = (step > 0).astype(np.int64) + (step == len(starts) - 1)
    return SimulatedDive(
        frames=pictures[place],
        masks=masks[place],
        source_frames=source,
        times=times,
        transitions=Transitions.from_phases(phases) if frames == CLIP_FRAMES else None,
        phases=phases,
        sub_actions=names[step],
        centre_of_mass=track.centre_of_mass,
        trunk_direction=track.trunk_direction,
        hip_angle=track.hip_angle,
        knee_angle=track.knee_angle,
        somersault=track.somersault,
        twist=track.twist,
        angular_speed=track.angular_speed,
        plan=plan,
    )


def sample_frames(count, frames=CLIP_FRAMES):
    """Source frames [frames] out of `count`, evenly from the first to the last, rounded down (as FineDiving's loader).

    >>> sample_frames(5, 9).tolist()
    [0, 0, 1, 1, 2, 2, 3, 3, 4]
    """
    return np.linspace(0, count - 1, frames).astype(np.int64)
