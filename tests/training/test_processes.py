"""Two processes through Accelerate do what one does with twice the batch.

One launch serves all tests: `accelerate launch` starts two processes on the processor, which train and then put a
batch norm through a step.
"""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fineparser.data.dives import ReadOptions
from fineparser.data.sources import open_data
from fineparser.training.devices import SyncedBatchNorm, sync_batch_norms
from fineparser.training.initial_weights import initial_network
from fineparser.training.launch import train
from fineparser.training.options import TrainOptions
from fineparser.training.run_folder import Run

pytestmark = pytest.mark.slow

PROGRAM = """
import json, sys
import numpy as np
import torch
from torch import nn
torch.set_num_threads(1)
from accelerate import PartialState
from fineparser.training.devices import sync_batch_norms
from fineparser.training.options import TrainOptions
from fineparser.training.launch import train

train(TrainOptions.from_json(json.loads(sys.argv[1])))

state = PartialState()
torch.manual_seed(0)
whole = torch.randn(5, 3, 4) * 2 + 1
own = (whole[:2] if state.process_index == 0 else whole[2:]).clone().requires_grad_()
norm = sync_batch_norms(nn.Sequential(nn.BatchNorm1d(3)), state.device)
output = norm(own)
(output ** 3).sum().backward()
np.savez(f"{sys.argv[2]}/norm{state.process_index}.npz", output=output.detach(), gradient=own.grad,
         weight=norm[0].weight.grad, mean=norm[0].running_mean, variance=norm[0].running_var,
         processes=state.num_processes)
# A process that ends with its group still open may be aborted by a thread of the group's that goes on.
state.destroy_process_group()
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory, dives, config_file) -> tuple[TrainOptions, TrainOptions, Path]:
    """Options of a run by one process with batches of two, of one by two with batches of one, and a folder.

    Three of the four clips are for training, so that the last step of each epoch has a clip for one process only.
    """
    root = tmp_path_factory.mktemp("processes")
    seed = next(seed for seed in range(100) if len(open_split(dives, seed)) == 3)
    one = TrainOptions(
        data=(f"clips:{dives}",),
        out=root / "one",
        config=config_file,
        max_steps=3,
        batch_size=2,
        validation_limit=1,
        # Adam's steps are as long for a gradient that is rounding as for any other: short ones keep runs together.
        learning_rate=1e-5,
        seed=seed,
        device="cpu",
        progress=False,
    )
    two = replace(one, out=root / "two", batch_size=1)
    train(one)
    script = root / "program.py"
    script.write_text(textwrap.dedent(PROGRAM))
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes=2"]
    command += ["--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no", "--main_process_port=0"]
    done = subprocess.run(
        [*command, str(script), json.dumps(two.to_json()), str(root)],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return one, two, root


def open_split(dives: Path, seed: int) -> list:
    return [dive for dive in open_data(f"clips:{dives}", "test", ReadOptions(seed=seed)) if dive.split == "train"]


def test_losses_equal_those_of_one_process_with_twice_the_batch(pair):
    one, two, _ = pair
    here, there = (
        [record for record in Run.read(options.out).records() if record["kind"] == "train"] for options in (one, two)
    )
    assert [record["step"] for record in there] == [1, 2, 3]
    for single, double in zip(here, there, strict=True):
        for name in ("total", "score", "transition", "mask"):
            assert double[name] == pytest.approx(single[name], rel=1e-3), (single["step"], name)
        assert double["learning_rate"] == single["learning_rate"]
    # The gradient through an untrained network's batch norms shows rounding most, so only where weights are equal.
    assert there[0]["gradient_norm"] == pytest.approx(here[0]["gradient_norm"], rel=1e-2)


def test_both_reach_the_same_weights(pair):
    """Measured by how far the weights have moved from where both began."""
    one, two, _ = pair
    first, second = (load_file(Run.read(options.out).checkpoints.last / "model.safetensors") for options in (one, two))
    began = initial_network(one)[0].state_dict()
    learnt = [name for name, _ in initial_network(one)[0].named_parameters()]
    moved = sum((first[name] - began[name]).abs().sum() for name in learnt)
    apart = sum((first[name] - second[name]).abs().sum() for name in learnt)
    assert moved > 0
    assert apart < 0.05 * moved


def test_validation_is_shared_out_and_counted_once(pair):
    here, there = (
        [record for record in Run.read(options.out).records() if record["kind"] == "validation"] for options in pair[:2]
    )
    assert len(there) == 2
    for single, double in zip(here, there, strict=True):
        assert double["mask_mae"] == pytest.approx(single["mask_mae"], abs=2e-3)


def test_a_joined_batch_norm_is_that_of_the_whole_batch(pair):
    """Shares of two and three samples against torch's own batch norm on all five."""
    parts = [np.load(pair[2] / f"norm{index}.npz") for index in range(2)]
    assert [int(part["processes"]) for part in parts] == [2, 2]
    torch.manual_seed(0)
    whole = (torch.randn(5, 3, 4) * 2 + 1).requires_grad_()
    norm = torch.nn.BatchNorm1d(3)
    output = norm(whole)
    (output**3).sum().backward()
    for name, expected in (("output", output.detach()), ("gradient", whole.grad)):
        np.testing.assert_allclose(np.concatenate([part[name] for part in parts]), expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(sum(part["weight"] for part in parts), norm.weight.grad, rtol=1e-4)
    for part in parts:
        np.testing.assert_allclose(part["mean"], norm.running_mean, rtol=1e-5)
        np.testing.assert_allclose(part["variance"], norm.running_var, rtol=1e-5)


def test_joining_keeps_parameters_names_and_evaluation():
    network = torch.nn.Sequential(torch.nn.Conv3d(2, 4, 1), torch.nn.BatchNorm3d(4), torch.nn.BatchNorm1d(4))
    names, weight = list(network.state_dict()), network[1].weight
    x = torch.randn(3, 2, 2, 2, 2)
    before = network[1].eval()(network[0](x))
    sync_batch_norms(network, torch.device("cpu"))
    assert isinstance(network[2], SyncedBatchNorm)
    assert list(network.state_dict()) == names
    assert network[1].weight is weight
    assert torch.equal(network[1](network[0](x)), before)
