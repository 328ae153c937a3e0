"""The feature cache: computed once, again for other weights, and continued after an interruption."""

import json

import numpy as np
import pytest
import torch

from fineparser.data.readers.syndive import SynDives
from fineparser.data.simulated_datasets import PoseDataset
from fineparser.model.compact import CompactFineParser
from fineparser.training.devices import accelerator_for
from fineparser.training.feature_cache import CacheContents, CachedDataset, write_cache

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clips():
    return PoseDataset(SynDives(2, seed=3))


@pytest.fixture(scope="module")
def accelerator():
    return accelerator_for("cpu", "float32")


@pytest.fixture
def computed():
    """Sizes of the batches that were computed."""
    return []


@pytest.fixture
def contents(computed):
    def mean_colours(model, batch):
        assert not model.training
        computed.append(len(batch))
        return (batch.clips.clips.mean((3, 4)).numpy(),)

    return CacheContents(arrays={"colours": ((3, 96), np.float32)}, compute=mean_colours)


def test_a_cache_is_computed_once_and_again_for_other_weights(
    clips, accelerator, smallest, contents, computed, tmp_path
):
    torch.manual_seed(0)
    model = CompactFineParser(smallest)
    reports = []
    for _ in range(2):
        write_cache(model, clips, tmp_path, contents, accelerator, on_done=lambda *done: reports.append(done))
    assert (reports, computed) == ([(2, 2)], [2])
    assert model.training
    np.testing.assert_allclose(np.load(tmp_path / "colours.npy")[1], clips[1].clips.clips[0].mean((2, 3)), rtol=1e-5)
    dataset = CachedDataset(tmp_path, 32)
    assert len(dataset) == 2
    with pytest.raises(IndexError):
        dataset._random(2)
    write_cache(CompactFineParser(smallest), clips, tmp_path, contents, accelerator)
    assert computed == [2, 2]


def test_an_interrupted_cache_is_continued(clips, accelerator, smallest, contents, computed, tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    model = CompactFineParser(smallest)
    with pytest.raises(KeyboardInterrupt):
        write_cache(model, clips, tmp_path, contents, accelerator, on_done=interrupt)
    assert not (tmp_path / "whole.json").exists()
    write_cache(model, clips, tmp_path, contents, accelerator)
    assert computed == [2]  # its rows were there
    np.testing.assert_allclose(np.load(tmp_path / "colours.npy")[1], clips[1].clips.clips[0].mean((2, 3)), rtol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["colours.npy", "whole.json"]
    assert json.loads((tmp_path / "whole.json").read_text()) == {"clips": 2, "weights": model.fingerprint()}


def test_random_numbers_depend_on_seed_epoch_clip_and_stream(tmp_path):
    (tmp_path / "whole.json").write_text(json.dumps({"clips": 2}))
    dataset, other_seed = CachedDataset(tmp_path, 32), CachedDataset(tmp_path, 32, seed=1)
    draws = [dataset._random(0), dataset._random(1), dataset._random(0, 1), other_seed._random(0)]
    dataset.set_epoch(1)
    draws.append(dataset._random(0))
    assert len({rng.random() for rng in draws}) == 5
    dataset.set_epoch(0)
    assert dataset._random(0).random() == CachedDataset(tmp_path, 32)._random(0).random()
