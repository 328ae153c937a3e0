"""The dives of a recording: the list from which one is chosen, and the table of results when all are analysed."""

import base64
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import cv2
import gradio as gr
import numpy as np

from fineparser.analysis.dive_segments import DiveSegment, best_dive, live_dives
from fineparser.analysis.report import DiveReport
from fineparser.rendering.judgement_text import score_text
from fineparser.rendering.key_frames import as_jpeg
from fineparser.rendering.messages import (
    confidence_words,
    dive_count,
    dive_remarks,
    little_message,
    no_score_message,
    plural,
    time_range,
)
from fineparser.ui.analysis_service import AnalysisRequest
from fineparser.ui.components import Updates, warning_html
from fineparser.ui.controls import Controls, add_controls
from fineparser.ui.player import copy_to_cache
from fineparser.ui.results_panel import EXPIRED
from fineparser.ui.settings import KEEP_SECONDS
from fineparser.video.reader import reopen

THUMBNAIL_SIDE = 144
"""Longer side of a thumbnail, pixels: twice its size on the page."""

ON_CHOICE = "element.addEventListener('change', (event) => trigger('choose', { dive: Number(event.target.value) }));"
ON_OPEN = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-dive]');
  if (button) trigger('open_dive', { dive: Number(button.dataset.dive) });
});
"""


@dataclass(frozen=True, kw_only=True)
class DiveListPanel:
    """Components of the list."""

    choices: gr.HTML
    """The list; triggers "choose" with a number. Remarks on a single dive; the reason if there is none."""
    dives: gr.State
    """The `DiveSegment`s of the clip; empty until they are found."""


@dataclass(frozen=True, kw_only=True)
class SessionPanel:
    """Components that analyse every dive of a recording."""

    column: gr.Column
    """Around the controls; hidden without several dives."""
    controls: Controls
    table: gr.HTML
    """Triggers "open_dive" with a number."""
    results: gr.State
    """The `DiveResult` of each analysed dive by its number."""


def add_dive_list() -> DiveListPanel:
    """Add the list to the page that is being built, empty."""
    choices = gr.HTML(js_on_load=ON_CHOICE, elem_id="dives", apply_default_css=False)
    return DiveListPanel(choices=choices, dives=gr.State((), time_to_live=KEEP_SECONDS))


def add_session_panel() -> SessionPanel:
    """Add the controls, hidden, and the table, empty."""
    with gr.Column(visible=False) as column:
        controls = add_controls("Analyse all", "analyse-all")
    table = gr.HTML(js_on_load=ON_OPEN, elem_id="session", apply_default_css=False)
    results = gr.State({}, time_to_live=KEEP_SECONDS)
    return SessionPanel(column=column, controls=controls, table=table, results=results)


@dataclass(frozen=True)
class StoredReport:
    """A report whose masks, five megabytes of it, are in a file: a session may have a hundred."""

    report: DiveReport
    """Without masks."""
    masks: Path
    """In Gradio's cache, which deletes it by age."""

    @classmethod
    def from_report(cls, report: DiveReport) -> "StoredReport":
        """Store a report."""
        with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
            path = Path(folder) / "masks.npy"
            np.save(path, report.mask_probability)
            return cls(replace(report, mask_probability=np.empty((0, 0, 0), np.float32)), copy_to_cache(path))

    def load(self) -> DiveReport:
        """The whole report; ValueError if its masks have been deleted."""
        try:
            return replace(self.report, mask_probability=np.load(self.masks))
        except FileNotFoundError:
            raise ValueError(EXPIRED) from None


@dataclass(frozen=True, kw_only=True)
class DiveResult:
    """The result of one dive of a recording: a report, or the reason why there is none."""

    segment: DiveSegment
    request: AnalysisRequest
    stored: StoredReport | None = None
    problem: str = ""


def list_updates(panel: DiveListPanel, session: SessionPanel, dives: Sequence[DiveSegment]) -> Updates:
    """Updates that show the dives of a clip, the best one chosen, and no results yet.

    A single dive needs no list, but a remark if it is not a whole one.
    """
    best, live = best_dive(dives), live_dives(dives)
    if best is None or len(dives) > 1:
        choices = "" if best is None else choices_html(dives, best.number)
    else:
        choices = "".join(warning_html(f"The dive {remark}.") for remark in dive_remarks(best))
    return {
        panel.dives: tuple(dives),
        panel.choices: choices,
        session.column: gr.Column(visible=len(live) > 1),
        session.controls.start: gr.Button(f"Analyse all {plural(len(live), 'dive')}", variant="secondary"),
        **results_updates(session, {}),
    }


def results_updates(session: SessionPanel, results: Mapping[int, DiveResult]) -> Updates:
    """Updates that show the results so far."""
    return {session.results: dict(results), session.table: results_html(results)}


def choices_html(dives: Sequence[DiveSegment], chosen: int) -> str:
    """The dives of a recording as radio buttons with thumbnails, as HTML."""
    several = ", or analyse all below" if len(live_dives(dives)) > 1 else ""
    lead = f"{dive_count(dives)} in this clip. Choose one{several}."
    choices = []
    for dive, thumbnail in zip(dives, thumbnails(dives), strict=True):
        remarks = "".join(f"<em>{escape(remark)}</em>" for remark in dive_remarks(dive))
        choices.append(
            f'<label class="fp-choice"><input type="radio" name="fp-dive" value="{dive.number}"'
            f"{' checked' if dive.number == chosen else ''}>"
            f'<img src="data:image/jpeg;base64,{base64.b64encode(thumbnail).decode()}" alt="">'
            f"<span><b>Dive {dive.number}</b><span>{time_range(dive.proposal)}</span>"
            f"<span>confidence {confidence_words(dive.confidence)}</span>{remarks}</span></label>"
        )
    return f'<fieldset class="fp-dives"><legend>{lead}</legend><div>{"".join(choices)}</div></fieldset>'


def thumbnails(dives: Sequence[DiveSegment]) -> list[bytes]:
    """The crop of each dive in mid-flight, as a JPEG file.

    Raises:
        VideoError: if the recording cannot be read any more.
    """
    images = []
    with reopen(dives[0].proposal.scan.info) as source:
        for dive in dives:
            number = (dive.flight_frame + dive.entry_frame) // 2
            frame = source.frame(number)
            height, width = frame.shape[:2]
            left, top, right, bottom = dive.proposal.crop.box_at(number)
            x0, x1 = (int(np.clip(edge, 0, width)) for edge in (left, right))
            y0, y1 = (int(np.clip(edge, 0, height)) for edge in (top, bottom))
            part = frame[y0:y1, x0:x1] if x1 > x0 and y1 > y0 else frame
            scale = THUMBNAIL_SIDE / max(part.shape[:2])
            size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
            small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
            images.append(as_jpeg(small))
    return images


def results_html(results: Mapping[int, DiveResult]) -> str:
    """The results of a recording as a table, a row a dive, as HTML; empty without results."""
    if not results:
        return ""
    rows = "".join(_result_row(results[number]) for number in sorted(results))
    return (
        '<div class="fp-table fp-session" tabindex="0"><table><thead><tr><th class="text">Dive</th>'
        '<th class="text">Time</th><th>Score</th><th class="text">Remarks</th><th></th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _result_row(result: DiveResult) -> str:
    number = result.segment.number
    remarks = ". ".join(remark[:1].upper() + remark[1:] for remark in result_remarks(result))
    texts = (str(number), time_range(result.segment.proposal), remarks)
    dive, time, remark = (f'<td class="text">{escape(text)}</td>' for text in texts)
    button = (
        ""
        if result.stored is None
        else f'<button type="button" data-dive="{number}" aria-label="Open dive {number}">Open</button>'
    )
    return f"<tr>{dive}{time}<td>{score_html(result)}</td>{remark}<td>{button}</td></tr>"


def score_html(result: DiveResult) -> str:
    """The score of a dive in points with its range, which narrow screens leave out beside votes; a dash without one."""
    score = None if result.stored is None else score_text(result.stored.report)
    if score is None:
        return "\u2013"
    if score.execution:
        return f'{score.points} <span class="detail">({score.points_range})</span>'
    return f"{score.points} ({score.points_range})"


def result_remarks(result: DiveResult) -> list[str]:
    """Facts about a dive, and the reason why there is no score or no result."""
    remarks = dive_remarks(result.segment)
    if result.problem:
        return [*remarks, result.problem]
    if result.stored is not None:
        report = result.stored.report
        remarks += [text.removesuffix(".") for text in (no_score_message(report), little_message(report)) if text]
    return remarks
