"""The endpoint for programs: gradio_client sends a clip and gets everything that Inspect knows of it as arrays."""

from collections.abc import Iterator
from pathlib import Path

import gradio as gr

from fineparser.analysis.analyser import Progress
from fineparser.ui.analysis import Analysis, Request
from fineparser.ui.inspect_tab import FILE
from fineparser.ui.inspecting import Inspecting
from fineparser.ui.program_call import answer
from fineparser.ui.steps import Workbench


def inspect_endpoint(analysis: Analysis, inspecting: Inspecting, workbench: Workbench, concurrency_id: str) -> None:
    """Adds the named endpoint `inspect` to the page that is being built.

    client.predict(handle_file("clip.mp4"), "207C", "10", None, None, api_name="/inspect") gives a summary and the NPZ
    whose arrays `fineparser.analysis.inspection.ARRAYS` names. The clip comes as an upload, never as a path of this
    machine.
    """
    with gr.Column(visible=False):
        clip = gr.File(label="Clip", file_count="single")
        code = gr.Textbox(label="Dive number", value="")
        height = gr.Textbox(label="Height", value="")
        first = gr.Number(label="First frame", value=None, precision=0)
        last = gr.Number(label="Last frame", value=None, precision=0)
        summary = gr.JSON(label="Summary")
        arrays = gr.File(label="Arrays")
        call = gr.Button("Inspect")

    def run(
        path: str | None, number: str | None, metres: str | None, start: int | None, end: int | None
    ) -> Iterator[tuple]:
        def work(folder: Path, progress: Progress) -> tuple:
            request = Request(path, number or None, metres or None, None, start, end)
            inspection = inspecting.report(analysis.judge(request, progress), None, progress)
            return inspection.to_json(), str(inspection.save(folder / FILE))

        yield from answer(workbench, path, work)

    call.click(
        run,
        [clip, code, height, first, last],
        [summary, arrays],
        api_name="inspect",
        api_description="Looks inside: transitions by both rules, and everything that the network saw as NPZ.",
        concurrency_id=concurrency_id,
        concurrency_limit=1,
    )
