"""Dataset of the motion of simulated dives: what the body does in each frame, and what dive it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from fineparser.data.batches import ClipBatch, TensorBatch
from fineparser.data.datasets import DiveDataset, read_distinct_frames
from fineparser.data.dives import DataError, Dive, DiveSource
from fineparser.data.readers.syndive import SimulatedFrames
from fineparser.data.simulated_datasets import MIN_VISIBLE_PIXELS
from fineparser.data.transforms import ClipTransform
from fineparser.domain.difficulty import HEIGHTS
from fineparser.domain.rules import POSITIONS
from fineparser.simulator.athlete.pose import POSE_FIELDS, POSITION_FIELDS
from fineparser.simulator.plan import DivePlan

MOTION_FIELDS = (
    "seconds",  # of the dive, 0 at the take-off; known of every frame after a cut
    "somersault",  # turns of the trunk in the dive's sense, 0 upright, for an armstand upside down
    "somersault_speed",  # turns a second
    "twist",  # turns in the dive's sense
    "twist_speed",  # turns a second
    "hip_angle",  # degrees between trunk and thighs, 180 straight
    "knee_angle",  # degrees, 180 straight
    "foot_angle",  # degrees between shanks and feet, 180 pointed
    "knees_apart",  # metres
    "ankles_apart",  # metres
    "metre",  # length of a metre at the diver's distance, in heights of the frame
    "height",  # metres of the centre of mass above the water
    "distance",  # metres of the centre of mass from the edge of the board, out over the water
)
"""Names of the numbers that describe the motion in a frame."""
DIVE_FIELDS = (
    "flight",  # seconds of the dive at the take-off
    "entry",  # seconds of the dive at the first touch of the water
    "half_somersaults",
    "half_twists",
    "direction",  # index of forward, back, reverse, inward
    "start",  # 0 feet, 1 hands
    "position",  # index of A, B, C, D
    "height",  # index in `HEIGHTS`
    "frame_rate",  # frames of the clip a second of the dive
    "entry_angle",  # degrees past the vertical at the touch
)
"""Names of the numbers that describe a dive; NaN where unknown."""
SPEED_STEP = 1 / 240
"""Seconds to either side over which the speed of the twist is measured: a sample of the motion."""
MAX_SUBMERSION = 0.06
"""Seconds after the touch up to which the motion is labelled: then the body is under water."""


@dataclass(frozen=True)
class MotionBatch(TensorBatch):
    """B clips with the motion of the first diver."""

    clips: ClipBatch
    motion: torch.Tensor
    """float32 [B, 96, 13], see `MOTION_FIELDS`; NaN where it is unknown or the diver is not visible."""
    dives: torch.Tensor
    """float32 [B, 10], see `DIVE_FIELDS`."""

    def __len__(self) -> int:
        return len(self.clips)

    @classmethod
    def stack(cls, batches: Sequence["MotionBatch"]) -> "MotionBatch":
        """Concatenate batches."""
        return cls(
            ClipBatch.stack([batch.clips for batch in batches]),
            torch.cat([batch.motion for batch in batches]),
            torch.cat([batch.dives for batch in batches]),
        )


class MotionDataset(DiveDataset[MotionBatch]):
    """Each simulated dive of a source, the square in the middle of the frame, trimmed at random. Join samples with
    `MotionBatch.stack`.

    Clips are not mirrored: `CompactFineParser` sees both sides of each. A dive that the simulator did not make raises
    `DataError`; dives of a store are without their motion.

    Args:
        source: simulated dives, such as `SynDives`.
        scale: frames are rendered at this multiple of 112 lines.
        colour_jitter: see `ClipTransform`.
        seed: of the trims and colours.
    """

    def __init__(self, source: DiveSource, *, scale: int = 1, colour_jitter: float = 0.0, seed: int = 0) -> None:
        transform = ClipTransform.for_centre_training(colour_jitter, scale)
        super().__init__(source, replace(transform, flip_probability=0.0), seed=seed)

    def _sample(self, epoch: int, index: int, rng: np.random.Generator) -> MotionBatch:
        dive = self._source.at_epoch(epoch)[index]
        if not isinstance(dive.frames, SimulatedFrames):
            raise DataError(f"{dive.location}: its motion is unknown; use a source such as syndive:1000")
        plan = dive.frames.plan
        dive = replace(dive, frames=SimulatedFrames(plan, dive.frames.lines, width=dive.frames.lines))
        numbers = self._transform.numbers(dive, rng)
        frames, masks, places = read_distinct_frames(dive, numbers)
        clip, mask = self._transform(frames, masks, rng)
        motion = measure_motion(plan, numbers, read_poses(dive, numbers))
        if mask is not None:
            area = mask[0, places].sum((1, 2)).numpy()
            motion[area < MIN_VISIBLE_PIXELS * self._transform.mask_scale**2, 1:] = np.nan
        return MotionBatch(
            ClipBatch.from_dive(dive, numbers, clip[:, places], None),
            torch.from_numpy(motion)[None],
            torch.from_numpy(describe_dive(plan))[None],
        )


def read_poses(dive: Dive, numbers: np.ndarray) -> np.ndarray:
    """Poses and positions float32 [F, 28] of a simulated dive, see `fineparser.simulator.athlete.pose`."""
    poses = dive.read_poses(numbers.tolist())
    if poses is None:
        raise DataError(f"{dive.location}: it has no poses, which only simulated dives have.")
    return poses


def measure_motion(plan: DivePlan, numbers: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """Motion of the first diver, float32 [F, 13], see `MOTION_FIELDS`; NaN before a cut, but for the seconds, and
    under water.

    Args:
        plan: of the dive.
        numbers: [F] source frames.
        poses: [F, 28] poses and positions in these frames.
    """
    times, motion = plan.times[numbers], plan.motions[0]
    samples = motion.at(times)
    before, after = motion.at(times - SPEED_STEP), motion.at(times + SPEED_STEP)
    columns = dict(zip((*POSE_FIELDS, *(f"position_{name}" for name in POSITION_FIELDS)), poses.T, strict=True))
    values = {
        "seconds": times,
        "somersault": samples.somersault,
        "somersault_speed": samples.angular_speed / 360,
        "twist": samples.twist,
        "twist_speed": (after.twist - before.twist) / (2 * SPEED_STEP),
        "hip_angle": samples.hip_angle,
        "knee_angle": samples.knee_angle,
        "foot_angle": np.rad2deg(np.arccos(np.clip(columns["feet_open"], -1, 1))),
        "knees_apart": columns["knees_apart"],
        "ankles_apart": columns["ankles_apart"],
        "metre": columns["position_metre"],
        "height": samples.centre_of_mass[:, 2],
        "distance": samples.centre_of_mass[:, 0],
    }
    measured = np.column_stack([values[name] for name in MOTION_FIELDS]).astype(np.float32)
    measured[(numbers < plan.cut_frame) | (times > motion.entry_time + MAX_SUBMERSION), 1:] = np.nan
    return measured


def describe_dive(plan: DivePlan) -> np.ndarray:
    """Numbers of a dive, float32 [10], see `DIVE_FIELDS`."""
    code, motion = plan.code, plan.motions[0]
    values = {
        "flight": motion.take_off_time,
        "entry": motion.entry_time,
        "half_somersaults": code.half_somersaults,
        "half_twists": code.half_twists,
        "direction": code.direction - 1 if code.direction else np.nan,
        "start": code.armstand,
        "position": list(POSITIONS).index(code.position),
        "height": HEIGHTS.index(plan.height),
        "frame_rate": plan.fps * plan.slow_motion,
        "entry_angle": motion.entry_angle,
    }
    return np.array([values[name] for name in DIVE_FIELDS], np.float32)
