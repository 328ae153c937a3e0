"""Long work that a button begins, and perhaps another one stops."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import gradio as gr
from gradio.events import Dependency

from fineparser.ui.status_line import note, progress_bar
from fineparser.ui.upload import problem

STOP = "Stop"
STOPPING = "Stopping"
FAILED = "This did not work: the queue is full, or something went wrong here. Try again in a minute."


@dataclass(frozen=True)
class Controls:
    """The button, the line that says how the work goes, and the button that stops it, where it can be stopped."""

    start: gr.Button
    status: gr.HTML
    stop: gr.Button | None = None

    @property
    def parts(self) -> list[gr.components.Component]:
        """Everything."""
        return [self.start, self.status, *([] if self.stop is None else [self.stop])]

    def ended(self, said: str) -> dict:
        """The buttons ready for the next dive, and the last word on this one."""
        ready = {self.start: gr.Button(interactive=True), self.status: said}
        return ready if self.stop is None else ready | {self.stop: gr.Button(STOP, interactive=False)}

    def waiting(self) -> dict:
        """What the buttons and the line are at until it is the work's turn."""
        begun = {self.start: gr.Button(interactive=False), self.status: progress_bar("Waiting for its turn", 0)}
        return begun if self.stop is None else begun | {self.stop: gr.Button(interactive=True)}

    def begin(
        self,
        work: Callable[..., Iterator[dict]],
        inputs: list[gr.components.Component],
        shown: list[gr.components.Component],
        concurrency_id: str,
    ) -> Dependency:
        """Lets the buttons begin and stop the work, one visitor's at a time; gives the event that is the work.

        Args:
            work: takes the values of `inputs` and yields what changes on the page; the last it yields has `ended`.
            inputs: what the work asks for.
            shown: what the work changes beside the buttons and the line.
            concurrency_id: shared with everything else that fills the processor.
        """
        quick = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        event = self.start.click(self.waiting, outputs=self.parts, **quick).then(
            work,
            inputs,
            [*self.parts, *shown],
            concurrency_limit=1,
            concurrency_id=concurrency_id,
            show_progress_on=self.status,
            api_visibility="private",
        )
        if self.stop is None:
            event.failure(lambda: self.ended(problem(FAILED)), outputs=self.parts, **quick)
            return event
        # A stopped event fails, as far as Gradio is concerned, some time after the click. What the button says by then,
        # which the browser changes by itself before it asks for the stop, tells one failure from the other.
        event.failure(lambda label: self.ended(last_word(label)), self.stop, self.parts, **quick)
        self.stop.click(None, None, self.stop, js=f"() => '{STOPPING}'", cancels=[event], **quick)
        return event


def control_parts(label: str, name: str) -> Controls:
    """Adds both buttons and the line; `label` is what the first button says, `name` begins the names of the parts."""
    with gr.Row(elem_id=f"{name}-go"):
        start = gr.Button(label, variant="primary", size="lg", elem_id=name, scale=3, min_width=120)
        stop = gr.Button(
            STOP, variant="stop", size="lg", interactive=False, elem_id=f"{name}-stop", scale=1, min_width=90
        )
    status = gr.HTML(elem_id=f"{name}-status", min_height=20, apply_default_css=False)
    return Controls(start, status, stop)


def last_word(label: str) -> str:
    """What is said of work that did not end by itself, from what the button that stops it says, as HTML."""
    return note("Stopped.") if label == STOPPING else problem(FAILED)
