"""An inspection made up by hand, and its file."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score, jaccard_score

from fineparser.analysis.inspection import ARRAYS, Inspection, Labels
from tests.inspections import STARTS, drawn, labelled, made_up, paired


@pytest.fixture
def inspection() -> Inspection:
    return made_up()


def test_windows_agree_where_they_overlap(inspection):
    """Six frames of each seam are seen twice; of window 0's half window 1 calls a half the diver."""
    iou = inspection.overlap_iou
    seams = [frame for frame in range(96) if any(start <= frame < start + 6 for start in STARTS[1:])]
    assert np.flatnonzero(~np.isnan(iou)).tolist() == seams
    assert iou[10:16].tolist() == [0.5] * 6
    assert iou[20:26].tolist() == [0.0] * 6  # window 1 against nothing
    assert iou[30:36].tolist() == [1.0] * 6  # nothing against nothing


def test_the_spread_is_zero_where_one_window_sees(inspection):
    assert not inspection.overlap_spread(9).any()
    spread = inspection.overlap_spread(12)
    np.testing.assert_allclose(spread[3], [0.2, 0.2, 0.9, 0.9, 0, 0, 0, 0], atol=1e-3)
    assert inspection.windows_by_frame[12] == [0, 1]
    assert inspection.seen_by_windows(12).shape == (2, 8, 8)


def test_the_rule_of_the_weights_counts(inspection):
    assert inspection.transitions == (30, 50)
    assert replace(inspection, rule="windowed").transitions == (20, 60)


def test_without_labels_there_are_no_metrics(inspection):
    assert inspection.measures() == {}
    assert inspection.mask_iou_by_frame is None


def test_metrics_of_a_labelled_clip(inspection):
    known = labelled(inspection)
    masks, found = known.labels.masks, known.measures()
    flat = (inspection.mask_probability >= 0.5).ravel()
    assert found["mask_iou"] == pytest.approx(jaccard_score(masks.ravel(), flat))
    assert found["mask_f1"] == pytest.approx(f1_score(masks.ravel(), flat))
    assert (found["side_1_iou"], found["side_2_iou"]) == (pytest.approx(found["mask_iou"]), 0)
    assert (found["flight_error_windowed"], found["entry_error_windowed"]) == (10, 0)
    assert (found["flight_error_ordered"], found["entry_error_ordered"]) == (0, 10)
    assert found["tiou_windowed"] == pytest.approx(30 / 40)
    assert found["tiou_ordered"] == pytest.approx(20 / 30)
    assert found["score_error"] == pytest.approx(-3.5)
    frames = known.mask_iou_by_frame
    assert (frames[0], frames[5], frames[17]) == (0, 0.75, 0)
    assert np.isnan(frames[50])  # no diver, and none found


def test_only_what_is_labelled_is_measured(inspection):
    found = replace(inspection, labels=Labels(transitions=np.array([30, 60]))).measures()
    assert {name.rsplit("_", 1)[0] for name in found} == {"flight_error", "entry_error", "tiou"}
    assert replace(inspection, labels=Labels(score=70.0)).measures() == {}


def test_the_file_holds_every_array_under_its_name(inspection, tmp_path):
    whole = labelled(paired(drawn(inspection)))
    whole = replace(whole, pairing=replace(whole.pairing, entry_readings=np.zeros(14, np.float32)))
    path = whole.save(tmp_path / "inspection.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["inspection.npz"]
    with np.load(path, allow_pickle=False) as arrays:
        assert set(arrays) == set(ARRAYS)
        for name in set(ARRAYS) - {"about"}:
            dtype, shape = ARRAYS[name].split(":")[0].split(" ", 1)
            assert arrays[name].dtype == dtype, name
            assert arrays[name].ndim == len(shape.strip("[]").split(",")), name
        np.testing.assert_array_equal(arrays["frames"], whole.frames)
        np.testing.assert_array_equal(arrays["overlap_spread"][12], whole.overlap_spread(12))
        about = json.loads(str(arrays["about"]))
    assert about["transitions"] == {"windowed": [20, 60], "ordered": [30, 50]}
    assert (about["exemplar"], about["difference"]) == (
        "207C-10m-03",
        0.225,
    )  # (0.3 x 0.55 + 0.5 x 1.55 + 0.2 x 2.55 - 1) / 2
    assert about["metrics"]["flight_error_ordered"] == 0


def test_a_file_lacks_what_the_inspection_lacks(inspection, tmp_path):
    with np.load(inspection.save(tmp_path / "a.npz"), allow_pickle=False) as arrays:
        lacking = set(ARRAYS) - set(arrays)
    assert {"similarity", "dynamic_attention", "true_masks", "true_transitions"} <= lacking
    assert not any(name.startswith(("mask_probability", "window", "transition")) for name in lacking)


def test_a_file_that_cannot_be_finished_leaves_the_old_one(inspection, tmp_path, monkeypatch):
    path = tmp_path / "inspection.npz"
    path.write_bytes(b"before")

    def full(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space"):
        inspection.save(path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
