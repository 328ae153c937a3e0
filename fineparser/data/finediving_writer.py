"""Writes simulated dives as a FineDiving folder with the masks of FineDiving-HM, so that the readers meet the format.

Clips are written one at a time and are whole or not there; the annotations come last. An interrupted run goes on
where it stopped when it is started again with the same job; a folder with anything else in it is left alone.
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

from fineparser.data.dives import DataError
from fineparser.data.finediving import (
    DETAILS_FILE,
    FRAME_FOLDERS,
    MASK_FOLDERS,
    SCORES_FILE,
    SUB_ACTIONS_FILE,
    TEST_FILE,
    TRAIN_FILE,
)
from fineparser.data.syndive import SynDives, frame_labels
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import SUB_ACTIONS
from fineparser.simulator.plan import DivePlan
from fineparser.video.sampling import sample_frames

JOB_FILE = "simulated.json"
CLIPS_A_VIDEO = 20
NUMBERS_A_CLIP = 1000
"""Frame numbers set aside for each clip of a video: five digits do for all of them, as sorting by name needs."""

MOST_FRAMES = 120
"""Frames written of a clip at most, evenly taken: FineDiving's have 104 on average."""

JPEG_QUALITY = 95


@dataclass(frozen=True)
class SimulationJob:
    """Which dives are written, and how large. ValueError for what cannot be."""

    count: int
    seed: int = 0
    lines: int = 112
    """Height of the pictures, which are 16:9."""

    codes: tuple[DiveCode, ...] = ()
    """Dive numbers to draw from; those of competitions where empty."""

    test_share: float = 0.25
    """Share of the dives that are the test split, FineDiving's by default."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"At least one dive is simulated, not {self.count}.")
        if not 112 <= self.lines <= 720:
            raise ValueError(f"The pictures are 112 to 720 lines high, not {self.lines}.")
        if not 0 <= self.test_share <= 1:
            raise ValueError(f"test_share is a share from 0 to 1, not {self.test_share:g}.")

    @property
    def test_count(self) -> int:
        """Dives of the test split, which are written last."""
        return round(self.count * self.test_share)

    def plan(self, index: int) -> DivePlan:
        """Everything about dive `index` but its pictures."""
        in_training = self.count - self.test_count
        split, place = ("train", index) if index < in_training else ("test", index - in_training)
        source = SynDives(self.count, self.seed, split, codes=self.codes)
        return source.plan(place)

    def to_json(self) -> dict[str, Any]:
        """Plain values, to tell this job from another."""
        return {**vars(self), "codes": [str(code) for code in self.codes]}


def write_finediving(job: SimulationJob, folder: str | Path, *, progress: Callable[[int], None] | None = None) -> int:
    """Writes the dives of `job` to `folder` in FineDiving's form and returns how many were drawn this time.

    `progress` is called after each dive with the number of dives done. Clips that an earlier run of the same job
    left are kept. DataError where the folder holds anything else; OSError, with nothing half written, where the
    disk is full.
    """
    folder = Path(folder)
    _open_folder(folder, job)
    table, drawn = _Table(), 0
    for index in range(job.count):
        plan = job.plan(index)
        key = (f"SynDive_{plan.split}_{plan.height:g}m_{index // CLIPS_A_VIDEO:04d}", index % CLIPS_A_VIDEO)
        clip = _Clip.of(plan, first=key[1] * NUMBERS_A_CLIP + 1)
        drawn += _write_clip(folder, key, clip, plan, job.lines)
        table.add(key, clip, plan)
        if progress is not None:
            progress(index + 1)
    table.save(folder)
    return drawn


@dataclass(frozen=True)
class _Clip:
    """The frames that are written of a planned dive: their numbers there and in the files, and their labels."""

    planned: np.ndarray
    numbers: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, plan: DivePlan, first: int) -> "_Clip":
        labels, _, _ = frame_labels(plan)
        planned = sample_frames(0, len(labels) - 1, min(len(labels), MOST_FRAMES))
        return cls(planned, first + np.arange(len(planned)), labels[planned])


class _Table:
    """The annotations, gathered dive by dive."""

    def __init__(self) -> None:
        self._scores: dict = {}
        self._details: dict = {}
        self._splits: dict[str, list] = {"train": [], "test": []}
        self._names = dict(SUB_ACTIONS)

    def add(self, key: tuple[str, int], clip: _Clip, plan: DivePlan) -> None:
        labels = clip.labels
        # A step that FineDiving's table lacks (a dive it does not show) gets a name of its own.
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
            _write_whole(folder / "Annotations" / name, pickle.dumps(value, protocol=4))


def _open_folder(folder: Path, job: SimulationJob) -> None:
    """Makes the folder, or checks that it is the unfinished or finished folder of the same job."""
    note = folder / JOB_FILE
    wanted = json.dumps(job.to_json(), indent=1)
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: is a file; give a folder to write to.")
    if note.is_file():
        if note.read_text() != wanted:
            raise DataError(
                f"{folder}: holds the dives of another job ({' '.join(note.read_text().split())}). Repeat that one to "
                "go on with it, or give another folder."
            )
    elif folder.is_dir() and any(folder.iterdir()):
        raise DataError(f"{folder}: is not empty, and not from `simulate`. Give a new or an empty folder.")
    _write_whole(note, wanted.encode())


def _write_clip(folder: Path, key: tuple[str, int], clip: _Clip, plan: DivePlan, lines: int) -> bool:
    """Draws and writes a clip unless it is there; its masks go first, so that its frames mean that it is whole."""
    frames_folder = folder / FRAME_FOLDERS[0] / key[0] / str(key[1])
    masks_folder = folder / MASK_FOLDERS[0] / key[0] / str(key[1])
    if frames_folder.is_dir():
        return False
    frames, masks = plan.film(lines, "full", clip.planned)
    _write_pictures(masks_folder, clip.numbers, masks.astype(np.uint8) * 255)
    _write_pictures(frames_folder, clip.numbers, frames[..., ::-1])
    return True


def _write_pictures(folder: Path, numbers: np.ndarray, pictures: np.ndarray) -> None:
    """Writes JPEGs (grey, or blue-green-red) into a folder that appears when all of them are there."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        for number, picture in zip(numbers, pictures, strict=True):
            _, data = cv2.imencode(".jpg", np.ascontiguousarray(picture), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            (part / f"{number:05d}.jpg").write_bytes(data.tobytes())
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_whole(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
