"""The measurements of a dive on the Analyse tab: a table by group, and small pictures."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

import gradio as gr

from fineparser.analysis.report import DiveReport
from fineparser.kinematics import Kinematics
from fineparser.rendering.key_frames import as_jpeg
from fineparser.rendering.measurement_charts import path_chart, rotation_chart
from fineparser.rendering.measurement_pictures import entry_picture, splash_picture
from fineparser.rendering.measurements import ERROR_NOTE, GROUP_TITLES, MeasurementRow, measurement_rows
from fineparser.rendering.stroboscope import stroboscope
from fineparser.ui.components import Updates
from fineparser.ui.controls import Controls
from fineparser.ui.player import SEEK_ON_CLICK

PICTURES = {
    stroboscope: "The flight at equal intervals of time.",
    entry_picture: "Body angle at entry.",
    splash_picture: "The splash at its highest.",
}
"""Pictures of a dive and their captions."""


@dataclass(frozen=True, kw_only=True)
class MeasurementsPanel:
    """Components that show the measurements."""

    column: gr.Column
    """Hidden without measurements."""
    table: gr.HTML
    exemplar_row: gr.Row
    """Around the controls; hidden without an exemplar beside the dive."""
    measure_exemplar: Controls
    """Measure the exemplar beside the dive, too."""
    charts: gr.HTML
    """Path over the board, and rotation over time."""
    pictures: gr.HTML
    """Stroboscope, entry and splash, which are drawn on frames of the clip."""


def add_measurements_panel() -> MeasurementsPanel:
    """Add the components, hidden."""
    with gr.Column(visible=False, elem_id="measurements") as column:
        gr.Markdown("### Measurements")
        table = gr.HTML(js_on_load=SEEK_ON_CLICK, elem_id="measurements-table", apply_default_css=False)
        with gr.Row(visible=False) as exemplar_row:
            start = gr.Button("Measure the exemplar", min_width=150, elem_id="measure-exemplar")
            status = gr.HTML(elem_id="measure-exemplar-status", apply_default_css=False)
        charts = gr.HTML(elem_id="measurements-charts", apply_default_css=False)
        pictures = gr.HTML(elem_id="measurements-pictures", apply_default_css=False)
    return MeasurementsPanel(
        column=column,
        table=table,
        exemplar_row=exemplar_row,
        measure_exemplar=Controls(start=start, status=status),
        charts=charts,
        pictures=pictures,
    )


def measurement_updates(panel: MeasurementsPanel, report: DiveReport, *, has_exemplar: bool) -> Updates:
    """Updates that show the measurements of a new report, its pictures still to come.

    Args:
        panel: of the page.
        report: of the dive.
        has_exemplar: True with an exemplar beside the dive, which can be measured.
    """
    kinematics = report.kinematics
    return {
        panel.column: gr.Column(visible=kinematics is not None),
        panel.pictures: "",
        **dive_updates(panel, kinematics, has_exemplar=has_exemplar),
    }


def dive_updates(panel: MeasurementsPanel, kinematics: Kinematics | None, *, has_exemplar: bool) -> Updates:
    """Updates of table and charts of a dive alone, and of the button that measures the exemplar beside it."""
    return {
        panel.exemplar_row: gr.Row(visible=has_exemplar and kinematics is not None),
        **({panel.table: "", panel.charts: ""} if kinematics is None else comparison_updates(panel, kinematics, None)),
    }


def comparison_updates(panel: MeasurementsPanel, kinematics: Kinematics, exemplar: Kinematics | None) -> Updates:
    """Updates of table and charts of a dive, with those of the exemplar beside it, if it was measured."""
    return {panel.table: table_html(kinematics, exemplar), panel.charts: charts_html(kinematics, exemplar)}


def table_html(kinematics: Kinematics, exemplar: Kinematics | None = None) -> str:
    """The measurements as one small table a group, as HTML.

    Args:
        kinematics: of the dive.
        exemplar: of the exemplar beside it, if it was measured.
    """
    rows = measurement_rows(kinematics, exemplar)
    groups = "".join(
        _group_html(group, list(members), kinematics, has_exemplar=exemplar is not None)
        for group, members in groupby(rows, key=lambda row: row.group)
    )
    kind = "fp-measures" if exemplar is None else "fp-measures pair"
    return f'<div class="{kind}">{groups}</div><p class="fp-hint">{escape(ERROR_NOTE)}</p>'


def charts_html(kinematics: Kinematics, exemplar: Kinematics | None = None) -> str:
    """The charts as HTML; those of the exemplar are dashed."""
    dashed = "" if exemplar is None else " Dashed: the exemplar."
    charts = [
        (path_chart(kinematics, exemplar), f"Path of the centre of mass over the board.{dashed}"),
        (rotation_chart(kinematics, exemplar), f"Rotation speed and hip angle over time.{dashed}"),
    ]
    return gallery_html([(chart, caption) for chart, caption in charts if chart])


def pictures_html(report: DiveReport) -> str:
    """The pictures as HTML; those of what was not measured are left out.

    Raises:
        VideoError: if the clip cannot be read any more.
    """
    figures = []
    for draw, caption in PICTURES.items():
        if (image := draw(report)) is not None:
            data = base64.b64encode(as_jpeg(image)).decode()
            height, width = image.shape[:2]
            size = f'width="{width}" height="{height}"'
            figures.append((f'<img src="data:image/jpeg;base64,{data}" {size} alt="{escape(caption)}">', caption))
    return gallery_html(figures)


def gallery_html(figures: Sequence[tuple[str, str]]) -> str:
    """Pictures side by side as HTML: the HTML of each and its caption; empty without pictures."""
    tiles = "".join(
        f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>" for picture, caption in figures
    )
    return f'<div class="fp-gallery">{tiles}</div>' if tiles else ""


def _group_html(group: str, rows: Sequence[MeasurementRow], kinematics: Kinematics, *, has_exemplar: bool) -> str:
    heads = "<tr><th></th><th>This dive</th><th>Exemplar</th></tr>" if has_exemplar else ""
    body = "".join(_row_html(row, kinematics[row.name].frames, has_exemplar=has_exemplar) for row in rows)
    title = escape(GROUP_TITLES[group])
    return f"<section><h4>{title}</h4><table><thead>{heads}</thead><tbody>{body}</tbody></table></section>"


def _row_html(row: MeasurementRow, frames: Sequence[int], *, has_exemplar: bool) -> str:
    label = escape(row.label)
    value = escape(row.value) if row.value else f'<span class="reason">{escape(row.reason)}</span>'
    if row.value and frames:
        shows = escape(row.frames)
        value = f'<button type="button" data-frame="{frames[0]}" title="Show {shows}">{value}</button>'
    exemplar = f"<td>{escape(row.exemplar) or '&ndash;'}</td>" if has_exemplar else ""
    return f'<tr><th scope="row">{label}</th><td>{value}</td>{exemplar}</tr>'
