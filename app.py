"""The app: python app.py. A Hugging Face Space runs this file as it is."""

import os

import gradio as gr

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.ui.layout import build_app
from fineparser.ui.server import serve
from fineparser.ui.settings import on_zero_gpu


def load_page() -> gr.Blocks:
    """The page with the weights that the environment names."""
    device = os.environ.get("FINEPARSER_DEVICE", "cuda" if on_zero_gpu() else "cpu")
    analyser = DiveAnalyser.from_pretrained(os.environ.get("FINEPARSER_CHECKPOINT", "default"), device=device)
    if not on_zero_gpu():
        analyser.prepare()
    return build_app(analyser)


if __name__ == "__main__":
    serve(load_page)
