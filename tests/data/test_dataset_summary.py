"""Summary of a dataset before a run starts; its splits are those that training opens."""

import pytest

from fineparser.data.dataset_summary import summarise_dataset
from fineparser.data.dive_tables import TABLE, make_row, write_rows
from fineparser.data.dives import ReadOptions
from fineparser.data.sources import detect_kind, open_data
from tests.data.readers.test_clip_folder import write_mask, write_video


@pytest.fixture
def club(tmp_path):
    """Ten clips of three numbers; the last one has no score, the first has switches and a mask."""
    root = tmp_path / "club"
    root.mkdir()
    rows = []
    for number in range(10):
        write_video(root / f"{number}.avi", shade=number)
        code = ("107B", "205B", "405B")[number % 3]
        rows.append(
            make_row(f"{number}.avi", dive_code=code, height="3", score="" if number == 9 else str(40 + number))
        )
    rows[0] |= {"flight_frame": "5", "entry_frame": "20", "mask": write_mask(root)}
    write_rows(root / TABLE, rows)
    return root


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_the_splits_are_those_that_training_opens(club, share):
    result = summarise_dataset(f"clips:{club}", "regression", share)
    assert result.error == ""
    assert len(result.in_split("validation")) == round(9 * share)
    if share:
        for split in ("train", "validation"):
            opened = open_data(result.spec, split, ReadOptions(seed=result.seed, validation=share))
            scored = {dive.id for dive in opened if dive.score is not None}
            assert scored == {one.name for one in result.in_split(split)}
        # What is measured can be compared with its own number.
        known = {one.code for one in result.in_split("train")}
        assert {one.code for one in result.in_split("validation")} <= known


def test_numbers_and_missing_labels_are_counted(club):
    result = summarise_dataset(f"clips:{club}", "everything", 0.2)
    assert result.code_counts == [("107B", 3), ("205B", 3), ("405B", 3)]
    assert result.missing_labels() == {"transitions": 8, "mask": 8}
    assert [(one.name, one.reason) for one in result.left_out] == [("9.avi", "has no label")]


def test_dives_without_the_labels_are_left_out_with_the_reason(club):
    scored = summarise_dataset(f"clips:{club}", "regression", 0.2)
    assert [(one.name, one.reason) for one in scored.left_out] == [("9.avi", "has no score")]
    parsed = summarise_dataset(f"clips:{club}", "parsers", 0.2)
    assert {one.reason for one in parsed.left_out} == {"has neither transitions nor a mask"}
    assert "one labelled dive" in parsed.error


def test_simulated_dives_have_everything():
    result = summarise_dataset("syndive:20:1", "everything", 0.2)
    assert (len(result.in_split("train")), len(result.in_split("validation"))) == (20, 16)
    assert result.missing_labels() == {}


@pytest.mark.parametrize("spec", ["clips:nowhere", "finediving:nowhere", "mtl-aqa:nowhere", "what:else", "syndive:x"])
def test_a_source_that_cannot_be_opened_is_an_error_in_words(spec):
    result = summarise_dataset(spec, "regression", 0.2)
    assert result.error
    assert result.used == []


def test_kinds_of_folders_are_detected(club, tmp_path):
    from fineparser.data.finediving_writer import SimulationJob, write_finediving

    write_finediving(SimulationJob(2), tmp_path / "FD")
    (tmp_path / "MTL").mkdir()
    (tmp_path / "MTL" / "final_annotations_dict.pkl").write_bytes(b"")
    assert [detect_kind(tmp_path / name) for name in ("club", "FD", "MTL", "nowhere")] == [
        "clips",
        "finediving",
        "mtl-aqa",
        None,
    ]
