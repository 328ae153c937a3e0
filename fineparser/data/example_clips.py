"""The example clips that come with the app: dives of the simulator, written as videos.

No person is shown, and the same command writes the same frames again: python -m fineparser examples.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fineparser.simulator.plan import DivePlan, plan_dive
from fineparser.video.writing import write_video

FOLDER = Path(__file__).parents[2] / "assets" / "examples"
LINES = 360
"""Of the pictures: as much as shows on a phone, and small files."""
MOST_BYTES = 400_000
QUALITIES = range(23, 40, 2)
"""Of the encoder, from good to small: the first that keeps a clip small enough is taken."""


@dataclass(frozen=True)
class ExampleClip:
    """A simulated dive that a visitor can try the page with."""

    name: str
    title: str
    """In a few words, for a button."""
    code: str
    height: float
    """Metres."""
    camera: str
    seed: int
    level: float
    """Of the diver, 0 (beginner) to 1 (medallist)."""

    @property
    def path(self) -> Path:
        """Where the bundled clip lies."""
        return FOLDER / f"{self.name}.mp4"

    def plan(self) -> DivePlan:
        """The dive before a pixel of it is drawn; of the test split, which no network learns from."""
        return plan_dive(
            self.seed,
            split="test",
            code=self.code,
            height=self.height,
            level=self.level,
            camera=self.camera,
            synchro=False,
            opening=False,
        )


EXAMPLES = (
    ExampleClip("platform-10m-207C", "10 m platform, 207C", "207C", 10.0, "broadcast", 12, 0.8),
    ExampleClip("springboard-3m-405C", "3 m, phone in hand, 405C", "405C", 3.0, "handheld", 9, 0.45),
    ExampleClip("springboard-3m-105B", "3 m, camera stands still, 105B", "105B", 3.0, "static", 14, 0.6),
    ExampleClip("platform-10m-5253B", "10 m platform, 5253B", "5253B", 10.0, "broadcast", 14, 0.95),
)


def write_examples(
    folder: str | Path = FOLDER,
    examples: tuple[ExampleClip, ...] | None = None,
    lines: int = LINES,
    told: Callable[[Path, DivePlan], None] = lambda path, plan: None,
) -> None:
    """Writes the examples (None: all that are bundled) as videos into `folder`; each is whole or not there.

    VideoError where one cannot be written, ValueError where it stays larger than `MOST_BYTES` at any quality.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for example in EXAMPLES if examples is None else examples:
        plan = example.plan()
        frames, _ = plan.film(lines, "full")
        path = folder / f"{example.name}.mp4"
        part = folder / f".{example.name}.mp4"
        try:
            for quality in QUALITIES:
                write_video(part, frames, plan.fps, quality=quality)
                if part.stat().st_size <= MOST_BYTES:
                    break
            else:
                raise ValueError(f"{path.name} is larger than {MOST_BYTES} bytes at any quality: choose another dive")
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        told(path, plan)
