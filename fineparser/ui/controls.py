"""Long work that a button begins and another one stops."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import gradio as gr

from fineparser.ui.status_line import note, progress_bar
from fineparser.ui.upload import problem

STOP = "Stop"
STOPPING = "Stopping"
FAILED = "This did not work: the queue is full, or something went wrong here. Try again in a minute."


@dataclass(frozen=True)
class Controls:
    """Both buttons, and the line that says how the work goes."""

    start: gr.Button
    stop: gr.Button
    status: gr.HTML

    def ended(self, said: str) -> dict:
        """The buttons ready for the next dive, and the last word on this one."""
        return {
            self.start: gr.Button(interactive=True),
            self.stop: gr.Button(STOP, interactive=False),
            self.status: said,
        }

    def begin(
        self,
        work: Callable[..., Iterator[dict]],
        inputs: list[gr.components.Component],
        shown: list[gr.components.Component],
        concurrency_id: str,
    ) -> None:
        """Lets the buttons begin and stop the work, one visitor's at a time.

        Args:
            work: takes the values of `inputs` and yields what changes on the page; the last it yields has `ended`.
            inputs: what the work asks for.
            shown: what the work changes beside the buttons and the line.
            concurrency_id: shared with everything else that fills the processor.
        """
        quick = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        own = [self.start, self.stop, self.status]
        waiting = self.start.click(
            lambda: (
                gr.Button(interactive=False),
                gr.Button(interactive=True),
                progress_bar("Waiting for its turn", 0),
            ),
            outputs=own,
            **quick,
        )
        event = waiting.then(
            work,
            inputs,
            [*own, *shown],
            concurrency_limit=1,
            concurrency_id=concurrency_id,
            show_progress_on=self.status,
            api_visibility="private",
        )
        # A stopped event fails, as far as Gradio is concerned, some time after the click. What the button says by then,
        # which the browser changes by itself before it asks for the stop, tells one failure from the other.
        event.failure(lambda label: self.ended(last_word(label)), self.stop, own, **quick)
        self.stop.click(None, None, self.stop, js=f"() => '{STOPPING}'", cancels=[event], **quick)


def control_parts(label: str, name: str) -> Controls:
    """Adds the buttons and the line; `label` is what the first button says, `name` begins the names of the parts."""
    with gr.Row(elem_id=f"{name}-go"):
        start = gr.Button(label, variant="primary", size="lg", elem_id=name, scale=3, min_width=120)
        stop = gr.Button(
            STOP, variant="stop", size="lg", interactive=False, elem_id=f"{name}-stop", scale=1, min_width=90
        )
    status = gr.HTML(elem_id=f"{name}-status", min_height=20, apply_default_css=False)
    return Controls(start, stop, status)


def last_word(label: str) -> str:
    """What is said of work that did not end by itself, from what the button that stops it says, as HTML."""
    return note("Stopped.") if label == STOPPING else problem(FAILED)
