"""What cannot be brought back is deleted in two steps: a button asks, another one does it."""

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr
from gradio.events import Dependency

from fineparser.ui.status_line import warning


@dataclass(frozen=True)
class Deletion:
    """The button that asks, and the question with its two answers, hidden until then."""

    ask: gr.Button
    question: gr.Column
    sure: gr.Button
    keep: gr.Button

    def tie(
        self,
        delete: Callable,
        inputs: gr.components.Component | list[gr.components.Component],
        outputs: list[gr.components.Component],
        chosen: gr.components.Component,
    ) -> Dependency:
        """Lets the buttons ask and delete; gives the event that deletes.

        Args:
            delete: takes the values of `inputs` and returns those of `outputs`.
            inputs, outputs: of `delete`.
            chosen: says what would be deleted. The question is gone when that changes: it was about something else.
        """
        quick = {"show_progress": "hidden", "api_visibility": "private"}
        asked = {"outputs": self.question, "queue": False, **quick}
        self.ask.click(lambda: gr.Column(visible=True), **asked)
        gr.on([self.keep.click, self.sure.click, chosen.change], lambda: gr.Column(visible=False), **asked)
        return self.sure.click(delete, inputs, outputs, **quick)


def deletion_parts(ask: gr.Button, question: str) -> Deletion:
    """Adds the question that `ask`, a button with a name, puts before it deletes."""
    with gr.Column(visible=False, elem_id=f"{ask.elem_id}-question") as column:
        gr.HTML(warning(question), apply_default_css=False)
        with gr.Row():
            sure = gr.Button("Delete for good", variant="stop", size="sm", min_width=130, elem_id=f"{ask.elem_id}-sure")
            keep = gr.Button("Keep", size="sm", min_width=90, elem_id=f"{ask.elem_id}-keep")
    return Deletion(ask, column, sure, keep)
