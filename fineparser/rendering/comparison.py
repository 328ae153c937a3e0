"""The dive and its exemplar side by side, as a video."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport, Vote
from fineparser.rendering.alignment import Alignment, PhasedClip, paired_frames
from fineparser.rendering.mask_track import MaskTrack
from fineparser.rendering.overlay import KEYFRAME_EVERY, MaskStyle, draw_caption, draw_mask, frame_caption
from fineparser.rendering.palette import PHASE_COLOURS
from fineparser.rendering.playback import playback_rate
from fineparser.video.reading import probe, reopen
from fineparser.video.writing import VideoSink

PANEL_WIDTH, PANEL_HEIGHT = 720, 720
"""Largest panel, pixels: two of them fill a tablet's screen, and larger ones take twice the time to write."""

SMALLEST_HEIGHT = 480
"""Panels of smaller clips are enlarged to it, so that the captions can be read."""

GAP = 4
"""Pixels between the panels."""

FASTEST = 60.0
"""Frames a second above which the comparison is not written: two clips take twice the work."""


@dataclass(frozen=True)
class Panel:
    """One side of the comparison."""

    clip: PhasedClip
    title: str
    """ASCII; shown at the top."""
    track: MaskTrack | None = None
    """Masks, where they are known."""

    @classmethod
    def of(cls, report: DiveReport, title: str | None = None) -> "Panel":
        """The clip that a report is about, with its masks."""
        return cls(PhasedClip.of(report), title or query_title(report), MaskTrack(report))

    @classmethod
    def of_exemplar(cls, report: DiveReport, exemplar: str | None = None) -> "Panel | None":
        """The clip that shows an exemplar of a report (None: the one that it chose); None where there is no clip."""
        vote = next((vote for vote in report.votes if vote.exemplar == (exemplar or report.exemplar)), None)
        if vote is None or vote.shown is None:
            return None
        clip = vote.shown.clip
        try:
            phased = PhasedClip(probe(clip.path), clip.first, clip.flight, clip.entry, clip.last)
        except ValueError:
            return None  # lost or broken since: the score stands without its picture
        return cls(phased, exemplar_title(vote))


def query_title(report: DiveReport) -> str:
    """What is written over the dive that is judged."""
    if report.total is None:
        return f"This dive {report.dive_code or ''}".rstrip()
    return f"This dive {report.dive_code}: {report.total.value:.2f}"


def exemplar_title(vote: Vote) -> str:
    """What is written over the clip that shows the exemplar of a vote: the score is that of the dive in the clip."""
    if vote.shown is None or vote.shown.id == vote.exemplar:
        return f"Exemplar {vote.code}: {vote.exemplar_score:.2f}"
    return f"A {vote.shown.code} like it: {vote.shown.score:.2f}"


def panel_sizes(query: PhasedClip, exemplar: PhasedClip) -> tuple[tuple[int, int], tuple[int, int]]:
    """Width and height of both panels: one height, each with its clip's shape, even, within the largest panel."""
    shapes = [clip.info.width / clip.info.height for clip in (query, exemplar)]
    wanted = max(SMALLEST_HEIGHT, query.info.height, exemplar.info.height)
    height = int(min(PANEL_HEIGHT, wanted, PANEL_WIDTH / max(shapes))) // 2 * 2
    return tuple((max(2, round(height * shape / 2) * 2), height) for shape in shapes)


def comparison_frames(
    query: Panel,
    exemplar: Panel,
    pairs: np.ndarray,
    style: MaskStyle | str = MaskStyle.OUTLINE,
    caption: bool = True,
) -> Iterator[np.ndarray]:
    """One picture a pair, uint8 [H, W, 3]: query left, exemplar right; `pairs` as from `paired_frames`."""
    sizes = panel_sizes(query.clip, exemplar.clip)
    gap = np.full((sizes[0][1], GAP, 3), 16, np.uint8)
    sources = [reopen(panel.clip.info) for panel in (query, exemplar)]
    with sources[0], sources[1]:
        shown: list[tuple[int, np.ndarray] | None] = [None, None]
        for pair in pairs.tolist():
            for side, (panel, number) in enumerate(zip((query, exemplar), pair, strict=True)):
                if shown[side] is None or shown[side][0] != number:
                    picture = _draw_panel(panel, number, sources[side].frame(number), sizes[side], style, caption)
                    shown[side] = number, picture
            yield np.concatenate([shown[0][1], gap, shown[1][1]], axis=1)


def _draw_panel(
    panel: Panel, number: int, frame: np.ndarray, size: tuple[int, int], style: MaskStyle | str, caption: bool
) -> np.ndarray:
    shrinks = size[1] < frame.shape[0]
    picture = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    clip = panel.clip
    phase = clip.phase_at(number) if clip.first <= number <= clip.last else None
    colour = None if phase is None else PHASE_COLOURS[phase]
    mask = None if panel.track is None or MaskStyle(style) is MaskStyle.NONE else panel.track.at(number)
    if mask is not None:
        mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
        picture = draw_mask(picture, mask, colour, style, line=2)
    if not caption:
        return picture
    picture = draw_caption(picture, frame_caption(phase, number, clip.info.seconds(number)), colour)
    return draw_caption(picture, panel.title, top=True)


def write_comparison(
    query: Panel,
    exemplar: Panel,
    path: str | Path,
    align: Alignment | str = Alignment.PHASES,
    nudge: tuple[int, int] = (0, 0),
    style: MaskStyle | str = MaskStyle.OUTLINE,
    caption: bool = True,
) -> Path:
    """The two clips side by side at the query's speed, silent, as H.264; the file is whole or not there.

    Args:
        query: `Panel.of(report)`.
        exemplar: the clip beside it.
        path: of the video.
        align, nudge: as in `paired_frames`.
        style: of the masks, where a side has them.
        caption: whether titles, phases, frame numbers and times are burnt in.
    """
    fps = min(playback_rate(query.clip.info), FASTEST)
    if Alignment(align) is not Alignment.PHASES:
        fps = min(max(fps, playback_rate(exemplar.clip.info)), FASTEST)
    pairs = paired_frames(query.clip, exemplar.clip, fps, align, nudge)
    left, right = panel_sizes(query.clip, exemplar.clip)
    sink = VideoSink(path, fps, left[0] + GAP + right[0], left[1], keyframe_every=KEYFRAME_EVERY, quality=20)
    with sink:
        for picture in comparison_frames(query, exemplar, pairs, style, caption):
            sink.write(picture)
    return Path(path)
