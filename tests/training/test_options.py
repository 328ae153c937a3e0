"""Options of training and evaluation, and the errors of impossible ones."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest

from fineparser.training.options import (
    ClipTaskOptions,
    EvaluateOptions,
    OptionsError,
    RegressionTaskOptions,
    SpatialTaskOptions,
    TrainOptions,
    option_fields,
)


def options_with(**changes: object) -> TrainOptions:
    return TrainOptions(**{"data": ("syndive:8",), "out": Path("run")} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": ()}, "nothing to train on"),
        (
            {"train": "masks"},
            "train is one of everything, parsers, spatial, crops, refiner, entry-segmentation, entry-faults, "
            "motion, regression, not 'masks'",
        ),
        ({"without": ("gate", "windows")}, "without takes gate, static, transitions, not windows"),
        ({"checkpoint": "x", "without": ("gate",)}, "a checkpoint has weights and a configuration"),
        ({"teacher_forcing": 25}, "from 0 to 1, not 25"),
        ({"learning_rate": 0.0}, "above 0, not 0"),
        ({"precision": "fp16"}, "not 'fp16'"),
        ({"batch_size": 0}, "batch_size is at least 1, not 0"),
        ({"epochs": 0}, "epochs is at least 1, not 0"),
        ({"ema_decay": 1.0}, "ema_decay is a share from 0 to below 1, not 1"),
        ({"mask_loss": "l2"}, "mask_loss is one of focal, dice, not 'l2'"),
        ({"spatial": SpatialTaskOptions(windows_per_dive=0)}, "windows_per_dive is at least 1, not 0"),
        ({"spatial": SpatialTaskOptions(side_output_probability=2)}, "from 0 to 1, not 2"),
        ({"clips": ClipTaskOptions(freeze_masks=True)}, "name a checkpoint"),
    ],
)
def test_impossible_training_is_refused(changes, message):
    with pytest.raises(OptionsError, match=message):
        options_with(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": ()}, "nothing to evaluate on"),
        ({"split": "dev"}, "split is train, validation, test or all"),
        ({"exemplars": 0}, "at least one exemplar"),
        ({"score_range": (100.0, 0.0)}, "lowest and the highest"),
        ({"limit": 0}, "limit is at least 1"),
    ],
)
def test_impossible_evaluation_is_refused(changes, message):
    with pytest.raises(OptionsError, match=message):
        EvaluateOptions(**{"data": ("syndive:8",), "checkpoint": "x", "out": Path("x.json")} | changes)


def test_options_can_be_saved_as_json():
    track = RegressionTaskOptions(train_track=True)
    options = options_with(i3d=Path("i3d.pt"), without=("gate",), max_gradient_norm=5.0, regression=track)
    assert TrainOptions.from_json(json.loads(json.dumps(options.to_json()))) == options


def test_options_of_another_version_are_refused():
    with pytest.raises(OptionsError, match="unknown options momentum"):
        TrainOptions.from_json(options_with().to_json() | {"momentum": 0.9})


def test_a_resumed_run_may_move_but_not_change():
    began = options_with(seed=4, learning_rate=1e-4)
    moved = replace(began, out=Path("elsewhere"), workers=4, resume=True)
    assert moved.resume_from(began) == moved
    with pytest.raises(OptionsError, match=r"learning_rate was 0\.0001 and is 0\.001; seed was 4 and is 1\. Leave"):
        options_with(seed=1, resume=True).resume_from(began)


def test_without_data_a_resumed_run_keeps_its_options():
    began = options_with(seed=4, learning_rate=1e-4)
    bare = TrainOptions(out=Path("elsewhere"), resume=True, workers=2)
    assert bare.resume_from(began) == replace(began, out=Path("elsewhere"), resume=True, workers=2)
    with pytest.raises(OptionsError, match="batch_size was 8 and is 2"):
        replace(bare, batch_size=2).resume_from(began)


def test_the_defaults_are_the_schedule_of_the_paper():
    assert options_with(config="paper").run_epochs == 400
    assert options_with(config="paper", epochs=10).run_epochs == 10
    paper = options_with(config="paper")
    assert (paper.learning_rate, paper.warmup_epochs, paper.score_weight) == (1e-3, 5, 1)


def test_names_of_options_are_unique():
    """Options of a task are arguments of the command line beside the common ones."""
    nested = [
        name for kind in (ClipTaskOptions, SpatialTaskOptions, RegressionTaskOptions) for name in option_fields(kind)
    ]
    assert len(set(nested)) == len(nested)
    assert not set(nested) & {field.name for field in fields(TrainOptions)}
