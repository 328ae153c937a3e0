"""Labelled clip folders: every column, and every way in which a row can be wrong."""

import csv
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from fineparser.data.datasets import ClipDataset
from fineparser.data.dive_tables import COLUMNS, TABLE, dive_name
from fineparser.data.dives import DataError, DiveList, OnBroken, ReadOptions
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.domain.phases import Transitions
from tests.builders import write_workbook

REAL = Path(__file__).parents[3].parent / "shared" / "real"
FRAMES, WIDTH, HEIGHT = 30, 64, 48


def write_video(path, shade=0):
    """Frame n is grey n * 8 + shade, in a format that keeps it within a few levels."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25, (WIDTH, HEIGHT))
    for number in range(FRAMES):
        writer.write(np.full((HEIGHT, WIDTH, 3), number * 8 + shade, np.uint8))
    writer.release()


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "club"
    root.mkdir()
    write_video(root / "a.avi")
    write_video(root / "b.avi", shade=5)
    return root


def write_table(root, *rows, columns=COLUMNS):
    """Each row is a dictionary of the fields that are known."""
    lines = [",".join(columns)] + [",".join(str(row.get(column, "")) for column in columns) for row in rows]
    (root / "dives.csv").write_text("\n".join(lines) + "\n")


def write_mask(root, name="a.npz", shape=(FRAMES, HEIGHT, WIDTH), dtype=bool, key="mask"):
    mask = np.zeros(shape, dtype)
    if mask.ndim == 3:
        mask[:, :10] = True
    np.savez_compressed(root / name, **{key: mask})
    return name


FULL = {
    "clip": "a.avi", "dive_code": "107B", "height": "10", "difficulty": "3.0", "score": "75.5",
    "start_frame": "2", "end_frame": "25", "flight_frame": "8", "entry_frame": "20", "standard": "national",
    "source": "Nordic Open",
}  # fmt: skip


def test_every_label_is_read(folder):
    write_mask(folder, shape=(24, HEIGHT, WIDTH))
    write_table(folder, FULL | {"mask": "a.npz"})
    (dive,) = read_clip_folder(folder, ReadOptions(validation=0))
    assert dive.id == "a.avi#2"
    assert dive.source == "club"
    assert str(dive.code) == "107B"
    assert (dive.height, dive.difficulty, dive.score) == (10, 3.0, 75.5)
    assert (dive.first_frame, dive.last_frame, dive.flight_frame, dive.entry_frame) == (2, 25, 8, 20)
    assert (dive.standard, dive.origin) == ("national", "Nordic Open")
    assert dive.has_masks
    frames = dive.read([2, 25])
    assert frames.shape == (2, HEIGHT, WIDTH, 3)
    assert np.abs(frames.mean(axis=(1, 2, 3)) - [16, 200]).max() < 4
    masks = dive.read_masks([2, 25])
    assert masks.shape == (2, HEIGHT, WIDTH)
    assert masks[:, :10].all()
    assert not masks[:, 10:].any()


def test_masks_are_counted_from_the_start_frame(folder):
    mask = np.zeros((24, HEIGHT, WIDTH), bool)
    mask[6] = True  # frame 8
    np.savez(folder / "a.npz", mask=mask)
    write_table(folder, FULL | {"mask": "a.npz"})
    (dive,) = read_clip_folder(folder)
    assert dive.read_masks([7, 8, 9]).any(axis=(1, 2)).tolist() == [False, True, False]


def test_only_the_clip_has_to_be_known(folder):
    (folder / "dives.csv").write_text("clip\na.avi\n\nb.avi\n")
    dives = read_clip_folder(folder)
    assert [dive.id for dive in dives] == ["a.avi", "b.avi"]
    assert [(dive.first_frame, dive.last_frame) for dive in dives] == [(0, 29), (0, 29)]
    for name in ("code", "height", "difficulty", "score", "flight_frame", "sub_actions", "awards"):
        assert getattr(dives[0], name) is None
    assert not dives[0].has_masks


def test_spreadsheets_marks_blanks_and_spaces_do_no_harm(folder):
    text = "\ufeffclip , dive_code\r\n a.avi , 107b \r\n,\r\n"
    (folder / "dives.csv").write_bytes(text.encode())
    (dive,) = read_clip_folder(folder)
    assert (dive.id, str(dive.code)) == ("a.avi", "107B")


def test_a_difficulty_that_is_not_given_comes_from_the_table(folder):
    write_table(folder, {"clip": "a.avi", "dive_code": "107B", "height": "3"})
    assert read_clip_folder(folder)[0].difficulty == 3.1


def test_a_folder_of_frames_is_a_clip_too(folder):
    (folder / "frames").mkdir()
    for number in range(100, 110):
        cv2.imwrite(str(folder / "frames" / f"{number}.png"), np.full((HEIGHT, WIDTH, 3), number, np.uint8))
    write_table(folder, {"clip": "frames", "flight_frame": 103, "entry_frame": 106})
    (dive,) = read_clip_folder(folder)
    assert (dive.first_frame, dive.last_frame) == (100, 109)
    assert dive.read([105])[0, 0, 0].tolist() == [105] * 3


def test_one_clip_may_hold_several_dives(folder):
    write_table(
        folder,
        {"clip": "a.avi", "start_frame": 0, "end_frame": 14},
        {"clip": "a.avi", "start_frame": 15, "end_frame": 29},
    )
    assert [dive.id for dive in read_clip_folder(folder)] == ["a.avi#0", "a.avi#15"]


BROKEN = {
    "absent clip": ({"clip": "gone.mp4"}, "clip 'gone.mp4' does not exist"),
    "climbing out": ({"clip": "../secret.avi"}, "leads out of the folder"),
    "absolute path": ({"clip": "/etc/passwd"}, "leads out of the folder"),
    "no clip": ({"score": "70"}, "names no clip"),
    "not a video": ({"clip": "text.avi"}, r"text\.avi"),
    "impossible number": ({"clip": "b.avi", "dive_code": "107X"}, "'107X' is no dive number"),
    "no height": ({"clip": "b.avi", "height": "4"}, "'4' is no diving height"),
    "undefined dive": ({"clip": "b.avi", "dive_code": "612B", "height": "3"}, "Check dive_code and height"),
    "score too high": ({"clip": "b.avi", "score": "121"}, "0 to 120 points, not 121"),
    "score below zero": ({"clip": "b.avi", "score": "-1"}, "not -1"),
    "score no number": ({"clip": "b.avi", "score": "good"}, "score 'good' is no number"),
    "score not finite": ({"clip": "b.avi", "score": "nan"}, "score 'nan' is no number"),
    "difficulty": ({"clip": "b.avi", "difficulty": "32"}, "between 0 and 10, not at 32"),
    "frame no number": ({"clip": "b.avi", "start_frame": "2.5"}, "start_frame '2.5' is no frame number"),
    "frame below zero": ({"clip": "b.avi", "start_frame": "-2"}, "start_frame '-2' is no frame number"),
    "end past the clip": ({"clip": "b.avi", "end_frame": "30"}, "within the clip's frames, 0 to 29"),
    "start after end": ({"clip": "b.avi", "start_frame": "9", "end_frame": "8"}, "must follow each other"),
    "entry before flight": ({"clip": "b.avi", "flight_frame": "9", "entry_frame": "8"}, "must follow each other"),
    "flight outside": (
        {"clip": "b.avi", "start_frame": "5", "flight_frame": "3", "entry_frame": "8"},
        "inside the clip, frames 5 to 29",
    ),
    "flight alone, outside": (
        {"clip": "b.avi", "start_frame": "5", "flight_frame": "3"},
        r"The flight \(from frame 3\) must be inside the clip, frames 5 to 29",
    ),
    "frame too large": ({"clip": "b.avi", "end_frame": "9" * 40}, "end_frame '9{40}' is no frame number: write"),
    "number without end": ({"clip": "b.avi", "score": "9" * 400}, r"score '9{76}\.\.\. is too large a number"),
    "score with a unit": ({"clip": "b.avi", "score": "60 points"}, "score '60 points' is no number: write it with"),
    "springboard of ten metres": ({"clip": "b.avi", "height": "10m springboard"}, "is no diving height"),
    "absent mask": ({"clip": "b.avi", "mask": "gone.npz"}, "mask 'gone.npz' does not exist"),
    "mask outside": ({"clip": "b.avi", "mask": "../m.npz"}, "leads out of the folder"),
    "mask too short": (
        {"clip": "b.avi", "mask": "short.npz"},
        r"should be bool \[30, 48, 64\].*not bool \[29, 48, 64\]",
    ),
    "mask of trimmed clip": (
        {"clip": "b.avi", "start_frame": "5", "mask": "full.npz"},
        r"should be bool \[25, 48, 64\]",
    ),
    "mask not bool": ({"clip": "b.avi", "mask": "bytes.npz"}, r"not uint8 \[30, 48, 64\]"),
    "mask flat": ({"clip": "b.avi", "mask": "flat.npz"}, r"not bool \[30\]"),
    "mask without key": ({"clip": "b.avi", "mask": "other.npz"}, "holds no array named 'mask'"),
    "mask no archive": ({"clip": "b.avi", "mask": "text.npz"}, r"text\.npz is no \.npz file"),
    "the same row again": ({"clip": "a.avi"}, "shows the same frames as line 2"),
    "overlapping rows": ({"clip": "a.avi", "start_frame": "29"}, "shows the same frames as line 2"),
    "the same content": ({"clip": "copy.avi"}, "shows the same frames as line 2"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_bad_row_is_named_or_left_out(folder, case):
    row, message = BROKEN[case]
    write_video(folder.parent / "secret.avi")
    (folder / "copy.avi").write_bytes((folder / "a.avi").read_bytes())
    (folder / "text.avi").write_text("no video")
    (folder / "text.npz").write_text("no archive")
    write_mask(folder, "short.npz", (FRAMES - 1, HEIGHT, WIDTH))
    write_mask(folder, "full.npz")
    write_mask(folder, "bytes.npz", dtype=np.uint8)
    write_mask(folder, "flat.npz", (FRAMES,))
    write_mask(folder, "other.npz", key="masks")
    write_table(folder, {"clip": "a.avi"}, row)
    with pytest.raises(DataError, match=message) as caught:
        read_clip_folder(folder)
    assert str(caught.value).startswith(f"{folder / 'dives.csv'}, line 3: ")
    dives = read_clip_folder(folder, ReadOptions(on_broken=OnBroken.SKIP))
    assert [dive.id for dive in dives] == ["a.avi"]
    assert len(dives.problems) == 1
    assert "dives.csv, line 3: " in str(dives.problems[0])


def test_a_link_out_of_the_folder_is_rejected(folder):
    write_video(folder.parent / "secret.avi")
    os.symlink(folder.parent / "secret.avi", folder / "link.avi")
    write_table(folder, {"clip": "link.avi"})
    with pytest.raises(DataError, match="leads out of the folder"):
        read_clip_folder(folder)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no such table"),
        ("", "line 1: there is no column 'clip'"),
        ("name,score\n", "line 1: there is no column 'clip'.*This line has 'name', 'score'"),
        ("video,file\n", "the columns 'video' and 'file' could each be 'clip': rename one"),
        ("clip,score,score\n", "line 1: a column is there twice"),
    ],
)
def test_an_invalid_table_is_rejected(folder, text, message):
    if text is not None:
        (folder / "dives.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_clip_folder(folder)


def test_one_transition_alone_is_a_label_of_a_dive_without_transitions(folder):
    """A clip that ends in the air has a flight and no entry."""
    write_table(folder, FULL | {"entry_frame": ""}, {"clip": "b.avi", "entry_frame": "20"})
    first, second = read_clip_folder(folder)
    assert (first.flight_frame, first.entry_frame, first.has_transitions) == (8, None, False)
    assert (second.flight_frame, second.entry_frame, second.has_transitions) == (None, 20, False)
    assert first.transitions(first.sample()) is None
    assert not ClipDataset(DiveList("clips:club", (first,)))[0].has_transitions.any()


def test_an_unknown_column_is_passed_over_with_one_remark(folder):
    (folder / "dives.csv").write_text("clip,athlete,score\na.avi,Jane,70\nb.avi,Jo,60\n")
    dives = read_clip_folder(folder)
    assert [dive.score for dive in dives] == [70, 60]
    (remark,) = dives.problems
    assert remark.is_remark
    assert "line 1: the column 'athlete' was passed over" in str(remark)


def test_a_workbook_stands_for_the_table_and_a_table_beside_it_is_preferred(folder):
    write_workbook(
        folder / "Dives.xlsx", [["Clip", "Height", "Score"], ["a.avi", 3, 60.25], ["b.avi", "10m platform", 61]]
    )
    dives = read_clip_folder(folder)
    assert [(dive.height, dive.score) for dive in dives] == [(3, 60.25), (10, 61)]
    assert dives.problems == ()
    write_table(folder, {"clip": "a.avi", "score": "50"})
    dives = read_clip_folder(folder)
    assert [dive.score for dive in dives] == [50]
    assert [str(problem).removeprefix(f"{folder}/") for problem in dives.problems] == [
        "Dives.xlsx: was not read, since dives.csv is beside it"
    ]


def test_a_single_table_of_another_name_is_mentioned(folder):
    (folder / "meet.csv").write_text("clip\na.avi\n")
    with pytest.raises(DataError, match=r"there is no such table.*Rename 'meet\.csv' to it"):
        read_clip_folder(folder)


def test_a_row_with_too_many_fields_is_named(folder):
    (folder / "dives.csv").write_text("clip,score\na.avi,70\nb.avi,70,80\n")
    with pytest.raises(DataError, match="line 3: has more fields than the 2 columns"):
        read_clip_folder(folder)


def test_a_mask_that_is_broken_inside_is_named_when_it_is_read(folder):
    write_mask(folder)
    write_table(folder, {"clip": "a.avi", "mask": "a.npz"})
    (dive,) = read_clip_folder(folder)
    (folder / "a.npz").write_bytes(b"gone wrong")
    with pytest.raises(DataError, match=r"a\.npz: cannot be read"):
        dive.read_masks([0])


def test_the_validation_split_is_sampled_from_the_rows(folder):
    write_table(folder, *[{"clip": "a.avi", "start_frame": n, "end_frame": n} for n in range(FRAMES)])
    dives = read_clip_folder(folder, ReadOptions(seed=1, validation=0.3))
    assert len(dives) == FRAMES
    assert 0 < len(dives.select_split("validation")) < 20
    assert len(dives.select_split("test")) == 0


@pytest.mark.slow
@pytest.mark.skipif(not REAL.is_dir(), reason="the real clips are not on this machine")
def test_the_real_clips_are_a_clip_folder():
    """Facts of ../shared/real: its table, with frame numbers read off the frames by eye."""
    with (REAL / TABLE).open(newline="") as table:
        rows = list(csv.DictReader(table))
    result = read_clip_folder(REAL)
    dives = {dive.id: dive for dive in result}
    assert len(dives) == len(rows) >= 33
    for row in rows:
        dive = dives[dive_name(row)]
        assert (dive.first_frame, dive.last_frame) == (int(row["start_frame"]), int(row["end_frame"]))
        assert dive.flight_frame == (int(row["flight_frame"]) if row["flight_frame"] else None)
        assert dive.entry_frame == (int(row["entry_frame"]) if row["entry_frame"] else None)
        # Clips that end in the air, or stop in flight, have one of the two frames, which is no pair of transitions.
        assert dive.has_transitions == (row["flight_frame"] != "" and row["entry_frame"] != "")
        assert dive.has_masks == (row["mask"] != "")
    london = dives["london2012_10m_207C.avi#1"]
    assert (str(london.code), london.height, london.difficulty, london.score) == ("207C", 10, 3.3, 84.15)
    numbers = london.sample()
    assert london.transitions(numbers) == Transitions(int((numbers >= 18).argmax()), int((numbers >= 62).argmax()))
    college = dives["college_springboard_inward.mp4#150"]
    assert college.transitions(college.sample()).entry < 48  # in the first half of the clip
    synchro = dives["silhouettes_platform_10m_synchro.mp4#0"]
    assert (synchro.frame_count, synchro.has_masks) == (51, True)
    batch = ClipDataset(DiveList("clips:real", (synchro,)))[0]
    assert batch.ids == (synchro.id,)
    assert batch.clips.shape == (1, 3, 96, 112, 112)
    assert 0.01 < float(batch.masks.float().mean()) < 0.2
