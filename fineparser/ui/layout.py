"""The page: its tabs, its look, how it is served."""

from pathlib import Path

import gradio as gr

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.data.example_clips import FOLDER as EXAMPLE_CLIPS
from fineparser.rendering.charts import GRADIO_CSS
from fineparser.rendering.palette import GREEN, ORANGE, SKY_BLUE, VERMILION
from fineparser.ui.about_tab import about_tab
from fineparser.ui.analyse_tab import KEEP_SECONDS, analyse_tab
from fineparser.ui.analysis import Analysis
from fineparser.ui.api import endpoint
from fineparser.ui.exemplar_shelf import exemplar_choice
from fineparser.ui.exemplars_tab import exemplars_tab
from fineparser.ui.inspect_api import inspect_endpoint
from fineparser.ui.inspect_tab import inspect_tab
from fineparser.ui.inspecting import Inspecting
from fineparser.ui.public import is_public
from fineparser.ui.steps import Workbench
from fineparser.ui.train_tab import train_tab, train_tab_off

MAX_UPLOAD = "500mb"
MAX_WAITING = 20
LOOK_EVERY_SECONDS = 600
NETWORK = "network"
"""What everything that fills the processor shares: one at a time."""

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
"""What every machine has: a page at the poolside must not wait for a font."""

ASSETS = Path(__file__).parents[2] / "assets"


def build_app(analyser: DiveAnalyser) -> gr.Blocks:
    """The whole page around one analyser."""
    analysis, workbench = Analysis(analyser), Workbench()
    inspecting = Inspecting(analysis)
    with gr.Blocks(
        title="FineParser", analytics_enabled=False, delete_cache=(LOOK_EVERY_SECONDS, KEEP_SECONDS)
    ) as page:
        gr.HTML(
            '<header class="fp-title"><h1>FineParser</h1><p>Tells how good a dive was, and why.</p></header>',
            apply_default_css=False,
        )
        with gr.Tab("Analyse"):
            choice = exemplar_choice(KEEP_SECONDS)
            report = analyse_tab(analysis, workbench, NETWORK, choice)
        with gr.Tab("Inspect") as inspect:
            inspect_tab(inspecting, workbench, NETWORK, inspect, report)
        with gr.Tab("Exemplars") as exemplars:
            exemplars_tab(analysis, workbench, NETWORK, choice, exemplars)
        with gr.Tab("Train"):
            if is_public():
                train_tab_off()
            else:
                train_tab(analysis, workbench, NETWORK, page)
        with gr.Tab("About") as about:
            about_tab(analysis, about)
        endpoint(analysis, workbench, NETWORK)
        inspect_endpoint(analysis, inspecting, workbench, NETWORK)
    return page.queue(max_size=MAX_WAITING)


def launch_options() -> dict:
    """What belongs to serving the page rather than to the page."""
    colours = (
        f":root{{--fp-orange:{ORANGE.css};--fp-blue:{SKY_BLUE.css};--fp-red:{VERMILION.css};--fp-green:{GREEN.css}}}"
    )
    return {
        "css": colours + GRADIO_CSS + (ASSETS / "app.css").read_text(encoding="utf-8"),
        "theme": gr.themes.Soft(primary_hue="blue", font=FONT),
        "max_file_size": MAX_UPLOAD,
        "footer_links": [],
        "run_history": False,
        "allowed_paths": [str(EXAMPLE_CLIPS)],
    }
