"""Runs from their first step to their end, and every way in which they can end before it."""

import itertools
import json
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

from fineparser.data.dives import DataError
from fineparser.data.sources import open_data
from fineparser.model.config import WITHOUT_TRACK
from fineparser.model.fineparser import FineParser
from fineparser.training.checkpoints import RunError
from fineparser.training.evaluator import evaluate
from fineparser.training.metrics import Measurement
from fineparser.training.options import EvaluateOptions, OptionsError, TrainOptions
from fineparser.training.runs import Run
from fineparser.training.train import train
from fineparser.training.trainer import TrainingError, warm_mean
from fineparser.training.validation import Validated


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
    """A finished run of six steps, four to an epoch, that other runs are held against."""
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
    """What `train --resume --out RUN` asks for."""
    return TrainOptions(out=options.out, resume=True, progress=False)


def last_of(options: TrainOptions) -> Path:
    return Run.read(options.out).checkpoints.last


@pytest.fixture(scope="module")
def learned(tmp_path_factory, dives, config_file) -> TrainOptions:
    """A finished run that has learnt four dives by heart; the weights let no loss drown the others."""
    options = TrainOptions(
        data=(f"clips:{dives}",),
        out=tmp_path_factory.mktemp("runs") / "learned",
        config=config_file,
        epochs=30,
        batch_size=1,
        learning_rate=1e-2,
        score_weight=1e-3,
        transition_weight=0.1,
        mask_objective="outline",
        device="cpu",
        progress=False,
    )
    train(options)
    return options


def test_a_small_network_learns_simulated_dives(learned, tmp_path):
    """All three losses fall, and masks beat the trivial answers.

    Those are no pixel (IoU 0, F-beta 0) and every pixel (IoU the diver's share s of the picture, F-beta
    1.3 s / (0.3 s + 1)).
    """
    records = steps(learned.out)
    assert len(records) == 120
    for name, share in (("score", 0.6), ("transition", 0.6), ("mask", 0.85)):
        first = sum(record[name] for record in records[:8]) / 8
        last = sum(record[name] for record in records[-8:]) / 8
        assert last < share * first, name
    how = dict(out=tmp_path / "x.json", device="cpu", progress=False, resamples=0)
    found = evaluate(EvaluateOptions(data=learned.data, checkpoint=str(last_of(learned)), **how))
    covered = masked_share(learned)
    assert found["mask_iou"].value > 1.5 * covered, (found["mask_iou"].value, covered)
    assert found["mask_f_beta"].value > 3 * 1.3 * covered / (0.3 * covered + 1)
    assert found["transition_error_frames"].value < 20


def masked_share(options: TrainOptions) -> float:
    """Mean share of the picture that the true masks cover: the IoU of answering "every pixel"."""
    dives = open_data(options.data, "test")
    return sum(float(dive.read_masks(range(96)).mean()) for dive in dives) / len(dives)


def test_a_run_leaves_what_one_needs_to_know(uninterrupted):
    run = Run.read(uninterrupted.out)
    assert TrainOptions.from_json(run.configuration) == uninterrupted
    records = steps(uninterrupted.out)
    assert [record["step"] for record in records] == [1, 2, 3, 4, 5, 6]
    assert [record["epoch"] for record in records] == [0, 0, 0, 0, 1, 1]
    assert all(record["total"] > 0 and record["learning_rate"] > 0 for record in records)
    model = FineParser.from_pretrained(run.checkpoints.last)
    assert model.provenance.name == "uninterrupted"
    assert model.provenance.trained_on == (Path(uninterrupted.data[0]).name,)
    notes = " ".join(record["text"] for record in steps(uninterrupted.out, "note"))
    assert "no validation split: the last checkpoint counts as the best" in notes
    assert run.checkpoints.best == run.checkpoints.last


def test_the_same_options_reach_the_same_weights(uninterrupted, tmp_path):
    again = replace(uninterrupted, out=tmp_path / "uninterrupted")
    train(again)
    assert_same_weights(last_of(again), last_of(uninterrupted))


def test_teacher_forcing_is_switched_off_midway(uninterrupted, tmp_path):
    """Up to half of the run nothing differs from a run that is forced to its end; then everything does."""
    forced = replace(uninterrupted, out=tmp_path / "forced", teacher_forcing=1.0)
    train(forced)
    here, there = ([r["score"] for r in steps(options.out)] for options in (uninterrupted, forced))
    assert here[:3] == there[:3]
    assert here[3] != there[3]


@pytest.mark.parametrize("stop", ["button", "ctrl-c"])
def test_a_stopped_run_goes_on_to_the_same_weights(uninterrupted, tmp_path, stop):
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
    assert signal.getsignal(signal.SIGINT) is handler  # as before: shells start jobs in the background deaf to it

    result = train(resumed(options))
    assert (result.step, result.stopped) == (6, False)
    assert_same_weights(result.last, last_of(uninterrupted))
    names = ("step", "total", "score", "transition", "mask", "learning_rate")
    trimmed = [[{name: record[name] for name in names} for record in steps(o.out)] for o in (options, uninterrupted)]
    assert trimmed[0] == trimmed[1]


@pytest.mark.parametrize("moment", ["first", "second"])
def test_kill_9_in_the_middle_of_a_checkpoint(uninterrupted, tmp_path, moment):
    """Killed while the first or the second of its checkpoints is half written, a run goes on to the same weights."""
    options = replace(uninterrupted, out=tmp_path / "run", checkpoint_every=1)
    program = """
        import json, sys, time
        import torch
        torch.set_num_threads(1)
        from fineparser.training.options import TrainOptions
        from fineparser.training.train import train
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
    assert_same_weights(result.last, last_of(uninterrupted))
    assert [record["step"] for record in steps(options.out)] == [1, 2, 3, 4, 5, 6]
    assert not list(checkpoints.folder.glob(".unfinished-*"))


def test_a_finished_run_has_nothing_to_go_on_with(uninterrupted):
    before = weights(last_of(uninterrupted))
    result = train(resumed(uninterrupted))
    assert result.step == 6
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(result.last).items())


def test_a_run_does_not_go_on_with_other_options(uninterrupted):
    with pytest.raises(OptionsError, match=r"learning_rate was 0\.001 and is 0\.1"):
        train(replace(uninterrupted, resume=True, learning_rate=0.1))
    with pytest.raises(RunError, match="holds a run already"):
        train(uninterrupted)
    with pytest.raises(RunError, match="no run to resume"):
        train(replace(uninterrupted, out=uninterrupted.out / "nowhere", resume=True))


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(options):
    options = replace(options, learning_rate=1e20, checkpoint_every=1, epochs=20)
    with pytest.raises(TrainingError, match=r"in step \d+ the loss is no longer a number: .*is kept\. Try a lower"):
        train(options)
    kept = weights(last_of(options))
    assert all(tensor.isfinite().all() for tensor in kept.values())
    assert last_of(options).name == f"step-{len(steps(options.out)):08d}"


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
    assert FineParser.from_pretrained(last_of(options))
    result = train(resumed(options))
    assert (result.step, result.stopped) == (4, False)


def validated_as(monkeypatch, options: TrainOptions, *rounds: list[Measurement]) -> None:
    """Replaces validation by these measurements, a list each time that a run asks for them."""
    left, whole = iter(rounds), open_data(options.data, "test")
    monkeypatch.setattr("fineparser.training.train.PictureValidation", lambda *_: lambda: Validated(next(left)))
    monkeypatch.setattr("fineparser.training.train.open_data", lambda *_, **__: whole)


def mask_iou(value: float) -> Measurement:
    return Measurement("mask_iou", value, None, None, 4, higher_is_better=True)


def test_the_best_checkpoint_is_chosen_on_the_validation_split(options, monkeypatch):
    """Validation is replaced by numbers that are best in the second of four epochs; the fourth only equals it."""
    validated_as(monkeypatch, options, *([mask_iou(value)] for value in (0.2, 0.6, 0.5, 0.6)))
    result = train(replace(options, epochs=4, batch_size=4, train="parsers"))
    assert (result.best.name, result.last.name) == ("step-00000002", "step-00000004")
    assert (result.chosen_by, result.best_value) == ("mask_iou", 0.6)
    assert [record["best"] for record in steps(options.out, "validation")] == [True, True, False, False]


def test_a_run_that_only_gets_worse_gives_what_it_began_with(smallest, options, monkeypatch, tmp_path):
    """Measured before the first step as well, once: a run that is stopped and taken up again does not do it anew."""
    validated_as(monkeypatch, options, *([mask_iou(value)] for value in (0.6, 0.5, 0.6)))
    start = FineParser(smallest)
    start.save_pretrained(tmp_path / "start")
    how = dict(epochs=2, batch_size=4, train="parsers", config="compact", checkpoint=str(tmp_path / "start"))
    run = replace(options, **how)
    stopped = train(run, should_stop=lambda: True)
    assert (stopped.step, stopped.stopped) == (1, True)
    result = train(resumed(run))
    assert (result.best.name, result.last.name, result.best_value) == ("step-00000000", "step-00000002", 0.6)
    assert FineParser.from_pretrained(result.best).fingerprint() == start.fingerprint()
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
    validated_as(monkeypatch, options, *rounds)
    result = train(replace(options, epochs=2, batch_size=4, choose_by="r_l2_x100"))
    assert (result.chosen_by, result.best_value, result.best.name) == ("r_l2_x100", 1.0, "step-00000001")
    assert steps(options.out, "validation")[0]["intervals"] == {"r_l2_x100": [0.5, 3.0]}


def test_minutes_shorten_a_run_and_its_schedule(options, monkeypatch):
    """A clock that moves by six seconds a look: two minutes hold twenty of the thousand steps."""
    ticks = itertools.count(0.0, 6.0)
    monkeypatch.setattr("fineparser.training.trainer.time", SimpleNamespace(monotonic=lambda: next(ticks)))
    result = train(replace(options, epochs=500, minutes=2.0, batch_size=2, train="regression"))
    assert (result.step, result.stopped) == (20, False)
    rates = [record["learning_rate"] for record in steps(options.out)]
    assert rates[-1] < 0.02 * max(rates)  # the cosine has come down
    assert resumed(options).going_on(TrainOptions.from_json(Run.read(options.out).configuration)).minutes == 2.0


def test_validation_measures_the_split_that_training_never_sees(options, relabelled):
    """A seed that holds one of the four clips out."""
    seed = next(
        seed
        for seed in range(100)
        if len([d for d in open_data(options.data, "test", seed=seed) if d.split == "validation"]) == 1
    )
    options = replace(options, seed=seed, epochs=1, train="parsers")
    result = train(options)
    (record,) = steps(options.out, "validation")
    assert set(record) >= {"mask_iou", "transition_error_frames", "mask_s_measure"}
    assert result.chosen_by == "mask_iou"
    assert len(steps(options.out)) == 2  # three training dives in batches of two


def test_the_regression_learns_from_encodings_alone(learned, options, relabelled):
    """The better dive of each number becomes the worse one: that is learnt anew, and nothing that encodes changes."""
    swapped = {"dive0": "83.7", "dive1": "27.9", "dive2": "74.4", "dive3": "37.2"}
    folder = relabelled(lambda row: {"score": swapped[row["clip"]]})
    second = replace(
        options,
        data=(f"clips:{folder}",),
        train="regression",
        checkpoint=str(last_of(learned)),
        epochs=30,
        learning_rate=1e-2,
    )
    result = train(second)
    before, after = weights(last_of(learned)), weights(result.last)
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"contrastive_regression"}
    losses = [record["score"] for record in steps(second.out)]
    assert len(losses) == 60
    assert sum(losses[-10:]) < 0.5 * sum(losses[:10])


@pytest.mark.parametrize("part", ["gate", "static", "transitions"])
def test_ablations_train(options, part):
    result = train(replace(options, without=(part,), max_steps=1))
    (record,) = steps(options.out)
    assert record["total"] > 0
    model = FineParser.from_pretrained(result.last)
    config = model.config
    switched = {"gate": config.spatial_gate, "static": config.static_branch, "transitions": config.temporal_parsing}
    assert [name for name, is_on in switched.items() if not is_on] == [part]


def test_sources_that_cannot_be_learnt_from(options, relabelled, tmp_path):
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


def test_a_lone_dive_number_is_said_and_the_nearest_stands_in(options, relabelled):
    folder = relabelled(lambda row: {}, keep=3)
    train(replace(options, data=(f"clips:{folder}",), max_steps=1))
    texts = [record["text"] for record in steps(options.out, "note")]
    assert any("only one dive of the number 107B" in text for text in texts)


def test_the_regression_can_learn_to_read_the_track(learned, options):
    start = last_of(learned)
    how = dict(train="regression", learn_track=True, checkpoint=str(start), config="compact", max_steps=3)
    chosen = replace(options, **how, views=2)
    told = []
    result = train(chosen, on_record=told.append)
    before, after = weights(start), weights(result.last)
    moved = {name.rsplit(".", 1)[0] for name in before if not torch.equal(before[name], after[name])}
    tokens = ("static_visual_encoder.phases", "dynamic_visual_encoder")
    parts = (*tokens, "temporal_action_parser", "contrastive_regression")
    assert {part for part in parts for name in moved if name.startswith(part)} == set(parts)
    assert all(name.startswith(parts) for name in moved)
    records = [record for record in Run.read(chosen.out).records() if record["kind"] == "train"]
    assert all(record["hints"] > 0 and record["transition"] > 0 for record in records)
    # Every dive was encoded twice, each time in another way.
    assert max(record["done"] for record in told if record["kind"] == "encoding") == 8


def test_only_a_track_can_be_learnt_to_be_read(smallest, options, tmp_path):
    FineParser(replace(smallest, **WITHOUT_TRACK)).save_pretrained(tmp_path / "plain")
    chosen = replace(
        options, train="regression", learn_track=True, checkpoint=str(tmp_path / "plain"), config="compact"
    )
    with pytest.raises(OptionsError, match="diver_track off"):
        train(chosen)


def test_a_running_mean_forgets_its_beginning():
    update, means = warm_mean(0.99), [torch.tensor(100.0), torch.full((2,), 100.0)]
    for count in range(1, 200):
        update(means, [torch.tensor(1.0), torch.full((2,), 3.0)], torch.tensor(count))
    assert means[0].item() == pytest.approx(1.0, abs=0.01)
    assert means[1].tolist() == pytest.approx([3.0, 3.0], abs=0.01)
    late = [torch.tensor(1.0)]
    warm_mean(0.9)(late, [torch.tensor(0.0)], torch.tensor(10**6))
    assert late[0].item() == pytest.approx(0.9)


def test_a_running_mean_copies_what_counts():
    means = [torch.tensor(3)]
    warm_mean(0.9)(means, [torch.tensor(8)], torch.tensor(10**6))
    assert means[0].item() == 8
    assert means[0].dtype == torch.int64
