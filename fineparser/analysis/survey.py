"""One look through a whole clip: where it cuts, what moves."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from fineparser.analysis.motion import Motion, MotionWatch
from fineparser.video.cuts import find_cuts
from fineparser.video.info import VideoInfo
from fineparser.video.read_ahead import read_ahead
from fineparser.video.source import FrameSource


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of a clip before the network sees it; a few hundred bytes a frame, no pictures."""

    info: VideoInfo
    cuts: tuple[int, ...]
    """Source frame numbers where a new shot starts."""
    motion: Motion

    @classmethod
    def of(cls, source: FrameSource) -> "Survey":
        """Reads every frame of a source once."""
        watch = MotionWatch()

        def watched(frames: Iterator[tuple[int, np.ndarray]]) -> Iterator[tuple[int, np.ndarray]]:
            for number, frame in frames:
                watch.see(frame)
                yield number, frame

        with closing(read_ahead(source.stream())) as frames:
            cuts = find_cuts(watched(frames))
        return cls(source.info, cuts, watch.result())

    @cached_property
    def seconds(self) -> np.ndarray:
        """When each frame is shown, float64 [n]."""
        return np.array([self.info.seconds(number) for number in self.info.frame_numbers])

    @cached_property
    def shots(self) -> tuple[tuple[int, int], ...]:
        """First and last frame number of every shot."""
        edges = [self.info.first_number, *self.cuts, self.info.last_number + 1]
        return tuple((start, stop - 1) for start, stop in pairwise(edges))

    @property
    def longest_shot(self) -> tuple[int, int]:
        """First and last frame number of the shot with the most frames."""
        return max(self.shots, key=lambda shot: shot[1] - shot[0])
