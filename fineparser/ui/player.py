"""The viewer: the dive with its masks beside the exemplar, in step, and the clips that it plays."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import gradio as gr
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from fineparser.analysis.report import DiveReport
from fineparser.bundled import bundled
from fineparser.domain.phases import Phase
from fineparser.exemplars.voting_result import PHASES
from fineparser.rendering.comparison_video import ClipPhases, ComparisonSide
from fineparser.rendering.mask_track import mask_polygons
from fineparser.rendering.palette import PHASE_COLOURS
from fineparser.rendering.video_export import playback_rate
from fineparser.ui.viewer_motion import viewer_motion
from fineparser.video.info import VideoInfo
from fineparser.video.reader import reopen
from fineparser.video.source import prefetch
from fineparser.video.writer import VideoSink

MAX_LINES = 720
"""Shorter side of the player clip at most: a tablet shows no more, and a phone decodes no more in time."""

KEYFRAME_INTERVAL = 4
"""Frames between keyframes: a step back decodes four frames at most."""

MARGIN_SECONDS = 1.0
"""Part of the clip before and after the analysed frames."""

SEEK_ON_CLICK = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-frame]');
  if (button) document.dispatchEvent(new CustomEvent('fp-seek', { detail: Number(button.dataset.frame) }));
});
"""
"""Script of a component whose buttons name a source frame, to which they move the viewer; viewer.js listens."""


@dataclass(frozen=True)
class PlayerClip:
    """A clip for the viewer, H.264 with dense keyframes, which browsers seek exactly; and the times of its frames."""

    path: Path
    fps: float
    first: int
    """Source frame number of its first frame."""
    times: tuple[float, ...]
    """Seconds in this clip at which each source frame begins, and at which the last one ends: one more than frames."""
    start: float
    """Seconds of the source at which this clip begins."""


def write_player_clip(info: VideoInfo, first: int, last: int, path: str | Path) -> PlayerClip:
    """Write frames `first` to `last` of a clip, with a margin, for the viewer; one frame at a time.

    Raises:
        VideoError: if the clip cannot be read any more or the file not be written.
    """
    rate = playback_rate(info)
    start, end = info.seconds(first), info.seconds(last)
    first, last = info.number_at(max(start - MARGIN_SECONDS, 0.0)), info.number_at(end + MARGIN_SECONDS)
    scale = min(1.0, MAX_LINES / min(info.width, info.height))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (info.width, info.height))
    with (
        reopen(info) as source,
        VideoSink(path, rate, width, height, keyframe_every=KEYFRAME_INTERVAL, quality=22) as sink,
        closing(prefetch(source.stream(first, last + 1))) as frames,
    ):
        for number, frame in frames:
            if frame.shape[:2] != (height, width):
                frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
            sink.write(frame, info.seconds(number) if info.variable_frame_rate else None)
    offset = info.seconds(first)
    times = [info.seconds(number) - offset for number in range(first, last + 1)]
    return PlayerClip(Path(path), rate, first, (*times, times[-1] + 1 / rate), offset)


def exemplar_player_clip(info: VideoInfo) -> PlayerClip:
    """The clip of an exemplar, which is small H.264 with dense keyframes already, copied to the cache."""
    times = [info.seconds(number) for number in info.frame_numbers]
    return PlayerClip(copy_to_cache(info.path), info.fps, info.first_number, (*times, times[-1] + 1 / info.fps), 0.0)


def copy_to_cache(path: str | Path) -> Path:
    """Copy a file to Gradio's cache, from where the page may fetch it, and which deletes it by age."""
    return Path(save_file_to_cache(path, get_upload_folder()))


def add_viewer() -> gr.HTML:
    """Add the viewer to the page that is being built; its value is what `viewer_value` returns, or None.

    It triggers `choose` with `exemplar`, an id, when a vote is clicked.
    """
    return gr.HTML(
        value=None,
        html_template=bundled("assets/viewer.html").read_text(encoding="utf-8"),
        css_template=bundled("assets/viewer.css").read_text(encoding="utf-8"),
        js_on_load=bundled("assets/viewer.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="viewer",
    )


def viewer_value(report: DiveReport, clip: PlayerClip, exemplar: str | None = None) -> dict:
    """Data for the players, as plain values; Gradio moves the clips to where the page may fetch them.

    Args:
        report: of the dive.
        clip: the dive, as `write_player_clip` wrote it.
        exemplar: id of the exemplar beside it, if it has a clip; None: the one that the report chose.
    """
    name = report.info.path.name if report.dive_code is None else f"{report.dive_code} {report.dive_name}"
    query = _side(clip, ClipPhases.from_report(report), name)
    frames = range(len(report.frame_numbers))
    query |= {
        "size": [report.info.width, report.info.height],
        "samples": report.frame_numbers.tolist(),
        "polygons": mask_polygons(report),
        "boxes": [[round(float(edge), 1) for edge in report.framing.box_at(index)] for index in frames],
        "motion": viewer_motion(report.kinematics, report.flight.index, report.entry.index),
    }
    exemplar_side = ComparisonSide.from_exemplar(report, exemplar)
    return {
        "query": query,
        "exemplar": None if exemplar_side is None else _exemplar_side(exemplar_side),
        "phases": [
            {"name": name, "colour": PHASE_COLOURS[phase].css} for phase, name in zip(Phase, PHASES, strict=True)
        ],
    }


def _exemplar_side(side: ComparisonSide) -> dict:
    return _side(exemplar_player_clip(side.clip.info), side.clip, side.title)


def _side(clip: PlayerClip, phases: ClipPhases, name: str) -> dict:
    return {
        "clip": _file(clip.path),
        "name": name,
        "first": clip.first,
        "times": [round(time, 4) for time in clip.times],
        "start": round(clip.start, 4),
        "marks": [phases.first, phases.flight, phases.entry, phases.last],
    }


def _file(path: Path) -> dict:
    """A file as Gradio recognises it in a component's value: it copies it to its cache and adds its address."""
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}, "mime_type": "video/mp4", "orig_name": path.name}
