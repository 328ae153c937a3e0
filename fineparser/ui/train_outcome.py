"""The Train tab's last part: before against after, and what to do with the weights."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

import gradio as gr

from fineparser.training.jobs import ACTIVE, JobError
from fineparser.training.outcome import Outcome, outcome_of
from fineparser.training.take_home import take_home
from fineparser.ui.results_view import table
from fineparser.ui.status_line import warning
from fineparser.ui.weights_in_use import WeightsInUse
from fineparser.ui.workshop import Workshop

SAME = 0.01
"""Of the squared error: a smaller change is none."""
NOTHING = "Before and after appear here once a run has measured the validation dives twice."


@dataclass(frozen=True)
class OutcomePanel:
    """The parts of the panel."""

    text: gr.HTML
    own: gr.Checkbox
    use: gr.Button
    back: gr.Button
    prepare: gr.Button
    take: gr.DownloadButton
    now: gr.HTML
    """Which weights the page uses."""


def outcome_panel(in_use: WeightsInUse) -> OutcomePanel:
    """Adds the panel to the page that is being built."""
    text = gr.HTML(elem_id="train-outcome", apply_default_css=False)
    own = gr.Checkbox(
        True,
        label="Let these dives vote as exemplars",
        info="A score is an exemplar's own score plus a difference, so a panel's scale comes from its dives. Numbers "
        "that your dives show are then judged by them alone.",
        elem_id="train-own",
    )
    with gr.Row():
        use = gr.Button("Use these weights", variant="primary", elem_id="train-use", min_width=160)
        back = gr.Button("Go back to the installed weights", elem_id="train-back", min_width=160)
        prepare = gr.Button("Pack the weights", elem_id="train-pack", min_width=160)
        take = gr.DownloadButton("Take the weights home", interactive=False, elem_id="train-take", min_width=160)
    now = gr.HTML(in_use_html(in_use), elem_id="train-in-use", apply_default_css=False)
    return OutcomePanel(text, own, use, back, prepare, take, now)


def in_use_html(in_use: WeightsInUse, remark: str = "") -> str:
    """Which weights the Analyse tab uses."""
    kind = "installed" if in_use.job is None else "fine-tuned"
    return (
        f'<div class="fp-note" role="status">The Analyse tab uses <b>{escape(in_use.name)}</b> ({kind}).'
        f"{' ' if remark else ''}{escape(remark)}</div>"
    )


def outcome_html(workshop: Workshop, name: str | None) -> str:
    """Before against after as HTML."""
    try:
        job = workshop.jobs[name or ""]
    except JobError:
        return f'<div class="fp-note">{NOTHING}</div>'
    outcome = None if job.run is None else outcome_of(job.run)
    if outcome is None:
        return f'<div class="fp-note">{NOTHING}</div>'
    so_far = " so far" if job.status.state in ACTIVE else ""
    rows = [
        [
            change.name,
            _with_ends(change.before, change.before_interval),
            _with_ends(change.after, change.after_interval),
            change.told if change.difference is not None else "",
        ]
        for change in outcome.changes
    ]
    warnings = "".join(map(warning, outcome.warnings))
    which = (
        f"Compared with step {outcome.step}, the last"
        if outcome.kept_start
        else f"Checkpoint of step {outcome.step}, the best"
    )
    return (
        f"<p class='fp-lead'>{escape(_verdict(outcome))} {which}{so_far}; 95% intervals in brackets.</p>"
        + table(["On the validation dives", "Before", "After", "Told"], rows)
        + warnings
    )


def _verdict(outcome: Outcome) -> str:
    if outcome.kept_start:
        return "No step did better than the weights that the run began with: those are what it gives."
    error = next((change for change in outcome.changes if change.name.startswith("Squared")), None)
    if error is None or not error.before:
        return "Before and after."
    share = 1 - error.after / error.before
    if abs(share) < SAME:
        return "The scores are about as far off as before."
    direction = "smaller" if share >= 0 else "larger"
    return f"The squared error of the scores is {abs(share):.0%} {direction} than before."


def _with_ends(value: float, ends: tuple[float, float] | None) -> str:
    return f"{value:.3f}" if ends is None else f"{value:.3f} ({ends[0]:.3f} to {ends[1]:.3f})"


def packed(workshop: Workshop, name: str | None) -> Iterator[Path]:
    """The weights as a zip that may be handed out; gone when the iterator is. ValueError where there are none."""
    job = workshop.jobs[name or ""]
    with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
        yield take_home(job, Path(folder))
