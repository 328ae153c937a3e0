"""The About tab: which weights speak, what they have learnt from, what the page cannot do."""

import platform
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import gradio as gr

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.calibration import INTERVAL
from fineparser.ui.analysis import Analysis
from fineparser.ui.results_view import table

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"
PACKAGES = ("fineparser", "torch", "torchvision", "gradio", "plotly", "numpy", "opencv-python")

WHAT = """
### What it does
FineParser looks at 96 frames of a dive, marks the diver and the splash, finds where the flight and the entry begin,
and compares the three phases with judged dives, the exemplars. Each exemplar votes: its own score plus the difference
that the network sees. The mean of the votes is the total.
*Dynamic* shares come from movement, *static* ones from posture.

The method is *FineParser: A Fine-grained Spatio-temporal Action Parser for Human-centric Action Quality Assessment*
(Xu and others, CVPR 2024). This is an independent implementation.
"""

LIMITS = """
### Limits
- An estimate, no judge's decision. Nothing here is meant for deciding a competition or a selection.
- One dive in one shot. What stands still before and after it is cut off; a replay, a cut, slow motion or a varying frame rate misleads it, and the page says so where it notices.
- A score means something only for the kind of footage and panel that the weights and the exemplars come from: read what the result was calibrated on. Three or more judged dives of your own, under Exemplars, bring scores to your judges' scale.
- Where exemplars were measured on dives with known scores, the range of a score held four of five of those; otherwise it only tells how far the votes lie apart. On your judges' scale it holds four of five of their scores, as far as the dives that they judged tell. The result says which it is.
- A person's build, age, skin, suit or pool that none of the training dives looked like may be marked and scored worse. Look at the mask before you believe the number.
- It neither knows penalties, such as for a restart, nor notices a dive that was not the announced one.

### What happens to your clip
It is analysed on the machine that serves this page and nowhere else, and is deleted after some hours. What you add on purpose, exemplars and training dives, stays on that machine until you remove it. The page asks no other machine for anything.
"""  # noqa: E501

DATA = (
    (
        "SynDive",
        "Dives drawn by this software's own simulator; no person is shown",
        "MIT, as the software",
        "the example clips and the simulated exemplars",
    ),
    (
        "FineDiving",
        "3,000 dives of televised competitions with scores and sub-actions",
        "For research, not to be passed on; the pictures belong to the broadcasters",
        "nothing; it reads a copy of your own",
    ),
    (
        "FineDiving-HM",
        "Masks of the divers of FineDiving",
        "For research, against a signed release agreement, not to be passed on",
        "nothing; it reads a copy of your own",
    ),
    (
        "MTL-AQA",
        "1,412 dives of televised competitions with scores",
        "For research; the pictures belong to the broadcasters",
        "nothing; it reads a copy of your own",
    ),
)
"""Data sets: name, what they are, their terms, what of them is in this software."""

DATA_NOTE = """
Weights that have learnt from FineDiving, FineDiving-HM or MTL-AQA are for research, too. For clips of your own you need the consent of those who are seen in them.
"""  # noqa: E501


def about_tab(analysis: Analysis, tab: gr.Tab) -> None:
    """Adds the tab `tab`'s parts to the page that is being built; the weights in use are looked up at each visit."""
    gr.Markdown(WHAT)
    gr.Markdown("### Weights and exemplars")
    used = gr.HTML(in_use(analysis), apply_default_css=False, elem_id="about-weights")
    for card in sorted(CHECKPOINTS.glob("*/MODEL_CARD.md")):
        with gr.Accordion(f"Model card: {card.parent.name}", open=False):
            gr.Markdown(model_card(card))
    gr.Markdown(LIMITS)
    gr.Markdown("### Data and their licences")
    gr.Markdown(data_and_terms(), elem_id="about-data")
    gr.Markdown(DATA_NOTE)
    gr.Markdown("### Versions")
    gr.HTML(table(["", ""], versions(), texts=(1,)), apply_default_css=False)
    tab.select(lambda: in_use(analysis), outputs=used, show_progress="hidden", queue=False, api_visibility="private")


def data_and_terms() -> str:
    """The data sets in a list."""
    return "\n".join(f"- **{name}**: {what}. {terms}. In this software: {here}." for name, what, terms, here in DATA)


def in_use(analysis: Analysis) -> str:
    """What weights and exemplars are in use now, as a table."""
    return table(["", ""], weights(analysis.analyser), texts=(1,))


def weights(analyser: DiveAnalyser) -> list[list[str]]:
    """What weights and exemplars are in use."""
    provenance, config = analyser.model.provenance, analyser.model.config
    parameters = sum(parameter.numel() for parameter in analyser.model.parameters())
    return [
        ["Weights", provenance.name],
        ["Trained on", ", ".join(provenance.trained_on) or "nothing: masks, phases and scores mean nothing yet"],
        ["Network", f"{parameters / 1e6:.1f} million parameters, {config.picture_size} x {config.picture_size} pixels"],
        ["Switches", f"read by the {config.transition_rule} rule"],
        ["Fingerprint", analyser.model.fingerprint()],
        ["Runs on", f"{next(analyser.model.parameters()).device}, {str(analyser.dtype).removeprefix('torch.')}"],
        ["Exemplars", exemplars(analyser.bank)],
        ["Ranges", ranges(analyser.bank)],
    ]


def exemplars(bank: ExemplarBank | None) -> str:
    """How many there are, and from where."""
    if bank is None:
        return "none bundled: simulated ones are made for each report"
    sources = Counter(exemplar.source for exemplar in bank.exemplars)
    numbers = len({exemplar.code for exemplar in bank.exemplars})
    return f"{', '.join(f'{count} from {source}' for source, count in sorted(sources.items()))}; {numbers} dive numbers"


def ranges(bank: ExemplarBank | None) -> str:
    """What the range of a score tells with these exemplars."""
    known = None if bank is None else bank.calibration
    if known is None:
        return f"the middle {INTERVAL:.0%} of the votes: how far they lie apart"
    return (
        f"held {INTERVAL:.0%} of {known.dives} known dives ({known.source}): {known.low:+.1f} to {known.high:+.1f} "
        "points for each degree of difficulty"
    )


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
