"""Clips that the tests write: every frame carries its own number, by which a decoded one is recognised."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np

H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
BITS = 8


def numbered_frames(count: int, height: int = 48, width: int = 64, first: int = 0) -> np.ndarray:
    """uint8 RGB [count, height, width, 3]: the top half shows the frame's number as eight dark or bright bars, least
    significant bit on the left; the bottom half is red, green and blue from left to right."""
    frames = np.zeros((count, height, width, 3), np.uint8)
    bar = width // BITS
    for index in range(count):
        for bit in range(BITS):
            frames[index, : height // 2, bit * bar : (bit + 1) * bar] = 215 if (index + first) >> bit & 1 else 40
    third = width // 3
    for channel in range(3):
        frames[:, height // 2 :, channel * third : (channel + 1) * third, channel] = 200
    return frames


def number_of(frame: np.ndarray) -> int:
    """The number that an upright frame of `numbered_frames` carries, whatever its size."""
    height, width = frame.shape[:2]
    centres = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    bright = frame[height // 4, centres].mean(axis=-1) > 128
    return int((bright << np.arange(BITS)).sum())


def ffmpeg(*arguments: str | Path, pictures: np.ndarray | None = None) -> bytes:
    """Run the bundled ffmpeg, `pictures` as raw RGB on its standard input; what it wrote to standard output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", *map(str, arguments)]
    data = None if pictures is None else pictures.tobytes()
    done = subprocess.run(command, input=data, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def encode(path: Path, frames: np.ndarray, *options: str, fps: str = "30") -> Path:
    """Write frames uint8 RGB [n, H, W, 3] to `path` with ffmpeg's own options (`H264` without any)."""
    size = f"{frames.shape[2]}x{frames.shape[1]}"
    source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", size, "-framerate", fps, "-i", "pipe:0")
    ffmpeg(*source, *(options or H264), path, pictures=np.ascontiguousarray(frames))
    return path


def write_folder(folder: Path, frames: np.ndarray, first: int = 0, suffix: str = ".png", name: str = "{:05d}") -> Path:
    """Write frames as numbered pictures into `folder`, from number `first` on."""
    import cv2

    folder.mkdir(parents=True, exist_ok=True)
    for number, frame in enumerate(frames, first):
        done, data = cv2.imencode(suffix, frame[..., ::-1])
        assert done
        (folder / f"{name.format(number)}{suffix}").write_bytes(data.tobytes())
    return folder
