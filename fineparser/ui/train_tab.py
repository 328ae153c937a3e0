"""The Train tab: from clips with scores to weights in use, in one page."""

import gradio as gr

from fineparser.ui.analysis import Analysis
from fineparser.ui.dive_desk import DiveDesk
from fineparser.ui.run_desk import RunDesk
from fineparser.ui.steps import Workbench
from fineparser.ui.train_choices import choices_panel
from fineparser.ui.train_data import data_panel
from fineparser.ui.train_labels import label_panel
from fineparser.ui.train_outcome import outcome_panel
from fineparser.ui.train_runs import run_panel
from fineparser.ui.weights_in_use import WeightsInUse
from fineparser.ui.workshop import Workshop

OFF = (
    "Training is switched off on this public page: it would take the machine from everybody else for minutes to hours, "
    "and clips of people do not belong on a stranger's machine. Run the app at home (python app.py) to train there."
)


def train_tab(analysis: Analysis, workbench: Workbench, concurrency_id: str, page: gr.Blocks) -> None:
    """Adds the tab's parts and events to the page that is being built."""
    workshop = Workshop.of_environment()
    in_use = WeightsInUse(analysis, workshop)
    try:
        in_use.restore()
    except (ValueError, OSError):  # weights that are gone or broken must not keep the page from starting
        in_use.go_back()
    gr.Markdown("### 1. Dives\nClips with scores: a zip, a folder, or one by one. They stay on this machine.")
    dives = data_panel(workshop)
    with gr.Accordion("Labels: where the flight and the entry begin", open=False, elem_id="train-labels"):
        labels = label_panel()
    gr.Markdown("### 2. What to train")
    choices = choices_panel(workshop, in_use)
    start = gr.Button("Start training", variant="primary", size="lg", elem_id="train-go")
    told = gr.HTML(elem_id="train-told", apply_default_css=False)
    gr.Markdown("### 3. Runs")
    runs = run_panel(workshop)
    gr.Markdown("### 4. Before and after")
    outcome = outcome_panel(in_use)
    DiveDesk(workshop, analysis, workbench, concurrency_id).tie(page, dives, labels, choices)
    RunDesk(workshop, in_use, workbench, concurrency_id).tie(start, told, dives, choices, runs, outcome)


def train_tab_off() -> None:
    """Says on a public page why nobody trains there."""
    gr.HTML(f'<div class="fp-note" id="train-off">{OFF}</div>', apply_default_css=False)
