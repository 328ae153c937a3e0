"""The Exemplars tab: the bank, the visitor's own exemplars and their form, and a comparison of the judges."""

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

import gradio as gr
from gradio.blocks import Block
from gradio.events import Dependency

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.domain.difficulty import HEIGHTS
from fineparser.domain.judging import format_awards, is_counted, parse_awards, total_score
from fineparser.exemplars.exemplar import DiveSpec, Exemplar, ScoredDive
from fineparser.exemplars.exemplar_bank import BankError
from fineparser.exemplars.selection import SOURCES, USER_SOURCE, ExemplarSelection, source_of
from fineparser.exemplars.user_exemplars import UserExemplars
from fineparser.plain_values import excerpt
from fineparser.progress import Progress, no_progress
from fineparser.rendering.judge_calibration_chart import judge_calibration_figure
from fineparser.rendering.messages import judge_comparison_message, message, plural, sentence
from fineparser.scoring.judge_calibration import MIN_SCORED_DIVES, JudgeComparison
from fineparser.ui.analysis_service import AnalysisService
from fineparser.ui.background_tasks import TaskResult, TaskRunner
from fineparser.ui.components import (
    EventValues,
    Updates,
    error_html,
    error_text,
    note_html,
    progress_update,
    read_values,
    value_components,
    warning_html,
)
from fineparser.ui.controls import Controls, DeleteButton, add_delete_question
from fineparser.ui.input_panel import (
    STANDARD_CHOICES,
    UNKNOWN_STANDARD,
    add_clip_upload,
    add_difficulty_box,
    add_height_choice,
    add_number_choice,
    catalogue_order,
    dive_choices,
    known_standard,
)
from fineparser.ui.player import copy_to_cache
from fineparser.ui.settings import gpu_function, is_public, on_zero_gpu
from fineparser.ui.visitor_exemplars import (
    SOURCE_CHOICES,
    SOURCE_LABELS,
    ExemplarSourceControls,
    exemplar_title,
    user_exemplars,
    user_exemplars_to_extend,
)

MAX_NAME_LENGTH = 80
NO_CALIBRATION = "These weights score dives by their exemplars, so scores are not calibrated to your judges."


@dataclass(frozen=True, kw_only=True)
class ExemplarForm:
    """Components of the form."""

    clip: gr.Video
    code: gr.Dropdown
    height: gr.Radio
    score: gr.Number
    awards: gr.Textbox
    sheet: gr.HTML
    """The awards as read, with the total."""
    difficulty: gr.Number
    standard: gr.Radio
    name: gr.Textbox


@dataclass(frozen=True, kw_only=True)
class SheetValues:
    """The judges' awards and their dive as the user filled them in. Gradio sends an empty number box as 0."""

    code: str | None
    height: str | None
    difficulty: float | None
    awards: str | None


@dataclass(frozen=True, kw_only=True)
class ExemplarFormValues(SheetValues):
    """The form as the user filled it in."""

    clip: str | None
    score: float | None
    standard: str | None
    """One of `STANDARD_CHOICES`."""
    name: str | None


def add_user_exemplar_form(
    service: AnalysisService, tasks: TaskRunner, folder: gr.State, usual_standard: gr.Radio
) -> Dependency:
    """Add the form; return the event that adds an exemplar.

    `folder` holds the exemplars of a visitor of a public page; `usual_standard` is the standard of competition unless
    another one is chosen.
    """
    with gr.Accordion("Add a judged dive", open=False, elem_id="add-exemplar"):
        gr.HTML(f'<p class="fp-lead">{escape(introduction())}</p>', apply_default_css=False)
        with gr.Row():
            with gr.Column(scale=3, min_width=300):
                clip = add_clip_upload("exemplar-upload")
            with gr.Column(scale=3, min_width=300):
                code = add_number_choice("exemplar-code", "Search by number or name.")
                height = add_height_choice("exemplar-height")
                with gr.Row():
                    # No bounds: Gradio would refuse an empty box, which is sent as 0, without a message.
                    score = gr.Number(
                        label="Score", info="Total in points", value=None, min_width=140, elem_id="exemplar-score"
                    )
                    difficulty = add_difficulty_box("exemplar-difficulty")
                awards = gr.Textbox(
                    label="Judges' awards",
                    info="Instead of the score: 5 or 7 awards with blanks between.",
                    placeholder="7.5 8 7 7.5 8",
                    max_length=MAX_NAME_LENGTH,
                    elem_id="exemplar-awards",
                )
                sheet = gr.HTML(elem_id="exemplar-sheet", apply_default_css=False)
                standard = gr.Radio(
                    STANDARD_CHOICES, label="Who judged it?", value=UNKNOWN_STANDARD, elem_id="exemplar-standard"
                )
                name = gr.Textbox(
                    label="Name",
                    placeholder="Athlete and meet",
                    max_length=MAX_NAME_LENGTH,
                    elem_id="exemplar-name",
                )
        controls = Controls(
            start=gr.Button("Add this dive", variant="primary", elem_id="add-dive"),
            status=gr.HTML(elem_id="add-status", min_height=20, apply_default_css=False),
        )
    form = ExemplarForm(
        clip=clip,
        code=code,
        height=height,
        score=score,
        awards=awards,
        sheet=sheet,
        difficulty=difficulty,
        standard=standard,
        name=name,
    )

    usual_standard.change(
        None,
        usual_standard,
        standard,
        js="(value) => value",
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )

    def describe_sheet(event: EventValues) -> str:
        return sheet_html(read_values(SheetValues, form, event))

    gr.on(
        [awards.change, code.change, height.change, difficulty.change],
        describe_sheet,
        value_components(SheetValues, form),
        sheet,
        trigger_mode="always_last",
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )

    def add_without_progress(exemplars: UserExemplars, values: ExemplarFormValues) -> str:
        return add_exemplar(service.analyser, exemplars, values, no_progress)

    add_on_gpu = gpu_function(add_without_progress)

    def add(event: EventValues) -> Iterator[Updates]:
        values = read_values(ExemplarFormValues, form, event)
        visitor_folder: str | None = event[folder]
        try:
            exemplars, visitor_folder = user_exemplars_to_extend(visitor_folder)

            def work(progress: Progress) -> str:
                if on_zero_gpu():
                    progress("Encoding the dive on the GPU", 0.1)
                    return add_on_gpu(exemplars, values)
                return add_exemplar(service.analyser, exemplars, values, progress)

            for task_event in tasks.run(work):
                if isinstance(task_event, TaskResult):
                    yield controls.finished(task_event.value) | {form.clip: None, folder: visitor_folder}
                else:
                    yield {controls.status: progress_update(task_event), folder: visitor_folder}
        except ValueError as error:
            yield controls.finished(error_html(error_text(error))) | {folder: visitor_folder}

    return controls.connect(
        add,
        {folder, *value_components(ExemplarFormValues, form)},
        [form.clip, folder],
        lambda event: read_form(read_values(ExemplarFormValues, form, event)),
    )


def introduction() -> str:
    """The purpose of added dives, and who sees them."""
    purpose = f"{MIN_SCORED_DIVES} or more judged dives put every score on your judges' scale. No training needed."
    if is_public():
        return f"{purpose} Only you see them, and they are deleted when you leave."
    return f"{purpose} They are stored in {UserExemplars().folder}."


def sheet_html(values: SheetValues) -> str:
    """The judges' awards of the form with the total that they make, as HTML; empty without awards."""
    text = (values.awards or "").strip()
    if not text:
        return ""
    try:
        awards = parse_awards(text)
        code = (values.code or "").strip()
        dive = DiveSpec.from_input(code or None, values.height or None, values.difficulty or None)
    except ValueError as error:  # the awards, or the dive number, are still being typed
        return f'<p class="fp-hint">{escape(str(error))}</p>'
    total = "before the difficulty: choose dive number and height for the total"
    if dive is not None:
        total = f"× {dive.difficulty:g} = <b>{total_score(awards, dive.difficulty):.2f} points</b>"
    return f'<div class="fp-note" role="status">{awards_html(awards)}: {total_score(awards, 1.0):g} {total}</div>'


def awards_html(awards: tuple[float, ...]) -> str:
    """The awards of a dive, those that do not count struck through, as HTML.

    >>> awards_html((7.5, 8.0, 7.0, 7.5, 8.0))
    '7.5 8 <s>7</s> 7.5 <s>8</s>'
    """
    pairs = zip(awards, is_counted(awards), strict=True)
    return " ".join(f"{award:g}" if counts else f"<s>{award:g}</s>" for award, counts in pairs)


def read_form(values: ExemplarFormValues) -> ScoredDive:
    """The scored dive that the form describes; ValueError for a missing or impossible value."""
    if values.clip is None:
        raise ValueError("Upload a clip of the judged dive first.")
    # An empty box is sent as 0; a dive that scored 0 is no use as an exemplar.
    return ScoredDive.from_input(
        values.code and values.code.strip(),
        values.height,
        values.score or None,
        values.difficulty or None,
        awards=(values.awards or "").strip(),
        standard=known_standard(values.standard),
    )


def add_exemplar(
    analyser: DiveAnalyser, exemplars: UserExemplars, values: ExemplarFormValues, progress: Progress
) -> str:
    """Add an uploaded dive to the exemplars; a line about it and the warnings, as HTML.

    Raises:
        ValueError: for a missing or impossible value, a clip that cannot be used, or no room.
    """
    dive = read_form(values)
    path = Path(values.clip or "")
    name = (values.name or "").strip()[:MAX_NAME_LENGTH] or path.name
    exemplar, warnings = exemplars.add(analyser, path, dive, name=name, progress=progress)
    text = note_html(f"{exemplar_title(exemplar)} was added with {exemplar.score:.2f} points.")
    return text + "".join(warning_html(message(warning)) for warning in warnings)


ANY = "all"
ColumnType = Literal["str", "number"]

COLUMNS: dict[str, tuple[ColumnType, int]] = {
    "Dive": ("str", 78),
    "Height": ("str", 82),
    "Score": ("number", 78),
    "Award": ("number", 82),
    "Source": ("str", 104),
    "Clip": ("str", 66),
    "Name": ("str", 290),
    "Judges' awards": ("str", 200),
    "Difficulty": ("number", 100),
    "Id": ("str", 190),
}
"""Columns of the table: type of the values, and width in pixels."""
ID_COLUMN = list(COLUMNS).index("Id")
MAX_SCORE = 120.0
LIST_HELP = '<p class="fp-lead">Tap a dive in the list to see it.</p>'


@dataclass(frozen=True, kw_only=True)
class ExemplarFilters:
    """Components that filter the list."""

    number: gr.Dropdown
    height: gr.Dropdown
    lowest: gr.Number
    highest: gr.Number
    source: gr.Dropdown


@dataclass(frozen=True, kw_only=True)
class FilterValues:
    """The filters as the user set them; an empty one passes everything."""

    number: str | None = ANY
    height: str | None = ANY
    lowest: float | None = None
    highest: float | None = None
    source: str | None = ANY


@dataclass(frozen=True, kw_only=True)
class ExemplarList:
    """Components that list the exemplars and show one of them."""

    count: gr.HTML
    table: gr.Dataframe
    facts: gr.HTML
    clip: gr.Video
    remove: gr.Button
    deletion: DeleteButton
    exemplar: gr.State
    """Id of the exemplar that is shown, or None."""


def exemplars_tab(
    service: AnalysisService, tasks: TaskRunner, choice: ExemplarSourceControls, tab: gr.Tab, standard: gr.Radio
) -> None:
    """Add the tab's components and events to the page that is being built, inside `tab`.

    `standard` has the visitor's answer to "Who judges?".
    """
    choice.sources.render()
    filters = add_filters()
    panel = add_exemplar_list()
    updates_list: list[Block] = [panel.table, panel.count]
    filter_inputs = {choice.folder, *value_components(FilterValues, filters)}

    def show_list(event: EventValues) -> Updates:
        values = read_values(FilterValues, filters, event)
        rows, note = exemplar_rows(service.analyser, event[choice.folder], values)
        return {panel.table: rows, panel.count: note}

    def show_selected(event: EventValues, selection: gr.SelectData) -> Updates:
        return preview_updates(panel, service.analyser, event[choice.folder], str(selection.row_value[ID_COLUMN]))

    def remove(event: EventValues) -> Updates:
        return remove_updates(panel, event[choice.folder], event[panel.exemplar])

    gr.on(
        [
            *(filters.number.change, filters.height.change, filters.source.change),
            *(filters.lowest.change, filters.highest.change),
        ],
        show_list,
        filter_inputs,
        updates_list,
        trigger_mode="always_last",
        concurrency_limit=4,
        show_progress="hidden",
        api_visibility="private",
    )
    tab.select(
        show_list,
        filter_inputs,
        updates_list,
        concurrency_limit=4,
        show_progress="hidden",
        api_visibility="private",
    )
    preview: list[Block] = [panel.facts, panel.clip, panel.remove, panel.exemplar]
    panel.table.select(
        show_selected,
        {choice.folder},
        preview,
        concurrency_limit=4,
        show_progress="hidden",
        api_visibility="private",
    )
    removed = panel.deletion.connect(remove, {choice.folder, panel.exemplar}, preview, panel.exemplar)
    added = add_user_exemplar_form(service, tasks, choice.folder, standard)
    for changed in (removed, added):
        changed.then(
            show_list,
            filter_inputs,
            updates_list,
            concurrency_limit=4,
            show_progress="hidden",
            api_visibility="private",
        )
    add_judge_comparison(service, tasks, choice.folder, standard)


def add_filters() -> ExemplarFilters:
    """Add the filters."""
    with gr.Row(elem_id="bank-filters"):
        return ExemplarFilters(
            number=gr.Dropdown(
                [("All dives", ANY), *dive_choices()],
                value=ANY,
                label="Dive number",
                elem_id="bank-number",
                min_width=220,
            ),
            height=gr.Dropdown(
                [("All", ANY), *((f"{metres:g} m", f"{metres:g}") for metres in HEIGHTS)],
                value=ANY,
                label="Height",
                elem_id="bank-height",
                min_width=120,
            ),
            lowest=gr.Number(
                0, label="Lowest score", minimum=0, maximum=MAX_SCORE, min_width=100, elem_id="bank-lowest"
            ),
            highest=gr.Number(
                MAX_SCORE, label="Highest score", minimum=0, maximum=MAX_SCORE, min_width=100, elem_id="bank-highest"
            ),
            source=gr.Dropdown(
                [("All", ANY), *SOURCE_CHOICES], value=ANY, label="Source", elem_id="bank-source", min_width=120
            ),
        )


def add_exemplar_list() -> ExemplarList:
    """Add the list and the preview of one exemplar."""
    count = gr.HTML(elem_id="bank-count", apply_default_css=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=6, min_width=320):
            table = gr.Dataframe(
                headers=list(COLUMNS),
                datatype=[kind for kind, _ in COLUMNS.values()],
                type="array",
                interactive=False,
                max_height=460,
                show_label=False,
                elem_id="bank",
                column_widths=[width for _, width in COLUMNS.values()],
                buttons=[],
            )
        with gr.Column(scale=4, min_width=300):
            facts = gr.HTML(LIST_HELP, elem_id="exemplar-facts", apply_default_css=False)
            clip = gr.Video(
                show_label=False, interactive=False, autoplay=True, loop=True, visible=False, elem_id="exemplar-clip"
            )
            remove = gr.Button("Delete this exemplar", variant="stop", visible=False, elem_id="remove-exemplar")
            deletion = add_delete_question(remove, "Delete this exemplar with its clip? This cannot be undone.")
    return ExemplarList(
        count=count,
        table=table,
        facts=facts,
        clip=clip,
        remove=remove,
        deletion=deletion,
        exemplar=gr.State(None),
    )


def known_exemplars(analyser: DiveAnalyser, folder: str | None) -> tuple[list[Exemplar], str]:
    """All exemplars that the visitor may see, and the problems with them as HTML."""
    exemplars = [] if analyser.bank is None else list(analyser.bank.exemplars)
    problems = ""
    if (own := user_exemplars(folder)) is not None:
        try:
            exemplars += own.dives()
        except BankError as error:
            problems = error_html(sentence(str(error)))
    if analyser.bank_warning is not None:
        problems += error_html(message(analyser.bank_warning))
    return exemplars, problems


def exemplar_rows(analyser: DiveAnalyser, folder: str | None, filters: FilterValues) -> tuple[list[list], str]:
    """The rows of the table, and their number as HTML."""
    exemplars, problems = known_exemplars(analyser, folder)
    matching = [one for one in exemplars if passes(one, filters)]
    rows = [
        [
            str(one.code),
            f"{one.height:g} m",
            round(one.score, 2),
            round(one.mean_award, 1),
            SOURCE_LABELS[source_of(one)],
            "yes" if one.clip is not None else "",
            one.name or one.code.name,
            "" if one.awards is None else format_awards(one.awards),
            one.difficulty,
            one.id,
        ]
        for one in sorted(matching, key=lambda one: (catalogue_order(one.code), one.height, one.score))
    ]
    text = f"{len(rows)} of {len(exemplars)} exemplars. {calibration_note(exemplars, analyser)}".rstrip()
    if not exemplars:
        text = "There are no exemplars yet: each report simulates its own. Add yours below."
    return rows, f'{problems}<p class="fp-hint">{escape(text)}</p>'


def passes(exemplar: Exemplar, filters: FilterValues) -> bool:
    """True for an exemplar that passes the filters."""
    highest = MAX_SCORE if filters.highest is None else filters.highest
    return (
        filters.number in (None, "", ANY, str(exemplar.code))
        and filters.height in (None, "", ANY, f"{exemplar.height:g}")
        and (filters.lowest or 0.0) <= exemplar.score <= highest
        and filters.source in (None, "", ANY, source_of(exemplar))
    )


def calibration_note(exemplars: list[Exemplar], analyser: DiveAnalyser) -> str:
    """A sentence on the calibration to the visitor's judges; empty without exemplars of the visitor, or need of it."""
    own = sum(source_of(one) == USER_SOURCE for one in exemplars)
    if not own or not analyser.judges_measurements:
        return ""
    if (missing := MIN_SCORED_DIVES - own) > 0:
        return f"Add {plural(missing, 'more dive')} of yours to put every score on your judges' scale."
    return f"Scores are calibrated to your judges with your {own} dives. Each result shows the calibration."


def preview_updates(panel: ExemplarList, analyser: DiveAnalyser, folder: str | None, exemplar: str) -> Updates:
    """Updates that show one exemplar; its id comes from the browser and is only looked up."""
    exemplars, _ = known_exemplars(analyser, folder)
    one = next((one for one in exemplars if one.id == exemplar), None)
    if one is None:
        return hide_updates(panel, error_html(f"The exemplar {excerpt(exemplar)} is gone: it was deleted."))
    bank = analyser.bank
    indices = [] if bank is None else [index for index, other in enumerate(bank.exemplars) if other is one]
    clip_exemplar = bank.clip_exemplar(indices[0]) if bank is not None and indices else one
    lines = [
        f"<b>{escape(exemplar_title(one))}</b>",
        f"{one.score:.2f} points at difficulty {one.difficulty:g}: mean award {one.mean_award:.1f}",
        "" if one.awards is None else f"Judges: {awards_html(one.awards)}",
        escape(one.name),
    ]
    video = gr.Video(None, visible=False)
    if clip_exemplar is None or clip_exemplar.clip is None or not clip_exemplar.clip.path.is_file():
        lines.append("There is no clip of this dive.")
    else:
        video = gr.Video(value=str(copy_to_cache(clip_exemplar.clip.path)), visible=True)
        if clip_exemplar is not one:
            lines.append(f"No clip of this dive: a similar dive that scored {clip_exemplar.score:.2f} is shown.")
    facts = "<br>".join(line for line in lines if line)
    return {
        panel.facts: f'<p class="fp-lead">{facts}</p>',
        panel.clip: video,
        panel.remove: gr.Button(visible=source_of(one) == USER_SOURCE and not indices),
        panel.exemplar: one.id,
    }


def hide_updates(panel: ExemplarList, status: str) -> Updates:
    """Updates that show a line instead of an exemplar."""
    return {
        panel.facts: status,
        panel.clip: gr.Video(value=None, visible=False),
        panel.remove: gr.Button(visible=False),
        panel.exemplar: None,
    }


def remove_updates(panel: ExemplarList, folder: str | None, exemplar: str | None) -> Updates:
    """Delete an exemplar of the visitor, and updates that say so."""
    own = user_exemplars(folder)
    try:
        if own is None or exemplar is None:
            raise BankError("This exemplar of yours is gone already.")
        own.remove(exemplar)
    except BankError as error:
        return hide_updates(panel, error_html(sentence(str(error))))
    return hide_updates(panel, note_html("The exemplar was deleted."))


def add_judge_comparison(service: AnalysisService, tasks: TaskRunner, folder: gr.State, standard: gr.Radio) -> None:
    """Add the comparison of the visitor's judges with the predicted awards.

    `folder` holds the exemplars of a visitor of a public page; `standard` is that of dives which have none of their
    own.
    """
    with gr.Accordion("Your judges' scale", open=False, elem_id="judges"):
        controls = Controls(
            start=gr.Button("Compare your judges with the app", elem_id="compare-judges"),
            status=gr.HTML(elem_id="judges-status", min_height=20, apply_default_css=False),
        )
        chart = gr.Plot(show_label=False, container=False, visible=False, elem_id="judges-chart")

    def compare_without_progress(visitor_folder: str | None, answer: str | None) -> JudgeComparison:
        return compare_judges(service.analyser, visitor_folder, answer, no_progress)

    compare_on_gpu = gpu_function(compare_without_progress)

    def compare(event: EventValues) -> Iterator[Updates]:
        def work(progress: Progress) -> JudgeComparison:
            if on_zero_gpu():
                progress("Comparing on the GPU", 0.1)
                return compare_on_gpu(event[folder], event[standard])
            return compare_judges(service.analyser, event[folder], event[standard], progress)

        try:
            for task_event in tasks.run(work):
                if isinstance(task_event, TaskResult):
                    comparison = task_event.value
                    text = f'<p class="fp-lead">{escape(judge_comparison_message(comparison))}</p>'
                    figure = judge_calibration_figure(comparison) if comparison.dives else None
                    yield controls.finished(text) | {chart: gr.Plot(figure, visible=bool(comparison.dives))}
                else:
                    yield {controls.status: progress_update(task_event)}
        except ValueError as error:
            yield controls.finished(error_html(error_text(error))) | {chart: gr.Plot(None, visible=False)}

    controls.connect(compare, {folder, standard}, [chart])


def compare_judges(
    analyser: DiveAnalyser, folder: str | None, answer: str | None, progress: Progress
) -> JudgeComparison:
    """Awards of the visitor's judges beside those that are predicted for the same dives.

    Args:
        analyser: the weights in use.
        folder: of the exemplars of a visitor of a public page.
        answer: to "Who judges?", for dives whose standard is not known.
        progress: of the steps.

    Raises:
        ValueError: for weights that do not judge by measurements.
    """
    if not analyser.judges_measurements:
        raise ValueError(NO_CALIBRATION)
    selection = ExemplarSelection.from_sources(SOURCES, analyser.bank, user_exemplars(folder), analyser, progress)
    progress("Comparing the judges", 0.8)
    if selection.bank is None:
        return JudgeComparison()
    return JudgeComparison.from_bank(selection.bank, known_standard(answer))
