"""What OpenCV and its FFmpeg would write to stderr."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def quiet_decoder() -> Iterator[None]:
    """Keep the decoders silent: what is wrong with a clip is said by a VideoError."""
    # FFmpeg's level is read when a process opens its first video; -8 is "quiet".
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(level)
