"""Endpoints for programs: gradio_client sends a clip and gets a report or an inspection, with files."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import gradio as gr

from fineparser.analysis.crop_choice import CENTRE, DIVER
from fineparser.domain.standards import Standard
from fineparser.exemplars.exemplar import DiveSpec
from fineparser.plain_values import excerpt
from fineparser.progress import Progress
from fineparser.rendering.results import report_json
from fineparser.ui.analysis_service import AnalysisRequest, AnalysisService
from fineparser.ui.background_tasks import TaskResult, TaskRunner
from fineparser.ui.components import error_text
from fineparser.ui.inspection_service import INSPECTION_FILE, InspectionService
from fineparser.ui.settings import NETWORK_QUEUE

CROPS = {DIVER: None, CENTRE: CENTRE}
"""Values of an `AnalysisRequest`'s crop by the names that programs give."""

STANDARD_NAMES = ", ".join(f'"{one.value}"' for one in Standard)

Answer = TypeVar("Answer")


def add_analyse_endpoint(service: AnalysisService, tasks: TaskRunner) -> None:
    """Add the named endpoint `analyse` to the page that is being built.

    client.predict(handle_file("clip.mp4"), "207C", "10", api_name="/analyse") returns the contents of report.json and
    the files. The clip comes as an upload, never as a path on this machine. Without first and last frame the trim is
    proposed: that of the best dive of a recording, or of the dive of a number, counted from 1. The crop follows the
    diver ("diver") or is the centre of the frame ("centre"). With `force` a clip is scored that shows no whole dive.
    The standard of competition ("international", "national", "club") says whose judges the score is for; without one
    its range covers all.
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
            gr.Textbox(label=f"Crop: {DIVER} or {CENTRE}", value=DIVER),
            gr.Number(label="Dive of the recording, 0: the best one", value=0, precision=0),
            gr.Checkbox(label="Score anyway", value=False),
            gr.Textbox(label=f"Standard of competition: {STANDARD_NAMES}; empty: not known", value=""),
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
        dive: int | None,
        force: bool | None,
        standard: str | None,
    ) -> Iterator[tuple[dict, list[str]]]:
        def work(folder: Path, progress: Progress) -> tuple[dict, list[str]]:
            request = AnalysisRequest(
                clip=str(clip),
                code=code or None,
                height=height or None,
                difficulty=difficulty or None,
                first=first,
                last=last,
                crop=CROPS[crop or DIVER],
                dive=dive or None,
                force=bool(force),
                standard=Standard(standard) if standard else None,
            )
            report = service.analyse(request, progress)
            return report_json(report), [str(file) for file in service.write_files(report, folder, progress)]

        yield from run_on_upload(tasks, work)

    call.click(
        run,
        inputs,
        outputs,
        api_name="analyse",
        validator=check_analysis,
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

        yield from run_on_upload(tasks, work)

    call.click(
        run,
        inputs,
        outputs,
        api_name="inspect",
        validator=check_inspection,
        api_description="Inspects a dive: transitions by both rules, and the outputs of the network as NPZ.",
        concurrency_id=NETWORK_QUEUE,
        concurrency_limit=1,
    )


def check_analysis(
    clip: str | None,
    code: str | None,
    height: str | None,
    difficulty: float | None,
    first: int | None,
    last: int | None,
    crop: str | None,
    dive: int | None,
    force: bool | None,
    standard: str | None,
) -> list[dict]:
    """Answers of Gradio's validation to the inputs of `analyse`, in their order, before a call waits in line."""
    problems = dive_problems(code, height, difficulty)
    if crop and crop not in CROPS:
        problems["crop"] = f'The crop is "{DIVER}" or "{CENTRE}", not {excerpt(crop)}.'
    if dive and (first is not None or last is not None):
        problems["dive"] = "Give the number of a dive or its first and last frame, not both."
    if standard and standard not in list(Standard):
        problems["standard"] = f"The standard is one of {STANDARD_NAMES}, not {excerpt(standard)}."
    names = ("code", "height", "difficulty", "first", "last", "crop", "dive", "force", "standard")
    return validation(clip, names, problems)


def check_inspection(
    clip: str | None, code: str | None, height: str | None, first: int | None, last: int | None
) -> list[dict]:
    """Answers of Gradio's validation to the inputs of `inspect`, in their order, before a call waits in line."""
    return validation(clip, ("code", "height", "first", "last"), dive_problems(code, height, None))


def dive_problems(code: str | None, height: str | None, difficulty: float | None) -> dict[str, str]:
    """The sentence about the first impossible value of a dive, by the name of the value; empty if there is none."""
    checks: dict[str, tuple[str | None, str | None, float | None]] = {
        "height": (None, height or None, None),
        "difficulty": (None, None, difficulty or None),
        "code": (code or None, height or None, difficulty or None),
    }
    for name, values in checks.items():
        try:
            DiveSpec.from_input(*values)
        except ValueError as error:
            return {name: str(error)}
    return {}


def validation(clip: str | None, names: Sequence[str], problems: dict[str, str]) -> list[dict]:
    """Answers of Gradio's validation: for the clip, then for the inputs of these names."""
    answers = [gr.validate(clip is not None, "Give a clip as an uploaded file.")]
    return answers + [gr.validate(name not in problems, problems.get(name, "")) for name in names]


def run_on_upload(tasks: TaskRunner, work: Callable[[Path, Progress], Answer]) -> Iterator[Answer]:
    """Yield the result of `work(folder, progress)`, then delete the folder.

    The upload stays: equal uploads share one path, and others may be using it. Gradio deletes it by age.

    Raises:
        gr.Error: with a message, if the clip cannot be used.
    """
    folder = Path(tempfile.mkdtemp(prefix="fineparser-"))
    try:
        for event in tasks.run(lambda progress: work(folder, progress)):
            if isinstance(event, TaskResult):
                yield event.value
    except ValueError as error:
        raise gr.Error(error_text(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
