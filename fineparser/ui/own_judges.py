"""What own dives tell of their judges, on the Exemplars tab: in a sentence and a chart."""

from collections.abc import Iterator
from functools import partial
from html import escape

import gradio as gr

from fineparser.exemplars.electorate import Progress, own_judges_of
from fineparser.exemplars.own_panel import PanelReading
from fineparser.rendering.panel_chart import panel_figure
from fineparser.ui.analysis import Analysis
from fineparser.ui.controls import Controls
from fineparser.ui.exemplar_shelf import own_exemplars
from fineparser.ui.status_line import told
from fineparser.ui.steps import Outcome, Workbench, on_zero_gpu, with_gpu
from fineparser.ui.upload import plain_sentence, problem


def own_judges(analysis: Analysis, workbench: Workbench, concurrency_id: str, folder: gr.State) -> None:
    """Adds the part; `folder` holds what a visitor of a public page added."""
    with gr.Accordion("How your judges differ from simulated ones", open=False, elem_id="own-judges"):
        controls = Controls(
            gr.Button("Compare your dives with what is told of them", elem_id="read-judges"),
            gr.HTML(elem_id="judges-said", min_height=20, apply_default_css=False),
        )
        chart = gr.Plot(show_label=False, container=False, visible=False, elem_id="judges-chart")
    on_gpu = with_gpu(lambda kept: reading(analysis, kept, lambda name, done: None))

    def work(kept: str | None, progress: Progress) -> PanelReading:
        if on_zero_gpu():
            progress("Comparing on the GPU", 0.1)
            return on_gpu(kept)
        return reading(analysis, kept, progress)

    def run(kept: str | None) -> Iterator[dict]:
        try:
            for news in workbench.steps(partial(work, kept)):
                if isinstance(news, Outcome):
                    found = news.value
                    text = f'<p class="fp-lead">{escape(found.sentence)}</p>'
                    figure = panel_figure(found) if found.dives else None
                    yield controls.ended(text) | {chart: gr.Plot(figure, visible=bool(found.dives))}
                else:
                    yield {controls.status: told(news)}
        except ValueError as error:
            yield controls.ended(problem(plain_sentence(error))) | {chart: gr.Plot(None, visible=False)}

    controls.begin(run, [folder], [chart], concurrency_id)


def reading(analysis: Analysis, folder: str | None, progress: Progress) -> PanelReading:
    """What the visitor's dives were given beside what simulated exemplars say."""
    return own_judges_of(analysis.analyser, own_exemplars(folder)[0], progress)[0]
