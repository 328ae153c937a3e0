"""Example clips of the app: simulated dives, written as videos.

No person is shown. `python -m fineparser examples` writes the same frames again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fineparser.atomic import atomic_path
from fineparser.bundled import bundled
from fineparser.video.writer import write_video

if TYPE_CHECKING:
    from fineparser.simulator.plan import DivePlan

EXAMPLES_FOLDER = bundled("assets/examples")
LINES = 360
"""Height of the frames: enough for a phone, with small files."""
MAX_BYTES_PER_CLIP = 400_000
QUALITIES = range(23, 40, 2)
"""Rate factors of the encoder, from good to small: the first that makes a clip small enough is used."""


@dataclass(frozen=True)
class ExampleClip:
    """Simulated dive for trying the app."""

    name: str
    title: str
    """Label of its button."""
    code: str
    height: float
    """Metres."""
    camera: str
    seed: int
    level: float
    """Level of the diver, 0 (beginner) to 1 (medallist)."""

    @property
    def path(self) -> Path:
        """Path of the bundled clip."""
        return EXAMPLES_FOLDER / f"{self.name}.mp4"

    def plan(self) -> DivePlan:
        """Plan of the dive, in the test split, which no network is trained with."""
        from fineparser.simulator.plan import DiveRequest, plan_dive  # the app starts without the simulator

        return plan_dive(
            self.seed,
            DiveRequest(
                code=self.code,
                height=self.height,
                level=self.level,
                camera=self.camera,
                synchro=False,
                opening=False,
            ),
            split="test",
        )


EXAMPLES = (
    ExampleClip("platform-10m-207C", "10 m platform, 207C", "207C", 10.0, "broadcast", 12, 0.8),
    ExampleClip("springboard-3m-405C", "3 m, phone in hand, 405C", "405C", 3.0, "handheld", 9, 0.45),
    ExampleClip("springboard-3m-105B", "3 m, camera stands still, 105B", "105B", 3.0, "static", 14, 0.6),
    ExampleClip("platform-10m-5253B", "10 m platform, 5253B", "5253B", 10.0, "broadcast", 14, 0.95),
)


def write_examples(
    folder: str | Path = EXAMPLES_FOLDER,
    examples: tuple[ExampleClip, ...] = EXAMPLES,
    lines: int = LINES,
    on_written: Callable[[Path, DivePlan], None] = lambda path, plan: None,
) -> None:
    """Write examples as videos into `folder`, each atomically.

    Args:
        folder: folder to write to.
        examples: the bundled ones by default.
        lines: height of the frames.
        on_written: called with the path and plan of each example.

    Raises:
        VideoError: where one cannot be written.
        ValueError: where one stays larger than `MAX_BYTES_PER_CLIP` at any quality.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for example in examples:
        plan = example.plan()
        frames, _ = plan.render(lines, "full")
        path = folder / f"{example.name}.mp4"
        with atomic_path(path) as part:
            for quality in QUALITIES:
                write_video(part, frames, plan.fps, quality=quality)
                if part.stat().st_size <= MAX_BYTES_PER_CLIP:
                    break
            else:
                raise ValueError(
                    f"{path.name} is larger than {MAX_BYTES_PER_CLIP} bytes at any quality: choose another dive"
                )
        on_written(path, plan)
