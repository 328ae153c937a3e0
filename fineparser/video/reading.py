"""Opening a clip: a video file or a folder of frames, behind one interface."""

from pathlib import Path

from fineparser.video.container import VIDEO_SUFFIXES
from fineparser.video.error import VideoError
from fineparser.video.file_source import FileSource
from fineparser.video.folder_source import FOLDER_FPS, FolderSource
from fineparser.video.info import VideoInfo
from fineparser.video.limits import Limits
from fineparser.video.picture_file import PICTURE_SUFFIXES
from fineparser.video.source import FrameSource

__all__ = ["FrameSource", "Limits", "VideoError", "VideoInfo", "open_source", "probe", "reopen"]


def open_source(
    path: str | Path,
    limits: Limits | None = None,
    folder_fps: float = FOLDER_FPS,
    known: VideoInfo | None = None,
) -> FrameSource:
    """Open the clip at `path`: a video file (MP4, MOV, AVI, WebM, MKV, GIF) or a folder of numbered pictures.

    `folder_fps` is the frame rate of a folder, which cannot say it itself. Everything is checked here: VideoError
    names the file and the reason when it is missing, no video, truncated, without pictures, shorter than
    `limits.min_frames` or beyond another of the `limits`, or a folder with gaps. Nothing is written to disk.

    `known` are the facts that an earlier look at the same file found: it is not looked through again.
    """
    path = Path(path)
    limits = limits or Limits()
    try:
        if path.is_dir():
            return FolderSource(path, limits, folder_fps)
        _refuse_what_is_no_file(path)
        return FileSource(path, limits, known)
    except VideoError:
        raise
    except PermissionError as error:
        raise VideoError(path, "may not be read: permission denied. Change its access rights.") from error
    except OSError as error:
        raise VideoError(path, f"cannot be read: {error.strerror or error}.") from error


def reopen(info: VideoInfo) -> FrameSource:
    """Open a clip that was looked through before, at once; VideoError where it is gone."""
    return open_source(info.path, folder_fps=info.fps, known=info)


def probe(path: str | Path, limits: Limits | None = None, folder_fps: float = FOLDER_FPS) -> VideoInfo:
    """The facts about the clip at `path`; VideoError as from `open_source`."""
    with open_source(path, limits, folder_fps) as source:
        return source.info


def _refuse_what_is_no_file(path: Path) -> None:
    if not path.exists():
        if path.is_symlink():
            raise VideoError(path, f"is a link to {path.readlink()}, which does not exist.")
        raise VideoError(path, "does not exist. Check the path.")
    if not path.is_file():
        raise VideoError(path, "is neither a file nor a folder.")
    suffix = path.suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        raise VideoError(path, "is a single picture. Give a video, or a folder of numbered pictures.")
    if suffix not in VIDEO_SUFFIXES:
        ending = f"ends in {path.suffix!r}" if suffix else "has no ending"
        raise VideoError(path, f"{ending}; a video ends in {', '.join(VIDEO_SUFFIXES)}. Convert or rename it.")
