"""The page to keep: a report as one HTML file that asks nothing of any server, opens anywhere and prints on A4."""

import base64
from html import escape

from fineparser.exemplars.panel_scale import ON_SCALE
from fineparser.analysis.report import DiveReport
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import KEPT_AWARDS, band
from fineparser.rendering.key_frames import as_jpeg, key_pictures
from fineparser.rendering.page_charts import breakdown_rows, signed, timeline_chart, votes_chart, waterfall_chart
from fineparser.rendering.page_style import STYLE

NO_REQUESTS = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Content security policy: even a mistake in this file cannot make the page ask anything of a server."""


def document(report: DiveReport) -> str:
    """The whole page. Reads the key frames from the clip: VideoError where it is gone."""
    title = headline(report)
    sections = [
        _header(report, title),
        _warnings(report),
        _section("Key moments", _pictures(report)),
        _section("Phases", timeline_chart(report) + _transitions(report)),
    ]
    if report.breakdown is not None:
        sections += [
            _section("From the exemplars to this dive", waterfall_chart(report) + _breakdown(report)),
            _section("Votes", votes_chart(report) + _votes(report)),
        ]
    sections += [_section("Clip and weights", _facts(report)), _footer()]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{NO_REQUESTS}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body><main>\n"
        + "\n".join(sections)
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
    lines = [
        f"<header><h1>{escape(title[:1].upper() + title[1:])}</h1>",
        f'<p class="clip">{escape(_name(report))}</p>',
    ]
    if report.total is not None:
        total, execution = report.total, report.execution
        award = execution.value / KEPT_AWARDS
        given = "by the World Aquatics table" if report.difficulty_source == "table" else "as given by the user"
        lines.append(
            f'<div class="score"><b>{total.value:.2f}</b>'
            f"<span>points<br><em>{total.low:.2f} to {total.high:.2f}</em></span>"
            f"<span>execution {execution.value:.2f} of 30<br>"
            f"<em>{execution.low:.2f} to {execution.high:.2f}</em></span>"
            f"<span>mean award {award:.2f}<br><em>{band(award)}</em></span>"
            f"<span>difficulty {report.difficulty:g}<br><em>{given}</em></span></div>"
            f'<p class="note">Intervals: {escape(report.interval_basis)}. '
            f"{escape(_sentence(report.weights.calibrated_on))} {escape(report.weights.caution)}</p>"
        )
    return "".join([*lines, "</header>"])


def _name(report: DiveReport) -> str:
    info = report.info
    return f"{info.path.name}: frames {report.first_frame} to {report.last_frame}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _warnings(report: DiveReport) -> str:
    if not report.warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in report.warnings)
    return f'<ul class="warnings">{items}</ul>'


def _pictures(report: DiveReport) -> str:
    figures = []
    for moment, picture in key_pictures(report):
        height, width = picture.shape[:2]
        data = base64.b64encode(as_jpeg(picture)).decode()
        note = f"<br>{escape(moment.note)}" if moment.note else ""
        figures.append(
            f'<figure class="p{int(moment.phase)}"><img src="data:image/jpeg;base64,{data}" width="{width}" '
            f'height="{height}" alt="{escape(moment.name)}"><figcaption><b>{escape(moment.name)}</b>'
            f"<span>frame {moment.frame}, {moment.seconds:.2f} s{note}</span></figcaption></figure>"
        )
    return f'<div class="pictures">{"".join(figures)}</div>'


def _table(headings: list[str], rows: list[tuple[str, list[str]]], text_columns: tuple[int, ...] = (0,)) -> str:
    """A table of escaped texts; each row is (class, cells)."""

    def cell(tag: str, column: int, text: str) -> str:
        kind = ' class="text"' if column in text_columns and column else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    head = "".join(cell("th", column, text) for column, text in enumerate(headings))
    body = "".join(
        f'<tr class="{kind}">' + "".join(cell("td", column, text) for column, text in enumerate(cells)) + "</tr>"
        for kind, cells in rows
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _transitions(report: DiveReport) -> str:
    rows = [
        ("", [name, str(one.frame), f"{one.seconds:.2f} s", f"{one.confidence:.2f}"])
        for name, one in (("Flight begins", report.flight), ("Entry begins", report.entry))
    ]
    exact = report.dive_code is None or DiveCode.parse(report.dive_code).sub_actions_exact
    note = "" if exact else '<p class="note">Sub-actions are the nearest that FineDiving names.</p>'
    return note + _table(["", "Frame", "Time", "Probability"], rows)


def _breakdown(report: DiveReport) -> str:
    headings, *rows, total = breakdown_rows(report, "Exemplars")
    return _table(headings, [*(("", row) for row in rows), ("sum", total)])


def _votes(report: DiveReport) -> str:
    headings = ["Exemplar", "Dive", "Its score", "Difference", "Vote", "From", "Why it votes"]
    rows = [
        (
            "chosen" if vote.exemplar == report.exemplar else "",
            [
                vote.exemplar,
                f"{vote.code} {vote.height:g} m",
                f"{vote.exemplar_score:.2f}",
                signed(float(vote.contributions.sum())),
                f"{vote.score:.2f}",
                vote.source,
                vote.reason,
            ],
        )
        for vote in sorted(report.votes, key=lambda vote: -vote.score)
    ]
    note = (
        '<p class="note">The exemplar in bold is the one shown beside the dive. Differences are in points '
        f"at the difficulty of this dive.{'' if report.scale is None else f' {ON_SCALE}'}</p>"
    )
    return _table(headings, rows, text_columns=(0, 5, 6)) + note


def _facts(report: DiveReport) -> str:
    info = report.info
    rate = f"{info.fps:.3f}".rstrip("0").rstrip(".")
    facts = [
        ("Clip", info.path.name),
        ("Picture", f"{info.width} x {info.height}"),
        ("Length", f"{info.frame_count} frames, {info.duration:.2f} s"),
        ("Frame rate", f"{rate} a second{', varying (mean)' if info.variable_frame_rate else ''}"),
        ("Analysed", f"frames {report.first_frame} to {report.last_frame}"),
        ("Cuts", ", ".join(f"frame {cut}" for cut in report.cuts) or "none found"),
        ("Weights", report.weights.name),
        ("Trained on", ", ".join(report.weights.trained_on) or "nothing"),
        ("Scores", report.weights.calibrated_on),
    ]
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts)
    return f'<dl class="keep">{items}</dl>'


def _footer() -> str:
    return (
        "<footer>Made by FineParser. A network compares the dive with judged exemplars; each one\u2019s score plus "
        "the difference that it sees is a vote, and their mean is the total. Dynamic shares come from movement, static "
        "ones from posture. Awards are points over three times the difficulty, since three awards count. It is an "
        "estimate, no judge\u2019s decision.</footer>"
    )
