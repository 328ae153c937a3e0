"""Reads FineDiving, with the masks of FineDiving-HM where they are there.

    ROOT
      FineDiving/<video>/<clip>/<frame number>.jpg         also: FINADiving_MTL_256s, Trimmed_Video_Frames/...
      FineDiving_HM/<video>/<clip>/<frame number>.jpg      masks, the same numbers
      fine-grained_annotation_aqa.pkl                      key -> [action type, score, difficulty, ?, labels]
      FineDiving_fine-grained_annotation.pkl               key -> dict with the same and the judges' awards
      train_split.pkl, test_split.pkl                      lists of keys
      Sub_action_Types_Table.pkl                           id <-> name

The pickles may lie in the root, in `Annotations` or in `train_test_split`. A key is (video name, clip number).
One of the two annotation files is enough; where both say something, the first one, which the published training
reads, is believed. Heights are not annotated: the name of the video says them for most, the degree of difficulty for
some. The official test split stays whole; the validation split is a part of the training split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fineparser.data.annotation_files import find_file, find_folder, load_splits, load_table, named_key
from fineparser.data.dives import DataError, Dive, DiveList, Place, Problems, validation_share
from fineparser.data.frame_folder import FrameFolder, missing_numbers, picture_numbers
from fineparser.data.heights import height_in_name, only_height
from fineparser.data.pickles import load_pickle
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import SUB_ACTIONS

SCORES_FILE = "fine-grained_annotation_aqa.pkl"
DETAILS_FILE = "FineDiving_fine-grained_annotation.pkl"
TRAIN_FILE = "train_split.pkl"
TEST_FILE = "test_split.pkl"
SUB_ACTIONS_FILE = "Sub_action_Types_Table.pkl"
FRAME_FOLDERS = ("FineDiving", "FINADiving_MTL_256s", "Trimmed_Video_Frames/FINADiving_MTL_256s")
MASK_FOLDERS = ("FineDiving_HM", "FineDiving-HM")
ANNOTATION_FOLDERS = ("", "Annotations", "annotations", "train_test_split")

Key = tuple[str, int]


def read_finediving(root: str | Path, *, seed: int = 0, validation: float = 0.1, skip_broken: bool = False) -> DiveList:
    """The dives of the FineDiving folder `root`, of all splits; `DiveList.of` takes one.

    `validation` is the share of the training split that becomes the validation split, drawn by `seed`. Annotations
    and file names are read, no picture is. DataError names what is missing or broken; with `skip_broken`, the list's
    problems do, and the dive is left out (or its masks are, where only they are broken).
    """
    root = Path(root)
    frames = find_folder(root, FRAME_FOLDERS)
    if frames is None:
        raise DataError(f"{root}: there is no folder {FRAME_FOLDERS[0]} in it. Give the folder that holds FineDiving.")
    annotations = _Annotations.load(root)
    splits = _splits(root)
    held_out = validation_share((f"{video}/{clip}" for video, clip in splits), seed=seed, share=validation)
    reader = _Reader(frames, find_folder(root, MASK_FOLDERS), annotations, Problems(skip_broken=skip_broken))
    dives = []
    for key, official in splits.items():
        split = "validation" if official == "train" and f"{key[0]}/{key[1]}" in held_out else official
        dive = reader.read(key, split)
        dives += [] if dive is None else [dive]
    return DiveList(f"finediving:{root}", tuple(dives), tuple(reader.problems.found))


def read_sub_action_table(root: str | Path) -> dict[int, str]:
    """FineDiving's names of the sub-action ids, from its table, or ours where the folder has none."""
    path = find_file(Path(root), [SUB_ACTIONS_FILE], ANNOTATION_FOLDERS)
    if path is None:
        return dict(SUB_ACTIONS)
    table = load_pickle(path)
    if not isinstance(table, Mapping):
        raise DataError(f"{path}: should be a dictionary of sub-actions, not {type(table).__name__}.")
    try:
        # Copies of the table exist both ways round.
        pairs = (pair if _is_number(pair[0]) else pair[::-1] for pair in table.items())
        return {int(number): str(name) for number, name in pairs}
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: should give each sub-action's number and name ({error}).") from error


@dataclass(frozen=True)
class _Annotations:
    """Both annotation files; a missing one is empty."""

    scores_path: Path
    scores: Mapping[Key, Any]
    details: Mapping[Key, Any]

    @classmethod
    def load(cls, root: Path) -> "_Annotations":
        paths = [find_file(root, [name], ANNOTATION_FOLDERS) for name in (SCORES_FILE, DETAILS_FILE)]
        if paths == [None, None]:
            raise DataError(f"{root}: there is neither {SCORES_FILE} nor {DETAILS_FILE} in it or its Annotations.")
        scores, details = ({} if path is None else load_table(path, named_key) for path in paths)
        return cls(paths[0] or paths[1], scores, details)

    def of(self, key: Key) -> dict[str, Any]:
        """What is annotated of a dive. KeyError where it is in neither file, ValueError where it is malformed."""
        if key not in self.scores and key not in self.details:
            raise KeyError(key)
        details = self.details.get(key, {})
        if not isinstance(details, Mapping):
            raise ValueError(f"the annotation should be a dictionary, not {type(details).__name__}")
        found = dict(details)
        if key in self.scores:
            row = self.scores[key]
            if not isinstance(row, list | tuple) or len(row) < 5:
                raise ValueError("the annotation should be [action type, score, difficulty, ..., frame labels]")
            found |= dict(action_type=row[0], dive_score=row[1], difficulty=row[2], frames_labels=row[4])
        return found


@dataclass(frozen=True)
class _Reader:
    """Turns keys into dives."""

    frames: Path
    masks: Path | None
    annotations: _Annotations
    problems: Problems

    def read(self, key: Key, split: str) -> Dive | None:
        video, clip = key
        place = Place(self.annotations.scores_path, item=f"{video}/{clip}")
        try:
            annotated = self.annotations.of(key)
            folder = self.frames / video / str(clip)
            numbers = list(picture_numbers(folder))
            _check_numbers(folder, numbers)
            masks = self._masks(key, numbers, place)
            labels = _labels(annotated, len(numbers))
            code = DiveCode.parse(str(annotated["action_type"]))
            value = float(annotated["difficulty"])
            flight, entry = _phase_starts(labels)
            return Dive(
                id=f"{video}/{clip}",
                source="FineDiving",
                split=split,
                footage=FrameFolder(folder, masks),
                place=place,
                first_frame=numbers[0],
                last_frame=numbers[-1],
                code=code,
                height=height_in_name(video) or only_height(code, value),
                difficulty=value,
                score=float(annotated["dive_score"]),
                awards=_awards(annotated.get("judge_scores")),
                flight_frame=numbers[0] + flight,
                entry_frame=numbers[0] + entry,
                sub_actions=tuple(labels),
                has_masks=masks is not None,
            )
        except KeyError as error:
            missing = "the dive is in a split, but not annotated" if error.args == (key,) else f"lacks {error}"
            self.problems.add(place, missing, error)
        except (ValueError, TypeError) as error:
            self.problems.add(place, str(error), error)
        return None

    def _masks(self, key: Key, numbers: list[int], place: Place) -> Path | None:
        if self.masks is None:
            return None
        folder = self.masks / key[0] / str(key[1])
        if not folder.is_dir():
            self.problems.add(place, f"there is no folder of masks {folder}")
            return None
        lacking = sorted(set(numbers) - set(picture_numbers(folder)))
        if lacking:
            self.problems.add(place, f"{folder} lacks the masks of {len(lacking)} frames, {lacking[0]} first")
            return None
        return folder


def _splits(root: Path) -> dict[Key, str]:
    paths = [find_file(root, [name], ANNOTATION_FOLDERS) for name in (TRAIN_FILE, TEST_FILE)]
    for name, path in zip((TRAIN_FILE, TEST_FILE), paths, strict=True):
        if path is None:
            raise DataError(f"{root}: there is no {name} in it, its Annotations or its train_test_split.")
    return load_splits(*paths, named_key)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | np.integer) or str(value).isdigit()


def _check_numbers(folder: Path, numbers: list[int]) -> None:
    if not numbers:
        raise ValueError(f"{folder} holds no pictures <number>.jpg")
    lacking = missing_numbers(numbers)
    if lacking:
        raise ValueError(f"{folder} lacks {len(lacking)} frames between its first and last, {lacking[0]} first")


def _labels(annotated: Mapping[str, Any], frames: int) -> list[int]:
    """The sub-action of each frame. Labels beyond the last frame are dropped, as the published loader does."""
    labels = [int(label) for label in np.asarray(annotated["frames_labels"]).reshape(-1).tolist()]
    if len(labels) < frames:
        raise ValueError(f"{len(labels)} frame labels for {frames} frames")
    return labels[:frames]


def _phase_starts(labels: list[int]) -> tuple[int, int]:
    """First frame of the second label and first frame of the last label, as the published loader takes them."""
    firsts = sorted(labels.index(label) for label in set(labels))
    if len(firsts) < 2:
        raise ValueError(f"all frames have the label {labels[0]}, so there is no flight and no entry")
    return firsts[1], firsts[-1]


def _awards(values: Any) -> tuple[float, ...] | None:
    awards = () if values is None else tuple(float(value) for value in np.asarray(values).reshape(-1).tolist())
    return awards or None
