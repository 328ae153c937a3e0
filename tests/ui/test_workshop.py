"""The Train tab's folders: names are looked up, never opened; what is in use survives a restart."""

import pytest
import torch

from fineparser.data.clip_table import TABLE, row_of, write_rows
from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.training.jobs import locked
from fineparser.training.options import TrainOptions
from fineparser.ui.workshop import Workshop, WorkshopError


@pytest.fixture
def workshop(tmp_path) -> Workshop:
    return Workshop(tmp_path / "home", tmp_path / "data")


def options(tmp_path, spec="syndive:4") -> TrainOptions:
    return TrainOptions(out=tmp_path, data=(spec,))


def test_the_environment_names_the_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("FINEPARSER_HOME", str(tmp_path))
    monkeypatch.delenv("FINEPARSER_DATA", raising=False)
    assert Workshop.of_environment() == Workshop(tmp_path / "training")
    monkeypatch.setenv("FINEPARSER_DATA", str(tmp_path / "sets"))
    assert Workshop.of_environment().data == tmp_path / "sets"


def test_a_collection_is_found_by_its_name_alone(workshop, tmp_path):
    assert workshop.collections() == []
    folder = workshop.new_collection("  Club: 2026/../x ")
    assert folder.parent == tmp_path / "home" / "clips"
    assert workshop.collections() == [folder.name]
    assert workshop.new_collection(folder.name) == folder
    for name in ("..", "../clips", str(folder), "", "."):
        with pytest.raises(WorkshopError, match="no collection"):
            workshop.collection(name)
    for name in ("", "  ", "../..", "///"):
        with pytest.raises(WorkshopError, match="name"):
            workshop.new_collection(name)


def test_only_datasets_of_the_offered_folder_are_offered(workshop, tmp_path):
    assert workshop.datasets() == {}
    for name in ("club", "empty", ".hidden"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for name in ("club", ".hidden"):
        write_rows(tmp_path / "data" / name / TABLE, [row_of("a.mp4")])
    assert workshop.datasets() == {"club": f"clips:{(tmp_path / 'data' / 'club').resolve()}"}
    assert Workshop(tmp_path / "home").datasets() == {}


def test_a_collection_that_a_run_uses_is_not_deleted(workshop, tmp_path):
    folder = workshop.new_collection("club")
    job = workshop.jobs.new("club", "start", options(tmp_path, f"clips:{folder.resolve()}"))
    with locked(job.folder / "alive"), pytest.raises(WorkshopError, match="is using club"):
        workshop.remove_collection("club")
    assert folder.is_dir()
    workshop.remove_collection("club")
    assert not folder.exists()


def test_what_is_in_use_is_remembered_until_it_is_gone(workshop, tmp_path):
    assert workshop.in_use is None
    job = workshop.jobs.new("club", "start", options(tmp_path))
    workshop.note_in_use(job, own_exemplars=True)
    found, own_exemplars = workshop.in_use
    assert (found.folder, own_exemplars) == (job.folder, True)
    workshop.jobs.remove(job.id)
    assert workshop.in_use is None
    workshop.note_in_use(None)
    assert not (workshop.folder / "in_use.json").exists()


def test_a_start_is_written_once_for_its_weights(workshop):
    torch.manual_seed(0)
    model = FineParser(FineParserConfig.tiny())
    folder = workshop.start_of(model)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert workshop.start_of(model) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert FineParser.from_pretrained(folder).fingerprint() == model.fingerprint()
