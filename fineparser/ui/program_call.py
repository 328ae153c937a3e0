"""A call by a program: one uploaded clip in, one answer out, and nothing of it stays on the disk."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr

from fineparser.analysis.analyser import Progress
from fineparser.ui.steps import Outcome, Workbench
from fineparser.ui.upload import plain_sentence


def answer(workbench: Workbench, clip: str | None, work: Callable[[Path, Progress], tuple]) -> Iterator[tuple]:
    """What `work` makes of an uploaded clip in a folder for its files; the clip and the folder then go.

    gr.Error, with a sentence, where there is no clip or it cannot be used.
    """
    if clip is None:
        raise gr.Error("Give a clip: a file that is uploaded.")
    folder = Path(tempfile.mkdtemp(prefix="fineparser-"))
    try:
        for news in workbench.steps(lambda progress: work(folder, progress)):
            if isinstance(news, Outcome):
                yield news.value
    except ValueError as error:
        raise gr.Error(plain_sentence(error)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        Path(clip).unlink(missing_ok=True)
