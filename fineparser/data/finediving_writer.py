"""Writer of simulated dives in the format of FineDiving with the masks of FineDiving-HM.

Clips are written one at a time, each atomically; the annotations come last. An interrupted run continues when it is
started again with the same job; a folder with anything else in it is not touched.
"""

import json
import os
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from fineparser.atomic import atomic_write
from fineparser.data.dives import DataError
from fineparser.data.readers.finediving import (
    DETAILS_FILE,
    FRAME_FOLDERS,
    MASK_FOLDERS,
    SCORES_FILE,
    SUB_ACTIONS_FILE,
    TEST_FILE,
    TRAIN_FILE,
)
from fineparser.data.readers.syndive import SynDives, frame_labels
from fineparser.domain.clip_geometry import sample_frames
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import SUB_ACTIONS
from fineparser.simulator.plan import DivePlan

JOB_FILE = "simulated.json"
CLIPS_PER_VIDEO = 20
NUMBERS_PER_CLIP = 1000
"""Frame numbers reserved for each clip of a video: five digits suffice for all, as sorting by name needs."""

MAX_FRAMES = 120
"""Frames of a clip at most, sampled evenly: FineDiving's have 104 on average."""

JPEG_QUALITY = 95


@dataclass(frozen=True)
class SimulationJob:
    """Dives to write, and their size. ValueError for invalid values."""

    count: int
    seed: int = 0
    lines: int = 112
    """Height of the frames, which are 16:9."""

    codes: tuple[DiveCode, ...] = ()
    """Dive numbers to sample from; those of competitions where empty."""

    test_share: float = 0.25
    """Share of the dives that are the test split, FineDiving's by default."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"At least one dive is simulated, not {self.count}.")
        if not 112 <= self.lines <= 720:
            raise ValueError(f"The frames are 112 to 720 lines high, not {self.lines}.")
        if not 0 <= self.test_share <= 1:
            raise ValueError(f"test_share is a share from 0 to 1, not {self.test_share:g}.")

    @property
    def test_count(self) -> int:
        """Number of dives of the test split, which are written last."""
        return round(self.count * self.test_share)

    def plan(self, index: int) -> DivePlan:
        """Plan of dive `index`: everything but the rendered frames."""
        training_count = self.count - self.test_count
        split, place = ("train", index) if index < training_count else ("test", index - training_count)
        source = SynDives(self.count, self.seed, split, codes=self.codes)
        return source.plan(place)

    def to_json(self) -> dict[str, Any]:
        """Plain values, which distinguish this job from others."""
        return {**vars(self), "codes": [str(code) for code in self.codes]}


def write_finediving(job: SimulationJob, folder: str | Path, *, progress: Callable[[int], None] | None = None) -> int:
    """Write the dives of `job` to `folder` in FineDiving's format; return the number of dives rendered in this run.

    Clips of an earlier run of the same job stay.

    Args:
        job: dives to write.
        folder: new or empty folder, or one of the same job.
        progress: called after each dive with the number of dives done.

    Raises:
        DataError: where the folder holds anything else.
        OSError: where the disk is full; nothing is half written.
    """
    folder = Path(folder)
    _open_folder(folder, job)
    annotations, rendered = _AnnotationFiles(), 0
    for index in range(job.count):
        plan = job.plan(index)
        key = (f"SynDive_{plan.split}_{plan.height:g}m_{index // CLIPS_PER_VIDEO:04d}", index % CLIPS_PER_VIDEO)
        clip = _ClipPlan.from_plan(plan, first=key[1] * NUMBERS_PER_CLIP + 1)
        rendered += _write_clip(folder, key, clip, plan, job.lines)
        annotations.add(key, clip, plan)
        if progress is not None:
            progress(index + 1)
    annotations.save(folder)
    return rendered


@dataclass(frozen=True)
class _ClipPlan:
    """Frames of a planned dive to write: their numbers in the plan and in the files, and their labels."""

    planned: np.ndarray
    numbers: np.ndarray
    labels: np.ndarray

    @classmethod
    def from_plan(cls, plan: DivePlan, first: int) -> "_ClipPlan":
        labels, _, _ = frame_labels(plan)
        planned = sample_frames(0, len(labels) - 1, min(len(labels), MAX_FRAMES))
        return cls(planned, first + np.arange(len(planned)), labels[planned])


class _AnnotationFiles:
    """Annotations, collected dive by dive."""

    def __init__(self) -> None:
        self._scores: dict[tuple[str, int], list[Any]] = {}
        self._details: dict[tuple[str, int], dict[str, Any]] = {}
        self._splits: dict[str, list[tuple[str, int]]] = {"train": [], "test": []}
        self._names = dict(SUB_ACTIONS)

    def add(self, key: tuple[str, int], clip: _ClipPlan, plan: DivePlan) -> None:
        labels = clip.labels
        # A sub-action that FineDiving's table lacks gets a name of its own.
        names = {int(one): self._names.setdefault(int(one), f"Sub-action {one}") for one in np.unique(labels)}
        steps = clip.numbers[1:][np.diff(labels) != 0]
        self._scores[key] = [str(plan.code).lower(), plan.score, plan.difficulty, steps.tolist(), labels.tolist()]
        self._details[key] = {
            "action_type": str(plan.code).lower(),
            "sub-action_types": names,
            "judge_scores": [float(award) for award in plan.awards],
            "dive_score": plan.score,
            "difficulty": plan.difficulty,
            "frames_labels": labels,
            "steps_transit_frames": steps,
            "start_frame": int(clip.numbers[0]),
            "end_frame": int(clip.numbers[-1]),
        }
        self._splits[plan.split].append(key)

    def save(self, folder: Path) -> None:
        for name, value in (
            (SUB_ACTIONS_FILE, self._names),
            (DETAILS_FILE, self._details),
            (SCORES_FILE, self._scores),
            (TRAIN_FILE, self._splits["train"]),
            (TEST_FILE, self._splits["test"]),
        ):
            _write_bytes(folder / "Annotations" / name, pickle.dumps(value, protocol=4))


def _open_folder(folder: Path, job: SimulationJob) -> None:
    """Create the folder, or check that it is that of the same job."""
    note = folder / JOB_FILE
    description = json.dumps(job.to_json(), indent=1)
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: is a file; give a folder to write to.")
    if note.is_file():
        if note.read_text() != description:
            raise DataError(
                f"{folder}: holds the dives of another job ({' '.join(note.read_text().split())}). Repeat that one to "
                "continue it, or give another folder."
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise DataError(f"{folder}: is not empty, and not from `simulate`. Give a new or an empty folder.")
    _write_bytes(note, description.encode())


def _write_clip(folder: Path, key: tuple[str, int], clip: _ClipPlan, plan: DivePlan, lines: int) -> bool:
    """Render and write a clip unless it exists; its masks come first, so that a clip with frames is complete."""
    frames_folder = folder / FRAME_FOLDERS[0] / key[0] / str(key[1])
    masks_folder = folder / MASK_FOLDERS[0] / key[0] / str(key[1])
    if frames_folder.is_dir():
        return False
    frames, masks = plan.render(lines, "full", clip.planned)
    _write_images(masks_folder, clip.numbers, masks.astype(np.uint8) * 255)
    _write_images(frames_folder, clip.numbers, frames[..., ::-1])
    return True


def _write_images(folder: Path, numbers: np.ndarray, images: np.ndarray) -> None:
    """Write JPEGs (grey or BGR) into a folder that appears when it is complete."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        for number, image in zip(numbers, images, strict=True):
            _, data = cv2.imencode(".jpg", np.ascontiguousarray(image), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            (part / f"{number:05d}.jpg").write_bytes(data.tobytes())
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_bytes(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, lambda part: part.write_bytes(data))
