"""The About tab: the method, its limits, the weights in use, and the data behind them."""

import platform
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import gradio as gr

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.analysis.inspection import transition_rule
from fineparser.bundled import bundled
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.score_calibration import NOMINAL_COVERAGE
from fineparser.scoring.judge_calibration import MIN_SCORED_DIVES
from fineparser.ui.analysis_service import AnalysisService
from fineparser.ui.results_panel import html_table

MODEL_CARD = "README.md"
JUDGEMENT_RANGE = f"{NOMINAL_COVERAGE:.0%} of dives: from the errors on simulated and on real ones"
PACKAGES = ("fineparser", "torch", "torchvision", "gradio", "plotly", "numpy", "opencv-python", "av")

METHOD = """
### How it works
FineParser samples 96 frames of a dive, marks the diver and the splash, and finds where the flight and the entry begin.

Weights that were trained on simulated dives measure the dive: height, distance, shape, body line and splash. The score
starts at the typical award of the dive number and the standard of competition, and each measurement moves it as far as
it can be trusted. An exemplar, a dive whose score is known, stands beside the dive for comparison.

Weights that were trained on real scores compare take-off, flight and entry with exemplars. Each exemplar votes: its own
score plus the difference that the network predicts. The mean of the votes is the total.
*Dynamic* contributions come from movement, *static* ones from body position.

The method is *FineParser: A Fine-grained Spatio-temporal Action Parser for Human-centric Action Quality Assessment*
(Xu and others, CVPR 2024). This is an independent implementation.
"""

LIMITS = f"""
### Limits
- A score here is an estimate, not a judge's decision. Do not use it to decide a competition or a selection.
- One dive in one shot. The app trims the clip to the dive. Replays, cuts, slow motion and a varying frame rate mislead it; it warns you where it notices them.
- A score is valid for the kind of video and the judges that it was calibrated on; each result says which, and how far scores were off on real dives. {MIN_SCORED_DIVES} or more judged dives of yours, added under Exemplars, put scores on your judges' scale.
- The range is part of the score. Where exemplars vote that were not calibrated on scored dives, it only shows how much the votes differ. Where a clip tells little, there is no score, but measurements.
- A diver, suit or pool unlike those in the training data may be marked and scored worse. Check the mask before you trust the number.
- It knows no penalties, such as for a restart, and does not notice a dive other than the announced one.

### Your clips
Clips are analysed on the machine that serves this page, and deleted after some hours, and when the app ends. Exemplars and training clips that you add stay on that machine until you delete them. The page sends nothing to any other machine.
"""  # noqa: E501


@dataclass(frozen=True, kw_only=True)
class DatasetTerms:
    """A dataset and its terms of use."""

    name: str
    content: str
    terms: str
    included: str
    """The part of it that this software includes."""


DATASETS = (
    DatasetTerms(
        name="SynDive",
        content="Dives rendered by this software's simulator; no person is shown",
        terms="MIT, as the software",
        included="the example clips and the simulated exemplars",
    ),
    DatasetTerms(
        name="FineDiving",
        content="3,000 dives of televised competitions with scores and sub-actions",
        terms="For research, not to be passed on; the images belong to the broadcasters",
        included="nothing; it reads your own copy",
    ),
    DatasetTerms(
        name="FineDiving-HM",
        content="Masks of the divers of FineDiving",
        terms="For research, under a signed release agreement, not to be passed on",
        included="nothing; it reads your own copy",
    ),
    DatasetTerms(
        name="MTL-AQA",
        content="1,412 dives of televised competitions with scores",
        terms="For research; the images belong to the broadcasters",
        included="nothing; it reads your own copy",
    ),
)

CONSENT = """
Weights trained on FineDiving, FineDiving-HM or MTL-AQA are for research, too. For your own clips you need the consent of the people in them.
"""  # noqa: E501


def about_tab(service: AnalysisService, tab: gr.Tab) -> None:
    """Add the components of `tab` to the page that is being built; the weights in use are looked up at each visit."""
    gr.Markdown(METHOD)
    gr.Markdown("### Weights and exemplars")
    weights = gr.HTML(weights_table(service.analyser), apply_default_css=False, elem_id="about-weights")
    for card in sorted(bundled("checkpoints").glob(f"*/{MODEL_CARD}")):
        with gr.Accordion(f"Model card: {card.parent.name}", open=False):
            gr.Markdown(model_card_text(card))
    gr.Markdown(LIMITS)
    gr.Markdown("### Data and licences")
    gr.Markdown(dataset_list(), elem_id="about-data")
    gr.Markdown(CONSENT)
    gr.Markdown("### Versions")
    gr.HTML(html_table(["", ""], package_versions(), text_columns=(1,)), apply_default_css=False)
    tab.select(
        lambda: weights_table(service.analyser),
        outputs=weights,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def dataset_list() -> str:
    """The datasets and their terms as a list in Markdown."""
    return "\n".join(
        f"- **{one.name}**: {one.content}. {one.terms}. In this software: {one.included}." for one in DATASETS
    )


def weights_table(analyser: DiveAnalyser) -> str:
    """The weights and exemplars in use, as HTML."""
    return html_table(["", ""], weights_rows(analyser), text_columns=(1,))


def weights_rows(analyser: DiveAnalyser) -> list[list[str]]:
    """The weights and exemplars in use: a label and a value per row."""
    provenance, config = analyser.model.provenance, analyser.model.config
    parameters = sum(parameter.numel() for parameter in analyser.model.parameters())
    return [
        ["Weights", provenance.name],
        ["Trained on", ", ".join(provenance.trained_on) or "nothing: masks, phases and scores mean nothing"],
        ["Network", f"{parameters / 1e6:.1f} million parameters, {config.input_size} x {config.input_size} pixels"],
        ["Transitions", f"{transition_rule(analyser.model)} rule"],
        ["Fingerprint", analyser.model.fingerprint()],
        ["Device", f"{analyser.model.device}, {str(analyser.dtype).removeprefix('torch.')}"],
        ["Exemplars", exemplar_summary(analyser.bank)],
        ["Score range", JUDGEMENT_RANGE if analyser.judges_measurements else range_description(analyser.bank)],
    ]


def exemplar_summary(bank: ExemplarBank | None) -> str:
    """The number of exemplars by source."""
    if bank is None:
        return "none bundled: each report simulates its own"
    sources = Counter(exemplar.source for exemplar in bank.exemplars)
    numbers = len({exemplar.code for exemplar in bank.exemplars})
    return f"{', '.join(f'{count} from {source}' for source, count in sorted(sources.items()))}; {numbers} dive numbers"


def range_description(bank: ExemplarBank | None) -> str:
    """The meaning of a score's range with these exemplars."""
    calibration = None if bank is None else bank.calibration
    if calibration is None:
        return f"the middle {NOMINAL_COVERAGE:.0%} of the votes: how much they differ"
    return (
        f"{NOMINAL_COVERAGE:.0%} of the errors on {calibration.dives} test dives ({calibration.source}) are between "
        f"{calibration.low:+.1f} and {calibration.high:+.1f} points per degree of difficulty"
    )


def package_versions() -> list[list[str]]:
    """Versions of the packages that results depend on."""
    rows = [["Python", platform.python_version()]]
    for package in PACKAGES:
        try:
            rows.append([package, version(package)])
        except PackageNotFoundError:
            continue
    return rows


def model_card_text(path: Path) -> str:
    """The text of a model card without the metadata for the model hub."""
    text = path.read_text(encoding="utf-8")
    if text.startswith("---\n"):
        _, _, text = text[4:].partition("\n---\n")
    return text
