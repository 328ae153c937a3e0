"""The app: python app.py. A Hugging Face Space runs this file as it is."""

import os

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.ui.layout import build_app, launch_options
from fineparser.ui.settings import on_zero_gpu


def main() -> None:
    """Load the weights and serve the page."""
    device = os.environ.get("FINEPARSER_DEVICE", "cuda" if on_zero_gpu() else "cpu")
    analyser = DiveAnalyser.from_pretrained(os.environ.get("FINEPARSER_CHECKPOINT", "default"), device=device)
    if not on_zero_gpu():
        analyser.prepare()
    build_app(analyser).launch(
        # A Space sets the address itself; elsewhere only this machine may open the page.
        server_name=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        server_port=int(os.environ.get("GRADIO_SERVER_PORT", "7860")),
        **launch_options(),
    )


if __name__ == "__main__":
    main()
