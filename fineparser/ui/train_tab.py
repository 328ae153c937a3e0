"""The Train tab: from clips with scores to fine-tuned weights in use."""

import gradio as gr

from fineparser.ui.active_weights import ActiveWeights, add_trained_weights_panel
from fineparser.ui.analysis_service import AnalysisService
from fineparser.ui.background_tasks import TaskRunner
from fineparser.ui.train_data import add_data_panel
from fineparser.ui.train_data_events import TrainDataEvents
from fineparser.ui.train_labels import add_label_panel
from fineparser.ui.train_runs import TrainRunEvents, add_run_panel
from fineparser.ui.train_settings import add_train_settings
from fineparser.ui.training_storage import TrainingStorage


def train_tab(service: AnalysisService, tasks: TaskRunner, page: gr.Blocks) -> None:
    """Add the tab's components and events to the page that is being built.

    Args:
        service: analyses with the weights in use, which the tab changes.
        tasks: runs long work.
        page: the page that is being built.
    """
    storage = TrainingStorage.from_environment()
    weights = ActiveWeights(service, storage)
    try:
        weights.restore()
    except (ValueError, OSError):  # weights that are gone or broken must not keep the app from starting
        weights.use_installed()
    gr.Markdown("### 1. Dives\nUpload clips with scores as a zip, a folder, or one by one. They stay on this machine.")
    data = add_data_panel(storage)
    with gr.Accordion("Labels", open=False, elem_id="train-labels"):
        labels = add_label_panel()
    gr.Markdown("### 2. Settings")
    settings = add_train_settings(storage, weights)
    start = gr.Button("Start training", variant="primary", size="lg", elem_id="train-go")
    status = gr.HTML(elem_id="train-message", apply_default_css=False)
    gr.Markdown("### 3. Runs")
    runs = add_run_panel(storage)
    gr.Markdown("### 4. Before and after")
    trained = add_trained_weights_panel(weights)
    TrainDataEvents(
        page=page, data=data, labels=labels, settings=settings, storage=storage, service=service, tasks=tasks
    )
    TrainRunEvents(
        start_button=start,
        status=status,
        data=data,
        settings=settings,
        runs=runs,
        trained=trained,
        storage=storage,
        weights=weights,
        tasks=tasks,
    )
