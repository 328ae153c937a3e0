"""The source's sound, carried over to a video that was made from its frames."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fineparser.video.error import VideoError
from fineparser.video.info import VideoInfo

DEMUXERS = {"mp4": "mov", "matroska": "matroska", "avi": "avi"}
"""The reader of each kind of source that can hold sound. It is named, so that nothing is guessed from a stranger's
file: a playlist of addresses would be one guess."""

LONGEST_SECONDS = 120
"""Copying a video and coding its sound takes a few seconds; after so long something hangs."""


@contextmanager
def finished_with_sound(path: str | Path, info: VideoInfo) -> Iterator[Path]:
    """Lends a name for a silent video; when the block ends well, it stands at `path` with the source's sound.

    The sound begins with the picture and ends with it. A source without sound, or with sound that cannot be
    decoded, leaves the video silent. After an exception nothing is left. VideoError where `path` cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise VideoError(path, f"cannot be written: there is no folder {path.parent}.")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        silent, sounding = Path(folder) / "silent.mp4", Path(folder) / "sounding.mp4"
        yield silent
        finished = sounding if _add_sound(silent, info, sounding) else silent
        try:
            finished.replace(path)
        except OSError as error:
            raise VideoError(path, f"cannot be written: {error.strerror or error}.") from error


def _add_sound(silent: Path, info: VideoInfo, target: Path) -> bool:
    """Writes `silent` with the sound of the source to `target`; False where there is no sound that can be used."""
    if info.kind not in DEMUXERS:
        return False
    from imageio_ffmpeg import get_ffmpeg_exe

    command = [
        *(get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-protocol_whitelist", "file"),
        *("-i", f"file:{silent.absolute()}"),
        *("-protocol_whitelist", "file", "-f", DEMUXERS[info.kind], "-i", f"file:{info.path.absolute()}"),
        # Without a sound track the mapping fails, which is the quickest way to find out.
        *("-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-c:a", "aac", "-b:a", "128k", "-ac", "2"),
        *("-t", f"{info.duration:.6f}", "-movflags", "+faststart", "-f", "mp4", f"file:{target.absolute()}"),
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
