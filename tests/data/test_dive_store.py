"""Simulated dives kept on disk."""

import json

import numpy as np
import pytest

from fineparser.data.dive_store import LAYER_RANGE, STORE_LINES, read_store, store_dives
from fineparser.data.dives import DataError, OnBroken, ReadOptions
from fineparser.data.readers.syndive import SynDives
from fineparser.data.sources import open_data

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source():
    return SynDives(2, seed=3, lines=STORE_LINES, width="full")


@pytest.fixture(scope="module")
def folder(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept") / "dives"
    store_dives(source, folder)
    return folder


def test_stored_dives_equal_rendered_ones(source, folder):
    kept = read_store(folder, ReadOptions(validation=0))
    assert len(kept) == 2
    for drawn, dive in zip((source[0], source[1]), kept, strict=True):
        numbers = drawn.sample()
        assert (dive.code, dive.height, dive.difficulty, dive.score, dive.awards, dive.deductions, dive.id) == (
            drawn.code, drawn.height, drawn.difficulty, drawn.score, drawn.awards, drawn.deductions, drawn.id,
        )  # fmt: skip
        assert dive.sample().tolist() == list(range(96))
        assert dive.transitions(dive.sample()) == drawn.transitions(numbers)
        wanted, places = np.unique(numbers, return_inverse=True)
        pictures = drawn.read(wanted.tolist())[places]
        for numbers in (range(96), [90, 5, 5]):
            off = dive.read(numbers).astype(int) - pictures[list(numbers)]
            assert np.sqrt((off**2).mean()) < 2.5  # of 255: a JPEG's loss
        postures = drawn.read_poses(wanted.tolist())[places]
        np.testing.assert_allclose(dive.read_poses(range(96)), postures, atol=2e-3)
        touch = dive.entry_frame
        asked = [touch + 3, touch + LAYER_RANGE[0], touch + 3]
        made = drawn.read_layers(wanted.tolist())[places][asked]
        off = dive.read_layers(asked).astype(int) - made
        assert made[0].max() > 200
        assert np.sqrt((off**2).mean()) < 2.5
        assert not dive.read_layers([0])[0].any()  # far from the entry: not kept
        assert np.array_equal(dive.read_masks([5, 90]), drawn.read_masks(wanted.tolist())[places][[5, 90]])


def test_stored_dives_are_not_rendered_again(source, folder, monkeypatch):
    monkeypatch.setattr("fineparser.data.dive_store._store_dive", lambda *_: pytest.fail("drawn again"))
    calls = []
    store_dives(source, folder, on_done=lambda done, of: calls.append((done, of)))
    assert calls == [(2, 2)]


def test_a_store_is_a_source(folder):
    assert len(open_data(f"store:{folder}", "train", ReadOptions(validation=0))) == 2
    with pytest.raises(DataError, match="no dive in its test split"):
        open_data(f"store:{folder}", "test")


def test_an_empty_folder_and_broken_files_are_named(source, folder, tmp_path):
    with pytest.raises(DataError, match="no store of dives"):
        read_store(tmp_path)
    file = next(iter(sorted(folder.glob("*.json"))))
    for ending in (".json", ".pictures.npy", ".layers.npy", ".masks.npy"):
        (tmp_path / file.with_suffix(ending).name).write_bytes(file.with_suffix(ending).read_bytes())
    pictures = tmp_path / file.with_suffix(".pictures.npy").name
    data = np.load(pictures)
    np.save(pictures, np.zeros_like(data))
    with pytest.raises(DataError, match="no JPEG"):
        read_store(tmp_path, ReadOptions(validation=0))[0].read([0])
    np.save(pictures, data[:-1])
    with pytest.raises(DataError, match=rf"holds uint8 \[{len(data) - 1}\], not uint8 \[{len(data)}\]"):
        read_store(tmp_path, ReadOptions(validation=0))[0].read([0])
    pictures.write_bytes(b"short")
    with pytest.raises(DataError, match="cannot be read"):
        read_store(tmp_path, ReadOptions(validation=0))[0].read([0])
    (tmp_path / file.name).write_text(json.dumps({"id": "x"}))
    with pytest.raises(DataError, match=r"\.json: cannot be used"):
        read_store(tmp_path)
    assert len(read_store(tmp_path, ReadOptions(on_broken=OnBroken.SKIP)).problems) == 1


def test_frames_of_another_size_are_not_stored(tmp_path):
    with pytest.raises(ValueError, match="full frames of 224 lines"):
        store_dives(SynDives(1), tmp_path)
