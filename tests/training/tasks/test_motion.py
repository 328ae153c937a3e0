"""The task "motion": its labels, its cache, its augmentation and its losses."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from fineparser.data.dives import DataError
from fineparser.data.motion_dataset import DIVE_FIELDS, MOTION_FIELDS, MotionDataset
from fineparser.data.readers.syndive import SynDives
from fineparser.data.sources import open_data
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.motion_head import CHOICES, FRAME_STATISTICS
from fineparser.model.paper import FineParser
from fineparser.training.options import OptionsError
from fineparser.training.tasks import motion as motion_task
from fineparser.training.tasks.motion import (
    MotionLabels,
    MotionTask,
    MotionTracks,
    choice_loss,
    frame_loss,
    random_part,
)

FRAMES = 96
NAMES = list(FRAME_STATISTICS)


def spinning(flight: float = 0.5, entry: float = 2.5, seconds: float = 3.0) -> MotionLabels:
    """A dive that turns once a second from the take-off on, in a clip of three seconds; the last frames are unknown."""
    times = torch.linspace(0, seconds, FRAMES)
    turns = (times - flight).clamp_min(0)
    values = dict.fromkeys(MOTION_FIELDS, torch.full_like(times, 0.5))
    values |= {"seconds": times, "somersault": turns, "somersault_speed": (times > flight).float(), "twist": 0 * times}
    motion = torch.stack([values[name] for name in MOTION_FIELDS], dim=-1)
    motion[-5:, 1:] = torch.nan
    dive = dict.fromkeys(DIVE_FIELDS, 0.0) | {"flight": flight, "entry": entry, "half_somersaults": 4.0}
    dive["direction"] = float("nan")
    return MotionLabels(motion, torch.tensor([dive[name] for name in DIVE_FIELDS]))


def cached(folder, config, labels=None) -> None:
    """One clip: a track of noise whose static features count the frames, and a camera that stands still."""
    labels = labels or spinning()
    tracks = np.zeros((1, 2, FRAMES, sum(config.track_parts)), np.float16)
    tracks[..., 0] = np.arange(FRAMES)
    tracks[:, 1, :, 1] = 1
    camera = np.tile(np.eye(3, dtype=np.float32)[:2].ravel(), (1, FRAMES, 1))
    arrays = {
        "tracks": tracks,
        "camera": camera,
        "shots": np.zeros((1, FRAMES), np.int16),
        "motion": labels.motion[None].numpy(),
        "dives": labels.dive[None].numpy(),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    (folder / "whole.json").write_text(json.dumps({"clips": 1}))


def test_labels_of_a_simulated_dive_agree_with_each_other():
    source = SynDives(1, seed=3)
    batch = MotionDataset(source)[0]
    labels, plan = MotionLabels(batch.motion[0], batch.dives[0]), source.plan(0)
    columns = dict(zip(MOTION_FIELDS, batch.motion[0].unbind(-1), strict=True))
    known = columns["somersault"].isfinite()
    in_flight = known & (columns["seconds"] > 0.1) & (columns["seconds"] < plan.motions[0].entry_time - 0.1)
    assert in_flight.sum() > 15
    change = torch.gradient(columns["somersault"], spacing=(columns["seconds"],))[0]
    # The mean over two frames is not the speed at one.
    assert (change - columns["somersault_speed"])[in_flight].abs().median() < 0.1
    assert labels.transitions.tolist() == batch.clips.transitions[0].tolist()
    last = columns["somersault"][known][-1]
    assert abs(float(last) - plan.code.half_somersaults / 2) < 0.25
    chosen = dict(zip(CHOICES, labels.choices.tolist(), strict=True))
    assert (chosen["half_somersaults"], chosen["half_twists"]) == (plan.code.half_somersaults, plan.code.half_twists)
    assert chosen["start"] == plan.code.armstand
    # A metre is a share of the frame: the diver is larger than a tenth of it and smaller than all of it.
    assert 0.02 < float(columns["metre"].nanmedian()) < 0.6
    assert not known[columns["seconds"] > plan.motions[0].entry_time + 0.1].any()


def test_dives_that_the_simulator_did_not_make_are_refused(dives):
    with pytest.raises(DataError, match="its motion is unknown"):
        MotionDataset(open_data(f"clips:{dives}", "train"))[0]


def test_outputs_follow_from_the_labels():
    labels = spinning()
    outputs = dict(zip(NAMES, labels.frame_outputs(torch.full((FRAMES,), 0.25)).unbind(-1), strict=True))
    assert labels.transitions.tolist() == [16, 80]
    assert labels.choices.nan_to_num(nan=-1).tolist() == [4, 0, -1, 0, 0, 0]
    assert outputs["somersault_cos"][:16].tolist() == [1] * 16
    frame = 16 + 16  # half a second later, half a turn
    assert float(outputs["somersault_cos"][frame]) == pytest.approx(-1, abs=0.01)
    assert float(outputs["somersault_rate"][frame]) == pytest.approx(3 / 95)
    assert float(outputs["log_metre"][frame]) == pytest.approx(0)
    assert outputs["hip_angle"][-5:].isnan().all()


def test_a_part_of_a_clip_has_its_own_rates_and_transitions():
    frames = torch.arange(FRAMES) // 2 + 10
    labels = spinning().select(frames)
    assert labels.transitions[0] == 12
    assert labels.transitions[1].isnan()
    outputs = dict(zip(NAMES, labels.frame_outputs(torch.full((FRAMES,), 0.25)).unbind(-1), strict=True))
    assert float(outputs["somersault_rate"][40]) == pytest.approx(47 / 95 * 3 / 95)


@pytest.mark.parametrize("transitions", [(16.0, 80.0), (float("nan"), float("nan")), (1.0, 95.0)])
def test_random_parts_show_both_transitions(transitions):
    starts, ends = set(), set()
    for seed in range(30):
        frames = random_part(torch.tensor(transitions), FRAMES, np.random.default_rng(seed))
        assert frames.shape == (FRAMES,)
        assert (frames.diff() >= 0).all()
        if np.isfinite(transitions[0]):
            assert frames[0] <= transitions[0]
            assert frames[-1] >= transitions[1]
        starts.add(int(frames[0]))
        ends.add(int(frames[-1]))
    assert max(starts) <= FRAMES
    assert len(ends) > 1 or transitions != (16.0, 80.0)


def test_samples_are_passes_over_parts_of_clips(tmp_path):
    config = CompactConfig.tiny()
    cached(tmp_path, config)
    whole = MotionTracks(tmp_path, config, augments=False)[0]
    assert whole.inputs[0, :, 0].tolist() == list(range(FRAMES))
    assert whole.transitions[0].tolist() == [16, 80]
    dataset, passes, starts = MotionTracks(tmp_path, config), set(), set()
    for epoch in range(20):
        dataset.set_epoch(epoch)
        batch = dataset[0]
        first = int(batch.inputs[0, 0, 0])
        flight = int(batch.transitions[0, 0])
        assert batch.inputs[0, flight, 0] >= 16 > batch.inputs[0, flight - 1, 0]
        passes.add(float(batch.inputs[0, 0, 1]))
        starts.add(first)
    assert passes == {0.0, 1.0}
    assert len(starts) > 3


def test_the_loss_of_frames_is_in_standard_deviations_and_ignores_unknown_numbers():
    truth = spinning().frame_outputs(torch.full((FRAMES,), 0.25))[None]
    predicted = truth.nan_to_num(nan=7.0)
    assert frame_loss(predicted, truth, torch.ones(1)) == 0
    worse = predicted.clone()
    deviation = FRAME_STATISTICS["hip_angle"][1]
    worse[..., NAMES.index("hip_angle")] += 2 * deviation
    shares = sum(motion_task.FRAME_WEIGHTS.get(name, motion_task.OTHER_FRAME_WEIGHT) for name in NAMES)
    expected = motion_task.OTHER_FRAME_WEIGHT * (2 - 0.25) / shares  # smooth L1 with a beta of 0.5
    assert float(frame_loss(worse, truth, torch.ones(1))) == pytest.approx(expected)
    assert frame_loss(worse, truth, torch.zeros(1)) == 0


def test_the_loss_of_choices_falls_with_the_right_one_and_ignores_unknown_ones():
    truth = spinning().choices[None]
    logits = {name: torch.zeros(1, count) for name, count in CHOICES.items()}
    flat = choice_loss(logits, truth, torch.ones(1))
    known = [count for name, count in CHOICES.items() if name != "direction"]
    assert float(flat) == pytest.approx(sum(np.log(known)) / len(CHOICES), rel=1e-5)
    logits["half_somersaults"][0, 4] = 3.0
    assert choice_loss(logits, truth, torch.ones(1)) < flat
    with pytest.raises(ValueError, match="4 possibilities"):
        choice_loss(logits, torch.full((1, 6), 4.0), torch.ones(1))


@pytest.fixture
def task(smallest, context) -> MotionTask:
    torch.manual_seed(0)
    return MotionTask(context(CompactFineParser(smallest), SynDives(2, seed=3), train="motion"))


def test_a_network_without_a_motion_head_gets_one_that_alone_is_trained(task, step):
    model = task.network.model
    assert model.config.motion_width == motion_task.MOTION_WIDTH
    assert model.motion_head.deviation.min() > 0
    inputs = task._tracks[0].inputs
    assert inputs.shape == (1, FRAMES, len(model.motion_head.mean))
    batch = next(task.batches(0, [[0, 1]]))
    optimiser = torch.optim.Adam([p for p in task.network.parameters() if p.requires_grad], 0.003)
    task.network.train()
    losses = []
    for _ in range(15):
        loss = task.losses(task.network, batch, step).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    trained = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert trained == {"motion_head"}


def test_dives_from_one_metre_are_as_frequent_as_from_ten():
    source = SynDives(200, seed=3, heights=motion_task.TRAINING_HEIGHTS)
    counts = Counter(source.card(index).height for index in range(len(source)))
    assert set(counts) == {1, 3, 5, 7.5, 10}
    assert counts[1] > 0.18 * len(source)
    assert counts[10] > 0.18 * len(source)


def test_a_filler_does_not_count(task, filler):
    batch = next(task.batches(0, [[0, 1]]))
    assert task.losses(task.network, batch, filler).total.item() == 0


@pytest.mark.slow
def test_a_run_can_be_resumed_to_the_same_weights(options, config_file, resumed_records):
    records = resumed_records(replace(options, config=config_file, train="motion"), "motion/tracks.npy")
    assert all(record["total"] > 0 for record in records if record["kind"] == "train")


def test_the_published_network_is_refused(published, context):
    with pytest.raises(OptionsError, match="this is another network"):
        MotionTask(context(FineParser(published), SynDives(2, seed=3), train="motion"))
