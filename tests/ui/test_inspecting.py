"""Labelled dives out of uploads, and what the tab does with them; the network is tiny and untrained."""

import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.data.clip_table import write_rows
from fineparser.data.finediving_writer import SimulationJob, write_finediving
from fineparser.domain.dive_code import DiveCode
from fineparser.model.config import FineParserConfig
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.ui.analysis import Analysis
from fineparser.ui.inspecting import Inspecting, look_through
from fineparser.video.writing import write_video


def quiet(step, done):
    """Nobody is told."""


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """A zip of a clip folder: one dive with all labels but number and height, one row whose clip is absent."""
    folder = tmp_path_factory.mktemp("labelled")
    frames = np.full((50, 120, 160, 3), 70, np.uint8)
    masks = np.zeros((50, 120, 160), bool)
    for number, frame in enumerate(frames):
        frame[number : number + 30, 70:90] = (225, 180, 150)
        masks[number, number : number + 30, 70:90] = True
    write_video(folder / "block.mp4", frames, 25.0)
    np.savez_compressed(folder / "block.npz", mask=masks)
    empty = dict.fromkeys(("dive_code", "height", "difficulty", "score", "start_frame", "end_frame"), "")
    rows = [
        empty | {"clip": "block.mp4", "flight_frame": "15", "entry_frame": "35", "mask": "block.npz"},
        empty | {"clip": "absent.mp4", "flight_frame": "", "entry_frame": "", "mask": ""},
    ]
    write_rows(folder / "dives.csv", rows)
    path = folder / "mine.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in ("block.mp4", "block.npz", "dives.csv"):
            packed.write(folder / file, f"my dives/{file}")
        packed.writestr("my dives/notes.txt", "hello")
    return path


@pytest.fixture(scope="module")
def inspecting() -> Inspecting:
    torch.manual_seed(0)
    model = FineParser(replace(FineParserConfig.tiny(), image_size=112)).eval()
    return Inspecting(Analysis(DiveAnalyser(model)))


@pytest.fixture
def scratch(tmp_path, monkeypatch) -> Path:
    """Where temporary files go meanwhile."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_an_upload_is_looked_through(archive, scratch):
    dives = look_through([str(archive)])
    assert dives.choices == (("block.mp4 (labelled: switches and masks)", "block.mp4"),)
    told = "\n".join(dives.problems)
    assert "notes.txt" in told
    assert "absent.mp4" in told
    assert str(scratch) not in told
    assert list(scratch.iterdir()) == []


def test_what_holds_no_dive_says_so(tmp_path, scratch):
    path = tmp_path / "letters.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("letter.txt", "hello")
    dives = look_through([str(path)])
    assert dives.choices == ()
    assert "no labelled dive" in dives.problems[0]
    assert "letter.txt" in dives.problems[0]
    assert str(tmp_path) not in dives.problems[0]


def test_a_labelled_dive_is_inspected_with_its_labels(inspecting, archive, scratch):
    steps = []
    inspection = inspecting.labelled([str(archive)], "block.mp4", lambda step, done: steps.append(done))
    assert steps == sorted(steps)
    assert inspection.name == "block.mp4"
    assert inspection.labels.transitions.tolist() == [30, 68]  # the first of 96 samples from frames 15 and 35 on
    assert inspection.labels.masks.any(axis=(1, 2)).all()
    assert {"mask_iou", "tiou_ordered", "side_4_iou"} <= set(inspection.measures())
    assert list(scratch.iterdir()) == []


def test_a_dive_that_is_not_in_it_is_refused(inspecting, archive):
    with pytest.raises(ValueError, match=r"no dive '\.\./other'"):
        inspecting.labelled([str(archive)], "../other", quiet)


def test_a_report_of_other_weights_is_refused(inspecting, archive, tmp_path):
    analyser = inspecting._analysis.analyser
    with zipfile.ZipFile(archive) as packed:
        packed.extract("my dives/block.mp4", tmp_path)
    report = analyser.analyse(tmp_path / "my dives" / "block.mp4")
    assert inspecting.report(report, None, quiet).name == "block.mp4"
    other = replace(report, weights=replace(report.weights, name="fine-tuned"))
    with pytest.raises(ValueError, match="weights fine-tuned, and untrained are in use now"):
        inspecting.report(other, None, quiet)


@pytest.fixture(scope="module")
def finediving(tmp_path_factory) -> Path:
    """A zip of one simulated dive in FineDiving's form, pickles and all."""
    folder = tmp_path_factory.mktemp("finediving")
    write_finediving(SimulationJob(1, 7, 112, (DiveCode.parse("107B"),)), folder / "data")
    path = folder / "some of FineDiving.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted((folder / "data").rglob("*")):
            packed.write(file, file.relative_to(folder / "data"))
    return path


def test_an_item_of_finediving_is_inspected_beside_an_exemplar(inspecting, finediving):
    model, noise = inspecting._analysis.analyser.model, torch.Generator().manual_seed(0)
    encodings = ClipEncoding(
        torch.rand(2, 3, 4, model.config.token_width, generator=noise),
        torch.rand(2, 96, 2, generator=noise),
        torch.tensor([[20, 60], [30, 70]]),
        torch.rand(2, 3, 4, model.config.token_width, generator=noise),
        torch.randn(2, 14, generator=noise),
        window_starts=model.config.window_starts,
    )
    judged = tuple(Exemplar(name, DiveCode.parse("107B"), 3, 3.1, 70.0, "mine") for name in ("weak", "strong"))
    analyser = DiveAnalyser(model, ExemplarBank(judged, encodings, model.fingerprint()))
    ((words, dive),) = look_through([str(finediving)]).choices
    assert "107B" in words
    assert "labelled: switches and masks" in words
    inspection = Inspecting(Analysis(analyser)).labelled([str(finediving)], dive, quiet)
    assert inspection.name == dive
    assert inspection.pairing.exemplar in ("weak", "strong")
    assert inspection.labels.masks.any()
    assert {"mask_iou", "tiou_ordered", "score_error"} <= set(inspection.measures())
