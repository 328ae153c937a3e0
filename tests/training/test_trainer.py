"""Runs of the training loop, and every way in which they can end."""

import itertools
import json
import math
import resource
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from fineparser.data.dives import DataError, ReadOptions
from fineparser.data.sources import open_data
from fineparser.model.checkpoint import load_network
from fineparser.model.compact import CompactFineParser
from fineparser.model.paper import FineParser
from fineparser.training.evaluator import evaluate
from fineparser.training.launch import train
from fineparser.training.metrics.metric import Measurement
from fineparser.training.options import EvaluateOptions, OptionsError, RegressionTaskOptions, TrainOptions
from fineparser.training.run_folder import Run
from fineparser.training.tasks.base import TrainingTask
from fineparser.training.train_checkpoints import RunError
from fineparser.training.trainer import (
    TrainingError,
    ema_with_warmup,
    every,
    learning_rate_factor,
    shares,
    steps_per_epoch,
)
from fineparser.training.validation import ValidationResult

pytestmark = pytest.mark.slow


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoint / "model.safetensors")


def assert_same_weights(one: Path, other: Path) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    assert [name for name in first if not torch.equal(first[name], second[name])] == []


def steps(run: Path, kind: str = "train") -> list[dict]:
    return [record for record in Run.read(run).records() if record["kind"] == kind]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory, dives, config_file) -> TrainOptions:
    """A finished run of six steps, four an epoch, that other runs are compared with."""
    options = TrainOptions(
        data=(f"clips:{dives}",),
        out=tmp_path_factory.mktemp("runs") / "uninterrupted",
        config=config_file,
        max_steps=6,
        batch_size=1,
        teacher_forcing=0.5,
        device="cpu",
        progress=False,
    )
    result = train(options)
    assert (result.step, result.stopped) == (6, False)
    return options


def resumed(options: TrainOptions) -> TrainOptions:
    """Options of `train --resume --out RUN`."""
    return TrainOptions(out=options.out, resume=True, progress=False)


def last_checkpoint(options: TrainOptions) -> Path:
    return Run.read(options.out).checkpoints.last


@pytest.fixture(scope="module")
def learned(tmp_path_factory, dives, config_file) -> TrainOptions:
    """A finished run that has overfitted four dives; with the weights, all losses have a similar size."""
    options = TrainOptions(
        data=(f"clips:{dives}",),
        out=tmp_path_factory.mktemp("runs") / "learned",
        config=config_file,
        epochs=20,
        batch_size=1,
        learning_rate=1e-2,
        score_weight=1e-3,
        transition_weight=0.1,
        mask_loss="dice",
        device="cpu",
        progress=False,
    )
    train(options)
    return options


def test_a_small_network_learns_simulated_dives(learned, tmp_path):
    """All three losses fall, and masks are better than the trivial ones.

    These are no pixel (IoU 0, F-beta 0) and every pixel (IoU the diver's share s of the frame, F-beta
    1.3 s / (0.3 s + 1)).
    """
    records = steps(learned.out)
    assert len(records) == 80
    for name, share in (("score", 0.6), ("transition", 0.6), ("mask", 0.85)):
        first = sum(record[name] for record in records[:8]) / 8
        last = sum(record[name] for record in records[-8:]) / 8
        assert last < share * first, name
    how = dict(out=tmp_path / "x.json", device="cpu", progress=False, resamples=0)
    evaluation = evaluate(EvaluateOptions(data=learned.data, checkpoint=str(last_checkpoint(learned)), **how))
    covered = masked_share(learned)
    assert evaluation["mask_iou"].value > 1.5 * covered, (evaluation["mask_iou"].value, covered)
    assert evaluation["mask_f_beta"].value > 3 * 1.3 * covered / (0.3 * covered + 1)
    assert evaluation["transition_error_frames"].value < 20


def masked_share(options: TrainOptions) -> float:
    """Mean share of the frame that the true masks cover: the IoU of a mask of every pixel."""
    dives = open_data(options.data, "test")
    return sum(float(dive.read_masks(range(96)).mean()) for dive in dives) / len(dives)


def test_a_run_folder_documents_the_run(uninterrupted):
    run = Run.read(uninterrupted.out)
    assert TrainOptions.from_json(run.configuration) == uninterrupted
    records = steps(uninterrupted.out)
    assert [record["step"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert [record["epoch"] for record in records] == [0, 0, 0, 0, 1, 1]
    assert all(record["total"] > 0 and record["learning_rate"] > 0 for record in records)
    model = load_network(run.checkpoints.last)
    assert model.provenance.name == "uninterrupted"
    assert model.provenance.trained_on == (Path(uninterrupted.data[0]).name,)
    notes = " ".join(record["text"] for record in steps(uninterrupted.out, "note"))
    assert "no validation split: the last checkpoint counts as the best" in notes
    assert run.checkpoints.best == run.checkpoints.last


def test_the_same_options_reach_the_same_weights(uninterrupted, tmp_path):
    again = replace(uninterrupted, out=tmp_path / "uninterrupted")
    train(again)
    assert_same_weights(last_checkpoint(again), last_checkpoint(uninterrupted))


def test_teacher_forcing_ends_midway(uninterrupted, tmp_path):
    """The first half is that of a run with teacher forcing throughout; then the runs differ."""
    forced = replace(uninterrupted, out=tmp_path / "forced", teacher_forcing=1.0)
    train(forced)
    here, there = ([r["score"] for r in steps(options.out)] for options in (uninterrupted, forced))
    assert here[:3] == there[:3]
    assert here[3] != there[3]


@pytest.mark.parametrize("stop", ["button", "ctrl-c"])
def test_a_stopped_run_can_be_resumed_to_the_same_weights(uninterrupted, tmp_path, stop):
    """Stopped in the middle of an epoch, by a button or by the signal of Ctrl-C."""
    options = replace(uninterrupted, out=tmp_path / "run")
    done, handler = [], signal.getsignal(signal.SIGINT)

    def on_record(record):
        done.append(record["step"])
        if stop == "ctrl-c" and record["kind"] == "train" and record["step"] == 2:
            signal.raise_signal(signal.SIGINT)  # comes with the third step

    result = train(options, on_record=on_record, should_stop=lambda: stop == "button" and done[-1:] == [2])
    assert (result.step, result.stopped) == (3, True)
    assert result.last.name == "step-00000003"
    assert signal.getsignal(signal.SIGINT) is handler  # as before: shells start background jobs that ignore it

    result = train(resumed(options))
    assert (result.step, result.stopped) == (6, False)
    assert_same_weights(result.last, last_checkpoint(uninterrupted))
    names = ("step", "total", "score", "transition", "mask", "learning_rate")
    trimmed = [[{name: record[name] for name in names} for record in steps(o.out)] for o in (options, uninterrupted)]
    assert trimmed[0] == trimmed[1]


@pytest.mark.parametrize("moment", ["first", "second"])
def test_kill_9_in_the_middle_of_a_checkpoint(uninterrupted, tmp_path, moment):
    """Killed while its first or second checkpoint is half written, a run can be resumed to the same weights."""
    options = replace(uninterrupted, out=tmp_path / "run", checkpoint_every=1)
    program = """
        import json, sys, time
        import torch
        torch.set_num_threads(1)
        from fineparser.training.options import TrainOptions
        from fineparser.training.launch import train
        save, saved = torch.save, 0
        def slow(state, path):
            global saved
            saved += 1
            save(state, path)
            if saved == {"first": 1, "second": 2}[sys.argv[2]]:
                with open(path, "r+b") as file:
                    file.truncate(1000)
                print("writing", flush=True)
                time.sleep(60)
        torch.save = slow
        train(TrainOptions.from_json(json.loads(sys.argv[1])))
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program), json.dumps(options.to_json()), moment],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    checkpoints = Run.read(options.out).checkpoints
    assert list(checkpoints.folder.glob(".unfinished-*")), "the kill did not hit the middle of a write"
    assert (checkpoints.last is None) == (moment == "first")
    result = train(resumed(options))
    assert result.step == 6
    assert_same_weights(result.last, last_checkpoint(uninterrupted))
    assert [record["step"] for record in steps(options.out)] == [1, 2, 3, 4, 5, 6]
    assert not list(checkpoints.folder.glob(".unfinished-*"))


def stopped_after(step: int, options: TrainOptions) -> TrainOptions:
    """A run with a checkpoint after each step, that was stopped."""
    options = replace(options, checkpoint_every=1)
    done = []
    result = train(options, on_record=lambda record: done.append(record["step"]), should_stop=lambda: done[-1] == step)
    assert result.stopped
    return options


def test_without_the_link_to_its_last_checkpoint_a_run_goes_on_from_it(uninterrupted, tmp_path):
    options = stopped_after(2, replace(uninterrupted, out=tmp_path / "run"))
    (options.out / "checkpoints" / "last").unlink()
    result = train(resumed(options))
    assert_same_weights(result.last, last_checkpoint(uninterrupted))
    assert [record["step"] for record in steps(options.out)] == [1, 2, 3, 4, 5, 6]
    (remark,) = [record for record in steps(options.out, "note") if record["step"] == 3]
    assert "last now points to step-00000003" in remark["text"]


def test_a_cut_optimiser_state_is_named_and_an_earlier_checkpoint_resumed(uninterrupted, tmp_path):
    options = stopped_after(4, replace(uninterrupted, out=tmp_path / "run"))
    checkpoints = Run.read(options.out).checkpoints
    assert (checkpoints.last.name, checkpoints.best.name) == ("step-00000005", "step-00000004")
    for checkpoint in (checkpoints.last, checkpoints.best):
        path = checkpoint / "optimiser.pt"
        whole = path.read_bytes()
        path.write_bytes(whole[:1000])
    with pytest.raises(RunError, match=r"no whole checkpoint.*step-00000005/optimiser\.pt is not a PyTorch file"):
        train(resumed(options))
    assert (checkpoints.folder / "step-00000005").is_dir()
    path.write_bytes(whole)
    result = train(resumed(options))
    assert_same_weights(result.last, last_checkpoint(uninterrupted))
    (remark, _) = [record for record in steps(options.out, "note") if record["step"] == 4]
    assert "step-00000005 was passed over" in remark["text"]


@pytest.mark.parametrize(
    "changes", [{"learning_rate": "fast"}, {"batch_size": 1.5}, {"data": "x"}, {"minutes": math.nan}]
)
def test_options_of_another_type_are_named_with_their_file(uninterrupted, tmp_path, changes):
    (tmp_path / "run").mkdir()
    facts = json.loads((uninterrupted.out / "run.json").read_text())
    facts["configuration"] |= changes
    (tmp_path / "run" / "run.json").write_text(json.dumps(facts))
    (name,) = changes
    with pytest.raises(RunError, match=rf"run/run\.json: {name} should be "):
        train(TrainOptions(out=tmp_path / "run", resume=True, progress=False))


def test_resuming_a_finished_run_changes_nothing(uninterrupted):
    before = weights(last_checkpoint(uninterrupted))
    result = train(resumed(uninterrupted))
    assert result.step == 6
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(result.last).items())


def test_a_run_cannot_be_resumed_with_other_options(uninterrupted):
    with pytest.raises(OptionsError, match=r"learning_rate was 0\.001 and is 0\.1"):
        train(replace(uninterrupted, resume=True, learning_rate=0.1))
    with pytest.raises(RunError, match="holds a run already"):
        train(uninterrupted)
    with pytest.raises(RunError, match="no run to resume"):
        train(replace(uninterrupted, out=uninterrupted.out / "nowhere", resume=True))


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint(options):
    options = replace(options, learning_rate=1e20, checkpoint_every=1, epochs=20)
    with pytest.raises(TrainingError, match=r"in step \d+ the loss is no longer a number: .*is kept\. Try a lower"):
        train(options)
    kept = weights(last_checkpoint(options))
    assert all(tensor.isfinite().all() for tensor in kept.values())
    assert last_checkpoint(options).name == f"step-{len(steps(options.out)):08d}"


def test_a_full_disk_stops_the_run_and_keeps_the_checkpoint(options):
    """A limit on the size of files, set after the first epoch's checkpoint, stands in for the end of the disk."""
    options = replace(options, train="parsers")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def on_record(record):
        if record["kind"] == "train" and record["step"] == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))

    try:
        with pytest.raises(RunError, match=r"step 4 could not be written .* step-00000002, is kept.*--resume"):
            train(options, on_record=on_record)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load_network(last_checkpoint(options))
    result = train(resumed(options))
    assert (result.step, result.stopped) == (4, False)


def replace_validation(monkeypatch, options: TrainOptions, *rounds: list[Measurement]) -> None:
    """Replaces validation by these measurements, one list a validation."""
    results, whole = map(ValidationResult, rounds), open_data(options.data, "test")
    validation = SimpleNamespace(measure=lambda: next(results))
    monkeypatch.setattr(TrainingTask, "validation", lambda self: validation)
    monkeypatch.setattr("fineparser.training.launch.open_data", lambda *_, **__: whole)


def mask_iou(value: float) -> Measurement:
    return Measurement("mask_iou", value, None, None, 4, higher_is_better=True)


def test_the_best_checkpoint_is_chosen_on_the_validation_split(options, monkeypatch):
    """Validation is replaced by numbers that are best in the second of four epochs; the fourth only equals it."""
    replace_validation(monkeypatch, options, *([mask_iou(value)] for value in (0.2, 0.6, 0.5, 0.6)))
    result = train(replace(options, epochs=4, batch_size=4, train="parsers"))
    assert (result.best.name, result.last.name) == ("step-00000002", "step-00000004")
    assert (result.chosen_by, result.best_value) == ("mask_iou", 0.6)
    assert [record["best"] for record in steps(options.out, "validation")] == [True, True, False, False]


def test_a_run_that_only_gets_worse_has_its_starting_weights_as_the_best(smallest, options, monkeypatch, tmp_path):
    """They are measured before the first step, once: a resumed run does not repeat it."""
    replace_validation(monkeypatch, options, *([mask_iou(value)] for value in (0.6, 0.5, 0.6)))
    start = CompactFineParser(smallest)
    start.save_pretrained(tmp_path / "start")
    how = dict(epochs=2, batch_size=4, train="parsers", config="compact", checkpoint=str(tmp_path / "start"))
    run = replace(options, **how)
    stopped = train(run, should_stop=lambda: True)
    assert (stopped.step, stopped.stopped) == (1, True)
    result = train(resumed(run))
    assert (result.best.name, result.last.name, result.best_value) == ("step-00000000", "step-00000002", 0.6)
    assert load_network(result.best).fingerprint() == start.fingerprint()
    assert [(record["step"], record["best"]) for record in steps(options.out, "validation")] == [
        (0, True),
        (1, False),
        (2, False),
    ]


def test_the_best_can_be_chosen_by_another_metric(options, monkeypatch):
    """Squared errors that are smallest in the first epoch, ranks that are best in the second."""
    rounds = [
        [
            Measurement("spearman", rank, None, None, 4, higher_is_better=True),
            Measurement("r_l2_x100", error, 0.5, 3.0, 4, higher_is_better=False),
        ]
        for rank, error in ((0.2, 1.0), (0.6, 2.0))
    ]
    replace_validation(monkeypatch, options, *rounds)
    result = train(replace(options, epochs=2, batch_size=4, choose_by="r_l2_x100"))
    assert (result.chosen_by, result.best_value, result.best.name) == ("r_l2_x100", 1.0, "step-00000001")
    assert steps(options.out, "validation")[0]["intervals"] == {"r_l2_x100": [0.5, 3.0]}


def test_minutes_shorten_a_run_and_its_schedule(options, monkeypatch):
    """A clock that advances six seconds a call: two minutes are enough for twenty of the thousand steps."""
    ticks = itertools.count(0.0, 6.0)
    monkeypatch.setattr("fineparser.training.trainer.time", SimpleNamespace(monotonic=lambda: next(ticks)))
    result = train(replace(options, epochs=500, minutes=2.0, batch_size=2, train="regression"))
    assert (result.step, result.stopped) == (20, False)
    rates = [record["learning_rate"] for record in steps(options.out)]
    assert rates[-1] < 0.02 * max(rates)  # the cosine has come down
    assert resumed(options).resume_from(TrainOptions.from_json(Run.read(options.out).configuration)).minutes == 2.0


def test_validation_uses_dives_that_are_not_trained_on(options, relabelled):
    """With a seed that holds out one of the four clips."""
    seed = next(
        seed
        for seed in range(100)
        if len([d for d in open_data(options.data, "test", ReadOptions(seed=seed)) if d.split == "validation"]) == 1
    )
    options = replace(options, seed=seed, epochs=1, train="parsers")
    result = train(options)
    (record,) = steps(options.out, "validation")
    assert set(record) >= {"mask_iou", "transition_error_frames", "mask_s_measure"}
    assert result.chosen_by == "mask_iou"
    assert len(steps(options.out)) == 2  # three training dives in batches of two


def test_the_regression_trains_on_encodings_alone(learned, options, relabelled):
    """The better dive of each number becomes the worse one; only the comparison changes."""
    swapped = {"dive0": "83.7", "dive1": "27.9", "dive2": "74.4", "dive3": "37.2"}
    folder = relabelled(lambda row: {"score": swapped[row["clip"]]})
    second = replace(
        options,
        data=(f"clips:{folder}",),
        train="regression",
        checkpoint=str(last_checkpoint(learned)),
        epochs=30,
        learning_rate=1e-2,
    )
    result = train(second)
    before, after = weights(last_checkpoint(learned)), weights(result.last)
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"contrastive_regression"}
    losses = [record["score"] for record in steps(second.out)]
    assert len(losses) == 60
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])


@pytest.mark.parametrize("part", ["gate", "static", "transitions"])
def test_ablations_train(options, published_file, part):
    result = train(replace(options, config=published_file, without=(part,), max_steps=1))
    (record,) = steps(options.out)
    assert record["total"] > 0
    config = FineParser.from_pretrained(result.last).config
    switched = {"gate": config.spatial_gate, "static": config.static_branch, "transitions": config.temporal_parsing}
    assert [name for name, is_on in switched.items() if not is_on] == [part]


def test_sources_that_cannot_be_used(options, relabelled, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "dives.csv").write_text("clip,dive_code\n")
    with pytest.raises(DataError, match="there is no dive in its train split"):
        train(replace(options, data=(f"clips:{tmp_path / 'empty'}",)))
    alone = replace(options, data=(f"clips:{relabelled(lambda row: {}, keep=1)}",))
    with pytest.raises(DataError, match="no dive to compare dive0#0 with"):
        train(alone)
    assert not options.out.exists()


def test_the_regression_needs_scores(options, relabelled):
    folder = relabelled(lambda row: {} if row["clip"] == "dive1" else {"score": ""})
    with pytest.raises(DataError, match="needs at least two scored dives, here are 1"):
        train(replace(options, data=(f"clips:{folder}",), train="regression"))


def test_a_note_names_dive_numbers_with_a_single_dive(options, relabelled):
    folder = relabelled(lambda row: {}, keep=3)
    train(replace(options, data=(f"clips:{folder}",), max_steps=1))
    texts = [record["text"] for record in steps(options.out, "note")]
    assert any("only one dive of the number 107B" in text for text in texts)


def test_the_regression_can_train_the_track(learned, options):
    start = last_checkpoint(learned)
    track = RegressionTaskOptions(train_track=True, augmentations_per_dive=2)
    chosen = replace(
        options, train="regression", regression=track, checkpoint=str(start), config="compact", max_steps=3
    )
    received = []
    result = train(chosen, on_record=received.append)
    before, after = weights(start), weights(result.last)
    moved = {name.rsplit(".", 1)[0] for name in before if not torch.equal(before[name], after[name])}
    parts = ("static_pooling", "dynamic_pooling", "temporal_action_parser", "contrastive_regression")
    assert {part for part in parts for name in moved if name.startswith(part)} == set(parts)
    assert all(name.startswith(parts) for name in moved)
    records = [record for record in Run.read(chosen.out).records() if record["kind"] == "train"]
    assert all(record["auxiliary"] > 0 and record["transition"] > 0 for record in records)
    # Every dive was encoded twice, with another augmentation.
    assert max(record["done"] for record in received if record["kind"] == "encoding") == 8


def test_the_ema_forgets_the_beginning_during_its_warmup():
    update, means = ema_with_warmup(0.99), [torch.tensor(100.0), torch.full((2,), 100.0)]
    for count in range(1, 200):
        update(means, [torch.tensor(1.0), torch.full((2,), 3.0)], torch.tensor(count))
    assert means[0].item() == pytest.approx(1.0, abs=0.01)
    assert means[1].tolist() == pytest.approx([3.0, 3.0], abs=0.01)
    late = [torch.tensor(1.0)]
    ema_with_warmup(0.9)(late, [torch.tensor(0.0)], torch.tensor(10**6))
    assert late[0].item() == pytest.approx(0.9)


def test_the_ema_copies_counters():
    means = [torch.tensor(3)]
    ema_with_warmup(0.9)(means, [torch.tensor(8)], torch.tensor(10**6))
    assert means[0].item() == 8
    assert means[0].dtype == torch.int64


def test_warm_up_is_linear_and_reaches_the_base_rate():
    assert [learning_rate_factor(step, warmup_steps=5, total_steps=400) for step in range(5)] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1.0]
    )


def test_cosine_after_the_warm_up():
    assert learning_rate_factor(5, warmup_steps=5, total_steps=405) == 1.0
    assert learning_rate_factor(105, warmup_steps=5, total_steps=405) == pytest.approx(0.5 + math.sqrt(2) / 4)
    assert learning_rate_factor(205, warmup_steps=5, total_steps=405) == pytest.approx(0.5)
    assert learning_rate_factor(405, warmup_steps=5, total_steps=405) == 0.0
    assert learning_rate_factor(1000, warmup_steps=5, total_steps=405) == 0.0


def test_the_last_step_still_learns():
    assert learning_rate_factor(404, warmup_steps=5, total_steps=405) > 0


def test_without_warm_up_it_starts_at_the_base_rate():
    assert learning_rate_factor(0, warmup_steps=0, total_steps=10) == 1.0


@pytest.mark.parametrize(("warmup", "total"), [(11, 10), (-1, 10), (0, 0)])
def test_an_impossible_schedule_is_refused(warmup, total):
    with pytest.raises(ValueError, match=f"{total} steps cannot have {warmup}"):
        learning_rate_factor(0, warmup_steps=warmup, total_steps=total)


def test_every():
    assert [step for step in range(10) if every(step, 4)] == [4, 8]
    assert not any(every(step, 0) for step in range(10))


def all_shares(count, batch_size, processes, **more):
    return [
        shares(count, batch_size=batch_size, seed=1, epoch=2, processes=processes, process=process, **more)
        for process in range(processes)
    ]


@pytest.mark.parametrize(
    ("count", "batch_size", "processes"), [(17, 4, 1), (17, 4, 2), (16, 4, 2), (9, 4, 2), (5, 1, 4)]
)
def test_every_sample_is_weighted_once(count, batch_size, processes):
    plans = all_shares(count, batch_size, processes)
    indices = [index for plan in plans for share in plan if share.is_weighted for index in share.indices]
    assert sorted(indices) == list(range(count))
    assert {len(plan) for plan in plans} == {steps_per_epoch(count, batch_size=batch_size, processes=processes)}
    assert all(1 <= len(share.indices) <= batch_size for plan in plans for share in plan)


def test_two_processes_do_what_one_with_twice_the_batch_does():
    one = all_shares(19, 8, 1)[0]
    two = all_shares(19, 4, 2)
    for step, share in enumerate(one):
        together = [plan[step].indices for plan in two if plan[step].is_weighted]
        assert sum(together, ()) == share.indices


def test_a_process_without_a_sample_gets_a_filler():
    plans = all_shares(9, 4, 2)  # a step of eight, then a single sample
    assert [plan[1].is_weighted for plan in plans] == [True, False]
    assert plans[1][1].indices == plans[0][1].indices


def test_an_epoch_can_be_resumed():
    whole = shares(17, batch_size=4, seed=1, epoch=2)
    assert shares(17, batch_size=4, seed=1, epoch=2, first_step=3) == whole[3:]


def test_epochs_and_seeds_differ():
    orders = {shares(50, batch_size=50, seed=seed, epoch=epoch)[0].indices for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4
