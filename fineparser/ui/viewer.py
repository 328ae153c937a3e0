"""The viewer: the dive with its masks beside the exemplar, in step; one component of the page."""

from pathlib import Path

import gradio as gr

from fineparser.analysis.report import PHASES, DiveReport
from fineparser.domain.phases import Phase
from fineparser.rendering.alignment import PhasedClip
from fineparser.rendering.comparison import Panel
from fineparser.rendering.outlines import outlines
from fineparser.rendering.palette import PHASE_COLOURS
from fineparser.ui.player_clip import PlayerClip, whole_clip

ASSETS = Path(__file__).parents[2] / "assets"


def viewer() -> gr.HTML:
    """Adds the viewer to the page that is being built; its value is what `viewer_value` gives, or None.

    It tells `choose` with `exemplar`, an id, when a vote is clicked.
    """
    return gr.HTML(
        value=None,
        html_template=(ASSETS / "viewer.html").read_text(encoding="utf-8"),
        css_template=(ASSETS / "viewer.css").read_text(encoding="utf-8"),
        js_on_load=(ASSETS / "viewer.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="viewer",
    )


def viewer_value(report: DiveReport, clip: PlayerClip, exemplar: str | None = None) -> dict:
    """Everything that the players need, as plain values; the clips are moved to where the page may fetch them.

    Args:
        report: what was found.
        clip: the dive as `write_player_clip` wrote it.
        exemplar: id of the exemplar beside it, where that has a clip; None: the one that the report chose.
    """
    name = report.info.path.name if report.dive_code is None else f"{report.dive_code} {report.dive_name}"
    query = _side(clip, PhasedClip.of(report), name)
    query |= {
        "size": [report.info.width, report.info.height],
        "samples": report.frame_numbers.tolist(),
        "outlines": outlines(report),
        "boxes": [[round(float(edge), 1) for edge in report.framing.box_at(index)] for index in _indices(report)],
    }
    beside = Panel.of_exemplar(report, exemplar)
    return {
        "query": query,
        "exemplar": None if beside is None else _side(whole_clip(beside.clip.info), beside.clip, beside.title),
        "phases": [
            {"name": name, "colour": PHASE_COLOURS[phase].css} for phase, name in zip(Phase, PHASES, strict=True)
        ],
    }


def _indices(report: DiveReport) -> range:
    return range(len(report.frame_numbers))


def _side(clip: PlayerClip, phased: PhasedClip, name: str) -> dict:
    return {
        "clip": _file(clip.path),
        "name": name,
        "first": clip.first,
        "times": [round(time, 4) for time in clip.times],
        "start": round(clip.start, 4),
        "marks": [phased.first, phased.flight, phased.entry, phased.last],
    }


def _file(path: Path) -> dict:
    """A file as Gradio recognises it in a component's value: it copies it to its cache and adds its address."""
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}, "mime_type": "video/mp4", "orig_name": path.name}
