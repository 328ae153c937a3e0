"""Files to frames and back: reading, which frames, which part of the picture, writing."""

from fineparser.video.clip import Clip, read_clip
from fineparser.video.framing import Framing
from fineparser.video.reading import FrameSource, Limits, VideoError, VideoInfo, open_source, probe, reopen
from fineparser.video.sampling import sample_frames, windows

__all__ = [
    "Clip",
    "FrameSource",
    "Framing",
    "Limits",
    "VideoError",
    "VideoInfo",
    "open_source",
    "probe",
    "read_clip",
    "reopen",
    "sample_frames",
    "windows",
]
