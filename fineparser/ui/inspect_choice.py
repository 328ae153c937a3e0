"""What the Inspect tab looks at: the dive analysed last, or a labelled one that is handed over."""

from dataclasses import dataclass

import gradio as gr

from fineparser.analysis.report import DiveReport
from fineparser.ui.inspecting import MOST_PROBLEMS, look_through
from fineparser.ui.results_view import vote_choices
from fineparser.ui.status_line import note, warning
from fineparser.ui.upload import problem

LAST, LABELLED = "The dive analysed last", "A labelled dive"
NO_DIVE = "No dive has been analysed in this visit: do that first, on the Analyse tab."

LABELLED_WHAT = """
A zip of a clip folder (clips, masks and a `dives.csv`, as the Train tab takes them) or of some dives of FineDiving.
The dive is cut as the evaluation cuts it: from its first to its last labelled frame, the middle of the picture.
"""


@dataclass(frozen=True)
class Choice:
    """What is to be looked at."""

    source: gr.Radio
    last: gr.Column
    last_note: gr.HTML
    exemplar: gr.Dropdown
    labelled: gr.Column
    files: gr.File
    files_note: gr.HTML
    dive: gr.Dropdown


def choice_parts() -> Choice:
    """Adds the parts that choose what is looked at."""
    with gr.Column(elem_id="inspect-choice"):
        source = gr.Radio([LAST, LABELLED], value=LAST, show_label=False, container=True, elem_id="inspect-source")
        with gr.Column() as last:
            last_note = gr.HTML(last_dive(None)[0], apply_default_css=False, elem_id="inspect-last")
            exemplar = gr.Dropdown([], label="Exemplar beside it", visible=False, elem_id="inspect-exemplar")
        with gr.Column(visible=False) as labelled:
            gr.Markdown(LABELLED_WHAT)
            files = gr.File(label="Zip, or clips, masks and dives.csv", file_count="multiple", height=130)
            files_note = gr.HTML(apply_default_css=False, elem_id="inspect-files-note")
            dive = gr.Dropdown([], label="Dive", visible=False, elem_id="inspect-dive")
    return Choice(source, last, last_note, exemplar, labelled, files, files_note, dive)


def choice_events(choice: Choice, tab: gr.Tab, report: gr.State) -> None:
    """What the parts answer by themselves; `report` is the visitor's last one, `tab` what they are in."""
    private = {"api_visibility": "private"}
    quiet = private | {"show_progress": "hidden"}
    tab.select(last_dive, report, [choice.last_note, choice.exemplar], concurrency_limit=4, **quiet)
    choice.source.change(
        lambda source: (gr.Column(visible=source == LAST), gr.Column(visible=source == LABELLED)),
        choice.source,
        [choice.last, choice.labelled],
        queue=False,
        **quiet,
    )
    choice.files.change(
        look_at_files,
        choice.files,
        [choice.dive, choice.files_note],
        concurrency_id="check",
        concurrency_limit=2,
        show_progress_on=choice.files_note,
        **private,
    )


def last_dive(report: DiveReport | None) -> tuple:
    """Which dive was analysed last, and the exemplars that can stand beside it."""
    if report is None:
        return note(NO_DIVE), gr.Dropdown(choices=[], value=None, visible=False)
    name = report.info.path.name
    if report.dive_code is not None:
        name += f", {report.dive_code} from {report.height:g} m"
    _, *voters = vote_choices(report)
    return note(name), gr.Dropdown(choices=voters, value=report.exemplar, visible=bool(voters))


def look_at_files(files: list[str] | None) -> tuple:
    """The labelled dives in uploaded files, and what was left out of them."""
    if not files:
        return gr.Dropdown(choices=[], value=None, visible=False), ""
    dives = look_through(files)
    found = bool(dives.choices)
    lines = [warning(text) if found else problem(text) for text in dives.problems[:MOST_PROBLEMS]]
    if (more := len(dives.problems) - MOST_PROBLEMS) > 0:
        lines.append(note(f"{more} more were left out."))
    first = dives.choices[0][1] if dives.choices else None
    return gr.Dropdown(choices=list(dives.choices), value=first, visible=bool(dives.choices)), "".join(lines)
