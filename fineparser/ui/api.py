"""The endpoint for programs: gradio_client sends a clip and gets the report and its files."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from fineparser.analysis.analyser import Progress
from fineparser.analysis.window import CENTRE
from fineparser.ui.analysis import Analysis, Request
from fineparser.ui.program_call import answer
from fineparser.ui.steps import Workbench


def endpoint(analysis: Analysis, workbench: Workbench, concurrency_id: str) -> None:
    """Adds the named endpoint `analyse` to the page that is being built.

    client.predict(handle_file("clip.mp4"), "207C", "10", api_name="/analyse") gives report.json's contents and the
    files. The clip comes as an upload, never as a path of this machine. Without first and last frame the trim is
    proposed; the window follows the diver ("diver") or stands in the middle of the picture ("centre").
    """
    with gr.Column(visible=False):
        clip = gr.File(label="Clip", file_count="single")
        code = gr.Textbox(label="Dive number", value="")
        height = gr.Textbox(label="Height", value="")
        difficulty = gr.Number(label="Own difficulty", value=None)
        first = gr.Number(label="First frame", value=None, precision=0)
        last = gr.Number(label="Last frame", value=None, precision=0)
        window = gr.Radio(["diver", "centre"], label="Window", value="diver")
        report = gr.JSON(label="Report")
        files = gr.File(label="Files", file_count="multiple")
        call = gr.Button("Analyse")

    def run(
        path: str | None,
        number: str | None,
        metres: str | None,
        own: float | None,
        start: int | None,
        end: int | None,
        seen: str | None,
    ) -> Iterator[tuple]:
        framing = CENTRE if seen == CENTRE else None

        def work(folder: Path, progress: Progress) -> tuple:
            request = Request(path, number or None, metres or None, own or None, start, end, framing)
            found = analysis.judge(request, progress)
            return found.to_json(), [str(file) for file in analysis.files(found, folder, progress)]

        yield from answer(workbench, path, work)

    call.click(
        run,
        [clip, code, height, difficulty, first, last, window],
        [report, files],
        api_name="analyse",
        api_description="Scores a dive: report.json's contents, and the files that the page offers.",
        concurrency_id=concurrency_id,
        concurrency_limit=1,
    )
