"""The server of the page: it listens until Ctrl-C or SIGTERM, and nothing of its visitors stays behind."""

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import gradio as gr
from starlette.middleware import Middleware

from fineparser.ui.host_guard import HostGuard, known_names
from fineparser.ui.layout import launch_options
from fineparser.ui.server_folder import server_folder
from fineparser.ui.settings import is_public

ADDRESS_VARIABLE, PORT_VARIABLE = "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
POLL_SECONDS = 1.0


def serve(make_page: Callable[[], gr.Blocks]) -> NoReturn:
    """Make the page and serve it; end the process with 0 after Ctrl-C or SIGTERM, also in the middle of an analysis.

    Args:
        make_page: builds the page. It is called when the folder of this server is there, in which Gradio places the
            files of the page.

    Raises:
        OSError: if the port is taken, or there is no room for the folder.
    """
    received: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise SystemExit

    for number in ENDING_SIGNALS:
        signal.signal(number, end)
    try:
        with server_folder():
            try:
                page = make_page()
                listen(page)
                while not received:  # a library that is called meanwhile may swallow the exit
                    time.sleep(POLL_SECONDS)
            finally:
                # What follows takes seconds and must not be interrupted.
                for number in ENDING_SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
                gr.close_all(verbose=False)
    except SystemExit:
        pass
    print("The app has ended.")
    sys.stdout.flush()
    # Threads may still compute; an interpreter that shuts down beneath them waits for them, or crashes.
    os._exit(0)


def listen(page: gr.Blocks) -> None:
    """Start to serve a page, in threads of its own.

    A Space sets the address itself; elsewhere only this machine may open the page. A private page has a guard.
    """
    address = os.environ.get(ADDRESS_VARIABLE, "127.0.0.1")
    guards = [] if is_public() else [Middleware(HostGuard, address=address, names=known_names())]
    page.launch(
        server_name=address,
        server_port=int(os.environ.get(PORT_VARIABLE, "7860")),
        prevent_thread_lock=True,
        app_kwargs={"middleware": guards},
        **launch_options(),
    )
