"""The page: its tabs, its theme, and the options with which it is served."""

import json
from typing import Any

import gradio as gr

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.bundled import bundled
from fineparser.data.example_clips import EXAMPLES_FOLDER
from fineparser.rendering.chart_style import GRADIO_CSS
from fineparser.rendering.palette import GREEN, ORANGE, SKY_BLUE, VERMILION
from fineparser.ui.about_tab import about_tab
from fineparser.ui.analyse_tab import analyse_tab
from fineparser.ui.analysis_service import AnalysisService
from fineparser.ui.api import add_analyse_endpoint, add_inspect_endpoint
from fineparser.ui.background_tasks import TaskRunner
from fineparser.ui.exemplars_tab import exemplars_tab
from fineparser.ui.inspect_tab import inspect_tab
from fineparser.ui.inspection_service import InspectionService
from fineparser.ui.settings import KEEP_SECONDS, is_public
from fineparser.ui.visitor_exemplars import exemplar_choice
from fineparser.video.limits import VIDEO_SUFFIXES

MAX_UPLOAD = "500mb"
MAX_QUEUE = 20
CLEANUP_SECONDS = 600
"""Interval at which old files are deleted from the cache."""

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
"""Fonts that every machine has: the page loads none."""

TRAINING_OFF = (
    "Training is switched off on this public page: it would occupy the machine for minutes to hours, and clips of "
    "people should not be stored here. Run the app on your own machine (python app.py) to train."
)


def build_app(analyser: DiveAnalyser) -> gr.Blocks:
    """The whole page around one analyser."""
    service, tasks = AnalysisService(analyser), TaskRunner()
    inspections = InspectionService(service)
    with gr.Blocks(title="FineParser", analytics_enabled=False, delete_cache=(CLEANUP_SECONDS, KEEP_SECONDS)) as page:
        gr.HTML(
            '<header class="fp-title"><h1>FineParser</h1><p>Scores a dive from video and shows why.</p></header>',
            apply_default_css=False,
        )
        with gr.Tab("Analyse"):
            exemplars = exemplar_choice()
            analysis = analyse_tab(page, service, tasks, exemplars)
        with gr.Tab("Inspect") as tab:
            inspect_tab(inspections, tasks, tab, analysis.report)
        with gr.Tab("Exemplars") as tab:
            exemplars_tab(service, tasks, exemplars, tab, analysis.standard)
        with gr.Tab("Train"):
            if is_public():
                gr.HTML(f'<div class="fp-note" id="train-off">{TRAINING_OFF}</div>', apply_default_css=False)
            else:
                # Imported here: a public page needs nothing of training.
                from fineparser.ui.train_tab import train_tab

                train_tab(service, tasks, page)
        with gr.Tab("About") as tab:
            about_tab(service, tab)
        add_analyse_endpoint(service, tasks)
        add_inspect_endpoint(service, inspections, tasks)
    return page.queue(max_size=MAX_QUEUE)


def launch_options() -> dict[str, Any]:
    """Options of `Blocks.launch`: theme, style sheets, script and limits."""
    colours = (
        f":root{{--fp-orange:{ORANGE.css};--fp-blue:{SKY_BLUE.css};--fp-red:{VERMILION.css};--fp-green:{GREEN.css}}}"
    )
    return {
        "css": colours + GRADIO_CSS + bundled("assets/app.css").read_text(encoding="utf-8"),
        "js": f"() => ({bundled('assets/clip_upload.js').read_text(encoding='utf-8')})({json.dumps(VIDEO_SUFFIXES)})",
        "theme": gr.themes.Soft(primary_hue="blue", font=FONT),
        "max_file_size": MAX_UPLOAD,
        "footer_links": [],
        "run_history": False,
        "allowed_paths": [str(EXAMPLES_FOLDER)],
    }
