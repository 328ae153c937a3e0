"""What can be asked for, and what is refused with a reason."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fineparser.model.config import WITHOUT_TRACK, FineParserConfig
from fineparser.training.options import EvaluateOptions, OptionsError, TrainOptions, ablated, network_config


def some(**changes):
    return TrainOptions(**{"data": ("syndive:8",), "out": Path("run")} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": ()}, "nothing to train on"),
        (
            {"train": "masks"},
            "train is one of everything, parsers, spatial, frames, backdrop, water, entry, regression, not 'masks'",
        ),
        ({"without": ("gate", "windows")}, "without takes gate, static, transitions, not windows"),
        ({"checkpoint": "x", "without": ("gate",)}, "a checkpoint brings its own"),
        ({"teacher_forcing": 25}, "from 0 to 1, not 25"),
        ({"learning_rate": 0.0}, "above 0, not 0"),
        ({"precision": "fp16"}, "not 'fp16'"),
        ({"batch_size": 0}, "batch_size is at least 1, not 0"),
        ({"epochs": 0}, "epochs is at least 1, not 0"),
    ],
)
def test_impossible_training_is_refused(changes, message):
    with pytest.raises(OptionsError, match=message):
        some(**changes)


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


def test_options_survive_the_run_file():
    options = some(i3d=Path("i3d.pt"), without=("gate",), max_gradient_norm=5.0)
    assert TrainOptions.from_json(json.loads(json.dumps(options.to_json()))) == options


def test_options_of_another_version_are_refused():
    with pytest.raises(OptionsError, match="unknown options momentum"):
        TrainOptions.from_json(some().to_json() | {"momentum": 0.9})


def test_a_resumed_run_may_move_but_not_change():
    began = some(seed=4, learning_rate=1e-4)
    moved = replace(began, out=Path("elsewhere"), workers=4, resume=True)
    assert moved.going_on(began) == moved
    with pytest.raises(OptionsError, match=r"learning_rate was 0\.0001 and is 0\.001; seed was 4 and is 1\. Leave"):
        some(seed=1, resume=True).going_on(began)


def test_without_data_a_resumed_run_is_as_it_began():
    began = some(seed=4, learning_rate=1e-4)
    bare = TrainOptions(out=Path("elsewhere"), resume=True, workers=2)
    assert bare.going_on(began) == replace(began, out=Path("elsewhere"), resume=True, workers=2)
    with pytest.raises(OptionsError, match="batch_size was 8 and is 2"):
        replace(bare, batch_size=2).going_on(began)


def test_the_papers_schedule_is_the_papers_default():
    assert some(config="paper").run_epochs == 400
    assert some(config="paper", epochs=10).run_epochs == 10
    paper = some(config="paper")
    assert (paper.learning_rate, paper.warmup_epochs, paper.score_weight) == (1e-3, 5, 1)


@pytest.mark.parametrize(
    ("without", "changes"),
    [
        ((), {}),
        (("gate",), {"spatial_gate": False, **WITHOUT_TRACK}),
        (("static",), {"static_branch": False, **WITHOUT_TRACK}),
        (("transitions",), {"temporal_parsing": False, "phase_weights": (1.0,), "entry_channels": ()}),
        (("gate", "static"), {"spatial_gate": False, "static_branch": False, **WITHOUT_TRACK}),
    ],
)
def test_an_ablation_is_a_configuration(without, changes):
    assert network_config("compact", without) == replace(FineParserConfig.compact(), **changes)


def test_a_configuration_from_a_file(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(FineParserConfig.tiny().to_json()))
    assert network_config(str(path)) == FineParserConfig.tiny()
    path.write_text(json.dumps({"architecture": FineParserConfig.tiny().to_json(), "weights": {}}))
    assert network_config(str(path), ("gate",)) == ablated(FineParserConfig.tiny(), ("gate",))
    path.write_text("{")
    with pytest.raises(OptionsError, match="no readable JSON"):
        network_config(str(path))
    with pytest.raises(OptionsError, match="'huge' is neither"):
        network_config("huge")
