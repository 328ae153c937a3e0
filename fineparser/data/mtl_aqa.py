"""Reads MTL-AQA, whose frames have to be extracted from its videos by the user.

    ROOT
      final_annotations_dict.pkl           key -> dict: final_score, difficulty, armstand, rotation_type, ss_no, tw_no,
                                           position, start_frame, end_frame
      final_annotations_dict_with_dive_number.pkl, augmented_final_annotations_dict.pkl
                                           copies that add dive_number and judge_scores; either does instead
      train_split_0.pkl, test_split_0.pkl  lists of keys
      the frames in one of the forms in use:
        <video>_<dive>/<frame>.jpg         a folder a dive, such as 01_07
        <video>/<dive>/<frame>.jpg         the same, nested
        <video>/<frame>.jpg                whole videos as the dataset's own script extracts them, from 000001.jpg
        <video>_<dive>.mp4                 a video file a dive (also avi, mov, mkv, webm)

A key is (video, dive), both numbers, written with at least two digits. The pickles may lie in the root, in `info`,
or where the dataset's repository has them; the frames in the root or in `frames`, `frames_long`, `new`,
`new/new_total_frames_256s`, `whole_videos_frames` or `videos`. A clip is the 103 frames up to `end_frame`, as in the
published loaders; a folder or file of a dive that is numbered otherwise gives its first 103 frames.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fineparser.data.annotation_files import find_file, load_splits, load_table, numbered_key
from fineparser.data.clip_folder import ClipFile
from fineparser.data.dives import DataError, Dive, DiveList, Footage, Place, Problems, validation_share
from fineparser.data.frame_folder import FrameFolder, missing_numbers, picture_numbers
from fineparser.data.heights import fitting_heights, only_height
from fineparser.domain.dive_code import DiveCode, InvalidDiveCode
from fineparser.video.reading import probe

CLIP_LENGTH = 103
ANNOTATION_FILES = (
    "final_annotations_dict.pkl",
    "final_annotations_dict_with_dive_number.pkl",
    "final_annotations_dict_with_dive_number",
    "augmented_final_annotations_dict.pkl",
)
TRAIN_FILES = ("train_split_0.pkl", "train_split.pkl")
TEST_FILES = ("test_split_0.pkl", "test_split.pkl")
ANNOTATION_FOLDERS = ("", "info", "MTL-AQA_split_0_data", "Ready_2_Use/MTL-AQA_split_0_data")
FRAME_FOLDERS = ("", "frames", "frames_long", "new", "new/new_total_frames_256s", "whole_videos_frames", "videos")
VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".webm")

# The numbers that stand for words in the annotations, in the order of the dataset's paper (table 1).
_DIRECTIONS = (4, 3, 2, 1)  # inward, reverse, back, forward
_POSITIONS = "DCB"  # free, tuck, pike


def read_mtl_aqa(root: str | Path, *, seed: int = 0, validation: float = 0.1, skip_broken: bool = False) -> DiveList:
    """The dives of the MTL-AQA folder `root`, of all splits; `DiveList.of` takes one.

    `validation` is the share of the training split that becomes the validation split, drawn by `seed`; the test split
    stays whole. There are no masks and no transitions. DataError names what is missing or broken; with `skip_broken`,
    the list's problems do, and the dive is left out.
    """
    root = Path(root)
    paths = [path for name in ANNOTATION_FILES if (path := find_file(root, [name], ANNOTATION_FOLDERS))]
    if not paths:
        raise DataError(f"{root}: there is no {ANNOTATION_FILES[0]} in it or its info folder.")
    tables = [load_table(path, numbered_key) for path in paths]
    splits = _splits(root)
    held_out = validation_share((f"{video}/{dive}" for video, dive in splits), seed=seed, share=validation)
    problems = Problems(skip_broken=skip_broken)
    dives = []
    for (video, number), official in splits.items():
        name = f"{video:02d}_{number:02d}"
        place = Place(paths[0], item=name)
        split = "validation" if official == "train" and f"{video}/{number}" in held_out else official
        try:
            annotated = _merged(tables, (video, number))
            dives.append(_dive(root, (video, number), annotated, split, place))
        except KeyError as error:
            problems.add(place, f"the annotation lacks {error}", error)
        except (ValueError, TypeError) as error:
            problems.add(place, str(error), error)
    return DiveList(f"mtl-aqa:{root}", tuple(dives), tuple(problems.found))


def dive_code(annotated: Mapping[str, Any]) -> DiveCode | None:
    """The dive number of an annotation, None where it has none that can be believed.

    A `dive_number` is taken as it is. Without one, it is put together from direction, position, half somersaults and
    half twists, and believed only if such a dive has the annotated difficulty from 3 m or 10 m.
    """
    written = annotated.get("dive_number")
    if written is not None:
        return DiveCode.parse(str(written))
    try:
        twists = int(annotated["tw_no"])
        direction = _DIRECTIONS[int(annotated["rotation_type"])]
        is_armstand = bool(annotated["armstand"])
        group = 6 if is_armstand else 5 if twists else direction
        code = DiveCode(group, direction, int(annotated["ss_no"]), twists, _POSITIONS[int(annotated["position"])])
    except (KeyError, IndexError, InvalidDiveCode):
        return None
    return code if fitting_heights(code, float(annotated["difficulty"])) else None


def _splits(root: Path) -> dict[tuple[int, int], str]:
    train, test = (find_file(root, names, ANNOTATION_FOLDERS) for names in (TRAIN_FILES, TEST_FILES))
    if train is None or test is None:
        raise DataError(f"{root}: there is no {(TEST_FILES if train else TRAIN_FILES)[0]} in it or its info folder.")
    return load_splits(train, test, numbered_key)


def _merged(tables: list[dict], key: tuple[int, int]) -> dict[str, Any]:
    rows = [table[key] for table in tables if key in table]
    if not rows:
        raise ValueError("the dive is in a split, but not annotated")
    merged: dict[str, Any] = {}
    for row in rows:
        if not isinstance(row, Mapping):
            raise ValueError(f"the annotation should be a dictionary, not {type(row).__name__}")
        merged |= row
    return merged


def _dive(root: Path, key: tuple[int, int], annotated: Mapping[str, Any], split: str, place: Place) -> Dive:
    found = _Frames.find(root, key, int(annotated["end_frame"]))
    code = dive_code(annotated)
    value = float(annotated["difficulty"])
    awards = np.asarray(annotated.get("judge_scores", ())).reshape(-1).tolist()
    return Dive(
        id=f"{key[0]:02d}_{key[1]:02d}",
        source="MTL-AQA",
        split=split,
        footage=found.footage,
        place=place,
        first_frame=found.first,
        last_frame=found.last,
        code=code,
        height=None if code is None else only_height(code, value),
        difficulty=value,
        score=float(annotated["final_score"]),
        awards=tuple(map(float, awards)) or None,
    )


@dataclass(frozen=True)
class _Frames:
    """Where the frames of a dive are, and which of them."""

    footage: Footage
    first: int
    last: int

    @classmethod
    def find(cls, root: Path, key: tuple[int, int], end: int) -> "_Frames":
        video, dive = f"{key[0]:02d}", f"{key[0]:02d}_{key[1]:02d}"
        bases = [root / name for name in FRAME_FOLDERS if (root / name).is_dir()]
        for base in bases:
            for folder in (base / dive, base / video / f"{key[1]:02d}", base / video / str(key[1])):
                if folder.is_dir():
                    return cls._of_folder(folder, end, whole_video=False)
            for file in (base / (dive + suffix) for suffix in VIDEO_SUFFIXES):
                if file.is_file():
                    info = probe(file)
                    last = min(info.last_number, CLIP_LENGTH - 1)
                    return cls(ClipFile(file, mask=None, mask_start=0), info.first_number, last)
        for base in bases:
            if (base / video).is_dir():
                return cls._of_folder(base / video, end, whole_video=True)
        raise ValueError(f"there are no frames {dive}/<frame>.jpg, {video}/<frame>.jpg or {dive}.mp4 below {root}")

    @classmethod
    def _of_folder(cls, folder: Path, end: int, *, whole_video: bool) -> "_Frames":
        numbers = list(picture_numbers(folder))
        wanted = range(end - CLIP_LENGTH + 1, end + 1)
        if not set(wanted) <= set(numbers):
            if whole_video or not numbers:
                raise ValueError(f"{folder} does not hold the frames {wanted.start} to {end}")
            if lacking := missing_numbers(numbers):
                raise ValueError(f"{folder} lacks {len(lacking)} frames, {lacking[0]} first")
            wanted = numbers[:CLIP_LENGTH]
        return cls(FrameFolder(folder), wanted[0], wanted[-1])
