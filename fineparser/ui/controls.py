"""Buttons for long work, with a stop button and a status line, and for deletion, with a question."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from fineparser.ui.components import (
    EventValues,
    Updates,
    error_html,
    error_text,
    note_html,
    progress_html,
    warning_html,
)
from fineparser.ui.settings import NETWORK_QUEUE

STOP = "Stop"
STOPPING = "Stopping"
FAILED = "This did not work: the queue is full, or the app failed. Try again in a minute."


def no_check(event: EventValues) -> None:
    """Accept every value."""


@dataclass(frozen=True, kw_only=True)
class Controls:
    """A button that starts long work, its status line, and the button that stops it, where it can be stopped."""

    start: gr.Button
    status: gr.HTML
    stop: gr.Button | None = None

    @property
    def components(self) -> list[Block]:
        """All of them."""
        return [self.start, self.status, *([] if self.stop is None else [self.stop])]

    def finished(self, status: str) -> Updates:
        """The buttons ready for the next run, and the last status of this one."""
        updates: Updates = {self.start: gr.Button(interactive=True), self.status: status}
        if self.stop is not None:
            updates[self.stop] = gr.Button(STOP, interactive=False)
        return updates

    def waiting(self) -> Updates:
        """Buttons and status until the work starts."""
        updates: Updates = {self.start: gr.Button(interactive=False), self.status: progress_html("Waiting in line", 0)}
        if self.stop is not None:
            updates[self.stop] = gr.Button(interactive=True)
        return updates

    def connect(
        self,
        work: Callable[[EventValues], Iterator[Updates]],
        inputs: set[Block],
        outputs: Iterable[Block],
        check: Callable[[EventValues], object] = no_check,
    ) -> Dependency:
        """Let the buttons start and stop the work, for one visitor at a time; return the event that does the work.

        Args:
            work: takes the values of `inputs` and yields updates of the page; its last one includes `finished`.
            inputs: components that the work reads.
            outputs: components that the work changes, besides the buttons and the status line.
            check: raises ValueError, with a sentence, for values with which the work need not wait in line.
        """

        def begin(event: EventValues) -> Updates:
            try:
                check(event)
            except ValueError as error:
                raise gr.Error(error_text(error), visible=False, print_exception=False) from error
            return self.waiting()

        def explain(event: EventValues) -> Updates:
            try:
                check(event)
            except ValueError as error:
                return self.finished(error_html(error_text(error)))
            return self.finished(error_html(FAILED))

        begun = self.start.click(
            begin, inputs, self.components, queue=False, show_progress="hidden", api_visibility="private"
        )
        begun.failure(explain, inputs, self.components, queue=False, show_progress="hidden", api_visibility="private")
        event = begun.success(
            work,
            inputs,
            [*self.components, *outputs],
            concurrency_limit=1,
            concurrency_id=NETWORK_QUEUE,
            show_progress_on=self.status,
            api_visibility="private",
        )
        if self.stop is None:
            event.failure(
                lambda: self.finished(error_html(FAILED)),
                outputs=self.components,
                queue=False,
                show_progress="hidden",
                api_visibility="private",
            )
            return event
        # Gradio reports a stopped event as failed, some time after the click. The label of the stop button, which the
        # browser changes before it asks for the stop, distinguishes the two.
        event.failure(
            lambda label: self.finished(end_status(label)),
            self.stop,
            self.components,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        self.stop.click(
            None,
            None,
            self.stop,
            js=f"() => '{STOPPING}'",
            cancels=[event],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        return event


def add_controls(label: str, name: str) -> Controls:
    """Add both buttons and the status line.

    Args:
        label: of the button that starts the work.
        name: prefix of the element ids.
    """
    with gr.Row(elem_id=f"{name}-go"):
        start = gr.Button(label, variant="primary", size="lg", elem_id=name, scale=3, min_width=120)
        stop = gr.Button(
            STOP, variant="stop", size="lg", interactive=False, elem_id=f"{name}-stop", scale=1, min_width=90
        )
    status = gr.HTML(elem_id=f"{name}-status", min_height=20, apply_default_css=False)
    return Controls(start=start, status=status, stop=stop)


def end_status(stop_label: str) -> str:
    """The status of work that did not finish, by the label of its stop button."""
    return note_html("Stopped.") if stop_label == STOPPING else error_html(FAILED)


@dataclass(frozen=True, kw_only=True)
class DeleteButton:
    """A button that asks before it deletes, and the question with its two answers, hidden until then."""

    ask: gr.Button
    question: gr.Column
    confirm: gr.Button
    cancel: gr.Button

    def connect(
        self,
        delete: Callable[[EventValues], object],
        inputs: set[Block],
        outputs: list[Block],
        subject: gr.Dropdown | gr.State,
    ) -> Dependency:
        """Let the buttons ask and delete; return the event that deletes.

        Args:
            delete: takes the values of `inputs` and returns updates of `outputs`.
            inputs: components that `delete` reads.
            outputs: components that `delete` changes.
            subject: component that names what would be deleted; the question disappears when it changes.
        """
        self.ask.click(
            lambda: gr.Column(visible=True),
            outputs=self.question,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        gr.on(
            [self.cancel.click, self.confirm.click, subject.change],
            lambda: gr.Column(visible=False),
            outputs=self.question,
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        return self.confirm.click(delete, inputs, outputs, show_progress="hidden", api_visibility="private")


def add_delete_question(ask: gr.Button, question: str) -> DeleteButton:
    """Add the question that the button `ask`, which needs an element id, puts before it deletes."""
    with gr.Column(visible=False, elem_id=f"{ask.elem_id}-question") as column:
        gr.HTML(warning_html(question), apply_default_css=False)
        with gr.Row():
            confirm = gr.Button("Delete", variant="stop", size="sm", min_width=130, elem_id=f"{ask.elem_id}-confirm")
            cancel = gr.Button("Cancel", size="sm", min_width=90, elem_id=f"{ask.elem_id}-cancel")
    return DeleteButton(ask=ask, question=column, confirm=confirm, cancel=cancel)
