"""The report page: one HTML file that makes no requests, opens anywhere and prints on A4."""

import base64
from collections.abc import Mapping
from html import escape
from itertools import groupby

import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.voting_result import BRANCHES
from fineparser.kinematics import Kinematics
from fineparser.rendering.chart_style import signed
from fineparser.rendering.judgement_chart import judgement_html
from fineparser.rendering.judgement_text import (
    change_text,
    contribution_text,
    fault_frame,
    fault_phrase,
    listed_faults,
    score_text,
)
from fineparser.rendering.key_frames import as_jpeg, fault_key_frames, find_key_frames, key_frame_images
from fineparser.rendering.measurement_charts import DOT_SECONDS, path_chart, rotation_chart
from fineparser.rendering.measurement_pictures import entry_picture, splash_picture
from fineparser.rendering.measurements import ERROR_NOTE, GROUP_TITLES, measurement_rows
from fineparser.rendering.messages import (
    calibration_message,
    little_message,
    missing_phases_message,
    no_score_message,
    range_share,
    scale_message,
    score_notes,
    vote_reason,
    warning_texts,
)
from fineparser.rendering.palette import DARK, LIGHT, ORANGE, PHASE_COLOURS, SKY_BLUE, VERMILION, Theme
from fineparser.rendering.stroboscope import stroboscope
from fineparser.rendering.timeline_chart import timeline_html, transition_rows
from fineparser.rendering.votes_chart import vote_difference, vote_points, votes_html
from fineparser.rendering.waterfall_chart import breakdown_rows, waterfall_html
from fineparser.scoring import FaultDeduction, Judgement, PhaseMark
from fineparser.video.reader import reopen

NO_REQUESTS = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Content security policy: even an error in this file cannot make the page send a request."""


THUMBNAIL_SIDE = 200
"""Longer side of the image of a fault, pixels: twice its size on the page."""

NO_FAULT = "Nothing that was measured differs from a typical dive."

MARKS_NOTE = (
    "A mark is that of the phase alone, from 0 to 10. Numbers behind the faults are awards against a typical dive of "
    "this number and standard. What can hardly be measured counts as in a typical dive."
)

VOTING_METHOD = (
    "A network compares the dive with exemplars, dives whose scores are known. Each exemplar\u2019s score plus the "
    "predicted difference is a vote, and the mean of the votes is the score. The dynamic part comes from the movement, "
    "the static part from the pose. Awards are points over three times the difficulty, since three awards count."
)
JUDGEMENT_METHOD = (
    "The score starts from the awards that are usual for the dive number and the standard of competition. What was "
    "measured of height, distance, shape, entry and splash raises or lowers it, each measurement as far as it can be "
    "trusted. Points are three times the mean award times the difficulty, since three awards count."
)

PICTURES = {
    stroboscope: "The flight at equal intervals of time",
    entry_picture: "Body angle at the entry",
    splash_picture: "The splash at its highest",
}
"""Pictures that are drawn on frames of the clip, with their captions."""


def report_html(report: DiveReport, exemplar: Kinematics | None = None) -> str:
    """The whole page.

    Args:
        report: of the dive.
        exemplar: measurements that stand beside those of the dive.

    Raises:
        VideoError: if the clip, from which the key frames are read, does not exist any more.
    """
    title = headline(report)
    measurements = ""
    if report.kinematics is not None:
        tables = _measurements(report.kinematics, exemplar)
        measurements = _section("Measurements", _pictures(report, report.kinematics, exemplar) + tables)
    # Where the clip says little about the score, the measurements stand in its place.
    is_uninformative = report.judgement is not None and report.judgement.is_uninformative
    sections = [
        _header(report, title),
        _warnings(report),
        measurements if is_uninformative else _judgement(report),
        _section("Key frames", _key_frames(report)),
        _section("Phases", timeline_html(report) + _transitions(report)),
        "" if is_uninformative else measurements,
        _vote_sections(report),
        _section("Clip and weights", _facts(report)),
        _footer(report),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{NO_REQUESTS}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(filter(None, sections))
        + "\n</main></body></html>\n"
    )


def headline(report: DiveReport) -> str:
    """The dive in one line, as plain text."""
    if report.dive_code is None:
        return f"Dive without a number: {report.info.path.name}"
    return f"{report.dive_code}, {report.dive_name}, {report.height:g} m"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _header(report: DiveReport, title: str) -> str:
    dive = f"dive {report.dive} of {report.dives}, " if report.dives > 1 and report.dive is not None else ""
    clip = f"{report.info.path.name}: {dive}frames {report.first_frame} to {report.last_frame}"
    parts = [
        f"<header><h1>{escape(title[:1].upper() + title[1:])}</h1>",
        f'<p class="clip">{escape(clip)}</p>',
    ]
    if reason := no_score_message(report):
        parts.append(f'<p class="no-score">{escape(reason)}</p>')
    if report.judgement is not None:
        parts += _judgement_score(report, report.judgement)
    elif (score := score_text(report)) is not None:
        parts.append(
            f'<div class="score"><b>{score.points}</b>'
            f"<span>points<br><em>{score.points_range}</em></span>"
            f"<span>execution {score.execution} of 30<br><em>{score.execution_range}</em></span>"
            f"<span>mean award {score.award}<br><em>{score.band}</em></span>"
            f"{_difficulty(report)}</div>"
            f'<p class="note">{escape(score_notes(report))}</p>'
        )
    return "".join([*parts, "</header>"])


def _difficulty(report: DiveReport) -> str:
    source = "from the World Aquatics table" if report.difficulty_source == "table" else "given by the user"
    return f"<span>difficulty {report.difficulty:g}<br><em>{source}</em></span>"


def _judgement_score(report: DiveReport, judgement: Judgement) -> list[str]:
    """The score with its range as prominent as the number, or the sentence in its place; then what it rests on."""
    parts = []
    if (score := score_text(report)) is None:
        parts.append(f'<p class="caution">{escape(little_message(report))}</p>')
    else:
        words = f", {score.band}" if score.band else ""
        parts.append(
            f'<div class="score"><span class="range"><b>{score.points}</b> points</span>'
            f'<span class="range"><b>{score.points_range}</b> {range_share()}</span></div>'
            f'<div class="score"><span>mean award {score.award}{words}<br><em>{score.award_range}</em></span>'
            f"{_difficulty(report)}</div>"
        )
        if not judgement.is_calibrated:
            parts.append(f'<p class="caution">{escape(calibration_message(judgement))}</p>')
        parts.append(f'<p class="note">{escape(score_notes(report))}</p>')
    return parts


def _warnings(report: DiveReport) -> str:
    texts = warning_texts(report)
    if not texts:
        return ""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<ul class="warnings">{items}</ul>'


def _judgement(report: DiveReport) -> str:
    """The faults of each phase with the frames that show them, and the chart of the phases; empty without them."""
    judgement = report.judgement
    if judgement is None or not judgement.phases:
        return ""
    images = {
        key_frame.frame: _image(image, key_frame.name)
        for key_frame, image in key_frame_images(report, fault_key_frames(report), longest_side=THUMBNAIL_SIDE)
    }
    phases = "".join(_phase_faults(report, mark, images) for mark in judgement.phases)
    notes = f'<p class="note">{escape(MARKS_NOTE)}</p>'
    faults = _section("Faults", f'<div class="phases">{phases}</div>{notes}')
    return faults + _section("Against a typical dive", judgement_html(report))


def _phase_faults(report: DiveReport, mark: PhaseMark, images: Mapping[int, str]) -> str:
    """A phase with its mark and faults; those that one frame shows stand together."""
    groups: dict[int | None, list[FaultDeduction]] = {}
    for fault in listed_faults(mark):
        groups.setdefault(fault_frame(fault), []).append(fault)
    items = []
    for frame, faults in groups.items():
        lines = "".join(
            f"<p>{escape(fault_phrase(fault, report.dive_code))} <b>{change_text(fault)}</b></p>" for fault in faults
        )
        number = "" if frame is None else f"<em>frame {frame}</em>"
        items.append(f"<li>{'' if frame is None else images[frame]}<div>{lines}{number}</div></li>")
    return (
        f'<div class="phase p{int(mark.phase)}"><h3>{mark.phase.label.capitalize()} <b>{mark.mark:.1f}</b></h3>'
        f"<p><em>{escape(contribution_text(mark))}</em></p>"
        f'<ul class="faults">{"".join(items) or f"<li>{escape(NO_FAULT)}</li>"}</ul></div>'
    )


def _image(image: np.ndarray, text: str) -> str:
    """An image, uint8 [h, w, 3], as part of the page."""
    height, width = image.shape[:2]
    data = base64.b64encode(as_jpeg(image)).decode()
    return f'<img src="data:image/jpeg;base64,{data}" width="{width}" height="{height}" alt="{escape(text)}">'


def _key_frames(report: DiveReport) -> str:
    figures = []
    for key_frame, image in key_frame_images(report, find_key_frames(report)):
        note = f"<br>{escape(key_frame.note)}" if key_frame.note else ""
        figures.append(
            f'<figure class="p{int(key_frame.phase)}">{_image(image, key_frame.name)}'
            f"<figcaption><b>{escape(key_frame.name)}</b>"
            f"<span>frame {key_frame.frame}, {key_frame.seconds:.2f} s{note}</span></figcaption></figure>"
        )
    return f'<div class="pictures">{"".join(figures)}</div>'


def _pictures(report: DiveReport, kinematics: Kinematics, exemplar: Kinematics | None) -> str:
    """Charts and pictures of what was measured, each with a caption."""
    dashed = "" if exemplar is None else "; dashed: the exemplar"
    charts = [
        (path_chart(kinematics, exemplar), f"Path of the centre of mass, a dot every {DOT_SECONDS:g} s{dashed}"),
        (rotation_chart(kinematics, exemplar), f"Rotation and hip angle over time{dashed}"),
    ]
    pictures = []
    with reopen(report.info) as source:
        for draw, caption in PICTURES.items():
            if (image := draw(report, source)) is not None:
                pictures.append((_image(image, caption), caption))
    return "".join(
        f'<div class="gallery">{"".join(f"<figure>{one}<figcaption>{text}</figcaption></figure>" for one, text in row)}'
        "</div>"
        for row in ([(chart, caption) for chart, caption in charts if chart], pictures)
        if row
    )


def _measurements(kinematics: Kinematics, exemplar: Kinematics | None) -> str:
    """Table of the measurements by group; those of an exemplar have a column of their own."""
    rows = measurement_rows(kinematics, exemplar)
    headings = ["", "This dive", *([] if exemplar is None else ["Exemplar"]), "Frames"]
    parts = []
    for group, members in groupby(rows, key=lambda row: row.group):
        parts.append(f'<tr class="group"><th colspan="{len(headings)}">{GROUP_TITLES[group]}</th></tr>')
        for row in members:
            if row.value or row.exemplar:
                value = escape(row.value) or f'<span class="reason">{escape(row.reason)}</span>'
                other = "" if exemplar is None else f"<td>{escape(row.exemplar)}</td>"
                frames = escape(row.frames.partition(" ")[2])
                cells = f"<td>{value}</td>{other}<td>{frames}</td>"
            else:
                cells = f'<td class="reason" colspan="{len(headings) - 1}">{escape(row.reason)}</td>'
            parts.append(f"<tr><td>{escape(row.label)}</td>{cells}</tr>")
    head = "".join(f"<th>{text}</th>" for text in headings)
    table = f'<table class="measures"><thead><tr>{head}</tr></thead><tbody>{"".join(parts)}</tbody></table>'
    return f'<div class="scroll">{table}</div><p class="note">{escape(ERROR_NOTE)}</p>'


def _table(headings: list[str], rows: list[tuple[str, list[str]]], text_columns: tuple[int, ...] = (0,)) -> str:
    """A table; texts are escaped here. Each row is (class, cells)."""

    def cell(tag: str, column: int, text: str) -> str:
        alignment = ' class="text"' if column in text_columns and column else ""
        return f"<{tag}{alignment}>{escape(text)}</{tag}>"

    head = "".join(cell("th", column, text) for column, text in enumerate(headings))
    body = "".join(
        f'<tr class="{row_class}">' + "".join(cell("td", column, text) for column, text in enumerate(cells)) + "</tr>"
        for row_class, cells in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _transitions(report: DiveReport) -> str:
    headings, *rows = transition_rows(report)
    exact = report.dive_code is None or DiveCode.parse(report.dive_code).sub_actions_exact
    note = "" if exact else '<p class="note">Sub-actions are the nearest that FineDiving names.</p>'
    return note + _table(headings, [("", row) for row in rows])


def _vote_sections(report: DiveReport) -> str:
    """Contribution of each phase; branches and votes are folded away. Empty without votes."""
    if report.breakdown is None:
        return ""
    headings, *rows, total = breakdown_rows(report, "Exemplars")
    # Without the columns of the branches, of which "both" is the sum.
    phases = [[row[0], *row[1 + len(BRANCHES) :]] for row in (headings, *rows, total)]
    phases[0][:2] = ["Phase", "Points"]
    missing = missing_phases_message(report)
    note = f'<p class="note">{escape(missing)}</p>' if missing else ""
    details = (
        "<details><summary>Branches and votes</summary>"
        f"<h3>Branches</h3>{waterfall_html(report)}{_sum_table([headings, *rows, total])}"
        f"<h3>Votes</h3>{votes_html(report)}{_votes(report)}</details>"
    )
    return _section("From exemplars to score", _sum_table(phases) + note + details)


def _sum_table(rows: list[list[str]]) -> str:
    """A table whose first row has the names of the columns and whose last one is a sum."""
    headings, *body, total = rows
    return _table(headings, [*(("", row) for row in body), ("sum", total)])


def _votes(report: DiveReport) -> str:
    headings = ["Exemplar", "Dive", "Its score", "Difference", "Vote", "Source", "Why it votes"]
    rows = [
        (
            "chosen" if vote.exemplar == report.exemplar else "",
            [
                vote.exemplar,
                f"{vote.code} {vote.height:g} m",
                f"{vote.exemplar_score:.2f}",
                signed(vote_difference(vote)),
                f"{vote_points(vote):.2f}",
                vote.source,
                vote_reason(vote, report),
            ],
        )
        for vote in sorted(report.votes, key=vote_points, reverse=True)
    ]
    note = (
        '<p class="note">The exemplar in bold is the one shown beside the dive. Differences are in points '
        "at the difficulty of this dive.</p>"
    )
    return _table(headings, rows, text_columns=(0, 5, 6)) + note


def _facts(report: DiveReport) -> str:
    info = report.info
    rate = f"{info.fps:.3f}".rstrip("0").rstrip(".")
    facts = [
        ("Clip", info.path.name),
        ("Frame size", f"{info.width} x {info.height}"),
        ("Length", f"{info.frame_count} frames, {info.duration:.2f} s"),
        ("Frame rate", f"{rate} fps{' (mean, it varies)' if info.variable_frame_rate else ''}"),
        ("Analysed", f"frames {report.first_frame} to {report.last_frame}"),
        ("Cuts", ", ".join(f"frame {cut}" for cut in report.cuts) or "none"),
        ("Weights", report.weights.name),
        ("Trained on", ", ".join(report.weights.trained_on) or "nothing"),
        ("Score", scale_message(report)),
    ]
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts)
    return f'<dl class="keep">{items}</dl>'


def _footer(report: DiveReport) -> str:
    method = VOTING_METHOD if report.judgement is None else JUDGEMENT_METHOD
    return f"<footer>Made by FineParser. {method} The score is an estimate, not a judge\u2019s decision.</footer>"


def _variables(theme: Theme, panel: str) -> str:
    return (
        f"--text:{theme.text.css};--muted:{theme.muted.css};--grid:{theme.grid};--page:{theme.page.css};"
        f"--panel:{panel};"
    )


_LIGHT, _DARK = _variables(LIGHT, "#f4f6f8"), _variables(DARK, "#161d2b")
_PHASES = "".join(
    f".p{int(phase)}{{--phase:{colour.css};--tint:{colour.with_opacity(0.18)}}}"
    for phase, colour in PHASE_COLOURS.items()
)

STYLE = f"""
:root{{color-scheme:light dark;{_LIGHT}--total:{VERMILION.css};--vote:{SKY_BLUE.css};
 --interval:{VERMILION.with_opacity(0.2)}}}
@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
{_PHASES}
*{{box-sizing:border-box}}
body{{margin:0;background:var(--page);color:var(--text);
 font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}}
main{{max-width:960px;margin:0 auto;padding:20px 16px 40px}}
h1{{font-size:1.45rem;line-height:1.25;margin:0}}
h2{{font-size:1.1rem;margin:34px 0 10px;padding-bottom:4px;border-bottom:1px solid var(--grid)}}
p{{margin:6px 0}} .note{{color:var(--muted);font-size:.9rem}} i{{font-style:normal}}
.clip{{color:var(--muted);overflow-wrap:anywhere}}
.score{{display:flex;flex-wrap:wrap;gap:6px 28px;align-items:baseline;margin:16px 0 2px}}
.score b{{font-size:2.9rem;line-height:1.05;font-variant-numeric:tabular-nums}}
.score span{{white-space:nowrap}} .score em{{font-style:normal;color:var(--muted)}}
.score .range{{font-size:1.05rem;white-space:normal}} .range b{{white-space:nowrap}} .score+.score{{margin-top:8px}}
.caution{{margin:14px 0;padding:9px 14px;border-left:4px solid {ORANGE.css};background:var(--panel)}}
.no-score{{margin:14px 0;padding:9px 14px;border-left:4px solid {VERMILION.css};background:var(--panel);
 font-weight:600}}
.warnings{{margin:14px 0;padding:9px 14px 9px 32px;border-left:4px solid {VERMILION.css};background:var(--panel)}}
.warnings li{{margin:2px 0}}
.pictures{{display:grid;grid-template-columns:repeat(3,1fr);gap:12px}}
figure{{margin:0}}
figure img{{width:100%;height:auto;display:block;border-radius:3px;border-bottom:5px solid var(--phase)}}
figcaption{{font-size:.85rem;line-height:1.3;margin-top:4px}}
figcaption b::first-letter{{text-transform:uppercase}} figcaption b{{display:block}}
figcaption span{{color:var(--muted)}}
h3{{font-size:1rem;margin:0}} details h3{{margin:18px 0 8px}}
summary{{cursor:pointer;margin:14px 0 6px;font-weight:600}}
.phases{{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(230px,100%),1fr));gap:18px}}
.phase{{border-top:5px solid var(--phase);padding-top:6px}} .phase p{{margin:0}}
.phase em,.faults em{{font-style:normal;color:var(--muted);font-size:.9rem}}
.phase h3 b{{float:right;font-variant-numeric:tabular-nums}}
.faults{{list-style:none;margin:8px 0 0;padding:0}}
.faults li{{display:flex;gap:12px;padding:8px 0;border-top:1px solid var(--grid)}}
.faults img{{width:100px;height:auto;align-self:flex-start;border-radius:3px;flex:none}}
.faults p em{{white-space:nowrap}} .faults b{{font-variant-numeric:tabular-nums}}
.row{{display:grid;grid-template-columns:10rem 1fr 4rem;align-items:center;min-height:27px}}
.row .name{{padding-right:8px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;font-size:.9rem}}
.row .value{{text-align:right;font-variant-numeric:tabular-nums;font-size:.9rem}}
.row.end .name,.row.end .value,.row.chosen .name,.row.chosen .value{{font-weight:700}}
.track{{position:relative;height:100%;min-height:27px;display:block}}
.track i{{position:absolute}}
.chart .row:not(.axis) .track{{border-bottom:1px solid var(--grid)}}
.bar{{top:5px;bottom:5px;background:var(--phase);border:1px solid var(--text);min-width:2px}}
.bar.limit{{background:var(--muted)}}
.bar.static{{background-image:repeating-linear-gradient(135deg,rgba(0,0,0,.6) 0 1.5px,transparent 1.5px 6px)}}
.link{{top:-1px;height:6px;border-left:1px dotted var(--muted)}}
.mark{{width:12px;height:12px;top:50%;margin:-6px;transform:rotate(45deg);background:var(--muted)}}
.mark.total{{background:var(--total)}}
.interval{{top:0;bottom:-1px;background:var(--interval)}}
.interval.typical{{background:var(--grid)}}
.middle{{top:0;bottom:-1px;border-left:2px solid var(--total)}}
.stem{{top:50%;height:2px;margin-top:-1px;background:var(--muted)}}
.dot{{width:11px;height:11px;top:50%;margin:-5.5px;border-radius:50%;background:var(--vote);
 border:1px solid var(--text)}}
.dot.open{{background:var(--page);border:2px solid var(--muted)}}
.chosen .dot:not(.open){{border-radius:0;transform:rotate(45deg)}}
.row.axis{{min-height:22px;color:var(--muted)}} .row.axis .name{{font-size:.8rem;text-align:right}}
.tick{{top:0;height:5px;border-left:1px solid var(--muted)}}
.tick b{{position:absolute;top:5px;transform:translateX(-50%);font:.78rem/1.2 inherit;font-size:.78rem;font-weight:400;
 color:var(--muted);white-space:nowrap}}
.row.axis .track{{min-height:24px}}
.key{{color:var(--muted);font-size:.85rem;margin:10px 0 14px}}
.key .bar,.key .dot,.key .interval{{position:static;display:inline-block;margin:0 3px 0 12px;vertical-align:-1px}}
.key .bar{{width:22px;height:12px}} .key .interval{{width:22px;height:12px}}
.key .bar:first-child,.key .dot:first-child,.key .interval:first-child{{margin-left:0}}
.swatch{{width:30px;height:6px;vertical-align:middle;margin:0 3px 0 12px}} .swatch:first-child{{margin-left:0}}
.parts{{list-style:none;display:flex;flex-wrap:wrap;gap:4px 22px;margin:0 0 8px;padding:0;font-size:.9rem}}
.parts li{{border-left:10px solid var(--phase);padding-left:6px;position:relative}}
.parts li+li::before{{content:"\\203A";position:absolute;left:-23px;color:var(--muted)}}
.timeline{{margin:0 10px}}
.bands{{position:relative;height:24px}}
.bands i{{position:absolute;top:0;bottom:0;background:var(--phase);overflow:hidden;text-align:center;color:#000}}
.bands i{{container-type:inline-size}} @container (max-width:56px){{.bands b{{display:none}}}}
.bands b{{font-weight:600;font-size:.82rem;line-height:24px;white-space:nowrap}}
.curves{{position:relative;height:110px;border-bottom:1px solid var(--muted)}}
.curves>i:not(.transition){{position:absolute;top:0;bottom:0;background:var(--tint)}} .curves>i b{{display:none}}
.curves svg{{position:absolute;inset:0;width:100%;height:100%;overflow:visible}}
svg .flight,svg .entry{{fill:none;stroke:var(--text);stroke-width:2;vector-effect:non-scaling-stroke}}
svg .entry{{stroke-dasharray:6 4}}
.transition{{position:absolute;top:-24px;bottom:0;border-left:2px solid var(--text);margin-left:-1px}}
.timeline .track{{min-height:24px}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}}
th,td{{padding:5px 8px;border-bottom:1px solid var(--grid);text-align:right;vertical-align:top;white-space:nowrap}}
th{{font-weight:600;color:var(--muted)}} th:first-child,td:first-child,.text{{text-align:left}}
tr.sum td{{font-weight:700;border-top:2px solid var(--muted)}} tr.chosen td{{font-weight:700}}
.gallery{{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(260px,100%),1fr));gap:14px;align-items:end;
 margin-bottom:14px}}
.gallery figure{{text-align:center}}
.gallery img{{width:auto;max-width:100%;max-height:380px;margin:0 auto;border-bottom:0}}
.gallery svg{{margin:0 auto;max-height:380px}}
.measures td,.measures th{{text-align:left;white-space:normal}}
.measures td:nth-child(n+3):last-child{{color:var(--muted);white-space:nowrap}} .measures .reason{{color:var(--muted)}}
.group th{{color:var(--text);border-bottom:2px solid var(--grid);padding-top:12px}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:3px 16px;margin:0}} dt{{color:var(--muted)}}
dd{{margin:0;overflow-wrap:anywhere}}
footer{{margin-top:36px;color:var(--muted);font-size:.85rem}}
@media (max-width:520px){{.row{{grid-template-columns:8.3rem 1fr 3.2rem}}.row .name,.row .value{{font-size:.8rem}}
 .pictures{{grid-template-columns:repeat(2,1fr)}} table{{font-size:.8rem}}
 th,td{{padding:5px 4px}} .score b{{font-size:2.4rem}}}}
@page{{size:A4;margin:14mm}}
@media print{{:root{{color-scheme:light;{_LIGHT}}}body{{font-size:10pt}}main{{padding:0;max-width:none}}
 *{{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
 h2{{break-after:avoid;margin-top:20px}} figure,.row,tr,.timeline,.warnings,.phase,.faults li{{break-inside:avoid}}
 .text{{white-space:normal}} table,figcaption{{font-size:8.5pt}}
 .pictures{{grid-template-columns:repeat(6,1fr);gap:6px}}
 .gallery{{grid-template-columns:repeat(3,1fr)}} .gallery img,.gallery svg{{max-height:55mm}}
 .measures td,.measures th{{padding:1px 8px}} .group th{{padding-top:5px}} .chart,.keep{{break-inside:avoid}}}}
"""
