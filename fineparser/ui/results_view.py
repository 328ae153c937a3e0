"""A report in words and tables: the card with the score, its warnings, the breakdown, the votes."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape

from fineparser.exemplars.panel_scale import ON_SCALE
from fineparser.analysis.report import BRANCHES, Breakdown, DiveReport, Estimate, Vote
from fineparser.domain.judging import KEPT_AWARDS, band
from fineparser.rendering.page_charts import breakdown_rows, signed
from fineparser.ui.status_line import warning

MEAN = "all exemplars (mean)"
"""The choice of no exemplar in particular."""


def headline(report: DiveReport) -> str:
    """Score, dive, and what the score was calibrated on, as HTML; without a score the dive's phases alone."""
    parts = ['<section class="fp-card" aria-label="Result">']
    if report.dive_code is not None:
        given = "difficulty" if report.difficulty_source == "table" else "own difficulty"
        parts.append(
            f"<h2>{escape(f'{report.dive_code} {report.dive_name}, {report.height:g} m')}"
            f' <span class="dd">{given} {report.difficulty:g}</span></h2>'
        )
    else:
        parts.append("<h2>Phases and masks <span class='dd'>no score without a dive number and a height</span></h2>")
    if report.total is not None and report.execution is not None:
        total, execution = report.total, report.execution
        award = execution.value / KEPT_AWARDS
        cells = [
            ("total", f"{total.value:.2f}", "points", f"{total.low:.2f} to {total.high:.2f}"),
            ("execution", f"{execution.value:.2f}", "of 30", f"{execution.low:.2f} to {execution.high:.2f}"),
            ("award", f"{award:.1f}", "mean award", band(award)),
        ]
        parts.append('<div class="figures">')
        for kind, value, unit, below in cells:
            parts.append(
                f'<div class="{kind}"><b class="value">{value}</b> <span>{unit}</span>'
                f"<br><em>{escape(below)}</em></div>"
            )
        parts.append("</div>")
        parts.append(
            f'<p class="small">Ranges: {escape(report.interval_basis)}. '
            f"Score {escape(report.weights.calibrated_on)}. {escape(report.weights.caution)} "
            "Execution is total over difficulty.</p>"
        )
    parts.append("</section>")
    return "".join(parts)


def warnings(report: DiveReport) -> str:
    """What the user has to know before believing the result, as HTML."""
    return "".join(map(warning, report.warnings))


def phase_table(report: DiveReport) -> str:
    """When the flight and the entry begin, and how sure that is, as HTML."""
    rows = [
        [f"{name} begins", str(one.frame), f"{one.seconds:.2f} s", f"{one.confidence:.0%}"]
        for name, one in (("Flight", report.flight), ("Entry", report.entry))
    ]
    return table(["", "Frame", "Time", "Sure"], rows)


def breakdown_table(report: DiveReport) -> str:
    """The way from the exemplars' score to the total, in points and in awards, as HTML; empty without a score."""
    if report.breakdown is None:
        return ""
    headings, *rows = breakdown_rows(report, "Exemplar" if len(report.votes) == 1 else "Exemplars")
    # The chart above shows the branches' shares, too: where there is little room the range is worth it more.
    return table(headings, rows, strong=len(rows) - 1, details=range(1, 1 + len(BRANCHES)))


def votes_table(report: DiveReport) -> str:
    """What each exemplar says, the highest vote first, as HTML; the chosen one strong."""
    ballot = sorted(report.votes, key=lambda vote: -vote.score)
    rows = [
        [
            vote.exemplar,
            f"{vote.exemplar_score:.2f}",
            signed(float(vote.contributions.sum())),
            f"{vote.score:.2f}",
            f"{vote.code} {vote.height:g} m",
            f"{vote.source}; {vote.reason}",
        ]
        for vote in ballot
    ]
    chosen = next((place for place, vote in enumerate(ballot) if vote.exemplar == report.exemplar), None)
    found = table(["Exemplar", "Its score", "Difference", "Vote", "Dive", "From"], rows, strong=chosen, texts=(4, 5))
    return found if report.scale is None else f'{found}<p class="fp-hint">{escape(ON_SCALE)}</p>'


def table(
    headings: list[str],
    rows: list[list[str]],
    strong: int | None = None,
    texts: Sequence[int] = (),
    details: Sequence[int] = (),
) -> str:
    """Texts as an HTML table that scrolls by itself where the screen is narrow; `texts` names left-aligned columns,
    `details` those that are left out where it has no room for them."""

    bold = ' class="strong"'
    kinds = dict.fromkeys((0, *texts), ' class="text"') | dict.fromkeys(details, ' class="detail"')

    def cells(tag: str, values: list[str]) -> str:
        return "".join(f"<{tag}{kinds.get(column, '')}>{escape(value)}</{tag}>" for column, value in enumerate(values))

    head = cells("th", headings)
    body = "".join(f"<tr{bold if place == strong else ''}>{cells('td', row)}</tr>" for place, row in enumerate(rows))
    return (
        f'<div class="fp-table" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def vote_choices(report: DiveReport) -> list[tuple[str, str]]:
    """The mean, then every exemplar with its score and vote, the highest vote first."""
    ballot = sorted(report.votes, key=lambda vote: -vote.score)
    return [
        (MEAN, MEAN),
        *((f"{vote.exemplar}: {vote.exemplar_score:.2f}, votes {vote.score:.2f}", vote.exemplar) for vote in ballot),
    ]


def as_seen_by(report: DiveReport, exemplar: str | None) -> DiveReport:
    """The report with one exemplar's vote alone, for the waterfall and the table of just that comparison.

    `MEAN` or None give the report itself. ValueError for an exemplar that did not vote.
    """
    if exemplar in (None, MEAN):
        return report
    vote = vote_of(report, exemplar)
    base = vote.score - float(vote.contributions.sum())
    return replace(
        report,
        votes=(vote,),
        exemplar=vote.exemplar,
        total=Estimate(vote.score, vote.score, vote.score),
        breakdown=Breakdown(base, vote.contributions),
    )


def vote_of(report: DiveReport, exemplar: str) -> Vote:
    """One exemplar's vote; ValueError where it did not vote."""
    for vote in report.votes:
        if vote.exemplar == exemplar:
            return vote
    raise ValueError(f"There is no exemplar {exemplar!r} among the votes on this dive.")


def with_exemplar(report: DiveReport, exemplar: str) -> DiveReport:
    """The report with another exemplar as the chosen one."""
    return replace(report, exemplar=vote_of(report, exemplar).exemplar)
