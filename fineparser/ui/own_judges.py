"""What own dives tell of their judges, on the Exemplars tab: in a sentence and a chart."""

from collections.abc import Iterator
from functools import partial
from html import escape

import gradio as gr

from fineparser.analysis.electorate import Progress, own_judges_of
from fineparser.analysis.own_panel import PanelReading
from fineparser.rendering.panel_chart import panel_figure
from fineparser.ui.analysis import Analysis
from fineparser.ui.exemplar_shelf import own_exemplars
from fineparser.ui.status_line import progress_bar
from fineparser.ui.steps import Outcome, Workbench, on_zero_gpu, with_gpu
from fineparser.ui.upload import plain_sentence, problem


def own_judges(analysis: Analysis, workbench: Workbench, concurrency_id: str, folder: gr.State) -> None:
    """Adds the part; `folder` holds what a visitor of a public page added."""
    with gr.Accordion("How your judges differ from simulated ones", open=False, elem_id="own-judges"):
        button = gr.Button("Compare your dives with what is told of them", elem_id="read-judges")
        said = gr.HTML(elem_id="judges-said", min_height=20, apply_default_css=False)
        chart = gr.Plot(show_label=False, container=False, visible=False, elem_id="judges-chart")
    on_gpu = with_gpu(lambda kept: reading(analysis, kept, lambda name, done: None))

    def work(kept: str | None, progress: Progress) -> PanelReading:
        if on_zero_gpu():
            progress("Comparing on the GPU", 0.1)
            return on_gpu(kept)
        return reading(analysis, kept, progress)

    def run(kept: str | None) -> Iterator[tuple]:
        yield progress_bar("Waiting for its turn", 0.0), gr.skip()
        try:
            for news in workbench.steps(partial(work, kept)):
                if isinstance(news, Outcome):
                    found = news.value
                    text = f'<p class="fp-lead">{escape(found.sentence)}</p>'
                    yield text, gr.Plot(panel_figure(found) if found.dives else None, visible=bool(found.dives))
                elif news is not None:
                    yield progress_bar(news.name, news.done), gr.skip()
        except ValueError as error:
            yield problem(plain_sentence(error)), gr.Plot(None, visible=False)

    button.click(
        run,
        folder,
        [said, chart],
        concurrency_limit=1,
        concurrency_id=concurrency_id,
        show_progress="hidden",
        api_visibility="private",
    )


def reading(analysis: Analysis, folder: str | None, progress: Progress) -> PanelReading:
    """What the visitor's dives were given beside what simulated exemplars say."""
    return own_judges_of(analysis.analyser, own_exemplars(folder)[0], progress)[0]
