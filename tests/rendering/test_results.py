import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from fineparser.exemplars.exemplar import ExemplarClip
from fineparser.rendering.results import RESULTS, write_results, zip_results
from fineparser.video.error import VideoError
from fineparser.video.reading import probe


@pytest.fixture(scope="module")
def folder(report, tmp_path_factory):
    return write_results(report, tmp_path_factory.mktemp("results") / "deep" / "er")


def test_everything_is_there_and_nothing_else(folder):
    assert sorted(file.name for file in folder.iterdir()) == sorted(RESULTS)
    assert probe(folder / "overlay.mp4").frame_count == 60
    assert probe(folder / "comparison.mp4").frame_count == 54
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert len((folder / "frames.csv").read_text().splitlines()) == 97


def test_the_json_is_the_reports(folder, report):
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == json.loads(json.dumps(report.to_json()))


def test_the_masks_are_as_promised(folder, report):
    with np.load(folder / "masks.npz", allow_pickle=False) as arrays:
        assert sorted(arrays) == ["frame_number", "mask"]
        assert (arrays["frame_number"] == report.frame_numbers).all()
        assert arrays["mask"].dtype == bool
        assert (arrays["mask"] == report.source_masks()).all()


def test_one_zip_of_all(folder, tmp_path):
    path = zip_results(folder, tmp_path / "all.zip")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == list(RESULTS)
        assert archive.read("report.json") == (folder / "report.json").read_bytes()
    assert [file.name for file in tmp_path.iterdir()] == ["all.zip"]


def test_a_lost_clip_of_an_exemplar_costs_the_comparison_alone(report, tmp_path):
    gone = replace(report.votes[1].shown, clip=ExemplarClip(tmp_path / "gone.mp4", 0, 1, 2, 3))
    votes = (report.votes[0], replace(report.votes[1], shown=gone), report.votes[2])
    write_results(replace(report, votes=votes), tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(set(RESULTS) - {"comparison.mp4"})


def test_without_an_exemplars_clip_there_is_no_comparison(unscored, tmp_path):
    """And what an earlier analysis left does not stay beside the new results."""
    for name in ("comparison.mp4", "results.zip"):
        (tmp_path / name).write_bytes(b"earlier")
    write_results(unscored, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(set(RESULTS) - {"comparison.mp4"})
    assert zip_results(tmp_path) == tmp_path / "results.zip"
    with zipfile.ZipFile(tmp_path / "results.zip") as archive:
        assert "comparison.mp4" not in archive.namelist()


def test_a_failure_leaves_no_broken_file(report, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="No space"):
        write_results(report, tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["comparison.mp4", "overlay.mp4"]


def test_a_clip_that_has_gone(report, tmp_path):
    gone = replace(report, info=replace(report.info, path=tmp_path / "gone.mp4"))
    with pytest.raises(VideoError, match="does not exist"):
        write_results(gone, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_nothing_to_zip(tmp_path):
    with pytest.raises(FileNotFoundError, match="no results"):
        zip_results(tmp_path)
    assert list(tmp_path.iterdir()) == []
