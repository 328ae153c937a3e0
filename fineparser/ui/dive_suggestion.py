"""Dive numbers that fit a clip, offered where none was given or where the given one contradicts the clip."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

import gradio as gr

from fineparser.analysis.report import DiveReport
from fineparser.domain.difficulty import has_difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.kinematics import Kinematics
from fineparser.ui.components import Updates
from fineparser.ui.controls import Controls

MAX_SUGGESTIONS = 5

CLEAR = 0.5
"""Probability from which a dive number is likelier than all others together."""

CONTRADICTION = "number_"
"""Prefix of the codes of warnings that a dive number or a height does not fit the clip."""


@dataclass(frozen=True)
class DiveSuggestion:
    """A dive that fits a clip."""

    code: str
    height: str
    """Metres, as the choice of a height has it."""
    probability: float
    """Of the dive number."""

    @property
    def key(self) -> str:
        """Value in the list; `parse_key` takes it apart."""
        return f"{self.code} {self.height}"

    @property
    def label(self) -> str:
        """Text in the list."""
        return f"{self.code} {DiveCode.parse(self.code).name}, {self.height} m ({self.probability:.0%})"


@dataclass(frozen=True, kw_only=True)
class SuggestionPanel:
    """Components that offer the suggestions."""

    column: gr.Column
    """Hidden without suggestions."""
    lead: gr.HTML
    choice: gr.Radio
    use: Controls
    """Fill in the chosen dive number and height, and score the dive with them."""


def add_suggestion_panel() -> SuggestionPanel:
    """Add the components, hidden."""
    with gr.Column(visible=False, elem_id="suggestions") as column:
        lead = gr.HTML(apply_default_css=False)
        choice = gr.Radio([], label="Likeliest dive numbers", elem_id="suggestion")
        with gr.Row():
            start = gr.Button("Use this number", min_width=150, elem_id="use-suggestion")
        use = Controls(start=start, status=gr.HTML(elem_id="use-suggestion-status", apply_default_css=False))
    return SuggestionPanel(column=column, lead=lead, choice=choice, use=use)


def suggestion_updates(panel: SuggestionPanel, report: DiveReport) -> Updates:
    """Updates that show the suggestions for a report, or hide the panel."""
    suggestions = suggest_dives(report)
    choices = [(one.label, one.key) for one in suggestions]
    return {
        panel.column: gr.Column(visible=bool(suggestions)),
        panel.lead: lead_html(suggestions, report.dive_code),
        panel.choice: gr.Radio(choices=choices, value=choices[0][1] if choices else None),
    }


def suggest_dives(report: DiveReport) -> list[DiveSuggestion]:
    """The dives that fit best, the likeliest first, where the number is missing or contradicts the clip; else none."""
    contradicts = any(warning.code.startswith(CONTRADICTION) for warning in report.warnings)
    if report.kinematics is None or (report.dive_code is not None and not contradicts):
        return []
    heights = height_probabilities(report.kinematics, report.height)
    suggestions = []
    for code, probability in report.kinematics.dive_number.probabilities.items():
        possible = [height for height in heights if has_difficulty(code, height)]
        if not possible:
            continue
        height = max(possible, key=heights.__getitem__)
        if (code, height) != (report.dive_code, None if report.height is None else f"{report.height:g}"):
            suggestions.append(DiveSuggestion(code, height, probability))
    return suggestions[:MAX_SUGGESTIONS]


def height_probabilities(kinematics: Kinematics, given: float | None) -> Mapping[str, float]:
    """Probabilities of the heights in metres; without a measurement that of the given one."""
    if kinematics.height.value is not None:
        return kinematics.height.probabilities
    return {} if given is None else {f"{given:g}": 1.0}


def lead_html(suggestions: list[DiveSuggestion], given: str | None) -> str:
    """The likeliest dive in a sentence; empty without suggestions.

    >>> lead_html([DiveSuggestion("103B", "1", 0.72)], None)
    '<p class="fp-lead">This looks like <b>103B from 1 m</b> (72%).</p>'
    >>> lead_html([DiveSuggestion("103B", "1", 0.72)], "105B")
    '<p class="fp-lead">This looks like <b>103B from 1 m</b> (72%), not 105B.</p>'
    """
    if not suggestions:
        return ""
    best = suggestions[0]
    verb = "looks like" if best.probability >= CLEAR else "may be"
    end = "." if given in (None, best.code) else f", not {escape(str(given))}."
    return f'<p class="fp-lead">This {verb} <b>{best.code} from {best.height} m</b> ({best.probability:.0%}){end}</p>'


def parse_key(key: str | None) -> tuple[str, str]:
    """Dive number and height of a value in the list.

    >>> parse_key("103B 7.5")
    ('103B', '7.5')

    Raises:
        ValueError: if none is chosen.
    """
    code, _, height = (key or "").partition(" ")
    if not height:
        raise ValueError("Choose one of the dive numbers first.")
    return code, height
