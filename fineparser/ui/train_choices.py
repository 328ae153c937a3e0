"""The Train tab's choices: what is learnt, from which weights, how long; the paper's settings folded away."""

from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from fineparser.training.fine_tuning import fine_tuning
from fineparser.training.options import OptionsError, TrainOptions
from fineparser.ui.weights_in_use import WeightsInUse
from fineparser.ui.workshop import Workshop

PARTS = {
    "Regression only: how dives are scored (minutes)": "regression",
    "Parsers: where the diver and the phases are (hours)": "parsers",
    "Everything (hours; best on a GPU)": "everything",
}
EPOCHS, MINUTES = "epochs", "minutes"
LONGEST_EPOCHS = 400
"""At most so many where minutes are given: the paper's."""
FIRST = "first"
"""Key of the weights that the page started with."""


@dataclass(frozen=True)
class Choices:
    """The parts of the panel."""

    part: gr.Radio
    start: gr.Dropdown
    unit: gr.Radio
    length: gr.Number
    share: gr.Slider
    rate: gr.Number
    batch: gr.Number
    warmup: gr.Number
    forcing: gr.Slider
    jitter: gr.Slider
    weights: tuple[gr.Number, ...]
    """Of the losses of score, switches and masks."""
    longest: gr.Number

    @property
    def all(self) -> list:
        """In the order of `options_of`'s values."""
        return [
            *(self.part, self.start, self.unit, self.length, self.share, self.rate, self.batch, self.warmup),
            *(self.forcing, self.jitter, *self.weights, self.longest),
        ]


def choices_panel(workshop: Workshop, in_use: WeightsInUse) -> Choices:
    """Adds the panel to the page that is being built."""
    part = gr.Radio(list(PARTS.items()), value="regression", label="What to train", elem_id="train-part")
    with gr.Row():
        start = gr.Dropdown(
            start_choices(workshop, in_use), value=FIRST, label="Starting weights", elem_id="train-start", min_width=200
        )
        unit = gr.Radio([EPOCHS, MINUTES], value=EPOCHS, label="Length in", elem_id="train-unit", min_width=160)
        length = gr.Number(60, label="Length", minimum=0.1, elem_id="train-length", min_width=100)
        share = gr.Slider(
            0,
            0.5,
            value=0.2,
            step=0.05,
            label="Share kept to measure on",
            info="Never learnt from",
            elem_id="train-share",
            min_width=200,
        )
    with gr.Accordion("Advanced settings, as in the paper", open=False, elem_id="train-advanced"):
        with gr.Row():
            rate = gr.Number(1e-3, label="Learning rate", minimum=1e-8, step=1e-4, min_width=120)
            batch = gr.Number(8, label="Pairs a step", precision=0, minimum=1, maximum=64, min_width=120)
            warmup = gr.Number(5, label="Epochs of warm-up", minimum=0, min_width=120)
            longest = gr.Number(0, label="Longest gradient", info="0: no limit", minimum=0, min_width=120)
        with gr.Row():
            forcing = gr.Slider(0, 1, value=1, step=0.05, label="Share of the run with labelled switches")
            jitter = gr.Slider(0, 0.5, value=0, step=0.05, label="Colour jitter")
        with gr.Row():
            names = ("Weight of the score", "of the switches", "of the masks")
            weights = tuple(gr.Number(1, label=name, minimum=0, min_width=120) for name in names)
    return Choices(part, start, unit, length, share, rate, batch, warmup, forcing, jitter, weights, longest)


def start_choices(workshop: Workshop, in_use: WeightsInUse) -> list[tuple[str, str]]:
    """The weights that a run may start from: the page's own, then every run's that has some."""
    runs = [(job.id, job.id) for job in workshop.jobs if job.weights is not None]
    return [(f"{in_use.first_name} (as installed)", FIRST), *reversed(runs)]


def options_of(
    spec: str,
    seed: int,
    checkpoint: str,
    part: str,
    start: str,
    unit: str,
    length: float | None,
    share: float,
    rate: float | None,
    batch: float | None,
    warmup: float | None,
    forcing: float,
    jitter: float,
    score_weight: float | None,
    transition_weight: float | None,
    mask_weight: float | None,
    longest: float | None,
) -> TrainOptions:
    """The training run that was asked for; OptionsError for what cannot be."""
    if not length or length <= 0:
        raise OptionsError(f"Give a length above 0, not {length or 0:g}.")
    in_minutes = unit == MINUTES
    options = TrainOptions(
        out=Path(),  # the job says where
        data=(spec,),
        checkpoint=checkpoint,
        train=part,
        epochs=LONGEST_EPOCHS if in_minutes else max(1, round(length)),
        minutes=float(length) if in_minutes else None,
        validation_share=share,
        learning_rate=rate or 0,
        batch_size=round(batch or 0),
        warmup_epochs=warmup or 0.0,
        teacher_forcing=forcing,
        colour_jitter=jitter,
        score_weight=score_weight or 0.0,
        transition_weight=transition_weight or 0.0,
        mask_weight=mask_weight or 0.0,
        max_gradient_norm=longest or None,
        seed=seed,
    )
    return fine_tuning(options)
