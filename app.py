"""The app: python app.py. A Hugging Face Space runs this file as it is."""

import os

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.ui.layout import build_app, launch_options
from fineparser.ui.steps import on_zero_gpu


def main() -> None:
    """Loads the weights and serves the page."""
    device = os.environ.get("FINEPARSER_DEVICE", "cuda" if on_zero_gpu() else "cpu")
    analyser = DiveAnalyser.from_pretrained(os.environ.get("FINEPARSER_CHECKPOINT", "default"), device=device)
    if not on_zero_gpu():
        analyser.prepare()
    build_app(analyser).launch(
        # A Space tells by itself where to listen; at home nobody else is meant to come in.
        server_name=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        server_port=int(os.environ.get("GRADIO_SERVER_PORT", "7860")),
        **launch_options(),
    )


if __name__ == "__main__":
    main()
