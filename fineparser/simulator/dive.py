"""Simulated clips of dives with every label known."""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.clip_geometry import CLIP_FRAMES, CLIP_SIDE, sample_frames
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import Transitions
from fineparser.simulator.filming.filming import FrameWidth
from fineparser.simulator.judges import Fault, assess_faults
from fineparser.simulator.plan import DivePlan, DiveRequest, plan_dive


@dataclass(frozen=True)
class SimulatedDive:
    """A clip of T frames (96 by default) with its labels."""

    frames: np.ndarray
    """RGB uint8 [T, H, W, 3]."""
    masks: np.ndarray
    """Divers and splash, bool [T, H, W]."""
    source_frames: np.ndarray
    """Number of each frame in the source clip, [T]; frames repeat where the source clip is shorter."""
    times: np.ndarray
    """Seconds of the dive, 0 at take-off, [T]."""
    transitions: Transitions | None
    """First flight and first entry frame; None for clips of other lengths than the network's 96 frames."""
    phases: np.ndarray
    """`fineparser.domain.phases.Phase` of each frame, int64 [T]."""
    sub_actions: np.ndarray
    """FineDiving's sub-action id of each frame, int64 [T]."""
    centre_of_mass: np.ndarray
    """Of the first diver, as all of the following; metres, [T, 3]."""
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
    """Of the somersault, degrees per second, [T]."""
    plan: DivePlan
    """Plan of the dive, which renders it at other sizes, too."""

    @property
    def code(self) -> DiveCode:
        """The dive number."""
        return self.plan.code

    @property
    def height(self) -> float:
        """Height of the board or platform, metres."""
        return self.plan.height

    @property
    def difficulty(self) -> float:
        """Difficulty by the current table."""
        return self.plan.difficulty

    @property
    def awards(self) -> tuple[float, ...]:
        """Seven awards in halves."""
        return self.plan.awards

    @property
    def score(self) -> float:
        """Total score."""
        return self.plan.score

    @property
    def noise_free_award(self) -> float:
        """The award of a judge without noise, 0-10."""
        return self.plan.noise_free_award

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Faults of the first diver with size, unit and deduction, in order of descending deduction."""
        return assess_faults(self.plan.faults[0])

    @property
    def entry_angle(self) -> float:
        """Degrees from the vertical at the entry: negative short of it, positive past it."""
        return self.plan.motions[0].entry_angle

    @property
    def splash_size(self) -> float:
        """0 (rip) to 1 (huge)."""
        return self.plan.motions[0].splash_size

    @property
    def fps(self) -> float:
        """Frames per second of the source clip."""
        return self.plan.fps

    @property
    def slow_motion(self) -> float:
        """Factor by which the clip runs slower than life."""
        return self.plan.slow_motion

    @property
    def camera(self) -> str:
        """Kind of camera."""
        return self.plan.style.camera_kind

    @property
    def seed(self) -> int:
        """Seed of the dive within its split."""
        return self.plan.seed


def simulate(
    seed: int,
    request: DiveRequest | None = None,
    *,
    split: str = "train",
    lines: int = CLIP_SIDE,
    width: FrameWidth = None,
    frames: int = CLIP_FRAMES,
) -> SimulatedDive:
    """Simulate one dive: the same arguments give the same bytes.

    Args:
        seed: an integer >= 0.
        request: properties of the dive that are given; all are sampled when None.
        split: "train", "validation" or "test"; they share no diver and no scene.
        lines: height of the frames in pixels.
        width: None for the published loader's crop (112 x 112 at 112 lines), "full" for the 16:9 image, or pixels.
        frames: number of frames of the clip, sampled evenly from the source clip as in the published loader.

    Raises:
        ValueError: see `plan_dive` and `DivePlan.render`.
    """
    if frames < 1 or lines < 16:
        raise ValueError(f"{frames} frames of {lines} lines; give at least 1 frame and 16 lines")
    plan = plan_dive(seed, request, split=split)
    source = sample_frames(0, len(plan.times) - 1, frames)
    distinct, index = np.unique(source, return_inverse=True)
    images, masks = plan.render(lines, width, distinct)
    times = plan.times[source]
    motion = plan.motions[0].at(times)
    starts = np.array([start for start, _ in plan.motions[0].sub_actions])
    ids = np.array([sub_action for _, sub_action in plan.motions[0].sub_actions])
    part = np.maximum(np.searchsorted(starts, times, side="right") - 1, 0)
    phases = (part > 0).astype(np.int64) + (part == len(starts) - 1)
    return SimulatedDive(
        frames=images[index],
        masks=masks[index],
        source_frames=source,
        times=times,
        transitions=Transitions.from_phases(phases) if frames == CLIP_FRAMES else None,
        phases=phases,
        sub_actions=ids[part],
        centre_of_mass=motion.centre_of_mass,
        trunk_direction=motion.trunk_direction,
        hip_angle=motion.hip_angle,
        knee_angle=motion.knee_angle,
        somersault=motion.somersault,
        twist=motion.twist,
        angular_speed=motion.angular_speed,
        plan=plan,
    )
