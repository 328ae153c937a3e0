"""Labelled dives in uploads, and their inspection, with a tiny untrained network."""

import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.data.dive_tables import write_rows
from fineparser.data.finediving_writer import SimulationJob, write_finediving
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.model.protocol import Encoding
from fineparser.progress import no_progress
from fineparser.ui.analysis_service import AnalysisService
from fineparser.ui.inspection_service import InspectionService, list_labelled_dives
from fineparser.video.writer import write_video
from tests.builders import tiny_compact

pytestmark = pytest.mark.slow


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
def service() -> InspectionService:
    return InspectionService(AnalysisService(DiveAnalyser(tiny_compact())))


@pytest.fixture
def scratch(tmp_path, monkeypatch) -> Path:
    """Folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_dives_of_an_upload_are_listed(archive, scratch):
    dives = list_labelled_dives([str(archive)])
    assert dives.choices == (("block.mp4 (labelled: transitions and masks)", "block.mp4"),)
    problems = "\n".join(dives.problems)
    assert "notes.txt" in problems
    assert "absent.mp4" in problems
    assert str(scratch) not in problems
    assert list(scratch.iterdir()) == []


def test_an_upload_without_dives_is_explained(tmp_path, scratch):
    path = tmp_path / "letters.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("letter.txt", "hello")
    dives = list_labelled_dives([str(path)])
    assert dives.choices == ()
    assert "no labelled dive" in dives.problems[0]
    assert "letter.txt" in dives.problems[0]
    assert str(tmp_path) not in dives.problems[0]


def test_a_labelled_dive_is_inspected_with_its_labels(service, archive, scratch):
    steps = []
    inspection = service.inspect_labelled([str(archive)], "block.mp4", lambda step, done: steps.append(done))
    assert steps == sorted(steps)
    assert inspection.name == "block.mp4"
    assert inspection.labels.transitions.tolist() == [30, 68]  # the first of 96 samples from frames 15 and 35 on
    assert inspection.labels.masks.any(axis=(1, 2)).all()
    assert {"mask_iou", "tiou_ordered", "side_4_iou"} <= set(inspection.metrics())
    assert list(scratch.iterdir()) == []


def test_an_unknown_dive_is_refused(service, archive):
    with pytest.raises(ValueError, match=r"no dive '\.\./other'"):
        service.inspect_labelled([str(archive)], "../other", no_progress)


def test_a_report_of_other_weights_is_refused(service, archive, tmp_path):
    analyser = service.analyses.analyser
    with zipfile.ZipFile(archive) as packed:
        packed.extract("my dives/block.mp4", tmp_path)
    report = analyser.analyse(tmp_path / "my dives" / "block.mp4")
    assert service.inspect_report(report, None, no_progress).name == "block.mp4"
    other = replace(report, weights=replace(report.weights, name="fine-tuned"))
    with pytest.raises(ValueError, match="weights fine-tuned, and untrained are in use now"):
        service.inspect_report(other, None, no_progress)


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


def test_a_dive_of_finediving_is_inspected_beside_an_exemplar(service, finediving):
    model, noise = service.analyses.analyser.model, torch.Generator().manual_seed(0)
    encodings = Encoding(
        torch.rand(2, 3, 4, model.config.token_width, generator=noise),
        torch.rand(2, 96, 2, generator=noise),
        torch.tensor([[20, 60], [30, 70]]),
        torch.rand(2, 3, 4, model.config.token_width, generator=noise),
        torch.randn(2, 14, generator=noise),
    )
    judged = tuple(Exemplar(name, DiveCode.parse("107B"), 3, 3.1, 70.0, "mine") for name in ("weak", "strong"))
    analyser = DiveAnalyser(model, ExemplarBank(judged, encodings, model.fingerprint()))
    dives = list_labelled_dives([str(finediving)])
    ((words, dive),) = dives.choices
    assert "107B" in words
    assert "labelled: transitions and masks" in words
    inspection = InspectionService(AnalysisService(analyser)).inspect_labelled([str(finediving)], dive, no_progress)
    assert inspection.name == dive
    assert inspection.comparison.exemplar in ("weak", "strong")
    assert inspection.labels.masks.any()
    assert {"mask_iou", "tiou_ordered", "score_error"} <= set(inspection.metrics())
