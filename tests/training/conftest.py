"""Simulated dives on disk, small enough to train on within a test, and the smallest network."""

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fineparser.data.dives import DiveSource
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig, FineParserConfig, NetworkConfig
from fineparser.model.protocol import Network
from fineparser.training.devices import accelerator_for
from fineparser.training.launch import train
from fineparser.training.options import TrainOptions
from fineparser.training.run_folder import Run
from fineparser.training.tasks.base import StepContext, TaskContext
from tests.builders import SIMULATED_DIVES, simulated_clip_folder, write_table


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in one order, here as in the processes that tests start."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def dives(tmp_path_factory) -> Path:
    """Two simulated dives of each of two numbers."""
    return simulated_clip_folder(tmp_path_factory.mktemp("dives"))


@pytest.fixture
def relabelled(dives, tmp_path):
    """Makes a folder of the same clips with other labels: `relabelled(lambda row: ..., keep=3)`."""

    def make(change, keep: int = len(SIMULATED_DIVES)) -> Path:
        root = tmp_path / "relabelled"
        root.mkdir()
        with (dives / "dives.csv").open() as file:
            rows = list(csv.DictReader(file))[:keep]
        for row in rows:
            for name in filter(None, (row["clip"], row["mask"])):
                if (dives / name).is_dir():
                    (root / name).mkdir()
                    for frame in (dives / name).iterdir():
                        (root / name / frame.name).hardlink_to(frame)
                else:
                    (root / name).hardlink_to(dives / name)
        write_table(root, [row | change(row) for row in rows])
        return root

    return make


@pytest.fixture(scope="session")
def smallest() -> CompactConfig:
    """The tiny network with six windows instead of nine, without mask refiner and entry branch."""
    return replace(CompactConfig.tiny(), window_stride=16, refiner_channels=(), entry_channels=())


@pytest.fixture(scope="session")
def with_refiner(smallest) -> CompactConfig:
    """The smallest network with a mask refiner, which takes longer than everything else in it."""
    return replace(smallest, refiner_channels=CompactConfig.tiny().refiner_channels)


@pytest.fixture(scope="session")
def with_entry(smallest) -> CompactConfig:
    """The smallest network with an entry branch."""
    return replace(smallest, entry_channels=CompactConfig.tiny().entry_channels)


@pytest.fixture(scope="session")
def published() -> FineParserConfig:
    """The tiny published network with six windows instead of nine."""
    return replace(FineParserConfig.tiny(), window_stride=16)


@pytest.fixture(scope="session")
def config_file(tmp_path_factory, smallest) -> str:
    """File of the smallest network."""
    return write_config(tmp_path_factory.mktemp("config") / "smallest.json", smallest)


@pytest.fixture(scope="session")
def refiner_file(tmp_path_factory, with_refiner) -> str:
    """File of the network with a mask refiner."""
    return write_config(tmp_path_factory.mktemp("config") / "refiner.json", with_refiner)


@pytest.fixture(scope="session")
def entry_file(tmp_path_factory, with_entry) -> str:
    """File of the network with an entry branch."""
    return write_config(tmp_path_factory.mktemp("config") / "entry.json", with_entry)


@pytest.fixture(scope="session")
def whole_file(tmp_path_factory, with_entry, with_refiner) -> str:
    """File of a network with all parts."""
    config = replace(with_entry, refiner_channels=with_refiner.refiner_channels)
    return write_config(tmp_path_factory.mktemp("config") / "whole.json", config)


@pytest.fixture(scope="session")
def published_file(tmp_path_factory, published) -> str:
    """File of the published network."""
    return write_config(tmp_path_factory.mktemp("config") / "published.json", published)


def write_config(path: Path, config: NetworkConfig) -> str:
    name = "CompactFineParser" if isinstance(config, CompactConfig) else "FineParser"
    path.write_text(json.dumps({"network": name, "architecture": config.to_json()}))
    return str(path)


@pytest.fixture
def options(dives, config_file, tmp_path) -> TrainOptions:
    """Two epochs of two steps on the simulated dives."""
    return TrainOptions(
        data=(f"clips:{dives}",),
        out=tmp_path / "run",
        config=config_file,
        epochs=2,
        batch_size=2,
        device="cpu",
        progress=False,
    )


@pytest.fixture
def step() -> StepContext:
    """A step of a single process with teacher forcing."""
    return StepContext(is_weighted=True, teacher_forcing=True, mean=lambda tensor: tensor)


@pytest.fixture
def filler(step) -> StepContext:
    """The step of a process without a sample of its own."""
    return replace(step, is_weighted=False)


@pytest.fixture
def context(options):
    """Makes the context of a task: `context(model, training, train="parsers", ...)`."""

    def make(model: Network, training: DiveSource, **changes) -> TaskContext:
        return TaskContext(
            options=replace(options, **changes),
            model=model,
            training=training,
            validation=None,
            accelerator=accelerator_for("cpu", "float32"),
            on_record=lambda record: None,
        )

    return make


@pytest.fixture
def resumed_records(tmp_path):
    """Checks that an interrupted run is resumed to the weights of an uninterrupted one; its records.

    `resumed_records(options, "refiner/crops.npy")`: the file of the cache exists while the run is unfinished only.
    """

    def run(options: TrainOptions, cache_file: str) -> list[dict]:
        whole = replace(options, out=tmp_path / "whole", data=("syndive:4",), max_steps=4, checkpoint_every=1)
        weights = CompactFineParser.from_pretrained(train(whole).last).state_dict()
        assert not (whole.out / cache_file).parent.exists()
        interrupted = replace(whole, out=tmp_path / "interrupted")
        stops = iter((False, True))
        assert train(interrupted, should_stop=lambda: next(stops)).stopped
        assert (interrupted.out / cache_file).is_file()
        resumed = CompactFineParser.from_pretrained(train(replace(interrupted, resume=True)).last).state_dict()
        for name, tensor in weights.items():
            torch.testing.assert_close(resumed[name], tensor, msg=name)
        return list(Run.read(interrupted.out).records())

    return run
