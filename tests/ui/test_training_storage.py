"""Folders of the Train tab: names are looked up, never opened as paths; the active weights survive a restart."""

import pytest
import torch

from fineparser.data.dive_tables import TABLE, make_row, write_rows
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.training.jobs.job_folder import locked
from fineparser.training.options import TrainOptions
from fineparser.ui.training_storage import StorageError, TrainingStorage


@pytest.fixture
def storage(tmp_path) -> TrainingStorage:
    return TrainingStorage(tmp_path / "home", tmp_path / "data")


def options(tmp_path, spec="syndive:4") -> TrainOptions:
    return TrainOptions(out=tmp_path, data=(spec,))


def test_the_environment_names_the_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("FINEPARSER_HOME", str(tmp_path))
    monkeypatch.delenv("FINEPARSER_DATA", raising=False)
    assert TrainingStorage.from_environment() == TrainingStorage(tmp_path / "training")
    monkeypatch.setenv("FINEPARSER_DATA", str(tmp_path / "sets"))
    assert TrainingStorage.from_environment().data == tmp_path / "sets"


def test_a_collection_is_found_by_its_name_alone(storage, tmp_path):
    assert storage.collections() == []
    folder = storage.create_collection("  Club: 2026/../x ")
    assert folder.parent == tmp_path / "home" / "clips"
    assert storage.collections() == [folder.name]
    assert storage.create_collection(folder.name) == folder
    for name in ("..", "../clips", str(folder), "", "."):
        with pytest.raises(StorageError, match="no collection"):
            storage.collection(name)
    for name in ("", "  ", "../..", "///"):
        with pytest.raises(StorageError, match="name"):
            storage.create_collection(name)


def test_datasets_of_the_named_folder_are_offered(storage, tmp_path):
    assert storage.datasets() == {}
    for name in ("club", "empty", ".hidden"):
        (tmp_path / "data" / name).mkdir(parents=True)
    for name in ("club", ".hidden"):
        write_rows(tmp_path / "data" / name / TABLE, [make_row("a.mp4")])
    assert storage.datasets() == {"club": f"clips:{(tmp_path / 'data' / 'club').resolve()}"}
    assert TrainingStorage(tmp_path / "home").datasets() == {}


def test_a_collection_in_use_is_not_deleted(storage, tmp_path):
    folder = storage.create_collection("club")
    job = storage.jobs.new("club", "start", options(tmp_path, f"clips:{folder.resolve()}"))
    with locked(job.folder / "alive"), pytest.raises(StorageError, match="is using club"):
        storage.remove_collection("club")
    assert folder.is_dir()
    storage.remove_collection("club")
    assert not folder.exists()


def test_the_active_job_is_stored_until_it_is_deleted(storage, tmp_path):
    assert storage.active_job is None
    job = storage.jobs.new("club", "start", options(tmp_path))
    storage.save_active_job(job, own_exemplars=True)
    active, own_exemplars = storage.active_job
    assert (active.folder, own_exemplars) == (job.folder, True)
    storage.jobs.remove(job.id)
    assert storage.active_job is None
    storage.save_active_job(None)
    assert not (storage.folder / "in_use.json").exists()


def test_a_starting_checkpoint_is_written_once(storage):
    torch.manual_seed(0)
    model = CompactFineParser(CompactConfig.tiny())
    folder = storage.starting_checkpoint(model)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    assert storage.starting_checkpoint(model) == folder
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert CompactFineParser.from_pretrained(folder).fingerprint() == model.fingerprint()
