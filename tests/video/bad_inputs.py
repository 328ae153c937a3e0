"""Inputs that are no clips, with the error message of each.

The tests of the page upload the same files: `BAD_INPUTS` is the table, `uploadable` the rows that are one file.
"""

import os
import wave
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from fineparser.video.limits import Limits
from tests.video.clips import H264, encode, ffmpeg, numbered_frames, write_folder


@dataclass(frozen=True)
class BadInput:
    """An input that is no clip."""

    name: str
    """Short name, the test's id."""

    write: Callable[[Path], Path]
    """Writes it into the given empty folder and returns its path."""

    reason: str
    """Regular expression that the reason matches."""

    limits: Limits = field(default_factory=Limits)
    """The limits under which it is bad."""

    uploadable: bool = False
    """True for a regular file that is bad under the default limits, so that a browser can send it."""


def bytes_as(name: str, data: bytes) -> Callable[[Path], Path]:
    """A file `name` that holds `data`."""

    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(data)
        return path

    return write


def video_as(name: str, *options: str, count: int = 30, size: tuple[int, int] = (48, 64)) -> Callable[[Path], Path]:
    """A video of `count` numbered frames of `size` (height, width)."""

    def write(folder: Path) -> Path:
        return encode(folder / name, numbered_frames(count, *size), *options)

    return write


def part_of(name: str, *options: str, keep: float = 0.6) -> Callable[[Path], Path]:
    """The first `keep` of a video's bytes."""

    def write(folder: Path) -> Path:
        path = encode(folder / name, numbered_frames(60), *options)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * keep)])
        return path

    return write


def zeroed_tail(folder: Path) -> Path:
    """A download that reserved its place on the disk and never finished."""
    path = encode(folder / "reserved.mp4", numbered_frames(60), *H264, "-movflags", "+faststart")
    data = path.read_bytes()
    kept = int(len(data) * 0.7)
    path.write_bytes(data[:kept] + bytes(len(data) - kept))
    return path


def no_index(folder: Path) -> Path:
    """A recording that was cut off before its index was written."""
    path = encode(folder / "cut_off.mp4", numbered_frames(60))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moov") - 4])
    return path


def sound(name: str, *options: str) -> Callable[[Path], Path]:
    """Half a second of a tone."""

    def write(folder: Path) -> Path:
        ffmpeg("-f", "lavfi", "-i", "sine=duration=0.5", *options, folder / name)
        return folder / name

    return write


def wav(folder: Path) -> Path:
    """A WAV file under a video's name."""
    path = folder / "tone.mp4"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.zeros(4000, np.int16).tobytes())
    return path


def zip_archive(folder: Path) -> Path:
    """A zip archive under a video's name."""
    path = folder / "clips.mp4"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("dive.txt", "not a dive")
    return path


def unknown_codec(folder: Path) -> Path:
    """A sound MP4 whose video track is in an unknown format."""
    path = encode(folder / "codec.mp4", numbered_frames(30))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzz1"))
    return path


def playlist(folder: Path) -> Path:
    """A playlist that would make a careless decoder open other files."""
    secret = encode(folder / "secret.mp4", numbered_frames(30))
    path = folder / "playlist.mp4"
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n")
    return path


def image(suffix: str) -> bytes:
    """An encoded image."""
    return cv2.imencode(suffix, np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))[1].tobytes()


def folder_with(change: Callable[[Path], object], suffix: str = ".png") -> Callable[[Path], Path]:
    """A folder of twelve frames, 100 to 111, after `change` was done to it."""

    def write(folder: Path) -> Path:
        clip = write_folder(folder / "frames", numbered_frames(12), first=100, suffix=suffix)
        change(clip)
        return clip

    return write


def truncated_image(file: str) -> Callable[[Path], object]:
    """Keep half of an image of a folder."""

    def change(clip: Path) -> None:
        data = (clip / file).read_bytes()
        (clip / file).write_bytes(data[: len(data) // 2])

    return change


def empty_folder(folder: Path) -> Path:
    """A folder without anything in it."""
    (folder / "frames").mkdir()
    return folder / "frames"


def folder_of_text(folder: Path) -> Path:
    """A folder with other files than images."""
    (folder / "frames").mkdir()
    (folder / "frames" / "00001.txt").write_text("a dive")
    return folder / "frames"


def dangling_link(folder: Path) -> Path:
    """A link to a file that is gone."""
    (folder / "link.mp4").symlink_to(folder / "gone.mp4")
    return folder / "link.mp4"


def pipe(folder: Path) -> Path:
    """A named pipe, from which reading would wait for ever."""
    os.mkfifo(folder / "pipe.mp4")
    return folder / "pipe.mp4"


GIF = ("-f", "gif")
FRONT = (*H264, "-movflags", "+faststart")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
NOISE = np.random.default_rng(1).integers(128, 256, 5000, np.uint8).tobytes()
HUGE_GIF = b"GIF89a" + b"\xff\xff" * 2 + b"\x00\x00\x00" + b"\x2c" + bytes(20) + b";"

BAD_INPUTS = (
    # Not there, or not a file.
    BadInput("missing", lambda folder: folder / "nowhere.mp4", "does not exist"),
    BadInput("dangling link", dangling_link, "is a link to .*gone.mp4, which does not exist"),
    BadInput("pipe", pipe, "neither a file nor a folder"),
    # Not a video.
    BadInput("empty file", bytes_as("empty.mp4", b""), "is empty", uploadable=True),
    BadInput("text", bytes_as("dive.mp4", b"a forward dive\n" * 50), "is a text file", uploadable=True),
    BadInput("noise", bytes_as("noise.mp4", NOISE), "of an unsupported kind", uploadable=True),
    BadInput("zip", zip_archive, "is a zip archive", uploadable=True),
    BadInput("png renamed", bytes_as("dive.mp4", image(".png")), "is a PNG image", uploadable=True),
    BadInput("jpeg renamed", bytes_as("dive.mov", image(".jpg")), "is a JPEG image", uploadable=True),
    BadInput("single picture", bytes_as("dive.jpg", image(".jpg")), "is a JPEG image"),
    BadInput("playlist", playlist, "is a text file", uploadable=True),
    BadInput("other ending", bytes_as("dive.txt", b"a dive"), "is a text file"),
    BadInput("no ending", bytes_as("dive", b"a dive"), "is a text file"),
    # Sound alone.
    BadInput("wav renamed", wav, "is a WAV sound file", uploadable=True),
    BadInput("sound in mp4", sound("tone.mp4", "-c:a", "aac"), "has no video track", uploadable=True),
    BadInput("sound in webm", sound("tone.webm", "-c:a", "libopus"), "has no video track", uploadable=True),
    BadInput("sound in avi", sound("tone.avi", "-c:a", "pcm_s16le"), "has no video track", uploadable=True),
    # Not all there.
    BadInput("mp4 without index", no_index, "is truncated: its index", uploadable=True),
    BadInput("truncated mp4", part_of("cut.mp4", *FRONT), "is truncated: it announces 60", uploadable=True),
    BadInput("truncated mov", part_of("cut.mov", *FRONT), "is truncated: it announces 60", uploadable=True),
    BadInput("truncated avi", part_of("cut.avi", "-c:v", "mjpeg"), "is truncated: it", uploadable=True),
    BadInput("truncated webm", part_of("cut.webm", *VP8), "is truncated: it announces 60", uploadable=True),
    BadInput("truncated mkv", part_of("cut.mkv", *H264), "is truncated: it announces 60", uploadable=True),
    BadInput("truncated gif", part_of("cut.gif", *GIF), "is truncated: it ends", uploadable=True),
    BadInput("zeroed tail", zeroed_tail, "is damaged: it announces 60 frames, but only", uploadable=True),
    BadInput("header alone", part_of("head.mkv", *H264, keep=0.02), "cannot be decoded|no video", uploadable=True),
    BadInput("unknown codec", unknown_codec, "cannot be decoded", uploadable=True),
    # Too little, too much.
    BadInput("no frames", video_as("none.mp4", *H264, "-frames:v", "0"), "has no video track", uploadable=True),
    BadInput("one frame", video_as("one.mp4", count=1), "has only 1 frame;", uploadable=True),
    BadInput("seven frames", video_as("short.mp4", count=7), "has only 7 frames", uploadable=True),
    BadInput("seven frames of gif", video_as("short.gif", *GIF, count=7), "only 7 frames", uploadable=True),
    BadInput("tiny picture", video_as("tiny.avi", "-c:v", "mjpeg", size=(8, 8)), "8x8 pixels, too", uploadable=True),
    BadInput("huge gif", bytes_as("huge.gif", HUGE_GIF), "has no frames", uploadable=True),
    BadInput("odd pixels", video_as("odd.mp4", *H264, "-vf", "setsar=10/1"), "10 times as wide", uploadable=True),
    BadInput("too long", video_as("long.mp4"), "is 1.0 s long or longer", Limits(max_seconds=0.5)),
    BadInput("too large", video_as("large.mp4"), "64x48 pixels, more than the limit", Limits(max_pixels=3000)),
    BadInput("too many frames", video_as("many.mp4"), "has 21 frames or more", Limits(max_frames=20)),
    BadInput("too slow", video_as("slow.mp4"), "takes more than 1e-09 s", Limits(max_probe_seconds=1e-9)),
    # Folders.
    BadInput("empty folder", empty_folder, "is a folder without frames"),
    BadInput("folder of text", folder_of_text, "is a folder without frames"),
    BadInput("gap", folder_with(lambda clip: (clip / "00105.png").unlink()), "has gaps .*missing 105"),
    BadInput(
        "differing sizes",
        folder_with(lambda clip: write_folder(clip, numbered_frames(1, 24, 32), first=107)),
        "00100.png is 64x48, 00107.png is 32x24",
    ),
    BadInput(
        "text in folder",
        folder_with(lambda clip: (clip / "00104.png").write_text("no picture")),
        "neither a JPEG nor a PNG",
    ),
    BadInput(
        "empty picture", folder_with(lambda clip: (clip / "00104.png").write_bytes(b"")), "is empty"
    ),
    BadInput("cut png", folder_with(truncated_image("00104.png")), "is a truncated PNG"),
    BadInput("cut jpeg", folder_with(truncated_image("00104.jpg"), ".jpg"), "is a truncated JPEG"),
    BadInput(
        "number twice",
        folder_with(lambda clip: write_folder(clip, numbered_frames(1), first=104, suffix=".jpg")),
        "has frame 104 twice: 00104.jpg and 00104.png",
    ),
    BadInput(
        "two clips",
        folder_with(lambda clip: write_folder(clip, numbered_frames(1), first=112, name="second_{}")),
        "mixes the images of several clips",
    ),
    BadInput(
        "no number",
        folder_with(lambda clip: (clip / "cover.png").write_bytes(image(".png"))),
        "without a number in its name: cover.png",
    ),
    BadInput("short folder", lambda folder: write_folder(folder / "f", numbered_frames(5)), "only 5 frames"),
    BadInput("folder too large", folder_with(lambda clip: None), "64x48 pixels, more", Limits(max_pixels=3000)),
    BadInput("folder too long", folder_with(lambda clip: None), "is 0.5 s long", Limits(max_seconds=0.3)),
)  # fmt: skip
