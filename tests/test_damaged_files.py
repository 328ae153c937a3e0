"""Files of every kind that are read, cut, overwritten and with bits flipped: an error that names them, or a result."""

import json
import pickle
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from fineparser.data.dives import DataError
from fineparser.data.readers.annotations import load_splits, load_table, named_key
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank
from fineparser.exemplars.user_exemplars import UserExemplars
from fineparser.model.checkpoint import CheckpointError, load_network, load_torch_file
from fineparser.model.reference_weights import import_checkpoint
from fineparser.training.jobs.job_folder import Job, JobError, Status
from fineparser.training.jobs.run_comparison import compare_run
from fineparser.training.options import OptionsError, TrainOptions
from fineparser.training.run_folder import Run
from fineparser.training.train_checkpoints import RunError
from fineparser.training.trainer import OPTIMISER_FILE, check_checkpoint
from tests.builders import noise_bank, noise_encodings, tiny_compact

MUTATIONS = 25
MAX_SECONDS = 5.0
"""A second, on a machine that does other things."""
BYTES = b'\x00\xff{}[]":,-.e0129NIuth(\x85\x86.\n'
"""Bytes with a meaning in JSON and in pickles."""


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Data that was cut, or in which a part was removed, repeated, overwritten or has a flipped bit."""
    start = int(rng.integers(len(data)))
    length = int(rng.integers(1, 20))
    changed = bytearray(data)
    kind = rng.integers(5)
    if kind == 0:
        return data[:start]
    if kind == 1:
        del changed[start : start + length]
    elif kind == 2:
        changed[start:start] = data[start : start + length]
    elif kind == 3:
        changed[start] = BYTES[int(rng.integers(len(BYTES)))]
    else:
        changed[start] ^= 1 << int(rng.integers(8))
    return bytes(changed)


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    """A folder with a file of each kind, as this project writes them."""
    root = tmp_path_factory.mktemp("files")
    model = tiny_compact(image_size=32)
    model.save_pretrained(root / "checkpoint")
    bank = noise_bank(model, noise_encodings(model, 5))
    bank.save(root / "bank.safetensors")
    (root / "exemplars").mkdir()
    exemplars = [one.to_json() for one in bank.exemplars]
    (root / "exemplars" / "dives.json").write_text(json.dumps({"exemplars": exemplars}))
    table = {("video", clip): ["107b", 87.45, 3.1, None, np.arange(9)] for clip in range(4)}
    (root / "table.pkl").write_bytes(pickle.dumps(table))
    (root / "split.pkl").write_bytes(pickle.dumps(list(table), protocol=0))
    job = Job(root / "job", "Club", "start", 1.0, TrainOptions(out=root, data=("clips:x",)).to_json())
    job.folder.mkdir()
    job.write_status(Status())
    values = {"title": "Club", "start": "start", "created": 1.0, "options": job.settings}
    (job.folder / "job.json").write_text(json.dumps(values))
    run = Run.start(job.run_folder, job.settings)
    for step in (0, 3):
        dives = [[f"dive{number}", 50.0 + number, 51.0 + number + step] for number in range(3)]
        run.log("validation", step, best=step > 0, spearman=0.5, r_l2_x100=9.0, dives=dives, intervals={})

    def write(folder: Path) -> None:
        model.save_pretrained(folder)
        torch.save(
            {"optimiser": torch.optim.AdamW(model.parameters()).state_dict(), "heads": {}}, folder / OPTIMISER_FILE
        )

    run.save(3, {"step": 3, "seconds": 1.5}, write)
    return root


def read_job(path: Path) -> None:
    """Whatever the list of runs of the Train tab reads."""
    job = Job.read(path.parent)
    assert (job.status, job.request, job.weights) is not None
    assert job.options is not None


READERS = {
    "checkpoint/config.json": (lambda path: load_network(path.parent), CheckpointError),
    "checkpoint/model.safetensors": (lambda path: load_network(path.parent), CheckpointError),
    "bank.safetensors": (ExemplarBank.load, BankError),
    "exemplars/dives.json": (lambda path: UserExemplars(path.parent).dives(), BankError),
    "table.pkl": (lambda path: load_table(path, named_key), DataError),
    "split.pkl": (lambda path: load_splits(path, path.with_name("none.pkl"), named_key), DataError),
    "job/job.json": (read_job, (JobError, OptionsError)),
    "job/status.json": (lambda path: read_job(path.with_name("job.json")), ()),
    "job/job/run.json": (lambda path: Run.read(path.parent), RunError),
    "job/job/log.jsonl": (lambda path: compare_run(Run.read(path.parent)), RunError),
    "job/job/checkpoints/step-00000003/state.json": (lambda path: check_checkpoint(path.parent), RunError),
    "job/job/checkpoints/step-00000003/optimiser.pt": (load_torch_file, CheckpointError),
}


@pytest.mark.parametrize("name", READERS)
def test_a_damaged_file_gives_a_result_or_an_error_that_names_it(files, tmp_path, name):
    folder = tmp_path / "copy"
    shutil.copytree(files, folder, symlinks=True)
    (folder / "none.pkl").write_bytes(pickle.dumps([]))
    path, rng = folder / name, np.random.default_rng(len(name))
    whole = path.read_bytes()
    read, expected = READERS[name]
    read(path)
    messages = []
    for _ in range(MUTATIONS):
        path.write_bytes(mutated(whole, rng))
        start = time.monotonic()
        try:
            read(path)
        except expected as error:
            messages.append(str(error))
        assert time.monotonic() - start < MAX_SECONDS
    assert messages or not expected
    for message in messages:
        assert path.name in message or path.parent.name in message
        assert len(message) < 5 * len(str(path)) + 600


FAULTS = Path(__file__).parents[2] / "shared" / "bad_inputs" / "faults"


@pytest.mark.parametrize(
    ("pattern", "copied_to", "reason"),
    [
        ("config-c_attention*", "checkpoint/config.json", "attention_layers is from 1 to 64, not 10000000"),
        ("config-c_static*", "checkpoint/config.json", "resnet_blocks is from 1 to 64, not 1000000"),
        ("config-deep*", "checkpoint/config.json", "nested too deeply"),
        ("fd-62*", "split.pkl", "a key should be a video and the number of a dive"),
        ("tuple-bomb*", "split.pkl", "the opcode DUP, which plain data does not need"),
        ("own-dives*", "exemplars/dives.json", "exemplar 2 of 4: score should be a finite number, not nan"),
    ],
)
def test_files_that_once_failed_are_refused_at_once(files, tmp_path, pattern, copied_to, reason):
    if not FAULTS.is_dir():
        pytest.skip("needs ../shared/bad_inputs")
    folder = tmp_path / "copy"
    shutil.copytree(files, folder, symlinks=True)
    (source,) = FAULTS.glob(pattern)
    path = folder / copied_to
    path.write_bytes(source.read_bytes())
    read, expected = READERS[copied_to]
    start = time.monotonic()
    with pytest.raises(expected, match=rf"{path.name}.*{reason}"):
        read(path)
    assert time.monotonic() - start < MAX_SECONDS


def test_text_in_the_place_of_weights_is_refused():
    if not FAULTS.is_dir():
        pytest.skip("needs ../shared/bad_inputs")
    with pytest.raises(CheckpointError, match=r"import-wrong-types\.pth: this is not .*missing: base_model/"):
        import_checkpoint(FAULTS / "import-wrong-types.pth")
