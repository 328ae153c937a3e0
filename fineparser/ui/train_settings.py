"""Settings of a training run: the parts to train, the starting weights, the length, and the paper's settings."""

from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr

from fineparser.training.options import OptionsError, TrainOptions
from fineparser.ui.active_weights import ActiveWeights
from fineparser.ui.training_storage import TrainingStorage

TASKS = {
    "Masks and phases (hours)": "parsers",
    "Everything (hours; needs a GPU)": "everything",
}
TASKS_HELP = "Scores as your judges give them need no training: add dives with their awards on the Exemplars tab."
EPOCHS, MINUTES = "epochs", "minutes"
MAX_EPOCHS = 400
"""Limit for a run whose length is given in minutes: the paper's number of epochs."""
INSTALLED = "first"
"""Choice of the installed weights."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings:
    """Components of the settings."""

    task: gr.Radio
    start: gr.Dropdown
    unit: gr.Radio
    length: gr.Number
    validation_share: gr.Slider
    learning_rate: gr.Number
    batch_size: gr.Number
    warmup_epochs: gr.Number
    max_gradient_norm: gr.Number
    teacher_forcing: gr.Slider
    colour_jitter: gr.Slider
    score_weight: gr.Number
    transition_weight: gr.Number
    mask_weight: gr.Number


@dataclass(frozen=True, kw_only=True)
class TrainSettingsValues:
    """The settings as the user entered them, by default as the page offers them; an empty number box is None."""

    task: str = "parsers"
    start: str = INSTALLED
    unit: str = EPOCHS
    length: float | None = 60
    validation_share: float = 0.2
    learning_rate: float | None = 1e-3
    batch_size: float | None = 8
    warmup_epochs: float | None = 5
    max_gradient_norm: float | None = 0
    teacher_forcing: float = 1.0
    colour_jitter: float = 0.0
    score_weight: float | None = 1
    transition_weight: float | None = 1
    mask_weight: float | None = 1


DEFAULTS = TrainSettingsValues()


def add_train_settings(storage: TrainingStorage, weights: ActiveWeights) -> TrainSettings:
    """Add the settings to the page that is being built."""
    task = gr.Radio(list(TASKS.items()), value=DEFAULTS.task, label="Train", info=TASKS_HELP, elem_id="train-part")
    with gr.Row():
        start = gr.Dropdown(
            starting_weights(storage, weights),
            value=DEFAULTS.start,
            label="Starting weights",
            elem_id="train-start",
            min_width=200,
        )
        unit = gr.Radio(
            [EPOCHS, MINUTES], value=DEFAULTS.unit, label="Length unit", elem_id="train-unit", min_width=160
        )
        length = gr.Number(DEFAULTS.length, label="Length", minimum=0.1, elem_id="train-length", min_width=100)
        validation_share = gr.Slider(
            0,
            0.5,
            value=DEFAULTS.validation_share,
            step=0.05,
            label="Validation share",
            info="Dives that are never trained on",
            elem_id="train-share",
            min_width=200,
        )
    with gr.Accordion("Advanced settings", open=False, elem_id="train-advanced"):
        with gr.Row():
            learning_rate = gr.Number(
                DEFAULTS.learning_rate, label="Learning rate", minimum=1e-8, step=1e-4, min_width=120
            )
            batch_size = gr.Number(
                DEFAULTS.batch_size, label="Pairs per step", precision=0, minimum=1, maximum=64, min_width=120
            )
            warmup_epochs = gr.Number(DEFAULTS.warmup_epochs, label="Warm-up epochs", minimum=0, min_width=120)
            max_gradient_norm = gr.Number(
                DEFAULTS.max_gradient_norm, label="Gradient norm limit", info="0: no limit", minimum=0, min_width=120
            )
        with gr.Row():
            teacher_forcing = gr.Slider(
                0, 1, value=DEFAULTS.teacher_forcing, step=0.05, label="Teacher forcing", info="Share of the run"
            )
            colour_jitter = gr.Slider(0, 0.5, value=DEFAULTS.colour_jitter, step=0.05, label="Colour jitter")
        with gr.Row():
            score_weight = gr.Number(DEFAULTS.score_weight, label="Score weight", minimum=0, min_width=120)
            transition_weight = gr.Number(
                DEFAULTS.transition_weight, label="Transition weight", minimum=0, min_width=120
            )
            mask_weight = gr.Number(DEFAULTS.mask_weight, label="Mask weight", minimum=0, min_width=120)
    return TrainSettings(
        task=task,
        start=start,
        unit=unit,
        length=length,
        validation_share=validation_share,
        learning_rate=learning_rate,
        batch_size=batch_size,
        warmup_epochs=warmup_epochs,
        max_gradient_norm=max_gradient_norm,
        teacher_forcing=teacher_forcing,
        colour_jitter=colour_jitter,
        score_weight=score_weight,
        transition_weight=transition_weight,
        mask_weight=mask_weight,
    )


def starting_weights(storage: TrainingStorage, weights: ActiveWeights) -> list[tuple[str, str]]:
    """Choices of weights to start from: the installed ones, then those of every run, the newest first."""
    runs = [(job.id, job.id) for job in storage.jobs if job.weights is not None]
    return [(f"{weights.installed_name} (installed)", INSTALLED), *reversed(runs)]


def train_options(values: TrainSettingsValues, *, data: str, seed: int, checkpoint: str) -> TrainOptions:
    """Options of the training run.

    Args:
        values: the settings.
        data: specification of the dives.
        seed: of the validation split.
        checkpoint: the starting weights.

    Raises:
        OptionsError: for an impossible setting.
    """
    length = values.length or 0
    if length <= 0:
        raise OptionsError(f"The length must be above 0, not {length:g}: give a number of {values.unit}.")
    in_minutes = values.unit == MINUTES
    options = TrainOptions(
        out=Path(),  # set by the job
        data=(data,),
        checkpoint=checkpoint,
        train=values.task,
        epochs=MAX_EPOCHS if in_minutes else max(1, round(length)),
        minutes=float(length) if in_minutes else None,
        validation_share=values.validation_share,
        learning_rate=values.learning_rate or 0,
        batch_size=round(values.batch_size or 0),
        warmup_epochs=values.warmup_epochs or 0.0,
        teacher_forcing=values.teacher_forcing,
        colour_jitter=values.colour_jitter,
        score_weight=values.score_weight or 0.0,
        transition_weight=values.transition_weight or 0.0,
        mask_weight=values.mask_weight or 0.0,
        max_gradient_norm=values.max_gradient_norm or None,
        seed=seed,
    )
    return fine_tuning_options(options)


EXEMPLARS = 10
"""Exemplars that vote on a validation dive, as in an analysis."""
CHECKPOINT_SECONDS = 20.0
"""Least time between two checkpoints: an epoch over a few dozen encodings takes less than a second."""
CHECKPOINT_METRIC = "r_l2_x100"
"""Metric that chooses the checkpoint of tasks with scores: the squared error. Fine-tuning mostly learns the scale of a
judging panel, which does not change the rank correlation."""
TASKS_WITHOUT_SCORES = ("parsers",)
"""Tasks of the Train tab whose checkpoint is chosen by their own metrics."""


def fine_tuning_options(options: TrainOptions) -> TrainOptions:
    """Options of a run with the presets.

    Args:
        options: as filled in by the form.

    Returns:
        The same with the presets in the place of defaults, without a progress bar.
    """
    return replace(
        options,
        validation_exemplars=EXEMPLARS,
        choose_by=None if options.train in TASKS_WITHOUT_SCORES else CHECKPOINT_METRIC,
        checkpoint_seconds=CHECKPOINT_SECONDS,
        skip_broken=True,
        progress=False,
    )
