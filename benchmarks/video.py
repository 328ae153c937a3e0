"""Frames a second read by this package, by OpenCV and by FFmpeg's own program, and the scan of a training session.

All read the same H.264 clip in turns, so that other work on the machine slows all of them, and the fastest run of each
counts.
"""

import io
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import av
import cv2
import numpy as np

from benchmarks.machine import describe, peak_memory
from fineparser.analysis.clip_scan import SCAN_SIDE, ClipScan
from fineparser.bundled import bundled
from fineparser.video.info import VideoInfo
from fineparser.video.reader import open_source, probe, reopen, scan_frames
from fineparser.video.source import prefetch
from fineparser.video.writer import write_video

FPS = 30
EXAMPLE = "assets/examples/platform-10m-5253B.mp4"
NOISE = 4.0
"""Deviation of the noise that is added, grey levels: a clip without a camera's noise is faster to decode."""
NOISE_SHIFT = 64
"""Pixels by which the noise is shifted at most from frame to frame."""
QUALITY = 19
"""Constant rate factor of the clips: with the noise some 10 Mbit/s at 1080 lines, as phones write."""
STRETCH_SECONDS = 20.0
"""Length of the part of a session that is encoded; it is repeated until the session is long enough."""

Report = Callable[[str], None]
Reader = Callable[[VideoInfo], int]
"""Reads a clip, given the facts about it, and returns the number of its frames."""


@dataclass(frozen=True, kw_only=True)
class VideoBenchmark:
    """Sizes and lengths of the clips."""

    lines: tuple[int, ...] = (480, 720, 1080, 2160)
    """Heights of the frames whose reading is timed, pixels."""
    seconds: float = 3.0
    """Length of the clip at each size."""
    repeats: int = 5
    """Number of runs of each reader; the fastest counts."""
    session_minutes: float = 20.0
    """Length of a session whose scan is timed; 0 leaves it out."""
    session_lines: int = 1080
    """Height of its frames."""

    def __post_init__(self) -> None:
        if self.repeats < 1:
            raise ValueError(f"each reader has to run at least once, not {self.repeats} times")
        if self.seconds * FPS < 8:
            raise ValueError(f"a clip of {self.seconds:g} s is too short; give at least {8 / FPS:.2f} s")


OPTIONS = VideoBenchmark


def measure(options: VideoBenchmark, report: Report = lambda line: None) -> dict:
    """Frames a second of each reader at each size, and seconds and peak memory of the scan of a session.

    Args:
        options: sizes and lengths of the clips.
        report: called with lines of progress, and with a table.

    Raises:
        ImportError: without the package imageio-ffmpeg of the extra "dev", which holds FFmpeg's program.
    """
    readers = {
        "scan": read_by_scan,
        "stream": read_by_stream,
        "opencv": read_by_opencv,
        "ffmpeg": read_by_ffmpeg,
        "ffmpeg rgb24": read_by_ffmpeg_to_rgb,
    }
    result: dict = {"machine": describe(), "seconds": options.seconds, "sizes": {}}
    with tempfile.TemporaryDirectory(prefix="fineparser-benchmark-") as name:
        for lines in options.lines:
            report(f"writing a clip of {options.seconds:g} s with {lines} lines")
            frames = camera_frames(lines, round(options.seconds * FPS))
            path = write_video(Path(name) / f"{lines}.mp4", frames, FPS, quality=QUALITY)
            result["sizes"][str(lines)] = {
                "bits_per_second": round(8 * path.stat().st_size / options.seconds),
                **frame_rates(probe(path), readers, options.repeats),
            }
        report(table(result))
        if options.session_minutes:
            report(f"writing a session of {options.session_minutes:g} minutes with {options.session_lines} lines")
            session = write_session(Path(name) / "session.mp4", options.session_minutes * 60, options.session_lines)
            result["session"] = {"lines": options.session_lines, **scan_session(session)}
            report("{frames} frames scanned at {times_real_time:.2f} times real time".format(**result["session"]))
    return result


def camera_frames(lines: int, count: int) -> Iterator[np.ndarray]:
    """`count` frames of `lines` lines, 16:9, uint8 RGB: an example dive, enlarged, with noise, to and fro."""
    width = round(lines * 16 / 9 / 2) * 2
    random = np.random.default_rng(0)
    noise = random.normal(0, NOISE, (lines + NOISE_SHIFT, width + NOISE_SHIFT, 3)).astype(np.int16)
    with open_source(bundled(EXAMPLE)) as source:
        numbers = [*source.frame_numbers, *reversed(source.frame_numbers)]
        for number in islice(cycle(numbers), count):
            frame = cv2.resize(source.frame(number), (width, lines), interpolation=cv2.INTER_CUBIC)
            down, right = random.integers(0, NOISE_SHIFT, 2)
            part = np.ascontiguousarray(noise[down : down + lines, right : right + width])
            yield cv2.add(frame, part, dtype=cv2.CV_8U)


def frame_rates(info: VideoInfo, readers: dict[str, Reader], repeats: int) -> dict:
    """Frames a second of each reader, as such and as multiples of OpenCV's, and its processor time a frame."""
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    processor: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(repeats):
        for name, read in readers.items():
            start, busy = time.perf_counter(), processor_seconds()
            count = read(info)
            seconds[name].append(time.perf_counter() - start)
            processor[name].append(processor_seconds() - busy)
            if count != info.frame_count:
                raise RuntimeError(f"{name} has read {count} frames instead of {info.frame_count}")
    rates = {name: info.frame_count / min(times) for name, times in seconds.items()}
    return {
        "frames_per_second": rates,
        "times_opencv": {name: rate / rates["opencv"] for name, rate in rates.items()},
        "processor_milliseconds_per_frame": {
            name: 1000 * min(times) / info.frame_count for name, times in processor.items()
        },
    }


def processor_seconds() -> float:
    """Processor seconds of this process and of its children, which other programs hardly change."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def read_by_scan(info: VideoInfo) -> int:
    """The pass in which a clip is opened: facts, frame index, and reduced frames."""
    numbers: list[int] = []
    scan_frames(info.path, lambda number, frame: numbers.append(number), longest_side=SCAN_SIDE)
    return len(numbers)


def read_by_stream(info: VideoInfo) -> int:
    """All frames at their full size, decoded ahead in a thread; the pass before is not timed."""
    with reopen(info) as source, closing(prefetch(source.stream())) as frames:
        return sum(1 for _ in frames)


def read_by_opencv(info: VideoInfo) -> int:
    """OpenCV's VideoCapture, converted to RGB."""
    capture, count = cv2.VideoCapture(str(info.path), cv2.CAP_FFMPEG), 0
    while True:
        read, frame = capture.read()
        if not read:
            return count
        cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)
        count += 1


def read_by_ffmpeg(info: VideoInfo) -> int:
    """FFmpeg's program, which decodes, throws away and reports how many frames."""
    command = ffmpeg_command(info.path, "-progress", "pipe:1", "-f", "null", "-")
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return int([line for line in lines if line.startswith("frame=")][-1].removeprefix("frame="))


def read_by_ffmpeg_to_rgb(info: VideoInfo) -> int:
    """FFmpeg's program, which sends RGB frames through a pipe."""
    frame, count = bytearray(info.width * info.height * 3), 0
    command = ffmpeg_command(info.path, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1")
    with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=len(frame)) as process:
        pipe = process.stdout
        assert isinstance(pipe, io.BufferedReader)
        while pipe.readinto(frame) == len(frame):
            count += 1
    return count


def ffmpeg_command(path: Path, *output: str) -> list[str]:
    """Command line of FFmpeg's program for every frame of the video of a file."""
    from imageio_ffmpeg import get_ffmpeg_exe

    frames = ("-map", "0:v:0", "-fps_mode", "passthrough")
    return [get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-i", str(path), *frames, *output]


def write_session(path: Path, seconds: float, lines: int) -> Path:
    """Write a video of at least `seconds` whose packets are those of one stretch, again and again."""
    stretch = path.with_stem("stretch")
    count = round(min(seconds, STRETCH_SECONDS) * FPS)
    write_video(stretch, camera_frames(lines, count), FPS, quality=QUALITY)
    with av.open(str(path), "w", format="mp4") as output:
        copy, offset = None, 0
        for _ in range(math.ceil(seconds * FPS / count)):
            with av.open(str(stretch)) as source:
                video = source.streams.video[0]
                copy = copy or output.add_stream_from_template(video)
                assert video.time_base is not None
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:  # marks the end
                        continue
                    packet.dts, packet.pts = packet.dts + offset, packet.pts + offset
                    packet.stream = copy
                    output.mux(packet)
                offset += round(count / FPS / video.time_base)
    stretch.unlink()
    return path


def scan_session(path: Path) -> dict:
    """Frames, seconds, multiple of real time and peak memory of a process that opens a clip and scans it."""
    program = "import sys; from benchmarks.video import print_scan; print_scan(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )
    if done.returncode != 0:
        raise RuntimeError(f"the scan of {path.name} ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def print_scan(path: str) -> None:
    """Open and scan a clip; print what it took."""
    start = time.perf_counter()
    info = ClipScan.from_file(path).info
    seconds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "minutes": info.duration / 60,
                "frames": info.frame_count,
                "scan_seconds": seconds,
                "times_real_time": info.duration / seconds,
                "peak_memory": peak_memory(),
            }
        )
    )


def table(result: dict) -> str:
    """Frames a second of each reader, and in brackets the multiple of OpenCV's, as a Markdown table."""
    names = list(next(iter(result["sizes"].values()))["frames_per_second"])
    lines = ["| lines | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for size, numbers in result["sizes"].items():
        cells = [f"{numbers['frames_per_second'][name]:.0f} ({numbers['times_opencv'][name]:.2f})" for name in names]
        lines.append(f"| {size} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
