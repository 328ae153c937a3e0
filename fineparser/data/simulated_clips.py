"""Simulated dives as video files, to be analysed like any clip."""

from pathlib import Path

from fineparser.simulator.plan import DivePlan
from fineparser.video.writer import write_video

CLIP_LINES = {"broadcast": 360, "static": 540, "handheld": 432}
"""Height of the frames by kind of camera, pixels: the diver is smallest before static cameras."""
QUALITY = 23
"""Constant rate factor of the video files, the encoder's default."""


def write_simulated_clip(plan: DivePlan, path: Path) -> Path:
    """Render the whole frames of a dive into a video file, and return its path."""
    return write_video(path, plan.render(CLIP_LINES[plan.style.camera_kind], "full")[0], plan.fps, quality=QUALITY)
