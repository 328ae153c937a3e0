"""Reader of MTL-AQA, whose frames are extracted from its videos by the user.

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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fineparser.data.clip_files import FileFrames, FolderFrames, image_files, missing_numbers
from fineparser.data.dives import (
    DEFAULT_READ_OPTIONS,
    DataError,
    Dive,
    DiveFrames,
    DiveList,
    Location,
    ProblemLog,
    ReadOptions,
    validation_keys,
)
from fineparser.data.readers.annotations import (
    find_file,
    flat,
    load_splits,
    load_table,
    matching_heights,
    number,
    numbered_key,
    text,
    unique_height,
    whole_number,
)
from fineparser.domain.dive_code import DiveCode, InvalidDiveCode
from fineparser.video.reader import probe

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

# Codes in the annotations, in the order of the dataset's paper (table 1).
_DIRECTIONS = (4, 3, 2, 1)  # inward, reverse, back, forward
_POSITIONS = "DCB"  # free, tuck, pike


def read_mtl_aqa(root: str | Path, options: ReadOptions = DEFAULT_READ_OPTIONS) -> DiveList:
    """Read the dives of the MTL-AQA folder `root`, of all splits; see `DiveList.select_split`.

    The official test split stays whole. There are no masks and no transitions. DataError names a missing or broken
    item; with `OnBroken.SKIP` the dive is left out and is one of the list's problems.
    """
    root = Path(root)
    paths = [path for name in ANNOTATION_FILES if (path := find_file(root, [name], ANNOTATION_FOLDERS))]
    if not paths:
        raise DataError(f"{root}: there is no {ANNOTATION_FILES[0]} in it or its info folder.")
    tables = [load_table(path, numbered_key) for path in paths]
    splits = _splits(root)
    held_out = validation_keys((f"{video}/{dive}" for video, dive in splits), options)
    problems = ProblemLog(options.on_broken)
    dives = []
    for (video, dive), official in splits.items():
        name = f"{video:02d}_{dive:02d}"
        location = Location(paths[0], item=name)
        split = "validation" if official == "train" and f"{video}/{dive}" in held_out else official
        try:
            annotation = _merged(tables, (video, dive))
            dives.append(_dive(root, (video, dive), annotation, split, location))
        except KeyError as error:
            problems.add(location, f"the annotation lacks {error}", error)
        except (ValueError, TypeError) as error:
            problems.add(location, str(error), error)
    return DiveList(f"mtl-aqa:{root}", tuple(dives), tuple(problems.problems), options.on_broken)


def dive_code(annotation: Mapping[str, Any]) -> DiveCode | None:
    """Dive number of an annotation, None where it has no consistent one.

    A `dive_number` is used as it is. Without one, it is composed of direction, position, half somersaults and half
    twists, and used only if such a dive has the annotated difficulty from 3 m or 10 m.
    """
    written = annotation.get("dive_number")
    if written is not None:
        return DiveCode.parse(text(written))
    names = ("rotation_type", "position", "ss_no", "tw_no", "armstand")
    if any(name not in annotation for name in names):
        return None
    rotation, position, somersaults, twists, armstand = (whole_number(annotation[name]) for name in names)
    if not (0 <= rotation < len(_DIRECTIONS) and 0 <= position < len(_POSITIONS)):
        return None
    direction = _DIRECTIONS[rotation]
    group = 6 if armstand else 5 if twists else direction
    try:
        code = DiveCode(group, direction, somersaults, twists, _POSITIONS[position])
    except InvalidDiveCode:
        return None
    return code if matching_heights(code, number(annotation["difficulty"])) else None


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


def _dive(root: Path, key: tuple[int, int], annotation: Mapping[str, Any], split: str, location: Location) -> Dive:
    frames = _FrameRange.find(root, key, whole_number(annotation["end_frame"]))
    code = dive_code(annotation)
    value = number(annotation["difficulty"])
    awards = tuple(map(number, flat(annotation.get("judge_scores", ()))))
    return Dive(
        id=f"{key[0]:02d}_{key[1]:02d}",
        source="MTL-AQA",
        split=split,
        frames=frames.frames,
        location=location,
        first_frame=frames.first,
        last_frame=frames.last,
        code=code,
        height=None if code is None else unique_height(code, value),
        difficulty=value,
        score=number(annotation["final_score"]),
        awards=awards or None,
    )


@dataclass(frozen=True)
class _FrameRange:
    """Frames of a dive, with the first and last number."""

    frames: DiveFrames
    first: int
    last: int

    @classmethod
    def find(cls, root: Path, key: tuple[int, int], end: int) -> "_FrameRange":
        video, dive = f"{key[0]:02d}", f"{key[0]:02d}_{key[1]:02d}"
        bases = [root / name for name in FRAME_FOLDERS if (root / name).is_dir()]
        for base in bases:
            for folder in (base / dive, base / video / f"{key[1]:02d}", base / video / str(key[1])):
                if folder.is_dir():
                    return cls._from_folder(folder, end, whole_video=False)
            for file in (base / (dive + suffix) for suffix in VIDEO_SUFFIXES):
                if file.is_file():
                    info = probe(file)
                    last = min(info.last_number, CLIP_LENGTH - 1)
                    return cls(FileFrames(file, mask=None, mask_start=0), info.first_number, last)
        for base in bases:
            if (base / video).is_dir():
                return cls._from_folder(base / video, end, whole_video=True)
        raise ValueError(f"there are no frames {dive}/<frame>.jpg, {video}/<frame>.jpg or {dive}.mp4 below {root}")

    @classmethod
    def _from_folder(cls, folder: Path, end: int, *, whole_video: bool) -> "_FrameRange":
        numbers = list(image_files(folder))
        expected: Sequence[int] = range(end - CLIP_LENGTH + 1, end + 1)
        if not set(expected) <= set(numbers):
            if whole_video or not numbers:
                raise ValueError(f"{folder} does not hold the frames {expected[0]} to {end}")
            if missing := missing_numbers(numbers):
                raise ValueError(f"{folder} lacks {len(missing)} frames, {missing[0]} first")
            expected = numbers[:CLIP_LENGTH]
        return cls(FolderFrames(folder), expected[0], expected[-1])
