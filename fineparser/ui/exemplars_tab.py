"""The Exemplars tab: the bank to look through, own judged dives to add and remove, and who votes."""

from dataclasses import dataclass
from html import escape

import gradio as gr

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.electorate import MINE, source_of
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.exemplar_bank import BankError
from fineparser.exemplars.own_panel import takes_a_scale
from fineparser.exemplars.panel_scale import LEAST_JUDGED
from fineparser.domain.difficulty import HEIGHTS
from fineparser.domain.judging import KEPT_AWARDS
from fineparser.ui.analysis import Analysis
from fineparser.ui.deletion import deletion_parts
from fineparser.ui.exemplar_shelf import SOURCE_CHOICES, Choice, own_exemplars, titled
from fineparser.ui.inputs import dive_choices, order
from fineparser.ui.own_dive_form import own_dive_form
from fineparser.ui.own_judges import own_judges
from fineparser.ui.player_clip import in_cache
from fineparser.ui.status_line import note
from fineparser.ui.steps import Workbench
from fineparser.ui.upload import problem

ANY = "all"
HEADINGS = ["Dive", "Height", "Score", "Award", "From", "Clip", "Name", "Difficulty", "Id"]
KINDS = ["str", "str", "number", "number", "str", "str", "str", "number", "str"]
WIDTHS = [78, 82, 78, 82, 104, 66, 290, 100, 190]
ID = HEADINGS.index("Id")
HIGHEST = 120.0
HINT = '<p class="fp-lead">Touch a dive in the list to see it.</p>'


@dataclass(frozen=True)
class Filters:
    """The parts that say which exemplars are listed."""

    number: gr.Dropdown
    height: gr.Dropdown
    low: gr.Number
    high: gr.Number
    source: gr.Dropdown

    @property
    def parts(self) -> list:
        """In the order in which `matching` takes their values."""
        return [self.number, self.height, self.low, self.high, self.source]


def exemplars_tab(analysis: Analysis, workbench: Workbench, concurrency_id: str, choice: Choice, tab: gr.Tab) -> None:
    """Adds the tab's parts and events to the page that is being built, inside `tab`."""
    private = {"api_visibility": "private"}
    quick = {"show_progress": "hidden", "concurrency_limit": 4} | private
    choice.sources.render()
    filters = filter_row()
    counted = gr.HTML(elem_id="bank-count", apply_default_css=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=320):
            table = gr.Dataframe(
                headers=HEADINGS,
                datatype=KINDS,
                type="array",
                interactive=False,
                max_height=460,
                show_label=False,
                elem_id="bank",
                column_widths=WIDTHS,
                buttons=[],
            )
        with gr.Column(scale=4, min_width=300):
            about = gr.HTML(HINT, elem_id="exemplar-facts", apply_default_css=False)
            clip = gr.Video(
                show_label=False, interactive=False, autoplay=True, loop=True, visible=False, elem_id="exemplar-clip"
            )
            remove = gr.Button("Remove this dive", variant="stop", visible=False, elem_id="remove-exemplar")
            removal = deletion_parts(remove, "Remove this dive, its score and its clip? They cannot be brought back.")
    looked_at = gr.State(None)
    listed = [table, counted]

    def relist(folder: str | None, *wanted: object) -> tuple:
        return listing(analysis, folder, *wanted)

    def look(folder: str | None, event: gr.SelectData) -> tuple:
        return preview(analysis, folder, str(event.row_value[ID]))

    everything = [choice.folder, *filters.parts]
    shown = [about, clip, remove, looked_at]
    gr.on([part.change for part in filters.parts], relist, everything, listed, trigger_mode="always_last", **quick)
    tab.select(relist, everything, listed, **quick)
    table.select(look, choice.folder, shown, **quick)
    removed = removal.tie(take_away, [choice.folder, looked_at], shown, looked_at)
    removed.then(relist, everything, listed, **quick)
    added = own_dive_form(analysis, workbench, concurrency_id, choice.folder)
    added.then(relist, everything, listed, **quick)
    own_judges(analysis, workbench, concurrency_id, choice.folder)


def filter_row() -> Filters:
    """Adds the filters."""
    with gr.Row(elem_id="bank-filters"):
        return Filters(
            gr.Dropdown(
                [("All dives", ANY), *dive_choices()],
                value=ANY,
                label="Dive number",
                elem_id="bank-number",
                min_width=220,
            ),
            gr.Dropdown(
                [("All", ANY), *((f"{metres:g} m", f"{metres:g}") for metres in HEIGHTS)],
                value=ANY,
                label="Height",
                elem_id="bank-height",
                min_width=120,
            ),
            gr.Number(0, label="Score from", minimum=0, maximum=HIGHEST, min_width=100, elem_id="bank-low"),
            gr.Number(HIGHEST, label="to", minimum=0, maximum=HIGHEST, min_width=100, elem_id="bank-high"),
            gr.Dropdown([("All", ANY), *SOURCE_CHOICES], value=ANY, label="From", elem_id="bank-source", min_width=120),
        )


def take_away(folder: str | None, exemplar: str | None) -> tuple:
    """Removes the own exemplar that is looked at."""
    own, _ = own_exemplars(folder)
    gone = gr.Video(value=None, visible=False), gr.Button(visible=False), None
    try:
        if own is None or exemplar is None:
            raise BankError("there is no such dive of your own any more")
        own.remove(exemplar)
    except BankError as error:
        return problem(f"{str(error)[:1].upper()}{str(error)[1:]}."), *gone
    return note("The dive was removed."), *gone


def known(analysis: Analysis, folder: str | None) -> tuple[list[Exemplar], str]:
    """All exemplars that the visitor may see, and what is wrong with some of them, as HTML."""
    bank, own = analysis.analyser.bank, own_exemplars(folder)[0]
    exemplars, trouble = list(bank.exemplars) if bank is not None else [], ""
    if own is not None:
        try:
            exemplars += own.dives()
        except BankError as error:
            trouble = problem(f"{str(error)[:1].upper()}{str(error)[1:]}")
    if analysis.analyser.bank_problem is not None:
        trouble += problem(analysis.analyser.bank_problem)
    return exemplars, trouble


def listing(analysis: Analysis, folder: str | None, *wanted: object) -> tuple[list[list], str]:
    """The table's rows, and how many there are, as HTML."""
    exemplars, trouble = known(analysis, folder)
    found = sorted(matching(exemplars, *wanted), key=lambda one: (order(one.code), one.height, one.score))
    rows = [
        [
            str(one.code),
            f"{one.height:g} m",
            round(one.score, 2),
            round(one.execution / KEPT_AWARDS, 1),
            source_of(one),
            "yes" if one.clip is not None else "",
            one.name or one.code.name,
            one.difficulty,
            one.id,
        ]
        for one in found
    ]
    said = f"{len(found)} of {len(exemplars)} exemplars. {on_scale(exemplars, analysis.analyser)}".rstrip()
    if not exemplars:
        said = "There are no exemplars yet: simulated ones are made for each report. Add your own below."
    return rows, f'{trouble}<p class="fp-hint">{escape(said)}</p>'


def on_scale(exemplars: list[Exemplar], analyser: DiveAnalyser) -> str:
    """What own dives tell of the scale of their judges, in a sentence; nothing without any, or where none is told."""
    own = sum(source_of(one) == MINE for one in exemplars)
    if not own or not takes_a_scale(analyser.model):
        return ""
    if (missing := LEAST_JUDGED - own) > 0:
        return f"With {missing} more of your own, scores are told on the scale of your judges, whatever the number."
    return f"Scores are told on the scale that your {own} dives tell of your judges; each result says what it is."


def matching(
    exemplars: list[Exemplar],
    number: str | None,
    height: str | None,
    low: float | None,
    high: float | None,
    source: str | None,
) -> list[Exemplar]:
    """Those that pass the filters; an empty filter lets all pass."""
    return [
        one
        for one in exemplars
        if number in (None, "", ANY, str(one.code))
        and height in (None, "", ANY, f"{one.height:g}")
        and (low or 0.0) <= one.score <= (HIGHEST if high is None else high)
        and source in (None, "", ANY, source_of(one))
    ]


def preview(analysis: Analysis, folder: str | None, exemplar: str) -> tuple:
    """Facts, clip and button of one exemplar; `exemplar` comes from the browser and is looked up, nothing else."""
    exemplars, _ = known(analysis, folder)
    one = next((one for one in exemplars if one.id == exemplar), None)
    if one is None:
        gone = gr.Video(None, visible=False), gr.Button(visible=False), None
        return problem("This exemplar is gone: somebody removed it."), *gone
    bank = analysis.analyser.bank
    places = [] if bank is None else [place for place, other in enumerate(bank.exemplars) if other is one]
    shown = bank.shown(places[0]) if places else one
    lines = [
        f"<b>{escape(titled(one))}</b>",
        f"{one.score:.2f} points at difficulty {one.difficulty:g}: mean award {one.execution / KEPT_AWARDS:.1f}",
        escape(one.name),
    ]
    playable = shown is not None and shown.clip is not None and shown.clip.path.is_file()
    if playable and shown is not one:
        lines.append(f"The clip shows a like dive, given {shown.score:.2f}.")
    elif not playable:
        lines.append("There is no clip of it.")
    facts = "<br>".join(line for line in lines if line)
    video = gr.Video(value=str(in_cache(shown.clip.path)), visible=True) if playable else gr.Video(None, visible=False)
    return f'<p class="fp-lead">{facts}</p>', video, gr.Button(visible=source_of(one) == MINE and not places), one.id
