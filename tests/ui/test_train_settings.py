"""Settings of a training run as its options."""

from dataclasses import replace

import pytest

from fineparser.training.options import OptionsError, TrainOptions
from fineparser.ui.train_settings import DEFAULTS, TrainSettingsValues, train_options


def options_for(values: TrainSettingsValues) -> TrainOptions:
    return train_options(values, data="clips:/club", seed=7, checkpoint="/start")


def test_settings_become_options():
    options = options_for(DEFAULTS)
    assert (options.data, options.checkpoint, options.train, options.seed) == (
        ("clips:/club",),
        "/start",
        "parsers",
        7,
    )
    assert (options.epochs, options.minutes, options.validation_share) == (60, None, 0.2)
    assert (options.learning_rate, options.batch_size, options.warmup_epochs) == (1e-3, 8, 5)
    assert options.max_gradient_norm is None
    assert (options.choose_by, options.skip_broken) == (None, True)
    in_minutes = options_for(replace(DEFAULTS, task="everything", unit="minutes", length=2.5))
    assert (in_minutes.minutes, in_minutes.epochs, in_minutes.choose_by) == (2.5, 400, "r_l2_x100")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"length": 0}, "must be above 0"),
        ({"length": None}, "must be above 0"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"batch_size": None}, "batch_size"),
    ],
)
def test_impossible_settings_are_refused_with_a_reason(change, reason):
    with pytest.raises(OptionsError, match=reason):
        options_for(replace(DEFAULTS, **change))
