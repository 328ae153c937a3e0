"""MTL-AQA folders, written here in the forms in use."""

import csv
import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest

from fineparser.data.dives import DataError, OnBroken, ReadOptions
from fineparser.data.readers.mtl_aqa import dive_code, read_mtl_aqa
from fineparser.domain.dive_code import DiveCode

REAL = Path(__file__).parents[3].parent / "shared" / "real" / "mtl_aqa_dives.csv"


def annotation(**changes):
    """A back 3 1/2 somersaults tuck from 10 m, by the 2009-13 table."""
    return {
        "final_score": 84.15, "difficulty": 3.3, "armstand": 0, "rotation_type": 2, "ss_no": 7, "tw_no": 0,
        "position": 1, "start_frame": 1000, "end_frame": 1110, "primary_view": 0,
    } | changes  # fmt: skip


def write_pictures(folder, first, count):
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + count):
        cv2.imwrite(str(folder / f"{number:08d}.jpg"), np.full((24, 40, 3), number % 200, np.uint8))


def save(root, annotations, train, test, name="final_annotations_dict.pkl", where=""):
    folder = root / where
    folder.mkdir(parents=True, exist_ok=True)
    for file, value in ((name, annotations), ("train_split_0.pkl", train), ("test_split_0.pkl", test)):
        (folder / file).write_bytes(pickle.dumps(value))
    return root


@pytest.mark.parametrize("where", ["", "info", "Ready_2_Use/MTL-AQA_split_0_data"])
def test_every_label_is_read(tmp_path, where):
    save(tmp_path, {(1, 7): annotation()}, [(1, 7)], [], where=where)
    write_pictures(tmp_path / "frames" / "01_07", 1000, 115)
    (dive,) = read_mtl_aqa(tmp_path, ReadOptions(validation=0))
    assert dive.id == "01_07"
    assert str(dive.code) == "207C"
    assert (dive.height, dive.difficulty, dive.score) == (10, 3.3, 84.15)
    assert (dive.first_frame, dive.last_frame) == (1008, 1110)
    assert dive.frame_count == 103
    assert dive.awards is None
    assert dive.flight_frame is None
    assert not dive.has_masks
    assert np.abs(dive.read([1110])[0].astype(int) - 1110 % 200).max() <= 2


@pytest.mark.parametrize(
    ("folder", "first", "count", "expected"),
    [
        ("01_07", 1000, 115, (1008, 1110)),
        ("01/07", 1008, 103, (1008, 1110)),
        ("01/7", 1008, 103, (1008, 1110)),
        ("frames/01_07", 0, 107, (0, 102)),  # numbered on its own
        ("frames_long/01_07", 1, 90, (1, 90)),  # and shorter
        ("new/new_total_frames_256s/01", 1000, 200, (1008, 1110)),  # the whole video
        ("whole_videos_frames/01", 1000, 200, (1008, 1110)),
    ],
)
def test_frames_are_found_in_the_forms_in_use(tmp_path, folder, first, count, expected):
    save(tmp_path, {(1, 7): annotation()}, [], [(1, 7)])
    write_pictures(tmp_path / folder, first, count)
    (dive,) = read_mtl_aqa(tmp_path)
    assert dive.split == "test"
    assert (dive.first_frame, dive.last_frame) == expected
    assert dive.read(dive.sample()[:3]).shape == (3, 24, 40, 3)


def test_a_video_file_a_dive_will_do(tmp_path):
    save(tmp_path, {(1, 7): annotation()}, [(1, 7)], [])
    (tmp_path / "videos").mkdir()
    writer = cv2.VideoWriter(str(tmp_path / "videos" / "01_07.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (40, 24))
    for _ in range(110):
        writer.write(np.zeros((24, 40, 3), np.uint8))
    writer.release()
    (dive,) = read_mtl_aqa(tmp_path, ReadOptions(validation=0))
    assert (dive.first_frame, dive.last_frame) == (0, 102)
    assert dive.read([0, 102]).shape == (2, 24, 40, 3)


def test_copies_add_the_dive_number_and_the_awards(tmp_path):
    save(tmp_path, {(1, 7): annotation()}, [(1, 7)], [])
    more = annotation(dive_number="207C", judge_scores=[8.5, 8.5, 8.5, 8.5, 8.5, 8.0, 9.0])
    (tmp_path / "augmented_final_annotations_dict.pkl").write_bytes(pickle.dumps({(1, 7): more}))
    write_pictures(tmp_path / "01_07", 1008, 103)
    (dive,) = read_mtl_aqa(tmp_path, ReadOptions(validation=0))
    assert str(dive.code) == "207C"
    assert dive.awards == (8.5, 8.5, 8.5, 8.5, 8.5, 8.0, 9.0)


@pytest.mark.parametrize(
    ("code", "difficulty", "fields"),
    [
        ("107B", 3.0, {"rotation_type": 3, "ss_no": 7, "position": 2}),
        ("307C", 3.4, {"rotation_type": 1, "ss_no": 7, "position": 1}),
        ("407C", 3.2, {"rotation_type": 0, "ss_no": 7, "position": 1}),
        ("5253B", 3.2, {"rotation_type": 2, "ss_no": 5, "tw_no": 3, "position": 2}),
        ("5337D", 3.4, {"rotation_type": 1, "ss_no": 3, "tw_no": 7, "position": 0}),
        ("6243D", 3.2, {"rotation_type": 2, "ss_no": 4, "tw_no": 3, "position": 0, "armstand": 1}),
    ],
)
def test_dive_numbers_are_put_together(code, difficulty, fields):
    """Difficulties of 10 m and 3 m as in the competitions of mtl_aqa_dives.csv."""
    assert dive_code(annotation(difficulty=difficulty, **fields)) == DiveCode.parse(code)


def test_a_number_that_contradicts_the_difficulty_is_not_believed():
    assert dive_code(annotation(difficulty=1.6)) is None
    assert dive_code(annotation(position=7)) is None
    assert dive_code(annotation(ss_no=0)) is None
    assert dive_code({"difficulty": 3.3}) is None


@pytest.mark.skipif(not REAL.is_file(), reason="the table of real dives is not on this machine")
def test_real_dive_numbers_are_composed_from_their_parts():
    """Each real dive number, written as MTL-AQA's numbers and read again with its real difficulty."""
    with REAL.open() as file:
        rows = [row for row in csv.DictReader(file) if row["event"] == "individual"]
    believed = 0
    for row in rows:
        code = DiveCode.parse(row["dive_number"])
        if code.position == "A":  # MTL-AQA has no number for it
            continue
        annotated = annotation(
            difficulty=float(row["dd"]),
            armstand=int(code.armstand),
            rotation_type=[4, 3, 2, 1].index(code.direction),
            ss_no=code.half_somersaults,
            tw_no=code.half_twists,
            position="DCB".index(code.position),
        )
        read = dive_code(annotated)
        assert read in (code, None)
        believed += read is not None
    assert believed / len(rows) > 0.97


BROKEN = {
    "not annotated": ({}, "in a split, but not annotated"),
    "no end": ({"end_frame": None}, "a whole number is needed, not None"),
    "no score": ({"final_score": "x"}, "a number is needed, not 'x'"),
    "score out of range": ({"final_score": 130.0}, "not 130"),
    "impossible number": ({"dive_number": "999Z"}, "no dive number"),
    "no frames": ({"end_frame": 1110}, "there are no frames 01_08/"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_dive_is_named_or_left_out(tmp_path, case):
    changes, message = BROKEN[case]
    annotations = {(1, 7): annotation()}
    if changes:
        annotations[1, 8] = annotation(**changes)
    save(tmp_path, annotations, [(1, 7), (1, 8)], [])
    write_pictures(tmp_path / "01_07", 1008, 103)
    if case != "no frames":
        write_pictures(tmp_path / "01_08", 1008, 103)
    with pytest.raises(DataError, match=message) as caught:
        read_mtl_aqa(tmp_path, ReadOptions(validation=0))
    assert "final_annotations_dict.pkl, item 01_08: " in str(caught.value)
    dives = read_mtl_aqa(tmp_path, ReadOptions(validation=0, on_broken=OnBroken.SKIP))
    assert [dive.id for dive in dives] == ["01_07"]
    assert len(dives.problems) == 1


def test_gaps_and_ends_of_the_frames_are_named(tmp_path):
    save(tmp_path, {(1, 7): annotation()}, [(1, 7)], [])
    write_pictures(tmp_path / "01_07", 0, 50)
    (tmp_path / "01_07" / "00000030.jpg").unlink()
    with pytest.raises(DataError, match="lacks 1 frames, 30 first"):
        read_mtl_aqa(tmp_path)
    (tmp_path / "01_07").rename(tmp_path / "01")
    with pytest.raises(DataError, match="does not hold the frames 1008 to 1110"):
        read_mtl_aqa(tmp_path)


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("final_annotations_dict.pkl", "no final_annotations_dict.pkl"),
        ("train_split_0.pkl", "no train_split_0.pkl"),
        ("test_split_0.pkl", "no test_split_0.pkl"),
    ],
)
def test_missing_files_are_named(tmp_path, lost, message):
    save(tmp_path, {(1, 7): annotation()}, [(1, 7)], [])
    (tmp_path / lost).unlink()
    with pytest.raises(DataError, match=message):
        read_mtl_aqa(tmp_path)


def test_the_splits_are_the_official_ones(tmp_path):
    keys = [(1, dive) for dive in range(20)]
    save(tmp_path, {key: annotation() for key in keys}, keys[:15], keys[15:])
    write_pictures(tmp_path / "01", 1008, 103)
    dives = read_mtl_aqa(tmp_path, ReadOptions(seed=2, validation=0.3))
    assert [dive.id for dive in dives.select_split("test")] == [f"01_{dive}" for dive in range(15, 20)]
    assert 0 < len(dives.select_split("validation")) < 12
    assert len(dives.select_split("train")) + len(dives.select_split("validation")) == 15


@pytest.mark.parametrize(
    "change", [{"end_frame": np.inf}, {"tw_no": np.inf}, {"rotation_type": np.nan}, {"difficulty": [3.3]}], ids=str
)
def test_a_value_that_is_no_label_is_named(tmp_path, change):
    save(tmp_path, {(1, 7): annotation(**change)}, [(1, 7)], [])
    write_pictures(tmp_path / "frames" / "01_07", 1000, 115)
    with pytest.raises(DataError, match=r"final_annotations_dict\.pkl, item 01_07: a (whole )?number is needed"):
        read_mtl_aqa(tmp_path)


def test_a_rotation_that_the_dataset_does_not_have_gives_no_dive_number():
    assert dive_code(annotation(rotation_type=-1)) is None
