"""The About tab: which weights speak, what they have learnt from, what the page cannot do."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import gradio as gr

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.ui.results_view import table

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"
PACKAGES = ("fineparser", "torch", "torchvision", "gradio", "plotly", "numpy", "opencv-python")

WHAT = """
### What it does
FineParser looks at 96 frames of a dive, marks the diver and the splash, finds where the flight and the entry begin,
and compares the three phases with judged dives, the exemplars. Each exemplar votes: its own score plus the difference
that the network sees. The mean of the votes is the total; the range is where the middle 80% of them lie.
*Dynamic* shares come from movement, *static* ones from posture.

The method is *FineParser: A Fine-grained Spatio-temporal Action Parser for Human-centric Action Quality Assessment*
(Xu and others, CVPR 2024). This is an independent implementation.
"""

LIMITS = """
### Limits
- An estimate, no judge's decision. Nothing here is meant for deciding a competition or a selection.
- One dive in one shot: trim run-up and replay away. Cuts, slow motion and a varying frame rate mislead it; the page says so where it notices.
- A range tells how far the exemplars disagree, not how often the true score lies inside.
- A score means something only for the kind of footage and panel that the weights and the exemplars come from: read what the result was calibrated on.
- It neither knows penalties for restarts nor a dive that was not the announced one.

### What happens to your clip
It is analysed on the machine that serves this page and nowhere else, and is deleted after some hours. The page asks no other machine for anything.

### Data and their licences
- **SynDive**: dives drawn by this project's own simulator, under the licence of the software (MIT). No person is shown.
- **FineDiving and FineDiving-HM**: for research, not to be passed on. No clip or mask of them comes with this software; weights trained on them are for research, too.
- **MTL-AQA**: for research; its clips belong to those who filmed them. None of them comes with this software.
"""  # noqa: E501


def about_tab(analyser: DiveAnalyser) -> None:
    """Adds the tab to the page that is being built."""
    gr.Markdown(WHAT)
    gr.Markdown("### Weights and exemplars")
    gr.HTML(table(["", ""], weights(analyser), texts=(1,)), apply_default_css=False)
    for card in sorted(CHECKPOINTS.glob("*/MODEL_CARD.md")):
        with gr.Accordion(f"Model card: {card.parent.name}", open=False):
            gr.Markdown(model_card(card))
    gr.Markdown(LIMITS)
    gr.Markdown("### Versions")
    gr.HTML(table(["", ""], versions(), texts=(1,)), apply_default_css=False)


def weights(analyser: DiveAnalyser) -> list[list[str]]:
    """What weights and exemplars are in use."""
    provenance, config = analyser.model.provenance, analyser.model.config
    parameters = sum(parameter.numel() for parameter in analyser.model.parameters())
    bank = analyser.bank
    return [
        ["Weights", provenance.name],
        ["Trained on", ", ".join(provenance.trained_on) or "nothing: masks, phases and scores mean nothing yet"],
        ["Network", f"{parameters / 1e6:.1f} million parameters, {config.image_size} x {config.image_size} pixels"],
        ["Fingerprint", analyser.model.fingerprint()],
        ["Runs on", str(next(analyser.model.parameters()).device)],
        [
            "Exemplars",
            "none bundled: simulated ones are made for each report" if bank is None else f"{len(bank)} in {bank.name}",
        ],
    ]


def versions() -> list[list[str]]:
    """Of what the results depend on."""
    rows = [["Python", platform.python_version()]]
    for package in PACKAGES:
        try:
            rows.append([package, version(package)])
        except PackageNotFoundError:
            continue
    return rows


def model_card(path: Path) -> str:
    """A model card's text without the header that a model hub reads."""
    text = path.read_text(encoding="utf-8")
    if text.startswith("---\n"):
        _, _, text = text[4:].partition("\n---\n")
    return text
