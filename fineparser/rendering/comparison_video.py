"""A dive and its exemplar side by side: alignment in time, and the video."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from fineparser.analysis.report import DiveReport
from fineparser.domain.phases import Phase
from fineparser.exemplars.voting_result import Vote
from fineparser.rendering.mask_track import MaskTrack
from fineparser.rendering.overlay import (
    KEYFRAME_EVERY,
    CaptionPosition,
    MaskStyle,
    draw_caption,
    draw_mask,
    frame_caption,
)
from fineparser.rendering.palette import PHASE_COLOURS
from fineparser.rendering.video_export import playback_rate
from fineparser.video.info import VideoInfo
from fineparser.video.reader import probe, reopen
from fineparser.video.writer import VideoSink

MAX_WIDTH, MAX_HEIGHT = 720, 720
"""Largest size of a side, pixels: two of them fill a tablet's screen, and larger ones take twice the time to write."""

MIN_HEIGHT = 480
"""Height to which smaller clips are enlarged, so that the captions are legible."""

GAP = 4
"""Pixels between the sides."""

MAX_RATE = 60.0
"""Highest frame rate of the video."""


class Alignment(enum.StrEnum):
    """Alignment of two clips in time."""

    PHASES = "phases"
    """Take-off, flight and entry start together although their lengths differ: the dive at its own speed, the exemplar
    stretched phase by phase."""
    START = "start"
    """Both at their own speed from their first frames."""
    TAKE_OFF = "take-off"
    """Both at their own speed, leaving the board together."""
    ENTRY = "entry"
    """Both at their own speed, entering the water together."""


@dataclass(frozen=True)
class ClipPhases:
    """A clip with its phases in source frame numbers; ValueError unless they are in order and in the clip."""

    info: VideoInfo
    first: int
    """First frame of the dive."""
    flight: int
    """First frame of the flight."""
    entry: int
    """First frame of the entry."""
    last: int
    """Last frame of the dive."""

    def __post_init__(self) -> None:
        marks = (self.info.first_number, self.first, self.flight, self.entry, self.last, self.info.last_number)
        if list(marks) != sorted(marks):
            raise ValueError(
                f"{self.info.path}: the frames first {self.first}, flight {self.flight}, entry {self.entry} and last "
                f"{self.last} must come in this order within {self.info.first_number} to {self.info.last_number}."
            )

    @classmethod
    def from_report(cls, report: DiveReport) -> "ClipPhases":
        """The clip of a report."""
        return cls(report.info, report.first_frame, report.flight.frame, report.entry.frame, report.last_frame)

    @property
    def anchors(self) -> np.ndarray:
        """Seconds of the first, first flight, first entry and last frame, float64 [4]."""
        return np.array([self.info.seconds(number) for number in (self.first, self.flight, self.entry, self.last)])

    def phase_at(self, number: int) -> Phase:
        """Phase of source frame `number`."""
        return Phase(int(number >= self.flight) + int(number >= self.entry))


def pair_frames(
    query: ClipPhases,
    exemplar: ClipPhases,
    fps: float,
    align: Alignment | str = Alignment.PHASES,
    offsets: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Source frame numbers of query and exemplar to show together, int64 [n, 2].

    Aligned by phases, the query runs at its own speed, and the exemplar is as far through its phase as the query.
    Otherwise both run at their own speed with the named transition at the same time; the one that starts later waits
    on its first frame, and the one that ends earlier stays on its last.

    Args:
        query, exemplar: the two clips.
        fps: of the video.
        align: alignment in time.
        offsets: frames by which query and exemplar run ahead (negative: behind), within the clips.
    """
    align = Alignment(align)
    query_anchors, exemplar_anchors = query.anchors, exemplar.anchors
    shift = 0.0
    if align is Alignment.PHASES:
        start, stop = query_anchors[0], query_anchors[3]
    else:
        anchor = {Alignment.START: 0, Alignment.TAKE_OFF: 1, Alignment.ENTRY: 2}[align]
        # Times are the query's.
        shift = query_anchors[anchor] - exemplar_anchors[anchor]
        start = min(query_anchors[0], exemplar_anchors[0] + shift)
        stop = max(query_anchors[3], exemplar_anchors[3] + shift)
    # A small tolerance, so that rounding does not drop the last frame.
    times = start + np.arange(int((stop - start) * fps + 1e-6) + 1) / fps
    pairs = np.empty((len(times), 2), np.int64)
    for row, time in enumerate(times):
        if align is Alignment.PHASES:
            exemplar_time = matching_time(float(time), query_anchors, exemplar_anchors)
        else:
            exemplar_time = time - shift
        pairs[row, 0] = query.info.number_at(float(np.clip(time, query_anchors[0], query_anchors[3])))
        pairs[row, 1] = exemplar.info.number_at(float(np.clip(exemplar_time, exemplar_anchors[0], exemplar_anchors[3])))
    for side, clip in enumerate((query, exemplar)):
        pairs[:, side] = np.clip(pairs[:, side] + offsets[side], clip.info.first_number, clip.info.last_number)
    return pairs


def matching_time(time: float, query_anchors: np.ndarray, exemplar_anchors: np.ndarray) -> float:
    """Time of the exemplar, seconds, that is as far through its phase as `time` is through the query's.

    Args:
        time: of the query.
        query_anchors, exemplar_anchors: `ClipPhases.anchors`.
    """
    # With the tolerance the first frame of a phase belongs to it in spite of rounding.
    phase = int(np.searchsorted(query_anchors[1:3], time + 1e-6, side="right"))
    low, high = query_anchors[phase], query_anchors[phase + 1]
    share = min(max((time - low) / (high - low), 0.0), 1.0) if high > low else 0.0
    return float(exemplar_anchors[phase] + share * (exemplar_anchors[phase + 1] - exemplar_anchors[phase]))


@dataclass(frozen=True)
class ComparisonSide:
    """One side of the comparison."""

    clip: ClipPhases
    title: str
    """ASCII; drawn at the top."""
    track: MaskTrack | None = None
    """Masks, if there are any."""

    @classmethod
    def from_report(cls, report: DiveReport, title: str | None = None) -> "ComparisonSide":
        """The clip of a report, with its masks."""
        return cls(ClipPhases.from_report(report), title or query_title(report), MaskTrack(report))

    @classmethod
    def from_exemplar(cls, report: DiveReport, exemplar: str | None = None) -> "ComparisonSide | None":
        """The clip that shows an exemplar of a report; None without a clip.

        Args:
            report: of the query.
            exemplar: id of an exemplar that voted; None: the report's choice.
        """
        vote = next((vote for vote in report.votes if vote.exemplar == (exemplar or report.exemplar)), None)
        if vote is None or vote.clip_exemplar is None or vote.clip_exemplar.clip is None:
            return None
        clip = vote.clip_exemplar.clip
        try:
            phases = ClipPhases(probe(clip.path), clip.first, clip.flight, clip.entry, clip.last)
        except ValueError:
            return None  # lost or broken since: the score is valid without its clip
        return cls(phases, exemplar_title(vote))


def query_title(report: DiveReport) -> str:
    """Title of the dive of a report."""
    if report.total is None:
        return f"This dive {report.dive_code or ''}".rstrip()
    return f"This dive {report.dive_code}: {report.total.value:.2f}"


def exemplar_title(vote: Vote) -> str:
    """Title of the clip that shows the exemplar of a vote, with the score of the dive in the clip."""
    if vote.clip_exemplar is None or vote.clip_exemplar.id == vote.exemplar:
        return f"Exemplar {vote.code}: {vote.exemplar_score:.2f}"
    return f"A {vote.clip_exemplar.code} like it: {vote.clip_exemplar.score:.2f}"


def side_sizes(query: ClipPhases, exemplar: ClipPhases) -> tuple[tuple[int, int], tuple[int, int]]:
    """Width and height of both sides: of equal height, each with its clip's aspect, even, within the largest size."""
    aspects = [clip.info.width / clip.info.height for clip in (query, exemplar)]
    height = max(MIN_HEIGHT, query.info.height, exemplar.info.height)
    height = int(min(MAX_HEIGHT, height, MAX_WIDTH / max(aspects))) // 2 * 2
    left, right = (max(2, round(height * aspect / 2) * 2) for aspect in aspects)
    return (left, height), (right, height)


def comparison_frames(
    query: ComparisonSide,
    exemplar: ComparisonSide,
    pairs: np.ndarray,
    style: MaskStyle | str = MaskStyle.OUTLINE,
    caption: bool = True,
) -> Iterator[np.ndarray]:
    """One image a pair, uint8 [H, W, 3]: query on the left, exemplar on the right; `pairs` as from `pair_frames`."""
    sizes = side_sizes(query.clip, exemplar.clip)
    gap = np.full((sizes[0][1], GAP, 3), 16, np.uint8)
    sources = [reopen(side.clip.info) for side in (query, exemplar)]
    with sources[0], sources[1]:
        numbers: list[int | None] = [None, None]
        images = [np.empty(0), np.empty(0)]
        for pair in pairs.tolist():
            for index, (side, number) in enumerate(zip((query, exemplar), pair, strict=True)):
                if numbers[index] != number:
                    frame = sources[index].frame(number)
                    images[index] = _draw_side(side, number, frame, sizes[index], style, caption)
                    numbers[index] = number
            yield np.concatenate([images[0], gap, images[1]], axis=1)


def _draw_side(
    side: ComparisonSide,
    number: int,
    frame: np.ndarray,
    size: tuple[int, int],
    style: MaskStyle | str,
    caption: bool,
) -> np.ndarray:
    is_smaller = size[1] < frame.shape[0]
    image = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if is_smaller else cv2.INTER_CUBIC)
    clip = side.clip
    phase = clip.phase_at(number) if clip.first <= number <= clip.last else None
    colour = None if phase is None else PHASE_COLOURS[phase]
    mask = None if side.track is None or MaskStyle(style) is MaskStyle.NONE else side.track.at(number)
    if mask is not None and colour is not None:
        mask = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST).astype(bool)
        image = draw_mask(image, mask, colour, style, line=2)
    if not caption:
        return image
    image = draw_caption(image, frame_caption(phase, number, clip.info.seconds(number)), colour)
    return draw_caption(image, side.title, position=CaptionPosition.TOP)


def write_comparison(
    query: ComparisonSide,
    exemplar: ComparisonSide,
    path: str | Path,
    align: Alignment | str = Alignment.PHASES,
    offsets: tuple[int, int] = (0, 0),
    style: MaskStyle | str = MaskStyle.OUTLINE,
    caption: bool = True,
) -> Path:
    """Write the two clips side by side at the query's speed, silent, as H.264; the file is written atomically.

    Args:
        query: `ComparisonSide.from_report(report)`.
        exemplar: the clip beside it.
        path: of the video.
        align, offsets: see `pair_frames`.
        style: of the masks, on a side that has them.
        caption: draw titles, phases, frame numbers and times.
    """
    fps = min(playback_rate(query.clip.info), MAX_RATE)
    if Alignment(align) is not Alignment.PHASES:
        fps = min(max(fps, playback_rate(exemplar.clip.info)), MAX_RATE)
    pairs = pair_frames(query.clip, exemplar.clip, fps, align, offsets)
    left, right = side_sizes(query.clip, exemplar.clip)
    sink = VideoSink(path, fps, left[0] + GAP + right[0], left[1], keyframe_every=KEYFRAME_EVERY, quality=20)
    with sink:
        for image in comparison_frames(query, exemplar, pairs, style, caption):
            sink.write(image)
    return Path(path)
