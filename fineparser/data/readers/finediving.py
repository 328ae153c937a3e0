"""Reader of FineDiving, with the masks of FineDiving-HM if present.

    ROOT
      FineDiving/<video>/<clip>/<frame number>.jpg         also: FINADiving_MTL_256s, Trimmed_Video_Frames/...
      FineDiving_HM/<video>/<clip>/<frame number>.jpg      masks, the same numbers
      fine-grained_annotation_aqa.pkl                      key -> [action type, score, difficulty, ?, labels]
      FineDiving_fine-grained_annotation.pkl               key -> dict with the same and the judges' awards
      train_split.pkl, test_split.pkl                      lists of keys
      Sub_action_Types_Table.pkl                           id <-> name

The pickles may lie in the root, in `Annotations` or in `train_test_split`. A key is (video name, clip number).
One of the two annotation files is enough; the first one, which the published training uses, takes precedence. Heights
are not annotated: they follow from the name of the video for most dives, from the degree of difficulty for some. The
official test split stays whole; the validation split is a part of the training split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fineparser.data.clip_files import FolderFrames, image_files, missing_numbers
from fineparser.data.dives import (
    DEFAULT_READ_OPTIONS,
    DataError,
    Dive,
    DiveList,
    Location,
    ProblemLog,
    ReadOptions,
    validation_keys,
)
from fineparser.data.readers.annotations import (
    find_file,
    find_folder,
    flat,
    height_in_name,
    load_pickle,
    load_splits,
    load_table,
    named_key,
    number,
    text,
    unique_height,
    whole_number,
)
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import SUB_ACTIONS
from fineparser.plain_values import excerpt

SCORES_FILE = "fine-grained_annotation_aqa.pkl"
DETAILS_FILE = "FineDiving_fine-grained_annotation.pkl"
TRAIN_FILE = "train_split.pkl"
TEST_FILE = "test_split.pkl"
SUB_ACTIONS_FILE = "Sub_action_Types_Table.pkl"
FRAME_FOLDERS = ("FineDiving", "FINADiving_MTL_256s", "Trimmed_Video_Frames/FINADiving_MTL_256s")
MASK_FOLDERS = ("FineDiving_HM", "FineDiving-HM")
ANNOTATION_FOLDERS = ("", "Annotations", "annotations", "train_test_split")

Key = tuple[str, int]


def read_finediving(root: str | Path, options: ReadOptions = DEFAULT_READ_OPTIONS) -> DiveList:
    """Read the dives of the FineDiving folder `root`, of all splits; see `DiveList.select_split`.

    Annotations and file names are read, frames are not. DataError names a missing or broken item; with `OnBroken.SKIP`
    the dive is left out (or its masks are, where only they are broken) and is one of the list's problems.
    """
    root = Path(root)
    frames = find_folder(root, FRAME_FOLDERS)
    if frames is None:
        raise DataError(f"{root}: there is no folder {FRAME_FOLDERS[0]} in it. Give the folder that holds FineDiving.")
    annotations = _Annotations.load(root)
    splits = _splits(root)
    held_out = validation_keys((f"{video}/{clip}" for video, clip in splits), options)
    reader = _DiveReader(frames, find_folder(root, MASK_FOLDERS), annotations, ProblemLog(options.on_broken))
    dives = []
    for key, official in splits.items():
        split = "validation" if official == "train" and f"{key[0]}/{key[1]}" in held_out else official
        dive = reader.read(key, split)
        dives += [] if dive is None else [dive]
    return DiveList(f"finediving:{root}", tuple(dives), tuple(reader.problems.problems), options.on_broken)


def read_sub_action_table(root: str | Path) -> dict[int, str]:
    """Read FineDiving's names of the sub-action ids from its table; ours where the folder has none."""
    path = find_file(Path(root), [SUB_ACTIONS_FILE], ANNOTATION_FOLDERS)
    if path is None:
        return dict(SUB_ACTIONS)
    table = load_pickle(path)
    if not isinstance(table, Mapping):
        raise DataError(f"{path}: should be a dictionary of sub-actions, not {type(table).__name__}.")
    # Copies of the table exist with keys and values swapped.
    pairs = [pair if _is_number(pair[0]) else pair[::-1] for pair in table.items()]
    names = {}
    for sub_action, name in pairs:
        if not _is_number(sub_action) or not isinstance(name, str):
            pair = excerpt((sub_action, name))
            raise DataError(f"{path}: should give each sub-action's number and name, not {pair}.")
        names[whole_number(sub_action)] = name
    return names


@dataclass(frozen=True)
class _Annotations:
    """Both annotation files; a missing one is empty."""

    path: Path
    scores: Mapping[Key, Any]
    details: Mapping[Key, Any]

    @classmethod
    def load(cls, root: Path) -> "_Annotations":
        scores_path, details_path = (
            find_file(root, [name], ANNOTATION_FOLDERS) for name in (SCORES_FILE, DETAILS_FILE)
        )
        path = scores_path or details_path
        if path is None:
            raise DataError(f"{root}: there is neither {SCORES_FILE} nor {DETAILS_FILE} in it or its Annotations.")
        scores = {} if scores_path is None else load_table(scores_path, named_key)
        details = {} if details_path is None else load_table(details_path, named_key)
        return cls(path, scores, details)

    def row(self, key: Key) -> dict[str, Any]:
        """Annotation of a dive. KeyError where it is in neither file, ValueError where it is malformed."""
        if key not in self.scores and key not in self.details:
            raise KeyError(key)
        details = self.details.get(key, {})
        if not isinstance(details, Mapping):
            raise ValueError(f"the annotation should be a dictionary, not {type(details).__name__}")
        annotation = dict(details)
        if key in self.scores:
            row = self.scores[key]
            if not isinstance(row, list | tuple) or len(row) < 5:
                raise ValueError("the annotation should be [action type, score, difficulty, ..., frame labels]")
            annotation |= dict(action_type=row[0], dive_score=row[1], difficulty=row[2], frames_labels=row[4])
        return annotation


@dataclass(frozen=True)
class _DiveReader:
    """Converts keys to dives."""

    frames: Path
    masks: Path | None
    annotations: _Annotations
    problems: ProblemLog

    def read(self, key: Key, split: str) -> Dive | None:
        video, clip = key
        location = Location(self.annotations.path, item=f"{video}/{clip}")
        try:
            annotation = self.annotations.row(key)
            folder = self.frames / video / str(clip)
            numbers = list(image_files(folder))
            _check_numbers(folder, numbers)
            masks = self._masks(key, numbers, location)
            labels = _labels(annotation, len(numbers))
            code = DiveCode.parse(text(annotation["action_type"]))
            value = number(annotation["difficulty"])
            flight, entry = _phase_starts(labels)
            return Dive(
                id=f"{video}/{clip}",
                source="FineDiving",
                split=split,
                frames=FolderFrames(folder, masks),
                location=location,
                first_frame=numbers[0],
                last_frame=numbers[-1],
                code=code,
                height=height_in_name(video) or unique_height(code, value),
                difficulty=value,
                score=number(annotation["dive_score"]),
                awards=_awards(annotation.get("judge_scores")),
                flight_frame=numbers[0] + flight,
                entry_frame=numbers[0] + entry,
                sub_actions=tuple(labels),
                has_masks=masks is not None,
            )
        except KeyError as error:
            reason = "the dive is in a split, but not annotated" if error.args == (key,) else f"lacks {error}"
            self.problems.add(location, reason, error)
        except (ValueError, TypeError) as error:
            self.problems.add(location, str(error), error)
        return None

    def _masks(self, key: Key, numbers: list[int], location: Location) -> Path | None:
        if self.masks is None:
            return None
        folder = self.masks / key[0] / str(key[1])
        if not folder.is_dir():
            self.problems.add(location, f"there is no folder of masks {folder}")
            return None
        missing = sorted(set(numbers) - set(image_files(folder)))
        if missing:
            self.problems.add(location, f"{folder} lacks the masks of {len(missing)} frames, {missing[0]} first")
            return None
        return folder


def _splits(root: Path) -> dict[Key, str]:
    train, test = (find_file(root, [name], ANNOTATION_FOLDERS) for name in (TRAIN_FILE, TEST_FILE))
    if train is None or test is None:
        missing = TRAIN_FILE if train is None else TEST_FILE
        raise DataError(f"{root}: there is no {missing} in it, its Annotations or its train_test_split.")
    return load_splits(train, test, named_key)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | np.integer) or (isinstance(value, str) and value.isdecimal() and len(value) < 10)


def _check_numbers(folder: Path, numbers: list[int]) -> None:
    if not numbers:
        raise ValueError(f"{folder} holds no images <number>.jpg")
    missing = missing_numbers(numbers)
    if missing:
        raise ValueError(f"{folder} lacks {len(missing)} frames between its first and last, {missing[0]} first")


def _labels(annotation: Mapping[str, Any], frames: int) -> list[int]:
    """Sub-action of each frame. Labels beyond the last frame are dropped, as in the published loader."""
    labels = [whole_number(label) for label in flat(annotation["frames_labels"])]
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
    awards = () if values is None else tuple(map(number, flat(values)))
    return awards or None
