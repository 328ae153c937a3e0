"""FineDiving folders, written here in the dataset's own form."""

import pickle

import cv2
import numpy as np
import pytest

from fineparser.data.dives import DataError, OnBroken, ReadOptions
from fineparser.data.readers.finediving import read_finediving, read_sub_action_table
from fineparser.domain.phases import SUB_ACTIONS, Transitions

VIDEO = "FINADivingWorldCup2021_Men3m_final_r1"
LABELS = [1] * 5 + [17] * 6 + [36] * 3  # forward, 3 1/2 somersaults pike, entry


def dump(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(value))


def write_clip(folder, first, count, colour, size=(40, 24)):
    folder.mkdir(parents=True)
    for index in range(count):
        picture = np.full((size[1], size[0], 3), colour(index), np.uint8)
        cv2.imwrite(str(folder / f"{first + index:05d}.jpg"), picture)


def details(code="107b", **changes):
    return {
        "action_type": code,
        "sub-action_types": {1: "Forward", 17: "3.5 Soms.Pike", 36: "Entry"},
        "judge_scores": [8.0, 8.5, 8.0, 7.5, 8.0, 8.5, 9.0],
        "dive_score": 75.95,
        "difficulty": 3.1,
        "frames_labels": np.array(LABELS),
        "steps_transit_frames": np.array([494, 500]),
        "start_frame": 489,
        "end_frame": 502,
    } | changes


class Folder:
    """A FineDiving folder under construction."""

    def __init__(self, root):
        self.root = root
        self.details = {}
        self.scores = {}
        self.train = []
        self.test = []

    def add(self, video=VIDEO, clip=0, split="train", first=489, masks=True, **changes):
        key = (video, clip)
        self.details[key] = details(**changes)
        values = self.details[key]
        self.scores[key] = [
            values["action_type"], values["dive_score"], values["difficulty"], None, values["frames_labels"]
        ]  # fmt: skip
        getattr(self, split).append(key)
        write_clip(self.root / "FineDiving" / video / str(clip), first, 14, lambda index: (0, 0, 10 * index))
        if masks:
            write_clip(self.root / "FineDiving_HM" / video / str(clip), first, 14, lambda index: (255,) * 3)
        return key

    def save(self, where="", scores=True, detailed=True):
        folder = self.root / where
        if scores:
            dump(folder / "fine-grained_annotation_aqa.pkl", self.scores)
        if detailed:
            dump(folder / "FineDiving_fine-grained_annotation.pkl", self.details)
        dump(folder / "train_split.pkl", self.train)
        dump(folder / "test_split.pkl", self.test)
        return self.root


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@pytest.mark.parametrize("where", ["", "Annotations", "train_test_split"])
def test_every_label_is_read(folder, where):
    folder.add()
    (dive,) = read_finediving(folder.save(where), ReadOptions(validation=0))
    assert dive.id == f"{VIDEO}/0"
    assert dive.split == "train"
    assert str(dive.code) == "107B"
    assert (dive.height, dive.difficulty, dive.score) == (3, 3.1, 75.95)
    assert dive.awards == (8.0, 8.5, 8.0, 7.5, 8.0, 8.5, 9.0)
    assert (dive.first_frame, dive.last_frame) == (489, 502)
    assert (dive.flight_frame, dive.entry_frame) == (494, 500)
    assert dive.sub_actions == tuple(LABELS)
    assert dive.has_masks


def test_transitions_are_those_of_the_published_loader(folder):
    """Reference: the published rule applied to the labels of the sampled frames."""
    folder.add()
    (dive,) = read_finediving(folder.save(), ReadOptions(validation=0))
    numbers = np.linspace(489, 502, 96).astype(int)
    sampled = [LABELS[number - 489] for number in numbers]
    assert dive.transitions(dive.sample()) == Transitions(sampled.index(17), sampled.index(36))
    assert dive.sub_action_labels(dive.sample()).tolist() == sampled


def test_frames_and_masks_are_read_by_number(folder):
    folder.add()
    (dive,) = read_finediving(folder.save(), ReadOptions(validation=0))
    frames = dive.read([489, 502, 495])
    assert frames.shape == (3, 24, 40, 3)
    # OpenCV wrote blue-green-red (0, 0, 10 n): red once read.
    assert np.abs(frames[:, 12, 20].astype(int) - [[0, 0, 0], [130, 0, 0], [60, 0, 0]]).max() <= 3
    masks = dive.read_masks([489, 502])
    assert masks.dtype == np.bool_
    assert masks.shape == (2, 24, 40)
    assert masks.all()


def test_masks_are_thresholded_between_black_and_white(folder):
    key = folder.add()
    path = folder.root / "FineDiving_HM" / key[0] / "0" / "00489.jpg"
    picture = np.zeros((24, 40, 3), np.uint8)
    picture[:, :20] = (0, 0, 255)  # red on black, as some tools colour masks
    cv2.imwrite(str(path), picture)
    (dive,) = read_finediving(folder.save(), ReadOptions(validation=0))
    (mask,) = dive.read_masks([489])
    assert mask[:, :18].all()
    assert not mask[:, 22:].any()


@pytest.mark.parametrize(("scores", "detailed"), [(True, False), (False, True)])
def test_one_annotation_file_is_enough(folder, scores, detailed):
    folder.add()
    (dive,) = read_finediving(folder.save(scores=scores, detailed=detailed), ReadOptions(validation=0))
    assert (dive.score, dive.flight_frame) == (75.95, 494)
    assert (dive.awards is None) == (not detailed)


def test_masks_may_be_absent_altogether(folder):
    folder.add(masks=False)
    (dive,) = read_finediving(folder.save(), ReadOptions(validation=0))
    assert not dive.has_masks
    assert dive.read_masks([489]) is None


def test_the_validation_split_is_carved_out_of_training_only(folder):
    for clip in range(30):
        folder.add(clip=clip, split="train" if clip < 20 else "test", masks=False)
    root = folder.save()
    dives = read_finediving(root, ReadOptions(seed=5, validation=0.4))
    assert len(dives.select_split("test")) == 10
    assert 1 <= len(dives.select_split("validation")) <= 15
    assert len(dives.select_split("train")) + len(dives.select_split("validation")) == 20
    assert (
        read_finediving(root, ReadOptions(seed=5, validation=0.4)).select_split("validation").dives
        == dives.select_split("validation").dives
    )
    assert (
        read_finediving(root, ReadOptions(seed=6, validation=0.4)).select_split("validation").dives
        != dives.select_split("validation").dives
    )
    assert len(read_finediving(root, ReadOptions(validation=0)).select_split("validation")) == 0


def test_labels_beyond_the_last_frame_are_dropped(folder):
    folder.add(frames_labels=[*LABELS, 36, 36])
    (dive,) = read_finediving(folder.save(), ReadOptions(validation=0))
    assert dive.sub_actions == tuple(LABELS)


def test_unknown_sub_actions_are_preserved(folder):
    folder.add(frames_labels=[5] * 5 + [41] * 6 + [36] * 3)
    (dive,) = read_finediving(folder.save(), ReadOptions(validation=0))
    assert set(dive.sub_actions) == {5, 41, 36}
    assert (dive.flight_frame, dive.entry_frame) == (494, 500)


def remove(path):
    path.unlink()


BROKEN = {
    "no such dive number": (lambda folder: folder.scores[VIDEO, 1].__setitem__(0, "107x"), "107x"),
    "score out of range": (lambda folder: folder.scores[VIDEO, 1].__setitem__(1, 400.0), "not 400"),
    "not a score": (lambda folder: folder.scores[VIDEO, 1].__setitem__(1, "high"), "'high'"),
    "short row": (lambda folder: folder.scores.__setitem__((VIDEO, 1), ["107b"]), "should be .action type"),
    "too few labels": (lambda folder: folder.scores[VIDEO, 1].__setitem__(4, LABELS[:9]), "9 frame labels for 14"),
    "one label": (lambda folder: folder.scores[VIDEO, 1].__setitem__(4, [1] * 14), "all frames have the label 1"),
    "not annotated": (
        lambda folder: (folder.scores.pop((VIDEO, 1)), folder.details.pop((VIDEO, 1))),
        "in a split, but not annotated",
    ),
    "no frames": (
        lambda folder: [remove(path) for path in (folder.root / "FineDiving" / VIDEO / "1").iterdir()],
        "holds no images",
    ),
    "a gap": (
        lambda folder: remove(folder.root / "FineDiving" / VIDEO / "1" / "00495.jpg"),
        "lacks 1 frames between its first and last, 495 first",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_dive_is_named_or_left_out(folder, case):
    folder.add(clip=0)
    folder.add(clip=1)
    damage, message = BROKEN[case]
    damage(folder)
    root = folder.save()
    with pytest.raises(DataError, match=message) as caught:
        read_finediving(root, ReadOptions(validation=0))
    assert f"fine-grained_annotation_aqa.pkl, item {VIDEO}/1" in str(caught.value)
    dives = read_finediving(root, ReadOptions(validation=0, on_broken=OnBroken.SKIP))
    assert [dive.id for dive in dives] == [f"{VIDEO}/0"]
    assert len(dives.problems) == 1
    assert f"{VIDEO}/1" in str(dives.problems[0])


@pytest.mark.parametrize("lost", ["folder", "one"])
def test_missing_masks_are_named_or_only_they_left_out(folder, lost):
    key = folder.add(masks=lost == "one")
    folder.add(clip=1)
    if lost == "one":
        remove(folder.root / "FineDiving_HM" / key[0] / "0" / "00500.jpg")
    root = folder.save()
    message = "no folder of masks" if lost == "folder" else "lacks the masks of 1 frames, 500 first"
    with pytest.raises(DataError, match=message):
        read_finediving(root, ReadOptions(validation=0))
    dives = read_finediving(root, ReadOptions(validation=0, on_broken=OnBroken.SKIP))
    assert [dive.has_masks for dive in dives] == [False, True]
    assert len(dives.problems) == 1


def test_a_broken_frame_is_named_when_it_is_read(folder):
    folder.add()
    (dive,) = read_finediving(folder.save(), ReadOptions(validation=0))
    (folder.root / "FineDiving" / VIDEO / "0" / "00490.jpg").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"00490\.jpg"):
        dive.read([489, 490])
    with pytest.raises(DataError, match="there is no frame 600"):
        dive.read([600])


@pytest.mark.parametrize("key", [("../elsewhere", 0), ("..", 0), ("a/b", 0), ("", 0), ("a", -1), "ab c", 3])
def test_a_key_that_leads_elsewhere_is_rejected(folder, key):
    folder.add()
    folder.train.append(key)
    with pytest.raises(DataError, match="key"):
        read_finediving(folder.save(), ReadOptions(on_broken=OnBroken.SKIP))


def test_a_dive_in_both_splits_is_rejected(folder):
    folder.test.append(folder.add())
    with pytest.raises(DataError, match=r"in train_split\.pkl too"):
        read_finediving(folder.save())


@pytest.mark.parametrize(
    ("leave_out", "message"),
    [
        ("FineDiving", "no folder FineDiving"),
        ("train_split.pkl", "no train_split.pkl"),
        ("annotations", "neither fine-grained_annotation_aqa.pkl nor FineDiving_fine-grained"),
    ],
)
def test_a_missing_part_of_the_folder_is_reported(folder, leave_out, message):
    if leave_out != "FineDiving":
        folder.add()
    annotated = leave_out != "annotations"
    root = folder.save(scores=annotated, detailed=annotated)
    if leave_out == "train_split.pkl":
        (root / leave_out).unlink()
    with pytest.raises(DataError, match=message):
        read_finediving(root)


@pytest.mark.parametrize(
    "table", [{1: "Forward", 36: "Entry"}, {"Forward": 1, "Entry": 36}, {"1": "Forward", "36": "Entry"}]
)
def test_the_table_of_sub_actions_is_read_either_way_round(tmp_path, table):
    dump(tmp_path / "Annotations" / "Sub_action_Types_Table.pkl", table)
    assert read_sub_action_table(tmp_path) == {1: "Forward", 36: "Entry"}


def test_without_a_table_the_names_are_ours(tmp_path):
    assert read_sub_action_table(tmp_path) == SUB_ACTIONS


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"difficulty": np.inf}, "a number is needed, not inf"),
        ({"dive_score": np.nan}, "a number is needed, not nan"),
        ({"dive_score": 10**9}, "A score lies in 0 to 120"),
        ({"frames_labels": [np.inf] * 14}, "a whole number is needed, not inf"),
        ({"frames_labels": [[1, "x"] * 7]}, "a whole number is needed, not 'x'"),
        ({"judge_scores": [{}]}, "a number is needed, not a dict of 0 items"),
        ({"code": ["107B"] * 1000}, "short text is needed, not a list of 1000 items"),
    ],
)
def test_a_value_that_is_no_label_is_named(folder, change, reason):
    folder.add(**change)
    root = folder.save(scores=False)
    with pytest.raises(DataError, match=rf"FineDiving_fine-grained_annotation\.pkl, item {VIDEO}/0: {reason}"):
        read_finediving(root)
    left = read_finediving(root, ReadOptions(on_broken=OnBroken.SKIP))
    assert (len(left), len(left.problems)) == (0, 1)


@pytest.mark.parametrize("table", [{np.inf: "Entry"}, {1: 2.5}, {"²": "Entry"}, {(1,): "Entry"}])
def test_a_table_of_other_things_is_named(tmp_path, table):
    dump(tmp_path / "Sub_action_Types_Table.pkl", table)
    with pytest.raises(DataError, match=r"Sub_action_Types_Table\.pkl: should give each sub-action's number"):
        read_sub_action_table(tmp_path)
