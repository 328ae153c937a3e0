"""The judgement of a dive as HTML: what each fault costs, phase by phase, with the frame that shows it."""

import base64
from collections.abc import Mapping, Sequence
from html import escape

from fineparser.analysis.report import DiveReport
from fineparser.rendering.judgement_chart import judgement_rows
from fineparser.rendering.judgement_text import (
    change_text,
    contribution_text,
    fault_frame,
    fault_phrase,
    listed_faults,
    measured_text,
)
from fineparser.rendering.key_frames import as_jpeg, fault_key_frames, key_frame_images
from fineparser.rendering.measurements import frames_text
from fineparser.rendering.messages import sentence
from fineparser.rendering.palette import PHASE_COLOURS
from fineparser.scoring import FaultDeduction, PhaseMark

THUMBNAIL_SIDE = 120
"""Longer side of a thumbnail, pixels: twice its size on the page."""
NO_THUMBNAILS: Mapping[int, bytes] = {}


def fault_thumbnails(report: DiveReport) -> dict[int, bytes]:
    """A small picture of the diver at each fault as a JPEG file, by source frame number.

    Raises:
        VideoError: if the clip cannot be read any more.
    """
    images = key_frame_images(report, fault_key_frames(report), longest_side=THUMBNAIL_SIDE)
    return {key_frame.frame: as_jpeg(image) for key_frame, image in images}


def marks_html(report: DiveReport, thumbnails: Mapping[int, bytes] = NO_THUMBNAILS) -> str:
    """Mark and faults of each phase as HTML; buttons name the frames, for `SEEK_ON_CLICK`.

    Empty without a judgement, or where the clip says little about the score.

    Args:
        report: of the dive.
        thumbnails: JPEG files by source frame number; room is left for those that are missing.
    """
    judgement = report.judgement
    if judgement is None or judgement.is_uninformative:
        return ""
    phases = "".join(_mark_html(mark, report.dive_code, thumbnails) for mark in judgement.phases)
    return f'<div class="fp-marks">{phases}</div>'


def _mark_html(mark: PhaseMark, dive_code: str | None, thumbnails: Mapping[int, bytes]) -> str:
    faults = "".join(f"<li>{_fault_html(fault, dive_code, thumbnails)}</li>" for fault in listed_faults(mark))
    if not faults:
        text = "As in a typical dive." if mark.faults else "Nothing was measured."
        faults = f"<li>{text}</li>"
    return (
        f'<section style="--phase:{PHASE_COLOURS[mark.phase].css}">'
        f"<h3>{escape(mark.phase.label.capitalize())} <b>{mark.mark:.1f}</b></h3>"
        f'<p class="small">{escape(contribution_text(mark))}</p><ul>{faults}</ul></section>'
    )


def _fault_html(fault: FaultDeduction, dive_code: str | None, thumbnails: Mapping[int, bytes]) -> str:
    phrase, frame = sentence(fault_phrase(fault, dive_code)), fault_frame(fault)
    words = f"<span>{escape(phrase)}</span><b>{change_text(fault)}</b>"
    if frame is None:
        return f'<div class="fault">{words}</div>'
    image = ""
    if frame in thumbnails:
        image = f'<img src="data:image/jpeg;base64,{base64.b64encode(thumbnails[frame]).decode()}" alt="">'
    return (
        f'<button type="button" class="fault" data-frame="{frame}" title="Show frame {frame}">'
        f"<i>{image}</i>{words}</button>"
    )


def faults_table(report: DiveReport) -> str:
    """The faults with their measured sizes as a table; without a judgement, or measurements, it is empty.

    Where the clip says little about the score, there are all sizes that were measured, and no awards.
    """
    judgement = report.judgement
    if judgement is None:
        return ""
    if judgement.is_uninformative:
        faults = [fault for mark in judgement.phases for fault in mark.faults]
        rows = [["Seen", "Measured", "Frame"], *(_size_row(fault, report.dive_code) for fault in faults)]
    else:
        faults = [fault for mark in judgement.phases for fault in listed_faults(mark)]
        rows = judgement_rows(report)
    if not faults:
        return ""
    headings, *rows = rows
    head = _cells("th", headings)
    body = "".join(f"<tr>{_fault_cells(row, fault_frame(fault))}</tr>" for row, fault in zip(rows, faults, strict=True))
    return (
        '<div class="fp-table fp-faults" tabindex="0"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _size_row(fault: FaultDeduction, dive_code: str | None) -> list[str]:
    """What was measured, its size, and the frames, without what it costs."""
    frames = frames_text(fault.size.frames).partition(" ")[2]
    return [fault_phrase(fault, dive_code), measured_text(fault), frames]


def _fault_cells(texts: list[str], frame: int | None) -> str:
    """Cells of a row; the last one, the frames, becomes a button that shows a frame, if there is one."""
    phrase, *others, frames = map(escape, texts)
    if frame is not None:
        frames = f'<button type="button" data-frame="{frame}" title="Show frame {frame}">{frames}</button>'
    return _cells("td", [sentence(phrase), *others, frames])


def _cells(tag: str, contents: Sequence[str]) -> str:
    """Cells of HTML; the first two columns hold words."""
    kinds = [' class="text"' if column < 2 else "" for column in range(len(contents))]
    return "".join(f"<{tag}{kind}>{content}</{tag}>" for kind, content in zip(kinds, contents, strict=True))
