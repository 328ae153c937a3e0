"""Videos written from the frames of a clip: frame rate and sound."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from fineparser.video.info import VideoError, VideoInfo

MAX_RATE = 120.0
"""Highest frame rate of a video made from a clip of varying rate; players drop frames beyond it."""

DEMUXERS = {"mp4": "mov", "matroska": "matroska", "avi": "avi"}
"""FFmpeg's demuxer for each container with sound. It is named, so that FFmpeg does not guess one from the content of
an untrusted file: a playlist of addresses would be one guess."""

SOUND_SECONDS = 120
"""Time limit for copying a video and encoding its sound, which takes a few seconds."""


def playback_rate(info: VideoInfo) -> float:
    """Frame rate of a video of a clip's frames: the clip's own or, if it varies, one for its densest part."""
    if info.timestamps is None:
        return info.fps
    # Not the shortest interval of all, since a few odd ones of a millisecond are common.
    shortest = float(np.quantile(np.diff(info.timestamps), 0.05))
    return max(info.fps, min(MAX_RATE, 1 / shortest))


@contextmanager
def with_source_sound(path: str | Path, info: VideoInfo) -> Iterator[Path]:
    """Path for a silent video, which is moved to `path` with the source's sound when the block ends well.

    The sound starts and ends with the frames. A source without sound, or with sound that cannot be decoded, leaves
    the video silent. After an exception nothing is left.

    Raises:
        VideoError: if `path` cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise VideoError(path, f"cannot be written: there is no folder {path.parent}.")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        silent, with_sound = Path(folder) / "silent.mp4", Path(folder) / "sound.mp4"
        yield silent
        finished = with_sound if _add_sound(silent, info, with_sound) else silent
        try:
            finished.replace(path)
        except OSError as error:
            raise VideoError(path, f"cannot be written: {error.strerror or error}.") from error


def _add_sound(silent: Path, info: VideoInfo, target: Path) -> bool:
    """Write `silent` with the sound of the source to `target`; False if there is no usable sound."""
    if info.kind not in DEMUXERS:
        return False
    from imageio_ffmpeg import get_ffmpeg_exe

    command = [
        *(get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file"),
        *("-i", f"file:{silent.absolute()}"),
        *("-protocol_whitelist", "file", "-f", DEMUXERS[info.kind], "-i", f"file:{info.path.absolute()}"),
        # Without an audio stream the mapping fails, which is the fastest way to detect that.
        *("-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-c:a", "aac", "-b:a", "128k", "-ac", "2"),
        *("-t", f"{info.duration:.6f}", "-movflags", "+faststart", "-f", "mp4", f"file:{target.absolute()}"),
    ]
    try:
        result = subprocess.run(command, capture_output=True, timeout=SOUND_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0
