"""Endpoints for programs: gradio_client sends a clip and gets a report or an inspection, with files."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import gradio as gr

from fineparser.analysis.crop_choice import CENTRE, DIVER
from fineparser.progress import Progress
from fineparser.rendering.results import report_json
from fineparser.ui.analysis_service import AnalysisRequest, AnalysisService
from fineparser.ui.background_tasks import TaskResult, TaskRunner
from fineparser.ui.components import error_text
from fineparser.ui.inspection_service import INSPECTION_FILE, InspectionService
from fineparser.ui.settings import NETWORK_QUEUE

Answer = TypeVar("Answer")


def add_analyse_endpoint(service: AnalysisService, tasks: TaskRunner) -> None:
    """Add the named endpoint `analyse` to the page that is being built.

    client.predict(handle_file("clip.mp4"), "207C", "10", api_name="/analyse") returns the contents of report.json and
    the files. The clip comes as an upload, never as a path on this machine. Without first and last frame the trim is
    proposed; the crop follows the diver ("diver") or is the centre of the frame ("centre").
    """
    # The order of the inputs is the order of the endpoint's parameters, and `run` names them.
    with gr.Column(visible=False):
        inputs = [
            gr.File(label="Clip", file_count="single"),
            gr.Textbox(label="Dive number", value=""),
            gr.Textbox(label="Height", value=""),
            gr.Number(label="Difficulty", value=None),
            gr.Number(label="First frame", value=None, precision=0),
            gr.Number(label="Last frame", value=None, precision=0),
            gr.Radio([DIVER, CENTRE], label="Crop", value=DIVER),
        ]
        outputs = [gr.JSON(label="Report"), gr.File(label="Files", file_count="multiple")]
        call = gr.Button("Analyse")

    def run(
        clip: str | None,
        code: str | None,
        height: str | None,
        difficulty: float | None,
        first: int | None,
        last: int | None,
        crop: str | None,
    ) -> Iterator[tuple[dict, list[str]]]:
        def work(folder: Path, progress: Progress) -> tuple[dict, list[str]]:
            request = AnalysisRequest(
                clip=str(clip),
                code=code or None,
                height=height or None,
                difficulty=difficulty or None,
                first=first,
                last=last,
                crop=CENTRE if crop == CENTRE else None,
            )
            report = service.analyse(request, progress)
            return report_json(report), [str(file) for file in service.write_files(report, folder, progress)]

        yield from run_on_upload(tasks, clip, work)

    call.click(
        run,
        inputs,
        outputs,
        api_name="analyse",
        api_description="Scores a dive: the contents of report.json, and the files that the page offers.",
        concurrency_id=NETWORK_QUEUE,
        concurrency_limit=1,
    )


def add_inspect_endpoint(service: AnalysisService, inspections: InspectionService, tasks: TaskRunner) -> None:
    """Add the named endpoint `inspect` to the page that is being built.

    client.predict(handle_file("clip.mp4"), "207C", "10", None, None, api_name="/inspect") returns a summary and the
    NPZ file whose arrays `fineparser.analysis.inspection.ARRAYS` describes. The clip comes as an upload, never as a
    path on this machine.
    """
    with gr.Column(visible=False):
        inputs = [
            gr.File(label="Clip", file_count="single"),
            gr.Textbox(label="Dive number", value=""),
            gr.Textbox(label="Height", value=""),
            gr.Number(label="First frame", value=None, precision=0),
            gr.Number(label="Last frame", value=None, precision=0),
        ]
        outputs = [gr.JSON(label="Summary"), gr.File(label="Arrays")]
        call = gr.Button("Inspect")

    def run(
        clip: str | None, code: str | None, height: str | None, first: int | None, last: int | None
    ) -> Iterator[tuple[dict, str]]:
        def work(folder: Path, progress: Progress) -> tuple[dict, str]:
            request = AnalysisRequest(clip=str(clip), code=code or None, height=height or None, first=first, last=last)
            inspection = inspections.inspect_report(service.analyse(request, progress), None, progress)
            return inspection.to_json(), str(inspection.save(folder / INSPECTION_FILE))

        yield from run_on_upload(tasks, clip, work)

    call.click(
        run,
        inputs,
        outputs,
        api_name="inspect",
        api_description="Inspects a dive: transitions by both rules, and the outputs of the network as NPZ.",
        concurrency_id=NETWORK_QUEUE,
        concurrency_limit=1,
    )


def run_on_upload(tasks: TaskRunner, clip: str | None, work: Callable[[Path, Progress], Answer]) -> Iterator[Answer]:
    """Yield the result of `work(folder, progress)`, then delete the folder and the uploaded clip.

    Raises:
        gr.Error: with a message, if there is no clip or it cannot be used.
    """
    if clip is None:
        raise gr.Error("Give a clip as an uploaded file.")
    folder = Path(tempfile.mkdtemp(prefix="fineparser-"))
    try:
        for event in tasks.run(lambda progress: work(folder, progress)):
            if isinstance(event, TaskResult):
                yield event.value
    except ValueError as error:
        raise gr.Error(error_text(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Path(clip).unlink(missing_ok=True)
