"""What a source holds, is told before anything starts; the splits that are told are those that training opens."""

import pytest

from fineparser.data.clip_table import TABLE, row_of, write_rows
from fineparser.data.sources import kind_of, open_data
from fineparser.data.survey import survey
from tests.data.test_clip_folder import write_mask, write_video


@pytest.fixture
def club(tmp_path):
    """Ten clips of three numbers; the last one has no score, the first has switches and a mask."""
    root = tmp_path / "club"
    root.mkdir()
    rows = []
    for number in range(10):
        write_video(root / f"{number}.avi", shade=number)
        code = ("107B", "205B", "405B")[number % 3]
        rows.append(row_of(f"{number}.avi", dive_code=code, height="3", score="" if number == 9 else str(40 + number)))
    rows[0] |= {"flight_frame": "5", "entry_frame": "20", "mask": write_mask(root)}
    write_rows(root / TABLE, rows)
    return root


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_the_splits_are_those_that_training_opens(club, share):
    found = survey(f"clips:{club}", "regression", share)
    assert found.error == ""
    assert len(found.of("validation")) == round(9 * share)
    if share:
        for split in ("train", "validation"):
            opened = open_data(found.spec, split, seed=found.seed, validation=share)
            assert {dive.id for dive in opened if dive.score is not None} == {one.name for one in found.of(split)}
        # What is measured can be compared with its own number.
        known = {one.number for one in found.of("train")}
        assert {one.number for one in found.of("validation")} <= known


def test_numbers_and_missing_labels_are_counted(club):
    found = survey(f"clips:{club}", "everything", 0.2)
    assert found.numbers == [("107B", 3), ("205B", 3), ("405B", 3)]
    assert found.missing() == {"step switches": 8, "mask": 8}
    assert [(one.name, one.reason) for one in found.left_out] == [("9.avi", "has no label")]


def test_what_the_part_cannot_use_is_left_out_with_the_reason(club):
    scored = survey(f"clips:{club}", "regression", 0.2)
    assert [(one.name, one.reason) for one in scored.left_out] == [("9.avi", "has no score")]
    parsed = survey(f"clips:{club}", "parsers", 0.2)
    assert {one.reason for one in parsed.left_out} == {"has neither step switches nor a mask"}
    assert "one labelled dive" in parsed.error


def test_simulated_dives_have_everything():
    found = survey("syndive:20:1", "everything", 0.2)
    assert (len(found.of("train")), len(found.of("validation"))) == (20, 16)
    assert found.missing() == {}


@pytest.mark.parametrize("spec", ["clips:nowhere", "finediving:nowhere", "mtl-aqa:nowhere", "what:else", "syndive:x"])
def test_a_source_that_cannot_be_opened_is_an_error_in_words(spec):
    found = survey(spec, "regression", 0.2)
    assert found.error
    assert found.used == []


def test_folders_are_told_apart(club, tmp_path):
    from fineparser.data.finediving_writer import SimulationJob, write_finediving

    write_finediving(SimulationJob(2), tmp_path / "FD")
    (tmp_path / "MTL").mkdir()
    (tmp_path / "MTL" / "final_annotations_dict.pkl").write_bytes(b"")
    assert [kind_of(tmp_path / name) for name in ("club", "FD", "MTL", "nowhere")] == [
        "clips",
        "finediving",
        "mtl-aqa",
        None,
    ]
