"""The clip that the viewer plays: H.264 with dense keyframes, which steps and seeks exactly in every browser."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from fineparser.rendering.playback import playback_rate
from fineparser.video.info import VideoInfo
from fineparser.video.read_ahead import read_ahead
from fineparser.video.reading import reopen
from fineparser.video.writing import VideoSink

MOST_LINES = 720
"""A tablet shows no more, and a phone decodes no more in time."""

KEYFRAME_EVERY = 4
"""Frames between keyframes: a step back decodes four frames at most."""

MARGIN_SECONDS = 1.0
"""Shown before and after the analysed part."""


@dataclass(frozen=True)
class PlayerClip:
    """A written clip and which source frame is shown when."""

    path: Path
    fps: float
    first: int
    """Source frame number of its first frame."""
    times: tuple[float, ...]
    """Seconds in the written clip at which each source frame begins, and when the last one ends: one more than
    frames."""
    start: float
    """Seconds of the source at which the clip begins."""


def write_player_clip(info: VideoInfo, first: int, last: int, path: str | Path) -> PlayerClip:
    """Writes frames `first` to `last` of a clip, and a little around them, for the viewer; one frame at a time.

    Raises:
        VideoError: where the clip cannot be read any more or the file not be written.
    """
    rate = playback_rate(info)
    start, end = info.seconds(first), info.seconds(last)
    first, last = info.number_at(max(start - MARGIN_SECONDS, 0.0)), info.number_at(end + MARGIN_SECONDS)
    shrink = min(1.0, MOST_LINES / min(info.width, info.height))
    width, height = (max(2, round(side * shrink / 2) * 2) for side in (info.width, info.height))
    with (
        reopen(info) as source,
        VideoSink(path, rate, width, height, keyframe_every=KEYFRAME_EVERY, quality=22) as sink,
        closing(read_ahead(source.stream(first, last + 1))) as frames,
    ):
        for number, frame in frames:
            if frame.shape[:2] != (height, width):
                frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
            sink.write(frame, info.seconds(number) if info.variable_frame_rate else None)
    offset = info.seconds(first)
    times = [info.seconds(number) - offset for number in range(first, last + 1)]
    return PlayerClip(Path(path), rate, first, (*times, times[-1] + 1 / rate), offset)


def whole_clip(info: VideoInfo) -> PlayerClip:
    """An exemplar's clip as it is: small H.264 with dense keyframes already; in the cache, for the page to fetch."""
    times = [info.seconds(number) for number in info.frame_numbers]
    return PlayerClip(in_cache(info.path), info.fps, info.first_number, (*times, times[-1] + 1 / info.fps), 0.0)


def in_cache(path: str | Path) -> Path:
    """A copy of a file where the page may fetch it from, whatever its folder; it goes with the rest of the cache."""
    return Path(save_file_to_cache(path, get_upload_folder()))
