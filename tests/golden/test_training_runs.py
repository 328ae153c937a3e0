"""Three steps of training give the losses that they gave at commit d6cfcb6."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fineparser.simulator.dive import simulate
from fineparser.training.options import TrainOptions
from fineparser.training.runs import Run
from fineparser.training.train import train

from .conftest import GOLDEN, network

DIVES = (("405B", 3, 0.3), ("405B", 3, 0.9), ("107B", 3, 0.4), ("107B", 3, 0.8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A labelled clip folder of four simulated dives, without loss."""
    root = tmp_path_factory.mktemp("dives")
    rows = []
    for number, (code, height, level) in enumerate(DIVES):
        dive = simulate(100 + number, code=code, height=height, level=level, synchro=False)
        clip = root / f"dive{number}"
        clip.mkdir()
        for index, frame in enumerate(dive.frames):
            cv2.imwrite(str(clip / f"{index:05d}.png"), frame[..., ::-1])
        np.savez_compressed(root / f"dive{number}.npz", mask=dive.masks)
        labels = {"clip": clip.name, "dive_code": code, "height": height, "difficulty": dive.difficulty}
        labels |= {"score": round(30 * level * dive.difficulty, 2), "start_frame": 0, "end_frame": 95}
        labels |= {"flight_frame": dive.transitions.flight, "entry_frame": dive.transitions.entry}
        rows.append(labels | {"mask": f"dive{number}.npz"})
    with (root / "dives.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return root


@pytest.mark.parametrize("run", ["paper_everything", "compact_regression", "compact_parsers"])
def test_losses_of_three_steps(run, folder, tmp_path):
    name, task = run.split("_")
    network(name).save_pretrained(tmp_path / "checkpoint")
    options = TrainOptions(
        data=(f"clips:{folder}",),
        out=tmp_path / "run",
        checkpoint=str(tmp_path / "checkpoint"),
        train=task,
        max_steps=3,
        batch_size=2,
        learning_rate=1e-5,
        i3d_rate=1.0,
        device="cpu",
        precision="float32",
        validation_share=0.0,
        progress=False,
    )
    train(options)
    steps = [record for record in Run.read(options.out).records() if record["kind"] == "train"]
    golden = json.loads((GOLDEN / "training.json").read_text())[run]
    for step, before in zip(steps, golden, strict=True):
        for loss in ("total", "score", "transition", "mask"):
            assert step[loss] == pytest.approx(before[loss], rel=1e-5 if step is steps[0] else 1e-4), (
                before["step"],
                loss,
            )
